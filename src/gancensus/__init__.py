"""How many different samples can a generative model make, and is that as many as the data has?"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PLACES = {
    "audit": "gancensus.audit.api",
    "Audit": "gancensus.audit.api",
    "Duplicates": "gancensus.audit.parts",
    "UserError": "gancensus.contracts.errors",
    "census": "gancensus.audit.parts",
    "duplicates": "gancensus.audit.parts",
    "fidelity": "gancensus.audit.parts",
}
"""Where each public name is; imported when it is used, for NumPy and numba take seconds."""

__all__ = ["Audit", "Duplicates", "UserError", "audit", "census", "duplicates", "fidelity"]

if TYPE_CHECKING:
    from gancensus.audit.api import Audit, audit
    from gancensus.audit.parts import Duplicates, census, duplicates, fidelity
    from gancensus.contracts.errors import UserError
else:

    class _CallableRoom(ModuleType):
        """A package that is called like the function of its name: `gancensus.audit(...)`, `gancensus.audit.check`.

        Importing a module of it makes it an attribute of gancensus, in the place of any function.
        """

        def __call__(self, *args, **kwargs):
            return self.__wrapped__(*args, **kwargs)

        @property
        def __wrapped__(self):  # what `inspect.signature` shows
            return _imported(self.__name__.rpartition(".")[2])

        @property
        def __doc__(self):  # what `help` shows
            inspect, function = import_module("inspect"), self.__wrapped__
            return f"{function.__name__}{inspect.signature(function)}\n\n{inspect.getdoc(function)}"

        def __reduce__(self):
            return import_module, (self.__name__,)

    for _room in ("audit", "census"):
        import_module(f"gancensus.{_room}").__class__ = _CallableRoom


def __getattr__(name: str) -> Any:
    """Import a public name."""
    if name not in _PLACES:
        raise AttributeError(f"module 'gancensus' has no attribute '{name}'")
    found = globals()[name] = _imported(name)
    return found


def _imported(name: str) -> Any:
    """Import a public name, and first what says where the code that it compiles is kept."""
    if name != "UserError":
        import_module("gancensus.config.compiled").keep_compiled_code()
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted({*globals(), *__all__})
