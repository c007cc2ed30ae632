"""A convolutional variational autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

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
    from torch import nn


class Vae(Encoder):
    """Convolutional variational autoencoder of images; a sample's vector is the mean of its latent Gaussian.

    Loss (1 - beta) sum_pixels (x - x')^2 + beta KL(q(z|x) || N(0, 1)): Kingma & Welling, arXiv:1312.6114; Higgins et
    al., ICLR 2017 (beta), in the weighting of Fraser et al., arXiv:2110.06948. Two blocks that each halve the image.
    """

    kind: Literal["vae"] = "vae"
    latent: int = Field(16, ge=1)
    """Dimension of the latent space."""
    beta: float = Field(0.2, ge=0, lt=1)
    """Weight of the Kullback-Leibler term; that of the reconstruction is 1 - beta."""
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
        """The dimension of the latent space."""
        return self.latent

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Fit on images x (n, H, W) or (n, H, W, C), H and W multiples of 4; history: reconstruction, divergence."""
        import torch

        with deterministic(seed):
            place = choose_device(device)
            images = channels_first(x).to(place)
            encoder, decoder = (net.to(place) for net in self._networks(x.shape[1:]))
            optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=self.learning_rate)
            parts: dict[str, Stateful] = {"encoder": encoder, "decoder": decoder, "adam": optimiser}

            def step(batch: torch.Tensor) -> dict[str, float]:
                mean, log_variance = encoder(batch).chunk(2, dim=1)
                z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
                reconstruction = (decoder(z) - batch).square().flatten(1).sum(1).mean()
                divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
                optimiser.zero_grad()
                ((1 - self.beta) * reconstruction + self.beta * divergence).backward()
                optimiser.step()
                return {"reconstruction": reconstruction.item(), "divergence": divergence.item()}

            history = iterate(images, step, self.epochs, self.batch, parts, checkpoint)
            return Fitted(weights_of(encoder=encoder, decoder=decoder), history)

    def apply(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[Any]:
        """Return the latent means (n, latent) float32."""
        import torch

        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            encoder = load_weights(self._networks(x.shape[1:])[0], "encoder", weights).to(place)
            mean = encoder(channels_first(x).to(place))[:, : self.latent]
            return np.ascontiguousarray(mean.cpu().numpy())

    def _networks(self, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
        """Build encoder (image to mean and log variance) and decoder (latent vector to image)."""
        from torch import nn

        height, width, channels = image_shape(shape, "encoder vae")
        w, flat = self.width, 2 * self.width * (height // 4) * (width // 4)
        encoder = nn.Sequential(
            nn.Conv2d(channels, w, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Conv2d(w, 2 * w, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Flatten(),
            nn.Linear(flat, 2 * self.latent),
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
