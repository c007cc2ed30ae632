"""The command line: clear errors before anything is written, and the census as text."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from runs import STUDY, command, run

from gancensus import __version__
from gancensus.cli import arguments, head, main, options, preflight, printed, slurm, unseen
from gancensus.config.configuration import Config, read
from gancensus.contracts.errors import UserError
from gancensus.storage import schemas
from gancensus.storage.tables import write_table

Mount = Callable[[Path, str], AbstractContextManager[None]]


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


def test_a_read_only_results_folder_is_named(tmp_path: Path, mounted: Mount) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    with (
        mounted(folder, "ro"),
        pytest.raises(UserError, match=r"closed: the results cannot be written there; .*--results"),
    ):
        main.check_writable(folder / "results")


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


def test_a_full_disk_is_named(tmp_path: Path, mounted: Mount) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, "size=32k"):
        done = run(tmp_path, STUDY, "--results", "small", "--until", "prepare")
        assert done.returncode == 1
        assert "the disk is full" in done.stderr or "No space left on device; make room" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(folder.rglob("*.tmp"))


def test_a_lock_of_a_living_run_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("results/census.parquet\n")
    script = tmp_path / "bin/snakemake"
    script.parent.mkdir()
    script.write_text("read line")
    living = subprocess.Popen(["bash", str(script)], stdin=subprocess.PIPE, cwd=tmp_path, env=dict(os.environ))
    try:
        with pytest.raises(UserError, match=rf"another run is at work on .*/results \(process {living.pid}\)"):
            head.refuse_second(tmp_path / "results")
        head.refuse_second(tmp_path / "others")  # of which nothing is locked
    finally:
        living.communicate(b"\n")


BEGUN = head.Begun("slurm", "my.yaml", "", "/w/results", "d", 2.0)


@pytest.mark.parametrize("name", ["claim", f"results/{head.HEAD}"])
@pytest.mark.parametrize(("seconds", "refused"), [(5, True), (70, False)])
def test_a_head_on_another_computer_counts_while_it_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, refused: bool, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    place = head.claim_of(results) if name == "claim" else tmp_path / name
    place.parent.mkdir()
    place.write_text(json.dumps(head.Claim("login9", 123, 1.0, (BEGUN,))))
    then = time.time() - seconds
    os.utime(place, (then, then))
    if refused:
        with pytest.raises(UserError, match=rf"at work on {results} .process 123 on login9, alive"):
            head.claimed(results).__enter__()
        return
    with head.claimed(results):
        claim = head.last_claim(head.claim_of(results))
        assert claim and claim.pid == os.getpid()
        if name == "claim":
            assert claim.begun == (BEGUN,)  # what the dead one had begun is not forgotten
        with pytest.raises(UserError, match=rf"\(process {os.getpid()}\); wait for it, or end it"):
            head.refuse_second(results)
        with head.claimed(tmp_path / "others"):  # in the same folder, side by side
            assert not head.taken(results)
    after = head.last_claim(head.claim_of(results))
    assert after and after.begun == claim.begun
    assert not results.exists()  # nothing was made there
    head.refuse_second(results)  # it has ended


def test_a_folder_of_another_start_of_the_same_moment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    with head.claimed(results):
        monkeypatch.setattr(head, "refuse_second", lambda results: None)  # both have looked before either has begun
        monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
        (results / head.HEAD).write_text(json.dumps(head.Claim("login9", 123, 1.0)))
        with pytest.raises(UserError, match=r"another run on .* has just begun"):
            head.claimed(results).__enter__()


def test_a_head_that_was_taken_over_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    other = json.dumps(head.Claim("login9", 123, 1.0))
    monkeypatch.setattr(head, "BEAT", 0.1)
    with subprocess.Popen(["sleep", "60"]) as process, head.claimed(results):
        (results / head.HEAD).write_text(other)
        with pytest.raises(head.TakenError, match="another run has taken over"):
            main.wait(process, None, results)
        with pytest.raises(head.TakenError):
            head.begin(BEGUN._replace(results=str(results)))
        process.kill()
    assert (results / head.HEAD).read_text() == other


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").touch()
    with pytest.raises(
        UserError, match=r"\.snakemake: .*; make room, or start the run in a folder that you can write to"
    ):
        head.claimed(tmp_path / "results").__enter__()


def listening() -> None:
    """Hear what a shell's background jobs (SIGINT) and nohup (SIGHUP) ignore."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


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
        preexec_fn=listening,
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
    deadline = time.monotonic() + 900
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_to_the_door_ends_everything(
    waiting: subprocess.Popen[bytes], tmp_path: Path, number: int, status: int
) -> None:
    assert steps(tmp_path)
    waiting.send_signal(number)
    _, said = waiting.communicate(timeout=900)
    assert waiting.returncode == status, said
    assert b"Traceback" not in said
    assert b"failed:" not in said
    assert steps(tmp_path) == []
    assert not list(tmp_path.glob(".snakemake/locks/*"))


