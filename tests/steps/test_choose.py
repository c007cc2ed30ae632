"""What an audit takes the user's samples for, and the configuration that it makes of them."""

import copy
import gzip
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gancensus.audit.asked import STUDY, Asked, Chosen
from gancensus.audit.check import Findings, check_inputs
from gancensus.audit.choose import choose
from gancensus.audit.places import slugs
from gancensus.config.configuration import load
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.showers import shower_scale
from gancensus.storage.samples import write_samples

RNG = np.random.default_rng(3)
Array = NDArray[Any]


def ask(folder: Path, real: str, generated: str | dict[str, str], **more: Any) -> Chosen:
    """Ask for an audit of files in a folder."""
    titles = {"mine": generated} if isinstance(generated, str) else generated
    places = {title: str(folder / place) for title, place in titles.items()}
    return choose(Asked(str(folder / real), places, **more))


def study_of(chosen: Chosen) -> dict[str, Any]:
    study: dict[str, Any] = chosen.configuration["studies"][STUDY]
    return study


def problems(folder: Path, real: str, generated: str | dict[str, str], **more: Any) -> list[str]:
    with pytest.raises(UserError) as error:
        ask(folder, real, generated, **more)
    return str(error.value).replace(str(folder), "").splitlines()


def check(chosen: Chosen) -> Findings:
    """Check the inputs of what was chosen, with a `train` and explicit alphas."""
    raw = copy.deepcopy(dict(chosen.configuration))
    study = raw["studies"][STUDY]
    study["splits"] = {"train": 0.2, "calibrate": 0.4, "holdout": 0.4}
    study.pop("trained_on", None)
    for generator in study["generators"].values():
        generator.pop("title")
    for definition in study["definitions"].values():
        for name, metric in definition.items():
            if metric.get("kind", name) != "condition":
                metric.setdefault("alpha", 0.1)
    return check_inputs(load(raw))


def pictures(folder: Path, sizes: list[tuple[int, int]], mode: str = "RGB", seed: int = 0) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for k, (width, height) in enumerate(sizes):
        pixels = rng.integers(0, 256, (height, width, 3) if mode == "RGB" else (height, width), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{k:03d}.png")


def test_rows_are_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(60, 4)))
    np.save(tmp_path / "a.npy", RNG.normal(size=(50, 4)))
    chosen = ask(tmp_path, "real.npy", {"my best GAN, epoch 3": "a.npy"}, seed=7)
    assert chosen.configuration == {
        "seed": 7,
        "studies": {
            "audit": {
                "source": {"kind": "files", "path": str(tmp_path / "real.npy")},
                "splits": {"train": 0, "calibrate": 0.5, "holdout": 0.5},
                "generators": {
                    "my-best-GAN-epoch-3": {
                        "kind": "files",
                        "path": str(tmp_path / "a.npy"),
                        "title": "my best GAN, epoch 3",
                    }
                },
                "definitions": {"near": {"euclidean": {}}},
                "fidelity": {},
            }
        },
    }
    assert chosen.said[0].startswith("real: 60 samples of 4 numbers, float64 from -")
    assert check(chosen).problems == []


def test_training_samples_and_alpha(tmp_path: Path) -> None:
    for name in ("real", "train", "a"):
        np.save(tmp_path / f"{name}.npy", RNG.normal(size=(60, 4)))
    chosen = ask(tmp_path, "real.npy", "a.npy", train=str(tmp_path / "train.npy"), alpha=0.01, encoder="pca")
    study = study_of(chosen)
    assert study["trained_on"] == {"kind": "files", "path": str(tmp_path / "train.npy")}
    assert study["splits"] == {"train": 0, "calibrate": 0.5, "holdout": 0.5}
    assert study["encoders"] == {"pca": {"kind": "pca", "components": 4}}
    assert study["definitions"]["near"] == {"euclidean": {"alpha": 0.01}}
    assert study["fidelity"] == {"encoder": "pca"}
    assert not [line for line in chosen.said if line.startswith("copies: cannot")]


def test_an_encoder_that_is_fitted_gets_samples_of_its_own(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.integers(0, 256, (60, 10, 10), dtype=np.uint8))
    chosen = ask(tmp_path, "real.npy", "real.npy", encoder="pca")
    study = study_of(chosen)
    assert study["splits"] == {"train": 0.2, "calibrate": 0.4, "holdout": 0.4}
    assert study["encoders"]["pca"]["components"] == 12  # as many samples
    assert list(study["definitions"]) == ["pca", "pixels"]
    assert [line for line in chosen.said if "20 % of their own fit pca" in line]
    assert check(chosen).problems == []


