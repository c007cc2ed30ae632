"""The figures of the analysis `substructure`: its tables in, a matplotlib Figure out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from gancensus.census.support import REFERENCE
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import Row, integer, rows, unit
from gancensus.plotting.style import (
    INK,
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
DECADES = 5  # below the brightest pixel that colours show
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
    """Draw a column per class: one jet before and after the source prepared it, and the averages of several."""
    classes = unique(table["class"])
    known = set(zip(table["picture"], table["stage"], strict=True))
    kinds = [kind for kind in PICTURES if kind in known]
    if not kinds:
        return empty("no jets")
    brightest = float(table["value"].max())
    faintest = brightest / 10**DECADES
    norm = LogNorm(faintest, brightest)
    figure = Figure(figsize=(min(WIDTH, 2.4 * len(classes) + 1.4), 0.5 + 2.25 * len(kinds)))
    axes = figure.subplots(len(kinds), len(classes), squeeze=False, sharex=True, sharey=True)
    for line, (picture, stage) in zip(axes, kinds, strict=True):
        for ax, name in zip(line, classes, strict=True):
            at = (table["class"] == name) & (table["picture"] == picture) & (table["stage"] == stage)
            drawn = _picture(ax, _where(table, at), norm)
        line[0].set_ylabel("φ (rad)")
    for ax in axes[-1]:
        ax.set_xlabel("η")
    bar = figure.colorbar(drawn, ax=axes, label="share of a jet's pT in a pixel", shrink=0.6, extend="min")
    log_axis(bar.ax, faintest, brightest, "y")
    return figure


def _picture(ax: Axes, some: Table, norm: LogNorm) -> Any:
    """Draw one picture, eta to the right and phi up; empty pixels stay white."""
    eta, phi = np.unique(some["eta"]), np.unique(some["phi"])
    values = some["value"].reshape(len(phi), len(eta))
    across, up = (float(at[-1] + (at[1] - at[0]) / 2) for at in (eta, phi))
    shown = ax.imshow(
        np.ma.masked_less_equal(values, 0),
        norm=norm,
        cmap=colormaps["viridis_r"].with_extremes(bad="white"),
        extent=(-across, across, -up, up),
        interpolation="nearest",
    )
    jets, stage = int(some["jets"][0]), some["stage"][0]
    what = "one jet" if some["picture"][0] == "one" else f"average of {integer(jets)}"
    ax.set_title(f"{some['class'][0]}, {stage}\n{what}", fontsize=8)
    ax.grid(visible=False)
    return shown


def _where(table: Columns, at: NDArray[Any]) -> Table:
    return {name: values[at] for name, values in table.items()}
