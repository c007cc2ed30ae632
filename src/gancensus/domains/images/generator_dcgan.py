"""A convolutional GAN of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.training.adversarial import Gan
from gancensus.training.networks.images import channels_first, channels_last, image_shape

if TYPE_CHECKING:
    import torch
    from torch import nn


class Dcgan(Gan):
    """Deep convolutional GAN of images (H, W) or (H, W, C), H and W multiples of 4.

    Radford, Metz & Chintala, arXiv:1511.06434: transposed convolutions against strided ones, batch normalisation in
    both networks except in the generator's last and the discriminator's first layer. Without it in the discriminator
    the generator collapses. Two blocks that each double the image (theirs are four, for 64 pixels).
    """

    kind: Literal["dcgan"] = "dcgan"
    latent: int = Field(32, ge=1)
    """Dimension of the noise."""
    width: int = Field(24, ge=1)
    """Channels at full resolution; twice as many at half of it, four times at a quarter."""
    epochs: int = Field(120, ge=1)
    """Passes over the training samples."""
    learning_rate: float = Field(4e-4, gt=0)
    """Step size of Adam."""

    def to_tensor(self, x: NDArray[Any]) -> torch.Tensor:
        """Return images (n, C, H, W)."""
        return channels_first(x)

    def from_tensor(self, tensor: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return samples (n, H, W) or (n, H, W, C)."""
        return channels_last(tensor, shape)

    def networks(self, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
        """Build generator (noise to image) and discriminator (image to logit)."""
        from torch import nn

        height, width, channels = image_shape(shape, "generator dcgan", multiple=4)
        w, h4, w4 = self.width, height // 4, width // 4
        generator = nn.Sequential(
            nn.Linear(self.latent, 4 * w * h4 * w4, bias=False),
            nn.Unflatten(1, (4 * w, h4, w4)),
            nn.BatchNorm2d(4 * w),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * w, 2 * w, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * w),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(w),
            nn.ReLU(),
            nn.Conv2d(w, channels, 3, padding=1),
            nn.Tanh(),
        )
        discriminator = nn.Sequential(
            nn.Conv2d(channels, w, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(w, 2 * w, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * w),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * w, 4 * w, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(4 * w),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(4 * w * h4 * w4, 1),
        )
        return generator, discriminator
