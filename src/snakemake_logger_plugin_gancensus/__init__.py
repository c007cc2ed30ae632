"""What a person sees while Snakemake works: `snakemake --logger gancensus`, or `logger: gancensus` in a profile.

A line for each job that starts, a table by rule for a dry run, and every failure last on the screen with the command
that repeats it. Snakemake's own log file (.snakemake/log) keeps every detail.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import signal
import sys
from collections import deque
from dataclasses import dataclass
from logging import INFO, WARNING, LogRecord
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

TAIL = 15  # lines of a failed job's log
FULL = 1 << 16  # bytes: with fewer left, a job cannot even say what is wrong
NOTES = {  # Snakemake's texts that matter during a run (how they start), in our words
    "Nothing to be done": "nothing to do: every file is up to date",
    "Terminating processes": "stopping: waiting for the running jobs to end",
    "Will exit after": "stopping: no new job starts, the running ones finish",
}
CHATTER = ("Assuming unrestricted", "Config file ", "Building DAG")  # its texts before a run that do not
REDUNDANT = ("Exiting because a job", "WorkflowError:\nAt least one job did not")  # the digests say more
FOLLOWS = "its input is remade"  # a reason that follows from another job's
REASONS = {  # Snakemake's reasons for a job (how they start), in our words
    "Missing output files": "not made yet",
    "Incomplete output files": "left incomplete",
    "Forced execution": "forced",
    "Params have changed": "parameters changed",
    "Code has changed": "code changed",
    "Software environment": "software changed",
    "Set of input files": "other input files",
    "Updated input files": "input updated",
    "Rules with": "always runs",
    "Input files updated by another job": FOLLOWS,
}


@dataclass(frozen=True)
class Failure:
    """A failed job: what it was doing, its rule with wildcards, why it failed, its log files, its shell command."""

    what: str
    rule: str
    why: str
    logs: list[str]
    shellcmd: str | None


def count(number: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """`12 s`, `3 min 12 s`, `2 h 5 min`."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def names(job: dict[str, Any]) -> tuple[str, str]:
    """What a job does, in plain words, and its rule with wildcards; from a JOB_INFO record."""
    wildcards = ", ".join(f"{name}={value}" for name, value in job["wildcards"].items())
    rule = f"{job['rule_name']} ({wildcards})" if wildcards else job["rule_name"]
    return " ".join((job["rule_msg"] or rule).split()), rule


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


def tail(path: str) -> str:
    """The name of a log file and its last lines."""
    try:
        with Path(path).open(errors="replace") as log:
            lines = dedent("".join(deque(log, TAIL))).rstrip()
    except OSError:
        return f"  log   {path} (not written)"
    if lines:
        return f"  log   {path}, its end:\n{indent(lines, ' ' * 8)}"
    full = shutil.disk_usage(Path(path).parent).free < FULL
    return f"  log   {path} (empty{': the disk is full; make room, then run again' if full else ''})"


def digest(failure: Failure, start: Path, workdir: Path, path: str = "") -> str:
    """All that is needed to understand a failure; the command that repeats it is the last line."""
    lines = [f"  rule  {failure.rule}", *map(tail, failure.logs)]
    if failure.why:
        lines.insert(1, f"  why   {indent(failure.why, ' ' * 8).strip()}")
    if failure.shellcmd:
        command = failure.shellcmd.strip()
        for log in failure.logs:  # by hand, its output belongs on the screen
            command = command.removesuffix(f" > {shlex.quote(log)} 2>&1")
        lines += ["  repeat it by hand:", repeat(command, start, workdir, path)]
    return "\n".join(lines)


def parameters(listed: str) -> dict[str, Any]:
    """The parameters that Snakemake lists in a reason, JSON objects key by key; a bare value has the name ''."""
    found: dict[str, Any] = {}
    for value in ast.literal_eval(f"[{listed}]"):
        found |= json.loads(value) if str(value).startswith("{") else {"": value}
    return found


def changes(reason: str) -> str:
    """The parameters that changed, such as `epochs 20 -> 30`; empty when they cannot be read."""
    found = re.search(r" before: (.*) now: (.*?) (?:; Software.*)?$", reason, re.DOTALL)
    try:
        old, new = map(parameters, found.groups()) if found else ({}, {})
    except (ValueError, SyntaxError, TypeError):
        return ""
    keys = [key for key in old | new if old.get(key) != new.get(key)]
    text = ", ".join(f"{key} {old.get(key, 'unset')} -> {new.get(key, 'unset')}".strip() for key in keys)
    return text if len(text) <= 60 else ", ".join(filter(None, keys))


