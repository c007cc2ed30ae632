"""HDF5 files that users have: opened for reading, some rows of a dataset at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import VALUES_AT_ONCE

SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
WIDEST = 1 << 25  # values read at once where a chunk of the file, decompressed whole, has more than VALUES_AT_ONCE


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


def rows_at_once(shape: tuple[int, ...], chunks: tuple[int, ...] | None) -> int:
    """Return how many rows of a dataset are read at once.

    They are whole chunks, each of which is then decompressed once, unless one alone is too large.
    """
    values, in_chunk = math.prod(shape[1:]), 1 if chunks is None else chunks[0]
    wanted = max(1, VALUES_AT_ONCE // values)
    if in_chunk <= wanted:
        return wanted // in_chunk * in_chunk
    return min(in_chunk, max(1, WIDEST // values))


def runs(
    rows: NDArray[np.int64], shape: tuple[int, ...], chunks: tuple[int, ...] | None, read: Callable[[slice], Any]
) -> Iterator[tuple[NDArray[np.int64], Any]]:
    """Yield some rows of a dataset, as many at once as `rows_at_once` says: positions in `rows`, and what is read."""
    run = rows // rows_at_once(shape, chunks)
    for one in np.unique(run):
        at = np.flatnonzero(run == one)
        first, last = int(rows[at].min()), int(rows[at].max())
        yield at, read(slice(first, last + 1))[rows[at] - first]
