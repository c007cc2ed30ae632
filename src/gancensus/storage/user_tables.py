"""Users' tables, as CSV and Parquet: their cells as text, and which columns only number the rows."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gancensus.contracts.cells import is_missing, is_number, readings
from gancensus.contracts.columns import Floats
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Notes
from gancensus.storage.inference import Manner, counted_noun, key, together
from gancensus.storage.tables import read_table

QUOTED = re.compile(r'"[^"]*("|$)')  # or to the end of the line
SEPARATOR = re.compile(r'\s*"?sep=.?"?\s*', re.IGNORECASE)  # Excel's first line
SEPARATORS = ",;\t|"
PEEKED = 20  # lines that show whether blanks separate cells
BINARY = {b"PK\x03\x04": "an Excel or zip file", b"\x1f\x8b": "a compressed file", b"PAR1": "a Parquet file"}
UNNAMED = re.compile(r"(Unnamed: [0-9]+(\.[0-9]+)*)?|__index_level_[0-9]+__")  # as pandas writes its index
IDENTIFIER = re.compile(
    r"(?i:(.*[\W_])?(id|ids|row|rownum|rownames?|row ?(number|no|id)|no|nr|key|uuid|guid)\.?|#|№"
    r"|((row|df|data|table|record|sample|case|old|orig|original)[\W_]?)?(index|idx))"  # a price index is not one
    r"|.*[a-z](Id|ID)"
)
COUNT = re.compile(r"\+?[0-9]+(\.0*)?")
INDEX = "it is an index, as pandas and R write it"
EMPTY = "all its cells are empty"
THING = re.compile(  # what rows are often about: a column of that name may number them, or count them
    r"(?i:(.*[\W_])?(customer|passenger|patient|subject|user|account|order|invoice|transaction|record|sample|case|person"
    r"|client|employee|student|member|participant|ticket|policy|loan|event|run|number|num|code|serial|barcode)s?)"
)
FEWEST = 30  # rows from which on whole numbers that are all different mean something
FEWEST_NAMED = 10  # the same where the name may be an identifier's
CHANCE = 5.0  # expected pairs of equal numbers, where there are none


@dataclass(frozen=True)
class TextTable:
    """The cells of a table as text, an empty one as ''."""

    cells: Mapping[str, list[str]]
    """Those of each column; none of an unwanted one."""
    manner: Manner
    """How its rows are named, which columns are numbers by their type, and the notes on it."""
    index: Collection[str] = ()
    """Columns that the file says are pandas's index."""
    name: NDArray[np.object_] | None = None
    """What a person finds each row by, where that is not its number."""


def read_csv(path: Path, unwanted: Collection[str]) -> TextTable:
    """Read a table of text, separated by comma, semicolon, tab or |, whichever its header has most of, or by blanks.

    Blank lines are skipped, and above the header a line that names the separator (sep=;) and comments (#). Quotes may
    hold separators and ends of lines. Text is in UTF-8, or in UTF-16 with its mark.

    Raises UserError that names file and line: no such file, no text, cells that are too many or too few, no header.
    """
    _refuse_folder(path)
    notes = Notes()
    try:
        encoding = _encoding(path, notes)
        with path.open(encoding=encoding, newline="") as file:
            lines, rows = _rows(file, notes)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file (looked for from {Path.cwd()})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8; save it as CSV in UTF-8") from None
    except (csv.Error, OSError) as error:
        raise UserError(f"{path}: not a readable CSV file ({error}); save it again") from None
    head, rows = (rows[0], rows[1:]) if rows else ([], [])
    head, rows = _even(path, head, rows, lines[1:], notes)
    _refuse_repeats(path, head, rows, lines)
    cells = list(zip(*rows, strict=True)) if rows else [() for _ in head]
    there = [k for k, name in enumerate(head) if name or any(cells[k])]
    if len(there) < len(head):
        notes.add(f"left out: {counted_noun(len(head) - len(there), 'empty column')} without a name")
    head, cells = [head[k] for k in there], [cells[k] for k in there]
    _check_names(path, head, len(rows), unwanted)
    _refuse_row(
        path, lines[0], {name: column for name, column in zip(head, cells, strict=True) if name not in unwanted}
    )
    table = {name: [] if name in unwanted else list(column) for name, column in zip(head, cells, strict=True)}
    manner = Manner(row=lambda row: f"line {lines[1 + row]}", notes=notes)
    return TextTable(table, manner, name=np.array([manner.row(row) for row in range(len(rows))], dtype=np.object_))


