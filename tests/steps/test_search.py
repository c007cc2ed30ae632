"""The search for duplicates from files to tables: thresholds, pairs, merge_pairs and sweep as the rules call them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples, Samples, Scale
from gancensus.storage import tables
from gancensus.storage.samples import SampleRows, write_samples
from gancensus.storage.schemas import REPEATS, THRESHOLDS, duplicates
from gancensus.storage.tables import about, columns, write_table

Step = Callable[..., subprocess.CompletedProcess[str]]
EUCLIDEAN = {"close": {"kind": "euclidean", "alpha": 0.05}}
SHOWERS = {
    "beam": {"kind": "condition", "column": "energy", "tolerance": 1},
    "deposit": {"kind": "scalar", "alpha": 0.3},
    "depth": {"kind": "shape", "axis": 1, "alpha": 0.3},
}


def write(folder: Path, x: NDArray[Any], parts: int = 1, first: int = 0, **conditions: NDArray[Any]) -> list[Path]:
    """Write a population in parts."""
    scale = Scale(("energy",), ("GeV",), (-1.0,), (1.0,))
    units = dict.fromkeys(conditions, "GeV")
    named = {name: values.astype(np.float32) for name, values in conditions.items()}
    samples = Samples(x.astype(np.float32), np.arange(len(x)) + first, None, scale, named, units)
    paths = []
    for part, rows in enumerate(np.array_split(np.arange(len(x)), parts)):
        paths.append(folder / f"{part}.parquet")
        write_samples(paths[-1], samples.take(rows))
    return paths


def find_thresholds(
    step: Step, folder: Path, definition: dict[str, Any], features: Sequence[Path], holdout: Sequence[Path] = ()
) -> Any:
    options = ["--study", "s", "--name", "d", "--definition", json.dumps(definition), "--level", 0.95, "--seed", 1]
    options += ["--memory", 1000, "--device", "cpu", "--features", *features]
    return step("thresholds", *options, "--holdout", *holdout, "--output", folder / "thresholds.parquet")


def search(
    step: Step,
    folder: Path,
    definition: dict[str, Any],
    populations: Mapping[str, Sequence[Path]],
    shards: int = 1,
    cap: int = 10**6,
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Run the search, or every shard and the merge; return both tables and what was said."""
    merged = (folder / "duplicates.parquet", folder / "repeats.parquet")
    outputs, said = [], ""
    for shard in range(shards):
        place = folder / f"{shard}" if shards > 1 else folder
        pair = (place / "duplicates.parquet", place / "repeats.parquet")
        options = ["--definition", json.dumps(definition), "--thresholds", folder / "thresholds.parquet"]
        options += ["--shard", shard, "--shards", shards, "--memory", 1000, "--cap", cap, "--device", "cpu"]
        options += ["--searches", json.dumps([list(populations)]), "--populations", *populations]
        options += ["--features", *(path for paths in populations.values() for path in paths)]
        run = step("pairs", *options, "--duplicates", pair[0], "--repeats", pair[1])
        assert run.returncode == 0, run.stderr
        said += run.stdout
        outputs.append(pair)
    shards_, counts = zip(*outputs, strict=True)
    options = ["--cap", cap, "--shards", *shards_, "--counts", *counts]
    options += ["--duplicates", merged[0], "--repeats", merged[1]]
    assert shards == 1 or step("merge_pairs", *options).returncode == 0
    return columns(merged[0]), columns(merged[1]), said


def threshold(folder: Path, *values: float) -> None:
    table = {"metric": ["m"] * len(values), "alpha": [0.1] * len(values), "pairs": [1] * len(values)}
    table |= {"scale": [None] * len(values), "all_pairs": table["pairs"]} | {
        f"threshold{end}": list(values) for end in ("", "_low", "_high")
    }
    write_table(folder / "thresholds.parquet", table, THRESHOLDS)


