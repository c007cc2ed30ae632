"""A change of the user's files reruns what depends on them."""

import os
from pathlib import Path

import numpy as np
from runs import run

STUDY = {
    "source": {"kind": "files", "path": "real.npy"},
    "generators": {"mine": {"kind": "files", "path": "made.npy"}},
    "definitions": {"values": {"euclidean": {"alpha": 0.05}}},
}


def test_a_changed_file_is_noticed_and_another_unit_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "real.npy", rng.random((100, 3)))
    np.save(tmp_path / "made.npy", rng.random((50, 3)))
    config = {"studies": {"to+y": STUDY}}
    assert run(tmp_path, config, "--until", "generate").returncode == 0
    made = tmp_path / "results/to+y/samples/mine-0/0.parquet"
    before = made.read_bytes()

    np.save(tmp_path / "made.npy", rng.random((50, 3)))
    os.utime(tmp_path / "made.npy")
    again = run(tmp_path, config, "--until", "generate")
    assert "generate mine-0 of to+y" in again.stderr
    assert "prepare" not in again.stderr
    assert made.read_bytes() != before

    np.save(tmp_path / "made.npy", 255 * rng.random((50, 3)))
    other = run(tmp_path, config, "--until", "generate")
    assert other.returncode == 1
    assert "but the real samples of to+y have" in other.stderr


def test_fewer_parts_leave_none_behind(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "real.npy", rng.random((2000, 3)))
    np.save(tmp_path / "made.npy", rng.random((600, 3)))
    config = {"studies": {"toy": STUDY}}
    for parts in (3, 2):
        assert run(tmp_path, config | {"parts": parts}, "--until", "generate").returncode == 0
        assert len(list((tmp_path / "results/toy/samples/mine-0").iterdir())) == parts
