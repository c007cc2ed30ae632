#!/usr/bin/env python
"""Measure the search for duplicates beside the packages that people would use, on one core, with equal results.

Every row of the table runs both sides in turns in the same process, or each in a process of its own where memory is
measured, and compares what they find. A peer that would take hours is timed on a sample of the pairs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from math import inf, nan, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import gancensus.config.steps as step

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import chi2

from gancensus.census.birthday import batches, first_hits
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Features, Metric
from gancensus.contracts.samples import Samples, flatten
from gancensus.contracts.showers import shower_scale
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.domains.general.metric_scalar import Scalar
from gancensus.domains.images.metric_ssim import Ssim
from gancensus.domains.jets.metric_emd import Emd
from gancensus.domains.jets.toys import images_of, toy_jets
from gancensus.domains.points.generator_toygan import Toygan
from gancensus.domains.points.source_camelback import Camelback
from gancensus.domains.showers.metric_shape import Shape
from gancensus.domains.showers.source_gflash import Gflash
from gancensus.plotting import style
from gancensus.search.pairs import Pairs, Side, costs, cut, deal, find_pairs, merge, none
from gancensus.storage.samples import SampleRows, write_samples
from gancensus.storage.schemas import FLOAT, STRING, column
from gancensus.storage.tables import write_bytes, write_table

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Rows = NDArray[np.int64]
Weights = dict[str, NDArray[Any]]
Target = tuple[float | None, float | None]  # the ratio that a row should reach at least, and aims at

SCHEMA = pa.schema(
    [
        column("work", STRING, about="what is done"),
        column("peer", STRING, about="what else does it"),
        column("ratio", FLOAT, about="what the peer takes over what we take"),
        column("equal", pa.bool_(), about="whether the results are equal"),
        column("share_of_limit", FLOAT, about="share of what the processor can do at most; null where not known"),
    ]
)
TURNS, BUDGET = 5, 10.0  # each side runs so often, or until it has taken so many seconds
TOLERANCE = 1e-5  # of a threshold: how far values may differ, and where float32 may decide otherwise
CHECKED = 200  # pairs found that a slow peer decides as well, beside those of its sample
ALPHA = 1e-4  # share of the pairs that are Euclidean duplicates
SHOWER = (51, 51, 25)
DIMENSIONS = 64  # of the samples of `large` and `growth`
FIRST = 10  # samples of `large` whose pairs brute force finds as well
GROWTH = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
FITTED = 10_000  # samples from which the growth follows its power: below, the fixed costs show
BLOCK = 50_000  # samples held at a time where memory is looked at


class Timed(NamedTuple):
    """What a call took and returned; megabytes is its peak of memory, where it was measured."""

    seconds: float
    result: Any
    megabytes: float = nan


class Row(NamedTuple):
    """A piece of work, what it takes us and a peer (in `unit`), and whether the results are equal.

    operations: 2 k per pair for vectors of k values, what a plain product of matrices needs; None where that says
    nothing about the work.
    """

    work: str
    peer: str
    ours: float
    theirs: float
    equal: bool
    operations: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """How many times what we take the peer takes."""
        return self.theirs / self.ours


class Case(NamedTuple):
    """A function that returns rows, its arguments at full and at toy size, and for each row what it should reach."""

    rows: Callable[..., list[Row]]
    full: tuple[Any, ...]
    toy: tuple[Any, ...]
    targets: tuple[Target, ...]


# How to measure


def timed(call: Callable[[], Any]) -> Callable[[], Timed]:
    """Make a call that measures its processor time, all threads added; other work on the machine does not count."""

    def run() -> Timed:
        start = time.process_time()
        result = call()
        return Timed(time.process_time() - start, result)

    return run


def race(*sides: Callable[[], Timed]) -> list[Timed]:
    """Run the sides in turns, because the machine is noisy, and return the fastest run of each."""
    runs: list[list[Timed]] = [[] for _ in sides]
    for _ in range(TURNS):
        for done, side in zip(runs, sides, strict=True):
            if sum(run.seconds for run in done) < BUDGET:
                done.append(side())
    return [min(done, key=lambda run: run.seconds) for done in runs]


def memory(kind: str) -> float:
    """Return the memory of this process in MB: 'VmRSS' now, 'VmHWM' at its peak; NaN where there is no Linux."""
    status = Path("/proc/self/status")
    found = re.search(rf"{kind}:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1e3 if found else nan


def children(count: int = 1) -> ProcessPoolExecutor:
    """Return fresh processes, whose memory nothing else has touched."""
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


def product_speed(size: int = 2048, repeats: int = 8) -> float:
    """Return the operations per second of a product of two float32 matrices: what one core can do."""
    a, b = np.random.default_rng(0).standard_normal((2, size, size), dtype=np.float32)
    return 2 * size**3 / min(timed(lambda: a @ b)().seconds for _ in range(repeats))


# How to compare


def key(pairs: Pairs) -> Rows:
    """Return one number per pair."""
    return pairs.i << 32 | pairs.j


def take(pairs: Pairs, which: NDArray[Any]) -> Pairs:
    """Return some of the pairs."""
    return Pairs(pairs.i[which], pairs.j[which], pairs.values[which])


def same_pairs(a: Pairs, b: Pairs, thresholds: Sequence[float]) -> bool:
    """Say whether two searches found the same pairs with the same values, to TOLERANCE of the thresholds.

    A pair that only one of them found is forgiven where a value is that near to its threshold.
    """
    slack = TOLERANCE * np.asarray(thresholds)
    _, x, y = np.intersect1d(key(a), key(b), return_indices=True)
    alone = np.concatenate([np.delete(a.values, x, axis=0), np.delete(b.values, y, axis=0)])
    near = (alone >= thresholds - slack).any(axis=1)
    return bool(near.all() and (np.abs(a.values[x] - b.values[y]) <= slack).all())


def agrees(found: Pairs, thresholds: Sequence[float], peer: Callable[[Rows, Rows], Floats], sampled: Pairs) -> bool:
    """Say whether a peer decides alike about the pairs that it has measured, and about some that were found."""
    others = np.flatnonzero(~np.isin(key(found), key(sampled)))
    others = others[:: -(-len(others) // CHECKED) or 1]
    more = Pairs(found.i[others], found.j[others], peer(found.i[others], found.j[others]))
    decided = merge([sampled, more])
    within = np.flatnonzero((decided.values <= np.asarray(thresholds)).all(axis=1))
    return same_pairs(take(found, np.isin(key(found), key(decided))), take(decided, within), thresholds)


def random_pairs(samples: int, count: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw different pairs i < j, `count` of them unless the samples have fewer."""
    i, j = np.sort(rng.integers(samples, size=(3 * count, 2)), axis=1).T
    keys = rng.permutation(np.unique((i * samples + j)[i < j]))[:count]
    return keys // samples, keys % samples


