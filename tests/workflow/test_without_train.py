"""Studies in which nothing is trained, from end to end: without training samples, and with some that are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from runs import parquet_bytes, run

pytestmark = pytest.mark.slow

NONE = {"train": 0, "calibrate": 0.5, "holdout": 0.5}
QUICK = {"permutations": 200, "replicates": 100, "sweep": 200}
ARRAYS: dict[str, Any] = {
    "source": {"kind": "files", "path": "real.npy"},
    "splits": NONE,
    "generators": {"fresh": {"kind": "files", "path": "fresh.npy"}},
    "definitions": {"near": {"euclidean": {"alpha": 0.002}}},
    "census": QUICK,
}
TABLES: dict[str, Any] = {
    "source": {"kind": "csv", "path": "real.csv"},
    "splits": NONE,
    "generators": {"fresh": {"kind": "csv", "path": "fresh.csv"}},
    "definitions": {"rows": {"gower": {"alpha": 0.002}}},
    "census": QUICK,
    "synthetic": {},
}
STUDIES = {
    "arrays": ARRAYS | {"fidelity": {"reference": "all"}},
    "arrays-given": ARRAYS
    | {
        "trained_on": {"kind": "files", "path": "given.npy"},
        "generators": {**ARRAYS["generators"], "planted": {"kind": "files", "path": "planted.npy"}},
    },
    "table": TABLES,
    "table-given": TABLES
    | {
        "trained_on": {"kind": "csv", "path": "given.csv"},
        "generators": {"planted": {"kind": "csv", "path": "planted.csv"}},
    },
}
COPYING = {"dcr", "dcr_5", "nndr", "nndr_5", "dcr_share", "copies", "authenticity", "data_copying"}


def bring(folder: Path) -> None:
    """Write real samples, others that a model has learned from, fresh ones, and such with copies of the learned."""
    rng = np.random.default_rng(5)
    sizes = {"real": 1200, "given": 400, "fresh": 400, "planted": 400}
    x = {name: rng.normal(size=(n, 4)).astype(np.float32) for name, n in sizes.items()}
    x["planted"][:200] = x["given"][:200] + rng.normal(0, 1e-3, (200, 4))
    for name, values in x.items():
        np.save(folder / f"{name}.npy", values)
        kind = np.where(values[:, 0] > 0, "up", "down")
        rows = [",".join([*(f"{value:.3f}" for value in row), one]) for row, one in zip(values, kind, strict=True)]
        (folder / f"{name}.csv").write_text("\n".join(["a,b,c,d,kind", *rows]) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in one part and one shard."""
    found = tmp_path_factory.mktemp("without-train")
    bring(found)
    done = run(found, {"seed": 2, "studies": STUDIES})
    assert done.returncode == 0, done.stderr
    (found / "said.txt").write_text(done.stdout)
    return found


def answers(folder: Path, study: str) -> dict[str, dict[str, Any]]:
    """What is said of copies, by population."""
    rows = pq.read_table(folder / f"results/{study}/census/summary.parquet").to_pylist()
    return {row["population"]: row for row in rows if row["question"] == "copies"}


@pytest.mark.parametrize("kind", ["arrays", "table"])
def test_without_train_copies_are_no_question(folder: Path, kind: str) -> None:
    results = folder / f"results/{kind}"
    ((population, said),) = answers(folder, kind).items()
    assert (population, said["answer"]) == ("fresh-0", "inconclusive")
    assert said["names"].startswith("cannot be asked: no samples that the model has learned from were given (--train")
    printed = " ".join((folder / "said.txt").read_text().split())
    assert f"copies train, not asked: {said['names'].removeprefix('cannot be asked: ')}" in printed
    assert not list(results.rglob("*~train*"))
    assert not (results / "answers/train.parquet").exists()
    assert pq.read_table(results / "samples/train/0.parquet").num_rows == 0
    assert pq.read_table(results / "census/copies.parquet").num_rows == 0
    counted = set(pq.read_table(results / "census/support.parquet")["population"].to_pylist())
    assert counted == {"holdout", "fresh-0"}
    everything = json.loads((folder / "results/provenance.json").read_text())
    assert f"{kind}/samples/train/0.parquet" in json.dumps(everything)


@pytest.mark.parametrize("kind", ["arrays", "table"])
def test_copies_of_what_was_given_are_found(folder: Path, kind: str) -> None:
    said = answers(folder, f"{kind}-given")
    assert said.pop("planted-0")["answer"] == "yes"
    assert [(one["answer"] == "yes", "cannot be" in one["names"]) for one in said.values()] == (
        [(False, False)] if kind == "arrays" else []
    )
    rows = pq.read_table(folder / f"results/{kind}-given/census/copies.parquet").to_pylist()
    assert {row["population"] for row in rows} == {"holdout", *answers(folder, f"{kind}-given")}


def test_analyses_say_nothing_of_copies_without_train(folder: Path) -> None:
    bare, given = (
        set(pq.read_table(folder / f"results/{study}/synthetic.parquet")["metric"].to_pylist())
        for study in ("table", "table-given")
    )
    assert bare == given - COPYING
    assert given > COPYING
    fidelity = pq.read_table(folder / "results/arrays/fidelity.parquet").to_pylist()
    assert {row["null"] for row in fidelity} == {None}


def test_the_report_says_so(folder: Path) -> None:
    page = (folder / "results/report.html").read_text()
    assert page.count("No samples that models have learned from were given.") == 2
    assert page.count("<h3>Copies of training samples</h3>") == 2
    assert "could not be" not in page
    notes = pq.read_table(folder / "results/inputs.parquet").to_pylist()
    inputs = {(row["study"], row["population"], row["input"]) for row in notes}
    assert ("arrays-given", "train", "given.npy") in inputs
    assert not [one for one in inputs if one[:2] == ("arrays", "train")]


def test_parts_and_shards_change_no_byte(folder: Path, tmp_path: Path) -> None:
    bring(tmp_path)
    studies = {name: STUDIES[name] for name in ("arrays", "arrays-given")}
    done = run(tmp_path, {"seed": 2, "parts": 2, "shards": 2, "studies": studies}, "--until", "census")
    assert done.returncode == 0, done.stderr
    found, expected = parquet_bytes(tmp_path), parquet_bytes(folder)
    assert {"arrays/census/support.parquet", "arrays-given/samples/train"} <= found.keys()
    assert [name for name in found if found[name] != expected[name]] == []
