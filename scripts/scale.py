#!/usr/bin/env python
"""Predict what a run takes before anything runs: jobs, bytes, time and memory, rule by rule."""

from __future__ import annotations

import argparse
import io
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from math import ceil, prod, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import gancensus.config.steps as step

import numpy as np
import yaml
from numpy.typing import NDArray

from gancensus.cli.main import ROOT, SNAKEFILE
from gancensus.config.configuration import REAL, Config, Study, read
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Brought, Trained
from gancensus.contracts.metric import Calibrated, Metric
from gancensus.contracts.samples import RUN, Samples, Scale, part_rows
from gancensus.contracts.source import Source
from gancensus.domains.general.source_files import Files
from gancensus.domains.showers.simulated import Simulated
from gancensus.report.sample_figures import PAIRS, TILES
from gancensus.search.pairs import TILE, Side, Task, all_tasks, costs, deal
from gancensus.search.populations import BASE_MEGABYTES, Population
from gancensus.search.thresholds import DEAR, SAMPLED_PAIRS
from gancensus.storage.files import ROW_GROUP_BYTES, write_samples
from gancensus.training.splits import split

# Rates of one thread on one of two shared cores with AVX-512 VNNI. Where nothing else is said, measured for this table,
# on 1,000 to 4,000 simulated showers (bench.showers), and repeats and duplicates of 100,000 to 300,000 samples.
# MB are those of values in memory, 4 bytes each.
START = 2.0  # s: a job of nothing: Snakemake, imports, compiled loops; assumed
READ, WRITE = 1.0e-3, 1.3e-3  # s per MB of a table of showers; of noise, which hardly compresses, 1.5e-3 and 3.6e-3
LOAD = {"prepare": 1.1e-3, "generate": 1.6e-3}  # s per MB of a user's array, as float32; `prepare` reads all of it
HASH = 0.6e-3  # s per MB of a file
FEATURES = {"scalar": 3.0, "shape": 6.5, "ssim": 15.0, "euclidean": 7.5, "condition": 0.0}  # ns per value; the first
# three fitted to two whole jobs, twice to three times their arithmetic alone
FILTER, POWER = (
    0.19,
    1.23,
)  # ns per pair of points of 64 values (docs/growth.svg); with the values to this power (bench)
LINE = 17.0  # ns per pair that is near on a line
SSIM = 100_000.0  # ns per pair in the cascade; what the other metrics take is Metric.cost
MERGE = 0.15e-6  # s per row of repeats and shard
CENSUS, CENSUS_POWER = 29e-6, 1.4  # s per row of repeats of 2.7 million; of all rows, to this power
BASE = 300.0  # MB of a process that has loaded everything
PIECES = 150.0  # MB for the pieces in which samples are read that are not all wanted at once; and bytes a sample for
KNOWN = 50.0  # what is known of all of them
REPEATS, MERGED = 120.0, 170.0  # bytes in memory of a row of repeats, and where those of all shards are added up
DENSE = 0.86  # stored bytes per byte of values without structure: vectors, and what networks draw
REPEAT, PAIR, DISTANCE = 0.5, 3.0, 7.0  # stored bytes of a row of repeats; of i and j of a duplicate; of a distance
SMALL = 30_000  # stored bytes of any other file, roughly

LOOKED_AT = 256  # samples from which the stored bytes of a user's file are foretold
ARGUMENT = 131_072  # bytes that Linux allows an argument, and so a job's command
CORES = (16, 64, 256)
Shape = tuple[int, ...]


