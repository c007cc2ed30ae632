"""The figures of the analyses `retention` and `embeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from gancensus.contracts.table import Columns
from gancensus.domains.selection.comparison import REAL
from gancensus.domains.selection.effects import is_log
from gancensus.domains.selection.trainings import ALL, RANDOM, TRUNCATION
from gancensus.plotting.numbers import Row, rows
from gancensus.plotting.style import HUES, INK, MARKERS, WIDTH, log_axis, panels, styled, unique

TITLES = {"fid": "FID, small is good"}
COLOURS = {ALL: INK, RANDOM: "#8a8a8a"}
SHARES = ("precision", "recall", "coverage")
DASHES = (0, (3, 2))
COLUMNS = 3


@styled
def draw_retention(table: Columns) -> Figure:
    """Draw a panel per metric with a line per score over the share kept, and one of recall against precision."""
    known = [row for row in rows(table) if row["value"] is not None]
    lines = [name for name in unique(row["kept_by"] for row in known) if name not in (REAL, ALL)]
    look = {name: (_colour(name, lines), MARKERS[k % len(MARKERS)]) for k, name in enumerate(lines)}
    metrics = unique(row["metric"] for row in known)
    figure = Figure(figsize=(WIDTH, 0.5 + 2.6 * -(-(len(metrics) + 1) // COLUMNS)))
    *axes, last = panels(figure, len(metrics) + 1, columns=COLUMNS)
    for ax, metric in zip(axes, metrics, strict=True):
        some = [row for row in known if row["metric"] == metric]
        _frame(ax, metric, some)
        for name, (colour, marker) in look.items():
            _line(ax, _curve(some, name), colour, marker)
        ax.set_xlim(1.05, 0)
        ax.xaxis.set_major_formatter(PercentFormatter(1))
        ax.set_xlabel("kept")
    _trade_off(last, known, look)
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=5, label=_named(name))
        for name, (colour, marker) in look.items()
    ]
    figure.legend(handles=[*handles, _reference()], loc="outside lower left", ncols=4)
    return figure


@styled
def draw_embeddings(table: Columns) -> Figure:
    """Draw a panel per metric, with the scores in the space of each encoder side by side."""
    known = [row for row in rows(table) if row["value"] is not None]
    places = unique(_place(row) for row in known if row["score"] != REAL)
    scores = unique(row["score"] for row in known if row["score"] not in (REAL, ALL))
    metrics = unique(row["metric"] for row in known)
    figure = Figure(figsize=(WIDTH, 0.5 + 3.2 * -(-len(metrics) // COLUMNS)))
    for ax, metric in zip(panels(figure, len(metrics), columns=COLUMNS), metrics, strict=True):
        some = [row for row in known if row["metric"] == metric]
        _frame(ax, metric, some)
        for row in some:
            if row["score"] != REAL:
                colour = _colour(row["score"], scores)
                _line(ax, [(places.index(_place(row)), row)], colour, "o")
        ax.set_xticks(range(len(places)), places, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_xlim(-0.6, len(places) - 0.4)
        ax.grid(visible=False, axis="x")
    figure.legend(handles=[_reference()], loc="outside lower left")
    return figure


def _frame(ax: Axes, metric: str, some: Sequence[Row]) -> None:
    """Name a panel, cut it where values end, and draw what real samples have."""
    ax.set_title(TITLES.get(metric, metric))
    for row in some:
        if row["kept_by" if "kept_by" in row else "score"] == REAL:
            ax.axhline(row["value"], color=INK, linestyle=DASHES, linewidth=1.2)
    if metric in SHARES:
        ax.set_ylim(0, 1.02)
    elif metric.startswith("support"):
        ends = [value for row in some for value in (row["low"], row["value"], row["high"]) if value]
        log_axis(ax, min(ends) / 1.2, 1.2 * max(ends), "y")
    elif is_log(metric):
        ax.set_ylim(0, 1.1 * max(row["high"] or row["value"] for row in some))


def _curve(some: Sequence[Row], name: str) -> list[tuple[float, Row]]:
    """Return the points of a line, from all samples down."""
    points = [(float(row["keep"]), row) for row in some if row["kept_by"] in (name, ALL)]
    return sorted(points, key=lambda point: -point[0])


def _line(ax: Axes, points: Sequence[tuple[float, Row]], colour: str, marker: str) -> None:
    """Draw values with their intervals, joined by a line."""
    x, y = [at for at, _ in points], [row["value"] for _, row in points]
    down = [row["value"] - _or(row["low"], row["value"]) for _, row in points]
    up = [_or(row["high"], row["value"]) - row["value"] for _, row in points]
    ax.errorbar(x, y, yerr=[down, up], color=colour, marker=marker, markersize=4, linewidth=1.2, capsize=2)


def _trade_off(ax: Axes, known: Sequence[Row], look: dict[str, tuple[str, str]]) -> None:
    """Draw recall against precision."""
    ax.set(title="recall against precision", xlabel="precision", ylabel="recall", xlim=(0, 1.02), ylim=(0, 1.02))
    pairs = {
        metric: {(row["kept_by"], row["keep"]): row for row in known if row["metric"] == metric}
        for metric in ("precision", "recall")
    }
    for name, (colour, marker) in look.items():
        at = sorted((key for key in pairs["precision"] if key[0] in (name, ALL)), key=lambda key: -key[1])
        x, y = ([pairs[metric][key]["value"] for key in at] for metric in ("precision", "recall"))
        ax.plot(x, y, color=colour, marker=marker, markersize=4, linewidth=1.2)


def _or(value: Any, other: float) -> float:
    return other if value is None else float(value)


def _colour(name: str, lines: Sequence[str]) -> str:
    """Return the colour of a score."""
    scores = [line for line in lines if line not in COLOURS]
    return COLOURS.get(name) or HUES[scores.index(name) % len(HUES)]


def _named(name: str) -> str:
    return {RANDOM: "as many random ones", TRUNCATION: "truncated latent"}.get(name, f"densest by {name}")


def _place(row: Row) -> str:
    return row["score"] if row["encoder"] is None else f"{row['score']} in {row['encoder']}"


def _reference() -> Line2D:
    return Line2D([], [], color=INK, linestyle=DASHES, label="real training samples in their place")
