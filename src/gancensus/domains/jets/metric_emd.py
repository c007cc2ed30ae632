"""The earth mover's distance between point clouds."""

import math
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Calibrated, Features
from gancensus.contracts.samples import Samples, flatten
from gancensus.contracts.source import Source
from gancensus.domains.jets.jet_samples import other_width

Floats = NDArray[np.float64]

EDGES = np.array([-np.inf, -0.8, -0.4, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2, 0.4, 0.8, np.inf])  # of bins, in R
FAR = 64.0  # R; the lower bounds move points further out to this distance, to keep rounding below their margin
IMAGES_AT_ONCE = 256  # images decoded at a time
TOTALS = (1e-100, 1e100)  # of the weights of a cloud: the squares of sums stay within float64
WHOLE = 2.0**51  # normalised weights are multiples of 1 / WHOLE: their sums and differences are exact


class Emd(Calibrated):
    """Earth mover's distance between point clouds: the least sum of weight times (distance / R)^p moved between them.

    A sample is an array (particles, 1 + k) of a weight (energy, transverse momentum) and k coordinates each, between
    which the ground distance is Euclidean; weight 0 is padding. `weight` is the position of the weight: JetNet's order
    of eta, phi, pt needs `weight: 2`. With `width`, a sample is an image instead. EMD = min sum_ij f_ij (d_ij / R)^p +
    |sum_i E_i - sum_j E'_j| over f_ij >= 0 with sum_j f_ij <= E_i, sum_i f_ij <= E'_j and sum_ij f_ij = min(sum_i E_i,
    sum_j E'_j) (Komiske, Metodiev & Thaler, Phys. Rev. Lett. 123 (2019) 041801, with p = 1). The sum is not raised to
    1 / p, which would break the triangle inequality for p = 1/2. Two empty clouds have distance 0; if balanced, an
    empty one is infinitely far from any other. A distance is exact to 2^-40 of the largest cost between
    particles of the pair, times the weight that is moved: one that is far smaller has fewer correct digits.
    """

    cost: ClassVar[float] = 25_000.0
    kind: Literal["emd"] = "emd"
    p: Literal[0.5, 1.0] = 1.0  # type: ignore[valid-type]  # pydantic allows numbers
    """Power of the ground distance."""
    R: float = Field(1.0, gt=0)
    """Distance at which moving a weight costs as much as leaving it over, in the unit of the coordinates. Unbalanced,
    it should be at least half the largest distance between particles: else the triangle inequality can fail."""
    balanced: bool = True
    """Whether a cloud's weights are divided by their sum, so that none is left over."""
    weight: int = Field(0, ge=0)
    """Which number of a particle, counted from 0, is its weight; the others are its coordinates."""
    width: float | None = Field(None, gt=0)
    """Width of images (H, W) in the unit of coordinates, that of their W columns; pixels are square. A pixel is a
    particle at its centre, its value the weight. None: samples are clouds of particles."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.width is not None and self.weight:
            raise PydanticCustomError("emd", "`weight` is for clouds and `width` for images; remove one of the two")
        return self

    def features(self, samples: Samples) -> Features:
        """Return points (n, k, particles) in R and weights (n, particles), by place, totals (n,), and profiles.

        All float64; the profiles (n, directions, bins) are scaled for `embed`. Equal clouds have equal features, in any
        order of their particles. Raises UserError when samples are not point clouds, a weight is negative, or a total
        is not 0 and not within TOTALS.
        """
        from gancensus.distances.transport import profiles

        weights, points = self._clouds(samples)
        totals = np.cumsum(weights, axis=1)[:, -1].copy()  # one after the other: the same bits on every machine
        _check_totals(samples, totals)
        if self.balanced:
            weights, totals = _normalise(weights, totals), (totals > 0).astype(np.float64)
        reach = FAR if self.balanced else 0.5 ** (1 / self.p)
        length = np.sqrt((points**2).sum(axis=1, keepdims=True))
        directions, scale = self._directions(points.shape[1])
        profile = profiles(points * (reach / np.maximum(length, reach)), weights, directions, EDGES)
        return points, weights, totals, profile * scale

    def _clouds(self, samples: Samples) -> tuple[Floats, Floats]:
        """Return weights (n, particles) and points (n, k, particles) over R, ordered by place, without weight last."""
        if self.width is None:
            weights, coordinates = self._particles(samples)
        else:
            weights, coordinates = self._pixels(samples, self.width)
        points = np.moveaxis(np.where(weights[..., None] > 0, coordinates / self.R, 0.0), -1, 1)
        order = np.lexsort((-weights, *np.moveaxis(points, 1, 0)[::-1], weights == 0), axis=-1)
        return np.take_along_axis(weights, order, axis=1), np.take_along_axis(points, order[:, None], axis=2)

    def refuses(self, source: Source) -> str | None:
        """Refuse another width than that of the source's images."""
        return other_width(source, self.width)

    def _particles(self, samples: Samples) -> tuple[Floats, Floats]:
        """Return the weights (n, particles) and coordinates (n, particles, k) of clouds."""
        if len(samples.shape) != 2 or samples.shape[1] < 2 or self.weight >= samples.shape[1]:
            raise UserError(
                f"metric emd: samples have the shape {samples.shape}; it compares clouds of particles, each a weight "
                f"(number {self.weight}) and coordinates: (particles, 1 + coordinates); for images, give their `width`"
            )
        x = samples.natural()
        weights = _not_negative(
            samples,
            x[..., self.weight],
            f"it is number {self.weight} of each particle: where another one is its energy or momentum, say which "
            "(`weight: 2` for eta, phi, pt), else remove or repair the sample",
        )
        return weights, np.delete(x, self.weight, axis=-1)

    def _pixels(self, samples: Samples, width: float) -> tuple[Floats, Floats]:
        """Return the values (n, particles) above 0 of images, and the centres (n, particles, 2) of their pixels.

        Particles are as many as the image with most of them has, so that the empty pixels of images take no memory.
        """
        if len(samples.shape) != 2:
            raise UserError(
                f"metric emd: samples have the shape {samples.shape}; with `width` it compares images (H, W) of one "
                "channel; leave `width` out for clouds of particles"
            )
        found = [_lit(samples.take(slice(k, k + IMAGES_AT_ONCE))) for k in range(0, len(samples), IMAGES_AT_ONCE)]
        most = max((values.shape[1] for values, _ in found), default=1)
        weights, places = np.zeros((len(samples), most)), np.zeros((len(samples), most, 2))
        for k, (values, pixels) in enumerate(found):
            rows = slice(k * IMAGES_AT_ONCE, k * IMAGES_AT_ONCE + len(values))
            weights[rows, : values.shape[1]], places[rows, : values.shape[1]] = values, pixels
        columns = samples.shape[1]
        return weights, ((places + 0.5) / columns - np.array(samples.shape) / (2 * columns)) * width

    def _directions(self, dimensions: int) -> tuple[Floats, Floats]:
        """Return unit vectors (r, k) along which clouds are compared, and the factors that scale a profile's bins.

        In the plane, four at 45 degrees; else along the axes. Either way sum_r (u_r . x)^2 = (r / k) |x|^2.
        """
        angles = np.arange(4) * np.pi / 4
        directions = np.column_stack([np.cos(angles), np.sin(angles)]) if dimensions == 2 else np.eye(dimensions)
        ratio = dimensions / len(directions)
        if self.p == 1:
            return directions, np.full(len(EDGES) - 1, math.sqrt(ratio))
        return directions, np.sqrt(math.sqrt(ratio / len(directions)) / np.diff(EDGES))

    def embed(self, features: Features) -> Floats:
        """Return half the total and the profile: (n, 9) in the plane for p = 1, else (n, 41).

        A particle at x (in R) has a point phi(x): how far u_r . x reaches into each bin along each direction, scaled. A
        profile is the sum of weight times phi. Let |phi(x) - phi(y)| <= |x - y|^p in some norm, and |phi(x)| <= 1/2 for
        all that can be left over. The difference of two profiles is, for any plan f, the sum of f_ij (phi(x_i) -
        phi(y_j)) plus what is left over times its phi: its norm is at most the cost of f less half of what is left
        over. So EMD >= |difference of totals| / 2 + |difference of profiles|.

        p = 1: the norm is the root of the sum over directions of the square of the sum over bins. Along a direction the
        bins' differences have one sign and sum to u_r . (x - y), and the factor sqrt(k / r) makes the norm |x - y|.
        `exact` takes this bound. The points here have, for each direction, the sum over the bins below 0 and that over
        the bins above; their Euclidean distance is not larger.

        p = 1/2: the norm is Euclidean. A difference d in a bin of width w has d^2 / w <= |d|. So the squares along a
        direction sum to at most |u_r . (x - y)|, and in all, by Cauchy and Schwarz, to r / sqrt(k) |x - y|: the factor
        is the root of sqrt(k) / (r w), 0 for the bins without end.

        |phi(x)| = |phi(x) - phi(0)| <= |x|^p is at most 1/2 in a ball around 0. Unbalanced clouds are projected onto
        it, and balanced ones, of which nothing is left over, onto that of radius FAR: no particles get further apart.
        """
        _, _, totals, profile = features
        n, r, bins = profile.shape
        profile = profile.reshape(n, r, 2, bins // 2).sum(axis=-1) if self.p == 1 else profile[..., 1:-1]
        return np.column_stack([0.5 * totals, flatten(profile)])

    def radius(self, threshold: float) -> float:
        """Return the threshold, wider by the rounding of `embed`.

        The difference of two points is off by less than 2^-52 (particles + 10) of the larger total, balanced by 2 FAR
        times that of 1. The margin holds this for 10^5 balanced particles; for 100 unbalanced ones if the threshold is
        above 10^-8 of the total, which is finer than float32 resolves, or the total below 10^5.
        """
        return threshold * (1 + 1e-5) + 1e-8

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return the distances by the simplex method, infinity for those above the limit; the same both ways."""
        from gancensus.distances.transport import transport_distances

        return transport_distances(a, b, i, j, self.p != 1, self.balanced, limit)


def _not_negative(samples: Samples, weights: Floats, repair: str) -> Floats:
    """Return weights (n, ...) in natural units, 0 where they are below it by rounding; say how to repair others."""
    from gancensus.distances.shapes import rounding

    slack = rounding(samples.scale)
    negative = weights < -slack[-1]
    if negative.any():
        row, *place = np.argwhere(negative)[0]
        raise UserError(
            f"metric emd: sample {samples.sample_id[row]} has the weight {weights[(row, *place)]:.6g}, and weights "
            f"must be at least 0; {repair}"
        )
    return np.maximum(weights, 0.0)


def _check_totals(samples: Samples, totals: Floats) -> None:
    """Raise UserError where a total (n,) is so small or large that sums of weight times distance leave float64."""
    wrong = (totals != 0) & ~((totals >= TOTALS[0]) & (totals <= TOTALS[1]))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UserError(
            f"metric emd: sample {samples.sample_id[row]} has the total weight {totals[row]:.6g}; it must be 0 or from "
            f"{TOTALS[0]:g} to {TOTALS[1]:g}: take another unit, or remove or repair the sample"
        )


def _lit(samples: Samples) -> tuple[Floats, Floats]:
    """Return the values above 0 of images (n, H, W) and the rows and columns where they are, padded with zeros."""
    x = _not_negative(samples, samples.natural(), "remove or repair the sample")
    image, row, column = np.nonzero(x)
    count = np.bincount(image, minlength=len(x))
    which = np.arange(len(image)) - np.repeat(np.cumsum(count) - count, count)
    values, pixels = np.zeros((len(x), max(1, count.max()))), np.zeros((len(x), max(1, count.max()), 2))
    values[image, which] = x[image, row, column]
    pixels[image, which] = np.column_stack([row, column])
    return values, pixels


def _normalise(weights: Floats, totals: Floats) -> Floats:
    """Return weights (n, particles) over their totals (n,), in multiples of 1 / WHOLE that sum to exactly 1, or 0."""
    empty = totals == 0
    parts = np.rint(weights / np.where(empty, 1.0, totals)[:, None] * WHOLE)
    heaviest = parts.argmax(axis=1)
    parts[np.arange(len(parts)), heaviest] += np.where(empty, 0.0, WHOLE - parts.sum(axis=1))
    return parts / WHOLE
