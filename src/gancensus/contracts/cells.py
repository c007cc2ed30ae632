"""How the cells of a table are written: which texts are numbers, dates or times, in which unit and decimal mark."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

How = Literal["", ",", "ymd", "dmy", "mdy", "clock"]
"""Numbers with a decimal point or comma, dates by the order of year, month and day, or times of day."""

DECLARED = ("continuous", "integer", "nominal", "binary", "date", "day-first", "month-first")
"""Words by which a user says what a column is."""
NUMBER = re.compile(r"[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|inf)")
WHOLE = re.compile(r"[+-]?[0-9]+")
CODE = re.compile(r"[+-]?0[0-9]")  # 007 is not a number
MISSING = {"", "?", "-", ".", "na", "n/a", "n.a.", "nan", "-nan", "nat", "none", "null", "<na>", "#na", "#n/a"}
MISSING |= {"#n/a n/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}

DASHES = str.maketrans(dict.fromkeys("\u2212\u2010\u2012\u2013\ufe63\uff0d", "-"))  # written for a minus
SPACES = " \u00a0\u2009\u202f"  # that separate thousands
MONEY = (
    r"[$£€¥₹₽₩₺฿₫₪₴₦]|[A-Z]{1,2}\$|(?:USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BRL|MXN|ZAR"
    r"|KRW|SGD|HKD|RUB|TRY|Rs\.?|kr\.?|Fr\.?)"
)
UNIT = r"(?:[%‰°′″]|[^\W\d_])[^\s\d,;:()\[\]<>=|]*(?:[\^/][^\s,;:()\[\]]*)?(?: [^\W\d_]+\.?)?|" + MONEY
DECORATED = re.compile(
    rf"(?P<first>[+-])?(?P<open>\()?(?P<second>[+-])?(?:(?P<before>{MONEY})[{SPACES}]?)?(?P<third>[+-])?(?P<inner>\()?"
    rf"(?P<core>(?:[0-9][0-9.,'’{SPACES}]*[0-9.]|[0-9]|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rf"[{SPACES}]?(?P<after>{UNIT})?(?P<close>\))?(?P<last>-)?"
)
CORES: dict[str, re.Pattern[str]] = {
    mark: re.compile(
        rf"(?:[1-9][0-9]{{0,2}}(?:(?P<gap>[{SPACES}'’])[0-9]{{3}}(?:(?P=gap)[0-9]{{3}})*|{groups})|[0-9]+)?"
        rf"(?:{re.escape(mark)}[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    )
    for mark, groups in ((".", r"(?:,[0-9]{2,3})*,[0-9]{3}"), (",", r"(?:\.[0-9]{3})+"))
}
GROUP = re.compile(r"[1-9][0-9]{0,2}([.,])[0-9]{3}")  # of thousands, or three decimals

MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
DAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?,? )?"
TIME = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<part>[.,][0-9]+)?)?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)?"
)
ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?"
CLOCK = re.compile(rf"(?:(?P<days>[0-9]+) days?,? )?{TIME}")
DATES: dict[str, list[re.Pattern[str]]] = {
    order: [re.compile(rf"{DAY}{one}(?:[T,]? ?{TIME}{ZONE})?") for one in ones]
    for order, ones in {
        "ymd": [r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?:(?P=mark)(?P<day>[0-9]{1,2}))?"],
        "compact": [r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"],
        "dmy": [r"(?P<day>[0-9]{1,2})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})"],
        "mdy": [r"(?P<month>[0-9]{1,2})(?P<mark>[-/.])(?P<day>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})"],
        "named": [
            rf"(?:(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?[- .]{{0,2}})?{MONTH_NAME}[- ,]{{0,2}}(?P<year>[0-9]{{4}})",
            rf"{MONTH_NAME} (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<year>[0-9]{{4}})",
        ],
    }.items()
}
SHORT_YEAR = re.compile(r"[0-9]{1,2}([-/.])([0-9]{1,2}|[A-Za-z]{3})\1[0-9]{2}")  # 31/12/99, 31-Dec-99
EPOCH = date(1970, 1, 1)


class Reading(NamedTuple):
    """A way in which all cells of a column are numbers."""

    how: How
    unit: str = "1"
    """What is written with each: %, kg, $; of a date d, of a time h."""

    @property
    def kind(self) -> str:
        """What the cells are: number, date or time."""
        return {"clock": "time", "": "number", ",": "number"}.get(self.how, "date")


def is_missing(text: str) -> bool:
    """Return whether a cell stands for a missing value."""
    return text.casefold() in MISSING


def is_number(text: str) -> bool:
    """Return whether a text is a number with a decimal point and nothing beside it, not a code such as 007."""
    return bool(NUMBER.fullmatch(text)) and not CODE.match(text)


def value_of(text: str, how: How, unit: str = "1") -> float | None:
    """Return the number that a text is, read in one way, with its unit or without; None where it is not one.

    Dates are days since 1970-01-01, in UTC where their zone is given; times are hours.
    """
    if how == "clock":
        return _hours(text)
    if how in ("ymd", "dmy", "mdy"):
        orders = (how, "named", "ymd", "compact")  # 20240115 is a date only among dates, or where that is declared
        return next((found for order in orders if (found := _days(text, order)) is not None), None)
    if how == "" and is_number(text):
        return float(text)
    parts = _split(text)
    return None if parts is None or parts[2] not in ("1", unit) else _valued(parts[0], parts[1], how)


def _split(text: str) -> tuple[bool, str, str] | None:
    """Return whether a decorated number is negative, its digits and its unit; None where it is not one."""
    plain = text if text.isascii() else text.translate(DASHES)
    found = DECORATED.fullmatch(plain)
    if found is None:
        return None
    signs = [found[name] for name in ("first", "second", "third", "last") if found[name]]
    brackets = [found[name] for name in ("open", "inner") if found[name]]
    if len(signs) + len(brackets) > 1 or len(brackets) != bool(found["close"]) or (found["before"] and found["after"]):
        return None
    if CODE.match(found["core"]):
        return None
    return signs == ["-"] or bool(brackets), found["core"], found["before"] or found["after"] or "1"


def _valued(negative: bool, core: str, how: str) -> float | None:
    """Read the digits of a decorated number by its decimal mark."""
    mark, other = (",", ".") if how == "," else (".", ",")
    if not CORES[mark].fullmatch(core):
        return None
    digits = re.sub(rf"[{SPACES}'’{other}]", "", core).replace(mark, ".")
    return -float(digits) if negative else float(digits)


def _hours(text: str) -> float | None:
    found = CLOCK.fullmatch(text)
    seconds = None if found is None else _seconds(found)
    if found is None or seconds is None:
        return None
    return (86400 * int(found["days"] or 0) + seconds) / 3600


def _seconds(found: re.Match[str]) -> float | None:
    """Return the seconds of a time of day; None where it is not one, such as 12:75."""
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (found["half"][0] in "pP")
    if minute > 59 or second > 60:
        return None
    return 3600 * hour + 60 * minute + second + float((found["part"] or "0").replace(",", "."))


def _days(text: str, order: str) -> float | None:
    """Return the days since 1970-01-01 of a date written in an order."""
    for pattern in DATES[order]:
        found = pattern.fullmatch(text)
        if found is not None:
            known = found.groupdict()
            try:
                month = int(known.get("month") or MONTHS.index(known.get("name", "")[:3].lower()))
                days = (date(int(found["year"]), month, int(found["day"] or 1)) - EPOCH).days
            except ValueError:  # no such day or month
                return None
            if not found["hour"]:
                return float(days)
            seconds = _seconds(found)
            return None if seconds is None else (86400 * days + seconds - _zone(found["zone"])) / 86400  # rounded once
    return None


def _zone(text: str | None) -> float:
    """Return the seconds by which a zone is ahead of UTC."""
    if not text or text[0] not in "+-":
        return 0.0
    seconds = 3600 * int(text[1:3]) + 60 * int(text[-2:])
    return -seconds if text[0] == "-" else seconds


def readings(texts: Collection[str]) -> list[Reading]:
    """Return every way in which all texts, none of them missing, are numbers; two where the texts do not decide.

    They are read as numbers with nothing beside them or with one unit, which all have; as dates of one order; as times.
    Where all are in brackets, or end in a minus, that does not mark negative ones: the column is text.
    """
    if not texts:
        return []
    if all(map(is_number, texts)):
        grouped = any(GROUP.fullmatch(text.lstrip("+-")) for text in texts)
        return [Reading(""), *(_numbers(texts, [","]) if grouped else ())]
    return _numbers(texts, ["", ","]) or _dated(texts) or _timed(texts)


def _numbers(texts: Collection[str], ways: Iterable[How]) -> list[Reading]:
    parts: list[tuple[bool, str, str]] = []
    for text in texts:
        found = _split(text)
        if found is None or (parts and found[2] != parts[0][2]):
            return []
        parts.append(found)
    if all("(" in text or text.endswith("-") for text in texts):
        return []
    known: dict[Reading, list[float | None]] = {}
    for how in ways:
        values = [_valued(negative, core, how) for negative, core, _ in parts]
        if None not in values and values not in known.values():
            known[Reading(how, parts[0][2])] = values
    return list(known)


def _dated(texts: Collection[str]) -> list[Reading]:
    """Return the orders in which all texts are dates; a date with dots has its day first."""
    if all(_days(text, "named") is not None for text in texts):
        return [Reading("ymd", "d")]
    orders: list[How] = ["ymd", "dmy", "mdy"]
    found = [order for order in orders if all(_days(text, order) is not None for text in texts)]
    if found == ["dmy", "mdy"] and all("." in text.split(" ")[0] for text in texts):
        found = ["dmy"]
    return [Reading(order, "d") for order in found]


def _timed(texts: Collection[str]) -> list[Reading]:
    return [Reading("clock", "h")] if all(_hours(text) is not None for text in texts) else []


def two_part(texts: Iterable[str], three: bool = False) -> str | None:
    """Return a time of two parts that may be hours and minutes or, as others have three, minutes and seconds.

    `three`: whether other columns of the kind have three. None where a half of the day says that all are times of day.
    """
    times = [(text, found) for text in texts if (found := CLOCK.fullmatch(text)) is not None]
    three = three or any(found["second"] for _, found in times)
    two = [text for text, found in times if not found["second"] and not found["days"] and _hours(text)]
    return two[0] if three and two and not any(found["half"] for _, found in times) else None


def proof(texts: Collection[str], found: Collection[Reading]) -> str | None:
    """Return the decimal mark, or the order of dates, that the cells of a column prove; None where they prove none."""
    if len(found) != 1:
        return None
    (reading,) = found
    if reading.kind == "number":
        marked = any("." in text or "," in text for text in texts)
        return ("," if reading.how == "," else ".") if marked else None
    return reading.how if reading.how in ("dmy", "mdy") else None


def decide(texts: Collection[str], found: Collection[Reading], mark: str | None, order: str | None) -> Reading | None:
    """Return which of two readings is meant; None where nothing says so.

    `mark` and `order` are what is declared, or what the other columns of the table prove. Else the cells decide: beside
    a number of four or more digits without a separator, separators are decimal marks; beside shorter ones only, and
    where one ends in 0, as no decimal that is written as briefly as possible does, they separate thousands. Three
    digits after a comma are thousands of dollars and pounds, and after a point decimals unless something speaks for
    thousands.
    """
    ways: dict[str, Reading] = {reading.how: reading for reading in found}
    if len(ways) == 1:
        return next(iter(ways.values()))
    if "dmy" in ways:
        return ways.get(order or "")
    if mark is not None:
        return ways["," if mark == "," else ""]
    cores = [parts[1] for text in texts if (parts := _split(text)) is not None]
    bare = [core for core in cores if core.isdecimal()]
    groups = [core for core in cores if GROUP.fullmatch(core)]
    comma = any("," in core for core in groups)
    decimal, thousands = (",", "") if comma else ("", ",")
    if any(len(core) > 3 for core in bare):
        return ways[decimal]
    if bare and any(core.endswith("0") for core in groups):
        return ways[thousands]
    unit = next(iter(ways.values())).unit
    if comma and unit[-1] in "$£":
        return ways[""]
    return None if comma else ways[""]


def doubtful(texts: Iterable[str]) -> str:
    """Return a text that has two readings: the first with a group of three digits, or else the first."""
    texts = list(texts)
    return next((text for text in texts if re.search(r"[.,][0-9]{3}(?![0-9])", text)), texts[0])


def likeness(text: str) -> str | None:
    """Return what a text looks like, to find what differs from most of a column: a number's unit, a date or a time."""
    if NUMBER.fullmatch(text) and not CODE.match(text):
        return "1"
    found = _split(text)
    if found is not None and any(_valued(found[0], found[1], how) is not None for how in ("", ",")):
        return found[2]
    if any(_days(text, order) is not None for order in ("ymd", "dmy", "mdy", "named")):
        return "a date"
    return "a time" if _hours(text) is not None else None


