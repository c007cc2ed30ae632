"""Autoencoders of one to three blocks: layers, reconstructions and losses of single images, and faint images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import nn
from torch.nn.functional import conv2d, elu

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.domains.images.encoder_autoencoder import Autoencoder
from gancensus.domains.images.encoder_vae import Vae
from gancensus.domains.jets.jet_images import preprocessed
from gancensus.domains.jets.toys import images_of, toy_jets

Array = NDArray[Any]


def images(n: int, side: int = 16, size: float = 1.0) -> Array:
    """Images in multiples of 2^-10, times a size: a power of 2 of them is exact."""
    return (np.rint(derive_rng(2).uniform(-1, 1, (n, side, side)) * 1024) / 1024 * size).astype(np.float32)


def jets(prongs: int, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Images of preprocessed toy jets (count, 40, 40)."""
    return images_of(preprocessed(toy_jets(np.full(count, prongs), 80, rng).astype(np.float64)), 40, 2.0)


def flat(x: Array) -> Array:
    return x.reshape(len(x), -1).astype(np.float64)


def test_the_default_networks_are_those_of_two_blocks_bit_for_bit() -> None:
    torch.manual_seed(3)
    old = (
        [
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ELU(),
            nn.Flatten(),
            nn.Linear(512, 32),
        ],
        [
            nn.Linear(16, 512),
            nn.ELU(),
            nn.Unflatten(1, (32, 4, 4)),
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
            nn.ELU(),
            nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
        ],
    )
    torch.manual_seed(3)
    for expected, net in zip(old, Vae().networks((16, 16)), strict=True):
        known, found = nn.Sequential(*expected).state_dict(), net.state_dict()
        assert list(known) == list(found)
        assert all(torch.equal(known[name], found[name]) for name in known)
        assert list(map(repr, expected)) == list(map(repr, net.children()))


@pytest.mark.parametrize("blocks", [1, 2, 3])
@pytest.mark.parametrize("kind", [Autoencoder, Vae])
def test_layers_halve_the_image_and_end_in_the_vectors(kind: type[Autoencoder | Vae], blocks: int) -> None:
    x = images(5)
    model = kind(blocks=blocks, latent=64, width=3, epochs=1)
    weights = model.fit(x, 1, "cpu").weights
    layers = model.layers(weights, x, "cpu")
    shapes = {f"block{k}": (5, 3 * 2 ** (k - 1), 16 >> k, 16 >> k) for k in range(1, blocks + 1)}
    assert {name: value.shape for name, value in layers.items()} == {**shapes, "latent": (5, 64)}
    assert list(layers)[-1] == "latent"
    assert np.array_equal(layers["latent"], model.apply(weights, x, "cpu"))
    kernel, bias = (torch.from_numpy(weights[f"encoder.0.{name}"]) for name in ("weight", "bias"))
    first = conv2d(torch.from_numpy(x[:, None]), kernel, bias, stride=2, padding=1)
    np.testing.assert_allclose(layers["block1"], elu(first).numpy(), rtol=1e-5, atol=1e-6)
    assert model.restore(weights, x, "cpu").shape == x.shape


def test_losses_of_an_image_are_those_of_its_reconstruction() -> None:
    x = images(5)[..., None].repeat(3, axis=-1)
    model = Vae(latent=2, width=2, epochs=1, beta=0.3)
    weights = model.fit(x, 1, "cpu").weights
    found = model.losses_of(weights, x, "cpu")
    error = np.square(flat(model.restore(weights, x, "cpu")) - flat(x)).sum(axis=1)
    encoder, _ = model.networks(x.shape[1:])
    encoder.load_state_dict({k[8:]: torch.from_numpy(v) for k, v in weights.items() if k.startswith("encoder.")})
    code = encoder(torch.from_numpy(np.moveaxis(x, -1, 1))).detach().double().numpy()
    mean, log = code[:, :2], code[:, 2:]
    divergence = 0.5 * (mean**2 + np.exp(log) - 1 - log).sum(axis=1)
    assert list(found) == ["loss", "reconstruction", "divergence"]
    assert all(value.shape == (5,) and value.dtype == np.float64 for value in found.values())
    np.testing.assert_allclose(found["reconstruction"], error, rtol=1e-6)
    np.testing.assert_allclose(found["divergence"], divergence, rtol=1e-6)
    np.testing.assert_allclose(found["loss"], 0.7 * error + 0.3 * divergence, rtol=1e-6)
    plain = Autoencoder(latent=2, width=2, epochs=1)
    losses = plain.losses_of(plain.fit(x, 1, "cpu").weights, x, "cpu")
    assert list(losses) == ["loss", "reconstruction"]
    assert np.array_equal(losses["loss"], losses["reconstruction"])


