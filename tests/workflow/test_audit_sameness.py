"""`gancensus run` and the same study in memory: the same tables, byte for byte."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import run

from gancensus.audit.memory import run_study
from gancensus.audit.saved import save
from gancensus.config.configuration import load

SEEN = ("figures/", "trace.parquet")  # what only a run of the workflow has


def study(folder: Path) -> dict[str, Any]:
    """Write images with classes and a condition; return a study with a fitted encoder and two definitions."""
    rng = np.random.default_rng(2)
    for name, count in (("real", 600), ("mine", 300), ("other", 280)):
        dots = rng.integers(0, 4, (count, 2))
        x = rng.integers(0, 60, (count, 6, 6), dtype=np.uint8)
        x[np.arange(count), dots[:, 0], dots[:, 1]] = 255
        energy = rng.integers(1, 3, count).astype(np.float32)
        np.savez(folder / f"{name}.npz", x=x, energy=energy, label=dots[:, 0])
    definitions = {
        "near": {"euclidean": {"alpha": 0.01, "encoder": "flat"}},
        "pixels": {"euclidean": {"alpha": 0.02}, "condition": {"column": "energy"}},
    }
    made = {name: {"kind": "files", "path": f"{folder}/{name}.npz"} for name in ("mine", "other")}
    return {
        "source": {"kind": "files", "path": f"{folder}/real.npz"},
        "splits": {"train": 0.3, "calibrate": 0.3, "holdout": 0.4},
        "encoders": {"flat": {"kind": "pca", "components": 5}},
        "generators": made,
        "definitions": definitions,
        "census": {"permutations": 200, "replicates": 1000},
        "fidelity": {"encoder": "flat"},
        "nearest": {},
    }


@pytest.mark.slow
def test_the_workflow_and_memory_make_the_same_tables(tmp_path: Path) -> None:
    raw = {"seed": 3, "device": "cpu", "studies": {"audit": study(tmp_path)}}
    done = run(tmp_path / "run", raw, "--cores", "2")
    assert done.returncode == 0, done.stderr
    results = tmp_path / "run/results"
    made = run_study(load(raw), "audit")
    save(made, tmp_path / "memory")
    files = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.suffix != ".html"}
    kept = {name for name in files if name.endswith((".parquet", ".safetensors", ".csv"))}
    kept = {name for name in kept if f"/{SEEN[0]}" not in name and not name.endswith(SEEN[1])}
    held = {path.relative_to(tmp_path / "memory").as_posix() for path in (tmp_path / "memory").rglob("*.*")}
    assert held - {"provenance.json"} == kept and len(kept) > 40
    for name in kept:
        assert (results / name).read_bytes() == (tmp_path / "memory" / name).read_bytes(), name
