from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from prdc import compute_prdc
from scipy.special import ndtri, stdtrit
from scipy.stats import chi2, ortho_group
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from gancensus.comparison import kernel as kernel_module
from gancensus.comparison.fidelity import (
    METRICS,
    Floats,
    Prdc,
    fidelity,
    metrics,
    precision_recall_density_coverage,
)
from gancensus.comparison.frechet import frechet_distance
from gancensus.comparison.kernel import kernel_distance
from gancensus.contracts.errors import UserError
from gancensus.search import neighbours

SIZES = st.tuples(st.integers(8, 30), st.integers(8, 30), st.integers(1, 6))
SEEDS = st.integers(0, 2**32 - 1)


def normal(seed: int, n: int, d: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, d))


def standardised(seed: int, n: int, d: int) -> Floats:
    """Points whose sample mean is exactly 0 and whose unbiased covariance is exactly the identity."""
    x = normal(seed, n, d)
    q, _ = np.linalg.qr(x - x.mean(axis=0))
    return np.asarray(q * math.sqrt(n - 1))


def modes(seed: int, n: int, kept: int, spread: float = 0.05) -> Floats:
    """A ring of eight narrow modes in the plane, of which `kept` are drawn."""
    rng = np.random.default_rng(seed)
    angle = rng.integers(0, kept, n) * math.pi / 4
    return np.column_stack([np.cos(angle), np.sin(angle)]) + spread * rng.standard_normal((n, 2))


def expected_coverage(n: int, m: int, k: int) -> float:
    return 1 - math.prod((n - i) / (n + m - i) for i in range(1, k + 1))


# Frechet distance


@pytest.mark.parametrize(("n", "m", "d"), [(200, 300, 1), (200, 300, 5), (500, 400, 32)])
def test_frechet_distance_agrees_with_torchmetrics(n: int, m: int, d: int) -> None:
    real, fake = normal(1, n, d), 0.3 + normal(2, m, d) @ normal(3, d, d)
    moments = [torch.from_numpy(a) for x in (real, fake) for a in (x.mean(0), np.cov(x, rowvar=False).reshape(d, d))]
    assert frechet_distance(real, fake) == pytest.approx(float(_compute_fid(*moments)), rel=1e-9)


@pytest.mark.parametrize(
    ("d", "kept", "expected"),
    [(2, 0.5, 0.397934), (2, 0.4, 0.533567), (8, 0.5, 0.372962), (64, 0.5, 0.339872), (64, 0.4, 0.490751)],
)
def test_frechet_distance_of_a_truncated_gaussian(d: int, kept: float, expected: float) -> None:
    radius = chi2.ppf(kept, d)
    c = chi2.cdf(radius, d + 2) / kept
    assert d * (1 - math.sqrt(c)) ** 2 == pytest.approx(expected, abs=5e-7)
    scaled = math.sqrt(c) * standardised(2, 400, d)
    assert frechet_distance(standardised(1, 300, d), scaled) == pytest.approx(expected, abs=5e-7)


def test_frechet_distance_of_the_densest_half() -> None:
    x = normal(4, 40_000, 2)
    densest = x[np.sum(x**2, axis=1) < chi2.ppf(0.5, 2)]
    assert frechet_distance(normal(5, 40_000, 2), densest) == pytest.approx(0.397934, abs=0.015)


def test_frechet_distance_of_shifted_gaussians_is_the_square_shift() -> None:
    assert frechet_distance(standardised(1, 50, 1), standardised(2, 70, 1) + 1.7) == pytest.approx(1.7**2, rel=1e-12)


def test_frechet_distance_of_covariances_that_do_not_commute() -> None:
    a, b = np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [-3.0, 0.5]])
    s1, s2 = a.T @ a, b.T @ b
    # the trace of the root of a 2 x 2 matrix M is sqrt(Tr M + 2 sqrt(det M))
    root = math.sqrt(np.trace(s1 @ s2) + 2 * math.sqrt(np.linalg.det(s1 @ s2)))
    value = frechet_distance(standardised(1, 40, 2) @ a, standardised(2, 60, 2) @ b)
    assert value == pytest.approx(np.trace(s1) + np.trace(s2) - 2 * root, rel=1e-12)


