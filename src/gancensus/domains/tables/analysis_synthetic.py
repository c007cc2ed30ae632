"""Generated rows of a table: do they copy real ones, are they like them, and can models learn from them?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.errors import UserError
from gancensus.storage.schemas import FLOAT, GENERATED, LOW_HIGH, STRING, column, with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.columns import Column
    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns
    from gancensus.domains.tables import synthetic

Line = tuple[Any, ...]
UNKNOWN = "unknown categories of "  # before the name of a column in quotes, in the place of a metric

SYNTHETIC = pa.schema(
    [
        GENERATED,
        column(
            "metric",
            STRING,
            about="dcr, dcr_5, nndr, nndr_5, dcr_share, copies, distinct, authenticity, data_copying, marginals, "
            "associations, rare_categories, out_of_range, undecided, unrounded, c2st, tstr or trts; or the unknown "
            "categories of a column",
        ),
        column("value", FLOAT, about="its value"),
        *LOW_HIGH,
        *with_interval("null", "what real rows get in the place of the generated ones, or theory"),
    ]
)
MARGINALS = pa.schema(
    [
        GENERATED,
        column("column", STRING, about="a column of the rows"),
        column("metric", STRING, about="`ks` (Kolmogorov-Smirnov) or `total variation`"),
        column("value", FLOAT, about="distance of the generated rows from `holdout`"),
        *LOW_HIGH,
        column("null", FLOAT, about="distance of as many rows of `train` from `holdout`"),
    ]
)
ASSOCIATIONS = pa.schema(
    [
        GENERATED,
        column("column_a", STRING, about="a column of the rows"),
        column("column_b", STRING, about="another one"),
        column("real", FLOAT, about="their association in `holdout`"),
        column("generated", FLOAT, about="their association in the generated rows"),
        *with_interval("difference", "generated less real"),
        column("null", FLOAT, about="that of rows of `train` less real"),
    ]
)


class Synthetic(Analysis):
    """What users of synthetic tables ask: copies of training rows, distributions, associations, models, legal values.

    Rows are compared as a user gets them, decoded: rounded, and with the most likely category. Distances are Gower's
    (Biometrics 27 (1971) 857). Null values are what real rows get in the place of the generated ones, or theory.
    """

    kind: Literal["synthetic"] = "synthetic"
    target: str | None = None
    """The column that models learn on generated and on real rows; without one, these models are left out."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "synthetic": AnalysisTable(
            SYNTHETIC,
            "Synthetic rows",
            "Each number with its 95 % interval; the dashed line is its null value: what real rows get in the place of "
            "the generated ones, or what theory says of rows of one distribution, and the band is its interval: where "
            "bar and band do not overlap, the number is off, and its marker filled. Copying: the distance of "
            "generated rows to the closest training row, and that over the distance to the second closest; the share "
            "that is nearer to train than to holdout; exact copies; distinct rows; authentic rows; and the "
            "data-copying test. Where training rows are copied, shares nearer to train and exact copies lie above the "
            "null value, distances, authentic rows and the test below it; the test has no value where each of its "
            "cells has too few rows. Similarity: columns and pairs of columns, on average; rare categories that "
            "occur. Legality: rows with a category that no real row has, where there are some; rows beyond the range "
            "of the training rows; and, before rounding, rows with no clear category or with values between two legal "
            "ones. Use: how well a classifier tells generated rows from real ones; and how well models that learn a "
            "column on generated rows do on real ones, and the reverse, beside real on real (no value where all "
            "generated rows are of one class). These two need a `target` and are missing without one, as are numbers "
            "that make no sense for the columns of the table.",
        ),
        "marginals": AnalysisTable(
            MARGINALS,
            "Columns one by one",
            "How far each column of the generated rows is from that of held-out ones, with its 95 % interval: the "
            "Kolmogorov-Smirnov statistic of numbers and ordered categories (●), the total variation of others (◆). "
            "Where the interval begins at 0, there is no evidence that the column is off. The short line is what "
            "training rows get in their place, at equal numbers.",
        ),
        "associations": AnalysisTable(
            ASSOCIATIONS,
            "Columns two by two",
            "How columns depend on each other: rank correlation of numbers, Cramér's V of categories, correlation "
            "ratio of one with the other. First the held-out rows; then, of each population, the generated rows below "
            "the diagonal, and above it what they have more or less than the held-out ones. Only differences beyond "
            "their 95 % interval are coloured.",
        ),
    }

    def refuses(self, context: Context) -> str | None:
        """Refuse images and showers, and a target that is not a column, as far as that is known before the run."""
        if context.source.tabular is False:
            return f"needs rows of a table, and samples of source {context.source.kind} are none; leave it out"
        return None if self.target is None else context.source.lacks(self.target)

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return the columns of a table; all tables use the same random numbers, and so the same rows."""
        columns, train = _read(real["train"])
        _, holdout = _read(real["holdout"])
        lines: list[Line] = []
        for population, rows in generated.items():
            own, some = _read(rows)
            found = self._lines(table, columns, (some, train, holdout), "train" in context.real, rng(population))
            lines += [(population, *line) for line in found]
            if table == "synthetic":
                lines += [(population, *line) for line in _unknown(own, some, holdout)]
        return {name: [line[k] for line in lines] for k, name in enumerate(self.tables[table].schema.names)}

    def _lines(
        self,
        table: str,
        columns: tuple[Column, ...],
        rows: tuple[synthetic.CodedRows, synthetic.CodedRows, synthetic.CodedRows],
        learned: bool,
        rng: np.random.Generator,
    ) -> Iterator[Line]:
        """Yield the lines of a population's generated rows beside train and holdout; of copies if train was learned."""
        from gancensus.domains.tables.synthetic import compare, synthetic
        from gancensus.domains.tables.utility import pairs, statistic_of

        if table == "synthetic":
            for metric, (estimate, null) in synthetic(columns, *rows, self.target, learned, rng=rng).items():
                yield metric, *estimate, *null
            return
        compared = compare(columns, *rows, rng=rng)
        if table == "marginals":
            for one, (estimate, null) in zip(columns, compared.marginals, strict=True):
                yield one.name, statistic_of(one), *estimate, null.value
            return
        for i, j, (estimate, null) in zip(*pairs(len(columns)), compared.differences, strict=True):
            both = float(compared.real[i, j]), float(compared.generated[i, j])
            yield columns[i].name, columns[j].name, *both, *estimate, null.value

    def findings(self, columns: Columns) -> list[str]:
        """Say which populations have copies of training rows, and categories that no real row has."""
        from gancensus.plotting.numbers import percent, rows

        return [
            f"{row['population']}: {percent(row['value'])} of the rows equal a training row "
            f"({percent(row['low'])} to {percent(row['high'])}); of held-out rows {percent(row['null'])}."
            for row in rows(columns)
            if row["metric"] == "copies" and row["low"] > row["null_high"]
        ] + [
            f"{row['population']}: {percent(row['value'])} of the rows have a category that no real row has, in "
            f"{row['metric'].removeprefix(UNKNOWN)}."
            for row in rows(columns)
            if row["metric"].startswith(UNKNOWN)
        ]

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.tables import synthetic_figures as figures

        drawn = {
            "synthetic": figures.draw_synthetic,
            "marginals": figures.draw_marginals,
            "associations": figures.draw_associations,
        }
        return drawn[table](columns)


