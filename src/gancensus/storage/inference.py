"""Which columns the cells of a table make: their types, units and ranges, inferred from their texts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from gancensus.contracts import cells
from gancensus.contracts.cells import CODE, NUMBER, WHOLE, How, Reading, is_missing
from gancensus.contracts.columns import Column, Floats, text_of
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.samples import Notes

Declared = Literal["continuous", "integer", "nominal", "binary", "date", "day-first", "month-first"] | tuple[str, ...]
"""What a user declares about a column: its type, or the categories of an ordinal one in their order."""
Missing = Literal["refuse", "flag", "impute"]

DECIMALS = 6  # most that are tried
FLOAT32 = 2.0**25  # steps within a range: float32 errs by 2^-25 of half the range, which must stay below half a step
FLOAT64 = 2.0**49  # steps from 0: float64 errs six times by 2^-53 of them in encode and decode, so by less than 2^-50
FEW, MANY = 20, 1000  # categories: up to FEW are always allowed, more than MANY never
OUTLYING = 1000  # times as wide as 98 % of a column: a range due to few rows
NUMBERS = 10  # different numbers: more are not categories
ORDERS: Mapping[str, How] = {"day-first": "dmy", "month-first": "mdy"}


def counted(row: int) -> str:
    """Name a row of a table that is not a text file: counted from 1."""
    return f"row {row + 1}"


@dataclass(frozen=True)
class Manner:
    """What holds for all columns of a table: how its rows are named, and what is declared or proved of their cells."""

    row: Callable[[int], str] = counted
    """Names a row, counted from 0, in messages."""
    missing: Missing = "refuse"
    mark: str | None = None
    """The decimal mark."""
    order: str | None = None
    """The order of day and month in dates, dmy or mdy."""
    plain: frozenset[str] = frozenset()
    """Columns whose cells are numbers by their type, and so have a decimal point."""
    notes: Notes = field(default_factory=Notes)


def key(name: str) -> str:
    """Return a name as it is written in YAML."""
    plain = re.fullmatch(r"[^\W\d][\w.-]*( [\w.-]+)*", name) and name.casefold() not in (
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
    )
    return name if plain and not is_missing(name) and name.casefold() not in ("true", "false") else json.dumps(name)


def together(problems: Iterable[UserError]) -> UserError:
    """Return several errors as one, a line each."""
    return UserError("\n".join(str(problem) for problem in problems))


def infer(
    name: str,
    texts: Sequence[str],
    where: str,
    declared: Declared | None = None,
    unit: str = "1",
    manner: Manner | None = None,
) -> Column:
    """Return the column that cells (n,) make, of the type that is declared or that they look like.

    Numbers are binary where two are different, integer where all are whole, else continuous; texts binary where two are
    different, else nominal, and an empty cell is a category of its own. No type is ordinal unless its order is given.
    Numbers may be written in other ways (see `cells`), which is noted; dates are days, times hours.

    Raises UserError that names `where`, column and row: a cell that the type does not allow, missing numbers that are
    refused, whole numbers that float32 or float64 cannot hold, texts among numbers, texts that are not categories.
    """
    manner = manner or Manner()
    if name in manner.plain:
        manner = replace(manner, mark=".")
    first: dict[str, int] = {}  # row of each different text
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    place = f"{where}: column {name}"
    if isinstance(declared, tuple):
        return Column(name, "ordinal", unit, categories=_ordered(declared, first, place, manner))
    reading = None if declared == "nominal" else _reading(first, declared, place, name, manner)
    if reading is not None:
        found = _of_numbers(name, texts, first, reading, declared, place, manner)
        return replace(found, unit=unit if reading.unit == "1" else reading.unit)
    if declared is None:
        _refuse_unlike(name, first, place, manner)
        first = _truth(name, first, manner)
    if gone := sum(map(is_missing, texts)):
        manner.notes.add(f"column '{name}': {counted_noun(gone, 'missing cell')} taken as a category")
    if declared == "nominal" or (declared is None and len(first) != 2):
        _refuse_many(name, first, len(texts), declared is not None, place)
        if declared is None:
            _note_categories(name, first, manner)
        return Column(name, "nominal", unit, categories=_sorted(first))
    if len(first) != 2:
        raise UserError(f"{place}: is declared binary, but has {len(first)} different values; correct `types`")
    return Column(name, "binary", unit, categories=_sorted(first))


def proved(texts: Iterable[str], declared: Declared | None) -> str | None:
    """Return the decimal mark (. or ,) or the order of dates (dmy or mdy) that the cells of a column prove, if any."""
    if isinstance(declared, tuple) or declared == "nominal":
        return None
    if declared in ("day-first", "month-first"):
        return ORDERS[declared]
    different = [text for text in dict.fromkeys(texts) if not is_missing(text)]
    return cells.proof(different, cells.readings(different))


def _reading(
    first: Mapping[str, int], declared: Declared | None, place: str, name: str, manner: Manner
) -> Reading | None:
    """Return how the cells are numbers, dates or times; None where they are texts.

    Raises UserError where they may be read in two ways, unless they are two texts, which are two categories either way.
    """
    there = [text for text in first if not is_missing(text)]
    found = cells.readings(there)
    if declared in ("day-first", "month-first"):
        return Reading(ORDERS[declared], "d")
    if declared == "date":
        found = [one for one in found if one.kind == "date"] or [Reading("ymd", "d")]
    chosen = cells.decide(there, found, manner.mark, manner.order) if found else None
    two = cells.two_part(there) if chosen == Reading("clock", "h") and len(there) > 2 else None
    if two is not None:
        raise two_part_error(two, f"{place}, {manner.row(first[two])}", name)
    if chosen is None and found and (declared not in (None, "binary") or len(there) > 2):
        text, values = next(
            (text, values)
            for text in there
            if len(values := {cells.value_of(text, *one): None for one in found}) == len(found)
        )
        if found[0].kind == "date":
            days = " or ".join(cells.written(value or 0.0, "ymd", 1) for value in values)
            raise UserError(
                f"{place}, {manner.row(first[text])}: '{text}' may be {days}; say under the source which: "
                f"`types: {{{key(name)}: day-first}}` or `types: {{{key(name)}: month-first}}`"
            )
        numbers = " or ".join(_short(value or 0.0) for value in values)
        raise UserError(
            f"{place}, {manner.row(first[text])}: '{text}' may be {numbers}; "
            'say under the source which: `decimal: "."` or `decimal: ","`'
        )
    if chosen is None and declared in ("continuous", "integer"):
        return Reading("")
    return chosen


def _of_numbers(
    name: str,
    texts: Sequence[str],
    first: Mapping[str, int],
    reading: Reading,
    declared: Declared | None,
    place: str,
    manner: Manner,
) -> Column:
    """Return the column of cells that are numbers, read in one way."""
    gone = [text for text in first if is_missing(text)]
    if gone and manner.missing == "refuse":
        raise missing_error(name, texts, f"{place}, {manner.row(first[gone[0]])}")
    value = {
        text: number(text, reading, f"{place}, {manner.row(row)}") for text, row in first.items() if text not in gone
    }
    values = np.unique(list(value.values())) + 0.0  # no -0.0
    if reading == Reading("") and declared != "continuous":
        _refuse_merged({text: first[text] for text in value}, place, name, manner)
    if declared == "binary" and len(values) != 2:
        raise UserError(f"{place}: is declared binary, but has {len(values)} different values; correct `types`")
    column = _numbers(name, reading, values, declared, place)
    column = replace(column, reading=reading.how)
    if not column.categories:
        _note_outliers(column, texts, value, manner)
    if manner.missing != "refuse":
        column = _filled(column, np.array([value[text] for text in texts if text in value]), len(texts), manner)
    if any(text not in gone and not cells.is_number(text) for text in first) or reading.how:
        text = cells.doubtful(value)
        manner.notes.add(f"column '{name}': '{text}' read as {said(value[text], reading)}")
    return column


def _note_outliers(column: Column, texts: Sequence[str], value: Mapping[str, float], manner: Manner) -> None:
    """Note a range that a few rows make so wide that all others look alike in it."""
    values = np.array([value.get(text, np.nan) for text in texts])
    low, middle, high = np.nanquantile(values, [0.01, 0.5, 0.99]).tolist()
    if column.high / 2 - column.low / 2 > OUTLYING * (high / 2 - low / 2) > 0:
        far = int(np.nanargmax(np.abs(values - middle)))
        manner.notes.add(
            f"warning: column '{column.name}' is from {column.low:.3g} to {column.high:.3g}, but 98 % of it from "
            f"{low:.3g} to {high:.3g}, which are nearly one value beside {values[far]:.3g} ({manner.row(far)})"
        )


def _filled(column: Column, values: Floats, rows: int, manner: Manner) -> Column:
    """Return a column of numbers whose missing ones are replaced by the median of the others (n,)."""
    gone = rows - len(values)
    median = float(np.median(values))
    if column.categories:  # the category that most have; its number is the code
        counts = [int((values == float(text)).sum()) for text in column.categories]
        fill, said = float(np.argmax(counts)), f"most frequent value {column.categories[int(np.argmax(counts))]}"
    else:
        fill = median if column.places is None else float(np.round(median, column.places))
        said = f"median {text_of(replace(column, missing=''), fill)} of the real rows"
    how = "flag" if gone and manner.missing == "flag" else "impute"
    if gone:
        marks = f", and marked in '{marker(column.name)}'" if how == "flag" else ""
        manner.notes.add(
            f"column '{column.name}': {counted_noun(gone, 'missing number')} replaced by the {said}{marks}"
        )
    return replace(column, missing=how, fill=fill)


def marker(name: str) -> str:
    """Return the name of the column that marks missing numbers of another."""
    return f"{name} missing"


def missing_error(name: str, texts: Sequence[str], place: str, generated: bool = False) -> UserError:
    """Return the error that some cells of a column of numbers are missing, with what to do.

    Where only generated rows have missing cells, no column marks them.
    """
    gone = [text for text in texts if is_missing(text)]
    ways, both = f"`missing: flag` (the median stands for it, and a column '{marker(name)}' marks it) or ", ""
    ways += "`missing: impute` (the median alone)"
    if generated:
        ways = "`missing: impute` (the median of the real rows, which miss none, stands for it; it may make rows equal)"
        both = " under the source and under the generator"
    return UserError(
        f"{place}: '{gone[0]}' is a missing number ({len(gone)} of {len(texts)} are); write under the source "
        f"{ways}, or leave the column out: `drop: [{key(name)}]`{both}"
    )


def two_part_error(text: str, place: str, name: str) -> UserError:
    """Return the error that a time may be hours and minutes, or minutes and seconds."""
    a, b = text.split(":")
    return UserError(
        f"{place}: '{text}' may be {a} h {b} min or, beside times of three parts, {a} min {b} s; write all as hours, "
        f"minutes and seconds, or leave the column out: `drop: [{key(name)}]`"
    )


def said(value: float, reading: Reading) -> str:
    """Say what a cell is read as."""
    if reading.kind == "date":
        shown = cells.written(value, "ymd", 1 if value == round(value) else 86400)
        return f"the date {shown}, in days since 1970-01-01"
    return f"{_short(round(value, 9) + 0.0)}" + (
        f", in {'hours' if reading.how == 'clock' else reading.unit}" if reading.unit != "1" else ""
    )


def counted_noun(count: int, noun: str) -> str:
    """Return a number with its noun: '1 row', '2,000 rows'."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _refuse_merged(first: Mapping[str, int], place: str, name: str, manner: Manner) -> None:
    """Raise UserError where different whole numbers are one number in float64."""
    whole: dict[float, int] = {}
    for text, row in first.items():
        if WHOLE.fullmatch(text) and whole.setdefault(float(text), int(text)) != int(text):
            raise UserError(
                f"{place}, {manner.row(row)}: whole numbers as long as {text} cannot be told apart in float64 and look "
                f"like an identifier; leave the column out: `drop: [{key(name)}]`, or declare it: "
                f"`types: {{{key(name)}: continuous}}`"
            )


