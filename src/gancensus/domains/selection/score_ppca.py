"""The log-likelihood of probabilistic principal components."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.errors import UserError
from gancensus.contracts.score import Score

FLAT = 1e-10  # share of the variance below which there is none but rounding


class Ppca(Score):
    """Log-likelihood, in nat, under probabilistic principal components (Tipping & Bishop 1999).

    That is a Gaussian whose covariance is that of the samples along the leading components, which hold a share of the
    variance, and the mean of the remaining variances in all other directions: DeVries et al., arXiv:2007.15255.
    """

    kind: Literal["ppca"] = "ppca"
    variance: float = Field(0.95, gt=0, lt=1)
    """Share of the variance that the components hold."""
    unit = "nat"

    def score(
        self,
        z: NDArray[np.float32],
        compatible: bool = False,
        among: NDArray[np.bool_] | None = None,
        *,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Return the log-likelihood (n,) of z (n, d).

        The implementation of the paper takes one component less than are needed.
        """
        from sklearn.decomposition import PCA  # slow to import

        x = z.astype(np.float64)
        fitted = x if among is None else x[among]
        n, d = fitted.shape
        if n < 3:
            raise UserError(f"{n} samples: too few for principal components; use `per_class: false`, or more samples")
        whole = PCA(svd_solver="full").fit(fitted)
        fewer = int(np.count_nonzero(np.cumsum(whole.explained_variance_ratio_) < self.variance))
        components = fewer if compatible else min(fewer + 1, d - 1, n - 2)
        rest = whole.explained_variance_[components:].sum()
        if not rest > FLAT * whole.explained_variance_.sum():
            raise UserError(
                f"all {n} samples lie in the space of {components} principal components, so that PPCA has no "
                "variance for the others; use score gaussian or knn, or an encoder without constant values"
            )
        found: NDArray[np.float64] = PCA(components, svd_solver="full").fit(fitted).score_samples(x)
        return found
