"""Runs of the whole workflow in a folder of their own."""

import copy
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from gancensus.search.pairs import TILE

ROOT = Path(__file__).parents[2]

STUDY: dict[str, Any] = yaml.safe_load((ROOT / "config/test.yaml").read_text())

LARGER = copy.deepcopy(STUDY) | {"parts": 1, "shards": 1}
LARGER["studies"]["smoke"]["generators"]["curated"]["samples"] = TILE + 200  # more than one tile, so that shards differ


def command(folder: Path, config: dict[str, Any], *options: str, action: str = "run") -> list[str]:
    """Write the configuration into the folder; return the command that runs it there, or on a cluster."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "my.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return [sys.executable, "-m", "gancensus.cli", action, "--configfile", "my.yaml", *options]


def run(folder: Path, config: dict[str, Any], *options: str, action: str = "run") -> subprocess.CompletedProcess[str]:
    """Run the workflow in the folder to its end."""
    call = command(folder, config, *options, action=action)
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


def run_until(folder: Path, config: dict[str, Any], log: str, text: str) -> None:
    """Run until a job's log holds the text, then kill everything at once, as when the power goes."""
    process = subprocess.Popen(
        command(folder, config),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    path = folder / "results/logs" / log
    deadline = time.monotonic() + 900
    while not (path.exists() and text in path.read_text()):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, f"{log} never said {text!r}"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def parquet_bytes(folder: Path) -> dict[str, bytes]:
    """Every Parquet file of a run but that of times; the parts of a population, whose number may differ, as one."""
    results = folder / "results"
    parts: dict[str, list[Path]] = {}
    files = {}
    for path in sorted(results.rglob("*.parquet")):
        name = str(path.relative_to(results))
        if path.stem.isdigit():
            parts.setdefault(str(path.parent.relative_to(results)), []).append(path)
        elif name != "trace.parquet":
            files[name] = path.read_bytes()
    for name, paths in parts.items():
        table = pa.concat_tables([pq.read_table(path) for path in sorted(paths, key=lambda p: int(p.stem))])
        sink = pa.BufferOutputStream()
        pq.write_table(table.combine_chunks(), sink)
        files[name] = sink.getvalue().to_pybytes()
    return files