def test_a_folder_of_one_size(tmp_path: Path) -> None:
    pictures(tmp_path / "real", [(12, 10)] * 50)
    pictures(tmp_path / "a", [(12, 10)] * 40, seed=1)
    chosen = ask(tmp_path, "real", "a")
    assert study_of(chosen)["source"]["kind"] == "files"
    assert study_of(chosen)["definitions"] == {"pixels": {"euclidean": {}}}
    assert chosen.said[0] == f"real: 50 images of 12 x 10, colours, from the folder {tmp_path / 'real'}"
    assert check(chosen).problems == []


@pytest.mark.parametrize(
    ("real", "made", "size"),
    [
        ([(20, 20)] * 30, [(16, 16)] * 30, [16, 16]),  # each has one size, but another
        ([(20, 10)] * 30, [(40, 20)] * 30, [10, 20]),  # of one ratio
        ([(30, 20)] * 20 + [(20, 40)] * 10, [(24, 24)] * 30, [20, 20]),
        ([(200, 100)] * 30, [(100, 200)] * 30, [64, 64]),  # at most
    ],
)
def test_folders_of_several_sizes_are_brought_to_one(
    tmp_path: Path, real: list[tuple[int, int]], made: list[tuple[int, int]], size: list[int]
) -> None:
    pictures(tmp_path / "real", real, "L")
    pictures(tmp_path / "a", made, "L", seed=1)
    chosen = ask(tmp_path, "real", "a")
    study = study_of(chosen)
    for section in (study["source"], study["generators"]["mine"]):
        assert (section["kind"], section["size"], section["colours"]) == ("imagefolder", size, "grey")
    assert [line for line in chosen.said if f"brought to {size[1]} x {size[0]} pixels" in line]
    assert check(chosen).problems == []


def test_images_of_a_folder_get_the_size_of_an_array(tmp_path: Path) -> None:
    pictures(tmp_path / "real", [(20, 20)] * 30 + [(30, 20)] * 30)
    np.save(tmp_path / "a.npy", RNG.integers(0, 256, (40, 12, 14, 3), dtype=np.uint8))
    chosen = ask(tmp_path, "real", "a.npy")
    assert study_of(chosen)["source"] == {
        "kind": "imagefolder", "path": str(tmp_path / "real"), "size": [12, 14], "colours": "rgb",
    }  # fmt: skip
    assert study_of(chosen)["generators"]["mine"]["kind"] == "files"
    assert check(chosen).problems == []


def test_pictures_stored_rotated_have_one_size(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for k in range(30):
        image = Image.fromarray(RNG.integers(0, 256, (10, 14, 3), dtype=np.uint8))
        exif = Image.Exif()
        exif[0x0112] = 6 if k % 2 else 1
        (image.transpose(Image.Transpose.ROTATE_90) if k % 2 else image).save(tmp_path / f"real/{k}.jpg", exif=exif)
    assert study_of(ask(tmp_path, "real", "real"))["source"]["kind"] == "files"


@pytest.mark.parametrize("kind", ["bytes", "0 to 1", "-1 to 1"])
def test_channels_first_are_moved(tmp_path: Path, kind: str) -> None:
    x = RNG.integers(0, 256, (60, 3, 9, 8), dtype=np.uint8)
    values: Any = {"bytes": x, "0 to 1": (x / 255).astype(np.float32), "-1 to 1": (x / 127.5 - 1).astype(np.float32)}[
        kind
    ]
    np.save(tmp_path / "real.npy", values)
    np.save(tmp_path / "a.npy", np.moveaxis(values, 1, -1)[:40])
    chosen = ask(tmp_path, "real.npy", "a.npy")
    study = study_of(chosen)
    assert [section.get("channels") for section in (study["source"], study["generators"]["mine"])] == ["first", None]
    assert "real: channels come first, 3 x 9 x 8; they are moved to the end" in chosen.said
    assert check(chosen).problems == []


def test_a_range_that_differs_is_found(tmp_path: Path) -> None:
    x = RNG.random((150, 10, 10)).astype(np.float32)
    np.save(tmp_path / "real.npy", x)
    np.save(tmp_path / "bytes.npy", (255 * x).astype(np.uint8))
    np.save(tmp_path / "signed.npy", 2 * x - 1)
    found = check(ask(tmp_path, "real.npy", {"bytes": "bytes.npy", "signed": "signed.npy"}))
    assert [line.split(": ")[0] for line in found.problems] == [
        "studies.audit.generators.bytes",
        "studies.audit.generators.signed",
    ]


def test_colours_against_grey_are_a_problem(tmp_path: Path) -> None:
    pictures(tmp_path / "real", [(12, 12)] * 50, "L")
    pictures(tmp_path / "a", [(12, 12)] * 50)
    (problem,) = check(ask(tmp_path, "real", "a")).problems
    assert "samples have colours, but the real samples are grey" in problem
    pictures(tmp_path / "b", [(12, 12)] * 20, "L")
    pictures(tmp_path / "b/late", [(12, 12)] * 2)
    problems = check(ask(tmp_path, "real", "b")).problems
    assert ["has colours, but" in problem for problem in problems] == [True, True]
    assert re.search(r"sample 2[01] has colours", problems[0])


@pytest.mark.parametrize(
    ("shape", "kinds"),
    [
        ((20, 3), "jets: images: numbers:"),
        ((40, 40), "images: showers: jets: numbers:"),
        ((51, 51, 25), "showers: numbers:"),
        ((6, 6, 6, 1), "showers: numbers:"),
    ],
)
def test_what_a_shape_does_not_tell_is_asked(tmp_path: Path, shape: tuple[int, ...], kinds: str) -> None:
    np.save(tmp_path / "real.npy", RNG.exponential(3, size=(30, *shape)).astype(np.float32))
    (line,) = problems(tmp_path, "real.npy", "real.npy")
    assert " x ".join(map(str, shape)) in line
    listed = line[line.index("--kind (") :]
    assert [word for word in listed.replace("(", " ").split() if word.rstrip(":") in KINDS and word[-1] == ":"] == (
        kinds.split()
    )


KINDS = ("images", "tables", "showers", "jets", "numbers")


def test_bytes_of_pixels_are_images_and_tiny_ones_may_be_anything(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.integers(0, 256, (30, 8, 8), dtype=np.uint8))
    assert list(study_of(ask(tmp_path, "real.npy", "real.npy"))["definitions"]) == ["pixels"]
    np.save(tmp_path / "real.npy", RNG.integers(0, 256, (30, 7, 8), dtype=np.uint8))
    assert "--kind" in problems(tmp_path, "real.npy", "real.npy")[0]


def test_a_kind_that_cannot_be_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(30, 5)))
    assert "which can be tables or showers or numbers" in problems(tmp_path, "real.npy", "real.npy", kind="images")[0]
    assert "did you mean 'images'" in problems(tmp_path, "real.npy", "real.npy", kind="image")[0]
    study = study_of(ask(tmp_path, "real.npy", "real.npy", kind="tables"))
    assert (study["definitions"], study["synthetic"]) == ({"gower": {"gower": {}}}, {})


