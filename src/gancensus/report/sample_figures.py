"""Figures that show samples: galleries, closest pairs, selections."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gancensus.contracts.columns import Column, decode, is_written
from gancensus.contracts.samples import Samples
from gancensus.contracts.samples import rows_of as samples_rows_of
from gancensus.contracts.scales import columns_of
from gancensus.plotting.numbers import integer, number, unit
from gancensus.plotting.style import (
    INK,
    WIDTH,
    Look,
    looks,
    panels,
    population_legend,
    styled,
)
from gancensus.report.sentences import TABLE_COLUMNS
from gancensus.storage.schemas import FLOAT, INT, STRING, column

SHOWN = pa.schema(
    [column("group", STRING), column("sample_id", INT), column("value", FLOAT), column("x", pa.list_(FLOAT))]
)
"""Which samples a figure shows: their group, a value (distance, score) and, for legal rows of a table, natural values
and numbers of categories."""
View = Callable[[Samples], NDArray[np.uint8] | None]
"""`Source.view`: how the study shows its samples."""
TILES = 32  # samples that a gallery shows of each population
PAIRS = 8  # closest pairs that are shown of each population


@styled
def draw_gallery(populations: Mapping[str, Samples], view: View) -> Figure:
    """Draw some samples of each population (images), or the distribution of each column (rows of a table)."""
    if next(iter(populations.values())).are_rows:
        return _draw_columns(populations)
    tiles = {name: pixels(spread(samples, TILES), view) for name, samples in populations.items()}
    width = next(iter(tiles.values())).shape[2]
    columns = max(4, min(16, 2048 // width))
    gap = max(1, width // 16)
    return _draw_mosaics({name: mosaic(images, columns, gap) for name, images in tiles.items()}, looks(list(tiles)))


@styled
def draw_closest(pairs: Mapping[str, tuple[Samples, Samples, NDArray[np.float64]]], view: View) -> Figure:
    """Draw the closest pairs of each population: first samples, second samples and their distances."""
    look = looks(list(pairs))
    if next(iter(pairs.values()))[0].are_rows:
        return _draw_profiles(pairs, look)
    tiles = {}
    for name, (first, second, _) in pairs.items():
        a, b = pixels(first, view), pixels(second, view)
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
def draw_selection(
    samples: Samples,
    margin: NDArray[np.float64],
    unit: str,
    kept: NDArray[np.bool_],
    extremes: Mapping[str, NDArray[np.int64]],
    view: View,
) -> Figure:
    """Draw the scores (n,) above their cut in their unit, by kept and dropped, and the images of the two extremes."""
    groups = {} if samples.are_rows else extremes
    images = {name: pixels(samples.take(rows), view) for name, rows in groups.items()}
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
    tables = [_natural(samples) for _, samples, _ in groups if samples.are_rows]
    about = _about([known for known, _ in tables]) if tables else {}
    for group, samples, values in groups:
        natural: Any = np.empty((len(samples), 0))
        if samples.are_rows:
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


def pixels(samples: Samples, view: View) -> NDArray[np.uint8]:
    """Return samples as RGB (n, H, W, 3): as `view` shows them, or as the images that they are.

    Images x (n, H, W) or (n, H, W, C) are in [-1, 1]; axes that are no colours are averaged.
    """
    if (seen := view(samples)) is not None:
        return seen
    x = samples.x
    if x.ndim > 4 or (x.ndim == 4 and x.shape[3] != 3):
        x = x.mean(axis=tuple(range(3, x.ndim)))
    grey = np.clip((x + 1) * 127.5, 0, 255).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=3) if grey.ndim == 3 else grey


def mosaic(images: NDArray[np.uint8], columns: int, gap: int) -> NDArray[np.uint8]:
    """Lay out RGB images (n, H, W, 3) in rows, white between them and where the last row ends."""
    count, height, width, _ = images.shape
    lines = max(1, -(-count // columns))
    sheet = np.full((lines, columns, height + gap, width + gap, 3), 255, dtype=np.uint8)
    for k, image in enumerate(images):
        sheet[k // columns, k % columns, :height, :width] = image
    whole = sheet.transpose(0, 2, 1, 3, 4).reshape(lines * (height + gap), columns * (width + gap), 3)
    return whole[:-gap, :-gap]


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
    ticks = range(0, len(categories), -(-len(categories) // CATEGORIES))
    short = [name if len(name) <= LONG else f"{name[: LONG - 1]}…" for name in categories]
    ax.set_xticks(ticks, [short[k] for k in ticks], rotation=40, ha="right", rotation_mode="anchor", fontsize=6.5)
    ax.set_xlim(-0.5, len(categories) - 0.5)


CATEGORIES, LONG = 10, 14  # categories that are named at an axis; letters of a name


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
