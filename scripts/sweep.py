#!/usr/bin/env python
"""Count duplicates under every subset of a definition's metrics and at several alphas, from one search for pairs."""

from collections.abc import Sequence
from math import inf
from pathlib import Path

import gancensus.config.steps as step

import numpy as np

from gancensus.census.support import REFERENCE, collision_columns, ratio_columns
from gancensus.census.sweep import Cell, sweep, thresholds_of
from gancensus.config.sections import Census
from gancensus.contracts.metric import Metric
from gancensus.search.pairs import Pairs, Side, find_pairs, merge, none
from gancensus.search.populations import Population
from gancensus.storage import schemas
from gancensus.storage.files import write_table


def distances(metrics: Sequence[Metric], paths: Sequence[Path], samples: int) -> tuple[int, Pairs]:
    """Measure every pair of some samples of a population, in the calibrated metrics; conditions only let pairs in."""
    features = Population(metrics, step.spaces(metrics, paths)).some(samples)
    limits = [inf if metric.fixed is None else metric.fixed for metric in metrics]
    found = merge([none(len(metrics)), *find_pairs(metrics, limits, Side.of(features))])
    swept = [metric.fixed is None for metric in metrics]
    return len(features[0][0]), found._replace(values=np.ascontiguousarray(found.values[:, swept]))


def main(argv: Sequence[str] | None = None) -> None:
    """Write a row per subset, alpha and population."""
    args = step.arguments(
        __doc__,
        argv,
        name=str,
        definition=step.members(Metric),
        census=step.section(Census),
        populations=[str],
        features=[Path],
        output=Path,
    )
    metrics = list(args.definition.values())
    names = [name for name, metric in args.definition.items() if metric.fixed is None]
    groups = dict(zip(args.populations, step.grouped(args.features, len(args.populations)), strict=True))
    _, calibrate = distances(metrics, groups.pop("calibrate"), args.census.sweep)
    alphas, thresholds = thresholds_of(calibrate.values, args.census.alphas)
    cells: dict[str, list[Cell]] = {}
    for population, paths in groups.items():
        print(f"sweep of {population}", flush=True)
        samples, found = distances(metrics, paths, args.census.sweep)
        cells[population] = sweep(found.values, found.i, found.j, samples, alphas, thresholds, args.census.level)
    rows = [
        {
            "definition": args.name,
            "metrics": "+".join(names[m] for m in cell.metrics),
            "alpha": cell.alpha,
            "population": population,
            "independent": cell.independent,
            **collision_columns(cell.collision),
            **ratio_columns(
                cell.collision, None if population == REFERENCE else reference.collision, args.census.level
            ),
        }
        for population, swept in cells.items()
        for cell, reference in zip(swept, cells[REFERENCE], strict=True)
    ]
    write_table(args.output, {name: [row[name] for row in rows] for name in schemas.SWEEP.names}, schemas.SWEEP)


if __name__ == "__main__":
    step.run(main)
