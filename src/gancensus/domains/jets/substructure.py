"""How near generated jets come to real ones in mass, pT, multiplicity and N-subjettiness: W1 of each, FPD and KPD.

Observables of both sides are computed from the samples in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.comparison.fidelity import cut, frechet_at_infinity
from gancensus.comparison.polynomial import monomials, squared_mmd
from gancensus.comparison.sliced import half_mean_wasserstein, mean_wasserstein
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows, Samples
from gancensus.domains.jets.observables import constituents_of_images, observables
from gancensus.domains.jets.relabelled_jets import relabelled_jets
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import SPLITS, half_sample_variance, sides_of_splits
from gancensus.statistics.intervals import LEVEL, clopper_pearson, symmetric

Floats = NDArray[np.float64]
Rng = Callable[[str], np.random.Generator]
Line = tuple[Any, ...]
"""A row of a table, in the order of its columns."""

QUANTITIES = ("mass", "pt", "multiplicity", "tau21", "tau32")
DISTANCES = ("fpd", "kpd")
DEGREE = 4  # of the kernel of KPD
FEWEST = 40  # jets on either side: four of each half for every quantity
NORMALISED = 1e-3  # within which the totals of jets are one
SHARE = "jet pT"  # the unit of the mass of jets whose pT is 1
NEGATIVE = 0.01  # of the pT may be below 0, as rounding or a network leaves it
BINS = 25  # across the jets of holdout
BEYOND = 5  # further bins on either side, of which the last one holds all beyond


@dataclass(frozen=True)
class Jets:
    """The observables of a population's jets, (n,) each, without the jets that have no particle."""

    values: Mapping[str, Floats]
    totals: Floats
    """The sum of the pT of the constituents (n,)."""
    left_out: int
    """Jets without a particle."""
    unit: str
    """Of pT and mass."""

    def __len__(self) -> int:
        return len(self.totals)

    @property
    def normalised(self) -> bool:
        """Whether all jets have the same total, so that pT says nothing of them."""
        return len(self) > 0 and float(np.ptp(self.totals)) <= NORMALISED * float(self.totals.max())

    def normalise(self) -> Jets:
        """Return the jets without pT, and with mass in units of the sum of the constituents' pT."""
        values = {name: one for name, one in self.values.items() if name != "pt"}
        return replace(self, values=values | {"mass": values["mass"] / self.totals}, unit=SHARE)

    def unit_of(self, name: str) -> str:
        """Return the unit of a quantity."""
        return self.unit if name in ("mass", "pt") else "1"


class Distance(NamedTuple):
    """A distance of generated from real jets, that of real ones in their place, and what permuted labels say of it."""

    estimate: Estimate
    null: float
    p: float
    """The probability of a distance as large, or of any other that is as improbable, if nothing differs."""


def measure(rows: Rows, width: float, least: float) -> Jets:
    """Return the observables of a population, which is read some rows at a time.

    Args:
        rows: images (H, W), whose pixels are massless particles at their centres, or constituents (particles, 3) with
            pt, eta and phi.
        width: of images, in eta and phi.
        least: share of a jet's total below which a pixel or a particle is not counted; values below 0 never are.

    Raises:
        UserError: samples are neither images nor constituents.
    """
    found: list[tuple[dict[str, Floats], Floats]] = []
    unit = "1"
    for block in rows.chunks(slice(0, len(rows))):
        unit = _unit(block)
        particles, totals = constituents(block, width, least, rows.where)
        found.append((observables(particles[totals > 0]), totals))
    values = {name: np.concatenate([block[name] for block, _ in found]) for name in QUANTITIES}
    totals = np.concatenate([one for _, one in found])
    return Jets(values, totals[totals > 0], int(np.count_nonzero(totals <= 0)), unit)


def constituents(samples: Samples, width: float, least: float, where: str) -> tuple[Floats, Floats]:
    """Return the particles (n, particles, 3) of jets that count, and the sum of the pT of all (n,); see `measure`."""
    x = samples.natural()
    if x.ndim != 3:
        raise UserError(
            f"{where}: samples have the shape {samples.shape}; substructure needs jets: images (H, W) of one channel, "
            "or constituents (particles, 3) with pt, eta and phi"
        )
    clouds = x.shape[2] == 3
    given = x[..., 0] if clouds else x
    weights = np.maximum(given, 0.0)
    if clouds and weights.sum() - given.sum() > NEGATIVE * weights.sum():
        raise UserError(
            f"{where}: many particles have a pT below 0; substructure needs them as pT, eta, phi, in this order"
        )
    totals = weights.reshape(len(x), -1).sum(axis=1)
    counted = (weights > 0) & (weights >= least * totals.reshape(-1, *(1,) * (weights.ndim - 1)))
    if clouds:
        return np.where(counted[..., None], x, 0.0), totals
    return constituents_of_images(np.where(counted, weights, 0.0), width), totals


def _unit(samples: Samples) -> str:
    scale = samples.scale
    return scale.units[scale.names.index("pt")] if scale and "pt" in scale.names else "1"


def alike(populations: Mapping[str, Jets]) -> dict[str, Jets]:
    """Return populations as they are compared: without pT, and masses in its units, where `holdout` is normalised."""
    if populations["holdout"].normalised:
        return {name: jets.normalise() for name, jets in populations.items()}
    return dict(populations)


