"""The registry of plug-ins: `domains/DOMAIN/FAMILY_KIND.py` is a member of a family, found by its name."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, TypeVar, Union

from pydantic import Field

from gancensus.contracts.family import Member

M = TypeVar("M", bound=Member)

DOMAINS = Path(__file__).parents[1] / "domains"


def members(base: type[M]) -> dict[str, type[M]]:
    """Return the members of a family, by kind in the order of their files' names; base: the family's contract.

    Raises TypeError where two have one kind.
    """
    found: dict[str, type[M]] = {}
    for module in _modules(base.__module__.rpartition(".")[2]):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__:
                kind = value.model_fields["kind"].default
                if kind in found:
                    raise TypeError(f"{found[kind].__module__} and {module.__name__} both have kind {kind}")
                found[kind] = value
    return found


def _modules(family: str) -> Iterator[ModuleType]:
    """Import the files of a family's members."""
    for file in sorted(DOMAINS.glob(f"*/{family}_*.py"), key=lambda file: file.name):
        yield importlib.import_module(f"gancensus.domains.{file.parent.name}.{file.stem}")


def union(base: type[M]) -> Any:
    """Return the type that validates into whichever member of the family `kind` names."""
    kinds = tuple(members(base).values())
    return Annotated[Union[kinds], Field(discriminator="kind")] if len(kinds) > 1 else kinds[0]  # noqa: UP007
