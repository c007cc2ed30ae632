"""Tables as Parquet files, and any other file written whole.

Every Parquet file is written the same way (zstd, no dictionary for numbers, row groups of fixed size, nothing about
time, host or path), to a temporary name that is then renamed: equal content gives equal bytes, and no reader ever sees
half a file. Nothing that is read can execute code.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import NoteCounts
from gancensus.contracts.table import Columns

CONTRACT = "1"  # version of the file contract; raised when a column changes its meaning
ROW_GROUP_BYTES = 1 << 24
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

    A process that still writes, on a node that a cluster has given up, cannot rename the removed file, and fails.
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
    write_whole(path, as_table(columns, schema, about))


def as_table(columns: Columns, schema: pa.Schema, about: Mapping[str, str] | None = None) -> pa.Table:
    """Return columns as the table that `write_table` writes."""
    schema = versioned(schema, about)
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def write_whole(path: Path, table: pa.Table) -> None:
    """Write a table of `as_table`."""
    write_parquet(path, table.schema, [table], group_rows(table))


def versioned(schema: pa.Schema, about: Mapping[str, str] | None) -> pa.Schema:
    """Return a schema with the version of this contract and the facts about the table."""
    return schema.with_metadata({"gancensus": CONTRACT, **(about or {})})


def group_rows(table: pa.Table) -> int:
    """Return the rows of a row group, where all rows are like those of the table."""
    row_bytes: int = table.nbytes // max(1, table.num_rows)
    return max(1, ROW_GROUP_BYTES // max(1, row_bytes))


def write_parquet(
    path: Path,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    group_rows: int,
    tensors: str = "BYTE_STREAM_SPLIT",
    notes: Callable[[], NoteCounts] = dict,
) -> None:
    """Write tables as one; all but the last are whole row groups. `tensors` and `notes` as of `growing`."""
    with growing(path, schema, group_rows, tensors, notes) as write:
        for table in tables:
            write(table)


@contextmanager
def growing(
    path: Path, schema: pa.Schema, group_rows: int, tensors: str, notes: Callable[[], NoteCounts]
) -> Iterator[Callable[[pa.Table], None]]:
    """Yield a function that adds rows to a table, which is there at the end; all but the last are whole row groups.

    tensors: the encoding of samples; notes: returns what has been noted once all rows are there.
    """
    temporary = _temporary(path)
    encodings = _encodings(schema, tensors)
    options = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True, **encodings}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(temporary, schema, **options) as writer:

            def write(table: pa.Table) -> None:
                try:
                    writer.write_table(table, row_group_size=group_rows)
                except OSError as error:  # named here, as several tables may be growing
                    raise _cannot_write(path, temporary, error) from None

            yield write
            if noted := notes():
                writer.add_key_value_metadata({NOTES: json.dumps(noted)})
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

    Raises UserError when the file is missing, truncated or not a Parquet file.
    """

    def read() -> pa.Table:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:  # pq.read_table would import pandas
            table = file.read(columns=names)
        try:
            return table if names is None else table.select(list(names))
        except KeyError as error:
            raise pa.ArrowInvalid(f"no column {error.args[0]}") from None

    return readable(path, read)


def readable(path: Path, read: Callable[[], Any]) -> Any:
    """Return what read finds in a Parquet file, or raise UserError."""
    try:
        return read()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{path}: not a readable Parquet file, perhaps truncated ({reason_of(error)}); recreate it"
        ) from None


def reason_of(error: Exception) -> str:
    """Return the first line of an error."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def columns(path: Path, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read a result table, or some of it, as one array per column (nulls become NaN, or None in columns of strings)."""
    return columns_in(read_table(path, names))


def columns_in(table: pa.Table) -> dict[str, NDArray[Any]]:
    """Return a result table as one array per column, as `columns` does."""
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def about(path: Path) -> dict[str, str]:
    """Read the short facts that a file's metadata keeps, and nothing else of it."""
    return _decoded(readable(path, lambda: pq.read_metadata(path)).metadata)


def about_table(table: pa.Table) -> dict[str, str]:
    """Return the short facts that the metadata of a table in memory keeps."""
    return _decoded(table.schema.metadata)


def _decoded(facts: Mapping[bytes, bytes] | None) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (facts or {}).items()}


def value_digest(path: Path) -> str:
    """Return the SHA-256 of what a table says: facts, names and types of its columns, and their values in order.

    It is the same for any encoding and any row groups. Raises UserError as `read_table` does.
    """
    file = readable(path, lambda: pq.ParquetFile(path, page_checksum_verification=True))
    facts = sorted((key, value) for key, value in about(path).items() if key != "ARROW:schema")
    whole = hashlib.sha256(repr(facts).encode())
    streams = {field.name: _Stream(field.type) for field in file.schema_arrow}
    for group in range(file.num_row_groups):
        table = readable(path, partial(file.read_row_group, group))
        for name, stream in streams.items():
            for chunk in table[name].chunks:
                stream.update(chunk)
    for name, stream in streams.items():
        whole.update(f"{name} {stream.digest()}\n".encode())
    return whole.hexdigest()


class _Stream:
    """The digest of a column, whose values come in any number of pieces."""

    def __init__(self, kind: pa.DataType) -> None:
        self._values, self._nulls, self._rows = hashlib.sha256(_kind(kind).encode()), hashlib.sha256(), 0

    def update(self, values: pa.Array) -> None:
        """Take numbers as they are in memory, all others as Python writes them, nulls by their rows."""
        if values.null_count:
            nulls = np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))
            self._nulls.update((nulls + self._rows).astype(np.int64).tobytes())
        self._rows += len(values)
        tensors = isinstance(values.type, pa.FixedShapeTensorType)
        flat = values.storage.flatten() if tensors else values
        numeric = pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type)
        if numeric and not (tensors and flat.null_count):
            known = flat.fill_null(0) if flat.null_count else flat
            self._values.update(known.to_numpy(zero_copy_only=False))
        else:
            self._values.update("".join(f"{value!r}\n" for value in values.to_pylist()).encode())

    def digest(self) -> str:
        """Return the digest of all that was taken."""
        return f"{self._values.hexdigest()} {self._nulls.hexdigest()}"


def _kind(kind: pa.DataType) -> str:
    """Return the name of a type, which for tensors has varied between versions of pyarrow."""
    return f"tensor {kind.value_type} {kind.shape}" if isinstance(kind, pa.FixedShapeTensorType) else str(kind)
