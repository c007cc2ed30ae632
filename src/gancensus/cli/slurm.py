"""SLURM: the jobs of a results folder, and a watch that notices when Snakemake waits for something that cannot happen.

Jobs are found by their name alone, which comes from the results folder: no file of a killed run is needed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from gancensus.cli.head import SHELLS, SLURM, claim_of, log_of, say
from gancensus.contracts.errors import UserError

PATIENCE = 480.0  # seconds without any progress; the plugin may ask 2 x 180 s later, files may come 60 s late
PERIOD = 10.0  # seconds between two checks
LEAVING = 300.0  # seconds in which something must change while jobs are cancelled; SLURM's limit (KillWait) is 30
AGAIN = 2.0  # seconds between two checks that must both find nothing: what was just submitted may not show at once
ANSWER = 30.0  # seconds for a SLURM command
SHOWN = 3  # jobs that a message names
HELD = ("JobHeldAdmin", "JobHeldUser", "launch failed requeued held", "DependencyNeverSatisfied")  # somebody must act
FILTERS = ("SQUEUE_", "SCANCEL_", "SACCT_")  # variables by which users change what the commands show and do


def forget_filters() -> None:
    """Unset the variables that let SLURM's commands, ours and the plugin's, hide jobs or ask for confirmation."""
    for name in [name for name in os.environ if name.startswith(FILTERS)]:
        del os.environ[name]


class StuckError(Exception):
    """No job can make progress; the text says why."""

    kept = 0  # files that could be kept nevertheless


class Job(NamedTuple):
    """A job in the queue."""

    number: str  # of an array, that of the whole
    state: str
    reason: str  # why it does not run
    name: str


def ask(*command: str, seconds: float = ANSWER) -> subprocess.CompletedProcess[str] | None:
    """Run a SLURM command; None when it does not end in time, or is not installed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=seconds)
    except (subprocess.TimeoutExpired, OSError):
        return None


def answer(*command: str) -> str | None:
    """Return what a SLURM command prints; None when it fails."""
    done = ask(*command)
    return done.stdout if done and done.returncode == 0 else None


def fate(number: str) -> str:
    """Return what SLURM says has become of a job."""
    shown = re.search(r"JobState=(\S+)", answer("scontrol", "show", "job", "--oneliner", number) or "")
    if shown:
        return shown[1]
    state = answer("sacct", "--allocations", "--noheader", "--parsable2", "--jobs", number, "--format=State")
    return next(iter((state or "").splitlines()), "") or "unknown"


class Queue:
    """The jobs of one results folder, whoever submitted them: all that this user's runs have there."""

    def __init__(self, results: Path) -> None:
        self.prefix = f"gancensus-{hashlib.sha256(str(results).encode()).hexdigest()[:12]}"
        self.claim = claim_of(results)

    def jobs(self) -> list[Job] | None:
        """Return the jobs that have not left the queue; None when the controller does not answer."""
        found = answer("squeue", f"--user={os.getuid()}", "--noheader", "--format=%F|%T|%r|%j")
        if found is None:
            return None
        jobs = [Job(*line.split("|", 3)) for line in found.splitlines() if line.count("|") >= 3]
        return [job for job in jobs if job.name.startswith(self.prefix)]

    def cancel(self) -> None:
        """Cancel all jobs and wait until they have left the queue.

        Raises UserError when they do not leave, or when the controller does not answer.
        """
        if not shutil.which("squeue"):
            raise UserError(
                "a run on a cluster was killed here, and its jobs may still be at work, but squeue is not found; start "
                f"the next run where SLURM's commands are, or remove {self.claim} if there are no such jobs"
            )
        said, empty, since = False, 0, time.monotonic()
        before: list[Job] | None = None
        while True:
            jobs = self.jobs()
            empty = empty + 1 if jobs == [] else 0
            if empty == 2:
                return
            if jobs != before:
                before, since = jobs, time.monotonic()
            elif time.monotonic() - since > LEAVING:
                what = f"SLURM still has {named_jobs(jobs)}" if jobs else "SLURM's controller does not answer"
                raise UserError(f"{what}; jobs may still write there: run again once `squeue` shows none of yours")
            if jobs and not said:
                said = True
                say(f"cancelling {named_jobs(jobs)} of a run that has ended; waiting until SLURM has ended them")
            if live := sorted({job.number for job in jobs or () if job.state != "COMPLETING"}):
                ask("scancel", *live)
            time.sleep(AGAIN if empty else 1)


