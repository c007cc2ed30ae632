"""Columns of a table of mixed types: how rows become vectors in [-1, 1], and vectors legal rows again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.errors import UserError
from gancensus.family import suggestion
from gancensus.samples import Samples, Scale

Type = Literal["continuous", "integer", "ordinal", "nominal", "binary"]
Declared = Literal["continuous", "integer", "nominal", "binary"] | tuple[str, ...]
"""What a user says of a column: its type, or the categories of an ordinal one in their order."""
Floats = NDArray[np.float64]

NUMBER = re.compile(r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|inf)")
WHOLE = re.compile(r"[+-]?[0-9]+")
CODE = re.compile(r"[+-]?0[0-9]")  # 007 is no number
COMMA = re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[0-9.]*,[0-9]+)")  # of thousands, or decimal
MISSING = {"", "?", "-", ".", "na", "n/a", "n.a.", "nan", "-nan", "nat", "none", "null", "<na>", "#na", "#n/a"}
MISSING |= {"#n/a n/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}
DECIMALS = 6  # most that are looked for
FLOAT32 = 2.0**25  # steps within a range: float32 errs by 2^-25 of half the range, which must stay below half a step
FLOAT64 = 2.0**49  # steps from 0: float64 errs six times by 2^-53 of them in encode and decode, so by less than 2^-50
FEW, MANY = 20, 1000  # categories: so many are none too many, more are no categories
NUMBERS = 10  # different numbers: more are no categories


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
    """Of an ordinal column in their order; its values and those of nominal and binary columns are numbers of these."""

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

    @property
    def ends(self) -> tuple[float, float]:
        """The values that become -1 and +1; of categories, their numbers."""
        return (0.0, len(self.categories) - 1.0) if self.categories else (self.low, self.high)


def width(columns: Sequence[Column]) -> int:
    """Return the number of values of a vector."""
    return sum(column.width for column in columns)


def infer(name: str, texts: Sequence[str], where: str, declared: Declared | None = None, unit: str = "1") -> Column:
    """Return the column that cells (n,) make, of the type that is declared or that they look like.

    Numbers are binary where two are different, integer where all are whole, else continuous; texts binary where two are
    different, else nominal, and an empty cell is a category of its own. No type is ordinal unless its order is given.

    Raises UserError that names `where`, column and row: a cell that the type does not allow, missing numbers, whole
    numbers that float32 or float64 cannot hold, texts among numbers, texts that are no categories.
    """
    first: dict[str, int] = {}  # row of each different text
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    place = f"{where}: column {name}"
    if isinstance(declared, tuple):
        return Column(name, "ordinal", unit, categories=_ordered(declared, first, place))
    numeric = declared in ("continuous", "integer")
    if numeric or (declared != "nominal" and _are_numbers(first)):
        values = np.unique([_number(text, f"{place}, row {row}") for text, row in first.items()]) + 0.0  # no -0.0
        if declared != "continuous":
            _refuse_merged(first, place)
        if not numeric and len(values) == 2:
            return Column(name, "binary", unit, categories=tuple(map(_short, values)))
        if declared != "binary":
            return _numbers(name, unit, values, declared, place)
    elif declared == "nominal" or (declared is None and len(first) != 2):
        if declared is None:
            _refuse_among_numbers(first, place)
        _refuse_many(first, len(texts), declared is not None, place)
        return Column(name, "nominal", unit, categories=_sorted(first))
    if len(first) != 2:
        raise UserError(f"{place}: is declared binary, but has {len(first)} different values; correct `types`")
    return Column(name, "binary", unit, categories=_sorted(first))


def _refuse_merged(first: Mapping[str, int], place: str) -> None:
    """Raise UserError where different whole numbers are one number in float64."""
    whole: dict[float, int] = {}
    for text, row in first.items():
        if WHOLE.fullmatch(text) and whole.setdefault(float(text), int(text)) != int(text):
            raise UserError(
                f"{place}, row {row}: whole numbers as long as {text} cannot be told apart in float64 and look like an "
                "identifier; add the column to `drop`, or declare it continuous"
            )


def _refuse_among_numbers(first: Mapping[str, int], place: str) -> None:
    """Raise UserError for a text among many different numbers, but not where all are codes of one length."""
    numbers = [text for text in first if NUMBER.fullmatch(text)]
    if any(map(CODE.match, numbers)) and len(set(map(len, numbers))) == 1:
        return
    others = [text for text in first if not NUMBER.fullmatch(text) or CODE.match(text)]
    like = len(first) - sum(not COMMA.fullmatch(text) for text in others)
    if like <= max(NUMBERS, len(first) / 2):
        return
    wrong = "is no number, but most others are; correct it"
    if COMMA.fullmatch(others[0]):
        wrong = "has a comma; write numbers with a point and without separators"
    raise UserError(
        f"{place}, row {first[others[0]]}: '{others[0]}' {wrong}, or declare the column nominal under `types`"
    )


def _refuse_many(first: Mapping[str, int], rows: int, declared: bool, place: str) -> None:
    """Raise UserError where there are too many different texts for categories."""
    if len(first) <= (MANY if declared else min(MANY, max(FEW, rows // 2))):
        return
    raise UserError(
        f"{place}: {len(first)} different texts in {rows} rows are no categories but look like an identifier; add the "
        "column to `drop`"
    )


def _ordered(declared: tuple[str, ...], first: Mapping[str, int], place: str) -> tuple[str, ...]:
    """Return the declared categories, which are all different and all there are."""
    if len(set(declared)) < len(declared) or not declared:
        raise UserError(f"{place}: its categories under `types` must be different ones; correct them")
    known = _index(declared)
    for text, row in first.items():
        if _find(known, text) is None:
            raise UserError(
                f"{place}, row {row}: '{text}' is no category that `types` gives{suggestion(text, declared)}"
            )
    return declared


def _numbers(name: str, unit: str, values: Floats, declared: Declared | None, place: str) -> Column:
    """Return the column of different numbers, ascending: integer or continuous."""
    low, high = float(values[0]), float(values[-1])
    decimals, whole = _decimals(values), bool((np.rint(values) == values).all())
    if declared == "integer" and decimals != 0:
        wrong = f"whole numbers from {low:g} to {high:g} are too many for float32" if whole else "not all are whole"
        raise UserError(f"{place}: is declared integer, but {wrong}; declare it continuous")
    integer = decimals == 0 and declared != "continuous"
    return Column(name, "integer" if integer else "continuous", unit, low, high, decimals)


def _decimals(values: Floats) -> int | None:
    """Return the fewest decimals that keep numbers (k,), ascending, as they are; None where float32 could not."""
    for decimals in range(DECIMALS + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            if (np.round(values, decimals) == values).all():
                reach, most = values[-1] - values[0], np.abs(values).max()
                return decimals if (reach / FLOAT32 + most / FLOAT64) * 10.0**decimals < 1 else None
    return None


def _are_numbers(texts: Collection[str]) -> bool:
    """Tell whether texts are numbers, but for those that stand for a missing one."""
    there = [text for text in texts if text.casefold() not in MISSING]
    return bool(there) and all(NUMBER.fullmatch(text) and not CODE.match(text) for text in there)


def _number(text: str, place: str) -> float:
    """Read a finite number."""
    value = float(text) if NUMBER.fullmatch(text) else np.nan
    if np.isfinite(value):
        return value
    if text.casefold() in MISSING:
        raise UserError(
            f"{place}: '{text}' is a missing number; fill it in, remove the row, or add the column to `drop`"
        )
    comma = COMMA.fullmatch(text)
    wrong = (
        "has a comma; write numbers with a point and without separators" if comma else "is no finite number; correct it"
    )
    raise UserError(f"{place}: '{text}' {wrong}")


def _short(value: float) -> str:
    """Write a number as briefly as it can be read back."""
    return repr(float(value)).removesuffix(".0")


def _sorted(texts: Collection[str]) -> tuple[str, ...]:
    """Return categories in the order of their numbers, or of their letters."""
    numbers = all(NUMBER.fullmatch(text) for text in texts)
    return tuple(sorted(texts, key=lambda text: (float(text) if numbers else 0.0, text)))


def _index(categories: Sequence[str]) -> dict[str | float, int]:
    """Return the number of each category by its text, and by what number it is, where that tells categories apart."""
    known: dict[str | float, int] = {text: k for k, text in enumerate(categories)}
    values = [float(text) for text in categories if NUMBER.fullmatch(text)]
    if len(set(values)) == len(categories):
        known |= {value: k for k, value in enumerate(values)}
    return known


def _find(known: Mapping[str | float, int], text: str) -> int | None:
    """Return the number of the category that a text is: 1.0 is also 1."""
    found = known.get(text)
    return known.get(float(text)) if found is None and NUMBER.fullmatch(text) else found


def codes_of(columns: Sequence[Column], table: Mapping[str, Sequence[str]], where: str) -> Floats:
    """Return the rows (n, columns) that the cells of a table are: numbers, and numbers of categories.

    Raises UserError that names `where`, column and row of a missing number or of a category that no column has.
    """
    return np.stack(
        [_codes(column, table[column.name], f"{where}: column {column.name}") for column in columns], axis=1
    )


def _codes(column: Column, texts: Sequence[str], place: str) -> Floats:
    known, found = _index(column.categories), dict[str, float]()
    for row, text in enumerate(texts):
        if text in found:
            continue
        code = _find(known, text) if known else _number(text, f"{place}, row {row}")
        if code is None:
            hint = suggestion(text, column.categories)
            raise UserError(f"{place}, row {row}: '{text}' is no category that the real data has{hint}")
        found[text] = code
    return np.array([found[text] for text in texts], dtype=np.float64)


def scale_of(columns: Sequence[Column]) -> Scale:
    """Return the scale of vectors x: an entry per value, 'purpose=car' for a category of a nominal column."""
    values: list[tuple[str, str, float, float]] = []
    for column in columns:
        if column.type == "nominal":
            values += [(f"{column.name}={category}", "1", 0.0, 1.0) for category in column.categories]
        else:
            values.append((column.name, column.unit, *column.ends))
    names, units, low, high = zip(*values, strict=True)
    return Scale(names, units, low, high, tuple(columns))


def columns_of(samples: Samples) -> tuple[Column, ...]:
    """Return the columns of samples that are rows of a table: all numbers, x0, x1..., where nothing else is known.

    Raises UserError when samples are no rows.
    """
    if samples.x.ndim != 2:
        raise UserError(f"a sample of shape {samples.x.shape[1:]} is no row of a table")
    scale, values = samples.scale, samples.x.shape[1]
    if scale is not None and scale.columns:
        return scale.columns
    if scale is not None and len(scale.names) == values:
        known = zip(scale.names, scale.units, scale.low, scale.high, strict=True)
        return tuple(Column(name, "continuous", unit, low, high) for name, unit, low, high in known)
    unit, low, high = ("1", -1.0, 1.0) if scale is None else (scale.units[0], scale.low[0], scale.high[0])
    return tuple(Column(f"x{k}", "continuous", unit, low, high) for k in range(values))


def encode(columns: Sequence[Column], codes: NDArray[Any]) -> NDArray[np.float32]:
    """Return the vectors x (n, width) of rows (n, columns): numbers, and numbers of categories."""
    x = np.empty((len(codes), width(columns)), dtype=np.float32)
    start = 0
    for k, column in enumerate(columns):
        if column.type == "nominal":
            hot = codes[:, k, None] == np.arange(column.width)
            x[:, start : start + column.width] = np.where(hot, 1, -1)
        else:
            middle, half = _middle_and_half(column)
            x[:, start] = (codes[:, k] - middle) / half
        start += column.width
    return x


def decode(columns: Sequence[Column], x: NDArray[Any]) -> Floats:
    """Return the nearest legal rows (n, columns) of vectors x (n, width): numbers, and numbers of categories.

    Numbers are rounded to their decimals, and may lie beyond their ends, but there not every one: float32 is coarser
    beyond [-1, 1], so that a range of 2^24 steps has gaps, and one of 2^23 beyond |x| = 2. Categories are the nearest.
    """
    codes = np.empty((len(x), len(columns)))
    start = 0
    for k, column in enumerate(columns):
        if column.type == "nominal":
            codes[:, k] = np.argmax(x[:, start : start + column.width], axis=1)
        else:
            middle, half = _middle_and_half(column)
            natural = middle + half * x[:, start].astype(np.float64)
            if column.categories:
                natural = np.clip(np.rint(natural), *column.ends)
            codes[:, k] = natural if column.places is None else np.round(natural, column.places)
        start += column.width
    return codes + 0.0  # no -0.0


def _middle_and_half(column: Column) -> tuple[float, float]:
    low, high = column.ends
    return low / 2 + high / 2, (high / 2 - low / 2) or 1.0
