"""The state of a training between two batches: all that the next process needs to resume bit for bit."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.fitting import Checkpoint, State

if TYPE_CHECKING:
    import torch

Batch = TypeVar("Batch", covariant=True)


def say(text: str) -> None:
    """Write a line to the log; a full disk does not end a training."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


class Stateful(Protocol):
    """What changes in a training: a network or an optimiser of PyTorch."""

    def state_dict(self) -> dict[str, Any]:
        """Return what changes."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:
        """Put it back; raises RuntimeError or ValueError when it does not fit."""


class TrainingSet(Protocol[Batch]):
    """Samples to train on: a tensor, or what turns given rows into a batch on its device."""

    @property
    def device(self) -> torch.device:
        """Return where the batches are."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: torch.Tensor, /) -> Batch: ...


@dataclass
class Place:
    """Where a training is: epochs done; in the current one batches done, order of rows, losses; earlier means."""

    epoch: int = 0
    batch: int = 0
    order: Any = None
    losses: dict[str, list[float]] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"epoch {self.epoch + 1}, batch {self.batch}"

    def end_batch(self, losses: Mapping[str, float]) -> None:
        """Note the losses of a batch."""
        for name, loss in losses.items():
            self.losses.setdefault(name, []).append(loss)
        self.batch += 1

    def end_epoch(self) -> None:
        """Average the losses of the epoch."""
        for name, values in self.losses.items():
            self.history.setdefault(name, []).append(float(np.mean(values)))
        self.epoch, self.batch, self.losses = self.epoch + 1, 0, {}


def state_of(parts: Mapping[str, Stateful], device: torch.device, place: Place) -> dict[str, NDArray[Any]]:
    """Return the state of networks and optimisers, of PyTorch's random numbers and of the loop, as arrays by name."""
    return {
        **_state_of_parts(parts, device),
        "place": np.array([place.epoch, place.batch]),
        "order": place.order.numpy(),
        **_numbered("losses", place.losses),
        **_numbered("history", place.history),
    }


def resumed(
    checkpoint: Checkpoint, parts: Mapping[str, Stateful], x: TrainingSet[Any], batches: tuple[int, int], epochs: int
) -> Place:
    """Put parts and random numbers into the state that the checkpoint has, and return the place.

    A state that does not fit changes nothing and is reported on stderr: the place is the beginning, as without a state.

    Args:
        checkpoint: of the state.
        parts: networks and optimisers by name, as they are before the first batch.
        x: samples (n, ...) to train on.
        batches: number of them in an epoch, and samples in each.
        epochs: of the training.
    """
    state = checkpoint.load()
    if state is None:
        return Place()
    untouched = _state_of_parts(parts, x.device)
    try:
        place = _place_in(state, len(x), batches, epochs)
        _restore_parts(state, parts, x.device)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        _restore_parts(untouched, parts, x.device)
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        say(f"the saved state does not fit ({reason}); the training starts from the beginning")
        return Place()
    say(f"resuming after {place}, where the state was saved")
    return place


def _place_in(state: State, samples: int, batches: tuple[int, int], epochs: int) -> Place:
    """Read the place of a state; raises KeyError, TypeError or ValueError when this training cannot be there."""
    import torch

    order, (epoch, batch) = state["order"], state["place"].tolist()
    losses, history = (_in_order(_under(state, folder)) for folder in ("losses", "history"))
    fits = [
        order.dtype == state["place"].dtype == np.int64,
        0 <= epoch < epochs and 0 < batch <= batches[0],
        order.shape == batches and np.isin(order, np.arange(samples)).all(),
        all(value.shape == (batch,) for value in losses.values()),
        all(value.shape == (epoch,) for value in history.values()),
        losses.keys() == history.keys() if epoch else not history,
    ]
    if not all(fits):
        raise ValueError("it is that of another training loop")
    done, means = ({name: values.tolist() for name, values in part.items()} for part in (losses, history))
    return Place(epoch, batch, torch.tensor(order), done, means)


def _state_of_parts(parts: Mapping[str, Stateful], device: torch.device) -> dict[str, NDArray[Any]]:
    """Copy the current state of networks, optimisers and generators of random numbers."""
    import torch

    tensors = {f"parts/{name}/{key}": value for name, part in parts.items() for key, value in _tensors(part)}
    tensors["random/cpu"] = torch.get_rng_state()
    if device.type == "cuda":
        tensors["random/cuda"] = torch.cuda.get_rng_state(device)
    return {name: value.detach().cpu().numpy().copy() for name, value in tensors.items()}


def _restore_parts(state: State, parts: Mapping[str, Stateful], device: torch.device) -> None:
    """Undo what changed since `_state_of_parts`; raises KeyError, RuntimeError or ValueError when it does not fit."""
    import torch

    for name, part in parts.items():
        own = {key: torch.tensor(value) for key, value in _under(state, f"parts/{name}").items()}
        if isinstance(part, torch.optim.Optimizer):
            part.load_state_dict(_nested(part, own))
        elif own.keys() == part.state_dict().keys():
            part.load_state_dict(own)
        else:
            raise KeyError(f"{name} has other layers")
    torch.set_rng_state(torch.tensor(state["random/cpu"]))
    if device.type == "cuda":
        torch.cuda.set_rng_state(torch.tensor(state["random/cuda"]), device)


def _under(state: State, folder: str) -> dict[str, NDArray[Any]]:
    """Return the arrays whose names start with a folder's."""
    return {name.removeprefix(f"{folder}/"): value for name, value in state.items() if name.startswith(f"{folder}/")}


def _numbered(folder: str, losses: Mapping[str, list[float]]) -> dict[str, NDArray[np.float64]]:
    """Return losses under names that give their order, which is that of the history's columns."""
    return {f"{folder}/{k:03}/{name}": np.array(losses[name], dtype=np.float64) for k, name in enumerate(losses)}


def _in_order(numbered: State) -> dict[str, NDArray[Any]]:
    """Undo `_numbered`."""
    return {name.partition("/")[2]: numbered[name] for name in sorted(numbered)}


def _tensors(part: Stateful) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors of a network; those of an optimiser as INDEX.NAME, the index being that of a parameter."""
    import torch

    if not isinstance(part, torch.optim.Optimizer):
        yield from part.state_dict().items()
        return
    for index, moments in part.state_dict()["state"].items():
        yield from ((f"{index}.{name}", value) for name, value in moments.items() if value is not None)


def _nested(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Return tensors INDEX.NAME as an optimiser nests them, with its own options.

    Raises KeyError or ValueError when they are not what Adam, RMSprop or SGD keep: for each parameter the same tensors,
    of its shape, and optionally the number of steps.
    """
    parameters = dict(enumerate(p for group in optimiser.param_groups for p in group["params"]))
    nested: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        if value.shape != (() if name == "step" else parameters[int(index)].shape):
            raise ValueError(f"{name} of parameter {index} has the shape {tuple(value.shape)}")
        nested.setdefault(int(index), {})[name] = value
    if len({frozenset(moments) for moments in nested.values()}) > 1:
        raise KeyError("a parameter lacks what the optimiser keeps for others")
    return {"state": nested, "param_groups": optimiser.state_dict()["param_groups"]}
