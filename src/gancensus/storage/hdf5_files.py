"""HDF5 files that users have: opened for reading, some rows of a dataset at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import VALUES_AT_ONCE

SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
WIDEST = 1 << 26  # values read at once where a chunk of the file, decompressed whole, has more than VALUES_AT_ONCE


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading."""
    import h5py

    if not path.is_file():
        raise UserError(f"{path}: no such file (looked for from {Path.cwd()})")
    with hdf5_errors(path):
        file = h5py.File(path, "r", locking=False)  # network file systems may not support locks
    try:
        yield file
    finally:
        with hdf5_errors(path):
            file.close()


@contextmanager
def hdf5_errors(path: Path) -> Iterator[None]:
    """Turn what h5py raises over a damaged file into a UserError. It wraps calls of h5py only."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"{path}: not a readable HDF5 file, perhaps truncated ({reason}); recreate it") from None


class LastRun:
    """The run of rows that was last read of a dataset: the next rows asked for often lie in it, too."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: tuple[int, Any] = (-1, None)

    def get(self, number: int, read: Callable[[], Any]) -> Any:
        """Return a run by its number, and hold it."""
        held = self._held  # one tuple, as threads may share it
        if held[0] != number:
            held = self._held = (-1, None)  # freed before another one is read
            held = self._held = (number, read())
        return held[1]


def rows_at_once(shape: tuple[int, ...], chunks: tuple[int, ...] | None) -> int:
    """Return how many rows of a dataset are read at once.

    They are whole chunks, each of which is then decompressed once, unless one alone is too large.
    """
    wanted, in_chunk = _wanted(shape), 1 if chunks is None else chunks[0]
    if in_chunk <= wanted:
        return wanted // in_chunk * in_chunk
    return min(in_chunk, max(1, WIDEST // math.prod(shape[1:])))


def rows_held(shape: tuple[int, ...], chunks: tuple[int, ...] | None) -> int:
    """Return how many rows of a dataset a `LastRun` holds, 1 where it is not used."""
    return rows_at_once(shape, chunks) if chunks is not None and chunks[0] > _wanted(shape) else 1


def _wanted(shape: tuple[int, ...]) -> int:
    """Return how many rows are read at once where chunks allow any number."""
    return max(1, VALUES_AT_ONCE // math.prod(shape[1:]))


def runs(
    rows: NDArray[np.int64],
    shape: tuple[int, ...],
    chunks: tuple[int, ...] | None,
    read: Callable[[slice], Any],
    last: LastRun | None = None,
) -> Iterator[tuple[NDArray[np.int64], Any]]:
    """Yield some rows of a dataset, as many at once as `rows_at_once` says: positions in `rows`, and what is read.

    last: holds a run where its chunks have so many rows that calls for some of them would decompress them repeatedly.
    """
    step = rows_at_once(shape, chunks)
    run = rows // step
    for one in np.unique(run).tolist():
        at = np.flatnonzero(run == one)
        if last is not None and rows_held(shape, chunks) > 1:
            whole = slice(one * step, min((one + 1) * step, shape[0]))
            yield at, last.get(one, partial(read, whole))[rows[at] - whole.start]
        else:
            first, stop = int(rows[at].min()), int(rows[at].max()) + 1
            yield at, read(slice(first, stop))[rows[at] - first]
