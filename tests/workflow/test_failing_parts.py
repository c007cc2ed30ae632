"""No analysis and no figure keeps a study from its count and its page: what fails leaves a sentence in its place."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pyarrow.parquet as pq
import pytest
from runs import parquet_bytes, run

from gancensus.report.failures import STATUS

pytestmark = pytest.mark.slow

CONFIG = {
    "seed": 3,
    "studies": {
        "toy": {
            "source": {"kind": "files", "path": "real.npy"},
            "generators": {"mine": {"kind": "files", "path": "made.npy"}},
            "definitions": {"values": {"euclidean": {"alpha": 0.05}}},
            "census": {"replicates": 100, "permutations": 100, "sweep": 64},
            "fidelity": {"neighbours": 2},
            "nearest": {},
        }
    },
}
PLANTED = """
import os, signal, sys

job = " ".join(sys.orig_argv)


def refuse(*_):
    import gancensus.contracts.errors

    raise gancensus.contracts.errors.UserError("results/toy/samples/mine-0: too few <rows>")


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


if "analyse.py" in job:
    import gancensus.comparison.fidelity, gancensus.storage.samples
    if "--table fidelity" in job:
        gancensus.comparison.fidelity.fidelity = lambda *_, **__: [][0]
    if "--table pass" in job:
        gancensus.storage.samples.SampleRows.whole = refuse
    if "--table pca" in job:
        gancensus.storage.samples.SampleRows.whole = die
if "answers.py" in job and "--population mine-0" in job:
    import gancensus.storage.samples
    gancensus.storage.samples.SampleRows.take = die
if "draw.py" in job:
    import gancensus.report.census_figures, gancensus.report.sample_figures
    gancensus.report.sample_figures.draw_gallery = None
    gancensus.report.census_figures.draw_birthday = refuse
"""
BUG = "a bug: IndexError: list index out of range"


def prepared(folder: Path) -> Path:
    """A folder with real samples and generated ones."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.save(folder / "real.npy", rng.random((120, 3)))
    np.save(folder / "made.npy", rng.random((50, 3)))
    return folder


def drawings(folder: Path) -> dict[str, bytes]:
    """Every figure of the study."""
    figures = folder / "results/toy/figures"
    return {str(path.relative_to(figures)): path.read_bytes() for path in sorted(figures.rglob("*.svg"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two analyses and two figures fail, and an analysis and answers are killed."""
    return prepared(tmp_path_factory.mktemp("planted") / "run")


@pytest.fixture(scope="module")
def failed(folder: Path) -> CompletedProcess[str]:
    """The run in which they do."""
    plants = folder.parent / "plants"
    plants.mkdir()
    (plants / "sitecustomize.py").write_text(PLANTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(plants), prepend=os.pathsep)
        return run(folder, CONFIG)


def test_the_census_is_printed_and_what_failed_after_it(failed: CompletedProcess[str]) -> None:
    assert failed.returncode == STATUS, failed.stderr
    assert re.search(r"^toy +values +mine-0 +50 ", failed.stdout, re.MULTILINE)
    assert "report: results/report.html" in failed.stdout
    told = failed.stderr.rpartition("the same command tries again:")[2]
    assert re.findall(r"^  (toy: .*)\n    log  (.*)$", told, re.MULTILINE) == [
        (f"toy: fidelity could not be measured: {BUG}", "results/logs/toy/analyse/fidelity.log"),
        (
            "toy: nearest/pass could not be measured: samples/mine-0: too few <rows>",
            "results/logs/toy/analyse/nearest/pass.log",
        ),
        (
            "toy: nearest/pca could not be measured: its job was killed, most often for lack of memory or time",
            "results/logs/toy/analyse/nearest/pca.log",
        ),
        (
            "toy: answers/mine-0 could not be measured: its job was killed, most often for lack of memory or time",
            "results/logs/toy/answers/mine-0.log",
        ),
        (
            "toy: the figure gallery could not be drawn: a bug: TypeError: 'NoneType' object is not callable",
            "results/logs/toy/draw.log",
        ),
        ("toy: the figure birthday could not be drawn: samples/mine-0: too few <rows>", "results/logs/toy/draw.log"),
    ]


def test_the_page_has_the_reasons_in_their_places(failed: CompletedProcess[str], folder: Path) -> None:
    page = (folder / "results/report.html").read_text()
    study = page.partition('<section id="study-toy">')[2].partition("</section>")[0]
    assert study.count(f"fidelity could not be measured: {BUG}") == 2  # at the top, and in its place
    assert study.index("<h3>Fidelity</h3>") < study.rindex(BUG) < study.index("<h3>Distance to the nearest real row")
    assert study.count("too few &lt;rows&gt;") == 4
    assert study.count("the figure gallery could not be drawn") == 2
    assert "<code>logs/toy/analyse/fidelity.log</code>" in study
    assert "missing</span> <span>fidelity, nearest/pass, nearest/pca, answers/mine-0, gallery, birthday</span>" in page
    for title in ("Effective support", "Samples", "Distance to the nearest real row"):  # of 32 more
        assert title in study


def test_the_files_know_that_they_are_none(failed: CompletedProcess[str], folder: Path) -> None:
    results = folder / "results"
    table = pq.read_table(results / "toy/fidelity.parquet")
    assert table.num_rows == 0
    assert table.schema.metadata[b"failed"].decode() == BUG
    assert "IndexError" in (results / "toy/figures/fidelity.svg").read_text()
    facts = json.loads((results / "provenance.json").read_text())
    assert facts["failed"]["toy/fidelity.parquet"] == BUG
    assert facts["failed"].keys() == {
        *(f"toy/{table}.parquet" for table in ("fidelity", "nearest/pass", "nearest/pca")),
        *(f"toy/{table}/mine-0.parquet" for table in ("answers", "coverage")),
        *(f"toy/figures/{figure}.svg" for figure in ("gallery", "birthday")),
    }
    log = (results / "logs/toy/analyse/fidelity.log").read_text()
    assert log.startswith("Traceback (most recent call last):")
    trace = pq.read_table(results / "trace.parquet").to_pylist()
    outcomes = {(row["rule"], row["names"]): row["outcome"] for row in trace if row["outcome"] != "done"}
    assert outcomes == {
        ("analyse", "fidelity"): "bug",
        ("analyse", "nearest/pass"): "error",
        ("analyse", "nearest/pca"): "killed",
        ("answers", "mine-0"): "killed",
    }


def test_the_next_run_makes_what_failed(failed: CompletedProcess[str], folder: Path, tmp_path: Path) -> None:
    plan = run(folder, CONFIG, action="plan").stderr
    assert {line.split()[0]: line.split()[1] for line in plan.splitlines() if "forced" in line} == {
        "analyse": "3",
        "answers": "1",
    }
    assert re.search(r"^draw_toy +1 ", plan, re.MULTILINE)
    again = run(folder, CONFIG)
    assert again.returncode == 0, again.stderr
    assert "could not be" not in again.stderr + (folder / "results/report.html").read_text()
    clean = prepared(tmp_path / "clean")
    assert run(clean, CONFIG).returncode == 0
    assert parquet_bytes(folder) == parquet_bytes(clean)
    assert drawings(folder) == drawings(clean)
    provenance, other = ((place / "results/provenance.json").read_text() for place in (folder, clean))
    assert provenance == other
