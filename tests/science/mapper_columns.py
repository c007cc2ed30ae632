"""Tables of the analysis `mapper` with any number of nodes and populations, for tests of what is drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gancensus.domains.topology.mapper_tables import EDGES, FEATURES, FINDINGS, NODES

Table = dict[str, list[Any]]
SCHEMAS = {"nodes": NODES, "edges": EDGES, "features": FEATURES, "findings": FINDINGS}
FOUND = ("dropped", "fewer", "more", "invented")


def tables(
    names: Sequence[str],
    populations: Sequence[str],
    found: int = 4,
    ids: int = 60,
    labels: Sequence[str] | None = None,
    size: int = 2000,
) -> dict[str, Table]:
    """Return the tables of nodes on a ring.

    The first `found` nodes of the last population are regions of their own that differ, in the order of FOUND; the last
    node, if it is not among them, has too few samples in any. The samples of population k are 1000 k to 1000 k + ids.
    """
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(len(names)) / len(names)
    radius = 1 + 0.25 * (np.arange(len(names)) % 3)
    rows: list[dict[str, Any]] = []
    for k, population in enumerate(populations):
        for n, node in enumerate([*names, "outside"]):
            outside, few = node == "outside", found <= n == len(names) - 1
            held = 30 if outside else 3 if few else int(rng.integers(20, 200))
            planted = population == populations[-1] and n < found
            factor = (0.02, 0.4, 2.5, 30.0)[n % 4] if planted else float(rng.uniform(0.8, 1.25))
            count = int(held * factor)
            ratio = (count + 0.5) / (held + 0.5)
            label = None if labels is None or outside else labels[n % len(labels)]
            rows.append(
                {"population": population, "node": node, "train": 4 * held, "holdout": held, "count": count}
                | {"x": None if outside else radius[n] * np.cos(angle[n])}
                | {"y": None if outside else radius[n] * np.sin(angle[n])}
                | {"component": None if outside else 1, "loops": None if outside else 1}
                | {"holdout_size": size, "size": size, "holdout_share": held / size, "share": count / size}
                | {"ratio": ratio, "ratio_low": ratio / 1.5, "ratio_high": ratio * 1.5}
                | {"p": 0.0005 if planted else 0.5, "adjusted": None if few else 0.0004 if planted else 0.7}
                | {
                    "detectable": None if planted or few else 0.5,
                    "label": label,
                    "purity": label and 0.94,
                    "class_share": label and 0.1,
                }
                | {"holdout_samples": rng.choice(ids, 6, replace=False).tolist()}
                | {"samples": (1000 * (k + 1) + rng.choice(ids, min(6, max(count, 1)), replace=False)).tolist()}
            )
    cells = {(row["population"], row["node"]): row for row in rows}
    pairs = [(n, (n + step) % len(names)) for n in range(len(names)) for step in (1, 3) if len(names) > 2 * step]
    edges = [{"first": names[i], "second": names[j], "shared": 9, "overlap": 0.2} for i, j in pairs]
    features = [
        {
            "node": node,
            "feature": f"value {f}",
            "unit": "GeV",
            "kind": "number",
            "inside": 1.5 + f,
            "elsewhere": 0.25,
            "effect": 0.9 - f / 9,
        }
        | {"low": 0.8 - f / 9, "high": 0.95 - f / 9, "adjusted": 0.0002 * (f + 1), "tested": 9, "known": 9}
        for node in names
        for f in range(4)
    ]
    kept = ("holdout", "count", "holdout_size", "size", "holdout_share", "share", "ratio", "ratio_low", "ratio_high")
    findings = [
        {
            name: cells[populations[-1], node][name]
            for name in ("population", *kept, "adjusted", "label", "purity", "class_share")
        }
        | {"region": node, "finding": FOUND[n % 4], "nodes": [node], "features": "value 0 higher", "samples": [1, 2]}
        for n, node in enumerate(names[:found])
    ]
    found_rows = {"nodes": rows, "edges": edges, "features": features, "findings": findings}
    return {
        table: {name: [row[name] for row in found_rows[table]] for name in schema.names}
        for table, schema in SCHEMAS.items()
    }


def columns(found: dict[str, Table], main: str) -> dict[str, Any]:
    """Return tables as the columns that a figure of one of them is drawn from."""
    known: dict[str, Any] = {}
    for table, values in found.items():
        schema = SCHEMAS[table]
        read = pa.table({name: values[name] for name in schema.names}, schema=schema)
        before = "" if table == main else f"{table}/"
        known |= {f"{before}{name}": read[name].to_numpy(zero_copy_only=False) for name in schema.names}
    return known
