"""The parts of an audit on their own, for arrays and tensors in memory: census, fidelity, near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gancensus.audit.given import array_of
from gancensus.audit.quiet import workers
from gancensus.contracts.beginning import Begin, elsewhere
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Samples, check, flatten
from gancensus.statistics.estimate import Estimate

if TYPE_CHECKING:
    from gancensus.comparison.fidelity import Fidelity
    from gancensus.config.results import Search
    from gancensus.domains.general.metric_euclidean import Euclidean
    from gancensus.search.duplicates import Found
    from gancensus.storage.samples import HeldRows

Array = Any
"""Samples (n, ...) of real numbers: an array, or a tensor on any device. They are compared as float32, as they are."""
IntArray = NDArray[np.int64]
EXPECTED = 300  # duplicates of real samples, where neither alpha nor a threshold is given
MEMORY = 2000  # MB
CAP = 10_000_000  # pairs that are listed
T = TypeVar("T")


class Duplicates(NamedTuple):
    """Pairs of near-duplicates, by the rows of the two samples, (pairs,) int64, in the order of i, then j."""

    i: IntArray
    j: IntArray
    distances: Mapping[str, NDArray[np.float64]]
    """The exact distance of each pair, (pairs,) by metric."""

    def __repr__(self) -> str:
        """Say how many pairs there are, and by what: all of them would fill pages."""
        return f"Duplicates({len(self.i):,} pair{'s' * (len(self.i) != 1)}, by {', '.join(self.distances)})"


class Census(NamedTuple):
    """How diverse samples are beside real ones, by their near-duplicates."""

    ratio: Estimate
    """How many times as often two of them are near-duplicates as two real ones, with its 95 % interval."""
    p: float | None
    """Two-sided p-value of the ratio when labels are permuted; None where nothing is repeated."""
    verdict: str
    support: Estimate
    """How many different samples there are: the effective support; without a value where no two are near-duplicates."""
    real: Estimate
    """That of the real samples."""
    duplicates: int
    """Pairs of the samples that are near-duplicates."""
    real_duplicates: int
    threshold: float
    """The largest distance of near-duplicates."""


def duplicates(x: Array, threshold: float, y: Array | None = None) -> Duplicates:
    """Find all pairs of samples whose Euclidean distance is at most a threshold, exactly.

    Args:
        x: (n, ...).
        threshold: in the units of x.
        y: (m, ...); with it, pairs of a sample of x and one of y are found, and not those within x.

    Returns:
        Pairs i < j of rows of x, or i of x and j of y, with the distance as `euclidean`, summed in float64.

    Raises:
        UserError: no numbers, or samples of two shapes.
    """
    _check_threshold(threshold)
    rows, others = _samples(x, "x").x, None if y is None else _samples(y, "y").x
    _same_shape({"x": rows} | ({} if others is None else {"y": others}))
    return _apart(lambda _: _pairs(flatten(rows), threshold, None if others is None else flatten(others)))


def _pairs(x: NDArray[np.float32], threshold: float, y: NDArray[np.float32] | None) -> Duplicates:
    from gancensus.search.pairs import Side, find_pairs, merge, none

    metric = _euclidean()
    a, b = Side.of([(x,)]), None if y is None else Side.of([(y,)])
    found = merge([none(1), *find_pairs([metric], [threshold], a, b)])
    return Duplicates(found.i, found.j, {"euclidean": found.values[:, 0]})


def fidelity(
    real: Array, generated: Array, null: Array | None = None, *, neighbours: int = 5, seed: int = 0
) -> dict[str, Fidelity]:
    """Compute FID, KID, precision, recall, density and coverage of samples or of their features, as they are.

    Args:
        real: (n, ...).
        generated: (m, ...).
        null: (l, ...), other real samples: what they score in the place of the generated ones is the null value. With
            it, `generated` and `null` are cut at random to the smaller of their sizes.
        neighbours: k of the nearest-neighbour balls of precision to coverage.
        seed: of the half-samples that make the intervals.

    Returns:
        By name: `estimate` (value, low, high: the 95 % interval), and `null`. KID is the unbiased estimate with the
        polynomial kernel of degree 3, once for all samples; precision to coverage are those of prdc.

    Raises:
        UserError: no numbers, samples of two shapes, too few samples.
    """
    from gancensus.comparison.fidelity import fidelity as compare
    from gancensus.contracts.randomness import derive_rng

    if neighbours < 1:
        raise UserError(f"neighbours: {neighbours}; give a number of 1 or more")
    given = {"real": real, "generated": generated} | ({} if null is None else {"null": null})
    found = {name: _samples(value, name).x for name, value in given.items()}
    _same_shape(found)
    rows = {name: flatten(x) for name, x in found.items()}
    rng = derive_rng(seed, "fidelity")
    samples = rows["real"], rows["generated"], rows.get("null")
    return _apart(lambda begin: compare(*samples, neighbours, rng=rng, begin=begin))


def census(
    real: Array,
    generated: Array,
    threshold: float | None = None,
    *,
    alpha: float | None = None,
    margin: float = 1.5,
    seed: int = 0,
) -> Census:
    """Count the near-duplicates among generated and among real samples: which are more diverse, and how many there are.

    Near-duplicates are pairs within a Euclidean distance. Where it is not given, a random half of the real samples sets
    it, and the other half is compared with, so that the two are independent.

    Args:
        real: (n, ...), that the generator has not learned from.
        generated: (m, ...).
        threshold: the largest distance of near-duplicates, in the units of the samples.
        alpha: in its place, the share of the pairs of real samples that are near-duplicates; without either, such that
            about 300 pairs of the real samples are.
        margin: ratios within [1/margin, margin] count as equally diverse.
        seed: of all random numbers.

    Raises:
        UserError: no numbers, samples of two shapes, too few samples, or both a threshold and an alpha.
    """
    if threshold is not None and alpha is not None:
        raise UserError("threshold and alpha are given; leave one out")
    if threshold is not None:
        _check_threshold(threshold)
    if not margin > 1:
        raise UserError(f"margin: {margin}; give a ratio above 1")
    given = {"real": _samples(real, "real"), "generated": _samples(generated, "generated")}
    _same_shape({name: samples.x for name, samples in given.items()})
    for (name, samples), least in zip(given.items(), (2 if threshold is not None else 4, 2), strict=True):
        if len(samples) < least:
            raise UserError(f"{name}: {len(samples)} samples; give {least} or more")
    sides = {"holdout": given["real"], "generated": given["generated"]}
    return _apart(lambda _: _census(sides, threshold, alpha, margin, seed))


def _census(
    sides: Mapping[str, Samples], threshold: float | None, alpha: float | None, margin: float, seed: int
) -> Census:
    from gancensus.census.census import take_census
    from gancensus.census.support import Graph
    from gancensus.config.results import Search
    from gancensus.config.sections import Census as Settings
    from gancensus.contracts.randomness import derive_rng
    from gancensus.storage.samples import HeldRows

    held = {name: HeldRows(samples, name) for name, samples in sides.items()}
    if threshold is None:
        rows = derive_rng(seed, "census").permutation(len(held["holdout"]))
        half = len(rows) // 2
        calibrate, holdout = (HeldRows(sides["holdout"], "real", np.sort(some)) for some in (rows[:half], rows[half:]))
        pairs = max(1, len(holdout) * (len(holdout) - 1) // 2)
        if alpha is None:
            alpha = min(0.5, EXPECTED / pairs)
        elif 0 < alpha * (half * (half - 1) // 2) < 1:
            raise UserError(f"alpha: {alpha}; half of the {len(rows)} real samples have less than one such pair")
        threshold = _threshold(calibrate, alpha, seed)
        held["holdout"] = holdout
    searches = [Search("holdout"), Search("generated"), Search("generated", "holdout")]
    graphs = {one: Graph.of(_searched(held, one, threshold)) for one in searches}
    table = take_census([("", graphs)], Settings(margin=margin), "", seed).support
    reference, made = ({name: column[k] for name, column in table.items()} for k in (0, 1))
    support, real = (Estimate(*(row[f"effective_support{end}"] for end in ENDS)) for row in (made, reference))
    ratio = Estimate(*(made[f"ratio{end}"] for end in ENDS))
    counts = made["duplicates"], reference["duplicates"]
    return Census(ratio, made["p_value"], made["verdict"], support, real, *counts, threshold)


ENDS = ("", "_low", "_high")


def _threshold(calibrate: HeldRows, alpha: float, seed: int) -> float:
    """Return the alpha-quantile of the distances of real samples."""
    from gancensus.contracts.randomness import derive_rng
    from gancensus.search.thresholds import find_thresholds

    definition = {"euclidean": _euclidean(alpha)}
    found = find_thresholds(definition, {None: calibrate}, 0, 0.95, lambda name: derive_rng(seed, name), MEMORY, "cpu")
    return float(found["threshold"][0])


def _searched(held: Mapping[str, HeldRows], one: Search, threshold: float) -> Found:
    from gancensus.search.duplicates import Share, Spaces, search

    populations: dict[str, Spaces] = {name: {None: held[name]} for name in one.populations}
    return search({"euclidean": _euclidean()}, [threshold], populations, Share(0, 1, MEMORY, CAP, "cpu"))


def _euclidean(alpha: float = 0.5) -> Euclidean:
    """Return the metric; where a threshold is given, alpha is not used."""
    from gancensus.domains.general.metric_euclidean import Euclidean

    try:
        return Euclidean(alpha=alpha)
    except ValueError:
        raise UserError(f"alpha: {alpha}; give a share between 0 and 1") from None


def _samples(value: Array, name: str) -> Samples:
    """Return the samples of an array as float32, numbered from 0."""
    x = array_of(value, name).astype(np.float32, copy=False)
    if x.ndim < 2:
        raise UserError(f"{name}: has shape {x.shape}; give samples along the first axis: (n, values)")
    return check(Samples(x, np.arange(len(x))), name)


def _same_shape(found: Mapping[str, NDArray[Any]]) -> None:
    """Refuse samples of two shapes."""
    shapes = {name: x.shape[1:] for name, x in found.items()}
    if len(set(shapes.values())) > 1:
        said = ", but ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
        raise UserError(f"samples of {said}; give both the same shape")


def _check_threshold(threshold: float) -> None:
    """Refuse what is no distance."""
    if not threshold >= 0:
        raise UserError(f"threshold: {threshold}; give a distance of 0 or more")


def _apart(compute: Callable[[Begin], T]) -> T:
    """Compute in threads with one of BLAS each, apart from what the caller has set for its own thread."""
    with workers(learning=False) as pool:
        return pool.submit(compute, elsewhere(pool)).result()
