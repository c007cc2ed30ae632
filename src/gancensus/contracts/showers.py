"""Electromagnetic showers in a sampling calorimeter: the grid of cells, its scale, and what is measured of a shower.

Cells are (x, y, z): z counts layers in depth, y is the direction in which the primary particle is tilted. Energies are
in GeV. The conditions of a shower are `energy`, that of the primary particle in GeV, and `angle`, between its direction
and the face of the calorimeter in rad: pi/2 is perpendicular.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.samples import Scale

CELLS = (51, 51, 25)
"""The grid of the 3DGAN studies (Khattak et al., EPJC 82 (2022) 386)."""
CELL = 0.51  # cm, side of a cell
TUNGSTEN, SILICON = 0.24, 0.05  # cm, thickness of the absorber and of the active part of a layer
GRID, VOXELS = ("cell energy",), ("voxel energy",)
"""What a scale says of cells (x, y, layer), and of others."""
UNITS = {"energy": "GeV", "angle": "rad"}
"""The conditions of showers, and their units."""


def shower_scale(largest: float, names: tuple[str] = GRID) -> Scale:
    """Return the scale of cells up to `largest` (GeV): 0 stays 0, and as a power of two it changes no bit of a value.

    A cell holds no more than the primary particle has, so the largest energy of these is known without the cells.
    """
    end = 2.0 ** math.ceil(math.log2(largest))
    return Scale(names, ("GeV",), (-end,), (end,))


def coarse_shape(shape: tuple[int, ...], factor: int) -> tuple[int, ...]:
    """Return the cells along each axis when so many of an axis are joined; the last joins fewer where some are left."""
    return tuple(-(-cells // factor) for cells in shape)


def coarsened(cells: NDArray[Any], factor: int) -> NDArray[Any]:
    """Sum the cells of showers (n, *shape) over cubes of `factor` cells a side: (n, *coarse_shape(shape, factor))."""
    for axis in range(1, cells.ndim) if factor > 1 else ():
        cells = np.add.reduceat(cells, np.arange(0, cells.shape[axis], factor), axis=axis)
    return cells


def measured_angle(cells: Any, xp: Any = np) -> Any:
    """Return the angle that the cells (n, x, y, z) of showers point to: (n,) rad, in units of cells; 100 if empty.

    3DGAN's `ecal_angle` (svalleco/3Dgan, keras/AngleArch3dGAN.py): in each layer the slope m from the barycentre of the
    shower to that of the layer gives pi/2 - atan(m), and layers that hold energy are averaged with their depth as
    weight. Not calibrated: cells are taken for cubes. xp: numpy or torch, whose arrays the cells are.
    """
    sums = cells.sum(axis=(1, 2)), cells.sum(axis=(1, 2, 3)), cells.sum(axis=2), cells.sum(axis=1)
    return angle_of_sums(*sums, xp=xp)


def angle_of_sums(in_layer: Any, total: Any, xz: Any, yz: Any, xp: Any = np) -> Any:
    """Return `measured_angle` of showers from sums of their cells: (n, z), (n,), (n, x, z) over y, (n, y, z) over x."""
    total = total[:, None]
    x, y, z = (_centres(sums, xp) for sums in (xz, yz, in_layer))
    x_sum, y_sum = (xz * x[:, None]).sum(axis=1), (yz * y[:, None]).sum(axis=1)
    whole, layer = xp.where(total > 0, total, 1.0), xp.where(in_layer > 0, in_layer, 1.0)
    x_mid, y_mid = x_sum / layer, y_sum / layer
    x_ref, y_ref = (sums.sum(axis=1)[:, None] / whole for sums in (x_sum, y_sum))
    z_ref = (in_layer * z).sum(axis=1)[:, None] / whole
    slope = (y_mid - y_ref) / xp.sqrt(xp.clip((x_mid - x_ref) ** 2 + (z - z_ref) ** 2, 1e-7, None))
    weight = z * (in_layer > 0)
    angle = math.pi / 2 - xp.arctan(xp.where(z < z_ref, -slope, slope))
    weights = weight.sum(axis=1)
    return xp.where(weights > 0, (angle * weight).sum(axis=1) / xp.where(weights > 0, weights, 1.0), 100.0)


def _centres(sums: Any, xp: Any) -> Any:
    """Return the centres of the cells along the first axis after the showers', in cells."""
    device = {} if xp is np else {"device": sums.device}
    return xp.arange(sums.shape[1], dtype=sums.dtype, **device) + 0.5
