"""The figures of the sweep over thresholds and metrics, and of the scales."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gancensus.contracts.samples import REFERENCE
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import SUPERSCRIPTS, integer, rows
from gancensus.plotting.style import (
    INK,
    LINES,
    WIDTH,
    Look,
    draw_bound,
    log_axis,
    looks,
    panels,
    population_legend,
    styled,
    unique,
)
from gancensus.report.sentences import cuts, informative_alpha
from gancensus.statistics.estimate import Estimate


@styled
def draw_sweep(sweep: Columns, margin: float) -> Figure:
    """Draw effective support over alpha, and ratios to the held-out samples: by subset of metrics, or over alpha."""
    lines, shown = rows(sweep), cuts(unique(sweep["metrics"]))
    populations = unique(sweep["population"])
    look = looks(populations)
    steps = len(shown) * (0.18 + 0.13 * (len(populations) - 1)) if len(shown) > 1 else 0.0
    figure = Figure(figsize=(WIDTH, max(4.0, 1.2 + steps)))
    left, right = figure.subplots(1, 2)
    whole = [row for row in lines if row["metrics"] == shown["all metrics"]]
    independent = _draw_supports(left, whole, look)
    left.set_title(lines[0]["definition"])
    if steps > 3:  # the right panel is tall; the left one need not be
        left.set_box_aspect(0.82)
        left.set_anchor("N")
    if len(shown) == 1:
        _draw_ratio_by_alpha(right, whole, look, margin)
    else:
        _draw_ratio_by_cut(right, lines, shown, look, margin)
    population_legend(figure, look, markers=True, others=[independent])
    return figure


def _draw_supports(ax: Axes, whole: Sequence[Mapping[str, Any]], look: Mapping[str, Look]) -> Line2D:
    """Draw the effective support of each population over alpha, and return the line of independent metrics."""
    alphas = sorted({row["alpha"] for row in whole})
    independent = {row["alpha"]: row["independent"] for row in whole}
    least = alphas[0]  # 1 where there is only one real pair
    metrics = round(math.log(independent[least]) / math.log(least)) if least < 1 else 1
    ends = [1 / independent[alphas[-1]]]
    for population, drawn in look.items():
        found = {row["alpha"]: _support(row) for row in whole if row["population"] == population}
        _draw_band(ax, found, drawn, len(look))
        ends += [end for estimate in found.values() for end in estimate if end is not None]
    label = "1/alpha, by construction"
    if metrics > 1:
        label = f"alpha{str(-metrics).translate(SUPERSCRIPTS)}, if the metrics were independent"
    expected = [1 / independent[alpha] for alpha in alphas]
    (line,) = ax.plot(alphas, expected, color=INK, linestyle=LINES[2], linewidth=1.2, label=label, zorder=1)
    ax.set(xlabel="alpha: share of real pairs within each threshold", ylabel="effective support (samples)")
    log_axis(ax, alphas[0] / 1.25, alphas[-1] * 1.25)
    log_axis(ax, min(ends) / 1.5, max(ends) * 4, "y")
    return line


def _support(row: Mapping[str, Any]) -> Estimate:
    """Return the effective support of a row of a sweep; only a bound where nothing was found."""
    if not row["collision"]:
        return Estimate(None, 1 / row["collision_high"], None)
    return Estimate(1 / row["collision"], 1 / row["collision_high"], 1 / row["collision_low"])


def _draw_band(ax: Axes, found: Mapping[float, Estimate], look: Look, count: int) -> None:
    """Draw estimates over x as a line with a band, and arrows from their bounds where there is no interval."""
    drawn = np.array([(x, *estimate) for x, estimate in found.items() if estimate.value], dtype=np.float64)
    x, middle, low, high = drawn.reshape(-1, 4).T
    ax.fill_between(x, low, high, color=look.colour, alpha=min(0.15, 1 / count), linewidth=0)
    ax.plot(x, middle, color=look.colour, linestyle=look.line, marker=look.marker, markersize=4, linewidth=1.5)
    for at, (value, below, above) in found.items():
        if value is None and below is not None:
            draw_bound(ax, at, below, (0, 18), look.colour)
        elif value == 0 and above is not None:
            draw_bound(ax, at, above, (0, -18), look.colour)


def _draw_ratio_by_alpha(ax: Axes, whole: Sequence[Mapping[str, Any]], look: Mapping[str, Look], margin: float) -> None:
    """Draw the ratio of each generated population over alpha."""
    ratios = {
        population: {row["alpha"]: _ratio(row) for row in whole if row["population"] == population}
        for population in look
        if population != REFERENCE
    }
    ax.axhspan(1 / margin, margin, color="black", alpha=0.06, linewidth=0)
    ax.axhline(1, color="black", linewidth=0.9)
    for population, found in ratios.items():
        _draw_band(ax, found, look[population], len(look))
    alphas = sorted({row["alpha"] for row in whole})
    ax.set(title="collisions over those of holdout", xlabel="alpha: share of real pairs within each threshold")
    log_axis(ax, alphas[0] / 1.25, alphas[-1] * 1.25)
    log_axis(ax, *_reach([e for found in ratios.values() for e in found.values()], margin), "y")


def _draw_ratio_by_cut(
    ax: Axes,
    sweep: Sequence[Mapping[str, Any]],
    shown: Mapping[str, str],
    look: Mapping[str, Look],
    margin: float,
) -> None:
    """Draw the ratio of each generated population at one alpha, by subset of the metrics."""
    alpha, informative = informative_alpha(sweep, shown["all metrics"])
    generated = [population for population in look if population != REFERENCE]
    here = {(r["metrics"], r["population"]): _ratio(r) for r in sweep if r["alpha"] == alpha}
    _draw_margin(ax, margin, len(shown))
    for k, metrics in enumerate(shown.values()):
        for g, population in enumerate(generated):
            y = k + 0.8 * ((g + 0.5) / len(generated) - 0.5)
            _draw_ratio(ax, y, here[metrics, population], look[population])
    ax.set_title(f"at alpha = {alpha:g}{'' if informative else ', the largest'}")
    ax.set(ylim=(len(shown) - 0.5, -0.5), xlabel="collisions over those of holdout")
    ax.set_yticks(range(len(shown)), shown)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    drawn = [here[metrics, population] for metrics in shown.values() for population in generated]
    log_axis(ax, *_reach(drawn, margin))


@styled
def draw_scales(scales: Columns, margin: float) -> Figure:
    """Draw the ratio of every population to the held-out samples at each scale, a panel per definition with scales."""
    scaled = [row for row in rows(scales) if row["scale"] is not None]
    definitions, names = unique(row["definition"] for row in scaled), unique(row["scale"] for row in scaled)
    look = looks(unique(row["population"] for row in scaled))
    others = [population for population in look if population != REFERENCE]
    figure = Figure(figsize=(WIDTH, (0.9 + len(names) * (0.25 + 0.16 * len(others))) * len(definitions) + 0.3))
    ends = _reach([_ratio(row) for row in scaled], margin)
    for ax, definition in zip(panels(figure, len(definitions)), definitions, strict=True):
        here = {(row["scale"], row["population"]): row for row in scaled if row["definition"] == definition}
        _draw_margin(ax, margin, len(names))
        for k, scale in enumerate(names):
            for g, population in enumerate(others):
                y = k + 0.8 * ((g + 0.5) / len(others) - 0.5)
                _draw_ratio(ax, y, _ratio(here[scale, population]), look[population])
        held = [f"{scale}\n{integer(here[scale, REFERENCE]['duplicates'])} of holdout" for scale in names]
        ax.set_title(definition)
        ax.set(ylim=(len(names) - 0.5, -0.5), xlabel="collisions over those of holdout")
        ax.set_yticks(range(len(names)), held)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        log_axis(ax, *ends)
    population_legend(figure, {population: look[population] for population in others}, markers=True)
    return figure


def _draw_margin(ax: Axes, margin: float, count: int) -> None:
    """Draw the margin around a ratio of 1, and lines between so many rows of ratios."""
    ax.axvspan(1 / margin, margin, color="black", alpha=0.06, linewidth=0)
    ax.axvline(1, color="black", linewidth=0.9)
    for k in range(count):
        ax.axhline(k + 0.5, color="#ebebeb", linewidth=0.8, zorder=0)


def _ratio(row: Mapping[str, Any]) -> Estimate:
    return Estimate(row["ratio"], row["ratio_low"], row["ratio_high"])


def _draw_ratio(ax: Axes, y: float, ratio: Estimate, look: Look) -> None:
    """Draw a ratio with its interval, or an arrow from its bound, or that nothing is known."""
    value, low, high = ratio
    if value and low is not None and high is not None:
        span = [[value - low], [high - value]]
        ax.errorbar(value, y, xerr=span, fmt=look.marker, color=look.colour, markersize=4, capsize=2, linewidth=1.4)
    elif value is None and low is not None:
        draw_bound(ax, low, y, (22, 0), look.colour)
    elif value == 0 and high is not None:
        draw_bound(ax, high, y, (-22, 0), look.colour)
    else:
        ax.text(1, y, " no duplicates", color=look.colour, va="center", fontsize=7)


def _reach(ratios: Sequence[Estimate], margin: float) -> tuple[float, float]:
    """Return the ends of an axis of ratios: all intervals, and the margin."""
    ends = [1 / margin, margin, *(end for ratio in ratios for end in ratio if end)]
    return min(ends) / 1.4, max(ends) * 1.4