def test_arrays_of_an_npz(tmp_path: Path) -> None:
    x = RNG.normal(size=(40, 5))
    np.savez(tmp_path / "two.npz", images=x, other=x[:, :2])
    np.savez(tmp_path / "a.npz", x=x)
    assert problems(tmp_path, "two.npz", "a.npz") == [
        "real: /two.npz: holds images, other; say which are the samples: /two.npz::images"
    ]
    chosen = ask(tmp_path, "two.npz::images", "a.npz")
    study = study_of(chosen)
    assert study["source"] == {"kind": "npz", "samples": "images", "path": str(tmp_path / "two.npz")}
    assert study["generators"]["mine"]["kind"] == "files"
    assert check(chosen).problems == []
    assert "has no array 'imges' (samples); did you mean 'images'?" in problems(tmp_path, "two.npz::imges", "a.npz")[0]


def test_data_sets_of_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "real.h5", "w") as file:
        file["run/x"] = RNG.integers(0, 256, (50, 3, 9, 9), dtype=np.uint8)
        file["run/label"] = np.arange(50) % 2
        file["z"] = RNG.normal(size=(50, 6))
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["images"] = RNG.integers(0, 256, (50, 9, 9, 3), dtype=np.uint8)
    assert "holds run/x, z; say which" in problems(tmp_path, "real.h5", "one.h5")[0]
    chosen = ask(tmp_path, "real.h5::run/x", "one.h5")
    study = study_of(chosen)
    assert study["source"] == {
        "kind": "hdf5-array", "samples": "run/x", "channels": "first", "path": str(tmp_path / "real.h5"),
    }  # fmt: skip
    assert study["generators"]["mine"]["samples"] == "images"
    assert check(chosen).problems == []
    assert "did you mean 'run/x'" in problems(tmp_path, "real.h5::run/y", "one.h5")[0]


