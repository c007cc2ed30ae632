from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from gancensus.contracts.samples import Samples
from gancensus.domains.general.metric_condition import Condition
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.domains.general.metric_scalar import Scalar
from gancensus.domains.showers.metric_shape import Shape
from gancensus.search import join, pairs
from gancensus.search.pairs import Pairs, Side, cut, deal, find_pairs, merge, none

METRIC = Euclidean(alpha=0.5)
BLOCKS = st.integers(1, 25)
SAMPLES = st.integers(0, 20)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def samples_of(x: NDArray[Any], **conditions: NDArray[Any]) -> Samples:
    named = {name: values.astype(np.float32) for name, values in conditions.items()}
    return Samples(x.astype(np.float32), np.arange(len(x)), conditions=named, units=dict.fromkeys(named, "1"))


def features(x: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return METRIC.features(samples_of(x))


def search(
    metrics: Sequence[Any],
    found: Sequence[tuple[NDArray[Any], ...]],
    thresholds: Sequence[float],
    longest: int = 10**9,
    others: Sequence[tuple[NDArray[Any], ...]] | None = None,
) -> Pairs:
    b = None if others is None else Side.of(others, longest)
    return merge([none(len(metrics)), *find_pairs(metrics, thresholds, Side.of(found, longest), b)])


@st.composite
def exact_features(draw: st.DrawFn, samples: int) -> tuple[NDArray[Any], ...]:
    """Features whose distances are exact in any order of summation: few small whole numbers, hence ties and copies.

    The scale and the offset leave them exact in float32 but make the filter's products cancel.
    """
    width = draw(st.integers(1, 4))
    whole = draw(npst.arrays(np.int64, (samples, width), elements=st.integers(-3, 3)))
    offset, scale = draw(st.sampled_from([(0.0, 1.0), (0.0, 2.0**-20), (1e4, 2.0**-10), (-1e6, 2.0**-4)]))
    return features(whole * scale + offset)


def distances_of(found: tuple[NDArray[Any], ...]) -> NDArray[np.float64]:
    return pdist(found[0].astype(np.float64)) if len(found[0]) > 1 else np.empty(0)


def thresholds_of(found: tuple[NDArray[Any], ...]) -> st.SearchStrategy[float]:
    """Thresholds that equal a distance, zero, or anything."""
    return st.sampled_from([0.0, math.inf, *distances_of(found)]) | st.floats(0, 1e3)


def within(values: NDArray[np.float64], thresholds: Sequence[float]) -> Pairs:
    """The pairs of a population whose distances, in the order of `pdist`, are within the thresholds."""
    n = (1 + math.isqrt(1 + 8 * len(values))) // 2
    i, j = np.triu_indices(n, k=1)
    keep = np.asarray((values <= np.asarray(thresholds)).all(axis=1))
    return Pairs(i[: len(values)][keep], j[: len(values)][keep], values[keep])


def same(a: Pairs, b: Pairs) -> bool:
    return all(x.shape == y.shape and x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(params=["int8", "float32"])
def rounding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every search in both ways of rounding, whatever the processor would choose."""
    from gancensus.distances import simd

    if request.param == "int8" and not simd.HAS_INT8_DOT:
        pytest.skip("this processor has no 8-bit products")
    monkeypatch.setattr(simd, "HAS_INT8_DOT", request.param == "int8")
    if request.param == "int8":
        monkeypatch.setattr(join, "CANDIDATE_COST", -1e9)  # always worth it
    return str(request.param)


@given(st.data(), SAMPLES, st.integers(1, 3), st.sampled_from([6, 64, 128, 1536]), BLOCKS)
def test_finds_what_brute_force_finds(
    rounding: str, data: st.DataObject, samples: int, metrics: int, tile: int, longest: int
) -> None:
    found = [data.draw(exact_features(samples)) for _ in range(metrics)]
    thresholds = [data.draw(thresholds_of(f)) for f in found]
    expected = within(np.column_stack([distances_of(f) for f in found]), thresholds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "TILE", tile)
        assert same(search([METRIC] * metrics, found, thresholds), expected)
        assert same(search([METRIC] * metrics, found, thresholds, longest), expected)


@given(st.data(), SAMPLES, SAMPLES, BLOCKS)
def test_pairs_between_populations_are_those_of_scipy(data: st.DataObject, n: int, m: int, longest: int) -> None:
    whole = data.draw(npst.arrays(np.int64, (n + m, 3), elements=st.integers(-2, 2)))
    a, b = features(whole[:n]), features(whole[n:])
    threshold = data.draw(st.sampled_from([0.0, 1.0, math.sqrt(2), 3.0]))
    distances = cdist(whole[:n], whole[n:]).reshape(n, m)
    i, j = np.nonzero(distances <= threshold)
    found = search([METRIC], [a], [threshold], longest, [b])
    assert same(found, Pairs(i, j, distances[i, j][:, None]))


@given(st.data(), st.integers(2, 12), st.integers(1, 5), BLOCKS)
def test_no_pair_is_lost_whatever_the_numbers(
    rounding: str, data: st.DataObject, samples: int, width: int, longest: int
) -> None:
    """Over all of float32: the threshold is some pair's own distance, which `<=` must keep."""
    found = features(data.draw(npst.arrays(np.float32, (samples, width), elements=FLOATS)))
    i, j = np.triu_indices(samples, k=1)
    distances = METRIC.exact(found, found, i, j, math.inf)
    threshold = data.draw(st.sampled_from(distances.tolist()))
    near = search([METRIC], [found], [threshold], longest)
    np.testing.assert_array_equal(np.sort(near.values[:, 0]), np.sort(distances[distances <= threshold]))


@pytest.mark.parametrize("width", [2, 5, 64, 130, 1000])
def test_many_points_in_many_tiles(rounding: str, width: int) -> None:
    """Sizes that are no multiple of any tile, padding or lane; thresholds from none to all."""
    x = np.random.default_rng(width).standard_normal((700, width), dtype=np.float32)
    x[600:650] = x[:50]
    i, j = np.triu_indices(700, k=1)
    distances = METRIC.exact(features(x), features(x), i, j, math.inf)
    for share in (0.0, 0.001, 0.2, 1.0):
        threshold = float(np.quantile(distances, share))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pairs, "TILE", 192)
            found = search([METRIC], [features(x)], [threshold])
        keep = distances <= threshold
        assert same(found, Pairs(i[keep], j[keep], distances[keep][:, None]))


def test_a_large_offset_hides_no_duplicate(rounding: str) -> None:
    """Around 1e4 neighbours in float32 are 2^-10 apart; in squares of 1e10 that is the last bits."""
    rng = np.random.default_rng(1)
    x = (1e4 + rng.integers(0, 1024, (300, 64)) * 2.0**-10).astype(np.float32)
    x[200:] = x[:100]
    x[250:, 0] = np.nextafter(x[250:, 0], np.float32(np.inf))
    found = search([METRIC], [features(x)], [2.0**-10])
    assert found.i.tolist() == list(range(100))
    assert found.j.tolist() == list(range(200, 300))
    assert found.values[:, 0].tolist() == [0.0] * 50 + [2.0**-10] * 50


def test_an_outlier_hides_no_duplicate(rounding: str) -> None:
    """One value a million times the others makes steps of 8 bits wider than all distances but its own."""
    x = np.random.default_rng(5).standard_normal((300, 16), dtype=np.float32)
    x[299] = 1e6
    x[100:200] = x[:100] + np.float32(2.0**-12)
    found = search([METRIC], [features(x)], [2.0**-9])
    assert found.i.tolist() == list(range(100))
    assert found.j.tolist() == list(range(100, 200))


def test_values_do_not_depend_on_blocks_or_shards() -> None:
    """In the last bit, on real numbers: a matrix product of other shape sums in another order."""
    rng = np.random.default_rng(2)
    found = [features(rng.standard_normal((90, d), dtype=np.float32)) for d in (40, 3)]
    whole = search([METRIC] * 2, found, [8.5, 2.0])
    assert 100 < len(whole.i) < 90 * 89 / 2
    for longest in (1, 7, 16, 89):
        side = Side.of(found, longest)
        for shards in (1, 2, 5):
            dealt = [deal(pairs.costs(side), shard, shards) for shard in range(shards)]
            assert sorted(chain.from_iterable(dealt)) == [task for task, cost in pairs.costs(side) if cost]
            parts = [batch for todo in dealt for batch in find_pairs([METRIC] * 2, [8.5, 2.0], side, todo=todo)]
            assert same(merge([none(2), *parts]), whole)


def test_the_order_of_the_metrics_changes_no_pair() -> None:
    rng = np.random.default_rng(3)
    found = [features(rng.standard_normal((60, d), dtype=np.float32)) for d in (2, 5)]
    one = search([METRIC] * 2, found, [1.0, 2.5])
    other = search([METRIC] * 2, found[::-1], [2.5, 1.0])
    assert same(one, other._replace(values=other.values[:, ::-1]))
    alone = [set(zip(*search([METRIC], [f], [t])[:2], strict=True)) for f, t in zip(found, [1.0, 2.5], strict=True)]
    assert set(zip(one.i, one.j, strict=True)) == alone[0] & alone[1]


@given(st.data(), SAMPLES, SAMPLES, BLOCKS)
def test_a_cascade_of_different_metrics(data: st.DataObject, n: int, m: int, longest: int) -> None:
    """Conditions, a window on a line, a filter in space: the result is the AND of all, within and between."""
    images = data.draw(npst.arrays(np.int64, (n + m, 4, 3), elements=st.integers(0, 2)))
    energy = data.draw(npst.arrays(np.int64, n + m, elements=st.integers(0, 4)))
    samples = samples_of(images, energy=energy)
    metrics = [
        Shape(alpha=0.5, axis=0),
        Condition(column="energy", tolerance=1),
        Scalar(alpha=0.5, of="sum"),
        Euclidean(alpha=0.5),
    ]
    thresholds = [
        data.draw(st.sampled_from([0.0, 0.05, 0.2, math.inf])),
        1.0,
        data.draw(st.sampled_from([0.0, 1.0, 3.0, math.inf])),
        data.draw(st.sampled_from([0.0, 1.0, 2.5, math.inf])),
    ]
    found = [metric.features(samples) for metric in metrics]
    everything = np.arange(n + m)
    i, j = (x.ravel() for x in np.meshgrid(everything, everything, indexing="ij"))
    values = np.column_stack([metric.exact(f, f, i, j, math.inf) for metric, f in zip(metrics, found, strict=True)])
    keep = (values <= thresholds).all(axis=1)
    expected = set(zip(i[keep].tolist(), j[keep].tolist(), strict=True))
    own = search(metrics, found, thresholds, longest)
    assert set(zip(own.i.tolist(), own.j.tolist(), strict=True)) == {(p, q) for p, q in expected if p < q}
    a, b = ([pairs.take(f, rows) for f in found] for rows in (slice(0, n), slice(n, n + m)))
    across = search(metrics, a, thresholds, longest, b)
    pairs_across = set(zip(across.i.tolist(), (across.j + n).tolist(), strict=True))
    assert pairs_across == {(p, q) for p, q in expected if p < n <= q}
    rows = {pair: tuple(row) for pair, row in zip(zip(i.tolist(), j.tolist(), strict=True), values, strict=True)}
    assert all(
        tuple(row) == rows[pair]
        for pair, row in zip(zip(own.i.tolist(), own.j.tolist(), strict=True), own.values, strict=True)
    )


@given(st.integers(0, 3000), st.integers(1, 700), st.integers(1, 9))
def test_blocks_cover_every_row_once(samples: int, longest: int, shards: int) -> None:
    blocks = cut(samples, longest, shards)
    assert [row for block in blocks for row in range(block.start, block.stop)] == list(range(samples))
    assert max(block.stop - block.start for block in blocks) <= longest


def test_shards_cost_about_the_same() -> None:
    for shards in (2, 3, 7, 20):
        side = Side.of([features(np.zeros((20_000, 1)))])
        side = Side(cut(20_000, 10**9, shards), side.read)
        costs = dict(pairs.costs(side))
        dealt = [sum(costs[task] for task in deal(list(costs.items()), shard, shards)) for shard in range(shards)]
        assert sum(dealt) == 20_000 * 19_999 / 2
        assert max(dealt) < 1.6 * min(dealt)


def test_blocks_under_other_conditions_cost_nothing_and_are_never_read() -> None:
    """Files sorted by energy: only blocks of the same energy meet."""
    energy = np.repeat([10.0, 20.0, 50.0, 100.0], 300)
    samples = samples_of(np.random.default_rng(6).normal(size=(1200, 3)), energy=energy)
    condition = Condition(column="energy", tolerance=1)
    points = condition.embed(condition.features(samples))
    assert points is not None
    line = (points[:, 0].astype(float), points[:, 0].astype(float), condition.radius(1.0))
    read: list[slice] = []

    def reader(rows: slice) -> list[tuple[NDArray[Any], ...]]:
        read.append(rows)
        return [metric.features(samples.take(rows)) for metric in (METRIC, condition)]

    side = Side(cut(1200, 300), reader)
    costs = pairs.costs(side, line=line)
    assert {task for task, cost in costs if cost} == {(k, k) for k in range(4)}
    assert sum(cost for _, cost in costs) == 4 * 300 * 299 / 2
    todo = [task for shard in range(3) for task in deal(costs, shard, 3)]
    found = merge([none(2), *find_pairs([METRIC, condition], [0.3, 1.0], side, todo=todo)])
    assert len(read) == 4
    assert same(found, search([METRIC, condition], reader(slice(0, 1200)), [0.3, 1.0]))
    assert len(found.i) > 10


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_few_samples(samples: int) -> None:
    found = search([METRIC], [features(np.zeros((samples, 3)))], [0.0])
    assert found.i.tolist() == [0] * (samples == 2)
    assert found.values.shape == (samples == 2, 1)


def test_all_samples_equal() -> None:
    found = search([METRIC], [features(np.full((200, 7), 0.3))], [0.0], 60)
    assert len(found.i) == 200 * 199 // 2
    assert not found.values.any()


# The Euclidean metric


@given(st.data(), st.integers(1, 6), st.integers(1, 32))
def test_the_exact_distance(data: st.DataObject, samples: int, width: int) -> None:
    a, b = (features(data.draw(npst.arrays(np.float32, (samples, width), elements=FLOATS))) for _ in range(2))
    i, j = np.indices((samples, samples)).reshape(2, -1)
    found = METRIC.exact(a, b, i, j, math.inf)
    np.testing.assert_allclose(found, [math.dist(a[0][p], b[0][q]) for p, q in zip(i, j, strict=True)], rtol=1e-15)
    np.testing.assert_allclose(found, np.sqrt(np.square(a[0][i].astype(float) - b[0][j]).sum(axis=1)), rtol=1e-15)
    np.testing.assert_array_equal(found, METRIC.exact(b, a, j, i, math.inf))
    order = np.random.default_rng(0).permutation(len(i))
    np.testing.assert_array_equal(found[order], METRIC.exact(a, b, i[order], j[order], math.inf))
    np.testing.assert_array_equal(
        found, [METRIC.exact(a, b, i[k : k + 1], j[k : k + 1], math.inf)[0] for k in range(len(i))]
    )


def test_features_are_the_flattened_samples() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(features(x)[0], np.arange(24.0).reshape(2, 12))
    assert features(x[:0])[0].shape == (0, 12)


@pytest.mark.parametrize("size", [1e-30, 1.0, 2e7, 1e12, 2.0**52])
@pytest.mark.parametrize("tolerance", [0.0, 1.0])
def test_every_pair_under_equal_conditions_is_dealt_whatever_their_size(size: float, tolerance: float) -> None:
    """Beams of 20, 50, 100 and 200 GeV in keV are farther from 0 than any fixed margin reaches."""
    rng = np.random.default_rng(8)
    energy = rng.choice([1.0, 1.5, 1.75, 2.0], 600) * size
    points = energy[:, None]
    condition = Condition(column="energy", tolerance=tolerance * size / 4)
    line = (energy, energy, condition.radius(condition.fixed))
    side = Side(cut(600, 100), lambda rows: [(points[rows], points[rows].sum(axis=1)), (energy[rows],)])
    dealt = [task for shard in range(4) for task in deal(pairs.costs(side, line=line), shard, 4)]
    found = [len(part.i) for part in find_pairs([METRIC, condition], [math.inf, condition.fixed], side, todo=dealt)]
    expected = np.abs(energy[:, None] - energy) <= condition.fixed
    assert sum(found) == (expected.sum() - 600) / 2
    assert sum(cost for _, cost in pairs.costs(side, line=line)) == sum(found)
