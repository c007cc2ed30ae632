from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from gancensus.comparison import soft_counts
from gancensus.comparison.soft_counts import Floats, bandwidth, rke, vendi
from gancensus.statistics.estimate import Estimate


def normal(seed: int, n: int, d: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, d))


def kinds(counts: list[int], apart: float = 50.0) -> Floats:
    """So many samples at each corner of a simplex, in as many dimensions."""
    return apart * np.repeat(np.eye(len(counts)), counts, axis=0)


def shares(found: list[Estimate], truth: float) -> float:
    """The share of intervals that hold a value."""
    return float(np.mean([(one.low or 0) <= truth <= (one.high or 0) for one in found]))


# bandwidth


def test_the_bandwidth_is_a_third_of_the_median_distance() -> None:
    x = normal(1, 30, 4)
    distances = [math.dist(a, b) for a, b in combinations(x.tolist(), 2)]
    assert bandwidth(x) == pytest.approx(np.median(distances) / 3)
    assert bandwidth(7 * x + 3) == pytest.approx(7 * bandwidth(x))


def test_equal_samples_do_not_count_for_the_bandwidth() -> None:
    assert bandwidth(np.array([[0.0], [0.0], [0.0], [0.0], [6.0]])) == pytest.approx(2)
    assert bandwidth(np.full((5, 2), 3.0)) == 1
    assert bandwidth(np.zeros((1, 2))) == 1


# RKE


def test_rke_by_its_definition() -> None:
    x, width, n = normal(2, 12, 3), 0.9, 12

    def mean(rows: list[int]) -> float:
        squares = [math.exp(-(math.dist(x[i], x[j]) ** 2) / (2 * width**2)) ** 2 for i, j in combinations(rows, 2)]
        return float(np.mean(squares))

    everyone = list(range(n))
    logs = np.log([mean([j for j in everyone if j != i]) for i in everyone])
    reach = 1.959964 * math.sqrt((n - 1) / n * np.sum((logs - logs.mean()) ** 2))
    value = 1 / mean(everyone)
    assert rke(x, width) == pytest.approx((value, max(1, value * math.exp(-reach)), value * math.exp(reach)), rel=1e-6)


@pytest.mark.parametrize(("n", "d", "width"), [(40, 1, 0.5), (40, 4, 1.5), (60, 64, 8.0)])
def test_rke_of_gaussians(n: int, d: int, width: float) -> None:
    # x - x' is N(0, 2 I), and E exp(-|x - x'|^2 / width^2) = (1 + 4 / width^2)^(-d / 2)
    truth = (1 + 4 / width**2) ** (d / 2)
    found = [rke(normal(seed, n, d), width) for seed in range(300)]
    inverse = [1 / (one.value or math.nan) for one in found]
    assert abs(np.mean(inverse) - 1 / truth) < 4 * np.std(inverse) / math.sqrt(300)  # without bias
    assert shares(found, truth) >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / 300)


def test_rke_of_equally_frequent_kinds_is_their_number() -> None:
    rng = np.random.default_rng(3)
    points = kinds([1] * 20)
    found = [rke(points[rng.integers(0, 20, 200)], 5.0) for _ in range(300)]
    inverse = [1 / (one.value or math.nan) for one in found]
    assert abs(np.mean(inverse) - 1 / 20) < 4 * np.std(inverse) / math.sqrt(300)
    assert shares(found, 20) >= 0.9


def test_rke_of_kinds_is_the_inverse_probability_that_two_samples_are_of_one() -> None:
    value = rke(kinds([5, 3, 2]), 5.0).value
    assert value == pytest.approx(math.comb(10, 2) / (math.comb(5, 2) + math.comb(3, 2) + math.comb(2, 2)))


def test_rke_of_equal_samples_is_one() -> None:
    assert rke(np.full((9, 4), 1e3 / 3), 0.1) == pytest.approx((1, 1, 1))


def test_order_shift_and_block_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = normal(4, 50, 5)
    found = rke(x, 1.2)
    assert rke(x[::-1] + 1e3, 1.2) == pytest.approx(found, rel=1e-9)
    monkeypatch.setattr(soft_counts, "_TILE", 13)
    assert rke(x, 1.2) == pytest.approx(found, rel=1e-12)


