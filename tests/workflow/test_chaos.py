"""A run that is killed again and again makes the same tables: 8 times here, CHAOS=100 in `make chaos`."""

import os
from pathlib import Path

import pytest
from chaos import chaos
from runs import LARGER, command, parquet_bytes

KILLS = int(os.environ.get("CHAOS", "8"))


@pytest.mark.slow
def test_kills_at_random_times_change_no_byte(alone: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    call = command(folder, LARGER | {"parts": 2, "shards": 2})
    killed = chaos(call, folder, KILLS, seed=KILLS, longest=6)
    print(", ".join(f"{number} x {kind}" for kind, number in killed.most_common()))
    assert sum(killed.values()) >= KILLS
    found = parquet_bytes(folder)
    assert found.keys() == alone.keys()
    assert [name for name in found if found[name] != alone[name]] == []
    assert [
        path for path in (folder / "results").rglob("*") if path.suffix == ".tmp" or path.name == "unfinished"
    ] == []
