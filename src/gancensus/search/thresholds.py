"""Thresholds: how close is 'the same', learned from real samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from math import ceil, comb, inf, nextafter, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.device import choose_device
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Calibrated, Features, Metric
from gancensus.contracts.samples import Rows
from gancensus.contracts.table import Columns
from gancensus.search.pairs import Side, all_tasks, find_pairs
from gancensus.search.populations import Population
from gancensus.search.repeats import partners
from gancensus.search.scales import MOST, enough, largest_rank, rank_of, searchable, start, wanted
from gancensus.statistics.intervals import quantile_ranks
from gancensus.storage.schemas import THRESHOLDS

EXPENSIVE = 1000.0  # nanoseconds a pair: from here on, a threshold comes from a sample of the pairs
SAMPLED_PAIRS = 50_000
MOST_DRAWS = 20_000_000  # pairs drawn for the sample, where few are under the same conditions
MOST_HELD = 4_000_000  # pairs that are held to find the scales
BINS = 1 << 16
Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Threshold(NamedTuple):
    """The alpha-quantile of the distances of `pairs` pairs.

    Where only a sample of all pairs was measured, `low` and `high` enclose the quantile of all; else they equal it.
    """

    value: float
    low: float
    high: float
    pairs: int


class Scaled(NamedTuple):
    """A threshold with its alpha, None where it is given, and its scale, None where one of the two is given."""

    scale: str | None
    alpha: float | None
    threshold: Threshold


def find_thresholds(
    definition: Mapping[str, Metric],
    spaces: Mapping[str | None, Rows],
    holdout: int,
    level: float,
    rng: Callable[[str], np.random.Generator],
    memory: int,
    device: str,
    progress: Callable[[str], None] = lambda text: None,
) -> Columns:
    """Return the table of thresholds: a row per metric, and where its alpha is `auto`, one for each of SCALES.

    A threshold that the configuration gives has no alpha, one whose alpha it gives no scale.

    Args:
        definition: the metrics by name.
        spaces: the samples of `calibrate`, and their vectors by encoder.
        holdout: the number of its samples, which `auto` is about.
        level: of intervals.
        rng: gives each metric, by its name, random numbers of its own: the same ones whenever it is called.
        memory: in MB.
        device: where matrices are multiplied; the result is the same.
        progress: called with a line on how far it is.

    Raises:
        UserError: as `threshold` does.
    """
    conditions = {name: metric for name, metric in definition.items() if metric.fixed is not None}
    population = Population(list(definition.values()), spaces).held(memory)  # as it is read for each metric, and joint
    compared = population.only(list((conditions or definition).values()))
    pairs = int(partners(list(conditions.values()), compared.side(memory))[0].sum()) // 2
    found: dict[str, list[Scaled]] = {}
    scaled: dict[str, Marginal] = {}
    for name, metric in definition.items():
        if not isinstance(metric, Calibrated):
            limit = metric.fixed or 0.0
            found[name] = [Scaled(None, None, Threshold(limit, limit, limit, pairs))]
            continue
        progress(f"{name}: {pairs} pairs of calibrate")
        side = population.only([metric, *conditions.values()]).side(memory)
        fixed = list(conditions.values())
        marginal = Marginal(metric, fixed, side, pairs, level, partial(rng, name), choose_device(device))
        if metric.alpha == "auto":
            scaled[name] = marginal
        else:
            found[name] = [Scaled(None, metric.alpha, marginal.checked(metric.alpha))]
    if scaled:
        limits = {name: rows[0].threshold.value for name, rows in found.items()}
        found |= Joint(definition, limits, scaled, population, memory).scales(holdout, progress)
    rows = [(name, one.scale, one.alpha, *one.threshold, pairs) for name in definition for one in found[name]]
    return dict(zip(THRESHOLDS.names, zip(*rows, strict=True), strict=True))


class Marginal:
    """The distances of a metric over all pairs of `calibrate` that meet the conditions: quantiles and ranks.

    Exact; those of metrics of EXPENSIVE nanoseconds or more, where there are more than SAMPLED_PAIRS pairs, are of
    SAMPLED_PAIRS pairs, drawn with replacement.
    """

    def __init__(
        self,
        metric: Metric,
        conditions: Sequence[Metric],
        side: Side,
        pairs: int,
        level: float,
        rng: Callable[[], np.random.Generator],
        device: str = "cpu",
    ) -> None:
        """Measure nothing yet; the arguments are those of `threshold`."""
        self.metric, self.conditions, self.pairs, self.level = metric, conditions, pairs, level
        self.fixed = [condition.fixed or 0.0 for condition in conditions]
        self.rng, self.device, self._side = rng, device, side
        self._nearest = np.empty(0)

    @property
    def sampled(self) -> bool:
        """Whether only a sample of the pairs is measured."""
        return self.metric.cost >= EXPENSIVE and self.pairs > SAMPLED_PAIRS

    @cached_property
    def sample(self) -> Floats:
        """Sorted distances: of a sample of the pairs, or of all where they are few."""
        if self.pairs <= SAMPLED_PAIRS:
            return np.sort(np.concatenate([np.empty(0), *self.distances(inf)]))
        return np.sort(_drawn([self.metric], self.conditions, self.fixed, self._side, self.pairs, self.rng())[:, 0])

    def distances(self, limit: float) -> Iterator[Floats]:
        """Yield all distances up to a limit, a batch at a time."""
        metrics, limits = [self.metric, *self.conditions], [limit, *self.fixed]
        for found in find_pairs(metrics, limits, self._side, device=self.device):
            yield found.values[:, 0]

    def hold(self, alpha: float) -> None:
        """Measure and keep all distances up to the alpha-quantile and a little further, where they are not too many.

        Then quantiles and ranks among them take no pass over the pairs.
        """
        if self.pairs <= SAMPLED_PAIRS or self.sampled or len(self._nearest) >= quantile_rank(alpha, self.pairs):
            return
        expected, limit = alpha * len(self.sample), float(self.sample[-1])
        last = ceil(expected + 6 * sqrt(expected) + 6)
        if last < len(self.sample):
            limit = float(self.sample[last])
        parts, count = [np.empty(0)], 0
        for batch in self.distances(limit) if alpha * self.pairs < MOST_HELD else ():
            parts.append(batch)
            count += len(batch)
            if count > 2 * MOST_HELD:
                return
        self._nearest = np.sort(np.concatenate(parts))

    def checked(self, alpha: float) -> Threshold:
        """Return the threshold of an alpha; raises UserError where it is expected to hold less than one pair."""
        quantile_rank(alpha, self.pairs)
        if self.sampled and alpha * len(self.sample) < 1:
            raise UserError(
                f"alpha {alpha} is less than one of the {len(self.sample)} pairs on which {self.metric.kind}, an "
                "expensive metric, is measured; raise alpha"
            )
        return self.at(alpha)

    def at(self, alpha: float) -> Threshold:
        """Return the alpha-quantile; at the least the smallest distance that was measured."""
        rank, sample = quantile_rank(alpha, self.pairs), self.sample
        if self.pairs <= SAMPLED_PAIRS:
            value = float(sample[rank - 1])
        elif self.sampled:
            low, high = quantile_ranks(len(sample), alpha, self.level)
            value, most = (float(sample[r - 1]) for r in (_sampled_rank(alpha, sample), min(high, len(sample))))
            return Threshold(value, float(sample[low - 1]) if low else 0.0, most, len(sample))
        elif rank <= len(self._nearest):
            value = float(self._nearest[rank - 1])
        else:
            value = _near(self.distances, rank, alpha, sample)
        return Threshold(value, value, value, self.pairs)

    def nearer(self, values: Floats) -> IntArray:
        """Return how many pairs have a smaller distance than each value; of a sample, the share of it times all pairs.

        values: finite, at least one.
        """
        if self.pairs <= SAMPLED_PAIRS or self.sampled:
            return np.searchsorted(self.sample, values) * self.pairs // len(self.sample)
        if len(self._nearest) and values.max() <= self._nearest[-1]:
            return np.searchsorted(self._nearest, values)
        known, place = np.unique(values, return_inverse=True)
        counts = np.zeros(len(known) + 1, dtype=np.int64)
        for batch in self.distances(float(known[-1])):
            counts += np.bincount(np.searchsorted(known, batch, side="right"), minlength=len(counts))
        below: IntArray = np.cumsum(counts)[:-1][place]
        return below


def _sampled_rank(alpha: float, sample: Floats) -> int:
    return quantile_rank(max(alpha, 1 / len(sample)), len(sample))


class Joint:
    """The pairs of `calibrate` that all metrics of a definition put within their thresholds, at one alpha of some."""

    def __init__(
        self,
        definition: Mapping[str, Metric],
        limits: dict[str, float],
        scaled: Mapping[str, Marginal],
        population: Population,
        memory: int,
    ) -> None:
        """Search nothing yet.

        Args:
            definition: the metrics by name.
            limits: thresholds of those that are held fixed.
            scaled: the distances of the others.
            population: `calibrate`, with all metrics of the definition.
            memory: in MB.

        Raises:
            UserError: no pair meets the conditions.
        """
        self._definition, self._limits, self._scaled, self._population = definition, limits, scaled, population
        self._memory = memory
        self._first = next(iter(scaled.values()))
        self._pairs = self._first.pairs
        if not self._pairs:
            raise UserError(
                "no two samples of `calibrate` are under the same conditions, so that nothing sets a threshold; give "
                "`calibrate` more samples, or the conditions a `tolerance`"
            )

    def scales(self, holdout: int, progress: Callable[[str], None]) -> dict[str, list[Scaled]]:
        """Return the thresholds of the metrics at every scale, for a number of samples of `holdout`."""
        alone = sum(metric.fixed is None for metric in self._definition.values()) == 1
        searched = not alone or self._first.sampled
        samples = searchable(len(self._population), holdout) if searched else len(self._population)
        counts = wanted(samples, holdout)
        values, reached = self._found(samples, max(counts.values())) if searched else (np.empty((0, 1)), MOST)
        joint = np.empty(0, dtype=np.int64)
        if len(values) and not alone:
            ranks = [m.nearer(column) for m, column in zip(self._scaled.values(), values.T, strict=True)]
            joint = np.max(ranks, axis=0)
        found: dict[str, list[Scaled]] = {name: [] for name in self._scaled}
        # a rank alone is among the pairs that are searched, a joint one among all
        pairs = self._pairs * comb(samples, 2) // comb(len(self._population), 2) if alone else self._pairs
        for scale, count in counts.items():
            rank = min(count, largest_rank(pairs)) if alone else rank_of(joint, count, pairs, reached)
            within = rank if alone else np.count_nonzero(joint < rank)
            expected = within * comb(holdout, 2) / comb(samples, 2)
            progress(f"{scale}: alpha {rank / pairs:.3g}, about {expected:,.0f} duplicates in holdout")
            for name, marginal in self._scaled.items():
                exact = alone and 0 < rank <= len(values)
                limit = _ranked(values[:, 0], rank, pairs) if exact else marginal.at(rank / pairs)
                found[name].append(Scaled(scale, rank / pairs, limit))
        return found

    def _found(self, samples: int, count: int) -> tuple[Floats, float]:
        """Return the distances, by the metrics with scales, of `count` pairs or more within alpha-quantiles; alpha.

        samples: how many to search, spread through the population.
        """
        everyone = samples >= len(self._population)
        side = self._population.side(self._memory) if everyone else Side.of(self._population.some(samples))
        first = MOST if self._pairs <= SAMPLED_PAIRS else start(self._sample(), count / comb(samples, 2) * self._share)
        within = partial(self._within, side, max(MOST_HELD, 2 * count))
        return enough(count, first, len(self._scaled), within, 1 / self._pairs)

    @property
    def _share(self) -> float:
        """All pairs over those that meet the conditions."""
        return comb(len(self._population), 2) / self._pairs

    def _sample(self) -> Floats:
        """Return the distances of random pairs by the metrics with scales; inf where another metric excludes a pair."""
        names = [name for name, metric in self._definition.items() if metric.fixed is None]
        order = [*names, *(name for name in self._definition if name not in names)]
        side = _reordered(self._population.side(self._memory), [list(self._definition).index(name) for name in order])
        metrics = [self._definition[name] for name in names]
        first = next((m for m in self._scaled.values() if m.sampled), self._first)
        sample = _drawn(metrics, first.conditions, first.fixed, side, self._pairs, first.rng())
        if first.sampled:
            own = next(name for name, marginal in self._scaled.items() if marginal is first)
            first.sample = np.sort(sample[:, names.index(own)])  # the same pairs as those of its own sample
        excluded = [sample[:, m] > self._limits[name] for m, name in enumerate(names) if name in self._limits]
        kept = sample[:, [m for m, name in enumerate(names) if name in self._scaled]]
        if excluded:
            kept[np.any(excluded, axis=0)] = inf
        return kept

    def _within(self, side: Side, held: int, alpha: float) -> tuple[Floats, bool]:
        """Return the distances of the pairs within the quantiles of an alpha, and whether these are all of them.

        side: what is searched; held: pairs at which the search stops.
        """
        for marginal in self._scaled.values():
            marginal.hold(alpha)
        limits = self._limits | {name: marginal.at(alpha).value for name, marginal in self._scaled.items()}
        own = [m for m, name in enumerate(self._definition) if name in self._scaled]
        parts, count = [np.empty((0, len(own)))], 0
        ordered = [limits[name] for name in self._definition]
        for found in find_pairs(list(self._definition.values()), ordered, side, device=self._first.device):
            parts.append(found.values[:, own])
            count += len(found.i)
            if count > held:
                return np.concatenate(parts), False
        return np.concatenate(parts), True


def _reordered(side: Side, order: Sequence[int]) -> Side:
    """Return a population with the features of its metrics in another order."""

    def read(rows: slice) -> list[Features]:
        features = side.read(rows)
        return [features[m] for m in order]

    return Side(side.blocks, read)


def _ranked(values: Floats, rank: int, pairs: int) -> Threshold:
    """Return the rank-th smallest of the distances of all pairs as a threshold."""
    value = float(np.partition(values, rank - 1)[rank - 1])
    return Threshold(value, value, value, pairs)


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
    return Marginal(metric, conditions, side, pairs, level, lambda: rng, device).checked(alpha)


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


def _drawn(
    metrics: Sequence[Metric],
    conditions: Sequence[Metric],
    fixed: Sequence[float],
    side: Side,
    pairs: int,
    rng: np.random.Generator,
) -> Floats:
    """Measure about SAMPLED_PAIRS random pairs that meet the conditions, the same ones for any blocks and metrics.

    side: the features of the metrics and then those of each condition. Returns (sampled pairs, metrics).
    """
    samples = side.blocks[-1].stop
    share = pairs / (samples * (samples - 1) / 2)
    draws = min(MOST_DRAWS, ceil(SAMPLED_PAIRS / share))
    i, j = rng.integers(samples, size=draws), rng.integers(samples - 1, size=draws)
    j += j >= i
    i, j = np.minimum(i, j), np.maximum(i, j)
    found = [np.empty((0, len(metrics)))]
    for row, column in all_tasks(side):
        a, b = side.blocks[row], side.blocks[column]
        here = (a.start <= i) & (i < a.stop) & (b.start <= j) & (j < b.stop)
        if here.any():
            left, right = side.read(a), side.read(b)
            p, q = i[here] - a.start, j[here] - b.start
            for k, condition in enumerate(conditions, len(metrics)):
                keep = condition.exact(left[k], right[k], p, q, fixed[k - len(metrics)]) <= fixed[k - len(metrics)]
                p, q = p[keep], q[keep]
            measured = [m.exact(left[k], right[k], p, q, inf) for k, m in enumerate(metrics)]
            found.append(np.column_stack(measured))
    return np.concatenate(found)
