"""Columns of a table of mixed types: how rows become vectors in [-1, 1], and vectors legal rows again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.cells import How, Reading, written

Type = Literal["continuous", "integer", "ordinal", "nominal", "binary"]
Floats = NDArray[np.float64]

FEW = 4  # numbers that are no range
EXACT = 2.0**23  # steps between all values: float32 errs by 2^-24 of the way to the middle of some, less than all
NEW = 2.0**-20  # below -1, per category that no real row has: the value of a nominal column in their place


@dataclass(frozen=True)
class Column:
    """A column of a table.

    A number, or the number of an ordered or binary category, is one value in [-1, 1]; a nominal column of k categories
    is k values, +1 for the category that a row has and -1 for the others.
    """

    name: str
    type: Type
    unit: str = "1"
    low: float = 0.0
    """Least value of a number, which becomes -1."""
    high: float = 1.0
    """Greatest value of a number, which becomes +1."""
    decimals: int | None = None
    """Decimals that a number is rounded to; None: as many as there are."""
    categories: tuple[str, ...] = ()
    """In order, for an ordinal column; values of ordinal, nominal and binary columns are indices into these."""
    reading: How = ""
    """How its cells are written: as numbers with a decimal point or comma, as dates, or as times of day."""
    steps: int = 0
    """Steps of a day or an hour to which a date or a time is rounded; 0: to none."""
    missing: str = ""
    """How missing numbers are treated: `flag` or `impute`; empty: refused."""
    fill: float = 0.0
    """What replaces a missing number where that is not refused: the median of the real ones."""
    of: str = ""
    """Of a column that marks missing numbers: the column that misses them."""
    extra: tuple[str, ...] = ()
    """Categories that no real row has, of generated rows: their numbers go on where those of `categories` end."""

    @property
    def width(self) -> int:
        """How many values of a vector it takes."""
        return len(self.categories) if self.type == "nominal" else 1

    @property
    def categorical(self) -> bool:
        """Whether two values are equal or not, and no more: nominal and binary."""
        return self.type in ("nominal", "binary")

    @property
    def places(self) -> int | None:
        """Decimals to which its numbers are rounded; None where they stay as they are."""
        return 0 if self.type == "integer" else self.decimals

    def within(self, values: Floats, more: Floats) -> Column:
        """Return a column of numbers with the ends of some of its values (n,); of `more`, too, where they hardly vary.

        Whole numbers, dates and times keep their ends where float32 could else no longer tell them apart beyond these.
        """
        steps = self.steps or 10.0 ** (self.places or 0)
        exact = self.steps > 0 or self.places == 0
        if self.categories or (exact and (self.high - self.low) * steps >= EXACT):
            return self
        if hardly_vary(max((values == values.min()).sum(), (values == values.max()).sum()), len(values)):
            values = np.concatenate([values, more])
        return replace(self, low=float(values.min()), high=float(values.max()))

    @property
    def ends(self) -> tuple[float, float]:
        """The values that become -1 and +1; of categories, their numbers."""
        return (0.0, len(self.categories) - 1.0) if self.categories else (self.low, self.high)


def hardly_vary(shared: Any, count: int) -> Any:
    """Return whether so many of some numbers are one end of them that the others say little of how far they reach."""
    return shared >= max(count - FEW, count // 2 + 1)


def width(columns: Sequence[Column]) -> int:
    """Return the number of values of a vector."""
    return sum(column.width for column in columns)


def is_written(column: Column) -> bool:
    """Return whether a column is of dates or times, which are shown as they are written."""
    return not column.categories and Reading(column.reading).kind != "number"


def text_of(column: Column, code: float) -> str:
    """Return what a legal value says: the category, the date or time, or the number with the column's decimals."""
    if column.categories:
        return (*column.categories, *column.extra)[int(code)]
    if is_written(column):
        return written(code, column.reading, column.steps)
    return f"{code:.7g}" if column.places is None else f"{code:.{column.places}f}"  # float32 has 7 digits


def encode(columns: Sequence[Column], codes: NDArray[Any]) -> NDArray[np.float32]:
    """Return the vectors x (n, width) of rows (n, columns): numbers, and numbers of categories.

    The m-th category that no real row has (m = 1, 2...) is all -1 - 2^-20 m in a nominal column: far from every real
    category, near to the others, and equal only to itself. In an ordinal or binary one, which has m - 1 ranges between
    it and the last category, it is 1 + 2 m.
    """
    x = np.empty((len(codes), width(columns)), dtype=np.float32)
    start = 0
    for k, column in enumerate(columns):
        if column.type == "nominal":
            hot = codes[:, k, None] == np.arange(column.width)
            beyond = np.maximum(codes[:, k, None] - (column.width - 1), 0)
            x[:, start : start + column.width] = np.where(hot, 1, -1 - NEW * beyond)
        else:
            middle, half = _middle_and_half(column)
            x[:, start] = (ranks(column, codes[:, k]) - middle) / half
        start += column.width
    return x


def decode(columns: Sequence[Column], x: NDArray[Any]) -> Floats:
    """Return the nearest legal rows (n, columns) of vectors x (n, width): numbers, and numbers of categories.

    Numbers are rounded to their decimals, and may lie beyond their ends, though not all can: float32 is coarser
    beyond [-1, 1], so that a range of 2^24 steps has gaps, and one of 2^23 beyond |x| = 2. Categories are the nearest.
    """
    codes = np.empty((len(x), len(columns)))
    start = 0
    for k, column in enumerate(columns):
        if column.type == "nominal":
            values = x[:, start : start + column.width]
            new = np.where((values == values[:, :1]).all(axis=1), (-1 - values[:, 0].astype(np.float64)) / NEW, 0)
            codes[:, k] = _or_new(column, np.argmax(values, axis=1), new)
        else:
            middle, half = _middle_and_half(column)
            natural = middle + half * x[:, start].astype(np.float64)
            if column.categories:
                new = natural / max(len(column.categories) - 1, 1) - 1
                natural = _or_new(column, np.clip(np.rint(natural), *column.ends), new)
            if column.steps:
                natural = np.rint(natural * column.steps) / column.steps
            codes[:, k] = natural if column.places is None else np.round(natural, column.places)
        start += column.width
    return codes + 0.0  # no -0.0


def ranks(column: Column, codes: NDArray[Any]) -> NDArray[Any]:
    """Return numbers (n,) for distances: those of categories that no real row has are a range apart from all others."""
    if not column.categories:
        return codes
    last = len(column.categories) - 1
    return np.where(codes > last, max(last, 1) * (codes - last + 1), codes)


def _or_new(column: Column, codes: NDArray[Any], new: Floats) -> NDArray[Any]:
    """Return the numbers (n,) of categories: those of the m-th new one where `new` (n,) is m, else the given ones."""
    known = (new >= 1) & (new <= len(column.extra)) & (new == np.rint(new))
    return np.where(known, len(column.categories) - 1 + new, codes)


def _middle_and_half(column: Column) -> tuple[float, float]:
    low, high = column.ends
    return low / 2 + high / 2, (high / 2 - low / 2) or 1.0
