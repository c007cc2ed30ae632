"""Whether generated jets differ from real ones at all: their distances when labels are permuted."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.census.relabelling import Labels, relabelled
from gancensus.comparison.polynomial import monomials, squared_mmd
from gancensus.statistics.multiplicity import max_t

Floats = NDArray[np.float64]

PERMUTATIONS = 999
AT_ONCE = 100  # labellings


def relabelled_jets(
    real: Floats, fake: Floats, scaled_real: Floats, scaled_fake: Floats, degree: int, rng: np.random.Generator
) -> Floats:
    """Return the p-values (d + 2,) of W1 of each quantity, of the Frechet and of the kernel distance.

    Where both sides have one distribution, every way to label the pooled jets is as probable as the observed one. A
    p-value is the share of labellings in which any of the distances is as improbably large: it accounts for their
    number (`max_t`). The Frechet distance is that of the samples as they are, without extrapolation, which orders the
    labellings in nearly the same way.

    Args:
        real: (n, d).
        fake: (m, d).
        scaled_real: (n, d), of which the Frechet and the kernel distance are.
        scaled_fake: (m, d).
        degree: of the kernel.
        rng: draws the labellings.
    """
    pool, scaled = np.concatenate([fake, real]), np.concatenate([scaled_fake, scaled_real])
    labels = relabelled(len(fake), len(pool), PERMUTATIONS, rng)
    columns = [permuted_wasserstein(column, labels) for column in pool.T]
    phi = monomials(scaled, degree)
    kernel, frechet = [], []
    for start in range(0, labels.shape[1], AT_ONCE):
        made = labels[:, start : start + AT_ONCE].astype(np.float64)
        kernel.append(squared_mmd(phi, phi, made, 1 - made))
        frechet.append(permuted_frechet(scaled, made))
    statistics = np.column_stack([*columns, np.concatenate(frechet), np.concatenate(kernel)])
    return max_t(statistics, np.ones(statistics.shape[1], dtype=np.int64)).adjusted


def permuted_wasserstein(values: Floats, labels: Labels) -> Floats:
    """Return W1 between the labelled values and the others, for every labelling (labellings,).

    W1 is the integral of |F - G|, the difference of the distribution functions, over the pooled values (n,).
    """
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    return _integrals(gaps, np.ascontiguousarray(labels[order].T), int(labels[:, 0].sum()))


@numba.njit(cache=True, nogil=True)
def _integrals(gaps: Floats, labels: Labels, count: int) -> Floats:
    found = np.zeros(len(labels))
    others = labels.shape[1] - count
    for r in range(len(labels)):
        own, total = 0, 0.0
        for k in range(len(gaps)):
            own += labels[r, k]
            total += gaps[k] * abs(own / count - (k + 1 - own) / others)
        found[r] = total
    return found


def permuted_frechet(x: Floats, labels: Floats) -> Floats:
    """Return the Frechet distance of the labelled rows of x (n, d) from the others, for each column of labels."""
    x = x - x.mean(axis=0)
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    sides = []
    for made in (labels, 1 - labels):
        count = made.sum(axis=0)
        mean = (made / count).T @ x
        second = (made.T @ products).reshape(-1, x.shape[1], x.shape[1])
        spread = (second - count[:, None, None] * mean[:, :, None] * mean[:, None, :]) / (count - 1)[:, None, None]
        values, axes = np.linalg.eigh(spread)
        sides.append((mean, axes * np.sqrt(np.maximum(values, 0))[:, None, :], np.trace(spread, axis1=1, axis2=2)))
    (mean, root, trace), (other_mean, other_root, other_trace) = sides
    overlap = np.linalg.svd(root.swapaxes(1, 2) @ other_root, compute_uv=False).sum(axis=1)
    return np.asarray(((mean - other_mean) ** 2).sum(axis=1) + trace + other_trace - 2 * overlap)
