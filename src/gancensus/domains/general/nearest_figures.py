"""The figures of the analysis `nearest`: its tables in, a matplotlib Figure out.

The colours of groups are those of the course report that asked these questions: real rows red, those that fooled the
discriminator blue, those that did not black, closest pairs yellow. Red, blue and the teal of all rows are Paul Tol's,
which colour-blind readers can distinguish, and each group has its own marker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from gancensus.contracts.replica import Replica
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import integer, number, percent, rows, unit
from gancensus.plotting.style import INK, PALE, REAL, WIDTH, empty, short, styled, unique

Row = Mapping[str, Any]


class Style(NamedTuple):
    """How a group of rows is drawn, and called in the legend."""

    colour: str
    marker: str
    name: str


RED, BLUE, YELLOW, ORANGE = "#CC3311", "#0077BB", "#F0E442", "#E69F00"
STYLES = {
    "real": Style(RED, "s", "real (train)"),
    "fooled": Style(BLUE, "o", "generated, fooled the discriminator"),
    "not fooled": Style("#000000", "x", "generated, did not fool it"),
    "all": Style("#009988", "D", "generated, all"),
}
GROUPS = {"real": 3.0, "all": 3.5, "fooled": 4.0, "not fooled": 4.5}  # in the order of drawing, with their sizes
REFERENCES = {"real to real": (REAL["train"], (0, (4, 2))), "holdout to train": (REAL["holdout"], (0, (1, 1.2)))}
ASKED = {
    "train": Style(REAL["train"], "s", "training rows"),
    "holdout": Style(REAL["holdout"], "o", "held-out rows"),
    "generated": Style(BLUE, "D", "generated rows"),
    "100 generated": Style(ORANGE, "^", "100 generated rows at random"),
}
ACROSS = 5  # pairs of rows side by side
LONGEST = 12  # characters of a value that are shown
LINE = 0.165  # inches


@styled
def draw_distances(table: Columns) -> Figure:
    """Draw the mean distance of each population's groups, over the lines of real rows."""
    lines = rows(table)
    generated = [line for line in lines if line["group"] not in REFERENCES]
    figure = Figure(figsize=(WIDTH, 1.1 + 0.75 * len(unique(line["population"] for line in generated))))
    ax = figure.add_subplot()
    handles = []
    for line in lines:
        if line["group"] in REFERENCES and line["mean_distance"] is not None:
            handles.append(_draw_reference(ax, line))
    _draw_intervals(ax, generated, "mean_distance", STYLES)
    ax.set(xlabel="mean distance to the nearest training row (1, in the scaled space)", xlim=(0, None))
    known = [group for group in STYLES if group in {line["group"] for line in generated}]
    _legend(figure, [_handle(STYLES[group]) for group in known] + handles)
    return figure


@styled
def draw_pass_rates(table: Columns) -> Figure:
    """Draw the pass rates of each model's discriminator."""
    lines = rows(table)
    if not lines:
        return empty("no generator of this study has a discriminator to ask")
    figure = Figure(figsize=(WIDTH, 1.1 + 0.8 * len(unique(line["population"] for line in lines))))
    ax = figure.add_subplot()
    _draw_intervals(ax, lines, "rate", ASKED)
    ax.set(xlabel="share of the rows that the discriminator calls real", xlim=(-0.02, 1.02))
    known = [group for group in ASKED if group in {line["group"] for line in lines}]
    _legend(figure, [_handle(ASKED[group]) for group in known])
    return figure


@styled
def draw_pairs(table: Columns) -> Figure:
    """Write generated rows beside their nearest real ones, five pairs across, for the first replica of a generator."""
    lines = [line for line in rows(table) if Replica.of(line["population"]).replica == 0]
    pairs: dict[tuple[str, str], dict[int, list[Row]]] = {}
    for line in lines:
        pairs.setdefault((line["population"], line["group"]), {}).setdefault(line["number"], []).append(line)
    blocks = [
        (*key, list(found.values())[k : k + ACROSS]) for key, found in pairs.items() for k in range(0, 10, ACROSS)
    ]
    blocks = [block for block in blocks if block[2]]
    if not blocks:
        return empty("the samples are not rows of a table")
    names = [_with_unit(line) for line in blocks[0][2][0] if line["row"] == "real"]
    height = LINE * (len(names) + 4)
    figure = Figure(figsize=(WIDTH, height * len(blocks)))
    axes = figure.subplots(len(blocks), 1, squeeze=False)[:, 0]
    for k, (ax, (population, group, some)) in enumerate(zip(axes, blocks, strict=True)):
        style = STYLES[group]
        if k == 0 or blocks[k - 1][:2] != (population, group):
            ax.set_title(f"{population}: {style.name}", color=style.colour)
        _write_pairs(ax, names, some, style.colour)
    return figure