def test_from_samples_to_pairs(tmp_path: Path, step: Step) -> None:
    """Thresholds, pairs and counts are those of scipy, for any number of parts and shards, to the byte."""
    x = np.random.default_rng(1).integers(-50, 50, (600, 3)) / 64
    calibrate, population = write(tmp_path / "c", x[:200], 2), write(tmp_path / "p", x[200:], 3, first=200)
    assert find_thresholds(step, tmp_path, EUCLIDEAN, calibrate).returncode == 0
    found = columns(tmp_path / "thresholds.parquet")
    expected = np.sort(pdist(x[:200]))[int(0.05 * 19_900) - 1]
    assert found["threshold"][0] == found["threshold_low"][0] == found["threshold_high"][0] == expected
    pairs, counts, _ = search(step, tmp_path, EUCLIDEAN, {"train": population})
    distances = squareform(pdist(x[200:])) + np.tri(400) * 1e9
    i, j = np.nonzero(distances <= expected)
    assert (pairs["i"].tolist(), pairs["j"].tolist()) == ((i + 200).tolist(), (j + 200).tolist())
    np.testing.assert_array_equal(pairs["close"], distances[i, j])
    assert counts["duplicates"].tolist() == np.bincount(np.concatenate([i, j]), minlength=400).tolist()
    assert set(counts["partners"]) == {399}
    whole = [(tmp_path / f"{table}.parquet").read_bytes() for table in ("duplicates", "repeats")]
    search(step, tmp_path, EUCLIDEAN, {"train": population}, shards=3)
    assert [(tmp_path / f"{table}.parquet").read_bytes() for table in ("duplicates", "repeats")] == whole


def test_across_two_populations_under_conditions(tmp_path: Path, step: Step) -> None:
    """Showers, a beam energy each: pairs are compared within 1 GeV of it, and counted on both sides."""
    rng = np.random.default_rng(2)
    x, energy = rng.integers(0, 9, (90, 4, 5)) / 16, rng.integers(1, 6, 90)
    paths = {
        "gan-0": write(tmp_path / "a", x[:50], energy=energy[:50]),
        "train": write(tmp_path / "b", x[50:], first=50, energy=energy[50:]),
    }
    run = find_thresholds(step, tmp_path, SHOWERS, paths["train"])
    assert run.returncode == 0, run.stderr
    limits = columns(tmp_path / "thresholds.parquet")
    assert limits["threshold"][0] == 1
    assert np.isnan(limits["alpha"][0])
    own = energy[50:]
    matched = int((np.abs(own[:, None] - own[None]) <= 1).sum() - 40) // 2
    assert set(limits["pairs"]) == {matched}
    pairs, counts, _ = search(step, tmp_path, SHOWERS, paths, shards=2)
    near = np.abs(energy[:50, None] - energy[None, 50:]) <= 1
    deposit = x.sum(axis=(1, 2))
    close = near & (np.abs(deposit[:50, None] - deposit[None, 50:]) <= limits["threshold"][1])
    assert set(pairs) == {"i", "j", *SHOWERS}
    assert 0 < len(pairs["i"]) < close.sum()
    assert all(close[i, j - 50] for i, j in zip(pairs["i"], pairs["j"], strict=True))
    assert counts["partners"].tolist() == [*near.sum(axis=1), *near.sum(axis=0)]
    assert counts["population"].tolist() == ["gan-0"] * 50 + ["train"] * 40
    assert counts["duplicates"][:50].sum() == counts["duplicates"][50:].sum() == len(pairs["i"])


def test_a_collapsed_population_says_so_and_fills_no_disk(tmp_path: Path, step: Step) -> None:
    """2,000 equal samples: 1,999,000 duplicates are counted exactly, and those of every 64th listed."""
    population = write(tmp_path / "p", np.full((2000, 3), 0.25))
    threshold(tmp_path, 0.0)
    pairs, counts, said = search(step, tmp_path, EUCLIDEAN, {"gan-0": population}, shards=2, cap=1000)
    assert "about 100.00% of the pairs are duplicates: all are counted, those of 32 of the 2,000 samples" in said
    assert set(counts["duplicates"]) == {1999}
    assert len(pairs["i"]) == 32 * 31 // 2
    assert about(tmp_path / "duplicates.parquet")["step"] == "64"


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_few_samples(samples: int, tmp_path: Path, step: Step) -> None:
    population = write(tmp_path / "p", np.zeros((samples, 3)))
    threshold(tmp_path, 0.0)
    pairs, counts, _ = search(step, tmp_path, EUCLIDEAN, {"gan-0": population})
    assert len(pairs["i"]) == (samples == 2)
    assert counts["partners"].tolist() == [samples - 1] * samples


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"depth": {"kind": "shape", "axis": 1, "alpha": 0.1}}, "metric shape"),
        ({"beam": {"kind": "condition", "column": "angle"}, **EUCLIDEAN}, "no condition 'angle'; there are: energy"),
    ],
)
def test_what_a_metric_cannot_compare_is_one_line(
    definition: dict[str, Any], message: str, tmp_path: Path, step: Step
) -> None:
    """Negative energies; a condition that the samples do not have."""
    x = np.random.default_rng(3).uniform(-1, 1, (30, 2, 4))
    run = find_thresholds(step, tmp_path, definition, write(tmp_path, x, energy=np.ones(30)))
    assert run.returncode == 1
    lines = run.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert message in lines[0]


