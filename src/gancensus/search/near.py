"""Near samples, at distances that are relative to a definition's thresholds: 1 is the distance of near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.metric import Features, Metric
from gancensus.contracts.samples import spread_rows
from gancensus.search.pairs import Side, find_pairs, merge, none

PILOT = 1000  # real samples all of whose pairs are measured
LAST = np.iinfo(np.int64).max  # rank of no row

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


class NearPairs(NamedTuple):
    """Pairs of positions i and j, int64 (pairs,), in order, with their relative distances, float64 (pairs,)."""

    i: IntArray
    j: IntArray
    distance: Floats

    def within(self, radius: float) -> NearPairs:
        """Return the pairs within a radius."""
        keep = self.distance <= radius
        return NearPairs(self.i[keep], self.j[keep], self.distance[keep])


class Nearest(NamedTuple):
    """The nearest of other samples to each of some, (n,)."""

    row: IntArray
    """-1: none is near."""
    distance: Floats
    """Infinite where none is near."""
    equal: IntArray
    """How many are at distance 0."""

    def of(self, some: slice) -> Nearest:
        """Return it for some."""
        return Nearest(self.row[some], self.distance[some], self.equal[some])


@dataclass(frozen=True)
class RelativeDistance:
    """The largest of the metrics' distances, each over its threshold; infinite where a condition is not met.

    A threshold of 0 leaves nothing to divide by: half of the least distance above 0 of two real samples stands for it,
    so that only equal ones are within it.
    """

    metrics: Sequence[Metric]
    units: tuple[float, ...]
    """What 1 is in each metric; of a condition, its tolerance."""

    @classmethod
    def of(
        cls, definition: Mapping[str, Metric], thresholds: Sequence[float], real: Sequence[Features]
    ) -> tuple[RelativeDistance, NearPairs, int]:
        """Return the distance of a definition, all pairs of about PILOT real samples, and how many these are.

        Args:
            definition: metrics by name, at least one that is no condition.
            thresholds: of each.
            real: features of real samples, metric by metric.
        """
        metrics = list(definition.values())
        some = spread_rows(len(real[0][0]), PILOT)
        features = [tuple(array[some] for array in feature) for feature in real]
        unlimited = [inf if metric.fixed is None else metric.fixed for metric in metrics]
        found = merge([none(len(metrics)), *find_pairs(metrics, unlimited, Side.of(features))])
        units = tuple(t or _least(column) / 2 for t, column in zip(thresholds, found.values.T, strict=True))
        distance = cls(metrics, units)
        return distance, NearPairs(found.i, found.j, distance._relative(found.values)), len(some)

    def pairs(
        self, a: Sequence[Features], b: Sequence[Features] | None, radius: float, device: str = "cpu"
    ) -> NearPairs:
        """Return all pairs within a radius, of samples of `a` and of `b`, or where that is None of two of `a`."""
        other = None if b is None else Side.of(b)
        limits = self._limits(radius)
        found = merge([none(len(limits)), *find_pairs(self.metrics, limits, Side.of(a), other, device=device)])
        return NearPairs(found.i, found.j, self._relative(found.values)).within(radius)

    def nearest(
        self,
        a: Sequence[Features],
        b: Side,
        radius: float,
        device: str = "cpu",
        itself: IntArray | None = None,
        rank: Callable[[IntArray, IntArray], IntArray] = lambda i, j: j,
    ) -> Nearest:
        """Return the nearest row of `b` within a radius of each sample of `a`.

        Args:
            a: features of samples, metric by metric.
            b: what is searched.
            radius: relative to the thresholds.
            device: where matrices are multiplied.
            itself: the row of `b` that each sample of `a` is (n,); another one is looked for.
            rank: of samples i and rows j; of equally near rows that of the least rank is taken, the first one if none
                is given.
        """
        row, least = np.full(len(a[0][0]), -1), np.full(len(a[0][0]), inf)
        lowest, equal = np.full(len(row), LAST), np.zeros(len(row), np.int64)
        for found in find_pairs(self.metrics, self._limits(radius), Side.of(a), b, device=device):
            distance, before = self._relative(found.values), least.copy()
            if itself is not None:
                distance[found.j == itself[found.i]] = inf
            equal += np.bincount(found.i[distance == 0], minlength=len(equal))
            np.minimum.at(least, found.i, distance)
            lowest[least < before] = LAST
            keep = distance == least[found.i]
            i, j = found.i[keep], found.j[keep]
            ranks = rank(i, j)
            order = np.lexsort((ranks, i))
            i, first = np.unique(i[order], return_index=True)
            j, ranks = j[order][first], ranks[order][first]
            better = ranks < lowest[i]
            row[i[better]], lowest[i[better]] = j[better], ranks[better]
        near = least <= radius
        return Nearest(np.where(near, row, -1), np.where(near, least, inf), equal)

    def _limits(self, radius: float) -> list[float]:
        """Return the thresholds of the metrics at a radius, wider by more than a product and a quotient are rounded."""
        both = zip(self.metrics, self.units, strict=True)
        return [radius * (1 + 1e-9) * unit if metric.fixed is None else metric.fixed for metric, unit in both]

    def _relative(self, values: Floats) -> Floats:
        measured = [metric.fixed is None for metric in self.metrics]
        return np.asarray((values[:, measured] / np.array(self.units)[measured]).max(axis=1, initial=0.0))


def _least(distances: Floats) -> float:
    positive = distances[distances > 0]
    return float(positive.min()) if len(positive) else 1.0