def quantile(metric: Metric, features: Features, alpha: float, rng: np.random.Generator) -> float:
    """Return the alpha-quantile of the distances of 5,000 random pairs."""
    i, j = random_pairs(len(features[0]), 5000, rng)
    return float(np.quantile(metric.exact(features, features, i, j, inf), alpha))


def search(metrics: Sequence[Metric], thresholds: Sequence[float], side: Side) -> Pairs:
    """Return every pair within the thresholds."""
    return merge([none(len(metrics)), *find_pairs(metrics, thresholds, side)])


def of(x: NDArray[Any]) -> Samples:
    """Return samples that are numbered from 0."""
    return Samples(np.asarray(x, dtype=np.float32), np.arange(len(x)))


# The rows


def normal(samples: int, dimensions: int) -> Singles:
    """Draw standard normal vectors."""
    return np.random.default_rng(0).standard_normal((samples, dimensions), dtype=np.float32)


def normal_radius(dimensions: int) -> float:
    """Return the ALPHA quantile of the distance of two standard normal vectors: half its square is chi-squared."""
    return sqrt(2 * chi2.ppf(ALPHA, dimensions))


def euclidean(samples: int, dimensions: int) -> list[Row]:
    """Pairs of standard normal vectors below the ALPHA quantile; the faster of two peers counts."""
    import faiss
    from sklearn.neighbors import NearestNeighbors

    x = normal(samples, dimensions)
    radius, metric = normal_radius(dimensions), Euclidean(alpha=ALPHA)
    side = Side.of([metric.features(of(x))])

    def flat() -> tuple[NDArray[Any], Singles, Rows]:
        index = faiss.IndexFlatL2(dimensions)
        index.add(x)
        found: tuple[NDArray[Any], Singles, Rows] = index.range_search(x, radius**2)
        return found

    def neighbours() -> tuple[NDArray[Any], NDArray[Any]]:
        model = NearestNeighbors(radius=radius, n_jobs=1)  # its default is brute force above 15 dimensions
        found: tuple[NDArray[Any], NDArray[Any]] = model.fit(x).radius_neighbors(x)
        return found

    ours, by_flat, by_neighbours = race(timed(lambda: search([metric], [radius], side)), timed(flat), timed(neighbours))
    ends, squares, columns = by_flat.result
    distances, indices = by_neighbours.result
    found = [
        both_ways(np.diff(ends.astype(np.int64)), columns, np.sqrt(squares)),
        both_ways(np.array([len(row) for row in indices]), np.concatenate(indices), np.concatenate(distances)),
    ]
    equal = all(same_pairs(ours.result, theirs, [radius]) for theirs in found)
    seconds, name = min(
        (by_flat.seconds, "faiss IndexFlatL2.range_search"),
        (by_neighbours.seconds, "scikit-learn radius_neighbors"),
    )
    work = f"Euclidean pairs, {samples:,} x {dimensions}"
    return [Row(work, name, ours.seconds, seconds, equal, 2 * dimensions * count_pairs(samples))]


