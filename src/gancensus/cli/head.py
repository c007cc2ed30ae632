"""The head of a run, the process that starts and stops Snakemake; and cleaning up after heads that were killed.

Two heads must never write to one results folder. While one is alive, a second is refused; processes left by a dead one
are ended before the next one starts. Heads of different results work in one folder side by side: each has a claim of
its own there, and neither ends nor unlocks what belongs to another.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import psutil

from gancensus.contracts.errors import UserError

MARK = "GANCENSUS_RUN"  # in the environment of Snakemake and all that it starts: which results folder they work on
GRACE = 30.0  # seconds that steps get to save their state, as many as SLURM's KillWait
ACKNOWLEDGE = 3.0  # seconds within which Snakemake logs that it was interrupted
BEAT = 10.0  # seconds between two signs of life
DEAD = 60.0  # seconds without one, after which the head on another computer counts as dead
LOCKS = Path(".snakemake/locks")
CLAIM = ".snakemake/gancensus-head-"  # in the folder that runs are started in; one for each results folder
HEAD = ".head"  # in a results folder
SAME = 2.0  # seconds by which two readings of when a process was created can differ
SLURM = {"sbatch", "scancel", "squeue", "sacct", "sacctmgr", "sinfo", "scontrol", "sshare", "srun", "which"}
SHELLS = {"sh", "bash"}
SNAKEMAKE = ("-m", "gancensus.cli.snakemake")  # what Python runs
NAMES = {"snakemake", SNAKEMAKE[1]}  # of Snakemake, in the words of a process


class TakenError(UserError):
    """Another head has taken over, after this one had given no sign of life for too long."""


class Signalled(BaseException):
    """A signal asked the run to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def say(text: str) -> None:
    """Print on stderr, where Snakemake prints its progress; a closed stream is no reason to stop."""
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


