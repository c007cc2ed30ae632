"""Jets of proton collisions at 13 TeV, simulated by Pythia 8 (package pythia8mc) and clustered by FastJet (fastjet).

Pythia 8.3: Bierlich et al., 2203.11601, with its default tune. FastJet: Cacciari, Salam & Soyez, 1111.6097.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError

PACKAGES = ("pythia8mc", "fastjet")
R = 1.0  # of the anti-kt algorithm
DETECTED = 5.0  # |eta| of particles
CENTRAL = 2.5  # |eta| of jets
SEEDS = 900_000_000  # of Pythia
STRIDE = 433_494_437  # between the seeds of two jets: prime, so that no two of SEEDS jets have the same
TRIES = 20_000  # collisions in a row without a jet, after which there will be none


class Process(NamedTuple):
    """A process: its title, Pythia's settings, the particle whose jet is taken, and the power of its spectrum.

    The particle is a PDG code; None: the hardest jet is taken. The spectrum of the hard process's pT falls about with
    the power, by which events are weighted.
    """

    title: str
    settings: tuple[str, ...]
    particle: int | None
    power: float


HADRONIC = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")
PROCESSES = {
    "qcd": Process("QCD", ("HardQCD:all = on",), None, 7.0),
    "top": Process("top", ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *HADRONIC), 6, 8.0),
    "w": Process("W", ("WeakBosonAndParton:qqbar2Wg = on", "WeakBosonAndParton:qg2Wq = on", *HADRONIC), 24, 7.0),
}


def lacking() -> str | None:
    """Return which packages are missing and how to get them; nothing is imported."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if not absent:
        return None
    return f"needs the package{'s' * (len(absent) > 1)} {' and '.join(absent)}: pip install 'gancensus[jets]'"


def seed_of(first: int, jet: int) -> int:
    """Return Pythia's seed of a jet, 1 ... SEEDS: different for each of SEEDS jets after the same first seed."""
    return 1 + (first + STRIDE * jet) % SEEDS


class Simulator:
    """A process, from which jets of a range of pt (GeV) are drawn."""

    def __init__(self, name: str, pt: tuple[float, float], hard: tuple[float, float]) -> None:
        """Start Pythia; hard: range of the transverse momentum of the hard process in GeV.

        Raises UserError where Pythia refuses.
        """
        self.name, self.pt, self.hard = name, pt, hard
        _, settings, self._particle, power = PROCESSES[name]
        self._pythia = _pythia()
        for line in (
            "Print:quiet = on",
            "Beams:eCM = 13000.",
            f"PhaseSpace:pTHatMin = {hard[0]!r}",
            f"PhaseSpace:pTHatMax = {hard[1]!r}",
            "PhaseSpace:bias2Selection = on",
            f"PhaseSpace:bias2SelectionPow = {power}",
            f"PhaseSpace:bias2SelectionRef = {hard[0]!r}",
            "Random:setSeed = on",
            "Random:seed = 1",  # of the search for the maximum; that of a jet is set before it is drawn
            *settings,
        ):
            assert self._pythia.readString(line), line
        if not self._pythia.init():
            raise UserError(f"source pythia: Pythia cannot simulate {name} with pthat {hard[0]:g} to {hard[1]:g} GeV")

    def jet(self, seed: int) -> NDArray[np.float64]:
        """Return the constituents of the jet of a seed, (particles, 3): pt (GeV), eta, phi, hardest first.

        Collisions follow one another until there is a jet of a pt in the range; it does not depend on jets drawn
        before. Raises UserError where there are no such jets.
        """
        import fastjet

        self._pythia.rndm.init(seed)
        for _ in range(TRIES):
            if self._pythia.next():
                clusters = fastjet.ClusterSequence(self._particles(), _definition())  # whose jets live as long as it
                jet = self._chosen(clusters.inclusive_jets(self.pt[0]))
                if jet is not None and jet.pt() < self.pt[1] and abs(jet.eta()) < CENTRAL:
                    found = np.array([(one.pt(), one.eta(), one.phi_std()) for one in jet.constituents()])
                    return found[np.lexsort((found[:, 2], found[:, 1], -found[:, 0]))]
        raise UserError(
            f"source pythia: {TRIES:,} collisions of {self.name} with pthat {self.hard[0]:g} to {self.hard[1]:g} GeV "
            f"gave no jet with pt {self.pt[0]:g} to {self.pt[1]:g} GeV; change `pthat` or `pt`"
        )

    def _particles(self) -> list[Any]:
        """Return the particles of a collision that are stable, visible and within DETECTED."""
        import fastjet

        seen = [p for p in self._pythia.event.particles() if p.isFinal() and p.isVisible()]
        return [fastjet.PseudoJet(p.px(), p.py(), p.pz(), p.e()) for p in seen if abs(p.eta()) < DETECTED]

    def _chosen(self, jets: Sequence[Any]) -> Any:
        """Return the hardest jet of a collision, or that nearest to its harder top or to its W, if one is within R."""
        import fastjet

        if self._particle is None or not jets:
            return max(jets, key=lambda jet: jet.pt(), default=None)
        event = self._pythia.event
        copies = [event[k] for k, p in enumerate(event.particles()) if p.idAbs() == self._particle]
        last = max((p for p in copies if p.iBotCopyId() == p.index()), key=lambda p: p.pT())
        axis = fastjet.PseudoJet(last.px(), last.py(), last.pz(), last.e())
        nearest = min(jets, key=axis.delta_R)
        return nearest if axis.delta_R(nearest) < R else None


def _pythia() -> Any:
    """Return Pythia, which looks for its tables where an environment variable says."""
    import pythia8mc

    package = Path(pythia8mc.__file__).parent
    shared = [package / "share", *(parent / "share" for parent in package.parents), Path(sys.prefix) / "share"]
    tables = [folder / "Pythia8" / "xmldoc" for folder in shared]
    found = next((folder for folder in tables if (folder / "Index.xml").is_file()), None)
    if found is None:
        raise UserError(f"source pythia: Pythia's tables (share/Pythia8/xmldoc) are not beside {package}; reinstall it")
    before = os.environ.get("PYTHIA8DATA")
    os.environ["PYTHIA8DATA"] = str(found)
    try:
        return pythia8mc.Pythia(str(found), False)
    finally:
        if before is None:
            del os.environ["PYTHIA8DATA"]
        else:
            os.environ["PYTHIA8DATA"] = before


_DEFINITIONS: list[Any] = []


def _definition() -> Any:
    """Return the anti-kt algorithm; the first call prints FastJet's banner, to stderr."""
    import fastjet

    if not _DEFINITIONS:
        definition = fastjet.JetDefinition(fastjet.antikt_algorithm, R)
        with _stdout_to_stderr():
            fastjet.ClusterSequence([fastjet.PseudoJet(1.0, 0.0, 0.0, 1.0)], definition)
        _DEFINITIONS.append(definition)
    return _DEFINITIONS[0]


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Send what compiled code writes to stdout to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
