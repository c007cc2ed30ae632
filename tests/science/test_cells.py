from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gancensus.contracts.cells import Reading, decide, readings, value_of, written
from gancensus.contracts.columns import Column, text_of
from gancensus.contracts.errors import UserError
from gancensus.domains.tables.coding import generated_codes
from gancensus.storage.inference import Manner, infer


def read(texts: list[str]) -> tuple[str, list[float | None]] | None:
    """The unit and the numbers of texts; None where they are no numbers or may be read in two ways."""
    found = readings(texts)
    reading = decide(texts, found, None, None) if found else None
    return None if reading is None else (reading.unit, [value_of(text, *reading) for text in texts])


@pytest.mark.parametrize(
    ("texts", "unit", "values"),
    [
        (["35%", "7 %", "0.5%"], "%", [35, 7, 0.5]),
        (["35 kg", "1.5 kg", "-2kg"], "kg", [35, 1.5, -2]),
        (["3 kg/m^2", "4 kg/m^2"], "kg/m^2", [3, 4]),
        ([" 36 months".strip(), "60 months"], "months", [36, 60]),
        (["$700", "$1,234.00", "-$5", "$-6", "($7)", "$(8)"], "$", [700, 1234, -5, -6, -7, -8]),
        (["$1,234", "$950"], "$", [1234, 950]),
        (["€ 1.234,50", "€ 5"], "€", [1234.5, 5]),
        (["1.200,00 €", "5 €"], "€", [1200, 5]),
        (["USD 5", "USD 1,000,000"], "USD", [5, 1e6]),
        (["1,0", "1,3", "4"], "1", [1, 1.3, 4]),
        (["1.234,56", "0,5"], "1", [1234.56, 0.5]),
        (["1,234.5", "99"], "1", [1234.5, 99]),
        (["1,234,567", "8"], "1", [1234567, 8]),
        (["1.234.567", "8"], "1", [1234567, 8]),
        (["12,34,567", "1,00,000"], "1", [1234567, 100000]),
        (["1 234,5", "12,0"], "1", [1234.5, 12]),
        (["1\u202f234", "1\u00a0234\u00a0567", "999"], "1", [1234, 1234567, 999]),
        (["1'234.5", "7"], "1", [1234.5, 7]),
        (["\u22125", "3"], "1", [-5, 3]),
        (["(35)", "12", "(1,234.5)"], "1", [-35, 12, -1234.5]),
        (["35-", "1,234.5-", "12"], "1", [-35, -1234.5, 12]),
        (["1.234", "2.5"], "1", [1.234, 2.5]),
        (["1.234", "2.345"], "1", [1.234, 2.345]),  # as any number with a point
        (["0,123", "1,234"], "1", [0.123, 1.234]),
        (["1234", "1,234"], "1", [1234, 1.234]),  # 1234 would have its separator too
        (["995", "1,010", "1,005"], "1", [995, 1010, 1005]),  # 1.01 would not be written 1,010 beside 995
        (["950", "1.230", "1.005"], "1", [950, 1230, 1005]),
    ],
)
def test_decorated_numbers(texts: list[str], unit: str, values: list[float]) -> None:
    assert read(texts) == (unit, values)


@pytest.mark.parametrize(
    "texts",
    [
        ["[10-20]", "[20-30]"],
        ["(0, 10]", "(10, 20]"],
        ["10-20", "20-30"],
        ["(35)", "(3)"],
        ["35-", "3-"],
        ["-35-", "3"],
        ["007", "012"],
        ["007 kg", "012 kg"],
        ["5 kg", "5 lb"],
        ["5 kg", "5"],
        ["<5", "7"],
        ["1.2.3", "1.2.4"],
        ["1.5", "1,5"],
        ["A1", "A2"],
        ["kg", "lb"],
        ["12:75", "12:30"],
        ["2020-02-30", "2020-02-01"],
        ["2020-01-01", "01.02.2020"],
        ["13/13/2020", "01/02/2020"],
        ["1 234 5", "12"],
    ],
)
def test_what_are_no_numbers(texts: list[str]) -> None:
    assert readings(texts) == []