def test_no_value_depends_on_how_many_are_asked() -> None:
    x = images(300)
    model = Vae(latent=5, width=2, epochs=1)
    weights = model.fit(x[:20], 1, "cpu").weights
    for ask in (model.layers, model.losses_of, lambda *args: {"x": model.restore(*args), "z": model.apply(*args)}):
        every, some = ask(weights, x, "cpu"), ask(weights, x[:256], "cpu")
        assert all(np.array_equal(every[name][:256], some[name]) and len(every[name]) == 300 for name in some)
        assert all(value.shape == (0, *every[name].shape[1:]) for name, value in ask(weights, x[:0], "cpu").items())


def test_faint_images_train_the_same_networks_at_any_size() -> None:
    """The networks see images of one size; losses are those of the images, 4 times smaller where these are halved."""
    model, sizes = Autoencoder(latent=3, width=2, epochs=3, batch=5), (2.0**-4, 2.0**-5)
    fits = [model.fit(images(20, size=size), 1, "cpu") for size in sizes]
    faint, fainter = (fit.weights for fit in fits)
    assert [one.pop("factor").tolist() for one in (faint, fainter)] == [[32], [64]]  # root mean square 1/sqrt(3)
    assert all(np.array_equal(faint[name], fainter[name]) for name in faint)
    first, second = (fit.history["reconstruction"] for fit in fits)
    assert np.array_equal(first, 4 * second)
    for fit, factor, size in zip(fits, (32.0, 64.0), sizes, strict=True):
        fit.weights["factor"] = np.array([factor])
        x = images(20, size=size)
        error = np.square(flat(model.restore(fit.weights, x, "cpu")) - flat(x)).sum(axis=1)
        np.testing.assert_allclose(model.losses_of(fit.weights, x, "cpu")["loss"], error, rtol=1e-5)
    assert "factor" not in model.fit(images(20), 1, "cpu").weights


def test_a_network_restores_jets_better_than_the_mean_image() -> None:
    """At the scale of normalised jets, whose squares sum to about 0.2; without the factor it is worse than the mean."""
    rng = derive_rng(5)
    x, other = jets(1, 300, rng), jets(1, 60, rng)
    model = Vae(latent=64, blocks=1, width=4, epochs=12, batch=16, learning_rate=3e-3, beta=1e-7)
    found = model.losses_of(model.fit(x, 1, "cpu").weights, other, "cpu")["reconstruction"].mean()
    assert found < 0.6 * np.square(flat(other) - flat(x).mean(axis=0)).sum(axis=1).mean()


@pytest.mark.parametrize("beta", [0, *(10.0**-k for k in range(4, 11))])
def test_betas_down_to_1e_10_are_taken(beta: float) -> None:
    assert Vae.model_validate({"kind": "vae", "beta": beta, "latent": 64}).beta == beta


def test_what_cannot_be() -> None:
    with pytest.raises(UserError, match=r"samples have shape \(12, 12\).*multiples of 8"):
        Vae(blocks=3).check_input(np.zeros((2, 12, 12)))
    Vae(blocks=1).check_input(np.zeros((2, 10, 14)))
    with pytest.raises(ValidationError, match="blocks"):
        Vae.model_validate({"kind": "vae", "blocks": 4})
    assert (Vae().class_learned, Vae(only=0).class_learned, Autoencoder(only=2).class_learned) == (None, 0, 2)
    assert Vae.restores and Autoencoder.restores
