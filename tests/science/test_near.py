"""Relative distances of a definition against all distances at once."""

from __future__ import annotations

import numpy as np
import pytest

from gancensus.contracts.samples import Samples
from gancensus.domains.general.metric_condition import Condition
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.domains.general.metric_scalar import Scalar
from gancensus.search.near import RelativeDistance
from gancensus.search.pairs import Side

RNG = np.random.default_rng(0)
ENERGY = RNG.integers(2, size=(2, 60)).astype(np.float32)
X = RNG.random((2, 60, 3)).astype(np.float32)
UNITS = {"energy": "GeV"}
SAMPLES = [Samples(x, np.arange(60), None, None, {"energy": e}, UNITS) for x, e in zip(X, ENERGY, strict=True)]


def expected(unit: float, scalar: float, a: int, b: int) -> np.ndarray:
    """The distances of all pairs, infinite where energies differ."""
    apart = np.linalg.norm(X[a].astype(float)[:, None] - X[b].astype(float)[None], axis=2) / unit
    total = np.abs(X[a].astype(float).sum(1)[:, None] - X[b].astype(float).sum(1)[None]) / scalar
    return np.where(ENERGY[a][:, None] == ENERGY[b][None], np.maximum(apart, total), np.inf)


@pytest.mark.parametrize("threshold", [0.2, 0.0])
def test_they_are_the_largest_over_the_thresholds(threshold: float) -> None:
    definition = {"e": Condition(column="energy"), "near": Euclidean(alpha=0.1), "sum": Scalar(alpha=0.1)}
    features = [[metric.features(samples) for metric in definition.values()] for samples in SAMPLES]
    distance, pilot, size = RelativeDistance.of(definition, [0.0, threshold, 0.5], features[0])
    least = np.linalg.norm(X[0].astype(float)[:, None] - X[0].astype(float)[None], axis=2)
    same = (ENERGY[0][:, None] == ENERGY[0][None]) & (least > 0)
    unit = threshold or float(least[same].min()) / 2
    assert size == 60
    within, across = expected(unit, 0.5, 0, 0), expected(unit, 0.5, 0, 1)
    every = np.triu(np.isfinite(within), 1)
    assert np.array_equal(np.argwhere(every), np.stack([pilot.i, pilot.j], 1))
    assert pilot.distance == pytest.approx(within[every])

    radius = float(np.sort(pilot.distance)[40])  # an attained one: that pair is within
    found = distance.pairs(features[0], None, radius)
    assert len(found.i) == 41
    both = distance.pairs(features[0], features[1], radius)
    assert np.array_equal(np.argwhere(across <= radius), np.stack([both.i, both.j], 1))
    assert both.distance == pytest.approx(across[across <= radius])


def test_the_nearest_are_those_of_all_distances() -> None:
    values = np.random.default_rng(1).integers(3, size=(90, 2)).astype(np.float32)  # many are equal
    near = Euclidean(alpha=0.1)
    real, other = (near.features(Samples(x, np.arange(len(x)))) for x in (values[:50], values[50:]))
    distance = RelativeDistance([near], (0.5,))
    every = np.linalg.norm(values[50:, None].astype(float) - values[None, :50], axis=2) / 0.5
    for longest in (50, 16):
        side = Side.of([real], longest)
        first, far, equal = distance.nearest([other], side, 2.5)
        assert np.array_equal(first, every.argmin(axis=1))
        assert far == pytest.approx(every.min(axis=1))
        last, *_ = distance.nearest([other], side, 2.5, rank=lambda i, j: -j)
        assert np.array_equal(last, 49 - every[:, ::-1].argmin(axis=1))
        own, gap, twins = distance.nearest([real], side, 2.5, itself=np.arange(50))
        among = np.linalg.norm(values[:50, None].astype(float) - values[None, :50], axis=2) / 0.5
        np.fill_diagonal(among, np.inf)
        assert np.array_equal(own, among.argmin(axis=1))
        assert gap == pytest.approx(among.min(axis=1))
        assert np.array_equal(equal, (every == 0).sum(axis=1))
        assert np.array_equal(twins, (among == 0).sum(axis=1))
    row, far, equal = distance.nearest([other], Side.of([(values[:50] + 100,)]), 2.5)
    assert (row == -1).all() and np.isinf(far).all() and not equal.any()
