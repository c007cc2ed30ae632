"""Mapper: the shape of the real data as a graph, and which parts of it a generator drops, repeats or invents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.family import EncoderName
from gancensus.domains.topology.mapper_tables import EDGES, FEATURES, FINDINGS, NODES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.explorer import Explorer
    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns


class Mapper(Analysis):
    """A graph of the shape of `train`, and the parts of it in which a generator has too few or too many samples.

    Singh, Memoli & Carlsson, PBG 2007: samples are cut into overlapping cells by the value of a lens, clusters within a
    cell are nodes, and nodes that share samples are linked. Held-out and generated samples are placed in the graph of
    `train`, which neither has built, and counted: nodes that hold more or fewer generated ones beyond chance are found
    at a false discovery rate of 5 %, with real samples in a generator's place for comparison.
    """

    kind: Literal["mapper"] = "mapper"
    needs_train: ClassVar[bool] = True
    encoder: EncoderName | None = None
    """The encoder in whose space the graph is built; without one, the samples themselves."""
    lens: tuple[str, ...] = Field(("pca1",), min_length=1, max_length=2)
    """One lens or two: `pcaN`, principal component N of `train`; `eccentricity`, the mean distance to its samples;
    `density`, minus the logarithm of the distance to the nearest ones; `xN`, value N of a vector, from 0; or the name
    of a column of a table, unless it is one of these words or has categories without an order."""
    cover: Literal["uniform", "balanced"] = "uniform"
    """How the values of a lens are cut into intervals: equally long, or with equally many samples of `train`."""
    intervals: int = Field(10, ge=2, le=100)
    """Intervals of each lens; with two lenses, cells are their products."""
    overlap: float = Field(0.3, gt=0, lt=0.5)
    """Share of an interval's length that it has in common with the next one."""
    neighbours: int = Field(10, ge=1)
    """Nearest neighbours that a sample is joined to in a cell, and near one of which a new sample must be."""

    explored: ClassVar[tuple[str, ...]] = ("nodes",)
    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "nodes": AnalysisTable(
            NODES,
            "Mapper graph",
            "The shape of the training samples: nodes are clusters of neighbouring ones within an interval of the "
            "lens, links join nodes that share samples. Colours say how many generated samples a node holds for each "
            "held-out one, both as shares of their populations, and bold outlines that this is more than chance (false "
            "discovery rate 5 %, by permuting samples). Neither has built the graph. In the panel of calibrate, real "
            "samples are in a generator's place: what is found there is chance, or real samples that differ.",
            beside=("edges", "features", "findings"),
        ),
        "edges": AnalysisTable(EDGES, "Links of the Mapper graph", "Nodes that share training samples.", drawn=False),
        "features": AnalysisTable(
            FEATURES,
            "What sets nodes apart",
            "Values and conditions that are larger or smaller in a node than elsewhere (Cliff's delta, with its 95 % "
            "interval), of real samples that did not build the graph.",
            drawn=False,
        ),
        "findings": AnalysisTable(
            FINDINGS,
            "Regions that are dropped or invented",
            "The share of generated samples over that of held-out ones in regions where they differ beyond chance, "
            "with its 95 % interval. A region is of nodes that share samples and differ alike. It is dropped where the "
            "whole interval is below 1/2; what is in no node, as it is not near enough to training samples that make "
            "one, is invented where the whole interval is above 2. As regions are chosen because they differ, ratios "
            "near 1 are somewhat too far from it.",
        ),
    }

    @field_validator("lens")
    @classmethod
    def _different(cls, lens: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a lens that is named twice."""
        if len(set(lens)) < len(lens):
            raise PydanticCustomError("lens", "has '{lens}' twice; use two different lenses", {"lens": lens[0]})
        return lens

    @property
    def space(self) -> str | None:
        """The encoder whose vectors are read."""
        return self.encoder

    def refuses(self, context: Context) -> str | None:
        """Refuse a lens that is not known."""
        from gancensus.domains.topology.lens_names import why_unknown

        reasons = (why_unknown(name, self.encoder, context.source) for name in self.lens)
        return next((reason for reason in reasons if reason is not None), None)

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return the columns of a table; all tables build the same graph, and draw the same permutations."""
        from gancensus.domains.topology import mapper_rows as made
        from gancensus.domains.topology.mapper_graph import Options

        options = Options(self.lens, self.cover, self.intervals, self.overlap, self.neighbours)
        study = made.Study.of(real, options, rng, context.source.classes, self.encoder)
        lines = {
            "nodes": lambda: made.node_lines(study, generated),
            "edges": lambda: made.edge_lines(study),
            "features": lambda: made.feature_lines(study),
            "findings": lambda: made.finding_lines(study, generated),
        }[table]()
        found = list(lines)
        return {name: [line.get(name) for line in found] for name in self.tables[table].schema.names}

    def findings_in(self, table: str, columns: Columns) -> list[str]:
        """Say which regions differ; of populations without any, how large a loss would have been found."""
        from gancensus.domains.topology import mapper_words as words

        said = {"nodes": words.of_nodes, "findings": words.findings}
        return said[table](columns) if table in said else []

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say which nodes and populations have too few samples."""
        from gancensus.domains.topology import mapper_words as words

        return words.unjudged(columns) if table == "nodes" else []

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw the graph, or the findings."""
        from gancensus.domains.topology import mapper_figures as figures

        return figures.draw_graph(columns) if table == "nodes" else figures.draw_findings(columns)

    def explore(self, table: str, columns: Columns) -> Explorer | None:
        """Return the graph whose nodes open."""
        from gancensus.domains.topology.mapper_explorer import explorer

        return explorer(columns)
