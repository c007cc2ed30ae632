from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from gancensus import pairs
from gancensus.metrics.euclidean import Euclidean
from gancensus.pairs import Pairs, all_distances, find_pairs, merge

METRIC = Euclidean(alpha=0.5)
TILES = st.integers(1, 12)
SAMPLES = st.integers(0, 20)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def exact_features(draw: st.DrawFn, samples: int) -> NDArray[np.float64]:
    """Features whose distances are exact in any order of summation: few small whole numbers, hence ties and copies.

    The scale and the offset leave them exact in float32 but make the filter's products cancel.
    """
    width = draw(st.integers(1, 4))
    whole = draw(npst.arrays(np.int64, (samples, width), elements=st.integers(-3, 3)))
    offset, scale = draw(st.sampled_from([(0.0, 1.0), (0.0, 2.0**-20), (1e4, 2.0**-10), (-1e6, 2.0**-4)]))
    return METRIC.features((whole * scale + offset).astype(np.float32))


def thresholds_of(features: NDArray[np.float64]) -> st.SearchStrategy[float]:
    """Thresholds that equal a distance, zero, or anything."""
    return st.sampled_from([0.0, *pdist(features)]) | st.floats(0, 1e3)


def brute_force(features: Sequence[NDArray[np.float64]], thresholds: Sequence[float]) -> Pairs:
    """Every pair, one by one, on exact features."""
    n = len(features[0])
    found = [(i, j) for i in range(n) for j in range(i + 1, n)]
    values = np.column_stack([pdist(f) if n > 1 else np.empty(0) for f in features])
    keep = (values <= np.asarray(thresholds)).all(axis=1)
    i, j = np.asarray(found, dtype=np.int64).reshape(-1, 2).T
    return Pairs(i[keep], j[keep], values[keep])


def same(a: Pairs, b: Pairs) -> bool:
    return all(x.shape == y.shape and x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@settings(max_examples=150)
@given(st.data(), SAMPLES, st.integers(1, 3), TILES, st.integers(1, 9))
def test_finds_what_brute_force_finds(data: st.DataObject, samples: int, metrics: int, tile: int, shards: int) -> None:
    features = [data.draw(exact_features(samples)) for _ in range(metrics)]
    thresholds = [data.draw(thresholds_of(f)) for f in features]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "TILE", tile)
        found = [find_pairs([METRIC] * metrics, features, thresholds, s, shards) for s in range(shards)]
        whole = find_pairs([METRIC] * metrics, features, thresholds)
    expected = brute_force(features, thresholds)
    assert same(whole, expected)
    assert same(merge(found), expected)  # a pair in two shards would be there twice


@settings(max_examples=100)
@given(st.data(), SAMPLES, TILES)
def test_all_distances_are_those_of_scipy(data: st.DataObject, samples: int, tile: int) -> None:
    features = data.draw(exact_features(samples))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "TILE", tile)
        found = all_distances(METRIC, features)
    np.testing.assert_array_equal(np.sort(found), np.sort(pdist(features)) if samples > 1 else np.empty(0))


@settings(max_examples=150)
@given(st.data(), st.integers(2, 12), st.integers(1, 5), TILES)
def test_no_pair_is_lost_whatever_the_numbers(data: st.DataObject, samples: int, width: int, tile: int) -> None:
    """Over all of float32: the threshold is some pair's own distance, which `<=` must keep."""
    features = METRIC.features(data.draw(npst.arrays(np.float32, (samples, width), elements=FLOATS)))
    distances = all_distances(METRIC, features)
    threshold = data.draw(st.sampled_from(distances.tolist()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "TILE", tile)
        found = find_pairs([METRIC], [features], [threshold])
    np.testing.assert_array_equal(np.sort(found.values[:, 0]), np.sort(distances[distances <= threshold]))


def test_a_large_offset_hides_no_duplicate() -> None:
    """Around 1e4 neighbours in float32 are 2^-10 apart; in the filter's squares, of 1e10, that is the last bits."""
    rng = np.random.default_rng(1)
    x = (1e4 + rng.integers(0, 1024, (300, 64)) * 2.0**-10).astype(np.float32)
    x[200:] = x[:100]
    x[250:, 0] = np.nextafter(x[250:, 0], np.float32(np.inf))
    found = find_pairs([METRIC], [METRIC.features(x)], [2.0**-10])
    assert found.i.tolist() == list(range(100))
    assert found.j.tolist() == list(range(200, 300))
    assert found.values[:, 0].tolist() == [0.0] * 50 + [2.0**-10] * 50


def test_values_do_not_depend_on_tiles_or_shards() -> None:
    """In the last bit, on real numbers: a matrix product of other shape sums in another order."""
    features = [METRIC.features(np.random.default_rng(2).standard_normal((90, d), dtype=np.float32)) for d in (40, 3)]
    thresholds = [8.5, 2.0]
    whole = find_pairs([METRIC] * 2, features, thresholds)
    assert 100 < len(whole.i) < 90 * 89 / 2
    for tile in (7, 16, 89):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pairs, "TILE", tile)
            for shards in (1, 2, 5):
                found = [find_pairs([METRIC] * 2, features, thresholds, shard, shards) for shard in range(shards)]
                assert same(merge(found), whole)


