"""The birthday paradox against closed forms, exact enumeration and simulated coverage."""

from __future__ import annotations

from itertools import combinations
from math import ceil, comb, exp, log, sqrt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist
from scipy.stats import binomtest, chi2

from gancensus.census import birthday, graph
from gancensus.census.birthday import (
    Collision,
    batch_half,
    batches,
    birthday_support,
    collision,
    copied_share,
    cross_collision,
    curve,
    first_hits,
    ratio,
    square_support,
    verdict,
)
from gancensus.statistics.estimate import Estimate

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Pairs = tuple[IntArray, IntArray]

NONE = np.empty(0, dtype=np.int64)
ZIPF = 1 / np.arange(1, 1001)
CELLS = {
    "uniform": np.full(1000, 1e-3),
    "zipf": ZIPF / ZIPF.sum(),
    "atom": np.concatenate([[0.1], np.full(9000, 1e-4)]),
    "half": np.concatenate([np.full(10, 0.05), np.full(990, 0.5 / 990)]),
}


def draw(p: FloatArray, samples: int, rng: np.random.Generator) -> IntArray:
    """Cell of each sample."""
    return np.minimum(np.searchsorted(np.cumsum(p), rng.random(samples)), p.size - 1)


def cell_pairs(cell: IntArray) -> Pairs:
    """Every pair of samples in the same cell, i < j."""
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    later = np.searchsorted(ordered, ordered, side="right") - np.arange(cell.size) - 1
    first = np.repeat(np.arange(cell.size), later)
    step = np.arange(first.size) - np.repeat(np.cumsum(later) - later, later) + 1
    return order[first], order[first + step]


def from_pairs(samples: int, i: IntArray, j: IntArray, level: float = 0.95) -> Collision:
    return collision(graph.degrees(samples, i, j), level=level)


def cell_degrees(count: IntArray) -> IntArray:
    """Duplicates of each sample when a cell holds so many samples."""
    return np.repeat(count - 1, count)


def near_pairs(x: FloatArray, radius: float) -> Pairs:
    """Every pair of rows closer than `radius`."""
    found = cKDTree(x).query_pairs(radius, output_type="ndarray").astype(np.int64).reshape(-1, 2)
    return found[:, 0].copy(), found[:, 1].copy()


def birthday_truth(p: FloatArray, largest: int) -> FloatArray:
    """Exact P(s samples hold two of a cell), s = 0 to largest, by f_s <- f_s + s p_i f_(s-1)."""
    distinct = np.zeros(largest + 1)
    distinct[0] = 1
    for x in p:
        distinct[1:] += np.arange(1, largest + 1) * x * distinct[:-1]
    return 1 - distinct


def half_of(probability: FloatArray) -> int:
    return int(np.argmax(probability > 0.5))


def share(hits: IntArray, samples: int) -> FloatArray:
    return np.searchsorted(np.sort(hits), np.arange(samples + 1), side="right") / hits.size


def tolerance(replicates: int) -> float:
    """A distance between empirical and true distribution that is passed once in a million times (DKW inequality)."""
    return sqrt(log(2 / 1e-6) / (2 * replicates))


@st.composite
def graphs(draw_: st.DrawFn) -> tuple[int, IntArray, IntArray]:
    samples = draw_(st.integers(3, 12))
    every = list(combinations(range(samples), 2))
    kept = draw_(st.lists(st.sampled_from(every), unique=True, max_size=len(every)))
    pairs = np.array(kept, dtype=np.int64).reshape(-1, 2)
    return samples, pairs[:, 0].copy(), pairs[:, 1].copy()


# The collision probability


def garwood(duplicates: int, pairs: int) -> list[float]:
    return [chi2.ppf(0.025, 2 * duplicates) / 2 / pairs, chi2.ppf(0.975, 2 * duplicates + 2) / 2 / pairs]


def test_a_star_of_five_of_six_samples() -> None:
    # V_pois = 4/225; without each sample C is 0, 3/10 four times, 4/10, so V_jack = 7/90; V* = 3/50 and C^2 = 16/225.
    c = from_pairs(6, np.zeros(4, dtype=np.int64), np.arange(1, 5))
    assert (c.samples, c.pairs, c.duplicates, c.value) == (6, 15, 4, 4 / 15)
    assert c.log_variance == pytest.approx(0.84375)
    assert c.low == pytest.approx(exp(-1.959964 * sqrt(0.84375)) * 4 / 15)
    assert c.high == 1.0
    assert c.effective_support == Estimate(15 / 4, 1 / c.high, 1 / c.low)


def test_a_path_of_three_of_four_samples() -> None:
    # V_pois = 2/36; without each sample C is 0, 1/3, 1/3, 2/3, so V_jack = 3/4 (1/9 + 1/9) = 1/6; V* = 1/9 = C^2.
    # The degrees 2, 1, 1, 0 vary by 2, independent pairs by 2 K (1 - C) = 8/3 on average: Garwood.
    c = from_pairs(4, np.array([0, 0]), np.array([1, 2]))
    assert (c.pairs, c.duplicates, c.value) == (6, 2, 1 / 3)
    assert c.log_variance == pytest.approx(1)
    assert [c.low, c.high] == pytest.approx([garwood(2, 6)[0], 1.0])


def test_level_sets_the_width() -> None:
    c = from_pairs(6, np.zeros(4, dtype=np.int64), np.arange(1, 5), level=0.5)
    factor = exp(0.674490 * sqrt(0.84375))
    assert [c.low, c.high] == pytest.approx([4 / 15 / factor, 4 / 15 * factor])
    matching = from_pairs(100, np.array([0, 2]), np.array([1, 3]), level=0.5)
    assert [matching.low, matching.high] == pytest.approx([chi2.ppf(0.25, 4) / 9900, chi2.ppf(0.75, 6) / 9900])


