"""Ensembles: R networks of the same layers that are trained at once, each on its own data with its own random numbers.

A layer of all members is one batched product of matrices. The members share nothing: the loss is the sum of theirs, and
Adam works element by element, so that each is what it would be if trained alone, up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

GAIN = 1.5  # variance of the initial weights, times the inputs: between that for tanh (1) and that for ReLU (2)


class RandomStreams:
    """The random numbers of R members: a generator for each, on the CPU, so that they are the same on every device."""

    def __init__(self, seeds: Iterable[int]) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def normal(self, *shape: int) -> torch.Tensor:
        """Draw standard Gaussian numbers (R, *shape) float32."""
        numbers = torch.empty(len(self._generators), *shape)
        for own, generator in zip(numbers, self._generators, strict=True):
            own.normal_(generator=generator)
        return numbers

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the generators: uint8 (R, bytes)."""
        return {"states": torch.stack([generator.get_state() for generator in self._generators])}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the states of the generators; raises RuntimeError or ValueError when they do not fit."""
        for generator, state in zip(self._generators, state_dict["states"], strict=True):
            generator.set_state(state.clone())  # a view that does not begin its storage crashes PyTorch 2.13


class Clock(nn.Module):
    """Counts the steps of a training, as a part of its state."""

    steps: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))


class Dense(nn.Module):
    """A dense layer of R members: x (R, n, inputs) to (R, n, outputs)."""

    def __init__(self, inputs: int, outputs: int, streams: RandomStreams) -> None:
        super().__init__()
        self.weight = nn.Parameter(streams.normal(inputs, outputs) * math.sqrt(GAIN / inputs))
        self.bias = nn.Parameter(torch.zeros(len(self.weight), 1, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply, and add the bias."""
        return torch.baddbmm(self.bias, x, self.weight)


def generator(latent: int, width: int, depth: int, outputs: int, streams: RandomStreams) -> nn.Sequential:
    """Build the generators: noise (R, n, latent) to points (R, n, outputs), with LeakyReLU between dense layers."""
    layers: list[nn.Module] = []
    for inputs in [latent, *(depth - 1) * [width]]:
        layers += [Dense(inputs, width, streams), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers, Dense(width, outputs, streams))


class Discriminator(nn.Module):
    """Discriminators: batches of points (R, batches, n, d) to logits (R, batches, n), each depending on its batch.

    Dense layers and tanh make features of each point. The next layer takes these together with their mean over the
    batch (a layer of both is the sum of one of each). They are smooth, because the penalty needs second derivatives.
    """

    def __init__(self, inputs: int, width: int, depth: int, streams: RandomStreams) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for entering in [inputs, *(depth - 1) * [width]]:
            layers += [Dense(entering, width, streams), nn.Tanh()]
        self.features = nn.Sequential(*layers)
        self.own, self.batch = Dense(width, width, streams), Dense(width, width, streams)
        self.logit = nn.Parameter(streams.normal(1, width) * math.sqrt(GAIN / width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Judge the points."""
        batches, n = x.shape[1:3]
        features = self.features(x.flatten(1, 2))
        means = self.batch(features.unflatten(1, (batches, n)).sum(dim=2) / n)
        hidden = self.own(features).unflatten(1, (batches, n)) + means[:, :, None]
        # A product with one column is slower than this sum.
        logits: torch.Tensor = (hidden.tanh() * self.logit[:, None]).sum(dim=3)
        return logits
