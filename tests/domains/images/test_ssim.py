from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import ValidationError
from skimage.metrics import structural_similarity

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale
from gancensus.distances.ssim import SLOTS, TILE
from gancensus.domains.images.metric_ssim import Ssim
from gancensus.search.pairs import Side, find_pairs, merge

Array = NDArray[np.floating]
SHAPES = [(11, 11), (12, 11, 3), (11, 19, 2), (14, 18), (15, 26, 1), (25, 13, 2), (27, 30)]
WIDE = [(12, TILE + 10), (12, TILE + 11, 2), (13, 2 * TILE + 10), (11, 2 * TILE + 29, 2)]  # one tile, two, two, three


def metric(data_range: float, masked: bool = False) -> Ssim:
    return Ssim(alpha=0.5, data_range=data_range, masked=masked)


def samples_of(images: Array, scale: Scale | None = None) -> Samples:
    x = images.astype(np.float32) if scale is None else scale.encode(images)
    return Samples(x, np.arange(len(images)), scale=scale)


def distances(images: Array, data_range: float, masked: bool = False) -> Array:
    """All pairs, (n, n)."""
    m = metric(data_range, masked)
    features = m.features(samples_of(images))
    i, j = np.indices((len(images), len(images))).reshape(2, -1)
    return m.exact(features, features, i, j, np.inf).reshape(len(images), -1)


def by_the_formula(x: Array, y: Array, data_range: float, masked: bool = False) -> float:
    """1 - SSIM window by window, with centred moments."""
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weights = np.outer(line, line) / line.sum() ** 2
    h, w, planes = (*x.shape, 1)[:3]
    values = []
    for p in range(planes):
        a, b = (sliding_window_view(z.reshape(h, w, planes)[..., p].astype(np.float64), (11, 11)) for z in (x, y))
        m, n = ((weights * z).sum(axis=(2, 3), keepdims=True) for z in (a, b))
        v, u, c = ((weights * s * t).sum(axis=(2, 3)) for s, t in ((a - m, a - m), (b - n, b - n), (a - m, b - n)))
        m, n = m[..., 0, 0], n[..., 0, 0]
        c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
        similarity = (2 * m * n + c1) * (2 * c + c2) / ((m**2 + n**2 + c1) * (v + u + c2))
        full = (a != 0).any(axis=(2, 3)) | (b != 0).any(axis=(2, 3))
        values.append((1 - similarity)[full | (not masked)])
    windows = np.concatenate(values)
    return float(windows.mean()) if len(windows) else 0.0


def by_scikit_image(x: Array, y: Array, data_range: float) -> float:
    similarity = structural_similarity(  # type: ignore[no-untyped-call]
        x.astype(np.float64),
        y.astype(np.float64),
        channel_axis=-1 if x.ndim == 3 else None,
        data_range=data_range,
        gaussian_weights=True,
        use_sample_covariance=False,
    )
    return 1 - float(similarity)