class Job(NamedTuple):
    """A job of the DAG: files relative to the results, memory it asks for (MB), jobs that it waits for."""

    rule: str
    wildcards: Mapping[str, str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    asked: float
    command: str
    needs: Sequence[int]


class Cost(NamedTuple):
    """What a job takes: stored bytes read and written, seconds, memory in MB; None where it is not known."""

    read: float
    written: float
    seconds: float | None
    memory: float | None


# What the configuration and the user's files say


def look(
    member: Source | Brought, absent: Mapping[str, Shape], like: Scale | None
) -> tuple[Shape, float, Scale | None]:
    """Return the shape (n, *shape) of a member's samples, their stored bytes per byte of values, and their scale.

    Of an absent file 1 and None; like: the scale of the source's samples.
    """
    path = next(iter(member.files()), Path())
    if not path.exists():
        if str(path) not in absent:
            raise UserError(f'{path}: no such file; say what it will hold: FILES="{path}=1000000x51x51x25 ..."')
        return absent[str(path)], 1.0, None
    if path.suffix != ".npy":
        files = Files(path=path) if member.kind == "files" else None
        samples = files.load(0) if files else member.load(0) if isinstance(member, Source) else member.look(like)
        looked_at = samples.take(slice(LOOKED_AT))
        return (len(samples), *looked_at.x.shape[1:]), stored(looked_at), looked_at.scale
    array = np.load(path, mmap_mode="r")
    some: NDArray[Any] = array[:LOOKED_AT]
    scale = Scale(("value",), ("1",), (float(some.min()),), (float(some.max()),))
    return array.shape, stored(Samples(scale.encode(some), np.arange(len(some)))), None


def stored(samples: Samples) -> float:
    """Return the bytes that samples take in a file per byte of their values."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0.parquet"
        write_samples(path, samples)
        return path.stat().st_size / samples.x.nbytes


class File(NamedTuple):
    """What a user brings: the samples in it, and the bytes of them, as float32, that each part reads."""

    samples: int
    read: float


class Facts:
    """What is known of a study's data: its shape, and of each population the samples and how they are stored."""

    def __init__(self, study: Study, parts: int, absent: Mapping[str, Shape]) -> None:
        """Look at the source and the generators' files; raises UserError."""
        self.study = study
        self.files: dict[str, File] = {}  # of populations that are brought; '' is the source's
        (samples, *shape), share, scale = look(study.source, absent, None)
        if study.source.files():  # of kind `files`, every part looks through it; else it reads its rows, for each split
            share_read = 1 if isinstance(study.source, Files) else len(REAL) / parts
            self.files[""] = File(samples, 4.0 * samples * prod(shape) * share_read)
        self.shape = tuple(shape)
        self.samples = {
            p: len(rows) for p, rows in split(samples, study.splits.sizes, np.random.default_rng(0)).items()
        }
        self.stored = dict.fromkeys(self.samples, share)
        for population, (name, _) in study.generated.items():
            generator = study.generators[name]
            if isinstance(generator, Brought):
                found, self.stored[population], _ = look(generator, absent, scale)
                self.samples[population] = found[0]
                self.files[population] = File(found[0], 4.0 * prod(found) / parts)
            elif isinstance(generator, Trained):
                self.samples[population] = generator.samples
                self.stored[population] = share if generator.conditional else DENSE  # as showers, most values are 0

    def space(self, encoder: str | None) -> Shape:
        """Return the shape of a sample, or of an encoder's vector."""
        if encoder is None:
            return self.shape
        fields = self.study.encoders[encoder].model_dump()
        width = fields.get("latent") or fields.get("components")
        if not width:
            raise UserError(f"encoder {encoder}: how long its vectors are is not known before it has run")
        return (int(width),)

    def row(self, encoder: str | None) -> float:
        """Return the bytes of a sample's values, or of an encoder's vector."""
        return 4.0 * prod(self.space(encoder))

    def population(self, name: str, metrics: Sequence[Metric]) -> Population:
        """Return a population of zeros, which is cut into blocks as the real one will be."""
        names = {metric.condition_read for metric in metrics} - {None}
        return Population(metrics, {m.space: Zeros(self.samples[name], self.space(m.space), names) for m in metrics})


class Zeros:
    """Samples that are not there yet."""

    where = "samples"

    def __init__(self, samples: int, shape: Shape, conditions: Iterable[str | None]) -> None:
        """As many zeros, with these conditions."""
        self._samples, self._shape, self._conditions = samples, shape, [c for c in conditions if c]

    def __len__(self) -> int:
        return self._samples

    def chunks(self, rows: slice, without_x: bool = False) -> Iterator[Samples]:
        """Yield the rows."""
        ids = np.arange(rows.start, rows.stop)
        conditions = {name: np.zeros(len(ids), dtype=np.float32) for name in self._conditions}
        yield Samples(np.zeros((len(ids), *self._shape), dtype=np.float32), ids, conditions=conditions)

    def whole(self) -> Samples:
        """Return all rows."""
        return next(self.chunks(slice(0, len(self))))


# What the jobs are


def jobs_of(raw: Mapping[str, Any], folder: Path) -> list[Job]:
    """Return the jobs of a configuration, as Snakemake plans them in an empty folder."""
    from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi
    from snakemake.settings.types import Quietness

    (folder / "config.yaml").write_text(yaml.safe_dump(dict(raw), sort_keys=False), encoding="utf-8")
    here = Path.cwd()
    try:
        with redirect_stdout(io.StringIO()), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[folder / "config.yaml"]),
                snakefile=SNAKEFILE,
                workdir=folder,
            )
            workflow.dag().printrulegraph()  # there is no public way to plan only
            dag = workflow._workflow.dag
            jobs = [job for job in dag.jobs if job.output]
            number = {job: k for k, job in enumerate(jobs)}
            return [
                Job(
                    job.rule.name,
                    dict(job.wildcards_dict),
                    [str(file).removeprefix("results/") for file in job.input],
                    [str(file).removeprefix("results/") for file in job.output],
                    float(job.resources["mem_mb"]),
                    job.shellcmd,
                    [number[other] for other in dag.dependencies[job]],
                )
                for job in jobs
            ]
    finally:
        os.chdir(here)


