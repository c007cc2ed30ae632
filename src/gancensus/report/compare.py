"""What has changed between two runs: duplicates, answers and fidelity, population by population, with intervals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from gancensus.config import results as places
from gancensus.config.registry import members
from gancensus.contracts.generator import Generator
from gancensus.contracts.metric import MIDDLE
from gancensus.contracts.samples import REAL
from gancensus.plotting.numbers import Row
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import LEVEL, difference, quotient
from gancensus.storage.samples import SampleRows
from gancensus.storage.tables import read_table

SAME_SAMPLES = "the same samples"
BY_CHANCE = "no change beyond chance"
TOO_FEW = "too few duplicates to tell"

Key = tuple[str, ...]


class Run(NamedTuple):
    """What is compared of the results of a run."""

    place: str
    configuration: Mapping[str, Any]
    support: Sequence[Row]
    """Rows of `schemas.SUPPORT`, of every study."""
    summary: Sequence[Row]
    """Rows of `schemas.SUMMARY`, of every study."""
    thresholds: Mapping[Key, Mapping[str, float]]
    """The threshold of each metric that the numbers of `support` and `summary` are of, by study and definition."""
    fidelity: Mapping[str, Sequence[Row]]
    """Rows of `schemas.FIDELITY`, by study."""
    samples: Mapping[Key, str]
    """A digest of the samples of each population, by study and population: equal where all values are."""


class Basis(NamedTuple):
    """Whether numbers by a definition can be compared."""

    study: str
    definition: str
    same_real: bool
    """Whether `holdout` has the same samples."""
    same_definition: bool
    """Whether the metrics have the same options."""
    thresholds: float
    """The largest relative difference between the thresholds of a metric; 0 where all are the same."""

    @property
    def comparable(self) -> bool:
        """Whether duplicates are the same thing in both."""
        return self.same_definition and self.thresholds == 0

    @property
    def said(self) -> str:
        """What stands in the way, or what is the same."""
        if not self.same_definition:
            return "not comparable: the definitions differ"
        if self.thresholds:
            return f"not comparable: thresholds differ by {100 * self.thresholds:.2g} %"
        return "the same thresholds, and " + ("the same real samples" if self.same_real else "other real samples")


class CountChange(NamedTuple):
    """How the duplicates of a population have changed."""

    study: str
    definition: str
    population: str
    support: tuple[Estimate, Estimate]
    """Before and after."""
    ratio: tuple[Estimate, Estimate]
    change: Estimate | None
    """The ratio after over that before; None where the two cannot be compared."""
    said: str


class AnswerChange(NamedTuple):
    """An answer that is another one now."""

    study: str
    population: str
    question: str
    before: str
    after: str


class FidelityChange(NamedTuple):
    """How a metric of fidelity has changed."""

    study: str
    population: str
    metric: str
    before: Estimate
    after: Estimate
    change: Estimate | None
    """The difference."""
    said: str


class Changes(NamedTuple):
    """All that has changed between two runs."""

    before: str
    after: str
    bases: list[Basis]
    counts: list[CountChange]
    answers: list[AnswerChange]
    same_answers: int
    fidelity: list[FidelityChange]
    only_before: list[Key]
    """Study, definition and population of what only the first run has."""
    only_after: list[Key]
    level: float
    """Of the intervals."""

    @property
    def judged(self) -> int:
        """How many changes were judged by their interval."""
        said = [*(one.said for one in self.counts if one.change), *(one.said for one in self.fidelity if one.change)]
        return len([text for text in said if text != SAME_SAMPLES])

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON would have it."""
        return {name: _plain(value) for name, value in self._asdict().items()} | {"judged": self.judged}


