from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score

from gancensus.statistics.roc import FEWEST, Flags, Floats, area, cross_fitted_area, delong


def learn(x: Floats, of_x: Flags) -> Callable[[Floats], Floats]:
    """Let the difference of the means decide: the best there is for Gaussians of one covariance, the identity."""
    direction = x[of_x].mean(axis=0) - x[~of_x].mean(axis=0)
    return lambda judged: np.asarray(judged @ direction)


def test_the_area_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    x, y = (rng.poisson(mean, n).astype(np.float64) for mean, n in ((3, 60), (2, 40)))
    assert area(x, y) == pytest.approx(roc_auc_score(np.arange(100) < 60, np.concatenate([x, y])))
    assert area(x, y) + area(y, x) == pytest.approx(1)


@pytest.mark.parametrize(("n", "m", "d"), [(60, 60, 1), (60, 60, 20), (200, 40, 8)])
def test_the_interval_covers_a_half_where_nothing_differs(n: int, m: int, d: int) -> None:
    rng = np.random.default_rng(2)
    found = [
        cross_fitted_area(learn, rng.standard_normal((n, d)), rng.standard_normal((m, d)), rng=rng) for _ in range(600)
    ]
    values = np.array([one.value or 0 for one in found])
    covered = np.mean([(one.low or 0) <= 0.5 <= (one.high or 0) for one in found])
    assert abs(values.mean() - 0.5) < 4 * values.std() / math.sqrt(600)
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 600)


def test_scores_of_one_model_would_be_too_certain() -> None:
    """What the correction is for: DeLong's interval of all scores together, as if one model had made them."""
    rng, narrow = np.random.default_rng(3), 0
    for _ in range(300):
        x, y = rng.standard_normal((60, 20)), rng.standard_normal((60, 20))
        fold = np.arange(60) % 5
        scores = np.empty((2, 60))
        for k in range(5):
            one, other = x[fold != k], y[fold != k]
            judge = learn(np.concatenate([one, other]), np.arange(2 * len(one)) < len(one))
            scores[:, fold == k] = judge(x[fold == k]), judge(y[fold == k])
        value, variance = delong(*scores)
        narrow += abs(value - 0.5) > 1.96 * math.sqrt(variance)
    assert narrow / 300 > 0.08


def test_the_area_of_two_gaussians() -> None:
    rng = np.random.default_rng(4)
    found = cross_fitted_area(learn, 1 + rng.standard_normal((1000, 1)), rng.standard_normal((1000, 1)), rng=rng)
    assert found.low is not None and found.high is not None
    assert found.low <= float(ndtr(1 / math.sqrt(2))) <= found.high
    assert found.high - found.low < 0.06


def test_the_fewest_rows_there_can_be() -> None:
    x = np.arange(float(FEWEST))[:, None]
    found = cross_fitted_area(learn, x + 100, x, rng=np.random.default_rng(5))
    assert (found.value, found.high) == (1, 1)
    assert found.low is not None and 0.5 < found.low < 1
