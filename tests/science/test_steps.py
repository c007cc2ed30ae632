"""The work of steps on arrays in memory: what a run and an audit both call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from gancensus.census.sweep import sweep_study
from gancensus.config.sections import Census
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Trained
from gancensus.contracts.samples import BLOCK, Samples, Scale
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.search.shards import add_up, merge_shards
from gancensus.search.thresholds import find_thresholds
from gancensus.storage.samples import SampleRows, write_samples
from gancensus.training.drawing import draw
from gancensus.training.splits import kept


class Echo(Trained):
    """Draws its noise, or the energy that each sample is made for."""

    kind: Literal["echo"] = "echo"
    conditional: ClassVar[bool] = True
    once: ClassVar[bool] = True

    def noise(
        self, samples: int, conditions: Mapping[str, NDArray[Any]], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        return np.stack([rng.random(samples), conditions["energy"]], axis=1).astype(np.float32)

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        return noise


def line(folder: Path, x: NDArray[Any]) -> dict[str | None, SampleRows]:
    """Points on a line as a population."""
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    write_samples(path, Samples(x.astype(np.float32)[:, None], np.arange(len(x))))
    return {None: SampleRows([path])}


def drawn(rows: slice, holdout: int = 600, samples: int = 600, population: str = "echo-0") -> Samples:
    energy = np.arange(holdout, dtype=np.float32)
    scale = Scale(("a",), ("1",), (0.0,), (1.0,))
    nothing = np.empty((holdout, 0), dtype=np.float32)
    like = Samples(nothing, np.arange(holdout), None, scale, {"energy": energy}, {"energy": "GeV"})
    return draw(Echo(samples=samples), {}, like, (2,), rows, population, "toy", 1, "cpu")


def test_parts_of_a_population_are_the_population() -> None:
    whole, first, rest = drawn(slice(0, 600)), drawn(slice(0, BLOCK)), drawn(slice(BLOCK, 600))
    np.testing.assert_array_equal(whole.x, np.concatenate([first.x, rest.x]))
    np.testing.assert_array_equal(whole.sample_id, np.concatenate([first.sample_id, rest.sample_id]))
    assert len(np.unique(whole.x[:, 0])) == 600  # each block has random numbers of its own
    assert not np.isin(drawn(slice(0, 600), population="echo-1").x[:, 0], whole.x[:, 0]).any()


def test_every_condition_of_holdout_is_used_once() -> None:
    found = drawn(slice(0, 600))
    np.testing.assert_array_equal(found.x[:, 1], found.conditions["energy"])
    np.testing.assert_array_equal(np.sort(found.conditions["energy"]), np.arange(600))
    assert found.units == {"energy": "GeV"}
    with pytest.raises(UserError, match="asks for 600 samples under the conditions of holdout, which has 599"):
        drawn(slice(0, 600), holdout=599)


def test_a_selection_leaves_what_it_keeps(tmp_path: Path) -> None:
    train = line(tmp_path, np.arange(10))[None]
    table = {"sample_id": np.array([7, 2, 5, 3]), "kept": np.array([True, True, False, True])}
    np.testing.assert_array_equal(kept(train, []).take(slice(None)).x[:, 0], np.arange(10))
    chosen = kept(train, [table])
    assert len(chosen) == 3
    np.testing.assert_array_equal(chosen.take(slice(1, None)).x[:, 0], [3, 7])


def test_shards_add_up() -> None:
    """Samples 10 to 13 of one population and 20, 21 of another; each shard has compared some of the pairs."""
    names = pa.array(["a"] * 4 + ["b"] * 2)
    whole = pa.table({"population": names, "sample_id": [10, 11, 12, 13, 20, 21], "duplicates": [0] * 6})
    counts = [{"duplicates": np.array([1, 0, 0, 0, 1, 0]), "partners": np.array([1, 1, 0, 0, 1, 1])}]
    counts += [{"duplicates": np.array([0, 0, 1, 0, 0, 1]), "partners": np.array([1, 1, 2, 2, 3, 3])}]
    repeats = add_up(whole, counts)
    assert repeats["duplicates"].tolist() == [1, 0, 1, 0, 1, 1]
    assert repeats["partners"].tolist() == [2, 2, 2, 2, 4, 4]
    found = merge_shards(
        ["close"],
        [
            {"i": np.array([i]), "j": np.array([j]), "close": np.array([d])}
            for i, j, d in ((12, 21, 0.5), (10, 20, 0.1))
        ],
        [{"step": "1", "samples": "4"}] * 2,
        repeats,
        100,
    )
    assert {name: column.tolist() for name, column in found.duplicates.items()} == {
        "i": [10, 12], "j": [20, 21], "close": [0.1, 0.5],
    }  # fmt: skip
    assert found.facts == {"samples": "4", "step": "1"}


def test_thresholds_are_quantiles_of_the_distances_of_all_pairs(tmp_path: Path) -> None:
    """Of points 0, 1, 3 and 7 on a line the six distances are 1, 2, 3, 4, 6 and 7; the second is a third of them."""
    found = find_thresholds(
        {"near": Euclidean(alpha=1 / 3), "far": Euclidean(alpha=5 / 6)},
        line(tmp_path, np.array([0, 1, 3, 7])),
        4,
        0.95,
        lambda name: np.random.default_rng(0),
        1000,
        "cpu",
    )
    assert found["metric"] == ("near", "far")
    np.testing.assert_allclose(found["threshold"], [2, 6])
    assert found["all_pairs"] == (6, 6)


def test_a_sweep_is_told_population_by_population(tmp_path: Path) -> None:
    """Half of the pairs of `calibrate` are within its median distance; of samples that are all alike, all are."""
    x = np.random.default_rng(0).random(200)
    populations = {
        name: line(tmp_path, values) for name, values in (("calibrate", x), ("holdout", x), ("gan-0", x * 0))
    }
    said: list[str] = []
    table = sweep_study("close", {"m": Euclidean(alpha=0.1)}, populations, Census(alphas=(0.5,)), said.append)
    assert said == ["sweep of holdout", "sweep of gan-0"]
    assert list(zip(table["population"], table["metrics"], strict=True)) == [("holdout", "m"), ("gan-0", "m")]
    np.testing.assert_allclose(table["collision"], [0.5, 1])
    np.testing.assert_allclose([table["ratio"][1], table["independent"][1]], [2, 0.5])
    assert table["ratio"][0] is None
