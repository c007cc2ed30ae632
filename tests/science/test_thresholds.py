from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, inf
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.general.metric_condition import Condition
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.search import thresholds
from gancensus.search.pairs import Side
from gancensus.search.thresholds import Threshold, quantile_rank, ranked, threshold

METRIC = Euclidean(alpha=0.5)


class DearEuclidean(Euclidean):
    """A metric too dear for all pairs."""

    cost: ClassVar[float] = 1e6


def of(x: NDArray[Any], alpha: float, metric: Euclidean = METRIC, longest: int = 10**9, seed: int = 0) -> Threshold:
    features = metric.features(Samples(x.astype(np.float32), np.arange(len(x))))
    pairs = len(x) * (len(x) - 1) // 2
    return threshold(metric, alpha, [], Side.of([features], longest), pairs, 0.95, np.random.default_rng(seed))


def exactly(x: NDArray[Any], alpha: float) -> float:
    """The quantile by sorting all distances of whole numbers, which are exact."""
    distances = np.sort(pdist(x))
    return float(distances[ceil(Fraction(str(alpha)) * len(distances)) - 1])


@pytest.mark.parametrize(("alpha", "pairs", "rank"), [(0.1, 30, 3), (0.07, 100, 7), (0.3, 10, 3), (0.001, 1000, 1)])
def test_whole_ranks_are_met_exactly(alpha: float, pairs: int, rank: int) -> None:
    assert quantile_rank(alpha, pairs) == rank


@pytest.mark.parametrize("pairs", range(2, 200))
def test_one_pair_is_enough(pairs: int) -> None:
    """1 / 49 * 49 is below 1 in floating point."""
    assert quantile_rank(1 / pairs, pairs) == 1


def test_less_than_one_pair_says_what_to_do() -> None:
    with pytest.raises(UserError) as error:
        of(np.arange(5)[:, None], 0.05)
    assert str(error.value) == (
        "alpha 0.05 of the 10 pairs of `calibrate` is less than one pair; raise alpha or give `calibrate` more samples"
    )


@pytest.mark.parametrize("alpha", [0.001, 0.02, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("longest", [100, 10**9])
def test_the_quantile_of_all_pairs(alpha: float, longest: int) -> None:
    """500 samples have more pairs than are sorted at once: sample, histogram and one bin."""
    x = np.random.default_rng(2).integers(-1000, 1000, (500, 3))
    found = of(x, alpha, longest=longest)
    assert found == Threshold(exactly(x, alpha), exactly(x, alpha), exactly(x, alpha), 124_750)


@pytest.mark.parametrize("alpha", [0.001, 0.3, 0.9])
def test_the_quantile_of_few_pairs(alpha: float) -> None:
    x = np.random.default_rng(3).integers(-1000, 1000, (60, 3))
    assert of(x, alpha).value == exactly(x, alpha)


@pytest.mark.parametrize("alpha", [0.001, 0.02, 0.5, 0.99])
def test_the_quantile_of_ties(alpha: float) -> None:
    """Distances of a few values only, most of them in one bin; and all equal."""
    x = np.random.default_rng(4).integers(0, 2, (600, 2))
    assert of(x, alpha).value == exactly(x, alpha)
    assert of(np.zeros((600, 2)), alpha).value == 0


@pytest.mark.parametrize("alpha", [0.01, 0.5])
def test_a_misleading_sample_costs_time_and_nothing_else(alpha: float, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(5).integers(-1000, 1000, (500, 3))
    for wrong in (np.zeros(50_000), np.full(50_000, 1e9), np.full(50_000, inf)):
        monkeypatch.setattr(thresholds, "_drawn", lambda *_, wrong=wrong: wrong[:, None])
        assert of(x, alpha).value == exactly(x, alpha)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.data())
def test_ranked_is_the_rank_in_the_sorted_list(values: list[int], data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, len(values)))
    low, high = data.draw(st.integers(-1, 30)), 30

    def distances() -> Iterator[NDArray[np.float64]]:
        yield from np.array_split(np.asarray(values, dtype=float), 3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thresholds, "BINS", 4)
        found = ranked(distances, rank, low, high)
    answer = sorted(values)[rank - 1]
    assert found == (answer if answer > low else None)


def test_under_conditions_only_matched_pairs_count() -> None:
    rng = np.random.default_rng(6)
    x, energy = rng.integers(-1000, 1000, (800, 3)), np.sort(rng.integers(0, 5, 800))
    samples = Samples(x.astype(np.float32), np.arange(800), None, None, {"energy": energy.astype(np.float32)})
    condition = Condition(column="energy", tolerance=0)
    side = Side.of([METRIC.features(samples), condition.features(samples)], 300)
    matched = np.sort(np.concatenate([pdist(x[energy == e]) for e in range(5)]))
    found = threshold(METRIC, 0.02, [condition], side, len(matched), 0.95, np.random.default_rng(0))
    assert len(matched) > thresholds.SAMPLED_PAIRS
    assert found.value == matched[ceil(0.02 * len(matched)) - 1]


def test_a_dear_metric_is_sampled_with_an_interval() -> None:
    """95 % intervals of 200 samples of pairs hold the quantile of all pairs about 190 times."""
    x = np.random.default_rng(7).integers(-1000, 1000, (500, 3))
    found = [of(x, 0.02, DearEuclidean(alpha=0.02), seed=seed) for seed in range(200)]
    assert all(t.pairs == 50_000 and t.low < t.value < t.high for t in found)
    holds = sum(t.low <= exactly(x, 0.02) <= t.high for t in found)
    assert 180 <= holds <= 198


def test_the_sampled_pairs_do_not_depend_on_blocks() -> None:
    x = np.random.default_rng(8).normal(size=(500, 3))
    metric = DearEuclidean(alpha=0.02)
    assert of(x, 0.02, metric) == of(x, 0.02, metric, longest=64)


def test_few_pairs_of_a_dear_metric_are_all_measured() -> None:
    x = np.random.default_rng(9).integers(-1000, 1000, (100, 3))
    value = exactly(x, 0.02)
    assert of(x, 0.02, DearEuclidean(alpha=0.02)) == Threshold(value, value, value, 4950)
