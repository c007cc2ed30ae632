"""The user's own generated calorimeter showers, from HDF5."""

from typing import Literal

from gancensus.contracts.generator import Brought
from gancensus.contracts.samples import Scale, Unread
from gancensus.domains.showers.shower_file import ShowerFile


class Hdf5(ShowerFile, Brought):
    """Showers that a model elsewhere has generated, scaled like the study's real ones: the population NAME-0.

    The file is HDF5 as the source `hdf5` reads it.
    """

    kind: Literal["hdf5"] = "hdf5"

    def look(self, like: Scale | None = None) -> Unread:
        """Look at the file."""
        return super().look()
