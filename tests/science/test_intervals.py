from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import clopper_pearson, wilson


def ends(estimate: Estimate) -> list[float]:
    """Value, low and high, which all are known."""
    return [end for end in estimate if end is not None]


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
