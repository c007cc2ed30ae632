"""Hypergeometric tails and mean ranks, by SciPy's and by counting."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.stats import hypergeom, rankdata

from gancensus.statistics.hypergeometric import more_than
from gancensus.statistics.ranks import mean_ranks


def test_tails_are_those_of_scipy_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    of = rng.integers(1, 300, 2000)
    marked, drawn = rng.integers(0, of + 1), rng.integers(0, of + 1)
    k = rng.integers(-2, of + 2)
    assert more_than(k, of, marked, drawn).tobytes() == hypergeom.sf(k, of, marked, drawn).tobytes()


def test_tail_by_counting() -> None:
    assert more_than(0, 10, 3, 4) == pytest.approx(1 - comb(7, 4) / comb(10, 4), rel=1e-14)
    assert more_than(3, 10, 3, 4) == 0
    assert more_than(0, 10, 8, 4) == 1


@pytest.mark.parametrize("kinds", [1, 5, 1000, 10**9])
def test_mean_ranks_are_those_of_scipy(kinds: int) -> None:
    values = np.random.default_rng(1).integers(0, kinds, 500).astype(np.float64)
    assert mean_ranks(values).tobytes() == rankdata(values).tobytes()


def test_nothing_has_no_ranks() -> None:
    assert mean_ranks(np.array([])).shape == (0,)