def both_ways(counts: NDArray[Any], j: NDArray[Any], distances: NDArray[Any]) -> Pairs:
    """Return the pairs i < j of a search that finds every pair twice, and each sample beside itself."""
    i = np.repeat(np.arange(len(counts)), counts)
    return take(Pairs(i, j.astype(np.int64), distances[:, None].astype(np.float64)), np.less(i, j))


def count_pairs(samples: int) -> int:
    """Return n (n - 1) / 2."""
    return samples * (samples - 1) // 2


def bells(samples: int, rng: np.random.Generator) -> Floats:
    """Profiles of 51 bins: bells, each with a centre and a width of its own and 200 counts."""
    centre, width = 25 + 3 * rng.standard_normal((samples, 1)), 5 * np.exp(0.2 * rng.standard_normal((samples, 1)))
    heights = np.exp(-(((np.arange(51) - centre) / width) ** 2) / 2)
    return np.asarray(rng.poisson(200 * heights / heights.sum(axis=1, keepdims=True)), dtype=np.float64)


def gammas(samples: int, rng: np.random.Generator) -> Floats:
    """Profiles of 51 independent bins: all are about equally far from each other, the worst case of any filter."""
    return rng.gamma(2.0, size=(samples, 51))


def divergence(profiles: Callable[[int, np.random.Generator], Floats], samples: int, rows: int) -> list[Row]:
    """Pairs below the 0.02 quantile of the Jensen-Shannon divergence; the peer takes some rows of the matrix."""
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(0)
    x = of(profiles(samples, rng)).x
    metric = Shape(alpha=0.02, axis=0)
    threshold = quantile(metric, metric.features(of(x)), 0.02, rng)
    ours, theirs = race(
        timed(lambda: search([metric], [threshold], Side.of([metric.features(of(x))]))),
        timed(lambda: cdist(x[:rows], x, "jensenshannon")),
    )
    values = theirs.result**2
    i, j = np.nonzero((values <= threshold) & (np.arange(rows)[:, None] < np.arange(samples)))
    mine = take(ours.result, ours.result.i < rows)
    equal = same_pairs(mine, Pairs(i, j, values[i, j][:, None]), [threshold])
    pairs = count_pairs(samples)
    work = f"Jensen-Shannon pairs, {profiles.__name__}, {samples:,} x 51 bins"
    peer = f"SciPy cdist, {rows:,} rows extrapolated to all pairs"
    return [Row(work, peer, ours.seconds, theirs.seconds / (rows * samples) * pairs, equal, 2 * 51 * pairs)]


def showers(samples: int, rng: np.random.Generator) -> Singles:
    """Electromagnetic showers, roughly: spots along a gamma profile, around the axis by two Lorentz-like profiles.

    A tenth of them are copies with noise of 1 %, as a generator makes that has memorised some.
    """
    x = np.empty((samples, *SHOWER), dtype=np.float32)
    for start in range(0, samples, 200):
        part = x[start : start + 200]
        energy = rng.uniform(10, 100, len(part))
        of_spot = np.repeat(np.arange(len(part)), rng.poisson(20 * energy))
        depth = rng.gamma(4.0, (np.log(energy) + 2.5 + 0.35 * rng.standard_normal(len(part)))[of_spot] / 3)
        share, angle = rng.random(len(of_spot)), rng.uniform(0, 2 * np.pi, len(of_spot))
        radius = np.where(rng.random(len(of_spot)) < 0.2, 4.0, 0.8) * np.sqrt(share / (1 - share))
        cells = np.stack([25.5 + radius * np.cos(angle), 25.5 + radius * np.sin(angle), depth]).astype(np.int64)
        inside = ((cells >= 0) & (cells < np.array(SHOWER)[:, None])).all(axis=0)
        place = np.ravel_multi_index((of_spot[inside], *cells[:, inside]), part.shape)
        deposits = rng.exponential(1e-3, len(place))
        part[:] = np.bincount(place, deposits, part.size).reshape(part.shape)
    copies = samples // 10
    x[-copies:] = x[:copies] * (1 + 0.01 * rng.standard_normal((copies, *SHOWER), dtype=np.float32))
    return x


def gamma_images(samples: int, rng: np.random.Generator) -> Singles:
    """Images without an empty cell, and without any structure."""
    return rng.standard_gamma(2.0, (samples, *SHOWER), dtype=np.float32)


def similarity(images: Callable[[int, np.random.Generator], Singles], samples: int, pairs: int) -> list[Row]:
    """1 - SSIM, pair by pair, as seconds per pair."""
    rng = np.random.default_rng(0)
    x = images(samples, rng)
    metric = Ssim(alpha=0.5, data_range=1e-4)
    features = metric.features(of(x))
    all_i, all_j = np.triu_indices(samples, k=1)
    some = rng.choice(len(all_i), pairs, replace=False)
    ours, theirs = race(
        timed(lambda: metric.exact(features, features, all_i, all_j, inf)),
        timed(lambda: [dissimilarity(x[i], x[j]) for i, j in zip(all_i[some], all_j[some], strict=True)]),
    )
    equal = np.allclose(ours.result[some], theirs.result, rtol=TOLERANCE, atol=0)
    work = f"SSIM of a pair, {images.__name__.replace('_', ' ')}, {' x '.join(map(str, SHOWER))}"
    peer = "scikit-image structural_similarity"
    return [Row(work, peer, ours.seconds / len(all_i), theirs.seconds / pairs, equal)]


