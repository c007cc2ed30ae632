"""Packages that numba and Arrow would import where they find them, and that no step needs: they take seconds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType


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


def leave_out() -> None:
    """Keep them out of this process, which must be a step's own; must be called before numba and Arrow are imported.

    Arrow looks for pandas once, at the first array; from then on it can be imported by those who need it.
    """
    sys.meta_path.insert(0, _NoExtensions())
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    hidden = _NoPandas()
    sys.meta_path.insert(0, hidden)
    pa.array([0]).to_numpy()
    sys.meta_path.remove(hidden)
