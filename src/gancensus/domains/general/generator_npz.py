"""The user's own generated samples, in arrays that are named."""

from typing import Literal

from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import LazySamples, Scale
from gancensus.domains.general.named_arrays import NpzArrays


class Npz(NpzArrays, UserProvided):
    """The user's own generated samples, an array of a .npz: the population NAME-0.

    Guided-diffusion's sample files, for example, have the images in `arr_0` and their classes in `arr_1`: `labels:
    arr_1`. The samples are scaled like the study's real ones; classes of generated samples are not used.
    """

    kind: Literal["npz"] = "npz"

    def look(self, like: Scale | None = None) -> LazySamples:
        """Look at the array."""
        return self.arrays()
