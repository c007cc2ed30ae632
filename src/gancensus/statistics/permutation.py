"""The permutation null of a collision ratio: its distribution when labels are permuted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Null:
    """A `ratio`, the interval [low, high] that it falls into where both populations are one, and the p-value of that.

    All ratios are ((K_a + 1/2) / M_a) / ((K_b + 1/2) / M_b), K duplicates of M pairs: defined without a duplicate, too.
    """

    ratio: float
    low: float
    high: float
    p_value: float


def permutation_nulls(
    samples_a: int,
    samples_b: int,
    pairs: Sequence[tuple[IntArray, IntArray]],
    rng: np.random.Generator,
    condition: IntArray | None = None,
    permutations: int = 1000,
    level: float = 0.95,
) -> list[Null]:
    """Test whether populations a and b collide equally often, by permuting which sample belongs to which.

    Each (i, j) of `pairs` are duplicate pairs of both populations together, int64 positions: a is 0 to samples_a - 1, b
    follows. Pairs of one sample of a and one of b are needed as well: a permutation puts them into one population.
    Several sets of pairs, as at several thresholds, are tested by the same permutations, each by itself.

    `low` and `high` are the equal-tailed quantiles of the permuted ratios. The p-value is two-sided, twice the smaller
    tail, the observed labels counted as one permutation more, so that it is valid for any number of them (Phipson &
    Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39). It assumes independent samples, not a large number of duplicates.

    Under matched conditions, `condition`, int64 (samples_a + samples_b,), is that of each sample: labels are permuted
    within each, and M counts the pairs within. Raises ValueError when a population has no pair to compare.
    """
    samples = samples_a + samples_b
    block = np.zeros(samples, dtype=np.int64) if condition is None else np.unique(condition, return_inverse=True)[1]
    size = np.bincount(block, minlength=1)
    size_a = np.bincount(block[:samples_a], minlength=size.size)
    pairs_a, pairs_b = (int((count * (count - 1)).sum()) // 2 for count in (size_a, size - size_a))
    if not (pairs_a and pairs_b):
        raise ValueError(f"no pair to compare in populations of {samples_a} and {samples_b} samples")
    order = np.argsort(block, kind="stable")
    end = np.cumsum(size)
    i, j = (np.concatenate(side) for side in zip(*pairs, strict=True))
    last = np.cumsum([len(one) for one, _ in pairs])
    found = _count_permuted(samples_a, order, end - size, size_a, end, i, j, last, permutations, rng)
    return [_null(counts, pairs_a, pairs_b, level) for counts in found]


def _null(found: IntArray, pairs_a: int, pairs_b: int, level: float) -> Null:
    """Return what numbers of duplicates within a and b (1 + permutations, 2) say, the observed ones first."""
    ratios = (found[:, 0] + 0.5) / pairs_a / ((found[:, 1] + 0.5) / pairs_b)
    ratio = float(ratios[0])
    low, high = np.quantile(ratios[1:], [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    tail = min(np.count_nonzero(ratios <= ratio), np.count_nonzero(ratios >= ratio))
    return Null(ratio, float(low), float(high), float(min(1.0, 2 * tail / ratios.size)))


@numba.njit(cache=True, nogil=True)
def _count_permuted(
    samples_a: int,
    order: IntArray,
    start: IntArray,
    size_a: IntArray,
    end: IntArray,
    i: IntArray,
    j: IntArray,
    last: IntArray,
    permutations: int,
    rng: np.random.Generator,
) -> IntArray:
    """Duplicates within a and within b, int64 (sets, 1 + permutations, 2): as observed, then of each permutation.

    The sets of pairs follow each other; `last` is where each ends.

    Block by block, order[start : end] are its samples, and a partial Fisher-Yates shuffle draws its size_a of a. It is
    never undone, since it draws uniformly from any order. The number of a permutation marks what is in a.
    """
    in_a = np.full(order.size, -1, np.int64)
    in_a[:samples_a] = 0
    found = np.zeros((last.size, 1 + permutations, 2), np.int64)
    for r in range(1 + permutations):
        if r > 0:
            for block in range(start.size):
                for k in range(start[block], start[block] + size_a[block]):
                    other = rng.integers(k, end[block])
                    order[k], order[other] = order[other], order[k]
                    in_a[order[k]] = r
        e = 0
        for one in range(last.size):
            a = 0
            neither = 0
            while e < last[one]:
                first = in_a[i[e]] == r
                second = in_a[j[e]] == r
                a += first & second
                neither += not (first | second)
                e += 1
            found[one, r, 0] = a
            found[one, r, 1] = neither
    return found
