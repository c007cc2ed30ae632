"""Bins of the primary particle's energy and angle, and where there are too few showers in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.samples import Rows
from gancensus.domains.showers.measures import Floats, all_conditions, has_angle

Span = tuple[float, float]
Line = tuple[Any, ...]
"""A row of a table, in the order of its columns."""
Rng = Callable[[str], np.random.Generator]
NO_BIN, NO_VALUE = (None, None), (None, None, None)
ENERGY_BINS = 5  # across the primary energies of the held-out showers
FEWEST = 10  # showers in a bin, on either side


def energy_bins(energy: Floats, edges: Sequence[float] | None) -> list[Span]:
    """Return the bins of primary energy in GeV; without edges, equal ones from the smallest to the largest."""
    if edges is None:
        low, high = (float(end) for end in (energy.min(), energy.max()))
        edges = np.linspace(low, high, ENERGY_BINS + 1 if high > low else 2).tolist()
    return list(pairwise(edges))


def in_span(energy: Floats, span: Span, spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Mark the energies in a bin; the upper end belongs only to the last bin."""
    return np.asarray((span[0] <= energy) & ((energy < span[1]) | ((span == spans[-1]) & (energy == span[1]))))


def near(values: Floats, centre: float | None, window: float) -> NDArray[np.bool_]:
    """Mark the values within the window of a centre; all where there is none."""
    return np.full(len(values), True) if centre is None else np.abs(values - centre) <= window


def nothing(holdout: Rows, keys: Sequence[str]) -> str:
    """Say that no bin has enough showers, what there is and which keys to change."""
    with_angle = has_angle(holdout)
    energy, angle = all_conditions(holdout, with_angle)
    has = f"energies from {energy.min():.3g} to {energy.max():.3g} GeV"
    if with_angle:
        has += f" and angles from {angle.min():.3g} to {angle.max():.3g} degrees"
    change = " or ".join(f"`{key}`" for key in keys if with_angle or not key.startswith("angle"))
    return (
        f"physics: no bin holds {FEWEST} showers of holdout and of another population; holdout has {has}: "
        f"change {change}, or provide more showers: holdout has {len(energy):,}"
    )
