"""The kernel distance of two samples, that of KID, and means of its kernel in the halves of many splits."""

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
    x_sides, y_sides = (np.empty((len(x), 0), dtype=np.int8) for x in (real, fake))
    within = mean_within(real, x_sides) + mean_within(fake, y_sides)
    return float((within - 2 * mean_between(real, fake, x_sides, y_sides))[0])


def mean_within(x: Floats, sides: Integers) -> Floats:
    """Return the mean of k over the pairs of different points of x, of its halves A, and of its halves B.

    The sum over the pairs of a half is a^T K a with a = 1 for its rows and 0 for others: each part of the kernel matrix
    K is made once, and one product of it with the vectors of all halves serves all splits.

    Args:
        x: (n, d), n >= 2, or 4 with splits.
        sides: (n, splits), 1 of the rows in A, -1 of those in B, 0 of one in neither (`half_samples.sides`).

    Returns:
        (1 + 2 splits,).
    """
    members = _members(sides)
    own = (np.sum(x**2, axis=1) / x.shape[1] + 1) ** 3
    count = _counts(members)
    found: Floats = (_sums(x, x, members, members) - np.array([own.sum(), *(own @ members)])) / (count * (count - 1))
    return found


def mean_between(x: Floats, y: Floats, x_sides: Integers, y_sides: Integers) -> Floats:
    """Return the mean of k over the pairs of x (n, d) and y (m, d), and of their halves A and B, as `mean_within`."""
    of_x, of_y = _members(x_sides), _members(y_sides)
    found: Floats = _sums(x, y, of_x, of_y) / (_counts(of_x) * _counts(of_y))
    return found


def _members(sides: Integers) -> Floats:
    """Return 1 where a row is in A of a split, then where it is in B, else 0: (n, 2 splits)."""
    return np.hstack([sides == 1, sides == -1]).astype(np.float64)


def _counts(members: Floats) -> Floats:
    return np.array([len(members), *members.sum(axis=0)])


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
