"""The figures of the analysis `synthetic`: its tables in, a matplotlib Figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from gancensus.contracts.replica import Replica
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import INK, PALE, WIDTH, Look, empty, looks, panels, short, styled, unique

METRICS = {
    "dcr": "closest record, median",
    "dcr_5": "closest record, 5 %",
    "nndr": "distance ratio, median",
    "nndr_5": "distance ratio, 5 %",
    "dcr_share": "nearer to train",
    "copies": "exact copies",
    "distinct": "distinct rows",
    "authenticity": "authentic rows",
    "data_copying": "data-copying test (z)",
    "marginals": "columns, mean distance",
    "associations": "pairs, mean difference",
    "rare_categories": "rare categories there",
    "unknown_categories": "unknown categories",
    "out_of_range": "out of range",
    "undecided": "no clear category",
    "unrounded": "not rounded",
    "c2st": "real vs generated (AUC)",
    "tstr": "synthetic → real",
    "trts": "real → synthetic",
}
DASHED = (0, (3, 2))
BAND = "#e2e2e2"
SHOWN = 60  # columns that are named beside a matrix
TITLED = 24  # characters of a generator's name above a panel
NARROW = 16  # characters of a generator's name below a narrow panel
STRONGEST = 0.5  # difference of associations that has the full colour


@styled
def draw_synthetic(table: Columns) -> Figure:
    """Draw a panel per metric: each population's value with its interval, and its null value as a dashed line."""
    populations = unique(table["population"])
    metrics = [name for name in METRICS if name in set(table["metric"])]
    look = looks(populations)
    crowded = len(populations) > 2
    lines = -(-len(metrics) // 4)
    figure = Figure(figsize=(WIDTH, 0.5 + (2.4 if crowded else 1.8) * lines))
    for ax, metric in zip(panels(figure, len(metrics), columns=4), metrics, strict=True):
        ax.set_title(METRICS[metric], fontsize=9)
        for row in rows(table):
            if row["metric"] == metric and row["value"] is not None:
                x = populations.index(row["population"])
                _draw_value(ax, x, row, look[row["population"]])
                ax.hlines(row["null"], x - 0.45, x + 0.45, color=INK, linestyle=DASHED, linewidth=1.2)
                ax.fill_between([x - 0.45, x + 0.45], row["null_low"], row["null_high"], color=BAND, linewidth=0)
        turn: dict[str, Any] = {"rotation": 90, "fontsize": 7} if crowded else {}
        ax.set_xticks(range(len(populations)), [_named(population, NARROW) for population in populations], **turn)
        ax.set_xlim(-0.6, len(populations) - 0.4)
        ax.grid(visible=False, axis="x")
        ax.margins(y=0.15)
    null = Line2D([], [], color=INK, linestyle=DASHED, label="null value: real rows in their place, or theory")
    band = Patch(color=BAND, label="its interval")
    marks = [
        Line2D([], [], color=INK, linestyle="", marker="o", markerfacecolor=fill, label=label)
        for fill, label in ((INK, "off: the intervals do not overlap"), ("white", "no evidence that it is off"))
    ]
    figure.legend(handles=[null, band, *marks], ncols=2, loc="outside lower left")
    return figure


def _named(population: str, longest: int) -> str:
    """Return the name of a population with its number, and at most `longest` characters of the generator's."""
    made = Replica.of(population)
    return made._replace(generator=short(made.generator, longest)).population


def _draw_value(ax: Axes, x: float, row: dict[str, Any], look: Look) -> None:
    span = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
    off = row["low"] > row["null_high"] or row["high"] < row["null_low"]
    fill = look.colour if off else "white"
    marks: dict[str, Any] = {"fmt": look.marker, "markersize": 5, "markerfacecolor": fill, "clip_on": False}
    ax.errorbar(x, row["value"], yerr=span, color=look.colour, capsize=3, **marks)


@styled
def draw_marginals(table: Columns) -> Figure:
    """Draw a panel per population: a line per column, with its distance, interval and null value."""
    populations, names = unique(table["population"]), unique(table["column"])
    look = looks(populations)
    across = min(3, len(populations))
    lines = -(-len(populations) // across)
    figure = Figure(figsize=(WIDTH, lines * (0.7 + 0.17 * max(6, len(names)))))
    most = max((row["high"] for row in rows(table) if row["high"] is not None), default=1.0)
    grid = figure.subplots(lines, across, sharex=True, sharey=True, squeeze=False)
    for ax in grid.flat[len(populations) :]:
        ax.set_axis_off()
    for ax, population in zip(grid.flat, populations, strict=False):
        ax.set_title(_named(population, TITLED), color=look[population].colour)
        for row in rows(table):
            if row["population"] == population and row["value"] is not None:
                y = names.index(row["column"])
                span = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
                marker, colour = "o" if row["metric"] == "ks" else "D", look[population].colour
                ax.errorbar(row["value"], y, xerr=span, fmt=marker, color=colour, markersize=4, linewidth=1.2)
                ax.vlines(row["null"], y - 0.4, y + 0.4, color=INK, linewidth=1.6)
        ax.set_yticks(range(len(names)), [short(name) for name in names], fontsize=7)
        ax.tick_params(axis="y", length=0)
        ax.set(ylim=(len(names) - 0.4, -0.6), xlim=(0, 1.05 * most))
    for ax in grid[-1]:
        ax.set_xlabel("distance from held-out rows")
    handles = [
        Line2D([], [], color=PALE, marker="o", linestyle="", markersize=4, label="Kolmogorov-Smirnov"),
        Line2D([], [], color=PALE, marker="D", linestyle="", markersize=4, label="total variation"),
        Line2D([], [], color=INK, marker="|", linestyle="", markersize=8, label="null value: training rows"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    return figure


@styled
def draw_associations(table: Columns) -> Figure:
    """Draw the held-out rows' associations, then each population's, and above the diagonal how they differ."""
    populations = unique(table["population"])
    names = unique([*table["column_a"], *table["column_b"]])
    if not names:
        return empty("one column has no pairs")
    figure = Figure(figsize=(WIDTH, 0.6 + 4.4 * -(-(len(populations) + 1) // 2)))
    lines = rows(table)
    axes = panels(figure, len(populations) + 1, columns=2)
    real = np.full((len(names), len(names)), np.nan)
    for ax, population in zip(axes, [None, *populations], strict=True):
        below, above = real.copy(), real.copy()
        for row in lines:
            if row["population"] == (population or populations[0]):
                i, j = names.index(row["column_a"]), names.index(row["column_b"])
                below[j, i] = row["real"] if population is None else row["generated"]
                apart = row["difference_low"] > 0 or row["difference_high"] < 0
                above[i, j] = row["difference"] if apart else 0.0
        shown = _draw_matrix(ax, below, "RdBu_r", 1.0)
        if population is not None:
            differs = _draw_matrix(ax, above, "PuOr_r", STRONGEST)
        _name_columns(ax, names)
        title = _named(population, TITLED) if population else "held-out rows"
        ax.set_title(title, color=looks(populations)[population].colour if population else INK)
    bars: Any = {"ax": axes, "location": "bottom", "shrink": 0.4, "aspect": 40, "pad": 0.01}
    figure.colorbar(shown, label="association, below the diagonal", **bars)
    figure.colorbar(differs, label="difference, above the diagonal", extend="both", **bars)
    return figure


def _draw_matrix(ax: Axes, values: NDArray[np.float64], colours: str, most: float) -> AxesImage:
    """Draw a matrix whose NaN stay empty."""
    return ax.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=-most, vmax=most, interpolation="none")


def _name_columns(ax: Axes, names: list[str]) -> None:
    size = _letters(len(names))
    ticks = range(len(names)) if len(names) <= SHOWN else []
    shown = names if len(names) <= SHOWN else []
    ax.set_xticks(ticks, shown, fontsize=size, rotation=90)
    ax.set_yticks(ticks, shown, fontsize=size)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _letters(count: int) -> float:
    """Return the font size for this many names side by side."""
    return float(np.clip(150 / max(count, 1), 3.5, 8))
