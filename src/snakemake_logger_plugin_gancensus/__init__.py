"""What a person sees while Snakemake works: `snakemake --logger gancensus`, or `logger: gancensus` in a profile.

A line for each job that starts, a table by rule for a dry run, and every failure last on the screen with the command
that repeats it. Snakemake's own log file (.snakemake/log) keeps every detail.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from logging import INFO, WARNING, LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from gancensus.report.trace import duration
from snakemake_logger_plugin_gancensus.failures import Failure, alike, at_fault, digest, ending, names, plain_error

WIDE = 60  # characters of the detail of a reason
NOTES = {  # Snakemake's texts that matter during a run (how they start), in our words
    "Nothing to be done": "nothing to do: every file is up to date",
    "Terminating processes": "stopping: waiting for the running jobs to end",
    "Will exit after": "stopping: no new job starts, the running ones finish",
}
CHATTER = ("Assuming unrestricted", "Config file ", "Building DAG")  # its texts before a run that do not
ACCOUNTLESS = ("No SLURM account given", "No account was given", "Unable to guess SLURM account")  # nor is one needed
REDUNDANT = ("Exiting because a job", "WorkflowError:\nAt least one job did not")  # the digests say more
FOLLOWS = "its input is remade"  # a reason that follows from another job's
REASONS = {  # Snakemake's reasons for a job (how they start), in our words
    "Missing output files": "not made yet",
    "Incomplete output files": "left incomplete",
    "Forced execution": "forced",
    "Params have changed": "parameters changed",
    "Code has changed": "rule changed",
    "Software environment": "software changed",
    "Set of input files": "other input files",
    "Updated input files": "input updated",
    "Rules with": "always runs",
    "Input files updated by another job": FOLLOWS,
}


def count(number: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def parameters(listed: str) -> dict[str, Any]:
    """The parameters that Snakemake lists in a reason: JSON objects key by key, `--seed 1`; else the name is ''."""
    found: dict[str, Any] = {}
    for value in map(str, ast.literal_eval(f"[{listed}]")):
        option = re.fullmatch(r"--(\w+) (\S+)", value)
        for name, inner in json.loads(value).items() if value.startswith("{") else ():
            found |= {f"{name}.{key}": v for key, v in inner.items()} if isinstance(inner, dict) else {name: inner}
        if not value.startswith("{"):
            found[option[1] if option else ""] = option[2] if option else value
    return found


def changes(reason: str) -> dict[str, str]:
    """What Snakemake's change of parameters is: of values, such as `epochs 20 -> 30`, or of the code, by file."""
    listed = re.search(r" before: (.*) now: (.*?) (?:; Software.*)?$", reason, re.DOTALL)
    try:
        old, new = map(parameters, listed.groups()) if listed else ({}, {})
    except (ValueError, SyntaxError, TypeError):
        old, new = {}, {}
    files, keys = (
        [k for k in old | new if k.endswith(".py") is code and old.get(k) != new.get(k)] for code in (True, False)
    )
    found = {}
    if keys or not files:
        text = ", ".join(f"{key} {old.get(key, 'unset')} -> {new.get(key, 'unset')}".strip() for key in keys)
        found["parameters changed"] = text if len(text) <= WIDE else ", ".join(filter(None, keys))
    edited = [file for file in files if file in old and file in new]
    if edited or (files and not keys):  # else a value names other plug-ins; an older version kept no code
        text = ", ".join(edited)
        found["code changed"] = text if len(text) <= WIDE else count(len(edited), "file")
    return found


