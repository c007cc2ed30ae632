"""Near points: every pair of points within a radius, and few others, by one product of matrices.

|a - b|^2 = |a|^2 + |b|^2 - 2 a.b, so that near pairs are those with a large dot product. The products are taken of
rounded points, which is where the speed comes from, and the radius is widened by a proved bound of its effect:

Let x' be a point less a common centre, y its rounded form and e = |x' - y| the residual. By the triangle inequality
|a - b| <= r implies |y_a - y_b| <= r + e_a + e_b =: R, that is y_a.y_b >= (|y_a|^2 + |y_b|^2 - R^2) / 2.

`Int8` rounds to multiples q of a step s, and the dot products of the integers q are exact. `Float32` rounds to float32;
its dot products of k values, in any order and with or without fused multiply-add, are off by at most
gamma |y_a||y_b|, gamma = k u / (1 - k u), u = 2^-24 (Higham, Accuracy and Stability, 2nd ed., eq. 3.5). The few float64
operations that prepare residuals and limits are covered by relative slacks of 1e-9.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

SLACK = 1e-9  # far above the rounding of float64 sums of a million terms
INT8_VALUES = 60_000  # 60,000 * 127 * 255 < 2^31: the sums of more could overflow
SAMPLE = 256  # points of each side whose distances choose between the ways to round
INT8_COST, FLOAT32_COST = 0.15 / 64, 1.1 / 64  # ns per pair and value, measured on AVX-512; only their ratio matters
CANDIDATE_COST = 5.0  # ns that a candidate costs before its exact value


class Join(Protocol):
    """Points a (n, k) and b (m, k), prepared for a radius."""

    def candidates(self, rows: slice, columns: slice) -> tuple[Rows, Rows]:
        """Return rows of a and of b, int64, that include every pair of the tile within the radius."""
        ...


def prepare(a: Points, b: Points, radius: float, exact_cost: float, device: str = "cpu") -> Join:
    """Choose how to round by an estimate from a sample of the points; both ways give every pair within the radius.

    Args:
        a: (n, k) float32 or float64, n > 0.
        b: (m, k), m > 0; the same array as `a` for pairs within one set.
        radius: largest distance of interest, finite.
        exact_cost: nanoseconds that a candidate's exact value takes.
        device: "cpu" or "cuda", where float32 products are taken.
    """
    from gancensus.distances.kernels import largest
    from gancensus.distances.simd import HAS_INT8_DOT

    centre = a[:SAMPLE].mean(axis=0, dtype=np.float64)
    scale = max(largest(a, centre), largest(b, centre)) or 1.0
    if device == "cuda" or not HAS_INT8_DOT or a.shape[1] > INT8_VALUES:
        return Float32(a, b, radius, centre, scale, device)
    coarse = Int8(a, b, radius, centre, scale)
    square = sampled_squares(a, b)
    more = np.count_nonzero(square <= (radius + coarse.residual) ** 2) - np.count_nonzero(square <= radius**2)
    saved = (FLOAT32_COST - INT8_COST) * a.shape[1]
    return (
        coarse if more / square.size * (CANDIDATE_COST + exact_cost) <= saved else Float32(a, b, radius, centre, scale)
    )


def sampled_squares(a: Points, b: Points) -> Floats:
    """Return the squared distances of a sample of the points, approximately: to choose a method, not for a result."""
    x, y = (points[:: -(-len(points) // SAMPLE)].astype(np.float64) for points in (a, b))
    squares: Floats = np.add.outer(np.square(x).sum(axis=1), np.square(y).sum(axis=1)) - 2 * x @ y.T
    return squares


class Int8:
    """Points rounded to 8 bits, for processors that multiply and add them in one instruction (AVX-512 VNNI)."""

    def __init__(self, a: Points, b: Points, radius: float, centre: Floats, scale: float) -> None:
        """Round both sides with one step; `residual` is the most that two residuals add to the radius."""
        from gancensus.distances.kernels import round_to_int8
        from gancensus.distances.simd import COLUMNS, GROUPS, LANES, ROWS

        step = scale / 127
        self._rows, self._columns = len(a), len(b)
        self._a, a_square, a_residual = round_to_int8(a, centre, step, ROWS)
        packed, b_square, b_residual = round_to_int8(b, centre, step, COLUMNS)
        worst = b_residual.max()
        self.residual = float(a_residual.max() + worst)
        lanes = packed.reshape(-1, GROUPS, LANES, packed.shape[1] // 4, 4).transpose(0, 1, 3, 2, 4)
        # unsigned as the instruction wants it: 128 more, which adds 128 sum(q_a) to the products of row a
        self._b = np.ascontiguousarray(lanes).view(np.uint8) ^ np.uint8(128)
        reach = (radius + a_residual + worst) / step * (1 + SLACK)
        least = (a_square - reach**2) / 2 - 2 + 128.0 * self._a.sum(axis=1, dtype=np.int64)
        self._limit = np.clip(np.floor(least), -(2**31) + 1, 2**30).astype(np.int32)  # limit + shift fits into int32
        self._shift = (b_square // 2).astype(np.int32)

    def candidates(self, rows: slice, columns: slice) -> tuple[Rows, Rows]:
        """Return rows of a and of b that include every pair of the tile within the radius."""
        from gancensus.distances.kernels import int8_candidates
        from gancensus.distances.simd import COLUMNS, ROWS

        top, left = rows.start // ROWS * ROWS, columns.start // COLUMNS * COLUMNS
        block, panel = slice(top, -(-rows.stop // ROWS) * ROWS), slice(left // COLUMNS, -(-columns.stop // COLUMNS))
        a, b = self._a[block], self._b[panel]
        i, j = np.empty((2, len(a) * len(b) * COLUMNS), dtype=np.int32)
        found = int8_candidates(a, b, self._limit[block], self._shift[left:], i, j)
        i, j = i[:found].astype(np.int64) + top, j[:found].astype(np.int64) + left
        last_row, last_column = min(rows.stop, self._rows), min(columns.stop, self._columns)
        inside = (i >= rows.start) & (i < last_row) & (j >= columns.start) & (j < last_column)
        return i[inside], j[inside]


class Float32:
    """Points rounded to float32, for the products of NumPy's BLAS or of a GPU."""

    def __init__(self, a: Points, b: Points, radius: float, centre: Floats, scale: float, device: str = "cpu") -> None:
        """Round both sides, scaled so that no square overflows, and prepare the limits of their products."""
        from gancensus.distances.kernels import round_to_float32

        self._a, a_norm, a_residual = round_to_float32(a, centre, scale)
        self._b, b_norm, b_residual = (self._a, a_norm, a_residual) if a is b else round_to_float32(b, centre, scale)
        farthest = b_norm.max()
        reach = (radius / scale + a_residual + b_residual.max()) * (1 + SLACK)
        terms = a.shape[1] * 2.0**-24
        half = np.square(a_norm) / 2
        # the last terms cover the rounding of limit, shift and their sum to float32, and numbers too small for it
        margin = terms / (1 - terms) * a_norm * farthest
        margin += 2.0**-21 * (half + farthest**2 / 2 + np.square(reach)) + 1e-37
        self._limit = np.maximum(half - np.square(reach) / 2 - margin, -1e38).astype(np.float32)
        self._shift = (np.square(b_norm) / 2).astype(np.float32)
        self._device = device
        if device == "cuda":
            import torch

            torch.backends.cuda.matmul.allow_tf32 = False  # its products keep 10 bits: the bound would not hold
            self._on_gpu = [torch.from_numpy(x).cuda() for x in (self._a, self._b, self._limit, self._shift)]

    def candidates(self, rows: slice, columns: slice) -> tuple[Rows, Rows]:
        """Return rows of a and of b that include every pair of the tile within the radius."""
        if self._device == "cuda":
            import torch

            a, b, limit, shift = self._on_gpu
            hit = a[rows] @ b[columns].T >= limit[rows, None] + shift[None, columns]
            i, j = (index.cpu().numpy() for index in torch.nonzero(hit, as_tuple=True))
        else:
            from gancensus.distances.kernels import float32_candidates

            dots = self._a[rows] @ self._b[columns].T
            i, j = np.empty((2, dots.size), dtype=np.int32)
            found = float32_candidates(dots, self._limit[rows], self._shift[columns], i, j)
            i, j = i[:found].astype(np.int64), j[:found].astype(np.int64)
        return i + rows.start, j + columns.start
