"""Data sets of OpenML, by name and version."""

import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples
from gancensus.domains.tables.tabular import TypedTable
from gancensus.storage.inference import Manner
from gancensus.storage.user_tables import TextTable


class Openml(TypedTable):
    """A data set of openml.org, downloaded once and then read from scikit-learn's cache, even without a network.

    Each column has a type, inferred from its values unless `types` gives it, as for `csv`; what OpenML calls nominal is
    nominal, or binary where it has two categories. Sparse data sets and columns of free text are not supported.
    """

    kind: Literal["openml"] = "openml"
    name: str = Field(min_length=1)
    """Name of the data set, such as `credit-g`."""
    version: int = Field(ge=1)
    """Its version, which fixes what is in it."""
    data_home: Path | None = None
    """Folder of the cache, relative to the working directory; without it, scikit-learn's own."""

    def load(self, seed: int) -> Samples:
        """Return x (n, width), in the order of the data set."""
        found, where = self._fetch(), f"openml {self.name} version {self.version}"
        cells: dict[str, list[str]] = {}
        types = dict(self.types)
        for name, values in zip(found.feature_names, found.data.T, strict=True):
            categories = found.categories.get(name)
            cells[name] = _texts(values.tolist(), categories)
            if categories is not None:
                types.setdefault(name, "binary" if len(set(cells[name])) == 2 else "nominal")
        plain = frozenset(cells) - frozenset(found.categories)
        table = TextTable(cells, Manner(plain=plain))
        return self.model_copy(update={"types": types}).as_samples(table, where)

    def _fetch(self) -> Any:
        """Return the data set: data (n, columns) float64, categories as their numbers.

        Raises UserError when it is not in the cache and cannot be downloaded, and when it is sparse.
        """
        from sklearn.datasets import fetch_openml

        options = {"as_frame": False, "parser": "liac-arff", "target_column": None, "n_retries": 1}
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "A network error occurred")
                found = fetch_openml(self.name, version=self.version, data_home=self.data_home, **options)
        except OSError as error:  # no network, no such data set on the server
            place = "scikit-learn's cache" if self.data_home is None else self.data_home
            reason = getattr(error, "reason", error)
            raise UserError(
                f"source openml: {self.name} version {self.version} is not in {place} and cannot be loaded ({reason}); "
                "correct name and version, or load it once where there is a network, and set `data_home` to its cache"
            ) from None
        except ValueError as error:  # OpenML's own errors, texts
            raise UserError(
                f"source openml: {self.name} version {self.version}: {' '.join(str(error).split())}"
            ) from None
        if not isinstance(found.data, np.ndarray):
            raise UserError(
                f"source openml: {self.name} version {self.version} is sparse, which is not supported; provide its "
                "rows as a source of kind csv or parquet, or use another data set"
            )
        return found


def _texts(values: list[float], categories: list[str] | None) -> list[str]:
    """Return the cells of a column; a missing category is ''."""
    if categories is None:
        return [repr(value) for value in values]
    return ["" if value != value else categories[int(value)] for value in values]
