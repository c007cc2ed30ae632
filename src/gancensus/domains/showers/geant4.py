"""Simulated electron showers in the sampling calorimeter of `contracts.showers`, by Geant4 (package geant4-pybind).

Physics: G4EmStandardPhysics with its default cuts (0.7 mm). Geant4 allows one detector and one physics list in a
process, so both are made once. It uses MeV and mm; this module uses GeV and cm.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.showers import CELL, CELLS, SILICON, TUNGSTEN

PACKAGE = "geant4_pybind"
LAYER = TUNGSTEN + SILICON  # cm
BEFORE = 0.1  # cm, from where the electron starts to the face
MM, MEV = 10.0, 1000.0  # in a cm, in a GeV
DATA_SETS = {  # that this physics list reads: the variable that says where, and a file or folder in it
    "G4EMLOW": ("G4LEDATA", "brem_SB"),
    "G4ENSDFSTATE": ("G4ENSDFSTATEDATA", "ENSDFSTATE.dat"),
    "PhotonEvaporation": ("G4LEVELGAMMADATA", "."),
}


def available() -> dict[str, str]:
    """Return the environment that Geant4 needs, or raise UserError that says what is missing and what to do.

    Without its data Geant4 would end the process, and importing its package would ask for a download.
    """
    if find_spec(PACKAGE) is None:
        raise UserError("source geant4: the package geant4-pybind is not installed; run: pip install geant4-pybind")
    return find_data(os.environ, Path.home() / ".geant4_pybind")


def find_data(environment: Mapping[str, str], downloads: Path) -> dict[str, str]:
    """Return the environment variables that say where Geant4's data sets are.

    A data set lies where its variable says, or in a folder of its name and version: in GEANT4_DATA_DIR, or where the
    package puts its downloads. Raises UserError that names the missing ones.
    """
    shared = Path(environment.get("GEANT4_DATA_DIR", downloads))
    found = {}
    for name, (variable, content) in DATA_SETS.items():
        folders = [Path(environment[variable])] if variable in environment else sorted(shared.glob(f"{name}[0-9]*"))
        whole = [folder for folder in folders if (folder / content).exists()]
        if whole:
            found[variable] = str(whole[-1].absolute())
    missing = [f"{name} ({variable})" for name, (variable, _) in DATA_SETS.items() if variable not in found]
    if missing:
        raise UserError(
            f"source geant4: data sets of Geant4 are missing: {', '.join(missing)}; looked where these variables say, "
            f"else in {shared}. Run python -c 'import geant4_pybind', which offers to download them to {downloads}, or "
            "set GEANT4_DATA_DIR to the folder that holds them"
        )
    return {"GEANT4_DATA_DIR": str(shared.absolute() if shared.is_dir() else Path(found["G4LEDATA"]).parent), **found}


def start(energy: float, angle: float) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return where an electron starts (x, y, z), cm from the centre of the face, and its direction.

    energy: GeV. angle: rad, between its direction and the face; below pi/2, y grows with z. The axis enters such that
    the mean maximum of the energy lies in the middle of x and y, as for GFlash's showers.
    """
    from gancensus.domains.showers.gflash import RADIATION_LENGTH, profile

    sine, cosine = math.sin(angle), math.cos(angle)
    depth = math.exp(profile(energy).depth) * RADIATION_LENGTH + BEFORE / sine
    return (0.0, -depth * cosine, -BEFORE), (0.0, cosine, sine)


