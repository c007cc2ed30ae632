"""Profiles, energy response and cells of calorimeter showers, as physicists look at them.

Every number has a 95 % interval. Each population is read a few showers at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gancensus.contracts.samples import REFERENCE, Rows
from gancensus.domains.showers.bins import FEWEST, NO_BIN, NO_VALUE, Line, Span, energy_bins, in_span
from gancensus.domains.showers.measures import AXES, HIT, Floats, Showers, cells_in_gev, has_angle, measure
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import clopper_pearson, deviate, mean_interval

CELL_EDGES = np.array([float(f"{digit}e{power}") for power in range(-8, 2) for digit in (1, 2, 5)])  # GeV
HIT_BINS = 25  # across the numbers of hits of the held-out showers


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
    """Return averages over a population's showers by bin of primary energy; bins, and lines without one, as in `ssim`.

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
        lines += mine or [(name, "response", *NO_BIN, *NO_VALUE)]
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
    one, the upper end is the limit of the share of showers that have. hits: share of showers by their number of cells
    above 300 keV. Bins in which neither holdout nor the population has anything are left out.
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
    for chunk in rows.chunks(slice(0, len(rows))):
        cells = cells_in_gev(chunk, rows.where)
        shower, energy = cells.of_sample(), cells.value
        some = energy >= CELL_EDGES[0]
        bins = np.searchsorted(CELL_EDGES, energy[some], side="right") - 1
        width = len(CELL_EDGES)  # the last: all above
        counts.append(np.bincount(shower[some] * width + bins, minlength=len(chunk) * width).reshape(-1, width))
        hits.append(np.bincount(shower[energy > HIT], minlength=len(chunk)))
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
