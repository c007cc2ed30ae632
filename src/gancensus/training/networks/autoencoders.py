"""Convolutional autoencoders of images: what the variational ones and the plain one share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.device import choose_device
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.samples import BLOCK
from gancensus.training.loop import deterministic, iterate, load_weights, weights_of
from gancensus.training.networks.images import channels_first, image_shape
from gancensus.training.resume import Stateful

if TYPE_CHECKING:
    import torch
    from torch import nn

    Terms = dict[str, torch.Tensor]

FAINT = 1 / 8  # root mean square of pixels below which images are brought to a size of about 1


class Networks(NamedTuple):
    """An encoder, which is given images times a factor, and a decoder, whose output is to be divided by it."""

    encoder: nn.Module
    decoder: nn.Module
    factor: float = 1.0


class ConvolutionalAutoencoder(Encoder):
    """An encoder and a decoder of blocks, each of which halves or doubles the image; trained by Adam.

    Of images whose pixels are small, such as jets that sum to 1, the networks see a multiple: the power of 2 that
    brings the root mean square of the training pixels nearest to 1, where it is below 1/8. Without it they learn less
    than the mean image at any usual step size. All losses are those of the images as they are, and so is the meaning of
    `beta`: only what Adam is given is multiplied by the square of the factor, which changes no minimum.
    """

    restores = True
    trained_by: ClassVar[Literal["mse", "emd"] | None] = "mse"

    outputs: ClassVar[int] = 1
    """Numbers that the encoder network gives for each latent dimension; a sample's vector is the first of each."""

    latent: int = Field(16, ge=1)
    """Dimension of the latent space."""
    blocks: Literal[1, 2, 3] = 2
    """Blocks that each halve the image: its height and width must be multiples of 2^`blocks`."""
    width: int = Field(16, ge=1)
    """Channels after the first block; each further one has twice as many."""
    only: int | None = None
    """Class of the training samples that it learns from; without one, all of them."""
    epochs: int = Field(60, ge=1)
    """Passes over the training samples."""
    batch: int = Field(64, ge=1)
    """Samples per step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Step size of Adam."""

    @property
    def dimension(self) -> int:
        """Number of values in a vector."""
        return self.latent

    @property
    def class_learned(self) -> int | None:
        """The class of the training samples that it is fitted on; None: all of them."""
        return self.only

    def check_input(self, x: NDArray[Any]) -> None:
        """Raise UserError when x are no images (n, H, W) or (n, H, W, C), H and W multiples of 2^blocks."""
        image_shape(x.shape[1:], f"encoder {self.kind}", multiple=2**self.blocks)

    def drawn(self, code: torch.Tensor) -> torch.Tensor:
        """Return what the decoder is given in training for the encoder's output (n, outputs * latent)."""
        return code

    def picture(self, output: torch.Tensor, batch: torch.Tensor, factor: float) -> torch.Tensor:
        """Return the images (n, C, H, W) that the decoder's output stands for, of a batch of that shape."""
        return output / factor

    def terms(self, batch: torch.Tensor, found: torch.Tensor, code: torch.Tensor) -> Terms:
        """Return the terms (n,) of the loss of each image, its reconstruction and the encoder's output."""
        return {"reconstruction": squared_error(batch, found)}

    def total(self, terms: Terms) -> torch.Tensor:
        """Return the loss that the terms make, scalars or (n,)."""
        return terms["reconstruction"]

    def losses(self, nets: Networks, batch: torch.Tensor) -> tuple[torch.Tensor, Terms]:
        """Return the loss of a batch (n, C, H, W), and its terms, which the history keeps; all scalars."""
        code = nets.encoder(batch * nets.factor)
        found = self.picture(nets.decoder(self.drawn(code)), batch, nets.factor)
        terms = {name: term.mean() for name, term in self.terms(batch, found, code).items()}
        return self.total(terms), terms

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Fit on images x (n, H, W) or (n, H, W, C), H and W multiples of 2^blocks.

        Raises UserError when the samples are no such images.
        """
        import torch

        self.check_input(x)
        with deterministic(seed):
            place = choose_device(device)
            images = channels_first(x).to(place)
            encoder, decoder = (net.to(place) for net in self.networks(x.shape[1:]))
            nets = Networks(encoder, decoder, _factor(x))
            optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=self.learning_rate)
            parts: dict[str, Stateful] = {"encoder": encoder, "decoder": decoder, "adam": optimiser}

            def step(batch: torch.Tensor) -> dict[str, float]:
                loss, kept = self.losses(nets, batch)
                optimiser.zero_grad()
                (loss * nets.factor**2).backward()
                optimiser.step()
                return {name: loss.item() for name, loss in kept.items()}

            history = iterate(images, step, self.epochs, self.batch, parts, checkpoint)
            factor = {} if nets.factor == 1 else {"factor": np.array([nets.factor])}
            return Fitted(weights_of(encoder=encoder, decoder=decoder) | factor, history)

    def apply(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[Any]:
        """Return the latent vectors (n, latent) float32."""

        def vectors(nets: Networks, batch: torch.Tensor) -> Terms:
            return {"latent": self._vector(nets.encoder(batch * nets.factor))}

        return self._ask(weights, x, device, vectors)["latent"]

    def layers(
        self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str
    ) -> dict[str, NDArray[np.float32]]:
        """Return the activations of `block1`, `block2`... (n, channels, height, width), and `latent` (n, latent)."""

        def activations(nets: Networks, batch: torch.Tensor) -> Terms:
            found, value = {}, batch * nets.factor
            for k, layer in enumerate(nets.encoder.children()):
                value = layer(value)
                if k % 2 and k < 2 * self.blocks:  # a convolution and its activation function are a block
                    found[f"block{k // 2 + 1}"] = value
            return {**found, "latent": self._vector(value)}

        return self._ask(weights, x, device, activations)

    def restore(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[np.float32]:
        """Return the reconstructions (n, *shape) of x."""

        def restored(nets: Networks, batch: torch.Tensor) -> Terms:
            latent = self._vector(nets.encoder(batch * nets.factor))
            return {"x": self.picture(nets.decoder(latent), batch, nets.factor)}

        found = self._ask(weights, x, device, restored)["x"]
        return np.ascontiguousarray(np.moveaxis(found, 1, -1)).reshape(x.shape)

    def losses_of(
        self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str
    ) -> dict[str, NDArray[np.float64]]:
        """Return `loss` and its terms (n,) for each of x, whose latent vectors are not drawn."""

        def losses(nets: Networks, batch: torch.Tensor) -> Terms:
            code = nets.encoder(batch * nets.factor)
            found = self.picture(nets.decoder(self._vector(code)), batch, nets.factor)
            terms = self.terms(batch.double(), found.double(), code.double())
            return {"loss": self.total(terms), **terms}

        return self._ask(weights, x, device, losses)

    def networks(self, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
        """Build encoder (image to outputs * latent numbers) and decoder (latent vector to image)."""
        from torch import nn

        height, width, channels = image_shape(shape, f"encoder {self.kind}", multiple=2**self.blocks)
        sizes = [channels, *(self.width << k for k in range(self.blocks))]
        small = (sizes[-1], height >> self.blocks, width >> self.blocks)
        down, up = [], []
        for before, after in pairwise(sizes):
            down += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ELU()]
        encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(math.prod(small), self.outputs * self.latent))
        decoder = [nn.Linear(self.latent, math.prod(small)), nn.ELU(), nn.Unflatten(1, small)]
        for after, before in pairwise(reversed(sizes)):
            up += [nn.ConvTranspose2d(after, before, 4, stride=2, padding=1), nn.ELU()]
        return encoder, nn.Sequential(*decoder, *up[:-1])

    def _vector(self, code: torch.Tensor) -> torch.Tensor:
        """Return the latent vectors (n, latent) of the encoder's output (n, outputs * latent)."""
        return code.chunk(self.outputs, dim=1)[0]

    def _ask(
        self,
        weights: Mapping[str, NDArray[Any]],
        x: NDArray[Any],
        device: str,
        question: Callable[[Networks, torch.Tensor], Terms],
    ) -> dict[str, NDArray[Any]]:
        """Return what a question to both networks finds (n, ...), by name: asked block by block, as in `by_block`."""
        import torch

        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            encoder, decoder = self.networks(x.shape[1:])
            nets = Networks(
                load_weights(encoder, "encoder", weights).to(place),
                load_weights(decoder, "decoder", weights).to(place),
                factor_of(weights),
            )
            blocks = (x[start : start + BLOCK] for start in range(0, max(1, len(x)), BLOCK))
            found = [question(nets, channels_first(block).to(place)) for block in blocks]
            return {name: np.concatenate([one[name].cpu().numpy() for one in found]) for name in found[0]}


