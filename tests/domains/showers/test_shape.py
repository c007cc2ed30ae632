from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.special import kl_div

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features
from gancensus.contracts.samples import Samples, Scale
from gancensus.distances import shapes
from gancensus.domains.showers.metric_shape import FREQUENCY, WEIGHT, Shape

METRIC = Shape(alpha=0.5, axis=0)
LN2 = math.log(2)
DEPOSITS = st.one_of(
    st.just(0.0), st.floats(0, 1, width=32), st.floats(0, 2**-20, width=32), st.floats(0, 2**20, width=32)
)


def samples(x: NDArray[Any], scale: Scale | None = None) -> Samples:
    return Samples(x.astype(np.float32), np.arange(100, 100 + len(x)), scale=scale)


def image(low: float, high: float) -> Scale:
    return Scale(("energy",), ("GeV",), (low,), (high,))


def of_shares(p: NDArray[np.float64]) -> Features:
    """Features of given shares (n, bins), which float32 samples would round."""
    shares = shapes.profiles(shapes.Filled.within(p), 0)
    return (np.stack([shares, shapes.half_logarithms(shares)], axis=1),)


def all_pairs(a: Features, b: Features) -> NDArray[np.float64]:
    n, m = len(a[0]), len(b[0])
    i, j = np.indices((n, m)).reshape(2, -1)
    return METRIC.exact(a, b, i, j, math.inf).reshape(n, m)


def divergence(p: list[float], q: list[float]) -> float:
    return float(all_pairs(of_shares(np.array([p])), of_shares(np.array([q])))[0, 0])


def exactly(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """The divergence of shares as they are in memory, in 60 digits."""
    with localcontext() as context:
        context.prec = 60
        total = Decimal(0)
        for a, b in zip(map(Decimal, p.tolist()), map(Decimal, q.tolist()), strict=True):
            total += sum(x * (2 * x / (a + b)).ln() for x in (a, b) if x > 0) * Decimal("0.5")
        return float(total)


def sparse(seed: int, n: int, bins: int) -> NDArray[np.float32]:
    """Showers with empty bins, ranges of many decades, empty showers, copies and near copies."""
    rng = np.random.default_rng(seed)
    x = rng.gamma(0.3, size=(n, bins)) * (rng.random((n, bins)) < 0.8)
    x[-3:] = [np.zeros(bins), x[0], x[1] * (1 + 1e-6 * rng.standard_normal(bins))]
    return x.astype(np.float32)


# The value


@pytest.mark.parametrize("bins", [1, 2, 7, 8, 9, 25, 51, 64])
def test_it_is_the_square_of_scipy_s_distance(bins: int) -> None:
    x = sparse(bins, 30, bins).astype(np.float64)
    x = x[x.sum(axis=1) > 0]
    found = all_pairs(METRIC.features(samples(x)), METRIC.features(samples(x)))
    expected = np.square([[jensenshannon(p, q) for q in x] for p in x])
    np.testing.assert_allclose(found, np.nan_to_num(expected), rtol=0, atol=1e-12)  # scipy: the root of -1e-17 is NaN
    p = x / x.sum(axis=1, keepdims=True)
    middle = (p[:, None] + p) / 2
    seed = (kl_div(p[:, None], middle) + kl_div(p, middle)).sum(axis=-1) / 2
    np.testing.assert_allclose(found, seed, rtol=0, atol=1e-13)


def test_closed_forms() -> None:
    assert divergence([1, 0], [0.5, 0.5]) == pytest.approx(0.75 * math.log(4 / 3), rel=4e-15, abs=0)
    assert divergence([1, 0, 0], [0, 0.25, 0.75]) == pytest.approx(LN2, rel=4e-15, abs=0)
    assert divergence([0.5, 0.5, 0], [0, 0.5, 0.5]) == pytest.approx(LN2 / 2, rel=4e-15, abs=0)
    assert divergence([3, 1], [6, 2]) == 0
    for r in (1e-8, 1e-5, 1e-3):  # of both bins; the series of the function h
        expected = sum(r ** (2 * k) / (2 * k * (2 * k - 1)) for k in range(1, 9))
        assert divergence([(1 + r) / 2, (1 - r) / 2], [(1 - r) / 2, (1 + r) / 2]) == pytest.approx(
            expected, rel=1e-7, abs=0
        )


def test_every_bin_is_right_however_near_the_two_shares() -> None:
    """Two bins (1 + r) / 2 and (1 - r) / 2, exchanged, over all r and over where the polynomials meet: 2/31."""
    grid = np.concatenate([np.geomspace(1e-12, 1, 300), np.linspace(0.05, 0.08, 100), np.linspace(0, 1, 200)[1:-1]])
    p = np.column_stack([(1 + grid) / 2, (1 - grid) / 2])
    a, b = of_shares(p), of_shares(p[:, ::-1])
    found = METRIC.exact(a, b, np.arange(len(p)), np.arange(len(p)), math.inf)
    expected = [exactly(x, y) for x, y in zip(a[0][:, 0], b[0][:, 0], strict=True)]
    np.testing.assert_allclose(found, expected, rtol=2e-13)


@pytest.mark.parametrize("spread", [0, 1e-9, 1e-6, 1e-3, 0.03, 0.1, 1, 10])
def test_near_profiles_keep_their_digits(spread: float) -> None:
    """From copies to strangers, with shares down to 1e-30."""
    rng = np.random.default_rng(0)
    p = np.exp(rng.uniform(-70, 0, (20, 51)))
    a, b = of_shares(p), of_shares(p * np.exp(spread * rng.standard_normal(p.shape)))
    found = METRIC.exact(a, b, np.arange(20), np.arange(20), math.inf)
    expected = [exactly(x, y) for x, y in zip(a[0][:, 0], b[0][:, 0], strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_empty_samples_equal_each_other_and_nothing_else() -> None:
    features = METRIC.features(samples(np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0], [1e-30, 2e-30, 0]])))
    np.testing.assert_allclose(
        all_pairs(features, features)[:2], [[0, 0, LN2, LN2], [0, 0, LN2, LN2]], rtol=4e-15, atol=0
    )


