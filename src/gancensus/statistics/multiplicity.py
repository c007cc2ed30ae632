"""Many comparisons: permutation p-values over the statistics of a generator, over generators, over regions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Family(NamedTuple):
    """What permutations say of k statistics: standardised values and two p-values of each, float64 (k,)."""

    score: Floats
    """How far the observed value lies from the median of all, in their standard deviations; above 0 is suspect."""
    p: Floats
    """How often a permutation gives a score as large, the observed labelling counted as one of them."""
    adjusted: Floats
    """How often the largest score of a permutation is as large: the probability of a false alarm in any statistic."""


def max_t(statistics: Floats, sides: NDArray[np.int64]) -> Family:
    """Test several statistics together, by the distribution of the largest (Westfall & Young 1993, single-step max-T).

    Median and standard deviation are those of all labellings, the observed one too, so that it is one of
    exchangeable ones, and the p-values are exact for any number of samples.

    Args:
        statistics: (1 + permutations, k), the observed one first; not finite: nothing can be said, which is no alarm.
        sides: (k,), 1 where large values are suspect, -1 where small ones are, 0 where both are.
    """
    values = np.where(np.isfinite(statistics), statistics, np.nan)
    with np.errstate(all="ignore"):
        middle, spread = np.nanmedian(values, axis=0), np.nanstd(values, axis=0)
    score = np.nan_to_num((values - middle) / np.where(spread > 0, spread, np.inf))
    score = np.round(np.where(sides == 0, np.abs(score), sides * score), 10)  # equal values give equal scores
    largest = score.max(axis=1)
    return Family(score[0], (score >= score[0]).mean(axis=0), (largest[:, None] >= score[0]).mean(axis=0))


def holm(p: Floats) -> Floats:
    """Return p-values adjusted for their number k (Holm 1979, Scand. J. Stat. 6, 65): any dependence is allowed.

    The m-th smallest is multiplied by k - m + 1; none is smaller than one before it, none above 1.
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    found = np.empty(len(p))
    found[order] = adjusted
    return found


SURE = 0.95  # quantile of the number of false discoveries that is taken from the number of all
EQUAL = 1 + 1e-9  # relative: p-values that are nearer are equal, as sums are rounded


def resampled_fdr(p: Floats, null: Floats) -> Floats:
    """Return k p-values as false discovery rates, for any dependence that permutations show.

    Yekutieli & Benjamini, J. Stat. Plan. Inference 82 (1999) 171, the estimator that is an upper limit. With r the
    number of p-values up to p, R that of a permutation and q the SURE quantile of R, at least s = r - q are likely to
    be true, and the rate is the mean of R / (R + s); where s <= 0 it is P(R >= 1). It is at least the rate of any
    smaller p-value, the smallest at least P(R >= 1): so where nothing differs, a rate of at most a is found with
    probability a. The observed labelling counts as one of the permutations.

    Args:
        p: (k,).
        null: (permutations, k), p-values of the same tests for permuted labels.
    """
    order = np.argsort(p, kind="stable")
    limits = p[order] * EQUAL
    counted = np.stack([_at_most(row, limits) for row in (p, *null)])
    surely = counted[0] - np.quantile(counted, SURE, axis=0, method="inverted_cdf")
    some = (counted >= 1).mean(axis=0)
    rate = np.where(surely > 0, (counted / np.maximum(counted + surely, 1)).mean(axis=0), some)
    rate[:1] = some[:1]
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(rate)
    return adjusted


def lone_limit(null: Floats, level: float) -> float:
    """Return the p-value below which one of k tests is found by `resampled_fdr` where all others say nothing.

    It is the largest of which at most the share `level` of the permutations, the observed labelling counted as one
    more, has a p-value that is as small; 0 where there are too few of them.

    Args:
        null: (permutations, k), p-values for permuted labels.
        level: the false discovery rate up to which something is found.
    """
    least = np.sort(null.min(axis=1))
    return float(least[int(level * (1 + len(least)) + 1e-9) - 1]) if level * (1 + len(least)) >= 1 else 0.0


def _at_most(p: Floats, limits: Floats) -> NDArray[np.int64]:
    """Return how many of p (k,) are up to each of the ascending limits."""
    return np.searchsorted(np.sort(p), limits, side="right")
