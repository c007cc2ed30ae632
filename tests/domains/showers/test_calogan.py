from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stopping import Memory, same
from torch import nn
from torch.nn import functional

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.contracts.showers import UNITS, measured_angle, shower_scale
from gancensus.domains.showers import calogan_networks
from gancensus.domains.showers.calogan_batches import Showers
from gancensus.domains.showers.generator_calogan import Calogan

GRID = (7, 6, 5)
TINY = Calogan(latent=6, coarsen=5, epochs=2, batch=4)


def showers(n: int = 14, end: float = 256.0, shape: tuple[int, ...] = GRID) -> Samples:
    """Sparse showers whose sum is 2 % of the energy, in no particular shape."""
    rng = derive_rng(1, *shape)
    energy, angle = rng.uniform(100, 200, n).astype(np.float32), rng.uniform(1, 2, n).astype(np.float32)
    cells = rng.exponential(size=(n, *shape)) * (rng.random((n, *shape)) < 0.2)
    cells *= (0.02 * energy / cells.sum(axis=(1, 2, 3)))[:, None, None, None]
    conditions = {"energy": energy, "angle": angle}
    return Samples((cells / end).astype(np.float32), np.arange(n), None, shower_scale(end), conditions, UNITS)


def keras_parameters(network: nn.Module) -> int:
    """Count weights as Keras does: with the running mean and variance of a batch normalisation."""
    return sum(value.numel() for name, value in network.state_dict().items() if not name.endswith("tracked"))


def shapes(network: nn.Module, inputs: torch.Tensor, kind: type[nn.Module]) -> list[tuple[int, ...]]:
    """Return what comes out of each layer of a kind, for one sample."""
    seen: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, kind):
            layer.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[1:])))
    with torch.no_grad():
        network.eval()(inputs)
    return seen


# The layers


def test_full_grid_has_the_layers_of_the_original() -> None:
    """Sizes and numbers of parameters as Keras prints them."""
    generator, discriminator = Calogan().networks((51, 51, 25))
    assert (keras_parameters(generator), keras_parameters(discriminator)) == (1_365_047, 87_402)
    assert shapes(generator, torch.randn(1, 256), nn.Upsample) == [(8, 54, 54, 48)]
    assert shapes(generator, torch.randn(1, 256), nn.Conv3d) == [
        (8, 49, 49, 41),
        (6, 50, 50, 38),
        (6, 51, 51, 35),
        (6, 52, 52, 32),
        (6, 52, 52, 28),
        (6, 52, 52, 26),
        (1, 51, 51, 25),
    ]
    image = torch.zeros(1, 1, 51, 51, 25)
    sizes = [(16, 51, 51, 25), (8, 47, 46, 22), (8, 43, 41, 19), (8, 39, 36, 14)]
    assert shapes(discriminator, image, nn.Conv3d) == sizes
    assert shapes(discriminator, image, nn.Flatten) == [(19_152,)]
    kernels = [layer.kernel_size for layer in generator if isinstance(layer, nn.Conv3d)]
    assert kernels == [(6, 6, 8), *3 * [(4, 4, 6)], (3, 3, 5), (3, 3, 3), (2, 2, 2)]
    pads = [layer.padding for layer in generator if isinstance(layer, nn.ConstantPad3d)]
    assert pads == [*3 * [(1, 1, 2, 2, 2, 2)], *2 * [(0, 0, 1, 1, 1, 1)]]  # z first, both ends


def test_order_of_the_layers() -> None:
    """The generator normalises what is rectified, in its first five blocks; the discriminator not in its first."""
    names = [
        "".join(type(layer).__name__[0] for layer in network if not isinstance(layer, nn.ConstantPad3d | nn.Unflatten))
        for network in Calogan().networks((51, 51, 25))
    ]
    assert names == ["LU" + 5 * "CRB" + "CRCR", "CLD" + 3 * "CLBD" + "PFL"]


