"""What is kept of calorimeter showers: a few hundred numbers of each.

Showers are cells (x, y, z) in GeV with the conditions `energy` (GeV) and, where known, `angle` (rad) of the primary
particle. Positions and widths are in cells, from 0 at the centre of the first. Populations are read a few showers at a
time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows, Samples
from gancensus.contracts.showers import VOXELS, angle_of_sums
from gancensus.distances.shapes import Filled, cell_sums, not_negative

Floats = NDArray[np.floating[Any]]
AXES = "xyz"
HIT = 3e-4  # GeV: cells above count as hit, as in 3DGAN's figures


class Showers(NamedTuple):
    """What is kept of the showers of a population: a few hundred numbers each, NaN where a shower is empty."""

    energy: Floats
    """(n,) GeV, of the primary particle."""
    angle: Floats
    """(n,) degrees, of the primary particle; NaN where there is no such condition."""
    deposited: Floats
    """(n,) GeV, in all cells."""
    hits: Floats
    """(n,) cells above HIT."""
    measured: Floats
    """(n,) degrees, `showers.measured_angle`."""
    mean: Floats
    """(n, 3) cells: mean position of the energy along each axis."""
    variance: Floats
    """(n, 3) cells squared: its spread about it."""
    x: Floats
    """(n, nx) GeV by cell along an axis, float32."""
    y: Floats
    z: Floats

    def take(self, rows: NDArray[Any]) -> Showers:
        """Return some of the showers."""
        return Showers(*(values[rows] for values in self))


def measure(rows: Rows, with_angle: bool) -> Showers:
    """Measure the showers of a population.

    Raises UserError where samples are not showers or lack `energy` or, with_angle, `angle`.
    """
    parts = [_measured(chunk, rows.where, with_angle) for chunk in rows.chunks(slice(0, len(rows)))]
    return Showers(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _measured(samples: Samples, where: str, with_angle: bool) -> Showers:
    energy, angle = conditions(samples, where, with_angle)
    cells = cells_in_gev(samples, where)
    sums = cell_sums(cells)
    deposited, profiles = sums.total, (sums.xz.sum(axis=2), sums.y, sums.xz.sum(axis=1))
    full = np.where(deposited > 0, deposited, np.nan)
    mean, variance = np.empty((2, len(samples), 3))
    for axis, profile in enumerate(profiles):
        position = np.arange(profile.shape[1])
        mean[:, axis] = (profile * position).sum(axis=1) / full
        variance[:, axis] = (profile * (position - mean[:, axis, None]) ** 2).sum(axis=1) / full
    pointed = angle_of_sums(sums.z, sums.total, sums.xz, sums.yz)
    measured = np.where(deposited > 0, np.degrees(pointed), np.nan)
    hits = np.bincount(cells.of_sample()[cells.value > HIT], minlength=len(samples)).astype(np.float64)
    return Showers(
        energy, angle, deposited, hits, measured, mean, variance, *(profile.astype(np.float32) for profile in profiles)
    )


def cells_in_gev(samples: Samples, where: str) -> Filled:
    """Return the cells (x, y, z) that hold energy, in GeV."""
    if samples.x.ndim != 4:
        raise UserError(
            f"physics: {where}: samples of shape {samples.x.shape[1:]} are not showers with cells (x, y, z); "
            "leave this analysis out"
        )
    if samples.scale is not None and samples.scale.names == VOXELS:
        raise UserError(
            f"physics: {where}: voxels of layer, angle and radius are not cells (x, y, z); leave this analysis out"
        )
    return not_negative(samples, f"physics: {where}")


def conditions(samples: Samples, where: str, with_angle: bool) -> tuple[Floats, Floats]:
    """Return primary energies (n,) in GeV and angles (n,) in degrees, NaN where these are not asked for."""
    for name in ("energy", "angle") if with_angle else ("energy",):
        if name not in samples.conditions:
            raise UserError(
                f"physics: {where}: the samples have no condition '{name}' of the primary particle"
                f"{', which holdout has' if name == 'angle' else ''}; provide it or leave this analysis out"
            )
    energy = samples.conditions["energy"].astype(np.float64)
    if (energy <= 0).any():
        raise UserError(f"physics: {where}: condition 'energy' is {energy.min():g} GeV in places; it must be above 0")
    angle = samples.conditions["angle"] if with_angle else np.full(len(samples), np.nan)
    return energy, np.degrees(angle.astype(np.float64))


def all_conditions(rows: Rows, with_angle: bool) -> tuple[Floats, Floats]:
    """Return primary energies (n,) in GeV and angles (n,) in degrees of a whole population; see `conditions`."""
    parts = [conditions(chunk, rows.where, with_angle) for chunk in rows.chunks(slice(0, len(rows)), without_x=True)]
    energy, angle = (np.concatenate(values) for values in zip(*parts, strict=True))
    return energy, angle


def has_angle(holdout: Rows) -> bool:
    """Return whether the primary particles have an angle."""
    return "angle" in next(iter(holdout.chunks(slice(0, 1), without_x=True))).conditions
