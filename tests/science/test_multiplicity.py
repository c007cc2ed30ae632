"""P-values of many comparisons: their level, and Holm's and resampled rates against loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from gancensus.contracts.randomness import derive_rng
from gancensus.statistics.multiplicity import holm, lone_limit, max_t, resampled_fdr


def test_the_family_has_the_level_and_one_statistic_its_own() -> None:
    rng, alarms = np.random.default_rng(0), np.zeros(2)
    sides = np.array([0, 1, -1, 1])
    for _ in range(400):
        values = rng.normal(size=(100, 4)) * [1, 5, 0.1, 2]
        values[:, 3] = values[:, 1] ** 3  # dependent
        found = max_t(values, sides)
        alarms += [(found.adjusted <= 0.05).any(), found.p[0] <= 0.05]
        assert (found.adjusted >= found.p).all()
    assert np.abs(alarms / 400 - 0.05).max() < 0.033  # three deviations


def test_what_cannot_be_said_is_no_alarm() -> None:
    values = np.random.default_rng(1).normal(size=(100, 3))
    values[0] = [np.nan, 1, 50]
    values[:, 1] = 1
    found = max_t(values, np.array([1, 1, 1]))
    assert found.adjusted[2] == 0.01
    assert found.p[1] == found.adjusted[1] == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_step_by_step(p: list[float]) -> None:
    adjusted = holm(np.array(p))
    for level in (0.01, 0.05, 0.2):
        rejected, left = set(), sorted(range(len(p)), key=lambda k: p[k])
        while left and p[left[0]] * len(left) <= level:
            rejected.add(left.pop(0))
        assert {k for k in range(len(p)) if adjusted[k] <= level} == rejected


def by_definition(p: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Rates of `resampled_fdr`, p-value by p-value, labelling by labelling."""
    labellings, found = [p, *null], np.empty(len(p))
    for one, limit in enumerate(p):
        rates = []
        for other in sorted({value for value in p if value <= limit}):
            false = sorted(int(sum(q <= other for q in labelling)) for labelling in labellings)
            surely = sum(q <= other for q in p) - false[-(-95 * len(false) // 100) - 1]
            some = sum(count >= 1 for count in false) / len(false)
            rate = sum(count / (count + surely) for count in false) / len(false) if surely > 0 else some
            rates.append(max(rate, some) if other == min(p) else rate)
        found[one] = max(rates)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_resampled_rates_are_those_of_the_definition(seed: int) -> None:
    rng = derive_rng(4, seed)
    common = rng.standard_normal((100, 1))
    null = np.round(norm.sf(np.sqrt(0.5) * (common + rng.standard_normal((100, 7)))), 2)
    p = np.round(norm.sf(rng.standard_normal(7) + 2.5 * (np.arange(7) < seed % 5)), 2)
    np.testing.assert_allclose(resampled_fdr(p, null), by_definition(p, null), rtol=1e-12)


def test_where_nothing_differs_a_rate_of_a_is_found_with_probability_a() -> None:
    """At any level, though the tests are correlated: 2,000 simulations, within 3.3 standard deviations."""
    rng = derive_rng(5)
    common = rng.standard_normal((2000, 100, 1))
    p = 2 * norm.sf(np.abs(0.8 * common + 0.6 * rng.standard_normal((2000, 100, 12))))
    least = np.array([resampled_fdr(one[0], one[1:]).min() for one in p])
    for level in (0.01, 0.05, 0.2):
        assert np.mean(least <= level + 1e-9) <= level + 3.3 * np.sqrt(level * (1 - level) / len(p))


def test_rates_are_controlled_beside_true_differences() -> None:
    """Half of the tests differ: the mean share of false ones among those found is at most 5 %, and most are found."""
    rng, shares, found = derive_rng(6), [], []
    shift = 3.5 * (np.arange(20) < 10)
    for _ in range(150):
        values = 0.7 * rng.standard_normal((200, 1)) + 0.714 * rng.standard_normal((200, 20))
        values[0] += shift
        p = 2 * norm.sf(np.abs(values))
        hits = resampled_fdr(p[0], p[1:]) <= 0.05
        shares.append(hits[10:].sum() / max(hits.sum(), 1))
        found.append(hits[:10].mean())
    assert np.mean(shares) <= 0.05
    assert np.mean(found) >= 0.6


def test_the_limit_of_a_lone_discovery() -> None:
    null = derive_rng(7).uniform(size=(999, 5))
    limit = lone_limit(null, 0.05)
    for p, least in ((limit * 0.9999, True), (limit * 1.0001, False)):
        assert (resampled_fdr(np.array([p, 1, 1, 1, 1.0]), null).min() <= 0.05) == least
    assert lone_limit(null[:18], 0.05) == 0.0
