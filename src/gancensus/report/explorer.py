"""A graph whose nodes open, as the page draws it: links that need no program."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gancensus.contracts.explorer import Explorer, Mark, Node
from gancensus.plotting import graphs
from gancensus.plotting.numbers import integer

Row = dict[str, Any]


def group_name(node: str, population: str) -> str:
    """Return what the samples of a population in a node are called in the table of what a figure shows."""
    return f"{node}/{population}"


def anchor(*parts: str) -> str:
    """Return an identifier that no other parts have; it needs no escapes in a link, an attribute or a style."""
    return "__".join(re.sub(r"[^A-Za-z0-9-]", lambda c: "".join(f"_{b:02x}" for b in c[0].encode()), p) for p in parts)


def graph(explorer: Explorer, study: str, place: str, rows: Row | None, pictures: Mapping[str, Sequence[Row]]) -> Row:
    """Return the drawings of a graph, their legend, and what each node opens.

    place: of the table that is shown; rows: the samples as rows of a table, as `page.sample_rows` returns them, or
    pictures: sample_id and picture of each, by the name of their group.
    """
    panels = {node.name: anchor("node", study, place, node.name) for node in explorer.nodes}
    x, y, sizes = np.array([(node.x, node.y, node.size) for node in explorer.nodes], dtype=np.float64).T
    drawn = graphs.layout(x, y, sizes)
    return {
        "id": anchor("graph", study, place),
        "closed": anchor("closed", study, place),
        "after": anchor("after", study, place),
        "height": drawn.height,
        "links": "".join(
            f"M{drawn.x[i]:.1f} {drawn.y[i]:.1f}L{drawn.x[j]:.1f} {drawn.y[j]:.1f}" for i, j in explorer.links
        ),
        "drawings": {name: _drawing(explorer.nodes, marks, drawn, panels) for name, marks in explorer.marks.items()},
        "colours": explorer.colours,
        "unknown": any(mark.value is None for marks in explorer.marks.values() for mark in marks),
        "found": any(mark.found for marks in explorer.marks.values() for mark in marks),
        "sizes": [(graphs.radius_of(n, sizes, drawn.height), integer(n)) for n in graphs.round_sizes(sizes.max())],
        "counted": explorer.sizes,
        "columns": None if rows is None else {name: rows[name] for name in ("heads", "more")},
        "panels": [_panel(explorer, k, study, place, rows, pictures) for k in range(len(explorer.nodes))],
    }


def _drawing(
    nodes: Sequence[Node], marks: Sequence[Mark], drawn: graphs.Layout, panels: Mapping[str, str]
) -> list[Row]:
    """Return the nodes of one population's drawing, the largest first, so that they cover none."""
    texts = [node.label or (node.name if mark.found else "") for node, mark in zip(nodes, marks, strict=True)]
    places = graphs.labels(drawn, texts)
    return [
        {
            "panel": panels[nodes[k].name],
            "title": marks[k].title,
            "kind": "found" if marks[k].found else "unknown" if marks[k].value is None else "",
            "value": marks[k].value,
            "x": drawn.x[k],
            "y": drawn.y[k],
            "radius": drawn.radius[k],
            "label": texts[k],
            "at": places[k],
        }
        for k in np.argsort(-drawn.radius, kind="stable").tolist()
    ]


def _panel(
    explorer: Explorer, k: int, study: str, place: str, rows: Row | None, pictures: Mapping[str, Sequence[Row]]
) -> Row:
    """Return what a node opens."""
    node = explorer.nodes[k]
    beside = sorted({i + j - k for i, j in explorer.links if k in (i, j)} - {k})
    groups = [(shown, group_name(node.name, shown.population)) for shown in node.samples]
    return {
        "id": anchor("node", study, place, node.name),
        "title": anchor("node", study, place, node.name, "title"),
        "name": node.label or f"node {node.name}",
        "facts": node.facts,
        "tables": node.tables,
        "beside": [(anchor("node", study, place, explorer.nodes[j].name), explorer.nodes[j].name) for j in beside],
        "samples": [
            {
                "caption": shown.caption,
                "population": shown.population,
                "rows": rows["groups"].get(group, []) if rows else [],
                "pictures": [
                    {"sample": row["sample_id"], "png": base64.b64encode(row["picture"]).decode()}
                    for row in pictures.get(group, ())
                ],
            }
            for shown, group in groups
        ],
    }
