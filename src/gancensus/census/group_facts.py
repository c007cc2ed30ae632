"""What the metadata of the table of groups of near-duplicates says of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

MOST = 20_000  # rows of the table that a population has under a definition
FACTS = "populations"  # the key in the metadata


class GroupFacts(NamedTuple):
    """What the metadata of the table says about a population under a definition."""

    definition: str
    population: str
    samples: int
    listed: int
    """Samples whose pairs are listed, and which alone are grouped: fewer than all where there are too many."""
    groups: int
    """Of two samples and more."""
    grouped: int
    """Samples in these."""
    near: int | None
    """Samples that have a listed duplicate in `train`; None where there is no `train`."""
    near_listed: int | None
    """Samples whose duplicates in `train` are listed."""
    rows: int
    """Rows of the table, `MOST` at most."""


def facts_as_text(facts: Iterable[GroupFacts]) -> dict[str, str]:
    """Return the metadata that says it."""
    return {FACTS: json.dumps([fact._asdict() for fact in facts])}


def facts_of(about: Mapping[str, str]) -> list[GroupFacts]:
    """Return what the metadata of a table of groups says about each population under each definition."""
    return [GroupFacts(**one) for one in json.loads(about[FACTS])]
