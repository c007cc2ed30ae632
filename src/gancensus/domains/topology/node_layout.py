"""Where the nodes of a Mapper graph are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gancensus.domains.topology.mapper_graph import MapperGraph

Floats = NDArray[np.float64]

SWEEPS = 6  # over the cells, to and fro
APART = 0.3  # least distance of nodes of a cell, with two lenses, over the distance of two cells


def layout(graph: MapperGraph) -> Floats:
    """Return where each node is drawn, float64 (nodes, 2): the same for the same graph.

    With two lenses, at their means over the node's samples of train. With one, x is its mean; y, in units of the least
    distance of two nodes of a cell, places nodes at the barycentre of their neighbours, as far as their distances let
    it, cell by cell and to and fro (Sugiyama, Tagawa & Toda, IEEE Trans. Syst. Man Cybern. 11 (1981) 109).
    """
    means = _means(graph)
    cells = _cells(graph.names)
    if means.shape[1] == 2:
        y = means[:, 1].copy()
        gap = APART * float(np.ptp(graph.lens[:, 1])) / max(1, *(int(name[1]) for name in map(_place, graph.names)))
        for cell in cells:
            y[cell] = apart(y[cell], gap, y[cell])
        return np.column_stack([means[:, 0], y])
    return np.column_stack([means[:, 0], _barycentres(cells, *graph.edges())])


def _means(graph: MapperGraph) -> Floats:
    """Return the mean of each lens over the samples of each node (nodes, lenses)."""
    count, (rows, nodes, _) = len(graph.names), graph.members
    sums = [np.bincount(nodes, weights=values[rows], minlength=count) for values in graph.lens.T]
    return np.stack(sums, axis=1) / graph.members.counts(count)[:, None]


def _place(name: str) -> list[str]:
    """Return the cell of a node, an interval of each lens."""
    return name.split("-")[0].split(".")


def _cells(names: Sequence[str]) -> list[list[int]]:
    """Return the nodes of each cell, in their order."""
    cells: dict[str, list[int]] = {}
    for node, name in enumerate(names):
        cells.setdefault(name.split("-")[0], []).append(node)
    return list(cells.values())


def _barycentres(
    cells: Sequence[Sequence[int]], first: NDArray[np.int64], second: NDArray[np.int64], shared: NDArray[np.int64]
) -> Floats:
    """Return the y of each node, with the nodes of a cell at least 1 apart, near those that they share samples with.

    Sweeps to and fro look at the cells before and after alone, which puts nodes in order; the last ones at both.
    """
    count = sum(map(len, cells))
    y, before = np.zeros(count), np.zeros((count, count))
    before[second, first] = shared  # nodes of earlier cells have smaller numbers
    sweeps = [(before, 1), (before.T, -1)] * SWEEPS + [(before + before.T, 1), (before + before.T, -1)] * SWEEPS
    for weights, step in sweeps:
        for cell in cells[::step]:
            mine = np.array(cell)
            total = weights[mine].sum(axis=1)
            wanted = np.round((weights[mine] * y).sum(axis=1) / np.maximum(total, 1), 9)
            y[mine] = apart(np.where(total > 0, wanted, y[mine]), 1.0, y[mine])
        y -= np.round(y.mean(), 9)
    return y


def apart(wanted: Floats, gap: float, now: Floats) -> Floats:
    """Return the places (n,) nearest to the wanted ones, by least squares and in their order, at least `gap` apart.

    Where equal places are wanted, the order is that of where they are `now` (n,). By isotonic regression, in which
    neighbours that are too near are pooled (Best & Chakravarti, Math. Program. 47 (1990) 425).
    """
    order = np.lexsort((now, wanted))
    steps = gap * np.arange(len(wanted))
    pools: list[tuple[float, int]] = []
    for value in (wanted[order] - steps).tolist():
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (last, many), (before, more) = pools.pop(), pools.pop()
            pools.append(((last * many + before * more) / (many + more), many + more))
    found = np.empty(len(wanted))
    found[order] = np.concatenate([np.full(many, value) for value, many in pools]) + steps
    return found
