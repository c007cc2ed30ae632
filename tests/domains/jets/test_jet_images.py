"""Images of jets: copies that are shifted, rotated or mirrored, degenerate jets, and infrared and collinear safety."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.contracts.randomness import derive_rng
from gancensus.domains.jets.jet_images import normalised, pixelated, preprocessed
from gancensus.domains.jets.observables import constituents_of_images

Floats = NDArray[np.float64]
PIXELS, WIDTH = 40, 2.0


def jets(n: int, *names: str) -> Floats:
    """Jets of 30 particles around eta 0.3 and phi 1: (n, 30, 3)."""
    rng = derive_rng(0, "images", *names)
    found = np.zeros((n, 30, 3))
    found[..., 0] = -np.sort(-rng.exponential(10, (n, 30)))
    found[..., 1:] = rng.normal(0, (0.25, 0.1), (n, 30, 2)) + np.array([0.3, 1.0])
    return found


def inside_pixels(clouds: Floats) -> NDArray[np.bool_]:
    """Which jets have no particle within rounding of the edge of a pixel, or of the halves' sums being equal."""
    at = (clouds[..., 1:] / WIDTH + 0.5) * PIXELS
    return np.asarray((np.abs(at - np.rint(at)) > 1e-6).all(axis=(1, 2)))


def moved(clouds: Floats, eta: float, phi: float, angle: float = 0.0, mirror: int = 0) -> Floats:
    """Copies that are rotated about (0.3, 1), mirrored and then shifted."""
    found = clouds.copy()
    x, y = clouds[..., 1] - 0.3, clouds[..., 2] - 1.0
    found[..., 1] = math.cos(angle) * x - math.sin(angle) * y
    found[..., 2] = math.sin(angle) * x + math.cos(angle) * y
    if mirror:
        found[..., mirror] *= -1
    found[..., 1:] += (0.3 + eta, 1.0 + phi)
    return found


@pytest.mark.parametrize(
    ("eta", "phi", "angle", "mirror"),
    [(1.5, 0.0, 0.0, 0), (0.0, 2.1, 0.0, 0), (0, 0, 0.4, 0), (0, 0, math.pi / 2, 0), (0, 0, 0, 1), (-1, -4.1, 2.5, 2)],
)
def test_copies_have_the_same_image(eta: float, phi: float, angle: float, mirror: int) -> None:
    """A phi beyond pi is where a jet goes round the corner. Jets with a particle on an edge are left out: few."""
    clouds = jets(200, "copies")
    copies = moved(clouds, eta, phi, angle, mirror)
    copies[..., 2] = (copies[..., 2] + math.pi) % (2 * math.pi) - math.pi
    ours, theirs = preprocessed(clouds), preprocessed(copies)
    np.testing.assert_allclose(theirs, ours, atol=1e-8)
    fine = inside_pixels(ours)
    assert fine.sum() > 150
    images = pixelated(ours[fine], PIXELS, WIDTH)
    np.testing.assert_allclose(pixelated(theirs[fine], PIXELS, WIDTH), images, rtol=1e-12)
    assert (images > 0).sum() > 20 * len(images)


@pytest.mark.parametrize(
    ("step", "change"), [("centre", None), ("rotate", (0, 0, 0.4, 0)), ("flip", (0, 0, 0, 1)), ("flip", (0, 0, 0, 2))]
)
def test_a_step_that_is_left_out_makes_a_difference(step: str, change: tuple[float, float, float, int] | None) -> None:
    clouds = jets(50, "steps")
    without = preprocessed(clouds, **{step: False})
    if change is None:
        return np.testing.assert_equal(bool(np.allclose(without, preprocessed(clouds), atol=1e-4)), False)
    copies = preprocessed(moved(clouds, *change), **{step: False})
    assert np.abs(copies - without).max() > 0.1
    return None


def test_the_frame_is_the_one_that_is_said() -> None:
    found = preprocessed(jets(100, "frame"))
    pt, eta, phi = np.moveaxis(found, -1, 0)
    np.testing.assert_allclose([(pt * eta).sum(axis=1), (pt * phi).sum(axis=1)], 0, atol=1e-5)
    np.testing.assert_allclose((pt * eta * phi).sum(axis=1), 0, atol=1e-5)
    assert ((pt * phi**2).sum(axis=1) > (pt * eta**2).sum(axis=1)).all()
    for axis in (eta, phi):
        assert (np.where(axis > 0, pt, 0).sum(axis=1) >= np.where(axis < 0, pt, 0).sum(axis=1)).all()


