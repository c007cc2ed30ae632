from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.spatial.distance import cdist

from gancensus.search import neighbours as module
from gancensus.search.neighbours import (
    Floats,
    Incidence,
    SideIncidence,
    Sides,
    incidence,
    side_incidence,
    side_square_radii,
    square_radii,
)


class Case(NamedTuple):
    x: Floats
    y: Floats
    k: int


def brute_radii(x: Floats, k: int) -> Floats:
    distances = cdist(x, x, "sqeuclidean")
    np.fill_diagonal(distances, np.inf)
    return np.asarray(np.sort(distances, axis=1)[:, k - 1])


def brute_incidence(x: Floats, y: Floats, x_radii: Floats, y_radii: Floats) -> Incidence:
    distances = cdist(x, y, "sqeuclidean")
    in_x, in_y = distances < x_radii[:, None], distances < y_radii
    return Incidence(in_y.any(axis=1), in_x.any(axis=0), in_x.any(axis=1), int(in_x.sum()))


def check(case: Case, tile: int, rounding: float = 1e-13) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TILE", tile)
        radii = [square_radii(points, case.k) for points in case[:2]]
        found = incidence(case.x, case.y, *radii)
    for points, square in zip(case[:2], radii, strict=True):
        np.testing.assert_allclose(square, brute_radii(points, case.k), rtol=rounding, atol=0)
    for value, expected in zip(found, brute_incidence(case.x, case.y, *radii), strict=True):
        np.testing.assert_array_equal(value, expected)