@contextmanager
def signals() -> Iterator[None]:
    """Raise Signalled at the first SIGTERM or SIGHUP; later ones are ignored, so that the run can end cleanly."""
    caught = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]  # nohup ignores

    def end(number: int, frame: FrameType | None) -> None:
        for each in caught:
            signal.signal(each, signal.SIG_IGN)
        raise Signalled(number)

    before = {number: signal.signal(number, end) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Begun(NamedTuple):
    """A command that was begun and whose results are not all accounted for."""

    command: str  # `run` or `slurm`
    configfile: str  # as it was given
    place: str  # --results as it was given; empty when it was not
    results: str  # the folder, resolved: SLURM's jobs are named after it
    digest: str  # of configuration and code
    time: float = 0.0  # when, by the clock of the file system, in seconds of the epoch


class Claim(NamedTuple):
    """Which process is the head of the runs of a results folder, and what a later head must know about dead ones."""

    host: str  # empty when it has ended
    pid: int
    created: float  # when the process was, in seconds of the epoch
    begun: tuple[Begun, ...] = ()


@contextmanager
def claimed(results: Path) -> Iterator[None]:
    """Be the only head of these results, on this computer and on others that see their folder.

    What dead heads had begun stays in the claim until `settled` removes it. Raises UserError while another one is
    alive, and where a claim cannot be written.
    """
    refuse_second(results)
    claim, me = claim_of(results), psutil.Process()
    dead, mine = last_claim(claim), Claim(os.uname().nodename, me.pid, me.create_time())
    try:
        for path in _claims(results):
            path.parent.mkdir(parents=True, exist_ok=True)
        (results / HEAD).unlink(missing_ok=True)
        with suppress(FileExistsError), (results / HEAD).open("x") as file:  # of two at the same time, one fails
            file.write(json.dumps(mine))
        if last_claim(results / HEAD) != mine:
            raise UserError(f"another run on {results} has just begun; wait for it, or end it")
        _write(mine._replace(begun=dead.begun if dead else ()), claim)
    except OSError as error:
        raise _cannot_write(results, error) from None
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            for path in _claims(results):
                with suppress(OSError):
                    path.touch()

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        if not taken(results):
            with suppress(OSError, UserError):
                _write((last_claim(claim) or mine)._replace(host=""), claim)
                (results / HEAD).unlink()
                results.rmdir()  # where nothing was made


def claim_of(results: Path) -> Path:
    """Return the claim of a results folder, resolved, in the folder that its run is started in."""
    return Path(CLAIM + hashlib.sha256(os.fsencode(results)).hexdigest()[:12])


def _claims(results: Path) -> tuple[Path, Path]:
    return claim_of(results), results / HEAD


def taken(results: Path) -> bool:
    """Say whether another head has replaced our claim."""
    mine = (os.uname().nodename, os.getpid())
    return any((claim := last_claim(path)) is not None and claim[:2] != mine for path in _claims(results))


def begin(begun: Begun) -> Begun | None:
    """Note in our claim that a command begins, and return it with its time.

    None when an equal one from earlier is not yet accounted for. Raises TakenError when the claim is no longer ours.
    """
    if taken(Path(begun.results)):
        raise TakenError(f"another run has taken over {begun.results}; wait for it, or end it")
    path = claim_of(Path(begun.results))
    claim = last_claim(path)
    if claim is None or any(begun == old._replace(time=begun.time) for old in claim.begun):
        return None
    begun = begun._replace(time=_write(claim, path))
    _write(claim._replace(begun=(*claim.begun, begun)), path)
    return begun


def settled(begun: Begun | None) -> None:
    """Note in our claim that everything a command has made is accounted for."""
    path = claim_of(Path(begun.results)) if begun else None
    if path and (claim := last_claim(path)):
        _write(claim._replace(begun=tuple(old for old in claim.begun if old != begun)), path)


def _write(claim: Claim, path: Path) -> float:
    """Write a claim whole or not at all; return the time, by the clock of the file system."""
    new = path.with_suffix(".tmp")
    try:
        new.write_text(json.dumps(claim))
        new.replace(path)
        return path.stat().st_mtime
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> UserError:
    where = error.filename or path
    return UserError(f"{where}: {error.strerror}; make room, or start the run in a folder that you can write to")


def last_claim(path: Path) -> Claim | None:
    """Return a claim, whether its head is alive or dead."""
    try:
        host, pid, created, begun = json.loads(path.read_text())
        return Claim(host, pid, created, tuple(Begun(*each) for each in begun))
    except (OSError, ValueError, TypeError):
        return None


def refuse_second(results: Path) -> None:
    """Raise UserError when another head, or a plain Snakemake in this folder, is at work on these results.

    A Snakemake of these results whose head is dead does not count: `end_steps` ends it.
    """
    if where := next(filter(None, map(alive, _claims(results))), ""):
        raise UserError(f"another run is at work on {results} ({where}); wait for it, or end it")
    if not locks_of(results):
        return
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if NAMES.isdisjoint(Path(word).name for word in words) or "remote" in words:  # the mode of SLURM's jobs
            continue
        if process.info["cwd"] == str(Path.cwd()) and not _has_head(process):
            raise UserError(f"another run is at work on {results} (process {process.pid}); wait for it, or end it")


def alive(path: Path) -> str:
    """Return where the head of a claim runs; empty when it is dead, or there is no claim."""
    try:
        claim = last_claim(path)
        if not claim or not claim.host:
            return ""
        if claim.host == os.uname().nodename:
            process = psutil.Process(claim.pid)
            same = abs(process.create_time() - claim.created) < SAME
            return f"process {claim.pid}" if same and process.status() != psutil.STATUS_ZOMBIE else ""
        now = path.with_suffix(".now")
        now.touch()  # the time of the file system, which the clocks of two computers need not share
        age = now.stat().st_mtime - path.stat().st_mtime
        now.unlink()
        return f"process {claim.pid} on {claim.host}, alive {max(0, age):.0f} s ago" if age < DEAD else ""
    except (OSError, psutil.Error):
        return ""


def _mark(results: Path) -> str:
    """Return the mark of a head: the SLURM job that it runs in, if any, and its results folder."""
    return f"{os.environ.get('SLURM_JOB_ID', '')}:{results}"


def _has_head(process: psutil.Process) -> bool:
    """Say whether a process was started by a head, of any results, so that its claim says what is to be known."""
    try:
        return MARK in process.environ()
    except (psutil.Error, OSError):
        return False


def _belongs(process: psutil.Process, results: Path) -> bool:
    """Say whether a process was started by a head of these results and runs where that head does, not as a job."""
    try:
        environment = process.environ()
        job, _, folder = environment.get(MARK, "").partition(":")
        alive = process.status() != psutil.STATUS_ZOMBIE
        return bool(folder == str(results) and environment.get("SLURM_JOB_ID", job) == job and alive)
    except (psutil.Error, OSError):
        return False


def steps(results: Path) -> list[psutil.Process]:
    """Return what a head of these results left running on this computer, except Snakemake and SLURM's commands."""
    return [process for process in _left(results) if _name(process) not in SLURM | {"snakemake"}]


def _left(results: Path) -> list[psutil.Process]:
    """Return the processes that a head of these results started on this computer and that still run."""
    me = psutil.Process()
    waiting = [child for child in me.children() if _name(child) == "snakemake"]
    mine = {one.pid for one in (me, *me.parents(), *waiting)}
    return [process for process in psutil.process_iter() if process.pid not in mine and _belongs(process, results)]


def _name(process: psutil.Process) -> str:
    """Return the name of the program that a process runs; the system would call Snakemake Python."""
    try:
        words = {Path(word).name for word in process.cmdline()[:3]}
        return "snakemake" if words & NAMES else str(process.name())
    except psutil.Error:
        return ""


def start(
    command: Sequence[str], results: Path, waiting: subprocess.Popen[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start Snakemake with the mark of these results, or let the one that is waiting begin."""
    if waiting is not None and waiting.stdin is not None and not waiting.stdin.closed and waiting.poll() is None:
        words = command[command.index(SNAKEMAKE[1]) + 1 :]
        with suppress(BrokenPipeError), waiting.stdin as stdin:
            stdin.write(json.dumps(words).encode() + b"\n")
        return waiting
    return subprocess.Popen(command, env=os.environ | {MARK: _mark(results)})


@contextmanager
def ahead(results: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a Snakemake that waits for `start`, as it takes a second to be ready; end it where it is not needed."""
    command = [sys.executable, *SNAKEMAKE]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # for Python would print where it was
    try:
        waiting = subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {MARK: _mark(results)})
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        yield waiting
    finally:
        if waiting.stdin is not None and not waiting.stdin.closed:
            waiting.stdin.close()
            kill(waiting)


def log_of(process: subprocess.Popen[bytes]) -> Path | None:
    """Return the log file that a running Snakemake writes."""
    with suppress(psutil.Error, OSError):
        files = [Path(file.path) for file in psutil.Process(process.pid).open_files()]
        return next((path for path in files if path.name.endswith(".snakemake.log")), None)
    return None


def stop(process: subprocess.Popen[bytes], results: Path, terminate: bool, seconds: float | None) -> None:
    """Let Snakemake end itself and its steps; kill it if that takes longer than `seconds`.

    An interrupt from a terminal has already reached Snakemake and its steps. With `terminate`, or if this process alone
    was interrupted, it has not: Snakemake is interrupted, so that it starts nothing more, and its steps get SIGTERM.
    """
    log = log_of(process)
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        if terminate or not _acknowledged(process, log):
            process.send_signal(signal.SIGINT)
            if not _acknowledged(process, log):
                process.kill()  # it was started to ignore interrupts, or hangs
            for step in steps(results):
                with suppress(psutil.Error):
                    if step.name() not in SHELLS:  # they wait for their step, and Snakemake for them
                        step.terminate()
        process.wait(seconds)
    kill(process)


def _acknowledged(process: subprocess.Popen[bytes], log: Path | None) -> bool:
    """Wait until Snakemake has ended or logs that it is ending; return False if it does neither in time."""
    deadline = time.monotonic() + ACKNOWLEDGE
    while time.monotonic() < deadline:
        if process.poll() is not None or (log and "Terminating processes" in log.read_text(errors="replace")):
            return True
        time.sleep(0.1)
    return False


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill Snakemake, if it still runs; its steps keep running."""
    process.kill()
    process.wait()


def end_steps(results: Path) -> None:
    """End what a dead head has left running on this computer: SIGTERM, and SIGKILL when that does not help.

    That includes an sbatch, which could submit a job minutes later. Snakemake is killed first: it would wait for its
    jobs, or start others.
    """
    left = _left(results)
    if not left:
        return
    say(f"ending {len(left)} process{'es' * (len(left) > 1)} that a run has left behind")
    heads = [process for process in left if _name(process) == "snakemake"]
    for process in heads:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(heads, GRACE)
    for process in left:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(left, GRACE)[1]:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, GRACE)


def locks_of(results: Path) -> list[Path]:
    """Return the files of Snakemake's lock in this folder that name a file of these results."""
    found = []
    for path in LOCKS.glob("*.lock"):
        with suppress(FileNotFoundError):  # its Snakemake has just ended
            if any(Path(name).resolve().is_relative_to(results) for name in path.read_text().splitlines()):
                found.append(path)
    return found


def unlock(results: Path) -> None:
    """Remove the lock that a dead head of these results has left in this folder."""
    for path in locks_of(results):
        path.unlink(missing_ok=True)
