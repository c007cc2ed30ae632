#!/usr/bin/env python
"""Keep the densest share of the training samples."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.config.sections import Cut
from gancensus.contracts.score import Score
from gancensus.domains.selection.keep import select
from gancensus.storage import schemas
from gancensus.storage.samples import read_samples
from gancensus.storage.tables import write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Score the embedded samples and mark the kept ones."""
    args = step.arguments(__doc__, argv, score=step.member(Score), cut=step.section(Cut), embedded=[Path], output=Path)
    samples = read_samples(args.embedded)
    scores, kept = select(args.score, samples.x, samples.label, **args.cut.model_dump())
    table = {"sample_id": samples.sample_id, "score": scores, "kept": kept}
    write_table(args.output, table, schemas.selection(args.score.unit))


if __name__ == "__main__":
    step.run(main)
