"""Principal components of samples of many values, against those of a singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.comparison import alike
from gancensus.comparison.alike import blocks_of, differences, reduced

RNG = np.random.default_rng
WIDTH = alike.WIDE + 100


def samples(n: int, rank: int, seed: int) -> NDArray[np.float32]:
    """Samples (n, WIDTH) of a few directions of different size, and a little noise where these are many."""
    rng = RNG(seed)
    sizes = 0.8 ** np.arange(rank)
    directions = RNG(0).standard_normal((rank, WIDTH))
    noise = 0.01 * rng.standard_normal((n, WIDTH)) if rank >= alike.COLUMNS else 0.0
    return np.asarray((rng.standard_normal((n, rank)) * sizes) @ directions + noise + 3.0, dtype=np.float32)


def decomposed(calibrate: NDArray[np.float32], x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Coordinates of x on the components of calibrate."""
    mean = calibrate.mean(axis=0, dtype=np.float64)
    some = calibrate[: alike.PILOT] - mean
    _, sizes, axes = np.linalg.svd(some, full_matrices=False)
    return np.asarray((x - mean) @ axes[: alike.COLUMNS].T * (np.sqrt(len(some)) / sizes[0]))


def test_components_of_wide_samples_are_those_of_the_decomposition() -> None:
    calibrate, holdout, made = samples(150, 30, 1), samples(70, 30, 2), samples(90, 30, 3)
    values = reduced(blocks_of(calibrate), [blocks_of(holdout), blocks_of(made)], None)
    for found, x in ((values.calibrate, calibrate), (values.holdout, holdout), (values.generated, made)):
        expected = decomposed(calibrate, x)
        signs = np.sign((found * expected).sum(axis=0))
        np.testing.assert_allclose(found * signs, expected, rtol=0, atol=1e-6)
    assert values.calibrate[:, 0].std() == pytest.approx(1)


def test_components_that_products_would_lose_come_from_the_decomposition() -> None:
    """Of samples in ten directions, the others have none, and in them nothing is seen of these."""
    calibrate, holdout = samples(60, 10, 1), samples(50, 10, 2)
    values = reduced(blocks_of(calibrate), [blocks_of(holdout), blocks_of(holdout)], None)
    np.testing.assert_array_equal(values.holdout, np.round(decomposed(calibrate, holdout), 6))


def test_the_sign_of_a_component_does_not_matter() -> None:
    x = [samples(n, 30, seed) for seed, n in enumerate((80, 60, 60))]
    values = reduced(blocks_of(x[0]), [blocks_of(x[1]), blocks_of(x[2])], None)
    turned = values._replace(**{name: -getattr(values, name) for name in ("calibrate", "holdout", "generated")})
    labels = (np.argsort(RNG(5).random((120, 20)), axis=0) < 60).astype(np.uint8)
    one, other = differences(values, labels), differences(turned, labels)
    for name, found in one.items():
        np.testing.assert_allclose(found.difference, other[name].difference, rtol=1e-12, err_msg=name)
        assert found.column == other[name].column


def test_all_samples_are_read_in_blocks() -> None:
    x = samples(alike.ROWS + 30, 30, 1)
    sizes = []

    def blocks() -> object:
        for block in blocks_of(x)():
            sizes.append(len(block))
            yield block

    reduced(blocks, [blocks_of(x[:50]), blocks_of(x[:50])], None)  # type: ignore[arg-type]
    assert max(sizes) == alike.ROWS
