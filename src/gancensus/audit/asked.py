"""What is asked of an audit, and what is chosen for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

STUDY = "audit"  # the name of an audit's only study


@dataclass(frozen=True)
class Asked:
    """The user's samples, and what the user has decided about them; all else is chosen from the data."""

    real: str
    """File or folder, or `FILE.h5::DATASET`."""
    generated: Mapping[str, str]
    """Such places, by what the user calls the generator: any text."""
    train: str | None = None
    """What the generators have learned from, apart from `real`."""
    kind: str | None = None
    """What the samples are, where their files do not tell: a key of `recognise.KINDS`."""
    encoder: str | None = None
    """A kind of encoder, or the file of one (.onnx)."""
    features: Mapping[str, str] = field(default_factory=dict)
    """Files of precomputed vectors, row for row beside the samples: of `real`, `train` and the generators by name."""
    alpha: float | None = None
    """Instead of `auto`."""
    seed: int = 0
    drop: Sequence[str] = ()
    """Columns that are left out of every table that has them."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Types of columns of the real table: words of `contracts.cells.DECLARED`, by column."""
    decimal: str | None = None
    """The decimal mark of real cells that do not show it: . or ,"""
    group: str | None = None
    """What says which real samples belong together: a column, an array of a .npz, or `folder`."""
    same_units: bool = False
    """That all samples are in the units of the real ones, where their values look as if they were not."""
    fidelity: bool = False
    """That it is measured, however long it takes."""

    @property
    def speaks_of_columns(self) -> bool:
        """Whether the names of columns have to be known."""
        return bool(self.drop or self.group is not None)


class Chosen(NamedTuple):
    """What is run for what is asked."""

    configuration: Mapping[str, Any]
    """As YAML would hold it, with absolute paths; `pathvars` are not in it."""
    said: list[str]
    """A line about each input, what it was taken for, and about each choice."""
