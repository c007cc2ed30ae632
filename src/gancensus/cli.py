"""The door: one command that runs the workflow here or on a cluster, or says what it would run."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gancensus import head
from gancensus.config import read
from gancensus.errors import UserError
from gancensus.head import say
from gancensus.preflight import Profile, preflight, probe
from gancensus.slurm import PATIENCE, Queue, StuckError, Watch
from gancensus.unseen import digest, settle

ROOT = Path(__file__).parents[2]
SNAKEFILE = ROOT / "workflow" / "Snakefile"
FRUITLESS = 3  # hangs in a row without a finished job, after which a run on a cluster gives up
LEAVE = 15.0  # seconds that Snakemake gets to cancel its jobs on a cluster; the door cancels those that are left


def main(argv: Sequence[str] | None = None) -> None:
    """Run `gancensus run`, `slurm` or `plan`; options that are not its own go to Snakemake."""
    args, rest = arguments(argv)
    try:
        with head.signals():
            place = args.results or Path(read(args.configfile).pathvars.results)
            results = place.resolve()
            if not SNAKEFILE.exists():
                raise UserError(f"{SNAKEFILE}: no workflow there; install gancensus from a clone: pip install -e .")
            status = {"run": run, "slurm": slurm, "plan": plan}[args.command](args, rest, results)
            if args.command != "plan" and status == 0 and not rest:  # Snakemake's own options may ask for less
                print(census_table(results / "census.parquet"))
                print(f"\nreport: {place / 'report.html'}")
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except head.Signalled as signalled:
        sys.exit(128 + signalled.number)
    sys.exit(status)


def arguments(argv: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Return our options and Snakemake's."""
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    common.add_argument("--configfile", type=Path, default=Path("config/config.yaml"), help="%(default)s by default")
    common.add_argument("--results", type=Path, help="the folder that everything is written to")
    parser = argparse.ArgumentParser(prog="gancensus", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("run", "run everything here"), ("plan", "show what would run and why")):
        command = commands.add_parser(name, help=text, parents=[common], allow_abbrev=False)
        command.add_argument("--cores", default="all", help="processor cores to use, %(default)s by default")
    command = commands.add_parser("slurm", help="run everything on a cluster", parents=[common], allow_abbrev=False)
    profile = ROOT / "workflow/profiles/slurm"
    command.add_argument("--profile", type=Path, default=profile, help="what the cluster needs, %(default)s by default")
    command.add_argument(
        "--patience",
        type=float,
        default=PATIENCE,
        help="seconds without movement that are a hang, %(default)s by default",
    )
    return parser.parse_known_args(argv)


def snakemake(args: argparse.Namespace) -> list[str]:
    """Return the call of Snakemake on our workflow."""
    command = [sys.executable, "-m", "snakemake"]
    if args.results:
        command += ["--config", f"pathvars={json.dumps({'results': str(args.results)})}"]
    return [*command, "--configfile", str(args.configfile), "--snakefile", str(SNAKEFILE)]


def plan(args: argparse.Namespace, rest: Sequence[str], results: Path) -> int:
    """Show what would run; return Snakemake's exit status."""
    return subprocess.run([*snakemake(args), "--cores", args.cores, "--dry-run", *rest], check=False).returncode


def run(args: argparse.Namespace, rest: Sequence[str], results: Path) -> int:
    """Run everything here; return Snakemake's exit status."""
    check_writable(results)
    with head.claimed(results):
        clear(args, results)
        return attend([*snakemake(args), "--cores", args.cores, *rest], args, results)


def slurm(args: argparse.Namespace, rest: Sequence[str], results: Path) -> int:
    """Run everything on a cluster, and start again whenever Snakemake waits for what cannot come.

    Return Snakemake's exit status. Raises UserError when starting again does not help.
    """
    check_writable(results)
    queue, fruitless = Queue(results), 0
    with head.claimed(results):
        profile = Profile(args.profile)
        status = preflight(profile)
        clear(args, results)
        probe(profile, queue, results)
        command = [*snakemake(args), "--workflow-profile", str(args.profile), "--executor", "slurm"]
        command += ["--slurm-jobname-prefix", queue.prefix, "--slurm-status-command", status, *rest]
        while True:
            watch = Watch(queue, args.patience)
            try:
                return attend(command, args, results, watch)
            except StuckError as stuck:
                fruitless = 0 if watch.log.ended or stuck.kept else fruitless + 1
                if fruitless == FRUITLESS:
                    raise UserError(
                        f"{stuck}; given up after {FRUITLESS} starts that finished no job: see the logs of these jobs, "
                        "`scontrol show job` and `sacct`, or ask the administrator; the same command goes on from here"
                    ) from None
                say("starting again with what is finished")