@pytest.mark.parametrize("duplicates", [1, 2, 5, 40])
def test_separate_pairs_get_the_interval_of_a_poisson_count(duplicates: int) -> None:
    i = np.arange(0, 2 * duplicates, 2)
    c = from_pairs(300, i, i + 1)
    assert [c.low, c.high] == pytest.approx(garwood(duplicates, 44850))


def test_two_samples() -> None:
    c = from_pairs(2, np.array([0]), np.array([1]))
    assert (c.pairs, c.value, c.high, c.log_variance) == (1, 1.0, 1.0, 1.0)
    assert from_pairs(2, NONE, NONE) == Collision(2, 1, 0, 0.0, 0.0, 1.0, None)


@pytest.mark.parametrize("samples", [0, 1])
def test_a_collision_needs_two_samples(samples: int) -> None:
    with pytest.raises(ValueError, match="at least 2 samples"):
        from_pairs(samples, NONE, NONE)


def test_no_duplicate_is_a_bound_and_never_infinite() -> None:
    c = from_pairs(1000, NONE, NONE)
    assert (c.value, c.low, c.log_variance) == (0.0, 0.0, None)
    assert c.high == pytest.approx(2.995732 / 499500)
    assert (1 - c.high) ** c.pairs == pytest.approx(0.05, rel=1e-4)  # such a population shows none 1 time in 20
    value, low, high = c.effective_support
    assert value is None and high is None
    assert low == pytest.approx(499500 / 2.995732)


def test_all_samples_alike() -> None:
    c = from_pairs(50, *np.triu_indices(50, 1))
    assert (c.value, c.high) == (1.0, 1.0)
    assert c.low == pytest.approx(garwood(1225, 1225)[0])