class VariationalAutoencoder(ConvolutionalAutoencoder):
    """Variational: the encoder gives mean and log variance of a Gaussian, of which the mean is a sample's vector.

    Loss (1 - beta) reconstruction + beta KL(q(z|x) || N(0, 1)): Kingma & Welling, arXiv:1312.6114; Higgins et al., ICLR
    2017 (beta), in the weighting of Fraser et al., arXiv:2110.06948.
    """

    outputs = 2  # mean and log variance

    beta: float = Field(0.2, ge=0, lt=1)
    """Weight of the Kullback-Leibler term; that of the reconstruction is 1 - beta."""

    def drawn(self, code: torch.Tensor) -> torch.Tensor:
        """Draw a latent vector from each Gaussian."""
        import torch

        mean, log_variance = code.chunk(2, dim=1)
        return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)

    def terms(self, batch: torch.Tensor, found: torch.Tensor, code: torch.Tensor) -> Terms:
        """Return reconstruction and divergence (n,)."""
        mean, log_variance = code.chunk(2, dim=1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        return {**super().terms(batch, found, code), "divergence": divergence}

    def total(self, terms: Terms) -> torch.Tensor:
        """Return the weighted sum."""
        return (1 - self.beta) * terms["reconstruction"] + self.beta * terms["divergence"]


def squared_error(batch: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Return sum_pixels (x - x')^2 of each image (n,)."""
    return (found - batch).square().flatten(1).sum(1)


def factor_of(weights: Mapping[str, NDArray[Any]]) -> float:
    """Return what the networks of these weights see images times."""
    return float(weights["factor"][0]) if "factor" in weights else 1.0


def _factor(x: NDArray[Any]) -> float:
    """Return what the networks see x (n, ...) times: 1 unless its pixels are faint."""
    size = math.sqrt(np.square(x, dtype=np.float64).mean())
    return 2.0 ** round(-math.log2(size)) if 0 < size < FAINT else 1.0
