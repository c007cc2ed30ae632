"""Sample tables: written in parts, read whole, in chunks or by rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gancensus.contracts.columns import Column, width
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import (
    VALUES_AT_ONCE,
    LazySamples,
    NoteCounts,
    Notes,
    Samples,
    Scale,
    check,
    check_ids,
)
from gancensus.storage.plain_pages import plain_values
from gancensus.storage.tables import group_rows, growing, read_table, readable, versioned, write_parquet

SAMPLE_COLUMNS = (
    "sample_id (int64), x (tensor of float32), optionally label (int32), name (string) and conditions (float32 or "
    "float64)"
)
ALWAYS = ("name", "type", "unit", "low", "high", "decimals", "categories")  # facts of a column that are always written
SPARE = {one.name: one.default for one in fields(Column) if one.name not in ALWAYS}  # others, where they are known


def write_samples(path: Path, samples: Samples | LazySamples, rows: NDArray[np.int64] | None = None) -> None:
    """Write a sample table of all samples or of some rows: sample_id, label, name, conditions, x.

    x is a fixed-shape tensor. Samples that are not read yet are read, and written, a row group at a time.
    """
    samples.notes.restart()
    _write(path, partial(_some_rows, samples, rows), len(samples) if rows is None else len(rows), samples.notes.counts)


def _some_rows(samples: Samples | LazySamples, rows: NDArray[np.int64] | None, start: int, stop: int) -> pa.Table:
    """Return some of the rows of a table of samples."""
    return _sample_table(samples.take(slice(start, stop) if rows is None else rows[start:stop]))


def _write(path: Path, table: Callable[[int, int], pa.Table], count: int, notes: Callable[[], NoteCounts]) -> None:
    """Write a sample table of so many rows, of which `table` returns some, and then what has been noted of them."""
    first = table(0, 1)
    group, tensors = _layout(first)
    groups = (table(k, k + group) for k in range(0, max(1, count), group))
    write_parquet(path, first.schema, groups, group, tensors, notes)


def _layout(first: pa.Table) -> tuple[int, str]:
    """Return how many rows a row group has, and the encoding of x, in a table with such a first row."""
    group = group_rows(first.drop_columns("name") if "name" in first.column_names else first)  # names differ in length
    x = first["x"].chunk(0).storage.flatten().to_numpy()
    sparse = 2 * np.count_nonzero(x) < x.size  # as showers: a third smaller without, and four times as fast to read
    return group, "PLAIN" if sparse else "BYTE_STREAM_SPLIT"


def write_side_by_side(samples: Samples | LazySamples, tables: Mapping[Path, NDArray[np.int64]]) -> None:
    """Write some rows, ascending, into a table each, as `write_samples` does; what is decompressed serves them all."""
    run = 1 if isinstance(samples, Samples) else samples.run
    together = {path: rows for path, rows in tables.items() if len(rows) and run > 1}
    for path in tables.keys() - together.keys():
        write_samples(path, samples, tables[path])
    with ExitStack() as open_:
        parts = [(open_.enter_context(_growing(path, samples, rows)), rows) for path, rows in together.items()]
        for start in range(0, len(samples), run) if parts else ():
            for add, rows in parts:
                add(rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + run)])


@contextmanager
def _growing(
    path: Path, samples: Samples | LazySamples, rows: NDArray[np.int64]
) -> Iterator[Callable[[NDArray[np.int64]], None]]:
    """Yield a function that reads some of the rows of a table and adds them to it, in their order."""
    notes, held = Notes(), list[Samples]()

    def take(some: NDArray[np.int64]) -> Samples:
        samples.notes.restart()
        taken = samples.take(some)
        notes.update(samples.notes)
        return taken

    first = _sample_table(take(rows[:1]))
    group, tensors = _layout(first)
    with growing(path, first.schema, group, tensors, notes.counts) as write:

        def add(some: NDArray[np.int64]) -> None:
            while len(some):
                missing = group - sum(map(len, held))
                held.append(take(some[:missing]))
                some = some[missing:]
                if sum(map(len, held)) == group:
                    finish()

        def finish() -> None:
            write(_sample_table(_joined(held)))
            held.clear()

        yield add
        if held:
            finish()


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
    if samples.name is not None:
        fields.insert(len(fields) - 1 - len(samples.conditions), pa.field("name", pa.string()))
        content["name"] = samples.name
    scale = {} if samples.scale is None else {"scale": _scale_text(samples.scale)}
    return pa.table(content, schema=versioned(pa.schema(fields), scale))


def _scale_text(scale: Scale) -> str:
    """Return a scale as JSON, without optional facts that it or its columns lack."""
    known = {name: value for name, value in asdict(scale).items() if value or name not in ("columns", "left_out")}
    if "columns" in known:
        known["columns"] = [
            {name: value for name, value in column.items() if name not in SPARE or value != SPARE[name]}
            for column in known["columns"]
        ]
    return json.dumps(known)


def drop_parts(path: Path, parts: int) -> None:
    """Remove the parts beside a sample table left by an earlier run with more parts."""
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
    names = [part.name for part in parts if part.name is not None]
    return Samples(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.sample_id for part in parts]),
        np.concatenate(labels) if len(labels) == len(parts) else None,
        parts[0].scale,
        {name: np.concatenate([part.conditions[name] for part in parts]) for name in parts[0].conditions},
        parts[0].units,
        name=np.concatenate(names) if len(names) == len(parts) else None,
    )


class SampleRows:
    """A population in sample tables, read a few rows at a time: what does not fit into memory at once."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Open the parts of a population, in order; nothing but their sizes is read."""
        self.paths, self.where = paths, str(paths[0].parent)
        open_ = partial(pq.ParquetFile, page_checksum_verification=True)
        self._files = [readable(path, partial(open_, path)) for path in paths]
        sizes = [[file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)] for file in self._files]
        self._groups = [(part, group) for part, counts in enumerate(sizes) for group in range(len(counts))]
        self._ends = np.cumsum([0, *(count for counts in sizes for count in counts)])
        self._last = lru_cache(maxsize=1)(self._group)  # whose next rows are often needed next
        self._before = np.concatenate([np.cumsum([0, *counts[:-1]]) for counts in sizes])  # rows of its own file

    def __len__(self) -> int:
        return int(self._ends[-1])

    def chunks(self, rows: slice, without_x: bool = False) -> Iterator[Samples]:
        """Yield the rows, a row group (about 16 MiB) or less at a time; an empty one where there are none.

        Without x, only sample_id, label, name and conditions are read, and x has no values. Raises UserError as
        `read_samples` does.
        """
        first = min(int(np.searchsorted(self._ends, rows.start, side="right")), len(self._groups)) - 1
        last = min(max(first + 1, int(np.searchsorted(self._ends, rows.stop))), len(self._groups))
        for k in range(first, last) if self._groups else ():
            start = int(self._ends[k])
            inside = slice(max(rows.start - start, 0), max(rows.stop - start, 0))
            yield (self._group(k, True) if without_x else self._last(k)).take(inside)
        if not self._groups:
            yield _samples(self.paths[0], read_table(self.paths[0]))

    def _group(self, k: int, without_x: bool = False) -> Samples:
        """Read a row group."""
        part, group = self._groups[k]
        path, file = self.paths[part], self._files[part]
        table = readable(path, lambda: _read_group(path, file, group, without_x))
        return (_identities if without_x else _samples)(path, table, int(self._before[k]))

    def take(self, rows: NDArray[np.int64]) -> Samples:
        """Return the samples at the given rows, in their order; no other row groups are read. Raises as `chunks`."""
        if len(rows) == 0:
            return next(self.chunks(slice(0, 0)))
        groups = np.searchsorted(self._ends, rows, side="right") - 1
        where = [np.flatnonzero(groups == k) for k in np.unique(groups)]
        found = [self._last(int(groups[at[0]])).take(rows[at] - self._ends[groups[at[0]]]) for at in where]
        order = np.concatenate(where)
        return _joined(found) if (np.diff(order) > 0).all() else _joined(found).take(np.argsort(order))

    def whole(self) -> Samples:
        """Read all samples, in order. Raises as `read_samples`."""
        return read_samples(self.paths)

    def identities(self) -> Samples:
        """Return sample_id, label, name and conditions of all rows; x has no values."""
        whole = _joined(list(self.chunks(slice(0, len(self)), without_x=True)))
        return check_ids(whole, ", ".join(map(str, self.paths)))


