#!/usr/bin/env python
"""Draw one part of a generator's samples, or take it from the user's file."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gancensus.config.steps as step

import numpy as np

from gancensus.audit.user_samples import as_population, check_units
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Generator
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import BLOCK, Notes, Samples, generated_ids, part_rows
from gancensus.report.inputs import noted
from gancensus.storage.files import SampleRows, drop_parts, read_model, write_samples
from gancensus.training.loop import architecture


def draw(args: Namespace, rows: slice, like: SampleRows) -> Samples:
    """Draw the rows block by block: each block has its own random numbers, so the parts change no value.

    Conditions are those of held-out samples in random order, and again from its beginning where there are too few.
    """
    first, known = next(like.chunks(slice(0, 1))), like.identities()
    shape, conditional = first.x.shape[1:], args.generator.conditional
    if args.generator.once and args.generator.samples > len(known):
        raise UserError(
            f"generator {args.generator.kind}: asks for {args.generator.samples} samples under the conditions of "
            f"holdout, which has {len(known)}; lower `samples`, or enlarge `holdout` in `splits`"
        )
    known = known.take(derive_rng(args.seed, args.study, "conditions").permutation(len(known)))
    weights = read_model(args.model[0], architecture(args.generator, shape))
    blocks = [np.empty((0, *shape), dtype=np.float32)]
    for start in range(rows.start, rows.stop, BLOCK):
        some = np.arange(start, min(start + BLOCK, rows.stop))
        rng = derive_rng(args.seed, args.study, "generate", args.population, start // BLOCK)
        noise = args.generator.noise(len(some), known.take(some % len(known)).conditions, rng)
        blocks.append(args.generator.generate(weights, noise, shape, args.device))
    numbers = range(rows.start, rows.stop)
    conditions = known.take(np.array(numbers, dtype=np.int64) % len(known)).conditions if conditional else {}
    ids = generated_ids(args.population, numbers)
    return Samples(np.concatenate(blocks), ids, None, first.scale, conditions, known.units if conditional else {})


def main(argv: Sequence[str] | None = None) -> None:
    """Write the part with sample_id that are unique in the study."""
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
    like = SampleRows(args.like)
    if args.generator.trained:
        rows = part_rows(args.generator.samples, args.part, args.parts)
        write_samples(args.output, draw(args, rows, like))
    else:
        real = replace(next(like.chunks(slice(0, len(like)))), notes=Notes(*noted(args.like)))
        samples = as_population(args.generator, real, args.population)
        check_units(args.generator, real, samples)
        rows = part_rows(len(samples), args.part, args.parts)
        write_samples(args.output, samples, np.arange(rows.start, rows.stop))
    drop_parts(args.output, args.parts)


if __name__ == "__main__":
    step.run(main)
