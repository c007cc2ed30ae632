"""What each job of a configuration takes: bytes, seconds and memory."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from math import ceil, inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from gancensus.census.answers import MOST, MOST_BYTES
from gancensus.cli.estimate.data import Facts, File, Shape
from gancensus.cli.estimate.jobs import Job, jobs_of
from gancensus.cli.estimate.rates import (
    BASE,
    CENSUS,
    CENSUS_POWER,
    DENSE,
    DISTANCE,
    GROUP,
    GROUP_HELD,
    HASH,
    KNOWN,
    LABELLED,
    LOAD,
    MERGE,
    MERGED,
    PAIR,
    PIECES,
    READ,
    REPEAT,
    REPEATS,
    SMALL,
    START,
    WRITE,
)
from gancensus.cli.estimate.searches import (
    Search,
    alpha,
    exact,
    is_auto,
    joint,
    pair_seconds,
    resolved,
    row_seconds,
    rows_read,
)
from gancensus.config import results
from gancensus.config.configuration import Config, read
from gancensus.config.results import match
from gancensus.contracts.metric import Calibrated, Metric
from gancensus.contracts.samples import RUN, part_rows
from gancensus.report.group_lists import GROUPS, MEMBERS
from gancensus.report.sample_figures import PAIRS, TILES
from gancensus.search.pairs import all_tasks
from gancensus.search.populations import BASE_MEGABYTES
from gancensus.search.thresholds import EXPENSIVE, SAMPLED_PAIRS
from gancensus.storage.tables import ROW_GROUP_BYTES


class Cost(NamedTuple):
    """What a job takes: stored bytes read and written, seconds, memory in MB; None where it is not known."""

    read: float
    written: float
    seconds: float | None
    memory: float | None


class Prediction:
    """Sizes of the results and costs of the jobs of a configuration."""

    def __init__(self, config: Config, absent: Mapping[str, Shape]) -> None:
        """Look at the data of the studies; raises UserError."""
        self.config = config
        self.facts = {name: Facts(study, config.parts, absent) for name, study in config.studies.items()}
        self.named = {name: {s.name: s for s in results.searches(study)} for name, study in config.studies.items()}
        self.search = cache(
            lambda study, definition, name: Search(
                self.facts[study], config.studies[study].definitions[definition], self.named[study][name], config
            )
        )

    def size(self, path: str) -> tuple[float, float]:
        """Return the bytes of a result in memory and in its file."""
        if of := match(results.SAMPLES, path):
            values = self.rows(**of) * self.facts[of["study"]].row(None)
            return values, values * self.facts[of["study"]].stored[of["population"]]
        if of := match(results.EMBEDDED, path):
            values = self.rows(of["study"], of["population"], of["part"]) * self.facts[of["study"]].row(of["encoder"])
            return values, values * DENSE
        if of := match(results.DUPLICATES, path) or match(results.DUPLICATES_SHARD, path):
            found = self.search(of["study"], of["definition"], of["search"])
            duplicates = self.duplicates(found) / (self.config.shards if "shard" in of else 1)
            return duplicates * 8 * (2 + len(found.metrics)), duplicates * (PAIR + DISTANCE * len(found.metrics))
        if of := match(results.REPEATS, path) or match(results.REPEATS_SHARD, path):
            rows = sum(self.search(of["study"], of["definition"], of["search"]).samples)
            return rows * REPEATS, rows * REPEAT
        return SMALL, SMALL

    def rows(self, study: str, population: str, part: str) -> int:
        """Return the samples of a part."""
        rows = part_rows(self.facts[study].samples[population], int(part), self.config.parts)
        return int(rows.stop - rows.start)

    def duplicates(self, search: Search) -> float:
        """Return how many duplicates are listed, if there are as many as among real samples."""
        return min(search.pairs * joint([alpha(metric) for metric in search.metrics]), self.config.cap)

    def cost(self, job: Job) -> Cost:
        """Return what a job takes."""
        held, read = (sum(sizes) for sizes in zip((0.0, 0.0), *map(self.size, job.inputs), strict=True))
        made, written = (sum(sizes) for sizes in zip((0.0, 0.0), *map(self.size, job.outputs), strict=True))
        facts = self.facts.get(Path(job.outputs[0]).parts[0])
        seconds, memory = START + 1e-6 * (READ * held + WRITE * made), BASE + 2e-6 * held
        if facts and job.rule in ("prepare", "generate"):
            names = [job.wildcards["population"]] if job.rule == "generate" else ["", *facts.study.given]
            files = [facts.files[name] for name in names if name in facts.files]  # of prepare: the source's
            if files and names[0] in facts.files:
                total = File(*map(sum, zip(*files, strict=True)))
                took = START + 1e-6 * (LOAD[job.rule] * total.read + WRITE * made) + total.decoding
                return Cost(total.read, written, took, BASE + PIECES + 1e-6 * KNOWN * total.samples)
            if job.rule == "prepare":
                return Cost(0, written, None if facts.study.source.simulated else seconds, BASE)
        if job.rule in (
            "fit_encoder",
            "embed",
            "select",
            "train",
            "generate",
            "analyse",
        ):  # networks, neighbours
            return Cost(read, written, None, None)
        if facts and job.rule == "thresholds":
            return self.thresholds(facts, list(facts.study.definitions[job.wildcards["definition"]].values()))
        if facts and job.rule.startswith("pairs"):
            return self.pairs(facts, job, written)
        if facts and job.rule == "sweep":
            return self.sweep(facts, list(facts.study.definitions[job.wildcards["definition"]].values()))
        if facts and job.rule == "merge_pairs":
            rows = sum(self.search(*(job.wildcards[name] for name in ("study", "definition", "search"))).samples)
            memory = BASE + 1e-6 * (MERGED * rows + 3 * self.size(job.outputs[0])[0])
            return Cost(read, written, seconds + MERGE * held / REPEATS, memory)
        if facts and job.rule.startswith("draw_") and len(facts.shape) > 1:
            return self.figures(facts, job, written)
        if facts and job.rule == "answers":
            return self.answers(facts, job.wildcards["population"], read)
        if job.rule == "census":
            rows = held / REPEATS
            return Cost(read, written, START + CENSUS * rows * (rows / 2.7e6) ** (CENSUS_POWER - 1), BASE + 1e-6 * held)
        if job.rule == "groups":  # of samples only the names, if they have any
            held, read = np.array([self.size(path) for path in job.inputs if match(results.DUPLICATES, path)]).T
            return Cost(read.sum(), written, START + GROUP * 1e-6 * held.sum(), BASE + GROUP_HELD * 1e-6 * held.max())
        if job.rule == "provenance":
            return Cost(read, written, START + 1e-6 * HASH * read, BASE)
        if job.rule in ("collect_trace", "collect_census"):  # inputs that only set the order, and notes in footers
            return Cost(SMALL, written, START, BASE)
        return Cost(read, written, seconds, memory)

    def figures(self, facts: Facts, job: Job, written: float) -> Cost:
        """Return what it takes to show a few samples of each population: the row groups that hold them are read.

        Where nodes of a graph open their samples, that may be every one.
        """
        shown = 4 * PAIRS + GROUPS * (MEMBERS + 1)  # a pair is shown in a figure and listed below it
        groups = TILES + shown * len(facts.study.definitions)
        explored = any(analysis.explored for analysis in facts.study.analyses.values())
        most = inf if explored else groups * ROW_GROUP_BYTES
        counted = {name: samples for name, samples in facts.samples.items() if name != "calibrate"}
        values = {name: min(facts.row(None) * n, most) for name, n in counted.items()}
        tables = [self.size(path)[0] for path in job.inputs if match(results.DUPLICATES, path)]
        memory = BASE + PIECES + 1e-6 * (KNOWN * max(counted.values()) + 2 * max(tables, default=0.0))
        read = sum(values[name] * facts.stored[name] for name in values) + sum(tables)
        return Cost(read, written, START + 1e-6 * READ * (sum(values.values()) + sum(tables)), memory)

    def stored(self, facts: Facts, metrics: Sequence[Metric], population: str) -> float:
        """Return the stored bytes of a sample in the spaces of the metrics."""
        spaces = {metric.space for metric in metrics}
        return sum(facts.row(space) * (DENSE if space else facts.stored[population]) for space in spaces)

    def pairs(self, facts: Facts, job: Job, written: float) -> Cost:
        """Return what a shard of a search takes, or the searches of a population."""
        read, seconds, held = 0.0, START, 0
        for path in job.outputs:
            if of := match(results.DUPLICATES, path) or match(results.DUPLICATES_SHARD, path):
                search = self.search(of["study"], of["definition"], of["search"])
                rows, pairs = search.shards[int(of.get("shard", 0))]
                seconds += rows * (search.a_row or 0.0) + pairs * search.a_pair
                populations = self.named[of["study"]][of["search"]].populations
                read += rows * max(self.stored(facts, search.metrics, population) for population in populations)
                held = max(held, sum(search.samples))
        memory = self.config.memory - (BASE_MEGABYTES - BASE) + 1e-6 * REPEATS * held
        return Cost(read, written, None if search.a_row is None else seconds, memory)

    def thresholds(self, facts: Facts, metrics: Sequence[Metric]) -> Cost:
        """Return what finding the thresholds takes: a pass for the sample, two over the pairs near the quantile.

        The scales of several metrics, or of an expensive one, also take a search.
        """
        read, seconds, n = 0.0, START, facts.samples["calibrate"]
        searched = any(map(is_auto, metrics)) and (len(metrics) > 1 or metrics[0].cost >= EXPENSIVE)
        metrics = resolved(metrics, facts.samples["holdout"])
        pairs = n * (n - 1) / 2
        known = row_seconds(metrics, facts) is not None
        for metric in metrics if known else ():
            if isinstance(metric, Calibrated):
                side = facts.population("calibrate", [metric]).side(self.config.memory)
                passes = 1 if metric.cost >= EXPENSIVE else 3
                rows = passes * rows_read(side, None, all_tasks(side))
                read += rows * self.stored(facts, [metric], "calibrate")
                seconds += rows * (row_seconds([metric], facts) or 0.0) + min(SAMPLED_PAIRS, pairs) * exact(metric)
                seconds += (passes - 1) * pairs * pair_seconds([metric], facts, n)
        if searched and known:
            seconds += pairs * pair_seconds(metrics, facts, n) + min(SAMPLED_PAIRS, pairs) * sum(map(exact, metrics))
        memory = self.config.memory - (BASE_MEGABYTES - BASE)
        return Cost(read, SMALL, seconds if known else None, memory)

    def answers(self, facts: Facts, population: str, read: float) -> Cost:
        """Return what it takes to measure a population beside real samples, and to look for copies in all of these.

        Searches within three populations and across each two compare some samples of each. For copies, those of two of
        them are looked for in all of `train`, and then the nearest ones; those of one in `holdout`.
        """
        seconds = START
        for definition in facts.study.definitions.values():
            metrics = resolved(definition.values(), facts.samples["holdout"])
            a_row = row_seconds(metrics, facts)
            if a_row is None:
                return Cost(read, SMALL, None, None)
            values = sum(facts.row(space) for space in {metric.space for metric in metrics})
            some = min(MOST, MOST_BYTES // int(values), facts.samples[population])
            spaces = {metric.space for metric in metrics if metric.space}
            copied = population != "train" in facts.study.real and not any(
                facts.study.encoders[space].fitted for space in spaces
            )
            train, holdout = (facts.samples[name] if copied else 0 for name in ("train", "holdout"))
            pairs = some * (4.5 * some + 4 * train + holdout)
            seconds += (3 * some + 3 * train + holdout) * a_row + pairs * pair_seconds(metrics, facts, some)
            seconds += LABELLED * facts.study.census.permutations
        return Cost(read, SMALL, seconds, self.config.memory - (BASE_MEGABYTES - BASE))

    def sweep(self, facts: Facts, metrics: Sequence[Metric]) -> Cost:
        """Return what the sweep takes: all pairs of some samples of each population, in every metric."""
        read, seconds, memory = 0.0, START, BASE
        a_row = row_seconds(metrics, facts)
        for population, samples in facts.samples.items():
            if population != "train":
                runs = ceil(min(facts.study.census.sweep, samples) / RUN)
                rows, pairs = min(runs * RUN, samples), (runs * RUN) ** 2 / 2
                values = sum(facts.row(space) for space in {metric.space for metric in metrics})
                touched = min(samples, rows + runs * ROW_GROUP_BYTES / values)  # whole row groups are read
                read += touched * self.stored(facts, metrics, population)
                seconds += touched * (a_row or 0) + pairs * sum(map(exact, metrics))
                memory = max(memory, BASE + 1e-6 * (3 * rows * values + 3 * pairs * 8 * (2 + len(metrics))))
        return Cost(read, SMALL, None if a_row is None else seconds, memory)


def predict(path: Path, absent: Mapping[str, Shape], snakefile: Path) -> tuple[list[Job], list[Cost]]:
    """Return the jobs of a configuration and what each takes; absent: what files will hold that are not there yet.

    Raises UserError for a file that is not there and not among them, and for an error of the configuration.
    """
    prediction = Prediction(read(path), absent)
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    raw.pop("pathvars", None)
    with tempfile.TemporaryDirectory() as folder:
        for k, (member, key) in enumerate(_paths(raw)):
            there = Path(member[key]).resolve()
            if not there.exists():
                there = Path(folder) / f"absent-{k}"
                there.touch()
            member[key] = str(there)
        jobs = jobs_of(raw, Path(folder), snakefile)
    return jobs, [prediction.cost(job) for job in jobs]


def _paths(raw: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Return the sections of a configuration that name files, each with the keys that do."""
    families = [(s["generators"], s.get("encoders") or {}) for s in raw["studies"].values()]
    sections = [section for family in families for named in family for section in named.values()]
    sections += [study[key] for study in raw["studies"].values() for key in ("source", "trained_on") if study.get(key)]
    found = [(section, key) for section in sections for key in ("path", "labels") if section.get(key)]
    named = [section[key] for section in sections for key in ("generated", "paths") if section.get(key)]
    return found + [(paths, name) for paths in named for name in paths]
