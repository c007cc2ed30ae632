"""Groups of near-duplicates: a sample and its duplicates, so that all members are near one and the same sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.census.graph import adjacency
from gancensus.contracts.samples import Samples, rows_in_file, rows_of
from gancensus.contracts.table import Columns
from gancensus.search.duplicates import Found
from gancensus.search.repeats import listed
from gancensus.storage.schemas import GROUPS

MOST = 20_000  # rows of the table that a population has under a definition
FACTS = "populations"  # the key of `GroupFacts` in the metadata of the table

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class Grouped(NamedTuple):
    """The grouped samples, group by group from the largest; of a group the centre first, then the nearest to it."""

    sample_id: IntArray
    group: IntArray
    """0 for the largest; of two of one size first that whose centre has the smaller sample_id."""
    size: IntArray
    """Samples of the group."""
    distance: FloatArray
    """To the centre."""


class Closest(NamedTuple):
    """Samples that have a duplicate in another population, ascending; the closest one, and its distance."""

    sample_id: IntArray
    other: IntArray
    distance: FloatArray


NONE = Closest(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


class Searched(NamedTuple):
    """What the searches of a generated population have found under a definition."""

    definition: str
    population: str
    metric: str
    """That whose distances are told: the first that is no condition."""
    thresholds: Mapping[str, float]
    """Of each metric: of what the searches have listed, the pairs within all of them count."""
    own: Found
    train: Found | None
    """None where there are no training samples."""


class GroupFacts(NamedTuple):
    """What the metadata of the table says about a population under a definition."""

    definition: str
    population: str
    samples: int
    listed: int
    """Samples whose pairs are listed, and which alone are grouped: fewer than all where there are too many."""
    groups: int
    """Of two samples and more."""
    grouped: int
    """Samples in these."""
    near: int | None
    """Samples that have a listed duplicate in `train`; None where there is no `train`."""
    near_listed: int | None
    """Samples whose duplicates in `train` are listed."""
    rows: int
    """Rows of the table, `MOST` at most."""


def group_duplicates(i: IntArray, j: IntArray, distance: FloatArray) -> Grouped:
    """Group samples by their duplicates, given all pairs (i, j) by sample_id, each once, and their distances.

    The sample that has most duplicates outside all groups (of several the one with the smallest sample_id) is the
    centre of the next group, which takes these duplicates; and so on, until no two samples outside are duplicates. So
    every member of a group is a duplicate of its centre, where connected components would join the ends of a chain. A
    sample all of whose duplicates lie in groups of other centres is in none.

    The clustering of Butina (J. Chem. Inf. Comput. Sci. 39, 747, 1999), with the numbers of neighbours brought up to
    date after each group.
    """
    ids, ends = np.unique(np.concatenate([i, j]), return_inverse=True)
    a, b = ends[: len(i)], ends[len(i) :]
    group, centre = _take_groups(*adjacency(len(ids), a, b))
    far = np.zeros(len(ids))
    for one, other in ((a, b), (b, a)):
        spoke = centre[other] == one
        far[other[spoke]] = distance[spoke]
    member = np.flatnonzero(group >= 0)
    order = member[np.lexsort((member, far[member], centre[member] != member, group[member]))]
    size = np.bincount(group[member]) if len(member) else np.empty(0, np.int64)
    return Grouped(ids[order], group[order], size[group[order]].astype(np.int64), far[order])


@numba.njit(cache=True, nogil=True)
def _take_groups(start: IntArray, neighbour: NDArray[np.int32]) -> tuple[IntArray, IntArray]:
    """Return the group of each vertex and its centre, -1 where it is in none.

    The vertices wait in a bucket for each number of neighbours outside all groups. That number only falls: one that is
    out of date moves to a lower bucket when its turn comes, so that each bucket is emptied once, in ascending order.
    """
    count = start.size - 1
    free = start[1:] - start[:-1]
    group, centre = np.full(count, -1), np.full(count, -1)
    most = free.max() if count else 0
    first, after = np.full(most + 1, -1), np.full(count, -1)
    for v in range(count):
        first[free[v]], after[v] = v, first[free[v]]
    waiting = np.empty(count, np.int64)
    groups = 0
    for level in range(most, 0, -1):
        size, v = 0, first[level]
        while v >= 0:
            waiting[size] = v
            size += 1
            v = after[v]
        for v in np.sort(waiting[:size]):
            if group[v] >= 0:
                continue
            if free[v] < level:
                first[free[v]], after[v] = v, first[free[v]]
                continue
            group[v] = groups
            _join(start, neighbour, group, centre, free, v, v)
            for e in range(start[v], start[v + 1]):
                if group[neighbour[e]] < 0:
                    _join(start, neighbour, group, centre, free, neighbour[e], v)
            groups += 1
    return group, centre


@numba.njit(cache=True, nogil=True)
def _join(
    start: IntArray, neighbour: NDArray[np.int32], group: IntArray, centre: IntArray, free: IntArray, u: int, v: int
) -> None:
    """Let a vertex join the group of the centre v: it is no free neighbour of others any more."""
    group[u], centre[u] = group[v], v
    for e in range(start[u], start[u + 1]):
        free[neighbour[e]] -= 1


def closest_of(i: IntArray, j: IntArray, distance: FloatArray) -> Closest:
    """Return the closest j of each i, given pairs (i, j) by sample_id; of equally close ones the smallest."""
    order = np.lexsort((j, distance, i))
    rows = order[np.unique(i[order], return_index=True)[1]]
    return Closest(i[rows], j[rows], distance[rows])


def with_alone(groups: Grouped, near: Closest) -> Grouped:
    """Return groups, and after them each sample outside that is near one of `train` as a group of its own.

    Of these the nearest come first.
    """
    order = np.lexsort((near.sample_id, near.distance))
    order = order[~np.isin(near.sample_id[order], groups.sample_id)]
    first = int(groups.group.max(initial=-1)) + 1
    alone = Grouped(
        near.sample_id[order],
        np.arange(first, first + len(order)),
        np.ones(len(order), dtype=np.int64),
        np.zeros(len(order)),
    )
    return Grouped(*(np.concatenate(both) for both in zip(groups, alone, strict=True)))


def find_groups(
    searched: Iterable[Searched],
    known: Mapping[str, Samples],
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[Columns, dict[str, str]]:
    """Return the columns of `GROUPS`, and what its metadata says.

    searched: of which one is held at a time; known: sample_id and name of each population whose samples have names.
    """
    found, facts = [], []
    for one in searched:
        columns, fact = _rows(one, known)
        progress(f"{one.definition}: {fact.groups:,} groups hold {fact.grouped:,} samples of {one.population}")
        found.append(columns)
        facts.append(fact)
    table = {name: [value for columns in found for value in columns[name]] for name in GROUPS.names}
    return table, {FACTS: json.dumps([fact._asdict() for fact in facts])}


def facts_of(about: Mapping[str, str]) -> list[GroupFacts]:
    """Return what the metadata of a table of groups says about each population under each definition."""
    return [GroupFacts(**one) for one in json.loads(about[FACTS])]


def _rows(one: Searched, known: Mapping[str, Samples]) -> tuple[Columns, GroupFacts]:
    """Return the rows of a population under a definition."""
    groups = group_duplicates(*_within(one, one.own))
    near = closest_of(*_within(one, one.train)) if one.train else NONE
    listed = with_alone(groups, near)
    rows = min(MOST, len(listed.sample_id))
    facts = GroupFacts(
        one.definition,
        one.population,
        int(one.own.facts["samples"]),
        _listed(one.own),
        len(np.unique(groups.group)),
        len(groups.group),
        len(near.sample_id) if one.train else None,
        _listed(one.train) if one.train else None,
        rows,
    )
    ids = listed.sample_id[:rows]
    there = np.isin(ids, near.sample_id)
    closest = np.searchsorted(near.sample_id, ids[there])
    other = near.other[closest]
    columns = {
        "definition": [one.definition] * rows,
        "population": [one.population] * rows,
        "group": listed.group[:rows],
        "size": listed.size[:rows],
        "sample_id": ids,
        "name": _names(known.get(one.population), ids),
        "row": rows_in_file(ids),
        "distance": listed.distance[:rows],
        "train_id": _where(there, other.tolist()),
        "train_name": _where(there, _names(known.get("train"), other)),
        "train_row": _where(there, rows_in_file(other).tolist()),
        "train_distance": _where(there, near.distance[closest].tolist()),
    }
    return columns, facts


def _listed(found: Found) -> int:
    """Return how many samples of the first population of a search have their pairs listed."""
    return listed(int(found.facts["samples"]), int(found.facts["step"]))


def _within(one: Searched, found: Found) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the listed pairs within the thresholds, and their distances."""
    pairs = found.duplicates
    keep = np.ones(len(pairs["i"]), dtype=bool)
    for metric, threshold in one.thresholds.items():
        keep &= pairs[metric] <= threshold
    return pairs["i"][keep], pairs["j"][keep], pairs[one.metric][keep]


def _names(known: Samples | None, ids: IntArray) -> list[str | None]:
    """Return the names of samples of a population, None where they have none."""
    if known is None or known.name is None:
        return [None] * len(ids)
    return [str(name) for name in known.name[rows_of(known.sample_id, ids)]]


def _where(there: NDArray[np.bool_], values: Sequence[object]) -> list[object]:
    """Return values where they are there, None elsewhere."""
    found: list[object] = [None] * len(there)
    for row, value in zip(np.flatnonzero(there), values, strict=True):
        found[row] = value
    return found