@given(st.data(), st.integers(1, 6), st.integers(1, 20))
def test_what_always_holds(data: st.DataObject, n: int, bins: int) -> None:
    """Symmetric, from 0 to ln 2, 0 for equal profiles only; within the bounds of the roots; found by them."""
    x = data.draw(npst.arrays(np.float32, (n, bins), elements=DEPOSITS))
    near = x * (
        1 + np.float32(1e-6) * data.draw(npst.arrays(np.float32, (n, bins), elements=st.floats(-1, 1, width=32)))
    )
    features = METRIC.features(samples(np.concatenate([x, near])))
    found = all_pairs(features, features)
    np.testing.assert_array_equal(found, found.T)
    assert (found >= 0).all()
    assert (found <= LN2).all()
    shares = features[0][:, 0]
    np.testing.assert_array_equal(found == 0, (shares[:, None] == shares).all(axis=-1))
    points = METRIC.embed(features)
    apart = np.sqrt(np.square(points[:, None] - points).sum(axis=-1))
    assert (apart**2 <= found * (1 + 1e-9) + 1e-15).all()
    assert (apart**2 >= 0.97 * found - 1e-15).all()
    for threshold in {0.0, *found.ravel().tolist()}:
        assert (apart[found <= threshold] <= METRIC.radius(threshold)).all()


