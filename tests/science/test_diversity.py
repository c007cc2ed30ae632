"""The diversity profile against peers' examples, exact expectations and simulated coverage."""

from __future__ import annotations

from math import comb, exp, log

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import digamma

from gancensus.census import diversity
from gancensus.census.birthday import collision
from gancensus.census.diversity import coverage, profile, richness, shannon, simpson
from gancensus.statistics.estimate import Estimate

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

ZIPF = 1 / np.arange(1, 1001)
KINDS = {
    "uniform": np.full(1000, 1e-3),
    "zipf": ZIPF / ZIPF.sum(),
    "atom": np.concatenate([[0.1], np.full(9000, 1e-4)]),
    "half": np.concatenate([np.full(10, 0.05), np.full(990, 0.5 / 990)]),
}
SPIDERS = {  # Ellison et al. 2010, the example of iNEXT
    "girdled": [46, 22, 17, 15, 15, 9, 8, 6, 6, 4] + [2] * 4 + [1] * 12,
    "logged": [88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, 3, 3, 3, 3] + [2] * 4 + [1] * 14,
}


def drawn(kinds: str, samples: int, populations: int, seed: int = 7) -> list[IntArray]:
    """Abundances of the kinds that each population shows."""
    counts = np.random.default_rng(seed).multinomial(samples, KINDS[kinds], size=populations)
    return [count[count > 0] for count in counts]


def covers(estimate: Estimate, truth: float) -> bool:
    _, low, high = estimate
    return (low is None or low <= truth) and (high is None or truth <= high)


def value_of(estimate: Estimate) -> float:
    assert estimate.value is not None
    return estimate.value


# Against peers


@pytest.mark.parametrize(("site", "order_1", "order_2"), [("girdled", 13.826, 8.175), ("logged", 16.337, 6.920)])
def test_inext_example(site: str, order_1: float, order_2: float) -> None:
    sizes = np.array(SPIDERS[site])
    assert value_of(shannon(sizes)) == pytest.approx(order_1, abs=5e-4)
    assert value_of(simpson(sizes)) == pytest.approx(order_2, abs=5e-4)


@pytest.mark.parametrize(
    ("sizes", "value", "low", "high"),
    [
        ([1, 1, 4, 2, 5, 2, 4, 1, 2], 9.75, 9.07, 17.45),
        ([2, 2, 4, 5], 4, 4, 4.95),
        ([1, 1, 4, 5], 5, 4.08, 17.27),
    ],
)
def test_estimates_example(sizes: list[int], value: float, low: float, high: float) -> None:
    # EstimateS, as quoted in the tests of scikit-bio; here rounded to whole kinds outwards.
    assert richness(np.array(sizes)) == Estimate(value, float(int(low)), float(int(high) + 1))


# Exact values


def test_richness_in_closed_form() -> None:
    # S = 16, f1 = 10, f2 = 4: unseen 90/10 = 9, variance 9 + 10 19^2 / 100 + 100 4 81 / 2500 = 58.06.
    sizes = np.array([1] * 10 + [2] * 4 + [3, 9])
    factor = exp(1.959964 * log(1 + 58.06 / 81) ** 0.5)
    value, low, high = richness(sizes)
    assert (value, low, high) == (25.0, int(16 + 9 / factor), int(16 + 9 * factor) + 1)


def test_coverage_in_closed_form() -> None:
    sizes = np.array([1] * 10 + [2] * 4 + [3, 9])
    value, low, high = coverage(sizes)
    half = 1.959964 * (10 * (1 - 10 / 30) + 8) ** 0.5 / 30
    assert (value, low, high) == pytest.approx((2 / 3, 2 / 3 - half, 2 / 3 + half))


def test_entropy_is_that_of_its_series() -> None:
    # Sum over k < n of 1/k P(k more samples from the rest are all of other kinds), then the tail from f1 and f2.
    sizes = np.array([1, 1, 1, 2, 2, 5, 9])
    n = int(sizes.sum())
    seen = sum(x / n * comb(n - x, k) / comb(n - 1, k) / k for x in sizes.tolist() for k in range(1, n))
    rare = 2 * 2 / ((n - 1) * 3 + 2 * 2)
    rest = 3 / n * (1 - rare) ** (1 - n) * (-log(rare) - sum((1 - rare) ** r / r for r in range(1, n)))
    assert log(value_of(shannon(sizes))) == pytest.approx(seen + rest)


