"""Sources that simulate electron showers in the sampling calorimeter of `contracts.showers`, when they are read."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.randomness import derive_rng, derive_seed
from gancensus.contracts.samples import ROWS_PER_POPULATION, LazySamples, Samples
from gancensus.contracts.showers import CELLS, UNITS, coarse_shape, coarsened, shower_scale
from gancensus.contracts.source import Source

# Below 1 GeV the depth of GFlash's maximum fluctuates by more than 0.3 of itself, and its formulas soon break down; up
# to 1 TeV they are smooth, with positive radii and shares. Flatter showers would leave the grid through its sides.
LIMITS = {"energy": (1.0, 1000.0, "GeV"), "angle": (30.0, 150.0, "degrees")}


class Simulated(Source):
    """Electrons of uniform energies and angles. Each shower has its own seed: the first do not depend on their number.

    A sample is the energy in each cell (x, y, layer), in GeV over a power of two; its conditions are `energy` (GeV) and
    `angle` (rad) of the primary electron, tilted in y.
    """

    tabular: ClassVar[bool] = False
    simulated: ClassVar[bool] = True

    showers: int = Field(ge=1, le=ROWS_PER_POPULATION)
    """Number of showers."""
    energy: tuple[float, float] = (100.0, 200.0)
    """Lowest and highest energy of the primary electrons in GeV, within 1 and 1000; uniform in between."""
    angle: tuple[float, float] = (60.0, 120.0)
    """Lowest and highest angle to the face in degrees, within 30 and 150; 90 is perpendicular. Uniform in between."""
    coarsen: int = Field(1, ge=1, le=max(CELLS))
    """Joins this many cells along each axis into one; 1: the full grid."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, (least, most, unit) in LIMITS.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise PydanticCustomError(
                    "range",
                    "`{name}` needs its lowest and highest value in {unit}, within {least} and {most}",
                    {"name": name, "unit": unit, "least": f"{least:g}", "most": f"{most:g}"},
                )
        return self

    def shower(self, energy: float, angle: float, seed: int, out: NDArray[np.float64]) -> None:
        """Write the energies (GeV) of one shower into its cells out (51, 51, 25); energy in GeV, angle in rad."""
        raise NotImplementedError

    def view(self, samples: Samples) -> NDArray[np.uint8] | None:
        """Return a side view of the showers."""
        from gancensus.plotting.shower_figures import side_view

        return side_view(samples)

    def load(self, seed: int) -> LazySamples:
        """Draw the conditions of all showers; x (n, *coarse_shape(CELLS, coarsen)) float32 is simulated when taken."""
        # a row of numbers per shower: the first ones do not depend on the number of showers
        drawn = derive_rng(seed, self.kind, "conditions").random((self.showers, 2))
        low, high = np.transpose([self.energy, np.radians(self.angle)])
        energy, angle = (low + (high - low) * drawn).astype(np.float32).T
        scale, ids = shower_scale(self.energy[1]), np.arange(self.showers, dtype=np.int64)
        nothing = np.empty((self.showers, 0), dtype=np.float32)
        known = Samples(nothing, ids, scale=scale, conditions={"energy": energy, "angle": angle}, units=UNITS)
        shape = coarse_shape(CELLS, self.coarsen)
        return LazySamples(known, shape, np.dtype(np.float32), lambda rows: self._simulate(rows, known, seed))

    def _simulate(self, rows: NDArray[np.int64], known: Samples, seed: int) -> NDArray[Any]:
        """Return x of some rows."""
        x = np.empty((len(rows), *coarse_shape(CELLS, self.coarsen)), dtype=np.float32)
        cells, end = np.empty((1, *CELLS)), shower_scale(self.energy[1]).high[0]
        energy, angle = known.conditions["energy"], known.conditions["angle"]
        for k, row in enumerate(rows.tolist()):
            self.shower(float(energy[row]), float(angle[row]), derive_seed(seed, self.kind, row), cells[0])
            # as Scale.encode does, in one pass instead of three
            np.divide(coarsened(cells, self.coarsen)[0], end, out=x[k], casting="same_kind")
        return x
