"""The one place where files are opened: sample tables, result tables, models and states of training.

Every Parquet file is written the same way (zstd, no dictionary for numbers, row groups of fixed size, nothing about
time, host or path), to a temporary name that is then renamed: equal content gives equal bytes, and no reader ever sees
half a file. Nothing that is read can execute code.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import lzma
import os
import struct
import tokenize
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields, replace
from functools import lru_cache, partial
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gancensus.contracts.columns import Column, width
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import VALUES_AT_ONCE, LazySamples, Notes, Samples, Scale, check, check_ids, flatten
from gancensus.contracts.table import Columns
from gancensus.storage.imagefiles import Background, look_at_images

CONTRACT = "1"  # version of the file contract; raised when a column changes its meaning
ROW_GROUP_BYTES = 1 << 24
SAMPLE_COLUMNS = (
    "sample_id (int64), x (tensor of float32), optionally label (int32) and conditions (float32 or float64)"
)
ALWAYS = ("name", "type", "unit", "low", "high", "decimals", "categories")  # facts of a column that are always written
SPARE = {one.name: one.default for one in fields(Column) if one.name not in ALWAYS}  # others, where they are known
NOTES = "notes"  # in the metadata of a sample table: what was noted about its input


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a machine that dies could leave the name without the content
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, temporary, error) from None


def _temporary(path: Path) -> Path:
    """Return a name that no other process writes to, on any computer; remove what others have left of the file.

    One that still writes, on a node that a cluster has given up, cannot rename any more what was removed, and fails.
    """
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError):
            left.unlink()
    return path.with_name(f"{path.name}.{os.uname().nodename}-{os.getpid()}.tmp")


def _cannot_write(path: Path, temporary: Path, error: OSError) -> UserError:
    """Remove what was half-written and return the error to raise."""
    with suppress(OSError):
        temporary.unlink()
    reason = os.strerror(error.errno) if error.errno else str(error)
    return UserError(f"cannot write {path}: {reason}; make room or choose another results folder, then run again")


def write_table(path: Path, columns: Columns, schema: pa.Schema, about: Mapping[str, str] | None = None) -> None:
    """Write a table with the given schema; `about` are short facts kept in the file's metadata."""
    schema = _versioned(schema, about)
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    _write(path, schema, [table], _group_rows(table))


def _versioned(schema: pa.Schema, about: Mapping[str, str] | None) -> pa.Schema:
    return schema.with_metadata({"gancensus": CONTRACT, **(about or {})})


def _group_rows(table: pa.Table) -> int:
    """Return the rows of a row group, where all rows are like those of the table."""
    row_bytes: int = table.nbytes // max(1, table.num_rows)
    return max(1, ROW_GROUP_BYTES // max(1, row_bytes))


def _write(
    path: Path,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    group_rows: int,
    tensors: str = "BYTE_STREAM_SPLIT",
    notes: Notes | None = None,
) -> None:
    """Write tables as one; all but the last are whole row groups.

    tensors: the encoding of samples; notes: what has been noted once all tables are there.
    """
    temporary = _temporary(path)
    encodings = _encodings(schema, tensors)
    options = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True, **encodings}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(temporary, schema, **options) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=group_rows)
            if notes and notes.counts():
                writer.add_key_value_metadata({NOTES: json.dumps(notes.counts())})
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, temporary, error) from None
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _encodings(schema: pa.Schema, tensors: str) -> dict[str, Any]:
    """Return the encoding per column: deltas for integers, byte streams for reals, dictionaries for strings."""
    encoding, dictionary = {}, []
    for field in schema:
        if pa.types.is_integer(field.type):
            encoding[field.name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_floating(field.type):
            encoding[field.name] = "BYTE_STREAM_SPLIT"
        elif isinstance(field.type, pa.FixedShapeTensorType):
            encoding[f"{field.name}.list.element"] = tensors
        elif pa.types.is_string(field.type):
            dictionary.append(field.name)
    return {"column_encoding": encoding or None, "use_dictionary": dictionary or False}


def read_table(path: Path, names: Sequence[str] | None = None) -> pa.Table:
    """Read a table that gancensus wrote, or some of its columns.

    Raises UserError when the file is missing, truncated or no Parquet file.
    """
    return _readable(path, lambda: pq.read_table(path, columns=names, page_checksum_verification=True))


def _readable(path: Path, read: Callable[[], Any]) -> Any:
    """Return what read finds in a Parquet file, or raise UserError."""
    try:
        return read()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{path}: not a readable Parquet file, perhaps truncated ({_reason(error)}); recreate it"
        ) from None


