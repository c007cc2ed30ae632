"""Encoders: maps from samples to vectors in which distances mean more than between raw values."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.family import Member
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.generator import Generator
from gancensus.contracts.samples import Samples, by_block


class Encoder(Member):
    """An encoder is fitted on `train` and applied to every population."""

    fitted: ClassVar[bool] = True
    """Whether it learns from `train`, so that vectors of these are no longer exchangeable with those of `holdout`."""
    restores: ClassVar[bool] = False
    """Whether it has a decoder, and layers that can be asked."""
    trained_by: ClassVar[Literal["mse", "emd"] | None] = None
    """How its training compares a sample with its reconstruction, if it `restores`: mse, squared differences of values;
    emd, optimal transport."""
    by_row: ClassVar[bool] = False
    """Whether vectors are rows of the user's files, one for each sample, so that `check_rows` must compare them."""

    @property
    def dimension(self) -> int | None:
        """Number of values in a vector; None where that is not known before the run."""
        return None

    @property
    def class_learned(self) -> int | None:
        """The class of the training samples that it is fitted on; None: all of them."""
        return None

    def concerning(self, generator: str | None) -> Self:
        """Return what of the encoder matters for samples of a generator; None: for real samples, and for the fit."""
        return self

    def refuses(self, generators: Mapping[str, Generator]) -> Iterable[str]:
        """Return why it cannot embed samples of a study's generators: lines that begin with the encoder's key."""
        return ()

    def check_input(self, x: NDArray[Any]) -> None:
        """Raise UserError where the user's files cannot embed samples x (n, *shape), without fitting anything."""

    def check_rows(self, sample_id: NDArray[np.int64], generator: str | None = None) -> None:
        """Raise UserError unless there is one good vector for each of the samples that a source or generator has.

        sample_id (n,): of all samples of the generator, or, for None, of the source.
        """

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Fit on x (n, *shape) float32; return the weights and the history of the losses.

        With a checkpoint, a fit that was stopped resumes where its state was saved, to the same bits.
        """
        raise NotImplementedError

    def apply(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[Any]:
        """Map x (n, *shape) float32 to vectors (n, d) float32."""
        raise NotImplementedError

    def embed(
        self, weights: Mapping[str, NDArray[Any]], samples: Samples, generator: str | None, device: str
    ) -> NDArray[Any]:
        """Return the vectors (n, d) float32 of samples of a generator, or, for None, of real ones.

        They are those of `apply`, block by block, so that the parts change no value. Where there is more to a vector
        than the values of its sample, this is what a member defines.
        """
        return by_block(lambda x: self.apply(weights, x, device), samples.x)

    def layers(
        self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str
    ) -> dict[str, NDArray[np.float32]]:
        """Return the activations (n, *shape) of every layer by name, in order, for x (n, *shape), if it `restores`.

        Those of blocks are after their activation function; `latent` is what `apply` returns.
        """
        raise NotImplementedError

    def restore(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[np.float32]:
        """Return the reconstructions (n, *shape) of x, if it `restores`."""
        raise NotImplementedError

    def losses_of(
        self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str
    ) -> dict[str, NDArray[np.float64]]:
        """Return the losses (n,) of each of x (n, *shape), if it `restores`: `loss`, and the terms that it consists of.

        Nothing is drawn: the latent vector is the one that `apply` returns.
        """
        raise NotImplementedError


class FittedEncoder(NamedTuple):
    """An encoder with the weights that it has learned, and the device that its networks run on."""

    encoder: Encoder
    weights: Mapping[str, NDArray[Any]]
    device: str = "cpu"
