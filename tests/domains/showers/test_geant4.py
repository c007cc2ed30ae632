"""Showers simulated by Geant4: what is found out before it starts, where it shoots and how its deposits are summed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from gancensus.contracts.errors import UserError
from gancensus.domains.showers import geant4
from gancensus.domains.showers.gflash import RADIATION_LENGTH, profile
from gancensus.domains.showers.source_geant4 import Geant4


def fill(folder: Path) -> Path:
    """Make data sets that hold what is looked for."""
    for name in ("G4EMLOW8.8/brem_SB", "G4ENSDFSTATE3.0", "PhotonEvaporation6.1.2"):
        (folder / name).mkdir(parents=True)
    (folder / "G4ENSDFSTATE3.0" / "ENSDFSTATE.dat").touch()
    return folder


def has_geant4() -> bool:
    try:
        geant4.available()
    except UserError:
        return False
    return True


# Before it starts


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geant4, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="geant4-pybind is not installed; run: pip install geant4-pybind"):
        Geant4(showers=3).load(0)


def test_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is there; nothing of it is imported, as that would ask for a download, or end the process."""
    monkeypatch.setattr(geant4, "find_spec", lambda name: name)
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path))
    for variable, _ in geant4.DATA_SETS.values():
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UserError) as caught:
        Geant4(showers=3).load(0)
    message = str(caught.value)
    assert "G4EMLOW (G4LEDATA), G4ENSDFSTATE (G4ENSDFSTATEDATA), PhotonEvaporation (G4LEVELGAMMADATA)" in message
    assert f"else in {tmp_path}" in message
    assert "\n" not in message
    assert "geant4_pybind" not in __import__("sys").modules


def test_data_in_a_folder_or_where_variables_say(tmp_path: Path) -> None:
    here = fill(tmp_path / "here")
    expected = {
        "GEANT4_DATA_DIR": str(here),
        "G4LEDATA": str(here / "G4EMLOW8.8"),
        "G4ENSDFSTATEDATA": str(here / "G4ENSDFSTATE3.0"),
        "G4LEVELGAMMADATA": str(here / "PhotonEvaporation6.1.2"),
    }
    assert geant4.find_data({}, here) == expected  # where the package puts its downloads
    assert geant4.find_data({"GEANT4_DATA_DIR": str(here)}, tmp_path / "none") == expected
    variables = {k: v for k, v in expected.items() if k != "GEANT4_DATA_DIR"}
    assert geant4.find_data(variables, tmp_path / "none") == expected  # some folder, or the package asks for one
    other = fill(tmp_path / "other") / "G4EMLOW8.8"
    mixed = geant4.find_data({"GEANT4_DATA_DIR": str(here), "G4LEDATA": str(other)}, tmp_path / "none")
    assert mixed == {**expected, "G4LEDATA": str(other)}


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("G4EMLOW8.8/brem_SB", "G4EMLOW (G4LEDATA)"),  # a folder that is there but empty
        ("G4ENSDFSTATE3.0/ENSDFSTATE.dat", "G4ENSDFSTATE (G4ENSDFSTATEDATA)"),
        ("PhotonEvaporation6.1.2", "PhotonEvaporation (G4LEVELGAMMADATA)"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, gone: str, named: str) -> None:
    fill(tmp_path)
    (tmp_path / gone).rmdir() if (tmp_path / gone).is_dir() else (tmp_path / gone).unlink()
    with pytest.raises(UserError) as caught:
        geant4.find_data({}, tmp_path)
    assert f"are missing: {named}; looked" in str(caught.value)
    with pytest.raises(UserError, match="are missing: G4EMLOW"):
        geant4.find_data({"G4LEDATA": str(tmp_path / "nowhere")}, fill(tmp_path / "whole"))


# Geometry


