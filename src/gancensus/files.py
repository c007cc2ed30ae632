"""The one place where files are opened: sample tables, result tables and models.

Every Parquet file is written the same way (zstd, no dictionary for numbers, row groups of fixed size, nothing about
time, host or path), to a temporary name that is then renamed: equal content gives equal bytes, and no reader ever sees
half a file. Nothing that is read can execute code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gancensus.errors import UserError
from gancensus.samples import Samples, Scale, check, check_ids, flatten

CONTRACT = "1"  # version of the file contract; raised when a column changes its meaning
ROW_GROUP_BYTES = 1 << 24
SAMPLE_COLUMNS = "sample_id (int64), x (tensor of float32), optionally label (int32) and conditions (float32)"
Columns = Mapping[str, Any]


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, temporary, error) from None


def _cannot_write(path: Path, temporary: Path, error: OSError) -> UserError:
    """Remove what was half-written and return the error to raise."""
    with suppress(OSError):
        temporary.unlink()
    reason = os.strerror(error.errno) if error.errno else str(error)
    return UserError(f"cannot write {path}: {reason}; make room or choose another results folder, then run again")


def write_table(path: Path, columns: Columns, schema: pa.Schema, about: Mapping[str, str] | None = None) -> None:
    """Write a table with the given schema; `about` are short facts kept in the file's metadata."""
    schema = schema.with_metadata({"gancensus": CONTRACT, **(about or {})})
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    row_bytes = max(1, table.nbytes // max(1, table.num_rows))
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=3,
            write_page_checksum=True,
            row_group_size=max(1, ROW_GROUP_BYTES // row_bytes),
            **_encodings(schema),
        )
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, temporary, error) from None


def _encodings(schema: pa.Schema) -> dict[str, Any]:
    """Return the encoding per column: deltas for integers, byte streams for reals, dictionaries for strings."""
    encoding, dictionary = {}, []
    for field in schema:
        if pa.types.is_integer(field.type):
            encoding[field.name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_floating(field.type):
            encoding[field.name] = "BYTE_STREAM_SPLIT"
        elif isinstance(field.type, pa.FixedShapeTensorType):
            encoding[f"{field.name}.list.element"] = "BYTE_STREAM_SPLIT"
        elif pa.types.is_string(field.type):
            dictionary.append(field.name)
    return {"column_encoding": encoding or None, "use_dictionary": dictionary or False}


def read_table(path: Path) -> pa.Table:
    """Read a table that gancensus wrote.

    Raises UserError when the file is missing, truncated or no Parquet file.
    """
    return _readable(path, lambda: pq.read_table(path, page_checksum_verification=True))


def _readable(path: Path, read: Callable[[], Any]) -> Any:
    """Return what read finds in a Parquet file, or raise UserError."""
    try:
        return read()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{path}: not a readable Parquet file, perhaps truncated ({_reason(error)}); make it anew"
        ) from None


def _reason(error: Exception) -> str:
    """Return the first line of an error."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def columns(path: Path) -> dict[str, NDArray[Any]]:
    """Read a result table as one array per column (nulls become NaN, or None in columns of strings)."""
    table = read_table(path)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def about(path: Path) -> dict[str, str]:
    """Read the short facts that a file's metadata keeps, and nothing else of it."""
    facts = _readable(path, lambda: pq.read_schema(path)).metadata or {}
    return {key.decode(): value.decode() for key, value in facts.items()}