def _unknown(
    columns: tuple[Column, ...], generated: synthetic.CodedRows, holdout: synthetic.CodedRows
) -> Iterator[tuple[Any, ...]]:
    """Yield a line per column in which generated rows have categories that no real row has: which, and how many."""
    from gancensus.domains.tables.coding import named_categories
    from gancensus.statistics.intervals import wilson

    for k, one in enumerate(columns):
        counts = {
            text: int((generated.codes[:, k] == len(one.categories) + m).sum()) for m, text in enumerate(one.extra)
        }
        if one.extra:
            n = len(generated.codes)
            found, null = wilson(sum(counts.values()) / n, n), wilson(0.0, len(holdout.codes))
            yield f"{UNKNOWN}'{one.name}': {named_categories(counts)}", *found, *null


def _read(rows: Rows) -> tuple[tuple[Column, ...], synthetic.CodedRows]:
    """Read the columns and all rows of a population."""
    from gancensus.contracts.columns import decode
    from gancensus.contracts.scales import columns_of
    from gancensus.domains.tables.synthetic import CodedRows as Both

    samples = rows.whole()
    try:
        columns = columns_of(samples)
    except UserError as error:
        raise UserError(f"{rows.where}: analysis synthetic: {error}; leave it out") from None
    return columns, Both(decode(columns, samples.x), samples.x)
