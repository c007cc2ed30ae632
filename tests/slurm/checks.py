"""Runs of `gancensus slurm` that are disturbed while they work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml
from cluster import PATIENT, output, wait
from runs import parquet_bytes

CONFIG: dict[str, Any] = {
    "seed": 1,
    "device": "cpu",
    "parts": 2,
    "shards": 1,
    "studies": {
        "smoke": {
            "source": {"kind": "digits"},
            "splits": {"train": 600, "calibrate": 300, "holdout": 300},
            "generators": {"mine": {"kind": "files", "path": "made.npy"}},
            "definitions": {"same": {"euclidean": {"alpha": 0.05}}},
        }
    },
}
TARGET = "results/smoke/thresholds/same.parquet"  # two jobs side by side, then one
PROFILE: dict[str, Any] = {
    "executor": "slurm",
    "jobs": 20,
    "default-resources": {"mem_mb": 600, "runtime": 10},
    "rerun-incomplete": True,
    "keep-going": True,
    "retries": 3,
    "scheduler": "greedy",
    "logger": "gancensus",
    "latency-wait": 20,
    "slurm-init-seconds-before-status-checks": 3,
    "slurm-no-requeue": True,
}
PATIENCE = "30"


def write(folder: Path, config: dict[str, Any] = CONFIG, profile: dict[str, Any] = PROFILE) -> None:
    """Write configuration, profile and samples into a folder."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "my.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "profile").mkdir(exist_ok=True)
    (folder / "profile/config.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
    np.save(folder / "made.npy", np.random.default_rng(0).integers(0, 17, (50, 8, 8)).astype(float))


class Door:
    """A `gancensus slurm` at work in a folder, in a session of its own; what it says is in door.txt."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.out = folder, folder / "door.txt"
        command = ["slurm", "--configfile", "my.yaml", "--profile", "profile", "--patience", PATIENCE, TARGET, *options]
        with self.out.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gancensus.cli", *command],
                cwd=folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # background jobs ignore it
            )

    @property
    def said(self) -> str:
        """All that it has said so far."""
        return self.out.read_text()

    def running(self) -> list[str]:
        """Wait until a step runs on a node; return SLURM's numbers of all jobs of the run that run."""
        wait("a step runs", lambda: self.ended() or steps(self.folder))
        assert not self.ended(), self.said
        return output("squeue", "--noheader", "--states=RUNNING", "--format=%i")

    def ended(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def end(self) -> int:
        """Wait for its end; return its exit status."""
        try:
            return self.process.wait(PATIENT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end in {PATIENT} s: {self.said}") from None

    def kill(self) -> None:
        """Kill the head and all that it has started here, as when the computer goes down."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def steps(folder: Path) -> list[psutil.Process]:
    """The steps at work in a folder, wherever they were started from."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        words = process.info["cmdline"] or []
        script = len(words) > 1 and Path(words[1]).parent.name == "scripts" and words[1].endswith(".py")
        if script and process.info["cwd"] == str(folder) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def queue() -> list[str]:
    """SLURM's numbers of all jobs that have not left the queue."""
    return output("squeue", "--noheader", "--format=%i")


class Writers:
    """Looks all the time whether two steps with one output are at work in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen = 0
        self.twice: set[str] = set()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self) -> None:
        """Look until it is over."""
        while not self.over.wait(0.05):
            commands = Counter(command for step in steps(self.folder) if (command := " ".join(step.info["cmdline"])))
            self.seen = max(self.seen, len(commands))
            self.twice |= {command for command, number in commands.items() if number > 1}

    def __enter__(self) -> Writers:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


def clean(folder: Path, expected: dict[str, bytes]) -> None:
    """Check that a run has left the expected tables, and nothing else at work or half-made."""
    found = parquet_bytes(folder)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert not list(folder.rglob("*.tmp"))
    assert not list(folder.rglob(".preflight*"))
    at_rest(folder)


def at_rest(folder: Path) -> None:
    """Check that nothing is at work: no job, no step, no lock."""
    assert queue() == []
    assert steps(folder) == []
    assert not list(folder.glob(".snakemake/locks/*"))
