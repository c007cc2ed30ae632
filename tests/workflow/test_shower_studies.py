"""Studies of showers whose answers are known: frozen showers, a mixture of copies and fresh ones, and real ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from runs import run

from gancensus.samples import Samples
from gancensus.sources.gflash import Gflash

FROZEN, SHARE = 25, 0.1  # different showers that are repeated; their share in the mixture
SHOWERS = 1500
SOURCE = {"kind": "gflash", "showers": 4000, "energy": [10, 20], "coarsen": 3}
STUDY = {
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
    rows = pq.read_table(folder / "results/showers/census/support.parquet").to_pylist()
    return {row["population"]: row for row in rows}


def test_frozen_showers_collide_once_in_their_number(support: dict[str, dict[str, Any]]) -> None:
    found = support["frozen-0"]  # whose 25 showers are all unlike
    assert found["collision_low"] < 1 / FROZEN < found["collision_high"]
    assert found["collision_high"] / found["collision_low"] < 1.2
    assert found["verdict"] == "less diverse"


def test_a_mixture_collides_as_its_parts(support: dict[str, dict[str, Any]]) -> None:
    """Copies with copies w^2 / K, fresh showers with fresh ones (1 - w)^2 q, and with copies as with any shower."""
    found, q = support["mixed-0"], support["holdout"]["collision"]
    expected = SHARE**2 / FROZEN + (1 - SHARE) ** 2 * q + 2 * SHARE * (1 - SHARE) * q
    assert found["collision_low"] < expected < found["collision_high"]
    assert found["collision_low"] > 1.2 * q  # it is told from the real ones
    assert found["verdict"] == "less diverse"


def test_real_showers_are_as_diverse_as_real_showers(support: dict[str, dict[str, Any]]) -> None:
    found = support["fresh-0"]
    assert found["ratio_low"] < 1 < found["ratio_high"]
    assert found["verdict"] == "as diverse"
    assert found["duplicates"] > 100