def _refuse_unlike(name: str, first: Mapping[str, int], place: str, manner: Manner) -> None:
    """Raise UserError for a text among many different numbers, dates or times, but not where all are codes."""
    numbers = [text for text in first if NUMBER.fullmatch(text)]
    if any(map(CODE.match, numbers)) and len(set(map(len, numbers))) == 1:
        return
    there = [text for text in first if not is_missing(text)]
    if len(there) > 2 and all(map(cells.SHORT_YEAR.fullmatch, there)):
        raise UserError(
            f"{place}, {manner.row(first[there[0]])}: '{there[0]}' looks like a date with a year of two digits; write "
            f"all four, or declare the column: `types: {{{key(name)}: nominal}}`"
        )
    kinds = {text: cells.likeness(text) for text in first}
    most = Counter(kind for kind in kinds.values() if kind is not None).most_common(1)
    if not most or most[0][1] <= max(NUMBERS, len(first) / 2):
        return
    kind, declare = most[0][0], f"declare the column: `types: {{{key(name)}: nominal}}`"
    others = [text for text in first if kinds[text] != kind and not is_missing(text)]
    what = "a number" if kind == "1" else kind if kind.startswith("a ") else f"a number in {kind}"
    if others:
        where = f"{place}, {manner.row(first[others[0]])}"
        raise UserError(f"{where}: '{others[0]}' is not {what}, but most others are; correct it, or {declare}")
    examples = " and ".join(f"'{text}'" for text in _unlike([text for text in first if kinds[text] == kind]))
    raise UserError(
        f"{place}: its cells look like {what[2:]}s, but are not all written in one way, as {examples}; write them "
        f"alike, or {declare}"
    )


