"""The Inception v3 of torchvision."""

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
SHA256 = "0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef"


class InceptionImagenet(FromFile):
    """Inception v3 with the weights of torchvision (IMAGENET1K_V1); 2048 features of an image.

    Szegedy et al., arXiv:1512.00567. DeVries et al., arXiv:2007.15255, select instances by these features, and images
    are prepared as in their code: normalised by ImageNet's mean and deviation, then resized to 299 x 299 pixels
    (bilinear, corners aligned); grey is repeated to RGB. This is not the network of FID, which is `inception`: features
    of the two, and distances between them, are not comparable.
    """

    kind: Literal["inception-imagenet"] = "inception-imagenet"
    path: Path
    """File of the weights, relative to the working directory: inception_v3_google-0cc3c7bd.pth, as torchvision
    downloads it; or a .safetensors file with the same names."""
    sha256: str = Field(SHA256, pattern="^[0-9a-f]{64}$")
    """SHA-256 of the file, which is checked before it is read."""

    obtain = (
        f"download inception_v3_google-0cc3c7bd.pth (108,949,747 bytes, SHA-256 {SHA256}) from "
        "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth, and name it in "
        "`path`; `sha256` takes the digest of another"
    )

    @property
    def dimension(self) -> int:
        """Number of features."""
        return 2048

    def network(self, place: str) -> Network:
        """Read the file and return the network without its last layer, and without the auxiliary classifier."""
        from gancensus.domains.images.inception_networks import averaged, inception

        tensors = read_published(self.path, self.sha256, self.obtain)
        used = {name: tensor for name, tensor in tensors.items() if not name.startswith("AuxLogits.")}
        return filled(lambda: inception(1000, averaged, averaged), used, self.path)[:-1].to(place)

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Turn images (n, 3, H, W) in [-1, 1] into (n, 3, 299, 299).

        torchvision's network takes images normalised by ImageNet's mean and deviation, and first undoes that
        (`transform_input`), as its weights come from TensorFlow: both together leave x in [-1, 1] as it is.
        """
        from torch.nn.functional import interpolate

        return interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=True)
