"""The figure of the analysis `fidelity`."""

from __future__ import annotations

from collections.abc import Iterator
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
NULLS = {"holdout": "train", "train": "holdout"}  # what stands in the place of the generated samples, by reference


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
    figure.legend(handles=[*_references(table)], loc="outside lower left")
    return figure


def _references(table: Columns) -> Iterator[Line2D]:
    """Yield what the legend says: what is compared with, in which space, and what the null value is of."""
    for space in unique(table["space"]):
        where = "the samples themselves" if space == "samples" else f"vectors of encoder {space}"
        for reference in unique(table["reference"]):
            name = "all real samples (no null value)" if reference == "all" else reference
            yield Line2D([], [], linestyle="none", label=f"compared with {name}: {where}")
            if reference in NULLS:
                label = f"null value: {NULLS[reference]} in their place"
                yield Line2D([], [], color=INK, linestyle=(0, (3, 2)), label=label)
