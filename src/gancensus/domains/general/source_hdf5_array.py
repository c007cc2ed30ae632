"""The user's own real samples, in a data set of an HDF5 file."""

from typing import Literal

from gancensus.contracts.samples import LazySamples
from gancensus.domains.general.named_arrays import Hdf5Arrays
from gancensus.domains.general.source_files import OwnSamples


class Hdf5Array(Hdf5Arrays, OwnSamples):
    """The user's real samples: a data set (n, ...) of an HDF5 file, by its name.

    It is read like the arrays of kind `files`: scaled as these are, a few rows at a time, and every data set beside it
    of one number per sample is a condition that metrics can refer to by its name. Showers and jets in the layouts of
    published data sets have kinds of their own, `hdf5` and `jets-hdf5`.
    """

    kind: Literal["hdf5-array"] = "hdf5-array"

    def look(self) -> LazySamples:
        """Look at the data set."""
        return self.arrays()
