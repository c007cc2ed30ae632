"""What users bring: arrays, images and sample tables of real or of generated samples."""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from gancensus.contracts import samples
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale
from gancensus.domains.general import generator_files as generated
from gancensus.domains.general.source_files import Files
from gancensus.storage import user_arrays
from gancensus.storage.samples import read_samples, write_samples
from gancensus.storage.user_arrays import read_user_samples

Step = Callable[..., subprocess.CompletedProcess[str]]
Make = Callable[[Path], object]
ROWS = np.array([[0.0, 5.0, 7.0], [10.0, 6.0, 7.0], [5.0, 9.0, 7.0]])
GREY = np.arange(3 * 4 * 6, dtype=np.uint8).reshape(3, 4, 6)


def image(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def load(path: Path) -> Samples:
    return Files(path=path).load(0).take(slice(None))


def natural(found: Samples) -> NDArray[np.float64]:
    assert found.scale is not None
    return found.scale.decode(found.x)


# Arrays


def test_rows_are_scaled_column_by_column(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    found = load(tmp_path / "x.npy")
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, np.array([[-1, -1, 0], [1, -0.5, 0], [0, 1, 0]]))
    np.testing.assert_allclose(natural(found), ROWS)
    assert found.sample_id.tolist() == [0, 1, 2]
    assert found.label is None


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.uint16, np.float32, np.float64])
def test_images_are_scaled_as_a_whole(tmp_path: Path, kind: type[np.generic]) -> None:
    """Bytes from 0 to 255, other numbers from their minimum to their maximum."""
    np.save(tmp_path / "x.npy", GREY.astype(kind))
    found = load(tmp_path / "x.npy")
    assert found.x.shape == (3, 4, 6)
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(natural(found), GREY, atol=1e-5)
    high = 255 if kind is np.uint8 else 71
    np.testing.assert_allclose(found.x, GREY / high * 2 - 1, atol=1e-6)


def test_groups_of_an_array_are_no_condition(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=ROWS, film=np.array([7, 3, 7]), beam=np.array([50, 50, 100]))
    known = Files(path=tmp_path / "x.npz", group="film").load(0).known
    assert known.group is not None
    assert known.group.tolist() == [1, 0, 1]
    assert list(known.conditions) == ["beam"]
    with pytest.raises(UserError, match="has no array 'films' of a number per sample; did you mean"):
        Files(path=tmp_path / "x.npz", group="films").load(0)
    np.savez(tmp_path / "y.npz", x=ROWS, film=2**60 + np.arange(3), label=np.arange(3))
    with pytest.raises(UserError, match="too long to be told apart in float64: number the groups from 0"):
        Files(path=tmp_path / "y.npz", group="film").load(0)
    with pytest.raises(UserError, match="'label' of a number per sample; it is the classes"):
        Files(path=tmp_path / "y.npz", group="label").load(0)


