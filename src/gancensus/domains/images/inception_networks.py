"""Inception v3, in the two versions whose weights are published, with the names of layers that their files have.

Szegedy et al., arXiv:1512.00567, section 6 and table 1. The files name a convolution of a block by its branch
(`branch3x3dbl`: two of 3 x 3 in the place of one of 5 x 5) and its number in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

Pool = Callable[[torch.Tensor], torch.Tensor]


def averaged(x: torch.Tensor) -> torch.Tensor:
    """Average each pixel with its neighbours; those beyond the edge count as 0."""
    return functional.avg_pool2d(x, 3, stride=1, padding=1)


def averaged_inside(x: torch.Tensor) -> torch.Tensor:
    """Average each pixel with its neighbours; those beyond the edge do not count."""
    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def largest(x: torch.Tensor) -> torch.Tensor:
    """Take the largest of each pixel and its neighbours."""
    return functional.max_pool2d(x, 3, stride=1, padding=1)


def halved(x: torch.Tensor) -> torch.Tensor:
    """Take the largest of 3 x 3 pixels at every second one."""
    return functional.max_pool2d(x, 3, stride=2)


class Layer(NamedTuple):
    """A convolution of a branch: channels, kernel (height, width), stride."""

    channels: int
    kernel: int | tuple[int, int]
    stride: int = 1


class Branch(NamedTuple):
    """Convolutions one after the other, perhaps after pooling; of a fork, the last two lie side by side."""

    name: str
    layers: tuple[Layer, ...] = ()
    pool: Pool | None = None
    fork: bool = False

    def names(self) -> list[str]:
        """Return the names of the layers: that of the branch, numbered where there are several."""
        if len(self.layers) == 1:
            return [self.name]
        numbers = [str(k) for k in range(1, len(self.layers) + 1)]
        if self.fork:
            numbers[-2:] = [f"{numbers[-2]}a", f"{numbers[-2]}b"]
        return [f"{self.name}_{number}" for number in numbers]


class Convolution(nn.Sequential):
    """A convolution without bias, batch normalisation and ReLU; at stride 1 the image keeps its size."""

    def __init__(
        self, inputs: int, channels: int, kernel: int | tuple[int, int], stride: int = 1, padding: str | None = None
    ) -> None:
        padding = padding or ("same" if stride == 1 else "valid")
        conv = nn.Conv2d(inputs, channels, kernel, stride, padding, bias=False)
        bn = nn.BatchNorm2d(channels, eps=1e-3)
        super().__init__(OrderedDict(conv=conv, bn=bn, relu=nn.ReLU(inplace=True)))


class Block(nn.Module):
    """Branches side by side over one image; the channels of all of them, in their order, are the result."""

    def __init__(self, inputs: int, *branches: Branch) -> None:
        super().__init__()
        self.branches = branches
        for branch in branches:
            width = inputs
            for name, layer in zip(branch.names(), branch.layers, strict=True):
                self.add_module(name, Convolution(width, *layer))
                width = layer.channels  # both sides of a fork have as many as what is before it

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map x (n, inputs, H, W) to (n, channels, H', W')."""
        return torch.cat([y for branch in self.branches for y in self._through(branch, x)], dim=1)

    def _through(self, branch: Branch, x: torch.Tensor) -> list[torch.Tensor]:
        """Return what a branch makes of x, for a fork both results."""
        x = branch.pool(x) if branch.pool else x
        layers = [self.get_submodule(name) for name in branch.names()]
        for layer in layers[:-2] if branch.fork else layers:
            x = layer(x)
        return [layer(x) for layer in layers[-2:]] if branch.fork else [x]


def block_35(inputs: int, pooled: int, pool: Pool) -> Block:
    """Build a block of 35 x 35 pixels (figure 5 of the paper)."""
    return Block(
        inputs,
        Branch("branch1x1", (Layer(64, 1),)),
        Branch("branch5x5", (Layer(48, 1), Layer(64, 5))),
        Branch("branch3x3dbl", (Layer(64, 1), Layer(96, 3), Layer(96, 3))),
        Branch("branch_pool", (Layer(pooled, 1),), pool),
    )


