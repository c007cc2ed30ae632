"""Tests of the nodes of a Mapper graph, against enumeration, closed forms and simulation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import hypergeom

from gancensus.contracts.randomness import derive_rng
from gancensus.domains.topology.mapper_graph import Members
from gancensus.domains.topology.node_tests import (
    RATE,
    _kinds,
    compare,
    decidable,
    largest_loss,
    p_values,
    ratio_ends,
    ratios,
)
from gancensus.statistics.multiplicity import resampled_fdr

Array = NDArray[np.int64]


def members(held: Sequence[tuple[int, ...]]) -> Members:
    """Samples that are in the given nodes."""
    pairs = np.array([(k, node) for k, nodes in enumerate(held) for node in sorted(nodes)], dtype=np.int64)
    rows, nodes = pairs.reshape(-1, 2).T
    return Members(rows, nodes, len(held))


def overlapping(rng: np.random.Generator, samples: int, nodes: int, outside: float = 0.05) -> Members:
    """Samples in a chain of nodes of which neighbours share 30 %, or in none."""
    at = rng.uniform(0, nodes, samples)
    first = at.astype(np.int64)
    held = [
        () if alone else (int(a), int(a) + 1) if both and a + 1 < nodes else (int(a),)
        for a, both, alone in zip(first, at - first > 0.7, rng.random(samples) < outside, strict=True)
    ]
    return members(held)


@pytest.mark.parametrize("sizes", [(30, 30), (50, 20), (7, 90)])
def test_p_values_are_twice_the_smaller_tail(sizes: tuple[int, int]) -> None:
    for total in (1, 6, 25, 40):
        counts = np.arange(max(0, total - sizes[0]), min(total, sizes[1]) + 1)
        law = hypergeom(sum(sizes), total, sizes[1])
        expected = np.minimum(1, 2 * np.minimum(law.cdf(counts), law.sf(counts - 1)))
        found, least = p_values(counts[:, None], np.array([total]), sizes)
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-9)
        assert least[0] == pytest.approx(expected.min(), rel=1e-9)


def test_samples_are_counted_by_the_nodes_that_they_are_in() -> None:
    rng = derive_rng(1)
    sides = overlapping(rng, 300, 6), overlapping(rng, 200, 6)
    regions, kinds = _kinds(*sides, 6)
    for one, counts in zip(sides, (regions.T @ kinds.T).T, strict=True):
        assert counts.tolist() == [*one.counts(6).tolist(), one.outside().sum()]
    assert kinds.sum(axis=1).tolist() == [300, 200]


def test_draws_have_the_covariance_of_permuted_labels() -> None:
    """n m / (N (N - 1)) (t_jk - t_j t_k / N), t_jk the samples in both of two regions; within 5 standard errors."""
    rng = derive_rng(2)
    regions, kinds = _kinds(overlapping(rng, 400, 5), overlapping(rng, 250, 5), 5)
    totals, matrix = kinds.sum(axis=0), regions.toarray()
    drawn = rng.multivariate_hypergeometric(totals, 250, 20_000, method="marginals") @ matrix
    both, of = (matrix.T * totals) @ matrix, totals @ matrix
    expected = 400 * 250 / (650 * 649) * (both - np.outer(of, of) / 650)
    variances = np.diag(expected)
    error = np.sqrt((np.outer(variances, variances) + expected**2) / 20_000)
    assert (np.abs(np.cov(drawn.T) - expected) < 5 * error).all()
    assert (np.abs(drawn.mean(axis=0) - of * 250 / 650) < 5 * np.sqrt(variances / 20_000)).all()


def test_rates_are_those_of_all_labellings() -> None:
    """Of 14 samples, 7 a side, all 3,432 ways to label them are enumerated; 999 draws come near their rates."""
    held: list[tuple[int, ...]] = [(0,), (0,), (0,), (0, 1), (0, 1), (0,), (1,), (1,), (1, 2), (2,), (2,), (2,), (), ()]
    generated = {7, 8, 9, 10, 11, 12, 13}
    sides = [members([held[k] for k in range(14) if (k in generated) == side]) for side in (False, True)]
    matrix = np.zeros((14, 4), dtype=np.int64)
    for k, nodes in enumerate(held):
        matrix[k, list(nodes or (3,))] = 1
    counts = np.array([matrix[list(chosen)].sum(axis=0) for chosen in combinations(range(14), 7)])
    p, least = p_values(counts, matrix.sum(axis=0), (7, 7))
    tested = decidable(least)
    observed = next(k for k, one in enumerate(combinations(range(14), 7)) if set(one) == generated)
    exact = resampled_fdr(p[observed][tested], p[:, tested])
    found = compare(sides[0], sides[1], 3, derive_rng(3))
    assert tested.tolist() == np.isfinite(found.adjusted).tolist()
    np.testing.assert_allclose(found.p, p[observed], rtol=1e-9)
    np.testing.assert_allclose(found.adjusted[tested], exact, atol=0.04)


@pytest.mark.parametrize("seed", range(6))
def test_what_can_be_decided(seed: int) -> None:
    """Tarone's K is the smallest number for which at most K tests can reach the K-th part of the rate."""
    least = 10.0 ** -derive_rng(4, seed).uniform(0, 5, 30)
    fitting = [k for k in range(1, 31) if sum(one <= RATE / k for one in least) <= k]
    assert decidable(least).tolist() == [one <= RATE / fitting[0] for one in least]


