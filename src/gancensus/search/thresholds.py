"""Thresholds: how close is 'the same', learned from real samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil, inf, nextafter, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.device import choose_device
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Calibrated, Metric
from gancensus.contracts.samples import Rows
from gancensus.contracts.table import Columns
from gancensus.search.pairs import Side, all_tasks, find_pairs
from gancensus.search.populations import Population
from gancensus.search.repeats import partners
from gancensus.statistics.intervals import quantile_ranks
from gancensus.storage.schemas import THRESHOLDS

EXPENSIVE = 1000.0  # nanoseconds a pair: from here on, a threshold comes from a sample of the pairs
SAMPLED_PAIRS = 50_000
MOST_DRAWS = 20_000_000  # pairs drawn for the sample, where few are under the same conditions
BINS = 1 << 16
Floats = NDArray[np.float64]


class Threshold(NamedTuple):
    """The alpha-quantile of the distances of `pairs` pairs.

    Where only a sample of all pairs was measured, `low` and `high` enclose the quantile of all; else they equal it.
    """

    value: float
    low: float
    high: float
    pairs: int


def find_thresholds(
    definition: Mapping[str, Metric],
    spaces: Mapping[str | None, Rows],
    level: float,
    rng: Callable[[str], np.random.Generator],
    memory: int,
    device: str,
    progress: Callable[[str], None] = lambda text: None,
) -> Columns:
    """Return the table of thresholds: a row per metric; one that the configuration gives has no alpha.

    Args:
        definition: the metrics by name.
        spaces: the samples of `calibrate`, and their vectors by encoder.
        level: of intervals.
        rng: gives each metric, by its name, random numbers of its own.
        memory: in MB.
        device: where matrices are multiplied; the result is the same.
        progress: called with a line on how far it is.

    Raises:
        UserError: as `threshold` does.
    """
    conditions = [metric for metric in definition.values() if metric.fixed is not None]
    compared = Population(conditions or list(definition.values()), spaces)
    pairs = int(partners(conditions, compared.side(memory))[0].sum()) // 2
    rows: list[tuple[str, float | None, float | None, float | None, float | None, int, int]] = []
    for name, metric in definition.items():
        if not isinstance(metric, Calibrated):
            rows.append((name, None, metric.fixed, metric.fixed, metric.fixed, pairs, pairs))
            continue
        progress(f"{name}: {pairs} pairs of calibrate")
        side = Population([metric, *conditions], spaces).side(memory)
        found = threshold(metric, metric.alpha, conditions, side, pairs, level, rng(name), choose_device(device))
        rows.append((name, metric.alpha, *found, pairs))
    return dict(zip(THRESHOLDS.names, zip(*rows, strict=True), strict=True))


def threshold(
    metric: Metric,
    alpha: float,
    conditions: Sequence[Metric],
    side: Side,
    pairs: int,
    level: float,
    rng: np.random.Generator,
    device: str = "cpu",
) -> Threshold:
    """Find the alpha-quantile of a metric's distances over all pairs that meet the conditions.

    Exact, in two passes over the pairs near it: one counts them in BINS bins, one sorts the bin with the quantile.
    Metrics of EXPENSIVE nanoseconds or more are measured on SAMPLED_PAIRS pairs, drawn with replacement; the interval
    is then that of order statistics, `quantile_ranks`.

    Args:
        metric: measured.
        alpha: share of the pairs that are within the threshold.
        conditions: metrics with a fixed threshold, all of which a pair must meet to count.
        side: the features of `metric` and then those of each condition.
        pairs: number of pairs that meet the conditions.
        level: of the interval, where pairs are sampled.
        rng: draws the sampled pairs.
        device: where matrices are multiplied; the result is the same.

    Raises:
        UserError: fewer than one pair is expected within the quantile, which then would say nothing.
    """
    rank = quantile_rank(alpha, pairs)
    fixed = [condition.fixed or 0.0 for condition in conditions]

    def distances(limit: float) -> Iterator[Floats]:
        for found in find_pairs([metric, *conditions], [limit, *fixed], side, device=device):
            yield found.values[:, 0]

    if pairs <= SAMPLED_PAIRS:
        value = float(np.sort(np.concatenate(list(distances(inf))))[rank - 1])
        return Threshold(value, value, value, pairs)
    sample = np.sort(_sampled(metric, conditions, fixed, side, pairs, rng))
    if metric.cost >= EXPENSIVE:
        if alpha * len(sample) < 1:
            raise UserError(
                f"alpha {alpha} is less than one of the {len(sample)} pairs on which {metric.kind}, an expensive "
                "metric, is measured; raise alpha"
            )
        low, high = quantile_ranks(len(sample), alpha, level)
        value, most = (float(sample[r - 1]) for r in (quantile_rank(alpha, len(sample)), min(high, len(sample))))
        return Threshold(value, float(sample[low - 1]) if low else 0.0, most, len(sample))
    value = _near(distances, rank, alpha, sample)
    return Threshold(value, value, value, pairs)


def quantile_rank(alpha: float, pairs: int) -> int:
    """Return the rank (from 1) of the alpha-quantile: the smallest distance t with share(distances <= t) >= alpha.

    Raises UserError when less than one pair is expected within it.
    """
    expected = alpha * pairs  # 0.1 * 30 is 3.0000000000000004, and 1 / 49 * 49 is 0.9999999999999999
    if expected < 1 - 1e-9:
        raise UserError(
            f"alpha {alpha} of the {pairs} pairs of `calibrate` is less than one pair; "
            "raise alpha or give `calibrate` more samples"
        )
    return ceil(expected * (1 - 1e-12))


def ranked(distances: Callable[[], Iterable[Floats]], rank: int, low: float, high: float) -> float | None:
    """Return the rank-th smallest distance (from 1), None when it does not lie in (low, high].

    `distances` yields all distances up to `high` again at every call. Memory does not depend on their number. More than
    two passes happen only where more than BINS distances share a bin.
    """
    while True:
        edges, below, bins = np.linspace(low, high, BINS + 1), 0, np.zeros(BINS, dtype=np.int64)
        for values in distances():
            below += int(np.count_nonzero(values <= low))
            bins += np.bincount(np.searchsorted(edges, _inside(values, low, high)) - 1, minlength=BINS)
        total = below + np.cumsum(bins)
        if not below < rank <= total[-1]:
            return None
        k = int(np.searchsorted(total, rank))
        low, high = float(edges[k]), float(edges[k + 1])
        if bins[k] <= BINS:
            rest = np.concatenate([_inside(values, low, high) for values in distances()])
            place = rank - 1 - int(total[k] - bins[k])
            return float(np.partition(rest, place)[place])
        if nextafter(low, inf) >= high:
            return high  # ties


def _inside(values: Floats, low: float, high: float) -> Floats:
    return values[(values > low) & (values <= high)]


def _near(distances: Callable[[float], Iterable[Floats]], rank: int, alpha: float, sample: Floats) -> float:
    """Return the rank-th smallest distance, looked for near the quantile of a sorted sample, then everywhere."""
    expected, reach = alpha * len(sample), 6 * sqrt(alpha * len(sample)) + 6
    first, last = int(expected - reach), ceil(expected + reach)
    low = nextafter(float(sample[first]), -inf) if first >= 0 else nextafter(0.0, -inf)
    if last < len(sample) and sample[last] < inf:
        high = float(sample[last])
        value = ranked(lambda: distances(high), rank, low, high)
        if value is not None:
            return value
    most = max((float(values[values < inf].max(initial=0.0)) for values in distances(inf)), default=0.0)
    value = ranked(lambda: distances(most), rank, nextafter(0.0, -inf), most)
    return inf if value is None else value


def _sampled(
    metric: Metric,
    conditions: Sequence[Metric],
    fixed: Sequence[float],
    side: Side,
    pairs: int,
    rng: np.random.Generator,
) -> Floats:
    """Measure about SAMPLED_PAIRS random pairs that meet the conditions, the same ones for any blocks."""
    samples = side.blocks[-1].stop
    share = pairs / (samples * (samples - 1) / 2)
    draws = min(MOST_DRAWS, ceil(SAMPLED_PAIRS / share))
    i, j = rng.integers(samples, size=draws), rng.integers(samples - 1, size=draws)
    j += j >= i
    i, j = np.minimum(i, j), np.maximum(i, j)
    found = [np.empty(0)]
    for row, column in all_tasks(side):
        a, b = side.blocks[row], side.blocks[column]
        here = (a.start <= i) & (i < a.stop) & (b.start <= j) & (j < b.stop)
        if here.any():
            left, right = side.read(a), side.read(b)
            p, q = i[here] - a.start, j[here] - b.start
            for k, condition in enumerate(conditions):
                keep = condition.exact(left[k + 1], right[k + 1], p, q, fixed[k]) <= fixed[k]
                p, q = p[keep], q[keep]
            found.append(metric.exact(left[0], right[0], p, q, inf))
    return np.concatenate(found)
