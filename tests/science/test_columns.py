from __future__ import annotations

import itertools
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from gancensus.contracts.columns import Column, decode, encode, width
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.scales import columns_of, scale_of
from gancensus.distances.gower import gower_of
from gancensus.domains.tables.coding import codes_of, generated_codes
from gancensus.domains.tables.metric_gower import Gower
from gancensus.domains.tables.metric_hamming import Hamming
from gancensus.storage.inference import Declared, Manner, Missing, infer

TOWNS = Column("town", "nominal", categories=("bonn", "kiel", "ulm"))
GRADE = Column("grade", "ordinal", categories=("low", "middle", "high", "top"))
MARRIED = Column("married", "binary", categories=("no", "yes"))
AGE = Column("age", "integer", "years", 20.0, 60.0)
BMI = Column("bmi", "continuous", "kg/m^2", 15.0, 45.0, decimals=1)
TIME = Column("time", "continuous", "s", -1.0, 3.0)
ALL = (AGE, TOWNS, BMI, GRADE, MARRIED, TIME)

TEXTS = st.text("abc 01.,-é", max_size=4).map(str.strip)


def column(texts: list[str], declared: Declared | None = None) -> Column:
    return infer("c", texts, "here", declared)


# Vectors


def test_an_example_by_hand() -> None:
    codes = np.array([[20, 1, 30.0, 0, 1, 0], [50, 2, 45.0, 3, 0, 3], [60, 0, 15.0, 1, 1, -1]])
    x = encode(ALL, codes)
    assert x.dtype == np.float32
    assert x.shape == (3, width(ALL)) == (3, 8)
    third = np.float32(-1 / 3)
    expected = [[-1, -1, 1, -1, 0, -1, 1, -0.5], [0.5, -1, -1, 1, 1, 1, -1, 1], [1, 1, -1, -1, -1, third, 1, -1]]
    np.testing.assert_array_equal(x, np.array(expected, dtype=np.float32))
    np.testing.assert_array_equal(decode(ALL, x), codes)


def test_what_a_network_makes_becomes_the_nearest_legal_row() -> None:
    x = np.array([[-0.99, 0.1, 0.3, 0.2, 0.5001, -5, 0.01, 0.25], [1.3, -1, -1, -0.9, -1, 0.4, -0.01, 9]], np.float32)
    np.testing.assert_array_equal(decode(ALL, x)[:, :5], [[20, 1, 37.5, 0, 1], [66, 2, 15, 2, 0]])
    np.testing.assert_allclose(decode(ALL, x)[:, 5], [1.5, 19])


@given(npst.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(8)), elements=st.floats(width=32, allow_nan=False)))
def test_categories_are_legal_and_numbers_rounded_whatever_the_vector(x: NDArray[np.float32]) -> None:
    found = decode(ALL, x)
    assert found.shape == (len(x), 6)
    for k, one in enumerate(ALL):
        if one.categories:
            assert np.isin(found[:, k], range(len(one.categories))).all()
    finite = np.abs(x[:, 0]) < 1e9
    np.testing.assert_array_equal(found[finite, 0], np.rint(found[finite, 0]))
    assert not np.signbit(found[found == 0]).any()


@given(npst.arrays(np.float32, st.tuples(st.integers(1, 9), st.just(8)), elements=st.floats(-2, 2, width=32)))
def test_legal_rows_stay_as_they_are(x: NDArray[np.float32]) -> None:
    legal = decode(ALL[:5], x)
    np.testing.assert_array_equal(decode(ALL[:5], encode(ALL[:5], legal)), legal)


# Round trip: texts, codes, vectors, codes


@st.composite
def numbers(draw: st.DrawFn) -> list[str]:
    """Decimal numbers of one column that float32 tells apart, written in one of several ways."""
    reach, farthest = draw(st.sampled_from([(2**25 - 4, 10**7), (2**21, 5 * 10**14)]))
    decimals, least = draw(st.integers(0, 6)), draw(st.integers(-farthest, farthest))
    steps = [*draw(st.lists(st.integers(0, reach), min_size=1, max_size=8)), 0, reach]
    style = draw(st.sampled_from(["{:f}", "{:.17g}", "{:+.6f}"]))
    return [style.format(float(Fraction(least + step, 10**decimals))) for step in steps]


