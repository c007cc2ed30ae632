"""Lenses as the configuration names them: columns of a table by name, all others by what they measure."""

from __future__ import annotations

import re

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.contracts.scales import columns_of
from gancensus.contracts.source import Source

MEASURED = re.compile(r"pca[1-9][0-9]*|eccentricity|density")
VALUE = re.compile(r"x(0|[1-9][0-9]*)")
VALUES = "pca1, pca2..., eccentricity, density, x0, x1..."


def why_unknown(name: str, encoder: str | None, source: Source) -> str | None:
    """Return why there is no such lens, as far as that is known before the run."""
    if MEASURED.fullmatch(name) or VALUE.fullmatch(name):
        return None
    if encoder is not None:
        return f"lens '{name}' is not known, and vectors of encoder {encoder} have no columns; there are: {VALUES}"
    if source.tabular is False:
        return f"lens '{name}' is not known, and samples of source {source.kind} have no columns; there are: {VALUES}"
    reason = source.lacks(name)
    return None if reason is None else reason.replace("`target`", "`lens`")


def resolved(name: str, train: Samples, encoder: str | None) -> str:
    """Return a lens by its place in the vectors, xN, where it is the name of a column; else as it is.

    Raises:
        UserError: there is no such column, or its values have no order.
    """
    if MEASURED.fullmatch(name):
        return name
    columns = columns_of(train) if train.are_rows and encoder is None else ()
    places, start = {}, 0
    for column in columns:
        places[column.name] = start
        start += column.width
    unordered = {column.name for column in columns if column.type == "nominal"}
    if name in unordered:
        raise UserError(
            f"lens '{name}': the categories of this column have no order; name another one: "
            f"{_listed([one for one in places if one not in unordered])}"
        )
    if name in places:
        return f"x{places[name]}"
    if VALUE.fullmatch(name):
        return name
    ordered = [one for one in places if one not in unordered]
    columns_are = f", columns {_listed(ordered)}" if ordered else ""
    raise UserError(f"lens '{name}' is not known; there are: {VALUES}{columns_are}")


def _listed(names: list[str]) -> str:
    """Return the first of some names."""
    return ", ".join(names[:30]) + ("..." if len(names) > 30 else "")
