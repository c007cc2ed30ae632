"""All pairs of near-duplicates, exactly, in shards that share no pair and in memory that the block size bounds.

Samples are cut into blocks; a task is a pair of blocks. Only the features of a task's two blocks are held. Within
a task the filters of `Metric.embed` leave few pairs, and the metrics check these one after the other, the cheapest
first, each what the one before it has left. No choice made on the way (blocks, order, filter) changes the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, inf, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.metric import Features, Metric
from gancensus.search import join

TILE = 1536  # rows and columns that are searched at once; a multiple of what the compiled loops take together
SMALLEST_BLOCK = 256  # below, a task costs more to start than to do
TASKS_PER_SHARD = 4  # so that shards can be made to cost about the same

Rows = NDArray[np.int64]
Task = tuple[int, int]
Line = tuple[NDArray[np.float64], NDArray[np.float64], float]


class Pairs(NamedTuple):
    """Pairs of rows i and j, int64 (pairs,), and one exact value per metric, float64 (pairs, metrics)."""

    i: Rows
    j: Rows
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """A population as the search takes it: its blocks of rows, and how to get the features of a block, per metric."""

    blocks: Sequence[slice]
    read: Callable[[slice], Sequence[Features]]

    @classmethod
    def of(cls, features: Sequence[Features], longest: int = 2**62) -> Side:
        """Return a population whose features, metric by metric, are in memory."""
        return cls(cut(len(features[0][0]), longest), lambda rows: [take(feature, rows) for feature in features])


def take(features: Features, rows: Rows | slice) -> Features:
    """Return the features of some samples."""
    return tuple(array[rows] for array in features)


def joined(populations: Iterable[Sequence[Features]]) -> list[Features]:
    """Return the features of all samples of some populations, metric by metric."""
    return [stacked(same) for same in zip(*populations, strict=True)]


def stacked(parts: Iterable[Features]) -> Features:
    """Return the features of all samples by one metric; narrower ones end in zeros."""
    return tuple(_stacked(arrays) for arrays in zip(*parts, strict=True))


def _stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays one below the other, with zeros at the end of all other axes that are shorter than another's."""
    shape = np.max([array.shape[1:] for array in arrays], axis=0, initial=0)
    if all(array.shape[1:] == tuple(shape) for array in arrays):
        return np.concatenate(arrays)
    out = np.zeros((sum(map(len, arrays)), *shape), arrays[0].dtype)
    start = 0
    for array in arrays:
        out[(slice(start, start + len(array)), *map(slice, array.shape[1:]))] = array
        start += len(array)
    return out


