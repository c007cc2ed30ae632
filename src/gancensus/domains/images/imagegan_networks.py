"""The networks of a SAGAN: residual blocks, spectral normalisation, self-attention, and classes where there are any.

Zhang et al., arXiv:1805.08318, with the layers of ajbrock/BigGAN-PyTorch (BigGAN.py, layers.py), with which instance
selection was tried. Pixels are repeated and pooled by reshaping: not all of PyTorch's own layers for that have
deterministic gradients on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear, nn.Embedding)

LEAST = 8  # pixels: sides that are shorter are not halved again
MOST = 16  # times the width: channels of the smallest feature maps
PARAMETRISED = ".parametrizations.weight."


def halvings(height: int, width: int) -> int:
    """Return how often images are halved: once, and again while both sides are even and of LEAST pixels or more."""
    count = 1
    while min(height, width) >> count >= LEAST and (height >> count) % 2 == (width >> count) % 2 == 0:
        count += 1
    return count


def initialised(layer: Layer, spectral: bool) -> Layer:
    """Return a layer with the weights of Glorot & Bengio 2010, divided by its spectral norm where that is asked for.

    W / sigma(W), where one power iteration in each forward pass of the training keeps sigma: Miyato et al.,
    arXiv:1802.05957, algorithm 1.
    """
    nn.init.xavier_uniform_(layer.weight)
    if spectral:
        spectral_norm(layer)
    return layer


@torch.no_grad()
def applied(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the state of a network without spectral normalisation that computes what this one does in evaluation."""
    state: dict[str, torch.Tensor] = {}
    for name, value in network.state_dict().items():
        layer, normalised, which = name.partition(PARAMETRISED)
        if not normalised:
            state[name] = value
        elif which == "original":
            state[f"{layer}.weight"] = cast(torch.Tensor, network.get_submodule(layer).weight)
    return state


def doubled(x: torch.Tensor) -> torch.Tensor:
    """Repeat each pixel of images (n, c, h, w) in 2 x 2 pixels."""
    n, c, h, w = x.shape
    return x[:, :, :, None, :, None].expand(n, c, h, 2, w, 2).reshape(n, c, 2 * h, 2 * w)


