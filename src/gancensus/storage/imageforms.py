"""The one form that images of different sizes are brought into: size, cut, filter, colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from gancensus.contracts.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

Background = Literal["white", "black"]
Fit = Literal["crop", "stretch", "pad"]
Filter = Literal["bilinear", "bicubic", "lanczos", "box"]
Colours = Literal["rgb", "grey"]

MODES = {"rgb": "RGB", "grey": "L"}  # Pillow's
HUGE = 1 << 27  # pixels: Pillow, too, takes an image of about as many for an attack
USUAL = 5  # sizes that notes name; of a folder in which every image has another, there would be a note for each


class Form(NamedTuple):
    """What every image becomes: height x width pixels of 8 bits, in colours or grey.

    fit: `crop` resizes the image so that it just covers the size, and cuts off what is beyond on both sides; `stretch`
    resizes both sides; `pad` resizes it so that it just fits, and fills what is left with the background.
    """

    height: int
    width: int
    fit: Fit
    filter: Filter
    colours: Colours
    background: Background

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an image's pixels: (H, W, 3), or (H, W) where it is grey."""
        return (self.height, self.width, 3) if self.colours == "rgb" else (self.height, self.width)

    def __str__(self) -> str:
        return f"{self.width} x {self.height} pixels ({self.fit}, {self.filter}, {self.colours})"


class Former:
    """Brings images into a form, and says what that took; the usual sizes by their name, any others together."""

    def __init__(self, form: Form, sizes: Iterable[tuple[int, int]]) -> None:
        """Sizes: those of some of the images, of which the most frequent ones are usual."""
        counted = Counter(tuple(sorted(size)) for size in sizes)  # before or after turning
        self._form = form
        self._usual = {size for size, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:USUAL]}

    def apply(self, image: Image, done: list[str]) -> Image:
        """Return an upright, opaque image, grey (L) or in colours (RGB), in the form; say in `done` what was changed.

        Colours become grey as ITU-R BT.601 weighs them. Pillow's filters are as wide as the pixels of the smaller
        image, so that nothing is aliased; those of other libraries often are not, and FID sees the difference
        (Parmar, Zhang & Zhu, arXiv:2104.11222). Raises UserError for an image that is too long to be cropped.
        """
        form = self._form
        if image.mode != MODES[form.colours]:
            done.append("grey images read as colours" if image.mode == "L" else "colours read as grey")
            image = image.convert(MODES[form.colours])
        if image.size == (form.width, form.height):
            return image
        size, size_of_all = image.size, f"{image.width} x {image.height} pixels"
        match form.fit:
            case "crop":
                found, resized = _cropped(image, form, done)
            case "pad":
                found, resized = _padded(image, form, done)
            case "stretch":
                found, resized = _resized(image, (form.width, form.height), form), (form.width, form.height)
                if image.width * form.height != image.height * form.width:
                    done.append("stretched to another ratio of width and height")
        if resized != size:
            upscaled = any(new > old for new, old in zip(resized, size, strict=True))
            where = size_of_all if tuple(sorted(size)) in self._usual else "various other sizes"
            done.append(f"{'warning: upscaled' if upscaled else 'resized'} from {where}")
        return found


def _resized(image: Image, size: tuple[int, int], form: Form) -> Image:
    """Resize an image to a size (width, height)."""
    from PIL.Image import Resampling

    return image.resize(size, Resampling[form.filter.upper()])


def _cropped(image: Image, form: Form, done: list[str]) -> tuple[Image, tuple[int, int]]:
    """Return the centre of the image that just covers the size, and the size to which all of it is resized.

    That is what torchvision's Resize and CenterCrop do: the longer side is rounded down, and half of what is cut off as
    Python rounds. Raises UserError for an image so long that it would become huge.
    """
    wide = image.width * form.height >= image.height * form.width
    width = form.height * image.width // image.height if wide else form.width
    height = form.height if wide else form.width * image.height // image.width
    if width * height > HUGE:
        raise UserError(
            f"is {image.width} x {image.height} pixels, too long to be cropped to {form.width} x {form.height}; remove "
            "it, or choose another fit"
        )
    whole = _resized(image, (width, height), form)
    if (width, height) == (form.width, form.height):
        return whole, whole.size
    done.append("cropped at the centre")
    left, top = round((width - form.width) / 2), round((height - form.height) / 2)
    return whole.crop((left, top, left + form.width, top + form.height)), whole.size


def _padded(image: Image, form: Form, done: list[str]) -> tuple[Image, tuple[int, int]]:
    """Return the image that just fits into the size, in the middle of the background, and the size of that image."""
    from PIL import Image as Pillow

    wide = image.width * form.height >= image.height * form.width
    width = form.width if wide else max(1, round(form.height * image.width / image.height))
    height = max(1, round(form.width * image.height / image.width)) if wide else form.height
    inner = _resized(image, (width, height), form)
    if (width, height) == (form.width, form.height):
        return inner, inner.size
    done.append(f"padded with {form.background}")
    found = Pillow.new(image.mode, (form.width, form.height), form.background)
    found.paste(inner, ((form.width - width) // 2, (form.height - height) // 2))
    return found, inner.size
