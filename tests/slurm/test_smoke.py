"""The smoke configuration on a real cluster, through the profile that users get."""

import copy
import re
import signal
import subprocess
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
from checks import clean, steps
from cluster import Cluster, wait
from runs import STUDY, command, parquet_bytes, run

TWICE: dict[str, Any] = copy.deepcopy(STUDY)
TWICE["studies"]["smoke"]["generators"]["curated"]["replicas"] = 2  # a training for each node


def test_a_cluster_makes_the_tables_of_a_laptop(cluster: Cluster, profile: Path, tmp_path: Path) -> None:
    alone = run(tmp_path / "alone", TWICE)
    assert alone.returncode == 0, alone.stderr
    done = run(tmp_path / "w", TWICE, "--profile", str(profile), action="slurm")
    assert done.returncode == 0, done.stderr
    assert done.stdout == alone.stdout
    assert "curated-0" in done.stdout
    clean(tmp_path / "w", parquet_bytes(tmp_path / "alone"))

    trace = pq.read_table(tmp_path / "w/results/trace.parquet").to_pylist()
    nodes = {rule: {row["node"] for row in trace if row["rule"] == rule} for rule in ("pairs", "train")}
    assert nodes["pairs"] == {"node1", "node2"}
    assert nodes["train"] <= {"node1", "node2"}  # two jobs, perhaps one after the other
    ids = {rule: {row["slurm_job"] for row in trace if row["rule"] == rule} for rule in {row["rule"] for row in trace}}
    together = set.union(*(ids[rule] for rule in ("merge_pairs", "census", "sweep")))
    assert len(together) == 1  # they travel in one job
    assert together.isdisjoint(ids["pairs"] | ids["train"])


def test_a_training_that_the_time_limit_stops_goes_on_in_the_next_job(
    cluster: Cluster, profile: Path, tmp_path: Path
) -> None:
    """The limit is a real one: SLURM's, set to a moment after the training began, which is held there until then."""
    target = "results/smoke/generators/curated-0/model.safetensors"
    config = copy.deepcopy(STUDY) | {"checkpoint": 1, "parts": 1}
    config["studies"]["smoke"]["generators"]["curated"] = {"kind": "dcgan", "width": 8, "epochs": 120, "replicas": 1}
    assert run(tmp_path / "alone", config, target).returncode == 0

    folder = tmp_path / "w"
    log = folder / "results/logs/smoke/train/curated-0.log"
    for attempt in range(2):
        call = command(folder, config, "--profile", str(profile), target, "--retries", "0", action="slurm")
        action = subprocess.Popen(call, cwd=folder, stderr=subprocess.PIPE, text=True)
        wait("the training is under way", lambda: "epoch 12/" in text(log) or "resuming after" in text(log))
        (training,) = steps(folder)
        number = training.environ()["SLURM_JOB_ID"]
        training.suspend()
        subprocess.run(["scontrol", "update", f"JobId={number}", "EndTime=now+1seconds"], check=True)
        wait("the limit is reached", partial(terminated, training))
        hold(training, seconds=2)
        _, said = action.communicate()
        assert action.returncode == 1
        assert "\n  why   time limit reached" in said
        assert f"SLURM job {number}" in said
        assert list(folder.glob("results/smoke/generators/curated-0/unfinished/*/state.safetensors"))
        assert ("resuming after" in text(log)) == (attempt > 0)
        log.unlink()
    done = run(folder, config, "--profile", str(profile), target, action="slurm")
    assert done.returncode == 0, done.stderr
    clean(folder, parquet_bytes(tmp_path / "alone"))
    assert (folder / target).read_bytes() == (tmp_path / "alone" / target).read_bytes()
    assert not (folder / target).with_name("unfinished").exists()


def test_a_failure_on_a_node_is_told_in_full(cluster: Cluster, profile: Path, tmp_path: Path) -> None:
    config = copy.deepcopy(STUDY) | {"parts": 1}
    config["studies"]["smoke"]["splits"]["train"] = 3000
    done = run(tmp_path, config, "--profile", str(profile), "--retries", "0", "results/census.parquet", action="slurm")
    assert done.returncode == 1
    told = done.stderr[done.stderr.rindex("\nfailed: ") :].splitlines()
    assert told[1] == "failed: prepare the real samples of smoke, part 0"
    assert told[2] == "  rule  prepare (study=smoke, part=0)"
    assert told[3].startswith("  node  node") and ", SLURM job " in told[3]
    assert "= 3200 samples, but the source has 1797" in told[4]
    assert told[-2] == "  repeat it by hand:"
    by_hand = subprocess.run(["bash", "-c", told[-1]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert by_hand.returncode == 1
    assert "= 3200 samples, but the source has 1797" in by_hand.stderr


def terminated(process: psutil.Process) -> bool:
    """Whether a suspended process has been sent SIGTERM, or has even ended: SLURM may continue it."""
    try:
        pending = re.search(r"^ShdPnd:\t(\w+)$", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return True
    return pending is not None and bool(int(pending[1], 16) & 1 << signal.SIGTERM - 1)


def hold(process: psutil.Process, seconds: float) -> None:
    """Keep a process from answering a signal for so long, as if it were in the middle of a long batch."""
    end = time.monotonic() + seconds
    with suppress(psutil.NoSuchProcess):
        while time.monotonic() < end:
            process.suspend()
            time.sleep(0.02)
        process.resume()


def text(path: Path) -> str:
    """What a log says so far."""
    return path.read_text() if path.exists() else ""
