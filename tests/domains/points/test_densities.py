from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import chi2, foldnorm, kstest, norm

from gancensus.contracts.density import Density
from gancensus.domains.points import densities
from gancensus.domains.points.densities import Camelback, Floats, Ring, Shell
from gancensus.domains.points.known_density import KnownDensity
from gancensus.domains.points.source_camelback import Camelback as CamelbackSource
from gancensus.domains.points.source_ring import Ring as RingSource
from gancensus.domains.points.source_shell import Shell as ShellSource

TRUTHS = [Camelback(), Ring(), Shell(3), Shell(5)]
SOURCES = [CamelbackSource(samples=500), RingSource(samples=500), ShellSource(samples=500, dimension=5)]


def pearson(cells: np.ndarray, total: int) -> float:
    """The p-value of the hypothesis that all cells are equally probable."""
    counts = np.bincount(cells, minlength=total)
    assert len(counts) == total
    expected = len(cells) / total
    return float(chi2.sf(np.sum((counts - expected) ** 2) / expected, total - 1))


def first(truth: Density, x: Floats) -> Floats:
    return x[:, 0] if isinstance(truth, Camelback) else np.linalg.norm(x, axis=1)


# the truths


@pytest.mark.parametrize(
    ("truth", "per_axis", "edges"),
    [
        (Camelback(), 5, [-4.25335, -3.15838, 3.15838, 4.25335]),
        (Camelback(), 10, [-4.84162, -4.25335, -3.74665, -3.15838, 0, 3.15838, 3.74665, 4.25335, 4.84162]),
        (Ring(), 5, [3.15838, 3.74665, 4.25335, 4.84162]),
        (Ring(), 7, [2.93243, 3.43405, 3.81999, 4.18001, 4.56595, 5.06757]),
        (Shell(5), 10, [2.71845, 3.15838, 3.4756, 3.74665, 4.0]),
        (Shell(3), 1, []),
    ],
)
def test_edges_are_the_published_quantiles(truth: Density, per_axis: int, edges: list[float]) -> None:
    found = truth.edges(per_axis)
    assert len(found) == per_axis - 1
    np.testing.assert_allclose(found[: len(edges)], edges, atol=6e-6)


@pytest.mark.parametrize("t", [-5.0, -1.0, 0.0, 3.0, 4.5])
def test_the_cdf_of_the_camel_back_is_the_integral_of_its_density(t: float) -> None:
    area = quad(lambda x: Camelback().density(np.array([[x]]))[0], -14, t, points=[-4, 0, 4][: 1 + (t > 0)])[0]
    assert Camelback().cdf(np.array([t]))[0] == pytest.approx(area, abs=1e-9)


@pytest.mark.parametrize("dimension", [2, 3, 5])
@pytest.mark.parametrize("t", [0.5, 3.0, 4.5, 12.0])
def test_the_cdf_of_a_radius_is_the_integral_of_the_density_over_a_ball(dimension: int, t: float) -> None:
    sphere = {2: 2 * math.pi, 3: 4 * math.pi, 5: 8 * math.pi**2 / 3}[dimension]
    along = np.eye(dimension)[:1]

    def shell(r: float) -> float:
        return float(Shell(dimension).density(r * along)[0] * sphere * r ** (dimension - 1))

    area = quad(shell, 1e-12, t, points=[min(4.0, t / 2)])[0]
    assert Shell(dimension).cdf(np.array([t]))[0] == pytest.approx(area, abs=1e-9)
    assert area == pytest.approx(foldnorm(4).cdf(t), abs=1e-9)


def test_no_radius_is_negative() -> None:
    np.testing.assert_array_equal(Ring().cdf(np.array([-3.0, 0.0])), 0)


@pytest.mark.parametrize("truth", TRUTHS)
def test_draws_follow_the_cdf(truth: Density) -> None:
    x = truth.draw(20000, np.random.default_rng(1))
    assert x.shape == (20000, truth.dimension)
    assert kstest(first(truth, x), lambda t: truth.cdf(np.asarray(t))).pvalue > 1e-3


@given(st.sampled_from(TRUTHS), st.integers(1, 50), st.integers(0, 50))
def test_the_first_draws_do_not_depend_on_how_many_there_are(truth: Density, few: int, more: int) -> None:
    some, all_of_them = (truth.draw(n, np.random.default_rng(3)) for n in (few, few + more))
    np.testing.assert_array_equal(some, all_of_them[:few])


