"""The census and the notes about the inputs, as they are printed after a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any
from unicodedata import category, east_asian_width

from gancensus.plotting import numbers
from gancensus.plotting.numbers import Row
from gancensus.report import sentences
from gancensus.report.sentences import BAD, QUESTIONS

Titles = Mapping[str, Mapping[str, str]]

WIDTH = 118  # of a line of text


HEADS = dict(zip(QUESTIONS, ("diverse", "on the data", "covers it", "copies train"), strict=True))


def census_table(path: Path, titles: Titles) -> str:
    """Return the census as text: how many different samples each population has, and how that compares.

    titles: of generated populations, by study and population.
    """
    from gancensus.storage.tables import read_table

    heads = ("study", "definition", "population", "samples", "support", "interval", "ratio", "verdict")
    rows = [row | {"population": _title(titles, row)} for row in read_table(path).to_pylist()]
    lines = [heads, *(_cells(row) for row in rows)]
    widths = [max(width(line[k]) for line in lines) for k in range(len(heads))]
    right = (3, 4, 5, 6)
    table = [
        "  ".join(pad(cell, n, k in right) for k, (cell, n) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]
    return "\n".join([*table, *(_capped(row) for row in rows if row["listed"] < row["samples"])])


def answers_table(path: Path, titles: Titles) -> str:
    """Return the answers as text: a row per generated population, and one of real samples where they are not alike.

    titles: of generated populations, by study and population.
    """
    from gancensus.storage.tables import read_table

    said: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in read_table(path).to_pylist():
        said.setdefault((row["study"], _title(titles, row)), {})[row["question"]] = row
    lines: list[tuple[str, ...]] = [("study", "population", *HEADS.values(), "differs otherwise in")]
    said = {
        place: rows
        for place, rows in said.items()
        if place[1] != "train" or any(row["answer"] == "no" for row in rows.values())
    }
    for (study, population), rows in said.items():
        answers = (sentences.answer(rows.get(question)) for question in QUESTIONS)
        lines.append((study, population, *answers, rows["alike"]["names"] or "nothing found"))
    widths = [max(width(line[k]) for line in lines) for k in range(len(lines[0]))]
    table = ["  ".join(pad(cell, n) for cell, n in zip(line, widths, strict=True)).rstrip() for line in lines]
    because = reasons({"/".join(place): rows for place, rows in said.items()}, lambda row: is_bad(row) or is_open(row))
    return "\n".join([*table, *(["because:", *because] if because else [])])


def reasons(said: Mapping[str, Mapping[str, Row]], wanted: Callable[[Row], bool]) -> list[str]:
    """Return why answers are what they are, each reason with all to whom it applies.

    said: rows of `schemas.SUMMARY` by question, of each generator by what it is called; wanted: which of the rows.
    """
    found: dict[str, list[str]] = {}
    for name, rows in said.items():
        for question, head in HEADS.items():
            row = rows.get(question)
            if row is not None and wanted(row) and (why := sentences.why(row)):
                reason = f"{head}, {sentences.word(row)}: {why.removeprefix(sentences.UNASKED)}"
                found.setdefault(reason, []).append(name)
    return [indented(f"{reason} ({', '.join(names)})") for reason, names in found.items()]


def indented(text: str) -> str:
    """Return a text as lines under a heading."""
    return fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if east_asian_width(c) in "WF" else 0 if category(c) in ("Mn", "Me", "Cf") else 1 for c in text)


def pad(text: str, columns: int, right: bool = False) -> str:
    """Return a text with spaces around it, so that it takes so many columns."""
    spaces = " " * max(0, columns - width(text))
    return spaces + text if right else text + spaces


def is_bad(row: Row) -> bool:
    """Say whether an answer is a bad one."""
    return bool(row["answer"] == BAD[row["question"]])


def is_open(row: Row) -> bool:
    """Say whether a question could not be answered."""
    return bool(row["answer"] == "inconclusive")


def _title(titles: Titles, row: Row) -> str:
    return titles[row["study"]].get(row["population"], row["population"])


def inputs_text(path: Path, titles: Titles) -> str:
    """Return what was noted about the inputs of every study as text, warnings first; empty if nothing was.

    titles: of generated populations, by study and population.
    """
    from gancensus.report import inputs
    from gancensus.storage.tables import read_table

    rows = read_table(path).to_pylist()
    studies = dict.fromkeys(row["study"] for row in rows)
    of = {study: inputs.titled((row for row in rows if row["study"] == study), titles[study]) for study in studies}
    warnings = [f"warning: {study}, {text}" for study in studies for text in inputs.warnings(of[study])]
    lines = [f"  {study}, {line}" for study in studies for line in inputs.lines(of[study])]
    return "\n".join([*([""] if rows else []), *warnings, *(["read:", *lines] if lines else [])])


def _capped(row: dict[str, Any]) -> str:
    """Say of a population that it has more duplicates than a table lists."""
    return (
        f"{row['study']}, {row['definition']}: {row['population']} has {row['duplicates']:,} duplicates; all are "
        f"counted, those among {row['listed']:,} of its {row['samples']:,} samples listed (raise `cap` to list more)"
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of a row of the census."""

    support, reach = numbers.interval(row, "effective_support")
    samples, ratio = numbers.integer(row["samples"]), numbers.interval(row, "ratio")[0]
    place = (row["study"], row["definition"], row["population"])
    return (*place, samples, support, reach or "no duplicate", ratio, sentences.verdict(row))
