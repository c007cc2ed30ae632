"""Amplification: how many true points describe the truth as well as a generator that has learned from fewer.

The space is cut into Q cells whose true contents are known. The quantile MSE of a model is the mean square error of its
contents (Butter et al., SciPost Phys. 10 (2021) 139); N true points have (1 - sum p^2) / (Q N) on average, so that an
MSE says to how many true points the model is equivalent. Beside it stand a sample, a kernel density estimate, which
knows only that the density is smooth, and a fit of the right family, which knows the truth up to its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from gancensus.contracts.density import Density
from gancensus.contracts.errors import UserError
from gancensus.domains.points.densities import differences
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import deviate

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]

_RESAMPLINGS = 2000  # of the bootstrap
_HELD = 1 << 22  # numbers held at once: 32 MB of float64
_GRID = np.linspace(-16.0, 16.0, 8001)  # of quadrature; a smooth integrand needs far fewer
_BANDWIDTHS = (0.02, 8.0)  # where the best bandwidth is looked for: humps have width 1 and are 8 apart


@dataclass(frozen=True)
class Contents:
    """The true contents of Q cells: exact, or counted from true points that had no part in making the cells."""

    shares: Floats
    """(Q,), of sum 1."""
    points: int | None = None
    """How many points were counted; None: exact."""

    @classmethod
    def equal(cls, cells: int) -> Contents:
        """Return the contents of cells of equal probability."""
        return cls(np.full(cells, 1 / cells))

    @classmethod
    def counted(cls, counts: NDArray[Any]) -> Contents:
        """Return the contents that counts (Q,) of true points estimate.

        Raises UserError for fewer than 2 points.
        """
        points = _at_least_two(counts)
        return cls(counts / points, int(points))

    @property
    def noise(self) -> float:
        """The part of an MSE that comes from the finite number of points counted."""
        return 0.0 if self.points is None else self.one_point / self.points

    @property
    def one_point(self) -> float:
        """N times the expected MSE of N true points, (1 - sum p^2) / Q; unbiased where the contents are counted."""
        excess = 1.0 if self.points is None else self.points / (self.points - 1)
        return float(excess * (1 - np.sum(self.shares**2)) / len(self.shares))


class Amplification(NamedTuple):
    """The quantile MSE of a model, and the number of true points that have the same on average."""

    mse: Estimate
    equivalent: Estimate

    def factor(self, train_size: int) -> Estimate:
        """Return the amplification: equivalent points for each training point."""
        return Estimate(*(None if end is None else end / train_size for end in self.equivalent))


def square_error(shares: NDArray[Any], contents: Contents) -> Floats:
    """Return the quantile MSE (...,) of shares (..., Q), 1/Q sum (x_j - p_j)^2, with whatever noise is in them."""
    return np.asarray(np.mean((shares - contents.shares) ** 2, axis=-1))


def sampling_noise(counts: NDArray[Any]) -> Floats:
    """Return what the finite number M of points adds to the MSE of counts (..., Q): (1 - sum x^2) / (Q (M - 1)).

    It is unbiased at any M, and so is the MSE less it: 1e7 points are not needed.

    Raises UserError where there are fewer than 2 points.
    """
    points = _at_least_two(counts)
    squares = np.sum((counts / points[..., None]) ** 2, axis=-1)
    return np.asarray((1 - squares) / (counts.shape[-1] * (points - 1)))


def of_counts(counts: NDArray[Any], contents: Contents, rng: np.random.Generator) -> Amplification:
    """Return the amplification of a generator from counts (R, Q) of its points, a row for each repetition.

    Repetitions are a training set and a generator each; they may have different numbers of points.

    Raises UserError where there are fewer than 2 points.
    """
    noise = sampling_noise(counts)
    return _amplification(counts / counts.sum(axis=1, keepdims=True), noise, contents, rng)


def of_shares(shares: NDArray[Any], contents: Contents, rng: np.random.Generator) -> Amplification:
    """Return the amplification of models whose contents are known: shares (R, Q), a row for each repetition.

    For example a training set itself: a generator that replays it makes these shares exactly.
    """
    return _amplification(shares, np.zeros(len(shares)), contents, rng)


def _amplification(shares: Floats, noise: Floats, contents: Contents, rng: np.random.Generator) -> Amplification:
    """Return mean MSE and equivalent points with intervals: the mean over repetitions, then the ratio.

    A mean that is not positive tells nothing but that the MSE is small: then the number of equivalent points is None,
    and so is its upper end where the lower end of the MSE is not positive.
    """
    value = float(np.mean(square_error(shares, contents) - noise) - contents.noise)
    ends = _interval(_resampled_means(shares, noise, contents, rng), len(shares))
    mse = Estimate(value, *ends)
    high, low = (None if end is None or end <= 0 else contents.one_point / end for end in (mse.low, mse.high))
    return Amplification(mse, Estimate(contents.one_point / value if value > 0 else None, low, high))


def _resampled_means(shares: Floats, noise: Floats, contents: Contents, rng: np.random.Generator) -> Floats:
    """Return the debiased mean MSE of bootstrap samples of the repetitions, and of the true points where counted."""
    repetitions = len(shares)
    errors = square_error(shares, contents) - noise - contents.noise
    weights = rng.multinomial(repetitions, np.full(repetitions, 1 / repetitions), size=_RESAMPLINGS) / repetitions
    means = np.asarray(weights @ errors)
    if contents.points is None:
        return means
    return means + _resampled_truth(shares.mean(axis=0), contents, contents.points, rng)


def _resampled_truth(mean: Floats, contents: Contents, points: int, rng: np.random.Generator) -> Floats:
    """Return how far the MSE moves, debiased, when the counted true points are drawn again.

    All repetitions are compared with the same true points, so that their error does not average out. With d the mean
    contents (Q,) less the true ones, and e what new points add to these, the MSE moves by mean(e^2 - 2 d e). The d at
    hand is itself larger by the noise of the true points, and so is scaled down.
    """
    away = mean - contents.shares
    square = float(np.mean(away**2))
    away *= math.sqrt(max(0.0, 1 - contents.noise / square)) if square > 0 else 0.0
    found = []
    step = max(1, _HELD // len(mean))
    for start in range(0, _RESAMPLINGS, step):
        counts = rng.multinomial(points, contents.shares, size=min(step, _RESAMPLINGS - start))
        new = counts / points - contents.shares
        found.append(np.mean(new**2 - 2 * new * away, axis=1) - sampling_noise(counts))
    return np.concatenate(found)


def _interval(resampled: Floats, repetitions: int) -> tuple[float | None, float | None]:
    """Return the expanded percentile interval of a mean over repetitions; None for one repetition, which has no spread.

    The bootstrap takes n for n - 1 and the normal distribution for Student's; its percentiles are moved outwards to
    make up for both (Hesterberg, The American Statistician 69 (2015) 371).
    """
    if repetitions < 2:
        return None, None
    reach = deviate(freedom=repetitions - 1) * math.sqrt(repetitions / (repetitions - 1))
    low, high = np.quantile(resampled, ndtr([-reach, reach]))
    return float(low), float(high)


def sample_mse(cells: int, points: int) -> tuple[float, float]:
    """Return mean and standard deviation of the MSE of true points in cells of equal probability.

    N Q^2 MSE is Pearson's X^2 with mean Q - 1 and variance 2 (Q - 1) (1 - 1/N), for any N.
    """
    scale = 1 / (points * cells**2)
    return (cells - 1) * scale, math.sqrt(2 * (cells - 1) * (1 - 1 / points)) * scale


def fit_amplification(truth: Density, per_axis: int) -> float:
    """Return the amplification of an efficient fit of the truth's family: (Q - 1) / tr(I_cells I^-1).

    I is Fisher's information of a point, I_cells that of its cell. As I_cells <= I, it is at least (Q - 1) over the
    number of parameters, whatever the truth: amplification belongs to the family and to Q.
    """
    full, cells = (_information(truth, edges) for edges in (_GRID, truth.edges(per_axis)))
    return float((per_axis**truth.dimension - 1) / np.trace(cells @ np.linalg.inv(full)))


def _information(truth: Density, edges: Floats) -> Floats:
    """Return Fisher's information (parameters, parameters) of the bin of the first coordinate between edges."""
    theta, step = np.asarray(truth.parameters), 1e-4
    moves = step * np.eye(len(theta))
    slopes = (differences(truth.cdf(edges, theta + moves)) - differences(truth.cdf(edges, theta - moves))) / (2 * step)
    shares = differences(truth.cdf(edges))
    seen = shares > 1e-15  # what is less is rounding
    return np.asarray(slopes[:, seen] / shares[seen] @ slopes[:, seen].T)