@given(graphs())
def test_variance_against_leaving_each_sample_out(graph: tuple[int, IntArray, IntArray]) -> None:
    n, i, j = graph
    if i.size == 0:
        return
    left_out = np.array([np.count_nonzero((i != v) & (j != v)) / comb(n - 1, 2) for v in range(n)])
    jackknife = (n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()
    poisson = i.size / comb(n, 2) ** 2
    c = from_pairs(n, i, j)
    assert c.value and c.log_variance == pytest.approx(max(poisson, jackknife - poisson) / c.value**2)


@given(graphs(), st.integers(0, 99))
def test_relabelling_and_pair_order_change_nothing(graph: tuple[int, IntArray, IntArray], seed: int) -> None:
    n, i, j = graph
    rng = np.random.default_rng(seed)
    name, order = rng.permutation(n), rng.permutation(i.size)
    a, b = name[i][order], name[j][order]
    assert from_pairs(n, np.minimum(a, b), np.maximum(a, b)) == from_pairs(n, i, j)
    hits = first_hits(n, i, j, 50, np.random.default_rng(1))
    assert np.array_equal(first_hits(n, i[order], j[order], 50, np.random.default_rng(1)), hits)


@pytest.mark.parametrize(("cells", "published"), [("uniform", 2.227e-8), ("zipf", 2.728e-5), ("atom", 1.216e-5)])
def test_variance_of_the_u_statistic(cells: str, published: float) -> None:
    p, n, populations = CELLS[cells], 300, 20_000
    q, z3 = (p**2).sum(), (p**3).sum()
    exact = (q * (1 - q) + 2 * (n - 2) * (z3 - q**2)) * 2 / (n * (n - 1))
    assert exact == pytest.approx(published, rel=1e-3)
    rng = np.random.default_rng(7)
    ordered = np.sort(np.searchsorted(np.cumsum(p), rng.random((populations, n)), side="left"), axis=1)
    run = np.zeros((populations, n), dtype=np.int64)  # how many earlier samples of the same cell
    for k in range(1, n):
        run[:, k] = np.where(ordered[:, k] == ordered[:, k - 1], run[:, k - 1] + 1, 0)
    values = run.sum(axis=1) / comb(n, 2)
    assert values[0] == from_pairs(n, *cell_pairs(ordered[0])).value
    assert values.mean() == pytest.approx(q, abs=4 * sqrt(exact / populations))
    assert values.var() == pytest.approx(exact, rel=0.03)


GARWOOD = {"uniform": (0.955, 0.951), "zipf": (0.242, 0.077), "atom": (0.196, 0.053)}
JACKKNIFE = {"uniform": (0.988, 0.991), "zipf": (0.941, 0.943), "atom": (0.929, 0.954)}


@pytest.mark.parametrize("samples", [100, 300, 2000])
@pytest.mark.parametrize("cells", ["uniform", "zipf", "atom", "half"])
def test_interval_covers(cells: str, samples: int) -> None:
    p = CELLS[cells]
    q, pairs = (p**2).sum(), comb(samples, 2)
    rng = np.random.default_rng(11)
    counts = rng.multinomial(samples, p, size=600 if samples == 2000 else 2000)
    covered = [c.low <= q <= c.high for c in (collision(cell_degrees(count)) for count in counts)]
    assert 0.92 <= np.mean(covered) <= 0.98
    if samples == 100 or cells == "half":
        return
    # A Poisson interval on the number of pairs holds only where no cell is heavier than another, and the jackknife
    # alone counts the variance of pairs twice.
    k = (counts * (counts - 1)).sum(axis=1) / 2
    poisson = (chi2.ppf(0.025, 2 * k) / 2 <= q * pairs) & (q * pairs <= chi2.ppf(0.975, 2 * k + 2) / 2)
    assert poisson.mean() == pytest.approx(GARWOOD[cells][samples == 2000], abs=0.05)
    spread = (counts * (counts - 1) ** 2).sum(axis=1) - 4 * k**2 / samples
    sd = np.sqrt((samples - 1) / samples * spread) / comb(samples - 1, 2)
    jackknife = np.abs(k / pairs - q) <= 1.959964 * sd
    assert jackknife.mean() == pytest.approx(JACKKNIFE[cells][samples == 2000], abs=0.02)


@given(graphs())
def test_poisson_where_sharing_a_sample_makes_no_second_duplicate_likelier(
    graph_: tuple[int, IntArray, IntArray],
) -> None:
    n, i, j = graph_
    c, degrees = from_pairs(n, i, j), graph.degrees(n, i, j)
    if not c.value:
        return
    twice, square = (degrees * (degrees - 1)).sum() / (n * (n - 1) * (n - 2)), c.value**2
    if abs(twice - square) > 1e-9:
        assert (c.low == pytest.approx(garwood(c.duplicates, c.pairs)[0])) == (twice < square)


def test_the_share_of_samples_that_are_duplicates_of_two_others() -> None:
    p = CELLS["zipf"]
    counts = np.random.default_rng(59).multinomial(300, p, size=4000)
    found = (counts * (counts - 1) * (counts - 2)).sum(axis=1) / (300 * 299 * 298)
    assert found.mean() == pytest.approx((p**3).sum(), abs=4 * found.std() / sqrt(4000))


@pytest.mark.parametrize("samples", [100, 300])
def test_interval_covers_where_duplicates_are_few(samples: int) -> None:
    # Expected duplicates from 1/8 to 8. The log-normal interval alone falls to 0.87 between a half and none.
    rng = np.random.default_rng(29)
    exact, log_normal = [], []
    for mean in (0.138, 0.5, 1.0, 1.5, 2.0, 3.0, 3.2, 4.0, 5.0, 8.0):
        q = mean / comb(samples, 2)
        found = []
        for _ in range(1000):
            cell = rng.integers(0, round(1 / q), samples)
            found.append(collision(cell_degrees(np.unique(cell, return_counts=True)[1])))
        exact.append(np.mean([c.low <= q <= c.high for c in found]))
        assert mean < 3.7 or exact[-1] <= 0.985
        log_normal.append(np.mean([log_normal_covers(c, q) for c in found]))
    assert min(exact) >= 0.92
    assert min(log_normal) < 0.9


def log_normal_covers(c: Collision, q: float) -> bool:
    if not c.value or c.log_variance is None:
        return q <= c.high
    return abs(log(q / c.value)) <= 1.959964 * sqrt(c.log_variance)


def test_the_rule_of_three_holds_for_independent_pairs_only() -> None:
    samples = 1000
    c = from_pairs(samples, NONE, NONE)
    cells = round(1 / c.high)
    assert np.prod(1 - np.arange(samples) / cells) == pytest.approx(0.05, abs=1e-3)
    atom = sqrt(c.high)  # all duplicates from one frequent sample: none where it is drawn at most once
    none = (1 - atom) ** samples + samples * atom * (1 - atom) ** (samples - 1)
    assert 1 - none == pytest.approx(0.70, abs=0.005)
    x = brentq(lambda x: (1 + x) * exp(-x) - 0.05, 1, 10)
    assert x**2 == pytest.approx(22.5, abs=0.01)
    assert x**2 / (samples**2 * c.high) == pytest.approx(3.75, abs=0.01)


@given(st.lists(st.floats(0.01, 3), min_size=2, max_size=6))
def test_one_frequent_sample_is_the_worst_case_without_a_duplicate(mean: list[float]) -> None:
    # Cells with Poisson counts of these means: no other with the same sum of squares is as likely to show no duplicate.
    none = np.prod([(1 + x) * exp(-x) for x in mean])
    atom = sqrt(sum(x**2 for x in mean))
    assert none <= (1 + atom) * exp(-atom) * (1 + 1e-12)


# Matched conditions


def matched(condition: IntArray, i: IntArray, j: IntArray) -> tuple[IntArray, IntArray]:
    """Degrees and partners when only samples of one condition are compared."""
    same = condition[i] == condition[j]
    return graph.degrees(condition.size, i[same], j[same]), np.bincount(condition)[condition] - 1


@given(graphs(), graphs())
def test_matched_variance_against_leaving_each_sample_out(
    compared: tuple[int, IntArray, IntArray], other: tuple[int, IntArray, IntArray]
) -> None:
    n, a, b = compared
    found = set(zip(other[1].tolist(), other[2].tolist(), strict=True))
    duplicate = np.array([pair in found for pair in zip(a.tolist(), b.tolist(), strict=True)], dtype=bool)
    if not duplicate.any():
        return
    i, j = a[duplicate], b[duplicate]
    c = collision(graph.degrees(n, i, j), graph.degrees(n, a, b))
    assert (c.pairs, c.duplicates, c.value) == (a.size, i.size, i.size / a.size)
    left = [(((i != v) & (j != v)).sum(), ((a != v) & (b != v)).sum()) for v in range(n)]
    left_out = np.array([k / max(1, m) for k, m in left])
    jackknife = (n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()
    poisson = i.size / a.size**2
    assert c.value and c.log_variance == pytest.approx(max(poisson, jackknife - poisson) / c.value**2)


def test_partners_of_everyone_change_nothing() -> None:
    degrees = graph.degrees(300, *cell_pairs(draw(CELLS["zipf"], 300, np.random.default_rng(1))))
    assert collision(degrees, np.full(300, 299)) == collision(degrees)


@pytest.mark.parametrize(("cells", "conditions"), [("uniform", 10), ("zipf", 10), ("atom", 3), ("half", 60)])
def test_matched_interval_covers(cells: str, conditions: int) -> None:
    # A sample's cell depends on its condition: shifted, so that pairs across conditions collide differently.
    p = CELLS[cells]
    frequency = np.arange(1, conditions + 1) / (conditions * (conditions + 1) / 2)
    q = (p**2).sum()
    rng = np.random.default_rng(31)
    covered = []
    for _ in range(1000):
        condition = rng.choice(conditions, 400, p=frequency)
        cell, size = condition * p.size + draw(p, 400, rng), np.bincount(condition)
        _, which, count = np.unique(cell, return_inverse=True, return_counts=True)
        c = collision(count[which] - 1, size[condition] - 1)
        covered.append(c.low <= q <= c.high)
    assert 0.92 <= np.mean(covered) <= 0.985


def test_nothing_compared_is_not_nothing_found() -> None:
    c = collision(np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.int64))
    assert c == Collision(5, 0, 0, None, 0.0, 1.0, None)
    assert c.effective_support == Estimate(None, 1.0, None)
    some = from_pairs(100, np.array([0, 1]), np.array([5, 6]))
    assert ratio(c, some) == ratio(some, c) == ratio(c, c) == Estimate(None, None, None)


def test_matched_without_a_duplicate_is_a_bound_on_the_pairs_compared() -> None:
    c = collision(np.zeros(100, dtype=np.int64), np.full(100, 9))
    assert (c.pairs, c.value) == (450, 0.0)
    assert c.high == pytest.approx(2.995732 / 450)


def test_a_curve_needs_all_pairs() -> None:
    c = collision(np.array([1, 1, 0, 0]), np.array([1, 1, 1, 1]))
    with pytest.raises(ValueError, match="all pairs of 4 samples"):
        curve(np.array([3, 4]), c, np.array([2]))


# Two populations


def cross_degrees(count_a: IntArray, count_b: IntArray) -> tuple[IntArray, IntArray]:
    """Duplicates of each sample in the other population when cells hold so many samples of each."""
    return np.repeat(count_b, count_a), np.repeat(count_a, count_b)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=2, max_size=6))
