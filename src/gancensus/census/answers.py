"""Four answers about a generator, by its samples beside held-out real ones: the statistics of one population.

Is it diverse, are its samples where the data are, does it cover the data, does it copy? Under every definition a
radius is chosen at which real samples of `calibrate` have neighbours; within it, degrees give coverages, and label
permutations say what both populations being one would look like. `summary` makes the answers of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gancensus.census import birthday, coverage
from gancensus.census.coverage import Neighbours, Reach, radius_at
from gancensus.census.relabelling import OWN, Labels, Radii, hubs, pooled, relabelled, statistics
from gancensus.comparison import alike, copies
from gancensus.comparison.exact import exact
from gancensus.comparison.nearest import Beside, Beyond, authenticity, data_copying, low_quantile
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features, Metric
from gancensus.contracts.samples import Samples, flatten, spread_rows
from gancensus.search.near import PILOT, NearPairs, RelativeDistance
from gancensus.search.pairs import Side, take
from gancensus.search.populations import Population, condition_groups
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import deviate
from gancensus.statistics.multiplicity import max_t
from gancensus.storage.samples import SampleRows

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

COVER, REPEAT, WIDE = 0.8, 0.85, 0.97  # coverages of `calibrate` by itself at the radii
SHARE = 0.6  # at which the numbers of samples are compared
ALPHA = 0.05  # of all tests of copies together
LEVEL = 0.9  # of the intervals of equivalence tests at 5 %: two one-sided ones (TOST)

# Statistics by question: whether large values (1), small ones (-1) or both (0) are suspect.
SIDES = {
    "diverse": {"pair_ratio": 0, "reach_ratio": 0, "closest": 1, "repeated": 0},
    "on": {"on": -1, "on_wide": -1, "on_own": -1},
    "covers": {"covers": -1, "covers_wide": -1, "covers_own": -1, "covers_class": 1},
    "alike": {"local": 1, "columns": 1, "associations": 1, "distinct": 1, "tails": 1, "overlap": 0},
}
QUESTION = {name: question for question, sides in SIDES.items() for name in sides}
BATCHES = 30  # of a curve
CLASS, CLASSES = 20, 100  # least pooled samples of a class that is looked at, and most classes, the largest
LEAST = 20  # samples of each population: with fewer, nothing is measured
MOST = 10_000  # samples of each population
MOST_PAIRS = 2_000_000  # near ones, of both populations together, roughly
SHARED = 0.5  # of the samples, under a condition that both populations have
MOST_BYTES = 1 << 29  # of the values of each population
COPIES = (0.0, 0.5)  # noise of copies that would have been found, in median distances to the nearest real sample
NOTHING = Estimate(None, None, None)
LOGARITHMS = ("pair_ratio", "reach_ratio", "on", "on_wide", "overlap", "covers", "covers_wide")


class Compared(NamedTuple):
    """Features of samples of the three populations, metric by metric."""

    calibrate: Sequence[Features]
    holdout: Sequence[Features]
    generated: Sequence[Features]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many samples each has."""
        return len(self.calibrate[0][0]), len(self.holdout[0][0]), len(self.generated[0][0])


class Curve(NamedTuple):
    """What share of a population has a near sample among `batch` of it, with its interval, (k,) each."""

    batch: IntArray
    coverage: Floats
    low: Floats
    high: Floats


class Measured(NamedTuple):
    """What a definition says of generated samples beside held-out ones."""

    radii: Radii
    share: float
    """Coverage at which the numbers of samples are compared: SHARE, or less where `calibrate` does not reach REPEAT."""
    batch: int
    """Number of covering samples of `on` and `covers`."""
    distance: RelativeDistance
    statistics: Mapping[str, Floats]
    """By name, of every labelling."""
    least: str
    """Which class is covered least, and how much of it."""
    covered: tuple[float, float]
    """What share of `calibrate` is covered by as many of it, at the radius of `on`, and at the wide one."""
    own: float
    """`on_own` of `calibrate` in place of the generated samples."""
    excess: float
    """Collision probability of the generated samples less that of the held-out ones."""
    generated: Reach | None
    real: Reach | None
    estimates: Mapping[str, Estimate]
    """By name of the statistic: the ratios with their 90 % intervals."""
    curves: tuple[Curve, Curve]
    """Of the generated samples, and of the held-out ones."""


