"""Generators: what learns from the training samples and draws new ones, or hands over the user's own."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.family import Member, SelectionName
from gancensus.resume import Keeper
from gancensus.training import Fitted


class Generator(Member):
    """Whatever makes samples: a population per replica."""

    trained: ClassVar[bool]


class Trained(Generator):
    """A generator that is trained here, several times with different seeds."""

    trained = True
    replicas: int = Field(2, ge=1, le=1000)
    """Number of trainings, each with its own seed and its own population."""
    samples: int = Field(4000, ge=2, lt=10**9)
    """Samples drawn from each replica."""
    train_on: SelectionName | None = None
    """The selection to train on; without one, all of `train`."""

    def train(self, x: NDArray[Any], seed: int, device: str, keeper: Keeper | None = None) -> Fitted:
        """Train on x (n, *shape) float32 in [-1, 1]; return the weights and the history of the losses.

        With a keeper, a training that was stopped goes on where its state was saved, to the same bits.
        """
        raise NotImplementedError

    def noise(self, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw the input (samples, latent) of the generator network."""
        raise NotImplementedError

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Turn noise (n, latent) into samples (n, *shape) in [-1, 1]."""
        raise NotImplementedError
