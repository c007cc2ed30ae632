"""The user's own real samples."""

from pathlib import Path
from typing import Literal

import numpy as np

from gancensus.errors import UserError
from gancensus.files import read_user_samples
from gancensus.samples import ROWS_PER_POPULATION, Samples, Scale, flatten
from gancensus.sources import Source


class Files(Source):
    """The user's real samples: an array (.npy or .npz), images, or a sample table.

    Of a .npz, `x` are the samples, `label` their classes, and every other array of one number per sample is a condition
    that metrics can refer to by its name.

    A folder holds images of one size; its subfolders, if any, are the classes. Values are scaled to [-1, 1]: bytes from
    0...255, numbers from the minimum and maximum of the data (of each column, where a sample is a row). A sample table
    (.parquet), already in [-1, 1], is taken as it is.
    """

    kind: Literal["files"] = "files"
    path: Path
    """File or folder, relative to the working directory."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def load(self) -> Samples:
        """Return the samples x (n, *shape) in the order of the file, or of the sorted names of the images."""
        found = read_user_samples(self.path)
        if isinstance(found, Samples):
            return self._checked(found)
        natural = found.x
        if natural.dtype == np.uint8:
            scale = Scale(("value",), ("1",), (0.0,), (255.0,))
        elif natural.ndim == 2:
            names = tuple(f"x{k}" for k in range(natural.shape[1]))
            low, high = natural.min(axis=0), natural.max(axis=0)
            scale = Scale(names, ("1",) * len(names), tuple(map(float, low)), tuple(map(float, high)))
        else:
            scale = Scale(("value",), ("1",), (float(natural.min()),), (float(natural.max()),))
        ids, units = np.arange(len(natural), dtype=np.int64), dict.fromkeys(found.conditions, "1")
        return Samples(scale.encode(natural), ids, found.label, scale, found.conditions, units)

    def _checked(self, table: Samples) -> Samples:
        """Return a sample table in the order of its sample_id, or raise UserError where it is not as ours are."""
        ids, far = table.sample_id, np.abs(flatten(table.x)).max(axis=1) > 1
        if far.any():
            raise UserError(
                f"{self.path}: column x, row {int(np.argmax(far))}: a value outside [-1, 1]; scale the table, "
                "or bring natural values as .npy"
            )
        if ((ids < 0) | (ids >= ROWS_PER_POPULATION)).any():
            raise UserError(f"{self.path}: column sample_id: must lie in 0 ... {ROWS_PER_POPULATION - 1}; renumber")
        return table.take(np.argsort(ids))
