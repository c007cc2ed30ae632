#!/usr/bin/env python
"""Draw the figures of a study as SVG, and beside some which samples they show; where one cannot be drawn, say why."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.config.configuration import Study
from gancensus.config.results import figures
from gancensus.report.study_figures import Results, write, write_why


def main(argv: Sequence[str] | None = None) -> None:
    """Write every figure, each by itself: what cannot be drawn does not keep the others from being."""
    args = step.arguments(__doc__, argv, study=step.section(Study), parts=int, gallery=Path)
    results = Results(args.study, args.gallery.parents[1], args.parts)
    for name, drawing in figures(args.study).items():
        output = args.gallery.parent / f"{name}.svg"
        print(f"drawing {name}", flush=True)
        try:
            write(drawing, results, output)
        except Exception as error:
            step.tell(error)
            write_why(error, drawing, output)


if __name__ == "__main__":
    step.run(main)
