"""The figure of groups of near-duplicates: which samples, and the training sample that is closest to each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from gancensus.plotting.letters import drawable
from gancensus.plotting.style import INK, WIDTH, empty, looks, styled
from gancensus.report.group_lists import ShownGroup
from gancensus.report.picture_figures import View, pixels
from gancensus.report.row_figures import draw_group_profiles

TILE, GAP = 0.86, 0.1  # inches: the largest side of a picture, and between two
STEP, APART = TILE + GAP, 0.45  # inches: from a picture to the next one, and between groups
ABOVE, BELOW = 0.24, 0.3  # inches: for the title of a group, and for the names below its pictures
SMALL = 5.0  # points: the size of these names
MOST_PIXELS = 128  # of a side that are drawn


@styled
def draw_groups(groups: Mapping[str, Sequence[ShownGroup]], view: View) -> Figure:
    """Draw the groups of each population: pictures with their names below, or rows of a table as profiles."""
    there = [group for found in groups.values() for group in found]
    if not there:
        return empty("no near-duplicates found in any generated population")
    look = looks(list(groups))
    if there[0].members.are_rows:
        return draw_group_profiles(groups, look)
    height, width = pixels(there[0].members.take(slice(0, 1)), view).shape[1:3]
    tile = (TILE * height / max(height, width), TILE * width / max(height, width))
    line = ABOVE + tile[0] + BELOW
    placed = {population: _placed(found) for population, found in groups.items()}
    heights = [line * max([1, *(place.line + 1 for place in of)]) for of in placed.values()]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.3 * len(heights)))
    axes = figure.subplots(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, (population, found), high in zip(axes, groups.items(), heights, strict=True):
        ax.set_title(population, color=look[population].colour)
        ax.set(xlim=(0, WIDTH), ylim=(high, 0), aspect="equal", anchor="NW")
        ax.set_axis_off()
        for group, (at, left) in zip(found, placed[population], strict=True):
            _draw_group(ax, group, view, line * at + ABOVE, left, tile)
        if not found:
            ax.text(0, ABOVE, "no near-duplicates found", color=INK, va="center")
    return figure


class Place(NamedTuple):
    """Where a group is drawn."""

    line: int
    left: float
    """Inches."""


def _placed(groups: Sequence[ShownGroup]) -> list[Place]:
    """Return where groups of pictures are drawn, in their order: beside each other, as many as a line has room for."""
    found: list[Place] = []
    line, left = 0, 0.0
    for group in groups:
        wide = len(group.members) * STEP + (0 if group.train is None else STEP + 2 * GAP)
        if left and left + wide - GAP > WIDTH:
            line, left = line + 1, 0.0
        found.append(Place(line, left))
        left += wide + APART
    return found


def _draw_group(ax: Axes, group: ShownGroup, view: View, top: float, left: float, tile: tuple[float, float]) -> None:
    """Draw the pictures of a group in a line, at a place in inches, and at its end that of the closest in `train`."""
    high, wide = tile
    ax.text(left, top - 0.05, group.title, fontsize=7.5, color=INK, va="bottom")
    places = [left + k * STEP for k in range(len(group.members))]
    pictures = _small(pixels(group.members, view))
    if group.train is not None:
        places.append(left + len(group.members) * STEP + 2 * GAP)
        pictures = np.concatenate([pictures, _small(pixels(group.train, view))])
        frame = Rectangle((places[-1], top), wide, high, fill=False, edgecolor="black", linewidth=1.2, clip_on=False)
        ax.add_patch(frame)
        ax.text(places[-1], top - 0.05, "closest in train", fontsize=7.5, color="black", va="bottom")
    for picture, x, name in zip(pictures, places, group.labels, strict=True):
        ax.imshow(picture, interpolation="none", extent=(x, x + wide, top + high, top), aspect="equal")
        ax.text(x, top + high + 0.03, _folded(name), fontsize=SMALL, color=INK, va="top", linespacing=1.05)
    ax.set(xlim=(0, WIDTH), ylim=(ax.get_ylim()[0], 0))


def _small(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return RGB images (n, H, W, 3), averaged over squares of pixels where they are large."""
    n, height, width, colours = images.shape
    side = -(-max(height, width) // MOST_PIXELS)
    if side == 1:
        return images
    high, wide = height // side, width // side
    cut = images[:, : high * side, : wide * side].reshape(n, high, side, wide, side, colours)
    return np.asarray(cut.mean(axis=(2, 4)).round(), dtype=np.uint8)


def _folded(name: str) -> str:
    """Return a name in one line or two that are as wide as a picture; of a longer one the end, where files differ."""
    text = drawable("".join(letter if letter.isprintable() else " " for letter in name))
    if len(last := _end(text)) == len(text):
        return text
    rest = text[: len(text) - len(last)]
    first = _end(rest)
    return f"{first}\n{last}" if first == rest else f"…{first[1:]}\n{last}"


def _end(text: str) -> str:
    """Return the longest end of a text that is not wider than a picture."""
    room = 72 * TILE
    for k in range(len(text) - 1, -1, -1):
        room -= _points(text[k])
        if room < 0:
            return text[k + 1 :]
    return text


@cache
def _points(letter: str) -> float:
    """Return how wide a letter is at the size of the names."""
    return float(text_to_path.get_text_width_height_descent(letter, FontProperties(size=SMALL), False)[0])
