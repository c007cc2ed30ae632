"""Copies of training samples: an exact test by the distances to the nearest real samples.

If a generator has not seen `train`, then given its samples the labels 'train' and 'holdout' of the real ones are
exchangeable, whatever the generator makes. Of N pooled real samples the share pi is train. The generated samples are
ordered by the distance to their nearest real one; T_u counts how many of the first u have it in train, and with h_i,
how often real sample i is the nearest one of these u,

    Z_u = (T_u - u pi) / sd_u,  sd_u^2 = pi (1 - pi) N / (N - 1) (sum_i h_i^2 - u^2 / N).

The statistic is the largest Z_u over shares of the generated samples; permuted labels give its distribution.
"""

from __future__ import annotations

from math import ceil, log
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Floats = NDArray[np.float64]

SHARES = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # of the generated samples, nearest first
POWER = 0.95  # with which copies would have been found
TRIALS = 60  # plantings for every number of copies that is tried
RELABELLINGS = 99  # of each planting
NOISE = (0.0, 0.25, 0.5, 1.0)  # distances of planted copies, in median distances to the nearest real sample


class Copying(NamedTuple):
    """What the test says."""

    p: float
    """One-sided: how often permuted labels give a Z as large, the observed ones counted as one of them."""
    z: float
    """The largest Z_u."""
    nearest: int
    """Its u: generated samples, those nearest to real ones."""
    in_train: int
    """T_u, how many of them have their nearest real sample in `train`."""
    share: float
    """Estimated share of copies: (T_u - u pi) / ((1 - pi) n), at least 0."""


class Nearest(NamedTuple):
    """The nearest real sample of each generated one (n,): which of all pooled, and how far; infinite: none is near."""

    row: IntArray
    distance: Floats


def copying(nearest: Nearest, train: int, real: int, permutations: int, rng: np.random.Generator) -> Copying:
    """Test whether generated samples are nearer to `train` than to other real samples.

    Args:
        nearest: of each generated sample; the first `train` of the real ones are in `train`.
        train: number of real samples that the generator learned from.
        real: number of all real samples, above `train`.
        permutations: of the labels.
        rng: draws them.
    """
    return _test(_ordered(nearest), np.arange(real) < train, len(nearest.row), real, permutations, rng)[0]


