"""Values of sample tables, read without the levels of lists, are those that Arrow reads; damage is found as before."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.storage import samples as storage
from gancensus.storage import tables
from gancensus.storage.plain_pages import plain_values
from gancensus.storage.samples import SampleRows, write_samples


def sparse(count: int, *shape: int) -> Samples:
    """Return samples of which a third is not 0, and some values of every kind that float32 has."""
    rng = np.random.default_rng(count)
    x = rng.normal(size=(count, *shape)).astype(np.float32) * (rng.random((count, *shape)) < 0.3)
    x = x.astype(np.float32)
    x.ravel()[-4:] = np.array([-0.0, 1e-45, 3.4e38, -1e-38], dtype=np.float32)
    energy = rng.random(count).astype(np.float32)
    return Samples(x, np.arange(count), rng.integers(0, 3, count).astype(np.int32), None,
                   {"energy": energy}, {"energy": "GeV"})  # fmt: skip


def values(path: Path) -> NDArray[np.float32]:
    rows = SampleRows([path])
    return np.concatenate([some.x for some in rows.chunks(slice(0, len(rows)))])


@pytest.mark.parametrize(("count", "shape"), [(2, (40,)), (70, (3, 5)), (40, (51, 51, 25)), (3, (1400, 1000))])
def test_the_same_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, shape: tuple[int, ...]) -> None:
    """Of one page and of many, one row group and several."""
    path, samples = tmp_path / "x.parquet", sparse(count, *shape)
    monkeypatch.setattr(tables, "ROW_GROUP_BYTES", 1 << 22)
    write_samples(path, samples)
    file = pq.ParquetFile(path)
    read = [plain_values(path, file, g, file.metadata.row_group(g).num_rows * int(np.prod(shape)))
            for g in range(file.num_row_groups)]  # fmt: skip
    assert b"".join(one.tobytes() for one in read if one is not None) == samples.x.tobytes()
    some = next(SampleRows([path]).chunks(slice(0, 1)))
    monkeypatch.setattr(storage, "plain_values", lambda *_: None)
    other = next(SampleRows([path]).chunks(slice(0, 1)))
    for name in ("x", "sample_id", "label"):
        np.testing.assert_array_equal(getattr(some, name), getattr(other, name), strict=True)
    assert (some.units, some.scale) == (other.units, other.scale)
    np.testing.assert_array_equal(some.conditions["energy"], other.conditions["energy"], strict=True)


@pytest.mark.parametrize(
    "form",
    [
        {"compression": "snappy", "use_dictionary": False},
        {"compression": "zstd", "use_dictionary": True},
        {"compression": "zstd", "use_dictionary": False, "data_page_version": "2.0"},
        {"compression": "zstd", "use_dictionary": False, "write_statistics": False},
        {"compression": "zstd", "use_dictionary": False, "write_page_checksum": False},
        {"compression": "none", "use_dictionary": False},
    ],
)
def test_other_files_are_read_by_arrow(tmp_path: Path, form: dict[str, Any]) -> None:
    samples = sparse(20, 6)
    pq.write_table(storage._sample_table(samples), tmp_path / "x.parquet", **form)
    assert plain_values(tmp_path / "x.parquet", pq.ParquetFile(tmp_path / "x.parquet"), 0, 120) is None
    np.testing.assert_array_equal(values(tmp_path / "x.parquet"), samples.x)


def test_empty_cells_are_refused(tmp_path: Path) -> None:
    tensor = pa.fixed_shape_tensor(pa.float32(), (2,))
    cells = pa.FixedSizeListArray.from_arrays(pa.array([0, None, 0, 1], pa.float32()), 2)
    table = pa.table({"sample_id": pa.array([1, 2]), "x": pa.ExtensionArray.from_storage(tensor, cells)})
    pq.write_table(table, tmp_path / "x.parquet", compression="zstd", use_dictionary=False, write_page_checksum=True)
    with pytest.raises(UserError, match="1 empty cells"):
        values(tmp_path / "x.parquet")


def test_damage_never_changes_a_value(tmp_path: Path) -> None:
    """A byte of headers and pages that is another: the file is refused, or the byte says nothing about the values."""
    path, samples = tmp_path / "x.parquet", sparse(9, 7)
    write_samples(path, samples)
    whole = path.read_bytes()
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(3)
    assert chunk.path_in_schema == "x.list.element"
    assert plain_values(path, pq.ParquetFile(path), 0, 9 * 7) is not None
    first, refused = chunk.data_page_offset, 0
    for at in range(first, first + chunk.total_compressed_size):
        for mask in (1, 255):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :])
            try:
                assert values(path).tobytes() == samples.x.tobytes()
            except UserError:
                refused += 1
    assert refused > chunk.total_compressed_size
