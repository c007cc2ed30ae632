"""The user's own generated samples."""

from collections.abc import Mapping
from typing import Literal

from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import LazySamples, Scale
from gancensus.domains.general.channel_order import ChannelOrder, with_channels_last
from gancensus.storage.imageforms import Background
from gancensus.storage.user_arrays import read_user_samples


class Files(UserProvided):
    """The user's own generated samples, scaled like the study's real samples: the population NAME-0.

    The file is an array (.npy, or .npz with `x` and conditions), a folder of images (read as those of the source
    `files`; where the real ones are grey, three equal channels are read as one, and the reverse), or a sample table
    (.parquet, taken as it is).
    """

    kind: Literal["files"] = "files"
    background: Background = "white"
    """What transparent pixels of images are composited on; the same as for the real ones."""
    channels: ChannelOrder | None = None
    """Where an array of images (n, 3, height, width) has its channels: those that come `first` are moved to the end."""

    @property
    def reading(self) -> Mapping[str, str] | None:
        """The background of a folder of images."""
        return {"background": self.background} if self.path.is_dir() else None

    def look(self, like: Scale | None = None) -> LazySamples:
        """Look at the file; a sample table is scaled already."""
        return with_channels_last(self.path, read_user_samples(self.path, self.background), self.channels)

    @property
    def scaled(self) -> bool:
        """Whether it is a sample table."""
        return self.path.suffix == ".parquet"
