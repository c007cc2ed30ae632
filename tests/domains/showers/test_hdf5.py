"""Showers in HDF5 files, as real and as generated samples."""

from __future__ import annotations

import math
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import VALUES_AT_ONCE, LazySamples
from gancensus.domains.showers import shower_file
from gancensus.domains.showers.generator_hdf5 import Hdf5 as Generated
from gancensus.domains.showers.source_hdf5 import Hdf5
from gancensus.storage import hdf5_files

GEANT4 = Path(__file__).parents[3].parent / "shared" / "data" / "geant4-electrons.h5"
GRID = (5, 4, 3)
Arrays = dict[str, Any]


def write(path: Path, arrays: Arrays, **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, **(options if np.ndim(values) > 1 else {}))
    return path


def electrons(samples: int = 40) -> Arrays:
    """The layout 3dgan: a few per cent of the energy, many empty cells."""
    rng = np.random.default_rng(1)
    energy = rng.uniform(10, 500, samples)
    cells = rng.random((samples, *GRID)) * (rng.random((samples, *GRID)) < 0.5) / math.prod(GRID) * 0.05
    return {
        "ECAL": (cells * energy[:, None, None, None]).astype(np.float32),
        "energy": energy,
        "theta": rng.uniform(1.05, 2.09, samples),
    }


def photons(samples: int = 40) -> Arrays:
    """The layout calochallenge: MeV, float64."""
    rng = np.random.default_rng(2)
    energy = 1000 * rng.uniform(1, 1000, (samples, 1))
    return {"showers": energy * rng.random((samples, 30)) / 30, "incident_energies": energy}


def load(path: Path, layout: str = "3dgan", **keys: Any) -> LazySamples:
    return Hdf5.model_validate({"path": path, "layout": layout, **keys}).load(0)


# Values


@pytest.mark.parametrize("options", [{}, {"chunks": True}, {"chunks": (7, 2, 4, 3), "compression": "gzip"}])
@pytest.mark.parametrize("angle", ["theta", "mtheta"])
def test_3dgan_in_natural_units(tmp_path: Path, options: Arrays, angle: str) -> None:
    stored = electrons()
    stored[angle] = stored.pop("theta")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("ECAL", data=stored["ECAL"], **options)
        file["energy"], file[angle] = stored["energy"], stored[angle]
    found = load(tmp_path / "a.h5")
    assert (len(found), found.shape, found.known.units) == (40, GRID, {"energy": "GeV", "angle": "rad"})
    everything = found.take(slice(None))
    assert everything.sample_id.tolist() == list(range(40))
    np.testing.assert_array_equal(everything.natural(), stored["ECAL"])  # a power of two costs no bit
    np.testing.assert_array_equal(everything.conditions["energy"], stored["energy"].astype(np.float32))
    np.testing.assert_array_equal(everything.conditions["angle"], stored[angle].astype(np.float32))
    assert everything.x.dtype == np.float32
    assert everything.scale is not None
    assert everything.scale.high == (512.0,)  # GeV: the largest energy is below 500


def test_theta_before_mtheta_and_neither(tmp_path: Path) -> None:
    stored = electrons()
    write(tmp_path / "both.h5", {**stored, "mtheta": stored["theta"] + 0.5})
    np.testing.assert_allclose(load(tmp_path / "both.h5").known.conditions["angle"], stored["theta"], rtol=1e-6)
    del stored["theta"]
    found = load(write(tmp_path / "none.h5", stored)).known
    assert list(found.conditions) == list(found.units) == ["energy"]


def test_a_last_axis_of_one_and_energies_in_a_column(tmp_path: Path) -> None:
    stored = electrons()
    wrapped = {
        "ECAL": stored["ECAL"][..., None],
        "energy": stored["energy"][:, None],
        "theta": stored["theta"][:, None],
    }
    plain, found = load(write(tmp_path / "a.h5", stored)), load(write(tmp_path / "b.h5", wrapped))
    assert found.shape == GRID
    np.testing.assert_array_equal(found.take(slice(None)).x, plain.take(slice(None)).x)
    np.testing.assert_array_equal(found.known.conditions["energy"], plain.known.conditions["energy"])


