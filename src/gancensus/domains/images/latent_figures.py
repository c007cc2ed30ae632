"""The figures of the analysis `latent`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import percent, rows
from gancensus.plotting.style import HUES, INK, MARKERS, PALE, WIDTH, empty, short, styled, unique

ACROSS = 3  # latent spaces side by side
NAMED = 20  # classes that have a colour and marker of their own
AXES = {"purity": "neighbours of the same class", "clumps": "clumps of the class"}


@styled
def draw_classes(table: Columns) -> Figure:
    """Draw purity and clumps of each class in the space of each encoder, with their intervals."""
    known = [row for row in rows(table) if row["minus"] is None and row["purity"] is not None]
    if not known:
        return empty("no class has enough held-out samples")
    encoders, classes = unique(row["encoder"] for row in known), unique(map(_class, known))
    height = 1.4 + len(classes) * (0.1 + 0.1 * len(encoders))
    figure = Figure(figsize=(WIDTH, height))
    left, right = figure.subplots(1, 2, sharey=True)
    for row in known:
        k = encoders.index(row["encoder"])
        place = classes.index(_class(row)) + (k - (len(encoders) - 1) / 2) * 0.7 / len(encoders)
        for ax, name in ((left, "purity"), (right, "clumps")):
            _interval(ax, row, name, place, HUES[k % len(HUES)], MARKERS[k % len(MARKERS)])
        left.plot([row["null"]] * 2, [place - 0.1, place + 0.1], color=PALE, linewidth=2)
    left.set_yticks(range(len(classes)), [short(name) for name in classes])
    left.set(ylim=(len(classes) - 0.5, -0.5), xlim=(0, 1.02), xlabel=f"share of {AXES['purity']}")
    right.set(xlim=(0, None), xlabel=f"number of {AXES['clumps']}")
    handles = [
        Line2D([], [], color=HUES[k % len(HUES)], marker=MARKERS[k % len(MARKERS)], linestyle="", label=short(name))
        for k, name in enumerate(encoders)
    ]
    chance = Line2D([], [], color=PALE, marker="|", linestyle="", markeredgewidth=2, label="classes permuted")
    figure.legend(handles=[*handles, chance], loc="outside lower left", ncols=6)
    return figure


@styled
def draw_points(table: Columns) -> Figure:
    """Draw the samples in each latent space, side by side, with a colour and marker for each class."""
    known = rows(table)
    encoders, classes = unique(row["encoder"] for row in known), sorted(unique(map(_class, known)), key=_order)
    columns = min(ACROSS, len(encoders))
    lines = -(-len(encoders) // columns)
    figure = Figure(figsize=(WIDTH, 0.9 + lines * WIDTH / columns))
    grid = figure.subplots(lines, columns, squeeze=False)
    for k, ax in enumerate(grid.flat):
        if k >= len(encoders):
            ax.set_axis_off()
            continue
        mine = [row for row in known if row["encoder"] == encoders[k]]
        for c, name in enumerate(classes):
            at = np.array([(row["x"], row["y"]) for row in mine if _class(row) == name]).reshape(-1, 2)
            ax.plot(*at.T, linestyle="", markersize=3.5, alpha=0.7, markeredgewidth=0.4, **_look(c))
        ax.set_title(f"{short(encoders[k])} ({mine[0]['kind']})")
        ax.set_xlabel(f"axis 1 ({percent(mine[0]['x_share'])} of the variance)")
        ax.set_ylabel(f"axis 2 ({percent(mine[0]['y_share'])})")
    handles = [Line2D([], [], linestyle="", label=short(name), **_look(c)) for c, name in enumerate(classes[:NAMED])]
    figure.legend(handles=handles, loc="outside lower left", ncols=10)
    return figure


def _interval(ax: Axes, row: Mapping[str, Any], name: str, y: float, colour: str, marker: str) -> None:
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if value is not None:
        span = [[value - low], [high - value]]
        ax.errorbar(value, y, xerr=span, fmt=marker, color=colour, markersize=4, capsize=2, linewidth=1.2)


def _class(row: Mapping[str, Any]) -> str:
    """Return what a row's class is called."""
    if row["label"] is None:
        return "all classes"
    return row["class"] or f"{row['label']:.0f}"


def _order(name: str) -> tuple[bool, str]:
    """Return by what classes are sorted: numbers by their length first."""
    return not name.isdigit(), name.rjust(12) if name.isdigit() else name


def _look(c: int) -> dict[str, Any]:
    """Return colour and marker of the c-th class; those without a name in the legend are grey."""
    if c >= NAMED:
        return {"color": PALE, "marker": "."}
    return {"color": HUES[c % len(HUES)], "marker": MARKERS[c % len(MARKERS)], "markeredgecolor": INK}
