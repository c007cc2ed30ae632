"""A study of simulated jets, from the collisions to the report."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from runs import run

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
pytestmark = pytest.mark.slow

VAE = {"kind": "vae", "only": 0, "latent": 4, "width": 2, "epochs": 2, "batch": 16, "beta": 1e-7}
DECODER = {"kind": "vae", "output": "softmax", "latent": 4, "width": 2, "epochs": 2, "replicas": 1, "samples": 60}
LISTED = ["one", "other", "emd"]
STUDY: dict[str, Any] = {
    "source": {"kind": "pythia", "jets": 120, "processes": ["qcd", "w"]},
    "splits": {"train": 100, "calibrate": 60, "holdout": 80},
    "encoders": {"one": VAE, "other": {**VAE, "beta": 1e-4}, "emd": {**VAE, "kind": "emd-ae"}},
    "generators": {"decoder": DECODER},
    "definitions": {"emd": {"emd": {"width": 2, "alpha": 0.01}}},
    "correlation": {"encoders": LISTED, "label": 0, "jets": 40, "bootstrap": 100},
    "anomaly": {"encoders": LISTED, "references": 20, "jets": 50, "medoids": [1, 2]},
    "substructure": {"least": 0.001},
    "latent": {"encoders": LISTED},
}
TABLES = {
    *("correlation", "correlation/pairs", "latent", "latent/points"),
    *("anomaly", "anomaly/differences", "anomaly/roc", "anomaly/sweep", "anomaly/medoids"),
    *("substructure", "substructure/histograms", "substructure/jets"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run."""
    folder = tmp_path_factory.mktemp("jets")
    done = run(folder, {"seed": 2, "device": "cpu", "studies": {"jets": STUDY}})
    assert done.returncode == 0, done.stderr
    return folder / "results"


def test_all_tables_have_rows(results: Path) -> None:
    for name in TABLES:
        assert pq.read_table(results / f"jets/{name}.parquet").num_rows > 0, name


def test_the_report_shows_jets_and_names_no_failure(results: Path) -> None:
    page = (results / "report.html").read_text()
    assert all(title in page for title in ("Correlation with optimal transport", "Anomaly scores", "Average jet"))
    assert "could not be made" not in page