def test_cross_variance_against_leaving_each_sample_out(rows: list[list[bool]]) -> None:
    duplicate = np.array(rows, dtype=np.int64)
    n, m = duplicate.shape
    c = cross_collision(duplicate.sum(axis=1), duplicate.sum(axis=0))
    assert (c.samples, c.pairs, c.duplicates, c.value) == (n, n * m, duplicate.sum(), duplicate.mean())
    if not c.value:
        assert (c.low, c.log_variance) == (0.0, None)
        assert c.high == pytest.approx(min(1, 2.995732 / (n * m)))
        return
    left_a = np.array([np.delete(duplicate, v, axis=0).mean() for v in range(n)])
    left_b = np.array([np.delete(duplicate, v, axis=1).mean() for v in range(m)])
    jackknife = (n - 1) * left_a.var() + (m - 1) * left_b.var()
    poisson = c.value / (n * m)
    assert c.log_variance == pytest.approx(max(poisson, jackknife - poisson) / c.value**2)
    swapped = cross_collision(duplicate.sum(axis=0), duplicate.sum(axis=1))
    assert (swapped.low, swapped.high) == pytest.approx((c.low, c.high))


def test_variance_of_the_cross_collision() -> None:
    # Var K / (n m): [q (1 - q) + (m - 1) (z_a - q^2) + (n - 1) (z_b - q^2)] / (n m), z_a = sum p_a p_b^2.
    a, b, n, m = CELLS["zipf"], CELLS["half"], 300, 200
    q, z_a, z_b = (a * b).sum(), (a * b**2).sum(), (a**2 * b).sum()
    exact = (q * (1 - q) + (m - 1) * (z_a - q**2) + (n - 1) * (z_b - q**2)) / (n * m)
    rng = np.random.default_rng(37)
    found = [cross_collision(*cross_degrees(rng.multinomial(n, a), rng.multinomial(m, b))) for _ in range(2000)]
    values = np.array([c.value for c in found])
    assert values.mean() == pytest.approx(q, abs=4 * sqrt(exact / 2000))
    assert values.var() == pytest.approx(exact, rel=0.12)
    assert np.mean([(c.log_variance or 0) * (c.value or 0) ** 2 for c in found]) == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize(("n", "m"), [(100, 100), (300, 300), (2000, 100), (2000, 2000)])
@pytest.mark.parametrize(
    ("a", "b"), [("uniform", "uniform"), ("zipf", "zipf"), ("atom", "atom"), ("half", "half"), ("half", "zipf")]
)
def test_cross_interval_covers(a: str, b: str, n: int, m: int) -> None:
    q = (CELLS[a] * CELLS[b]).sum()
    rng = np.random.default_rng(41)
    covered = []
    for _ in range(300 if n == m == 2000 else 600):
        c = cross_collision(*cross_degrees(rng.multinomial(n, CELLS[a]), rng.multinomial(m, CELLS[b])))
        covered.append(c.low <= q <= c.high)
    assert 0.92 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize("share", [0.02, 0.05, 0.3])
def test_planted_copies_of_train(share: float) -> None:
    # A generator repeats one of 1000 prototypes, of which train holds some, with this probability; else it is new.
    rng = np.random.default_rng(43)
    q, covered = share * 0.5 / 1000, []
    for _ in range(400):
        a, b = rng.binomial(500, share), rng.binomial(500, 0.5)
        copies = cross_degrees(*(np.bincount(rng.integers(0, 1000, k), minlength=1000) for k in (a, b)))
        c = cross_collision(np.pad(copies[0], (0, 500 - a)), np.pad(copies[1], (0, 500 - b)))
        covered.append(c.low <= q <= c.high)
    assert 0.92 <= np.mean(covered) <= 0.99


def test_cross_collision_of_matched_conditions() -> None:
    rng = np.random.default_rng(47)
    condition_a, condition_b = rng.integers(0, 3, 50), rng.integers(0, 3, 40)
    compared = condition_a[:, None] == condition_b
    duplicate = compared & (rng.random((50, 40)) < 0.2)
    degrees, partners = ((x.sum(axis=1), x.sum(axis=0)) for x in (duplicate, compared))
    c = cross_collision(*degrees, *partners)
    assert (c.pairs, c.duplicates) == (compared.sum(), duplicate.sum())
    assert c.low < 0.2 < c.high
    nothing = cross_collision(*degrees, np.zeros(50, dtype=np.int64), np.zeros(40, dtype=np.int64))
    assert nothing == Collision(50, 0, 0, None, 0.0, 1.0, None)
    every = np.full(50, 40), np.full(40, 50)
    assert cross_collision(*degrees, *every) == cross_collision(*degrees)


