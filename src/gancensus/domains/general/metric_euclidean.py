"""The Euclidean distance."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.family import EncoderName
from gancensus.contracts.metric import Calibrated, Features
from gancensus.contracts.samples import Samples, flatten


class Euclidean(Calibrated):
    """Euclidean distance |a - b| between samples (all values, flattened) or between an encoder's vectors."""

    cost: ClassVar[float] = 100.0
    features_cost: ClassVar[float | None] = 7.5
    kind: Literal["euclidean"] = "euclidean"
    encoder: EncoderName | None = None
    """The encoder whose vectors are compared; without one, the samples themselves."""

    @property
    def space(self) -> str | None:
        """The encoder whose vectors are compared."""
        return self.encoder

    def features(self, samples: Samples) -> Features:
        """Return the flattened samples (n, d) float32."""
        return (flatten(samples.x),)

    def embed(self, features: Features) -> NDArray[np.float32]:
        """Return the flattened samples."""
        points: NDArray[np.float32] = features[0]
        return points

    def radius(self, threshold: float) -> float:
        """Return the threshold, wider by the rounding of `exact`.

        A sum of d products in float64 is off by at most d u / (1 - d u), u = 2^-53 (Higham, Accuracy and Stability,
        2nd ed., eq. 3.5): below 1e-9 of it for d up to 10^6, and its root by half of that.
        """
        return threshold * (1 + 1e-9)

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return |a[i] - b[j]| summed in a fixed order."""
        from gancensus.distances.kernels import euclidean_distances

        return euclidean_distances(a[0], b[0], i, j)