# cells


@pytest.mark.parametrize(
    ("truth", "per_axis"), [(Camelback(), 50), (Ring(), 7), (Shell(3), 5), (Shell(5), 3), (Shell(5), 6)]
)
def test_all_cells_are_equally_probable(truth: Density, per_axis: int) -> None:
    x = truth.draw(300_000, np.random.default_rng(5))
    total = per_axis**truth.dimension
    assert pearson(truth.cells(x, per_axis), total) > 1e-3
    assert pearson(truth.cells(x * 1.02, per_axis), total) < 1e-3  # another radius, or width, is found
    turned = x + 0.1 * np.eye(truth.dimension)[-1]
    assert pearson(truth.cells(turned, per_axis), total) < 1e-3  # and so is another place


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_polar_quantiles_are_those_of_the_solid_angle(axis: int) -> None:
    """The density of the polar angle i = 1 ... d - 2 in d dimensions is that of sin^(d - 1 - i)."""
    d, k = 5, 4
    power = d - 2 - axis
    whole = quad(lambda a: math.sin(a) ** power, 0, math.pi)[0]
    for angle in np.linspace(0.05, math.pi - 0.05, 41):
        x = np.zeros((1, d))
        x[0, axis], x[0, axis + 1 :] = math.cos(angle), math.sin(angle) / math.sqrt(d - 1 - axis)
        share = 1 - quad(lambda a: math.sin(a) ** power, 0, angle)[0] / whole  # P(cosine < this one)
        digit = Shell(d).cells(x, k)[0] // k ** (d - 2 - axis) % k
        assert digit == int(share * k)


@given(
    st.integers(2, 4),
    st.integers(1, 6),
    st.lists(st.floats(-9, 9, allow_subnormal=False), min_size=4, max_size=4),
    st.floats(0.1, 10),
)
def test_every_point_is_in_one_cell_whose_angles_a_stretch_leaves(
    dimension: int, k: int, x: list[float], factor: float
) -> None:
    truth, point = Shell(dimension), np.array([x[:dimension]])
    cells = truth.cells(np.concatenate([point, point * 2]), k)  # times two is exact
    assert ((cells >= 0) & (cells < k**dimension)).all()
    assert cells[0] % k ** (dimension - 1) == cells[1] % k ** (dimension - 1)
    camel = Camelback().cells(np.array([[x[0] * factor]]), k)[0]
    assert camel == sum(edge <= x[0] * factor for edge in Camelback().edges(k))


