"""Paired areas, background efficiencies and the best option: by brute force, bootstraps and planted truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from gancensus.statistics.best import errors_of, perhaps_best
from gancensus.statistics.roc import Floats, Placements, area, delong, doubt, false_rates, threshold_variances
from gancensus.statistics.spread import NONE, Chance, Spread, with_chances


def pair(rng: np.random.Generator, n: int, m: int, shift: tuple[float, float], common: float) -> tuple[Floats, Floats]:
    """Two scores of n and m rows, (2, n) and (2, m): normal, with a correlation, x shifted."""
    mix = np.linalg.cholesky(np.array([[1, common], [common, 1]]))
    return mix @ rng.standard_normal((2, n)) + np.array(shift)[:, None], mix @ rng.standard_normal((2, m))


def test_the_paired_variance_is_that_of_the_definition() -> None:
    """DeLong 1988, equations 4 to 7, with loops: S10 / m + S01 / n of both areas, and the contrast (1, -1)."""
    x, y = pair(np.random.default_rng(1), 23, 31, (0.8, 0.5), 0.6)
    x, y = np.round(x, 1), np.round(y, 1)  # with ties
    psi = [[[(a > b) + (a == b) / 2 for b in y[k]] for a in x[k]] for k in range(2)]
    v10 = np.array([[np.mean(row) for row in of] for of in psi])
    v01 = np.array([[np.mean([row[j] for row in of]) for j in range(31)] for of in psi])
    covariance = np.cov(v10) / 23 + np.cov(v01) / 31
    placed = [Placements.of(x[k], y[k]) for k in range(2)]
    difference = placed[0].less(placed[1])
    assert difference.area == pytest.approx(area(x[0], y[0]) - area(x[1], y[1]))
    assert difference.variance == pytest.approx(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert (placed[0].area, placed[0].variance) == delong(x[0], y[0])


@pytest.mark.parametrize("common", [0.0, 0.9])
def test_the_paired_variance_agrees_with_a_bootstrap(common: float) -> None:
    rng = np.random.default_rng(2)
    x, y = pair(rng, 150, 120, (1.0, 0.7), common)
    found = []
    for _ in range(1500):
        i, j = rng.integers(0, 150, 150), rng.integers(0, 120, 120)
        found.append(area(x[0, i], y[0, j]) - area(x[1, i], y[1, j]))
    paired = Placements.of(x[0], y[0]).less(Placements.of(x[1], y[1])).variance
    assert paired == pytest.approx(np.var(found), rel=0.15)
    unpaired = delong(x[0], y[0])[1] + delong(x[1], y[1])[1]
    assert (paired < 0.35 * unpaired) == (common == 0.9)


def test_paired_intervals_hold_the_difference_as_often_as_they_say() -> None:
    rng, truth, held = np.random.default_rng(3), float(ndtr(1 / math.sqrt(2)) - ndtr(0.7 / math.sqrt(2))), 0
    for _ in range(500):
        x, y = pair(rng, 100, 80, (1.0, 0.7), 0.7)
        one = Placements.of(x[0], y[0]).less(Placements.of(x[1], y[1]))
        held += abs(one.area - truth) < 1.96 * math.sqrt(one.variance)
    assert abs(held / 500 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 500)


def test_equal_scores_differ_by_nothing_but_half_a_row() -> None:
    x, y = pair(np.random.default_rng(4), 30, 30, (1, 1), 1 - 1e-9)
    one = Placements.of(x[0], y[0])
    assert one.less(one).area == 0
    assert one.less(one).variance == doubt([30, 30])
    several = Placements.mean([Placements.of(x[0], y[0]), Placements.of(-x[0], -y[0])])
    assert several.area == pytest.approx(0.5)


def test_background_efficiencies_of_gaussians() -> None:
    """In closed form: a share e of N(1, 1) is above 1 + Phi^-1(1 - e)."""
    rng = np.random.default_rng(5)
    efficiencies = np.array([0.1, 0.3, 0.5, 1.0])
    shares = false_rates(1 + rng.standard_normal(40_000), rng.standard_normal(40_000), efficiencies)
    truth = ndtr(-(1 + ndtri(1 - efficiencies[:3])))
    np.testing.assert_allclose(shares[:3], truth, atol=0.01)
    assert shares[3] == pytest.approx(1, abs=3e-3)


def test_background_efficiencies_are_points_of_the_roc_curve() -> None:
    x, y = np.array([5.0, 4.0, 3.0, 2.0]), np.array([4.5, 3.0, 1.0, 0.0])
    shares = false_rates(x, y, [0.25, 0.26, 0.5, 0.75, 1.0])
    assert shares.tolist() == [0, 0.25, 0.25, 0.375, 0.5]


def test_the_variance_of_a_threshold_is_that_of_the_bootstrap() -> None:
    rng = np.random.default_rng(6)
    x, y = 1 + rng.standard_normal(80), rng.standard_normal(300)
    variances = threshold_variances(x, y, [0.3, 0.5])
    drawn = np.array([false_rates(x[rng.integers(0, 80, 80)], y, [0.3, 0.5]) for _ in range(2000)])
    np.testing.assert_allclose(variances, drawn.var(axis=0), rtol=0.15)


def test_chances_add_up_and_the_spread_of_trainings_counts() -> None:
    """Values of 3 trainings, each off by N(0, .02^2), measured with an error of .01 that all have in common."""
    rng, held, alone = np.random.default_rng(7), 0, 0
    for _ in range(1000):
        groups = [0.02 * rng.standard_normal(3) for _ in range(4)]
        values = 0.8 + groups[0] + 0.01 * rng.standard_normal()
        found = with_chances(float(values.mean()), 1e-4, [Spread.of(groups).mean_of(3)])
        assert found.low is not None and found.high is not None
        held += found.low <= 0.8 <= found.high
        alone += abs(values.mean() - 0.8) < 1.96 * 0.01
    assert abs(held / 1000 - 0.95) < 0.03
    assert alone / 1000 < 0.85


def test_degrees_of_freedom_are_those_of_the_parts() -> None:
    from scipy.stats import t as student

    assert with_chances(0, 4.0, [NONE]) == pytest.approx((0, -2 * ndtri(0.975), 2 * ndtri(0.975)))
    assert with_chances(0, 0.0, [Chance(4.0, 3)]).high == pytest.approx(2 * student.ppf(0.975, 3))
    assert with_chances(0, 0.0, [Chance(1.0, 2), Chance(1.0, 2)]).high == pytest.approx(
        math.sqrt(2) * student.ppf(0.975, 4)
    )
    assert with_chances(0, 4.0, [Chance(9.0, 0)]) == with_chances(0, 4.0, [])


def test_drawn_errors_have_the_covariance_of_delong() -> None:
    x, y = pair(np.random.default_rng(8), 120, 90, (1.0, 0.5), 0.8)
    placed = [Placements.of(x[k], y[k]) for k in range(2)]
    errors = errors_of(placed, [NONE, NONE], np.random.default_rng(9))
    for k in range(2):
        assert errors[:, k].var() == pytest.approx(placed[k].variance, rel=0.1)
    assert (errors[:, 0] - errors[:, 1]).var() == pytest.approx(placed[0].less(placed[1]).variance, rel=0.1)
    wide = errors_of(placed, [Chance(0.01, 5)] * 2, np.random.default_rng(9))
    assert wide[:, 0].var() == pytest.approx(placed[0].variance + 0.01 * 5 / 3, rel=0.15)


def test_the_best_is_kept_as_often_as_said_and_the_worse_are_left_out() -> None:
    rng = np.random.default_rng(10)
    errors = 0.01 * rng.standard_normal((2000, 6))
    flat, planted = [], []
    for _ in range(400):
        flat.append(perhaps_best(0.01 * rng.standard_normal(6), errors, 0.95))
        planted.append(perhaps_best(np.eye(6)[2] * 0.08 + 0.01 * rng.standard_normal(6), errors, 0.95))
    kept = np.mean(flat, axis=0)
    assert (kept > 0.92).all() and kept.mean() < 0.99
    assert np.mean(planted, axis=0)[2] > 0.99
    assert np.delete(np.mean(planted, axis=0), 2).max() < 0.05


def test_equal_options_are_both_kept() -> None:
    errors = np.random.default_rng(11).standard_normal((500, 1)) * np.ones(3) * 0.01
    assert perhaps_best(np.array([0.8, 0.8, 0.7]), errors, 0.95).tolist() == [True, True, False]
