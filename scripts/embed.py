#!/usr/bin/env python
"""Map one part of a population to an encoder's vectors."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.encoder import Encoder
from gancensus.contracts.samples import by_block
from gancensus.storage.models import read_model
from gancensus.storage.samples import drop_parts, read_samples, write_samples
from gancensus.training.loop import architecture


def main(argv: Sequence[str] | None = None) -> None:
    """Apply the encoder block by block, so that the parts change no value."""
    args = step.arguments(
        __doc__, argv, encoder=step.member(Encoder), device=str, parts=int, model=Path, samples=Path, output=Path
    )
    samples = read_samples([args.samples])
    weights = read_model(args.model, architecture(args.encoder, samples.x.shape[1:]))
    vectors = by_block(lambda x: args.encoder.apply(weights, x, args.device), samples.x)
    write_samples(args.output, replace(samples, x=vectors, scale=None))
    drop_parts(args.output, args.parts)


if __name__ == "__main__":
    step.run(main)
