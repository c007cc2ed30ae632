#!/usr/bin/env python
"""Keep the densest share of the training samples."""

from pathlib import Path

import gancensus.steps as step

from gancensus import tables
from gancensus.files import read_samples, write_table
from gancensus.scores import Score
from gancensus.selection import select


def main() -> None:
    """Score the embedded samples and mark the kept ones."""
    args = step.arguments(__doc__, score=step.member(Score), keep=float, embedded=[Path], output=Path)
    samples = read_samples(args.embedded)
    scores, kept = select(args.score, samples.x, samples.label, args.keep)
    table = {"sample_id": samples.sample_id, "score": scores, "kept": kept}
    write_table(args.output, table, tables.selection(args.score.unit))


step.run(main)
