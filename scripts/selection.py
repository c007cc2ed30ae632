#!/usr/bin/env python
"""Keep the densest share of the training samples."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.config.sections import Cut
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import flatten
from gancensus.contracts.score import Score
from gancensus.domains.selection.keep import scarce, select, stability
from gancensus.storage import schemas
from gancensus.storage.samples import read_samples
from gancensus.storage.tables import write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Score the embedded samples and mark the kept ones."""
    args = step.arguments(
        __doc__,
        argv,
        study=str,
        name=str,
        score=step.member(Score),
        cut=step.section(Cut),
        seed=int,
        embedded=[Path],
        output=Path,
    )
    samples = read_samples(args.embedded)
    chosen = (args.score, flatten(samples.x), samples.label, args.cut)
    scores, kept = select(*chosen, derive_rng(args.seed, args.study, "select", args.name))
    stable = stability(*chosen, derive_rng(args.seed, args.study, "stability", args.name))
    facts = {"stability": None if stable is None else f"{stable:.3f}", "warning": scarce(*chosen)}
    table = {"sample_id": samples.sample_id, "score": scores, "kept": kept}
    about = {name: fact for name, fact in facts.items() if fact is not None}
    write_table(args.output, table, schemas.selection(args.score.unit), about)


if __name__ == "__main__":
    step.run(main)
