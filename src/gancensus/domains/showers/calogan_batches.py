"""The showers that 3DGAN learns from, of which only cells with energy are kept, and batches of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples, Samples, flatten

if TYPE_CHECKING:
    import torch


LEAST = 0.01  # GeV; showers that deposit no more are not trained on
GRID_BATCH = 32  # showers that are processed at once: a layer of the full grid takes up to 4.5 MB for each


class Batch(NamedTuple):
    """Showers to train on: images (n, 1, nx, ny, nz) of GeV^power, energy (n,) in GeV and angle (n,) in rad."""

    image: torch.Tensor
    energy: torch.Tensor
    angle: torch.Tensor


@dataclass(frozen=True)
class Showers:
    """Showers to train on, of which only cells with energy are kept; some rows of them make a Batch.

    offsets (n + 1,): where in index and value (cells,) the showers begin; shape of a shower; conditions (n,).
    """

    offsets: NDArray[np.int64]
    index: torch.Tensor
    value: torch.Tensor
    shape: tuple[int, ...]
    energy: torch.Tensor
    angle: torch.Tensor

    @classmethod
    def of(cls, samples: Samples | LazySamples, threshold: float, power: float, device: torch.device) -> Showers:
        """Keep the cells at or above a threshold (GeV) of the showers that deposit more than LEAST in them."""
        import torch

        conditions = energy_and_angle(samples.conditions)
        kept, index, value = [], [], []
        for start in range(0, len(samples), GRID_BATCH):
            cells = flatten(samples.take(slice(start, start + GRID_BATCH)).natural())
            cells[cells < threshold] = 0
            for k in np.flatnonzero(cells.sum(axis=1) > LEAST):
                kept.append(start + k)
                index.append(np.flatnonzero(cells[k]).astype(np.int32))
                value.append((cells[k][index[-1]] ** power).astype(np.float32))
        if len(kept) < 2:
            raise UserError(
                f"generator calogan: {len(kept)} of {len(samples)} showers deposit more than {LEAST} GeV; cells need "
                "to be in GeV"
            )
        energy, angle, indices, values = (
            torch.from_numpy(a).to(device)
            for a in (*(c[kept] for c in conditions), np.concatenate(index), np.concatenate(value))
        )
        offsets = np.cumsum([0, *map(len, index)])
        return cls(offsets, indices, values, samples.shape, energy, angle)

    @property
    def device(self) -> torch.device:
        """Return the device of the batches."""
        return self.value.device

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, rows: torch.Tensor, /) -> Batch:
        """Return showers as a dense batch."""
        import torch

        image = torch.zeros(len(rows), math.prod(self.shape), device=self.device)
        for shower, row in zip(image, rows.tolist(), strict=True):
            own = slice(self.offsets[row], self.offsets[row + 1])
            shower[self.index[own]] = self.value[own]
        return Batch(image.reshape(-1, 1, *self.shape), self.energy[rows], self.angle[rows])


def energy_and_angle(conditions: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return energy (GeV) and angle (rad); raises UserError when one is not known."""
    missing = [name for name in ("energy", "angle") if name not in conditions]
    if missing:
        raise UserError(
            f"generator calogan: the samples have no condition {' and '.join(missing)}; use a source of showers that "
            "has energy and angle of the primary particle"
        )
    return conditions["energy"].astype(np.float32), conditions["angle"].astype(np.float32)
