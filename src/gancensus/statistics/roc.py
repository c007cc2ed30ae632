"""The area under the ROC curve: of scores, as Mann-Whitney's z, and of a classifier that tells two samples apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import LEVEL, symmetric

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FOLDS = 5
FEWEST = 2 * FOLDS  # rows of each side: two in every fold


class Placements(NamedTuple):
    """Where each row of x (n,) and y (m,) lies among those of the other side.

    Hanley & Hajian-Tilaki, Acad. Radiol. 4 (1997) 49. The variances of areas are those of placements.
    """

    x: Floats
    """The share of y that each of x is above (n,), a tie is a half: the mean is the area."""
    y: Floats
    """The share of x that each of y is above (m,): the mean is 1 less the area."""

    @classmethod
    def of(cls, x: Floats, y: Floats) -> Placements:
        """Place scores x (n,) and y (m,)."""
        return cls(_above(x, y), _above(y, x))

    @classmethod
    def mean(cls, several: Sequence[Placements]) -> Placements:
        """Return the placements whose area is the mean of those of several scores of the same rows."""
        return cls(*(np.mean(side, axis=0) for side in zip(*several, strict=True)))

    def less(self, other: Placements) -> Placements:
        """Return the placements whose area is the difference from that of another score of the same rows."""
        return Placements(self.x - other.x, self.y - other.y)

    @property
    def area(self) -> float:
        """The area."""
        return float(self.x.mean())

    @property
    def variance(self) -> float:
        """DeLong's variance of the area (Biometrics 44 (1988) 837), at least `doubt`; n, m > 1.

        Of a difference it is that of the paired comparison, with the covariance of both areas: placements are sums over
        rows, and the variance of a difference of sums is the sum of that of differences.
        """
        variance = float(self.x.var(ddof=1) / len(self.x) + self.y.var(ddof=1) / len(self.y))
        return max(variance, doubt([len(self.x), len(self.y)]))


def mann_whitney(x: Floats, y: Floats) -> tuple[float, float]:
    """Return z, positive where x (n,) is larger than y (m,), and its variance as the two are; 0, 0 where all are equal.

    z = (U - n m / 2) / s without a correction for continuity, s^2 = n m / 12 (N + 1 - sum (t^3 - t) / (N (N - 1))) with
    N = n + m and t the sizes of ties. The variance is 1 under equality, on average.
    """
    n, m = len(x), len(y)
    ties = np.unique(np.concatenate([x, y]), return_counts=True)[1].astype(np.float64)
    spread = n * m / 12 * (n + m + 1 - np.sum(ties**3 - ties) / ((n + m) * (n + m - 1)))
    if spread <= 0:
        return 0.0, 0.0
    share, variance = delong(x, y)
    return (share - 0.5) * n * m / math.sqrt(spread), variance * (n * m) ** 2 / spread


def area(x: Floats, y: Floats) -> float:
    """Return P(x > y) + P(x = y) / 2, the area under the ROC curve, of x (n,) and y (m,)."""
    return float(_above(x, y).mean())


def delong(x: Floats, y: Floats) -> tuple[float, float]:
    """Return `area` and its variance, of x (n,) and y (m,), n, m > 1.

    The variance is that of DeLong, DeLong & Clarke-Pearson, Biometrics 44 (1988) 837, and at least `doubt`.
    """
    placed = Placements.of(x, y)
    return placed.area, placed.variance


def false_rates(x: Floats, y: Floats, efficiencies: Sequence[float] | Floats) -> Floats:
    """Return the shares of y (m,) above the thresholds that shares of x (n,) are not below; a tie is a half.

    The threshold for a share e is the k-th largest of x, k = ceil(e n).

    Args:
        x: scores of what is to be found.
        y: scores of what is to be rejected.
        efficiencies: (k,), above 0 and at most 1.

    Returns:
        float64 (k,).
    """
    return _passing(x, y)[_ranks(len(x), efficiencies) - 1]


def threshold_variances(x: Floats, y: Floats, efficiencies: Sequence[float] | Floats) -> Floats:
    """Return the variances (k,) of `false_rates` by their thresholds alone; the sampling of y comes on top.

    By the bootstrap of x, computed instead of drawn: the k-th largest of n draws from x is among its j largest with the
    probability that k or more of them are, I_{j/n}(k, n - k + 1) (Hutson & Ernst, J. R. Stat. Soc. B 62 (2000) 89).
    """
    n, passing = len(x), _passing(x, y)
    found = []
    for k in _ranks(n, efficiencies):
        weights = np.diff(betainc(k, n - k + 1, np.arange(n + 1) / n))
        found.append(np.sum(weights * (passing - np.sum(weights * passing)) ** 2))
    return np.array(found)


def doubt(counts: Sequence[int] | NDArray[np.int64]) -> float:
    """Return the least variance of a score of classes with so many rows each, an area or a sum of accuracies.

    It is (1 / 2 n)^2, summed over the classes: half a row of each may be on the wrong side, a correction for continuity
    (few rows need one: Kottas, Kuss & Zapf, BMC Med. Res. Methodol. 14 (2014) 26). Without it, classes that happen to
    be separated perfectly would have no variance.
    """
    return float(np.sum(0.25 / np.square(np.asarray(counts, dtype=np.float64))))


def cross_fitted_area(
    learn: Callable[[Floats, Flags], Callable[[Floats], Floats]],
    x: Floats,
    y: Floats,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
) -> Estimate:
    """Estimate how well a classifier tells x (n, k) from y (m, k): the area under its ROC curve, between 0 and 1.

    Lopez-Paz & Oquab 2017 (arXiv:1610.06545), with cross-fitting: the classifier learns from four fifths of both and
    judges the last fifth, five times, so that every row is judged once by a model that has not seen it; the mean of the
    five areas is taken. 1/2: cannot be told apart; 1: always can.

    The interval contains the sampling of the rows, judged and learned from: DeLong's variance of each fold, half a row
    of each side in doubt at least (`doubt`), and between two folds a correlation of 1/5, their share of the rows
    (Nadeau & Bengio, Mach. Learn. 52 (2003) 239); normal. Without that correlation it covers .86 instead of .95.

    Args:
        learn: takes rows (p, k) and whether each is of x (p,), and returns a score of rows (q, k): (q,), larger for x.
        x: (n, k), n >= FEWEST.
        y: (m, k), m >= FEWEST.
        level: of the interval.
        rng: deals the rows into folds.
    """
    folds = [rng.permutation(np.arange(len(rows)) % FOLDS) for rows in (x, y)]
    both, fold = np.concatenate([x, y]), np.concatenate(folds)
    of_x = np.arange(len(both)) < len(x)
    areas, variances = np.empty(FOLDS), np.empty(FOLDS)
    for k in range(FOLDS):
        learned = fold != k
        score = learn(both[learned], of_x[learned])(both[~learned])
        areas[k], variances[k] = delong(score[of_x[~learned]], score[~of_x[~learned]])
    variance = (1 + (FOLDS - 1) / FOLDS) * float(variances.sum()) / FOLDS**2
    return symmetric(float(areas.mean()), variance, level=level, ends=(0.0, 1.0))


def _above(x: Floats, y: Floats) -> Floats:
    """Return for each x (n,) the share of y (m,) that it is above; a tie is a half."""
    y = np.sort(y)
    return np.asarray((np.searchsorted(y, x, "left") + np.searchsorted(y, x, "right")) / (2 * len(y)))


def _passing(x: Floats, y: Floats) -> Floats:
    """Return the share of y (m,) above each of x (n,), of which the largest is first; a tie is a half."""
    return 1 - _above(np.sort(x)[::-1], y)


def _ranks(n: int, efficiencies: Sequence[float] | Floats) -> NDArray[np.int64]:
    """Return how many of n values are at least shares of them."""
    return np.clip(np.ceil(np.asarray(efficiencies) * n - 1e-9), 1, n).astype(np.int64)