def test_initial_weights_are_those_of_keras() -> None:
    generator, discriminator = Calogan().networks((51, 51, 25))
    dense, first, *_, last = [layer for layer in generator if isinstance(layer, nn.Linear | nn.Conv3d)]
    for layer, bound in ((dense, math.sqrt(6 / (256 + 5184))), (first, math.sqrt(6 / (8 * 6 * 6 * 8)))):
        assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
        assert not dict(layer.named_parameters())["bias"].any()
    assert last.weight.std().item() == pytest.approx(math.sqrt(2 / (48 + 8)), rel=0.4)
    second = [layer for layer in discriminator if isinstance(layer, nn.Conv3d)][1]
    assert second.weight.std().item() == pytest.approx(math.sqrt(1 / (16 * 5 * 6 * 6)), rel=0.02)
    assert second.weight.abs().max().item() < 2.3 * math.sqrt(1 / (16 * 5 * 6 * 6))


@given(st.tuples(*3 * [st.integers(5, 14)]), st.integers(3, 6))
def test_any_grid_comes_out_as_it_went_in(shape: tuple[int, ...], coarsen: int) -> None:
    generator, discriminator = Calogan(latent=3, coarsen=coarsen).networks(shape)
    image = generator(torch.randn(2, 3))
    assert image.shape == (2, 1, *shape)
    assert discriminator(image).shape == (2, 2)


def test_on_a_coarse_grid_the_dense_layer_stays() -> None:
    """17 x 17 x 9 cells are 51 x 51 x 25, three joined along each axis: 9 x 9 x 8 is doubled instead of six-folded."""
    generator, _ = Calogan(coarsen=3).networks((17, 17, 9))
    assert generator[0].out_features == 9 * 9 * 8 * 8
    assert shapes(generator, torch.randn(1, 256), nn.Upsample) == [(8, 18, 18, 16)]


# What is refused


@pytest.mark.parametrize("shape", [(17, 17), (17,), (17, 17, 9, 1)])
def test_what_is_no_grid_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"generator calogan: samples have shape .*cells along x, y and z"):
        TINY.networks(shape)


def test_a_grid_that_is_too_small_says_what_would_do() -> None:
    with pytest.raises(UserError, match=r"shape \(13, 17, 13\), .*`coarsen` 1 need 14 x 17 x 13 cells.*raise") as error:
        Calogan().networks((13, 17, 13))
    assert "\n" not in str(error.value)
    Calogan().networks((14, 17, 13))


@pytest.mark.parametrize("missing", ["energy", "angle"])
def test_showers_need_their_conditions(missing: str) -> None:
    samples = showers()
    samples = replace(samples, conditions={k: v for k, v in samples.conditions.items() if k != missing})
    with pytest.raises(UserError, match=f"generator calogan: the samples have no condition {missing};"):
        TINY.train(samples, 1, "cpu")
    with pytest.raises(UserError, match=f"no condition {missing};"):
        TINY.noise(14, samples.conditions, derive_rng(1))


def test_samples_in_other_units_are_refused() -> None:
    """All showers of less than 10 MeV: of 14, none is left to train on."""
    with pytest.raises(UserError, match=r"0 of 14 showers deposit more than 0.01 GeV; cells need to be in GeV"):
        TINY.train(replace(showers(), x=np.full((14, *GRID), 1e-5 / 256, dtype=np.float32)), 1, "cpu")


def test_empty_showers_end_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(generator: nn.Sequential, discriminator: nn.Sequential) -> None:
        last = [layer for layer in generator if isinstance(layer, nn.Conv3d)][-1]
        for value in last.parameters():
            nn.init.constant_(value, -100.0)

    monkeypatch.setattr(calogan_networks, "initialise", dead)
    with pytest.raises(UserError, match=r"every shower of a batch came out empty.*lower `learning_rate`") as error:
        TINY.train(showers(), 1, "cpu")
    assert "\n" not in str(error.value)


