"""Studies of showers: those whose answers are known (frozen, mixed, real ones), a 3DGAN's, and one on Geant4's."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from runs import ROOT, parquet_bytes, run

from gancensus.contracts.samples import Samples
from gancensus.domains.showers.source_gflash import Gflash

pytestmark = pytest.mark.slow

FROZEN, SHARE = 25, 0.1  # different showers that are repeated; their share in the mixture
SHOWERS = 1500
SOURCE = {"kind": "gflash", "showers": 4000, "energy": [10, 20], "coarsen": 3}
STUDY: dict[str, Any] = {
    "source": SOURCE,
    "splits": {"train": 1000, "calibrate": 1500, "holdout": SHOWERS},
    "generators": {name: {"kind": "files", "path": f"{name}.npz"} for name in ("frozen", "mixed", "fresh")},
    "definitions": {
        "energy+shapes": {
            "energy": {"kind": "scalar", "alpha": 0.1},
            **{axis: {"kind": "shape", "axis": k, "alpha": 0.1} for k, axis in enumerate("xyz")},
        }
    },
}


def simulated(seed: int, showers: int) -> Samples:
    """Showers like those of the study, and none of them."""
    return Gflash.model_validate({**SOURCE, "showers": showers}).load(seed).take(slice(None))


def bring(path: Path, showers: Samples, rows: NDArray[np.int64]) -> None:
    """Write showers in GeV, each with a noise of a ten-thousandth."""
    noise = np.random.default_rng(4).normal(1, 1e-4, (len(rows), *showers.x.shape[1:]))
    np.savez(path, x=(showers.natural()[rows] * noise).astype(np.float32))


@pytest.fixture(scope="module")
def support(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The support table by population."""
    folder = tmp_path_factory.mktemp("studies")
    rng = np.random.default_rng(5)
    prototypes, fresh = simulated(101, FROZEN), simulated(102, SHOWERS)
    bring(folder / "frozen.npz", prototypes, rng.integers(FROZEN, size=SHOWERS))
    bring(folder / "fresh.npz", fresh, np.arange(SHOWERS))
    both = Samples(np.concatenate([prototypes.x, fresh.x]), np.arange(FROZEN + SHOWERS), scale=fresh.scale)
    copied = rng.random(SHOWERS) < SHARE
    bring(folder / "mixed.npz", both, np.where(copied, rng.integers(FROZEN, size=SHOWERS), FROZEN + np.arange(SHOWERS)))
    done = run(folder, {"seed": 3, "studies": {"showers": STUDY}})
    assert done.returncode == 0, done.stderr
    return {row["population"]: row for row in read(folder, "showers/census/support.parquet")}


def test_frozen_showers_collide_once_in_their_number(support: dict[str, dict[str, Any]]) -> None:
    found = support["frozen-0"]  # whose 25 showers are all unlike
    assert found["collision_low"] < 1 / FROZEN < found["collision_high"]
    assert found["collision_high"] / found["collision_low"] < 1.2
    assert found["verdict"] == "more duplicates"


def test_a_mixture_collides_as_its_parts(support: dict[str, dict[str, Any]]) -> None:
    """Copies with copies w^2 / K, fresh showers with fresh ones (1 - w)^2 q, and with copies as with any shower."""
    found, q = support["mixed-0"], support["holdout"]["collision"]
    expected = SHARE**2 / FROZEN + (1 - SHARE) ** 2 * q + 2 * SHARE * (1 - SHARE) * q
    assert found["collision_low"] < expected < found["collision_high"]
    assert found["collision_low"] > 1.2 * q  # it is told from the real ones
    assert found["verdict"] == "more duplicates"


def test_real_showers_are_as_diverse_as_real_showers(support: dict[str, dict[str, Any]]) -> None:
    found = support["fresh-0"]
    assert found["ratio_low"] < 1 < found["ratio_high"]
    assert found["verdict"] == "as many duplicates"
    assert found["duplicates"] > 100


# The 3DGAN