def groups() -> dict[str, str]:
    """Return what the profile for SLURM calls the group of a rule's jobs, which are one job of SLURM's."""
    profile = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    return dict(profile.get("groups") or {})


# What pairs take


class Search:
    """The pairs of a population, or across two, under a definition: rows read and pairs compared by each shard."""

    def __init__(self, facts: Facts, definition: Mapping[str, Metric], name: str, config: Config) -> None:
        """Cut and deal as scripts/pairs.py does, except that conditions spare nothing."""
        self.metrics = list(definition.values())
        populations = name.split("~")
        self.samples = [facts.samples[population] for population in populations]
        a, *others = (facts.population(p, self.metrics).side(config.memory, config.shards) for p in populations)
        b = next(iter(others), None)
        tasks = costs(a, b)
        pairs = dict(tasks)
        block = max(rows.stop - rows.start for rows in a.blocks)
        self.pairs = sum(pairs.values())
        todo = [deal(tasks, shard, config.shards) for shard in range(config.shards)]
        self.shards = [(rows_read(a, b, mine), sum(pairs[task] for task in mine)) for mine in todo]
        self.a_row, self.a_pair = row_seconds(self.metrics, facts), pair_seconds(self.metrics, facts, block)


def rows_read(a: Side, b: Side | None, todo: Iterable[Task]) -> int:
    """Return the rows that `find_pairs` reads: a block of rows for all tasks in a run, one of columns for each."""
    total, held = 0, -1
    for row, column in todo:
        if row != held:
            total, held = total + a.blocks[row].stop - a.blocks[row].start, row
        if b is not None or row != column:
            columns = (b or a).blocks[column]
            total += columns.stop - columns.start
    return total


def alpha(metric: Metric) -> float:
    """Return the share of the pairs within the threshold; of a condition at most 1."""
    return metric.alpha if isinstance(metric, Calibrated) else 1.0


def joint(alphas: Sequence[float]) -> float:
    """Guess the share of pairs within several thresholds: between the least alpha and the product of all."""
    return sqrt(min(alphas) * prod(alphas)) if alphas else 1.0


def exact(metric: Metric) -> float:
    """Return the seconds of an exact distance."""
    return 1e-9 * (SSIM if kind(metric) == "ssim" else metric.cost)


def kind(metric: Metric) -> str:
    """Return a metric's kind."""
    return str(metric.model_dump()["kind"])


