#!/usr/bin/env python
"""Split the real samples of a study; write one part of each split, and of training samples that are given apart."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

import numpy as np

from gancensus.audit.user_samples import training_samples
from gancensus.config.sections import Splits
from gancensus.contracts.generator import Generator
from gancensus.contracts.samples import part_rows
from gancensus.contracts.source import Source
from gancensus.storage.samples import drop_parts, write_samples, write_side_by_side
from gancensus.training.splits import divided


def main(argv: Sequence[str] | None = None) -> None:
    """Split the source, read and write the rows of the part."""
    args = step.arguments(
        __doc__,
        argv,
        source=step.member(Source),
        trained_on=[step.member(Generator)],
        splits=step.section(Splits),
        seed=int,
        part=int,
        parts=int,
        train=Path,
        calibrate=Path,
        holdout=Path,
    )
    real, found = divided(args.source, args.splits.sizes, args.splits.train_first, args.seed)
    own = {getattr(args, name): rows[part_rows(len(rows), args.part, args.parts)] for name, rows in found.items()}
    write_side_by_side(real, own)
    for path in own:
        drop_parts(path, args.parts)
    for given in args.trained_on:
        samples = training_samples(given, real, found["holdout"])
        part = part_rows(len(samples), args.part, args.parts)
        write_samples(args.train, samples, np.arange(part.start, part.stop))


if __name__ == "__main__":
    step.run(main)