@given(numbers())
def test_decimal_numbers_come_back_exactly(texts: list[str]) -> None:
    one = column(texts, "continuous")
    assert one.decimals is not None
    codes = codes_of([one], {"c": texts}, "here")
    np.testing.assert_array_equal(codes[:, 0], [float(text) for text in texts])
    np.testing.assert_array_equal(decode([one], encode([one], codes)), codes)
    x = encode([one], codes)
    assert np.abs(x).max() <= 1


@given(st.integers(0, 6), st.integers(-(2**25), 0), st.integers(0, 2**25 - 4))
def test_of_the_widest_range_every_step_comes_back(decimals: int, least: int, near: int) -> None:
    steps = np.concatenate(
        [np.arange(0, 1000), np.arange(near - 500, near + 500).clip(0, 2**25 - 4), 2**25 - 4 - np.arange(1000)]
    )
    values = (least + np.unique(steps)) / 10.0**decimals
    one = replace(AGE, type="continuous", low=values[0], high=values[-1], decimals=decimals)
    assert column([repr(value) for value in values[[0, 1, -2, -1]].tolist()], "continuous").decimals is not None
    np.testing.assert_array_equal(decode([one], encode([one], values[:, None]))[:, 0], values)


def test_of_a_range_twice_as_wide_some_do_not() -> None:
    one, values = replace(AGE, low=0.0, high=2.0**26 - 3), np.arange(2.0**26 - 1003, 2.0**26 - 2)[:, None]
    assert (decode([one], encode([one], values)) != values).any()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=3, max_size=8))
def test_any_numbers_come_back_as_float32_allows(values: list[float]) -> None:
    texts = [repr(value) for value in values]
    one = column(texts, "continuous")
    codes = codes_of([one], {"c": texts}, "here")
    np.testing.assert_array_equal(codes[:, 0], values)
    x = encode([one], codes)
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 1
    found = decode([one], x)
    if one.decimals is not None:
        np.testing.assert_array_equal(found, codes)
    reach = one.high / 2 - one.low / 2
    assert (np.abs(found - codes) <= reach * 2.0**-23 + np.abs(codes) * 2.0**-50 + 1e-320).all()


@given(st.lists(TEXTS, min_size=1, max_size=12))
def test_texts_come_back_as_they_were(texts: list[str]) -> None:
    order = tuple(dict.fromkeys(reversed(texts)))
    for one in (column(texts, "nominal"), column(texts, order)):
        codes = codes_of([one], {"c": texts}, "here")
        np.testing.assert_array_equal(decode([one], encode([one], codes)), codes)
        assert [one.categories[int(code)] for code in codes[:, 0]] == texts


@given(st.lists(st.integers(1 - 2**23, 2**23), min_size=1, max_size=8))
def test_whole_numbers_come_back_exactly(values: list[int]) -> None:
    texts = [str(value) for value in values]
    one = column(texts)
    assert one.type == ("binary" if len(set(values)) == 2 else "integer")
    codes = codes_of([one], {"c": texts}, "here")
    np.testing.assert_array_equal(decode([one], encode([one], codes)), codes)
    back = [float(one.categories[int(code)]) if one.categories else code for code in codes[:, 0]]
    assert back == values


# Types that cells show


