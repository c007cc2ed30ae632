"""The values of tensors in Parquet, without the levels of lists, which take Arrow seven times as long to read.

Tensors are lists of one length without nulls, so their values follow each other in the pages. The format:
https://parquet.apache.org/docs/file-format/data-pages/; Thrift's compact protocol for the headers of the pages.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

LEAF = "x.list.element"
DATA_PAGE, PLAIN = 0, 0  # of the enumerations PageType and Encoding
HEADER = 1 << 12  # bytes of a page's header, at most


def plain_values(path: Path, file: pq.ParquetFile, group: int, count: int) -> NDArray[np.float32] | None:
    """Return the `count` values of column x in a row group: (count,) float32.

    None where they are not stored as such, or are damaged: then Arrow reads them, or says what is wrong.
    """
    known = file.metadata.row_group(group)
    chunk = next((c for c in map(known.column, range(known.num_columns)) if c.path_in_schema == LEAF), None)
    if (
        chunk is None
        or {*chunk.encodings} != {"RLE", "PLAIN"}
        or (chunk.compression, chunk.physical_type, chunk.num_values) != ("ZSTD", "FLOAT", count)
        or chunk.statistics is None
        or chunk.statistics.null_count != 0
    ):
        return None
    with path.open("rb") as raw:
        raw.seek(chunk.data_page_offset)
        content = memoryview(raw.read(chunk.total_compressed_size))
    try:
        return _values(content, count)
    except Exception:  # whatever is in the place of headers and pages
        return None


def _values(content: memoryview, count: int) -> NDArray[np.float32]:
    """Return the values of a column's pages; raises some exception where they are others, or damaged."""
    values, filled, at = np.empty(count, dtype=np.float32), 0, 0
    while at < len(content):
        header, start = _struct(content[at : at + HEADER], 0)
        page = content[at + start : at + start + header[3]]
        about = header[5]
        if header[1] != DATA_PAGE or about[2] != PLAIN or zlib.crc32(page) != header[4] & 0xFFFFFFFF:
            raise ValueError
        data = memoryview(pa.Codec("zstd").decompress(page, header[2]))
        for _ in range(2):  # the levels of repetition and of definition, each after its size
            data = data[4 + int.from_bytes(data[:4], "little") :]
        found = np.frombuffer(data, dtype="<f4")
        if len(found) != about[1]:
            raise ValueError
        values[filled : filled + len(found)] = found
        filled, at = filled + len(found), at + start + len(page)
    if filled != count:
        raise ValueError
    return values


def _struct(content: memoryview, at: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a struct by number, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while (head := content[at]) != 0:
        kind, at = head & 15, at + 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(content, at)
        match kind:
            case 1 | 2:
                fields[number] = kind == 1
            case 4 | 5 | 6:
                fields[number], at = _integer(content, at)
            case 8:
                size, at = _varint(content, at)
                fields[number], at = content[at : at + size], at + size
            case 12:
                fields[number], at = _struct(content, at)
            case _:
                raise ValueError
    return fields, at + 1


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = shift = 0
    while content[at] & 128:
        value, shift, at = value | (content[at] & 127) << shift, shift + 7, at + 1
    return value | content[at] << shift, at + 1


def _integer(content: memoryview, at: int) -> tuple[int, int]:
    """Return a signed number, of which the last bit is the sign, and where it ends."""
    value, at = _varint(content, at)
    return value >> 1 ^ -(value & 1), at