def test_what_a_killed_head_leaves_running_is_ended(waiting: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (snakemake,) = psutil.Process(waiting.pid).children()
    waiting.kill()
    waiting.wait()
    head.refuse_second(tmp_path / "results")  # it has no head any more
    (left, *_) = steps(tmp_path)
    elsewhere = head.steps(tmp_path / "elsewhere")
    assert elsewhere == []  # a run of other results from this folder ends nothing of these
    head.end_steps(tmp_path / "results")
    assert not left.is_running()
    assert not snakemake.is_running()
    assert steps(tmp_path) == []


def test_a_run_that_hangs_again_and_again_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    progress = [0, 0, 1, 0, 0, 0]  # files kept from each start: the third makes some headway

    def attend(*_: object) -> int:
        stuck = slurm.StuckError("it hangs")
        stuck.kept = progress.pop(0)
        raise stuck

    monkeypatch.setattr(main, "attend", attend)
    monkeypatch.setattr(main, "Profile", lambda folder: None)
    monkeypatch.setattr(main, "preflight", lambda profile: "squeue")
    monkeypatch.setattr(main, "probe", lambda *_: None)
    for name in ("clear", "forget"):
        monkeypatch.setattr(main, name, lambda *_: 0)
    args = argparse.Namespace(configfile=Path("my.yaml"), profile=Path("p"), patience=1.0, results=None)
    with pytest.raises(UserError, match="it hangs; given up after 3 starts that finished no job"):
        main.slurm(args, [], tmp_path / "results")
    assert progress == []


def test_without_slurm_a_run_on_a_cluster_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"sbatch, squeue, scontrol, scancel, sinfo: not found; .* login node"):
        preflight.has_commands()


def test_a_run_that_forces_everything_is_not_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    starts = []

    def attend(*_: object) -> int:
        starts.append(1)
        raise slurm.StuckError("it hangs")

    monkeypatch.setattr(main, "attend", attend)
    for name in ("Profile", "preflight", "probe", "clear", "forget"):
        monkeypatch.setattr(main, name, lambda *_: "squeue")
    args = argparse.Namespace(configfile=Path("my.yaml"), profile=Path("p"), patience=1.0, results=None)
    with pytest.raises(UserError, match="it hangs; start again without --forcerun=train, which repeats everything"):
        main.slurm(args, ["--forcerun=train"], tmp_path / "results")
    assert len(starts) == 1


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (
            ["8|RUNNING|None|n1\n", "8|COMPLETED|None|n2\n7|PENDING|Priority|\n", "7|CANCELLED|None|n1"],
            ("CANCELLED", "n1"),
        ),
        (["7|RUNNING|None|n1\n", None, ""], ("", "")),  # SLURM has forgotten it
    ],
)
def test_a_probe_is_waited_for_until_it_has_ended(
    monkeypatch: pytest.MonkeyPatch, lines: list[str | None], found: tuple[str, str]
) -> None:
    said = ["7|PENDING|Priority|\n", *lines[1:]]
    monkeypatch.setattr(preflight, "answer", lambda *_: said.pop(0))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert preflight.wait_for("7", slurm.Queue(Path("results"))) == found
    assert said == []


@pytest.mark.parametrize(
    ("state", "message"),
    [("TIMEOUT", "the probe, job 7, ended as TIMEOUT on n1"), ("FAILED", "choose a folder that all nodes share")],
)
def test_a_probe_tells_how_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, message: str) -> None:
    (tmp_path / "config.yaml").touch()
    (tmp_path / "results/.preflight-dead").mkdir(parents=True)
    monkeypatch.setattr(preflight, "submit_probe", lambda *_: "7")
    monkeypatch.setattr(preflight, "wait_for", lambda *_: (state, "n1"))
    monkeypatch.setattr(preflight, "ask", lambda *_: None)
    with pytest.raises(UserError, match=message):
        preflight.probe(preflight.Profile(tmp_path), slurm.Queue(tmp_path / "results"), tmp_path / "results")
    assert list((tmp_path / "results").iterdir()) == []


