from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stopping import Memory, StoppedError, same
from torch import nn

from gancensus.contracts.errors import UserError
from gancensus.contracts.fitting import Fitted
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples, Scale
from gancensus.domains.points.ensemble import Dense, Discriminator, RandomStreams, generator
from gancensus.domains.points.generator_toygan import Points, Toygan

TINY = Toygan(train_size=12, latent=3, generator_width=5, discriminator_width=6, steps=6, batch=4)
SCALE = 16.0


def table(points: NDArray[Any], first: int = 0) -> Samples:
    """Points (R, n, d) as a source has them: the repetitions take turns."""
    members, n, d = points.shape
    x = (points / SCALE).transpose(1, 0, 2).reshape(-1, d).astype(np.float32)
    repetition = first + np.arange(n * members) % members
    scale = Scale(("x",) * d, ("1",) * d, (-SCALE,) * d, (SCALE,) * d)
    return Samples(
        x, np.arange(len(x)), None, scale, {"repetition": repetition.astype(np.float32)}, {"repetition": "1"}
    )


def humps(members: int = 3, n: int = 12, d: int = 1) -> NDArray[np.float64]:
    rng = derive_rng(1, members, n, d)
    points: NDArray[np.float64] = rng.normal(size=(members, n, d)) + rng.choice([-4.0, 4.0], size=(members, n, 1))
    return points


def only(samples: Samples, repetition: float) -> Samples:
    return samples.take(samples.conditions["repetition"] == repetition)


def drawn(model: Toygan, fitted: Fitted, repetition: NDArray[Any], d: int = 1) -> NDArray[np.float64]:
    """Return natural points (n, d) of members."""
    noise = model.noise(len(repetition), {"repetition": repetition.astype(np.float32)}, derive_rng(3))
    x = model.generate(fitted.weights, noise, (d,), "cpu")
    return SCALE * x.astype(np.float64)


# The layers


def test_layers_are_those_of_each_member_alone() -> None:
    """Against networks of PyTorch with a member's weights; the batch's mean by hand."""
    streams = RandomStreams([1, 2, 3])
    make, judge = generator(4, 5, 2, 2, streams), Discriminator(2, 6, 2, streams)
    with torch.no_grad():
        for value in [*make.parameters(), *judge.parameters()]:
            value.add_(streams.normal(*value.shape[1:]), alpha=0.3)  # biases, too
        z = streams.normal(7, 4)
        x = make(z)
        logits = judge(torch.stack([x, x + 1], dim=1))[:, 0]
        for r in range(3):

            def dense(layer: nn.Module, inputs: torch.Tensor, r: int = r) -> torch.Tensor:
                assert isinstance(layer, Dense)
                return nn.functional.linear(inputs, layer.weight[r].T, layer.bias[r, 0])

            first, _, second, _, last = make
            leaky = nn.LeakyReLU(0.1)
            torch.testing.assert_close(x[r], dense(last, leaky(dense(second, leaky(dense(first, z[r]))))))
            features = dense(judge.features[2], dense(judge.features[0], x[r]).tanh()).tanh()
            both = torch.cat([features, features.mean(dim=0).expand(7, -1)], dim=1)
            weight = torch.cat([judge.own.weight[r], judge.batch.weight[r]])
            hidden = (both @ weight + judge.own.bias[r] + judge.batch.bias[r]).tanh()
            torch.testing.assert_close(logits[r], hidden @ judge.logit[r, 0])


def test_initial_weights_keep_the_size_of_what_passes() -> None:
    layer = Dense(400, 300, RandomStreams([1, 2]))
    assert layer.weight.std().item() == pytest.approx(math.sqrt(1.5 / 400), rel=0.02)
    assert not layer.bias.any()
    assert not torch.equal(layer.weight[0], layer.weight[1])


