"""The features that set each node of a Mapper graph apart from the rest of the samples.

Values inside a node are compared with those elsewhere by their ranks: Cliff's delta, P(inside > elsewhere) -
P(inside < elsewhere) (Psychol. Bull. 114 (1993) 494), is 1 where all inside are larger, and -1 where all are smaller.
Of the samples that built the graph each is in a node because others are near it, so only others are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import gammainc, gammaincc, ndtr

from gancensus.contracts.cells import Reading
from gancensus.contracts.columns import Column, is_written
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples, flatten
from gancensus.contracts.scales import columns_of
from gancensus.domains.topology.mapper_graph import Members
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import symmetric
from gancensus.statistics.roc import doubt

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST = 4096  # values of a sample that are tested
KEPT = 10  # features of a node that are kept
RATE = 0.05  # false discovery rate up to which a feature sets a node apart
AT_ONCE = 1 << 22  # values that are ranked at once
NORMAL = 1e-3  # skewness below which a sum of ranks is taken for normal


class Feature(NamedTuple):
    """What is measured of a sample; `shift` + `factor` times the values of the samples are natural ones."""

    name: str
    unit: str = "1"
    shift: float = 0.0
    factor: float = 1.0
    kind: str = "number"
    """What its values are: number, date, time, or share: that of samples of a category, which are 1, and others 0."""

    def natural(self, values: NDArray[np.floating]) -> float:
        """Return the median of values (n,) in natural units, of a category the share; to 7 digits, as float32 has."""
        of = float(np.mean(values, dtype=np.float64) if self.kind == "share" else np.median(values))
        return float(f"{self.shift + self.factor * of:.7g}")


class Features(NamedTuple):
    """What is measured of n samples."""

    features: Sequence[Feature]
    column: Callable[[int], NDArray[np.floating]]
    """Returns the values of a feature (n,), by its number."""
    known: int
    """Features that there are; more than those above where there are very many."""


class Effect(NamedTuple):
    """A feature that sets a node apart."""

    node: int
    feature: Feature
    inside: float
    """Its median inside, of a category the share."""
    elsewhere: float
    """The same elsewhere."""
    effect: Estimate
    """Cliff's delta."""
    adjusted: float
    """False discovery rate, over all nodes and features."""


def features_of(samples: Samples, encoder: str | None) -> Features:
    """Return the values of x and the conditions as features; of more than MOST values a random choice.

    It is the same for samples of one shape. Every third value of images would be of one channel.

    encoder: in whose space the samples are; None: they are what they are.
    """
    x = flatten(samples.x)
    values = x.shape[1]
    chosen = np.sort(derive_rng(0, "features").permutation(values)[:MOST])
    known = _row_features(samples, encoder) if samples.are_rows else _cell_features(samples, chosen)
    measured = [known[k] for k in chosen] if samples.are_rows else known
    measured += [Feature(name, samples.units.get(name, "1")) for name in samples.conditions]
    conditions = list(samples.conditions.values())
    return Features(
        measured,
        lambda k: x[:, chosen[k]] if k < len(chosen) else conditions[k - len(chosen)],
        values + len(conditions),
    )


def _row_features(samples: Samples, encoder: str | None) -> list[Feature]:
    """Return the values of rows: columns and categories of a table, or coordinates in the space of an encoder."""
    if encoder is not None:
        return [Feature(f"{encoder} x{k}") for k in range(samples.shape[0])]
    return [one for column in columns_of(samples) for one in _column_features(column)]


def _column_features(column: Column) -> list[Feature]:
    """Return a column as features: categories that have no order, each by itself, of two the second."""
    if column.categorical:
        shown = column.categories if column.type == "nominal" else column.categories[1:]
        return [Feature(f"{column.name} = {one}", "1", 0.5, 0.5, "share") for one in shown]
    low, high = column.ends
    kind = Reading(column.reading).kind if is_written(column) else "number"
    return [Feature(column.name, column.unit, low / 2 + high / 2, (high / 2 - low / 2) or 1.0, kind)]


def _cell_features(samples: Samples, chosen: Integers) -> list[Feature]:
    """Return values on a grid, such as "pixel (3, 14)": row, column and so on, from 1."""
    scale, shape = samples.scale, samples.shape
    names, units = (("value",), ("1",)) if scale is None else (scale.names, scale.units)
    ends = [np.full(shape, value, dtype=np.float32) for value in (0, 1)]
    zero, one = (flatten((end if scale is None else scale.decode(end))[None])[0] for end in ends)
    found = []
    for k, place in zip(chosen, np.stack(np.unravel_index(chosen, shape), axis=1).tolist(), strict=True):
        several = len(names) > 1
        name, unit = (names[place[-1]], units[place[-1]]) if several else (names[0], units[0])
        at = ", ".join(str(i + 1) for i in (place[:-1] if several else place))
        word = "pixel" if name in ("value", "intensity") else name
        found.append(Feature(f"{word} ({at})", unit, float(zero[k]), float(one[k] - zero[k])))
    return found


