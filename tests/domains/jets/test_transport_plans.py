"""Distances without a limit: images, the simplex method against POT, all pairs on any number of threads."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import ot  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.spatial.distance import cdist

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features
from gancensus.contracts.samples import Samples, Scale
from gancensus.distances import simd
from gancensus.distances.simplex import Ends, least_cost, work_for
from gancensus.domains.jets.distances import across, within
from gancensus.domains.jets.metric_emd import Emd
from gancensus.domains.jets.toys import images_of, toy_jets
from gancensus.search.pairs import Side, find_pairs, merge, none, stacked

Floats = NDArray[np.float64]
POWERS = [1.0, 0.5]
SIZES = [(1, 1), (1, 150), (150, 1), (2, 3), (15, 16), (16, 17), (33, 31), (64, 64), (80, 80), (127, 129), (150, 150)]


def samples(x: Any, scale: Scale | None = None) -> Samples:
    x = np.asarray(x, dtype=np.float32)
    return Samples(x, np.arange(100, 100 + len(x)), scale=scale)


def cloud(weights: Floats, points: Floats) -> NDArray[np.float32]:
    return np.column_stack([weights, points]).astype(np.float32)[None]


def between(metric: Emd, x: Any, y: Any) -> float:
    """The distance of the only samples of x and y, which may have different shapes."""
    return float(across(metric, metric.features(samples(x)), metric.features(samples(y)), threads=1)[0, 0])


def by_pot(a: Floats, x: Floats, b: Floats, y: Floats, p: float, balanced: bool = True) -> float:
    """The same by Python Optimal Transport; what is left over goes to a particle at distance 1 of all."""
    if balanced:
        a, b = a / a.sum(), b / b.sum()
    cost = np.pad(cdist(x, y) ** p, ((0, 1), (0, 1)), constant_values=1)
    cost[-1, -1] = 0
    a, b = np.append(a, max(0, b.sum() - a.sum())), np.append(b, max(0, a.sum() - b.sum()))
    return float(ot.emd2(a / a.sum(), b / b.sum(), cost, numItermax=10**7) * a.sum())


def parts(x: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """The weights and the points of a cloud."""
    return x[0, :, 0].astype(np.float64), x[0, :, 1:].astype(np.float64)


def lit(image: NDArray[np.float32], width: float) -> tuple[Floats, Floats]:
    """The values above 0 and the centres of their pixels, as the contract has them."""
    rows, columns = np.nonzero(image)
    places = np.column_stack([rows + 0.5, columns + 0.5]) / image.shape[1] - np.array(image.shape) / image.shape[1] / 2
    return image[rows, columns].astype(np.float64), places * width


def toy_images(count: int, seed: int, pixels: int = 40, particles: int = 150) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return images_of(toy_jets(rng.integers(1, 4, count), particles, rng), pixels, 2.0)


# The peer package


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", ["generic", "equal weights", "lattice", "duplicates", "half of them empty", "spikes"])
def test_clouds_of_all_sizes_are_those_of_pot(size: tuple[int, int], p: float, balanced: bool, kind: str) -> None:
    rng = np.random.default_rng(sum(size))
    both = []
    for count in size:
        weights, points = rng.pareto(1.5, count) + 0.1, rng.normal(0, 0.4, (count, 2))
        if kind == "equal weights":
            weights[:] = 1
        elif kind == "lattice":
            points = np.rint(points * 4) / 4
        elif kind == "duplicates":
            points = points[rng.integers(max(1, count // 3), size=count)]
        elif kind == "half of them empty":
            weights[1::2] = 0
        elif kind == "spikes":
            points *= 10.0 ** rng.uniform(-6, 1, (count, 1))
        both.append(cloud(weights, points))
    x, y = both
    expected = by_pot(*parts(x), *parts(y), p, balanced)
    assert between(Emd(alpha=0.5, p=p, balanced=balanced), x, y) == pytest.approx(expected, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("p", POWERS)
def test_images_are_those_of_pot(p: float, balanced: bool) -> None:
    x = toy_images(12, 1) * np.linspace(1, 2, 12, dtype=np.float32)[:, None, None]
    metric = Emd(alpha=0.5, p=p, width=2.0, balanced=balanced)
    found = within(metric, metric.features(samples(x)))
    for i in range(12):
        for j in range(i):
            assert found[i, j] == pytest.approx(by_pot(*lit(x[i], 2.0), *lit(x[j], 2.0), p, balanced), rel=1e-9)


@pytest.mark.parametrize("p", POWERS)
def test_the_average_image_against_jets_is_that_of_pot(p: float) -> None:
    x = toy_images(100, 2)
    mean = x.mean(axis=0, keepdims=True) + np.float32(1e-6)
    metric = Emd(alpha=0.5, p=p, width=2.0)
    found = across(metric, metric.features(samples(mean)), metric.features(samples(x[:5])))
    expected = [by_pot(*lit(mean[0], 2.0), *lit(image, 2.0), p) for image in x[:5]]
    np.testing.assert_allclose(found[0], expected, rtol=1e-9)


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("far", [1e3, 1e6])
def test_what_float32_cannot_resolve_is_right(p: float, far: float) -> None:
    """Two clouds of a width of 10^-3 with a faint particle far out: the unit is that of the largest distance."""
    rng = np.random.default_rng(5)
    weights, points = rng.uniform(1, 2, (2, 30)), rng.normal(0, 1e-3, (2, 30, 2))
    weights[:, 0], points[:, 0] = 1e-9, far
    points[1, 0] = -far
    x, y = (cloud(w, x) for w, x in zip(weights, points, strict=True))
    expected = by_pot(*parts(x), *parts(y), p)
    assert between(Emd(alpha=0.5, p=p), x, y) == pytest.approx(expected, rel=1e-9, abs=2.0**-40 * (2 * far) ** p)


# The plan itself


def solved(x: Floats, y: Floats, half: bool, given: Floats, taken: Floats) -> float:
    return least_cost(work_for(len(given), len(taken)), Ends(x, y, half, 1.0), given, taken, np.inf)


@pytest.mark.parametrize("p", POWERS)
def test_common_mass_may_stay_where_it_is(p: float) -> None:
    x = toy_images(8, 3, pixels=32)
    metric = Emd(alpha=0.5, p=p, width=1.0)  # no distance is above sqrt(2), and the solver wants a unit cube
    points, weights, _, _ = metric.features(samples(x))
    found = within(metric, metric.features(samples(x)))
    for i in range(8):
        for j in range(i):
            a, b = weights[i] > 0, weights[j] > 0
            ends = np.ascontiguousarray(points[i][:, a]), np.ascontiguousarray(points[j][:, b])
            whole = solved(*ends, p != 1, weights[i][a] * 2.0**51, weights[j][b] * 2.0**51) / 2.0**51
            assert (x[i] * x[j] > 0).any()
            assert found[i, j] == pytest.approx(whole, rel=0, abs=2e-15)


@given(st.data(), st.sampled_from(POWERS))
def test_the_root_breaks_the_triangle_inequality_by_a_factor_at_most(data: st.DataObject, p: float) -> None:
    x = data.draw(npst.arrays(np.float32, (3, 6, 3), elements=st.floats(-1, 1, width=32)))
    x[..., 0] = np.abs(x[..., 0]) + 0.01
    metric = Emd(alpha=0.5, p=p)
    found = within(metric, metric.features(samples(x)), threads=1)
    root = found ** (1 / p)
    assert found[0, 2] <= found[0, 1] + found[1, 2] + 1e-12
    assert root[0, 2] <= 2 ** (1 / p - 1) * (root[0, 1] + root[1, 2]) + 1e-12


def test_the_root_does_break_the_triangle_inequality() -> None:
    ends = [cloud(np.array([1.0, 0.0]), np.array([[t, 0], [0, 0]])) for t in (0, 1)]
    middle = cloud(np.array([0.5, 0.5]), np.array([[0, 0], [1, 0]]))
    metric = Emd(alpha=0.5, p=0.5)
    root = within(metric, metric.features(samples(np.concatenate([ends[0], middle, ends[1]])))) ** 2
    np.testing.assert_allclose([root[0, 1], root[1, 2], root[0, 2]], [0.25, 0.25, 1], rtol=1e-15)


@pytest.mark.parametrize("p", POWERS)
def test_infrared_and_collinear_safety(p: float) -> None:
    rng = np.random.default_rng(6)
    x, y = toy_jets(np.array([3, 2]), 60, rng)[:, None]
    metric = Emd(alpha=0.5, p=p)
    soft = np.concatenate([x, [[[0, 0.7, 0.1]]]], axis=1)
    assert between(metric, soft, y) == between(metric, x, y)
    barely = np.concatenate([x, [[[1e-12 * x[..., 0].sum(), 0.7, 0.1]]]], axis=1)
    assert between(metric, barely, y) == pytest.approx(between(metric, x, y), abs=2e-12)
    split = np.concatenate([x * [0.25, 1, 1], x * [0.75, 1, 1]], axis=1)
    assert between(metric, split, y) == pytest.approx(between(metric, x, y), rel=1e-7)  # x is float32
    even = np.concatenate([x * [0.25, 1, 1], x * [0.25, 1, 1], x * [0.5, 1, 1]], axis=1)
    assert between(metric, even, y) == pytest.approx(between(metric, x, y), abs=1e-12)


# Images


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize(("shape", "width"), [((32, 32), 2.0), ((8, 16), 0.5)])
def test_an_image_is_the_cloud_of_its_pixel_centres(p: float, shape: tuple[int, int], width: float) -> None:
    rng = np.random.default_rng(7)
    x = (rng.exponential(1, (6, *shape)) * (rng.random((6, *shape)) < 0.3)).astype(np.float32)
    clouds = np.zeros((6, math.prod(shape), 3))
    for k, image in enumerate(x):
        weights, points = lit(image, width)
        clouds[k, : len(weights)] = np.column_stack([weights, points])
    ours, theirs = Emd(alpha=0.5, p=p, width=width), Emd(alpha=0.5, p=p)
    found = within(ours, ours.features(samples(x)))
    np.testing.assert_array_equal(found, within(theirs, theirs.features(samples(clouds))))
    assert (found[np.triu_indices(6, 1)] > 0).all()


@pytest.mark.parametrize("p", POWERS)
def test_two_pixels_are_as_far_apart_as_their_centres(p: float) -> None:
    x = np.zeros((2, 40, 40))
    x[0, 3, 5], x[1, 33, 15] = 1, 7
    metric = Emd(alpha=0.5, p=p, width=2.0, R=0.8)
    expected = (math.hypot(30, 10) * 2 / 40 / 0.8) ** p
    assert within(metric, metric.features(samples(x)))[0, 1] == pytest.approx(expected, rel=1e-14)


def test_features_of_images_do_not_depend_on_the_images_beside() -> None:
    metric = Emd(alpha=0.5, width=2.0)
    x = toy_images(9, 8)
    x[4] = 0
    alone = [metric.features(samples(x[k : k + 1])) for k in range(9)]
    assert len({features[0].shape for features in alone}) > 3
    whole = metric.features(samples(x))
    for array, again in zip(whole, stacked(alone), strict=True):
        np.testing.assert_array_equal(array, again)
    assert whole[0].shape[2] == (x > 0).sum(axis=(1, 2)).max()  # no room for empty pixels
    i, j = np.array([0]), np.array([0])
    single = [[metric.exact(a, b, i, j, math.inf)[0] for b in alone] for a in alone]
    np.testing.assert_array_equal(within(metric, whole), single)


def test_a_search_in_blocks_of_other_widths_finds_the_same() -> None:
    metric = Emd(alpha=0.5, width=2.0)
    x = toy_images(30, 9)
    values = within(metric, metric.features(samples(x)))
    threshold = float(np.quantile(values[np.triu_indices(30, 1)], 0.2))
    blocks = [slice(k, k + 7) for k in range(0, 30, 7)]
    side = Side(blocks, lambda rows: [metric.features(samples(x[rows]))])
    found = merge([none(1), *find_pairs([metric], [threshold], side)])
    i, j = np.nonzero(np.triu(values <= threshold, 1))
    np.testing.assert_array_equal(found.i * 30 + found.j, i * 30 + j)
    np.testing.assert_array_equal(found.values[:, 0], values[i, j])


def test_values_are_in_natural_units_and_may_be_rounded_below_0() -> None:
    x = np.zeros((2, 4, 4))
    x[0, 1, 1], x[1, 1, 2] = 100, 60
    scale = Scale(("pt",), ("GeV",), (0.0,), (128.0,))
    encoded = samples(scale.encode(x), scale)
    encoded.x[0, 0, 0] = np.nextafter(np.float32(-1), np.float32(-2))
    metric = Emd(alpha=0.5, width=4.0, R=2.0, balanced=False)
    found = within(metric, metric.features(encoded))
    assert found[0, 1] == pytest.approx(60 * 0.5 + 40, rel=1e-6)


def test_empty_images() -> None:
    x = np.zeros((3, 5, 5))
    x[0, 2, 2] = 3
    metric = Emd(alpha=0.5, width=1.0, balanced=False)
    np.testing.assert_array_equal(within(metric, metric.features(samples(x))), [[0, 3, 3], [3, 0, 0], [3, 0, 0]])
    assert [len(array) for array in metric.features(samples(x[:0]))] == [0, 0, 0, 0]


def test_what_is_no_image_is_refused() -> None:
    x = toy_images(3, 10)
    x[1, 2, 3] = -0.25
    with pytest.raises(UserError, match=r"sample 101 has the weight -0\.25, .* at least 0; remove or repair"):
        Emd(alpha=0.5, width=2.0).features(samples(x))
    with pytest.raises(UserError, match=r"shape \(40, 40, 1\); with `width` it compares images"):
        Emd(alpha=0.5, width=2.0).features(samples(x[..., None]))
    with pytest.raises(ValidationError, match="`weight` is for clouds and `width` for images"):
        Emd(alpha=0.5, width=2.0, weight=1)
    with pytest.raises(ValidationError, match="width"):
        Emd(alpha=0.5, width=0)


# All pairs


@pytest.mark.parametrize("p", POWERS)
def test_the_number_of_threads_changes_no_bit(p: float) -> None:
    x = toy_jets(np.arange(60) % 3 + 1, 30, np.random.default_rng(11))
    metric = Emd(alpha=0.5, p=p)
    features = metric.features(samples(x))
    found = within(metric, features, threads=1)
    np.testing.assert_array_equal(within(metric, features, threads=5), found)
    np.testing.assert_array_equal(found, found.T)
    assert (np.diag(found) == 0).all()
    np.testing.assert_array_equal(across(metric, features, features, threads=3), found)
    few: Features = tuple(array[::7] for array in features)
    np.testing.assert_array_equal(across(metric, few, features), found[::7])
    nothing: Features = tuple(array[:0] for array in features)
    assert across(metric, nothing, features).shape == (0, 60)
    assert within(metric, nothing).shape == (0, 0)


def test_jets_of_more_prongs_are_further_away() -> None:
    rng = np.random.default_rng(12)
    prongs = np.repeat([1, 3], 40)
    x = toy_jets(prongs, 80, rng)
    assert (np.diff(x[..., 0], axis=1) <= 0).all()
    np.testing.assert_allclose((x[..., :1] * x[..., 1:]).sum(axis=1) / x[..., 0].sum(axis=1)[:, None], 0, atol=1e-6)
    metric = Emd(alpha=0.5)
    found = within(metric, metric.features(samples(x)))
    near = np.sort(found[:, :40], axis=1)[:, 1:6].mean(axis=1)  # the first is a jet of one prong itself
    assert near[40:].min() > np.median(near[:40])
    np.testing.assert_allclose(images_of(x, 40, 2.0).sum(axis=(1, 2)), 1, rtol=1e-6)


# The vector instructions


@numba.njit
def cheapest_of(costs: Any, potentials: Any, bound: Any) -> Any:
    return simd.cheapest(costs.ctypes.data, potentials.ctypes.data, len(costs) // 16, bound)


@numba.njit
def below_of(costs: Any, potentials: Any, bound: Any) -> Any:
    return simd.below(costs.ctypes.data, potentials.ctypes.data, bound)


@numba.njit
def sets_of(a: Any, b: Any, c: Any, which: int) -> None:
    first, second, third = np.uint64(a.ctypes.data), np.uint64(b.ctypes.data), np.uint64(c.ctypes.data)
    quads = np.uint64(len(a) // 4)
    if which == 0:
        simd.take_away(first, second, second, quads)
    elif which == 1:
        simd.unite(first, second, second, quads)
    elif which == 2:
        simd.exchange(first, second, third, quads)
    else:
        simd.copy(first, second, third, quads)


@numba.njit
def added(values: Any, bits: Any, step: Any) -> None:
    simd.add_where(values.ctypes.data, bits.ctypes.data, len(values) // 16, step)


@given(st.data(), st.integers(1, 6))
def test_the_cheapest_is_the_least(data: st.DataObject, groups: int) -> None:
    numbers = st.integers(-4, 4).map(float) | st.floats(-2, 2, width=32)
    costs, potentials = (data.draw(npst.arrays(np.float32, 16 * groups, elements=numbers)) for _ in range(2))
    costs[data.draw(st.integers(0, 15)) :: 16] = np.inf
    bound = np.float32(data.draw(numbers))
    found, values = cheapest_of(costs, potentials, bound), costs - potentials
    assert found == -1 if values.min() >= bound else values[found] == values.min()
    bits = below_of(costs, potentials, bound)
    assert [bool(bits >> k & 1) for k in range(16)] == (values[:16] < bound).tolist()


@given(npst.arrays(np.uint64, (3, 8), elements=st.integers(0, 2**64 - 1)), npst.arrays(np.float32, 32))
def test_sets_and_steps(words: NDArray[np.uint64], values: NDArray[np.float32]) -> None:
    values = np.where(np.isnan(values), np.float32(0), values)
    a, b, c = words
    for which, expected in enumerate([(a & ~b, b, c), (a | b, b, c), (c, b, b & ~a), (c, c, c)]):
        found = words.copy()
        sets_of(*found, which)
        np.testing.assert_array_equal(found, expected)
    chosen = (a[0] >> np.arange(32, dtype=np.uint64)) & np.uint64(1) == 1
    step = np.float32(0.5)
    with np.errstate(over="ignore"):
        expected_values = np.where(chosen, values + step, values)
    found_values = values.copy()
    added(found_values, a, step)
    np.testing.assert_array_equal(found_values, expected_values)
