"""A study in memory: the steps of the workflow, called in this process, with the same tables in the end.

Each function is a program of scripts/ on what is held instead of on files: it takes the same section of the
configuration, the same seeds and samples, and calls the same functions of the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pyarrow as pa

from gancensus.audit.quiet import workers
from gancensus.audit.user_samples import population_beside, training_samples
from gancensus.census.answers import Criterion, answer
from gancensus.census.census import conclude, take_census
from gancensus.census.groups import Searched, find_groups
from gancensus.census.support import Graph
from gancensus.census.sweep import sweep_study
from gancensus.config import results
from gancensus.config.configuration import Config, Study
from gancensus.config.results import Search
from gancensus.contracts.analysis import Analysis, Context
from gancensus.contracts.beginning import Begin, elsewhere, here
from gancensus.contracts.encoder import FittedEncoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import UserProvided
from gancensus.contracts.metric import LOOSEST, Metric
from gancensus.contracts.randomness import derive_rng, derive_seed
from gancensus.contracts.table import Columns, columns_of
from gancensus.report import failures
from gancensus.report.group_lists import written
from gancensus.report.inputs import added_up, inputs_columns
from gancensus.search.duplicates import Found, Share, search
from gancensus.search.scales import scales_of, thresholds_at
from gancensus.search.thresholds import find_thresholds
from gancensus.storage import schemas
from gancensus.storage.models import as_stored
from gancensus.storage.samples import HeldRows
from gancensus.storage.tables import about_table, as_table, columns_in
from gancensus.training.loop import history_columns
from gancensus.training.splits import divided, learned

DEVICE = "cpu"
FEW = slice(0, 2)  # samples on which an encoder that is not fitted is tried


@dataclass
class Run:
    """What a study has come to so far."""

    config: Config
    name: str
    """Of the study, the only one that is run."""
    called: Callable[[str], str] = str
    """Returns a text with the user's names of what lies in temporary files."""
    samples: dict[str, HeldRows] = field(default_factory=dict)
    """By population."""
    vectors: dict[tuple[str, str], HeldRows] = field(default_factory=dict)
    """By encoder and population."""
    weights: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By encoder."""
    tables: dict[str, pa.Table] = field(default_factory=dict)
    """As their files would be read, by place in the folder of results (`config.results`)."""
    lists: dict[str, str] = field(default_factory=dict)
    """Texts for people, by place."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why a table has no rows, by place."""

    @property
    def study(self) -> Study:
        """The study."""
        return self.config.studies[self.name]

    @property
    def configuration(self) -> dict[str, Any]:
        """The configuration without path variables, as the workflow keeps it."""
        found: dict[str, Any] = renamed(self.config.model_dump(mode="json", exclude={"pathvars"}), self.called)
        return found

    @property
    def held(self) -> dict[str, HeldRows]:
        """Samples and vectors by place."""
        found = {self.place(results.SAMPLES, population=name, part=0): rows for name, rows in self.samples.items()}
        return found | {
            self.place(results.EMBEDDED, encoder=encoder, population=name, part=0): rows
            for (encoder, name), rows in self.vectors.items()
        }

    def place(self, place: str, **names: object) -> str:
        """Return where a result lies."""
        return results.at(place, study=self.name, **names)

    def keep(self, place: str, columns: Columns, schema: pa.Schema, about: Mapping[str, str] | None = None) -> None:
        """Keep a table."""
        self.tables[place] = as_table(columns, schema, about)

    def keep_why(self, places: Mapping[str, pa.Schema], error: Exception) -> None:
        """Keep tables without rows that say why they could not be made, as the workflow does."""
        for place, schema in places.items():
            reason = self.called(failures.describe(error, []))
            self.failed[place] = reason
            empty: dict[str, list[Any]] = {name: [] for name in schema.names}
            self.keep(place, empty, schema, {failures.FAILED: reason})

    def spaces(self, metrics: Iterable[Metric], population: str, samples: bool = False) -> dict[str | None, HeldRows]:
        """Return a population in every space of metrics, in their order; `samples`: after the samples themselves."""
        names = dict.fromkeys([*([None] if samples else []), *(metric.space for metric in metrics)])
        return {name: self.samples[population] if name is None else self.vectors[name, population] for name in names}

    def beside(self, population: str) -> dict[str, dict[str | None, HeldRows]]:
        """Return what a population is measured beside, in every space of the definitions, and itself."""
        metrics = [metric for definition in self.study.definitions.values() for metric in definition.values()]
        names = dict.fromkeys([*self.study.real, population])
        found = {name: self.spaces(metrics, name, samples=True) for name in names}
        reference = [found[name] for name in self.study.reference(population)]
        return found | {
            "reference": {space: HeldRows.joined([one[space] for one in reference]) for space in reference[0]}
        }

    def found(self, definition: str, one: Search) -> Found:
        """Return what a search has found."""
        names = {"definition": definition, "search": one.name}
        duplicates, repeats = (self.tables[self.place(k, **names)] for k in (results.DUPLICATES, results.REPEATS))
        return Found(columns_in(duplicates), columns_in(repeats), about_table(duplicates))

    def thresholds(self, definition: str) -> Columns:
        """Return the thresholds of a definition's metrics."""
        return columns_in(self.tables[self.place(results.THRESHOLDS, definition=definition)])

    def rng(self, *names: str) -> Callable[..., Any]:
        """Return what gives random numbers to the things of these names."""
        return partial(derive_rng, self.config.seed, self.name, *names)