def test_regions_of_few_samples_are_not_tested() -> None:
    found = compare(members([(0,)] * 200 + [(1,)] * 2), members([(0,)] * 200 + [(1,)] * 2), 2, derive_rng(5))
    assert np.isfinite(found.adjusted).tolist() == [False, False, False]  # of (nearly) all samples, none can be moved
    assert not found.found.any()
    found = compare(members([(0,)] * 100 + [()] * 100), members([(0,)] * 150 + [()] * 50), 1, derive_rng(6))
    assert found.found.all()


@pytest.mark.parametrize(
    ("held", "sizes", "limit"), [(60, (1000, 1000), 1e-3), (9, (300, 900), 0.01), (3, (50, 50), 1e-4)]
)
def test_the_largest_loss_that_is_found(held: int, sizes: tuple[int, int], limit: float) -> None:
    """Every count below the expected one is tried: the largest whose p-value is below the limit."""
    counts = np.arange(held * sizes[1] // sizes[0])
    p = np.array([2 * hypergeom.cdf(c, sum(sizes), held + c, sizes[1]) for c in counts])
    below = counts[p < limit]
    found = largest_loss(held, sizes, limit)
    if len(below) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx((below[-1] + 0.5) / (sizes[1] + 0.5) * (sizes[0] + 0.5) / (held + 0.5))


def test_what_is_said_to_be_detectable_is_found() -> None:
    """A node loses samples to the others until its ratio is `detectable`: it is found, and a little before it is not.

    The others gain little each, so that nothing else is found.
    """
    rng = derive_rng(7)
    nodes = rng.permutation(np.repeat(np.arange(20), 100))
    side = members([(int(node),) for node in nodes])
    ratio = float(compare(side, side, 20, derive_rng(8)).detectable[4])
    assert 0.4 < ratio < 0.8
    for share, expected in ((ratio - 0.02, True), (ratio + 0.05, False)):
        moved = nodes.copy()
        lost = np.flatnonzero(moved == 4)[: 100 - round(100 * share)]
        moved[lost] = np.resize(np.delete(np.arange(20), 4), len(lost))
        found = compare(side, members([(int(node),) for node in moved]), 20, derive_rng(8)).found
        assert found.nonzero()[0].tolist() == ([4] if expected else [])


@pytest.mark.parametrize(("share", "ratio"), [(0.2, 1.0), (0.05, 0.5), (0.02, 2.0), (0.01, 1.0), (0.005, 0.4)])
def test_intervals_of_ratios_hold_the_truth(share: float, ratio: float) -> None:
    """Of 20,000 simulations at 1,000 and 1,500 samples, at least 94 %, and not many more where counts are large."""
    rng = derive_rng(9)
    held, count = rng.binomial(1000, share, 20_000), rng.binomial(1500, share * ratio, 20_000)
    low, high = ratio_ends(held, count, (1000, 1500))
    value = ratios(held, count, (1000, 1500))
    assert ((low < value) & (value < high)).all()
    covered = np.mean((low <= ratio) & (ratio <= high))
    assert 0.94 <= covered <= (0.96 if 1000 * share * min(1, ratio) > 15 else 1)


def test_a_hundred_nodes_of_a_hundred_thousand_samples_take_seconds() -> None:
    rng = derive_rng(10)
    sides = overlapping(rng, 50_000, 100), overlapping(rng, 50_000, 100)
    start = time.perf_counter()
    found = compare(*sides, 100, derive_rng(11))
    assert time.perf_counter() - start < 5
    assert found.adjusted.shape == (101,)


def test_the_same_draws_give_the_same_bytes() -> None:
    rng = derive_rng(12)
    sides = overlapping(rng, 500, 8), overlapping(rng, 500, 8)
    first, second = (compare(*sides, 8, derive_rng(13)) for _ in range(2))
    assert first.adjusted.tobytes() == second.adjusted.tobytes()


def test_a_ratio_of_no_samples_has_one_end_or_none() -> None:
    """The score of c samples against none is sqrt(c / ratio) where samples are many: it is z at c / z^2."""
    low, high = ratio_ends(np.array([0, 9, 0]), np.array([9, 0, 0]), (10**7, 10**7))
    np.testing.assert_allclose([low[0], 1 / high[1]], 9 / 1.959964**2, rtol=1e-5)
    np.testing.assert_array_equal([low[1], low[2], high[0], high[2]], [0, 0, np.inf, np.inf])
