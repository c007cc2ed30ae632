"""Whether the generated rows of a table copy those that the model was trained on.

All but `copies` and `distinct` work on any distance between rows; a `Distance` takes rows (p, k) and (q, k) and returns
the distances (p, q). Each says what its interval contains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import SPLITS, half_sample_variance, sides
from gancensus.statistics.intervals import LEVEL, symmetric, wilson
from gancensus.statistics.roc import mann_whitney

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Distance = Callable[[Floats, Floats], Floats]

FEWEST_IN_CELL = 20  # rows of either side that the copying test needs: its statistic is nearly normal from there
_BLOCK = 1 << 22  # distances held at once: 32 MB


class Closest(NamedTuple):
    """Distances to the closest row and to the one after it."""

    first: Floats
    """(n,)"""
    second: Floats
    """(n,), infinite where there is only one row."""

    def ratio(self) -> Floats:
        """Return the nearest-neighbour distance ratio first / second (n,), 1 where both are 0.

        Two equal rows at distance 0 identify no one; a row that is copied and has no twin gets 0.
        """
        return np.divide(self.first, self.second, out=np.ones(len(self.first)), where=self.second > 0)


def closest(distance: Distance, x: Floats, y: Floats) -> Closest:
    """Find for each row of x (n, k) the distances to the two closest rows of y (m, k), m >= 1."""
    found = np.full((len(x), 2), np.inf)
    for rows in _blocks(len(x), len(y)):
        near = distance(x[rows], y)
        found[rows, : min(2, len(y))] = np.partition(near, min(1, len(y) - 1), axis=1)[:, :2]
    return Closest(found[:, 0], found[:, 1])


def dcr_share(
    distance: Distance,
    generated: Floats,
    train: Floats,
    holdout: Floats,
    splits: int = SPLITS,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
) -> Estimate:
    """Estimate the share of generated rows that are nearer to a row of train than to any of holdout; a tie is a half.

    It is 1/2 for a model that knows the distribution but not the rows (Platzer & Reutterer, Front. Big Data 4 (2021)
    679939). Both sides have equally many rows: train is cut at random into as many parts of the size of holdout as it
    has, and the shares against each are averaged; where train is smaller, holdout is cut to its size.

    The interval contains the sampling of all three: which rows happen to be in train and holdout moves the share more
    than the generated ones do. The variance is that of half-samples of all three (`half_sample_variance`). Wilson's
    interval is that of as many rows as this variance implies, with Student's t.

    Args:
        distance: between rows.
        generated: (m, k), m >= 2.
        train: (n, k), n >= 2.
        holdout: (h, k), h >= 2.
        splits: number of splits.
        level: of the interval.
        rng: cuts and splits.
    """
    size = min(len(train), len(holdout))
    parts = len(train) // size
    train, holdout = (x[rng.permutation(len(x))[:count]] for x, count in ((train, parts * size), (holdout, size)))
    mine = np.array([sides(len(generated), rng) for _ in range(splits)])
    theirs = np.array([[sides(size, rng) for _ in range(parts + 1)] for _ in range(splits)])
    nearer, halves = np.empty(len(generated)), np.empty((splits, len(generated)))
    for rows in _blocks(len(generated), size * (parts + 1)):
        both = [distance(generated[rows], x) for x in (train, holdout)]
        near = np.concatenate(both, axis=1).reshape(-1, parts + 1, size)
        nearer[rows] = _nearer(near)
        for split in range(splits):
            seen = mine[split, rows, None, None] == theirs[split]
            halves[split, rows] = _nearer(np.where(seen, near, np.inf))
    share = float(nearer.mean())
    gaps = np.array([halves[s, mine[s] == 1].mean() - halves[s, mine[s] == -1].mean() for s in range(splits)])
    variance = max(float(half_sample_variance(gaps)), float(nearer.var()) / len(nearer))  # at least that of its rows
    return wilson(share, len(generated), level, variance=variance, freedom=splits)


def authenticity(distance: Distance, generated: Floats, train: Floats) -> Floats:
    """Return for each generated row (m, k) whether it is authentic: 1, or 0 (Alaa et al. 2022, arXiv:2102.08921).

    With i the training row (n, k) that is closest to it, a row is authentic when it is further from i than the closest
    other training row is. Where several training rows are equally close, their mean is taken, so that the order of rows
    does not matter. Not 1/2 for held-out rows: compare with what these get.
    """
    found, other = np.empty(len(generated)), np.full(len(train), np.nan)  # NaN until it is needed
    for rows in _blocks(len(generated), len(train)):
        near = distance(generated[rows], train)
        least = near.min(axis=1, keepdims=True)
        tied = near == least
        new = np.flatnonzero(tied.any(axis=0) & np.isnan(other))
        other[new] = _closest_other(distance, train, new)
        found[rows] = np.sum(tied & (least > other), axis=1) / tied.sum(axis=1)
    return found


def _closest_other(distance: Distance, x: Floats, which: Integers) -> Floats:
    """Return the distances of some rows of x (n, k) to their closest other one."""
    found = np.empty(len(which))
    for rows in _blocks(len(which), len(x)):
        near = distance(x[which[rows]], x)
        near[np.arange(len(near)), which[rows]] = np.inf
        found[rows] = near.min(axis=1)
    return found


def copying_test(
    distance: Distance,
    generated: Floats,
    train: Floats,
    holdout: Floats,
    cells: tuple[Integers, Integers, Integers],
    level: float = LEVEL,
) -> Estimate:
    """Compute C_T, the three-sample test of data-copying (Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675).

    In each cell of the space, Z is the Mann-Whitney statistic of the distances to the closest training row of the cell,
    of its generated rows against its held-out ones, in standard deviations under equality. These account for ties,
    which copies cause (Lehmann, Nonparametrics, 1975). C_T is the mean of Z, weighted by the share of held-out rows,
    over the cells with a training row and FEWEST_IN_CELL generated and held-out ones. Far below 0: copies; above 0:
    further from the training rows than real ones are.

    The interval contains the sampling of generated and held-out rows (`delong`; normal), given train and the cells.

    Args:
        distance: between rows.
        generated: (m, k).
        train: (n, k).
        holdout: (h, k).
        cells: the cell of each row of generated, train and holdout: (m,), (n,), (h,).
        level: of the interval.

    Returns:
        No values where no cell has enough rows.
    """
    in_generated, in_train, in_holdout = cells
    found = []
    for cell in np.unique(in_train):
        mine, known, other = generated[in_generated == cell], train[in_train == cell], holdout[in_holdout == cell]
        if min(len(mine), len(other)) >= FEWEST_IN_CELL:
            distances = (closest(distance, x, known).first for x in (mine, other))
            found.append((len(other), *mann_whitney(*distances)))
    if not found:
        return Estimate(None, None, None)
    weight, z, variance = np.array(found).T
    weight = weight / weight.sum()
    return symmetric(float(weight @ z), float(weight**2 @ variance), level=level)


def copies(rows: Floats, train: Floats) -> NDArray[np.bool_]:
    """Mark the rows (n, k) that equal a row of train (m, k) in every column."""
    kind = np.unique(np.concatenate([train, rows]), axis=0, return_inverse=True)[1].reshape(-1)
    return np.isin(kind[len(train) :], kind[: len(train)])


def distinct(rows: Floats, level: float = LEVEL) -> Estimate:
    """Estimate the share of distinct rows (n, k); compare equal numbers of rows only.

    The variance of their number is f1 - f2 + f3 - ... - f1^2 / n, with fk the number of rows that occur k times: the
    first part, Good and Toulmin's (Biometrika 43 (1956) 45), is on average the number of kinds that a second sample of
    n would add, which for a Poisson number of rows is the variance, and f1^2 / n is what a fixed number takes off.
    Where it is not positive, that of n independent rows is taken, which is too large. The interval is Wilson's.
    """
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    once, n = np.count_nonzero(counts == 1), len(rows)
    return wilson(len(counts) / n, n, level, variance=float(np.sum(1 - 2.0 * (counts % 2 == 0)) - once**2 / n) / n**2)


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, _BLOCK // columns)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def _nearer(near: Floats) -> Floats:
    """Return the share (b,) of the first parts whose least distance (b, parts, size) is below that of the last."""
    least = near.min(axis=2)
    first, last = least[:, :-1], least[:, -1:]
    return np.asarray((np.mean(first < last, axis=1) + np.mean(first <= last, axis=1)) / 2)
