"""The figures of the analysis `physics`: its tables in, a matplotlib Figure out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from gancensus.contracts.samples import REFERENCE
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import short
from gancensus.plotting.style import (
    INK,
    LINES,
    PALE,
    REAL,
    WIDTH,
    Look,
    empty,
    log_axis,
    looks,
    panels,
    population_legend,
    styled,
    unique,
)

Floats = NDArray[np.float64]
Part = Mapping[str, NDArray[Any]]

NULL = "train"
TOO_FEW = "too few showers to judge"
DASHED = (0, (4, 2))
ENERGY = "primary energy (GeV)"
QUANTITIES = {
    "response": ("sampling fraction", "deposited / primary"),
    "resolution": ("resolution", "spread / mean of it"),
    "hits": ("hits", "cells above 300 keV"),
    "mean_x": ("position in x", "mean (cells)"),
    "mean_y": ("position in y", "mean (cells)"),
    "mean_z": ("depth, z", "mean (cells)"),
    "width_x": ("width in x", "standard deviation (cells)"),
    "width_y": ("width in y", "standard deviation (cells)"),
    "width_z": ("length, z", "standard deviation (cells)"),
    "angle": ("measured angle", "minus true, mean (°)"),
    "angle_spread": ("spread of the angle", "standard deviation (°)"),
}
TERMS = {
    "total": "total",
    "moments": "moments",
    "profiles": "profiles",
    "response": "sampling fraction",
    "angle": "measured angle",
}


@styled
def draw_ssim(table: Columns) -> Figure:
    """Draw SSIM over primary energy, a panel per angle: pairs of a population solid, pairs with holdout dashed."""
    populations, table = unique(table["population"]), _known(table, "ssim")
    angles, known = _numbers(table["angle"]), set(table["population"])
    if not known:
        return empty(TOO_FEW)
    every = [REFERENCE, *(name for name in populations if name != REFERENCE)]
    solid = {name: drawn._replace(line=LINES[0]) for name, drawn in looks(every).items()}  # lines show the comparison
    look = {name: drawn for name, drawn in solid.items() if name in known}
    columns = min(3, len(angles))
    lines = -(-len(angles) // columns)
    figure = Figure(figsize=(WIDTH, 0.7 + 3.0 * lines))
    axes = panels(figure, len(angles), columns)
    reach = _room(table["low"], table["high"])
    for k, (ax, angle) in enumerate(zip(axes, angles, strict=True)):
        here = _where(table, _same(table["angle"], angle))
        for comparison in ("mc-gan", "gan-gan", "mc-mc"):
            pairs = _where(here, here["comparison"] == comparison)
            for population in unique(pairs["population"]):
                some = _where(pairs, pairs["population"] == population)
                _draw_bins(ax, some, "ssim", look[population], len(look), dashed=comparison == "mc-gan")
        ax.set(xlabel=ENERGY, ylim=reach, title="" if math.isnan(angle) else f"{short(angle)}°")
        if k % columns == 0:
            ax.set_ylabel("SSIM of two showers, mean")
    styles = [
        Line2D([], [], color=INK, marker="o", markersize=4, label="pairs of the population"),
        Line2D([], [], color=INK, marker="o", markersize=4, mfc="white", linestyle=DASHED, label="pairs with holdout"),
    ]
    population_legend(figure, look, markers=True, others=styles)
    return figure


@styled
def draw_profiles(table: Columns) -> Figure:
    """Draw the mean profiles along x, y and z, and below each the ratio to holdout."""
    look = looks(unique(table["population"]))
    figure = Figure(figsize=(WIDTH, 4.6))
    grid = figure.subplots(2, 3, height_ratios=(3, 1.3), sharex="col", sharey="row")
    for axis, above, below in zip("xyz", *grid, strict=True):
        here = _where(table, table["axis"] == axis)
        for population, drawn in look.items():
            some = _where(here, here["population"] == population)
            _draw_steps(above, some, drawn)
        _draw_ratios(below, here, look)
        above.set_title(axis)
        below.set_xlabel(f"cell along {axis}")
        log_axis(above, *_log_reach(table["value"]), "y")
    grid[0, 0].set_ylabel("share of the energy, mean")
    grid[1, 0].set_ylabel("over holdout")
    population_legend(figure, look)
    return figure


@styled
def draw_response(table: Columns) -> Figure:
    """Draw a panel per quantity over primary energy."""
    every, table = looks(unique(table["population"])), _known(table, "value")
    look = {name: drawn for name, drawn in every.items() if name in set(table["population"])}
    known = [name for name in QUANTITIES if name in set(table["quantity"])]
    if not known:
        return empty(TOO_FEW)
    figure = Figure(figsize=(WIDTH, 0.5 + 2.1 * -(-len(known) // 3)))
    for k, (ax, name) in enumerate(zip(panels(figure, len(known), columns=3), known, strict=True)):
        here = _where(table, table["quantity"] == name)
        for population, drawn in look.items():
            _draw_bins(ax, _where(here, here["population"] == population), "value", drawn, len(look))
        title, label = QUANTITIES[name]
        ax.set(title=title, ylabel=label)
        ax.ticklabel_format(axis="y", useOffset=False)
        if k >= len(known) - 3:
            ax.set_xlabel(ENERGY)
        if name == "angle":
            ax.axhline(0, color=PALE, linewidth=0.8)
    population_legend(figure, look, markers=True)
    return figure


@styled
def draw_cells(table: Columns) -> Figure:
    """Draw the spectrum of cell energies and the distribution of hits, and below each the ratio to holdout."""
    look = looks(unique(table["population"]))
    figure = Figure(figsize=(WIDTH, 4.6))
    grid = figure.subplots(2, 2, height_ratios=(3, 1.3), sharex="col")
    for quantity, above, below in zip(("energy", "hits"), *grid, strict=True):
        here = _where(table, table["quantity"] == quantity)
        for population, drawn in look.items():
            some = _where(here, here["population"] == population)
            _draw_steps(above, some, drawn)
        _draw_ratios(below, here, look)
    (spectrum, hits), (spectrum_below, hits_below) = grid
    energies = _where(table, table["quantity"] == "energy")
    spectrum.set(title="cell energies", ylabel="cells of a shower, mean")
    if len(energies["value"]):  # else all showers are empty
        log_axis(spectrum, energies["bin_low"].min(), energies["bin_high"].max())
    log_axis(spectrum, *_log_reach(energies["value"]), "y")
    hits.set(title="cells above 300 keV", ylabel="share of showers", ylim=(0, None))
    spectrum_below.set(xlabel="energy of a cell (GeV)", ylabel="over holdout")
    hits_below.set_xlabel("cells above 300 keV in a shower")
    population_legend(figure, look)
    return figure


@styled
def draw_score(table: Columns) -> Figure:
    """Draw the mean of each term by population, with its null value, and below the total by energy and angle."""
    every = [name for name in unique(table["population"]) if name != NULL]
    table = _known(table, "value")
    known = set(table["population"])
    if not known:
        return empty(TOO_FEW)
    mean = np.isnan(table["energy"])
    overall, inside = _where(table, mean), _where(table, ~mean & (table["term"] == "total"))
    look = {name: drawn for name, drawn in looks([NULL, *every]).items() if name in known}
    populations = [name for name in every if name in known]
    terms = [term for term in TERMS if term in set(overall["term"])]  # none where no bin is common to all
    angles = _numbers(inside["angle"])
    figure = Figure(figsize=(WIDTH, 5.4 if terms else 2.7))
    grid = figure.add_gridspec(2 if terms else 1, 1)
    upper, lower = grid[0].subgridspec(1, max(1, len(terms))), grid[-1].subgridspec(1, len(angles))
    above = [figure.add_subplot(upper[k]) for k in range(len(terms))]
    below = [figure.add_subplot(lower[k]) for k in range(len(angles))]
    for ax, term in zip(above, terms, strict=True):
        _draw_term(ax, _where(overall, overall["term"] == term), populations, look)
    for ax, angle in zip(below, angles, strict=True):
        _draw_totals(ax, _where(inside, _same(inside["angle"], angle)), np.unique(inside["energy"]), look)
        ax.set_title("total" if math.isnan(angle) else f"total, {short(angle)}°")
        log_axis(ax, *_log_reach(inside["value"]), "y")
    below[0].set_ylabel("sum of relative errors")
    for ax in above[:1]:
        ax.set_ylabel("relative error, mean")
    null = Line2D([], [], color=REAL[NULL], linestyle=DASHED, label="null value: train in their place")
    population_legend(
        figure, {name: look[name] for name in populations}, markers=True, others=[null] if NULL in known else []
    )
    return figure


def _draw_totals(ax: Axes, here: Part, energies: Floats, look: Mapping[str, Look]) -> None:
    """Draw the sum of the terms at one angle over the bins of primary energy."""
    step = float(np.diff(energies).min() if len(energies) > 1 else energies[0]) / (2 * len(look))
    for p, (population, drawn) in enumerate(look.items()):
        shift = step * (p - len(look) / 2) if population != NULL else None
        _draw_score_bins(ax, _where(here, here["population"] == population), drawn, shift)
    ax.set(xlabel=ENERGY, xticks=energies)


def _draw_term(ax: Axes, here: Part, populations: Sequence[str], look: Mapping[str, Look]) -> None:
    """Draw a term of the score, a point per population."""
    for name, value, low, high in zip(*(here[k] for k in ("population", "value", "low", "high")), strict=True):
        if name == NULL:
            ax.axhline(value, color=look[name].colour, linestyle=DASHED, linewidth=1.3)
            ax.axhspan(low, high, color=look[name].colour, alpha=0.2, linewidth=0)
        else:
            span = [[value - low], [high - value]]
            colour, _, marker = look[name]
            ax.errorbar(populations.index(name), value, yerr=span, fmt=marker, color=colour, markersize=5, capsize=3)
    ax.set(title=TERMS[here["term"][0]], xlim=(-0.7, len(populations) - 0.3), ylim=(0, None), xticks=[])
    ax.grid(visible=False, axis="x")


def _draw_score_bins(ax: Axes, here: Part, look: Look, shift: float | None) -> None:
    """Draw the total over the bins of primary energy: points side by side; for the null value, a line."""
    x, value, low, high = (here[name] for name in ("energy", "value", "low", "high"))
    if shift is None:
        ax.fill_between(x, low, high, color=look.colour, alpha=0.2, linewidth=0)
        ax.plot(x, value, color=look.colour, linestyle=DASHED, linewidth=1.3)
    else:
        ax.errorbar(
            x + shift,
            value,
            yerr=[value - low, high - value],
            fmt=look.marker,
            color=look.colour,
            markersize=5,
            capsize=2,
            linewidth=1.3,
        )


def _draw_bins(ax: Axes, some: Part, name: str, look: Look, count: int, dashed: bool = False) -> None:
    """Draw values with their intervals at the middle of their bins of energy."""
    x = (some["energy_low"] + some["energy_high"]) / 2
    real = look.colour == REAL[REFERENCE]
    ax.fill_between(x, some["low"], some["high"], color=look.colour, alpha=min(0.15, 1 / count), linewidth=0)
    ax.plot(
        x,
        some[name],
        color=look.colour,
        linestyle=DASHED if dashed else look.line,
        linewidth=1.4,
        marker=look.marker,
        markersize=4,
        markerfacecolor="white" if dashed else look.colour,
        zorder=2.5 if real else 2,
    )


def _draw_steps(ax: Axes, some: Part, look: Look) -> None:
    """Draw values as steps over their bins, with their intervals; broken where a bin is missing."""
    left, right = _edges(some)
    known = some["value"] > 0  # the axis may be logarithmic
    x = np.stack([left, right, right], axis=1)
    middle, low, high = (np.where(known, some[end], np.nan) for end in ("value", "low", "high"))
    gap = np.append(left[1:] != right[:-1], False)
    y = np.stack([middle, middle, np.where(gap, np.nan, middle)], axis=1)
    zorder = 2.5 if look.colour == REAL[REFERENCE] else 2
    ax.plot(x.ravel(), y.ravel(), color=look.colour, linestyle=look.line, linewidth=1.2, zorder=zorder)
    edges = np.stack([left, right], axis=1).ravel()
    ax.fill_between(edges, np.repeat(low, 2), np.repeat(high, 2), color=look.colour, alpha=0.15, linewidth=0)


def _draw_ratios(ax: Axes, here: Part, look: Mapping[str, Look]) -> None:
    """Draw the populations over holdout bin by bin; relative errors add in quadrature."""
    real = _where(here, here["population"] == REFERENCE)
    place = {left: k for k, left in enumerate(_edges(real)[0].tolist()) if real["value"][k] > 0}
    for population, drawn in look.items():
        some = _where(here, here["population"] == population)
        some = _where(some, np.array([left in place for left in _edges(some)[0].tolist()], dtype=np.bool_))
        if population != REFERENCE and len(some["value"]):
            below = _where(real, np.array([place[left] for left in _edges(some)[0].tolist()]))
            ratio = some["value"] / below["value"]
            reach = np.hypot(_reach(some) / below["value"], ratio * _reach(below) / below["value"])
            _draw_steps(ax, {**some, "value": ratio, "low": ratio - reach, "high": ratio + reach}, drawn)
    ax.axhline(1, color=REAL[REFERENCE], linewidth=1.2)
    ax.set_ylim(0.5, 1.5)


def _reach(some: Part) -> Floats:
    return np.asarray((some["high"] - some["low"]) / 2)


def _edges(some: Part) -> tuple[Floats, Floats]:
    """Return where the bins of a table begin and end."""
    if "position" in some:
        at = some["position"].astype(np.float64)
        return at - 0.5, at + 0.5
    return some["bin_low"], some["bin_high"]


def _where(table: Columns, rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {name: values[rows] for name, values in table.items()}


def _known(table: Columns, name: str) -> dict[str, NDArray[Any]]:
    """Return the lines that have a value; the others have too few showers for one."""
    return _where(table, ~np.isnan(table[name]))


def _numbers(column: Floats) -> list[float]:
    """Return the different numbers of a column, NaN the last."""
    return [float(value) for value in np.unique(column)]


def _same(column: Floats, value: float) -> NDArray[np.bool_]:
    return np.isnan(column) if math.isnan(value) else column == value


def _log_reach(values: Floats) -> tuple[float, float]:
    """Return the ends of a logarithmic axis of values."""
    positive = values[values > 0]
    return (float(positive.min()) / 2, float(positive.max()) * 2) if len(positive) else (0.1, 10.0)


def _room(low: Floats, high: Floats) -> tuple[float, float]:
    """Return the ends of an axis of intervals, with a little room."""
    start, end = float(np.nanmin(low)), float(np.nanmax(high))
    room = max(end - start, 1e-3) / 20
    return start - room, end + room