def _unlike(texts: Sequence[str]) -> tuple[str, str]:
    """Return two texts that cannot be read in one way, or the first and the last."""
    return texts[0], next((text for text in texts if not cells.readings([texts[0], text])), texts[-1])


def _truth(name: str, first: Mapping[str, int], manner: Manner) -> dict[str, int]:
    """Return true, True and TRUE as one text where all are truth values."""
    there = [text for text in first if not is_missing(text)]
    lower = {text.casefold() for text in there}
    if not lower or not lower <= {"true", "false"} or len(lower) == len(there):
        return dict(first)
    manner.notes.add(f"column '{name}': {', '.join(map(repr, sorted(there)))} taken as {' and '.join(sorted(lower))}")
    return {text.casefold() if text in there else text: row for text, row in first.items()}


def _note_categories(name: str, first: Mapping[str, int], manner: Manner) -> None:
    """Note a nominal column of many texts or of numbers mostly, and texts that differ in case or blanks only."""
    odd = _odd(first)
    if odd is not None:
        manner.notes.add(
            f"column '{name}' taken as nominal: most of its {len(first)} different texts look like numbers, dates or "
            f"times, but not all are written in one way, as '{odd}' ({manner.row(first[odd])}); if so, write them "
            "alike"
        )
    elif len(first) > NUMBERS:
        manner.notes.add(f"column '{name}' taken as nominal: {len(first)} different texts")
    alike: dict[str, list[str]] = {}
    for text in sorted(first):
        alike.setdefault(folded(text), []).append(text)
    for group in alike.values():
        if len(group) > 1:
            manner.notes.add(f"column '{name}': the categories {', '.join(map(repr, group))} differ only in case")


