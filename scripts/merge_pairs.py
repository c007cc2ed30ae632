#!/usr/bin/env python
"""Join the shards of a search into one table of duplicates."""

import numpy as np
import step
from step import Path

from gancensus import tables
from gancensus.files import about, columns, write_table
from gancensus.pairs import Pairs, merge


def main() -> None:
    """Write all pairs in the order of (i, j)."""
    args = step.arguments(__doc__, shards=[Path], output=Path)
    shards = [columns(path) for path in args.shards]
    metrics = [name for name in shards[0] if name not in ("i", "j")]
    found = merge([Pairs(s["i"], s["j"], np.column_stack([s[m] for m in metrics])) for s in shards])
    values = dict(zip(metrics, found.values.T, strict=True))
    samples = about(args.shards[0])["samples"]
    write_table(args.output, {"i": found.i, "j": found.j, **values}, tables.duplicates(metrics), {"samples": samples})


step.run(main)
