#!/usr/bin/env python
"""Find how close is 'the same': the alpha-quantile of all distances between real samples, metric by metric."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.metric import Metric
from gancensus.contracts.randomness import derive_rng
from gancensus.search.thresholds import find_thresholds
from gancensus.storage import schemas
from gancensus.storage.samples import SampleRows
from gancensus.storage.tables import write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Write one row per metric, or three where its alpha is `auto`; a given threshold has no alpha."""
    args = step.arguments(
        __doc__,
        argv,
        study=str,
        name=str,
        definition=step.members(Metric),
        level=float,
        seed=int,
        memory=int,
        device=str,
        features=[Path],
        holdout=[Path],
        output=Path,
    )
    spaces = step.spaces(list(args.definition.values()), args.features)
    rng = partial(derive_rng, args.seed, args.study, "thresholds", args.name)
    progress = partial(print, flush=True)
    holdout = len(SampleRows(args.holdout)) if args.holdout else 0  # none are given where no alpha is `auto`
    table = find_thresholds(args.definition, spaces, holdout, args.level, rng, args.memory, args.device, progress)
    write_table(args.output, table, schemas.THRESHOLDS)


if __name__ == "__main__":
    step.run(main)
