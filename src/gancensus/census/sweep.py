"""The sweep: how much of a support size is in the data, and how much in the definition of a duplicate.

Thresholds at the alpha-quantile of real pairs make a single metric's collision probability alpha by construction, and
that of k independent metrics alpha^k. What carries information is the ratio between populations, and how far the
joint probability is from alpha^k: a sweep over alpha and over the subsets of the metrics shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numba
import numpy as np
import numpy.typing as npt

from gancensus.census.birthday import Collision, collision
from gancensus.census.support import collision_columns, ratio_columns
from gancensus.config.sections import Census
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Metric
from gancensus.contracts.samples import REFERENCE, Rows
from gancensus.contracts.table import Columns
from gancensus.search.pairs import Pairs, Side, find_pairs, merge, none
from gancensus.search.populations import Population
from gancensus.search.thresholds import quantile_rank
from gancensus.storage.schemas import SWEEP

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

TIED = 0.8  # of 1/alpha: below, many distances are equal


@dataclass(frozen=True)
class Cell:
    """Collisions under the definition that `metrics` (their columns) make, each at its threshold of `alpha`.

    `independent` = alpha^k is what k independent metrics would give.
    """

    metrics: tuple[int, ...]
    alpha: float
    independent: float
    collision: Collision


def sweep(
    values: FloatArray,
    i: IntArray,
    j: IntArray,
    samples: int,
    alphas: Sequence[float],
    thresholds: FloatArray,
    level: float = 0.95,
) -> list[Cell]:
    """Collisions of every non-empty subset of the metrics at every alpha, ordered by size of the subset, then by alpha.

    `values` (pairs, metrics) are the distances of all compared pairs (i, j), int64 row positions, of a population:
    every pair, or under matched conditions those within a condition. `thresholds` (alphas, metrics) belong to the
    decreasing `alphas`; a pair is a duplicate where all values are at most their thresholds (never for NaN). The
    subsets with one metric less than all of them are the leave-one-out table.

    Raises ValueError when alphas do not fall, or a threshold grows where alpha falls.
    """
    if np.any(np.diff(alphas) >= 0) or np.any(np.diff(thresholds, axis=0) > 0):
        raise ValueError("a sweep needs decreasing alphas, and thresholds that do not grow with them")
    partners = np.bincount(np.concatenate([i, j]), minlength=samples)
    degrees = _degrees(values, i, j, samples, np.ascontiguousarray(thresholds))
    metrics = values.shape[1]
    cells = []
    for subset in sorted(range(1, 2**metrics), key=lambda subset: (subset.bit_count(), subset)):
        columns = tuple(m for m in range(metrics) if subset >> m & 1)
        for a, alpha in enumerate(alphas):
            found = collision(degrees[subset, a], partners, level)
            cells.append(Cell(columns, alpha, alpha ** len(columns), found))
    return cells


def thresholds_of(values: FloatArray, alphas: Sequence[float]) -> tuple[list[float], FloatArray]:
    """Return the alphas, decreasing, and their quantiles of the distances of real pairs, float64 (alphas, metrics).

    `values` (pairs, metrics). Alphas of less than one pair are left out; where all are, that of one pair is used.
    Raises UserError without a pair.
    """
    pairs = len(values)
    if pairs == 0:
        raise UserError("sweep: none of the real samples that it measures are under the same conditions; raise `sweep`")
    kept = [alpha for alpha in sorted(set(alphas), reverse=True) if alpha * pairs >= 1] or [1 / pairs]
    ranks = [quantile_rank(alpha, pairs) for alpha in kept]
    return kept, np.sort(values, axis=0)[np.array(ranks) - 1]


def tautology(alphas: Sequence[float | None], most: float | None = None) -> str | None:
    """What a reader must know about a definition whose metrics have these alphas, None for a fixed threshold.

    With one calibrated metric, and no other, the support of the real data says nothing about them; else None.

    most: upper end of the effective support of held-out samples.
    """
    if len(alphas) != 1 or alphas[0] is None:
        return None
    support = 1 / alphas[0]
    if most is not None and most < TIED * support:
        return (
            "Many distances are equal, so that more pairs than a share of alpha are duplicates: that is why the real "
            f"data's effective support is below 1/alpha = {support:,.4g}; only the ratio carries information."
        )
    return (
        f"With a single metric the real data's effective support is 1/alpha = {support:,.4g} by construction; only the "
        "ratio carries information."
    )


def sweep_study(
    name: str,
    definition: Mapping[str, Metric],
    populations: Mapping[str, Mapping[str | None, Rows]],
    settings: Census,
    progress: Callable[[str], None] = lambda text: None,
) -> Columns:
    """Return the table of a definition's sweep: a row per subset of its metrics, alpha and population.

    Args:
        name: of the definition.
        definition: the metrics by name, of which those without a fixed threshold are swept.
        populations: by name, `calibrate` and the reference among them; samples, and vectors by encoder.
        settings: the section of the census.
        progress: called with a line on how far it is.

    Raises:
        UserError: no pair of `calibrate` is under the same conditions.
    """
    metrics = list(definition.values())
    names = [name for name, metric in definition.items() if metric.fixed is None]
    _, calibrate = _distances(metrics, populations["calibrate"], settings.sweep)
    alphas, thresholds = thresholds_of(calibrate.values, settings.alphas)
    cells: dict[str, list[Cell]] = {}
    for population, spaces in populations.items():
        if population != "calibrate":
            progress(f"sweep of {population}")
            samples, found = _distances(metrics, spaces, settings.sweep)
            cells[population] = sweep(found.values, found.i, found.j, samples, alphas, thresholds, settings.level)
    rows = [
        {
            "definition": name,
            "metrics": "+".join(names[m] for m in cell.metrics),
            "alpha": cell.alpha,
            "population": population,
            "independent": cell.independent,
            **collision_columns(cell.collision),
            **ratio_columns(cell.collision, None if population == REFERENCE else reference.collision, settings.level),
        }
        for population, swept in cells.items()
        for cell, reference in zip(swept, cells[REFERENCE], strict=True)
    ]
    return {column: [row[column] for row in rows] for column in SWEEP.names}


def _distances(metrics: Sequence[Metric], spaces: Mapping[str | None, Rows], samples: int) -> tuple[int, Pairs]:
    """Measure every pair of some samples of a population, in the calibrated metrics; conditions only select pairs."""
    features = Population(metrics, spaces).some(samples)
    limits = [inf if metric.fixed is None else metric.fixed for metric in metrics]
    found = merge([none(len(metrics)), *find_pairs(metrics, limits, Side.of(features))])
    swept = [metric.fixed is None for metric in metrics]
    return len(features[0][0]), found._replace(values=np.ascontiguousarray(found.values[:, swept]))


@numba.njit(cache=True, nogil=True)
def _degrees(values: FloatArray, i: IntArray, j: IntArray, samples: int, thresholds: FloatArray) -> IntArray:
    """Duplicates of each sample, int64 (2^metrics, alphas, samples), under each set of metrics (bits) and each alpha.

    A pair within the threshold of an alpha is within those of all larger ones: per metric it has a depth, the number of
    thresholds that hold, and a subset has the least of its metrics'. Counted at that depth, then added up from below.
    """
    alphas, metrics = thresholds.shape
    degrees = np.zeros((2**metrics, alphas, samples), np.int64)
    depth = np.empty(2**metrics, np.int64)
    depth[0] = alphas
    for pair in range(i.size):
        for m in range(metrics):
            own = 0
            while own < alphas and values[pair, m] <= thresholds[own, m]:
                own += 1
            bit = 1 << m
            for rest in range(bit):
                least = min(own, depth[rest])
                depth[bit + rest] = least
                if least > 0:
                    degrees[bit + rest, least - 1, i[pair]] += 1
                    degrees[bit + rest, least - 1, j[pair]] += 1
    for a in range(alphas - 2, -1, -1):
        degrees[:, a] += degrees[:, a + 1]
    return degrees