def _encoding(path: Path, notes: Notes) -> str:
    """Return how the text of a file is encoded."""
    with path.open("rb") as file:
        start = file.read(4)
        for mark, what in BINARY.items():
            if start.startswith(mark):
                kind = "; use kind parquet" if mark == b"PAR1" else "; save it as CSV in UTF-8"
                raise UserError(f"{path}: is {what}, not a text file{kind}")
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            notes.add("read as UTF-16")
            return "utf-16"
        line = 1
        for block in chain([start], iter(lambda: file.read(1 << 20), b"")):
            if b"\0" in block:
                line += block[: block.index(b"\0")].count(b"\n")
                raise UserError(f"{path}: line {line} holds a NUL byte, which no text has; save it as CSV in UTF-8")
            line += block.count(b"\n")
    return "utf-8-sig"


def _rows(file: Iterator[str], notes: Notes) -> tuple[list[int], list[list[str]]]:
    """Return the cells of header and rows, and the line of the file, counted from 1, in which each begins."""
    skipped, header, rest = _header(file, notes)
    if not header:
        return [], []
    bare = QUOTED.sub("", header)
    delimiter = max(SEPARATORS, key=bare.count)
    ahead = list(islice(rest, PEEKED))
    text = chain([header], ahead, rest)
    blanks = delimiter not in bare and _by_blanks(header, ahead)
    stripped = (f"{line.strip()}\n" for line in text)
    delimiter = " " if blanks else delimiter
    reader = csv.reader(stripped if blanks else text, delimiter=delimiter, skipinitialspace=True, strict=True)
    lines, rows, before = [], [], 0
    for row in reader:
        if row:
            lines.append(skipped + before + 1)
            rows.append([cell.strip() for cell in row])
        before = reader.line_num
    return lines, rows


def _header(file: Iterator[str], notes: Notes) -> tuple[int, str, Iterator[str]]:
    """Return how many lines come before the header, the header, and the lines after it.

    Lines that begin with # are comments, unless the last of them has as many cells as the row that follows it.
    """
    skipped, comments = 0, []
    for line in file:
        if line.lstrip().startswith("#"):
            comments.append(line)
        elif line.strip() and not SEPARATOR.fullmatch(line):
            named = _named(comments[-1], line) if comments else None
            if len(comments) > (named is not None):
                count = len(comments) - (named is not None)
                notes.add(f"left out: {counted_noun(count, 'comment line')} above the header")
            return (skipped, line, file) if named is None else (skipped - 1, named, chain([line], file))
        skipped += 1
    return skipped, comments[-1].lstrip("# ") if comments else "", iter(())


def _named(comment: str, line: str) -> str | None:
    """Return a line that begins with # as the header of the row below it; None where it is a comment."""
    delimiter = max(SEPARATORS, key=line.count)
    cells, names = (one.split(delimiter if delimiter in line else None) for one in (line, comment.lstrip("#")))
    alike = len(cells) == len(names) > 1
    if not alike or (comment.startswith("# ") and not any(is_number(cell.strip(' "\r\n')) for cell in cells)):
        return None
    return comment if comment[1:2] == delimiter else comment.lstrip("# ")


def _by_blanks(header: str, ahead: Sequence[str]) -> bool:
    """Return whether blanks separate cells: the rows have as many as the header, or one more, the name of the row."""
    names = len(next(csv.reader([header.strip()], delimiter=" ", skipinitialspace=True)))
    rows = [next(csv.reader([line.strip()], delimiter=" ", skipinitialspace=True)) for line in ahead if line.strip()]
    return names > 1 and bool(rows) and len({len(row) for row in rows}) == 1 and len(rows[0]) in (names, names + 1)


