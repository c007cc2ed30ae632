"""A real cluster, disturbed in every way that we know: the run ends, and its tables are those of an undisturbed one.

Run by name: `make slurm-test`. Needs root, SLURM and munge; the tests of accounting also slurmdbd and MariaDB.
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from checks import CONFIG, PROFILE, TARGET, Door, Writers, at_rest, clean, queue, steps, write
from cluster import Cluster, node_of, output, wait
from runs import parquet_bytes, run


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables of a run on this computer."""
    return expected(tmp_path_factory.mktemp("alone"), 1)


def expected(folder: Path, seed: int) -> dict[str, bytes]:
    """The tables of a run on this computer with a seed."""
    write(folder)
    done = run(folder, CONFIG | {"seed": seed}, TARGET)
    assert done.returncode == 0, done.stderr
    return parquet_bytes(folder)


def test_a_cancelled_job_is_submitted_again(cluster: Cluster, alone: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path)
    action = Door(tmp_path)
    subprocess.run(["scancel", action.running()[0]], check=True)
    assert action.end() == 0, action.said
    assert "(again)" in action.said
    clean(tmp_path, alone)


def test_a_lost_node_is_made_up_for(cluster: Cluster, alone: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path)
    with Writers(tmp_path) as writers:
        action = Door(tmp_path)
        wait("node1 runs a step", lambda: any(node_of(step) == "node1" for step in steps(tmp_path)))
        cluster.kill("node1", steps=True)
        assert action.end() == 0, action.said
        assert "(again)" in action.said
    assert writers.seen and not writers.twice
    clean(tmp_path, alone)
    cluster.start_node("node1")
    wait("the node is back", lambda: cluster.states() == ["idle", "idle"])


def test_a_controller_that_comes_back(cluster: Cluster, alone: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path)
    with Writers(tmp_path) as writers:
        action = Door(tmp_path)
        action.running()
        cluster.kill("slurmctld")
        wait("the run notices", lambda: "SLURM's controller does not answer" in action.said)
        wait("the step ends without its head", lambda: not steps(tmp_path))
        cluster.start_controller()
        assert action.end() == 0, action.said
    assert writers.seen and not writers.twice
    assert action.said.count("SLURM's controller does not answer") == action.said.count("SLURM answers again") == 1
    clean(tmp_path, alone)


def test_jobs_that_snakemake_loses_are_kept(cluster: Cluster, alone: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path)
    action = Door(tmp_path, "--slurm-status-command", "sacct")  # which fails without accounting
    assert action.end() == 0, action.said
    assert "no job can make progress: Snakemake waits for 2 SLURM jobs that SLURM has ended: " in action.said
    assert "(rule_prepare/smoke_0: COMPLETED)" in action.said
    assert "files that jobs finished on their own: 6 kept" in action.said
    assert action.said.count("starting again with what is finished") == 2
    clean(tmp_path, alone)


def test_a_job_cancelled_by_someone(accounted: Cluster, alone: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path / "w")
    action = Door(tmp_path / "w", "--slurm-status-command", "sacct")  # which says CANCELLED by 0
    number = action.running()[0]
    subprocess.run(["scancel", number], check=True)
    assert action.end() == 0, action.said
    assert "; accounting; MinJobAge 300 s" in action.said
    assert f"Snakemake waits for 1 SLURM job that SLURM has ended: {number} (rule_prepare/" in action.said
    clean(tmp_path / "w", alone)


def test_signals_end_a_run_and_the_next_one_goes_on(cluster: Cluster, alone: dict[str, bytes], tmp_path: Path) -> None:
    write(tmp_path)
    with Writers(tmp_path) as writers:
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            action = Door(tmp_path)
            action.running()
            os.kill(action.process.pid, number)
            assert action.end() == status, action.said
            assert "Traceback" not in action.said
            at_rest(tmp_path)
        action = Door(tmp_path)
        action.running()
        wait("a step is held, and with it its job", lambda: hold(tmp_path))
        second = Door(tmp_path)
        assert second.end() == 1
        assert f"error: another run is at work on {tmp_path}/results (process " in second.said
        action.kill()
        left = queue()
        assert left
        action = Door(tmp_path)
        assert action.end() == 0, action.said
    assert re.search(rf"cancelling jobs? ({'|'.join(left)}) \(", action.said), action.said
    assert writers.seen and not writers.twice
    clean(tmp_path, alone)


