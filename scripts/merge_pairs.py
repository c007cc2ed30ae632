#!/usr/bin/env python
"""Join the shards of a search into one table of duplicates and one of repeats."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import rows_of
from gancensus.contracts.table import Columns
from gancensus.search.pairs import Pairs
from gancensus.search.repeats import Tally
from gancensus.storage import schemas
from gancensus.storage.files import about, columns, read_table, write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Write all pairs in the order of (i, j), and the sums of the counts."""
    args = step.arguments(__doc__, argv, cap=int, shards=[Path], counts=[Path], duplicates=Path, repeats=Path)
    facts = [about(path) for path in args.shards]
    if len({fact["blocks"] for fact in facts}) > 1:
        raise UserError(f"{args.shards[0].parent}: its shards were cut for different `memory`; delete it and run again")
    repeats = add_up(args.counts)
    first, last = sides(repeats)
    metrics = [name for name in columns(args.shards[0]) if name not in ("i", "j")]
    tally = Tally([len(first), len(last)], len(metrics), max(int(fact["step"]) for fact in facts), args.cap)
    for path in args.shards:
        shard = columns(path)
        values = np.column_stack([shard[metric] for metric in metrics])
        tally.add(Pairs(rows_of(first, shard["i"]), rows_of(last, shard["j"]), values))
    found = tally.pairs
    write_table(
        args.duplicates,
        {"i": first[found.i], "j": last[found.j], **dict(zip(metrics, found.values.T, strict=True))},
        schemas.duplicates(metrics),
        {"samples": facts[0]["samples"], "step": str(tally.step)},
    )
    write_table(args.repeats, repeats, schemas.REPEATS)


def add_up(paths: list[Path]) -> Columns:
    """Return the repeats of all shards, which tell of the same samples: one table, with the sums of their counts."""
    whole = read_table(paths[0]).combine_chunks()
    sums = {name: np.zeros(len(whole), dtype=np.int64) for name in ("duplicates", "partners")}
    for path in paths:  # one by one: a hundred tables of millions of rows
        counts = columns(path, list(sums))
        for name, total in sums.items():
            total += counts[name]
    return {**{name: whole[name] for name in whole.column_names}, "sample_id": whole["sample_id"].to_numpy(), **sums}


def sides(repeats: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sample_id of the population of a search and of the other one, or of the same."""
    population, ids = repeats["population"], repeats["sample_id"]
    first = pc.equal(population, population[0]).to_numpy() if len(ids) else np.ones(0, dtype=bool)
    return ids[first], ids if first.all() else ids[~first]


if __name__ == "__main__":
    step.run(main)
