"""How near rows come to others: mean distances with their intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gancensus.search.neighbours import Nearest
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import jackknife_variance, mean_interval, symmetric

Floats = NDArray[np.float64]


def mean_distance(distance: Floats) -> Estimate:
    """Estimate the mean distance to the nearest of given rows, from distances (n,) of independent rows.

    Student's interval, n - 1 degrees of freedom. That many rows have the same nearest row does not widen it: the rows
    to which distances are measured are held fixed, and given these, the distances are as independent as the rows are.
    So it holds for more rows of the same kind, not for other rows to measure to.
    """
    if len(distance) < 2:
        return Estimate(float(distance[0]) if len(distance) else None, None, None)
    mean, low, high = map(float, mean_interval(distance))
    return Estimate(mean, max(0.0, low), high)


def mean_distance_to_others(found: Nearest) -> Estimate:
    """Estimate the mean distance of rows to their nearest other one, of `nearest_others` with at least 2 neighbours.

    Here each row is measured from and to, and distances depend on each other. The interval is that of the jackknife
    (`jackknife_variance`): without row j, the rows whose nearest it is have their second nearest instead.
    """
    n, first = len(found.rows), found.distance[:, 0]
    if n < 3:
        return Estimate(float(first.mean()), None, None) if n == 2 else Estimate(None, None, None)
    farther = np.bincount(found.rows[:, 0], weights=found.distance[:, 1] - first, minlength=n)
    without = (first.sum() - first + farther) / (n - 1)
    return symmetric(float(first.mean()), jackknife_variance(without), n - 1, ends=(0.0, math.inf))
