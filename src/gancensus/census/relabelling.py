"""What the labels of two populations' samples say of them: every statistic for the observed labels and permuted ones.

The samples of both are pooled, and each knows its near ones, nearest first (`Near`). Of that graph all statistics here
are functions of the labels alone, so that nothing is searched again for a permutation, and where generated and real
samples have one distribution, every labelling is as probable as the observed one.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from gancensus.census.coverage import missed_by
from gancensus.contracts.beginning import Begin, here, side_by_side
from gancensus.distances.simd import add_rows

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint8]

LANES = 64  # labellings that are counted together, as many as `add_rows` adds
LOCAL = 40  # nearest samples whose labels are compared with the share of generated ones
OWN = 5  # held-out sample k's own radius is the distance to its OWN-th nearest held-out one (Naeem et al. 2020: 5)
CLOSEST = (10, 20, 40, 80, 160)  # pooled pairs, nearest first
HUBS = 0.01  # share of the samples, those that are near to most others, that cover nothing
FIXED = 14  # sums over all samples; those by class follow
BATCHES = 128  # at which a coverage is computed to find where it reaches a share


class Near(NamedTuple):
    """Near samples of a pool of them: those of sample k are near[start[k] : start[k + 1]], nearest first."""

    start: IntArray
    near: npt.NDArray[np.int32]
    distance: Floats


class Radii(NamedTuple):
    """Distances within which samples are near."""

    duplicate: float
    """The definition's."""
    cover: float
    """At which a real sample has another one among as many as are compared with the probability 0.8, or more."""
    repeat: float
    """0.92."""
    wide: float
    """0.97, as far as near ones may cover a sample by its own radius."""

    @property
    def farthest(self) -> float:
        """Up to which near samples have to be known."""
        return max(self.cover, self.repeat, self.wide)


class Statistics(NamedTuple):
    """Each float64 (labellings,), the observed one first; 0 or 1 where both populations are alike, but for chance."""

    pair_ratio: Floats
    """ln of the ratio of collision probabilities, generated to real."""
    reach_ratio: Floats
    """ln of the ratio of the numbers of samples that reach a share, real to generated."""
    closest: Floats
    """Excess of generated or real pairs among the closest pooled ones, in standard deviations."""
    repeated: Floats
    """(a - b) / sqrt(a + b) of the numbers of samples with a duplicate: a frequent sample counts once for each copy."""
    on: Floats
    """ln of the coverage of generated samples by real ones, over that of real ones by themselves."""
    on_wide: Floats
    """The same at the wide radius."""
    on_own: Floats
    """Share of the generated samples within the own radius of their nearest real one."""
    overlap: Floats
    """ln of P(generated ~ real) / sqrt(P(generated ~ generated) P(real ~ real))."""
    covers: Floats
    """ln of the coverage of real samples by generated ones, over that of real ones by themselves."""
    covers_wide: Floats
    """The same at the wide radius."""
    covers_own: Floats
    """Share of the real samples with a generated one within their own radius (coverage of Naeem et al. 2020)."""
    local: Floats
    """Mean of (generated ones among the k nearest, less as many as expected)^2 / k."""
    covers_class: Floats
    """`covers_own` by class: the largest (expected - covered) / sqrt(variance + 1) of numbers of real samples."""
    least: tuple[int, float] | None
    """Which class has the largest in the observed labelling, and which share of it is covered."""


def pooled(samples: int, i: IntArray, j: IntArray, distance: Floats, rng: np.random.Generator) -> Near:
    """Return the near samples of each, from pairs (i, j) of positions and their distances.

    Of equally near ones the order is random: it must not depend on which population a sample is of.
    """
    one, other = np.concatenate([i, j]), np.concatenate([j, i])
    twice = np.concatenate([distance, distance])
    order = _sorted(one, twice, rng.permutation(samples)[other])
    start = np.concatenate([[0], np.cumsum(np.bincount(one, minlength=samples))])
    return Near(start.astype(np.int64), other[order].astype(np.int32), twice[order])


def _sorted(row: IntArray, distance: Floats, rank: IntArray) -> IntArray:
    """Return the order by row, then distance, then rank, of which no two are equal in a row: `lexsort`, but faster."""
    order = np.argsort(distance)
    places = row[order].astype(np.uint16) if row.max(initial=0) < 1 << 16 else row[order]  # sorted by their digits
    order = order[np.argsort(places, kind="stable")]
    ordered, far = row[order], distance[order]
    equal = np.zeros(len(order) + 1, dtype=bool)  # to the one before
    equal[1:-1] = (ordered[1:] == ordered[:-1]) & (far[1:] == far[:-1])
    tied = equal[:-1] | equal[1:]
    some = order[tied]
    order[tied] = some[np.lexsort((rank[some], np.cumsum(~equal[:-1])[tied]))]
    return order


