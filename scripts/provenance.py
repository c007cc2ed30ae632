#!/usr/bin/env python
"""Write down what the results were made with and from: versions, commit, configuration, and every file's digest."""

import json
from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.config.results import at
from gancensus.report.provenance import provenance
from gancensus.storage.tables import write_bytes


def main(argv: Sequence[str] | None = None) -> None:
    """Write one JSON file; it holds no time, host or user."""
    args = step.arguments(__doc__, argv, configuration=json.loads, files=[str], parts=int, output=Path)
    files = {at(file, part=part) for file in args.files for part in range(args.parts)}
    root = Path(__file__).resolve().parents[1]
    content = provenance(args.configuration, args.output.parent, files, root)
    write_bytes(args.output, json.dumps(content, indent=2).encode() + b"\n")


if __name__ == "__main__":
    step.run(main)
