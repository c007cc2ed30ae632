"""The ring: a circle with a blurred radius."""

from __future__ import annotations

from typing import Literal

from gancensus.contracts.density import Density
from gancensus.domains.points.known_density import KnownDensity


class Ring(KnownDensity):
    """Points in the plane with radius |4 + N(0, 1)| and a uniform angle, for many independent experiments at once.

    Butter et al., SciPost Phys. 10 (2021) 139. The condition `repetition` numbers the experiments.
    """

    kind: Literal["ring"] = "ring"

    @property
    def truth(self) -> Density:
        """The distribution."""
        from gancensus.domains.points import densities

        return densities.Ring()