def detectable(
    nearest: Nearest, train: int, real: int, rng: np.random.Generator, level: float = 0.05
) -> dict[float, int | None]:
    """Return the least number of copies that the test finds with the probability POWER, by noise.

    Labels are permuted, so that nothing is copied; then random generated samples give way to copies of samples of
    what is `train` now, at a distance of noise times the median one. None where all of them are not found.

    Args:
        nearest: as of `copying`.
        train: as of `copying`.
        real: as of `copying`.
        rng: draws labels and copies.
        level: of the test.
    """
    near = np.isfinite(nearest.distance)
    typical = float(np.median(nearest.distance[near])) if near.any() else 0.0
    seeds = [int(seed) for seed in rng.integers(2**63, size=TRIALS)]
    most = len(nearest.row)

    def found(copies: int, noise: float) -> bool:
        missed = 0
        for seed in seeds:
            trial = np.random.default_rng(seed)
            planted, label = _planted(nearest, copies, noise * typical, train, real, trial)
            missed += _test(planted, label, most, real, RELABELLINGS, trial)[0].p > level
            if missed > (1 - POWER) * TRIALS:
                return False
        return True

    least: dict[float, int | None] = {}
    low = high = max(1, ceil(log(level) / log(train / real)) - 1)
    for noise in NOISE:  # the least number grows with it
        while high < most and not found(high, noise):
            low, high = high, min(2 * high, most)
        if high == most and not found(high, noise):
            least[noise] = None
            continue
        while high - low > max(1, low // 10):
            middle = (low + high) // 2
            low, high = (low, middle) if found(middle, noise) else (middle, high)
        least[noise] = high
        low = high
    return least


class _Ordered(NamedTuple):
    """Distinct nearest real samples (k,), how often each is that of the first u generated ones (k, sizes), and u."""

    row: IntArray
    times: Floats
    sizes: IntArray


def _ordered(nearest: Nearest) -> _Ordered:
    """Count the nearest samples of the first u generated ones, equal distances together."""
    order = np.argsort(nearest.distance, kind="stable")
    order = order[np.isfinite(nearest.distance[order])]
    distance = nearest.distance[order]
    wanted = [max(1, round(share * len(nearest.row))) for share in SHARES]
    sizes = np.unique([int(np.searchsorted(distance, distance[u - 1], "right")) for u in wanted if u <= len(order)])
    row, which = np.unique(nearest.row[order], return_inverse=True)
    times = (
        np.stack([np.bincount(which[:u], minlength=len(row)) for u in sizes.tolist()], axis=1)
        if len(sizes)
        else (np.zeros((len(row), 0)))
    )
    return _Ordered(row, times.astype(np.float64), sizes.astype(np.int64))


def _test(
    ordered: _Ordered,
    label: NDArray[np.bool_],
    generated: int,
    real: int,
    permutations: int,
    rng: np.random.Generator,
) -> tuple[Copying, Floats]:
    """Return the result and the largest Z of every permutation; label: which real samples are in train."""
    if not len(ordered.sizes):
        return Copying(1.0, 0.0, 0, 0, 0.0), np.zeros(permutations)
    train = int(label.sum())
    z = _scores(ordered, label, real)
    counts = _permuted(ordered.times, train, real, permutations, rng)
    null = np.round(_standardised(ordered, counts, train / real, real).max(axis=1), 10)
    k = int(z.argmax())
    in_train, size = int(label[ordered.row] @ ordered.times[:, k]), int(ordered.sizes[k])
    p = (1 + np.count_nonzero(null >= np.round(z[k], 10))) / (1 + permutations)
    share = max(0.0, (in_train - size * train / real) / ((1 - train / real) * generated))
    return Copying(float(p), float(z[k]), size, in_train, share), null


def _scores(ordered: _Ordered, label: NDArray[np.bool_], real: int) -> Floats:
    """Return Z_u for every u."""
    return _standardised(ordered, label[ordered.row] @ ordered.times, float(label.mean()), real)


def _standardised(ordered: _Ordered, counts: Floats, pi: float, real: int) -> Floats:
    squares = (ordered.times**2).sum(axis=0) - ordered.sizes**2 / real
    deviation = np.sqrt(np.maximum(pi * (1 - pi) * real / (real - 1) * squares, 1e-12))
    return np.asarray((counts - ordered.sizes * pi) / deviation)


def _planted(
    nearest: Nearest, copies: int, distance: float, train: int, real: int, rng: np.random.Generator
) -> tuple[_Ordered, NDArray[np.bool_]]:
    """Return generated samples of which some are copies, and permuted labels: which real samples are in train."""
    label = np.zeros(real, dtype=bool)
    label[rng.permutation(real)[:train]] = True
    row, far = nearest.row.copy(), nearest.distance.copy()
    at = rng.permutation(len(row))[:copies]
    row[at], far[at] = rng.choice(np.flatnonzero(label), copies), distance
    return _ordered(Nearest(row, far)), label


@numba.njit(cache=True, nogil=True)
def _permuted(times: Floats, train: int, real: int, permutations: int, rng: np.random.Generator) -> Floats:
    """T_u of permuted labels, float64 (permutations, sizes); those of the nearest samples are drawn one by one."""
    found = np.zeros((permutations, times.shape[1]))
    for p in range(permutations):
        left = train
        for k in range(times.shape[0]):
            if rng.random() * (real - k) < left:
                left -= 1
                for u in range(times.shape[1]):
                    found[p, u] += times[k, u]
    return found
