"""What numba, SciPy, Arrow and matplotlib would do for nothing at each start of a step, and takes long."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from threading import RLock
from types import ModuleType
from typing import Any

LATER = (  # whole modules that others import and do not use; none whose parts import each other by the whole
    "numpy.f2py",  # SciPy imports whatever NumPy has
    "numpy.testing",
    "pyarrow.compute",  # wraps every function of Arrow's
)


class _NoExtensions(MetaPathFinder, Loader):
    """Stands for the module of numba that imports what other packages add to it.

    Such packages, `vector` and `awkward`, come with fastjet, and bring SymPy and pandas with them.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == "numba.core.entrypoints" else None

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["init_all"] = lambda: None


class _NoPandas(MetaPathFinder):
    """Finds no pandas, even where it is installed."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


class _Later(MetaPathFinder):
    """Finds modules of LATER, whose code then runs when something of them is first asked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in LATER else None
        if spec is not None and spec.loader is not None:
            spec.loader = _AtFirstLook(spec.loader)
        return spec


class _AtFirstLook(Loader):
    """Runs a module's code when something of it is asked for that is not there yet."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.lock = RLock()

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        def look(name: str) -> Any:
            with self.lock:
                if vars(module).get("__getattr__") is look:
                    del vars(module)["__getattr__"]
                    self.loader.exec_module(module)
            return getattr(module, name)

        vars(module)["__getattr__"] = look


class _NoDocumentation(MetaPathFinder, Loader):
    """Finds matplotlib's artists, whose lists of properties, for docstrings, take as long as half a figure."""

    def __init__(self) -> None:
        self.loader: Loader | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == "matplotlib.artist" else None
        if spec is not None and spec.loader is not None:
            self.loader, spec.loader = spec.loader, self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        assert self.loader is not None
        self.loader.exec_module(module)
        vars(module)["kwdoc"] = lambda artist: ""


def leave_out() -> None:
    """Keep them out of this process, which must be a step's own; must be called before numba and Arrow are imported.

    Arrow looks for pandas once, at the first array; from then on it can be imported by those who need it.
    """
    sys.meta_path[:0] = [_NoExtensions(), _NoDocumentation(), _Later()]
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    hidden = _NoPandas()
    sys.meta_path.insert(0, hidden)
    pa.array([0]).to_numpy()
    sys.meta_path.remove(hidden)
