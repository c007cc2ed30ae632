"""The nerve of nodes that share samples: its edges, triangles and Betti numbers."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Edges(NamedTuple):
    """Pairs of nodes that share samples, ascending."""

    first: Integers
    """The smaller node (e,)."""
    second: Integers
    """The larger node (e,)."""
    shared: Integers
    """How many samples they share (e,)."""


def edges(held: Integers, nodes: int) -> Edges:
    """Return the pairs of nodes that share samples.

    Args:
        held: the different nodes of each sample (n, m), -1 where there are fewer.
        nodes: how many there are.
    """
    pairs = _faces(held, 2)
    code, shared = np.unique(pairs[:, 0] * nodes + pairs[:, 1], return_counts=True)
    return Edges(code // nodes, code % nodes, shared.astype(np.int64))


def triangles(held: Integers) -> Integers:
    """Return the triples of nodes (t, 3) that share samples, ascending; `held` as in `edges`."""
    return np.unique(_faces(held, 3), axis=0)


def components(nodes: int, pairs: Integers, triples: Integers) -> tuple[Integers, Integers]:
    """Return the component of each node, from 0 in the order of their first nodes, and how many loops that has (n,).

    Loops are independent cycles, less those that triangles fill, over GF(2): dim H_1 = E - V + 1 - rank of the boundary
    of triangles (Edelsbrunner & Harer, Computational Topology, IV.2).

    Args:
        nodes: how many vertices there are.
        pairs: the edges (e, 2), ascending in each row, none twice.
        triples: the triangles (t, 3), ascending in each row; each one's edges are in `pairs`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(nodes, nodes))
    found = connected_components(graph, directed=False)[1].astype(np.int64)
    loops = np.zeros(nodes, dtype=np.int64)
    for one in np.unique(found):
        inside = found == one
        mine = [faces[inside[faces[:, 0]]] for faces in (pairs, triples)]
        edges = len(mine[0]) - int(inside.sum()) + 1
        loops[inside] = edges - _boundary_rank(*mine)
    return found, loops


def _faces(held: Integers, size: int) -> Integers:
    """Return every set of `size` nodes (f, size) that a sample has, ascending; one that more samples have, again."""
    ordered = np.sort(held, axis=1)
    found = [ordered[:, some] for some in combinations(range(held.shape[1]), size)]
    faces = np.concatenate([*found, np.empty((0, size), dtype=np.int64)])
    return faces[faces[:, 0] >= 0]


def _boundary_rank(pairs: Integers, triples: Integers) -> int:
    """Return the rank over GF(2) of the triangles' boundaries: rows are whole numbers, whose bits are edges."""
    number = {(int(a), int(b)): k for k, (a, b) in enumerate(pairs)}
    pivots: dict[int, int] = {}
    for a, b, c in triples.tolist():
        row = (1 << number[a, b]) ^ (1 << number[a, c]) ^ (1 << number[b, c])
        while row and row.bit_length() in pivots:
            row ^= pivots[row.bit_length()]
        if row:
            pivots[row.bit_length()] = row
    return len(pivots)
