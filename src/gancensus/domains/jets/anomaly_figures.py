"""The figures of the analysis `anomaly`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gancensus.contracts.table import Columns
from gancensus.domains.jets.anomaly import HALF, MARGIN
from gancensus.domains.jets.anomaly_words import from_first, labels, named, variational
from gancensus.domains.jets.jet_view_figures import draw_frame, draw_jet, shares_norm
from gancensus.plotting.numbers import SUPERSCRIPTS, integer, percent, rows
from gancensus.plotting.style import (
    HUES,
    INK,
    LINES,
    PALE,
    WIDTH,
    draw_bound,
    empty,
    log_axis,
    panels,
    styled,
    unique,
)

Row = Mapping[str, Any]

LINE = 0.27  # inches of a line of a dot plot
NONE = "Too few jets to judge any score."
HOLLOW = "too little to tell"
SHAPES = {"alike": "o", "different": "D", HOLLOW: "o"}
ACROSS = 6  # images side by side
LOWEST = 1e-3  # background efficiency: an axis ends there


@styled
def draw_anomaly(table: Columns) -> Figure:
    """Draw areas and rejections as dots: a row of panels per background, signals side by side."""
    known = [row for row in rows(table) if row["auc"] is not None]
    chosen = {(row["background"], row["signal"], row["encoder"]) for row in known if row["chosen"]}
    some = [
        row for row in known if not variational(row) or (row["background"], row["signal"], row["encoder"]) in chosen
    ]
    if not some:
        return empty(NONE)
    shown = _labelled(some)
    backgrounds = unique(row["background"] for row in shown)
    places = {one: unique(row["label"] for row in shown if row["background"] == one) for one in backgrounds}
    heights = [len(places[one]) for one in backgrounds]
    figure = Figure(figsize=(WIDTH, 0.8 + sum(LINE * height + 1.0 for height in heights)))
    grid = figure.subplots(len(backgrounds), 2, squeeze=False, height_ratios=heights)
    colours = _colours(table)
    for axes, background in zip(grid, backgrounds, strict=True):
        here = [row for row in shown if row["background"] == background]
        for ax, name in zip(axes, ("auc", "rejection_30"), strict=True):
            _lines(ax, places[background])
            for row in here:
                y = _height(row, places[background].index(row["label"]), unique(one["signal"] for one in here))
                _dot(ax, row, name, y, colours[row["signal"]])
        axes[0].axvline(HALF, color=INK, linestyle=(0, (3, 2)), linewidth=1)
        axes[0].set(title=f"{background} is the background", xlabel="area under ROC")
        axes[1].set(title="background rejection\nat 30 % signal efficiency", xlabel="1 / background efficiency")
        axes[1].set_yticklabels([])
        _log(axes[1], here)
    figure.legend(handles=_signals(colours), loc="outside lower left", ncols=6)
    return figure


def _labelled(some: Sequence[Row]) -> list[Row]:
    """Return lines with what their score is called."""
    return [{**row, "label": label} for row, label in zip(some, labels(some), strict=True)]


def _lines(ax: Axes, places: Sequence[str]) -> None:
    """Name the lines of a dot plot, the first one on top."""
    ax.set_yticks(range(len(places)), places)
    ax.set_ylim(len(places) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")


def _height(row: Row, line: int, signals: Sequence[str]) -> float:
    """Return where on its line a signal is."""
    return line + 0.44 * ((signals.index(row["signal"]) + 0.5) / len(signals) - 0.5)


def _dot(ax: Axes, row: Row, name: str, y: float, colour: str) -> None:
    """Draw a value with its interval; hollow where jets are not matched though others are."""
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    hollow = row["score"] == "pt" and not row["matched"]
    if value is None or high is None:
        draw_bound(ax, low, y, (18, 0), colour)
        if value is not None:
            ax.plot(value, y, "o", color=colour, markersize=4.5)
        return
    ax.errorbar(
        value,
        y,
        xerr=[[value - low], [high - value]],
        fmt="o",
        color=colour,
        markersize=4.5,
        markerfacecolor="white" if hollow else colour,
        linewidth=1.2,
    )


def _log(ax: Axes, here: Sequence[Row]) -> None:
    """Make the axis of rejections logarithmic."""
    names = ("rejection_30", "rejection_30_low", "rejection_30_high")
    ends = [row[name] for row in here for name in names if row[name] is not None]
    log_axis(ax, min(ends) / 1.3, max(ends) * 1.8)


def _colours(table: Columns) -> dict[str, str]:
    """Return the colour of each class that is a signal."""
    return {signal: HUES[k % len(HUES)] for k, signal in enumerate(unique(table["signal"]))}


def _signals(colours: Mapping[str, str]) -> list[Line2D]:
    return [
        Line2D([], [], color=colour, marker="o", markersize=5, linestyle="none", label=f"signal: {signal}")
        for signal, colour in colours.items()
    ]


@styled
def draw_differences(table: Columns) -> Figure:
    """Draw differences from the first score as dots, a panel per background, with the band in which all is alike."""
    known = rows(table)
    if not known:
        return empty(NONE)
    shown = _labelled(from_first(known))
    backgrounds = unique(row["background"] for row in shown)
    places = {one: unique(row["label"] for row in shown if row["background"] == one) for one in backgrounds}
    heights = [len(places[one]) for one in backgrounds]
    figure = Figure(figsize=(WIDTH, 1.0 + sum(LINE * height + 0.7 for height in heights)))
    grid = figure.subplots(len(backgrounds), 1, squeeze=False, height_ratios=heights, sharex=True)
    colours = _colours(table)
    for ax, background in zip(grid[:, 0], backgrounds, strict=True):
        here = [row for row in shown if row["background"] == background]
        ax.axvspan(-MARGIN, MARGIN, color="#e4e4e4", linewidth=0)
        ax.axvline(0, color=INK, linewidth=0.8)
        _lines(ax, places[background])
        for row in here:
            y = _height(row, places[background].index(row["label"]), unique(one["signal"] for one in here))
            _difference(ax, row, y, colours[row["signal"]])
        other = here[0]
        first = named(other["other"], other["other_kind"], other["other_p"])
        ax.set_title(f"{background} is the background: area under ROC less that of the {first}")
    handles = [
        Line2D(
            [], [], color=INK, marker=SHAPES[word], fillstyle=_fill(word), markersize=5, linestyle="none", label=word
        )
        for word in SHAPES
    ]
    figure.legend(handles=[*_signals(colours), *handles], loc="outside lower left", ncols=6)
    return figure


def _fill(word: str) -> Literal["full", "none"]:
    return "none" if word == HOLLOW else "full"


def _difference(ax: Axes, row: Row, y: float, colour: str) -> None:
    value, word = row["difference"], row["verdict"]
    ax.errorbar(
        value,
        y,
        xerr=[[value - row["low"]], [row["high"] - value]],
        fmt=SHAPES[word],
        color=colour,
        fillstyle=_fill(word),
        markersize=4.5,
        linewidth=1.2,
    )


@styled
def draw_roc(table: Columns) -> Figure:
    """Draw ROC curves with bands, a panel per background and signal."""
    known = _labelled(rows(table))
    if not known:
        return empty(NONE)
    looks = _looks(known)
    pairs = unique((row["background"], row["signal"]) for row in known)
    columns = min(2, len(pairs))
    figure = Figure(figsize=(WIDTH, 1.0 + 3.6 * -(-len(pairs) // columns)))
    for ax, (background, signal) in zip(panels(figure, len(pairs), columns), pairs, strict=True):
        here = [row for row in known if (row["background"], row["signal"]) == (background, signal)]
        for label, look in looks.items():
            _band(ax, [row for row in here if row["label"] == label], *look)
        grid = np.linspace(LOWEST, 1, 200)
        ax.plot(grid, grid, color=PALE, linestyle=(0, (1, 2)), linewidth=1)
        log_axis(ax, LOWEST, 1, "y")
        ax.set(xlim=(0, 1), title=f"{signal} among {background} jets", xlabel="signal efficiency")
        ax.set_ylabel("background efficiency")
    handles = [Line2D([], [], color=colour, linestyle=line, label=label) for label, (colour, line) in looks.items()]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    return figure


def _looks(known: Sequence[Row]) -> dict[str, tuple[str, Any]]:
    """Return the look of each curve: a hue for each score, dashes for p = 1, grey for momentum."""
    some = [row for row in known if row["score"] != "pt"]
    scores = labels([{**row, "p": None} for row in some])
    hues = unique(scores)
    looks = {row["label"]: (_hue(hues.index(one)), _dashes(row["p"])) for row, one in zip(some, scores, strict=True)}
    return looks | {row["label"]: (PALE, LINES[2]) for row in known if row["score"] == "pt"}


def _hue(k: int) -> str:
    """Return the colour of the k-th score, darker after the sixth."""
    turn, hue = divmod(k, len(HUES))
    red, green, blue = (channel * 0.6**turn for channel in to_rgb(HUES[hue]))
    return to_hex((red, green, blue))


def _dashes(p: float | None) -> Any:
    return LINES[1] if p == 1 else LINES[0]


def _band(ax: Axes, of: Sequence[Row], colour: str, line: Any) -> None:
    x = [row["signal_efficiency"] for row in of]
    y, low, high = (
        np.maximum([row[name] for row in of], LOWEST / 2) for name in ("background_efficiency", "low", "high")
    )
    ax.plot(x, y, color=colour, linestyle=line, linewidth=1.3)
    ax.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)


@styled
def draw_sweep(table: Columns) -> Figure:
    """Draw areas against beta, a panel per sweep and background."""
    known = rows(table)
    if not known:
        return empty("No two networks differ in nothing but beta.")
    sweeps = unique((row["background"], row["sweep"]) for row in known)
    columns = min(2, len(sweeps))
    figure = Figure(figsize=(WIDTH, 1.0 + 3.2 * -(-len(sweeps) // columns)))
    colours = _colours(table)
    for ax, sweep in zip(panels(figure, len(sweeps), columns), sweeps, strict=True):
        here = [row for row in known if (row["background"], row["sweep"]) == sweep]
        places = _betas([row["beta"] for row in here])
        signals = unique(row["signal"] for row in here)
        for row in here:
            x = places[row["beta"]] + 0.3 * ((signals.index(row["signal"]) + 0.5) / len(signals) - 0.5)
            _point(ax, x, row, colours[row["signal"]])
        _crosses(ax, here, places, colours)
        ax.set_xticks(list(places.values()), [_power(beta) for beta in places])
        ax.axhline(HALF, color=INK, linestyle=(0, (3, 2)), linewidth=1)
        ax.set(title=_title(here[0]), xlabel="beta", ylabel="area under ROC")
    marks = [
        Line2D([], [], color=INK, marker="o", fillstyle="none", markersize=5, label="calibrate, which chooses"),
        Line2D([], [], color=INK, marker="o", markersize=5, label="holdout"),
        Line2D([], [], color=INK, marker="o", fillstyle="none", markersize=11, linestyle="none", label="the best"),
        Line2D([], [], color=INK, marker="x", markersize=5, linestyle="none", label="surely not the best"),
    ]
    figure.legend(handles=[*_signals(colours), *marks], loc="outside lower left", ncols=4)
    return figure


def _betas(betas: Sequence[float]) -> dict[float, float]:
    """Return where each beta is: at its logarithm, and 0 a decade to the left of the others."""
    some = sorted(set(betas))
    positive = [math.log10(beta) for beta in some if beta > 0]
    left = min(positive, default=1.0) - 1
    return {beta: math.log10(beta) if beta > 0 else left for beta in some}


def _power(beta: float) -> str:
    """Write a beta: 0, 10⁻⁷, 0.2."""
    exponent = math.log10(beta) if beta > 0 else 0.5
    return f"10{str(round(exponent)).translate(SUPERSCRIPTS)}" if exponent == round(exponent) else f"{beta:g}"


def _point(ax: Axes, x: float, row: Row, colour: str) -> None:
    """Draw both areas of a beta, and a ring if it is the best."""
    for name, at, face in (("validation", x - 0.06, "white"), ("auc", x + 0.06, colour)):
        value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
        if value is not None:
            span = [[value - low], [high - value]]
            ax.errorbar(at, value, yerr=span, fmt="o", color=colour, markerfacecolor=face, markersize=4, linewidth=1)
    if row["best"]:
        ax.plot(x - 0.06, row["validation"], "o", color=colour, fillstyle="none", markersize=11)


def _crosses(ax: Axes, here: Sequence[Row], places: Mapping[float, float], colours: Mapping[str, str]) -> None:
    """Cross out, below all intervals, what is surely not the best, a line of crosses for each signal."""
    ends = [row[name] for row in here for name in ("validation_low", "auc_low", "validation_high", "auc_high")]
    low, high = (end([value for value in ends if value is not None] + [HALF]) for end in (min, max))
    step = (high - low) / 16
    crossed = unique(row["signal"] for row in here if row["perhaps"] is False)
    for row in here:
        if row["perhaps"] is False:
            y = low - step * (1 + crossed.index(row["signal"]))
            ax.plot(places[row["beta"]], y, "x", color=colours[row["signal"]], markersize=5)
    ax.set_ylim(low - step * (1 + len(crossed)), high + step)


def _title(row: Row) -> str:
    blocks = f", {integer(row['blocks'])} blocks" if row["blocks"] is not None else ""
    return f"{row['kind']}{blocks}, of {row['background']} jets"


@styled
def draw_medoids(table: Columns) -> Figure:
    """Draw the average jet and the medoids, a row of images per background and power of the ground distance."""
    lines = [one for one in unique(zip(table["background"], table["p"].tolist(), strict=True)) if one[1] == one[1]]
    norm = shares_norm(float(table["value"].max()))
    count = int(table["medoid"].max()) + 1
    across = min(count, ACROSS)
    down = -(-count // across)
    figure = Figure(figsize=(min(WIDTH, 1.5 + 1.4 * across), 0.7 + 1.6 * down * len(lines)))
    grid = figure.subplots(down * len(lines), across, squeeze=False, sharex=True, sharey=True)
    for axes, (background, p) in zip(grid.reshape(len(lines), -1), lines, strict=True):
        here = table["background"] == background
        for k, ax in enumerate(axes):
            if k >= count:
                ax.set_visible(False)
                continue
            one = here & (table["medoid"] == k) & ((table["p"] == p) if k else True)
            draw_jet(ax, {name: values[one] for name, values in table.items()}, norm)
            name = f"medoid: {percent(float(table['share'][one][0]))}" if k else "average jet"
            ax.set_title(f"{background}, p = {p:g}\n{name}" if k else f"{background}\n{name}", fontsize=7)
    draw_frame(figure, grid, norm)
    return figure


DRAW: Mapping[str, Callable[[Columns], Figure]] = {
    "anomaly": draw_anomaly,
    "differences": draw_differences,
    "roc": draw_roc,
    "sweep": draw_sweep,
    "medoids": draw_medoids,
}
