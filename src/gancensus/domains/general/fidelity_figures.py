"""The figure of the analysis `fidelity`."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import INK, WIDTH, log_axis, looks, panels, styled, unique

METRICS = {
    "fid": "FID, small is good",
    "kid": "KID, small is good",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "fd_infinity": "FID at infinity, small is good",
    "auc": "classifier, area under ROC",
    "sliced": "sliced Wasserstein",
    "rke": "RKE, a count of kinds",
    "vendi": "Vendi score, a count of kinds",
}
SHARES = ("precision", "recall", "coverage", "auc")
SIGNED = ("kid", "fd_infinity")


@styled
def draw_fidelity(table: Columns) -> Figure:
    """Draw a panel per metric: each population's value with its interval, and its null value as a dashed line."""
    metrics, populations = unique(table["metric"]), unique(table["population"])
    look = looks(populations)
    figure = Figure(figsize=(WIDTH, 0.5 + 2.6 * -(-len(metrics) // 3)))
    for ax, metric in zip(panels(figure, len(metrics), columns=3), metrics, strict=True):
        ax.set_title(METRICS.get(metric, metric))
        for row in rows(table):
            if row["metric"] == metric and row["value"] is not None:
                x, (colour, _, marker) = populations.index(row["population"]), look[row["population"]]
                span = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
                ax.errorbar(
                    x, row["value"], yerr=span, fmt=marker, color=colour, markersize=5, capsize=3, clip_on=False
                )
                if row["null"] is not None:
                    ax.hlines(row["null"], x - 0.45, x + 0.45, color=INK, linestyle=(0, (3, 2)), linewidth=1.2)
        turn: dict[str, Any] = (
            {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if len(populations) > 3 else {}
        )
        ax.set_xticks(range(len(populations)), populations, **turn)
        ax.set_xlim(-0.6, len(populations) - 0.4)
        ax.grid(visible=False, axis="x")
        if metric in SHARES:
            ax.set_ylim(0, 1.02)
        elif metric == "rke":
            ax.set_yscale("log")
            log_axis(ax, *ax.get_ylim(), "y")
        elif metric not in SIGNED:
            ax.set_ylim(bottom=0)
    null = Line2D([], [], color=INK, linestyle=(0, (3, 2)), label="null value: real training samples in their place")
    figure.legend(handles=[null], loc="outside lower left")
    return figure