@pytest.mark.parametrize(
    ("texts", "type_", "details"),
    [
        (["3", "1", "2"], "integer", (1, 3, 0, ())),
        (["3", "1.0", "2e1"], "integer", (1, 20, 0, ())),
        (["7", "7"], "integer", (7, 7, 0, ())),
        (["0.5", "0.25", "3"], "continuous", (0.25, 3, 2, ())),
        (["1.50", "1.25", "9"], "continuous", (1.25, 9, 2, ())),
        ([".1", "-.2", "+3."], "continuous", (-0.2, 3, 1, ())),
        (["0.1234567", "1", "2"], "continuous", (0.1234567, 2, None, ())),
        (["0.000001", "1", "33"], "continuous", (0.000001, 33, 6, ())),
        (["0.000001", "1", "34"], "continuous", (0.000001, 34, None, ())),  # float32 tells 2^25 steps apart
        (["0", "1", "33554429"], "integer", (0, 33554429, 0, ())),
        (["0", "1", "33554432"], "continuous", (0, 33554432, None, ())),
        (["-0.0", "1", "2"], "integer", (0, 2, 0, ())),
        (["1", "0", "1.0"], "binary", (0, 1, None, ("0", "1"))),
        (["10", "9"], "binary", (0, 1, None, ("9", "10"))),
        (["b", "a", "b"], "binary", (0, 1, None, ("a", "b"))),
        (["b", "", "b"], "binary", (0, 1, None, ("", "b"))),
        (["b", "", "a"], "nominal", (0, 1, None, ("", "a", "b"))),
        (["b", "1", "2"], "nominal", (0, 1, None, ("1", "2", "b"))),
        (["0", "unknown", "1"], "nominal", (0, 1, None, ("0", "1", "unknown"))),
        ([*"0123456789", "more"], "nominal", (0, 1, None, (*"0123456789", "more"))),
        (["1,5", "2"], "binary", (0, 1, None, ("1.5", "2"))),
        ([*map(str, range(10, 23)), "01", "?a"], "nominal", (0, 1, None, ("01", *map(str, range(10, 23)), "?a"))),
        (["007", "012", "100"], "nominal", (0, 1, None, ("007", "012", "100"))),
        (["1_000", "2", "3"], "nominal", (0, 1, None, ("1_000", "2", "3"))),
        (["a", "a"], "nominal", (0, 1, None, ("a",))),
    ],
)
def test_the_type_that_cells_show(
    texts: list[str], type_: str, details: tuple[float, float, int | None, tuple[str, ...]]
) -> None:
    one = column(texts)
    assert one.type == type_
    assert (one.low, one.high, one.decimals, one.categories) == details


@pytest.mark.parametrize(
    ("texts", "declared", "expected"),
    [
        (["3", "1", "2"], "nominal", ("nominal", ("1", "2", "3"))),
        (["10", "9", "007"], "nominal", ("nominal", ("007", "9", "10"))),
        ([*map(str, range(50)), "x"], "nominal", ("nominal", (*sorted(map(str, range(50))), "x"))),
        (["3", "1"], "nominal", ("nominal", ("1", "3"))),
        (["3", "1"], "integer", ("integer", ())),
        (["3", "1"], "continuous", ("continuous", ())),
        (["007", "012"], "integer", ("integer", ())),
        (["3", "1"], "binary", ("binary", ("1", "3"))),
        (["b", "a"], ("b", "a", "c"), ("ordinal", ("b", "a", "c"))),
        (["2", "1.0"], ("3", "2", "1"), ("ordinal", ("3", "2", "1"))),
    ],
)
def test_the_type_that_is_declared(texts: list[str], declared: Declared, expected: tuple[str, tuple[str, ...]]) -> None:
    one = column(texts, declared)
    assert (one.type, one.categories) == expected
    codes = codes_of([one], {"c": texts}, "here")
    np.testing.assert_array_equal(decode([one], encode([one], codes)), codes)


