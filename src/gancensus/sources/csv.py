"""The user's own table of real rows, as CSV."""

from pathlib import Path
from typing import Literal

from gancensus.samples import Samples
from gancensus.tabular import TypedTable
from gancensus.user_tables import read_csv


class Csv(TypedTable):
    """The user's real rows in a CSV file: a header with the names of the columns, then a row per line, in UTF-8.

    Cells are separated by commas, semicolons or tabs. Each column has a type, which its cells show unless `types` says
    it; numbers are scaled from the column's minimum and maximum to [-1, 1], and rounded back to its decimals. An empty
    cell is a category of its own; a number must not be missing. A text with leading zeros, such as 007, is no number.
    """

    kind: Literal["csv"] = "csv"
    path: Path
    """File, relative to the working directory."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def load(self, seed: int) -> Samples:
        """Return x (n, width), in the order of the file."""
        return self.typed(read_csv(self.path, self.unwanted), str(self.path))
