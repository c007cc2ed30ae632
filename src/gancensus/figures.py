"""The figures: columns or samples in, a matplotlib Figure out, the same bytes for the same content.

A population keeps its colour in every figure: held-out samples are black, training samples grey, each generator has a
hue of its own (Okabe & Ito's, which colour-blind readers tell apart), and its replicas differ in line and marker.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from matplotlib import colormaps, style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from gancensus.census import REFERENCE
from gancensus.columns import Column, columns_of, decode, is_written
from gancensus.estimate import Estimate
from gancensus.samples import Samples
from gancensus.samples import rows_of as samples_rows_of
from gancensus.showers import GRID, VOXELS
from gancensus.tables import FLOAT, INT, STRING, column
from gancensus.trace import Span, breaks, duration, lanes, spans, union
from gancensus.words import (
    SUPERSCRIPTS,
    TABLE_COLUMNS,
    chained,
    cuts,
    integer,
    interval,
    number,
    rows,
    telling_alpha,
    unit,
)

Columns = Mapping[str, Any]
Dashes = tuple[float, Sequence[float]]

WIDTH = 9.0  # inches
SHOWN = pa.schema(
    [column("group", STRING), column("sample_id", INT), column("value", FLOAT), column("x", pa.list_(FLOAT))]
)
"""Which samples a figure shows: their group, a value (distance, score) and, for legal rows of a table, natural values
and numbers of categories."""

INK, PALE = "#444444", "#9a9a9a"
REAL = {"train": "#8c8c8c", "calibrate": "#bdbdbd", "holdout": "#000000"}
HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES: tuple[Dashes, ...] = ((0, ()), (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
MARKERS = "os^DvPX"
TILES = 32  # samples that a gallery shows of each population
PAIRS = 8  # closest pairs that are shown of each population
UNBOUNDED = 1e18  # drawn as the end of a band without end
NAMED = 24  # characters of a name that there is room for

styled = style.context(
    [
        "default",
        {
            "svg.hashsalt": "gancensus",
            "svg.fonttype": "path",  # letters as outlines look the same everywhere
            "text.parse_math": False,  # a dollar sign in a name is a dollar sign
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#ebebeb",
            "xtick.color": INK,
            "ytick.color": INK,
            "legend.frameon": False,
            "figure.constrained_layout.use": True,
            "figure.constrained_layout.h_pad": 0.08,
        },
    ]
)


class Look(NamedTuple):
    """How a population is drawn."""

    colour: str
    line: Dashes
    marker: str


def looks(populations: Sequence[str]) -> dict[str, Look]:
    """Return the look of each population of a study: hues in the order of the generators, darker after the sixth."""
    generators = list(dict.fromkeys(p.rpartition("-")[0] for p in populations if p not in REAL))
    found = {}
    for population in populations:
        name, _, replica = population.rpartition("-")
        if population in REAL:
            found[population] = Look(REAL[population], LINES[0], "o")
        else:
            turn, hue = divmod(generators.index(name), len(HUES))
            red, green, blue = (channel * 0.6**turn for channel in to_rgb(HUES[hue]))
            colour = to_hex((red, green, blue))
            found[population] = Look(colour, LINES[int(replica) % len(LINES)], MARKERS[int(replica) % len(MARKERS)])
    return found


@styled
def svg(figure: Figure) -> bytes:
    """Render a figure as SVG without date and version."""
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return content.getvalue()


@styled
def draw_gallery(populations: Mapping[str, Samples]) -> Figure:
    """Draw some samples of each population (images), or the distribution of each column (rows of a table)."""
    if _are_rows(next(iter(populations.values()))):
        return _draw_columns(populations)
    tiles = {name: pixels(spread(samples, TILES)) for name, samples in populations.items()}
    width = next(iter(tiles.values())).shape[2]
    columns = max(4, min(16, 2048 // width))
    gap = max(1, width // 16)
    return _draw_mosaics({name: mosaic(images, columns, gap) for name, images in tiles.items()}, looks(list(tiles)))


@styled
def draw_birthday(curve: Columns, support: Columns) -> Figure:
    """Draw the probability of a duplicate by batch size, a panel per definition, from the two tables of the census."""
    definitions, populations = unique(support["definition"]), unique(support["population"])
    look = looks(populations)
    half = {(row["definition"], row["population"]): row["batch_half"] for row in rows(support)}
    height = max(2.9, 0.9 + 0.21 * len(populations))
    figure = Figure(figsize=(WIDTH, height * len(definitions)))
    for ax, definition in zip(panels(figure, len(definitions)), definitions, strict=True):
        ax.set_title(definition)
        ax.axhline(0.5, color=PALE, linewidth=0.8, linestyle=(0, (4, 3)))
        handles = []
        for population in populations:
            here = (curve["definition"] == definition) & (curve["population"] == population)
            batch, middle, low, high = (np.insert(curve[name][here], 0, start) for name, start in _CURVE.items())
            colour, line, marker = look[population]
            ax.fill_between(batch, low, high, color=colour, alpha=min(0.15, 1 / len(populations)), linewidth=0)
            ax.plot(batch, middle, color=colour, linestyle=line, linewidth=1.6)
            reached = half[definition, population]
            if reached is not None:
                at = np.interp(reached, batch, middle)
                ax.plot(reached, at, marker, color=colour, markersize=6, markeredgecolor="white", clip_on=False)
            label = f"{population}:  {'none found' if reached is None else integer(reached)}"
            handles.append(Line2D([], [], color=colour, linestyle=line, marker=marker, label=label))
        title = "smallest batch with P > ½"
        ax.legend(handles=handles, title=title, loc="upper left", bbox_to_anchor=(1.01, 1.0), alignment="left")
        ax.set(ylim=(0, 1.02), ylabel="probability of a duplicate", xlabel="batch size (samples)")
        log_axis(ax, 1, max(4, curve["batch"].max()))
    return figure


_CURVE = {"batch": 1, "probability": 0, "probability_low": 0, "probability_high": 0}  # a batch of one has no pair


@styled
def draw_support(support: Columns) -> Figure:
    """Draw the effective support of each population with its interval and verdict, a panel per definition."""
    definitions, populations = unique(support["definition"]), unique(support["population"])
    look = looks(populations)
    height = 0.85 + 0.27 * len(populations)
    figure = Figure(figsize=(WIDTH, height * len(definitions)))
    grid = figure.subplots(len(definitions), 2, sharey=True, width_ratios=(9, 5), squeeze=False)
    ends = [value for end in ("", "_low", "_high") for value in support[f"effective_support{end}"]]
    for (ax, words), definition in zip(grid, definitions, strict=True):
        ax.set_title(definition)
        words.set_axis_off()
        for y, row in enumerate(row for row in rows(support) if row["definition"] == definition):
            _draw_count(ax, y, row, look[row["population"]])
            _write_count(words, y, row)
        ax.set(ylim=(len(populations) - 0.4, -0.6), xlabel="effective support (samples)")
        ax.set_yticks(range(len(populations)), populations)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        log_axis(ax, max(0.8, np.nanmin(ends) / 1.5), np.nanmax(ends) * 2)
    return figure


def _draw_count(ax: Axes, y: int, row: Mapping[str, Any], look: Look) -> None:
    """Draw one population's effective support: an interval, or an arrow from its bound."""
    value, low, high = (row[f"effective_support{end}"] for end in ("", "_low", "_high"))
    if value is None:
        _draw_bound(ax, low, y, (30, 0), look.colour)
    else:
        span = [[value - low], [high - value]]
        ax.errorbar(value, y, xerr=span, fmt=look.marker, color=look.colour, markersize=5.5, capsize=3, linewidth=1.6)
    if row["population"] == REFERENCE:
        ax.axvspan(low, UNBOUNDED if high is None else high, color="black", alpha=0.08, linewidth=0)