def test_names_must_fit_into_the_name_of_a_folder_of_logs(tmp_path: Path) -> None:
    keys = {"source": {"kind": "digits"}, "generators": {"g" * 60: {"kind": "files", "path": "made.npy"}}}
    study = keys | {"definitions": {"d" * 100: {"euclidean": {"alpha": 0.1}}}}
    for letters, fits in ((20, True), (100, False)):
        (tmp_path / "my.yaml").write_text(json.dumps({"studies": {"s" * letters: study}}))
        config = read(tmp_path / "my.yaml")
        if fits:
            preflight.names_fit(config)
            continue
        with pytest.raises(UserError, match=r"^studies.s*: the names of .* have 274 letters together, and"):
            preflight.names_fit(config)


def test_a_cluster_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("set-resources: {train: {clusters: big}}")
    with pytest.raises(UserError, match="set-resources: train: clusters: a run sees one cluster only"):
        preflight.one_cluster(preflight.Profile(tmp_path))
    monkeypatch.setenv("SLURM_CLUSTERS", "big")
    with pytest.raises(UserError, match="SLURM_CLUSTERS is set"):
        preflight.one_cluster(preflight.Profile(tmp_path))


def test_what_one_rule_asks_for_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, "--partition=gpu" in command, "", "sbatch: error: needs --gpus\n")

    monkeypatch.setattr(preflight, "ask", ask)
    (tmp_path / "config.yaml").write_text("set-resources: {train: {slurm_partition: gpu, runtime: 1d}}")
    preflight.accepted(preflight.Profile(tmp_path))
    warning = "set-resources: train: SLURM refuses --partition=gpu: needs --gpus"
    assert warning in capsys.readouterr().err
    (tmp_path / "config.yaml").write_text("default-resources: {slurm_partition: gpu}")
    with pytest.raises(UserError, match="default-resources: SLURM refuses --partition=gpu: needs --gpus"):
        preflight.accepted(preflight.Profile(tmp_path))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (None, "what node n1 writes there is not visible here; choose a folder that all nodes share"),
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
    with pytest.raises(UserError, match=r"nosuch/config.yaml: no such profile; copy /.*/workflow/profiles/slurm and"):
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
    os.utime(tmp_path / "a", (time.time() + 5, time.time() + 5))  # made again, while its record is of the first time
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


class Attended(NamedTuple):
    """A folder in which a head was killed on a cluster, and the next one is at work."""

    args: argparse.Namespace
    results: Path
    settled: list[tuple[list[str], bool]]  # how Snakemake was called, and whether all was as before
    queues: list[Path]  # that were cancelled

    def attend(self, status: int, **keys: Any) -> int:
        """Run a Snakemake that ends so, with a configuration that has these keys."""
        Path("my.yaml").write_text(json.dumps(STUDY | keys))
        with head.claimed(self.results):
            main.clear(self.args, self.results)
            return main.attend(["sh", "-c", f"exit {status}"], self.args, self.results)


@pytest.fixture
def attended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attended:
    """A run with seed 11 on a cluster, whose head was killed."""
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    args = argparse.Namespace(command="slurm", configfile=Path("my.yaml"), results=None)
    attended = Attended(args, results, [], [])

    def settle(command: list[str], since: float, same: bool) -> int | None:
        attended.settled.append((command, same))
        return None if Path("missing").exists() else 0

    monkeypatch.setattr(main, "settle", settle)
    monkeypatch.setattr(slurm.Queue, "__init__", lambda self, results: attended.queues.append(results))
    monkeypatch.setattr(slurm.Queue, "cancel", lambda self: None)
    Path("my.yaml").write_text(json.dumps(STUDY | {"seed": 11}))
    with head.claimed(results):
        head.begin(head.Begun("slurm", "my.yaml", "", str(results), unseen.digest(read(Path("my.yaml")))))
    return attended


def begun() -> list[str]:
    """The commands with the results of `attended` that are not accounted for."""
    claim = head.last_claim(head.claim_of(Path("results").resolve()))
    assert claim
    return [one.command for one in claim.begun]


