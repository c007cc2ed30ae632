"""Encoders: maps from samples to vectors in which distances mean more than between raw values."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gancensus.contracts.family import Member
from gancensus.contracts.fitting import Checkpoint, Fitted


class Encoder(Member):
    """An encoder is fitted on `train` and applied to every population."""

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Fit on x (n, *shape) float32; return the weights and the history of the losses.

        With a checkpoint, a fit that was stopped resumes where its state was saved, to the same bits.
        """
        raise NotImplementedError

    def apply(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[Any]:
        """Map x (n, *shape) float32 to vectors (n, d) float32."""
        raise NotImplementedError