def test_nothing_is_said_without_pairs_or_with_those_of_one_sample() -> None:
    assert rke(np.arange(9.0)[:, None] * 1e4, 1.0) == (None, None, None)
    alone = np.concatenate([np.arange(1, 9.0)[:, None] * 1e4, [[1e4]]])
    assert rke(alone, 1.0) == (None, None, None)


# Vendi score


def test_vendi_by_its_definition() -> None:
    x = normal(5, 40, 6) + 1
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(units @ units.T / 40)[-6:]
    assert vendi(x, np.zeros(6)).value == pytest.approx(math.exp(-np.sum(values * np.log(values))))
    assert vendi(x + 9, np.full(6, 9.0)) == pytest.approx(vendi(x, np.zeros(6)))


@pytest.mark.parametrize("counts", [[1] * 7, [4] * 5])
def test_vendi_of_orthogonal_groups_is_their_number(counts: list[int]) -> None:
    found = vendi(kinds(counts), np.zeros(len(counts)))
    assert found.value == pytest.approx(len(counts))
    value = vendi(kinds([2, 1, 1]), np.zeros(3)).value  # exp of the entropy of 1/2, 1/4, 1/4
    assert value == pytest.approx(2**1.5)


def test_the_order_2_of_both_scores_is_one_number() -> None:
    # the plug-in of RKE with the cosine kernel, and the Vendi score of order 2 from the dual
    units = normal(6, 30, 4)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    dual = np.linalg.eigvalsh(units.T @ units / 30)
    assert 1 / np.sum(dual**2) == pytest.approx(1 / np.mean((units @ units.T) ** 2))


def test_the_interval_of_vendi_covers_its_expectation() -> None:
    spread = 1 / np.arange(1, 9)
    found = [vendi(normal(seed, 100, 8) * spread, np.zeros(8)) for seed in range(300)]
    mean = float(np.mean([one.value or math.nan for one in found]))
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / 300) <= shares(found, mean)


def test_vendi_without_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vendi(np.ones((9, 3)), np.ones(3)) == (None, None, None)
    assert vendi(np.concatenate([np.ones((5, 3)), kinds([2, 2, 2]) + 1]), np.ones(3)).value == pytest.approx(3)
    assert vendi(normal(1, 2, 4), np.zeros(4)) == (None, None, None)  # else an interval of no width
    monkeypatch.setattr(soft_counts, "MOST_AXES", 3)
    assert vendi(normal(1, 9, 4), np.zeros(4)) == (None, None, None)


def test_vendi_of_few_samples_of_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    x = normal(7, 12, 5)
    wide = np.concatenate([x, np.zeros((12, 20))], axis=1)  # values that are 0 everywhere change no angle
    assert vendi(wide, np.zeros(25)).value == pytest.approx(vendi(x, np.zeros(5)).value)
    monkeypatch.setattr(soft_counts, "MOST_AXES", 12)
    assert vendi(np.eye(12, 40), np.zeros(40)).value == pytest.approx(12)


def test_the_interval_of_vendi_covers_with_fewer_samples_than_values() -> None:
    spread = np.arange(1, 201) ** -0.5  # without the jackknife of groups: .76
    found = [vendi(normal(seed, 50, 200) * spread, np.zeros(200)) for seed in range(200)]
    mean = float(np.mean([one.value or math.nan for one in found]))
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / 200) <= shares(found, mean)


def test_the_interval_of_vendi_does_not_follow_the_order_of_a_file() -> None:
    """Twenty classes in turn, as files of conditional generators have them, of which half are one sample each."""
    kind = np.arange(200) % 20
    x = np.where(kind[:, None] < 10, np.eye(20, 400)[kind], normal(3, 200, 400))
    orders = np.arange(200), np.argsort(kind, kind="stable"), np.random.default_rng(1).permutation(200)
    found = [vendi(x[order], np.zeros(400)) for order in orders]
    widths = [math.log(one.high or math.nan) - math.log(one.low or math.nan) for one in found]
    assert max(widths) < 1.6 * min(widths)