def test_frechet_distance_with_fewer_samples_than_dimensions() -> None:
    real, fake = normal(1, 10, 3), 1 + 2 * normal(2, 12, 3)
    axes = ortho_group.rvs(50, random_state=3)[:3]
    assert frechet_distance(real @ axes, fake @ axes) == pytest.approx(frechet_distance(real, fake), rel=1e-12)
    assert frechet_distance(real @ axes, real @ axes) == pytest.approx(0, abs=1e-12)


# kernel distance


@pytest.mark.parametrize("d", [1, 7, 40])
def test_kernel_distance_agrees_with_torchmetrics(d: int) -> None:
    real, fake = normal(1, 150, d), 0.2 + 1.1 * normal(2, 150, d)
    expected = float(poly_mmd(torch.from_numpy(real), torch.from_numpy(fake)))
    assert kernel_distance(real, fake) == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_by_its_definition_for_unequal_sizes() -> None:
    real, fake = normal(1, 9, 3), 0.5 + normal(2, 6, 3)

    def k(x: Floats, y: Floats) -> float:
        return float(x @ y / 3 + 1) ** 3

    within = [np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j]) for x in (real, fake)]
    expected = sum(within) - 2 * np.mean([k(a, b) for a in real for b in fake])
    assert kernel_distance(real, fake) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_kernel_distance_is_unbiased(shift: float) -> None:
    # (xy + 1)^3 compares the first three moments: 3 (dm1)^2 + 3 (dm2)^2 + (dm3)^2
    expected = 3 * shift**2 + 3 * shift**4 + (shift**3 + 3 * shift) ** 2
    rng = np.random.default_rng(6)
    values = [kernel_distance(rng.standard_normal((20, 1)), shift + rng.standard_normal((30, 1))) for _ in range(2000)]
    assert abs(np.mean(values) - expected) < 4 * np.std(values) / math.sqrt(len(values))


# precision, recall, density, coverage


@pytest.mark.parametrize(
    ("n", "m", "d", "k"), [(120, 80, 2, 5), (60, 150, 16, 3), (90, 90, 1, 1), (200, 100, 64, 5), (1500, 1100, 8, 5)]
)
def test_prdc_agrees_with_the_reference_package(n: int, m: int, d: int, k: int) -> None:
    real, fake = normal(1, n, d), 0.4 + 0.8 * normal(2, m, d)
    assert precision_recall_density_coverage(real, fake, k)._asdict() == pytest.approx(compute_prdc(real, fake, k))


def test_prdc_agrees_with_the_reference_package_in_many_dimensions() -> None:
    real, fake = 3 + normal(1, 300, 2048), 3.01 + 0.99 * normal(2, 200, 2048)
    found = precision_recall_density_coverage(real, fake)
    assert 0 < found.recall < 1 and 0 < found.coverage < 1
    assert found._asdict() == pytest.approx(compute_prdc(real, fake, 5))


def test_prdc_on_a_line_by_hand() -> None:
    real, fake = np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [2.0], [5.0], [5.5]])
    # real balls: radii 1, 1, 2; fake balls: radii 1.5, 1.5, .5, .5. 2.0 lies on the edge of the ball of 1.0: outside.
    assert precision_recall_density_coverage(real, fake, 1) == Prdc(2 / 4, 3 / 3, 3 / 4, 3 / 3)


@pytest.mark.parametrize(
    ("n", "m", "expected"), [(100, 100, 0.971070), (1000, 1000, 0.968984), (10000, 10000, 0.968773)]
)
def test_the_closed_form_of_coverage(n: int, m: int, expected: float) -> None:
    assert expected_coverage(n, m, 5) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(("n", "m", "k"), [(40, 40, 5), (30, 60, 3)])
