"""Tables in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

Columns = Mapping[str, Any]
"""The columns of a table by name: arrays or sequences of one length."""


def columns_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Columns:
    """Return rows as columns of these names; what a row lacks is null."""
    return {name: [row.get(name) for row in rows] for name in names}
