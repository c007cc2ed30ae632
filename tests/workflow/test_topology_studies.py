"""A study of the user's own points, from files to the report: a ring, whole and with an arc that is missing."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from runs import parquet_bytes, run

pytestmark = pytest.mark.slow


def ring(rng: np.random.Generator, n: int, missing: float = 0.0) -> np.ndarray:
    """Points of a noisy circle, without an arc of `missing` turns around (-4, 0)."""
    radius, turns = rng.normal(4, 0.3, n), rng.uniform(missing / 2, 1 - missing / 2, n) - 0.5
    return np.column_stack([radius * np.cos(2 * np.pi * turns), radius * np.sin(2 * np.pi * turns)])


def config(folder: Path, parts: int) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    for name, points in (("real", ring(rng, 4000)), ("good", ring(rng, 1000)), ("arc", ring(rng, 1000, missing=0.3))):
        np.save(folder / f"{name}.npy", points)
    return {
        "seed": 1,
        "parts": parts,
        "studies": {
            "shape": {
                "source": {"kind": "files", "path": str(folder / "real.npy")},
                "generators": {
                    name: {"kind": "files", "path": str(folder / f"{name}.npy")} for name in ("good", "arc")
                },
                "definitions": {"near": {"euclidean": {"alpha": 0.01}}},
                "mapper": {},
                "persistence": {"landmarks": 100, "draws": 6},
            }
        },
    }


def test_a_missing_arc_is_a_lost_loop_and_a_dropped_region_and_the_numbers_do_not_depend_on_parts(
    tmp_path: Path,
) -> None:
    found = {}
    for parts in (1, 2):
        folder = tmp_path / f"parts{parts}"
        done = run(folder, config(tmp_path, parts), "--cores", "2")
        assert done.returncode == 0, done.stderr
        found[parts] = parquet_bytes(folder)
    assert found[1] == found[2]

    results = tmp_path / "parts1/results"
    findings = pq.read_table(results / "shape/mapper/findings.parquet").to_pylist()
    (dropped,) = [row for row in findings if row["finding"] == "dropped"]
    assert dropped["population"] == "arc-0"
    assert dropped["holdout_share"] == pytest.approx(0.3, abs=0.06)
    assert {row["population"] for row in findings} == {"arc-0"}
    signature = pq.read_table(results / "shape/persistence/signature.parquet").to_pylist()
    loops = {row["population"]: row for row in signature if row["entry"] == "b1"}
    assert loops["arc-0"]["value"] < 0.3 < 0.7 < loops["good-0"]["value"]
    assert loops["arc-0"]["adjusted"] <= 0.05 < loops["good-0"]["adjusted"]

    page = (results / "report.html").read_text()
    assert "arc-0 loses a loop" in page
    assert "good-0: no difference from the topology of held-out samples is found" in page
    opened = set(re.findall(r'href="#(node__shape__[^"]+)"', page))
    assert opened
    assert all(f'id="{one}"' in page for one in opened)
    assert "<script" not in page