# What is trained on


@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_batches_are_the_showers_in_gev_to_the_power(threshold: float) -> None:
    samples = showers(90)
    samples.x[[3, 40]] = 0
    samples.x[5] *= 0.001  # 2 to 4 MeV
    held = Showers.of(samples, threshold, 0.85, torch.device("cpu"))
    kept = np.delete(np.arange(90), [3, 5, 40])
    assert len(held) == 87
    rows = torch.tensor([86, 0, 7, 3])
    cells = samples.natural()[kept[rows]]
    cells[cells < threshold] = 0
    batch = held[rows]
    assert batch.image.dtype == torch.float32
    np.testing.assert_allclose(batch.image[:, 0], cells**0.85, rtol=1e-6)
    np.testing.assert_array_equal(batch.energy, samples.conditions["energy"][kept[rows]])
    np.testing.assert_array_equal(batch.angle, samples.conditions["angle"][kept[rows]])


def test_heads_are_measured_in_gev() -> None:
    """Against a count cell by cell, with the bins of the original written out."""
    samples = showers(20)
    cells = samples.natural() / 8  # so that every bin has some
    heads = TINY.measured(torch.tensor(cells[:, None] ** 0.85))
    edges = [(0.05, np.inf), (0.03, 0.05), (0.02, 0.03), (0.0125, 0.02), (0.008, 0.0125), (0.003, 0.008), (0, 0.003)]
    for k, shower in enumerate(cells):
        values = shower.ravel().tolist()
        counts = [sum(low < value < high for value in values) for low, high in edges] + [values.count(0.0)]
        assert heads.counts[k].tolist() == counts
    assert (heads.counts.sum(dim=0) > 0).all()
    np.testing.assert_allclose(heads.ecal, cells.sum(axis=(1, 2, 3)), rtol=1e-9)
    np.testing.assert_allclose(heads.angle, measured_angle(cells), rtol=1e-9)


def test_labels_are_flipped_for_the_discriminator_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4 losses per batch the first is of real showers, the second of generated ones, the others the generator's."""
    labels: list[float] = []
    original = functional.binary_cross_entropy_with_logits

    def spy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        labels.append(target.mean().item())
        return original(logits, target)

    monkeypatch.setattr(functional, "binary_cross_entropy_with_logits", spy)
    Calogan(latent=3, coarsen=6, epochs=10, batch=200).train(showers(200, shape=(5, 5, 5)), 1, "cpu")
    real, fake, *generator = np.reshape(labels, (10, 4)).T
    assert np.all(generator == np.ones((2, 10)))
    error = math.sqrt(0.05 * 0.95 / 2000)
    assert 1 - real.mean() == pytest.approx(0.05, abs=4 * error)
    assert fake.mean() == pytest.approx(0.05, abs=4 * error)


def test_the_networks_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """For each batch two steps of the discriminator, then two of the generator, by Keras' RMSprop."""
    turns: list[int] = []
    original = torch.optim.RMSprop.step

    def spy(optimiser: torch.optim.RMSprop) -> None:
        (group,) = optimiser.param_groups
        assert (group["lr"], group["alpha"], group["eps"], group["momentum"]) == (1e-3, 0.9, 1e-7, 0)
        turns.append(sum(value.numel() for value in group["params"]))
        original(optimiser)

    monkeypatch.setattr(torch.optim.RMSprop, "step", spy)
    TINY.train(showers(8), 1, "cpu")
    generator, discriminator = (sum(v.numel() for v in net.parameters()) for net in TINY.networks(GRID))
    assert turns == 4 * [discriminator, discriminator, generator, generator]


# Sameness


def test_a_seed_gives_the_same_weights_and_another_does_not() -> None:
    first, again, other = (TINY.train(showers(), seed, "cpu") for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)
    assert list(first.history) == ["discriminator", "generator", "energy", "angle", "ecal", "counts"]
    assert all(losses.shape == (2,) and np.isfinite(losses).all() for losses in first.history.values())


