"""Compiled loops over pairs of point clouds: two lower bounds and the exact earth mover's distance.

Amounts to be moved are whole numbers held in float64 (see `_amounts`): every flow is exact, and both sides balance.
Costs come from + - * and square roots in one order. So a distance has the same bits on every machine.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ROUNDING = 2.0**-40  # of the largest cost: far beyond what a potential, a sum of some tens of costs, can be off


class Tree(NamedTuple):
    """The basis of the simplex method, a spanning tree of m rows, nodes 0..m-1, and n columns, nodes m..m+n-1.

    `flow` and `cost` belong to the arc from a node to its parent. The children of a node are a list that starts at
    `child` and goes on along `younger`, back along `elder`. One node more, m + n, stands for none.
    """

    parent: Integers
    child: Integers
    younger: Integers
    elder: Integers
    depth: Integers
    flow: Floats
    cost: Floats
    potential: Floats
    stack: Integers


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

    a and b are the features of metric `emd`; with `half` the cost is the root of the ground distance.
    """
    out = np.empty(len(i))
    size = max(a[0].shape[2], b[0].shape[2]) + 1
    costs, work = np.empty(size * size), np.empty((3, size))
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
            out[pair] = _distance(x, u, y, v, half, limit, costs, work)
        else:
            out[pair] = _distance(y, v, x, u, half, limit, costs, work)
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
def _distance(
    x: Floats, a: Floats, y: Floats, b: Floats, half: bool, limit: float, costs: Floats, work: Floats
) -> float:
    """Return the distance of two clouds, points (k, particles) and weights (particles,); infinity if above `limit`."""
    given, taken, nearest = work
    _, exponent = math.frexp(max(a.sum(), b.sum()))
    scale = math.ldexp(1.0, 52 - exponent)
    m, n = _amounts(a, scale, given), _amounts(b, scale, taken)
    spare = given[:m].sum() - taken[:n].sum()
    for_given, for_taken = 1.0 if spare > 0 else np.inf, 1.0 if spare < 0 else np.inf
    limit *= scale
    if max(spare, 0.0) + _nearest_cost(x, m, y, taken[:n], for_taken, half, nearest) > limit * (1 + 1e-9):
        return np.inf
    if max(-spare, 0.0) + _nearest_cost(y, n, x, given[:m], for_given, half, nearest) > limit * (1 + 1e-9):
        return np.inf
    given[m], taken[n] = max(-spare, 0.0), max(spare, 0.0)
    rows, columns = m + (spare < 0), n + (spare > 0)
    cost = costs[: rows * columns].reshape(rows, columns)
    _fill(x, m, y, n, half, cost)
    return _simplex(cost, given[:rows], taken[:columns], limit) / scale


@numba.njit(cache=True, nogil=True)
def _amounts(weights: Floats, scale: float, out: Floats) -> int:
    """Round falling weights to whole numbers of 1 / scale, up to about 2^52 in all; return how many are not 0.

    Sums and differences of such numbers are exact in float64. A weight is off by 2^-52 of the heavier cloud at most.
    """
    count = 0
    while count < len(weights) and np.rint(weights[count] * scale) > 0:
        out[count] = np.rint(weights[count] * scale)
        count += 1
    return count


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


@numba.njit(cache=True, nogil=True)
def _fill(x: Floats, m: int, y: Floats, n: int, half: bool, cost: Floats) -> None:
    """Write the costs between m and n particles, and 1 where a row or column more stands for being left over."""
    cost[:] = 1.0
    for i in range(m):
        row = cost[i, :n]
        row[:] = 0.0
        for k in range(len(x)):
            x_k, y_k = x[k, i], y[k]
            for j in range(n):
                row[j] += (x_k - y_k[j]) * (x_k - y_k[j])
        _take_roots(row, half)


