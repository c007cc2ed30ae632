"""Generative adversarial networks: what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.device import choose_device
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.samples import LazySamples, Samples, by_block
from gancensus.training.latent import GaussianLatent
from gancensus.training.loop import deterministic, iterate, load_weights, weights_of
from gancensus.training.resume import Stateful

if TYPE_CHECKING:
    import torch
    from torch import nn


class Gan(GaussianLatent):
    """A generator and a discriminator that are trained by turns with the non-saturating loss.

    Goodfellow et al., arXiv:1406.2661, section 3 and algorithm 1; one step of Adam for each network per batch. History:
    the discriminator's cross-entropy (mean of real and fake; ln 2 when it cannot distinguish them) and the generator's.
    """

    discriminates = True

    latent: int = Field(ge=1)
    """Dimension of the noise."""
    epochs: int = Field(ge=1)
    """Passes over the training samples."""
    batch: int = Field(64, ge=2)
    """Samples per step."""
    learning_rate: float = Field(2e-4, gt=0)
    """Step size of Adam."""
    beta1: float = Field(0.5, ge=0, lt=1)
    """First moment's decay in Adam."""

    def networks(self, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
        """Build the generator (noise to tensor) and the discriminator (tensor to logit) for samples of a shape."""
        raise NotImplementedError

    def to_tensor(self, x: NDArray[Any]) -> torch.Tensor:
        """Turn samples (n, *shape) into the tensor that the networks work on."""
        raise NotImplementedError

    def from_tensor(self, tensor: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Turn the generator's output into samples (n, *shape)."""
        raise NotImplementedError

    def train(
        self,
        samples: Samples | LazySamples,
        seed: int,
        device: str,
        checkpoint: Checkpoint | None = None,
        validation: Samples | LazySamples | None = None,
    ) -> Fitted:
        """Train both networks on samples x (n, *shape) in [-1, 1]."""
        import torch

        with deterministic(seed):
            place = choose_device(device)
            generator, discriminator = (net.to(place) for net in self.networks(samples.shape))
            adam_g, adam_d = (
                torch.optim.Adam(network.parameters(), lr=self.learning_rate, betas=(self.beta1, 0.999))
                for network in (generator, discriminator)
            )
            step = self._step(generator, discriminator, adam_g, adam_d)
            parts: dict[str, Stateful] = {"generator": generator, "discriminator": discriminator}
            parts |= {"adam_g": adam_g, "adam_d": adam_d}
            x = self.to_tensor(samples.take(slice(None)).x).to(place)
            history = iterate(x, step, self.epochs, self.batch, parts, checkpoint)
            return Fitted(weights_of(generator=generator, discriminator=discriminator), history)

    def _step(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        adam_g: torch.optim.Optimizer,
        adam_d: torch.optim.Optimizer,
    ) -> Callable[[torch.Tensor], dict[str, float]]:
        """Return the function that takes a real batch and makes one step of both networks."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

        def loss(logits: torch.Tensor, real: bool) -> torch.Tensor:
            return cross_entropy(logits, torch.full_like(logits, float(real)))

        def step(real: torch.Tensor) -> dict[str, float]:
            fake = generator(torch.randn(len(real), self.latent, device=real.device))
            loss_d = (loss(discriminator(real), True) + loss(discriminator(fake.detach()), False)) / 2
            adam_d.zero_grad()
            loss_d.backward()
            adam_d.step()
            loss_g = loss(discriminator(fake), True)
            adam_g.zero_grad()
            loss_g.backward()
            adam_g.step()
            return {"discriminator": loss_d.item(), "generator": loss_g.item()}

        return step

    def noise(
        self, samples: int, conditions: Mapping[str, NDArray[Any]], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draw standard Gaussian noise (samples, latent)."""
        return self.truncate(rng.standard_normal((samples, self.latent), dtype=np.float32), rng)

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Turn noise (n, latent) into samples (n, *shape)."""
        import torch

        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            generator = load_weights(self.networks(shape)[0], "generator", weights).to(place)
            return self.from_tensor(generator(torch.from_numpy(noise).to(place)), shape)

    def judge(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[np.float64]:
        """Return the probability (n,) with which the discriminator calls each of samples x (n, *shape) real."""
        import torch
        from scipy.special import expit

        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            discriminator = load_weights(self.networks(x.shape[1:])[1], "discriminator", weights).to(place)

            def logits(block: NDArray[Any]) -> NDArray[np.float64]:
                found = discriminator(self.to_tensor(block).to(place)).cpu().numpy()
                return np.asarray(found, dtype=np.float64).reshape(-1)

            return np.asarray(expit(by_block(logits, x)))
