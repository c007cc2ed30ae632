"""The birthday paradox against closed forms, exact enumeration and simulated coverage."""

from __future__ import annotations

from itertools import combinations
from math import comb, exp, log, sqrt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist
from scipy.stats import chi2

from gancensus import birthday
from gancensus.birthday import (
    Collision,
    batch_half,
    batches,
    birthday_support,
    collision,
    curve,
    first_hits,
    ratio,
    square_support,
    verdict,
)
from gancensus.estimate import Estimate

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


def test_a_path_of_three_of_four_samples() -> None:
    # V_pois = 2/36; without each sample C is 0, 1/3, 1/3, 2/3, so V_jack = 3/4 (1/9 + 1/9) = 1/6; V* = 1/9 = C^2.
    c = collision(4, np.array([0, 0]), np.array([1, 2]))
    assert (c.samples, c.pairs, c.duplicates, c.value) == (4, 6, 2, 1 / 3)
    assert c.log_variance == pytest.approx(1)
    assert c.low == pytest.approx(exp(-1.959964) / 3)
    assert c.high == 1.0
    assert c.effective_support == Estimate(1 / c.value, 1 / c.high, 1 / c.low)


def test_level_sets_the_width() -> None:
    c = collision(4, np.array([0, 0]), np.array([1, 2]), level=0.5)
    assert [c.low, c.high] == pytest.approx([exp(-0.674490) / 3, exp(0.674490) / 3])


def test_two_samples() -> None:
    c = collision(2, np.array([0]), np.array([1]))
    assert (c.pairs, c.value, c.high, c.log_variance) == (1, 1.0, 1.0, 1.0)
    assert collision(2, NONE, NONE) == Collision(2, 1, 0, 0.0, 0.0, 1.0, None)


@pytest.mark.parametrize("samples", [0, 1])
def test_a_collision_needs_two_samples(samples: int) -> None:
    with pytest.raises(ValueError, match="at least 2 samples"):
        collision(samples, NONE, NONE)


def test_no_duplicate_is_a_bound_and_never_infinite() -> None:
    c = collision(1000, NONE, NONE)
    assert (c.value, c.low, c.log_variance) == (0.0, 0.0, None)
    assert c.high == pytest.approx(2.995732 / 499500)
    assert (1 - c.high) ** c.pairs == pytest.approx(0.05, rel=1e-4)  # such a population shows none 1 time in 20
    value, low, high = c.effective_support
    assert value is None and high is None
    assert low == pytest.approx(499500 / 2.995732)


def test_all_samples_alike() -> None:
    c = collision(50, *np.triu_indices(50, 1))
    assert (c.value, c.high) == (1.0, 1.0)
    assert c.low == pytest.approx(exp(-1.959964 / sqrt(1225)))  # only V_pois is left


