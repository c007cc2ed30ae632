from __future__ import annotations

import math
from typing import Any

import numpy as np
import ot  # type: ignore[import-untyped]
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features
from gancensus.contracts.samples import Samples, Scale
from gancensus.distances import transport
from gancensus.domains.jets.metric_emd import Emd

POWERS = [1.0, 0.5]
MODES = [Emd(alpha=0.5, p=p, balanced=balanced) for p in POWERS for balanced in (True, False)]
MODE_NAMES = [f"p={m.p}-{'balanced' if m.balanced else 'unbalanced'}" for m in MODES]
WEIGHTS = st.sampled_from([0.0, 1.0, 1.0, 2.0, 3.0]) | st.floats(2**-7, 2**7, width=32)
COORDINATES = st.integers(-2, 2).map(float) | st.floats(-3, 3, width=32).filter(lambda v: v == 0 or abs(v) > 1e-9)


def samples(x: Any, scale: Scale | None = None) -> Samples:
    x = np.asarray(x, dtype=np.float32)
    return Samples(x, np.arange(100, 100 + len(x)), scale=scale)


def cloud(*particles: tuple[float, ...], padding: int = 0) -> NDArray[np.float32]:
    empty = (0.0,) * len(particles[0])
    return np.array([*particles, *[empty] * padding], dtype=np.float32)


def all_pairs(metric: Emd, x: Any, limit: float = math.inf) -> NDArray[np.float64]:
    features = metric.features(samples(x))
    n = len(features[0])
    i, j = np.indices((n, n)).reshape(2, -1)
    return metric.exact(features, features, i, j, limit).reshape(n, n)


def distance(metric: Emd, x: Any, y: Any) -> float:
    """The distance of two clouds, the shorter one padded."""
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    both = np.zeros((2, max(len(x), len(y)), x.shape[1]), np.float32)
    both[0, : len(x)], both[1, : len(y)] = x, y
    return float(all_pairs(metric, both)[0, 1])


