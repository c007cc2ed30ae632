"""A search: every duplicate of a population, or across two, as the columns of its tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gancensus.contracts.device import choose_device
from gancensus.contracts.metric import LOOSEST, MIDDLE, SCALES, Metric
from gancensus.contracts.samples import SampleTable
from gancensus.contracts.table import Columns
from gancensus.search.pairs import Side, costs, deal, find_pairs
from gancensus.search.populations import PILOT, Population, condition_groups, condition_line
from gancensus.search.repeats import Tally, expected_share, listed, listing_step, partners

COUNTS_OF_SCALES = [f"duplicates_{scale}" for scale in SCALES if scale != LOOSEST]
Spaces = Mapping[str | None, SampleTable]
"""A population's samples, and its vectors by encoder."""


class Share(NamedTuple):
    """Which part of a search to make, and its limits; the shards of a search must agree on memory and cap."""

    shard: int
    shards: int
    memory: int
    """MB."""
    cap: int
    """Number of pairs that are listed, roughly."""
    device: str


class Found(NamedTuple):
    """The tables of a search, as `storage.schemas` has them, and what the first keeps in its metadata."""

    duplicates: Columns
    repeats: Columns
    facts: dict[str, str]


def at_scale(duplicates: Columns, facts: Mapping[str, str], scale: str = MIDDLE) -> Columns:
    """Return the rows of a table of duplicates that are within the thresholds of a scale; all where there are none."""
    limits: dict[str, dict[str, float]] = json.loads(facts.get("scales", "{}"))
    if not limits or scale == LOOSEST:
        return duplicates
    keep = np.all([duplicates[metric] <= limit for metric, limit in limits[scale].items()], axis=0)
    return {name: column[keep] for name, column in duplicates.items()}


def search(
    definition: Mapping[str, Metric],
    thresholds: Sequence[float],
    populations: Mapping[str, Spaces],
    share: Share,
    progress: Callable[[str], None] = lambda text: None,
    scales: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> Found:
    """Find the duplicates within a population, or across two, with their exact distances; count those of each sample.

    Args:
        definition: the metrics by name.
        thresholds: of each, in the same order.
        populations: one, or two, by name.
        share: the part of the search to make.
        progress: called with a line on how far it is.
        scales: thresholds at every scale of the definition, if it has any; `thresholds` are those of LOOSEST.
    """
    metrics, tighter = list(definition.values()), [scale for scale in scales if scale != LOOSEST]
    conditions = [metric for metric in metrics if metric.fixed is not None]
    spaces = list(populations.values())
    samples = [next(iter(rows.values())).identities() for rows in spaces]
    sides = [Population(metrics, rows) for rows in spaces]
    sizes = " x ".join(f"{len(s):,}" for s in samples)
    progress(f"searching {sizes} samples of {'~'.join(populations)}, shard {share.shard} of {share.shards}")
    expected = expected_share(metrics, thresholds, *(side.some(PILOT) for side in sides))
    every = listing_step(expected, share.cap, *map(len, samples))
    if every > 1:
        named = f"{listed(len(samples[0]), every):,} of the {len(samples[0]):,} samples of {next(iter(populations))}"
        progress(f"about {expected:.2%} of the pairs are duplicates: all are counted, those of {named} listed")
    a, *others = (side.side(share.memory, share.shards) for side in sides)
    b = next(iter(others), None)
    todo = deal(costs(a, b, condition_line(conditions, samples)), share.shard, share.shards)
    tally = Tally([len(s) for s in samples], len(metrics), every, share.cap, [scales[scale] for scale in tighter])
    for done, task in enumerate(todo, 1):
        for pairs in find_pairs(metrics, thresholds, a, b, [task], choose_device(share.device)):
            tally.add(pairs)
        progress(f"{done} of {len(todo)} tasks searched")
    if conditions:
        a = Side(a.blocks, Population(conditions, spaces[0]).features)
        b = b and Side(b.blocks, Population(conditions, spaces[-1]).features)
    compared = partners(conditions, a, b, todo)
    groups = condition_groups(conditions, samples)
    by_scale: dict[str, Any] = dict.fromkeys(COUNTS_OF_SCALES, pa.nulls(sum(map(len, samples)), pa.int64()))
    for scale, counted in zip(tighter, tally.tighter, strict=True):
        by_scale[f"duplicates_{scale}"] = np.concatenate(counted.repeats[: len(samples)])
    first, last, found = samples[0].sample_id, samples[-1].sample_id, tally.pairs
    repeats = {
        "population": np.repeat(list(populations), [len(s) for s in samples]),
        "sample_id": np.concatenate([s.sample_id for s in samples]),
        "duplicates": np.concatenate(tally.repeats[: len(samples)]),
        **by_scale,
        "partners": np.concatenate(compared[: len(samples)]),
        "condition": [None] * sum(map(len, samples)) if groups is None else groups,
    }
    facts = {"samples": str(len(first)), "step": str(tally.step)}
    if scales:
        facts["scales"] = json.dumps({scale: dict(zip(definition, of, strict=True)) for scale, of in scales.items()})
    if share.shards > 1:
        facts["blocks"] = f"{len(a.blocks)} x {len((b or a).blocks)}"
    return Found(
        {"i": first[found.i], "j": last[found.j], **dict(zip(definition, found.values.T, strict=True))}, repeats, facts
    )
