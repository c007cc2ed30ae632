"""Arrays of images with their channels first, as PyTorch has them: these are moved to the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples

CHANNELS = (1, 3, 4)  # that images have

ChannelOrder = Literal["first", "last"]


def looks_channels_first(shape: tuple[int, ...]) -> bool:
    """Say whether samples of a shape look like images (channels, height, width)."""
    return len(shape) == 3 and shape[0] in CHANNELS and shape[2] not in CHANNELS


def with_channels_last(path: Path, found: LazySamples, channels: ChannelOrder | None) -> LazySamples:
    """Return samples (n, *shape) with the channels at the end, if they are `first`.

    Raises UserError for samples that have none.
    """
    if channels != "first":
        return found
    shape = found.shape
    if len(shape) != 3 or path.is_dir() or path.suffix == ".parquet":
        raise UserError(
            f"{path}: samples of shape {shape} have no channels to be moved to the end; leave `channels` out"
        )
    found.notes.add("channels moved from the front to the end")
    return replace(found, shape=(*shape[1:], shape[0]), read=lambda rows: np.moveaxis(found.read(rows), 1, -1))