def by_pot(metric: Emd, x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    """The same by Python Optimal Transport; what is left over goes to a particle at distance R of all."""
    a, b = x[:, 0].astype(float), y[:, 0].astype(float)
    if metric.balanced:
        a, b = a / a.sum(), b / b.sum()
    cost = (cdist(x[:, 1:].astype(float), y[:, 1:].astype(float)) / metric.R) ** metric.p
    cost = np.pad(cost, ((0, 1), (0, 1)), constant_values=1)
    a, b = np.append(a, max(0, b.sum() - a.sum())), np.append(b, max(0, a.sum() - b.sum()))
    cost[-1, -1] = 0
    return float(ot.emd2(a / a.sum(), b / b.sum(), cost, numItermax=10**7) * a.sum())


@st.composite
def clouds(draw: st.DrawFn, count: int, particles: int = 7, filled: bool = True) -> NDArray[np.float32]:
    """Clouds with ties, padding, repeated particles and single ones."""
    dimensions, particles = draw(st.integers(1, 3)), draw(st.integers(1, particles))
    weights = draw(npst.arrays(np.float32, (count, particles, 1), elements=WEIGHTS))
    if filled:
        assume((weights > 0).any(axis=(1, 2)).all())
    points = draw(npst.arrays(np.float32, (count, particles, dimensions), elements=COORDINATES))
    return np.concatenate([weights, points], axis=2)


def jets(count: int, particles: int, seed: int) -> NDArray[np.float32]:
    """Clouds with one to three prongs, falling weights, and centred on their mean."""
    rng = np.random.default_rng(seed)
    x = np.zeros((count, particles, 3))
    for k in range(count):
        prongs = rng.normal(0, 0.3, (rng.integers(1, 4), 2))
        here = rng.integers(len(prongs), size=particles)
        x[k, :, 0] = 100 * rng.pareto(1.5, particles) + 0.1
        x[k, :, 1:] = prongs[here] + rng.standard_t(2, (particles, 2)) * 0.05
        x[k, :, 1:] -= x[k, :, 0] @ x[k, :, 1:] / x[k, :, 0].sum()
    return x.astype(np.float32)


# Answers known in closed form


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("t", [0.0, 0.25, 3.0])
def test_two_point_masses_cost_their_distance_to_the_power_p(p: float, t: float) -> None:
    x, y = cloud((8, 0, 0)), cloud((8, 0.6 * t, 0.8 * t))
    R = 2.0
    assert distance(Emd(alpha=0.5, p=p, R=R, balanced=False), x, y) == pytest.approx(8 * (t / R) ** p, rel=1e-7)
    assert distance(Emd(alpha=0.5, p=p, R=R), x, y) == pytest.approx((t / R) ** p, rel=1e-7)


def test_a_concave_cost_prefers_one_long_way_to_two_short_ones() -> None:
    x, y = cloud((1, 0), (1, 1)), cloud((1, 1), (1, 2))
    assert distance(Emd(alpha=0.5, balanced=False), x, y) == pytest.approx(2, rel=1e-15)
    assert distance(Emd(alpha=0.5, balanced=False, p=0.5), x, y) == pytest.approx(math.sqrt(2), rel=1e-15)


@given(st.data(), st.integers(1, 30), st.integers(1, 30))
def test_on_a_line_it_is_the_wasserstein_distance_of_scipy(data: st.DataObject, m: int, n: int) -> None:
    x, y = (data.draw(npst.arrays(np.float32, (k, 2), elements=COORDINATES)) for k in (m, n))
    x[:, 0], y[:, 0] = np.abs(x[:, 0]) + 1, np.abs(y[:, 0]) + 1
    expected = wasserstein_distance(x[:, 1], y[:, 1], x[:, 0], y[:, 0])
    assert distance(Emd(alpha=0.5), x, y) == pytest.approx(expected, rel=1e-9, abs=1e-14)


def test_a_uniform_line_moves_by_its_shift() -> None:
    x = np.column_stack([np.ones(64), np.arange(64) / 64])
    assert distance(Emd(alpha=0.5), x, x + np.array([0, 0.375])) == pytest.approx(0.375, rel=1e-14)


def test_a_tiny_distance_keeps_its_digits() -> None:
    thirds, sevenths = cloud(*[(1, 0, 0)] * 3), cloud(*[(1, 0, 2**-30)] * 7)
    assert distance(Emd(alpha=0.5), thirds, sevenths) == pytest.approx(2**-30, rel=1e-12, abs=0)
    assert distance(Emd(alpha=0.5, p=0.5), thirds, sevenths) == pytest.approx(2**-15, rel=1e-12, abs=0)


@pytest.mark.parametrize("c", [0.0, 0.25, 1.0, 3.0])
@pytest.mark.parametrize("p", POWERS)
def test_scaling_all_weights_costs_the_difference_of_the_totals(c: float, p: float) -> None:
    x = jets(1, 20, 0)[0]
    total = x[:, 0].astype(float).sum()
    y = x * np.array([c, 1, 1], np.float32)
    expected = abs(y[:, 0].astype(float).sum() - total)
    assert expected == pytest.approx(abs(c - 1) * total, rel=1e-6)
    assert distance(Emd(alpha=0.5, p=p, balanced=False), x, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("p", POWERS)
def test_equal_weights_are_an_assignment(p: float) -> None:
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)  # ties everywhere
    a, b = np.column_stack([np.ones(36), grid]), np.column_stack([np.ones(36), grid[::-1] * [2, 1] + [1, 0]])
    cost = cdist(a[:, 1:], b[:, 1:]) ** p
    expected = cost[linear_sum_assignment(cost)].sum()
    assert distance(Emd(alpha=0.5, p=p, balanced=False), a, b) == pytest.approx(expected, rel=1e-12)
    assert distance(Emd(alpha=0.5, p=p), a, b) == pytest.approx(expected / 36, rel=1e-12)


def test_the_root_that_is_not_taken_would_break_the_triangle_inequality() -> None:
    x, z = cloud((1, 0), padding=1), cloud((1, 1), padding=1)
    y = cloud((0.5, 0), (0.5, 1))
    found = all_pairs(Emd(alpha=0.5, p=0.5), np.stack([x, y, z]))
    np.testing.assert_allclose([found[0, 1], found[1, 2], found[0, 2]], [0.5, 0.5, 1], rtol=1e-15)
    assert found[0, 1] ** 2 + found[1, 2] ** 2 < found[0, 2] ** 2  # W_p = EMD^(1 / p)


# The peer package


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
@given(st.data())
def test_it_is_that_of_pot(metric: Emd, data: st.DataObject) -> None:
    x, y = data.draw(clouds(2))
    assert distance(metric, x, y) == pytest.approx(by_pot(metric, x, y), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
def test_it_is_that_of_pot_for_a_hundred_particles(metric: Emd) -> None:
    x = jets(6, 100, 1)
    found = all_pairs(metric, x)
    for i in range(6):
        for j in range(i):
            assert found[i, j] == pytest.approx(by_pot(metric, x[i], x[j]), rel=1e-9)


@pytest.mark.parametrize("p", POWERS)
def test_it_is_that_of_pot_far_out_and_in_other_units(p: float) -> None:
    x = jets(5, 12, 2) * np.array([1e6, 300, 300], np.float32) + np.array([0, 0, 5e3], np.float32)
    metric = Emd(alpha=0.5, p=p, R=7.0)
    found = all_pairs(metric, x)
    for i in range(5):
        for j in range(i):
            assert found[i, j] == pytest.approx(by_pot(metric, x[i], x[j]), rel=1e-9)


# What always holds


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
@given(st.data())
def test_a_metric(metric: Emd, data: st.DataObject) -> None:
    x = data.draw(clouds(3))
    x[..., 1:] /= 6  # no two particles further apart than sqrt(3) R: unbalanced, 2 R is what a metric allows
    found = all_pairs(metric, x)
    assert (np.diag(found) == 0).all()
    assert (found >= 0).all()
    np.testing.assert_array_equal(found, found.T)  # to the last bit
    assert found[0, 2] <= (found[0, 1] + found[1, 2]) * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
@given(st.data())
def test_the_order_of_particles_and_padding_change_no_bit(metric: Emd, data: st.DataObject) -> None:
    x, y = data.draw(clouds(2))
    padded = np.concatenate([x, np.zeros_like(x)])
    padded[len(x) :, 1:] = 7  # coordinates without weight mean nothing
    shuffled = padded[data.draw(st.permutations(range(len(padded))))]
    assert distance(metric, x, shuffled) == 0
    assert distance(metric, shuffled, y) == distance(metric, x, y)


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
def test_a_collinear_split_changes_nothing(metric: Emd) -> None:
    x, y = jets(2, 30, 3)
    split = np.concatenate([x, x[:5], x[:5]])
    split[:5, 0], split[30:35, 0], split[35:, 0] = x[:5, 0] / 2, x[:5, 0] / 4, x[:5, 0] / 4
    assert distance(metric, split, y) == pytest.approx(distance(metric, x, y), rel=1e-12)
    assert distance(metric, split, x) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
@given(st.data())
def test_a_limit_changes_nothing_up_to_it_and_nothing_above_comes_below(metric: Emd, data: st.DataObject) -> None:
    x = data.draw(clouds(4, filled=False))
    found = all_pairs(metric, x)
    limit = data.draw(st.sampled_from(sorted({0.0, *found.ravel()})))
    limited = all_pairs(metric, x, limit)
    near = found <= limit
    np.testing.assert_array_equal(limited[near], found[near])
    assert (limited[~near] > limit).all()


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
def test_most_limits_spare_the_solver(metric: Emd, monkeypatch: pytest.MonkeyPatch) -> None:
    x = jets(40, 30, 4)
    found = all_pairs(metric, x)
    limit = float(np.quantile(found[np.triu_indices(40, 1)], 0.05))
    limited = all_pairs(metric, x, limit)
    near = found <= limit
    np.testing.assert_array_equal(limited[near], found[near])
    assert np.isinf(limited[~near]).mean() > 0.95


# Lower bounds


def profile_bounds(metric: Emd, features: Features) -> NDArray[np.float64]:
    _, _, totals, profile = features
    n = len(totals)
    return np.array(
        [
            [transport.profile_bound(profile[i], profile[j], totals[i] - totals[j], metric.p != 1) for j in range(n)]
            for i in range(n)
        ]
    )


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
@given(st.data(), st.sampled_from([0.01, 0.3, 1.0, 30.0]))
def test_no_bound_is_above_the_distance(metric: Emd, data: st.DataObject, size: float) -> None:
    x = data.draw(clouds(4, filled=False))
    x[..., 1:] *= size
    features = metric.features(samples(x))
    found = all_pairs(metric, x)
    points = metric.embed(features)
    reach = np.vectorize(metric.radius)(found)
    assert (cdist(points, points) <= reach).all()
    assert (profile_bounds(metric, features) <= found * (1 + 1e-9) + 1e-9).all()
    assert (cdist(points, points) <= profile_bounds(metric, features) + 1e-9).all()


@given(st.data(), st.sampled_from(POWERS))
def test_the_nearest_particles_are_no_further_than_the_plan_goes(data: st.DataObject, p: float) -> None:
    metric = Emd(alpha=0.5, p=p)
    x, y = data.draw(clouds(2))
    points, weights, _, _ = metric.features(samples(np.stack([x, y])))
    m, n = (int((w > 0).sum()) for w in weights)
    near = transport._nearest_cost(points[0], m, points[1], weights[1, :n], math.inf, p == 0.5, np.empty(n))
    a, b = x[x[:, 0] > 0].astype(float), y[y[:, 0] > 0].astype(float)
    expected = b[:, 0] @ cdist(a[:, 1:], b[:, 1:]).min(axis=0) ** p / b[:, 0].sum()
    assert near == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert near <= distance(metric, x, y) * (1 + 1e-12)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_bound_is_tight_for_a_shift(dimensions: int) -> None:
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.uniform(1, 2, 20), rng.normal(0, 0.3, (20, dimensions))])
    step = np.linspace(0.1, 0.3, dimensions)
    metric = Emd(alpha=0.5)
    both = np.stack([x, x + np.array([0, *step])]).astype(np.float32)
    bound = profile_bounds(metric, metric.features(samples(both)))[0, 1]
    assert bound == pytest.approx(np.linalg.norm(step), rel=1e-6)
    assert bound == pytest.approx(distance(metric, *both), rel=1e-6)


