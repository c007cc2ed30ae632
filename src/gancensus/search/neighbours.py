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
Sides = NDArray[np.int8]
_Side = tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats, Integers, Integers]
"""Points: x, low, high, the least and the largest limit, limits and radii by split, the splits of side 1 and of -1."""

TILE = 1024  # rows and columns of a product: 4 MB in float32
LANES = 32  # pairs that are tested together, before one by one
STRETCH = 16  # times eight squares are summed between checks of the limit
BITS = 62  # splits of both sets that are looked at in one pass: the bits of a whole number
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


class SideIncidence(NamedTuple):
    """The same for many splits of both sets, each with sides 1 and -1: who lies in whose ball on the same side.

    A point of side 0 is in no ball, and its own holds nothing.
    """

    x_in_y: Flags
    """Points of x in at least one ball of y of their side (n, splits)."""
    y_in_x: Flags
    """Points of y in at least one ball of x of their side (m, splits)."""
    x_holds_y: Flags
    """Balls of x with at least one point of y of their side (n, splits)."""
    pairs: Integers
    """Pairs of a ball of x and a point of y in it, on side 1 and on side -1 (splits, 2)."""


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
    square, rows = _nearest(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), neighbours, others=False)
    return Nearest(rows, np.sqrt(square))


def nearest_others(x: NDArray[Any], neighbours: int = 1) -> Nearest:
    """Find the k nearest rows of x (n, d) of each of its rows, without itself; of equally near ones, the first."""
    x = np.asarray(x, dtype=np.float64)
    square, rows = _nearest(x, x, neighbours, others=True)
    return Nearest(rows, np.sqrt(square))


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


def side_square_radii(x: Floats, sides: Sides, neighbours: int) -> Floats:
    """Return the square distance of each point of x (n, d) to its k-th nearest other one of its side (n, splits).

    It is found in the list of the nearest points on either side, which is made once for all splits; where that list
    has fewer than k of a point's side (one point in 10^4, at k = 5 and with sides at random), by all distances.

    Args:
        x: (n, d).
        sides: (n, splits), the side of each point: 1, -1, or 0 for one without a side, whose radius is 0. More than k
            points on each side that has any.
        neighbours: k.
    """
    square, index = _nearest(x, x, min(4 * neighbours + 8, len(x) - 1), others=True)
    return _side_radii(x, sides, square, index, neighbours)


def incidence(x: Floats, y: Floats, x_radii: Floats, y_radii: Floats) -> Incidence:
    """Find the points of x (n, d) and y (m, d) that lie in balls of the other, with square radii (n,) and (m,)."""
    one_side = (np.ones((len(points), 1), dtype=np.int8) for points in (x, y))
    found = side_incidence(x, y, x_radii[:, None], y_radii[:, None], *one_side)
    return Incidence(found.x_in_y[:, 0], found.y_in_x[:, 0], found.x_holds_y[:, 0], int(found.pairs[0, 0]))


def side_incidence(
    x: Floats, y: Floats, x_radii: Floats, y_radii: Floats, x_sides: Sides, y_sides: Sides
) -> SideIncidence:
    """Find for many splits, in one pass, the points that lie in balls of the other set on the same side.

    Args:
        x: (n, d).
        y: (m, d).
        x_radii: (n, splits), the square radius of the ball of each point in each split.
        y_radii: (m, splits).
        x_sides: (n, splits), the side of each point: 1, -1, or 0 for one that is left out.
        y_sides: (m, splits).
    """
    few = [slice(start, start + BITS) for start in range(0, x_radii.shape[1], BITS)]
    parts = [
        _side_incidence(x, y, x_radii[:, some], y_radii[:, some], x_sides[:, some], y_sides[:, some]) for some in few
    ]
    x_in_y, y_in_x, x_holds_y, pairs = zip(*parts, strict=True)
    flags = [np.concatenate(one, axis=1) for one in (x_in_y, y_in_x, x_holds_y)]
    return SideIncidence(flags[0], flags[1], flags[2], np.concatenate(pairs))


def _side_incidence(
    x: Floats, y: Floats, x_radii: Floats, y_radii: Floats, x_sides: Sides, y_sides: Sides
) -> SideIncidence:
    """Find the same for at most BITS splits, which are the bits of one number for each point."""
    frame, splits = _frame(x, y), x_radii.shape[1]
    cloud = _cloud(y, frame)
    of_x, of_y = _by_split(x_radii, x_sides, frame), _by_split(y_radii, y_sides, frame)
    x_in_y, y_in_x, x_holds_y = (np.zeros(size, dtype=np.int64) for size in (len(x), len(y), len(x)))
    pairs, tile = np.zeros((splits, 2), dtype=np.int64), np.empty(TILE * TILE, dtype=np.float32)
    for rows in _tiles(len(x)):
        part = _cloud(x[rows], frame)
        for columns in _tiles(len(y)):
            _count(
                _product(part.points, cloud.points[columns], tile),
                (x[rows], part.low, part.high, *(one[rows] for one in of_x)),
                (y[columns], cloud.low[columns], cloud.high[columns], *(one[columns] for one in of_y)),
                (x_in_y[rows], y_in_x[columns], x_holds_y[rows], pairs),
            )
    flags = [(bits[:, None] >> np.arange(splits)) & 1 == 1 for bits in (x_in_y, y_in_x, x_holds_y)]
    return SideIncidence(flags[0], flags[1], flags[2], pairs)


