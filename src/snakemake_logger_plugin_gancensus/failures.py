"""What is reported of failed jobs: where, why, the end of the log, and the command that repeats each by hand."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from gancensus.report.trace import duration, executions

TAIL = 15  # lines of a failed job's log
FULL = 1 << 16  # bytes: with fewer left, a job cannot even write what is wrong
ENOUGH = 1 << 16  # bytes of a log that are read
LAST = 1000  # characters of a log in which its last line is sought
LISTED = 180  # characters of a list of jobs that failed in the same way
STATES = {  # why SLURM ended a job: its state, its words in the log of the job, and ours
    "OUT_OF_MEMORY": (r"oom[-_ ]kill|Out Of Memory", "out of memory"),
    "TIMEOUT": (r"DUE TO TIME LIMIT", "time limit reached"),
    "NODE_FAIL": (r"DUE TO NODE FAILURE", "node lost"),
    "BOOT_FAIL": (r"DUE TO BOOT FAIL", "node lost, it did not start"),
    "DEADLINE": (r"DUE TO DEADLINE", "deadline reached"),
    "CANCELLED": (r"CANCELLED AT", "cancelled"),
}


@dataclass(frozen=True)
class Failure:
    """A failed job: its JOB_INFO with `since`, the time of that, and what Snakemake and its executor said of its end.

    `remote_logs` and `remote_job` are those of a cluster. Jobs of one `group` are one job there.
    """

    job: dict[str, Any]
    error: str = ""
    message: str = ""
    remote_logs: tuple[str, ...] = ()
    remote_job: str = ""
    group: str = ""

    @property
    def what(self) -> str:
        """What it was doing."""
        return names(self.job)[0]

    @cached_property
    def execution(self) -> dict[str, Any]:
        """What its step wrote beside its log when it ran last; nothing where it did not begin in this run."""
        try:
            lines = Path(self.job["log"][0]).with_suffix(".jsonl").read_text(errors="replace").splitlines()
            last = executions(lines)[-1]
            began = datetime.fromisoformat(last["start"]).timestamp()
        except (OSError, IndexError, ValueError, TypeError):
            return {}
        ours = began >= self.job.get("since", 0) or (self.remote_job and last.get("slurm_job") == self.remote_job)
        return last if ours else {}

    @cached_property
    def remote_text(self) -> str:
        """All that the cluster has logged of it."""
        return "\n".join(map(read, self.remote_logs))

    @cached_property
    def why(self) -> str:
        """Why it failed: what SLURM says, else what the step wrote, else how the process ended."""
        state = re.search(r"SLURM status is: '(\w+)", self.message)
        if state and state[1] in STATES:
            return STATES[state[1]][1] + self.limit(state[1])
        if self.execution.get("error"):
            return ("unexpected " if self.execution["outcome"] == "bug" else "") + str(self.execution["error"])
        for name, (words, plain) in STATES.items():
            if re.search(words, self.remote_text):
                return plain + self.limit(name)
        ended = ending(self.error) if self.job["shellcmd"] else ""
        if self.remote_job and self.execution.get("outcome") == "killed":
            ended = "ended without a message, as if killed for lack of memory"
        ended = ended or ending(self.remote_text) or plain_error(self.error, "RuleException")
        message = re.sub(r"For further error details see the cluster/cloud log.*", "", self.message, flags=re.DOTALL)
        return ended if ended and state else "\n".join(filter(None, [ended, message.strip()]))

    def limit(self, state: str) -> str:
        """The limit that it reached, where it has its own."""
        memory, runtime = ((self.job.get("resources") or {}).get(name) for name in ("mem_mb", "runtime"))
        if state == "OUT_OF_MEMORY" and isinstance(memory, int) and not self.group:
            return f", of which it had asked for {memory} MB"
        if state == "TIMEOUT" and isinstance(runtime, int) and not self.group:
            return f" after {duration(60 * runtime)}"
        return ""

    def where(self) -> str:
        """The node, the cluster's number and the attempt, as far as they are known."""
        host = re.search(r"^ *Host: (\S+)", self.remote_text, re.MULTILINE)
        known = [str(self.execution.get("node") or (host[1] if host else ""))]
        if self.remote_job:
            known = [known[0] or "not known", f"SLURM job {self.remote_job}{' with others' if self.group else ''}"]
        if self.execution.get("attempt", 1) > 1:
            known.append(f"attempt {self.execution['attempt']}")
        return ", ".join(filter(None, known))

    def kind(self) -> tuple[str, str]:
        """What is equal where jobs of a rule failed in the same way: the reason without their names."""
        why = self.why
        if why.startswith("exit status"):  # which alone is no reason
            why += "".join(read(log).rstrip()[-LAST:].rpartition("\n")[2] for log in self.job["log"])
        for name, value in sorted(self.job["wildcards"].items(), key=lambda item: -len(str(item[1]))):
            why = re.sub(rf"(?<!\w){re.escape(str(value))}(?!\w)", f"{{{name}}}", why)
        return self.job["rule_name"], why