def dissimilarity(a: Singles, b: Singles) -> float:
    """Return 1 - SSIM of two images, by scikit-image."""
    from skimage.metrics import structural_similarity

    similarity = structural_similarity(  # type: ignore[no-untyped-call]
        a, b, data_range=1e-4, gaussian_weights=True, use_sample_covariance=False, channel_axis=2
    )
    return 1 - float(similarity)


def cascade(samples: int, pairs: int) -> list[Row]:
    """Energy, three shapes and SSIM together, from the samples to the pairs; the peers compare pair by pair."""
    rng = np.random.default_rng(0)
    x = of(showers(samples, rng))
    metrics: list[Metric] = [
        Scalar(alpha=0.02),
        *(Shape(alpha=0.02, axis=axis) for axis in range(3)),
        Ssim(alpha=0.02, data_range=1e-4),
    ]
    some = x.take(rng.permutation(samples)[:500])
    thresholds = [quantile(metric, metric.features(some), 0.02, rng) for metric in metrics]
    prepared = timed(lambda: comparisons(x.x))()
    compare = prepared.result
    i, j = random_pairs(samples, pairs, rng)
    many = random_pairs(samples, 20 * pairs, rng)

    def values(i: Rows, j: Rows) -> Floats:
        return np.array([[distance(p, q) for distance in compare] for p, q in zip(i, j, strict=True)])

    def decide(i: Rows, j: Rows) -> list[bool]:
        tests = list(zip(compare, thresholds, strict=True))
        return [all(distance(p, q) <= least for distance, least in tests) for p, q in zip(i, j, strict=True)]

    ours, loop, early = race(
        timed(lambda: search(metrics, thresholds, Side.of([m.features(x) for m in metrics], 2500))),
        timed(lambda: values(i, j)),
        timed(lambda: decide(*many)),
    )
    found = ours.result
    equal = len(found.i) > 0 and agrees(found, thresholds, values, Pairs(i, j, loop.result))
    decided = Pairs(*many, np.array(early.result))
    alike = np.array_equal(np.isin(key(decided), key(found)), decided.values)
    work, all_pairs = f"Energy, three shapes and SSIM, {samples:,} showers", count_pairs(samples)
    name = "loop with SciPy and scikit-image"
    rows = [(name, len(i), loop, equal), (f"{name} that stops at the first no", len(many[0]), early, alike)]
    return [
        Row(
            work,
            f"{peer}, {n:,} pairs extrapolated",
            ours.seconds,
            prepared.seconds + run.seconds / n * all_pairs,
            same,
        )
        for peer, n, run, same in rows
    ]


def comparisons(x: Singles) -> list[Callable[[int, int], float]]:
    """Return the five distances of a pair as a user would write them, with the sums over cells made once."""
    from scipy.spatial.distance import jensenshannon

    profiles = [x.sum(axis=axes, dtype=np.float64) for axes in ((2, 3), (1, 3), (1, 2))]
    energy = profiles[0].sum(axis=1)
    shapes = [lambda i, j, p=p: float(jensenshannon(p[i], p[j])) ** 2 for p in profiles]
    return [lambda i, j: float(abs(energy[i] - energy[j])), *shapes, lambda i, j: dissimilarity(x[i], x[j])]


def jets(samples: int, particles: int, rng: np.random.Generator) -> Singles:
    """Jets (samples, particles, 3) of one to three prongs: transverse momentum and two coordinates."""
    prong = rng.integers(2**30, size=(samples, particles)) % rng.integers(1, 4, (samples, 1))
    centre = np.take_along_axis(rng.normal(0, 0.3, (samples, 3, 2)), prong[..., None], axis=1)
    momentum = rng.exponential(1.0, (samples, particles, 1)) ** 2
    return np.concatenate([momentum, centre + rng.normal(0, 0.05, centre.shape)], axis=2).astype(np.float32)


def transport(samples: int, pairs: int) -> list[Row]:
    """Pairs of jets of 60 particles below the 0.02 quantile of the earth mover's distance."""
    import ot  # type: ignore[import-untyped]
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(0)
    x = jets(samples, 60, rng)
    metric = Emd(alpha=0.02)
    threshold = quantile(metric, metric.features(of(x)), 0.02, rng)
    weights, points = x[..., 0].astype(np.float64), x[..., 1:].astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    i, j = random_pairs(samples, pairs, rng)

    def values(i: Rows, j: Rows) -> Floats:
        both = zip(i, j, strict=True)
        return np.array([[ot.emd2(weights[p], weights[q], cdist(points[p], points[q]))] for p, q in both])

    ours, theirs = race(
        timed(lambda: search([metric], [threshold], Side.of([metric.features(of(x))]))),
        timed(lambda: values(i, j)),
    )
    equal = agrees(ours.result, [threshold], values, Pairs(i, j, theirs.result))
    peer = f"POT emd2, {len(i):,} pairs extrapolated"
    seconds = theirs.seconds / len(i) * count_pairs(samples)
    return [Row(f"EMD pairs, {samples:,} jets of 60 particles", peer, ours.seconds, seconds, equal)]


