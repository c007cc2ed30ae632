"""Four answers about a generator, by its samples beside held-out real ones: the statistics of one population.

Is it diverse, are its samples where the data are, does it cover the data, does it copy? Under every definition a
radius is chosen at which real samples of `calibrate` have neighbours; within it, degrees give coverages, and label
permutations say what both populations being one would look like. `summary` makes the answers of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gancensus.census.copied import row_of_exact, rows_of_copies
from gancensus.census.measured import LEVEL, Compared, Curve, Measured, farthest, measure
from gancensus.census.relabelling import Labels, relabelled
from gancensus.comparison import alike
from gancensus.comparison.exact import equal_share, keys
from gancensus.contracts.beginning import Begin, here
from gancensus.contracts.columns import decode
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Metric
from gancensus.contracts.samples import Samples, SampleTable, flatten, spread_rows
from gancensus.search.near import PILOT, RelativeDistance
from gancensus.search.populations import Population, condition_groups
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.multiplicity import max_t

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ALPHA = 0.05  # of all tests of copies together

# Statistics by question: whether large values (1), small ones (-1) or both (0) are suspect.
SIDES = {
    "diverse": {"pair_ratio": 0, "reach_ratio": 0, "closest": 1, "repeated": 0},
    "on": {"on": -1, "on_wide": -1, "on_own": -1},
    "covers": {"covers": -1, "covers_wide": -1, "covers_own": -1, "covers_class": 1},
    "alike": {"local": 1, "columns": 1, "associations": 1, "distinct": 1, "tails": 1, "overlap": 0},
}
QUESTION = {name: question for question, sides in SIDES.items() for name in sides}
LEAST = 20  # samples of each population: with fewer, nothing is measured
MOST = 10_000  # samples of each population
MOST_PAIRS = 2_000_000  # near ones, of both populations together, roughly
SHARED = 0.5  # of the samples, under a condition that both populations have
MOST_BYTES = 1 << 29  # of the values of each population
MOST_NANOSECONDS = 1e11  # of all pairs, where even the cheapest metric is slow
NOTHING = Estimate(None, None, None)
LOGARITHMS = ("pair_ratio", "reach_ratio", "on", "on_wide", "overlap", "covers", "covers_wide")


def rows_of_answers(
    measured: Mapping[str, Measured], found: Mapping[str, alike.Largest], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a row per statistic: its value, and what the permutations say of it beside all the others.

    Numbers without a test: `support`, the uniform support that would reach the share with as many samples; `atoms`, how
    many equally frequent samples would collide as often beyond what real ones do; `calibrate`, `calibrate_wide` and
    `calibrate_own`, which shares of real samples lie on the data.

    Args:
        measured: by definition.
        found: differences of values, by statistic.
        names: of the columns.
    """
    series: dict[tuple[str, str, str | None], Floats] = {
        (d, name, one.least if name == "covers_class" else None): values
        for d, one in measured.items()
        for name, values in one.statistics.items()
    }
    series |= {("", name, _of(name, one, names)): one.difference for name, one in found.items()}
    sides = np.array([SIDES[QUESTION[name]][name] for _, name, _ in series])
    family = max_t(np.stack(list(series.values()), axis=1), sides)
    rows = []
    for k, ((definition, name, of), values) in enumerate(series.items()):
        low, middle, high = np.quantile(values[1:], [0.025, 0.5, 0.975], method="inverted_cdf")
        null = [float(np.exp(x) if name in LOGARITHMS else x) for x in (values[0], middle, low, high)]
        estimate = measured[definition].estimates.get(name, NOTHING) if definition else NOTHING
        rows.append(
            {
                "definition": definition or None,
                "question": QUESTION[name],
                "statistic": name,
                **dict(zip(("value", "null", "null_low", "null_high"), null, strict=True)),
                "low": estimate.low,
                "high": estimate.high,
                "score": float(family.score[k]),
                "p": float(family.p[k]),
                "adjusted": float(family.adjusted[k]),
                "of": of,
            }
        )
    for definition, one in measured.items():
        known: dict[str, Any] = {"definition": definition, "question": "diverse", "adjusted": None}
        if one.generated is not None:
            reached = dict(zip(("value", "low", "high"), one.generated.support(LEVEL), strict=True))
            rows.append(known | {"statistic": "support"} | reached)
        if one.excess > 0:
            rows.append(known | {"statistic": "atoms", "value": 1 / one.excess})
        shares = zip(("calibrate", "calibrate_wide", "calibrate_own"), (*one.covered, one.own), strict=True)
        rows += [known | {"question": "on", "statistic": name, "value": value} for name, value in shares]
    return rows


