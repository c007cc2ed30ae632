"""No density at all: the control of a selection."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.score import Score


class Random(Score):
    """Random numbers: as many samples as another score keeps, whatever they are.

    The control of the others: without it, what a selection changes is confounded with training on fewer samples.
    """

    kind: Literal["random"] = "random"
    unit = "1"
    fitted = False

    def score(
        self,
        z: NDArray[np.float32],
        compatible: bool = False,
        among: NDArray[np.bool_] | None = None,
        *,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Return uniform numbers (n,)."""
        return rng.random(len(z))
