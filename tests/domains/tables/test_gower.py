from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from gancensus.contracts.columns import Column, decode, encode, width
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.scales import scale_of
from gancensus.distances.gower import GRAIN, gower_of
from gancensus.domains.tables.metric_gower import Gower


def samples_of(natural: NDArray[np.float64], low: list[float], high: list[float]) -> Samples:
    names = tuple(f"x{k}" for k in range(len(low)))
    scale = Scale(names, ("1",) * len(names), tuple(low), tuple(high))
    return Samples(scale.encode(natural), np.arange(len(natural)), scale=scale)


def distances(metric: Gower, samples: Samples) -> NDArray[np.float64]:
    features = metric.features(samples)
    i, j = np.indices((len(samples), len(samples))).reshape(2, -1)
    return metric.exact(features, features, i, j, np.inf).reshape(len(samples), -1)


def by_the_formula(
    natural: NDArray[np.float64], low: list[float], high: list[float], categories: list[int]
) -> NDArray[np.float64]:
    """Gower's distance column by column in natural units."""
    terms = []
    for k, column in enumerate(natural.T):
        difference = np.abs(column[:, None] - column)
        if k in categories:
            terms.append(np.rint(column)[:, None] != np.rint(column))
        elif high[k] > low[k]:
            terms.append(np.minimum(difference / (high[k] - low[k]), 1))
        else:
            terms.append(0 * difference)
    return np.asarray(np.mean(terms, axis=0))


@st.composite
def tables(draw: st.DrawFn) -> tuple[NDArray[np.float64], list[float], list[float], list[int]]:
    """Natural values in halves and quarters, some beyond the range, some ranges empty; a float32 holds them exactly."""
    rows, columns = draw(st.integers(1, 10)), draw(st.integers(1, 6))
    natural = draw(npst.arrays(np.int64, (rows, columns), elements=st.integers(-40, 40))) / 4
    low = draw(npst.arrays(np.int64, columns, elements=st.integers(-8, 0))).astype(np.float64)
    reach = draw(npst.arrays(np.int64, columns, elements=st.sampled_from([0, 1, 2, 8])))
    categories = draw(st.lists(st.integers(0, columns - 1), unique=True))
    return natural, low.tolist(), (low + reach).tolist(), categories


def metric_of(categories: list[int]) -> Gower:
    return Gower(alpha=0.5, categorical=tuple(f"x{k}" for k in categories))


@given(tables())
def test_it_is_the_formula(case: tuple[NDArray[np.float64], list[float], list[float], list[int]]) -> None:
    natural, low, high, categories = case
    found = distances(metric_of(categories), samples_of(natural, low, high))
    np.testing.assert_allclose(found, by_the_formula(*case), rtol=0, atol=0.51 * GRAIN)


def test_it_is_the_formula_on_real_numbers() -> None:
    rng = np.random.default_rng(1)
    natural = np.column_stack([rng.normal(50, 20, 80), rng.exponential(1e4, 80), rng.integers(0, 5, 80)])
    low, high = natural.min(axis=0).tolist(), natural.max(axis=0).tolist()
    found = distances(metric_of([2]), samples_of(natural, low, high))
    np.testing.assert_allclose(found, by_the_formula(natural, low, high, [2]), atol=1e-6)  # x is float32


@given(tables())
def test_points_are_no_further_apart_than_the_radius(
    case: tuple[NDArray[np.float64], list[float], list[float], list[int]],
) -> None:
    natural, low, high, categories = case
    metric, samples = metric_of(categories), samples_of(natural, low, high)
    points = metric.embed(metric.features(samples))
    assert (cdist(points, points) <= np.vectorize(metric.radius)(distances(metric, samples))).all()


@given(npst.arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=st.floats(-3, 3, width=32)))
def test_radius_symmetry_identity_and_range_on_any_numbers(x: NDArray[np.float32]) -> None:
    metric, samples = Gower(alpha=0.5), Samples(x, np.arange(len(x)))
    found, points = distances(metric, samples), metric.embed(metric.features(samples))
    assert (cdist(points, points) <= np.vectorize(metric.radius)(found)).all()
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 0)
    assert found.max() <= 1


def test_the_filter_is_sharp_for_large_differences_and_tight_at_the_stairs() -> None:
    """Values at whole steps of the stair lie exactly at the radius."""
    x = (np.random.default_rng(2).integers(0, 9, (60, 4)) / 4 - 1).astype(np.float32)
    metric, samples = Gower(alpha=0.5), Samples(x, np.arange(60))
    points = metric.embed(metric.features(samples))
    np.testing.assert_allclose(cdist(points, points, "sqeuclidean"), distances(metric, samples), atol=1e-12)