@pytest.mark.parametrize(
    ("rare", "samples"), [(0.3, 9), (0.3, 11), (0.029, 100), (0.031, 100), (1e-6, 1000), (0.9, 5000)]
)
def test_unseen_tail_against_its_integral(rare: float, samples: int) -> None:
    z = 1 - rare
    exact = quad(
        lambda t: z * exp(-t) / (1 - z * exp(-t / samples)) / samples, 0, 60, limit=900, points=[1e-4, 1e-2, 1]
    )
    assert diversity._unseen(rare, samples) == pytest.approx(exact[0], rel=1e-7)
    assert diversity._unseen.py_func(rare, samples) == pytest.approx(exact[0], rel=1e-7)


@given(st.lists(st.integers(1, 6), min_size=2, max_size=8))
def test_jackknife_of_the_entropy_against_leaving_each_sample_out(abundances: list[int]) -> None:
    sizes = np.array(abundances)
    n = int(sizes.sum())
    if sizes.max() == 1:
        return

    def entropy(x: IntArray) -> float:
        seen = sum(k * float(digamma(k)) for k in x.tolist() if k > 0)
        return diversity._entropy(int(x.sum()), seen, int((x == 1).sum()), int((x == 2).sum()))

    kind = np.repeat(np.arange(sizes.size), sizes)
    left_out = np.array([entropy(sizes - (np.arange(sizes.size) == k)) for k in kind])
    sd = ((n - 1) * left_out.var()) ** 0.5
    value, low, high = shannon(sizes)
    assert value == pytest.approx(exp(entropy(sizes)))
    assert (low, high) == pytest.approx((exp(entropy(sizes) - 1.959964 * sd), exp(entropy(sizes) + 1.959964 * sd)))


def test_without_two_of_a_kind_there_are_bounds() -> None:
    sizes = np.ones(1000, dtype=np.int64)
    assert richness(sizes) == shannon(sizes) == simpson(sizes)
    assert simpson(sizes).value is simpson(sizes).high is None
    assert simpson(sizes).low == pytest.approx(499500 / 2.995732)
    value, low, high = coverage(sizes)
    assert (value, low) == (0.0, 0.0)
    assert high == pytest.approx(1 - 0.025**0.001)


def test_one_kind() -> None:
    sizes = np.array([100])
    assert richness(sizes)[:2] == (1.0, 1.0)
    assert shannon(sizes)[:2] == pytest.approx((1.0, 1.0))
    assert value_of(simpson(sizes)) == 1.0
    value, low, high = coverage(sizes)
    assert (value, high) == (1.0, 1.0)
    assert low == pytest.approx(0.025**0.01)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=40), st.floats(0.5, 0.99))
def test_intervals_hold_their_values_and_orders_fall(abundances: list[int], level: float) -> None:
    sizes = np.array(abundances)
    estimates = [richness(sizes, level), shannon(sizes, level), simpson(sizes, level), coverage(sizes, level)]
    for value, low, high in estimates:
        if value is not None and low is not None and high is not None:
            assert low <= value * (1 + 1e-12) and value <= high * (1 + 1e-12)
    if estimates[0].value is not None:
        assert sizes.size <= estimates[0].value


# A population


def test_profile_of_a_generator_of_frozen_prototypes() -> None:
    cell = np.random.default_rng(3).integers(0, 40, 600)
    i, j = np.triu_indices(600, 1)
    same = cell[i] == cell[j]
    found = profile(600, i[same], j[same])
    counts = np.bincount(cell)
    assert (found.samples, found.components) == (600, 40)
    assert found.largest == found.clique_bound == counts.max()
    for estimate in (found.richness, found.shannon, found.simpson):
        assert covers(estimate, 40)
    assert found.simpson == collision((counts - 1)[cell]).effective_support
    assert found.coverage.value == 1.0


