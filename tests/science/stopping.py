"""Trainings that are stopped between two batches and go on."""

from __future__ import annotations

from collections.abc import Callable

from gancensus.contracts.fitting import Checkpoint, Fitted, State

Train = Callable[[Checkpoint | None], Fitted]


class StoppedError(Exception):
    """The end of a process."""


class Memory:
    """Keeps a state, and stops the training in its process number k after pieces[k] batches, in the last one never."""

    def __init__(self, *pieces: int, state: State | None = None) -> None:
        self.pieces, self.state = list(pieces), state
        self.batches, self.places = 0, [""]

    def load(self) -> State | None:
        self.left = self.pieces.pop(0) if self.pieces else -1
        return self.state

    def due(self) -> bool:
        self.batches, self.left = self.batches + 1, self.left - 1
        return self.left == 0

    def save(self, state: State, place: str) -> None:
        self.state = dict(sorted(state.items()))  # a file does not know the order of its arrays
        self.places.append(place)
        raise StoppedError

    def run(self, train: Train) -> Fitted:
        """Train, process after process, until it is done."""
        while True:
            try:
                return train(self)
            except StoppedError:
                pass


def same(one: Fitted, other: Fitted) -> bool:
    """Whether weights and history are equal bit for bit, with their names in the same order."""
    pairs = [(one.weights, other.weights), (one.history, other.history)]
    return all(
        list(a) == list(b) and all(a[name].tobytes() == b[name].tobytes() for name in a)
        for a, b in pairs  #
    )
