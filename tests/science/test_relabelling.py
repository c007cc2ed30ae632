"""Statistics of labels against loops over samples, and permutations that keep their level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import binom

from gancensus.census import relabelling
from gancensus.census.relabelling import (
    HUBS,
    LOCAL,
    OWN,
    Labels,
    Near,
    Radii,
    _sorted,
    hubs,
    pooled,
    relabelled,
    statistics,
)

RADII = Radii(duplicate=0.1, cover=0.25, repeat=0.3, wide=0.5)
GRAPH = 0.7  # up to which near ones are known
BATCH = 20  # that covers at the radius `cover`


def graph(points: np.ndarray, radius: float) -> tuple[np.ndarray, Near]:
    """The distances of points of a line, and which are near."""
    distance = np.abs(points[:, None] - points[None, :])
    i, j = np.nonzero(np.triu(distance <= radius, 1))
    return distance, pooled(len(points), i, j, distance[i, j], np.random.default_rng(0))


def covered(near: np.ndarray, others: int, batch: int) -> np.ndarray:
    """The probability that a sample with so many near ones has one in a batch."""
    degree = near.sum(axis=1)
    return np.asarray(1 - binom(others - degree, batch) / binom(others, batch))


def deficit(seen: np.ndarray, member: np.ndarray) -> float:
    """By how much fewer of some real samples are covered than of all."""
    expected, usual = seen.mean() * member.sum(), seen.mean()
    return float((expected - seen[member].sum()) / np.sqrt(expected * (1 - usual) + 1))


def by_hand(distance: np.ndarray, label: np.ndarray, kinds: np.ndarray, hub: np.ndarray) -> dict[str, Any]:
    """Every statistic of one labelling that has no ties, by its definition."""
    g, h = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    apart = distance + np.diag(np.full(len(distance), np.inf))
    most = min(len(g), len(h)) - 1
    pairs = {"gg": len(g) * (len(g) - 1) / 2, "hh": len(h) * (len(h) - 1) / 2, "gh": len(g) * len(h)}

    def density(a: np.ndarray, b: np.ndarray, kind: str) -> float:
        found = np.count_nonzero(apart[np.ix_(a, b)] <= RADII.duplicate) / (1 if kind == "gh" else 2)
        return float((found + 0.5) / pairs[kind])

    def share(a: np.ndarray, b: np.ndarray, radius: float, others: int) -> float:
        batch = BATCH if radius == RADII.cover else most
        chance = covered((apart[np.ix_(a, b)] <= radius) & ~hub[b], others, batch)
        return float((chance.sum() + 0.5) / len(a))

    has = [(apart[np.ix_(a, a)] <= RADII.duplicate).any(axis=1).sum() for a in (g, h)]
    own = np.sort(apart[np.ix_(h, h)], axis=1)[:, OWN - 1]
    own = np.where(own <= RADII.wide, own, np.inf)
    limited = np.where(apart <= RADII.wide, apart, np.inf)
    seen = np.array([limited[b, g].min() <= min(r, RADII.wide) for b, r in zip(h, own, strict=True)])
    first = h[limited[np.ix_(g, h)].argmin(axis=1)]
    local = 0.0
    for row in np.where(apart <= GRAPH, apart, np.inf):
        nearest = np.argsort(row)[:LOCAL]
        nearest = nearest[np.isfinite(row[nearest])]
        if len(nearest):
            local += (label[nearest].sum() - len(nearest) * len(g) / len(label)) ** 2 / len(nearest)
    return {
        "pair_ratio": np.log(density(g, g, "gg") / density(h, h, "hh")),
        "repeated": (has[0] / len(g) - has[1] / len(h)) / np.sqrt((sum(has) + 1) / len(label)),
        "overlap": np.log(density(g, h, "gh") / np.sqrt(density(g, g, "gg") * density(h, h, "hh"))),
        "on": np.log(share(g, h, RADII.cover, len(h)) / share(h, h, RADII.cover, len(h) - 1)),
        "on_wide": np.log(share(g, h, RADII.wide, len(h)) / share(h, h, RADII.wide, len(h) - 1)),
        "covers": np.log(share(h, g, RADII.cover, len(g)) / share(h, h, RADII.cover, len(h) - 1)),
        "covers_wide": np.log(share(h, g, RADII.wide, len(g)) / share(h, h, RADII.wide, len(h) - 1)),
        "covers_own": np.mean(seen),
        "covers_class": max(deficit(seen, kinds[h] == kind) for kind in (0, 1)),
        "on_own": np.mean([limited[a, b] <= min(own[h == b][0], RADII.wide) for a, b in zip(g, first, strict=True)]),
        "local": local / len(label),
    }


@pytest.mark.parametrize(("generated", "real"), [(60, 60), (40, 90), (80, 30)])
def test_all_labellings_are_counted_as_by_hand(generated: int, real: int) -> None:
    rng = np.random.default_rng(generated)
    points = np.concatenate([rng.normal(0, 2, generated), rng.normal(0, 1, real)])
    distance, near = graph(points, GRAPH)
    labels = relabelled(generated, len(points), 2 * relabelling.LANES, rng)
    kinds = np.where(points > 1.5, -1, np.where(points > 0, 1, 0))
    hub = hubs(np.zeros(len(points), dtype=np.int64)) if generated > real else hubs(rng.permutation(len(points)))
    assert hub.sum() == (0 if generated > real else HUBS * len(points) // 1)
    found = statistics(near, labels, RADII, (BATCH, min(generated, real) - 1), 0.3, hub, kinds)
    for k in (0, 1, relabelling.LANES, 2 * relabelling.LANES):
        for name, value in by_hand(distance, labels[:, k], kinds, hub).items():
            assert getattr(found, name)[k] == pytest.approx(value, abs=1e-9), name


def test_closest_pairs_of_a_repeated_sample() -> None:
    rng = np.random.default_rng(1)
    points = np.concatenate([np.zeros(12), rng.uniform(1, 5, 188)])  # 66 pairs of generated samples at distance 0
    _, near = graph(points, 0.5)
    found = statistics(near, relabelled(100, 200, 199, rng), RADII, (99, 99), 0.3, np.zeros(200, dtype=bool))
    assert found.closest[0] == pytest.approx(66 / np.sqrt(66 / 2))  # no pair of two real ones among the closest 66
    assert found.closest[0] > found.closest[1:].max()


@pytest.mark.parametrize(("rows", "distances"), [(50, 3), (50, 10**6), (70_000, 2), (1, 1)])
def test_near_ones_are_in_the_order_of_lexsort(rows: int, distances: int) -> None:
    rng = np.random.default_rng(rows)
    row, distance = rng.integers(rows, size=3000), rng.integers(distances, size=3000) / 7
    rank = rng.permutation(3000)
    np.testing.assert_array_equal(_sorted(row, distance, rank), np.lexsort((rank, distance, row)))
    none = np.zeros(0, dtype=np.int64)
    assert _sorted(none, none.astype(float), none).size == 0


def test_labels_are_permuted_within_blocks() -> None:
    rng = np.random.default_rng(2)
    block = rng.integers(3, size=90)
    labels: Labels = relabelled(30, 90, 50, rng, block)
    assert labels[:, 0].tolist() == [1] * 30 + [0] * 60
    for b in range(3):
        assert np.ptp(labels[block == b].sum(axis=0)) == 0
    assert (labels[:, 1:] != labels[:, :1]).any(axis=0).all()
