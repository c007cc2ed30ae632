from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale
from gancensus.distances import shapes
from gancensus.domains.general.metric_scalar import Scalar

ENERGY = Scalar(alpha=0.02)
RELATIVE = Scalar(alpha=0.02, relative=True)
NUMBERS = st.floats(0, 1e300) | st.floats(0, 10) | st.sampled_from([0.0, 5e-324, 1e-310, 1.0])


def samples(x: NDArray[Any], scale: Scale | None = None, **conditions: list[float]) -> Samples:
    columns = {name: np.asarray(values, dtype=np.float32) for name, values in conditions.items()}
    return Samples(x.astype(np.float32), np.arange(100, 100 + len(x)), scale=scale, conditions=columns)


def all_pairs(metric: Scalar, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    i, j = np.indices((len(numbers),) * 2)
    return metric.exact((numbers,), (numbers,), i.ravel(), j.ravel(), math.inf).reshape(i.shape)


# The number of a sample


def test_the_sum_is_the_deposited_energy_in_natural_units() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (40, 3, 5, 7)).astype(np.float32)
    scale = Scale(("energy",), ("GeV",), (0.0,), (3.0,))
    (found,) = ENERGY.features(samples(x, scale))
    assert found.dtype == np.float64
    expected = [math.fsum(1.5 + 1.5 * value for value in shower) for shower in x.reshape(40, -1).tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    np.testing.assert_allclose(ENERGY.features(samples(x))[0], x.sum(axis=(1, 2, 3), dtype=np.float64), rtol=1e-12)


def test_columns_are_summed_each_in_its_own_unit() -> None:
    scale = Scale(("a", "b"), ("1", "1"), (0.0, 10.0), (2.0, 30.0))
    (found,) = ENERGY.features(samples(np.array([[-1, -1], [1, 1], [0, 0]]), scale))
    np.testing.assert_allclose(found, [10, 32, 21])


def test_a_sum_does_not_depend_on_other_samples() -> None:
    whole = samples(np.random.default_rng(1).standard_normal((2 * shapes.SHOWERS_AT_ONCE + 5, 11, 13)))
    (found,) = ENERGY.features(whole)
    for rows in (slice(0, 1), slice(3, 50), np.array([66, 2])):
        np.testing.assert_array_equal(ENERGY.features(whole.take(rows))[0], found[rows])
    assert ENERGY.features(whole.take(slice(0)))[0].shape == (0,)


def test_a_condition_is_taken_as_it_is() -> None:
    of = Scalar(alpha=0.1, of="theta").features(samples(np.zeros((3, 1)), theta=[62, 90.5, 118], energy=[1, 2, 3]))
    np.testing.assert_array_equal(of[0], [62, 90.5, 118])
    assert of[0].dtype == np.float64


# The distance


def test_distances() -> None:
    numbers = np.array([0.0, 0.0, 2.0, 8.0, 10.0])
    np.testing.assert_array_equal(all_pairs(ENERGY, numbers)[2], [2, 2, 0, 6, 8])
    np.testing.assert_array_equal(all_pairs(RELATIVE, numbers)[0], [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(all_pairs(RELATIVE, numbers)[3], [1, 1, 0.75, 0, 0.2])


@given(npst.arrays(np.float64, st.integers(1, 8), elements=NUMBERS), st.booleans(), st.floats(0, 2))
def test_no_pair_within_the_threshold_is_lost(numbers: NDArray[np.float64], relative: bool, other: float) -> None:
    """The thresholds are the pairs' own distances, which `<=` must keep; neighbours in float64 are among them."""
    numbers = np.concatenate([numbers, np.nextafter(numbers, np.inf), numbers * 1.1])
    metric = RELATIVE if relative else ENERGY
    found, points = all_pairs(metric, numbers), metric.embed((numbers,))
    assert points.shape == (len(numbers), 1)
    assert np.isfinite(points).all()
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(found == 0, numbers[:, None] == numbers)
    apart = np.abs(points - points.T)
    for threshold in {0.0, other, *found.ravel().tolist()}:
        assert (apart[found <= threshold] <= metric.radius(threshold)).all()


def test_the_radius_is_tight() -> None:
    assert ENERGY.radius(3.0) == pytest.approx(3, rel=2e-15)
    assert ENERGY.radius(0.0) == 0
    assert RELATIVE.radius(0.5) == pytest.approx(math.log(2), rel=1e-11)
    assert RELATIVE.radius(0.0) < 3e-12
    assert RELATIVE.radius(1.0) == RELATIVE.radius(1.5) == math.inf
    zero, tiny = RELATIVE.embed((np.array([0.0, 5e-324]),)).ravel()
    assert tiny - zero > RELATIVE.radius(1 - 1e-14) > 30  # so that a zero is nobody's candidate


# Errors


def test_an_unknown_condition_is_named_with_those_there_are() -> None:
    given_ = samples(np.zeros((2, 1)), energy=[1, 2], theta=[3, 4])
    with pytest.raises(
        UserError, match=r"^metric scalar: the samples have no condition 'enrgy'; did you mean 'energy'"
    ):
        Scalar(alpha=0.1, of="enrgy").features(given_)
    with pytest.raises(UserError, match=r"no condition 'q'; there are: energy, sum, theta$"):
        Scalar(alpha=0.1, of="q").features(given_)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_condition_that_is_no_number_is_named(bad: float) -> None:
    with pytest.raises(
        UserError, match=rf"^metric scalar: condition 'energy' of sample 101 is {bad}; remove or repair"
    ):
        Scalar(alpha=0.1, of="energy").features(samples(np.zeros((3, 1)), energy=[1, bad, 3]))


def test_relative_differences_need_numbers_of_at_least_0() -> None:
    x = np.array([[1.0, 2.0], [0.5, -0.75], [-3.0, 1.0]])
    with pytest.raises(UserError, match=r"^metric scalar: sum of sample 101 is -0.25, and relative .* at least 0; set"):
        RELATIVE.features(samples(x))
    with pytest.raises(UserError, match=r"^metric scalar: theta of sample 101 is -1e-30, "):
        Scalar(alpha=0.1, of="theta", relative=True).features(samples(x, theta=[0, -1e-30, 3]))
    assert ENERGY.features(samples(x))[0].tolist() == [3.0, -0.25, -2.0]


def test_the_rounding_of_an_empty_sample_counts_as_0() -> None:
    """Just below -1 in float32, or at -1 of a scale that begins a little below 0."""
    below = np.full((1, 4), np.nextafter(np.float32(-1), np.float32(-2)))
    for x, low in ((below, 0.0), (np.full((1, 4), -1.0), -1e-8)):
        empty = samples(x, Scale(("energy",), ("GeV",), (low,), (1.0,)))
        assert ENERGY.features(empty)[0] < 0
        assert RELATIVE.features(empty)[0] == 0
    with pytest.raises(UserError, match=r"sum of sample 100 is -4e-05"):
        RELATIVE.features(samples(np.full((1, 4), -1.0), Scale(("energy",), ("GeV",), (-1e-5,), (1.0,))))
