"""A study of tables that a user brings as CSV: an honest one, one that copies, a collapsed one, and a collapsed GAN."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from runs import run

from gancensus.contracts.columns import decode
from gancensus.domains.tables.source_credit import Credit

pytestmark = pytest.mark.slow

LEARNED, REAL, KINDS, SEED = 400, 800, 10, 3
STUDY: dict[str, Any] = {
    "source": {"kind": "csv", "path": "real.csv", "drop": ["applicant"]},
    "splits": {"train": LEARNED, "calibrate": 200, "holdout": 200, "train_first": True},
    "generators": {
        **{name: {"kind": "csv", "path": f"{name}.csv"} for name in ("honest", "copied", "collapsed")},
        "gan": {"kind": "tabulargan", "beta1": 0.9, "epochs": 100, "samples": 500, "replicas": 1},
    },
    "definitions": {"rows": {"gower": {"alpha": 0.02}}},
    "nearest": {},
    "synthetic": {"target": "outcome"},
}


def bring(path: Path, rows: NDArray[Any], identifiers: bool = False) -> None:
    """Write rows of the credit table as text, and before them a number of the applicant."""
    credit = Credit(outcome=True).load(0)
    assert credit.scale is not None
    columns = credit.scale.columns
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(["applicant"] if identifiers else []), *(column.name for column in columns)])
        for number, row in enumerate(decode(columns, credit.x[rows])):
            cells = [
                column.categories[int(value)] if column.categories else int(value)
                for column, value in zip(columns, row, strict=True)
            ]
            writer.writerow([f"A{number}"] * identifiers + cells)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("tables"), np.random.default_rng(SEED)
    rows = rng.permutation(1000)
    bring(folder / "real.csv", rows[:REAL], identifiers=True)
    bring(folder / "honest.csv", rows[REAL:])
    bring(folder / "copied.csv", rng.choice(rows[:LEARNED], 200, replace=False))
    bring(folder / "collapsed.csv", np.repeat(rows[REAL : REAL + KINDS], 20))
    done = run(folder, {"seed": SEED, "studies": {"credit": STUDY}})
    assert done.returncode == 0, done.stderr
    return folder / "results"


def read(results: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(results / "credit" / f"{table}.parquet").to_pylist()
    return found


def test_collapsed_tables_are_called_less_diverse_and_honest_ones_are_not(results: Path) -> None:
    support = {row["population"]: row for row in read(results, "census/support")}
    assert support["collapsed-0"]["verdict"] == support["gan-0"]["verdict"] == "more duplicates"
    assert support["collapsed-0"]["effective_support"] == pytest.approx(KINDS, rel=0.1)
    for name in ("honest-0", "copied-0"):
        assert support[name]["ratio_low"] < 1 < support[name]["ratio_high"], name


def test_copies_are_named_and_honest_rows_are_not(results: Path) -> None:
    verdicts = {row["population"]: row["verdict"] for row in read(results, "census/copies")}
    assert verdicts["copied-0"] != "no copies found"  # each row has 8 duplicates by chance; a copy has one more
    assert verdicts["honest-0"] not in ("copies", "possible memorisation")
    found = {(row["population"], row["metric"]): row for row in read(results, "synthetic")}
    assert found["copied-0", "copies"]["value"] == 1
    assert found["copied-0", "dcr_share"]["low"] > 0.5
    assert found["honest-0", "copies"]["value"] <= found["honest-0", "copies"]["null_high"]
    assert found["honest-0", "dcr_share"]["low"] < 0.5 < found["honest-0", "dcr_share"]["high"]
    assert found["collapsed-0", "distinct"]["value"] == pytest.approx(KINDS / 200)


def test_distances_tell_copies_from_honest_rows(results: Path) -> None:
    distance = {row["population"]: row for row in read(results, "nearest") if row["group"] != "fooled"}
    assert distance["copied-0"]["mean_distance"] == 0
    assert distance["honest-0"]["low"] < distance["holdout"]["high"]
    assert distance["holdout"]["low"] < distance["honest-0"]["high"]


def test_the_report_says_who_copies_and_only_of_whom_it_is_known(results: Path) -> None:
    report = (results / "report.html").read_text()
    assert "copied-0: 100 % of the rows equal a training row" in report
    assert "honest-0: " not in report.split('id="study-credit"')[0]
    assert "train_first" not in report.split('id="study-credit"')[0]  # as it is set


def test_only_the_trained_gan_has_a_discriminator_to_ask(results: Path) -> None:
    assert {row["population"] for row in read(results, "nearest/pass")} == {"gan-0"}
