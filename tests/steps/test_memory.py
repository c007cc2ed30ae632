"""No step holds a whole population: what a step takes does not grow with the file, as it says itself beside its log."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gancensus.contracts.samples import Samples, generated_ids
from gancensus.domains.general import generator_files as generated
from gancensus.domains.general.source_files import Files
from gancensus.report import failures
from gancensus.search.duplicates import COUNTS_OF_SCALES
from gancensus.storage import schemas
from gancensus.storage.samples import write_samples
from gancensus.storage.tables import write_table

SCRIPTS = Path(__file__).parents[2] / "scripts"
SHAPE = (64, 1000)  # a sample of 256 kB
LARGE = 2000  # samples, 512 MB
ROOM = 256  # MiB by which a step may take more for many samples than for few: some row groups, half of the file

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is asked of Linux")


def peak(folder: Path, name: str, *options: object) -> float:
    """Run a step and return its peak memory in MiB."""
    folder.mkdir(exist_ok=True, parents=True)
    with (folder / f"{name}.log").open("w") as log:
        subprocess.run([sys.executable, SCRIPTS / f"{name}.py", *map(str, options)], check=True, stdout=log)
    return float(json.loads((folder / f"{name}.jsonl").read_text().splitlines()[-1])["peak_memory"])


def sparse(path: Path, samples: int) -> Path:
    """Write an array of zeros, but for the first sample, which takes hardly any room on the disk."""
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (samples, *SHAPE)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(np.linspace(0, 1, 64_000, dtype="<f4").tobytes())
        file.truncate(file.tell() + (samples - 1) * 256_000)
    return path


def prepare(folder: Path, samples: int) -> float:
    source = Files(path=sparse(folder / f"{samples}.npy", samples)).model_dump_json()
    splits = json.dumps({"train": samples // 2, "calibrate": 2, "holdout": samples // 3})
    outputs = [
        word for split in ("train", "calibrate", "holdout") for word in (f"--{split}", folder / split / "0.parquet")
    ]
    options = ["--source", source, "--trained_on", "--splits", splits, "--seed", 1, "--part", 0, "--parts", 2]
    return peak(folder, "prepare", *options, *outputs)


def generate(folder: Path, samples: int) -> float:
    generator = generated.Files(path=sparse(folder / f"{samples}.npy", samples)).model_dump_json()
    write_samples(folder / "like.parquet", Samples(np.zeros((2, *SHAPE), np.float32), np.arange(2)))
    options = ["--study", "s", "--population", "g-0", "--generator", generator, "--seed", 1, "--device", "cpu"]
    options += ["--part", "0", "--parts", "2", "--model", "--like", str(folder / "like.parquet")]
    return peak(folder, "generate", *options, "--output", folder / "0.parquet")


def draw(folder: Path, samples: int) -> float:
    """Both galleries; the other figures have no tables."""
    found = {"i": np.arange(9), "j": np.arange(9) + samples // 2, "m": np.arange(9.0)}
    for name in ("train", "holdout", "g-0"):
        path = folder / f"samples/{name}/0.parquet"
        write_samples(path, Samples(np.zeros((samples, *SHAPE), np.float32), np.arange(samples)))
        write_table(folder / f"duplicates/d/{name}.parquet", found, schemas.duplicates(["m"]))
    study = {"source": {"kind": "digits"}, "definitions": {"d": {"m": {"kind": "euclidean", "alpha": 0.1}}}}
    options = ["--study", json.dumps(study | {"generators": {"g": {"kind": "files", "path": "g.npy"}}}), "--parts", 1]
    options += ["--threads", 1]
    used = peak(folder, "draw", *options, "--gallery", folder / "figures/gallery.svg")
    assert [failures.reason(folder / f"figures/{name}.svg") for name in ("gallery", "closest-d")] == [None, None]
    return used


def merge_pairs(folder: Path, samples: int) -> float:
    """The repeats of 300,000 samples, in as many shards as there are hundreds of samples."""
    n = 300_000
    counts = {name: np.ones(n, np.int64) for name in ("duplicates", *COUNTS_OF_SCALES, "partners", "condition")}
    names = {"population": np.repeat("g-0", n), "sample_id": generated_ids("g-0", range(n))}
    write_table(folder / "counts.parquet", counts | names, schemas.REPEATS)
    about = {"samples": str(n), "step": "1", "blocks": "1 x 1"}
    write_table(folder / "found.parquet", {"i": [], "j": [], "m": []}, schemas.duplicates(["m"]), about)
    shards = max(1, samples // 100)
    options = ["--shards", *[folder / "found.parquet"] * shards, "--counts", *[folder / "counts.parquet"] * shards]
    outputs = ["--duplicates", folder / "d.parquet", "--repeats", folder / "r.parquet"]
    return peak(folder, "merge_pairs", "--cap", 1000, *options, *outputs)


@pytest.mark.parametrize("step", [prepare, generate, draw, merge_pairs])
def test_memory_does_not_grow_with_the_samples(step: object, tmp_path: Path) -> None:
    assert callable(step)
    assert step(tmp_path, LARGE) < step(tmp_path, 20) + ROOM
