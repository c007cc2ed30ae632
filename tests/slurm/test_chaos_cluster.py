"""A run on a cluster that is killed again and again makes the same tables: 10 times here, CHAOS=100 in `make chaos`."""

import os
from pathlib import Path

from chaos import chaos
from checks import at_rest, clean
from cluster import Cluster
from runs import STUDY, command, parquet_bytes, run

KILLS = int(os.environ.get("CHAOS", "10"))


def test_kills_at_random_times_change_no_byte(cluster: Cluster, profile: Path, tmp_path: Path) -> None:
    whole = run(tmp_path / "alone", STUDY)
    assert whole.returncode == 0, whole.stderr

    folder = tmp_path / "w"
    call = command(folder, STUDY, "--profile", str(profile), action="slurm")
    killed = chaos(call, folder, KILLS, seed=KILLS, longest=20)
    print(", ".join(f"{number} x {kind}" for kind, number in killed.most_common()))
    assert sum(killed.values()) >= KILLS
    clean(folder, parquet_bytes(tmp_path / "alone"))
    at_rest(folder)
