"""The values of all half-samples are those of each by itself, and the values themselves those of other packages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from prdc import compute_prdc
from scipy.linalg import sqrtm

from gancensus.comparison import frechet as frechet_module
from gancensus.comparison.fidelity import METRICS, Floats, _compare, _Sample, fidelity, metrics
from gancensus.comparison.frechet import Decomposed, between, frechet_distance, gaussian, half_distances
from gancensus.statistics.half_samples import Integers, half_sample_variances, sides_of_splits
from gancensus.statistics.intervals import symmetric


def normal(seed: int, n: int, d: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, d))


def mixed(seed: int, n: int, d: int) -> Floats:
    """Correlated values of very different spread."""
    return normal(seed, n, d) @ normal(0, d, d) * np.logspace(0, -4, d)


def rare(seed: int, n: int, d: int) -> Floats:
    """Values of which one is always the same, and one differs in three samples: in some halves it does not."""
    x = normal(seed, n, d)
    x[:, 0], x[:, 1] = 7, 0
    x[:3, 1] = 1
    return x


CASES = {
    "even": (normal(1, 300, 6), 0.3 + normal(2, 240, 6)),
    "odd": (normal(1, 301, 6), 0.3 + 0.8 * normal(2, 241, 6)),
    "tiles": (normal(1, 1500, 4), 0.2 + normal(2, 2100, 4)),
    "spreads": (mixed(1, 400, 12), 0.1 + 1.2 * mixed(2, 403, 12)),
    "dimensions": (normal(1, 61, 200), 0.9 * normal(2, 80, 200)),
    "as many as dimensions": (normal(1, 80, 40), 0.9 * normal(2, 170, 40)),
    "rare values": (rare(1, 200, 5), 0.5 + rare(2, 160, 5)),
    "collapsed": (normal(1, 200, 5), np.full((150, 5), 0.5)),
    "nearly collapsed": (normal(1, 200, 5), 0.5 + 1e-6 * normal(2, 150, 5)),
    "many beside few": (mixed(1, 400, 60), 0.1 + 1.2 * mixed(2, 103, 60)),
    "few for each value": (mixed(1, 160, 60), 0.1 + 1.2 * mixed(2, 165, 60)),
    "one value": (normal(1, 200, 1), 0.5 + normal(2, 151, 1)),
    "far": (100 + normal(1, 200, 5), 100.5 + normal(2, 150, 5)),
}


@pytest.mark.parametrize("name", CASES)
def test_halves_are_what_each_is_by_itself(name: str) -> None:
    real, fake = CASES[name]
    x_sides, y_sides = sides_of_splits(len(real), len(fake), 12, np.random.default_rng(3))
    whole, *halves = _compare(_Sample.of(real, 5, x_sides), _Sample.of(fake, 5, y_sides), 5)
    assert whole.tolist() == list(metrics(real, fake, 5).values())
    for k, found in enumerate(halves):
        s, side = k % 12, 1 if k < 12 else -1
        expected = metrics(real[x_sides[:, s] == side], fake[y_sides[:, s] == side], 5)
        assert found[:2].tolist() == pytest.approx([expected["fid"], expected["kid"]], rel=1e-9)
        assert found[2:].tolist() == list(expected.values())[2:]


def test_intervals_are_those_of_half_samples_one_by_one() -> None:
    real, fake, null = normal(1, 101, 3), 0.5 + normal(2, 90, 3), normal(3, 90, 3)
    found = fidelity(real, fake, null, rng=np.random.default_rng(4))
    rng = np.random.default_rng(4)
    for _ in range(2):
        rng.choice(90, 90, replace=False)  # the cuts, of nothing

    def statistic(a: Floats, b: Floats) -> Floats:
        return np.array(list(metrics(a, b).values()))

    variances = dict(zip(METRICS, half_sample_variances(statistic, real, fake, 20, rng), strict=True))
    for name in ("fid", "kid", "density"):
        expected = symmetric(metrics(real, fake)[name], float(variances[name]), 20)
        assert found[name].estimate == pytest.approx(expected, rel=1e-9), name


def outlier(seed: int, n: int, d: int) -> Floats:
    """Values of which one is huge in one sample: beside it, the others of that value are hardly seen."""
    x = normal(seed, n, d)
    x[0, 1] = 1e6
    return x


def distances_of_halves(x: Floats, y: Floats, x_sides: Integers, y_sides: Integers) -> list[float]:
    return list(half_distances(Decomposed.of(x), Decomposed.of(y), x_sides, y_sides))


@pytest.mark.parametrize("name", [*CASES, "outlier"])
def test_frechet_distances_of_halves_are_those_of_each_by_itself(name: str) -> None:
    real, fake = CASES.get(name, (outlier(1, 200, 5), 0.5 + normal(2, 150, 5)))
    sides = sides_of_splits(len(real), len(fake), 6, np.random.default_rng(3))
    for k, found in enumerate(distances_of_halves(real, fake, *sides)):
        s, side = k % 6, 1 if k < 6 else -1
        expected = frechet_distance(real[sides[0][:, s] == side], fake[sides[1][:, s] == side])
        assert found == pytest.approx(expected, rel=1e-9)


def test_frechet_distances_of_halves_take_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the axes of the whole or half by half, values are the same where the latter is not needed."""
    real, fake = mixed(1, 500, 12), 0.1 + 1.2 * mixed(2, 401, 12)
    sides = sides_of_splits(500, 401, 4, np.random.default_rng(3))
    found = distances_of_halves(real, fake, *sides)
    monkeypatch.setattr(frechet_module, "_PER_VALUE", 1000)
    np.testing.assert_allclose(distances_of_halves(real, fake, *sides), found, rtol=1e-11)


