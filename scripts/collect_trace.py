#!/usr/bin/env python
"""Put what the steps wrote beside their logs into one table, a row for each attempt at a job, and draw it."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.plotting.style import svg
from gancensus.report import failures, run_figures, trace
from gancensus.storage import schemas
from gancensus.storage.tables import columns, write_bytes, write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Collect from beside this job's own log the named studies, and the named jobs that belong to no study."""
    args = step.arguments(__doc__, argv, beside=Path, names=[str], output=Path, timeline=Path)
    found = {}
    for path in sorted(args.beside.parent.rglob("*.jsonl")):
        log = path.relative_to(args.beside.parent).with_suffix("")
        if log.parts[0] in args.names:
            found[log.as_posix()] = path.read_text(encoding="utf-8", errors="replace").splitlines()
    write_table(args.output, trace.columns(found), schemas.TRACE)
    try:
        write_bytes(args.timeline, svg(run_figures.draw_timeline(columns(args.output))))
    except Exception as error:
        step.print_error(error)
        failures.figure(args.timeline, failures.describe(error, [args.timeline]))


if __name__ == "__main__":
    step.run(main)
