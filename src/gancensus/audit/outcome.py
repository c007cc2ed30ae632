"""What an audit comes to, generator by generator: the same for the command and for Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gancensus.plotting.numbers import Row
from gancensus.report.sentences import BAD, QUESTIONS


class Outcome(NamedTuple):
    """What was found out about a generator."""

    title: str
    """What the user calls it."""
    population: str
    answers: Mapping[str, Row]
    """Rows of `schemas.SUMMARY`, by question."""
    counts: Mapping[str, Row]
    """Rows of `schemas.SUPPORT`, by definition; the first definition is the main one."""

    @property
    def found(self) -> list[str]:
        """The questions whose answer is a bad one."""
        return [question for question in QUESTIONS if self.answers[question]["answer"] == BAD[question]]

    @property
    def open(self) -> list[str]:
        """The questions that could not be answered."""
        return [question for question in QUESTIONS if self.answers[question]["answer"] == "inconclusive"]


def outcomes(summary: Iterable[Row], support: Iterable[Row], titles: Mapping[str, str]) -> list[Outcome]:
    """Return the outcomes of a study's generators.

    Args:
        summary: rows of `schemas.SUMMARY` of one study.
        support: rows of `schemas.SUPPORT` of the study.
        titles: what the user calls each generated population, by population.
    """
    answers: dict[str, dict[str, Row]] = {}
    counts: dict[str, dict[str, Row]] = {}
    for row in summary:
        answers.setdefault(row["population"], {})[row["question"]] = row
    for row in support:
        counts.setdefault(row["population"], {})[row["definition"]] = row
    return [Outcome(title, name, answers[name], counts[name]) for name, title in titles.items()]
