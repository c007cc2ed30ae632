#!/usr/bin/env python
"""Draw a figure as SVG; the first argument names it, the others are its own. Beside it: which samples it shows."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gancensus.config.steps as step

import numpy as np
from matplotlib.figure import Figure

from gancensus.contracts.analysis import Analysis
from gancensus.contracts.samples import Samples
from gancensus.plotting import style
from gancensus.report import census_figures, failures, run_figures, sample_figures, sweep_figures
from gancensus.storage.files import SampleRows, columns, read_samples, read_table, write_bytes, write_table


def populations(args: Namespace) -> dict[str, SampleRows]:
    """Open the populations."""
    groups = step.grouped(args.samples, len(args.populations))
    return {name: SampleRows(paths) for name, paths in zip(args.populations, groups, strict=True)}


def some(rows: SampleRows) -> Samples:
    """Read what a gallery shows of a population: a few images, or all rows of a table."""
    if next(rows.chunks(slice(0, 1))).x.ndim == 2:
        return read_samples(rows.paths)
    known = rows.identities()
    return rows.take(sample_figures.rows_of(known, sample_figures.spread(known, sample_figures.TILES).sample_id))


def write_shown(path: Path, groups: Sequence[tuple[str, Samples, object]]) -> None:
    """Write which samples the figure shows."""
    table, about = sample_figures.shown(groups)
    write_table(path, table, sample_figures.SHOWN, about)


def gallery(args: Namespace) -> Figure:
    """Samples of each population."""
    samples = {name: some(rows) for name, rows in populations(args).items()}
    write_shown(
        args.shown, [(name, sample_figures.spread(s, sample_figures.TILES), None) for name, s in samples.items()]
    )
    return sample_figures.draw_gallery(samples)


def birthday(args: Namespace) -> Figure:
    """Probability of a duplicate by batch size."""
    return census_figures.draw_birthday(columns(args.curve), columns(args.support))


def support(args: Namespace) -> Figure:
    """Effective support of each population."""
    return census_figures.draw_support(columns(args.support))


def diversity(args: Namespace) -> Figure:
    """Hill numbers of each population."""
    return census_figures.draw_diversity(columns(args.diversity))


def sweep(args: Namespace) -> Figure:
    """Effective support and ratios under other thresholds and fewer metrics."""
    return sweep_figures.draw_sweep(columns(args.sweep), args.margin)


def closest(args: Namespace) -> Figure:
    """Closest duplicate pairs of each population."""
    found, groups = {}, []
    for (name, rows), path in zip(populations(args).items(), args.duplicates, strict=True):
        table = columns(path, ["i", "j", args.metric])
        best = sample_figures.closest(table[args.metric])
        distance, known = table[args.metric][best], rows.identities()
        first, second = (rows.take(sample_figures.rows_of(known, table[side][best])) for side in ("i", "j"))
        found[name] = (first, second, distance)
        turns = rows.take(sample_figures.rows_of(known, np.column_stack([table["i"][best], table["j"][best]]).ravel()))
        groups.append((name, turns, np.repeat(distance, 2)))
    write_shown(args.shown, groups)
    return sample_figures.draw_closest(found)


def training(args: Namespace) -> Figure:
    """Losses of generators and encoders."""
    histories = [columns(path) for path in args.histories]
    split = len(args.generators)
    generators = dict(zip(args.generators, histories[:split], strict=True))
    return run_figures.draw_training(generators, dict(zip(args.encoders, histories[split:], strict=True)))


def selection(args: Namespace) -> Figure:
    """Scores of the training samples, and the extremes of kept and dropped."""
    table, samples = columns(args.selection), read_samples(args.samples)
    margin, extremes = sample_figures.extremes(table["score"], table["kept"], samples.label)
    write_shown(args.shown, [(name, samples.take(rows), table["score"][rows]) for name, rows in extremes.items()])
    unit = read_table(args.selection).schema.field("score").metadata[b"unit"].decode()
    return sample_figures.draw_selection(samples, margin, unit, table["kept"], extremes)


def analysis(args: Namespace) -> Figure:
    """An analysis's own figure of one of its tables."""
    figure: Figure = args.analysis.draw(args.table, columns(args.path))
    return figure


def timeline(args: Namespace) -> Figure:
    """When each job ran."""
    return run_figures.draw_timeline(columns(args.trace))


FIGURES: dict[str, tuple[Callable[[Namespace], Figure], dict[str, Any]]] = {
    "gallery": (gallery, {"populations": [str], "samples": [Path], "shown": Path}),
    "birthday": (birthday, {"curve": Path, "support": Path}),
    "support": (support, {"support": Path}),
    "diversity": (diversity, {"diversity": Path}),
    "sweep": (sweep, {"sweep": Path, "margin": float}),
    "closest": (
        closest,
        {"populations": [str], "metric": str, "samples": [Path], "duplicates": [Path], "shown": Path},
    ),
    "training": (training, {"generators": [str], "encoders": [str], "histories": [Path]}),
    "selection": (selection, {"selection": Path, "samples": [Path], "shown": Path}),
    "analysis": (analysis, {"analysis": step.member(Analysis), "table": str, "path": Path}),
    "timeline": (timeline, {"trace": Path}),
}


NAME = sys.argv.pop(1) if len(sys.argv) > 1 else "nothing"


def arguments() -> Namespace:
    """Return the options of the figure."""
    return step.arguments(__doc__, **FIGURES[NAME][1], output=Path)


def main() -> None:
    """Write the figure, or why its table could not be made."""
    if NAME not in FIGURES:
        sys.exit(f"error: there is no figure {NAME}; name one of {', '.join(FIGURES)} first")
    args = arguments()
    if NAME == "analysis" and (reason := failures.reason(args.path)) is not None:
        failures.figure(args.output, reason)
    else:
        write_bytes(args.output, style.svg(FIGURES[NAME][0](args)))


def instead(error: Exception) -> None:
    """Write why there is no figure."""
    args = arguments()
    values = [value for option in vars(args).values() for value in (option if isinstance(option, list) else [option])]
    reason = failures.said(error, [value for value in values if isinstance(value, Path)])
    failures.figure(args.output, reason)
    if "shown" in args:
        failures.table(args.shown, sample_figures.SHOWN, reason)


step.run(main, instead)
