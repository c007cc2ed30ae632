"""The door: clear errors before anything is written, and the census as text."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from runs import STUDY, command, run

from gancensus import cli, head, preflight, slurm, tables, unseen
from gancensus.config import read
from gancensus.errors import UserError
from gancensus.files import write_table


def changed(**keys: Any) -> dict[str, Any]:
    """The smoke configuration with other keys in its study."""
    config: dict[str, Any] = STUDY | {"studies": {"smoke": STUDY["studies"]["smoke"] | keys}}
    return config


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (STUDY | {"sed": 1}, ["my.yaml:", "sed: unknown key", "did you mean 'seed'?"]),
        (changed(splits={"train": "many"}), ["my.yaml:", "studies.smoke.splits.train"]),
        (
            changed(source={"kind": "files", "path": "real.npy"}),
            ["studies.smoke.source: real.npy: no such file or folder"],
        ),
        (STUDY | {"studies": {"../smoke": STUDY["studies"]["smoke"]}}, ["my.yaml:", "studies.../smoke: a name is"]),
    ],
)
def test_a_wrong_configuration_writes_nothing(tmp_path: Path, config: dict[str, Any], words: list[str]) -> None:
    done = run(tmp_path, config)
    assert done.returncode == 1
    assert [word for word in words if word not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (changed(splits={"train": 1000, "calibrate": 500, "holdout": 500}), "= 2000 samples, but the source has 1797"),
        (changed(splits={"train": 0.9, "calibrate": 0.0001, "holdout": 0.01}), "split calibrate would have 0 of 1797"),
    ],
)
def test_what_the_data_cannot_give_is_the_last_thing_on_the_screen(
    tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    done = run(tmp_path, config | {"parts": 1}, "--until", "prepare")
    assert done.returncode == 1
    *_, error, _, repeat = done.stderr.rstrip().splitlines()
    assert error.strip().startswith("error: ")
    assert message in error
    assert not list(tmp_path.rglob("*.parquet"))
    by_hand = subprocess.run(["bash", "-c", repeat], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert by_hand.returncode == 1
    assert by_hand.stderr.strip() == error.strip()


def test_a_read_only_results_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a read-only folder here")
    try:
        with pytest.raises(UserError, match=r"closed: the results cannot be written there; .*--results"):
            cli.check_writable(folder / "results")
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such configuration file"),
        ("studies: [1", "my.yaml:.*not readable as YAML"),
        ("", "my.yaml:1: the file: "),
        ("__use_yte__: true\nseed: ?1 + 1\n", "__use_yte__: unknown key"),
        ("pathvars: {resluts: x}\nstudies: {}", "pathvars.resluts: unknown key; did you mean 'results'?"),
        ("pathvars: [x]\nstudies: {}", "pathvars: needs keys under it"),
    ],
)
def test_an_unreadable_configuration_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "my.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=message):
        read(path)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("cannot mount a small folder here")
    try:
        done = run(tmp_path, STUDY, "--results", "small", "--until", "prepare")
        assert done.returncode == 1
        assert "the disk is full" in done.stderr or "No space left on device; make room" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(folder.rglob("*.tmp"))
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_lock_of_a_living_run_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.input.lock").write_text("")
    script = tmp_path / "bin/snakemake"
    script.parent.mkdir()
    script.write_text("read line")
    living = subprocess.Popen(["bash", str(script)], stdin=subprocess.PIPE, cwd=tmp_path, env=dict(os.environ))
    try:
        with pytest.raises(UserError, match=rf"another run is at work in this folder \(process {living.pid}\)"):
            head.refuse_second(tmp_path / "results", None)
    finally:
        living.communicate(b"\n")


@pytest.mark.parametrize(("seconds", "refused"), [(5, True), (70, False)])
def test_a_head_on_another_computer_counts_while_it_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, refused: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    head.CLAIM.parent.mkdir()
    head.CLAIM.write_text(json.dumps(head.Claim("login9", 123, 1.0, "slurm", 2.0, "d")))
    then = time.time() - seconds
    os.utime(head.CLAIM, (then, then))
    if refused:
        with pytest.raises(UserError, match=r"at work in this folder .process 123 on login9, alive"):
            head.claimed(tmp_path / "results").__enter__()
        return
    with head.claimed(tmp_path / "results"):
        claim = head.last_claim()
        assert claim and claim.pid == os.getpid()
        assert claim[3:] == ("slurm", 2.0, "d")  # what the dead one had begun is not forgotten
        with pytest.raises(UserError, match=f"process {os.getpid()}"):
            head.refuse_second(tmp_path / "results", claim)
    claim = head.last_claim()
    assert claim and claim[3:] == ("slurm", 2.0, "d")
    head.refuse_second(tmp_path / "results", claim)  # it has ended


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose first step waits until it is ended."""
    source = tmp_path / "made.npy"
    os.mkfifo(source)  # nobody ever writes to it
    study = {
        "source": {"kind": "files", "path": "made.npy"},
        "generators": {"mine": {"kind": "files", "path": "made.npy"}},
        "definitions": {"same": {"euclidean": {"alpha": 0.1}}},
    }
    with subprocess.Popen(
        command(tmp_path, {"studies": {"toy": study}, "parts": 1}),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    ) as process:
        until(lambda: steps(tmp_path) or process.poll() is not None)
        yield process
        process.kill()
    for step in steps(tmp_path):
        step.kill()


