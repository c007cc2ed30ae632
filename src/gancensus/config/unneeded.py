"""What others' packages do that a run must be spared.

Mostly what numba, SciPy, Arrow, matplotlib and Snakemake would do for nothing at each start of them, and takes long.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from pathlib import Path
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


class _Amended(MetaPathFinder, Loader):
    """Finds modules of AMENDED, and changes them once their code has run."""

    def __init__(self) -> None:
        self.loaders = dict[str, Loader]()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in AMENDED else None
        if spec is not None and spec.loader is not None:
            self.loaders[fullname], spec.loader = spec.loader, self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        self.loaders[module.__name__].exec_module(module)
        with suppress(KeyError, AttributeError):  # another version, which has no such name
            AMENDED[module.__name__](vars(module))


class _NoText(defaultdict[str, list[Any]]):
    """Stands for the parsed docstring of a function, to which SciPy adds, and of which it then drops the first line."""

    def __init__(self, function: object) -> None:
        super().__init__(list)

    def __str__(self) -> str:
        return "\n"


def _no_lists_of_properties(names: dict[str, Any]) -> None:
    names["kwdoc"] = lambda artist: ""


def _no_docstrings(names: dict[str, Any]) -> None:
    names["FunctionDoc"] = _NoText


def _no_products_yet(names: dict[str, Any]) -> None:
    """Have numba look for BLAS where it compiles a product of matrices, and not where it is imported, too."""
    look = names["ensure_blas"]
    names["ensure_blas"] = lambda: look() if hasattr(sys.modules["numba.np.arraymath"], "_HAVE_BLAS") else None


def _no_tables_as_parameters(names: dict[str, Any]) -> None:
    """Have Snakemake write every parameter of a rule as it is; ours are no tables of pandas."""
    names["PersistenceBase"]._serialize_param_pandas = names["PersistenceBase"]._serialize_param_builtin


def _locks_of_its_own(names: dict[str, Any]) -> None:
    """Have Snakemake remove no locks but its own when it ends: other runs work in the same folder, on other files.

    It would remove the folder that all lie in, also for one that is about to write its own. `--unlock` still does.
    """
    persistence = names["FilePersistence"]
    delete_all, read = persistence._delete_locks, persistence._read_locks

    def delete(self: Any) -> None:
        for path in self._lockfile.values():
            Path(path).unlink(missing_ok=True)
        self._lockfile.clear()

    def read_whole(self: Any) -> list[tuple[str, str]]:
        while True:
            with suppress(FileNotFoundError):  # one was removed after the folder was listed
                return list(read(self))

    persistence.cleanup_locks, persistence._delete_locks, persistence._read_locks = delete_all, delete, read_whole


def _no_word_of_our_profile(names: dict[str, Any]) -> None:
    """Have Snakemake not print at each start that it uses a profile, where that is only the one that we name."""

    def say(*words: object, **options: Any) -> None:
        if not (words and str(words[0]).startswith("Using workflow specific profile ")):
            print(*words, **options)

    names["print"] = say


AMENDED: dict[str, Callable[[dict[str, Any]], None]] = {
    "matplotlib.artist": _no_lists_of_properties,  # for docstrings, take as long as half a figure
    "numba.np.linalg": _no_products_yet,  # which imports scipy.linalg
    "scipy._lib._docscrape": _no_docstrings,  # parses the docstrings of a few hundred functions, to add to them
    "snakemake.cli": _no_word_of_our_profile,
    "snakemake.persistence": _no_tables_as_parameters,  # looks whether they are, and imports pandas for it
    "snakemake.persistence.file": _locks_of_its_own,
}
"""What is changed in the names of a module."""


def leave_out() -> None:
    """Keep them out of this process, which must be a step's own; must be called before numba and Arrow are imported.

    Arrow looks for pandas once, at the first array; from then on it can be imported by those who need it.
    """
    sys.meta_path[:0] = [_NoExtensions(), _Amended(), _Later()]
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    hidden = _NoPandas()
    sys.meta_path.insert(0, hidden)
    pa.array([0]).to_numpy()
    sys.meta_path.remove(hidden)


class _PandasLater(ModuleType):
    """Stands for pandas until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get("pandas") is self:
            del sys.modules["pandas"]
        return getattr(import_module("pandas"), name)


@contextmanager
def pandas_later() -> Iterator[None]:
    """Give what is imported within, as Snakemake's plugin for SLURM, a pandas that is imported when it is used."""
    if "pandas" not in sys.modules:
        sys.modules["pandas"] = _PandasLater("pandas")
    try:
        yield
    finally:
        if isinstance(sys.modules.get("pandas"), _PandasLater):
            del sys.modules["pandas"]