@pytest.mark.parametrize(
    ("texts", "declared", "message"),
    [
        (["1", "", "2"], None, "here: column c, row 2: '' is a missing number (1 of 3 are); write under the source"),
        (["1", "2", "NA"], None, "here: column c, row 3: 'NA' is a missing number (1 of 3 are); write under the"),
        (["1", "nan", "NaN"], None, "here: column c, row 2: 'nan' is a missing number (2 of 3 are)"),
        (
            ["1", "", "2"],
            None,
            "`missing: flag` (the median stands for it, and a column 'c missing' marks it) or `missi",
        ),
        (["1", "inf", "2"], None, "here: column c, row 2: 'inf' is not a finite number"),
        (["1", "1e999", "2"], None, "here: column c, row 2: '1e999' is not a finite number"),
        (["1", "x", "2"], "integer", "here: column c, row 2: 'x' is not a finite number; correct it"),
        (["1", "5 kg", "2"], "continuous", "here: column c, row 2: '5 kg' is not a finite number; correct it"),
        (["2020-01-01", "2020-02-31", "2020-03-01"], "date", "here: column c, row 2: '2020-02-31' is not a date"),
        (["1", "1.5", "2"], "integer", "here: column c: is declared integer, but not all are whole"),
        (["0", "33554432"], "integer", "whole numbers from 0 to 3.35544e+07 are too many for float32"),
        (["1", "2", "3"], "binary", "here: column c: is declared binary, but has 3 different values"),
        (["a", "a"], "binary", "here: column c: is declared binary, but has 1 different values"),
        (["a", "b", "see"], ("a", "b", "sea"), "row 3: 'see' is not a category that `types` gives; did you mean 'sea'"),
        (["a", "b"], ("a", "b", "a"), "its categories under `types` must be different ones"),
        (
            [*(str(k % 366) for k in range(999)), "never"],
            None,
            "here: column c, row 1000: 'never' is not a number, but most others are; correct it, or declare the column",
        ),
        ([*map(str, range(50)), "007"], None, "here: column c, row 51: '007' is not a number, but most others are; co"),
        ([*map(str, range(50)), "<5"], None, "here: column c, row 51: '<5' is not a number, but most others are; corr"),
        ([*map(str, range(11)), "more"], None, "here: column c, row 12: 'more' is not a number, but most others are"),
        ([*map(str, range(15)), "n.a."], None, "here: column c, row 16: 'n.a.' is a missing number (1 of 16 are)"),
        ([f"{k},007.25" for k in range(40)], None, "here: column c, row 1: '0,007.25' is not a number, but most other"),
        ([f"{k} kg" for k in range(40)] + ["9 lb"], None, "row 41: '9 lb' is not a number in kg, but most others are"),
        (
            [f"{k}.5" for k in range(20)] + ["1,5"],
            None,
            "its cells look like numbers, but are not all written in one w",
        ),
        ([f"2020-01-{k:02}" for k in range(1, 20)] + ["soon"], None, "row 20: 'soon' is not a date, but most others a"),
        (
            [f"{k},{k:03}" for k in range(100, 200)],
            None,
            "row 1: '100,100' may be 100100 or 100.1; say under the",
        ),
        ([f"{k},{k:03}" for k in range(100, 200)], None, 'which: `decimal: "."` or `decimal: ","`'),
        (["01/02/2020", "03/04/2021", "05/05/2021"], None, "row 1: '01/02/2020' may be 2020-02-01 or 2020-01-02; say"),
        (
            ["1-Feb-99", "2-Mar-01", "3-Mar-01"],
            None,
            "row 1: '1-Feb-99' looks like a date with a year of two digits; wri",
        ),
        (["01/02/2020", "03/04/2021", "05/05/2021"], None, "`types: {c: day-first}` or `types: {c: month-first}`"),
        ([str(12345678901234567890 + k) for k in range(30)], None, "row 2: whole numbers as long as 12345678901234567"),
        (["9007199254740992", "9007199254740993"], "integer", "cannot be told apart in float64 and look like an ident"),
        ([f"id{k}" for k in range(21)], None, "21 different texts in 21 rows are not categories but look like an id"),
        ([f"id{k}" for k in range(1001)] * 5, None, "1001 different texts in 5005 rows"),
        ([f"id{k}" for k in range(1001)], "nominal", "1001 different texts in 1001 rows"),
    ],
)
def test_cells_that_the_type_does_not_allow(texts: list[str], declared: Declared | None, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as error:
        column(texts, declared)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "-nan", "#N/A", "#N/A N/A", "#NA", "<NA>", "N.A.", "-1.#IND", "1.#QNAN", "NULL", "None", "-", ".", "?"]
)
def test_what_stands_for_a_missing_number(text: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"here: column c, row 3: '{text}' is a missing number (1 of 3")):
        column(["1", "2.5", text])


def test_whole_numbers_that_float64_merges_may_be_declared_continuous() -> None:
    texts = [str(12345678901234567890 + k) for k in range(3)]
    assert column(texts, "continuous").low == 12345678901234567890.0
    assert column(["9007199254740992", "9007199254740994", "9007199254740994.0"]).type == "binary"


