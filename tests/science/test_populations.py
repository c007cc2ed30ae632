from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features
from gancensus.contracts.samples import Samples
from gancensus.domains.general.metric_condition import Condition
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.domains.general.metric_scalar import Scalar
from gancensus.domains.jets.metric_emd import Emd
from gancensus.domains.showers.metric_shape import Shape
from gancensus.search.pairs import find_pairs as search
from gancensus.search.pairs import merge, none
from gancensus.search.populations import BASE_MEGABYTES, Population, condition_groups, condition_line


class InChunks:
    """Samples that come a few rows at a time, as from files, and a note of what was asked for."""

    def __init__(self, samples: Samples, step: int) -> None:
        self.samples, self.step, self.most = samples, step, 0
        self.where = "samples/gan-0"

    def __len__(self) -> int:
        return len(self.samples)

    def whole(self) -> Samples:
        return self.samples

    def chunks(self, rows: slice, without_x: bool = False) -> Iterator[Samples]:
        self.most = max(self.most, rows.stop - rows.start)
        for start in range(rows.start, max(rows.stop, rows.start + 1), self.step):
            yield self.samples.take(slice(start, min(start + self.step, rows.stop)))


def samples(x: NDArray[Any]) -> Samples:
    n = len(x)
    return Samples(x.astype(np.float32), np.arange(n), conditions={"energy": np.arange(n, dtype=np.float32) // 10})


@pytest.fixture
def two_spaces() -> tuple[Population, Samples, Samples]:
    rng = np.random.default_rng(0)
    raw, vectors = samples(rng.normal(size=(500, 4))), samples(rng.normal(size=(500, 2)))
    metrics = [Euclidean(alpha=0.1, encoder="pca"), Scalar(alpha=0.1), Euclidean(alpha=0.1)]
    return Population(metrics, {None: InChunks(raw, 37), "pca": InChunks(vectors, 50)}), raw, vectors


def test_features_come_from_each_metrics_space(two_spaces: tuple[Population, Samples, Samples]) -> None:
    population, raw, vectors = two_spaces
    first, second, third = population.features(slice(30, 200))
    np.testing.assert_array_equal(first[0], vectors.x[30:200])
    np.testing.assert_allclose(second[0], raw.x[30:200].sum(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(third[0], raw.x[30:200])


def test_some_rows_are_spread_through_all(two_spaces: tuple[Population, Samples, Samples]) -> None:
    population, raw, _ = two_spaces
    found = population.some(128)[2][0]
    np.testing.assert_array_equal(found, np.concatenate([raw.x[:64], raw.x[-64:]]))
    np.testing.assert_array_equal(population.some(500)[2][0], raw.x)


def test_blocks_fit_into_the_memory_and_change_no_result(two_spaces: tuple[Population, Samples, Samples]) -> None:
    population, _, _ = two_spaces
    wide, narrow = population.side(10_000), population.side(BASE_MEGABYTES + 0.1)
    assert len(wide.blocks) == 1
    assert len(narrow.blocks) == 2  # 256 rows are the least, however little memory there is
    thresholds = [1.0, 1.0, 1.5]
    metrics = [Euclidean(alpha=0.1), Scalar(alpha=0.1), Euclidean(alpha=0.1)]
    one, other = (merge([none(3), *search(metrics, thresholds, side)]) for side in (wide, narrow))
    assert len(one.i) > 100
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_memory_bounds_the_rows_that_are_held() -> None:
    """Rows of 8,000 bytes and 12 bytes a value for the filter, three blocks of them: 32 kB a row and 64 bytes."""
    rows = InChunks(samples(np.zeros((3000, 2000))), 100)
    side = Population([Euclidean(alpha=0.1)], {None: rows}).side(BASE_MEGABYTES + 96.3)
    assert max(block.stop - block.start for block in side.blocks) == 1000
    for block in side.blocks:
        side.read(block)
    assert rows.most == 1000


@pytest.mark.parametrize("dense", [0, 500, 999])
def test_a_row_takes_as_much_as_the_widest(dense: int) -> None:
    """Features of images are padded to the most lit pixels: 1,600 of one image, one to four of all others."""
    x = np.zeros((1000, 40, 40))
    for k in range(4):
        x[3 - k :: 4, 20, 18 : 19 + k] = 1
    x[dense] = 1
    population = Population([Emd(alpha=0.1, width=2)], {None: InChunks(samples(x), 100)})
    (all_rows,) = population.features(slice(0, 1000))
    row = sum(array.nbytes for array in all_rows) / 1000
    assert row > 24 * 1600
    side = population.side(BASE_MEGABYTES + 3 * 500 * row / 1e6)
    assert max(block.stop - block.start for block in side.blocks) <= 500
    assert len(side.blocks) == 3  # of 334, as the filter takes a little too


def test_only_rows_of_different_widths_are_all_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    population = Population([Emd(alpha=0.1)], {None: InChunks(samples(np.ones((5000, 3, 3))), 100)})
    read: list[int] = []
    features = population.features

    def noted(rows: slice) -> list[Features]:
        read.append(rows.stop - rows.start)
        return features(rows)

    monkeypatch.setattr(population, "features", noted)
    population.side(BASE_MEGABYTES + 10)
    assert sum(read) <= 300


def test_conditions_are_a_line_for_the_shards_and_groups_for_the_null() -> None:
    few = samples(np.zeros((40, 1)))
    near, equal = Condition(column="energy", tolerance=1), Condition(column="energy")
    line = condition_line([near], [few, few])
    assert line is not None
    np.testing.assert_array_equal(line[0], few.conditions["energy"])
    assert line[2] == pytest.approx(1)
    assert condition_line([], [few]) is None
    assert condition_groups([near], [few]) is None
    groups = condition_groups([equal, Condition(column="energy", bins=(2.0,))], [few])
    assert groups is not None
    assert [len(set(groups[k : k + 10])) for k in range(0, 40, 10)] == [1] * 4
    assert len(set(groups)) == 4
    assert condition_groups([], [few, few]) is not None


def test_many_conditions_make_as_many_groups() -> None:
    """A grid of 60 x 60 bins: no two of its 3,600 cells are taken for one."""
    first, second = (x.ravel().astype(np.float32) for x in np.indices((60, 60)))
    x = np.zeros((3600, 1), np.float32)
    grid = Samples(x, np.arange(3600), conditions={"energy": first, "angle": second})
    groups = condition_groups([Condition(column="energy"), Condition(column="angle")], [grid, grid])
    assert groups is not None
    assert len(set(groups)) == 3600
    np.testing.assert_array_equal(groups[:3600], groups[3600:])


def test_what_a_metric_refuses_is_said_with_its_place() -> None:
    rows = InChunks(samples(np.zeros((5, 1))), 2)
    with pytest.raises(UserError, match=r"^samples/gan-0: metric scalar: .*'angle'"):
        Population([Scalar(alpha=0.1, of="angle")], {None: rows}).features(slice(0, 5))


def test_a_generated_sample_is_named_by_its_row() -> None:
    bad = Samples(np.array([[1.0], [-1.0]], np.float32), np.array([5, 6]) + 7 * 10**9)
    rows = InChunks(bad, 2)
    with pytest.raises(UserError, match=r"^samples/gan-0: metric shape: sample 6"):
        Population([Shape(alpha=0.1, axis=0)], {None: rows}).features(slice(0, 2))


def test_a_population_that_fits_is_read_once() -> None:
    """And compared by any of its metrics, in the same blocks."""
    rng = np.random.default_rng(0)
    metrics = [Scalar(alpha=0.1), Euclidean(alpha=0.1), Scalar(alpha=0.2)]
    rows = InChunks(samples(rng.normal(size=(500, 4))), 37)
    plain = Population(metrics, {None: rows})
    held = plain.held(2000)
    rows.chunks = lambda *_: pytest.fail("read again")  # type: ignore[method-assign]
    rest = held.only([metrics[2], metrics[1]])
    rows = InChunks(samples(rows.samples.x), 37)
    expected = Population([metrics[2], metrics[1]], {None: rows})
    assert rest.side(2000).blocks == expected.side(2000).blocks
    for found, one in zip(rest.features(slice(7, 90)), expected.features(slice(7, 90)), strict=True):
        np.testing.assert_array_equal(found[0], one[0])
    for found, one in zip(rest.some(64), expected.some(64), strict=True):
        np.testing.assert_array_equal(found[0], one[0])
    large = Population([Euclidean(alpha=0.1)], {None: rows})
    assert large.held(BASE_MEGABYTES + 0.01) is large  # several blocks
