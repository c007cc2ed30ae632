"""Data sets of HDF5 files that users have, by their names: (n, *shape) and what is beside them, read by rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.samples import LazySamples, Notes
from gancensus.storage.hdf5_files import LastRun, hdf5_errors, opened, runs
from gancensus.storage.user_arrays import arrays_as_samples

MOST = 1000  # data sets of a file that are looked for


@dataclass
class Dataset:
    """An array in an HDF5 file, which is opened for each reading."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None
    last: LastRun = field(default_factory=LastRun, repr=False, compare=False)

    def whole(self) -> NDArray[Any]:
        """Return all of it."""
        with self._stored() as stored, hdf5_errors(self.path):
            return np.asarray(stored[...])

    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return some rows, a run of them at a time."""
        found = np.empty((len(rows), *self.shape[1:]), dtype=self.dtype)

        def run(some: slice) -> NDArray[Any]:
            with hdf5_errors(self.path):
                return np.asarray(stored[some])

        with self._stored() as stored:
            for at, values in runs(rows, self.shape, self.chunks, run, self.last):
                found[at] = values
        return found

    @contextmanager
    def _stored(self) -> Iterator[Any]:
        with opened(self.path) as file:
            with hdf5_errors(self.path):
                stored = file[self.name]
            yield stored


def datasets_of(path: Path) -> dict[str, Dataset]:
    """Return the data sets that a file itself holds, by name: of numbers, with a row per sample, in order.

    Raises UserError where the file is not there, or is none.
    """
    import h5py

    found: dict[str, Dataset] = {}

    def visit(name: str, item: Any) -> bool | None:
        elsewhere = isinstance(item, h5py.Dataset) and (item.is_virtual or item.external)
        if isinstance(item, h5py.Dataset) and item.ndim and item.dtype.kind in "biuf" and not elsewhere:
            found[name] = Dataset(path, name, item.shape, item.dtype, item.chunks)
        return True if len(found) == MOST else None

    with opened(path) as file, hdf5_errors(path):
        file.visititems(visit)  # follows hard links only
    return found


def read_datasets(path: Path, samples: str, labels: str | None = None) -> LazySamples:
    """Look at a data set of samples by its name, such as `images` or `events/images`.

    Labels are the data set of that name, else `label` beside the samples, if there is one; conditions are the others
    beside them of one number per sample. Raises UserError where it is not in the file, or holds no samples.
    """
    there = datasets_of(path)
    samples = samples.strip("/")
    for name in (samples, labels):
        if name is not None and name not in there:
            raise UserError(f"{path}: has no data set '{name}' of numbers{suggestion(name, there)}")
    if labels == samples:
        raise UserError(f"{path}: data set '{samples}' holds the samples, and cannot be their labels, too")
    folder = samples.rpartition("/")[0]
    label = there.get(labels or f"{folder}/label".strip("/"))
    beside = {
        name.rpartition("/")[2]: one
        for name, one in there.items()
        if name.rpartition("/")[0] == folder and name != samples and one is not label
    }
    x = there[samples]
    notes = Notes(f"read as {x.shape[0]:,} samples of {' x '.join(map(str, x.shape[1:]))} values, {x.dtype}")
    notes.add(f"samples taken from its data set '{samples}'")
    return arrays_as_samples(path, x, label, beside, notes)