@pytest.mark.parametrize(("a", "b"), [(0, 3), (3, 0)])
def test_a_cross_collision_needs_samples_on_both_sides(a: int, b: int) -> None:
    with pytest.raises(ValueError, match=f"not {a} and {b}"):
        cross_collision(np.zeros(a, dtype=np.int64), np.zeros(b, dtype=np.int64))


@pytest.mark.parametrize(("copied", "samples"), [(0, 10), (3, 10), (10, 10), (7, 1000)])
def test_copied_share_is_a_binomial_proportion(copied: int, samples: int) -> None:
    degrees = np.zeros(samples, dtype=np.int64)
    degrees[:copied] = [1 + v % 3 for v in range(copied)]
    value, low, high = copied_share(degrees, level=0.9)
    exact = binomtest(copied, samples).proportion_ci(0.9, "exact")
    assert (value, low, high) == pytest.approx((copied / samples, exact.low, exact.high))


def test_a_share_needs_samples() -> None:
    with pytest.raises(ValueError, match="at least 1 sample"):
        copied_share(NONE)


# The Gaussian and planted populations


@pytest.mark.parametrize(
    ("dimension", "radius", "exact"),
    [(1, 0.1, 5.6372e-2), (1, 0.5, 0.27633), (2, 0.1, 2.4969e-3), (4, 0.1, 3.1198e-6), (4, 0.5, 1.8736e-3)],
)
def test_gaussian_within_a_radius(dimension: int, radius: float, exact: float) -> None:
    # The squared distance of two of N(0, I_d) is 2 chi2_d.
    assert chi2.cdf(radius**2 / 2, dimension) == pytest.approx(exact, rel=1e-4)
    x = np.random.default_rng(3).normal(size=(2000, dimension))
    c = from_pairs(2000, *near_pairs(x, radius))
    assert c.low <= exact <= c.high


@pytest.mark.parametrize("prototypes", [1, 5, 20, 100])
def test_planted_frozen_prototypes(prototypes: int) -> None:
    rng = np.random.default_rng(prototypes)
    cell = rng.integers(0, prototypes, 1500)
    x = rng.normal(size=(prototypes, 8))[cell] + 1e-4 * rng.normal(size=(1500, 8))
    c = from_pairs(1500, *near_pairs(x, 0.01))
    assert c.low <= 1 / prototypes <= c.high
    low, high = c.effective_support[1:]
    assert low is not None and high is not None and low <= prototypes <= high < 1.2 * prototypes


def test_planted_mixture_of_prototypes_and_fresh_samples() -> None:
    # Half of the samples repeat one of 20 prototypes, half are new: q = (1/2)^2 / 20.
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3000, 8))
    frozen = rng.random(3000) < 0.5
    x[frozen] = x[:20][rng.integers(0, 20, int(frozen.sum()))]
    c = from_pairs(3000, *near_pairs(x, 1e-6))
    assert c.low <= 0.25 / 20 <= c.high


def test_one_feature_at_its_alpha_quantile_says_nothing_about_the_data() -> None:
    rng = np.random.default_rng(2)
    i, j = (index.astype(np.int64) for index in np.triu_indices(1000, 1))
    for x in (rng.normal(size=(1000, 1)), rng.exponential(size=(1000, 1)), rng.random((1000, 1)) ** 8):
        distance = pdist(x)
        duplicate = distance <= np.quantile(distance, 0.02)
        c = from_pairs(1000, i[duplicate], j[duplicate])
        assert c.effective_support.value == pytest.approx(50, rel=1e-4)


def test_two_independent_features_at_their_alpha_quantile() -> None:
    rng = np.random.default_rng(4)
    i, j = (index.astype(np.int64) for index in np.triu_indices(2000, 1))
    duplicate = np.ones(i.size, dtype=bool)
    for _ in range(2):
        distance = pdist(rng.random((2000, 1)))
        duplicate &= distance <= np.quantile(distance, 0.02)
    c = from_pairs(2000, i[duplicate], j[duplicate])
    assert c.low <= 0.02**2 <= c.high
    hits = first_hits(2000, i[duplicate], j[duplicate], 20_000, rng)
    _, low, high = curve(hits, c, np.array([60]))
    assert low[0] <= 0.5 <= high[0]


# The ratio and what it says


def with_log_variance(value: float, log_variance: float) -> Collision:
    return Collision(100, 4950, 10, value, value / 2, 2 * value, log_variance)


def test_ratio_by_hand() -> None:
    a, b = with_log_variance(0.06, 0.09), with_log_variance(0.02, 0.16)
    assert list(ratio(a, b)) == pytest.approx([3, 3 * exp(-0.979982), 3 * exp(0.979982)])
    assert list(ratio(b, a)) == pytest.approx([1 / 3, exp(-0.979982) / 3, exp(0.979982) / 3])
    assert ratio(a, b, level=0.5)[1] == pytest.approx(3 * exp(-0.337245))


def test_ratio_without_duplicates_is_a_bound() -> None:
    some, none = from_pairs(100, np.array([0, 1]), np.array([5, 6])), from_pairs(200, NONE, NONE)
    assert ratio(none, some) == Estimate(0.0, 0.0, none.high / some.low)
    assert ratio(some, none) == Estimate(None, some.low / none.high, None)
    assert ratio(none, none) == Estimate(None, None, None)
    assert verdict(ratio(none, none), 1.5) == "inconclusive"