@numba.njit(cache=True, nogil=True)
def _simplex(cost: Floats, given: Floats, taken: Floats, limit: float) -> float:
    """Return the least cost of moving `given` (m,) to `taken` (n,), which sum to the same; infinity if above `limit`.

    The simplex method for transportation: the potentials u + v equal the cost on the tree, and cells that cost less
    than their potentials enter it until there is none. Candidates are the best cells of each column, best first.
    """
    m, n = cost.shape
    demand = taken.copy()
    tolerance = ROUNDING * cost.max()
    slack = tolerance * demand.sum()
    tree = _first_tree(cost, given, taken)
    rows, columns = np.empty(n, np.int64), np.empty(n, np.int64)
    while True:
        paid = 0.0
        for node in range(len(tree.stack)):
            paid += tree.flow[node] * tree.cost[node]
        count, saving = _candidates(cost, demand, tree.potential, tolerance, rows, columns)
        if count == 0:
            return paid
        if paid - saving - slack > limit * (1 + 1e-9):
            return np.inf
        while count > 0:
            count, best = _still_cheaper(cost, tree.potential, tolerance, rows, columns, count)
            if count > 0:
                _pivot(tree, rows[best], m + columns[best], cost[rows[best], columns[best]])


@numba.njit(cache=True, nogil=True)
def _candidates(
    cost: Floats, demand: Floats, potential: Floats, tolerance: float, rows: Integers, columns: Integers
) -> tuple[int, float]:
    """List the cell of each column that is most below its potentials; return their number and the most they can save.

    The potentials of the columns less these gaps respect all costs, so that no plan costs less than what they are worth
    (weak duality): what is paid on the tree, less each gap times its column's demand.
    """
    m, n = cost.shape
    least = np.full(n, np.inf)
    for i in range(m):
        row, potential_i = cost[i], potential[i]
        for j in range(n):
            least[j] = row[j] - potential_i if row[j] - potential_i < least[j] else least[j]
    count, saving = 0, 0.0
    for j in range(n):
        gap = potential[m + j] - least[j]
        saving += demand[j] * max(gap, 0.0)
        if gap > tolerance:
            i = 0
            while cost[i, j] - potential[i] != least[j]:
                i += 1
            rows[count], columns[count] = i, j
            count += 1
    return count, saving


@numba.njit(cache=True, nogil=True)
def _still_cheaper(
    cost: Floats, potential: Floats, tolerance: float, rows: Integers, columns: Integers, count: int
) -> tuple[int, int]:
    """Drop the candidates that pivots have made expensive; return the number of the others, and which is the best."""
    kept, best, most = 0, 0, tolerance
    for q in range(count):
        i, j = rows[q], columns[q]
        gap = potential[len(cost) + j] - (cost[i, j] - potential[i])
        if gap > tolerance:
            rows[kept], columns[kept] = i, j
            if gap > most:
                best, most = kept, gap
            kept += 1
    return kept, best


@numba.njit(cache=True, nogil=True)
def _first_tree(cost: Floats, given: Floats, taken: Floats) -> Tree:
    """Use up `given` and `taken`, row by row, on the cell that is cheapest beyond its column's minimum.

    Each cell exhausts a row or a column, which becomes the child of the other: a tree results. Where both are
    exhausted, the column becomes it unless it is the last. So an arc without flow leads from a row up to a column,
    which `_pivot` needs.
    """
    m, n = cost.shape
    none = m + n
    links, values = np.full((6, none + 1), none, np.int64), np.zeros((3, none + 1))
    tree = Tree(links[0], links[1], links[2], links[3], links[4], values[0], values[1], values[2], links[5, :none])
    least, closed, left = cost[0].copy(), np.zeros(n), n
    for i in range(1, m):
        for j in range(n):
            least[j] = min(least[j], cost[i, j])
    for i in range(m):
        key = cost[i] - least + closed
        while True:
            j = int(np.argmin(key))
            if taken[j] > given[i] or left == 1:
                break
            _attach(tree, m + j, i, taken[j], cost[i, j])
            given[i] -= taken[j]
            closed[j] = key[j] = np.inf
            left -= 1
        _attach(tree, i, m + j, given[i], cost[i, j])
        taken[j] -= given[i]
    _hang(tree, m + np.argmin(closed))
    return tree


