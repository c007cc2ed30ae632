from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stopping import Memory, StoppedError, Train, same
from torch import nn

from gancensus.contracts.device import choose_device
from gancensus.contracts.errors import UserError
from gancensus.contracts.fitting import Checkpoint, Fitted, State
from gancensus.contracts.samples import Samples
from gancensus.domains.images.encoder_vae import Vae
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.images.generator_imagegan import Imagegan
from gancensus.domains.tables.generator_tabulargan import Tabulargan
from gancensus.training.loop import architecture, deterministic, history_columns, iterate, load_weights, weights_of


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """The caller's number of threads, to be found again after a training."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


# Device


@pytest.mark.parametrize(
    ("device", "cuda", "chosen"),
    [("cpu", True, "cpu"), ("auto", True, "cuda"), ("cuda", True, "cuda"), ("auto", False, "cpu")],
)
def test_device(device: str, cuda: bool, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gancensus.contracts.device.CDLL", lambda name: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert choose_device(device) == chosen


def test_without_a_driver_auto_is_the_processor_and_pytorch_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    def asked() -> bool:
        raise AssertionError

    monkeypatch.setattr("gancensus.contracts.device.CDLL", missing)
    monkeypatch.setattr(torch.cuda, "is_available", asked)
    assert choose_device("auto") == "cpu"


def test_cuda_without_a_gpu_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="device: cuda, but PyTorch finds no CUDA GPU here; set device to auto or cpu"):
        choose_device("cuda")
    with pytest.raises(UserError, match="no CUDA GPU"):
        Tabulargan(epochs=1).train(of(np.zeros((4, 2), dtype=np.float32)), 1, "cuda")


# Sameness


def test_inside_everything_is_fixed_and_outside_as_before() -> None:
    torch.manual_seed(5)
    expected = torch.rand(6)
    torch.manual_seed(5)
    draws = [torch.rand(2)]
    for seed in (1, 1, 2):
        with deterministic(seed):
            assert torch.get_num_threads() == 1
            assert torch.are_deterministic_algorithms_enabled()
            draws.append(torch.rand(2))
        assert torch.get_num_threads() == 2
        assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(draws[1], draws[2])
    assert not torch.equal(draws[1], draws[3])
    assert torch.equal(torch.cat([draws[0], torch.rand(4)]), expected)


def test_all_is_restored_after_a_failure() -> None:
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="oops"), deterministic(3):
        torch.rand(5)
        raise ValueError("oops")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 2
    assert not torch.are_deterministic_algorithms_enabled()


# The loop


@pytest.mark.parametrize(("n", "batch", "sizes"), [(10, 4, [4, 4]), (8, 4, [4, 4]), (3, 4, [3]), (4, 1, [1] * 4)])
def test_each_epoch_is_a_shuffle_in_full_batches(n: int, batch: int, sizes: list[int]) -> None:
    seen: list[list[float]] = []

    def step(rows: torch.Tensor) -> dict[str, float]:
        seen.append(rows[:, 0].tolist())
        return {"loss": float(len(seen)), "other": 2.0}

    with deterministic(1):
        history = iterate(torch.arange(float(n))[:, None], step, 5, batch, {})
    assert [len(rows) for rows in seen] == sizes * 5
    epochs = [list(chain(*seen[k : k + len(sizes)])) for k in range(0, len(seen), len(sizes))]
    assert all(len(set(rows)) == len(rows) for rows in epochs)
    assert len({tuple(rows) for rows in epochs}) > 1
    numbers = np.arange(1, len(seen) + 1).reshape(5, -1)
    np.testing.assert_array_equal(history["loss"], numbers.mean(axis=1))
    np.testing.assert_array_equal(history["other"], [2.0] * 5)


def test_progress_is_about_twenty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    iterate(torch.zeros(2, 1), lambda rows: {"loss": 0.5}, 100, 2, {})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[-1] == "epoch 100/100 (100%): loss 0.5000"


def test_history_columns_count_epochs_from_one() -> None:
    columns = history_columns({"a": np.array([3.0, 2.0]), "b": np.zeros(2)})
    assert {name: column.tolist() for name, column in columns.items()} == {"epoch": [1, 2], "a": [3, 2], "b": [0, 0]}
    assert history_columns({})["epoch"].tolist() == []


def test_a_training_that_diverges_says_so() -> None:
    losses = iter([1.0, 2.0, np.nan])
    with pytest.raises(UserError, match=r"diverged in epoch 3: .*lower `learning_rate`"):
        iterate(torch.zeros(2, 1), lambda rows: {"loss": next(losses)}, 9, 2, {})
    with pytest.raises(UserError, match="diverged"):
        Vae(latent=2, width=2, epochs=20, learning_rate=1.0).fit(np.ones((64, 8, 8), dtype=np.float32), 1, "cpu")


# Interruptions

BATCHES = 9  # of each training below: three epochs of three batches, and samples that each epoch leaves out


def optimised(optimiser: Callable[..., torch.optim.Optimizer]) -> Train:
    """A training of a network with another optimiser than the Adam of the families' members."""

    def train(checkpoint: Checkpoint | None) -> Fitted:
        with deterministic(4):
            network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))
            descent = optimiser(network.parameters())

            def step(rows: torch.Tensor) -> dict[str, float]:
                loss = (network(rows) - rows.sum(dim=1, keepdim=True)).square().mean()
                descent.zero_grad()
                loss.backward()
                descent.step()
                return {"loss": loss.item()}

            history = iterate(torch.randn(14, 2), step, 3, 4, {"network": network, "descent": descent}, checkpoint)
            return Fitted(weights_of(network=network), history)

    return train


