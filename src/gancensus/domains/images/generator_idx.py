"""Generated images in the files of MNIST and its kin."""

from typing import Literal

from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import LazySamples, Scale
from gancensus.domains.images.source_idx import images_of


class Idx(UserProvided):
    """The user's own images in an IDX file, plain or compressed (.gz), as the source `idx` reads it.

    They are scaled like the study's real samples: the population NAME-0.
    """

    kind: Literal["idx"] = "idx"

    def look(self, like: Scale | None = None) -> LazySamples:
        """Look at the images."""
        return images_of(self.path)
