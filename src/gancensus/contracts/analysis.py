"""Analyses: further questions about a study's populations; each is a key of the study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gancensus.contracts.beginning import Begin, here
from gancensus.contracts.family import Member
from gancensus.contracts.samples import REAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.encoder import FittedEncoder
    from gancensus.contracts.explorer import Explorer
    from gancensus.contracts.generator import Generator
    from gancensus.contracts.replica import Replica
    from gancensus.contracts.samples import Rows
    from gancensus.contracts.source import Source
    from gancensus.contracts.table import Columns


Judge = Callable[[NDArray[Any]], NDArray[np.float64]]
"""What a trained model's discriminator says about samples x (n, *shape): the probability (n,) that each is real."""


class Chosen(NamedTuple):
    """What a selection of the study keeps."""

    encoder: str | None
    """In whose space samples have scores; None: among the samples themselves."""
    score: str
    """The kind of the score."""
    keep: float
    """Up to 1 the share of `train` that stays, above 1 the number."""
    options: str
    """All else that decides what is kept, as one word to compare."""


class Context(NamedTuple):
    """The source of a study, and its generators and selections by name; for each trained population, the judge.

    Judges are there during the run, for analyses that are `judged` and generators that have a discriminator of single
    samples. `models` are the encoders that an analysis `asks`, without weights before the run. `made` says what made
    each generated population. `selections` are there for analyses that `compares`, and `support`, the study's table of
    support sizes, for those that are `counted`.
    """

    source: Source
    generators: Mapping[str, Generator]
    judges: Mapping[str, Judge] = MappingProxyType({})
    made: Mapping[str, Replica] = MappingProxyType({})
    selections: Mapping[str, Chosen] = MappingProxyType({})
    support: Columns | None = None
    space: str = "samples"
    """Where the analysis measures: name and kind of its encoder, NAME (KIND), or `samples`."""
    models: Mapping[str, FittedEncoder] = MappingProxyType({})
    seed: int = 0
    """The seed with which the study's samples were loaded from the source."""
    real: tuple[str, ...] = REAL
    """The real populations that the study has; where `train` is not among them, nothing has learned from real samples
    that are known, and those of `calibrate` are given in its place."""
    begin: Begin = here
    """Begins computations where a thread is free, for what takes long; no result depends on it."""


class AnalysisTable(NamedTuple):
    """A table that an analysis makes, and what its figure is called and says."""

    schema: pa.Schema
    title: str
    caption: str
    drawn: bool = True
    """Whether it has a figure."""
    beside: tuple[str, ...] = ()
    """Tables of the analysis that its figure is drawn from, too: their columns are among its own as TABLE/COLUMN."""


class Analysis(Member):
    """An analysis reads every population and makes tables, each by itself, and a figure of each."""

    tables: ClassVar[Mapping[str, AnalysisTable]]
    """By name: STUDY/KIND.parquet is the one that is named like its kind, STUDY/KIND/NAME.parquet any other."""
    judged: ClassVar[bool] = False
    """Whether it asks the discriminators of trained generators, and so needs their models."""
    counted: ClassVar[bool] = False
    """Whether it reads the census of its study."""
    needs_train: ClassVar[bool] = False
    """Whether it cannot do without samples that models have learned from, in whose place are no others."""
    compares: ClassVar[bool] = False
    """Whether it compares generators by what they have learned from, and so asks them and the selections."""
    explored: ClassVar[tuple[str, ...]] = ()
    """The tables that are shown as a graph whose nodes open, see `explore`."""

    @property
    def space(self) -> str | None:
        """The encoder whose vectors are read; None for the samples themselves."""
        return None

    @property
    def asks(self) -> tuple[str, ...]:
        """The encoders whose networks it asks, beside the vectors of `space`."""
        return ()

    @property
    def condition_read(self) -> str | None:
        """The condition that samples must have, if any."""
        return None

    def lacking(self) -> str | None:
        """Return which optional packages it needs that are not installed, and how to get them, for a message."""
        return None

    def refuses(self, context: Context) -> str | None:
        """Return why it cannot work with a study, as far as that is known before the run."""
        return None

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return the columns of a table.

        real has train (calibrate in its place where `context.real` has none), calibrate and holdout, generated every
        other population; rng gives each of them random numbers of its own, so that no population changes what is said
        about another. context: what the study is made of.
        """
        raise NotImplementedError

    def findings(self, columns: Columns) -> list[str]:
        """Return what the table that is named like the kind says, in sentences for the top of the report."""
        return []

    def findings_in(self, table: str, columns: Columns) -> list[str]:
        """Return what a table says, in sentences for the top of the report; as it is, `findings` of the main one."""
        return self.findings(columns) if table == self.kind else []

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Return what a table cannot say for lack of samples, in sentences for below its figure."""
        return []

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        raise NotImplementedError

    def explore(self, table: str, columns: Columns) -> Explorer | None:
        """Return the graph of a table that is `explored`; None where there is nothing to show."""
        raise NotImplementedError


def table_names(kind: str, analysis: type[Analysis] | Analysis) -> dict[str, str]:
    """Return the tables of an analysis by where they lie in the results of a study."""
    return {kind if name == kind else f"{kind}/{name}": name for name in analysis.tables}
