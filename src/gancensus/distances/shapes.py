"""Sums, profiles and their Jensen-Shannon divergence: float64, one fixed order, the same bits on every machine.

Only + - * / and comparisons, because logarithms of libraries differ between CPUs in the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale

SHOWERS_AT_ONCE = 32  # samples decoded at a time: 32 showers of 65,025 values are 17 MB in float64
LN2 = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # times an exponent, the high part is exact

# h(r) / 2z^2 for z in [0, 1/32] and artanh(z) / z in powers of z^2 for z in [1/32, 1/3], h, r and z as in
# `divergences`: interpolated at Chebyshev nodes in 60 digits, off by at most 5e-14 and 2e-15 (measured in the tests)
_SWITCH = 1 / 32
_NEAR = (
    1.0,
    2.0000000000013394,
    3.6666666624697375,
    6.666668807009193,
    12.732925612188742,
    25.770098512010833,
    53.336099625816104,
    160.52333785376368,
)
_FAR = (
    1.0000000000000042,
    0.333333333329844,
    0.20000000070962595,
    0.14285708240839437,
    0.1111137646035426,
    0.09084302029066908,
    0.07788875495464066,
    0.058544331248686375,
    0.0941715677280816,
)


def chunks(samples: Samples) -> Iterator[Samples]:
    """Yield the samples a few at a time, at least once: all of them in natural units would need much memory."""
    for start in range(0, max(1, len(samples)), SHOWERS_AT_ONCE):
        yield samples.take(slice(start, start + SHOWERS_AT_ONCE))


def rounding(scale: Scale | None) -> NDArray[np.float64]:
    """Return how far below 0 a value that means 0 may lie: one entry per column, or a single one; natural units.

    Around -1 and 1, samples in float32 are up to 2^-23 of half the scale's range apart, and decoding adds the rounding
    of float64; 2^-23 of the scale's larger end is allowed.
    """
    if scale is None:
        return np.zeros(1)
    return 2.0**-23 * np.maximum(np.abs(scale.low), np.abs(scale.high))


class Filled(NamedTuple):
    """The values of some samples that are not 0, of which most are, as in showers; in natural units."""

    place: NDArray[np.int64]
    """(k,) among all values of all samples, ascending."""
    value: NDArray[np.float64]
    """(k,)"""
    samples: int
    shape: tuple[int, ...]
    """Of a sample."""

    @classmethod
    def of(cls, samples: Samples) -> Filled:
        """Return the values of samples."""
        scale = samples.scale
        if scale is not None and not (len(scale.low) == 1 and scale.low[0] == -scale.high[0]):  # 0 is something else
            return cls.within(samples.natural())
        x = samples.x.reshape(-1)
        place = np.flatnonzero(x != 0)  # five times as fast as of x itself
        return cls(place, replace(samples, x=x[place]).natural(), len(samples), samples.shape)

    @classmethod
    def within(cls, x: NDArray[np.float64]) -> Filled:
        """Return the values of x (n, *shape)."""
        place = np.flatnonzero(x != 0)
        return cls(place, x.reshape(-1)[place], len(x), x.shape[1:])

    def sums(self, axis: int | None = None) -> NDArray[np.float64]:
        """Return the sums of each sample, or of each bin along an axis: (n,), (n, bins)."""
        if axis is None:
            return _marginals(self.place, self.value, self.samples, 1, 1, math.prod(self.shape))[:, 0]
        before, after = math.prod(self.shape[:axis]), math.prod(self.shape[axis + 1 :])
        return _marginals(self.place, self.value, self.samples, before, self.shape[axis], after)

    def of_sample(self) -> NDArray[np.int64]:
        """Return which sample each value is of, (k,)."""
        return self.place // math.prod(self.shape)


def not_negative(samples: Samples, who: str) -> Filled:
    """Return the values above 0; those that are below it by rounding are 0.

    Raises UserError beyond, which names `who` needs them.
    """
    filled = Filled.of(samples)
    slack = rounding(samples.scale)
    negative = filled.value < -(slack if len(slack) == 1 else slack[filled.place % len(slack)])
    if negative.any():
        first = int(np.argmax(negative))
        raise UserError(
            f"{who}: sample {samples.sample_id[filled.of_sample()[first]]} has the value {filled.value[first]:.6g}, "
            "and profiles need values of at least 0; remove or repair the sample"
        )
    above = filled.value > 0
    return filled if above.all() else filled._replace(place=filled.place[above], value=filled.value[above])


@numba.njit(cache=True, nogil=True)
def _marginals(
    place: NDArray[np.int64], value: NDArray[np.float64], samples: int, before: int, bins: int, after: int
) -> NDArray[np.float64]:
    """Sum values of samples (before, bins, after) over all but samples and bins: (n, bins).

    In eight fixed accumulators a bin, which values that are 0 would not change.
    """
    out = np.zeros((samples, bins))
    s = np.zeros((bins, 8))
    size, at = before * bins * after, 0
    for n in range(samples):
        first, end = at, (n + 1) * size
        while at < place.size and place[at] < end:
            row = place[at] // after
            s[row % bins, (place[at] - row * after) & 7] += value[at]
            at += 1
        if at > first:
            for k in range(bins):
                t = s[k]
                out[n, k] = ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]))
            s[:] = 0.0
    return out


class CellSums(NamedTuple):
    """What the cells (x, y, z) of showers add up to, in the order in which NumPy adds."""

    total: NDArray[np.float64]
    """(n,)"""
    xz: NDArray[np.float64]
    """(n, nx, nz) over y."""
    yz: NDArray[np.float64]
    """(n, ny, nz) over x."""
    y: NDArray[np.float64]
    """(n, ny) over z, then x."""
    z: NDArray[np.float64]
    """(n, nz) over x and y."""


def cell_sums(filled: Filled) -> CellSums:
    """Return the sums of showers with cells (x, y, z): the bits of np.sum, without the time that empty cells take."""
    nx, ny, nz = filled.shape
    sums = CellSums(*(np.zeros((filled.samples, *shape)) for shape in ((), (nx, nz), (ny, nz), (ny,), (nz,))))
    _add_cells(filled.place, filled.value, nx, *leaves(nx * ny * nz), *leaves(nz), *sums)
    return sums


@numba.njit(cache=True, nogil=True)
def _add_cells(
    place: NDArray[np.int64],
    value: NDArray[np.float64],
    nx: int,
    starts: NDArray[np.int64],
    depths: NDArray[np.int64],
    row_starts: NDArray[np.int64],
    row_depths: NDArray[np.int64],
    total: NDArray[np.float64],
    xz: NDArray[np.float64],
    yz: NDArray[np.float64],
    along_y: NDArray[np.float64],
    along_z: NDArray[np.float64],
) -> None:
    """Fill the arrays of CellSums."""
    samples, ny, nz = yz.shape
    size, at = nx * ny * nz, 0
    row, places = np.zeros(nz), np.arange(nz)
    for n in range(samples):
        first = at
        while at < place.size and place[at] < (n + 1) * size:
            begin = at
            column = (place[at] - n * size) // nz
            x, y, end = column // ny, column % ny, n * size + (column + 1) * nz
            while at < place.size and place[at] < end:
                z = place[at] - end + nz
                row[z] = value[at]
                xz[n, x, z] += value[at]
                yz[n, y, z] += value[at]
                along_z[n, z] += value[at]
                at += 1
            along_y[n, y] += _pairwise(places, row, row_starts, row_depths)
            for k in range(begin, at):
                row[place[k] - end + nz] = 0.0
        total[n] = _pairwise(place[first:at] - n * size, value[first:at], starts, depths)


@cache
def leaves(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the runs of values that NumPy adds one after the other, when it sums so many: starts and end, and depths.

    It sums by halves, of halves, and so on, down to 128 or fewer; the depth of a run says how many are around it.
    """

    def below(start: int, size: int, depth: int) -> Iterator[tuple[int, int]]:
        half = size // 2 - size // 2 % 8
        if size > 128:
            yield from below(start, half, depth + 1)
            yield from below(start + half, size - half, depth + 1)
        else:
            yield start, depth

    starts, depths = zip(*below(0, size, 0), strict=True)
    return np.array([*starts, size]), np.array(depths)


