from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gancensus.statistics.half_samples import half_sample_variance, half_sample_variances, halves, sides


@given(st.integers(0, 2**32), st.integers(2, 50))
def test_halves_are_disjoint_and_leave_out_one_row_of_an_odd_number(seed: int, count: int) -> None:
    a, b = halves(count, np.random.default_rng(seed))
    assert len(a) == len(b) == count // 2
    assert len({*a.tolist(), *b.tolist()}) == count - count % 2
    side = sides(count, np.random.default_rng(seed))
    assert np.flatnonzero(side == 1).tolist() == sorted(a.tolist())
    assert np.flatnonzero(side == -1).tolist() == sorted(b.tolist())


def test_the_variance_by_hand() -> None:
    assert half_sample_variance(np.array([1.0, -3.0])) == (1 + 9) / 2 / 4
    np.testing.assert_array_equal(half_sample_variance(np.array([[1.0, 0.0], [3.0, 2.0]])), [10 / 8, 4 / 8])


def test_the_variance_of_a_difference_of_means_is_that_of_the_textbooks() -> None:
    """On average over all splits of an even number, mean (T_A - T_B)^2 / 4 is s^2 / n for a mean."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 2)), 3 * rng.standard_normal((30, 2))
    found = half_sample_variances(lambda a, b: a.mean(axis=0) - b.mean(axis=0), x, y, 4000, rng)
    expected = x.var(axis=0, ddof=1) / 40 + y.var(axis=0, ddof=1) / 30
    assert found == pytest.approx(expected, rel=0.1)  # four standard deviations: sqrt(2 / 4000) each
