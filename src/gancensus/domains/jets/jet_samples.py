"""What sources and generators of jets have in common: the form of samples, and what is measured when they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.family import Strict
from gancensus.contracts.samples import PREPROCESSED, MeasuredSamples, Notes, Samples, Scale
from gancensus.contracts.source import Source

Floats = NDArray[np.float64]
Measured = tuple[Floats, Mapping[str, NDArray[np.float32]]]

STEPS = ("centre", "rotate", "flip", "normalise")
EXTENT = 2.0  # of the scale of eta and phi: a power of two beyond the constituents of jets of R = 1


class JetForm(Strict):
    """What jets become, images or constituents: the same for the real and the generated ones."""

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
    def reading(self) -> Mapping[str, str] | None:
        """The form, by the keys that say it."""
        return {name: str(getattr(self, name)).lower() for name in JetForm.model_fields}

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample."""
        return (self.pixels, self.pixels) if self.form == "images" else (self.particles, 3)

    def prepared(self, constituents: Floats) -> Floats:
        """Return samples (n, *shape) in natural units: pt in GeV unless pixels sum to 1, eta and phi in the frame.

        constituents: (n, particles, 3), pt (GeV), eta, phi, hardest first, zero-padded.
        """
        from gancensus.domains.jets.jet_images import normalised, pixelated, preprocessed

        values = preprocessed(constituents, self.centre, self.rotate, self.flip)
        if self.form == "constituents":
            return padded(values, self.particles)
        values = pixelated(values, self.pixels, self.width)
        return normalised(values) if self.normalise else values

    def measured(self, constituents: Floats) -> Measured:
        """Return samples as `prepared` does, and their conditions (n,), measured on all constituents."""
        from gancensus.domains.jets.observables import UNITS, observables

        found = observables(constituents)
        return self.prepared(constituents), {name: found[name].astype(np.float32) for name in UNITS}


class JetSource(JetForm, Source):
    """Jets as images or as constituents; their conditions are measured when they are read, on all constituents."""

    tabular: ClassVar[bool] = False

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
        possible = STEPS if self.form == "images" else STEPS[:-1]
        return ", ".join(step for step in possible if getattr(self, step)) or "none"

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
    ) -> MeasuredSamples:
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
        notes = notes or Notes()
        if self.preprocessing != "none":
            notes.add(PREPROCESSED + self.preprocessing)
        known = Samples(nothing, ids, label, scale, units=UNITS, notes=notes)

        def measured(rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], Mapping[str, NDArray[np.float32]]]:
            values, conditions = self.measured(read(rows))
            return scale.encode(values), conditions

        return MeasuredSamples(known, self.shape, np.dtype(np.float32), lambda rows: measured(rows)[0], measured)


def padded(constituents: Floats, particles: int) -> Floats:
    """Return the first constituents of each jet, (n, particles, 3), with zeros where there are fewer."""
    short = max(0, particles - constituents.shape[1])
    return np.pad(constituents[:, :particles], ((0, 0), (0, short), (0, 0)))


def other_width(source: Source, width: float | None) -> str | None:
    """Return why a width of images, None for other samples, cannot be that of a source's; None where it can."""
    wide = source.width_of_images
    return None if wide in (None, width) else f"images of the source are {wide:g} wide; write width: {wide:g}"
