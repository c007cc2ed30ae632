#!/usr/bin/env python
"""Split the real samples of a study; write one part of each split."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.config.sections import Splits
from gancensus.contracts.randomness import derive_rng, derive_seed
from gancensus.contracts.samples import Samples, check, part_rows
from gancensus.contracts.source import Source
from gancensus.storage.samples import drop_parts, write_samples
from gancensus.training.splits import split


def main(argv: Sequence[str] | None = None) -> None:
    """Split the source, read and write the rows of the part."""
    args = step.arguments(
        __doc__,
        argv,
        source=step.member(Source),
        splits=step.section(Splits),
        seed=int,
        part=int,
        parts=int,
        train=Path,
        calibrate=Path,
        holdout=Path,
    )
    real = args.source.load(derive_seed(args.seed, "source"))
    if isinstance(real, Samples):
        check(real, f"source {args.source.kind}")
    rng = derive_rng(args.seed, "prepare")
    for name, rows in split(len(real), args.splits.sizes, rng, args.splits.train_first, real.group).items():
        write_samples(getattr(args, name), real, rows[part_rows(len(rows), args.part, args.parts)])
        drop_parts(getattr(args, name), args.parts)


if __name__ == "__main__":
    step.run(main)
