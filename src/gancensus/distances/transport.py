"""Compiled loops over pairs of point clouds: two lower bounds and the exact earth mover's distance.

Amounts to be moved are whole numbers held in float64 (see `_round`): every flow is exact, and both sides balance. Costs
come from + - * and square roots in one order. So a distance has the same bits on every machine.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.distances.simplex import Ends, Work, least_cost, work_for

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Room(NamedTuple):
    """Memory for a pair: amounts and coordinates of both clouds, the nearest costs, and that of the simplex method."""

    given: Floats
    taken: Floats
    x: Floats
    y: Floats
    nearest: Floats
    work: Work


@numba.njit(cache=True, nogil=True)
def profiles(points: Floats, weights: Floats, directions: Floats, edges: Floats) -> Floats:
    """Return the weighted sum of how far the particles reach into each bin along each direction, (n, r, bins).

    Points (n, k, particles), weights (n, particles), directions (r, k), rising edges (bins + 1,) with 0 among them. A
    particle at s along a direction reaches clip(s, low, high) - clip(0, low, high) into a bin: the part of the way from
    0 to s that lies in it, negative where s is.
    """
    n, _, particles = points.shape
    out = np.zeros((n, len(directions), len(edges) - 1))
    for i in range(n):
        for r in range(len(directions)):
            for q in range(particles):
                s = 0.0
                for k in range(directions.shape[1]):
                    s += directions[r, k] * points[i, k, q]
                for b in range(len(edges) - 1):
                    reach = min(max(s, edges[b]), edges[b + 1]) - min(max(0.0, edges[b]), edges[b + 1])
                    out[i, r, b] += weights[i, q] * reach
    return out


@numba.njit(cache=True, nogil=True)
def transport_distances(
    a: tuple[NDArray[Any], ...],
    b: tuple[NDArray[Any], ...],
    i: Integers,
    j: Integers,
    half: bool,
    balanced: bool,
    limit: float,
) -> Floats:
    """Return the distances of clouds i of a and clouds j of b, (len(i),); infinity for those above `limit`.

    a and b are the features of metric `emd`; with `half` the cost is the root of the ground distance. A distance is
    exact to `simplex.EXACT`, 2^-40, of the pair's largest cost times the weight that is moved, not of itself.
    """
    out = np.empty(len(i))
    dimensions, m, n = a[0].shape[1], a[0].shape[2], b[0].shape[2]
    size = max(m, n) + 1
    amounts, points = np.empty((3, size)), np.empty((2, dimensions * size))
    work = work_for(size, min(m, n) + 1)
    room = Room(amounts[0], amounts[1], points[0], points[1], amounts[2], work)
    for pair in range(len(i)):
        p, q = i[pair], j[pair]
        x, u, total, profile = a[0][p], a[1][p], a[2][p], a[3][p]
        y, v, other_total, other_profile = b[0][q], b[1][q], b[2][q], b[3][q]
        order = _order(x, u, y, v)
        margin = limit * (1 + 1e-6) + 1e-8 * max(total, other_total)  # for the rounding, see `Emd.radius`
        bound = profile_bound(profile, other_profile, total - other_total, half)
        if order == 0:
            out[pair] = 0.0
        elif (balanced and min(total, other_total) == 0.0) or bound > margin:
            out[pair] = np.inf
        elif order < 0:
            out[pair] = _distance(x, u, y, v, half, limit, room)
        else:
            out[pair] = _distance(y, v, x, u, half, limit, room)
    return out


@numba.njit(cache=True, nogil=True)
def profile_bound(profile: Floats, other: Floats, difference: float, half: bool) -> float:
    """Return a lower bound of the distance of two clouds by their scaled profiles (r, bins) and the totals' difference.

    `Emd.embed` of metric `emd` has the proof.
    """
    total = 0.0
    for r in range(profile.shape[0]):
        area = 0.0
        for b in range(profile.shape[1]):
            if half:
                total += (profile[r, b] - other[r, b]) * (profile[r, b] - other[r, b])
            else:
                area += abs(profile[r, b] - other[r, b])
        total += area * area
    return max(abs(difference), 0.5 * abs(difference) + math.sqrt(total))


@numba.njit(cache=True, nogil=True)
def _order(x: Floats, a: Floats, y: Floats, b: Floats) -> int:
    """Order two clouds by their content, 0 if it is the same: a distance has the same bits both ways.

    Particles without weight, after all others, do not count; the clouds may have different numbers of them.
    """
    shared = min(len(a), len(b))
    for q in range(shared):
        if a[q] != b[q]:
            return -1 if a[q] < b[q] else 1
        for k in range(len(x)):
            if x[k, q] != y[k, q]:
                return -1 if x[k, q] < y[k, q] else 1
    if len(a) > shared and a[shared] > 0:
        return 1
    return -1 if len(b) > shared and b[shared] > 0 else 0


@numba.njit(cache=True, nogil=True)
def _distance(x: Floats, a: Floats, y: Floats, b: Floats, half: bool, limit: float, room: Room) -> float:
    """Return the distance of two clouds, points (k, particles) and weights (particles,); infinity if above `limit`."""
    _, exponent = math.frexp(max(a.sum(), b.sum()))
    scale = math.ldexp(1.0, 52 - exponent)
    _round(a, scale, room.given)
    _round(b, scale, room.taken)
    _remove_common(x, room.given[: len(a)], y, room.taken[: len(b)])
    m, n = _pack(x, room.given[: len(a)], room.x), _pack(y, room.taken[: len(b)], room.y)
    spare = room.given[:m].sum() - room.taken[:n].sum()
    if m == 0 or n == 0:
        return float(abs(spare)) / scale
    here, there = room.x[: len(x) * m].reshape(len(x), m), room.y[: len(x) * n].reshape(len(x), n)
    left_over = _to_unit_cube(here, there, spare != 0, half)
    limit *= scale * left_over * (1 + 1e-9)
    if limit < np.inf and _nearest_costs(here, there, spare, left_over, half, room) > limit:
        return np.inf
    room.given[m], room.taken[n] = max(-spare, 0.0), max(spare, 0.0)
    given, taken = room.given[: m + (spare < 0)], room.taken[: n + (spare > 0)]
    return least_cost(room.work, Ends(here, there, half, left_over), given, taken, limit) / left_over / scale


@numba.njit(cache=True, nogil=True)
def _round(weights: Floats, scale: float, amounts: Floats) -> None:
    """Round weights to whole numbers of 1 / scale, up to about 2^52 in all.

    Sums and differences of such numbers are exact in float64. A weight is off by 2^-52 of the heavier cloud at most.
    """
    for q in range(len(weights)):
        amounts[q] = np.rint(weights[q] * scale)


@numba.njit(cache=True, nogil=True)
def _remove_common(x: Floats, given: Floats, y: Floats, taken: Floats) -> None:
    """Take away what two clouds, in the order of `Emd.features`, have at the same places; it can stay where it is.

    For a plan that brings an amount f from i to a place k, and another f from k to j, may bring f from i to j and leave
    f at k: c_ij <= c_ik + c_kj, since distance^p obeys the triangle inequality for p <= 1 (for p > 1 it does not, and
    the cost may grow). The same holds for what is left over, which costs 1 from everywhere: 1 <= 1 + c_ik. Repeated, k
    keeps min(given, taken), and what remains is a plan for the rest.
    """
    i, j = 0, 0
    while i < len(given) and j < len(taken):
        if given[i] == 0:
            i += 1
        elif taken[j] == 0:
            j += 1
        else:
            side = _compare(x, i, y, j)
            if side == 0:
                common = min(given[i], taken[j])
                given[i] -= common
                taken[j] -= common
            i += side < 0
            j += side > 0


@numba.njit(cache=True, nogil=True, forceinline=True)
def _compare(x: Floats, i: int, y: Floats, j: int) -> int:
    """Return -1, 0 or 1 as particle i comes before, at, or after particle j, by the first coordinate that differs."""
    for k in range(len(x)):
        if x[k, i] != y[k, j]:
            return -1 if x[k, i] < y[k, j] else 1
    return 0


@numba.njit(cache=True, nogil=True)
def _pack(points: Floats, amounts: Floats, out: Floats) -> int:
    """Drop particles without an amount, in place, and write the coordinates of the others (k, count); return count."""
    count = 0
    for q in range(len(amounts)):
        count += amounts[q] > 0
    packed = out[: len(points) * count].reshape(len(points), count)
    place = 0
    for q in range(len(amounts)):
        if amounts[q] > 0:
            amounts[place] = amounts[q]
            for k in range(len(points)):
                packed[k, place] = points[k, q]
            place += 1
    return count


@numba.njit(cache=True, nogil=True)
def _to_unit_cube(x: Floats, y: Floats, left: bool, half: bool) -> float:
    """Multiply coordinates by a power of 2 so that no difference is above 1; return what a cost of 1 has become.

    That is a power of 2 as well, so that nothing is rounded. If some is left over, its cost is at most 1 as well.
    """
    width = 1.0 if left else 0.0
    for k in range(len(x)):
        width = max(width, max(x[k].max(), y[k].max()) - min(x[k].min(), y[k].min()))
    exponent = max(math.frexp(width)[1], -1000)
    if half:
        exponent += exponent % 2
    unit = math.ldexp(1.0, -exponent)
    x *= unit
    y *= unit
    return math.ldexp(1.0, -exponent // 2) if half else unit


@numba.njit(cache=True, nogil=True)
def _nearest_costs(x: Floats, y: Floats, spare: float, left_over: float, half: bool, room: Room) -> float:
    """Return the larger one of two lower bounds: all amounts come from the nearest place, or all go to it.

    What is left over may have the nearest place at the cost `left_over`.
    """
    m, n = x.shape[1], y.shape[1]
    farthest = left_over**4 if half else left_over**2
    for_given, for_taken = farthest if spare > 0 else np.inf, farthest if spare < 0 else np.inf
    to_y = max(spare, 0.0) * left_over + _nearest_cost(x, m, y, room.taken[:n], for_taken, half, room.nearest)
    to_x = max(-spare, 0.0) * left_over + _nearest_cost(y, n, x, room.given[:m], for_given, half, room.nearest)
    return max(to_x, to_y)


@numba.njit(cache=True, nogil=True)
def _nearest_cost(x: Floats, m: int, y: Floats, taken: Floats, farthest: float, half: bool, nearest: Floats) -> float:
    """Return what it costs to bring all amounts (n,) to y from the nearest of the first m particles of x.

    No plan costs less, because in it they come from there or further (the relaxed word mover's distance of Kusner et
    al., ICML 2015). `farthest` is the square of the distance from which on an amount is left over.
    """
    near = nearest[: len(taken)]
    near[:] = farthest
    for i in range(m):
        if len(x) == 2:  # the common case in one pass, three times as fast
            x0, x1, y0, y1 = x[0, i], x[1, i], y[0], y[1]
            for j in range(len(near)):
                square = (x0 - y0[j]) * (x0 - y0[j]) + (x1 - y1[j]) * (x1 - y1[j])
                near[j] = square if square < near[j] else near[j]
        else:
            for j in range(len(near)):
                square = 0.0
                for k in range(len(x)):
                    square += (x[k, i] - y[k, j]) * (x[k, i] - y[k, j])
                near[j] = min(near[j], square)
    _take_roots(near, half)
    total = 0.0
    for j in range(len(near)):
        total += taken[j] * near[j]
    return total


@numba.njit(cache=True, nogil=True)
def _take_roots(squares: Floats, half: bool) -> None:
    """Turn squared distances (n,) into costs, in place."""
    for j in range(len(squares)):
        squares[j] = np.sqrt(squares[j])
    if half:
        for j in range(len(squares)):
            squares[j] = np.sqrt(squares[j])
