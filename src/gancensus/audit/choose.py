"""From what is asked to a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gancensus.audit.asked import STUDY, Asked, Chosen


def choose(asked: Asked) -> Chosen:
    """Choose for arrays and tables."""

    def member(path: str) -> dict[str, Any]:
        kind = {".parquet": "parquet", ".csv": "csv"}.get(Path(path).suffix, "files")
        return {"kind": kind, "path": str(Path(path).resolve())}

    metric = "euclidean" if member(asked.real)["kind"] == "files" else "gower"
    made = {f"generator{k}": member(path) for k, path in enumerate(asked.generated.values())}
    study = {
        "source": member(asked.real),
        "splits": {"train": 0.2, "calibrate": 0.4, "holdout": 0.4},
        "generators": made,
        "definitions": {"near": {metric: {"alpha": asked.alpha or 1e-3}}},
        "fidelity": {},
    }
    return Chosen({"seed": asked.seed, "studies": {STUDY: study}}, [])
