"""The samples that open from the nodes of a graph: read once, and small enough for a page."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.explorer import Explorer
from gancensus.contracts.samples import Samples, rows_of
from gancensus.report.explorer import group_name
from gancensus.report.picture_figures import View, pixels
from gancensus.report.shown import Group
from gancensus.report.thumbnails import thumbnails
from gancensus.storage.samples import SampleRows

AT_ONCE = 64  # samples that are made pictures of at once


def groups(explorer: Explorer, samples: Callable[[str], SampleRows], view: View) -> list[Group]:
    """Return the samples of each node and population, as rows or as pictures; samples: opens a population."""
    wanted: dict[str, list[int]] = {}
    for node in explorer.nodes:
        for shown in node.samples:
            wanted.setdefault(shown.population, []).extend(shown.sample_id)
    known = {name: _read(samples(name), np.unique(np.array(ids, dtype=np.int64)), view) for name, ids in wanted.items()}
    found = []
    for node in explorer.nodes:
        for shown in node.samples:
            some, pictures = known[shown.population]
            rows = rows_of(some.sample_id, np.asarray(shown.sample_id, dtype=np.int64))
            chosen = None if pictures is None else [pictures[row] for row in rows]
            found.append(Group(group_name(node.name, shown.population), some.take(rows), None, chosen))
    return found


def _read(rows: SampleRows, ids: NDArray[np.int64], view: View) -> tuple[Samples, list[bytes] | None]:
    """Read some samples of a population; where they are no rows of a table, their pictures in place of x."""
    known = rows.identities()
    places = np.sort(rows_of(known.sample_id, ids))
    if next(rows.chunks(slice(0, 1))).are_rows:
        return rows.take(places), None
    parts = (rows.take(places[k : k + AT_ONCE]) for k in range(0, len(places), AT_ONCE))
    return known.take(places), [one for part in parts for one in thumbnails(pixels(part, view))]
