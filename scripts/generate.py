#!/usr/bin/env python
"""Draw one part of a generator's samples, or take it from the user's file."""

from argparse import Namespace
from functools import partial

import numpy as np
import step
from numpy.typing import NDArray
from step import Path

from gancensus.errors import UserError
from gancensus.files import SampleRows, drop_parts, finite, read_model, read_user_samples, write_samples
from gancensus.generators import Generator
from gancensus.randomness import derive_rng
from gancensus.samples import BLOCK, Samples, Unread, generated_ids, in_same_units, part_rows
from gancensus.training import architecture


def draw(args: Namespace, rows: slice, like: Samples) -> NDArray[np.float32]:
    """Draw the rows block by block: each block has its own random numbers, so the parts change no value."""
    shape = like.x.shape[1:]
    weights = read_model(args.model[0], architecture(args.generator, shape))
    blocks = []
    for start in range(rows.start, rows.stop, BLOCK):
        rng = derive_rng(args.seed, args.study, "generate", args.population, start // BLOCK)
        noise = args.generator.noise(min(BLOCK, rows.stop - start), rng)
        blocks.append(args.generator.generate(weights, noise, shape, args.device))
    return np.concatenate([np.empty((0, *shape), dtype=np.float32), *blocks])


def look(args: Namespace, like: Samples) -> Unread:
    """Look at the user's samples, scaled as the real ones are, and their conditions; read them once, in pieces."""
    path = args.generator.path
    found = read_user_samples(path)
    if found.shape != like.x.shape[1:]:
        raise UserError(
            f"{path}: samples have shape {found.shape}, but the real samples of {args.study} have {like.x.shape[1:]}; "
            "bring both to one shape"
        )
    if len(found) < 2:
        raise UserError(f"{path}: {len(found)} sample; a pair needs at least two")
    scale = None if path.suffix == ".parquet" else like.scale  # a table is scaled already
    encode = partial(np.asarray, dtype=np.float32) if scale is None else scale.encode
    if not in_same_units(map(encode, finite(path, found)), images=len(found.shape) > 1):
        ends = np.array([(x.min(), x.max()) for x in finite(path, found)])
        low, high = (-1.0, 1.0) if scale is None else (min(scale.low), max(scale.high))
        raise UserError(
            f"{path}: values from {ends.min():.3g} to {ends.max():.3g}, but the real samples of {args.study} have "
            f"{low:.3g} to {high:.3g}; bring both to the same units"
        )
    ids = generated_ids(args.population, range(len(found)))
    known = Samples(found.known.x, ids, None, like.scale, found.known.conditions, like.units)
    return Unread(known, found.shape, np.dtype(np.float32), lambda rows: encode(found.read(rows)))


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
        like=Path,
        output=Path,
    )
    like = next(SampleRows([args.like]).chunks(slice(0, 1)))
    if args.generator.trained:
        rows = part_rows(args.generator.samples, args.part, args.parts)
        ids = generated_ids(args.population, range(rows.start, rows.stop))
        write_samples(args.output, Samples(draw(args, rows, like), ids, scale=like.scale))
    else:
        samples = look(args, like)
        rows = part_rows(len(samples), args.part, args.parts)
        write_samples(args.output, samples, np.arange(rows.start, rows.stop))
    drop_parts(args.output, args.parts)


step.run(main)