def binned(deposits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum deposits (n, 4), of x and y (cm from the centre), number of the layer and energy, in cells (51, 51, 25)."""
    x, y, layer, energy = deposits.reshape(-1, 4).T
    at = [np.clip(np.floor(v / CELL + n / 2), 0, n - 1).astype(np.int64) for v, n in zip((x, y), CELLS, strict=False)]
    cells = np.zeros(CELLS)
    np.add.at(cells, (at[0], at[1], layer.astype(np.int64)), energy)
    return cells


def simulate(seed: int, energy: float, angle: float) -> NDArray[np.float64]:
    """Return the energy (GeV) that an electron of `energy` (GeV) and `angle` (rad) leaves in silicon: (51, 51, 25).

    The result depends on the seed, not on earlier showers. Raises UserError as `available` does.
    """
    return _kernel().shoot(seed, energy, *start(energy, angle))


@lru_cache(maxsize=1)
def _kernel() -> _Kernel:
    os.environ.update(available())
    return _Kernel(importlib.import_module(PACKAGE))


class _Kernel:
    """Geant4 with its detector, physics and particle gun."""

    def __init__(self, g4: Any) -> None:
        """Build everything; Geant4 keeps no reference to what Python made, so it is kept here."""
        self._g4, self._deposits = g4, list[tuple[float, float, int, float]]()
        physics = g4.G4VModularPhysicsList()
        physics.RegisterPhysics(g4.G4EmStandardPhysics())
        self._manager = g4.G4RunManager()
        self._kept = [_detector(g4, self._deposits), physics]
        for part in self._kept:
            self._manager.SetUserInitialization(part)
        self._gun = g4.G4ParticleGun(g4.G4Electron.Electron(), 1)  # particles exist once the physics list does
        self._kept.append(_action(g4, self._gun))
        self._manager.SetUserAction(self._kept[-1])
        self._manager.SetVerboseLevel(0)
        g4.G4EmParameters.Instance().SetVerbose(0)
        self._manager.Initialize()

    def shoot(
        self, seed: int, energy: float, position: tuple[float, ...], direction: tuple[float, ...]
    ) -> NDArray[np.float64]:
        """Simulate one electron; return the cells (51, 51, 25), GeV."""
        vector = self._g4.G4ThreeVector
        self._gun.SetParticleEnergy(energy * MEV)
        self._gun.SetParticlePosition(vector(*(MM * v for v in position)))
        self._gun.SetParticleMomentumDirection(vector(*direction))
        self._g4.HepRandom.setTheSeed(seed)
        self._deposits.clear()
        self._manager.BeamOn(1)
        return binned(np.array(self._deposits, dtype=np.float64))


def _action(g4: Any, gun: Any) -> Any:
    """Return the action that gives Geant4 the primary particle of an event."""

    class Action(g4.G4VUserPrimaryGeneratorAction):  # type: ignore[misc]
        def GeneratePrimaries(self, event: Any) -> None:  # noqa: N802
            gun.GeneratePrimaryVertex(event)

    return Action()


def _detector(g4: Any, deposits: list[tuple[float, float, int, float]]) -> Any:
    """Return the calorimeter, which appends what is deposited in silicon: x, y (cm), layer, energy (GeV)."""

    class Sensor(g4.G4VSensitiveDetector):  # type: ignore[misc]
        def ProcessHits(self, step: Any, history: Any) -> bool:  # noqa: N802
            energy = step.GetTotalEnergyDeposit()
            if energy > 0:
                before = step.GetPreStepPoint()
                a, b = before.GetPosition(), step.GetPostStepPoint().GetPosition()
                layer = before.GetTouchable().GetCopyNumber()
                deposits.append(((a.x + b.x) / 2 / MM, (a.y + b.y) / 2 / MM, layer, energy / MEV))
            return True

    class Detector(g4.G4VUserDetectorConstruction):  # type: ignore[misc]
        def Construct(self) -> Any:  # noqa: N802
            half = [cells * CELL * MM / 2 for cells in CELLS[:2]]
            reach = 2 * CELLS[2] * LAYER * MM + max(half)
            world = self.volume("world", "G4_Galactic", [reach] * 3)
            whole = g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0)
            tungsten = self.volume("tungsten", "G4_W", [*half, TUNGSTEN * MM / 2])
            self.silicon = self.volume("silicon", "G4_Si", [*half, SILICON * MM / 2])
            self.kept = [whole]
            for layer in range(CELLS[2]):
                for volume, middle in ((tungsten, TUNGSTEN / 2), (self.silicon, TUNGSTEN + SILICON / 2)):
                    at = g4.G4ThreeVector(0, 0, (layer * LAYER + middle) * MM)
                    self.kept.append(g4.G4PVPlacement(None, at, volume, volume.GetName(), world, False, layer))
            return whole

        def ConstructSDandField(self) -> None:  # noqa: N802
            self.sensor = Sensor("silicon")
            g4.G4SDManager.GetSDMpointer().AddNewDetector(self.sensor)
            self.SetSensitiveDetector(self.silicon, self.sensor)

        def volume(self, name: str, material: str, half: list[float]) -> Any:
            found = g4.G4NistManager.Instance().FindOrBuildMaterial(material)
            return g4.G4LogicalVolume(g4.G4Box(name, *half), found, name)

    return Detector()
