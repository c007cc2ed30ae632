"""What a definition of duplicates says of generated samples beside held-out real ones: radii, statistics, intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gancensus.census import birthday, coverage
from gancensus.census.coverage import Neighbours, Radius, Reach, radius_at
from gancensus.census.relabelling import OWN, Labels, Radii, hubs, pooled, statistics
from gancensus.census.shares import COVER, REPEAT, SHARE, WIDE
from gancensus.contracts.beginning import Begin, here
from gancensus.contracts.metric import Features, Metric
from gancensus.search.near import NearPairs, RelativeDistance
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import deviate

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEVEL = 0.9  # of the intervals of equivalence tests at 5 %: two one-sided ones (TOST)
FEWEST = 5  # covering samples
BATCHES = 30  # of a curve
CLASS, CLASSES = 20, 100  # least pooled samples of a class that is looked at, and most classes, the largest


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
    batch: float
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
    called: Mapping[int, str] = MappingProxyType({}),
    begin: Begin = here,
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
        called: what classes are called that have a name.
        begin: may begin a computation elsewhere; the result is the same.
    """
    _, holdout, generated = compared.sizes
    most = min(compared.sizes) - 1
    distance, radii, covered, batch, share = _radii(definition, thresholds, compared.calibrate, most, device)
    own = distance.pairs(compared.generated, None, radii.farthest, device)
    real = distance.pairs(compared.holdout, None, radii.farthest, device)
    across = distance.pairs(compared.generated, compared.holdout, radii.farthest, device)
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
        distance.pairs(side, compared.calibrate, radii.farthest, device)
        for side in (compared.generated, compared.holdout)
    ]
    hub = hubs(
        np.concatenate([np.bincount(p.i, minlength=n) for p, n in zip(beside, (generated, holdout), strict=True)])
    )
    on, covers = _placed(own, real, across, hub, radii, (generated, holdout), min(batch, most - 1))
    estimates = {"pair_ratio": birthday.ratio(collided[0], collided[1], LEVEL), "on": on, "covers": covers}
    if reached[0] is not None and reached[1] is not None:
        estimates["reach_ratio"] = coverage.reach_ratio(reached[0], reached[1], LEVEL)
    several = None if classes is None or len(np.unique(classes)) < 2 else classes  # one is none
    names, of_class = ([], None) if several is None else _classes(beside, (generated, holdout), several)
    found = statistics(near, labels, radii, (batch, most), share, hub, of_class, begin)._asdict()
    worst = found.pop("least")
    least = f"class {called.get(names[worst[0]], names[worst[0]])}, {100 * worst[1]:.0f} %" if worst else ""
    if not worst:
        del found["covers_class"]
    first, second = (curve(_within(pairs, radii.repeat, size)) for pairs, size in sides)
    own_share = _own(real.within(radii.wide), beside[1].within(radii.wide), compared.sizes)
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
    most: int,
    device: str,
) -> tuple[RelativeDistance, Radii, tuple[float, float], float, float]:
    """Return a definition's distance, radii, what `calibrate` is covered to, by how many, the share to compare at."""
    samples = len(calibrate[0][0])
    distance, pilot, some = RelativeDistance.of(definition, thresholds, calibrate)
    widest = farthest(pilot, some, min(most, some - 1))  # more samples are covered within less
    pairs = pilot if some == samples else distance.pairs(calibrate, None, widest, device)
    repeat, wide = (radius_at(*pairs, samples, most, share) for share in (REPEAT, WIDE))
    cover, batch = _cover(pairs, samples, most)
    share = SHARE if repeat.covered >= COVER else 0.7 * repeat.covered
    wide = max(wide, radius_at(*pairs, samples, most, COVER), repeat)
    duplicate = min(1.0, max(cover.value, wide.value))
    radii = Radii(duplicate, cover.value, repeat.value, wide.value)
    return distance, radii, (cover.covered, wide.covered), batch, share


def _cover(pairs: NearPairs, samples: int, most: int) -> tuple[Radius, float]:
    """Return the radius at which `calibrate` covers itself to COVER, and how many of its samples do.

    Where many pairs have one distance, `most` of them may cover too little at one distance and nearly all at the next.
    Then fewer are taken at the next one, if FEWEST are enough: what is not covered can be told apart, and the radius
    below covers too little to be sure of anything.
    """
    below = radius_at(*pairs, samples, most, COVER)
    above = radius_at(*pairs, samples, most, COVER, leap=True)
    if above.value > below.value:
        reached = coverage.reach(_within(pairs, above.value, samples), COVER)
        if reached is not None and reached.batch >= FEWEST:
            return Radius(above.value, COVER), reached.batch
    return below, float(most)


def farthest(pilot: NearPairs, samples: int, batch: int) -> float:
    """Return the largest radius that some samples of `calibrate` ask for."""
    return max(_cover(pilot, samples, batch)[0].value, radius_at(*pilot, samples, batch, WIDE).value)


def _classes(
    beside: Sequence[NearPairs], sizes: Sequence[int], classes: npt.NDArray[np.int32]
) -> tuple[list[int], IntArray]:
    """Return the classes of CLASS pooled samples or more, and which one each is of, (samples,); -1: none.

    A sample's class is that of the nearest one of `calibrate`, of real samples, too, as labels must not matter for it.

    Args:
        beside: near samples of `calibrate` (j) to generated ones, and to held-out ones.
        sizes: of both.
        classes: of the samples of `calibrate`.
    """
    nearest = np.concatenate([_nearest(pairs, size) for pairs, size in zip(beside, sizes, strict=True)])
    found = np.where(nearest >= 0, classes[nearest], -1)
    known, times = np.unique(found[found >= 0], return_counts=True)
    kept = np.sort(known[(times >= CLASS) & (np.argsort(np.argsort(-times, kind="stable")) < CLASSES)])
    of_class = np.full(len(found), -1)
    for k, name in enumerate(kept):
        of_class[found == name] = k
    return kept.tolist(), of_class


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
    batch: float,
) -> tuple[Estimate, Estimate]:
    """Return `on` and `covers`; hubs cover nothing."""
    generated, holdout = sizes
    among = _within(real, radii.cover, holdout)
    keep = ~hub[generated + among.b]
    among = among._replace(a=among.a[keep], b=among.b[keep])
    found = across.within(radii.cover)
    by_real, by_generated = ~hub[generated + found.j], ~hub[found.i]
    return (
        coverage.on(Neighbours(found.i[by_real], found.j[by_real], (generated, holdout)), among, batch, LEVEL),
        coverage.covers(
            Neighbours(found.j[by_generated], found.i[by_generated], (holdout, generated)), among, batch, LEVEL
        ),
    )