def steps(folder: Path) -> list[psutil.Process]:
    """The steps at work in a folder."""
    found = psutil.process_iter(["cmdline", "cwd"])
    return [p for p in found if p.info["cwd"] == str(folder) and "/scripts/" in " ".join(p.info["cmdline"] or ())]


def until(done: Any) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_to_the_door_ends_everything(
    waiting: subprocess.Popen[bytes], tmp_path: Path, number: int, status: int
) -> None:
    assert steps(tmp_path)
    waiting.send_signal(number)
    _, said = waiting.communicate(timeout=60)
    assert waiting.returncode == status, said
    assert b"Traceback" not in said
    assert b"failed:" not in said
    assert steps(tmp_path) == []
    assert not list(tmp_path.glob(".snakemake/locks/*"))


def test_what_a_killed_head_leaves_running_is_ended(waiting: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (snakemake,) = psutil.Process(waiting.pid).children()
    waiting.kill()
    refused = subprocess.run([*waiting.args], cwd=tmp_path, capture_output=True, text=True, check=False)  # type: ignore[misc]
    assert f"another run is at work in this folder (process {snakemake.pid})" in refused.stderr
    snakemake.kill()
    psutil.wait_procs([snakemake], 20)
    (left, *_) = steps(tmp_path)
    elsewhere = head.steps(tmp_path / "elsewhere")
    assert elsewhere == []  # a run of other results from this folder ends nothing of these
    head.end_steps(tmp_path / "results")
    assert not left.is_running()
    assert steps(tmp_path) == []


def test_a_run_that_hangs_again_and_again_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    progress = [0, 0, 1, 0, 0, 0]  # files kept from each start: the third makes some headway

    def attend(*_: object) -> int:
        stuck = slurm.StuckError("it hangs")
        stuck.kept = progress.pop(0)
        raise stuck

    monkeypatch.setattr(cli, "attend", attend)
    monkeypatch.setattr(cli, "Profile", lambda folder: None)
    monkeypatch.setattr(cli, "preflight", lambda profile: "squeue")
    monkeypatch.setattr(cli, "probe", lambda *_: None)
    monkeypatch.setattr(cli, "clear", lambda *_: 0)
    args = argparse.Namespace(configfile=Path("my.yaml"), profile=Path("p"), patience=1.0, results=None)
    with pytest.raises(UserError, match="it hangs; given up after 3 starts that finished no job"):
        cli.slurm(args, [], tmp_path / "results")
    assert progress == []


def test_without_slurm_a_run_on_a_cluster_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"sbatch, squeue, scontrol, scancel, sinfo: not found; .* login node"):
        preflight.has_commands()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (None, "what node n1 writes there is not seen here; choose a folder that all nodes share"),
        (
            "Traceback:\nModuleNotFoundError: No module named 'torch'\n",
            "node n1 cannot start .*No module named 'torch'; ",
        ),
        ('{"gancensus": "0", "snakemake": "1", "torch": "2"}', "node n1 has other versions .*gancensus 0 .here "),
    ],
)
def test_what_a_probe_finds_wrong(said: str | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        preflight.judge("n1", said, Path("results"))


def test_a_profile_as_sbatch_gets_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "default-resources: [slurm_account=phys, 'mem_mb=1000', \"runtime=f'{attempt}h'\"]\n"
        "set-resources: {train: {slurm_partition: gpu}, embed: {slurm_partition: gpu}}\n"
        "slurm-qos: long\n"
    )
    assert preflight.Profile(tmp_path).options() == {
        ("--account=phys", "--mem=1000", "--qos=long"): "",
        ("--account=phys", "--partition=gpu", "--mem=1000", "--qos=long"): "train",
    }
    with pytest.raises(UserError, match=r"nosuch/config.yaml: no such profile; copy workflow/profiles/slurm"):
        preflight.Profile(tmp_path / "nosuch")