def hold(folder: Path) -> bool:
    """Suspend a step; say whether there was one."""
    for step in steps(folder):
        with suppress(psutil.NoSuchProcess):
            step.suspend()
            return True
    return False


def test_what_jobs_finish_after_a_kill_is_of_their_configuration(cluster: Cluster, tmp_path: Path) -> None:
    write(tmp_path / "w")
    action = Door(tmp_path / "w")
    action.running()
    action.kill()
    wait("the jobs have finished alone", lambda: not queue())
    assert parquet_bytes(tmp_path / "w")
    write(tmp_path / "w", CONFIG | {"seed": 2})
    action = Door(tmp_path / "w")
    assert action.end() == 0, action.said
    assert "files that jobs finished on their own: 6 removed, to be made again" in action.said
    clean(tmp_path / "w", expected(tmp_path / "alone", 2))


def test_what_would_fail_is_said_before_anything_is_submitted(cluster: Cluster, tmp_path: Path) -> None:
    write(tmp_path, profile=PROFILE | {"default-resources": {"slurm_partition": "nosuch"}})
    assert_refused(tmp_path, "profile/config.yaml: default-resources: SLURM refuses --partition=nosuch: ", "nvalid")
    write(tmp_path, profile=PROFILE | {"default-resources": {"mem_mb": 9000000}})
    assert_refused(tmp_path, "profile/config.yaml: default-resources: SLURM refuses ", "--mem=9000000")
    write(tmp_path, profile=PROFILE | {"default-resources": {"slurm_account": "physics"}})
    assert_refused(tmp_path, "slurm_account: SLURM has no accounting here; remove the line")

    write(tmp_path)
    configuration = cluster.folder / "slurm.conf"
    text = configuration.read_text()
    try:
        configuration.write_text(text.replace("MinJobAge=300", "MinJobAge=100"))
        subprocess.run(["scontrol", "reconfigure"], check=True)
        assert_refused(tmp_path, "no accounting; MinJobAge 100 s: SLURM would forget a finished job before")
    finally:
        configuration.write_text(text)
        subprocess.run(["scontrol", "reconfigure"], check=True)

    cluster.kill("slurmctld")
    assert_refused(tmp_path, "SLURM's controller does not answer: Slurmctld(primary) at ", "is DOWN; try again later")
    cluster.start_controller()
    wait("the controller is back", lambda: cluster.states() == ["idle", "idle"])
    assert not list(tmp_path.rglob("*.parquet"))


def assert_refused(folder: Path, *words: str) -> None:
    """Check that the command ends with a line that has these words, and that no job was submitted."""
    before = output("squeue", "--noheader", "--states=all", "--format=%i")
    action = Door(folder)
    assert action.end() == 1, action.said
    error = action.said.splitlines()[-1]
    assert error.startswith("error: "), action.said
    assert [word for word in words if word not in error] == [], error
    assert set(output("squeue", "--noheader", "--states=all", "--format=%i")) <= set(before)


def test_a_folder_that_nodes_do_not_see(cluster: Cluster, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "results").mkdir()
    hide = 'mount -t tmpfs tmpfs results && exec "$@"'  # in a mount namespace that the nodes do not share
    call = [
        sys.executable,
        "-m",
        "gancensus.cli",
        "slurm",
        "--configfile",
        "my.yaml",
        "--profile",
        "profile",
        TARGET,
    ]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hide, "sh", *call], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"error: {tmp_path}/results: what node node" in done.stderr
    assert "is not visible here; choose a folder that all nodes share: --results" in done.stderr
    assert queue() == []
