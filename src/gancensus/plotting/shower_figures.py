"""Showers as pictures."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from gancensus.contracts.samples import Samples
from gancensus.contracts.showers import GRID, VOXELS


def side_view(samples: Samples) -> NDArray[np.uint8] | None:
    """Return showers from the side, as RGB (n, H, W, 3); None where the scale does not say that samples are showers.

    Cells (n, x, y, layer) are summed over x, voxels (n, layer, angle, radius) over the angle. Energies are coloured by
    their logarithm, over four decades below the largest of each picture; 0 is pale.
    """
    x, names = samples.x, samples.scale.names if samples.scale else ()
    if x.ndim != 4 or names not in (GRID, VOXELS):
        return None
    energy = x.sum(axis=1) if names == GRID else x.sum(axis=2).swapaxes(1, 2)
    largest = energy.max(axis=(1, 2), keepdims=True, initial=0)
    share = energy / np.where(largest > 0, largest, 1)
    level = np.clip(1 + np.log10(np.maximum(share, 1e-9)) / 4, 0, 1)
    colours = colormaps["magma_r"](level, bytes=True)[..., :3]
    return np.where(share[..., None] > 0, colours, np.uint8(0xF2))
