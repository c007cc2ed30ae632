"""Nearest neighbours of large samples, and balls: products in single precision, exact sums where in doubt.

Whether a square distance D^2 lies below a limit is decided by one sum in float64 in a fixed order, so that no blocking,
thread or library changes a result. Few pairs need that sum. With a and b the two points less a common centre, rounded
to float32 (u = 2^-24), and the product summed in any order,

    |D^2 - (|a|^2 + |b|^2 - 2 a.b)| <= (gamma_d + 4.1 u) (|a|^2 + |b|^2),  gamma_n = n u / (1 - n u).

The error of the product is at most gamma_d |a||b| (Higham, Accuracy and Stability, 2nd ed., eq. 3.5), and 2 |a||b| <=
|a|^2 + |b|^2. Rounding moves the difference of the points by e <= 1.01 u (|a| + |b|), its square by e (2 |a - b| + e).
The margin taken is gamma_(d+8), which also covers every rounding in float64, for d < 2^23.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

TILE = 1024  # rows and columns of a product: 4 MB in float32
LANES = 32  # pairs that are tested together, before one by one
STRETCH = 16  # times eight squares are summed between checks of the limit
TINY = 1e-30  # more than underflow takes from the square of a point of size 1


class Incidence(NamedTuple):
    """Which points lie in which balls; a ball holds what is nearer to its centre than its radius."""

    x_in_y: Flags
    """Points of x in at least one ball of y (n,)."""
    y_in_x: Flags
    """Points of y in at least one ball of x (m,)."""
    x_holds_y: Flags
    """Balls of x with at least one point of y (n,)."""
    pairs: int
    """Pairs of a ball of x and a point of y in it."""


class Nearest(NamedTuple):
    """The nearest rows of each row of a set, nearest first."""

    rows: Integers
    """Which rows they are (n, k); -1 where there are fewer than k."""
    distance: Floats
    """How far they are, Euclidean (n, k); infinite where there are fewer than k."""


class _Frame(NamedTuple):
    """Where points are centred, and the power of 2 that then brings them to a size of at most 1."""

    centre: Floats
    exponent: int


class _Cloud(NamedTuple):
    """Points in a frame, in single precision, and half their square norms less and plus the margin."""

    points: Singles
    low: Floats
    high: Floats


def nearest(x: NDArray[Any], y: NDArray[Any], neighbours: int = 1) -> Nearest:
    """Find the k nearest rows of y (m, d) of each row of x (n, d); of equally near ones, the first of y."""
    return _nearest(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), neighbours, others=False)


def nearest_others(x: NDArray[Any], neighbours: int = 1) -> Nearest:
    """Find the k nearest rows of x (n, d) of each of its rows, without itself; of equally near ones, the first."""
    x = np.asarray(x, dtype=np.float64)
    return _nearest(x, x, neighbours, others=True)


def square_radii(x: Floats, neighbours: int) -> Floats:
    """Return the square distance of each point of x (n, d) to its k-th nearest other one (n,), n > k >= 1.

    A few more points than k are kept for each, those with the least lower bounds. Their distances are computed exactly;
    where another one might be nearer, so are all.
    """
    frame = _frame(x)
    cloud = _cloud(x, frame)
    kept = min(5 * neighbours // 4 + 4, len(x) - 1)
    least, index = np.full((len(x), kept), np.inf), np.zeros((len(x), kept), dtype=np.int64)
    worst = least[:, -1].copy()
    tile = np.empty(TILE * TILE, dtype=np.float32)
    for rows in _tiles(len(x)):
        part = cloud.points[rows].copy()  # numpy is slower for the product of an array with itself
        for columns in _tiles(len(x), rows.start):
            dots = _product(part, cloud.points[columns], tile)
            _keep_least(dots, cloud.low, rows.start, columns.start, least, index, worst)
    bounds = np.ldexp(2 * (cloud.low[:, None] + least), 2 * frame.exponent)
    return _exact_radii(x, index, bounds, neighbours)


def incidence(x: Floats, y: Floats, x_radii: Floats, y_radii: Floats) -> Incidence:
    """Find the points of x (n, d) and y (m, d) that lie in balls of the other, with square radii (n,) and (m,)."""
    frame = _frame(x, y)
    cloud = _cloud(y, frame)
    x_in_y, y_in_x, x_holds_y = (np.zeros(size, dtype=np.bool_) for size in (len(x), len(y), len(x)))
    x_limit, y_limit = (np.ldexp(radii, -2 * frame.exponent) / 2 for radii in (x_radii, y_radii))
    pairs, tile = 0, np.empty(TILE * TILE, dtype=np.float32)
    for rows in _tiles(len(x)):
        part = _cloud(x[rows], frame)
        for columns in _tiles(len(y)):
            pairs += _count(
                _product(part.points, cloud.points[columns], tile),
                (x[rows], part.low, part.high, x_limit[rows], x_radii[rows]),
                (y[columns], cloud.low[columns], cloud.high[columns], y_limit[columns], y_radii[columns]),
                (x_in_y[rows], y_in_x[columns], x_holds_y[rows]),
            )
    return Incidence(x_in_y, y_in_x, x_holds_y, pairs)


def _tiles(points: int, start: int = 0) -> Iterator[slice]:
    return (slice(k, k + TILE) for k in range(start, points, TILE))


def _frame(*samples: Floats) -> _Frame:
    centre = np.mean([x.mean(axis=0) for x in samples], axis=0)
    reach = max(float(np.abs(end(x, axis=0) - centre).max()) for x in samples for end in (np.min, np.max))
    return _Frame(centre, int(np.frexp(reach)[1]))


def _cloud(x: Floats, frame: _Frame) -> _Cloud:
    points = np.empty(x.shape, dtype=np.float32)
    for rows in _tiles(len(x)):
        points[rows] = np.ldexp(x[rows] - frame.centre, -frame.exponent)
    squares = np.einsum("ij,ij->i", points, points, dtype=np.float64)
    rounding = (x.shape[1] + 8) * 2.0**-24
    margin = rounding / (1 - rounding) * (squares + TINY)
    return _Cloud(points, (squares - margin) / 2, (squares + margin) / 2)


def _product(a: Singles, b: Singles, tile: Singles) -> Singles:
    """Return a b^T (len(a), len(b)), written to the memory of `tile`."""
    return np.matmul(a, b.T, out=tile[: len(a) * len(b)].reshape(len(a), len(b)))


@numba.njit(cache=True, nogil=True)
def _insert(values: Floats, index: Integers, value: float, j: int) -> None:
    """Insert a value below the last into ascending values, and j beside it; the last one drops out."""
    k = len(values) - 1
    while k > 0 and values[k - 1] > value:
        values[k], index[k] = values[k - 1], index[k - 1]
        k -= 1
    values[k], index[k] = value, j


@numba.njit(cache=True, nogil=True)
def _keep_least(
    dots: Singles, low: Floats, first_row: int, first_column: int, least: Floats, index: Integers, worst: Floats
) -> None:
    """Keep for each i the points j with the least low[j] - i.j, of the pairs i < j of a tile, and for each j alike."""
    for r in range(dots.shape[0]):
        i = first_row + r
        for start in range(max(0, i + 1 - first_column), dots.shape[1], LANES):
            lane, first = dots[r, start : start + LANES], first_column + start
            lane_low, lane_worst = low[first : first + LANES], worst[first : first + LANES]
            seen = 0
            for c in range(len(lane)):
                seen += (lane_low[c] - lane[c] < worst[i]) | (low[i] - lane[c] < lane_worst[c])
            if seen == 0:
                continue
            for c in range(len(lane)):
                j = first + c
                if low[j] - lane[c] < worst[i]:
                    _insert(least[i], index[i], low[j] - lane[c], j)
                    worst[i] = least[i, -1]
                if low[i] - lane[c] < worst[j]:
                    _insert(least[j], index[j], low[i] - lane[c], i)
                    worst[j] = least[j, -1]


@numba.njit(cache=True, nogil=True)
def _square(x: Floats, i: int, y: Floats, j: int, k: int) -> float:
    difference: float = x[i, k] - y[j, k]
    return difference * difference


@numba.njit(cache=True, nogil=True)
def _square_distance(x: Floats, i: int, y: Floats, j: int, limit: float) -> float:
    """Sum the squares of x[i] - y[j] in eight sums and a rest, added in a fixed tree; stop early at limit or above."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = rest = 0.0
    eights = x.shape[1] // 8
    for start in range(0, eights, STRETCH):
        for eight in range(start, min(start + STRETCH, eights)):
            k = 8 * eight
            s0 += _square(x, i, y, j, k)
            s1 += _square(x, i, y, j, k + 1)
            s2 += _square(x, i, y, j, k + 2)
            s3 += _square(x, i, y, j, k + 3)
            s4 += _square(x, i, y, j, k + 4)
            s5 += _square(x, i, y, j, k + 5)
            s6 += _square(x, i, y, j, k + 6)
            s7 += _square(x, i, y, j, k + 7)
        if ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) >= limit:  # sums of squares only grow, rounded or not
            break
    for k in range(8 * eights, x.shape[1]):
        rest += _square(x, i, y, j, k)
    return (((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))) + rest


