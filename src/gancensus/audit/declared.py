"""What a user declares about samples, as keys of their sections: columns, units, and what belongs together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from gancensus.audit.asked import Asked
from gancensus.audit.reading import described
from gancensus.audit.recognise import Input
from gancensus.config.registry import members
from gancensus.contracts.cells import DECLARED
from gancensus.contracts.family import suggestion
from gancensus.contracts.source import Source
from gancensus.domains.general.source_files import FOLDER

Sections = Mapping[str, MutableMapping[str, Any]]


def declare(asked: Asked, inputs: Mapping[str, Input], sections: Sections) -> list[str]:
    """Add keys to sections, by role; return what cannot be, a line each."""
    problems = [*_types(asked, inputs["real"]), *_group(asked, inputs["real"], sections["real"]["kind"])]
    said = {"types": dict(asked.types), "decimal": asked.decimal, "group": asked.group}
    sections["real"].update({key: value for key, value in said.items() if value})
    tables = {role: one.names for role, one in inputs.items() if one.form == "table"}
    known = dict.fromkeys(name for names in tables.values() for name in names)
    problems += [
        f"--drop {name}: no table has such a column{suggestion(name, known)}"
        for name in asked.drop
        if name not in known
    ]
    for role, section in sections.items():
        more = [asked.group] if role != "real" and asked.group is not None else []  # of no use to generated rows
        if drop := [name for name in dict.fromkeys([*asked.drop, *more]) if name in tables.get(role, ())]:
            section["drop"] = drop
        if asked.same_units and role != "real":
            section["same_units"] = True
    return problems


def _types(asked: Asked, real: Input) -> Iterator[str]:
    """Yield what is wrong with types and the decimal mark, which the real rows have, as others are read like them."""
    if real.form != "table" and (asked.types or asked.decimal):
        option = "--types" if asked.types else "--decimal"
        yield f"{option}: real is {described(real)}; only columns of .csv and .parquet have types"
    for name, kind in asked.types.items():
        if kind not in DECLARED:
            yield f"--types {name}={kind}: no such type{suggestion(kind, DECLARED)}"
    if asked.decimal not in (None, ".", ","):
        yield f"--decimal {asked.decimal}: is no decimal mark; write . or ,"


def _group(asked: Asked, real: Input, kind: str) -> Iterator[str]:
    """Yield why real samples of a kind of source cannot have groups, or not these."""
    if asked.group is not None and real.form == "folder" and asked.group != FOLDER:
        yield f"--group {asked.group}: of images, folders say which belong together; write {FOLDER}"
    elif asked.group is not None and "group" not in members(Source)[kind].model_fields:
        yield (
            f"--group {asked.group}: real is {described(real)}; a column of a table says what belongs together, an "
            "array of a .npz (x and NAME), or, as `folder`, the folders that images are in"
        )