def test_images_are_grouped_by_their_folders(tmp_path: Path) -> None:
    for name in ("film a/0.png", "film b/0.png", "film b/reel 2/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / name)
    known = Files(path=tmp_path, group="folder").load(0).known
    assert known.group is not None
    assert known.group.tolist() == [0, 1, 1]
    assert known.label is None
    with pytest.raises(UserError, match=r"folders say which belong together \(group: folder\)"):
        Files(path=tmp_path, group="film").load(0)
    with pytest.raises(UserError, match="1 of 2 images lie in none of its folders"):
        Files(path=tmp_path / "film b", group="folder").load(0)
    np.save(tmp_path / "x.npy", ROWS)
    with pytest.raises(UserError, match=r"has no groups; save a \.npz with x and film"):
        Files(path=tmp_path / "x.npy", group="film").load(0)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_npz_with_labels(tmp_path: Path, save: Callable[..., None], kind: type[np.generic]) -> None:
    save(tmp_path / "x.npz", x=ROWS, label=np.array([4, 0, 4], dtype=kind), other=np.zeros(9))
    found = load(tmp_path / "x.npz")
    np.testing.assert_allclose(natural(found), ROWS)
    assert found.label is not None
    assert found.label.tolist() == [4, 0, 4]
    assert found.label.dtype == np.int32


def test_conditions_keep_whole_numbers_apart(tmp_path: Path) -> None:
    """Forty runs are not two, dates not every second day; what no float holds is left out, and said."""
    runs = 1_000_000_000 + np.arange(3)
    np.savez(tmp_path / "x.npz", x=ROWS, run=runs, event=2**62 + np.arange(3), beam=np.array([50, 50, 100]))
    found = load(tmp_path / "x.npz")
    np.testing.assert_array_equal(found.conditions["run"], runs)
    assert found.conditions["beam"].dtype == np.float32
    assert sorted(found.conditions) == ["beam", "run"]
    assert [note for note in found.notes.counts() if "event" in note]
    write_samples(tmp_path / "x.parquet", found)
    np.testing.assert_array_equal(read_samples([tmp_path / "x.parquet"]).conditions["run"], runs)


def test_an_archive_with_numpys_own_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", ROWS, np.arange(3))
    found = load(tmp_path / "x.npz")
    np.testing.assert_array_equal(found.natural(), ROWS)
    assert "samples taken from its array 'arr_0'" in found.notes.counts()


def test_points_whose_numbers_are_of_unlike_size_have_a_scale_each(tmp_path: Path) -> None:
    """Jets of momenta in MeV and angles: on one scale, angles would come in steps of a tenth."""
    rng = np.random.default_rng(2)
    jets = np.dstack([rng.exponential(1e6, (50, 20)), rng.normal(0, 0.1, (50, 20, 2))])
    np.save(tmp_path / "x.npy", jets)
    np.testing.assert_allclose(load(tmp_path / "x.npy").natural()[..., 1:], jets[..., 1:], atol=1e-7)
    np.save(tmp_path / "x.npy", jets / [1e6, 1, 1])
    assert load(tmp_path / "x.npy").scale == Scale(("value",), ("1",), *_ends(jets / [1e6, 1, 1]))


@pytest.mark.parametrize("layout", ["(20, 10)", "(1, 20, 3)", "(3, 20)"])
def test_unlike_numbers_in_other_layouts_are_scaled_or_said(layout: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    jets = np.dstack([rng.exponential(1e6, (50, 20)), rng.normal(0, 0.1, (50, 20, 9))])
    x = {"(20, 10)": jets, "(1, 20, 3)": jets[:, None, :, :3], "(3, 20)": jets[..., :3].swapaxes(1, 2)}[layout]
    np.save(tmp_path / "x.npy", x)
    found = load(tmp_path / "x.npy")
    if layout == "(3, 20)":
        assert [note for note in found.notes.counts() if note.startswith("warning: numbers along axis 1 are of unlike")]
    else:
        np.testing.assert_allclose(found.natural()[..., 1:], x[..., 1:], atol=1e-6)


def test_edges_of_images_are_no_other_unit(tmp_path: Path) -> None:
    """Bright spots fade by many orders of magnitude."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:16, :16]
    centre = rng.uniform(2, 13, (2, 60, 1, 1))
    x = np.exp(-((rows - centre[0]) ** 2) - (columns - centre[1]) ** 2)
    np.save(tmp_path / "x.npy", x)
    found = load(tmp_path / "x.npy")
    assert found.scale == Scale(("value",), ("1",), *_ends(x))
    assert list(found.notes.counts()) == ["read as 60 samples of 16 x 16 values, float64"]


def test_a_far_value_of_a_column_is_said(tmp_path: Path) -> None:
    x = np.random.default_rng(4).normal(size=(400, 3))
    x[5, 1] = 1e9
    np.save(tmp_path / "x.npy", x)
    (warning,) = (note for note in load(tmp_path / "x.npy").notes.counts() if note.startswith("warning"))
    assert warning.startswith("warning: number 1 reaches from -")


def _ends(x: NDArray[Any]) -> tuple[tuple[float], tuple[float]]:
    return (float(x.min()),), (float(x.max()),)


@pytest.mark.parametrize("kind", [np.bool_, np.uint8])
def test_masks_span_the_scale(kind: type[np.generic], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(24).reshape(2, 3, 4).astype(kind) % 2)
    assert set(np.unique(load(tmp_path / "x.npy").x)) == {-1, 1}


def test_a_column_that_numbers_the_rows_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for index in (np.arange(50), 1001 + np.arange(50)):
        np.save(tmp_path / "x.npy", np.column_stack([rng.random(50), rng.permutation(index), rng.integers(0, 50, 50)]))
        found = [note for note in load(tmp_path / "x.npy").notes.counts() if note.startswith("warning")]
        assert found == ["warning: column 1 numbers the rows; if it is an index, leave it out of the array"]


def test_whole_numbers_that_float64_merges_are_refused(tmp_path: Path) -> None:
    few = np.random.default_rng(3).integers(0, 1000, (50, 3))
    for first, kind in ((2**63, np.uint64), (1_700_000_000_000_000_000, np.int64), (-(2**62), np.int64)):
        np.save(tmp_path / "x.npy", few.astype(kind) + kind(first))
        least = first + int(few[:, 0].min())
        with pytest.raises(UserError, match=f"cannot be told apart in float64; subtract {least} from"):
            load(tmp_path / "x.npy")
    x = 2**53 - 2000 + few  # exact
    np.save(tmp_path / "x.npy", x)
    assert len(np.unique(load(tmp_path / "x.npy").x[:, 0])) == len(np.unique(x[:, 0]))
    x = np.linspace(1.6e18, 1.7e18, 150).astype(np.int64).reshape(50, 3)  # nanoseconds of years: apart all the same
    x[:, 2] = 2**62  # nothing to tell apart
    np.save(tmp_path / "x.npy", x)
    assert len(np.unique(load(tmp_path / "x.npy").x[:, 0])) == 50


def test_a_value_that_would_merge_all_others_names_its_sample(tmp_path: Path) -> None:
    x = np.random.default_rng(3).random((50, 4, 4))
    x[17, 1, 2] = 1e9
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(UserError, match=r"sample 17 has values from 0\.\d+ to 1e\+09, but those of most span"):
        load(tmp_path / "x.npy")
    x[17, 1, 2] = 1e4
    np.save(tmp_path / "x.npy", x)
    assert any(note.startswith("warning: sample 17") for note in load(tmp_path / "x.npy").notes.counts())


def test_the_content_counts_not_the_suffix(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    np.savez(tmp_path / "y.npz", x=ROWS)
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    (tmp_path / "y.npz").rename(tmp_path / "y.npy")
    for name in ("x.npz", "y.npy"):
        np.testing.assert_allclose(natural(load(tmp_path / name)), ROWS)


def test_a_sample_table_is_taken_as_it_is_in_the_order_of_its_ids(tmp_path: Path) -> None:
    scale = Scale(("a", "b", "c"), ("K", "m", "1"), (0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    x = (ROWS / 10).astype(np.float32)
    x[0] = 1.5  # as held-out rows can be
    mine = Samples(x, np.array([7, 3, 5]), np.array([1, 0, 1], dtype=np.int32), scale)
    write_samples(tmp_path / "x.parquet", mine)
    found = load(tmp_path / "x.parquet")
    np.testing.assert_array_equal(found.x, x[[1, 2, 0]])
    assert found.sample_id.tolist() == [3, 5, 7]
    assert found.label is not None
    assert found.label.tolist() == [0, 1, 1]
    assert found.scale == scale


@pytest.mark.parametrize(
    ("x", "ids", "message"),
    [
        ([[0.0], [1.5]], [0, 1], "column x, row 1: a value outside"),
        ([[0.0], [0.5]], [0, -1], "column sample_id: must lie in 0"),
        ([[0.0], [0.5]], [0, 10**9], "column sample_id: must lie in 0"),
    ],
)
def test_a_sample_table_that_is_not_as_ours(tmp_path: Path, x: Any, ids: list[int], message: str) -> None:
    write_samples(tmp_path / "x.parquet", Samples(np.array(x, dtype=np.float32), np.array(ids)))
    with pytest.raises(UserError, match=message):
        load(tmp_path / "x.parquet")


# What is read in pieces


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven values at once, of samples of three."""
    for module in (user_arrays, samples):
        monkeypatch.setattr(module, "VALUES_AT_ONCE", 7)


SAVES: list[tuple[str, Callable[[Path, NDArray[Any]], None]]] = [
    ("x.npy", np.save),
    ("x.npy", lambda path, x: np.save(path, np.asfortranarray(x))),
    ("x.npz", lambda path, x: np.savez(path, x=x)),
    ("x.npz", lambda path, x: np.savez_compressed(path, x=x)),
    ("x.npz", lambda path, x: np.savez(path, x=np.asfortranarray(x))),
]


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "u1"])
@pytest.mark.parametrize(("name", "save"), SAVES)
def test_any_rows_of_an_array_are_read_in_any_order(
    name: str, save: Callable[[Path, NDArray[Any]], None], dtype: str, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).integers(0, 99, (31, 3)).astype(dtype)
    save(tmp_path / name, x)
    found = read_user_samples(tmp_path / name)
    np.testing.assert_array_equal(np.concatenate(list(user_arrays.finite(tmp_path / name, found))), x)
    for rows in ([4, 5, 30], [30, 0, 7, 7], [], list(range(31))):
        read = found.read(np.array(rows, dtype=np.int64))
        np.testing.assert_array_equal(read, x[rows])
        assert read.dtype == x.dtype
    np.testing.assert_array_equal(natural(load(tmp_path / name)).round(3), x)


