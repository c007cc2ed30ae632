#!/usr/bin/env python
"""Put the support sizes and answers of every study, and what was noted about inputs, into one table each."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

import pyarrow as pa

from gancensus.report.inputs import inputs_table
from gancensus.storage import schemas
from gancensus.storage.tables import read_table, write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Write the studies' rows one after the other."""
    args = step.arguments(
        __doc__,
        argv,
        supports=[Path],
        summaries=[Path],
        inputs=step.section(list[tuple[str, str, str, list[str]]]),
        parts=int,
        census=Path,
        summary=Path,
        notes=Path,
    )
    joined = ((args.census, args.supports, schemas.SUPPORT), (args.summary, args.summaries, schemas.SUMMARY))
    for output, paths, schema in joined:
        table = pa.concat_tables([read_table(path) for path in paths])
        write_table(output, {name: table[name] for name in table.column_names}, schema)
    write_table(args.notes, inputs_table(args.census.parent, args.inputs, args.parts), schemas.INPUTS)


if __name__ == "__main__":
    step.run(main)