def relabelled(
    generated: int, samples: int, permutations: int, rng: np.random.Generator, block: IntArray | None = None
) -> Labels:
    """Return which samples are generated, 1 or 0, uint8 (samples, 1 + permutations): as observed, then permuted.

    Args:
        generated: number of generated samples, which come first.
        samples: of both populations.
        permutations: number of labellings beside the observed one.
        rng: draws them.
        block: (samples,), permute among equal ones only; None: among all.
    """
    observed = np.zeros(samples, dtype=np.uint8)
    observed[:generated] = 1
    labels = np.repeat(observed[:, None], 1 + permutations, axis=1)
    parts = [np.arange(samples)] if block is None else [np.flatnonzero(block == b) for b in np.unique(block)]
    for k in range(1, 1 + permutations):
        for part in parts:
            labels[part, k] = rng.permutation(observed[part])
    return labels


def statistics(
    near: Near,
    labels: Labels,
    radii: Radii,
    batches: tuple[float, float],
    share: float,
    hub: npt.NDArray[np.bool_],
    of_class: IntArray | None = None,
    begin: Begin = here,
) -> Statistics:
    """Return every statistic of every labelling.

    Args:
        near: samples near to each, up to the farthest radius.
        labels: as `relabelled` returns them.
        radii: within which samples are near.
        batches: numbers of samples that cover, below those of either population, at the radius `cover` and at `wide`.
        share: of the samples, that the ratio of numbers of samples is at.
        hub: (samples,), which cover nothing; like `of_class`, this must not depend on the labels.
        of_class: (samples,), a number from 0; -1: of none.
        begin: may begin a computation elsewhere; the result is the same.
    """
    samples, count = labels.shape
    if of_class is None:
        of_class = np.full(samples, -1)
    generated = int(labels[:, 0].sum())
    real = samples - generated
    ends = np.stack([_ends(near, radius) for radius in radii])
    deepest = int(np.diff(near.start).max(initial=0)) + 1
    # what a sample with so many near ones adds to a coverage at either radius: of generated ones by real ones, real by
    # real, real by generated
    tables = np.stack(
        [[_covered(deepest, others, batch) for others in (real, real - 1, generated)] for batch in batches]
    )
    sums = np.zeros((count, FIXED + of_class.max(initial=-1) + 1))
    degrees = np.zeros((2, count, deepest), dtype=np.int32)
    hidden = hub[near.near]
    hidden_before = np.concatenate([[0], np.cumsum(hidden)])
    order = np.argsort(radii, kind="stable")
    chosen, width = near.near[hidden], sums.shape[1]

    def counted(part: slice) -> tuple[Floats, npt.NDArray[np.int32]]:
        lanes = np.zeros((samples, LANES), dtype=np.uint8)
        lanes[:, : part.stop - part.start] = labels[:, part]
        return _count(
            *near,
            ends,
            order,
            chosen,
            hidden_before,
            of_class,
            lanes,
            tables,
            generated / samples,
            width,
            deepest,
        )

    parts = [slice(first, min(first + LANES, count)) for first in range(0, count, LANES)]
    for part, one in zip(parts, side_by_side(begin, [partial(counted, part) for part in parts]), strict=True):
        found, histogram = one
        some = part.stop - part.start
        sums[part], degrees[:, part] = found.T[:some], histogram[:, :some]
    own_g, own_h = (_reached(d, n, share) for d, n in zip(degrees, (generated, real), strict=True))
    k_gg, k_hh, k_gh, any_g, any_h, on, real_real, covers, on_w, rr_w, covers_w, on_own, covers_own, local = sums[
        :, :FIXED
    ].T
    m_gg, m_hh, m_gh = generated * (generated - 1) / 2, real * (real - 1) / 2, generated * real
    deficits, shares = _by_class(sums[:, FIXED:], of_class, labels, covers_own / real)
    least = int(deficits[0].argmax()) if deficits.shape[1] else None
    return Statistics(
        pair_ratio=np.log((k_gg / 2 + 0.5) / m_gg) - np.log((k_hh / 2 + 0.5) / m_hh),
        reach_ratio=np.log(own_h) - np.log(own_g),
        closest=_closest(near, labels, m_gg / m_hh),
        repeated=(any_g / generated - any_h / real) / np.sqrt((any_g + any_h + 1) / samples),
        on=_log_ratio(on, generated, real_real, real),
        on_wide=_log_ratio(on_w, generated, rr_w, real),
        on_own=on_own / generated,
        overlap=np.log((k_gh + 0.5) / m_gh) - (np.log((k_gg / 2 + 0.5) / m_gg) + np.log((k_hh / 2 + 0.5) / m_hh)) / 2,
        covers=_log_ratio(covers, real, real_real, real),
        covers_wide=_log_ratio(covers_w, real, rr_w, real),
        covers_own=covers_own / real,
        local=local / samples,
        covers_class=deficits.max(axis=1, initial=-np.inf),
        least=None if least is None else (least, float(shares[0, least])),
    )


