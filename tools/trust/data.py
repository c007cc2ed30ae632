"""Distributions of known truth: real ones, and generators with a flaw that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RNG = np.random.Generator
Draw = Callable[[RNG, int], Floats]

CENTRES = 4 * np.random.default_rng(99).normal(size=(10, 8))
FAR = 3 * np.random.default_rng(5).normal(size=(10, 64))
WIDTHS = np.geomspace(0.3, 2, 10)
COLUMNS = (3, 5, 8, 4, 6, 2)  # categories of the one-hot table
PLANE = np.linalg.qr(np.random.default_rng(7).normal(size=(16, 16)))[0]


class Case(NamedTuple):
    """A generator beside real samples."""

    real: Draw
    made: Draw
    flaw: tuple[str, ...] = ()
    """Questions that should be answered with no; empty: the generator is perfect."""


def gauss(d: int, shift: float = 0.0, width: float = 1.0) -> Draw:
    """Standard normal in d dimensions, every coordinate shifted and widened."""
    return lambda rng, n: shift + width * rng.normal(size=(n, d))


def pareto(rng: RNG, n: int) -> Floats:
    """Three normal coordinates and one without variance."""
    return np.column_stack([rng.pareto(1.5, n), rng.normal(size=(n, 3))])


def zipf(rng: RNG, n: int) -> Floats:
    """One of 2,000 cells, the k-th with a probability of 1/k."""
    weights = 1 / np.arange(1, 2001)
    return np.asarray(10.0 * rng.choice(2000, n, p=weights / weights.sum())[:, None])


def one_hot(rng: RNG, n: int) -> Floats:
    """Six categorical columns."""
    weights = [1 / np.arange(1, k + 1) for k in COLUMNS]
    return np.hstack([np.eye(len(w))[rng.choice(len(w), n, p=w / w.sum())] for w in weights])


def mixed(rng: RNG, n: int) -> Floats:
    """A table: two log-normal columns, three normal ones, a category and a count."""
    normal = rng.normal(size=(n, 3))
    normal[:, 1] += 0.7 * normal[:, 0]
    kind = 2 * np.eye(4)[rng.choice(4, n, p=[0.5, 0.3, 0.15, 0.05])]
    return np.hstack([rng.lognormal(size=(n, 2)), normal, kind, np.round(rng.exponential(3, (n, 1)))])


def modes(keep: int = 10, wide: float = 1.0) -> Draw:
    """The first of ten modes whose widths are .3 to 2, in eight dimensions."""

    def draw(rng: RNG, n: int) -> Floats:
        k = rng.integers(keep, size=n)
        return CENTRES[k] + wide * WIDTHS[k][:, None] * rng.normal(size=(n, 8))

    return draw


def weighted(weights: list[float], centres: Floats = CENTRES) -> Draw:
    """Modes of width 1 with these weights."""

    def draw(rng: RNG, n: int) -> Floats:
        k = rng.choice(len(weights), n, p=np.array(weights) / sum(weights))
        return centres[k] + rng.normal(size=(n, centres.shape[1]))

    return draw


def without(mode: int) -> Draw:
    """Nine of the ten modes of unlike width."""

    def draw(rng: RNG, n: int) -> Floats:
        k = (mode + rng.integers(1, 10, n)) % 10
        return CENTRES[k] + WIDTHS[k][:, None] * rng.normal(size=(n, 8))

    return draw


def halves(first: float) -> Draw:
    """Two modes, four standard deviations apart in each of eight coordinates."""
    return lambda rng, n: rng.normal(size=(n, 8)) + 4.0 * (rng.random(n) < first)[:, None]


def wide_modes(keep: int, wide: float) -> Draw:
    """The first of ten modes in 64 dimensions."""
    return lambda rng, n: FAR[rng.integers(keep, size=n)] + wide * rng.normal(size=(n, 64))


def correlated(rho: float) -> Draw:
    """Eight normal columns, of which two are correlated."""

    def draw(rng: RNG, n: int) -> Floats:
        x = rng.normal(size=(n, 8))
        x[:, 1] = rho * x[:, 0] + np.sqrt(1 - rho**2) * x[:, 1]
        return x

    return draw


def replaced(draw: Draw, share: float, junk: Draw) -> Draw:
    """Samples of a distribution, of which a share gives way to another."""

    def both(rng: RNG, n: int) -> Floats:
        count = round(share * n)
        return np.concatenate([junk(rng, count), draw(rng, n)[count:]])

    return both


def uniform(low: float, high: float, d: int) -> Draw:
    """Uniform in a cube."""
    return lambda rng, n: rng.uniform(low, high, size=(n, d))


def fair_one_hot(rng: RNG, n: int) -> Floats:
    """Categories as frequent as each other."""
    return np.hstack([np.eye(k)[rng.integers(k, size=n)] for k in COLUMNS])


def repeated(draw: Draw, share: float) -> Draw:
    """Samples of which a share is one and the same."""

    def one(rng: RNG, n: int) -> Floats:
        x = draw(rng, n)
        x[: round(share * n)] = x[0]
        return x

    return one


def paired(draw: Draw, pairs: int, noise: float = 1e-3) -> Draw:
    """Samples of which some are there twice, nearly."""

    def twice(rng: RNG, n: int) -> Floats:
        x, count = draw(rng, n), min(pairs, n // 4)
        x[:count] = x[count : 2 * count] + noise * rng.normal(size=(count, x.shape[1]))
        return x

    return twice


def hub(rng: RNG, n: int) -> Floats:
    """All invented, but for one sample in the middle of the data."""
    x = 20 + rng.normal(size=(n, 64))
    x[0] = 0
    return x


def parity(odd: bool) -> Draw:
    """Sixteen columns; of three of them the product is positive, though each two are independent."""

    def draw(rng: RNG, n: int) -> Floats:
        x = rng.normal(size=(n, 16))
        if odd:
            x[:, 2] = np.abs(x[:, 2]) * np.sign(x[:, 0] * x[:, 1])
        return x

    return draw


def plane(noise: float) -> Draw:
    """Eight of sixteen dimensions, turned, with noise in the others."""

    def draw(rng: RNG, n: int) -> Floats:
        return np.asarray(np.hstack([rng.normal(size=(n, 8)), noise * rng.normal(size=(n, 8))]) @ PLANE)

    return draw


def doubled(rng: RNG, n: int) -> Floats:
    """Real rows that belong together: each is there twice."""
    return np.repeat(rng.normal(size=(-(-n // 2), 16)), 2, axis=0)[:n]


def moved(draw: Draw, by: float) -> Draw:
    """The first column shifted."""

    def shift(rng: RNG, n: int) -> Floats:
        x = draw(rng, n)
        x[:, 0] += by
        return x

    return shift


PERFECT: dict[str, Draw] = {
    "Gaussian, d = 2": gauss(2),
    "Gaussian, d = 16": gauss(16),
    "Gaussian, d = 64": gauss(64),
    "Pareto coordinate": pareto,
    "Zipf cells": zipf,
    "one-hot rows": one_hot,
    "ten modes of unlike width": modes(),
    "mixed table": mixed,
}

BOX = uniform(-8, 8, 16)
FLAWED: dict[str, Case] = {
    "5 modes, all invented": Case(weighted([1] * 5), weighted([1] * 5, CENTRES[5:]), ("on", "covers")),
    "shifted by 6 sigma": Case(gauss(16), moved(gauss(16), 6), ("on", "covers")),
    "5 of 10 modes dropped": Case(modes(), modes(5), ("covers",)),
    "the same, 10 % wider": Case(modes(), modes(5, 1.1), ("covers",)),
    "the same, 20 % wider": Case(modes(), modes(5, 1.2), ("covers",)),
    "5 of 10 dropped, 5 % wider, d = 64": Case(wide_modes(10, 1), wide_modes(5, 1.05), ("covers",)),
    "1.5 times as wide, one sample for 1 %": Case(gauss(16), repeated(gauss(16, 0, 1.5), 0.01), ("on",)),
    "perfect, but one sample for 2 %": Case(gauss(16), repeated(gauss(16), 0.02), ("diverse",)),
    "half is junk": Case(gauss(16), replaced(gauss(16), 0.5, BOX), ("on",)),
    "5 % is junk": Case(gauss(16), replaced(gauss(16), 0.05, BOX), ("on",)),
    "all invented, one hub in the middle": Case(gauss(64), hub, ("on", "covers")),
    "1 of 10 modes dropped": Case(modes(), without(4), ("covers",)),
    "weights 50/50 to 60/40": Case(halves(0.5), halves(0.6), ("alike",)),
    "a correlation of .6 lost": Case(correlated(0.6), correlated(0), ("alike",)),
    "20 near-exact pairs": Case(gauss(16), paired(gauss(16), 20), ("diverse",)),
    "15 % junk rows, one-hot": Case(one_hot, replaced(one_hot, 0.15, fair_one_hot), ("alike",)),
}

RARE = [0.992 / 9] * 9 + [0.008]
LIMITS: dict[str, Case] = {
    "parity of three columns, each two independent": Case(parity(True), parity(False), ("alike",)),
    "a mode of .8 % dropped": Case(weighted(RARE), weighted([1] * 9), ("covers",)),
    "weights 50/50 to 55/45": Case(halves(0.5), halves(0.55), ("alike",)),
    "noise of .1 off a plane": Case(plane(0), plane(0.1), ("on",)),
    "noise of .5 off a plane": Case(plane(0), plane(0.5), ("on",)),
    "2 % is junk": Case(gauss(16), replaced(gauss(16), 0.02, BOX), ("on",)),
    "10 near-exact pairs become 20": Case(paired(gauss(16), 10), paired(gauss(16), 20), ("diverse",)),
    "one column of 16 shifted by .25 sd": Case(gauss(16), moved(gauss(16), 0.25), ("alike",)),
    "real rows doubled, nobody says so": Case(doubled, gauss(16)),
}

UNEQUAL: dict[str, Case] = {
    "1 of 10 modes dropped": FLAWED["1 of 10 modes dropped"],
    "5 of 10 modes dropped": FLAWED["5 of 10 modes dropped"],
    "20 % is junk, d = 8": Case(gauss(8), replaced(gauss(8), 0.2, uniform(-8, 8, 8)), ("on",)),
    "10 % narrower, d = 8": Case(gauss(8), gauss(8, 0, 0.9), ("diverse",)),
}
