"""Samples in data sets of HDF5 files, by their names."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from gancensus.contracts.errors import UserError
from gancensus.domains.general import generator_files, generator_hdf5_array, source_files, source_hdf5_array, source_npz

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 3, 6, 5)).astype(np.float32)
RUN = np.arange(40) // 10
LABEL = np.arange(40) % 3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("events/x", data=X, chunks=(7, 3, 6, 5), compression="gzip")
        file["events/label"] = LABEL
        file["events/run"] = RUN
        file["events/other"] = X[:7]
        file["else/run"] = RUN
        file["events/soft"] = h5py.SoftLink("/else/run")
        file["outside"] = h5py.ExternalLink("b.h5", "x")
    return tmp_path / "a.h5"


def test_it_is_read_as_an_npz_is(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), x=X, label=LABEL, run=RUN, other=X[:7])
    found = source_hdf5_array.Hdf5Array(path=path, samples="/events/x", channels="first").load(0)
    other = source_npz.Npz(path=path.with_suffix(".npz"), channels="first").load(0)
    rows = np.array([31, 2, 2, 17])
    one, two = found.take(rows), other.take(rows)
    assert np.array_equal(one.x, two.x)
    assert one.x.shape == (4, 6, 5, 3)
    assert one.scale == two.scale
    assert np.array_equal(one.label if one.label is not None else [], LABEL[rows])
    assert list(one.conditions) == ["run"]
    assert np.array_equal(one.conditions["run"], RUN[rows])
    assert "samples taken from its data set 'events/x'" in one.notes.counts()
    assert [note for note in one.notes.counts() if note.startswith("array 'other' left out")]


def test_groups_and_labels_by_name(path: Path) -> None:
    found = source_hdf5_array.Hdf5Array(path=path, samples="events/x", labels="else/run", group="run", channels="last")
    samples = found.load(0).take(slice(None))
    assert samples.label is not None
    assert samples.group is not None
    assert np.array_equal(samples.label, RUN)
    assert np.array_equal(samples.group, RUN)


def test_generated_ones_are_in_natural_units(path: Path) -> None:
    found = generator_hdf5_array.Hdf5Array(path=path, samples="events/x", channels="first").look()
    assert np.array_equal(found.take(slice(5, 9)).x, np.moveaxis(X[5:9], 1, -1))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("events/y", "has no data set 'events/y' of numbers; did you mean 'events/x'?"),
        ("outside", "has no data set 'outside'"),
        ("events", "has no data set 'events'"),
        ("events/run", "must be real numbers"),
    ],
)
def test_what_is_not_there(path: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        source_hdf5_array.Hdf5Array(path=path, samples=name, channels="last").load(0)


def test_channels_have_to_be_said_where_they_look_first(path: Path) -> None:
    with pytest.raises(UserError, match="channels first; write `channels: first`"):
        source_hdf5_array.Hdf5Array(path=path, samples="events/x").load(0)
    with pytest.raises(UserError, match="labels"):
        source_hdf5_array.Hdf5Array(path=path, samples="events/x", labels="events/x").load(0)


def test_other_files_are_for_other_kinds(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="kind hdf5-array reads a data set"):
        source_files.Files(path=path).load(0)
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(UserError, match=r"a\.npy: no \.h5; use kind files"):
        source_hdf5_array.Hdf5Array(path=tmp_path / "a.npy", samples="x").load(0)


def test_arrays_without_names_with_channels_first(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    found = generator_files.Files(path=tmp_path / "a.npy", channels="first").look()
    assert np.array_equal(found.take(slice(None)).x, np.moveaxis(X, 1, -1))
    assert source_files.Files(path=tmp_path / "a.npy", channels="first").load(0).shape == (6, 5, 3)
    np.save(tmp_path / "b.npy", X[:, 0])
    with pytest.raises(UserError, match="no channels to be moved"):
        generator_files.Files(path=tmp_path / "b.npy", channels="first").look()
