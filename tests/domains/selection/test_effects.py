"""What differs between trainings: closed forms, and intervals that hold what they should as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from gancensus.domains.selection.effects import effect, is_log, level, transformed
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import rank_correlation
from gancensus.statistics.spread import Spread


def test_the_spread_is_pooled_over_groups() -> None:
    spread = Spread.of([np.array([1.0, 3.0]), np.array([10.0, 10.0, 13.0]), np.array([7.0]), np.array([])])
    assert spread.freedom == 3
    assert spread.variance == pytest.approx((2 + 6) / 3)
    assert Spread.of([np.array([1.0]), np.array([5.0])]).freedom == 0


def test_an_effect_has_students_interval() -> None:
    values = {"a": np.array([2.0, 4.0]), "b": np.array([1.0, 1.0, 4.0])}
    spread = Spread.of(list(values.values()))
    found = effect(values, [("a", "b")], spread, log=False)
    half = student.ppf(0.975, 3) * np.sqrt(spread.variance * (1 / 2 + 1 / 3))
    assert found == pytest.approx((1, 1 - half, 1 + half))
    ratio = effect({"a": np.log(values["a"]), "b": np.log(values["a"] / 2)}, [("a", "b")], spread, log=True)
    assert ratio.value == pytest.approx(2)


def test_a_shared_control_counts_in_full() -> None:
    """The mean of two differences from one control has the variance (1/2 + 1/2) s2 / 4 + s2 / 2, not half of it."""
    rng, means = np.random.default_rng(1), []
    for _ in range(20_000):
        a, b, control = rng.standard_normal((3, 2))
        means.append((a.mean() + b.mean()) / 2 - control.mean())
    values = dict.fromkeys("abc", np.zeros(2))
    found = effect(values, [("a", "c"), ("b", "c")], Spread(1.0, 1000), log=False)
    assert found.high is not None
    assert found.high / student.ppf(0.975, 1000) == pytest.approx(np.std(means), rel=0.02)


def test_intervals_of_effects_and_levels_hold_the_truth_as_often_as_they_say() -> None:
    rng, held = np.random.default_rng(2), {"effect": 0, "level": 0}
    for _ in range(2000):
        groups = [rng.normal(0.5 + 0.1 * k, 0.03, 2) for k in range(5)]
        spread = Spread.of(groups)
        found = effect(dict(enumerate(groups)), [(3, 1)], spread, log=False)
        value = level([Estimate(x, x, x) for x in groups[2]], spread, log=False)
        held["effect"] += found.low < 0.2 < found.high  # type: ignore[operator]
        held["level"] += value.low < 0.7 < value.high  # type: ignore[operator]
    assert all(0.94 < hits / 2000 < 0.96 for hits in held.values())


def test_what_one_training_lacks_is_known_of_none() -> None:
    """A population without duplicates may be the most diverse: the mean of the others would be that of the rest."""
    nothing, value = Estimate(None, None, None), Estimate(1000, 800, 1300)
    spread = Spread(0.01, 4)
    assert level([nothing], spread, log=True) == nothing
    assert level([value, Estimate(None, 5000, None)], spread, log=True) == (None, 800, None)
    assert level([Estimate(0.5, 0.4, 0.6), Estimate(0, 0, 0.1)], spread, log=True).value is None
    assert len(transformed([value, nothing], log=True)) == 0
    assert effect({1: np.ones(1), 2: np.ones(0)}, [(1, 2)], spread, log=False) == nothing
    assert effect({1: np.ones(1), 2: np.ones(1)}, [(1, 2)], Spread(0, 0), log=False) == nothing
    assert effect({}, [], spread, log=False) == nothing


def test_a_single_training_has_no_interval() -> None:
    """Another one might end elsewhere, and nothing says how far."""
    assert level([Estimate(0.5, 0.25, 0.75)], Spread(0, 0), log=False) == (0.5, None, None)


def test_intervals_that_are_longer_to_one_side_stay_so() -> None:
    found = level([Estimate(1000, 180, 39_500)], Spread(0, 1), log=True)
    assert found == pytest.approx((1000, 180, 39_500))
    assert level([Estimate(0.05, 0, 0.3)], Spread(0, 1), log=True) == pytest.approx((0.05, 0, 0.3))
    assert level([Estimate(1000, 180, None)], Spread(0, 1), log=True).high is None
    assert level([Estimate(0.9, 0.5, 1)], Spread(0, 1), log=False) == pytest.approx((0.9, 0.5, 1))
    assert [is_log(name) for name in ("fid", "support pixels", "density", "recall")] == [True, True, True, False]


def test_rank_correlations_have_the_interval_of_fieller() -> None:
    """Ten classes: .75 has .21 to .94, and the first that is told from nothing is about .63."""
    x = np.arange(10.0)
    y = np.array([2.0, 0, 1, 5, 3, 9, 4, 6, 7, 8])
    found = rank_correlation(x, y)
    assert found.value == pytest.approx(1 - 6 * ((x - y) ** 2).sum() / (10 * 99))
    z = np.arctanh(0.75) + np.array([-1, 1]) * 1.959964 * np.sqrt(1.06 / 7)
    assert np.tanh(z) == pytest.approx([0.21, 0.94], abs=0.005)
    assert np.tanh(1.959964 * np.sqrt(1.06 / 7)) == pytest.approx(0.64, abs=0.01)
    assert rank_correlation(x, np.zeros(10)).value is None
    rng, held = np.random.default_rng(3), 0
    for _ in range(400):
        a, b = rng.standard_normal((2, 50))
        low, high = rank_correlation(a, b)[1:]
        held += low < 0 < high  # type: ignore[operator]
    assert 0.92 < held / 400 < 0.98
