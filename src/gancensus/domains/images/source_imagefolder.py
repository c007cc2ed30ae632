"""Real images of any size, in a folder."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from gancensus.contracts.samples import BYTES, LazySamples
from gancensus.contracts.source import Source
from gancensus.domains.images.folder_of_images import FolderOfImages
from gancensus.storage.user_arrays import grouped_by_folder, note_loose


class ImageFolder(FolderOfImages, Source):
    """The user's real images, of any size: a folder whose subfolders, if any, are the classes (`root/dog/xxy.png`).

    Every image is turned as its EXIF orientation says, composited on `background` where it is transparent, read in
    `colours`, and then brought to `size`, in this order. Images that are smaller are enlarged, with a warning.
    Values are scaled to [-1, 1] from 0...255. Images of 16 bits a pixel and of floating point are refused: `files`
    keeps their values, of images of one size.

    Which files are read, and which are left out, is as for `files`; the report says what was done to how many images.
    A generator of kind imagefolder needs the same size, fit, filter, colours and background. Generated samples may
    also come as an array (`files`, `npz`), whose images are prepared already.
    """

    kind: Literal["imagefolder"] = "imagefolder"
    group: Literal["folder"] | None = None
    """`folder`: the folders in it say which images belong together, such as frames of one film. All that is in one is
    in one part, of which `calibrate` and `holdout` have one each; folders are no classes then."""
    tabular: ClassVar[bool | None] = False

    def load(self, seed: int) -> LazySamples:
        """Look at the images x (n, H, W, 3) or (n, H, W), in the order of the parts of their paths."""
        found = self.images()
        if self.group is not None:
            found = grouped_by_folder(self.path, found)
        note_loose(found)
        known = replace(found.known, scale=BYTES)
        return LazySamples(known, found.shape, np.dtype(np.float32), lambda rows: BYTES.encode(found.read(rows)))
