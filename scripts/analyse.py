#!/usr/bin/env python
"""Answer a further question about a study's populations: make one table of an analysis."""

from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.analysis import Analysis, Chosen, Context
from gancensus.contracts.beginning import elsewhere, here
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.generator import Generator
from gancensus.contracts.randomness import derive_rng, derive_seed
from gancensus.contracts.replica import Replica
from gancensus.contracts.source import Source
from gancensus.report import failures
from gancensus.storage.samples import SampleRows
from gancensus.storage.tables import columns, write_table
from gancensus.training.judges import judges_of, networks_of


def arguments(argv: Sequence[str] | None) -> Namespace:
    """Return the options."""
    return step.arguments(
        __doc__,
        argv,
        study=str,
        analysis=step.member(Analysis),
        table=str,
        source=step.member(Source),
        generators=step.members(Generator),
        seed=int,
        real=[str],
        generated=step.section(dict[str, Replica]),
        selections=step.section(dict[str, Chosen]),
        features=[Path],
        models=[Path],
        encoders=step.members(Encoder),
        networks=[Path],  # of the encoders, in their order
        support=[Path],
        space=str,
        threads=int,
        output=Path,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write the table."""
    args = arguments(argv)
    populations = [*args.real, *args.generated]
    groups = step.grouped(args.features, len(populations))
    samples = {name: SampleRows(paths) for name, paths in zip(populations, groups, strict=True)}
    real = {name: samples.pop(name) for name in args.real}
    real = {"train": real["calibrate"]} | real  # in its place, where nothing has learned from real samples
    rng = partial(derive_rng, args.seed, args.study, args.analysis.kind)
    members = {name: args.generators[made.generator] for name, made in args.generated.items()}
    context = Context(
        args.source,
        args.generators,
        judges=judges_of(members, args.models),
        made=args.generated,
        selections=args.selections,
        support=next(map(columns, args.support), None),
        space=args.space,
        models=networks_of(args.encoders, args.networks, real["train"]),
        seed=derive_seed(args.seed, "source"),
        real=tuple(args.real),
    )
    with ThreadPoolExecutor(max(1, args.threads - 1)) as pool:
        context = context._replace(begin=elsewhere(pool) if args.threads > 1 else here)
        found = args.analysis.analyse(args.table, real, samples, rng, context)
    write_table(args.output, found, args.analysis.tables[args.table].schema)


def on_failure(argv: Sequence[str] | None, error: Exception) -> None:
    """Write why there is no table."""
    args = arguments(argv)
    reason = failures.describe(error, [args.output, *args.features, *args.models, *args.networks])
    failures.table(args.output, args.analysis.tables[args.table].schema, reason)


if __name__ == "__main__":
    step.run(main, on_failure)
