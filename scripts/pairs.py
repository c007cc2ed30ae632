#!/usr/bin/env python
"""Search a population's pairs for duplicates, and its pairs with other populations; or one shard of a search."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import gancensus.config.steps as step

from gancensus.config.results import Search
from gancensus.contracts.metric import LOOSEST, Metric
from gancensus.search.duplicates import Share, search
from gancensus.search.scales import scales_of, thresholds_at
from gancensus.storage import schemas
from gancensus.storage.tables import columns, write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Write the duplicates by sample_id, with their exact distances, and how often each sample is repeated."""
    args = step.arguments(
        __doc__,
        argv,
        definition=step.members(Metric),
        thresholds=Path,
        shard=int,
        shards=int,
        memory=int,
        cap=int,
        device=str,
        searches=step.section(list[Search]),
        populations=[str],
        features=[Path],
        duplicates=[Path],
        repeats=[Path],
    )
    table = columns(args.thresholds)
    thresholds, scales = thresholds_at(table, LOOSEST), scales_of(table)
    groups = step.grouped(args.features, len(args.populations))
    spaces = {
        name: step.spaces(list(args.definition.values()), paths)
        for name, paths in zip(args.populations, groups, strict=True)
    }
    share = Share(args.shard, args.shards, args.memory, args.cap, args.device)
    for searched, duplicates, repeats in zip(args.searches, args.duplicates, args.repeats, strict=True):
        compared = {population: spaces[population] for population in searched.populations}
        found = search(args.definition, thresholds, compared, share, partial(print, flush=True), scales)
        write_table(duplicates, found.duplicates, schemas.duplicates(args.definition), found.facts)
        write_table(repeats, found.repeats, schemas.REPEATS)


if __name__ == "__main__":
    step.run(main)
