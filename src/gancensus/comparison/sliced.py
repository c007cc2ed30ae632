"""The sliced Wasserstein distance of two samples: how far one must be moved to become the other, along random lines."""

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DIRECTIONS = 128


def draw_directions(values: int, rng: np.random.Generator, count: int = DIRECTIONS) -> Floats:
    """Draw directions (count, values) of length 1, uniform on the sphere; as many as can be are orthogonal.

    Their mean then varies less than with independent ones (Rowland et al. 2019, arXiv:1903.03784).
    """
    width = min(values, count)
    blocks = [np.linalg.qr(rng.standard_normal((values, width)))[0].T for _ in range(-(-count // width))]
    return np.concatenate(blocks)[:count]


def mean_wasserstein(x: Floats, y: Floats) -> float:
    """Return the mean over the columns of the Wasserstein distance of order 1 between columns of x (n, k) and y (m, k).

    W1 = int_0^1 |F^-1(q) - G^-1(q)| dq with F^-1 and G^-1 the quantile functions of the two samples: steps, which end
    at multiples of 1/n and 1/m, so that the integral is an exact sum. Of samples projected on random directions it is
    the sliced Wasserstein distance (Rabin et al. 2012; Bonneel et al. 2015), of order 1.
    """
    return _between_sorted(np.sort(x, axis=0), np.sort(y, axis=0))


def half_mean_wasserstein(x: Floats, y: Floats, x_sides: Integers, y_sides: Integers) -> Floats:
    """Return `mean_wasserstein` of the halves A and of the halves B of many splits (splits, 2).

    Columns are sorted once; those of a half are what is left of them.

    Args:
        x: (n, k).
        y: (m, k).
        x_sides: (n, splits), 1 of the rows in A, -1 of those in B, 0 of one in neither (`half_samples.sides`).
        y_sides: (m, splits).
    """
    splits = zip(_sorted_halves(x, x_sides), _sorted_halves(y, y_sides), strict=True)
    return np.array([[_between_sorted(a.T, b.T) for a, b in zip(*halves, strict=True)] for halves in splits])


def _sorted_halves(x: Floats, sides: Integers) -> Iterator[Floats]:
    """Yield the sorted columns, as rows, of A and of B of each split (2, k, n // 2)."""
    columns = np.ascontiguousarray(x.T)
    order = np.argsort(columns, axis=1)
    columns = np.take_along_axis(columns, order, axis=1)
    for side in np.ascontiguousarray(sides.T):
        yield _divide(columns, order, side, len(x) // 2)


@numba.njit(cache=True, nogil=True)
def _divide(rows: Floats, order: Integers, side: Integers, size: int) -> Floats:
    """Divide sorted rows (k, n) into those of A and of B (2, k, size); without a branch, which would be a guess."""
    found = np.empty((2, rows.shape[0], size))
    for k in range(rows.shape[0]):
        a = b = 0
        for c in range(rows.shape[1]):
            own = side[order[k, c]]
            if a < size:
                found[0, k, a] = rows[k, c]
            if b < size:
                found[1, k, b] = rows[k, c]
            a += own == 1
            b += own == -1
    return found


def _between_sorted(x: Floats, y: Floats) -> float:
    n, m = len(x), len(y)
    if n == m:
        return float(np.abs(x - y).mean())
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # in units of 1 / (n m), whole
    gaps = np.abs(x[(ends - 1) // m] - y[(ends - 1) // n])
    return float(np.diff(ends, prepend=0) @ gaps.mean(axis=1)) / (n * m)