@pytest.mark.usefixtures("pieces")
def test_the_sample_that_is_no_number_is_named_wherever_it_is(tmp_path: Path) -> None:
    x = np.zeros((31, 3))
    x[29, 1] = np.nan
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(UserError, match=r"x\.npy: sample 29 has NaN or infinite values"):
        load(tmp_path / "x.npy")


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_a_changed_byte_in_an_archive_is_noticed(kind: type[np.generic], tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((50, 3), kind))
    content = bytearray(path.read_bytes())
    at = content.index(np.ones(9, kind).tobytes()) + 11
    content[at] ^= 2
    path.write_bytes(content)
    with pytest.raises(UserError, match="Bad CRC-32"):
        Files(path=path).load(0)


@pytest.mark.usefixtures("pieces")
def test_a_truncated_array_is_no_array(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((31, 3)))
    found = read_user_samples(tmp_path / "x.npy")
    with (tmp_path / "x.npy").open("r+b") as file:
        file.truncate(500)
    with pytest.raises(UserError, match="not a readable NumPy file"):
        found.read(np.arange(31))


# Images


def test_images_of_bytes_are_not_read_before_they_are_wanted(tmp_path: Path) -> None:
    corrupt(tmp_path)
    found = Files(path=tmp_path).load(0)
    assert found.take(np.array([0])).x.shape == (1, 4, 6)
    with pytest.raises(UserError, match=r"2\.png: not a readable image"):
        found.take(np.array([1]))


