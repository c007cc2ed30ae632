"""The decoder of a variational autoencoder as a generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from stopping import Memory, same

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.domains.images.encoder_vae import Vae
from gancensus.domains.images.generator_vae import Output, VaeDecoder
from gancensus.domains.jets.jet_images import preprocessed
from gancensus.domains.jets.toys import images_of, toy_jets
from gancensus.storage.models import read_model, write_model
from gancensus.training.loop import architecture

Array = NDArray[Any]
TINY = VaeDecoder(latent=3, width=2, epochs=3, batch=4)


def samples(x: Array) -> Samples:
    return Samples(x.astype(np.float32), np.arange(len(x)))


def images(shape: tuple[int, ...], n: int = 14) -> Samples:
    return samples(derive_rng(1, *shape).uniform(-0.9, 0.8, (n, *shape)))


@pytest.mark.parametrize(("shape", "blocks"), [((8, 8), 3), ((28, 28), 2), ((6, 10, 3), 1)])
@pytest.mark.parametrize("output", ["linear", "softmax"])
def test_images_have_shape_and_range_of_the_training_images(
    shape: tuple[int, ...], blocks: int, output: Output
) -> None:
    x = images(shape)
    x = samples(np.abs(x.x)) if output == "softmax" else x
    model = VaeDecoder.model_validate(TINY.model_dump() | {"blocks": blocks, "output": output})
    weights = model.train(x, 1, "cpu").weights
    assert not any(name.startswith("encoder") for name in weights)
    found = model.generate(weights, 30 * model.noise(300, {}, derive_rng(2)), shape, "cpu")  # far from all training
    assert found.shape == (300, *shape)
    assert found.dtype == np.float32
    if output == "linear":
        assert (found.min(), found.max()) == (x.x.min(), x.x.max())  # so far that it is cut
    else:
        assert found.min() >= 0
        axes = tuple(range(1, found.ndim))
        np.testing.assert_allclose(found.sum(axes), x.x.sum(axes, dtype=np.float64).mean(), rtol=1e-5)


def test_a_seed_gives_the_same_bits_also_when_it_is_interrupted() -> None:
    x = images((8, 8))
    whole = TINY.train(x, 1, "cpu")
    assert same(TINY.train(x, 1, "cpu"), whole)
    assert same(Memory(1, 2, 4).run(lambda checkpoint: TINY.train(x, 1, "cpu", checkpoint)), whole)
    assert not same(TINY.train(x, 2, "cpu"), whole)


def test_it_is_the_decoder_of_the_encoder_vae() -> None:
    x = images((8, 8))
    fitted = TINY.train(x, 1, "cpu")
    other = Vae(latent=3, width=2, epochs=3, batch=4).fit(x.x, 1, "cpu")
    decoder = {name: value for name, value in other.weights.items() if name.startswith("decoder")}
    assert all(np.array_equal(fitted.weights[name], value) for name, value in decoder.items())
    assert np.array_equal(fitted.history["reconstruction"], other.history["reconstruction"])


def test_as_many_pixels_are_lit_as_in_training_images() -> None:
    x = np.where(derive_rng(5).random((200, 8, 8)) < 0.1, derive_rng(6).random((200, 8, 8)), 0)
    model = VaeDecoder(latent=3, width=4, epochs=10, batch=16, output="softmax")
    weights = model.train(samples(x), 1, "cpu").weights
    found = model.generate(weights, model.noise(2000, {}, derive_rng(2)), (8, 8), "cpu")
    assert np.count_nonzero(found) / 2000 == pytest.approx(np.count_nonzero(x) / 200, rel=0.1)
    np.testing.assert_allclose(found.sum((1, 2)), x.sum((1, 2)).mean(), rtol=1e-5)


def test_truncation_changes_samples_and_no_training() -> None:
    x, cut = images((8, 8)), TINY.model_copy(update={"truncation": 0.5})
    assert same(TINY.train(x, 1, "cpu"), cut.train(x, 1, "cpu"))
    assert architecture(cut, (8, 8)) == architecture(TINY, (8, 8))
    assert np.abs(cut.noise(500, {}, derive_rng(3))).max() <= 0.5 < np.abs(TINY.noise(500, {}, derive_rng(3))).max()


def test_faint_images_are_drawn_at_their_size_also_from_a_file(tmp_path: Path) -> None:
    """Images of two brightnesses, all below 2^-6: those drawn have both, and what lies between."""
    level = np.repeat([2.0**-8, 2.0**-7], 60)[:, None, None]
    x = samples(level * derive_rng(4).uniform(0.9, 1.1, (120, 8, 8)))
    model = VaeDecoder(latent=2, width=4, epochs=60, batch=20, learning_rate=5e-3, beta=1e-5)
    write_model(tmp_path / "model", model.train(x, 1, "cpu").weights, architecture(model, (8, 8)))
    weights = read_model(tmp_path / "model", architecture(model, (8, 8)))
    assert weights["factor"].tolist() == [128]
    bright = model.generate(weights, model.noise(400, {}, derive_rng(5)), (8, 8), "cpu").mean(axis=(1, 2))
    assert bright.mean() == pytest.approx(x.x.mean(), rel=0.1)
    assert np.quantile(bright, 0.2) < 1.3 * 2.0**-8
    assert np.quantile(bright, 0.8) > 2.0**-7 / 1.3


def jets(prongs: int, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Images of preprocessed toy jets (count, 40, 40)."""
    return images_of(preprocessed(toy_jets(np.full(count, prongs), 80, rng).astype(np.float64)), 40, 2.0)