def measure(
    definition: Mapping[str, Metric],
    thresholds: Sequence[float],
    compared: Compared,
    labels: Labels,
    rng: np.random.Generator,
    device: str = "cpu",
    classes: npt.NDArray[np.int32] | None = None,
) -> Measured:
    """Measure generated samples beside held-out ones under a definition.

    Args:
        definition: metrics by name.
        thresholds: of each.
        compared: the features.
        labels: (samples, labellings), 1 for generated samples, which come first, and 0 for held-out ones.
        rng: orders equally near samples.
        device: where matrices are multiplied.
        classes: of the samples of `calibrate`, if they have any.
    """
    _, holdout, generated = compared.sizes
    batch = min(compared.sizes) - 1
    distance, radii, covered, share = _radii(definition, thresholds, compared.calibrate, batch, device)
    own = distance.pairs(compared.generated, None, radii.wide, device)
    real = distance.pairs(compared.holdout, None, radii.wide, device)
    across = distance.pairs(compared.generated, compared.holdout, radii.wide, device)
    near = pooled(
        generated + holdout,
        np.concatenate([own.i, real.i + generated, across.i]),
        np.concatenate([own.j, real.j + generated, across.j + generated]),
        np.concatenate([own.distance, real.distance, across.distance]),
        rng,
    )
    sides = ((own, generated), (real, holdout))
    reached = [coverage.reach(_within(pairs, radii.repeat, size), share) for pairs, size in sides]
    collided = [birthday.collision(_within(pairs, radii.duplicate, size).degrees) for pairs, size in sides]
    beside = [
        distance.pairs(side, compared.calibrate, radii.wide, device) for side in (compared.generated, compared.holdout)
    ]
    hub = hubs(
        np.concatenate([np.bincount(p.i, minlength=n) for p, n in zip(beside, (generated, holdout), strict=True)])
    )
    on, covers = _placed(own, real, across, hub, radii, (generated, holdout), batch)
    estimates = {"pair_ratio": birthday.ratio(collided[0], collided[1], LEVEL), "on": on, "covers": covers}
    if reached[0] is not None and reached[1] is not None:
        estimates["reach_ratio"] = coverage.reach_ratio(reached[0], reached[1], LEVEL)
    names, of_class = ([], None) if classes is None else _classes(beside, (generated, holdout), classes)
    found = statistics(near, labels, radii, batch, share, hub, of_class)._asdict()
    worst = found.pop("least")
    least = f"class {names[worst[0]]}, {worst[1]:.0%}" if worst else ""
    if not worst:
        del found["covers_class"]
    first, second = (curve(_within(pairs, radii.repeat, size)) for pairs, size in sides)
    own_share = _own(real, beside[1], compared.sizes)
    excess = (collided[0].value or 0.0) - (collided[1].value or 0.0)
    return Measured(
        radii,
        share,
        batch,
        distance,
        found,
        least,
        covered,
        own_share,
        excess,
        reached[0],
        reached[1],
        estimates,
        (first, second),
    )


def curve(near: Neighbours) -> Curve:
    """Return the coverage of a population by itself at BATCHES numbers of samples, from 1 to all others."""
    last = near.others - 1
    batch = np.unique(np.rint(np.geomspace(1, last, BATCHES)).astype(np.int64))
    value = coverage.coverage(near, batch.astype(np.float64))
    reach = deviate() * np.sqrt([coverage.variance(near, float(m)) for m in batch])
    return Curve(batch, value, np.maximum(0.0, value - reach), np.minimum(1.0, value + reach))


def _radii(
    definition: Mapping[str, Metric],
    thresholds: Sequence[float],
    calibrate: Sequence[Features],
    batch: int,
    device: str,
) -> tuple[RelativeDistance, Radii, tuple[float, float], float]:
    """Return a definition's distance, radii, what `calibrate` is covered to at two of them, the share to compare at."""
    samples = len(calibrate[0][0])
    distance, pilot, some = RelativeDistance.of(definition, thresholds, calibrate)
    most = radius_at(*pilot, some, min(batch, some - 1), WIDE).value  # more samples are covered within less
    pairs = pilot if some == samples else distance.pairs(calibrate, None, most, device)
    cover, repeat, wide = (radius_at(*pairs, samples, batch, share) for share in (COVER, REPEAT, WIDE))
    widest = max(cover, repeat, wide)
    share = SHARE if repeat.covered >= COVER else 0.7 * repeat.covered
    radii = Radii(min(1.0, widest.value), cover.value, repeat.value, widest.value)
    return distance, radii, (cover.covered, widest.covered), share


