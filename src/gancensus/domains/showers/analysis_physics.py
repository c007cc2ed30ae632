"""Calorimeter showers: how similar they are, and whether they look like showers to a physicist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows
from gancensus.contracts.showers import VOXELS
from gancensus.storage.schemas import FLOAT, INT, LOW_HIGH, POPULATION, STRING, column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.table import Columns

Positive = Annotated[float, Field(gt=0)]

_BIN = (
    column("energy_low", FLOAT, "GeV", "lower edge of the bin of primary energy; null where no bin has enough showers"),
    column("energy_high", FLOAT, "GeV", "upper edge of the bin of primary energy"),
)

SSIM = pa.schema(
    [
        column("comparison", STRING, about="`mc-mc` (two real showers), `mc-gan` or `gan-gan`"),
        column("population", STRING, about="the generated population; `holdout` for `mc-mc`"),
        column("angle", FLOAT, "deg", "centre of the bin; null where showers have no angle"),
        *_BIN,
        column("ssim", FLOAT, about="mean over the pairs; null where no bin has enough showers"),
        *LOW_HIGH,
    ]
)
PROFILES = pa.schema(
    [
        POPULATION,
        column("axis", STRING, about="x, y or z"),
        column("position", INT, about="layer of cells across the axis, from 0"),
        column("value", FLOAT, about="mean share of a shower's energy in it"),
        *LOW_HIGH,
    ]
)
RESPONSE = pa.schema(
    [
        POPULATION,
        column(
            "quantity",
            STRING,
            about="response, resolution, hits; mean_x, width_x and so on (cells); angle, angle_spread (degrees)",
        ),
        *_BIN,
        column("value", FLOAT, about="its mean over the showers, in the unit of the quantity"),
        *LOW_HIGH,
    ]
)
CELLS = pa.schema(
    [
        POPULATION,
        column("quantity", STRING, about="`energy` of a cell (GeV), or `hits`: cells of a shower above 300 keV"),
        column("bin_low", FLOAT, about="lower edge of a bin of the quantity"),
        column("bin_high", FLOAT, about="upper edge of a bin of the quantity"),
        column("value", FLOAT, about="mean number of a shower's cells in the bin; or share of the showers"),
        *LOW_HIGH,
    ]
)
SCORE = pa.schema(
    [
        POPULATION,
        column("term", STRING, about="moments, profiles, response, angle or total"),
        column("energy", FLOAT, "GeV", "centre of the bin; null for the mean over the bins"),
        column("angle", FLOAT, "deg", "centre of the bin; null for the mean over the bins, or without angles"),
        column("value", FLOAT, about="relative error against `holdout`; that of `train` is the null value"),
        *LOW_HIGH,
    ]
)
_BINNED = {  # the keys that say in which bins a table needs showers
    "ssim": ("bins", "angles", "angle_window"),
    "response": ("bins",),
    "score": ("energies", "energy_window", "angles", "angle_window"),
}


class Physics(Analysis):
    """SSIM, profiles, energy response, cells and 3DGAN's selection score of showers (x, y, z), against `holdout`.

    Khattak et al., Eur. Phys. J. C 82 (2022) 386; svalleco/3Dgan. Showers have the condition `energy` (GeV) and, where
    known, `angle` (rad). Bins with fewer than 10 showers on a side are left out.
    """

    kind: Literal["physics"] = "physics"
    bins: tuple[Positive, ...] | None = Field(None, min_length=2)
    """Edges of the bins of primary energy for SSIM and response, GeV; by default five equal bins over holdout's."""
    angles: tuple[float, ...] = Field((62.0, 90.0, 118.0), min_length=1)
    """Angles of SSIM and score, degrees; not used where showers have no angle."""
    angle_window: float = Field(5.73, gt=0)
    """How far a shower's angle may be from those, degrees; 0.1 rad."""
    energies: tuple[Positive, ...] | None = Field(None, min_length=1)
    """Primary energies of the score, GeV; by default 10, 50 and 90 % of the way through holdout's range."""
    energy_window: float | None = Field(None, gt=0)
    """How far a shower's primary energy may be from those, GeV; by default 5 % of holdout's range."""
    data_range: float = Field(1e-4, ge=1e-30, le=1e30)
    """L of SSIM, GeV: differences between cells far below a hundredth of it do not count."""
    masked: bool = False
    """Whether SSIM is averaged only over windows in which either shower has energy."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "ssim": AnalysisTable(
            SSIM,
            "Similarity of showers",
            "The mean structural similarity (SSIM) of pairs of showers by primary energy and angle, with its 95 % "
            "interval: two showers of a population, solid, or one of a generator and a held-out one, dashed. Where a "
            "solid line lies above the black one, the generator's showers are more alike than real ones. Windows "
            "that are empty in both showers count as equal, unless `masked`. At most 100 showers of a bin are "
            "compared.",
        ),
        "profiles": AnalysisTable(
            PROFILES,
            "Shower profiles",
            "The mean share of a shower's energy in each layer of cells across x, y and z, with its 95 % interval, "
            "and below, over that of the held-out showers.",
        ),
        "response": AnalysisTable(
            RESPONSE,
            "Energy response and shape",
            "Means over the showers of a bin of primary energy, with 95 % intervals: deposited over primary energy "
            "and its relative spread; cells above 300 keV; where the energy lies along each axis and how widely it is "
            "spread; the measured angle minus that of the primary particle, which is not calibrated. Training "
            "samples, grey, show how far real showers differ from each other.",
        ),
        "cells": AnalysisTable(
            CELLS,
            "Cells",
            "Left: how many cells of a shower hold how much energy, on average. Right: the distribution of the number "
            "of cells above 300 keV. Both with 95 % intervals, and below, over those of the held-out showers.",
        ),
        "score": AnalysisTable(
            SCORE,
            "Selection score",
            "CERN's score of 3DGAN, the sum of four mean relative errors against held-out showers: of mean position "
            "and spread along x, y and z, of the mean profiles, of the sampling fraction and of the measured angle. "
            "Small is good. Above, averaged over the bins of primary energy and angle that all populations have 10 "
            "showers in; below, their sum in each bin. "
            "With 95 % intervals; the dashed line and its band are the null value: what real training samples get in "
            "their place. The error of the profiles counts their faint tails as much as the core, so that with few "
            "showers in a bin it is mostly noise.",
        ),
    }

    @model_validator(mode="after")
    def _increasing(self) -> Self:
        for name in ("bins", "angles", "energies"):
            if any(a >= b for a, b in pairwise(getattr(self, name) or ())):
                raise PydanticCustomError("physics", "the values of `{name}` must increase", {"name": name})
        return self

    @property
    def condition_read(self) -> str:
        """The energy of the primary particle."""
        return "energy"

    def refuses(self, context: Context) -> str | None:
        """Refuse voxels of layer, angle and radius."""
        if context.source.value_names == VOXELS:
            return "needs cells (x, y, z), and the source has voxels of layer, angle and radius; leave it out"
        return None

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return the columns of a table; see the functions of that name in `physics`, `similarity` and `score`.

        Raises UserError where there are no showers for the bins, energies or angles that the user has chosen.
        """
        from gancensus.distances.ssim import Similarity
        from gancensus.domains.showers import bins, physics, score, similarity

        populations = {"holdout": real["holdout"], "train": real["train"], **generated}
        if table == "ssim":
            measured = Similarity(self.data_range, self.masked)
            window = self.angle_window
            lines = similarity.ssim(real["holdout"], generated, measured, self.bins, self.angles, window, rng)
        elif table == "profiles":
            lines = physics.profiles(populations)
        elif table == "response":
            lines = physics.response(populations, self.bins)
        elif table == "cells":
            lines = physics.cells(populations)
        else:
            windows = (self.energy_window, self.angle_window)
            lines = score.score(populations, self.energies, self.angles, windows, rng)
        keys = _BINNED.get(table, ())
        chosen = any(getattr(self, key) != type(self).model_fields[key].default for key in keys)
        if chosen and all(line[-3] is None for line in lines):
            raise UserError(bins.nothing(real["holdout"], keys))
        names = self.tables[table].schema.names
        return {name: [None if line[k] != line[k] else line[k] for line in lines] for k, name in enumerate(names)}

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say of which populations there are too few showers, or too empty ones."""
        from gancensus.domains.showers.bins import FEWEST
        from gancensus.plotting.numbers import listing

        populations, value = columns["population"], columns["ssim" if table == "ssim" else "value"]
        known = set(populations[~np.isnan(value)])
        missing = [name for name in dict.fromkeys(populations) if name not in known]
        if table not in _BINNED:
            return [f"{name}: all showers are empty." for name in missing]
        found = []
        if missing:
            keys = listing([f"`{key}`" for key in _BINNED[table]])
            found.append(
                f"Too few showers to judge {listing(missing)}: in no bin are there {FEWEST} of each side. More "
                f"showers, or fewer or wider bins ({keys} of `physics`), would change that."
            )
        if table == "score" and known and np.isnan(value[np.isnan(columns["energy"])]).all():
            found.append(f"No bin has {FEWEST} showers of each population, so that there is no mean over the bins.")
        return found

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.showers import physics_figures as figures

        drawn = {
            "ssim": figures.draw_ssim,
            "profiles": figures.draw_profiles,
            "response": figures.draw_response,
            "cells": figures.draw_cells,
            "score": figures.draw_score,
        }
        return drawn[table](columns)
