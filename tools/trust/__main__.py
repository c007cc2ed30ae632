#!/usr/bin/env python
"""Simulate what is not simulated yet, and write docs/trust.md and docs/trust.svg."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.plotting import style
from gancensus.storage.tables import write_bytes
from trust.page import draw, page
from trust.parts import PARTS, gather


def main(argv: Sequence[str] | None = None) -> None:
    """Run the trials that are missing, then write the page and its figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, help="of every trial; without it, as many as the published page has")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at a time")
    parser.add_argument("--results", type=Path, default=Path("results/trust"), help="where trials are kept")
    parser.add_argument("--page", type=Path, default=Path("docs/trust.md"), help="what is written, and .svg beside it")
    asked = parser.parse_args(argv)
    trials = [trial for part in PARTS for trial in part.trials(asked.repeats)]
    found = gather(trials, asked.results, asked.processes)
    write_bytes(asked.page, page(found).encode())
    write_bytes(asked.page.with_suffix(".svg"), style.svg(draw(found)))


if __name__ == "__main__":
    step.run(main)
