from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gancensus.errors import UserError
from gancensus.metrics.euclidean import Euclidean
from gancensus.pairs import all_distances, find_pairs
from gancensus.thresholds import quantile

METRIC = Euclidean(alpha=0.5)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=300), st.integers(1, 999))
def test_quantile_is_the_smallest_distance_with_enough_at_or_below_it(distances: list[int], thousandths: int) -> None:
    """By sorting, with alpha as the fraction that a person writes; whole numbers give ties."""
    rank = ceil(Fraction(thousandths, 1000) * len(distances))
    alpha = thousandths / 1000
    if thousandths * len(distances) < 1000:
        with pytest.raises(UserError, match="less than one pair"):
            quantile(np.asarray(distances, dtype=float), alpha)
    else:
        assert quantile(np.asarray(distances, dtype=float), alpha) == sorted(distances)[rank - 1]


@pytest.mark.parametrize(("alpha", "pairs", "rank"), [(0.1, 30, 3), (0.07, 100, 7), (0.3, 10, 3), (0.001, 1000, 1)])
def test_whole_ranks_are_met_exactly(alpha: float, pairs: int, rank: int) -> None:
    assert quantile(np.random.default_rng(1).permutation(pairs) + 1.0, alpha) == rank


@pytest.mark.parametrize("pairs", range(2, 200))
def test_one_pair_is_enough(pairs: int) -> None:
    """1 / 49 * 49 is below 1 in floating point."""
    assert quantile(np.arange(float(pairs)), 1 / pairs) == 0


def test_less_than_one_pair_says_what_to_do() -> None:
    with pytest.raises(UserError) as error:
        quantile(np.arange(10.0), 0.05)
    assert str(error.value) == (
        "alpha 0.05 of the 10 pairs of `calibrate` is less than one pair; raise alpha or give `calibrate` more samples"
    )


@pytest.mark.parametrize("alpha", [0.001, 0.02, 0.1, 0.5, 0.999])
def test_the_share_of_calibrate_within_the_threshold_is_alpha(alpha: float) -> None:
    x = METRIC.features(np.random.default_rng(2).standard_normal((60, 8), dtype=np.float32))
    distances = all_distances(METRIC, x)
    assert len(np.unique(distances)) == len(distances) == 1770
    threshold = quantile(distances, alpha)
    assert len(find_pairs([METRIC], [x], [threshold]).i) == ceil(Fraction(str(alpha)) * 1770)
