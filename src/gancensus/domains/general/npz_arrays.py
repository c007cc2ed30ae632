"""Arrays of a .npz by their names: what the source and the generator `npz` have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Strict
from gancensus.contracts.samples import LazySamples
from gancensus.storage.user_arrays import Names, read_user_samples

CHANNELS = (1, 3, 4)  # that images have


class NpzArrays(Strict):
    """A .npz file, and which of its arrays holds what."""

    path: Path
    """The file, relative to the working directory."""
    samples: str | None = None
    """Name of the array of samples; without it, `x`, else `arr_0`, else the only array."""
    labels: str | None = None
    """Name of the array of their classes, whole numbers; without it, `label`, if there is one."""
    channels: Literal["first", "last"] | None = None
    """Where images (n, 3, height, width) have their channels: those that come `first` are moved to the end. Needed
    where an array looks like such images; `last` takes it as it is."""

    def arrays(self) -> LazySamples:
        """Look at the samples, with channels last; raises UserError where it is not clear which these are."""
        if self.path.suffix != ".npz" or self.path.is_dir():
            raise UserError(f"{self.path}: no .npz; use kind files, which reads arrays, images and sample tables")
        found = read_user_samples(self.path, names=Names(self.samples, self.labels))
        shape = found.shape
        if self.channels is None and len(shape) == 3 and shape[0] in CHANNELS and shape[2] not in CHANNELS:
            raise UserError(
                f"{self.path}: samples of shape {shape} look like images with their channels first; write `channels: "
                "first`, or, if they are none, `channels: last`"
            )
        if self.channels != "first":
            return found
        if len(shape) != 3:
            raise UserError(
                f"{self.path}: samples of shape {shape} have no channels to be moved to the end; leave `channels` out"
            )
        found.notes.add("channels moved from the front to the end")
        return replace(found, shape=(*shape[1:], shape[0]), read=lambda rows: np.moveaxis(found.read(rows), 1, -1))
