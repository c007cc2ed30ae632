"""Vectors that the user has computed: the right row for each sample, or an error, never another row."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, generated_ids
from gancensus.domains.general.encoder_vectors import Vectors
from gancensus.domains.general.generator_files import Files
from gancensus.domains.images.generator_dcgan import Dcgan

REAL = np.random.default_rng(1).normal(size=(30, 5))
MINE = np.random.default_rng(2).normal(size=(20, 5))
IDS = np.arange(30)


def made(folder: Path, real: NDArray[Any] = REAL, mine: NDArray[Any] = MINE) -> Vectors:
    np.save(folder / "real.npy", real)
    np.save(folder / "mine.npy", mine)
    return Vectors(path=folder / "real.npy", generated={"mine": folder / "mine.npy"})


def samples(sample_id: NDArray[np.int64]) -> Samples:
    return Samples(np.zeros((len(sample_id), 4, 4), dtype=np.float32), sample_id)


def embedded(model: Vectors, sample_id: NDArray[np.int64], generator: str | None = None) -> NDArray[Any]:
    weights = model.fit(np.zeros((3, 4, 4), dtype=np.float32), 0, "cpu").weights
    return model.embed(weights, samples(sample_id), generator, "cpu")


def test_real_samples_have_the_row_of_their_number(tmp_path: Path) -> None:
    found = embedded(made(tmp_path), np.array([7, 2, 29, 0]))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, REAL[[7, 2, 29, 0]].astype(np.float32))


def test_generated_samples_have_the_row_of_their_file(tmp_path: Path) -> None:
    for ids in (generated_ids("mine-0", range(20)), generated_ids("mine-0", range(12, 20))):
        expected = MINE[-len(ids) :].astype(np.float32)
        np.testing.assert_array_equal(embedded(made(tmp_path), ids, "mine"), expected)


@pytest.mark.parametrize("names", [{"x": REAL}, {"only": REAL}, {"x": REAL, "other": REAL[:, 0]}])
@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int32])
def test_archives_and_other_types(tmp_path: Path, names: dict[str, NDArray[Any]], kind: type[np.generic]) -> None:
    stored: dict[str, Any] = {name: (10 * x).astype(kind) for name, x in names.items()}
    np.savez_compressed(tmp_path / "real.npz", **stored)
    model = Vectors(path=tmp_path / "real.npz")
    np.testing.assert_array_equal(embedded(model, IDS[5:9]), (10 * REAL[5:9]).astype(kind).astype(np.float32))
    assert model.dimension == 5


def test_no_samples_have_no_vectors(tmp_path: Path) -> None:
    assert embedded(made(tmp_path), IDS[:0]).shape == (0, 5)


# Rows that cannot be those of the samples


@pytest.mark.parametrize("rows", [29, 31])
def test_another_number_of_rows_is_refused(tmp_path: Path, rows: int) -> None:
    model = made(tmp_path, real=np.resize(REAL, (rows, 5)), mine=np.resize(MINE, (rows, 5)))
    with pytest.raises(UserError, match=rf"real\.npy: has {rows} vectors, but the source has 30 samples; give every"):
        model.check_rows(IDS)
    with pytest.raises(UserError, match=rf"mine\.npy: has {rows} vectors, but generator mine has 20 samples; give"):
        model.check_rows(generated_ids("mine-0", range(20)), "mine")


def test_as_many_rows_are_accepted(tmp_path: Path) -> None:
    model = made(tmp_path)
    model.check_rows(IDS[::-1])
    model.check_rows(generated_ids("mine-0", range(20)), "mine")


def test_samples_that_are_not_numbered_from_0_have_no_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"but the source has others than 0, 1, 2\.\.\.; renumber them"):
        made(tmp_path).check_rows(IDS + 1)


def test_vectors_of_two_networks_are_not_compared(tmp_path: Path) -> None:
    model = made(tmp_path, mine=MINE[:, :4])
    with pytest.raises(UserError, match=r"mine\.npy: its vectors have 4 values, but those in .*real\.npy have 5; comp"):
        model.check_rows(generated_ids("mine-0", range(20)), "mine")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])  # the last is infinite in float32
def test_no_vector_may_be_infinite(tmp_path: Path, value: float) -> None:
    real = REAL.copy()
    real[[11, 17], 2] = value
    model = made(tmp_path, real=real)
    message = r"real\.npy: sample 11 has NaN or infinite values \(as have 1 more of"
    with pytest.raises(UserError, match=message):
        model.check_rows(IDS)
    with pytest.raises(UserError, match=message):
        embedded(model, IDS)
    embedded(model, IDS[:11])


def test_a_file_that_was_changed_after_it_was_compared_is_refused(tmp_path: Path) -> None:
    model = made(tmp_path)
    weights = model.fit(np.zeros((3, 4)), 0, "cpu").weights
    assert weights["sha256"].tobytes() == hashlib.sha256((tmp_path / "real.npy").read_bytes()).digest()
    made(tmp_path, real=REAL[::-1])
    with pytest.raises(UserError, match=r"real\.npy: is not the file any more that was compared with the source"):
        model.embed(weights, samples(IDS), None, "cpu")


def test_a_sample_beyond_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine\.npy: has 20 vectors, and none of sample 20$"):
        embedded(made(tmp_path), generated_ids("mine-0", range(21)), "mine")


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("a.npy", (30, 2, 5), r"has the shape \(30, 2, 5\), but vectors are rows \(samples, values\); reshape it"),
        ("a.npy", (30,), r"holds float64 of shape \(30,\); it must be real numbers"),
        ("a.parquet", (30, 5), r"vectors are read from \.npy or \.npz; save them as np\.save"),
    ],
)
def test_what_holds_no_vectors(tmp_path: Path, name: str, shape: tuple[int, ...], message: str) -> None:
    with (tmp_path / name).open("wb") as file:
        np.save(file, np.zeros(shape))
    with pytest.raises(UserError, match=rf"{name}: {message}"):
        Vectors(path=tmp_path / name).fit(np.zeros((3, 4)), 0, "cpu")


# The study


def test_generators_without_vectors_are_refused() -> None:
    model = Vectors.model_validate({"path": "real.npy", "generated": {"mien": "mine.npy", "gan": "gan.npy"}})
    assert list(model.refuses({"mine": Files(path=Path("mine.npy")), "gan": Dcgan()})) == [
        "generated.mien: is not one of the study's generators; did you mean 'mine'?",
        "generated: has no vectors of generator mine; add `mine: FILE`",
        "generated: generator gan is trained here, so there are no vectors of its samples; compare in another encoder "
        "(kind onnx embeds any samples), or move it to a study of its own",
    ]


def test_a_generator_that_is_added_concerns_only_its_own_samples() -> None:
    one = Vectors.model_validate({"path": "real.npy", "generated": {"mine": "mine.npy"}})
    two = Vectors.model_validate({"path": "real.npy", "generated": {"mine": "mine.npy", "other": "other.npy"}})
    assert one.concerning(None) == two.concerning(None)
    assert one.concerning("mine") == two.concerning("mine")
    assert two.concerning("other").files() == [Path("real.npy"), Path("other.npy")]


def test_paths_of_generated_vectors_are_paths_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    model = Vectors.model_validate({"path": "~/real.npy", "generated": {"mine": "~/mine.npy"}})
    assert model.files() == [Path("/home/me/real.npy"), Path("/home/me/mine.npy")]
    with pytest.raises(ValueError, match="is empty; name a file or folder"):
        Vectors.model_validate({"path": "real.npy", "generated": {"mine": ""}})
