"""Persistence diagrams of known shapes, distances between them, signatures and images, by hand and by others."""

from __future__ import annotations

import math
import tracemalloc
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from in_memory import InMemory
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, directed_hausdorff
from scipy.stats import gumbel_l

from gancensus.contracts.samples import Samples
from gancensus.domains.topology import diagrams as module
from gancensus.domains.topology.diagram_distances import born_together, bottleneck, wasserstein
from gancensus.domains.topology.diagrams import Diagram, diagram, draws
from gancensus.domains.topology.images import Grid, image
from gancensus.domains.topology.signature import ENTRIES, Frame, alive, frame, lengths, noise_ratio, signature

Floats = NDArray[np.float64]
NO_BARS = np.empty((0, 2))
BARS = arrays(np.float64, st.tuples(st.integers(0, 5), st.just(2)), elements=st.floats(0, 10, width=16)).map(
    lambda ends: np.sort(ends, axis=1)
)
DEATHS = st.lists(st.floats(0.125, 10, width=16), max_size=6).map(np.array)


def polygon(n: int, radius: float = 1.0) -> Floats:
    angle = 2 * np.pi * np.arange(n) / n
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


def figure_eight(n: int) -> Floats:
    return np.concatenate([polygon(n) - np.array([1, 0]), polygon(n) + np.array([1, 0])])


def torus(around: int, across: int) -> Floats:
    u, v = (2 * np.pi * np.arange(n) / n for n in (around, across))
    u, v = (side.ravel() for side in np.meshgrid(u, v))
    return np.column_stack([np.cos(u), np.sin(u), 0.5 * np.cos(v), 0.5 * np.sin(v)])


@pytest.mark.parametrize("n", [12, 30, 31, 60, 100])
def test_the_loop_of_a_regular_polygon(n: int) -> None:
    found = diagram(polygon(n))
    side, across = 2 * math.sin(math.pi / n), 2 * math.sin(math.pi * math.ceil(n / 3) / n)
    np.testing.assert_allclose(found.h1, [[side, across]], rtol=1e-12)
    np.testing.assert_allclose(found.h0, [[0, side]] * (n - 1), atol=1e-12)


def test_one_loop_of_a_circle_two_of_a_figure_eight_and_of_a_torus() -> None:
    for points, scale, loops in (
        (polygon(60), 0.5, 1),
        (figure_eight(60), 0.5, 2),
        (torus(30, 15), 0.6, 2),
    ):
        found = diagram(points)
        assert 1 + alive(found.h0, scale).sum() == 1
        assert alive(found.h1, scale).sum() == loops


def test_two_blobs_are_two_components() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.uniform(size=(2, 50, 3))
    other += [5, 0, 0]
    found = diagram(np.concatenate([one, other]))
    apart = cdist(one, other).min()
    assert found.h0[-1, 1] == pytest.approx(apart)
    assert 1 + alive(found.h0, 0.999 * apart).sum() == 2
    assert 1 + alive(found.h0, apart).sum() == 1


def test_few_and_equal_points() -> None:
    one = diagram(np.zeros((1, 3)))
    assert len(one.h0) == len(one.h1) == 0
    np.testing.assert_array_equal(diagram(np.array([[0.0, 0], [3, 4]])).h0, [[0, 5]])
    equal = diagram(np.ones((40, 2)))
    assert len(equal.h0) == len(equal.h1) == 0  # bars of no length
    twice = diagram(np.repeat(polygon(12), 2, axis=0))
    for found, expected in zip(twice, diagram(polygon(12)), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_bars_do_not_depend_on_the_order_of_points() -> None:
    points = np.random.default_rng(1).normal(size=(60, 3))
    for found, expected in zip(diagram(points[::-1]), diagram(points), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.5), st.integers(0, 3))
