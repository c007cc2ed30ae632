"""P-values of many comparisons: their level, and Holm's against a loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gancensus.statistics.multiplicity import holm, max_t


def test_the_family_has_the_level_and_one_statistic_its_own() -> None:
    rng, alarms = np.random.default_rng(0), np.zeros(2)
    sides = np.array([0, 1, -1, 1])
    for _ in range(400):
        values = rng.normal(size=(100, 4)) * [1, 5, 0.1, 2]
        values[:, 3] = values[:, 1] ** 3  # dependent
        found = max_t(values, sides)
        alarms += [(found.adjusted <= 0.05).any(), found.p[0] <= 0.05]
        assert (found.adjusted >= found.p).all()
    assert np.abs(alarms / 400 - 0.05).max() < 0.033  # three deviations


def test_what_cannot_be_said_is_no_alarm() -> None:
    values = np.random.default_rng(1).normal(size=(100, 3))
    values[0] = [np.nan, 1, 50]
    values[:, 1] = 1
    found = max_t(values, np.array([1, 1, 1]))
    assert found.adjusted[2] == 0.01
    assert found.p[1] == found.adjusted[1] == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_step_by_step(p: list[float]) -> None:
    adjusted = holm(np.array(p))
    for level in (0.01, 0.05, 0.2):
        rejected, left = set(), sorted(range(len(p)), key=lambda k: p[k])
        while left and p[left[0]] * len(left) <= level:
            rejected.add(left.pop(0))
        assert {k for k in range(len(p)) if adjusted[k] <= level} == rejected
