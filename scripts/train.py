#!/usr/bin/env python
"""Train one replica of a generator."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.generator import Generator
from gancensus.contracts.randomness import derive_seed
from gancensus.storage import schemas
from gancensus.storage.models import write_model
from gancensus.storage.samples import SampleRows
from gancensus.storage.tables import columns, write_table
from gancensus.training.loop import architecture, history_columns
from gancensus.training.splits import kept
from gancensus.training.unfinished import Unfinished


def main(argv: Sequence[str] | None = None) -> None:
    """Train on all samples or on the kept ones; write weights and history.

    Those for validation are given where the generator is `validated`.
    """
    args = step.arguments(
        __doc__,
        argv,
        study=str,
        name=str,
        replica=int,
        generator=step.member(Generator),
        seed=int,
        device=str,
        checkpoint=float,
        train=[Path],
        selection=[Path],
        validation=[Path],
        model=Path,
        history=Path,
    )
    samples = kept(SampleRows(args.train), [columns(path) for path in args.selection])
    validation = kept(SampleRows(args.validation), []) if args.validation else None
    seed = derive_seed(args.seed, args.study, "train", args.name, args.replica)
    unfinished = Unfinished(args.model, args.checkpoint, args.generator, samples, seed, args.device, validation)
    fitted = args.generator.train(samples, seed, args.device, unfinished, validation)
    write_table(args.history, history_columns(fitted.history), schemas.history(fitted.history))
    write_model(args.model, fitted.weights, architecture(args.generator, samples.shape))
    unfinished.remove()


if __name__ == "__main__":
    step.run(main)
