"""Samples as small PNG files, which a page of many can hold."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

HEIGHT, WIDTH = 32, 64  # pixels of a thumbnail at most
COLOURS = 64  # that are left of a picture that has more than a palette holds


def thumbnails(images: NDArray[np.uint8]) -> list[bytes]:
    """Return RGB images (n, H, W, 3) as PNG files of at most 32 x 64 pixels, the same bytes for the same pixels.

    What is larger is averaged over its pixels. Grey images and those of at most 256 colours keep every pixel; of
    others 64 colours remain (median cut: Heckbert, SIGGRAPH 1982), which makes a photograph a third as large.
    """
    return [_png(_small(image)) for image in images]


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image (H, W, 3), averaged to the size of a thumbnail where it is larger."""
    from PIL import Image

    height, width, _ = image.shape
    scale = min(1, HEIGHT / height, WIDTH / width)
    if scale == 1:
        return image
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.BOX))


def _png(image: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    _coloured(image).save(file, "PNG", compress_level=9)
    return file.getvalue()


def _coloured(image: NDArray[np.uint8]) -> Image:
    """Return an image (H, W, 3) in grey, or with a palette."""
    from PIL import Image

    if (image == image[..., :1]).all():
        return Image.fromarray(np.ascontiguousarray(image[..., 0]))
    palette, places = np.unique(image.reshape(-1, 3), axis=0, return_inverse=True)
    if len(palette) > 256:
        whole = Image.fromarray(np.ascontiguousarray(image))
        return whole.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    found = Image.fromarray(places.reshape(image.shape[:2]).astype(np.uint8), "P")
    found.putpalette(palette.tobytes())
    return found