def test_density_and_coverage_of_one_distribution(n: int, m: int, k: int) -> None:
    rng = np.random.default_rng(7)
    runs = [
        precision_recall_density_coverage(rng.standard_normal((n, 2)), rng.standard_normal((m, 2)), k)
        for _ in range(600)
    ]
    for values, expected in (
        ([run.density for run in runs], 1.0),
        ([run.coverage for run in runs], expected_coverage(n, m, k)),
    ):
        assert abs(np.mean(values) - expected) < 4 * np.std(values) / math.sqrt(len(values))


def test_equal_points_have_empty_balls() -> None:
    point = np.full((20, 3), 1e6 + 0.1)
    assert precision_recall_density_coverage(point, point, 5) == Prdc(0, 0, 0, 0)


def test_more_copies_than_neighbours_empty_a_ball() -> None:
    real = np.concatenate([normal(1, 30, 4) + 50, np.full((6, 4), 1e3 / 3)])
    fake = np.full((8, 4), 1e3 / 3)
    assert precision_recall_density_coverage(real, fake, 5).precision == 0
    assert precision_recall_density_coverage(real[:-1], fake, 5).precision == 1


# properties


@given(SIZES, SEEDS)
def test_a_sample_against_itself(sizes: tuple[int, int, int], seed: int) -> None:
    x = normal(seed, sizes[0], sizes[2])
    values = metrics(x, x, 3)
    assert values["fid"] == pytest.approx(0, abs=1e-12 * x.size)
    assert values["kid"] <= 0  # the pairs of a point with itself count between the samples, not within them
    assert (values["precision"], values["recall"], values["coverage"]) == (1, 1, 1)
    assert values["density"] == pytest.approx(1)  # a ball holds its own point and the k - 1 that are nearer than k


@given(SIZES, SEEDS)
def test_exchanging_the_samples(sizes: tuple[int, int, int], seed: int) -> None:
    n, m, d = sizes
    real, fake = normal(seed, n, d), 0.5 + normal(seed + 1, m, d)
    there, back = metrics(real, fake, 3), metrics(fake, real, 3)
    assert there["fid"] == pytest.approx(back["fid"], rel=1e-9)
    assert there["kid"] == pytest.approx(back["kid"], rel=1e-9, abs=1e-9)
    assert (there["precision"], there["recall"]) == (back["recall"], back["precision"])