@pytest.mark.parametrize("inner", [(2,), (5,), (1, 5)])
def test_energies_beside_the_number_of_the_particle(tmp_path: Path, inner: tuple[int, ...]) -> None:
    """As in the first data sets of 3DGAN, which its programs read as target[:, 1]; a dataset `energy` comes first."""
    stored = electrons()
    target = np.full((40, *inner), 11.0)
    target[..., 1] = np.reshape(stored["energy"], (40, *[1] * (len(inner) - 1)))
    energy = stored.pop("energy")
    found = load(write(tmp_path / "a.h5", stored | {"target": target}))
    np.testing.assert_array_equal(found.known.conditions["energy"], energy.astype(np.float32))
    found = load(write(tmp_path / "b.h5", stored | {"target": energy}))
    np.testing.assert_array_equal(found.known.conditions["energy"], energy.astype(np.float32))
    found = load(write(tmp_path / "c.h5", stored | {"target": target, "energy": energy / 2}))
    np.testing.assert_array_equal(found.known.conditions["energy"], (energy / 2).astype(np.float32))


def test_coarsened_cells_are_sums(tmp_path: Path) -> None:
    stored = electrons()
    found = load(write(tmp_path / "a.h5", stored), coarsen=2)
    assert found.shape == (3, 2, 2)
    cells = found.take(slice(None)).natural()
    np.testing.assert_allclose(cells.sum(axis=(1, 2, 3)), stored["ECAL"].sum(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(cells[:, 0, 1, 1], stored["ECAL"][:, :2, 2:, 2].sum(axis=(1, 2)), rtol=1e-6)


def test_calochallenge_is_in_mev_with_its_binning(tmp_path: Path) -> None:
    stored = photons()
    found = load(write(tmp_path / "a.hdf5", stored), "calochallenge", binning=[5, 3, 2])
    assert (found.shape, found.known.units) == ((5, 3, 2), {"energy": "GeV"})
    some = found.take(slice(None))
    np.testing.assert_allclose(some.natural(), stored["showers"].reshape(-1, 5, 3, 2) / 1000, rtol=1e-6)
    np.testing.assert_allclose(some.conditions["energy"], stored["incident_energies"][:, 0] / 1000, rtol=1e-6)


def test_showers_of_one_event_belong_together(tmp_path: Path) -> None:
    event = 2**53 + np.array([4, 1, 4, 2])  # beyond what a float tells apart
    path = write(tmp_path / "a.h5", electrons(4) | {"event": event})
    known = load(path, group="event").known
    assert known.group is not None
    assert known.group.tolist() == [2, 0, 2, 1]
    assert load(path).known.group is None
    with pytest.raises(UserError, match="has no dataset events, but ECAL, energy, event, theta; `group` needs it"):
        load(path, group="events")
    lost = write(tmp_path / "b.h5", electrons(4) | {"event": [1.0, math.nan, 1.0, 2.0]})
    with pytest.raises(UserError, match="dataset event, row 1: NaN or infinite"):
        load(lost, group="event")
    with pytest.raises(UserError, match=r"dataset ECAL has shape .* one number per shower is needed"):
        load(path, group="ECAL")


def test_a_generator_gives_natural_values(tmp_path: Path) -> None:
    stored = electrons()
    generator = Generated(path=write(tmp_path / "a.h5", stored), layout="3dgan")
    found = generator.look()
    assert not generator.trained
    assert generator.files() == [tmp_path / "a.h5"]
    assert (found.known.scale, found.known.units) == (None, {"energy": "GeV", "angle": "rad"})
    cells = found.read(np.arange(40))
    np.testing.assert_array_equal(cells, stored["ECAL"])
    assert cells.dtype == found.dtype == np.float32


def test_rounding_below_zero_is_zero(tmp_path: Path) -> None:
    stored = electrons()
    stored["ECAL"][3, 0, 0, 0] = -1e-9 * stored["energy"][3]
    stored["ECAL"][4, 0, 0, 0] = -0.0
    found = load(write(tmp_path / "a.h5", stored)).read(np.array([3, 4]))
    assert (found >= 0).all()
    assert not np.signbit(found).any()


@given(st.lists(st.integers(0, 39), min_size=0, max_size=60), st.sampled_from([(1, 1), (64, 64), (400, 900)]))
def test_rows_in_any_order(tmp_path: Path, rows: list[int], limits: tuple[int, int]) -> None:
    """Whatever is read together, a row has the values that the file has for it."""
    path = tmp_path / "a.h5"
    if not path.exists():
        write(path, electrons(), chunks=True)
    found = load(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5_files, "VALUES_AT_ONCE", limits[0])
        patch.setattr(hdf5_files, "WIDEST", limits[1])
        some = found.take(np.array(rows, dtype=np.int64))
    np.testing.assert_array_equal(some.natural(), electrons()["ECAL"][rows].reshape(-1, *GRID))
    assert some.sample_id.tolist() == rows


# Memory: what is asked of h5py


class Reads:
    """The slices of rows that are read of the cells, and their bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str = "/ECAL") -> None:
        self.slices: list[tuple[int, int]] = []
        self.bytes: list[int] = []
        original = h5py.Dataset.__getitem__

        def recorded(dataset: Any, key: Any, **options: Any) -> Any:
            values = original(dataset, key, **options)
            if dataset.name == name:
                self.slices.append((key.start, key.stop))
                self.bytes.append(values.nbytes)
            return values

        monkeypatch.setattr(h5py.Dataset, "__getitem__", recorded)


def huge(path: Path, samples: int, chunks: tuple[int, ...], grid: tuple[int, ...] = (51, 51, 25)) -> Path:
    """A file whose chunks were never written: of any size, and all zeros but for the first row."""
    with h5py.File(path, "w") as file:
        cells = file.create_dataset("ECAL", (samples, *grid), "f4", chunks=chunks, compression="gzip")
        cells[0, 2, 2, 2] = 0.5
        file["energy"] = np.full(samples, 100.0, dtype=np.float32)
    return path


@pytest.mark.parametrize("chunks", [(16, 51, 51, 25), (313, 4, 7, 4)])
def test_100_gb_take_no_more_memory_than_100_mb(
    tmp_path: Path, chunks: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both on load and per read, in bytes; the larger file has 104 GB of cells."""
    rows = np.arange(100, 700, 4)[:96]
    most, peaks = [], []
    for samples in (800, 400_000):
        path = huge(tmp_path / f"{samples}.h5", samples, chunks)
        with monkeypatch.context() as patch:
            reads = Reads(patch)
            tracemalloc.start()
            found = load(path)
            assert sum(reads.bytes) == shower_file.FIRST * 51 * 51 * 25 * 4  # those that show the unit
            found.read(rows)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            most.append(max(reads.bytes))
            assert max(stop - start for start, stop in reads.slices) <= max(64, chunks[0])
    assert most[0] == most[1] <= 4 * hdf5_files.WIDEST
    assert peaks[1] < peaks[0] + 16 * 400_000  # energies and numbers of the samples


@pytest.mark.parametrize("every", [1, 2])
def test_a_large_chunk_is_read_once_by_many_calls(tmp_path: Path, every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As h5py makes chunks by itself, of hundreds of showers, and as samples are taken, some dozens at a time."""
    found = load(huge(tmp_path / "a.h5", 700, (313, 4, 7, 4)))
    reads = Reads(monkeypatch)
    for start in range(0, 700, 50):
        found.read(np.arange(start, start + 50, every))
    assert reads.slices == [(0, 313), (313, 626), (626, 700)]


@pytest.mark.parametrize("chunk", [4, 24, 100, 313])
@pytest.mark.parametrize("every", [1, 4])
def test_a_chunk_is_read_once(tmp_path: Path, chunk: int, every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a size that 64 make a read, and 500 the widest."""
    monkeypatch.setattr(hdf5_files, "VALUES_AT_ONCE", 64 * 60)
    monkeypatch.setattr(hdf5_files, "WIDEST", 500 * 60)
    found = load(huge(tmp_path / "a.h5", 2000, (chunk, *GRID), GRID))
    reads = Reads(monkeypatch)
    found.read(np.arange(0, 700, every))
    touched = [c for start, stop in reads.slices for c in range(start // chunk, (stop - 1) // chunk + 1)]
    assert sorted(touched) == sorted({row // chunk for row in range(0, 700, every)})


def test_rows_far_apart_are_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(huge(tmp_path / "a.h5", 400_000, (16, 51, 51, 25)))
    reads = Reads(monkeypatch)
    assert found.read(np.array([399_999, 0, 5000])).sum(axis=(1, 2, 3)).tolist() == [0.0, 0.5 / 128, 0.0]
    assert sorted(reads.slices) == [(0, 1), (5000, 5001), (399_999, 400_000)]


def test_a_chunk_of_too_many_rows_is_read_in_parts(tmp_path: Path) -> None:
    assert hdf5_files.rows_at_once((400_000, 51, 51, 25), (12_500, 2, 2, 2)) == hdf5_files.WIDEST // (51 * 51 * 25)
    assert hdf5_files.rows_at_once((10, 10**9), None) == 1
    assert hdf5_files.rows_at_once((10**6, 368), None) == VALUES_AT_ONCE // 368


# What is wrong


def broken(change: Callable[[Arrays], None]) -> Arrays:
    stored = electrons()
    change(stored)
    return stored


def put(name: str, where: Any, value: float) -> Callable[[Arrays], None]:
    def change(stored: Arrays) -> None:
        stored[name][where] = value

    return change


def replaced(name: str, make: Callable[[NDArray[Any]], Any]) -> Callable[[Arrays], None]:
    def change(stored: Arrays) -> None:
        stored[name] = make(stored[name])

    return change


WRONG: dict[str, tuple[Callable[[Arrays], None], str]] = {
    "missing": (lambda s: s.pop("ECAL"), "has no dataset ECAL, but energy, theta"),
    "no energy": (lambda s: s.pop("energy"), "has no dataset energy, but ECAL, theta"),
    "rank": (replaced("ECAL", lambda x: x.reshape(40, -1)), r"ECAL has shape \(40, 60\); it must be \(N, x, y, z\)"),
    "empty": (replaced("ECAL", lambda x: x[:0]), "dataset ECAL holds no showers"),
    "channels": (replaced("ECAL", lambda x: np.stack([x, x], axis=-1)), "ECAL has shape"),
    "length": (replaced("energy", lambda e: e[:39]), r"energy has shape \(39,\), but ECAL has 40 showers"),
    "theta length": (replaced("theta", lambda e: e[:39]), r"theta has shape \(39,\), but ECAL has 40 showers"),
    "text": (replaced("energy", lambda e: np.array([b"x"] * 40)), r"energy is \|S1; it must be an array of real num"),
    "complex": (replaced("ECAL", lambda x: x + 0j), "ECAL is complex"),
    "NaN": (put("ECAL", (39, 1, 1, 1), math.nan), "ECAL, row 39: NaN or infinite cells"),
    "infinite": (put("ECAL", (7, 1, 1, 1), math.inf), "ECAL, row 7: NaN or infinite cells"),
    "too large": (
        replaced("ECAL", lambda x: x.astype("f8") + np.eye(40)[17, :, None, None, None] * 1e300),
        "row 17: NaN",
    ),
    "negative": (put("ECAL", (12, 0, 0, 0), -0.01), "ECAL, row 12: a cell below 0"),
    "zero energy": (put("energy", 5, 0.0), "energy, row 5: an energy that is not above 0"),
    "negative energy": (put("energy", 6, -1.0), "energy, row 6: an energy that is not above 0"),
    "NaN energy": (put("energy", 8, math.nan), "energy, row 8: NaN or infinite"),
    "NaN angle": (put("theta", 9, math.nan), "theta, row 9: NaN or infinite"),
    "degrees": (put("theta", slice(3, None), 90.0), "theta, row 3: an angle outside 0 ... pi; it must be in rad"),
    "cells in MeV": (replaced("ECAL", lambda x: x * 1000), "cells look like MeV, energy like GeV: provide both in GeV"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_are_named(tmp_path: Path, name: str) -> None:
    change, message = WRONG[name]
    path = write(tmp_path / "a.h5", broken(change))
    with pytest.raises(UserError, match=message) as caught:
        load(path).read(np.arange(40))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("value", "what"), [(math.nan, "NaN or infinite cells"), (-1.0, "a cell below 0")])
def test_a_wrong_row_is_found_when_it_is_read(tmp_path: Path, value: float, what: str) -> None:
    stored = electrons(200)
    stored["ECAL"][[150, 180], 1, 1, 1] = value
    found = load(write(tmp_path / "a.h5", stored))
    assert len(found.read(np.arange(150))) == 150
    with pytest.raises(UserError, match=f"ECAL, row 150: {what}; remove or repair the shower"):
        found.read(np.array([199, 180, 150, 100]))


def test_an_angle_of_pi_is_none_in_degrees(tmp_path: Path) -> None:
    stored = broken(put("theta", 0, math.pi))
    stored["theta"] = stored["theta"].astype(np.float32)
    assert load(write(tmp_path / "a.h5", stored)).known.conditions["angle"][0] == np.float32(math.pi)


def test_the_other_layout_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no dataset showers, but .*; is its layout '3dgan'\?"):
        load(write(tmp_path / "a.h5", electrons()), "calochallenge", binning=[60])
    with pytest.raises(UserError, match=r"but incident_energies, showers; is its layout 'calochallenge'\?"):
        load(write(tmp_path / "b.h5", photons()))


def test_binning_must_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", photons())
    with pytest.raises(UserError, match="rows of 30 voxels, but binning 4 x 7 is 28; correct `binning`"):
        load(path, "calochallenge", binning=[4, 7])


def test_calochallenge_of_other_rank_or_unit(tmp_path: Path) -> None:
    stored = photons()
    cube = write(tmp_path / "a.h5", {**stored, "showers": stored["showers"].reshape(-1, 5, 6)})
    with pytest.raises(UserError, match=r"showers has shape \(40, 5, 6\); it must be \(N, voxels\)"):
        load(cube, "calochallenge", binning=[30])
    mixed = write(tmp_path / "b.h5", {**stored, "incident_energies": stored["incident_energies"] / 1000})
    with pytest.raises(UserError, match="cells look like MeV, incident_energies like GeV: provide both in MeV"):
        load(mixed, "calochallenge", binning=[30])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"layout": "calochallenge"}, "needs `binning`"),
        ({"layout": "calochallenge", "binning": []}, "at least 1 item"),
        ({"layout": "calochallenge", "binning": [45, 0, 9]}, "greater than or equal to 1"),
        ({"layout": "calochallenge", "binning": [30], "coarsen": 2}, "remove `coarsen`"),
        ({"layout": "3dgan", "binning": [5, 4, 3]}, "remove `binning`"),
        ({"layout": "3dgan", "coarsen": 0}, "greater than or equal to 1"),
        ({"layout": "3gan"}, "Input should be '3dgan' or 'calochallenge'"),
    ],
)
@pytest.mark.parametrize("kind", [Hdf5, Generated])
def test_keys_that_exclude_each_other(kind: type[Hdf5], keys: Arrays, message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        kind.model_validate({"path": "a.h5", **keys})


def test_files_that_are_no_hdf5(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "a.h5")
    (tmp_path / "text.h5").write_text("ECAL")
    with pytest.raises(UserError, match="not a readable HDF5 file"):
        load(tmp_path / "text.h5")
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_truncated_files(tmp_path: Path, share: float) -> None:
    whole = write(tmp_path / "a.h5", electrons(2000), chunks=True, compression="gzip").read_bytes()
    (tmp_path / "b.h5").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match=r"b\.h5: not a readable HDF5 file, perhaps truncated"):
        load(tmp_path / "b.h5").read(np.arange(2000))


def test_a_damaged_chunk(tmp_path: Path) -> None:
    """A file that opens, but of which a chunk cannot be decompressed."""
    path = write(tmp_path / "a.h5", electrons(2000), chunks=(100, *GRID), compression="gzip")
    with h5py.File(path) as file:
        chunk = file["ECAL"].id.get_chunk_info(15)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(content)
    found = load(path)
    with pytest.raises(UserError, match="not a readable HDF5 file, perhaps truncated"):
        found.read(np.arange(1500, 1600))
    assert len(found.read(np.arange(1400))) == 1400


def elsewhere(file: Any, other: Path, how: str) -> None:
    """Put a dataset ECAL that is not in the file itself."""
    if how == "external link":
        file["ECAL"] = h5py.ExternalLink(str(other), "ECAL")
    elif how == "soft link":
        file["ECAL"] = h5py.SoftLink("/outside/ECAL")
        file["outside"] = h5py.ExternalLink(str(other), "/")
    elif how == "virtual":
        layout = h5py.VirtualLayout((40, *GRID), "f4")
        layout[:] = h5py.VirtualSource(str(other), "ECAL", (40, *GRID))
        file.create_virtual_dataset("ECAL", layout)
    else:
        file.create_dataset("ECAL", (40, *GRID), "f4", external=[(str(other), 0, h5py.h5f.UNLIMITED)])


@pytest.mark.parametrize("how", ["external link", "soft link", "virtual", "external storage"])
def test_data_of_other_files_are_refused(tmp_path: Path, how: str) -> None:
    """A configuration names all that is read, or changes of it would go unnoticed."""
    stored = electrons()
    other = write(tmp_path / "other.h5", stored)
    path = write(tmp_path / "a.h5", {"energy": stored["energy"]})
    with h5py.File(path, "a") as file:
        elsewhere(file, other, how)
    with pytest.raises(UserError, match="dataset ECAL lies elsewhere, in other files or behind a link"):
        load(path)


def test_a_group_in_place_of_a_dataset(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", {"ECAL/energy": np.ones(3), "energy": np.ones(3)})
    with pytest.raises(UserError, match="dataset ECAL is a group"):
        load(path)


# A real file


@pytest.mark.skipif(not GEANT4.exists(), reason="needs ../shared/data/geant4-electrons.h5")
def test_showers_of_geant4() -> None:
    found = load(GEANT4)
    assert (len(found), found.shape) == (1500, (51, 51, 25))
    rows = np.concatenate([np.arange(200, 400), [1499, 3]])
    some = found.take(rows)
    sums = some.natural().sum(axis=(1, 2, 3))
    with h5py.File(GEANT4) as file:
        own = file["ECAL"][200:400].sum(axis=(1, 2, 3), dtype=np.float64)
        last = [file["ECAL"][row].sum(dtype=np.float64) for row in (1499, 3)]
        energies = file["energy"][:].astype(np.float32)
    np.testing.assert_array_equal(found.known.conditions["energy"], energies)
    np.testing.assert_allclose(sums, [*own, *last], rtol=1e-12)
    share = (sums / some.conditions["energy"]).mean()
    assert share == pytest.approx(0.028, abs=0.0005)
    assert math.radians(60) <= some.conditions["angle"].min() < some.conditions["angle"].max() <= math.radians(120)


@pytest.mark.parametrize("bug", [ValueError, TypeError, KeyError, RuntimeError, OSError])
@pytest.mark.parametrize("where", ["_shape", "_natural", "_refuse"])
def test_a_bug_is_not_taken_for_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, bug: type[Exception]
) -> None:
    def planted(*given: Any) -> None:
        raise bug("planted")

    monkeypatch.setattr(shower_file.ShowerFile, where, planted)
    with pytest.raises(bug, match="planted"):
        load(write(tmp_path / "a.h5", electrons()))