def showers_3dgan(path: Path, n: int, energy: Array, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        cells = rng.random((n, 12, 11, 4))
        file["ECAL"] = cells / cells.sum(axis=(1, 2, 3), keepdims=True) * 0.02 * energy[:, None, None, None]
        file["energy"] = energy


def test_showers_of_3dgan(tmp_path: Path) -> None:
    showers_3dgan(tmp_path / "real.h5", 60, RNG.uniform(50, 200, 60), 0)
    showers_3dgan(tmp_path / "a.h5", 50, RNG.uniform(50, 200, 50), 1)
    chosen = ask(tmp_path, "real.h5", "a.h5")
    study = study_of(chosen)
    assert study["source"]["layout"] == "3dgan"
    assert study["definitions"] == {
        "showers": {
            "deposit": {"kind": "scalar", "relative": True},
            "x": {"kind": "shape", "axis": 0},
            "y": {"kind": "shape", "axis": 1},
            "z": {"kind": "shape", "axis": 2},
        }
    }
    assert study["physics"] == {}
    assert check(chosen).problems == []


def test_physics_is_left_out_where_it_would_fail(tmp_path: Path) -> None:
    x = RNG.random((60, 12, 12, 3))
    np.savez(tmp_path / "real.npz", x=x, energy=np.full(60, 50.0))
    np.savez(tmp_path / "narrow.npz", x=x[:, :6], energy=np.full(60, 50.0))
    np.savez(tmp_path / "none.npz", x=x)
    for real, made, reason in (
        ("real", "real", ""),
        ("narrow", "narrow", "needs 11 x 11 cells across"),
        ("real", "none", "not all showers have their primary `energy`"),
    ):
        chosen = ask(tmp_path, f"{real}.npz", f"{made}.npz", kind="showers")
        assert ("physics" in study_of(chosen)) == (not reason)
        assert bool([line for line in chosen.said if "physics: left out" in line and reason in line]) == bool(reason)


def test_showers_without_their_energies_are_said_to_be(tmp_path: Path) -> None:
    x = RNG.random((60, 12, 12, 3))
    np.savez(tmp_path / "real.npz", x=x, energy=np.full(60, 50.0), theta=np.full(60, 1.5))
    np.savez(tmp_path / "some.npz", x=x, energy=np.full(60, 50.0))
    np.savez(tmp_path / "none.npz", x=x)
    lacking = "their {} not given, though {} of the real samples {}: they are compared with all of these"
    for made, said, noted in (
        ("real", "", ""),
        ("some", "", lacking.format("theta is", "that", "is")),
        ("none", "at any primary energy, as mine has none", lacking.format("energy and theta are", "those", "are")),
    ):
        chosen = ask(tmp_path, "real.npz", f"{made}.npz", kind="showers")
        (line,) = [line for line in chosen.said if line.startswith("duplicates")]
        assert line.partition("; ")[2] == (said and f"{said} beside the showers")
        (read,) = [line for line in check(chosen).read if line.startswith("studies.audit.generators")]
        assert ("not given" in read) == bool(noted)
        assert read.count(noted) == 1 or not noted


def test_showers_of_the_first_3dgan_have_their_energy_in_target(tmp_path: Path) -> None:
    for seed, name in enumerate(("real.h5", "a.h5")):
        showers_3dgan(tmp_path / name, 60, RNG.uniform(50, 200, 60), seed)
        with h5py.File(tmp_path / name, "a") as file:
            file["target"] = np.column_stack([np.full(60, 11.0), file["energy"]])
            file["HCAL"] = np.zeros((60, 5, 5, 4))
            del file["energy"]
    chosen = ask(tmp_path, "real.h5", "a.h5")
    assert study_of(chosen)["source"]["layout"] == "3dgan"
    assert study_of(chosen)["physics"] == {}
    assert check(chosen).problems == []


def test_ecal_says_that_arrays_without_energies_are_showers(tmp_path: Path) -> None:
    for seed, name in enumerate(("real.h5", "a.h5")):
        showers_3dgan(tmp_path / name, 60, RNG.uniform(50, 200, 60), seed)
        with h5py.File(tmp_path / name, "a") as file:
            file["HCAL"] = np.zeros((60, 5, 5, 4))
            del file["energy"]
    for ending in ("", "::ECAL"):
        study = study_of(ask(tmp_path, f"real.h5{ending}", f"a.h5{ending}"))
        assert study["source"]["samples"] == "ECAL"
        assert list(study["definitions"]["showers"]) == ["deposit", "x", "y", "z"]
        assert "physics" not in study


def test_showers_of_a_few_beams_are_compared_at_equal_energy(tmp_path: Path) -> None:
    beams = np.repeat([50.0, 100.0], 60)
    showers_3dgan(tmp_path / "real.h5", 120, beams, 0)
    showers_3dgan(tmp_path / "a.h5", 120, beams, 1)
    showers_3dgan(tmp_path / "b.h5", 120, beams + RNG.normal(size=120), 1)
    first = study_of(ask(tmp_path, "real.h5", "a.h5", alpha=0.02))["definitions"]["showers"]
    assert first["beam"] == {"kind": "condition", "column": "energy"}
    assert first["deposit"]["alpha"] == 0.02
    assert "beam" not in study_of(ask(tmp_path, "real.h5", "b.h5"))["definitions"]["showers"]


@pytest.mark.parametrize(("voxels", "binning"), [(6480, [45, 16, 9]), (368, [368]), (533, [533])])
def test_showers_of_the_calochallenge(tmp_path: Path, voxels: int, binning: list[int]) -> None:
    with h5py.File(tmp_path / "real.hdf5", "w") as file:
        file["incident_energies"] = np.full((20, 1), 1e4) * RNG.uniform(1, 2, (20, 1))
        file["showers"] = RNG.random((20, voxels)) * 1e4 / voxels
    chosen = ask(tmp_path, "real.hdf5", "real.hdf5")
    study = study_of(chosen)
    assert (study["source"]["layout"], study["source"]["binning"]) == ("calochallenge", binning)
    assert len(study["definitions"]["showers"]) == 1 + len(binning)
    assert "physics" not in study
    assert check(chosen).problems == []


def test_showers_in_arrays_and_tables_of_samples(tmp_path: Path) -> None:
    x = RNG.random((60, 11, 11, 5)).astype(np.float32)
    energy = RNG.uniform(50, 99, 60).astype(np.float32)
    np.savez(tmp_path / "real.npz", x=x, energy=energy)
    chosen = ask(tmp_path, "real.npz", "real.npz", kind="showers")
    assert study_of(chosen)["physics"] == {}
    assert check(chosen).problems == []
    scale = shower_scale(100.0)
    table = Samples(scale.encode(x), np.arange(60), None, scale, {"energy": energy}, {"energy": "GeV"})
    write_samples(tmp_path / "real.parquet", table)
    chosen = ask(tmp_path, "real.parquet", "real.parquet")
    assert list(study_of(chosen)["definitions"]) == ["showers"]
    assert check(chosen).problems == []
    other = Scale(("cell energy",), ("GeV",), (-8.0,), (8.0,))
    write_samples(tmp_path / "a.parquet", Samples(other.encode(x), np.arange(60), None, other))
    assert "a sample table with another scale" in problems(tmp_path, "real.parquet", "a.parquet")[0]


def jets(n: int, particles: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.2, (n, particles, 3))
    x[..., 0] = rng.exponential(20, (n, particles)) + 1
    return x


def test_jets_in_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", jets(60, 10))
    np.save(tmp_path / "a.npy", jets(50, 14, 1))
    chosen = ask(tmp_path, "real.npy", "a.npy", kind="jets")
    study = study_of(chosen)
    assert study["definitions"] == {"emd": {"emd": {}}}
    assert study["source"] == {
        "kind": "jets-hdf5", "layout": "array", "unit": "GeV", "path": str(tmp_path / "real.npy"),
        "form": "constituents", "particles": 14,
    }  # fmt: skip
    assert "substructure" in study
    assert check(chosen).problems == []


def test_momenta_of_jets_in_mev(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", jets(60, 10))
    np.save(tmp_path / "a.npy", jets(60, 10) * [1000, 1, 1])
    chosen = ask(tmp_path, "real.npy", "a.npy", kind="jets")
    assert study_of(chosen)["generators"]["mine"]["unit"] == "MeV"
    assert [line for line in chosen.said if "momenta are in" in line] == [
        "real: momenta are in GeV",
        "mine: momenta are in MeV",
    ]
    assert check(chosen).problems == []
    np.save(tmp_path / "a.npy", jets(60, 10)[..., [1, 2, 0]])
    assert "reorder it" in check(ask(tmp_path, "real.npy", "a.npy", kind="jets")).problems[0]


def test_pt_that_is_relative_to_that_of_the_jet_is_said(tmp_path: Path) -> None:
    some = jets(60, 10)
    total = some[..., :1].sum(axis=1, keepdims=True)
    some[..., :1] /= total
    np.save(tmp_path / "real.npy", some)
    np.save(tmp_path / "a.npy", some * [1000, 1, 1])
    chosen = ask(tmp_path, "real.npy", "a.npy", kind="jets")
    assert [line for line in chosen.said if "momenta are in" in line] == ["mine: momenta are in GeV"]
    (problem,) = check(chosen).problems
    assert (
        "the pt of the particles of a jet sum to 1, so they are relative to the jet's, or in TeV: multiply them"
        in problem
    )
    with h5py.File(tmp_path / "jets.h5", "w") as file:
        file["particle_features"] = np.concatenate([some[..., [1, 2, 0]], some[..., :1] > 0], axis=-1)
        file["jet_features"] = total[:, 0] * [1, 0, 0, 0]
    chosen = ask(tmp_path, "jets.h5", "jets.h5")
    assert "real: the pt of particles is relative to their jet's, which is in GeV" in chosen.said
    assert check(chosen).problems == []


@pytest.mark.parametrize("shape", [(30, 4), (4, 30), (20, 2)])
def test_particles_of_other_numbers_are_no_images_of_jets(tmp_path: Path, shape: tuple[int, int]) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(40, *shape)))
    lines = problems(tmp_path, "real.npy", "real.npy", kind="jets")
    assert [line.partition(":")[0] for line in lines] == ["real", "mine"]
    assert all("pt, eta, phi, in this order" in line for line in lines)


