"""Jets as pictures."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from gancensus.contracts.samples import Samples
from gancensus.domains.jets.jet_images import pixelated

DECADES = 4  # of pt, below the largest pixel of a picture


def pictures(samples: Samples, width: float, pixels: int) -> NDArray[np.uint8] | None:
    """Return jets as RGB (n, H, W, 3), the darker the more pt; None where the scale does not say that they are jets.

    Constituents fill pixels over a width in eta and phi. Pixels have the logarithm of their pt, over four decades below
    the largest of each picture; below that, and 0, are white.
    """
    names = samples.scale.names if samples.scale else ()
    if names == ("pt",) and samples.x.ndim == 3:
        pt = samples.x.astype(np.float64)
    elif names == ("pt", "eta", "phi"):
        pt = pixelated(samples.natural(), pixels, width)
    else:
        return None
    largest = pt.max(axis=(1, 2), keepdims=True, initial=0)
    share = pt / np.where(largest > 0, largest, 1)
    level = np.clip(1 + np.log10(np.maximum(share, 1e-9)) / DECADES, 0, 1)
    return np.asarray(colormaps["gray_r"](level, bytes=True)[..., :3])
