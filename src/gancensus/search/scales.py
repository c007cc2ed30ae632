"""Scales: the one alpha of several metrics at which `holdout` is expected to have a given number of duplicates.

A pair is within the alpha-quantiles of all metrics when the largest of its ranks among all pairs, metric by metric, is
below alpha. So the joint number of pairs at any alpha is read off these ranks, and one search finds every scale.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, comb, inf, isqrt, log, sqrt

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.metric import MIDDLE, SCALES
from gancensus.contracts.table import Columns

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

FEWEST = 10  # pairs of calibrate at a scale: a threshold from one pair is noise
MOST = 0.2  # alpha: with few samples, scales coincide here
SEEN = 30  # sampled pairs at which a share is known well enough to start from
TRIES = 40
HELD = 1_000_000  # pairs of calibrate at the loosest scale
CLOSE = 1.02  # between two alphas that are not told apart


def wanted(calibrate: int, holdout: int) -> dict[str, int]:
    """Return how many pairs of `calibrate` each scale is to hold, from the numbers of samples.

    The count of `holdout` scaled by the pairs of both, rounded up, and at least FEWEST.
    """
    own, other = comb(calibrate, 2), max(1, comb(holdout, 2))
    return {scale: max(FEWEST, -(-count * own // other)) for scale, count in SCALES.items()}


def searchable(calibrate: int, holdout: int) -> int:
    """Return how many samples of `calibrate` are searched: not all where these have far more pairs than are needed."""
    most = 1 + isqrt(2 * HELD * max(1, comb(holdout, 2)) // max(SCALES.values()))
    return min(calibrate, most)


def largest_rank(pairs: int) -> int:
    """Return the rank of a distance, from 1, at the largest alpha."""
    return max(1, int(MOST * pairs))


def start(sample: Floats, share: float) -> float:
    """Guess the alpha, and rather too large, at which a share of the pairs is within the quantiles of all metrics.

    sample (pairs, metrics): distances of random pairs; inf in a row that is no duplicate at any alpha.
    """
    count, metrics = sample.shape
    order = np.sort(sample, axis=0)
    keys = np.column_stack([np.searchsorted(order[:, m], sample[:, m]) for m in range(metrics)]).max(axis=1) + 1.0
    keys = np.sort(keys[np.isfinite(sample).all(axis=1)]) / max(1, count)
    expected = share * count
    last = ceil(max(SEEN, expected + 3 * sqrt(expected)))
    if last > len(keys):
        return MOST
    if expected >= SEEN:
        return float(min(MOST, keys[last - 1]))
    few, many = float(keys[SEEN - 1]), float(keys[min(10 * SEEN, len(keys)) - 1])
    slope = log(min(10 * SEEN, len(keys)) / SEEN) / log(many / few) if many > few else 1.0
    return float(min(MOST, few * (1.3 * expected / SEEN) ** (1 / min(max(slope, 1.0), metrics))))


def enough(
    count: int, first: float, metrics: int, found: Callable[[float], tuple[Floats, bool]], least: float
) -> tuple[Floats, float]:
    """Return the distances of all pairs within the quantiles at an alpha that has at least `count` of them, and alpha.

    Fewer where MOST has fewer, or where ties leave only fewer or more than can be held; some where these are nearest.

    Args:
        count: of pairs.
        first: alpha to start from.
        metrics: how many have the same alpha.
        found: of an alpha, the distances (pairs, metrics), and whether these are all and not too many to hold.
        least: the smallest alpha, that of one pair.
    """
    low, high, alpha = 0.0, inf, max(first, least)
    best = np.empty((0, metrics)), least
    for _ in range(TRIES):
        values, whole = found(alpha)
        if whole and (len(values) >= count or alpha >= MOST):
            return values, alpha
        low, high = (alpha, high) if whole else (low, alpha)
        best = (values, alpha) if whole or not low else best
        if high <= CLOSE * max(low, least):
            break
        grown = alpha * min(10.0, max(1.3, (1.3 * count / max(1, len(values))) ** (1 / metrics)))
        shrunk = sqrt(low * high) if low else max(least, high / 10)
        alpha = min(MOST, grown) if high == inf else shrunk
    return best


def rank_of(joint: IntArray, count: int, pairs: int, reached: float) -> int:
    """Return the rank of the threshold, from 1, in the distances of each metric, at which `count` pairs are within all.

    joint: of every pair that was found, the largest number of pairs, over the metrics, that are nearer by a metric;
    reached: the alpha at which they were found, where the rank is if they are fewer.
    """
    if len(joint) < count:
        return max(1, int(reached * pairs))
    return min(largest_rank(pairs), int(np.partition(joint, count - 1)[count - 1]) + 1)


def thresholds_at(table: Columns, scale: str = MIDDLE) -> list[float]:
    """Return the threshold of every metric, in the order of the definition, at a scale, where it has scales."""
    rows = zip(table["scale"], table["threshold"], strict=True)
    return [float(threshold) for of, threshold in rows if of in (None, scale)]


def scales_of(table: Columns) -> dict[str, list[float]]:
    """Return the thresholds by scale, from the strictest on; nothing where the definition has no scales."""
    known = [scale for scale in SCALES if scale in list(table["scale"])]
    return {scale: thresholds_at(table, scale) for scale in known}
