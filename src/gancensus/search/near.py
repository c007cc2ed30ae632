"""Near samples, at distances that are relative to a definition's thresholds: 1 is the distance of near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.metric import Features, Metric
from gancensus.contracts.samples import spread_rows
from gancensus.search.pairs import Side, find_pairs, merge, none

PILOT = 1000  # real samples all of whose pairs are measured

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


@dataclass(frozen=True)
class RelativeDistance:
    """The largest of the metrics' distances, each over its threshold; infinite where a condition is not met.

    A threshold of 0 leaves nothing to divide by: the least distance above 0 of two real samples stands for it.
    """

    metrics: Sequence[Metric]
    units: tuple[float, ...]
    """What 1 is in each metric; of a condition, its tolerance."""

    @classmethod
    def of(
        cls, definition: Mapping[str, Metric], thresholds: Sequence[float], real: Sequence[Features]
    ) -> tuple[RelativeDistance, NearPairs]:
        """Return the distance of a definition, and all pairs of up to PILOT of the real samples that it is made from.

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
        units = tuple(t or _least(column) for t, column in zip(thresholds, found.values.T, strict=True))
        distance = cls(metrics, units)
        return distance, NearPairs(found.i, found.j, distance._relative(found.values))

    def pairs(
        self, a: Sequence[Features], b: Sequence[Features] | None, radius: float, device: str = "cpu"
    ) -> NearPairs:
        """Return all pairs within a radius, of samples of `a` and of `b`, or where that is None of two of `a`."""
        wider = radius * (1 + 1e-9)  # by more than the rounding of a product and a quotient
        limits = [
            wider * unit if metric.fixed is None else metric.fixed
            for metric, unit in zip(self.metrics, self.units, strict=True)
        ]
        other = None if b is None else Side.of(b)
        found = merge([none(len(limits)), *find_pairs(self.metrics, limits, Side.of(a), other, device=device)])
        return NearPairs(found.i, found.j, self._relative(found.values)).within(radius)

    def _relative(self, values: Floats) -> Floats:
        measured = [metric.fixed is None for metric in self.metrics]
        return np.asarray((values[:, measured] / np.array(self.units)[measured]).max(axis=1, initial=0.0))


def _least(distances: Floats) -> float:
    return float(distances[distances > 0].min(initial=inf)) if (distances > 0).any() else 1.0
