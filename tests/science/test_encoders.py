from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.domains.general.encoder_pca import Pca
from gancensus.domains.images.encoder_vae import Vae


def normal(shape: tuple[int, ...]) -> NDArray[np.float32]:
    rng = derive_rng(1, *shape)
    spread = rng.uniform(0.1, 2, shape[1:])
    return np.asarray(0.5 + spread * rng.standard_normal(shape), dtype=np.float32)


# Principal components


@pytest.mark.parametrize(("shape", "components"), [((50, 6), 3), ((40, 4, 5), 7), ((9, 30), 9)])
def test_pca_is_that_of_scikit_learn_and_of_the_svd(shape: tuple[int, ...], components: int) -> None:
    x = normal(shape)
    model = Pca(components=components)
    fitted = model.fit(x, 1, "cpu")
    found = model.apply(fitted.weights, x, "cpu")
    assert found.shape == (shape[0], components)
    assert found.dtype == np.float32
    assert fitted.history == {}
    flat = x.reshape(len(x), -1).astype(np.float64)
    np.testing.assert_allclose(found, PCA(components, svd_solver="full").fit_transform(flat), atol=1e-5)
    u, s, _ = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(u * s)[:, :components], atol=1e-5)


def test_pca_of_full_rank_keeps_every_distance() -> None:
    x = normal((40, 3, 4))
    model = Pca(components=12)
    found = model.apply(model.fit(x, 1, "cpu").weights, x, "cpu")
    np.testing.assert_allclose(pdist(found), pdist(x.reshape(40, -1)), rtol=1e-5)


def test_pca_shortens_distances_and_is_the_same_for_every_seed() -> None:
    x, new = normal((60, 8)), normal((30, 8))
    model = Pca(components=3)
    weights = model.fit(x, 1, "cpu").weights
    assert (pdist(model.apply(weights, new, "cpu")) <= pdist(new) * (1 + 1e-6)).all()
    other = model.fit(x, 2, "cpu").weights
    assert all(np.array_equal(weights[name], other[name]) for name in weights)


def test_pca_of_no_samples_is_none() -> None:
    x = normal((20, 2, 3))
    model = Pca(components=4)
    assert model.apply(model.fit(x, 1, "cpu").weights, x[:0], "cpu").shape == (0, 4)


@pytest.mark.parametrize(("shape", "most"), [((50, 6), 6), ((4, 30), 4)])
def test_pca_says_how_many_components_there_can_be(shape: tuple[int, ...], most: int) -> None:
    with pytest.raises(UserError, match=f"lower `components` to at most {most}$"):
        Pca(components=most + 1).fit(normal(shape), 1, "cpu")


# The variational autoencoder


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (32, 32, 3), (4, 12, 1)])
def test_vae_vectors_have_the_latent_dimension(shape: tuple[int, ...]) -> None:
    model = Vae(latent=5, width=2, epochs=2, batch=4)
    x = normal((6, *shape))
    fitted = model.fit(x, 1, "cpu")
    found = model.apply(fitted.weights, x, "cpu")
    assert found.shape == (6, 5)
    assert found.dtype == np.float32
    assert {name: losses.shape for name, losses in fitted.history.items()} == {
        "reconstruction": (2,),
        "divergence": (2,),
    }
    assert model.apply(fitted.weights, x[:0], "cpu").shape == (0, 5)


@pytest.mark.parametrize("shape", [(7, 7), (8, 6), (64,)])
def test_vae_refuses_what_is_no_image_that_can_be_halved_twice(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"encoder vae: samples have shape .*multiples of 4"):
        Vae(epochs=1).fit(normal((6, *shape)), 1, "cpu")


def test_vae_of_a_seed_is_the_same_bit_for_bit() -> None:
    model, x = Vae(latent=2, width=2, epochs=2, batch=4), normal((12, 8, 8))
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    one, same, other = (model.fit(x, seed, "cpu").weights for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not all(np.array_equal(one[name], other[name]) for name in one)


def test_vae_tells_planted_clusters_apart() -> None:
    """Images bright on the left or on the right: in the latent space they lie further apart than they are wide."""
    rng = derive_rng(7)
    side = np.repeat([0, 1], 60)
    x = rng.normal(-0.5, 0.2, (120, 8, 8))
    x[side == 0, :, :4] += 1
    x[side == 1, :, 4:] += 1
    images: NDArray[Any] = x.astype(np.float32)
    model = Vae(latent=2, width=4, epochs=25, batch=20)
    fitted = model.fit(images, 1, "cpu")
    z = model.apply(fitted.weights, images, "cpu")
    left, right = z[side == 0], z[side == 1]
    apart = np.linalg.norm(left.mean(axis=0) - right.mean(axis=0))
    assert apart > 4 * max(left.std(axis=0).max(), right.std(axis=0).max())
    assert np.abs(z.mean(axis=0)).max() < 0.5  # the divergence draws the means, all together, to N(0, 1)
    losses = fitted.history["reconstruction"]
    assert losses[-1] < losses[0] / 2
