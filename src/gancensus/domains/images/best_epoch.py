"""Which epoch of a training made the best images: by their Frechet distance to real ones that judge nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gancensus.comparison.frechet import frechet_distance
from gancensus.contracts.fitting import History
from gancensus.contracts.samples import LazySamples, Samples, flatten, spread_rows

COMPONENTS = 64  # principal components in which distances are measured
MOST = 10_000  # real images


class Yardstick:
    """The Frechet distance of images to some real ones, in the leading principal components of the pixels of these.

    Up to COMPONENTS components and MOST real images. It compares as many others as there are real ones: its bias, which
    depends on the numbers, is then the same in every epoch.
    """

    def __init__(self, samples: Samples | LazySamples) -> None:
        """Look at real images (n, *shape)."""
        from sklearn.decomposition import PCA

        real = flatten(samples.take(spread_rows(len(samples), MOST)).x)
        self.images = len(real)
        self._axes = PCA(min(COMPONENTS, *real.shape), random_state=0).fit(real)
        self._real = self._axes.transform(real)

    def distance(self, x: NDArray[np.float32]) -> float:
        """Return the distance of images x (n, *shape); infinite where they are not finite."""
        if not np.isfinite(x).all():
            return float("inf")
        return frechet_distance(self._real, self._axes.transform(flatten(x)))


class BestEpoch(nn.Module):
    """A copy of a generator as it was after the epoch in which its images were nearest to real ones.

    `distance` (epochs,) float64 has what was found, NaN where nothing was measured.
    """

    distance: torch.Tensor

    def __init__(self, generator: nn.Module, epochs: int, measure: Callable[[nn.Module], float]) -> None:
        """Begin with the generator as it is; measure: returns the distance of its images."""
        super().__init__()
        self.generator = copy.deepcopy(generator)
        self._measure = measure
        self.register_buffer("distance", torch.full((epochs,), torch.nan, dtype=torch.float64))

    def consider(self, generator: nn.Module, epoch: int) -> None:
        """Measure the generator after an epoch, counted from 1; keep it if no earlier one was as good."""
        found, before = self._measure(generator), self.distance[: epoch - 1]
        self.distance[epoch - 1] = found
        if not (before <= found).any():
            self.generator.load_state_dict(generator.state_dict())

    def history(self) -> History:
        """Return `fid`, the distance after each epoch, and `kept`, 1 in the epoch whose generator is kept, else 0."""
        fid = self.distance.cpu().numpy()
        return {"fid": fid, "kept": (np.arange(len(fid)) == np.nanargmin(fid)).astype(np.float64)}
