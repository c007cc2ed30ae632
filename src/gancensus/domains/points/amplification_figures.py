"""The figures of the analysis `amplification`: its tables in, a matplotlib Figure out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from gancensus.contracts.replica import Replica
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import SUPERSCRIPTS, integer, rows
from gancensus.plotting.style import (
    INK,
    LINES,
    PALE,
    WIDTH,
    Dashes,
    Look,
    log_axis,
    looks,
    panels,
    short,
    styled,
    unique,
)

Row = Mapping[str, Any]

BASELINES = {  # greys, which no generator has
    "sample": ("training points", Look("#111111", (0, ()), "o")),
    "kde": ("best KDE", Look("#6e6e6e", (0, (5, 1.5)), "s")),
    "fit": ("right fit", Look("#a3a3a3", (0, (5, 1.5, 1, 1.5)), "^")),
}
TRUTH: Dashes = (0, (1, 2))
ENDS = ("equivalent", "equivalent_low", "equivalent_high")
FAR = 10  # times a value: the axis leaves out an end of its interval that is farther away
HEIGHT = 0.24  # inches of a line of the dot plot


@styled
def draw_curve(table: Columns) -> Figure:
    """Draw the MSE over the number of generated points: a column per number of cells, a row per training size."""
    lines = rows(table)
    cells, sizes = _numbers(lines, "cells"), _numbers(lines, "train_size")
    look = _looks(lines)
    columns = min(3, len(cells))
    figure = Figure(figsize=(WIDTH, 0.8 + 2.9 * len(sizes) * -(-len(cells) // columns)))
    axes = panels(figure, len(cells) * len(sizes), columns)
    places = [(q, size) for size in sizes for q in cells]
    for k, (ax, (q, size)) in enumerate(zip(axes, places, strict=True)):
        here = [line for line in lines if line["cells"] == q and line["train_size"] in (size, None)]
        _draw_errors(ax, here, look)
        ax.set_title(f"{integer(q)} cells" + (f", trained on {integer(size)}" if len(sizes) > 1 else ""))
        if k % columns == 0:
            ax.set_ylabel("quantile MSE")
        if k >= len(axes) - columns:
            ax.set_xlabel("generated points")
    truth = Line2D([], [], color=PALE, linestyle=TRUTH, label="true points, number at the right")
    figure.legend(handles=[*_handles(lines, look, bands=True), truth], loc="outside lower left", ncols=5)
    return figure


def _draw_errors(ax: Axes, here: Sequence[Row], look: Mapping[str, Look]) -> None:
    """Draw the errors for one number of cells and one training size."""
    generators = unique(line["method"] for line in here if line["method"] in look and line["points"])
    points = [line["points"] for line in here if line["method"] in generators]
    span = min(points) / 1.3, max(points) * 1.3
    low, high = _reach([value for line in here for value in (line["mse"], _near(line["low"], line["mse"]))])
    log_axis(ax, *span)
    log_axis(ax, low, high, "y")
    ax.yaxis.set_major_locator(LogLocator(subs=(1,)))
    ax.yaxis.set_major_formatter(FuncFormatter(_power))
    for line in here:
        if line["method"] == "truth":
            ax.axhline(line["mse"], color=PALE, linestyle=TRUTH, linewidth=1, zorder=1)
            label: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 7, "color": INK}
            ax.text(1.015, line["mse"], integer(line["points"]), **label)
        elif line["method"] in BASELINES:
            colour, style, _ = look[line["method"]]
            if line["low"] is not None:
                ax.axhspan(max(line["low"], low), line["high"], color=colour, alpha=0.17, linewidth=0)
            if line["mse"] > 0:
                ax.axhline(line["mse"], color=colour, linestyle=style, linewidth=1.3)
    for name in generators:
        mine = [line for line in here if line["method"] == name]
        x, mse, bottom, top = (_floats(mine, key) for key in ("points", "mse", "low", "high"))
        ax.fill_between(x, np.maximum(bottom, low), top, color=look[name].colour, alpha=0.22, linewidth=0, zorder=2.5)
        ax.plot(x, np.where(mse > 0, mse, np.nan), color=look[name].colour, linewidth=1.7, zorder=2.6)


@styled
def draw_equivalent(table: Columns) -> Figure:
    """Draw equivalent true points by method, a panel per number of cells; below, amplification over training size."""
    lines = rows(table)
    cells, sizes = _numbers(lines, "cells"), _numbers(lines, "train_size")
    look = _looks(lines)
    columns = min(3, len(cells))
    upper, count = -(-len(cells) // columns), len({(line["train_size"], line["method"]) for line in lines})
    heights = [0.75 + HEIGHT * count] * upper + [3.0] * (upper if len(sizes) > 1 else 0)
    figure = Figure(figsize=(WIDTH, sum(heights) + (0.6 if len(sizes) > 1 else 0.1)))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for k, q in enumerate(cells):
        here = sorted((line for line in lines if line["cells"] == q), key=lambda line: line["train_size"])
        ax = figure.add_subplot(grid[k // columns, k % columns])
        _draw_dots(ax, here, look, named=k % columns == 0, sizes=len(sizes))
        ax.set_title(f"{integer(q)} cells")
        if len(sizes) > 1:
            below = figure.add_subplot(grid[upper + k // columns, k % columns])
            _draw_growth(below, here, look)
            below.set_title(f"{integer(q)} cells")
            if k % columns == 0:
                below.set_ylabel("equivalent points for each\ntraining point")
    if len(sizes) > 1:
        figure.legend(handles=_handles(lines, look, bands=False), loc="outside lower left", ncols=6)
    return figure


def _draw_dots(ax: Axes, here: Sequence[Row], look: Mapping[str, Look], named: bool, sizes: int) -> None:
    """Draw equivalent points with their intervals, a line per method; training sizes below each other."""
    ends = [end for line in here for end in _ends(line)]
    low, high = _reach([*ends, *(line["train_size"] for line in here)])
    log_axis(ax, low, high)
    if high > 30 * low:  # panels are narrow
        ax.xaxis.set_major_locator(LogLocator(subs=(1,)))
    for y, line in enumerate(here):
        ax.vlines(line["train_size"], y - 0.5, y + 0.5, color=INK, linestyle=(0, (3, 2)), linewidth=1.2)
        _draw_estimate(ax, y, line, look[line["method"]], high)
    names = [short(BASELINES[m][0] if m in BASELINES else m) for m in (line["method"] for line in here)]
    if sizes > 1:
        names = [f"{name}, {integer(line['train_size'])}" for name, line in zip(names, here, strict=True)]
    starts = [y for y in range(1, len(here)) if here[y]["train_size"] != here[y - 1]["train_size"]]
    ax.hlines([y - 0.5 for y in starts], 0, 1, color="#d0d0d0", linewidth=0.6, transform=ax.get_yaxis_transform())
    ax.set(ylim=(len(here) - 0.4, -0.6), xlabel="equivalent true points")
    ax.set_yticks(range(len(here)), names if named else [""] * len(here))
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)


def _draw_estimate(ax: Axes, y: float, line: Row, look: Look, end: float) -> None:
    """Draw a number of equivalent points, with an arrow where there is no upper end."""
    value, low, high = (line[key] for key in ENDS)
    inside = high is not None and high <= end
    if low is not None:
        ax.plot([low, high if inside else end], [y, y], color=look.colour, linewidth=1.6)
        ax.plot([low, high] if inside else [low], [y] * (1 + inside), "|", color=look.colour, markersize=7, mew=1.4)
    if value is None or (low is not None and not inside):
        ax.plot(end, y, ">", color=look.colour, markersize=5.5, clip_on=False)
    if value is not None:
        ax.plot(value, y, look.marker, color=look.colour, markersize=5.5)


def _draw_growth(ax: Axes, here: Sequence[Row], look: Mapping[str, Look]) -> None:
    """Draw amplification over the training size; generators whose names differ only in it are one line."""
    factors = [{key: line[key] / line["train_size"] for key in ENDS if line[key] is not None} for line in here]
    low, high = _reach([1.0, *(end / line["train_size"] for line in here for end in _ends(line) if end is not None)])
    families = {line["method"]: _family(line) for line in here}
    names = unique(families.values())
    for k, family in enumerate(names):
        shift = 1.05 ** (k - (len(names) - 1) / 2)  # side by side
        mine = [
            (line, factor) for line, factor in zip(here, factors, strict=True) if families[line["method"]] == family
        ]
        style = look[mine[0][0]["method"]].line
        known = [(line["train_size"] * shift, factor[ENDS[0]]) for line, factor in mine if ENDS[0] in factor]
        ax.plot(
            *np.array(known, dtype=np.float64).reshape(-1, 2).T, color=PALE, linestyle=style, linewidth=1.3, zorder=1.5
        )
        for line, factor in mine:
            x, (colour, _, marker) = line["train_size"] * shift, look[line["method"]]
            if ENDS[1] in factor:
                ax.vlines(x, factor[ENDS[1]], min(factor.get(ENDS[2], high), high), color=colour, linewidth=1.6)
            if ENDS[0] not in factor or (ENDS[1] in factor and factor.get(ENDS[2], math.inf) > high):
                ax.plot(x, high, "^", color=colour, markersize=5.5, clip_on=False)
            ax.plot(x, factor.get(ENDS[0], np.nan), marker, color=colour, markersize=5.5)
    ax.axhline(1, color=INK, linestyle=(0, (3, 2)), linewidth=1.2, zorder=1)
    sizes = _numbers(here, "train_size")
    log_axis(ax, sizes[0] / 1.3, sizes[-1] * 1.3)
    log_axis(ax, low, high, "y")
    ax.set_xlabel("training points")


def _family(line: Row) -> str:
    """Return a generator's name without its training size."""
    return str(line["method"]).replace(str(line["train_size"]), "")


