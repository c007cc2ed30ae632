from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from pydantic import ValidationError

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.general.metric_condition import Condition


def samples(**conditions: Any) -> Samples:
    columns = {name: np.asarray(values, dtype=np.float32) for name, values in conditions.items()}
    n = len(next(iter(columns.values())))
    return Samples(np.zeros((n, 1), dtype=np.float32), np.arange(100, 100 + n), conditions=columns)


def all_pairs(metric: Condition, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    i, j = np.indices((len(numbers),) * 2)
    return metric.exact((numbers,), (numbers,), i.ravel(), j.ravel(), math.inf).reshape(i.shape)


def matches(metric: Condition, values: list[float]) -> NDArray[np.bool_]:
    (features,) = metric.features(samples(energy=values))
    return all_pairs(metric, features) <= metric.fixed


def test_a_tolerance() -> None:
    metric = Condition(column="energy", tolerance=5)
    assert metric.fixed == 5
    np.testing.assert_array_equal(matches(metric, [100, 105, 94.9])[0], [True, True, False])
    np.testing.assert_array_equal(all_pairs(metric, np.array([62.0, 90.0, 118.0]))[1], [28, 0, 28])


def test_without_a_tolerance_conditions_must_be_equal() -> None:
    metric = Condition(column="energy")
    assert metric.fixed == 0
    np.testing.assert_array_equal(
        matches(metric, [0.1, 0.1, np.nextafter(np.float32(0.1), np.float32(1))])[0], [1, 1, 0]
    )


def test_the_edge_of_a_tolerance_is_that_of_float32_columns_in_float64() -> None:
    """0.7 and 0.6 in float32 are 0.09999996 apart, 0.4 and 0.3 are 0.1 and a bit: neither is rounded again."""
    metric = Condition(column="energy", tolerance=0.1)
    values = [0.7, 0.6, 0.4, 0.3]
    apart = [abs(float(np.float32(a)) - float(np.float32(b))) for a, b in (values[:2], values[2:])]
    assert apart[0] < 0.1 or apart[1] < 0.1
    found = matches(metric, values)
    assert [found[0, 1], found[2, 3]] == [a <= 0.1 for a in apart]
    exact = Condition(column="energy", tolerance=apart[0])
    assert matches(exact, values)[0, 1]
    assert not matches(Condition(column="energy", tolerance=math.nextafter(apart[0], 0)), values)[0, 1]


def test_bins_are_closed_below_and_open_at_the_ends() -> None:
    metric = Condition(column="energy", bins=(100, 150, 200))
    assert metric.fixed == 0
    values = [-1e9, 99.9, 100, 149, 150, 200, 1e9]
    (features,) = metric.features(samples(energy=values))
    np.testing.assert_array_equal(features, [0, 0, 1, 1, 2, 3, 3])
    assert features.dtype == np.float64
    np.testing.assert_array_equal(matches(metric, values)[2], [False, False, True, True, False, False, False])
    np.testing.assert_array_equal(all_pairs(metric, features)[0], [0, 0, 1, 1, 2, 3, 3])


def test_a_value_that_is_written_like_an_edge_is_on_it() -> None:
    """0.7 in float32 lies below 0.7, 0.3 above."""
    (features,) = Condition(column="energy", bins=(0.3, 0.7)).features(samples(energy=[0.3, 0.7]))
    np.testing.assert_array_equal(features, [1, 2])


@given(
    npst.arrays(
        np.float32, st.integers(1, 10), elements=st.floats(-(2.0**100), 2.0**100, width=32) | st.floats(0, 1, width=32)
    ),
    st.lists(st.floats(-10, 10), min_size=1, max_size=4, unique=True).map(sorted) | st.none(),
    st.floats(0, 1e3),
)
def test_no_matching_pair_is_lost(values: NDArray[np.float32], bins: list[float] | None, tolerance: float) -> None:
    metric = Condition.model_validate({"column": "energy", "bins": bins, "tolerance": 0 if bins else tolerance})
    features = metric.features(samples(energy=np.concatenate([values, np.nextafter(values, np.float32(np.inf))])))
    found, points = all_pairs(metric, features[0]), metric.embed(features)
    assert points.shape == (2 * len(values), 1)
    apart = np.abs(points - points.T)
    for threshold in {0.0, metric.fixed, *found.ravel().tolist()}:
        assert (apart[found <= threshold] <= metric.radius(threshold)).all()
        assert (apart[found > threshold * (1 + 1e-14)] > metric.radius(threshold)).all()


def test_a_configuration_must_say_one_thing() -> None:
    for wrong, message in (
        ({"bins": [1, 2], "tolerance": 0.5}, "`bins` and a `tolerance` exclude each other"),
        ({"bins": [1, 2, 2]}, "must increase"),
        ({"bins": [2, 1]}, "must increase"),
        ({"bins": []}, "at least 1"),
        ({"tolerance": -1}, "greater than or equal to 0"),
        ({"alpha": 0.1}, "Extra inputs"),
    ):
        with pytest.raises(ValidationError, match=message):
            Condition.model_validate({"column": "energy", **wrong})
    assert Condition.model_validate({"column": "energy", "bins": [1], "tolerance": 0}).bins == (1.0,)


def test_errors() -> None:
    with pytest.raises(
        UserError, match=r"^metric condition: the samples have no condition 'Energy'; did you mean 'energy"
    ):
        Condition(column="Energy").features(samples(energy=[1]))
    with pytest.raises(
        UserError, match=r"^metric condition: condition 'energy' of sample 102 is nan; remove or repair"
    ):
        Condition(column="energy", bins=(1.0,)).features(samples(energy=[1, 2, math.nan]))
    assert Condition(column="energy").features(samples(energy=[]))[0].shape == (0,)
