"""What is noted about inputs, on its way from files to the terminal, and inputs that are checked before a run."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from gancensus.audit.check import Findings, check_inputs
from gancensus.config.configuration import read
from gancensus.contracts.samples import Notes, Samples
from gancensus.report import inputs
from gancensus.storage import schemas
from gancensus.storage.samples import write_samples
from gancensus.storage.tables import read_table, write_table

REAL = np.random.default_rng(1).normal(size=(60, 4))
FAKE = np.random.default_rng(2).normal(size=(40, 4))


def check(folder: Path, generators: dict[str, NDArray[Any] | None], cheap: bool = False, **study: Any) -> Findings:
    """Check a study of arrays in a folder; None in the place of an array: no file."""
    np.save(folder / "real.npy", REAL)
    for name, x in generators.items():
        if x is not None:
            np.save(folder / f"{name}.npy", x)
    provided = {name: {"kind": "files", "path": str(folder / f"{name}.npy")} for name in generators}
    config = {
        "source": {"kind": "files", "path": str(folder / "real.npy")},
        "generators": provided,
        "definitions": {"near": {"euclidean": {"alpha": 0.1}}},
        **study,
    }
    (folder / "my.yaml").write_text(yaml.safe_dump({"studies": {"s": config}}, sort_keys=False))
    return check_inputs(read(folder / "my.yaml"), cheap=cheap)


def bad(*rows: int) -> NDArray[Any]:
    x = FAKE.copy()
    x[list(rows), 1] = np.nan
    return x


def test_good_inputs_have_no_problem(tmp_path: Path) -> None:
    found = check(tmp_path, {"mine": FAKE})
    assert found == Findings(
        read=[
            "studies.s.source: read as 60 samples of 4 values, float64",
            "studies.s.generators.mine: read as 40 samples of 4 values, float64",
        ]
    )


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    found = check(
        tmp_path,
        {"nan": bad(3, 7), "other": FAKE[:, :3], "none": None, "kilo": 1000 * FAKE, "good": FAKE, "one": FAKE[:1]},
        splits={"train": 20, "calibrate": 20, "holdout": 20},
    )
    keys = [problem.split(": ")[0].rpartition(".")[2] for problem in found.problems]
    assert keys == ["none", "nan", "nan", "other", "kilo", "one"]
    assert ["sample 3 " in found.problems[1], "sample 7 " in found.problems[2]] == [True, True]
    assert "`same_units: true`" in found.problems[4]


def test_a_bad_source_is_a_problem_and_so_are_its_splits(tmp_path: Path) -> None:
    found = check(tmp_path, {"mine": FAKE}, splits={"train": 50, "calibrate": 50, "holdout": 50})
    assert ["splits ask for" in problem for problem in found.problems] == [True]
    (tmp_path / "real.npy").write_bytes(b"no array")
    found = check_inputs(read(tmp_path / "my.yaml"))
    assert ["real.npy: not a readable NumPy file" in problem for problem in found.problems] == [True]


def test_encoders_without_files_are_tried_too(tmp_path: Path) -> None:
    encoders = {"code": {"kind": "autoencoder"}, "pca": {"kind": "pca", "components": 2}}
    found = check(tmp_path, {"mine": FAKE}, encoders=encoders)
    assert any("encoder autoencoder: samples have shape" in str(problem) for problem in found.problems)


def test_what_a_metric_cannot_compare_is_found_without_a_run(tmp_path: Path) -> None:
    for definition, message in (
        ({"emd": {"alpha": 0.1}}, "metric emd: samples have the shape (4,)"),
        ({"euclidean": {"alpha": 0.1}, "beam": {"kind": "condition", "column": "energy"}}, "no condition 'energy'"),
    ):
        found = check(tmp_path, {"mine": FAKE}, definitions={"near": definition})
        assert [message in problem for problem in found.problems] == [True]


def test_a_metric_looks_at_every_sample(tmp_path: Path) -> None:
    """A particle of negative weight far down in the file of a generator."""
    rng = np.random.default_rng(0)
    real, mine = rng.random((60, 5, 3)), rng.random((50, 5, 3))
    mine[7, 2, 0] = -0.5
    np.save(tmp_path / "r.npy", real)
    source = {"kind": "files", "path": str(tmp_path / "r.npy")}
    found = check(tmp_path, {"mine": mine}, source=source, definitions={"near": {"emd": {"alpha": 0.1}}})
    assert [problem.partition("metric emd: ")[::2] for problem in found.problems] == [
        ("studies.s.generators.mine: ", found.problems[0].partition("metric emd: ")[2])
    ]
    assert "sample 7 " in found.problems[0]


def test_before_a_plan_only_small_inputs_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(check(tmp_path, {"mine": bad(3)}, cheap=True).problems) == 1
    monkeypatch.setattr("gancensus.audit.check.CHEAP", 100)
    found = check(tmp_path, {"mine": bad(3)}, cheap=True)
    assert (found.problems, found.unread) == ([], ["studies.s.source: 0.0 GB"])


def test_a_unit_that_is_said_to_be_right_is_a_warning(tmp_path: Path) -> None:
    check(tmp_path, {"mine": 1000 * FAKE})
    config = yaml.safe_load((tmp_path / "my.yaml").read_text())
    config["studies"]["s"]["generators"]["mine"]["same_units"] = True
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(config))
    found = check_inputs(read(tmp_path / "my.yaml"))
    assert not found.problems
    assert [warning.startswith("studies.s.generators.mine: column x0: ") for warning in found.warnings] == [True]


def two_paths(folder: Path, source: Path, mine: Path) -> Path:
    """Write a study of two paths."""
    study = {
        "source": {"kind": "files", "path": str(source)},
        "generators": {"mine": {"kind": "files", "path": str(mine)}},
        "definitions": {"near": {"euclidean": {"alpha": 0.1}}},
    }
    (folder / "my.yaml").write_text(yaml.safe_dump({"studies": {"s": study}}))
    return folder / "my.yaml"


@pytest.mark.parametrize("cheap", [False, True])
def test_a_name_too_long_for_a_file_is_a_problem(tmp_path: Path, cheap: bool) -> None:
    np.save(tmp_path / "real.npy", REAL)
    for source, mine, key in (("a" * 300, "real.npy", "source"), ("real.npy", "a" * 300, "generators.mine")):
        found = check_inputs(read(two_paths(tmp_path, tmp_path / source, tmp_path / mine)), cheap=cheap)
        assert len(found.problems) == 1
        assert found.problems[0].startswith(f"studies.s.{key}: ")
        assert found.problems[0].endswith(": file name too long")


@pytest.mark.parametrize("cheap", [False, True])
def test_a_folder_that_cannot_be_read_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cheap: bool
) -> None:
    np.save(tmp_path / "real.npy", REAL)
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refusing(place: str) -> object:
        if str(place).endswith("locked"):
            raise PermissionError(13, "Permission denied")  # permissions do not bind root
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refusing)
    for source, mine, key in (("locked", "real.npy", "source"), ("real.npy", "locked", "generators.mine")):
        found = check_inputs(read(two_paths(tmp_path, tmp_path / source, tmp_path / mine)), cheap=cheap)
        (problem,) = found.problems
        assert problem.startswith(f"studies.s.{key}: ")
        assert problem.endswith("locked: cannot be read (Permission denied)")


# Notes


def written(folder: Path, name: str, notes: Notes, rows: slice) -> Path:
    x = Samples(np.zeros((9, 2), np.float32), np.arange(9), notes=notes).take(rows)
    write_samples(folder / name, x)
    return folder / name


def test_notes_are_added_up_over_the_parts_of_an_input(tmp_path: Path) -> None:
    """A note about the whole is one, rows that were read only to look at them do not count."""

    class Reading(Samples):
        def take(self, rows: Any) -> Samples:
            self.notes.add("turned", np.arange(9)[rows][np.arange(9)[rows] % 2 == 0])
            return super().take(rows)

    notes = Notes("read as images")
    real = Reading(np.zeros((9, 2), np.float32), np.arange(9), notes=notes)
    real.take(slice(None))
    for name, rows in (("0", np.arange(4)), ("1", np.arange(4, 9))):
        write_samples(tmp_path / name, real, rows)
    assert inputs.noted([tmp_path / "0", tmp_path / "1"]) == {"read as images": None, "turned": 5}


def test_the_table_of_inputs_and_what_is_said_of_it(tmp_path: Path, step: Any) -> None:
    for population, notes in (("train", Notes("read as rows", "warning: two units")), ("gan-0", Notes())):
        written(tmp_path / "s/samples" / population, "0.parquet", notes, slice(0, 9))
    write_table(tmp_path / "support.parquet", {name: [] for name in schemas.SUPPORT.names}, schemas.SUPPORT)
    write_table(tmp_path / "answers.parquet", {name: [] for name in schemas.SUMMARY.names}, schemas.SUMMARY)
    done = step(
        "collect_census",
        *("--supports", tmp_path / "support.parquet", "--parts", 1),
        *("--inputs", '[["s", "real", "real.npy", ["train"]], ["s", "gan-0", "dcgan", ["gan-0"]]]'),
        *("--census", tmp_path / "census.parquet", "--notes", tmp_path / "inputs.parquet"),
        *("--summaries", tmp_path / "answers.parquet", "--summary", tmp_path / "summary.parquet"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = read_table(tmp_path / "inputs.parquet").to_pylist()
    assert [row["note"] for row in rows] == ["read as rows", "warning: two units"]
    assert inputs.warnings(rows) == ["real (real.npy): two units"]
    assert inputs.lines([*rows, rows[0] | {"population": "mine-0", "note": "turned", "samples": 1200}]) == [
        "real (real.npy): read as rows",
        "mine-0 (real.npy): turned: 1,200 samples",
    ]


def test_units_of_a_table_are_compared_column_by_column(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)

    def table(name: str, n: int, thousand: float) -> str:
        rows = np.column_stack([rng.integers(18, 91, n), rng.gamma(2, 20_000, n).round() / thousand])
        text = "".join(f"{age:.0f},{income:.3f}\n" for age, income in rows)
        (tmp_path / name).write_text("age,income\n" + text)
        return str(tmp_path / name)

    study = {
        "source": {"kind": "csv", "path": table("real.csv", 400, 1)},
        "generators": {
            "good": {"kind": "csv", "path": table("good.csv", 200, 1)},
            "kilo": {"kind": "csv", "path": table("kilo.csv", 200, 1000)},
        },
        "definitions": {"rows": {"gower": {"alpha": 0.01}}},
    }
    (tmp_path / "my.yaml").write_text(yaml.safe_dump({"studies": {"s": study}}))
    (problem,) = check_inputs(read(tmp_path / "my.yaml")).problems
    assert problem.startswith("studies.s.generators.kilo: ")
    assert "column income: " in problem
    assert "divided by 1000" in problem
