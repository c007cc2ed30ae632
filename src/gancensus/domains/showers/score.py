"""The selection score of 3DGAN: analysis/TestingObjective.py of svalleco/3Dgan."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gancensus.contracts.samples import REFERENCE, Rows
from gancensus.domains.showers.bins import FEWEST, NO_VALUE, Line, Rng, near
from gancensus.domains.showers.measures import AXES, Floats, Showers, has_angle, measure
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import symmetric

Place = tuple[float, float | None]
"""The centre of a bin, GeV and degrees; None where there are no angles."""
CENTRES, WINDOW = (0.1, 0.5, 0.9), 0.05  # of the primary energies: 110, 150, 190 +- 5 of 100 to 200 GeV
REPLICATES = 400  # of the bootstrap


def score(
    populations: Mapping[str, Rows],
    energies: Sequence[float] | None,
    angles: Sequence[float],
    windows: tuple[float | None, float],
    rng: Rng,
) -> list[Line]:
    """Return the terms of 3DGAN's selection score of each population but `holdout`, which it is compared with.

    analysis/TestingObjective.py of svalleco/3Dgan, in bins of primary energy and angle: mean relative errors of the
    first two moments along x, y and z; of the mean profiles, in GeV, where the real one is not 0; relative error of the
    mean sampling fraction; of the mean measured angle (the original takes it shower by shower); `total` is their sum.
    Lines without energy are the means over the bins that every population has, not counting populations that have none;
    these, and all if there is no such bin, have one line without a value.

    An error is never negative, so its mean is above 0 even between equal populations, and more so with fewer showers:
    `train` shows how much. Populations are cut at random to the number of held-out showers in a bin. The interval is
    the normal one with the standard deviation of a bootstrap over the showers of both sides, around the score at these
    numbers. The error of the profiles counts faint tails as much as the core: where few showers reach a cell it has
    outliers, and its interval then covers the median in 80 to 85 of 100 cases (Geant4, 30 showers in a bin), that of
    the other terms in 95 or more. Bins with fewer than FEWEST showers on a side have no line.

    Args:
        populations: `holdout` first.
        energies: centres of the bins of primary energy, GeV; None for CENTRES of holdout's range.
        angles: centres of the bins of its angle, degrees; unused where there is no condition `angle`.
        windows: half widths of the bins in energy, None for WINDOW of holdout's range, and in angle.
        rng: the random numbers of each population.
    """
    with_angle = has_angle(populations[REFERENCE])
    real = measure(populations[REFERENCE], with_angle)
    low, width = float(real.energy.min()), float(np.ptp(real.energy))
    centres = [low + share * width for share in CENTRES] if energies is None else energies
    window = WINDOW * width if windows[0] is None else windows[0]
    bins = [(energy, angle) for angle in (angles if with_angle else (None,)) for energy in centres]
    found = {
        name: _score(real, measure(rows, with_angle), bins, (window, windows[1]), rng(name))
        for name, rows in populations.items()
        if name != REFERENCE
    }
    common = [place for place in bins if all(place in scored for scored in found.values() if scored)]
    return [line for name, scored in found.items() for line in _score_lines(name, scored, common)]


def _score(
    real: Showers,
    other: Showers,
    bins: Sequence[Place],
    windows: tuple[float, float],
    rng: np.random.Generator,
) -> dict[Place, Mapping[str, Floats]]:
    """Return the terms of a population by energy and angle, where there are enough showers."""
    found: dict[Place, Mapping[str, Floats]] = {}
    for place in bins:
        a, b = (_inside(showers, place, windows) for showers in (real, other))
        if min(len(a.energy), len(b.energy)) >= FEWEST:
            cut = np.sort(rng.choice(len(b.energy), min(len(a.energy), len(b.energy)), replace=False))
            found[place] = _terms(a, b.take(cut), rng)
    return found


def _score_lines(name: str, scored: Mapping[Place, Mapping[str, Floats]], common: Sequence[Place]) -> Iterator[Line]:
    """Yield the terms in each bin, and their means over the common ones."""
    for (energy, angle), terms in scored.items():
        for term, values in terms.items():
            yield name, term, energy, angle, *_bootstrapped(values)
    if not common or not scored:
        yield name, "total", None, None, *NO_VALUE
        return
    for term in scored[common[0]]:
        yield name, term, None, None, *_bootstrapped(np.mean([scored[place][term] for place in common], axis=0))


def _inside(showers: Showers, centre: tuple[float, float | None], windows: tuple[float, float]) -> Showers:
    return showers.take(near(showers.energy, centre[0], windows[0]) & near(showers.angle, centre[1], windows[1]))


def _bootstrapped(values: Floats) -> Estimate:
    """Return the first value, with the interval that the others, its replicates, give."""
    return symmetric(float(values[0]), float(values[1:].var(ddof=1)), ends=(0.0, math.inf))


def _terms(real: Showers, other: Showers, rng: np.random.Generator) -> dict[str, Floats]:
    """Return the terms of the score (1 + REPLICATES,): first that of the showers themselves."""
    a, b = _means(real, rng), _means(other, rng)
    terms = {
        "moments": _relative_error(a["moments"], b["moments"]),
        "profiles": np.mean([_relative_error(a[axis], b[axis]) for axis in AXES], axis=0),
        "response": _relative_error(a["response"], b["response"]),
    }
    if not np.isnan(real.angle).any():
        terms["angle"] = _relative_error(a["measured"], b["measured"])
    return {**terms, "total": np.sum(list(terms.values()), axis=0)}


def _means(showers: Showers, rng: np.random.Generator) -> dict[str, Floats]:
    """Return the means (1 + REPLICATES, ...) of what the score compares, with all showers, then with some repeated."""
    n = len(showers.energy)
    weights = np.concatenate([np.ones((1, n)), rng.multinomial(n, np.full(n, 1 / n), REPLICATES)])
    full = showers.deposited > 0
    filled = np.maximum(weights @ full, 1.0)[:, None]  # shapes and angles are those of showers that are not empty
    moments = np.concatenate([showers.mean, showers.variance], axis=1)
    return {
        "response": weights @ (showers.deposited / showers.energy)[:, None] / n,
        "moments": weights[:, full] @ moments[full] / filled,
        "measured": weights[:, full] @ showers.measured[full, None] / filled,
        **{axis: weights @ getattr(showers, axis).astype(np.float64) / n for axis in AXES},
    }


def _relative_error(real: Floats, other: Floats) -> Floats:
    """Return the mean over k of |1 - other / real| (1 + replicates, k) where real is not 0; 0 where it always is.

    Replicates of the ratio are linear about its value: in a faint tail that few showers reach, the real mean of a
    replicate may be almost 0, and errors relative to it would reflect the bootstrap, not the showers.
    """
    known = real[0] != 0
    if not known.any():
        return np.zeros(len(real))
    a, b = real[:, known], other[:, known]
    ratio = (b - b[0] / a[0] * (a - a[0])) / a[0]
    return np.asarray(np.abs(1 - ratio).mean(axis=1))
