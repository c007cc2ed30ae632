"""The user's own generated samples."""

from pathlib import Path
from typing import Literal

from gancensus.generators import Generator


class Files(Generator):
    """Samples that a model elsewhere has generated, scaled like the study's real samples: the population NAME-0.

    The file is an array (.npy, or .npz with `x` and conditions), a folder of images, or a sample table (.parquet, taken
    as it is).
    """

    trained = False
    kind: Literal["files"] = "files"
    path: Path
    """File or folder, relative to the working directory."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]
