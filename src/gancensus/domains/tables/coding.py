"""The cells of a table as numbers: values, and numbers of categories, by the columns that the real rows have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gancensus.contracts import cells
from gancensus.contracts.cells import NUMBER, WHOLE, How, Reading, is_missing
from gancensus.contracts.columns import Column, Floats, text_of
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.storage.inference import (
    MANY,
    Manner,
    counted_noun,
    find,
    folded,
    index,
    key,
    missing_error,
    number,
    said,
    together,
    two_part_error,
)

MOST_QUOTED = 5  # categories that a sentence names


def codes_of(
    columns: Sequence[Column], table: Mapping[str, Sequence[str]], where: str, manner: Manner | None = None
) -> Floats:
    """Return the rows (n, columns) of a table's cells: numbers, and numbers of categories.

    Raises UserError that names `where`, column and row of a missing number or of a category that no column has, a line
    for each column.
    """
    known, codes = _all_codes(columns, table, where, manner or Manner())
    for column in known:
        if column.extra:
            text = column.extra[0]
            row = (manner or Manner()).row(list(table[column.name]).index(text))
            hint = suggestion(text, column.categories)
            raise UserError(
                f"{where}: column {column.name}, {row}: '{text}' is no category that the real data has{hint}"
            )
    return codes


def generated_codes(
    columns: Sequence[Column], table: Mapping[str, Sequence[str]], where: str, manner: Manner
) -> tuple[tuple[Column, ...], Floats]:
    """Return the columns of generated rows, with categories that no real row has as `extra`, and the rows (n, columns).

    Raises UserError as `codes_of`, but for those categories, which are noted unless a column has no others.
    """
    known, codes = _all_codes(columns, table, where, manner)
    foreign = [
        one
        for one in known
        if one.extra and all(one.missing and is_missing(text) for text in {*table[one.name]}.difference(one.extra))
    ]
    if foreign:
        raise together(_foreign_error(one, where) for one in foreign)
    for column, values in zip(known, codes.T, strict=True):
        other = int((values != column.low).sum())
        if not column.categories and column.low == column.high and other:
            manner.notes.add(
                f"warning: column '{column.name}' is {text_of(column, column.low)} in all rows of `calibrate`, "
                f"but not in {counted_noun(other, 'generated row')}, which Gower's distance does not count"
            )
        if column.extra:
            first = len(column.categories)
            counts = {text: int((values == first + k).sum()) for k, text in enumerate(column.extra)}
            often = "warning: " if sum(counts.values()) > len(values) / 2 else ""
            manner.notes.add(
                f"{often}column '{column.name}': categories that no real row has: {named_categories(counts)}"
            )
    return known, codes


def _foreign_error(column: Column, where: str) -> UserError:
    """Return the error that no generated category of a column is a real one: written differently, or another column."""
    generated, real = (", ".join(map(repr, texts[:MOST_QUOTED])) for texts in (column.extra, column.categories))
    return UserError(
        f"{where}: column {column.name}: none of its categories, such as {generated}, is one that the real rows have, "
        f"such as {real}; write both the same way, or leave the column out: `drop: [{key(column.name)}]` under the "
        "source and under the generator"
    )


def named_categories(rows: Mapping[str, int]) -> str:
    """Name categories, the most frequent first, with how many rows have each."""
    most = sorted(rows, key=lambda text: -rows[text])
    named = ", ".join(f"'{text}' ({counted_noun(rows[text], 'row')})" for text in most[:MOST_QUOTED])
    if len(most) <= MOST_QUOTED:
        return named
    others = counted_noun(sum(rows[text] for text in most[MOST_QUOTED:]), "row")
    return f"{named} and {len(most) - MOST_QUOTED} more ({others})"


def _all_codes(
    columns: Sequence[Column], table: Mapping[str, Sequence[str]], where: str, manner: Manner
) -> tuple[tuple[Column, ...], Floats]:
    known, codes, problems = [], [], []
    for column in columns:
        try:
            extra, found = _codes(column, table[column.of or column.name], f"{where}: column {column.name}", manner)
            known.append(replace(column, extra=extra) if extra else column)
            codes.append(found)
        except UserError as error:
            problems.append(error)
    if problems:
        raise together(problems)
    return tuple(known), np.stack(codes, axis=1)


def _codes(column: Column, texts: Sequence[str], place: str, manner: Manner) -> tuple[tuple[str, ...], Floats]:
    """Return the categories that the column does not have, and the numbers (n,) of its cells."""
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    if column.of:
        return (), np.array([float(is_missing(text)) for text in texts])
    gone = {text: column.fill for text in first if is_missing(text) and column.missing}
    there = {text: row for text, row in first.items() if text not in gone}
    if gone:
        count = counted_noun(sum(text in gone for text in texts), "missing number")
        marked = column.missing == "flag"
        manner.notes.add(
            f"{'' if marked else 'warning: '}column '{column.name}': {count} replaced by the real rows' "
            f"{'most frequent value' if column.categories else 'median'}"
            + ("" if marked else f" {text_of(column, column.fill)} and not marked, which may make rows equal")
        )
    if column.categories:
        found, extra = _categories_of(column, there, place, manner)
    else:
        found, extra = _numbers_of(column, texts, there, place, manner), ()
    found |= gone
    return extra, np.array([found[text] for text in texts], dtype=np.float64)


def _categories_of(
    column: Column, first: Mapping[str, int], place: str, manner: Manner
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the number of the category that each text is, and the texts that are none of them."""
    known, found, new = index(column.categories), dict[str, float](), dict[str, int]()
    same = Counter(map(folded, column.categories))
    alike = {folded(text): k for k, text in enumerate(column.categories) if same[folded(text)] == 1}
    gone = [k for k, text in enumerate(column.categories) if is_missing(text)]
    for text, row in first.items():
        code = find(known, text)
        if code is None:
            code = _read_as(column, text)
        if code is None and is_missing(text) and len(gone) == 1:
            code = gone[0]
            manner.notes.add(f"column '{column.name}': '{text}' taken as '{column.categories[code]}': both are missing")
        if code is None and folded(text) in alike:
            code = alike[folded(text)]
            manner.notes.add(
                f"column '{column.name}': '{text}' taken as '{column.categories[code]}', from which it differs only in "
                "case"
            )
        if code is None and (code := _truth(column, text)) is not None:
            manner.notes.add(f"column '{column.name}': '{text}' taken as '{column.categories[code]}'")
        if code is None:
            _refuse_number(column, text, f"{place}, {manner.row(row)}")
            code = new.setdefault(text, len(column.categories) + len(new))
        found[text] = code
    if len(new) > MANY:
        raise UserError(
            f"{place}: {len(new)} different texts that no real row has, such as '{next(iter(new))}'; provide the "
            "same column as the real rows"
        )
    return found, tuple(new)


