"""Arrays by their names: what sources and generators of .npz and HDF5 files have in common."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Strict
from gancensus.contracts.samples import LazySamples
from gancensus.domains.general.channel_order import ChannelOrder, looks_channels_first, with_channels_last
from gancensus.storage.hdf5_files import SUFFIXES
from gancensus.storage.user_arrays import Names, read_user_samples
from gancensus.storage.user_datasets import read_datasets


class NamedArrays(Strict):
    """A file of arrays, and which of them holds what."""

    suffixes: ClassVar[tuple[str, ...]]
    """Of the files that are read."""

    path: Path
    """The file, relative to the working directory."""
    samples: str | None = None
    labels: str | None = None
    channels: ChannelOrder | None = None
    """Where images (n, 3, height, width) have their channels: those that come `first` are moved to the end. Needed
    where an array looks like such images; `last` takes it as it is."""

    def arrays(self) -> LazySamples:
        """Look at the samples, with channels last; raises UserError where it is not clear which these are."""
        if self.path.suffix not in self.suffixes or self.path.is_dir():
            raise UserError(
                f"{self.path}: no {self.suffixes[0]}; use kind files, which reads arrays, images and sample tables"
            )
        found = self._look()
        if self.channels is None and looks_channels_first(found.shape):
            raise UserError(
                f"{self.path}: samples of shape {found.shape} look like images with their channels first; write "
                "`channels: first`, or, if they are none, `channels: last`"
            )
        return with_channels_last(self.path, found, self.channels)

    def _look(self) -> LazySamples:
        """Look at the samples as they are."""
        raise NotImplementedError


class NpzArrays(NamedArrays):
    """A .npz file, and which of its arrays holds what."""

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    samples: str | None = None
    """Name of the array of samples; without it, `x`, else `arr_0`, else the only array."""
    labels: str | None = None
    """Name of the array of their classes, whole numbers; without it, `label`, if there is one."""

    def _look(self) -> LazySamples:
        """Look at the array."""
        return read_user_samples(self.path, names=Names(self.samples, self.labels))


class Hdf5Arrays(NamedArrays):
    """An HDF5 file, and which of its data sets holds what."""

    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES

    samples: str
    """Name of the data set of samples, such as `images` or `events/images`."""
    labels: str | None = None
    """Name of the data set of their classes, whole numbers; without it, `label` beside the samples, if there is one."""

    def _look(self) -> LazySamples:
        """Look at the data set."""
        return read_datasets(self.path, self.samples, self.labels)