def pair_seconds(metrics: Sequence[Metric], facts: Facts, block: int) -> float:
    """Return the seconds of a pair, on average: the best filters first, then each metric on what is left."""
    filters: dict[bool, list[tuple[float, int, Metric]]] = {True: [], False: []}  # on a line, and in space
    for metric in metrics:
        points = metric.embed(facts.population("train", [metric]).features(slice(0, 1))[0])
        if points is not None:
            filters[points.shape[1] == 1].append((alpha(metric), points.shape[1], metric))
    line, space = (min(found, key=lambda f: f[0]) if found else None for found in (filters[True], filters[False]))
    seconds = 0.0
    if space:
        tiles = min(1.0, line[0] + 2 * TILE / block) if line else 1.0
        seconds = 1e-9 * tiles * FILTER * (space[1] / 64) ** POWER
    elif line:
        seconds = 1e-9 * line[0] * LINE
    used = [found for found in (line, space) if found]
    passed = [share for share, _, _ in used]
    for metric in sorted(metrics, key=lambda metric: metric.cost):
        seconds += joint(passed) * exact(metric)
        if all(metric is not other for _, _, other in used):
            passed.append(alpha(metric))
    return seconds


def row_seconds(metrics: Sequence[Metric], facts: Facts) -> float | None:
    """Return the seconds to read a sample and to make its features; None where a metric's have not been measured."""
    if any(kind(metric) not in FEATURES for metric in metrics):
        return None
    made = sum(1e-9 * FEATURES[kind(metric)] * prod(facts.space(metric.space)) for metric in metrics)
    return made + sum(1e-6 * READ * facts.row(space) for space in {metric.space for metric in metrics})


# What a job takes


class Prediction:
    """Sizes of the results and costs of the jobs of a configuration."""

    def __init__(self, config: Config, absent: Mapping[str, Shape]) -> None:
        """Look at the data of the studies; raises UserError."""
        self.config = config
        self.facts = {name: Facts(study, config.parts, absent) for name, study in config.studies.items()}
        self.search = cache(
            lambda study, definition, name: Search(
                self.facts[study], self.facts[study].study.definitions[definition], name, config
            )
        )

    def size(self, path: str) -> tuple[float, float]:
        """Return the bytes of a result in memory and in its file."""
        match Path(path).with_suffix("").parts:
            case (study, "samples", population, part):
                values = self.rows(study, population, int(part)) * self.facts[study].row(None)
                return values, values * self.facts[study].stored[population]
            case (study, "embedded", encoder, population, part):
                values = self.rows(study, population, int(part)) * self.facts[study].row(encoder)
                return values, values * DENSE
            case (study, "duplicates", definition, name, *shard):
                found = self.search(study, definition, name)
                duplicates = self.duplicates(found) / (self.config.shards if shard else 1)
                return duplicates * 8 * (2 + len(found.metrics)), duplicates * (PAIR + DISTANCE * len(found.metrics))
            case (study, "repeats", definition, name, *_):
                rows = sum(self.search(study, definition, name).samples)
                return rows * REPEATS, rows * REPEAT
        return SMALL, SMALL

    def rows(self, study: str, population: str, part: int) -> int:
        """Return the samples of a part."""
        rows = part_rows(self.facts[study].samples[population], part, self.config.parts)
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
            file = facts.files.get(job.wildcards.get("population", ""))  # of prepare: the source's
            if file is not None:
                took = START + 1e-6 * (LOAD[job.rule] * file.read + WRITE * made)
                return Cost(file.read, written, took, BASE + PIECES + 1e-6 * KNOWN * file.samples)
            if job.rule == "prepare":
                return Cost(0, written, None if isinstance(facts.study.source, Simulated) else seconds, BASE)
        if job.rule in ("fit_encoder", "embed", "select", "train", "generate", "analyse"):  # networks, and neighbours
            return Cost(read, written, None, None)
        if facts and job.rule == "thresholds":
            return self.thresholds(facts, list(facts.study.definitions[job.wildcards["definition"]].values()))
        if facts and job.rule in ("pairs", "pairs_real"):
            return self.pairs(facts, job, written)
        if facts and job.rule == "sweep":
            return self.sweep(facts, list(facts.study.definitions[job.wildcards["definition"]].values()))
        if facts and job.rule == "merge_pairs":
            rows = sum(self.search(*(job.wildcards[name] for name in ("study", "definition", "search"))).samples)
            memory = BASE + 1e-6 * (MERGED * rows + 3 * self.size(job.outputs[0])[0])
            return Cost(read, written, seconds + MERGE * held / REPEATS, memory)
        if facts and job.rule.startswith("draw_") and len(facts.shape) > 1:
            return self.figures(facts, job, written)
        if job.rule == "census":
            rows = held / REPEATS
            return Cost(read, written, START + CENSUS * rows * (rows / 2.7e6) ** (CENSUS_POWER - 1), BASE + 1e-6 * held)
        if job.rule == "provenance":
            return Cost(read, written, START + 1e-6 * HASH * read, BASE)
        if job.rule in ("collect_trace", "collect_census"):  # inputs that only say when, and notes in footers
            return Cost(SMALL, written, START, BASE)
        return Cost(read, written, seconds, memory)

    def figures(self, facts: Facts, job: Job, written: float) -> Cost:
        """Return what it takes to show a few samples of each population: the row groups that hold them are read."""
        groups = TILES + 4 * PAIRS * len(facts.study.definitions)  # a pair is shown in a figure and listed below it
        counted = {name: samples for name, samples in facts.samples.items() if name != "calibrate"}
        values = {name: min(facts.row(None) * n, groups * ROW_GROUP_BYTES) for name, n in counted.items()}
        tables = [self.size(path)[0] for path in job.inputs if "/duplicates/" in path]
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
            study, table, definition, name, *shard = Path(path).with_suffix("").parts
            if table == "duplicates":
                search = self.search(study, definition, name)
                rows, pairs = search.shards[int(shard[0]) if shard else 0]
                seconds += rows * (search.a_row or 0.0) + pairs * search.a_pair
                read += rows * max(self.stored(facts, search.metrics, population) for population in name.split("~"))
                held = max(held, sum(search.samples))
        memory = self.config.memory - (BASE_MEGABYTES - BASE) + 1e-6 * REPEATS * held
        return Cost(read, written, None if search.a_row is None else seconds, memory)

    def thresholds(self, facts: Facts, metrics: Sequence[Metric]) -> Cost:
        """Return what finding the thresholds takes: a pass for the sample, two over the pairs near the quantile."""
        read, seconds, n = 0.0, START, facts.samples["calibrate"]
        pairs = n * (n - 1) / 2
        known = row_seconds(metrics, facts) is not None
        for metric in metrics if known else ():
            if isinstance(metric, Calibrated):
                side = facts.population("calibrate", [metric]).side(self.config.memory)
                passes = 1 if metric.cost >= DEAR else 3
                rows = passes * rows_read(side, None, all_tasks(side))
                read += rows * self.stored(facts, [metric], "calibrate")
                seconds += rows * (row_seconds([metric], facts) or 0.0) + min(SAMPLED_PAIRS, pairs) * exact(metric)
                seconds += (passes - 1) * pairs * pair_seconds([metric], facts, n)
        memory = self.config.memory - (BASE_MEGABYTES - BASE)
        return Cost(read, SMALL, seconds if known else None, memory)

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