def test_what_is_not_settled_stays_in_the_claim(attended: Attended) -> None:
    Path("missing").touch()  # Snakemake cannot plan
    for attended.args.command in ("slurm", "run", "run"):
        assert attended.attend(1, seed=12) == 1
        assert begun() == ["slurm"]
    Path("missing").unlink()
    assert attended.attend(0, seed=12) == 0
    assert begun() == []
    assert [same for _, same in attended.settled] == [False] * 4


def test_the_same_run_that_is_not_settled_is_noted_once(attended: Attended) -> None:
    Path("missing").touch()
    assert attended.attend(0, seed=11) == 0
    assert begun() == ["slurm"]
    Path("my.yaml").write_text(json.dumps(STUDY | {"seed": 11}) + "# a comment")
    with head.claimed(attended.results):
        main.clear(attended.args, attended.results)
    assert [same for _, same in attended.settled] == [True, True]  # of which the digest knows nothing


def test_a_killed_run_is_settled_as_what_it_was(attended: Attended) -> None:
    Path("other.yaml").write_text(json.dumps(STUDY | {"seed": 5}))
    other = argparse.Namespace(command="run", configfile=Path("other.yaml"), results=None)
    with head.claimed(attended.results):
        main.clear(other, attended.results)
    ((call, same),) = attended.settled
    assert same
    assert call == main.snakemake("my.yaml", None)
    assert attended.queues == [attended.results]
    assert begun() == []


def test_a_run_of_other_results_leaves_alone_what_is_not_its_own(attended: Attended, tmp_path: Path) -> None:
    lock = tmp_path / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("results/census.parquet\n")
    other = argparse.Namespace(command="run", configfile=Path("my.yaml"), results=Path("elsewhere"))
    with head.claimed(tmp_path / "elsewhere"):
        main.clear(other, tmp_path / "elsewhere")
    assert not attended.queues
    assert not attended.settled
    assert begun() == ["slurm"]
    assert lock.is_file()
    with head.claimed(attended.results):
        main.clear(attended.args, attended.results)
    assert begun() == []
    assert not lock.exists()


def test_a_file_that_leads_elsewhere_by_now_settles_nothing(attended: Attended) -> None:
    assert attended.attend(0, pathvars={"results": "elsewhere"}) == 0
    assert attended.settled == []
    assert begun() == ["slurm"]


def test_a_snakemake_that_fails_on_a_cluster_leaves_no_jobs(attended: Attended) -> None:
    watch = slurm.Watch(slurm.Queue(attended.results), 60)
    del attended.queues[:]
    with head.claimed(attended.results):
        assert main.attend(["false"], attended.args, attended.results, watch) == 1
    assert attended.queues == [attended.results]
    assert begun() == []