def test_an_example_by_hand() -> None:
    # age 20...60, income 0...1000, town, married
    natural = np.array([[20, 100, 0, 1], [30, 350, 0, 0], [60, 1000, 2, 1]], dtype=np.float64)
    scale = Scale(("age", "income", "town", "married"), ("1",) * 4, (20.0, 0.0, 0.0, 0.0), (60.0, 1000.0, 2.0, 1.0))
    samples = Samples(scale.encode(natural), np.arange(3), scale=scale)
    found = distances(Gower(alpha=0.5, categorical=("town", "married")), samples)
    ab = (10 / 40 + 250 / 1000 + 0 + 1) / 4
    ac = (40 / 40 + 900 / 1000 + 1 + 0) / 4
    bc = (30 / 40 + 650 / 1000 + 1 + 1) / 4
    np.testing.assert_allclose(found, [[0, ab, ac], [ab, 0, bc], [ac, bc, 0]], rtol=1e-6)
    numeric = distances(Gower(alpha=0.5), samples)  # town as a number: 2 of a range of 2
    np.testing.assert_allclose(numeric[0], [0, ab, ac], rtol=1e-6)


def test_a_difference_beyond_the_range_counts_as_1() -> None:
    samples = samples_of(np.array([[0.0], [10.0], [25.0], [-90.0]]), [0.0], [10.0])
    np.testing.assert_array_equal(distances(Gower(alpha=0.5), samples)[0], [0, 1, 1, 1])


def test_a_constant_column_counts_as_0_but_counts() -> None:
    samples = samples_of(np.array([[5.0, 0.0], [5.0, 1.0], [9.0, 0.5]]), [5.0, 0.0], [5.0, 1.0])
    np.testing.assert_array_equal(distances(Gower(alpha=0.5), samples)[0], [0, 0.5, 0.25])


@pytest.mark.parametrize("scale", [None, Scale(("value",), ("1",), (0.0,), (255.0,))])
def test_columns_without_names_are_numbered(scale: Scale | None) -> None:
    samples = Samples(np.array([[-1, 0], [1, 0.5]], dtype=np.float32), np.arange(2), scale=scale)
    assert distances(Gower(alpha=0.5), samples)[0, 1] == (1 + 0.25) / 2
    assert distances(Gower(alpha=0.5, categorical=("x0",)), samples)[0, 1] == (1 + 0.25) / 2


def test_a_single_column_and_no_rows() -> None:
    one = Samples(np.array([[-1], [0.5]], dtype=np.float32), np.arange(2))
    assert distances(Gower(alpha=0.5), one)[0, 1] == 0.75
    assert distances(Gower(alpha=0.5, categorical=("x0",)), one)[0, 1] == 1
    none, metric = np.empty(0, dtype=np.int64), Gower(alpha=0.5, categorical=("x0",))
    features = metric.features(Samples(np.empty((0, 3), dtype=np.float32), none))
    assert metric.embed(features).shape == (0, 2 * 8 + 3)
    assert metric.exact(features, features, none, none, 1.0).shape == (0,)


def test_errors_of_the_user() -> None:
    with pytest.raises(UserError, match=r"metric gower: a sample of shape \(8, 8\) is not a row of a table"):
        Gower(alpha=0.5).features(Samples(np.zeros((2, 8, 8), dtype=np.float32), np.arange(2)))
    with pytest.raises(UserError, match="metric gower: the table has no column 'x9'"):
        Gower(alpha=0.5, categorical=("x9",)).features(samples_of(np.eye(2), [0, 0], [1, 1]))


# Columns with types

KINDS = [
    Column("age", "integer", "years", 0.0, 64.0),
    Column("dose", "continuous", "mg", -8.0, 8.0),
    Column("bmi", "continuous", "kg/m^2", 15.0, 31.0, decimals=1),
    Column("same", "integer", "1", 7.0, 7.0),
    Column("grade", "ordinal", categories=("a", "b", "c", "d", "e")),
    Column("sure", "ordinal", categories=("always",)),
    Column("town", "nominal", categories=("bonn", "kiel", "ulm")),
    Column("land", "nominal", categories=("one",)),
    Column("married", "binary", categories=("no", "yes")),
]


