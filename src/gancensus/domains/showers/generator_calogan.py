"""The 3DGAN of calorimeter showers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.device import choose_device
from gancensus.contracts.errors import UserError
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.generator import Trained
from gancensus.contracts.samples import LazySamples, Samples, Scale
from gancensus.contracts.showers import GRID, measured_angle
from gancensus.domains.showers import calogan_networks
from gancensus.domains.showers.calogan_batches import GRID_BATCH, Batch, Showers, energy_and_angle
from gancensus.training.loop import deterministic, iterate, load_weights, weights_of
from gancensus.training.resume import Stateful

if TYPE_CHECKING:
    import torch
    from torch import nn

BINS = (0.05, 0.03, 0.02, 0.0125, 0.008, 0.003, 0.0)  # GeV: edges of the bins in which cells are counted, and 0
WEIGHTS = {"generator": 3.0, "energy": 0.1, "angle": 25.0, "ecal": 0.1, "counts": 0.1}  # of the losses
FLIPPED = 0.05  # share of the discriminator's labels that are wrong on purpose


class Heads(NamedTuple):
    """What is measured of showers (n, 1, nx, ny, nz), each (n, ...): angle in rad, sum in GeV, cells in each bin."""

    angle: torch.Tensor
    ecal: torch.Tensor
    counts: torch.Tensor


class Calogan(Trained):
    """3DGAN of calorimeter showers, conditioned on the energy and the angle of the primary particle.

    Khattak et al., EPJC 82 (2022) 386. Layers, initial weights, losses, their weights, optimisers and label flips are
    those of svalleco/3Dgan, keras/AngleArch3dGAN.py and AngleTrain3dGAN.py. For each batch the discriminator makes a
    step on the real and one on generated showers, then the generator two, all under the conditions of the real ones.

    Five heads: real or not (cross-entropy), the energy (percentage error), and what is measured of a shower, compared
    with the real one: angle, sum, and counts of cells in bins of their energy. Counts have no gradient, as in the
    original; a real count of 0 is taken as 1. The measured heads do not train the discriminator.

    Batch normalisation is as in the original: the discriminator normalises every batch by its own statistics, in the
    generator's steps too, and its generated showers are made with the running statistics, as in `generate`. Showers of
    10 MeV or less are left out.

    History: the discriminator's cross-entropy (mean of real and generated; 0.2 at best, because of the flips) and the
    generator's five losses, unweighted: cross-entropy, energy (percent), angle (rad), ecal and counts (percent).
    """

    conditional = once = True

    kind: Literal["calogan"] = "calogan"
    latent: int = Field(256, ge=3)
    """Dimension of the generator's input: energy / (100 GeV), angle in rad, and noise."""
    coarsen: int = Field(1, ge=1)
    """Divides kernels, paddings and the enlargement, which are made for 51 x 51 x 25 cells: 3 for 17 x 17 x 9."""
    epochs: int = Field(60, ge=1)
    """Passes over the training samples."""
    batch: int = Field(64, ge=2)
    """Samples per step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Step size of RMSprop."""
    power: float = Field(0.85, gt=0, le=1)
    """The networks see cell energies (GeV) to this power."""
    threshold: float = Field(0.0, ge=0)
    """Cells of real showers below this energy (GeV) count as empty."""

    def networks(self, shape: tuple[int, ...]) -> tuple[nn.Sequential, nn.Sequential]:
        """Build the generator (n, latent) to images, and the discriminator: logit of being real, energy / (100 GeV).

        Initialised like the original's. Raises UserError when the shape is not a grid, or is too small for the kernels.
        """
        if len(shape) != 3:
            raise UserError(f"generator calogan: samples have shape {shape}; showers need cells along x, y and z")
        generator = calogan_networks.generator(shape, self.latent, self.coarsen)
        discriminator = calogan_networks.discriminator(shape, self.coarsen)
        calogan_networks.initialise(generator, discriminator)
        return generator, discriminator

    def train(
        self,
        samples: Samples | LazySamples,
        seed: int,
        device: str,
        checkpoint: Checkpoint | None = None,
        validation: Samples | LazySamples | None = None,
    ) -> Fitted:
        """Train both networks on showers (n, nx, ny, nz) with the conditions energy (GeV) and angle (rad).

        Raises UserError when the samples are not such showers, or when every generated shower becomes empty.
        """
        import torch

        scale = samples.scale or Scale(GRID, ("GeV",), (-1.0,), (1.0,))
        with deterministic(seed):
            place = torch.device(choose_device(device))
            generator, discriminator = (network.to(place) for network in self.networks(samples.shape))
            showers = Showers.of(samples, self.threshold, self.power, place)
            rmsprop = partial(torch.optim.RMSprop, lr=self.learning_rate, alpha=0.9, eps=1e-7)
            rmsprop_g, rmsprop_d = (rmsprop(network.parameters()) for network in (generator, discriminator))
            parts: dict[str, Stateful] = {"generator": generator, "discriminator": discriminator}
            parts |= {"rmsprop_g": rmsprop_g, "rmsprop_d": rmsprop_d}
            step_d = self._step_d(generator, discriminator, rmsprop_d)
            step_g = self._step_g(generator, discriminator, rmsprop_g)

            def step(real: Batch) -> dict[str, float]:
                return {"discriminator": step_d(real), **step_g(real)}

            history = iterate(showers, step, self.epochs, self.batch, parts, checkpoint)
            weights = weights_of(generator=generator, discriminator=discriminator)
        return Fitted(weights | {"scale": np.array([scale.low[0], scale.high[0]])}, history)

    def _step_d(
        self, generator: nn.Module, discriminator: nn.Module, rmsprop: torch.optim.Optimizer
    ) -> Callable[[Batch], float]:
        """Return the function that makes the discriminator's steps on a real and a generated batch."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

        def step_on(image: torch.Tensor, energy: torch.Tensor, label: float) -> float:
            flipped = torch.rand(len(image), device=image.device) < FLIPPED
            judged = discriminator(image)
            loss = cross_entropy(judged[:, 0], torch.where(flipped, 1 - label, label))
            rmsprop.zero_grad()
            energy_loss = _percent(energy / 100, judged[:, 1])
            (WEIGHTS["generator"] * loss + WEIGHTS["energy"] * energy_loss).backward()
            rmsprop.step()
            return loss.item()

        def step(real: Batch) -> float:
            generator.eval()
            with torch.no_grad():
                fake = generator(self._input(real))
            generator.train()
            return (step_on(real.image, real.energy, 1.0) + step_on(fake, real.energy, 0.0)) / 2

        return step

    def _step_g(
        self, generator: nn.Module, discriminator: nn.Module, rmsprop: torch.optim.Optimizer
    ) -> Callable[[Batch], dict[str, float]]:
        """Return the function that makes two steps of the generator under the conditions of a real batch."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

        def losses(real: Batch, target: Heads) -> dict[str, torch.Tensor]:
            image = generator(self._input(real))
            if not image.any():
                raise UserError(
                    "generator calogan: every shower of a batch came out empty, from which no training recovers; lower "
                    "`learning_rate` or try another `seed`"
                )
            judged, measured = discriminator(image), self.measured(image)
            return {
                "generator": cross_entropy(judged[:, 0], torch.ones_like(judged[:, 0])),
                "energy": _percent(real.energy / 100, judged[:, 1]),
                "angle": (target.angle - measured.angle).abs().mean(),
                "ecal": _percent(target.ecal, measured.ecal),
                "counts": _percent(target.counts.clamp(min=1), measured.counts),
            }

        def step(real: Batch) -> dict[str, float]:
            target = self.measured(real.image)
            discriminator.requires_grad_(False)
            done = []
            for _ in range(2):
                loss = losses(real, target)
                rmsprop.zero_grad()
                torch.stack([WEIGHTS[name] * value for name, value in loss.items()]).sum().backward()
                rmsprop.step()
                done.append({name: value.item() for name, value in loss.items()})
            discriminator.requires_grad_(True)
            return {name: (done[0][name] + done[1][name]) / 2 for name in WEIGHTS}

        return step

    def _input(self, real: Batch) -> torch.Tensor:
        """Return the generator's input (n, latent) under the conditions of a batch, with new noise."""
        import torch

        noise = torch.randn(len(real.energy), self.latent - 2, device=real.energy.device)
        return torch.cat([real.energy[:, None] / 100, real.angle[:, None], noise], dim=1)

    def measured(self, image: torch.Tensor) -> Heads:
        """Measure images (n, 1, nx, ny, nz), with a gradient in angle and sum."""
        import torch

        cells = image[:, 0] ** (1 / self.power)
        above = torch.stack([(cells > edge).sum(dim=(1, 2, 3)) for edge in BINS], dim=1)
        empty = cells[0].numel() - above[:, -1:]
        counts = torch.cat([above[:, :1], above.diff(dim=1), empty], dim=1)
        return Heads(measured_angle(cells, torch), cells.sum(dim=(1, 2, 3)), counts.to(cells.dtype))

    def noise(
        self, samples: int, conditions: Mapping[str, NDArray[Any]], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Return (samples, latent): energy / (100 GeV), angle in rad, and standard Gaussian noise."""
        energy, angle = energy_and_angle(conditions)
        noise = rng.standard_normal((samples, self.latent - 2), dtype=np.float32)
        return np.column_stack([energy / np.float32(100), angle, noise])

    def generate(
        self, weights: Mapping[str, NDArray[Any]], noise: NDArray[np.float32], shape: tuple[int, ...], device: str
    ) -> NDArray[np.float32]:
        """Turn inputs (n, latent) into showers x (n, *shape), on the scale of the training samples."""
        import torch

        low, high = weights["scale"]
        scale = Scale(GRID, ("GeV",), (low,), (high,))
        with deterministic(0), torch.no_grad():
            place = choose_device(device)
            generator = load_weights(self.networks(shape)[0], "generator", weights).to(place)
            inputs = torch.from_numpy(noise).to(place).split(GRID_BATCH)
            cells = torch.cat([generator(some)[:, 0].cpu() for some in inputs]) ** (1 / self.power)
        return scale.encode(cells.numpy())


def _percent(true: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute error in percent of the true values."""
    return 100 * ((true - found).abs() / true.abs().clamp(min=1e-7)).mean()