def test_whatever_ends_the_supervision_ends_snakemake(attended: Attended, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = head.start

    def noted(command: list[str], results: Path, waiting: None) -> subprocess.Popen[bytes]:
        started.append(start(command, results, waiting))
        return started[0]

    monkeypatch.setattr(head, "start", noted)

    def wait(*_: object) -> int:
        raise UnicodeDecodeError("utf-8", b"", 0, 1, "a name of a job")

    monkeypatch.setattr(main, "wait", wait)
    with head.claimed(attended.results), pytest.raises(UnicodeDecodeError):
        main.attend(["sleep", "60"], attended.args, attended.results)
    assert started[0].poll() is not None
    assert attended.queues


def test_a_snakemake_that_waits_begins_or_ends(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with head.ahead(results) as unused:
        until(lambda: head._name(psutil.Process(unused.pid)) == "snakemake")
        head.end_steps(results)  # left by a dead head, while this one is ours
        assert unused.poll() is None
    assert unused.poll() is not None
    with head.ahead(results) as waiting:
        command = [sys.executable, *head.SNAKEMAKE, "--version"]
        assert head.start(command, results, waiting) is waiting
        assert waiting.wait(60) == 0
        with head.start(command, results, waiting) as another:  # a second run of one command
            assert another is not waiting
    assert another.returncode == 0


@pytest.mark.parametrize(("error", "printed"), [("KeyboardInterrupt", False), ("ValueError", True)])
def test_an_interrupted_snakemake_prints_no_traceback(error: str, printed: bool) -> None:
    start = f"import sys\nfrom gancensus.cli.snakemake import report\nsys.excepthook = report\nraise {error}"
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert ("Traceback" in done.stderr) == printed


def test_a_snakemake_that_is_interrupted_before_it_is_ready_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with head.ahead(tmp_path / "results") as waiting:
        waiting.send_signal(signal.SIGINT)  # while Python starts
        assert waiting.wait(60) == -signal.SIGINT
    assert capfd.readouterr() == ("", "")


IMPORTING = """import os, signal, sys
class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == "gancensus.cli.head":
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.{0})
sys.meta_path.insert(0, Interrupt())
import gancensus.cli.main
assert signal.getsignal(signal.SIGINT) is signal.{0}
"""


@pytest.mark.parametrize(("handler", "ended"), [("default_int_handler", (130, "interrupted\n")), ("SIG_IGN", (0, ""))])
def test_an_interrupt_while_a_command_is_imported_is_a_line(handler: str, ended: tuple[int, str]) -> None:
    call = [sys.executable, "-c", IMPORTING.format(handler)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == ended


def test_an_interrupt_counts_unless_there_is_something_to_clear(
    attended: Attended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "end_steps", lambda results: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with head.claimed(attended.results):
            main.clear(attended.args, attended.results)  # to its end
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
            with pytest.raises(KeyboardInterrupt):
                main.clear(attended.args, attended.results)
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_profile_that_we_name_is_not_said(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text("rule all:\n    output: 'a'\n    log: 'a.log'\n    shell: 'touch {output}'\n")
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text("cores: 1\n")
    call = [sys.executable, *head.SNAKEMAKE, "--workflow-profile", "ours", "--dry-run", "--quiet", "all"]
    for more, said in (([], ""), (["--profile", "theirs"], "Using profiles theirs and workflow specific profile ours")):
        done = subprocess.run([*call, *more], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr.partition(" for setting")[0] == said


def test_a_snakemake_that_waits_ends_with_its_head(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, *head.SNAKEMAKE], stdin=subprocess.PIPE, cwd=tmp_path) as waiting:
        assert waiting.stdin is not None
        waiting.stdin.close()
        assert waiting.wait(60) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_a_plain_snakemake_stays(attended: Attended) -> None:
    lock = attended.results.parent / ".snakemake/locks/0.input.lock"
    lock.parent.mkdir(parents=True)
    with head.claimed(attended.results):
        for left in (False, True):  # a dead head has left the first one
            lock.write_text(f"/data/real.npy\n{attended.results}/census.parquet\n")
            main.clear(attended.args, attended.results)
            assert lock.exists() == left


PLAIN = "rule {0}:\n    output: '{0}/made'\n    log: '{0}.log'\n    shell: 'read x < {0}.go; touch {{output}}'\n"


def test_a_snakemake_of_ours_removes_its_own_lock_only(tmp_path: Path) -> None:
    runs = {}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.smk").write_text(PLAIN.format(name))
        os.mkfifo(tmp_path / f"{name}.go")
        call = [sys.executable, *head.SNAKEMAKE, "-c1", "--quiet", "all", "-s", f"{name}.smk"]
        runs[name] = subprocess.Popen(call, cwd=tmp_path, stderr=subprocess.DEVNULL)
        log = tmp_path / f".snakemake/locks/{len(runs) - 1}.output.lock"
        until(lambda log=log: log.is_file())
    (tmp_path / "a.go").write_text("\n")
    assert runs["a"].wait(60) == 0
    assert [path.read_text() for path in tmp_path.glob(".snakemake/locks/*")] == ["b/made\n"]
    again = subprocess.run([*call, "--nocolor"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 1  # the files of b are locked
    (tmp_path / "b.go").write_text("\n")
    assert runs["b"].wait(60) == 0
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("b/made\n")
    assert subprocess.run([*call, "--unlock"], cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert not list(tmp_path.glob(".snakemake/locks/*"))


def test_a_dead_sbatch_submits_nothing_after_its_queue_was_found_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "sbatch"
    script.write_text("#!/bin/sleep 60\n")
    shutil.copy("/bin/sleep", script)
    results = tmp_path / "results"
    with head.start([str(script), "60"], results) as process:
        until(lambda: psutil.Process(process.pid).name() == "sbatch")
        assert head.steps(results) == []
        head.end_steps(results)
        assert process.poll() is not None or process.wait(5)

    looks = [[], [JOB], [JOB], None, [], []]  # the first emptiness is not to be trusted
    cancelled: list[tuple[str, ...]] = []
    monkeypatch.setattr(shutil, "which", str)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(slurm.Queue, "jobs", lambda self: looks.pop(0))
    monkeypatch.setattr(slurm, "ask", lambda *command: cancelled.append(command))
    slurm.Queue(results).cancel()
    assert looks == []
    assert cancelled == [("scancel", "7"), ("scancel", "7")]


JOB = slurm.Job("7", "RUNNING", "None", "gancensus-x")


def test_a_queue_whose_controller_is_slow_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 200))  # 200 s between two looks
    monkeypatch.setattr(shutil, "which", str)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(slurm, "ask", lambda *command: None)
    looks: list[list[slurm.Job] | None] = [None, [JOB], None, [JOB], [JOB._replace(state="COMPLETING")], None, [], []]
    monkeypatch.setattr(slurm.Queue, "jobs", lambda self: looks.pop(0))
    slurm.Queue(tmp_path).cancel()
    assert looks == []
    monkeypatch.setattr(slurm.Queue, "jobs", lambda self: None)
    with pytest.raises(UserError, match="controller does not answer"):
        slurm.Queue(tmp_path).cancel()
    monkeypatch.setattr(slurm.Queue, "jobs", lambda self: [JOB])
    with pytest.raises(UserError, match=r"SLURM still has job 7 \(RUNNING\)"):
        slurm.Queue(tmp_path).cancel()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"squeue is not found; .* or remove .snakemake/gancensus-head"):
        slurm.Queue(tmp_path).cancel()


def test_the_queue_is_seen_whole_whatever_the_user_prefers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squeue, queue = tmp_path / "squeue", slurm.Queue(tmp_path / "results")
    squeue.write_text(
        f'#!/bin/sh\n[ -z "$SQUEUE_STATES" ] || exit 0\n'
        f"printf '12|PENDING|Priority|{queue.prefix}-a|b\\n13|RUNNING|None|caf\\351\\n'\n"
    )
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SQUEUE_STATES", "RUNNING")
    assert queue.jobs() == []
    slurm.forget_filters()
    assert queue.jobs() == [slurm.Job("12", "PENDING", "Priority", f"{queue.prefix}-a|b")]


def test_a_watch_sees_each_movement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, clock, jobs = tmp_path / "x.snakemake.log", [0.0], list[slurm.Job]()
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(slurm, "log_of", lambda process: log)
    watch = slurm.Watch(slurm.Queue(tmp_path), 60)
    monkeypatch.setattr(watch.queue, "jobs", lambda: jobs)
    log.write_text("Job 1 has been submitted with SLURM jobid 101 (log: /l).\n")
    with subprocess.Popen(["sleep", "60"]) as process:
        watch.look(process)
        clock[0] = 50
        with log.open("a") as file:
            file.write("Finished jobid: 1 (Rule: embed)\n")  # one less to wait for, one more that has ended
        watch.look(process)
        clock[0] = 100
        watch.look(process)
        monkeypatch.setattr(slurm.Log, "read", lambda *_: (_ for _ in ()).throw(OSError(116, "Stale file handle")))
        clock[0] = 105
        watch.look(process)
        jobs.append(slurm.Job("9", "PENDING", "JobHeldAdmin", "x"))
        clock[0] = 200
        watch.look(process)
        watch.look(process)
        jobs.clear()
        clock[0] = 261
        with pytest.raises(slurm.StuckError):
            watch.look(process)
        process.kill()
    assert capsys.readouterr().err.count("job 9 (PENDING) will not run (JobHeldAdmin)") == 1


@pytest.mark.parametrize("option", ["--config", "-C", "-Cseed=2", "--config=seed=2", "--slurm-jobname-prefix=x"])
def test_options_that_would_undo_ours_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"^error: -.*: .*; (put it into the configuration file|leave it out)"):
        main.main(["run", option, "seed=2"])


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two configurations, to be in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("small.yaml", "other.yml"):
        Path(name).write_text(json.dumps(STUDY))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "file", "rest"),
    [
        ("run small.yaml", "small.yaml", ""),
        ("plan --cores 2 small.yaml", "small.yaml", ""),
        ("slurm other.yml --profile x", "other.yml", ""),
        ("run --configfile small.yaml small.yaml", "small.yaml", ""),
        ("run -n small.yaml", "small.yaml", "-n"),
        ("run --until prepare small.yaml", "small.yaml", "--until prepare"),
        ("run small.yaml out/census.parquet", "small.yaml", "out/census.parquet"),
        ("run small.yaml --workflow-profile mine.yaml", "small.yaml", "--workflow-profile mine.yaml"),
        ("run small.yaml -j4 -np --latency-wait=3", "small.yaml", "-j4 -np --latency-wait=3"),
        ("run --configfile ~/mine.yaml", "home/mine.yaml", ""),
        ("run ~/mine.yaml", "home/mine.yaml", ""),
    ],
)
def test_a_configuration_is_told_from_what_goes_to_snakemake(small: Path, words: str, file: str, rest: str) -> None:
    args, passed = arguments.arguments(words.split())
    assert args.configfile.absolute() == small / file
    assert passed == rest.split()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("rnu", "rnu: no such command; did you mean 'run'?"),
        ("small.yaml", "small.yaml: the command comes first: gancensus run small.yaml"),
        ("--cores 2 run", "--cores: the command comes first"),
        ("run", "config/config.yaml: no such configuration file; name yours: gancensus run study.yaml"),
        ("run smal.yaml", "smal.yaml: no such configuration file (looked for from "),
        ("run small.yaml other.yml", "small.yaml, other.yml: a run has one configuration; name one of them"),
        ("run small.yaml --configfile other.yml", "other.yml, small.yaml: a run has one configuration"),
        ("run small.yaml --nosuch", "--nosuch: no such option; see gancensus run --help, snakemake --help"),
        ("run small.yaml --core 2", "--core: no such option; did you mean --cores?"),
        ("plan small.yaml --patience 3", "--patience: no such option"),
        ("run small.yaml -Z", "-Z: no such option"),
        ("run small.yaml --cores 0", "argument --cores: 0: give a number of at least 1, or all"),
        ("run small.yaml --cores two", "argument --cores: two: give a number of at least 1, or all"),
        ("run small.yaml --cores -1", "argument --cores: -1: give a number of at least 1, or all"),
        ("run small.yaml --cores=", "argument --cores: nothing: give a number of at least 1, or all"),
        ("run small.yaml --latency-wait x", "invalid int value: 'x'; see snakemake --help"),
        ("run small.yaml --set-threads foo", "Invalid threads definition: entries have to be defined as"),
        ("run small.yaml --results=", "argument --results: is empty"),
        ("run small.yaml --results=o{x}", "a folder with '{' in its name cannot hold results; choose another"),
        ("run small.yaml --results=-o", "begins with '-', like an option; choose another, or write its whole path"),
        ("run small.yaml --results=~nobody-here/o", "~nobody-here: there is no such user or home"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(
    small: Path, words: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(words.split())
    assert ended.value.code not in (0, None, main.BUG)
    said = ended.value.code if isinstance(ended.value.code, str) else capfd.readouterr().err.splitlines()[-1]
    assert message in said
    assert said.startswith("error: ")
    assert not Path("results").exists()
    assert not Path("~").exists()


def test_without_words_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main([])
    assert ended.value.code == 2
    help_text = capsys.readouterr().err
    assert all(word in help_text for word in ("audit --real", "run study.yaml", "slurm", "plan"))
    for words in (["--version"], ["run", "--version"]):
        with pytest.raises(SystemExit) as ended:
            main.main(words)
        assert ended.value.code == 0
        assert capsys.readouterr().out == f"gancensus {__version__}\n"


def test_a_fault_of_ours_is_told_as_one(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "plan", lambda *_: [][1])
    with pytest.raises(SystemExit) as ended:
        main.main(["plan", "small.yaml"])
    assert ended.value.code == main.BUG == 70
    *above, last = capsys.readouterr().err.splitlines()
    assert above[0] == "Traceback (most recent call last):"
    assert last == (
        f"bug in gancensus {__version__}: IndexError: list index out of range; please report it with the lines above"
    )


def test_a_reader_that_has_seen_enough_is_no_fault(small: Path) -> None:
    plan = "cli.plan = lambda *_: [print('x' * 70) for _ in range(9999)] and 0"
    table = f"from gancensus.cli import main as cli; {plan}; cli.main()"
    with subprocess.Popen(
        [sys.executable, "-c", table, "plan", "small.yaml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("patience", ["0", "-1", "nan"])
def test_patience_is_a_time(patience: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments.arguments(["slurm", "--patience", patience])
    assert "give a number of seconds above 0" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "command"), [("-n", "plan"), ("--dry-run", "plan"), ("--unlock", "run")])
def test_what_runs_nothing_asks_no_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(json.dumps(STUDY))
    called: list[tuple[str, str]] = []

    def note(name: str, args: argparse.Namespace, rest: list[str], results: Path) -> int:
        called.append((name, args.cores))
        return 0

    for name in ("run", "slurm", "plan"):
        monkeypatch.setattr(main, name, partial(note, name))
    with pytest.raises(SystemExit) as ended:
        main.main(["slurm", "--configfile", "my.yaml", option])
    assert ended.value.code == 0
    assert called == [(command, "all")]


@pytest.mark.parametrize("command", ["run", "check", "plan"])
def test_a_configuration_that_is_edited_meanwhile_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """What a run says at its end is of the studies that it began with."""
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(json.dumps(STUDY))

    def read_and_edited(path: Path) -> Config:
        found = read(path)
        path.write_text("studies: [")
        return found

    monkeypatch.setattr(main, "read", read_and_edited)
    monkeypatch.setattr(main, "attend", lambda *_: 1)
    monkeypatch.setattr(main, "write_placeholders", lambda *_: 1)
    monkeypatch.setattr(main, "current", lambda *_: False)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    with pytest.raises(SystemExit) as ended:
        main.main([command, "my.yaml"])
    assert ended.value.code == (1 if command == "run" else 0)


def test_files_are_recorded_in_the_order_of_their_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        unseen.File(tmp_path / name, rule, True) for name, rule in (("c", "census"), ("m", "merge"), ("n", "merge"))
    ]
    for file, made in zip(files, (30, 10, 20), strict=True):
        file.path.touch()
        os.utime(file.path, (made, made))
    calls: list[list[str]] = []

    def call(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        calls.append(command[-1:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(unseen, "unseen", lambda *_: files)
    monkeypatch.setattr(unseen, "AT_ONCE", 1)
    monkeypatch.setattr(subprocess, "run", call)
    assert unseen.settle([], 0, same=True) == 3
    assert calls == [[str(tmp_path / name)] for name in "mnc"]


def test_the_census_as_text(tmp_path: Path) -> None:
    row = dict.fromkeys(schemas.SUPPORT.names) | {"study": "s", "definition": "d", "population": "holdout"}
    row |= {"samples": 4000, "pairs": 7998000, "duplicates": 0, "effective_support_low": 2669778.4, "collision": 0.0}
    row["listed"] = 4000
    other = row | {"population": "gan-0", "effective_support": 12.3456, "effective_support_low": 10.0}
    other |= {"effective_support_high": 1234.5, "ratio": 2.5, "verdict": "more duplicates"}
    other |= {"duplicates": 7998000, "listed": 44}
    write_table(tmp_path / "c.parquet", {name: [row[name], other[name]] for name in row}, schemas.SUPPORT)
    head, first, second, note = printed.census_table(tmp_path / "c.parquet", {"s": {}}).splitlines()
    assert head.split() == ["study", "definition", "population", "samples", "support", "interval", "ratio", "verdict"]
    assert first.split() == ["s", "d", "holdout", "4,000", "≥", "2,670,000", "no", "duplicate", "–", "reference"]
    assert second.split() == ["s", "d", "gan-0", "4,000", "12.3", "10.0", "to", "1,230", "2.50", "more", "duplicates"]
    assert note.startswith("s, d: gan-0 has 7,998,000 duplicates; all are counted, those among 44 of its 4,000 samples")
    *_, titled, note = printed.census_table(tmp_path / "c.parquet", {"s": {"gan-0": "猫 2"}}).splitlines()
    assert titled.split()[2:4] == ["猫", "2"]
    assert titled.index("4,000") == second.index("4,000") - 1  # as 猫 takes two columns
    assert "猫 2 has" in note


def test_a_profile_that_is_named_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("executor: slurm\n")
    with pytest.raises(UserError, match=rf"config\.yaml: a profile is a folder; name {tmp_path}$"):
        preflight.Profile(file)


def test_a_rule_may_be_named_like_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ["my.yaml", "--until", "generate", "train"]
    assert options.sort_out(words, [], "run") == ([Path("my.yaml")], words[1:])


@pytest.mark.parametrize("command", ["run", "plan", "check"])
def test_a_folder_is_no_configuration(tmp_path: Path, command: str) -> None:
    (tmp_path / "im").mkdir()
    call = [sys.executable, "-m", "gancensus.cli", command, "im"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"error: im: is a folder, not a configuration file.*\n", done.stderr)


def test_a_folder_with_a_configuration_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "audit.yaml").touch()
    with pytest.raises(UserError, match=r"is a folder, not a configuration file; did you mean .*/audit\.yaml\?"):
        read(tmp_path)
