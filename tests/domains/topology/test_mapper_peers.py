"""Graphs of well separated clusters against kmapper and gudhi, on the same cover."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from mapper_betti import betti
from sklearn.cluster import DBSCAN

from gancensus.domains.topology.mapper_graph import MapperGraph, Options, build

Node = frozenset[int]
INTERVALS, OVERLAP, EPS = 6, 0.3, 0.3


def made(seed: int, lenses: int) -> tuple[MapperGraph, Any]:
    """Return a graph of four arcs that are far from each other, and its builders.

    Points are .047 apart along an arc. The peers' clusters are the components of the graph of all pairs within .3; ours
    join ten neighbours, which are within .24 but at the ends.
    """
    rng = np.random.default_rng(seed)
    angle = np.tile(np.linspace(0, 1.5 * np.pi, 300), 4) + np.repeat(rng.uniform(0, 2 * np.pi, 4), 300)
    z = 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.001 * rng.standard_normal((1200, 2))
    z += 10 * np.repeat(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), 300, axis=0)
    names = ("x0", "x1")[:lenses]
    graph = build(z, np.arange(1200), Options(names, "uniform", INTERVALS, OVERLAP, 10), rng)
    assert graph.radii.max() < EPS
    return graph, graph.builders


def ours(graph: MapperGraph) -> tuple[set[Node], set[frozenset[Node]]]:
    """Return nodes as sets of builders, and edges as pairs of nodes."""
    nodes = [frozenset(np.flatnonzero((graph.nodes == k).any(axis=1)).tolist()) for k in range(len(graph.names))]
    edges = graph.edges()
    return set(nodes), {frozenset((nodes[a], nodes[b])) for a, b in zip(*edges[:2], strict=True)}


def limits(z: Any, lenses: int) -> Any:
    """Return the range (lenses, 2) of which the peers' outermost intervals stick out to the ends of ours."""
    length = 1 / (1 + (INTERVALS - 1) * (1 - OVERLAP))
    low, high = z[:, :lenses].min(axis=0), z[:, :lenses].max(axis=0)
    margin = length * OVERLAP / 2 * (high - low)
    return np.stack([low + margin, high - margin], axis=1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lenses", [1, 2])
def test_kmapper(seed: int, lenses: int) -> None:
    kmapper = pytest.importorskip("kmapper")
    graph, z = made(seed, lenses)
    cover = kmapper.Cover(INTERVALS, OVERLAP, limits=limits(z, lenses))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that our limits do not hold all values
        found = kmapper.KeplerMapper(verbose=0).map(z[:, :lenses], z, DBSCAN(EPS, min_samples=1), cover)
    nodes = {name: frozenset(rows) for name, rows in found["nodes"].items() if len(rows) >= 5}
    links = {(a, b) for a, some in found["links"].items() for b in some if a in nodes and b in nodes}
    assert ours(graph) == (set(nodes.values()), {frozenset((nodes[a], nodes[b])) for a, b in links})
    assert len(graph.names) == len(nodes) > 10


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lenses", [1, 2])
def test_gudhi(seed: int, lenses: int) -> None:
    gudhi = pytest.importorskip("gudhi.cover_complex")
    graph, z = made(seed, lenses)
    bounds = limits(z, lenses)
    theirs = gudhi.MapperComplex(
        min_points_per_node=5,
        filter_bnds=bounds,
        resolutions=[INTERVALS] * lenses,
        gains=[OVERLAP] * lenses,
        clustering=DBSCAN(EPS, min_samples=1),
    ).fit(z, filters=np.clip(z[:, :lenses], bounds[:, 0], bounds[:, 1]))
    nodes = {name: frozenset(one["indices"].tolist()) for name, one in theirs.node_info_.items() if one["size"] >= 5}
    tree = theirs.simplex_tree_
    links = [some for some, _ in tree.get_skeleton(1) if len(some) == 2]
    assert ours(graph) == (set(nodes.values()), {frozenset((nodes[a], nodes[b])) for a, b in links})
    tree.compute_persistence(persistence_dim_max=True)
    assert list(betti(graph.components())) == [*tree.betti_numbers(), 0, 0][:2]
