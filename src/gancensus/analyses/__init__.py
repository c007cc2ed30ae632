"""Analyses: further questions about a study's populations; each is a key of the study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from gancensus.family import EncoderName, Member
from gancensus.samples import Samples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.files import Columns


class Analysis(Member):
    """An analysis reads every population, as samples or as an encoder's vectors, and makes one table and one figure."""

    schema: ClassVar[pa.Schema]
    title: ClassVar[str]
    caption: ClassVar[str]

    encoder: EncoderName | None = None
    """The encoder whose vectors are compared; without one, the samples themselves."""

    def analyse(
        self, real: Mapping[str, Samples], generated: Mapping[str, Samples], rng: Callable[[str], np.random.Generator]
    ) -> Columns:
        """Return the columns of the table.

        real has train, calibrate and holdout, generated every other population; rng gives each of them random numbers
        of its own, so that no population changes what is said of another.
        """
        raise NotImplementedError

    def draw(self, table: Columns) -> Figure:
        """Draw the table."""
        raise NotImplementedError
