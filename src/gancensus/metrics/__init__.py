"""Metrics: how two samples compare. A definition of duplicates holds when all of its metrics are within threshold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.family import EncoderName, Member


class Metric(Member):
    """A distance between samples: what is compared (features), a cheap filter, and the exact value."""

    alpha: float = Field(gt=0, lt=1)
    """Share of the pairs of `calibrate` that count as duplicates: the threshold is that quantile of their distances."""
    encoder: EncoderName | None = None
    """The encoder whose vectors are compared; without one, the samples themselves."""

    def features(self, x: NDArray[np.float32]) -> NDArray[Any]:
        """Return what is compared, (n, d), of samples or vectors x (n, ...)."""
        raise NotImplementedError

    def candidates(self, a: NDArray[Any], b: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
        """Return a mask (len(a), len(b)) that holds every pair within the threshold, and few others."""
        raise NotImplementedError

    def exact(
        self, a: NDArray[Any], b: NDArray[Any], i: NDArray[np.int64], j: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the distance of a[i] and b[j], the same to the last bit on every machine and in every order."""
        raise NotImplementedError