def test_an_identifier_may_be_declared_and_few_categories_are_none() -> None:
    assert len(column([f"id{k}" for k in range(21)], "nominal").categories) == 21
    assert len(column([f"id{k}" for k in range(20)]).categories) == 20
    assert len(column([f"id{k}" for k in range(1000)] * 2).categories) == 1000


# Cells of other rows


def test_a_category_that_no_real_row_has_is_named() -> None:
    table = {"town": ["ulm", "kiel", "bon"], "age": ["20", "30", "40"]}
    with pytest.raises(UserError) as error:
        codes_of([AGE, TOWNS], table, "x.csv")
    assert str(error.value) == (
        "x.csv: column town, row 3: 'bon' is no category that the real data has; did you mean 'bonn'?"
    )
    with pytest.raises(UserError, match="column age, row 2: '' is a missing number"):
        codes_of([AGE], {"age": ["1", ""]}, "x.csv")


def test_categories_that_are_numbers_are_told_by_their_value_where_that_is_enough() -> None:
    assert codes_of([column(["0", "1"])], {"c": ["1.0", "0", "00"]}, "").T.tolist() == [[1, 0, 0]]
    exact = column(["7", "007"], "nominal")
    assert codes_of([exact], {"c": ["007", "7"]}, "").T.tolist() == [[0, 1]]
    with pytest.raises(UserError, match=r"row 1: '7\.0' is no category"):
        codes_of([exact], {"c": ["7.0"]}, "")
    with pytest.raises(UserError, match="row 1: 'one' is no category"):
        codes_of([column(["0", "1"])], {"c": ["one"]}, "")


# Scales


def test_the_scale_has_an_entry_for_each_value_and_leads_to_natural_values() -> None:
    scale = scale_of(ALL)
    assert scale.names == ("age", "town=bonn", "town=kiel", "town=ulm", "bmi", "grade", "married", "time")
    assert scale.units == ("years", "1", "1", "1", "kg/m^2", "1", "1", "s")
    codes = np.array([[20, 1, 30.0, 0, 1, 0], [50, 2, 45.0, 3, 0, 3]])
    natural = [[20, 0, 1, 0, 30, 0, 1, 0], [50, 0, 0, 1, 45, 3, 0, 3]]
    np.testing.assert_array_equal(scale.decode(encode(ALL, codes)), natural)
    np.testing.assert_array_equal(scale.encode(np.array(natural)), encode(ALL, codes))
    assert columns_of(Samples(encode(ALL, codes), np.arange(2), scale=scale)) == ALL


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (None, [("x0", "1", -1, 1), ("x1", "1", -1, 1)]),
        (Scale(("value",), ("mm",), (0.0,), (255.0,)), [("x0", "mm", 0, 255), ("x1", "mm", 0, 255)]),
        (Scale(("a", "b"), ("K", "m"), (0.0, 5.0), (1.0, 5.0)), [("a", "K", 0, 1), ("b", "m", 5, 5)]),
    ],
)
def test_columns_without_types_are_numbers(scale: Scale | None, expected: list[tuple[str, str, float, float]]) -> None:
    x = np.array([[-1, 0.25], [1, -0.5]], dtype=np.float32)
    samples = Samples(x, np.arange(2), scale=scale)
    found = columns_of(samples)
    assert [(one.name, one.unit, one.low, one.high) for one in found] == expected
    assert {one.type for one in found} == {"continuous"}
    np.testing.assert_array_equal(decode(found, x), samples.natural())
    with pytest.raises(UserError, match=r"a sample of shape \(2, 1\) is not a row of a table"):
        columns_of(replace(samples, x=x[:, :, None]))


def test_every_order_of_columns_is_its_own_vector() -> None:
    codes = {"age": 33.0, "town": 2.0, "grade": 1.0}
    for order in itertools.permutations([AGE, TOWNS, GRADE]):
        row = np.array([[codes[one.name] for one in order]])
        np.testing.assert_array_equal(decode(order, encode(order, row)), row)


# Categories that no real row has


NEW = (
    replace(TOWNS, extra=("rome", "oslo")),
    replace(MARRIED, extra=("maybe",)),
    replace(GRADE, extra=("worst", "best")),
)
UNKNOWN = np.array([[0, 0, 0], [3, 2, 4], [4, 2, 5], [3, 1, 3], [2, 2, 4]])


