#!/usr/bin/env python
"""Join the shards of a search into one table of duplicates and one of repeats."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.errors import UserError
from gancensus.search.duplicates import COUNTS_OF_SCALES
from gancensus.search.shards import add_up, counted, merge_shards
from gancensus.storage import schemas
from gancensus.storage.tables import about, columns, read_table, write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Write all pairs in the order of (i, j), and the sums of the counts."""
    args = step.arguments(__doc__, argv, cap=int, shards=[Path], counts=[Path], duplicates=Path, repeats=Path)
    facts = [about(path) for path in args.shards]
    if len({fact["blocks"] for fact in facts}) > 1:
        raise UserError(f"{args.shards[0].parent}: its shards were cut for different `memory`; delete it and run again")
    names = counted(read_table(args.counts[0], COUNTS_OF_SCALES))
    repeats = add_up(read_table(args.counts[0]), (columns(path, names) for path in args.counts))
    metrics = [name for name in columns(args.shards[0]) if name not in ("i", "j")]
    found = merge_shards(metrics, map(columns, args.shards), facts, repeats, args.cap)
    write_table(args.duplicates, found.duplicates, schemas.duplicates(metrics), found.facts)
    write_table(args.repeats, found.repeats, schemas.REPEATS)


if __name__ == "__main__":
    step.run(main)
