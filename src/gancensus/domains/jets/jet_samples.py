"""What sources of jets have in common: which form samples have, and what is measured of them when they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.samples import LazySamples, Notes, Samples, Scale
from gancensus.contracts.source import Source

Floats = NDArray[np.float64]
Values = tuple[NDArray[np.float32], Mapping[str, NDArray[np.float32]]]

STEPS = ("centre", "rotate", "flip", "normalise")
EXTENT = 2.0  # of the scale of eta and phi: a power of two beyond the constituents of jets of R = 1


class JetSource(Source):
    """Jets as images or as constituents; their conditions are measured when they are read, on all constituents."""

    tabular: ClassVar[bool] = False

    form: Literal["images", "constituents"] = "images"
    """`images`: pt in pixels. `constituents`: pt, eta and phi of each, hardest first, zero-padded."""
    centre: bool = True
    """Whether the origin of eta and phi is their centroid, weighted with pt; else it is the jet's axis (rapidity and
    phi of the sum of the momenta)."""
    rotate: bool = True
    """Whether the principal axis of the second moments, weighted with pt, is turned into the direction of phi, which is
    vertical."""
    flip: bool = True
    """Whether the halves with more pt are mirrored to the right (positive eta) and up (positive phi)."""
    normalise: bool = True
    """Of images: whether the pixels of each sum to 1; else they are in GeV."""
    pixels: int = Field(40, ge=2, le=1000)
    """Of images: pixels along each side."""
    width: float = Field(2.0, gt=0)
    """Of images: length of a side in eta and phi, with the origin in the middle; constituents outside are left out."""
    particles: int = Field(128, ge=1, le=10_000)
    """Of constituents: how many are kept, the hardest."""

    @property
    def width_of_images(self) -> float | None:
        """The width; None of constituents."""
        return self.width if self.form == "images" else None

    @property
    def value_names(self) -> tuple[str, ...]:
        """The pt of pixels, or pt, eta and phi of constituents."""
        return ("pt",) if self.form == "images" else ("pt", "eta", "phi")

    @property
    def preprocessing(self) -> str:
        """The steps of the preprocessing that are taken."""
        return ", ".join(step for step in STEPS if getattr(self, step)) or "none"

    def unprocessed(self) -> Source | None:
        """Return the source of the same jets as they are about their axis, in GeV; None where that is what it has."""
        raw = self.model_copy(update=dict.fromkeys(STEPS, False))
        return None if raw == self else raw

    def view(self, samples: Samples) -> NDArray[np.uint8] | None:
        """Return jets as grey images."""
        from gancensus.domains.jets.jet_view_figures import grey_images

        return grey_images(samples, self.width, self.pixels)

    def lazy(
        self,
        label: NDArray[np.int32],
        largest: float,
        read: Callable[[NDArray[np.int64]], Floats],
        notes: Notes | None = None,
    ) -> LazyJets:
        """Return the samples of jets with labels (n,), in that order.

        read: returns the constituents (rows, particles, 3) of some jets, GeV, hardest first. largest: about the largest
        pt of a jet in GeV, the end of the scale.
        """
        from gancensus.domains.jets.observables import UNITS

        end = 1.0 if self.form == "images" and self.normalise else 2.0 ** math.ceil(math.log2(largest))
        units: tuple[str, ...] = ("1" if end == 1 else "GeV",)
        high: tuple[float, ...] = (end,)
        if self.form == "constituents":
            units, high = ("GeV", "1", "rad"), (end, EXTENT, EXTENT)
        scale = Scale(self.value_names, units, tuple(-one for one in high), high)
        nothing, ids = np.empty((len(label), 0), dtype=np.float32), np.arange(len(label), dtype=np.int64)
        known = Samples(nothing, ids, label, scale, units=UNITS, notes=notes or Notes())
        shape = (self.pixels, self.pixels) if self.form == "images" else (self.particles, 3)

        def measured(rows: NDArray[np.int64]) -> Values:
            return self._measured(read(rows), scale)

        return LazyJets(known, shape, np.dtype(np.float32), lambda rows: measured(rows)[0], measured)

    def _measured(self, constituents: Floats, scale: Scale) -> Values:
        """Return x (n, *shape) and the conditions of jets."""
        from gancensus.domains.jets.jet_images import normalised, pixelated, preprocessed
        from gancensus.domains.jets.observables import UNITS, observables

        found = observables(constituents)
        conditions = {name: found[name].astype(np.float32) for name in UNITS}
        values = preprocessed(constituents, self.centre, self.rotate, self.flip)
        if self.form == "images":
            values = pixelated(values, self.pixels, self.width)
            values = normalised(values) if self.normalise else values
        else:
            values = padded(values, self.particles)
        return scale.encode(values), conditions


@dataclass(frozen=True)
class LazyJets(LazySamples):
    """Jets whose conditions are not known before they are read; `measured` returns x and conditions of some rows."""

    measured: Callable[[NDArray[np.int64]], Values]

    def take(self, rows: NDArray[Any] | slice) -> Samples:
        """Read the jets at the given rows, and measure them."""
        x, conditions = self.measured(np.arange(len(self))[rows])
        return replace(self.known.take(rows), x=x, conditions=conditions)


def padded(constituents: Floats, particles: int) -> Floats:
    """Return the first constituents of each jet, (n, particles, 3), with zeros where there are fewer."""
    short = max(0, particles - constituents.shape[1])
    return np.pad(constituents[:, :particles], ((0, 0), (0, short), (0, 0)))


def other_width(source: Source, width: float) -> str | None:
    """Return why a width of images cannot be that of a source's; None where it can."""
    wide = source.width_of_images
    return None if wide in (None, width) else f"width {width:g}: images of the source are {wide:g} wide; give that one"
