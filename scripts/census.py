#!/usr/bin/env python
"""Turn what a study's searches found into its census: support sizes, birthday curves, diversity, copies, answers."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gancensus.config.steps as step

from gancensus.census.census import conclude, take_census
from gancensus.census.support import Graph
from gancensus.config.results import Search
from gancensus.config.sections import Census
from gancensus.contracts.beginning import elsewhere, here
from gancensus.report import failures
from gancensus.search.duplicates import Found
from gancensus.storage import schemas
from gancensus.storage.tables import about, columns, read_table, write_table


def read(duplicates: Path, repeats: Path) -> Graph:
    """Read what a search has found."""
    return Graph.of(Found(columns(duplicates), columns(repeats), about(duplicates)))


def main(argv: Sequence[str] | None = None) -> None:
    """Write the rows of every definition and population, and the answers about every population."""
    args = step.arguments(
        __doc__,
        argv,
        study=str,
        census=step.section(Census),
        seed=int,
        threads=int,
        definitions=[str],
        searches=step.section(list[Search]),
        duplicates=[Path],
        repeats=[Path],
        support=Path,
        curve=Path,
        diversity=Path,
        copies=Path,
        scales=Path,
        populations=[str],
        unseen=[str],
        group=str,
        answers=[Path],
        statistics=Path,
        summary=Path,
    )
    files = [step.grouped(paths, len(args.definitions)) for paths in (args.duplicates, args.repeats)]
    graphs = (
        (definition, {search: read(*pair) for search, *pair in zip(args.searches, *paths, strict=True)})
        for definition, *paths in zip(args.definitions, *files, strict=True)
    )
    rows = {name: read_table(path).to_pylist() for name, path in zip(args.populations, args.answers, strict=True)}
    with ThreadPoolExecutor(max(1, args.threads - 1)) as pool:  # beside this thread
        begin = elsewhere(pool) if args.threads > 1 else here
        tables = take_census(graphs, args.census, args.study, args.seed, rows, args.group == "used", begin)
    write_table(args.support, tables.support, schemas.SUPPORT)
    write_table(args.diversity, tables.diversity, schemas.DIVERSITY)
    write_table(args.copies, tables.copies, schemas.COPIES)
    write_table(args.scales, tables.scales, schemas.SCALES)
    write_table(args.curve, tables.curve, schemas.CURVE)
    reasons = zip(args.populations, map(failures.reason, args.answers), strict=True)
    failed = {name: reason for name, reason in reasons if reason}
    learned = any(search.population == "train" for search in args.searches)
    statistics, summary = conclude(rows, args.census, args.study, failed, args.unseen, args.group, learned)
    write_table(args.statistics, statistics, schemas.STATISTICS)
    write_table(args.summary, summary, schemas.SUMMARY)


if __name__ == "__main__":
    step.run(main)
