from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.special import xlogy
from scipy.stats import binom, binomtest, norm, t, ttest_1samp

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import (
    clopper_pearson,
    deviate,
    jackknife_variance,
    mean_interval,
    quantile_ranks,
    ratio_interval,
    symmetric,
    wilson,
)


def ends(estimate: Estimate) -> list[float]:
    """Value, low and high, which all are known."""
    return [end for end in estimate if end is not None]


# means


def test_deviates_of_the_textbooks() -> None:
    assert deviate() == pytest.approx(1.959964, abs=1e-6)
    assert deviate(0.99) == pytest.approx(2.575829, abs=1e-6)
    assert deviate(freedom=1) == pytest.approx(12.7062, abs=1e-4)
    assert deviate(0.9, 20) == pytest.approx(1.724718, abs=1e-6)


@given(st.floats(-5, 5), st.floats(0.01, 9), st.integers(1, 50) | st.none(), st.sampled_from([0.8, 0.95, 0.99]))
def test_symmetric_intervals_are_scipys(value: float, variance: float, freedom: int | None, level: float) -> None:
    of = norm(value, variance**0.5) if freedom is None else t(freedom, value, variance**0.5)
    assert ends(symmetric(value, variance, freedom, level)) == pytest.approx([value, *of.interval(level)], abs=1e-9)


def test_a_symmetric_interval_is_cut_where_no_value_can_be() -> None:
    assert symmetric(0.1, 1.0, ends=(0.0, 1.0)) == (0.1, 0.0, 1.0)
    assert symmetric(0.1, 0.0, 3) == (0.1, 0.1, 0.1)


@given(st.integers(0, 2**32), st.integers(2, 40))
def test_the_mean_interval_is_that_of_the_t_test(seed: int, n: int) -> None:
    values = np.random.default_rng(seed).standard_normal((n, 3))
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(mean_interval(values), [values.mean(axis=0), *expected], rtol=1e-9, atol=1e-12)


def test_the_mean_of_one_value_has_no_interval() -> None:
    np.testing.assert_array_equal(mean_interval(np.array([[3.0, 4.0]])), [[3, 4], [np.nan] * 2, [np.nan] * 2])
    assert np.isnan(mean_interval(np.empty(0))).all()


@given(st.integers(0, 2**32), st.integers(2, 40))
def test_the_jackknife_of_a_mean_is_its_variance(seed: int, n: int) -> None:
    values = np.random.default_rng(seed).standard_normal(n)
    without = (values.sum() - values) / (n - 1)
    assert jackknife_variance(without) == pytest.approx(values.var(ddof=1) / n)
    assert jackknife_variance(without[::-1]) == jackknife_variance(without)


def test_the_jackknife_of_values_that_come_several_times() -> None:
    without, times = np.array([0.1, 0.5, 0.2]), np.array([3, 1, 4])
    assert jackknife_variance(without, times) == pytest.approx(jackknife_variance(np.repeat(without, times)))


# shares


@pytest.mark.parametrize("level", [0.95, 0.9])
@pytest.mark.parametrize(("hits", "count"), [(0, 1), (0, 7), (1, 1), (3, 10), (10, 10), (412, 5000)])
def test_clopper_pearson_is_scipys_exact_interval(hits: int, count: int, level: float) -> None:
    expected = binomtest(hits, count).proportion_ci(level, "exact")
    assert [float(end) for end in clopper_pearson(hits, count, level)] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_clopper_pearson_of_many_shares_and_of_none_and_all() -> None:
    low, high = clopper_pearson(np.array([0, 3, 10]), 10)
    np.testing.assert_allclose(low, [0, 0.0667, 0.025**0.1], atol=1e-4)
    np.testing.assert_allclose(high, [1 - 0.025**0.1, 0.6525, 1], atol=1e-4)
    assert (low[0], high[2]) == (0, 1)


def test_clopper_pearson_of_numbers_that_are_not_whole_lies_between_its_neighbours() -> None:
    (a, b), (c, d), (e, f) = (clopper_pearson(0.3 * n, n) for n in (10, 12.5, 20))
    assert a < c < e < 0.3 < f < d < b


@pytest.mark.parametrize(("passed", "low", "high"), [(82, 0.733, 0.883), (29, 0.210, 0.385)])
def test_pass_rates_of_the_report(passed: int, low: float, high: float) -> None:
    np.testing.assert_allclose(ends(wilson(passed / 100, 100)), [passed / 100, low, high], atol=5e-4)


@given(rows=st.integers(1, 10**6), share=st.floats(0, 1))
def test_pass_rates_as_scipy_has_them(rows: int, share: float) -> None:
    passed = round(rows * share)
    found, expected = ends(wilson(passed / rows, rows)), binomtest(passed, rows).proportion_ci(0.95, "wilson")
    np.testing.assert_allclose(found, [passed / rows, expected.low, expected.high], atol=1e-12)
    assert 0 <= found[1] <= found[0] <= found[2] <= 1


def test_wilsons_interval_of_fewer_rows_by_a_variance() -> None:
    found = wilson(0.3, 1000, variance=0.3 * 0.7 / 100)
    assert ends(found) == pytest.approx(ends(wilson(0.3, 100)), abs=2e-3)
    assert wilson(0.0, 50, variance=0.0) == wilson(0.0, 50)


