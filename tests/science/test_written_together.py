"""Several tables of one input, written at once: the same bytes as one after the other, and each chunk read once."""

import errno
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples, Notes, Samples
from gancensus.domains.showers.source_hdf5 import Hdf5
from gancensus.storage import hdf5_files, tables
from gancensus.storage.samples import write_samples, write_side_by_side

N, RUN = 47, 10


def lazy() -> LazySamples:
    """Samples that note, row by row, sentences whose order differs between the tables."""
    x = np.random.default_rng(1).normal(size=(N, 2, 3)).astype(np.float32)
    energy = np.linspace(1, 2, N, dtype=np.float32)
    names = np.array([f"{k}.png" for k in range(N)], dtype=object)
    known = Samples(np.empty((N, 0), np.float32), np.arange(N), conditions={"energy": energy}, notes=Notes("all"))

    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        for row in rows.tolist():
            samples.notes.add(("red", "green", "blue")[row * 7 % 3], [row])
        return x[rows]

    samples = LazySamples(known, (2, 3), np.dtype(np.float32), read, run=RUN)
    return LazySamples(Samples(**{**vars(known), "name": names}), (2, 3), samples.dtype, read, run=RUN)


@pytest.mark.parametrize("group", [1, 3, 7, 100])
def test_the_same_bytes_as_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int) -> None:
    order = np.random.default_rng(2).permutation(N)
    split = {"train": np.arange(0), "calibrate": np.sort(order[:20]), "holdout": np.sort(order[20:41])}
    monkeypatch.setattr(tables, "ROW_GROUP_BYTES", 36 * group)
    for name, rows in split.items():
        write_samples(tmp_path / "one" / name, lazy(), rows)
    write_side_by_side(lazy(), {tmp_path / "both" / name: rows for name, rows in split.items()})
    for name in split:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "both" / name).read_bytes()
    assert len([*(tmp_path / "both").iterdir()]) == 3


def test_each_chunk_of_a_file_is_decompressed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    with h5py.File(tmp_path / "showers.h5", "w") as file:
        file.create_dataset("ECAL", data=rng.random((60, 3, 3, 3), dtype=np.float32), chunks=(20, 2, 2, 2))
        file["energy"] = rng.uniform(200, 500, 60)
    monkeypatch.setattr(hdf5_files, "VALUES_AT_ONCE", 27 * 5)
    monkeypatch.setattr(tables, "ROW_GROUP_BYTES", 27 * 4 * 3)
    samples = Hdf5(path=tmp_path / "showers.h5", layout="3dgan").load(0)
    assert samples.run == 20
    read: list[int] = []
    get = hdf5_files.LastRun.get

    def counted(self: hdf5_files.LastRun, number: int, one: object) -> object:
        def again() -> object:
            read.append(number)
            return one()  # type: ignore[operator]

        return get(self, number, again)

    monkeypatch.setattr(hdf5_files.LastRun, "get", counted)
    split = {"calibrate": np.arange(0, 60, 2), "holdout": np.arange(1, 60, 2)}
    write_side_by_side(samples, {tmp_path / name: rows for name, rows in split.items()})
    assert read == [0, 1, 2]
    for name, rows in split.items():
        write_samples(tmp_path / "one", samples, rows)
        assert (tmp_path / "one").read_bytes() == (tmp_path / name).read_bytes()
    assert read == [0, 1, 2, 0, 1, 2, 0, 1, 2]


def test_a_damaged_sample_leaves_no_table(tmp_path: Path) -> None:
    samples = lazy()

    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        if 30 in rows:
            raise UserError("row 30 is bad")
        return samples.read(rows)

    bad = LazySamples(samples.known, samples.shape, samples.dtype, read, run=RUN)
    with pytest.raises(UserError, match="row 30 is bad"):
        write_side_by_side(bad, {tmp_path / "a": np.arange(0, N, 2), tmp_path / "b": np.arange(1, N, 2)})
    assert not [*tmp_path.iterdir()]


def test_the_table_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, group = pq.ParquetWriter.write_table, 36 * 3

    def full(self: pq.ParquetWriter, table: pa.Table, row_group_size: int) -> None:
        if table["sample_id"][0].as_py() % 2 == 0 and table["sample_id"][0].as_py() > 10:
            raise OSError(errno.ENOSPC, "full")
        write(self, table, row_group_size)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    monkeypatch.setattr(tables, "ROW_GROUP_BYTES", group)
    with pytest.raises(UserError, match=f"{tmp_path / 'a'}: "):
        write_side_by_side(lazy(), {tmp_path / "a": np.arange(0, N, 2), tmp_path / "b": np.arange(1, N, 2)})
    assert not [*tmp_path.iterdir()]
