"""The structural similarity."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Calibrated, Features
from gancensus.contracts.samples import Samples


class Ssim(Calibrated):
    """1 - SSIM, the structural similarity of two images in natural units.

    Wang et al., IEEE Trans. Image Process. 13 (2004) 600. Samples are images (h, w), or (h, w, planes) whose planes are
    compared one by one. With means m and n, variances v and w and the covariance c of the two images in a window of
    11 x 11 values, under Gaussian weights of sigma 1.5,

        SSIM = (2 m n + C1) (2 c + C2) / ((m^2 + n^2 + C1) (v + w + C2)),  C1 = (0.01 L)^2,  C2 = (0.03 L)^2

    is averaged over all windows that lie inside a plane. This is scikit-image's
    `structural_similarity(x, y, channel_axis=-1, data_range=L, gaussian_weights=True, use_sample_covariance=False)`.

    A window that is empty in both images has SSIM 1. So showers of particles, which are mostly empty, look alike even
    where they share nothing: a smaller L reduces this, but only `masked` leaves the empty windows out.
    """

    cost: ClassVar[float] = 100_000.0
    features_cost: ClassVar[float | None] = 15.0
    kind: Literal["ssim"] = "ssim"
    data_range: float = Field(ge=1e-30, le=1e30)
    """L, the range of the values in natural units: differences far below a hundredth of it do not count."""
    masked: bool = False
    """Whether to average only over windows in which either image has a value other than zero."""

    def features(self, samples: Samples) -> Features:
        """Return the planes in natural units (n, planes, h, w) float32, and where they are not zero (`ssim.planes`).

        Raises UserError when the samples are not images, or are smaller than a window.
        """
        from gancensus.distances.ssim import WINDOW, planes

        shape = samples.x.shape[1:]
        if len(shape) not in (2, 3) or min(shape[:2]) < WINDOW:
            raise UserError(
                f"metric {self.kind}: samples have shape {shape}, but it compares images (h, w) or (h, w, planes) "
                f"with h and w of at least {WINDOW}; use another metric"
            )
        return planes(samples)

    def radius(self, threshold: float) -> float:
        """Return infinity: there is no embedding, so every pair is computed."""
        return math.inf

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return 1 - SSIM, in [0, 2]."""
        from gancensus.distances.ssim import Similarity

        return Similarity(self.data_range, self.masked).distances(a, b, i, j, limit)