def test_a_folder_of_images_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, pixels in zip(("b.png", "c.PNG", "a.bmp"), GREY, strict=True):
        image(tmp_path / name, pixels)
    (tmp_path / "notes.txt").write_text("no image")
    found = load(tmp_path)
    np.testing.assert_allclose(natural(found), GREY[[2, 0, 1]], atol=1e-5)
    assert found.label is None


def test_subfolders_are_classes(tmp_path: Path) -> None:
    for name, pixels in zip(("dog/1.png", "cat/1.png", "dog/0.png"), GREY, strict=True):
        image(tmp_path / name, pixels)
    found = load(tmp_path)
    np.testing.assert_allclose(natural(found), GREY[[1, 2, 0]], atol=1e-5)
    assert found.label is not None
    assert found.label.tolist() == [0, 1, 1]
    assert found.label.dtype == np.int32


def test_classes_are_called_by_their_folders_and_images_beside_these_are_noted(tmp_path: Path) -> None:
    for name, pixels in zip(("dog/small/1.png", "cat/1.png", "cat/0.png"), GREY, strict=True):
        image(tmp_path / name, pixels)
    found = load(tmp_path)
    assert found.class_names() == {0: "cat", 1: "dog/small"}
    assert not any(note.startswith("warning") for note in found.notes.counts())
    image(tmp_path / "loose.png", GREY[0])
    found = load(tmp_path)
    assert found.label is not None
    names = ["cat", "cat", "dog/small", "in no folder"]
    assert sorted(found.class_names()[label] for label in found.label.tolist()) == names
    assert "4 images; classes: in no folder (1), cat (2), dog/small (1)" in found.notes.counts()
    (warning,) = (note for note in found.notes.counts() if note.startswith("warning"))
    assert "1 of 4 images lie in none of the subfolders" in warning


def test_classes_that_are_no_folders_have_no_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=ROWS, label=np.arange(len(ROWS)))
    assert load(tmp_path / "x.npz").class_names() == {}


def test_one_subfolder_is_no_class(tmp_path: Path) -> None:
    image(tmp_path / "all" / "1.png", GREY[0])
    assert load(tmp_path).label is None


