#!/usr/bin/env python
"""Map one part of a population to an encoder's vectors."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.encoder import Encoder
from gancensus.storage.models import read_model
from gancensus.storage.samples import SampleRows, drop_parts, read_samples, write_samples
from gancensus.training.loop import architecture


def main(argv: Sequence[str] | None = None) -> None:
    """Embed the part; where vectors are rows of a file, compare that with all of the generated population first."""
    args = step.arguments(
        __doc__,
        argv,
        encoder=step.member(Encoder),
        generator=[str],  # none of real samples
        device=str,
        parts=int,
        model=Path,
        samples=Path,
        whole=[Path],
        output=Path,
    )
    samples = read_samples([args.samples])
    generator = next(iter(args.generator), None)
    weights = read_model(args.model, architecture(args.encoder.concerning(None), samples.x.shape[1:]))
    if args.whole:
        args.encoder.check_rows(SampleRows(args.whole).identities().sample_id, generator)
    vectors = args.encoder.embed(weights, samples, generator, args.device)
    write_samples(args.output, replace(samples, x=vectors, scale=None, name=None))
    drop_parts(args.output, args.parts)


if __name__ == "__main__":
    step.run(main)
