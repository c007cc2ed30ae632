#!/usr/bin/env python
"""Turn the duplicates of a study into collision probabilities, birthday curves and support sizes."""

import numpy as np
import step
from step import Path

from gancensus import tables
from gancensus.census import REFERENCE, count, curve_columns, support_row
from gancensus.config import Census
from gancensus.files import about, columns, write_table
from gancensus.randomness import derive_rng


def main() -> None:
    """Write a row of support and a curve per definition and population."""
    args = step.arguments(
        __doc__,
        study=str,
        census=step.section(Census),
        seed=int,
        definitions=[str],
        populations=[str],
        duplicates=[Path],
        support=Path,
        curve=Path,
    )
    level, margin = args.census.level, args.census.margin
    rows, curves = [], []
    for definition, paths in zip(args.definitions, step.grouped(args.duplicates, len(args.definitions)), strict=True):
        counts = {}
        for population, path in zip(args.populations, paths, strict=True):
            pairs, samples = columns(path), int(about(path)["samples"])
            rng = derive_rng(args.seed, args.study, "census", definition, population)
            counts[population] = count(samples, pairs["i"], pairs["j"], level, args.census.replicates, rng)
        for population, found in counts.items():
            row = support_row(population, found, counts[REFERENCE], level, margin)
            rows.append({"study": args.study, "definition": definition, **row})
            curve = curve_columns(population, found, level)
            curves.append({"definition": [definition] * len(curve["batch"]), **curve})
    write_table(args.support, {name: [row[name] for row in rows] for name in tables.SUPPORT.names}, tables.SUPPORT)
    write_table(
        args.curve, {name: np.concatenate([c[name] for c in curves]) for name in tables.CURVE.names}, tables.CURVE
    )


step.run(main)