def test_the_order_of_the_metrics_changes_no_pair() -> None:
    features = [METRIC.features(np.random.default_rng(3).standard_normal((60, d), dtype=np.float32)) for d in (2, 5)]
    one = find_pairs([METRIC] * 2, features, [1.0, 2.5])
    other = find_pairs([METRIC] * 2, features[::-1], [2.5, 1.0])
    assert same(one, other._replace(values=other.values[:, ::-1]))
    alone = [
        set(zip(*find_pairs([METRIC], [f], [t])[:2], strict=True)) for f, t in zip(features, [1.0, 2.5], strict=True)
    ]
    assert set(zip(one.i, one.j, strict=True)) == alone[0] & alone[1]


# The Euclidean metric


@settings(max_examples=150)
@given(st.data(), st.integers(1, 6), st.integers(1, 32))
def test_the_exact_distance(data: st.DataObject, samples: int, width: int) -> None:
    a, b = (METRIC.features(data.draw(npst.arrays(np.float32, (samples, width), elements=FLOATS))) for _ in range(2))
    i, j = np.indices((samples, samples)).reshape(2, -1)
    found = METRIC.exact(a, b, i, j)
    np.testing.assert_allclose(found, [math.dist(a[p], b[q]) for p, q in zip(i, j, strict=True)], rtol=1e-15)
    np.testing.assert_allclose(found, np.sqrt(np.square(a[i] - b[j]).sum(axis=1)), rtol=1e-15)
    np.testing.assert_array_equal(found, METRIC.exact(b, a, j, i))
    order = np.random.default_rng(0).permutation(len(i))
    np.testing.assert_array_equal(found[order], METRIC.exact(a, b, i[order], j[order]))
    np.testing.assert_array_equal(found, [METRIC.exact(a, b, i[k : k + 1], j[k : k + 1])[0] for k in range(len(i))])


@settings(max_examples=150)
@given(st.data(), st.integers(1, 6), st.integers(1, 6), st.integers(1, 5))
def test_every_pair_within_the_threshold_is_a_candidate(data: st.DataObject, n: int, m: int, width: int) -> None:
    a, b = (METRIC.features(data.draw(npst.arrays(np.float32, (k, width), elements=FLOATS))) for k in (n, m))
    i, j = np.indices((n, m)).reshape(2, -1)
    exact = METRIC.exact(a, b, i, j).reshape(n, m)
    for threshold in {0.0, *exact.ravel().tolist()}:
        assert METRIC.candidates(a, b, threshold)[exact <= threshold].all()


def test_candidates_are_few() -> None:
    a = METRIC.features(np.random.default_rng(4).standard_normal((200, 10), dtype=np.float32))
    i, j = np.indices((200, 200)).reshape(2, -1)
    exact = METRIC.exact(a, a, i, j).reshape(200, 200)
    np.testing.assert_array_equal(METRIC.candidates(a, a, 3.0), exact <= 3.0)


def test_features_are_the_flattened_samples() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(METRIC.features(x), np.arange(24.0).reshape(2, 12))
    assert METRIC.features(x[:0]).shape == (0, 12)
