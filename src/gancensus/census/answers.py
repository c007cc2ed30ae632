"""Four answers about a generator, by its samples beside held-out real ones: the statistics of one population.

Is it diverse, are its samples where the data are, does it cover the data, does it copy? Under every definition a
radius is chosen at which real samples of `calibrate` have neighbours; within it, degrees give coverages, and label
permutations say what both populations being one would look like. `summary` makes the answers of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gancensus.census import birthday, coverage
from gancensus.census.coverage import Neighbours, Reach, radius_at
from gancensus.census.relabelling import Labels, Near, Radii, hubs, pooled, statistics
from gancensus.comparison import alike
from gancensus.contracts.metric import Features, Metric
from gancensus.search.near import PILOT, NearPairs, RelativeDistance
from gancensus.search.neighbours import nearest
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.multiplicity import max_t

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

COVER, REPEAT, WIDE = 0.8, 0.85, 0.97  # coverages of `calibrate` by itself at the radii
SHARE = 0.6  # at which the numbers of samples are compared
LEVEL = 0.9  # of the intervals of equivalence tests at 5 %: two one-sided ones (TOST)

# Statistics by question: whether large values (1), small ones (-1) or both (0) are suspect.
SIDES = {
    "diverse": {"pair_ratio": 0, "reach_ratio": 0, "closest": 1, "repeated": 0},
    "on": {"on": -1, "on_wide": -1, "on_own": -1, "overlap": 0},
    "covers": {"covers": -1, "covers_wide": -1, "covers_own": -1},
    "alike": {"local": 1, "columns": 1, "associations": 1, "distinct": 1, "tails": 1},
}
QUESTION = {name: question for question, sides in SIDES.items() for name in sides}
COLUMNS = 24  # that are compared one by one; of more values, as many principal components
TAILS = ("distance to the nearest real sample", "distance to the tenth nearest", "distance to the mean")
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


class Measured(NamedTuple):
    """What a definition says of generated samples beside held-out ones."""

    radii: Radii
    share: float
    """Coverage at which the numbers of samples are compared: SHARE, or less where `calibrate` does not reach REPEAT."""
    batch: int
    """Number of covering samples of `on` and `covers`."""
    statistics: Mapping[str, Floats]
    """By name, of every labelling."""
    generated: Reach | None
    real: Reach | None
    estimates: Mapping[str, Estimate]
    """By name of the statistic: the ratios with their 90 % intervals."""


def measure(
    definition: Mapping[str, Metric],
    thresholds: Sequence[float],
    compared: Compared,
    labels: Labels,
    rng: np.random.Generator,
    device: str = "cpu",
) -> Measured:
    """Measure generated samples beside held-out ones under a definition.

    Args:
        definition: metrics by name.
        thresholds: of each.
        compared: the features.
        labels: (samples, labellings), 1 for generated samples, which come first, and 0 for held-out ones.
        rng: orders equally near samples.
        device: where matrices are multiplied.
    """
    _, holdout, generated = compared.sizes
    batch = min(compared.sizes) - 1
    distance, radii, share = _radii(definition, thresholds, compared.calibrate, batch, device)
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
    on, covers = _placed(own, real, across, near, radii, (generated, holdout), batch)
    estimates = {"pair_ratio": birthday.ratio(collided[0], collided[1], LEVEL), "on": on, "covers": covers}
    if reached[0] is not None and reached[1] is not None:
        estimates["reach_ratio"] = coverage.reach_ratio(reached[0], reached[1], LEVEL)
    found = statistics(near, labels, radii, batch, share)._asdict()
    return Measured(radii, share, batch, found, reached[0], reached[1], estimates)


def _radii(
    definition: Mapping[str, Metric],
    thresholds: Sequence[float],
    calibrate: Sequence[Features],
    batch: int,
    device: str,
) -> tuple[RelativeDistance, Radii, float]:
    """Return a definition's distance, the radii at which real samples cover each other, and the share to compare at."""
    distance, pilot = RelativeDistance.of(definition, thresholds, calibrate)
    samples, some = len(calibrate[0][0]), int(pilot.j.max(initial=0)) + 1
    least = radius_at(*pilot, some, min(batch, some - 1), WIDE).value  # the same share of more samples is nearer
    pairs = pilot if some == samples else distance.pairs(calibrate, None, least, device)
    cover, repeat, wide = (radius_at(*pairs, samples, batch, share) for share in (COVER, REPEAT, WIDE))
    widest = max(cover.value, repeat.value, wide.value)
    share = SHARE if repeat.covered >= COVER else 0.7 * repeat.covered
    return distance, Radii(min(1.0, widest), cover.value, repeat.value, widest), share


