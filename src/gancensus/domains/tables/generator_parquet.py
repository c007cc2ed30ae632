"""The user's own table of generated rows, as Parquet."""

from typing import Literal

from gancensus.domains.tables.tabular import BroughtTable
from gancensus.storage.user_tables import Table, read_parquet


class Parquet(BroughtTable):
    """Rows that a model elsewhere has generated, in a Parquet file: the population NAME-0.

    The columns are compared with the real ones as those of a `csv`.
    """

    kind: Literal["parquet"] = "parquet"

    def read(self) -> Table:
        """Read the file."""
        return read_parquet(self.path, self.drop)
