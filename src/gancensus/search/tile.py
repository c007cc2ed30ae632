"""A tile of a population's pairs by brute force: what the search must have found there, without its filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.metric import Features, Metric
from gancensus.contracts.samples import Samples
from gancensus.search.pairs import Pairs, merge, none
from gancensus.storage.samples import SampleRows

NANOSECONDS = 4e9  # that the exact distances of a tile take, roughly
FEWEST, MOST = 32, 2048  # rows of a tile
AT_ONCE = 1 << 18  # pairs whose distances are held

Rows = NDArray[np.int64]


def tile_rows(rng: np.random.Generator, metrics: Sequence[Metric], samples: int, step: int) -> Rows:
    """Return the rows of a tile: two runs of those that are listed (every step-th), or all where these are few.

    Of costly metrics the tile is smaller: all its pairs take some seconds.
    """
    listed = -(-samples // step)
    size = int((2 * NANOSECONDS / sum(metric.cost for metric in metrics)) ** 0.5)
    half = min(max(size, FEWEST), MOST) // 2
    if listed <= 2 * half:
        return np.arange(listed) * step
    first, second = np.sort(rng.integers(0, listed - 2 * half + 1, size=2))
    return np.concatenate([np.arange(half) + first, np.arange(half) + second + half]) * step


def tile_features(metrics: Sequence[Metric], spaces: Mapping[str | None, SampleRows], rows: Rows) -> list[Features]:
    """Return the features of some rows, metric by metric. Raises UserError where they cannot be read or compared."""
    samples: dict[str | None, Samples] = {space: spaces[space].take(rows) for space in {m.space for m in metrics}}
    return [metric.features(samples[metric.space]) for metric in metrics]


def brute_force(
    metrics: Sequence[Metric],
    thresholds: Sequence[float],
    a: Sequence[Features],
    b: Sequence[Features] | None = None,
) -> Pairs:
    """Return every pair within all thresholds among the samples of a tile, i < j, or between those of two.

    Each metric's exact distance is computed for each pair: nothing is filtered, and nothing ends early.

    Args:
        metrics: of the definition.
        thresholds: the largest distance of a duplicate in each.
        a: features, metric by metric.
        b: those of the other tile; None for pairs within `a`.
    """
    n, m = len(a[0][0]), len((b or a)[0][0])
    found = [none(len(metrics))]
    for start in range(0, n, rows := max(1, AT_ONCE // max(1, m))):
        i, j = (index.reshape(-1) for index in np.mgrid[start : min(start + rows, n), 0:m])
        if b is None:
            i, j = i[i < j], j[i < j]
        columns = [f.exact(x, y, i, j, inf) for f, x, y in zip(metrics, a, b or a, strict=True)]
        values = np.column_stack(columns)
        keep = (values <= np.asarray(thresholds)).all(axis=1)
        found.append(Pairs(i[keep], j[keep], values[keep]))
    return merge(found)


def same_pairs(listed: Pairs, computed: Pairs) -> list[str]:
    """Return how listed pairs differ from computed ones, both ordered by (i, j): nothing where all are equal."""
    one, other = (list(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True)) for pairs in (listed, computed))
    lines = [f"pair {i}, {j} is not listed" for i, j in sorted(set(other) - set(one))]
    lines += [f"pair {i}, {j} is listed, but no duplicate" for i, j in sorted(set(one) - set(other))]
    if len(set(one)) < len(one):
        lines.append("a pair is listed more than once")
    if not lines:
        differ = np.flatnonzero((listed.values != computed.values).any(axis=1))
        lines = [f"pair {one[k][0]}, {one[k][1]} has another distance" for k in differ]
    return lines