def _within(pairs: NearPairs, radius: float, samples: int) -> Neighbours:
    near = pairs.within(radius)
    return Neighbours.of_one(near.i, near.j, samples)


def _placed(
    own: NearPairs,
    real: NearPairs,
    across: NearPairs,
    near: Near,
    radii: Radii,
    sizes: tuple[int, int],
    batch: int,
) -> tuple[Estimate, Estimate]:
    """Return `on` and `covers`; samples that are near to most others cover nothing."""
    generated, holdout = sizes
    hub = hubs(near, radii.wide)
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


class Values(NamedTuple):
    """Values of samples, column by column, (n, columns) each, and the columns' names."""

    calibrate: Floats
    holdout: Floats
    generated: Floats
    names: Sequence[str]


def differences(values: Values, labels: Labels) -> dict[str, alike.Largest]:
    """Return how the values of generated and held-out samples differ, as `comparison.alike` does, by statistic.

    `tails` is of distances to `calibrate`: to the nearest sample of it, to the tenth, and to its mean.
    """
    pool = np.concatenate([values.generated, values.holdout])
    nearby = nearest(pool, values.calibrate, min(10, len(values.calibrate))).distance
    middle = ((pool - values.calibrate.mean(axis=0)) ** 2).sum(axis=1)
    found = {
        "columns": alike.columns(pool, labels),
        "distinct": alike.distinct(pool, labels),
        "tails": alike.columns(np.column_stack([nearby[:, 0], nearby[:, -1], middle]), labels),
    }
    if pool.shape[1] > 1:
        found["associations"] = alike.associations(pool, labels)
    return found


def reduced(calibrate: Floats, others: Sequence[Floats], names: Sequence[str] | None) -> Values:
    """Return values as columns that can be compared one by one: their own, or principal components of `calibrate`.

    Args:
        calibrate: (n, d), flattened samples.
        others: of `holdout` and of the generated population, (m, d) each.
        names: of the d values; None: they have none.
    """
    mean = calibrate.mean(axis=0)
    if calibrate.shape[1] <= COLUMNS:
        deviation = calibrate.std(axis=0)
        scale = np.where(deviation > 0, deviation, 1.0)
        a, b, c = ((x - mean) / scale for x in (calibrate, *others))
        return Values(a, b, c, names or [f"value {k}" for k in range(calibrate.shape[1])])
    some = calibrate[:PILOT] - mean
    axes = np.linalg.svd(some, full_matrices=False)[2][:COLUMNS].T
    a, b, c = (np.round((x - mean) @ axes, 6) for x in (calibrate, *others))
    return Values(a, b, c, [f"principal component {k + 1}" for k in range(axes.shape[1])])


def rows_of_answers(
    measured: Mapping[str, Measured], found: Mapping[str, alike.Largest], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a row per statistic: its value, and what the permutations say of it beside all the others.

    Args:
        measured: by definition.
        found: differences of values, by statistic.
        names: of the columns.
    """
    keys = [(definition, name) for definition, one in measured.items() for name in one.statistics]
    series = [measured[definition].statistics[name] for definition, name in keys]
    keys += [("", name) for name in found]
    series += [one.difference for one in found.values()]
    sides = np.array([SIDES[QUESTION[name]][name] for _, name in keys])
    family = max_t(np.stack(series, axis=1), sides)
    rows = []
    for k, ((definition, name), values) in enumerate(zip(keys, series, strict=True)):
        low, middle, high = np.quantile(values[1:], [0.025, 0.5, 0.975], method="inverted_cdf")
        null = [float(np.exp(x) if name in LOGARITHMS else x) for x in (values[0], middle, low, high)]
        column = found[name].column if name in found else ()
        estimate = measured[definition].estimates.get(name, NOTHING) if definition else NOTHING
        rows.append(
            {
                "definition": definition,
                "question": QUESTION[name],
                "statistic": name,
                **dict(zip(("value", "null", "null_low", "null_high"), null, strict=True)),
                "low": estimate.low,
                "high": estimate.high,
                "score": float(family.score[k]),
                "p": float(family.p[k]),
                "adjusted": float(family.adjusted[k]),
                "of": TAILS[column[0]] if name == "tails" else " and ".join(names[c] for c in column),
            }
        )
    return rows