@pytest.mark.parametrize("energy", [2.0, 50.0, 400.0])
@pytest.mark.parametrize("degrees", [40.0, 90.0, 110.0])
def test_the_axis_crosses_the_middle_at_the_maximum(energy: float, degrees: float) -> None:
    position, direction = (np.array(v) for v in geant4.start(energy, math.radians(degrees)))
    assert direction @ direction == pytest.approx(1)
    assert math.degrees(math.atan2(direction[2], direction[1])) == pytest.approx(degrees)
    assert position[2] < 0  # before the face
    face = position - direction * position[2] / direction[2]
    maximum = face + direction * math.exp(profile(energy).depth) * RADIATION_LENGTH
    np.testing.assert_allclose(maximum[:2], 0, atol=1e-9)
    assert 0 < maximum[2] < 25 * 0.29


def test_deposits_fall_into_their_cells() -> None:
    rng = np.random.default_rng(3)
    n = 2000
    x, y = rng.uniform(-13.005, 13.005, (2, n))
    layer, energy = rng.integers(0, 25, n), rng.exponential(size=n)
    cells = geant4.binned(np.stack([x, y, layer, energy], axis=1))
    expected = np.zeros((51, 51, 25))
    edges = (np.arange(52) - 25.5) * 0.51
    for a, b, c, e in zip(x, y, layer, energy, strict=True):
        expected[np.flatnonzero(edges <= a)[-1], np.flatnonzero(edges <= b)[-1], c] += e
    np.testing.assert_allclose(cells, expected)


def test_the_middle_the_rim_and_nothing() -> None:
    rim = [[0, 0, 0, 1], [13.005, -13.005, 24, 2], [0.2551, -0.2551, 3, 4]]  # rounding may end on the very rim
    cells = geant4.binned(np.array(rim))
    assert (cells[25, 25, 0], cells[50, 0, 24], cells[26, 24, 3], cells.sum()) == (1, 2, 4, 7)
    assert geant4.binned(np.empty(0)).sum() == 0