def _by_class(covered: Floats, of_class: IntArray, labels: Labels, usual: Floats) -> tuple[Floats, Floats]:
    """Return by how many standard deviations fewer samples of each class are covered, and their shares that are.

    Both are (labellings, classes).
    `usual` (labellings,) is the share of all real samples that are. One more in the variance keeps a sample of a class
    that is covered nearly always from weighing more than one of another.
    """
    if not covered.shape[1]:
        return covered, covered
    member = np.arange(covered.shape[1])[:, None] == of_class
    real = (member.sum(axis=1)[:, None] - member.astype(np.float64) @ labels).T
    expected = real * usual[:, None]
    return (expected - covered) / np.sqrt(expected * (1 - usual[:, None]) + 1), covered / np.maximum(real, 1)


def _log_ratio(a: Floats, n: int, b: Floats, m: int) -> Floats:
    return np.asarray(np.log((a + 0.5) / n) - np.log((b + 0.5) / m))


def _ends(near: Near, radius: float) -> IntArray:
    """Return where the samples within a radius of each end in its row, int64 (samples,)."""
    within = np.concatenate([[0], np.cumsum(near.distance <= radius)])
    return np.asarray(near.start[:-1] + within[near.start[1:]] - within[near.start[:-1]])


def hubs(near: IntArray) -> npt.NDArray[np.bool_]:
    """Return which samples cover nothing: the share HUBS of the pooled ones that the most others are near to.

    Args:
        near: (samples,), how many samples of `calibrate` are: of the pool itself, samples beside one that a generator
            repeats would be taken for hubs.
    """
    return np.asarray(near > np.sort(near)[::-1][int(HUBS * len(near))])


def _covered(deepest: int, others: int, batch: float) -> Floats:
    """Return the probability that one of `batch` samples is near, by how many of all are, from 0 to `deepest`."""
    return 1 - missed_by(np.arange(deepest + 1), others, batch)


def _reached(histogram: npt.NDArray[np.int32], samples: int, share: float) -> Floats:
    """Return the number of samples at which the coverage by `histogram` (labellings, degrees) reaches a share."""
    batch = np.geomspace(1e-3, samples - 1, BATCHES)
    tables = np.stack([_covered(histogram.shape[1] - 1, samples - 1, m) for m in batch])
    curve = histogram @ tables.T / samples
    log = np.log(batch)
    return np.exp([np.interp(share, row, log) for row in curve])


def _closest(near: Near, labels: Labels, ratio: float) -> Floats:
    """Return max over u of |K_gg - f K_hh| / sqrt(f u / 2), over the u closest pairs, ties whole; f = M_gg / M_hh."""
    row = np.repeat(np.arange(len(near.start) - 1), np.diff(near.start))
    once = row < near.near
    i, j, distance = row[once], near.near[once].astype(np.int64), near.distance[once]
    order = np.argsort(distance)
    distance = distance[order]
    found = np.zeros(labels.shape[1])
    equal = int(np.count_nonzero(distance == 0))
    ends = {int(np.searchsorted(distance, distance[u - 1], side="right")) for u in (*CLOSEST, equal) if 0 < u <= len(i)}
    counts, first = np.zeros((2, labels.shape[1])), 0
    for last in sorted(ends):
        counts += _kinds(i[order[first:last]], j[order[first:last]], labels)
        found = np.maximum(found, np.abs(counts[0] - ratio * counts[1]) / np.sqrt(ratio * last / 2))
        first = last
    return found


@numba.njit(cache=True, nogil=True)
def _kinds(i: IntArray, j: IntArray, labels: Labels) -> IntArray:
    """Number of pairs of two generated samples, and of two real ones, int64 (2, labellings)."""
    counts = np.zeros((2, labels.shape[1]), np.int64)
    for e in range(i.size):
        for k in range(labels.shape[1]):
            generated = labels[i[e], k] + labels[j[e], k]
            counts[0, k] += generated == 2
            counts[1, k] += generated == 0
    return counts


