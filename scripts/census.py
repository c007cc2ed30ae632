#!/usr/bin/env python
"""Turn the duplicates of a study into collision probabilities, birthday curves, support sizes, diversity and copies."""

from collections.abc import Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.census.census import take_census
from gancensus.census.support import Graph
from gancensus.config.results import Search
from gancensus.config.sections import Census
from gancensus.search.duplicates import Found
from gancensus.storage import schemas
from gancensus.storage.tables import about, columns, write_table


def read(duplicates: Path, repeats: Path) -> Graph:
    """Read what a search has found."""
    return Graph.of(Found(columns(duplicates), columns(repeats), about(duplicates)))


def main(argv: Sequence[str] | None = None) -> None:
    """Write a row of support, a curve, a diversity profile and a row of copies per definition and population."""
    args = step.arguments(
        __doc__,
        argv,
        study=str,
        census=step.section(Census),
        seed=int,
        definitions=[str],
        searches=step.section(list[Search]),
        duplicates=[Path],
        repeats=[Path],
        support=Path,
        curve=Path,
        diversity=Path,
        copies=Path,
    )
    files = [step.grouped(paths, len(args.definitions)) for paths in (args.duplicates, args.repeats)]
    graphs = (
        (definition, {search: read(*pair) for search, *pair in zip(args.searches, *paths, strict=True)})
        for definition, *paths in zip(args.definitions, *files, strict=True)
    )
    tables = take_census(graphs, args.census, args.study, args.seed)
    write_table(args.support, tables.support, schemas.SUPPORT)
    write_table(args.diversity, tables.diversity, schemas.DIVERSITY)
    write_table(args.copies, tables.copies, schemas.COPIES)
    write_table(args.curve, tables.curve, schemas.CURVE)


if __name__ == "__main__":
    step.run(main)
