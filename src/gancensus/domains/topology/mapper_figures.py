"""The figures of the analysis `mapper`: its tables in, a matplotlib Figure out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from gancensus.contracts.explorer import Explorer, Mark
from gancensus.contracts.table import Columns
from gancensus.domains.topology.mapper_explorer import OCTAVES, Row, explorer, lines
from gancensus.domains.topology.mapper_tables import OUTSIDE
from gancensus.domains.topology.mapper_words import named_by_class
from gancensus.plotting import graphs
from gancensus.plotting.numbers import integer, percent
from gancensus.plotting.style import HUES, INK, PALE, WIDTH, draw_bound, empty, log_axis, short, styled

ACROSS = 3  # drawings side by side
TITLE, GAP, BELOW = 0.3, 0.15, 1.1  # inches: above a drawing, between two, of the legend
UNKNOWN = "#bdbdbd"
RATIOS = LinearSegmentedColormap.from_list("ratios", [HUES[1], "#f5f4f0", HUES[0]])
KINDS = {"dropped": (HUES[1], "v"), "fewer": (HUES[4], "<"), "more": (HUES[5], ">"), "invented": (HUES[0], "^")}
LISTED = 40  # findings that are drawn, the surest first
LINE = 0.27  # inches, of a finding
FURTHEST = 64.0  # a ratio at which, or at whose inverse, an axis ends


@styled
def draw_graph(columns: Columns) -> Figure:
    """Draw the graph for each population, coloured by the ratio of its samples to held-out ones."""
    graph = explorer(columns)
    if graph is None:
        return empty("no node: the cover has no cell in which enough training samples lie together")
    x, y, size = np.array([(node.x, node.y, node.size) for node in graph.nodes], dtype=np.float64).T
    drawn = graphs.layout(x, y, size)
    count = len(graph.marks)
    across = min(ACROSS, max(2, count))
    wide = (WIDTH - GAP * (across - 1)) / across
    high = wide * drawn.height / graphs.WIDE + TITLE
    rows = -(-count // across)
    tall = rows * high + BELOW
    figure = Figure(figsize=(WIDTH, tall))
    figure.set_layout_engine("none")
    for k, (population, marks) in enumerate(graph.marks.items()):
        row, column = divmod(k, across)
        place = (column * (wide + GAP), tall - (row + 1) * high, wide, high - TITLE)
        ax = _frame(figure, place, graphs.WIDE, drawn.height)
        ax.set_title(short(population))
        _draw_nodes(ax, graph, marks, drawn)
        _write_labels(ax, graph, marks, drawn, 11.5 * wide / graphs.WIDE * 72)
    _draw_legend(figure, graph, size, drawn, wide / graphs.WIDE)
    return figure


def _frame(figure: Figure, place: tuple[float, float, float, float], width: float, height: float) -> Axes:
    """Return axes at a place in inches (left, bottom, width, height), in which y points down and nothing is drawn."""
    inches = np.tile(figure.get_size_inches(), 2)
    ax = figure.add_axes(tuple(np.array(place) / inches))
    ax.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax


def _draw_nodes(ax: Axes, graph: Explorer, marks: Sequence[Mark], drawn: graphs.Layout) -> None:
    centres = np.stack([drawn.x, drawn.y], axis=1)
    ends = [(centres[i], centres[j]) for i, j in graph.links]
    ax.add_collection(LineCollection(ends, colors=PALE, linewidths=0.6, zorder=1))
    for k in np.argsort(-drawn.radius, kind="stable"):
        _draw_node(ax, (drawn.x[k], drawn.y[k]), drawn.radius[k], marks[k])


def _write_labels(ax: Axes, graph: Explorer, marks: Sequence[Mark], drawn: graphs.Layout, points: float) -> None:
    """Write the names of the nodes that were found, in letters of a size, where there is room."""
    texts = [node.label or (node.name if mark.found else "") for node, mark in zip(graph.nodes, marks, strict=True)]
    for text, place in zip(texts, graphs.labels(drawn, texts), strict=True):
        if place is not None:
            white = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.2}
            ax.text(*place, text, fontsize=points, ha="center", va="center", bbox=white, zorder=4)


def _draw_node(ax: Axes, centre: tuple[float, float], radius: float, mark: Mark) -> None:
    """Draw a node; grey where there are too few samples, bold where it was found to differ."""
    colour = UNKNOWN if mark.value is None else RATIOS((mark.value + 1) / 2)
    edge = {"edgecolor": "black", "linewidth": 1.6} if mark.found else {"edgecolor": PALE, "linewidth": 0.7}
    ax.add_patch(Circle(centre, radius, facecolor=colour, zorder=2, **edge))


def _draw_legend(figure: Figure, graph: Explorer, size: Any, drawn: graphs.Layout, scale: float) -> None:
    """Draw the scale of colours, and sizes of nodes; scale: inches of a unit of the drawings."""
    inches = np.tile(figure.get_size_inches(), 2)
    bar = figure.add_axes(tuple(np.array([0.15, 0.6, 3.2, 0.14]) / inches))
    steps = np.arange(-OCTAVES, OCTAVES + 1)
    scale_of = figure.colorbar(
        _mappable(), cax=bar, orientation="horizontal", ticks=steps, label="generated over held-out samples, by share"
    )
    scale_of.ax.set_xticklabels([f"1/{2**-k}" if k < 0 else f"{2**k}" for k in steps])
    scale_of.outline.set_visible(False)
    ax = _frame(figure, (3.8, 0, WIDTH - 3.8, BELOW), (WIDTH - 3.8) / scale, BELOW / scale)
    marks = graph.marks.values()
    sizes = graphs.round_sizes(float(size.max()))
    keys = [(graphs.radius_of(n, size, drawn.height), Mark(0.0, False, ""), integer(n)) for n in sizes]
    keys[-1] = (*keys[-1][:2], f"{keys[-1][2]} {graph.sizes}")
    _draw_keys(ax, 0.35 / scale, keys, scale)
    kinds = []
    if any(mark.found for some in marks for mark in some):
        kinds.append((0.06 / scale, Mark(0.0, True, ""), "found to differ"))
    if any(mark.value is None for some in marks for mark in some):
        kinds.append((0.06 / scale, Mark(None, False, ""), "too few samples to tell"))
    _draw_keys(ax, 0.85 / scale, kinds, scale)


def _draw_keys(ax: Axes, y: float, keys: Sequence[tuple[float, Mark, str]], scale: float) -> None:
    """Draw nodes of a radius, each with its meaning, one after the other; scale: inches of a unit."""
    x = 0.02 / scale
    for radius, mark, text in keys:
        _draw_node(ax, (x + radius, y), radius, mark)
        ax.text(x + 2 * radius + 0.06 / scale, y, text, fontsize=7, color=INK, va="center")
        x += 2 * radius + (0.3 + 0.062 * len(text)) / scale


def _mappable() -> Any:
    from matplotlib.cm import ScalarMappable

    return ScalarMappable(Normalize(-OCTAVES, OCTAVES), RATIOS)


@styled
def draw_findings(columns: Columns) -> Figure:
    """Draw what was found: the share of each region in holdout and population, and their ratio with its interval."""
    found = lines(columns)
    if not found:
        return empty("nothing found: no region has fewer or more samples of a population than chance explains")
    surest = sorted(range(len(found)), key=lambda k: found[k]["adjusted"])[:LISTED]
    shown = [found[k] for k in sorted(surest)]
    figure = Figure(figsize=(WIDTH, 1.1 + LINE * len(shown) + 0.2))
    left, right = figure.subplots(1, 2, sharey=True)
    for y, row in enumerate(shown):
        _draw_shares(left, y, row)
        _draw_ratio(right, y, row)
    texts = [_region(row) for row in shown]
    left.set_yticks(range(len(shown)), texts, fontsize=7)
    left.set_ylim(len(shown) - 0.4, -0.6)
    widest = 100 * max(row[name] for row in shown for name in ("holdout_share", "share"))
    left.set(xlabel="share of the population's samples (%)", xlim=(-0.03 * widest, 1.04 * widest))
    right.axvline(1, color=INK, linewidth=0.8)
    log_axis(right, *_reach(shown))
    right.set_xlabel("share in the population over share in holdout")
    for ax in (left, right):
        ax.grid(visible=False, axis="y")
        for y in range(1, len(shown)):
            if shown[y]["population"] != shown[y - 1]["population"]:
                ax.axhline(y - 0.5, color=PALE, linewidth=0.6)
    if len(found) > len(shown):
        left.set_title(f"the {len(shown)} surest of {len(found)} findings", fontsize=8, fontweight="normal", color=INK)
    _draw_kinds(figure, {row["finding"] for row in shown})
    return figure


def _region(row: Row) -> str:
    """Name a region: its population, its first node, and of which class it mostly is."""
    name = "in no node" if row["region"] == OUTSIDE else row["region"]
    of = f", {percent(row['purity'])} class {short(str(row['label']), 12)}" if named_by_class(row) else ""
    return f"{short(row['population'])}: {short(name, 16)}{of}"


def _draw_shares(ax: Axes, y: int, row: Row) -> None:
    colour, marker = KINDS[row["finding"]]
    shares = [100 * row["holdout_share"], 100 * row["share"]]
    ax.plot(shares, [y, y], color=PALE, linewidth=1, zorder=1)
    ax.plot(shares[0], y, "o", color="black", markersize=4.5)
    ax.plot(shares[1], y, marker, color=colour, markersize=6)


def _draw_ratio(ax: Axes, y: int, row: Row) -> None:
    """Draw a ratio with its interval, to the furthest where that has no end; an arrow where it is beyond the axis."""
    colour, marker = KINDS[row["finding"]]
    value, low, high = (row[name] for name in ("ratio", "ratio_low", "ratio_high"))
    inside = [max(low, 1 / FURTHEST), min(FURTHEST if high is None else high, FURTHEST)]
    ax.plot(inside, [y, y], color=colour, linewidth=1.4)
    if 1 / FURTHEST < value < FURTHEST:
        ax.plot(value, y, marker, color=colour, markersize=6)
    else:
        draw_bound(ax, min(max(value, 1 / FURTHEST), FURTHEST), y, (14 if value > 1 else -14, 0), colour)


def _reach(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of the axis of ratios: powers of two that hold every interval, as far as the furthest."""
    ends = [row[name] for row in rows for name in ("ratio", "ratio_low", "ratio_high")]
    ends = [FURTHEST if end is None else end for end in ends]
    inside = [min(max(end, 1 / FURTHEST), FURTHEST) for end in (*ends, 0.5, 2.0)]
    low, high = math.floor(math.log2(min(inside))), math.ceil(math.log2(max(inside)))
    return 2.0**low / 1.6, 2.0**high * 1.6


def _draw_kinds(figure: Figure, kinds: set[str]) -> None:
    handles = [Line2D([], [], color="black", marker="o", linestyle="", markersize=4.5, label="holdout")]
    handles += [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=6, label=f"generated: {kind}")
        for kind, (colour, marker) in KINDS.items()
        if kind in kinds
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=6)