@numba.njit(cache=True, nogil=True)
def _pairwise(
    place: NDArray[np.int64], value: NDArray[np.float64], starts: NDArray[np.int64], depths: NDArray[np.int64]
) -> float:
    """Sum values at ascending places, all others 0, in the order in which NumPy sums; starts, depths: of `leaves`.

    A run is added in eight accumulators, and after them what is left over. Two sums of one depth are of two halves.
    """
    sums, depth_of = np.zeros(64), np.zeros(64, np.int64)
    s = np.zeros(8)
    at, held = 0, 0
    for leaf in range(depths.size):
        start, stop = starts[leaf], starts[leaf + 1]
        found, depth = 0.0, depths[leaf]
        if at < place.size and place[at] < stop:
            s[:] = 0.0
            even = stop - (stop - start) % 8
            while at < place.size and place[at] < even:
                s[(place[at] - start) & 7] += value[at]
                at += 1
            found = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
            while at < place.size and place[at] < stop:
                found += value[at]
                at += 1
        while held > 0 and depth_of[held - 1] == depth:
            held -= 1
            depth -= 1
            found = sums[held] + found
        sums[held], depth_of[held] = found, depth
        held += 1
    total: float = sums[0]
    return total


def totals(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum x (n, bins) over the bins: (n,)."""
    return Filled.within(x).sums()


def profiles(filled: Filled, axis: int) -> NDArray[np.float64]:
    """Return the share of each bin along an axis of samples, no value below 0: (n, width).

    After the bins comes one that holds the whole of an empty sample and nothing of any other, so that empty samples
    equal each other and share no bin with the rest; then zeros up to a multiple of eight.
    """
    sums = filled.sums(axis)
    total, bins = totals(sums), filled.shape[axis]
    out = np.zeros((filled.samples, -(-(bins + 1) // 8) * 8))
    out[:, :bins] = sums / np.where(total > 0, total, 1)[:, None]
    out[:, bins] = total == 0
    return out


@numba.njit(cache=True, nogil=True)
def half_logarithms(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln(p) / 2 of shares p (n, bins), and 0 where p is 0; off by at most one unit in the last place.

    With p = m 2^e, m from sqrt(1/2) to sqrt(2), and f = (m - 1) / (m + 1): ln p = e ln 2 + 2 (f + f^3/3 + f^5/5 + ...).
    """
    out = np.zeros(p.shape)
    for n in range(p.shape[0]):
        for k in range(p.shape[1]):
            if p[n, k] > 0:
                m, e = math.frexp(p[n, k])
                if m < 0.7071067811865476:
                    m, e = 2 * m, e - 1
                f = (m - 1) / (m + 1)
                series = 0.0
                for term in range(11, 0, -1):  # f^2 < 0.0295, whose eleventh power is 2^-56
                    series = (series + 1 / (2 * term + 1)) * (f * f)
                out[n, k] = 0.5 * (e * _LN2_HIGH + (2 * f + (2 * f * series + e * _LN2_LOW)))
    return out


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _term(p: float, q: float, half_log_p: float, half_log_q: float) -> float:
    """Return what a bin adds to the divergence, see `divergences`; without branches, so that LLVM makes vectors."""
    s = p + q
    d = abs(p - q)
    z = d / (s + s + d if s > 0 else 1.0)
    w = z * z
    near = z * (
        (((_NEAR[6] * w + _NEAR[4]) * w + _NEAR[2]) * w + _NEAR[0])
        + (((_NEAR[7] * w + _NEAR[5]) * w + _NEAR[3]) * w + _NEAR[1]) * z
    )
    v = w * w
    far = ((((_FAR[8] * v + _FAR[6]) * v + _FAR[4]) * v + _FAR[2]) * v + _FAR[0]) + (
        ((_FAR[7] * v + _FAR[5]) * v + _FAR[3]) * v + _FAR[1]
    ) * w
    return (s * z) * near if z < _SWITCH else (s * z) * far - (p if p < q else q) * abs(half_log_p - half_log_q)


@numba.njit(cache=True, nogil=True, error_model="numpy")  # the check for division by 0 would keep LLVM from vectors
def divergences(
    a: NDArray[np.float64], b: NDArray[np.float64], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the Jensen-Shannon divergences (len(i),) of profiles i of a and j of b, in nat.

    a and b (n, 2, width) hold `profiles` p or q and their `half_logarithms`.
    With s = p + q and r = |p - q| / s, a bin adds s h(r) / 2 with h(r) = [(1 + r) ln(1 + r) + (1 - r) ln(1 - r)] / 2,
    never negative: p ln(2p/s) and q ln(2q/s), of opposite sign and nearly equal in near profiles, are not subtracted.
    One division gives z = |p - q| / (3 max + min) = r / (2 + r). Where z < 1/32, h is z^2 times a polynomial. Elsewhere
    it is ln(1 + r) - (1 - r) artanh(r), where ln(1 + r) = 2 artanh(z) is a polynomial and artanh(r), singular at
    r = 1, is half the difference of the logarithms of p and q, which are ready.

    A bin is off by at most 2e-13 (1 + |ln p|) of itself, p the smaller share: half of it the logarithms' rounding, as h
    is at least 2e-3 there. Equal profiles have 0. The order of the sum is fixed: eight lanes, each from the first bin
    to the last, then a tree.
    """
    out = np.empty(len(i))
    width = a.shape[2] // 8 * 8
    terms = np.empty(width)
    for pair in range(len(i)):
        p, half_log_p = a[i[pair], 0], a[i[pair], 1]
        q, half_log_q = b[j[pair], 0], b[j[pair], 1]
        for k in range(width):
            terms[k] = _term(p[k], q[k], half_log_p[k], half_log_q[k])
        for k in range(width - 8):
            terms[k + 8] += terms[k]
        s = terms[width - 8 :]
        out[pair] = min(((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])), LN2)
    return out
