"""The Gaussian log-likelihood."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.score import Score

RIDGE = 1e-5  # added to the variances, as the reference implementation does: the covariance of few samples is singular


class Gaussian(Score):
    """Log-likelihood, in nat, under one Gaussian with the empirical mean and full covariance of the samples.

    H(z) = -1/2 [ln|S| + (z - mu)^T S^-1 (z - mu) + d ln 2 pi]: DeVries et al., arXiv:2007.15255, equation 1. With
    fewer than about ten samples per dimension only the order of the values carries information.
    """

    kind: Literal["gaussian"] = "gaussian"
    unit = "nat"

    def score(self, z: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-likelihood (n,) of z (n, d)."""
        centred = z.astype(np.float64) - z.mean(axis=0, dtype=np.float64)
        covariance = centred.T @ centred / len(z) + RIDGE * np.eye(z.shape[1])
        root = np.linalg.cholesky(covariance)
        mahalanobis = np.square(np.linalg.solve(root, centred.T)).sum(axis=0)
        log_determinant = 2.0 * np.log(np.diag(root)).sum()
        likelihood: NDArray[np.float64] = -0.5 * (log_determinant + mahalanobis + z.shape[1] * np.log(2 * np.pi))
        return likelihood