def sparse(n: int, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Images empty but for a few values: none at all, one in a corner, a cluster, or a value here and there."""
    images = np.zeros((n, *shape))
    for k, image in enumerate(images):
        if k % 4 == 1:
            image[rng.integers(2) * -1, rng.integers(2) * -1] = rng.uniform(0.5, 2)
        if k % 4 == 2:
            r, c = (rng.integers(0, side - 4) for side in shape[:2])
            image[r : r + 4, c : c + 5] = rng.exponential(1, image[r : r + 4, c : c + 5].shape)
        if k % 4 == 3:
            image[rng.random(shape) < 0.02] = 1.0
    return images.astype(np.float32)


def showers(n: int, rng: np.random.Generator, energy: float = 1.0) -> Array:
    """Deposits of particle showers in GeV, 51 x 51 x 25: a core, a wide halo and nothing in most cells."""
    images = np.zeros((n, 51, 51, 25))
    for image in images:
        depth = rng.gamma(5, 1.6, 2000)
        radius = np.where(rng.random(2000) < 0.8, 0.4, 2.0) * np.sqrt(1 / rng.uniform(1e-3, 1, 2000) - 1)
        angle = rng.uniform(0, 2 * np.pi, 2000)
        x, y, z = (
            np.floor(v).astype(int) for v in (25.5 + radius * np.cos(angle), 25.5 + radius * np.sin(angle), depth)
        )
        inside = (x >= 0) & (x < 51) & (y >= 0) & (y < 51) & (z < 25)
        np.add.at(image, (x[inside], y[inside], z[inside]), energy / 2000)
    return images.astype(np.float32)


def halves(rng: np.random.Generator) -> Array:
    """Two 40 x 40 images with one hit each, 12 columns apart: each lights 121 of the 900 windows, none lights both."""
    images = np.zeros((2, 40, 40))
    images[0, 20, 12], images[1, 20, 24] = rng.uniform(0.01, 0.02, 2)
    return images


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES + WIDE, ids=str)
def test_it_is_the_formula(shape: tuple[int, ...], masked: bool) -> None:
    rng = np.random.default_rng(1)
    images = np.concatenate([sparse(8, shape, rng), rng.normal(0, 1, (3, *shape)), rng.uniform(3, 4, (2, *shape))])
    images = images.astype(np.float32)
    for data_range in (1.0, 1e-3):
        expected = [[by_the_formula(x, y, data_range, masked) for y in images] for x in images]
        np.testing.assert_allclose(distances(images, data_range, masked), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("data_range", [1e-4, 1e-2, 1.0])
def test_showers_have_scikit_images_value(data_range: float) -> None:
    rng = np.random.default_rng(2)
    images = np.concatenate([showers(3, rng), np.zeros((1, 51, 51, 25))])
    images[2] = images[1] * (1 + 1e-3 * rng.normal(size=images[1].shape))  # a near-duplicate
    images = images.astype(np.float32)
    expected = [[by_scikit_image(x, y, data_range) for y in images] for x in images]
    np.testing.assert_allclose(distances(images, data_range), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(28, 28), (51, 51, 3), (17, 140, 2)], ids=str)
def test_dense_images_have_scikit_images_value(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    images = np.concatenate([rng.uniform(0, 1, (2, *shape)), rng.normal(0, 1, (2, *shape))]).astype(np.float32)
    expected = [[by_scikit_image(x, y, 1.0) for y in images] for x in images]
    np.testing.assert_allclose(distances(images, 1.0), expected, rtol=0, atol=1e-13)


def test_values_are_in_natural_units() -> None:
    """Energies up to 0.02 GeV, scaled to [-1, 1]: an empty cell is 0 again, and the rest as fine as x."""
    rng = np.random.default_rng(4)
    images = showers(2, rng)
    samples = samples_of(images, Scale(("energy",), ("GeV",), (0.0,), (float(images.max()),)))
    natural = samples.natural()
    m = metric(1e-4)
    features = m.features(samples)
    np.testing.assert_array_equal(features[0] != 0, np.moveaxis(images, -1, 1) != 0)
    found = m.exact(features, features, np.array([0]), np.array([1]), np.inf)
    assert found[0] == pytest.approx(by_scikit_image(natural[0], natural[1], 1e-4), abs=1e-8)


def test_features_do_not_depend_on_the_samples_beside() -> None:
    """More samples than are decoded at a time; planes of a sample stay together."""
    images = np.random.default_rng(5).uniform(0, 1, (300, 11, 12, 2))
    whole, part = metric(1.0).features(samples_of(images)), metric(1.0).features(samples_of(images[250:]))
    assert whole[0].dtype == np.float32
    np.testing.assert_array_equal(whole[0], np.moveaxis(images, 3, 1).astype(np.float32))
    for a, b in zip(whole, part, strict=True):
        assert len(a) == 300
        np.testing.assert_array_equal(a[250:], b)


@pytest.mark.parametrize("data_range", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("masked", [False, True])
def test_equal_images_are_at_zero_exactly(data_range: float, masked: bool) -> None:
    rng = np.random.default_rng(6)
    constant = np.ones((300, 30, 30, 2)) * rng.uniform(1, 1e4, (300, 1, 1, 1))  # some variances round to below zero
    images = np.concatenate([sparse(8, (30, 30, 2), rng), rng.normal(0, 1, (2, 30, 30, 2)), constant])
    m = metric(data_range, masked)
    a, b = m.features(samples_of(images)), m.features(samples_of(images.copy()))
    rows = np.arange(len(images))
    np.testing.assert_array_equal(m.exact(a, b, rows, rows, 0.0), 0.0)


@pytest.mark.parametrize(("x", "y"), [(1.0, 3.0), (0.25, 0.0), (2.0, -2.0), (100.0, 101.0)])
def test_constant_images_differ_by_their_luminance(x: float, y: float) -> None:
    """The structures of constant images are equal, so that SSIM = (2 x y + C1) / (x^2 + y^2 + C1), C1 = (0.01 L)^2."""
    images = np.stack([np.full((20, 70, 2), value) for value in (x, y)])
    for data_range in (1.0, 50.0):
        c1 = (0.01 * data_range) ** 2
        expected = 1 - (2 * x * y + c1) / (x**2 + y**2 + c1)
        assert distances(images, data_range)[0, 1] == pytest.approx(expected, abs=1e-9)


def test_two_empty_images_are_the_same() -> None:
    for masked in (False, True):
        np.testing.assert_array_equal(distances(np.zeros((2, 15, 15, 2)), 1e-4, masked), 0.0)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", [(14, 16, 3), (12, TILE + 20)], ids=str)
def test_a_pair_has_one_value_in_any_company(shape: tuple[int, ...], masked: bool) -> None:
    """More samples than are held at a time, pairs in any order, alone, turned round, or repeated."""
    rng = np.random.default_rng(7)
    n = 2 * SLOTS + 7
    m = metric(0.1, masked)
    features = m.features(samples_of(np.where(rng.random((n, *shape)) < 0.1, rng.uniform(0, 1, (n, *shape)), 0)))
    i, j = np.indices((n, n)).reshape(2, -1)
    whole = m.exact(features, features, i, j, np.inf).reshape(n, n)
    np.testing.assert_array_equal(whole, whole.T)
    few = rng.permutation(n * n)[:500]
    few = np.concatenate([few, few[:50]])
    np.testing.assert_array_equal(m.exact(features, features, i[few], j[few], np.inf), whole[i[few], j[few]])
    for pair in few[:10]:
        a, b = (tuple(array[row[pair], None] for array in features) for row in (i, j))
        assert m.exact(a, b, np.array([0]), np.array([0]), np.inf)[0] == whole[i[pair], j[pair]]
    assert len(m.exact(features, features, i[:0], j[:0], np.inf)) == 0


@pytest.mark.parametrize("masked", [False, True])
def test_values_within_the_limit_are_exact_and_others_above_it(masked: bool) -> None:
    """Images of four planes and two tiles, so that there are seven places to stop early, and at some it does."""
    rng = np.random.default_rng(8)
    images = sparse(24, (14, TILE + 15, 4), rng) + np.where(rng.random(24) < 0.5, 0, 0.3).reshape(-1, 1, 1, 1)
    m = metric(0.1, masked)
    features = m.features(samples_of(images))
    i, j = np.triu_indices(len(images), k=1)
    exact = m.exact(features, features, i, j, np.inf)
    early = 0
    for limit in (0.0, *np.quantile(exact, [0.02, 0.3, 0.6, 0.99], method="lower")):
        found = m.exact(features, features, i, j, limit)
        within = exact <= limit
        assert within.any() or limit == 0
        np.testing.assert_array_equal(found[within], exact[within])
        assert (found[~within] > limit).all()
        early += int(np.count_nonzero(found != exact))
    assert early > 0


def test_the_search_finds_the_pairs_of_the_formula() -> None:
    rng = np.random.default_rng(9)
    base = rng.uniform(0, 1, (6, 13, 13))
    images = np.concatenate([base, base + rng.normal(0, 0.05, base.shape)]).astype(np.float32)
    m = metric(1.0)
    found = merge(list(find_pairs([m], [0.1], Side.of([m.features(samples_of(images))]))))
    i, j = np.triu_indices(12, k=1)
    near = np.array([by_the_formula(x, y, 1.0) <= 0.1 for x, y in zip(images[i], images[j], strict=True)])
    np.testing.assert_array_equal([found.i, found.j], [i[near], j[near]])
    assert 6 <= near.sum() < len(i)


def test_masked_is_over_the_windows_with_energy() -> None:
    """Two hits apart light 242 of 900 windows; the sum of the distances is the same, divided by fewer windows."""
    images = halves(np.random.default_rng(10))
    for data_range in (1e-4, 1e-1):
        plain, masked = (distances(images, data_range, m)[0, 1] for m in (False, True))
        assert masked == pytest.approx(plain * 900 / 242, rel=1e-12)


def test_masked_counts_windows_whose_values_cancel() -> None:
    """A window with mean zero is not empty."""
    images = np.zeros((2, 11, 11))
    images[0, 5, 4], images[0, 5, 6] = 1.0, -1.0
    plain, masked = (distances(images, 1.0, m)[0, 1] for m in (False, True))
    assert plain == masked > 0.9


def test_empty_windows_make_showers_alike_and_masked_does_not() -> None:
    """The planted defect: images that share nothing. Plain SSIM is at least the share of windows empty in both."""
    images = halves(np.random.default_rng(11))
    empty = 1 - 242 / 900
    ranges = [1e-6, 1e-4, 1e-2, 1.0]
    plain = [1 - distances(images, data_range)[0, 1] for data_range in ranges]
    masked = [1 - distances(images, data_range, masked=True)[0, 1] for data_range in ranges]
    assert plain == sorted(plain)  # the larger L, the more alike
    assert plain[0] == pytest.approx(empty, abs=1e-4)
    assert masked[0] == pytest.approx(0, abs=1e-4)
    assert plain[-1] > 0.99


IMAGES = npst.arrays(
    np.float32,
    st.tuples(st.just(2), st.integers(11, 14), st.integers(11, 20), st.integers(1, 2)),
    elements=st.just(0.0) | st.floats(-1e4, 1e4, width=32) | st.sampled_from([1.0, -1.0, 1e-6, 1e30, -1e30]),
    fill=st.sampled_from([0.0, 1.0, -1.0, 1e6]),
)


@given(IMAGES, st.sampled_from([1e-30, 1e-4, 1.0, 255.0, 1e30]), st.booleans())
def test_distances_are_symmetric_and_from_0_to_2(images: Array, data_range: float, masked: bool) -> None:
    found = distances(images, data_range, masked)
    assert ((found >= 0) & (found <= 2 + 1e-12)).all()
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diagonal(found), 0.0)
    assert masked is False or (found >= distances(images, data_range)).all()


@given(st.data(), st.sampled_from([1e-4, 1.0]), st.booleans())
def test_sparse_images_have_the_value_of_the_formula(data: st.DataObject, data_range: float, masked: bool) -> None:
    shape = data.draw(st.tuples(st.integers(11, 24), st.integers(11, 90)))
    images = np.zeros((3, *shape))
    for image in images:
        for _ in range(data.draw(st.integers(0, 4))):
            image[data.draw(st.integers(0, shape[0] - 1)), data.draw(st.integers(0, shape[1] - 1))] = 1.0
    expected = [[by_the_formula(x, y, data_range, masked) for y in images] for x in images]
    np.testing.assert_allclose(distances(images, data_range, masked), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(100,), (10, 30), (30, 10, 4), (12, 12, 12, 12)], ids=str)
def test_samples_that_are_no_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"metric ssim: samples have shape .*at least 11; use another metric"):
        metric(1.0).features(samples_of(np.zeros((2, *shape))))


@pytest.mark.parametrize("data_range", [0.0, -1.0, 1e-31, float("nan"), float("inf")])
def test_data_range_is_positive(data_range: float) -> None:
    with pytest.raises(ValidationError):
        metric(data_range)