@pytest.mark.parametrize(("a", "b"), [("zipf", "uniform"), ("half", "atom")])
def test_ratio_covers(a: str, b: str) -> None:
    rng = np.random.default_rng(13)
    exact = (CELLS[a] ** 2).sum() / (CELLS[b] ** 2).sum()
    covered = []
    for _ in range(1500):
        x, y = (from_pairs(300, *cell_pairs(draw(CELLS[cells], 300, rng))) for cells in (a, b))
        _, low, high = ratio(x, y)
        assert low is not None and high is not None
        covered.append(low <= exact <= high)
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.9, 1.1, "as many duplicates"),
        (1 / 1.5, 1.5, "as many duplicates"),
        (1.1, 1.4, "as many duplicates"),
        (1.1, 1.6, "more duplicates"),
        (3.0, 9.0, "more duplicates"),
        (3.0, None, "more duplicates"),
        (0.1, 0.9, "fewer duplicates"),
        (0.0, 0.5, "fewer duplicates"),
        (None, 0.5, "fewer duplicates"),
        (0.5, 1.1, "inconclusive"),
        (0.9, 1.6, "inconclusive"),
        (0.9, None, "inconclusive"),
        (None, 1.1, "inconclusive"),
        (1.0, 2.0, "inconclusive"),
        (None, None, "inconclusive"),
    ],
)
def test_verdict(low: float | None, high: float | None, said: str) -> None:
    assert verdict(Estimate(1.0, low, high), 1.5) == said


def test_planted_collapse_is_found() -> None:
    rng = np.random.default_rng(17)
    real, collapsed, same = (from_pairs(2000, *cell_pairs(rng.integers(0, d, 2000))) for d in (1000, 100, 1000))
    assert verdict(ratio(collapsed, real), 1.5) == "more duplicates"
    assert verdict(ratio(real, collapsed), 1.5) == "fewer duplicates"
    assert verdict(ratio(same, real), 1.5) == "as many duplicates"
    few = from_pairs(100, *cell_pairs(rng.integers(0, 1000, 100)))
    assert verdict(ratio(few, real), 1.5) == "inconclusive"


# First hits


def test_no_duplicate_is_never_hit() -> None:
    assert np.array_equal(first_hits(7, NONE, NONE, 3, np.random.default_rng(0)), [8, 8, 8])


def test_complete_graph_hits_at_two() -> None:
    i, j = (index.astype(np.int64) for index in np.triu_indices(9, 1))
    assert np.array_equal(first_hits(9, i, j, 100, np.random.default_rng(0)), np.full(100, 2))


def test_one_pair() -> None:
    hits = first_hits(30, np.array([4]), np.array([17]), 50_000, np.random.default_rng(0))
    s = np.arange(31)
    assert np.abs(share(hits, 30) - s * (s - 1) / (30 * 29)).max() < tolerance(50_000)


def test_perfect_matching() -> None:
    hits = first_hits(40, np.arange(0, 40, 2), np.arange(1, 40, 2), 50_000, np.random.default_rng(0))
    exact = [1 - 2**s * comb(20, s) / comb(40, s) for s in range(41)]
    assert np.abs(share(hits, 40) - exact).max() < tolerance(50_000)


def test_star_hits_when_its_centre_and_another_are_drawn() -> None:
    hits = first_hits(20, np.zeros(19, dtype=np.int64), np.arange(1, 20), 50_000, np.random.default_rng(0))
    exact = np.arange(21) / 20
    exact[1] = 0
    assert np.abs(share(hits, 20) - exact).max() < tolerance(50_000)


@given(graphs())
def test_against_every_batch(graph: tuple[int, IntArray, IntArray]) -> None:
    n, i, j = graph
    edges = {frozenset(e) for e in zip(i.tolist(), j.tolist(), strict=True)}
    members = [(s, batch) for s in range(n + 1) for batch in combinations(range(n), s)]
    exact = np.zeros(n + 1)
    for s, batch in members:
        exact[s] += any(frozenset(e) in edges for e in combinations(batch, 2)) / comb(n, s)
    hits = first_hits(n, i, j, 5000, np.random.default_rng(0))
    assert hits.dtype == np.int64
    assert np.abs(share(hits, n) - exact).max() < tolerance(5000)


def test_against_the_exact_curve_of_a_population() -> None:
    # Without replacement, P(s different cells) is the elementary symmetric polynomial of the counts over C(n, s).
    cell = draw(CELLS["zipf"], 300, np.random.default_rng(1))
    distinct = [1] + [0] * 60
    for count in np.bincount(cell).tolist():
        distinct = [1] + [distinct[s] + count * distinct[s - 1] for s in range(1, 61)]
    exact = [1 - distinct[s] / comb(300, s) for s in range(61)]
    hits = first_hits(300, *cell_pairs(cell), 100_000, np.random.default_rng(2))
    assert np.abs(share(hits, 60) - exact).max() < tolerance(100_000)


@pytest.mark.parametrize(("cells", "half"), [("uniform", 38), ("zipf", 9), ("atom", 17), ("half", 9)])
def test_first_hits_are_unbiased_for_independent_samples(cells: str, half: int) -> None:
    truth = birthday_truth(CELLS[cells], 60)
    assert half_of(truth) == half
    rng = np.random.default_rng(3)
    hits = np.concatenate([first_hits(500, *cell_pairs(draw(CELLS[cells], 500, rng)), 500, rng) for _ in range(400)])
    by_population = (hits.reshape(400, 500, 1) <= np.arange(61)).mean(axis=1)
    error = by_population.std(axis=0) / sqrt(400)
    assert np.all(np.abs(by_population.mean(axis=0) - truth) <= 4 * error + 1e-4)
    assert batch_half(500, hits) == half


def test_a_year_of_birthdays() -> None:
    copies, days, replicates = 100, 365, 100_000
    n = copies * days
    i, j = cell_pairs(np.repeat(np.arange(days), copies))
    hits = first_hits(n, i, j, replicates, np.random.default_rng(1))
    s = np.arange(60)
    exact = 1 - np.concatenate([[1.0], np.cumprod((n - copies * s) / (n - s))])
    assert np.abs(share(hits, 60) - exact).max() < tolerance(replicates)
    assert batch_half(n, hits) == 23
    truth = birthday_truth(np.full(365, 1 / 365), 23)
    assert truth[[22, 23]] == pytest.approx([0.475695, 0.507297], abs=1e-6)
    assert exact[[22, 23]] == pytest.approx(truth[[22, 23]], abs=0.005)  # 100 copies are nearly endless


