"""Answers from files to tables, as the rules call the step: the same for any parts; what fails leaves its reason."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gancensus.census.summary import summarise
from gancensus.contracts.samples import Samples
from gancensus.storage.samples import write_samples
from gancensus.storage.schemas import ANSWERS, THRESHOLDS
from gancensus.storage.tables import write_table

Step = Callable[..., subprocess.CompletedProcess[str]]
DEFINITIONS = {
    "near": {"near": {"kind": "euclidean", "alpha": 0.01}},
    "both": {"near": {"kind": "euclidean", "alpha": 0.05}, "sum": {"kind": "scalar", "alpha": 0.05}},
}
POPULATIONS = ("train", "calibrate", "holdout", "made-0")


def answers(
    step: Step,
    folder: Path,
    sizes: tuple[int, int, int, int],
    parts: int = 1,
    copies: int = 0,
    reference: tuple[str, ...] = ("holdout",),
    fitted: tuple[str, ...] = (),
    encoder: str | None = None,
    learned: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Write samples of four populations, and ask the questions of the last one, which copies some of the first."""
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(n, 5)).astype(np.float32) for n in sizes]
    x[3][:copies] = x[0][:copies]
    files, asked = [], POPULATIONS if learned else POPULATIONS[1:]
    for k, (population, values) in enumerate(zip(POPULATIONS, x, strict=True)):
        samples = Samples(values, np.arange(len(values)) + 1000 * k)
        for part, rows in enumerate(np.array_split(np.arange(len(values)), parts)):
            files.append(folder / population / f"{part}.parquet")
            files[-1].parent.mkdir(parents=True, exist_ok=True)
            write_samples(files[-1], samples.take(rows))
    files = [file for file in files if file.parent.name in asked]
    if encoder:  # whose vectors are the samples themselves, so that everything is there twice
        files = [file for population in asked for _ in range(2) for file in files if file.parent.name == population]
    definitions = {
        name: {
            key: {**metric, **({"encoder": encoder} if encoder and key == "near" else {})} for key, metric in d.items()
        }
        for name, d in DEFINITIONS.items()
    }
    thresholds = []
    for name, definition in DEFINITIONS.items():
        known = {"metric": list(definition), **dict.fromkeys(("pairs", "all_pairs"), [1] * len(definition))}
        table = dict.fromkeys(THRESHOLDS.names, [0.1] * len(definition)) | known | {"scale": [None] * len(definition)}
        thresholds.append(folder / f"thresholds-{name}.parquet")
        write_table(thresholds[-1], table, THRESHOLDS)
    options = ["--study", "s", "--population", "made-0", "--definitions", json.dumps(definitions), "--seed", 1]
    options += ["--permutations", 100, "--memory", 1000, "--device", "cpu", "--thresholds", *thresholds]
    outputs = ["--answers", folder / "answers.parquet", "--coverage", folder / "coverage.parquet"]
    options += ["--real", *asked[:-1]]
    return step("answers", *options, "--reference", *reference, "--fitted", *fitted, "--features", *files, *outputs)


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a table."""
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


@pytest.mark.parametrize("fitted", [(), ("net",)])
def test_copies_are_looked_for_where_the_encoder_has_not_learned_from_train(
    step: Step, tmp_path: Path, fitted: tuple[str, ...]
) -> None:
    done = answers(step, tmp_path, (150, 120, 130, 200), copies=40, encoder="net", fitted=fitted)
    assert done.returncode == 0, done.stderr
    found = {row["definition"] for row in rows(tmp_path / "answers.parquet") if row["question"] == "copies"}
    assert found == {None, *(() if fitted else ("near", "both"))}


def test_real_samples_that_nothing_has_learned_from_are_all_compared_with(step: Step, tmp_path: Path) -> None:
    done = answers(step, tmp_path, (150, 120, 130, 200), reference=("holdout", "train"))
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "answers.parquet")
    assert {row["others"] for row in found if row["question"] != "copies"} == {150 + 130}
    assert {row["others"] for row in found if row["statistic"] in ("copies", "exact")} == {150 + 130}
    assert {row["statistic"]: row["value"] for row in found if "equal" in row["statistic"]} == (
        {"equal": 0.0, "equal_real": 0.0}
    )


def test_the_same_bytes_for_any_parts(step: Step, tmp_path: Path) -> None:
    for parts in (1, 3):
        done = answers(step, tmp_path / str(parts), (150, 120, 130, 200), parts)
        assert done.returncode == 0, done.stderr
    for table in ("answers", "coverage"):
        one, three = (tmp_path / parts / f"{table}.parquet" for parts in ("1", "3"))
        assert one.read_bytes() == three.read_bytes()
    found = rows(tmp_path / "1/answers.parquet")
    assert {row["definition"] for row in found} == {"near", "both", None}
    assert {row["samples"] for row in found} == {200}
    curves = rows(tmp_path / "1/coverage.parquet")
    assert {(row["definition"], row["population"]) for row in curves} == {
        (definition, population) for definition in DEFINITIONS for population in ("made-0", "holdout")
    }
    assert all(row["low"] <= row["coverage"] <= row["high"] for row in curves)


def test_copies_are_found(step: Step, tmp_path: Path) -> None:
    assert answers(step, tmp_path, (300, 100, 300, 300), copies=30).returncode == 0
    found = [row for row in rows(tmp_path / "answers.parquet") if row["statistic"] == "copies"]
    assert [row["definition"] for row in found] == list(DEFINITIONS)
    assert all(row["adjusted"] < 0.05 for row in found)
    assert found[0]["value"] == pytest.approx(0.1, abs=0.03)
    every = rows(tmp_path / "answers.parquet")
    exact = next(row for row in every if row["statistic"] == "exact")
    assert (exact["definition"], exact["value"], exact["null"]) == (None, 0.1, pytest.approx(0.05))
    assert exact["of"] == "30 are equal to samples of train, 0 to samples of holdout"
    assert exact["adjusted"] == pytest.approx(3 * exact["p"])
    for name in ("C_T", "authenticity", "nearest_5"):
        beside = [row for row in every if row["statistic"] == name]
        assert [row["definition"] for row in beside] == list(DEFINITIONS)
        assert all(row["p"] is None and row["adjusted"] is None for row in beside)
        assert beside[0]["value"] < beside[0]["null"]


def test_too_few_samples_are_no_error(step: Step, tmp_path: Path) -> None:
    assert answers(step, tmp_path, (30, 19, 30, 30)).returncode == 0
    assert rows(tmp_path / "answers.parquet") == []
    assert pq.read_schema(tmp_path / "answers.parquet").equals(ANSWERS)
    said = summarise({"train": [], "made-0": []}, 1.5, 1000)
    assert {row["answer"] for row in said if row["question"] != "alike"} == {"inconclusive"}
    assert all("too few samples" in row["names"] for row in said)


def test_what_fails_is_written_in_its_place(step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gancensus.comparison.alike.differences", lambda *_: [][0])
    done = answers(step, tmp_path, (30, 30, 30, 30))
    assert done.returncode == 0
    assert "IndexError" in done.stderr
    for table in ("answers", "coverage"):
        reason = pq.read_schema(tmp_path / f"{table}.parquet").metadata[b"failed"].decode()
        assert reason == "a bug: IndexError: list index out of range"
    said = summarise({"train": [], "made-0": []}, 1.5, 1000, {"made-0": f"could not be measured: {reason}"})
    assert [row["names"] for row in said if row["population"] == "made-0"] == [f"could not be measured: {reason}"] * 5


@pytest.mark.parametrize("sizes", [(20, 20, 20, 20), (25, 400, 20, 21), (40, 20, 500, 20)])
def test_small_and_uneven_populations(step: Step, tmp_path: Path, sizes: tuple[int, int, int, int]) -> None:
    done = answers(step, tmp_path, sizes)
    assert (done.returncode, done.stderr) == (0, "")
    assert b"failed" not in pq.read_schema(tmp_path / "answers.parquet").metadata


def test_without_train_nothing_is_said_of_copies_and_the_same_of_all_else(step: Step, tmp_path: Path) -> None:
    for learned in (True, False):
        done = answers(step, tmp_path / str(learned), (150, 120, 130, 200), copies=40, learned=learned)
        assert done.returncode == 0, done.stderr
    known, found = (rows(tmp_path / learned / "answers.parquet") for learned in ("True", "False"))
    assert found == [row for row in known if row["question"] != "copies"]
    assert len(found) < len(known)
    (copies,) = (row for row in summarise({"made-0": found}, 1.5, 1000, learned=False) if row["question"] == "copies")
    assert (copies["answer"], copies["names"]) == (
        "inconclusive",
        "cannot be asked: no samples that the model has learned from were given (--train, or `trained_on`)",
    )
    (blind,) = (row for row in summarise({"made-0": []}, 1.5, 1000, learned=False) if row["question"] == "copies")
    assert blind["names"] == copies["names"]
