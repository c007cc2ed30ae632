"""Graphs: where nodes and their labels are drawn, and how large."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]

WIDE = 400.0  # of a drawing; all lengths are in its unit
FLATTEST, STEEPEST = 0.5, 0.8  # height of a drawing over its width
SMALLEST, LARGEST = 4.0, 28.0  # radius of a node
FILLED = 0.1  # share of the drawing that nodes fill at most
LETTER, LINE = 7.3, 13.0  # width of a letter of a label, height of its line
COVERED = 0.15  # share of a label that may lie over nodes


class Layout(NamedTuple):
    """A drawing of a graph, WIDE and `height` high: centres of the nodes, y downwards, and their radii, each (n,)."""

    x: Floats
    y: Floats
    radius: Floats
    height: float


def layout(x: Floats, y: Floats, size: Floats) -> Layout:
    """Fit nodes at x, y (n,), y upwards, into a drawing; areas are as their sizes (n,), but not below the smallest.

    Both axes have one scale, unless the drawing would be too flat or too steep.
    """
    across, up = float(np.ptp(x)), float(np.ptp(y))
    height = WIDE * float(np.clip(up / across if across else STEEPEST, FLATTEST, STEEPEST))
    share = size / size.max(initial=1)
    radius = _largest(share, height) * np.sqrt(share)
    radius = np.maximum(SMALLEST, radius)
    margin = float(radius.max(initial=SMALLEST)) + LINE
    return Layout(_spread(x, WIDE, margin), height - _spread(y, height, margin), radius, height)


def radius_of(size: float, sizes: Floats, height: float) -> float:
    """Return the radius of a node of some size in a drawing of nodes of the sizes (n,)."""
    most = float(sizes.max(initial=1))
    return max(SMALLEST, _largest(sizes / most, height) * math.sqrt(size / most))


def _largest(share: Floats, height: float) -> float:
    """Return the radius of the largest node; share (n,): their areas, as shares of that one's."""
    return min(LARGEST, math.sqrt(FILLED * WIDE * height / math.pi / max(float(share.sum()), 1e-9)))


def _spread(values: Floats, length: float, margin: float) -> Floats:
    """Map values (n,) to a length, but for a margin at both ends; equal ones to its middle."""
    span = float(np.ptp(values)) if len(values) else 0.0
    if span == 0:
        return np.full(len(values), length / 2)
    return np.asarray(margin + (values - values.min()) / span * (length - 2 * margin), dtype=np.float64)


def labels(drawn: Layout, texts: Sequence[str]) -> list[tuple[float, float] | None]:
    """Return the centre of each node's label; None where it has none, or where there is no room for it.

    The largest nodes come first. A label stays in the drawing and overlaps no other label, and nodes as little as it
    can.
    """
    found: list[tuple[float, float] | None] = [None] * len(texts)
    taken: list[Box] = []
    nodes = np.stack([drawn.x - drawn.radius, drawn.y - drawn.radius, drawn.x + drawn.radius, drawn.y + drawn.radius])
    for k in np.argsort(-drawn.radius, kind="stable"):
        if not texts[k]:
            continue
        free = []
        for x, y, box in _places(drawn.x[k], drawn.y[k], drawn.radius[k], LETTER * len(texts[k])):
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= WIDE and box[3] <= drawn.height
            if inside and not any(_common(box, np.array(other)[:, None]) for other in taken):
                free.append((_common(box, np.delete(nodes, k, axis=1)), x, y, box))
        covered, x, y, box = min(free, key=lambda one: one[0], default=(math.inf, 0, 0, (0, 0, 0, 0)))
        if covered <= COVERED * LINE * LETTER * len(texts[k]):
            found[k] = x, y
            taken.append(box)
    return found


def _places(x: float, y: float, radius: float, width: float) -> Iterator[tuple[float, float, Box]]:
    """Yield where a label can be, around its node: centre and box."""
    beside, above = width / 2 + 2, LINE / 2
    for right, down in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)):
        reach = radius * (1 if 0 in (right, down) else math.sqrt(0.5))
        cx, cy = x + right * (reach + beside), y + down * (reach + above)
        yield cx, cy, (cx - width / 2, cy - above, cx + width / 2, cy + above)


def _common(box: Box, boxes: Floats) -> float:
    """Return the area that a box has in common with boxes (4, n): left, top, right, bottom."""
    across = np.minimum(box[2], boxes[2]) - np.maximum(box[0], boxes[0])
    down = np.minimum(box[3], boxes[3]) - np.maximum(box[1], boxes[1])
    return float((np.maximum(across, 0) * np.maximum(down, 0)).sum())


def round_sizes(most: float) -> list[int]:
    """Return up to three round sizes for a legend, the largest at most as large as the largest node."""
    power = 10 ** math.floor(math.log10(max(most, 1)))
    top = next(int(times * power) for times in (5, 2, 1) if times * power <= max(most, 1))
    return [one for one in dict.fromkeys((top // 16, top // 4, top)) if one]
