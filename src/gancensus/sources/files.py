"""The user's own real samples."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from gancensus.errors import UserError
from gancensus.files import finite, read_user_samples
from gancensus.imagefiles import Background
from gancensus.samples import ROWS_PER_POPULATION, Scale, Unread, flatten
from gancensus.sources import Source


class Files(Source):
    """The user's real samples: an array (.npy or .npz), images, or a sample table.

    Of a .npz, `x` are the samples, `label` their classes, and every other array of one number per sample is a condition
    that metrics can refer to by its name.

    A folder holds images of one size; its subfolders, if any, are the classes. Values are scaled to [-1, 1]: bytes from
    0...255, numbers from the minimum and maximum of the data (of each column, where a sample is a row). A sample table
    (.parquet), already in [-1, 1], is taken as it is.

    Images are read as a viewer shows them: turned as their EXIF orientation says, and composited on `background` where
    they are transparent. Grey images stay grey, unless others in the folder have colours: then all are read as colours.
    16-bit grey and floating-point images keep their values.
    Each page of a TIFF file is a sample; an animation (GIF, WebP, PNG, AVIF) is refused.

    Links are followed, to folders and to files. Left out are hidden files and folders, those that operating systems
    leave behind, files that are no images by their suffix, folders of gancensus's results, broken links, and links to
    what is read anyway. The report says what was left out, and what was done to how many images.
    """

    kind: Literal["files"] = "files"
    path: Path
    """File or folder, relative to the working directory."""
    background: Background = "white"
    """What transparent pixels of images are composited on; a generator of kind files needs the same."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def load(self, seed: int) -> Unread:
        """Look at the samples x (n, *shape), in the order of the file or of the sorted names of the images.

        All of them are read once, in pieces, unless they are images of bytes, of which nothing need be known.
        """
        found = read_user_samples(self.path, self.background)
        if self.path.suffix == ".parquet":
            return self._checked(found)
        scale = self._scale(found)
        known = replace(found.known, scale=scale)
        return Unread(known, found.shape, np.dtype(np.float32), lambda rows: scale.encode(found.read(rows)))

    def _scale(self, found: Unread) -> Scale:
        """Return the scale of natural values."""
        if found.dtype == np.uint8:
            if not self.path.is_dir():
                for _ in finite(self.path, found):  # a file that is damaged anywhere is refused
                    pass
            return Scale(("value",), ("1",), (0.0,), (255.0,))
        rows = len(found.shape) == 1
        axis, names = (0, tuple(f"x{k}" for k in range(found.shape[0]))) if rows else (None, ("value",))
        lows, highs = zip(*((x.min(axis=axis), x.max(axis=axis)) for x in finite(self.path, found)), strict=True)
        low, high = (np.atleast_1d(end) + 0.0 for end in (np.min(lows, axis=0), np.max(highs, axis=0)))  # no -0.0
        return Scale(names, ("1",) * len(names), tuple(map(float, low)), tuple(map(float, high)))

    def _checked(self, table: Unread) -> Unread:
        """Return a sample table in the order of its sample_id, or raise UserError where it is not as ours are."""
        for start, x in table.chunks():
            far = np.abs(flatten(x)).max(axis=1) > 1
            if far.any():
                raise UserError(
                    f"{self.path}: column x, row {start + int(np.argmax(far))}: a value outside [-1, 1]; scale the "
                    "table, or bring natural values as .npy"
                )
        ids = table.known.sample_id
        if ((ids < 0) | (ids >= ROWS_PER_POPULATION)).any():
            raise UserError(f"{self.path}: column sample_id: must lie in 0 ... {ROWS_PER_POPULATION - 1}; renumber")
        order = np.argsort(ids)
        return replace(table, known=table.known.take(order), read=lambda rows: table.read(order[rows]))