def test_cells_of_a_ring_by_hand() -> None:
    turns = (np.arange(8) + 0.5) / 8 * 2 * math.pi - math.pi
    x = np.column_stack([np.cos(turns), np.sin(turns)])
    np.testing.assert_array_equal(Ring().cells(x * 3.9, 8)[:8] % 8, np.arange(8))
    np.testing.assert_array_equal(Ring().cells(x * 0.1, 8) // 8, 0)
    np.testing.assert_array_equal(Ring().cells(x * 9, 8) // 8, 7)
    assert Ring().cells(np.array([[-1.0, 0.0]]), 8)[0] % 8 == 7  # the angle pi itself belongs to the last
    assert Ring().cells(np.zeros((1, 2)), 8)[0] // 8 == 0


# the families


@pytest.mark.parametrize(("truth", "per_axis"), [(Camelback(), 20), (Ring(), 7), (Shell(3), 4)])
def test_under_the_truth_all_shares_are_equal(truth: Density, per_axis: int) -> None:
    shares = truth.shares(np.array([truth.parameters, truth.parameters]), per_axis)
    np.testing.assert_allclose(shares, np.full((2, per_axis**truth.dimension), 1 / per_axis**truth.dimension))


def test_shares_are_the_contents_of_the_cells() -> None:
    rng, theta = np.random.default_rng(2), np.array([3.5, 1.3])
    ring = Ring().draw(400_000, rng)
    radius = np.linalg.norm(ring, axis=1, keepdims=True)
    x = ring / radius * np.abs(theta[0] + theta[1] * rng.standard_normal(radius.shape))
    counts = np.bincount(Ring().cells(x, 7), minlength=49)
    expected = Ring().shares(theta, 7) * len(x)
    assert chi2.sf(np.sum((counts - expected) ** 2 / expected), 48) > 1e-3
    mixture = np.array([0.3, -3.0, 0.8, 4.5, 1.2])
    edges = Camelback().edges(10)
    by_hand = 0.3 * norm(-3, 0.8).cdf(edges) + 0.7 * norm(4.5, 1.2).cdf(edges)
    np.testing.assert_allclose(np.cumsum(Camelback().shares(mixture, 10))[:-1], by_hand)


def loss(theta: Floats, points: Floats) -> float:
    a, mu1, s1, mu2, s2 = theta
    return -float(np.sum(np.log(a * norm.pdf(points, mu1, s1) + (1 - a) * norm.pdf(points, mu2, s2))))


@pytest.mark.parametrize(("share", "place"), [(0.5, 4.0), (0.2, 1.8)])
def test_the_fit_of_the_camel_back_has_the_greatest_likelihood(share: float, place: float) -> None:
    rng = np.random.default_rng(7)
    x = rng.standard_normal((6, 300, 1)) + np.where(rng.random((6, 300, 1)) < share, -place, place)
    for points, theta in zip(x[:, :, 0], Camelback().fit(x), strict=True):
        bounds = [(0.01, 0.99), (-6, 0), (0.4, 3), (0, 6), (0.4, 3)]
        peer = minimize(loss, [share, -place, 1, place, 1], (points,), bounds=bounds, method="L-BFGS-B")
        assert loss(theta, points) <= peer.fun + 1e-5
        np.testing.assert_allclose(theta, peer.x, atol=5e-3)


def test_the_best_start_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Camelback().draw(100 * 12, np.random.default_rng(6)).reshape(100, 12, 1)

    def losses() -> Floats:
        return np.array([loss(theta, one[:, 0]) for theta, one in zip(Camelback().fit(x), x, strict=True)])

    together = losses()
    for start in (0.3, 0.5, 0.7):
        monkeypatch.setattr(densities, "_STARTS", (start,))
        alone = losses()
        assert (together <= alone + 1e-6).all()
        assert (together < alone - 0.1).any()


@pytest.mark.parametrize("place", [4.0, 1.2])
def test_the_fit_of_a_radius_has_the_greatest_likelihood(place: float) -> None:
    rng = np.random.default_rng(8)
    x = Shell(3).draw(5 * 200, rng)
    x *= np.abs(place + rng.standard_normal((len(x), 1))) / np.linalg.norm(x, axis=1, keepdims=True)
    for one in x.reshape(5, 200, 3):
        shape, _, scale = foldnorm.fit(np.linalg.norm(one, axis=1), place, floc=0)
        np.testing.assert_allclose(Shell(3).fit(one[None])[0], [shape * scale, scale], rtol=2e-3)


def test_fits_do_not_depend_on_each_other() -> None:
    x = Camelback().draw(300, np.random.default_rng(4)).reshape(6, 50, 1)
    np.testing.assert_array_equal(Camelback().fit(x)[3:4], Camelback().fit(x[3:4]))


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_fit_of_next_to_nothing_is_still_a_distribution(truth: Density, n: int) -> None:
    x = truth.draw(10 * n, np.random.default_rng(n)).reshape(10, n, truth.dimension)
    shares = truth.shares(truth.fit(x), 4)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1)


# sources


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_draws_its_truth_for_every_repetition(source: KnownDensity) -> None:
    samples = source.load(1)
    assert samples.x.dtype == np.float32
    assert samples.x.shape == (500, source.truth.dimension)
    np.testing.assert_array_equal(samples.sample_id, np.arange(500))
    np.testing.assert_array_equal(samples.conditions["repetition"], np.arange(500) % 20)
    assert samples.units == {"repetition": "1"}
    np.testing.assert_array_equal(samples.natural(), samples.x.astype(np.float64) * 16)
    assert kstest(first(source.truth, samples.natural()), lambda t: source.truth.cdf(np.asarray(t))).pvalue > 1e-3
    more = source.model_copy(update={"samples": 700}).load(1)
    np.testing.assert_array_equal(more.x[:500], samples.x)
    assert not np.array_equal(source.load(2).x, samples.x)


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"samples": 9, "repetitions": 0}, {"samples": 9, "dimension": 1}])
def test_a_shell_without_samples_or_directions_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        ShellSource.model_validate(wrong)


def test_a_plan_loads_no_scipy() -> None:
    ring = "from gancensus.domains.points.source_ring import Ring; Ring(samples=1)"
    code = f"import sys; {ring}; print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