def test_dice_of_a_member_do_not_depend_on_the_others() -> None:
    three, one = RandomStreams([5, 6, 7]), RandomStreams([6])
    for _ in range(2):
        assert torch.equal(three.normal(4, 2)[1], one.normal(4, 2)[0])
    state = three.state_dict()
    numbers = three.normal(3)
    three.load_state_dict(state)
    assert torch.equal(three.normal(3), numbers)
    with pytest.raises(ValueError, match="shorter"):
        three.load_state_dict(one.state_dict())


def test_depths_count_hidden_layers() -> None:
    make, judge, _ = Toygan(generator_depth=3, discriminator_depth=4).networks(2, [0])
    assert sum(isinstance(layer, Dense) for layer in make.modules()) == 3 + 1
    assert sum(isinstance(layer, Dense) for layer in judge.features) == 4 - 1


# Members


@pytest.mark.parametrize("d", [1, 2])
def test_a_member_is_what_it_would_be_alone(d: int) -> None:
    """To the rounding of 30 steps; beside it, the same number of steps changes weights by a hundred times as much."""
    model = TINY.model_copy(update={"steps": 30})
    samples = table(humps(5, d=d))
    together = model.train(samples, 1, "cpu")
    alone = [model.train(only(samples, r), 1, "cpu") for r in range(5)]
    for name in together.weights.keys() - {"scale"}:
        expected = np.concatenate([fitted.weights[name] for fitted in alone])
        np.testing.assert_allclose(together.weights[name], expected, rtol=1e-4, atol=1e-4)
    for name, losses in together.history.items():
        np.testing.assert_allclose(losses, np.mean([fitted.history[name] for fitted in alone], axis=0), rtol=1e-4)
    start = TINY.model_copy(update={"steps": 1}).train(samples, 1, "cpu").weights["generator.0.weight"]
    assert np.abs(together.weights["generator.0.weight"] - start).mean() > 0.01


def test_a_change_of_one_repetition_changes_its_member_alone() -> None:
    points = humps(3)
    before = TINY.train(table(points), 1, "cpu").weights
    points[1] += 1
    after = TINY.train(table(points), 1, "cpu").weights
    for name in before.keys() - {"repetition", "scale"}:
        np.testing.assert_array_equal(before[name][[0, 2]], after[name][[0, 2]])
        assert not np.array_equal(before[name][1], after[name][1]), name


def test_the_same_data_make_other_members_by_their_seeds() -> None:
    same = np.repeat(humps(1), 2, axis=0)
    weights = TINY.train(table(same), 1, "cpu").weights["generator.0.weight"]
    assert not np.array_equal(weights[0], weights[1])


