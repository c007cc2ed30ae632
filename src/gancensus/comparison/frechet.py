"""The Frechet distance of two samples, that of FID, and the Gaussians fitted to the halves of many splits."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpocon, dpotrf

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]

_PER_VALUE = 4  # rows for each value, from which the covariance of a half is well-conditioned in the axes of the whole
_CONDITION = 1e-4  # the least reciprocal condition with which it is used: its root is then right to about 1e-12


class Gaussian(NamedTuple):
    """The mean (d,) of samples and R (r, d), with R^T R their unbiased covariance."""

    mean: Floats
    root: Floats


def frechet_distance(real: NDArray[Any], fake: NDArray[Any]) -> float:
    """Frechet distance between the Gaussians fitted to two samples, the formula of FID (Heusel et al. 2017).

    |mu1 - mu2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) with the unbiased covariances S. With S = R^T R, where R comes from
    the QR decomposition of the centred samples, Tr (S1 S2)^(1/2) is the sum of the singular values of R1 R2^T. No
    root of a rounding error is ever taken, so that the value stays exact for n <= d, where S is singular.
    Its expectation is above the distance of the distributions by about a / n: compare values of one sample size.

    Args:
        real: (n, d), n >= 2.
        fake: (m, d), m >= 2.
    """
    return between(*(gaussian(np.asarray(x, dtype=np.float64)) for x in (real, fake)))


def between(one: Gaussian, other: Gaussian) -> float:
    """Return the Frechet distance of two Gaussians."""
    shift = np.sum((one.mean - other.mean) ** 2)
    traces = np.sum(one.root**2) + np.sum(other.root**2)
    overlap = np.linalg.svd(one.root @ other.root.T, compute_uv=False).sum()
    return max(0.0, float(shift + traces - 2 * overlap))


def gaussian(x: Floats) -> Gaussian:
    """Fit a Gaussian to samples x (n, d), n >= 2."""
    mean = x.mean(axis=0)
    root: Any = np.linalg.qr(x - mean, mode="r")  # numpy's annotation has no case for mode="r"
    return Gaussian(mean, np.asarray(root / math.sqrt(len(x) - 1)))


def half_gaussians(x: Floats, sides: Integers) -> list[Gaussian]:
    """Fit Gaussians to the halves A of splits of x (n, d), n >= 4, and then to the halves B.

    Where there are many samples, a half costs a product of matrices for its covariance, not a QR decomposition. So that
    nothing is lost where covariances are nearly singular, it is taken in the axes of the whole sample: with the
    decomposition Q R of that, the rows of a half have the covariance R^T C R, C that of its rows of Q, which is near a
    multiple of the identity. C has a Cholesky factor L, and L^T R is the root. Where C is not well-conditioned (few
    samples, or values that differ in few of them), the half is decomposed by itself.

    Args:
        x: (n, d).
        sides: (n, splits), 1 of the rows in A, -1 of those in B, 0 of one in neither (`half_samples.sides`).
    """
    if len(x) < _PER_VALUE * x.shape[1]:
        return [gaussian(x[side == half]) for half in (1, -1) for side in sides.T]
    centre = x.mean(axis=0)
    axes, root = np.linalg.qr(x - centre)
    total, squares = axes.sum(axis=0), axes.T @ axes
    found: dict[int, list[Gaussian]] = {1: [], -1: []}
    for side in sides.T:
        a, neither = axes[side == 1], axes[side == 0]
        a_total, a_squares = a.sum(axis=0), a.T @ a
        moments = {1: (a_total, a_squares)}
        moments[-1] = (total - a_total - neither.sum(axis=0), squares - a_squares - neither.T @ neither)
        for half, fitted in found.items():
            fitted.append(_in_axes(*moments[half], len(a), centre, root) or gaussian(x[side == half]))
    return [*found[1], *found[-1]]


def _in_axes(total: Floats, squares: Floats, count: int, centre: Floats, root: Floats) -> Gaussian | None:
    """Return the Gaussian of rows from their sum (d,) and sum of squares (d, d) in the axes; None if ill-conditioned.

    The samples are centre + rows @ root.
    """
    mean = total / count
    covariance = (squares - count * np.outer(mean, mean)) / (count - 1)
    factor, failed = dpotrf(covariance, lower=1)
    if failed or dpocon(factor, np.abs(covariance).sum(axis=0).max(), uplo="L")[0] < _CONDITION:
        return None
    return Gaussian(centre + mean @ root, factor.T @ root)
