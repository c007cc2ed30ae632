#!/usr/bin/env python
"""Draw one part of a generator's samples, or take it from the user's file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gancensus.config.steps as step

import numpy as np

from gancensus.audit.user_samples import population_beside
from gancensus.contracts.generator import Generator
from gancensus.contracts.samples import part_rows
from gancensus.report.inputs import noted
from gancensus.storage.models import read_model
from gancensus.storage.samples import SampleRows, drop_parts, write_samples
from gancensus.training.drawing import draw
from gancensus.training.loop import architecture


def main(argv: Sequence[str] | None = None) -> None:
    """Write the part, with a sample_id that is unique in the study."""
    args = step.arguments(
        __doc__,
        argv,
        study=str,
        population=str,
        generator=step.member(Generator),
        seed=int,
        device=str,
        part=int,
        parts=int,
        model=[Path],
        like=[Path],
        output=Path,
    )
    real = SampleRows(args.like)
    if args.generator.trained:
        first = next(real.chunks(slice(0, 1)))
        like = replace(real.identities(), scale=first.scale)
        weights = read_model(args.model[0], architecture(args.generator, first.shape))
        rows = part_rows(args.generator.samples, args.part, args.parts)
        names = (args.population, args.study, args.seed, args.device)
        write_samples(args.output, draw(args.generator, weights, like, first.shape, rows, *names))
    else:
        samples = population_beside(args.generator, real, noted(args.like), args.population)
        rows = part_rows(len(samples), args.part, args.parts)
        write_samples(args.output, samples, np.arange(rows.start, rows.stop))
    drop_parts(args.output, args.parts)


if __name__ == "__main__":
    step.run(main)