def distances(real: Jets, fake: Jets, null: Jets, *, rng: Rng) -> dict[str, Distance]:
    """Compute the distances of generated jets from real ones, with intervals and null values.

    W1 of each quantity, in its unit (`mean_wasserstein`; JetNet: Kansal et al., arXiv:2106.11535). fpd and kpd, the
    Frechet and the kernel physics distance (Kansal et al., Phys. Rev. D 107 (2023) 076017, arXiv:2211.10295), of all
    quantities together, each divided by the largest absolute value that real jets have. fpd is the Frechet distance
    extrapolated to infinite samples, by `frechet_at_infinity` in the place of JetNet's line through batches drawn with
    replacement. kpd is the unbiased squared MMD with the kernel (x.y / d + 1)^4 of all pairs in the place of the median
    over such batches. Either may be negative where nothing differs.

    `fake` and `null` are cut at random to the smaller of their sizes, as W1 is larger for fewer jets. Intervals are
    those of half-samples of both sides, Student's with SPLITS degrees of freedom, around what the distance is on
    average at these sizes. The p-values are those of `relabelled_jets`.

    Args:
        real: at least FEWEST jets.
        fake: at least FEWEST jets.
        null: at least FEWEST jets, real ones that are disjoint from `real`.
        rng: gives random numbers by name.
    """
    names = list(real.values)
    x, *others = (np.column_stack([jets.values[name] for name in names]) for jets in (real, fake, null))
    size, cuts = min(map(len, others)), rng("cuts")
    y, z = (cut(one, size, cuts) for one in others)
    scale = np.abs(x).max(axis=0)
    scale[scale == 0] = 1.0
    found, nulls = (_estimates(x, one, scale, names, rng("halves")) for one in (y, z))
    p = relabelled_jets(x, y, x / scale, y / scale, DEGREE, rng("labels"))
    values = zip(found.items(), nulls.values(), p.tolist(), strict=True)
    return {name: Distance(estimate, other.value or 0.0, chance) for (name, estimate), other, chance in values}


def _estimates(x: Floats, y: Floats, scale: Floats, names: list[str], rng: np.random.Generator) -> dict[str, Estimate]:
    """Return the distances of jets y (m, d) from jets x (n, d)."""
    x_sides, y_sides = sides_of_splits(len(x), len(y), SPLITS, rng)
    found = {}
    for k, name in enumerate(names):
        one, other = x[:, [k]], y[:, [k]]
        halves = half_mean_wasserstein(one, other, x_sides, y_sides)
        variance = float(half_sample_variance(halves[:, 0] - halves[:, 1]))
        found[name] = symmetric(mean_wasserstein(one, other), variance, SPLITS, LEVEL, (0.0, np.inf))
    found["fpd"] = frechet_at_infinity(x / scale, y / scale, SPLITS, LEVEL, rng=rng)
    phi = [monomials(one / scale, DEGREE) for one in (x, y)]
    subsets = [np.hstack([np.ones((len(one), 1)), one == 1, one == -1]) for one in (x_sides, y_sides)]
    whole, *halved = squared_mmd(*phi, *subsets)
    a, b = np.split(np.array(halved), 2)
    found["kpd"] = symmetric(float(whole), float(half_sample_variance(a - b)), SPLITS, LEVEL)
    return found


def compared(
    populations: Mapping[str, Jets], generated: Iterable[str], rng: Callable[[str], np.random.Generator]
) -> Iterator[Line]:
    """Yield the table of distances: population, quantity, value, low, high, null, p, unit, samples, others, left out.

    Too few jets, or none but equal ones on the real side, have no values.
    """
    jets = alike(populations)
    real, null = jets["holdout"], jets["train"]
    for name in generated:
        fake = jets[name]
        about = (min(len(fake), len(null)), len(real), fake.left_out)
        if min(len(real), *about[:2]) < FEWEST:
            found: dict[str, Line] = dict.fromkeys((*real.values, *DISTANCES), (None,) * 5)
        else:
            judged = distances(real, fake, null, rng=lambda part, name=name: rng(f"{name}/{part}"))  # type: ignore[misc]
            found = {quantity: (*one.estimate, one.null, one.p) for quantity, one in judged.items()}
        for quantity, values in found.items():
            yield name, quantity, *values, real.unit_of(quantity), *about


def histograms(populations: Mapping[str, Jets]) -> Iterator[Line]:
    """Yield how each quantity is distributed: population, quantity, bin, share, its Clopper-Pearson ends, and unit.

    There are BINS equal bins from the least to the greatest value of holdout, BEYOND more on either side (but none
    below 0), and what is beyond those is in the outermost one. Bins of multiplicity are whole numbers wide.
    """
    jets = alike(populations)
    real = jets["holdout"]
    for quantity, known in real.values.items() if len(real) else ():
        edges = _edges(known, whole=quantity == "multiplicity")
        for name, one in jets.items():
            counts, unit = _counts(one.values[quantity], edges), one.unit_of(quantity)
            low, high = clopper_pearson(counts, max(1, len(one)))
            columns = (edges[:-1], edges[1:], counts / max(1, len(one)), low, high)
            for line in zip(*(column.tolist() for column in columns), strict=True):
                yield name, quantity, *line, unit


def _edges(known: Floats, whole: bool) -> Floats:
    low, high = float(known.min()), float(known.max())
    step = int(high - low) // BINS + 1.0 if whole else ((high - low) or abs(high) or 1.0) / BINS
    below = min(BEYOND, int(low / step))
    return np.asarray(low + step * np.arange(-below, BINS + BEYOND + 1))


def _counts(values: Floats, edges: Floats) -> NDArray[np.int64]:
    """Count values by bin; the outermost hold all beyond."""
    place = np.searchsorted(edges, values, side="right") - 1
    return np.bincount(np.clip(place, 0, len(edges) - 2), minlength=len(edges) - 1)