def plans(form: str, p: float, samples: int, pairs: int) -> list[Row]:
    """The optimal transport of a pair of jets without any threshold, for random pairs of all; the peer fills its costs.

    Jets of 80 constituents, or their images of 40 x 40 pixels, of which only those with a value are handed to the peer.
    """
    import ot
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(0)
    x = toy_jets(rng.integers(1, 4, samples), 80, rng)
    if form == "images":
        x = images_of(toy_jets(rng.integers(1, 4, samples), 200, rng), 40, 2.0)
        lit = [np.nonzero(image) for image in x]
        weights = [image[place].astype(np.float64) for image, place in zip(x, lit, strict=True)]
        points = [((np.column_stack(place) + 0.5) / 40 - 0.5) * 2.0 for place in lit]
    else:
        weights, points = list(x[..., 0].astype(np.float64)), list(x[..., 1:].astype(np.float64))
    weights = [w / w.sum() for w in weights]
    metric = Emd(alpha=0.5, p=p, width=2.0 if form == "images" else None)
    features = metric.features(of(x))
    i, j = random_pairs(samples, pairs, rng)

    def peer() -> Floats:
        both = zip(i, j, strict=True)
        return np.array([ot.emd2(weights[a], weights[b], cdist(points[a], points[b]) ** p) for a, b in both])

    ours, theirs = race(timed(lambda: metric.exact(features, features, i, j, inf)), timed(peer))
    equal = np.allclose(ours.result, theirs.result, rtol=1e-9, atol=1e-14)
    most = f"{np.mean([len(w) for w in weights]):.0f}"
    work = f"Transport of a pair, p = {p:g}, {form} of {most} {'pixels' if form == 'images' else 'constituents'}"
    return [Row(work, "POT emd2 with SciPy cdist", ours.seconds / pairs, theirs.seconds / pairs, equal)]


def neighbourhoods(ours: bool, samples: int, dimensions: int) -> Timed:
    """Measure precision, recall, density and coverage by one side; memory counts from the samples on."""
    from prdc import compute_prdc

    from gancensus.comparison.fidelity import precision_recall_density_coverage

    real, fake = np.random.default_rng(0).standard_normal((2, samples, dimensions), dtype=np.float32)
    with redirect_stdout(None):

        def measure(real: Singles, fake: Singles) -> Sequence[float]:
            if ours:
                return precision_recall_density_coverage(real, fake, neighbours=5)
            found = compute_prdc(real, fake, nearest_k=5)
            return [float(found[name]) for name in ("precision", "recall", "density", "coverage")]

        measure(real[:50], fake[:50])
        before = memory("VmRSS")
        run = timed(lambda: measure(real, fake))()
    return Timed(run.seconds, tuple(run.result), memory("VmHWM") - before)


def fidelity(samples: int, dimensions: int) -> list[Row]:
    """Precision, recall, density and coverage: time and, in processes of their own, memory above the samples."""
    with children() as one, children() as another:
        ours, theirs = race(
            lambda: one.submit(neighbourhoods, True, samples, dimensions).result(),
            lambda: another.submit(neighbourhoods, False, samples, dimensions).result(),
        )
    # in float32 the peer puts one pair in 10^4 on the wrong side of a ball; in float64 it gives our numbers
    equal = np.allclose(ours.result, theirs.result, rtol=1e-4)
    work, peer = f"Precision, recall, density, coverage, {samples:,} x {dimensions:,}", "prdc compute_prdc"
    operations = 2 * dimensions * (2 * count_pairs(samples) + samples**2)  # within both populations, and between them
    return [
        Row(work, peer, ours.seconds, theirs.seconds, equal, operations),
        Row(f"Memory of the same, x {dimensions:,}", peer, ours.megabytes, theirs.megabytes, equal, unit="MB"),
    ]


