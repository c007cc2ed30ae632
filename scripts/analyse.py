#!/usr/bin/env python
"""Answer a further question about a study's populations: make one table of an analysis."""

from functools import partial

import step
from step import Path

from gancensus.analyses import About, Analysis
from gancensus.config import REAL
from gancensus.files import SampleRows, write_table
from gancensus.generators import Generator
from gancensus.randomness import derive_rng
from gancensus.sources import Source


def main() -> None:
    """Write the table."""
    args = step.arguments(
        __doc__,
        study=str,
        analysis=step.member(Analysis),
        table=str,
        source=step.member(Source),
        generators=step.members(Generator),
        seed=int,
        populations=[str],
        features=[Path],
        output=Path,
    )
    groups = step.grouped(args.features, len(args.populations))
    samples = {name: SampleRows(paths) for name, paths in zip(args.populations, groups, strict=True)}
    real = {name: samples.pop(name) for name in REAL}
    rng = partial(derive_rng, args.seed, args.study, args.analysis.kind)
    about = About(args.source, args.generators)
    columns = args.analysis.analyse(args.table, real, samples, rng, about)
    write_table(args.output, columns, args.analysis.tables[args.table].schema)


step.run(main)