def test_images_of_jets(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.exponential(1, (40, 12, 12)))
    chosen = ask(tmp_path, "real.npy", "real.npy", kind="jets")
    assert study_of(chosen)["definitions"] == {"emd": {"emd": {"width": 2.0}}}
    assert check(chosen).problems == []


def test_jets_in_layouts(tmp_path: Path) -> None:
    x = jets(50, 8)
    with h5py.File(tmp_path / "jetnet.hdf5", "w") as file:
        share = x[..., :1] / x[..., 0].sum(axis=1)[:, None, None]
        file["particle_features"] = np.concatenate([x[..., 1:], share, np.ones_like(share)], axis=2)
        file["jet_features"] = np.stack([x[..., 0].sum(axis=1)] * 4, axis=1)
    np.savez(tmp_path / "flow.npz", X=np.concatenate([1000 * x[..., :1], x[..., 1:]], axis=2), y=np.arange(50) % 2)
    chosen = ask(tmp_path, "jetnet.hdf5", {"flow": "flow.npz", "net": "jetnet.hdf5"}, train=str(tmp_path / "flow.npz"))
    study = study_of(chosen)
    assert study["source"]["paths"] == {"jets": str(tmp_path / "jetnet.hdf5")}
    assert "path" not in study["source"]
    assert [study["generators"][name]["layout"] for name in ("flow", "net")] == ["energyflow", "jetnet"]
    assert [study["generators"]["flow"]["unit"], study["trained_on"]["unit"]] == ["MeV", "MeV"]
    assert check(chosen).problems == []