def test_stopped_after_any_batch_it_goes_on_to_the_same_bits() -> None:
    """Two epochs of three batches."""
    train = partial(TINY.train, showers(), 1, "cpu")
    whole = train()
    for batch in range(1, 7):
        checkpoint = Memory(batch)
        assert same(checkpoint.run(train), whole), f"stopped after batch {batch}"
        assert checkpoint.batches == 6  # none twice, so that it did not start anew


def test_training_leaves_the_samples_alone() -> None:
    samples = showers()
    samples.x.flags.writeable = False
    before = samples.x.copy()
    Calogan(latent=6, coarsen=5, epochs=1, batch=4, threshold=0.1).train(samples, 1, "cpu")
    np.testing.assert_array_equal(samples.x, before)


# Generating


def test_noise_begins_with_the_conditions() -> None:
    samples = showers(3000)
    noise = TINY.noise(3000, samples.conditions, derive_rng(2))
    assert noise.shape == (3000, 6)
    assert noise.dtype == np.float32
    np.testing.assert_allclose(noise[:, 0], samples.conditions["energy"] / 100, rtol=1e-6)
    np.testing.assert_array_equal(noise[:, 1], samples.conditions["angle"])
    np.testing.assert_allclose(noise[:, 2:].mean(axis=0), 0, atol=0.08)
    np.testing.assert_allclose(np.cov(noise[:, 2:].T), np.eye(4), atol=0.12)


def test_showers_come_out_in_gev_whatever_the_scale() -> None:
    """The same cells on a scale twice as long train the same weights, and x is half of what it was."""
    noise = TINY.noise(40, showers(40).conditions, derive_rng(2))
    short, long = (
        TINY.generate(TINY.train(showers(end=end), 1, "cpu").weights, noise, GRID, "cpu") for end in (256.0, 512.0)
    )
    assert short.shape == (40, *GRID)
    assert short.dtype == np.float32
    assert short.min() >= 0
    assert len(np.unique(short.reshape(40, -1), axis=0)) == 40
    np.testing.assert_array_equal(short, 2 * long)


def test_generating_is_a_function_of_weights_and_noise() -> None:
    """No dropout, no batch statistics: a shower does not depend on those beside it, but for rounding."""
    weights = TINY.train(showers(), 1, "cpu").weights
    noise = TINY.noise(40, showers(40).conditions, derive_rng(2))
    x = TINY.generate(weights, noise, GRID, "cpu")
    np.testing.assert_array_equal(x, TINY.generate(weights, noise, GRID, "cpu"))
    np.testing.assert_allclose(x[30:37], TINY.generate(weights, noise[30:37], GRID, "cpu"), rtol=1e-4, atol=1e-8)


# Learning


def test_it_learns_how_much_energy_showers_leave() -> None:
    """2 % of the energy; an untrained generator is far from it, and takes no notice of the energy."""
    x = np.zeros((128, 5, 5, 5), dtype=np.float32)
    real = showers(128, shape=(5, 5, 5))
    x[:, 2, 2, 1:4] = (0.02 / 256 * real.conditions["energy"])[:, None] * np.array([0.3, 0.5, 0.2], dtype=np.float32)
    model = Calogan(latent=4, coarsen=6, epochs=12, batch=8, learning_rate=2e-3)
    fitted = model.train(replace(real, x=x), 1, "cpu")
    noise = model.noise(128, real.conditions, derive_rng(4))
    cells = 256 * model.generate(fitted.weights, noise, (5, 5, 5), "cpu")
    share = cells.sum(axis=(1, 2, 3)) / real.conditions["energy"]
    assert share.mean() == pytest.approx(0.02, rel=0.4)
    assert share.std() < 0.2 * share.mean()
    assert fitted.history["ecal"][-1] < 0.6 * fitted.history["ecal"][0]
