"""Kernel density estimates of points: their contents of cells, and their best bandwidth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from gancensus.contracts.density import Cells, Density, Floats
from gancensus.domains.points.amplification import sampling_noise, square_error
from gancensus.domains.points.cells import Contents
from gancensus.domains.points.densities import differences

_GRID = np.linspace(-16.0, 16.0, 8001)  # of quadrature; a smooth integrand needs far fewer
_BANDWIDTHS = (0.02, 8.0)  # between which the best bandwidth is searched: humps have width 1 and are 8 apart
_HELD = 1 << 22  # numbers held at once: 32 MB of float64


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

    The counts are drawn again for the best bandwidth: those by which it was chosen are biased in its favour.
    """

    def mse(bandwidth: float) -> float:
        counts = kde_counts(x, bandwidth, cells, contents, draws, rng)
        return float(np.mean(square_error(counts / draws, contents) - sampling_noise(counts)))

    best = min(bandwidths, key=mse)
    return best, kde_counts(x, best, cells, contents, draws, rng)
