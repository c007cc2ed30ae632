#!/usr/bin/env python
"""Write the report: every study on one page that loads nothing from anywhere."""

import json
from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.config.environment import compiled_code
from gancensus.report.page import page
from gancensus.storage.tables import write_bytes


def main(argv: Sequence[str] | None = None) -> None:
    """Fill the template."""
    args = step.arguments(__doc__, argv, provenance=Path, template=Path, output=Path)
    provenance, template = json.loads(args.provenance.read_bytes()), args.template.read_text(encoding="utf-8")
    write_bytes(args.output, page(args.output.parent, provenance, template, compiled_code()).encode())


if __name__ == "__main__":
    step.run(main)
