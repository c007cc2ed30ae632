"""The Gaussian log-likelihood."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.errors import UserError
from gancensus.contracts.score import Score

RIDGE = 1e-5  # what the implementation of the paper adds to the variances

Floats = NDArray[np.float64]


class Gaussian(Score):
    """Log-likelihood, in nat, under one Gaussian with the mean and full covariance of the samples.

    H(z) = -1/2 [ln|S| + (z - mu)^T S^-1 (z - mu) + d ln 2 pi]: DeVries et al., arXiv:2007.15255, equation 1. With
    fewer than about ten samples per dimension only the order of the values carries information, and with no more
    samples than dimensions not even that: every sample is as far from the mean. Then `shrinkage` is needed.
    """

    kind: Literal["gaussian"] = "gaussian"
    shrinkage: Literal["none", "ledoit_wolf", "oas"] = "none"
    """Of the covariance towards a multiple of the identity, by as much as the samples suggest: Ledoit & Wolf 2004, or
    OAS (Chen et al. 2010), which is for Gaussians."""
    ridge: float = Field(RIDGE, ge=0)
    """What is added to the variances."""
    unit = "nat"

    def score(
        self,
        z: NDArray[np.float32],
        compatible: bool = False,
        among: NDArray[np.bool_] | None = None,
        *,
        rng: np.random.Generator,
    ) -> Floats:
        """Return the log-likelihood (n,) of z (n, d)."""
        from scipy.linalg import solve_triangular  # slow to import

        x = z.astype(np.float64)
        fitted = x if among is None else x[among]
        n, d = fitted.shape
        if n <= d and self.shrinkage == "none" and not compatible:
            raise UserError(
                f"{n} samples in {d} dimensions: under their covariance all are as likely; use `shrinkage: oas`, an "
                "encoder of fewer dimensions, `per_class: false`, or more samples"
            )
        mean = fitted.mean(axis=0)
        centred = fitted - mean
        covariance = self._covariance(centred, "none" if compatible else self.shrinkage)
        covariance += (RIDGE if compatible else self.ridge) * np.eye(d)
        try:
            root = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            raise UserError(
                f"the covariance of {n} samples is singular, as of constant or proportional values; use a larger "
                "`ridge`, or `shrinkage: oas`"
            ) from None
        mahalanobis = np.square(solve_triangular(root, (x - mean).T, lower=True)).sum(axis=0)
        log_determinant = 2.0 * np.log(np.diag(root)).sum()
        likelihood: Floats = -0.5 * (log_determinant + mahalanobis + d * np.log(2 * np.pi))
        return likelihood

    def _covariance(self, centred: Floats, shrinkage: str) -> Floats:
        """Return the covariance (d, d) of samples without their mean."""
        from sklearn.covariance import ledoit_wolf, oas  # slow to import

        if shrinkage == "none":
            return np.asarray(centred.T @ centred / len(centred))
        shrunk = ledoit_wolf if shrinkage == "ledoit_wolf" else oas
        return np.asarray(shrunk(centred, assume_centered=True)[0])
