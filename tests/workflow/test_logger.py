from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from snakemake.iocontainers import ResourceList
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.tests import MockOutputSettings, TestLogHandlerBase

import snakemake_logger_plugin_gancensus as plugin
from snakemake_logger_plugin_gancensus import failures

SOURCE = Path(plugin.__file__).parents[1]
SNAKEFILE = """
config = {"fail": [], "epochs": 20} | config
localrules: all

rule all:
    input: expand("out/{name}.txt", name=["a", "b"])

rule prepare:
    output: "prepared.txt"
    shell: "echo {config[epochs]} > {output}"

rule train:
    input: "prepared.txt"
    output: "out/{name}.txt"
    log: "logs/{name}.log"
    message: "train generator {wildcards.name} of digits"
    params:
        fail=lambda wildcards: "false" if wildcards.name in config["fail"] else "true",
        options=json.dumps({"epochs": config["epochs"], "kind": "dcgan"}),
    shell:
        \"\"\"
        ( for i in $(seq 30); do echo "    step $i"; done; echo '    '{params.options:q} | cat
          {params.fail} | cat
          cp {input} {output} ) > {log} 2>&1
        \"\"\"
"""


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--logger", "gancensus", *options]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "SNAKEMAKE_PROFILE"} | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    }


def snakemake(folder: Path, *options: str) -> tuple[int, list[str]]:
    """The exit status and what is on the screen: nothing of it on stdout."""
    run = subprocess.run(command(*options), cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert run.stdout == ""
    return run.returncode, run.stderr.splitlines()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A finished run: its folder and what it said."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "Snakefile").write_text("import json\n" + SNAKEFILE)
    status, screen = snakemake(folder, "-c1")
    assert status == 0
    return folder, screen


def test_run_says_a_line_a_job_and_keeps_snakemakes_log(made: tuple[Path, list[str]]) -> None:
    folder, screen = made
    assert screen[:2] == ["4 jobs on 1 core", "[ 0/4   0%] prepare"]
    assert [line[:12] for line in screen[2:4]] == ["[ 1/4  25%] ", "[ 2/4  50%] "]
    assert {line[12:] for line in screen[2:4]} == {f"train generator {name} of digits" for name in "ab"}
    assert re.fullmatch(r"done: 4 jobs in \d+ s", screen[4])
    assert len(screen) == 5
    (log,) = folder.glob(".snakemake/log/*.snakemake.log")
    assert "Job stats:" in log.read_text()
    assert "Finished jobid: 0 (Rule: all)" in log.read_text()


@pytest.mark.parametrize("option", ["-c1", "-n"])
def test_nothing_to_do(made: tuple[Path, list[str]], option: str) -> None:
    assert snakemake(made[0], option) == (0, ["nothing to do: every file is up to date"])


def test_dry_run_is_a_table_with_reasons(made: tuple[Path, list[str]]) -> None:
    assert snakemake(made[0], "-n", "--config", "epochs=30") == (
        0,
        [
            "rule   jobs  why",
            "train     2  parameters changed (epochs 20 -> 30)",
            "all       1  its input is remade",
            "total     3",
        ],
    )


def test_failures_come_last_and_can_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "work here"
    folder.mkdir()
    (tmp_path / "Snakefile").write_text("import json\n" + SNAKEFILE)
    status, screen = snakemake(tmp_path, "-c1", "-k", "--directory", str(folder), "--config", "fail=['a', 'b']")
    assert status == 1
    early = [line.rsplit(maxsplit=3)[-3] for line in screen if line.startswith("failed: ")]
    assert sorted(early[:2]) == ["a", "b"]
    assert early[2:] == ["the"]  # "in the same way": said once, of the one that failed first
    name, other = early[:2]
    end = screen[len(screen) - screen[::-1].index("") :]  # the digest
    steps = [f"        step {i}" for i in range(17, 31)]
    assert end[:-1] == [
        f"failed: train generator {name} of digits, and 1 more job in the same way",
        f"  rule  train (name={name})",
        "  why   exit status 1",
        f"  also  {other}",
        f"  log   logs/{name}.log, its end:",
        *steps,
        '        {"epochs": 20, "kind": "dcgan"}',
        "  repeat it by hand:",
    ]
    assert "stopped: 1 of 4 jobs done, 2 failed" in screen

    repeated = subprocess.run(["bash", "-c", end[-1]], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert repeated.returncode == 1
    assert repeated.stdout + repeated.stderr == (folder / "logs" / f"{name}.log").read_text()  # on the screen by hand
    assert not (folder / "out" / f"{name}.txt").exists()


@pytest.mark.parametrize(
    ("snakefile", "screen"),
    [
        (
            "def check():\n    raise WorkflowError('config.yaml:3: sed: unknown key\\n  did you mean seed?')\ncheck()",
            ["config.yaml:3: sed: unknown key", "  did you mean seed?"],
        ),
        (
            "rule copy:\n    input: 'nowhere'\n    output: 'copied'\n    shell: 'cp {input} {output}'",
            ["Missing input files for rule copy:", "    output: copied", "    affected files:", "        nowhere"],
        ),
    ],
)
def test_other_errors_are_plain_and_complete(tmp_path: Path, snakefile: str, screen: list[str]) -> None:
    (tmp_path / "Snakefile").write_text(snakefile)
    status, said = snakemake(tmp_path, "-c1")
    assert status == 1
    assert said[-len(screen) :] == screen
    assert [line for line in said[: -len(screen)] if not line.startswith("MissingInputException in rule copy")] == []


def test_an_interrupt_loses_no_digest(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(
        "rule all:\n    input: 'bad', 'slow'\n"
        "rule bad:\n    output: 'bad'\n    shell: 'exit 3'\n"
        "rule slow:\n    output: 'slow'\n    shell: 'sleep 60; touch {output}'\n"
    )
    with subprocess.Popen(
        command("-c2", "-k"),
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    ) as run:
        assert run.stderr is not None
        seen = {"[ 0/3   0%] slow", "failed: bad"}
        while seen:
            seen.discard(next(run.stderr).strip())
        os.killpg(run.pid, signal.SIGINT)
        rest = run.stderr.read().splitlines()
    assert rest == [
        "stopping: waiting for the running jobs to end",
        "stopped: 0 of 3 jobs done, 1 failed",
        "",
        "failed: bad",
        "  rule  bad",
        "  why   exit status 3",
        "  repeat it by hand:",
        "exit 3",
    ]


# The rest feeds records by hand.

JOB: dict[str, Any] = {
    "jobid": 7,
    "rule_name": "train",
    "rule_msg": "train it",
    "wildcards": {"name": "a"},
    "output": ["x"],
    "log": [],
    "aux": {},
    "indent": False,
    "shellcmd": "false",
}
MISSING = "Job 7  completed successfully, but some output files are missing. Missing files after 5 seconds:"


class Screen:
    """A handler and a way to talk to it."""

    def __init__(self) -> None:
        self.handler = plugin.LogHandler(MockOutputSettings(), None)

    def hear(self, event: LogEvent | None, text: str = "", level: int = logging.INFO, **said: Any) -> None:
        record = logging.makeLogRecord({"msg": text, "levelno": level, "event": event, **said})
        self.handler.emit(record)

    def start(self) -> None:
        self.hear(LogEvent.WORKFLOW_STARTED)
        self.hear(LogEvent.RUN_INFO, stats={"train": 1, "total": 1})
        self.hear(LogEvent.JOB_INFO, **JOB)

    def error(self, text: str, kind: str = "RuleException") -> None:
        self.hear(LogEvent.ERROR, text, logging.ERROR, exception=kind)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen()
    yield screen
    screen.handler.close()


def test_a_job_that_succeeds_again_has_not_failed(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    screen.start()
    screen.error("CalledProcessError:\nCommand 'false' returned non-zero exit status 1.")
    screen.hear(LogEvent.JOB_ERROR, **JOB | {"rule_msg": None})
    screen.hear(LogEvent.JOB_INFO, **JOB)
    screen.hear(LogEvent.JOB_FINISHED, job_id=7)
    screen.hear(LogEvent.PROGRESS, done=1, total=1)
    screen.handler.close()
    assert capsys.readouterr().err.splitlines() == [
        "1 job",
        "[ 0/1   0%] train it",
        "failed: train it",
        "[ 0/1   0%] train it (again)",
        "done: 1 job in 1 s",
    ]


@pytest.mark.parametrize(
    ("kind", "error", "why"),
    [
        (
            "RuleException",
            "Command 'x' died with <Signals.SIGKILL: 9>.",
            "ended by SIGKILL, often for lack of memory\n        the cluster says",
        ),
        (
            "RuleException",
            "Command 'x' returned non-zero exit status 143",
            "ended by SIGTERM\n        the cluster says",
        ),
        (
            "MissingOutputException",
            f'MissingOutputException in rule train in file "/S", line 1:\n{MISSING}\nx',
            f"{MISSING}\n        x",
        ),
    ],
)
def test_why_a_job_failed(screen: Screen, capsys: pytest.CaptureFixture[str], kind: str, error: str, why: str) -> None:
    screen.start()
    screen.error(error, kind)
    if kind == "RuleException":
        screen.hear(LogEvent.JOB_ERROR, **JOB | {"rule_msg": "the cluster says"})
    screen.error("WorkflowError:\nAt least one job did not complete successfully.", "WorkflowError")
    screen.handler.close()
    said = capsys.readouterr().err
    end = f"\n\nfailed: train it\n  rule  train (name=a)\n  why   {why}\n  repeat it by hand:\nfalse\n"
    assert said.endswith("stopped: 0 of 1 job done, 1 failed" + end)
    screen.handler.close()
    assert capsys.readouterr().err == ""  # said once


def test_an_interrupted_job_has_not_failed(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    screen.start()
    screen.error("Command 'x' died with <Signals.SIGINT: 2>.")
    screen.hear(LogEvent.JOB_ERROR, **JOB | {"rule_msg": None})
    screen.handler.close()
    assert capsys.readouterr().err.endswith("stopped: 0 of 1 job done; the same command goes on from here\n")


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colour_is_for_terminals_that_want_it(
    no_color: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], screen: Screen
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    Screen().hear(None, "careful", logging.WARNING)
    screen.hear(None, "careful", logging.WARNING)  # this one began without a terminal
    assert capsys.readouterr().err == ("careful\n" if no_color else "\033[33mcareful\033[0m\n") + "careful\n"


@pytest.mark.parametrize(
    "shell",
    ["false", "false | cat", "echo 'it''s'; echo $UNSET", "\n  cat <<'X'\n\\n '{\"a\": 1}'\nX\n  false | cat\n"],
)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_repeat_command_is_one_line_and_does_what_snakemake_does(
    shell: str, elsewhere: bool, tmp_path: Path
) -> None:
    start = tmp_path / "it's" if elsewhere else tmp_path
    start.mkdir(exist_ok=True)
    line = failures.repeat(shell, start, tmp_path)
    assert "\n" not in line
    theirs = subprocess.run(
        ["bash", "-c", f"set -euo pipefail; {shell}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    ours = subprocess.run(["bash", "-c", line], cwd=start, capture_output=True, text=True, check=False)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
    assert ours.returncode != 0


def test_reasons_are_grouped_in_plain_words() -> None:
    def params(old: Any, new: Any) -> str:
        return f"Params have changed since last execution: Union ... output: before: {old!r} now: {new!r} "

    made = "Missing output files: a; Input files updated by another job: b"
    old = {"seed": 1, "layers": [1, 2]}
    changed = params(json.dumps(old), json.dumps(old | {"seed": 2}))
    follows = "Input files updated by another job: b"
    assert plugin.why([made, made]) == "not made yet"
    assert plugin.why([changed, f"{follows}; {changed}"]) == "parameters changed (seed 1 -> 2)"
    assert plugin.why([changed, params(1, 2), made]) == "parameters changed: 2, not made yet: 1"
    assert plugin.why([params("x" * 80, "y" * 80)]) == "parameters changed"
    assert plugin.why([f"Code has changed since last execution; {changed}; Software environment definition"]) == (
        "parameters changed (seed 1 -> 2), rule changed, software changed"
    )
    assert plugin.why([follows, "something new"]) == "its input is remade: 1, something new: 1"
    assert plugin.why([params({1}, object())]) == "parameters changed"
    assert plugin.why([f"{made}; {changed}"]) == "parameters changed (seed 1 -> 2)"  # a file that is not kept
    assert plugin.why([params("--keep 0.5", "--keep 0.6")]) == "parameters changed (keep 0.5 -> 0.6)"
    nested = [json.dumps({"ink": {"kind": "scalar", "alpha": alpha}}) for alpha in (0.3, 0.2)]
    assert plugin.why([params(*nested)]) == "parameters changed (ink.alpha 0.3 -> 0.2)"


def test_changes_of_code_and_of_values_are_told_apart() -> None:
    def params(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> str:
        before, now = (", ".join(repr(json.dumps(value)) for value in values) for values in (old, new))
        return f"Params have changed since last execution: Union ... output: before: {before} now: {now} "

    code = {
        "scripts/train.py": "1a",
        "gancensus/training/loop.py": "2b",
        "gancensus/domains/images/generator_dcgan.py": "3c",
    }
    other = {"scripts/train.py": "1a", "gancensus/training/loop.py": "2b", "gancensus/generators/mine.py": "4d"}
    edited = code | {"gancensus/training/loop.py": "5e", "scripts/train.py": "6f"}
    told = "code changed (scripts/train.py, gancensus/training/loop.py)"
    assert plugin.why([params([code], [edited])]) == told
    values = [{"kind": "dcgan"}], [{"kind": "mine"}]
    changed = "parameters changed (kind dcgan -> mine)"
    assert plugin.why([params([code, *values[0]], [edited, *values[1]])]) == f"{changed}, {told}"
    assert plugin.why([params([code, *values[0]], [other, *values[1]])]) == changed  # another plug-in is no edit
    assert plugin.why([params([], [code])]) == "code changed"  # made by a version that kept no code
    assert plugin.why([params([code], [dict.fromkeys(code, "new") | {"gancensus/generators/_.py": "new"}])]) == (
        "code changed (3 files)"
    )


class TestInterface(TestLogHandlerBase):
    """The conformance tests of Snakemake's logger interface, on every event there is."""

    __test__ = True

    @pytest.fixture(autouse=True)
    def _no_logging_error(self, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
        yield
        assert "Logging error" not in capsys.readouterr().err

    def get_log_handler_cls(self) -> type[plugin.LogHandler]:
        return plugin.LogHandler

    def get_log_handler_settings(self) -> Any:
        return None

    def test_an_unknown_event_is_survived(self) -> None:
        self._create_handler().emit(logging.makeLogRecord({"event": "news", "msg": None}))


# Failures with what steps write beside their logs, on this computer and on a cluster.

STEPS = """
import os, signal, sys
import gancensus.config.steps as step
def user(_): raise step.UserError("samples.npy: has no rows; add some")
def bug(_): raise ValueError("odd")
def kill(_): print("epoch 3"); sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)
def term(_): raise SystemExit(143)
step.run(globals()[sys.argv[1]])
"""
FAILING = """
rule all:
    input: expand("{how}", how=["user", "bug", "kill", "term", "lost"])
rule work:
    output: "{how}"
    log: "logs/{how}.log"
    message: "work {wildcards.how}"
    shell: "%s fail.py {wildcards.how} > {log} 2>&1"
"""


def digests(screen: list[str]) -> dict[str, list[str]]:
    """The digests at the end of the screen, by their first lines without `failed: `."""
    blocks = "\n".join(screen).split("\n\nfailed: ")[1:]
    return {block.partition("\n")[0]: block.split("\n")[1:] for block in blocks}


def test_steps_tell_why_they_failed(tmp_path: Path) -> None:
    (tmp_path / "fail.py").write_text(STEPS)
    (tmp_path / "Snakefile").write_text(FAILING % sys.executable)
    status, screen = snakemake(tmp_path, "-c2", "-k")
    assert status == 1
    assert "stopped: 0 of 6 jobs done, 5 failed" in screen
    told = digests(screen)
    node = f"  node  {socket.gethostname()}"
    by_hand = ["  repeat it by hand:", f"{sys.executable} fail.py user"]
    assert told["work user"] == [
        *("  rule  work (how=user)", node, "  why   samples.npy: has no rows; add some"),
        *("  log   logs/user.log, its end:", "        error: samples.npy: has no rows; add some", *by_hand),
    ]
    assert told["work bug"][2] == "  why   unexpected ValueError: odd"
    assert "        ValueError: odd" in told["work bug"]
    assert told["work kill"][1:5] == [
        *(node, "  why   ended by SIGKILL, often for lack of memory"),
        *("  log   logs/kill.log, its end:", "        epoch 3"),
    ]
    assert told["work term"][1:4] == [node, "  why   ended by SIGTERM", "  log   logs/term.log (empty)"]
    assert told["work lost"][:2] == ["  rule  work (how=lost)", "  why   exit status 1"]  # it did not begin


class Cluster(Screen):
    """What Snakemake and its SLURM plugin say of jobs of a training, whose logs lie in `logs`."""

    def job(self, number: int) -> dict[str, Any]:
        return {
            **JOB,
            "jobid": number,
            "rule_msg": f"train {number}",
            "wildcards": {"study": "toy", "name": f"gan-{number}"},
            "log": [f"logs/{number}.log"],
            "shellcmd": f"train.py --name gan-{number} > logs/{number}.log 2>&1",
            "resources": ResourceList(fromdict={"mem_mb": 2000, "runtime": 90}),
        }

    def begin(self, jobs: int) -> None:
        Path("logs").mkdir()
        self.hear(LogEvent.WORKFLOW_STARTED)
        self.hear(LogEvent.RUN_INFO, stats={"train": jobs, "total": jobs})
        for number in range(jobs):
            self.hear(LogEvent.JOB_INFO, **self.job(number))

    def ran(self, number: int, outcome: str = "", slurm_job: str = "", ago: float = -1, **facts: Any) -> None:
        """Write what the step of a job has left."""
        start = datetime.fromtimestamp(time.time() - ago, UTC).isoformat(timespec="microseconds")
        line = {"start": start, "node": f"n{number}", "slurm_job": slurm_job, "pid": 1}
        if outcome:
            line |= {"end": start, "cpu": 1.0, "peak_memory": 1.0, "outcome": outcome, **facts}
        with Path(f"logs/{number}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def fails(self, number: int, state: str, slurm_job: str = "17") -> None:
        message = f"SLURM-job '{slurm_job}' failed, SLURM status is: '{state}'. Reason: Unknown.{ADVICE}"
        said = {"rule_msg": message, "aux": {"external_jobid": slurm_job}}
        logs = [f"logs/{number}.log", f"slurm/{slurm_job}.log"]
        self.hear(LogEvent.JOB_ERROR, **self.job(number) | said | {"log": logs})

    def group_fails(self, jobs: int, slurm_job: str = "17") -> None:
        members = [self.job(number) | {"rule_msg": None, "indent": True} for number in range(jobs)]
        group: dict[str, Any] = {"groupid": "count", "external_jobid": slurm_job, "job_error_info": members}
        self.hear(LogEvent.GROUP_ERROR, aux_logs=[f"slurm/{slurm_job}.log"], **group)
        for member in members:
            self.hear(LogEvent.JOB_ERROR, **member)


ADVICE = "For further error details see the cluster/cloud log and the log files of the involved rule(s)."


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.chdir(tmp_path)
    cluster = Cluster()
    yield cluster
    cluster.handler.close()


def told_by(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    cluster.handler.close()
    return digests(capsys.readouterr().err.splitlines())


def test_the_messages_are_those_of_the_slurm_plugin() -> None:
    spec = find_spec("snakemake_executor_plugin_slurm")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text()
    assert "SLURM-job '{j.external_jobid}' failed" in source
    assert "SLURM status is: '{status}'" in source
    states = re.search(r"fail_stati = \((.*?)\)", source, re.DOTALL)
    assert states is not None
    assert set(re.findall(r"\w+", states[1])) == {*failures.STATES, "FAILED", "ERROR"}


@pytest.mark.parametrize(
    ("state", "logged", "why"),
    [
        ("OUT_OF_MEMORY", "", "out of memory, of which it had asked for 2000 MB"),
        ("TIMEOUT", "", "time limit reached after 1 h 30 min"),
        ("NODE_FAIL", "", "node lost"),
        ("CANCELLED", "", "cancelled"),
        ("FAILED", "slurmstepd: error: Detected 1 oom_kill event in StepId=17.0.", "out of memory, of which it had"),
        ("FAILED", "slurmstepd: error: *** JOB 17 ON n0 CANCELLED AT 2026 DUE TO TIME LIMIT ***", "time limit reached"),
        ("FAILED", "Command 'x' returned non-zero exit status 127.", "exit status 127"),
        ("FAILED", "", "SLURM-job '17' failed, SLURM status is: 'FAILED'. Reason: Unknown."),
    ],
)
def test_why_slurm_ended_a_job(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], state: str, logged: str, why: str
) -> None:
    cluster.begin(1)
    Path("slurm").mkdir()
    Path("slurm/17.log").write_text(f"  Host: n42\n{logged}\n")
    cluster.fails(0, state)
    (lines,) = told_by(cluster, capsys).values()
    assert lines[:2] == ["  rule  train (study=toy, name=gan-0)", "  node  n42, SLURM job 17"]
    assert lines[2].startswith(f"  why   {why}")
    assert ADVICE not in "\n".join(lines)
    assert lines[3:5] == ["  log   logs/0.log (not written)", "  log   slurm/17.log, its end:"]
    assert lines[-2:] == ["  repeat it by hand:", "train.py --name gan-0"]


def test_a_remote_step_tells_its_node_attempt_and_error(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.begin(3)
    cluster.ran(0, "stopped", "16", ago=99)
    cluster.ran(0, "error", "17", ago=5, error="x.npy: is empty")  # a node whose clock is late
    cluster.ran(1, "", "18")
    cluster.ran(2, "error", "9", ago=99, error="of an earlier run")
    Path("logs/0.log").write_text("error: x.npy: is empty\n")
    for number in range(3):
        cluster.fails(number, "FAILED", str(17 + number))
    told = told_by(cluster, capsys)
    assert told["train 0"][1:6] == [
        *("  node  n0, SLURM job 17, attempt 2", "  why   x.npy: is empty"),
        *("  log   logs/0.log, its end:", "        error: x.npy: is empty", "  log   slurm/17.log (SLURM's)"),
    ]
    assert told["train 1"][1:3] == [
        *("  node  n1, SLURM job 18", "  why   ended without a message, as if killed for lack of memory"),
    ]
    assert told["train 2"][1] == "  node  not known, SLURM job 19"
    assert "earlier" not in "\n".join(told["train 2"])


def test_of_a_group_only_the_job_that_failed_is_told(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.begin(4)
    cluster.ran(0, "done", "17")
    cluster.ran(1, "bug", "17", error="ValueError: odd")
    cluster.group_fails(4)
    cluster.handler.close()
    said = capsys.readouterr().err.splitlines()
    assert {"failed: a group of 4 jobs", "stopped: 0 of 4 jobs done, 1 failed"} <= set(said)
    told = digests(said)
    assert list(told) == ["train 1"]
    assert told["train 1"][1:3] == ["  node  n1, SLURM job 17 with others", "  why   unexpected ValueError: odd"]


def test_a_group_that_never_began_is_told_once(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.begin(4)
    Path("slurm").mkdir()
    Path("slurm/17.log").write_text("slurmstepd: error: *** JOB 17 ON n7 CANCELLED AT 2026 DUE TO NODE FAILURE ***\n")
    cluster.group_fails(4)
    told = told_by(cluster, capsys)
    assert list(told) == ["train 0"]
    assert told["train 0"][2] == "  why   node lost"


def test_a_group_that_succeeds_again_has_not_failed(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.begin(2)
    cluster.group_fails(2)
    for number in range(2):
        cluster.hear(LogEvent.JOB_INFO, **cluster.job(number))
    assert told_by(cluster, capsys) == {}


def test_the_same_error_of_many_jobs_is_told_once(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.begin(52)
    for number in range(52):
        name = f"gan-{number}"
        cluster.ran(number, "error", str(number), error=f"{name}.npy: is empty" if number else "something else")
        cluster.fails(number, "FAILED", str(number))
    told = told_by(cluster, capsys)
    assert list(told) == ["train 0", "train 1, and 50 more jobs in the same way"]
    lines = told["train 1, and 50 more jobs in the same way"]
    assert lines[2] == "  why   gan-1.npy: is empty"
    assert lines[3].startswith("  also  toy/gan-2, toy/gan-3, ")
    listed = lines[3].count("toy/")
    assert lines[3].endswith(f" and {50 - listed} more")
    assert len(lines[3]) < 240


def test_other_jobs_of_a_cluster_run_without_this_screen(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text("rule a:\n    output: 'a'\n    shell: 'touch {output}'\n")
    status, said = snakemake(tmp_path, "-c1", "--mode", "remote", "--target-jobs", "a:")
    assert status == 0
    assert any(re.match(r" *Host: \S+", line) for line in said)  # Snakemake's own words, and where it runs
    assert "done: 1 job in 1 s" not in said
