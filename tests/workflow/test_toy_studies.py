"""Studies of amplification, through the whole workflow: generators whose worth is known, beside trained ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from runs import run

from gancensus.domains.points.densities import Camelback, Shell

pytestmark = pytest.mark.slow

CELLS, POINTS = 10, 4000
TOYGAN = {"kind": "toygan", "samples": 2000, "steps": 40}
NEAR = {"near": {"euclidean": {"alpha": 0.01}}}
KNOWN: dict[str, Any] = {
    "source": {"kind": "camelback", "samples": 1200, "repetitions": 4},
    "splits": {"train": 600, "calibrate": 200, "holdout": 400},
    "generators": {
        "gan10": {**TOYGAN, "train_size": 10},
        "gan40": {**TOYGAN, "train_size": 40, "replicas": 1},
        "truth100": {"kind": "files", "path": "truth.npy"},
        "hump": {"kind": "files", "path": "hump.npy"},
    },
    "definitions": NEAR,
    "amplification": {"cells": [CELLS]},
}
COUNTED: dict[str, Any] = {  # a shell in three dimensions, of which the study has points only
    "source": {"kind": "files", "path": "shell.npy"},
    "splits": {"train": 300, "calibrate": 200, "holdout": 8000},
    "generators": {"fresh": {"kind": "files", "path": "fresh.npy"}, "half": {"kind": "files", "path": "half.npy"}},
    "definitions": NEAR,
    "amplification": {"cells": [8, 27]},
}


def bring(folder: Path) -> None:
    """Write the files: points of the truth, and points that leave half of it out."""
    rng = np.random.default_rng(2)
    line, shell = Camelback().draw(POINTS, rng), Shell(3).draw(8500 + 2 * POINTS, rng)
    np.save(folder / "truth.npy", line)
    np.save(folder / "hump.npy", np.abs(line) + 1e-9)
    np.save(folder / "shell.npy", shell[:8500])
    np.save(folder / "fresh.npy", shell[8500:-POINTS])
    np.save(folder / "half.npy", np.abs(shell[-POINTS:]) * [1, 0, 0] + shell[-POINTS:] * [0, 1, 1])


def finished(folder: Path, studies: dict[str, Any], **more: int) -> Path:
    """Run the studies."""
    bring(folder)
    done = run(folder, {"seed": 3, "studies": studies, **more})
    assert done.returncode == 0, done.stderr
    return folder / "results"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("known_density"), {"known": KNOWN, "counted": COUNTED})


def rows(results: Path, study: str) -> dict[tuple[str, int, int], dict[str, Any]]:
    """The table by method, training size and cells."""
    found = pq.read_table(results / study / "amplification.parquet").to_pylist()
    return {(row["method"], row["train_size"], row["cells"]): row for row in found}


def test_every_method_has_its_row(results: Path) -> None:
    baselines = {(method, size, CELLS) for method in ("sample", "kde", "fit") for size in (10, 40, 600)}
    generators = {("gan10", 10, CELLS), ("gan40", 40, CELLS), ("truth100", 600, CELLS), ("hump", 600, CELLS)}
    assert rows(results, "known").keys() == baselines | generators


def test_a_lost_hump_has_the_error_that_is_known(results: Path) -> None:
    found = rows(results, "known")["hump", 600, CELLS]
    assert found["mse"] == pytest.approx(1 / CELLS**2, rel=0.02)
    assert found["equivalent"] == pytest.approx(CELLS - 1, rel=0.02)


def test_the_truth_is_worth_more_than_any_training_set(results: Path) -> None:
    assert rows(results, "known")["truth100", 600, CELLS]["mse"] == pytest.approx(0, abs=2e-5)


@pytest.mark.parametrize("cells", [8, 27])
def test_where_the_truth_is_only_counted_so_is_what_is_lost(results: Path, cells: int) -> None:
    """Without half of the space, cells cut alike along every axis have twice their contents or none."""
    found = rows(results, "counted")
    assert ("fit", 300, cells) not in found
    assert abs(found["fresh", 300, cells]["mse"]) < 0.2 * found["sample", 300, cells]["mse"] + 1e-5
    assert found["half", 300, cells]["mse"] == pytest.approx(1 / cells**2, rel=0.25)


def test_report_shows_both_figures(results: Path) -> None:
    report = (results / "report.html").read_text()
    assert report.count("Equivalent true points") >= 2
    assert report.count("Error by generated points") >= 2


def test_parts_and_other_generators_change_no_number(results: Path, tmp_path: Path) -> None:
    alone = {**KNOWN, "generators": {"gan10": KNOWN["generators"]["gan10"]}}
    other = finished(tmp_path, {"known": alone}, parts=3)
    for table in ("amplification", "amplification/curve"):
        found, expected = (
            pq.read_table(folder / "known" / f"{table}.parquet").to_pylist() for folder in (other, results)
        )
        assert found == [row for row in expected if row["train_size"] in (10, None)], table
