"""How folders of images of any size are read: what the source and the generator `imagefolder` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Strict
from gancensus.contracts.samples import LazySamples
from gancensus.storage.imageforms import Background, Colours, Filter, Fit, Form
from gancensus.storage.user_arrays import read_user_samples

LARGEST = 10_000  # pixels of a side


def _check_size(value: Any) -> Any:
    """Say in one sentence what a size can be."""
    sides = value if isinstance(value, list | tuple) and len(value) == 2 else [value]
    if all(type(side) is int and 1 <= side <= LARGEST for side in sides):  # not bool: `size: yes`
        return value
    raise PydanticCustomError(
        "size", "must be a number of pixels from 1 to {most}, or two: [height, width]", {"most": LARGEST}
    )


class FolderOfImages(Strict):
    """A folder of images, and what each becomes: the same for the real and the generated ones."""

    path: Path
    """Folder, relative to the working directory."""
    size: Annotated[int | tuple[int, int], BeforeValidator(_check_size)]
    """Pixels of each image: of both sides, or [height, width]."""
    fit: Fit = "crop"
    """What is done where width and height have another ratio: `crop` resizes the image until it just covers the size,
    and keeps the centre, as most trainings do; `stretch` changes the ratio; `pad` resizes the image until it just fits,
    in the middle of the background."""
    filter: Filter = "bilinear"
    """How images are resized; choose what the training used. All of them are Pillow's, which average over all pixels
    that a smaller image has no place for."""
    colours: Colours = "rgb"
    """Whether all images are read with three channels, `rgb`, or with none, `grey`."""
    background: Background = "white"
    """What transparent pixels are composited on, and what `pad` fills in."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    @property
    def form(self) -> Form:
        """What each image becomes."""
        height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
        return Form(height, width, self.fit, self.filter, self.colours, self.background)

    @property
    def reading(self) -> Mapping[str, str] | None:
        """The form, by the keys that say it."""
        form = self.form
        chosen = {"fit": self.fit, "filter": self.filter, "colours": self.colours, "background": self.background}
        return {"size": f"{[form.height, form.width]}", **chosen}

    def images(self) -> LazySamples:
        """Look at the images: uint8 (n, H, W, 3), or (n, H, W) where they are grey.

        Raises UserError when there are none, and when rows are read, for damaged ones and those of more than 8 bits.
        """
        if self.path.is_file():
            raise UserError(f"{self.path}: a file, but kind imagefolder reads a folder of images; use kind files")
        return read_user_samples(self.path, self.background, self.form)
