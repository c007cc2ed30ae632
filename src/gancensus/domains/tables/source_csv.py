"""The user's own table of real rows, as CSV."""

from pathlib import Path
from typing import Literal

from gancensus.contracts.samples import Samples
from gancensus.domains.tables.tabular import TypedTable
from gancensus.storage.user_tables import read_csv


class Csv(TypedTable):
    """The user's real rows in a CSV file: a header with the names of the columns, then a row per line, in UTF-8.

    Cells are separated by commas, semicolons, tabs, | or blanks. Each column has a type, inferred from its cells
    unless `types` gives it; numbers are scaled to [-1, 1] from the column's minimum and maximum in `calibrate`, and
    rounded back to its decimals. Numbers may have a unit (35%, 35 kg, $1,234.00) that all cells of the column have,
    and a decimal comma; dates are days since 1970-01-01, times of day hours. An empty cell is its own category;
    `missing` says what is done with a missing number. A text with leading zeros, such as 007, is not a number. An
    index that only numbers the rows is left out, unless `types` names it. The report says which cells were not read
    as they are written.
    """

    kind: Literal["csv"] = "csv"
    path: Path
    """File, relative to the working directory."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def load(self, seed: int) -> Samples:
        """Return x (n, width), in the order of the file."""
        return self.as_samples(read_csv(self.path, self.unwanted), str(self.path))