def test_batches_are_the_first_points_of_each_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of sample_id, in natural units over `unit`, whatever the order of the rows."""
    points, seen = humps(3, n=20, d=2), []
    samples = table(points, first=4)
    shuffled = samples.take(derive_rng(2).permutation(len(samples)))
    original = Points.__getitem__

    def spy(held: Points, rows: torch.Tensor) -> torch.Tensor:
        seen.append(held.values)
        return original(held, rows)

    monkeypatch.setattr(Points, "__getitem__", spy)
    fitted = TINY.train(shuffled, 1, "cpu")
    np.testing.assert_allclose(seen[0], points[:, :12] / 4, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(fitted.weights["repetition"], [4, 5, 6])
    held = Points(torch.arange(24.0).reshape(2, 6, 2))
    assert torch.equal(held[torch.tensor([5, 0])], held.values[:, [5, 0]])


# The schedule


def test_noise_falls_to_its_floor_at_half_of_the_training() -> None:
    noise = [Toygan(noise_start=1.0, noise_floor=0.2)._noise(done) for done in (0, 0.25, 0.5, 0.9)]
    assert noise == pytest.approx([1.0, 0.6, 0.2, 0.2])


def test_learning_rate_falls_after_a_while_and_the_discriminator_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    original = torch.optim.Adam.step

    def spy(adam: torch.optim.Adam) -> None:
        rates.append(adam.param_groups[0]["lr"])
        original(adam)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    TINY.model_copy(update={"steps": 30, "learning_rate": 0.01}).train(table(humps()), 1, "cpu")
    discriminator, made = np.reshape(rates, (30, 2)).T
    np.testing.assert_allclose(discriminator, 2 * made)
    np.testing.assert_allclose(made[:10], 0.01)
    np.testing.assert_allclose(made[[9, 16, 23, 29]], [0.01, 0.01 * 14 / 21, 0.01 * 7 / 21, 0.01 / 21])


def test_steps_are_completed_to_a_whole_pass() -> None:
    """Of three batches of 4 points."""
    assert [len(TINY.model_copy(update={"steps": k}).train(table(humps()), 1, "cpu").history["generator"])
            for k in (1, 3, 4)] == [1, 1, 2]  # fmt: skip


def test_batches_are_at_most_half_of_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    original = Points.__getitem__

    def spy(held: Points, rows: torch.Tensor) -> torch.Tensor:
        sizes.append(len(rows))
        return original(held, rows)

    monkeypatch.setattr(Points, "__getitem__", spy)
    for batch in (4, 50):
        TINY.model_copy(update={"batch": batch, "steps": 1}).train(table(humps()), 1, "cpu")
    assert sizes == [4, 4, 4, 6, 6]


def test_without_a_penalty_the_training_is_another() -> None:
    free, held = (TINY.model_copy(update={"penalty": p}).train(table(humps()), 1, "cpu") for p in (0.0, 0.1))
    assert not np.array_equal(free.weights["discriminator.logit"], held.weights["discriminator.logit"])


# Sameness


def test_a_seed_gives_the_same_weights_and_another_does_not() -> None:
    first, again, other = (TINY.train(table(humps()), seed, "cpu") for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)
    assert list(first.history) == ["discriminator", "generator"]
    assert all(losses.shape == (2,) and np.isfinite(losses).all() for losses in first.history.values())


def test_stopped_after_any_batch_it_goes_on_to_the_same_bits() -> None:
    """Nine batches: while the noise falls, the learning rate falls, and the weights are averaged (the last three)."""
    model = TINY.model_copy(update={"steps": 9})
    train = partial(model.train, table(humps()), 1, "cpu")
    whole = train()
    for batch in range(1, 10):
        checkpoint = Memory(batch)
        assert same(checkpoint.run(train), whole), f"stopped after batch {batch}"
        assert checkpoint.batches == 9  # none twice, so that it did not start anew


def test_a_state_of_other_members_is_not_gone_on_with() -> None:
    checkpoint = Memory(2)
    with pytest.raises(StoppedError):
        TINY.train(table(humps(2)), 1, "cpu", checkpoint)
    assert same(TINY.train(table(humps(3)), 1, "cpu", checkpoint), TINY.train(table(humps(3)), 1, "cpu"))


def test_training_leaves_the_samples_alone() -> None:
    samples = table(humps())
    samples.x.flags.writeable = False
    before = samples.x.copy()
    TINY.train(samples, 1, "cpu")
    np.testing.assert_array_equal(samples.x, before)


# Generating


def test_noise_begins_with_the_repetition() -> None:
    repetition = np.arange(3000, dtype=np.float32) % 7
    noise = TINY.noise(3000, {"repetition": repetition}, derive_rng(2))
    assert noise.shape == (3000, 4)
    assert noise.dtype == np.float32
    np.testing.assert_array_equal(noise[:, 0], repetition)
    np.testing.assert_allclose(np.cov(noise[:, 1:].T), np.eye(3), atol=0.12)


@pytest.mark.parametrize("d", [1, 3])
def test_each_point_comes_from_the_member_of_its_repetition(d: int) -> None:
    """Against members that were trained alone, in any order, some not at all; and against the layers by hand."""
    samples = table(humps(4, d=d), first=2)
    fitted = TINY.train(samples, 1, "cpu")
    repetition = derive_rng(5).permutation(np.repeat([5.0, 2.0, 4.0], [20, 3, 9]))
    points = drawn(TINY, fitted, repetition, d)
    assert points.shape == (32, d)
    assert len(np.unique(points)) == 32 * d
    noise = TINY.noise(32, {"repetition": repetition.astype(np.float32)}, derive_rng(3))
    weights = {name: torch.from_numpy(value) for name, value in fitted.weights.items()}
    for k, r in enumerate(repetition.astype(int) - 2):
        x = torch.from_numpy(noise[k, 1:])
        for layer in (0, 2, 4):
            x = x @ weights[f"generator.{layer}.weight"][r] + weights[f"generator.{layer}.bias"][r, 0]
            x = nn.functional.leaky_relu(x, 0.1) if layer < 4 else x
        np.testing.assert_allclose(points[k], 4 * x, rtol=1e-4, atol=1e-5)


def test_points_do_not_depend_on_the_scale_of_the_samples() -> None:
    samples = table(humps())
    scale = Scale(("x",), ("1",), (-8.0,), (24.0,))
    other = replace(samples, x=scale.encode(samples.natural()), scale=scale)
    noise = TINY.noise(9, {"repetition": np.arange(9, dtype=np.float32) % 3}, derive_rng(3))
    one, two = (TINY.generate(TINY.train(s, 1, "cpu").weights, noise, (1,), "cpu") for s in (samples, other))
    np.testing.assert_allclose(16 * one, scale.decode(two), atol=1e-3)


def test_generating_is_a_function_of_weights_and_noise() -> None:
    fitted = TINY.train(table(humps()), 1, "cpu")
    noise = TINY.noise(40, {"repetition": np.arange(40, dtype=np.float32) % 3}, derive_rng(2))
    x = TINY.generate(fitted.weights, noise, (1,), "cpu")
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, TINY.generate(fitted.weights, noise, (1,), "cpu"))
    np.testing.assert_allclose(x[30:37], TINY.generate(fitted.weights, noise[30:37], (1,), "cpu"), rtol=1e-4, atol=1e-6)


# What is refused


def test_what_has_no_repetition_is_refused() -> None:
    samples = replace(table(humps()), conditions={})
    for call in (lambda: TINY.train(samples, 1, "cpu"), lambda: TINY.noise(3, {}, derive_rng(1))):
        with pytest.raises(UserError, match=r"generator toygan: .*no condition repetition; use a source") as error:
            call()
        assert "\n" not in str(error.value)


def test_too_few_points_say_how_many() -> None:
    samples = table(humps(3)).take(slice(0, -1))
    with pytest.raises(UserError, match=r"toygan: 11 training points of repetition 2, and 12 are learned from; lower"):
        TINY.train(samples, 1, "cpu")
    with pytest.raises(UserError, match=r"0 training points of repetition 0"):
        TINY.train(samples.take(slice(0, 0)), 1, "cpu")


def test_images_are_refused() -> None:
    samples = replace(table(humps()), x=np.zeros((36, 2, 2), dtype=np.float32), scale=None)
    with pytest.raises(UserError, match=r"generator toygan: samples have shape \(2, 2\); it learns points"):
        TINY.train(samples, 1, "cpu")


def test_a_repetition_that_was_not_trained_is_refused() -> None:
    fitted = TINY.train(table(humps(2)), 1, "cpu")
    with pytest.raises(UserError, match="nothing was trained for repetition 7; `train` needs `train_size` samples"):
        drawn(TINY, fitted, np.array([0.0, 7.0]))


# Learning


def test_members_learn_where_their_own_points_are() -> None:
    """Planted: three humps at other places, of other widths."""
    places, widths = np.array([-5.0, 0.0, 6.0]), np.array([0.5, 1.0, 1.5])
    points = places[:, None, None] + widths[:, None, None] * derive_rng(7).normal(size=(3, 60, 1))
    model = Toygan(train_size=60, steps=600, batch=30, generator_width=16, discriminator_width=16, noise_floor=0.1)
    repetition = np.repeat(np.arange(3.0), 500)
    x = drawn(model, model.train(table(points), 1, "cpu"), repetition).reshape(3, 500)
    np.testing.assert_allclose(x.mean(axis=1), points.mean(axis=(1, 2)), atol=0.6)
    assert np.all(np.diff(x.std(axis=1)) > 0.1)