@given(graphs())
@settings(deadline=None)
def test_variance_against_leaving_each_sample_out(graph: tuple[int, IntArray, IntArray]) -> None:
    n, i, j = graph
    if i.size == 0:
        return
    left_out = np.array([np.count_nonzero((i != v) & (j != v)) / comb(n - 1, 2) for v in range(n)])
    jackknife = (n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()
    poisson = i.size / comb(n, 2) ** 2
    c = collision(n, i, j)
    assert c.log_variance == pytest.approx(max(poisson, jackknife - poisson) / c.value**2)


@given(graphs(), st.integers(0, 99))
@settings(deadline=None)
def test_relabelling_and_pair_order_change_nothing(graph: tuple[int, IntArray, IntArray], seed: int) -> None:
    n, i, j = graph
    rng = np.random.default_rng(seed)
    name, order = rng.permutation(n), rng.permutation(i.size)
    a, b = name[i][order], name[j][order]
    assert collision(n, np.minimum(a, b), np.maximum(a, b)) == collision(n, i, j)
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
    assert values[0] == collision(n, *cell_pairs(ordered[0])).value
    assert values.mean() == pytest.approx(q, abs=4 * sqrt(exact / populations))
    assert values.var() == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("samples", [100, 300, 2000])
@pytest.mark.parametrize("cells", ["uniform", "zipf", "atom"])
def test_interval_covers(cells: str, samples: int) -> None:
    p = CELLS[cells]
    q = (p**2).sum()
    rng = np.random.default_rng(11)
    populations = 600 if samples == 2000 else 2500
    found = [collision(samples, *cell_pairs(draw(p, samples, rng))) for _ in range(populations)]
    covered = np.mean([c.low <= q <= c.high for c in found])
    assert 0.92 <= covered <= 0.98
    # A Poisson interval on the number of pairs (Garwood) holds only where no cell is heavier than another.
    k = np.array([c.duplicates for c in found])
    pairs = comb(samples, 2)
    garwood = np.mean((chi2.ppf(0.025, 2 * k) / 2 <= q * pairs) & (q * pairs <= chi2.ppf(0.975, 2 * k + 2) / 2))
    assert garwood > 0.92 if cells == "uniform" else garwood < 0.5


@pytest.mark.parametrize(
    ("dimension", "radius", "exact"),
    [(1, 0.1, 5.6372e-2), (1, 0.5, 0.27633), (2, 0.1, 2.4969e-3), (4, 0.1, 3.1198e-6), (4, 0.5, 1.8736e-3)],
)
def test_gaussian_within_a_radius(dimension: int, radius: float, exact: float) -> None:
    # The squared distance of two of N(0, I_d) is 2 chi2_d.
    assert chi2.cdf(radius**2 / 2, dimension) == pytest.approx(exact, rel=1e-4)
    x = np.random.default_rng(3).normal(size=(2000, dimension))
    c = collision(2000, *near_pairs(x, radius))
    assert c.low <= exact <= c.high


@pytest.mark.parametrize("prototypes", [1, 5, 20, 100])
def test_planted_frozen_prototypes(prototypes: int) -> None:
    rng = np.random.default_rng(prototypes)
    cell = rng.integers(0, prototypes, 1500)
    x = rng.normal(size=(prototypes, 8))[cell] + 1e-4 * rng.normal(size=(1500, 8))
    c = collision(1500, *near_pairs(x, 0.01))
    assert c.low <= 1 / prototypes <= c.high
    low, high = c.effective_support[1:]
    assert low is not None and high is not None and low <= prototypes <= high < 1.2 * prototypes


def test_planted_mixture_of_prototypes_and_fresh_samples() -> None:
    # Half of the samples repeat one of 20 prototypes, half are new: q = (1/2)^2 / 20.
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3000, 8))
    frozen = rng.random(3000) < 0.5
    x[frozen] = x[:20][rng.integers(0, 20, int(frozen.sum()))]
    c = collision(3000, *near_pairs(x, 1e-6))
    assert c.low <= 0.25 / 20 <= c.high


def test_one_feature_at_its_alpha_quantile_says_nothing_about_the_data() -> None:
    rng = np.random.default_rng(2)
    i, j = (index.astype(np.int64) for index in np.triu_indices(1000, 1))
    for x in (rng.normal(size=(1000, 1)), rng.exponential(size=(1000, 1)), rng.random((1000, 1)) ** 8):
        distance = pdist(x)
        duplicate = distance <= np.quantile(distance, 0.02)
        c = collision(1000, i[duplicate], j[duplicate])
        assert c.effective_support.value == pytest.approx(50, rel=1e-4)


def test_two_independent_features_at_their_alpha_quantile() -> None:
    rng = np.random.default_rng(4)
    i, j = (index.astype(np.int64) for index in np.triu_indices(2000, 1))
    duplicate = np.ones(i.size, dtype=bool)
    for _ in range(2):
        distance = pdist(rng.random((2000, 1)))
        duplicate &= distance <= np.quantile(distance, 0.02)
    c = collision(2000, i[duplicate], j[duplicate])
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
    some, none = collision(100, np.array([0, 1]), np.array([5, 6])), collision(200, NONE, NONE)
    assert ratio(none, some) == Estimate(0.0, 0.0, none.high / some.low)
    assert ratio(some, none) == Estimate(None, some.low / none.high, None)
    assert ratio(none, none) == Estimate(None, None, None)
    assert verdict(ratio(none, none), 1.5) == "cannot tell"


