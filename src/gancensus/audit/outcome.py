"""What an audit comes to, generator by generator: the same for the command and for Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
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
    copies: Mapping[str, Row] = MappingProxyType({})
    """Rows of `schemas.COPIES`, by definition; none where the samples that it has learned from were not given."""

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
    summary: Iterable[Row], support: Iterable[Row], titles: Mapping[str, str], copies: Iterable[Row] = ()
) -> list[Outcome]:
    """Return the outcomes of a study's generators.

    Args:
        summary: rows of `schemas.SUMMARY` of one study.
        support: rows of `schemas.SUPPORT` of the study.
        titles: what the user calls each generated population, by population.
        copies: rows of `schemas.COPIES` of the study.
    """
    answers: dict[str, dict[str, Row]] = {}
    counts: dict[str, dict[str, Row]] = {}
    copied: dict[str, dict[str, Row]] = {}
    for row in summary:
        answers.setdefault(row["population"], {})[row["question"]] = row
    for row in support:
        counts.setdefault(row["population"], {})[row["definition"]] = row
    for row in copies:
        copied.setdefault(row["population"], {})[row["definition"]] = row
    return [Outcome(title, name, answers[name], counts[name], copied.get(name, {})) for name, title in titles.items()]
