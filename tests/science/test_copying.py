"""The exact test of copies: its level, planted copies, the standard deviation that it uses, and what it could find."""

from __future__ import annotations

import numpy as np
import pytest

from gancensus.comparison.copies import Nearest, copying, detectable
from gancensus.search.neighbours import nearest

Points = np.ndarray


def nearest_of(generated: Points, *real: Points) -> Nearest:
    """The nearest real point of every generated one."""
    found = nearest(generated, np.concatenate(real))
    return Nearest(found.rows[:, 0], found.distance[:, 0])


def test_the_level() -> None:
    rng, p = np.random.default_rng(0), []
    for _ in range(300):
        train, holdout, made = (rng.normal(size=(n, 3)) for n in (120, 60, 100))
        p.append(copying(nearest_of(made, train, holdout), 120, 180, 199, rng).p)
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_planted_copies_are_found_and_counted(noise: float) -> None:
    rng = np.random.default_rng(1)
    train, holdout, made = (rng.normal(size=(1000, 16)) for _ in range(3))
    made[:50] = train[:50] + noise * rng.normal(size=(50, 16))
    found = copying(nearest_of(made, train, holdout), 1000, 2000, 999, rng)
    assert found.p == 0.001
    assert found.share == pytest.approx(0.05, abs=0.02)
    assert copying(nearest_of(made, holdout, train), 1000, 2000, 999, rng).p > 0.9  # one-sided


def test_the_deviation_is_that_of_permuted_labels() -> None:
    rng = np.random.default_rng(2)
    row = rng.zipf(1.5, 200).clip(max=99)
    one = Nearest(row, np.ones(200))  # all at one distance: u is 200 only
    z = []
    for _ in range(2000):
        place = rng.permutation(100)
        z.append(copying(one._replace(row=place[row]), 40, 100, 1, rng).z)
    assert np.mean(z) == pytest.approx(0, abs=0.1)
    assert np.std(z) == pytest.approx(1, abs=0.06)


def test_what_would_have_been_found_is_found() -> None:
    rng = np.random.default_rng(3)
    train, holdout, made = (rng.normal(size=(400, 8)) for _ in range(3))
    least = detectable(nearest_of(made, train, holdout), 400, 800, rng)
    copies = least[0.0]
    assert copies is not None
    assert copies >= 5  # ln .05 / ln .5
    assert least[1.0] is None or least[1.0] > copies
    hits = 0
    for _ in range(60):
        train, holdout, made = (rng.normal(size=(400, 8)) for _ in range(3))
        made[:copies] = train[rng.choice(400, copies)]
        hits += copying(nearest_of(made, train, holdout), 400, 800, 199, rng).p <= 0.05
    assert hits >= 51  # of 57 expected


def test_nothing_near_says_nothing() -> None:
    far = Nearest(np.zeros(10, dtype=np.int64), np.full(10, np.inf))
    assert copying(far, 5, 10, 99, np.random.default_rng(4)).p == 1
