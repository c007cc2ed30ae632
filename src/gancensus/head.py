"""The head of a run: Snakemake, started and ended, and what a head that was killed has left behind.

Two heads must never write one results folder. A living one is refused; the processes that a dead one has left are
ended before the next one starts.
"""

from __future__ import annotations

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

from gancensus.errors import UserError

MARK = "GANCENSUS_RUN"  # in the environment of Snakemake and all that it starts: who belongs to which results folder
GRACE = 30.0  # seconds that steps get to save their state, as many as SLURM's KillWait
HEARING = 3.0  # seconds in which Snakemake says that it has heard an interrupt
BEAT = 10.0  # seconds between two signs of life
DEAD = 60.0  # seconds without one, after which the head on another computer counts as dead
LOCKS = Path(".snakemake/locks")
CLAIM = Path(".snakemake/gancensus-head")
SLURM = {"sbatch", "scancel", "squeue", "sacct", "sacctmgr", "sinfo", "scontrol", "sshare", "srun", "which"}
SHELLS = {"sh", "bash"}


class Signalled(BaseException):
    """The run was told to end by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def say(text: str) -> None:
    """Tell the user, where Snakemake tells its progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def signals() -> Iterator[None]:
    """Raise Signalled at the first SIGTERM or SIGHUP; later ones do not disturb the end of the run."""
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


class Claim(NamedTuple):
    """Who is at the head of the runs in a folder, and what a later head has to know of a dead one."""

    host: str  # empty when it has ended
    pid: int
    created: float  # when the process was, in seconds of the epoch, as `begun`
    command: str = ""  # at work since `begun`; empty when all that it made is accounted for
    begun: float = 0.0
    digest: str = ""  # of its configuration and code


@contextmanager
def claimed(results: Path) -> Iterator[None]:
    """Be the only head in this folder and of these results, on this computer and on others that see the folder.

    What a dead head had begun stays in the claim, until `settled` says that it is accounted for. Raises UserError while
    another one lives.
    """
    dead = last_claim()
    refuse_second(results, dead)
    CLAIM.parent.mkdir(exist_ok=True)
    me = psutil.Process()
    _write((dead or Claim("", 0, 0))._replace(host=os.uname().nodename, pid=me.pid, created=me.create_time()))
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            with suppress(OSError):
                CLAIM.touch()

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        if claim := last_claim():
            _write(claim._replace(host=""))


def begin(command: str, digest: str) -> None:
    """Note in our claim that a command begins; what is not settled stays, as of another configuration."""
    if claim := last_claim():
        old = bool(claim.command)
        begun = claim.begun if old else time.time()
        _write(claim._replace(command=command, begun=begun, digest="" if old else digest))


def settled() -> None:
    """Note in our claim that all that was begun is accounted for."""
    if claim := last_claim():
        _write(claim._replace(command=""))


def _write(claim: Claim) -> None:
    """Write the claim whole or not at all."""
    new = CLAIM.with_suffix(".tmp")
    new.write_text(json.dumps(claim))
    new.replace(CLAIM)