def renamed(tree: Any, called: Callable[[str], str]) -> Any:
    """Return values of JSON with every text in them replaced."""
    if isinstance(tree, Mapping):
        return {key: renamed(value, called) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [renamed(value, called) for value in tree]
    return called(tree) if isinstance(tree, str) else tree


def run_study(config: Config, name: str, called: Callable[[str], str] = str) -> Run:
    """Run a study whose generated samples are the user's, on the processor, with all its cores.

    The tables are those that the workflow writes, value for value. A question that could not be answered for an error
    has a table without rows, as there.

    Raises:
        UserError: what a step of the workflow that ends a run would say; a generator that must be trained.
    """
    run = Run(config, name, called)
    if to_train := [key for key, one in run.study.generators.items() if one.trained]:
        raise UserError(f"generators.{to_train[0]}: is to be trained here, which `gancensus run` does")
    with workers(learning=bool(run.study.encoders or run.study.analyses)) as pool:
        for first in (prepare, generate, fit_encoders, embed):
            pool.submit(first, run).result()
        measure(run, pool)
        pool.submit(take, run, pool).result()
        for last in (group, analyse_counted, collect):
            pool.submit(last, run).result()
    return run


def measure(run: Run, pool: ThreadPoolExecutor) -> None:
    """Do what does not depend on each other side by side; no result depends on the order."""
    study = run.study
    found = [pool.submit(find, run, name) for name in study.definitions]
    # one after the other: some use PyTorch's random numbers
    others = [pool.submit(analyse, run, counted=False, begin=elsewhere(pool))]
    for thresholds in found:
        thresholds.result()
    others += [pool.submit(measure_answers, run, population, pool) for population in results.answered(study)]
    searches = results.searches(study)
    others += [pool.submit(search_pairs, run, name, one) for name in study.definitions for one in searches]
    others += [pool.submit(sweep, run, name) for name in study.definitions]
    for other in others:
        other.result()


def prepare(run: Run) -> None:
    """Split the real samples."""
    splits = run.study.cut
    real, found = divided(run.study.source, splits.sizes, splits.train_first, run.config.seed)
    for name, rows in found.items():
        run.samples[name] = HeldRows(real, f"samples/{name}", rows)
    for name, given in run.study.given.items():
        assert isinstance(given, UserProvided)
        run.samples[name] = HeldRows(training_samples(given, real, found["holdout"]), f"samples/{name}")


def generate(run: Run) -> None:
    """Take the user's generated samples."""
    holdout = run.samples["holdout"]
    for population, (name, _) in run.study.generated.items():
        generator = run.study.generators[name]
        assert isinstance(generator, UserProvided)
        samples = population_beside(generator, holdout, holdout.notes, population)
        run.samples[population] = HeldRows(samples, f"samples/{population}")


def fit_encoders(run: Run) -> None:
    """Fit every encoder on the training samples."""
    for name, whole in run.study.encoders.items():
        encoder = whole.concerning(None)
        if encoder.by_row:
            source = run.study.source.load(derive_seed(run.config.seed, "source"))
            encoder.check_rows(source.sample_id)
        train = run.samples[run.study.real[0]]  # on which an encoder that is not fitted is only tried
        samples = train.whole() if encoder.fitted else next(train.chunks(FEW))
        samples = learned(samples, encoder.class_learned, f"encoder {name}")
        fitted = encoder.fit(samples.x, derive_seed(run.config.seed, run.name, "encoder", name), DEVICE)
        run.weights[name] = as_stored(fitted.weights)
        history = history_columns(fitted.history)
        run.keep(run.place(results.ENCODER_HISTORY, encoder=name), history, schemas.history(fitted.history))


def embed(run: Run) -> None:
    """Map every population to the vectors that definitions and analyses compare."""
    study = run.study
    spaces = [metric.space for definition in study.definitions.values() for metric in definition.values()]
    spaces += [analysis.space for analysis in study.analyses.values()]
    for name in dict.fromkeys(space for space in spaces if space is not None):
        for population in (*study.real, *study.generated):
            generator = study.generated[population].generator if population in study.generated else None
            generator = population if population in study.given else generator
            encoder, samples = study.encoders[name].concerning(generator), run.samples[population].whole()
            if generator is not None and encoder.by_row:
                encoder.check_rows(samples.sample_id, generator)
            vectors = encoder.embed(run.weights[name], samples, generator, DEVICE)
            where = f"embedded/{name}/{population}"
            run.vectors[name, population] = HeldRows(replace(samples, x=vectors, scale=None, name=None), where)


def find(run: Run, definition: str) -> None:
    """Find the thresholds of a definition."""
    metrics, memory = run.study.definitions[definition], run.config.memory
    spaces = run.spaces(metrics.values(), "calibrate")
    rng = run.rng("thresholds", definition)
    holdout = len(run.samples["holdout"])
    table = find_thresholds(metrics, spaces, holdout, run.study.census.level, rng, memory, DEVICE)
    run.keep(run.place(results.THRESHOLDS, definition=definition), table, schemas.THRESHOLDS)


def search_pairs(run: Run, definition: str, one: Search) -> None:
    """Search a population's pairs for duplicates, or its pairs with another population."""
    metrics = run.study.definitions[definition]
    compared = {population: run.spaces(metrics.values(), population) for population in one.populations}
    share = Share(0, 1, run.config.memory, run.config.cap, DEVICE)
    thresholds = run.thresholds(definition)
    limits, scales = thresholds_at(thresholds, LOOSEST), scales_of(thresholds)
    found = search(metrics, limits, compared, share, scales=scales)
    names = {"definition": definition, "search": one.name}
    run.keep(run.place(results.DUPLICATES, **names), found.duplicates, schemas.duplicates(metrics), found.facts)
    run.keep(run.place(results.REPEATS, **names), found.repeats, schemas.REPEATS)


def measure_answers(run: Run, population: str, pool: ThreadPoolExecutor) -> None:
    """Measure a population beside held-out real samples, partly in another thread where one is free."""
    names = {"population": population}
    places = {run.place(results.ANSWERS, **names): schemas.ANSWERS}
    places |= {run.place(results.COVERAGE, **names): schemas.COVERAGE}
    try:
        found = answer(
            {
                name: Criterion(metrics, thresholds_at(run.thresholds(name)))
                for name, metrics in run.study.definitions.items()
            },
            run.beside(population),
            population,
            results.fitted_spaces(run.study),
            run.study.census.permutations,
            run.rng("answers", population),
            run.config.memory,
            DEVICE,
            begin=elsewhere(pool),
        )
        for (place, schema), rows in zip(places.items(), found, strict=True):
            run.keep(place, columns_of(rows, schema.names), schema)
    except Exception as error:
        run.keep_why(places, error)


def sweep(run: Run, definition: str) -> None:
    """Count duplicates under other thresholds and fewer metrics."""
    metrics = results.swept_definition(run.study.definitions[definition])
    populations = {name: run.spaces(metrics.values(), name) for name in results.swept(run.study)}
    table = sweep_study(definition, metrics, populations, run.study.census)
    run.keep(run.place(results.SWEEP, definition=definition), table, schemas.SWEEP)


def analyse(run: Run, counted: bool, begin: Begin = here) -> None:
    """Answer the further questions: those that read the census, or those that do not."""
    for place, (analysis, table) in run.study.analysed.items():
        if analysis.counted == counted:
            schema = analysis.tables[table].schema
            where = run.place(results.ANALYSIS, analysis=place)
            try:
                run.keep(where, analysed(run, analysis, table, begin), schema)
            except Exception as error:
                run.keep_why({where: schema}, error)


def analyse_counted(run: Run) -> None:
    """Answer the further questions that read the census."""
    analyse(run, counted=True)


def analysed(run: Run, analysis: Analysis, table: str, begin: Begin) -> Columns:
    """Return a table of an analysis."""
    study, space = run.study, analysis.space
    names = (*study.real, *study.generated)
    held = {name: run.samples[name] if space is None else run.vectors[space, name] for name in names}
    real = {name: held.pop(name) for name in study.real}
    real = {"train": real["calibrate"]} | real  # in its place, where nothing has learned from real samples
    context = Context(
        study.source,
        study.generators,
        made=study.generated,
        real=study.real,
        support=columns_in(run.tables[run.place(results.SUPPORT)]) if analysis.counted else None,
        space=f"{space} ({study.encoders[space].kind})" if space else "samples",
        models={
            name: FittedEncoder(study.encoders[name].concerning(None), run.weights[name]) for name in analysis.asks
        },
        seed=derive_seed(run.config.seed, "source"),
        begin=begin,
    )
    return analysis.analyse(table, real, held, run.rng(analysis.kind), context)


def take(run: Run, pool: ThreadPoolExecutor) -> None:
    """Take the census, and say what all of it answers."""
    study, settings, seed = run.study, run.study.census, run.config.seed
    graphs = (
        (name, {one: Graph.of(run.found(name, one)) for one in results.searches(study)}) for name in study.definitions
    )
    places = {name: run.place(results.ANSWERS, population=name) for name in results.answered(study)}
    rows = {name: run.tables[place].to_pylist() for name, place in places.items()}
    grouping = study.source.grouping
    tables = take_census(graphs, settings, run.name, seed, rows, grouping == "used", elsewhere(pool))
    run.keep(run.place(results.SUPPORT), tables.support, schemas.SUPPORT)
    run.keep(run.place(results.SCALES), tables.scales, schemas.SCALES)
    run.keep(run.place(results.DIVERSITY), tables.diversity, schemas.DIVERSITY)
    run.keep(run.place(results.COPIES), tables.copies, schemas.COPIES)
    run.keep(run.place(results.CURVE), tables.curve, schemas.CURVE)
    reasons = {name: about_table(run.tables[place]).get(failures.FAILED) for name, place in places.items()}
    failed = {name: reason for name, reason in reasons.items() if reason}
    statistics, summary = conclude(rows, settings, run.name, failed, study.unseen, grouping, "train" in study.real)
    run.keep(run.place(results.STATISTICS), statistics, schemas.STATISTICS)
    run.keep(run.place(results.SUMMARY), summary, schemas.SUMMARY)


def group(run: Run) -> None:
    """Group the near-duplicates of every generated population, by the definitions' middle scale."""
    train = "train" in run.study.real

    def searched() -> Iterator[Searched]:
        for name, metrics in run.study.definitions.items():
            metric = next(key for key, one in metrics.items() if one.fixed is None)
            for population in run.study.generated:
                near = run.found(name, Search(population, "train")) if train else None
                yield Searched(name, population, metric, run.found(name, Search(population)), near)

    named = [*(["train"] if train else []), *run.study.generated]
    known = {name: run.samples[name].identities() for name in named if run.samples[name].whole().name is not None}
    table, facts = find_groups(searched(), known)
    run.keep(run.place(results.GROUPS), table, schemas.GROUPS, facts)
    run.lists[run.place(results.DUPLICATES_LIST)] = written(table, run.study.titles)


def collect(run: Run) -> None:
    """Collect what is of all studies: the census, the answers, and what was noted about the inputs."""
    run.tables[results.CENSUS] = run.tables[run.place(results.SUPPORT)]
    run.tables[results.ANSWERED] = run.tables[run.place(results.SUMMARY)]
    noted = [
        (run.name, population, run.called(name), added_up(run.samples[one].notes for one in populations))
        for population, name, populations in results.inputs(run.study)
    ]
    run.keep(results.INPUTS, inputs_columns(noted), schemas.INPUTS)
