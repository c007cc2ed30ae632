"""The census and the notes about the inputs, as they are printed after a run."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Any

from gancensus.plotting import numbers

WIDTH = 118  # of a line of text


def census_table(path: Path) -> str:
    """Return the census as text: how many different samples each population has, and how that compares."""
    from gancensus.storage.tables import read_table

    heads = ("study", "definition", "population", "samples", "support", "interval", "ratio", "verdict")
    rows = read_table(path).to_pylist()
    lines = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(heads))]
    right = (3, 4, 5, 6)
    table = [
        "  ".join(c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]
    return "\n".join([*table, *(_capped(row) for row in rows if row["listed"] < row["samples"])])


def answers_table(path: Path) -> str:
    """Return the answers as text: a row per generated population, and one of real samples where they are not alike."""
    from gancensus.report import sentences
    from gancensus.storage.tables import read_table

    said: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in read_table(path).to_pylist():
        said.setdefault((row["study"], row["population"]), {})[row["question"]] = row
    heads = ("study", "population", "diverse", "on the data", "covers it", "copies train", "differs otherwise in")
    lines: list[tuple[str, ...]] = [heads]
    said = {
        place: rows
        for place, rows in said.items()
        if place[1] != "train" or any(row["answer"] == "no" for row in rows.values())
    }
    for (study, population), rows in said.items():
        answers = (sentences.answer(rows.get(question)) for question in sentences.QUESTIONS)
        lines.append((study, population, *answers, rows["alike"]["names"] or "nothing found"))
    widths = [max(len(line[k]) for line in lines) for k in range(len(heads))]
    table = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    reasons: dict[str, list[str]] = {}
    for (study, population), rows in said.items():
        for question, head in zip(sentences.QUESTIONS, heads[2:], strict=False):
            row = rows.get(question)
            if row is None or row["answer"] not in ("inconclusive", sentences.BAD[question]):
                continue
            if why := sentences.why(row):
                reasons.setdefault(f"{head}, {row['answer']}: {why}", []).append(f"{study}/{population}")
    said_why = [
        fill(f"{reason} ({', '.join(populations)})", WIDTH, initial_indent="  ", subsequent_indent="    ")
        for reason, populations in reasons.items()
    ]
    return "\n".join([*table, *(["because:", *said_why] if said_why else [])])


def inputs_text(path: Path) -> str:
    """Return what was noted about the inputs of every study as text, warnings first; empty if nothing was."""
    from gancensus.report import inputs
    from gancensus.storage.tables import read_table

    rows = read_table(path).to_pylist()
    studies = dict.fromkeys(row["study"] for row in rows)
    of = {study: [row for row in rows if row["study"] == study] for study in studies}
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
    from gancensus.report import sentences

    support, reach = numbers.interval(row, "effective_support")
    samples, ratio = numbers.integer(row["samples"]), numbers.interval(row, "ratio")[0]
    place = (row["study"], row["definition"], row["population"])
    return (*place, samples, support, reach or "no duplicate", ratio, sentences.verdict(row))
