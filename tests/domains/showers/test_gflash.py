from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.special import gammainc
from scipy.stats import kstest

from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import LazySamples
from gancensus.contracts.showers import CELL, CELLS, SILICON, TUNGSTEN, coarsened, shower_scale
from gancensus.domains.showers.gflash import RESOLUTION, VISIBLE, draw_profile, profile, radial, simulate
from gancensus.domains.showers.source_gflash import Gflash

X0, MOLIERE = 0.42, 1.083  # cm
LAYER = TUNGSTEN + SILICON
GEANT4 = Path(__file__).parents[4] / "shared" / "data" / "geant4-electrons.h5"
Cells = NDArray[np.float64]


def shower(energy: float, angle: float, *names: int) -> Cells:
    """One shower (51, 51, 25) in GeV; angle in degrees."""
    cells = np.full(CELLS, np.nan)
    simulate(energy, math.radians(angle), derive_rng(0, *names), cells)
    return cells


def contained(energy: float, showers: int) -> Cells:
    """The mean share (showers, 26) of the energy of the same showers, perpendicular, up to the face of each layer."""
    edges = np.arange(26) * LAYER / X0
    profiles = (draw_profile(energy, derive_rng(0, n)) for n in range(showers))
    return np.stack([gammainc(alpha, (alpha - 1) / t * edges) for t, alpha in profiles])


class Bulk(NamedTuple):
    """Energies of 500 perpendicular showers in layers (500, 25); of all, by x and by y in layers (51, 25)."""

    layers: Cells
    by_x: Cells
    by_y: Cells


@pytest.fixture(scope="module")
def perpendicular() -> dict[float, Bulk]:
    """Showers of 5, 20 and 80 GeV, with the random numbers that `contained` has, too."""
    found = {}
    for energy in (5.0, 20.0, 80.0):
        layers, total = np.empty((500, 25)), np.zeros(CELLS)
        for n in range(500):
            cells = shower(energy, 90, n)
            layers[n] = cells.sum(axis=(0, 1))
            total += cells
        found[energy] = Bulk(layers, total.sum(axis=1), total.sum(axis=0))
    return found


# The formulas


def test_the_profile_is_the_one_of_the_paper() -> None:
    y = math.log(10 / 8.23e-3)
    inverse, lack = 0.29 / 0.42, 1 - 1 / 1.42
    p = profile(10.0)
    assert math.exp(p.depth) == pytest.approx(y - 0.812 - 0.55 * inverse - 0.69 * lack)
    assert math.exp(p.shape) == pytest.approx(0.81 + (0.458 + 2.26 / 72.5) * y - 0.476 * inverse)
    assert p.depth_spread == pytest.approx(1 / (-2.5 + 1.25 * y))
    assert p.shape_spread == pytest.approx(1 / (-0.82 + 0.79 * y))
    assert p.correlation == pytest.approx(0.784 - 0.023 * y)
    # in the middle of layer 8, as in Geant4
    assert 8 < math.exp(p.depth) * X0 / LAYER < 9


@pytest.mark.parametrize("energy", [10.0, 200.0])
def test_profiles_fluctuate_as_they_should(energy: float) -> None:
    rng, p, draws = np.random.default_rng(0), profile(energy), 20_000
    depth, shape = np.log([draw_profile(energy, rng) for _ in range(draws)]).T
    error = 4 / math.sqrt(draws)
    assert depth.mean() == pytest.approx(p.depth, abs=error * p.depth_spread)
    assert shape.mean() == pytest.approx(p.shape, abs=error * p.shape_spread)
    assert depth.std() == pytest.approx(p.depth_spread, rel=error)
    assert shape.std() == pytest.approx(p.shape_spread, rel=error)
    assert np.corrcoef(depth, shape)[0, 1] == pytest.approx(p.correlation, abs=error)


def test_the_radial_profile_is_the_one_of_the_paper() -> None:
    inverse, lack, lne = 0.29 / 0.42, 1 - 1 / 1.42, math.log(50)
    core, tail, share = radial(50.0, np.array([1.0]))
    assert core[0] == pytest.approx(
        0.0251 + 0.00319 * lne + 0.1162 - 0.000381 * 72.5 - 0.0203 * lack + 0.0397 * math.exp(-1) * inverse
    )
    assert tail[0] == pytest.approx(
        (0.659 - 0.00309 * 72.5) * (math.exp(-2.59 * 0.355) + math.exp((0.3585 + 0.0412 * lne) * 0.355))
        - 0.14 * lack
        - 0.495 * math.exp(-1) * inverse
    )
    x = (0.401 + 0.00187 * 72.5 - 1) / (1.313 - 0.0686 * lne)
    assert share[0] == pytest.approx(
        (2.632 - 0.00094 * 72.5) * math.exp(x - math.exp(x)) + lack * (0.348 - 0.642 * inverse)
    )