@pytest.mark.parametrize(("t", "square"), [(0.05, 0.05), (0.8, 0.8), (0.6, 0.4 + 0.2**2 / 0.4), (9, 0.8)])
def test_the_bound_for_the_root_is_tight_for_whole_bins(t: float, square: float) -> None:
    metric = Emd(alpha=0.5, p=0.5)
    both = np.array([[[1, 0]], [[1, t]]])
    assert profile_bounds(metric, metric.features(samples(both)))[0, 1] == pytest.approx(math.sqrt(square), rel=1e-6)


# Edges


def test_an_empty_cloud_costs_the_other_total_or_is_infinitely_far() -> None:
    x = np.stack([cloud((3, 1, 1), (2, 5, 5)), np.zeros((2, 3)), np.array([[0, 4, 4], [0, 1, 1]])])
    for p in POWERS:
        found = all_pairs(Emd(alpha=0.5, p=p, balanced=False), x)
        np.testing.assert_array_equal(found, [[0, 5, 5], [5, 0, 0], [5, 0, 0]])
        found = all_pairs(Emd(alpha=0.5, p=p), x)
        np.testing.assert_array_equal(found, [[0, np.inf, np.inf], [np.inf, 0, 0], [np.inf, 0, 0]])
        limited = all_pairs(Emd(alpha=0.5, p=p), x, 0.1)
        np.testing.assert_array_equal(limited, found)