def test_a_table_of_features_and_outcomes_is_no_jets(tmp_path: Path) -> None:
    np.savez(tmp_path / "real.npz", X=RNG.normal(size=(40, 4)), y=np.arange(40) % 2)
    assert study_of(ask(tmp_path, "real.npz", "real.npz"))["source"]["samples"] == "X"
    np.savez(tmp_path / "real.npz", X=RNG.normal(size=(40, 9, 4)), y=np.arange(40) % 5)
    assert study_of(ask(tmp_path, "real.npz", "real.npz", kind="numbers"))["source"]["samples"] == "X"


def test_jets_of_a_study(tmp_path: Path) -> None:
    scale = Scale(("pt", "eta", "phi"), ("GeV", "1", "rad"), (-1024.0, -2.0, -2.0), (1024.0, 2.0, 2.0))
    write_samples(tmp_path / "real.parquet", Samples(scale.encode(jets(60, 6)), np.arange(60), None, scale))
    np.save(tmp_path / "a.npy", jets(50, 6, 1))
    chosen = ask(tmp_path, "real.parquet", {"a": "real.parquet", "b": "a.npy"}, kind="jets")
    assert study_of(chosen)["definitions"] == {"emd": {"emd": {}}}
    assert [section["kind"] for section in study_of(chosen)["generators"].values()] == ["files", "files"]
    assert check(chosen).problems == []


def table(path: Path, rows: int, separator: str = ",", seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    lines = [separator.join(("age", "town"))]
    lines += [f"{rng.integers(20, 70)}{separator}{rng.choice(['a', 'b'])}" for _ in range(rows)]
    path.write_text("\n".join(lines) + "\n")


def test_tables(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table(tmp_path / "real.csv", 60)
    table(tmp_path / "a.tsv", 50, "\t", 1)
    pq.write_table(pa.table({"town": ["a", "b"] * 20, "age": list(range(20, 60))}), tmp_path / "b.parquet")
    chosen = ask(tmp_path, "real.csv", {"a": "a.tsv", "b": "b.parquet"})
    study = study_of(chosen)
    assert [study["generators"][name]["kind"] for name in "ab"] == ["csv", "parquet"]
    assert (study["definitions"], study["synthetic"]) == ({"gower": {"gower": {}}}, {})
    assert chosen.said[0] == f"real: a table of 60 rows and 2 columns, from {tmp_path / 'real.csv'}"
    assert check(chosen).problems == []


def idx(path: Path, images: Array) -> None:
    head = struct.pack(">HBB3I", 0, 8, 3, *images.shape)
    path.write_bytes(gzip.compress(head + images.tobytes()))


def test_idx_files_on_both_sides(tmp_path: Path) -> None:
    idx(tmp_path / "t10k-images-idx3-ubyte.gz", RNG.integers(0, 256, (50, 9, 9), dtype=np.uint8))
    idx(tmp_path / "a-images-idx3-ubyte.gz", RNG.integers(0, 256, (40, 9, 9), dtype=np.uint8))
    chosen = ask(tmp_path, "t10k-images-idx3-ubyte.gz", "a-images-idx3-ubyte.gz")
    assert [study_of(chosen)["generators"]["mine"]["kind"], study_of(chosen)["source"]["kind"]] == ["idx", "idx"]
    found = check(chosen)
    assert found.problems == []
    assert found.read[1].endswith("read as 40 images of 9 x 9 pixels")


def test_features_beside_the_samples(tmp_path: Path) -> None:
    pictures(tmp_path / "real", [(12, 12)] * 50)
    pictures(tmp_path / "a", [(12, 12)] * 40, seed=1)
    np.save(tmp_path / "r.npy", RNG.normal(size=(50, 6)))
    np.save(tmp_path / "f.npy", RNG.normal(size=(40, 6)))
    given = {"real": str(tmp_path / "r.npy"), "GAN 2": str(tmp_path / "f.npy")}
    chosen = ask(tmp_path, "real", {"GAN 2": "a"}, features=given)
    study = study_of(chosen)
    assert study["encoders"] == {
        "features": {"kind": "vectors", "path": given["real"], "generated": {"GAN-2": given["GAN 2"]}}
    }
    assert list(study["definitions"]) == ["features", "pixels"]
    assert study["splits"]["train"] == 0
    assert check(chosen).problems == []
    assert problems(
        tmp_path, "real", {"GAN 2": "a", "b": "a"}, features={**given, "GAN 3": "x", "b": given["real"]}
    ) == [
        "features of GAN 3: there are no such samples; did you mean 'GAN 2'?",
        "features of b: /r.npy: has 50 vectors, but there are 40 samples; give every sample its own, in the same order",
    ]
    assert problems(tmp_path, "real", {"GAN 2": "a"}, features={"real": given["real"]}) == [
        "features of GAN 2: are missing; every input needs its own"
    ]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(60, 4)))
    (tmp_path / "empty").mkdir()
    (tmp_path / "w.pt").write_bytes(b"x")
    assert [
        line.split(" (")[0].split(";")[0]
        for line in problems(
            tmp_path, "real.npy", {"a": "no.npy", "b": "empty", "c": "w.pt"}, train=str(tmp_path / "real.npy"), alpha=2
        )
    ] == [
        "a: /no.npy: no such file or folder",
        "b: /empty: no images in it",
        "c: /w.pt: unknown kind of file",
        "train: is the same as real",
        "--alpha 2: is a share of pairs, between 0 and 1",
    ]


