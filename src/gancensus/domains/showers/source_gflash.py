"""Parametrised electron showers."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.domains.showers.simulated import Simulated


class Gflash(Simulated):
    """Electron showers in a tungsten-silicon calorimeter of 51 x 51 x 25 cells, simulated by GFlash, 2,000 a second.

    Grindhammer & Peters, hep-ex/0001020. A sample is the energy in each cell (x, y, layer), in GeV over a power of two;
    its conditions are `energy` (GeV) and `angle` (rad) of the primary electron, tilted in y. Showers are simulated when
    they are read; each has its own random numbers, so the first ones do not depend on how many there are.
    """

    kind: Literal["gflash"] = "gflash"

    def shower(self, energy: float, angle: float, seed: int, out: NDArray[np.float64]) -> None:
        """Simulate a shower."""
        from gancensus.domains.showers.gflash import simulate

        simulate(energy, angle, np.random.Generator(np.random.Philox(seed)), out)
