"""The shards of a search, added up to the tables of a search in one piece."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gancensus.contracts.samples import rows_of
from gancensus.contracts.table import Columns
from gancensus.search.duplicates import COUNTS_OF_SCALES, Found
from gancensus.search.pairs import Pairs
from gancensus.search.repeats import Tally

COUNTS = ["duplicates", *COUNTS_OF_SCALES, "partners"]


def add_up(whole: pa.Table, counts: Iterable[Columns]) -> Columns:
    """Return the repeats of a search, whose shards cover the same samples, with the sums of their counts.

    whole: the repeats of one shard; counts: COUNTS of every shard, of which one at a time is held. Those of scales
    stay missing where the definition has none.
    """
    whole = whole.combine_chunks()
    missing = {n for n in COUNTS_OF_SCALES if n not in whole.column_names or whole[n].null_count}
    sums = {name: np.zeros(len(whole), dtype=np.int64) for name in COUNTS if name not in missing}
    for columns in counts:
        for name, total in sums.items():
            total += columns[name]
    return {**{name: whole[name] for name in whole.column_names}, "sample_id": whole["sample_id"].to_numpy(), **sums}


def merge_shards(
    metrics: Sequence[str],
    duplicates: Iterable[Columns],
    facts: Sequence[Mapping[str, str]],
    repeats: Columns,
    cap: int,
) -> Found:
    """Return what the shards of a search have found, in the order of (i, j).

    Args:
        metrics: by name.
        duplicates: of every shard, of which one at a time is held.
        facts: of every shard.
        repeats: what `add_up` returns.
        cap: number of pairs that are listed, roughly.
    """
    first, last = _sides(repeats)
    tally = Tally([len(first), len(last)], len(metrics), max(int(fact["step"]) for fact in facts), cap)
    for shard in duplicates:
        values = np.column_stack([shard[metric] for metric in metrics])
        tally.add(Pairs(rows_of(first, shard["i"]), rows_of(last, shard["j"]), values))
    found = tally.pairs
    table = {"i": first[found.i], "j": last[found.j], **dict(zip(metrics, found.values.T, strict=True))}
    kept = {name: fact for name, fact in facts[0].items() if name in ("samples", "step", "scales")}
    return Found(table, repeats, kept | {"step": str(tally.step)})


def _sides(repeats: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sample_id of the population of a search and of the other one, or of the same."""
    population, ids = repeats["population"], repeats["sample_id"]
    first = pc.equal(population, population[0]).to_numpy() if len(ids) else np.ones(0, dtype=bool)
    return ids[first], ids if first.all() else ids[~first]
