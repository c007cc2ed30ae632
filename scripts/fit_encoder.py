#!/usr/bin/env python
"""Fit an encoder on the training samples."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.encoder import Encoder
from gancensus.contracts.randomness import derive_seed
from gancensus.contracts.source import Source
from gancensus.storage import schemas
from gancensus.storage.models import write_model
from gancensus.storage.samples import SampleRows, read_samples
from gancensus.storage.tables import write_table
from gancensus.training.loop import architecture, history_columns
from gancensus.training.splits import learned
from gancensus.training.unfinished import Unfinished

FEW = slice(0, 2)  # samples on which an encoder that is not fitted is tried


def main(argv: Sequence[str] | None = None) -> None:
    """Fit; write weights and history. Where vectors are rows of a file, compare that with the source first."""
    args = step.arguments(
        __doc__,
        argv,
        study=str,
        name=str,
        encoder=step.member(Encoder),
        seed=int,
        device=str,
        checkpoint=float,
        source=[step.member(Source)],  # of an encoder whose vectors are rows of a file
        train=[Path],
        model=Path,
        history=Path,
    )
    for source in args.source:
        args.encoder.check_rows(source.load(derive_seed(args.seed, "source")).sample_id)
    samples = read_samples(args.train) if args.encoder.fitted else next(SampleRows(args.train).chunks(FEW))
    samples = learned(samples, args.encoder.class_learned, f"encoder {args.name}")
    seed = derive_seed(args.seed, args.study, "encoder", args.name)
    unfinished = Unfinished(args.model, args.checkpoint, args.encoder, samples, seed, args.device)
    fitted = args.encoder.fit(samples.x, seed, args.device, unfinished)
    write_table(args.history, history_columns(fitted.history), schemas.history(fitted.history))
    write_model(args.model, fitted.weights, architecture(args.encoder, samples.x.shape[1:]))
    unfinished.remove()


if __name__ == "__main__":
    step.run(main)
