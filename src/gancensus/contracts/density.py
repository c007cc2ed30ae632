"""Densities: distributions that are known exactly, as the truth behind the samples of a source."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]


class Density(Protocol):
    """A true distribution. It is a member, with `parameters`, of a family that can be fitted.

    Its cells are a grid of `per_axis` quantiles along each of `dimension` coordinates that are independent, all of one
    probability. Only the first of them, x or the radius, has parameters.
    """

    parameters: ClassVar[tuple[float, ...]]

    @property
    def dimension(self) -> int:
        """The number of coordinates."""
        ...

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw points (n, dimension); the first ones do not depend on n."""
        ...

    def density(self, x: NDArray[Any]) -> Floats:
        """Return the density (n,) at points x (n, dimension)."""
        ...

    def cdf(self, t: NDArray[Any], theta: NDArray[Any] | None = None) -> Floats:
        """Return P(first coordinate <= t) (..., m) for t (m,), of the truth or of members theta (..., parameters)."""
        ...

    def edges(self, per_axis: int) -> Floats:
        """Return the per_axis - 1 quantiles of the first coordinate."""
        ...

    def cells(self, x: NDArray[Any], per_axis: int) -> Cells:
        """Return the cell (n,) of each point x (n, dimension), in 0 ... per_axis^dimension - 1."""
        ...

    def fit(self, x: NDArray[Any]) -> Floats:
        """Fit the family to samples x (R, N, dimension) by maximum likelihood; return theta (R, parameters)."""
        ...

    def shares(self, theta: NDArray[Any], per_axis: int) -> Floats:
        """Return the probability (..., per_axis^dimension) of each cell under members theta (..., parameters)."""
        ...