def _by_split(radii: Floats, sides: Sides, frame: _Frame) -> tuple[Any, ...]:
    """Return the least and the largest limit, limits and radii by split, the splits of side 1 and of -1."""
    limit = np.ldexp(radii, -2 * frame.exponent) / 2
    ends = limit.min(axis=1), limit.max(axis=1)
    return (*ends, np.ascontiguousarray(limit), np.ascontiguousarray(radii), _bits(sides == 1), _bits(sides == -1))


def _bits(flags: Flags) -> Integers:
    """Return rows of flags (n, splits) as the bits of one number each (n,)."""
    found: Integers = flags @ (1 << np.arange(flags.shape[1]))
    return found


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
def _side_radii(x: Floats, sides: Sides, square: Floats, index: Integers, neighbours: int) -> Floats:
    """Find the k-th least square distance of each point to those of its side, in its ascending list if that has k."""
    radii = np.zeros(sides.shape)
    nearest, which = np.empty(neighbours), np.empty(neighbours, dtype=np.int64)
    for i in range(len(x)):
        for s in range(sides.shape[1]):
            side, met, c = sides[i, s], 0, 0
            if side == 0:
                continue
            while c < index.shape[1] and met < neighbours:
                met += sides[index[i, c], s] == side
                c += 1
            if met == neighbours:
                radii[i, s] = square[i, c - 1]
                continue
            nearest[:] = np.inf
            for j in range(len(x)):
                if j != i and sides[j, s] == side:
                    distance = _square_distance(x, i, x, j, nearest[-1])
                    if distance < nearest[-1]:
                        _insert(nearest, which, distance, j)
            radii[i, s] = nearest[-1]
    return radii


@numba.njit(cache=True, nogil=True)
def _count(dots: Singles, of_x: _Side, of_y: _Side, found: tuple[Integers, Integers, Integers, Integers]) -> None:
    """Note the incidences of a tile in `found`, by exact distances only where bounds leave one in doubt.

    D^2 / 2 lies between low[i] + low[j] - i.j and high[i] + high[j] - i.j; a limit is half a square radius. It is one
    loop, because to hand so many arrays to another function takes longer than what is done with them.
    """
    x, x_low, x_high, x_least, x_most, x_limit, x_radii, x_a, x_b = of_x
    y, y_low, y_high, y_least, y_most, y_limit, y_radii, y_a, y_b = of_y
    x_in_y, y_in_x, x_holds_y, pairs = found
    counts = np.zeros(x_limit.shape[1], dtype=np.int64)
    for i in range(dots.shape[0]):
        counts[:] = 0
        for start in range(0, dots.shape[1], LANES):
            lane, lane_low = dots[i, start : start + LANES], y_low[start : start + LANES]
            lane_most = y_most[start : start + LANES]
            seen = 0
            for c in range(len(lane)):
                half = x_low[i] + lane_low[c] - lane[c]
                seen += (half < x_most[i]) | (half < lane_most[c])
            if seen == 0:
                continue
            for j in range(start, start + len(lane)):
                low, high = x_low[i] + y_low[j] - dots[i, j], x_high[i] + y_high[j] - dots[i, j]
                in_x, x_doubt = _within(low, high, x_least[i], x_most[i], x_limit, i)
                in_y, y_doubt = _within(low, high, y_least[j], y_most[j], y_limit, j)
                same = (x_a[i] & y_a[j]) | (x_b[i] & y_b[j])
                if (x_doubt | y_doubt) & same:
                    square = _square_distance(x, i, y, j, np.inf)
                    in_x, in_y = _above(x_radii, i, square), _above(y_radii, j, square)
                x_in_y[i] |= in_y & same
                if in_x & same:
                    y_in_x[j] |= in_x & same
                    x_holds_y[i] |= in_x & same
                    for s in range(len(counts)):
                        counts[s] += (in_x & same) >> s & 1
        for s in range(len(counts)):
            pairs[s, 1 - (x_a[i] >> s & 1)] += counts[s]


@numba.njit(cache=True, nogil=True)
def _within(low: float, high: float, least: float, most: float, limits: Floats, i: int) -> tuple[int, int]:
    """Return which limits of row i are above what lies between low and high, and which may be, as bits."""
    if low >= most:
        return 0, 0
    if high < least:
        return -1, 0
    sure: int = _above(limits, i, high)
    return sure, _above(limits, i, low) ^ sure


@numba.njit(cache=True, nogil=True)
def _above(limits: Floats, i: int, value: float) -> int:
    """Return which limits of row i are above a value, as bits."""
    found = 0
    for s in range(limits.shape[1]):
        found |= (value < limits[i, s]) << s
    return found


def _nearest(x: Floats, y: Floats, neighbours: int, others: bool) -> tuple[Floats, Integers]:
    """Find square distance and number of the nearest rows, tile by tile; others: no row is its own neighbour."""
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
    return square, index


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
            if worst == 0:
                break  # nothing is nearer than equal points
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
