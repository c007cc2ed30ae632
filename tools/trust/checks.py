"""Sanity checks after Räisä, van Breugel & van der Schaar (ICML 2025), written anew from what their paper describes.

A check has points: real samples beside generated ones, and what is true there. Fidelity and diversity are what metrics
with two halves should say, 1 for equal distributions and 0 for disjoint ones; None: nothing is asked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trust.data import RNG, Draw, Floats, gauss, uniform, weighted


class Point(NamedTuple):
    """Samples of one setting."""

    check: str
    name: str
    real: Draw
    made: Draw
    flaw: tuple[str, ...] = ()
    """Questions that should be answered with no; empty: equal distributions, and no question should."""
    fidelity: float | None = 1.0
    diversity: float | None = 1.0
    shares: tuple[float, float] = (1.0, 1.0)
    """Of the generated and of the real samples that are used."""


def outlier(draw: Draw, at: float) -> Draw:
    """One sample of them far out."""

    def with_one(rng: RNG, n: int) -> Floats:
        x = draw(rng, n)
        x[0] = at
        return x

    return with_one


def sphere(radius: float, d: int) -> Draw:
    """The surface of a ball."""

    def draw(rng: RNG, n: int) -> Floats:
        x = rng.normal(size=(n, d))
        return np.asarray(radius * x / np.linalg.norm(x, axis=1, keepdims=True))

    return draw


def torus(large: float, small: float) -> Draw:
    """The surface of a ring, uniform in both angles."""

    def draw(rng: RNG, n: int) -> Floats:
        a, b = rng.uniform(0, 2 * np.pi, size=(2, n))
        out = large + small * np.cos(b)
        return np.column_stack([out * np.cos(a), out * np.sin(a), small * np.sin(b)])

    return draw


def two_modes(apart: float) -> Draw:
    """Two normal modes in two dimensions."""
    return lambda rng, n: rng.normal(size=(n, 2)) + apart * np.where(rng.random(n) < 0.5, 1, -1)[:, None]


def one_mode(apart: float) -> Draw:
    """One normal mode with the mean and the covariance of `two_modes`."""
    root = np.linalg.cholesky(np.eye(2) + apart**2)
    return lambda rng, n: np.asarray(rng.normal(size=(n, 2)) @ root.T)


def stretched(shift: float) -> Draw:
    """Two normal columns; the first is stretched, the second shifted."""
    return lambda rng, n: rng.normal(size=(n, 2)) * [1000, 1] + [0, shift]


def heavy(shift: float) -> Draw:
    """Normal columns, shifted, and a Pareto column."""
    return lambda rng, n: np.column_stack([rng.normal(size=(n, 8)) + shift, rng.pareto(1.0, n)])


def one_apart(shift: float) -> Draw:
    """64 normal columns, one of them shifted."""
    return lambda rng, n: rng.normal(size=(n, 64)) + np.eye(1, 64) * shift


def whole(rng: RNG, n: int) -> Floats:
    """Whole numbers in two columns."""
    return np.asarray(np.round(gauss(2, 0, 3)(rng, n)))


GRID: NDArray[np.float64] = 8 * np.random.default_rng(3).normal(size=(10, 8))
TEN, ONE = [1.0] * 10, [1.0]


def kept(first: int, last: int) -> Draw:
    """Modes of one width and weight."""
    return weighted([1.0] * (last - first), GRID[first:last])


def some_heavier(rest: float) -> Draw:
    """Ten modes, of which nine have lost all but a share of their weight to the first."""
    return weighted([10 - 9 * rest, *[rest] * 9], GRID)


BOTH = ("on", "covers")
POINTS = [
    Point("Gaussian, mean", "equal, d = 16", gauss(16), gauss(16)),
    Point("Gaussian, mean", "each coordinate + 3", gauss(16), gauss(16, 3), BOTH, 0, 0),
    Point("Gaussian, mean, with an outlier", "equal, d = 64, outlier is real", outlier(gauss(64), 3), gauss(64)),
    Point("Gaussian, mean, with an outlier", "equal, outlier is generated", gauss(64), outlier(gauss(64), 3)),
    Point("Gaussian, mean, with an outlier", "+ 3, outlier is real", outlier(gauss(64), 3), gauss(64, 3), BOTH, 0, 0),
    Point(
        "Gaussian, mean, with an outlier", "+ 3, outlier is generated", gauss(64, 3), outlier(gauss(64), 3), BOTH, 0, 0
    ),
    Point("Gaussian, standard deviation", "equal, d = 16", gauss(16), gauss(16)),
    Point("Gaussian, standard deviation", "halved", gauss(16), gauss(16, 0, 0.5), ("diverse", "covers"), 1, 0),
    Point("Gaussian, standard deviation", "doubled", gauss(16), gauss(16, 0, 2), ("on",), 0, 1),
    Point("Cube, numbers of samples", "equal, d = 8", uniform(0, 1, 8), uniform(0, 1, 8)),
    Point("Cube, numbers of samples", "a third generated", uniform(0, 1, 8), uniform(0, 1, 8), shares=(1 / 3, 1)),
    Point("Cube, numbers of samples", "a third real", uniform(0, 1, 8), uniform(0, 1, 8), shares=(1, 1 / 3)),
    Point("Cube, side of the generated one", "equal, d = 8", uniform(0, 1, 8), uniform(0, 1, 8)),
    Point(
        "Cube, side of the generated one",
        "halved",
        uniform(0, 1, 8),
        uniform(0.25, 0.75, 8),
        ("diverse", "covers"),
        1,
        0,
    ),
    Point("Cube, side of the generated one", "doubled", uniform(0, 1, 8), uniform(-0.5, 1.5, 8), ("on",), 0, 1),
    Point("Surface of a ball", "equal, d = 8", sphere(1, 8), sphere(1, 8)),
    Point("Surface of a ball", "radius halved", sphere(1, 8), sphere(0.5, 8), BOTH, 0, 0),
    Point("Surface of a ball", "radius doubled", sphere(1, 8), sphere(2, 8), BOTH, 0, 0),
    Point("One mode for two", "equal, d = 2", two_modes(6), two_modes(6)),
    Point("One mode for two", "same mean and covariance", two_modes(6), one_mode(6), ("on",), 0, None),
    Point("Modes dropped one by one", "all ten, d = 8", kept(0, 10), kept(0, 10)),
    Point("Modes dropped one by one", "one dropped", kept(0, 10), kept(0, 9), ("covers",), 1, 0.9),
    Point("Modes dropped one by one", "five dropped", kept(0, 10), kept(0, 5), ("covers", "diverse"), 1, 0.5),
    Point("Modes dropped one by one", "nine dropped", kept(0, 10), kept(0, 1), ("covers", "diverse"), 1, 0.1),
    Point("Modes dropped all together", "equal, d = 8", some_heavier(1), some_heavier(1)),
    Point("Modes dropped all together", "nine have half", some_heavier(1), some_heavier(0.5), ("diverse",), 1, None),
    Point(
        "Modes dropped all together",
        "nine have nothing",
        some_heavier(1),
        some_heavier(0),
        ("covers", "diverse"),
        1,
        0.1,
    ),
    Point("Modes dropped and invented", "five real, d = 8", kept(0, 5), kept(0, 5)),
    Point("Modes dropped and invented", "two dropped", kept(0, 5), kept(0, 3), ("covers",), 1, 0.6),
    Point("Modes dropped and invented", "five more invented", kept(0, 5), kept(0, 10), ("on",), 0.5, 1),
    Point("Modes dropped and invented", "all dropped, five invented", kept(0, 5), kept(5, 10), BOTH, 0, 0),
    Point("Ball within a ring", "equal, d = 3", sphere(1, 3), sphere(1, 3)),
    Point("Ball within a ring", "ring generated", sphere(1, 3), torus(2.5, 0.5), BOTH, 0, 0),
    Point("Ball within a ring", "ball generated", torus(2.5, 0.5), sphere(1, 3), BOTH, 0, 0),
    Point("One dimension stretched 1,000 times", "equal, d = 2", stretched(0), stretched(0)),
    Point("One dimension stretched 1,000 times", "the other one + 6", stretched(0), stretched(6), BOTH, 0, 0),
    Point("A Pareto coordinate", "equal, d = 9", heavy(0), heavy(0)),
    Point("A Pareto coordinate", "the others + 3", heavy(0), heavy(3), BOTH, 0, 0),
    Point("One of 64 dimensions disjoint", "equal", one_apart(0), one_apart(0)),
    Point("One of 64 dimensions disjoint", "+ 6", one_apart(0), one_apart(6), BOTH, 0, 0),
    Point("Whole against real numbers", "equal, whole, d = 2", whole, whole),
    Point("Whole against real numbers", "real ones whole", whole, gauss(2, 0, 3), ("on",), 0, None),
    Point("Whole against real numbers", "generated ones whole", gauss(2, 0, 3), whole, ("diverse", "alike"), None, 0),
]
CHECKS = {f"{point.check}: {point.name}": point for point in POINTS}
