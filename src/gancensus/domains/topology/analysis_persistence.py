"""Persistent homology: whether generated samples have the components and loops of real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.family import EncoderName
from gancensus.contracts.table import columns_of
from gancensus.domains.topology import persistence_tables as schemas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns


class Persistence(Analysis):
    """Components and loops of each population across scales, and tests of whether generated samples have those of real.

    Persistent homology (H0 and H1) of Vietoris-Rips complexes of random landmarks, in several disjoint draws of equal
    size. Draws of one law are exchangeable: p-values are exact, by permuting their diagrams. Robinson & Turner, J.
    Appl. Comput. Topol. 1 (2017) 241; Fasy et al., Ann. Statist. 42 (2014) 2301; Bobrowski & Skraba, Sci. Rep. 13
    (2023) 12274; Adams et al., JMLR 18 (2017). All are compared with `holdout`; `calibrate`, in the place of a
    generator, is the null value; draws of `train` only decide by what bars are counted.
    """

    kind: Literal["persistence"] = "persistence"
    needs_train: ClassVar[bool] = True
    encoder: EncoderName | None = None
    """The encoder among whose vectors distances are measured; without one, among the samples themselves."""
    landmarks: int = Field(250, ge=30, le=500)
    """Samples of a draw. Fewer, in all populations, where `holdout` or `train` cannot give four draws."""
    draws: int = Field(10, ge=4, le=50)
    """Disjoint draws of a population, at most."""
    scale: float | None = Field(None, gt=0)
    """The distance at which components and loops are counted (Betti numbers). Without it, the one at which the loops
    of `train` that matter are alive, and few others are."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "diagrams": AnalysisTable(
            schemas.DIAGRAMS,
            "Persistence diagrams",
            "At which distance components (H0) and loops (H1) of each population appear and are gone, in one draw: "
            "that whose loops have the median total length. One component never dies, and is not shown. Loops outside "
            "the shaded band stand out: they are longer than the confidence band, that is than bars that another draw "
            "may lack, and their death is further above their birth than that of noise. Below, the longest loops as "
            "bars, from birth to death; solid: what of a bar is beyond the band; dashed: the scale of b0 and b1.",
        ),
        "distances": AnalysisTable(
            schemas.DISTANCES,
            "Distances between diagrams",
            "How much further the diagrams of a population are from those of held-out samples than diagrams of one "
            "population are from each other, with 95 % intervals: Wasserstein distance (order 1), which adds up all "
            "differences, and bottleneck distance, the largest one. The shaded range is the null value, up to the "
            "95 % quantile when diagrams are permuted. A filled marker differs: adjusted p ≤ 0.05, for all statistics "
            "and populations. Of calibrate, real samples, nothing should differ.",
        ),
        "signature": AnalysisTable(
            schemas.SIGNATURE,
            "Topological signature",
            "What a diagram says in short, mean over the draws with 95 % interval: components and loops at one scale "
            "(Betti numbers b0 and b1), loops that stand out, total length of all bars, the longest loop and the "
            "largest ratio of a loop's death to its birth, and the entropy of the lengths of the loops. Line and band: "
            "held-out samples. A filled marker differs: adjusted p ≤ 0.05, for all statistics and populations.",
        ),
        "images": AnalysisTable(
            schemas.IMAGES,
            "Persistence images",
            "The loops of a diagram, each blurred and weighted by its length, mean over the draws: of held-out "
            "samples; then, of each population, how many standard errors there are more (red) or less (blue) than "
            "there. White where there are hardly any. The grid is that of the loops of train: what lies beyond is not "
            "seen.",
        ),
    }

    @property
    def space(self) -> str | None:
        """The encoder whose vectors are compared."""
        return self.encoder

    def lacking(self) -> str | None:
        """Return whether gudhi is missing."""
        return None if find_spec("gudhi") else "needs the package gudhi: pip install 'gancensus[topology]'"

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return the columns of a table; all are of the same diagrams."""
        from gancensus.domains.topology import persistence

        study = persistence.examine(real, generated, rng, self.landmarks, self.draws, self.scale)
        lines = {
            "diagrams": lambda: persistence.diagram_lines(study),
            "distances": lambda: persistence.distance_lines(study, rng),
            "signature": lambda: persistence.signature_lines(study, rng),
            "images": lambda: persistence.image_lines(study),
        }
        found = [{**line, "space": context.space} for line in lines[table]()]
        return columns_of(found, self.tables[table].schema.names)

    def findings_in(self, table: str, columns: Columns) -> list[str]:
        """Say of each generated population whether its topology differs, and which loops it loses or gains."""
        from gancensus.domains.topology.persistence_words import findings

        return findings(columns) if table == "signature" else []

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say which populations have too few samples, and how many are needed; and that draws are small for that."""
        from gancensus.domains.topology.persistence_words import smaller, unjudged

        if table == "distances":
            return smaller(columns, self.landmarks)
        return unjudged(columns) if table == "signature" else []

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.topology import persistence_figures as figures

        drawn = {
            "diagrams": figures.draw_diagrams,
            "distances": figures.draw_distances,
            "signature": figures.draw_signature,
            "images": figures.draw_images,
        }
        return drawn[table](columns)
