"""Amplification: how many true points describe the truth as well as a generator that has learned from fewer.

The space is cut into Q cells whose true contents are known. The quantile MSE of a model is the mean square error of its
contents (Butter et al., SciPost Phys. 10 (2021) 139); N true points have (1 - sum p^2) / (Q N) on average, so that an
MSE says to how many true points the model is equivalent. It is compared with a sample, a kernel density estimate, which
assumes only that the density is smooth, and a fit of the right family, which knows the truth up to its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from gancensus.contracts.density import Cells, Floats
from gancensus.domains.points.cells import Contents, at_least_two
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import deviate

_RESAMPLINGS = 2000  # of the bootstrap
_HELD = 1 << 22  # numbers held at once: 32 MB of float64


class Amplification(NamedTuple):
    """The quantile MSE of a model, and the number of true points that have the same on average."""

    mse: Estimate
    equivalent: Estimate


def square_error(shares: NDArray[Any], contents: Contents) -> Floats:
    """Return the quantile MSE (...,) of shares (..., Q), 1/Q sum (x_j - p_j)^2, including their noise."""
    return np.asarray(np.mean((shares - contents.shares) ** 2, axis=-1))


def sampling_noise(counts: NDArray[Any]) -> Floats:
    """Return what the finite number M of points adds to the MSE of counts (..., Q): (1 - sum x^2) / (Q (M - 1)).

    It is unbiased at any M, and so is the MSE minus it: 1e7 points are not needed.

    Raises UserError where there are fewer than 2 points.
    """
    points = at_least_two(counts)
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

    A mean that is not positive only shows that the MSE is small: then the number of equivalent points is None, and so
    is its upper end where the lower end of the MSE is not positive.
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

    The bootstrap uses n in place of n - 1 and the normal distribution in place of Student's; its percentiles are moved
    outwards to make up for both (Hesterberg, The American Statistician 69 (2015) 371).
    """
    if repetitions < 2:
        return None, None
    reach = deviate(freedom=repetitions - 1) * math.sqrt(repetitions / (repetitions - 1))
    low, high = np.quantile(resampled, ndtr([-reach, reach]))
    return float(low), float(high)


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
