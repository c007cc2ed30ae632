#!/usr/bin/env python
"""Draw the figures of a study as SVG, and beside some which samples they show; where one cannot be drawn, say why."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import gancensus.config.steps as step

from gancensus.config.configuration import Study
from gancensus.report.study_figures import Results, draw_figures


def main(argv: Sequence[str] | None = None) -> None:
    """Write every figure."""
    args = step.arguments(__doc__, argv, study=step.section(Study), parts=int, threads=int, gallery=Path)
    folder = args.gallery.parents[1]
    results = Results(args.study, folder.name, folder.parent, args.parts)
    draw_figures(results, step.print_error, args.threads, partial(print, flush=True))


if __name__ == "__main__":
    step.run(main)