@numba.njit(cache=True, nogil=True)
def _exact_radii(x: Floats, index: Integers, bounds: Floats, neighbours: int) -> Floats:
    """Find the k-th least square distance of each point: among its candidates, least bound first, if they decide it.

    bounds[i, c] is below the square distance of candidate c, of those after it, and of all that are not candidates.
    """
    radii = np.empty(len(x))
    nearest, which = np.empty(neighbours), np.empty(neighbours, dtype=np.int64)
    for i in range(len(x)):
        nearest[:] = np.inf
        for c in range(index.shape[1]):
            if bounds[i, c] >= nearest[-1]:
                break
            square = _square_distance(x, i, x, index[i, c], nearest[-1])
            if square < nearest[-1]:
                _insert(nearest, which, square, c)
        if bounds[i, -1] < nearest[-1]:
            nearest[:] = np.inf
            for j in range(len(x)):
                square = np.inf if j == i else _square_distance(x, i, x, j, nearest[-1])
                if square < nearest[-1]:
                    _insert(nearest, which, square, j)
        radii[i] = nearest[-1]
    return radii


@numba.njit(cache=True, nogil=True)
def _count(
    dots: Singles,
    rows: tuple[Floats, Floats, Floats, Floats, Floats],
    columns: tuple[Floats, Floats, Floats, Floats, Floats],
    found: tuple[Flags, Flags, Flags],
) -> int:
    """Note the incidences of a tile in `found` and return the number of pairs of a ball of x and a point of y in it.

    D^2 / 2 lies between low[i] + low[j] - i.j and high[i] + high[j] - i.j; a limit is half a square radius.
    """
    x, x_low, x_high, x_limit, x_radii = rows
    y, y_low, y_high, y_limit, y_radii = columns
    x_in_y, y_in_x, x_holds_y = found
    pairs = 0
    for i in range(dots.shape[0]):
        for start in range(0, dots.shape[1], LANES):
            lane, lane_low = dots[i, start : start + LANES], y_low[start : start + LANES]
            lane_limit = y_limit[start : start + LANES]
            seen = 0
            for c in range(len(lane)):
                half = x_low[i] + lane_low[c] - lane[c]
                seen += (half < x_limit[i]) | (half < lane_limit[c])
            if seen == 0:
                continue
            for j in range(start, start + len(lane)):
                low, high = x_low[i] + y_low[j] - dots[i, j], x_high[i] + y_high[j] - dots[i, j]
                if low < x_limit[i] and (high < x_limit[i] or _square_distance(x, i, y, j, x_radii[i]) < x_radii[i]):
                    y_in_x[j] = x_holds_y[i] = True
                    pairs += 1
                if low < y_limit[j] and not x_in_y[i]:
                    x_in_y[i] = high < y_limit[j] or _square_distance(x, i, y, j, y_radii[j]) < y_radii[j]
    return pairs


