"""Metrics: how two samples compare. A definition of duplicates holds when all of its metrics are within threshold."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.family import Member
from gancensus.contracts.samples import Samples
from gancensus.contracts.source import Source

Features = tuple[NDArray[Any], ...]
"""What a metric compares, computed once per sample: arrays whose first axis is the sample.

Where another axis is as long as the largest of the samples needs, zeros at its end mean nothing.
"""


class Metric(Member):
    """A distance between samples: what is compared (features), a cheap lower bound (embedding), the exact value."""

    cost: ClassVar[float]
    """Nanoseconds that `exact` takes for a pair, roughly: the cheaper metrics of a definition are checked first."""
    features_cost: ClassVar[float | None] = None
    """Nanoseconds that `features` takes for a value, roughly, as measured in whole jobs; None: not measured."""

    @property
    def space(self) -> str | None:
        """The encoder whose vectors are compared, None where the samples themselves are."""
        return None

    @property
    def fixed(self) -> float | None:
        """The threshold, where the configuration gives it; None where real samples set it."""
        return None

    @property
    def condition_read(self) -> str | None:
        """The condition column that is compared, None where samples or vectors are."""
        return None

    @property
    def compares_when(self) -> str | None:
        """Which samples a condition lets be compared: 'their energy is equal'; None where a distance is measured."""
        return None

    def refuses(self, source: Source) -> str | None:
        """Return why it cannot compare samples of a source, as far as that is known before the run."""
        return None

    def features(self, samples: Samples) -> Features:
        """Return what is compared, a function of each sample alone: the same bits beside any other samples.

        Raises UserError when samples cannot be compared by this metric (no such condition, negative energies).
        """
        raise NotImplementedError

    def embed(self, features: Features) -> NDArray[np.floating[Any]] | None:
        """Return a point (n, k) per sample such that near samples have near points (see `radius`), None without one."""
        return None

    def radius(self, threshold: float) -> float:
        """Return how far apart, in Euclidean distance, the points of two samples within the threshold can be at most.

        The margin covers the rounding of `embed`; the search for near points adds that of its own.
        """
        raise NotImplementedError

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return the distances of samples i of a and samples j of b, float64 (len(i),).

        The same to the last bit on every machine and in every order. Where a distance is above `limit`, any number
        above `limit` may stand for it.
        """
        raise NotImplementedError


class Calibrated(Metric):
    """A metric whose threshold real samples set; the others have their own."""

    alpha: float = Field(gt=0, lt=1)
    """Share of the pairs of `calibrate` that count as duplicates: the threshold is that quantile of their distances."""
