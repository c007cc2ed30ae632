"""What a search for pairs takes: rows read, pairs compared, and the time of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import comb, prod, sqrt

from gancensus.cli.estimate.data import Facts
from gancensus.cli.estimate.rates import FILTER, LINE, POWER, READ
from gancensus.config import results
from gancensus.config.configuration import Config
from gancensus.contracts.metric import SCALES, Calibrated, Metric
from gancensus.search.pairs import TILE, Side, Task, costs, deal
from gancensus.search.scales import MOST


class Search:
    """The pairs of a population, or across two, under a definition: rows read and pairs compared by each shard."""

    def __init__(self, facts: Facts, definition: Mapping[str, Metric], search: results.Search, config: Config) -> None:
        """Cut blocks and deal tasks as a search does, except that conditions exclude no pair."""
        self.metrics = resolved(definition.values(), facts.samples["holdout"])
        self.samples = [facts.samples[population] for population in search.populations]
        a, *others = (facts.population(p, self.metrics).side(config.memory, config.shards) for p in search.populations)
        b = next(iter(others), None)
        tasks = costs(a, b)
        pairs = dict(tasks)
        block = max(rows.stop - rows.start for rows in a.blocks)
        self.pairs = sum(pairs.values())
        todo = [deal(tasks, shard, config.shards) for shard in range(config.shards)]
        self.shards = [(rows_read(a, b, mine), sum(pairs[task] for task in mine)) for mine in todo]
        self.a_row, self.a_pair = row_seconds(self.metrics, facts), pair_seconds(self.metrics, facts, block)


def rows_read(a: Side, b: Side | None, todo: Iterable[Task]) -> int:
    """Return the rows that `find_pairs` reads: a block of rows for all tasks in a run, one of columns for each."""
    total, held = 0, -1
    for row, column in todo:
        if row != held:
            total, held = total + a.blocks[row].stop - a.blocks[row].start, row
        if b is not None or row != column:
            columns = (b or a).blocks[column]
            total += columns.stop - columns.start
    return total


def resolved(metrics: Iterable[Metric], holdout: int) -> list[Metric]:
    """Return metrics with numbers for alphas of `auto`: guesses, as `joint` makes them, of the loosest scale."""
    metrics = list(metrics)
    scaled = [metric for metric in metrics if is_auto(metric)]
    given = prod(alpha(metric) for metric in metrics if not is_auto(metric))
    wanted = max(SCALES.values()) / max(1, comb(holdout, 2))
    guess = min(MOST, (wanted**2 / given) ** (1 / (len(scaled) + 1)))
    return [metric.model_copy(update={"alpha": guess}) if is_auto(metric) else metric for metric in metrics]


def is_auto(metric: Metric) -> bool:
    """Say whether the step that sets thresholds chooses the alpha."""
    return isinstance(metric, Calibrated) and metric.alpha == "auto"


def alpha(metric: Metric) -> float:
    """Return the share of the pairs within the threshold; of a condition at most 1."""
    return metric.alpha if isinstance(metric, Calibrated) and metric.alpha != "auto" else 1.0


def joint(alphas: Sequence[float]) -> float:
    """Guess the share of pairs within several thresholds: between the least alpha and the product of all."""
    return sqrt(min(alphas) * prod(alphas)) if alphas else 1.0


def exact(metric: Metric) -> float:
    """Return the seconds of an exact distance."""
    return 1e-9 * metric.cost


def pair_seconds(metrics: Sequence[Metric], facts: Facts, block: int) -> float:
    """Return the seconds of a pair, on average: the best filters first, then each metric on what is left."""
    filters: dict[bool, list[tuple[float, int, Metric]]] = {True: [], False: []}  # on a line, and in space
    for metric in metrics:
        points = metric.embed(facts.population("calibrate", [metric]).features(slice(0, 1))[0])
        if points is not None:
            filters[points.shape[1] == 1].append((alpha(metric), points.shape[1], metric))
    line, space = (min(found, key=lambda f: f[0]) if found else None for found in (filters[True], filters[False]))
    seconds = 0.0
    if space:
        tiles = min(1.0, line[0] + 2 * TILE / block) if line else 1.0
        seconds = 1e-9 * tiles * FILTER * (space[1] / 64) ** POWER
    elif line:
        seconds = 1e-9 * line[0] * LINE
    used = [found for found in (line, space) if found]
    passed = [share for share, _, _ in used]
    for metric in sorted(metrics, key=lambda metric: metric.cost):
        seconds += joint(passed) * exact(metric)
        if all(metric is not other for _, _, other in used):
            passed.append(alpha(metric))
    return seconds


def row_seconds(metrics: Sequence[Metric], facts: Facts) -> float | None:
    """Return the seconds to read a sample and to make its features; None where a metric's have not been measured."""
    made = 0.0
    for metric in metrics:
        if metric.features_cost is None:
            return None
        made += 1e-9 * metric.features_cost * prod(facts.space(metric.space))
    return made + sum(1e-6 * READ * facts.row(space) for space in {metric.space for metric in metrics})
