"""Each figure of a study, from the study's results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from gancensus.config import results as places
from gancensus.config.configuration import Study
from gancensus.config.results import Drawing, counted, scaled, trained
from gancensus.contracts.samples import Samples, rows_of
from gancensus.contracts.table import Columns
from gancensus.plotting.style import svg
from gancensus.report import (
    analysed,
    census_figures,
    explored,
    failures,
    group_figures,
    group_lists,
    run_figures,
    sample_figures,
    sweep_figures,
)
from gancensus.report.group_lists import ShownGroup
from gancensus.report.sentences import selected
from gancensus.report.shown import Group, shown_table
from gancensus.report.titles import retitle
from gancensus.search.duplicates import at_scale
from gancensus.storage.samples import SampleRows
from gancensus.storage.schemas import SHOWN
from gancensus.storage.tables import about, columns, read_table, write_bytes, write_table

Shown = Sequence[Group]
"""The samples that a figure shows."""


class Results(NamedTuple):
    """The results of a study, in the folder of all results."""

    study: Study
    name: str
    folder: Path
    parts: int

    def table(self, place: str, wanted: Sequence[str] | None = None, **names: object) -> Columns:
        """Read a table, or some of its columns."""
        return columns(self.path(place, **names), wanted)

    def path(self, place: str, **names: object) -> Path:
        """Return where a result lies."""
        return self.folder / places.at(place, study=self.name, **names)

    def samples(self, population: str) -> SampleRows:
        """Open a population."""
        return SampleRows([self.path(places.SAMPLES, population=population, part=part) for part in range(self.parts)])


def draw_figures(
    results: Results,
    on_error: Callable[[Exception], None],
    processes: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> None:
    """Draw every figure; where one fails, pass the error to `on_error` and go on with the others."""
    draw, figures = partial(draw_figure, results, on_error, progress), list(places.figures(results.study))
    if processes > 1:
        try:
            with ProcessPoolExecutor(processes, get_context("fork")) as pool:
                list(pool.map(draw, figures))
            return
        except BrokenProcessPool:  # one was killed, as where memory ends: one at a time takes less
            progress("a process was killed; drawing all figures again, one after the other")
    for figure in figures:
        draw(figure)


def draw_figure(
    results: Results, on_error: Callable[[Exception], None], progress: Callable[[str], None], name: str
) -> None:
    """Draw a figure; where it fails, pass the error to `on_error`, and write why in its place."""
    drawing, output = places.figures(results.study)[name], results.path(places.FIGURE, figure=name)
    progress(f"drawing {name}")
    try:
        write(drawing, results, output)
    except Exception as error:
        on_error(error)
        write_why(error, drawing, output)


def write(drawing: Drawing, results: Results, output: Path) -> None:
    """Write a figure as SVG, and beside it which samples it shows; why, if its table could not be made."""
    if drawing.kind == "analysis":
        missing = analysed.missing(results.folder / results.name, results.study, drawing.of)
        if missing is not None:
            write_reason(missing.reason, drawing, output)
            return
    figure, shown = _DRAW[drawing.kind](results, drawing.of)
    if drawing.shows_samples:
        table, about = shown_table(shown)
        write_table(output.with_suffix(".parquet"), table, SHOWN, about)
    retitle(figure, results.study.titles)
    write_bytes(output, svg(figure))


def write_why(error: Exception, drawing: Drawing, output: Path) -> None:
    """Write why there is no figure."""
    write_reason(failures.describe(error, [output.parent]), drawing, output)


def write_reason(reason: str, drawing: Drawing, output: Path) -> None:
    """Write a reason in place of a figure, and of the table of what it would show."""
    failures.figure(output, reason)
    if drawing.shows_samples:
        failures.table(output.with_suffix(".parquet"), SHOWN, reason)


def _gallery(results: Results, _: str) -> tuple[Figure, Shown]:
    """Samples of each population."""
    samples = {name: _some(results.samples(name)) for name in ("holdout", *results.study.generated)}
    shown = [Group(name, sample_figures.spread(found, sample_figures.TILES)) for name, found in samples.items()]
    return sample_figures.draw_gallery(samples, results.study.source.view), shown


def _some(rows: SampleRows) -> Samples:
    """Read what a gallery shows of a population: a few images, or all rows of a table."""
    if next(rows.chunks(slice(0, 1))).are_rows:
        return rows.whole()
    known = rows.identities()
    return rows.take(rows_of(known.sample_id, sample_figures.spread(known, sample_figures.TILES).sample_id))


def _birthday(results: Results, _: str) -> tuple[Figure, Shown]:
    """Probability of a duplicate by batch size."""
    return census_figures.draw_birthday(results.table(places.CURVE), results.table(places.SUPPORT)), ()


def _support(results: Results, _: str) -> tuple[Figure, Shown]:
    """Effective support of each population."""
    return census_figures.draw_support(results.table(places.SUPPORT)), ()


def _scales(results: Results, _: str) -> tuple[Figure, Shown]:
    """Ratios of each population at every scale."""
    return sweep_figures.draw_scales(results.table(places.SCALES), results.study.census.margin), ()


def _coverage(results: Results, _: str) -> tuple[Figure, Shown]:
    """Coverage of each population by itself."""
    tables = {name: results.table(places.COVERAGE, population=name) for name in results.study.generated}
    return census_figures.draw_coverage(tables), ()


def _diversity(results: Results, _: str) -> tuple[Figure, Shown]:
    """Hill numbers of each population."""
    return census_figures.draw_diversity(results.table(places.DIVERSITY)), ()


def _sweep(results: Results, definition: str) -> tuple[Figure, Shown]:
    """Effective support and ratios under other thresholds and fewer metrics."""
    return sweep_figures.draw_sweep(results.table(places.SWEEP, definition=definition), results.study.census.margin), ()


def _closest(results: Results, definition: str) -> tuple[Figure, Shown]:
    """Closest duplicate pairs of each population, by the first metric that compares samples."""
    metrics = results.study.definitions[definition]
    metric = next(name for name, one in metrics.items() if one.fixed is None)
    wanted = ["i", "j", *(metrics if definition in scaled(results.study) else [metric])]
    found, shown = {}, []
    for name in counted(results.study):
        found_in = results.path(places.DUPLICATES, definition=definition, search=name)
        table = at_scale(columns(found_in, wanted), about(found_in))
        rows, best = results.samples(name), sample_figures.closest(table[metric])
        distance, known = table[metric][best], rows.identities()
        first, second = (rows.take(rows_of(known.sample_id, table[side][best])) for side in ("i", "j"))
        found[name] = (first, second, distance)
        turns = rows.take(rows_of(known.sample_id, np.column_stack([table["i"][best], table["j"][best]]).ravel()))
        shown.append(Group(name, turns, np.repeat(distance, 2)))
    return sample_figures.draw_closest(found, results.study.source.view), shown


def _groups(results: Results, definition: str) -> tuple[Figure, Shown]:
    """The largest groups of near-duplicates of each generated population, and the closest training samples."""
    chosen = group_lists.largest(results.path(places.GROUPS), definition, list(results.study.generated))
    near = [row["train_id"] for groups in chosen.values() for row in map(group_lists.closest_in_train, groups) if row]
    train = _with_ids(results.samples("train"), near) if near else None
    found: dict[str, list[ShownGroup]] = {}
    for population, groups in chosen.items():
        known = _with_ids(results.samples(population), [row["sample_id"] for rows in groups for row in rows])
        found[population] = [ShownGroup.of(rows, known, train) for rows in groups]
    shown = [one for population, groups in found.items() for group in groups for one in group.tabled(population)]
    return group_figures.draw_groups(found, results.study.source.view), shown


def _with_ids(rows: SampleRows, ids: Sequence[int]) -> Samples:
    """Read the samples of a population that have some sample_id."""
    wanted = np.unique(np.array(ids, dtype=np.int64))
    return rows.take(rows_of(rows.identities().sample_id, wanted))


def _training(results: Results, _: str) -> tuple[Figure, Shown]:
    """Losses of generators and encoders."""
    generators = {p: results.table(places.GENERATOR_HISTORY, population=p) for p in trained(results.study)}
    encoders = {e: results.table(places.ENCODER_HISTORY, encoder=e) for e in results.study.encoders}
    return run_figures.draw_training(generators, encoders), ()


def _selection(results: Results, name: str) -> tuple[Figure, Shown]:
    """Scores of the training samples, and the extremes of kept and dropped."""
    table, samples = results.table(places.SELECTION, name=name), results.samples("train").whole()
    samples = samples if results.study.selections[name].per_class else replace(samples, label=None)
    margin, extremes = sample_figures.extremes(table["score"], table["kept"], samples.label)
    shown = [Group(group, samples.take(rows), table["score"][rows]) for group, rows in extremes.items()]
    place, view = results.path(places.SELECTION, name=name), results.study.source.view
    unit = read_table(place).schema.field("score").metadata[b"unit"].decode()
    words = selected(about(place), float(np.mean(table["kept"])))
    return sample_figures.draw_selection(samples, margin, unit, table["kept"], extremes, words, view), shown


def _analysis(results: Results, place: str) -> tuple[Figure, Shown]:
    """An analysis's own figure of one of its tables."""
    analysis, table = results.study.analysed[place]
    known = analysed.read(results.folder / results.name, results.study, place)
    explorer = analysis.explore(table, known) if table in analysis.explored else None
    shown = explored.groups(explorer, results.samples, results.study.source.view) if explorer else ()
    return analysis.draw(table, known), shown


_DRAW: dict[str, Callable[[Results, str], tuple[Figure, Shown]]] = {
    "gallery": _gallery,
    "birthday": _birthday,
    "support": _support,
    "scales": _scales,
    "coverage": _coverage,
    "diversity": _diversity,
    "sweep": _sweep,
    "closest": _closest,
    "groups": _groups,
    "training": _training,
    "selection": _selection,
    "analysis": _analysis,
}