def _read_group(path: Path, file: pq.ParquetFile, group: int, without_x: bool) -> pa.Table:
    """Read a row group, with or without x."""
    schema, rows = file.schema_arrow, file.metadata.row_group(group).num_rows
    tensor = schema.field("x").type if "x" in schema.names else None
    names = [name for name in schema.names if name != "x"]
    if without_x or not isinstance(tensor, pa.FixedShapeTensorType) or len({*schema.names}) < len(schema.names):
        return file.read_row_group(group, columns=names if without_x else None)
    width = tensor.storage_type.list_size
    values = plain_values(path, file, group, rows * width)
    if values is None:
        return file.read_row_group(group)
    table = file.read_row_group(group, columns=names)
    x = pa.ExtensionArray.from_storage(tensor, pa.FixedSizeListArray.from_arrays(pa.array(values), width))
    return pa.table({**{name: table[name] for name in names}, "x": x}, schema=schema)


class HeldRows:
    """A population in memory, as its sample table would give it back: what `SampleRows` does, on values that are held.

    `table` is what the file would hold, `notes` what was noted about the input, and about how many of its samples.
    """

    def __init__(self, samples: Samples | LazySamples, where: str, rows: NDArray[np.int64] | None = None) -> None:
        """Take samples, or some rows of them; what is not read yet is read, some rows at a time.

        Raises UserError as reading and `check` do; `where` names the population in messages.
        """
        samples.notes.restart()
        wanted = np.arange(len(samples)) if rows is None else rows
        step = max(1, VALUES_AT_ONCE // int(np.prod(samples.shape)))
        parts = [samples.take(wanted[start : start + step]) for start in range(0, max(1, len(wanted)), step)]
        whole = parts[0] if len(parts) == 1 else _joined(parts)
        self.where, self.table, self.notes = where, _sample_table(whole), samples.notes.counts()
        self._samples = _samples(Path(where), self.table)
        self._group = group_rows(self.table.select(["sample_id", "x"]).slice(0, 1))

    @classmethod
    def joined(cls, parts: Sequence[HeldRows]) -> HeldRows:
        """Return several populations of one shape as one."""
        return parts[0] if len(parts) == 1 else cls(_joined([part.whole() for part in parts]), parts[0].where)

    def __len__(self) -> int:
        return len(self._samples)

    def chunks(self, rows: slice, without_x: bool = False) -> Iterator[Samples]:
        """Yield the rows, as many at a time as a row group has; an empty one where there are none."""
        known = self.identities() if without_x else self._samples
        stop = min(rows.stop, len(self))
        ends = [*range((rows.start // self._group + 1) * self._group, stop, self._group), max(stop, rows.start)]
        for start, end in zip([rows.start, *ends], ends, strict=False):
            yield known.take(slice(start, end))

    def take(self, rows: NDArray[np.int64]) -> Samples:
        """Return the samples at the given rows, in their order."""
        return self._samples.take(rows)

    def whole(self) -> Samples:
        """Return all samples."""
        return self._samples

    def identities(self) -> Samples:
        """Return sample_id, label and conditions of all samples; x has no values."""
        return replace(self._samples, x=np.empty((len(self), 0), dtype=np.float32), scale=None)

    def write(self, path: Path) -> None:
        """Write the sample table that `write_samples` writes."""
        _write(path, lambda start, stop: self.table.slice(start, stop - start), len(self), lambda: self.notes)


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
    """Return what a table with the contract's columns, or some of its rows, has but x."""
    if "sample_id" not in table.column_names:
        raise UserError(f"{path}: column sample_id is missing; a sample table has {SAMPLE_COLUMNS}")
    units = {}
    named = "name" in table.column_names and pa.types.is_string(table.schema.field("name").type)
    own = {"sample_id": [pa.int64()], "label": [pa.int32()], **({"name": [pa.string()]} if named else {})}
    for field in table.schema:
        expected = own.get(field.name, [pa.float32(), pa.float64()])
        if field.type not in expected:
            known = " or ".join(map(str, expected))
            raise UserError(f"{path}: column {field.name} is {field.type}, it must be {known}")
        if table[field.name].null_count:
            count = table[field.name].null_count
            raise UserError(f"{path}: column {field.name} has {count} empty cells; every sample needs its value")
        if field.name not in own:
            units[field.name] = (field.metadata or {}).get(b"unit", b"1").decode()
    conditions = {name: table[name].to_numpy() for name in units}
    for name, values in conditions.items():
        if not np.isfinite(values).all():
            row = first + int(np.argmin(np.isfinite(values)))
            raise UserError(f"{path}: column {name}, row {row}: NaN or infinite; remove or repair the sample")
    label = table["label"].to_numpy() if "label" in table.column_names else None
    x = np.empty((table.num_rows, 0), dtype=np.float32)
    name = table["name"].to_numpy() if named else None
    return Samples(x, table["sample_id"].to_numpy(), label, None, conditions, units, name=name)


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