def halved(x: torch.Tensor, largest: bool = False) -> torch.Tensor:
    """Take the mean, or the largest, of 2 x 2 pixels of images (n, c, h, w) with even sides."""
    n, c, h, w = x.shape
    squares = x.reshape(n, c, h // 2, 2, w // 2, 2)
    return squares.amax(dim=(3, 5)) if largest else squares.mean(dim=(3, 5))


class ClassNorm(nn.Module):
    """Batch normalisation with a gain and a shift for each class (Dumoulin et al., arXiv:1610.07629)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.shift = (initialised(nn.Embedding(classes, channels), spectral=False) for _ in range(2))

    def forward(self, x: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Normalise images (n, c, h, w) of classes (n,)."""
        gain, shift = (layer(classes)[:, :, None, None] for layer in (self.gain, self.shift))
        normal: torch.Tensor = self.normalise(x) * (1 + gain) + shift
        return normal


class Attention(nn.Module):
    """Self-attention: every pixel adds a mean over all, weighted by how well their keys fit its query.

    x_i + gamma o(sum_j softmax_j(q(x_i) . k(x_j)) v(x_j)), with gamma 0 at first; keys and values are the largest of
    2 x 2 pixels where the sides are even.
    """

    def __init__(self, channels: int, spectral: bool) -> None:
        super().__init__()
        few, half = max(1, channels // 8), max(1, channels // 2)

        def layer(inputs: int, outputs: int) -> nn.Conv2d:
            return initialised(nn.Conv2d(inputs, outputs, 1, bias=False), spectral)

        self.query, self.key, self.value = layer(channels, few), layer(channels, few), layer(channels, half)
        self.output = layer(half, channels)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend to all of each image (n, c, h, w)."""
        keys, values = self.key(x), self.value(x)
        if x.shape[2] % 2 == x.shape[3] % 2 == 0:
            keys, values = halved(keys, largest=True), halved(values, largest=True)
        weights = torch.softmax(self.query(x).flatten(2).transpose(1, 2) @ keys.flatten(2), dim=2)
        seen = (values.flatten(2) @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        attended: torch.Tensor = x + self.gamma * self.output(seen)
        return attended


class Up(nn.Module):
    """A residual block of the generator, which doubles the image."""

    def __init__(self, inputs: int, outputs: int, classes: int, spectral: bool) -> None:
        super().__init__()
        self.first, self.second = ClassNorm(inputs, classes), ClassNorm(outputs, classes)
        self.one = initialised(nn.Conv2d(inputs, outputs, 3, padding=1), spectral)
        self.two = initialised(nn.Conv2d(outputs, outputs, 3, padding=1), spectral)
        self.skip = initialised(nn.Conv2d(inputs, outputs, 1), spectral)

    def forward(self, x: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Turn (n, inputs, h, w) into (n, outputs, 2 h, 2 w)."""
        hidden = self.one(doubled(torch.relu(self.first(x, classes))))
        # a convolution of single pixels commutes with their repetition
        result: torch.Tensor = self.two(torch.relu(self.second(hidden, classes))) + doubled(self.skip(x))
        return result


class Down(nn.Module):
    """A residual block of the discriminator: the first one sees the pixels, and all but the last halve the image."""

    def __init__(self, inputs: int, outputs: int, first: bool = False, last: bool = False) -> None:
        super().__init__()
        self.before = nn.Identity() if first else nn.ReLU()
        self.one = initialised(nn.Conv2d(inputs, outputs, 3, padding=1), spectral=True)
        self.two = initialised(nn.Conv2d(outputs, outputs, 3, padding=1), spectral=True)
        same = last and inputs == outputs
        self.skip = nn.Identity() if same else initialised(nn.Conv2d(inputs, outputs, 1), spectral=True)
        self.reduce: Callable[[torch.Tensor], torch.Tensor] = nn.Identity() if last else halved

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (n, inputs, h, w) into (n, outputs, h / 2, w / 2), of the last block (n, outputs, h, w)."""
        hidden = self.two(torch.relu(self.one(self.before(x))))
        # a convolution of single pixels commutes with their mean
        result: torch.Tensor = self.reduce(hidden) + self.skip(self.reduce(x))
        return result


class Generator(nn.Module):
    """Noise (n, latent) and classes (n,) to images (n, channels, height, width) in [-1, 1].

    A dense layer, a residual block for every doubling, with attention where the shorter side is `attention`.
    """

    def __init__(
        self, shape: tuple[int, int, int], latent: int, width: int, classes: int, attention: int, spectral: bool = True
    ) -> None:
        super().__init__()
        height, breadth, channels = shape
        times = halvings(height, breadth)
        sizes = [width * min(MOST, 2 ** (times - k)) for k in range(times)]
        self.start = (sizes[0], height >> times, breadth >> times)
        self.dense = initialised(nn.Linear(latent, sizes[0] * self.start[1] * self.start[2]), spectral)
        self.blocks, self.attention = nn.ModuleList(), nn.ModuleList()
        for k, (inputs, outputs) in enumerate(zip([sizes[0], *sizes], sizes, strict=False)):
            self.blocks.append(Up(inputs, outputs, classes, spectral))
            attends = min(height, breadth) >> (times - 1 - k) == attention
            self.attention.append(Attention(outputs, spectral) if attends else nn.Identity())
        self.last = nn.BatchNorm2d(sizes[-1])
        self.image = initialised(nn.Conv2d(sizes[-1], channels, 3, padding=1), spectral)

    def forward(self, noise: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Make images."""
        x = self.dense(noise).unflatten(1, self.start)
        for block, attention in zip(self.blocks, self.attention, strict=True):
            x = attention(block(x, classes))
        return torch.tanh(self.image(torch.relu(self.last(x))))


class Discriminator(nn.Module):
    """Images (n, channels, height, width) and classes (n,) to logits (n,).

    A residual block for every halving, with attention where the shorter side is `attention`, and one more. Features are
    summed over the pixels; the logit is linear in them and, with two classes or more, has the product with a vector of
    the class besides: Miyato & Koyama, arXiv:1802.05637.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, classes: int, attention: int) -> None:
        super().__init__()
        height, breadth, channels = shape
        times = halvings(height, breadth)
        sizes = [channels, *(width * min(MOST, 2**k) for k in range(times + 1))]
        layers: list[nn.Module] = []
        for k in range(times):
            layers.append(Down(sizes[k], sizes[k + 1], first=k == 0))
            if min(height, breadth) >> (k + 1) == attention:
                layers.append(Attention(sizes[k + 1], spectral=True))
        self.features = nn.Sequential(*layers, Down(sizes[-2], sizes[-1], last=True), nn.ReLU())
        self.logit = initialised(nn.Linear(sizes[-1], 1), spectral=True)
        self.project = initialised(nn.Embedding(classes, sizes[-1]), spectral=True) if classes > 1 else None

    def forward(self, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Judge images as ones of their classes."""
        features = self.features(images).sum(dim=(2, 3))
        logit: torch.Tensor = self.logit(features)[:, 0]
        return logit if self.project is None else logit + (self.project(classes) * features).sum(dim=1)
