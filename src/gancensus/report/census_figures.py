"""The figures of the census: its tables in, a matplotlib Figure out, the same bytes for the same content.

A population keeps its colour in every figure: held-out samples are black, training samples grey, each generator has a
hue of its own (Okabe & Ito's, which colour-blind readers tell apart), and its replicas differ in line and marker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gancensus.census.measured import SHARE
from gancensus.contracts.samples import REFERENCE
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import integer, interval, rows
from gancensus.plotting.style import (
    INK,
    PALE,
    UNBOUNDED,
    WIDTH,
    Look,
    draw_bound,
    empty,
    log_axis,
    looks,
    panels,
    population_legend,
    styled,
    unique,
)
from gancensus.report.sentences import chained, verdict
from gancensus.statistics.estimate import Estimate


@styled
def draw_birthday(curve: Columns, support: Columns) -> Figure:
    """Draw the probability of a duplicate by batch size, a panel per definition, from the two tables of the census."""
    definitions, populations = unique(support["definition"]), unique(support["population"])
    look = looks(populations)
    half = {(row["definition"], row["population"]): row["batch_half"] for row in rows(support)}
    height = max(2.9, 0.9 + 0.21 * len(populations))
    figure = Figure(figsize=(WIDTH, height * len(definitions)))
    for ax, definition in zip(panels(figure, len(definitions)), definitions, strict=True):
        ax.set_title(definition)
        ax.axhline(0.5, color=PALE, linewidth=0.8, linestyle=(0, (4, 3)))
        handles = []
        for population in populations:
            here = (curve["definition"] == definition) & (curve["population"] == population)
            batch, middle, low, high = (np.insert(curve[name][here], 0, start) for name, start in _CURVE.items())
            colour, line, marker = look[population]
            ax.fill_between(batch, low, high, color=colour, alpha=min(0.15, 1 / len(populations)), linewidth=0)
            ax.plot(batch, middle, color=colour, linestyle=line, linewidth=1.6)
            reached = half[definition, population]
            if reached is not None:
                at = np.interp(reached, batch, middle)
                ax.plot(reached, at, marker, color=colour, markersize=6, markeredgecolor="white", clip_on=False)
            label = f"{population}:  {'none found' if reached is None else integer(reached)}"
            handles.append(Line2D([], [], color=colour, linestyle=line, marker=marker, label=label))
        title = "smallest batch with P > ½"
        ax.legend(handles=handles, title=title, loc="upper left", bbox_to_anchor=(1.01, 1.0), alignment="left")
        ax.set(ylim=(0, 1.02), ylabel="probability of a duplicate", xlabel="batch size (samples)")
        log_axis(ax, 1, max(4, curve["batch"].max()))
    return figure


_CURVE = {"batch": 1, "probability": 0, "probability_low": 0, "probability_high": 0}  # a batch of one has no pair


@styled
def draw_coverage(tables: Mapping[str, Columns]) -> Figure:
    """Draw the coverage of populations by themselves, a panel per definition.

    tables: by generated population its own curves, and those of the held-out samples at its radius: of populations of
    many samples these are the same, and drawn once.
    """
    look = looks([REFERENCE, *tables])
    definitions = list(dict.fromkeys(name for table in tables.values() for name in table["definition"]))
    if not definitions:
        return empty("no population was measured beside the held-out samples")
    figure = Figure(figsize=(WIDTH, 2.9 * len(definitions) + 0.3))
    for ax, definition in zip(panels(figure, len(definitions)), definitions, strict=True):
        last, drawn = 4, set()
        for table in tables.values():
            for population in unique(table["population"]):
                here = (table["definition"] == definition) & (table["population"] == population)
                batch, middle, low, high = (table[name][here] for name in ("batch", "coverage", "low", "high"))
                if (curve := (population, middle.tobytes())) in drawn:
                    continue
                drawn.add(curve)
                colour, line, _ = look[population]
                ax.fill_between(batch, low, high, color=colour, alpha=0.15, linewidth=0)
                ax.plot(batch, middle, color=colour, linestyle=line, linewidth=1.6)
                last = max(last, int(batch[-1]))
        ax.axhline(SHARE, color=PALE, linewidth=0.8, linestyle=":")
        ax.set_title(definition)
        ax.set(ylim=(0, 1.02), ylabel="share with a near sample", xlabel="among this many others")
        log_axis(ax, 1, last)
    population_legend(figure, look)
    return figure


@styled
def draw_support(support: Columns) -> Figure:
    """Draw the effective support of each population with its interval and verdict, a panel per definition."""
    definitions, populations = unique(support["definition"]), unique(support["population"])
    look = looks(populations)
    height = 0.85 + 0.27 * len(populations)
    figure = Figure(figsize=(WIDTH, height * len(definitions)))
    grid = figure.subplots(len(definitions), 2, sharey=True, width_ratios=(9, 5), squeeze=False)
    ends = [value for end in ("", "_low", "_high") for value in support[f"effective_support{end}"]]
    for (ax, words), definition in zip(grid, definitions, strict=True):
        ax.set_title(definition)
        words.set_axis_off()
        for y, row in enumerate(row for row in rows(support) if row["definition"] == definition):
            _draw_count(ax, y, row, look[row["population"]])
            _write_count(words, y, row)
        ax.set(ylim=(len(populations) - 0.4, -0.6), xlabel="effective support (samples)")
        ax.set_yticks(range(len(populations)), populations)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        log_axis(ax, max(0.8, np.nanmin(ends) / 1.5), np.nanmax(ends) * 2)
    return figure


def _draw_count(ax: Axes, y: int, row: Mapping[str, Any], look: Look) -> None:
    """Draw one population's effective support: an interval, or an arrow from its bound."""
    value, low, high = (row[f"effective_support{end}"] for end in ("", "_low", "_high"))
    if value is None:
        draw_bound(ax, low, y, (30, 0), look.colour)
    else:
        span = [[value - low], [high - value]]
        ax.errorbar(value, y, xerr=span, fmt=look.marker, color=look.colour, markersize=5.5, capsize=3, linewidth=1.6)
    if row["population"] == REFERENCE:
        ax.axvspan(low, UNBOUNDED if high is None else high, color="black", alpha=0.08, linewidth=0)


