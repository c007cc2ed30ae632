"""Simulated jets."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_seed
from gancensus.contracts.samples import MeasuredSamples
from gancensus.domains.jets import pythia
from gancensus.domains.jets.jet_samples import JetSource

Range = tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]

BELOW, ABOVE = 0.85, 1.15  # the hard process's range beyond that of the jet: a few per cent come from outside


class Pythia(JetSource):
    """Jets of proton collisions at 13 TeV, simulated by Pythia 8 and clustered by FastJet, about 50 a second.

    Hadron level: no detector and no pile-up, but underlying event; all stable particles but neutrinos, |eta| < 5. Jets
    are anti-kt with R = 1 and |eta| < 2.5: the hardest of a QCD collision, and that nearest to the harder top or to the
    W, which decay to quarks. The spectrum of the hard process is about flat within `pthat`, for each process. Classes
    take turns. Conditions are `pt` and `mass` (GeV), `multiplicity`, `tau21` and `tau32` (N-subjettiness). Jets are
    simulated when they are read; each has its own seed, so the first ones do not depend on how many there are. One seed
    gives the same bytes where processor and C library do. Needs the packages pythia8mc and fastjet.
    """

    simulated: ClassVar[bool] = True

    kind: Literal["pythia"] = "pythia"
    jets: int = Field(ge=1, le=pythia.SEEDS // len(pythia.PROCESSES))
    """Number of jets of each process."""
    processes: tuple[Literal["qcd", "top", "w"], ...] = Field(("qcd", "top", "w"), min_length=1)
    """`qcd`: quarks and gluons. `top`: pairs of tops. `w`: W with a quark or gluon. A label is a position in this
    list."""
    pt: Range = (1000.0, 1400.0)
    """Lowest and highest transverse momentum of the jets in GeV."""
    pthat: Range | None = None
    """Lowest and highest transverse momentum of the hard process in GeV; without it, .85 and 1.15 of those of `pt`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.processes)) < len(self.processes):
            raise PydanticCustomError("processes", "`processes` names one twice")
        for name in ("pt", "pthat"):
            if (found := getattr(self, name)) and found[0] >= found[1]:
                raise PydanticCustomError("range", "`{name}` needs its lowest value below its highest", {"name": name})
        return self

    @property
    def classes(self) -> Mapping[int, str]:
        """QCD, top and W, as far as they are simulated."""
        return {label: pythia.PROCESSES[name].title for label, name in enumerate(self.processes)}

    def lacking(self) -> str | None:
        """Return which packages are missing and how to get them."""
        return pythia.lacking()

    def load(self, seed: int) -> MeasuredSamples:
        """Return jets x (n, *shape) float32, labels repeating 0, 1, ..., which are simulated when they are taken.

        Raises UserError where a package is missing, and, when jets are taken, where the processes have none such.
        """
        if lack := self.lacking():
            raise UserError(f"source pythia: {lack}")
        count = len(self.processes)
        hard = self.pthat or (BELOW * self.pt[0], ABOVE * self.pt[1])
        start = cache(lambda name: pythia.Simulator(name, self.pt, hard))
        first = [derive_seed(seed, self.kind, name) for name in self.processes]

        def simulate(rows: NDArray[np.int64]) -> NDArray[np.float64]:
            found = [
                start(self.processes[row % count]).jet(pythia.seed_of(first[row % count], row // count))
                for row in rows.tolist()
            ]
            jets = np.zeros((len(rows), max(map(len, found), default=1), 3))
            for jet, one in zip(jets, found, strict=True):
                jet[: len(one)] = one
            return jets

        label = np.tile(np.arange(count, dtype=np.int32), self.jets)
        return self.lazy(label, self.pt[1], simulate)
