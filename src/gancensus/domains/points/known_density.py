"""Sources that draw from a distribution that is known exactly, for many independent experiments at once."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from gancensus.contracts.density import Density
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import ROWS_PER_POPULATION, Samples, Scale
from gancensus.contracts.source import Source
from gancensus.domains.points.repetitions import REPETITION

END = 16.0  # of the scale; a power of two, so that no bit is lost, and no sample ever gets there


class KnownDensity(Source):
    """Points of a known distribution, divided among independent experiments: the condition `repetition`."""

    samples: int = Field(ge=1, le=ROWS_PER_POPULATION)
    """Number of points, of all repetitions together."""
    repetitions: int = Field(20, ge=1, le=1 << 24)
    """Number of independent experiments; a generator that learns repetitions separately is trained once for each."""

    @property
    def truth(self) -> Density:
        """The distribution."""
        raise NotImplementedError

    def load(self, seed: int) -> Samples:
        """Return x (samples, dimension), natural values over 16, and the repetition of each row: row % repetitions.

        The first points do not depend on how many there are.
        """
        d = self.truth.dimension
        scale = Scale(tuple(f"x{i}" for i in range(d)), ("1",) * d, (-END,) * d, (END,) * d)
        x = scale.encode(self.truth.draw(self.samples, derive_rng(seed, self.kind)))
        rows = np.arange(self.samples, dtype=np.int64)
        repetition = (rows % self.repetitions).astype(np.float32)
        return Samples(x, rows, scale=scale, conditions={REPETITION: repetition}, units={REPETITION: "1"})