def test_other_kinds_than_the_real_ones_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "real", [(12, 12)] * 50)
    table(tmp_path / "a.csv", 60)
    np.save(tmp_path / "b.npy", RNG.normal(size=(60, 432)))
    lines = problems(tmp_path, "real", {"a": "a.csv", "b": "b.npy"})
    assert [line.split(",")[0] for line in lines] == [
        "a: a table of 60 rows and 2 columns",
        "b: 60 samples of 432 numbers",
    ]
    assert all("but the real samples are images: 50 images of 12 x 12, colours" in line for line in lines)
    assert "give both as tables" in problems(tmp_path, "a.csv", "b.npy")[0]


def test_an_encoder_that_is_none(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(60, 4)))
    assert "did you mean 'pca'" in problems(tmp_path, "real.npy", "real.npy", encoder="pcs")[0]
    assert "no such file" in problems(tmp_path, "real.npy", "real.npy", encoder="dino.onnx")[0]
    assert "inception-imagenet" not in problems(tmp_path, "real.npy", "real.npy", encoder="x")[0]  # needs a file


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["my best GAN, epoch 3"], ["my-best-GAN-epoch-3"]),
        (["A", "a", "a!"], ["A", "a-2", "a-3"]),
        (["Übung é"], ["Ubung-e"]),
        (["3", "模型", "holdout", "--"], ["generator-3", "generator", "generator-holdout", "generator-2"]),
        (["x" * 300], ["x" * 60]),
        (["../../etc", "a/b"], ["etc", "a-b"]),
    ],
)
def test_names_of_generators(titles: list[str], names: list[str]) -> None:
    assert list(slugs(titles).values()) == names


def test_generators_without_a_name_and_names_of_other_samples(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(60, 4)))
    assert problems(tmp_path, "real.npy", {" ": "real.npy"}) == ["a generator has no name; write NAME=PATH"]
    assert problems(tmp_path, "real.npy", {"train": "real.npy"})[0].startswith("a generator cannot be called 'train'")
    assert problems(tmp_path, "real.npy", {}) == ["no generated samples; give at least one NAME=PATH"]