def _reason(error: Exception) -> str:
    """Return the first line of an error."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def columns(path: Path, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read a result table, or some of it, as one array per column (nulls become NaN, or None in columns of strings)."""
    table = read_table(path, names)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def about(path: Path) -> dict[str, str]:
    """Read the short facts that a file's metadata keeps, and nothing else of it."""
    facts = _readable(path, lambda: pq.read_metadata(path)).metadata or {}
    return {key.decode(): value.decode() for key, value in facts.items()}


def write_samples(path: Path, samples: Samples | LazySamples, rows: NDArray[np.int64] | None = None) -> None:
    """Write a sample table of all samples or of some rows: sample_id, label, conditions, x as a fixed-shape tensor.

    Samples that are not read yet are read, and written, a row group at a time.
    """
    count = len(samples) if rows is None else len(rows)
    samples.notes.restart()

    def table(start: int, stop: int) -> pa.Table:
        some = slice(start, stop) if rows is None else rows[start:stop]
        return _sample_table(samples.take(some))

    first = table(0, 1)
    group = _group_rows(first)
    x = first["x"].chunk(0).storage.flatten().to_numpy()
    sparse = 2 * np.count_nonzero(x) < x.size  # as showers: a third smaller without, and four times as fast to read
    tensors = "PLAIN" if sparse else "BYTE_STREAM_SPLIT"
    groups = (table(k, k + group) for k in range(0, max(1, count), group))
    _write(path, first.schema, groups, group, tensors, samples.notes)


def _sample_table(samples: Samples) -> pa.Table:
    """Return samples as they are written."""
    shape = samples.x.shape[1:]
    tensor = pa.fixed_shape_tensor(pa.float32(), shape)
    fields = [pa.field("sample_id", pa.int64()), pa.field("x", tensor, metadata={"unit": "1"})]
    flat = pa.array(np.ascontiguousarray(samples.x).reshape(-1))
    storage = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(shape)))
    content = {"sample_id": samples.sample_id, "x": pa.ExtensionArray.from_storage(tensor, storage)}
    for name, values in samples.conditions.items():
        kind = pa.from_numpy_dtype(values.dtype)
        fields.insert(-1, pa.field(name, kind, metadata={"unit": samples.units.get(name, "1")}))
        content[name] = values
    if samples.label is not None:
        fields.insert(1, pa.field("label", pa.int32()))
        content["label"] = samples.label
    scale = {} if samples.scale is None else {"scale": _scale_text(samples.scale)}
    return pa.table(content, schema=_versioned(pa.schema(fields), scale))


def _scale_text(scale: Scale) -> str:
    """Return a scale as JSON, without what it or its columns may have and do not."""
    known = {name: value for name, value in asdict(scale).items() if value or name not in ("columns", "left_out")}
    if "columns" in known:
        known["columns"] = [
            {name: value for name, value in column.items() if name not in SPARE or value != SPARE[name]}
            for column in known["columns"]
        ]
    return json.dumps(known)


def drop_parts(path: Path, parts: int) -> None:
    """Remove the parts beside a sample table that an earlier, larger number of parts has left."""
    for other in path.parent.glob("*.parquet"):
        if other.stem.isdigit() and int(other.stem) >= parts:
            other.unlink(missing_ok=True)


def read_samples(paths: Sequence[Path]) -> Samples:
    """Read a population from the sample tables of its parts, in order, and check the contract.

    Raises UserError that names file, column and row for a missing column, a wrong type or shape, NaN or infinite
    values and repeated sample_id.
    """
    parts = [_samples(path, read_table(path)) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        if part.x.shape[1:] != parts[0].x.shape[1:]:
            raise UserError(
                f"{path}: column x has shape {part.x.shape[1:]}, but {paths[0]} has {parts[0].x.shape[1:]}; "
                "all parts of a population need one shape"
            )
        if part.units != parts[0].units:
            raise UserError(
                f"{path}: has the conditions {_listed(part.units)}, but {paths[0]} has {_listed(parts[0].units)}; "
                "all parts of a population need the same ones"
            )
    return check(_joined(parts), ", ".join(map(str, paths))) if len(parts) > 1 else parts[0]


def _listed(units: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({unit})" for name, unit in units.items()) or "none"


def _joined(parts: Sequence[Samples]) -> Samples:
    """Join samples of one shape and with the same conditions."""
    labels = [part.label for part in parts if part.label is not None]
    return Samples(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.sample_id for part in parts]),
        np.concatenate(labels) if len(labels) == len(parts) else None,
        parts[0].scale,
        {name: np.concatenate([part.conditions[name] for part in parts]) for name in parts[0].conditions},
        parts[0].units,
    )


