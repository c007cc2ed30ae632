"""Gower's distance between rows of a table of mixed types."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Calibrated, Features
from gancensus.contracts.samples import Samples

STEPS = 8  # coordinates per numeric column: with more, the bound on small differences is tighter, but costs more


class Gower(Calibrated):
    """Mean difference over the columns of two rows of a table: |a - b| over the column's range, or 0 and 1.

    Gower, Biometrics 27 (1971) 857, as 1 - s with equal weights. The range is that of the real rows that
    set the scale, `calibrate`. A difference beyond it counts as 1, a numeric column with one value
    there as 0. Where columns have types, the nearest legal rows are compared, nominal and binary columns by 0 and 1,
    numbers and ordinal categories (their ranks) over their range. Distances are rounded to multiples of 2^-40, so that
    equal ones tie.
    """

    cost: ClassVar[float] = 15.0
    kind: Literal["gower"] = "gower"
    categorical: tuple[str, ...] = ()
    """Names of the columns of categories, of a table without types: 0 where two values round to one whole number in
    natural units, else 1."""

    def features(self, samples: Samples) -> Features:
        """Return the numbers over their range (n, p), 0 for one value only, and the categories (n, q), float64.

        Raises UserError for samples that are not rows, and where both the table and `categorical` name categories.
        """
        from gancensus.distances.gower import are_typed, chosen, comparable, gower_values, table_columns

        columns = table_columns(samples, self.kind)
        values = comparable(samples, columns)
        if are_typed(samples):
            if self.categorical:
                raise UserError("metric gower: the table's columns have types; remove `categorical`")
            return gower_values(columns, values)
        categorical = chosen(columns, self.categorical, self.kind)
        varies = np.array([np.ptp(column.ends) > 0 for column in columns])
        numbers = np.where(varies, samples.x.astype(np.float64) / 2 + 0.5, 0)
        return numbers[:, ~categorical], values[:, categorical]

    def embed(self, features: Features) -> NDArray[np.float64]:
        """Return points whose square distance is at most Gower's.

        A numeric value u, cut to its range [0, 1], is coded in K steps: coordinate k is K u - k, cut to [0, 1], over
        sqrt(K). Two values differ by D_k in [0, 1] on step k with sum D_k = K |u - v|, so that the square distance of
        their points, sum D_k^2 / K, is at most |u - v|. A category is the corner of a tetrahedron of edge 1.
        """
        from gancensus.distances.gower import corners

        numeric, categorical = features
        climbed = STEPS * numeric[:, :, None] - np.arange(STEPS)
        stairs = np.clip(climbed, 0, 1).reshape(len(numeric), STEPS * numeric.shape[1]) / math.sqrt(STEPS)
        return np.hstack([stairs, corners(categorical)]) / math.sqrt(numeric.shape[1] + categorical.shape[1])

    def radius(self, threshold: float) -> float:
        """Return the root of the threshold, wider by the rounding of `exact` (half of GRAIN) and of `embed`.

        A coordinate is off by at most 2^-49 / sqrt(K d) for d columns, and so a point by 2^-49.
        """
        from gancensus.distances.gower import GRAIN

        return math.sqrt(threshold + GRAIN) * (1 + 1e-9) + 1e-12

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return the mean over the columns, rounded to multiples of GRAIN."""
        from gancensus.distances.gower import gower_distances

        return gower_distances(a[0], b[0], a[1], b[1], i, j)
