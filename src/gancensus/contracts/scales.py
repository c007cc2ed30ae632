"""Columns as the scale of samples, and the columns of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gancensus.contracts.columns import Column
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples, Samples, Scale


def scale_of(columns: Sequence[Column]) -> Scale:
    """Return the scale of vectors x: an entry per value, 'purpose=car' for a category of a nominal column."""
    values: list[tuple[str, str, float, float]] = []
    for column in columns:
        if column.type == "nominal":
            values += [(f"{column.name}={category}", "1", 0.0, 1.0) for category in column.categories]
        else:
            values.append((column.name, column.unit, *column.ends))
    names, units, low, high = zip(*values, strict=True)
    return Scale(names, units, low, high, tuple(columns))


def columns_of(samples: Samples) -> tuple[Column, ...]:
    """Return the columns of samples that are rows of a table: all numbers, x0, x1..., where nothing else is known.

    Raises UserError when samples are not rows.
    """
    if not samples.are_rows:
        raise UserError(f"a sample of shape {samples.x.shape[1:]} is not a row of a table")
    scale, values = samples.scale, samples.x.shape[1]
    if scale is not None and scale.columns:
        return scale.columns
    if scale is not None and len(scale.names) == values:
        known = zip(scale.names, scale.units, scale.low, scale.high, strict=True)
        return tuple(Column(name, "continuous", unit, low, high) for name, unit, low, high in known)
    unit, low, high = ("1", -1.0, 1.0) if scale is None else (scale.units[0], scale.low[0], scale.high[0])
    return tuple(Column(f"x{k}", "continuous", unit, low, high) for k in range(values))


def scale_like(real: Scale | None, found: LazySamples) -> Scale | None:
    """Return the scale of generated samples: the real ones', with the categories that only generated rows have."""
    scale = found.scale
    if scale is None or replace(scale, columns=tuple(replace(one, extra=()) for one in scale.columns)) != real:
        return real
    return scale
