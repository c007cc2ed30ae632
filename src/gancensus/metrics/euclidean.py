"""The Euclidean distance."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.metrics import Metric
from gancensus.samples import flatten

UNIT_ROUNDOFF = 2.0**-53


class Euclidean(Metric):
    """Euclidean distance |a - b| between samples (all values, flattened) or between an encoder's vectors."""

    kind: Literal["euclidean"] = "euclidean"

    def features(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the flattened samples (n, d)."""
        return flatten(x).astype(np.float64)

    def candidates(self, a: NDArray[Any], b: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
        """Return the pairs whose squared distance |a|^2 + |b|^2 - 2 a.b is within the threshold's and an error bound.

        The inputs are float32, hence exact in float64, and whatever the order of summation each of the three inner
        products of length d is off by at most gamma |a||b|, gamma = d u / (1 - d u), u = 2^-53 (Higham, Accuracy and
        Stability, 2nd ed., eq. 3.5); the two additions add at most 2u (|a| + |b|)^2 (1 + gamma) in all. So the computed
        square is within (d + 4) u (|a| + |b|)^2 (1 + 1e-3) of the true one, for d below 10^12; the bound used is twice
        that, with the largest norms. The exact value's own rounding is below 1e-12 of it for d below 10^3 ... 10^4.
        """
        norm_a, norm_b = np.square(a).sum(axis=1), np.square(b).sum(axis=1)
        squared = norm_a[:, None] + norm_b[None, :] - 2.0 * (a @ b.T)
        largest = np.sqrt(norm_a.max(initial=0.0)) + np.sqrt(norm_b.max(initial=0.0))
        margin = 2.0 * (a.shape[1] + 4) * UNIT_ROUNDOFF * largest**2
        within: NDArray[np.bool_] = squared <= threshold**2 * (1 + 1e-12) + margin
        return within

    def exact(
        self, a: NDArray[Any], b: NDArray[Any], i: NDArray[np.int64], j: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return |a[i] - b[j]| summed in a fixed order."""
        from gancensus.kernels import euclidean_distances

        return euclidean_distances(a, b, i, j)
