#!/usr/bin/env python
"""Draw one part of a generator's samples, or take it from the user's file."""

from argparse import Namespace
from math import prod

import numpy as np
import step
from numpy.typing import NDArray
from step import Path

from gancensus.columns import scale_like
from gancensus.errors import UserError
from gancensus.files import SampleRows, check_finite, drop_parts, read_model, write_samples
from gancensus.generators import Generator
from gancensus.randomness import derive_rng
from gancensus.samples import BLOCK, CHUNK, Samples, Unread, generated_ids, in_same_units, part_rows
from gancensus.training import architecture

LEAST = 64  # samples whose units are compared with those of real ones


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


def look(args: Namespace, real: SampleRows) -> Unread:
    """Look at the user's samples, scaled as the real ones are, with their conditions; read some, to see their units."""
    like = next(real.chunks(slice(0, len(real))))
    path, found, shape = args.generator.path, args.generator.look(like.scale), like.x.shape[1:]
    if found.shape != shape:
        raise UserError(
            f"{path}: samples have shape {found.shape}, but the real samples of {args.study} have {shape}; "
            "bring both to one shape"
        )
    if len(found) < 2:
        raise UserError(f"{path}: {len(found)} sample; a pair needs at least two")
    scale = None if args.generator.scaled else like.scale

    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        x = check_finite(path, found.read(rows), rows)
        return np.asarray(x, dtype=np.float32) if scale is None else scale.encode(x)

    some = read(np.unique(np.linspace(0, len(found) - 1, max(LEAST, CHUNK // prod(shape))).astype(np.int64)))
    if not in_same_units(some / np.float32(np.abs(like.x).max(initial=0) or 1), images=len(shape) > 1):
        natural, real_natural = (x if scale is None else scale.decode(x) for x in (some, like.x))
        raise UserError(
            f"{path}: values from {natural.min():.3g} to {natural.max():.3g}, but the real samples of {args.study} "
            f"have about {real_natural.min():.3g} to {real_natural.max():.3g}; bring both to the same units"
        )
    for name, unit in found.known.units.items():
        if name in like.units and unit not in ("1", like.units[name]):
            raise UserError(
                f"{path}: condition {name} is in {unit}, but that of the real samples of {args.study} in "
                f"{like.units[name]}; bring both to the same unit"
            )
    ids = generated_ids(args.population, range(len(found)))
    known = Samples(found.known.x, ids, None, scale_like(like.scale, found), found.conditions, like.units, found.notes)
    return Unread(known, shape, np.dtype(np.float32), read)


def main() -> None:
    """Write the part with sample_id that are unique in the study."""
    args = step.arguments(
        __doc__,
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
        samples = look(args, like)
        rows = part_rows(len(samples), args.part, args.parts)
        write_samples(args.output, samples, np.arange(rows.start, rows.stop))
    drop_parts(args.output, args.parts)


step.run(main)