def cut(samples: int, longest: int, shards: int = 1) -> list[slice]:
    """Cut rows into blocks of nearly equal length, none above `longest`, enough of them to feed the shards."""
    wanted = ceil(sqrt(2 * TASKS_PER_SHARD * shards)) if shards > 1 else 1
    wanted = min(wanted, -(-samples // SMALLEST_BLOCK))
    count = max(1, -(-samples // longest), wanted)
    ends = [k * samples // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def deal(costs: Sequence[tuple[Task, float]], shard: int, shards: int) -> list[Task]:
    """Return the tasks of a shard: a run of the list that costs about as much as that of any other shard.

    A task that costs nothing holds no pair and belongs to no shard.
    """
    ends = np.cumsum([cost for _, cost in costs])
    total = ends[-1] if len(ends) else 0
    return [
        task
        for (task, cost), end in zip(costs, ends, strict=True)
        if cost > 0 and min(shards - 1, int((end - cost / 2) / total * shards)) == shard
    ]


def all_tasks(a: Side, b: Side | None = None) -> list[Task]:
    """Return every pair of blocks, within a population or between two."""
    return [
        (i, j) for i in range(len(a.blocks)) for j in (range(i, len(a.blocks)) if b is None else range(len(b.blocks)))
    ]


def costs(a: Side, b: Side | None = None, line: Line | None = None) -> list[tuple[Task, float]]:
    """Return every task with its number of pairs, or of those that are near on a line, as a condition requires.

    line: a coordinate per sample of a and of b, and the radius.
    """
    found = []
    for i, j in all_tasks(a, b):
        rows, columns = a.blocks[i], (b or a).blocks[j]
        pairs = float((rows.stop - rows.start) * (columns.stop - columns.start))
        if line is not None:
            left, right = line[0][rows], np.sort(line[1][columns])
            reach = _reach(left, line[2])
            first = np.searchsorted(right, left - reach)
            pairs = float((np.searchsorted(right, left + reach, side="right") - first).sum())
        if b is None and i == j:
            pairs = (pairs - (rows.stop - rows.start)) / 2
        found.append(((i, j), pairs))
    return found


def _reach(points: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Return the radius around points of a line, wider by more than the rounding of point +- radius, however large."""
    return radius + 1e-12 * (np.abs(points) + radius)


def find_pairs(
    metrics: Sequence[Metric],
    thresholds: Sequence[float],
    a: Side,
    b: Side | None = None,
    todo: Iterable[Task] | None = None,
    device: str = "cpu",
) -> Iterator[Pairs]:
    """Yield every pair whose distance is within the threshold in all metrics, a batch at a time, in no order.

    Args:
        metrics: at least one.
        thresholds: the largest distance of a duplicate in each metric; may be infinite.
        a: the population.
        b: the other population, for pairs between two; None for pairs within `a`, each once, with i < j.
        todo: pairs of blocks to search; all of them by default.
        device: "cpu" or "cuda", where matrices are multiplied; the result is the same.
    """
    other = a if b is None else b
    held = -1
    left: Sequence[Features] = ()
    for row, column in all_tasks(a, b) if todo is None else todo:
        right: Sequence[Features] = ()  # freed before another block is read
        if row != held:
            left = ()
            left, held = a.read(a.blocks[row]), row
        same = b is None and row == column
        right = left if same else other.read(other.blocks[column])
        for found in _search(metrics, thresholds, left, right, same, device):
            yield Pairs(found.i + a.blocks[row].start, found.j + other.blocks[column].start, found.values)


def _search(
    metrics: Sequence[Metric],
    thresholds: Sequence[float],
    a: Sequence[Features],
    b: Sequence[Features],
    same: bool,
    device: str,
) -> Iterator[Pairs]:
    """Yield the pairs of a task, as rows of its blocks."""
    if not len(a[0][0]) or not len(b[0][0]):
        return
    order = sorted(range(len(metrics)), key=lambda m: metrics[m].cost)
    for i, j in _candidates(metrics, thresholds, a, b, same, device):
        values = np.empty((len(i), len(metrics)))
        for m in order:
            values[:, m] = metrics[m].exact(a[m], b[m], i, j, thresholds[m])
            keep = values[:, m] <= thresholds[m]
            i, j, values = i[keep], j[keep], values[keep]
        if len(i):
            yield Pairs(i, j, values)


def _candidates(
    metrics: Sequence[Metric],
    thresholds: Sequence[float],
    a: Sequence[Features],
    b: Sequence[Features],
    same: bool,
    device: str,
) -> Iterator[tuple[Rows, Rows]]:
    """Yield the rows of a task that its best filters leave, with i < j in a block against itself."""
    line, space = _filters(metrics, thresholds, a, b, same)
    n, m = len(a[0][0]), len(b[0][0])
    order_a, order_b = np.arange(n), np.arange(m)
    if line is not None:
        order_a, order_b = (np.argsort(points, kind="stable") for points in line[:2])
        line = (line[0][order_a], line[1][order_b], line[2])
    if space is not None:
        metric, left, right, radius = space
        if line is not None:
            left, right = left[order_a], right[order_b]
        near = join.prepare(left, right, radius, metric.cost, device)
    for rows, columns in _tiles(n, m, same, line):
        if space is not None:
            i, j = near.candidates(rows, columns)
        elif line is not None:
            i, j = _window(line, rows, columns)
        else:
            i, j = (index.reshape(-1) for index in np.mgrid[rows, columns])
        if same:
            upper = i < j
            i, j = i[upper], j[upper]
        if line is not None:
            i, j = order_a[i], order_b[j]
        yield (np.minimum(i, j), np.maximum(i, j)) if same and line is not None else (i, j)


Space = tuple[Metric, join.Points, join.Points, float]


def _filters(
    metrics: Sequence[Metric],
    thresholds: Sequence[float],
    a: Sequence[Features],
    b: Sequence[Features],
    same: bool,
) -> tuple[Line | None, Space | None]:
    """Return the most selective filter on a line and the most selective in space, where the metrics have any."""
    found: dict[bool, list[Space]] = {True: [], False: []}
    for metric, threshold, left, right in zip(metrics, thresholds, a, b, strict=True):
        radius = metric.radius(threshold) if threshold < inf else inf
        points = metric.embed(left) if radius < inf else None
        if points is not None:
            others = points if same else metric.embed(right)
            assert others is not None
            found[points.shape[1] == 1].append((metric, points, others, radius))
    line, space = (_most_selective(found[kind]) for kind in (True, False))
    return line and (line[1][:, 0].astype(np.float64), line[2][:, 0].astype(np.float64), line[3]), space


def _most_selective(filters: Sequence[Space]) -> Space | None:
    """Return the filter that the smallest share of a sample of the pairs would pass."""
    if len(filters) < 2:
        return next(iter(filters), None)
    return min(filters, key=lambda f: np.mean(join.sampled_squares(f[1], f[2]) <= f[3] ** 2))


def _tiles(n: int, m: int, same: bool, line: Line | None) -> Iterator[tuple[slice, slice]]:
    """Yield the tiles that can hold a pair: above the diagonal, and near on the line."""
    for top in range(0, n, TILE):
        rows = slice(top, min(top + TILE, n))
        start, stop = top if same else 0, m
        if line is not None:
            a, b, radius = line
            reach = _reach(a[[rows.start, rows.stop - 1]], radius).max()
            start = max(start, int(np.searchsorted(b, a[rows.start] - reach)))
            stop = min(stop, int(np.searchsorted(b, a[rows.stop - 1] + reach, side="right")))
        for left in range(start, stop, TILE):
            yield rows, slice(left, min(left + TILE, stop))


def _window(line: Line, rows: slice, columns: slice) -> tuple[Rows, Rows]:
    """Return the pairs of a tile that are within the radius on the line."""
    from gancensus.distances.kernels import windows

    a, b, radius = line
    i, j = np.empty((2, (rows.stop - rows.start) * (columns.stop - columns.start)), dtype=np.int64)
    reach = _reach(a[rows], radius).max()
    found = windows(a[rows], b[columns], reach, i, j)
    return i[:found] + rows.start, j[:found] + columns.start


def merge(parts: Sequence[Pairs]) -> Pairs:
    """Join batches or shards, ordered by (i, j)."""
    i, j, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    rows = max(i.max(initial=0), j.max(initial=0)) < 2**31  # and not sample_id: both can be sorted at once
    order = np.argsort(i << 32 | j) if rows else np.lexsort((j, i))
    return Pairs(i[order], j[order], values[order])


def none(metrics: int) -> Pairs:
    """Return an empty set of pairs."""
    empty = np.empty(0, dtype=np.int64)
    return Pairs(empty, empty, np.empty((0, metrics)))
