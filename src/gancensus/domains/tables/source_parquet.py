"""The user's own table of real rows, as Parquet."""

from pathlib import Path
from typing import Literal

from gancensus.contracts.samples import Samples
from gancensus.domains.tables.tabular import TypedTable
from gancensus.storage.user_tables import read_parquet


class Parquet(TypedTable):
    """The user's real rows in a Parquet file with a column each of texts, numbers, truth values, dates or times.

    Each column has a type, inferred from its cells unless `types` gives it, as for `csv`. A sample table, which has its
    values in one column, is for `files`.
    """

    kind: Literal["parquet"] = "parquet"
    path: Path
    """File, relative to the working directory."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def load(self, seed: int) -> Samples:
        """Return x (n, width), in the order of the file."""
        return self.as_samples(read_parquet(self.path, self.unwanted), str(self.path))
