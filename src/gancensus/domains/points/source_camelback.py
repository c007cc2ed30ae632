"""The camel back: two humps on a line."""

from __future__ import annotations

from typing import Literal

from gancensus.contracts.density import Density
from gancensus.domains.points.known_density import KnownDensity


class Camelback(KnownDensity):
    """Points on a line from 1/2 N(-4, 1) + 1/2 N(4, 1), for many independent experiments at once.

    Butter et al., SciPost Phys. 10 (2021) 139. The condition `repetition` numbers the experiments.
    """

    kind: Literal["camelback"] = "camelback"

    @property
    def truth(self) -> Density:
        """The distribution."""
        from gancensus.domains.points import densities

        return densities.Camelback()
