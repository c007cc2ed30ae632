#!/usr/bin/env python
"""Measure a population beside held-out real samples: how diverse, where its samples are, what they cover and copy."""

from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import gancensus.config.steps as step

from gancensus.census.answers import Criterion, answer
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.table import columns_of
from gancensus.report import failures
from gancensus.search.scales import thresholds_at
from gancensus.storage import schemas
from gancensus.storage.tables import columns, write_table


def arguments(argv: Sequence[str] | None) -> Namespace:
    """Return the options."""
    return step.arguments(
        __doc__,
        argv,
        study=str,
        population=str,
        definitions=step.definitions,
        real=[str],
        reference=[str],
        fitted=[str],
        permutations=int,
        seed=int,
        memory=int,
        device=str,
        thresholds=[Path],
        features=[Path],
        answers=Path,
        coverage=Path,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write a row per statistic, and the coverage curves."""
    args = arguments(argv)
    names = list(dict.fromkeys([*args.real, args.population]))
    metrics = [metric for definition in args.definitions.values() for metric in definition.values()]
    files = dict(zip(names, step.grouped(args.features, len(names)), strict=True))
    files["reference"] = [path for name in args.reference for path in files[name]]
    populations = {name: step.spaces(metrics, paths, samples=True) for name, paths in files.items()}
    found = answer(
        {
            name: Criterion(definition, thresholds_at(columns(path)))
            for (name, definition), path in zip(args.definitions.items(), args.thresholds, strict=True)
        },
        populations,
        args.population,
        args.fitted,
        args.permutations,
        partial(derive_rng, args.seed, args.study, "answers", args.population),
        args.memory,
        args.device,
        partial(print, flush=True),
    )
    write_table(args.answers, columns_of(found.answers, schemas.ANSWERS.names), schemas.ANSWERS)
    write_table(args.coverage, columns_of(found.coverage, schemas.COVERAGE.names), schemas.COVERAGE)


def on_failure(argv: Sequence[str] | None, error: Exception) -> None:
    """Write why there are no tables."""
    args = arguments(argv)
    reason = failures.describe(error, [args.answers, *args.features, *args.thresholds])
    failures.table(args.answers, schemas.ANSWERS, reason)
    failures.table(args.coverage, schemas.COVERAGE, reason)


if __name__ == "__main__":
    step.run(main, on_failure)
