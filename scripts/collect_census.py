#!/usr/bin/env python
"""Put the support sizes of every study into one table."""

from pathlib import Path

import gancensus.steps as step

import pyarrow as pa

from gancensus import tables
from gancensus.files import read_table, write_table


def main() -> None:
    """Write the studies' rows one after the other."""
    args = step.arguments(__doc__, supports=[Path], output=Path)
    table = pa.concat_tables([read_table(path) for path in args.supports])
    write_table(args.output, {name: table[name] for name in table.column_names}, tables.SUPPORT)


step.run(main)
