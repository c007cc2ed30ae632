"""Images as the sample tables hold them, (H, W) or (H, W, C), and as convolutions want them, (C, H, W)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import flatten

if TYPE_CHECKING:
    import torch


def image_shape(shape: tuple[int, ...], who: str, multiple: int) -> tuple[int, int, int]:
    """Return height, width and channels of an image sample.

    Raises UserError when the shape is not that of an image whose height and width are multiples of a number.
    """
    if len(shape) not in (2, 3) or shape[0] % multiple or shape[1] % multiple:
        sides = f" with H and W multiples of {multiple}" if multiple > 1 else ""
        raise UserError(f"{who}: samples have shape {shape}; it needs images (H, W) or (H, W, C){sides}")
    return shape[0], shape[1], (shape[2] if len(shape) == 3 else 1)


def check_weights(x: NDArray[Any], who: str, remedy: str) -> None:
    """Raise UserError naming the first of images x (n, ...) that has a value below 0, or no other than 0."""
    rows = flatten(x)
    least, most = (end(rows, axis=1, initial=0) for end in (np.min, np.max))
    unfit = (least < 0) | (most == 0)
    if unfit.any():
        row = int(np.argmax(unfit))
        what = f"has the value {least[row]:.6g}" if least[row] < 0 else "is 0 everywhere"
        raise UserError(f"{who}: image {row} (from 0) {what}; {remedy}")


def channels_first(x: NDArray[Any]) -> torch.Tensor:
    """Turn x (n, H, W) or (n, H, W, C) into a tensor (n, C, H, W)."""
    import torch

    images = x[..., None] if x.ndim == 3 else x
    return torch.tensor(np.ascontiguousarray(np.moveaxis(images, -1, 1)))  # a copy: tables are read-only


def channels_last(images: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Turn a tensor (n, C, H, W) into samples (n, *shape)."""
    return np.ascontiguousarray(np.moveaxis(images.cpu().numpy(), 1, -1)).reshape(-1, *shape)
