"""How near the generated samples come to the real ones, and how much of them they cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from gancensus import tables
from gancensus.analyses import Analysis
from gancensus.samples import Samples, flatten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.files import Columns


class Fidelity(Analysis):
    """FID, KID, precision, recall, density and coverage against `holdout`, with intervals and null values.

    Heusel et al., arXiv:1706.08500; Binkowski et al., arXiv:1801.01401; Kynkaanniemi et al., arXiv:1904.06991; Naeem et
    al., arXiv:2002.09797. The null value is what `train` gets in place of the generated samples, at equal numbers.
    """

    kind: Literal["fidelity"] = "fidelity"
    neighbours: int = Field(5, ge=1)
    """The k of the k-th nearest neighbour in precision, recall, density and coverage."""

    schema = tables.FIDELITY
    title = "Fidelity"
    caption = (
        "Each metric of the generated samples against held-out real ones, with its 95 % interval (balanced "
        "half-samples of both). The dashed line is the null value: what real training samples get in their place, at "
        "equal numbers. FID and KID are better when small, the others when near the null value."
    )

    def analyse(
        self, real: Mapping[str, Samples], generated: Mapping[str, Samples], rng: Callable[[str], np.random.Generator]
    ) -> Columns:
        """Return a row per generated population and metric."""
        from gancensus.fidelity import fidelity

        rows, holdout, train = [], flatten(real["holdout"].x), flatten(real["train"].x)
        for population, samples in generated.items():
            found_all = fidelity(holdout, flatten(samples.x), train, neighbours=self.neighbours, rng=rng(population))
            for metric, found in found_all.items():
                rows.append((population, metric, *found.estimate, found.null))
        return dict(zip(self.schema.names, zip(*rows, strict=True), strict=True))

    def draw(self, table: Columns) -> Figure:
        """Draw one panel per metric, populations side by side."""
        from gancensus.figures import draw_fidelity

        return draw_fidelity(table)
