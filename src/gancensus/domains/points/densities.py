"""True distributions that are known exactly: density, cells of equal probability, and the family to fit.

Butter, Diefenbacher, Kasieczka, Nachman & Plehn, SciPost Phys. 10 (2021) 139: the camel back, the ring, the shell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, expit, ndtr

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]

_FARTHEST = 16.0  # no value lies beyond: 12 standard deviations from a hump
_ITERATIONS = 1000  # of EM, at most; 30 are usual
_TOLERANCE = 1e-10  # of parameters, where EM ends
_STARTS = (0.3, 0.5, 0.7)  # shares of the points that the first component of a fit starts with
_NARROWEST = 0.02  # least width of a fitted component, in standard deviations of the sample: one point has no width


@dataclass(frozen=True)
class Camelback:
    """1/2 N(-4, 1) + 1/2 N(4, 1), in the family a N(mu1, s1) + (1 - a) N(mu2, s2), theta = (a, mu1, s1, mu2, s2)."""

    parameters: ClassVar[tuple[float, ...]] = (0.5, -4.0, 1.0, 4.0, 1.0)

    @property
    def dimension(self) -> int:
        """1."""
        return 1

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw points (n, 1); the first ones do not depend on n."""
        normal = rng.standard_normal((n, 2))
        return np.asarray(normal[:, :1] + np.copysign(4.0, normal[:, 1:]))

    def density(self, x: NDArray[Any]) -> Floats:
        """Return the density (n,) at points x (n, 1)."""
        return (_normal(x[:, 0] + 4) + _normal(x[:, 0] - 4)) / 2

    def cdf(self, t: NDArray[Any], theta: NDArray[Any] | None = None) -> Floats:
        """Return P(x <= t) (..., m) for t (m,); theta (..., 5)."""
        a, mu1, s1, mu2, s2 = _columns(self.parameters if theta is None else theta)
        return np.asarray(a * ndtr((t - mu1) / s1) + (1 - a) * ndtr((t - mu2) / s2))

    def edges(self, per_axis: int) -> Floats:
        """Return the per_axis - 1 quantiles."""
        return _quantiles(self.cdf, per_axis)

    def cells(self, x: NDArray[Any], per_axis: int) -> Cells:
        """Return the cell (n,) of each point x (n, 1)."""
        return np.searchsorted(self.edges(per_axis), x[:, 0], side="right")

    def fit(self, x: NDArray[Any]) -> Floats:
        """Fit 5 parameters to samples x (R, N, 1) by EM from several starts, all at once; return theta (R, 5).

        A component is at least 0.02 standard deviations of its sample wide: without a least width the likelihood has no
        maximum.
        """
        points = np.sort(np.asarray(x, dtype=np.float64)[:, :, 0], axis=1)
        repetitions, n = points.shape
        rank = (np.arange(n) + 0.5) / n
        first = np.array([np.broadcast_to(rank < share, points.shape) for share in _STARTS], dtype=np.float64)
        flat = np.tile(points, (len(_STARTS), 1))
        theta = _expectation_maximisation(
            lambda rows, theta: _mixture_step(flat[rows], theta), _mixture_of(flat, first.reshape(flat.shape))
        )
        score = _log_likelihood(flat, theta).reshape(-1, repetitions)
        return np.asarray(theta.reshape(-1, repetitions, 5)[score.argmax(axis=0), np.arange(repetitions)])

    def shares(self, theta: NDArray[Any], per_axis: int) -> Floats:
        """Return the probability (..., per_axis) of each cell under members theta (..., 5)."""
        return differences(self.cdf(self.edges(per_axis), theta))


