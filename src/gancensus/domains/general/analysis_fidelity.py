"""How near the generated samples come to the real ones, and how much of them they cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.beginning import side_by_side
from gancensus.contracts.family import EncoderName
from gancensus.contracts.samples import vectors
from gancensus.storage import schemas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns

FIXING = 4  # without `train`, one in so many of `calibrate` fixes the frame; the others give the null values


class Fidelity(Analysis):
    """FID, KID, precision, recall, density, coverage and more of generated samples, with intervals and null values.

    Heusel et al., arXiv:1706.08500; Binkowski et al., arXiv:1801.01401; Kynkaanniemi et al., arXiv:1904.06991; Naeem et
    al., arXiv:2002.09797. And FID extrapolated to infinite samples (Chong & Forsyth, arXiv:1911.07023), a classifier
    that learns to tell the two apart (Lopez-Paz & Oquab, arXiv:1610.06545), the sliced Wasserstein distance (Bonneel et
    al. 2015), and how many kinds of samples there are by RKE (Jalali et al. 2023) and Vendi score (Friedman & Dieng,
    arXiv:2210.02410). The null value is what other real samples get in place of the generated ones, at equal numbers.
    """

    kind: Literal["fidelity"] = "fidelity"
    encoder: EncoderName | None = None
    """The encoder whose vectors are compared; without one, the samples themselves."""
    reference: Literal["holdout", "train", "all"] = "holdout"
    """The real samples that the generated ones are compared with. Null values are those of `train` against `holdout`
    and of `holdout` against `train`. `all` is train, calibrate and holdout together, as in papers that take the
    moments of a whole data set; no real samples are left then, so there are no null values. A generator that copies
    what it was trained on is near to `train` and `all`: only `holdout` tells it from one that has learned."""
    neighbours: int = Field(5, ge=1)
    """The k of the k-th nearest neighbour in precision, recall, density and coverage."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "fidelity": AnalysisTable(
            schemas.FIDELITY,
            "Fidelity",
            "Each metric of the generated samples against the real ones that the legend names, with its 95 % interval. "
            "The dashed line is the null value: what other real samples get in their place, at equal numbers; where "
            "all real samples are compared with, there is none. FID, KID and the sliced Wasserstein distance are "
            "better when small, the others when near the null value. The classifier cannot tell generated samples at "
            "0.5, and always can at 1. RKE and Vendi score count kinds of samples.",
        )
    }

    @property
    def space(self) -> str | None:
        """The encoder whose vectors are compared."""
        return self.encoder

    def refuses(self, context: Context) -> str | None:
        """Refuse to compare with training samples where there are none."""
        if self.reference == "train" and "train" not in context.real:
            return "reference: `train` has no samples, as `splits.train` is 0; compare with holdout"
        return None

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return a row per generated population and metric."""
        from gancensus.comparison.fidelity import fidelity
        from gancensus.comparison.two_samples import Frame, measure

        rows = []
        compared, others = self._real(real, context.real)
        fixing = vectors(real["calibrate"])
        if (
            others is not None and "train" not in context.real
        ):  # axes fit the samples that they are of better than others
            fixing, others = others[::FIXING], np.delete(others, np.s_[::FIXING], axis=0)
        frame = Frame.of(fixing, rng("directions"))
        for population, samples in generated.items():
            fake = vectors(samples)
            own, named = rng(population), _named(rng, population)
            first = partial(fidelity, compared, fake, others, self.neighbours, rng=own, begin=context.begin)
            more = partial(measure, compared, fake, others, frame, rng=named, begin=context.begin)
            found = {name: one for part in side_by_side(context.begin, [first, more]) for name, one in part.items()}
            about = (self.reference, context.space)
            rows += [(population, name, *one.estimate, one.null, *about) for name, one in found.items()]
        return dict(zip(schemas.FIDELITY.names, zip(*rows, strict=True), strict=True))

    def _real(self, real: Mapping[str, Rows], known: Sequence[str]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Return the real samples that are compared with, and those that give the null values; known: who they are.

        Without `train`, `calibrate` stands in its place.
        """
        if self.reference == "all":
            return np.concatenate([vectors(real[name]) for name in known]), None
        other = "train" if self.reference == "holdout" else "holdout"
        return vectors(real[self.reference]), vectors(real[other])

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw one panel per metric, populations side by side."""
        from gancensus.domains.general.fidelity_figures import draw_fidelity

        return draw_fidelity(columns)


def _named(rng: Callable[[str], np.random.Generator], population: str) -> Callable[[str], np.random.Generator]:
    """Return what gives random numbers by name for one population."""
    return lambda name: rng(f"{population}/{name}")