def _looks(lines: Sequence[Row]) -> dict[str, Look]:
    """Return the look of each method."""
    generators = [
        name for name in unique(line["method"] for line in lines) if name not in BASELINES and name != "truth"
    ]
    found = looks([Replica(name, 0).population for name in generators])
    return {name: look for name, (_, look) in BASELINES.items()} | {
        name: found[Replica(name, 0).population]._replace(line=LINES[0]) for name in generators
    }


def _handles(lines: Sequence[Row], look: Mapping[str, Look], bands: bool) -> list[Artist]:
    """Return the entries of a legend: the generators, then what they are compared with."""
    known = unique(line["method"] for line in lines)
    handles: list[Artist] = []
    for name in sorted((name for name in known if name in look), key=lambda name: name in BASELINES):
        colour, style, marker = look[name]
        label = BASELINES[name][0] if name in BASELINES else short(name)
        handles.append(
            Line2D([], [], color=colour, linestyle=style, marker="" if bands else marker, markersize=5, label=label)
        )
    return handles


def _numbers(lines: Sequence[Row], key: str) -> list[int]:
    """Return the different numbers of a column, ascending."""
    return sorted({int(line[key]) for line in lines if line[key] is not None})


def _floats(lines: Sequence[Row], key: str) -> Any:
    """Return a column as numbers, NaN where there is none."""
    return np.array([line[key] for line in lines], dtype=np.float64)


def _ends(line: Row) -> list[float | None]:
    """Return equivalent points and the ends of their interval, as far as an axis shows them."""
    value, low, high = (line[key] for key in ENDS)
    middle = low if value is None else value
    return [value, low, None if high is None or middle is None else min(high, FAR * middle)]


def _near(low: float | None, value: float) -> float | None:
    """Return the lower end of an interval, as far as an axis shows it."""
    return None if low is None else max(low, value / FAR)


def _reach(values: Sequence[float | None]) -> tuple[float, float]:
    """Return the ends of a logarithmic axis for the positive values."""
    positive = [value for value in values if value is not None and value > 0]
    return min(positive) / 1.4, max(positive) * 1.4


def _power(value: float, _: Any) -> str:
    """Write a power of ten."""
    return f"10{str(round(math.log10(value))).translate(SUPERSCRIPTS)}"