# ratios of shares


def test_the_ratio_of_koopmans_paper() -> None:
    """36 of 40 and 16 of 80: 2.94 to 7.15 (Biometrics 40 (1984) 513)."""
    low, high = ratio_interval(36, 40, 16, 80)
    assert [float(low), float(high)] == pytest.approx([2.94, 7.15], abs=5e-3)


def rejected(log_ratio: float, x: int, n: int, y: int, m: int) -> float:
    """How far Pearson's chi-square, by the likeliest shares of a ratio, which are searched for, is above its limit."""
    ratio = np.exp(log_ratio)

    def unlikely(p: float) -> float:
        q = min(1.0, ratio * p)
        return -float(xlogy(x, q) + xlogy(n - x, 1 - q) + xlogy(y, p) + xlogy(m - y, 1 - p))

    p = minimize_scalar(unlikely, bounds=(0, min(1, 1 / ratio)), method="bounded", options={"xatol": 1e-13}).x
    q = min(1.0, ratio * p)
    chi_square = (x - n * q) ** 2 / (n * q * (1 - q)) + (y - m * p) ** 2 / (m * p * (1 - p))
    return float(chi_square - norm.ppf(0.975) ** 2)


@pytest.mark.parametrize(("n", "m"), [(5, 8), (12, 3), (40, 7)])
def test_ratios_at_the_ends_are_just_rejected(n: int, m: int) -> None:
    for x, y in product(range(1, n, max(1, n // 6)), range(1, m)):
        for end, to in zip(ratio_interval(x, n, y, m), (-9.0, 9.0), strict=True):
            best = np.log(x / n / (y / m))
            expected = brentq(rejected, best, best + to, args=(x, n, y, m))
            assert np.log(float(end)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("n", [1, 4, 17, 100, 3000])
@pytest.mark.parametrize("m", [1, 6, 100])
def test_intervals_of_ratios_at_all_counts(n: int, m: int) -> None:
    """The other side has the inverse; the ratio, with halves or without, lies inside; a count of 0 has one end."""
    x, y = np.meshgrid(np.unique(np.r_[: min(n, 30) + 1, n // 2, max(0, n - 30) : n + 1]), np.arange(m + 1))
    low, high = ratio_interval(x, n, y, m)
    inverse = ratio_interval(y, m, x, n)
    some = (x > 0) & (y > 0)
    np.testing.assert_allclose(low[some], 1 / inverse[1][some], rtol=1e-12)
    np.testing.assert_allclose(high[some], 1 / inverse[0][some], rtol=1e-12)
    assert ((low == 0) == (x == 0)).all()
    assert (np.isinf(high) == (y == 0)).all()
    halves = (x + 0.5) / (n + 0.5) / ((y + 0.5) / (m + 0.5))
    assert ((low < halves) & (halves < high)).all()
    plain = x[some] / n / (y[some] / m)
    assert ((low[some] < plain) & (plain < high[some])).all()


UNEQUAL = [(100, 5000, 0.01), (100, 5000, 0.05), (100, 5000, 0.5), (100, 5000, 0.95), (5000, 100, 0.95)]


@pytest.mark.parametrize(
    ("m", "n", "share", "ratio", "least"),
    [
        *((*sizes, ratio, 0.94) for sizes in UNEQUAL for ratio in (0.25, 1.0)),
        *((5000, 100, share, 0.25, 0.94) for share in (0.05, 0.2, 0.5)),
        # fewer than one sample is expected on a side: few counts are possible, and what one of them adds is much
        (100, 5000, 0.005, 0.25, 0.95),
        (100, 5000, 0.005, 1.0, 0.935),
        (5000, 100, 0.02, 0.25, 0.92),
        (5000, 100, 0.005, 0.25, 0.88),
    ],
)
def test_intervals_of_ratios_hold_the_truth_at_unequal_sizes(
    m: int, n: int, share: float, ratio: float, least: float
) -> None:
    """By the probability of every pair of counts: log intervals hold it with as little as 88 % at these."""
    x, y = np.arange(n + 1), np.arange(m + 1)
    law = binom.pmf(x, n, share * ratio)[:, None] * binom.pmf(y, m, share)
    some = np.nonzero(law > 1e-10)
    low, high = ratio_interval(x[some[0]], n, y[some[1]], m)
    assert law[some].sum() > 0.9999
    assert least <= law[some][(low <= ratio) & (ratio <= high)].sum() <= 0.975


# quantiles


def test_ranks_of_the_textbooks_and_beyond_all_values() -> None:
    assert quantile_ranks(100, 0.5) == (40, 61)  # of the median of a hundred values
    assert quantile_ranks(2, 0.5) == (0, 3)


@given(st.integers(1, 500), st.floats(0.01, 0.99))
def test_ranks_hold_the_quantile_with_the_level(count: int, share: float) -> None:
    """So many values lie below the quantile as a binomial number has: from `low` to `high` - 1 of them."""
    low, high = quantile_ranks(count, share)
    assert binom.cdf(low - 1, count, share) <= 0.025 + 1e-12
    assert binom.sf(high - 1, count, share) <= 0.025 + 1e-12
