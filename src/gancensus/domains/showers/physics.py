"""What is measured of calorimeter showers: similarity, profiles, response, cells, and the selection score of 3DGAN.

Showers are cells (x, y, z) in GeV with the conditions `energy` (GeV) and, where known, `angle` (rad) of the primary
particle (`showers`). Positions and widths are in cells, from 0 at the centre of the first. Every number has a 95 %
interval. Populations are read a few showers at a time, and compared with `holdout` alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.census.support import REFERENCE
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features
from gancensus.contracts.samples import Rows, Samples
from gancensus.contracts.showers import VOXELS, measured_angle
from gancensus.distances.shapes import CHUNK, not_negative
from gancensus.distances.ssim import WINDOW as SIDE
from gancensus.distances.ssim import Similarity, planes
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import clopper_pearson, deviate, jackknife_variance, mean_interval, symmetric

Floats = NDArray[np.floating[Any]]
Span = tuple[float, float]
Line = tuple[Any, ...]
"""A row of a table, in the order of its columns."""
Place = tuple[float, float | None]
"""The centre of a bin, GeV and degrees; None where there are no angles."""
Rng = Callable[[str], np.random.Generator]

_NO_BIN, _NO_VALUE = (None, None), (None, None, None)

AXES = "xyz"
HIT = 3e-4  # GeV: cells above count as hit, as in 3DGAN's figures
CELL_EDGES = np.array([float(f"{digit}e{power}") for power in range(-8, 2) for digit in (1, 2, 5)])  # GeV
HIT_BINS = 25  # across the numbers of hits of the held-out showers
ENERGY_BINS = 5  # across the primary energies of the held-out showers
CENTRES, WINDOW = (0.1, 0.5, 0.9), 0.05  # of the primary energies: 110, 150, 190 +- 5 of 100 to 200 GeV
FEWEST = 10  # showers in a bin, on either side
COMPARED = 100  # showers of a bin whose pairs are compared
REPLICATES = 400  # of the bootstrap


class Showers(NamedTuple):
    """What is kept of the showers of a population: a few hundred numbers each, NaN where a shower is empty."""

    energy: Floats
    """(n,) GeV, of the primary particle."""
    angle: Floats
    """(n,) degrees, of the primary particle; NaN where there is no such condition."""
    deposited: Floats
    """(n,) GeV, in all cells."""
    hits: Floats
    """(n,) cells above HIT."""
    measured: Floats
    """(n,) degrees, `showers.measured_angle`."""
    mean: Floats
    """(n, 3) cells: mean position of the energy along each axis."""
    variance: Floats
    """(n, 3) cells squared: its spread about it."""
    x: Floats
    """(n, nx) GeV by cell along an axis, float32."""
    y: Floats
    z: Floats

    def take(self, rows: NDArray[Any]) -> Showers:
        """Return some of the showers."""
        return Showers(*(values[rows] for values in self))


def measure(rows: Rows, with_angle: bool) -> Showers:
    """Measure the showers of a population.

    Raises UserError where samples are no showers or lack `energy` or, with_angle, `angle`.
    """
    parts = [_measured(block, rows.where, with_angle) for block in _blocks(rows)]
    return Showers(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _measured(samples: Samples, where: str, with_angle: bool) -> Showers:
    energy, angle = conditions(samples, where, with_angle)
    cells = _cells(samples, where)
    xz, deposited = cells.sum(axis=2), cells.sum(axis=(1, 2, 3))
    profiles = (xz.sum(axis=2), cells.sum(axis=(1, 3)), xz.sum(axis=1))
    full = np.where(deposited > 0, deposited, np.nan)
    mean, variance = np.empty((2, len(cells), 3))
    for axis, profile in enumerate(profiles):
        position = np.arange(profile.shape[1])
        mean[:, axis] = (profile * position).sum(axis=1) / full
        variance[:, axis] = (profile * (position - mean[:, axis, None]) ** 2).sum(axis=1) / full
    measured = np.where(deposited > 0, np.degrees(measured_angle(cells)), np.nan)
    hits = np.count_nonzero(cells > HIT, axis=(1, 2, 3)).astype(np.float64)
    return Showers(
        energy, angle, deposited, hits, measured, mean, variance, *(profile.astype(np.float32) for profile in profiles)
    )


def _cells(samples: Samples, where: str) -> NDArray[np.float64]:
    """Return the cells (n, x, y, z) in GeV."""
    if samples.x.ndim != 4:
        raise UserError(
            f"physics: {where}: samples of shape {samples.x.shape[1:]} are no showers, whose cells are (x, y, z); "
            "leave this analysis out"
        )
    if samples.scale is not None and samples.scale.names == VOXELS:
        raise UserError(
            f"physics: {where}: voxels of layer, angle and radius are no cells (x, y, z); leave this analysis out"
        )
    return not_negative(samples, f"physics: {where}")


def conditions(samples: Samples, where: str, with_angle: bool) -> tuple[Floats, Floats]:
    """Return primary energies (n,) in GeV and angles (n,) in degrees, NaN where these are not asked for."""
    for name in ("energy", "angle") if with_angle else ("energy",):
        if name not in samples.conditions:
            raise UserError(
                f"physics: {where}: the samples have no condition '{name}' of the primary particle"
                f"{', which holdout has' if name == 'angle' else ''}; bring it with them or leave this analysis out"
            )
    energy = samples.conditions["energy"].astype(np.float64)
    if (energy <= 0).any():
        raise UserError(f"physics: {where}: condition 'energy' is {energy.min():g} GeV in places; it must be above 0")
    angle = samples.conditions["angle"] if with_angle else np.full(len(samples), np.nan)
    return energy, np.degrees(angle.astype(np.float64))


def has_angle(holdout: Rows) -> bool:
    """Tell whether the primary particles have an angle."""
    return "angle" in next(iter(holdout.chunks(slice(0, 1), without_x=True))).conditions


def _blocks(rows: Rows) -> Iterator[Samples]:
    """Yield all samples, CHUNK at a time whatever the row groups: sums of a block may depend on its length."""
    rest: Samples | None = None
    for chunk in rows.chunks(slice(0, len(rows))):
        whole = chunk if rest is None or not len(rest) else _joined(rest, chunk)
        full = len(whole) // CHUNK * CHUNK
        for start in range(0, full, CHUNK):
            yield whole.take(slice(start, start + CHUNK))
        rest = whole.take(slice(full, len(whole)))
    if rest is not None and (len(rest) or not len(rows)):
        yield rest


def _joined(first: Samples, second: Samples) -> Samples:
    """Return the samples of both without their labels, which nothing here asks for."""
    return replace(
        first,
        x=np.concatenate([first.x, second.x]),
        sample_id=np.concatenate([first.sample_id, second.sample_id]),
        label=None,
        conditions={
            name: np.concatenate([values, second.conditions[name]]) for name, values in first.conditions.items()
        },
    )


def spread_interval(values: Floats, relative: bool = False) -> Estimate:
    """Return the standard deviation of values (n,), or that over their mean, with its interval.

    The variance is that of the influence of each value, or the infinitesimal jackknife (Efron 1982, The Jackknife, the
    Bootstrap and Other Resampling Plans, 6.1); the interval is symmetric in the logarithm.
    """
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    centre = mean if relative else 1.0
    if spread == 0 or centre == 0:
        return Estimate(None if centre == 0 else 0.0, None, None)
    influence = ((values - mean) ** 2 / spread**2 - 1) / 2 - ((values - mean) / mean if relative else 0.0)
    reach = np.exp(deviate(freedom=len(values) - 1) * float(influence.std(ddof=1)) / np.sqrt(len(values)))
    value = spread / abs(centre)
    return Estimate(value, value / reach, value * reach)


def ssim(
    holdout: Rows,
    generated: Mapping[str, Rows],
    similarity: Similarity,
    bins: Sequence[float] | None,
    angles: Sequence[float],
    window: float,
    rng: Rng,
) -> list[Line]:
    """Return the mean SSIM of the pairs of showers of an angle and a bin of primary energy, line by line.

    mc-mc: pairs of held-out showers; mc-gan: a held-out with a generated one; gan-gan: pairs of generated ones. Of each
    bin, COMPARED showers at random are compared; bins with fewer than FEWEST on a side have no line. A population that
    has FEWEST in no bin has one line without bin and value.

    Args:
        holdout: the reference.
        generated: populations by name.
        similarity: what is measured of two showers.
        bins: edges in GeV; None for ENERGY_BINS equal ones.
        angles: centres of the angle's bins in degrees, unused where there is no condition `angle`.
        window: half width of these.
        rng: the random numbers of each population.
    """
    with_angle = has_angle(holdout)
    known = {name: _all_conditions(rows, with_angle) for name, rows in {REFERENCE: holdout, **generated}.items()}
    random = {name: rng(name) for name in known}
    spans = energy_bins(known[REFERENCE][0], bins)
    lines: list[Line] = []
    for angle in angles if with_angle else (None,):  # one after the other, to hold few showers
        picked = {name: _picked(*known[name], spans, angle, window, random[name]) for name in known}
        real = _features(holdout, picked[REFERENCE])
        lines += _within("mc-mc", REFERENCE, real, similarity, angle, spans)
        for name, rows in generated.items():
            made = _features(rows, picked[name])
            lines += _across(name, real, made, similarity, angle, spans)
            lines += _within("gan-gan", name, made, similarity, angle, spans)
    comparisons = {name: "mc-mc" if name == REFERENCE else "gan-gan" for name in known}
    judged = {line[:2] for line in lines}
    missing = [(what, name) for name, what in comparisons.items() if (what, name) not in judged]
    return lines + [(*place, None, *_NO_BIN, *_NO_VALUE) for place in missing]


def _all_conditions(rows: Rows, with_angle: bool) -> tuple[Floats, Floats]:
    parts = [conditions(chunk, rows.where, with_angle) for chunk in rows.chunks(slice(0, len(rows)), without_x=True)]
    energy, angle = (np.concatenate(values) for values in zip(*parts, strict=True))
    return energy, angle


def energy_bins(energy: Floats, edges: Sequence[float] | None) -> list[Span]:
    """Return the bins of primary energy in GeV; without edges, equal ones from the smallest to the largest."""
    if edges is None:
        low, high = (float(end) for end in (energy.min(), energy.max()))
        edges = np.linspace(low, high, ENERGY_BINS + 1 if high > low else 2).tolist()
    return list(pairwise(edges))


def in_span(energy: Floats, span: Span, spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Mark the energies in a bin, of whose ends only that of the last bin belongs to it."""
    return np.asarray((span[0] <= energy) & ((energy < span[1]) | ((span == spans[-1]) & (energy == span[1]))))


