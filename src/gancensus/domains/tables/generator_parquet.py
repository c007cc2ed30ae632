"""The user's own table of generated rows, as Parquet."""

from typing import Literal

from gancensus.domains.tables.tabular import UserProvidedTable
from gancensus.storage.user_tables import TextTable, read_parquet


class Parquet(UserProvidedTable):
    """The user's own generated rows, in a Parquet file: the population NAME-0.

    Columns and cells are read as those of a `csv`.
    """

    kind: Literal["parquet"] = "parquet"

    def read(self) -> TextTable:
        """Read the file."""
        return read_parquet(self.path, self.drop)
