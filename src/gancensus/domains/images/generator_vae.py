"""The decoder of a variational autoencoder as a generator of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.device import choose_device
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.samples import LazySamples, Samples, by_block, flatten
from gancensus.training.latent import GaussianLatent
from gancensus.training.loop import deterministic, load_weights
from gancensus.training.networks.autoencoders import VariationalAutoencoder, factor_of
from gancensus.training.networks.images import channels_last, check_weights, image_shape

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
Output = Literal["linear", "softmax"]

DRAWN = 1024  # images in which pixels are counted


class VaeDecoder(GaussianLatent):
    """Variational autoencoder of images (H, W) or (H, W, C); its decoder makes an image of standard Gaussian noise.

    Kingma & Welling, arXiv:1312.6114, with networks and loss of the encoder `vae`: (1 - beta) sum_pixels (x - x')^2 +
    beta KL(q(z|x) || N(0, 1)). That is the likelihood of an image whose pixels have the variance beta / (2 (1 - beta))
    around the decoder's; what is drawn is the decoder's image without that noise, so it is smoother than the training
    images. Where `beta` is too small, most of N(0, 1) lies where the decoder has learned nothing; where it is too
    large, all images are alike.
    """

    kind: Literal["vae"] = "vae"
    latent: int = Field(16, ge=1)
    """Dimension of the noise."""
    blocks: Literal[1, 2, 3] = 2
    """Blocks that each double the image: its height and width must be multiples of 2^`blocks`."""
    width: int = Field(16, ge=1)
    """Channels of the last block; each one before it has twice as many."""
    beta: float = Field(0.2, ge=0, lt=1)
    """Weight of the Kullback-Leibler term; that of the squared error is 1 - beta."""
    output: Output = "linear"
    """`linear`: values, cut to the range of the training images. `softmax`: shares of the pixels of one total, without
    the smallest, so that as many pixels as in training images are not 0, on average."""
    epochs: int = Field(60, ge=1)
    """Passes over the training samples."""
    batch: int = Field(64, ge=1)
    """Samples per step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Step size of Adam."""

    def train(
        self,
        samples: Samples | LazySamples,
        seed: int,
        device: str,
        checkpoint: Checkpoint | None = None,
        validation: Samples | LazySamples | None = None,
    ) -> Fitted:
        """Train both networks on images x (n, *shape); keep the decoder, the range of x and the mean total of an image.

        Raises UserError when the samples are no images, or H and W no multiples of 2^blocks; with `output: softmax`
        also when an image has a value below 0, or no other than 0.
        """
        image_shape(samples.shape, "generator vae", multiple=2**self.blocks)
        x = samples.take(slice(None)).x
        if self.output == "softmax":
            check_weights(
                x,
                "generator vae",
                "with `output: softmax` pixels are shares of a total, so that values must be at least 0, and not all "
                "of them 0: take `output: linear`, or samples that are scaled so",
            )
        fitted = self._autoencoder().fit(x, seed, device, checkpoint)
        weights = {name: value for name, value in fitted.weights.items() if not name.startswith("encoder.")}
        facts = {"range": np.array([x.min(), x.max()]), "total": np.array([x.sum(dtype=np.float64) / len(x)])}
        if self.output == "softmax":
            facts["least"] = self._least(weights | facts, x, seed, device)
        return Fitted(weights | facts, fitted.history)

    def _least(self, weights: Mapping[str, NDArray[Any]], x: NDArray[np.float32], seed: int, device: str) -> Floats:
        """Return what a pixel must be above, (1,), for as many to be so as are not 0 in images x (n, *shape)."""
        noise = np.random.default_rng(seed).standard_normal((DRAWN, self.latent), dtype=np.float32)
        drawn = by_block(lambda z: self._decoded(weights, z, x.shape[1:], device), noise)
        dark = 1 - np.count_nonzero(x) / x.size
        return np.asarray(np.quantile(drawn.astype(np.float64), [dark], method="lower"))

    def noise(
        self, samples: int, conditions: Mapping[str, NDArray[Any]], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draw standard Gaussian noise (samples, latent)."""
        return self.truncate(rng.standard_normal((samples, self.latent), dtype=np.float32), rng)

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Turn noise (n, latent) into images (n, *shape) in the range of the training ones, or of their mean total."""
        x = self._decoded(weights, noise, shape, device)
        if self.output == "linear":
            return np.asarray(np.clip(x, *weights["range"]))
        x[x <= weights["least"]] = 0
        sums = flatten(x).sum(axis=1, dtype=np.float64).reshape(-1, *[1] * len(shape))
        return np.asarray(x * (weights["total"] / np.where(sums > 0, sums, 1)), dtype=np.float32)

    def _decoded(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Return what the decoder makes of noise (n, latent): images (n, *shape)."""
        import torch

        autoencoder = self._autoencoder()
        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            decoder = load_weights(autoencoder.networks(shape)[1], "decoder", weights).to(place)
            total = torch.full((len(noise), 1, 1, 1), float(weights["total"][0]), device=place)
            output = decoder(torch.from_numpy(noise).to(place))
            images = autoencoder.picture(output, total, factor_of(weights))
            return channels_last(images, shape)

    def _autoencoder(self) -> _Autoencoder:
        """Return what is trained."""
        keys = ("latent", "blocks", "width", "beta", "output", "epochs", "batch", "learning_rate")
        return _Autoencoder(kind=self.kind, **{key: getattr(self, key) for key in keys})


class _Autoencoder(VariationalAutoencoder):
    """The autoencoder whose decoder draws."""

    output: Output

    def picture(self, output: torch.Tensor, batch: torch.Tensor, factor: float) -> torch.Tensor:
        """Return the images (n, C, H, W) that the decoder's output stands for: with the totals of a batch's, if shares.

        batch: (n, ...), of which only the totals are used.
        """
        if self.output == "linear":
            return super().picture(output, batch, factor)
        share = output.flatten(1).softmax(1).view_as(output)
        return share * batch.sum((1, 2, 3), keepdim=True)
