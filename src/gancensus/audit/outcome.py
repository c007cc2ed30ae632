"""What an audit comes to, generator by generator: the same for the command and for Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import Any, NamedTuple

from gancensus.plotting import numbers
from gancensus.plotting.numbers import Row
from gancensus.report import sentences
from gancensus.report.sentences import BAD, QUESTIONS

FOUND, UNDECIDED, INCOMPLETE = 10, 20, 3  # exit statuses; 3 is that of a run whose census alone is complete


class Outcome(NamedTuple):
    """What was found out about a generator."""

    title: str
    """What the user calls it."""
    population: str
    answers: Mapping[str, Row]
    """Rows of `schemas.SUMMARY`, by question."""
    counts: Mapping[str, Row]
    """Rows of `schemas.SUPPORT`, by definition; the first definition is the main one."""
    copies: Mapping[str, Row] = MappingProxyType({})
    """Rows of `schemas.COPIES`, by definition; none where the samples that it has learned from were not given."""
    scales: Sequence[Row] = ()
    """Rows of `schemas.SCALES`: by each definition at each `scale`, strict, middle and loose; none where alpha was
    given. The numbers of `counts` are those of the middle one."""

    def __repr__(self) -> str:
        """Say the ratio and the answers in one line: the rows beside them would fill pages."""
        value, reach = numbers.interval(self.main, "ratio")
        answers = (f"{question}={sentences.answer(self.answers.get(question))!r}" for question in QUESTIONS)
        ratio = f"{value} ({reach})" if reach else value
        return f"Outcome({self.title!r}, ratio={ratio!r}, {', '.join(answers)})"

    @property
    def main(self) -> Row:
        """The row of `schemas.SUPPORT` by the main definition."""
        return next(iter(self.counts.values()))

    @property
    def ratio(self) -> float | None:
        """How many times as often two of its samples are near-duplicates as two held-out real ones."""
        return self._number("ratio")

    @property
    def low(self) -> float | None:
        """Lower end of the interval of `ratio`."""
        return self._number("ratio_low")

    @property
    def high(self) -> float | None:
        """Upper end of the interval of `ratio`."""
        return self._number("ratio_high")

    @property
    def support(self) -> float | None:
        """How many different samples it makes: the effective support; None where no two are near-duplicates."""
        return self._number("effective_support")

    def _number(self, name: str) -> float | None:
        value: float | None = self.main[name]
        return value

    @property
    def found(self) -> list[str]:
        """The questions whose answer is a bad one."""
        return [question for question in QUESTIONS if self.answers[question]["answer"] == BAD[question]]

    @property
    def open(self) -> list[str]:
        """The questions that could not be answered."""
        return [question for question in QUESTIONS if self.answers[question]["answer"] == "inconclusive"]


def outcomes(
    summary: Iterable[Row],
    support: Iterable[Row],
    titles: Mapping[str, str],
    copies: Iterable[Row] = (),
    scales: Iterable[Row] = (),
) -> list[Outcome]:
    """Return the outcomes of a study's generators.

    Args:
        summary: rows of `schemas.SUMMARY` of one study.
        support: rows of `schemas.SUPPORT` of the study.
        titles: what the user calls each generated population, by population.
        copies: rows of `schemas.COPIES` of the study.
        scales: rows of `schemas.SCALES` of the study.
    """
    answers: dict[str, dict[str, Row]] = {}
    counts: dict[str, dict[str, Row]] = {}
    copied: dict[str, dict[str, Row]] = {}
    scaled: dict[str, list[Row]] = {}
    for row in summary:
        answers.setdefault(row["population"], {})[row["question"]] = row
    for row in support:
        counts.setdefault(row["population"], {})[row["definition"]] = row
    for row in copies:
        copied.setdefault(row["population"], {})[row["definition"]] = row
    for row in scales:
        if row["scale"] is not None:
            scaled.setdefault(row["population"], []).append(row)
    return [
        Outcome(title, name, answers[name], counts[name], copied.get(name, {}), scaled.get(name, []))
        for name, title in titles.items()
    ]


class Criterion(NamedTuple):
    """Something that can be wrong with a generator."""

    question: str
    about: str
    applies: Callable[[str], bool] = lambda names: True
    """Whether a bad answer to the question is this one, by what the row of the answer names."""


CRITERIA = {
    "less-diverse": Criterion(
        "diverse", "it repeats itself more often than the data", lambda names: not names.startswith("more diverse")
    ),
    "more-diverse": Criterion(
        "diverse", "it repeats itself less often than the data", lambda names: not names.startswith("less diverse")
    ),
    "off-data": Criterion("on", "samples lie where no real ones do"),
    "uncovered": Criterion("covers", "parts of the data have no generated samples"),
    "copies": Criterion("copies", "it copies what it has learned from"),
    "differs": Criterion("alike", "its distribution differs in any other way"),
}
"""What can be wrong, by the word for it. A bad answer about diversity without a direction is both of the first two."""

USUAL = tuple(word for word in CRITERIA if word != "differs")
"""What counts where nothing else is said: `differs` only alarms, and is shown."""


class Gate(NamedTuple):
    """What an audit has to find for its exit status to say so."""

    criteria: Sequence[str] = USUAL
    """Words of `CRITERIA`."""
    max_ratio: float | None = None
    """Also: the ratio of any definition is above this, by the near end of its interval."""
    strict: bool = False
    """Whether what could not be decided has a status of its own."""
    unasked: Sequence[str] = ()
    """Questions that nothing was given to answer, such as `copies` without training samples."""

    def found(self, outcome: Outcome) -> list[str]:
        """Return what is wrong with a generator: words of `criteria`, and `ratio`."""
        words = [word for word in self.criteria if _is_found(CRITERIA[word], outcome)]
        return [*words, *(["ratio"] if self.above(outcome) else [])]

    def undecided(self, outcome: Outcome) -> list[str]:
        """Return what could not be decided about a generator, in the words of `found`."""
        words = [word for word in self.criteria if self._is_open(CRITERIA[word].question, outcome)]
        ratio = self._ratios(outcome, "unknown") and not self.above(outcome)
        return [*words, *(["ratio"] if ratio else [])]

    def above(self, outcome: Outcome) -> list[str]:
        """Return the definitions by which the ratio is above the largest one, with all of its interval."""
        return self._ratios(outcome, "above")

    def _is_open(self, question: str, outcome: Outcome) -> bool:
        return question not in self.unasked and outcome.answers[question]["answer"] == "inconclusive"

    def _ratios(self, outcome: Outcome, place: str) -> list[str]:
        """Return the definitions whose ratio lies so: above, below or unknown."""
        if self.max_ratio is None:
            return []
        return [name for name, row in outcome.counts.items() if _beside(row, self.max_ratio) == place]


def _is_found(criterion: Criterion, outcome: Outcome) -> bool:
    """Return whether the answer to a criterion's question is a bad one, and this one."""
    row = outcome.answers[criterion.question]
    return row["answer"] == BAD.get(criterion.question, "no") and criterion.applies(row["names"] or "")