def test_colour_images(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    image(tmp_path / "1.png", pixels)
    found = load(tmp_path)
    assert found.x.shape == (1, 4, 6, 3)
    np.testing.assert_allclose(natural(found)[0], pixels, atol=1e-4)


@pytest.mark.parametrize(("mode", "shape"), [("1", (4, 6)), ("LA", (4, 6)), ("RGBA", (4, 6, 3)), ("P", (4, 6, 3))])
def test_other_images_become_grey_or_colour_of_eight_bits(tmp_path: Path, mode: str, shape: tuple[int, ...]) -> None:
    Image.fromarray(GREY[0]).convert(mode).save(tmp_path / "1.png")
    found = read_user_samples(tmp_path)
    assert (len(found), found.shape, found.dtype) == (1, shape, np.dtype(np.uint8))


def test_sixteen_bits_are_not_clipped_to_eight(tmp_path: Path) -> None:
    deep = (GREY[0].astype(np.uint16) + 1) * 900
    image(tmp_path / "1.png", deep)
    np.testing.assert_allclose(natural(load(tmp_path))[0], deep, atol=0.01)


# What cannot be used: how it is made, and what the message says after the name of the file


def corrupt(path: Path) -> None:
    image(path / "1.png", GREY[0])
    image(path / "2.png", GREY[1])
    (path / "2.png").write_bytes((path / "2.png").read_bytes()[:45])


def two_sizes(path: Path) -> None:
    image(path / "1.png", GREY[0])
    image(path / "2.png", GREY[0, :3])


def two_depths(path: Path) -> None:
    image(path / "1.png", GREY[0])
    image(path / "2.png", GREY[0].astype(np.uint16))


def truncated(path: Path) -> None:
    np.savez(path, x=ROWS)
    path.write_bytes(path.read_bytes()[:-40])


def no_array(path: Path) -> None:
    np.savez(path, y=ROWS, z=ROWS)


def nan(path: Path, bad: float) -> None:
    rows = ROWS.copy()
    rows[2, 1] = bad
    np.save(path, rows)


NUMBERS = "it must be real numbers (samples, values, ...)"
NO_NUMPY = ": not a readable NumPy file of plain numbers"
WHOLE = "they must be whole numbers that fit into int32"
BAD: dict[str, tuple[str, Make, str]] = {
    "missing": ("x.npy", lambda p: None, ": no such file or folder"),
    "suffix": (
        "x.csv",
        lambda p: p.write_text("1,2"),
        ": unknown kind of file; use .npy, .npz, .parquet or a folder",
    ),
    "no images": ("x", Path.mkdir, ": no images in it"),
    "corrupt image": ("x", corrupt, "/2.png: not a readable image"),
    "two sizes": ("x", two_sizes, "/2.png: is 6 x 3 pixels, but"),
    "two depths": ("x", two_depths, "/2.png: is 6 x 4 pixels (grey, uint16), but"),
    "nan": ("x.npy", lambda p: nan(p, np.nan), ": sample 2 has NaN or infinite values"),
    "infinity": ("x.npy", lambda p: nan(p, -np.inf), ": sample 2 has NaN or infinite values"),
    "one dimension": ("x.npy", lambda p: np.save(p, ROWS[0]), f": holds float64 of shape (3,); {NUMBERS}"),
    "no dimension": ("x.npy", lambda p: np.save(p, np.array(3)), f": holds int64 of shape (); {NUMBERS}"),
    "no samples": ("x.npy", lambda p: np.save(p, ROWS[:0]), f": holds float64 of shape (0, 3); {NUMBERS}"),
    "no values": ("x.npy", lambda p: np.save(p, ROWS[:, :0]), f": holds float64 of shape (3, 0); {NUMBERS}"),
    "text": ("x.npy", lambda p: np.save(p, np.array([["a"]])), f": holds <U1 of shape (1, 1); {NUMBERS}"),
    "complex": ("x.npy", lambda p: np.save(p, ROWS + 1j), f": holds complex128 of shape (3, 3); {NUMBERS}"),
    "objects": ("x.npy", lambda p: np.save(p, ROWS.astype(object), allow_pickle=True), NO_NUMPY),
    "objects in npz": ("x.npz", lambda p: np.savez(p, x=ROWS.astype(object)), NO_NUMPY),
    "pickle": ("x.npy", lambda p: p.write_bytes(pickle.dumps(ROWS)), NO_NUMPY),
    "pickle as npz": ("x.npz", lambda p: p.write_bytes(pickle.dumps(ROWS)), NO_NUMPY),
    "empty file": ("x.npy", lambda p: p.write_bytes(b""), NO_NUMPY),
    "truncated": ("x.npz", truncated, NO_NUMPY),
    "no x": ("x.npz", no_array, ": has no array `x` but y, z; save it as np.savez(path, x=...)"),
    "few labels": ("x.npz", lambda p: np.savez(p, x=ROWS, label=[1, 2]), ": 3 samples but labels of shape (2,)"),
    "real labels": ("x.npz", lambda p: np.savez(p, x=ROWS, label=[1.0, np.nan, 2]), f": labels are float64; {WHOLE}"),
    "text labels": ("x.npz", lambda p: np.savez(p, x=ROWS, label=["a"] * 3), f": labels are <U1; {WHOLE}"),
    "large labels": ("x.npz", lambda p: np.savez(p, x=ROWS, label=[1, 2, 2**40]), f": labels are int64; {WHOLE}"),
    "bad table": ("x.parquet", lambda p: p.write_bytes(b"PAR1"), ": not a readable Parquet file"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_said_in_one_line(name: str, tmp_path: Path) -> None:
    file, make, message = BAD[name]
    path = tmp_path / file
    make(path)
    with pytest.raises(UserError) as error:
        load(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}{message}")


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    for name in ("x.npy", "x.npz", "x.parquet"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
    np.save(tmp_path / "y.npy", np.array([[Trap()]], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "y.npz", x=np.array([[Trap()]], dtype=object))
    for name in ("x.npy", "x.npz", "x.parquet", "y.npy", "y.npz"):
        with pytest.raises(UserError):
            load(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_damaged_array_is_an_error_or_still_an_array(tmp_path: Path, suffix: str) -> None:
    """Every byte in turn is spoiled: nothing but a UserError may come of it."""
    path = tmp_path / f"x.{suffix}"
    np.save(path, ROWS) if suffix == "npy" else np.savez(path, x=ROWS)
    content = path.read_bytes()
    for k in range(len(content)):
        path.write_bytes(content[:k] + bytes([content[k] ^ 0x55]) + content[k + 1 :])
        try:
            load(path)
        except UserError as error:
            assert "\n" not in str(error)


# The user's generated samples


THREE = Scale(("a", "b", "c"), ("1",) * 3, (0.0, 0.0, 5.0), (10.0, 1.0, 5.0))
REAL = Samples(np.zeros((3, 3), np.float32), np.arange(3), scale=THREE)


def generate(
    step: Step, path: Path, folder: Path, part: int = 0, parts: int = 1, real: Samples = REAL
) -> tuple[Any, Path]:
    """Run the step for a generator that is a file, beside three real rows of [0, 10], [0, 1] and [5, 5]."""
    write_samples(folder / "real.parquet", real)
    output = folder / f"{part}.parquet"
    options = {
        "study": "mine",
        "population": "theirs-0",
        "generator": generated.Files(path=path).model_dump_json(),
        "seed": 1,
        "device": "cpu",
        "part": part,
        "parts": parts,
        "like": folder / "real.parquet",
        "output": output,
    }
    return step(
        "generate", "--model", *(word for name, value in options.items() for word in (f"--{name}", value))
    ), output


def test_generated_arrays_are_scaled_like_the_real_samples(tmp_path: Path, step: Step) -> None:
    np.save(tmp_path / "x.npy", np.array([[0.0, 0.5, 5.0], [10.0, 1.0, 6.0], [20.0, 0.0, 5.0]]))
    run, output = generate(step, tmp_path / "x.npy", tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    found = read_samples([output])
    np.testing.assert_allclose(found.x, [[-1, 0, 0], [1, 1, 1], [3, -1, 0]])
    assert found.sample_id.min() >= 10**9
    assert found.scale is not None


def test_parts_of_a_generated_file_are_the_file(tmp_path: Path, step: Step) -> None:
    x = np.random.default_rng(1).uniform(0, 1, (300, 3))
    np.save(tmp_path / "x.npy", x)
    runs = [generate(step, tmp_path / "x.npy", tmp_path, part, 3) for part in range(3)]
    assert [run.stderr for run, _ in runs] == [""] * 3
    found = read_samples([output for _, output in runs])
    assert len(found) == 300
    np.testing.assert_allclose(found.x[:, 0], x[:, 0] / 5 - 1, atol=1e-6)


def test_generated_samples_of_another_shape(tmp_path: Path, step: Step) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    run, output = generate(step, tmp_path / "x.npy", tmp_path)
    assert run.returncode == 1
    assert run.stderr == (
        f"error: {tmp_path / 'x.npy'}: samples have shape (2,), but the real samples have (3,); "
        "give both the same shape\n"
    )
    assert not output.exists()


@pytest.mark.parametrize("name", ["nan", "pickle", "few labels"])
def test_bad_real_samples_stop_the_step(name: str, tmp_path: Path, step: Step) -> None:
    file, make, message = BAD[name]
    path = tmp_path / file
    make(path)
    outputs = {split: tmp_path / f"{split}.parquet" for split in ("train", "calibrate", "holdout")}
    options = {
        "source": Files(path=path).model_dump_json(),
        "splits": "{}",
        "seed": 1,
        "part": 0,
        "parts": 1,
        **outputs,
    }
    run = step("prepare", "--trained_on", *(word for name, value in options.items() for word in (f"--{name}", value)))
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"error: {path}{message}")
    assert not list(tmp_path.glob("*.parquet*"))


def test_generated_images_in_another_unit_are_refused(tmp_path: Path, step: Step) -> None:
    """Images of 0 ... 1 beside real ones of 0 ... 255 would all look black, hence equal."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((20, 4, 4)))
    scale = Scale(("value",), ("1",), (0.0,), (255.0,))
    real = Samples(np.linspace(-1, 1, 48, dtype=np.float32).reshape(3, 4, 4), np.arange(3), scale=scale)
    run, output = generate(step, tmp_path / "x.npy", tmp_path, real=real)
    assert run.returncode == 1
    assert (
        "look scaled to [-1, 1] or [0, 1]; convert both to the same units, or, if they are the same, "
        "write `same_units: true`" in run.stderr
    )
    assert not output.exists()


def test_real_samples_in_the_order_of_their_size_are_compared_with_from_end_to_end(
    tmp_path: Path, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first row groups of a sorted file alone would look as if in another unit."""
    rng = np.random.default_rng(0)
    x = np.logspace(0, 6, 1000)[:, None, None] * rng.random((1000, 3, 3))
    np.save(tmp_path / "x.npy", rng.permutation(x))
    scale = Scale(("value",), ("1",), (0.0,), (x.max(),))
    real = Samples(scale.encode(x), np.arange(1000), scale=scale)
    monkeypatch.setattr("gancensus.contracts.samples.VALUES_AT_ONCE", 1000)
    monkeypatch.setattr("gancensus.storage.tables.ROW_GROUP_BYTES", 4000)
    run, output = generate(step, tmp_path / "x.npy", tmp_path, real=real)
    assert (run.returncode, run.stderr) == (0, "")
    assert "units" not in str(pq.read_schema(output).metadata.get(b"notes"))


def test_conditions_in_another_unit_are_refused(tmp_path: Path, step: Step) -> None:
    def beams(unit: str) -> Samples:
        x, energy = np.zeros((3, 2), np.float32), np.ones(3, np.float32)
        return Samples(x, np.arange(3), None, None, {"energy": energy}, {"energy": unit})

    for unit, status in (("MeV", 1), ("GeV", 0)):
        write_samples(tmp_path / "theirs.parquet", beams(unit))
        run, _ = generate(step, tmp_path / "theirs.parquet", tmp_path, real=beams("GeV"))
        assert run.returncode == status
        if status:
            assert "condition energy is in MeV, but that of the real samples in GeV; convert both" in run.stderr


@pytest.mark.parametrize("bug", [ValueError, TypeError, KeyError, RuntimeError, OSError])
@pytest.mark.parametrize(("suffix", "where"), [("npz", "_look_at_archive"), ("npz", "_what"), ("npy", "_Natural")])
def test_a_bug_is_not_taken_for_a_damaged_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, where: str, bug: type[Exception]
) -> None:
    def planted(*given: Any) -> None:
        raise bug("planted")

    np.save(tmp_path / "x.npy", ROWS)
    np.savez(tmp_path / "x.npz", x=ROWS)
    monkeypatch.setattr(user_arrays, where, planted)
    with pytest.raises(bug, match="planted"):
        read_user_samples(tmp_path / f"x.{suffix}")


def test_an_array_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(4000.0).reshape(1000, 4))
    found = read_user_samples(tmp_path / "x.npy")
    with (tmp_path / "x.npy").open("r+b") as file:
        file.truncate(16128)
    assert found.read(np.array([499]))[0, 3] == 1999
    with pytest.raises(UserError, match="not a readable NumPy file"):
        found.read(np.array([500]))