def test_the_two_terms_of_the_embedding_are_below_jensen_shannon_and_near() -> None:
    """The one-variable inequality behind the radius, in long double, on a grid that the ratio cannot leap over."""
    x = np.linspace(0.01, 30, 300_000, dtype=np.longdouble)
    whole = x * np.tanh(x) - np.log(np.cosh(x))
    terms = np.log(np.longdouble(2)) * (1 - (1 - WEIGHT + WEIGHT * np.cos(2 * FREQUENCY * x)) / np.cosh(x))
    ratio = terms / whole
    assert ratio.max() < 1
    assert ratio.min() > 0.97
    assert abs(np.diff(ratio)).max() < 1e-5  # between two points of the grid
    assert (1 - ratio)[x < 6].min() > 1e-3
    assert ratio[0] == pytest.approx(LN2 * (1 + WEIGHT * (2 * FREQUENCY) ** 2), rel=1e-3)


def test_the_radius_is_tight() -> None:
    """Disjoint profiles reach it; for near ones it is 0.9 % too wide."""
    p, q = of_shares(np.array([[1.0, 0], [0, 1], [0.5, 0.5], [0.501, 0.499]])), METRIC.embed
    points = q(p)
    assert METRIC.radius(LN2) == pytest.approx(np.linalg.norm(points[0] - points[1]), rel=2e-9)
    near = METRIC.radius(all_pairs(p, p)[2, 3]) / np.linalg.norm(points[2] - points[3])
    assert 1 < near < 1.015
    assert METRIC.radius(0.0) <= 1e-12


def test_values_do_not_depend_on_other_pairs() -> None:
    features = METRIC.features(samples(sparse(5, 40, 51)))
    i, j = np.indices((40, 40)).reshape(2, -1)
    found = METRIC.exact(features, features, i, j, math.inf)
    order = np.random.default_rng(0).permutation(len(i))
    np.testing.assert_array_equal(METRIC.exact(features, features, i[order], j[order], math.inf), found[order])
    alone = [METRIC.exact(features, features, i[k : k + 1], j[k : k + 1], math.inf)[0] for k in range(0, len(i), 17)]
    np.testing.assert_array_equal(alone, found[::17])
    assert len(METRIC.exact(features, features, i[:0], j[:0], 0.1)) == 0


