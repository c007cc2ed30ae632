"""What an audit comes to, as it is printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap

from gancensus.audit.outcome import Gate, Outcome
from gancensus.cli.printed import HEADS, indented, is_bad, is_open, pad, reasons, width
from gancensus.plotting import numbers
from gancensus.plotting.numbers import Row
from gancensus.report import sentences
from gancensus.report.sentences import QUESTIONS

TITLE, CELL = 24, 14  # columns of a terminal for what a generator is called, and for an answer


def summary(found: Sequence[Outcome], reference: Mapping[str, Row], gate: Gate) -> str:
    """Return the end of an audit as text: a table, what was found, and what could not be decided.

    reference: rows of `schemas.SUPPORT` of held-out real samples, by definition.
    """
    said = {outcome.title: outcome.answers for outcome in found}
    wrong = [*reasons(said, is_bad), *_differing(found), *_repeating(found, gate)]
    parts = [
        *_table(found),
        *_legend(found, reference),
        *_headed("found:", wrong or ["  nothing"]),
        *_headed("not decided:", reasons(said, is_open)),
    ]
    return "\n".join(parts)


def _table(found: Sequence[Outcome]) -> list[str]:
    """Return the table: several lines for each generator, so that a number stands above its interval."""
    main = next(iter(found[0].counts))
    heads = ["", "ratio", "support", *(head for head in HEADS.values())]
    rows = [[[head] for head in heads]]
    for outcome in found:
        counted = (_counted(outcome.counts[main], name) for name in ("ratio", "effective_support"))
        answered = (_answered(outcome.answers[question]) for question in QUESTIONS)
        rows.append([wrap(outcome.title, TITLE), *counted, *answered])
    widths = [max(width(line) for row in rows for line in row[k]) for k in range(len(heads))]
    return [
        "  ".join(pad(_line(cell, k), n) for cell, n in zip(row, widths, strict=True)).rstrip()
        for row in rows
        for k in range(max(map(len, row)))
    ]


def _line(cell: Sequence[str], k: int) -> str:
    return cell[k] if k < len(cell) else ""


def _counted(row: Row, name: str) -> list[str]:
    """Return the lines of a number of the census."""
    value, reach = numbers.interval(row, name)
    return [value, f"({reach})"] if reach else [value]


def _answered(row: Row) -> list[str]:
    """Return the lines of an answer."""
    answer, _, number = sentences.answer(row).partition(": ")
    value, _, reach = number.partition(" (")
    return [answer, *wrap(value, CELL), *([f"({reach}"] if reach else [])]


def _legend(found: Sequence[Outcome], reference: Mapping[str, Row]) -> list[str]:
    """Say what the numbers of the table are."""
    main, *others = found[0].counts
    size = sentences.size(reference[main])
    also = f"; the report has {numbers.listing(others)}, too" if others else ""
    return [
        indented(
            f"ratio: how often two of its samples are near-duplicates, over how often two real ones are ({main}{also})"
        ),
        indented(f"support: how many equally frequent samples would repeat as often; held-out real samples: {size}"),
        indented(
            "diverse: 1 is as diverse as the data, 2 half as diverse; on the data, covers it: 1 is what held-out "
            "samples reach"
        ),
    ]


def _differing(found: Iterable[Outcome]) -> list[str]:
    """Return in what distributions differ, each with all whose does."""
    names: dict[str, list[str]] = {}
    for outcome in found:
        if outcome.answers["alike"]["answer"] == "no":
            names.setdefault(outcome.answers["alike"]["names"], []).append(outcome.title)
    return [indented(f"differs otherwise in {what} ({', '.join(whose)})") for what, whose in names.items()]


def _repeating(found: Iterable[Outcome], gate: Gate) -> list[str]:
    """Return which ratios are above the largest one that is allowed."""
    return [
        indented(f"ratio above {gate.max_ratio:g}: {ratio} ({reach}) by {name} ({outcome.title})")
        for outcome in found
        for name in gate.above(outcome)
        for ratio, reach in [numbers.interval(outcome.counts[name], "ratio")]
    ]


def _headed(head: str, lines: Sequence[str]) -> list[str]:
    return ["", head, *lines] if lines else []