@given(energy=st.floats(1, 1000), tau=st.floats(0, 40))
def test_radii_are_positive_and_shares_are_shares(energy: float, tau: float) -> None:
    core, tail, share = radial(energy, np.array([tau]))
    assert core[0] > 0 and tail[0] > 0 and 0 < share[0] < 1


# Energy


def test_the_visible_energy_is_deposited_but_for_what_leaks(perpendicular: dict[float, Bulk]) -> None:
    for energy, showers in perpendicular.items():
        inside = contained(energy, 500)[:, -1]
        total = showers.layers.sum(axis=1) / (VISIBLE * energy)
        sampling = total - inside
        assert sampling.mean() == pytest.approx(-0.001, abs=4 * sampling.std() / math.sqrt(500))  # the sides leak, too
        assert inside.mean() > 0.9


def test_the_resolution_falls_with_the_root_of_the_energy(perpendicular: dict[float, Bulk]) -> None:
    for energy, showers in perpendicular.items():
        spread = (showers.layers.sum(axis=1) / (VISIBLE * energy) - contained(energy, 500)[:, -1]).std()
        # spots have a profile of their own: they make it a few percent more than c / sqrt(E)
        assert spread == pytest.approx(1.03 * RESOLUTION / math.sqrt(energy), rel=4 / math.sqrt(2 * 500))


def test_layers_hold_what_the_gamma_distribution_gives(perpendicular: dict[float, Bulk]) -> None:
    for energy, showers in perpendicular.items():
        layers = showers.layers / (VISIBLE * energy)
        expected = np.diff(contained(energy, 500))
        error = (layers - expected).std(axis=0) / math.sqrt(500)
        np.testing.assert_array_less(np.abs((layers - expected).mean(axis=0)), 4 * error + 3e-4)
        maximum = math.exp(profile(energy).depth) * X0 / LAYER
        assert abs(layers.mean(axis=0).argmax() + 0.5 - maximum) < 1.5


# Directions


def strips(energy: float, showers: int) -> tuple[Cells, Cells]:
    """Shares of the energy within 0.5, 1.5, 2.5, ... cells of the axis in x, by layer (25, 8), and their weights (25).

    A disc of density R^2 / (pi (r^2 + R^2)^2) has the share h / sqrt(h^2 + R^2) in a strip |x| < h.
    """
    half, shape = (np.arange(8) + 0.5) * CELL, math.exp(profile(energy).shape)
    edges = np.arange(51) * LAYER / 2 / X0
    sums, weights = np.zeros((50, 8)), np.zeros(50)
    for n in range(showers):
        t, alpha = draw_profile(energy, derive_rng(0, n))
        weight = np.diff(gammainc(alpha, (alpha - 1) / t * edges))
        tau = (edges[1:] + edges[:-1]) / 2 * (alpha - 1) / alpha / t * shape / (shape - 1)
        core, tail, share = (values[:, None] for values in radial(energy, tau))
        within = [half / np.hypot(half, radius * MOLIERE) for radius in (core, tail)]
        sums += weight[:, None] * (share * within[0] + (1 - share) * within[1])
        weights += weight
    return sums.reshape(25, 2, 8).sum(axis=1), weights.reshape(25, 2).sum(axis=1)


def test_strips_around_the_axis_hold_what_the_radial_profile_gives(perpendicular: dict[float, Bulk]) -> None:
    energy = 80.0
    sums, weights = strips(energy, 100)
    expected = sums / weights[:, None]
    for mean in (perpendicular[energy].by_x, perpendicular[energy].by_y):
        found = np.stack([mean[25 - k : 26 + k].sum(axis=0) for k in range(8)], axis=1) / mean.sum(axis=0)[:, None]
        np.testing.assert_allclose(found[3:], expected[3:], atol=0.012)
        np.testing.assert_allclose(found[6:18], expected[6:18], atol=0.006)


def test_showers_are_symmetric_across_the_tilt() -> None:
    mean = np.mean([shower(100.0, 60, 1, n) for n in range(200)], axis=0).sum(axis=(1, 2))
    np.testing.assert_allclose(mean[:25], mean[:25:-1], atol=0.002 * mean.sum())
    assert mean.argmax() == 25