def kde_shares(x: NDArray[Any], bandwidth: float, edges: NDArray[Any]) -> Floats:
    """Return the exact contents (R, Q) of Gaussian kernel density estimates of samples x (R, N) between edges (Q - 1,).

    The contents of [a, b] are the mean over the points of Phi((b - x) / h) - Phi((a - x) / h).
    """
    below = np.empty((len(x), len(edges)))
    for edge, value in enumerate(edges):
        below[:, edge] = np.mean(ndtr((value - x) / bandwidth), axis=1)
    return differences(below)


def kde_mse(truth: Density, per_axis: int, bandwidth: float, points: int) -> float:
    """Return the expected MSE of a Gaussian kernel density estimate of N points of a truth on a line.

    mean_j b_j^2 + mean_j Var W_j / N, where W_j(x) are the contents of a kernel at x and b_j = E W_j - 1/Q.
    """
    weights = truth.density(_GRID[:, None])
    weights /= weights.sum()
    kernels = kde_shares(_GRID[:, None], bandwidth, truth.edges(per_axis))
    mean = weights @ kernels
    variance = weights @ (kernels - mean) ** 2
    return float(np.mean((mean - 1 / per_axis) ** 2) + np.mean(variance) / points)


def best_bandwidth(truth: Density, per_axis: int, points: int) -> float:
    """Return the bandwidth with the least expected MSE, for N points of a truth on a line."""
    found = minimize_scalar(
        lambda h: math.log(kde_mse(truth, per_axis, math.exp(h), points)),
        bounds=tuple(map(math.log, _BANDWIDTHS)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return math.exp(found.x)


def kde_counts(
    x: NDArray[Any],
    bandwidth: float,
    cells: Callable[[Floats], Cells],
    contents: Contents,
    draws: int,
    rng: np.random.Generator,
) -> Cells:
    """Return counts (R, Q) of points drawn from Gaussian kernel density estimates of samples x (R, N, d).

    Args:
        x: a sample for each repetition.
        bandwidth: standard deviation of the kernel along every axis, in the units of x.
        cells: the cell (n,) of points (n, d).
        contents: of the cells; here, their number.
        draws: points drawn for each repetition.
        rng: random numbers.
    """
    size, step = len(contents.shares), max(1, _HELD // x.shape[2])
    counts = np.zeros((len(x), size), dtype=np.int64)
    for repetition, sample in enumerate(x):
        for start in range(0, draws, step):
            n = min(step, draws - start)
            points = sample[rng.integers(len(sample), size=n)]
            points = points + bandwidth * rng.standard_normal(points.shape)
            counts[repetition] += np.bincount(cells(points), minlength=size)
    return counts


def best_kde_counts(
    x: NDArray[Any],
    bandwidths: Iterable[float],
    cells: Callable[[Floats], Cells],
    contents: Contents,
    draws: int,
    rng: np.random.Generator,
) -> tuple[float, Cells]:
    """Return the bandwidth with the least mean MSE on these samples, and counts (R, Q) as `kde_counts` has them.

    The counts are drawn anew for the best bandwidth: those that it was chosen by would flatter it.
    """

    def mse(bandwidth: float) -> float:
        counts = kde_counts(x, bandwidth, cells, contents, draws, rng)
        return float(np.mean(square_error(counts / draws, contents) - sampling_noise(counts)))

    best = min(bandwidths, key=mse)
    return best, kde_counts(x, best, cells, contents, draws, rng)


def subset_sizes(points: int, per_decade: int = 4) -> list[int]:
    """Return numbers of points from 10 up to `points`, evenly spaced on a logarithmic scale."""
    steps = math.ceil(per_decade * math.log10(max(points, 10) / 10)) + 1
    return sorted({round(size) for size in np.geomspace(min(10, points), points, steps)})


def subset_counts(
    chunks: Iterable[tuple[Cells, NDArray[Any]]], sizes: Iterable[int], repetitions: int, cells: int
) -> Cells:
    """Count the first points of every repetition: counts (sizes, R, Q).

    Args:
        chunks: cell (n,) and repetition (n,) of some points at a time, in the order in which they were drawn.
        sizes: numbers of points, ascending. Where a repetition has fewer, all of them are counted.
        repetitions: R.
        cells: Q.
    """
    ends = np.asarray(list(sizes))
    counts = np.zeros((len(ends) + 1, repetitions, cells), dtype=np.int64)  # the last: beyond all sizes
    seen = np.zeros(repetitions, dtype=np.int64)
    for cell, repetition in chunks:
        owner = repetition.astype(np.int64)
        order = np.argsort(owner, kind="stable")
        grown = np.bincount(owner, minlength=repetitions)
        place = np.empty(len(owner), dtype=np.int64)
        place[order] = np.arange(len(owner)) - np.repeat(np.cumsum(grown) - grown, grown)
        level = np.searchsorted(ends, place + seen[owner], side="right")
        np.add.at(counts, (level, owner, cell), 1)
        seen += grown
    return np.cumsum(counts, axis=0, out=counts)[:-1]


@dataclass(frozen=True)
class AdaptiveCells:
    """A partition of space of any dimension into Q cells that hold equal shares of some points: a k-d tree."""

    axes: NDArray[np.int64]
    """Of each node; -1 for a leaf."""
    thresholds: Floats
    """Of each node: what is at most so far along its axis goes on to the next node, the rest to `others`."""
    others: NDArray[np.int64]
    """Of each node: the node for the rest; of a leaf, its cell."""

    @classmethod
    def of(cls, x: NDArray[Any], cells: int) -> AdaptiveCells:
        """Cut space at quantiles of points x (n, d), along their widest axis each time, until there are Q cells.

        Q need not be a power of two: a node of q cells becomes ones of ceil(q/2) and floor(q/2), with as large shares
        of the points. Without ties every cell holds floor(n/Q) or ceil(n/Q) points. Ties stay together, so that the
        axis that they disturb least is taken first.

        Raises UserError for fewer points than cells.
        """
        if not 1 <= cells <= len(x):
            raise UserError(f"{cells} cells need as many points, but there are {len(x)}; ask for fewer cells")
        nodes: list[tuple[int, float, int]] = []
        _grow(np.asarray(x), cells, nodes, 0)
        axes, thresholds, others = zip(*nodes, strict=True)
        return cls(np.array(axes), np.array(thresholds, dtype=np.float64), np.array(others))

    def __call__(self, x: NDArray[Any]) -> Cells:
        """Return the cell (n,) of each point x (n, d)."""
        node = np.zeros(len(x), dtype=np.int64)
        rows = np.flatnonzero(self.axes[node] >= 0)
        while len(rows):
            at = node[rows]
            left = x[rows, self.axes[at]] <= self.thresholds[at]
            node[rows] = np.where(left, at + 1, self.others[at])
            rows = rows[self.axes[node[rows]] >= 0]
        return self.others[node]


def adaptive_cells(holdout: NDArray[Any], cells: int, rng: np.random.Generator) -> tuple[AdaptiveCells, Contents]:
    """Return Q cells of equal shares of a random half of true points (n, d), and their contents by the other half.

    Raises UserError where there are too few points.
    """
    order = rng.permutation(len(holdout))
    made = AdaptiveCells.of(holdout[order[: len(order) // 2]], cells)
    counts = np.bincount(made(holdout[order[len(order) // 2 :]]), minlength=cells)
    return made, Contents.counted(counts)


def _grow(x: NDArray[Any], cells: int, nodes: list[tuple[int, float, int]], first: int) -> None:
    """Append the tree of points x (n, d), whose cells are numbered from `first`: a node, its left tree, its right."""
    if cells == 1:
        nodes.append((-1, 0.0, first))
        return
    left = -(-cells // 2)
    axis, threshold = _cut(x, len(x) * left // cells)
    here = len(nodes)
    nodes.append((axis, threshold, -1))
    low = x[:, axis] <= threshold
    _grow(x[low], left, nodes, first)
    nodes[here] = (axis, threshold, len(nodes))
    _grow(x[~low], cells - left, nodes, first + left)


def _cut(x: NDArray[Any], wanted: int) -> tuple[int, float]:
    """Return axis and threshold such that nearest to the wanted number of points x (n, d) are at most there."""
    if not wanted:  # ties have left less than a point for each cell
        return 0, -math.inf
    thresholds = np.partition(x, wanted - 1, axis=0)[wanted - 1]
    excess = np.sum(x <= thresholds, axis=0) - wanted
    axis = int(np.lexsort((-x.var(axis=0), excess))[0])
    return axis, float(thresholds[axis])


def _at_least_two(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of points (...,) of counts (..., Q), or raise UserError where it is below 2."""
    points = np.asarray(counts.sum(axis=-1), dtype=np.int64)
    if (points < 2).any():
        raise UserError("a repetition, or the held-out data, has fewer than 2 points; draw more, or take fewer cells")
    return points
