"""What stands in the place of a table or figure that could not be made."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from gancensus.config.configuration import Study
from gancensus.config.results import figures
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.general.analysis_fidelity import Fidelity
from gancensus.domains.general.generator_files import Files
from gancensus.plotting import style
from gancensus.report import failures
from gancensus.report.failures import Failed
from gancensus.report.study_figures import Results, write
from gancensus.storage import schemas
from gancensus.storage.samples import write_samples
from gancensus.storage.tables import about, read_table, write_bytes, write_table

Step = Callable[..., CompletedProcess[str]]
STUDY = {
    "source": {"kind": "digits"},
    "generators": {"mine": {"kind": "files", "path": "made.npy"}},
    "definitions": {"same": {"euclidean": {"alpha": 0.1}}},
    "fidelity": {},
}


@pytest.mark.parametrize(
    "reason", ["too few", "a < b & 'c' > \"d\"", "</metadata> é\N{GREEK SMALL LETTER ALPHA}", "x" * 5000]
)
def test_reasons_can_be_read_again(tmp_path: Path, reason: str) -> None:
    failures.table(tmp_path / "t.parquet", schemas.FIDELITY, reason)
    failures.figure(tmp_path / "f.svg", reason)
    assert [failures.reason(tmp_path / name) for name in ("t.parquet", "f.svg")] == [reason, reason]
    table = read_table(tmp_path / "t.parquet")
    assert (table.num_rows, table.column_names) == (0, schemas.FIDELITY.names)
    assert reason[:80] in "".join(ET.parse(tmp_path / "f.svg").getroot().itertext())  # it is an image, too


def test_what_could_be_made_has_none(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", {name: [] for name in schemas.FIDELITY.names}, schemas.FIDELITY)
    write_bytes(tmp_path / "f.svg", style.svg(style.empty("failed")))
    assert [failures.reason(tmp_path / name) for name in ("t.parquet", "f.svg")] == [None, None]
    write_bytes(tmp_path / "model.safetensors", b"weights")
    assert failures.reason(tmp_path / "model.safetensors") is None


@pytest.mark.parametrize("place", ["results/toy", "/tmp/a folder/results/toy"])
def test_a_reason_names_no_folder(place: str) -> None:
    folder = Path(place)
    paths = [folder / "physics/score.parquet", *(folder / f"samples/{name}-0/0.parquet" for name in "ab")]
    error = UserError(f"{folder}/samples/a-0: no showers\nsecond\x00 line, of {folder}/samples/b-0")
    assert failures.describe(error, paths) == "samples/a-0: no showers second  line, of samples/b-0"
    assert failures.describe(KeyError("x"), paths) == "a bug: KeyError: 'x'"
    assert failures.describe(ValueError(), paths) == "a bug: ValueError"


@pytest.mark.parametrize(
    ("file", "name", "log"),
    [
        ("toy/fidelity.parquet", "fidelity", "logs/toy/analyse/fidelity.log"),
        ("toy/physics/score.parquet", "physics/score", "logs/toy/analyse/physics/score.log"),
        ("toy/figures/physics/score.svg", "physics/score", "logs/toy/draw.log"),
        ("toy/figures/closest-a-b+c.svg", "closest-a-b+c", "logs/toy/draw.log"),
        ("toy/figures/gallery.parquet", "gallery", "logs/toy/draw.log"),
        ("timeline.svg", "timeline", "logs/collect_trace.log"),
    ],
)
def test_names_and_logs(file: str, name: str, log: str) -> None:
    assert (Failed.of(file, "").name, Failed.of(file, "").log) == (name, log)


def test_a_figure_without_its_table_is_told_once(tmp_path: Path) -> None:
    files = ["toy/nearest/pca.parquet", "toy/figures/nearest/pca.svg", "toy/figures/gallery.svg"]
    failures.table(tmp_path / files[0], schemas.FIDELITY, "one")
    failures.figure(tmp_path / files[1], "one")
    failures.figure(tmp_path / files[2], "two")
    failures.table(tmp_path / "toy/figures/gallery.parquet", schemas.SHOWN, "two")
    found = failures.among(tmp_path, [*files, "toy/figures/gallery.parquet"])
    assert [one.sentence for one in found] == [
        "nearest/pca could not be measured: one",
        "the figure gallery could not be drawn: two",
    ]


def written(folder: Path, name: str, rows: int) -> Path:
    path = folder / f"samples/{name}/0.parquet"
    write_samples(path, Samples(np.random.default_rng(0).random((rows, 2), dtype=np.float32), np.arange(rows)))
    return path


def analyse(step: Step, folder: Path, output: Path) -> CompletedProcess[str]:
    """Ask for the fidelity of 5 samples, which is too few."""
    populations = ("train", "calibrate", "holdout", "mine-0")
    facts = ("--study", "toy", "--seed", 1, "--source", '{"kind": "digits"}')
    generators = '{"mine": ' + Files(path=Path("made.npy")).model_dump_json() + "}"
    options = ("--analysis", Fidelity().model_dump_json(), "--table", "fidelity", "--generators", generators)
    features = ("--features", *(written(folder, name, 5) for name in populations))
    networks = ("--models", "--encoders", "{}", "--networks")
    generated = (
        "--real",
        *populations[:3],
        "--generated",
        '{"mine-0": ["mine", 0]}',
        "--selections",
        "{}",
        "--support",
        "--space",
        "samples",
    )
    return step("analyse", *facts, *options, *generated, *features, *networks, "--threads", 2, "--output", output)


def test_the_step_of_an_analysis_says_why_and_ends_well(step: Step, tmp_path: Path) -> None:
    for place in ("here", "there/too"):
        folder = tmp_path / place
        done = analyse(step, folder, folder / "fidelity.parquet")
        assert done.returncode == 0
        assert done.stderr == f"error: {about(folder / 'fidelity.parquet')['failed']}\n"
    assert "5 real samples are too few for 5 neighbours" in done.stderr
    assert (folder / "fidelity.parquet").read_bytes() == (tmp_path / "here/fidelity.parquet").read_bytes()
    study = Study.model_validate(STUDY)
    write(figures(study)["fidelity"], Results(study, folder.name, folder.parent, 1), tmp_path / "f.svg")
    assert failures.reason(tmp_path / "f.svg") == about(folder / "fidelity.parquet")["failed"]


def test_what_cannot_be_written_is_an_error(step: Step, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = analyse(step, tmp_path, tmp_path / "taken/fidelity.parquet")
    assert done.returncode == 1
    assert "cannot write" in done.stderr.splitlines()[-1]