@pytest.mark.parametrize("angle", [40, 62, 75, 90, 105, 118, 140])
def test_the_core_has_the_slope_of_the_axis(angle: float) -> None:
    rows = np.mean([shower(100.0, angle, 2, n) for n in range(40)], axis=0).sum(axis=0)[:, 3:22]
    core = np.where(rows > 0.5 * rows.max(axis=0), rows, 0.0)
    y = (core * (np.arange(51)[:, None] + 0.5)).sum(axis=0) / core.sum(axis=0) * CELL
    slope = np.polyfit(np.arange(19) * LAYER, y, 1)[0]
    # spots beside the axis lie in other layers, so that even the core is less tilted than the axis
    assert slope == pytest.approx(0.96 / math.tan(math.radians(angle)), rel=0.05, abs=0.01)


@pytest.mark.parametrize("angle", [45, 62, 75, 90, 118])
@pytest.mark.parametrize("energy", [10.0, 100.0])
def test_the_barycentre_lies_on_the_axis_and_the_mean_maximum_in_the_middle(angle: float, energy: float) -> None:
    # the sums of energy times y and z cancel the shares that spots beside the axis carry to other layers
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    mean = np.mean([shower(energy, angle, 3, n) for n in range(100)], axis=0)
    y = ((np.arange(51) + 0.5) * CELL * mean.sum(axis=(0, 2))).sum() / mean.sum()
    z = ((np.arange(25) + 0.5) * LAYER * mean.sum(axis=(0, 1))).sum() / mean.sum()
    maximum = math.exp(profile(energy).depth) * X0
    assert y - 51 / 2 * CELL == pytest.approx(cosine * (z / sine - maximum), abs=0.06)


def test_spots_lie_in_the_plane_across_the_axis() -> None:
    # where they lie across says nothing about where they lie along; offsets within layers would make it 0.013 cm^2
    sine, cosine = math.sin(math.radians(60)), math.cos(math.radians(60))
    mean = np.mean([shower(10.0, 60, 5, n) for n in range(200)], axis=0).sum(axis=0)
    y, z = np.meshgrid((np.arange(51) - 25) * CELL, (np.arange(25) + 0.5) * LAYER, indexing="ij")
    y = y + math.exp(profile(10.0).depth) * X0 * cosine
    along, across = y * cosine + z * sine, y * sine - z * cosine
    weights = mean * (np.abs(across) < 2) * (along < 5)  # where nothing has leaked
    weights /= weights.sum()
    covariance = (weights * along * across).sum() - (weights * along).sum() * (weights * across).sum()
    assert covariance == pytest.approx(0, abs=0.006)


# Sources


def test_a_source_hands_over_showers_with_their_conditions() -> None:
    source = Gflash(showers=300)
    found = source.load(7)
    assert isinstance(found, LazySamples) and len(found) == 300 and found.shape == CELLS and found.dtype == np.float32
    assert found.known.x.size == 0
    samples = found.take(slice(10, 60))
    assert samples.x.shape == (50, *CELLS) and samples.x.dtype == np.float32
    assert samples.x.min() == 0 and 0 < samples.x.max() <= 1
    assert samples.units == {"energy": "GeV", "angle": "rad"} and samples.scale == shower_scale(200.0)
    np.testing.assert_array_equal(samples.sample_id, np.arange(10, 60))
    energy, angle = samples.conditions["energy"], samples.conditions["angle"]
    assert energy.dtype == angle.dtype == np.float32
    fraction = samples.natural().sum(axis=(1, 2, 3)) / energy
    assert fraction.min() > 0.015 and fraction.max() < 0.035
    assert np.corrcoef(energy, samples.x.sum(axis=(1, 2, 3)))[0, 1] > 0.9
    y = (samples.x.sum(axis=1) * np.arange(51)[:, None]).sum(axis=1) / np.maximum(samples.x.sum(axis=(1, 2)), 1e-9)
    assert np.corrcoef(angle, y[:, 20] - y[:, 5])[0, 1] < -0.95


def test_conditions_are_uniform_and_independent() -> None:
    conditions = Gflash(showers=5000, energy=(20, 80), angle=(50, 100)).load(1).known.conditions
    energy, angle = (conditions[name].astype(np.float64) for name in ("energy", "angle"))
    assert kstest(energy, "uniform", (20, 60)).pvalue > 0.01
    assert kstest(np.degrees(angle), "uniform", (50, 50)).pvalue > 0.01
    assert abs(np.corrcoef(energy, angle)[0, 1]) < 4 / math.sqrt(5000)
    fixed = Gflash(showers=3, energy=(50, 50), angle=(90, 90)).load(1).known.conditions
    np.testing.assert_allclose(fixed["energy"], 50)
    np.testing.assert_allclose(fixed["angle"], math.pi / 2)