def test_shards_that_were_cut_for_another_memory_do_not_mix(tmp_path: Path, step: Step) -> None:
    write_table(tmp_path / "c.parquet", {name: [] for name in REPEATS.names}, REPEATS)
    for k in range(2):
        table: dict[str, list[float]] = {"i": [], "j": [], "close": []}
        write_table(tmp_path / f"{k}.parquet", table, duplicates(["close"]), {"blocks": f"{k} x 1", "step": "1"})
    options = [
        "--cap",
        9,
        "--shards",
        tmp_path / "0.parquet",
        tmp_path / "1.parquet",
        "--counts",
        tmp_path / "c.parquet",
    ]
    run = step("merge_pairs", *options, "--duplicates", tmp_path / "d.parquet", "--repeats", tmp_path / "r.parquet")
    assert run.returncode == 1
    assert "its shards were cut for different `memory`" in run.stderr


def test_a_sample_id_in_two_parts_is_refused(tmp_path: Path, step: Step) -> None:
    one, other = write(tmp_path / "a", np.zeros((5, 2))), write(tmp_path / "b", np.zeros((5, 2)), first=4)
    with pytest.raises(Exception, match="column sample_id: 4 appears twice"):
        SampleRows([*one, *other]).identities()


def test_rows_are_read_from_any_part(tmp_path: Path) -> None:
    x = np.random.default_rng(4).uniform(-1, 1, (1000, 3)).astype(np.float32)
    rows = SampleRows(write(tmp_path, x, 7))
    assert len(rows) == 1000
    for start, stop in ((0, 1000), (140, 150), (142, 143), (999, 1000), (0, 0), (1000, 1000)):
        found = np.concatenate([chunk.x for chunk in rows.chunks(slice(start, stop))])
        np.testing.assert_array_equal(found, x[start:stop])
    np.testing.assert_array_equal(rows.whole().x, x)
    np.testing.assert_array_equal(rows.whole().sample_id, np.arange(1000))
    for some in ([999, 0, 142, 143, 142], [], list(range(1000))):
        taken = rows.take(np.array(some, dtype=np.int64))
        np.testing.assert_array_equal(taken.x, x[some])
        assert taken.sample_id.tolist() == some


