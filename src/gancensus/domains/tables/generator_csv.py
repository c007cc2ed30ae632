"""The user's own table of generated rows, as CSV."""

from typing import Literal

from gancensus.domains.tables.tabular import UserProvidedTable
from gancensus.storage.user_tables import TextTable, read_csv


class Csv(UserProvidedTable):
    """The user's own generated rows, in a CSV file: the population NAME-0.

    The real rows must be a table too, from any source with types of columns. Both have the same columns, in any order;
    an index may be missing on either side. Cells are read as the real ones are written, or plainly. A category that no
    real row has differs from every real one; the analysis `synthetic` says which there are.
    """

    kind: Literal["csv"] = "csv"

    def read(self) -> TextTable:
        """Read the file."""
        return read_csv(self.path, self.drop)
