"""Which samples a figure shows: a table beside it, in which a reader can look them up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.columns import Column, decode, is_written
from gancensus.contracts.samples import Samples
from gancensus.contracts.scales import columns_of
from gancensus.storage.schemas import SHOWN


class Group(NamedTuple):
    """Samples that are shown together."""

    name: str
    samples: Samples
    values: Any = None
    """(n,) float64: distance or score of each."""
    pictures: Sequence[bytes] | None = None
    """Each as a PNG; then the values of the samples are not written."""


def shown_table(groups: Sequence[Group]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns of SHOWN for groups of samples; names, units and categories of their columns."""
    table: dict[str, list[Any]] = {name: [] for name in SHOWN.names}
    rows = [natural_rows(one.samples) if one.samples.are_rows and one.pictures is None else None for one in groups]
    tables = [known for known, _ in filter(None, rows)]
    for (group, samples, values, pictures), found in zip(groups, rows, strict=True):
        natural: Any = np.empty((len(samples), 0)) if found is None else _shared(*found, tables)
        table["group"] += [group] * len(samples)
        table["sample_id"] += samples.sample_id.tolist()
        table["value"] += [None] * len(samples) if values is None else list(values)
        table["x"] += natural.tolist()
        table["picture"] += [None] * len(samples) if pictures is None else pictures
    return table, _about(tables) if tables else {}


def _about(tables: Sequence[Sequence[Column]]) -> dict[str, str]:
    """Return names, units, categories and formats of the columns of tables that differ only in new categories."""
    known = tables[0]
    about = {"names": json.dumps([one.name for one in known]), "units": json.dumps([one.unit for one in known])}
    if any(one.categories for one in known):
        every = [(*one.categories, *_extra(tables, k)) for k, one in enumerate(known)]
        about["categories"] = json.dumps(every)
    if any(is_written(one) for one in known):
        about["written"] = json.dumps([(one.reading, one.steps) if is_written(one) else None for one in known])
    return about


def _extra(tables: Sequence[Sequence[Column]], k: int) -> tuple[str, ...]:
    """Return the categories of a column that no real row has but some of the tables do."""
    return tuple(dict.fromkeys(text for known in tables for text in known[k].extra))


def _shared(
    known: Sequence[Column], rows: NDArray[np.float64], tables: Sequence[Sequence[Column]]
) -> NDArray[np.float64]:
    """Return rows (n, columns) whose new categories are numbered as those of all tables together."""
    shared = rows.copy()
    for k, one in enumerate(known):
        for m, text in enumerate(one.extra):
            shared[rows[:, k] == len(one.categories) + m, k] = len(one.categories) + _extra(tables, k).index(text)
    return shared


def natural_rows(samples: Samples) -> tuple[Sequence[Column], NDArray[np.float64]]:
    """Return the columns and the legal rows (n, columns), in natural units, of samples that are rows of a table."""
    known = columns_of(samples)
    return known, decode(known, samples.x)
