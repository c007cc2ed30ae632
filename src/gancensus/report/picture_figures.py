"""Samples as pictures, and mosaics of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gancensus.contracts.samples import Samples
from gancensus.plotting.style import WIDTH, Look

View = Callable[[Samples], NDArray[np.uint8] | None]
"""`Source.view`: how the study shows its samples."""


def pixels(samples: Samples, view: View) -> NDArray[np.uint8]:
    """Return samples as RGB (n, H, W, 3): as `view` shows them, or as the images that they are.

    Images x (n, H, W) or (n, H, W, C) are in [-1, 1]; axes other than colours are averaged.
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


def mosaic_height(image: NDArray[np.uint8]) -> float:
    """Return the height in inches of a mosaic that is as wide as the figure."""
    return WIDTH * float(image.shape[0]) / float(image.shape[1])


def draw_mosaics(images: Mapping[str, NDArray[np.uint8]], look: Mapping[str, Look], notes: float = 0.0) -> Figure:
    """Draw a mosaic per population, with room for notes (inches) under each."""
    heights = [mosaic_height(image) + 0.35 + notes for image in images.values()]
    figure = Figure(figsize=(WIDTH, sum(heights)))
    grid = figure.subplots(len(images), 1, height_ratios=heights, squeeze=False)
    for ax, (name, image) in zip(grid[:, 0], images.items(), strict=True):
        draw_mosaic(ax, name, image, look[name].colour)
    return figure


def draw_mosaic(ax: Axes, title: str, image: NDArray[np.uint8], colour: str) -> None:
    """Draw a mosaic with its title, as wide as the figure."""
    ax.imshow(image, interpolation="none")  # the viewer keeps the pixels sharp
    ax.set_anchor("NW")
    ax.set_title(title, color=colour)
    ax.set_axis_off()
