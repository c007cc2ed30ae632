"""Observables of jets against closed forms and FastJet."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.contracts.randomness import derive_rng
from gancensus.domains.jets.average_jets import pixels
from gancensus.domains.jets.observables import constituents_of_images, kt_axes, observables

Floats = NDArray[np.float64]


def cloud(*particles: tuple[float, float, float], padding: int = 0) -> Floats:
    """One jet (1, particles, 3)."""
    return np.array([[*particles, *[(0.0, 0.0, 0.0)] * padding]])


def toys(n: int, *names: str | int) -> Floats:
    """Jets of 1 to 3 prongs and 3 to 60 particles anywhere in eta and phi, across phi = pi too: (n, 60, 3)."""
    rng = derive_rng(0, "jets", *names)
    jets = np.zeros((n, 60, 3))
    for jet in jets:
        k, prongs = rng.integers(3, 61), rng.normal(0, 0.4, (rng.integers(1, 4), 2))
        jet[:k, 0] = np.sort(5 * (0.3 + rng.pareto(1.2, k)))[::-1]
        jet[:k, 1:] = prongs[rng.integers(0, len(prongs), k)] + rng.normal(0, 0.1, (k, 2))
        jet[:k, 1:] += rng.uniform(-2, 2), rng.uniform(-math.pi, math.pi)
    return jets


def pseudojets(jet: Floats) -> list[Any]:
    import fastjet

    return [
        fastjet.PseudoJet(pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta), pt * math.cosh(eta))
        for pt, eta, phi in jet
        if pt > 0
    ]


def test_a_particle() -> None:
    found = observables(cloud((100.0, 1.3, 3.0), padding=4))
    assert found["pt"] == pytest.approx(100, rel=1e-14)
    assert found["multiplicity"] == 1
    assert all(found[name] == 0 for name in ("mass", "tau1", "tau2", "tau3", "tau21", "tau32"))


def test_nothing() -> None:
    found = observables(np.zeros((1, 3, 3)))
    assert all(values == 0 for values in found.values())


@pytest.mark.parametrize(("deta", "dphi"), [(0.3, 0.4), (0.0, 0.7), (0.9, -6.0)])
def test_two_particles(deta: float, dphi: float) -> None:
    found = observables(cloud((300.0, 0.5 + deta, 3.0 + dphi), (100.0, 0.5, 3.0), padding=2))
    square = 2 * 300 * 100 * (np.cosh(np.longdouble(deta)) - np.cos(np.longdouble(dphi)))
    assert found["mass"] == pytest.approx(float(np.sqrt(square)), rel=1e-12)
    assert found["pt"] == pytest.approx(math.sqrt(300**2 + 100**2 + 2 * 300 * 100 * math.cos(dphi)), rel=1e-13)
    assert found["tau2"] == found["tau3"] == found["tau21"] == found["tau32"] == 0
    # between the two, the axis of the sum divides their distance about as 100 to 300, so that tau1 is 3/8 of it
    distance = math.hypot(deta, (dphi + math.pi) % (2 * math.pi) - math.pi)
    assert found["tau1"] == pytest.approx(3 / 8 * distance, rel=0.1)


def test_the_mass_is_precise_where_momenta_are_nearly_parallel() -> None:
    """E^2 - p^2 in float64 would be off by several per cent."""
    found = observables(cloud((1000.0, 2.0 + 1e-6, 0.0), (1000.0, 2.0, 0.0)))
    assert found["mass"] == pytest.approx(1e-3, rel=1e-9)


def test_three_prongs_have_small_tau32() -> None:
    rng = derive_rng(0, "prongs")
    taus = {}
    for prongs in (1, 2, 3):
        axes = np.array([(0.0, 0.5), (0.4, -0.3), (-0.4, -0.3)])[:prongs]
        jets = np.ones((50, 30, 3))
        jets[..., 1:] = axes[np.arange(30) % prongs] + rng.normal(0, 0.02, (50, 30, 2))
        found = observables(jets)
        taus[prongs] = (float(found["tau21"].mean()), float(found["tau32"].mean()))
    assert taus[2][0] < 0.1 < 0.5 < taus[1][0]
    assert taus[3][1] < 0.1 < 0.5 < taus[2][1]


def test_infrared_and_collinear_safety() -> None:
    """Soft particles and a collinear splitting change multiplicity, and nothing else."""
    jets = toys(40, "safe")
    split = np.concatenate([jets, jets[:, :1], np.zeros((40, 5, 3))], axis=1)
    split[:, 0, 0] *= 0.7
    split[:, 60, 0] *= 0.3
    split[:, 61:] = (1e-13, 0.0, 0.0)
    split[:, 61:, 1:] = jets[:, 1:2, 1:]
    before, after = observables(jets), observables(split)
    np.testing.assert_array_equal(after["multiplicity"], before["multiplicity"] + 6)
    for name in ("pt", "mass", "tau1", "tau2", "tau3", "tau21", "tau32"):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-8, atol=1e-10)


def test_padding_changes_no_bit() -> None:
    jets = toys(20, "padding")
    more = np.concatenate([jets, np.zeros((20, 7, 3))], axis=1)
    for name, values in observables(jets).items():
        np.testing.assert_array_equal(observables(more)[name], values)


def test_exclusive_kt_axes_and_taus_are_those_of_fastjet() -> None:
    fastjet = pytest.importorskip("fastjet")
    jets = toys(60, "fastjet")
    found = observables(jets)
    kt = fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0)
    for k, jet in enumerate(jets):
        clusters = fastjet.ClusterSequence(pseudojets(jet), kt)
        real = jet[jet[:, 0] > 0]
        for n in (1, 2, 3):
            theirs = np.array(sorted((one.rap(), one.phi_std()) for one in clusters.exclusive_jets(n)))
            ours = kt_axes(jets[k : k + 1], n)[0]
            ours = ours[np.lexsort((ours[:, 1], ours[:, 0]))]
            turn = (ours[:, 1] - theirs[:, 1] + math.pi) % (2 * math.pi) - math.pi
            np.testing.assert_allclose(ours[:, 0], theirs[:, 0], atol=1e-9)
            np.testing.assert_allclose(turn, 0, atol=1e-9)
            axes = [fastjet.PseudoJet() for _ in theirs]
            for axis, (y, phi) in zip(axes, theirs, strict=True):
                axis.reset_PtYPhiM(1.0, y, phi, 0.0)
            particles = pseudojets(jet)
            tau = sum(p.pt() * min(p.delta_R(a) for a in axes) for p in particles) / real[:, 0].sum()
            assert found[f"tau{n}"][k] == pytest.approx(tau, rel=1e-9, abs=1e-12)
        whole = clusters.exclusive_jets(1)[0]
        assert found["mass"][k] == pytest.approx(whole.m(), rel=1e-7)
        assert found["pt"][k] == pytest.approx(whole.pt(), rel=1e-12)


def test_pixels_are_particles_at_their_centres() -> None:
    x = np.zeros((2, 4, 4), dtype=np.float32)
    x[0, 0, 3], x[0, 2, 1] = 2, 5  # above on the right; below on the left of the middle
    found = constituents_of_images(x, 2.0)
    np.testing.assert_array_equal(found[0], [(5, -0.25, -0.25), (2, 0.75, 0.75)])
    np.testing.assert_array_equal(found[1], 0)


@pytest.mark.parametrize(("rows", "columns"), [(2, 4), (6, 4)])
def test_pixels_are_square_and_their_columns_fill_the_width(rows: int, columns: int) -> None:
    image = np.arange(1.0, rows * columns + 1).reshape(1, rows, columns)
    (found,) = constituents_of_images(image, 2.0)
    at = {pt: (eta, phi) for pt, eta, phi in found.tolist()}
    assert at[1] == pytest.approx((-0.75, (rows - 1) / 4))
    assert at[2] == pytest.approx((-0.25, (rows - 1) / 4))
    assert at[1 + columns] == pytest.approx((-0.75, (rows - 1) / 4 - 0.5))
    assert [line[:2] for line in pixels(image[0], 2.0)][:2] == [at[1], at[2]]
    assert {line[2]: line[:2] for line in pixels(image[0], 2.0)} == at