def _plain(value: Any) -> Any:
    """Return named tuples as dictionaries, other tuples as lists."""
    if isinstance(value, Basis):
        return {**value._asdict(), "comparable": value.comparable, "said": value.said}
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def read_run(results: Path, facts: Mapping[str, Any]) -> Run:
    """Read what is compared of the results in a folder, populations by their titles, where they have some.

    Raises UserError where a table is missing. facts: what `provenance.recorded` returns of the folder.
    """
    configuration, found = facts["configuration"], facts["files"]
    thresholds: dict[Key, Mapping[str, float]] = {}
    for study, parts in configuration["studies"].items():
        for name in parts["definitions"]:
            rows = read_table(results / places.at(places.THRESHOLDS, study=study, definition=name)).to_pylist()
            thresholds[study, name] = _of_support(rows)
    fidelity = {}
    for study in configuration["studies"]:
        if (name := places.at(places.ANALYSIS, study=study, analysis="fidelity")) in found:
            rows = read_table(results / name).to_pylist()
            fidelity[study] = [{**row, "population": _title(configuration, study, row["population"])} for row in rows]
    support, summary = (
        [
            {**row, "population": _title(configuration, row["study"], row["population"])}
            for row in read_table(results / name).to_pylist()
        ]
        for name in (places.CENSUS, places.ANSWERED)
    )
    samples: dict[Key, str] = {
        (study, _title(configuration, study, population)): digest
        for (study, population), digest in _samples(results, facts).items()
    }
    return Run(str(results), configuration, support, summary, thresholds, fidelity, samples)


def _title(configuration: Mapping[str, Any], study: str, population: str) -> str:
    """Return what a population is called, as `Study.titles` has it."""
    name, _, replica = population.rpartition("-")
    section = configuration["studies"][study].get("generators", {}).get(name, {})
    if section.get("title") is None:
        return population
    return f"{section['title']}-{replica}" if members(Generator)[section["kind"]].trained else str(section["title"])


def _of_support(rows: Iterable[Row]) -> dict[str, float]:
    """Return the threshold of each metric, of the middle scale where there are several, as all that is compared is."""
    return {row["metric"]: row["threshold"] for row in rows if row["scale"] in (None, MIDDLE)}


def _samples(results: Path, facts: Mapping[str, Any]) -> dict[Key, str]:
    """Return a digest of the samples of each population but `train` and `calibrate`, however many parts they have."""
    found: dict[Key, list[Path]] = {}
    for name in facts["files"]:
        names = places.match(places.SAMPLES, name)
        if names and names["population"] not in REAL[:2]:
            found.setdefault((names["study"], names["population"]), []).append(results / name)
    return {key: _digest(sorted(paths, key=lambda path: int(path.stem))) for key, paths in found.items()}


def _digest(paths: Sequence[Path]) -> str:
    """Return a digest of the samples of a population: sample_id, x, and what they were made under."""
    rows, found = SampleRows(paths), dict[str, Any]()
    for chunk in rows.chunks(slice(0, len(rows))):
        known: dict[str, NDArray[Any]] = {"sample_id": chunk.sample_id, "x": chunk.x, **chunk.conditions}
        for name, values in known.items():
            found.setdefault(name, hashlib.sha256()).update(values.tobytes())
    return " ".join(f"{name} {digest.hexdigest()}" for name, digest in sorted(found.items()))


def compare(before: Run, after: Run) -> Changes:
    """Return what has changed between two runs, whose studies, definitions and populations have the same names.

    Where thresholds and real samples are the same, the ratios have one denominator, and the ratio of ratios is that of
    the collision probabilities of two independent sets of samples. Else it is that of the ratios, taken as independent.
    """
    bases = [_basis(before, after, *key) for key in before.thresholds if key in after.thresholds]
    known: dict[Key, Basis] = {(basis.study, basis.definition): basis for basis in bases}
    rows, others = (_by(run.support, "study", "definition", "population") for run in (before, after))
    shared = [key for key in rows if key in others and key[:2] in known and key[2] not in REAL]
    counts = [
        _count(key, known[key[:2]], rows[key], others[key], _same(before, after, key[0], key[2])) for key in shared
    ]
    answers, same_answers = _answers(before, after)
    levels = {study["census"]["level"] for run in (before, after) for study in run.configuration["studies"].values()}
    return Changes(
        before.place,
        after.place,
        bases,
        counts,
        answers,
        same_answers,
        _fidelity(before, after),
        [key for key in rows if key not in others and key[2] not in REAL],
        [key for key in others if key not in rows and key[2] not in REAL],
        min(levels, default=LEVEL),
    )


