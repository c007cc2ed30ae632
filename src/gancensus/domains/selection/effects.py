"""What a selection changes: levels and differences of trainings, with intervals that know of both kinds of chance.

A training ends elsewhere with another seed, and a value is measured on finitely many samples. The variance between
trainings on the same samples is taken to be the same for all of them, and so is pooled: with two trainings each there
would be no telling otherwise. Logarithms are compared where a value is positive and has no upper end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.spread import Spread

Floats = NDArray[np.float64]

LOGARITHMIC = ("fid", "density", "support")
NOTHING = Estimate(None, None, None)

K = TypeVar("K", bound=Hashable)


def is_log(metric: str) -> bool:
    """Return whether the logarithm of a metric is compared: its differences are ratios then."""
    return metric.split()[0] in LOGARITHMIC


def transformed(found: Sequence[Estimate], log: bool) -> Floats:
    """Return values, or their logarithms; none at all where one is not known, which may be the largest or least."""
    values = [one.value for one in found]
    if any(value is None or (log and value <= 0) for value in values):
        return np.empty(0)
    known = np.array(values, dtype=np.float64)
    return np.log(known) if log else known


def level(found: Sequence[Estimate], spread: Spread, log: bool) -> Estimate:
    """Return the mean over trainings, with the interval of a value that another training would have on average.

    To either side it goes as far as the root of the sum of squares of two reaches: that of the spread of the mean, and
    the mean one with which a value was measured. This one counts in full, since the same real samples measure all of
    them. What is no logarithm is a share, and its interval ends at 0 and 1. Without two trainings on the same samples
    there is no interval, and without one value no mean, but the least of the low ends.
    """
    values = transformed(found, log)
    if len(values) == 0:
        ends = [one.low for one in found if one.low is not None]
        return Estimate(None, min(ends) if ends and len(ends) == len(found) else None, None)
    value = float(values.mean())
    if not spread.freedom:
        return Estimate(math.exp(value) if log else value, None, None)
    between = spread.reach(1 / len(values))
    down, up = (
        math.hypot(between, float(np.mean([_reach(one, end, log) for one in found]))) for end in ("low", "high")
    )
    if log:
        return Estimate(math.exp(value), math.exp(value - down), math.exp(value + up) if up < math.inf else None)
    return Estimate(value, max(0.0, value - down), min(1.0, value + up))


def _reach(one: Estimate, end: str, log: bool) -> float:
    """Return how far the end of an interval is from its value, or from its logarithm."""
    value, at = one.value, getattr(one, end)
    if value is None or at is None:
        return math.inf
    if not log:
        return float(abs(at - value))
    return abs(math.log(at / value)) if at > 0 else math.inf


def effect(values: Mapping[K, Floats], pairs: Sequence[tuple[K, K]], spread: Spread, log: bool) -> Estimate:
    """Return the mean difference of trainings from others, over several levels; of logarithms the ratio.

    The real samples that measure both are the same, so only the spread of the trainings counts. None of it is known
    where no two trainings had the same samples, or a value is missing.

    Args:
        values: (n,) of each kind of training.
        pairs: which are compared with which; a control that several have in common counts in full.
        spread: of the trainings.
        log: whether the values are logarithms.
    """
    if not pairs or not spread.freedom or not all(len(values[one]) for pair in pairs for one in pair):
        return NOTHING
    mean = float(np.mean([values[a].mean() - values[b].mean() for a, b in pairs]))
    share = sum(1 / len(values[a]) for a, _ in pairs)
    share += sum(times**2 / len(values[b]) for b, times in Counter(b for _, b in pairs).items())
    reach = spread.reach(share / len(pairs) ** 2)
    ends = (mean, mean - reach, mean + reach)
    return Estimate(*(math.exp(end) for end in ends)) if log else Estimate(*ends)
