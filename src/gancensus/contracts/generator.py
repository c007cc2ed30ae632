"""Generators: what learns from the training samples and draws new ones, or reads the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from gancensus.contracts.family import Member, SelectionName
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.samples import LazySamples, Samples, Scale
from gancensus.contracts.titles import check_title


class Generator(Member):
    """What makes samples: a population per replica."""

    trained: ClassVar[bool]
    outside_training: ClassVar[frozenset[str]] = frozenset({"title"})
    discriminates: ClassVar[bool] = False
    """Whether its models have a discriminator that can be asked of single samples."""

    title: Annotated[str, AfterValidator(check_title)] | None = None
    """What it is called in tables and figures: any text; its key otherwise."""

    @property
    def selection(self) -> str | None:
        """The selection that it learns from; None: it learns from all of `train`, or elsewhere."""
        return None

    @property
    def of_each_repetition(self) -> int | None:
        """How many training samples of each repetition it learns from, each by itself; None: from all together."""
        return None

    @property
    def latent_kept(self) -> float:
        """The share of the distribution of a latent number from which it is drawn: below 1 where that is truncated."""
        return 1.0

    @property
    def reading(self) -> Mapping[str, str] | None:
        """How image files are read, as keys and values that both sides of a study need; None where none are."""
        return None

    def judge(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[np.float64]:
        """Return the probability (n,) with which the discriminator calls each of samples x (n, *shape) real."""
        raise NotImplementedError


class UserProvided(Generator):
    """Samples that a model elsewhere has made: the population NAME-0."""

    trained = False
    path: Path
    """File or folder, relative to the working directory."""
    same_units: bool = False
    """Says that the samples are in the units of the real ones, where their values look as if they were not."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def look(self, like: Scale | None = None) -> LazySamples:
        """Look at the samples, in natural units unless they are `scaled`; like: the scale of the study's real samples.

        Raises UserError when they cannot be found or read.
        """
        raise NotImplementedError

    @property
    def scaled(self) -> bool:
        """Whether the samples lie in [-1, 1] already."""
        return False


class Trained(Generator):
    """A generator that is trained here, several times with different seeds."""

    trained = True
    outside_training: ClassVar[frozenset[str]] = Generator.outside_training | {"replicas", "samples", "train_on"}
    conditional: ClassVar[bool] = False
    """Whether samples are drawn under the conditions of held-out real samples, and have them."""
    once: ClassVar[bool] = False
    """Whether under each of them at most one: two with equal conditions are more alike than any two real ones."""

    replicas: int = Field(2, ge=1, le=1000)
    """Number of trainings, each with its own seed and its own population."""
    samples: int = Field(4000, ge=2, lt=10**9)
    """Samples drawn from each replica."""
    train_on: SelectionName | None = None
    """The selection to train on; without one, all of `train`."""

    @property
    def selection(self) -> str | None:
        """The selection, if any."""
        return self.train_on

    @property
    def validated(self) -> bool:
        """Whether its training looks at the samples of `calibrate` to choose among models."""
        return False

    def train(
        self,
        samples: Samples | LazySamples,
        seed: int,
        device: str,
        checkpoint: Checkpoint | None = None,
        validation: Samples | LazySamples | None = None,
    ) -> Fitted:
        """Train on samples x (n, *shape); return the weights and the history of the losses.

        Lazy samples may be taken some at a time, or all at once by `take(slice(None))`.

        With a checkpoint, a training that was stopped resumes where its state was saved, to the same bits. Samples for
        validation are given where it is `validated`.
        """
        raise NotImplementedError

    def noise(
        self, samples: int, conditions: Mapping[str, NDArray[Any]], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draw the input (samples, latent) of the generator network; conditions (samples,) by name, if conditional."""
        raise NotImplementedError

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Turn noise (n, latent) into samples (n, *shape) in [-1, 1]."""
        raise NotImplementedError

    def labels(self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32]) -> NDArray[np.int32] | None:
        """Return the class (n,) of the sample that each noise (n, latent) becomes; None where samples have none."""
        return None
