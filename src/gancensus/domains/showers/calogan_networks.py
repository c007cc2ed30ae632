"""The networks of 3DGAN, on the full grid of cells or a coarser one, and their initial weights.

Khattak et al., EPJC 82 (2022) 386; svalleco/3Dgan, keras/AngleArch3dGAN.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, cast

from gancensus.contracts.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import nn


class Layer(NamedTuple):
    """A convolution of the original, and by how many cells it changes the image along x, y, z, with its padding."""

    channels: int
    kernel: tuple[int, ...]
    change: tuple[int, ...]
    normalised: bool = True

    def coarse(self, factor: int) -> tuple[tuple[int, int, int], tuple[int, ...]]:
        """Return kernel and padding (both sides together) on a grid that is coarser by a factor.

        The padding is such that the image changes in proportion, or the least that the kernel allows. A kernel spans at
        least two cells: one cell would not see its neighbours.
        """
        x, y, z = (max(2, round(size / factor)) for size in self.kernel)
        changes = zip((x, y, z), self.change, strict=True)
        return (x, y, z), tuple(max(0, size - 1 + round(change / factor)) for size, change in changes)


SEED, UP = 8, 6  # channels of the image that the dense layer makes, and how many times larger it becomes
GENERATOR = (
    Layer(8, (6, 6, 8), (-5, -5, -7)),
    *3 * [Layer(6, (4, 4, 6), (1, 1, -3))],
    Layer(6, (3, 3, 5), (0, 0, -4)),
    Layer(6, (3, 3, 3), (0, 0, -2), normalised=False),
    Layer(1, (2, 2, 2), (-1, -1, -1), normalised=False),
)
DISCRIMINATOR = (
    Layer(16, (5, 6, 6), (0, 0, 0), normalised=False),
    *2 * [Layer(8, (5, 6, 6), (-4, -5, -3))],
    Layer(8, (5, 6, 6), (-4, -5, -5)),
)


def generator(shape: tuple[int, ...], latent: int, coarsen: int) -> nn.Sequential:
    """Build the generator, (n, latent) to images (n, 1, *shape): a dense layer, an enlargement and convolutions.

    What exceeds the shape is cut off.
    """
    from torch import nn

    up = max(1, round(UP / coarsen))
    needed = [size + less for size, less in zip(shape, _lost(GENERATOR, coarsen), strict=True)]
    start = [-(-size // up) for size in needed]
    cut = tuple(size - up * first for size, first in zip(needed, start, strict=True))
    layers: list[nn.Module] = [nn.Linear(latent, SEED * math.prod(start)), nn.Unflatten(1, (SEED, *start))]
    layers += [nn.Upsample(scale_factor=up)]
    channels = SEED
    for layer in GENERATOR:
        kernel, padding = layer.coarse(coarsen)
        layers += [*_pad(padding), nn.Conv3d(channels, layer.channels, kernel), nn.ReLU()]
        layers += [_normalisation(layer.channels)] if layer.normalised else []
        channels = layer.channels
    return nn.Sequential(*layers, *_pad(cut))


def discriminator(shape: tuple[int, ...], coarsen: int) -> nn.Sequential:
    """Build the discriminator, images to (n, 2): the convolutions, and the two dense heads as one layer.

    Raises UserError where the shape is too small for the kernels.
    """
    from torch import nn

    left = [size - less for size, less in zip(shape, _lost(DISCRIMINATOR, coarsen), strict=True)]
    if min(left) < 2:
        least = " x ".join(str(less + 2) for less in _lost(DISCRIMINATOR, coarsen))
        raise UserError(
            f"generator calogan: samples have shape {shape}, but the kernels with `coarsen` {coarsen} need "
            f"{least} cells or more; raise `coarsen`"
        )
    layers: list[nn.Module] = []
    channels = 1
    for layer in DISCRIMINATOR:
        kernel, padding = layer.coarse(coarsen)
        layers += [*_pad(padding), nn.Conv3d(channels, layer.channels, kernel), nn.LeakyReLU(0.3)]
        layers += [*([_normalisation(layer.channels)] if layer.normalised else []), nn.Dropout(0.2)]
        channels = layer.channels
    features = channels * math.prod(size // 2 for size in left)
    return nn.Sequential(*layers, _pooling(), nn.Flatten(), nn.Linear(features, 2))


def _lost(layers: tuple[Layer, ...], coarsen: int) -> list[int]:
    """Return how many cells an image loses along x, y, z in some layers."""
    coarse = [layer.coarse(coarsen) for layer in layers]
    return [sum(kernel[axis] - 1 - padding[axis] for kernel, padding in coarse) for axis in range(3)]


def initialise(generator: nn.Module, discriminator: nn.Module) -> None:
    """Draw weights as Keras does for the original: Glorot and He; VarianceScaling in the discriminator; no biases."""
    from torch import nn

    def layers(network: nn.Module) -> list[nn.Linear | nn.Conv3d]:
        return [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv3d)]

    def normal(weight: torch.Tensor, fan: float) -> None:
        """Draw a normal distribution of variance 1 / fan, truncated at two standard deviations of the whole one."""
        deviation = math.sqrt(1 / fan) / 0.87962566103423978
        nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)

    for layer in layers(generator) + layers(discriminator):
        nn.init.zeros_(cast("torch.Tensor", layer.bias))
    dense, *convolutions, last = layers(generator)
    nn.init.xavier_uniform_(dense.weight)
    for layer in convolutions:
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    normal(last.weight, (last.weight[0].numel() + last.weight[:, 0].numel()) / 2)
    for layer in layers(discriminator):
        normal(layer.weight, layer.weight[0].numel())


def _normalisation(channels: int) -> nn.Module:
    """Return a batch normalisation with the running averages of Keras, whose momentum of 0.99 is 0.01 here."""
    from torch import nn

    return nn.BatchNorm3d(channels, eps=1e-6, momentum=0.01)


def _pad(cells: tuple[int, ...]) -> list[nn.Module]:
    """Return the layer that adds empty cells along x, y, z, the odd one at the far side; negative: cuts off."""
    from torch import nn

    (x, near_x), (y, near_y), (z, near_z) = ((both, both // 2) for both in cells)
    ends = (near_z, z - near_z, near_y, y - near_y, near_x, x - near_x)
    return [nn.ConstantPad3d(ends, 0.0)] if any(cells) else []


def _pooling() -> nn.Module:
    """Average over cubes of 2 x 2 x 2 cells; an odd last one is left out. AvgPool3d is not deterministic on a GPU."""
    from torch import nn

    class Pooling(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            for axis in (2, 3, 4):
                half = image.shape[axis] // 2
                image = image.narrow(axis, 0, 2 * half).unflatten(axis, (half, 2)).mean(dim=axis + 1)
            return image

    return Pooling()