def _of(name: str, found: alike.Largest, names: Sequence[str]) -> str | None:
    """Say which columns, or what else, differ most."""
    return alike.TAILS[found.column[0]] if name == "tails" else " and ".join(names[c] for c in found.column) or None


class Criterion(NamedTuple):
    """A definition of duplicates with the thresholds of its metrics."""

    metrics: Mapping[str, Metric]
    thresholds: Sequence[float]


Spaces = Mapping[str | None, SampleTable]
"""A population's samples, and its vectors by encoder."""


class Some(NamedTuple):
    """Some samples of a population, which are read a few at a time: all of them need not fit into memory."""

    table: SampleTable
    rows: IntArray

    @classmethod
    def of(cls, table: SampleTable, count: int) -> Some:
        """Return about so many, spread through the population."""
        return cls(table, spread_rows(len(table), count))

    def size(self) -> int:
        """Return how many they are."""
        return len(self.rows)

    def known(self) -> Samples:
        """Return all that is known of them but their values."""
        return self.table.identities().take(self.rows)

    def pieces(self) -> Iterator[Samples]:
        """Read them, as many at a time as `alike.reduced` takes."""
        for start in range(0, len(self.rows), alike.ROWS):
            yield self.table.take(self.rows[start : start + alike.ROWS])


class Differences(NamedTuple):
    """How values differ, by statistic, the columns' names, and `exact.keys` of the generated and the held-out samples.

    All of it from one reading of the samples.
    """

    found: dict[str, alike.Largest]
    names: Sequence[str]
    keys: tuple[list[bytes], list[bytes]]


class Answers(NamedTuple):
    """The tables of one population, as `storage.schemas` has them."""

    answers: list[dict[str, Any]]
    coverage: list[dict[str, Any]]


def answer(
    definitions: Mapping[str, Criterion],
    populations: Mapping[str, Spaces],
    population: str,
    fitted: Collection[str],
    permutations: int,
    rng: Callable[[str], np.random.Generator],
    memory: int,
    device: str = "cpu",
    progress: Callable[[str], None] = lambda text: None,
    begin: Begin = here,
) -> Answers:
    """Measure a population beside real samples, under every definition and value by value.

    Args:
        definitions: by name.
        populations: `train` if there is one, `calibrate`, `holdout` and the population itself; `reference`, the real
            samples that it is measured beside.
        population: its name.
        fitted: the encoders that have learned from `train`: their vectors of it are not exchangeable with those of
            `holdout`, so that they do not show copies.
        permutations: of the labels.
        rng: gives each purpose, by name, random numbers of its own.
        memory: in MB, for the search for copies in `train`.
        device: where matrices are multiplied; the result is the same.
        progress: called with a line on how far it is.
        begin: may begin a computation elsewhere; the result is the same.
    """
    compared = ("calibrate", "reference", population)
    if min(len(next(iter(populations[side].values()))) for side in compared) < LEAST:
        return Answers([], [])
    count = _affordable(definitions.values(), populations["calibrate"], populations[population])
    calibrate, holdout, generated = (Some.of(populations[name][None], count) for name in compared)
    block = _conditions(definitions.values(), [generated.known(), holdout.known()])
    labels = relabelled(generated.size(), generated.size() + holdout.size(), permutations, rng("labels"), block)
    differences = begin(partial(_differences, calibrate, holdout, generated, labels))
    measured: dict[str, Measured] = {}
    known = calibrate.known()
    classes = (known.label, known.class_names())
    curves: list[dict[str, Any]] = []
    copied: list[dict[str, Any]] = []
    copying = "train" in populations and population != "train"  # is asked
    tested = [name for name, (metrics, _) in definitions.items() if not {m.space for m in metrics.values()} & {*fitted}]
    level = ALPHA / (1 + len(tested))  # of the tests of copies: each definition's, and that of exact ones
    for name, (metrics, thresholds) in definitions.items():
        progress(f"measuring {population} beside holdout by {name}")
        features = [Population(list(metrics.values()), populations[side]).some(count) for side in compared]
        sides = Compared(*features)
        measured[name] = measure(metrics, thresholds, sides, labels, rng(name), device, *classes, begin)
        for side, one in zip((population, "holdout"), measured[name].curves, strict=True):
            curve = {"definition": name, "population": side}
            curves += [curve | dict(zip(Curve._fields, row, strict=True)) for row in zip(*one, strict=True)]
        if copying and name in tested:
            real = [Population(list(metrics.values()), populations[side]).side(memory) for side in ("train", "holdout")]
            held = Population(list(metrics.values()), populations["holdout"]).some(count)
            asked = Compared(features[0], held, features[2])
            rows = rows_of_copies(measured[name], asked, real, permutations, rng(f"copies {name}"), level, device)
            copied += [{"definition": name} | row for row in rows]
    if copying:
        progress(f"looking for samples of {population} that equal real ones")
        copied.append(
            row_of_exact(
                generated.pieces(), generated.size(), *(populations[side][None] for side in ("train", "holdout"))
            )
        )
    progress(f"comparing the values of {population} with those of holdout")
    sizes = {"samples": generated.size(), "others": holdout.size()}
    compared_values = differences()
    rows = rows_of_answers(measured, compared_values.found, compared_values.names)
    least = min(generated.size(), holdout.size())  # of more samples, more are equal
    for statistic, ours in zip(("equal", "equal_real"), compared_values.keys, strict=True):
        share = equal_share([ours[row] for row in spread_rows(len(ours), least)])
        rows.append(
            {"definition": None, "question": "diverse", "statistic": statistic, "value": share, "adjusted": None}
        )
    for row in copied:
        if "p" in row:
            row["adjusted"] = min(1.0, row["p"] * (1 + len(tested)))
    return Answers([sizes | row for row in rows] + copied, curves)


