"""The registry of plug-ins: the members of each family, found by name here and in the packages of others.

Here, `domains/DOMAIN/FAMILY_KIND.py` is a member. Another distribution names, as an entry point of the group
`gancensus.plugins`, a module with members, or a package whose modules are called FAMILY_KIND.
"""

import importlib
import pkgutil
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args

from pydantic import Field
from pydantic_core import PydanticUndefined

from gancensus.contracts.analysis import Analysis
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Member

M = TypeVar("M", bound=Member)

DOMAINS = Path(__file__).parents[1] / "domains"
GROUP = "gancensus.plugins"


class Plugin(NamedTuple):
    """A module or package that another distribution adds to gancensus."""

    module: str
    distribution: str
    version: str


class Found(NamedTuple):
    """The members of a family by kind, and what is wrong with plug-ins of the family, a line each."""

    members: dict[str, type[Any]]
    problems: list[str]


@cache
def plugins() -> tuple[Plugin, ...]:
    """Return what other distributions add, in the order of the modules' names."""
    points = [(point.value, point.dist) for point in entry_points(group=GROUP)]
    return tuple(sorted({Plugin(module, dist.name, dist.version) for module, dist in points if dist}))


def plugin_of(module: str) -> Plugin | None:
    """Return the plug-in of another distribution that a module belongs to; None for a module of gancensus."""
    return next((plugin for plugin in plugins() if f"{module}.".startswith(f"{plugin.module}.")), None)


def members(base: type[M]) -> dict[str, type[M]]:
    """Return the members of a family by kind, ours first, in the order of their files' names; base: its contract."""
    return _find(base).members


def check(families: Iterable[type[Member]], keys: Container[str] = ()) -> None:
    """Raise UserError, with all problems at once, where a plug-in cannot be used, or two have one kind.

    keys: those of a study, which an analysis, as a key of its own, must not be called.
    """
    problems = [problem for base in families for problem in _find(base).problems]
    problems += [
        f"analysis '{kind}' in {_place(member)} has the name of another key of a study; rename it"
        for kind, member in members(Analysis).items()
        if kind in keys
    ]
    if problems:
        raise UserError("\n  ".join(dict.fromkeys(problems)))


def union(base: type[M], among: Iterable[str] | None = None) -> Any:
    """Return the type that validates into whichever member of the family `kind` names.

    among: kinds, the only ones that occur, where that is known: only their modules are imported.
    """
    kinds = tuple((members(base) if among is None else _some(base, sorted(set(among)))).values())
    return Annotated[Union[kinds], Field(discriminator="kind")] if len(kinds) > 1 else kinds[0]  # noqa: UP007


def _some(base: type[M], kinds: Sequence[str]) -> dict[str, type[M]]:
    """Return members by kind; all of the family where one is not in the file that its name says."""
    found, family = Found({}, []), _family(base)
    for kind in kinds:
        for file in DOMAINS.glob(f"*/{family}_{kind.replace('-', '_')}.py"):
            _collect(found, base, importlib.import_module(f"gancensus.domains.{file.parent.name}.{file.stem}"))
    some = {kind: found.members[kind] for kind in kinds if kind in found.members}
    return some if kinds and len(some) == len(kinds) else members(base)


@cache
def _find(base: type[Member]) -> Found:
    """Import the modules that may hold members of a family, and collect the members."""
    found, family = Found({}, []), _family(base)
    for file in sorted(DOMAINS.glob(f"*/{family}_*.py"), key=lambda file: file.name):
        if not file.with_name("__init__.py").exists():  # which the digests of code and the check of imports need
            found.problems.append(
                f"gancensus: domains/{file.parent.name} has no __init__.py; add one, with a line on the domain in it"
            )
        _collect(found, base, importlib.import_module(f"gancensus.domains.{file.parent.name}.{file.stem}"))
    for plugin in plugins():
        try:
            for module in _modules(plugin, family):
                _collect(found, base, module)
        except Exception as error:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            found.problems.append(
                f"{plugin.distribution} {plugin.version}: {plugin.module} cannot be imported ({what}); "
                "update or uninstall it"
            )
    return found


def _family(base: type[Member]) -> str:
    """Return the name of a family, which is that of its contract's file."""
    return base.__module__.rpartition(".")[2]


def _modules(plugin: Plugin, family: str) -> Iterator[ModuleType]:
    """Import a plug-in, and of a package the modules that are named after the family."""
    module = importlib.import_module(plugin.module)
    yield module
    for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
        if info.name.startswith(f"{family}_"):
            yield importlib.import_module(f"{plugin.module}.{info.name}")


def _collect(found: Found, base: type[Member], module: ModuleType) -> None:
    """Add the members that a module defines to those that were found."""
    for member in vars(module).values():
        if not (isinstance(member, type) and issubclass(member, base) and member.__module__ == module.__name__):
            continue
        field, kind = member.model_fields["kind"], member.model_fields["kind"].default
        if kind is PydanticUndefined:  # a base class of members
            continue
        if get_args(field.annotation) != (kind,):
            found.problems.append(f"{_place(member)}: `kind` needs the type Literal[{kind!r}]")
        elif (other := found.members.setdefault(kind, member)) is not member:
            found.problems.append(
                f"{_family(base)} '{kind}' is in {_place(other)} and in {_place(member)}; rename or uninstall one"
            )


def _place(member: type[Member]) -> str:
    """Return where a member comes from: its distribution and its module."""
    plugin = plugin_of(member.__module__)
    return f"{f'{plugin.distribution} {plugin.version}' if plugin else 'gancensus'} ({member.__module__})"
