"""A convolutional autoencoder that is trained by optimal transport."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.errors import UserError
from gancensus.training.networks.autoencoders import VariationalAutoencoder
from gancensus.training.networks.images import check_weights, image_shape

if TYPE_CHECKING:
    import torch

    from gancensus.training.networks.autoencoders import Terms


class EmdAe(VariationalAutoencoder):
    """Convolutional autoencoder of images that learns to move as little weight as possible over short distances.

    Image and reconstruction are distributions of weight over the pixels. Loss (1 - beta) SW_1 + beta KL(q(z|x) ||
    N(0, 1)), SW_1 the sliced Wasserstein distance of order 1 (Bonneel et al., J. Math. Imaging Vis. 51 (2015) 22): the
    mean over `directions` lines, at equal angles, of the transport between projections. Distances are in half widths of
    the image, in R where a jet's image spans [-R, R].

    A projection is never longer than what it projects, so SW_1 is a lower bound of W_1, the earth mover's distance: at
    most 2 / pi of it, the mean of |cos|, reached where all weight moves in one direction; and the cells of a pixel's
    length on which it is computed lower it further. Between images of toy jets it was 0.38 to 0.61 of the exact one
    (median 0.54) with a rank correlation of 0.98; 64 directions or cells of a quarter pixel change that by 0.002 or
    less, and the median to 0.54 or 0.56.

    The networks are those of `vae`; the decoder's output, squared and divided by its sum, is the share of each pixel.
    Without `beta` nothing is drawn in training: a plain autoencoder. The idea is that of R. K. Mishra's talk at ML4Jets
    2021, before Fraser et al., arXiv:2110.06948; Collins, arXiv:2109.10919, trains by the Sinkhorn divergence. In the
    sliced-Wasserstein autoencoder of Kolouri et al., arXiv:1804.01947, latent vectors are compared so, not images.
    """

    trained_by = "emd"

    kind: Literal["emd-ae"] = "emd-ae"
    beta: float = Field(0.0, ge=0, lt=1)
    """Weight of the Kullback-Leibler term; that of the distance is 1 - beta."""
    directions: int = Field(16, ge=2)
    """Lines, at equal angles, on which the weights are compared."""

    def check_input(self, x: NDArray[Any]) -> None:
        """Raise UserError when x are no images (n, H, W), H and W multiples of 2^blocks, with weights at least 0."""
        super().check_input(x)
        if image_shape(x.shape[1:], "encoder emd-ae", multiple=1)[2] != 1:
            raise UserError(f"encoder emd-ae: images have the shape {x.shape[1:]}; it needs one value a pixel: (H, W)")
        check_weights(
            x,
            "encoder emd-ae",
            "it compares weights, so that values must be at least 0, and not all of them 0: take `autoencoder`, or "
            "samples that are scaled so",
        )

    def drawn(self, code: torch.Tensor) -> torch.Tensor:
        """Draw a latent vector from each Gaussian; without beta take its mean."""
        return super().drawn(code) if self.beta else self._vector(code)

    def picture(self, output: torch.Tensor, batch: torch.Tensor, factor: float) -> torch.Tensor:
        """Return images (n, 1, H, W) with the totals of a batch's."""
        weight = output.square() + 1e-12
        return weight * (_total(batch) / _total(weight))

    def terms(self, batch: torch.Tensor, found: torch.Tensor, code: torch.Tensor) -> Terms:
        """Return the distance as reconstruction, and the divergence (n,)."""
        _, _, height, width = batch.shape
        difference = (batch / _total(batch) - found / _total(found)).flatten(1)
        along = _profiles(height, width, self.directions, batch.dtype, batch.device)
        return {**super().terms(batch, found, code), "reconstruction": (difference @ along).abs().sum(1)}

    def losses_of(
        self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str
    ) -> dict[str, NDArray[np.float64]]:
        """Return `loss`, `reconstruction` (the distance) and `divergence` (n,) for each of x (n, H, W).

        Raises UserError when an image has a value below 0, or no other than 0.
        """
        self.check_input(x)
        return super().losses_of(weights, x, device)


def _total(images: torch.Tensor) -> torch.Tensor:
    """Return the sum over the pixels of each of (n, 1, H, W): (n, 1, 1, 1)."""
    return images.sum((1, 2, 3), keepdim=True)


@lru_cache(maxsize=4)
def _profiles(height: int, width: int, directions: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return the matrix of `sliced_transport.profiles` as a tensor."""
    import torch

    from gancensus.domains.images.sliced_transport import profiles

    return torch.from_numpy(profiles(height, width, directions)).to(device, dtype)