def _differences(calibrate: Some, holdout: Some, generated: Some, labels: Labels) -> Differences:
    """Compare the values of generated and held-out samples."""
    names = _columns(next(calibrate.pieces()))[1]
    made: list[bytes] = []
    real: list[bytes] = []
    others = [partial(_read, holdout, real), partial(_read, generated, made)]
    values = alike.reduced(partial(_read, calibrate), others, names)
    return Differences(alike.differences(values, labels), values.names, (made, real))


def _read(samples: Some, known: list[bytes] | None = None) -> Iterator[npt.NDArray[Any]]:
    """Yield values, column by column, and add the keys of the samples."""
    for some in samples.pieces():
        if known is not None:
            known += keys(some)
        yield _columns(some)[0]


def _affordable(definitions: Iterable[Criterion], calibrate: Spaces, generated: Spaces) -> int:
    """Return how many samples of each population are measured: MOST, or as many as have about MOST_PAIRS near pairs.

    Or as many as can be compared in MOST_NANOSECONDS: n^2 / 2 pairs of two samples of the population, as many of two
    held-out ones, n^2 across, and 2 n^2 with `calibrate`.
    """
    count = MOST
    for metrics, thresholds in definitions:
        count = min(count, max(PILOT, int(np.sqrt(MOST_NANOSECONDS / 4 / min(m.cost for m in metrics.values())))))
        real, made = (Population(list(metrics.values()), spaces).some(PILOT) for spaces in (calibrate, generated))
        count = min(count, MOST_BYTES // sum(array[:1].nbytes for feature in real for array in feature))
        distance, pilot, some = RelativeDistance.of(metrics, thresholds, real)
        radius = farthest(pilot, some, some - 1)
        shares = (
            len(pairs.i) / (n * n / 2)
            for pairs, n in (
                (pilot.within(radius), some),
                (distance.pairs(made, None, radius), len(made[0][0])),
            )
        )
        # n^2 / 2 pairs of two real samples, as many of two generated ones, and n^2 across
        count = min(count, max(PILOT, int(np.sqrt(MOST_PAIRS / max(2 * sum(shares), 1e-9)))))
    return count


def _columns(samples: Samples) -> tuple[npt.NDArray[Any], Sequence[str] | None]:
    """Return values column by column, categories by number, and the columns' names in quotes, for sentences."""
    scale = samples.scale
    if scale is not None and scale.columns:
        return decode(scale.columns, samples.x), [f"'{column.name}'" for column in scale.columns]
    x = flatten(samples.x)
    if scale is None or len(scale.names) != x.shape[1]:  # bytes share one name
        return x, None
    return x, [f"'{name}'" for name in scale.names]


def _conditions(definitions: Iterable[Criterion], populations: Sequence[Samples]) -> IntArray | None:
    """Return a number per sample, equal under equal conditions, where a definition compares only such samples.

    Raises UserError where less than half of the samples have a condition that the other population has, too.
    """
    found = [metric for metrics, _ in definitions for metric in metrics.values() if metric.fixed == 0]
    block = condition_groups(found, populations) if found else None
    if block is not None:
        first, second = np.split(block, [len(populations[0])])
        shared = float(np.isin(block, np.intersect1d(first, second)).mean())
        if shared < SHARED:
            raise UserError(
                f"only {shared:.0%} of the samples have a condition that the other population has, too; generate "
                "samples for the conditions of the real ones"
            )
    return block
