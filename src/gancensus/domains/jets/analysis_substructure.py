"""Whether generated jets have the mass, pT, multiplicity and prongs of real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.domains.jets.jet_samples import other_width
from gancensus.storage.schemas import FLOAT, GENERATED, INT, LOW_HIGH, POPULATION, STRING, column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns

_UNIT = column("unit", STRING, about="of `value`; `jet pT` where jets are normalised, and masses are over their pT")

SUBSTRUCTURE = pa.schema(
    [
        GENERATED,
        column("quantity", STRING, about="mass, pt, multiplicity, tau21 or tau32: W1 of it; or `fpd`, `kpd`"),
        column("value", FLOAT, about="the distance of the jets from those of `holdout`; null where jets are too few"),
        *LOW_HIGH,
        column("null", FLOAT, about="the distance of as many jets of `train` from those of `holdout`"),
        column("p", FLOAT, about="p-value of permuted labels, which accounts for all quantities of the population"),
        _UNIT,
        column("samples", INT, about="jets of the population, and of `train` in their place, that are compared"),
        column("others", INT, about="jets of `holdout`"),
        column("left_out", INT, about="jets of the population without a particle, which are not compared"),
    ]
)
HISTOGRAMS = pa.schema(
    [
        POPULATION,
        column("quantity", STRING, about="mass, pt, multiplicity, tau21 or tau32"),
        column("bin_low", FLOAT, about="lower edge of a bin of the quantity; the first bin holds all below, too"),
        column("bin_high", FLOAT, about="upper edge of it; the last bin holds all above, too"),
        column("value", FLOAT, about="share of the population's jets in the bin"),
        *LOW_HIGH,
        column("unit", STRING, about="of the bin's edges; `jet pT` where jets are normalised"),
    ]
)
PICTURES = pa.schema(
    [
        column("class", STRING, about="the class of the jets; `all jets` where they have none"),
        column("stage", STRING, about="`before` or `after` preprocessing by the source"),
        column("picture", STRING, about="`one` jet, or the `average` of several"),
        column("jets", INT, about="jets that it is of"),
        column("eta", FLOAT, about="centre of the pixel, from the middle of the image"),
        column("phi", FLOAT, "rad", "centre of the pixel, from the middle of the image"),
        column("value", FLOAT, about="share of a jet's pT in the pixel, mean over the jets"),
    ]
)


class Substructure(Analysis):
    """W1 of mass, pT, multiplicity, tau21 and tau32 of generated jets from real ones, and FPD and KPD of all of them.

    Jets are images (H, W), whose pixels are massless particles at their centres, or constituents (particles, 3) with
    pt, eta, phi. Kansal et al., arXiv:2106.11535 and arXiv:2211.10295 (JetNet); FPD and KPD are here of these five
    quantities, exact and seeded: of all jets, without batches that are drawn with replacement. Of normalised jets, in
    which pT is 1, masses are in units of the jet's pT. The null value is what jets of `train` get in place of the
    generated ones, at equal numbers.
    """

    kind: Literal["substructure"] = "substructure"
    width: float = Field(2.0, gt=0)
    """Width of images (H, W), of their W columns, in eta; pixels are square."""
    least: float = Field(1e-4, ge=0, lt=1)
    """Share of a jet's total below which a pixel or a particle is not counted, in generated and in real jets alike.
    With 0, all pixels that a decoder leaves a little above 0 would be particles."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "substructure": AnalysisTable(
            SUBSTRUCTURE,
            "Substructure of jets",
            "How far each generator's jets are from held-out ones: the Wasserstein distance W1 of mass, pT, "
            "multiplicity and the ratios of N-subjettiness, in their units, and the Frechet and kernel physics "
            "distances (FPD, extrapolated to infinite samples, and KPD) of all of them together; with 95 % intervals. "
            "Small is good. The dashed line is the null value: what as many real training jets get in their place. "
            "A filled marker differs from real jets: p < 0.05 by permuted labels, for all quantities together.",
        ),
        "histograms": AnalysisTable(
            HISTOGRAMS,
            "Distributions of substructure",
            "How mass, pT, multiplicity and the ratios of N-subjettiness are distributed over the jets of each "
            "population, with 95 % intervals (Clopper and Pearson) as bands. The outermost bins hold all that lies "
            "beyond. In images, multiplicity is the number of pixels that count.",
        ),
        "jets": AnalysisTable(
            PICTURES,
            "Jets before and after preprocessing",
            "One training jet of each class and the average of several, before and after the source centred, rotated, "
            "flipped and normalised them, as far as it does. Colours show the share of a jet's pT in a pixel, on a "
            "logarithmic scale; empty pixels are white.",
        ),
    }

    def refuses(self, context: Context) -> str | None:
        """Refuse another width than that of the source's images."""
        return other_width(context.source, self.width)

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return the columns of a table; see `substructure` and `average_jets`."""
        from gancensus.domains.jets.average_jets import average_jets
        from gancensus.domains.jets.substructure import compared, histograms, measure

        if table == "jets":
            lines = list(average_jets(real["train"], context.source, context.seed, self.width))
        else:
            populations = {"holdout": real["holdout"], "train": real["train"], **generated}
            jets = {name: measure(rows, self.width, self.least) for name, rows in populations.items()}
            lines = list(compared(jets, generated, rng) if table == self.kind else histograms(jets))
        return {name: [line[k] for line in lines] for k, name in enumerate(self.tables[table].schema.names)}

    def findings(self, columns: Columns) -> list[str]:
        """Say of each generator in which quantities its jets differ from real ones, and by how much."""
        from gancensus.domains.jets.substructure_words import findings

        return findings(columns)

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say where jets are too few or empty, and that pT says nothing of normalised ones."""
        from gancensus.domains.jets.substructure_words import unjudged

        return unjudged(columns) if table == self.kind else []

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.jets import substructure_figures as figures

        drawn = {
            "substructure": figures.draw_distances,
            "histograms": figures.draw_histograms,
            "jets": figures.draw_jets,
        }
        return drawn[table](columns)
