from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln
from scipy.stats import wasserstein_distance

from gancensus.comparison.sliced import Floats, draw_directions, half_mean_wasserstein, mean_wasserstein
from gancensus.statistics.half_samples import sides_of_splits


def mean_cosine(d: int) -> float:
    """E |u_1| of a direction u that is uniform on the sphere in d dimensions."""
    return math.exp(gammaln(d / 2) - gammaln((d + 1) / 2)) / math.sqrt(math.pi)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_it_agrees_with_scipy(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.poisson(3, (n, 3)) / 3, 0.5 + rng.standard_normal((m, 3))
    expected = np.mean([wasserstein_distance(a, b) for a, b in zip(x.T, y.T, strict=True)])
    assert mean_wasserstein(x, y) == pytest.approx(expected)
    assert mean_wasserstein(y, x[::-1]) == pytest.approx(expected)


@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_halves_are_what_each_is_by_itself(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.poisson(3, (n, 3)) / 3, 0.5 + rng.standard_normal((m, 3))
    x_sides, y_sides = sides_of_splits(n, m, 4, rng)
    expected = [
        [mean_wasserstein(x[x_sides[:, s] == side], y[y_sides[:, s] == side]) for side in (1, -1)] for s in range(4)
    ]
    np.testing.assert_allclose(half_mean_wasserstein(x, y, x_sides, y_sides), expected, rtol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3, 16, 300])
def test_a_shift_is_found_by_its_mean_cosine(d: int) -> None:
    shift = np.zeros(d)
    shift[0] = 2.0
    x = np.random.default_rng(1).standard_normal((50, d))
    found = np.array([moved(x, x + shift, seed) for seed in range(40)])
    assert abs(found.mean() - 2 * mean_cosine(d)) <= 4 * found.std() / math.sqrt(40) + 1e-12


def moved(x: Floats, y: Floats, seed: int) -> float:
    directions = draw_directions(x.shape[1], np.random.default_rng(seed))
    return mean_wasserstein(x @ directions.T, y @ directions.T)


@pytest.mark.parametrize("d", [1, 2, 7, 128, 500])
def test_directions_have_length_one_and_are_orthogonal_as_far_as_can_be(d: int) -> None:
    directions = draw_directions(d, np.random.default_rng(2))
    assert directions.shape == (128, d)
    first = directions[: min(d, 128)]
    assert first @ first.T == pytest.approx(np.eye(len(first)), abs=1e-12)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(np.ones(128))