def test_diagrams_are_stable(seed: int, noise: float, more: int) -> None:
    """Bottleneck distances are at most twice the Hausdorff distance (Chazal, de Silva & Oudot 2014)."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(20, 2))
    b = np.concatenate([a + noise * rng.normal(size=a.shape), a[:more] + noise])
    apart = max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0])
    for one, other in zip(diagram(a), diagram(b), strict=True):
        assert bottleneck(one, other) <= 2 * apart + 1e-12


def by_hand(a: Floats, b: Floats) -> tuple[float, float]:
    """Least sum and least largest distance over all matchings, of each bar to another or to the diagonal."""
    best_sum = best_largest = math.inf
    for chosen in permutations(range(len(b) + len(a)), len(a)):  # beyond len(b): the diagonal
        costs = [
            np.abs(bar - b[k]).max() if k < len(b) else lengths(bar[None])[0] / 2
            for bar, k in zip(a, chosen, strict=True)
        ]
        costs += [lengths(b[k][None])[0] / 2 for k in set(range(len(b))) - set(chosen)]
        best_sum, best_largest = min(best_sum, sum(costs)), min(best_largest, max(costs, default=0))
    return best_sum, best_largest


@given(BARS.filter(lambda bars: len(bars) < 5), BARS.filter(lambda bars: len(bars) < 5))
def test_distances_are_those_of_all_matchings(a: Floats, b: Floats) -> None:
    total, largest = by_hand(a, b)
    assert wasserstein(a, b) == pytest.approx(total, abs=1e-12)
    assert bottleneck(a, b) == largest


def test_distances_are_those_of_hera() -> None:
    from gudhi.hera import bottleneck_distance, wasserstein_distance

    rng = np.random.default_rng(2)
    for _ in range(20):
        a, b = (np.cumsum(rng.exponential(size=(rng.integers(0, 60), 2)), axis=1) for _ in range(2))
        assert wasserstein(a, b) == pytest.approx(wasserstein_distance(a, b, order=1, internal_p=np.inf, delta=1e-7))
        assert bottleneck(a, b) == pytest.approx(bottleneck_distance(a, b, delta=0))


@given(st.lists(DEATHS, min_size=2, max_size=4))
def test_distances_of_bars_that_are_born_together(deaths: list[Floats]) -> None:
    first, second = np.triu_indices(len(deaths), 1)
    bars = [np.column_stack([np.zeros(len(ends)), ends]) for ends in deaths]
    total, largest = born_together(deaths, first, second)
    for i, j, both in zip(first, second, zip(total, largest, strict=True), strict=True):
        assert both == pytest.approx((wasserstein(bars[i], bars[j]), bottleneck(bars[i], bars[j])), abs=1e-12)


def test_the_signature_by_hand() -> None:
    one = Diagram(np.array([[0, 1], [0, 2], [0, 5.0]]), np.array([[1, 2], [2, 8], [3, 4.0]]))
    found = dict(zip(ENTRIES, signature(one, Frame(2.0, 3.0, 2.0)), strict=True))
    shares = np.array([1, 6, 1]) / 8
    assert found == {
        "b0": 2,  # the bar that ends at 2 is gone, one never ends
        "b1": 1,
        "loops": 1,
        "total_h0": 8,
        "total_h1": 8,
        "longest_h1": 6,
        "ratio_h1": 4,
        "entropy_h1": pytest.approx(-(shares * np.log(shares)).sum()),
    }
    none = signature(Diagram(NO_BARS, NO_BARS), Frame(2.0, 3.0, 2.0))
    np.testing.assert_array_equal(none, [1, 0, 0, 0, 0, 0, 1, 0])


def test_loops_that_stand_out_are_long_for_their_births_too() -> None:
    assert Frame(0, 1.0, 2.0).stand_out(np.array([[1, 1.9], [1, 2.1], [4, 6], [4, 9.0]])).tolist() == [0, 1, 0, 1]


def test_the_band_is_twice_a_distance_of_diagrams_and_the_scale_the_middle_of_the_loop() -> None:
    some = [diagram(polygon(30, radius)) for radius in (1.0, 1.1, 1.2, 1.3)]
    found = frame(some)
    assert found.band == pytest.approx(2 * bottleneck(some[0].h1, some[3].h1))
    birth, death = (np.array([one.h1[0, k] for one in some]) for k in (0, 1))
    assert found.scale == pytest.approx((birth.max() + death.min()) / 2)  # all loops are alive there
    assert frame(some, 0.5).scale == 0.5


def test_the_scale_without_loops_is_half_the_longest_bar() -> None:
    line = diagram(np.array([[0.0], [1.0], [2.0], [3.5]]))
    assert frame([line, line]) == Frame(0.75, 0.0, 1.0)


def test_the_scale_of_components_that_are_apart_is_between_their_bars_and_others() -> None:
    rng = np.random.default_rng(7)
    noise = [rng.normal(size=(100, 2)) for _ in range(10)]
    apart = [diagram(points + 12 * np.eye(3)[:, :2][rng.integers(0, 3, 100)]) for points in noise]
    assert {1 + int(alive(one.h0, frame(apart).scale).sum()) for one in apart} == {3}
    together = [diagram(points) for points in noise]
    assert sum(alive(one.h1, frame(together).scale).sum() for one in together) >= 2  # that of the longest loops


def test_the_ratio_of_noise_is_a_quantile_of_gumbels_distribution() -> None:
    """Bars whose log log ratio is such a number exceed the ratio with probability 0.05, one of all."""
    rng = np.random.default_rng(3)
    exceeded = []
    for _ in range(2000):
        level = 0.3 + gumbel_l.rvs(size=50, random_state=rng)
        bars = np.column_stack([np.ones(50), np.exp(np.exp(level))])
        exceeded.append((bars[:, 1] > noise_ratio(bars)).any())
    assert np.mean(exceeded) == pytest.approx(0.05, abs=0.02)
    assert noise_ratio(bars[:9]) == 1


@pytest.mark.parametrize("d", [2, 10])
def test_no_loop_of_noise_stands_out_and_those_of_a_shape_do(d: int) -> None:
    rng = np.random.default_rng(4)
    noise = [diagram(rng.normal(size=(150, d))) for _ in range(10)]
    assert np.mean([frame(noise).stand_out(one.h1).sum() for one in noise]) <= 0.1
    eight = figure_eight(500)
    shaped = [diagram(eight[rng.permutation(1000)[:150]] + 0.05 * rng.normal(size=(150, 2))) for _ in range(10)]
    found = frame(shaped)
    assert np.mean([found.stand_out(one.h1).sum() for one in shaped]) >= 1.8
    assert {int(alive(one.h1, found.scale).sum()) for one in shaped} == {2}


def test_images_are_those_of_gudhi() -> None:
    from gudhi.representations import PersistenceImage

    bars = diagram(np.random.default_rng(5).normal(size=(80, 2))).h1
    grid = Grid.of([bars])
    assert grid is not None
    ends = [grid.births[0], grid.births[-1], grid.lengths[0], grid.lengths[-1]]
    other = PersistenceImage(grid.bandwidth, lambda bar: bar[1], [len(grid.births), len(grid.lengths)], ends)
    np.testing.assert_allclose(image(bars, grid).T.ravel(), other.fit_transform([bars])[0], rtol=1e-9)
    assert Grid.of([NO_BARS]) is None
    assert not image(NO_BARS, grid).any()


class Counted(InMemory):
    """Rows that count how many were read."""

    def __init__(self, n: int) -> None:
        super().__init__(Samples(np.arange(2.0 * n, dtype=np.float32).reshape(n, 2), np.arange(n)), 100)
        self.read = 0

    def chunks(self, rows: slice, without_x: bool = False) -> Any:
        for chunk in super().chunks(rows, without_x):
            self.read += len(chunk)
            yield chunk


@pytest.mark.parametrize("large", [False, True])
def test_draws_are_disjoint_and_read_few_rows(large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Counted(100_000)
    if large:
        monkeypatch.setattr(module, "LARGEST", 1000)
        monkeypatch.setattr(module, "VALUES_AT_ONCE", 400)
    found = draws(rows, 50, 8, np.random.default_rng(6))
    assert found.shape == (8, 50, 2)
    taken = found[..., 0] / 2
    assert len(np.unique(taken)) == 400
    np.testing.assert_array_equal(found[..., 1], 2 * taken + 1)
    assert abs(taken.mean(axis=1) - 50_000).max() < 5 * 100_000 / math.sqrt(12 * 50)  # each from all over
    assert rows.read < (1000 if large else 100_001)
    np.testing.assert_array_equal(draws(rows, 50, 8, np.random.default_rng(6)), found)


def test_draws_of_wide_samples_are_in_memory_once() -> None:
    rows = InMemory(Samples(np.ones((400, 10_000), dtype=np.float32), np.arange(400)), 10)
    tracemalloc.start()
    found = draws(rows, 40, 9, np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.nbytes == 4 * 360 * 10_000
    assert peak < 1.2 * found.nbytes
