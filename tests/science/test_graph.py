"""The graph of duplicates against brute force over all sets of vertices."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gancensus.census import graph

IntArray = npt.NDArray[np.int64]
Graph = tuple[int, IntArray, IntArray]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    samples = draw(st.integers(1, 8))
    every = list(combinations(range(samples), 2))
    kept = draw(st.lists(st.sampled_from(every), unique=True)) if every else []
    pairs = np.array(kept, dtype=np.int64).reshape(-1, 2)
    return samples, pairs[:, 0].copy(), pairs[:, 1].copy()


def matrix(samples: int, i: IntArray, j: IntArray) -> npt.NDArray[np.bool_]:
    edge = np.zeros((samples, samples), dtype=bool)
    edge[i, j] = edge[j, i] = True
    return edge


def subsets(samples: int) -> list[list[int]]:
    return [list(kept) for k in range(1, samples + 1) for kept in combinations(range(samples), k)]


@given(graphs())
def test_degrees(drawn: Graph) -> None:
    degrees = graph.degrees(*drawn)
    assert degrees.dtype == np.int64
    assert np.array_equal(degrees, matrix(*drawn).sum(axis=1))


@given(graphs())
def test_components(drawn: Graph) -> None:
    reach = matrix(*drawn) | np.eye(drawn[0], dtype=bool)
    for _ in range(drawn[0]):
        reach = reach @ reach
    components = {tuple(np.flatnonzero(row).tolist()) for row in reach}
    sizes = graph.component_sizes(*drawn)
    assert sizes.dtype == np.int64
    assert sorted(sizes.tolist()) == sorted(map(len, components))


@given(graphs())
def test_clique_bound(drawn: Graph) -> None:
    edge = matrix(*drawn)
    within = [edge[np.ix_(kept, kept)] for kept in subsets(drawn[0])]
    clique = max(len(sub) for sub in within if sub.sum() == len(sub) * (len(sub) - 1))
    core = max(int(sub.sum(axis=1).min()) for sub in within)
    assert graph.clique_bound(*drawn) == core + 1 >= clique
    assert graph._largest_core.py_func(*graph.adjacency.py_func(*drawn)) == core


@pytest.mark.parametrize("copies", [[3, 1, 7, 7, 2], [1, 1, 1], [40]])
def test_cells(copies: list[int]) -> None:
    cell = np.repeat(np.arange(len(copies)), copies)
    i, j = np.triu_indices(cell.size, 1)
    same = cell[i] == cell[j]
    assert sorted(graph.component_sizes(cell.size, i[same], j[same])) == sorted(copies)
    assert graph.clique_bound(cell.size, i[same], j[same]) == max(copies)


def test_a_chain_is_one_component_without_a_triangle() -> None:
    i = np.arange(999)
    assert graph.component_sizes(1000, i, i + 1).tolist() == [1000]
    assert graph.clique_bound(1000, i, i + 1) == 2


def test_a_clique_in_a_cloud() -> None:
    rng = np.random.default_rng(0)
    edge = np.triu(rng.random((400, 400)) < 0.01, 1)
    edge[np.triu_indices(25, 1)] = True
    i, j = (index.astype(np.int64) for index in np.nonzero(edge))
    assert graph.clique_bound(400, i, j) == 25
