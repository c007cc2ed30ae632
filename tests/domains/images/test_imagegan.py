"""The SAGAN: its networks, losses, average and classes, and the epoch that it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from stopping import Memory, StoppedError, same
from torch import nn

from gancensus.comparison.frechet import frechet_distance
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import BLOCK, Samples, flatten, part_rows
from gancensus.domains.images import best_epoch
from gancensus.domains.images.best_epoch import BestEpoch, Yardstick
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.images.generator_imagegan import Classes, Imagegan, hinge
from gancensus.domains.images.imagegan_networks import (
    Attention,
    ClassNorm,
    Generator,
    applied,
    doubled,
    halved,
    halvings,
)
from gancensus.storage.samples import SampleRows, read_samples, write_samples
from gancensus.training.averaging import Average
from gancensus.training.drawing import draw
from gancensus.training.loop import architecture, history_columns

TINY = Imagegan(latent=3, width=2, steps=6, batch=4, average_from=1, average_decay=0.5)


def noise_like(shape: tuple[int, ...], n: int = 12, label: Any = None) -> Samples:
    x = derive_rng(1, *shape).uniform(-1, 1, (n, *shape)).astype(np.float32)
    return Samples(x, np.arange(n), None if label is None else np.asarray(label, dtype=np.int32))


def drawn(model: Imagegan, weights: Any, samples: int, rows: slice | None = None) -> Samples:
    like, model = noise_like((8, 8)), model.model_copy(update={"samples": samples})
    return draw(model, weights, like, (8, 8), rows or slice(0, samples), "gan-0", "toy", 1, "cpu")


# The networks


@pytest.mark.parametrize(
    ("shape", "times"),
    [((8, 8), 1), ((16, 16), 2), ((28, 28), 2), ((32, 32, 3), 3), ((64, 64, 3), 4), ((4, 12), 1), ((4, 4), 1)],
)
def test_shapes_and_blocks_follow_from_the_size(shape: tuple[int, ...], times: int) -> None:
    assert halvings(shape[0], shape[1]) == times
    generator, discriminator = TINY.networks(shape, 3)
    classes = torch.tensor([0, 2, 1, 1])
    images = generator(torch.randn(4, 3), classes)
    assert images.shape == (4, shape[2] if len(shape) == 3 else 1, *shape[:2])
    assert images.abs().max() <= 1
    assert discriminator(images, classes).shape == (4,)
    assert len(generator.blocks) == times
    assert [*generator.start[1:]] == [side // 2**times for side in shape[:2]]


def test_at_64_pixels_they_have_the_channels_of_the_paper_and_attend_at_32() -> None:
    """BigGAN-PyTorch, G_arch and D_arch of 64 x 64 pixels with ch = 32."""
    generator, discriminator = Imagegan(latent=128, width=32).networks((64, 64, 3), 2)
    assert generator.start == (512, 4, 4)
    second = [v for name, v in generator.state_dict().items() if name.endswith("two.parametrizations.weight.original")]
    assert [len(weights) for weights in second] == [512, 256, 128, 64]
    assert [isinstance(layer, Attention) for layer in generator.attention] == [False, False, True, False]
    layers = [*discriminator.features]
    assert [type(layer).__name__ for layer in layers] == ["Down", "Attention", *4 * ["Down"], "ReLU"]
    assert [layer.two.out_channels for layer in layers if hasattr(layer, "two")] == [32, 64, 128, 256, 512]


def test_a_network_without_classes_has_no_projection() -> None:
    assert TINY.networks((8, 8), 1)[1].project is None
    images, (zero, one) = torch.randn(5, 1, 8, 8), torch.tensor([[0], [1]]).expand(2, 5)
    _, discriminator = TINY.networks((8, 8), 2)
    discriminator.eval()
    assert not torch.equal(discriminator(images, zero), discriminator(images, one))
    features = discriminator.features(images).sum(dim=(2, 3))  # the classes differ by a product with a vector each
    assert discriminator.project is not None
    vectors = discriminator.project(torch.tensor([0, 1]))
    difference = discriminator(images, one) - discriminator(images, zero)
    torch.testing.assert_close(difference, features @ (vectors[1] - vectors[0]))


@pytest.mark.parametrize("shape", [(7, 7), (8, 6), (5,), (2, 8, 8, 3)])
def test_what_is_no_image_with_sides_that_are_multiples_of_4_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"generator imagegan: samples have shape .*multiples of 4"):
        TINY.train(noise_like(shape), 1, "cpu")


def test_every_weight_but_those_by_class_has_spectral_norm_1() -> None:
    torch.manual_seed(1)
    for network, least in zip(Imagegan(attention=8).networks((16, 16), 3), (12, 12), strict=True):
        inputs = torch.randn(2, 32) if isinstance(network, Generator) else torch.randn(2, 1, 16, 16)
        for _ in range(30):
            network(inputs, torch.tensor([0, 2]))
        state = applied(network.eval())
        weights = {name: value for name, value in state.items() if name.endswith("weight") and value.ndim > 1}
        normalised = [value for name, value in weights.items() if name.split(".")[-2] not in ("gain", "shift")]
        assert len(normalised) >= least
        for value in normalised:
            largest = np.linalg.svd(value.flatten(1).numpy(), compute_uv=False)[0]
            assert largest == pytest.approx(1, abs=0.02)


def test_the_state_without_spectral_normalisation_computes_the_same() -> None:
    torch.manual_seed(2)
    network = Generator((16, 16, 1), 3, 2, 3, 8)
    noise, classes = torch.randn(6, 3), torch.arange(6) % 3
    for _ in range(3):
        network(noise, classes)
    plain = Generator((16, 16, 1), 3, 2, 3, 8, spectral=False).eval()
    plain.load_state_dict(applied(network.eval()))
    torch.testing.assert_close(plain(noise, classes), network(noise, classes))


def test_pixels_are_pooled_and_repeated_as_by_the_layers_of_pytorch() -> None:
    x = torch.randn(2, 3, 4, 6)
    torch.testing.assert_close(halved(x), nn.AvgPool2d(2)(x))
    assert torch.equal(halved(x, largest=True), nn.MaxPool2d(2)(x))
    assert torch.equal(doubled(x), nn.UpsamplingNearest2d(scale_factor=2)(x))


@pytest.mark.parametrize("side", [3, 4])
def test_attention_is_a_weighted_mean_over_all_pixels(side: int) -> None:
    torch.manual_seed(3)
    layer, x = Attention(8, spectral=False), torch.randn(2, 8, side, side)
    assert torch.equal(layer(x), x)  # at first
    layer.gamma.data.fill_(0.5)
    pool = nn.MaxPool2d(2) if side % 2 == 0 else nn.Identity()
    query, key, value = layer.query(x), pool(layer.key(x)), pool(layer.value(x))
    for n in range(2):
        for i in range(side):
            for j in range(side):
                fits = torch.einsum("c,chw->hw", query[n, :, i, j], key[n])
                share = torch.exp(fits) / torch.exp(fits).sum()
                mean = torch.einsum("hw,chw->c", share, value[n])
                expected = x[n, :, i, j] + 0.5 * layer.output(mean[:, None, None])[:, 0, 0]
                torch.testing.assert_close(layer(x)[n, :, i, j], expected)


def test_classes_have_gains_and_shifts_of_their_own() -> None:
    layer, x = ClassNorm(2, 3), torch.randn(6, 2, 4, 4)
    layer.gain.weight.data[:] = torch.tensor([[0.0, 0.0], [1.0, 2.0], [0.0, -1.0]])
    layer.shift.weight.data[:] = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 7.0]])
    classes = torch.tensor([0, 0, 1, 1, 2, 2])
    y, normal = layer(x, classes), nn.BatchNorm2d(2, affine=False)(x)
    torch.testing.assert_close(y[:2], normal[:2])
    torch.testing.assert_close(y[2:4, 0], 2 * normal[2:4, 0] + 5)
    torch.testing.assert_close(y[2:4, 1], 3 * normal[2:4, 1])
    torch.testing.assert_close(y[4:, 1], torch.full((2, 4, 4), 7.0))


# Losses and the average


def test_hinge_loss() -> None:
    loss = hinge(torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-2.0, 0.0, 1.0]))
    assert loss.item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3)


def test_the_average_halves_what_is_old_from_its_first_step_on() -> None:
    """Weights 1, 2, 3, 4, 5, averaged after step 2: 2, then (2 + 3) / 2, (2.5 + 4) / 2, (3.25 + 5) / 2."""
    average = Average(nn.BatchNorm1d(1), decay=0.5, start=2)
    seen = []
    for step in range(1, 6):
        network = nn.BatchNorm1d(1)
        for value in network.state_dict().values():
            value.fill_(step)
        assert average.update(network.state_dict()) == step
        seen.append({name: value.item() for name, value in average.network.state_dict().items()})
    for name in ("weight", "bias", "running_mean", "running_var"):
        assert [one[name] for one in seen] == [1, 2, 2.5, 3.25, 4.125]
    assert [one["num_batches_tracked"] for one in seen] == [1, 2, 3, 4, 5]
    assert not average.network.training


def test_without_an_average_the_generator_is_as_it_was_last() -> None:
    """An average that leaves nothing of the past is the generator; so is one that has not begun."""
    x = noise_like((8, 8))
    last, unbegun = (
        TINY.model_copy(update=options).train(x, 1, "cpu") for options in ({"average_decay": 0.0}, {"average_from": 99})
    )
    for name, value in last.weights.items():
        np.testing.assert_allclose(value, unbegun.weights[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("times", [1, 3])
def test_the_discriminator_makes_so_many_steps_for_each_of_the_generator(times: int) -> None:
    memory = Memory(1)
    with pytest.raises(StoppedError):
        TINY.model_copy(update={"discriminator_steps": times}).train(noise_like((8, 8)), 1, "cpu", memory)
    assert memory.state is not None
    assert memory.state["parts/adam_d/0.step"] == times * memory.state["parts/adam_g/0.step"] == times
    assert memory.state["order"].shape == (12 // (4 * times), 4 * times)


def test_so_many_steps_are_made_and_the_last_pass_completed() -> None:
    for steps, passes in ((1, 1), (3, 1), (4, 2), (7, 3)):
        fitted = TINY.model_copy(update={"steps": steps}).train(noise_like((8, 8)), 1, "cpu")
        assert {name: len(losses) for name, losses in fitted.history.items()} == {
            "discriminator_hinge": passes,
            "generator_hinge": passes,
        }


# Classes


def test_it_learns_which_class_is_which() -> None:
    """Class 3 is black, class 7 white, three times as many of the first; no other number is a class."""
    label = np.where(np.arange(64) % 4 < 3, 3, 7)
    x = np.where(label == 3, -0.9, 0.9)[:, None, None] * np.ones((1, 8, 8))
    rates = {"learning_rate": 2e-3, "discriminator_rate": 4e-3}
    model = Imagegan(latent=4, width=4, steps=200, batch=16, average_from=100, average_decay=0.9, **rates)
    fitted = model.train(Samples(x.astype(np.float32), np.arange(64), label.astype(np.int32)), 1, "cpu")
    made = drawn(model, fitted.weights, 400)
    assert made.label is not None
    assert made.label.dtype == np.int32
    assert set(made.label.tolist()) == {3, 7}
    assert np.mean(made.label == 3) == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 400))
    brightness = made.x.mean(axis=(1, 2))
    assert brightness[made.label == 3].max() < -0.5
    assert brightness[made.label == 7].min() > 0.5


@given(st.lists(st.integers(-3, 4000), min_size=1, max_size=30))
def test_each_class_is_chosen_as_often_as_it_is_seen(label: list[int]) -> None:
    """Numbers in the middles of n equal intervals choose each class as often as it is among n samples."""
    n = len(label)
    known, which = Classes.among(np.array(label, dtype=np.int32), n)
    assert known.names is not None
    np.testing.assert_array_equal(known.names[which], label)
    noise = ((np.arange(n) + 0.5) / n).astype(np.float32)[:, None]
    assert known.names[known.chosen(noise)].tolist() == sorted(label)
    assert known.chosen(np.nextafter(np.ones((1, 1), dtype=np.float32), np.float32(0)))[0] == len(known.names) - 1


def test_without_labels_samples_have_none() -> None:
    fitted = TINY.train(noise_like((8, 8)), 1, "cpu")
    assert "classes" not in fitted.weights
    assert drawn(TINY, fitted.weights, 5).label is None


def test_the_labels_count_in_a_training() -> None:
    one, other = (TINY.train(noise_like((8, 8), label=label), 1, "cpu") for label in (6 * [0, 1], 6 * [0] + 6 * [1]))
    assert not same(one, other)


@pytest.mark.parametrize("label", [None, 4 * [0, 5, 9]])
def test_parts_change_no_byte(label: list[int] | None, tmp_path: Path) -> None:
    weights = TINY.train(noise_like((8, 8), label=label), 1, "cpu").weights
    whole, samples, parts = drawn(TINY, weights, 600), 600, 4  # of three blocks, so that one has nothing
    paths = []
    for part in range(parts):
        paths.append(tmp_path / f"{part}.parquet")
        write_samples(paths[-1], drawn(TINY, weights, samples, part_rows(samples, part, parts)))
    assert min(map(len, map(SampleRows, [[path] for path in paths]))) == 0
    read = read_samples(paths)
    assert read.x.tobytes() == whole.x.tobytes()
    assert (read.label is None) == (label is None)
    if read.label is not None and whole.label is not None:
        assert read.label.tobytes() == whole.label.tobytes()
        assert len(np.unique(read.label[:BLOCK])) == 3
        assert (read.label[:BLOCK] != read.label[BLOCK : 2 * BLOCK]).any()


def test_other_generators_know_no_classes() -> None:
    model = Dcgan(latent=3, width=2, epochs=1, batch=4)
    assert model.labels({}, model.noise(3, {}, derive_rng(1))) is None


# Truncation


@pytest.mark.parametrize("gan", [Imagegan, Dcgan])
def test_what_is_kept_of_the_latent_is_the_share_within_the_truncation(gan: type[Imagegan | Dcgan]) -> None:
    whole, cut = gan(), gan(truncation=0.5)
    assert whole.latent_kept == 1
    assert cut.latent_kept == pytest.approx(stats.norm.cdf(0.5) - stats.norm.cdf(-0.5))
    latent = np.abs(cut.noise(500, {}, derive_rng(3))[:, -cut.latent :])
    assert latent.max() <= 0.5 < np.abs(whole.noise(500, {}, derive_rng(3))).max()
    assert architecture(cut, (8, 8)) == architecture(whole, (8, 8))


@pytest.mark.parametrize("truncation", [0.3, 1.0, 2.0])
def test_the_truncated_noise_is_a_truncated_gaussian(truncation: float) -> None:
    noise = Imagegan(truncation=truncation).noise(2000, {}, derive_rng(4))
    assert noise.shape == (2000, 33)
    latent = noise[:, 1:]
    assert np.abs(latent).max() <= np.float32(truncation)
    assert stats.kstest(latent.ravel(), stats.truncnorm(-truncation, truncation).cdf).pvalue > 0.01
    assert stats.kstest(noise[:, 0], "uniform").pvalue > 0.01  # classes are chosen as before


def test_without_truncation_it_is_gaussian_and_the_first_draw_of_the_truncated_one() -> None:
    whole, cut = (Imagegan(truncation=limit).noise(500, {}, derive_rng(5)) for limit in (None, 1.5))
    assert stats.kstest(whole[:, 1:].ravel(), "norm").pvalue > 0.01
    inside = np.abs(whole[:, 1:]) <= 1.5
    np.testing.assert_array_equal(cut[:, 1:][inside], whole[:, 1:][inside])
    np.testing.assert_array_equal(cut[:, 0], whole[:, 0])


def test_truncation_changes_samples_and_no_training() -> None:
    x, cut = noise_like((8, 8)), TINY.model_copy(update={"truncation": 0.1, "checkpoint": "best"})
    best = TINY.model_copy(update={"checkpoint": "best"})
    one, other = (model.train(x, 1, "cpu", None, noise_like((8, 8), 9)) for model in (best, cut))
    assert same(one, other)
    assert architecture(best, (8, 8)) == architecture(cut, (8, 8)) != architecture(TINY, (8, 8))
    told = [model.model_dump_json(exclude=set(model.outside_training)) for model in (best, cut)]  # to the step
    assert told[0] == told[1]
    assert np.ptp(drawn(cut, one.weights, 300).x, axis=0).sum() < np.ptp(drawn(best, one.weights, 300).x, axis=0).sum()


# The best epoch


def test_the_first_of_the_nearest_epochs_is_kept() -> None:
    distances = iter([3.0, 1.0, 2.0, 1.0, float("inf")])
    best, network = BestEpoch(nn.Linear(1, 1), 7, lambda generator: next(distances)), nn.Linear(1, 1)
    for epoch in (1, 3, 4, 6, 7):
        network.weight.data.fill_(epoch)
        best.consider(network, epoch)
    assert best.generator.state_dict()["weight"].item() == 3
    history = best.history()
    np.testing.assert_array_equal(history["fid"], [3, np.nan, 1, 2, np.nan, 1, np.inf])
    np.testing.assert_array_equal(history["kept"], [0, 0, 1, 0, 0, 0, 0])
    assert history_columns(history)["fid"].tolist() == [3, None, 1, 2, None, 1, np.inf]


@pytest.mark.parametrize(
    ("every", "distances", "kept"),
    [(1, [5.0, 2.0, 3.0, 4.0, 9.0], 2), (2, [5.0, 2.0, 3.0], 4), (2, [3.0, 2.0, 1.0], 5), (9, [7.0], 5)],
)
def test_a_training_that_gets_worse_ends_as_it_was_at_its_best(
    every: int, distances: list[float], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three batches an epoch: the weights are those of a training of `kept` epochs."""
    planted = iter(distances)
    monkeypatch.setattr(Yardstick, "distance", lambda self, x: next(planted))
    x, best = noise_like((8, 8), label=6 * [2, 4]), {"checkpoint": "best", "every": every, "steps": 15}
    found = TINY.model_copy(update=best).train(x, 1, "cpu", None, noise_like((8, 8), 9))
    expected = TINY.model_copy(update={"steps": 3 * kept}).train(x, 1, "cpu")
    assert found.weights.keys() == expected.weights.keys()
    for name, value in expected.weights.items():
        assert found.weights[name].tobytes() == value.tobytes(), name
    assert np.flatnonzero(found.history["kept"]).tolist() == [kept - 1]
    assert found.history["fid"][np.isfinite(found.history["fid"])].tolist() == distances


