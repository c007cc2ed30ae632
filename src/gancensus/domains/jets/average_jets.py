"""Jets of each class as images: one jet and the average of many, before and after preprocessing by the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows, Samples, rows_of
from gancensus.contracts.source import Source
from gancensus.domains.jets.jet_images import normalised, pixelated

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Line = tuple[Any, ...]
PIXELS = 40  # along either side of the image of a cloud of constituents
BEFORE = 20  # jets of a class that are asked for again: simulating one takes about 20 ms
ALL = "all jets"  # where samples have no classes


@dataclass
class _Class:
    """What is known of a class after some jets of it."""

    ids: list[int] = field(default_factory=list)
    """Of the first jets, BEFORE at most."""
    first: Floats | None = None
    total: Floats | float = 0.0
    jets: int = 0

    def add(self, images: Floats, ids: Integers) -> None:
        """Count images (n, H, W), n > 0, with their sample_id (n,)."""
        self.ids += ids[: BEFORE - len(self.ids)].tolist()
        self.first = images[0] if self.first is None else self.first
        self.total = self.total + images.sum(axis=0)
        self.jets += len(images)


def shares(samples: Samples, width: float, where: str) -> Floats:
    """Return jets as images (n, H, W): the share of a jet's pT in each pixel.

    phi rises from the last row to the first, eta from the first column to the last, as in the images of sources.

    Of constituents (particles, 3), what lies outside of `width` by `width` around eta = phi = 0 is not shown.

    Raises:
        UserError: samples are neither images nor constituents.
    """
    x = samples.natural()
    if x.ndim != 3:
        raise UserError(f"{where}: samples have the shape {samples.shape}; a jet is (H, W) or (particles, 3)")
    if x.shape[2] == 3:
        x = pixelated(x, PIXELS, width)
    return normalised(np.maximum(x, 0.0))


def average_jets(train: Rows, source: Source, seed: int, width: float) -> Iterator[Line]:
    """Yield the table of average jets, a line per pixel: class, stage, picture, jets, eta, phi and share of the pT.

    Of each class of `train`, or of all jets where there are none: the first jet, and the average of all. For what they
    were before, the source is asked for the first BEFORE of each class again, with the seed that they are of; where it
    has no answer, there is no stage `before`.

    Raises:
        UserError: samples are neither images nor constituents.
    """
    raw = source.unprocessed()
    again = None if raw is None else raw.load(seed)
    for label, found in _classes(train, width).items():
        name = ALL if label is None else source.classes.get(label, str(label))
        if again is not None:
            before = _Class()
            some = again.take(rows_of(again.sample_id, np.array(found.ids)))
            before.add(shares(some, width, "the jets before preprocessing"), some.sample_id)
            yield from _lines(name, "before", before, width)
        yield from _lines(name, "after", found, width)


def _classes(train: Rows, width: float) -> Mapping[int | None, _Class]:
    """Read all jets, some at a time; classes in the order of their labels."""
    found: dict[int | None, _Class] = {}
    for block in train.chunks(slice(0, len(train))):
        images = shares(block, width, train.where)
        for label in [None] if block.label is None else np.unique(block.label).tolist():
            own = slice(None) if block.label is None else np.flatnonzero(block.label == label)
            if len(images[own]):
                found.setdefault(label, _Class()).add(images[own], block.sample_id[own])
    return dict(sorted(found.items(), key=lambda item: -1 if item[0] is None else item[0]))


def _lines(name: str, stage: str, found: _Class, width: float) -> Iterator[Line]:
    for picture, jets, image in (("one", 1, found.first), ("average", found.jets, found.total / found.jets)):
        for pixel in pixels(np.asarray(image), width):
            yield name, stage, picture, jets, *pixel


def pixels(image: Floats, width: float) -> Iterator[Line]:
    """Yield eta and phi of the centre of each pixel of an image (H, W), and its value, row by row.

    Pixels are square, and the W columns together as wide as `width` in eta.
    """
    columns = image.shape[1]
    phi, eta = (((np.arange(side) + 0.5) / columns - side / (2 * columns)) * width for side in image.shape)
    for row, column in np.ndindex(image.shape):
        yield float(eta[column]), float(phi[-1 - row]), float(image[row, column])