def _classes(
    beside: Sequence[NearPairs], sizes: Sequence[int], classes: npt.NDArray[np.int32]
) -> tuple[list[str], IntArray]:
    """Return the names of the classes of CLASS pooled samples or more, and which one each is of, (samples,); -1: none.

    A sample's class is that of the nearest one of `calibrate`, of real samples, too, as labels must not matter for it.

    Args:
        beside: near samples of `calibrate` (j) to generated ones, and to held-out ones.
        sizes: of both.
        classes: of the samples of `calibrate`.
    """
    nearest = np.concatenate([_nearest(pairs, size) for pairs, size in zip(beside, sizes, strict=True)])
    found = np.where(nearest >= 0, classes[nearest], -1)
    names, times = np.unique(found[found >= 0], return_counts=True)
    kept = np.sort(names[(times >= CLASS) & (np.argsort(np.argsort(-times, kind="stable")) < CLASSES)])
    of_class = np.full(len(found), -1)
    for k, name in enumerate(kept):
        of_class[found == name] = k
    return [str(name) for name in kept], of_class


def _own(real: NearPairs, beside: NearPairs, sizes: tuple[int, int, int]) -> float:
    """Return the share of `calibrate` within the distance of its nearest held-out sample to the OWN-th nearest to that.

    Args:
        real: near pairs of held-out samples.
        beside: those of held-out (i) with calibrate samples (j).
        sizes: of calibrate, holdout and the generated samples.
    """
    calibrate, holdout, _ = sizes
    one, distance = np.concatenate([real.i, real.j]), np.tile(real.distance, 2)
    order = np.lexsort((distance, one))
    start = np.concatenate([[0], np.cumsum(np.bincount(one, minlength=holdout))])
    has = np.diff(start) >= OWN
    own = np.full(holdout, np.inf)
    own[has] = distance[order][start[:-1][has] + OWN - 1]
    turned = NearPairs(beside.j, beside.i, beside.distance)
    nearest, least = _nearest(turned, calibrate), np.full(calibrate, np.inf)
    np.minimum.at(least, turned.i, turned.distance)
    return float(np.mean((nearest >= 0) & (least <= own[nearest])))


def _nearest(pairs: NearPairs, samples: int) -> IntArray:
    """Return the nearest j of every i, the first of equally near ones; -1: none is near."""
    order = np.lexsort((pairs.j, pairs.distance, pairs.i))
    i, first = np.unique(pairs.i[order], return_index=True)
    found = np.full(samples, -1)
    found[i] = pairs.j[order][first]
    return found


def _within(pairs: NearPairs, radius: float, samples: int) -> Neighbours:
    near = pairs.within(radius)
    return Neighbours.of_one(near.i, near.j, samples)


def _placed(
    own: NearPairs,
    real: NearPairs,
    across: NearPairs,
    hub: npt.NDArray[np.bool_],
    radii: Radii,
    sizes: tuple[int, int],
    batch: int,
) -> tuple[Estimate, Estimate]:
    """Return `on` and `covers`; hubs cover nothing."""
    generated, holdout = sizes
    among = _within(real, radii.cover, holdout)
    keep = ~hub[generated + among.b]
    among = among._replace(a=among.a[keep], b=among.b[keep])
    found = across.within(radii.cover)
    by_real, by_generated = ~hub[generated + found.j], ~hub[found.i]
    return (
        coverage.on(Neighbours(found.i[by_real], found.j[by_real], (generated, holdout)), among, batch - 1, LEVEL),
        coverage.covers(
            Neighbours(found.j[by_generated], found.i[by_generated], (holdout, generated)), among, batch - 1, LEVEL
        ),
    )


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


Spaces = Mapping[str | None, SampleRows]
"""A population's samples, and its vectors by encoder."""


class Answers(NamedTuple):
    """The tables of one population, as `storage.schemas` has them."""

    answers: list[dict[str, Any]]
    coverage: list[dict[str, Any]]


