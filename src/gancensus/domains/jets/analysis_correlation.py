"""Correlation: how closely distances in pixels, and in the layers of autoencoders, follow optimal transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.family import EncoderName
from gancensus.contracts.table import columns_of
from gancensus.domains.jets.jet_samples import other_width
from gancensus.storage.schemas import FLOAT, INT, STRING, column, with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns

BOOL = pa.bool_()

WHERE = (
    column("encoder", STRING, about="the encoder; null: image space, or the mean over `replicas` encoders"),
    column("layer", STRING, about="`image`, `block1`..., `latent`; `reconstruction`: each jet and what is restored"),
    column("squared", BOOL, about="whether the distance is squared, as the MSE is"),
    column("p", FLOAT, about="power of the ground distance"),
    column("root", BOOL, about="whether the least cost is raised to 1 / p; null for p = 1, where both are one"),
)
NETWORK = column("network", STRING, about="the kind of the encoder, and options in which the encoders asked differ")

CORRELATION = pa.schema(
    [
        *WHERE,
        *with_interval("pearson", "Pearson correlation of the distance with the transport distance, over all pairs"),
        *with_interval("spearman", "Spearman's rank correlation of the same; no power of a distance changes it"),
        *with_interval("above", "`pearson` less that of `beside`, for the same jets"),
        column("beside", STRING, about="what `above` compares with: `root of the MSE` of images, or another network"),
        column("beside_layer", STRING, about="the layer of `beside`; `image` of pixels"),
        column("beside_network", STRING, about="the network of `beside`, as in `network`; null: pixels, or none"),
        column("beside_blocks", INT, about="its blocks"),
        column("question", STRING, about="of rows that compare two networks: `more blocks`, `one block` or `loss`"),
        column(
            "null",
            FLOAT,
            about="95 % quantile of the absolute correlation when jets are permuted (Mantel); of a mean, the largest "
            "of its trainings",
        ),
        NETWORK,
        column("family", STRING, about="`network` without its blocks"),
        column("kind", STRING, about="the kind of the encoder"),
        column("blocks", INT, about="blocks that each halve the image"),
        column("trained", STRING, about="`mse` or `emd`: how training compares an image with its reconstruction"),
        column("beta", FLOAT, about="weight of the Kullback-Leibler term, where there is one"),
        column("replicas", INT, about="trainings of which a row has the mean; null: the row of one encoder, or none"),
        column("preprocessing", STRING, about="what the source did to each jet; null where it does not say"),
        column("pairs", INT, about="pairs of jets; of `reconstruction` jets"),
        column("jets", INT, about="jets of `holdout`"),
        column(
            "published",
            FLOAT,
            about="Pearson correlation in R. K. Mishra, Jet metrics and autoencoders, talk at ML4Jets 2021, where it "
            "has one",
        ),
    ]
)
PAIRS = pa.schema(
    [
        *WHERE,
        NETWORK,
        column("distance_low", FLOAT, about="lower end of a bin of the distance"),
        column("distance_high", FLOAT, about="upper end"),
        column("transport_low", FLOAT, about="lower end of a bin of the transport distance"),
        column("transport_high", FLOAT, about="upper end"),
        column("pairs", INT, about="pairs of jets in both"),
        column("pearson", FLOAT, about="Pearson correlation of all pairs"),
    ]
)


class Correlation(Analysis):
    """Correlations of distances between jets with the optimal transport between them, over all pairs of some jets.

    Distances are Euclidean: of images (the root of the MSE, and the MSE itself), and of the activations of each layer
    of autoencoders. Transport is balanced, exact, between the images as weights at the centres of their pixels.
    R. K. Mishra, Jet metrics and autoencoders, talk at ML4Jets 2021: work in progress of Fraser, Homiller, Mishra,
    Ostdiek & Schwartz, arXiv:2110.06948. Intervals are those of other jets: a bootstrap of
    jets, not of pairs. Encoders with equal options are trainings of one network, whose spread their mean has, too.
    """

    kind: Literal["correlation"] = "correlation"
    encoders: list[EncoderName] = Field(min_length=1)
    """Autoencoders whose layers are asked."""
    jets: int = Field(300, ge=10, le=2000)
    """Jets of `holdout`, at most; all pairs of them are compared. Memory grows with their square: 1.1 GB for 2,000."""
    label: int | None = None
    """Class that the jets are of; without one, all classes."""
    p: Annotated[tuple[Literal[0.5, 1.0], ...], Field(min_length=1)] = (1.0, 0.5)  # type: ignore[valid-type]
    """Powers of the ground distance: 1, the earth mover's distance, 0.5, or both."""
    width: float = Field(2.0, gt=0)
    """Width of the images, of all their columns, in the unit of the coordinates; pixels are square."""
    bootstrap: int = Field(1000, ge=100)
    """Resamples of the jets."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "correlation": AnalysisTable(
            CORRELATION,
            "Correlation with optimal transport",
            "Pearson correlation of distances between jets with the optimal transport between them, over all pairs: "
            "the MSE of their images, its root, and the Euclidean distance in each layer of the networks; with 95 % "
            "intervals. `reconstruction`: the MSE of a jet and its reconstruction, or its root, with the transport "
            "between the two. Networks that were trained several times have the mean, and the interval of another "
            "training; where none was trained twice there is no interval. Italic: the numbers of Mishra's talk "
            "(ML4Jets 2021), which have no intervals; it does not say whether costs for p = 1/2 were raised to 1/p.",
        ),
        "pairs": AnalysisTable(
            PAIRS,
            "Distances and optimal transport",
            "All pairs of jets: the transport between them against the MSE of their images, and against the distance "
            "of their latent vectors in the first training of each network; r is Pearson's correlation.",
        ),
    }

    @property
    def asks(self) -> tuple[str, ...]:
        """The encoders whose layers are asked."""
        return tuple(self.encoders)

    def refuses(self, context: Context) -> str | None:
        """Refuse encoders without layers, an encoder or power that is named twice, and a class that nothing is of."""
        if reason := other_width(context.source, self.width):
            return reason
        for key, values in (("encoders", self.encoders), ("p", [f"{p:g}" for p in self.p])):
            twice = [value for value in values if values.count(value) > 1]
            if twice:
                return f"{key} has {twice[0]} twice; leave one out"
        for name, model in context.models.items():
            if not model.encoder.restores:
                return f"encoder {name} ({model.encoder.kind}) has no layers and no decoder; name autoencoders"
        classes = context.source.classes
        if self.label is not None and classes and self.label not in classes:
            known = ", ".join(f"{number} ({said})" for number, said in classes.items())
            return f"label {self.label} is no class of the source, which has {known}"
        return None

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return the columns of a table; both are of the same jets of `holdout`."""
        from gancensus.domains.jets.correlated import Asked, binned, correlated

        asked = Asked.of(real["holdout"], self.label, self.jets, rng("jets"), self.p, self.width)
        if table == "pairs":
            found = binned(asked, context.models)
        else:
            about = {"preprocessing": context.source.preprocessing}
            found = [{**row, **about} for row in correlated(asked, context.models, self.bootstrap, rng)]
        return columns_of(found, self.tables[table].schema.names)

    def findings(self, columns: Columns) -> list[str]:
        """Answer the questions that can be judged."""
        from gancensus.domains.jets.correlation_words import answers

        return list(answers(columns))

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say which questions cannot be judged."""
        from gancensus.domains.jets.correlation_words import gaps

        return list(gaps(columns)) if table == "correlation" else []

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw the correlations as a heat map, or the pairs as histograms."""
        from gancensus.domains.jets.correlation_figures import draw_correlations, draw_pairs

        return draw_pairs(columns) if table == "pairs" else draw_correlations(columns)