def test_without_centre_the_jet_axis_is_the_origin() -> None:
    found = preprocessed(jets(20, "axis"), centre=False, rotate=False, flip=False)
    px, py = (found[..., 0] * turn(found[..., 2]) for turn in (np.cos, np.sin))
    pz, energy = (found[..., 0] * rise(found[..., 1]) for rise in (np.sinh, np.cosh))
    np.testing.assert_allclose(np.arctan2(py.sum(axis=1), px.sum(axis=1)), 0, atol=1e-8)
    np.testing.assert_allclose(np.arctanh(pz.sum(axis=1) / energy.sum(axis=1)), 0, atol=1e-8)


def test_pt_is_conserved_within_the_width() -> None:
    clouds = preprocessed(jets(50, "sum"))
    near = (np.abs(clouds[..., 1:]) < 0.25).all(axis=-1)
    for width, expected in ((8.0, clouds[..., 0].sum(axis=1)), (0.5, (clouds[..., 0] * near).sum(axis=1))):
        images = pixelated(clouds, PIXELS, width)
        np.testing.assert_allclose(images.sum(axis=(1, 2)), expected, rtol=1e-12)
        np.testing.assert_allclose(normalised(images).sum(axis=(1, 2)), 1, rtol=1e-12)


def test_images_and_their_constituents() -> None:
    """Right is positive eta, up positive phi; the particles of an image make the same image again."""
    found = pixelated(np.array([[(3.0, 0.9, -0.2), (1.0, -0.9, 0.9)]]), PIXELS, WIDTH)
    assert found[0, 23, 38] == 3
    assert found[0, 1, 1] == 1
    images = pixelated(preprocessed(jets(20, "again")), PIXELS, WIDTH)
    np.testing.assert_allclose(pixelated(constituents_of_images(images, WIDTH), PIXELS, WIDTH), images, rtol=1e-12)


def test_infrared_and_collinear_safety() -> None:
    clouds = jets(100, "safe")
    split = np.concatenate([clouds, clouds[:, :1], clouds[:, :1] + np.array([0, 0.3, -0.2])], axis=1)
    split[:, 0, 0] *= 0.6
    split[:, 30, 0] *= 0.4
    split[:, 31, 0] = 1e-12
    fine = inside_pixels(preprocessed(clouds))
    ours, theirs = (pixelated(preprocessed(one)[fine], PIXELS, WIDTH) for one in (clouds, split))
    np.testing.assert_allclose(theirs, ours, atol=1e-10)


def test_a_particle_is_in_the_middle() -> None:
    image = pixelated(preprocessed(np.array([[(7.0, 2.2, -3.1), (0.0, 0.0, 0.0)]])), PIXELS, WIDTH)
    assert image[0, PIXELS // 2 - 1, PIXELS // 2] == image.sum() == 7


@pytest.mark.parametrize("angle", np.linspace(0, 2 * math.pi, 25))
def test_two_particles_in_any_direction_have_one_image(angle: float) -> None:
    """After the rotation both are on the edge between two columns, where rounding must not decide."""
    for weights in ((3.0, 1.0), (2.0, 2.0)):
        x, y = 0.31 * math.cos(angle), 0.31 * math.sin(angle)
        image = pixelated(preprocessed(np.array([[(weights[0], x, y), (weights[1], -x, -y)]])), PIXELS, WIDTH)
        column = image[0, :, PIXELS // 2]
        assert column.sum() == sum(weights)
        assert np.flatnonzero(column).tolist() == ([16, 29] if weights[0] == 3 else [13, 26])


@pytest.mark.parametrize("n", [3, 4, 5])
def test_a_symmetric_jet_is_left_as_it_is(n: int) -> None:
    """It has no principal axis; which way the rounding of its moments points must not turn it."""
    angles = 0.1 + 2 * math.pi * np.arange(n) / n
    jet = np.column_stack([np.full(n, 10.0), 0.4 * np.cos(angles) + 1.7, 0.4 * np.sin(angles) - 3.1])[None]
    found = preprocessed(jet, flip=False)
    np.testing.assert_allclose(found[0, :, 1:], 0.4 * np.column_stack([np.cos(angles), np.sin(angles)]), atol=1e-8)


def test_nothing_stays_nothing() -> None:
    empty = np.zeros((2, 5, 3))
    assert not normalised(pixelated(preprocessed(empty), PIXELS, WIDTH)).any()
    assert normalised(pixelated(preprocessed(empty[:0]), PIXELS, WIDTH)).shape == (0, PIXELS, PIXELS)
