"""The plain convolutional autoencoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from torch import nn

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.domains.images.encoder_autoencoder import Autoencoder
from gancensus.domains.images.encoder_vae import Vae
from gancensus.training.networks.autoencoders import Networks


def test_the_loss_is_the_squared_error_of_an_image() -> None:
    """Half of each pixel is restored, so x / 2 is missing: of four pixels 1 and 3, (1 + 9) / 4 on average, times 4."""
    batch = torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1).expand(2, 1, 2, 2)
    loss, kept = Autoencoder().losses(Networks(nn.Identity(), nn.AvgPool2d(1, divisor_override=2)), batch)
    assert loss.item() == pytest.approx((0.5**2 + 1.5**2) / 2 * 4)
    assert {name: value.item() for name, value in kept.items()} == {"reconstruction": loss.item()}


def test_vae_without_noise_and_divergence_has_the_same_loss() -> None:
    batch = torch.from_numpy(derive_rng(4).standard_normal((3, 1, 4, 4), dtype=np.float32))

    class Certain(nn.Module):
        """A mean as the sample is, and hardly any variance."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, torch.full_like(x, -200)], dim=1)

    plain, _ = Autoencoder().losses(Networks(nn.Identity(), nn.Tanh()), batch)
    variational, _ = Vae(beta=0).losses(Networks(Certain(), nn.Tanh()), batch)
    assert torch.equal(plain, variational)


def test_two_numbers_restore_images_made_of_two() -> None:
    rng = derive_rng(5)
    numbers = rng.uniform(-1, 1, (200, 2))
    patterns = rng.uniform(-0.5, 0.5, (2, 8, 8))
    x = np.tensordot(numbers, patterns, axes=1).astype(np.float32)
    model = Autoencoder(latent=2, width=4, epochs=60, batch=20, learning_rate=3e-3)
    fitted = model.fit(x, 1, "cpu")
    assert list(fitted.history) == ["reconstruction"]
    assert fitted.history["reconstruction"][-1] < 0.05 * x.var(axis=0).sum()
    z = model.apply(fitted.weights, x, "cpu")
    assert z.shape == (200, model.dimension) == (200, 2)
    assert z.dtype == np.float32
    assert np.corrcoef(pdist(z), pdist(numbers))[0, 1] > 0.9
    assert model.apply(fitted.weights, x[:0], "cpu").shape == (0, 2)


def test_a_seed_gives_the_same_bits() -> None:
    x = derive_rng(6).uniform(-1, 1, (12, 8, 12, 3)).astype(np.float32)
    model = Autoencoder(latent=2, width=2, epochs=2, batch=4)
    one, same, other = (model.fit(x, seed, "cpu").weights for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("shape", [(7, 8), (8, 6), (64,)])
def test_what_is_no_image_that_can_be_halved_twice(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"encoder autoencoder: samples have shape .*multiples of 4"):
        Autoencoder(epochs=1).fit(np.zeros((6, *shape), dtype=np.float32), 1, "cpu")
