"""How often each sample is repeated, and which of its pairs are listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.metric import Features, Metric
from gancensus.search.pairs import Pairs, Side, Task, all_tasks, find_pairs, merge, none

IntArray = NDArray[np.int64]


def partners(
    conditions: Sequence[Metric], a: Side, b: Side | None = None, todo: Iterable[Task] | None = None
) -> tuple[IntArray, IntArray]:
    """Return how many samples each sample of a, and of b, is compared with: those under the same conditions.

    Within a population (b None) both are the same array, and nothing is compared with itself. a and b have the features
    of the conditions. `todo` limits the count to some pairs of blocks.
    """
    counts = [np.zeros(side.blocks[-1].stop, dtype=np.int64) for side in (a, b) if side is not None]
    for row, column in all_tasks(a, b) if todo is None else todo:
        left, right = a.blocks[row], (b or a).blocks[column]
        same = b is None and row == column
        here, there = _met(conditions, a, b or a, left, right)
        counts[0][left] += here - same
        if not same:
            counts[-1][right] += there
    return counts[0], counts[-1]


def _met(
    conditions: Sequence[Metric], a: Side, b: Side, left: slice, right: slice
) -> tuple[IntArray | int, IntArray | int]:
    """Return for the rows of two blocks how many rows of the other meet all conditions with each."""
    if not conditions:
        return right.stop - right.start, left.stop - left.start
    from gancensus.distances.kernels import count_near

    here, there = a.read(left), b.read(right)
    tolerances = [condition.fixed or 0.0 for condition in conditions]
    if len(conditions) == 1:
        x, y = (np.ascontiguousarray(side[0][0], dtype=np.float64) for side in (here, there))
    elif any(tolerances):
        tally = Tally([left.stop - left.start, right.stop - right.start], len(conditions), 1, 0)
        for found in find_pairs(conditions, tolerances, Side.of(here), Side.of(there)):
            tally.count(found)
        return tally.repeats
    else:  # equal in all conditions: equal rows of the table of their values
        table = np.concatenate([np.column_stack([f[0] for f in side]) for side in (here, there)])
        group = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1).astype(np.float64)
        x, y = group[: left.stop - left.start], group[left.stop - left.start :]
    return count_near(x, np.sort(y), tolerances[0]), count_near(y, np.sort(x), tolerances[0])


def expected_share(
    metrics: Sequence[Metric], thresholds: Sequence[float], a: Sequence[Features], b: Sequence[Features] | None = None
) -> float:
    """Return the share of duplicates among the pairs of a few samples of a population, or of two."""
    left = Side.of(a)
    right = None if b is None else Side.of(b)
    n, m = (side.blocks[-1].stop for side in (left, right or left))
    pairs = n * (n - 1) / 2 if b is None else n * m
    found = sum(len(batch.i) for batch in find_pairs(metrics, thresholds, left, right))
    return float(found / max(1, pairs))


def listing_step(share: float, cap: int, samples: int, others: int | None = None) -> int:
    """Return the least power of two such that about `cap` pairs at most are duplicates among every step-th samples.

    share: of duplicates among the pairs; others: samples of the other population, None within one.
    """
    expected = share * (samples * (samples - 1) / 2 if others is None else samples * others)
    return 1 if expected <= cap else 2 ** ceil(log2(expected / cap) / 2)


def listed(samples: int, step: int) -> int:
    """Return how many of the samples are listed: every step-th, from the first on."""
    return -(-samples // step)


def thinned(pairs: Pairs, step: int, cap: int) -> tuple[Pairs, int]:
    """Return the pairs of rows that are both listed, with a larger step where they would be more than twice the cap.

    Thinning each shard, and then all of them together, leaves the same pairs as thinning the whole.
    """
    while True:
        keep = (pairs.i % step == 0) & (pairs.j % step == 0)
        if np.count_nonzero(keep) <= 2 * cap:
            return Pairs(pairs.i[keep], pairs.j[keep], pairs.values[keep]), step
        step *= 2


def within(pairs: Pairs, limits: Sequence[float] | NDArray[np.float64]) -> Pairs:
    """Return the pairs that are within thresholds, one a metric."""
    keep = np.all(pairs.values <= limits, axis=1)
    return Pairs(pairs.i[keep], pairs.j[keep], pairs.values[keep])


class Tally:
    """Counts the duplicates of every sample, and keeps the pairs whose samples are both listed."""

    def __init__(
        self, samples: Sequence[int], metrics: int, step: int, cap: int, tighter: Sequence[Sequence[float]] = ()
    ) -> None:
        """Start with nothing counted.

        Args:
            samples: of the population, or of each of the two whose pairs are counted.
            metrics: that every pair has a value of.
            step: every step-th sample is listed.
            cap: on the pairs to list; beyond twice as many, the step is doubled.
            tighter: thresholds of each metric, at every scale whose pairs are counted, too.
        """
        self.step = step
        self._cap, self._kept = cap, 0
        counts = [np.zeros(n, dtype=np.int64) for n in samples]
        self.repeats: tuple[IntArray, IntArray] = (counts[0], counts[-1])
        """Duplicates of each sample, and of each sample of the other population (the same array within one)."""
        self.tighter = [Tally(samples, metrics, 1, 0) for _ in tighter]
        """The counts at these scales; nothing is listed."""
        self._limits = [np.asarray(limits) for limits in tighter]
        self._pairs = [none(metrics)]

    def count(self, found: Pairs) -> None:
        """Count a batch of pairs."""
        for counts, rows in zip(self.repeats, found[:2], strict=True):
            counts += np.bincount(rows, minlength=len(counts))
        for scale, limits in zip(self.tighter, self._limits, strict=True):
            scale.count(within(found, limits))

    def add(self, found: Pairs) -> None:
        """Count a batch of pairs and list those of listed samples."""
        self.count(found)
        keep = (found.i % self.step == 0) & (found.j % self.step == 0)
        self._pairs.append(Pairs(found.i[keep], found.j[keep], found.values[keep]))
        self._kept += int(np.count_nonzero(keep))
        if self._kept > 2 * self._cap:
            pairs, self.step = thinned(self.pairs, self.step, self._cap)
            self._pairs, self._kept = [pairs], len(pairs.i)

    @property
    def pairs(self) -> Pairs:
        """The listed pairs, ordered by (i, j)."""
        return merge(self._pairs)
