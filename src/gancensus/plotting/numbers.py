"""Numbers as they are written in figures and sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
NOTHING = "–"
NAME_LENGTH = 24  # characters of a name that a figure has room for
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rows(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn the arrays of a table into rows, NaN into None."""
    columns = [[None if value != value else value for value in column.tolist()] for column in table.values()]
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


def short(value: float) -> str:
    """Write a measured value: 0.201, 25.6, 74, 1,846."""
    if 100 <= abs(value) < 1e9:
        return f"{value:,.0f}".replace("-", "−")
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text and "×" not in text else text


def percent(value: float) -> str:
    """Write a share: 0.0122 as 1.22 %."""
    return f"{short(100 * value)} %"


def p_value(value: float) -> str:
    """Write a p-value: p = 0.98, p = 0.002, p < 0.001."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def integer(value: float | None) -> str:
    """Write a count with its thousands apart; a dash for None and NaN."""
    return NOTHING if value is None or math.isnan(value) else f"{int(value):,}"


def unit(text: str) -> str:
    """Typeset a unit: kg/m^2 as kg/m², muU/mL as µU/mL, and nothing for the unit 1 of a pure number."""
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


def listing(names: Sequence[str]) -> str:
    """Join names: a, b and c."""
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last
