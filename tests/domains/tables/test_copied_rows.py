"""Copies among generated rows of a table of mixed columns, from sample tables to what the first screen says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancensus.census.answers import Criterion, Spaces, answer
from gancensus.census.summary import summarise
from gancensus.contracts.columns import Column, encode
from gancensus.contracts.samples import Samples
from gancensus.contracts.scales import scale_of
from gancensus.domains.tables.metric_gower import Gower
from gancensus.report import sentences
from gancensus.storage.samples import SampleRows, write_samples

N = 1000
NUMBERS = tuple(Column(f"n{k}", "continuous", low=-4, high=4, decimals=3) for k in range(8))
COLUMNS = (
    *NUMBERS,
    Column("i", "integer", low=0, high=30, decimals=0),
    Column("c", "nominal", categories=("a", "b", "c", "d")),
    Column("d", "binary", categories=("no", "yes")),
)
NEAREST = 0.75  # median distance of the numbers n0 to n7 to the nearest of N rows, roughly


def drawn(rng: np.random.Generator) -> np.ndarray:
    """Rows of COLUMNS: numbers that hang together, a count, and categories."""
    z = rng.normal(size=(N, 8)) + 0.7 * rng.normal(size=(N, 1))
    count, kind = rng.poisson(6, N), rng.choice(4, N, p=[0.5, 0.3, 0.15, 0.05])
    return np.column_stack([np.round(z / 1.3, 3), count, kind, z[:, 0] > 0])


def asked(folder: Path, share: float, noise: float) -> list[dict[str, Any]]:
    """The statistics of generated rows, some of which are training rows with noise on their numbers."""
    rng = np.random.default_rng(1)
    rows = {name: drawn(rng) for name in ("train", "calibrate", "holdout", "made-0")}
    copies = int(share * N)
    rows["made-0"][:copies] = rows["train"][rng.choice(N, copies, replace=False)]
    rows["made-0"][:copies, :8] += noise * NEAREST / np.sqrt(8) * rng.normal(size=(copies, 8))
    populations: dict[str, Spaces] = {}
    for name, values in rows.items():
        path = folder / f"{name}.parquet"
        write_samples(path, Samples(encode(COLUMNS, values), np.arange(N), scale=scale_of(COLUMNS)))
        populations[name] = {None: SampleRows([path])}
    populations["reference"] = populations["holdout"]
    definitions = {"rows": Criterion({"rows": Gower(alpha=0.01)}, [0.08])}
    return answer(
        definitions, populations, "made-0", [], 99, lambda name: np.random.default_rng(len(name)), 1000
    ).answers


def first_screen(found: list[dict[str, Any]]) -> dict[str, str]:
    """What is said of copies."""
    columns = ("adjusted", "low", "high", "of", "value", "p")
    found = [dict.fromkeys(columns) | row for row in found]
    train = [row for row in found if row["question"] != "copies"]  # real samples that are like the held-out ones
    said = summarise({"train": train, "made-0": found}, 1.5, 1000)
    row = next(row for row in said if (row["population"], row["question"]) == ("made-0", "copies"))
    return {"answer": sentences.answer(row), "why": sentences.why(row)}


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_near_copies_reach_the_first_screen(tmp_path: Path, noise: float) -> None:
    found = asked(tmp_path, 0.05, noise)
    said = first_screen(found)
    assert said["answer"].startswith("yes: as 5")
    exact = next(row for row in found if row["statistic"] == "exact")
    assert exact["value"] == (0.05 if noise == 0 else 0)
    assert f"{50 if noise == 0 else 0} are equal to samples of train, 0 to samples of holdout" in said["why"]


@pytest.mark.parametrize(("share", "noise"), [(0.01, 0.1), (0.2, 0.3), (1.0, 0.3)])
def test_few_and_many_are_found(tmp_path: Path, share: float, noise: float) -> None:
    found = {row["statistic"]: row for row in asked(tmp_path, share, noise) if row["question"] == "copies"}
    assert found["copies"]["adjusted"] <= 0.02
    assert found["copies"]["value"] == pytest.approx(share, abs=0.03)


def test_fresh_rows_are_no_copies(tmp_path: Path) -> None:
    said = first_screen(asked(tmp_path, 0.0, 0.0))
    assert said["answer"] == "no"
    assert "no copies found; 0." in said["why"] and said["why"].endswith(
        "% would have been found with probability 0.95"
    )
