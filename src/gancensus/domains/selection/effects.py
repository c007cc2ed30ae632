"""What a selection changes: levels and differences of trainings, with intervals that know of both kinds of chance.

A training ends elsewhere with another seed, and a value is measured on finitely many samples. The variance between
trainings on the same samples is taken to be the same for all of them, and so is pooled: with two trainings each there
would be no telling otherwise. Logarithms are compared where a value is positive and has no upper end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import deviate

Floats = NDArray[np.float64]

LOGARITHMIC = ("fid", "density", "support")


class Spread(NamedTuple):
    """The variance between trainings, and its degrees of freedom."""

    variance: float
    freedom: int

    @classmethod
    def of(cls, groups: Sequence[Floats]) -> Spread:
        """Pool the variances within groups of values (n,) of the same expectation."""
        squares = sum(float(np.square(group - group.mean()).sum()) for group in groups if len(group))
        freedom = sum(len(group) - 1 for group in groups if len(group))
        return cls(squares / freedom if freedom else 0.0, freedom)

    def reach(self, share: float) -> float:
        """Return how far Student's 95 % interval goes from a value with this variance, times `share`."""
        return deviate(freedom=self.freedom) * math.sqrt(share * self.variance) if self.freedom else math.inf


def is_log(metric: str) -> bool:
    """Return whether the logarithm of a metric is compared: its differences are ratios then."""
    return metric.split()[0] in LOGARITHMIC


def transformed(values: Sequence[float | None], log: bool) -> Floats:
    """Return the values that are known, or their logarithms."""
    known = np.array([value for value in values if value is not None and (value > 0 or not log)], dtype=np.float64)
    return np.log(known) if log else known


def level(found: Sequence[Estimate], spread: Spread, log: bool) -> Estimate:
    """Return the mean over trainings, with the interval of a value that another training would have on average.

    Its half-width is the root of the sum of squares of that for the spread of the mean, and of the mean half-width with
    which values were measured. That one counts in full, since the same real samples measure all of them. What is no
    logarithm is a share, and its interval ends at 0 and 1.
    """
    values = transformed([one.value for one in found], log)
    if len(values) == 0:
        return Estimate(None, None, None)
    known = [(one.value, one.low, one.high) for one in found if one.value is not None and (one.value > 0 or not log)]
    widths = [
        (high - low) / (2 * value if log else 2) for value, low, high in known if low is not None and high is not None
    ]
    within = float(np.mean(widths)) if widths else 0.0
    between = spread.reach(1 / len(values)) if spread.freedom else 0.0
    value, low, high = _shown(float(values.mean()), math.hypot(within, between), log)
    return Estimate(value, low, high) if log else Estimate(value, max(0.0, low), min(1.0, high))


def effect(of: Sequence[Floats], beside: Sequence[Floats], spread: Spread, log: bool) -> Estimate:
    """Return the mean difference of trainings from others, over several levels; of logarithms the ratio.

    The real samples that measure both are the same, so only the spread of the trainings counts. None of it is known
    where no two trainings had the same samples.

    Args:
        of: values (n,) at each level.
        beside: values (m,) to compare them with; where levels share these, the same array.
        spread: of the trainings.
        log: whether the values are logarithms.
    """
    pairs = [(a, b) for a, b in zip(of, beside, strict=True) if len(a) and len(b)]
    if not pairs or not spread.freedom:
        return Estimate(None, None, None)
    mean = float(np.mean([a.mean() - b.mean() for a, b in pairs]))
    shared = {id(b): b for _, b in pairs}
    times = {key: sum(b is one for _, b in pairs) for key, one in shared.items()}
    share = sum(1 / len(a) for a, _ in pairs) + sum(times[key] ** 2 / len(one) for key, one in shared.items())
    return Estimate(*_shown(mean, spread.reach(share / len(pairs) ** 2), log))


def _shown(value: float, reach: float, log: bool) -> tuple[float, float, float]:
    ends = (value, value - reach, value + reach)
    return (math.exp(ends[0]), math.exp(ends[1]), math.exp(ends[2])) if log else ends
