"""What was changed in the inputs of a study, or guessed about them, when they were read: from sample tables to text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gancensus.config.results import SAMPLES, at
from gancensus.contracts.samples import NoteCounts
from gancensus.contracts.table import Columns
from gancensus.storage.schemas import INPUTS
from gancensus.storage.tables import NOTES, about

WARNING = "warning: "  # begins a note on what may make numbers wrong


def noted(paths: Sequence[Path]) -> NoteCounts:
    """Return the notes in the metadata of sample tables, and how many samples each is about; None: all of them."""
    return added_up(json.loads(about(path).get(NOTES, "{}")) for path in paths)


def added_up(tables: Iterable[NoteCounts]) -> NoteCounts:
    """Return the notes of several tables of one input."""
    whole: dict[str, None] = {}
    counted: dict[str, int] = {}
    for notes in tables:
        for sentence, count in notes.items():
            if count is None:
                whole[sentence] = None
            else:
                counted[sentence] = counted.get(sentence, 0) + count
    return {**whole, **dict(sorted(counted.items()))}


def inputs_table(results: Path, inputs: Iterable[tuple[str, str, str, Sequence[str]]], parts: int) -> Columns:
    """Return the table of what was noted about every input, from the sample tables in the folder of results.

    inputs: study, population, the user's name of the input, and the populations whose tables have its notes.
    """
    found = []
    for study, population, name, populations in inputs:
        tables = [(one, part) for one in populations for part in range(parts)]
        paths = [results / at(SAMPLES, study=study, population=one, part=part) for one, part in tables]
        found.append((study, population, name, noted(paths)))
    return inputs_columns(found)


def inputs_columns(inputs: Iterable[tuple[str, str, str, NoteCounts]]) -> Columns:
    """Return the table of what was noted about every input: study, population, the user's name of it, the notes."""
    rows = [(*about_it, note, count) for *about_it, notes in inputs for note, count in notes.items()]
    columns = zip(*rows, strict=True) if rows else [()] * len(INPUTS)
    return dict(zip(INPUTS.names, columns, strict=True))


def say(note: str, samples: int | None) -> str:
    """Return a note with the number of samples that it is about, unless that is all of them."""
    return note if samples is None else f"{note}: {samples:,} samples"


def titled(rows: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows with populations by their titles; paths stay what they are, whatever is in them."""
    return [{**row, "population": titles.get(row["population"], row["population"])} for row in rows]


def warnings(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the warnings among the rows, with the population that each is about."""
    return [
        f"{row['population']} ({row['input']}): {say(row['note'], row['samples']).removeprefix(WARNING)}"
        for row in rows
        if row["note"].startswith(WARNING)
    ]


def lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each input of a study: what was read and how, without the warnings."""
    lines: dict[str, list[str]] = {}
    for row in rows:
        if not row["note"].startswith(WARNING):
            lines.setdefault(f"{row['population']} ({row['input']})", []).append(say(row["note"], row["samples"]))
    return [f"{place}: {'; '.join(notes)}" for place, notes in lines.items()]
