"""Graphs of shapes whose components and loops are known.

Points of the random shapes lie as they fall; with 10 neighbours a curve of 1,000 of them hangs together. Those of the
others lie evenly, for then a cell's piece falls apart where the shape does and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mapper_betti import betti

from gancensus.domains.topology.lenses import Floats
from gancensus.domains.topology.mapper_graph import MapperGraph, Options, build

GOLDEN = (np.sqrt(5) - 1) / 2
Shape = Callable[[np.random.Generator, int], Floats]


def on_circle(angle: Floats, radius: Floats | float = 1.0) -> Floats:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def circle(rng: np.random.Generator, n: int) -> Floats:
    return np.asarray(on_circle(rng.uniform(0, 2 * np.pi, n)) + 0.05 * rng.standard_normal((n, 2)))


def ring(rng: np.random.Generator, n: int) -> Floats:
    return on_circle(rng.uniform(0, 2 * np.pi, n), np.abs(rng.normal(4, 1, n)))


def blobs(rng: np.random.Generator, n: int) -> Floats:
    return np.asarray(rng.standard_normal((n, 5)) + 20 * rng.integers(0, 2, (n, 1)))


def segment(rng: np.random.Generator, n: int) -> Floats:
    return np.append(rng.uniform(0, 1, (n, 1)), 0.01 * rng.standard_normal((n, 2)), axis=1)


def eight(rng: np.random.Generator, n: int) -> Floats:
    """Return two circles that touch in 0, evenly, slightly blurred."""
    angle, side = np.arange(n) * 4 * np.pi / n, np.where(np.arange(n) < n / 2, 1, -1)
    z = np.stack([side * (1 + np.cos(angle)), np.sin(angle)], axis=1)
    return np.asarray(z + 0.001 * rng.standard_normal((n, 2)))


def disc(rng: np.random.Generator, n: int) -> Floats:
    return on_circle(2 * np.pi * GOLDEN * np.arange(n), np.sqrt((np.arange(n) + 0.5) / n))


def sphere(rng: np.random.Generator, n: int) -> Floats:
    """Return evenly spread points of the sphere, turned at random."""
    height = 1 - (2 * np.arange(n) + 1) / n
    flat = on_circle(2 * np.pi * GOLDEN * np.arange(n), np.sqrt(1 - height**2))
    return np.asarray(np.append(flat, height[:, None], axis=1) @ np.linalg.qr(rng.standard_normal((3, 3)))[0])


def torus(rng: np.random.Generator, n: int, large: float = 3, small: float = 1) -> Floats:
    """Return evenly spread points of the torus around axis 3."""
    angles = np.linspace(0, 2 * np.pi, 100_001)
    area = (large * angles + small * np.sin(angles)) / (2 * np.pi * large)
    tube = np.interp((np.arange(n) + 0.5) / n, area, angles)
    flat = on_circle(2 * np.pi * (GOLDEN * np.arange(n) + rng.uniform()), large + small * np.cos(tube))
    return np.append(flat, small * np.sin(tube)[:, None], axis=1)


def graph(shape: Shape, n: int, seed: int, **options: Any) -> MapperGraph:
    rng = np.random.default_rng(seed)
    return build(shape(rng, n), np.arange(n), Options(**options), rng)


def cycles(one: MapperGraph) -> int:
    """Return how many independent cycles the graph has, when triangles fill none."""
    return len(one.edges().first) - len(one.names) + betti(one.components())[0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("shape", "n", "components", "loops"),
    [(circle, 1000, 1, 1), (ring, 4000, 1, 1), (blobs, 1000, 2, 0), (segment, 1000, 1, 0), (eight, 1000, 1, 2)],
)
def test_one_lens(shape: Shape, n: int, components: int, loops: int, seed: int) -> None:
    assert betti(graph(shape, n, seed, neighbours=10).components()) == (components, loops)


@pytest.mark.parametrize("seed", range(3))
def test_one_balanced_lens(seed: int) -> None:
    for shape, components, loops in ((circle, 1, 1), (blobs, 2, 0), (segment, 1, 0), (eight, 1, 2)):
        assert betti(graph(shape, 1000, seed, cover="balanced", neighbours=10).components()) == (components, loops)


def test_a_circle_by_its_eccentricity_is_cut_into_nothing() -> None:
    """Of a circle, all points are equally eccentric: a lens that shows no loop, whatever the cover."""
    found = betti(graph(circle, 1000, 0, lens=("eccentricity",), intervals=2, neighbours=10).components())
    assert found[1] == 0


@pytest.mark.parametrize("intervals", [4, 5, 6, 8])
def test_surfaces_without_loops_by_two_lenses(intervals: int) -> None:
    """The graph is full of cycles, around each corner where four cells meet: triangles of the nerve fill them."""
    for shape in (disc, sphere):
        one = graph(shape, 4000, 0, lens=("x0", "x1"), intervals=intervals, neighbours=8)
        assert betti(one.components()) == (1, 0)
        assert cycles(one) > 20


def test_a_circle_by_two_lenses_has_one_loop() -> None:
    one = graph(circle, 1000, 0, lens=("pca1", "pca2"), intervals=6, neighbours=10)
    assert betti(one.components()) == (1, 1)
    assert cycles(one) > 5


@pytest.mark.parametrize("seed", range(3))
def test_torus(seed: int) -> None:
    """By one lens along the large circle, one loop: it shows the Reeb graph, which has one loop for each handle.

    By the two lenses of the plane of that circle, two: over a cell lie an upper and a lower sheet, which meet where the
    tube turns, so that the nerve is the surface, with the way around the hole and the way around the tube; cells must
    be smaller than half of the hole and the tube.
    """
    assert betti(graph(torus, 10_000, seed, lens=("x0",), neighbours=8).components()) == (1, 1)
    both = graph(torus, 10_000, seed, lens=("x0", "x1"), intervals=12, neighbours=8)
    assert betti(both.components()) == (1, 2)


def test_a_gap_in_the_ring_opens_its_loop() -> None:
    z = ring(np.random.default_rng(0), 5000)
    z = z[np.abs(np.arctan2(z[:, 1], z[:, 0])) > 0.7]
    one = build(z, np.arange(len(z)), Options(("x1",), neighbours=10), np.random.default_rng(0))
    assert betti(one.components()) == (1, 0)
