"""The user's own generated samples, in a data set of an HDF5 file."""

from typing import Literal

from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import LazySamples, Scale
from gancensus.domains.general.named_arrays import Hdf5Arrays


class Hdf5Array(Hdf5Arrays, UserProvided):
    """The user's own generated samples, a data set of an HDF5 file: the population NAME-0.

    The samples are scaled like the study's real ones; classes of generated samples are not used.
    """

    kind: Literal["hdf5-array"] = "hdf5-array"

    def look(self, like: Scale | None = None) -> LazySamples:
        """Look at the data set."""
        return self.arrays()
