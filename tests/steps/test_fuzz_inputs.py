"""Damaged and odd files of users: samples or a UserError, never another exception, and nothing in them is executed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples, Samples
from gancensus.domains.general.source_files import Files
from gancensus.domains.showers.source_hdf5 import Hdf5
from gancensus.domains.tables.source_csv import Csv

fuzzed = settings.get_profile("fuzz")


class Edit(NamedTuple):
    """So many bytes at a place, given as a share of the length, are replaced by others."""

    place: float
    length: int
    content: bytes

    def of(self, whole: bytes) -> bytes:
        start = int(self.place * len(whole))
        return whole[:start] + self.content + whole[start + self.length :]


def edits(*texts: bytes) -> st.SearchStrategy[list[Edit]]:
    """A few changes: bits flipped, pieces cut out or put in, among them what the format is sensitive to."""
    content = st.one_of(st.binary(max_size=4), st.sampled_from(texts)) if texts else st.binary(max_size=4)
    one = st.builds(Edit, st.floats(0, 1), st.sampled_from([0, 1, 1, 1, 2, 8, 1 << 20]), content)
    return st.lists(one, min_size=1, max_size=3)


def edited(whole: bytes, changes: list[Edit]) -> bytes:
    for change in changes:
        whole = change.of(whole)
    return whole


def read_or_refused(load: Callable[[], Samples | LazySamples]) -> None:
    """Read the first samples; a refusal is told in at least a line of text, which names the file."""
    try:
        found = load()
        found.take(slice(0, min(len(found), 100)))
    except UserError as error:
        assert "damaged" in str(error)


# Tables

ROWS = "age;sex;income\n25;f;1200.50\n31;m;900\n47;f;15e2\n25;x;0\n"
CELLS = [
    *("1,5", '"', '""', "\n", "\r\n", "\r", ";", ",", "\t", "sep=;\n", "\0", "\ufeff", "nan", "inf", "-0", "1e400"),
    *("35%", "$1,200", "2024-02-31", "14:30", "NA", "", " ", "007", "½", "٣", "\ud7ff", "1_000", "=cmd()", "9" * 50),
]


@fuzzed
@given(
    changes=edits(*(cell.encode() for cell in CELLS)), encoding=st.sampled_from(["utf-8"] * 8 + ["utf-16", "latin-1"])
)
def test_an_edited_csv(tmp_path: Path, changes: list[Edit], encoding: str) -> None:
    path = tmp_path / "damaged.csv"
    path.write_bytes(edited(ROWS.encode(), changes).decode("utf-8", "replace").encode(encoding, "replace"))
    read_or_refused(lambda: Csv(path=path).load(0))
    path.write_bytes(edited(ROWS.encode(), changes))
    read_or_refused(lambda: Csv(path=path).load(0))


@fuzzed
@given(table=st.lists(st.lists(st.one_of(st.sampled_from(CELLS), st.text(max_size=6)), max_size=4), max_size=6))
def test_a_csv_of_anything(tmp_path: Path, table: list[list[str]]) -> None:
    path = tmp_path / "damaged.csv"
    text = "\n".join(",".join(row) for row in table)
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    read_or_refused(lambda: Csv(path=path, label="a" if table and "a" in table[0] else None).load(0))


# Arrays


class Trap:
    """An object that makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def npy(values: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(values, **options))
    return file.getvalue()


def pickled(trap: Path) -> bytes:
    values = np.empty(3, dtype=object)
    values[:] = [Trap(trap), 1, 2]
    return npy(values)


X = np.random.default_rng(0).random((12, 3, 4)).astype(np.float32)
ARRAYS = {
    "floats": npy(X),
    "bytes": npy((255 * X).astype(np.uint8)),
    "by columns": npy(np.asfortranarray(X)),
    "records": npy(np.zeros(4, dtype="f4,i4")),
}
HEADERS = [
    *(b"'descr': '|O'", b"'<f2'", b"'>f8'", b"'<c8'", b"'<M8[s]'", b"'|S3'", b"'|V4'", b"True", b"(12,)", b"()"),
    *(b"(99999999999999999999,)", b"(-1, 3)", b"(4611686018427387904, 4)", b"(", b"{", b"\x02\x00", b"[" * 300, b"\0"),
]


