"""What the analyses share that compare trainings on selections of the training samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from gancensus.contracts.analysis import Analysis, Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import EncoderName
from gancensus.storage.schemas import STRING, column, with_interval

if TYPE_CHECKING:
    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns
    from gancensus.domains.selection.measured import Line
    from gancensus.domains.selection.trainings import Training

REAL = "train"  # real training samples in the place of generated ones

METRIC = column("metric", STRING, about="fid, precision, recall, density, coverage, or `support` and a definition")
EFFECT = (
    column("beside", STRING, about="what `effect` compares with: `random`, as many random samples, or `all` of them"),
    *with_interval("effect", "difference from `beside`; of fid, density and support the ratio to it"),
)


class Comparison(Analysis):
    """Compares generators that differ in nothing but the samples that they have learned from."""

    encoder: EncoderName | None = None
    """The encoder in whose space fidelity is measured; without one, the samples themselves."""
    neighbours: int = Field(5, ge=1)
    """The k of the k-th nearest neighbour in precision, recall, density and coverage."""

    counted: ClassVar[bool] = True
    compares: ClassVar[bool] = True
    needs_train: ClassVar[bool] = True
    averaged: ClassVar[bool]
    """Whether the table has the mean of each effect over the shares kept."""

    @property
    def space(self) -> str | None:
        """The encoder in whose space fidelity is measured."""
        return self.encoder

    def refuses(self, context: Context) -> str | None:
        """Refuse a study whose generators cannot be compared."""
        from gancensus.domains.selection.trainings import trainings

        try:
            self.among(trainings(context, 1))
        except UserError as error:
            return str(error)
        return None

    def among(self, every: list[Training]) -> list[Training]:
        """Return the trainings that it compares."""
        raise NotImplementedError

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return a row for each training and metric, for the means over levels, and for real training samples."""
        from gancensus.domains.selection.measured import compare, measure
        from gancensus.domains.selection.trainings import trainings

        among = self.among(trainings(context, len(real["train"])))
        measured = measure(among, real, generated, self.neighbours, rng, context)
        lines = [_row(line) for line in compare(among, measured) if self.averaged or not line.averaged]
        lines = [line | {"space": context.space} for line in lines]
        lines += [
            dict.fromkeys(lines[0])
            | {"keep": 1.0, "kept_by": REAL, "score": REAL, "metric": metric, "value": value}
            | {"space": context.space}
            for metric, value in measured.null.items()
        ]
        return {name: [line[name] for line in lines] for name in self.tables[table].schema.names}


def _row(line: Line) -> dict[str, Any]:
    """Return what the tables say of a line."""
    of, (value, low, high) = line.training, line.value
    about = {"keep": None if line.averaged else of.keep, "kept_by": of.name, "score": of.score, "encoder": of.encoder}
    effect = zip(("effect", "effect_low", "effect_high"), line.effect, strict=True)
    return about | {
        "metric": line.metric,
        "value": value,
        "low": low,
        "high": high,
        "beside": line.beside,
        **dict(effect),
    }