def causes(reason: str) -> dict[str, str]:
    """Why a job runs, in plain words, each with its detail."""
    words = [plain for start, plain in REASONS.items() if start in reason] or [reason or "unknown"]
    changed = [word for word in words if word not in ("not made yet", FOLLOWS)]  # files not kept are missing, too
    words = changed or words[:1]
    found: dict[str, str] = {}
    for word in words:
        found |= changes(reason) if word == "parameters changed" else {word: ""}
    return found


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
        """Start with nothing known."""
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
        """Print what a record says, if a person needs it."""
        try:
            self.now = record.created
            self.dispatch(record, vars(record))
        except Exception:
            self.handleError(record)

    def dispatch(self, record: LogRecord, said: dict[str, Any]) -> None:
        """Pass a record to the method for its event; events that are not named here say nothing to a person."""
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
            case LogEvent.GROUP_ERROR:
                self.group_error(said, self.raised.pop(record.thread, ""))
            case LogEvent.JOB_ERROR if not said["indent"]:  # else one of a group, which has been reported
                self.job_error(said, self.raised.pop(record.thread, ""))

    def note(self, text: str, level: int) -> None:
        """A text without an event."""
        ours = next((words for start, words in NOTES.items() if text.startswith(start)), None)
        if ours and ours != self.noted:  # some are repeated as long as jobs run
            self.noted = ours
            self.say(ours)
        elif level > WARNING:
            self.error(text)
        elif level == WARNING and not text.startswith(ACCOUNTLESS):
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
        self.jobs[job["jobid"]] = job | {"since": self.now}
        again = " (again)" if self.failures.pop(job["jobid"], None) else ""
        if job["rule_msg"] or job["output"] or job["shellcmd"]:  # else a mere list of targets, such as `all`
            percent = 100 * self.done // max(1, self.total)
            share = f"[ {self.done:>{len(str(self.total))}}/{self.total} {percent:3d}%]"
            self.say(f"{share} {names(job)[0]}{again}")

    def job_error(self, said: dict[str, Any], raised: str) -> None:
        """A job failed; `raised` is Snakemake's error about it."""
        if not self.stopping(raised):
            job, remote_logs = self.known(said, said["log"])
            job_id = str(said["aux"].get("external_jobid", ""))
            self.fail(Failure(job, raised, said["rule_msg"] or "", remote_logs, job_id))

    def group_error(self, said: dict[str, Any], raised: str) -> None:
        """Jobs failed that are one job on the cluster."""
        members = [self.known(job, job["log"])[0] for job in said["job_error_info"]]
        if members and not self.stopping(raised):
            remote_logs, job_id = tuple(filter(None, said["aux_logs"])), str(said.get("external_jobid", ""))
            group = f"{said['groupid']} at {self.now}"
            for job in members:
                self.failures[job["jobid"]] = Failure(job, raised, "", remote_logs, job_id, group)
            self.say(f"failed: a group of {count(len(members), 'job')}", "31")

    def known(self, said: dict[str, Any], logs: list[str | None]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The JOB_INFO of a job that failed, and those of the logs that are not its own."""
        job = self.jobs.get(said["jobid"], said | {"rule_msg": None, "wildcards": {}})
        return job, tuple(log for log in logs if log and log not in job["log"])

    def stopping(self, raised: str) -> bool:
        """Whether jobs are stopped together with Snakemake, which is no fault of theirs."""
        return self.noted == NOTES["Terminating processes"] or "SIGINT" in ending(raised)

    def fail(self, failure: Failure) -> None:
        """Note a failed job at once, for the digest at the end; it may still start again."""
        self.failures[failure.job["jobid"]] = failure
        self.say(f"failed: {failure.what}", "31")

    def error(self, text: str, kind: str = "") -> None:
        """An error that no JOB_ERROR reports."""
        missing = re.search(
            r"^Job (\d+) +completed successfully, but some output files are missing", text, re.MULTILINE
        )
        if missing and int(missing[1]) in self.jobs:
            self.fail(Failure(self.jobs[int(missing[1])], message=text[missing.start() :]))
        elif not text.startswith(REDUNDANT):
            self.failures[text] = plain_error(text, kind)

    def close(self) -> None:
        """Report how the run ended, failures last. Snakemake calls this after everything else."""
        self.failures |= {text: plain_error(text, "RuleException") for text in self.raised.values()}
        failed = at_fault(failure for failure in self.failures.values() if isinstance(failure, Failure))
        if self.total and not self.common_settings.dryrun:
            self.summary(len(failed))
        for text in self.failures.values():
            if isinstance(text, str):
                self.say(f"\n{text}" if self.total else text)
        for same in alike(failed):
            more = f", and {count(len(same) - 1, 'more job')} in the same way" if len(same) > 1 else ""
            self.say(f"\nfailed: {same[0].what}{more}", "1;31")
            try:
                self.say(digest(same, self.start, Path.cwd(), os.environ["PATH"].removesuffix(self.path)))
            except Exception as error:  # which Snakemake would swallow, with all failures that are yet to be reported
                self.say(f"  (no more is known: {error!r})\n{same[0].error}\n{same[0].job['shellcmd'] or ''}")
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
