#!/usr/bin/env python
"""Keep the densest share of the training samples."""

from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.score import Score
from gancensus.domains.selection.keep import select
from gancensus.storage import schemas
from gancensus.storage.files import read_samples, write_table


def main() -> None:
    """Score the embedded samples and mark the kept ones."""
    args = step.arguments(__doc__, score=step.member(Score), keep=float, embedded=[Path], output=Path)
    samples = read_samples(args.embedded)
    scores, kept = select(args.score, samples.x, samples.label, args.keep)
    table = {"sample_id": samples.sample_id, "score": scores, "kept": kept}
    write_table(args.output, table, schemas.selection(args.score.unit))


step.run(main)
