"""What trials of a sanity check amount to: as expected, not as expected, or nothing that is claimed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gancensus.statistics.intervals import clopper_pearson
from trust.checks import CHECKS, POINTS, Point
from trust.simulate import Record, Trial

QUESTIONS = ("diverse", "on", "covers")
LINES = (*QUESTIONS, "alike")
METRICS = ("fid", "precision", "recall", "density", "coverage")
HALVES = {"precision": "fidelity", "density": "fidelity", "recall": "diversity", "coverage": "diversity"}
TOLERANCE = 0.1  # of a metric between 0 and 1
OFTEN, SELDOM = 0.8, 0.2  # shares of the repeats in which a no must be said, and may be
Found = Mapping[Trial, Record]


def of(found: Found, part: str, case: str | None = None, size: tuple[int, int] | None = None) -> list[Record]:
    """The records of a part, of one of its cases, at one of its sizes."""
    return [
        result
        for trial, result in found.items()
        if trial.part == part and case in (None, trial.case) and size in (None, (trial.made, trial.real))
    ]


def answered(record: Record, line: str, answer: str) -> bool:
    """Whether a question got this answer."""
    return bool(record["answers"][line] == answer)


def says_no(record: Record, questions: Iterable[str]) -> bool:
    """Whether each of these questions is answered with no."""
    return all(answered(record, question, "no") for question in questions)


def alarms(record: Record) -> bool:
    """Whether any line says no."""
    return any(answered(record, line, "no") for line in LINES)


def all_yes(record: Record) -> bool:
    """Whether three questions are answered with yes, and the fifth line is silent."""
    return not answered(record, "alike", "no") and all(answered(record, question, "yes") for question in QUESTIONS)


def share(records: Sequence[Record], say: Callable[[Record], bool]) -> float:
    """In what share of the repeats something is said."""
    return sum(map(say, records)) / len(records)


def counted(records: Sequence[Record], say: Callable[[Record], bool]) -> str:
    """That share as it is printed, with Clopper and Pearson's interval."""
    return interval(sum(map(say, records)), len(records))


def interval(hits: int, count: int) -> str:
    """A count with Clopper and Pearson's interval of its share, in %."""
    low, high = (100 * float(end) for end in clopper_pearson(hits, count))
    return f"{hits} of {count} ({low:.0f}–{high:.0f} %)"


def value(records: Sequence[Record], column: str) -> float:
    """What the figure shows: the share of no, or the median of a metric."""
    if column in LINES:
        return share(records, lambda record: answered(record, column, "no"))
    return float(np.median([record["metrics"][column] for record in records]))


def point_holds(found: Found, point: Point, column: str) -> bool | None:
    """Whether a point of a check is as expected in a column; None: nothing is expected."""
    records = of(found, "checks", f"{point.check}: {point.name}")
    seen = value(records, column)
    if column in LINES:
        if not point.flaw:
            return seen <= SELDOM
        if column in point.flaw:
            return seen >= OFTEN
        return seen <= SELDOM if intact(point, column) else None
    if column == "fid":
        return fid_holds(found, point, seen)
    target: float | None = getattr(point, HALVES[column])
    return None if target is None else abs(seen - target) <= TOLERANCE


def intact(point: Point, question: str) -> bool:
    """Whether a question should not be answered with no, though there is a flaw of another kind."""
    return {"on": point.fidelity, "covers": point.diversity}.get(question) == 1


def fid_holds(found: Found, point: Point, seen: float) -> bool | None:
    """FID has no upper end: a flaw must give more than equal distributions ever do, and what is no flaw must not."""
    first = next(other for other in POINTS if other.check == point.check)
    if point == first:
        return None
    most = max(record["metrics"]["fid"] for record in of(found, "checks", f"{first.check}: {first.name}"))
    return bool((seen > most) == bool(point.flaw))


def check_holds(found: Found, check: str, column: str) -> bool | None:
    """Whether all points of a check are as expected."""
    said = [point_holds(found, point, column) for point in POINTS if point.check == check]
    return None if all(one is None for one in said) else False not in said


def wrong(found: Found, part: str, flawed: Mapping[str, Any]) -> list[str]:
    """Cases with a flaw in which some repeat got three yeses, and no alarm."""
    return [case for case in flawed if any(map(all_yes, of(found, part, case)))]


def flawed_points() -> list[str]:
    """Points of the checks where distributions differ."""
    return [name for name, point in CHECKS.items() if point.flaw]


def covered(records: Sequence[Record], name: str, truth: float = 1.0) -> tuple[int, int]:
    """How many intervals have the truth, and of how many; one without ends says nothing, and does not count."""
    ends = [record["intervals"].get(name, (None, None, None))[1:] for record in records]
    known = [end for end in ends if end != [None, None] and end != (None, None)]
    return sum((low or 0) <= truth <= (np.inf if high is None else high) for low, high in known), len(known)
