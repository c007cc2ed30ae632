"""The user's own table of generated rows, as Parquet."""

from typing import Literal

from gancensus.domains.tables.tabular import UserProvidedTable
from gancensus.storage.user_tables import TextTable, read_parquet


class Parquet(UserProvidedTable):
    """Rows that a model elsewhere has generated, in a Parquet file: the population NAME-0.

    The columns are compared with the real ones as those of a `csv`.
    """

    kind: Literal["parquet"] = "parquet"

    def read(self) -> TextTable:
        """Read the file."""
        return read_parquet(self.path, self.drop)