def causes(reason: str) -> dict[str, str]:
    """Why a job runs, in plain words, each with its detail."""
    words = [plain for start, plain in REASONS.items() if start in reason] or [reason or "unknown"]
    words = words[:1] if words[0] == "not made yet" else [word for word in words if word != FOLLOWS] or words
    return {word: changes(reason) if word == "parameters changed" else "" for word in words}


def why(reasons: list[str]) -> str:
    """Why the jobs of a rule run: every cause with its detail if the jobs share it, its number if they do not."""
    details: dict[str, list[str]] = {}
    for reason in reasons:
        for cause, detail in causes(reason).items():
            details.setdefault(cause, []).append(detail)
    return ", ".join(
        cause
        + (f" ({found[0]})" if found[0] and len(set(found)) == 1 else "")
        + (f": {len(found)}" if len(found) < len(reasons) else "")
        for cause, found in details.items()
    )


def plan(stats: dict[str, int], reasons: dict[str, list[str]]) -> str:
    """The table of a dry run; `stats` is the number of jobs by rule and `total`, `reasons` one text for each job."""
    rows = [("rule", "jobs", "why"), *((rule, str(jobs), why(reasons.get(rule, []))) for rule, jobs in stats.items())]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{rule:<{first}}  {jobs:>{second}}  {text}".rstrip() for rule, jobs, text in rows)


