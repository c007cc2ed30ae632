"""The sliced distance of images against the exact one, and the autoencoder that is trained by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import ot  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.domains.images.encoder_autoencoder import Autoencoder
from gancensus.domains.images.encoder_emd_ae import EmdAe
from gancensus.domains.images.sliced_transport import profiles
from gancensus.domains.jets.jet_images import preprocessed
from gancensus.domains.jets.toys import images_of, toy_jets

Array = NDArray[Any]
SIDE = 40
GRID = np.mgrid[:SIDE, :SIDE].reshape(2, -1).T * (2 / SIDE)  # in half widths


def jets(prongs: int, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Images of preprocessed toy jets (count, SIDE, SIDE)."""
    return images_of(preprocessed(toy_jets(np.full(count, prongs), 80, rng).astype(np.float64)), SIDE, 2.0)


def exact(a: Array, b: Array) -> float:
    """The earth mover's distance of two images, by POT."""
    a, b = (image.ravel().astype(np.float64) / image.sum(dtype=np.float64) for image in (a, b))
    i, j = (np.flatnonzero(image > 1e-7) for image in (a, b))
    return float(ot.emd2(a[i] / a[i].sum(), b[j] / b[j].sum(), ot.dist(GRID[i], GRID[j], "euclidean")))


def sliced(a: Array, b: Array, directions: int = 16) -> Array:
    a, b = (x.reshape(len(x), -1).astype(np.float64) for x in (a, b))
    return np.asarray(np.abs((a - b) @ profiles(SIDE, SIDE, directions)).sum(axis=1))


def test_between_jets_it_is_a_lower_bound_that_ranks_them() -> None:
    """The numbers of the docstring: ratio .38 to .61, median .54, rank correlation .98."""
    rng = derive_rng(7)
    x = np.concatenate([jets(k, 40, rng) for k in (1, 2, 3)])
    i, j = np.triu_indices(len(x), 1)
    some = rng.choice(len(i), 300, replace=False)
    i, j = i[some], j[some]
    true = np.array([exact(x[a], x[b]) for a, b in zip(i, j, strict=True)])
    ratio = sliced(x[i], x[j]) / true
    assert ratio.max() < 2 / np.pi
    assert (ratio.min(), np.median(ratio), ratio.max()) == pytest.approx((0.38, 0.54, 0.61), abs=0.01)
    assert spearmanr(sliced(x[i], x[j]), true).statistic == pytest.approx(0.98, abs=0.005)
    fine = sliced(x[i], x[j], 64)
    assert spearmanr(fine, true).statistic == pytest.approx(spearmanr(sliced(x[i], x[j]), true).statistic, abs=0.005)


@pytest.mark.parametrize("shift", [(0, 7), (5, 0), (6, 6), (-3, 8)])
def test_a_moved_image_is_two_over_pi_of_its_path_away(shift: tuple[int, int]) -> None:
    """All weight moves by one vector of length r: r times the mean of |cos| over the lines."""
    a, b = np.zeros((2, 1, SIDE, SIDE))
    a[0, 10:20, 12:20] = b[0, 10 + shift[0] : 20 + shift[0], 12 + shift[1] : 20 + shift[1]] = 1 / 80
    length = float(np.hypot(*shift)) * 2 / SIDE
    assert sliced(a, b, 64)[0] == pytest.approx(2 / np.pi * length, rel=1e-3)


def test_along_the_axes_it_is_the_distance_of_the_marginals() -> None:
    rng = derive_rng(8)
    a, b = rng.dirichlet(np.full(48, 0.3), 2).reshape(2, 6, 8)
    found = np.abs((a - b).ravel() @ profiles(6, 8, 2)).sum()
    marginals = [
        ot.wasserstein_1d(np.arange(side), np.arange(side), a.sum(axis=k), b.sum(axis=k))
        for k, side in ((0, 8), (1, 6))
    ]
    assert found == pytest.approx(np.mean(marginals) * 2 / 8)


@pytest.mark.parametrize(("height", "width"), [(4, 8), (8, 4)])
def test_a_pixel_is_as_high_as_it_is_wide(height: int, width: int) -> None:
    """A pixel that moves by 2 rows is as far as one that moves by 2 columns: 2 / pi of 2 pixels, each 2 / width."""
    x = np.zeros((3, height, width))
    x[0, 0, 0] = x[1, 2, 0] = x[2, 0, 2] = 1
    rows, columns = (np.abs((x[k] - x[0]).ravel() @ profiles(height, width, 64)).sum() for k in (1, 2))
    assert rows == pytest.approx(columns)
    assert rows == pytest.approx(2 / np.pi * 2 * 2 / width, rel=1e-3)


def test_losses_are_the_distances_of_the_images_whatever_their_totals() -> None:
    rng = derive_rng(9)
    x = jets(2, 12, rng)
    model = EmdAe(latent=4, width=2, epochs=2, batch=4)
    weights = model.fit(x, 1, "cpu").weights
    losses = model.losses_of(weights, x, "cpu")
    restored = model.restore(weights, x, "cpu")
    assert list(losses) == ["loss", "reconstruction", "divergence"]
    assert np.array_equal(losses["loss"], losses["reconstruction"])
    np.testing.assert_allclose(restored.sum(axis=(1, 2)), 1, rtol=1e-5)
    assert restored.min() >= 0
    np.testing.assert_allclose(losses["loss"], sliced(restored, x), rtol=1e-4)
    np.testing.assert_allclose(model.restore(weights, 4 * x, "cpu").sum(axis=(1, 2)), 4, rtol=1e-5)
    drawn = EmdAe(latent=4, width=2, epochs=2, batch=4, beta=0.01)
    found = drawn.losses_of(drawn.fit(x, 1, "cpu").weights, x, "cpu")
    np.testing.assert_allclose(found["loss"], 0.99 * found["reconstruction"] + 0.01 * found["divergence"])


def test_training_by_transport_restores_where_the_weight_is() -> None:
    """Nearer to a jet by the exact distance than the mean image, and than what squared errors have trained."""
    rng = derive_rng(10)
    x, other = jets(2, 300, rng), jets(2, 20, rng)
    options: dict[str, Any] = {"latent": 16, "width": 4, "epochs": 20, "batch": 16, "learning_rate": 3e-3}
    far = {}
    for model in (EmdAe(**options), Autoencoder(**options)):
        restored = np.maximum(model.restore(model.fit(x, 1, "cpu").weights, other, "cpu"), 0)
        far[model.kind] = np.mean([exact(a, b) for a, b in zip(restored, other, strict=True)])
    mean = np.mean([exact(x.mean(axis=0), one) for one in other])
    assert far["emd-ae"] < 0.75 * mean
    assert far["emd-ae"] < 0.6 * far["autoencoder"]


@pytest.mark.parametrize(
    ("value", "says"), [(-0.25, "image 1 .* has the value -0.25"), (0.0, "image 1 .* is 0 everywhere")]
)
def test_images_need_weights(value: float, says: str) -> None:
    x = np.full((3, 8, 8), 0.5, dtype=np.float32)
    x[1] = value
    model = EmdAe(latent=2, width=2, epochs=1)
    with pytest.raises(UserError, match=f"encoder emd-ae: {says}"):
        model.fit(x, 1, "cpu")
    weights = model.fit(x[[0, 2]], 1, "cpu").weights
    assert model.apply(weights, x, "cpu").shape == (3, 2)
    with pytest.raises(UserError, match=says):
        model.losses_of(weights, x, "cpu")
    with pytest.raises(UserError, match="one value a pixel"):
        model.fit(np.ones((3, 8, 8, 3), dtype=np.float32), 1, "cpu")
