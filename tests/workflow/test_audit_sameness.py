"""`gancensus run` and `gancensus audit`, and the same in memory: the same tables, byte for byte."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from runs import run

import gancensus
from gancensus.audit.memory import run_study
from gancensus.audit.saved import save
from gancensus.config.configuration import load

KEPT = (".parquet", ".safetensors", ".csv")
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


def assert_same(results: Path, memory: Path, but: Collection[str] = ()) -> set[str]:
    """Compare every file of a run with what was saved; return their names."""
    files = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.suffix in KEPT}
    kept = {name for name in files if not name.endswith(SEEN[1]) and f"/{SEEN[0]}" not in name}
    held = {path.relative_to(memory).as_posix() for path in memory.rglob("*.*")}
    assert held - {"provenance.json"} == kept
    for name in kept - {*but}:
        assert (results / name).read_bytes() == (memory / name).read_bytes(), name
    return kept


@pytest.mark.slow
def test_the_workflow_and_memory_make_the_same_tables(tmp_path: Path) -> None:
    raw = {"seed": 3, "device": "cpu", "studies": {"audit": study(tmp_path)}}
    done = run(tmp_path / "run", raw, "--cores", "2")
    assert done.returncode == 0, done.stderr
    made = run_study(load(raw), "audit")
    save(made, tmp_path / "memory")
    assert len(assert_same(tmp_path / "run/results", tmp_path / "memory")) > 40


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "gancensus.cli", *words]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


Options = tuple[list[str], dict[str, Any]]
"""On the command line, and in Python."""


def images(folder: Path) -> Options:
    """Write images of bytes; return the options of an audit that has everything."""
    rng = np.random.default_rng(3)
    for name, count in (("real", 150), ("mine", 100), ("other", 90), ("train", 80)):
        x = rng.integers(0, 60, (count, 8, 8), dtype=np.uint8)
        x[np.arange(count), rng.integers(0, 4, count), rng.integers(0, 4, count)] = 255
        np.save(folder / f"{name}.npy", x)
    return ["--train", "train.npy", "--encoder", "pca", "--seed", "5"], {"encoder": "pca", "seed": 5}


def rows(folder: Path) -> Options:
    """Write tables with all types of columns and gaps, of which something is declared."""
    rng = np.random.default_rng(4)
    for name, count in (("real", 140), ("mine", 100), ("other", 80)):
        gaps = rng.random(count) < 0.1
        columns = {
            "number": np.where(gaps, np.nan, rng.normal(size=count).round(3)),
            "count": rng.integers(0, 5, count),
            "kind": pd.Categorical(pd.Series(rng.choice(["a", "b, c", "d"], count)).mask(gaps[::-1])),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 200, count), "D"),
            "true": rng.random(count) < 0.3,
            "who": np.arange(count) // 2,
            "with b": [f"w{k}" for k in range(count)],
        }
        pd.DataFrame(columns, index=rng.permutation(count)).to_parquet(folder / f"{name}.parquet", index=False)
    words = ["--drop", "with b", "--types", "count=nominal", "--decimal", ",", "--group", "who", "--same-units"]
    declared = {"drop": "with b", "types": {"count": "nominal"}, "decimal": ",", "group": "who", "same_units": True}
    return words, declared


@pytest.mark.slow
@pytest.mark.parametrize(("bring", "read"), [(images, np.load), (rows, pd.read_parquet)])
def test_the_command_and_python_make_the_same_tables(tmp_path: Path, bring: Any, read: Any) -> None:
    """With and without training samples, at the scales that are chosen; what Python saves is a run like any other."""
    options, extra = bring(tmp_path)
    held = {path.stem: read(path) for path in sorted(tmp_path.iterdir())}
    paths = {path.stem: path.name for path in tmp_path.iterdir()}
    made = [f"{name}={paths[name]}" for name in ("mine", "other")]
    done = command(tmp_path, "audit", "--real", paths["real"], "--generated", *made, *options, "--out", "out")
    assert done.returncode in (0, 10), done.stderr
    found = gancensus.audit(held.pop("real"), {name: held.pop(name) for name in ("mine", "other")}, **held, **extra)
    found.save(tmp_path / "kept")
    kept = assert_same(tmp_path / "out", tmp_path / "kept", but=["inputs.parquet"])  # which names the files
    assert {"audit/census/scales.parquet", "audit/census/groups.parquet", "audit/duplicates.csv"} <= kept
    verified = command(tmp_path, "verify", "kept")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    compared = command(tmp_path, "compare", "out", "kept")
    assert compared.returncode == 0 and "same samples" in compared.stdout, compared.stdout + compared.stderr
