"""The difference of one number per sample: deposited energy, or a condition."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Calibrated, Features
from gancensus.contracts.samples import Samples
from gancensus.domains.general.metric_condition import condition

ZERO = -2000.0  # stands for the logarithm of 0; those of float64 begin at -745


class Scalar(Calibrated):
    """Difference |a - b| of one number per sample, or relative difference |a - b| / max(a, b), 0 for two zeros.

    The number is the sum of all values, which for showers is the deposited energy, or a condition.
    """

    cost: ClassVar[float] = 3.0
    features_cost: ClassVar[float | None] = 3.0
    kind: Literal["scalar"] = "scalar"
    of: str = "sum"
    """`sum` is the sum of all values of a sample, in natural units; anything else names a condition."""
    relative: bool = False
    """Whether differences are relative; the numbers must not be negative then."""

    @property
    def condition_read(self) -> str | None:
        """The condition, unless it is the sum that is compared."""
        return None if self.of == "sum" else self.of

    def features(self, samples: Samples) -> Features:
        """Return the number of each sample, (n,) float64; sums are taken in a fixed order.

        Raises UserError when there is no such condition, a number is NaN, or negative where differences are relative.
        """
        numbers = self._numbers(samples)
        return (self._not_negative(samples, numbers) if self.relative else numbers,)

    def _numbers(self, samples: Samples) -> NDArray[np.float64]:
        """Return the number of each sample."""
        from gancensus.distances.shapes import Filled, chunks

        if self.of != "sum":
            return condition(samples, self.of, "scalar", others=["sum"])
        return np.concatenate([Filled.of(chunk).sums() for chunk in chunks(samples)])

    def _not_negative(self, samples: Samples, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers; a sum below 0 by no more than the rounding of its values counts as 0."""
        from gancensus.distances.shapes import rounding

        slack = np.broadcast_to(rounding(samples.scale), samples.x.shape[1:]).sum() if self.of == "sum" else 0.0
        negative = numbers < -slack
        if negative.any():
            row = int(np.argmax(negative))
            raise UserError(
                f"metric scalar: {self.of} of sample {samples.sample_id[row]} is {numbers[row]:.6g}, and relative "
                "differences need numbers of at least 0; set `relative: false` or repair the sample"
            )
        return np.maximum(numbers, 0.0)

    def embed(self, features: Features) -> NDArray[np.float64]:
        """Return the numbers or, for relative differences, their logarithms, as points (n, 1); 0 is far from all."""
        numbers = features[0][:, None]
        if not self.relative:
            return numbers
        positive = numbers > 0
        return np.where(positive, np.log(np.where(positive, numbers, 1.0)), ZERO)

    def radius(self, threshold: float) -> float:
        """Return how far apart the points of two samples within the threshold t can be at most.

        A difference has one rounding, below 2^-53 of it. A relative difference has two, so within t it is truly within
        T = t (1 + 1e-15). For T < 1 that means min / max >= 1 - T, hence |ln a - ln b| <= -ln(1 - T); either both
        numbers are 0 or neither is, because the relative difference of 0 and another number is 1. For T >= 1 every pair
        is within. Logarithms of float64 lie within +-745 and NumPy's are right to 4 units in the last place, of
        1.2e-13: two of them are off by less than 1e-12.
        """
        wider = threshold * (1 + 1e-15)
        if not self.relative:
            return wider
        return -math.log1p(-wider) * (1 + 1e-12) + 2e-12 if wider < 1 else math.inf

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return the differences: elementary operations, the same everywhere."""
        x, y = a[0][i], b[0][j]
        distances: NDArray[np.float64] = np.abs(x - y)
        if self.relative:
            larger = np.maximum(x, y)
            distances /= np.where(larger > 0, larger, 1.0)
        return distances
