"""The fully connected GAN of table rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.samples import LazySamples, Samples
from gancensus.training.adversarial import Gan

if TYPE_CHECKING:
    import torch
    from torch import nn


class Tabulargan(Gan):
    """GAN of table rows scaled to [-1, 1], with the layers of a course report after Tanaka & Aranha, arXiv:1904.09135.

    Generator: dense 512, LeakyReLU, dropout 0.4, dense 256, LeakyReLU, dense d, tanh. Discriminator: dense 256,
    LeakyReLU, dropout 0.2, dense 512, LeakyReLU, dense 1, sigmoid. Columns of training rows that leave [-1, 1], which
    tanh cannot, are divided by their largest absolute value. The report gives neither optimiser nor epochs, batch
    or slope of the LeakyReLU: Adam, and the defaults below, are usual, except for `beta1`: with momentum (0.5, more so
    0.9) networks of small tables repeat themselves.
    """

    kind: Literal["tabulargan"] = "tabulargan"
    latent: int = Field(8, ge=1)
    """Dimension of the noise (the report: 8 for diabetes, 20 for German credit)."""
    slope: float = Field(0.2, ge=0, lt=1)
    """Slope of the LeakyReLU below zero."""
    epochs: int = Field(400, ge=1)
    """Passes over the training samples."""
    beta1: float = Field(0.0, ge=0, lt=1)
    """First moment's decay in Adam."""

    def train(
        self,
        samples: Samples | LazySamples,
        seed: int,
        device: str,
        checkpoint: Checkpoint | None = None,
        validation: Samples | LazySamples | None = None,
    ) -> Fitted:
        """Train both networks on rows x (n, d)."""
        rows = samples.take(slice(None))
        reach = np.maximum(np.abs(rows.x).max(axis=0), 1.0).astype(np.float32)
        fitted = super().train(replace(rows, x=rows.x / reach), seed, device, checkpoint, validation)
        return replace(fitted, weights={**fitted.weights, "reach": reach})

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Turn noise (n, latent) into rows (n, *shape)."""
        return np.asarray(super().generate(weights, noise, shape, device) * weights["reach"])

    def judge(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[np.float64]:
        """Return the probability (n,) with which the discriminator calls each of rows x (n, d) real."""
        return super().judge(weights, x / weights["reach"], device)

    def to_tensor(self, x: NDArray[Any]) -> torch.Tensor:
        """Return rows (n, d)."""
        import torch

        return torch.tensor(x.reshape(len(x), -1))  # a copy: tables are read-only

    def from_tensor(self, tensor: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return samples (n, *shape)."""
        return np.asarray(tensor.cpu().numpy(), dtype=np.float32).reshape(-1, *shape)

    def networks(self, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
        """Build generator (noise to row) and discriminator (row to logit: its sigmoid is in the loss)."""
        from torch import nn

        columns = int(np.prod(shape))
        generator = nn.Sequential(
            nn.Linear(self.latent, 512),
            nn.LeakyReLU(self.slope),
            nn.Dropout(0.4),
            nn.Linear(512, 256),
            nn.LeakyReLU(self.slope),
            nn.Linear(256, columns),
            nn.Tanh(),
        )
        discriminator = nn.Sequential(
            nn.Linear(columns, 256),
            nn.LeakyReLU(self.slope),
            nn.Dropout(0.2),
            nn.Linear(256, 512),
            nn.LeakyReLU(self.slope),
            nn.Linear(512, 1),
        )
        return generator, discriminator
