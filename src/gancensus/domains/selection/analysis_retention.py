"""Retention: what a generator gains and loses when it learns from the densest share of the samples only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import pyarrow as pa

from gancensus.contracts.analysis import AnalysisTable
from gancensus.domains.selection.comparison import EFFECT, METRIC, Comparison
from gancensus.storage.schemas import FLOAT, LOW_HIGH, SPACE, STRING, column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.table import Columns
    from gancensus.domains.selection.trainings import Training

RETENTION = pa.schema(
    [
        column(
            "keep",
            FLOAT,
            about="share of the training samples that is kept, of `truncation` share of the distribution of a latent "
            "number; null: the mean of `effect` over all shares below 1",
        ),
        column(
            "kept_by",
            STRING,
            about="the score and its encoder, `random`, `all`, `truncation`, or `train`: real training samples in the "
            "place of generated ones",
        ),
        METRIC,
        column("value", FLOAT, about="mean over the trainings"),
        *LOW_HIGH,
        *EFFECT,
        SPACE,
    ]
)


class Retention(Comparison):
    """Fidelity and support size by the share of the training samples that generators have learned from.

    DeVries et al., arXiv:2007.15255: instance selection. It compares all generators of the study that differ in nothing
    but `train_on` and `truncation`. Each score stands beside selections by the score `random`, without which selection
    is confounded with fewer samples, and beside the truncation of the latent (Brock et al., arXiv:1809.11096).
    """

    kind: Literal["retention"] = "retention"

    averaged: ClassVar[bool] = True

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "retention": AnalysisTable(
            RETENTION,
            "Retention",
            "Each metric by the share of the training samples that generators have learned from: those that a score "
            "says are in the densest neighbourhoods, or as many random ones; of truncation, the share of the "
            "distribution of each latent number. Means over the trainings with 95 % intervals, which include the "
            "spread of trainings and the sampling of the real samples. The dashed line is what real training samples "
            "get in the generated ones' place. FID is better when small. The last panel has recall against precision, "
            "from all samples to the fewest.",
        )
    }

    def among(self, every: list[Training]) -> list[Training]:
        """Return those that are tried at several shares."""
        from gancensus.domains.selection.trainings import curves

        return curves(every)

    def findings(self, columns: Columns) -> list[str]:
        """Say whether selection does what its paper says of it, and where FID is least."""
        from gancensus.domains.selection.headline import headline, least_fid

        return [*headline(columns), *least_fid(columns)]

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say which selections have no control, and which values are not known."""
        from gancensus.domains.selection.headline import gaps

        return gaps(columns)

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a panel per metric, and recall against precision."""
        from gancensus.domains.selection.retention_figures import draw_retention

        return draw_retention(columns)
