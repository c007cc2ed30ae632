"""How near generated samples come to real ones: FID, its limit, KID, precision, recall, density and coverage.

Every value comes with an interval and with the value that real samples reach in place of the generated ones.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.comparison.frechet import frechet_distance, half_frechet_distances
from gancensus.comparison.kernel import kernel_distance, kernel_distances
from gancensus.contracts.errors import UserError
from gancensus.search.neighbours import incidence, side_incidence, side_square_radii, square_radii
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
    real: Points,
    fake: Points,
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
        real: (n, d), n >= 4.
        fake: (m, d), m >= 4.
        splits: random splits into halves.
        level: of the interval.
        rng: splits the samples.
    """
    real, fake = _float64(real), _float64(fake)
    found = half_frechet_distances(real, fake, *sides_of_splits(len(real), len(fake), splits, rng))
    value = 2 * frechet_distance(real, fake) - float(found.mean())
    return symmetric(value, float(half_sample_variance(found[:, 0] - found[:, 1])), splits, level)


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
    prdc = precision_recall_density_coverage(real, fake, neighbours)
    return {"fid": frechet_distance(real, fake), "kid": kernel_distance(real, fake), **prdc._asdict()}


def fidelity(
    real: Points,
    fake: Points,
    null: Points | None,
    neighbours: int = 5,
    splits: int = SPLITS,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
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

    Raises:
        UserError: fewer than 2 (k + 1) samples, or values that are not finite.
    """
    samples = {"real": _float64(real), "fake": _float64(fake)} | ({} if null is None else {"null": _float64(null)})
    _check(samples, 2 * (neighbours + 1), neighbours)
    real, fake, *others = samples.values()
    size = min(map(len, (fake, *others)))
    fake, *others = (cut(x, size, rng) for x in (fake, *others))
    nulls = [metrics(real, x, neighbours) for x in others]
    values, differences = _values_and_differences(
        real, fake, neighbours, *sides_of_splits(len(real), size, splits, rng)
    )
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


def _values_and_differences(
    real: Floats, fake: Floats, neighbours: int, real_sides: Integers, fake_sides: Integers
) -> tuple[dict[str, float], Floats]:
    """Return each of METRICS, and for each split what they are of the halves A less what they are of B (splits, 6)."""
    halves = half_frechet_distances(real, fake, real_sides, fake_sides)
    kernel, kernel_halves = kernel_distances(real, fake, real_sides, fake_sides)
    prdc, prdc_halves = _neighbourhoods(real, fake, neighbours, real_sides, fake_sides)
    values = {"fid": frechet_distance(real, fake), "kid": kernel, **prdc._asdict()}
    both = np.concatenate([halves[:, :, None], kernel_halves[:, :, None], prdc_halves], axis=2)
    return values, both[:, 0] - both[:, 1]


def _neighbourhoods(
    real: Floats, fake: Floats, neighbours: int, real_sides: Integers, fake_sides: Integers
) -> tuple[Prdc, Floats]:
    """Return precision to coverage of the samples, and of the halves A and B of many splits (splits, 2, 4)."""
    x_sides, y_sides = (
        np.hstack([np.ones((len(sides), 1)), sides]).astype(np.int8) for sides in (real_sides, fake_sides)
    )  # the first split has all samples on one side
    x_radii, y_radii = side_square_radii(real, x_sides, neighbours), side_square_radii(fake, y_sides, neighbours)
    found = side_incidence(real, fake, x_radii, y_radii, x_sides, y_sides)
    both = np.empty((x_sides.shape[1], 2, 4))
    for half, side in enumerate((1, -1)):
        in_x, in_y = x_sides == side, y_sides == side
        n, m = np.maximum(in_x.sum(axis=0), 1), np.maximum(in_y.sum(axis=0), 1)  # none on the other side of the first
        precision, recall = (found.y_in_x & in_y).sum(axis=0) / m, (found.x_in_y & in_x).sum(axis=0) / n
        coverage = (found.x_holds_y & in_x).sum(axis=0) / n
        both[:, half] = np.stack([precision, recall, found.pairs[:, half] / (neighbours * m), coverage], axis=1)
    return Prdc(*both[0, 0].tolist()), both[1:]


def _share_interval(share: float, variance: float, count: int, freedom: int, level: float) -> Estimate:
    """Clopper-Pearson interval of a share of `count` points, with the sample size that its variance implies."""
    shrunk = (share * count + 0.5) / (count + 1)  # a share of 0 or 1 has a variance, too
    effective = min(count, shrunk * (1 - shrunk) / variance) if variance > 0 else count
    effective *= (deviate(level) / deviate(level, freedom)) ** 2
    return Estimate(share, *map(float, clopper_pearson(share * effective, effective, level)))
