"""The spherical shell: the ring in any dimension."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gancensus.contracts.density import Density
from gancensus.domains.points.known_density import KnownDensity


class Shell(KnownDensity):
    """Points with radius |4 + N(0, 1)| in a uniform direction, for many independent experiments at once.

    Butter et al., SciPost Phys. 10 (2021) 139. The condition `repetition` tells the experiments apart.
    """

    kind: Literal["shell"] = "shell"
    dimension: int = Field(5, ge=2, le=100)
    """Number of dimensions; 2: the ring."""

    @property
    def truth(self) -> Density:
        """The distribution."""
        from gancensus.domains.points import densities

        return densities.Shell(self.dimension)
