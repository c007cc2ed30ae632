"""The figures of the analysis `substructure`: its tables in, a matplotlib Figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from gancensus.contracts.samples import REFERENCE
from gancensus.contracts.table import Columns
from gancensus.domains.jets.jet_view_figures import draw_frame, draw_jet, shares_norm
from gancensus.plotting.numbers import Row, integer, rows, unit
from gancensus.plotting.style import (
    INK,
    REAL,
    WIDTH,
    Look,
    empty,
    looks,
    panels,
    population_legend,
    styled,
    unique,
)

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]

TITLES = {
    "mass": "mass",
    "pt": "pT",
    "multiplicity": "multiplicity",
    "tau21": "τ₂₁",
    "tau32": "τ₃₂",
    "fpd": "FPD at infinity",
    "kpd": "KPD",
}
DASHED = (0, (3, 2))
LEVEL = 0.05  # of a p-value below which a marker is filled
PICTURES = (("one", "before"), ("one", "after"), ("average", "before"), ("average", "after"))


@styled
def draw_distances(table: Columns) -> Figure:
    """Draw a panel per quantity: each population's distance with its interval, and its null value as a dashed line."""
    quantities, populations = unique(table["quantity"]), unique(table["population"])
    if not populations:
        return empty("no generated jets")
    look = looks(populations)
    figure = Figure(figsize=(WIDTH, 0.5 + 2.3 * -(-len(quantities) // 3)))
    for ax, quantity in zip(panels(figure, len(quantities), columns=3), quantities, strict=True):
        some = [row for row in rows(table) if row["quantity"] == quantity]
        for row in some:
            if row["value"] is not None:
                _dot(ax, populations.index(row["population"]), row, look[row["population"]])
        kernel = quantity in ("fpd", "kpd")
        ax.set(title=TITLES[quantity], ylabel="" if kernel else f"W1{_in_unit(some[0]['unit'])}", xticks=[])
        ax.set_xlim(-0.6, len(populations) - 0.4)
        ax.grid(visible=False, axis="x")
        if not kernel:
            ax.set_ylim(bottom=0)
    others = [
        Line2D([], [], color=INK, linestyle=DASHED, label="null value: train"),
        Line2D([], [], color=INK, linestyle="none", marker="o", label="p < 0.05"),
        Line2D([], [], color=INK, linestyle="none", marker="o", markerfacecolor="white", label="p ≥ 0.05"),
    ]
    population_legend(figure, look, markers=True, others=others)
    return figure


def _dot(ax: Axes, x: int, row: Row, look: Look) -> None:
    span = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
    face = look.colour if row["p"] < LEVEL else "white"
    ax.errorbar(
        x, row["value"], yerr=span, fmt=look.marker, color=look.colour, mfc=face, markersize=5, capsize=3, clip_on=False
    )
    ax.hlines(row["null"], x - 0.45, x + 0.45, color=INK, linestyle=DASHED, linewidth=1.2)


def _in_unit(name: str) -> str:
    return f" ({unit(name)})" if unit(name) else ""


@styled
def draw_histograms(table: Columns) -> Figure:
    """Draw a panel per quantity: the share of each population's jets in its bins, with intervals."""
    quantities, look = unique(table["quantity"]), looks(unique(table["population"]))
    if not quantities:
        return empty("no jets")
    figure = Figure(figsize=(WIDTH, 0.5 + 2.4 * -(-len(quantities) // 3)))
    for ax, quantity in zip(panels(figure, len(quantities), columns=3), quantities, strict=True):
        here = _where(table, table["quantity"] == quantity)
        for population, drawn in look.items():
            _draw_steps(ax, _where(here, here["population"] == population), drawn)
        ax.set(title=TITLES[quantity], xlabel=f"{TITLES[quantity]}{_in_unit(here['unit'][0])}", ylim=(0, None))
        ax.set_ylabel("share of the jets")
    population_legend(figure, look)
    return figure


def _draw_steps(ax: Axes, some: Table, look: Look) -> None:
    """Draw values as steps over their bins, with their intervals as a band."""
    edges = np.append(some["bin_low"], some["bin_high"][-1:])
    zorder = 2.5 if look.colour == REAL[REFERENCE] else 2
    ax.stairs(some["value"], edges, color=look.colour, linestyle=look.line, linewidth=1.2, zorder=zorder)
    ax.stairs(some["high"], edges, baseline=some["low"], fill=True, color=look.colour, alpha=0.15, linewidth=0)


@styled
def draw_jets(table: Columns) -> Figure:
    """Draw a column per class: one jet before and after preprocessing by the source, and the averages of several."""
    classes = unique(table["class"])
    known = set(zip(table["picture"], table["stage"], strict=True))
    kinds = [kind for kind in PICTURES if kind in known]
    if not kinds:
        return empty("no jets")
    norm = shares_norm(float(table["value"].max()))
    figure = Figure(figsize=(min(WIDTH, 2.4 * len(classes) + 1.4), 0.5 + 2.25 * len(kinds)))
    axes = figure.subplots(len(kinds), len(classes), squeeze=False, sharex=True, sharey=True)
    for line, (picture, stage) in zip(axes, kinds, strict=True):
        for ax, name in zip(line, classes, strict=True):
            at = (table["class"] == name) & (table["picture"] == picture) & (table["stage"] == stage)
            some = _where(table, at)
            draw_jet(ax, some, norm)
            what = "one jet" if picture == "one" else f"average of {integer(int(some['jets'][0]))}"
            ax.set_title(f"{name}, {stage} preprocessing\n{what}", fontsize=8)
    draw_frame(figure, axes, norm)
    return figure


def _where(table: Columns, at: NDArray[Any]) -> Table:
    return {name: values[at] for name, values in table.items()}