def attend(command: Sequence[str], args: argparse.Namespace, results: Path, watch: Watch | None = None) -> int:
    """Run Snakemake to its end and return its exit status; whatever ends it earlier, nothing of it is left at work."""
    head.begin(args.command, digest(args.configfile))
    process = head.start(command, results)
    try:
        status = wait(process, watch)
    except KeyboardInterrupt:
        head.stop(process, results, terminate=False, seconds=LEAVE if watch else None)
        clear(args, results)
        raise
    except head.Signalled as signalled:
        say(f"ended by {signalled}: stopping the jobs")
        head.stop(process, results, terminate=True, seconds=LEAVE if watch else head.GRACE)
        clear(args, results)
        raise
    except StuckError as stuck:
        say(f"nothing can move any more: {stuck}")
        head.kill(process)
        stuck.kept = clear(args, results)
        raise
    if status < 0:
        clear(args, results)
        raise UserError(f"Snakemake was ended by {signal.Signals(-status).name}; the same command goes on from here")
    head.settled()
    return status


def clear(args: argparse.Namespace, results: Path) -> int:
    """Leave nothing of a dead head: no job on the cluster, no process here, no lock, no file of unknown making.

    Return the number of files that jobs on the cluster had finished without their head, and that were kept.
    """
    interrupt, claim = signal.signal(signal.SIGINT, signal.SIG_IGN), head.last_claim()
    kept: int | None = 0
    cluster = claim is not None and claim.command == "slurm"
    if cluster or args.command == "slurm":
        Queue(results).cancel()
    head.end_steps(results)
    head.unlock(snakemake(args))
    if claim and cluster:
        kept = settle(snakemake(args), claim.begun, claim.digest == digest(args.configfile))
    if kept is not None:
        head.settled()
    signal.signal(signal.SIGINT, interrupt)
    return kept or 0


def wait(process: subprocess.Popen[bytes], watch: Watch | None) -> int:
    """Wait for the end of Snakemake; raises StuckError where a watch says so."""
    while True:
        try:
            return process.wait(watch.period if watch else None)
        except subprocess.TimeoutExpired:
            if watch:
                watch.look(process)


def check_writable(results: Path) -> None:
    """Raise UserError when the results folder, or the one that it would be made in, cannot be written to."""
    place = next(path for path in (results.absolute(), *results.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise UserError(f"{place}: the results cannot be written there; choose another folder: --results FOLDER")


def census_table(path: Path) -> str:
    """Return the census as text: how many different samples each population has, and how that compares."""
    from gancensus.files import read_table

    heads = ("study", "definition", "population", "samples", "support", "interval", "ratio", "verdict")
    rows = read_table(path).to_pylist()
    lines = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(heads))]
    right = (3, 4, 5, 6)
    table = [
        "  ".join(c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]
    return "\n".join([*table, *(_many(row) for row in rows if row["listed"] < row["samples"])])


def _many(row: dict[str, Any]) -> str:
    """Say of a population that it has more duplicates than a table lists."""
    return (
        f"{row['study']}, {row['definition']}: {row['population']} has {row['duplicates']:,} duplicates; all are "
        f"counted, those among {row['listed']:,} of its {row['samples']:,} samples listed (raise `cap` to list more)"
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Put a row of the census into words."""
    from gancensus import words

    support, reach = words.interval(row, "effective_support")
    samples, ratio = words.integer(row["samples"]), words.interval(row, "ratio")[0]
    place = (row["study"], row["definition"], row["population"])
    return (*place, samples, support, reach or "no duplicate", ratio, row["verdict"] or "reference")


if __name__ == "__main__":
    main()
