"""Compiled loops over pairs: one fixed order of operations, the same bits on every machine."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.distances.simd import COLUMNS, ROWS, dots_at_least, lowest_bit, squared_distance

Points = NDArray[np.floating[Any]]


@numba.njit(cache=True, nogil=True)
def euclidean_distances(
    a: NDArray[np.float32], b: NDArray[np.float32], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return |a[i] - b[j]| in float64: eight sums over the values, then the rest, in a fixed order."""
    out = np.empty(len(i))
    whole = a.shape[1] // 8
    for pair in range(len(i)):
        u, v = a[i[pair]], b[j[pair]]
        square = squared_distance(u.ctypes.data, v.ctypes.data, np.int64(whole))
        for k in range(8 * whole, a.shape[1]):
            difference = np.float64(u[k]) - np.float64(v[k])
            square += difference * difference
        out[pair] = np.sqrt(square)
    return out


@numba.njit(cache=True, nogil=True)
def largest(x: Points, centre: NDArray[np.float64]) -> float:
    """Return the largest |x - centre| of any value."""
    most = 0.0
    for r in range(len(x)):
        row = x[r]
        for k in range(len(row)):
            most = max(most, abs(np.float64(row[k]) - centre[k]))
    return most


@numba.njit(cache=True, nogil=True)
def round_to_int8(
    x: Points, centre: NDArray[np.float64], step: float, multiple: int
) -> tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.float64]]:
    """Round x - centre to multiples of a step: the integers, their squared norms, and the residuals rounded up.

    Rows are padded with zeros to a multiple, values to a multiple of 4. |x - centre| is at most 127 steps.
    """
    n, values = x.shape
    padded = (n + multiple - 1) // multiple * multiple
    q = np.zeros((padded, (values + 3) // 4 * 4), np.int8)
    square, residual = np.zeros(padded, np.int64), np.zeros(padded)
    inverse = 1.0 / step
    for r in range(n):
        rest = 0.0
        norm = np.int64(0)
        for k in range(values):
            difference = np.float64(x[r, k]) - centre[k]
            whole = np.rint(difference * inverse)
            q[r, k] = np.int8(whole)
            norm += np.int64(whole) * np.int64(whole)
            rest += (difference - whole * step) ** 2
        square[r] = norm
        residual[r] = np.sqrt(rest) * (1 + 1e-9) + 1e-9 * step  # covers the rounding of the differences
    return q, square, residual


@numba.njit(cache=True, nogil=True)
def round_to_float32(
    x: Points, centre: NDArray[np.float64], scale: float
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Round (x - centre) / scale to float32: the points, their norms and the residuals, both rounded up."""
    y = np.empty(x.shape, np.float32)
    norm, residual = np.empty(len(x)), np.empty(len(x))
    for r in range(len(x)):
        rest, square = 0.0, 0.0
        for k in range(x.shape[1]):
            point = (np.float64(x[r, k]) - centre[k]) / scale
            y[r, k] = np.float32(point)
            square += np.float64(y[r, k]) ** 2
            rest += (point - np.float64(y[r, k])) ** 2
        norm[r] = np.sqrt(square) * (1 + 1e-9)
        residual[r] = np.sqrt(rest) * (1 + 1e-9) + 1e-15 * norm[r]
    return y, norm, residual


@numba.njit(cache=True, nogil=True)
def int8_candidates(
    rows: NDArray[np.int8],
    columns: NDArray[np.uint8],
    limit: NDArray[np.int32],
    shift: NDArray[np.int32],
    i: NDArray[np.int32],
    j: NDArray[np.int32],
) -> int:
    """Write the pairs whose dot product is at least limit[row] + shift[column] to i and j; return their number.

    rows (n, 4 steps), n a multiple of ROWS; columns (m / COLUMNS, GROUPS, steps, LANES, 4); i, j hold n m values.
    """
    mask = np.empty(ROWS, np.uint64)  # COLUMNS bits a row
    stride, steps, found = np.int64(rows.shape[1]), np.int64(columns.shape[2]), 0
    for r in range(0, len(rows), ROWS):
        for c in range(len(columns)):
            dots_at_least(
                rows[r:].ctypes.data,
                stride,
                columns[c:].ctypes.data,
                steps,
                limit[r:].ctypes.data,
                shift[c * COLUMNS :].ctypes.data,
                mask.ctypes.data,
            )
            for m in range(ROWS):
                word = mask[m]
                while word:
                    i[found] = r + m
                    j[found] = c * COLUMNS + np.int64(lowest_bit(word))
                    found += 1
                    word &= word - np.uint64(1)
    return found


@numba.njit(cache=True, nogil=True)
def float32_candidates(
    dots: NDArray[np.float32],
    limit: NDArray[np.float32],
    shift: NDArray[np.float32],
    i: NDArray[np.int32],
    j: NDArray[np.int32],
) -> int:
    """Write the pairs with dots (n, m) at least limit[row] + shift[column] to i and j; return their number."""
    found = 0
    for r in range(dots.shape[0]):
        row, least = dots[r], limit[r]
        for start in range(0, len(row), 64):
            stop = min(start + 64, len(row))
            hits = 0
            for c in range(start, stop):
                hits += row[c] >= least + shift[c]
            if hits:
                for c in range(start, stop):
                    if row[c] >= least + shift[c]:
                        i[found] = r
                        j[found] = c
                        found += 1
    return found


@numba.njit(cache=True, nogil=True)
def windows(
    a: NDArray[np.float64], b: NDArray[np.float64], reach: float, i: NDArray[np.int64], j: NDArray[np.int64]
) -> int:
    """Write the pairs with |a - b| <= reach, both ascending, to i and j, of n m values; return their number."""
    found, start = 0, 0
    for r in range(len(a)):
        while start < len(b) and b[start] < a[r] - reach:
            start += 1
        c = start
        while c < len(b) and b[c] <= a[r] + reach:
            i[found] = r
            j[found] = c
            found += 1
            c += 1
    return found


@numba.njit(cache=True, nogil=True)
def count_near(x: NDArray[np.float64], y: NDArray[np.float64], tolerance: float) -> NDArray[np.int64]:
    """Return for each x how many of the ascending y are within the tolerance: |x - y|, rounded as `Condition` does."""
    counts = np.zeros(len(x), np.int64)
    order = np.argsort(x)
    start, stop = 0, 0
    for r in order:
        while start < len(y) and x[r] - y[start] > tolerance:
            start += 1
        stop = max(stop, start)
        while stop < len(y) and y[stop] - x[r] <= tolerance:
            stop += 1
        counts[r] = stop - start
    return counts
