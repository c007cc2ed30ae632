"""How near generated samples come to real ones: FID, its limit, KID, precision, recall, density and coverage.

Every value comes with an interval and with the value that real samples reach in place of the generated ones.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.comparison.frechet import Decomposed, between, gaussian, half_distances
from gancensus.comparison.kernel import mean_between, mean_within
from gancensus.contracts.beginning import Begin, here, side_by_side
from gancensus.contracts.errors import UserError
from gancensus.search.neighbours import Sides, incidence, side_incidence, side_square_radii, square_radii
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import SPLITS, half_sample_variance, sides_of_splits
from gancensus.statistics.intervals import LEVEL, clopper_pearson, deviate, symmetric

Floats = NDArray[np.float64]
Points = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]

METRICS: tuple[str, ...] = ("fid", "kid", "precision", "recall", "density", "coverage")


class Prdc(NamedTuple):
    """Improved precision and recall, density and coverage."""

    precision: float
    recall: float
    density: float
    coverage: float


class Fidelity(NamedTuple):
    """A metric of the generated samples with its interval, and the same metric of real samples in their place."""

    estimate: Estimate
    null: float | None


def frechet_at_infinity(
    real: Points | Decomposed,
    fake: Points | Decomposed,
    splits: int = SPLITS,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
) -> Estimate:
    """Estimate the Frechet distance of two distributions, that of infinitely large samples.

    `frechet_distance` is above it by about a / n + b / m. As in FID-infinity (Chong & Forsyth 2020, arXiv:1911.07023) a
    line through its values for samples of several sizes is followed to 1 / n = 0. Two sizes, as far apart as the line
    holds, determine it best: the whole samples, and their halves A and B, which are as many as there are and averaged
    over the splits. With F the distance, it is 2 F - mean (F_A + F_B) / 2. What remains is of the order of (d / n)^2:
    on average -2 % of F's own bias at n = m = 4 d, nothing that could be seen at 8 d. Two samples of one distribution
    give 0 on average, and so a negative value about as often as a positive one.

    The variance is that of F by the same half-samples, Student's with `splits` degrees of freedom: away from 0 it is
    that of the value; near 0, where F is quadratic in the noise, the interval is about 1.3 times too wide.

    Args:
        real: (n, d), n >= 4; or their decomposition, which several comparisons can share.
        fake: (m, d), m >= 4.
        splits: random splits into halves.
        level: of the interval.
        rng: splits the samples.
    """
    one, other = (x if isinstance(x, Decomposed) else Decomposed.of(_float64(x)) for x in (real, fake))
    found = half_distances(one, other, *sides_of_splits(len(one.x), len(other.x), splits, rng))
    value = 2 * between(one.gaussian, other.gaussian) - float(found.mean())
    return symmetric(value, float(half_sample_variance(found[:splits] - found[splits:])), splits, level)


def precision_recall_density_coverage(real: Points, fake: Points, neighbours: int = 5) -> Prdc:
    """Count the points of each sample that lie in the nearest-neighbour balls of the other.

    The ball of a point holds what is nearer (strictly) than the k-th nearest other point of the same sample.
    precision: share of fake points in a real ball; recall: share of real points in a fake ball (Kynkaanniemi et
    al. 2019). density: mean number of real balls round a fake point, over k; coverage: share of real balls that
    hold a fake point (Naeem et al. 2020). Two samples of one continuous distribution have density 1 and coverage
    1 - prod_{i=1..k} (n - i) / (n + m - i) on average. More than k equal points have empty balls: a sample that repeats
    one point scores 0 even against itself.

    Args:
        real: (n, d).
        fake: (m, d).
        neighbours: k.

    Raises:
        UserError: k samples or fewer, or values that are not finite.
    """
    real, fake = _float64(real), _float64(fake)
    _check({"real": real, "fake": fake}, neighbours + 1, neighbours)
    found = incidence(real, fake, square_radii(real, neighbours), square_radii(fake, neighbours))
    density = found.pairs / (neighbours * len(fake))
    return Prdc(float(found.y_in_x.mean()), float(found.x_in_y.mean()), density, float(found.x_holds_y.mean()))


def metrics(real: Points, fake: Points, neighbours: int = 5) -> dict[str, float]:
    """Compute each of METRICS; arguments and errors are those of `precision_recall_density_coverage`."""
    real, fake = _float64(real), _float64(fake)
    _check({"real": real, "fake": fake}, neighbours + 1, neighbours)
    return _named(_compare(_Sample.of(real, neighbours), _Sample.of(fake, neighbours), neighbours))


def fidelity(
    real: Points,
    fake: Points,
    null: Points | None,
    neighbours: int = 5,
    splits: int = SPLITS,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
    begin: Begin = here,
) -> dict[str, Fidelity]:
    """Compute each of METRICS with an interval, and its null value: what real samples score in place of `fake`.

    `fake` and `null` are cut at random to the smaller of their sizes, so that value and null have the same
    finite-sample bias.

    The variance is that of half-samples of both (`half_sample_variance`). The delete-a-group jackknife is not used:
    a nearest-neighbour ball depends on many points at once, which inflates it (Efron & Stein 1981); it gave up to
    twice the standard error of precision and coverage, where half-samples, which keep the geometry, gave the right
    one. Student's t with `splits` degrees of freedom makes the interval, cut at 0 for FID and density. For shares
    the interval is Clopper and Pearson's with the effective sample size that this variance implies (Korn & Graubard
    1998), which holds near 0 and 1 as well.

    The interval includes the sampling of both `real` and `fake`, around what the metric is on average at these
    sizes. It does not include the difference between trainings of the generator (that is what replicas show), nor
    the choice of the encoder, the sampling of `null`, or the bias against infinite samples. Where `fake` and `real`
    have one distribution, FID and KID are quadratic in the noise and their intervals about 1.5 times too wide;
    where tails are so heavy that moments diverge, those of FID (fourth) and KID (sixth) are too short. So is that of
    density, by about a quarter, where in many dimensions a few hubs hold most of the pairs.

    Args:
        real: (n, d).
        fake: (m, d).
        null: (l, d), real samples that are disjoint from `real`; None where there are none, and no null values.
        neighbours: k of the nearest-neighbour balls.
        splits: random splits into halves.
        level: of the interval.
        rng: cuts and splits the samples.
        begin: may begin computations elsewhere; the results are the same.

    Raises:
        UserError: fewer than 2 (k + 1) samples, or values that are not finite.
    """
    samples = {"real": _float64(real), "fake": _float64(fake)} | ({} if null is None else {"null": _float64(null)})
    _check(samples, 2 * (neighbours + 1), neighbours)
    real, fake, *others = samples.values()
    size = min(map(len, (fake, *others)))
    fake, *others = (cut(x, size, rng) for x in (fake, *others))
    real_sides, fake_sides = sides_of_splits(len(real), size, splits, rng)
    halved: list[tuple[Floats, Integers | None]] = [
        (real, real_sides),
        (fake, fake_sides),
        *((x, None) for x in others),
    ]
    whole, *compared = side_by_side(begin, [partial(_Sample.of, x, neighbours, sides) for x, sides in halved])
    references = [whole, *(whole.whole for _ in others)]
    pairs = zip(references, compared, strict=True)
    found, *of_null = side_by_side(begin, [partial(_compare, *pair, neighbours) for pair in pairs])
    nulls = list(map(_named, of_null))
    values, differences = _named(found), found[1 : 1 + splits] - found[1 + splits :]
    variances = dict(zip(METRICS, half_sample_variance(differences).tolist(), strict=True))
    counts = {"precision": size, "recall": len(real), "coverage": len(real)}
    estimates = {
        name: _share_interval(values[name], variances[name], counts[name], splits, level)
        if name in counts
        else symmetric(values[name], variances[name], splits, level, (-math.inf if name == "kid" else 0.0, math.inf))
        for name in METRICS
    }
    return {name: Fidelity(estimates[name], nulls[0][name] if nulls else None) for name in METRICS}


def cut(x: Floats, size: int, rng: np.random.Generator) -> Floats:
    """Return `size` of the samples x (n, d), drawn at random, in their order."""
    return x[np.sort(rng.choice(len(x), size, replace=False))]


def _float64(x: Points) -> Floats:
    return np.ascontiguousarray(x, dtype=np.float64)


def _named(values: Floats) -> dict[str, float]:
    """Return METRICS of the whole samples by name."""
    return dict(zip(METRICS, values[0].tolist(), strict=True))


def _check(samples: dict[str, Floats], needed: int, neighbours: int) -> None:
    for name, x in samples.items():
        if len(x) < needed:
            raise UserError(
                f"fidelity: {len(x)} {name} samples are too few for {neighbours} neighbours; "
                f"give {needed} or more, or lower `neighbours`"
            )
        broken = np.count_nonzero(~np.isfinite(x).all(axis=1))
        if broken:
            raise UserError(f"fidelity: {broken} of {len(x)} {name} samples hold NaN or infinity; leave them out")


class _Sample(NamedTuple):
    """A sample x (n, d) with what the metrics need of it alone: of the whole, and of both halves of many splits."""

    x: Floats
    sides: Integers
    """(n, splits), 1 of the rows in half A, -1 of those in B, 0 of one in neither."""
    decomposed: Decomposed
    within: Floats
    """The mean kernel of two different points of the whole, of the halves A, and of the halves B (1 + 2 splits,)."""
    radii: Floats
    """The square radii of the balls of the points in the whole, and in the half of each (n, 1 + splits)."""

    @classmethod
    def of(cls, x: Floats, neighbours: int, sides: Integers | None = None) -> _Sample:
        """Prepare a sample, without halves unless there are sides."""
        if sides is None:
            sides, radii = np.empty((len(x), 0), dtype=np.int64), square_radii(x, neighbours)[:, None]
        else:
            radii = side_square_radii(x, _with_whole(sides), neighbours)
        decomposed = Decomposed.of(x) if sides.size else Decomposed(x, gaussian(x), None)
        return cls(x, sides, decomposed, mean_within(x, sides), radii)

    @property
    def whole(self) -> _Sample:
        """The same without halves."""
        return _Sample(self.x, self.sides[:, :0], self.decomposed, self.within[:1], self.radii[:, :1])


def _compare(real: _Sample, fake: _Sample, neighbours: int) -> Floats:
    """Return METRICS of the whole samples, of their halves A, and of their halves B (1 + 2 splits, 6)."""
    a, b = real.decomposed, fake.decomposed
    of_halves = half_distances(a, b, real.sides, fake.sides) if real.sides.size else np.empty(0)
    fid = [between(a.gaussian, b.gaussian), *of_halves]
    kid = real.within + fake.within - 2 * mean_between(real.x, fake.x, real.sides, fake.sides)
    return np.column_stack([fid, kid, _neighbourhoods(real, fake, neighbours)])


def _neighbourhoods(real: _Sample, fake: _Sample, neighbours: int) -> Floats:
    """Return precision to coverage of the whole samples, of the halves A, and of the halves B (1 + 2 splits, 4)."""
    x_sides, y_sides = _with_whole(real.sides), _with_whole(fake.sides)
    found = side_incidence(real.x, fake.x, real.radii, fake.radii, x_sides, y_sides)
    halves = []
    for half, side in enumerate((1, -1)):
        in_x, in_y = x_sides == side, y_sides == side
        n, m = np.maximum(in_x.sum(axis=0), 1), np.maximum(in_y.sum(axis=0), 1)  # the whole is on side 1 alone
        precision, recall = (found.y_in_x & in_y).sum(axis=0) / m, (found.x_in_y & in_x).sum(axis=0) / n
        coverage = (found.x_holds_y & in_x).sum(axis=0) / n
        halves.append(np.stack([precision, recall, found.pairs[:, half] / (neighbours * m), coverage], axis=1))
    return np.concatenate([halves[0], halves[1][1:]])


def _with_whole(sides: Integers) -> Sides:
    """Put a split before others that has all on side 1."""
    return np.hstack([np.ones((len(sides), 1)), sides]).astype(np.int8)


def _share_interval(share: float, variance: float, count: int, freedom: int, level: float) -> Estimate:
    """Clopper-Pearson interval of a share of `count` points, with the sample size that its variance implies."""
    shrunk = (share * count + 0.5) / (count + 1)  # a share of 0 or 1 has a variance, too
    effective = min(count, shrunk * (1 - shrunk) / variance) if variance > 0 else count
    effective *= (deviate(level) / deviate(level, freedom)) ** 2
    return Estimate(share, *map(float, clopper_pearson(share * effective, effective, level)))
