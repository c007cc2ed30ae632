"""The Jensen-Shannon divergence between profiles."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.errors import UserError
from gancensus.metrics import Calibrated, Features
from gancensus.samples import Samples


class Shape(Calibrated):
    """Jensen-Shannon divergence between the profiles of two samples along an axis, in nat: from 0 to ln 2.

    A profile is the share of each bin in the sum of all values, in natural units, summed over the other axes.
    JS(p, q) = KL(p, m) / 2 + KL(q, m) / 2 with m = (p + q) / 2 (Lin, IEEE Trans. Inf. Theory 37 (1991) 145, with equal
    weights), not its square root. Two empty samples have 0, an empty one and another ln 2. Values below 0 by no more
    than the rounding of float32 count as 0.
    """

    cost: ClassVar[float] = 60.0
    kind: Literal["shape"] = "shape"
    axis: int = Field(ge=0)
    """The axis along which the profile runs, counted from 0."""

    def features(self, samples: Samples) -> Features:
        """Return profiles and half their logarithms, (n, 2, width) float64; `shapes.profiles` says what the width is.

        Raises UserError when samples have no such axis or a value is negative.
        """
        from gancensus.shapes import chunks, half_logarithms, profiles

        axes = samples.x.ndim - 1
        if self.axis >= axes:
            raise UserError(f"metric shape: samples have no axis {self.axis}; their axes are 0 to {axes - 1}")
        shares = np.concatenate([profiles(_not_negative(chunk), self.axis) for chunk in chunks(samples)])
        return (np.stack([shares, half_logarithms(shares)], axis=1),)

    def embed(self, features: Features) -> NDArray[np.float64]:
        """Return the roots of the shares, (n, width)."""
        return np.sqrt(features[0][:, 0])

    def radius(self, threshold: float) -> float:
        """Return how far apart the roots of two profiles within the threshold t can be at most: sqrt(2 t / ln 2).

        For profiles p and q let H^2 = |sqrt p - sqrt q|^2 / 2. Then ln 2 H^2 <= JS <= H^2, bin by bin. With s = p + q
        and r = |p - q| / s, a bin adds s h / 2 to JS, where h(r) = [(1 + r) ln(1 + r) + (1 - r) ln(1 - r)] / 2, and
        s y / 2 to H^2, where y(r) = 1 - sqrt(1 - r^2). For r = tanh x: dh/dr = artanh r = x and dy/dr =
        r / sqrt(1 - r^2) = sinh x, so dh/dy = x / sinh x, which falls from 1 as x, and with it y, grows. So h is a
        concave function of y, below its tangent y at 0, and above its chord y ln 2 from h = 0 at y = 0 to h = ln 2 at
        y = 1.

        This needs no sum of 1, so the rounding of the profiles does not matter. `exact` is off by less than 2e-10 of
        itself: 2e-13 (1 + 745) in any bin. A root is off by 2^-53 of itself, and a profile's roots have length 1: two
        of them are off by less than 1e-15.
        """
        return math.sqrt(2 * threshold / math.log(2)) * (1 + 1e-9) + 1e-15

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return the divergences, summed in a fixed order, with logarithms of our own."""
        from gancensus.shapes import divergences

        return divergences(a[0], b[0], i, j)


def _not_negative(samples: Samples) -> NDArray[np.float64]:
    """Return the values in natural units (n, ...), 0 where they are below it by rounding; raise UserError beyond."""
    from gancensus.shapes import rounding

    x = samples.natural()
    negative = x < -rounding(samples.scale)
    if negative.any():
        row, *place = np.argwhere(negative)[0]
        raise UserError(
            f"metric shape: sample {samples.sample_id[row]} has the value {x[(row, *place)]:.6g}, and a profile needs "
            "values of at least 0; remove or repair the sample"
        )
    return np.maximum(x, 0.0)
