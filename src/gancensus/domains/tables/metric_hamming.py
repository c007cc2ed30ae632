"""The Hamming distance between rows of a table."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.metric import Calibrated, Features
from gancensus.contracts.samples import Samples


class Hamming(Calibrated):
    """Share of the columns in which two rows of a table differ, for columns of categories, counts and whole numbers.

    Generated values are continuous, so the nearest legal rows are compared: existing categories, and numbers with the
    column's decimals. Of a table without types, values agree when they round to the same whole number in natural units,
    halves to the even one. Hamming, Bell Syst. Tech. J. 29 (1950) 147, over the number of columns.
    """

    cost: ClassVar[float] = 8.0
    kind: Literal["hamming"] = "hamming"
    columns: tuple[str, ...] | None = Field(None, min_length=1)
    """Names of the columns that are compared; without them, all."""

    def features(self, samples: Samples) -> Features:
        """Return the legal or rounded natural values of the columns (n, columns) float64."""
        from gancensus.distances.gower import chosen, comparable, table_columns

        columns = table_columns(samples, self.kind)
        return (np.compress(chosen(columns, self.columns, self.kind), comparable(samples, columns), axis=1),)

    def embed(self, features: Features) -> NDArray[np.float64]:
        """Return a corner of a tetrahedron per column: the square distance is at most the share that differ."""
        from gancensus.distances.gower import corners

        return corners(features[0]) / math.sqrt(features[0].shape[1])

    def radius(self, threshold: float) -> float:
        """Return the root of the threshold: coordinates take two values per number of columns, rounded to 1e-15."""
        return math.sqrt(threshold) * (1 + 1e-9)

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return the share of the columns in which a[i] and b[j] differ: a count and one division."""
        from gancensus.distances.gower import hamming_distances

        return hamming_distances(a[0], b[0], i, j)
