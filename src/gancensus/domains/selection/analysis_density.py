"""Density: whether generators render those classes better that lie in denser parts of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.family import EncoderName
from gancensus.contracts.samples import flatten
from gancensus.contracts.score import Score
from gancensus.domains.selection.score_gaussian import Gaussian
from gancensus.domains.selection.score_knn import Knn
from gancensus.domains.selection.score_ppca import Ppca
from gancensus.storage.schemas import FLOAT, INT, SPACE, STRING, column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns

ENOUGH = 50  # groups that can decide: of ten, rank correlations below .63 are chance
SPARE = 10  # groups more, as some may have too few samples

DENSITY = pa.schema(
    [
        column("label", STRING, about="the class, or CLASS/CLUSTER"),
        column("score", STRING, about="how density is measured: gaussian, ppca or knn"),
        column("density", FLOAT, about="mean score of the class's real samples: nat, of knn a negative distance"),
        column("fid", FLOAT, about="Frechet distance of its generated samples from its real ones"),
        column("null", FLOAT, about="that distance of as many other real samples of the class"),
        column("relative", FLOAT, about="`fid` less `null`, over the variance of its real samples: free of scale"),
        column("samples", INT, about="real and generated samples of each class that were used"),
        column("generator", STRING, about="the generator, all its replicas together"),
        SPACE,
    ]
)


class Density(Analysis):
    """The density of the manifold of each class under three scores, and how well generators render the class.

    DeVries et al., arXiv:2007.15255, section 4.2 and figure 2: the denser, the smaller FID. A class with a larger
    variance has a larger FID for the same relative error, and the mean Gaussian score is its log-volume and nothing
    else; so FID stands beside FID in units of the class's variance, both less what real samples have in the generated
    ones' place. Of the generators that learn from all samples.
    """

    kind: Literal["density"] = "density"
    needs_train: ClassVar[bool] = True

    compares: ClassVar[bool] = True
    encoder: EncoderName | None = None
    """The encoder in whose space density and FID are measured; without one, the samples themselves."""
    groups: int = Field(ENOUGH + SPARE, ge=2)
    """How many classes, or clusters of equal numbers within each class, there are at least."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "density": AnalysisTable(
            DENSITY,
            "Density and fidelity of classes",
            "Each point is a class, or a cluster within one: the mean score of its real samples, to the right denser, "
            "and by how much the Frechet distance of its generated samples is above that of as many other real ones, "
            "small is good. Above in units of the class's variance, below as it is: a class that is spread wider has a "
            "larger distance for the same relative error. In the legend Spearman's rank correlation with its 95 % "
            "interval.",
        )
    }

    @property
    def space(self) -> str | None:
        """The encoder in whose space density and FID are measured."""
        return self.encoder

    def refuses(self, context: Context) -> str | None:
        """Refuse a study in which no generator learns from all samples."""
        return None if _whole(context) else "every generator learns from a selection; add one that learns from all"

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return a row for each generator, class and score; one without values where no class has enough samples."""
        from gancensus.domains.selection.density import densities, groups_of

        known = _together(real.values())
        groups = groups_of(*known, self.groups, rng("groups"))
        scores: dict[str, Score] = {"gaussian": Gaussian(), "ppca": Ppca(), "knn": Knn()}
        lines: list[tuple[Any, ...]] = []
        for name in _whole(context):
            fake = _together(
                rows for population, rows in generated.items() if context.made[population].generator == name
            )
            found = densities(groups, known, fake, scores, rng(name))
            about = (name, context.space)
            lines += [(*one, *about) for one in found] or [(*[None] * (len(DENSITY) - 2), *about)]
        return dict(zip(DENSITY.names, zip(*lines, strict=True), strict=True))

    def findings(self, columns: Columns) -> list[str]:
        """Say how density and fidelity go together."""
        from gancensus.domains.selection.density import correlations, signed

        return [
            f"{generator}: the rank correlation of a class's density by {score} with what its FID is above that of "
            f"real samples is {signed(one.relative)} in units of the class's variance, {signed(one.excess)} as it is, "
            f"over {one.classes} classes or clusters."
            for (generator, score), one in correlations(columns).items()
            if one.classes >= ENOUGH
        ]

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say which generators have too few classes."""
        from gancensus.domains.selection.density import correlations

        counted: dict[str, int] = dict.fromkeys(columns["generator"], 0)
        for (generator, _), one in correlations(columns).items():
            counted[generator] = max(counted[generator], one.classes)
        return [
            f"{generator}: {n} classes or clusters with enough samples cannot decide how density and fidelity go "
            f"together; {ENOUGH} could."
            for generator, n in counted.items()
            if n < ENOUGH
        ]

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw FID against density."""
        from gancensus.domains.selection.density_figures import draw_density

        return draw_density(columns)


def _whole(context: Context) -> list[str]:
    """Return the generators that learn from all samples, or elsewhere, and draw from the whole latent distribution."""
    return [name for name, g in context.generators.items() if g.selection is None and g.latent_kept == 1]


def _together(populations: Any) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Return the vectors of populations (n, d), and their classes, if all have some."""
    samples = [rows.whole() for rows in populations]
    labels = [one.label for one in samples]
    z = np.concatenate([flatten(one.x) for one in samples]).astype(np.float64)
    return z, None if any(label is None for label in labels) else np.concatenate(
        [one for one in labels if one is not None]
    )