def check_sides(case: Case, seed: int, tile: int) -> None:
    """In every split and on each side, the radii and incidences are those of its points alone."""
    k, rng = case.k, np.random.default_rng(seed)
    x_sides, y_sides = (random_sides(len(points), k, rng) for points in case[:2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TILE", tile)
        patch.setattr(module, "BITS", 2 + seed % 2)  # so that five splits take several passes
        radii = side_square_radii(case.x, x_sides, k), side_square_radii(case.y, y_sides, k)
        found = side_incidence(case.x, case.y, *radii, x_sides, y_sides)
        for s in range(x_sides.shape[1]):
            seen = [np.zeros(len(flags), dtype=np.bool_) for flags in found[:3]]
            for half, side in enumerate((1, -1)):
                i, j = np.flatnonzero(x_sides[:, s] == side), np.flatnonzero(y_sides[:, s] == side)
                if not len(i) or not len(j):
                    assert found.pairs[s, half] == 0
                    continue
                alone = [square_radii(points, k) for points in (case.x[i], case.y[j])]
                np.testing.assert_array_equal(radii[0][i, s], alone[0])
                np.testing.assert_array_equal(radii[1][j, s], alone[1])
                expected = incidence(case.x[i], case.y[j], *alone)
                for flags, members, value in zip(seen, (i, j, i), expected, strict=False):
                    flags[members] = value
                assert found.pairs[s, half] == expected.pairs
            for flags, value in zip(seen, found, strict=False):
                np.testing.assert_array_equal(value[:, s], flags)
    assert_no_side(found, x_sides, radii[0])


def assert_no_side(found: SideIncidence, x_sides: Sides, radii: Floats) -> None:
    out = x_sides == 0
    assert not found.x_in_y[out].any() and not found.x_holds_y[out].any() and not radii[out].any()


def random_sides(count: int, k: int, rng: np.random.Generator) -> Sides:
    """All on one side; more than k on each, with some on none where there are as many; few on the other side."""
    columns = [np.ones(count)]
    if count >= 2 * (k + 1):
        few = np.repeat([1, -1, 0], [k + 1, k + 1, count - 2 * (k + 1)])
        uneven = np.repeat([1, -1], [count - k - 1, k + 1])
        columns += [rng.permutation(sides) for sides in (few, few, uneven, uneven)]
    columns += [np.ones(count)] * (5 - len(columns))
    return np.stack(columns, axis=1).astype(np.int8)


def normal(n: int, d: int) -> Floats:
    return np.random.default_rng(n * d).standard_normal((n, d))


def clusters(n: int, d: int, spread: float, offset: float = 0.0) -> Floats:
    """Five narrow modes: within one, single precision sees nothing."""
    rng = np.random.default_rng(d)
    return offset + rng.standard_normal((5, d))[rng.integers(0, 5, n)] + spread * rng.standard_normal((n, d))


SCALES = 10.0 ** np.random.default_rng(1).uniform(-6, 6, 40)
REAL_NUMBERS = {
    "one dimension": Case(normal(150, 1), normal(120, 1) + 0.2, 5),
    "many dimensions": Case(normal(150, 2048), 0.97 * normal(151, 2048), 5),
    "odd dimensions": Case(normal(150, 131), 0.97 * normal(120, 131), 3),
    "barely more than k": Case(normal(6, 9), normal(7, 9), 5),
    "far from the origin": Case(1e7 + normal(150, 30), 1e7 + normal(120, 30), 5),
    "far apart": Case(1e5 + normal(150, 30), normal(120, 30), 5),
    "clusters": Case(clusters(150, 64, 1e-6), clusters(120, 64, 1e-6), 5),
    "a collapsed sample": Case(normal(150, 64), clusters(120, 64, 1e-7, 0.1), 5),
    "clusters far from the origin": Case(clusters(150, 300, 1e-5, 1e4), clusters(120, 300, 1e-5, 1e4), 5),
    "scales": Case(SCALES * normal(150, 40), SCALES * normal(120, 40), 5),
    "heavy tails": Case(normal(150, 20) / normal(3000, 1).reshape(150, 20), normal(120, 20), 5),
    "an outlier": Case(np.concatenate([normal(150, 20), 1e9 * normal(1, 20)]), normal(120, 20), 5),
    "tiny": Case(1e-40 * normal(150, 20), 1e-40 * normal(120, 20), 5),
    "huge": Case(1e60 * normal(150, 20), 1e60 * normal(120, 20), 5),
    "many neighbours": Case(normal(150, 20), normal(120, 20), 100),
}


@pytest.mark.parametrize("name", REAL_NUMBERS)
def test_it_finds_what_brute_force_finds(name: str) -> None:
    check(REAL_NUMBERS[name], 64)


@pytest.mark.parametrize("name", REAL_NUMBERS)
def test_sides_of_splits_are_what_their_points_alone_are(name: str) -> None:
    check_sides(REAL_NUMBERS[name], 1, 64)
    check_sides(REAL_NUMBERS[name]._replace(k=2), 2, 64)


@st.composite
def ties(draw: st.DrawFn) -> Case:
    """Few whole numbers, hence many equal distances and points; scaled and shifted so that every sum stays exact."""
    n, m, d = draw(st.integers(2, 40)), draw(st.integers(2, 40)), draw(st.sampled_from([1, 2, 3, 8, 9, 200]))
    k = draw(st.integers(1, min(n, m) - 1))
    reach = draw(st.sampled_from([0, 1, 5]))
    scale, offset = draw(st.sampled_from([(1.0, 0.0), (2.0**-30, 0.0), (2.0**-20, 1e6), (2.0**40, 0.0)]))
    seed = draw(st.integers(0, 2**32 - 1))
    whole = np.random.default_rng(seed).integers(-reach, reach + 1, (n + m, d))
    kept = draw(npst.arrays(np.int64, n + m, elements=st.integers(0, n + m - 1)))  # some points more than once
    x = np.asarray(whole[kept] if draw(st.booleans()) else whole, dtype=np.float64) * scale + offset
    return Case(x[:n], x[n:], k)


@given(ties(), st.sampled_from([5, 32, 1024]))
def test_it_finds_what_brute_force_finds_among_ties(case: Case, tile: int) -> None:
    check(case, tile, rounding=0)


@given(ties(), st.sampled_from([5, 32, 1024]), st.integers(0, 2**32 - 1))
def test_sides_of_splits_among_ties(case: Case, tile: int, seed: int) -> None:
    check_sides(case._replace(k=min(case.k, 1 + seed % 4)), seed, tile)


def test_all_candidates_tie() -> None:
    """Points of a grid and of a circle, with more neighbours at one distance than candidates are kept."""
    grid = np.stack(np.meshgrid(*[np.arange(4.0)] * 4), axis=-1).reshape(-1, 4)
    check(Case(grid, grid[::3] + 0.5, 3), 64, rounding=0)
    corners = np.concatenate([np.zeros((1, 60)), np.eye(60), -np.eye(60)])
    check(Case(corners, corners / 2, 2), 64, rounding=0)
    assert square_radii(corners, 2)[0] == 1


@pytest.mark.parametrize("far", [1.0, 1e3, 1e7])
def test_the_last_bit_decides(far: float) -> None:
    """A ball of radius 1 round 0; points of y on its edge, and one bit within. The far point makes the filter blunt."""
    x = np.zeros((3, 20))
    x[1, 0], x[2, 5] = 1, far
    y = np.zeros((4, 20))
    y[0, 1], y[1, 2], y[2, 3], y[3, 4] = 1, np.nextafter(1, 0), np.nextafter(1, 2), 2 * far
    found = incidence(x, y, np.array([1.0, 0.0, 0.0]), np.zeros(4))
    np.testing.assert_array_equal(found.y_in_x, [False, True, False, False])
    np.testing.assert_array_equal(found.x_holds_y, [True, False, False])
    assert found.pairs == 1
    back = incidence(y, x, np.zeros(4), np.array([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(back.x_in_y, [False, True, False, False])


@pytest.mark.parametrize("d", [1, 7, 64, 2048])
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_the_bounds_hold(d: int, offset: float) -> None:
    """Against differences in extended precision, and they are no wider than they have to be."""
    x = np.concatenate([offset + normal(40, d), offset + 1e-5 * normal(30, d), 1e3 * normal(2, d) + offset])
    frame = module._frame(x)
    cloud = module._cloud(x, frame)
    dots = cloud.points @ cloud.points.T
    low, high = (np.add.outer(half, half) - dots for half in (cloud.low, cloud.high))
    exact = np.ldexp(((x[:, None].astype(np.longdouble) - x) ** 2).sum(axis=2), -2 * frame.exponent) / 2
    assert (low <= exact).all() and (exact <= high).all()
    halves = np.ldexp(((x - x.mean(axis=0)) ** 2).sum(axis=1), -2 * frame.exponent) / 2
    assert (high - low <= 1.01 * 2 * (d + 8) * 2.0**-24 * np.add.outer(halves, halves) + 1e-29).all()


def test_values_do_not_depend_on_tiles_or_order() -> None:
    x, y = normal(200, 100), 0.9 * normal(150, 100)
    radii, y_radii = square_radii(x, 5), square_radii(y, 5)
    found = incidence(x, y, radii, y_radii)
    order = np.random.default_rng(1).permutation(200)
    np.testing.assert_array_equal(square_radii(x[order], 5), radii[order])
    moved = incidence(x[order], y, radii[order], y_radii)
    np.testing.assert_array_equal(moved.x_in_y, found.x_in_y[order])
    assert moved.pairs == found.pairs
    for tile in (1, 33, 150, 199):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "TILE", tile)
            np.testing.assert_array_equal(square_radii(x, 5), radii)
            for value, expected in zip(incidence(x, y, radii, y_radii), found, strict=True):
                np.testing.assert_array_equal(value, expected)
