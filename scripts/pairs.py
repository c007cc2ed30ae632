#!/usr/bin/env python
"""Search one shard of a population's pairs for duplicates, or of its pairs with another population's samples."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.metric import Metric
from gancensus.contracts.samples import Samples
from gancensus.search.join import choose_device
from gancensus.search.pairs import Side, costs, deal, find_pairs
from gancensus.search.populations import PILOT, Population, condition_groups, condition_line
from gancensus.search.repeats import Tally, expected_share, listed, listing_step, partners
from gancensus.storage import schemas
from gancensus.storage.files import columns, write_table


def main() -> None:
    """Write the duplicates by sample_id, with their exact distances, and how often each sample is repeated."""
    args = step.arguments(
        __doc__,
        definition=step.members(Metric),
        thresholds=Path,
        shard=int,
        shards=int,
        memory=int,
        cap=int,
        device=str,
        populations=[str],
        features=[Path],
        duplicates=Path,
        repeats=Path,
    )
    metrics = list(args.definition.values())
    conditions = [metric for metric in metrics if metric.fixed is not None]
    thresholds = columns(args.thresholds)["threshold"].tolist()
    spaces = [step.spaces(metrics, paths) for paths in step.grouped(args.features, len(args.populations))]
    samples = [next(iter(rows.values())).identities() for rows in spaces]
    populations = [Population(metrics, rows) for rows in spaces]
    sizes = " x ".join(f"{len(s):,}" for s in samples)
    print(f"searching {sizes} samples, shard {args.shard} of {args.shards}", flush=True)
    share = expected_share(metrics, thresholds, *(population.some(PILOT) for population in populations))
    every = listing_step(share, args.cap, *map(len, samples))
    if every > 1:
        named = f"{listed(len(samples[0]), every):,} of the {len(samples[0]):,} samples of {args.populations[0]}"
        print(f"about {share:.2%} of the pairs are duplicates: all are counted, those of {named} listed", flush=True)
    a, *others = (population.side(args.memory, args.shards) for population in populations)
    b = next(iter(others), None)
    todo = deal(costs(a, b, condition_line(conditions, samples)), args.shard, args.shards)
    tally = Tally([len(s) for s in samples], len(metrics), every, args.cap)
    for done, task in enumerate(todo, 1):
        for found in find_pairs(metrics, thresholds, a, b, [task], choose_device(args.device)):
            tally.add(found)
        print(f"{done} of {len(todo)} tasks searched", flush=True)
    if conditions:
        a = Side(a.blocks, Population(conditions, spaces[0]).features)
        b = b and Side(b.blocks, Population(conditions, spaces[-1]).features)
    blocks = f"{len(a.blocks)} x {len((b or a).blocks)}"
    write(args, samples, tally, partners(conditions, a, b, todo), condition_groups(conditions, samples), blocks)


def write(
    args: Namespace,
    samples: list[Samples],
    tally: Tally,
    compared: Sequence[NDArray[np.int64]],
    groups: NDArray[np.int64] | None,
    blocks: str,
) -> None:
    """Write the table of duplicates and that of repeats."""
    first, last = samples[0].sample_id, samples[-1].sample_id
    found = tally.pairs
    write_table(
        args.duplicates,
        {"i": first[found.i], "j": last[found.j], **dict(zip(args.definition, found.values.T, strict=True))},
        schemas.duplicates(args.definition),
        {"samples": str(len(first)), "step": str(tally.step), "blocks": blocks},
    )
    repeats = {
        "population": np.repeat(args.populations, [len(s) for s in samples]),
        "sample_id": np.concatenate([s.sample_id for s in samples]),
        "duplicates": np.concatenate(tally.repeats[: len(samples)]),
        "partners": np.concatenate(compared[: len(samples)]),
        "condition": [None] * sum(map(len, samples)) if groups is None else groups,
    }
    write_table(args.repeats, repeats, schemas.REPEATS)


step.run(main)
