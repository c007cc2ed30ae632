#!/usr/bin/env python
"""Group the near-duplicates of every generated population, and write which they are: a table, and a list for people."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import gancensus.config.steps as step

from gancensus.census.groups import Searched, find_groups
from gancensus.contracts.samples import Samples
from gancensus.report.group_lists import written
from gancensus.search.duplicates import Found
from gancensus.storage import schemas
from gancensus.storage.samples import SampleRows
from gancensus.storage.tables import about, columns, write_bytes, write_table


def found(path: Path) -> Found:
    """Read the pairs that a search has listed."""
    return Found(columns(path), {}, about(path))


def names(paths: Sequence[Path]) -> Samples | None:
    """Return the identities of a population whose samples have names."""
    rows = SampleRows(paths)
    first = next(rows.chunks(slice(0, 1), without_x=True))
    return None if first.name is None else rows.identities()


def main(argv: Sequence[str] | None = None) -> None:
    """Write the groups of every definition and population."""
    args = step.arguments(
        __doc__,
        argv,
        definitions=[str],
        metrics=[str],
        populations=[str],
        titles=step.section(dict[str, str]),
        named=[str],
        duplicates=[Path],
        train=[Path],
        samples=[Path],
        groups=Path,
        list=Path,
    )

    def searched() -> Iterator[Searched]:
        own, train = iter(args.duplicates), iter(args.train)
        for definition, metric in zip(args.definitions, args.metrics, strict=True):
            for population in args.populations:
                near = found(next(train)) if args.train else None
                yield Searched(definition, population, metric, found(next(own)), near)

    files = zip(args.named, step.grouped(args.samples, len(args.named)), strict=True)
    known = {name: samples for name, paths in files if (samples := names(paths)) is not None}
    table, facts = find_groups(searched(), known, lambda text: print(text, flush=True))
    write_table(args.groups, table, schemas.GROUPS, facts)
    write_bytes(args.list, written(table, args.titles).encode())


if __name__ == "__main__":
    step.run(main)
