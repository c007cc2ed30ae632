"""Compiled loops of the structural similarity: float64, one fixed order of operations, one core.

A plane is cut into tiles of at most TILE windows across. A tile's numbers lie in flat arrays, STRIDE to a row: loops
whose strides the compiler knows become vector instructions, for images of any size. The order of operations is
written out, so that the bits do not depend on the instructions.

Inner functions take flat arrays and where to start in them, because views are reference-counted, which takes longer
than a row.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.samples import BLOCK, Samples

WINDOW = 11  # values across a window
MARGIN = WINDOW - 1  # so many fewer windows than values are in a row, and in a column
STRIDE = 64
TILE = STRIDE - MARGIN
WIDE = -(-TILE // 8) * 8  # its columns, in whole vectors
ROWS = 4  # rows of windows that are worked on together
SLOTS = 32  # samples a side that are compared while their tiles are in the cache: 4.6 MB for planes of 51 x 51

# exp(-k^2 / 4.5) for k = 0..5 over its sum for k = -5..5: literals, because exp differs between CPUs in the last bit
_G0, _G1, _G2 = 0.26601172486179436, 0.2130055377112537, 0.10936068950970002
_G3, _G4, _G5 = 0.03600077212843082, 0.007598758135239184, 0.0010283800844791099

Flat = NDArray[np.float64]
Images = NDArray[np.float32]
Spans = NDArray[np.int16]
Box = tuple[int, int, int, int]  # top, bottom, left, right of what is not zero in a tile

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")  # no check of divisors: it would keep loops scalar
_inline = numba.njit(inline="always")


class Similarity(NamedTuple):
    """SSIM as it is measured here."""

    data_range: float
    """L, the range of the values in natural units, > 0."""
    masked: bool
    """Whether it is averaged only over windows in which either image has a value other than zero."""

    def distances(
        self,
        a: tuple[NDArray[Any], ...],
        b: tuple[NDArray[Any], ...],
        i: NDArray[np.int64],
        j: NDArray[np.int64],
        limit: float,
    ) -> NDArray[np.float64]:
        """Return 1 - SSIM of the `planes` i of a and j of b, in [0, 2]; any number above `limit` for those above it."""
        c1, c2 = (0.01 * self.data_range) ** 2, (0.03 * self.data_range) ** 2
        return distances((a[0], a[1]), (b[0], b[1]), i, j, c1, c2, self.masked, limit)


def planes(samples: Samples) -> tuple[Images, Spans]:
    """Return images (h, w) or (h, w, planes) in natural units (n, planes, h, w) float32, and their `spans`.

    That is 4 bytes a value and about 5 a row of a plane, 266 kB for a shower of 51 x 51 x 25. The means and variances
    of its windows need float64 and would take 672 kB more; `distances` computes them as it goes. Natural values rounded
    to float32 are as fine as the x that they come from.
    """
    h, w, count = (*samples.x.shape[1:], 1)[:3]
    images = np.empty((len(samples), count, h, w), dtype=np.float32)
    for start in range(0, len(samples), BLOCK):
        rows = slice(start, start + BLOCK)
        natural = samples.take(rows).natural().reshape(-1, h, w, count)
        images[rows] = np.moveaxis(natural, 3, 1)
    return images, spans(images)


def spans(images: Images) -> Spans:
    """Return where images (n, planes, h, w) are not zero, int16 (n, planes, h + ceil((h - 10) / ROWS), 2).

    First h rows of values: the first column with a non-zero value, and one past the last; (w, 0) in an empty row. Then
    every ROWS rows of windows: the same for the windows that hold a non-zero value.
    """
    h, w = images.shape[2:]
    full = images != 0
    empty = ~full.any(axis=3)
    first = np.where(empty, w, full.argmax(axis=3))
    past = np.where(empty, 0, w - full[..., ::-1].argmax(axis=3))
    below = ((0, 0), (0, 0), (0, -(h - MARGIN) % ROWS))
    reach = np.lib.stride_tricks.sliding_window_view
    lows = reach(np.pad(first, below, constant_values=w), MARGIN + ROWS, axis=2)[:, :, ::ROWS].min(axis=3)
    highs = reach(np.pad(past, below), MARGIN + ROWS, axis=2)[:, :, ::ROWS].max(axis=3)
    values = np.stack([first, past], axis=3)
    windows = np.stack([np.maximum(lows - MARGIN, 0), np.minimum(highs, w - MARGIN)], axis=3)
    return np.concatenate([values, windows], axis=2).astype(np.int16)


@_inline
def _weigh(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, i: Any, j: Any, k: Any) -> Any:
    """Return the Gaussian sum of eleven neighbours."""
    return ((_G5 * (a + k) + _G4 * (b + j)) + (_G3 * (c + i) + _G2 * (d + h))) + (_G1 * (e + g) + _G0 * f)


@_inline
def _across(v: Any, c: Any) -> Any:
    """Return the Gaussian sum of eleven columns, c the first."""
    return _weigh(
        v[c], v[c + 1], v[c + 2], v[c + 3], v[c + 4], v[c + 5], v[c + 6], v[c + 7], v[c + 8], v[c + 9], v[c + 10]
    )


@_inline
def _product(x: Any, i: Any, y: Any, j: Any, row: Any) -> Any:
    """Return x y, `row` rows below i and j: exact, since both have the 24 bits of a float32."""
    return x[i + row * STRIDE] * y[j + row * STRIDE]


@_jit
def _clear(out: Flat, o: int, n: int) -> None:
    o = max(o, 0)  # always true, but the compiler then need not prepare for an index from the end
    for c in range(n):
        out[o + c] = 0.0


@_jit
def _copy(x: Images, i: int, out: Flat, o: int, n: int) -> None:
    i, o = max(i, 0), max(o, 0)
    for c in range(n):
        out[o + c] = x[i + c]


@_jit
def _four_rows_down(x: Flat, i: int, y: Flat, j: int, out: Flat, o: int, n: int) -> None:
    """Sum x y down n columns, for ROWS rows of windows, which share most of their rows of values."""
    i, j, o = max(i, 0), max(j, 0), max(o, 0)
    for k in range(n):
        a, b = _product(x, i + k, y, j + k, 0), _product(x, i + k, y, j + k, 1)
        c, d = _product(x, i + k, y, j + k, 2), _product(x, i + k, y, j + k, 3)
        e, f = _product(x, i + k, y, j + k, 4), _product(x, i + k, y, j + k, 5)
        g, h = _product(x, i + k, y, j + k, 6), _product(x, i + k, y, j + k, 7)
        p, q = _product(x, i + k, y, j + k, 8), _product(x, i + k, y, j + k, 9)
        r, s = _product(x, i + k, y, j + k, 10), _product(x, i + k, y, j + k, 11)
        t, u = _product(x, i + k, y, j + k, 12), _product(x, i + k, y, j + k, 13)
        out[o + k] = _weigh(a, b, c, d, e, f, g, h, p, q, r)
        out[o + k + STRIDE] = _weigh(b, c, d, e, f, g, h, p, q, r, s)
        out[o + k + 2 * STRIDE] = _weigh(c, d, e, f, g, h, p, q, r, s, t)
        out[o + k + 3 * STRIDE] = _weigh(d, e, f, g, h, p, q, r, s, t, u)


@_jit
def _down(
    x: Flat,
    i: int,
    spans_x: Spans,
    u: int,
    y: Flat,
    j: int,
    spans_y: Spans,
    v: int,
    h: int,
    x0: int,
    out: Flat,
    old: Box,
) -> Box:
    """Sum x y down the columns of a tile that starts at column x0; out is zero outside the old box, then the new one.

    The spans, from u and v on, say where x y can be other than zero: sums of zeros are not taken.
    """
    u, v = max(u, 0), max(v, 0)
    top, bottom, left, right = h, 0, STRIDE, 0
    for r in range(h):
        first = max(spans_x[u + 2 * r], spans_y[v + 2 * r], x0) - x0
        past = min(spans_x[u + 2 * r + 1], spans_y[v + 2 * r + 1], x0 + STRIDE) - x0
        if first < past:
            top, bottom, left, right = min(top, r), r + 1, min(left, first), max(right, past)
    if bottom == 0:
        top = left = 0
    top, bottom = max(0, top - MARGIN) // ROWS * ROWS, -(-min(bottom, h - MARGIN) // ROWS) * ROWS
    left, right = left // 8 * 8, -(-right // 8) * 8
    if top > old[0] or bottom < old[1] or left > old[2] or right < old[3]:
        for r in range(old[0], old[1]):
            _clear(out, r * STRIDE + old[2], old[3] - old[2])
    for r in range(top, bottom, ROWS):
        start = r * STRIDE + left
        _four_rows_down(x, i + start, y, j + start, out, start, right - left)
    return top, bottom, left, right


@_jit
def _moments(means: Flat, squares: Flat, i: int, out: Flat, o: int, n: int) -> None:
    """Write mean and variance of n windows. Rounding can leave a constant window a variance below zero."""
    i, o = max(i, 0), max(o, 0)
    for c in range(n):
        mean = _across(means, i + c)
        variance = _across(squares, i + c) - mean * mean
        out[o + c] = mean
        out[o + c + STRIDE] = variance if variance > 0.0 else 0.0


@_jit
def _load(
    images: Images,
    spans: Spans,
    plane: int,
    h: int,
    w: int,
    x0: int,
    slots: Flat,
    i: int,
    one: Flat,
    means: Flat,
    squares: Flat,
    box: Box,
) -> Box:
    """Write the tile of a plane that starts at column x0 into slots[i:].

    That is h + ROWS - 1 rows for its values, then, per row of windows, a row of their means and one of their variances.
    What is past the edge of the image stays as it was: windows there have no moments, and so distance 0 (`_distance`).
    """
    blocks = -(-(h - MARGIN) // ROWS)
    for r in range(h):
        _copy(images, (plane * h + r) * w + x0, slots, i + r * STRIDE, min(STRIDE, w - x0))
    u = plane * (h + blocks) * 2
    _down(slots, i, spans, u, one, 0, spans, u, h, x0, means, box)
    box = _down(slots, i, spans, u, slots, i, spans, u, h, x0, squares, box)
    for r in range(blocks * ROWS):
        span = max(u + (h + r // ROWS) * 2, 0)
        first, past = max(spans[span] - x0, 0), min(spans[span + 1] - x0, TILE)
        n = past - first if r < h - MARGIN else 0
        o = i + (h + ROWS - 1 + 2 * r) * STRIDE
        _clear(slots, o, 2 * STRIDE)
        _moments(means, squares, r * STRIDE + first, slots, o + first, n)
    return box


@_inline
def _distance(xy: Any, a: Any, i: Any, b: Any, j: Any, c1: Any, c2: Any) -> Any:
    """Return 1 - SSIM of a window as p + q - p q, p the distance of its luminances, q that of its structures.

    With means m, n and variances v, w: p = (m - n)^2 / (m^2 + n^2 + c1), q = (v + w - 2 cov) / (v + w + c2), where
    |2 cov| <= v + w, which rounding must not break. So it is exactly 0 for equal windows, never below, and 0 without
    moments, for any xy.
    """
    p, spread = a[i] - b[j], a[i + STRIDE] + b[j + STRIDE]
    p, q = p * p, spread - 2.0 * (xy - a[i] * b[j])
    q = q if q > 0.0 else 0.0
    q = q if q < 2.0 * spread else 2.0 * spread
    below_p, below_q = (a[i] * a[i] + b[j] * b[j]) + c1, spread + c2
    above = p * below_q + q * (below_p - p)
    return (above if above > 0.0 else 0.0) / (below_p * below_q)


@_jit
def _four_rows_across(
    xy: Flat, s: int, a: Flat, i: int, b: Flat, j: int, c1: float, c2: float, out: Flat, o: int, n: int
) -> None:
    """Add the distances of n windows in each of ROWS rows to n totals."""
    s, i, j, o = max(s, 0), max(i, 0), max(j, 0), max(o, 0)
    for c in range(n):
        u, v, w = s + c, i + c, j + c
        total = _distance(_across(xy, u), a, v, b, w, c1, c2)
        u, v, w = u + STRIDE, v + 2 * STRIDE, w + 2 * STRIDE
        total += _distance(_across(xy, u), a, v, b, w, c1, c2)
        u, v, w = u + STRIDE, v + 2 * STRIDE, w + 2 * STRIDE
        total += _distance(_across(xy, u), a, v, b, w, c1, c2)
        u, v, w = u + STRIDE, v + 2 * STRIDE, w + 2 * STRIDE
        out[o + c] += total + _distance(_across(xy, u), a, v, b, w, c1, c2)


@_jit
def _occupied(a: Flat, i: int, b: Flat, j: int, n: int) -> int:
    """Return in how many of n windows a mean or a variance is not zero: those with a non-zero value in either image."""
    i, j = max(i, 0), max(j, 0)
    found = 0
    for c in range(n):
        found += (abs(a[i + c]) + a[i + c + STRIDE]) + (abs(b[j + c]) + b[j + c + STRIDE]) > 0.0
    return found


@_jit
def _compare(
    a: Flat,
    i: int,
    spans_a: Spans,
    u: int,
    b: Flat,
    j: int,
    spans_b: Spans,
    v: int,
    h: int,
    x0: int,
    c1: float,
    c2: float,
    masked: bool,
    xy: Flat,
    box: Box,
    totals: Flat,
) -> tuple[float, int, Box]:
    """Return the sum of the distances of the windows of the tiles a[i:] and b[j:], and if masked how many are occupied.

    totals are zero and stay so. The box is that of xy.
    """
    box = _down(a, i, spans_a, u, b, j, spans_b, v, h, x0, xy, box)
    i, j = i + (h + ROWS - 1) * STRIDE, j + (h + ROWS - 1) * STRIDE
    u, v = max(u + 2 * h, 0), max(v + 2 * h, 0)
    occupied = 0
    for r in range(-(-(h - MARGIN) // ROWS)):
        first = max(min(spans_a[u + 2 * r], spans_b[v + 2 * r]) - x0, 0) // 8 * 8
        past = -(-min(max(spans_a[u + 2 * r + 1], spans_b[v + 2 * r + 1]) - x0, WIDE) // 8) * 8
        s, t, n = i + 2 * r * ROWS * STRIDE + first, j + 2 * r * ROWS * STRIDE + first, past - first
        _four_rows_across(xy, r * ROWS * STRIDE + first, a, s, b, t, c1, c2, totals, first, n)
        if masked:
            for row in range(ROWS):
                occupied += _occupied(a, s + 2 * row * STRIDE, b, t + 2 * row * STRIDE, n)
    total = 0.0
    for c in range(WIDE):
        total += totals[c]
        totals[c] = 0.0
    return total, occupied, box


@_jit
def _distances(
    a: Images,
    spans_a: Spans,
    b: Images,
    spans_b: Spans,
    shape: tuple[int, ...],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    groups: NDArray[np.int64],
    c1: float,
    c2: float,
    masked: bool,
    limit: float,
) -> NDArray[np.float64]:
    """Do the work of `distances`, with a, b and their spans flat.

    groups: where in i and j a group of pairs starts, and len(i). A group shares i // SLOTS, and it shares j // SLOTS.

    A group goes tile by tile. Distances are not negative, so that the sum over the tiles seen, over the most windows
    that there can be in the end, is a lower bound. Once it is above the limit, the pair's other tiles are left out.
    """
    planes, h, w = shape
    rows = -(-(h - MARGIN) // ROWS) * ROWS
    head, size, step = (h + ROWS - 1) * STRIDE, (h + ROWS - 1 + 2 * rows) * STRIDE, (h + rows // ROWS) * 2
    slots_a, slots_b = np.empty(SLOTS * size), np.empty(SLOTS * size)
    held_a, held_b = np.empty(SLOTS, np.int64), np.empty(SLOTS, np.int64)
    means, squares, xy = np.zeros((rows + 1) * STRIDE), np.zeros((rows + 1) * STRIDE), np.zeros((rows + 1) * STRIDE)
    one, totals = np.ones(head), np.zeros(STRIDE)
    box, box_xy = (0, 0, 0, 0), (0, 0, 0, 0)
    total, windows, bound = np.zeros(len(i)), np.zeros(len(i), np.int64), np.zeros(len(i))
    for g in range(len(groups) - 1):
        left = planes * (h - MARGIN) * (w - MARGIN)
        for tile in range(planes * -(-(w - MARGIN) // TILE)):
            p, x0 = tile % planes, tile // planes * TILE
            in_tile = (h - MARGIN) * min(TILE, w - MARGIN - x0)
            left -= in_tile
            held_a[:] = -1
            held_b[:] = -1
            for q in range(groups[g], groups[g + 1]):
                if bound[q] > limit:
                    continue
                s, t, u, v = i[q] % SLOTS, j[q] % SLOTS, i[q] * planes + p, j[q] * planes + p
                if held_a[s] != i[q]:
                    box = _load(a, spans_a, u, h, w, x0, slots_a, s * size, one, means, squares, box)
                    held_a[s] = i[q]
                if held_b[t] != j[q]:
                    box = _load(b, spans_b, v, h, w, x0, slots_b, t * size, one, means, squares, box)
                    held_b[t] = j[q]
                added, occupied, box_xy = _compare(
                    slots_a, s * size, spans_a, u * step, slots_b, t * size, spans_b, v * step,
                    h, x0, c1, c2, masked, xy, box_xy, totals,
                )  # fmt: skip
                total[q] += added
                windows[q] += occupied if masked else in_tile
                most = windows[q] + left
                bound[q] = total[q] / most if most else 0.0
    return bound


def distances(
    a: tuple[Images, Spans],
    b: tuple[Images, Spans],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    c1: float,
    c2: float,
    masked: bool,
    limit: float,
) -> NDArray[np.float64]:
    """Return 1 - SSIM of images i of a and j of b, float64 (len(i),); any number above `limit` for those above it.

    Args:
        a: images (n, planes, h, w) float32, with h and w at least 11, and their `spans`.
        b: the same for the other side, or the same images.
        i: rows of a.
        j: rows of b.
        c1: constant of the luminances, > 0.
        c2: constant of the structures, > 0.
        masked: whether the mean is over the windows with a non-zero value in either image; 0 where there is none.
        limit: the largest distance of interest; may be infinite.
    """
    order = np.lexsort((j, i, j // SLOTS, i // SLOTS))
    i, j = i[order], j[order]
    new = (np.diff(i // SLOTS) != 0) | (np.diff(j // SLOTS) != 0)
    groups = np.concatenate([[0], np.flatnonzero(new) + 1, [len(i)]])
    x, spans_x, y, spans_y = a[0].reshape(-1), a[1].reshape(-1), b[0].reshape(-1), b[1].reshape(-1)
    out = np.empty(len(i))
    out[order] = _distances(x, spans_x, y, spans_y, a[0].shape[1:], i, j, groups, c1, c2, masked, limit)
    return out
