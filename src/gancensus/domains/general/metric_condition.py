"""What the samples were made for: pairs under the same condition."""

from collections.abc import Iterable
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.metric import Features, Metric
from gancensus.contracts.samples import Samples


class Condition(Metric):
    """Counts a pair only when both samples were made for the same condition (a particle's energy, its angle).

    The distance is |a - b|, in the unit of the column, and must be within `tolerance`. With `bins` it is how many bins
    apart the two are, and must be 0.
    """

    cost: ClassVar[float] = 2.0
    features_cost: ClassVar[float | None] = 0.0
    kind: Literal["condition"] = "condition"
    column: str
    """The condition's name in the sample tables."""
    tolerance: float = Field(0.0, ge=0)
    """Largest difference, in the unit of the column."""
    bins: tuple[float, ...] | None = Field(None, min_length=1)
    """Increasing edges, instead of a tolerance. A value on an edge is in the bin above; the outer bins are open."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.bins is not None and self.tolerance > 0:
            raise PydanticCustomError("condition", "`bins` and a `tolerance` exclude each other; remove one of the two")
        if self.bins is not None and any(a >= b for a, b in zip(self.bins, self.bins[1:], strict=False)):
            raise PydanticCustomError("condition", "the edges of `bins` must increase")
        return self

    @property
    def fixed(self) -> float:
        """The tolerance; 0 bins apart with `bins`."""
        return self.tolerance

    @property
    def condition_read(self) -> str:
        """The column."""
        return self.column

    @property
    def compares_when(self) -> str:
        """Which samples are compared."""
        if self.bins is not None:
            return f"their {self.column} lies in the same bin"
        return f"their {self.column} " + (f"differs by at most {self.tolerance:g}" if self.tolerance else "is equal")

    def features(self, samples: Samples) -> Features:
        """Return the column's values or, counted from 0, their bins: (n,) float64.

        Edges are rounded as the column is, to float32 or float64: a value written like an edge is on it.
        Raises UserError when the samples have no such column or it has a NaN.
        """
        values = condition(samples, self.column, "condition")
        if self.bins is None:
            return (values,)
        edges = np.asarray(self.bins, dtype=samples.conditions[self.column].dtype)
        return (np.searchsorted(edges, values, side="right").astype(np.float64),)

    def embed(self, features: Features) -> NDArray[np.float64]:
        """Return the values or bins as points (n, 1)."""
        return features[0][:, None]

    def radius(self, threshold: float) -> float:
        """Return the threshold, wider by the rounding of the difference, below 2^-53 of it."""
        return threshold * (1 + 1e-15)

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return |a[i] - b[j]|: one rounding, the same everywhere."""
        distances: NDArray[np.float64] = np.abs(a[0][i] - b[0][j])
        return distances


def condition(samples: Samples, name: str, kind: str, others: Iterable[str] = ()) -> NDArray[np.float64]:
    """Return a condition of the samples (n,) for a metric of this kind.

    Raises UserError when the samples have no condition of that name, suggesting one that they have or one of `others`,
    and when a value is NaN or infinite.
    """
    if name not in samples.conditions:
        hint = suggestion(name, [*others, *samples.conditions])
        raise UserError(f"metric {kind}: the samples have no condition '{name}'{hint}")
    values = samples.conditions[name].astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        row = int(np.argmin(finite))
        raise UserError(
            f"metric {kind}: condition '{name}' of sample {samples.sample_id[row]} is {values[row]}; "
            "remove or repair the sample"
        )
    return values
