"""Which of several options is the best, as far as chance allows to say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gancensus.statistics.roc import Placements
from gancensus.statistics.spread import Chance

Floats = NDArray[np.float64]

DRAWS = 2000


def errors_of(of: Sequence[Placements], chances: Sequence[Chance], rng: np.random.Generator) -> Floats:
    """Draw errors of areas under ROC curves of the same rows, float64 (DRAWS, k), with their joint distribution.

    Every row of either side gets a normal weight (the multiplier bootstrap), so that areas vary together as in DeLong's
    covariance; what each has by another chance is Student's, with one common denominator, as a pooled variance has.
    """
    drawn = np.zeros((DRAWS, len(of)))
    for sign, side in zip((1, -1), zip(*of, strict=True), strict=True):
        centred = sign * np.stack([values - values.mean() for values in side], axis=1)
        rows = len(centred)
        weights = rng.standard_normal((DRAWS, rows))
        drawn += np.einsum("si,ik->sk", weights, centred) / np.sqrt(rows * (rows - 1))
    freedom = max((one.freedom for one in chances if np.isfinite(one.freedom)), default=0.0)
    student = np.sqrt(freedom / rng.chisquare(freedom, (DRAWS, 1))) if freedom > 0 else np.ones((DRAWS, 1))
    deviations = np.sqrt([one.variance for one in chances])
    return drawn + student * deviations * rng.standard_normal((DRAWS, len(of)))


def perhaps_best(values: Floats, errors: Floats, level: float) -> NDArray[np.bool_]:
    """Return which of k options can be the one with the largest expectation, bool (k,).

    Multiple comparisons with the best (Hsu, Ann. Stat. 9 (1981) 1026): an option is left out where another one is
    larger by more than chance allows. Its differences from all others are taken over their standard deviations, and the
    largest is compared with its distribution under equality. The best one is in with the probability `level`.

    Args:
        values: (k,).
        errors: (draws, k), drawn from the distribution of the errors of the values.
        level: probability.
    """
    kept = np.ones(len(values), dtype=bool)
    for one in range(len(values)):
        differences, deviations = np.delete(values, one) - values[one], np.delete(errors, one, axis=1)
        deviations = deviations - errors[:, [one]]
        scale = deviations.std(axis=0)
        free = scale > 0
        if not free.any():
            kept[one] = not (differences > 0).any()
            continue
        largest = (deviations[:, free] / scale[free]).max(axis=1)
        limit = np.quantile(largest, level, method="inverted_cdf")
        kept[one] = not (differences[free] / scale[free] > limit).any() and not (differences[~free] > 0).any()
    return kept