def _write_count(ax: Axes, y: int, row: Mapping[str, Any]) -> None:
    """Write one population's effective support and its verdict."""
    value, reach = interval(row, "effective_support")
    ax.text(0, y, f"{value}  ({reach})" if reach else value, va="center", color=INK)
    ax.text(0.7, y, verdict(row), va="center")


HILL = {"richness": "richness (Chao1)\norder 0", "shannon": "Shannon\norder 1", "simpson": "Simpson\norder 2"}


@styled
def draw_diversity(diversity: Columns) -> Figure:
    """Draw the Hill numbers of order 0, 1 and 2 of each population, hollow where kinds are chains, by definition."""
    definitions, populations = unique(diversity["definition"]), unique(diversity["population"])
    look = looks(populations)
    shown = [row for row in rows(diversity) if row["quantity"] in HILL]
    chains = chained(rows(diversity))
    ends = [row[end] for row in shown for end in ("value", "low", "high") if row[end] is not None]
    figure = Figure(figsize=(WIDTH, 0.4 + 3.1 * -(-len(definitions) // 2)))
    for ax, definition in zip(panels(figure, len(definitions), columns=2), definitions, strict=True):
        ax.set_title(definition)
        for row in shown:
            if row["definition"] == definition:
                place = (populations.index(row["population"]) + 0.5) / len(populations) - 0.5
                x = list(HILL).index(row["quantity"]) + 0.7 * place
                hollow = row["population"] in chains.get(definition, [])
                _draw_point(ax, x, Estimate(row["value"], row["low"], row["high"]), look[row["population"]], hollow)
        ax.set_xticks(range(len(HILL)), HILL.values())
        ax.set(xlim=(-0.5, len(HILL) - 0.5), ylabel="kinds of samples")
        ax.tick_params(axis="x", length=0)
        ax.grid(visible=False, axis="x")
        log_axis(ax, min(ends) / 1.5, max(ends) * 4, "y")
    population_legend(figure, look, markers=True)
    return figure


def _draw_point(ax: Axes, x: float, estimate: Estimate, look: Look, hollow: bool) -> None:
    """Draw a value with its interval, or an arrow up from its bound."""
    value, low, high = estimate
    if value is not None and low is not None and high is not None:
        span = [[value - low], [high - value]]
        drawn = ax.errorbar(
            x, value, yerr=span, fmt=look.marker, color=look.colour, markersize=5.5, capsize=3, linewidth=1.4
        )
        drawn[0].set_markerfacecolor("white" if hollow else look.colour)
    elif low is not None:
        draw_bound(ax, x, low, (0, 22), look.colour)
