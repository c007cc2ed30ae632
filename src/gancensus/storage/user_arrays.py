"""Arrays and folders of images that users have: .npy, .npz, sample tables, images.

What is read there is scaled by the source; nothing is unpickled."""

from __future__ import annotations

import io
import lzma
import struct
import tokenize
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.samples import LOOSE, VALUES_AT_ONCE, LazySamples, Notes, Samples, belonging, flatten
from gancensus.storage.hdf5_files import SUFFIXES
from gancensus.storage.imagefiles import folders_of, look_at_images
from gancensus.storage.imageforms import Background, Form
from gancensus.storage.samples import SampleRows
from gancensus.storage.tables import reason_of


class Array(Protocol):
    """An array in a file, of which nothing is read before it is asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def whole(self) -> NDArray[Any]:
        """Return all of it."""

    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return some rows."""


class Names(NamedTuple):
    """What arrays of a .npz are called; None: as `_look_at_archive` finds them."""

    samples: str | None = None
    labels: str | None = None


def read_user_samples(
    path: Path, background: Background = "white", form: Form | None = None, names: Names | None = None
) -> LazySamples:
    """Look at a user's samples: a sample table, or natural values and labels from an array or images.

    background: what transparent pixels of images are composited on; form: what images of any size become; names: what
    the arrays of a .npz are called.

    Values are read when they are needed; `finite` reads them all. Raises UserError when the path is missing, of an
    unknown kind, or holds no numbers of one shape.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder (not found from {Path.cwd()})")
    if path.suffix == ".parquet":
        return _look_at_table(SampleRows([path]))
    return _lazy(
        path, _look_at_folder(path, background, form) if path.is_dir() else _look_at_array(path, names or Names())
    )


def arrays_as_samples(
    path: Path, x: Array, label: Array | None, others: Mapping[str, Array], notes: Notes
) -> LazySamples:
    """Return arrays of a file as samples: x (n, *shape), their labels (n,), and conditions among the others.

    Raises UserError when they are no numbers of one shape, or labels that do not fit.
    """
    return _lazy(path, _with_conditions(x, label, others, notes))


def _lazy(path: Path, found: _Natural) -> LazySamples:
    """Return what has been found, or raise UserError where it cannot be samples."""
    shape = found.shape
    if len(shape) < 2 or 0 in shape or found.dtype.kind not in "biuf":
        raise UserError(f"{path}: holds {found.dtype} of shape {shape}; it must be real numbers (samples, values, ...)")
    samples = shape[0]
    for name, values in found.conditions.items():
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise UserError(f"{path}: array {name}, row {row}: NaN or infinite; remove or repair the sample")
    label = found.label
    if label is not None and label.shape != (samples,):
        raise UserError(
            f"{path}: {samples} samples but labels of shape {label.shape}; give one label per sample, or rename "
            "the array, which is then left out"
        )
    if label is not None and (label.dtype.kind not in "iu" or (label != label.astype(np.int32)).any()):
        raise UserError(
            f"{path}: labels are {label.dtype}; they must be whole numbers that fit into int32; number the classes "
            "from 0, or rename the array, which is then left out"
        )
    known = Samples(
        np.empty((samples, 0), dtype=np.float32),
        np.arange(samples, dtype=np.int64),
        None if label is None else label.astype(np.int32),
        None,
        found.conditions,
        dict.fromkeys(found.conditions, "1"),
        found.notes or _what(shape, found.dtype),
        name=found.name,
    )
    return LazySamples(known, shape[1:], found.dtype, found.read)


def grouped_by_folder(folder: Path, found: LazySamples) -> LazySamples:
    """Return the images of a folder with what they belong to: the folders in it, which are no classes then.

    Raises UserError where some are in none.
    """
    group = folders_of(folder)
    found.notes.add(belonging(group))
    return replace(found, known=replace(found.known, label=None, group=group))


def note_loose(found: LazySamples) -> None:
    """Note images that lie beside the folders that are the classes, as a class of their own."""
    loose = [label for label, name in found.known.class_names().items() if name == LOOSE]
    if loose and found.known.label is not None:
        found.notes.add(
            f"warning: {(found.known.label == loose[0]).sum()} of {len(found)} images lie in none of the subfolders, "
            "which are the classes, and are a class of their own; move them if they are not meant to be"
        )


def finite(path: Path, found: LazySamples) -> Iterator[NDArray[Any]]:
    """Yield all values of the user's samples, some rows at a time.

    Raises UserError when some are NaN or infinite.
    """
    for start, x in found.chunks():
        yield check_finite(path, x, np.arange(start, start + len(x)))


def check_finite(path: Path, x: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return values (n, ...) of rows (n,) of the user's samples; raises UserError when some are NaN or infinite."""
    bad = ~np.isfinite(flatten(x)).all(axis=1)
    if bad.any():
        others = f" (as have {bad.sum() - 1} more of {len(x)} read)" if bad.sum() > 1 else ""
        raise UserError(
            f"{path}: sample {rows[np.argmax(bad)]} has NaN or infinite values{others}; remove or repair it"
        )
    return x


