"""`gancensus audit --slurm` makes the tables of an audit on this computer, and says the same."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml
from checks import at_rest, clean, steps
from cluster import Cluster, output, wait
from runs import parquet_bytes


def write_samples(folder: Path) -> list[str]:
    """Write real samples at 200 places and generated ones at 50 of them; return the options that name them."""
    rng = np.random.default_rng(5)
    places = rng.normal(0, 9, (200, 4))
    for name, used, count in (("real", 200, 1200), ("made", 50, 500)):
        np.save(folder / f"{name}.npy", places[rng.integers(0, used, count)] + rng.normal(0, 0.01, (count, 4)))
    return ["--real", str(folder / "real.npy"), "--generated", f"a fourth={folder / 'made.npy'}", "--out", "results"]


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start an audit in a folder."""
    folder.mkdir(exist_ok=True)
    call = [sys.executable, "-m", "gancensus.cli", "audit", *options]
    return subprocess.Popen(call, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_an_audit_on_a_cluster(cluster: Cluster, profile: Path, tmp_path: Path) -> None:
    """A job that somebody cancels is made up for; the same audit again makes nothing again."""
    options, alone, folder = write_samples(tmp_path), tmp_path / "alone", tmp_path / "w"
    here = start(alone, *options)
    there = start(folder, *options, "--slurm", str(profile))
    wait("a step runs", lambda: there.poll() is not None or steps(folder))
    subprocess.run(["scancel", *output("squeue", "--noheader", "--states=RUNNING", "--format=%i")[:1]], check=True)
    expected, problems = here.communicate()
    assert here.returncode == 10, problems
    said, problems = there.communicate()
    assert there.returncode == 10, problems
    assert "(again)" in problems
    assert "a fourth" in said
    assert said.replace(str(folder), str(alone)) == expected
    clean(folder, parquet_bytes(alone))

    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    again = start(folder, *options, "--slurm", str(profile), "--fail-on", "ratio", "--max-ratio", "99")
    said, problems = again.communicate()
    assert again.returncode == 0, problems
    assert "a fourth" in said
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == made


def test_what_slurm_would_refuse_is_said_before_the_samples_are_read(
    cluster: Cluster, profile: Path, tmp_path: Path
) -> None:
    options = write_samples(tmp_path)
    file = profile / "config.yaml"
    content = yaml.safe_load(file.read_text())
    content["default-resources"]["slurm_partition"] = "nosuch"
    file.write_text(yaml.safe_dump(content))
    for name, why in (
        ("other", "other/config.yaml: no such profile; copy "),
        ("profile", "profile/config.yaml: default-resources: SLURM refuses --partition=nosuch "),
    ):
        audit = start(tmp_path, *options, "--slurm", name)
        said, problems = audit.communicate()
        assert (audit.returncode, said) == (1, ""), problems
        assert problems.splitlines()[-1].startswith(f"error: {why}")
    assert not (tmp_path / "results").exists()
    at_rest(tmp_path)
