"""Images as the sample tables hold them, (H, W) or (H, W, C), and as convolutions want them, (C, H, W)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError

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


def channels_first(x: NDArray[Any]) -> torch.Tensor:
    """Turn x (n, H, W) or (n, H, W, C) into a tensor (n, C, H, W)."""
    import torch

    images = x[..., None] if x.ndim == 3 else x
    return torch.tensor(np.ascontiguousarray(np.moveaxis(images, -1, 1)))  # a copy: tables are read-only


def channels_last(images: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Turn a tensor (n, C, H, W) into samples (n, *shape)."""
    return np.ascontiguousarray(np.moveaxis(images.cpu().numpy(), 1, -1)).reshape(-1, *shape)