def test_first_hits_depend_on_the_generator_alone() -> None:
    pairs = cell_pairs(draw(CELLS["zipf"], 300, np.random.default_rng(1)))
    hits = first_hits(300, *pairs, 200, np.random.default_rng(2))
    assert np.array_equal(first_hits(300, *pairs, 200, np.random.default_rng(2)), hits)
    assert np.array_equal(first_hits(300, *pairs, 90, np.random.default_rng(2)), hits[:90])
    assert not np.array_equal(first_hits(300, *pairs, 200, np.random.default_rng(3)), hits)
    assert np.array_equal(first_hits(300, pairs[1], pairs[0], 200, np.random.default_rng(2)), hits)
    start, neighbour = graph.adjacency.py_func(300, *pairs)
    assert np.array_equal(birthday._draw_until_hit.py_func(start, neighbour, 200, np.random.default_rng(2)), hits)


# The curve and its band


def band(samples: int, pairs: Pairs, replicates: int, at: IntArray, seed: int = 0) -> tuple[FloatArray, ...]:
    hits = first_hits(samples, *pairs, replicates, np.random.default_rng(seed))
    return curve(hits, from_pairs(samples, *pairs), at)


def test_curve_without_a_duplicate() -> None:
    probability, low, high = band(1000, (NONE, NONE), 10, np.array([2, 500, 1000]))
    assert not probability.any() and not low.any()
    assert high[2] == pytest.approx(0.95, abs=1e-5)
    assert high == pytest.approx(1 - (1 - 2.995732 / 499500) ** np.array([1, 124750, 499500]))


def test_the_band_of_a_batch_of_two_is_the_interval_of_the_collision_probability() -> None:
    i, j = (index.astype(np.int64) for index in np.nonzero(np.triu(np.arange(60)[:, None] % 4 < 3 * np.ones(60), k=1)))
    c = from_pairs(60, i, j)
    _, low, _ = band(60, (i, j), 100_000, np.array([2]))
    assert low[0] == pytest.approx(c.low, abs=0.01)


def test_curve_where_no_replicate_or_every_one_hits() -> None:
    # One duplicate among 5000 samples: hardly any replicate hits early, and the batch of all of them always does.
    c = from_pairs(5000, np.array([0]), np.array([1]))
    probability, low, high = band(5000, (np.array([0]), np.array([1])), 100, np.array([2, 40, 5000]))
    assert (probability[0], low[0], high[0]) == (0.0, 0.0, pytest.approx(c.high))
    assert (probability[1], low[1], high[1]) == (0.0, 0.0, pytest.approx(c.high * 780))
    assert (probability[2], high[2]) == (1.0, 1.0)
    assert low[2] == pytest.approx(1 - exp(-c.low * c.pairs))


def test_curve_does_not_depend_on_the_other_batches() -> None:
    pairs = cell_pairs(draw(CELLS["zipf"], 300, np.random.default_rng(1)))
    every = np.array(band(300, pairs, 1000, np.arange(1, 301)))
    some = np.array(band(300, pairs, 1000, np.array([40, 9, 2])))
    assert np.array_equal(some, every[:, [39, 8, 1]])


@given(graphs(), st.integers(1, 40), st.integers(0, 99))
def test_band_holds_the_curve_and_never_falls(
    graph: tuple[int, IntArray, IntArray], replicates: int, seed: int
) -> None:
    n, i, j = graph
    probability, low, high = band(n, (i, j), replicates, np.arange(1, n + 1), seed)
    for line in (probability, low, high):
        assert np.all(np.diff(line) >= 0)
    assert np.all((low >= 0) & (low <= probability) & (probability <= high) & (high <= 1))


@pytest.mark.parametrize("seed", range(20))
def test_band_never_falls_with_few_replicates(seed: int) -> None:
    # The first replicate to hit is worth so much information that the plain interval would drop there.
    pair = np.array([0]), np.array([1])
    hits = first_hits(300, *pair, 15, np.random.default_rng(seed))
    for line in curve(hits, from_pairs(300, *pair, 0.99), np.arange(1, 301), 0.99):
        assert np.all(np.diff(line) >= 0)


def test_band_never_falls_at_a_high_level() -> None:
    # The last replicates to hit are worth so little information that the plain interval would drop there.
    pairs = cell_pairs(draw(CELLS["zipf"], 2000, np.random.default_rng(1)))
    hits = first_hits(2000, *pairs, 10_000, np.random.default_rng(0))
    for line in curve(hits, from_pairs(2000, *pairs, 0.999), np.arange(1, 60), 0.999):
        assert np.all(np.diff(line) >= 0)


@pytest.mark.parametrize("samples", [100, 300, 2000])
@pytest.mark.parametrize("cells", ["uniform", "zipf", "atom"])
def test_band_covers(cells: str, samples: int) -> None:
    p = CELLS[cells]
    truth = birthday_truth(p, 100)
    at = np.array([int(np.argmax(truth > x)) for x in (0.05, 0.25, 0.5, 0.75, 0.94)])
    rng = np.random.default_rng(19)
    populations = 200 if samples == 2000 else 300
    covered = np.zeros(at.size)
    for _ in range(populations):
        pairs = cell_pairs(draw(p, samples, rng))
        _, low, high = curve(first_hits(samples, *pairs, 2000, rng), from_pairs(samples, *pairs), at)
        covered += (low <= truth[at]) & (truth[at] <= high)
    assert np.all(covered >= 0.9 * populations)


# Batch sizes and supports


def test_batch_half_is_the_smallest_size_above_one_half() -> None:
    assert batch_half(9, np.array([5, 3, 4, 2])) == 4  # P(3) = 1/2 is not above
    assert batch_half(9, np.array([5, 3, 4])) == 4
    assert batch_half(2, np.array([2])) == 2
    assert batch_half(9, np.array([10, 10])) is None


