"""Correlations over pairs: brute force on repeated rows, SciPy, and intervals that hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from gancensus.statistics.pair_correlation import (
    orders,
    pearson,
    permuted_pearson,
    ranks,
    resamples,
    weighted,
)

Floats = NDArray[np.float64]


def correlation(x: Floats, y: Floats, counts: Floats | None = None) -> Floats:
    counts = np.ones((1, len(x))) if counts is None else counts
    return pearson(weighted(x, counts), weighted(y, counts), counts)


def matrices(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Distances of points, and of the same points moved a little."""
    points = rng.standard_normal((n, 4)) * [1, 0.7, 0.5, 0.3]
    return squareform(pdist(points)), squareform(pdist(points + 0.3 * rng.standard_normal((n, 4))))


def test_a_resample_is_the_correlation_of_repeated_members_without_their_pairs_with_themselves() -> None:
    rng = np.random.default_rng(1)
    x, y = matrices(12, rng)
    counts = resamples(12, 20, rng)
    found = correlation(x, y, counts)
    for k, count in enumerate(counts):
        rows = np.repeat(np.arange(12), count.astype(int))
        i, j = np.triu_indices(12, 1)
        i, j = rows[i], rows[j]
        apart = i != j
        expected = np.corrcoef(x[i, j][apart], y[i, j][apart])[0, 1]
        assert found[k] == pytest.approx(expected, abs=1e-12)


def test_a_resample_of_members_is_that_of_repeated_rows() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 30))
    counts = resamples(30, 10, rng)
    for one, count in zip(correlation(x, y, counts), counts, strict=True):
        rows = np.repeat(np.arange(30), count.astype(int))
        assert one == pytest.approx(np.corrcoef(x[rows], y[rows])[0, 1], abs=1e-12)


def test_ranks_give_spearmans_correlation_with_ties() -> None:
    x, y = (np.round(one, 1) for one in matrices(25, np.random.default_rng(3)))
    pairs = np.triu_indices(25, 1)
    expected = spearmanr(x[pairs], y[pairs]).statistic
    assert correlation(ranks(x), ranks(y))[0] == pytest.approx(expected, abs=1e-12)
    assert correlation(ranks(x[0]), ranks(y[0]))[0] == pytest.approx(spearmanr(x[0], y[0]).statistic, abs=1e-12)


def test_neither_scale_nor_the_order_of_members_matters() -> None:
    rng = np.random.default_rng(4)
    x, y = matrices(40, rng)
    moved = 1e6 + 1e-3 * x
    order = rng.permutation(40)
    expected = correlation(x, y)[0]
    assert correlation(moved, y)[0] == pytest.approx(expected, abs=1e-6)
    assert correlation(x[np.ix_(order, order)], y[np.ix_(order, order)])[0] == pytest.approx(expected, abs=1e-12)
    assert correlation(ranks(x**2), ranks(y))[0] == correlation(ranks(x), ranks(y))[0]
    assert correlation(x, x)[0] == pytest.approx(1) and correlation(x, -x)[0] == pytest.approx(-1)


def test_one_value_only_has_no_correlation() -> None:
    x = np.ones((5, 5)) - np.eye(5)
    assert np.isnan(correlation(x, matrices(5, np.random.default_rng(5))[0])).all()


def test_permuting_is_permuting_rows_and_columns_together() -> None:
    rng = np.random.default_rng(6)
    x, y = matrices(15, rng)
    counts, order = np.ones((1, 15)), orders(15, 7, rng)
    assert (np.sort(order, axis=1) == np.arange(15)).all()
    found = permuted_pearson(weighted(x, counts), weighted(y, counts), order)
    assert found == pytest.approx([correlation(x[np.ix_(one, one)], y)[0] for one in order])
    single = permuted_pearson(weighted(x[0], counts), weighted(y[0], counts), order)
    assert single == pytest.approx([correlation(x[0][one], y[0])[0] for one in order])


def test_permutations_are_what_unrelated_distances_have() -> None:
    """Of matrices of distances of independent points: mean 0, and the spread that permuting one of them finds."""
    rng = np.random.default_rng(7)
    values, spreads = [], []
    counts = np.ones((1, 60))
    for _ in range(200):
        x, y = (weighted(squareform(pdist(rng.standard_normal((60, 3)))), counts) for _ in range(2))
        values.append(pearson(x, y, counts)[0])
        spreads.append(permuted_pearson(x, y, orders(60, 50, rng)).std())
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(200)
    assert np.mean(spreads) == pytest.approx(np.std(values), rel=0.2)


def test_bootstrap_of_members_holds_the_truth_and_one_of_pairs_does_not() -> None:
    """200 samples of 100: at least 90 % for 95 %; pairs as if they were independent hold it in less than 60 %."""
    rng = np.random.default_rng(8)
    truth = np.arctanh(np.mean([correlation(*matrices(1000, rng))[0] for _ in range(8)]))
    by_members = by_pairs = 0
    for _ in range(200):
        x, y = matrices(100, rng)
        z = np.arctanh(correlation(x, y)[0])
        by_members += abs(z - truth) < 1.96 * np.arctanh(correlation(x, y, resamples(100, 300, rng))).std()
        pairs = np.triu_indices(100, 1)
        counts = resamples(len(pairs[0]), 100, rng)
        by_pairs += abs(z - truth) < 1.96 * np.arctanh(correlation(x[pairs], y[pairs], counts)).std()
    assert 180 <= by_members <= 198
    assert by_pairs < 120


def test_the_difference_of_two_correlations_is_paired() -> None:
    """On the same resamples its interval holds the truth; it is narrower than that of two independent samples."""
    rng = np.random.default_rng(9)

    def three(n: int) -> tuple[Floats, Floats, Floats]:
        x, y = matrices(n, rng)
        return x, squareform(pdist(rng.standard_normal((n, 1)))) + x, y

    def difference(x: Floats, other: Floats, y: Floats, counts: Floats | None = None) -> Floats:
        return correlation(x, y, counts) - correlation(other, y, counts)

    truth = np.mean([difference(*three(1000))[0] for _ in range(8)])
    held, apart = 0, []
    for _ in range(200):
        x, other, y = three(120)
        counts = resamples(120, 300, rng)
        a, b = correlation(x, y, counts), correlation(other, y, counts)
        held += abs(difference(x, other, y)[0] - truth) < 1.96 * (a - b).std()
        apart.append((a - b).std() / np.hypot(a.std(), b.std()))
    assert 180 <= held <= 198
    assert np.mean(apart) < 0.95
