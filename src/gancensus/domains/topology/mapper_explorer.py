"""The Mapper graph as the report shows it: what each node says and opens, from the tables of the analysis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gancensus.contracts.explorer import Explorer, Mark, Node, NodeTable, Shown
from gancensus.contracts.table import Columns
from gancensus.domains.topology.mapper_tables import OUTSIDE
from gancensus.domains.topology.mapper_words import known_end, named_by_class, value_of
from gancensus.plotting.numbers import NOTHING, integer, number, percent

Row = Mapping[str, Any]

SAMPLES = 6  # of each population that a node shows
FEATURES = 8  # of a node
OCTAVES = 3  # ratios of 1/8 and 8 have the strongest colours
REAL = "calibrate"  # real samples in the place of a generated population; its samples are not shown
COLOURS = ("1/8 of holdout's share", "the same", "8 times")
COMPARED = (
    "population",
    "samples",
    "share",
    "ratio to holdout",
    "difference",
    "false discovery rate",
    "found if below",
)
HEADS = ("feature", "in it (median or share)", "elsewhere", "effect (Cliff's delta)", "false discovery rate")


def explorer(columns: Columns) -> Explorer | None:
    """Return the graph of the table `nodes`, with the tables beside it; None where no node was built."""
    known = lines(columns)
    cells = {(row["population"], row["node"]): row for row in known}
    names = list(dict.fromkeys(row["node"] for row in known))
    populations = list(dict.fromkeys(row["population"] for row in known))
    if not set(names) - {OUTSIDE}:
        return None
    found = findings(columns)
    features: dict[str, list[Row]] = {}
    for row in lines(columns, "features/"):
        features.setdefault(row["node"], []).append(row)
    places = _places({name: cells[populations[0], name] for name in names})
    rows = {name: [cells[p, name] for p in populations] for name in names}
    nodes = [_node(name, places[name], rows[name], found, features.get(name, [])) for name in names]
    number_of = {name: k for k, name in enumerate(names)}
    links = [(number_of[row["first"]], number_of[row["second"]]) for row in lines(columns, "edges/")]
    marks = {p: [_mark(cells[p, name], found.get((p, name))) for name in names] for p in populations}
    return Explorer(nodes, links, marks, COLOURS, "samples of train")


def lines(columns: Columns, beside: str = "") -> list[dict[str, Any]]:
    """Return the rows of a table among the columns, of one beside it by TABLE/; None in place of NaN."""
    names = [name for name in columns if name.startswith(beside) and "/" not in name.removeprefix(beside)]
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    clean = [[None if isinstance(value, float) and math.isnan(value) else value for value in row] for row in rows]
    return [dict(zip((name.removeprefix(beside) for name in names), row, strict=True)) for row in clean]


def findings(columns: Columns) -> dict[tuple[str, str], str]:
    """Return what was found (dropped, fewer, more or invented) by population and node."""
    return {
        (row["population"], node): row["finding"]
        for row in lines(columns, "findings/")
        for node in (row["nodes"] if row["region"] != OUTSIDE else [OUTSIDE])
    }


def _places(rows: Mapping[str, Row]) -> dict[str, tuple[float, float]]:
    """Return where each node is drawn; what is in none lies below the rest, to the right."""
    drawn = {name: (row["x"], row["y"]) for name, row in rows.items() if name != OUTSIDE}
    x, y = zip(*drawn.values(), strict=True)
    span = max(y) - min(y) or max(x) - min(x) or 1.0
    return {name: drawn.get(name, (max(x), min(y) - 0.15 * span)) for name in rows}


def _node(
    name: str,
    place: tuple[float, float],
    rows: Sequence[Row],
    found: Mapping[tuple[str, str], str],
    features: Sequence[Row],
) -> Node:
    """Return a node; rows: what is known of it by population."""
    first = rows[0]
    what = "samples that are in no node" if name == OUTSIDE else "samples"
    facts = [f"{integer(first['train'])} {what} of train."]
    if first["label"] is not None:
        of_all = percent(first["class_share"])
        facts.append(f"{percent(first['purity'])} of them are of class {first['label']}, of all {of_all}.")
    counts = [("holdout", first["holdout"], first["holdout_samples"])]
    counts += [(row["population"], row["count"], row["samples"]) for row in rows if row["population"] != REAL]
    samples = [
        Shown(population, f"{population}, {integer(min(SAMPLES, len(ids)))} of {integer(count)}", list(ids[:SAMPLES]))
        for population, count, ids in counts
        if ids is not None and len(ids)
    ]
    held = ("holdout", integer(first["holdout"]), percent(first["holdout_share"]), "", "", "", "")
    compared = [_compared(row, found.get((row["population"], name))) for row in rows]
    tables = [NodeTable("Samples of each population", COMPARED, [held, *compared])]
    if features:
        tables.append(NodeTable("What sets it apart", HEADS, [_feature(row) for row in features[:FEATURES]]))
    label = "in no node" if name == OUTSIDE else ""
    return Node(name, *place, first["train"], facts, tables, samples, label)


def _compared(row: Row, finding: str | None) -> tuple[str, ...]:
    """Say how many samples of a population are in a node, beside holdout, and whether that is a difference."""
    if row["adjusted"] is None:
        said = "too few samples to tell"
    elif finding is None:
        said = "none found"
    else:
        said = finding
    ends = (integer(row["count"]), percent(row["share"]))
    return row["population"], *ends, _ratio(row), said, rate(row["adjusted"]), number(row["detectable"], 2)


def _ratio(row: Row) -> str:
    """Write a ratio with its interval, the end that is known where one side has no sample, or that nothing is."""
    if not row["count"] + row["holdout"]:
        return NOTHING
    reach = f"{number(row['ratio'])} ({number(row['ratio_low'])} to {number(row['ratio_high'])})"
    return known_end(row, 3) or reach


def _mark(row: Row, finding: str | None) -> Mark:
    value = _colour(row) if row["adjusted"] is not None and row["ratio"] is not None else None
    of = f"; mostly class {row['label']}" if named_by_class(row) else ""
    name = "in no node" if row["node"] == OUTSIDE else row["node"]
    _, count, share, ratio, said, *_ = _compared(row, finding)
    times = "none of holdout" if ratio == NOTHING else f"{ratio} times as many as of holdout"
    counts = f"{count} samples ({share}), {times}"
    return Mark(value, finding is not None, f"{name}: {counts}; {'difference: ' if finding is None else ''}{said}{of}")


def _colour(row: Row) -> float:
    """Return the logarithm of the ratio, from -1 to 1; 0 where that is above 1 for a smaller share, or the reverse.

    The half that is added to each count does so where a population has a few samples only: none of 2 is no surplus.
    """
    value = max(-1.0, min(1.0, math.log2(row["ratio"]) / OCTAVES))
    return value if value * (row["share"] - row["holdout_share"]) > 0 else 0.0


def _feature(row: Row) -> tuple[str, ...]:
    parts = (row[name] for name in ("inside", "elsewhere"))
    inside, elsewhere = ("" if part is None else value_of(part, row["kind"], row["unit"]) for part in parts)
    reach = "" if row["low"] is None else f" ({number(row['low'], 2)} to {number(row['high'], 2)})"
    return (
        row["feature"],
        inside,
        elsewhere,
        f"{number(row['effect'], 2)}{reach}",
        rate(row["adjusted"]),
    )


def rate(value: float | None) -> str:
    """Write a false discovery rate."""
    if value is None:
        return NOTHING
    return f"{value:.2g}" if value >= 0.001 else "below 0.001"
