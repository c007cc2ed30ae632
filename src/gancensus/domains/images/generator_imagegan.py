"""SAGAN, a class-conditional GAN of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.device import choose_device
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import LazySamples, Samples, by_block
from gancensus.training.latent import GaussianLatent
from gancensus.training.loop import deterministic, iterate, load_weights, weights_of
from gancensus.training.networks.images import channels_first, channels_last, image_shape
from gancensus.training.resume import Stateful

if TYPE_CHECKING:
    import torch
    from torch import nn

    from gancensus.domains.images.best_epoch import BestEpoch
    from gancensus.domains.images.imagegan_networks import Discriminator, Generator


class Imagegan(GaussianLatent):
    """SAGAN of images (H, W) or (H, W, C), H and W multiples of 4, of their classes where the samples have labels.

    Zhang et al., arXiv:1805.08318, as in DeVries et al., arXiv:2007.15255 (instance selection), which trained it by
    ajbrock/BigGAN-PyTorch: residual blocks, as many as the image can be halved with 4 pixels or more left; spectral
    normalisation in both networks (Miyato et al., arXiv:1802.05957), self-attention, batch normalisation by class in
    the generator and projection in the discriminator (Miyato & Koyama, arXiv:1802.05637). Hinge loss (Lim & Ye,
    arXiv:1705.02894), Adam without momentum, a learning rate for each network (Heusel et al., arXiv:1706.08500).

    The weights that generate are a moving average, without spectral normalisation: divided by their norms. Classes are
    drawn independently, in the proportions of the training samples, and are the labels of the generated samples. There
    is no discriminator to ask of samples: its logit is that of an image of a known class, and its hinge loss leads to
    the sign of p_real - p_generated, not to a probability.

    History: the hinge losses of the discriminator (2 when it cannot distinguish) and of the generator; with
    `checkpoint: best`, the distance to `calibrate` and the epoch that was kept.
    """

    kind: Literal["imagegan"] = "imagegan"
    latent: int = Field(32, ge=1)
    """Dimension of the noise (128 for 64 x 64 pixels)."""
    width: int = Field(16, ge=1)
    """Channels of the discriminator's first block; every halving of the image doubles them, up to 16 times as many."""
    attention: int = Field(32, ge=1)
    """Shorter side of the feature maps in which both networks attend to all pixels; none where no map has it."""
    steps: int = Field(1500, ge=1)
    """Steps of the generator; the last pass over the training samples is completed."""
    batch: int = Field(64, ge=2)
    """Samples per step."""
    discriminator_steps: int = Field(1, ge=1)
    """Steps of the discriminator for each of the generator, each with a batch of its own."""
    learning_rate: float = Field(5e-4, gt=0)
    """Step size of the generator's Adam."""
    discriminator_rate: float = Field(2e-3, gt=0)
    """Step size of the discriminator's Adam."""
    average_from: int = Field(500, ge=0)
    """Steps before the generator's weights are averaged; until then the average is the generator as it is."""
    average_decay: float = Field(0.995, ge=0, lt=1)
    """Share of the average that a step leaves: it is over about 1 / (1 - `average_decay`) steps."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights are kept: those of the last epoch, or of that whose samples are nearest to `calibrate`."""
    every: int = Field(1, ge=1)
    """Epochs between two measurements of that distance; the last epoch is measured, too."""

    @property
    def validated(self) -> bool:
        """Whether the best epoch is asked for."""
        return self.checkpoint == "best"

    def networks(self, shape: tuple[int, ...], classes: int) -> tuple[Generator, Discriminator]:
        """Build generator (noise and class to image) and discriminator (image and class to logit)."""
        from gancensus.domains.images.imagegan_networks import Discriminator

        image = image_shape(shape, "generator imagegan", 4)
        return self._generator(shape, classes, spectral=True), Discriminator(image, self.width, classes, self.attention)

    def _generator(self, shape: tuple[int, ...], classes: int, spectral: bool) -> Generator:
        """Build the generator, with spectral normalisation or as it is applied."""
        from gancensus.domains.images.imagegan_networks import Generator

        image = image_shape(shape, "generator imagegan", 4)
        return Generator(image, self.latent, self.width, classes, self.attention, spectral)

    def train(
        self,
        samples: Samples | LazySamples,
        seed: int,
        device: str,
        checkpoint: Checkpoint | None = None,
        validation: Samples | LazySamples | None = None,
    ) -> Fitted:
        """Train both networks on images x (n, *shape) in [-1, 1] and their labels, if they have any.

        With `checkpoint: best`, the averaged generator draws as many images after each `every`-th epoch as there are in
        `validation` (up to 10,000), always of the same noise, and the epoch is kept in which these are nearest to the
        real ones: by the Frechet distance in up to 64 principal components of their pixels. That is as the
        implementation of the paper keeps the best FID, and like that it flatters: the least of many distances is too
        small, on this split.
        """
        import torch

        from gancensus.domains.images.imagegan_networks import applied
        from gancensus.training.averaging import Average

        taken = samples.take(slice(None))
        known, which = Classes.among(taken.label, len(taken))
        with deterministic(seed):
            place = torch.device(choose_device(device))
            generator, discriminator = (net.to(place) for net in self.networks(samples.shape, len(known.until)))
            plain = self._generator(samples.shape, len(known.until), spectral=False)
            average = Average(plain, self.average_decay, self.average_from).to(place)
            adam = partial(torch.optim.Adam, betas=(0.0, 0.999))
            adam_g = adam(generator.parameters(), lr=self.learning_rate)
            adam_d = adam(discriminator.parameters(), lr=self.discriminator_rate)
            parts: dict[str, Stateful] = {"generator": generator, "discriminator": discriminator, "average": average}
            parts |= {"adam_g": adam_g, "adam_d": adam_d}
            images = Images(taken.x, torch.from_numpy(which).to(place))
            size = min(self.batch * self.discriminator_steps, len(images))
            batches = len(images) // size
            epochs = -(-self.steps // batches)
            best = self._best(average.network, known, validation, epochs, seed)
            parts |= {"best": best} if best else {}
            step_d = self._step_d(generator, discriminator, adam_d)
            step_g = self._step_g(generator, discriminator, adam_g)

            def step(real: Batch) -> dict[str, float]:
                losses = {"discriminator_hinge": step_d(real), "generator_hinge": step_g(real)}
                done, between = divmod(average.update(applied(generator.eval())), batches)
                generator.train()
                if best and not between and (done % self.every == 0 or done == epochs):
                    best.consider(average.network, done)
                return losses

            history = iterate(images, step, epochs, size, parts, checkpoint)
            weights = weights_of(generator=best.generator if best else average.network)
        return Fitted(weights | known.arrays(), history | (best.history() if best else {}))

    def _step_d(
        self, generator: nn.Module, discriminator: nn.Module, adam: torch.optim.Optimizer
    ) -> Callable[[Batch], float]:
        """Return the function that makes the discriminator's steps on a real batch; it returns the mean loss."""
        import torch

        def step(real: Batch) -> float:
            losses = []
            for images, classes in zip(*(part.chunk(self.discriminator_steps) for part in real), strict=True):
                with torch.no_grad():
                    fake = generator(torch.randn(len(classes), self.latent, device=classes.device), classes)
                logits = discriminator(torch.cat([images, fake]), torch.cat([classes, classes]))
                loss = hinge(*logits.chunk(2))
                adam.zero_grad()
                loss.backward()
                adam.step()
                losses.append(loss.item())
            return sum(losses) / len(losses)

        return step

    def _step_g(
        self, generator: nn.Module, discriminator: nn.Module, adam: torch.optim.Optimizer
    ) -> Callable[[Batch], float]:
        """Return the function that makes the generator's step, of the classes of a real batch, and returns its loss."""
        import torch

        def step(real: Batch) -> float:
            classes = real.classes[: self.batch]
            discriminator.requires_grad_(False)
            noise = torch.randn(len(classes), self.latent, device=classes.device)
            loss = -discriminator(generator(noise, classes), classes).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            discriminator.requires_grad_(True)
            return float(loss.item())

        return step

    def _best(
        self, average: nn.Module, known: Classes, validation: Samples | LazySamples | None, epochs: int, seed: int
    ) -> BestEpoch | None:
        """Return what keeps the best epoch, if that is asked for."""
        if not self.validated:
            return None
        if validation is None:
            raise ValueError("checkpoint: best needs samples for validation")
        from gancensus.domains.images.best_epoch import BestEpoch, Yardstick

        yardstick, shape = Yardstick(validation), validation.shape
        noise = self._drawn(yardstick.images, derive_rng(seed, "validation"))

        def measure(generator: nn.Module) -> float:
            return yardstick.distance(_images(generator, known, noise, shape))

        return BestEpoch(average, epochs, measure)

    def _drawn(self, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw what `noise` returns, without truncation."""
        chosen = rng.random((samples, 1), dtype=np.float32)
        return np.hstack([chosen, rng.standard_normal((samples, self.latent), dtype=np.float32)])

    def noise(
        self, samples: int, conditions: Mapping[str, NDArray[Any]], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Return (samples, 1 + latent): a uniform number that chooses the class, and standard Gaussian noise.

        Only the latter is truncated.
        """
        drawn = self._drawn(samples, rng)
        self.truncate(drawn[:, 1:], rng)
        return drawn

    def labels(self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32]) -> NDArray[np.int32] | None:
        """Return the classes that the noise chooses, in the proportions of the training samples."""
        known = Classes.of(weights)
        return None if known.names is None else known.names[known.chosen(noise)]

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Turn noise (n, 1 + latent) into images x (n, *shape), each of the class that it chooses."""
        known = Classes.of(weights)
        with deterministic(0):
            plain = self._generator(shape, len(known.until), spectral=False)
            generator = load_weights(plain, "generator", weights).to(choose_device(device))
            return _images(generator, known, noise, shape)


class Classes(NamedTuple):
    """The classes of training samples, ascending (k,), and the shares of each and all before it, the last one 1 (k,).

    Without labels, all samples are of one class, which has no name.
    """

    names: NDArray[np.int32] | None
    until: NDArray[np.float64]

    @classmethod
    def among(cls, label: NDArray[np.int32] | None, samples: int) -> tuple[Classes, NDArray[np.int64]]:
        """Return the classes of samples, and the number of that of each (samples,), counted from 0."""
        if label is None:
            return cls(None, np.ones(1)), np.zeros(samples, dtype=np.int64)
        names, which, counts = np.unique(label, return_inverse=True, return_counts=True)
        return cls(names, np.cumsum(counts) / samples), which.astype(np.int64)

    @classmethod
    def of(cls, weights: Mapping[str, NDArray[Any]]) -> Classes:
        """Return those of a model."""
        return cls(weights.get("classes"), weights["until"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a model keeps of them."""
        return {"until": self.until} | ({} if self.names is None else {"classes": self.names})

    def chosen(self, noise: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the number of the class that each noise (n, 1 + latent) chooses by its first component in [0, 1)."""
        return np.searchsorted(self.until, noise[:, 0].astype(np.float64), side="right")


class Batch(NamedTuple):
    """Images to train on (n, C, H, W), and the number of the class of each (n,)."""

    images: torch.Tensor
    classes: torch.Tensor


@dataclass(frozen=True)
class Images:
    """All images to train on x (n, *shape), and the number of the class of each; some rows of them make a Batch.

    The images stay as they were read: only a batch at a time is copied to where the networks are.
    """

    x: NDArray[np.float32]
    classes: torch.Tensor

    @property
    def device(self) -> torch.device:
        """Return where batches are."""
        return self.classes.device

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: torch.Tensor, /) -> Batch:
        """Return a batch."""
        return Batch(channels_first(self.x[rows.cpu().numpy()]).to(self.device), self.classes[rows])


def hinge(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return the discriminator's loss: E max(0, 1 - D(x)) of real images + E max(0, 1 + D(G(z))) of generated ones."""
    return (1 - real).relu().mean() + (1 + fake).relu().mean()


def _images(
    generator: nn.Module, known: Classes, noise: NDArray[np.float32], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the images x (n, *shape) that a generator in evaluation makes of noise (n, 1 + latent)."""
    import torch

    device = next(generator.parameters()).device

    def made(some: NDArray[np.float32]) -> NDArray[np.float32]:
        latent, classes = torch.from_numpy(some[:, 1:].copy()), torch.from_numpy(known.chosen(some))
        return channels_last(generator(latent.to(device), classes.to(device)), shape)

    with torch.no_grad():
        return by_block(made, noise)