def test_features_of_no_samples() -> None:
    metric = Emd(alpha=0.5)
    features = metric.features(samples(np.empty((0, 5, 3))))
    assert [len(array) for array in features] == [0, 0, 0, 0]
    assert metric.embed(features).shape == (0, 9)


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
def test_features_do_not_depend_on_the_samples_beside(metric: Emd) -> None:
    x = jets(9, 17, 6)
    whole = metric.features(samples(x))
    for k in range(9):
        for array, alone in zip(whole, metric.features(samples(x[k : k + 1])), strict=True):
            np.testing.assert_array_equal(array[k : k + 1], alone)


def test_weights_and_coordinates_are_in_natural_units() -> None:
    natural = np.stack([cloud((6, 1, 10), padding=1), cloud((3, 1, 10), (3, 3, 14))])
    scale = Scale(("pt", "eta", "phi"), ("GeV", "1", "rad"), (0, -5, -20), (8, 5, 20))
    scaled = samples(scale.encode(natural), scale)
    scaled.x[0, 1, 0] = np.nextafter(np.float32(-1), np.float32(-2))  # padding, rounded
    metric = Emd(alpha=0.5, balanced=False)
    features = metric.features(scaled)
    i, j = np.array([0]), np.array([1])
    assert metric.exact(features, features, i, j, math.inf)[0] == pytest.approx(3 * math.hypot(2, 4), rel=1e-6)
    assert features[1][0].tolist() == [pytest.approx(6, rel=1e-6), 0]


