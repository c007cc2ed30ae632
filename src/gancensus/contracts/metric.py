"""Metrics: how two samples compare. A definition of duplicates holds when all of its metrics are within threshold."""

from math import inf, isfinite
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError, PydanticKnownError

from gancensus.contracts.family import Member
from gancensus.contracts.samples import Samples
from gancensus.contracts.source import Source

Features = tuple[NDArray[Any], ...]
"""What a metric compares, computed once per sample: arrays whose first axis is the sample.

Where another axis is as long as the largest of the samples needs, zeros at its end mean nothing.
"""

SCALES = {"strict": 100, "middle": 300, "loose": 1000}
"""Scales of thresholds that `alpha: auto` sets, from the strictest on: about how many duplicates `holdout` has."""
MIDDLE, LOOSEST = "middle", "loose"


class Metric(Member):
    """A distance between samples: what is compared (features), a cheap lower bound (embedding), the exact value."""

    cost: ClassVar[float]
    """Nanoseconds that `exact` takes for a pair, roughly: the cheaper metrics of a definition are checked first."""
    features_cost: ClassVar[float | None] = None
    """Nanoseconds that `features` takes for a value, roughly, as measured in whole jobs; None: not measured."""

    @property
    def space(self) -> str | None:
        """The encoder whose vectors are compared, None where the samples themselves are."""
        return None

    @property
    def fixed(self) -> float | None:
        """The threshold, where the configuration gives it; None where real samples set it."""
        return None

    @property
    def condition_read(self) -> str | None:
        """The condition column that is compared, None where samples or vectors are."""
        return None

    @property
    def compares_when(self) -> str | None:
        """Which samples a condition lets be compared: 'their energy is equal'; None where a distance is measured."""
        return None

    def refuses(self, source: Source) -> str | None:
        """Return why it cannot compare samples of a source, as far as that is known before the run."""
        return None

    def features(self, samples: Samples) -> Features:
        """Return what is compared, a function of each sample alone: the same bits beside any other samples.

        Raises UserError when samples cannot be compared by this metric (no such condition, negative energies).
        """
        raise NotImplementedError

    def embed(self, features: Features) -> NDArray[np.floating[Any]] | None:
        """Return a point (n, k) per sample such that near samples have near points (see `radius`), None without one."""
        return None

    def radius(self, threshold: float) -> float:
        """Return how far apart, in Euclidean distance, the points of two samples within the threshold can be at most.

        The margin covers the rounding of `embed`; the search for near points adds that of its own. Without points no
        pair is left out: infinite.
        """
        return inf

    def exact(
        self, a: Features, b: Features, i: NDArray[np.int64], j: NDArray[np.int64], limit: float
    ) -> NDArray[np.float64]:
        """Return the distances of samples i of a and samples j of b, float64 (len(i),).

        The same to the last bit on every machine and in every order. Where a distance is above `limit`, any number
        above `limit` may stand for it.
        """
        raise NotImplementedError


def _check_alpha(value: Any) -> Any:
    """Refuse what is neither a share nor `auto`, with one message and not one for each."""
    if value == "auto":
        return value
    try:
        share = float(value)  # YAML reads 1e-3 as text
    except (TypeError, ValueError):
        share = None
    if share is None or isinstance(value, bool):
        raise PydanticCustomError(
            "alpha",
            "needs a number between 0 and 1, or auto{more}",
            {"more": ", not yes or no" if isinstance(value, bool) else ""},
        )
    if not isfinite(share):
        raise PydanticKnownError("finite_number")
    if share <= 0:
        raise PydanticKnownError("greater_than", {"gt": 0})
    if share >= 1:
        raise PydanticKnownError("less_than", {"lt": 1})
    return share


Alpha = Annotated[Annotated[float, Field(gt=0, lt=1)] | Literal["auto"], BeforeValidator(_check_alpha)]


class Calibrated(Metric):
    """A metric whose threshold real samples set; the others have their own."""

    alpha: Alpha = "auto"
    """Share of the pairs of `calibrate` that count as duplicates: the threshold is that quantile of their distances.
    `auto`: three shares, and so three scales, at which `holdout` is expected to have about 100, 300 and 1,000
    duplicates by its size; all metrics of the definition with `auto` have the same share. The answer is given at 300.
    """
