"""Files of MNIST and its kin."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gancensus.contracts.errors import UserError
from gancensus.domains.images.source_idx import TYPES, Idx, read_idx

IMAGES = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4) * 4
CLASSES = np.array([3, 1, 4, 1, 5], dtype=np.uint8)


def idx(values: np.ndarray, code: int = 0x08) -> bytes:
    """An IDX file."""
    head = bytes([0, 0, code, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.astype(TYPES[code]).tobytes()


def files(folder: Path, images: bytes, classes: bytes | None = None) -> Idx:
    """A source of two files."""
    (folder / "images").write_bytes(images)
    if classes is None:
        return Idx(path=folder / "images")
    (folder / "labels").write_bytes(classes)
    return Idx(path=folder / "images", labels=folder / "labels")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_images_and_classes(tmp_path: Path, pack: type[bytes]) -> None:
    source = files(tmp_path, pack(idx(IMAGES)), pack(idx(CLASSES)))
    found = source.load(0)
    some = found.take(np.array([4, 0, 2]))
    assert found.shape == (3, 4)
    assert some.label is not None
    assert some.label.tolist() == [5, 3, 4]
    np.testing.assert_allclose(some.x, IMAGES[[4, 0, 2]] / 127.5 - 1, atol=1e-6)
    assert some.scale is not None
    np.testing.assert_allclose(some.natural(), IMAGES[[4, 0, 2]], atol=1e-4)
    assert list(found.notes.counts()) == ["read as 5 images of 3 x 4 pixels"]
    assert source.files() == [tmp_path / "images", tmp_path / "labels"]


def test_without_classes(tmp_path: Path) -> None:
    assert files(tmp_path, idx(IMAGES)).load(0).known.label is None


@given(st.sampled_from(sorted(TYPES)), st.data())
def test_every_type_and_shape_is_read(tmp_path_factory: pytest.TempPathFactory, code: int, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    values = data.draw(arrays(np.int8, shape, elements=st.integers(0, 100)))
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(idx(values, code))
    found = read_idx(path)
    assert found.shape == shape
    np.testing.assert_array_equal(found.astype(np.float64), values)


WRONG = {
    "no idx": (b"PK\3\4 and more", idx(CLASSES), "images: not an IDX file"),
    "empty": (b"", idx(CLASSES), "images: not an IDX file"),
    "short": (idx(IMAGES)[:-1], idx(CLASSES), "images: has 75 bytes, but its header says 76"),
    "long": (idx(IMAGES) + b"\0", idx(CLASSES), "images: has 77 bytes, but its header says 76"),
    "no header": (idx(IMAGES)[:9], idx(CLASSES), "images: has 9 bytes"),
    "cut": (gzip.compress(idx(IMAGES))[:-9], idx(CLASSES), "images: not a readable compressed file"),
    "numbers": (idx(IMAGES, 0x0D), idx(CLASSES), "images: holds >f4 of shape"),
    "classes": (idx(CLASSES), idx(CLASSES), "images are bytes"),
    "images twice": (idx(IMAGES), idx(IMAGES), "labels: holds uint8 of shape"),
    "others": (idx(IMAGES), idx(CLASSES[:4]), "labels: has 4 classes, but .* has 5 images"),
}


@pytest.mark.parametrize("what", WRONG)
def test_files_that_are_not_such(tmp_path: Path, what: str) -> None:
    images, classes, message = WRONG[what]
    with pytest.raises(UserError, match=message):
        files(tmp_path, images, classes).load(0)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        Idx(path=tmp_path / "gone").load(0)
