"""The cells that space is cut into, and their true contents."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.density import Cells, Density, Floats
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows, flatten


@dataclass(frozen=True)
class Contents:
    """The true contents of Q cells: exact, or counted from true points that had no part in making the cells."""

    shares: Floats
    """(Q,), of sum 1."""
    points: int | None = None
    """How many points were counted; None: exact."""

    @classmethod
    def equal(cls, cells: int) -> Contents:
        """Return the contents of cells of equal probability."""
        return cls(np.full(cells, 1 / cells))

    @classmethod
    def counted(cls, counts: NDArray[Any]) -> Contents:
        """Return the contents that counts (Q,) of true points estimate.

        Raises UserError for fewer than 2 points.
        """
        points = at_least_two(counts)
        return cls(counts / points, int(points))

    @property
    def noise(self) -> float:
        """The part of an MSE that comes from the finite number of points counted."""
        return 0.0 if self.points is None else self.one_point / self.points

    @property
    def one_point(self) -> float:
        """N times the expected MSE of N true points, (1 - sum p^2) / Q; unbiased where the contents are counted."""
        excess = 1.0 if self.points is None else self.points / (self.points - 1)
        return float(excess * (1 - np.sum(self.shares**2)) / len(self.shares))


@dataclass(frozen=True)
class AdaptiveCells:
    """A partition of space of any dimension into Q cells that hold equal shares of some points: a k-d tree."""

    axes: NDArray[np.int64]
    """Of each node; -1 for a leaf."""
    thresholds: Floats
    """Of each node: points at most this far along its axis go on to the next node, the rest to `others`."""
    others: NDArray[np.int64]
    """Of each node: the node for the rest; of a leaf, its cell."""

    @classmethod
    def of(cls, x: NDArray[Any], cells: int) -> AdaptiveCells:
        """Cut space at quantiles of points x (n, d), along their widest axis each time, until there are Q cells.

        Q need not be a power of two: a node of q cells becomes two of ceil(q/2) and floor(q/2), with shares of the
        points in proportion. Without ties every cell holds floor(n/Q) or ceil(n/Q) points. Ties stay together, so the
        axis on which they disturb the shares least is cut.

        Raises UserError for fewer points than cells.
        """
        if not 1 <= cells <= len(x):
            raise UserError(f"{cells} cells need as many points, but there are {len(x)}; ask for fewer cells")
        nodes: list[tuple[int, float, int]] = []
        _grow(np.asarray(x), cells, nodes, 0)
        axes, thresholds, others = zip(*nodes, strict=True)
        return cls(np.array(axes), np.array(thresholds, dtype=np.float64), np.array(others))

    def __call__(self, x: NDArray[Any]) -> Cells:
        """Return the cell (n,) of each point x (n, d)."""
        node = np.zeros(len(x), dtype=np.int64)
        rows = np.flatnonzero(self.axes[node] >= 0)
        while len(rows):
            at = node[rows]
            left = x[rows, self.axes[at]] <= self.thresholds[at]
            node[rows] = np.where(left, at + 1, self.others[at])
            rows = rows[self.axes[node[rows]] >= 0]
        return self.others[node]


def adaptive_cells(holdout: NDArray[Any], cells: int, rng: np.random.Generator) -> tuple[AdaptiveCells, Contents]:
    """Return Q cells of equal shares of a random half of true points (n, d), and their contents by the other half.

    Raises UserError where there are too few points.
    """
    order = rng.permutation(len(holdout))
    made = AdaptiveCells.of(holdout[order[: len(order) // 2]], cells)
    counts = np.bincount(made(holdout[order[len(order) // 2 :]]), minlength=cells)
    return made, Contents.counted(counts)


def _grow(x: NDArray[Any], cells: int, nodes: list[tuple[int, float, int]], first: int) -> None:
    """Append the tree of points x (n, d), whose cells are numbered from `first`: a node, its left tree, its right."""
    if cells == 1:
        nodes.append((-1, 0.0, first))
        return
    left = -(-cells // 2)
    axis, threshold = _cut(x, len(x) * left // cells)
    here = len(nodes)
    nodes.append((axis, threshold, -1))
    low = x[:, axis] <= threshold
    _grow(x[low], left, nodes, first)
    nodes[here] = (axis, threshold, len(nodes))
    _grow(x[~low], cells - left, nodes, first + left)


def _cut(x: NDArray[Any], wanted: int) -> tuple[int, float]:
    """Return axis and threshold for which the number of points x (n, d) at or below is nearest to the wanted one."""
    if not wanted:  # ties have left fewer points than cells
        return 0, -math.inf
    thresholds = np.partition(x, wanted - 1, axis=0)[wanted - 1]
    excess = np.sum(x <= thresholds, axis=0) - wanted
    axis = int(np.lexsort((-x.var(axis=0), excess))[0])
    return axis, float(thresholds[axis])


def at_least_two(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of points (...,) of counts (..., Q), or raise UserError where it is below 2."""
    points = np.asarray(counts.sum(axis=-1), dtype=np.int64)
    if (points < 2).any():
        raise UserError("a repetition, or the held-out data, has fewer than 2 points; draw more, or take fewer cells")
    return points


class Partition(NamedTuple):
    """Cells of points (n, d) and their contents; of a known truth, with the number of cells along each axis."""

    cells: Callable[[Floats], Cells]
    contents: Contents
    truth: Density | None
    per_axis: int


def partition_of(
    truth: Density | None, cells: int, holdout: Rows, rng: Callable[[str], np.random.Generator]
) -> Partition:
    """Return cells of equal probability under the truth, or of equal shares of half of holdout where it is unknown."""
    if truth is None:
        points = in_natural_units(holdout.whole())
        return Partition(*adaptive_cells(points, cells, rng(f"cells/{cells}")), None, 0)
    per_axis = root(cells, truth.dimension)
    return Partition(partial(truth.cells, per_axis=per_axis), Contents.equal(cells), truth, per_axis)


def root(cells: int, d: int) -> int:
    """Return the largest k with k^d <= cells."""
    near: int = round(cells ** (1 / d))
    return near if near**d <= cells else near - 1


def in_natural_units(samples: Any) -> Floats:
    """Return samples as points (n, d) in natural units."""
    return flatten(samples.natural())
