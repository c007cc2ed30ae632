#!/usr/bin/env python
"""Answer a further question about a study's populations."""

from functools import partial

import step
from step import Path

from gancensus.analyses import Analysis
from gancensus.config import REAL
from gancensus.files import read_samples, write_table
from gancensus.randomness import derive_rng


def main() -> None:
    """Write the analysis's table."""
    args = step.arguments(
        __doc__,
        study=str,
        analysis=step.member(Analysis),
        seed=int,
        populations=[str],
        features=[Path],
        output=Path,
    )
    groups = step.grouped(args.features, len(args.populations))
    samples = {name: read_samples(paths) for name, paths in zip(args.populations, groups, strict=True)}
    real = {name: samples.pop(name) for name in REAL}
    rng = partial(derive_rng, args.seed, args.study, args.analysis.kind)
    write_table(args.output, args.analysis.analyse(real, samples, rng), args.analysis.schema)


step.run(main)
