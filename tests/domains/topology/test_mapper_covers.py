"""Covers against intervals computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gancensus.contracts.errors import UserError
from gancensus.domains.topology.covers import Integers, Spacing, cells, fit


def held(found: Integers) -> list[set[int]]:
    return [set(row[row >= 0].tolist()) for row in found]


def test_two_intervals_with_a_quarter_in_common_are_four_sevenths_long() -> None:
    cover = fit("x1", np.array([0.0, 7.0]), "uniform", 2, 0.25)  # [0, 4] and [3, 7]: 1 of 4 in common
    values = np.array([0, 2.99, 3, 3.5, 4, 4.01, 7])
    assert held(cover.intervals(values)) == [{0}, {0}, {0, 1}, {0, 1}, {0, 1}, {1}, {1}]


def test_ten_intervals_with_three_tenths_in_common() -> None:
    cover = fit("x1", np.array([0.0, 73.0]), "uniform", 10, 0.3)  # [7 i, 7 i + 10]: 3 of 10 in common
    values = np.arange(74)
    expected = [{i for i in range(10) if 7 * i <= value <= 7 * i + 10} for value in values]
    assert held(cover.intervals(values.astype(float))) == expected


@pytest.mark.parametrize("overlap", [0.1, 0.3, 0.45])
@pytest.mark.parametrize("spacing", ["uniform", "balanced"])
def test_the_overlap_is_the_share_of_an_interval_that_its_neighbour_holds(overlap: float, spacing: Spacing) -> None:
    values = np.linspace(0, 1, 100_001)
    if spacing == "balanced":
        values = values**3  # equally many samples, however they are spread
    found = fit("x1", values, spacing, 7, overlap).intervals(values)
    sizes = np.bincount(found[found >= 0], minlength=7)
    common = np.bincount(found[found[:, 1] >= 0, 0], minlength=6)
    np.testing.assert_allclose(sizes, sizes[0], rtol=1e-3)
    np.testing.assert_allclose(common / sizes[0], overlap, rtol=1e-3)


def test_values_beyond_the_ends_are_in_the_outermost_intervals() -> None:
    for spacing in ("uniform", "balanced"):
        cover = fit("x1", np.linspace(-1, 1, 50), spacing, 4, 0.3)
        assert held(cover.intervals(np.array([-1e9, -1, 1, 1e9]))) == [{0}, {0}, {3}, {3}]


def test_a_balanced_interval_holds_equally_many_samples_of_heavy_tails() -> None:
    values = np.random.default_rng(0).standard_cauchy(10_000)
    found = fit("x1", values, "balanced", 10, 0.3).intervals(values)
    np.testing.assert_allclose(np.bincount(found[found >= 0]), 10_000 / 7.3, atol=1.01)
    uniform = fit("x1", values, "uniform", 10, 0.3).intervals(values)
    assert np.bincount(uniform[uniform >= 0]).max() > 9_000


def test_few_different_values_have_an_interval_each() -> None:
    """The value in the middle lies where two intervals overlap: they hold the same samples, and are one."""
    values = np.repeat([0.0, 1.0, 2.0], [4, 3, 2])
    cover = fit("x1", values, "uniform", 10, 0.3)
    assert held(cover.intervals(np.array([0.0, 1.0, 2.0]))) == [{0}, {4}, {9}]
    # Mean ranks, from 0 to 8: 1.5, 5 and 7.5. Over 8, in units of 1/73: 13.7, 45.6 and 68.4; intervals [7 i, 7 i + 10].
    balanced = fit("x1", values, "balanced", 10, 0.3)
    assert held(balanced.intervals(np.array([0.0, 1.0, 2.0]))) == [{1}, {6}, {9}]
    assert held(balanced.intervals(np.array([0.5]))) == [{3, 4}]  # halfway, at 29.7


def test_half_of_the_samples_at_one_value_take_one_interval() -> None:
    values = np.append(np.zeros(500), np.linspace(0.001, 1, 500))
    found = fit("x1", values, "balanced", 5, 0.3).intervals(values)
    assert len(np.unique(found[:500], axis=0)) == 1
    assert (found[:500] >= 0).sum(axis=1).max() == 1
    assert set(np.unique(found[500:])) - {-1} == {2, 3, 4}


def test_cells_are_products_of_intervals() -> None:
    lens = np.array([[0.0, 0.0], [3.5, 0.0], [3.5, 3.5], [7.0, 3.5], [7.0, 7.0]])
    both = tuple(fit("x1", np.array([0.0, 7.0]), "uniform", 2, 0.25) for _ in range(2))
    assert held(cells(both, lens)) == [{0}, {0, 2}, {0, 1, 2, 3}, {2, 3}, {3}]
    assert cells(both, lens).shape == (5, 4)
    assert held(cells(both[:1], lens[:, :1])) == [{0}, {0, 1}, {0, 1}, {1}, {1}]


def test_one_interval_holds_all() -> None:
    cover = fit("x1", np.array([0.0, 1.0]), "uniform", 1, 0.3)
    assert held(cover.intervals(np.array([-1, 0, 0.5, 2]))) == [{0}] * 4


def test_a_constant_lens_is_refused() -> None:
    with pytest.raises(UserError, match=r"^lens x3: .* have the same value; use another lens$"):
        fit("x3", np.ones(9), "balanced", 4, 0.3)
