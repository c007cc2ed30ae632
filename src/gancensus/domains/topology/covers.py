"""Covers of a lens: overlapping intervals of its values."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Spacing = Literal["uniform", "balanced"]

NONE = -1  # no second interval, no cell, no node
SLACK = 1e-9  # of the range: values this near to the end of an interval belong to it, however they were rounded


class Cover(NamedTuple):
    """Intervals of [0, 1], and where values of the lens lie in it: interpolated, the same beyond both ends."""

    values: Floats
    """Values of the lens, ascending (m,)."""
    positions: Floats
    """Their place in [0, 1], ascending (m,)."""
    lows: Floats
    """Lower end of each interval, which belongs to it (intervals,)."""
    highs: Floats
    """Upper end of each interval, which belongs to it (intervals,)."""
    merged: Integers
    """The interval that each one counts as: the one before, where both hold the same values of train (intervals,)."""

    def intervals(self, lens: Floats) -> Integers:
        """Return the one or two intervals, from 0, that hold each value (n,): (n, 2), -1 where there is one only."""
        place = np.interp(lens, self.values, self.positions)
        first = self.merged[np.searchsorted(self.highs, place, side="left")]
        last = self.merged[np.searchsorted(self.lows, place, side="right") - 1]
        return np.stack([first, np.where(last > first, last, NONE)], axis=1).astype(np.int64)


def fit(name: str, lens: Floats, spacing: Spacing, intervals: int, overlap: float) -> Cover:
    """Cover the values (n,) of a lens of n samples.

    The intervals are equally long in [0, 1], and neighbours have the share `overlap` of their length in common (the
    gain of Carriere, Michel & Oudot, JMLR 19 (2018) 12). `uniform`: a value's place is its distance from the smallest
    one, over the range; `balanced`: its rank, so that the intervals hold equally many samples; equal values have their
    mean rank in common. What lies beyond the ends belongs to the outermost intervals. Two neighbours that hold the same
    values, as where a lens has few different ones, are one interval.

    Args:
        name: of the lens, for the error.
        lens: (n,), finite.
        spacing: `uniform` or `balanced`.
        intervals: at least 1.
        overlap: from 0 to below 1/2, so that a value is in two intervals at most.

    Raises:
        UserError: all values are equal.
    """
    values, counts = np.unique(lens, return_counts=True)
    if len(values) == 1:
        raise UserError(f"lens {name}: 95 % or more of the samples of `train` have the same value; use another lens")
    length = 1 / (1 + (intervals - 1) * (1 - overlap))
    starts: Floats = np.arange(intervals, dtype=np.float64) * (length * (1 - overlap))
    lows, highs = starts - SLACK, starts + length + SLACK
    if spacing == "balanced":
        positions = (np.cumsum(counts) - (counts + 1) / 2) / (len(lens) - 1)
    else:
        positions = np.interp(values, values[[0, -1]], [0.0, 1.0])
    start, stop = np.searchsorted(positions, lows, side="left"), np.searchsorted(positions, highs, side="right")
    alike = (start[1:] == start[:-1]) & (stop[1:] == stop[:-1]) & (stop[1:] > start[1:])
    merged = np.arange(intervals) - np.append(False, alike)
    if spacing == "uniform":
        values, positions = values[[0, -1]], positions[[0, -1]]
    return Cover(values, positions, lows, highs, merged)


def cells(covers: tuple[Cover, ...], lens: Floats) -> Integers:
    """Return the cells, products of intervals, that hold each sample.

    Args:
        covers: of one or two lenses.
        lens: their values (n, lenses).

    Returns:
        int64 (n, 2^lenses), the number of the cell, from 0, the last lens varying fastest; -1 where there are fewer.
    """
    found = np.zeros((len(lens), 1), dtype=np.int64)
    for cover, values in zip(covers, lens.T, strict=True):
        held = cover.intervals(values)[:, None, :]
        joint = np.where((found[:, :, None] < 0) | (held < 0), NONE, found[:, :, None] * len(cover.lows) + held)
        found = joint.reshape(len(lens), found.shape[1] * 2)
    return found