@given(SIZES, SEEDS)
def test_rotation_reflection_and_order_change_nothing(sizes: tuple[int, int, int], seed: int) -> None:
    n, m, d = sizes
    real, fake = normal(seed, n, d), 0.5 + normal(seed + 1, m, d)
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    turned = metrics(rng.permutation(real) @ turn, rng.permutation(fake) @ turn, 3)
    assert turned == pytest.approx(metrics(real, fake, 3), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("block", [1, 130, 1000])
def test_the_block_size_changes_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # integers, so that many distances tie and a rounding error would show
    rng = np.random.default_rng(8)
    real, fake = rng.poisson(3, (64, 5)) / 3, rng.poisson(3, (41, 5)) / 3
    whole, kernel = precision_recall_density_coverage(real, fake), kernel_distance(real, fake)
    monkeypatch.setattr(kernel_module, "TILE", block)
    monkeypatch.setattr(neighbours, "TILE", block)
    assert precision_recall_density_coverage(real, fake) == whole
    assert kernel_distance(real, fake) == pytest.approx(kernel, rel=1e-9)


def test_single_precision_is_computed_in_double() -> None:
    real, fake = (normal(seed, 30, 4).astype(np.float32) + np.float32(1000) for seed in (1, 2))
    assert metrics(real, fake) == metrics(real.astype(np.float64), fake.astype(np.float64))


# planted failures


def test_dropped_modes_lower_recall_and_coverage_but_not_precision() -> None:
    real, full, dropped = modes(1, 400, 8), metrics(modes(2, 400, 8), modes(3, 400, 8)), modes(4, 400, 6)
    found = metrics(real, dropped)
    assert found["precision"] > 0.95
    assert found["recall"] < 0.8 < 0.95 < full["recall"]
    assert found["coverage"] < 0.8 < 0.95 < full["coverage"]
    assert found["fid"] > 20 * full["fid"]


def test_collapse_to_one_good_point() -> None:
    real = normal(1, 300, 4)
    found = metrics(real, np.zeros((300, 4)))
    assert found["precision"] == 1
    assert found["recall"] == 0
    assert found["coverage"] < 0.25


# intervals


def test_fidelity_reports_the_metrics_at_one_sample_size() -> None:
    real, fake, null = normal(1, 60, 3), 0.5 + normal(2, 90, 3), normal(3, 70, 3)
    result = fidelity(real, fake, null, rng=np.random.default_rng(4))
    rng = np.random.default_rng(4)
    cut = fake[np.sort(rng.choice(90, 70, replace=False))]
    assert tuple(result) == METRICS
    assert {name: result[name].estimate.value for name in METRICS} == metrics(real, cut)
    assert {name: result[name].null for name in METRICS} == metrics(real, null)
    for name in METRICS:
        value, low, high = result[name].estimate
        assert low is not None and value is not None and high is not None
        assert low <= value <= high and low < high
        assert high <= 1 or name not in ("precision", "recall", "coverage")
        assert low >= 0 or name == "kid"


def test_fidelity_depends_on_nothing_but_its_arguments() -> None:
    samples = normal(1, 40, 3), normal(2, 50, 3), normal(3, 40, 3)
    first, again = (fidelity(*samples, rng=np.random.default_rng(4)) for _ in range(2))
    assert first == again


def test_a_higher_level_gives_a_wider_interval() -> None:
    samples = normal(1, 60, 3), 0.5 + normal(2, 60, 3), normal(3, 60, 3)
    narrow, wide = (fidelity(*samples, level=level, rng=np.random.default_rng(4)) for level in (0.5, 0.99))
    for name in METRICS:
        assert (wide[name].estimate.low or 0) <= (narrow[name].estimate.low or 0)
        assert (wide[name].estimate.high or 0) > (narrow[name].estimate.high or 0)


def test_shares_without_a_hit_have_the_interval_of_no_event() -> None:
    result = fidelity(normal(1, 60, 2), normal(2, 80, 2) + 1e3, normal(3, 80, 2), rng=np.random.default_rng(4))
    adjusted = float(ndtri(0.025) / stdtrit(20, 0.025)) ** 2
    for name, count in (("precision", 80), ("recall", 60), ("coverage", 60)):
        value, low, high = result[name].estimate
        assert (value, low) == (0, 0)
        assert high == pytest.approx(1 - 0.025 ** (1 / (count * adjusted)))


def test_the_intervals_cover_the_expectation() -> None:
    rng = np.random.default_rng(9)

    def draw() -> tuple[Floats, Floats]:
        return rng.standard_normal((60, 4)), 0.4 + 0.9 * rng.standard_normal((60, 4))

    runs = [fidelity(*draw(), rng.standard_normal((60, 4)), rng=rng) for _ in range(100)]
    values = [metrics(*draw()) for _ in range(1000)]
    for name in METRICS:
        expected = np.mean([value[name] for value in values])
        ends = [(run[name].estimate.low or 0, run[name].estimate.high or 0) for run in runs]
        # 95% of 100, four standard errors below; the width must not be what buys the coverage
        assert sum(low <= expected <= high for low, high in ends) >= 87, name
        width = np.mean([high - low for low, high in ends]) / (2 * 1.96 * np.std([value[name] for value in values]))
        assert 0.9 < width < 1.4, name


# errors


def test_too_few_samples() -> None:
    with pytest.raises(UserError, match=r"5 fake samples are too few for 5 neighbours; give 6 or more"):
        metrics(normal(1, 6, 2), normal(2, 5, 2))
    with pytest.raises(UserError, match=r"11 null samples are too few for 5 neighbours; give 12 or more"):
        fidelity(normal(1, 12, 2), normal(2, 12, 2), normal(3, 11, 2), rng=np.random.default_rng(4))


def test_samples_that_are_not_finite() -> None:
    broken = normal(1, 20, 2)
    broken[3, 1], broken[7, 0] = np.nan, np.inf
    with pytest.raises(UserError, match="2 of 20 fake samples hold NaN or infinity"):
        metrics(normal(2, 20, 2), broken)
