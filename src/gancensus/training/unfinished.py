"""The checkpoint of a training: its state, in a file from which the next process resumes."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gancensus.config.code import digests
from gancensus.contracts.device import choose_device
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Member
from gancensus.contracts.fitting import State
from gancensus.contracts.samples import BLOCK, LazySamples, Samples
from gancensus.storage.models import read_state, write_state
from gancensus.training.loop import architecture
from gancensus.training.resume import say


class Unfinished:
    """The state of a training, beside its model as unfinished/KEY/state.safetensors, until the model is finished.

    It is saved every so many seconds, and after the batch in which SIGTERM or Ctrl-C comes, which ends the process.
    """

    def __init__(
        self,
        model: Path,
        seconds: float,
        member: Member,
        samples: Samples | LazySamples,
        seed: int,
        device: str,
        validation: Samples | LazySamples | None = None,
    ) -> None:
        """Prepare to keep the training of a member on samples; nothing is read before it begins."""
        self._folder, self._seconds = model.parent / "unfinished", seconds
        self._training = (member, [samples] if validation is None else [samples, validation], seed, device)
        self._next = 0.0
        self._signal = 0

    def load(self) -> State | None:
        """Return the saved state, if there is one and it is whole; from now on signals wait for the end of a batch."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._file = self._folder / _key(*self._training) / "state.safetensors"
        self._next = time.monotonic() + self._seconds
        try:
            return read_state(self._file)
        except UserError as error:
            say(f"{error}; the training starts from the beginning")
            return None

    def due(self) -> bool:
        """Return whether a signal has come or it is time to save."""
        return self._signal > 0 or time.monotonic() >= self._next

    def save(self, state: State, place: str) -> None:
        """Save the state; if a signal has come, end the process with the status of one that the signal killed.

        Raises UserError when it cannot be saved then; at other times the training continues without.
        """
        self._next = time.monotonic() + self._seconds
        try:
            write_state(self._file, state)
        except UserError as error:
            if self._signal:
                raise
            say(f"{error}; the training continues without saving")
        if self._signal:
            name = signal.Signals(self._signal).name
            say(f"stopped by {name} after {place}; the state is kept, the next run goes on from there")
            sys.exit(128 + self._signal)

    def remove(self) -> None:
        """Remove the states of this model, also those of other configurations: it is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _stop(self, number: int, *_: object) -> None:
        self._signal = number


def _key(member: Member, looked_at: Sequence[Samples | LazySamples], seed: int, device: str) -> str:
    """Return the digest of what a training depends on: configuration, samples, seed, device, PyTorch and code."""
    import torch

    content = hashlib.sha256()
    for samples in looked_at:
        for start in range(0, len(samples), BLOCK):
            some = samples.take(slice(start, start + BLOCK))
            content.update(some.x.tobytes())
            content.update(b"" if some.label is None else b"label" + some.label.tobytes())
        for name, values in sorted(samples.conditions.items()):
            content.update(name.encode() + values.tobytes())
    module = type(member).__module__
    code = digests(Path(str(sys.modules[module].__file__)), (module,))
    facts = [
        [architecture(member, (len(samples), *samples.shape)) for samples in looked_at],
        content.hexdigest(),
        seed,
        choose_device(device),
        torch.__version__,
        code,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
