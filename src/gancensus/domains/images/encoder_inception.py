"""The Inception v3 of the Fréchet inception distance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from gancensus.domains.images.pretrained import FromFile, filled
from gancensus.storage.published import read_published

if TYPE_CHECKING:
    import torch

    from gancensus.domains.images.pretrained import Network

SIDE = 299  # pixels
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


class Inception(FromFile):
    """Inception v3 as TensorFlow published it on 2015-12-05, the network of FID and KID; 2048 features of an image.

    Szegedy et al., arXiv:1512.00567; Heusel et al., arXiv:1706.08500 (FID). Its blocks average without the padding, and
    the last one takes the maximum. As in torch-fidelity, images are rounded to bytes, resized to 299 x 299 pixels as
    TensorFlow 1 does (bilinear, corners not aligned), and shifted and scaled by (x - 128) / 128; grey is repeated to
    RGB. Its features, and distances of them, are not comparable with those of `inception-imagenet`.
    """

    kind: Literal["inception"] = "inception"
    path: Path
    """File of the weights, relative to the working directory: weights-inception-2015-12-05-6726825d.pth of the releases
    of torch-fidelity on GitHub, which is pt_inception-2015-12-05-6726825d.pth of pytorch-fid; or a .safetensors file
    with the same names."""
    sha256: str = Field(SHA256, pattern="^[0-9a-f]{64}$")
    """SHA-256 of the file, which is checked before it is read."""

    obtain = (
        f"download weights-inception-2015-12-05-6726825d.pth (95,628,359 bytes, SHA-256 {SHA256}) from "
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth "
        "or, the same file under another name, from "
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth "
        "and name it in `path`; `sha256` takes the digest of another"
    )

    @property
    def dimension(self) -> int:
        """Number of features."""
        return 2048

    def network(self, place: str) -> Network:
        """Read the file and return the network without its last layer, which tells classes apart."""
        from gancensus.domains.images.inception_networks import averaged_inside, inception, largest

        tensors = read_published(self.path, self.sha256, self.obtain)
        return filled(lambda: inception(1008, averaged_inside, largest), tensors, self.path)[:-1].to(place)

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Turn images (n, 3, H, W) in [-1, 1] into (n, 3, 299, 299)."""
        levels = ((images + 1) * 127.5).round().clamp(0, 255)
        return (_resized(_resized(levels, 3), 2) - 128) / 128


def _resized(images: torch.Tensor, axis: int) -> torch.Tensor:
    """Resize an axis of images (n, 3, H, W) as TensorFlow 1 does by default: its first pixel stays where it is.

    Pixel k of the result lies at k * old / new, between two old ones, from which it is interpolated.
    """
    import torch

    old = images.shape[axis]
    place = torch.arange(SIDE, dtype=torch.float32, device=images.device) * torch.tensor(old / SIDE)
    before = place.long()
    after = (before + 1).clamp_max(old - 1)
    shape = [1, 1, 1, 1]
    shape[axis] = SIDE
    low, high = images.index_select(axis, before), images.index_select(axis, after)
    return low + (high - low) * (place - before).reshape(shape)
