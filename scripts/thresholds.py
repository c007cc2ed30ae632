#!/usr/bin/env python
"""Find how close is 'the same': the alpha-quantile of all distances between real samples, metric by metric."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.contracts.device import choose_device
from gancensus.contracts.metric import Calibrated, Metric
from gancensus.contracts.randomness import derive_rng
from gancensus.search.populations import Population
from gancensus.search.repeats import partners
from gancensus.search.thresholds import threshold
from gancensus.storage import schemas
from gancensus.storage.files import write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Write one row per metric; a threshold that the configuration gives has no alpha."""
    args = step.arguments(
        __doc__,
        argv,
        study=str,
        name=str,
        definition=step.members(Metric),
        level=float,
        seed=int,
        memory=int,
        device=str,
        features=[Path],
        output=Path,
    )
    metrics = list(args.definition.values())
    spaces = step.spaces(metrics, args.features)
    conditions = [metric for metric in metrics if metric.fixed is not None]
    pairs = int(partners(conditions, Population(conditions or metrics, spaces).side(args.memory))[0].sum()) // 2
    rows: list[tuple[str, float | None, float | None, float | None, float | None, int, int]] = []
    for name, metric in args.definition.items():
        if not isinstance(metric, Calibrated):
            rows.append((name, None, metric.fixed, metric.fixed, metric.fixed, pairs, pairs))
            continue
        print(f"{name}: {pairs} pairs of calibrate", flush=True)
        side = Population([metric, *conditions], spaces).side(args.memory)
        rng = derive_rng(args.seed, args.study, "thresholds", args.name, name)
        device = choose_device(args.device)
        found = threshold(metric, metric.alpha, conditions, side, pairs, args.level, rng, device)
        rows.append((name, metric.alpha, *found, pairs))
    write_table(
        args.output, dict(zip(schemas.THRESHOLDS.names, zip(*rows, strict=True), strict=True)), schemas.THRESHOLDS
    )


if __name__ == "__main__":
    step.run(main)
