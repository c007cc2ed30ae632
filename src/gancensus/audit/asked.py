"""What is asked of an audit, and what is chosen for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

STUDY = "audit"  # the name of an audit's only study
KEY = re.compile(r"`[a-z_]+: ")  # how a line proposes a key of a configuration


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


class Chosen(NamedTuple):
    """What is run for what is asked."""

    configuration: Mapping[str, Any]
    """As YAML would hold it, with absolute paths; `pathvars` are not in it."""
    said: list[str]
    """A line about each input, what it was taken for, and about each choice."""