def answer(
    definitions: Mapping[str, Criterion],
    populations: Mapping[str, Spaces],
    population: str,
    permutations: int,
    rng: Callable[[str], np.random.Generator],
    memory: int,
    device: str = "cpu",
    progress: Callable[[str], None] = lambda text: None,
) -> Answers:
    """Measure a population beside real samples, under every definition and value by value.

    Args:
        definitions: by name.
        populations: `train`, `calibrate`, `holdout` and the population itself; `reference`, the real samples that it is
            measured beside.
        population: its name.
        permutations: of the labels.
        rng: gives each purpose, by name, random numbers of its own.
        memory: in MB, for the search for copies in `train`.
        device: where matrices are multiplied; the result is the same.
        progress: called with a line on how far it is.
    """
    compared = ("calibrate", "reference", population)
    if min(len(next(iter(populations[side].values()))) for side in compared) < LEAST:
        return Answers([], [])
    count = _affordable(definitions.values(), populations["calibrate"], populations[population])
    calibrate, holdout, generated = (_some(populations[name], count) for name in compared)
    block = _conditions(definitions.values(), [generated, holdout])
    labels = relabelled(len(generated), len(generated) + len(holdout), permutations, rng("labels"), block)
    measured: dict[str, Measured] = {}
    curves: list[dict[str, Any]] = []
    copied: list[dict[str, Any]] = []
    # an encoder has been fitted on `train`, so that its vectors are no longer exchangeable with those of `holdout`
    tested = [name for name, (metrics, _) in definitions.items() if all(m.space is None for m in metrics.values())]
    level = ALPHA / (1 + len(tested))  # of the tests of copies: each definition's, and that of exact ones
    for name, (metrics, thresholds) in definitions.items():
        progress(f"measuring {population} beside holdout by {name}")
        features = [Population(list(metrics.values()), populations[side]).some(count) for side in compared]
        measured[name] = measure(metrics, thresholds, Compared(*features), labels, rng(name), device, calibrate.label)
        for side, one in zip((population, "holdout"), measured[name].curves, strict=True):
            known = {"definition": name, "population": side}
            curves += [known | dict(zip(Curve._fields, row, strict=True)) for row in zip(*one, strict=True)]
        if population != "train" and name in tested:
            real = [Population(list(metrics.values()), populations[side]).side(memory) for side in ("train", "holdout")]
            held = Population(list(metrics.values()), populations["holdout"]).some(count)
            asked = Compared(features[0], held, features[2])
            rows = rows_of_copies(measured[name], asked, real, permutations, rng(f"copies {name}"), level, device)
            copied += [{"definition": name} | row for row in rows]
    if population != "train":
        progress(f"looking for samples of {population} that equal real ones")
        copied.append(_exact(generated, *(populations[side][None] for side in ("train", "holdout"))))
    progress(f"comparing the values of {population} with those of holdout")
    sizes = {"samples": len(generated), "others": len(holdout)}
    flat = [flatten(samples.x) for samples in (calibrate, holdout, generated)]
    values = alike.reduced(flat[0], flat[1:], None if calibrate.scale is None else calibrate.scale.names)
    rows = rows_of_answers(measured, alike.differences(values, labels), values.names)
    for row in copied:
        if "p" in row:
            row["adjusted"] = min(1.0, row["p"] * (1 + len(tested)))
    return Answers([sizes | row for row in rows] + copied, curves)