def test_what_may_be_read_in_two_ways_is_decided_by_what_is_known() -> None:
    thousands = ["1,234", "5,678"]
    assert read(thousands) is None
    assert decide(thousands, readings(thousands), ".", None) == Reading("")
    assert decide(thousands, readings(thousands), ",", None) == Reading(",")
    days = ["01/02/2020", "03/04/2020"]
    assert read(days) is None
    assert decide(days, readings(days), None, "mdy") == Reading("mdy", "d")


def days(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> float:
    when = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return (when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86400


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-01-15", "1969-12-31"], [days(2024, 1, 15), -1]),
        (["2024/1/5"], [days(2024, 1, 5)]),
        (["2024-01"], [days(2024, 1, 1)]),
        (["01 Dec 1990", "Dec 1, 1990", "1-dec-1990", "December 1 1990", "Sat, 1st Dec 1990"], [days(1990, 12, 1)] * 5),
        (["Dec-2015"], [days(2015, 12, 1)]),
        (["12/31/1999", "01/02/2000"], [days(1999, 12, 31), days(2000, 1, 2)]),
        (["31/12/1999", "01/02/2000"], [days(1999, 12, 31), days(2000, 2, 1)]),
        (["01.02.2000", "03.04.2000"], [days(2000, 2, 1), days(2000, 4, 3)]),
        (["2024-01-15T14:30:00Z", "2024-01-15 16:30:00+02:00"], [days(2024, 1, 15, 14, 30)] * 2),
        (["12/31/1999 2:30 PM"], [days(1999, 12, 31, 14, 30)]),
        (["2020-01-01 00:00:00.000000000"], [days(2020, 1, 1)]),
    ],
)
def test_dates_are_days_since_1970(texts: list[str], expected: list[float]) -> None:
    assert read(texts) == ("d", expected)


def test_times_are_hours() -> None:
    assert read(["14:30", "02:15", "0:00"]) == ("h", [14.5, 2.25, 0])
    assert read(["14:30:36", "2:15 AM", "12:00 am", "12:30 p.m."]) == ("h", [14.51, 2.25, 0, 12.5])
    assert read(["0 days 01:00:00", "2 days, 1:30:00"]) == ("h", [1, 49.5])


def test_minutes_and_seconds_beside_hours_minutes_and_seconds_are_refused() -> None:
    durations = ["58:30", "1:02:10", "1:30:00", "4:15"]
    said = "here: column c, row 1: '58:30' may be 58 h 30 min or, beside times of three parts, 58 min 30 s; write all"
    with pytest.raises(UserError, match=re.escape(said)):
        infer("c", durations, "here")
    assert infer("c", durations, "here", "nominal").type == "nominal"
    with pytest.raises(UserError, match="row 4: '4:15' may be 4 h 15 min or"):
        infer("c", ["0:58:30", "1:02:10", "0:00", "4:15"], "here")
    whole = infer("c", ["0:58:30", "1:02:10", "1:30:00"], "here")
    for texts in (["58:30", "1:02:10"], ["58:30", "59:10"]):
        with pytest.raises(UserError, match="x: column c, row 1: '58:30' may be 58 h 30 min or"):
            generated_codes([whole], {"c": texts}, "x", Manner())
    minutes = infer("c", ["14:30", "15:45", "2:20"], "here")
    assert generated_codes([minutes], {"c": ["14:30:00"]}, "x", Manner())[1].tolist() == [[14.5]]
    days = infer("c", ["0 days 01:00:00", "1 day 02:30", "2 days, 1:30:00"], "here")
    assert (days.low, days.high) == (1, 49.5)


def test_dates_and_times_are_shown_as_they_are_written() -> None:
    assert written(days(2024, 1, 15), "ymd", 1) == "2024-01-15"
    assert written(days(1969, 12, 31, 23, 59), "dmy", 1440) == "1969-12-31 23:59"
    assert written(days(2024, 1, 15, 1, 2, 3), "ymd", 0) == "2024-01-15 01:02:03"
    assert written(14.5, "clock", 60) == "14:30"
    assert written(49.51, "clock", 3600) == "49:30:36"
    assert written(-0.5, "clock", 60) == "-00:30"
    assert written(1e9, "ymd", 1) == "1e+09 d"
    assert text_of(Column("t", "continuous", "h", 0, 24, reading="clock", steps=60), 7.25) == "07:15"