def _beside(row: Row, limit: float) -> str:
    """Say on which side of a limit a ratio lies: above or below with its interval, else unknown."""
    low, high = row["ratio_low"], row["ratio_high"]
    if low is not None and low > limit:
        return "above"
    return "below" if high is not None and high <= limit else "unknown"


def status(found: Sequence[Outcome], gate: Gate, complete: bool = True) -> int:
    """Return the exit status of an audit whose census is made.

    10 where something is wrong with any generator; else 3 where an analysis or a figure failed; else, where `strict`,
    20 if anything could not be decided; else 0. The lower ones say less: what is wrong stays wrong without the figure,
    and what is missing might have decided.

    Args:
        found: outcomes of all generators.
        gate: what counts.
        complete: whether all analyses and figures could be made.
    """
    if any(gate.found(outcome) for outcome in found):
        return FOUND
    if not complete:
        return INCOMPLETE
    return UNDECIDED if gate.strict and any(gate.undecided(outcome) for outcome in found) else 0


ANSWERED = ("value", "low", "high", "margin", "p", "needed")
COUNTED = ("samples", "pairs", "duplicates", "p_value")
ESTIMATED = ("collision", "effective_support", "ratio")


def as_json(outcome: Outcome, gate: Gate) -> dict[str, Any]:
    """Return an outcome as values of JSON: every number is finite or null.

    Returns:
        name: what the user calls the generator; population: what the tables call it.
        found, undecided: words of `CRITERIA`, and `ratio`, as the gate counts them.
        answers: by question (diverse, on, covers, copies, alike): `answer` (yes, no, inconclusive; of alike no, or
            null where nothing was found), the number that decides as `value` with its interval `low` to `high`, the
            `margin` that the interval has to be within for a yes, the p-value `p`, how many samples of either side are
            `needed` to settle what is inconclusive, and `why` in words.
        definitions: by definition: `samples`, `pairs`, `duplicates`; collision probability, support and ratio to
            held-out samples, each with the ends of its interval (`ratio`, `ratio_low`, `ratio_high`); p_value; and
            `scales`, the same at the scales strict, middle and loose, by scale; nothing where alpha was given.
    """
    answers = {
        question: {"answer": row["answer"] or None, **{name: row[name] for name in ANSWERED}, "why": _why(row)}
        for question, row in outcome.answers.items()
    }
    return {
        "name": outcome.title,
        "population": outcome.population,
        "found": gate.found(outcome),
        "undecided": gate.undecided(outcome),
        "answers": {question: _finite(row) for question, row in answers.items()},
        "definitions": {name: counts(row, outcome.scales) for name, row in outcome.counts.items()},
    }


def counts(row: Row, scales: Iterable[Row]) -> dict[str, Any]:
    """Return the numbers of a row of `schemas.SUPPORT`, as values of JSON, and those of its definition's scales.

    scales: rows of `schemas.SCALES` of the population.
    """
    at = {one["scale"]: _counted(one) for one in scales if one["definition"] == row["definition"]}
    return {**_counted(row), "scales": at}


def _counted(row: Row) -> dict[str, Any]:
    names = [*COUNTED, *(f"{name}{end}" for name in ESTIMATED for end in ("", "_low", "_high"))]
    return _finite({name: row[name] for name in names})


def _why(row: Row) -> str:
    """Return why an answer is what it is; of `alike`, what differs."""
    return sentences.why(row) if row["question"] in QUESTIONS else row["names"] or ""


def _finite(row: Row) -> dict[str, Any]:
    """Return a row in which what is not finite is None."""
    return {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}
