"""Chance beside the sampling of what is measured: trainings that end elsewhere, references that were drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import LEVEL, deviate, symmetric

Floats = NDArray[np.float64]


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
        return deviate(freedom=self.freedom) * math.sqrt(share * self.variance)

    def mean_of(self, trainings: int) -> Chance:
        """Return the chance in the mean over so many trainings; its freedom is 0 where nothing is known of it."""
        return Chance(self.variance / trainings, float(self.freedom))


class Chance(NamedTuple):
    """A variance that is itself estimated, and its degrees of freedom; infinite ones: it is known."""

    variance: float
    freedom: float


NONE = Chance(0.0, math.inf)


def total(sampling: float, chances: Iterable[Chance]) -> tuple[float, float | None]:
    """Return the sum of all variances, and its degrees of freedom; None where it is known.

    They are those of Welch & Satterthwaite (Biometrics Bull. 2 (1946) 110): (sum v)^2 / sum v^2 / f. The variance
    `sampling` counts as known. A chance of which nothing is known, freedom 0, adds nothing.
    """
    known = [one for one in chances if one.freedom > 0]
    variance = sampling + sum(one.variance for one in known)
    doubt = sum(one.variance**2 / one.freedom for one in known)
    return variance, variance**2 / doubt if doubt > 0 else None


def with_chances(
    value: float,
    sampling: float,
    chances: Iterable[Chance],
    level: float = LEVEL,
    ends: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate:
    """Return a value with the interval of its sampling and of other chances (`total`): Student's, cut at `ends`."""
    return symmetric(value, *total(sampling, chances), level, ends)