def _even(
    path: Path, head: list[str], rows: list[list[str]], lines: Sequence[int], notes: Notes
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of one length, or raise UserError.

    Empty cells beyond the header are cut off; one more in every row is its name, as R writes it.
    """
    if any(len(row) > len(head) for row in rows):
        cut = [row[: len(head)] if not any(row[len(head) :]) else row for row in rows]
        if any(len(row) != len(old) for row, old in zip(cut, rows, strict=True)):
            notes.add("left out: empty cells behind the last column")
        rows = cut
        if all(len(row) == len(head) + 1 for row in rows):
            head = ["", *head]
    wrong = [k for k, row in enumerate(rows) if len(row) != len(head)]
    if wrong:
        more = f", and {counted_noun(len(wrong) - 1, 'more line')} like it" if len(wrong) > 1 else ""
        raise UserError(
            f"{path}: line {lines[wrong[0]]} has {len(rows[wrong[0]])} cells, but the header {len(head)}{more}; quote "
            "cells that hold the separator, or correct it"
        )
    return head, rows


def _refuse_repeats(path: Path, head: list[str], rows: Sequence[list[str]], lines: Sequence[int]) -> None:
    """Raise UserError where rows are the header again, unless its names are numbers, which may well be a row."""
    again = (
        [] if any(map(is_number, head)) else [line for line, row in zip(lines[1:], rows, strict=True) if row == head]
    )
    if again:
        more = f", and so {'do' if len(again) > 2 else 'does'} {len(again) - 1} more" if len(again) > 1 else ""
        raise UserError(
            f"{path}: line {again[0]} repeats the header, line {lines[0]}{more}; remove it, or, if line {lines[0]} is "
            "a row, write the names of the columns above it"
        )


def _refuse_row(path: Path, line: int, table: Mapping[str, Sequence[str]]) -> None:
    """Raise UserError where the header reads like a row: every name is a number, or a cell, of its column.

    Whole numbers with equal steps, such as years, may well be names.
    """
    names = [name for name, column in table.items() if name]
    whole = all(COUNT.fullmatch(name) for name in names)
    steps = {float(b) - float(a) for a, b in pairwise(names)} if whole else set()
    if not names or (len(steps) == 1 and min(steps) > 0):
        return
    if all((is_number(name) and is_number(column[0])) or name in column for name, column in table.items() if name):
        raise UserError(
            f"{path}: line {line} reads like a row, not like a header ({', '.join(names[:3])}); write the names of the "
            "columns above the rows"
        )


def read_parquet(path: Path, unwanted: Collection[str]) -> TextTable:
    """Read a table of texts, numbers, truth values, dates and times; raises UserError for other columns."""
    _refuse_folder(path)
    table = read_table(path)
    _check_names(path, table.column_names, len(table), unwanted)
    cells: dict[str, list[str]] = {}
    problems = []
    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            cells[field.name] = [] if field.name in unwanted else _texts(path, field, column)
        except UserError as error:
            problems.append(error)
    if problems:
        raise together(problems)
    plain = {field.name for field in table.schema if _is_numeric(field.type)}
    return TextTable(cells, Manner(plain=frozenset(plain)), _pandas_index(table.schema))


def _is_numeric(kind: pa.DataType) -> bool:
    test = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(is_kind(kind) for is_kind in test)


def _pandas_index(schema: pa.Schema) -> list[str]:
    """Return the columns that pandas has noted in a schema as its index."""
    try:
        known = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    except ValueError:
        return []
    listed = known.get("index_columns", []) if isinstance(known, dict) else []
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def _texts(path: Path, field: pa.Field, cells: Any) -> list[str]:
    """Return the cells of a column as text: durations in seconds, times with a zone in UTC."""
    import pyarrow.compute as pc  # slow to import

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    try:
        cells = pc.cast(cells, kind)
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            cells = pc.cast(cells, pa.timestamp(kind.unit))
        if pa.types.is_duration(kind):
            per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
            whole = pc.cast(cells, pa.int64()).to_pylist()
            return ["" if one is None else f"{repr(one / per).removesuffix('.0')} s" for one in whole]
        found: list[str] = pc.fill_null(pc.cast(cells, pa.string()), "").to_pylist()
    except (pa.ArrowException, NotImplementedError):
        raise UserError(
            f"{path}: column {field.name} is {field.type}, not texts, numbers, dates or times; leave it out: "
            f"`drop: [{key(field.name)}]`"
        ) from None
    return [text.strip() for text in found]


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name the one file in it that has the rows")


def _check_names(path: Path, names: Sequence[str], rows: int, unwanted: Collection[str]) -> None:
    """Raise UserError unless columns have names of their own, but for unwanted ones, and there are two rows."""
    twice = {name for k, name in enumerate(names) if name in names[:k] and name not in unwanted}
    problems = [
        UserError(f"{path}: two columns have {f'the name {name!r}' if name else 'no name'}; rename one")
        for name in dict.fromkeys(names)
        if name in twice
    ]
    if not names or rows < 2:
        problems.append(UserError(f"{path}: {counted_noun(rows, 'row')} below the header; a pair needs at least two"))
    if problems:
        raise together(problems)


def left_out(table: TextTable, keep: Collection[str]) -> dict[str, str]:
    """Return the columns that are left out, with the reason: those that only number the rows, and empty ones.

    Pandas's index; whole numbers from 0 or 1 on, each once; identifiers by their name, where all are different.
    Nothing that is to be kept is left out. What may be such a column is noted.
    """
    found = {}
    for name, cells in table.cells.items():
        if name in keep or not cells:
            continue
        if all(map(is_missing, cells)):
            found[name] = EMPTY
            continue
        reason = _numbering(table, name, cells)
        if reason is not None and name == "":
            found[name] = reason
        elif reason is not None:
            declare = f"`types: {{{key(name)}: {_type(cells)}}}`"
            found[name] = f"{reason}; to compare it, write {declare} under the source"
    return found


def left_out_note(name: str, reason: str) -> str:
    """Say that a column of real rows is left out; a warning where a name or a guess is the reason."""
    guessed = not reason.startswith((INDEX, EMPTY))
    return f"{'warning: ' if guessed else ''}column '{name}' left out: {reason}"


def _type(cells: Sequence[str]) -> str:
    """Return the type that keeps a column."""
    if all(map(is_number, cells)):
        return "integer" if all(map(COUNT.fullmatch, cells)) else "continuous"
    return "date" if any(reading.kind == "date" for reading in readings(cells)) else "nominal"


def _numbering(table: TextTable, name: str, cells: Sequence[str]) -> str | None:
    """Return why a column only numbers the rows; None where it does not, or that is unknown."""
    different = len(set(cells)) == len(cells)
    if UNNAMED.fullmatch(name) and (different or _restarts(cells)):
        return INDEX
    if name in table.index:
        if different:
            return INDEX
        table.manner.notes.add(f"column '{name}' is pandas's index, but its cells repeat: it is compared")
    if not all(map(COUNT.fullmatch, cells)):
        named = (
            different and len(cells) >= FEWEST_NAMED and IDENTIFIER.fullmatch(name) and not any(map(is_number, cells))
        )
        return "its cells are all different, and its name is an identifier's" if named else None
    certain, reason = (_different if different else _repeated)(name, np.array(cells, dtype=np.float64))
    if certain:
        return reason
    if reason is not None:
        table.manner.notes.add(
            f"warning: column '{name}': whole numbers, {reason}; if they only number the rows, leave it out: "
            f"`drop: [{key(name)}]`"
        )
    return None


def _different(name: str, values: Floats) -> tuple[bool, str | None]:
    """Return whether whole numbers (n,), all different, number the rows, and why they do or may; None: they do not."""
    named, thing = IDENTIFIER.fullmatch(name), THING.fullmatch(name)
    if len(values) < (FEWEST_NAMED if named or thing else FEWEST):
        return False, None
    steps, low, high = np.diff(values), values.min(), values.max()
    consecutive = len(np.unique(values)) == len(values) == high - low + 1
    if consecutive and low in (0, 1) and (named or len(values) >= FEWEST):
        return True, f"its cells are {low:.0f} to {high:.0f}, each once: they number the rows"
    if named:
        return True, "its whole numbers are all different, and its name is an identifier's"
    if consecutive or (steps > 0).all() or (steps < 0).all():
        return False, f"all different and {'without gaps' if consecutive else 'in order'}"
    if thing:
        return False, "all different, and its name may be an identifier's"
    if len(values) ** 2 / 2 / (high - low + 1) > CHANCE:
        return False, "all different, where by chance some would be equal"
    return False, None


def _repeated(name: str, values: Floats) -> tuple[bool, str | None]:
    """Return the same of whole numbers (n,) of which some are equal, such as those of tables that were joined."""
    named = bool(IDENTIFIER.fullmatch(name))
    different, low = len(np.unique(values)), values.min()
    jumps = values[1:][np.diff(values) != 1]
    counted = len(values) / (len(jumps) + 1) >= (FEWEST_NAMED if named else FEWEST)
    if low in (0, 1) and values[0] == low and (jumps == low).all() and counted:
        counted_on = f"count on from {low:.0f}, {len(jumps) + 1} times, as the numbers of joined tables do"
        return named, f"{'its cells' if named else 'which'} {counted_on}"
    often = different > len(values) / 2 and len(values) >= FEWEST_NAMED
    if (named and different > FEWEST_NAMED and len(values) >= FEWEST) or (often and (named or THING.fullmatch(name))):
        return False, f"{different} different in {len(values)} rows, and its name may be an identifier's"
    return False, None


def _restarts(cells: Sequence[str]) -> bool:
    """Return whether cells are whole numbers that mostly count on, as an index of tables that were joined does."""
    if not all(map(COUNT.fullmatch, cells)):
        return False
    steps = np.diff(np.array(cells, dtype=np.float64))
    return bool(np.mean(steps == 1) > 0.9) or len(set(cells)) > len(cells) / 2
