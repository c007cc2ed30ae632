from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from gancensus.contracts.columns import Column, decode, width
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.scales import scale_of
from gancensus.domains.tables.metric_hamming import Hamming

COLUMNS = ("age", "sex", "children")
METRIC = Hamming(alpha=0.5)
WHOLE = st.integers(-3, 3) | st.sampled_from([-4000, 1000, 2000, 1234567])


def table(natural: NDArray[np.floating], names: tuple[str, ...] | None = None) -> Samples:
    """A table as the sources make it: each column scaled by its own minimum and maximum."""
    low, high = natural.min(axis=0), natural.max(axis=0)
    names = names or tuple(f"x{k}" for k in range(natural.shape[1]))
    scale = Scale(names, ("1",) * len(names), tuple(low.tolist()), tuple(high.tolist()))
    return Samples(scale.encode(natural), np.arange(len(natural)), scale=scale)


def distances(metric: Hamming, samples: Samples) -> NDArray[np.float64]:
    features = metric.features(samples)
    i, j = np.indices((len(samples), len(samples))).reshape(2, -1)
    return metric.exact(features, features, i, j, np.inf).reshape(len(samples), -1)


@st.composite
def tables(draw: st.DrawFn) -> NDArray[np.float64]:
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 7))
    return draw(npst.arrays(np.int64, shape, elements=WHOLE)).astype(np.float64)


@given(tables())
def test_it_is_that_of_scipy(natural: NDArray[np.float64]) -> None:
    samples = table(natural)
    np.testing.assert_array_equal(distances(METRIC, samples), cdist(natural, natural, "hamming"))


@given(tables())
def test_points_are_no_further_apart_than_the_radius(natural: NDArray[np.float64]) -> None:
    samples = table(natural)
    points = METRIC.embed(METRIC.features(samples))
    radii = np.vectorize(METRIC.radius)(distances(METRIC, samples))
    assert (cdist(points, points) <= radii).all()


@given(tables())
def test_symmetry_identity_and_range(natural: NDArray[np.float64]) -> None:
    found = distances(METRIC, table(natural))
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(found == 0, (natural[:, None] == natural).all(axis=2))
    assert found.min() == 0 and found.max() <= 1


def test_up_to_four_consecutive_values_lie_exactly_at_the_radius() -> None:
    natural = np.random.default_rng(1).integers(0, 4, (50, 6)).astype(np.float64)
    samples = table(natural)
    points = METRIC.embed(METRIC.features(samples))
    np.testing.assert_allclose(cdist(points, points, "sqeuclidean"), distances(METRIC, samples), atol=1e-12)


@pytest.mark.parametrize("step", [1, 4, 5, 7, 1000, 1024])
def test_the_filter_parts_most_values_that_differ(step: int) -> None:
    features = (step * np.arange(200.0)[:, None],)
    apart = cdist(METRIC.embed(features), METRIC.embed(features)) > 0.5
    assert apart.sum() > 0.7 * 200 * 199


def test_values_round_in_natural_units_with_halves_to_even() -> None:
    scale = Scale(("a", "b"), ("1", "1"), (0.0, 0.0), (4.0, 8.0))
    natural = np.array([[2.0, 3.0], [1.6, 3.4], [2.5, 3.6], [1.5, 4.5], [3.5, 4.4]])
    found = distances(METRIC, Samples(scale.encode(natural), np.arange(5), scale=scale))
    # rounded: (2, 3), (2, 3), (2, 4), (2, 4), (4, 4)
    np.testing.assert_array_equal(found[0], [0, 0, 0.5, 0.5, 1])
    np.testing.assert_array_equal(found[4], [1, 1, 0.5, 0.5, 0])


def test_only_the_columns_named_are_compared() -> None:
    samples = table(np.array([[30, 0, 1], [40, 1, 1], [30, 1, 2]], dtype=np.float64), COLUMNS)
    found = distances(Hamming(alpha=0.5, columns=("age", "children")), samples)
    np.testing.assert_array_equal(found, [[0, 0.5, 0.5], [0.5, 0, 1], [0.5, 1, 0]])
    np.testing.assert_array_equal(distances(Hamming(alpha=0.5, columns=("sex",)), samples)[0], [0, 1, 1])


