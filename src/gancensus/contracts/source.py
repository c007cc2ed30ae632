"""Sources: where the real samples of a study come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.density import Density
from gancensus.contracts.family import Member
from gancensus.contracts.samples import LazySamples, Samples


class Source(Member):
    """A source provides all real samples of a study; the step `prepare` splits them."""

    tabular: ClassVar[bool | None] = None
    """Whether samples are rows of a table; None where that depends on the data."""
    simulated: ClassVar[bool] = False
    """Whether samples are simulated as they are read, which is slow."""
    read_whole: ClassVar[bool] = False
    """Whether `load` reads every sample, of a file that need not fit into memory."""

    @property
    def truth(self) -> Density | None:
        """The distribution that samples in natural units are drawn from; None where it is not known."""
        return None

    @property
    def classes(self) -> Mapping[int, str]:
        """What the classes are called that samples have as their labels; empty where they have no names."""
        return {}

    @property
    def preprocessing(self) -> str | None:
        """What is done to a sample before it is scaled, 'centre, rotate', or 'none'; None: there is no such choice."""
        return None

    @property
    def width_of_images(self) -> float | None:
        """Length of its images in the unit of their pixels' coordinates; None where samples are no such images."""
        return None

    @property
    def grouping(self) -> Literal["impossible", "unused", "used"]:
        """Whether the source says which samples belong together, of which all are in one part, or could."""
        if not hasattr(self, "group"):
            return "impossible"
        return "unused" if self.group is None else "used"

    @property
    def grouped(self) -> bool:
        """Whether the source says which samples belong together."""
        return self.grouping == "used"

    @property
    def reading(self) -> Mapping[str, str] | None:
        """How image files are read, as keys and values that both sides of a study need; None where none are."""
        return None

    @property
    def value_names(self) -> tuple[str, ...] | None:
        """What the scale of its samples calls their values; None where that depends on the data."""
        return None

    def view(self, samples: Samples) -> NDArray[np.uint8] | None:
        """Return the study's samples as RGB pictures (n, H, W, 3); None where they are shown as the images they are."""
        return None

    def lacks(self, column: str) -> str | None:
        """Return why a name is not a column of rows that a model can learn, as far as the configuration shows."""
        return None

    def unprocessed(self) -> Source | None:
        """Return the source of the same samples, by sample_id, before it prepares them; None where it does not."""
        return None

    def lacking(self) -> str | None:
        """Return which optional packages it needs that are not installed, and how to get them, for a message."""
        return None

    def load(self, seed: int) -> Samples | LazySamples:
        """Return every sample, scaled to [-1, 1], in the order of its sample_id, which lies in 0 ... 10^9 - 1.

        A simulation takes its random numbers from the seed; what is there already does not need it.
        What need not fit into memory is LazySamples: then only the samples that are taken are read.
        Where the ends of the scale are those of the samples, `rescaled` takes them from some rows alone.

        Raises UserError when the data cannot be found or read.
        """
        raise NotImplementedError
