"""What `gancensus estimate` says: jobs, pairs and rows exactly, bytes nearly."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import runs
import yaml
from sklearn.datasets import load_digits

from gancensus.cli.arguments import absent_file
from gancensus.cli.estimate.costs import Cost, Prediction, predict
from gancensus.cli.estimate.jobs import Job, groups, ordered
from gancensus.cli.estimate.searches import rows_read
from gancensus.cli.estimate.table import ARGUMENT, path_seconds, summary, table
from gancensus.cli.main import SNAKEFILE, main
from gancensus.cli.options import SLURM_PROFILE
from gancensus.config.configuration import load
from gancensus.contracts.errors import UserError
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.search.pairs import Side, all_tasks, costs, cut, deal, find_pairs

ROOT = runs.ROOT
DOC = ROOT / "docs/scale.md"


def absent() -> dict[str, tuple[int, ...]]:
    """The files that docs/scale.md supposes."""
    named = re.search(r'make estimate CONFIG=config/large.yaml FILES="([^"]+)"', DOC.read_text())
    assert named
    return dict(absent_file(text) for text in named[1].split())


def test_a_million_showers_are_fewer_than_2000_jobs_and_the_document_says_what_they_cost() -> None:
    jobs, taken = predict(ROOT / "config/large.yaml", absent(), SNAKEFILE)
    assert len(jobs) < 2000
    assert max(len(job.command) for job in jobs) < ARGUMENT
    text = "\n".join([*table(jobs, taken, groups(SLURM_PROFILE)), "", *summary(jobs, taken)])
    assert text in DOC.read_text(), f"docs/scale.md is stale; `make estimate` with its FILES says:\n{text}"


def test_the_jobs_are_those_of_a_dry_run(tmp_path: Path) -> None:
    config = ROOT / "config/test.yaml"
    command = [sys.executable, "-m", "gancensus.cli", "plan", "--configfile", str(config)]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    planned = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)", shown, re.MULTILINE)}
    jobs, _ = predict(config, {}, SNAKEFILE)
    assert planned.pop("total") == len(jobs) + planned.pop("all")
    assert planned == Counter(job.rule for job in jobs)


@pytest.mark.parametrize(("samples", "others", "shards"), [(1000, None, 7), (5000, None, 1), (1500, 700, 5)])
def test_shards_read_and_compare_what_is_estimated(samples: int, others: int | None, shards: int) -> None:
    rng = np.random.default_rng(0)
    read: list[int] = []

    def side(n: int) -> Side:
        x = rng.standard_normal((n, 2))

        def rows(block: slice) -> list[tuple[np.ndarray[Any, Any]]]:
            read.append(block.stop - block.start)
            return [(x[block],)]

        return Side(cut(n, 400, shards), rows)

    a, b = side(samples), None if others is None else side(others)
    found = 0
    for shard in range(shards):
        todo = deal(costs(a, b), shard, shards)
        read.clear()
        found += sum(len(pairs.i) for pairs in find_pairs([Euclidean(alpha=0.5)], [np.inf], a, b, todo))
        assert rows_read(a, b, todo) == sum(read)
    assert found == sum(pairs for _, pairs in costs(a, b))
    assert found == (samples * (samples - 1) // 2 if others is None else samples * others)
    assert rows_read(a, b, all_tasks(a, b)) >= samples


def study(folder: Path) -> dict[str, Any]:
    """Digits with a generator that hands over a file, and nothing to train."""
    x = load_digits().images
    np.save(folder / "mine.npy", x[::-1].astype(np.float32))
    return {
        "parts": 2,
        "shards": 3,
        "studies": {
            "small": {
                "source": {"kind": "digits"},
                "splits": {"train": 900, "calibrate": 300, "holdout": 500},
                "encoders": {"pca": {"kind": "pca", "components": 16}},
                "generators": {"mine": {"kind": "files", "path": "mine.npy"}},
                "definitions": {"both": {"euclidean": {"alpha": 0.05}, "pca": {
                    "kind": "euclidean", "encoder": "pca", "alpha": 0.05}}},
            }
        },
    }  # fmt: skip


def test_all_pairs_of_all_searches_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load(study(tmp_path))
    prediction = Prediction(config, {})
    sizes = {"train": 900, "calibrate": 300, "holdout": 500, "mine-0": 1797}
    assert prediction.facts["small"].samples == sizes
    for name, n, *others in (
        ("holdout", 500),
        ("mine-0", 1797),
        ("holdout~train", 500, 900),
        ("mine-0~train", 1797, 900),
    ):
        search = prediction.search("small", "both", name)
        assert sum(pairs for _, pairs in search.shards) == (n * others[0] if others else n * (n - 1) / 2)


def test_bytes_are_within_a_fifth_of_those_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = study(tmp_path) | {"parts": 1}
    done = runs.run(tmp_path, config, "--until", "embed")
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    prediction = Prediction(load(config), {})
    results = tmp_path / "results"
    for folder in (
        "small/samples/train",
        "small/samples/mine-0",
        "small/embedded/pca/train",
        "small/embedded/pca/mine-0",
    ):
        files = sorted((results / folder).glob("*.parquet"))
        assert len(files) == 1
        written = sum(file.stat().st_size for file in files)
        estimated = sum(prediction.size(str(file.relative_to(results)))[1] for file in files)
        assert estimated == pytest.approx(written, rel=0.2), folder


def test_a_generated_table_has_the_columns_of_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = {"age": [20 + k % 50 for k in range(90)], "town": ["ulm", "kiel", "rome"] * 30}
    pq.write_table(pa.table(cells), "fake.parquet")
    for name in ("real.csv", "fake.csv"):
        lines = [",".join(map(str, row)) for row in zip(*cells.values(), strict=True)]
        Path(name).write_text("\n".join([",".join(cells), *lines]))
    config = study(tmp_path)
    config["studies"]["small"] |= {
        "source": {"kind": "csv", "path": "real.csv"},
        "splits": {"train": 40, "calibrate": 20, "holdout": 20},
        "generators": {kind: {"kind": kind, "path": f"fake.{kind}"} for kind in ("csv", "parquet")},
    }
    facts = Prediction(load(config), {}).facts["small"]
    assert facts.shape == (4,)
    assert (facts.samples["csv-0"], facts.samples["parquet-0"]) == (90, 90)
    assert facts.stored["csv-0"] > facts.stored["parquet-0"] > 0  # lines of text have names


def test_vectors_that_are_yet_to_come_are_as_long_as_is_said() -> None:
    config = {
        "studies": {
            "small": {
                "source": {"kind": "digits"},
                "encoders": {"own": {"kind": "vectors", "path": "real.npy", "generated": {"mine": "mine.npy"}}},
                "generators": {"mine": {"kind": "files", "path": "mine.npz"}},
                "definitions": {"near": {"euclidean": {"encoder": "own", "alpha": 0.01}}},
            }
        }
    }
    coming = {"real.npy": (1797, 7), "mine.npy": (50, 7), "mine.npz": (50, 8, 8)}
    facts = Prediction(load(config), coming).facts["small"]
    assert facts.space("own") == facts.space("own") == (7,)


def test_a_file_that_is_not_there_needs_a_shape(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"geant4\.h5: no such file; say what it will hold: --file data/geant4\.h5="):
        predict(ROOT / "config/large.yaml", {}, SNAKEFILE)


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["estimate", str(ROOT / "config/test.yaml")])
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 0
    assert lines[0].startswith("| rule | jobs | SLURM jobs |")
    assert any(line.startswith("- Time: at least ") for line in lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--file", "x.npy"], "error: argument --file: x.npy: should be like data/x.npy=1000000x51x51x25"),
        (["--cores", "2"], "error: --cores: `gancensus estimate` runs nothing; leave it out"),
    ],
)
def test_what_the_command_does_not_take(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["estimate", str(ROOT / "config/test.yaml"), *options])
    assert message in f"{end.value.code}{capsys.readouterr().err}"


def test_an_error_that_only_the_rules_find_is_no_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = study(tmp_path)
    config["studies"]["small"]["generators"] = {"gan": {"kind": "dcgan"}}
    config["studies"]["small"]["definitions"]["both"]["condition"] = {"column": "energy"}
    Path("my.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(SystemExit) as end:
        main(["estimate", "my.yaml"])
    assert str(end.value.code).startswith("error: the configuration has errors:\n  studies.small.definitions.both.")


def test_the_longest_chain_of_jobs_bounds_the_time() -> None:
    needs = {0: [], 1: [0], 2: [0], 3: [1, 2], 4: []}
    jobs = [Job("rule", {}, [], [], 0, "", needs[k]) for k in range(5)]
    taken = [Cost(0, 0, seconds, None) for seconds in (1.0, 5.0, 2.0, 10.0, None)]
    assert path_seconds(jobs, taken) == 16
    assert ordered(jobs[:4]) in ([0, 1, 2, 3], [0, 2, 1, 3])
