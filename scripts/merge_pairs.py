#!/usr/bin/env python
"""Join the shards of a search into one table of duplicates and one of repeats."""

import numpy as np
import step
from step import Path

from gancensus import tables
from gancensus.errors import UserError
from gancensus.files import about, columns, read_table, write_table
from gancensus.pairs import Pairs, merge
from gancensus.repeats import thinned
from gancensus.samples import rows_of


def main() -> None:
    """Write all pairs in the order of (i, j), and the sums of the counts."""
    args = step.arguments(__doc__, cap=int, shards=[Path], counts=[Path], duplicates=Path, repeats=Path)
    facts = [about(path) for path in args.shards]
    if len({fact["blocks"] for fact in facts}) > 1:
        raise UserError(f"{args.shards[0].parent}: its shards were cut for different `memory`; delete it and run again")
    shards, counts = [columns(path) for path in args.shards], [columns(path) for path in args.counts]
    metrics = [name for name in shards[0] if name not in ("i", "j")]
    first, last = sides(counts[0]["population"], counts[0]["sample_id"])
    parts = [
        Pairs(rows_of(first, s["i"]), rows_of(last, s["j"]), np.column_stack([s[m] for m in metrics])) for s in shards
    ]
    found, every = thinned(merge(parts), max(int(fact["step"]) for fact in facts), args.cap)
    values = dict(zip(metrics, found.values.T, strict=True))
    write_table(
        args.duplicates,
        {"i": first[found.i], "j": last[found.j], **values},
        tables.duplicates(metrics),
        {"samples": facts[0]["samples"], "step": str(every)},
    )
    sums = {name: np.sum([c[name] for c in counts], axis=0) for name in ("duplicates", "partners")}
    condition = {"condition": read_table(args.counts[0])["condition"]}  # as it is: it may be null
    write_table(args.repeats, counts[0] | sums | condition, tables.REPEATS)


def sides(population: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sample_id of the population of a search and of the other one, or of the same."""
    first = population == population[0] if len(population) else np.ones(0, dtype=bool)
    return ids[first], ids if first.all() else ids[~first]


step.run(main)
