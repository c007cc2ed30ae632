"""How near rows come to others: mean distances with their intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.search.neighbours import Nearest
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import (
    LEVEL,
    deviate,
    jackknife_variance,
    mean_interval,
    quantile,
    symmetric,
    wilson,
)
from gancensus.statistics.roc import mann_whitney

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


class Beside(NamedTuple):
    """A number of generated samples, and what held-out real ones get in their place."""

    value: Estimate
    null: Estimate


def data_copying(generated: Floats, holdout: Floats, level: float = LEVEL) -> Beside:
    """Compute C_T in a single cell (Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675).

    It is the Mann-Whitney z of the distances to the nearest training sample, of generated samples (n,) against held-out
    ones (m,), with ties: far below 0 where generated samples are nearer. Distances that are infinite are equal.
    """
    z, variance = mann_whitney(generated, holdout)
    return Beside(symmetric(z, variance, level=level), Estimate(0.0, -deviate(), deviate()))


class Beyond(NamedTuple):
    """How far samples are from their nearest training sample, and how far that is from the nearest other one (n,)."""

    distance: Floats
    other: Floats


def authenticity(generated: Beyond, holdout: Beyond, level: float = LEVEL) -> Beside:
    """Estimate the share of authentic samples (Alaa et al. 2022, arXiv:2102.08921).

    A sample is authentic when it is further from its nearest training sample than that is from the nearest other one.
    Held-out samples are so as well, but not half of them: what they get is the null value.
    """
    made, real = (wilson(float(np.mean(d > o)), len(d), at) for (d, o), at in ((generated, level), (holdout, LEVEL)))
    return Beside(made, real)


def low_quantile(generated: Floats, holdout: Floats, share: float, level: float = LEVEL) -> Beside:
    """Estimate a low quantile of the distances to the nearest training sample; without one where it is infinite."""
    return Beside(_finite_quantile(generated, share, level), _finite_quantile(holdout, share, LEVEL))


def _finite_quantile(distance: Floats, share: float, level: float) -> Estimate:
    if np.isfinite(distance).sum() < share * len(distance) + 2:
        return Estimate(None, None, None)
    found = quantile(distance, share, level, ends=(0.0, math.inf))
    return found if found.high is not None and math.isfinite(found.high) else found._replace(high=None)
