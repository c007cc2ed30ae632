#!/usr/bin/env python
"""Join the shards of a search into one table of duplicates and one of repeats."""

import numpy as np
import step
from step import Path

from gancensus import tables
from gancensus.files import about, columns, read_table, write_table
from gancensus.pairs import Pairs, merge


def main() -> None:
    """Write all pairs in the order of (i, j), and the sums of the counts."""
    args = step.arguments(__doc__, shards=[Path], counts=[Path], duplicates=Path, repeats=Path)
    shards = [columns(path) for path in args.shards]
    metrics = [name for name in shards[0] if name not in ("i", "j")]
    found = merge([Pairs(s["i"], s["j"], np.column_stack([s[m] for m in metrics])) for s in shards])
    values = dict(zip(metrics, found.values.T, strict=True))
    facts = {key: about(args.shards[0])[key] for key in ("samples", "listed")}
    write_table(args.duplicates, {"i": found.i, "j": found.j, **values}, tables.duplicates(metrics), facts)
    counts = [columns(path) for path in args.counts]
    sums = {name: np.sum([c[name] for c in counts], axis=0) for name in ("duplicates", "partners")}
    condition = {"condition": read_table(args.counts[0])["condition"]}  # as it is: it may be null
    write_table(args.repeats, counts[0] | sums | condition, tables.REPEATS)


step.run(main)
