"""Generators with a Gaussian latent, which can be truncated."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.generator import Trained


class GaussianLatent(Trained):
    """Draws standard Gaussian noise, of which components beyond a limit can be drawn again.

    The truncation trick of Brock et al., arXiv:1809.11096, section 3.1: better samples, and fewer different ones. It is
    what instance selection sets itself against.
    """

    outside_training: ClassVar[frozenset[str]] = Trained.outside_training | {"truncation"}

    truncation: float | None = Field(None, ge=0.01)
    """Largest size of a component of the noise: larger ones are drawn again. Another value does not train again."""

    @property
    def latent_kept(self) -> float:
        """The share of standard Gaussian numbers within the truncation."""
        return 1.0 if self.truncation is None else math.erf(self.truncation / math.sqrt(2))

    def truncate(self, noise: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw components of Gaussian noise (n, d) again, in place, until none is beyond the truncation."""
        while self.truncation is not None and (far := np.abs(noise) > self.truncation).any():
            noise[far] = rng.standard_normal(np.count_nonzero(far), dtype=np.float32)
        return noise