def names(job: dict[str, Any]) -> tuple[str, str]:
    """What a job does, in plain words, and its rule with wildcards; from a JOB_INFO record."""
    wildcards = ", ".join(f"{name}={value}" for name, value in job["wildcards"].items())
    rule = f"{job['rule_name']} ({wildcards})" if wildcards else job["rule_name"]
    return " ".join((job["rule_msg"] or rule).split()), rule


def at_fault(failures: Iterable[Failure]) -> list[Failure]:
    """Leave out the jobs of a failed group that finished or had not begun, unless these are all there are."""
    found: dict[object, list[Failure]] = {}
    for failure in failures:
        found.setdefault(failure.group or id(failure), []).append(failure)
    kept = []
    for members in found.values():
        broken = [f for f in members if f.execution.get("outcome", "done") != "done"]
        waiting = [f for f in members if not f.execution]
        kept += (broken or waiting[:1] or members[:1]) if members[0].group else members
    return kept


def alike(failures: Iterable[Failure]) -> list[list[Failure]]:
    """Put together the jobs of a rule that failed for the same reason."""
    found: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        found.setdefault(failure.kind(), []).append(failure)
    return list(found.values())


def digest(same: Sequence[Failure], start: Path, workdir: Path, path: str = "") -> str:
    """All that is needed to understand failures of a kind; the command that repeats the first is the last line."""
    first, *others = same
    facts = {"rule": names(first.job)[1], "node": first.where(), "why": first.why, "also": listing(others)}
    lines = [f"  {name:<4}  {indent(text, ' ' * 8).strip()}" for name, text in facts.items() if text]
    own = first.job["log"]
    lines += map(tail, own)
    if any(read(log).strip() for log in own):
        lines += [f"  log   {log} (SLURM's)" for log in first.remote_logs]
    else:
        lines += map(tail, first.remote_logs)
    if first.job["shellcmd"]:
        command = first.job["shellcmd"].strip()
        for log in own:  # by hand, its output belongs on the screen
            command = command.removesuffix(f" > {shlex.quote(log)} 2>&1")
        lines += ["  repeat it by hand:", repeat(command, start, workdir, path)]
    return "\n".join(lines)


def listing(others: Sequence[Failure]) -> str:
    """The jobs that failed in the same way, by their names, as many as fit in two lines."""
    named, text = 0, ""
    for failure in others:
        more = ("" if not text else ", ") + "/".join(map(str, failure.job["wildcards"].values()))
        if named and len(text) + len(more) > LISTED:
            break
        named, text = named + 1, text + more
    rest = len(others) - named
    return text + (f" and {rest} more" if rest else "")


def read(path: str) -> str:
    """The end of a log, without control characters; empty where there is none that can be read."""
    try:
        with Path(path).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - ENOUGH))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", text.replace("\r\n", "\n"))


def tail(path: str) -> str:
    """The name of a log file and its last lines."""
    lines = dedent("\n".join(read(path).splitlines()[-TAIL:])).rstrip()
    if lines:
        return f"  log   {path}, its end:\n{indent(lines, ' ' * 8)}"
    try:
        size, full = Path(path).stat().st_size, shutil.disk_usage(Path(path).parent).free < FULL
    except OSError:
        return f"  log   {path} (not written)"
    what = "not readable" if size else "empty"
    return f"  log   {path} ({what}{': the disk is full; make room, then run again' if full else ''})"


def plain_error(text: str, kind: str) -> str:
    """An error of class `kind` without traceback, and without a heading that says no more than the text."""
    message = re.sub(r'^ +File ".*", line \d+, in .*\n?(?: {4}.*\n?)*|^Traceback.*:\n?', "", text, flags=re.MULTILINE)
    heading = re.match(r"\w+( in .*)?:\n", message)
    # Snakemake traces only code outside itself: a traced WorkflowError is the Snakefile's own, written for the user.
    for_user = kind in ("WorkflowError", "UserError") and message != text
    return message[heading.end() if heading and (for_user or not heading[1]) else 0 :].strip()


def ending(error: str) -> str:
    """How a shell command ended, from Snakemake's error text; empty when that does not say."""
    found = re.search(r"returned non-zero exit status (\d+)|died with <Signals\.(\w+)", error)
    status, name = found.groups() if found else (None, None)
    if status and 128 < int(status) <= 128 + signal.SIGTERM:
        name = signal.Signals(int(status) - 128).name
    if name:
        return f"ended by {name}" + (", often for lack of memory" if name == "SIGKILL" else "")
    return f"exit status {status}" if status else ""


def repeat(shellcmd: str, start: Path, workdir: Path, path: str = "") -> str:
    """One line that runs a job's command as Snakemake did (bash, strict mode), for a terminal that is in `start`.

    `path` is what the Snakefile has put before the terminal's PATH.
    """
    command = shellcmd.strip()
    if re.search(r"[;|$`\n]", command):  # where strict mode can change the outcome
        one_line = command.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        command = "bash -euo pipefail -c " + (f"$'{one_line}'" if "\n" in command else shlex.quote(command))
    command = f"PATH={shlex.quote(path)}$PATH {command}" if path else command
    return command if start == workdir else f"cd {shlex.quote(str(workdir))} && {command}"