def test_what_is_measured_is_the_average_on_the_same_noise_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[NDArray[np.float32]] = []

    def distance(self: Yardstick, x: NDArray[np.float32]) -> float:
        seen.append(x)
        return float(len(seen))

    monkeypatch.setattr(Yardstick, "distance", distance)
    model = TINY.model_copy(update={"checkpoint": "best"})
    fitted = model.train(noise_like((8, 8)), 5, "cpu", None, noise_like((8, 8), 9))
    assert [len(x) for x in seen] == [9, 9]
    noise = model.noise(9, {}, derive_rng(5, "validation"))
    np.testing.assert_array_equal(seen[0], model.generate(fitted.weights, noise, (8, 8), "cpu"))


def test_the_distance_is_that_of_gaussians_in_the_principal_components() -> None:
    rng = derive_rng(6)
    real, other = (rng.normal(size=(n, 10, 10)).astype(np.float32) for n in (500, 300))
    yardstick = Yardstick(Samples(real, np.arange(500)))
    assert yardstick.images == 500
    centred = flatten(real) - flatten(real).mean(axis=0)
    axes = np.linalg.svd(centred.astype(np.float64))[2][:64]
    expected = frechet_distance(flatten(real) @ axes.T, flatten(other) @ axes.T)
    assert yardstick.distance(other) == pytest.approx(expected, rel=1e-4)
    assert yardstick.distance(real) == pytest.approx(0, abs=1e-5)
    shifted = real + 0.5 * axes[0].reshape(10, 10).astype(np.float32)
    assert yardstick.distance(shifted) == pytest.approx(0.25, rel=1e-3)
    assert yardstick.distance(np.full_like(real, np.nan)) == float("inf")


def test_few_or_small_images_have_fewer_components_and_many_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert np.isfinite(Yardstick(noise_like((4, 4), 5)).distance(noise_like((4, 4), 7).x))
    monkeypatch.setattr(best_epoch, "MOST", 100)
    assert Yardstick(noise_like((4, 4), 5000)).images <= 128


def test_the_best_epoch_needs_samples_to_find_it() -> None:
    assert not TINY.validated
    model = TINY.model_copy(update={"checkpoint": "best"})
    assert model.validated
    with pytest.raises(ValueError, match="validation"):
        model.train(noise_like((8, 8)), 1, "cpu")


def test_layers_of_another_version_are_told() -> None:
    weights = TINY.train(noise_like((8, 8)), 1, "cpu").weights
    with pytest.raises(UserError, match="the weights of generator are not those of this version's layers"):
        TINY.model_copy(update={"width": 3}).generate(weights, TINY.noise(2, {}, derive_rng(1)), (8, 8), "cpu")