def test_rows_are_written_as_the_samples_that_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row group by row group, whatever is read for it, to the same bytes."""
    monkeypatch.setattr(tables, "ROW_GROUP_BYTES", 1000)
    x = np.random.default_rng(4).uniform(-1, 1, (1000, 3)).astype(np.float32)
    whole = Samples(x, np.arange(1000), np.arange(1000, dtype=np.int32) % 4, None, {"e": x[:, 0]}, {"e": "GeV"})
    unread = LazySamples(replace(whole, x=np.empty((1000, 0), np.float32)), (3,), x.dtype, lambda some: x[some])
    for k, rows in enumerate((np.arange(1000), np.arange(0, 1000, 3), np.array([5]), np.array([], dtype=np.int64))):
        write_samples(tmp_path / f"{k}.parquet", whole.take(rows))
        write_samples(tmp_path / f"{k}-unread.parquet", unread, rows)
        assert (tmp_path / f"{k}-unread.parquet").read_bytes() == (tmp_path / f"{k}.parquet").read_bytes()
        groups = pq.ParquetFile(tmp_path / f"{k}.parquet").num_row_groups
        assert groups == max(1, -(-len(rows) // (1000 // (8 + 4 + 4 + 12))))


def test_a_bad_value_is_named_by_its_row_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROW_GROUP_BYTES", 1000)
    x = np.zeros((900, 2), dtype=np.float32)
    x[777, 1] = np.nan
    rows = SampleRows([*write(tmp_path / "a", x[:500]), *write(tmp_path / "b", x[500:], first=500)])
    with pytest.raises(UserError, match=r"b/0\.parquet: column x, row 277: NaN"):
        list(rows.chunks(slice(0, 900)))


def test_what_cannot_be_read_leaves_no_file(tmp_path: Path) -> None:
    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        if len(rows) > 1:
            raise UserError("no")
        return np.zeros((len(rows), 2), dtype=np.float32)

    unread = LazySamples(Samples(np.empty((9, 0), np.float32), np.arange(9)), (2,), np.dtype(np.float32), read)
    with pytest.raises(UserError):
        write_samples(tmp_path / "0.parquet", unread)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cap", [10**6, 300])
def test_scales_are_the_same_to_the_byte_in_any_parts_and_shards(tmp_path: Path, step: Step, cap: int) -> None:
    """Two metrics whose alpha nobody gave; listed pairs that are thinned, and all of them."""
    rng = np.random.default_rng(5)
    calibrate, holdout, population = rng.uniform(0, 1, (3, 400, 6, 5))
    definition = {"deposit": {"kind": "scalar"}, "depth": {"kind": "shape", "axis": 1}}
    written = []
    for parts, shards in ((1, 1), (3, 2)):
        folder = tmp_path / f"{parts}"
        real = write(folder / "c", calibrate, parts), write(folder / "h", holdout, parts, first=400)
        run = find_thresholds(step, folder, definition, *real)
        assert run.returncode == 0, run.stderr
        assert "about 300 duplicates in holdout" in run.stdout
        found = {"train": write(folder / "t", population, parts, first=800), "holdout": real[1]}
        _, counts, _ = search(step, folder, definition, found, shards, cap)
        written.append([(folder / f"{name}.parquet").read_bytes() for name in ("thresholds", "duplicates", "repeats")])
    assert written[0] == written[1]
    table = columns(tmp_path / "1/thresholds.parquet")
    assert table["scale"].tolist() == ["strict", "middle", "loose"] * 2
    assert len(set(table["alpha"])) == 3
    strict, middle, loose = (counts[f"duplicates{end}"].sum() for end in ("_strict", "_middle", ""))
    assert 0 < strict < middle < loose


def test_a_sweep_counts_every_subset_at_every_alpha(tmp_path: Path, step: Step) -> None:
    x = np.random.default_rng(5).uniform(0, 1, (300, 4, 3)).astype(np.float32)
    files = [*write(tmp_path / "c", x[:100]), *write(tmp_path / "h", x[100:200]), *write(tmp_path / "g", x[200:])]
    definition = {"deposit": SHOWERS["deposit"], "close": EUCLIDEAN["close"]}
    options: list[Any] = [
        "--name",
        "d",
        "--definition",
        json.dumps(definition),
        "--census",
        '{"alphas": [0.1, 0.02, 1e-9]}',
    ]
    options += ["--populations", "calibrate", "holdout", "gan-0", "--features", *files]
    run = step("sweep", *options, "--output", tmp_path / "sweep.parquet")
    assert run.returncode == 0, run.stderr
    table = columns(tmp_path / "sweep.parquet")
    assert len(table["alpha"]) == 2 * 3 * 2
    sums = (x.astype(np.float64)).sum(axis=(1, 2))
    limits = [np.sort(pdist(values[:100]))[495 - 1] for values in (sums[:, None], x.reshape(300, -1).astype(float))]
    inside = [
        pdist(values[200:]) <= limit
        for values, limit in zip((sums[:, None], x.reshape(300, -1).astype(float)), limits, strict=True)
    ]
    rows = (table["population"] == "gan-0") & (table["alpha"] == 0.1)
    counted = dict(zip(table["metrics"][rows], table["duplicates"][rows], strict=True))
    assert counted["deposit"] == inside[0].sum()
    assert counted["close"] == inside[1].sum()
    assert counted["deposit+close"] == (inside[0] & inside[1]).sum()
    np.testing.assert_allclose(table["independent"][rows], [0.1, 0.1, 0.01])
    assert np.isnan(table["ratio"][table["population"] == "holdout"]).all()
