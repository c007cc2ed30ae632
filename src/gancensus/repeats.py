"""How often each sample is repeated, and which of its pairs are listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from gancensus.errors import UserError
from gancensus.metrics import Features, Metric
from gancensus.pairs import Pairs, Side, Task, all_tasks, find_pairs, merge, none

IntArray = NDArray[np.int64]


def partners(
    conditions: Sequence[Metric], a: Side, b: Side | None = None, todo: Iterable[Task] | None = None
) -> tuple[IntArray, IntArray]:
    """Return with how many samples each sample of a, and of b, is compared: those under the same conditions.

    Within a population (b None) both are the same array, and nothing is compared with itself. `todo` limits the count
    to some pairs of blocks.
    """
    sizes = [side.blocks[-1].stop for side in (a, b) if side is not None]
    tally = Tally(sizes, len(conditions), (0, 0), 0)
    if conditions:
        for found in find_pairs(conditions, [condition.fixed or 0.0 for condition in conditions], a, b, todo):
            tally.add(found)
        return tally.repeats
    counts, others = tally.repeats
    for row, column in all_tasks(a, b) if todo is None else todo:
        left, right = a.blocks[row], (b or a).blocks[column]
        same = b is None and row == column
        counts[left] += right.stop - right.start - same
        if not same:
            others[right] += left.stop - left.start
    return counts, others


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


def listed_rows(share: float, cap: int, samples: int, others: int | None = None) -> tuple[int, int]:
    """Return of how many samples, and others, the duplicates are listed, so that about `cap` pairs are at most.

    share: of duplicates among the pairs; others: samples of the other population, None within one.
    """
    expected = share * (samples * (samples - 1) / 2 if others is None else samples * others)
    factor = min(1.0, sqrt(cap / expected)) if expected > 0 else 1.0
    rest = samples if others is None else others
    return (samples, rest) if factor == 1 else (max(2, int(samples * factor)), max(2, int(rest * factor)))


def is_listed(rows: IntArray, listed: int, samples: int) -> NDArray[np.bool_]:
    """Tell which rows are among the `listed` ones, which are evenly spaced through the samples."""
    marks: NDArray[np.bool_] = (rows + 1) * listed // samples > rows * listed // samples
    return marks


class Tally:
    """Counts the duplicates of every sample, and keeps the pairs whose samples are both listed."""

    def __init__(self, samples: Sequence[int], metrics: int, listed: tuple[int, int], cap: int) -> None:
        """Start with nothing counted.

        Args:
            samples: of the population, or of each of the two whose pairs are counted.
            metrics: that every pair has a value of.
            listed: how many samples of either side have their pairs listed, evenly spaced.
            cap: on the pairs to list.
        """
        self.listed = listed
        self._sizes, self._cap, self._kept = (samples[0], samples[-1]), cap, 0
        counts = [np.zeros(n, dtype=np.int64) for n in samples]
        self._counts = (counts[0], counts[-1])
        self._pairs = [none(metrics)]

    def add(self, found: Pairs) -> None:
        """Count a batch of pairs. Raises UserError when far more are to be listed than `cap` allows."""
        for counts, rows in zip(self._counts, found[:2], strict=True):
            counts += np.bincount(rows, minlength=len(counts))
        left, right = map(is_listed, found[:2], self.listed, self._sizes)
        keep = left & right
        self._kept += int(np.count_nonzero(keep))
        if self._kept > 4 * self._cap:
            raise UserError(
                f"more than {self._kept:,} duplicates to list, four times what `cap` allows and many more than a first "
                "look at the samples had promised; lower alpha, or raise `cap`"
            )
        self._pairs.append(Pairs(found.i[keep], found.j[keep], found.values[keep]))

    @property
    def repeats(self) -> tuple[IntArray, IntArray]:
        """Duplicates of each sample, and of each sample of the other population (the same array within one)."""
        return self._counts

    @property
    def pairs(self) -> Pairs:
        """The listed pairs, ordered by (i, j)."""
        return merge(self._pairs)