def half_samples(samples: int, dimensions: int) -> list[Row]:
    """All of FID, its limit, KID, precision to coverage with intervals and null values, beside FID and the last alone.

    With as many half-samples as we take (two halves of a quarter of the work, in every split) and a null value, the
    peers would take that many times longer.
    """
    from prdc import compute_prdc
    from scipy.linalg import sqrtm

    from gancensus.comparison.fidelity import fidelity as measure
    from gancensus.comparison.fidelity import frechet_at_infinity
    from gancensus.statistics.half_samples import SPLITS

    real, fake, null = np.random.default_rng(0).standard_normal((3, samples, dimensions))
    fake = 0.05 + 0.95 * fake

    def ours() -> dict[str, float | None]:
        found = measure(real, fake, null, rng=np.random.default_rng(1))
        for x in (fake, null):
            frechet_at_infinity(real, x, rng=np.random.default_rng(2))
        return {name: one.estimate.value for name, one in found.items() if name != "kid"}

    def theirs() -> dict[str, float]:
        shift, covariances = real.mean(axis=0) - fake.mean(axis=0), [np.cov(x, rowvar=False) for x in (real, fake)]
        overlap = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
        with redirect_stdout(None):
            found = compute_prdc(real, fake, nearest_k=5)
        return {"fid": shift @ shift + sum(map(np.trace, covariances)) - 2 * overlap, **found}

    mine, peer = race(timed(ours), timed(theirs))
    equal = all(np.isclose(mine.result[name], value, rtol=1e-9) for name, value in peer.result.items())
    work = f"FID, FID at infinity, KID, precision to coverage, intervals and null values, {samples:,} x {dimensions:,}"
    name, times = "prdc compute_prdc, FID by SciPy sqrtm", 2 + SPLITS / 2
    return [
        Row(work, f"{name}, values alone", mine.seconds, peer.seconds, equal),
        Row(work, f"{name}, extrapolated to half-samples and null", mine.seconds, times * peer.seconds, equal),
    ]


def birthday(samples: int, duplicates: int, replicates: int, sampled: int) -> list[Row]:
    """The birthday curve of a random graph; the peers do a few replicates of the plain and of a clever way."""
    rng = np.random.default_rng(0)
    i, j = random_pairs(samples, duplicates, rng)
    hits = first_hits(samples, i, j, replicates, np.random.default_rng(1))
    last = int(batches(samples, hits)[-1])
    orders = [rng.permutation(samples) for _ in range(sampled)]
    ours, masks, ranks = race(
        timed(lambda: first_hits(samples, i, j, replicates, np.random.default_rng(1))),
        timed(lambda: [masked(order, i, j, samples, last) for order in orders]),
        timed(lambda: [ranked(order, i, j) for order in orders]),
    )
    again = replayed(hits[:sampled], samples, np.random.default_rng(1))
    equal = all(masked(order, i, j, samples, len(order)) == len(order) for order in again)
    alike = all(min(rank, last + 1) == mask for mask, rank in zip(masks.result, ranks.result, strict=True))
    work = f"Birthday curve, {replicates:,} replicates, {len(i):,} duplicates among {samples:,}"
    peers = [("masked subsets", masks, equal), ("ranks of all duplicates", ranks, equal and alike)]
    return [
        Row(
            work,
            f"NumPy, {name}, {sampled:,} replicates extrapolated",
            ours.seconds,
            t.seconds / sampled * replicates,
            e,
        )
        for name, t, e in peers
    ]


def masked(order: Rows, i: Rows, j: Rows, samples: int, last: int) -> int:
    """Return the first batch with a duplicate, last + 1 without one: every batch of the curve masks the duplicates."""
    inside = np.zeros(samples, dtype=np.bool_)
    hit = np.zeros(last, dtype=np.bool_)
    for size in range(1, last + 1):
        inside[order[:size]] = True
        hit[size - 1] = (inside[i] & inside[j]).any()
    return last + 1 - int(hit.sum())


def ranked(order: Rows, i: Rows, j: Rows) -> int:
    """Return the first batch with a duplicate: a duplicate comes when the later of its samples does."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return int(np.maximum(rank[i], rank[j]).min())


def replayed(hits: Rows, samples: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Yield what `first_hits` drew in each replicate, from the same random numbers."""
    order = np.arange(samples)
    for hit in hits:
        for k in range(hit):
            other = rng.integers(k, samples)
            order[k], order[other] = order[other], order[k]
        yield order[:hit].copy()


def storage(samples: int) -> list[Row]:
    """Write simulated showers as a sample table and as the HDF5 of a 3DGAN; read them, and sum each."""
    import h5py

    showers, scale = Gflash(showers=samples).load(0).take(slice(0, samples)), shower_scale(200)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "0.parquet", Path(folder) / "0.h5"

        def write() -> None:
            with h5py.File(theirs, "w") as file:
                cells = showers.natural().astype(np.float32)
                file.create_dataset("ECAL", data=cells, chunks=(16, *SHOWER), compression="gzip")

        def read() -> Singles:
            rows = SampleRows([ours]).chunks(slice(0, samples))
            return np.concatenate([flatten(some.x).sum(axis=1) * np.float32(scale.high[0]) for some in rows])

        def read_hdf5() -> Singles:
            with h5py.File(theirs) as file:
                rows = (file["ECAL"][start : start + 64] for start in range(0, samples, 64))
                return np.concatenate([flatten(some).sum(axis=1) for some in rows])

        our_write, their_write = race(timed(lambda: write_samples(ours, showers)), timed(write))
        our_read, their_read = race(timed(read), timed(read_hdf5))
        our_size, their_size = (path.stat().st_size / 1e6 for path in (ours, theirs))
    equal = np.array_equal(our_read.result, their_read.result)
    peer, what = "h5py, gzip, 16 showers a chunk", f"{samples:,} showers, 51 x 51 x 25"
    return [
        Row(f"Reading {what}", peer, our_read.seconds, their_read.seconds, equal),
        Row(f"Writing {what}", peer, our_write.seconds, their_write.seconds, equal),
        Row(f"Size of {what}", peer, our_size, their_size, equal, unit="MB"),
    ]