@numba.njit(cache=True, nogil=True)
def _count(
    start: IntArray,
    near: npt.NDArray[np.int32],
    distance: Floats,
    ends: IntArray,
    order: IntArray,
    hidden: npt.NDArray[np.int32],
    hidden_before: IntArray,
    of_class: IntArray,
    labels: Labels,
    tables: Floats,
    share: float,
    width: int,
    deepest: int,
) -> tuple[Floats, npt.NDArray[np.int32]]:
    """Sum what `statistics` needs over all samples, for LANES labellings: (width, LANES), degrees (2, LANES, deepest).

    A sample counts the generated ones among its near ones for all labellings together: acc, and hubs of them, hubs.

    Args:
        start, near, distance: as `Near` has them.
        ends: (radii, samples), where the samples within each radius end.
        order: of the radii, the smallest first.
        hidden: the hubs in `near`, in its order.
        hidden_before: (len(near) + 1,), how many of them come before each.
        of_class, labels, tables, share, width, deepest: see `statistics`.
    """
    samples = start.size - 1
    sums = np.zeros((width, LANES))
    histogram = np.zeros((2, LANES, deepest), np.int32)
    acc = np.zeros(LANES, np.int32)
    hubs = np.zeros(LANES, np.int32)
    rows, chosen, hiding = labels.ctypes.data, near.ctypes.data, hidden.ctypes.data
    for k in range(samples):
        begin, label = start[k], labels[k]
        local = min(begin + LOCAL, start[k + 1])
        if local > begin:
            acc[:] = 0
            add_rows(rows, chosen, begin, local, acc.ctypes.data)
            for lane in range(LANES):
                sums[13, lane] += (acc[lane] - share * (local - begin)) ** 2 / (local - begin)
        acc[:] = 0
        hubs[:] = 0
        done = begin
        for radius in order:
            end = ends[radius, k]
            add_rows(rows, chosen, done, end, acc.ctypes.data)
            add_rows(rows, hiding, hidden_before[done], hidden_before[end], hubs.ctypes.data)
            done, degree = end, end - begin
            unhidden = degree - (hidden_before[end] - hidden_before[begin])
            if radius == 0:
                _collide(sums, label, acc, degree)
            elif radius == 1:
                _cover(sums[5:8], label, acc, hubs, unhidden, tables[0])
            elif radius == 2:
                for lane in range(LANES):
                    g = acc[lane]
                    if label[lane]:
                        histogram[0, lane, g] += 1
                    else:
                        histogram[1, lane, degree - g] += 1
            else:
                _cover(sums[8:11], label, acc, hubs, unhidden, tables[1])
    _place(sums, start, near, distance, ends[3], of_class, labels)
    return sums, histogram


@numba.njit(cache=True, nogil=True, inline="always")
def _collide(sums: Floats, label: Labels, generated: npt.NDArray[np.int32], near: int) -> None:
    """Add a sample's duplicates: of generated with generated ones, real with real, generated with real; has it any."""
    for lane in range(LANES):
        g = generated[lane]
        h = near - g
        if label[lane]:
            sums[0, lane] += g
            sums[2, lane] += h
            sums[3, lane] += g > 0
        else:
            sums[1, lane] += h
            sums[4, lane] += h > 0


@numba.njit(cache=True, nogil=True, inline="always")
def _cover(
    sums: Floats,
    label: Labels,
    generated: npt.NDArray[np.int32],
    hubs: npt.NDArray[np.int32],
    near: int,
    tables: Floats,
) -> None:
    """Add what a sample adds to the coverages: of generated by real, of real by real, of real by generated samples."""
    for lane in range(LANES):
        g = generated[lane] - hubs[lane]
        if label[lane]:
            sums[0, lane] += tables[0, near - g]
        else:
            sums[1, lane] += tables[1, near - g]
            sums[2, lane] += tables[2, g]


@numba.njit(cache=True, nogil=True)
def _place(
    sums: Floats,
    start: IntArray,
    near: npt.NDArray[np.int32],
    distance: Floats,
    ends: IntArray,
    of_class: IntArray,
    labels: Labels,
) -> None:
    """Add the samples that lie within the own radius of a real one: `covers_own`, by class, and `on_own`."""
    samples = start.size - 1
    own = np.empty((samples, LANES))
    for k in range(samples):
        for lane in range(LANES):
            if labels[k, lane]:
                continue
            real = 0
            seen = False
            limit = np.inf
            for e in range(start[k], ends[k]):
                if distance[e] > limit:
                    break
                if labels[near[e], lane]:
                    seen = True
                else:
                    real += 1
                    if real == OWN:
                        limit = distance[e]
            own[k, lane] = limit
            sums[12, lane] += seen
            if of_class[k] >= 0:
                sums[FIXED + of_class[k], lane] += seen
    for k in range(samples):
        for lane in range(LANES):
            if labels[k, lane]:
                for e in range(start[k], ends[k]):
                    if not labels[near[e], lane]:
                        sums[11, lane] += distance[e] <= own[near[e], lane]
                        break
