"""How dense the manifold of each class is, and how well a generator renders it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.comparison.fidelity import cut
from gancensus.comparison.frechet import frechet_distance
from gancensus.contracts.errors import UserError
from gancensus.contracts.score import Score
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import NOTHING, Row, rows
from gancensus.search.neighbours import nearest
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import rank_correlation

Floats = NDArray[np.float64]

LEAST = 10  # samples of a group


class Groups(NamedTuple):
    """Classes of real samples, or clusters within them: each is a data set of its own."""

    names: tuple[str, ...]
    centres: Floats
    """Means of the groups (g, d)."""
    label: NDArray[np.int64] | None
    """The class of each group (g,), where samples have any."""

    def of(self, z: Floats, label: NDArray[Any] | None) -> NDArray[np.int64]:
        """Return the group (n,) with the nearest centre to each of z (n, d), of its class where both have classes.

        -1 where a class is none of the groups'.
        """
        if label is None or self.label is None:
            return nearest(z, self.centres).rows[:, 0]
        found = np.full(len(z), -1, dtype=np.int64)
        for one in np.unique(self.label):
            here, own = np.flatnonzero(label == one), np.flatnonzero(self.label == one)
            if len(here):
                found[here] = own[nearest(z[here], self.centres[own]).rows[:, 0]]
        return found


class Density(NamedTuple):
    """A group: its mean score, and the Frechet distance of the generated samples in it."""

    name: str
    score: str
    density: float
    fid: float
    null: float
    """The distance of as many other real samples of the group, which is that of finite numbers alone."""
    relative: float
    """What the distance is above `null`, in units of the group's variance, so that a group's size does not count."""
    samples: int


class Correlations(NamedTuple):
    """Rank correlations of density with FID, less that of real samples, over classes or clusters."""

    classes: int
    relative: Estimate
    """With FID in units of the variance of a class."""
    excess: Estimate
    """With FID as it is."""


def correlations(table: Columns) -> dict[tuple[str, str], Correlations]:
    """Return by generator and score how density and fidelity go together."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in (row for row in rows(table) if row["label"] is not None):
        found.setdefault((row["generator"], row["score"]), []).append(row)
    correlated = {}
    for key, some in found.items():
        density, relative = ([row[name] for row in some] for name in ("density", "relative"))
        excess = [row["fid"] - row["null"] for row in some]
        correlated[key] = Correlations(
            len(some), rank_correlation(density, relative), rank_correlation(density, excess)
        )
    return correlated


def signed(correlation: Estimate) -> str:
    """Write a correlation with its interval: -0.52 (-0.86 to 0.14)."""
    value, low, high = (NOTHING if end is None else f"{end:.2f}".replace("-", "−") for end in correlation)
    return f"{value} ({low} to {high})"


def groups_of(z: Floats, label: NDArray[Any] | None, wanted: int, rng: np.random.Generator) -> Groups:
    """Cut classes of real vectors z (n, d) into clusters (k-means), as many in each, so that there are enough groups.

    Classes alone, where there are enough of them.
    """
    from sklearn.cluster import KMeans  # slow to import

    classes = np.zeros(len(z), dtype=np.int64) if label is None else label.astype(np.int64)
    each = max(1, math.ceil(wanted / len(np.unique(classes))))
    names, centres, of = [], [], []
    for one in np.unique(classes):
        rows = z[classes == one]
        clusters = min(each, len(rows))
        model = KMeans(clusters, n_init=4, random_state=int(rng.integers(2**31))).fit(rows)
        centres.append(model.cluster_centers_)
        names += [str(one) if clusters == 1 else f"{one}/{k + 1}" for k in range(clusters)]
        of += [int(one)] * clusters
    return Groups(tuple(names), np.concatenate(centres), None if label is None else np.array(of))


def densities(
    groups: Groups,
    real: tuple[Floats, NDArray[Any] | None],
    fake: tuple[Floats, NDArray[Any] | None],
    scores: Mapping[str, Score],
    rng: np.random.Generator,
) -> list[Density]:
    """Return density and Frechet distance of each group that has enough samples, all at equal numbers.

    The distance is too large by an amount that depends on the numbers and on the shape of a group, and so goes with its
    density even where the generator is perfect. Half of a group's real samples have that too, in the generated ones'
    place. All depends on the number of samples, so each group is cut at random to those of the smallest. Groups with
    fewer than d + 2 generated samples or twice as many real ones, or than LEAST, are left out, since no Gaussian can be
    fitted to them; so are those that are one point.

    Args:
        groups: of the real samples.
        real: vectors (n, d), and their classes.
        fake: vectors (m, d), and their classes, if they have any.
        scores: by name.
        rng: cuts the groups.
    """
    of_real, of_fake = groups.of(*real), groups.of(*fake)
    count = [np.bincount(of[of >= 0], minlength=len(groups.names)) for of in (of_real, of_fake)]
    sizes = np.minimum(count[0] // 2, count[1])
    enough = np.flatnonzero(sizes >= max(real[0].shape[1] + 2, LEAST))
    size = int(sizes[enough].min()) if len(enough) else 0
    found = []
    for group in enough.tolist():
        mixed = rng.permutation(np.flatnonzero(of_real == group))[: 2 * size]
        x, other = (real[0][np.sort(rows)] for rows in (mixed[:size], mixed[size:]))
        distance, null = (frechet_distance(x, y) for y in (cut(fake[0][of_fake == group], size, rng), other))
        variance = float(x.var(axis=0, ddof=1).sum())
        if variance == 0:
            continue
        for name, score in scores.items():
            with suppress(UserError):  # such as a group in a plane, of which a score cannot be taken
                mean = float(score.score(x.astype(np.float32), rng=rng).mean())
                facts = (mean, distance, null, (distance - null) / variance, size)
                found.append(Density(groups.names[group], name, *facts))
    return found
