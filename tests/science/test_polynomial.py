"""The kernel distance by monomials is that of all pairs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.comparison.kernel import kernel_distance
from gancensus.comparison.polynomial import monomials, squared_mmd

Floats = NDArray[np.float64]


def by_pairs(x: Floats, y: Floats, degree: int) -> float:
    """The unbiased squared MMD as Gretton et al. (2012) write it: sums over the pairs of a kernel matrix."""

    def kernel(a: Floats, b: Floats) -> Floats:
        return np.asarray((a @ b.T / a.shape[1] + 1) ** degree)

    n, m = len(x), len(y)
    xx, yy = kernel(x, x), kernel(y, y)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * kernel(x, y).mean())


def normal(seed: int, n: int, d: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize(("d", "degree", "columns"), [(5, 4, 126), (4, 4, 70), (1, 3, 4), (3, 1, 4)])
def test_products_of_monomials_are_the_kernel(d: int, degree: int, columns: int) -> None:
    x, y = normal(1, 7, d), normal(2, 9, d)
    phi = monomials(x, degree)
    assert phi.shape == (7, columns)
    np.testing.assert_allclose(phi @ monomials(y, degree).T, (x @ y.T / d + 1) ** degree, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_the_distance_of_subsets(degree: int) -> None:
    x, y = normal(1, 30, 5), 0.3 + normal(2, 20, 5)
    in_x, in_y = np.ones((30, 3)), np.ones((20, 3))
    in_x[:11, 1] = in_y[5:, 1] = in_x[4:, 2] = 0
    found = squared_mmd(monomials(x, degree), monomials(y, degree), in_x, in_y)
    assert found[0] == pytest.approx(by_pairs(x, y, degree), rel=1e-10)
    assert found[1] == pytest.approx(by_pairs(x[11:], y[:5], degree), rel=1e-10)
    assert found[2] == pytest.approx(by_pairs(x[:4], y, degree), rel=1e-10)
    if degree == 3:
        assert found[0] == pytest.approx(kernel_distance(x, y), rel=1e-10)
