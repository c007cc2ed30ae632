"""What a training returns, and the checkpoint that keeps its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

History = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Fitted:
    """What a training returns: arrays by name, and each loss by epoch (empty where nothing was iterated)."""

    weights: dict[str, NDArray[Any]]
    history: History


State = Mapping[str, NDArray[Any]]


class Checkpoint(Protocol):
    """Keeps the state of a training for the process that resumes it, if this one is stopped."""

    def load(self) -> State | None:
        """Return the state that an earlier process has left, if any."""

    def due(self) -> bool:
        """Return, after a batch, whether the state is to be saved."""

    def save(self, state: State, place: str) -> None:
        """Save the state as it is after a place such as 'epoch 12, batch 30'; may end the process."""
