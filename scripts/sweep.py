#!/usr/bin/env python
"""Count duplicates under every subset of a definition's metrics and at several alphas, from one search for pairs."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import gancensus.config.steps as step

from gancensus.census.sweep import sweep_study
from gancensus.config.sections import Census
from gancensus.contracts.metric import Metric
from gancensus.storage import schemas
from gancensus.storage.tables import write_table


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
    metrics, groups = list(args.definition.values()), step.grouped(args.features, len(args.populations))
    spaces = {name: step.spaces(metrics, paths) for name, paths in zip(args.populations, groups, strict=True)}
    table = sweep_study(args.name, args.definition, spaces, args.census, partial(print, flush=True))
    write_table(args.output, table, schemas.SWEEP)


if __name__ == "__main__":
    step.run(main)