def test_profile_sees_the_tail_that_the_birthday_does_not() -> None:
    # One sample in ten times out of a hundred, the rest from 9000: the effective support is 99.
    cell = np.random.default_rng(5).choice(9001, 3000, p=KINDS["atom"])
    i, j = np.triu_indices(3000, 1)
    same = cell[i] == cell[j]
    found = profile(3000, i[same], j[same])
    assert covers(found.simpson, 99.1) and value_of(found.simpson) < 150
    assert covers(found.shannon, 5012) and value_of(found.shannon) > 4000
    assert covers(found.richness, 9001) and value_of(found.richness) > 7000


def test_a_chain_is_one_kind_and_its_clique_bound_tells() -> None:
    i = np.arange(499)
    found = profile(500, i, i + 1)
    assert (found.components, found.largest, found.clique_bound) == (1, 500, 2)


@pytest.mark.parametrize("samples", [0, 1])
def test_a_profile_needs_two_samples(samples: int) -> None:
    none = np.empty(0, dtype=np.int64)
    with pytest.raises(ValueError, match="at least 2 samples"):
        profile(samples, none, none)


# Coverage in simulation


@pytest.mark.parametrize(
    ("kinds", "mean", "sd"), [("uniform", 1005, 102), ("zipf", 559, 92), ("atom", 8955, 2827), ("half", 1007, 194)]
)
def test_chao1_of_500_samples(kinds: str, mean: float, sd: float) -> None:
    values = np.array([value_of(richness(sizes)) for sizes in drawn(kinds, 500, 1500)])
    assert values.mean() == pytest.approx(mean, rel=0.04)
    assert values.std() == pytest.approx(sd, rel=0.12)


@pytest.mark.parametrize(("kinds", "expected"), [("uniform", 0.394), ("zipf", 0.707)])
def test_good_turing_is_the_probability_of_the_kinds_seen(kinds: str, expected: float) -> None:
    p = KINDS[kinds]
    assert (p * (1 - (1 - p) ** 500)).sum() == pytest.approx(expected, abs=5e-4)
    values = [value_of(coverage(sizes)) for sizes in drawn(kinds, 500, 1500)]
    assert np.mean(values) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("samples", [100, 300, 2000])
@pytest.mark.parametrize("kinds", ["uniform", "zipf", "atom", "half"])
def test_coverage_interval_covers(kinds: str, samples: int) -> None:
    p = KINDS[kinds]
    counts = np.random.default_rng(11).multinomial(samples, p, size=600)
    truth = [p[count > 0].sum() for count in counts]
    covered = [covers(coverage(count[count > 0]), t) for count, t in zip(counts, truth, strict=True)]
    assert 0.91 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize("samples", [300, 500, 2000])
@pytest.mark.parametrize("kinds", ["uniform", "zipf", "atom", "half"])
def test_shannon_interval_covers(kinds: str, samples: int) -> None:
    p = KINDS[kinds]
    truth = exp(-(p * np.log(p)).sum())
    covered = [covers(shannon(sizes), truth) for sizes in drawn(kinds, samples, 400, seed=13)]
    assert np.mean(covered) >= 0.88


@pytest.mark.parametrize("samples", [300, 500, 2000])
@pytest.mark.parametrize("kinds", ["uniform", "atom", "half"])
def test_richness_interval_covers_where_the_unseen_are_alike(kinds: str, samples: int) -> None:
    covered = [covers(richness(sizes), KINDS[kinds].size) for sizes in drawn(kinds, samples, 400, seed=17)]
    assert np.mean(covered) >= 0.86


@pytest.mark.parametrize("samples", [50, 100, 300, 2000])
@pytest.mark.parametrize("kinds", list(KINDS))
def test_richness_is_a_lower_bound(kinds: str, samples: int) -> None:
    low = np.array([richness(sizes).low for sizes in drawn(kinds, samples, 400, seed=19)], dtype=float)
    assert np.mean(low <= KINDS[kinds].size) >= 0.93


def test_shannon_of_too_few_repeated_kinds_is_wrong() -> None:
    # 100 samples of 'atom' show hardly a kind twice but the frequent one: nothing to extrapolate from.
    p = KINDS["atom"]
    truth = exp(-(p * np.log(p)).sum())
    populations = drawn("atom", 100, 400, seed=23)
    assert np.mean([np.count_nonzero(sizes > 1) for sizes in populations]) < 2
    assert np.mean([covers(shannon(sizes), truth) for sizes in populations]) < 0.4
