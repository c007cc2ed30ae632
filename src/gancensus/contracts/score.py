"""Scores: how dense the neighbourhood of a training sample is; the sparsest samples are left out of a selection."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.family import Member


class Score(Member):
    """A score of embedded samples: higher is denser."""

    unit: ClassVar[str]
    fitted: ClassVar[bool] = True
    """Whether a distribution is fitted, which takes about ten samples per dimension."""

    def score(
        self,
        z: NDArray[np.float32],
        compatible: bool = False,
        among: NDArray[np.bool_] | None = None,
        *,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Return the score (n,) of each of the vectors z (n, d).

        Raises UserError, unless `compatible`, where there are too few samples.

        Args:
            z: vectors of the samples.
            compatible: as the implementation of the paper computes it, whatever that is.
            among: those (n,) in whose midst density is measured; None: all of them.
            rng: for scores that are random.
        """
        raise NotImplementedError
