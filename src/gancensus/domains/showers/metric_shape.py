"""The Jensen-Shannon divergence between profiles."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Calibrated, Features
from gancensus.contracts.samples import Samples

FREQUENCY, WEIGHT = 0.6, 0.28  # of the second term of the embedding; see `Shape.radius`


class Shape(Calibrated):
    """Jensen-Shannon divergence between the profiles of two samples along an axis, in nat: from 0 to ln 2.

    A profile is the share of each bin in the sum of all values, in natural units, summed over the other axes.
    JS(p, q) = KL(p, m) / 2 + KL(q, m) / 2 with m = (p + q) / 2 (Lin, IEEE Trans. Inf. Theory 37 (1991) 145, with equal
    weights), not its square root. Two empty samples have 0, an empty one and another ln 2. Values below 0 by no more
    than the rounding of float32 count as 0.
    """

    cost: ClassVar[float] = 60.0
    features_cost: ClassVar[float | None] = 6.5
    kind: Literal["shape"] = "shape"
    axis: int = Field(ge=0)
    """The axis along which the profile runs, counted from 0."""

    def features(self, samples: Samples) -> Features:
        """Return profiles and half their logarithms, (n, 2, width) float64; `shapes.profiles` says what the width is.

        Raises UserError when samples have no such axis or a value is negative.
        """
        from gancensus.distances.shapes import chunks, half_logarithms, not_negative, profiles

        axes = samples.x.ndim - 1
        if self.axis >= axes:
            raise UserError(f"metric shape: samples have no axis {self.axis}; their axes are 0 to {axes - 1}")
        shares = np.concatenate([profiles(not_negative(chunk, "metric shape"), self.axis) for chunk in chunks(samples)])
        return (np.stack([shares, half_logarithms(shares)], axis=1),)

    def embed(self, features: Features) -> NDArray[np.float64]:
        """Return three coordinates per bin, (n, 3 width): roots of shares, straight and turned by their logarithm."""
        shares, turn = features[0][:, 0], 2 * FREQUENCY * features[0][:, 1]
        straight, turned = (np.sqrt(math.log(2) / 2 * weight * shares) for weight in (1 - WEIGHT, WEIGHT))
        return np.concatenate([straight, turned * np.cos(turn), turned * np.sin(turn)], axis=1)

    def radius(self, threshold: float) -> float:
        """Return how far apart the points of two profiles within the threshold t can be at most: sqrt(t).

        The points z are such that 0.97 JS <= |z_p - z_q|^2 <= JS, bin by bin. Jensen-Shannon is a sum of such squares
        (Topsoe 2000; Vedaldi & Zisserman, IEEE PAMI 34 (2012) 480), |p^(1/2 + i f) - q^(1/2 + i f)|^2 over all
        frequencies f; two frequencies, 0 and f = FREQUENCY, come close. With s = p + q and x = artanh(|p - q| / s), a
        bin adds s / 2 [x tanh x - ln cosh x] to JS and, with w = WEIGHT, to the square of the distance
        s / 2 ln 2 [1 - (1 - w + w cos(2 f x)) / cosh x]. The ratio of the second to the first depends on x alone. It is
        0.973 at x = 0 and stays below 1 on a grid in the tests; for x > 4, where JS's bracket is above
        ln 2 - (2 x + 1) exp(-2 x) and the other below ln 2 (1 - (1 - 2 w) / cosh x), it approaches 1 from below.

        This needs no sum of 1, so the rounding of the profiles does not matter. `exact` is off by less than 2e-10 of
        itself: 2e-13 (1 + 745) in any bin. A coordinate is off by less than 1e-15 of the root of its share, for turns
        below 900 radians by 2e-13, and the roots of a profile have length 1.
        """
        return math.sqrt(threshold) * (1 + 1e-9) + 1e-12

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return the divergences, summed in a fixed order, with our own logarithm."""
        from gancensus.distances.shapes import divergences

        return divergences(a[0], b[0], i, j)