@dataclass(frozen=True)
class Shell:
    """A radius |4 + N(0, 1)| in a uniform direction, in the family of radii |mu + s N(0, 1)|, theta = (mu, s).

    Its cells are quantiles of the radius, of the polar angles and of the azimuth, in this order of significance.
    """

    dimension: int
    parameters: ClassVar[tuple[float, ...]] = (4.0, 1.0)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw points (n, dimension); the first ones do not depend on n."""
        normal = rng.standard_normal((n, 1 + self.dimension))
        radius, direction = np.abs(4 + normal[:, :1]), normal[:, 1:]
        return np.asarray(radius * direction / np.linalg.norm(direction, axis=1, keepdims=True))

    def density(self, x: NDArray[Any]) -> Floats:
        """Return the density (n,) at points x (n, dimension); infinite at 0, as the area of small spheres vanishes."""
        radius = np.linalg.norm(x, axis=1)
        sphere = 2 * math.pi ** (self.dimension / 2) / math.gamma(self.dimension / 2)
        with np.errstate(divide="ignore"):
            return np.asarray((_normal(radius - 4) + _normal(radius + 4)) / (sphere * radius ** (self.dimension - 1)))

    def cdf(self, t: NDArray[Any], theta: NDArray[Any] | None = None) -> Floats:
        """Return P(radius <= t) (..., m) for t (m,); theta (..., 2)."""
        mu, s = _columns(self.parameters if theta is None else theta)
        return np.asarray(np.where(t > 0, ndtr((t - mu) / s) - ndtr((-t - mu) / s), 0.0))

    def edges(self, per_axis: int) -> Floats:
        """Return the per_axis - 1 quantiles of the radius."""
        return _quantiles(self.cdf, per_axis)

    def cells(self, x: NDArray[Any], per_axis: int) -> Cells:
        """Return the cell (n,) of each point x (n, dimension).

        Along an axis i, x_i over the length of (x_i, ..., x_d) is independent of the axes before it, and half of one
        plus it has a beta distribution with both parameters (d - i) / 2, i = 1 ... d - 2.
        """
        x = np.asarray(x, dtype=np.float64)
        lengths = np.sqrt(np.cumsum(x[:, ::-1] ** 2, axis=1))[:, ::-1]  # of (x_i, ..., x_d)
        cell = np.searchsorted(self.edges(per_axis), lengths[:, 0], side="right")
        levels = np.arange(1, per_axis) / per_axis
        for i in range(self.dimension - 2):
            half = (self.dimension - 1 - i) / 2
            cosine = x[:, i] / np.where(lengths[:, i] > 0, lengths[:, i], 1.0)
            cell = cell * per_axis + np.searchsorted(2 * betaincinv(half, half, levels) - 1, cosine, side="right")
        turn = np.arctan2(x[:, -1], x[:, -2]) / (2 * math.pi) + 0.5
        return np.asarray(cell * per_axis + np.searchsorted(levels, turn, side="right"), dtype=np.int64)

    def fit(self, x: NDArray[Any]) -> Floats:
        """Fit (mu, s) to samples x (R, N, dimension) by EM, in which the sign before folding is the missing datum.

        The direction has no parameters. Returns theta (R, 2).
        """
        radius = np.linalg.norm(np.asarray(x, dtype=np.float64), axis=2)
        square = np.mean(radius**2, axis=1)

        def step(rows: NDArray[np.intp], theta: Floats) -> Floats:
            mu, s = theta[:, :1], theta[:, 1:]
            mu = np.mean(radius[rows] * np.tanh(mu * radius[rows] / s**2), axis=1)
            least = _NARROWEST**2 * square[rows]
            return np.column_stack([mu, np.sqrt(np.maximum(square[rows] - mu**2, least))])

        spread = np.maximum(radius.std(axis=1), _NARROWEST * np.sqrt(square))
        return _expectation_maximisation(step, np.column_stack([radius.mean(axis=1), spread]))

    def shares(self, theta: NDArray[Any], per_axis: int) -> Floats:
        """Return the probability (..., per_axis^dimension) of each cell under members theta (..., 2)."""
        directions = per_axis ** (self.dimension - 1)
        return np.repeat(differences(self.cdf(self.edges(per_axis), theta)) / directions, directions, axis=-1)


@dataclass(frozen=True)
class Ring(Shell):
    """The shell in two dimensions: a radius |4 + N(0, 1)| and a uniform angle."""

    dimension: int = 2


def differences(cdf: NDArray[Any]) -> Floats:
    """Return the probabilities (..., Q) between edges at which the cdf is (..., Q - 1)."""
    return np.diff(cdf, axis=-1, prepend=0.0, append=1.0)


def _columns(theta: NDArray[Any] | tuple[float, ...]) -> Floats:
    """Return the parameters, first axis, each with a last axis of length 1 for the points."""
    return np.moveaxis(np.asarray(theta, dtype=np.float64), -1, 0)[..., None]


def _normal(z: NDArray[Any]) -> Floats:
    """Return the density of N(0, 1)."""
    return np.asarray(np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi))


def _quantiles(cdf: Callable[[Floats], Floats], parts: int) -> Floats:
    """Return the values at which the cdf is 1/parts, 2/parts ..., by bisection to the last bit."""
    levels = np.arange(1, parts) / parts
    low, high = np.full(parts - 1, -_FARTHEST), np.full(parts - 1, _FARTHEST)
    for _ in range(60):
        middle = (low + high) / 2
        below = cdf(middle) < levels
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return high


def _expectation_maximisation(step: Callable[[NDArray[np.intp], Floats], Floats], theta: Floats) -> Floats:
    """Repeat step(rows, theta[rows]) until no parameter moves, for each row of theta (n, parameters) separately."""
    theta = theta.copy()
    rows = np.arange(len(theta))
    for _ in range(_ITERATIONS):
        new = step(rows, theta[rows])
        moved = np.abs(new - theta[rows]).max(axis=1) > _TOLERANCE
        theta[rows] = new
        rows = rows[moved]
        if not len(rows):
            break
    return theta


def _log_ratio(x: Floats, theta: Floats) -> Floats:
    """Return the logarithm (n, N) of the odds that points x (n, N) belong to the first component of theta (n, 5)."""
    a, mu1, s1, mu2, s2 = _columns(theta)
    return np.asarray(np.log(a / (1 - a)) + np.log(s2 / s1) + (((x - mu2) / s2) ** 2 - ((x - mu1) / s1) ** 2) / 2)


def _mixture_step(x: Floats, theta: Floats) -> Floats:
    """Return the next theta (n, 5) of EM from points x (n, N)."""
    return _mixture_of(x, expit(_log_ratio(x, theta)))


def _mixture_of(x: Floats, first: Floats) -> Floats:
    """Return theta (n, 5) of points x (n, N) that belong to the first component with weights first (n, N)."""
    n = x.shape[1]
    least = _NARROWEST**2 * np.maximum(x.var(axis=1), 1e-6)  # all points may be equal
    parts = []
    for weight in (first, 1 - first):
        total = np.maximum(weight.sum(axis=1), 1e-9)  # a component without points must not divide by 0
        mu = (weight * x).sum(axis=1) / total
        variance = (weight * (x - mu[:, None]) ** 2).sum(axis=1) / total
        parts += [mu, np.sqrt(np.maximum(variance, least))]
    a = np.clip(first.sum(axis=1) / n, 1e-9, 1 - 1e-9)
    return np.column_stack([a, *parts])


def _log_likelihood(x: Floats, theta: Floats) -> Floats:
    """Return the logarithm of the likelihood (n,) of theta (n, 5) for points x (n, N), but for a constant."""
    a, _, _, mu2, s2 = _columns(theta)
    second = np.log((1 - a) / s2) - ((x - mu2) / s2) ** 2 / 2
    return np.asarray((second + np.logaddexp(0.0, _log_ratio(x, theta))).sum(axis=1))