def test_batches_of_a_large_population() -> None:
    i = np.arange(0, 2000, 2)
    hits = first_hits(100_000, i, i + 1, 2000, np.random.default_rng(0))
    sizes = batches(100_000, hits)
    half = batch_half(100_000, hits)
    assert half is not None and {half - 1, half} <= set(sizes.tolist())
    assert sizes[:99].tolist() == list(range(2, 101))
    assert np.count_nonzero((sizes >= 1000) & (sizes < 10_000)) == pytest.approx(40, abs=3)
    probability = share(hits, int(sizes[-1]))
    assert probability[-2] <= 0.999 < probability[-1]
    other = batches(100_000, first_hits(100_000, i[:500], i[:500] + 1, 2000, np.random.default_rng(1)))
    assert len(set(sizes.tolist()) - set(other.tolist())) <= 3  # a grid that populations share


def test_batches_without_a_duplicate_go_to_the_population() -> None:
    sizes = batches(1234, np.full(5, 1235))
    assert (sizes[0], sizes[-1]) == (2, 1234)
    assert batches(50, np.full(5, 51)).tolist() == list(range(2, 51))


def test_batches_where_two_always_collide() -> None:
    assert batches(50, np.full(5, 2)).tolist() == [1, 2]


@given(graphs(), st.integers(0, 99))
def test_batches_are_sizes_of_the_population(graph: tuple[int, IntArray, IntArray], seed: int) -> None:
    n, i, j = graph
    hits = first_hits(n, i, j, 20, np.random.default_rng(seed))
    sizes = batches(n, hits)
    half = batch_half(n, hits)
    assert sizes.dtype == np.int64
    assert np.all(np.diff(sizes) > 0) and 1 <= sizes[0] <= 2 <= sizes[-1] <= n
    assert half is None or {half - 1, half} <= set(sizes.tolist())


@pytest.mark.parametrize(
    ("support", "half"),
    [(10, 5), (50, 9), (100, 13), (365, 23), (1000, 38), (10**4, 119), (160_000, 472), (10**6, 1178), (10**7, 3724)],
)
def test_uniform_support_from_its_half(support: int, half: int) -> None:
    distinct = np.cumprod(1 - np.arange(4000) / support)  # P(no duplicate) among s = 1, 2, ...
    assert half == int(np.argmax(distinct < 0.5)) + 1
    assert birthday_support(half - 1) < support <= birthday_support(half)
    # Near 2 ln 2 times too many; from 100 on the sizes step by less than that.
    assert support < 100 or 1.35 < square_support(half) / support < 1.7


@pytest.mark.parametrize("support", [10, 50, 100, 365, 1000, 10**4, 160_000, 10**6, 10**7])
def test_the_half_of_a_uniform_support_in_closed_form(support: int) -> None:
    distinct = np.cumprod(1 - np.arange(4000) / support)
    root = sqrt(2 * support * log(2))
    brink = root + (3 - 2 * log(2)) / 6 + (9 - 4 * log(2) ** 2) / (72 * root)
    assert int(np.argmax(distinct < 0.5)) + 1 == ceil(brink)


@pytest.mark.parametrize("support", [10**4, 10**6])
def test_the_root_of_the_support_is_no_half(support: int) -> None:
    distinct = np.cumprod(1 - np.arange(4000) / support)
    assert 1 - distinct[round(sqrt(support)) - 1] == pytest.approx(0.3935, abs=0.005)


def test_whether_a_batch_holds_a_duplicate_says_less_than_all_pairs() -> None:
    # Relative variance of q: the bit of a batch at P = 1/2 is worth 0.4805 duplicates of the 0.6931 it has on average,
    # and B batches have a B-th of the pairs.
    cells = np.sort(np.random.default_rng(53).integers(0, 1000, (400, 20, 38)), axis=2)
    hit = (cells[..., 1:] == cells[..., :-1]).any(axis=2).mean(axis=1)
    counts = [np.unique(study, return_counts=True)[1] for study in cells]
    values = np.array([collision(cell_degrees(count)).value for count in counts])
    from_bits = hit.var() / (0.5 * log(2)) ** 2
    assert from_bits / (values * 1000).var() == pytest.approx(20 * 0.6931 / 0.4805, rel=0.25)


def test_the_square_overstates() -> None:
    assert square_support(23) / 365 == pytest.approx(1.449, abs=5e-4)
    assert square_support(119) / 10**4 == pytest.approx(1.416, abs=5e-4)
    assert square_support(1178) / 10**6 == pytest.approx(1.388, abs=5e-4)
    assert square_support(400) == 160_000.0


def test_birthday_support_inverts() -> None:
    assert birthday_support(23) == pytest.approx(365.2, abs=0.05)
    assert birthday_support(38) == pytest.approx(1014, abs=0.5)
    assert birthday_support(1178) == pytest.approx(1_000_153, abs=1)


@pytest.mark.parametrize(("cells", "half", "square", "inverse"), [
    ("uniform", 38, 1444, 1014), ("zipf", 9, 81, 52), ("atom", 17, 289, 196), ("half", 9, 81, 52),
])  # fmt: skip
def test_supports_see_only_the_heavy_head(cells: str, half: int, square: float, inverse: float) -> None:
    p = CELLS[cells]
    effective = {"uniform": 1000.0, "zipf": 34.1, "atom": 99.1, "half": 39.6}[cells]
    assert 1 / (p**2).sum() == pytest.approx(effective, abs=0.05)
    assert square_support(half) == square
    assert birthday_support(half) == pytest.approx(inverse, abs=0.5)
    assert half * (half - 1) / (2 * log(2)) == pytest.approx(inverse, abs=0.5)
    c = from_pairs(5000, *cell_pairs(draw(p, 5000, np.random.default_rng(23))))
    _, low, high = c.effective_support
    assert low is not None and high is not None and low <= effective <= high


@pytest.mark.parametrize(("features", "half"), [(1, 9), (2, 60), (3, 417), (4, 2945)])
def test_independent_features_at_alpha_set_the_half(features: int, half: int) -> None:
    effective = 0.02**-features
    assert birthday_support(half - 1) < effective <= birthday_support(half)
