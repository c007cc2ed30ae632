"""The sweep over alpha and subsets of metrics against brute force and independent metrics."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from gancensus.census import graph, sweep
from gancensus.census.birthday import collision
from gancensus.report import sentences

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

ALPHAS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.001)


def distances(samples: int, metrics: int, seed: int) -> tuple[FloatArray, IntArray, IntArray]:
    """Distances of all pairs of samples under independent metrics: |u - v|, of uniform numbers."""
    x = np.random.default_rng(seed).random((samples, metrics))
    i, j = (index.astype(np.int64) for index in np.triu_indices(samples, 1))
    return np.abs(x[i] - x[j]), i, j


def exact_thresholds(alphas: tuple[float, ...], metrics: int) -> FloatArray:
    """P(|u - v| <= t) = 1 - (1 - t)^2."""
    return np.repeat(1 - np.sqrt(1 - np.array(alphas))[:, None], metrics, axis=1)


def test_against_counting_each_definition() -> None:
    values, i, j = distances(60, 4, 1)
    values[::17, 2] = np.nan
    thresholds = np.sort(np.random.default_rng(2).random((5, 4)), axis=0)[::-1]
    alphas = (0.5, 0.4, 0.3, 0.2, 0.1)
    cells = sweep.sweep(values, i, j, 60, alphas, thresholds)
    subsets = [kept for k in range(1, 5) for kept in combinations(range(4), k)]
    assert [cell.alpha for cell in cells] == list(alphas) * 15
    assert {cell.metrics for cell in cells} == set(subsets)
    assert [len(cell.metrics) for cell in cells] == sorted(len(cell.metrics) for cell in cells)
    for cell in cells:
        columns = list(cell.metrics)
        duplicate = (values[:, columns] <= thresholds[alphas.index(cell.alpha), columns]).all(axis=1)
        assert cell.collision == collision(graph.degrees(60, i[duplicate], j[duplicate]))
        assert cell.independent == pytest.approx(cell.alpha ** len(columns))


def test_kernel_is_its_python() -> None:
    values, i, j = distances(20, 3, 1)
    thresholds = exact_thresholds((0.4, 0.2), 3)
    assert np.array_equal(
        sweep._degrees(values, i, j, 20, thresholds), sweep._degrees.py_func(values, i, j, 20, thresholds)
    )


def test_only_compared_pairs_count() -> None:
    values, i, j = distances(60, 1, 3)
    compared = i % 4 == j % 4
    (cell,) = sweep.sweep(values[compared], i[compared], j[compared], 60, (0.3,), np.array([[0.2]]))
    near = compared & (values[:, 0] <= 0.2)
    assert cell.collision == collision(graph.degrees(60, i[near], j[near]), np.full(60, 14))
    assert cell.collision.pairs == compared.sum()


def test_one_metric_is_one_over_alpha_whatever_the_data() -> None:
    i, j = (index.astype(np.int64) for index in np.triu_indices(1000, 1))
    rng = np.random.default_rng(2)
    for x in (rng.normal(size=1000), rng.exponential(size=1000), rng.random(1000) ** 8):
        values = np.abs(x[i] - x[j])[:, None]
        cells = sweep.sweep(values, i, j, 1000, ALPHAS, np.quantile(values, ALPHAS, axis=0))
        for cell in cells:
            assert cell.collision.effective_support.value == pytest.approx(1 / cell.alpha, rel=0.002)


def test_independent_metrics_give_alpha_to_their_number() -> None:
    # The effective supports 50, 2500 and 125,000 of one, two and three independent metrics at alpha = 0.02.
    values, i, j = distances(2000, 3, 5)
    cells = sweep.sweep(values, i, j, 2000, (0.02,), exact_thresholds((0.02,), 3))
    for cell, expected in zip(cells, [50] * 3 + [2500] * 3 + [125_000], strict=True):
        assert 1 / cell.independent == pytest.approx(expected)
        low, high = cell.collision.effective_support[1:]
        assert low is not None and high is not None and low <= expected <= high


def test_a_metric_that_repeats_another_is_no_independent_one() -> None:
    values, i, j = distances(1000, 1, 7)
    cells = sweep.sweep(np.hstack([values, values]), i, j, 1000, (0.02,), exact_thresholds((0.02,), 2))
    alone, _, both = (cell.collision for cell in cells)
    assert both == alone
    assert both.low > 20 * cells[2].independent


@pytest.mark.parametrize(
    ("alphas", "thresholds"),
    [((0.1, 0.1), [[0.2], [0.1]]), ((0.01, 0.1), [[0.1], [0.2]]), ((0.1, 0.01), [[0.1], [0.2]])],
)
def test_alphas_and_thresholds_must_fall(alphas: tuple[float, ...], thresholds: list[list[float]]) -> None:
    values, i, j = distances(10, 1, 1)
    with pytest.raises(ValueError, match="decreasing alphas"):
        sweep.sweep(values, i, j, 10, alphas, np.array(thresholds))


@pytest.mark.parametrize(("alpha", "support"), [(0.02, "50 "), (0.001, "1,000 "), (0.03, "33.33 ")])
def test_one_calibrated_metric_is_a_tautology(alpha: float, support: str) -> None:
    text = sentences.tautology([alpha])
    assert text is not None and f"1/alpha = {support}by construction; only the ratio" in text
    assert sentences.tautology([alpha], 0.9 / alpha) == text
    tied = sentences.tautology([alpha], 0.5 / alpha)
    assert tied is not None and tied.startswith("Many distances are equal") and "by construction" not in tied


@pytest.mark.parametrize("alphas", [[], [None], [0.02, 0.02], [0.02, None]])
def test_other_definitions_are_not(alphas: list[float | None]) -> None:
    assert sentences.tautology(alphas) is None
