"""Arrays of a .npz by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancensus.audit.user_samples import as_population
from gancensus.config.configuration import load
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.general.generator_npz import Npz as Generated
from gancensus.domains.general.source_files import Files
from gancensus.domains.general.source_npz import Npz

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)
CLASSES = RNG.integers(0, 10, 20)


def read(path: Path, **keys: Any) -> Samples:
    return Npz(path=path, **keys).load(0).take(slice(None))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_sample_files_of_guided_diffusion(tmp_path: Path, save: Any) -> None:
    """Its image_sample.py writes np.savez(path, images, labels): uint8 (n, height, width, 3) and whole numbers."""
    save(tmp_path / "x.npz", IMAGES, CLASSES)
    found = read(tmp_path / "x.npz", samples="arr_0", labels="arr_1")
    np.testing.assert_allclose(found.x, IMAGES / 127.5 - 1, atol=1e-6)
    assert found.label is not None
    np.testing.assert_array_equal(found.label, CLASSES)
    assert found.conditions == {}
    np.testing.assert_array_equal(read(tmp_path / "x.npz", labels="arr_1").x, found.x)
    real = as_population(Generated(path=tmp_path / "x.npz", labels="arr_1"), found, "mine-0").take(slice(None))
    np.testing.assert_array_equal(real.x, found.x)
    assert real.label is None


def test_without_names_it_is_the_array_that_files_takes(tmp_path: Path) -> None:
    beam = RNG.uniform(1, 9, 20)
    np.savez(tmp_path / "x.npz", x=IMAGES, label=CLASSES, beam=beam, other=IMAGES)
    found, expected = read(tmp_path / "x.npz"), Files(path=tmp_path / "x.npz").load(0).take(slice(None))
    np.testing.assert_array_equal(found.x, expected.x)
    assert found.label is not None
    np.testing.assert_array_equal(found.label, CLASSES)
    np.testing.assert_array_equal(found.conditions["beam"], beam.astype(np.float32))
    assert found.notes.counts() == expected.notes.counts()


def test_any_array_may_be_the_samples(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=IMAGES[::-1], fake=IMAGES, y=CLASSES, film=np.arange(20) // 2)
    found = read(tmp_path / "x.npz", samples="fake", labels="y", group="film")
    np.testing.assert_allclose(found.x, IMAGES / 127.5 - 1, atol=1e-6)
    assert found.group is not None
    np.testing.assert_array_equal(found.group, np.arange(20) // 2)
    notes = list(found.notes.counts())
    assert "samples taken from its array 'fake'" in notes
    assert "array 'x' left out: uint8 of shape (20, 6, 5, 3) is no condition of the samples" in notes


def test_rows_are_read_as_they_are_wanted(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", np.moveaxis(IMAGES, -1, 1))
    lazy = Npz(path=tmp_path / "x.npz", channels="first").load(0)
    assert lazy.shape == (6, 5, 3)
    rows = np.array([7, 0, 7, 19])
    np.testing.assert_allclose(lazy.take(rows).x, IMAGES[rows] / 127.5 - 1, atol=1e-6)
    assert "channels moved from the front to the end" in lazy.notes.counts()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_first_are_not_guessed(tmp_path: Path, channels: int) -> None:
    first = np.moveaxis(IMAGES, -1, 1)[:, [0] * channels]
    np.savez(tmp_path / "x.npz", first)
    with pytest.raises(UserError, match=rf"samples of shape \({channels}, 6, 5\) look like images with their channels"):
        read(tmp_path / "x.npz")
    with pytest.raises(UserError, match="write `channels: first`, or, if they are none, `channels: last`"):
        Generated(path=tmp_path / "x.npz").look()
    assert read(tmp_path / "x.npz", channels="last").shape == (channels, 6, 5)
    assert read(tmp_path / "x.npz", channels="first").shape == (6, 5, channels)
    np.savez(tmp_path / "x.npz", IMAGES[:, :3])  # 3 x 5 pixels: the channels are last all the same
    assert read(tmp_path / "x.npz").shape == (3, 5, 3)


def test_what_cannot_be_used(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=IMAGES, labels=CLASSES, rows=IMAGES[:, 0, :, 0], few=CLASSES[:3])
    np.save(tmp_path / "x.npy", IMAGES)
    for name, keys, message in (
        ("x.npz", {}, r"x\.npz: has no array `x` but images, labels, rows, few; .* kind npz, `samples`"),
        ("x.npz", {"samples": "image"}, r"x\.npz: has no array 'image' \(samples\); did you mean 'images'\?"),
        (
            "x.npz",
            {"samples": "images", "labels": "y"},
            r"no array 'y' \(labels\); there are: few, images, labels, rows",
        ),
        ("x.npz", {"samples": "images", "labels": "few"}, "20 samples but labels of shape"),
        ("x.npz", {"samples": "images", "labels": "images"}, "array 'images' holds the samples, and cannot"),
        ("x.npz", {"samples": "rows", "channels": "first"}, r"shape \(5,\) have no channels to be moved to the end"),
        ("x.npz", {"samples": "labels"}, "holds int64 of shape"),
        ("x.npy", {}, r"x\.npy: no \.npz; use kind files"),
        ("gone.npz", {}, "no such file or folder"),
    ):
        with pytest.raises(UserError, match=message) as error:
            read(tmp_path / name, **keys)
        assert "\n" not in str(error.value)


def test_the_keys_of_a_configuration() -> None:
    study: dict[str, Any] = {
        "source": {"kind": "npz", "path": "real.npz", "samples": "images", "labels": "y", "channels": "first"},
        "generators": {"mine": {"kind": "npz", "path": "mine.npz", "samples": "arr_0", "channels": "last"}},
        "definitions": {"pixels": {"euclidean": {"alpha": 0.02}}},
    }
    source = load({"studies": {"s": study}}).studies["s"].source
    assert source == Npz(path=Path("real.npz"), samples="images", labels="y", channels="first")
    with pytest.raises(UserError, match=r"s\.source\.background"):
        load({"studies": {"s": {**study, "source": {**study["source"], "background": "white"}}}})


def test_names_of_arrays_in_a_file_of_one_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    with pytest.raises(UserError, match="is one array, without names; leave `samples` and `labels` out"):
        read(tmp_path / "x.npz", samples="fake")