def steps_of(values: Sequence[float], unit: str) -> int:
    """Return how many steps of a day (d) or an hour (h) make all values whole, at most seconds; 0 where none do."""
    seconds = 86400 if unit == "d" else 3600
    whole = [round(value * seconds) for value in values]
    if any(abs(value * seconds - one) > 1e-3 for value, one in zip(values, whole, strict=True)):
        return 0
    for step in (86400, 3600, 60, 1):
        if step <= seconds and all(one % step == 0 for one in whole):
            return seconds // step
    return 0


def written(value: float, how: How, steps: int) -> str:
    """Write a date or a time as it is usually written, to the step that its column has, and at most to seconds."""
    total = round(value * (3600 if how == "clock" else 86400))
    days, rest = (0, abs(total)) if how == "clock" else divmod(total, 86400)
    if not -719162 <= days <= 2932896:
        return f"{value:.7g} d"  # beyond the years 1 to 9999
    short = f"{rest // 3600:02}:{rest % 3600 // 60:02}"
    whole = short if steps in ((1, 60) if how == "clock" else (24, 1440)) else f"{short}:{rest % 60:02}"
    if how == "clock":
        return f"-{whole}" if total < 0 else whole
    day = (EPOCH + timedelta(days=days)).isoformat()
    return day if steps == 1 else f"{day} {whole}"
