"""Tables: copying, likeness, legality and use, against closed forms, brute force, SDMetrics and planted failures."""

from __future__ import annotations

import math
import tracemalloc
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import contingency, f_oneway, ks_2samp, mannwhitneyu, rankdata, spearmanr
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score
from threadpoolctl import threadpool_limits

from gancensus.contracts.columns import Column, encode
from gancensus.contracts.errors import UserError
from gancensus.distances.gower import gower_of
from gancensus.domains.tables import privacy, utility
from gancensus.domains.tables.privacy import (
    authenticity,
    closest,
    copies,
    copying_test,
    dcr_share,
    distinct,
)
from gancensus.domains.tables.synthetic import CodedRows, Measured, compare, synthetic
from gancensus.domains.tables.utility import associations, classifier_test, marginal_reach, marginals, model_score
from gancensus.statistics import roc
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import quantile

Floats = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)

COLUMNS = (
    Column("a", "continuous", low=-3, high=3, decimals=1),
    Column("b", "integer", low=-13, high=13, decimals=0),
    Column("c", "nominal", categories=("c0", "c1", "c2", "c3", "c4")),
    Column("d", "binary", categories=("d0", "d1")),
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def drawn(seed: int, n: int, shift: float = 0.0) -> Floats:
    """Rows of COLUMNS, of which all but c hang together."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(n)
    a, b = np.round(z + shift, 1), np.rint(3 * z + 2 * rng.standard_normal(n))
    c = rng.choice(5, n, p=[0.5, 0.3, 0.15, 0.03, 0.02]).astype(float)
    return np.column_stack([a, b, c, z + rng.standard_normal(n) > shift])


def peer_rows() -> tuple[Floats, Floats, Floats]:
    """The rows that SDMetrics 0.32.0 was asked about: train and holdout with the same ends, 12 copies."""
    train, holdout, generated = drawn(1, 100), drawn(2, 100), drawn(3, 120, 0.4)
    for rows in (train, holdout):
        rows[-2:, :2] = [[-3, -13], [3, 13]]
    generated[:12] = train[:12]
    return train, holdout, generated


def euclid(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(0, (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T)))


def table(rows: Floats) -> CodedRows:
    return CodedRows(rows, encode(COLUMNS, rows))


def covers(estimate: Estimate, value: float) -> bool:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low <= value <= estimate.high


def above(measured: Measured) -> bool:
    assert measured.estimate.low is not None and measured.null.high is not None
    return measured.estimate.low > measured.null.high


def below(measured: Measured) -> bool:
    assert measured.estimate.high is not None and measured.null.low is not None
    return measured.estimate.high < measured.null.low


# what SDMetrics 0.32.0 says of the same rows


def test_the_distance_to_the_closest_record_agrees_with_sdmetrics() -> None:
    train, _, generated = peer_rows()
    found = closest(gower_of(COLUMNS), generated, train).first  # calculate_dcr
    assert found.sum() == pytest.approx(2.7278846153846152, rel=1e-10)
    assert quantile(found, 0.5).value == pytest.approx(0.013782051282051282, rel=1e-10)
    assert quantile(found, 0.05).value == 0


def test_the_share_nearer_to_train_agrees_with_sdmetrics_but_for_ties() -> None:
    train, holdout, generated = peer_rows()
    found = dcr_share(gower_of(COLUMNS), generated, train, holdout, rng=np.random.default_rng(0))
    ties = 0.06666666666666667  # DCROverfittingProtection counts these for holdout
    assert found.value == pytest.approx(0.5 + ties / 2, rel=1e-10)


def test_exact_copies_agree_with_sdmetrics() -> None:
    train, _, generated = peer_rows()
    assert 1 - copies(generated, train).mean() == pytest.approx(0.825)  # NewRowSynthesis, numerical_match_tolerance=0


def test_marginals_agree_with_sdmetrics() -> None:
    _, holdout, generated = peer_rows()
    expected = [0.19833333333333336, 0.07166666666666666, 0.16000000000000003, 0.011666666666666714]
    assert marginals(COLUMNS, generated, holdout) == pytest.approx(expected)  # 1 - KSComplement, 1 - TVComplement


def test_the_rank_correlation_agrees_with_sdmetrics() -> None:
    _, holdout, generated = peer_rows()
    found = [associations(COLUMNS, rows)[0, 1] for rows in (holdout, generated)]
    assert found == pytest.approx([0.8503723406003403, 0.8119249850668783])  # CorrelationSimilarity, Spearman


def test_categories_and_ranges_agree_with_sdmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utility, "RARE", 1.0)  # all categories, as CategoryCoverage
    _, holdout, generated = peer_rows()
    assert utility.rare_categories(COLUMNS[2:3], holdout[:, 2:3], generated[:6, 2:3]) == (3, 5)  # 0.6
    # BoundaryAdherence of drawn(3, 120, 0.4) in drawn(1, 150), column a: 1 - 0.008333333333333304
    assert utility.out_of_range(COLUMNS[:1], drawn(1, 150)[:, :1], generated[:, :1]).mean() == pytest.approx(1 / 120)


# distances


def test_gowers_distance_by_hand() -> None:
    a = np.array([[0.0, 0.0, 1.0, 0.0]])
    b = np.array([[1.5, 13.0, 2.0, 0.0], [0.0, 0.0, 1.0, 0.0], [9.0, 0.0, 1.0, 1.0]])
    assert gower_of(COLUMNS)(a, b)[0] == pytest.approx([(0.25 + 0.5 + 1) / 4, 0, (1 + 1) / 4], rel=1e-11)


def test_gowers_distance_of_ordered_categories_and_of_constant_columns() -> None:
    columns = (Column("o", "ordinal", categories=("x", "y", "z")), Column("k", "continuous", low=2, high=2))
    found = gower_of(columns)(np.array([[0.0, 2.0]]), np.array([[1.0, 2.0], [2.0, 2.0], [0.0, 2.5]]))
    assert found[0].tolist() == [0.25, 0.5, 0.0]


@given(SEEDS, st.integers(1, 30), st.integers(2, 30))
def test_the_nearest_rows_are_those_of_brute_force(seed: int, n: int, m: int) -> None:
    x, y = drawn(seed, n), drawn(seed + 1, m)
    each = [
        sorted(
            sum(abs(a - b) / r for a, b, r in zip(u[:2], v[:2], (6, 26), strict=True)) + sum(u[2:] != v[2:]) for v in y
        )
        for u in x
    ]
    found = closest(gower_of(COLUMNS), x, y)
    assert 4 * found.first == pytest.approx([one[0] for one in each], abs=1e-10)
    assert 4 * found.second == pytest.approx([one[1] for one in each], abs=1e-10)
    ratio = found.ratio()
    assert ((ratio >= 0) & (ratio <= 1)).all()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, z = drawn(1, 90), drawn(2, 70), drawn(3, 50)

    def all_of_them() -> list[Any]:
        share = dcr_share(gower_of(COLUMNS), x, y, z, rng=np.random.default_rng(0))
        return [share, *closest(gower_of(COLUMNS), x, y), authenticity(gower_of(COLUMNS), x, y)]

    whole = all_of_them()
    monkeypatch.setattr(privacy, "_BLOCK", 200)
    for a, b in zip(whole, all_of_them(), strict=True):
        assert np.array_equal(a, b)


def test_the_distance_ratio_of_copies() -> None:
    train = np.array([[0.0], [1.0], [1.0], [3.0]])
    assert closest(euclid, np.array([[0.0], [1.0], [2.5]]), train).ratio() == pytest.approx([0, 1, 1 / 3])
    assert closest(euclid, np.array([[0.5]]), train[:1]).ratio() == pytest.approx([0])


@given(SEEDS)
def test_the_order_of_rows_and_of_columns_has_no_part(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = drawn(seed, 40), drawn(seed + 1, 30)
    x[:8] = y[:8]
    rows, others, order = rng.permutation(40), rng.permutation(30), rng.permutation(4)
    columns = [COLUMNS[k] for k in order]
    x2, y2 = x[rows][:, order], y[others][:, order]
    one, other = closest(gower_of(COLUMNS), x, y), closest(gower_of(columns), x2, y2)
    assert np.array_equal(one.first[rows], other.first) and np.array_equal(one.second[rows], other.second)
    assert np.array_equal(authenticity(gower_of(COLUMNS), x, y)[rows], authenticity(gower_of(columns), x2, y2))
    assert np.array_equal(copies(x, y)[rows], copies(x2, y2))
    assert distinct(x) == distinct(x2)
    assert marginals(COLUMNS, x, y)[order] == pytest.approx(marginals(columns, x2, y2))
    assert associations(COLUMNS, x)[np.ix_(order, order)] == pytest.approx(associations(columns, x2), abs=1e-12)


# intervals of shares and quantiles


def test_the_interval_of_the_median_of_a_hundred_rows() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1, 101) / 200)
    assert quantile(values, 0.5) == pytest.approx((50.5 / 200, 40 / 200, 61 / 200))  # textbook ranks 40, 61


def test_quantiles_of_few_rows_have_open_ends() -> None:
    found = quantile(np.linspace(0.2, 0.4, 20), 0.05, ends=(0, 1))
    assert found.low == 0 and found.high is not None and 0.2 < found.high < 0.3
    assert quantile(np.array([0.5, 0.6]), 0.5, ends=(0, 1))[1:] == (0, 1)


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_the_intervals_of_quantiles_cover(share: float) -> None:
    rng = np.random.default_rng(1)
    covered = [covers(quantile(rng.random(200) ** 3, share), share**3) for _ in range(2000)]
    assert 0.94 < np.mean(covered) < 0.985


# copies


def test_copies_by_brute_force() -> None:
    train, _, generated = peer_rows()
    expected = [any((row == known).all() for known in train) for row in generated]
    assert copies(generated, train).tolist() == expected
    assert sum(expected) == 21
    assert copies(np.array([[-0.0, 1.0]]), np.array([[0.0, 1.0]])).tolist() == [True]


def test_distinct_rows() -> None:
    assert distinct(np.arange(50.0)[:, None]).value == 1
    collapsed = distinct(np.repeat([[1.0], [2.0]], 50, axis=0))
    assert collapsed.value == pytest.approx(0.02) and collapsed.high is not None and collapsed.high < 0.08


@pytest.mark.parametrize("kinds", [160, 1200, 50_000])
def test_the_interval_of_distinct_rows_covers(kinds: int) -> None:
    n = 400
    expected = kinds * (1 - (1 - 1 / kinds) ** n) / n
    rng = np.random.default_rng(2)
    found = np.array([distinct(rng.integers(kinds, size=(n, 1)).astype(float)) for _ in range(400)], dtype=float)
    assert np.mean((found[:, 1] <= expected) & (expected <= found[:, 2])) > 0.92
    if kinds == 1200:  # neither too few repeats for a variance, nor too few rows that come once
        assert np.mean(found[:, 2] - found[:, 1]) == pytest.approx(3.92 * found[:, 0].std(), rel=0.1)


# authenticity


@pytest.mark.parametrize(("d", "expected"), [(1, 0.339), (2, 0.383), (8, 0.595), (32, 0.754)])
def test_authenticity_of_rows_of_one_distribution(d: int, expected: float) -> None:
    rng = np.random.default_rng(d)
    found = [authenticity(euclid, *rng.standard_normal((2, 500, d))).mean() for _ in range(12)]
    assert np.mean(found) == pytest.approx(expected, abs=0.02)  # and not 1/2, as the uncorrected formula has it


def test_authenticity_of_a_half_copied_set() -> None:
    rng = np.random.default_rng(0)
    values = []
    for _ in range(8):
        train, generated = rng.standard_normal((2, 500, 2))
        generated[:250] = train[:250]
        values.append(authenticity(euclid, generated, train).mean())
    assert np.mean(values) == pytest.approx(0.198, abs=0.02)


def test_authenticity_by_hand() -> None:
    train = np.array([[0.0], [1.0], [5.0]])
    generated = np.array([[0.4], [6.5], [-2.0], [0.0], [3.0]])
    # the last is equally far from 1 (whose neighbour is 1 away) and 5 (4 away): authentic by one of them
    assert authenticity(euclid, generated, train).tolist() == [0, 0, 1, 0, 0.5]


@given(SEEDS, st.integers(2, 60), st.integers(2, 60))
def test_authenticity_of_many_ties_is_that_of_brute_force(seed: int, m: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    generated, train = (rng.integers(3, size=(size, 3)).astype(float) for size in (m, n))
    distance = gower_of((COLUMNS[2],) * 3)
    own = distance(train, train)
    np.fill_diagonal(own, np.inf)
    expected = [
        np.mean([near.min() > own[i].min() for i in np.flatnonzero(near == near.min())])
        for near in distance(generated, train)
    ]
    assert authenticity(distance, generated, train) == pytest.approx(expected, rel=1e-15)


def test_ties_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "_BLOCK", 1 << 16)
    generated, train = np.random.default_rng(0).integers(2, size=(2, 2000, 3)).astype(float)
    tracemalloc.start()
    authenticity(gower_of((COLUMNS[3],) * 3), generated, train)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6  # half a million pairs tie


# the data-copying test


@pytest.mark.parametrize("grain", [0.0, 0.5])
def test_mann_whitneys_z_agrees_with_scipy(grain: float) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal(60) + 0.3, rng.standard_normal(90)
    if grain:
        x, y = np.rint(x / grain), np.rint(y / grain)
    p = mannwhitneyu(x, y, alternative="greater", use_continuity=False, method="asymptotic").pvalue
    z, variance = roc.mann_whitney(x, y)
    assert 0.5 * math.erfc(z / math.sqrt(2)) == pytest.approx(p, rel=1e-9)
    assert roc.mann_whitney(y, x)[0] == pytest.approx(-z)
    assert 0.5 < variance < 1.5
    assert roc.mann_whitney(np.ones(5), np.ones(7)) == (0, 0)


def copied(share: float, seed: int, sizes: tuple[int, int, int] = (400, 400, 400)) -> tuple[Floats, Floats, Floats]:
    """Generated rows, of which a share are copies, with train and holdout: Gaussian in the plane."""
    rng = np.random.default_rng(seed)
    generated, train, holdout = (rng.standard_normal((n, 2)) for n in sizes)
    count = round(share * len(generated))
    generated[:count] = train[rng.integers(len(train), size=count)]
    return generated, train, holdout


def halves(*tables: Floats) -> Any:
    return tuple((rows[:, 0] > 0).astype(np.int64) for rows in tables)


def z_of(share: float, seed: int) -> Estimate:
    tables = copied(share, seed)
    return copying_test(euclid, *tables, halves(*tables))


def test_the_copying_test_is_zero_for_held_out_rows() -> None:
    found = [z_of(0, seed) for seed in range(60)]
    values = np.array([one.value for one in found], dtype=float)
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(60)
    assert values.std() == pytest.approx(math.sqrt(0.5), abs=0.17)  # two cells of equal weight
    assert np.mean([covers(one, 0) for one in found]) > 0.87


def test_cells_count_by_their_held_out_rows() -> None:
    generated, train, holdout = copied(0.3, 2)
    cells = tuple((rows[:, 0] > 0.8).astype(np.int64) for rows in (generated, train, holdout))
    expected = 0.0
    for cell in (0, 1):
        mine, known, other = (x[c == cell] for x, c in zip((generated, train, holdout), cells, strict=True))
        z, _ = roc.mann_whitney(closest(euclid, mine, known).first, closest(euclid, other, known).first)
        expected += len(other) / len(holdout) * z
    found = copying_test(euclid, generated, train, holdout, (cells[0], cells[1], cells[2]))
    assert found.value == pytest.approx(expected)


def test_the_copying_test_finds_planted_copies() -> None:
    means = [np.mean([z_of(share, seed).value for seed in range(8)]) for share in (0, 0.01, 0.05, 0.2, 1)]
    assert means == sorted(means, reverse=True)
    assert all(z_of(0.2, seed)[2] < 0 for seed in range(8))  # type: ignore[operator]
    n = 400 / 2  # all copies: U = 0 in both cells, with ties of all generated rows at distance 0
    ties = n**3 - n
    expected = -(n * n / 2) / math.sqrt(n * n / 12 * (2 * n + 1 - ties / (2 * n * (2 * n - 1))))
    assert means[-1] == pytest.approx(expected, rel=0.03)


def test_sides_that_are_told_apart_have_an_interval() -> None:
    tables = copied(1, 0, (100, 80, 80))
    found = copying_test(euclid, *tables, halves(*tables))
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.low < found.value < found.high < 0
    area, variance = roc.delong(np.arange(5.0, 25.0), np.arange(5.0))
    assert area == 1 and variance == pytest.approx(1 / 40**2 + 1 / 10**2)


@pytest.mark.parametrize("expected", [0.95, 0.99, 0.999])
@pytest.mark.parametrize(("n", "m"), [(20, 20), (50, 50)])
def test_the_interval_of_areas_near_one_covers(expected: float, n: int, m: int) -> None:
    rng, covered = np.random.default_rng(8), []
    for _ in range(400):
        x, y = rng.standard_normal(n) + math.sqrt(2) * ndtri(expected), rng.standard_normal(m)
        value, variance = roc.delong(x, y)
        covered.append(abs(value - expected) <= 1.96 * math.sqrt(variance))
    assert np.mean(covered) > 0.91  # DeLong's variance alone: .5 and less at .999


def test_the_area_of_one_row_has_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert roc.area(np.array([1.0]), np.array([0.0, 1.0])) == 0.75


def test_the_copying_test_finds_rows_that_are_too_far() -> None:
    generated, train, holdout = copied(0, 1)
    found = copying_test(euclid, 1.5 * generated, train, holdout, halves(generated, train, holdout))
    assert found.low is not None and found.low > 0


def test_the_copying_test_leaves_out_small_cells() -> None:
    tables = copied(0, 1, (30, 30, 15))
    assert copying_test(euclid, *tables, halves(*tables)) == Estimate(None, None, None)


# nearer to train than to holdout


def test_the_share_of_ties_is_a_half() -> None:
    rows = np.zeros((30, 1))
    assert dcr_share(euclid, rows, rows, rows, rng=np.random.default_rng(0)).value == 0.5


def test_the_share_of_copies_is_one_or_nothing() -> None:
    generated, train, holdout = copied(1, 0, (100, 80, 80))
    assert dcr_share(euclid, generated, train, holdout, rng=np.random.default_rng(0)).value == 1
    assert dcr_share(euclid, generated, holdout, train, rng=np.random.default_rng(0)).value == 0


def test_the_share_of_a_larger_train_is_that_against_its_parts() -> None:
    generated, train, holdout = copied(1, 0, (400, 300, 100))
    found = dcr_share(euclid, generated, train, holdout, rng=np.random.default_rng(0)).value
    assert found is not None and found == pytest.approx(
        1 / 3 + 2 / 3 / 2, abs=0.06
    )  # a copy lies in one of three parts


def test_the_share_covers_a_half_without_copies_and_finds_them() -> None:
    rng = np.random.default_rng(4)
    null = [dcr_share(euclid, *copied(0, seed, (600, 150, 100)), rng=rng) for seed in range(80)]
    assert np.mean([covers(one, 0.5) for one in null]) > 0.88  # rows of generated alone would cover much less
    planted = [dcr_share(euclid, *copied(0.5, seed, (600, 150, 150)), rng=rng) for seed in range(10)]
    assert all(one.low is not None and one.low > 0.5 for one in planted)


# columns one by one, two by two


def test_the_kolmogorov_smirnov_statistic_agrees_with_scipy() -> None:
    x, y = drawn(1, 100), drawn(2, 70, 0.5)
    expected = [ks_2samp(x[:, k], y[:, k]).statistic for k in range(2)]
    assert marginals(COLUMNS, x, y)[:2] == pytest.approx(expected)


def test_marginals_of_known_distributions() -> None:
    x = np.tile([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]], (2, 1))
    y = np.tile([[0.0, 5.0, 0.0, 0.0]], (3, 1))
    assert marginals(COLUMNS, x, y) == pytest.approx([0.5, 1, 0.5, 0.5])
    assert marginals(COLUMNS, x, x) == pytest.approx(np.zeros(4), abs=1e-15)


def test_the_reach_of_marginals_covers_equal_distributions_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for seed in range(150):
        x, y = drawn(2 * seed, 151), drawn(2 * seed + 1, 80)
        covered.append(marginals(COLUMNS, x, y) <= marginal_reach(COLUMNS, x, y, rng=rng))
    assert (np.mean(covered, axis=0) > 0.89).all()
    assert np.mean(covered) < 0.985


def test_the_reach_of_a_number_without_ties_is_smirnovs() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((400, 1)), rng.standard_normal((300, 1))
    found = [marginal_reach(COLUMNS[:1], x, y, rng=rng)[0] for _ in range(10)]
    assert np.mean(found) == pytest.approx(1.358 * math.sqrt(1 / 400 + 1 / 300), rel=0.07)


def test_rank_correlations_agree_with_scipy() -> None:
    x = drawn(1, 200)
    assert associations(COLUMNS, x)[0, 1] == pytest.approx(spearmanr(x[:, 0], x[:, 1]).statistic)


def test_cramers_v_by_bergsmas_formula() -> None:
    columns = (COLUMNS[2], Column("e", "nominal", categories=("x", "y", "z", "never")))
    rng = np.random.default_rng(0)
    c = drawn(1, 300)[:, 2]
    x = np.column_stack([c, np.where(rng.random(300) < 0.5, np.minimum(c, 2), rng.integers(3, size=300))])
    counts = contingency.crosstab(*x.T).count
    square = contingency.association(counts, method="cramer") ** 2 * 2  # phi^2 = V^2 (min(r, c) - 1)
    over = [(k - 1) ** 2 / 299 for k in (5, 3)]
    expected = math.sqrt(max(0, square - 4 * 2 / 299) / min(4 - over[0], 2 - over[1]))
    assert associations(columns, x)[0, 1] == pytest.approx(expected)
    assert expected > 0.3


def test_the_correlation_ratio_by_the_analysis_of_variance() -> None:
    x = drawn(1, 300)
    ranks = rankdata(x[:, 0])
    groups = [ranks[x[:, 3] == k] for k in (0, 1)]
    f = f_oneway(*groups).statistic
    assert associations(COLUMNS, x)[0, 3] == pytest.approx(math.sqrt((f - 1) / (f + 298)))  # epsilon^2


def test_independent_columns_have_hardly_any_association() -> None:
    found = np.array([associations(COLUMNS, drawn(seed, 400))[2] for seed in range(40)])
    assert np.mean(found[:, [0, 1, 3]]) < 0.035  # without the corrections 0.09 and 0.1


def test_associations_of_constant_columns_are_nothing() -> None:
    x = drawn(1, 100)
    x[:, 1] = x[:, 2] = 1
    found = associations(COLUMNS, x)
    assert found[1].tolist() == [0, 1, 0, 0] and found[2].tolist() == [0, 0, 1, 0]


@given(SEEDS, st.integers(20, 60))
def test_values_have_their_bounds(seed: int, n: int) -> None:
    x, y = drawn(seed, n), drawn(seed + 1, 30, 2.0)
    found = marginals(COLUMNS, x, y)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()
    matrix = associations(COLUMNS, x)
    assert (np.abs(matrix) <= 1).all() and np.allclose(matrix, matrix.T) and (matrix[2:] >= 0).all()
    share = dcr_share(gower_of(COLUMNS), x, y, y[:20], splits=3, rng=np.random.default_rng(seed))
    assert share.low is not None and share.value is not None and share.high is not None
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_the_intervals_of_differences_cover() -> None:
    covered = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = compare(COLUMNS, *(table(drawn(3 * seed + k, 150)) for k in range(3)), rng=rng)
        covered.append([covers(one.estimate, 0) for one in found.differences])
    assert 0.9 < np.mean(covered) <= 1


# models


def test_the_classifier_cannot_tell_rows_of_one_distribution() -> None:
    found = [
        classifier_test(COLUMNS, drawn(s, 100), drawn(s + 50, 100), rng=np.random.default_rng(s)) for s in range(12)
    ]
    assert np.mean([one.value for one in found]) == pytest.approx(0.5, abs=0.03)
    assert sum(covers(one, 0.5) for one in found) >= 10


def test_the_classifier_tells_lost_associations() -> None:
    shuffled = drawn(1, 300)
    shuffled[:, 0] = shuffled[::-1, 0]
    found = classifier_test(COLUMNS, shuffled, drawn(2, 300), rng=np.random.default_rng(0))
    assert found.low is not None and found.low > 0.6


@pytest.mark.parametrize("n", [20, 24, 60])
def test_the_classifier_tells_few_rows_apart(n: int) -> None:
    found = classifier_test(COLUMNS, drawn(1, n, 50.0), drawn(2, n), rng=np.random.default_rng(0))
    assert found.value is not None and found.low is not None
    assert found.value > 0.97 and 0.7 < found.low < 1 - 2 / n  # of n of n, a share's is 1 - 3 / n


@pytest.mark.parametrize("n", [20, 30])
def test_models_learn_from_few_rows(n: int) -> None:
    found = model_score(COLUMNS, 3, apart(1, n), apart(2, 60), rng=np.random.default_rng(0))
    assert found.value is not None and found.value > 0.9


@pytest.mark.parametrize("target", [2, 3])
def test_scores_of_models_that_are_always_right_have_an_interval(target: int) -> None:
    found = model_score(COLUMNS, target, apart(1, 200), apart(2, 60), rng=np.random.default_rng(0))
    assert found.value == found.high == 1 and found.low is not None and 0.85 < found.low < 0.98


def apart(seed: int, n: int) -> Floats:
    """Rows whose first column tells c and d."""
    rows = drawn(seed, n)
    rows[:, 3] = rows[:, 2] = np.arange(n) % 2
    rows[:, 0] += 20 * rows[:, 3]
    return rows


def test_scores_of_few_test_rows_give_no_warning() -> None:
    test = drawn(2, 20)
    test[:, 3] = np.arange(20) == 0  # some of the bootstrap have one row or none of that class
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model_score(COLUMNS, 3, drawn(1, 100), test, rng=np.random.default_rng(0))


@pytest.mark.parametrize(("target", "least"), [(0, 0.5), (2, 0.15), (3, 0.7)])
def test_scores_of_models_are_those_of_scikit_learn(target: int, least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    build = utility._trees

    def spied(*args: Any) -> Any:
        said.append(build(*args))
        return said[-1]

    monkeypatch.setattr(utility, "_trees", spied)
    train, test = drawn(1, 400), drawn(2, 300)
    found = model_score(COLUMNS, target, train, test, rng=np.random.default_rng(0))
    model, x, y = said[0], np.delete(test, target, axis=1), test[:, target]
    expected = {
        0: lambda: r2_score(y, model.predict(x)),
        2: lambda: balanced_accuracy_score(y, model.predict(x)),
        3: lambda: roc_auc_score(y, model.predict_proba(x)[:, 1]),
    }[target]()
    assert found.value == pytest.approx(expected)
    assert found.value is not None and found.value > least and covers(found, expected)


def test_models_of_a_collapsed_target() -> None:
    one_class, test = drawn(1, 100), drawn(2, 100)
    one_class[:, 3] = 1
    rng = np.random.default_rng(0)
    assert model_score(COLUMNS, 3, one_class, test, rng=rng).value == 0.5
    assert model_score(COLUMNS, 3, test, one_class, rng=rng) == Estimate(None, None, None)


# legality


def test_rare_categories_that_are_missing() -> None:
    real = np.repeat([0.0, 1.0, 2.0, 3.0], [90, 5, 4, 1])[:, None]  # the fifth category is in no held-out row
    columns = COLUMNS[2:3]
    assert utility.rare_categories(columns, real, np.array([[0.0], [2.0]])) == (1, 3)
    assert utility.rare_categories(columns, real, real) == (3, 3)
    assert utility.rare_categories(COLUMNS[:2], drawn(1, 50), drawn(2, 50)) == (0, 0)


def test_rows_out_of_range() -> None:
    train, rows = drawn(1, 200), drawn(1, 200)
    assert not utility.out_of_range(COLUMNS, train, rows).any()
    rows[3, 0], rows[5, 1] = train[:, 0].max() + 0.1, train[:, 1].min() - 1
    assert np.flatnonzero(utility.out_of_range(COLUMNS, train, rows)).tolist() == [3, 5]


def test_vectors_without_a_clear_category() -> None:
    x = encode(COLUMNS, drawn(1, 50))
    assert not utility.undecided(COLUMNS, x).any()
    x[4, 2:7], x[6, 2:7], x[8, 2:7] = -0.2, [0.1, 0.9, -1, -1, -1], [0.1, -0.1, -1, -1, -1]
    assert np.flatnonzero(utility.undecided(COLUMNS, x)).tolist() == [4, 6]


def test_vectors_that_are_not_rounded() -> None:
    x = encode(COLUMNS, drawn(1, 50))
    assert not utility.unrounded(COLUMNS, x).any()
    x[1, 0] += 0.05 / 3
    x[2, 1] += 0.4 / 13
    x[3, 7] = 0.3
    assert np.flatnonzero(utility.unrounded(COLUMNS, x)).tolist() == [1, 2, 3]
    free = (replace(COLUMNS[0], decimals=None), *COLUMNS[1:])
    assert np.flatnonzero(utility.unrounded(free, x)).tolist() == [2, 3]
    whole = (Column("w", "integer", low=0, high=10),)  # without decimals, which a whole number has none of
    assert utility.unrounded(whole, encode(whole, np.array([[3.0], [3.5]]))).tolist() == [False, True]
    far = (Column("f", "integer", low=1e6, high=9e6, decimals=0),)
    assert not utility.unrounded(far, encode(far, np.arange(1e6, 9e6, 7919)[:, None])).any()


# everything together


TRAIN, HOLDOUT = drawn(11, 300), drawn(12, 200)
METRICS = {
    *("dcr", "dcr_5", "nndr", "nndr_5", "dcr_share", "copies", "distinct", "authenticity", "data_copying"),
    *("marginals", "associations", "rare_categories", "out_of_range", "undecided", "unrounded", "c2st", "tstr", "trts"),
}


def judged(rows: Floats, target: str | None = "d") -> dict[str, Measured]:
    return synthetic(COLUMNS, table(rows), table(TRAIN), table(HOLDOUT), target, rng=np.random.default_rng(5))


def test_a_good_model_has_every_metric_near_its_null_value() -> None:
    found = judged(drawn(13, 400))
    assert set(found) == METRICS
    assert not [name for name, measured in found.items() if above(measured) or below(measured)]
    for name, estimate in [(name, one) for name, both in found.items() for one in both]:
        value, low, high = estimate
        assert value is not None and low is not None and high is not None, name
        assert low <= value <= high, name
        assert name == "data_copying" or 0 <= low <= high <= 1, name


def test_copies_are_found() -> None:
    rows = drawn(13, 400)
    rows[:200] = TRAIN[np.arange(200)]
    found = judged(rows)
    for name in ("copies", "dcr_share"):
        assert above(found[name]), name
    for name in ("dcr", "authenticity", "data_copying"):
        assert below(found[name]), name


def test_near_copies_are_found() -> None:
    rng = np.random.default_rng(6)
    columns = tuple(Column(name, "continuous", low=-4, high=4) for name in "uvw")
    rows, train, holdout = rng.standard_normal((3, 900, 3))
    rows[:180] = train[:180] + rng.normal(0, 1e-3, (180, 3))
    one, two, three = (CodedRows(x, encode(columns, x)) for x in (rows, train, holdout))
    found = synthetic(columns, one, two, three, rng=rng)
    assert found["copies"].estimate.value == 0
    for name in ("nndr", "nndr_5", "dcr_5"):
        assert below(found[name]), name


def test_a_collapsed_model_is_found() -> None:
    found = judged(drawn(13, 20)[np.random.default_rng(0).integers(20, size=400)])
    assert below(found["distinct"])
    assert above(found["c2st"]) and above(found["marginals"])


def test_a_shifted_column_is_found() -> None:
    rows = drawn(13, 400)
    rows[:, 0] += 1
    found = compare(COLUMNS, table(rows), table(TRAIN), table(HOLDOUT), rng=np.random.default_rng(0))
    assert [above(one) for one in found.marginals] == [True, False, False, False]
    assert above(found.mean_marginal)
    assert not above(found.mean_difference)
    assert above(judged(rows)["out_of_range"])


def test_shuffled_columns_are_found() -> None:
    rows, rng = drawn(13, 400), np.random.default_rng(1)
    rows = np.column_stack([rng.permutation(column) for column in rows.T])
    found = compare(COLUMNS, table(rows), table(TRAIN), table(HOLDOUT), rng=rng)
    gone = [measured.estimate.high is not None and measured.estimate.high < 0 for measured in found.differences]
    assert gone == [True, False, True, False, True, False]  # ab, ac, ad, bc, bd, cd
    assert above(found.mean_difference) and not above(found.mean_marginal)
    everything = judged(rows)
    assert above(everything["c2st"]) and below(everything["tstr"]) and below(everything["trts"])


def test_a_missing_rare_category_is_found() -> None:
    rows = drawn(13, 400)
    rows[rows[:, 2] >= 3, 2] = 0
    found = judged(rows)["rare_categories"]
    assert found.estimate.value == 0 and found.null.value == 1


def test_raw_rows_of_a_network_are_not_legal() -> None:
    rows = drawn(13, 400)
    x = encode(COLUMNS, rows) * np.float32(0.9)
    x[:100, 2:7] = -0.5
    raw = CodedRows(rows, x)
    found = synthetic(COLUMNS, raw, table(TRAIN), table(HOLDOUT), rng=np.random.default_rng(0))
    assert found["undecided"].estimate.value == 0.25 and found["undecided"].null.value == 0
    assert found["unrounded"].estimate.value == 1 and found["unrounded"].null.value == 0


def test_what_makes_no_sense_is_left_out() -> None:
    columns = (Column("u", "continuous", low=-4, high=4),)
    one, two, three = (CodedRows(x, encode(columns, x)) for x in np.random.default_rng(0).standard_normal((3, 80, 1)))
    found = synthetic(columns, one, two, three, rng=np.random.default_rng(0))
    missing = {"associations", "rare_categories", "undecided", "unrounded", "tstr", "trts"}
    assert set(found) == METRICS - missing


def test_the_copying_test_of_few_rows_has_no_value() -> None:
    one, two, three = (table(drawn(k, 21)) for k in range(3))
    found = synthetic(COLUMNS, one, two, three, rng=np.random.default_rng(0))
    assert found["data_copying"].estimate == Estimate(None, None, None)


def test_the_same_random_numbers_give_the_same_table() -> None:
    assert judged(drawn(13, 100)) == judged(drawn(13, 100))


def test_errors_name_the_target_and_what_is_too_few() -> None:
    with pytest.raises(UserError, match=r"target 'e' is no column of the table; there are: a, b, c, d"):
        judged(drawn(1, 50), "e")
    with pytest.raises(UserError, match=r"19 generated rows are too few; give 20 or more"):
        judged(drawn(1, 19))
    broken = drawn(1, 50)
    broken[7, 0] = np.nan
    with pytest.raises(UserError, match=r"1 of 50 generated rows hold NaN"):
        judged(broken)