class SampleRows:
    """A population in sample tables, read a few rows at a time: what does not fit into memory at once."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Open the parts of a population, in order; nothing but their sizes is read."""
        self.paths, self.where = paths, str(paths[0].parent)
        open_ = partial(pq.ParquetFile, page_checksum_verification=True)
        self._files = [_readable(path, partial(open_, path)) for path in paths]
        sizes = [[file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)] for file in self._files]
        self._groups = [(part, group) for part, counts in enumerate(sizes) for group in range(len(counts))]
        self._ends = np.cumsum([0, *(count for counts in sizes for count in counts)])
        self._last = lru_cache(maxsize=1)(self._group)  # whose next rows are often wanted next
        self._before = np.concatenate([np.cumsum([0, *counts[:-1]]) for counts in sizes])  # rows of its own file

    def __len__(self) -> int:
        return int(self._ends[-1])

    def chunks(self, rows: slice, without_x: bool = False) -> Iterator[Samples]:
        """Yield the rows, a row group (about 16 MiB) or less at a time; an empty one where there are none.

        Without x, only sample_id, label and conditions are read, and x has no values. Raises UserError as
        `read_samples` does.
        """
        first = min(int(np.searchsorted(self._ends, rows.start, side="right")), len(self._groups)) - 1
        last = min(max(first + 1, int(np.searchsorted(self._ends, rows.stop))), len(self._groups))
        for k in range(first, last) if self._groups else ():
            start = int(self._ends[k])
            inside = slice(max(rows.start - start, 0), max(rows.stop - start, 0))
            yield self._group(k, without_x).take(inside)
        if not self._groups:
            yield _samples(self.paths[0], read_table(self.paths[0]))

    def _group(self, k: int, without_x: bool = False) -> Samples:
        """Read a row group."""
        part, group = self._groups[k]
        path, file = self.paths[part], self._files[part]
        names = [name for name in file.schema_arrow.names if name != "x"] if without_x else None
        table = _readable(path, lambda: file.read_row_group(group, columns=names))
        return (_identities if without_x else _samples)(path, table, int(self._before[k]))

    def take(self, rows: NDArray[np.int64]) -> Samples:
        """Return the samples at the given rows, in their order; no other row groups are read. Raises as `chunks`."""
        if len(rows) == 0:
            return next(self.chunks(slice(0, 0)))
        groups = np.searchsorted(self._ends, rows, side="right") - 1
        where = [np.flatnonzero(groups == k) for k in np.unique(groups)]
        found = [self._last(int(groups[at[0]])).take(rows[at] - self._ends[groups[at[0]]]) for at in where]
        return _joined(found).take(np.argsort(np.concatenate(where)))

    def whole(self) -> Samples:
        """Read all samples, in order. Raises as `read_samples`."""
        return read_samples(self.paths)

    def identities(self) -> Samples:
        """Return sample_id, label and conditions of all rows; x has no values."""
        whole = _joined(list(self.chunks(slice(0, len(self)), without_x=True)))
        return check_ids(whole, ", ".join(map(str, self.paths)))


def _samples(path: Path, table: pa.Table, first: int = 0) -> Samples:
    """Return the samples of a table, or of its rows from the first on, that has the contract's columns."""
    if "x" not in table.column_names:
        raise UserError(f"{path}: column x is missing; a sample table has {SAMPLE_COLUMNS}")
    tensor = table.schema.field("x").type
    if not isinstance(tensor, pa.FixedShapeTensorType) or tensor.value_type != pa.float32():
        raise UserError(f"{path}: column x is {tensor}, it must be a fixed-shape tensor of float32")
    x = table["x"].combine_chunks()
    empty = table["x"].null_count + x.storage.flatten().null_count
    if empty:
        raise UserError(f"{path}: column x has {empty} empty cells; every sample needs its value")
    samples = replace(_identities(path, table.drop_columns("x"), first), x=np.ascontiguousarray(x.to_numpy_ndarray()))
    scale = _read_scale(path, table)
    if scale is not None and scale.columns and samples.shape != (len(scale.names),):
        raise UserError(
            f"{path}: column x has shape {samples.shape}, but the columns in its metadata {len(scale.names)} values; "
            "recreate the file"
        )
    return check(replace(samples, scale=scale), str(path), first)