class _Natural(NamedTuple):
    """A user's samples that are not a sample table: values (n, *shape) and how to read rows, labels, conditions (n,).

    And the notes on them, and their names (n,).
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[NDArray[np.int64]], NDArray[Any]]
    label: NDArray[Any] | None = None
    conditions: Mapping[str, NDArray[Any]] = {}
    notes: Notes | None = None
    name: NDArray[np.object_] | None = None


def _look_at_table(rows: SampleRows) -> LazySamples:
    """Look at a sample table, whose values are read by row groups."""
    first = next(rows.chunks(slice(0, 1)))
    known = replace(rows.identities(), scale=first.scale)
    return LazySamples(known, first.x.shape[1:], first.x.dtype, lambda some: rows.take(some).x)


def _look_at_array(path: Path, names: Names) -> _Natural:
    """Look at a NumPy file without ever executing what it holds."""
    if path.suffix not in (".npy", ".npz"):
        hint = "; of HDF5, kind hdf5-array reads a data set" if path.suffix in SUFFIXES else ""
        raise UserError(f"{path}: unknown kind of file; use .npy, .npz, .parquet or a folder of images{hint}")
    with _array_errors(path):
        content = np.load(path, mmap_mode="r", allow_pickle=False)  # of a .npy only its header is read
        archive = None
        if not isinstance(content, np.memmap):
            content.close()
            archive = ZipFile(path)
    if archive:
        return _look_at_archive(path, archive, names)
    if any(names):
        raise UserError(f"{path}: is one array, without names; leave `samples` and `labels` out")
    if not content.flags.c_contiguous:  # column by column
        return _Natural(content.shape, content.dtype, lambda rows: content[rows])
    stored = _Stored(path, path.open("rb"), content.offset, content.shape, content.dtype)
    return _Natural(content.shape, content.dtype, stored.read)


def _what(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Notes:
    """Note what an array is read as."""
    return Notes(f"read as {shape[0]:,} samples of {' x '.join(map(str, shape[1:]))} values, {dtype}")


def _look_at_archive(path: Path, archive: ZipFile, names: Names) -> _Natural:
    """Look at a .npz: `x`, else `arr_0` or the only array; `label`; the conditions, which are small.

    names: of the samples and the labels, where they are called otherwise.
    """
    there = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    for role, name in names._asdict().items():
        if name is not None and name not in there:
            raise UserError(f"{path}: has no array '{name}' ({role}){suggestion(name, there)}")
    usual = next((name for name in ("x", "arr_0") if name in there), there[0] if len(there) == 1 else None)
    key = names.samples or usual
    if key is None:
        raise UserError(
            f"{path}: has no array `x` but {', '.join(there) or 'nothing'}; save it as np.savez(path, x=...), or name "
            "it: kind npz, `samples`"
        )
    if names.labels == key:
        raise UserError(f"{path}: array '{key}' holds the samples, and cannot be their labels, too; name another")
    stored = {name: _Stored.member(path, archive, name) for name in there}
    notes = _what(stored[key].shape, stored[key].dtype)
    if key != "x":
        notes.add(f"samples taken from its array '{key}'")
    x, label = stored.pop(key), stored.pop(names.labels or "label", None)
    return _with_conditions(x, label, stored, notes)


def _with_conditions(x: Array, label: Array | None, others: Mapping[str, Array], notes: Notes) -> _Natural:
    """Return samples with their labels, and with every other array of one number per sample as a condition."""
    conditions = {}
    for name, other in others.items():
        if other.shape != x.shape[:1] or other.dtype.kind not in "iuf":
            notes.add(f"array '{name}' left out: {other.dtype} of shape {other.shape} is no condition of the samples")
        elif name != "sample_id":
            values = other.whole()
            conditions[name] = values.astype(np.float64)
            if values.dtype.kind in "iu" and len(set(conditions[name])) < len(set(values.tolist())):
                del conditions[name]
                notes.add(f"array '{name}' left out: its whole numbers are too long to be told apart in float64")
    return _Natural(x.shape, x.dtype, x.read, None if label is None else label.whole(), conditions, notes)


DAMAGED = (
    *(ValueError, EOFError, OSError),  # NumPy: not one of its files, or too short
    *(SyntaxError, tokenize.TokenError, TypeError),  # a header that is not a Python literal, or not a type
    *(BadZipFile, KeyError, zlib.error, lzma.LZMAError, struct.error),  # an archive and its compression
    *(RuntimeError, OverflowError),  # a password, another compression; a size beyond all bounds
)
"""What NumPy and zipfile raise over a file that is not an array, or is damaged."""


@contextmanager
def _array_errors(path: Path) -> Iterator[None]:
    """Turn what is raised over a damaged file into a UserError. Only calls of NumPy and zipfile are in it."""
    try:
        yield
    except DAMAGED as error:
        raise UserError(f"{path}: not a readable NumPy file of plain numbers ({reason_of(error)})") from None


class _Stored:
    """An array (n, *shape) in a file, or in a member of an archive, of which rows are read."""

    def __init__(self, path: Path, stream: IO[bytes], start: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """The rows follow each other in the stream, from the byte `start` on."""
        self.shape, self.dtype = shape, dtype
        self._path, self._stream, self._start = path, stream, start

    def __del__(self) -> None:
        self._stream.close()

    @classmethod
    def member(cls, path: Path, archive: ZipFile, name: str) -> _Stored:
        """Look at an array of an archive; one that is stored column by column is read at once, into memory."""
        numpy = np.lib.format
        with _array_errors(path):
            info = archive.getinfo(f"{name}.npy")
            stream = archive.open(info)
            version = numpy.read_magic(stream)
            read_header = numpy.read_array_header_1_0 if version == (1, 0) else numpy.read_array_header_2_0
            shape, by_columns, dtype = read_header(stream)
            start = stream.tell()
        if by_columns or dtype.hasobject:
            with _array_errors(path):
                content = numpy.read_array(archive.open(info), allow_pickle=False)  # raises over objects
            return cls(path, io.BytesIO(content.tobytes()), 0, shape, dtype)
        if start + prod(shape) * dtype.itemsize != info.file_size:
            reason = f"{name} has another size than its header says"
            raise UserError(f"{path}: not a readable NumPy file of plain numbers ({reason})")
        return cls(path, stream, start, shape, dtype)

    def whole(self) -> NDArray[Any]:
        """Return all of it, of any shape."""
        with _array_errors(self._path):
            self._stream.seek(self._start)
            return np.frombuffer(self._stream.read(), dtype=self.dtype).reshape(self.shape)

    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the values at the given rows. In an archive, going back means reading again from the first."""
        inner = self.shape[1:]
        bytes_a_row, piece = prod(inner) * self.dtype.itemsize, rows // max(1, VALUES_AT_ONCE // prod(inner))
        found = np.empty((len(rows), *inner), dtype=self.dtype)
        for one in np.unique(piece):
            at = np.flatnonzero(piece == one)
            first, last = int(rows[at].min()), int(rows[at].max())
            with _array_errors(self._path):
                self._stream.seek(self._start + first * bytes_a_row)
                content = self._stream.read((last + 1 - first) * bytes_a_row)
                values = np.frombuffer(content, dtype=self.dtype).reshape(last + 1 - first, *inner)
                if last + 1 == self.shape[0]:
                    self._stream.read(1)  # empty, but makes an archive compare its checksum
            found[at] = values[rows[at] - first]
        return found


def _look_at_folder(folder: Path, background: Background, form: Form | None) -> _Natural:
    """Look at a folder of images."""
    images = look_at_images(folder, background, form)
    return _Natural(images.shape, images.dtype, images.read, images.label, notes=images.notes, name=images.name)