# What is printed


def predict(path: Path, absent: Mapping[str, Shape]) -> tuple[list[Job], list[Cost]]:
    """Return the jobs of a configuration and what each takes; raises UserError."""
    prediction = Prediction(read(path), absent)
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    raw.pop("pathvars", None)
    with tempfile.TemporaryDirectory() as folder:
        for k, member in enumerate(members(raw)):
            there = Path(member["path"]).resolve()
            if not there.exists():
                there = Path(folder) / f"absent-{k}"
                there.touch()
            member["path"] = str(there)
        jobs = jobs_of(raw, Path(folder))
    return jobs, [prediction.cost(job) for job in jobs]


def members(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the sources and generators of a configuration that name a file."""
    found = [m for study in raw["studies"].values() for m in (study["source"], *study["generators"].values())]
    return [member for member in found if "path" in member]


def table(jobs: Sequence[Job], costs: Sequence[Cost]) -> list[str]:
    """Return the lines of a table with a row per rule, in Markdown."""
    grouped = groups()
    rules: dict[str, list[int]] = defaultdict(list)
    for k in ordered(jobs):
        rules[jobs[k].rule].append(k)
    lines = [
        "| rule | jobs | SLURM jobs | reads | writes | longest job | core hours | memory | asked for |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rule, mine in [*rules.items(), ("total", list(range(len(jobs))))]:
        took = [costs[k] for k in mine]
        names = {grouped[jobs[k].rule].format(**jobs[k].wildcards) for k in mine if jobs[k].rule in grouped}
        single = sum(jobs[k].rule not in grouped for k in mine)
        slurm = f"{single + len(names):,}" if single or rule == "total" else f"in {', '.join(sorted(names))}"
        known = [cost.seconds for cost in took if cost.seconds is not None]
        memory = [cost.memory for cost in took if cost.memory is not None]
        plus = " + ?" if len(known) < len(took) else ""
        cells = [
            rule,
            f"{len(mine):,}",
            slurm,
            size(sum(cost.read for cost in took)),
            size(sum(cost.written for cost in took)),
            time(max(known)) + (plus if rule == "total" else "") if known else "?",
            f"{sum(known) / 3600:,.2f}{plus}" if known else "?",
            size(max(memory) * 1e6) if memory else "?",
            size(max(jobs[k].asked for k in mine) * 1e6),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def ordered(jobs: Sequence[Job]) -> list[int]:
    """Return the jobs so that each comes after those it waits for."""
    done: dict[int, None] = {}

    def visit(k: int) -> None:
        for other in jobs[k].needs:
            if other not in done:
                visit(other)
        done[k] = None

    for k in range(len(jobs)):
        if k not in done:
            visit(k)
    return list(done)


def path_seconds(jobs: Sequence[Job], costs: Sequence[Cost]) -> float:
    """Return the longest chain of jobs that wait for each other, in seconds; what is not known counts 0."""
    ends: dict[int, float] = {}
    for k in ordered(jobs):
        ends[k] = (costs[k].seconds or 0.0) + max((ends[other] for other in jobs[k].needs), default=0.0)
    return max(ends.values())


def summary(jobs: Sequence[Job], costs: Sequence[Cost]) -> list[str]:
    """Return the lines after the table."""
    known = sum(cost.seconds or 0.0 for cost in costs)
    chain = path_seconds(jobs, costs)
    walls = ", ".join(f"{time(max(chain, known / cores))} on {cores}" for cores in CORES)
    longest = max(jobs, key=lambda job: len(job.command))
    occupied = sum(job.asked * (cost.seconds or 0.0) for job, cost in zip(jobs, costs, strict=True)) / 3.6e6
    lines = [
        f"- Time: at least {walls} cores; jobs that wait for each other take {time(chain)}.",
        f"- Memory asked for, over time: {occupied:,.1f} GB hours, {1000 * 3600 * occupied / known:,.0f} MB a core.",
        f"- Longest command: {len(longest.command):,} of {ARGUMENT:,} bytes ({longest.rule}).",
    ]
    unknown = sorted({job.rule for job, cost in zip(jobs, costs, strict=True) if cost.seconds is None})
    if unknown:
        lines.append(f"- Not known (?), so left out of the sums: the time of {', '.join(unknown)}.")
    short: dict[str, tuple[float, float]] = {}
    for job, cost in zip(jobs, costs, strict=True):
        if cost.memory is not None and cost.memory > job.asked:
            short[job.rule] = max(short.get(job.rule, (0.0, 0.0)), (cost.memory, job.asked))
    if short:
        named = ", ".join(f"{rule} ({size(a * 1e6)})" for rule, (a, _) in sorted(short.items()))
        lines.append(f"- More memory than asked for: {named}.")
    return lines


def size(count: float) -> str:
    """Return a number of bytes with two digits."""
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.2g} {unit}" if count < 10 else f"{count:.0f} {unit}"
    return f"{count:,.0f} TB"


def time(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for limit, length, unit in ((99.5, 1, "s"), (99.5 * 60, 60, "min")):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"


def absent_file(text: str) -> tuple[str, Shape]:
    """Read PATH=NxAxB: a file that is not there, and the shape of what it will hold."""
    path, _, shape = text.rpartition("=")
    try:
        return path, tuple(int(length) for length in shape.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: should be like data/x.npy=1000000x51x51x25") from None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--file", type=absent_file, nargs="*", default=[], help="PATH=NxAxB, of a file yet to come")
    args = parser.parse_args()
    jobs, costs = predict(args.config, dict(args.file))
    print("\n".join([*table(jobs, costs), "", *summary(jobs, costs)]))


if __name__ == "__main__":
    step.run(main)