def test_a_negative_weight_is_named() -> None:
    x = jets(3, 4, 7)
    x[1, 2, 0] = -0.5
    with pytest.raises(UserError, match=r"sample 101 has the weight -0\.5"):
        Emd(alpha=0.5).features(samples(x))


@pytest.mark.parametrize("metric", MODES, ids=MODE_NAMES)
def test_totals_that_float64_cannot_square_are_refused(metric: Emd) -> None:
    x = jets(3, 4, 7).astype(np.float64)
    for factor in (1e-120, 1e120, np.inf):
        x[1, :, 0] = factor
        with pytest.raises(
            UserError, match=r"sample 1 has the total weight .*; it must be 0 or from 1e-100 to 1e\+100"
        ):
            metric.features(Samples(x, np.arange(3)))  # type: ignore[arg-type]  # as a scale can make them
    x[1, :, 0] = 1e99 / 4
    features = metric.features(Samples(x, np.arange(3)))  # type: ignore[arg-type]
    assert np.isfinite(metric.exact(features, features, np.array([0]), np.array([1]), math.inf)).all()


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 5, 6)])
def test_samples_that_are_no_clouds_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="clouds of particles"):
        Emd(alpha=0.5).features(samples(np.ones(shape)))


@pytest.mark.parametrize("wrong", [{"p": 0.7}, {"p": 2}, {"R": 0}, {"alpha": 0}])
def test_values_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Emd.model_validate({"alpha": 0.5, **wrong})


def test_a_whole_number_is_a_power_too() -> None:
    assert Emd.model_validate({"alpha": 0.5, "p": 1}).p == 1


def test_the_weight_may_stand_anywhere() -> None:
    """JetNet's order is eta, phi, pt."""
    rng = np.random.default_rng(4)
    x = np.dstack([rng.exponential(1, (6, 5, 1)), rng.normal(size=(6, 5, 2))])
    moved = x[..., [1, 2, 0]]
    np.testing.assert_array_equal(all_pairs(Emd(alpha=0.1, weight=2), moved), all_pairs(Emd(alpha=0.1), x))
    with pytest.raises(UserError, match=r"number 0 of each particle: .* \(`weight: 2` for eta, phi, pt\)"):
        Emd(alpha=0.1).features(samples(moved))
    with pytest.raises(UserError, match=r"a weight \(number 3\)"):
        Emd(alpha=0.1, weight=3).features(samples(x))


@pytest.mark.parametrize(("height", "columns"), [(4, 8), (8, 4), (8, 8)])
@pytest.mark.parametrize("p", POWERS)
def test_a_pixel_is_as_high_as_it_is_wide(height: int, columns: int, p: float) -> None:
    """One pixel that moves by k rows or k columns goes k pixels far, each 1 / W of the width."""
    for k in (1, 3):
        x = np.zeros((3, height, columns), np.float32)
        x[0, 0, 0] = x[1, k, 0] = x[2, 0, k] = 1
        found = all_pairs(Emd(alpha=0.5, p=p, width=2.0), x)
        assert found[0, 1] == found[0, 2] == pytest.approx((k * 2.0 / columns) ** p)
        assert found[1, 2] == pytest.approx((math.sqrt(2) * k * 2.0 / columns) ** p)
