"""The figures of the analysis `correlation`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from gancensus.contracts.table import Columns
from gancensus.domains.jets.correlation import IMAGE, LATENT, RECONSTRUCTION
from gancensus.domains.jets.correlation_words import decimal, target_name
from gancensus.plotting.numbers import Row, rows
from gancensus.plotting.style import INK, WIDTH, log_axis, panels, short, styled, unique

COLOURS = "Blues"
DARK = 0.55  # correlations above are written in white
PIXELS = "pixels"
TITLES = {
    (IMAGE, True): "MSE",
    (IMAGE, False): "root of MSE",
    (RECONSTRUCTION, True): "reconstruction\nMSE",
    (RECONSTRUCTION, False): "reconstruction\nroot of MSE",
}
ROW, HEAD = 0.42, 0.6  # inches of a row of cells, and of the title above them

Place = tuple[str, bool]


@styled
def draw_correlations(table: Columns) -> Figure:
    """Draw a panel per transport distance: networks by layers, each cell with number, interval and published number."""
    known = [row for row in rows(table) if _shown(row)]
    names = unique(_network(row) for row in known)
    places = sorted({_place(row) for row in known}, key=_order)
    targets = unique(target_name(row) for row in known)
    figure = Figure(figsize=(WIDTH, 0.7 + len(targets) * (HEAD + ROW * len(names))))
    axes = panels(figure, len(targets))
    for ax, target in zip(axes, targets, strict=True):
        shown = _draw_cells(ax, [row for row in known if target_name(row) == target], names, places)
        ax.set_title(f"transport with {target}")
    figure.colorbar(shown, ax=axes, location="bottom", shrink=0.4, aspect=40, pad=0.01, label="Pearson correlation")
    return figure


@styled
def draw_pairs(table: Columns) -> Figure:
    """Draw a row of panels per space, a panel per transport distance: how many pairs are where."""
    every = rows(table)
    spaces = list(dict.fromkeys((row["layer"], row["network"]) for row in every))
    targets = unique(target_name(row) for row in every)
    figure = Figure(figsize=(WIDTH, 0.8 + 2.4 * len(spaces)))
    axes = panels(figure, len(spaces) * len(targets), columns=len(targets))
    most = max(2, *(row["pairs"] for row in every))
    for ax, (space, target) in zip(axes, [(s, t) for s in spaces for t in targets], strict=True):
        some = [row for row in every if (row["layer"], row["network"]) == space and target_name(row) == target]
        shown = _draw_histogram(ax, some, LogNorm(1, most))
        r = "not defined" if some[0]["pearson"] is None else decimal(some[0]["pearson"])
        ax.set_title(f"{short(space[1] or PIXELS, 30)}, {target}: r = {r}", fontsize=8)
        ax.set_xlabel("distance of latent vectors" if space[0] == LATENT else "MSE, sum over pixels")
        ax.set_ylabel(("$W_p$" if some[0]["root"] else "$W_p^p$") if target == targets[0] else "")
    bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.4, aspect=40, pad=0.01, label="pairs in a bin")
    log_axis(bar.ax, 1, most)
    return figure


def _shown(row: Row) -> bool:
    """Return whether a row is of pixels or the mean of a network."""
    return row["encoder"] is None and row["question"] is None


def _network(row: Row) -> str:
    return row["network"] or PIXELS


def _place(row: Row) -> Place:
    return row["layer"], row["squared"]


def _order(place: Place) -> tuple[int, str, bool]:
    """Return the rank of a column: pixels, blocks, latent, reconstruction; squared ones first."""
    layer, squared = place
    return {IMAGE: 0, LATENT: 2, RECONSTRUCTION: 3}.get(layer, 1), layer, not squared


def _draw_cells(ax: Axes, some: Sequence[Row], names: Sequence[str], places: Sequence[Place]) -> AxesImage:
    """Draw the correlations with one transport distance."""
    values = np.full((len(names), len(places)), np.nan)
    for row in some:
        i, j = names.index(_network(row)), places.index(_place(row))
        if row["pearson"] is None:
            ax.text(j, i, "not defined", ha="center", va="center", fontsize=6)
        else:
            values[i, j] = row["pearson"]
            _write(ax, row, i, j)
    ax.set_xticks(range(len(places)), [TITLES.get(place, place[0].replace("block", "block ")) for place in places])
    ax.set_yticks(range(len(names)), [short(name, 30) for name in names])
    ax.tick_params(length=0, labelsize=7)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax.imshow(np.ma.masked_invalid(values), cmap=COLOURS, vmin=0, vmax=1, interpolation="none", aspect="auto")


def _write(ax: Axes, row: Row, i: int, j: int) -> None:
    """Write a correlation into its cell, its interval below, and the published number beside it."""
    colour = "white" if row["pearson"] > DARK else INK
    published = row["published"] is not None
    ax.text(j - 0.12 * published, i - 0.18, decimal(row["pearson"]), ha="center", va="center", color=colour, fontsize=8)
    if published:
        said = decimal(row["published"])
        ax.text(j + 0.25, i - 0.18, said, ha="center", va="center", color=colour, fontsize=7, style="italic")
    if row["pearson_low"] is not None:
        ends = f"{decimal(row['pearson_low'])} to {decimal(row['pearson_high'])}"
        ax.text(j, i + 0.22, ends, ha="center", va="center", color=colour, fontsize=6)


def _draw_histogram(ax: Axes, some: Sequence[Row], norm: LogNorm) -> AxesImage:
    """Draw bins, all of one size, as an image."""
    wide, high = (some[0][f"{axis}_high"] - some[0][f"{axis}_low"] for axis in ("distance", "transport"))
    across = [round(row["distance_low"] / wide) for row in some]
    up = [round(row["transport_low"] / high) for row in some]
    counts = np.zeros((max(up) + 1, max(across) + 1))
    counts[up, across] = [row["pairs"] for row in some]
    extent = (0.0, counts.shape[1] * wide, 0.0, counts.shape[0] * high)
    ax.grid(visible=False)
    return ax.imshow(
        np.ma.masked_equal(counts, 0),
        cmap="viridis",
        norm=norm,
        extent=extent,
        origin="lower",
        aspect="auto",
        interpolation="none",
    )
