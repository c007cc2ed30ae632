"""The distance to a near neighbour."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.errors import UserError
from gancensus.contracts.score import Score


class Knn(Score):
    """The negative Euclidean distance to the k-th nearest other sample: DeVries et al., arXiv:2007.15255."""

    kind: Literal["knn"] = "knn"
    neighbours: int = Field(5, ge=1)
    """k."""
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
        """Return the score (n,) of z (n, d)."""
        from gancensus.search.neighbours import nearest, square_radii  # slow to import

        among = np.ones(len(z), dtype=bool) if among is None else among
        if among.sum() <= self.neighbours:
            raise UserError(
                f"{among.sum()} samples: too few for {self.neighbours} neighbours; lower `neighbours`, use `per_class: "
                "false`, or more samples"
            )
        found = np.empty(len(z))
        found[among] = np.sqrt(square_radii(z[among].astype(np.float64), self.neighbours))
        if not among.all():
            found[~among] = nearest(z[~among], z[among], self.neighbours).distance[:, -1]
        return -found