def ensemble(repetitions: int, steps: int) -> list[Row]:
    """Train GANs of the camel back together and one after the other, from the same numbers."""
    generator = Toygan(steps=steps)
    samples = Camelback(samples=repetitions * generator.train_size, repetitions=repetitions).load(0)
    single = [samples.take(samples.conditions["repetition"] == r) for r in range(repetitions)]

    def together() -> Weights:
        return generator.train(samples, 0, "cpu").weights

    def apart() -> Weights:
        trained = [generator.train(one, 0, "cpu").weights for one in single]
        return {name: np.concatenate([weights[name] for weights in trained]) for name in trained[0] if name != "scale"}

    with redirect_stderr(StringIO()):  # losses, epoch by epoch
        ours, theirs = race(timed(together), timed(apart))
    equal = all(np.allclose(ours.result[name], theirs.result[name], 1e-3, 1e-3) for name in theirs.result)
    work, peer = f"Training {repetitions} toy GANs, {steps:,} steps", "the same GANs one by one"
    return [Row(work, peer, ours.seconds, theirs.seconds, equal)]


CASES = [
    Case(euclidean, (50_000, 64), (500, 20), ((8, 25),)),
    Case(euclidean, (10_000, 2048), (500, 20), ((3, 20),)),
    Case(divergence, (bells, 10_000, 200), (bells, 300, 20), ((50, 500),)),
    Case(divergence, (gammas, 10_000, 200), (gammas, 300, 20), ((50, 500),)),
    Case(similarity, (showers, 64, 60), (showers, 10, 3), ((80, 300),)),
    Case(similarity, (gamma_images, 64, 60), (gamma_images, 4, 3), ((80, 300),)),
    Case(cascade, (10_000, 1_000), (60, 20), ((10_000, 100_000), (None, None))),
    Case(transport, (1_500, 1_000), (60, 50), ((4, 20),)),
    *(
        Case(plans, (form, p, 1_000, 2_000), (form, p, 20, 30), ((5, 20),))
        for form in ("clouds", "images")
        for p in (1.0, 0.5)
    ),
    Case(fidelity, (10_000, 64), (200, 8), ((3, 20), (10, None))),
    Case(fidelity, (10_000, 2048), (200, 8), ((3, 20), (10, None))),
    Case(half_samples, (10_000, 64), (200, 8), ((None, None), (5, 20))),
    Case(storage, (2_000,), (20,), ((None, None), (None, None), (None, None))),
    Case(ensemble, (100, 200), (3, 20), ((10, None),)),
    Case(ensemble, (20, 200), (3, 20), ((10, None),)),
    Case(birthday, (10_000, 100_000, 10_000, 50), (200, 500, 100, 20), ((1_000, 8_000), (None, None))),
]


# One million samples, and how time and memory grow


def shard(k: int, samples: int, shards: int) -> Timed:
    """Search a shard of the pairs of standard normal vectors, in a process of its own: how many, and a few of them.

    The pairs are counted, not kept, so that the memory is that of the search; those of the first samples are returned.
    """
    x, metric, radius = normal(samples, DIMENSIONS), Euclidean(alpha=ALPHA), normal_radius(DIMENSIONS)
    search([metric], [radius], Side.of([metric.features(of(x[:1000]))]))
    features = metric.features(of(x))
    side = Side(cut(samples, BLOCK, shards), lambda rows: [tuple(array[rows] for array in features)])
    count, first, start = 0, [none(1)], time.perf_counter()
    for found in find_pairs([metric], [radius], side, todo=deal(costs(side), k, shards)):
        count += len(found.i)
        first.append(take(found, found.i < FIRST))
    return Timed(time.perf_counter() - start, (count, merge(first)), memory("VmHWM"))


def large(samples: int, shards: int) -> bool:
    """Search in as many processes as shards, say how long it took, and check the pairs of the first samples."""
    from scipy.spatial.distance import cdist

    with children(shards) as pool:
        runs = list(pool.map(partial(shard, samples=samples, shards=shards), range(shards)))
    x, radius = normal(samples, DIMENSIONS), normal_radius(DIMENSIONS)
    distances = cdist(x[:FIRST], x)
    i, j = np.nonzero((distances <= radius) & (np.arange(FIRST)[:, None] < np.arange(samples)))
    found = merge([run.result[1] for run in runs])
    equal = same_pairs(found, Pairs(i, j, distances[i, j][:, None]), [radius])
    print(f"{samples:,} x {DIMENSIONS}, {shards} processes: {max(run.seconds for run in runs):.0f} s")
    print(f"peak memory of a process: {max(run.megabytes for run in runs):,.0f} MB")
    print(f"pairs found: {sum(run.result[0] for run in runs):,}; expected: {ALPHA * count_pairs(samples):,.0f}")
    print(f"equal to brute force for the first {FIRST} samples, {len(i):,} pairs: {equal}")
    return equal


