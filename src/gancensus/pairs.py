"""All pairs of near-duplicates in a population, exactly, cut into shards that share no pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.metrics import Metric

TILE = 2048  # rows of a tile: 2048 x 2048 distances in float64 are 34 MB


class Pairs(NamedTuple):
    """Duplicate pairs: rows i < j, ordered by (i, j), and one exact value per metric, (pairs, metrics)."""

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    values: NDArray[np.float64]


def tiles(samples: int, shard: int = 0, shards: int = 1) -> Iterator[tuple[slice, slice]]:
    """Yield the tiles (rows, columns) of the upper triangle that belong to a shard.

    Tiles are dealt out in turn, so that shards cost about the same.
    """
    starts = range(0, samples, TILE)
    upper = [(slice(r, r + TILE), slice(c, c + TILE)) for r in starts for c in starts if c >= r]
    yield from upper[shard::shards]


def find_pairs(
    metrics: Sequence[Metric],
    features: Sequence[NDArray[Any]],
    thresholds: Sequence[float],
    shard: int = 0,
    shards: int = 1,
) -> Pairs:
    """Find every pair of samples whose distance is within the threshold in all metrics.

    features[m] (n, d_m) belongs to metrics[m]. The filters of all metrics come first, then the exact values of what is
    left, metric by metric. The union over the shards is the same for any number of them.
    """
    found = [_search_tile(metrics, features, thresholds, *tile) for tile in tiles(len(features[0]), shard, shards)]
    empty = np.empty(0, dtype=np.int64)
    return merge([Pairs(empty, empty, np.empty((0, len(metrics)))), *found])


def _search_tile(
    metrics: Sequence[Metric],
    features: Sequence[NDArray[Any]],
    thresholds: Sequence[float],
    rows: slice,
    columns: slice,
) -> Pairs:
    """Find the pairs of one tile."""
    masks = [m.candidates(f[rows], f[columns], t) for m, f, t in zip(metrics, features, thresholds, strict=True)]
    mask = np.logical_and.reduce(masks)
    if rows == columns:
        mask = np.triu(mask, k=1)
    i, j = (index.astype(np.int64) for index in np.nonzero(mask))
    i, j, values = i + rows.start, j + columns.start, np.empty((len(i), 0))
    for metric, feature, threshold in zip(metrics, features, thresholds, strict=True):
        value = metric.exact(feature, feature, i, j)
        keep = value <= threshold
        i, j, values = i[keep], j[keep], np.column_stack([values, value])[keep]
    return Pairs(i, j, values)


def merge(parts: Sequence[Pairs]) -> Pairs:
    """Join the pairs of tiles or shards, ordered by (i, j)."""
    i, j, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((j, i))
    return Pairs(i[order], j[order], values[order])


def all_distances(metric: Metric, features: NDArray[Any]) -> NDArray[np.float64]:
    """Return the exact distances of all n(n-1)/2 pairs, tile by tile."""
    found = [np.empty(0)]
    for rows, columns in tiles(len(features)):
        height, width = len(features[rows]), len(features[columns])
        i, j = np.triu_indices(height, k=1) if rows == columns else np.indices((height, width)).reshape(2, -1)
        found.append(metric.exact(features, features, i + rows.start, j + columns.start))
    return np.concatenate(found)
