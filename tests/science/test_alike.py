"""Largest differences of columns and pairs of columns against SciPy's, and numbers of distinct values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from gancensus.census.relabelling import relabelled
from gancensus.comparison import alike

RNG = np.random.default_rng(0)
X = np.round(RNG.normal(size=(80, 4)), 1)
LABELS = relabelled(30, 80, 5, RNG)


def sides(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Generated and real rows of a labelling."""
    return X[LABELS[:, k] == 1], X[LABELS[:, k] == 0]


def test_columns_are_scipys() -> None:
    found = alike.columns(X, LABELS)
    for k in range(6):
        each = [ks_2samp(*column).statistic for column in zip(*(side.T for side in sides(k)), strict=True)]
        assert found.difference[k] == pytest.approx(max(each))
        assert k > 0 or found.column == (int(np.argmax(each)),)


def test_associations_are_scipys_on_pooled_ranks() -> None:
    ranks = np.argsort(np.argsort(X + 1e-9 * np.arange(80)[:, None], axis=0), axis=0).astype(float)  # no ties
    found = alike.associations(ranks, LABELS)
    for k in range(6):
        of = [np.corrcoef(ranks[LABELS[:, k] == side].T) for side in (1, 0)]
        assert found.difference[k] == pytest.approx(np.abs(of[0] - of[1]).max())
    lost = RNG.normal(size=(2000, 3))
    lost[1000:, 2] += 3 * lost[1000:, 0]
    far = alike.associations(lost, relabelled(1000, 2000, 1, RNG))
    rho = spearmanr(lost[1000:, 0], lost[1000:, 2]).statistic
    assert far.column == (0, 2)
    assert far.difference[0] == pytest.approx(rho, abs=0.1)
    assert far.difference[1] < 0.2


def test_distinct_values_at_equal_numbers() -> None:
    found = alike.distinct(X, LABELS)
    for k in range(3):
        generated, real = sides(k)
        logs = []
        for a, b in zip(generated.T, real.T, strict=True):
            fewer = [len(np.unique(RNG.choice(b, 30, replace=False))) for _ in range(4000)]
            logs.append(np.log(len(np.unique(a)) / np.mean(fewer)))
        assert found.difference[k] == pytest.approx(np.abs(logs).max(), abs=0.01)