def block_35_to_17(inputs: int) -> Block:
    """Build the block from 35 x 35 to 17 x 17 pixels (figure 10)."""
    return Block(
        inputs,
        Branch("branch3x3", (Layer(384, 3, 2),)),
        Branch("branch3x3dbl", (Layer(64, 1), Layer(96, 3), Layer(96, 3, 2))),
        Branch("branch_pool", pool=halved),
    )


def block_17(inputs: int, width: int, pool: Pool) -> Block:
    """Build a block of 17 x 17 pixels (figure 6), whose 7 x 7 kernels are factorised."""
    across, down = (1, 7), (7, 1)
    twice = (Layer(width, 1), Layer(width, down), Layer(width, across), Layer(width, down), Layer(192, across))
    return Block(
        inputs,
        Branch("branch1x1", (Layer(192, 1),)),
        Branch("branch7x7", (Layer(width, 1), Layer(width, across), Layer(192, down))),
        Branch("branch7x7dbl", twice),
        Branch("branch_pool", (Layer(192, 1),), pool),
    )


def block_17_to_8(inputs: int) -> Block:
    """Build the block from 17 x 17 to 8 x 8 pixels."""
    return Block(
        inputs,
        Branch("branch3x3", (Layer(192, 1), Layer(320, 3, 2))),
        Branch("branch7x7x3", (Layer(192, 1), Layer(192, (1, 7)), Layer(192, (7, 1)), Layer(192, 3, 2))),
        Branch("branch_pool", pool=halved),
    )


def block_8(inputs: int, pool: Pool) -> Block:
    """Build a block of 8 x 8 pixels (figure 7), two branches of which fork."""
    sides = (Layer(384, (1, 3)), Layer(384, (3, 1)))
    return Block(
        inputs,
        Branch("branch1x1", (Layer(320, 1),)),
        Branch("branch3x3", (Layer(384, 1), *sides), fork=True),
        Branch("branch3x3dbl", (Layer(448, 1), Layer(384, 3), *sides), fork=True),
        Branch("branch_pool", (Layer(192, 1),), pool),
    )


def inception(classes: int, pool: Pool, last: Pool) -> nn.Sequential:
    """Build the network: images (n, 3, 299, 299) to the logits (n, classes), by 2048 features before `fc`.

    pool: that of the blocks; last: that of the last one. The paper averages in all. The auxiliary classifier, which
    only training uses, is left out.
    """
    layers: dict[str, nn.Module] = {
        "Conv2d_1a_3x3": Convolution(3, 32, 3, stride=2),
        "Conv2d_2a_3x3": Convolution(32, 32, 3, padding="valid"),
        "Conv2d_2b_3x3": Convolution(32, 64, 3),
        "pool_147": nn.MaxPool2d(3, stride=2),
        "Conv2d_3b_1x1": Convolution(64, 80, 1),
        "Conv2d_4a_3x3": Convolution(80, 192, 3, padding="valid"),
        "pool_71": nn.MaxPool2d(3, stride=2),
        "Mixed_5b": block_35(192, 32, pool),
        "Mixed_5c": block_35(256, 64, pool),
        "Mixed_5d": block_35(288, 64, pool),
        "Mixed_6a": block_35_to_17(288),
        "Mixed_6b": block_17(768, 128, pool),
        "Mixed_6c": block_17(768, 160, pool),
        "Mixed_6d": block_17(768, 160, pool),
        "Mixed_6e": block_17(768, 192, pool),
        "Mixed_7a": block_17_to_8(768),
        "Mixed_7b": block_8(1280, pool),
        "Mixed_7c": block_8(2048, last),
        "pool_8": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
        "fc": nn.Linear(2048, classes),
    }
    return nn.Sequential(OrderedDict(layers))
