"""The Mapper graph of `train`, and the place of other samples in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.domains.topology import covers, lenses, nerve
from gancensus.domains.topology.covers import NONE, Cover, Spacing
from gancensus.domains.topology.lenses import Lens
from gancensus.domains.topology.nerve import Edges
from gancensus.search.neighbours import Nearest, nearest, nearest_others

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

LEAST = 5  # samples of a node
DENSE = 0.95  # share of train that may build nodes: those whose k-th neighbours are nearest


class Options(NamedTuple):
    """How a graph is made."""

    lens: tuple[str, ...] = ("pca1",)
    """One or two lenses: see `lenses.fit`."""
    cover: Spacing = "uniform"
    """How their intervals are spaced: see `covers.fit`."""
    intervals: int = 10
    """Intervals of each lens."""
    overlap: float = 0.3
    """Share of its length that an interval has in common with its neighbour, below 1/2."""
    neighbours: int = 10
    """k: how many nearest neighbours a sample is joined to."""
    called: tuple[str, ...] = ()
    """What messages call the lenses; without it, as they are given."""


class Members(NamedTuple):
    """Which samples are in which nodes, sorted by sample, then by node."""

    rows: Integers
    """Position of the sample in its population (pairs,)."""
    nodes: Integers
    """The node (pairs,)."""
    samples: int
    """Samples of the population."""

    def counts(self, nodes: int) -> Integers:
        """Return how many samples are in each of so many nodes (nodes,)."""
        return np.bincount(self.nodes, minlength=nodes).astype(np.int64)

    def outside(self) -> Flags:
        """Return which samples are in no node (samples,)."""
        outside: Flags = np.bincount(self.rows, minlength=self.samples) == 0
        return outside


@dataclass(frozen=True)
class MapperGraph:
    """A Mapper graph, and all that is needed to place samples in it."""

    names: tuple[str, ...]
    """Names of the nodes: "3-1" is the largest cluster of cell 3, "3.7-1" with two lenses; by cell, then by size."""
    order: Integers
    """Positions in train, as it was given, by ascending sample_id (n,)."""
    members: Members
    """Samples of train in each node; positions are those in `order`."""
    lens: Floats
    """Values of the lenses for train, in that order (n, lenses)."""
    lenses: tuple[Lens, ...]
    covers: tuple[Cover, ...]
    neighbours: int
    """k."""
    builders: Floats
    """Vectors of the samples of train that may build nodes (m, d)."""
    radii: Floats
    """Distance of each to its k-th nearest other sample of train (m,)."""
    cells: Integers
    """Cells of each (m, 2^lenses), -1 where there are fewer."""
    nodes: Integers
    """Its node in each of these cells (m, 2^lenses), -1 where it is in none."""

    def lens_of(self, z: Floats) -> Floats:
        """Return the values of the lenses for samples (n, d): (n, lenses).

        Raises:
            ValueError: they do not have as many values as those of train, or one is not finite; see `check_finite`.
        """
        if z.shape[1] != self.builders.shape[1] or not np.isfinite(z).all():
            raise ValueError(f"vectors must be finite and have {self.builders.shape[1]} values, as those of train")
        z = np.ascontiguousarray(z, dtype=np.float64)
        return np.stack([lens.of(z) for lens in self.lenses], axis=1)

    def place(self, z: Floats) -> Members:
        """Find the nodes of samples (n, d) that did not build the graph.

        In each cell that holds it, a sample joins the node of the nearest of its k nearest builders that is in a node
        of that cell and no nearer to its own k-th neighbour than to the sample: a ball around each builder, as in
        improved precision (Kynkaanniemi et al., arXiv:1904.06991, eq. 1). If there is none, it joins none.

        Raises:
            ValueError: as `lens_of`.
        """
        z = np.ascontiguousarray(z, dtype=np.float64)
        cells = covers.cells(self.covers, self.lens_of(z))
        near = nearest(z, self.builders, min(self.neighbours, len(self.builders)))
        held = np.full(cells.shape, NONE)
        for rows, distance in zip(near.rows.T, near.distance.T, strict=True):
            same = (cells[:, :, None] == self.cells[rows][:, None, :]) & (distance <= self.radii[rows])[:, None, None]
            node = np.where(same, self.nodes[rows][:, None, :], NONE).max(axis=2)
            held = np.where(held == NONE, node, held)
        return _members(np.arange(len(z)), held, len(z))

    def edges(self) -> Edges:
        """Return the pairs of nodes that share samples of train."""
        return nerve.edges(self.nodes, len(self.names))

    def components(self) -> tuple[Integers, Integers]:
        """Return the component of each node, from 0 in the order of their first nodes, and the loops of that (n,)."""
        edges = self.edges()
        return nerve.components(len(self.names), np.stack(edges[:2], axis=1), nerve.triangles(self.nodes))


def build(z: Floats, sample_id: Integers, options: Options, rng: np.random.Generator) -> MapperGraph:
    """Build the Mapper graph of train (Singh, Memoli & Carlsson, PBG 2007, section 3).

    In each cell of the lenses' cover, clusters are the components of the graph in which a sample is joined to its k
    nearest others. Samples whose k-th neighbour is farther than that of 95 % of all are left out, for they would join
    what is apart; clusters of fewer than 5 samples are none. The order of the samples changes nothing.

    Args:
        z: (n, d).
        sample_id: (n,), each once.
        options: how.
        rng: chooses landmarks of the lens `eccentricity`.

    Raises:
        UserError: too few samples, a vector that is not finite, a lens that cannot be had, no node.
    """
    check_finite("train", z, sample_id)
    if len(z) <= options.neighbours:
        raise UserError(
            f"{len(z)} samples of `train`: too few for {options.neighbours} neighbours; lower `neighbours`, or use "
            "more samples"
        )
    order = np.argsort(sample_id, kind="stable")
    z = np.ascontiguousarray(z[order], dtype=np.float64)
    others = nearest_others(z, options.neighbours)
    fitted, lens = lenses.fit(options.lens, z, others, rng)
    radii = others.distance[:, -1]
    dense = np.flatnonzero(radii <= np.quantile(radii, DENSE, method="inverted_cdf"))
    covered = tuple(
        covers.fit(name, values, options.cover, options.intervals, options.overlap)
        for name, values in zip(options.called or options.lens, lens[dense].T, strict=True)
    )
    cells = covers.cells(covered, lens[dense])
    first, second = _joined(others, dense)
    nodes, cell, number = _clusters(cells, first, second)
    if not len(cell):
        raise UserError(
            f"{len(z)} samples of `train`: no {LEAST} neighbouring ones in any cell of the cover; lower `intervals`, "
            "or use more samples"
        )
    names = _names(cell, number, options.intervals, len(fitted))
    members = _members(dense, nodes, len(z))
    return MapperGraph(
        names, order, members, lens, fitted, covered, options.neighbours, z[dense], radii[dense], cells, nodes
    )


def check_finite(population: str, z: Floats, sample_id: Integers) -> None:
    """Raise UserError naming the first of a population's samples (n,) whose vector (n, d) is not finite."""
    bad = np.flatnonzero(~np.isfinite(z).all(axis=1))
    if len(bad):
        raise UserError(
            f"{population}: the vectors of {len(bad)} of {len(z)} samples are not finite, first that of sample "
            f"{sample_id[bad[0]]}; leave them out, or correct them"
        )


