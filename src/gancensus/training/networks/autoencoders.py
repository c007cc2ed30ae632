"""Convolutional autoencoders of images: what the variational one and the plain one share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.device import choose_device
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.training.loop import deterministic, iterate, load_weights, weights_of
from gancensus.training.networks.images import channels_first, image_shape
from gancensus.training.resume import Stateful

if TYPE_CHECKING:
    import torch
    from torch import nn


class ConvolutionalAutoencoder(Encoder):
    """An encoder and a decoder of two blocks, each of which halves or doubles the image; trained by Adam."""

    outputs: ClassVar[int] = 1
    """Numbers that the encoder network gives for each latent dimension; a sample's vector is the first of each."""

    latent: int = Field(16, ge=1)
    """Dimension of the latent space."""
    width: int = Field(16, ge=1)
    """Channels after the first block; the second has twice as many."""
    epochs: int = Field(60, ge=1)
    """Passes over the training samples."""
    batch: int = Field(64, ge=1)
    """Samples per step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Step size of Adam."""

    @property
    def dimension(self) -> int:
        """Number of values in a vector."""
        return self.latent

    def check_input(self, x: NDArray[Any]) -> None:
        """Raise UserError when x are no images (n, H, W) or (n, H, W, C), H and W multiples of 4."""
        image_shape(x.shape[1:], f"encoder {self.kind}", multiple=4)

    def losses(
        self, encoder: nn.Module, decoder: nn.Module, batch: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return what is minimised for a batch (n, C, H, W), and the losses that the history keeps; all scalars."""
        raise NotImplementedError

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Fit on images x (n, H, W) or (n, H, W, C), H and W multiples of 4.

        Raises UserError when the samples are no such images.
        """
        import torch

        with deterministic(seed):
            place = choose_device(device)
            images = channels_first(x).to(place)
            encoder, decoder = (net.to(place) for net in self._networks(x.shape[1:]))
            optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=self.learning_rate)
            parts: dict[str, Stateful] = {"encoder": encoder, "decoder": decoder, "adam": optimiser}

            def step(batch: torch.Tensor) -> dict[str, float]:
                minimised, kept = self.losses(encoder, decoder, batch)
                optimiser.zero_grad()
                minimised.backward()
                optimiser.step()
                return {name: loss.item() for name, loss in kept.items()}

            history = iterate(images, step, self.epochs, self.batch, parts, checkpoint)
            return Fitted(weights_of(encoder=encoder, decoder=decoder), history)

    def apply(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[Any]:
        """Return the latent vectors (n, latent) float32."""
        import torch

        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            encoder = load_weights(self._networks(x.shape[1:])[0], "encoder", weights).to(place)
            z = encoder(channels_first(x).to(place))[:, : self.latent]
            return np.ascontiguousarray(z.cpu().numpy())

    def _networks(self, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
        """Build encoder (image to outputs * latent numbers) and decoder (latent vector to image)."""
        from torch import nn

        height, width, channels = image_shape(shape, f"encoder {self.kind}", multiple=4)
        w, flat = self.width, 2 * self.width * (height // 4) * (width // 4)
        encoder = nn.Sequential(
            nn.Conv2d(channels, w, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Conv2d(w, 2 * w, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Flatten(),
            nn.Linear(flat, self.outputs * self.latent),
        )
        decoder = nn.Sequential(
            nn.Linear(self.latent, flat),
            nn.ELU(),
            nn.Unflatten(1, (2 * w, height // 4, width // 4)),
            nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1),
            nn.ELU(),
            nn.ConvTranspose2d(w, channels, 4, stride=2, padding=1),
        )
        return encoder, decoder


def reconstruction_error(batch: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Return the mean over the batch of sum_pixels (x - x')^2, a scalar."""
    return (found - batch).square().flatten(1).sum(1).mean()