@numba.njit(cache=True, nogil=True)
def _attach(tree: Tree, node: int, parent: int, flow: float, cost: float) -> None:
    """Make a node the first child of another."""
    first = tree.child[parent]
    tree.parent[node], tree.flow[node], tree.cost[node] = parent, flow, cost
    tree.younger[node], tree.elder[node] = first, len(tree.stack)
    tree.elder[first] = tree.child[parent] = node


@numba.njit(cache=True, nogil=True)
def _detach(tree: Tree, node: int) -> None:
    """Take a node out of the list of its parent's children."""
    elder, younger = tree.elder[node], tree.younger[node]
    if elder == len(tree.stack):
        tree.child[tree.parent[node]] = younger
    else:
        tree.younger[elder] = younger
    tree.elder[younger] = elder


@numba.njit(cache=True, nogil=True)
def _hang(tree: Tree, top: int) -> None:
    """Set depth and potential of a node and all below it: the potentials at the ends of an arc sum to its cost."""
    none = len(tree.stack)
    tree.stack[0], height = top, 1
    while height > 0:
        height -= 1
        node = tree.stack[height]
        tree.depth[node] = tree.depth[tree.parent[node]] + 1
        tree.potential[node] = tree.cost[node] - tree.potential[tree.parent[node]]
        child = tree.child[node]
        while child != none:
            tree.stack[height] = child
            height += 1
            child = tree.younger[child]


@numba.njit(cache=True, nogil=True)
def _pivot(tree: Tree, row: int, column: int, cost: float) -> None:
    """Let the arc from a row to a column enter the tree, and the arc whose flow first falls to 0 leave it.

    The flow goes round: along the arc, from the column up to the common ancestor, and down to the row. It falls on each
    arc between a row and its parent on the row's side, or a column and its parent on the column's. Of several that fall
    to 0, the last on the way round from the ancestor leaves, so that the method ends (Cunningham, Math. Programming 11
    (1976) 105): arcs without flow keep leading up from rows.
    """
    x, y = row, column
    while tree.depth[x] > tree.depth[y]:
        x = tree.parent[x]
    while tree.depth[y] > tree.depth[x]:
        y = tree.parent[y]
    while x != y:
        x, y = tree.parent[x], tree.parent[y]
    amount, leaving, node = _bottleneck(tree, row, column, x)
    _shift(tree, row, x, amount)
    _shift(tree, column, x, amount)
    parent, top = column if node == row else row, node
    while True:  # what hung below the leaving arc turns round and hangs on the entering one
        above, flow, arc = tree.parent[node], tree.flow[node], tree.cost[node]
        _detach(tree, node)
        _attach(tree, node, parent, amount, cost)
        if node == leaving:
            break
        parent, node, amount, cost = node, above, flow, arc
    _hang(tree, top)


@numba.njit(cache=True, nogil=True)
def _bottleneck(tree: Tree, row: int, column: int, ancestor: int) -> tuple[float, int, int]:
    """Return the least of the flows that fall, the node below its arc, and the end of the entering arc on that side."""
    amount, leaving, end = np.inf, row, row
    node = row
    while node != ancestor:
        if tree.flow[node] < amount:
            amount, leaving = tree.flow[node], node
        node = tree.parent[node]
        if node != ancestor:
            node = tree.parent[node]
    node = column
    while node != ancestor:
        if tree.flow[node] <= amount:
            amount, leaving, end = tree.flow[node], node, column
        node = tree.parent[node]
        if node != ancestor:
            node = tree.parent[node]
    return amount, leaving, end


@numba.njit(cache=True, nogil=True)
def _shift(tree: Tree, node: int, ancestor: int, amount: float) -> None:
    """Take the amount from the first arc on the way up, give it to the second, and so on."""
    while node != ancestor:
        amount = -amount
        tree.flow[node] += amount
        node = tree.parent[node]