def of(x: np.ndarray[Any, Any]) -> Samples:
    return Samples(x, np.arange(len(x)))


def images(n: int = 14) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(3).uniform(-1, 1, (n, 4, 4)).astype(np.float32)


FAST = {"learning_rate": 1e-2, "average_from": 1, "average_decay": 0.5}  # so that it leaves what is near 0, as DARK is
SAGAN = Imagegan(latent=3, width=2, attention=4, steps=9, batch=4, checkpoint="best", **FAST)
DARK = np.float32(0.3) * images(9)
LABELLED = Samples(images(), np.arange(14), np.arange(14, dtype=np.int32) % 3)

TRAININGS: dict[str, Train] = {
    "imagegan": lambda checkpoint: SAGAN.train(LABELLED, 2, "cpu", checkpoint, of(DARK)),
    "dcgan": lambda checkpoint: Dcgan(latent=3, width=2, epochs=3, batch=4).train(of(images()), 1, "cpu", checkpoint),
    "tabulargan": lambda checkpoint: Tabulargan(latent=2, epochs=3, batch=4, beta1=0.5).train(
        of(images()[:, 0]), 1, "cpu", checkpoint
    ),
    "vae": lambda checkpoint: Vae(latent=2, width=2, epochs=3, batch=4).fit(images(), 1, "cpu", checkpoint),
    "rmsprop": optimised(lambda values: torch.optim.RMSprop(values, lr=0.01, momentum=0.5)),
    "sgd": optimised(lambda values: torch.optim.SGD(values, lr=0.01, momentum=0.5)),
}
UNINTERRUPTED = {name: train(None) for name, train in TRAININGS.items()}


@pytest.mark.parametrize("name", TRAININGS)
def test_stopped_after_any_batch_it_goes_on_to_the_same_bits(name: str) -> None:
    for batch in range(1, BATCHES + 1):
        checkpoint = Memory(batch)
        assert same(checkpoint.run(TRAININGS[name]), UNINTERRUPTED[name]), f"stopped after batch {batch}"
        assert checkpoint.batches == BATCHES  # no batch twice, so that it did not start anew
        assert checkpoint.places[1:] == [f"epoch {(batch + 2) // 3}, batch {(batch - 1) % 3 + 1}"]


@given(st.sampled_from(list(TRAININGS)), st.lists(st.integers(1, 4), max_size=9))
def test_any_number_of_interruptions_leaves_the_same_bits(name: str, pieces: list[int]) -> None:
    checkpoint = Memory(*pieces)
    assert same(checkpoint.run(TRAININGS[name]), UNINTERRUPTED[name])
    assert checkpoint.batches == BATCHES


