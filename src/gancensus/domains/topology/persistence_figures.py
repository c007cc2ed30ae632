"""The figures of the analysis `persistence`: its tables in, a matplotlib Figure out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from gancensus.contracts.table import Columns
from gancensus.domains.topology.persistence import REFERENCE
from gancensus.domains.topology.persistence_words import LEVEL
from gancensus.plotting.numbers import Row, rows
from gancensus.plotting.style import (
    INK,
    WIDTH,
    Look,
    empty,
    looks,
    panels,
    population_legend,
    short,
    styled,
    unique,
)

Table = dict[str, NDArray[Any]]

ACROSS = 4  # panels side by side
BARS = 25  # that a barcode has at most
NONE = "too few samples for persistence diagrams"
SHADE = "#e4e4e4"
DASHED = (0, (3, 2))
LARGEST_Z = 5.0  # standard errors, where the colours of an image end
FAINT = 0.01  # of the largest value of held-out samples, below which pixels of both are left white
NOTHING = (-0.05, 0.05)  # the range of an axis where all is 0: the default one is that of rounding errors
DISTANCES = {
    ("H0", "wasserstein"): "components, Wasserstein",
    ("H0", "bottleneck"): "components, bottleneck",
    ("H1", "wasserstein"): "loops, Wasserstein",
    ("H1", "bottleneck"): "loops, bottleneck",
}
ENTRIES = {
    "b0": "components",
    "b1": "loops",
    "loops": "loops that stand out",
    "total_h0": "length of components",
    "total_h1": "length of loops",
    "longest_h1": "longest loop",
    "ratio_h1": "largest death / birth",
    "entropy_h1": "entropy of loops (nats)",
}
LENGTHS = ("total_h0", "total_h1", "longest_h1")


@styled
def draw_diagrams(table: Columns) -> Figure:
    """Draw a diagram and a barcode of each population, of the draw whose loops have the median total length."""
    look = looks(unique(table["population"]))
    if not look:
        return empty(NONE)
    lines = -(-len(look) // ACROSS)
    figure = Figure(figsize=(WIDTH, 0.9 + 4.2 * lines))
    grid = figure.add_gridspec(2 * lines, min(ACROSS, max(2, len(look))), height_ratios=[3, 2] * lines)
    shown = {name: _median_draw(_where(table, table["population"] == name)) for name in look}
    last = 1.05 * max(float(np.nanmax(some["death"], initial=0)) for some in shown.values()) or 1.0
    axis = _distance(table)
    for k, (name, some) in enumerate(shown.items()):
        line, place = divmod(k, ACROSS)
        above, below = (figure.add_subplot(grid[2 * line + part, place]) for part in (0, 1))
        _draw_diagram(above, some, look[name], last)
        _draw_barcode(below, some, look[name], last)
        above.set_title(short(name, 18))
        below.set_xlabel(axis, fontsize=8)
        if place == 0:
            above.set_ylabel("death")
            below.set_ylabel("loops")
    handles = [
        Line2D([], [], color=INK, linestyle="none", marker="^", markersize=4, mfc="none", label="component (H0)"),
        Line2D([], [], color=INK, linestyle="none", marker="o", markersize=4, label="loop (H1)"),
        Patch(color=SHADE, label="loops that do not stand out"),
        Line2D([], [], color=INK, linestyle=DASHED, linewidth=0.8, label="scale of b0 and b1"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4)
    return figure


def _median_draw(some: Table) -> Table:
    """Return the bars of the draw of a population whose loops have the median total length."""
    loops = some["dimension"] == "H1"
    length = np.where(loops, some["death"] - some["birth"], 0)
    totals = np.bincount(some["draw"], np.where(np.isfinite(length), length, 0))
    draw = np.argsort(totals, kind="stable")[(len(totals) - 1) // 2]
    return _where(some, some["draw"] == draw)


def _beyond(some: Table) -> tuple[Table, NDArray[np.float64]]:
    """Return the loops of a draw, and the deaths above which they would stand out."""
    loops = _where(some, some["dimension"] == "H1")
    return loops, np.maximum(loops["birth"] + loops["band"], loops["birth"] * loops["ratio"])


def _draw_diagram(ax: Axes, some: Table, look: Look, last: float) -> None:
    loops, _ = _beyond(some)
    parts = _where(some, (some["dimension"] == "H0") & np.isfinite(some["death"]))
    if len(loops["birth"]):
        births = np.linspace(0, last, 100)
        upper = np.maximum(births + loops["band"][0], births * loops["ratio"][0])
        ax.fill_between(births, births, upper, color=SHADE, linewidth=0)
    ax.plot([0, last], [0, last], color=INK, linewidth=0.8)
    marks: dict[str, Any] = {
        "linestyle": "none",
        "color": look.colour,
        "markersize": 3,
        "markeredgewidth": 0.6,
        "clip_on": False,
        "in_layout": False,  # no marks at all, unclipped, would count as one in the corner of the figure
    }
    ax.plot(parts["birth"], parts["death"], marker="^", mfc="none", **marks)
    ax.plot(loops["birth"], loops["death"], marker="o", alpha=0.8, **marks)
    ax.set(xlim=(0, last), ylim=(0, last))
    ax.set_xlabel("birth", fontsize=8)


def _draw_barcode(ax: Axes, some: Table, look: Look, last: float) -> None:
    loops, limit = _beyond(some)
    longest = np.sort(np.argsort(loops["birth"] - loops["death"], kind="stable")[:BARS])
    birth, death = loops["birth"][longest], loops["death"][longest]
    y = np.arange(len(longest))
    ax.hlines(y, birth, death, color=look.colour, alpha=0.35, linewidth=1.4)
    out = death > limit[longest]
    ax.hlines(y[out], limit[longest][out], death[out], color=look.colour, linewidth=2.6)
    for scale in loops["scale"][:1]:
        ax.axvline(scale, color=INK, linestyle=DASHED, linewidth=0.8)
    ax.set(xlim=(0, last), ylim=(-1, BARS), yticks=[])
    ax.grid(visible=False, axis="y")
    if not len(longest):
        ax.text(0.5, 0.5, "no loops", transform=ax.transAxes, ha="center", va="center", color=INK, fontsize=8)


@styled
def draw_distances(table: Columns) -> Figure:
    """Draw a panel per distance: the excess of each population with its interval, over its null range."""
    lines = [row for row in rows(table) if row["excess"] is not None]
    look = _looks(table, lines)
    if not look:
        return empty(NONE)
    figure = Figure(figsize=(WIDTH, 1.6 + 0.3 * len(look)))
    for k, (ax, (key, title)) in enumerate(zip(panels(figure, 4, ACROSS), DISTANCES.items(), strict=True)):
        some = [row for row in lines if (row["dimension"], row["distance"]) == key]
        for y, row in enumerate(some):
            _draw_excess(ax, y, row, look[row["population"]])
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("excess distance", fontsize=8)
        ax.set_yticks(range(len(look)), [short(name, 18) for name in look] if k == 0 else [""] * len(look))
        ax.set_ylim(len(look) - 0.4, -0.6)
        ax.grid(visible=False, axis="y")
        ax.axvline(0, color=INK, linewidth=0.8)
        if not any(row["excess"] or row["null"] for row in some):
            ax.set_xlim(NOTHING)
        ax.locator_params(axis="x", nbins=4)
    figure.legend(handles=[Patch(color=SHADE, label="null range"), *_filled()], loc="outside lower left", ncols=3)
    return figure


def _draw_excess(ax: Axes, y: int, row: Row, look: Look) -> None:
    low, high = (row["excess"] if row[f"excess_{end}"] is None else row[f"excess_{end}"] for end in ("low", "high"))
    ax.fill_between([0, row["null"]], y - 0.38, y + 0.38, color=SHADE, linewidth=0)
    _draw_dot(ax, (row["excess"], y), row, look, xerr=[[row["excess"] - low], [high - row["excess"]]])


def _draw_dot(ax: Axes, at: tuple[float, float], row: Row, look: Look, **span: Any) -> None:
    differs = row["adjusted"] is not None and row["adjusted"] <= LEVEL
    face = look.colour if differs else "white"
    ax.errorbar(*at, fmt=look.marker, color=look.colour, mfc=face, markersize=5, capsize=2, linewidth=1.2, **span)


def _filled() -> list[Line2D]:
    return [
        Line2D([], [], color=INK, linestyle="none", marker="o", label="adjusted p ≤ 0.05"),
        Line2D([], [], color=INK, linestyle="none", marker="o", markerfacecolor="white", label="adjusted p > 0.05"),
    ]


@styled
def draw_signature(table: Columns) -> Figure:
    """Draw a panel per entry: each population with its interval, over that of held-out samples."""
    lines = [row for row in rows(table) if row["value"] is not None]
    if not lines:
        return empty(NONE)
    look = {name: drawn for name, drawn in _looks(table, lines).items() if name != REFERENCE}
    figure = Figure(figsize=(WIDTH, 5.2 + 0.2 * -(-len(look) // 6)))
    for ax, (entry, title) in zip(panels(figure, len(ENTRIES), ACROSS), ENTRIES.items(), strict=True):
        some = {row["population"]: row for row in lines if row["entry"] == entry}
        real = some[REFERENCE]
        ax.axhspan(real["value_low"], real["value_high"], color=SHADE, linewidth=0)
        ax.axhline(real["value"], color=INK, linewidth=1)
        for x, name in enumerate(look):
            row = some[name]
            span = [[row["value"] - row["value_low"]], [row["value_high"] - row["value"]]]
            _draw_dot(ax, (x, row["value"]), row, look[name], yerr=span)
        ax.set_title(title, fontsize=9)
        ax.set_ylabel(_measure(entry, table, real), fontsize=8)
        if not any(row["value_high"] for row in some.values()):
            ax.set_ylim(NOTHING)
        ax.set(xlim=(-0.6, max(len(look), 1) - 0.4), xticks=[])
        ax.grid(visible=False, axis="x")
        ax.locator_params(axis="y", nbins=5)
    others = [Patch(color=SHADE, label="held-out samples"), *_filled()]
    population_legend(figure, look, markers=True, others=[*others])  # type: ignore[list-item]
    return figure


def _measure(entry: str, table: Columns, row: Row) -> str:
    """Return what an axis of the signature shows."""
    if entry in ("b0", "b1"):
        return f"alive at {row['at']:.3g}"
    return _distance(table) if entry in LENGTHS else ""


@styled
def draw_images(table: Columns) -> Figure:
    """Draw the mean image of held-out samples, then how each population differs from it in standard errors."""
    populations = unique(table["population"])
    if not populations:
        return empty("no loops, or too few samples for persistence diagrams")
    names = [REFERENCE, *(name for name in populations if name != REFERENCE)]
    figure = Figure(figsize=(WIDTH, 0.4 + 2.4 * -(-len(names) // ACROSS)))
    axes = panels(figure, len(names), ACROSS)
    births, lengths = np.unique(table["birth"]), np.unique(table["length"])
    for k, (ax, name) in enumerate(zip(axes, names, strict=True)):
        some = _where(table, table["population"] == name)
        largest = max(float(some["holdout"].max()), np.finfo(float).tiny)
        seen = np.maximum(some["value"], some["holdout"]) >= FAINT * largest
        values = np.where(seen, some["value"] if name == REFERENCE else some["z"], 0).reshape(len(births), -1).T
        style: dict[str, Any] = (
            {"cmap": "Greys", "norm": Normalize(0, largest)}
            if name == REFERENCE
            else {"cmap": "RdBu_r", "norm": Normalize(-LARGEST_Z, LARGEST_Z)}
        )
        drawn = ax.pcolormesh(births, lengths, np.nan_to_num(values), shading="nearest", rasterized=True, **style)
        ax.set_title(f"{REFERENCE}: mean" if name == REFERENCE else short(name, 18), fontsize=9)
        ax.set_xlabel("birth", fontsize=8)
        ax.set_ylabel("length" if k % ACROSS == 0 else "", fontsize=8)
        ax.grid(visible=False)
        ax.locator_params(nbins=4)
    if len(names) > 1:
        figure.colorbar(drawn, ax=axes, label="standard errors", shrink=0.6, extend="both")
    return figure


def _looks(table: Columns, lines: Sequence[Row]) -> dict[str, Look]:
    """Return the looks of the populations that lines are of: those that they have beside all others."""
    drawn = {row["population"] for row in lines}
    return {name: look for name, look in looks(unique(table["population"])).items() if name in drawn}


def _distance(table: Columns) -> str:
    """Return what distances are, for a label."""
    space = str(table["space"][0])
    return "distance between samples" if space == "samples" else f"distance in {short(space, 16)}"


def _where(table: Columns, at: NDArray[Any]) -> Table:
    return {name: values[at] for name, values in table.items()}
