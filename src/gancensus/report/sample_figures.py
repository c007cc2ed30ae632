"""Figures that show samples, as pictures or as rows of a table: galleries, closest pairs, selections."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gancensus.contracts.samples import Samples
from gancensus.plotting.numbers import integer, number
from gancensus.plotting.style import INK, WIDTH, looks, styled
from gancensus.report.picture_figures import View, draw_mosaic, draw_mosaics, mosaic, mosaic_height, pixels
from gancensus.report.row_figures import draw_columns, draw_profiles

TILES = 32  # samples that a gallery shows of each population
PAIRS = 8  # closest pairs that are shown of each population


@styled
def draw_gallery(populations: Mapping[str, Samples], view: View) -> Figure:
    """Draw some samples of each population (images), or the distribution of each column (rows of a table)."""
    if next(iter(populations.values())).are_rows:
        return draw_columns(populations)
    tiles = {name: pixels(spread(samples, TILES), view) for name, samples in populations.items()}
    width = next(iter(tiles.values())).shape[2]
    columns = max(4, min(16, 2048 // width))
    gap = max(1, width // 16)
    return draw_mosaics({name: mosaic(images, columns, gap) for name, images in tiles.items()}, looks(list(tiles)))


@styled
def draw_closest(pairs: Mapping[str, tuple[Samples, Samples, NDArray[np.float64]]], view: View) -> Figure:
    """Draw the closest pairs of each population: first samples, second samples and their distances."""
    look = looks(list(pairs))
    if next(iter(pairs.values()))[0].are_rows:
        return draw_profiles(pairs, look)
    tiles = {}
    for name, (first, second, _) in pairs.items():
        a, b = pixels(first, view), pixels(second, view)
        seam = np.full((*a.shape[:2], max(1, a.shape[2] // 16), 3), 255, dtype=np.uint8)
        tiles[name] = np.concatenate([a, seam, b], axis=2)
    width = next(iter(tiles.values())).shape[2]
    gap = max(3, width // 6)
    figure = draw_mosaics({name: mosaic(images, PAIRS, gap) for name, images in tiles.items()}, look, notes=0.25)
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
    words: str,
    view: View,
) -> Figure:
    """Draw the scores (n,) above their cut in their unit, by kept and dropped, and the images of the two extremes.

    words: what to think of the selection, below its name.
    """
    groups = {} if samples.are_rows else extremes
    images = {name: pixels(samples.take(rows), view) for name, rows in groups.items()}
    tiles = {name: mosaic(shown, 16, max(1, shown.shape[2] // 16)) for name, shown in images.items()}
    heights = [2.4, *(mosaic_height(tile) + 0.35 for tile in tiles.values())]
    figure = Figure(figsize=(WIDTH, sum(heights)))
    top, *below = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    width = max(np.ptp(margin) / 60, 1e-9)
    edges = width * np.arange(math.floor(margin.min() / width), math.floor(margin.max() / width) + 2)
    for part, name, colour in ((kept, "kept", INK), (~kept, "dropped", "#c4c4c4")):
        top.hist(margin[part], edges, color=colour, label=f"{name}: {integer(part.sum())}")
    cut = "the cut of its class" if samples.label is not None else "the cut"
    top.set(xlabel=f"score minus {cut} ({unit})", ylabel="training samples")
    top.set_title(words, loc="left", fontsize=7.5, fontweight="normal", color=INK)
    top.legend()
    for ax, (name, tile) in zip(below, tiles.items(), strict=True):
        draw_mosaic(ax, name, tile, "black")
    return figure


def spread(samples: Samples, count: int) -> Samples:
    """Return a number of samples, or all if there are fewer, evenly spaced from the first to the last."""
    return samples.take(np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(np.int64))


def closest(distance: NDArray[np.float64], count: int = PAIRS) -> NDArray[np.int64]:
    """Return the rows of the smallest distances, smallest first, the earlier row first where they tie."""
    limit = np.partition(distance, count)[count] if len(distance) > count else np.inf
    near = np.flatnonzero(distance <= limit)
    return near[np.argsort(distance[near], kind="stable")][:count]


def extremes(
    scores: NDArray[np.float64], kept: NDArray[np.bool_], label: NDArray[np.int32] | None, count: int = TILES
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.int64]]]:
    """Return scores minus the lowest kept score of their class, and the rows of the best kept and the worst dropped.

    Scores compare only within a class, so the extremes take the classes in turn. Below them those of the largest class
    alone, as in figure 1 of the paper (DeVries et al., arXiv:2007.15255).
    """
    classes = np.zeros(len(scores), dtype=np.int32) if label is None else label
    margin, from_best, from_worst = np.empty((3, len(scores)))
    for one in np.unique(classes):
        here = np.flatnonzero(classes == one)
        margin[here] = scores[here] - scores[here][kept[here]].min(initial=scores[here].max())
        from_best[here[np.argsort(-scores[here], kind="stable")]] = np.arange(len(here))
        from_worst[here] = len(here) - from_best[here]
    best_first, worst_first = np.lexsort((classes, from_best)), np.lexsort((classes, from_worst))
    found = {
        "highest scores, kept": best_first[kept[best_first]][:count],
        "lowest scores, dropped": worst_first[~kept[worst_first]][:count],
    }
    if label is not None:
        names, sizes = np.unique(classes, return_counts=True)
        one = names[sizes.argmax()]
        for name, order in (("highest", best_first), ("lowest", worst_first)):
            found[f"class {one}, {name} scores"] = order[classes[order] == one][: count // 2]
    return margin, found