def write_samples(path: Path, samples: Samples) -> None:
    """Write a sample table: sample_id, label where known, conditions, x as a fixed-shape tensor."""
    shape = samples.x.shape[1:]
    tensor = pa.fixed_shape_tensor(pa.float32(), shape)
    fields = [pa.field("sample_id", pa.int64()), pa.field("x", tensor, metadata={"unit": "1"})]
    flat = pa.array(np.ascontiguousarray(samples.x).reshape(-1))
    storage = pa.FixedSizeListArray.from_arrays(flat, int(np.prod(shape)))
    content = {"sample_id": samples.sample_id, "x": pa.ExtensionArray.from_storage(tensor, storage)}
    for name, values in samples.conditions.items():
        fields.insert(-1, pa.field(name, pa.float32(), metadata={"unit": samples.units.get(name, "1")}))
        content[name] = values
    if samples.label is not None:
        fields.insert(1, pa.field("label", pa.int32()))
        content["label"] = samples.label
    scale = {} if samples.scale is None else {"scale": json.dumps(asdict(samples.scale))}
    write_table(path, content, pa.schema(fields), scale)


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
        self._paths, self.where = paths, str(paths[0].parent)
        self._files = [_readable(path, partial(pq.ParquetFile, path)) for path in paths]
        sizes = [[file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)] for file in self._files]
        self._groups = [(part, group) for part, counts in enumerate(sizes) for group in range(len(counts))]
        self._ends = np.cumsum([0, *(count for counts in sizes for count in counts)])

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
            part, group = self._groups[k]
            path, file = self._paths[part], self._files[part]
            names = [name for name in file.schema_arrow.names if name != "x"] if without_x else None
            table = _readable(path, lambda: file.read_row_group(group, columns=names))  # noqa: B023
            start = int(self._ends[k])
            inside = slice(max(rows.start - start, 0), max(rows.stop - start, 0))
            yield (_identities(path, table) if without_x else _samples(path, table)).take(inside)
        if not self._groups:
            yield _samples(self._paths[0], read_table(self._paths[0]))

    def identities(self) -> Samples:
        """Return sample_id, label and conditions of all rows; x has no values."""
        whole = _joined(list(self.chunks(slice(0, len(self)), without_x=True)))
        return check_ids(whole, ", ".join(map(str, self._paths)))


def _samples(path: Path, table: pa.Table) -> Samples:
    """Return the samples of a table that has the contract's columns."""
    if "x" not in table.column_names:
        raise UserError(f"{path}: column x is missing; a sample table has {SAMPLE_COLUMNS}")
    tensor = table.schema.field("x").type
    if not isinstance(tensor, pa.FixedShapeTensorType) or tensor.value_type != pa.float32():
        raise UserError(f"{path}: column x is {tensor}, it must be a fixed-shape tensor of float32")
    x = table["x"].combine_chunks()
    empty = table["x"].null_count + x.storage.flatten().null_count
    if empty:
        raise UserError(f"{path}: column x has {empty} empty cells; every sample needs its value")
    samples = replace(_identities(path, table.drop_columns("x")), x=np.ascontiguousarray(x.to_numpy_ndarray()))
    return check(replace(samples, scale=_read_scale(path, table)), str(path))


def _identities(path: Path, table: pa.Table) -> Samples:
    """Return sample_id, label and conditions of a table that has the contract's columns but x."""
    if "sample_id" not in table.column_names:
        raise UserError(f"{path}: column sample_id is missing; a sample table has {SAMPLE_COLUMNS}")
    units = {}
    for field in table.schema:
        expected = {"sample_id": pa.int64(), "label": pa.int32()}.get(field.name, pa.float32())
        if field.type != expected:
            raise UserError(f"{path}: column {field.name} is {field.type}, it must be {expected}")
        if table[field.name].null_count:
            count = table[field.name].null_count
            raise UserError(f"{path}: column {field.name} has {count} empty cells; every sample needs its value")
        if field.name not in ("sample_id", "label"):
            units[field.name] = (field.metadata or {}).get(b"unit", b"1").decode()
    conditions = {name: table[name].to_numpy() for name in units}
    for name, values in conditions.items():
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise UserError(f"{path}: column {name}, row {row}: NaN or infinite; remove or repair the sample")
    label = table["label"].to_numpy() if "label" in table.column_names else None
    x = np.empty((table.num_rows, 0), dtype=np.float32)
    return Samples(x, table["sample_id"].to_numpy(), label, None, conditions, units)


def _read_scale(path: Path, table: pa.Table) -> Scale | None:
    """Read the scale that a sample table may keep in its metadata."""
    text = (table.schema.metadata or {}).get(b"scale")
    try:
        return None if text is None else Scale(**{k: tuple(v) for k, v in json.loads(text).items()})
    except (ValueError, TypeError, AttributeError):
        raise UserError(f"{path}: the scale in its metadata is unreadable; make the file anew") from None


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


IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
GREY = {"1": "L", "L": "L", "LA": "L"}  # Pillow's modes of grey images and what they are read as


class Natural(NamedTuple):
    """What a user brings: values x (n, *shape) in natural units, labels and conditions (n,)."""

    x: NDArray[Any]
    label: NDArray[Any] | None = None
    conditions: Mapping[str, NDArray[np.float32]] = {}


def read_user_samples(path: Path) -> Samples | Natural:
    """Read what a user brings: a sample table, or natural values (n, *shape) and labels from an array or images.

    Raises UserError when the path is missing, of an unknown kind, or holds no finite numbers of one shape.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder (looked for from {Path.cwd()})")
    if path.suffix == ".parquet":
        return read_samples([path])
    found = _read_images(path) if path.is_dir() else _read_array(path)
    x, label = found.x, found.label
    if x.ndim < 2 or x.size == 0 or x.dtype.kind not in "iuf":
        raise UserError(f"{path}: holds {x.dtype} of shape {x.shape}; it must be real numbers (samples, values, ...)")
    bad = ~np.isfinite(flatten(x)).all(axis=1)
    if bad.any():
        raise UserError(f"{path}: sample {int(np.argmax(bad))} has NaN or infinite values; remove or repair it")
    for name, values in found.conditions.items():
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise UserError(f"{path}: array {name}, row {row}: NaN or infinite; remove or repair the sample")
    if label is None:
        return found
    if label.shape != (len(x),):
        raise UserError(f"{path}: {len(x)} samples but labels of shape {label.shape}; give one label per sample")
    if label.dtype.kind not in "iu" or (label != label.astype(np.int32)).any():
        raise UserError(f"{path}: labels are {label.dtype}; they must be whole numbers that fit into int32")
    return found._replace(label=label.astype(np.int32))


def _read_array(path: Path) -> Natural:
    """Read a NumPy file without ever executing what it holds."""
    if path.suffix not in (".npy", ".npz"):
        raise UserError(f"{path}: unknown kind of file; bring .npy, .npz, .parquet or a folder of images")
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return Natural(content)
        with content:
            arrays = dict(content)
    except Exception as error:  # NumPy raises almost anything over a damaged file
        raise UserError(f"{path}: not a readable NumPy file of plain numbers ({_reason(error)})") from None
    if "x" not in arrays:
        names = ", ".join(arrays) or "nothing"
        raise UserError(f"{path}: has no array `x` but {names}; save it as np.savez(path, x=...)")
    x, label = arrays.pop("x"), arrays.pop("label", None)
    conditions = {
        name: values.astype(np.float32)
        for name, values in arrays.items()
        if values.shape == x.shape[:1] and values.dtype.kind in "iuf" and name != "sample_id"
    }
    return Natural(x, label, conditions)


def _read_images(folder: Path) -> Natural:
    """Read a folder of images of one size; subfolders are classes."""
    from PIL import Image

    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGES)
    if not paths:
        raise UserError(f"{folder}: no images in it ({', '.join(sorted(IMAGES))})")
    images = []
    for path in paths:
        try:
            with Image.open(path) as image:
                deep = image.mode in ("I", "F") or image.mode.startswith("I;16")  # more than 8 bits: Pillow would clip
                images.append(np.asarray(image if deep else image.convert(GREY.get(image.mode, "RGB"))))
        except Exception as error:  # Pillow raises almost anything over a damaged file
            raise UserError(f"{path}: not a readable image ({_reason(error)}); remove or repair it") from None
        first, last = (f"{image.dtype} of shape {image.shape}" for image in (images[0], images[-1]))
        if first != last:
            raise UserError(f"{path}: is {last}, but {paths[0]} is {first}; bring images to one size and depth")
    classes = sorted({path.parent for path in paths})
    label = np.array([classes.index(path.parent) for path in paths], dtype=np.int32) if len(classes) > 1 else None
    return Natural(np.stack(images), label)