@fuzzed
@given(kind=st.sampled_from([*ARRAYS, "pickle"]), changes=edits(*HEADERS), head=st.booleans())
def test_an_edited_npy(tmp_path: Path, kind: str, changes: list[Edit], head: bool) -> None:
    trap, path = tmp_path / "sprung", tmp_path / "damaged.npy"
    whole = pickled(trap) if kind == "pickle" else ARRAYS[kind]
    path.write_bytes(edited(whole[:128], changes) + whole[128:] if head else edited(whole, changes))
    read_or_refused(lambda: Files(path=path).load(0))
    assert not trap.exists()


NAMES = ["x", "label", "energy", "sample_id"]


@fuzzed
@given(
    changes=edits(*HEADERS),
    inside=st.booleans(),
    kind=st.sampled_from(["floats", "pickle", "by columns"]),
    packed=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
)
def test_an_edited_npz(
    tmp_path: Path, changes: list[Edit], inside: bool, kind: str, packed: int, names: list[str]
) -> None:
    trap, path = tmp_path / "sprung", tmp_path / "damaged.npz"
    first = pickled(trap) if kind == "pickle" else ARRAYS[kind]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packed) as archive:
        for k, name in enumerate(dict.fromkeys(names)):
            member = first if k == 0 else npy(np.arange(12))
            archive.writestr(f"{name}.npy", edited(member, changes) if inside else member)
    path.write_bytes(file.getvalue() if inside else edited(file.getvalue(), changes))
    read_or_refused(lambda: Files(path=path).load(0))
    assert not trap.exists()


# Showers


def showers() -> bytes:
    file = io.BytesIO()
    rng = np.random.default_rng(1)
    with h5py.File(file, "w") as content:
        energy = 1000 * rng.uniform(1, 10, (20, 1))
        content.create_dataset("incident_energies", data=energy)
        content.create_dataset("showers", data=energy * rng.random((20, 6)) / 6, compression="gzip", fletcher32=True)
    return file.getvalue()


SHOWERS = showers()


@fuzzed
@given(changes=edits(b"\xff" * 8, b"\0" * 8, b"showers", b"\x89HDF\r\n\x1a\n"))
def test_an_edited_hdf5(tmp_path: Path, changes: list[Edit]) -> None:
    path = tmp_path / "damaged.h5"
    path.write_bytes(edited(SHOWERS, changes))
    read_or_refused(lambda: Hdf5(path=path, layout="calochallenge", binning=(6,)).load(0))


@pytest.mark.parametrize("dtype", ["S4", "f2", ">i8", "c8", "O", "?", "V3", [("a", "f4")], "u8"])
@pytest.mark.parametrize("shape", [(), (0,), (20,), (20, 6), (20, 0), (20, 6, 1), (1, 20, 6)])
def test_hdf5_of_other_types_and_shapes(tmp_path: Path, dtype: Any, shape: tuple[int, ...]) -> None:
    path = tmp_path / "damaged.h5"
    with h5py.File(path, "w") as file:
        kind = h5py.string_dtype() if dtype == "O" else np.dtype(dtype)
        file.create_dataset("showers", shape, kind)
        file.create_dataset("incident_energies", (20, 1), data=np.full((20, 1), 1000.0))
        file["energy"] = h5py.SoftLink("/nowhere")
        file["ECAL"] = h5py.ExternalLink("elsewhere.h5", "x")
    read_or_refused(lambda: Hdf5(path=path, layout="calochallenge", binning=(6,)).load(0))
    read_or_refused(lambda: Hdf5(path=path, layout="3dgan").load(0))