def test_large_inputs_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 400 MB of numbers, the first rows alone; and without fidelity, which would take hours."""
    np.lib.format.open_memmap(tmp_path / "real.npy", "w+", np.float32, (50_000, 2048))
    read = 0

    def counted(original: Callable[..., Array]) -> Callable[..., Array]:
        def take(self: Any, rows: Array) -> Array:
            nonlocal read
            read += len(rows)
            return original(self, rows)

        return take

    from gancensus.storage import user_arrays

    monkeypatch.setattr(user_arrays._Stored, "read", counted(user_arrays._Stored.read))
    chosen = ask(tmp_path, "real.npy", "real.npy")
    assert 0 < read <= 200
    assert "fidelity" not in study_of(chosen)


@pytest.mark.parametrize(
    ("count", "width", "generators", "asked"),
    [
        (6000, 16, 1, True),
        (6000, 16, 2, True),
        (6000, 16, 6, False),
        (10_000, 64, 1, False),
    ],
)
def test_fidelity_is_asked_where_it_takes_seconds(
    tmp_path: Path, count: int, width: int, generators: int, asked: bool
) -> None:
    """Measured on one core: 1 s a generator with 16 values, 3.4 s with 64."""
    np.lib.format.open_memmap(tmp_path / "real.npy", "w+", np.float32, (count, width))
    made = {f"g{k}": str(tmp_path / "real.npy") for k in range(generators)}
    chosen = choose(Asked(str(tmp_path / "real.npy"), made))
    assert ("fidelity" in study_of(chosen)) == asked
    assert any(re.match(r"fidelity: left out, as it takes about \d seconds", line) for line in chosen.said) != asked
    assert "fidelity" in study_of(choose(Asked(str(tmp_path / "real.npy"), made, fidelity=True)))


def test_fidelity_of_what_has_no_vectors_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.uniform(0, 1, (60, 4, 4, 4)))
    with pytest.raises(UserError, match="--fidelity: compares vectors, and showers have none here; give --encoder"):
        place = str(tmp_path / "real.npy")
        choose(Asked(place, {"mine": place}, kind="showers", fidelity=True))


@pytest.mark.parametrize(("real", "made", "few"), [(60, 11, "mine has 11"), (30, 60, "real has 30"), (36, 12, "")])
def test_one_generator_with_few_samples_does_not_spoil_fidelity(tmp_path: Path, real: int, made: int, few: str) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(real, 4)))
    np.save(tmp_path / "made.npy", RNG.normal(size=(made, 4)))
    chosen = ask(tmp_path, "real.npy", "made.npy")
    assert ("fidelity" in study_of(chosen)) == (not few)
    assert any(line.startswith("fidelity: left out") and few in line for line in chosen.said) == bool(few)


def test_the_same_question_has_the_same_answer(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(60, 4)))
    heard: list[str] = []
    asked = Asked(str(tmp_path / "real.npy"), {"mine": str(tmp_path / "real.npy")})
    assert choose(asked, heard.append) == choose(asked)
    assert heard == ["real", "mine"]


def test_paths_are_absolute_and_links_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "there.npy", RNG.normal(size=(60, 4)))
    (tmp_path / "real.npy").symlink_to(tmp_path / "there.npy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    study = study_of(choose(Asked("real.npy", {"mine": "~/there.npy"})))
    assert study["source"]["path"] == str(tmp_path / "real.npy")
    assert study["generators"]["mine"]["path"] == str(tmp_path / "there.npy")
    (tmp_path / "far/inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far/inner")
    (tmp_path / "far/real.npy").symlink_to(tmp_path / "there.npy")
    study = study_of(choose(Asked("link/../real.npy", {"mine": f"../{tmp_path.name}/there.npy"})))
    assert study["source"]["path"] == str(tmp_path / "far/real.npy")
    assert study["generators"]["mine"]["path"] == str(tmp_path / "there.npy")


@pytest.mark.parametrize("encoder", ["~nobody-here/x.onnx", "x" * 300 + ".onnx"])
def test_a_network_that_can_be_nowhere(tmp_path: Path, encoder: str) -> None:
    np.save(tmp_path / "real.npy", RNG.normal(size=(60, 4)))
    place = str(tmp_path / "real.npy")
    with pytest.raises(UserError, match="cannot be a path"):
        choose(Asked(place, {"mine": place}, encoder=encoder))


def network(path: Path, side: int) -> None:
    """Write a network of grey images of one size: the mean of each row."""
    from onnx import TensorProto, helper, save

    nodes = [
        helper.make_node("ReduceMean", ["image"], ["rows"], axes=[3], keepdims=0),
        helper.make_node("Flatten", ["rows"], ["vector"], axis=1),
    ]
    ends = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, side, side]),
        helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", side]),
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


@pytest.mark.parametrize(("side", "resize"), [(16, [16, 16]), (12, None)])
def test_a_network_from_a_file(tmp_path: Path, side: int, resize: list[int] | None) -> None:
    np.save(tmp_path / "real.npy", RNG.integers(0, 256, (60, 12, 12), dtype=np.uint8))
    network(tmp_path / "my net.onnx", side)
    chosen = ask(tmp_path, "real.npy", "real.npy", encoder=str(tmp_path / "my net.onnx"))
    study = study_of(chosen)
    assert list(study["encoders"]) == ["my-net"]
    assert study["encoders"]["my-net"].get("resize") == resize
    assert list(study["definitions"]) == ["my-net", "pixels"]
    assert (study["splits"]["train"], study["fidelity"]) == (0, {"encoder": "my-net"})
    assert check(chosen).problems == []