def test_halves_of_samples_that_differ_in_single_rows_are_decomposed_by_themselves() -> None:
    x, y = rare(1, 60, 3), rare(2, 60, 3)
    sides = np.repeat([[-1], [1]], 30, axis=0)  # all rows that differ in the second value are in B
    a, b = distances_of_halves(x, y, sides, sides)
    assert a == pytest.approx(frechet_distance(x[30:, 2:], y[30:, 2:]), rel=1e-12)
    assert b == pytest.approx(frechet_distance(x[:30], y[:30]), rel=1e-12)


def apart(seed: int, n: int, d: int, small: float) -> Floats:
    """Half of the values are small, in axes of their own, so that they are lost beside squares of the others."""
    turn = np.linalg.qr(normal(0, d, d))[0]
    return np.asarray(normal(seed, n, d) * np.where(np.arange(d) < d // 2, 1, small) @ turn)


@pytest.mark.parametrize("small", [1e-2, 1e-4, 1e-5, 1e-7, 0])
def test_small_values_are_not_lost_beside_large_ones(small: float) -> None:
    """To 15 digits of the variance: the roots of their squares alone would be wrong from the tenth on."""
    x, y = apart(1, 400, 48, small), 1.1 * apart(2, 401, 48, small)
    sides = sides_of_splits(400, 401, 4, np.random.default_rng(3))
    expected = [
        between(gaussian(x[a == half]), gaussian(y[b == half]))
        for half in (1, -1)
        for a, b in zip(sides[0].T, sides[1].T, strict=True)
    ]
    variance = float(x.var(axis=0).sum() + y.var(axis=0).sum())
    np.testing.assert_allclose(distances_of_halves(x, y, *sides), expected, rtol=0, atol=3e-14 * variance)


# other packages


def torch_fidelity(real: Floats, fake: Floats) -> Mapping[str, float]:
    """FID by the eigenvalues of the product of the covariances, and KID of one subset, as torch-fidelity 0.4 has it."""
    mu1, mu2 = real.mean(axis=0), fake.mean(axis=0)
    sigma1, sigma2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = np.sum(np.sqrt(np.linalg.eigvals(sigma1.dot(sigma2)).astype("complex128")).real)
    fid = (mu1 - mu2).dot(mu1 - mu2) + np.trace(sigma1) + np.trace(sigma2) - 2 * root
    xx, xy, yy = ((a @ b.T * (1 / a.shape[1]) + 1) ** 3 for a, b in ((real, real), (real, fake), (fake, fake)))
    m = len(real)
    kid = (xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (m * (m - 1)) - 2 * xy.sum() / (m * m)
    return {"fid": float(fid), "kid": float(kid)}


def plain_fid(real: Floats, fake: Floats) -> float:
    """FID with the root of a matrix, as pytorch-fid and the first torch-fidelity have it."""
    shift = real.mean(axis=0) - fake.mean(axis=0)
    sigma1, sigma2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = np.trace(sqrtm(sigma1.dot(sigma2)).real)
    return float(shift @ shift + np.trace(sigma1) + np.trace(sigma2) - 2 * root)


@pytest.mark.parametrize(("n", "d"), [(400, 4), (500, 32), (1500, 64)])
def test_values_are_those_of_torch_fidelity(n: int, d: int) -> None:
    real, fake = normal(1, n, d), 0.2 + 1.1 * normal(2, n, d) @ normal(3, d, d) / d**0.5
    found, expected = metrics(real, fake), torch_fidelity(real, fake)
    assert found["fid"] == pytest.approx(expected["fid"], rel=1e-9)
    assert found["fid"] == pytest.approx(plain_fid(real, fake), rel=1e-6)
    assert found["kid"] == pytest.approx(expected["kid"], rel=1e-9)


def test_the_example_of_prdc() -> None:
    """The example of its README: 10,000 real and as many fake features of 1,000 values; here a tenth of them."""
    real, fake = normal(1, 1000, 1000), normal(2, 1000, 1000)
    expected = compute_prdc(real_features=real, fake_features=fake, nearest_k=5)
    found = metrics(real, fake)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)
