"""From folders of images to the names of what is planted in them: in the list and on the page."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from runs import run

pytestmark = pytest.mark.slow

CONFIG: dict[str, Any] = {
    "seed": 5,
    "studies": {
        "audit": {
            "source": {"kind": "files", "path": "real"},
            "splits": {"train": 60, "calibrate": 60, "holdout": 60, "train_first": True},
            "generators": {"mine": {"kind": "files", "path": "made"}},
            "definitions": {"near": {"euclidean": {"alpha": 0.001}}},
        }
    },
}
PLANTED = ["a,b.png", 'q"uote".png', "ünï.png", "=1.png", "sub/x.png", "y.png"]


def save(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def bring(folder: Path) -> None:
    """Write real images, and generated ones: six around one, and a copy of one that the first split has."""
    rng = np.random.default_rng(0)
    images = 200 * rng.integers(0, 2, (500, 5, 5), dtype=np.uint8)  # corners of a cube: none is in the midst of others
    for k, pixels in enumerate(images[:180]):
        save(folder / f"real/{k:03}.png", pixels)
    for k, pixels in enumerate(images[180:460]):
        save(folder / f"made/m{k:03}.png", pixels)
    for k, name in enumerate(PLANTED):
        save(folder / "made" / name, images[499] + np.uint8(k))
    save(folder / "made/copy.png", images[7])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results/audit/duplicates.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_planted_is_found_by_its_name_for_any_parts_and_shards(tmp_path: Path) -> None:
    bring(tmp_path)
    done = run(tmp_path, CONFIG)
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path)
    largest = [row for row in found if row["group"] == "0"]
    assert {row["sample"].removeprefix("./") for row in largest} == set(PLANTED)
    assert largest[0]["sample"] == "./=1.png"  # all are near each other, and it is the first
    assert {row["size"] for row in largest} == {"6"}
    (copy,) = [row for row in found if row["sample"] == "copy.png"]
    assert (copy["closest_in_train"], copy["distance_to_train"]) == ("007.png", "0")

    page = (tmp_path / "results/report.html").read_text(encoding="utf-8")
    assert "audit/duplicates.csv" in page
    assert "group 0: 6 samples" in page
    assert "q&#34;uote&#34;.png" in page

    files = [tmp_path / "results/audit" / name for name in ("duplicates.csv", "census/groups.parquet")]
    before = [file.read_bytes() for file in files]
    done = run(tmp_path, CONFIG | {"parts": 2, "shards": 2}, "--until", "groups")
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("results/audit/samples/mine-0/*.parquet"))) == 2
    assert [file.read_bytes() for file in files] == before
