"""How similar showers are: the mean SSIM of pairs, within a population and with held-out ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features
from gancensus.contracts.samples import REFERENCE, Rows, Samples
from gancensus.distances.ssim import WINDOW as SIDE
from gancensus.distances.ssim import Similarity, planes
from gancensus.domains.showers.bins import FEWEST, NO_BIN, NO_VALUE, Line, Rng, Span, energy_bins, in_span, near
from gancensus.domains.showers.measures import Floats, all_conditions, has_angle
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import jackknife_variance, symmetric

COMPARED = 100  # showers of a bin whose pairs are compared


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
    known = {name: all_conditions(rows, with_angle) for name, rows in {REFERENCE: holdout, **generated}.items()}
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
    return lines + [(*place, None, *NO_BIN, *NO_VALUE) for place in missing]


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
    """Read what SSIM compares of the picked rows, in one pass over the population; None for bins without any."""
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
    while parts:  # parts that are joined are dropped, to save memory
        part = parts.pop(0)
        found.append(tuple(np.concatenate(same) for same in zip(*part, strict=True)) if part else None)
    return found


def _wide_enough(samples: Samples, where: str) -> Samples:
    if samples.x.ndim != 4 or min(samples.x.shape[1:3]) < SIDE:
        raise UserError(
            f"physics: {where}: showers of {' x '.join(map(str, samples.x.shape[1:]))} cells, but SSIM needs "
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
    variance = sum(float(mean.var(ddof=1)) / len(mean) for mean in means)  # the jackknife variance of a mean
    return symmetric(float(values.mean()), variance, min(values.shape) - 1, ends=(-1.0, 1.0))
