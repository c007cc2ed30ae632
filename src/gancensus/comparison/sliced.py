"""The sliced Wasserstein distance of two samples: how far one must be moved to become the other, along random lines."""

from __future__ import annotations

from typing import NamedTuple

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


class Sorted(NamedTuple):
    """Columns of x (n, k), each sorted, as rows."""

    values: Floats
    """(k, n)."""
    order: Integers
    """The rows of x that the values are of (k, n)."""

    @classmethod
    def of(cls, x: Floats) -> Sorted:
        """Sort the columns of x (n, k)."""
        columns = np.ascontiguousarray(x.T)
        order = np.argsort(columns, axis=1)
        return cls(np.take_along_axis(columns, order, axis=1), order)


def mean_wasserstein(x: Floats | Sorted, y: Floats | Sorted) -> float:
    """Return the mean over the columns of the Wasserstein distance of order 1 between columns of x (n, k) and y (m, k).

    W1 = int_0^1 |F^-1(q) - G^-1(q)| dq with F^-1 and G^-1 the quantile functions of the two samples: steps, which end
    at multiples of 1/n and 1/m, so that the integral is an exact sum. Of samples projected on random directions it is
    the sliced Wasserstein distance (Rabin et al. 2012; Bonneel et al. 2015), of order 1.
    """
    a, b = _sorted(x).values, _sorted(y).values
    return float(_mean_distance(a, b, *_steps(a.shape[1], b.shape[1])))


def half_mean_wasserstein(x: Floats | Sorted, y: Floats | Sorted, x_sides: Integers, y_sides: Integers) -> Floats:
    """Return `mean_wasserstein` of the halves A and of the halves B of many splits (splits, 2).

    Columns are sorted once; those of a half are what is left of them.

    Args:
        x: (n, k).
        y: (m, k).
        x_sides: (n, splits), 1 of the rows in A, -1 of those in B, 0 of one in neither (`half_samples.sides`).
        y_sides: (m, splits).
    """
    both, sizes = (_sorted(x), _sorted(y)), (len(x_sides) // 2, len(y_sides) // 2)
    steps = _steps(*sizes)
    found = []
    for sides in zip(x_sides.T, y_sides.T, strict=True):
        halves = [
            _divide(*one, np.ascontiguousarray(side), size) for one, side, size in zip(both, sides, sizes, strict=True)
        ]
        found.append([_mean_distance(a, b, *steps) for a, b in zip(*halves, strict=True)])
    return np.array(found)


def _sorted(x: Floats | Sorted) -> Sorted:
    return x if isinstance(x, Sorted) else Sorted.of(x)


def _steps(n: int, m: int) -> tuple[Integers, Integers, Floats]:
    """Return the steps of two quantile functions: which of n and of m values they are at, and how long they are."""
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # in units of 1 / (n m), whole
    return (ends - 1) // m, (ends - 1) // n, np.diff(ends, prepend=0) / (n * m)


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


@numba.njit(cache=True, nogil=True)
def _mean_distance(x: Floats, y: Floats, i: Integers, j: Integers, length: Floats) -> float:
    """Return the mean over rows (k, n) and (k, m) of the integrals over steps."""
    total = 0.0
    for k in range(x.shape[0]):
        distance = 0.0
        for s in range(len(length)):
            distance += abs(x[k, i[s]] - y[k, j[s]]) * length[s]
        total += distance
    mean: float = total / x.shape[0]
    return mean