@pytest.mark.parametrize(("a", "b"), [("zipf", "uniform"), ("half", "atom")])
def test_ratio_covers(a: str, b: str) -> None:
    rng = np.random.default_rng(13)
    exact = (CELLS[a] ** 2).sum() / (CELLS[b] ** 2).sum()
    covered = []
    for _ in range(1500):
        x, y = (collision(300, *cell_pairs(draw(CELLS[cells], 300, rng))) for cells in (a, b))
        _, low, high = ratio(x, y)
        assert low is not None and high is not None
        covered.append(low <= exact <= high)
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.9, 1.1, "as diverse"),
        (1 / 1.5, 1.5, "as diverse"),
        (1.1, 1.4, "as diverse"),
        (1.1, 1.6, "less diverse"),
        (3.0, 9.0, "less diverse"),
        (3.0, None, "less diverse"),
        (0.1, 0.9, "more diverse"),
        (0.0, 0.5, "more diverse"),
        (None, 0.5, "more diverse"),
        (0.5, 1.1, "cannot tell"),
        (0.9, 1.6, "cannot tell"),
        (0.9, None, "cannot tell"),
        (None, 1.1, "cannot tell"),
        (1.0, 2.0, "cannot tell"),
        (None, None, "cannot tell"),
    ],
)
def test_verdict(low: float | None, high: float | None, said: str) -> None:
    assert verdict(Estimate(1.0, low, high), 1.5) == said


def test_planted_collapse_is_found() -> None:
    rng = np.random.default_rng(17)
    real, collapsed, same = (collision(2000, *cell_pairs(rng.integers(0, d, 2000))) for d in (1000, 100, 1000))
    assert verdict(ratio(collapsed, real), 1.5) == "less diverse"
    assert verdict(ratio(real, collapsed), 1.5) == "more diverse"
    assert verdict(ratio(same, real), 1.5) == "as diverse"
    few = collision(100, *cell_pairs(rng.integers(0, 1000, 100)))
    assert verdict(ratio(few, real), 1.5) == "cannot tell"


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
@settings(deadline=None, max_examples=30)
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
    start, neighbour = birthday._adjacency.py_func(300, *pairs)
    assert np.array_equal(birthday._draw_until_hit.py_func(start, neighbour, 200, np.random.default_rng(2)), hits)


# The curve and its band


def band(samples: int, pairs: Pairs, replicates: int, at: IntArray, seed: int = 0) -> tuple[FloatArray, ...]:
    hits = first_hits(samples, *pairs, replicates, np.random.default_rng(seed))
    return curve(hits, collision(samples, *pairs), at)


def test_curve_without_a_duplicate() -> None:
    probability, low, high = band(1000, (NONE, NONE), 10, np.array([2, 500, 1000]))
    assert not probability.any() and not low.any()
    assert high[2] == pytest.approx(0.95, abs=1e-5)
    assert high == pytest.approx(1 - (1 - 2.995732 / 499500) ** np.array([1, 124750, 499500]))


def test_the_band_of_a_batch_of_two_is_the_interval_of_the_collision_probability() -> None:
    i, j = (index.astype(np.int64) for index in np.nonzero(np.triu(np.arange(60)[:, None] % 4 < 3 * np.ones(60), k=1)))
    c = collision(60, i, j)
    _, low, _ = band(60, (i, j), 100_000, np.array([2]))
    assert low[0] == pytest.approx(c.low, abs=0.01)


def test_curve_where_no_replicate_or_every_one_hits() -> None:
    # One duplicate among 5000 samples: hardly any replicate hits early, and the batch of all of them always does.
    c = collision(5000, np.array([0]), np.array([1]))
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
@settings(deadline=None)
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
    for line in curve(hits, collision(300, *pair, 0.99), np.arange(1, 301), 0.99):
        assert np.all(np.diff(line) >= 0)


def test_band_never_falls_at_a_high_level() -> None:
    # The last replicates to hit are worth so little information that the plain interval would drop there.
    pairs = cell_pairs(draw(CELLS["zipf"], 2000, np.random.default_rng(1)))
    hits = first_hits(2000, *pairs, 10_000, np.random.default_rng(0))
    for line in curve(hits, collision(2000, *pairs, 0.999), np.arange(1, 60), 0.999):
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
        _, low, high = curve(first_hits(samples, *pairs, 2000, rng), collision(samples, *pairs), at)
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
@settings(deadline=None)
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
    c = collision(5000, *cell_pairs(draw(p, 5000, np.random.default_rng(23))))
    _, low, high = c.effective_support
    assert low is not None and high is not None and low <= effective <= high


@pytest.mark.parametrize(("features", "half"), [(1, 9), (2, 60), (3, 417), (4, 2945)])
def test_independent_features_at_alpha_set_the_half(features: int, half: int) -> None:
    effective = 0.02**-features
    assert birthday_support(half - 1) < effective <= birthday_support(half)
