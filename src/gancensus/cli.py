"""The door: one command that runs the workflow, or says what it would run."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gancensus.config import read
from gancensus.errors import UserError

SNAKEFILE = Path(__file__).parents[2] / "workflow" / "Snakefile"


def main(argv: Sequence[str] | None = None) -> None:
    """Run `gancensus run` or `gancensus plan`; options that are not its own go to Snakemake."""
    parser = argparse.ArgumentParser(prog="gancensus", description=__doc__)
    parser.add_argument("command", choices=["run", "plan"], help="run everything, or show what would run and why")
    parser.add_argument("--configfile", type=Path, default=Path("config/config.yaml"), help="%(default)s by default")
    parser.add_argument("--results", type=Path, help="the folder that everything is written to")
    parser.add_argument("--cores", default="all", help="processor cores to use, %(default)s by default")
    args, rest = parser.parse_known_args(argv)
    try:
        results = args.results or Path(read(args.configfile).pathvars.results)
        if args.command == "run":
            check_writable(results)
            unlock(args.configfile)
        status = snakemake(args, rest)
        if args.command == "run" and status == 0 and not rest:  # Snakemake's own options may ask for less
            print(census_table(results / "census.parquet"))
            print(f"\nreport: {results / 'report.html'}")
    except UserError as error:
        sys.exit(f"error: {error}")
    sys.exit(status)


def snakemake(args: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run Snakemake on our workflow and return its exit status."""
    if not SNAKEFILE.exists():
        raise UserError(f"{SNAKEFILE}: no workflow there; install gancensus from a clone: pip install -e .")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--configfile", str(args.configfile)]
    command += ["--cores", args.cores, *(["--dry-run"] if args.command == "plan" else [])]
    if args.results:
        command += ["--config", f"pathvars={json.dumps({'results': str(args.results)})}"]
    process = subprocess.Popen([*command, *rest])
    try:
        return process.wait()
    except KeyboardInterrupt:  # Snakemake has got it too, and ends its jobs
        process.wait()
        return 130


def check_writable(results: Path) -> None:
    """Raise UserError when the results folder, or the one that it would be made in, cannot be written to."""
    place = next(path for path in (results.absolute(), *results.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise UserError(f"{place}: the results cannot be written there; choose another folder: --results FOLDER")


def unlock(configfile: Path) -> None:
    """Remove the lock that a killed run has left in this folder.

    Raises UserError when Snakemake is still at work here: two runs would write the same files.
    """
    import psutil

    locks = Path(".snakemake/locks")
    if not locks.is_dir() or not any(locks.iterdir()):
        return
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = {Path(word).name for word in process.info["cmdline"] or ()}
        if process.info["cwd"] == str(Path.cwd()) and "snakemake" in words:
            raise UserError(f"another run is at work in this folder (process {process.pid}); wait for it, or end it")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--configfile", str(configfile)]
    subprocess.run([*command, "--unlock", "--quiet", "all"], check=False)


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
