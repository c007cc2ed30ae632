"""A run that is killed again and again makes the same tables: 8 times here, CHAOS=100 in `make chaos`."""

import os
from pathlib import Path

from chaos import chaos
from runs import STUDY, command, parquet_bytes, run

KILLS = int(os.environ.get("CHAOS", "8"))


def test_kills_at_random_times_change_no_byte(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    done = run(whole, STUDY)
    assert done.returncode == 0, done.stderr

    folder = tmp_path / "killed"
    killed = chaos(command(folder, STUDY), folder, KILLS, seed=KILLS, longest=6)
    print(", ".join(f"{number} x {kind}" for kind, number in killed.most_common()))
    assert sum(killed.values()) >= KILLS
    expected, found = parquet_bytes(whole), parquet_bytes(folder)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert [
        path for path in (folder / "results").rglob("*") if path.suffix == ".tmp" or path.name == "unfinished"
    ] == []
