"""What every step shares: one thread, its arguments, and errors in one line.

Imported before anything numerical (pyproject.toml sorts it so), and from here, never from beside a script: with
PYTHONSAFEPATH, nothing is imported from a script's folder.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import resource
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import GenericAlias
from typing import Any

from gancensus.config.environment import isolate
from gancensus.config.unneeded import leave_out

STARTED = datetime.now(UTC)  # before the imports that take long

isolate()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"  # sums depend on the number of threads; parallelism comes from jobs

COLLECTED = gc.get_threshold()
gc.set_threshold(100_000)  # imports leave nothing to collect, and every look for it takes longer than the one before
leave_out()

from pydantic import TypeAdapter, ValidationError  # noqa: E402

from gancensus.config.registry import union  # noqa: E402
from gancensus.contracts.errors import UserError  # noqa: E402
from gancensus.contracts.family import Member  # noqa: E402
from gancensus.contracts.metric import Metric  # noqa: E402
from gancensus.storage.samples import SampleRows  # noqa: E402

Argv = Sequence[str] | None


def arguments(description: str | None, argv: Argv, **kinds: Any) -> argparse.Namespace:
    """Parse the options, all required: each is read by its kind, and a list [kind] takes any number of values.

    argv: the words; None for those of the command line.
    """
    parser = argparse.ArgumentParser(description=description)
    for name, kind in kinds.items():
        several = isinstance(kind, list)
        parser.add_argument(
            f"--{name}", type=kind[0] if several else kind, nargs="*" if several else None, required=True
        )
    return parser.parse_args(argv)


def section(kind: Any) -> Callable[[str], Any]:
    """Return the reader of a section of the configuration, given as JSON."""

    def read(text: str) -> Any:
        try:
            return TypeAdapter(kind).validate_json(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def member(family: type[Member]) -> Callable[[str], Any]:
    """Return the reader of a member of a family of plug-ins."""
    return lambda text: section(_named(family, text))(text)


def members(family: type[Member]) -> Callable[[str], Any]:
    """Return the reader of members of a family, by name."""
    return lambda text: section(_by_name(_named(family, text)))(text)


def definitions(text: str) -> Any:
    """Read definitions of duplicates, by name, each metrics by name, given as JSON."""
    return section(_by_name(_by_name(_named(Metric, text))))(text)


def _named(family: type[Member], text: str) -> Any:
    """Return the type of the members of a family that some JSON names; the modules of others are not imported."""
    return union(family, re.findall(r'"kind": ?"([^"]*)"', text))


def _by_name(kind: Any) -> Any:
    return GenericAlias(dict, (str, kind))


def grouped(paths: Sequence[Path], groups: int) -> list[list[Path]]:
    """Cut a flat list of files, the same number of parts for each group, into the groups."""
    parts = len(paths) // groups
    return [list(paths[k * parts : (k + 1) * parts]) for k in range(groups)]


def spaces(metrics: Sequence[Metric], paths: Sequence[Path], samples: bool = False) -> dict[str | None, SampleRows]:
    """Open the files of a population in every space of the metrics, in the order in which the metrics name them.

    samples: whether the samples themselves come first, whatever the metrics compare.
    """
    names = list(dict.fromkeys([*([None] if samples else []), *(metric.space for metric in metrics)]))
    return {name: SampleRows(parts) for name, parts in zip(names, grouped(paths, len(names)), strict=True)}


def run(
    main: Callable[[Argv], None],
    on_failure: Callable[[Argv, Exception], None] | None = None,
    argv: Argv = None,
) -> None:
    """Run a step; what a user can fix is one line on stderr and exit status 1.

    on_failure: where no other step may fail with this one, writes into its outputs why it failed; the status is then 0.
    argv: the words; None for those of the command line.
    """
    gc.freeze()
    gc.set_threshold(*COLLECTED)
    try:
        try:
            with recorded():
                main(argv)
        except Exception as error:
            if on_failure is None:
                raise
            print_error(error)
            on_failure(argv, error)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def print_error(error: Exception) -> None:
    """Write on stderr what has failed: a line where a user can fix it, a traceback where it is a bug."""
    if isinstance(error, UserError):
        print(f"error: {error}", file=sys.stderr)
    else:
        traceback.print_exception(error)


@contextmanager
def recorded() -> Iterator[None]:
    """Write beside the job's log when, where and how the step runs, for `gancensus.report.trace`; nothing by hand."""
    path = beside_log()
    began = {
        "start": STARTED.isoformat(timespec="microseconds"),
        "node": os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
        "pid": os.getpid(),
    }
    append(path, began)
    end = {"outcome": "done"}
    try:
        yield
    except BaseException as error:
        end = outcome(error)
        raise
    finally:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        cpu = sum(times.ru_utime + times.ru_stime for times in used)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        append(path, began | {"end": now, "cpu": round(cpu, 3), "peak_memory": peak_memory()} | end)


def beside_log() -> Path | None:
    """Return the file of executions beside the job's log, which is where stdout goes; None where that is no log."""
    try:
        if sys.platform == "darwin":
            import fcntl

            name = os.fsdecode(fcntl.fcntl(1, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
        else:
            name = str(Path("/proc/self/fd/1").readlink())
    except OSError:
        return None
    return Path(name).with_suffix(".jsonl") if name.endswith(".log") else None


def append(path: Path | None, facts: dict[str, Any]) -> None:
    """Append a line in one piece; no job fails if that cannot be done."""
    if path:
        with suppress(OSError), path.open("ab", buffering=0) as file:
            file.write(json.dumps(facts).encode() + b"\n")


def outcome(error: BaseException) -> dict[str, str]:
    """Say how a step ended that did not finish: by a user's error, a signal, or a bug."""
    if isinstance(error, UserError):
        return {"outcome": "error", "error": str(error)}
    if isinstance(error, SystemExit):  # argparse has said why
        stopped = isinstance(error.code, int) and error.code > 128
        return {"outcome": "stopped" if stopped else "error"} if error.code else {"outcome": "done"}
    if isinstance(error, KeyboardInterrupt):
        return {"outcome": "stopped"}
    return {"outcome": "bug", "error": f"{type(error).__name__}: {error}".strip(": ")}


def peak_memory() -> float:
    """Return the most memory that this process has held, in MiB, as SLURM counts `mem_mb`."""
    with suppress(OSError, StopIteration):  # Linux, where ru_maxrss also counts the Snakemake that started this
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
