"""The answers to four questions about every generator of a study, and what only alarms, from their statistics.

diverse: does it repeat itself as often as the data? on: are its samples where the data are? covers: is every part of
the data covered? copies: does it copy `train`? alike: do the distributions differ in any other way?

'no': a statistic of the question is beyond what permuted labels give, in a study with as many statistics and
generators (p < ALPHA), and not shown to be within the margin. 'yes': the question's number is within the margin by its
90 % interval, which is an equivalence test at 5 %, and nothing says no. Else 'inconclusive'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gancensus.census.answers import QUESTION
from gancensus.statistics.multiplicity import holm

ALPHA = 0.05
PLACED = 0.9  # least coverage, over that of real samples by themselves, that is as good
PAIRS = 2.0  # largest ratio of collision probabilities, by its interval, of what is as diverse
MAIN = {"diverse": "reach_ratio", "on": "on", "covers": "covers"}  # a question's number
SHARP = ("pair_ratio", "reach_ratio", "on", "covers")  # statistics that see differences that nobody minds

Row = Mapping[str, Any]


class Answer(NamedTuple):
    """What is said of a generator."""

    question: str
    answer: str
    """yes, no or inconclusive; of `alike`: no, or empty."""
    value: float | None
    low: float | None
    high: float | None
    margin: float | None
    p: float | None
    criterion: str
    """Definition and statistic that decide."""
    names: str
    """What else: criteria that dissent, columns that differ, what a margin has cancelled."""


def adjusted(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every generator, `adjusted` for the number of generators as well (Holm).

    Args:
        rows: statistics of each generator, whose `adjusted` accounts for all of its own.
    """
    least = np.array([min(row["adjusted"] for row in of) for of in rows.values()])
    factor = holm(least) / np.maximum(least, 1e-300)
    return {
        name: [{**row, "adjusted": min(1.0, row["adjusted"] * f)} for row in of]
        for (name, of), f in zip(rows.items(), factor.tolist(), strict=True)
    }


def answers(rows: Sequence[Row], margin: float) -> list[Answer]:
    """Return the answers of one generator but for copies, from its statistics as `adjusted` returns them.

    Args:
        rows: `census.answers` has their columns.
        margin: the largest ratio of numbers of samples, or of its inverse, that counts as equally diverse.
    """
    found = [_answer(question, [row for row in rows if row["question"] == question], margin) for question in MAIN]
    differ = sorted(_alarms(row for row in rows if row["question"] == "alike"), key=lambda row: row["adjusted"])
    if not differ:
        return [*found, Answer("alike", "", None, None, None, None, None, "", "")]
    names = ", ".join(dict.fromkeys(row["of"] or row["statistic"] for row in differ))
    return [*found, _because("alike", "no", differ[0], None, names)]


def _answer(question: str, rows: Sequence[Row], margin: float) -> Answer:
    """Answer a question by every definition: no beats all, and yes needs all."""
    limit = margin if question == "diverse" else PLACED
    alarms = [row for row in _alarms(rows) if not (row["statistic"] in SHARP and _inside(row, margin))]
    mains = [row for row in rows if row["statistic"] == MAIN[question]]
    fits = {row["definition"]: _fits(question, rows, row, margin) for row in mains}
    cancelled = [_named(row) for row in _alarms(rows) if row not in alarms]
    within = f"{', '.join(cancelled)} differ within the margin" if cancelled else ""
    if alarms:
        first = min(alarms, key=lambda row: (row["adjusted"], row["statistic"] != MAIN[question]))
        dissent = [name for name, fit in fits.items() if fit and all(row["definition"] != name for row in alarms)]
        return _because(question, "no", first, limit, f"not by {', '.join(dissent)}" if dissent else "")
    if fits and all(fits.values()):
        worst = max(mains, key=lambda row: _distance(row, question))
        return _because(question, "yes", worst, limit, within)
    open_ones = [row for row in mains if not fits[row["definition"]]]
    worst = max(open_ones or mains, key=lambda row: _distance(row, question))
    return _because(question, "inconclusive", worst, limit, within)


def _alarms(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["adjusted"] < ALPHA]


def _inside(row: Row, margin: float) -> bool:
    """Whether a number is within its margin by its interval."""
    low, high = row["low"], row["high"]
    if low is None or high is None:
        return False
    return bool(1 / margin <= low and high <= margin if QUESTION[row["statistic"]] == "diverse" else low >= PLACED)


def _fits(question: str, rows: Sequence[Row], main: Row, margin: float) -> bool:
    """Whether a definition says yes."""
    if question == "diverse":
        pairs = [r for r in rows if r["statistic"] == "pair_ratio" and r["definition"] == main["definition"]]
        if any(row["high"] is None or row["high"] >= PAIRS for row in pairs):
            return False
    return _inside(main, margin)


def _distance(row: Row, question: str) -> float:
    """How far an interval reaches beyond what is asked for."""
    low, high = row["low"], row["high"]
    if low is None or high is None:
        return float("inf")
    return float(max(high, 1 / low if low > 0 else np.inf)) if question == "diverse" else -float(low)


def _named(row: Row) -> str:
    return " ".join(filter(None, (row["definition"], row["statistic"])))


def _because(question: str, answer: str, row: Row, margin: float | None, names: str) -> Answer:
    return Answer(question, answer, row["value"], row["low"], row["high"], margin, row["adjusted"], _named(row), names)