def test_the_log_tells_which_jobs_snakemake_waits_for(tmp_path: Path) -> None:
    path, log = tmp_path / "x.snakemake.log", slurm.Log()
    submitted = (
        "Job {0} has been submitted with SLURM jobid 10{0} (log: /w/slurm_logs/rule_embed/part_{0}/10{0}.log).\n"
    )
    path.write_text("".join(map(submitted.format, (1, 2, 3))) + "Finished jobid: 1 (Rule: embed)\nJob 4 has been sub")
    log.read(path)
    assert (log.ended, sorted(log.waiting)) == (1, ["2", "3"])
    with path.open("a") as file:
        file.write("mitted with SLURM jobid 104 (log: /l).\nError in rule embed:\n    jobid: 2\n")
    log.read(path)
    assert log.waiting == {"3": ("103", Path("/w/slurm_logs/rule_embed/part_3/103.log")), "4": ("104", Path("/l"))}


def test_files_that_nobody_saw_made_are_recorded_or_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(
        "rule all:\n    input: 'a', 'b', 'gone'\n"
        "rule a:\n    output: 'a'\n    log: 'a.log'\n    shell: 'touch {output}'\n"
        "rule b:\n    output: 'b'\n    log: 'b.log'\n    shell: 'touch {output}'\n"
        "rule gone:\n    input: 'lost'\n    output: 'gone'\n    log: 'gone.log'\n    shell: 'touch {output}'\n"
    )
    call = [sys.executable, "-m", "snakemake"]
    subprocess.run([*call, "-c1", "a", "--quiet", "all"], check=True)
    (tmp_path / "lost").touch()
    (tmp_path / "b").touch()
    (tmp_path / "gone").touch()
    assert {file.path.name for file in unseen.unseen(call, 0) or ()} == {"b", "gone"}
    assert unseen.unseen(call, time.time() + 60) == []  # older ones are none of ours
    os.utime(tmp_path / "a", (time.time() + 5, time.time() + 5))  # made anew, while its record is of the first time
    os.utime(tmp_path / "lost", (time.time() + 5, time.time() + 5))  # after `gone` was made of it
    assert unseen.settle(call, 0, same=True) == 2
    assert not (tmp_path / "gone").exists()
    assert unseen.unseen(call, 0) == []
    (tmp_path / "b").write_text("by others")
    os.utime(tmp_path / "b", (time.time() + 5, time.time() + 5))
    assert unseen.settle(call, 0, same=False) == 0
    assert not (tmp_path / "b").exists()
    assert (tmp_path / "a").exists()
    (tmp_path / "Snakefile").write_text("rule")
    assert unseen.settle(call, 0, same=True) is None


def test_what_is_not_settled_stays_in_the_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with head.claimed(tmp_path / "results"):
        head.begin("slurm", "first")
        first = head.last_claim()
        head.begin("slurm", "second")
        second = head.last_claim()
        assert first and second
        assert (second.command, second.begun, second.digest) == ("slurm", first.begun, "")
        head.settled()
        head.begin("run", "third")
        third = head.last_claim()
        assert third and third.begun > first.begun and third.digest == "third"


def test_the_census_as_text(tmp_path: Path) -> None:
    row = dict.fromkeys(tables.SUPPORT.names) | {"study": "s", "definition": "d", "population": "holdout"}
    row |= {"samples": 4000, "pairs": 7998000, "duplicates": 0, "effective_support_low": 2669778.4, "collision": 0.0}
    row["listed"] = 4000
    other = row | {"population": "gan-0", "effective_support": 12.3456, "effective_support_low": 10.0}
    other |= {"effective_support_high": 1234.5, "ratio": 2.5, "verdict": "less diverse"}
    other |= {"duplicates": 7998000, "listed": 44}
    write_table(tmp_path / "c.parquet", {name: [row[name], other[name]] for name in row}, tables.SUPPORT)
    head, first, second, note = cli.census_table(tmp_path / "c.parquet").splitlines()
    assert head.split() == ["study", "definition", "population", "samples", "support", "interval", "ratio", "verdict"]
    assert first.split() == ["s", "d", "holdout", "4,000", "≥", "2,670,000", "no", "duplicate", "–", "reference"]
    assert second.split() == ["s", "d", "gan-0", "4,000", "12.3", "10.0", "to", "1,230", "2.50", "less", "diverse"]
    assert note.startswith("s, d: gan-0 has 7,998,000 duplicates; all are counted, those among 44 of its 4,000 samples")
