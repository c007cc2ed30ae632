#!/usr/bin/env python
"""Fit an encoder on the training samples."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

import numpy as np

from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_seed
from gancensus.contracts.samples import Samples
from gancensus.contracts.source import Source
from gancensus.storage import schemas
from gancensus.storage.models import write_model
from gancensus.storage.samples import SampleRows, read_samples
from gancensus.storage.tables import write_table
from gancensus.training.loop import architecture, history_columns
from gancensus.training.unfinished import Unfinished

FEW = slice(0, 2)  # samples on which an encoder that is not fitted is tried


def of_class(samples: Samples, learned: int | None, name: str) -> Samples:
    """Return the samples of a class; all of them for None."""
    if learned is None:
        return samples
    rows = np.flatnonzero(samples.label == learned) if samples.label is not None else np.empty(0, np.int64)
    if len(rows) < 2:
        known = ", ".join(map(str, np.unique(samples.label))) if samples.label is not None else "none"
        raise UserError(
            f"encoder {name}: it learns from class {learned} (`only`), of which `train` has {len(rows)} samples; "
            f"classes of its samples: {known}"
        )
    return samples.take(rows)


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
    samples = of_class(samples, args.encoder.class_learned, args.name)
    seed = derive_seed(args.seed, args.study, "encoder", args.name)
    unfinished = Unfinished(args.model, args.checkpoint, args.encoder, samples, seed, args.device)
    fitted = args.encoder.fit(samples.x, seed, args.device, unfinished)
    write_table(args.history, history_columns(fitted.history), schemas.history(fitted.history))
    write_model(args.model, fitted.weights, architecture(args.encoder, samples.x.shape[1:]))
    unfinished.remove()


if __name__ == "__main__":
    step.run(main)
