"""Scores: how dense the neighbourhood of a training sample is; the sparsest samples are left out of a selection."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.family import Member


class Score(Member):
    """A score of embedded samples: higher is denser."""

    unit: ClassVar[str]

    def score(self, z: NDArray[np.float32], compatible: bool = False) -> NDArray[np.float64]:
        """Return the score (n,) of each of the vectors z (n, d) among them.

        compatible: as the implementation of the paper computes it, whatever that is. Raises UserError, otherwise, where
        there are too few samples.
        """
        raise NotImplementedError
