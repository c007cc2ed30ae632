#!/usr/bin/env python
"""Turn the duplicates of a study into collision probabilities, birthday curves, support sizes, diversity and copies."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import gancensus.config.steps as step

import numpy as np
import pyarrow as pa

from gancensus.census.support import (
    REFERENCE,
    Graph,
    copies_row,
    count,
    curve_columns,
    diversity_rows,
    null_of,
    support_row,
)
from gancensus.config.configuration import Census
from gancensus.contracts.randomness import derive_rng
from gancensus.storage import schemas
from gancensus.storage.files import about, columns, write_table


def read(duplicates: Path, repeats: Path) -> Graph:
    """Read what a search has found."""
    pairs, counts, facts = columns(duplicates), columns(repeats), about(duplicates)
    condition = counts["condition"]
    return Graph(
        counts["sample_id"],
        counts["duplicates"],
        counts["partners"],
        None if condition.dtype.kind == "f" else condition,  # missing values
        int(facts["samples"]),
        int(facts["step"]),
        pairs["i"],
        pairs["j"],
    )


def write(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    """Write rows as a table."""
    found = list(rows)
    write_table(path, {name: [row[name] for row in found] for name in schema.names}, schema)


def main() -> None:
    """Write a row of support, a curve, a diversity profile and a row of copies per definition and population."""
    args = step.arguments(
        __doc__,
        study=str,
        census=step.section(Census),
        seed=int,
        definitions=[str],
        populations=[str],
        searches=[str],
        duplicates=[Path],
        repeats=[Path],
        support=Path,
        curve=Path,
        diversity=Path,
        copies=Path,
    )
    level, margin = args.census.level, args.census.margin
    rows, curves, profiles, copies = [], [], [], []
    files = [step.grouped(paths, len(args.definitions)) for paths in (args.duplicates, args.repeats)]
    for definition, *paths in zip(args.definitions, *files, strict=True):
        graphs = {search: read(*pair) for search, *pair in zip(args.searches, *paths, strict=True)}

        def rng(*names: str, definition: str = definition) -> np.random.Generator:
            return derive_rng(args.seed, args.study, *names[:1], definition, *names[1:])

        found = {p: count(graphs[p], level, args.census.replicates, rng("census", p)) for p in args.populations}
        for population in args.populations:
            found_here, own = found[population], graphs[population]
            across = graphs.get(f"{population}~{REFERENCE}")
            if population == "train":
                across = graphs[f"{REFERENCE}~train"].transposed()
            null = None
            if across is not None:
                streams = rng("permutation", population)
                null = null_of(own, graphs[REFERENCE], across, args.census.permutations, level, streams)
            row = support_row(population, found_here, found[REFERENCE], null, level, margin)
            rows.append({"study": args.study, "definition": definition, **row})
            curve = curve_columns(population, found_here, level)
            curves.append({"definition": [definition] * len(curve["batch"]), **curve})
            profiles += [{"definition": definition, **row} for row in diversity_rows(population, own, level)]
            if f"{population}~train" in graphs:
                pairs = (graphs[f"{population}~train"], graphs[f"{REFERENCE}~train"], across)
                copies.append({"definition": definition, **copies_row(population, *pairs, level, margin)})
    write(args.support, rows, schemas.SUPPORT)
    write(args.diversity, profiles, schemas.DIVERSITY)
    write(args.copies, copies, schemas.COPIES)
    write_table(
        args.curve, {name: np.concatenate([c[name] for c in curves]) for name in schemas.CURVE.names}, schemas.CURVE
    )


step.run(main)
