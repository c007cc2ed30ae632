"""How near generated samples come to real ones: FID, its limit, KID, precision, recall, density and coverage.

Every value comes with an interval and with the value that real samples reach in place of the generated ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.search.neighbours import incidence, square_radii
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import SPLITS, half_sample_variance, half_sample_variances, halves
from gancensus.statistics.intervals import LEVEL, clopper_pearson, deviate, symmetric

Floats = NDArray[np.float64]
Points = NDArray[np.floating[Any]]

METRICS: tuple[str, ...] = ("fid", "kid", "precision", "recall", "density", "coverage")

_BLOCK = 1 << 22  # pairs held at once: 32 MB of float64


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


def frechet_distance(real: Points, fake: Points) -> float:
    """Frechet distance between the Gaussians fitted to two samples, the formula of FID (Heusel et al. 2017).

    |mu1 - mu2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) with the unbiased covariances S. With S = R^T R, where R comes from
    the QR decomposition of the centred samples, Tr (S1 S2)^(1/2) is the sum of the singular values of R1 R2^T. No
    root of a rounding error is ever taken, so that the value stays exact for n <= d, where S is singular.
    Its expectation is above the distance of the distributions by about a / n: compare values of one sample size.

    Args:
        real: (n, d), n >= 2.
        fake: (m, d), m >= 2.
    """
    real, fake = _float64(real), _float64(fake)
    real_root, fake_root = _covariance_root(real), _covariance_root(fake)
    shift = np.sum((real.mean(axis=0) - fake.mean(axis=0)) ** 2)
    traces = np.sum(real_root**2) + np.sum(fake_root**2)
    overlap = np.linalg.svd(real_root @ fake_root.T, compute_uv=False).sum()
    return max(0.0, float(shift + traces - 2 * overlap))


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
    found = np.empty((splits, 2))
    for split in range(splits):
        pairs = zip(halves(len(real), rng), halves(len(fake), rng), strict=True)
        found[split] = [frechet_distance(real[a], fake[b]) for a, b in pairs]
    value = 2 * frechet_distance(real, fake) - float(found.mean())
    return symmetric(value, float(half_sample_variance(found[:, 0] - found[:, 1])), splits, level)


def kernel_distance(real: Points, fake: Points) -> float:
    """Unbiased squared MMD with k(x, y) = (x.y / d + 1)^3, the formula of KID (Binkowski et al. 2018).

    All pairs are used, not the mean over random subsets. Two samples of one distribution give 0 on average, and so
    a negative value about as often as a positive one.

    Args:
        real: (n, d), n >= 2.
        fake: (m, d), m >= 2.
    """
    real, fake = _float64(real), _float64(fake)
    n, m = len(real), len(fake)
    within = _other_kernel_sum(real) / (n * (n - 1)) + _other_kernel_sum(fake) / (m * (m - 1))
    return within - 2 * _kernel_sum(real, fake) / (n * m)


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
    return _neighbourhoods(real, fake, neighbours)


def metrics(real: Points, fake: Points, neighbours: int = 5) -> dict[str, float]:
    """Compute each of METRICS; arguments and errors are those of `precision_recall_density_coverage`."""
    prdc = precision_recall_density_coverage(real, fake, neighbours)
    return {"fid": frechet_distance(real, fake), "kid": kernel_distance(real, fake), **prdc._asdict()}


def fidelity(
    real: Points,
    fake: Points,
    null: Points,
    neighbours: int = 5,
    splits: int = SPLITS,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
) -> dict[str, Fidelity]:
    """Compute each of METRICS with an interval, and its null value: what real samples score in place of `fake`.

    `fake` and `null` are cut at random to the smaller of their sizes, so that value and null have the same
    finite-sample bias.

    The variance is that of half-samples of both (`half_sample_variances`). The delete-a-group jackknife is not used:
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
        null: (l, d), real samples that are disjoint from `real`.
        neighbours: k of the nearest-neighbour balls.
        splits: random splits into halves, each as much work as half an evaluation of the metrics.
        level: of the interval.
        rng: cuts and splits the samples.

    Raises:
        UserError: fewer than 2 (k + 1) samples, or values that are not finite.
    """
    real, fake, null = _float64(real), _float64(fake), _float64(null)
    _check({"real": real, "fake": fake, "null": null}, 2 * (neighbours + 1), neighbours)
    size = min(len(fake), len(null))
    fake, null = cut(fake, size, rng), cut(null, size, rng)
    values, nulls = metrics(real, fake, neighbours), metrics(real, null, neighbours)

    def statistic(real: Floats, fake: Floats) -> Floats:
        return np.array(list(metrics(real, fake, neighbours).values()))

    variances = dict(zip(METRICS, half_sample_variances(statistic, real, fake, splits, rng).tolist(), strict=True))
    counts = {"precision": size, "recall": len(real), "coverage": len(real)}
    estimates = {
        name: _share_interval(values[name], variances[name], counts[name], splits, level)
        if name in counts
        else symmetric(values[name], variances[name], splits, level, (-math.inf if name == "kid" else 0.0, math.inf))
        for name in METRICS
    }
    return {name: Fidelity(estimates[name], nulls[name]) for name in METRICS}


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


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, _BLOCK // columns)
    return (slice(start, start + step) for start in range(0, rows, step))


def _covariance_root(x: Floats) -> Floats:
    """R (min(n, d), d) with R^T R the unbiased covariance of x (n, d)."""
    root: Any = np.linalg.qr(x - x.mean(axis=0), mode="r")  # numpy's annotation has no case for mode="r"
    return np.asarray(root / math.sqrt(len(x) - 1))


def _kernel_sum(x: Floats, y: Floats) -> float:
    return sum(float(np.sum((x[rows] @ y.T / x.shape[1] + 1) ** 3)) for rows in _blocks(len(x), len(y)))


def _other_kernel_sum(x: Floats) -> float:
    """Sum of k over the pairs of different points."""
    return _kernel_sum(x, x) - float(np.sum((np.sum(x**2, axis=1) / x.shape[1] + 1) ** 3))


def _neighbourhoods(real: Floats, fake: Floats, neighbours: int) -> Prdc:
    found = incidence(real, fake, square_radii(real, neighbours), square_radii(fake, neighbours))
    density = found.pairs / (neighbours * len(fake))
    return Prdc(float(found.y_in_x.mean()), float(found.x_in_y.mean()), density, float(found.x_holds_y.mean()))


def _share_interval(share: float, variance: float, count: int, freedom: int, level: float) -> Estimate:
    """Clopper-Pearson interval of a share of `count` points, with the sample size that its variance implies."""
    shrunk = (share * count + 0.5) / (count + 1)  # a share of 0 or 1 has a variance, too
    effective = min(count, shrunk * (1 - shrunk) / variance) if variance > 0 else count
    effective *= (deviate(level) / deviate(level, freedom)) ** 2
    return Estimate(share, *map(float, clopper_pearson(share * effective, effective, level)))