class LogHandler(LogHandlerBase):
    """Writes to stderr in place of Snakemake's own screen output; failures wait for `close`, and so come last."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False  # Snakemake's: --quiet, --printshellcmds and --debug-dag keep their meaning
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Begin with nothing known."""
        plain = self.common_settings.nocolor or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self.colour = sys.stderr.isatty() and not plain
        self.start = Path.cwd()
        self.path = os.environ["PATH"]
        self.began = self.now = 0.0
        self.done = self.total = 0
        self.where = ""
        self.noted = ""
        self.jobs: dict[int, dict[str, Any]] = {}  # JOB_INFO of those that have not finished, by Snakemake's number
        self.reasons: dict[str, list[str]] = {}  # of a dry run, by rule
        self.raised: dict[int | None, str] = {}  # errors by thread, until the JOB_ERROR that they belong to
        self.failures: dict[int | str, Failure | str] = {}  # of jobs by number; other errors by their text

    def say(self, text: str, colour: str = "") -> None:
        """Write a line, coloured on a terminal."""
        print(f"\033[{colour}m{text}\033[0m" if colour and self.colour else text, file=sys.stderr, flush=True)

    def emit(self, record: LogRecord) -> None:
        """Tell what a record says, if a person needs it."""
        try:
            self.now = record.created
            self.hear(record, vars(record))
        except Exception:
            self.handleError(record)

    def hear(self, record: LogRecord, said: dict[str, Any]) -> None:
        """Send a record to what it is about; events that are not named here say nothing to a person."""
        match said.get("event"):
            case None:
                self.note(record.getMessage(), record.levelno)
            case LogEvent.WORKFLOW_STARTED:
                self.began = record.created
            case LogEvent.RESOURCES_INFO if "cores" in said:
                self.where = f" on {count(said['cores'], 'core')}"
            case LogEvent.RESOURCES_INFO if said.get("nodes", sys.maxsize) < sys.maxsize:
                self.where = f", at most {said['nodes']} at a time"
            case LogEvent.RUN_INFO:
                self.run_info(said["stats"])
            case LogEvent.JOB_INFO:
                self.job_info(said)
            case LogEvent.SHELLCMD | LogEvent.DEBUG_DAG:  # pass Snakemake's filter only when asked for
                self.say(self.format(record).strip())
            case LogEvent.PROGRESS:
                self.done, self.total = said["done"], said["total"]
            case LogEvent.JOB_FINISHED:
                self.jobs.pop(said["job_id"], None)
            case LogEvent.ERROR if said["exception"] == "RuleException":
                self.raised[record.thread] = record.getMessage()
            case LogEvent.ERROR:
                self.error(record.getMessage(), said["exception"])
            case LogEvent.GROUP_ERROR if said["aux_logs"]:
                self.error("\n".join(["a group of jobs failed", *map(tail, said["aux_logs"])]))
            case LogEvent.JOB_ERROR:
                self.job_error(said, self.raised.pop(record.thread, ""))

    def note(self, text: str, level: int) -> None:
        """A text without an event."""
        ours = next((words for start, words in NOTES.items() if text.startswith(start)), None)
        if ours and ours != self.noted:  # some are repeated as long as jobs run
            self.noted = ours
            self.say(ours)
        elif level > WARNING:
            self.error(text)
        elif level == WARNING:
            self.say(text, "33")
        elif level < INFO or not (self.began or text.startswith(CHATTER)):  # --verbose; --unlock, --lint, ...
            self.say(text)

    def run_info(self, stats: dict[str, int]) -> None:
        """The first line of a run, or the table of a dry run (whose numbers come before the jobs and again after)."""
        self.total = stats["total"]
        if not self.common_settings.dryrun:
            self.say(f"{count(self.total, 'job')}{self.where}")
        elif self.reasons:
            self.say(plan(stats, self.reasons))

    def job_info(self, job: dict[str, Any]) -> None:
        """A job starts, or would start."""
        if self.common_settings.dryrun:
            self.reasons.setdefault(job["rule_name"], []).append(job["reason"])
            return
        self.jobs[job["jobid"]] = job
        again = " (again)" if self.failures.pop(job["jobid"], None) else ""
        if job["rule_msg"] or job["output"] or job["shellcmd"]:  # else a mere list of targets, such as `all`
            percent = 100 * self.done // max(1, self.total)
            share = f"[ {self.done:>{len(str(self.total))}}/{self.total} {percent:3d}%]"
            self.say(f"{share} {names(job)[0]}{again}")

    def job_error(self, said: dict[str, Any], raised: str) -> None:
        """A job failed; `raised` is Snakemake's error about it."""
        ended = ending(raised) if said["shellcmd"] else ""
        if self.noted == NOTES["Terminating processes"] or "SIGINT" in ended:
            return  # stopped together with Snakemake: no fault of the job
        reasons = [ended or plain_error(raised, "RuleException"), said["rule_msg"]]
        job = self.jobs.get(said["jobid"], said | {"rule_msg": None, "wildcards": {}})
        self.fail(job | {"log": said["log"]}, "\n".join(filter(None, reasons)))

    def fail(self, job: dict[str, Any], reason: str) -> None:
        """Note a failed job at once, for the digest at the end; it may still start again."""
        what, rule = names(job)
        self.failures[job["jobid"]] = Failure(what, rule, reason, job["log"], job["shellcmd"])
        self.say(f"failed: {what}", "31")

    def error(self, text: str, kind: str = "") -> None:
        """An error that no JOB_ERROR tells of."""
        missing = re.search(
            r"^Job (\d+) +completed successfully, but some output files are missing", text, re.MULTILINE
        )
        if missing and int(missing[1]) in self.jobs:
            self.fail(self.jobs[int(missing[1])], text[missing.start() :])
        elif not text.startswith(REDUNDANT):
            self.failures[text] = plain_error(text, kind)

    def close(self) -> None:
        """Tell how the run ended, failures last. Snakemake calls this when all else has been said."""
        self.failures |= {text: plain_error(text, "RuleException") for text in self.raised.values()}
        if self.total and not self.common_settings.dryrun:
            self.summary(sum(isinstance(failure, Failure) for failure in self.failures.values()))
        for failure in self.failures.values():
            if isinstance(failure, Failure):
                self.say(f"\nfailed: {failure.what}", "1;31")
                self.say(digest(failure, self.start, Path.cwd(), os.environ["PATH"].removesuffix(self.path)))
            else:
                self.say(f"\n{failure}" if self.total else failure)
        self.total = 0  # logging calls close once more when Python exits
        self.failures.clear()
        self.raised.clear()
        super().close()

    def summary(self, failed: int) -> None:
        """One line on how far a run came."""
        jobs = count(self.total, "job")
        if self.done == self.total:
            self.say(f"done: {jobs} in {duration(self.now - self.began)}", "32")
        else:
            rest = f", {failed} failed" if failed else "" if self.failures else "; the same command goes on from here"
            self.say(f"stopped: {self.done} of {jobs} done{rest}", "33")
