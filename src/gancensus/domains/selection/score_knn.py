"""The distance to a near neighbour."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.errors import UserError
from gancensus.contracts.score import Score
from gancensus.search.neighbours import square_radii


class Knn(Score):
    """The negative Euclidean distance to the k-th nearest other sample: DeVries et al., arXiv:2007.15255."""

    kind: Literal["knn"] = "knn"
    neighbours: int = Field(5, ge=1)
    """k."""
    unit = "1"

    def score(self, z: NDArray[np.float32], compatible: bool = False) -> NDArray[np.float64]:
        """Return the score (n,) of z (n, d)."""
        if len(z) <= self.neighbours:
            raise UserError(
                f"{len(z)} samples: too few for {self.neighbours} neighbours; lower `neighbours`, use `per_class: "
                "false`, or more samples"
            )
        found: NDArray[np.float64] = -np.sqrt(square_radii(z.astype(np.float64), self.neighbours))
        return found