def effects(features: Features, members: Members, nodes: int) -> list[Effect]:
    """Return the features that set each node apart, at most KEPT of each, by node, then by the size of the effect.

    The p-value is that of the sum of ranks inside where the samples inside are any of all, from its mean, variance and
    skewness by a Pearson distribution of type III, as few values that differ from the rest make it skew (Mielke &
    Berry, Permutation Methods, 2nd ed., section 2.3). Rates are those of Benjamini & Yekutieli, Ann. Stat. 29 (2001)
    1165, which hold for any dependence: nodes overlap, and features are correlated either way. The interval is that of
    the area under the ROC curve (DeLong et al., Biometrics 44 (1988) 837), which Cliff's delta is twice, less 1.

    Args:
        features: of n samples.
        members: the nodes of these samples.
        nodes: how many nodes there are.
    """
    from scipy.stats import false_discovery_control

    delta, p = _tests(features, members, nodes)
    tested = np.isfinite(p)
    adjusted = np.full(p.shape, np.nan)
    if tested.any():
        adjusted[tested] = false_discovery_control(p[tested], method="by")
    found: list[Effect] = []
    ordered: dict[int, Integers] = {}
    for node in range(nodes):
        apart = np.flatnonzero(adjusted[node] <= RATE)
        kept = apart[np.argsort(-np.abs(delta[node, apart]), kind="stable")][:KEPT]
        inside = np.zeros(members.samples, dtype=np.bool_)
        inside[members.rows[members.nodes == node]] = True
        for k in kept.tolist():
            column = features.column(k)
            if k not in ordered:
                ordered[k] = np.argsort(column, kind="stable")
            effect = _estimate(float(delta[node, k]), column[ordered[k]], inside[ordered[k]])
            natural = features.features[k].natural
            parts = natural(column[inside]), natural(column[~inside])
            found.append(Effect(node, features.features[k], *parts, effect, float(adjusted[node, k])))
    return found


def _tests(features: Features, members: Members, nodes: int) -> tuple[Floats, Floats]:
    """Return Cliff's delta and the p-value of each node and feature (nodes, features); NaN where nothing can be said.

    That is where less than two samples are inside or elsewhere, or all values are equal.
    """
    n, held = members.samples, members.counts(nodes).astype(np.float64)[:, None]
    where = members.nodes, members.rows
    incidence = csr_array((np.ones(len(members.rows)), where), shape=(nodes, n))
    width = max(1, AT_ONCE // max(n, 1))
    delta, p = (np.full((nodes, len(features.features)), np.nan) for _ in range(2))
    some = ((held >= 2) & (n - held >= 2)).ravel()
    for start in range(0, len(features.features) if some.any() else 0, width):
        part = slice(start, start + width)
        ranks = np.stack([features.column(k) for k in range(len(features.features))[part]], axis=1)
        ranks = _centred_ranks(ranks)
        sums = (incidence @ ranks)[some]
        delta[some, part] = 2 * sums / (held[some] * (n - held[some]))
        p[some, part] = rank_sum_p(sums, held[some], n, (ranks**2).mean(axis=0), (ranks**3).mean(axis=0))
    return delta, p


def _centred_ranks(x: NDArray[np.floating]) -> Floats:
    """Return the ranks of each column (n, k), equal values sharing theirs, less their mean."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(x, axis=0) - (len(x) + 1) / 2)


def rank_sum_p(sums: Floats, held: Floats, n: int, square: Floats, cube: Floats) -> Floats:
    """Return the two-sided p-values of sums over some of n centred values, drawn without replacement.

    Variance and third moment of the sum of m are m (n - m) / (n - 1) `square` and
    m (n - m) (n - 2 m) / ((n - 1) (n - 2)) `cube`. NaN where all values are equal.

    Args:
        sums: (nodes, features).
        held: m, 2 to n - 2 (nodes, 1).
        n: values.
        square: their mean square (features,).
        cube: their mean third power (features,).
    """
    spread = np.sqrt(held * (n - held) / (n - 1) * square)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = sums / spread
        skew = held * (n - held) * (n - 2 * held) / ((n - 1) * (n - 2)) * cube / spread**3
        z, skew = np.where(skew < 0, -z, z), np.abs(skew)
        shape = 4 / np.maximum(skew, NORMAL) ** 2
        at = np.maximum(shape + z * np.sqrt(shape), 0)
        skewed = np.where(z > 0, gammaincc(shape, at), gammainc(shape, at))
    p = np.minimum(1, 2 * np.where(skew < NORMAL, ndtr(-np.abs(z)), skewed))
    return np.asarray(np.where(spread > 0, p, np.nan))


def _estimate(delta: float, values: NDArray[np.floating], inside: Flags) -> Estimate:
    """Return Cliff's delta with its interval; values (n,) ascend, and `inside` (n,) says which are in the node."""
    sides = int(inside.sum()), int((~inside).sum())
    variance = max(_area_variance(values.astype(np.float64), inside), doubt(sides))
    return symmetric(delta, 4 * variance, ends=(-1.0, 1.0))


@numba.njit(cache=True, nogil=True)
def _area_variance(values: Floats, inside: Flags) -> float:
    """Return DeLong's variance: that of the placements of either side over its number, equal values being halves."""
    n = inside.sum()
    m = len(inside) - n
    below = np.zeros(2)
    total, square = np.zeros(2), np.zeros(2)
    start = 0
    while start < len(values):
        end, a = start, 0
        while end < len(values) and values[end] == values[start]:
            a += inside[end]
            end += 1
        b = end - start - a
        x, y = (below[1] + b / 2) / m, (below[0] + a / 2) / n
        total[0] += a * x
        square[0] += a * x * x
        total[1] += b * y
        square[1] += b * y * y
        below[0] += a
        below[1] += b
        start = end
    of_x = (square[0] - total[0] ** 2 / n) / (n - 1) / n
    of_y = (square[1] - total[1] ** 2 / m) / (m - 1) / m
    return float(of_x + of_y)