def test_new_categories_come_back_and_are_near_no_real_one() -> None:
    x = encode(NEW, UNKNOWN)
    np.testing.assert_array_equal(decode(NEW, x), UNKNOWN)
    assert (x[1, :3] < -1).all() and (x[1, :3] > -1.00001).all()
    assert x[:, 4].tolist() == [-1, 3, 5, 1, 3]
    known = decode((TOWNS, MARRIED, GRADE), x)
    assert (known <= [2, 1, 3]).all()


def test_gower_and_hamming_count_new_categories_as_a_mismatch_with_all_but_themselves() -> None:
    samples = Samples(encode(NEW, UNKNOWN), np.arange(5), scale=scale_of(NEW))
    real = np.array(list(itertools.product(range(3), range(2), range(4))))
    known = Samples(encode(NEW, real), np.arange(24), scale=scale_of((TOWNS, MARRIED, GRADE)))
    for metric in (Gower(alpha=0.1), Hamming(alpha=0.1)):
        a, b = metric.features(samples), metric.features(known)
        first, second = np.repeat(np.arange(5), 24), np.tile(np.arange(24), 5)
        distance = metric.exact(a, b, first, second, 1.0).reshape(5, 24)
        np.testing.assert_array_equal(distance[1:3], 1)
        assert distance[0, 0] == 0
        i, j = np.array([1, 1, 2]), np.array([4, 2, 4])
        np.testing.assert_allclose(metric.exact(a, a, i, j, 1.0), [1 / 3, 2 / 3, 2 / 3])
        square = ((metric.embed(a)[:, None] - metric.embed(b)[None]) ** 2).sum(axis=2)
        assert (square <= distance + 1e-12).all()


def test_the_distance_of_legal_rows_counts_new_categories_so_too() -> None:
    distance = gower_of((TOWNS, MARRIED, GRADE))
    codes, real = UNKNOWN.astype(np.float64), np.array([[2.0, 1, 3], [0, 0, 0]])
    np.testing.assert_allclose(distance(codes, real)[1:3], 1)
    np.testing.assert_allclose(distance(codes, codes)[[1, 1, 2], [4, 2, 4]], [1 / 3, 2 / 3, 2 / 3])


def test_generated_cells_are_read_as_the_real_ones_are_written() -> None:
    real = infer("v", ["1.234,5", "1.000", "20.000,25"], "here")
    cases = {"1.500": 1500, "1500": 1500, "1.500,5": 1500.5, "1500.5": 1500.5}
    for text, expected in cases.items():
        _, codes = generated_codes([real], {"v": [text, "2.000" if "." in text[:2] else "2000"]}, "x", Manner())
        assert codes[0, 0] == expected
    percent = infer("p", ["5%", "10%", "20%"], "here")
    for texts in (["5%", "7%"], ["5", "7"], ["5 %", "7"]):
        assert generated_codes([percent], {"p": texts}, "x", Manner())[1].ravel().tolist() == [5, 7]
    with pytest.raises(UserError, match="x: column p, row 1: '5 kg' is not a finite number in %; correct it"):
        generated_codes([percent], {"p": ["5 kg", "7 kg"]}, "x", Manner())
    day = infer("d", ["13/01/2020", "14/02/2020", "01/03/2020"], "here")
    for text in ("02/01/2020", "2020-01-02", "2 Jan 2020"):
        assert generated_codes([day], {"d": [text]}, "x", Manner())[1][0, 0] == 18263


def test_two_numbers_are_the_same_however_they_are_written() -> None:
    real = infer("v", ["36 months", "60 months"] * 3, "here")
    assert (real.type, real.categories) == ("binary", ("36", "60"))
    manner = Manner()
    columns, codes = generated_codes([real], {"v": ["60 months", "36", "48 months"]}, "x", manner)
    assert (codes.ravel().tolist(), columns[0].extra) == ([1, 0, 2], ("48 months",))
    assert list(manner.notes.counts()) == ["column 'v': categories that no real row has: '48 months' (1 row)"]


