"""Hypergeometric tails and mean ranks, by SciPy's and by counting."""

from __future__ import annotations

import sys
from math import comb
from types import ModuleType

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


def test_without_scipys_own_function_the_values_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    of = np.array([10, 300, 50_000, 50_000, 2])
    marked, drawn = np.array([3, 40, 700, 25_000, 1]), np.array([4, 100, 400, 20_000, 1])
    k = np.array([0, 20, 12, 10_100, 0])
    expected = more_than(k, of, marked, drawn)
    monkeypatch.setitem(sys.modules, "scipy.special._ufuncs", ModuleType("of another version"))
    found = more_than(k, of, marked, drawn)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert ((expected > 1e-9) & (expected < 1)).all()
    counted = sum(comb(40, one) * comb(260, 100 - one) for one in range(21, 41)) / comb(300, 100)
    assert found[1] == pytest.approx(counted, rel=1e-9)


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