def state_after(batches: int, name: str) -> State:
    checkpoint = Memory(batches)
    with pytest.raises(StoppedError):
        TRAININGS[name](checkpoint)
    assert checkpoint.state is not None
    return checkpoint.state


def changed(key: str, value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Another state of the same kind."""
    if key == "random/cpu":
        return torch.Generator().manual_seed(9).get_state().numpy()
    return value[::-1].copy() if key == "order" else value + 1


@pytest.mark.parametrize("name", TRAININGS)
def test_without_any_one_array_of_its_state_it_would_end_elsewhere(name: str) -> None:
    state = state_after(5, name)
    unread = {"place"} | {f"parts/descent/{index}.step" for index in range(6)}  # RMSprop counts, and that is all
    unread |= {key for key in state if key.endswith("._u")}  # an iteration replaces it by what it makes of _v
    layers = {key.removesuffix("_u") for key in state if key.endswith("._u")}
    vectors = {layer: (state[f"{layer}_u"], state[f"{layer}_v"]) for layer in layers}
    unread |= {f"{layer}_v" for layer, (u, v) in vectors.items() if 1 in (u.size, v.size)}  # of one row or one column
    if name == "imagegan":  # Adam's mean is the last slope; batches after the epoch that is kept count for nothing
        unread |= {key for key in state if key.endswith(".exp_avg")}
        unread |= {key for key in state if key.endswith("num_batches_tracked") and "/best/" not in key}
    for key in state.keys() - unread:
        checkpoint = Memory(state={**state, key: changed(key, state[key])})
        assert not same(checkpoint.run(TRAININGS[name]), UNINTERRUPTED[name]), key


@pytest.mark.parametrize("name", ["vae", "rmsprop", "sgd"])
def test_a_state_that_does_not_fit_is_told_and_changes_nothing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    state = state_after(5, name)
    unfit: list[State] = [{}, {**state, "order": state["order"] + 20}, {**state, "place": state["place"] + 3}]
    unfit += [{**state, key: np.zeros((*value.shape, 2), value.dtype)} for key, value in state.items()]
    needed = [key for key in state if name != "sgd" or "momentum" not in key]  # it has none of parameters without slope
    unfit += [{key: value for key, value in state.items() if key != missing} for missing in needed]
    unfit += [state_after(5, other) for other in ("dcgan", "tabulargan")]
    capsys.readouterr()
    for other in unfit:
        assert same(Memory(state=other).run(TRAININGS[name]), UNINTERRUPTED[name])
        first, *_ = capsys.readouterr().err.splitlines()
        assert first.startswith("the saved state does not fit (")
        assert first.endswith("); the training starts from the beginning")


# Weights


def network(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Dropout(0.5))


def test_weights_round_trip_with_running_statistics() -> None:
    one, other = network(), network()
    one(torch.randn(20, 2))
    weights = weights_of(one=one, other=other)
    assert {name.split(".")[0] for name in weights} == {"one", "other"}
    copy = load_weights(network(), "one", weights)
    x = torch.randn(5, 2)
    assert not copy.training
    assert torch.equal(copy(x), one.eval()(x))


def test_weights_of_other_layers_are_an_error_of_one_line() -> None:
    with pytest.raises(UserError) as error:
        load_weights(network(4), "one", weights_of(one=network(3)))
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="run again"):
        load_weights(network(), "other", weights_of(one=network()))


def test_architecture_is_the_training_and_the_shape() -> None:
    model = Tabulargan(latent=5, epochs=3)
    same = Tabulargan(latent=5, epochs=3, samples=7, replicas=9, train_on="dense")
    assert architecture(model, (8,)) == architecture(same, (8,))
    others = [
        architecture(Tabulargan(latent=6, epochs=3), (8,)),
        architecture(model, (9,)),
        architecture(model, (8, 1)),
    ]
    assert architecture(model, (8,)) not in others
