"""The least cost of moving amounts between some tens of particles, exactly: the simplex method, mostly in float32.

Amounts are whole numbers held in float64, so that every flow is exact. Costs in float32, which vector instructions take
sixteen at a time, lead to a plan that is optimal or nearly so. Whether it is, and what it costs, is decided in float64:
float32 only says which cells are too expensive by far to matter. All choices follow from the two clouds alone, in one
order of operations: the same bits on every machine and beside any other pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.distances.simd import LANES, add_where, below, cheapest, copy, exchange, lowest_bit, take_away, unite

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
Words = NDArray[np.uint64]
Place = int | np.int64
Loop = TypeVar("Loop", bound=Callable[..., Any])

EXACT = 2.0**-40  # of the largest cost: far beyond what a float64 potential, a sum of some tens of costs, can be off
SINGLE = 2.0**-22  # the same in float32, as good as it gets
UNSURE = 2.0**-20  # of the largest cost and potential: more than float32 costs and potentials are off
DRIFT = 2.0**-18  # the same where potentials in float32 have been changed step by step
PIVOTS = 8  # in float32, times the number of nodes, at most; float64 does the rest
CHECKED = 16  # pivots from one look at the limit to the next, a divisor of LANES * PIVOTS


def _compiled(function: Loop, **options: bool) -> Loop:
    """Compile a loop over arrays that its caller holds: counting who refers to them would take a third of its time."""
    uncounted: dict[str, Any] = {"_nrt": False, **options}
    return cast(Loop, numba.njit(cache=True, nogil=True, **uncounted)(function))


def _inlined(function: Loop) -> Loop:
    """Compile a loop into those that call it."""
    return _compiled(function, forceinline=True)


class Ends(NamedTuple):
    """Where amounts come from and go to: particles x (k, m) and y (k, n) in a unit in which all fit into a unit cube.

    With one row more than m, or one column more than n, that one stands for what is left over, at a cost of its own.
    """

    x: Floats
    y: Floats
    half: bool
    left_over: float


class Tree(NamedTuple):
    """The basis of the simplex method, a spanning tree of rows and columns, and what is needed on the way.

    A row i is node i, a column j node `first` + j, where `first` is the number of rows rounded up to LANES; the nodes
    between are none. `flow` and `arc` (its cost) belong to the arc from a node to its parent; the top node is its own
    parent. `under` (nodes, words) has the nodes at and under a node as a set, a bit for each.
    """

    costs: Singles
    turned: Singles
    potential: Singles
    closed: Singles
    flow: Floats
    arc: Floats
    exact: Floats
    near: Floats
    parent: Words
    under: Words
    moved: Words
    order: Integers
    cells: Integers


class Work(NamedTuple):
    """Memory in which the arrays of trees are laid out, one tree after the other."""

    singles: Singles
    floats: Floats
    integers: Integers
    words: Words


@numba.njit(cache=True, nogil=True)
def work_for(rows: int, columns: int) -> Work:
    """Return memory that is enough for trees of up to so many rows and columns."""
    high, wide = _rounded(rows), _rounded(columns)
    nodes = high + wide
    singles = np.empty(rows * wide + columns * high + 2 * nodes + LANES, np.float32)
    start = (-singles.ctypes.data // 4) % LANES  # vectors that straddle two lines of the cache would cost twice
    return Work(
        singles[start:],
        np.empty(3 * nodes + rows * columns),
        np.empty(nodes + rows * columns, np.int64),
        np.empty(nodes + (nodes + 2) * _words(nodes), np.uint64),
    )


@numba.njit(cache=True, nogil=True)
def _rounded(count: int) -> int:
    """Round up to whole vectors."""
    return (count + LANES - 1) // LANES * LANES


@numba.njit(cache=True, nogil=True)
def _words(nodes: int) -> int:
    """Return the words of a set of nodes, a multiple of four."""
    return (nodes + 255) // 256 * 4


@numba.njit(cache=True, nogil=True)
def _lay_out(work: Work, rows: int, columns: int) -> Tree:
    """Return the arrays of a tree, without values."""
    high, wide = _rounded(rows), _rounded(columns)
    nodes, cells = high + wide, rows * columns
    words = _words(nodes)
    one, two = rows * wide, rows * wide + columns * high
    return Tree(
        work.singles[:one].reshape(rows, wide),
        work.singles[one:two].reshape(columns, high),
        work.singles[two : two + nodes],
        work.singles[two + nodes : two + 2 * nodes],
        work.floats[:nodes],
        work.floats[nodes : 2 * nodes],
        work.floats[2 * nodes : 3 * nodes],
        work.floats[3 * nodes : 3 * nodes + cells],
        work.words[:nodes],
        work.words[nodes : nodes + nodes * words].reshape(nodes, words),
        work.words[nodes + nodes * words : nodes + (nodes + 2) * words],
        work.integers[:nodes],
        work.integers[nodes : nodes + cells],
    )


@numba.njit(cache=True, nogil=True)
def least_cost(work: Work, ends: Ends, given: Floats, taken: Floats, limit: float) -> float:
    """Return the least cost of moving `given` (rows,) to `taken` (columns,), which sum to the same; both are used up.

    Infinity where it is above `limit`, if that is seen on the way.
    """
    rows, columns = len(given), len(taken)
    tree = _lay_out(work, rows, columns)
    _fill(ends.x, ends.y, ends.half, ends.left_over, tree.costs, columns)
    _fill(ends.y, ends.x, ends.half, ends.left_over, tree.turned, rows)
    largest = math.sqrt(len(ends.x))
    largest = math.sqrt(largest) if ends.half else largest
    demand = taken.copy()
    _first_tree(tree, given, taken)
    if not _improve(tree, np.float32(SINGLE * largest), demand, limit, largest):
        return np.inf
    _finish(tree, ends, largest)
    total, first = 0.0, len(tree.parent) - tree.costs.shape[1]
    for i in range(rows):
        total += tree.flow[i] * tree.arc[i]
    for j in range(first, first + columns):
        total += tree.flow[j] * tree.arc[j]
    return total


@_compiled
def _fill(x: Floats, y: Floats, half: bool, left_over: float, costs: Singles, columns: int) -> None:
    """Write the costs in float32, and infinity behind the last column."""
    m, n = x.shape[1], y.shape[1]
    for i in range(m):
        row = costs[i, :n]
        if len(x) == 2:
            x0, x1, y0, y1 = x[0, i], x[1, i], y[0], y[1]
            for j in range(n):
                a, b = np.float32(x0 - y0[j]), np.float32(x1 - y1[j])
                row[j] = a * a + b * b
        else:
            for j in range(n):
                square = np.float32(0.0)
                for k in range(len(x)):
                    a = np.float32(x[k, i] - y[k, j])
                    square += a * a
                row[j] = square
        for j in range(n):
            row[j] = np.sqrt(row[j])
        if half:
            for j in range(n):
                row[j] = np.sqrt(row[j])
        costs[i, n:columns] = left_over
        costs[i, columns:] = np.inf
    for i in range(m, len(costs)):
        costs[i, :columns] = left_over
        costs[i, columns:] = np.inf


@_compiled
def _cost(ends: Ends, i: Place, j: Place) -> float:
    """Return a cost in float64."""
    if i == ends.x.shape[1] or j == ends.y.shape[1]:
        return ends.left_over
    square = 0.0
    for k in range(len(ends.x)):
        square += (ends.x[k, i] - ends.y[k, j]) * (ends.x[k, i] - ends.y[k, j])
    return math.sqrt(math.sqrt(square)) if ends.half else math.sqrt(square)


@_compiled
def _first_tree(tree: Tree, given: Floats, taken: Floats) -> None:
    """Use up `given` and `taken`, each time on a cell that is the cheapest both of its row and of its column.

    That is what using the cheapest cell of all each time comes to. A cell exhausts a row or a column, which becomes the
    child of the other. Where both are exhausted, the column does unless it is the last. So an arc without flow leads
    from a row up to a column, which `_pivot` needs.
    """
    costs, turned, closed = tree.costs, tree.turned, tree.closed
    rows, columns, first = len(costs), len(turned), turned.shape[1]
    wide, high = costs.shape[1] // LANES, first // LANES
    row_0, row_size, column_0, column_size = costs.ctypes.data, 64 * wide, turned.ctypes.data, 64 * high
    shut_rows, shut_columns = closed.ctypes.data, closed[first:].ctypes.data
    closed[:] = 0.0  # minus infinity for a row or column that is exhausted, so that no cost less that is small
    rows_left, columns_left = rows, columns
    node, before, least = 0, 0, np.float32(np.inf)
    count = 0
    while columns_left > 0:
        if node < first:
            found = first + cheapest(row_0 + node * row_size, shut_columns, wide, least)
            nearer = found >= first
        else:
            found = cheapest(column_0 + (node - first) * column_size, shut_rows, high, least)
            nearer = found >= 0
        if nearer:
            before, node = node, found
            least = costs[min(node, before), max(node, before) - first]
            continue
        i, j = min(node, before), max(node, before) - first
        amount = min(given[i], taken[j])
        close_row = (given[i] < taken[j] or columns_left == 1) and rows_left > 1
        given[i] -= amount
        taken[j] -= amount
        child, node = (i, first + j) if close_row else (first + j, i)
        _close(tree, count, child, node, amount)
        rows_left -= close_row
        columns_left -= not close_row
        least = np.float32(np.inf)
        count += 1
    _grow(tree, rows + columns - 1, node)


@_inlined
def _close(tree: Tree, count: int, node: int, parent: int, flow: float) -> None:
    """Hang a node on another, after `count` others."""
    tree.parent[node], tree.flow[node], tree.order[count], tree.closed[node] = parent, flow, node, -np.inf


@_compiled
def _grow(tree: Tree, arcs: int, top: int) -> None:
    """Set the sets and the potentials of a tree whose nodes were hung in `order`, children before their parents."""
    costs, potential, under, first = tree.costs, tree.potential, tree.under, tree.turned.shape[1]
    sets, size, quads = np.uint64(under.ctypes.data), np.uint64(8 * under.shape[1]), np.uint64(under.shape[1] // 4)
    under[:] = 0
    for node in range(len(under)):
        under[node, node >> 6] = np.uint64(1) << np.uint64(node & 63)
    for k in range(arcs):
        child = np.uint64(tree.order[k])
        unite(sets + tree.parent[child] * size, sets + child * size, sets, quads)
    tree.parent[top], tree.flow[top] = top, 0.0
    potential[:] = 0.0
    for k in range(arcs - 1, -1, -1):
        node = tree.order[k]
        parent = np.int64(tree.parent[node])
        cost = costs[node, parent - first] if node < first else costs[parent, node - first]
        potential[node] = cost - potential[parent]


@_compiled
def _improve(tree: Tree, tolerance: np.float32, demand: Floats, limit: float, largest: float) -> bool:
    """Let cells enter the tree until no cost in float32 is below its potentials; say whether the limit can hold.

    A row is searched for the cell most below its potentials, that cell's column for one that is more so, and the row of
    that one again: with such cells, half as many pivots are enough. A row is left when it has none.
    """
    costs, potential, first = tree.costs, tree.potential, tree.turned.shape[1]
    rows, wide, high = len(costs), costs.shape[1] // LANES, first // LANES
    us, vs, moved = potential.ctypes.data, potential.ctypes.data + 4 * first, tree.moved.ctypes.data
    row_0, row_size, column_0, column_size = costs.ctypes.data, 64 * wide, tree.turned.ctypes.data, 64 * high
    row, clean, left = 0, 0, PIVOTS * len(potential)
    while clean < rows and left > 0:
        if not clean and limit < np.inf and not left % CHECKED and _least_possible(tree, demand, largest) > limit:
            return False
        i, j = row, cheapest(row_0 + row * row_size, vs, wide, potential[row] - tolerance)
        if j < 0:
            clean, row = clean + 1, row + 1 if row + 1 < rows else 0
            continue
        better = cheapest(column_0 + j * column_size, us, high, costs[i, j] - potential[i])
        if better >= 0:
            i = better
            better = cheapest(row_0 + i * row_size, vs, wide, costs[i, j] - potential[first + j])
            j = better if better >= 0 else j
        gap = (costs[i, j] - potential[i]) - potential[first + j]
        step = gap if _pivot(tree, i, first + j) else -gap
        add_where(us, moved, high, step)
        add_where(vs, moved + 2 * high, wide, -step)
        clean, left = 0, left - 1
    return limit == np.inf or _least_possible(tree, demand, largest) <= limit


@_compiled
def _least_possible(tree: Tree, demand: Floats, largest: float) -> float:
    """Return what no plan can cost less than.

    The potentials of the columns, less the most by which one of their cells is below its potentials, respect all costs,
    so that no plan costs less than what they are worth (weak duality): what is paid on the tree, less each of these
    gaps times its column's demand, and less the rounding of float32.
    """
    costs, potential, first = tree.costs, tree.potential, tree.turned.shape[1]
    rows, columns = len(costs), len(demand)
    least = tree.closed
    least[:columns] = np.inf
    for i in range(rows):
        row, u = costs[i], potential[i]
        for j in range(columns):
            least[j] = row[j] - u if row[j] - u < least[j] else least[j]
    bound, total, most = _paid(tree), 0.0, 0.0
    for i in range(rows):
        most = max(most, np.float64(abs(potential[i])))
    for j in range(columns):
        v = potential[first + j]
        bound -= demand[j] * max(np.float64(v - least[j]), 0.0)
        most = max(most, np.float64(abs(v)))
        total += demand[j]
    return bound - DRIFT * (most + largest) * total


@_compiled
def _paid(tree: Tree) -> float:
    """Return what is paid on the tree, by the costs in float32."""
    rows, columns, first, paid = len(tree.costs), len(tree.turned), tree.turned.shape[1], 0.0
    for i in range(rows):
        above = np.int64(tree.parent[i])
        if above != i:
            paid += tree.flow[i] * np.float64(tree.costs[i, above - first])
    for j in range(columns):
        above = np.int64(tree.parent[first + j])
        if above != first + j:
            paid += tree.flow[first + j] * np.float64(tree.costs[above, j])
    return paid


@_inlined
def _pivot(tree: Tree, entering_row: int, entering_column: int) -> bool:
    """Let the arc from a row to a column enter the tree, and the arc whose flow first falls to 0 leave it.

    The flow goes round: along the arc, from the column up to the common ancestor, and down to the row. It falls on each
    arc between a row and its parent on the row's side, or a column and its parent on the column's. Of several that fall
    to 0, the last on the way round from the ancestor leaves, so that the method ends (Cunningham, Math. Programming 11
    (1976) 105): arcs without flow keep leading up from rows. What was under the leaving arc, `moved`, then hangs on the
    entering one. Returns whether that holds the row.
    """
    parent, flow, under = tree.parent, tree.flow, tree.under
    row, column = np.uint64(entering_row), np.uint64(entering_column)
    word, bit = column >> np.uint64(6), np.uint64(1) << (column & np.uint64(63))
    amount, leaving, with_row = np.inf, row, True
    node = row
    while not under[node, word] & bit:
        if flow[node] < amount:
            amount, leaving = flow[node], node
        node = parent[node]
        if under[node, word] & bit:
            break
        node = parent[node]
    ancestor, node = node, column
    while node != ancestor:
        if flow[node] <= amount:
            amount, leaving, with_row = flow[node], node, False
        node = parent[node]
        if node == ancestor:
            break
        node = parent[node]
    inner, outer = (row, column) if with_row else (column, row)
    _turn(tree, inner, outer, leaving, ancestor, amount)
    return with_row


@_inlined
def _turn(
    tree: Tree, inner: np.uint64, outer: np.uint64, leaving: np.uint64, ancestor: np.uint64, amount: float
) -> None:
    """Send an amount round, and hang what is under the leaving arc, with `inner`, on `outer` instead."""
    parent, flow, under = tree.parent, tree.flow, tree.under
    sets, size, quads = np.uint64(under.ctypes.data), np.uint64(8 * under.shape[1]), np.uint64(under.shape[1] // 4)
    moved = np.uint64(tree.moved.ctypes.data)
    rest = moved + size
    copy(moved, rest, sets + leaving * size, quads)
    node, step = outer, -amount
    while node != ancestor:
        flow[node], step = flow[node] + step, -step
        unite(sets + node * size, moved, moved, quads)
        node = parent[node]
    node, above, arriving, step = inner, outer, amount, -amount
    while True:  # the way from the entering arc to the leaving one turns round
        up, changed, step = parent[node], flow[node] + step, -step
        parent[node], flow[node] = above, arriving
        exchange(sets + node * size, moved, rest, quads)
        if node == leaving:
            break
        above, node, arriving = node, up, changed
    while up != ancestor:
        flow[up], step = flow[up] + step, -step
        take_away(sets + up * size, moved, moved, quads)
        up = parent[up]


@_compiled
def _finish(tree: Tree, ends: Ends, largest: float) -> None:
    """Let cells enter the tree until no cost in float64 is below its potentials.

    Only cells that float32 does not show to be too expensive are looked at. They are listed, and the cheapest enters as
    long as there is one. Each time, a cell comes nearer to its potentials by the gap at most, so that those that are
    not listed stay too expensive until the gaps sum to the margin.
    """
    first = tree.turned.shape[1]
    gaps = np.inf
    while gaps > 0.0:
        count, margin = _unsure(tree, ends, largest)
        gaps = 0.0
        while gaps < margin:
            best, gap = -1, -EXACT * largest
            for k in range(count):
                i, j = tree.cells[k] >> 32, tree.cells[k] & 0xFFFFFFFF
                rest = tree.near[k] - tree.exact[i] - tree.exact[j]
                if rest < gap:
                    best, gap = k, rest
            if best < 0:
                if gaps > 0.0:
                    _set_arcs(tree, ends)
                return
            i, j = tree.cells[best] >> 32, tree.cells[best] & 0xFFFFFFFF
            _move(tree, gap if _pivot(tree, i, j) else -gap, first)
            gaps -= gap


@_compiled
def _move(tree: Tree, step: float, first: int) -> None:
    """Add a step to the potentials of the rows that have moved, and take it from those of the columns."""
    for w in range(tree.under.shape[1]):
        bits = tree.moved[w]
        while bits:
            node = 64 * w + np.int64(lowest_bit(bits))
            bits &= bits - np.uint64(1)
            tree.exact[node] += step if node < first else -step


@_compiled
def _unsure(tree: Tree, ends: Ends, largest: float) -> tuple[int, float]:
    """Set the potentials, and list the cells that float32 does not show to be too expensive.

    Returns how many they are, and how much more than their potentials all other cells cost at least.
    """
    costs, potential, parent, first = tree.costs, tree.potential, tree.parent, tree.turned.shape[1]
    most = _set_potentials(tree, ends)
    error = UNSURE * (most + largest)
    margin = np.float32(2 * error)
    vs, count = potential.ctypes.data + 4 * first, 0
    for i in range(len(costs)):
        row = costs.ctypes.data + i * 4 * costs.shape[1]
        for group in range(costs.shape[1] // LANES):
            bits = below(row + 64 * group, vs + 64 * group, potential[i] + margin)
            while bits:
                j = group * LANES + np.int64(lowest_bit(bits))
                bits &= bits - np.uint64(1)
                tree.cells[count] = i << 32 | first + j
                if parent[i] == first + j:
                    tree.near[count] = tree.arc[i]
                elif parent[first + j] == i:
                    tree.near[count] = tree.arc[first + j]
                else:
                    tree.near[count] = _cost(ends, i, j)
                count += 1
    return count, error


@_compiled
def _set_potentials(tree: Tree, ends: Ends) -> float:
    """Set costs and potentials in float64 so that those at the ends of an arc sum to its cost; return the largest."""
    parent, arc, exact, way, first = tree.parent, tree.arc, tree.exact, tree.order, tree.turned.shape[1]
    rows, columns = len(tree.costs), len(tree.turned)
    exact[:] = np.nan
    exact[_set_arcs(tree, ends)] = 0.0
    most = 0.0
    for k in range(rows + columns):
        node, height = k if k < rows else first + k - rows, 0
        while math.isnan(exact[node]):
            way[height] = node
            height, node = height + 1, np.int64(parent[node])
        while height > 0:
            height, above = height - 1, node
            node = way[height]
            exact[node] = arc[node] - exact[above]
            most = max(most, abs(exact[node]))
    for node in range(len(exact)):
        tree.potential[node] = 0.0 if math.isnan(exact[node]) else exact[node]
    return most


@_compiled
def _set_arcs(tree: Tree, ends: Ends) -> int:
    """Set the cost of each arc in float64; return the top node, which has none."""
    parent, arc, first, top = tree.parent, tree.arc, tree.turned.shape[1], 0
    for k in range(len(tree.costs) + len(tree.turned)):
        node = k if k < len(tree.costs) else first + k - len(tree.costs)
        above = np.int64(parent[node])
        if above == node:
            arc[node], top = 0.0, node
        else:
            arc[node] = _cost(ends, min(node, above), max(node, above) - first)
    return top
