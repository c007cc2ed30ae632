"""The figure of the analysis `density`."""

from __future__ import annotations

from matplotlib.figure import Figure

from gancensus.contracts.table import Columns
from gancensus.domains.selection.density import correlations, signed
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import HUES, MARKERS, WIDTH, styled, unique

AXES = {"relative": "FID / variance", "fid": "FID"}
UNITS = {"gaussian": "log-likelihood (nat)", "ppca": "PPCA log-likelihood (nat)", "knn": "−distance to a neighbour"}


@styled
def draw_density(table: Columns) -> Figure:
    """Draw both distances against density, a column of panels per score."""
    scores, generators = unique(table["score"]), unique(table["generator"])
    known = correlations(table)
    figure = Figure(figsize=(WIDTH, 5.6))
    grid = figure.subplots(2, len(scores), squeeze=False, sharex="col")
    for line, (name, title) in enumerate(AXES.items()):
        for ax, score in zip(grid[line], scores, strict=True):
            for k, generator in enumerate(generators):
                here = [row for row in rows(table) if row["generator"] == generator and row["score"] == score]
                one = getattr(known[generator, score], name)
                ax.plot(
                    [row["density"] for row in here],
                    [row[name] for row in here],
                    MARKERS[k % len(MARKERS)],
                    color=HUES[k % len(HUES)],
                    markersize=3.5,
                    alpha=0.7,
                    label=f"{generator}: {signed(one)}",
                )
            ax.legend(fontsize=6.5)
            ax.set_ylim(bottom=0)
            if line:
                ax.set_xlabel(UNITS.get(score, score))
        grid[line, 0].set_ylabel(title)
    return figure