def test_jets_of_one_and_two_prongs_are_drawn_in_both_widths() -> None:
    """A generator of one jet, or of the mean, would have no spread of widths, and cover no real jet."""
    rng = derive_rng(6)
    x = np.concatenate([jets(k, 150, rng) for k in (1, 2)])
    model = VaeDecoder(latent=8, width=4, epochs=20, batch=16, learning_rate=3e-3, beta=1e-3, output="softmax")
    drawn = model.generate(
        model.train(samples(x), 1, "cpu").weights, model.noise(200, {}, derive_rng(7)), x.shape[1:], "cpu"
    )
    axis = np.abs(np.linspace(-1, 1, 41)[:-1] + 1 / 40)
    real, made = (one.sum(axis=2) @ axis for one in (x, drawn))  # mean distance along the axis of the jet
    assert made.std() > 0.4 * real.std()
    coarse = [one.reshape(len(one), 10, 4, 10, 4).sum(axis=(2, 4)).reshape(len(one), -1) for one in (x, drawn)]
    mean = cdist(coarse[0], coarse[0].mean(axis=0)[None], "cityblock")[:, 0].mean()
    assert cdist(coarse[0], coarse[1], "cityblock").min(axis=1).mean() < 0.75 * mean


@pytest.mark.parametrize("shape", [(12, 12), (8,), (8, 10)])
def test_what_is_no_image_that_can_be_halved(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"generator vae: samples have shape .*multiples of 8"):
        VaeDecoder(blocks=3, epochs=1).train(images(shape), 1, "cpu")


@pytest.mark.parametrize(
    ("value", "says"), [(-0.25, "image 1 .* has the value -0.25"), (0.0, "image 1 .* is 0 everywhere")]
)
def test_shares_need_weights(value: float, says: str) -> None:
    x = np.full((3, 8, 8), 0.5)
    x[1] = value
    with pytest.raises(UserError, match=f"generator vae: {says}; with `output: softmax`"):
        VaeDecoder(latent=2, width=2, epochs=1, output="softmax").train(samples(x), 1, "cpu")
    VaeDecoder(latent=2, width=2, epochs=1).train(samples(x), 1, "cpu")
