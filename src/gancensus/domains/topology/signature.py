"""The topological signature: a short vector of a persistence diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.domains.topology.diagram_distances import bottleneck
from gancensus.domains.topology.diagrams import Diagram, Floats

B0, B1, LOOPS, RATIO = "b0", "b1", "loops", "ratio_h1"
ENTRIES = (B0, B1, LOOPS, "total_h0", "total_h1", "longest_h1", RATIO, "entropy_h1")
COUNTS = (B0, B1, LOOPS)
LEASTS = {B0: 1.0, RATIO: 1.0}  # of what is not 0 at least
LEVEL = 0.95  # of the band
APART = 2.0  # times the scale at which parts of components join, where components do that are apart
MOST = 0.75  # of diagrams: an outlier may join components in others
FEWEST = 10  # bars of a diagram without which nothing is known of their ratios


class Frame(NamedTuple):
    """By what bars are counted; the same for all populations."""

    scale: float
    """The distance at which components and loops are alive that b0 and b1 count."""
    band: float
    """The length above which a loop stands out, in the unit of the distances."""
    ratio: float
    """And the ratio of death to birth above which it does."""

    def stand_out(self, bars: Floats) -> NDArray[np.bool_]:
        """Return which loops (n, 2) stand out of the band."""
        return (lengths(bars) > self.band) & (bars[:, 1] > self.ratio * bars[:, 0])


def frame(diagrams: Sequence[Diagram], scale: float | None = None) -> Frame:
    """Return the frame that independent diagrams of one population give, at least two; with a scale, that one.

    `band` is twice the LEVEL quantile of the bottleneck distances of two diagrams: a bar that is longer has a partner
    in another diagram (Fasy et al., Ann. Statist. 42 (2014) 2301, with draws in the place of a bootstrap, around the
    diagram of so many points, not that of the support). Noise has partners, too, where much of it is alike. So a loop
    must also stand out of its own diagram: `ratio` is the median of what `noise_ratio` says of each.
    """
    pairs = zip(*(side.tolist() for side in np.triu_indices(len(diagrams), 1)), strict=True)
    apart = [bottleneck(diagrams[i].h1, diagrams[j].h1) for i, j in pairs]
    band = 2 * float(np.quantile(apart, LEVEL, method="higher"))
    found = Frame(0.0, band, float(np.median([noise_ratio(one.h1) for one in diagrams])))
    return found._replace(scale=_scale(diagrams, found) if scale is None else scale)


def noise_ratio(bars: Floats) -> float:
    """Return the ratio of death to birth that a loop (n, 2) of noise exceeds with probability 1 - LEVEL, in any of n.

    log log(death / birth) of noise, less its mean, has one distribution for all laws of points, it seems: Gumbel's of
    minima (Bobrowski & Skraba, Sci. Rep. 13 (2023) 12274). Loops that are no noise raise the mean, and the ratio. Of
    fewer than FEWEST bars nothing is known: 1.
    """
    if len(bars) < FEWEST:
        return 1.0
    mean = np.log(np.log(bars[:, 1] / bars[:, 0])).mean()
    return math.exp(math.exp(math.log(math.log(len(bars) / (1 - LEVEL))) + mean + np.euler_gamma))


def signature(one: Diagram, frame: Frame) -> Floats:
    """Return the ENTRIES of a diagram, float64.

    b0 and b1: components and loops alive at the scale (birth <= scale < death); loops: those that stand out; total_h0,
    total_h1: sum of the lengths of all bars; longest_h1 and ratio_h1: largest length, and largest death over birth (1
    without a loop), of a loop; entropy_h1: entropy of the lengths of the loops as shares of their sum, in nats
    (Chintakunta et al., Pattern Recognit. 48 (2015) 391; 0 without a loop).
    """
    h1 = lengths(one.h1)
    shares = h1 / h1.sum()
    return np.array(
        [
            1 + alive(one.h0, frame.scale).sum(),
            alive(one.h1, frame.scale).sum(),
            frame.stand_out(one.h1).sum(),
            lengths(one.h0).sum(),
            h1.sum(),
            h1.max(initial=0),
            (one.h1[:, 1] / one.h1[:, 0]).max(initial=1),
            -(shares * np.log(shares)).sum() + 0.0,
        ]
    )


def lengths(bars: Floats) -> Floats:
    """Return the lengths of bars (n, 2)."""
    return bars[:, 1] - bars[:, 0]


def alive(bars: Floats, scale: float) -> NDArray[np.bool_]:
    """Return which bars (n, 2) are alive at a scale."""
    return (bars[:, 0] <= scale) & (scale < bars[:, 1])


def _scale(diagrams: Sequence[Diagram], found: Frame) -> float:
    """Return the scale at which loops that matter are alive, and few others are.

    What matters is the longest loop of each diagram, and all that stand out. Their number less that of the others is
    largest, over all diagrams, in the range whose middle is returned; of several ranges in the longest. Where most
    diagrams have no loop that stands out, it is the scale of components that are apart, if they are; else, without
    loops, half the median length of the longest bar of a component.
    """
    if np.median([found.stand_out(one.h1).sum() for one in diagrams]) < 1 and (scale := _apart(diagrams)) is not None:
        return scale
    loops = [one.h1 for one in diagrams if len(one.h1)]
    if not loops:
        return float(np.median([one.h0[:, 1].max(initial=0) for one in diagrams])) / 2
    matters = [found.stand_out(bars) | (lengths(bars) == lengths(bars).max()) for bars in loops]
    worth = np.where(np.concatenate(matters), 1, -1)
    ends, where = np.unique(np.concatenate(loops), return_inverse=True)
    steps = np.zeros(len(ends), dtype=np.int64)
    np.add.at(steps, where.reshape(-1, 2), np.column_stack([worth, -worth]))
    height = np.cumsum(steps)[:-1]  # between an end and the next
    best = np.pad(height == height.max(), 1).astype(np.int64)
    starts, stops = np.flatnonzero(np.diff(best) == 1), np.flatnonzero(np.diff(best) == -1)
    widest = int(np.argmax(ends[stops] - ends[starts]))
    return float((ends[starts[widest]] + ends[stops[widest]]) / 2)


def _apart(diagrams: Sequence[Diagram]) -> float | None:
    """Return the middle of the longest range of scales in which MOST diagrams have as many components.

    They are more than one, and at most one for two samples. None if no such range ends at APART times its start: then
    no components are apart from each other.
    """
    bars = max(len(one.h0) for one in diagrams)
    deaths = np.array([np.pad(one.deaths()[::-1], (0, bars - len(one.h0))) for one in diagrams])[:, : bars // 2 + 1]
    starts, ends = np.quantile(deaths[:, 1:], MOST, axis=0), np.quantile(deaths[:, :-1], 1 - MOST, axis=0)
    long = np.where((starts > 0) & (ends >= APART * starts), ends - starts, 0)
    if not long.any():
        return None
    k = int(np.argmax(long))
    return float((starts[k] + ends[k]) / 2)
