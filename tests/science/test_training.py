from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

from gancensus.encoders.vae import Vae
from gancensus.errors import UserError
from gancensus.generators.tabulargan import Tabulargan
from gancensus.training import (
    architecture,
    choose_device,
    deterministic,
    history_columns,
    iterate,
    load_weights,
    weights_of,
)


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
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert choose_device(device) == chosen


def test_cuda_without_a_gpu_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="device: cuda, but PyTorch finds no CUDA GPU here; set device to auto or cpu"):
        choose_device("cuda")
    with pytest.raises(UserError, match="no CUDA GPU"):
        Tabulargan(epochs=1).train(np.zeros((4, 2), dtype=np.float32), 1, "cuda")


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
        history = iterate(torch.arange(float(n))[:, None], step, epochs=5, batch=batch)
    assert [len(rows) for rows in seen] == sizes * 5
    epochs = [list(chain(*seen[k : k + len(sizes)])) for k in range(0, len(seen), len(sizes))]
    assert all(len(set(rows)) == len(rows) for rows in epochs)
    assert len({tuple(rows) for rows in epochs}) > 1
    numbers = np.arange(1, len(seen) + 1).reshape(5, -1)
    np.testing.assert_array_equal(history["loss"], numbers.mean(axis=1))
    np.testing.assert_array_equal(history["other"], [2.0] * 5)


def test_progress_is_about_twenty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    iterate(torch.zeros(2, 1), lambda rows: {"loss": 0.5}, epochs=100, batch=2)
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
        iterate(torch.zeros(2, 1), lambda rows: {"loss": next(losses)}, epochs=9, batch=2)
    with pytest.raises(UserError, match="diverged"):
        Vae(latent=2, width=2, epochs=20, learning_rate=1.0).fit(np.ones((64, 8, 8), dtype=np.float32), 1, "cpu")


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
