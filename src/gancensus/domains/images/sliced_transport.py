"""The sliced Wasserstein distance of images, as a product of matrices that networks can be trained with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def profiles(height: int, width: int, directions: int) -> Floats:
    """Return the matrix A (height * width, values) by which sum |(a - b) A| is a distance of two images a and b.

    Images (height * width,) are distributions: weights of the pixels that sum to 1. Along a direction u_k = (cos, sin)
    of the angle pi k / directions, W_1 is the integral of |F_a - F_b|, F the share of the weight that lies at u_k . x
    or before (Vallender, Theory Probab. Appl. 18 (1974) 784). The line is cut into cells of a pixel's length, and F is
    replaced by its mean in each: the integral of |F_a - F_b| becomes smaller where it changes sign within a cell, and
    stays as it is elsewhere, as along the axes. The mean over the directions is the sliced distance of order 1 (Bonneel
    et al., J. Math. Imaging Vis. 51 (2015) 22).

    Distances are in half widths of the image, a pixel 2 / width long on both axes: in R, of jets whose image spans
    [-R, R].
    """
    y, x = np.mgrid[:height, :width].reshape(2, -1)
    found = []
    for angle in np.pi * np.arange(directions) / directions:
        place = (x - (width - 1) / 2) * np.cos(angle) + (y - (height - 1) / 2) * np.sin(angle)
        cells = place.min() + np.arange(np.ceil(np.ptp(place)))
        found.append(np.clip(cells + 1 - place[:, None], 0, 1))
    return np.concatenate(found, axis=1) * (2 / width / directions)