def _identities(path: Path, table: pa.Table, first: int = 0) -> Samples:
    """Return sample_id, label and conditions of a table, or of some of its rows, with the contract's columns but x."""
    if "sample_id" not in table.column_names:
        raise UserError(f"{path}: column sample_id is missing; a sample table has {SAMPLE_COLUMNS}")
    units = {}
    for field in table.schema:
        expected = {"sample_id": [pa.int64()], "label": [pa.int32()]}.get(field.name, [pa.float32(), pa.float64()])
        if field.type not in expected:
            known = " or ".join(map(str, expected))
            raise UserError(f"{path}: column {field.name} is {field.type}, it must be {known}")
        if table[field.name].null_count:
            count = table[field.name].null_count
            raise UserError(f"{path}: column {field.name} has {count} empty cells; every sample needs its value")
        if field.name not in ("sample_id", "label"):
            units[field.name] = (field.metadata or {}).get(b"unit", b"1").decode()
    conditions = {name: table[name].to_numpy() for name in units}
    for name, values in conditions.items():
        if not np.isfinite(values).all():
            row = first + int(np.argmin(np.isfinite(values)))
            raise UserError(f"{path}: column {name}, row {row}: NaN or infinite; remove or repair the sample")
    label = table["label"].to_numpy() if "label" in table.column_names else None
    x = np.empty((table.num_rows, 0), dtype=np.float32)
    return Samples(x, table["sample_id"].to_numpy(), label, None, conditions, units)


def _read_scale(path: Path, table: pa.Table) -> Scale | None:
    """Read the scale that a sample table may keep in its metadata."""
    text = (table.schema.metadata or {}).get(b"scale")
    try:
        return None if text is None else _scale(json.loads(text))
    except (ValueError, TypeError, AttributeError, KeyError):
        raise UserError(f"{path}: the scale in its metadata is unreadable; recreate the file") from None


def _scale(read: Mapping[str, Any]) -> Scale:
    known = [
        Column(**{**one, **{name: tuple(one[name]) for name in ("categories", "extra") if name in one}})
        for one in read.get("columns", ())
    ]
    if known and width(known) != len(read["names"]):
        raise ValueError
    return Scale(**{name: tuple(value) for name, value in {**read, "columns": known}.items()})


def write_model(path: Path, weights: Mapping[str, NDArray[Any]], architecture: str) -> None:
    """Write the weights of a model as safetensors, with what they are the weights of."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(value) for name, value in weights.items()}
    write_bytes(path, save(contiguous, metadata={"architecture": architecture}))  # one key: their order is not kept


def read_model(path: Path, architecture: str) -> dict[str, NDArray[Any]]:
    """Read the weights of a model.

    Raises UserError when the file is unreadable or holds another architecture than the configuration asks for.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            found = (file.metadata() or {}).get("architecture", "unknown")
            weights = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable model file ({error}); delete it and run again") from None
    if found != architecture:
        raise UserError(
            f"{path}: holds the model {found}, but the configuration asks for {architecture}; delete it and run again"
        )
    return weights


def write_state(path: Path, state: Mapping[str, NDArray[Any]]) -> None:
    """Write the state of a training as safetensors, with the digest of its values."""
    from safetensors.numpy import save

    write_bytes(path, save(dict(state), metadata={"sha256": _digest(state)}))


