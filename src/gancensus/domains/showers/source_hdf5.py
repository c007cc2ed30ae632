"""The user's own calorimeter showers, from HDF5."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.samples import LazySamples, Samples, belonging
from gancensus.contracts.showers import GRID, VOXELS, shower_scale
from gancensus.contracts.source import Source
from gancensus.domains.showers.shower_file import ShowerFile


class Hdf5(ShowerFile, Source):
    """The user's real showers in an HDF5 file, in the layout of the 3DGAN data sets or of the CaloChallenge.

    Their conditions are `energy` (GeV) and, where the file has it, `angle` (rad).
    """

    kind: Literal["hdf5"] = "hdf5"
    group: str | None = None
    """A dataset of a number per shower, equal where showers belong together, such as those of one event: all are in one
    part, of which `calibrate` and `holdout` have one each."""
    tabular: ClassVar[bool] = False

    @property
    def value_names(self) -> tuple[str]:
        """Cells or voxels, depending on `layout`."""
        return GRID if self.layout == "3dgan" else VOXELS

    def view(self, samples: Samples) -> NDArray[np.uint8] | None:
        """Return a side view of the showers."""
        from gancensus.plotting.shower_figures import side_view

        return side_view(samples)

    def load(self, seed: int) -> LazySamples:
        """Look at the showers x (n, *shape), in the order of the file; the end of the scale is the largest energy."""
        found = self.look()
        scale = shower_scale(float(found.known.conditions["energy"].max()), self.value_names)
        belongs = None if self.group is None else self.numbers(self.group, len(found))
        group = None if belongs is None else np.unique(belongs, return_inverse=True)[1]
        if group is not None:
            found.notes.add(belonging(group))
        known = replace(found.known, scale=scale, group=group)
        return replace(found, known=known, read=lambda rows: scale.encode(found.read(rows)))
