"""What the amplification of true points and of an efficient fit is, by the laws that tests compare with."""

from __future__ import annotations

import math

import numpy as np

from gancensus.contracts.density import Density, Floats
from gancensus.domains.points.densities import differences

GRID = np.linspace(-16.0, 16.0, 8001)  # of quadrature


def sample_mse(cells: int, points: int) -> tuple[float, float]:
    """Return mean and standard deviation of the MSE of true points in cells of equal probability.

    N Q^2 MSE is Pearson's X^2 with mean Q - 1 and variance 2 (Q - 1) (1 - 1/N), for any N.
    """
    scale = 1 / (points * cells**2)
    return (cells - 1) * scale, math.sqrt(2 * (cells - 1) * (1 - 1 / points)) * scale


def fit_amplification(truth: Density, per_axis: int) -> float:
    """Return the amplification of an efficient fit of the truth's family: (Q - 1) / tr(I_cells I^-1).

    I is Fisher's information of a point, I_cells that of its cell. As I_cells <= I, it is at least (Q - 1) over the
    number of parameters, whatever the truth: amplification belongs to the family and to Q.
    """
    full, cells = (_information(truth, edges) for edges in (GRID, truth.edges(per_axis)))
    return float((per_axis**truth.dimension - 1) / np.trace(cells @ np.linalg.inv(full)))


def _information(truth: Density, edges: Floats) -> Floats:
    """Return Fisher's information (parameters, parameters) of the bin of the first coordinate between edges."""
    theta, step = np.asarray(truth.parameters), 1e-4
    moves = step * np.eye(len(theta))
    slopes = (differences(truth.cdf(edges, theta + moves)) - differences(truth.cdf(edges, theta - moves))) / (2 * step)
    shares = differences(truth.cdf(edges))
    seen = shares > 1e-15  # what is less is rounding
    return np.asarray(slopes[:, seen] / shares[seen] @ slopes[:, seen].T)
