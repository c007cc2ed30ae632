"""The same tables for any number of cores, shards and parts, uninterrupted or killed.

Runs are killed at random times, too: 8 times here, CHAOS=100 in `make chaos`.
"""

import os
from pathlib import Path

import pytest
from chaos import chaos
from runs import LARGER as CONFIG
from runs import command, parquet_bytes, run, run_until

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CHAOS", "8"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables of a run on one core with one shard and one part."""
    folder = tmp_path_factory.mktemp("alone")
    done = run(folder, CONFIG, "--cores", "1")
    assert done.returncode == 0, done.stderr
    return parquet_bytes(folder)


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
    assert "more duplicates" in again.stdout
    assert "results/report.html" in again.stdout

    (tmp_path / "results/smoke/fidelity.parquet").unlink()
    assert "analyse" in run(tmp_path, CONFIG, "--dry-run").stderr  # what is deleted is made again


def test_kills_at_random_times_change_no_byte(alone: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    call = command(folder, CONFIG | {"parts": 2, "shards": 2})
    killed = chaos(call, folder, KILLS, seed=KILLS, longest=6)
    print(", ".join(f"{number} x {kind}" for kind, number in killed.most_common()))
    assert sum(killed.values()) >= KILLS
    same(parquet_bytes(folder), alone)
    left = [path for path in (folder / "results").rglob("*") if path.suffix == ".tmp" or path.name == "unfinished"]
    assert left == []


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