@styled
def draw_plane(table: Columns) -> Figure:
    """Draw the rows in the plane of the principal components, a panel per population over the real ones."""
    real = table["group"] == "real"
    populations = unique(table["population"][~real])
    columns = 2 if len(populations) > 1 else 1
    lines = -(-len(populations) // columns)
    figure = Figure(figsize=(WIDTH, 0.9 + (3.8 if columns == 2 else 5.0) * lines))
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for k, ax in enumerate(grid.flat):
        if k >= len(populations):
            ax.set_axis_off()
            continue
        for group, place in GROUPS.items():
            mine = (table["group"] == group) & (real | (table["population"] == populations[k]))
            _draw_points(ax, table["pc1"][mine], table["pc2"][mine], STYLES[group], place)
        _draw_closest(ax, table, table["population"] == populations[k])
        ax.set_title(populations[k])
        ax.tick_params(labelbottom=True)
        if k >= len(populations) - columns:
            ax.set_xlabel(_component(table, 1))
        if k % columns == 0:
            ax.set_ylabel(_component(table, 2))
    known = [STYLES[group] for group in GROUPS if group in set(table["group"])]
    pairs = Line2D([], [], color=INK, marker="o", mfc=YELLOW, mec="black", linewidth=1, label="closest pairs")
    _legend(figure, [*map(_handle, known), pairs])
    return figure


def _draw_reference(ax: Axes, line: Row) -> Line2D:
    """Draw the mean distance of real rows, and return its entry in the legend."""
    colour, dashes = REFERENCES[line["group"]]
    if line["low"] is not None:
        ax.axvspan(line["low"], line["high"], color=colour, alpha=0.12, linewidth=0)
    label = f"{line['group']}: {number(line['mean_distance'])}"
    return ax.axvline(line["mean_distance"], color=colour, linestyle=dashes, linewidth=1.4, label=label)


def _draw_intervals(ax: Axes, lines: Sequence[Row], name: str, styles: Mapping[str, Style]) -> None:
    """Draw values with their intervals, a line per population, its groups one below the other."""
    populations = unique(line["population"] for line in lines)
    for k, population in enumerate(populations):
        mine = [line for line in lines if line["population"] == population]
        for place, line in enumerate(mine):
            if line[name] is not None:
                _draw_interval(ax, k + (place - (len(mine) - 1) / 2) * 0.24, line, name, styles)
    ax.set_yticks(range(len(populations)), populations)
    ax.set_ylim(len(populations) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")


def _draw_interval(ax: Axes, y: float, line: Row, name: str, styles: Mapping[str, Style]) -> None:
    value = line[name]
    low, high = (value if line[end] is None else line[end] for end in ("low", "high"))
    colour, marker, _ = styles[line["group"]]
    span = [[value - low], [high - value]]
    ax.errorbar(value, y, xerr=span, fmt=marker, color=colour, markersize=6, capsize=3, linewidth=1.4)
    count = integer(line["rows"])
    text = f"{integer(line['passed'])} of {count}" if name == "rate" else f"{number(value)} ({count} rows)"
    ax.text(1.01, y, text, transform=ax.get_yaxis_transform(), va="center", fontsize=7, color=INK)


def _draw_points(ax: Axes, x: NDArray[Any], y: NDArray[Any], style: Style, size: float) -> None:
    ax.plot(
        x, y, linestyle="", marker=style.marker, markersize=size, color=style.colour, alpha=0.6, markeredgewidth=0.8
    )


def _draw_closest(ax: Axes, table: Columns, mine: NDArray[np.bool_]) -> None:
    """Draw the closest pairs of a population, each connected."""
    ends = [mine & (table["group"] == f"closest {row}") for row in ("generated", "real")]
    x, y = (np.stack([table[name][end] for end in ends]) for name in ("pc1", "pc2"))
    ax.plot(x, y, color=INK, linewidth=1)
    ax.plot(x.ravel(), y.ravel(), linestyle="", marker="o", mfc=YELLOW, mec="black", markersize=5)


def _component(table: Columns, k: int) -> str:
    return f"component {k} ({percent(table[f'pc{k}_share'][0])} of the variance)"


def _write_pairs(ax: Axes, names: Sequence[str], pairs: Sequence[Sequence[Row]], colour: str) -> None:
    """Write pairs of rows side by side, a line per column; equal values are bold."""
    ax.set(xlim=(0, 1), ylim=(len(names) + 1.6, -0.2))
    ax.set_axis_off()
    for line, name in enumerate(names):
        ax.text(0, line + 2, short(name, 26), fontsize=7, color=INK, va="center")
    for k, pair in enumerate(pairs):
        values = {kind: [one["value"] for one in pair if one["row"] == kind] for kind in ("generated", "real")}
        left = 0.19 + 0.81 * k / ACROSS
        ax.text(left, 0, f"distance {number(pair[0]['distance'])}", fontsize=7, color=INK, va="center", weight="bold")
        for shift, (kind, texts) in zip((0, 0.43 / ACROSS), values.items(), strict=True):
            ax.text(left + shift, 1, kind, fontsize=7, color=PALE, va="center")
            for line, (text, other) in enumerate(zip(texts, values["real"], strict=True)):
                weight = "bold" if text == other and kind == "generated" else "normal"
                ink = colour if kind == "generated" else INK
                ax.text(left + shift, line + 2, short(text, LONGEST), fontsize=7, color=ink, va="center", weight=weight)


def _with_unit(line: Row) -> str:
    return f"{line['column']} ({unit(line['unit'])})" if unit(line["unit"]) else str(line["column"])


def _handle(style: Style) -> Line2D:
    return Line2D([], [], linestyle="", marker=style.marker, color=style.colour, markersize=6, label=style.name)


def _legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
