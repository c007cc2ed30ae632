"""The kernel distance of two samples, that of KID, and that of the halves of many random splits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]

TILE = 1024  # rows and columns of the kernel that are held at once: 8 MB


def kernel_distance(real: NDArray[Any], fake: NDArray[Any]) -> float:
    """Unbiased squared MMD with k(x, y) = (x.y / d + 1)^3, the formula of KID (Binkowski et al. 2018).

    All pairs are used, not the mean over random subsets. Two samples of one distribution give 0 on average, and so
    a negative value about as often as a positive one.

    Args:
        real: (n, d), n >= 2.
        fake: (m, d), m >= 2.
    """
    real, fake = (np.ascontiguousarray(x, dtype=np.float64) for x in (real, fake))
    none = (np.empty((len(real), 0), dtype=np.int8), np.empty((len(fake), 0), dtype=np.int8))
    return kernel_distances(real, fake, *none)[0]


def kernel_distances(real: Floats, fake: Floats, real_sides: Integers, fake_sides: Integers) -> tuple[float, Floats]:
    """Return `kernel_distance` of the samples, and of the halves A and B of many splits (splits, 2).

    The sum of k over the pairs of a half is a^T K a with a = 1 for its rows and 0 for others: each part of the kernel
    matrix K is made once, and one product of it with the vectors of all halves serves all splits.

    Args:
        real: (n, d), n >= 2, or 4 with splits.
        fake: (m, d), m >= 2, or 4 with splits.
        real_sides: (n, splits), 1 of the rows in A, -1 of those in B, 0 of one in neither (`half_samples.sides`).
        fake_sides: (m, splits).
    """
    of_real, of_fake = _members(real_sides), _members(fake_sides)
    n, m = (np.array([len(members), *members.sum(axis=0)]) for members in (of_real, of_fake))
    within = _other_sums(real, of_real) / (n * (n - 1)) + _other_sums(fake, of_fake) / (m * (m - 1))
    found = within - 2 * _sums(real, fake, of_real, of_fake) / (n * m)
    return float(found[0]), found[1:].reshape(2, -1).T


def _members(sides: Integers) -> Floats:
    """Return 1 where a row is in A of a split, then where it is in B, else 0: (n, 2 splits)."""
    return np.hstack([sides == 1, sides == -1]).astype(np.float64)


def _other_sums(x: Floats, members: Floats) -> Floats:
    """Sum k over the pairs of different points of x (n, d), then of those of each column of members (n, w): (1 + w)."""
    own = (np.sum(x**2, axis=1) / x.shape[1] + 1) ** 3
    found: Floats = _sums(x, x, members, members) - np.array([own.sum(), *(own @ members)])
    return found


def _sums(x: Floats, y: Floats, of_x: Floats, of_y: Floats) -> Floats:
    """Sum k over the pairs of x and y, then over those of the same column of of_x (n, w) and of_y (m, w): (1 + w)."""
    found, tile = np.zeros(1 + of_x.shape[1]), np.empty(TILE * TILE)
    scaled, same = y / y.shape[1], x is y
    for rows in _tiles(len(x)):
        for columns in _tiles(len(y), rows.start if same else 0):
            a, b = x[rows], scaled[columns]
            kernel = np.matmul(a, b.T, out=tile[: len(a) * len(b)].reshape(len(a), len(b)))
            _cube(kernel)
            times = 2 if same and columns.start > rows.start else 1  # a pair of tiles is made once
            found[0] += times * kernel.sum()
            found[1:] += times * np.einsum("ij,ij->j", of_x[rows], kernel @ of_y[columns])
    return found


def _tiles(points: int, start: int = 0) -> Iterator[slice]:
    return (slice(k, k + TILE) for k in range(start, points, TILE))


@numba.njit(cache=True, nogil=True)
def _cube(values: Floats) -> None:
    """Put (v + 1)^3 in the place of each value."""
    for row in values:
        for k in range(len(row)):
            more = row[k] + 1.0
            row[k] = more * more * more