def _by(rows: Iterable[Row], *names: str) -> dict[Key, Row]:
    """Return rows by the values of some of their columns."""
    return {tuple(row[name] for name in names): row for row in rows}


def _same(before: Run, after: Run, study: str, population: str) -> bool:
    """Say whether a population has the same samples in both."""
    found = [run.samples.get((study, population)) for run in (before, after)]
    return found[0] is not None and found[0] == found[1]


def _basis(before: Run, after: Run, study: str, definition: str) -> Basis:
    """Return whether numbers by a definition can be compared."""
    options = [run.configuration["studies"][study]["definitions"][definition] for run in (before, after)]
    one, other = (run.thresholds[study, definition] for run in (before, after))
    same = options[0] == options[1] and one.keys() == other.keys()
    apart = [abs(other[name] - one[name]) / (max(one[name], other[name]) or 1) for name in one if same]
    return Basis(study, definition, _same(before, after, study, REAL[2]), same, max(apart, default=0.0))


def _estimate(row: Row, name: str) -> Estimate:
    """Return a number of a row with its interval."""
    return Estimate(row[name], row[f"{name}_low"], row[f"{name}_high"])


def _count(key: Key, basis: Basis, before: Row, after: Row, same_samples: bool) -> CountChange:
    """Return how the duplicates of a population have changed."""
    support, ratio, collision = (
        (_estimate(before, name), _estimate(after, name)) for name in ("effective_support", "ratio", "collision")
    )
    compared = collision if basis.same_real else ratio
    if not basis.comparable:
        change, said = None, "not comparable"
    elif same_samples and basis.same_real:
        change, said = Estimate(1.0, 1.0, 1.0), SAME_SAMPLES
    elif any(end is None for one in compared for end in one):
        change, said = None, TOO_FEW
    else:
        change = quotient(*compared)
        said = _judged(change, 1, "more duplicates", "fewer duplicates")
        if said == BY_CHANCE and change.value is None:
            said = TOO_FEW
    return CountChange(key[0], key[1], key[2], support, ratio, change, said)


def _judged(change: Estimate, none: float, above: str, below: str) -> str:
    """Say whether an interval excludes no change."""
    if change.low is not None and change.low > none:
        return above
    return below if change.high is not None and change.high < none else BY_CHANCE


def _answers(before: Run, after: Run) -> tuple[list[AnswerChange], int]:
    """Return the answers that have changed, and how many have not."""
    rows, others = (_by(run.summary, "study", "population", "question") for run in (before, after))
    both = [(key, rows[key]["answer"], others[key]["answer"]) for key in rows if key in others and key[1] not in REAL]
    asked = [one for one in both if any(one[1:])]
    changed = [AnswerChange(key[0], key[1], key[2], one, other) for key, one, other in asked if one != other]
    return changed, len(asked) - len(changed)


def _fidelity(before: Run, after: Run) -> list[FidelityChange]:
    """Return how the metrics of fidelity have changed that both runs have, of the same reference and space."""
    found = []
    names = ("population", "metric", "reference", "space")
    for study in before.fidelity:
        rows, others = (_by(run.fidelity.get(study, ()), *names) for run in (before, after))
        for key in rows:
            if key not in others or key[0] in REAL:
                continue
            one, other = (Estimate(row["value"], row["low"], row["high"]) for row in (rows[key], others[key]))
            change, said = None, "without an interval"
            if _same(before, after, study, key[0]) and _same(before, after, study, REAL[2]):
                change, said = Estimate(0.0, 0.0, 0.0), SAME_SAMPLES
            elif None not in (*one, *other):
                change = difference(one, other)
                said = _judged(change, 0, "larger", "smaller")
            found.append(FidelityChange(study, key[0], key[1], one, other, change, said))
    return found
