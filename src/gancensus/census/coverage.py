"""Coverage: what share of a population has a near sample among m of another one, or of itself.

At a radius, deg(a) is the number of the N samples of B that sample a of A is near to; within one population B is all
of it but a. The share of A that is near to at least one of m samples of B, drawn without replacement, is on average

    C(A|B; m) = 1 - mean_a binom(N - deg(a), m) / binom(N, m)

(Good 1953, Biometrika 40, 237; Chao & Jost 2012, Ecology 93, 2533). Nothing is drawn: degrees give it for every m, by
the gamma function also for one that is no whole number. C(A|B; 1) is the collision probability, C(A|B; N) the share
that has any near sample. For a uniform population of K distinct samples C is 1 - (1 - 1/K)^m on average.
"""

from __future__ import annotations

from bisect import bisect_left
from math import fsum, log, log1p
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, psi

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import log_interval

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_COVERED = 0.95  # beyond, a coverage says little of whether samples are where others are


class Neighbours(NamedTuple):
    """Which samples of A are near to which of B: positions (pairs,) of a in A, of b in B, and the sizes.

    Within one population every pair stands in both directions, and a sample is not compared with itself.
    """

    a: IntArray
    b: IntArray
    sizes: tuple[int, int]
    within: bool = False

    @classmethod
    def of_one(cls, i: IntArray, j: IntArray, samples: int) -> Neighbours:
        """Return those within a population, of which each pair (i, j) is given once."""
        return cls(np.concatenate([i, j]), np.concatenate([j, i]), (samples, samples), within=True)

    @property
    def others(self) -> int:
        """How many samples of B each of A is compared with."""
        return self.sizes[1] - self.within

    @property
    def degrees(self) -> IntArray:
        """How many samples of B each of A is near to, int64 (sizes[0],)."""
        return np.bincount(self.a, minlength=self.sizes[0])


class Influence(NamedTuple):
    """By how much each sample moves a coverage: less the mean, so that n / (n - 1) of their squares is its variance."""

    covered: Floats
    """Of each sample of A, as one that is covered or not."""
    covering: Floats
    """Of each sample of B, as one that covers."""
    noise: float
    """What single pairs add to the squares, counted once in either."""


class Radius(NamedTuple):
    """A distance, and what share of a population is covered by as many samples of it as were asked for."""

    value: float
    covered: float


class Reach(NamedTuple):
    """How many samples of a population it takes until a new one has a near sample among them with a probability.

    `batch` m solves C(m) = share; `log_variance` is that of ln(m).
    """

    share: float
    batch: float
    log_variance: float

    def support(self, level: float = 0.95) -> Estimate:
        """Return m / -ln(1 - share): the size of the uniform support that would reach the share with as many."""
        return log_interval(log(self.batch / -log1p(-self.share)), self.log_variance, level)


def coverage(near: Neighbours, batch: Floats) -> Floats:
    """Return C(A|B; m) for every m of `batch` (k,), 0 <= m <= near.others, float64 (k,)."""
    degree, times = np.unique(near.degrees, return_counts=True)
    return 1 - np.array([float(times @ missed_by(degree, near.others, m)) for m in batch]) / near.sizes[0]


def radius_at(
    i: IntArray, j: IntArray, distance: Floats, samples: int, batch: float, share: float, leap: bool = False
) -> Radius:
    """Return the least distance between two samples of a population at which C(m) is `share` or more.

    Where many pairs have one distance, C may leap beyond MOST_COVERED there: then it is the next lower one, or 0, but
    with `leap`. Where no distance reaches the share, it is the largest.

    Args:
        i: (pairs,), positions of the one sample of every pair of near ones.
        j: (pairs,), of the other.
        distance: (pairs,), between them; samples that are no such pair are farther apart than all of these.
        samples: in the population.
        batch: m, at most samples - 1.
        share: above 0 and below 1.
        leap: whether any C will do.
    """
    order = np.argsort(distance)  # all pairs of one distance are taken together
    attained, ends = np.unique(distance[order], return_index=True)
    ends = np.append(ends[1:], len(order))

    def covered(k: int) -> float:
        some = order[: ends[k]]
        return float(coverage(Neighbours.of_one(i[some], j[some], samples), np.array([batch]))[0])

    if not len(attained):
        return Radius(0.0, 0.0)
    k = min(bisect_left(range(len(attained)), share, key=covered), len(attained) - 1)
    found = covered(k)
    if not leap and found > max(share, MOST_COVERED) and attained[k] > 0:  # equal samples are as near as can be
        return Radius(float(attained[k - 1]), covered(k - 1)) if k else Radius(0.0, 0.0)
    return Radius(float(attained[k]), found)


