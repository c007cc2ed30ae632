"""Figures of a run: the losses of trainings, and when each job ran."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import HUES, INK, WIDTH, looks, panels, population_legend, styled
from gancensus.report.trace import Span, breaks, duration, lanes, spans, union
from gancensus.storage.schemas import AFTER_EPOCH


@styled
def draw_training(generators: Mapping[str, Columns], encoders: Mapping[str, Columns]) -> Figure:
    """Draw the losses by epoch: a panel per loss of the generators, and a panel per encoder and loss.

    Where generators keep their best epoch, there is a panel of the distance by which, and a dot at that epoch.
    """
    look = looks(list(generators))
    own = {loss: [g for g in generators if loss in generators[g]] for h in generators.values() for loss in _losses(h)}
    foreign = [(name, loss) for name, history in encoders.items() for loss in _losses(history)]
    count = max(1, len(own) + len(foreign))
    figure = Figure(figsize=(WIDTH, 0.4 + 2.6 * -(-count // 2)))
    axes = iter(panels(figure, count, columns=2))
    for loss, populations in own.items():
        measured = loss in AFTER_EPOCH
        ax = _loss_panel(next(axes), f"generators: {loss}{'' if measured else ' loss'}")
        for population in populations:
            history, (colour, line, _) = generators[population], look[population]
            known = np.isfinite(history[loss])
            ax.plot(history["epoch"][known], history[loss][known], color=colour, linestyle=line, linewidth=1.1)
            if measured:
                kept = history["kept"] == 1
                ax.plot(history["epoch"][kept], history[loss][kept], "o", color=colour, markersize=4)
        if measured:
            ax.set_ylabel("Frechet distance to calibrate")
        if loss == "discriminator":
            ax.axhline(math.log(2), color="black", linewidth=0.9, linestyle=(0, (4, 3)))
            ax.annotate("ln 2", (1, math.log(2)), (2, 0), ("axes fraction", "data"), "offset points", va="center")
    for name, loss in foreign:
        ax = _loss_panel(next(axes), f"encoder {name}: {loss}")
        ax.plot(encoders[name]["epoch"], encoders[name][loss], color=INK, linewidth=1.1)
    for ax in axes:
        ax.set_axis_off()
        ax.text(0, 0.5, "nothing was trained by epochs")
    population_legend(figure, look)
    return figure


def _losses(history: Columns) -> list[str]:
    return [name for name in history if name not in ("epoch", "kept")]


def _loss_panel(ax: Axes, title: str) -> Axes:
    ax.set(title=title, xlabel="epoch", ylabel="loss")
    return ax


STAGES = {  # the rules of a stage share a colour; the first match counts
    "prepare": (r"prepare", "#8c8c8c"),
    "encode": (r"fit_encoder|embed", HUES[5]),
    "train": (r"select|train", HUES[1]),
    "generate": (r"generate", HUES[3]),
    "search for pairs": (r"thresholds|pairs|pairs_real|merge_pairs", HUES[0]),
    "census": (r"census|sweep|collect_census|analyse", HUES[2]),
    "draw": (r"draw", HUES[4]),
    "other": (r".*", "#000000"),
}
CUT = 0.03  # width of a cut in the axis of time, of all that is drawn
UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}
LANE, TALLEST, LETTER = 0.15, 7.0, 0.14  # inches: height of a lane, of all lanes at most, of a node's name


@styled
def draw_timeline(trace: Columns) -> Figure:
    """Draw when each job ran, from the trace: a bar per execution, lanes for what ran side by side, node below node."""
    lines = rows(trace)
    times = spans(lines)
    busy = sum(end - start for start, end in union(times))
    unit, second = next((name, length) for name, length in UNITS.items() if busy < 120 * length or name == "hours")
    idle = breaks(times, max(60.0, 0.1 * busy))
    drawn, cuts = _without(np.array(times).reshape(-1, 2), idle, CUT * busy / max(1, len(idle) / 5))
    right = max(drawn.max(initial=0.0), second / 10) * 1.01
    lane, nodes = _slots(lines, times)
    height = min(TALLEST, max(0.5, LANE * sum(nodes.values())))
    figure = Figure(figsize=(WIDTH, 0.95 + height))
    ax = figure.add_subplot()
    handles = _draw_executions(ax, lines, drawn / second, lane)
    labelled = -math.inf
    for (start, end), x in zip(idle, cuts, strict=True):
        ax.axvline(x / second, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        if x - labelled > 0.13 * right:  # room for the label
            labelled = x
            words, at = f"{duration(end - start)} later", (x / second, 1)
            ax.annotate(words, at, (0, 3), ("data", "axes fraction"), "offset points", ha="center", color=INK, size=7)
    _name_nodes(ax, nodes, height)
    without = ", long idle times left out" if idle else ""
    ax.set(xlim=(0, right / second), xlabel=f"{unit} since the first job began{without}")
    figure.legend(handles=handles, loc="outside lower left", ncols=8, handlelength=1.2, columnspacing=1.5)
    return figure


def _without(
    times: NDArray[np.float64], idle: Sequence[tuple[float, float]], width: float
) -> tuple[NDArray[np.float64], list[float]]:
    """Return the times with each idle time shortened to `width`, and the middles of these."""
    ends = np.array(idle).reshape(-1, 2)
    saved = (ends[:, 1] - ends[:, 0] - width) * (times[..., None] >= ends[:, 1])
    middles = ends[:, 1] - np.cumsum(ends[:, 1] - ends[:, 0] - width) - width / 2
    return times - saved.sum(axis=-1), middles.tolist()


def _slots(lines: Sequence[Mapping[str, Any]], times: Sequence[Span]) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Return the lane of each execution, counted through all nodes in natural order, and the lanes of each node."""
    place, nodes = np.zeros(len(lines), dtype=np.int64), dict[str, int]()
    for node in sorted({row["node"] for row in lines}, key=lambda name: re.sub(r"\d+", lambda n: f"{n[0]:0>9}", name)):
        here = [k for k, row in enumerate(lines) if row["node"] == node]
        found = lanes([times[k] for k in here])
        place[here] = np.array(found) + sum(nodes.values())
        nodes[node] = max(found) + 1
    return place, nodes