def test_categories_that_differ_in_case_only_are_one_where_no_other_is_meant() -> None:
    manner = Manner()
    columns, codes = generated_codes([MARRIED], {"married": ["Yes", "NO", "yes"]}, "x", manner)
    assert (columns, codes.ravel().tolist()) == ((MARRIED,), [1, 0, 1])
    assert (
        next(iter(manner.notes.counts()))
        == "column 'married': 'Yes' taken as 'yes', from which it differs only in case"
    )
    both = Column("b", "nominal", categories=("A", "B", "a"))
    columns, _ = generated_codes([both], {"b": ["A", "a", "b"]}, "x", Manner())
    assert columns[0].extra == ()
    with pytest.raises(UserError, match=re.escape("`types: {v: continuous}`")):
        generated_codes([infer("v", ["0", "1"], "x")], {"v": ["0.25", "1"]}, "x", Manner())


def generated(real: Column, texts: list[str]) -> tuple[tuple[str, ...], list[float], list[str]]:
    """The categories that no real row has, the codes and the notes of generated cells."""
    manner = Manner()
    (one,), codes = generated_codes([real], {real.name: texts}, "x", manner)
    return one.extra, codes.ravel().tolist(), list(manner.notes.counts())


@pytest.mark.parametrize(
    ("real", "texts"),
    [
        (["M", "F"], ["male", "female"]),
        (["red", "blue", "green"], ["b'red'", "b'blue'"]),
        (["yes", "no"], ["1", "0"]),
        (["bonn", "kiel", "ulm"], ["0", "1", "2"]),
        (["a", "b", "c"], ["", ""]),
        (["US", "US"], ["USA"]),
    ],
)
def test_a_column_without_any_real_category_is_refused(real: list[str], texts: list[str]) -> None:
    one = column(real)
    with pytest.raises(UserError) as error:
        generated_codes([one], {"c": texts}, "x.csv", Manner())
    said = str(error.value)
    assert said.startswith(f"x.csv: column c: none of its categories, such as {texts[0]!r}")
    assert all(repr(text) in said for text in {*real, *texts})
    assert said.endswith("leave the column out: `drop: [c]` under the source and under the generator")


def test_missing_cells_do_not_make_foreign_categories_known() -> None:
    real = infer("c", ["5", "7", ""], "here", manner=Manner(missing="impute"))
    with pytest.raises(UserError, match="column c: none of its categories, such as '1', '2', is one that the real"):
        generated_codes([real], {"c": ["1", "", "2"]}, "x.csv", Manner())


def test_decimals_beside_whole_numbers_that_are_categories() -> None:
    for declared in ("nominal", ("1", "2", "3")):
        real = column(["1", "2", "3"], declared)
        with pytest.raises(UserError, match=r"column c: none of its categories, such as '1.2', '2.7', is one"):
            generated_codes([real], {"c": ["1.2", "2.7"]}, "x.csv", Manner())


def test_many_rows_of_unknown_categories_are_a_warning() -> None:
    assert generated(TOWNS, ["ulm", "rome", "oslo"])[2] == [
        "warning: column 'town': categories that no real row has: 'rome' (1 row), 'oslo' (1 row)"
    ]
    assert generated(TOWNS, ["ulm", "rome"])[2] == ["column 'town': categories that no real row has: 'rome' (1 row)"]


@pytest.mark.parametrize(
    ("real", "texts", "codes"),
    [
        (["True", "False"], ["1", "0", "1.0"], [1, 0, 1]),
        (["true", "", "false"], ["1", "0", ""], [2, 1, 0]),
        (["0", "1"], ["True", "false"], [1, 0]),
        (["0.0", "1.0"], ["TRUE", "FALSE"], [1, 0]),
    ],
)
def test_truth_values_are_1_and_0(real: list[str], texts: list[str], codes: list[int]) -> None:
    extra, found, notes = generated(column(real), texts)
    assert (extra, found) == ((), codes)
    assert notes[0] == f"column 'c': '{texts[0]}' taken as '{column(real).categories[codes[0]]}'"
    assert generated(column(["1", "2"]), ["true", "1"])[0] == ("true",)
    assert generated(column(["True", "False"]), ["2", "True"])[0] == ("2",)