def _read_as(column: Column, text: str) -> int | None:
    """Return the category of a text that is one of two numbers, dates or times, read as the real cells are written."""
    if column.type != "binary":
        return None
    how: How = "" if Reading(column.reading).kind == "number" else column.reading
    values, value = (
        [cells.value_of(one, how) for one in column.categories],
        cells.value_of(text, column.reading, column.unit),
    )
    return values.index(value) if value in values and None not in values else None


def _truth(column: Column, text: str) -> int | None:
    """Return the category of a truth value where the real ones are 0 and 1, or of 0 or 1 where they are true and false.

    There may also be a category of missing cells.
    """
    pairs = {"true": 1.0, "false": 0.0}
    there = {folded(one): k for k, one in enumerate(column.categories) if not is_missing(one)}
    if there.keys() == pairs.keys() and NUMBER.fullmatch(text):
        return next((there[word] for word, value in pairs.items() if value == float(text)), None)
    if len(there) == 2 and folded(text) in pairs:
        values = {float(one): k for one, k in there.items() if NUMBER.fullmatch(one)}
        return values.get(pairs[folded(text)]) if values.keys() == {0.0, 1.0} else None
    return None


def _refuse_number(column: Column, text: str, place: str) -> None:
    """Raise UserError for a number with decimals where all categories are whole numbers, and for one among texts."""
    numbers = [one for one in column.categories if NUMBER.fullmatch(one)]
    if column.type == "binary" and len(numbers) == 2 and NUMBER.fullmatch(text) and not WHOLE.fullmatch(text):
        raise UserError(
            f"{place}: '{text}' is no category that the real data has, which are {' and '.join(numbers)}; round it, or "
            f"declare the column in the source: `types: {{{key(column.name)}: continuous}}`"
        )


def _numbers_of(
    column: Column, texts: Sequence[str], first: Mapping[str, int], place: str, manner: Manner
) -> dict[str, float]:
    """Return the number that each text of generated rows is, read as the real ones are written, or plainly.

    If the cells can be read in two ways, take the one whose numbers lie near the real ones, else that of the real ones.
    """
    gone = [text for text in first if is_missing(text)]
    if gone:
        raise missing_error(column.name, texts, f"{place}, {manner.row(first[gone[0]])}", generated=True)
    own = Reading(column.reading, column.unit)
    if (own.how == "" or column.name in manner.plain) and all(map(cells.is_number, first)):
        own = Reading("")
        return {text: number(text, own, f"{place}, {manner.row(row)}") for text, row in first.items()}
    two = cells.two_part(first, three=column.steps not in (1, 60)) if own.how == "clock" else None
    if two is not None:
        raise two_part_error(two, f"{place}, {manner.row(first[two])}", column.name)
    found: dict[Reading, dict[str, float]] = {}
    for reading in (own, *(one for one in cells.readings(first) if _may_be(own, one))):
        values = {text: value for text in first if (value := cells.value_of(text, *reading)) is not None}
        if len(values) == len(first) and values not in found.values():
            found[reading] = values
    if not found:
        return {text: number(text, own, f"{place}, {manner.row(row)}") for text, row in first.items()}
    near = [reading for reading, values in found.items() if _is_near(column, values)]
    reading = near[0] if near else next(iter(found))
    if reading != own:
        text = cells.doubtful(first)
        manner.notes.add(f"column '{column.name}': '{text}' read as {said(found[reading][text], reading)}")
    return {text: number(text, reading, f"{place}, {manner.row(row)}") for text, row in first.items()}


def _may_be(real: Reading, other: Reading) -> bool:
    """Return whether generated cells may be meant to be read so: of the kind of the real ones, and in no other unit."""
    return real.kind == other.kind and (real.unit == other.unit or "1" in (real.unit, other.unit))


def _is_near(column: Column, values: Mapping[str, float]) -> bool:
    """Return whether numbers are near those of a column: their median is within its range, or one range beyond it."""
    reach = column.high - column.low
    return bool(column.low - reach <= np.median(list(values.values())) <= column.high + reach)
