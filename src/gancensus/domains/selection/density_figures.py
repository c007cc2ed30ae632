"""The figure of the analysis `density`."""

from __future__ import annotations

from matplotlib.figure import Figure

from gancensus.contracts.table import Columns
from gancensus.domains.selection.density import correlations, signed
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import HUES, INK, MARKERS, WIDTH, styled, unique

AXES = {"relative": "(FID − real) / variance", "excess": "FID − real"}
UNITS = {"gaussian": "log-likelihood (nat)", "ppca": "PPCA log-likelihood (nat)", "knn": "−distance to a neighbour"}


@styled
def draw_density(table: Columns) -> Figure:
    """Draw both distances against density, a column of panels per score."""
    known = correlations(table)
    generators, scores = (unique(names) for names in zip(*known, strict=True)) if known else ([], ["gaussian"])
    figure = Figure(figsize=(WIDTH, 5.6))
    grid = figure.subplots(2, len(scores), squeeze=False, sharex="col")
    for line, (name, title) in enumerate(AXES.items()):
        for ax, score in zip(grid[line], scores, strict=True):
            for k, generator in enumerate(generators):
                here = [row for row in rows(table) if (row["generator"], row["score"]) == (generator, score)]
                if not here:
                    continue
                one = getattr(known[generator, score], name)
                ax.plot(
                    [row["density"] for row in here],
                    [row["relative"] if name == "relative" else row["fid"] - row["null"] for row in here],
                    MARKERS[k % len(MARKERS)],
                    color=HUES[k % len(HUES)],
                    markersize=3.5,
                    alpha=0.7,
                    label=f"{generator}: {signed(one)}",
                )
            if known:
                ax.legend(fontsize=6.5)
            ax.axhline(0, color=INK, linewidth=0.8)
            if line:
                ax.set_xlabel(UNITS.get(score, score))
        grid[line, 0].set_ylabel(title)
    return figure