def read_state(path: Path) -> dict[str, NDArray[Any]] | None:
    """Read the state of a training; None when there is none.

    Raises UserError when the file is not as it was written.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            whole = (file.metadata() or {}).get("sha256") == _digest(state)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable state of a training ({_reason(error)})") from None
    if not whole:
        raise UserError(f"{path}: the state of a training in it is damaged")
    return state


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of arrays: names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, value in sorted(arrays.items()):
        digest.update(f"{name} {value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def read_user_samples(path: Path, background: Background = "white") -> LazySamples:
    """Look at what a user brings: a sample table, or natural values and labels from an array or images.

    background: what transparent pixels of images are composited on.

    Values are read when they are asked for; `finite` reads them all. Raises UserError when the path is missing, of an
    unknown kind, or holds no numbers of one shape.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder (not found from {Path.cwd()})")
    if path.suffix == ".parquet":
        return _look_at_table(SampleRows([path]))
    found = _look_at_folder(path, background) if path.is_dir() else _look_at_array(path)
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
        raise UserError(f"{path}: {samples} samples but labels of shape {label.shape}; give one label per sample")
    if label is not None and (label.dtype.kind not in "iu" or (label != label.astype(np.int32)).any()):
        raise UserError(f"{path}: labels are {label.dtype}; they must be whole numbers that fit into int32")
    known = Samples(
        np.empty((samples, 0), dtype=np.float32),
        np.arange(samples, dtype=np.int64),
        None if label is None else label.astype(np.int32),
        None,
        found.conditions,
        dict.fromkeys(found.conditions, "1"),
        found.notes or _what(shape, found.dtype),
    )
    return LazySamples(known, shape[1:], found.dtype, found.read)


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
    """What a user brings that is no sample table: values (n, *shape) and how to read rows, labels, conditions (n,).

    And what is to be noted of it.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[NDArray[np.int64]], NDArray[Any]]
    label: NDArray[Any] | None = None
    conditions: Mapping[str, NDArray[Any]] = {}
    notes: Notes | None = None


def _look_at_table(rows: SampleRows) -> LazySamples:
    """Look at a sample table, whose values are read by row groups."""
    first = next(rows.chunks(slice(0, 1)))
    known = replace(rows.identities(), scale=first.scale)
    return LazySamples(known, first.x.shape[1:], first.x.dtype, lambda some: rows.take(some).x)


def _look_at_array(path: Path) -> _Natural:
    """Look at a NumPy file without ever executing what it holds."""
    if path.suffix not in (".npy", ".npz"):
        raise UserError(f"{path}: unknown kind of file; bring .npy, .npz, .parquet or a folder of images")
    with _array_errors(path):
        content = np.load(path, mmap_mode="r", allow_pickle=False)  # of a .npy only its header is read
        archive = None
        if not isinstance(content, np.memmap):
            content.close()
            archive = ZipFile(path)
    if archive:
        return _look_at_archive(path, archive)
    if not content.flags.c_contiguous:  # column by column
        return _Natural(content.shape, content.dtype, lambda rows: content[rows])
    stored = _Stored(path, path.open("rb"), content.offset, content.shape, content.dtype)
    return _Natural(content.shape, content.dtype, stored.read)


def _what(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Notes:
    """Note what an array is read as."""
    return Notes(f"read as {shape[0]:,} samples of {' x '.join(map(str, shape[1:]))} values, {dtype}")


def _look_at_archive(path: Path, archive: ZipFile) -> _Natural:
    """Look at a .npz: `x`, else `arr_0` or the only array; `label`; the conditions, which are small."""
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    key = next((name for name in ("x", "arr_0") if name in names), names[0] if len(names) == 1 else None)
    if key is None:
        raise UserError(
            f"{path}: has no array `x` but {', '.join(names) or 'nothing'}; save it as np.savez(path, x=...)"
        )
    stored = {name: _Stored.member(path, archive, name) for name in names}
    notes = _what(stored[key].shape, stored[key].dtype)
    if key != "x":
        notes.add(f"samples taken from its array '{key}'")
    x, label = stored.pop(key), stored.pop("label", None)
    conditions = {}
    for name, other in stored.items():
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
    *(ValueError, EOFError, OSError),  # NumPy: what is no file of its, or too short
    *(SyntaxError, tokenize.TokenError, TypeError),  # a header that is no Python literal, no type
    *(BadZipFile, KeyError, zlib.error, lzma.LZMAError, struct.error),  # an archive and what it is packed with
    *(RuntimeError, OverflowError),  # a password, another compression; a size beyond all bounds
)
"""What NumPy and zipfile raise over a file that is no array, or no more."""


@contextmanager
def _array_errors(path: Path) -> Iterator[None]:
    """Turn what is raised over a damaged file into a UserError. In it are calls of NumPy and zipfile only."""
    try:
        yield
    except DAMAGED as error:
        raise UserError(f"{path}: not a readable NumPy file of plain numbers ({_reason(error)})") from None


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
        """Return the values at the given rows. In an archive the way back is long: it begins at the first."""
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
                    self._stream.read(1)  # nothing, but after it an archive compares its check sum
            found[at] = values[rows[at] - first]
        return found


def _look_at_folder(folder: Path, background: Background) -> _Natural:
    """Look at a folder of images."""
    images = look_at_images(folder, background)
    return _Natural(images.shape, images.dtype, images.read, images.label, notes=images.notes)