@pytest.mark.parametrize(
    ("texts", "type_", "unit", "ends", "steps"),
    [
        ([f"2021-0{k}-01" for k in range(1, 7)], "integer", "d", (18628, 18779), 1),
        (["14:30", "15:45", "02:20"], "continuous", "h", (2 + 1 / 3, 15.75), 60),
        (["2020-01-01 12:00", "2020-01-02 06:00", "2020-01-03"], "continuous", "d", (18262.5, 18264), 24),
        (["5%", "10%", "15%"], "integer", "%", (5, 15), 0),
        (["1,0", "1,3", "1,7"], "continuous", "1", (1, 1.7), 0),
    ],
)
def test_columns_of_what_is_written_otherwise(
    texts: list[str], type_: str, unit: str, ends: tuple[float, float], steps: int
) -> None:
    manner = Manner()
    one = infer("c", texts, "here", manner=manner)
    assert (one.type, one.unit, one.low, one.high, one.steps) == (type_, unit, *ends, steps)
    assert len(manner.notes.counts()) == 1
    assert next(iter(manner.notes.counts())).startswith(f"column 'c': '{texts[0]}' read as ")


def test_a_date_of_digits_only_is_one_where_it_is_declared() -> None:
    texts = ["20240115", "20240116", "20240201"]
    assert infer("c", texts, "here").unit == "1"
    one = infer("c", texts, "here", "date")
    assert (one.unit, one.low, one.high) == ("d", days(2024, 1, 15), days(2024, 2, 1))


def test_many_texts_and_alike_ones_are_noted() -> None:
    manner = Manner()
    infer("c", [f"t{k}" for k in range(12)] * 2, "here", manner=manner)
    infer("d", ["Yes", "yes", "no"], "here", manner=manner)
    assert infer("e", ["True", "TRUE", "false"], "here", manner=manner).categories == ("false", "true")
    assert list(manner.notes.counts()) == [
        "column 'c' taken as nominal: 12 different texts",
        "column 'd': the categories 'Yes', 'yes' differ only in case",
        "column 'e': 'TRUE', 'True', 'false' taken as false and true",
    ]


@pytest.mark.parametrize(
    ("texts", "odd"),
    [
        (["7", "8", "<5", "9", "10", "12"], "<5"),
        (["200K", "5K", "1.5M"], "1.5M"),
        (["1", "2", "3", "4", "5", "x"], "x"),
        (["kg", "70", "80", "75"], "kg"),
        (["2020-01-01", "2020-01-02", "03.01.2020", "soon"], "soon"),
        (["(35)", "(3)", "(4)"], "(35)"),
        (["007", "010", "100"], None),
        (["1", "b", "c"], None),
        (["[10-20]", "[20-30]", "[30-40]"], None),
        (["a", "b", "c", "d"], None),
    ],
)
def test_numbers_that_are_taken_as_categories_are_noted(texts: list[str], odd: str | None) -> None:
    manner = Manner()
    assert infer("c", texts * 2, "here", manner=manner).type == "nominal"
    said = list(manner.notes.counts())
    if odd is None:
        assert said == []
    else:
        assert said == [
            f"column 'c' taken as nominal: most of its {len(texts)} different texts look like numbers, dates or times, "
            f"but not all are written in one way, as '{odd}' (row {texts.index(odd) + 1}); if so, write them alike"
        ]
    quiet = Manner()
    infer("c", texts * 2, "here", "nominal", manner=quiet)
    assert quiet.notes.counts() == {}


def test_a_range_that_one_row_makes_is_noted() -> None:
    manner = Manner()
    infer("c", [*map(str, range(300)), "1e300"], "here", manner=manner)
    [note] = manner.notes.counts()
    assert note.startswith("warning: column 'c' is from 0 to 1e+300, but 98 % of it from 3 to 297")
    assert note.endswith("(row 301)")
