"""Many comparisons: permutation p-values over the statistics of a generator, and over generators."""

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
