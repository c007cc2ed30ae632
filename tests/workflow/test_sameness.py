"""The same tables for any number of cores, shards and parts, uninterrupted or killed."""

from pathlib import Path

import pytest
from runs import LARGER as CONFIG
from runs import parquet_bytes, run, run_until

pytestmark = pytest.mark.slow


def same(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """Compare names and bytes."""
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_cores_shards_and_parts_change_no_byte(alone: dict[str, bytes], tmp_path: Path) -> None:
    done = run(tmp_path, CONFIG | {"parts": 3, "shards": 3}, "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("results/smoke/samples/train/*.parquet"))) == 3
    same(parquet_bytes(tmp_path), alone)


def test_killed_runs_go_on_and_change_no_byte(alone: dict[str, bytes], tmp_path: Path) -> None:
    run_until(tmp_path, CONFIG, "smoke/train/curated-0.log", "epoch 1/")
    assert not list(tmp_path.glob("results/smoke/generators/*/model.safetensors"))
    run_until(tmp_path, CONFIG, "smoke/pairs/both/curated-0.log", "searching")
    assert not (tmp_path / "results/census.parquet").exists()
    done = run(tmp_path, CONFIG, "--cores", "2")
    assert done.returncode == 0, done.stderr
    same(parquet_bytes(tmp_path), alone)
    assert not list(tmp_path.rglob("*.tmp"))

    again = run(tmp_path, CONFIG, "--cores", "2")
    assert again.returncode == 0
    assert "nothing to do: every file is up to date" in again.stderr
    assert "less diverse" in again.stdout
    assert "results/report.html" in again.stdout

    (tmp_path / "results/smoke/fidelity.parquet").unlink()
    assert "analyse" in run(tmp_path, CONFIG, "--dry-run").stderr  # what is deleted is made again


def test_another_seed_gives_other_samples(alone: dict[str, bytes], tmp_path: Path) -> None:
    done = run(tmp_path, CONFIG | {"seed": 2}, "--cores", "2", "--until", "prepare")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""  # no census was taken
    assert parquet_bytes(tmp_path)["smoke/samples/train"] != alone["smoke/samples/train"]


def test_a_study_of_another_name_has_the_same_real_samples(alone: dict[str, bytes], tmp_path: Path) -> None:
    done = run(tmp_path, CONFIG | {"studies": {"other": CONFIG["studies"]["smoke"]}}, "--until", "prepare")
    assert done.returncode == 0, done.stderr
    found = parquet_bytes(tmp_path)
    for name in ("train", "calibrate", "holdout"):
        assert found[f"other/samples/{name}"] == alone[f"smoke/samples/{name}"]