def _joined(others: Nearest, dense: Integers) -> tuple[Integers, Integers]:
    """Return the pairs of dense samples, as positions among these, of which one is among the others of the other."""
    place = np.full(len(others.rows), NONE)
    place[dense] = np.arange(len(dense))
    first = np.repeat(np.arange(len(dense)), others.rows.shape[1])
    second = place[others.rows[dense]].ravel()
    return first[second >= 0], second[second >= 0]


def _clusters(cells: Integers, first: Integers, second: Integers) -> tuple[Integers, Integers, Integers]:
    """Find the components of the graph in each cell.

    Args:
        cells: cells of each sample (n, m), -1 where there are fewer.
        first: a sample of each edge (e,).
        second: the other (e,).

    Returns:
        The node of each sample in each of its cells (n, m), -1 for none; the cell of each node; its number in the cell,
        from 1. Nodes are sorted by cell, then by size, the largest first, then by their first sample.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size, held = cells.size, cells.shape[1]
    same = (cells[first][:, :, None] == cells[second][:, None, :]) & (cells[first] != NONE)[:, :, None]
    edge, slot, other = np.nonzero(same)
    ends = first[edge] * held + slot, second[edge] * held + other
    graph = coo_array((np.ones(len(edge), dtype=np.int8), ends), shape=(size, size))
    label = connected_components(graph, directed=False)[1]
    _, start, inverse, count = np.unique(label, return_index=True, return_inverse=True, return_counts=True)
    large = np.flatnonzero((count >= LEAST) & (cells.ravel()[start] != NONE))
    cell = cells.ravel()[start[large]]
    ranked = np.lexsort((start[large] // held, -count[large], cell))
    large, cell = large[ranked], cell[ranked]
    node = np.full(len(count), NONE)
    node[large] = np.arange(len(large))
    number = np.arange(len(cell)) - np.searchsorted(cell, cell) + 1
    return node[inverse].reshape(cells.shape), cell, number


def _names(cell: Integers, number: Integers, intervals: int, lenses: int) -> tuple[str, ...]:
    places = np.unravel_index(cell, (intervals,) * lenses)
    return tuple(
        f"{'.'.join(str(int(one) + 1) for one in place)}-{k}" for *place, k in zip(*places, number, strict=True)
    )


def _members(rows: Integers, held: Integers, samples: int) -> Members:
    """Return the members that are given as the nodes of each row (n, m), rows ascending."""
    ordered = np.sort(held, axis=1)
    sample, slot = np.nonzero(ordered != NONE)
    return Members(rows[sample].astype(np.int64), ordered[sample, slot].astype(np.int64), samples)
