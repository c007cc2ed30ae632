"""Persistence diagrams of random landmarks: at which distances components and loops are born and die."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.samples import VALUES_AT_ONCE, Rows, flatten, spread_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST = 64 * VALUES_AT_ONCE  # values of a population that is read whole to draw landmarks: 1 GiB
RUNS = 64  # of rows, in which the landmarks of a larger one lie


class Diagram(NamedTuple):
    """The bars of components (H0) and loops (H1), float64 (bars, 2): birth and death, in the unit of the distances.

    Bars are finite, longer than 0 and sorted. One more component never dies.
    """

    h0: Floats
    h1: Floats

    def deaths(self) -> Floats:
        """Return where components die: all are born at 0."""
        return self.h0[:, 1]


def diagram(points: NDArray[Any]) -> Diagram:
    """Return the persistence diagram of the Vietoris-Rips complex of points (n, d), n above 0.

    An edge is born at the Euclidean distance of its ends (Edelsbrunner & Harer, Computational Topology (2010), III.2
    and VII.1), computed in float64 without a product of matrices: equal points are at the distance 0.
    """
    from gudhi.sklearn.rips_persistence import RipsPersistence
    from scipy.spatial.distance import pdist, squareform

    if len(points) < 2:
        return Diagram(np.empty((0, 2)), np.empty((0, 2)))
    distances = squareform(pdist(points.astype(np.float64)))
    h0, h1 = RipsPersistence([0, 1], input_type="full distance matrix").fit_transform([distances])[0]
    return Diagram(_proper(h0), _proper(h1))


def _proper(bars: Floats) -> Floats:
    """Return the bars that are finite and longer than 0, by birth and death."""
    bars = bars[np.isfinite(bars[:, 1]) & (bars[:, 1] > bars[:, 0])]
    return bars[np.lexsort((bars[:, 1], bars[:, 0]))]


def draws(rows: Rows, landmarks: int, count: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return disjoint random samples of a population as vectors (count, landmarks, values), in the dtype of the rows.

    Of a population of more than 1 GiB they are the samples of RUNS runs of rows, evenly spaced through it, at random.
    """
    none = flatten(next(rows.chunks(slice(0, 0))).x)
    values = none.shape[1]
    wanted = landmarks * count
    if len(rows) * values <= LARGEST:
        drawn = rng.choice(len(rows), wanted, replace=False)
    else:
        drawn = rng.permutation(spread_rows(len(rows), wanted, -(-wanted // RUNS)))[:wanted]
    order = np.argsort(drawn)
    found = np.empty((wanted, values), dtype=none.dtype)
    done = 0
    for vectors in _read(rows, drawn[order], max(1, VALUES_AT_ONCE // values)):
        found[order[done : done + len(vectors)]] = vectors
        done += len(vectors)
    return found.reshape(count, landmarks, values)


def _read(rows: Rows, wanted: Ints, group: int) -> Iterator[NDArray[Any]]:
    """Yield the vectors at ascending rows; where none of `group` rows is wanted, about a row group, none is read."""
    for run in np.split(wanted, np.flatnonzero(np.diff(wanted) > group) + 1):
        start = int(run[0])
        for chunk in rows.chunks(slice(start, int(run[-1]) + 1)):
            inside = run[(run >= start) & (run < start + len(chunk))]
            yield flatten(chunk.x)[inside - start]
            start += len(chunk)
