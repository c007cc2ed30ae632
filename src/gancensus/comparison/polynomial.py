"""The kernel distance of two samples of few values, by a polynomial kernel: means of monomials, no pairs."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def monomials(x: NDArray[Any], degree: int) -> Floats:
    """Return phi(x) with phi(x).phi(y) = (x.y / d + 1)^degree.

    By the multinomial theorem, phi has a value for each monomial x^a of degree |a| <= degree: x^a times the root of
    degree! / (a_1! ... a_d! (degree - |a|)!) / d^|a|.

    Args:
        x: (n, d); of many values there would be too many monomials.
        degree: of the kernel.

    Returns:
        (n, C(d + degree, degree)): 126 columns for d = 5 and degree 4.
    """
    x = np.asarray(x, dtype=np.float64)
    n, d = x.shape
    powers = np.ones((degree + 1, n, d))
    for k in range(degree):
        powers[k + 1] = powers[k] * x
    found = []
    for exponents in product(range(degree + 1), repeat=d):
        total = sum(exponents)
        if total <= degree:
            ways = math.factorial(degree) / math.prod(map(math.factorial, (*exponents, degree - total)))
            column = np.full(n, math.sqrt(ways / d**total))
            for value, exponent in enumerate(exponents):
                column *= powers[exponent, :, value]
            found.append(column)
    return np.stack(found, axis=1)


def squared_mmd(x: Floats, y: Floats, x_weights: Floats, y_weights: Floats) -> Floats:
    """Return the unbiased squared MMD of subsets of two samples, of which `monomials` are given.

    mean k(x, x') + mean k(y, y') - 2 mean k(x, y) over pairs of different samples, the formula of KID (Binkowski et al.
    2018, arXiv:1801.01401, eq. 4) with all pairs. The sum over the pairs of one subset is |sum phi|^2 - sum |phi|^2.

    Args:
        x: (n, k), of one sample.
        y: (m, k), of the other.
        x_weights: (n, subsets), 1 for what is in a subset, else 0; at least two are.
        y_weights: (m, subsets).

    Returns:
        (subsets,).
    """
    (x_mean, x_within), (y_mean, y_within) = (_moments(*one) for one in ((x, x_weights), (y, y_weights)))
    found: Floats = x_within + y_within - 2 * np.einsum("ij,ij->j", x_mean, y_mean)
    return found


def _moments(phi: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the mean of phi in each subset (k, subsets), and the mean kernel of two different samples (subsets,)."""
    sums, own, count = phi.T @ weights, np.einsum("ij,ij->i", phi, phi) @ weights, weights.sum(axis=0)
    return sums / count, (np.einsum("ij,ij->j", sums, sums) - own) / (count * (count - 1))
