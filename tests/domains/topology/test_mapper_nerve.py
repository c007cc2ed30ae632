"""Edges, triangles and Betti numbers of nerves, against gudhi and by hand."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from mapper_betti import betti

from gancensus.domains.topology.nerve import components, edges, triangles

NO_TRIPLES = np.empty((0, 3), dtype=np.int64)


def of(nodes: int, pairs: Any, triples: Any) -> tuple[int, int]:
    return betti(components(nodes, pairs, triples))


def test_samples_shared_by_nodes_are_counted() -> None:
    held = np.array([[0, 1, -1, -1], [1, -1, 0, -1], [2, 1, 0, -1], [-1, -1, -1, 3], [-1, -1, -1, -1]])
    first, second, shared = edges(held, 4)
    assert list(zip(first, second, shared, strict=True)) == [(0, 1, 3), (0, 2, 1), (1, 2, 1)]
    assert triangles(held).tolist() == [[0, 1, 2]]


def test_four_nodes_that_share_a_sample_give_all_their_edges_and_triangles() -> None:
    held = np.array([[3, 0, 2, 1], [0, 1, 2, 3]])
    first, second, shared = edges(held, 4)
    assert list(zip(first, second, strict=True)) == list(combinations(range(4), 2))
    assert (shared == 2).all()
    assert triangles(held).tolist() == [list(some) for some in combinations(range(4), 3)]
    assert of(4, np.stack([first, second], axis=1), triangles(held)) == (1, 0)  # a solid tetrahedron


def test_one_lens_gives_no_triangles() -> None:
    held = np.array([[0, 1], [1, 2], [2, -1]])
    assert triangles(held).shape == (0, 3)
    assert edges(held, 3).shared.tolist() == [1, 1]
    assert edges(np.full((4, 2), -1), 3).first.shape == (0,)


@pytest.mark.parametrize(("nodes", "components", "loops"), [(1, 1, 0), (5, 1, 1), (9, 1, 1)])
def test_a_polygon_has_one_loop(nodes: int, components: int, loops: int) -> None:
    pairs = np.array([[k, k + 1] for k in range(nodes - 1)] + ([[0, nodes - 1]] if nodes > 2 else []), dtype=np.int64)
    assert of(nodes, pairs.reshape(-1, 2), NO_TRIPLES) == (components, loops)


def test_a_filled_triangle_has_no_loop_and_a_lone_node_is_a_component() -> None:
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    assert of(4, pairs, NO_TRIPLES) == (2, 1)
    assert of(4, pairs, np.array([[0, 1, 2]])) == (2, 0)


def test_seven_nodes_of_the_torus_have_two_loops() -> None:
    """Moebius' triangulation: triangles {i, i + 1, i + 3} and {i, i + 2, i + 3} modulo 7."""
    triples = np.array([sorted((i + a) % 7 for a in some) for some in ((0, 1, 3), (0, 2, 3)) for i in range(7)])
    assert of(7, np.array(list(combinations(range(7), 2))), triples) == (1, 2)


def test_each_component_has_its_own_loops() -> None:
    """A square of 0, 2, 4 and 5, a filled triangle of 1, 3 and 6, and 7."""
    pairs = np.array([[0, 2], [2, 4], [4, 5], [0, 5], [1, 3], [3, 6], [1, 6]])
    component, loops = components(8, pairs, np.array([[1, 3, 6]]))
    assert component.tolist() == [0, 1, 0, 1, 0, 0, 1, 2]
    assert loops.tolist() == [1, 0, 1, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("seed", range(40))
def test_betti_numbers_are_those_of_gudhi(seed: int) -> None:
    gudhi = pytest.importorskip("gudhi")
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(1, 25))
    faces = [set(rng.choice(nodes, min(nodes, size), replace=False).tolist()) for size in rng.integers(1, 4, 30)]
    pairs = sorted({pair for face in faces for pair in combinations(sorted(face), 2)})
    triples = sorted({tuple(sorted(face)) for face in faces if len(face) == 3})
    tree = gudhi.SimplexTree()
    for face in [[node] for node in range(nodes)] + [list(face) for face in faces]:
        tree.insert(face)
    tree.compute_persistence(persistence_dim_max=True)
    found = of(nodes, np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array(triples, dtype=np.int64).reshape(-1, 3))
    assert list(found) == [*tree.betti_numbers(), 0][:2]
