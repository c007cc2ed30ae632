"""Embeddings: in the space of which encoder, and by which score, instance selection helps."""

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

EMBEDDINGS = pa.schema(
    [
        column("encoder", STRING, about="in whose space samples have scores; null: `all`, `random`, raw samples"),
        column("score", STRING, about="the score, `random`, `all`, or `train`: real samples instead of generated ones"),
        METRIC,
        column("value", FLOAT, about="mean over the trainings"),
        *LOW_HIGH,
        *EFFECT,
        SPACE,
        column("keep", FLOAT, about="share of the training samples that is kept"),
    ]
)


class Embeddings(Comparison):
    """Every encoder and every score with which training samples were selected, at one share of them.

    DeVries et al., arXiv:2007.15255, section 'Embedding and scoring function'. It compares all generators of the study
    that differ in nothing but `train_on`, at the share that was tried with most encoders and scores.
    """

    kind: Literal["embeddings"] = "embeddings"

    averaged: ClassVar[bool] = False

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "embeddings": AnalysisTable(
            EMBEDDINGS,
            "Encoders and scores",
            "Each metric of generators that learned from the same share of the training samples, chosen by each score "
            "in the space of each encoder; and from as many random ones, and from all. Means over the trainings with "
            "95 % intervals, which include the spread of trainings and the sampling of the real samples. The dashed "
            "line is what real training samples get in the generated ones' place. FID is better when small.",
        )
    }

    def among(self, every: list[Training]) -> list[Training]:
        """Return those at one share."""
        from gancensus.domains.selection.trainings import at_one_level

        return at_one_level(every)

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a panel per metric, encoders and scores side by side."""
        from gancensus.domains.selection.retention_figures import draw_embeddings

        return draw_embeddings(columns)
