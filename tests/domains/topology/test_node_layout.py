"""Where nodes are drawn: apart from each other, and without crossings where none are needed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from gancensus.contracts.randomness import derive_rng
from gancensus.domains.topology.mapper_graph import Options, build
from gancensus.domains.topology.node_layout import apart, layout


@pytest.mark.parametrize("seed", range(5))
def test_places_are_the_nearest_that_are_apart(seed: int) -> None:
    wanted = np.round(derive_rng(1, seed).normal(size=12), 1)
    found = apart(wanted, 0.4, np.arange(12.0))
    order = np.lexsort((np.arange(12), wanted))
    steps = 0.4 * np.arange(12)
    np.testing.assert_allclose(found[order], isotonic_regression(wanted[order] - steps).x + steps, atol=1e-12)
    assert np.diff(found[order]).min() >= 0.4 - 1e-12


def circle(rng: np.random.Generator, n: int) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.02 * rng.standard_normal((n, 2))


def test_a_circle_is_drawn_as_one() -> None:
    """Two nodes in each cell but the outermost, and each chain of them on one side: no two links cross."""
    x = circle(derive_rng(2), 1500)
    graph = build(x, np.arange(1500), Options(("x0",), neighbours=15), derive_rng(3))
    at = layout(graph)
    first, second, _ = graph.edges()
    side = np.sign(at[:, 1])
    inner = [k for k, name in enumerate(graph.names) if name.split("-")[0] not in ("1", "10")]
    assert len(inner) == 16
    assert side[inner].tolist().count(1) == 8
    for i, j in zip(first, second, strict=True):
        assert i not in inner or j not in inner or side[i] == side[j]
    assert layout(graph).tobytes() == at.tobytes()
    means = [x[graph.order[graph.members.rows[graph.members.nodes == k]], 0].mean() for k in range(len(at))]
    np.testing.assert_allclose(at[:, 0], means)


def test_nodes_of_a_cell_are_apart_with_one_lens_and_with_two() -> None:
    rng = derive_rng(4)
    x = np.repeat(rng.normal(size=(30, 4)), 30, axis=0) + 0.01 * rng.standard_normal((900, 4))
    for lens in (("x0",), ("x0", "x1")):
        graph = build(x, np.arange(900), Options(lens, intervals=4), derive_rng(5))
        at, cells = layout(graph), np.array([name.split("-")[0] for name in graph.names])
        assert np.unique(cells).size < len(cells)
        for cell in np.unique(cells):
            assert np.diff(np.sort(at[cells == cell, 1])).min(initial=1) > 0.02
    assert layout(build(x[:40], np.arange(40), Options(("x0",), intervals=2), derive_rng(6))).shape[1] == 2