def test_vectors_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled loops are what Python computes one operation at a time: no other order, no fused operations."""
    x = np.random.default_rng(1).gamma(0.5, size=(6, 3, 21, 19))
    x[:, 1, 4] = 0
    filled = shapes.Filled.within(x)
    place, value = filled.place, filled.value
    sums = filled.sums(1)
    np.testing.assert_array_equal(sums, shapes._marginals.py_func(place, value, 6, 3, 21, 19))
    shares = shapes.profiles(filled, 1)
    logarithms = shapes.half_logarithms(shares)
    np.testing.assert_array_equal(logarithms, shapes.half_logarithms.py_func(shares))
    table, (i, j) = np.stack([shares, logarithms], axis=1), np.indices((6, 6)).reshape(2, -1)
    compiled = shapes.divergences(table, table, i, j)
    monkeypatch.setattr(shapes, "_term", shapes._term.py_func)
    np.testing.assert_array_equal(compiled, shapes.divergences.py_func(table, table, i, j))


def test_values_of_0_change_no_bit() -> None:
    """Eight lanes a bin, each from the first value to the last, over all values."""
    x = np.random.default_rng(2).gamma(0.05, size=(5, 3, 21, 19)) * (
        np.random.default_rng(3).random((5, 3, 21, 19)) < 0.1
    )
    x[2] = 0
    lanes = np.zeros((5, 21, 8))
    for i in range(3):
        for j in range(19):
            lanes[:, :, j % 8] += x[:, i, :, j]
    t = np.moveaxis(lanes, -1, 0)
    expected = ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]))
    np.testing.assert_array_equal(shapes.Filled.within(x).sums(1), expected)


@pytest.mark.parametrize("shape", [(51, 51, 25), (5, 4, 3), (7, 30, 13), (3, 2, 301), (1, 1, 1)])
def test_cells_are_summed_as_numpy_sums_them(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(math.prod(shape))
    for share in (0.01, 0.3, 1.0):
        x = rng.gamma(0.2, size=(4, *shape)) * (rng.random((4, *shape)) < share)
        x[1] = 0
        found = shapes.cell_sums(shapes.Filled.within(x))
        sums = (x.sum(axis=(1, 2, 3)), x.sum(axis=2), x.sum(axis=1), x.sum(axis=(1, 3)), x.sum(axis=(1, 2)))
        for one, expected in zip(found, sums, strict=True):
            np.testing.assert_array_equal(one, expected)


def test_logarithms() -> None:
    rng = np.random.default_rng(2)
    p = np.concatenate(
        [rng.uniform(0, 1, 500), np.exp(rng.uniform(-745, 0, 500)), [1, 0.5, 5e-324, 1 - 2**-53, 0.7071]]
    )
    found = 2 * shapes.half_logarithms(p[None])[0]
    with localcontext() as context:
        context.prec = 40
        expected = np.array([float(Decimal(x).ln()) for x in p.tolist()])
    np.testing.assert_array_less(np.abs(found - expected), 1.01 * np.spacing(np.abs(expected)) + 1e-300)
    assert shapes.half_logarithms(np.zeros((1, 1)))[0, 0] == 0


# The profiles


@pytest.mark.parametrize(("axis", "sums"), [(0, "nijk->ni"), (1, "nijk->nj"), (2, "nijk->nk")])
def test_a_profile_sums_natural_values_over_the_other_axes(axis: int, sums: str) -> None:
    x = np.random.default_rng(3).uniform(-1, 1, (70, 4, 5, 6)).astype(np.float32)
    scale = image(2.0, 5.0)
    features = Shape(alpha=0.1, axis=axis).features(samples(x, scale))
    profile = np.einsum(sums, scale.decode(x))
    bins = profile.shape[1]
    expected = profile / profile.sum(axis=1, keepdims=True)
    assert features[0].shape == (70, 2, 8)
    np.testing.assert_allclose(features[0][:, 0, :bins], expected, rtol=1e-14)
    assert not features[0][:, :, bins:].any()
    np.testing.assert_allclose(2 * features[0][:, 1, :bins], np.log(expected), rtol=1e-13)


def test_features_do_not_depend_on_other_samples() -> None:
    whole = samples(sparse(4, 2 * shapes.SHOWERS_AT_ONCE + 3, 51).reshape(-1, 3, 17))
    metric = Shape(alpha=0.1, axis=1)
    (features,) = metric.features(whole)
    for rows in (slice(0, 1), slice(5, 50), np.array([66, 3, 40])):
        np.testing.assert_array_equal(metric.features(whole.take(rows))[0], features[rows])
    assert metric.features(whole.take(slice(0)))[0].shape == (0, 2, 24)


def test_the_empty_value_of_a_scale_is_nothing_deposited() -> None:
    x = np.full((3, 2, 2), -1.0, dtype=np.float32)
    x[1, 0, 0] = np.nextafter(np.float32(-1), np.float32(-2))
    x[2, 0, 0] = 1
    for scale in (image(0.0, 3.0), image(-1e-9, 3.0)):
        features = METRIC.features(samples(x, scale))
        np.testing.assert_array_equal(all_pairs(features, features)[0, :2], 0)
        assert all_pairs(features, features)[0, 2] == pytest.approx(LN2, rel=4e-15, abs=0)


def test_errors() -> None:
    x = np.zeros((40, 2, 3), dtype=np.float32)
    x[35, 1, 2] = -0.25
    with pytest.raises(UserError, match=r"^metric shape: sample 135 has the value -0.25, and profiles need .* repair"):
        METRIC.features(samples(x))
    with pytest.raises(UserError, match=r"^metric shape: sample 100 has the value -0.0001, "):
        METRIC.features(samples(np.full((1, 2), -1.0), image(-1e-4, 3.0)))
    with pytest.raises(UserError, match=r"^metric shape: samples have no axis 2; their axes are 0 to 1$"):
        Shape(alpha=0.1, axis=2).features(samples(np.abs(x)))
