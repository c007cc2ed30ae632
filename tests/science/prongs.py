"""Toy jets: particles around one, two or three axes, and their images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIDE = 40  # pixels across [-1, 1]


def particles(prongs: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw a jet: weights (k,) that sum to 1, and points (k, 2) whose weighted mean is 0, heaviest axis upwards.

    Around each axis the angle is log-uniform, as in soft and collinear radiation; axes lie .25 to .5 from the middle.
    """
    count = int(rng.integers(50, 110))
    turns = rng.uniform(0, 2 * np.pi) + np.arange(prongs) * 2 * np.pi / prongs + rng.normal(0, 0.3, prongs)
    axes = (prongs > 1) * rng.uniform(0.25, 0.5, prongs)[:, None] * np.column_stack([np.cos(turns), np.sin(turns)])
    which = rng.integers(0, prongs, count)
    angle, turn = np.exp(rng.uniform(np.log(0.01), np.log(0.7), count)), rng.uniform(0, 2 * np.pi, count)
    points = axes[which] + angle[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    weights = rng.pareto(1.3, count) / angle**0.5
    weights = np.minimum(weights, weights.sum() / 4)
    weights /= weights.sum()
    points -= weights @ points
    values, vectors = np.linalg.eigh((points * weights[:, None]).T @ points)
    points = points @ vectors[:, np.argsort(values)]
    up = np.sign(weights @ (points * np.abs(points)))
    return weights, points * np.where(up == 0, 1, up)


def image(weights: Floats, points: Floats) -> NDArray[np.float32]:
    """Return the image (SIDE, SIDE) of a jet, which sums to 1; rows along the second coordinate."""
    edges = np.linspace(-1, 1, SIDE + 1)
    found, _, _ = np.histogram2d(points[:, 1], points[:, 0], edges, weights=weights)
    return np.asarray(found / found.sum(), dtype=np.float32)


def images(prongs: int, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw the images of jets (count, SIDE, SIDE)."""
    return np.stack([image(*particles(prongs, rng)) for _ in range(count)])
