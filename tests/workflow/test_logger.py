from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.tests import MockOutputSettings, TestLogHandlerBase

import snakemake_logger_plugin_gancensus as plugin

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
    assert early[2:] == early[:2]  # a digest for each, in the order of failing
    name = early[-1]
    end = screen[len(screen) - screen[::-1].index("") :]  # the last digest
    steps = [f"        step {i}" for i in range(17, 31)]
    assert end[:-1] == [
        f"failed: train generator {name} of digits",
        f"  rule  train (name={name})",
        "  why   exit status 1",
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
    line = plugin.repeat(shell, start, tmp_path)
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
        "parameters changed (seed 1 -> 2), code changed, software changed"
    )
    assert plugin.why([follows, "something new"]) == "its input is remade: 1, something new: 1"
    assert plugin.why([params({1}, object())]) == "parameters changed"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.1, "1 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (192, "3 min 12 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert plugin.duration(seconds) == text


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