def last_claim() -> Claim | None:
    """Return the claim that stands in this folder, by a head that lives or is dead."""
    try:
        return Claim(*json.loads(CLAIM.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def refuse_second(results: Path, claim: Claim | None) -> None:
    """Raise UserError when another head is at work in this folder or on these results."""
    if claim and (where := _alive(claim)):
        raise UserError(f"another run is at work in this folder ({where}); wait for it, or end it")
    locks = locked()
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if "snakemake" not in {Path(word).name for word in words} or "remote" in words:  # the mode of SLURM's jobs
            continue
        here = locks and process.info["cwd"] == str(Path.cwd())
        if here or _belongs(process, results):
            place = "in this folder" if here else f"on {results}"
            raise UserError(f"another run is at work {place} (process {process.pid}); wait for it, or end it")


def _alive(claim: Claim) -> str:
    """Return where the head of a claim lives; empty when it is dead."""
    try:
        if not claim.host:
            return ""
        if claim.host == os.uname().nodename:
            process = psutil.Process(claim.pid)
            alive = process.create_time() == claim.created and process.status() != psutil.STATUS_ZOMBIE
            return f"process {claim.pid}" if alive else ""
        now = CLAIM.with_suffix(".now")
        now.touch()  # the time of the file system, which the clocks of two computers need not share
        age = now.stat().st_mtime - CLAIM.stat().st_mtime
        now.unlink()
        return f"process {claim.pid} on {claim.host}, alive {max(0, age):.0f} s ago" if age < DEAD else ""
    except (OSError, psutil.Error):
        return ""


def _mark(results: Path) -> str:
    """Return the mark of a head: the job of SLURM's that it runs in, if any, and its results folder."""
    return f"{os.environ.get('SLURM_JOB_ID', '')}:{results}"


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
    """Return what a head of these results has started on this computer and still runs; not the head, not SLURM's."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = [process for process in psutil.process_iter() if process.pid not in mine and _belongs(process, results)]
    return [process for process in found if _name(process) not in SLURM | {"snakemake"}]


def _name(process: psutil.Process) -> str:
    """Return what a process runs; Snakemake is called Python otherwise."""
    try:
        words = {Path(word).name for word in process.cmdline()[:3]}
        return "snakemake" if "snakemake" in words else str(process.name())
    except psutil.Error:
        return ""


def start(command: Sequence[str], results: Path) -> subprocess.Popen[bytes]:
    """Start Snakemake with the mark of these results."""
    return subprocess.Popen(command, env=os.environ | {MARK: _mark(results)})


def log_of(process: subprocess.Popen[bytes]) -> Path | None:
    """Return the log file that a living Snakemake writes."""
    with suppress(psutil.Error, OSError):
        files = [Path(file.path) for file in psutil.Process(process.pid).open_files()]
        return next((path for path in files if path.name.endswith(".snakemake.log")), None)
    return None


def stop(process: subprocess.Popen[bytes], results: Path, terminate: bool, seconds: float | None) -> None:
    """End Snakemake and its steps: by its own means, and by ours where that takes longer than `seconds`.

    An interrupt from a terminal has reached Snakemake and its steps too. Of `terminate`, and of an interrupt for the
    door alone, nobody has heard: Snakemake is interrupted, so that it starts nothing more, and its steps get SIGTERM.
    """
    log = log_of(process)
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        if terminate or not _heard(process, log):
            process.send_signal(signal.SIGINT)
            if not _heard(process, log):
                process.kill()  # it was started to ignore interrupts, or hangs
            for step in steps(results):
                with suppress(psutil.Error):
                    if step.name() not in SHELLS:  # they wait for their step, and Snakemake for them
                        step.terminate()
        process.wait(seconds)
    kill(process)


def _heard(process: subprocess.Popen[bytes], log: Path | None) -> bool:
    """Wait until Snakemake has ended or says that it ends."""
    deadline = time.monotonic() + HEARING
    while time.monotonic() < deadline:
        if process.poll() is not None or (log and "Terminating processes" in log.read_text(errors="replace")):
            return True
        time.sleep(0.1)
    return False


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill Snakemake, if it still lives; its steps stay."""
    process.kill()
    process.wait()


def end_steps(results: Path) -> None:
    """End what a dead head has left running on this computer: SIGTERM, and SIGKILL when that does not help."""
    left = steps(results)
    if not left:
        return
    say(f"ending {len(left)} process{'es' * (len(left) > 1)} that a run has left behind")
    for process in left:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(left, GRACE)[1]:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, GRACE)


def locked() -> bool:
    """Say whether Snakemake's lock is in this folder."""
    return LOCKS.is_dir() and any(LOCKS.iterdir())


def unlock(command: Sequence[str]) -> None:
    """Remove the lock that a dead head has left in this folder; `command` is how Snakemake is called."""
    if locked():
        subprocess.run([*command, "--unlock"], capture_output=True, check=False)  # what is wrong, the run says itself
