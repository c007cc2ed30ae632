"""The user's own real samples, in arrays that are named."""

from typing import Literal

from gancensus.contracts.samples import LazySamples
from gancensus.domains.general.named_arrays import NpzArrays
from gancensus.domains.general.source_files import OwnSamples


class Npz(NpzArrays, OwnSamples):
    """The user's real samples: an array of a .npz, by its name, such as `arr_0` of guided-diffusion's sample files.

    It is read like the arrays of kind `files`: scaled as these are, a few rows at a time, and every other array of one
    number per sample is a condition that metrics can refer to by its name.
    """

    kind: Literal["npz"] = "npz"

    def look(self) -> LazySamples:
        """Look at the array."""
        return self.arrays()