def _affordable(definitions: Iterable[Criterion], calibrate: Spaces, generated: Spaces) -> int:
    """Return how many samples of each population are measured: MOST, or as many as have about MOST_PAIRS near pairs."""
    count = MOST
    for metrics, thresholds in definitions:
        real, made = (Population(list(metrics.values()), spaces).some(PILOT) for spaces in (calibrate, generated))
        count = min(count, MOST_BYTES // sum(array[:1].nbytes for feature in real for array in feature))
        distance, pilot, some = RelativeDistance.of(metrics, thresholds, real)
        radius = radius_at(*pilot, some, some - 1, WIDE).value
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


def _some(spaces: Spaces, count: int) -> Samples:
    """Return about `count` samples of a population."""
    rows = spaces[None]
    return rows.take(spread_rows(len(rows), count))


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


def rows_of_copies(
    measured: Measured,
    compared: Compared,
    real: Sequence[Side],
    permutations: int,
    rng: np.random.Generator,
    level: float,
    device: str,
) -> list[dict[str, Any]]:
    """Return what a definition says of copies: the test, what it would have found, and numbers that describe them.

    Args:
        measured: by the definition.
        compared: of which the generated samples are looked for.
        real: all of `train`, and all of `holdout`.
        permutations: of the labels.
        rng: draws them.
        level: of the test.
        device: where matrices are multiplied.
    """
    distance, (train, other) = measured.distance, real
    sizes, generated = [side.blocks[-1].stop for side in real], compared.sizes[2]
    nearest = partial(distance.nearest, radius=measured.radii.wide, device=device)
    ranks = copies.Ranks.draw(generated, sum(sizes), rng)
    by_train = nearest(compared.generated, train, rank=ranks.of)
    by_other = nearest(compared.generated, other, rank=lambda i, j: ranks.of(i, j + sizes[0]))
    nearest_real = copies.nearer(by_train, by_other, sizes[0], ranks)
    found = copies.copying(nearest_real, sizes[0], sum(sizes), permutations, rng)
    some = [take(feature, slice(PILOT)) for feature in compared.calibrate]
    equal = distance.equal(some, train, device) + distance.equal(some, other, device)
    twins = float(np.mean(equal / (1 + equal)))
    least = copies.detectable(nearest_real, sizes[0], sum(sizes), rng, COPIES, level, twins)
    of = f"{found.in_train} of the {found.nearest} nearest to real samples are nearest to train"
    rows: list[dict[str, Any]] = [
        {"statistic": "copies", "value": found.share, "score": found.z, "p": found.p, "of": of}
    ]
    for noise, number in least.items():
        rows.append({"statistic": f"detectable {noise:g}", "value": None if number is None else number / generated})
    held = nearest(compared.holdout, train, rank=copies.Ranks.draw(compared.sizes[1], sizes[0], rng).of)
    rows += _beside(nearest, train, by_train, held)
    return [{"question": "copies", "samples": generated, "others": sum(sizes)} | row for row in rows]


Found = tuple[IntArray, Floats]
"""The nearest sample of each of some, and how far it is."""


def _beside(nearest: Callable[..., Found], train: Side, generated: Found, holdout: Found) -> list[dict[str, Any]]:
    """Return what distances to the nearest sample of `train` say, beside those of held-out samples."""
    known = np.unique(np.concatenate([generated[0], holdout[0]]))
    known = known[known >= 0]
    others = np.append(nearest(_rows(train, known), train, itself=known)[1], -inf)  # the last: where none is near
    made, real = (
        Beyond(far, others[np.where(at < 0, -1, np.searchsorted(known, at))]) for at, far in (generated, holdout)
    )
    return [
        _described("C_T", data_copying(made.distance, real.distance, LEVEL)),
        _described("authenticity", authenticity(made, real, LEVEL)),
        _described("nearest_5", low_quantile(made.distance, real.distance, 0.05, LEVEL)),
    ]


def _described(statistic: str, beside: Beside) -> dict[str, Any]:
    """Return the row of a number of generated samples beside that of held-out ones."""
    null = zip(("null", "null_low", "null_high"), beside.null, strict=True)
    return {"statistic": statistic, **beside.value._asdict(), **dict(null)}


def _rows(side: Side, rows: IntArray) -> list[Features]:
    """Return the features of some rows, ascending, of which a block is held at a time."""
    blocks = [(block, rows[(rows >= block.start) & (rows < block.stop)] - block.start) for block in side.blocks]
    parts = [
        [take(feature, some) for feature in side.read(block)] for block, some in blocks if len(some) or not block.start
    ]
    return [tuple(np.concatenate(arrays) for arrays in zip(*same, strict=True)) for same in zip(*parts, strict=True)]


def _exact(generated: Samples, train: SampleRows, holdout: SampleRows) -> dict[str, Any]:
    """Return the row of generated samples that equal real ones."""
    known, other = (side.chunks(slice(0, len(side))) for side in (train, holdout))
    found = exact(generated, known, other, LEVEL)
    return {
        "question": "copies",
        "statistic": "exact",
        **found.share._asdict(),
        "null": found.null,
        "score": found.score,
        "p": found.p,
        "of": f"{found.in_train} are equal to samples of train, {found.in_holdout} to samples of holdout",
        "samples": len(generated),
        "others": len(train) + len(holdout),
    }
