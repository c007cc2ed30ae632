"""The user's own table of generated rows, as CSV."""

from typing import Literal

from gancensus.tabular import BroughtTable
from gancensus.user_tables import Table, read_csv


class Csv(BroughtTable):
    """Rows that a model elsewhere has generated, in a CSV file: the population NAME-0.

    The real rows must be a table too, from any source with types of columns. Both have the same columns, in any order,
    and the generated rows no category that the real ones do not have.
    """

    kind: Literal["csv"] = "csv"

    def read(self) -> Table:
        """Read the file."""
        return read_csv(self.path, self.drop)
