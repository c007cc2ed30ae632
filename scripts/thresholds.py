#!/usr/bin/env python
"""Find how close is 'the same': the alpha-quantile of all distances between real samples, metric by metric."""

import step
from step import Path

from gancensus import tables
from gancensus.config import Definition
from gancensus.files import read_samples, write_table
from gancensus.pairs import all_distances
from gancensus.thresholds import quantile


def main() -> None:
    """Write one row per metric."""
    args = step.arguments(__doc__, definition=step.section(Definition), features=[Path], output=Path)
    rows = []
    groups = step.grouped(args.features, len(args.definition))
    for (name, metric), paths in zip(args.definition.items(), groups, strict=True):
        distances = all_distances(metric, metric.features(read_samples(paths).x))
        rows.append((name, metric.alpha, quantile(distances, metric.alpha), len(distances)))
    write_table(
        args.output, dict(zip(tables.THRESHOLDS.names, zip(*rows, strict=True), strict=True)), tables.THRESHOLDS
    )


step.run(main)
