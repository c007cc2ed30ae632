"""The permutation null against enumeration, and its p-values where the truth is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from gancensus.statistics import permutation
from gancensus.statistics.permutation import Null, permutation_nulls

IntArray = npt.NDArray[np.int64]

NONE = np.empty(0, dtype=np.int64)
ZIPF = 1 / np.arange(1, 301)
ZIPF /= ZIPF.sum()


def permutation_null(
    samples_a: int,
    samples_b: int,
    i: IntArray,
    j: IntArray,
    rng: np.random.Generator,
    condition: IntArray | None = None,
    permutations: int = 1000,
    level: float = 0.95,
) -> Null:
    """The null of one set of pairs."""
    return permutation_nulls(samples_a, samples_b, [(i, j)], rng, condition, permutations, level)[0]


def pairs_of(cell: IntArray) -> tuple[IntArray, IntArray]:
    i, j = np.triu_indices(cell.size, 1)
    same = cell[i] == cell[j]
    return i[same], j[same]


def ratio_of(cell: IntArray, in_a: IntArray) -> float:
    def rate(part: IntArray) -> float:
        count = np.bincount(part)
        return float(((count * (count - 1)).sum() / 2 + 0.5) / (part.size * (part.size - 1) / 2))

    return rate(cell[in_a]) / rate(np.delete(cell, in_a))


def test_against_every_labelling() -> None:
    cell = np.array([0, 0, 0, 1, 2, 1, 3, 4, 5, 2, 6, 7])
    every = np.array([ratio_of(cell, np.array(in_a)) for in_a in combinations(range(12), 5)])
    observed = ratio_of(cell, np.arange(5))
    exact = min(1.0, 2 * min(np.mean(every <= observed * (1 + 1e-12)), np.mean(every >= observed * (1 - 1e-12))))
    null = permutation_null(5, 7, *pairs_of(cell), np.random.default_rng(0), permutations=20_000)
    assert null.ratio == pytest.approx(observed)
    assert null.p_value == pytest.approx(exact, abs=0.02)
    assert null.low == pytest.approx(np.quantile(every, 0.025, method="inverted_cdf"))
    assert null.high == pytest.approx(np.quantile(every, 0.975, method="inverted_cdf"))


def test_every_permutation_is_equally_likely() -> None:
    # Three of seven samples are of a: each pair of samples is within a 1 time in 7.
    order, block = np.arange(7), np.array([0])
    i, j = (index.astype(np.int64) for index in np.triu_indices(7, 1))
    together = np.zeros(i.size)
    for e in range(i.size):
        found = permutation._count_permuted(
            3,
            order,
            block,
            block + 3,
            block + 7,
            i[e : e + 1],
            j[e : e + 1],
            np.array([1]),
            4000,
            np.random.default_rng(e),
        )
        together[e] = found[0, 1:, 0].mean()
    assert together == pytest.approx(1 / 7, abs=0.025)


def test_kernel_is_its_python() -> None:
    i, j = pairs_of(np.array([0, 1, 0, 1, 1, 2, 0, 2, 1]))
    start, size_a, end = np.array([0, 5]), np.array([3, 1]), np.array([5, 9])
    compiled, plain = (
        kernel(4, np.arange(9), start, size_a, end, i, j, np.array([2, len(i)]), 50, np.random.default_rng(4))
        for kernel in (permutation._count_permuted, permutation._count_permuted.py_func)
    )
    assert np.array_equal(compiled, plain)


@pytest.mark.parametrize(("samples_a", "samples_b"), [(100, 100), (60, 180)])
def test_p_values_are_uniform_where_both_populations_are_one(samples_a: int, samples_b: int) -> None:
    rng = np.random.default_rng(3)
    p_values, outside = [], []
    for _ in range(600):
        cell = rng.choice(300, samples_a + samples_b, p=ZIPF)
        null = permutation_null(samples_a, samples_b, *pairs_of(cell), rng, permutations=199)
        p_values.append(null.p_value)
        outside.append(not null.low <= null.ratio <= null.high)
    for p in (0.05, 0.1, 0.25, 0.5, 0.75):
        assert np.mean(np.array(p_values) <= p + 1e-9) == pytest.approx(p, abs=4 * (p * (1 - p) / 600) ** 0.5)
    assert np.mean(outside) == pytest.approx(0.05, abs=0.036)


def test_a_planted_collapse_is_found() -> None:
    rng = np.random.default_rng(5)
    cell = np.concatenate([rng.integers(0, 30, 300), rng.integers(0, 300, 300)])
    null = permutation_null(300, 300, *pairs_of(cell), rng)
    assert null.p_value == pytest.approx(2 / 1001)
    assert null.ratio > 5 > 1.5 > null.high
    swapped = permutation_null(300, 300, *pairs_of(np.roll(cell, 300)), rng)
    assert swapped.p_value == pytest.approx(2 / 1001)
    assert swapped.ratio == pytest.approx(1 / null.ratio)


def test_no_duplicate_on_one_side_or_on_both() -> None:
    rng = np.random.default_rng(7)
    none = permutation_null(100, 200, NONE, NONE, rng)
    assert none.ratio == none.low == none.high == pytest.approx(19900 / 4950)
    assert none.p_value == 1.0
    one_side = permutation_null(100, 100, np.arange(0, 80, 2), np.arange(1, 81, 2), rng)
    assert one_side.ratio == pytest.approx(81.0)
    assert one_side.p_value == pytest.approx(2 / 1001)


def test_conditions_are_permuted_within() -> None:
    # A collides more only because it has more of the condition in which everyone collides more.
    rng = np.random.default_rng(11)
    p_within, p_across = [], []
    for _ in range(60):
        condition = np.concatenate([rng.random(200) < 0.8, rng.random(200) < 0.2]).astype(np.int64)
        cell = np.where(condition == 1, rng.integers(0, 20, 400), rng.integers(100, 400, 400))
        p_across.append(permutation_null(200, 200, *pairs_of(cell), rng, permutations=199).p_value)
        p_within.append(permutation_null(200, 200, *pairs_of(cell), rng, condition, permutations=199).p_value)
    assert max(p_across) <= 0.011
    assert 0.3 < np.mean(p_within) < 0.7


def test_one_condition_is_none() -> None:
    cell = np.random.default_rng(13).choice(300, 100, p=ZIPF)
    free = permutation_null(50, 50, *pairs_of(cell), np.random.default_rng(1))
    assert permutation_null(50, 50, *pairs_of(cell), np.random.default_rng(1), np.full(100, 7)) == free
    assert permutation_null(50, 50, *pairs_of(cell), np.random.default_rng(2)) != free


@pytest.mark.parametrize(("samples_a", "samples_b"), [(1, 5), (5, 1), (0, 0)])
def test_a_ratio_needs_a_pair_on_both_sides(samples_a: int, samples_b: int) -> None:
    with pytest.raises(ValueError, match="no pair to compare"):
        permutation_null(samples_a, samples_b, NONE, NONE, np.random.default_rng(0))


def test_a_ratio_needs_a_pair_within_a_condition() -> None:
    with pytest.raises(ValueError, match="no pair to compare"):
        permutation_null(2, 2, NONE, NONE, np.random.default_rng(0), np.array([0, 1, 0, 0]))


def test_several_sets_of_pairs_are_tested_as_each_by_itself() -> None:
    rng = np.random.default_rng(3)
    sets = [pairs_of(rng.integers(0, cells, 150)) for cells in (30, 60, 1000)] + [(NONE, NONE)]
    condition = rng.integers(0, 3, 150)
    for block in (None, condition):
        each = [permutation_null(70, 80, *pairs, np.random.default_rng(4), block, 99) for pairs in sets]
        assert permutation_nulls(70, 80, sets, np.random.default_rng(4), block, 99) == each
