#!/usr/bin/env python
"""Search one shard of a population's pairs for duplicates."""

import step
from step import Path

from gancensus import tables
from gancensus.config import Definition
from gancensus.files import columns, read_samples, write_table
from gancensus.pairs import find_pairs


def main() -> None:
    """Write the pairs within all thresholds, by sample_id, with their exact values."""
    args = step.arguments(
        __doc__,
        definition=step.section(Definition),
        thresholds=Path,
        shard=int,
        shards=int,
        features=[Path],
        output=Path,
    )
    metrics = list(args.definition.values())
    populations = [read_samples(paths) for paths in step.grouped(args.features, len(metrics))]
    features = [metric.features(samples.x) for metric, samples in zip(metrics, populations, strict=True)]
    print(f"searching {len(populations[0])} samples, shard {args.shard} of {args.shards}", flush=True)
    found = find_pairs(metrics, features, columns(args.thresholds)["threshold"].tolist(), args.shard, args.shards)
    ids = populations[0].sample_id
    values = dict(zip(args.definition, found.values.T, strict=True))
    write_table(
        args.output,
        {"i": ids[found.i], "j": ids[found.j], **values},
        tables.duplicates(args.definition),
        {"samples": str(len(ids))},
    )


step.run(main)
