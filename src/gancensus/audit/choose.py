"""A stand-in: Euclidean distances between arrays."""

from __future__ import annotations

import re
from pathlib import Path

from gancensus.audit.asked import STUDY, Asked, Chosen


def choose(asked: Asked) -> Chosen:
    """Return a configuration for arrays."""
    generators = {
        f"{re.sub('[^A-Za-z0-9]', '', name)[:20] or 'x'}{k}": {
            "kind": "files",
            "path": str(Path(path).absolute()),
            "title": name,
        }
        for k, (name, path) in enumerate(asked.generated.items())
    }
    study = {
        "source": {"kind": "files", "path": str(Path(asked.real).absolute())},
        "splits": {"train": 0.2, "calibrate": 0.4, "holdout": 0.4},
        "generators": generators,
        "definitions": {"near": {"euclidean": {"alpha": asked.alpha or 0.02}}},
        "census": {"permutations": 200},
    }
    return Chosen({"seed": asked.seed, "studies": {STUDY: study}}, [f"real: {asked.real}"])