def _odd(first: Mapping[str, int]) -> str | None:
    """Return a text that is unlike the others, of which most look like numbers, dates or times; None where they do not.

    Codes of one length, such as 007, are texts.
    """
    there = [text for text in first if not is_missing(text)]
    if any(map(CODE.match, there)) and len(set(map(len, there))) == 1:
        return None
    kinds = {text: cells.likeness(text) for text in there}
    alike = Counter(kind for kind in kinds.values() if kind is not None)
    if alike.total() <= len(there) / 2:
        return None
    usual = alike.most_common(1)[0][0]
    odd = [text for text in there if kinds[text] is None] or [text for text in there if kinds[text] != usual]
    return odd[0] if odd else _unlike(there)[1]


def folded(text: str) -> str:
    """Return a text without what differs in case or blanks only."""
    return " ".join(text.casefold().split())


def _refuse_many(name: str, first: Mapping[str, int], rows: int, declared: bool, place: str) -> None:
    """Raise UserError where there are too many different texts for categories."""
    if len(first) <= (MANY if declared else min(MANY, max(FEW, rows // 2))):
        return
    raise UserError(
        f"{place}: {len(first)} different texts in {rows} rows are not categories but look like an identifier; leave "
        f"the column out: `drop: [{key(name)}]`"
    )


def _ordered(declared: tuple[str, ...], first: Mapping[str, int], place: str, manner: Manner) -> tuple[str, ...]:
    """Return the declared categories, which are all different and all there are."""
    if len(set(declared)) < len(declared) or not declared:
        raise UserError(f"{place}: its categories under `types` must be different ones; correct them")
    known = index(declared)
    for text, row in first.items():
        if find(known, text) is None:
            raise UserError(
                f"{place}, {manner.row(row)}: '{text}' is not a category that `types` gives{suggestion(text, declared)}"
            )
    return declared


def _numbers(name: str, reading: Reading, values: Floats, declared: Declared | None, place: str) -> Column:
    """Return the column of different numbers, ascending: binary where they are two, integer or continuous."""
    if len(values) == 2 and declared in (None, "binary", "date", *ORDERS):
        return Column(name, "binary", categories=tuple(_category(value, reading) for value in values))
    low, high = float(values[0]), float(values[-1])
    decimals, whole = _decimals(values), bool((np.rint(values) == values).all())
    if declared == "integer" and decimals != 0:
        wrong = f"whole numbers from {low:g} to {high:g} are too many for float32" if whole else "not all are whole"
        raise UserError(f"{place}: is declared integer, but {wrong}; declare it continuous")
    integer = decimals == 0 and declared != "continuous"
    steps = 0 if reading.kind == "number" else cells.steps_of(values.tolist(), reading.unit)
    if steps > 1:
        decimals, steps = None, steps if _fits(values, steps) else 0
    return Column(name, "integer" if integer else "continuous", "1", low, high, decimals, steps=steps)


def _category(value: float, reading: Reading) -> str:
    """Return one of two numbers as a category: a number, date or time."""
    if reading.kind == "number":
        return _short(value)
    return cells.written(value, reading.how, cells.steps_of([value], reading.unit))


def _decimals(values: Floats) -> int | None:
    """Return the fewest decimals that keep numbers (k,), ascending, as they are; None where float32 could not."""
    for decimals in range(DECIMALS + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            if (np.round(values, decimals) == values).all():
                return decimals if _fits(values, 10.0**decimals) else None
    return None


def _fits(values: Floats, steps: float) -> bool:
    """Return whether float32 keeps numbers (k,), ascending, of so many steps in 1 apart."""
    with np.errstate(over="ignore", invalid="ignore"):
        reach, most = values[-1] - values[0], np.abs(values).max()
        return bool((reach / FLOAT32 + most / FLOAT64) * steps < 1)


def number(text: str, reading: Reading, place: str) -> float:
    """Read a finite number, date or time."""
    value = cells.value_of(text, *reading)
    if value is None and reading.how == "" and NUMBER.fullmatch(text):
        value = float(text)  # 007, where that is declared a number
    if value is not None and np.isfinite(value):
        return value
    what = {"date": "date", "time": "time of day"}.get(reading.kind, "finite number")
    raise UserError(
        f"{place}: '{text}' is not a {what}{'' if reading.unit in '1dh' else f' in {reading.unit}'}; correct it"
    )


def _short(value: float) -> str:
    """Write a number as briefly as it can be read back."""
    return repr(float(value)).removesuffix(".0")


def _sorted(texts: Collection[str]) -> tuple[str, ...]:
    """Return categories in the order of their numbers, or of their letters."""
    numbers = all(NUMBER.fullmatch(text) for text in texts)
    return tuple(sorted(texts, key=lambda text: (float(text) if numbers else 0.0, text)))


def index(categories: Sequence[str]) -> dict[str | float, int]:
    """Return the number of each category by its text, and by its number, where that is unique."""
    known: dict[str | float, int] = {text: k for k, text in enumerate(categories)}
    values = [float(text) for text in categories if NUMBER.fullmatch(text)]
    if len(set(values)) == len(values):
        known |= {float(text): k for k, text in enumerate(categories) if NUMBER.fullmatch(text)}
    return known


def find(known: Mapping[str | float, int], text: str) -> int | None:
    """Return the number of the category that a text is: 1.0 is also 1."""
    found = known.get(text)
    return known.get(float(text)) if found is None and NUMBER.fullmatch(text) else found
