"""Results in words and in well-set numbers, for people: what the figures and the report write."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gancensus.census import REFERENCE

Row = Mapping[str, Any]
VERDICTS = ("as diverse", "less diverse", "more diverse", "cannot tell")
NOTHING = "–"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rows(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn columns into rows, NaN into None."""
    columns = [
        [None if value != value else value for value in np.asarray(column).tolist()] for column in table.values()
    ]
    return [dict(zip(table, row, strict=True)) for row in zip(*columns, strict=True)]


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with so many significant digits: 2.96, 1,230, 8.13 × 10⁻⁴; a dash for None and NaN."""
    if value is None or math.isnan(value):
        return NOTHING
    if value == 0:
        return "0"
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    exponent = int(power)
    if -2 <= exponent < 9:
        text = f"{float(f'{mantissa}e{exponent}'):,.{max(0, digits - 1 - exponent)}f}"
    else:
        text = f"{mantissa} × 10{str(exponent).translate(SUPERSCRIPTS)}"
    return text.replace("-", "−")


def integer(value: float | None) -> str:
    """Write a count with its thousands apart; a dash for None and NaN."""
    return NOTHING if value is None or math.isnan(value) else f"{int(value):,}"


def unit(text: str) -> str:
    """Set a unit in type: kg/m^2 as kg/m², muU/mL as µU/mL, and nothing for the unit 1 of a pure number."""
    powers = re.sub(r"\^(-?\d+)", lambda power: power[1].translate(SUPERSCRIPTS), text)
    return "" if text == "1" else re.sub(r"\bmu(?=[A-Z])", "µ", powers)


def interval(row: Row, name: str, digits: int = 3) -> tuple[str, str]:
    """Write a value of the table of support sizes with its interval: ('1,230', '988 to 1,530') or ('≥ 30', '')."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if value is None:
        return (NOTHING if low is None else f"≥ {number(low, digits)}"), ""
    if value == 0:
        return f"≤ {number(high, digits)}", ""
    return number(value, digits), f"{number(low, digits)} to {number(high, digits)}"


def size(row: Row) -> str:
    """Say how many samples a population makes that differ: 'about 840 (570 to 1,200)' or 'at least 2,700'."""
    value, reach = interval(row, "effective_support", digits=2)
    return f"about {value} ({reach})" if reach else _in_words(value)


def sentence(row: Row) -> str:
    """Say what a row of the table of support sizes found, without its verdict."""
    none = f" shows no duplicate among {integer(row['samples'])} samples, so it" if row["duplicates"] == 0 else ""
    found = f"{row['population']}{none} makes {size(row)} effectively different samples"
    ratio, reach = interval(row, "ratio", digits=2)
    if ratio == NOTHING:
        return f"{found}."
    often = f"{_in_words(ratio)} times as often as two held-out ones"
    return f"{found}; two of them are duplicates {often}{reach and f' ({reach})'}."


def _in_words(bound: str) -> str:
    return bound.replace("≥", "at least").replace("≤", "at most")


def verdicts(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return the generated populations by their verdict; those on which the definitions differ come last."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["population"] not in (REFERENCE, "train"):
            found.setdefault(row["population"], set()).add(row["verdict"])
    groups = {verdict: [p for p, said in found.items() if said == {verdict}] for verdict in VERDICTS}
    groups["depends on the definition"] = [p for p, said in found.items() if len(said) > 1]
    return {verdict: populations for verdict, populations in groups.items() if populations}
