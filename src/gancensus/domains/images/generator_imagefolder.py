"""Generated images of any size, in a folder."""

from typing import Literal

from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import LazySamples, Scale
from gancensus.domains.images.folder_of_images import FolderOfImages


class ImageFolder(FolderOfImages, UserProvided):
    """The user's own generated images, of any size, in a folder: the population NAME-0.

    They are read and scaled as those of the source `imagefolder`, whose size, fit, filter, colours and background they
    need to have. Subfolders are read too; classes of generated images are not used.
    """

    kind: Literal["imagefolder"] = "imagefolder"

    def look(self, like: Scale | None = None) -> LazySamples:
        """Look at the images."""
        return self.images()