def influence(near: Neighbours, batch: float) -> Influence:
    """Return how each sample moves C(A|B; m), m <= near.others - 1: what the jackknife gives, leaving each out of B.

    Within a population, C without sample k is C less n / (n - 1) (covered_k + covering_k), but for a constant.
    """
    n, others, degrees = near.sizes[0], near.others - 1, near.degrees
    missed = missed_by(degrees, others, batch)
    alone = (missed_by(degrees - 1, others, batch) - missed)[near.a] / n  # lost by a where b is left out
    covering = np.bincount(near.b, alone, near.sizes[1])
    return Influence((missed.mean() - missed) / n, covering - covering.mean(), float(np.sum(alone**2)))


def reach(near: Neighbours, share: float) -> Reach | None:
    """Return how many samples of a population reach a coverage of itself; None where all of them do not.

    The variance is the jackknife over samples, by the delta method: d ln m = -dC / (m C'(m)).
    """
    n, (degree, times) = near.sizes[0], np.unique(near.degrees, return_counts=True)

    def missing(m: float) -> float:
        return share - 1 + float(times @ missed_by(degree, near.others, m)) / n

    if not share > 0 or missing(near.others - 1) > 0:
        return None
    from scipy.optimize import brentq  # slow to import

    batch = float(brentq(missing, 0, near.others - 1, xtol=1e-9, rtol=1e-12))
    slope = float(times @ _slope(degree, near.others, batch)) / n
    return Reach(share, batch, variance(near, batch) / (batch * slope) ** 2)


def reach_ratio(a: Reach, b: Reach, level: float = 0.95) -> Estimate:
    """Return how many times as many samples of `b` as of `a` it takes: above 1, `a` is less diverse."""
    return log_interval(log(b.batch / a.batch), a.log_variance + b.log_variance, level)


def variance(near: Neighbours, batch: float) -> float:
    """Return the jackknife variance of the coverage of a population by itself."""
    moved = influence(near, batch)
    return _squares(moved.covered + moved.covering)


def on(across: Neighbours, real: Neighbours, batch: float, level: float = 0.95) -> Estimate:
    """Return C(G|H; m) / C(H|H; m): how often generated samples lie where real ones do, 1 for one distribution.

    Args:
        across: generated samples (a) near to real ones (b).
        real: real samples near to each other.
        batch: m, the same number of covering samples for both.
        level: of the interval.
    """
    return _relative(across, real, batch, level, real_covers=True)


def covers(across: Neighbours, real: Neighbours, batch: float, level: float = 0.95) -> Estimate:
    """Return C(H|G; m) / C(H|H; m): how much of the real samples generated ones cover, 1 for one distribution.

    Args: as of `on`, but `across` are real samples (a) near to generated ones (b).
    """
    return _relative(across, real, batch, level, real_covers=False)


def missed_by(degree: IntArray, others: int, batch: float) -> Floats:
    """Return the probability that none of `batch` of `others` samples is one of the `degree` near ones."""
    left = others - degree - batch
    possible = left > -1  # else the batch is larger than what is not near
    missed = np.zeros(len(degree))
    log_ratio = gammaln(others - degree[possible] + 1.0) - gammaln(left[possible] + 1)
    missed[possible] = np.exp(log_ratio + gammaln(others - batch + 1) - gammaln(others + 1.0))
    missed[degree == 0] = 1.0  # not 1 less a rounding, by which nothing near would be a little
    return missed


def _relative(across: Neighbours, real: Neighbours, batch: float, level: float, real_covers: bool) -> Estimate:
    """Return the ratio of two coverages. Where the upper one is 0, its bound is the rule of three's.

    The noise of single pairs is in the influence of both their samples. As in `birthday.collision`, one is left out,
    and what is left is at least that noise.
    """
    above, below = (float(coverage(near, np.array([batch]))[0]) for near in (across, real))
    if below == 0:
        return Estimate(None, None, None)
    if above == 0:
        return Estimate(0.0, 0.0, -log(1 - level) / across.sizes[0] / below)
    top, bottom = influence(across, batch), influence(real, batch)
    sides = top.covered / above, top.covering / above
    of_real = sides[real_covers] - (bottom.covered + bottom.covering) / below
    once = top.noise / above**2 + bottom.noise / below**2
    variance = _squares(sides[not real_covers]) + _squares(of_real) - once
    return log_interval(log(above / below), max(once, variance), level)


def _squares(moved: Floats) -> float:
    return len(moved) / (len(moved) - 1) * fsum((moved**2).tolist())


def _slope(degree: IntArray, others: int, batch: float) -> Floats:
    """Return by how much what `missed_by` returns falls with the batch."""
    left = others - degree - batch
    possible = left > -1
    slope = np.zeros(len(degree))
    slope[possible] = psi(others - batch + 1) - psi(left[possible] + 1)
    return slope * missed_by(degree, others, batch)