def test_numbers_among_other_categories_are_told_by_their_value_too() -> None:
    """As pandas writes whole numbers beside missing ones."""
    assert generated(column(["1", "2", ""], "nominal"), ["1.0", "2.0", ""])[:2] == ((), [1, 2, 0])


@pytest.mark.parametrize("real", ["", "None", "NA"])
@pytest.mark.parametrize("text", ["NaN", "NA", "None", "null", ""])
def test_a_missing_text_is_the_one_missing_category_however_it_is_written(real: str, text: str) -> None:
    one = column(["a", "b", real])
    extra, codes, notes = generated(one, ["a", text])
    assert (extra, codes[1]) == ((), one.categories.index(real))
    assert notes == ([] if text == real else [f"column 'c': '{text}' taken as '{real}': both are missing"])


def test_a_missing_text_is_another_where_the_real_ones_are_two_or_none() -> None:
    assert generated(column(["a", "", "NA"]), ["a", "NaN"])[0] == ("NaN",)
    assert generated(column(["a", "b"]), ["a", "NaN"])[0] == ("NaN",)


def test_missing_texts_are_a_category_which_is_said() -> None:
    manner = Manner()
    assert infer("c", ["a", "", "b", ""], "here", manner=manner).categories == ("", "a", "b")
    assert list(manner.notes.counts()) == ["column 'c': 2 missing cells taken as a category"]


def test_missing_numbers_are_the_median_and_marked_where_that_is_declared() -> None:
    texts = ["1", "", "3", "10", "NA", "4"]
    for choice, how in (("flag", "flag"), ("impute", "impute")):
        manner = Manner(missing=choice)  # type: ignore[arg-type]
        one = infer("c", texts, "here", manner=manner)
        assert (one.type, one.missing, one.fill) == ("integer", how, 4)  # 3.5, rounded as the column is
        [note] = manner.notes.counts()
        assert note.startswith("column 'c': 2 missing numbers replaced by the median 4 of the real rows")
        assert note.endswith("marked in 'c missing'") == (choice == "flag")
        np.testing.assert_array_equal(codes_of([one], {"c": texts}, "here").ravel(), [1, 4, 3, 10, 4, 4])
    assert infer("c", ["1", "2.5", "", "9.25"], "here", manner=Manner(missing="impute")).fill == 2.5
    binary = infer("c", ["0", "1", "", "1"], "here", manner=Manner(missing="flag"))
    assert codes_of([binary], {"c": ["", "0"]}, "here").ravel().tolist() == [1, 0]
    whole = infer("c", ["1", "2", "3"], "here", manner=Manner(missing="flag"))
    assert (whole.missing, whole.fill) == ("impute", 2)


def test_generated_missing_numbers_without_a_mark_are_a_warning() -> None:
    def real(texts: list[str], choice: Missing) -> Column:
        return infer("c", texts, "here", manner=Manner(missing=choice))

    said = "column 'c': 2 missing numbers replaced by the real rows'"
    unmarked = "and not marked, which may make rows equal"
    assert generated(real(["1", "3", "8"], "flag"), ["", "3", "NA"])[1:] == (
        [3, 3, 3],
        [f"warning: {said} median 3 {unmarked}"],
    )
    assert generated(real(["0", "1", "1"], "impute"), ["", "0", ""])[1:] == (
        [1, 0, 1],
        [f"warning: {said} most frequent value 1 {unmarked}"],
    )
    assert generated(real(["1", "", "8", "3"], "flag"), ["", "3", ""])[2] == [f"{said} median"]
    assert generated(real(["0", "", "1", "1"], "flag"), ["", "0", ""])[2] == [f"{said} most frequent value"]
    with pytest.raises(UserError) as error:
        generated_codes([column(["1", "3", "8"])], {"c": ["1", ""]}, "x", Manner())
    assert str(error.value) == (
        "x: column c, row 2: '' is a missing number (1 of 2 are); write under the source `missing: impute` (the median "
        "of the real rows, which miss none, stands for it; it may make rows equal), or leave the column out: "
        "`drop: [c]` under the source and under the generator"
    )
