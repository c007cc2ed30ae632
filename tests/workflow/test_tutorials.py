"""The tutorials work as they stand, and say what comes out."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tutorials import follow

pytestmark = pytest.mark.slow


def test_training(tmp_path: Path) -> None:
    said = follow("tutorial-training", tmp_path)
    assert "curated-1 alike" in said["python answers.py"]
    plans = [text for command, text in said.items() if "plan" in command]
    assert "train" in plans[-1]
    assert len(list((tmp_path / "results/spots/generators").iterdir())) == 4


def test_metric(tmp_path: Path) -> None:
    follow("tutorial-metric", tmp_path)
    rows = pq.read_table(tmp_path / "results/census.parquet").to_pylist()
    ratio = {row["definition"]: row["ratio"] for row in rows if row["population"] == "mine-0"}
    support = {row["definition"]: row["effective_support"] for row in rows if row["population"] == "mine-0"}
    assert ratio["moved"] > 3 * ratio["pixels"]
    assert support["moved"] == pytest.approx(40, rel=0.15)


def test_samples(tmp_path: Path) -> None:
    said = follow("tutorial-samples", tmp_path)
    (answer,) = [text for command, text in said.items() if "gancensus audit" in command]
    assert "my GAN" in answer
    rows = pq.read_table(tmp_path / "audit-results/census.parquet").to_pylist()
    support = {row["population"]: row["effective_support"] for row in rows}
    assert support["my-GAN-0"] == pytest.approx(12, rel=0.1)
    assert said["head -n 4 audit-results/audit/duplicates.csv"].splitlines()[1].split(",")[4].endswith(".png")
