#!/usr/bin/env python
"""Put the support sizes of every study, and what was noted about every input, into one table each."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

import pyarrow as pa

from gancensus.report.inputs import noted
from gancensus.storage import schemas
from gancensus.storage.files import read_table, write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Write the studies' rows one after the other."""
    args = step.arguments(
        __doc__,
        argv,
        supports=[Path],
        inputs=step.section(list[tuple[str, str, str, list[str]]]),
        parts=int,
        census=Path,
        notes=Path,
    )
    table = pa.concat_tables([read_table(path) for path in args.supports])
    write_table(args.census, {name: table[name] for name in table.column_names}, schemas.SUPPORT)
    rows = []
    for study, population, name, populations in args.inputs:
        folders = [args.census.parent / study / "samples" / one for one in populations]
        notes = noted([folder / f"{part}.parquet" for folder in folders for part in range(args.parts)])
        rows += [(study, population, name, note, count) for note, count in notes.items()]
    columns = zip(*rows, strict=True) if rows else [()] * len(schemas.INPUTS)
    write_table(args.notes, dict(zip(schemas.INPUTS.names, columns, strict=True)), schemas.INPUTS)


if __name__ == "__main__":
    step.run(main)