@st.composite
def typed(draw: st.DrawFn) -> Samples:
    """Rows as a network makes them, near some corners and far out, of some of the columns in any order."""
    columns = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=6))
    columns = [Column(f"{k}", **{f: getattr(c, f) for f in FIELDS}) for k, c in enumerate(columns)]
    shape = draw(st.integers(1, 8)), width(columns)
    x = draw(npst.arrays(np.float32, shape, elements=st.sampled_from([-1, 1]) | st.floats(-2, 2, width=32)))
    return Samples(x, np.arange(len(x)), scale=scale_of(columns))


FIELDS = ("type", "unit", "low", "high", "decimals", "categories")


def of_legal_rows(samples: Samples) -> NDArray[np.float64]:
    """Gower's distance pair by pair and column by column of legal rows, in natural units."""
    assert samples.scale is not None
    columns = samples.scale.columns
    rows = decode(columns, samples.x)
    found = np.zeros((len(rows), len(rows)))
    for i, u in enumerate(rows):
        for j, v in enumerate(rows):
            for column, a, b in zip(columns, u, v, strict=True):
                low, high = (0, len(column.categories) - 1) if column.categories else (column.low, column.high)
                if column.type in ("nominal", "binary"):
                    found[i, j] += a != b
                elif high > low:
                    found[i, j] += min(abs(a - b) / (high - low), 1)
    return found / len(columns)


@given(typed())
def test_typed_columns_are_compared_as_legal_rows(samples: Samples) -> None:
    found = distances(Gower(alpha=0.5), samples)
    np.testing.assert_allclose(found, of_legal_rows(samples), rtol=0, atol=0.51 * GRAIN)


@given(typed())
def test_the_distance_of_legal_rows_is_that_of_the_metric_bit_for_bit(samples: Samples) -> None:
    assert samples.scale is not None
    rows = decode(samples.scale.columns, samples.x)
    np.testing.assert_array_equal(gower_of(samples.scale.columns)(rows, rows), distances(Gower(alpha=0.5), samples))


def test_equal_distances_tie_wherever_and_in_whatever_columns_they_are() -> None:
    """In float32 a year of 57 is not the same at every age."""
    columns = [Column("age", "integer", low=19, high=76), Column("years", "integer", low=0, high=57), KINDS[8]]
    rows = np.array([[19 + k, 57 - k, k % 2] for k in range(57)], dtype=np.float64)
    samples = Samples(encode(columns, rows), np.arange(57), scale=scale_of(columns))
    found = distances(Gower(alpha=0.5), samples)
    assert len(np.unique(found[np.arange(56), np.arange(1, 57)])) == 1
    turned = [columns[k] for k in (2, 1, 0)]
    np.testing.assert_array_equal(gower_of(turned)(rows[:, ::-1], rows[:, ::-1]), found)


def test_a_new_category_of_an_ordinal_column_with_one_is_a_mismatch() -> None:
    column = Column("sure", "ordinal", categories=("always",), extra=("never", "often"))
    rows = np.array([[0.0], [1], [2]])
    np.testing.assert_array_equal(gower_of([column])(rows, rows), 1 - np.eye(3))
    samples = Samples(encode([column], rows), np.arange(3), scale=scale_of([column]))
    np.testing.assert_array_equal(distances(Gower(alpha=0.5), samples), 1 - np.eye(3))


@given(typed())
def test_points_of_typed_rows_are_no_further_apart_than_the_radius(samples: Samples) -> None:
    metric = Gower(alpha=0.5)
    points = metric.embed(metric.features(samples))
    assert (cdist(points, points) <= np.vectorize(metric.radius)(distances(metric, samples))).all()


def test_a_nominal_column_counts_once_and_rows_that_decode_alike_are_equal() -> None:
    columns = [KINDS[6], KINDS[0]]
    codes = np.array([[0, 30], [2, 30], [2, 46]], dtype=np.float64)
    clean = Samples(encode(columns, codes), np.arange(3), scale=scale_of(columns))
    expected = [[0, 0.5, 0.625], [0.5, 0, 0.125], [0.625, 0.125, 0]]
    np.testing.assert_array_equal(distances(Gower(alpha=0.5), clean), expected)
    noise = np.random.default_rng(3).uniform(-0.01, 0.01, clean.x.shape).astype(np.float32)
    raw = Samples(clean.x + noise, clean.sample_id, scale=clean.scale)
    np.testing.assert_array_equal(distances(Gower(alpha=0.5), raw), expected)


def test_types_and_categorical_exclude_each_other() -> None:
    samples = Samples(np.zeros((2, 3), dtype=np.float32), np.arange(2), scale=scale_of(KINDS[6:7]))
    with pytest.raises(UserError, match="metric gower: the table's columns have types; remove `categorical`"):
        Gower(alpha=0.5, categorical=("town",)).features(samples)
