from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gancensus.contracts.errors import UserError
from gancensus.contracts.fitting import Fitted
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.tables.generator_tabulargan import Tabulargan
from gancensus.training.adversarial import Gan


def samples(shape: tuple[int, ...], n: int = 12) -> Samples:
    return of(derive_rng(1, *shape).uniform(-1, 1, (n, *shape)))


def of(x: np.ndarray[Any, Any]) -> Samples:
    return Samples(x.astype(np.float32), np.arange(len(x)))


def parameters(network: nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


def layers(network: nn.Module) -> list[str]:
    return [repr(layer).replace(", bias=True", "").replace(", inplace=False", "") for layer in network.children()]


TINY: list[Any] = [
    pytest.param(Tabulargan(latent=3, epochs=2, batch=4), (5,), id="tabulargan"),
    pytest.param(Dcgan(latent=3, epochs=2, batch=4, width=2), (8, 8), id="dcgan"),
]


# The layers of the tabular GAN


@pytest.mark.parametrize(
    ("latent", "columns", "generator", "discriminator"), [(8, 8, 137_992, 134_401), (20, 71, 160_327, 150_529)]
)
def test_tabulargan_has_the_layers_of_the_report(latent: int, columns: int, generator: int, discriminator: int) -> None:
    """Dense layers have inputs x outputs + outputs parameters: 8-512-256-8 and 8-256-512-1 for diabetes."""
    g, d = Tabulargan(latent=latent).networks((columns,))
    assert layers(g) == [
        f"Linear(in_features={latent}, out_features=512)",
        "LeakyReLU(negative_slope=0.2)",
        "Dropout(p=0.4)",
        "Linear(in_features=512, out_features=256)",
        "LeakyReLU(negative_slope=0.2)",
        f"Linear(in_features=256, out_features={columns})",
        "Tanh()",
    ]
    assert layers(d) == [
        f"Linear(in_features={columns}, out_features=256)",
        "LeakyReLU(negative_slope=0.2)",
        "Dropout(p=0.2)",
        "Linear(in_features=256, out_features=512)",
        "LeakyReLU(negative_slope=0.2)",
        "Linear(in_features=512, out_features=1)",
    ]
    assert (parameters(g), parameters(d)) == (generator, discriminator)


# Shapes


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (Tabulargan, (8,)),
        (Tabulargan, (3, 2)),
        (Dcgan, (8, 8)),
        (Dcgan, (28, 28)),
        (Dcgan, (32, 32, 3)),
        (Dcgan, (4, 12)),
    ],
)
def test_generated_samples_have_the_shape_of_the_real_ones(kind: type[Gan], shape: tuple[int, ...]) -> None:
    options = {"width": 2} if kind is Dcgan else {}
    model = kind(latent=3, epochs=1, batch=4, **options)
    fitted = model.train(samples(shape), 1, "cpu")
    noise = model.noise(5, {}, derive_rng(2))
    assert noise.shape == (5, 3)
    assert noise.dtype == np.float32
    x = model.generate(fitted.weights, noise, shape, "cpu")
    assert x.shape == (5, *shape)
    assert x.dtype == np.float32
    assert np.abs(x).max() <= 1
    assert x.std() > 0


@pytest.mark.parametrize("shape", [(7, 7), (8, 6), (5,), (2, 8, 8, 3)])
def test_dcgan_refuses_what_is_no_image_that_can_be_halved_twice(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"generator dcgan: samples have shape .*multiples of 4"):
        Dcgan(epochs=1).train(samples(shape), 1, "cpu")


# Sameness


@pytest.mark.parametrize(("model", "shape"), TINY)
def test_a_seed_gives_the_same_weights_bit_for_bit(model: Gan, shape: tuple[int, ...]) -> None:
    """Whatever the generator of torch was at, which stays there, and however many threads there are."""
    x = samples(shape)
    fits: list[Fitted] = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(fits))
        torch.set_num_threads(2 - len(fits) % 2)
        state, threads = torch.get_rng_state(), torch.get_num_threads()
        fits.append(model.train(x, seed, "cpu"))
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_num_threads() == threads
    first, same, other = fits
    assert first.weights.keys() == same.weights.keys() == other.weights.keys()
    assert all(np.array_equal(first.weights[name], same.weights[name]) for name in first.weights)
    assert not all(np.array_equal(first.weights[name], other.weights[name]) for name in first.weights)
    assert set(first.history) == {"discriminator", "generator"}
    for name, losses in first.history.items():
        assert losses.shape == (model.epochs,)
        assert np.isfinite(losses).all()
        np.testing.assert_array_equal(losses, same.history[name])


@pytest.mark.parametrize(("model", "shape"), TINY)
def test_generating_is_a_function_of_weights_and_noise(model: Gan, shape: tuple[int, ...]) -> None:
    """No dropout, no batch statistics: a sample does not depend on those beside it, but for rounding."""
    weights = model.train(samples(shape), 1, "cpu").weights
    noise = model.noise(20, {}, derive_rng(3))
    x = model.generate(weights, noise, shape, "cpu")
    np.testing.assert_array_equal(x, model.generate(weights, noise, shape, "cpu"))
    np.testing.assert_allclose(x[7:9], model.generate(weights, noise[7:9], shape, "cpu"), atol=1e-6)
    assert len(np.unique(x.reshape(20, -1), axis=0)) == 20


def test_training_leaves_the_samples_alone() -> None:
    real = samples((5,))
    before = real.x.copy()
    real.x.flags.writeable = False
    Tabulargan(epochs=1).train(real, 1, "cpu")
    np.testing.assert_array_equal(real.x, before)


# Learning


def test_the_gan_learns_where_a_gaussian_is() -> None:
    """N(0.5, 0.2^2) in one dimension: an untrained generator is near 0."""
    x = of(derive_rng(5).normal(0.5, 0.2, (256, 1)))
    model = Tabulargan(latent=4, epochs=60, beta1=0)
    drawn = model.generate(model.train(x, 1, "cpu").weights, model.noise(1000, {}, derive_rng(6)), (1,), "cpu")
    assert drawn.mean() == pytest.approx(0.5, abs=0.15)
    assert 0.05 < drawn.std() < 0.4


def test_a_table_beyond_the_scale_is_learned_as_one_within_it() -> None:
    """Rows of `train` can lie beyond the ends that `calibrate` sets; tanh, which networks end in, cannot."""
    x = derive_rng(5).normal(0.5, 0.2, (64, 2)).clip(0, 1).astype(np.float32)
    x[0] = 1.0
    wider = np.array([1, 4], dtype=np.float32)
    model, noise = Tabulargan(epochs=2), derive_rng(6).normal(size=(50, 8)).astype(np.float32)
    within, beyond = model.train(of(x), 1, "cpu").weights, model.train(of(x * wider), 1, "cpu").weights
    np.testing.assert_array_equal(beyond["reach"], wider)
    made = model.generate(within, noise, (2,), "cpu")
    np.testing.assert_array_equal(model.generate(beyond, noise, (2,), "cpu"), made * wider)
    np.testing.assert_array_equal(model.judge(beyond, made * wider, "cpu"), model.judge(within, made, "cpu"))