def _draw_executions(
    ax: Axes, lines: Sequence[Mapping[str, Any]], drawn: NDArray[np.float64], lane: NDArray[np.int64]
) -> list[Artist]:
    """Draw a bar per execution in the colour of its stage, hollow and crossed if it failed; return the legend's."""
    stages = [next(name for name, (rule, _) in STAGES.items() if re.fullmatch(rule, row["rule"])) for row in lines]
    done = np.array([row["outcome"] == "done" for row in lines], dtype=np.bool_)
    left, right = drawn.T
    corners = np.stack([left, lane - 0.4, right, lane - 0.4, right, lane + 0.4, left, lane + 0.4], axis=1)
    handles: list[Artist] = []
    for stage, (_, colour) in STAGES.items():
        here = np.array([name == stage for name in stages], dtype=np.bool_)
        for ended, face in ((True, colour), (False, "white")):
            bars = corners[here & (done == ended)].reshape(-1, 4, 2)
            ax.add_collection(PolyCollection(bars, facecolor=face, edgecolor=colour, linewidth=0.4))
        if here.any():
            handles.append(Patch(color=colour, label=stage))
    if not done.all():
        label = "failed, stopped or killed"
        handles += ax.plot(right[~done], lane[~done], "xk", markersize=4.5, clip_on=False, label=label)
    return handles


def _name_nodes(ax: Axes, nodes: Mapping[str, int], height: float) -> None:
    """Write the names of the nodes at their lanes, as many as there is room for, and lines between nodes."""
    last = np.cumsum(list(nodes.values()), dtype=np.float64)
    first = last - list(nodes.values())
    room = LETTER * last[-1:].sum() / height
    ticks: dict[float, str] = {}
    for middle, node in zip((first + last - 1) / 2, nodes, strict=True):
        if middle >= max(ticks, default=-math.inf) + room:
            ticks[middle] = node
    ax.set_yticks(list(ticks), ticks.values())
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.hlines(last[:-1] - 0.5, 0, 1, color="#d0d0d0", linewidth=0.6, transform=ax.get_yaxis_transform(), zorder=0)
    ax.set_ylim(max(last, default=1.0) - 0.3, -0.7)
    ax.grid(visible=False, axis="y")