@pytest.mark.parametrize("scale", [None, Scale(("value",), ("1",), (-1.0,), (1.0,))])
def test_columns_without_names_are_numbered(scale: Scale | None) -> None:
    samples = Samples(np.array([[-1, 0, 1], [1, 0, 0.4]], dtype=np.float32), np.arange(2), scale=scale)
    assert distances(METRIC, samples)[0, 1] == 2 / 3
    assert distances(Hamming(alpha=0.5, columns=("x1", "x2")), samples)[0, 1] == 1 / 2


def test_a_constant_column_agrees_until_a_generated_value_leaves_it() -> None:
    scale = Scale(("a", "b"), ("1", "1"), (7.0, 0.0), (7.0, 1.0))
    natural = np.array([[7.0, 0.0], [7.4, 0.0], [8.0, 0.0]])
    found = distances(METRIC, Samples(scale.encode(natural), np.arange(3), scale=scale))
    np.testing.assert_array_equal(found[0], [0, 0, 0.5])


def test_no_rows() -> None:
    samples = Samples(np.empty((0, 3), dtype=np.float32), np.empty(0, dtype=np.int64))
    features = METRIC.features(samples)
    none = np.empty(0, dtype=np.int64)
    assert METRIC.embed(features).shape == (0, 9)
    assert METRIC.exact(features, features, none, none, 1.0).shape == (0,)


def test_a_row_has_the_same_features_beside_any_others() -> None:
    samples = table(np.random.default_rng(2).integers(0, 9, (20, 4)).astype(np.float64))
    alone = [METRIC.features(samples.take(slice(k, k + 1)))[0] for k in range(20)]
    np.testing.assert_array_equal(METRIC.features(samples)[0], np.concatenate(alone))


def test_errors_of_the_user() -> None:
    with pytest.raises(UserError, match=r"metric hamming: a sample of shape \(8, 8\) is not a row of a table"):
        METRIC.features(Samples(np.zeros((2, 8, 8), dtype=np.float32), np.arange(2)))
    with pytest.raises(UserError, match="metric hamming: the table has no column 'ago'; did you mean 'age'"):
        Hamming(alpha=0.5, columns=("ago",)).features(table(np.eye(3), COLUMNS))


TYPED = [
    Column("age", "integer", "years", 0.0, 64.0),
    Column("bmi", "continuous", "kg/m^2", 0.0, 4.0, decimals=1),
    Column("town", "nominal", categories=("bonn", "kiel", "ulm")),
    Column("grade", "ordinal", categories=("low", "middle", "high")),
    Column("married", "binary", categories=("no", "yes")),
]


@given(npst.arrays(np.float32, st.tuples(st.integers(1, 9), st.just(7)), elements=st.floats(-1.5, 1.5, width=32)))
def test_typed_columns_agree_where_legal_rows_do(x: NDArray[np.float32]) -> None:
    assert width(TYPED) == 7
    samples, legal = Samples(x, np.arange(len(x)), scale=scale_of(TYPED)), decode(TYPED, x)
    found = distances(METRIC, samples)
    np.testing.assert_array_equal(found, cdist(legal, legal, "hamming"))
    points = METRIC.embed(METRIC.features(samples))
    assert (cdist(points, points) <= np.vectorize(METRIC.radius)(found)).all()
    one = distances(Hamming(alpha=0.5, columns=("town",)), samples)
    np.testing.assert_array_equal(one, legal[:, None, 2] != legal[:, 2])


def test_columns_of_a_typed_table_are_named_not_its_values() -> None:
    samples = Samples(np.zeros((2, 7), dtype=np.float32), np.arange(2), scale=scale_of(TYPED))
    with pytest.raises(UserError, match="the table has no column 'town=ulm'; did you mean 'town'"):
        Hamming(alpha=0.5, columns=("town=ulm",)).features(samples)
