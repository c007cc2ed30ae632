"""The user's own generated calorimeter showers, from HDF5."""

from typing import Literal

from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import LazySamples, Scale
from gancensus.domains.showers.shower_file import ShowerFile


class Hdf5(ShowerFile, UserProvided):
    """The user's own generated showers, scaled like the study's real ones: the population NAME-0.

    The file is HDF5 as the source `hdf5` reads it.
    """

    kind: Literal["hdf5"] = "hdf5"

    def look(self, like: Scale | None = None) -> LazySamples:
        """Look at the file."""
        return super().look()
