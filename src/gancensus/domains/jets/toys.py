"""Toy jets of one, two and three prongs: what tests and benchmarks of distances between jets need no simulation for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.domains.jets.jet_images import normalised, pixelated

Singles = NDArray[np.float32]

COLLINEAR = 1e-3  # angles between a constituent and its prong go down to this, logarithmically uniform, ...
WIDE = 0.4  # ... and up to this
OPENING = (0.15, 0.35)  # distance of the prongs from the jet's axis, where there are several


def toy_jets(prongs: NDArray[np.int64], particles: int, rng: np.random.Generator) -> Singles:
    """Return jets (n, particles, 3) of the given numbers of prongs (n,): pt, eta, phi, by falling pt.

    They are centred on their mean. Each constituent belongs to a prong and lies around it with 1/angle, as what a gluon
    emits does. pt falls by a power, and sums to that of the jet, which falls softly from 500. The distance of the
    prongs gives a jet its mass.
    """
    n = len(prongs)
    prong = (rng.random((n, particles)) * prongs[:, None]).astype(np.int64)
    around = 2 * np.pi * (prong / prongs[:, None] + rng.random((n, 1)))
    opening = np.where(prongs > 1, rng.uniform(*OPENING, n), 0.0)[:, None]
    angle = np.exp(rng.uniform(np.log(COLLINEAR), np.log(WIDE), (n, particles)))
    direction = rng.uniform(0, 2 * np.pi, (n, particles))
    share = np.sort(rng.pareto(1.5, (n, particles)) + 0.1, axis=1)[:, ::-1]
    share /= share.sum(axis=1, keepdims=True)
    places = np.stack(
        [opening * np.cos(around) + angle * np.cos(direction), opening * np.sin(around) + angle * np.sin(direction)],
        axis=2,
    )
    places -= (share[..., None] * places).sum(axis=1, keepdims=True)
    pt = 500 + rng.exponential(100, (n, 1))
    return np.concatenate([(pt * share)[..., None], places], axis=2).astype(np.float32)


def images_of(jets: NDArray[np.floating[Any]], pixels: int, width: float) -> Singles:
    """Return images (n, pixels, pixels) of jets (n, particles, 3): the share of pt in each pixel of a square."""
    shares: Singles = normalised(pixelated(jets.astype(np.float64), pixels, width)).astype(np.float32)
    return shares