class Recorded:
    """A class of Geant4 that only remembers how it was made."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.sensors: list[Any] = []

    def GetName(self) -> Any:  # noqa: N802
        return self.arguments[-1]

    def SetSensitiveDetector(self, volume: Any, sensor: Any) -> None:  # noqa: N802
        self.sensors.append((volume, sensor))


def fake() -> Any:
    """A Geant4 without physics."""
    manager = SimpleNamespace(FindOrBuildMaterial=lambda name: name, AddNewDetector=lambda sensor: None)
    return SimpleNamespace(
        G4VSensitiveDetector=type("Sensitive", (Recorded,), {}),
        G4VUserDetectorConstruction=type("Construction", (Recorded,), {}),
        G4NistManager=SimpleNamespace(Instance=lambda: manager),
        G4SDManager=SimpleNamespace(GetSDMpointer=lambda: manager),
        **{
            name: type(name, (Recorded,), {}) for name in ("G4Box", "G4LogicalVolume", "G4PVPlacement", "G4ThreeVector")
        },
    )


def test_25_layers_of_tungsten_and_silicon() -> None:
    detector = geant4._detector(fake(), [])
    detector.Construct()
    layers = detector.kept[1:]  # the first is the world
    assert len(layers) == 50
    depth = 0.0
    for k, placed in enumerate(layers):
        _, at, volume, name, _, _, number = placed.arguments
        box, material, _ = volume.arguments
        thickness = (2.4, 0.5)[k % 2]
        assert (name, material) == (("tungsten", "G4_W"), ("silicon", "G4_Si"))[k % 2]
        assert number == k // 2
        assert at.arguments == pytest.approx((0, 0, depth + thickness / 2))
        assert box.arguments[1:] == pytest.approx((130.05, 130.05, thickness / 2))
        depth += thickness


def test_a_step_in_silicon_is_scored_in_its_middle() -> None:
    deposits: list[tuple[float, float, int, float]] = []
    detector = geant4._detector(fake(), deposits)
    detector.Construct()
    detector.ConstructSDandField()
    ((volume, sensor),) = detector.sensors
    assert volume.arguments[1] == "G4_Si"

    def point(x: float, y: float, layer: int) -> Any:
        return SimpleNamespace(
            GetPosition=lambda: SimpleNamespace(x=x, y=y),
            GetTouchable=lambda: SimpleNamespace(GetCopyNumber=lambda: layer),
        )

    for energy in (0.5, 0.0):  # MeV; mm
        step = SimpleNamespace(
            GetTotalEnergyDeposit=lambda energy=energy: energy,
            GetPreStepPoint=lambda: point(10, -20, 7),
            GetPostStepPoint=lambda: point(20, -40, 7),
        )
        sensor.ProcessHits(step, None)
    assert deposits == [(1.5, -3.0, 7, 0.0005)]


# The source


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Geant4]:
    """Let a shower be noise of its seed, whose sum is its energy."""

    def simulate(seed: int, energy: float, angle: float) -> NDArray[np.float64]:
        cells = np.random.default_rng(seed).random((51, 51, 25))
        return np.asarray(cells / cells.sum() * energy)

    monkeypatch.setattr(geant4, "available", dict)
    monkeypatch.setattr(geant4, "simulate", simulate)
    return Geant4


def test_a_row_is_the_same_whatever_is_simulated_with_it(simulated: Callable[..., Geant4]) -> None:
    found, more = simulated(showers=6).load(5), simulated(showers=60).load(5)
    all_of_them = found.take(slice(None))
    np.testing.assert_array_equal(found.read(np.array([4, 1])), all_of_them.x[[4, 1]])
    np.testing.assert_array_equal(more.take(slice(0, 6)).x, all_of_them.x)
    for name in ("energy", "angle"):
        np.testing.assert_array_equal(more.known.conditions[name][:6], all_of_them.conditions[name])
    first = all_of_them.natural()[:, 0, 0, 0] / all_of_them.conditions["energy"]
    assert len(np.unique(first.round(9))) == 6  # each has a seed of its own
    assert (simulated(showers=6).load(6).take(slice(None)).x != all_of_them.x).any()


def test_energies_angles_and_scale(simulated: Callable[..., Geant4]) -> None:
    found = simulated(showers=500, energy=(10, 50), angle=(80, 100), coarsen=17).load(1)
    assert (found.shape, found.known.units) == ((3, 3, 2), {"energy": "GeV", "angle": "rad"})
    energy, degrees = found.known.conditions["energy"], np.degrees(found.known.conditions["angle"])
    assert 10 <= energy.min() < 11 < 49 < energy.max() <= 50
    assert 80 <= degrees.min() < 81 < 99 < degrees.max() <= 100
    some = found.take(slice(0, 5))
    assert some.scale is not None
    assert some.scale.high == (64.0,)
    assert some.x.dtype == np.float32
    np.testing.assert_allclose(some.natural().sum(axis=(1, 2, 3)), some.conditions["energy"], rtol=1e-5)


@pytest.mark.parametrize("keys", [{"energy": (50, 10)}, {"energy": (0, 10)}, {"angle": (0, 90)}, {"coarsen": 0}])
def test_keys_out_of_range(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(keys))):
        Geant4.model_validate({"showers": 3, **keys})


@pytest.mark.skipif(not has_geant4(), reason="needs geant4-pybind and the data sets of Geant4")
def test_a_real_run() -> None:
    """Silicon sees about 2.8 % of the energy; the tilt is in y, about the middle; a row is itself in any company."""
    found = Geant4(showers=30, energy=(5, 6), angle=(60, 61)).load(3)
    some = found.take(slice(0, 6))
    np.testing.assert_array_equal(found.read(np.array([4, 1])), some.x[[4, 1]])
    cells = some.natural()
    assert cells.sum() / some.conditions["energy"].sum() == pytest.approx(0.028, abs=0.003)
    across = np.arange(51) - 25
    early, late = cells[..., :4].sum(axis=(0, 1, 3)), cells[..., 12:].sum(axis=(0, 1, 3))
    assert (early @ across) / early.sum() < -0.2 < 0.2 < (late @ across) / late.sum()
    assert abs(cells.sum(axis=(0, 2, 3)) @ across / cells.sum()) < 0.3
