"""k-medoids against brute force over all choices, and where the answer is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from gancensus.contracts.errors import UserError
from gancensus.domains.jets.medoids import Floats, Integers, medoids


def apart(x: Floats) -> Floats:
    return np.asarray(np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=-1)))


def cost(distances: Floats, chosen: Integers) -> float:
    """The sum over all samples of the distance to the nearest of the chosen ones."""
    return float(distances[:, chosen].min(axis=1).sum())


def drawn(seed: int, n: int) -> Floats:
    return apart(np.random.default_rng(seed).standard_normal((n, 2)))


def brute(distances: Floats, count: int) -> float:
    return min(cost(distances, np.array(some)) for some in combinations(range(len(distances)), count))


def swaps(distances: Floats, chosen: Integers) -> float:
    """The least cost after one exchange."""
    others = np.setdiff1d(np.arange(len(distances)), chosen)
    return min(cost(distances, np.append(np.delete(chosen, k), o)) for k in range(len(chosen)) for o in others)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_cost_is_that_of_brute_force_almost_always(count: int) -> None:
    found = np.array([[cost(d, medoids(d, count)), brute(d, count)] for d in (drawn(seed, 14) for seed in range(60))])
    assert (found[:, 0] >= found[:, 1] - 1e-12).all()
    equal = np.isclose(found[:, 0], found[:, 1], rtol=1e-12)
    assert equal.mean() >= (1 if count == 1 else 0.75)
    ratio = found[:, 0] / found[:, 1]  # PAM ends where no exchange helps, which may be above the least cost
    assert ratio.max() < 1.25 and ratio.mean() < 1.02


@pytest.mark.parametrize("count", [2, 5, 10])
def test_no_exchange_improves_and_more_medoids_cost_less(count: int) -> None:
    for seed in range(5):
        d = drawn(seed, 80)
        chosen = medoids(d, count)
        assert len(set(chosen.tolist())) == count and (np.diff(chosen) > 0).all()
        assert swaps(d, chosen) >= cost(d, chosen) * (1 - 1e-9)
        assert cost(d, chosen) < cost(d, medoids(d, count - 1))


def test_swapping_mends_what_building_cannot() -> None:
    """The middle of three groups on a line comes first, though two medoids belong into the outer ones."""
    x = np.array([[-10.0], [-10.0], [-10.0], [0.0], [10.0], [10.0], [10.0]])
    assert medoids(apart(x), 1).tolist() == [3]
    assert medoids(apart(x), 2).tolist() == [0, 4]


def test_groups_far_apart_have_a_medoid_each() -> None:
    rng = np.random.default_rng(3)
    centres = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 50.0]])
    x = np.concatenate([centre + rng.standard_normal((30, 2)) for centre in centres])
    chosen = medoids(apart(x), 4)
    assert (chosen // 30).tolist() == [0, 1, 2, 3]
    for k, one in enumerate(chosen):
        own = apart(x[30 * k : 30 * (k + 1)])
        assert one - 30 * k == own.sum(axis=0).argmin()


def test_any_order_and_equal_distances_give_the_same_cost() -> None:
    d = drawn(4, 60)
    order = np.random.default_rng(5).permutation(60)
    chosen = medoids(d, 6)
    assert sorted(order[medoids(d[np.ix_(order, order)], 6)].tolist()) == chosen.tolist()
    assert medoids(np.ones((9, 9)) - np.eye(9), 3).tolist() == [0, 1, 2]
    assert medoids(np.zeros((9, 9)), 9).tolist() == list(range(9))


def test_more_medoids_than_samples_are_refused() -> None:
    with pytest.raises(UserError, match="6 medoids of 5 samples"):
        medoids(drawn(0, 5), 6)


@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_distances_that_are_not_finite_are_an_error(wrong: float) -> None:
    d = drawn(0, 5)
    d[2, :2] = d[:2, 2] = wrong
    with pytest.raises(ValueError, match="finite"):
        medoids(d, 2)