GAN = {
    "source": {"kind": "gflash", "showers": 1100, "energy": [10, 20], "coarsen": 4},
    "splits": {"train": 300, "calibrate": 300, "holdout": 500},
    "generators": {"gan": {"kind": "calogan", "coarsen": 4, "latent": 8, "epochs": 1, "replicas": 1, "samples": 400}},
    "definitions": {
        "matched": {
            "beam": {"kind": "condition", "column": "energy", "bins": [12, 14, 16, 18]},
            "energy": {"kind": "scalar", "alpha": 0.3},
            "ssim": {"data_range": 0.0001, "alpha": 0.3},
        }
    },
    "physics": {"energies": [15], "energy_window": 5, "angles": [90], "angle_window": 30},
}
PHYSICS = {"ssim", "profiles", "response", "cells", "score"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with a 3DGAN."""
    folder = tmp_path_factory.mktemp("trained")
    done = run(folder, {"seed": 3, "device": "cpu", "studies": {"showers": GAN}})
    assert done.returncode == 0, done.stderr
    return folder


def test_parts_and_shards_change_no_number_of_a_3dgan_study(trained: Path, tmp_path: Path) -> None:
    done = run(tmp_path, {"seed": 3, "device": "cpu", "parts": 3, "shards": 2, "studies": {"showers": GAN}})
    assert done.returncode == 0, done.stderr
    one, several = parquet_bytes(trained), parquet_bytes(tmp_path)
    assert one.keys() == several.keys()
    assert [name for name in one if one[name] != several[name]] == []
    assert {Path(name).stem for name in one if name.startswith("showers/physics/")} == PHYSICS


def test_showers_are_drawn_under_the_conditions_of_holdout(trained: Path) -> None:
    """Under each at most one, and not in the order of the file, in which those of low energy might come first."""
    drawn, real = (
        pq.read_table(trained / f"results/showers/samples/{name}/0.parquet") for name in ("gan-0", "holdout")
    )
    pairs, of_real = (
        list(zip(*(table[name].to_pylist() for name in ("energy", "angle")), strict=True)) for table in (drawn, real)
    )
    assert len(set(pairs)) == 400
    assert set(pairs) < set(of_real)
    places = [of_real.index(pair) for pair in pairs]
    assert abs(np.corrcoef(places, np.arange(400))[0, 1]) < 0.2
    for name, unit in (("energy", b"GeV"), ("angle", b"rad")):
        assert drawn.schema.field(name).metadata[b"unit"] == unit
    assert drawn.schema.metadata[b"scale"] == real.schema.metadata[b"scale"]


REAL = ROOT.parent / "shared/data/geant4-electrons.h5"


@pytest.mark.skipif(not REAL.exists(), reason=f"needs {REAL.name}, showers of Geant4 that are not published")
def test_the_study_of_showers_that_geant4_has_simulated(tmp_path: Path) -> None:
    study = GAN | {
        "source": {"kind": "hdf5", "path": str(REAL), "layout": "3dgan", "coarsen": 4},
        "splits": {"train": 700, "calibrate": 400, "holdout": 400},
        "definitions": {"energy+shapes": STUDY["definitions"]["energy+shapes"]},
        "physics": {"energies": [20, 30, 40], "angles": [75, 105], "angle_window": 15},
    }
    done = run(tmp_path, {"seed": 3, "device": "cpu", "studies": {"geant4": study}})
    assert done.returncode == 0, done.stderr
    support = {row["population"]: row for row in read(tmp_path, "geant4/census/support.parquet")}
    assert support["holdout"]["duplicates"] > 5
    assert support["train"]["ratio_low"] < 1 < support["train"]["ratio_high"]  # real showers repeat like real ones
    fraction = [r for r in read(tmp_path, "geant4/physics/response.parquet") if r["quantity"] == "response"]
    of_real = [row["value"] for row in fraction if row["population"] == "holdout"]
    assert len(of_real) == 5
    np.testing.assert_allclose(of_real, 0.0284, rtol=0.03)  # of the primary energy is seen in silicon
    assert (tmp_path / "results/report.html").stat().st_size > 1e6


def read(folder: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    rows: list[dict[str, Any]] = pq.read_table(folder / "results" / table).to_pylist()
    return rows