def test_values_are_the_shower_s_in_units_of_the_end_of_the_scale() -> None:
    for coarsen in (1, 4):
        found = Gflash(showers=5, energy=(30, 60), coarsen=coarsen).load(3)
        samples, cells = found.take(slice(5)), np.empty((1, *CELLS))
        assert samples.scale is not None
        for n in range(5):
            energy, angle = (float(found.known.conditions[name][n]) for name in ("energy", "angle"))
            simulate(energy, angle, derive_rng(3, "gflash", n), cells[0])
            np.testing.assert_array_equal(samples.x[n], samples.scale.encode(coarsened(cells, coarsen))[0])


@given(rows=st.lists(st.integers(0, 39), min_size=1, max_size=8), more=st.integers(40, 90))
def test_a_row_is_the_same_whatever_is_read_with_it(rows: list[int], more: int) -> None:
    alone = Gflash(showers=40, energy=(2, 9)).load(5)
    beside = Gflash(showers=more, energy=(2, 9)).load(5)
    together = beside.take(np.array(rows))
    for k, row in enumerate(rows):
        one = alone.take(slice(row, row + 1))
        np.testing.assert_array_equal(one.x[0], together.x[k])
        for name, values in one.conditions.items():
            assert values[0] == together.conditions[name][k]


def test_rows_and_seeds_share_nothing() -> None:
    source = Gflash(showers=600, energy=(5, 5), angle=(90, 90), coarsen=3)
    x = source.load(1).take(slice(600)).x
    total, depth = x.sum(axis=(1, 2, 3)), (x.sum(axis=(1, 2)) * np.arange(9)).sum(axis=1)
    for values in (total, depth):
        for lag in (1, 2, 7):
            assert abs(np.corrcoef(values[:-lag], values[lag:])[0, 1]) < 4 / math.sqrt(600)
    assert len(np.unique(x.reshape(600, -1), axis=0)) == 600
    other = source.load(2).take(slice(600)).x.sum(axis=(1, 2, 3))
    assert abs(np.corrcoef(total, other)[0, 1]) < 4 / math.sqrt(600)


@pytest.mark.parametrize(("energy", "angle"), [(1, 30), (1, 150), (1000, 30), (1000, 90)])
def test_showers_at_the_limits_are_showers(energy: float, angle: float) -> None:
    samples = Gflash(showers=60, energy=(energy, energy), angle=(angle, angle)).load(1).take(slice(60))
    fraction = samples.natural().sum(axis=(1, 2, 3)) / energy
    assert samples.x.min() == 0 and samples.x.max() < 1
    assert 0.6 * VISIBLE < fraction.mean() < 1.1 * VISIBLE


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("energy", (0.5, 100)),
        ("energy", (100, 2000)),
        ("energy", (200, 100)),
        ("angle", (20, 90)),
        ("angle", (60, 160)),
        ("angle", (120, 60)),
        ("showers", 0),
        ("coarsen", 0),
    ],
)
def test_what_cannot_be_simulated_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as error:
        Gflash(**{"showers": 10, key: value})
    if isinstance(value, tuple):
        assert f"`{key}` needs its lowest and highest value in" in str(error.value)


def test_planning_compiles_nothing() -> None:
    gflash = "from gancensus.domains.showers.source_gflash import Gflash; Gflash(showers=1)"
    code = f"import sys; {gflash}; print('numba' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


# The full simulation


def test_showers_are_like_those_of_geant4() -> None:
    h5py = pytest.importorskip("h5py", reason="reads showers of Geant4")
    if not GEANT4.exists():
        pytest.skip("the showers of Geant4 are not here")
    with h5py.File(GEANT4) as file:
        full, energy, angle = (file[name][:300] for name in ("ECAL", "energy", "theta"))
    fast = np.empty((300, *CELLS))
    for n in range(300):
        simulate(float(energy[n]), float(angle[n]), derive_rng(0, 4, n), fast[n])
    response = [cells.sum(axis=(1, 2, 3)) / energy for cells in (fast, full)]
    assert response[0].mean() == pytest.approx(response[1].mean(), rel=0.01)
    assert response[0].std() == pytest.approx(response[1].std(), rel=0.2)
    depth = [(cells.sum(axis=(1, 2)) / cells.sum(axis=(1, 2, 3))[:, None]).mean(axis=0) for cells in (fast, full)]
    np.testing.assert_allclose(depth[0][2:24], depth[1][2:24], rtol=0.15)
    across = [(cells.sum(axis=(2, 3)) / cells.sum(axis=(1, 2, 3))[:, None]).mean(axis=0) for cells in (fast, full)]
    np.testing.assert_allclose(across[0], across[1], atol=0.05)
    hot = [(cells > 3e-4).sum(axis=(1, 2, 3)).mean() for cells in (fast, full)]
    assert hot[0] == pytest.approx(hot[1], rel=0.12)
