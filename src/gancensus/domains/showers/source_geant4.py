"""Electron showers simulated by Geant4."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.samples import LazySamples
from gancensus.domains.showers.simulated import Simulated


class Geant4(Simulated):
    """Electron showers in a tungsten-silicon calorimeter of 51 x 51 x 25 cells, simulated by Geant4 in seconds each.

    Layers of 2.4 mm of tungsten and 0.5 mm of silicon, cells of 5.1 mm; physics: G4EmStandardPhysics. A sample is the
    energy deposited in the silicon of each cell (x, y, layer), in GeV over a power of two; its conditions are `energy`
    (GeV) and `angle` (rad) of the primary electron, tilted in y. Showers are simulated when they are read; each has its
    own seed, so the first ones do not depend on how many there are. Needs the package geant4-pybind and Geant4's data
    sets.
    """

    kind: Literal["geant4"] = "geant4"

    def load(self, seed: int) -> LazySamples:
        """Draw the conditions of all showers; x (n, *coarse_shape(CELLS, coarsen)) float32 is simulated when taken.

        Raises UserError when the package or its data sets are missing, before Geant4 is started.
        """
        from gancensus.domains.showers.geant4 import available

        available()
        return super().load(seed)

    def shower(self, energy: float, angle: float, seed: int, out: NDArray[np.float64]) -> None:
        """Simulate a shower."""
        from gancensus.domains.showers.geant4 import simulate

        out[...] = simulate(seed, energy, angle)