def near(values: Floats, centre: float | None, window: float) -> NDArray[np.bool_]:
    """Mark the values within the window of a centre; all where there is none."""
    return np.full(len(values), True) if centre is None else np.abs(values - centre) <= window


def _picked(
    energy: Floats, angle: Floats, spans: Sequence[Span], centre: float | None, window: float, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Pick the rows to compare in each bin of energy: none where there are too few."""
    at_angle = near(angle, centre, window)
    picked = []
    for span in spans:
        rows = np.flatnonzero(at_angle & in_span(energy, span, spans))
        count = min(COMPARED, len(rows)) if len(rows) >= FEWEST else 0
        picked.append(np.sort(rng.choice(rows, count, replace=False)) if count else rows[:0])
    return picked


def _features(rows: Rows, picked: Sequence[NDArray[np.int64]]) -> list[Features | None]:
    """Read what SSIM compares of the picked rows, in one go through the population; None for bins without any."""
    parts: list[list[Features]] = [[] for _ in picked]
    wanted = np.concatenate(picked)
    start = int(wanted.min()) if len(wanted) else 0
    for chunk in rows.chunks(slice(start, int(wanted.max()) + 1)) if len(wanted) else ():
        for some, part in zip(picked, parts, strict=True):
            here = some[(start <= some) & (some < start + len(chunk))] - start
            if len(here):
                part.append(planes(_wide_enough(chunk, rows.where).take(here)))
        start += len(chunk)
    found: list[Features | None] = []
    while parts:  # what is joined is not kept twice
        part = parts.pop(0)
        found.append(tuple(np.concatenate(same) for same in zip(*part, strict=True)) if part else None)
    return found


def _wide_enough(samples: Samples, where: str) -> Samples:
    if samples.x.ndim != 4 or min(samples.x.shape[1:3]) < SIDE:
        raise UserError(
            f"physics: {where}: showers of {' x '.join(map(str, samples.x.shape[1:]))} cells, but SSIM looks through "
            f"windows of {SIDE} x {SIDE}; make the grid finer (a smaller `coarsen`) or leave this analysis out"
        )
    return samples


def _within(
    comparison: str,
    name: str,
    showers: Sequence[Features | None],
    similarity: Similarity,
    angle: float | None,
    spans: Sequence[Span],
) -> Iterator[Line]:
    for span, some in zip(spans, showers, strict=True):
        if some is not None:
            n = len(some[0])
            i, j = np.triu_indices(n, 1)
            values = np.zeros((n, n))
            values[i, j] = 1 - similarity.distances(some, some, i, j, np.inf)
            yield comparison, name, angle, *span, *mean_within(values + values.T)


def _across(
    name: str,
    real: Sequence[Features | None],
    made: Sequence[Features | None],
    similarity: Similarity,
    angle: float | None,
    spans: Sequence[Span],
) -> Iterator[Line]:
    for span, a, b in zip(spans, real, made, strict=True):
        if a is not None and b is not None:
            i, j = np.indices((len(a[0]), len(b[0]))).reshape(2, -1)
            values = 1 - similarity.distances(a, b, i, j, np.inf).reshape(len(a[0]), -1)
            yield "mc-gan", name, angle, *span, *mean_across(values)


def mean_within(values: Floats) -> Estimate:
    """Return the mean over the pairs of n samples of values (n, n), symmetric with 0 on the diagonal.

    The interval is Student's with the jackknife over samples (Arvesen 1969, Ann. Math. Stat. 40, 2076).
    """
    n, degrees = len(values), values.sum(axis=1)
    total = degrees.sum() / 2
    without = (total - degrees) / ((n - 1) * (n - 2) / 2)
    return symmetric(float(total / (n * (n - 1) / 2)), jackknife_variance(without), n - 1, ends=(-1.0, 1.0))


def mean_across(values: Floats) -> Estimate:
    """Return the mean of values (n, m) of the pairs of n samples with m others: the jackknife leaves out each of both.

    The two sides count as independent.
    """
    means = values.mean(axis=0), values.mean(axis=1)
    variance = sum(float(mean.var(ddof=1)) / len(mean) for mean in means)  # what the jackknife of a mean comes to
    return symmetric(float(values.mean()), variance, min(values.shape) - 1, ends=(-1.0, 1.0))


def profiles(populations: Mapping[str, Rows]) -> list[Line]:
    """Return the mean share of a shower's energy in each cell along x, y and z; empty showers do not count."""
    lines: list[Line] = []
    for name, rows in populations.items():
        showers = measure(rows, with_angle=False)
        full = showers.deposited > 0
        for axis in AXES:
            share = getattr(showers, axis)[full] / showers.deposited[full, None]
            columns = zip(*mean_interval(share), strict=True)
            lines += [(name, axis, position, *estimate) for position, estimate in enumerate(columns)]
    return lines


def response(populations: Mapping[str, Rows], bins: Sequence[float] | None) -> list[Line]:
    """Return by bin of primary energy what a population's showers are on average; bins, and lines without, as `ssim`.

    response: deposited over primary energy, the sampling fraction; resolution: its standard deviation over its mean;
    hits: cells above 300 keV; mean_x.. and width_x..: position of the energy along an axis and its standard deviation
    within a shower (cells); angle and angle_spread: mean and standard deviation of the measured angle minus that of the
    primary particle (degrees). The measured angle is not calibrated: compare populations, not the mean with 0.
    """
    with_angle = has_angle(populations[REFERENCE])
    spans: list[Span] = []
    lines: list[Line] = []
    for name, rows in populations.items():
        showers = measure(rows, with_angle)
        spans = spans or energy_bins(showers.energy, bins)
        mine: list[Line] = []
        for span in spans:
            here = showers.take(in_span(showers.energy, span, spans))
            if len(here.energy) >= FEWEST:
                mine += [(name, what, *span, *found) for what, found in _response(here, with_angle)]
        lines += mine or [(name, "response", *_NO_BIN, *_NO_VALUE)]
    return lines


def _response(showers: Showers, with_angle: bool) -> Iterator[tuple[str, Estimate]]:
    fraction, full = showers.deposited / showers.energy, showers.deposited > 0
    yield "response", _mean(fraction)
    yield "resolution", spread_interval(fraction, relative=True)
    yield "hits", _mean(showers.hits)
    for axis, mean, variance in zip(AXES, showers.mean[full].T, showers.variance[full].T, strict=True):
        yield f"mean_{axis}", _mean(mean)
        yield f"width_{axis}", _mean(np.sqrt(variance))
    if with_angle and np.count_nonzero(full) > 1:
        error = (showers.measured - showers.angle)[full]
        yield "angle", _mean(error)
        yield "angle_spread", spread_interval(error)


def _mean(values: Floats) -> Estimate:
    return Estimate(*(float(end) for end in mean_interval(values)))


def cells(populations: Mapping[str, Rows]) -> list[Line]:
    """Return the spectrum of cell energies, and the distribution of the number of hits.

    energy: cells of a shower, on average, in each of three bins a decade from 10 eV to 100 GeV. Where no shower has
    one, the upper end is the limit of the share of showers that have. hits: share of showers with so many cells above
    300 keV. Bins in which neither holdout nor the population has anything are left out.
    """
    lines: list[Line] = []
    real: tuple[Floats, Floats] | None = None
    for name, rows in populations.items():
        spectra, hits = _spectra(rows)
        real = real or (spectra, hits)
        lines += [(name, "energy", *line) for line in _spectrum(spectra, real[0])]
        lines += [(name, "hits", *line) for line in _hits(hits, real[1])]
    return lines


def _spectra(rows: Rows) -> tuple[Floats, Floats]:
    """Count the cells of each shower in the bins of CELL_EDGES (n, bins), and those above HIT (n,)."""
    counts, hits = [], []
    for block in _blocks(rows):
        energy = _cells(block, rows.where).reshape(len(block), -1)
        shower, cell = np.nonzero(energy >= CELL_EDGES[0])
        bins = np.searchsorted(CELL_EDGES, energy[shower, cell], side="right") - 1
        width = len(CELL_EDGES)  # the last: whatever is above
        counts.append(np.bincount(shower * width + bins, minlength=len(block) * width).reshape(-1, width))
        hits.append(np.count_nonzero(energy > HIT, axis=1))
    return np.concatenate(counts)[:, :-1].astype(np.int32), np.concatenate(hits)


def _spectrum(counts: Floats, real: Floats) -> Iterator[Line]:
    known = (counts > 0).any(axis=0) | (real > 0).any(axis=0)
    value, low, high = mean_interval(counts)
    none = float(clopper_pearson(0, max(1, len(counts)))[1])
    for k in np.flatnonzero(known):
        ends = (max(0.0, low[k]), high[k]) if value[k] > 0 else (0.0, none)
        yield CELL_EDGES[k], CELL_EDGES[k + 1], value[k], *ends


def _hits(hits: Floats, real: Floats) -> Iterator[Line]:
    start, end = int(real.min()), int(real.max())
    width = (end - start) // HIT_BINS + 1
    reached = np.arange((end - start) // width + 1)  # by holdout
    known, counts = np.unique(np.append((hits - start) // width, reached), return_counts=True)
    counts -= np.isin(known, reached)
    for k, *estimate in zip(known, counts / len(hits), *clopper_pearson(counts, len(hits)), strict=True):
        yield float(start + k * width), float(start + (k + 1) * width), *estimate


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
    Lines without energy are the means over the bins that every population has, less populations that have none; these,
    and all where there is no such bin, have one line without value.

    An error is never negative, so that its mean is above 0 between equal populations, the more so the fewer showers
    there are: `train` shows how much. Populations are cut at random to the number of held-out showers in a bin. The
    interval is the normal one with the standard deviation of a bootstrap over the showers of both sides, around what
    the score is at these numbers. The error of the profiles counts faint tails as much as the core: where few showers
    reach a cell it has outliers, and its interval then covers the median in 80 to 85 of 100 cases (Geant4, 30 showers
    in a bin), that of the other terms in 95 or more. Bins with fewer than FEWEST showers on a side have no line.

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
        yield name, "total", None, None, *_NO_VALUE
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
    replicate may be next to nothing, and errors over it would tell of the bootstrap, not of the showers.
    """
    known = real[0] != 0
    if not known.any():
        return np.zeros(len(real))
    a, b = real[:, known], other[:, known]
    ratio = (b - b[0] / a[0] * (a - a[0])) / a[0]
    return np.asarray(np.abs(1 - ratio).mean(axis=1))


def nothing(holdout: Rows, keys: Sequence[str]) -> str:
    """Say that no bin has enough showers, what there is and which keys to change."""
    with_angle = has_angle(holdout)
    energy, angle = _all_conditions(holdout, with_angle)
    has = f"energies from {energy.min():.3g} to {energy.max():.3g} GeV"
    if with_angle:
        has += f" and angles from {angle.min():.3g} to {angle.max():.3g} degrees"
    change = " or ".join(f"`{key}`" for key in keys if with_angle or not key.startswith("angle"))
    return (
        f"physics: no bin holds {FEWEST} showers of holdout and of another population; holdout has {has}: "
        f"change {change}, or bring more showers: holdout has {len(energy):,}"
    )