def _nearest(x: Floats, y: Floats, neighbours: int, others: bool) -> Nearest:
    """Find the nearest rows tile by tile; others: x is y, and no row is its own neighbour."""
    square, index = np.full((len(x), neighbours), np.inf), np.full((len(x), neighbours), -1, dtype=np.int64)
    frame = _frame(*(one for one in (x, y) if len(one)))
    cloud, unit = _cloud(y, frame), float(np.ldexp(0.5, -2 * frame.exponent))
    tile = np.empty(TILE * TILE, dtype=np.float32)
    for rows in _tiles(len(x)):
        part = _cloud(x[rows], frame)
        for columns in _tiles(len(y)):
            dots = _product(part.points, cloud.points[columns], tile)
            first = rows.start - columns.start if others else -TILE
            low = (part.low, cloud.low[columns])
            _keep(dots, low, x[rows], y[columns], unit, first, columns.start, square[rows], index[rows])
    return Nearest(index, np.sqrt(square))


@numba.njit(cache=True, nogil=True)
def _keep(
    dots: NDArray[np.float32],
    low: tuple[Floats, Floats],
    x: Floats,
    y: Floats,
    unit: float,
    own: int,
    first: int,
    square: Floats,
    index: Integers,
) -> None:
    """Keep the nearest rows of a tile: y[j], which is row first + j, of each x[i], except its own, j = own + i.

    unit D^2 is at least low[i] + low[j] - i.j. Rows come in their order, so that of equally near ones the first stays.
    """
    x_low, y_low = low
    for i in range(dots.shape[0]):
        worst = square[i, -1]
        for start in range(0, dots.shape[1], LANES):
            lane, lane_low = dots[i, start : start + LANES], y_low[start : start + LANES]
            limit, seen = unit * worst, 0
            for c in range(len(lane)):
                seen += x_low[i] + lane_low[c] - lane[c] < limit
            if seen == 0:
                continue
            for j in range(start, start + len(lane)):
                if j != own + i and x_low[i] + y_low[j] - dots[i, j] < unit * worst:
                    distance = _square_distance(x, i, y, j, worst)
                    if distance < worst:
                        _insert(square[i], index[i], distance, first + j)
                        worst = square[i, -1]