def grown(samples: int) -> Timed:
    """Search in a fresh process and return the fastest run."""
    with children() as pool:
        return race(lambda: pool.submit(shard, 0, samples, 1).result())[0]


def growth(sizes: Sequence[int]) -> Figure:
    """Measure time and memory at several numbers of samples, each in a fresh process, and draw them."""
    runs = [grown(samples) for samples in sizes]
    with children() as pool:
        idle = pool.submit(memory, "VmHWM").result()
    for samples, run in zip(sizes, runs, strict=True):
        print(f"{samples:,} samples: {run.seconds:.4g} s, {run.megabytes:,.0f} MB", flush=True)
    return draw_growth(np.array(sizes), np.array([[run.seconds, run.megabytes - idle] for run in runs]))


@style.styled
def draw_growth(samples: Rows, measured: Floats) -> Figure:
    """Draw seconds and megabytes (len(samples), 2) by the number of samples, with the powers that fit them."""
    figure = Figure(figsize=(style.WIDTH, 3.4))
    panels = figure.subplots(1, 2)
    names = (("Time", "seconds, one core"), ("Memory", "MB at the peak, above an idle process"))
    fitted = samples >= FITTED
    for axes, (title, label), values, hue in zip(panels, names, measured.T, style.HUES, strict=False):
        slope, start = np.polyfit(np.log(samples[fitted]), np.log(values[fitted]), 1)
        axes.loglog(samples, values, "o", color=hue, label="measured")
        line = np.exp(start) * samples[fitted] ** slope
        axes.loglog(samples[fitted], line, color=style.INK, linestyle="--", label=f"samples to the power {slope:.2f}")
        axes.set(title=title, xlabel="samples", ylabel=label)
    dense = 4e-6 * samples**2.0
    panels[1].loglog(samples, dense, color=style.PALE, linestyle=":", label="a float32 matrix of all distances")
    for axes in panels:
        axes.legend(loc="upper left")
    return figure


# The table


def table() -> bool:
    """Measure every row, print and write the table, and say whether all results were equal."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core for everybody, threads or not
    rows: list[tuple[Row, Target]] = []
    limit = 0.0
    for case in CASES:
        print(
            "measuring",
            case.rows.__name__,
            *(getattr(a, "__name__", a) for a in case.full),
            file=sys.stderr,
            flush=True,
        )
        case.rows(*case.toy)  # compiles our loops, and starts whatever else is slow the first time
        limit = max(limit, product_speed())
        rows += zip(case.rows(*case.full), case.targets, strict=True)
    print("| work | peer | ours | peer's | ratio | at least | aim | equal | share of limit |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    print(*(line(row, target, limit) for row, target in rows), sep="\n")
    print(f"\nlimit: {limit / 1e9:.0f} GFLOP/s, the product of two float32 matrices on this core")
    columns = {
        **{name: [getattr(row, name) for row, _ in rows] for name in ("work", "peer", "ratio", "equal")},
        "share_of_limit": [share(row, limit) for row, _ in rows],
    }
    write_table(Path("results/bench.parquet"), columns, SCHEMA)
    return all(row.equal for row, _ in rows)


def share(row: Row, limit: float) -> float | None:
    """Return our operations per second over those of a product of matrices."""
    return None if row.operations is None else row.operations / row.ours / limit


def line(row: Row, target: Target, limit: float) -> str:
    """Return a row of the printed table."""
    part = share(row, limit)
    cells = [
        row.work,
        row.peer,
        quantity(row.ours, row.unit),
        quantity(row.theirs, row.unit),
        digits(row.ratio),
        *("" if value is None else f"{value:,}" for value in target),
        "yes" if row.equal else "NO",
        "" if part is None else f"{part:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def quantity(value: float, unit: str) -> str:
    """Write megabytes, or seconds in a fitting unit."""
    if unit == "s":
        scales = {"h": 3600.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6}
        unit = next((name for name, scale in scales.items() if value >= scale), "µs")
        value /= scales[unit]
    return f"{digits(value)} {unit}"


def digits(value: float) -> str:
    """Write three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main(argv: Sequence[str] | None = None) -> None:
    """Print and write the table; with an option, measure a million samples, or growth, instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--large", action="store_true", help="search a million samples in two processes")
    chosen.add_argument("--growth", action="store_true", help="draw time and memory over samples: docs/growth.svg")
    arguments = parser.parse_args(argv)
    if arguments.growth:
        return write_bytes(Path("docs/growth.svg"), style.svg(growth(GROWTH)))
    if not (large(1_000_000, 2) if arguments.large else table()):
        raise UserError("results are not equal, see above; fix that before you look at any time")
    return None


if __name__ == "__main__":
    step.run(main)