def _draw_bound(ax: Axes, x: float, y: float, to: tuple[float, float], colour: str) -> None:
    """Draw a bound and an arrow from it to where the value may be, so many points away."""
    ax.plot(x, y, "|" if to[1] == 0 else "_", color=colour, markersize=9, markeredgewidth=1.6)
    arrow = {"arrowstyle": "<|-", "color": colour, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x, y), xytext=to, textcoords="offset points", arrowprops=arrow)


def _write_count(ax: Axes, y: int, row: Mapping[str, Any]) -> None:
    """Write one population's effective support and its verdict."""
    value, reach = interval(row, "effective_support")
    ax.text(0, y, f"{value}  ({reach})" if reach else value, va="center", color=INK)
    ax.text(0.7, y, row["verdict"] or "the reference", va="center")


HILL = {"richness": "richness (Chao1)\norder 0", "shannon": "Shannon\norder 1", "simpson": "Simpson\norder 2"}


@styled
def draw_diversity(diversity: Columns) -> Figure:
    """Draw the Hill numbers of order 0, 1 and 2 of each population, hollow where kinds are chains, by definition."""
    definitions, populations = unique(diversity["definition"]), unique(diversity["population"])
    look = looks(populations)
    shown = [row for row in rows(diversity) if row["quantity"] in HILL]
    chains = chained(rows(diversity))
    ends = [row[end] for row in shown for end in ("value", "low", "high") if row[end] is not None]
    figure = Figure(figsize=(WIDTH, 0.4 + 3.1 * -(-len(definitions) // 2)))
    for ax, definition in zip(panels(figure, len(definitions), columns=2), definitions, strict=True):
        ax.set_title(definition)
        for row in shown:
            if row["definition"] == definition:
                place = (populations.index(row["population"]) + 0.5) / len(populations) - 0.5
                x = list(HILL).index(row["quantity"]) + 0.7 * place
                hollow = row["population"] in chains.get(definition, [])
                _draw_point(ax, x, Estimate(row["value"], row["low"], row["high"]), look[row["population"]], hollow)
        ax.set_xticks(range(len(HILL)), HILL.values())
        ax.set(xlim=(-0.5, len(HILL) - 0.5), ylabel="kinds of samples")
        ax.tick_params(axis="x", length=0)
        ax.grid(visible=False, axis="x")
        log_axis(ax, min(ends) / 1.5, max(ends) * 4, "y")
    population_legend(figure, look, markers=True)
    return figure


def _draw_point(ax: Axes, x: float, estimate: Estimate, look: Look, hollow: bool) -> None:
    """Draw a value with its interval, or an arrow up from its bound."""
    value, low, high = estimate
    if value is not None and low is not None and high is not None:
        span = [[value - low], [high - value]]
        drawn = ax.errorbar(
            x, value, yerr=span, fmt=look.marker, color=look.colour, markersize=5.5, capsize=3, linewidth=1.4
        )
        drawn[0].set_markerfacecolor("white" if hollow else look.colour)
    elif low is not None:
        _draw_bound(ax, x, low, (0, 22), look.colour)


@styled
def draw_sweep(sweep: Columns, margin: float) -> Figure:
    """Draw effective support over alpha, and ratios to the held-out samples: by subset of metrics, or over alpha."""
    lines, shown = rows(sweep), cuts(unique(sweep["metrics"]))
    populations = unique(sweep["population"])
    look = looks(populations)
    steps = len(shown) * (0.18 + 0.13 * (len(populations) - 1)) if len(shown) > 1 else 0.0
    figure = Figure(figsize=(WIDTH, max(4.0, 1.2 + steps)))
    left, right = figure.subplots(1, 2)
    whole = [row for row in lines if row["metrics"] == shown["all metrics"]]
    independent = _draw_supports(left, whole, look)
    left.set_title(lines[0]["definition"])
    if steps > 3:  # the right panel is tall; the left one need not be
        left.set_box_aspect(0.82)
        left.set_anchor("N")
    if len(shown) == 1:
        _draw_ratio_by_alpha(right, whole, look, margin)
    else:
        _draw_ratio_by_cut(right, lines, shown, look, margin)
    population_legend(figure, look, markers=True, others=[independent])
    return figure


def _draw_supports(ax: Axes, whole: Sequence[Mapping[str, Any]], look: Mapping[str, Look]) -> Line2D:
    """Draw the effective support of each population over alpha, and return the line of independent metrics."""
    alphas = sorted({row["alpha"] for row in whole})
    independent = {row["alpha"]: row["independent"] for row in whole}
    least = alphas[0]  # 1 where there is but one real pair
    metrics = round(math.log(independent[least]) / math.log(least)) if least < 1 else 1
    ends = [1 / independent[alphas[-1]]]
    for population, drawn in look.items():
        found = {row["alpha"]: _support(row) for row in whole if row["population"] == population}
        _draw_band(ax, found, drawn, len(look))
        ends += [end for estimate in found.values() for end in estimate if end is not None]
    label = "1/alpha, by construction"
    if metrics > 1:
        label = f"alpha{str(-metrics).translate(SUPERSCRIPTS)}, if the metrics were independent"
    expected = [1 / independent[alpha] for alpha in alphas]
    (line,) = ax.plot(alphas, expected, color=INK, linestyle=LINES[2], linewidth=1.2, label=label, zorder=1)
    ax.set(xlabel="alpha: share of real pairs within each threshold", ylabel="effective support (samples)")
    log_axis(ax, alphas[0] / 1.25, alphas[-1] * 1.25)
    log_axis(ax, min(ends) / 1.5, max(ends) * 4, "y")
    return line


def _support(row: Mapping[str, Any]) -> Estimate:
    """Return the effective support of a row of a sweep; only a bound where nothing was found."""
    if not row["collision"]:
        return Estimate(None, 1 / row["collision_high"], None)
    return Estimate(1 / row["collision"], 1 / row["collision_high"], 1 / row["collision_low"])


def _draw_band(ax: Axes, found: Mapping[float, Estimate], look: Look, count: int) -> None:
    """Draw estimates over x as a line with a band, and arrows from their bounds where there is no interval."""
    drawn = np.array([(x, *estimate) for x, estimate in found.items() if estimate.value], dtype=np.float64)
    x, middle, low, high = drawn.reshape(-1, 4).T
    ax.fill_between(x, low, high, color=look.colour, alpha=min(0.15, 1 / count), linewidth=0)
    ax.plot(x, middle, color=look.colour, linestyle=look.line, marker=look.marker, markersize=4, linewidth=1.5)
    for at, (value, below, above) in found.items():
        if value is None and below is not None:
            _draw_bound(ax, at, below, (0, 18), look.colour)
        elif value == 0 and above is not None:
            _draw_bound(ax, at, above, (0, -18), look.colour)


def _draw_ratio_by_alpha(ax: Axes, whole: Sequence[Mapping[str, Any]], look: Mapping[str, Look], margin: float) -> None:
    """Draw the ratio of each generated population over alpha."""
    ratios = {
        population: {row["alpha"]: _ratio(row) for row in whole if row["population"] == population}
        for population in look
        if population != REFERENCE
    }
    ax.axhspan(1 / margin, margin, color="black", alpha=0.06, linewidth=0)
    ax.axhline(1, color="black", linewidth=0.9)
    for population, found in ratios.items():
        _draw_band(ax, found, look[population], len(look))
    alphas = sorted({row["alpha"] for row in whole})
    ax.set(title="collisions over those of holdout", xlabel="alpha: share of real pairs within each threshold")
    log_axis(ax, alphas[0] / 1.25, alphas[-1] * 1.25)
    log_axis(ax, *_reach([e for found in ratios.values() for e in found.values()], margin), "y")


def _draw_ratio_by_cut(
    ax: Axes,
    sweep: Sequence[Mapping[str, Any]],
    shown: Mapping[str, str],
    look: Mapping[str, Look],
    margin: float,
) -> None:
    """Draw the ratio of each generated population at one alpha, by subset of the metrics."""
    alpha, telling = telling_alpha(sweep, shown["all metrics"])
    generated = [population for population in look if population != REFERENCE]
    here = {(r["metrics"], r["population"]): _ratio(r) for r in sweep if r["alpha"] == alpha}
    ax.axvspan(1 / margin, margin, color="black", alpha=0.06, linewidth=0)
    ax.axvline(1, color="black", linewidth=0.9)
    for k, metrics in enumerate(shown.values()):
        ax.axhline(k + 0.5, color="#ebebeb", linewidth=0.8, zorder=0)
        for g, population in enumerate(generated):
            y = k + 0.8 * ((g + 0.5) / len(generated) - 0.5)
            _draw_ratio(ax, y, here[metrics, population], look[population])
    ax.set_title(f"at alpha = {alpha:g}{'' if telling else ', the largest'}")
    ax.set(ylim=(len(shown) - 0.5, -0.5), xlabel="collisions over those of holdout")
    ax.set_yticks(range(len(shown)), shown)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    drawn = [here[metrics, population] for metrics in shown.values() for population in generated]
    log_axis(ax, *_reach(drawn, margin))


def _ratio(row: Mapping[str, Any]) -> Estimate:
    return Estimate(row["ratio"], row["ratio_low"], row["ratio_high"])


def _draw_ratio(ax: Axes, y: float, ratio: Estimate, look: Look) -> None:
    """Draw a ratio with its interval, or an arrow from its bound, or that nothing is known."""
    value, low, high = ratio
    if value and low is not None and high is not None:
        span = [[value - low], [high - value]]
        ax.errorbar(value, y, xerr=span, fmt=look.marker, color=look.colour, markersize=4, capsize=2, linewidth=1.4)
    elif value is None and low is not None:
        _draw_bound(ax, low, y, (22, 0), look.colour)
    elif value == 0 and high is not None:
        _draw_bound(ax, high, y, (-22, 0), look.colour)
    else:
        ax.text(1, y, " no duplicates", color=look.colour, va="center", fontsize=7)


def _reach(ratios: Sequence[Estimate], margin: float) -> tuple[float, float]:
    """Return the ends of an axis of ratios: all intervals, and the margin."""
    ends = [1 / margin, margin, *(end for ratio in ratios for end in ratio if end)]
    return min(ends) / 1.4, max(ends) * 1.4


@styled
def draw_closest(pairs: Mapping[str, tuple[Samples, Samples, NDArray[np.float64]]]) -> Figure:
    """Draw the closest pairs of each population: first samples, second samples and their distances."""
    look = looks(list(pairs))
    if _are_rows(next(iter(pairs.values()))[0]):
        return _draw_profiles(pairs, look)
    tiles = {}
    for name, (first, second, _) in pairs.items():
        a, b = pixels(first), pixels(second)
        seam = np.full((*a.shape[:2], max(1, a.shape[2] // 16), 3), 255, dtype=np.uint8)
        tiles[name] = np.concatenate([a, seam, b], axis=2)
    width = next(iter(tiles.values())).shape[2]
    gap = max(3, width // 6)
    figure = _draw_mosaics({name: mosaic(images, PAIRS, gap) for name, images in tiles.items()}, look, notes=0.25)
    for ax, (_, _, distances) in zip(figure.axes, pairs.values(), strict=True):
        for k, distance in enumerate(distances):
            at = (k * (width + gap) + width / 2, 0)
            ax.annotate(
                number(distance), at, (0, -4), ("data", "axes fraction"), "offset points", ha="center", va="top"
            )
        if len(distances) == 0:
            ax.text(0, 0.5, "no duplicates found", transform=ax.transAxes, va="center", color=INK)
    return figure


@styled
def draw_training(generators: Mapping[str, Columns], encoders: Mapping[str, Columns]) -> Figure:
    """Draw the losses by epoch: a panel per loss of the generators, and a panel per encoder and loss."""
    look = looks(list(generators))
    own = {loss: [g for g in generators if loss in generators[g]] for h in generators.values() for loss in _losses(h)}
    foreign = [(name, loss) for name, history in encoders.items() for loss in _losses(history)]
    count = max(1, len(own) + len(foreign))
    figure = Figure(figsize=(WIDTH, 0.4 + 2.6 * -(-count // 2)))
    axes = iter(panels(figure, count, columns=2))
    for loss, populations in own.items():
        ax = _loss_panel(next(axes), f"generators: {loss} loss")
        for population in populations:
            history, (colour, line, _) = generators[population], look[population]
            ax.plot(history["epoch"], history[loss], color=colour, linestyle=line, linewidth=1.1)
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
    return [name for name in history if name != "epoch"]


def _loss_panel(ax: Axes, title: str) -> Axes:
    ax.set(title=title, xlabel="epoch", ylabel="loss")
    return ax


STAGES = {  # the rules of a stage share a colour; the first fits
    "prepare": (r"prepare", "#8c8c8c"),
    "encode": (r"fit_encoder|embed", HUES[5]),
    "train": (r"select|train", HUES[1]),
    "generate": (r"generate", HUES[3]),
    "search for pairs": (r"thresholds|pairs|merge_pairs", HUES[0]),
    "census": (r"census|sweep|collect_census|analyse", HUES[2]),
    "draw": (r"draw_.*", HUES[4]),
    "other": (r".*", "#000000"),
}
CUT = 0.03  # width of a cut in the axis of time, of all that is drawn
UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}
LANE, TALLEST, LETTER = 0.15, 7.0, 0.14  # inches: height of a lane, of all lanes at most, of a node's name


@styled
def draw_timeline(trace: Columns) -> Figure:
    """Draw when each job ran (tables.TRACE): a bar per execution, lanes for what ran side by side, node below node."""
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
        if x - labelled > 0.13 * right:  # room for the words
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
    """Return the times when each idle time takes only so long, and where the middles of those then are."""
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


METRICS = {
    "fid": "FID, small is good",
    "kid": "KID, small is good",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}
SHARES = ("precision", "recall", "coverage")


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
                ax.hlines(row["null"], x - 0.45, x + 0.45, color=INK, linestyle=(0, (3, 2)), linewidth=1.2)
        turn: dict[str, Any] = (
            {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if len(populations) > 3 else {}
        )
        ax.set_xticks(range(len(populations)), populations, **turn)
        ax.set_xlim(-0.6, len(populations) - 0.4)
        ax.grid(visible=False, axis="x")
        if metric in SHARES:
            ax.set_ylim(0, 1.02)
        elif metric != "kid":
            ax.set_ylim(bottom=0)
    null = Line2D([], [], color=INK, linestyle=(0, (3, 2)), label="null value: real training samples in their place")
    figure.legend(handles=[null], loc="outside lower left")
    return figure


@styled
def draw_selection(
    samples: Samples,
    margin: NDArray[np.float64],
    unit: str,
    kept: NDArray[np.bool_],
    extremes: Mapping[str, NDArray[np.int64]],
) -> Figure:
    """Draw the scores (n,) above their cut in their unit, by kept and dropped, and the images of the two extremes."""
    groups = {} if _are_rows(samples) else extremes
    images = {name: pixels(samples.take(rows)) for name, rows in groups.items()}
    tiles = {name: mosaic(shown, 16, max(1, shown.shape[2] // 16)) for name, shown in images.items()}
    heights = [2.4, *(_mosaic_height(tile) + 0.35 for tile in tiles.values())]
    figure = Figure(figsize=(WIDTH, sum(heights)))
    top, *below = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    width = max(np.ptp(margin) / 60, 1e-9)
    edges = width * np.arange(math.floor(margin.min() / width), math.floor(margin.max() / width) + 2)
    for part, name, colour in ((kept, "kept", INK), (~kept, "dropped", "#c4c4c4")):
        top.hist(margin[part], edges, color=colour, label=f"{name}: {integer(part.sum())}")
    cut = "the cut of its class" if samples.label is not None else "the cut"
    top.set(xlabel=f"score minus {cut} ({unit})", ylabel="training samples")
    top.legend()
    for ax, (name, tile) in zip(below, tiles.items(), strict=True):
        _draw_mosaic(ax, name, tile, "black")
    return figure


def empty(text: str) -> Figure:
    """Say why there is nothing to draw."""
    figure = Figure(figsize=(WIDTH, 1))
    ax = figure.add_subplot()
    ax.set_axis_off()
    ax.text(0, 0.5, text, transform=ax.transAxes, color=INK, va="center")
    return figure


def short(name: str, longest: int = NAMED) -> str:
    """Return a name, or its first characters."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def unique(names: Any) -> list[str]:
    """Return the different names in their order."""
    return list(dict.fromkeys(names))


def spread(samples: Samples, count: int) -> Samples:
    """Return a number of samples, or all if there are fewer, evenly spaced from the first to the last."""
    return samples.take(np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(np.int64))


def rows_of(samples: Samples, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of the samples that have the given sample_id."""
    return samples_rows_of(samples.sample_id, ids)


def closest(distance: NDArray[np.float64], count: int = PAIRS) -> NDArray[np.int64]:
    """Return the rows of the smallest distances, smallest first, the earlier row first where they tie."""
    limit = np.partition(distance, count)[count] if len(distance) > count else np.inf
    near = np.flatnonzero(distance <= limit)
    return near[np.argsort(distance[near], kind="stable")][:count]


def extremes(
    scores: NDArray[np.float64], kept: NDArray[np.bool_], label: NDArray[np.int32] | None, count: int = TILES
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.int64]]]:
    """Return scores minus the lowest kept score of their class, and the rows of the best kept and the worst dropped.

    Scores compare only within a class, so the extremes take the classes in turn.
    """
    classes = np.zeros(len(scores), dtype=np.int32) if label is None else label
    margin, from_best, from_worst = np.empty((3, len(scores)))
    for one in np.unique(classes):
        here = np.flatnonzero(classes == one)
        margin[here] = scores[here] - scores[here][kept[here]].min()
        from_best[here[np.argsort(-scores[here], kind="stable")]] = np.arange(len(here))
        from_worst[here] = len(here) - from_best[here]
    best_first, worst_first = np.lexsort((classes, from_best)), np.lexsort((classes, from_worst))
    return margin, {
        "highest scores, kept": best_first[kept[best_first]][:count],
        "lowest scores, dropped": worst_first[~kept[worst_first]][:count],
    }


def shown(groups: Sequence[tuple[str, Samples, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns of SHOWN for groups of samples with their values; names, units and categories of columns."""
    table: dict[str, list[Any]] = {name: [] for name in SHOWN.names}
    tables = [_natural(samples) for _, samples, _ in groups if _are_rows(samples)]
    about = _about([known for known, _ in tables]) if tables else {}
    for group, samples, values in groups:
        natural: Any = np.empty((len(samples), 0))
        if _are_rows(samples):
            natural = _shared(*_natural(samples), [known for known, _ in tables])
        table["group"] += [group] * len(samples)
        table["sample_id"] += samples.sample_id.tolist()
        table["value"] += [None] * len(samples) if values is None else list(values)
        table["x"] += natural.tolist()
    return table, about


def _about(tables: Sequence[Sequence[Column]]) -> dict[str, str]:
    """Return names, units, categories and ways to write of columns, those of several tables that differ in new ones."""
    known = tables[0]
    about = {"names": json.dumps([one.name for one in known]), "units": json.dumps([one.unit for one in known])}
    if any(one.categories for one in known):
        every = [(*one.categories, *_extra(tables, k)) for k, one in enumerate(known)]
        about["categories"] = json.dumps(every)
    if any(is_written(one) for one in known):
        about["written"] = json.dumps([(one.reading, one.steps) if is_written(one) else None for one in known])
    return about


def _extra(tables: Sequence[Sequence[Column]], k: int) -> tuple[str, ...]:
    """Return the categories of a column that no real row has and some of the tables do."""
    return tuple(dict.fromkeys(text for known in tables for text in known[k].extra))


def _shared(
    known: Sequence[Column], rows: NDArray[np.float64], tables: Sequence[Sequence[Column]]
) -> NDArray[np.float64]:
    """Return rows (n, columns) whose new categories are numbered as those of all tables together."""
    shared = rows.copy()
    for k, one in enumerate(known):
        for m, text in enumerate(one.extra):
            shared[rows[:, k] == len(one.categories) + m, k] = len(one.categories) + _extra(tables, k).index(text)
    return shared


def _natural(samples: Samples) -> tuple[Sequence[Column], NDArray[np.float64]]:
    """Return the columns and the legal rows (n, columns), in natural units, of samples that are rows of a table."""
    known = columns_of(samples)
    return known, decode(known, samples.x)


def pixels(samples: Samples) -> NDArray[np.uint8]:
    """Turn images x (n, H, W) or (n, H, W, C) in [-1, 1] into RGB (n, H, W, 3); axes that are no colours are averaged.

    Showers are seen from the side: cells (x, y, layer) summed over x, voxels (layer, angle, radius) over the angle.
    """
    x, scale = samples.x, samples.scale
    if x.ndim == 4 and scale is not None and scale.names in (GRID, VOXELS):
        return _side_view(x.sum(axis=1) if scale.names == GRID else x.sum(axis=2).swapaxes(1, 2))
    if x.ndim > 4 or (x.ndim == 4 and x.shape[3] != 3):
        x = x.mean(axis=tuple(range(3, x.ndim)))
    grey = np.clip((x + 1) * 127.5, 0, 255).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=3) if grey.ndim == 3 else grey


def _side_view(energy: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour energies (n, H, W) by their logarithm, over four decades below the largest of each image; 0 is pale."""
    largest = energy.max(axis=(1, 2), keepdims=True, initial=0)
    share = energy / np.where(largest > 0, largest, 1)
    level = np.clip(1 + np.log10(np.maximum(share, 1e-9)) / 4, 0, 1)
    colours = colormaps["magma_r"](level, bytes=True)[..., :3]
    return np.where(share[..., None] > 0, colours, np.uint8(0xF2))


def mosaic(images: NDArray[np.uint8], columns: int, gap: int) -> NDArray[np.uint8]:
    """Lay out RGB images (n, H, W, 3) in rows, white between them and where the last row ends."""
    count, height, width, _ = images.shape
    lines = max(1, -(-count // columns))
    sheet = np.full((lines, columns, height + gap, width + gap, 3), 255, dtype=np.uint8)
    for k, image in enumerate(images):
        sheet[k // columns, k % columns, :height, :width] = image
    whole = sheet.transpose(0, 2, 1, 3, 4).reshape(lines * (height + gap), columns * (width + gap), 3)
    return whole[:-gap, :-gap]


def panels(figure: Figure, count: int, columns: int = 1) -> list[Axes]:
    """Return a number of axes in a grid of so many columns."""
    grid = figure.add_gridspec(-(-count // columns), min(columns, count))
    return [figure.add_subplot(grid[k // columns, k % columns]) for k in range(count)]


def _are_rows(samples: Samples) -> bool:
    return samples.x.ndim == 2


def _mosaic_height(image: NDArray[np.uint8]) -> float:
    """Return the height in inches of a mosaic that is as wide as the figure."""
    return WIDTH * float(image.shape[0]) / float(image.shape[1])


def _draw_mosaics(images: Mapping[str, NDArray[np.uint8]], look: Mapping[str, Look], notes: float = 0.0) -> Figure:
    """Draw a mosaic per population, with room for notes (inches) under each."""
    heights = [_mosaic_height(image) + 0.35 + notes for image in images.values()]
    figure = Figure(figsize=(WIDTH, sum(heights)))
    grid = figure.subplots(len(images), 1, height_ratios=heights, squeeze=False)
    for ax, (name, image) in zip(grid[:, 0], images.items(), strict=True):
        _draw_mosaic(ax, name, image, look[name].colour)
    return figure


def _draw_mosaic(ax: Axes, title: str, image: NDArray[np.uint8], colour: str) -> None:
    ax.imshow(image, interpolation="none")  # the viewer keeps the pixels sharp
    ax.set_anchor("NW")
    ax.set_title(title, color=colour)
    ax.set_axis_off()


def _draw_columns(populations: Mapping[str, Samples]) -> Figure:
    """Draw the empirical distribution function of each column, of categories in their order."""
    look = looks(list(populations))
    levels = np.linspace(0, 1, 201)
    natural = {population: _natural(samples) for population, samples in populations.items()}
    known, _ = next(iter(natural.values()))
    count = min(TABLE_COLUMNS, len(known))
    figure = Figure(figsize=(WIDTH, 0.6 + 2.1 * -(-count // 4)))
    for k, ax in enumerate(panels(figure, count, columns=4)):
        method: Literal["inverted_cdf", "linear"] = "inverted_cdf" if known[k].categories else "linear"
        for population, (_, values) in natural.items():
            colour, line, _ = look[population]
            last = len(known[k].categories) or np.inf
            at = np.quantile(np.minimum(values[:, k], last), levels, method=method)
            ax.plot(at, levels, color=colour, linestyle=line, linewidth=1.3)
        ax.set(xlabel=_head(known[k]), ylim=(0, 1))
        if known[k].categories:
            new = any(values[:, k].max() >= len(known[k].categories) for _, values in natural.values())
            _name_categories(ax, (*known[k].categories, *(("unknown",) if new else ())))
        if k % 4 == 0:
            ax.set_ylabel("share at or below")
    population_legend(figure, look)
    return figure


def _head(one: Column) -> str:
    """Return the name of a column of a table, and its unit."""
    return f"{one.name} ({unit(one.unit)})" if unit(one.unit) else one.name


def _name_categories(ax: Axes, categories: Sequence[str]) -> None:
    """Write categories, or some of many, at the ticks of the horizontal axis."""
    ticks = range(0, len(categories), -(-len(categories) // NAMED))
    short = [name if len(name) <= LONG else f"{name[: LONG - 1]}…" for name in categories]
    ax.set_xticks(ticks, [short[k] for k in ticks], rotation=40, ha="right", rotation_mode="anchor", fontsize=6.5)
    ax.set_xlim(-0.5, len(categories) - 0.5)


NAMED, LONG = 10, 14  # categories that are named at an axis; letters of a name


def population_legend(
    figure: Figure, look: Mapping[str, Look], markers: bool = False, others: Sequence[Line2D] = ()
) -> None:
    """Say under the panels which line, or marker, is which population."""
    handles = [
        Line2D([], [], color=colour, linestyle=line, marker=marker if markers else "", markersize=5, label=name)
        for name, (colour, line, marker) in look.items()
    ]
    figure.legend(handles=[*handles, *others], loc="outside lower left", ncols=6)


def _draw_profiles(
    pairs: Mapping[str, tuple[Samples, Samples, NDArray[np.float64]]], look: Mapping[str, Look]
) -> Figure:
    """Draw pairs of legal rows as profiles over their columns, scaled to their ends, a panel per pair."""
    columns = PAIRS // 2
    figure = Figure(figsize=(WIDTH, 0.2 + 1.5 * len(pairs)))
    grid = figure.subplots(len(pairs), columns, sharex=True, sharey=True, squeeze=False)
    for line, (population, (first, second, distances)) in zip(grid, pairs.items(), strict=True):
        line[0].set_title(population, color=look[population].colour)
        for k, ax in enumerate(line):
            if k >= len(distances):
                ax.set_axis_off()
                continue
            one, other = _profiles(first)[k], _profiles(second)[k]
            marks = ("o", "x") if len(one) == 1 else ("", "")  # a line needs two values
            ax.plot(one, color=look[population].colour, linewidth=1.2, marker=marks[0])
            ax.plot(other, color="black", linewidth=1.2, linestyle=(0, (3, 2)), marker=marks[1])
            ax.set(ylim=(-1.1, 1.1), xticks=[], xlabel=number(distances[k]))
        if len(distances) == 0:
            line[0].text(0, 0.5, "no duplicates found", transform=line[0].transAxes, color=INK, va="center")
    return figure


def _profiles(samples: Samples) -> NDArray[np.float64]:
    """Return legal rows (n, columns), -1 at the low end of each column and 1 at its high end."""
    known, natural = _natural(samples)
    low, high = np.array([one.ends for one in known]).T
    half = high / 2 - low / 2
    return np.asarray((natural - low / 2 - high / 2) / np.where(half > 0, half, 1))


def log_axis(ax: Axes, low: float, high: float, which: Literal["x", "y"] = "x") -> None:
    """Make an axis logarithmic, with plain numbers: 2, 5, 10, 20."""
    ax.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
    axis = ax.xaxis if which == "x" else ax.yaxis
    subs = next(subs for times, subs in TICKS.items() if high < times * low)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(_log_label))
    axis.set_minor_formatter(NullFormatter())


TICKS = {6.0: (1, 1.5, 2, 3, 4, 5, 6, 8), 500.0: (1, 2, 5), math.inf: (1,)}  # by how many times longer the axis is


def _log_label(value: float, _: Any) -> str:
    if 1e-4 <= value < 1e5:
        return f"{value:,.6g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa} × {power}"
