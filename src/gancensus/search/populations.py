"""A population as the search for duplicates sees it: features of its samples, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features, Metric
from gancensus.contracts.samples import Rows, Samples, by_row, spread_rows
from gancensus.search.pairs import SMALLEST_BLOCK, Line, Side, cut, joined, stacked, take

BASE_MEGABYTES = 600  # Python, the compiled loops and a tile of the search
FIRST = 16  # rows that show whether features of all rows are equally wide
PILOT = 512  # rows whose pairs predict the number of duplicates


class Population:
    """A population and the metrics that compare its samples, each in its space: samples, or an encoder's vectors."""

    def __init__(self, metrics: Sequence[Metric], spaces: Mapping[str | None, Rows]) -> None:
        """`spaces` has the rows of every space of the metrics, and may have others."""
        self._metrics = metrics
        self._spaces = {metric.space: spaces[metric.space] for metric in metrics}
        self._held: Sequence[Features] | None = None

    def __len__(self) -> int:
        return len(next(iter(self._spaces.values())))

    def features(self, rows: slice) -> list[Features]:
        """Return the features of some rows, metric by metric; the samples themselves are not kept."""
        if self._held is not None:
            return [take(features, rows) for features in self._held]
        found: list[list[Features]] = [[] for _ in self._metrics]
        for space, samples in self._spaces.items():
            mine = [m for m, metric in enumerate(self._metrics) if metric.space == space]
            without_x = all(self._metrics[m].fixed is not None for m in mine)  # conditions are columns of their own
            for chunk in samples.chunks(rows, without_x):
                for m in mine:
                    found[m].append(self._features(m, chunk, samples.where))
        return [stacked(parts) for parts in found]

    def _features(self, m: int, chunk: Samples, where: str) -> Features:
        try:
            return self._metrics[m].features(chunk)
        except UserError as error:
            raise UserError(f"{where}: {by_row(str(error))}") from None

    def held(self, megabytes: float) -> Population:
        """Return the population with its features in memory, where one block has all of them; as it is where not."""
        if len(self.side(megabytes).blocks) > 1:
            return self
        found = Population(self._metrics, self._spaces)
        found._held = self.features(slice(0, len(self)))
        return found

    def only(self, metrics: Sequence[Metric]) -> Population:
        """Return the population as some of its metrics compare it."""
        found = Population(metrics, self._spaces)
        if self._held is not None:
            at = {id(metric): features for metric, features in zip(self._metrics, self._held, strict=True)}
            found._held = [at[id(metric)] for metric in metrics]
        return found

    def some(self, count: int) -> list[Features]:
        """Return the features of about `count` rows, or of all: runs of rows, evenly spaced through the population."""
        if count >= len(self):
            return self.features(slice(0, len(self)))
        rows = spread_rows(len(self), count)
        runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        return joined(self.features(slice(int(run[0]), int(run[-1]) + 1)) for run in runs)

    def side(self, megabytes: float, shards: int = 1) -> Side:
        """Return the population in blocks, enough of them for the shards, and small enough for the memory.

        Two blocks are held, and a third while it is put together from what was read.
        """
        longest = int((megabytes - BASE_MEGABYTES) * 1e6 / (3 * self._bytes_a_row()))
        return Side(cut(len(self), max(longest, SMALLEST_BLOCK), shards), self.features)

    def _bytes_a_row(self) -> int:
        """Return the bytes that a row takes beside the widest of the population.

        All rows are looked at only where one of the first is narrower than some, spread through the population, are.
        """
        some = self._bytes(self.some(SMALLEST_BLOCK))
        alone = (self._bytes(self.features(slice(row, row + 1))) for row in range(min(FIRST, len(self))))
        if all(one == some for one in alone):
            return sum(some)
        blocks = (self._bytes(self.features(rows)) for rows in cut(len(self), SMALLEST_BLOCK))
        return sum(map(max, zip(*blocks, strict=True)))

    def _bytes(self, found: Sequence[Features]) -> list[int]:
        """Return the bytes that a row of the features takes, metric by metric."""
        return [_bytes(metric, features) for metric, features in zip(self._metrics, found, strict=True)]


def _bytes(metric: Metric, features: Features) -> int:
    """Return the bytes that a row of features takes, with the points of its filter and their rounded copy."""
    row = take(features, slice(0, 1))
    points = metric.embed(row)
    bytes_a_row = sum(array.nbytes for array in row)
    return bytes_a_row + (0 if points is None else 12 * points.shape[1]) + 64


def condition_line(conditions: Sequence[Metric], populations: Sequence[Samples]) -> Line | None:
    """Return the first condition as a coordinate of each sample of one or two populations, and its radius."""
    if not conditions:
        return None
    points = [conditions[0].embed(conditions[0].features(samples)) for samples in populations]
    coordinates = [p[:, 0].astype(np.float64) for p in points if p is not None]
    return coordinates[0], coordinates[-1], conditions[0].radius(conditions[0].fixed or 0.0)


def condition_groups(conditions: Sequence[Metric], populations: Sequence[Samples]) -> NDArray[np.int64] | None:
    """Return a number per sample, equal for those that meet all conditions together; None where these are distances."""
    if any(condition.fixed for condition in conditions):
        return None
    columns = [np.concatenate([condition.features(samples)[0] for samples in populations]) for condition in conditions]
    if not columns:
        return np.zeros(sum(map(len, populations)), dtype=np.int64)
    groups: NDArray[np.int64] = np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].reshape(-1)
    return groups
