"""The GANs of points in few dimensions: an ensemble, a member for each repetition of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.device import choose_device
from gancensus.contracts.errors import UserError
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.generator import Trained
from gancensus.contracts.randomness import derive_seed
from gancensus.contracts.samples import LazySamples, Samples, Scale
from gancensus.domains.points.repetitions import REPETITION, first_points
from gancensus.training.loop import deterministic, iterate, load_weights, weights_of
from gancensus.training.resume import Stateful

if TYPE_CHECKING:
    import torch
    from torch import nn

    from gancensus.domains.points.ensemble import Discriminator, RandomStreams

HELD = 0.3  # of the training, after which the learning rate falls in proportion to what is left
QUIET = 0.5  # of the training, at which the noise on the training points has fallen to its floor
AVERAGED = 0.35  # of the training: its last part, over which the generator's weights are averaged
FASTER = 2  # the discriminator's learning rate over the generator's (Heusel et al., arXiv:1706.08500)


class Toygan(Trained):
    """GANs of points, one for each repetition of an experiment, trained together as one ensemble.

    After Butter, Diefenbacher, Kasieczka, Nachman & Plehn, SciPost Phys. 10 (2021) 139: member r learns from the first
    `train_size` training samples whose condition `repetition` is r, and draws the samples whose condition is r.
    Decreasing noise on these few points, a discriminator that sees the whole batch, and a gradient penalty keep it from
    memorising them. The paper has no public code: layers, sizes and numbers are chosen here, so that the camel back is
    learned well from 100 points.

    Generator: dense, LeakyReLU. Discriminator: dense, tanh, and after the features of a point the mean of those of its
    batch. Non-saturating loss, with the zero-centred penalty of Mescheder et al., arXiv:1801.04406, on real and on
    generated points. One step of Adam without momentum for each per batch. The learning rate is constant over the first
    30 % of the steps and then falls; the weights that generate are the mean over the last 35 %.

    History, a mean over the members: the discriminator's cross-entropy (mean of real and generated; ln 2 when it cannot
    distinguish them) and the generator's.
    """

    conditional = True

    kind: Literal["toygan"] = "toygan"
    train_size: int = Field(100, ge=2)
    """Training points of each repetition."""
    latent: int = Field(4, ge=1)
    """Dimension of the noise that points are made of."""
    generator_width: int = Field(24, ge=1)
    """Units in each of the generator's hidden layers."""
    generator_depth: int = Field(2, ge=1)
    """Number of the generator's hidden layers."""
    discriminator_width: int = Field(24, ge=1)
    """Units in each of the discriminator's hidden layers."""
    discriminator_depth: int = Field(2, ge=2)
    """Number of the discriminator's hidden layers, of which the last sees the mean over the batch."""
    steps: int = Field(15_000, ge=1)
    """Steps of each network; the last pass over the training points is completed."""
    batch: int = Field(100, ge=1)
    """Points per step; half of `train_size` if that is less, since a batch of them all would be known by its mean."""
    learning_rate: float = Field(2e-3, gt=0)
    """Step size of the generator's Adam."""
    noise_start: float = Field(1.0, ge=0)
    """Standard deviation (natural units) of the noise on the training points at first, new in each step."""
    noise_floor: float = Field(0.4, ge=0)
    """Its value in the second half of the training, to which it falls linearly in the first."""
    penalty: float = Field(5e-4, ge=0)
    """Weight of half the squared gradient of the discriminator's logit (in `unit`), for each training point."""
    unit: float = Field(4.0, gt=0)
    """Length (natural units) that is 1 for the networks."""

    @property
    def of_each_repetition(self) -> int:
        """`train_size`."""
        return self.train_size

    def networks(self, dimension: int, seeds: list[int]) -> tuple[nn.Sequential, Discriminator, RandomStreams]:
        """Build generators and discriminators for points of a dimension, and the random streams of the members."""
        from gancensus.domains.points import ensemble

        streams = ensemble.RandomStreams(seeds)
        width, depth = self.discriminator_width, self.discriminator_depth
        generator = ensemble.generator(self.latent, self.generator_width, self.generator_depth, dimension, streams)
        return generator, ensemble.Discriminator(dimension, width, depth - 1, streams), streams

    def train(
        self,
        samples: Samples | LazySamples,
        seed: int,
        device: str,
        checkpoint: Checkpoint | None = None,
        validation: Samples | LazySamples | None = None,
    ) -> Fitted:
        """Train a member for each repetition on points x (n, d).

        The weights hold, beside those of the networks, the members' repetitions (R,) and the ends of the scale (2, d).
        Raises UserError when the samples are not points, or have no repetition or too few points of one.
        """
        import torch
        from torch.optim.swa_utils import AveragedModel

        from gancensus.domains.points import ensemble

        taken = samples.take(slice(None))
        repetitions, points = self._points(taken)
        with deterministic(seed):
            place = torch.device(choose_device(device))
            seeds = [derive_seed(seed, int(repetition)) for repetition in repetitions]
            generator, discriminator, streams = self.networks(points.shape[-1], seeds)
            generator, discriminator = generator.to(place), discriminator.to(place)
            adam = partial(torch.optim.Adam, lr=self.learning_rate, betas=(0.0, 0.99), fused=True)
            adam_g, adam_d = adam(generator.parameters()), adam(discriminator.parameters())
            average, clock = AveragedModel(generator), ensemble.Clock()
            step_d = _step_d(discriminator, adam_d, self.penalty * self.train_size)
            step_g = _step_g(discriminator, adam_g)
            size = min(self.batch, self.train_size // 2)
            batches = self.train_size // size
            epochs = -(-self.steps // batches)

            def step(real: torch.Tensor) -> dict[str, float]:
                done = clock.steps.item() / (epochs * batches)
                adam_g.param_groups[0]["lr"] = self.learning_rate * min(1.0, (1 - done) / (1 - HELD))
                adam_d.param_groups[0]["lr"] = FASTER * adam_g.param_groups[0]["lr"]
                numbers = streams.normal(real.shape[1], self.latent + real.shape[2]).to(place)
                fake = generator(numbers[..., : self.latent])
                noisy = real + self._noise(done) / self.unit * numbers[..., self.latent :]
                losses = {"discriminator": step_d(noisy, fake.detach()), "generator": step_g(fake)}
                clock.steps += 1
                if clock.steps.item() > (1 - AVERAGED) * epochs * batches:
                    average.update_parameters(generator)
                return {name: loss / len(repetitions) for name, loss in losses.items()}

            parts: dict[str, Stateful] = {"generator": generator, "discriminator": discriminator, "average": average}
            parts |= {"adam_g": adam_g, "adam_d": adam_d, "streams": streams, "clock": clock}
            held = Points(torch.tensor(points / self.unit, dtype=torch.float32, device=place))
            history = iterate(held, step, epochs, size, parts, checkpoint)
            weights = weights_of(generator=average.module, discriminator=discriminator)
        scale = _scale(taken)
        return Fitted(weights | {"repetition": repetitions, "scale": np.array([scale.low, scale.high])}, history)

    def _noise(self, done: float) -> float:
        """Return the standard deviation of the noise on the training points when a share of the steps is done."""
        return self.noise_floor + (self.noise_start - self.noise_floor) * max(0.0, 1 - done / QUIET)

    def _points(self, samples: Samples) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return the repetitions (R,), ascending, and the first points of each in natural units (R, train_size, d)."""
        if samples.x.ndim != 2:
            raise UserError(
                f"generator toygan: samples have shape {samples.x.shape[1:]}; it learns points, which have one axis"
            )
        repetition = _repetition(samples.conditions)
        repetitions, rows = first_points(repetition, samples.sample_id, self.train_size, "generator toygan")
        return repetitions, samples.take(rows).natural()

    def noise(
        self, samples: int, conditions: Mapping[str, NDArray[Any]], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Return (samples, 1 + latent): the repetition, and standard Gaussian noise."""
        noise = rng.standard_normal((samples, self.latent), dtype=np.float32)
        return np.column_stack([_repetition(conditions), noise])

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Turn noise (n, 1 + latent) into points x (n, d), each by the member of its repetition.

        Raises UserError when there is no member for a repetition.
        """
        import torch

        repetitions = weights["repetition"]
        unknown = ~np.isin(noise[:, 0], repetitions)
        if unknown.any():
            raise UserError(
                f"generator toygan: nothing was trained for repetition {noise[unknown, 0][0]:.0f}; `train` needs "
                f"`train_size` samples of every repetition"
            )
        member = np.searchsorted(repetitions, noise[:, 0])
        order = np.argsort(member, kind="stable")
        counts = np.bincount(member, minlength=len(repetitions))
        column = np.empty_like(order)  # place of a point among those of its member
        column[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        latent = np.zeros((len(repetitions), counts.max(), self.latent), dtype=np.float32)
        latent[member, column] = noise[:, 1:]
        low, high = weights["scale"]
        scale = Scale(("",) * shape[0], ("",) * shape[0], tuple(low), tuple(high))
        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            networks = self.networks(shape[0], [0] * len(repetitions))
            generator = load_weights(networks[0], "generator", weights).to(place)
            points = generator(torch.from_numpy(latent).to(place)).cpu().numpy()[member, column]
        return scale.encode(self.unit * points.astype(np.float64))


@dataclass(frozen=True)
class Points:
    """Points (R, n, d) to train on, in `unit`: row k is the k-th of every repetition."""

    values: torch.Tensor

    @property
    def device(self) -> torch.device:
        """Return where they are."""
        return self.values.device

    def __len__(self) -> int:
        return self.values.shape[1]

    def __getitem__(self, rows: torch.Tensor, /) -> torch.Tensor:
        """Return a batch (R, rows, d): the order does not depend on the points, so that all members may share it."""
        return self.values[:, rows]


def _step_d(
    discriminator: nn.Module, adam: torch.optim.Optimizer, penalty: float
) -> Callable[[torch.Tensor, torch.Tensor], float]:
    """Return the function that makes the discriminator's step on real and generated points (R, n, d).

    It returns the cross-entropy, summed over the members.
    """
    import torch
    from torch.nn.functional import softplus

    def step(real: torch.Tensor, fake: torch.Tensor) -> float:
        points = torch.stack([real, fake], dim=1).requires_grad_()
        logits = discriminator(points)
        loss = softplus(torch.stack([-logits[:, 0], logits[:, 1]], dim=1)).mean(dim=(1, 2)).sum()
        (slope,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
        adam.zero_grad()
        (loss + penalty / 2 * slope.square().sum(dim=3).mean(dim=(1, 2)).sum()).backward()
        adam.step()
        return loss.item()

    return step


def _step_g(discriminator: nn.Module, adam: torch.optim.Optimizer) -> Callable[[torch.Tensor], float]:
    """Return the function that makes the generator's step, and returns its loss, summed over the members."""
    from torch.nn.functional import softplus

    def step(fake: torch.Tensor) -> float:
        discriminator.requires_grad_(False)
        loss = softplus(-discriminator(fake[:, None])).mean(dim=(1, 2)).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
        discriminator.requires_grad_(True)
        return float(loss.item())

    return step


def _scale(samples: Samples) -> Scale:
    """Return the scale of points; without one they are natural values."""
    columns = samples.x.shape[1]
    return samples.scale or Scale(("",) * columns, ("",) * columns, (-1.0,) * columns, (1.0,) * columns)


def _repetition(conditions: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Return the repetition of each sample; raises UserError when it is not known."""
    if REPETITION not in conditions:
        raise UserError(
            "generator toygan: the samples have no condition repetition; use a source of repeated experiments: "
            "camelback, ring or shell"
        )
    return conditions[REPETITION].astype(np.float32)