def count(jobs: int) -> str:
    """`1 SLURM job`, `2 SLURM jobs`."""
    return f"{jobs} SLURM job{'s' * (jobs != 1)}"


def named_jobs(jobs: Sequence[Job]) -> str:
    """Name a few jobs with their states."""
    names = [f"{job.number} ({job.state})" for job in jobs[:SHOWN]]
    more = f" and {len(jobs) - SHOWN} more" if len(jobs) > SHOWN else ""
    return f"job{'s' * (len(jobs) > 1)} {', '.join(names)}{more}"


class Log:
    """What Snakemake's log says: which jobs it has submitted, and how many have ended."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self.at = 0
        self.ended = 0
        self.waiting: dict[str, tuple[str, Path]] = {}  # SLURM's number and log of each job, by Snakemake's number

    def read(self, path: Path | None) -> None:
        """Read what is new in a log file."""
        self.path = self.path or path
        if self.path is None or not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.at)
            whole = file.read().rpartition(b"\n")[0]
        self.at += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self.read_line(line)

    def read_line(self, line: str) -> None:
        """Note what a line says about a job."""
        submitted = re.match(r"Job (\S+) has been submitted with SLURM jobid (\S+) \(log: (.*)\)\.", line)
        ended = re.match(r"Finished jobid: (\S+)|\s+jobid: (\S+)$", line)  # the second in an error
        if submitted:
            self.waiting[submitted[1]] = (submitted[2], Path(submitted[3]))
        elif ended:
            self.ended += ended[1] is not None
            self.waiting.pop(ended[1] or ended[2], None)


class Watch:
    """Notices, while Snakemake runs, that no job can make progress any more.

    That is so when SLURM answers, has none of the run's jobs, and Snakemake itself neither computes, nor runs a job
    here, nor has ended one for `patience` seconds: it waits for a job whose end it has missed.
    """

    def __init__(self, queue: Queue, patience: float) -> None:
        self.queue, self.patience = queue, patience
        self.period = min(PERIOD, patience / 4)
        self.log = Log()
        self.answers = True
        self.since = time.monotonic()
        self.cpu = 0.0
        self.position: object = None
        self.held: set[str] = set()

    def look(self, process: subprocess.Popen[bytes]) -> None:
        """Look once; raises StuckError."""
        jobs = self.queue.jobs()
        if (jobs is None) == self.answers:
            self.answers = jobs is not None
            say("SLURM answers again" if self.answers else "SLURM's controller does not answer: waiting for it")
        self.report_held(jobs or [])
        with suppress(OSError):  # a file system that is unavailable for a moment
            self.log.read(log_of(process))
        used, still = _computing(process), time.monotonic() - self.since
        moved = (self.log.ended, set(self.log.waiting.values()))
        if jobs is None or jobs or _busy(process) or moved != self.position or used - self.cpu > 1 + 0.1 * still:
            self.since, self.cpu, self.position = time.monotonic(), used, moved
        elif still > self.patience:
            raise StuckError(self.reason())

    def report_held(self, jobs: Sequence[Job]) -> None:
        """Report each job once that will not run before somebody acts."""
        held = [job for job in jobs if job.reason in HELD and job.number not in self.held]
        if held:
            self.held |= {job.number for job in held}
            say(f"{named_jobs(held)} will not run ({held[0].reason}): see `scontrol show job`, release or cancel")

    def reason(self) -> str:
        """Say what Snakemake waits for, and what SLURM says about it."""
        waiting = [(number, log) for number, log in self.log.waiting.values()]
        if not waiting:
            return f"no progress for {self.patience:.0f} s, and SLURM has no job of this run"
        named = [f"{number} ({'/'.join(log.parts[-3:-1])}: {fate(number)})" for number, log in waiting[:SHOWN]]
        more = f" and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else ""
        return f"Snakemake waits for {count(len(waiting))} that SLURM has ended: {', '.join(named)}{more}"


def _computing(process: subprocess.Popen[bytes]) -> float:
    """Return the seconds that Snakemake itself has computed; 0 when it has ended."""
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _busy(process: subprocess.Popen[bytes]) -> bool:
    """Say whether Snakemake has a job running on this computer, or waits for a disk."""
    try:
        head = psutil.Process(process.pid)
        if head.status() == psutil.STATUS_DISK_SLEEP:
            return True
        children = head.children(recursive=True)
        return any(child.name() not in SLURM | SHELLS for child in children if child.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True
