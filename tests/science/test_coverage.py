"""Coverage against subsets drawn by brute force, uniform populations, Gaussians in closed form, and leaving out."""

from __future__ import annotations

from itertools import combinations
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from gancensus.census import birthday
from gancensus.census.coverage import Neighbours, coverage, covers, influence, on, reach, reach_ratio
from gancensus.statistics.estimate import Estimate

Pairs = tuple[np.ndarray, np.ndarray]


def pairs_within(x: np.ndarray, radius: float) -> Pairs:
    """All pairs of points of a line within a radius, i < j."""
    i, j = np.nonzero(np.triu(np.abs(x[:, None] - x[None, :]) <= radius, 1))
    return i, j


def within(x: np.ndarray, radius: float) -> Neighbours:
    """Which points of a line are near to each other."""
    return Neighbours.of_one(*pairs_within(x, radius), len(x))


def across(a: np.ndarray, b: np.ndarray, radius: float) -> Neighbours:
    """Which points of a line are near to which of others."""
    i, j = np.nonzero(np.abs(a[:, None] - b[None, :]) <= radius)
    return Neighbours(i, j, (len(a), len(b)))


def between(estimate: Estimate, truth: float) -> bool:
    """Whether a number lies in an interval that has two ends."""
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Pairs]:
    """A few samples, and any pairs of them."""
    samples = draw(st.integers(3, 7))
    every = list(combinations(range(samples), 2))
    chosen = draw(st.lists(st.sampled_from(every), unique=True))
    i, j = np.array(chosen, dtype=np.int64).reshape(-1, 2).T
    return samples, (i, j)


@given(graphs())
def test_it_is_the_mean_over_all_subsets(graph: tuple[int, Pairs]) -> None:
    samples, (i, j) = graph
    near = np.zeros((samples, samples), dtype=bool)
    near[i, j] = near[j, i] = True
    for batch in range(samples):
        hits = [
            near[a, list(subset)].any()
            for a in range(samples)
            for subset in combinations([b for b in range(samples) if b != a], batch)
        ]
        found = coverage(Neighbours.of_one(i, j, samples), np.array([batch]))
        assert found[0] == pytest.approx(np.mean(hits), abs=1e-12)


@given(graphs(), st.floats(0.5, 2.0))
def test_leaving_a_sample_out_is_counting_without_it(graph: tuple[int, Pairs], batch: float) -> None:
    samples, (i, j) = graph
    batch = min(batch, samples - 2)
    moved = influence(Neighbours.of_one(i, j, samples), batch)
    without = np.empty(samples)
    for k in range(samples):
        stays = (i != k) & (j != k)
        left, right = i[stays] - (i[stays] > k), j[stays] - (j[stays] > k)
        without[k] = coverage(Neighbours.of_one(left, right, samples - 1), np.array([batch]))[0]
    expected = -samples / (samples - 1) * (moved.covered + moved.covering)
    assert without - without.mean() == pytest.approx(expected, abs=1e-12)


def test_a_uniform_population_on_average() -> None:
    rng, cells, samples = np.random.default_rng(0), 30, 40
    batch = np.array([1, 5.0, 12.5, 39])
    found = []
    for _ in range(400):
        cell = rng.integers(cells, size=samples)
        found.append(coverage(within(cell, 0), batch))
    expected = 1 - (1 - 1 / cells) ** batch
    assert np.abs(np.mean(found, axis=0) - expected).max() < 4 * (np.std(found, axis=0) / 20).max()


@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_one_gaussian_covered_by_another(width: float) -> None:
    rng, radius, batch = np.random.default_rng(1), 0.02, 25
    a, b = rng.normal(0, width, 2000), rng.normal(0, 1, 2000)
    near = across(a, b, radius)

    def missed(x: float) -> float:
        return float(norm.pdf(x, 0, width) * (1 - norm.cdf(x + radius) + norm.cdf(x - radius)) ** batch)

    expected = 1 - quad(missed, -12 * width, 12 * width, limit=200)[0]
    found = coverage(near, np.array([batch]))[0]
    assert found == pytest.approx(expected, abs=4 / sqrt(2000))


def test_at_a_small_share_it_is_the_ratio_of_collisions() -> None:
    rng = np.random.default_rng(2)
    near = [within(rng.normal(0, width, 1500), 1e-3) for width in (1, 2)]
    reached = [reach(one, 1e-4) for one in near]
    pair = birthday.ratio(birthday.collision(near[0].degrees), birthday.collision(near[1].degrees))
    assert reached[0] is not None
    assert reached[1] is not None
    assert reach_ratio(reached[0], reached[1]).value == pytest.approx(pair.value, rel=1e-3)


def test_the_support_of_a_uniform_population_lies_in_its_interval() -> None:
    rng, cells, hits = np.random.default_rng(3), 1000, 0
    for _ in range(100):
        x = rng.integers(cells, size=1200).astype(float)
        found = reach(within(x, 0), 0.6)
        assert found is not None
        hits += between(found.support(), cells)
    assert hits >= 88


def test_nothing_near_covers_nothing() -> None:
    far, near = across(np.arange(997.0), np.array([-5.0, -6.0]), 0.5), within(np.repeat(np.arange(500.0), 2), 0.1)
    assert coverage(far, np.array([1.0]))[0] == 0
    assert coverage(across(np.arange(1000.0), np.arange(5000.0, 5997.0), 0.5), np.linspace(1, 995, 50)).max() == 0
    estimate = covers(across(np.arange(1000.0), np.arange(5000.0, 5997.0), 0.5), near, 700)
    assert estimate[:2] == (0, 0)
    assert 0 < (estimate.high or 0) < 0.01


def test_what_all_samples_do_not_reach() -> None:
    near = Neighbours.of_one(np.array([0]), np.array([1]), 10)
    assert reach(near, 0.3) is None
    found = reach(near, 0.1)
    assert found is not None
    assert found.batch == pytest.approx(4.5)
    assert found.support().value == pytest.approx(4.5 / -log(0.9))


def test_on_and_covers_of_one_distribution_and_of_half_of_it() -> None:
    rng, n, radius, batch = np.random.default_rng(4), 400, 0.02, 399.0
    inside = np.zeros((2, 2), dtype=int)
    for _ in range(100):
        real, alike, half = (rng.uniform(0, width, n) for width in (10, 10, 5))
        own = within(real, radius)
        for k, (made, expected) in enumerate([(alike, (1, 1)), (half, (1, 0.5))]):
            generated, covered = across(made, real, radius), across(real, made, radius)
            # at twice the density half of the real samples are covered better than by their like: m is halved for them
            found = on(generated, own, batch - 1), covers(covered, own, batch - 1)
            expected = expected if k == 0 else (1, coverage_of_half(batch - 1, radius))
            inside[k] += [between(one, truth) for one, truth in zip(found, expected, strict=True)]
    assert (inside >= 88).all()


def coverage_of_half(batch: float, radius: float) -> float:
    """C(H|G) / C(H|H) of uniform samples on 10, generated ones on 5 of it, but for the ends."""
    return float(0.5 * (1 - (1 - 2 * radius / 5) ** batch) / (1 - (1 - 2 * radius / 10) ** batch))
