"""Lenses against closed forms, scipy and scikit-learn, and where rounding could decide."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from gancensus.contracts.errors import UserError
from gancensus.domains.topology.lenses import Component, Eccentricity, Floats, Lens, check, fit, principal_directions
from gancensus.search.neighbours import nearest_others

RNG = np.random.default_rng(1)


def fitted(names: list[str], z: Floats, k: int = 5) -> tuple[tuple[Lens, ...], Floats]:
    return fit(names, z, nearest_others(z, k), np.random.default_rng(0))


def stretched(n: int, d: int) -> Floats:
    """Return samples whose axes have different variances, turned and shifted."""
    turn = np.linalg.qr(RNG.standard_normal((d, d)))[0]
    return np.asarray(RNG.standard_normal((n, d)) * 1.5 ** -np.arange(d) @ turn + 3)


@pytest.mark.parametrize(("n", "d"), [(300, 7), (7, 300), (2000, 3), (12, 12), (40, 2500)])
def test_components_are_those_of_scikit_learn(n: int, d: int) -> None:
    z = stretched(n, d)
    mean, directions = principal_directions(z, 2)
    theirs = PCA(2, svd_solver="full").fit(z)
    np.testing.assert_allclose(mean, z.mean(axis=0))
    np.testing.assert_allclose(np.abs(directions @ theirs.components_.T), np.eye(2), atol=1e-7)
    largest = np.abs(directions).argmax(axis=1)
    assert (directions[np.arange(2), largest] > 0).all()


def test_values_are_the_same_in_a_larger_space() -> None:
    """As many samples as directions of one matrix are wide in the other: both ways find the same values."""
    z = stretched(60, 20)
    wide = np.concatenate([z, np.zeros((60, 100))], axis=1)
    for name in ("pca1", "pca2", "eccentricity", "density"):
        np.testing.assert_allclose(fitted([name], wide)[1], fitted([name], z)[1], atol=1e-7)


def test_of_equally_large_loadings_the_first_is_positive() -> None:
    column = RNG.standard_normal(500)
    for signs in ((1, -1, 1), (-1, 1, 1), (-1, -1, -1)):
        direction = principal_directions(column[:, None] * signs, 1)[1][0]
        np.testing.assert_allclose(direction, np.array(signs) * signs[0] / np.sqrt(3), atol=1e-9)


def test_equal_eigenvalues_give_the_first_axes() -> None:
    """All combinations of -1 and 1: every direction has variance 1, so that a solver may find any basis."""
    z = np.array(list(product([-1.0, 1.0], repeat=4)))
    np.testing.assert_array_equal(principal_directions(z, 3)[1], np.eye(4)[:3])
    turned = z @ np.linalg.qr(np.random.default_rng(3).standard_normal((4, 4)))[0]
    np.testing.assert_allclose(principal_directions(turned, 4)[1], np.eye(4), atol=1e-9)


def test_equal_eigenvalues_below_a_larger_one() -> None:
    z = np.array(list(product([-3.0, 3.0], [-1.0, 1.0], [-1.0, 1.0])))[:, [1, 0, 2]]
    np.testing.assert_allclose(principal_directions(z, 3)[1], np.eye(3)[[1, 0, 2]], atol=1e-12)


def test_a_component_that_does_not_exist_is_refused() -> None:
    z = np.outer(RNG.standard_normal(50), [1.0, 2.0, 3.0])
    fitted(["pca1"], z)
    for some, name, rank in ((z, "pca2", 1), (np.ones((9, 3)), "pca1", 0), (z[:4], "pca2", 1)):
        with pytest.raises(UserError, match=rf"^lens {name}: the samples of `train` vary in {rank} directions only"):
            fitted([name], some, 1)


def test_threads_change_nothing() -> None:
    for shape in ((3000, 200), (300, 3000)):
        z = RNG.standard_normal(shape)
        values = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                values.append(fitted(["pca1", "eccentricity"], z)[1].tobytes())
        assert values[0] == values[1]


def test_a_value_depends_on_no_other_sample() -> None:
    z, new = stretched(200, 33), stretched(101, 33)
    lenses, values = fitted(["pca2", "eccentricity", "density", "x6"], z)
    some = RNG.permutation(101)[:17]
    for lens in lenses:
        np.testing.assert_array_equal(lens.of(new)[some], lens.of(np.ascontiguousarray(new[some])))
    for k in (0, 1, 3):  # of the density, a sample of train is not its own neighbour
        np.testing.assert_array_equal(lenses[k].of(z), values[:, k])
    np.testing.assert_array_equal(lenses[3].of(new), new[:, 6])


def test_eccentricity_is_the_mean_distance() -> None:
    z, new = stretched(300, 11), stretched(40, 11)
    (lens,), values = fitted(["eccentricity"], z)
    np.testing.assert_allclose(values[:, 0], cdist(z, z).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(lens.of(new), cdist(new, z).mean(axis=1), rtol=1e-12)


def test_eccentricity_of_a_circle() -> None:
    """From its centre 1; from a point on it the mean chord, 4 / pi (corners: (2 / n) cot(pi / (2 n)))."""
    angle = 2 * np.pi * np.arange(400) / 400
    z = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    (lens,), values = fitted(["eccentricity"], z)
    np.testing.assert_allclose(values[:, 0], 2 / 400 / np.tan(np.pi / 800), rtol=1e-12)
    np.testing.assert_allclose(lens.of(np.zeros((1, 2))), 1)


def test_eccentricity_of_many_samples_uses_some_of_them() -> None:
    z = RNG.standard_normal((5000, 3))
    (lens,), values = fitted(["eccentricity"], z)
    assert isinstance(lens, Eccentricity) and lens.landmarks.shape == (3, 2000)
    exact = cdist(z[:200], z).mean(axis=1)
    assert np.abs(values[:200, 0] / exact - 1).max() < 0.05
    (wide,), _ = fitted(["eccentricity"], RNG.standard_normal((40, 2**17)).astype(float))
    assert isinstance(wide, Eccentricity) and wide.landmarks.shape == (2**17, 16)


def test_density_on_a_line() -> None:
    """On whole numbers the 4th nearest other one is 2 away; what is nearer has the largest density of train."""
    z = np.arange(100.0)[:, None]
    (lens,), values = fitted(["density"], z, 4)
    np.testing.assert_allclose(values[2:-2, 0], -np.log(2))
    np.testing.assert_allclose(values[0], -np.log(4))
    np.testing.assert_allclose(lens.of(np.array([[102.0], [-1.5], [50.5]])), -np.log([6, 4.5, 2]))


def test_density_where_samples_are_equal_is_that_of_the_nearest_that_differ() -> None:
    z = np.append(np.zeros(20), [0.5, 1.5, 4, 8, 16])[:, None]
    (lens,), values = fitted(["density"], z, 3)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values[:20, 0], -np.log(0.5))
    np.testing.assert_allclose(lens.of(np.zeros((1, 1))), -np.log(0.5))
    assert (fitted(["density"], np.zeros((9, 2)), 3)[1] == 0).all()


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["pca"], "lens pca: it is not known"),
        (["pca0"], "lens pca0: it is not known"),
        (["x01"], "lens x01: it is not known"),
        (["eccentricity2"], "lens eccentricity2: it is not known"),
        (["x4"], "lens x4: there are 4 values only"),
        (["pca1", "pca5"], "lens pca5: there are 4 values only"),
        (["x0", "x0"], "lens x0: it is given twice"),
    ],
)
def test_lenses_that_cannot_be_had(names: list[str], reason: str) -> None:
    with pytest.raises(UserError, match=f"^{reason}"):
        check(names, 4)
    check(["pca4", "x3"], 4)


def test_two_components_are_found_at_once() -> None:
    z = stretched(100, 6)
    both = fitted(["pca2", "pca1"], z)
    assert all(isinstance(lens, Component) for lens in both[0])
    for k, name in enumerate(("pca2", "pca1")):
        np.testing.assert_array_equal(both[1][:, k], fitted([name], z)[1][:, 0])
