"""Persistence images: bars, blurred on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gancensus.domains.topology.diagrams import Floats
from gancensus.domains.topology.signature import lengths

PIXELS = 20  # along each side
MARGIN = 0.05  # beyond the births and lengths that the grid is made for, as a share of their range


class Grid(NamedTuple):
    """Where an image is evaluated: PIXELS births and PIXELS lengths, and by what standard deviation it is blurred."""

    births: Floats
    lengths: Floats
    bandwidth: float

    @classmethod
    def of(cls, diagrams: Sequence[Floats]) -> Grid | None:
        """Return the grid over the bars (n, 2) of some diagrams, blurred by its larger spacing; None: no bars."""
        bars = np.concatenate([*diagrams, np.empty((0, 2))])
        if not len(bars):
            return None
        longest = lengths(bars).max() * (1 + MARGIN)
        first, last = bars[:, 0].min(), bars[:, 0].max()
        margin = MARGIN * max(last - first, longest)
        births = np.linspace(max(first - margin, 0), last + margin, PIXELS)
        over = np.linspace(0, longest, PIXELS)
        return cls(births, over, float(max(births[1] - births[0], over[1])))


def image(bars: Floats, grid: Grid) -> Floats:
    """Return the persistence image of bars (n, 2), float64 (births, lengths), per square of the unit of the distances.

    Each bar is a normal density around its birth and length, times its length (Adams et al., JMLR 18 (2017), paper 8).
    """
    long = lengths(bars)
    across = np.exp(-0.5 * ((bars[:, 0] - grid.births[:, None]) / grid.bandwidth) ** 2)
    up = np.exp(-0.5 * ((long - grid.lengths[:, None]) / grid.bandwidth) ** 2)
    found: Floats = np.einsum("in,jn->ij", across * long, up)
    return found / (2 * np.pi * grid.bandwidth**2)
