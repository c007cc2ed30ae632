"""Mapper graphs against a slow one of its own: whole numbers, exact intervals, a union-find in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, product
from math import ceil, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gancensus.contracts.errors import UserError
from gancensus.domains.topology.mapper_graph import MapperGraph, Members, Options, build, check_finite

RNG = np.random.default_rng(7)


class SlowCover:
    """Intervals of one lens as fractions."""

    def __init__(self, values: Sequence[int], options: Options, overlap: Fraction) -> None:
        self.known = sorted(set(values))
        if options.cover == "uniform":
            self.known = [self.known[0], self.known[-1]]
            self.place = [Fraction(0), Fraction(1)]
        else:
            ranks = [[k for k, v in enumerate(sorted(values)) if v == one] for one in self.known]
            self.place = [Fraction(sum(some), len(some) * (len(values) - 1)) for some in ranks]
        length = 1 / (1 + (options.intervals - 1) * (1 - overlap))
        step = length * (1 - overlap)
        self.ends = [(i * step, i * step + length) for i in range(options.intervals)]
        content = [{v for v in values if low <= self.at(v) <= high} for low, high in self.ends]
        self.same = [bool(content[i]) and content[i] == content[i - 1] for i in range(1, options.intervals)]

    def at(self, value: int) -> Fraction:
        if value <= self.known[0] or value >= self.known[-1]:
            return self.place[0] if value <= self.known[0] else self.place[-1]
        above = next(k for k, v in enumerate(self.known) if v >= value)
        share = Fraction(value - self.known[above - 1], self.known[above] - self.known[above - 1])
        return self.place[above - 1] + share * (self.place[above] - self.place[above - 1])

    def held(self, value: int) -> set[int]:
        inside = {i for i, (low, high) in enumerate(self.ends) if low <= self.at(value) <= high}
        return {i - 1 if i and self.same[i - 1] else i for i in inside}


class Slow:
    """The same graph and placement, one sample after the other; lenses are x0 and x1."""

    def __init__(self, z: list[tuple[int, ...]], options: Options, overlap: Fraction) -> None:
        self.z, self.k = z, options.neighbours
        far = [sorted((self.square(a, b), j) for j, b in enumerate(z) if j != i) for i, a in enumerate(z)]
        self.near = [[j for _, j in row[: self.k]] for row in far]
        self.radius = [row[self.k - 1][0] for row in far]
        limit = sorted(self.radius)[ceil(0.95 * len(z)) - 1]
        self.dense = [i for i in range(len(z)) if self.radius[i] <= limit]
        self.columns = [int(name[1:]) for name in options.lens]
        self.covers = [SlowCover([z[i][c] for i in self.dense], options, overlap) for c in self.columns]
        self.nodes: dict[str, list[int]] = {}
        for cell in product(range(options.intervals), repeat=len(self.columns)):
            inside = [i for i in self.dense if cell in self.cells(z[i])]
            found = [some for some in self.components(inside) if len(some) >= 5]
            for number, some in enumerate(sorted(found, key=lambda some: (-len(some), some[0])), start=1):
                self.nodes[".".join(str(c + 1) for c in cell) + f"-{number}"] = some

    @staticmethod
    def square(a: tuple[int, ...], b: tuple[int, ...]) -> int:
        return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))

    def cells(self, point: tuple[int, ...]) -> set[tuple[int, ...]]:
        return set(product(*(cover.held(point[c]) for cover, c in zip(self.covers, self.columns, strict=True))))

    def components(self, inside: list[int]) -> list[list[int]]:
        parent = {i: i for i in inside}

        def root(i: int) -> int:
            while parent[i] != i:
                i = parent[i]
            return i

        for a, b in combinations(inside, 2):
            if b in self.near[a] or a in self.near[b]:
                parent[root(a)] = root(b)
        return [[i for i in inside if root(i) == r] for r in inside if parent[r] == r]

    def place(self, point: tuple[int, ...]) -> set[str]:
        near = sorted((self.square(point, self.z[i]), i) for i in self.dense)[: self.k]
        found = set()
        for cell in self.cells(point):
            prefix = ".".join(str(c + 1) for c in cell) + "-"
            for square, i in near:
                names = [name for name, some in self.nodes.items() if name.startswith(prefix) and i in some]
                if names and square <= self.radius[i]:
                    found.update(names)
                    break
        return found


def sets(graph: MapperGraph, members: Members) -> list[set[str]]:
    """Return the names of each sample's nodes."""
    found: list[set[str]] = [set() for _ in range(members.samples)]
    for row, node in zip(members.rows, members.nodes, strict=True):
        found[row].add(graph.names[node])
    return found


def made(z: Any, options: Options, sample_id: Any = None) -> MapperGraph:
    sample_id = np.arange(len(z)) if sample_id is None else np.asarray(sample_id)
    return build(np.asarray(z, dtype=np.float64), sample_id, options, np.random.default_rng(0))


def blobs(n: int, d: int = 3) -> np.ndarray[Any, np.dtype[np.float64]]:
    return RNG.standard_normal((n, d)) + 6 * RNG.integers(0, 2, (n, 1))


points = st.tuples(st.integers(-4, 4), st.integers(-4, 4))
asked = st.builds(
    Options,
    lens=st.sampled_from([("x0",), ("x1", "x0"), ("x0", "x1")]),
    cover=st.sampled_from(["uniform", "balanced"]),
    intervals=st.integers(1, 5),
    neighbours=st.integers(1, 4),
    called=st.just(()),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    z=st.lists(points, min_size=8, max_size=45),
    new=st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), max_size=12),
    options=asked,
    overlap=st.sampled_from([Fraction(0), Fraction(1, 4), Fraction(3, 10), Fraction(9, 20)]),
)
def test_graph_and_placement_are_those_of_the_slow_one(
    z: list[tuple[int, ...]], new: list[tuple[int, ...]], options: Options, overlap: Fraction
) -> None:
    """Whole numbers from -4 to 4: many equal samples, equal distances, and values at the ends of intervals."""
    options = options._replace(overlap=float(overlap))
    try:
        graph = made(z, options)
    except UserError as error:
        assert "the same value" in str(error) or not Slow(z, options, overlap).nodes
        return
    slow = Slow(z, options, overlap)
    assert list(graph.names) == list(slow.nodes)
    found = sets(graph, graph.members)
    assert found == [{name for name, some in slow.nodes.items() if i in some} for i in range(len(z))]
    placed = graph.place(np.array(new, dtype=np.float64).reshape(-1, 2))
    assert sets(graph, placed) == [slow.place(point) for point in new]
    shared = {(a, b): len(set(slow.nodes[a]) & set(slow.nodes[b])) for a, b in combinations(slow.nodes, 2)}
    edges = zip(*graph.edges(), strict=True)
    assert {(graph.names[a], graph.names[b]): s for a, b, s in edges} == {e: s for e, s in shared.items() if s}


@given(seed=st.integers(0, 10_000), lens=st.sampled_from([("pca1",), ("eccentricity", "x1"), ("density",)]))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_samples_changes_nothing(seed: int, lens: tuple[str, ...]) -> None:
    rng = np.random.default_rng(seed)
    z, ids = blobs(150), rng.choice(1000, 150, replace=False)
    shuffled = rng.permutation(150)
    graph, other = (made(z[some], Options(lens, intervals=4), ids[some]) for some in (np.arange(150), shuffled))
    assert graph.names == other.names
    assert (ids[graph.order] == ids[shuffled][other.order]).all()
    assert all((a == b).all() for a, b in zip(graph.members[:2], other.members[:2], strict=True))
    assert (graph.lens == other.lens).all()
    new = blobs(60)
    placed, again = graph.place(new), other.place(new[::-1])
    assert sets(graph, placed) == sets(other, again)[::-1]
    assert sets(graph, placed) == [sets(graph, graph.place(one[None]))[0] for one in new]


@pytest.mark.parametrize("lens", [("pca1",), ("pca2", "x0"), ("eccentricity",)])
@pytest.mark.parametrize("copies", [1, 9])
def test_a_sample_that_builds_a_node_is_placed_in_it(lens: tuple[str, ...], copies: int) -> None:
    """Copies: more than the neighbours, so that distances to the k-th neighbour are 0."""
    z = np.repeat(blobs(600), RNG.choice([1, copies], 600), axis=0)
    graph = made(z, Options(lens))
    built, placed = sets(graph, graph.members), sets(graph, graph.place(z[graph.order]))
    assert all(mine <= found for mine, found in zip(built, placed, strict=True))
    assert sum(map(len, built)) > 600


def test_placed_samples_lie_in_the_cells_of_their_nodes() -> None:
    graph = made(blobs(2000), Options(("pca1", "x1"), intervals=6))
    new = blobs(1500) * 1.3
    lens = graph.lens_of(new)
    known = [graph.lens_of(graph.builders)[:, j] for j in (0, 1)]
    length = 1 / (1 + 5 * 0.7)
    for row, names in enumerate(sets(graph, graph.place(new))):
        for name in names:
            for j, cell in enumerate(name.split("-")[0].split(".")):
                at = np.clip((lens[row, j] - known[j].min()) / np.ptp(known[j]), 0, 1)
                start = (int(cell) - 1) * 0.7 * length
                assert start - 1e-8 <= at <= start + length + 1e-8


def test_placing_changes_no_name_and_far_samples_are_outside() -> None:
    graph = made(blobs(500), Options())
    names, members = graph.names, [one.copy() for one in graph.members[:2]]
    far = graph.place(blobs(50) + 100)
    assert far.outside().all() and far.counts(len(names)).sum() == 0 and len(far.rows) == 0
    assert graph.names == names
    assert all((a == b).all() for a, b in zip(graph.members[:2], members, strict=True))
    none = graph.place(np.empty((0, 3)))
    assert none.outside().shape == (0,)


def test_members_are_sorted_and_counted() -> None:
    graph = made(blobs(800), Options(("pca1", "pca2"), intervals=5))
    for members in (graph.members, graph.place(blobs(300))):
        code = members.rows * len(graph.names) + members.nodes
        assert (np.diff(code) > 0).all()
        counts = members.counts(len(graph.names))
        assert counts.sum() == len(members.rows) and len(counts) == len(graph.names)
        assert (members.outside() == ~np.isin(np.arange(members.samples), members.rows)).all()
    assert (graph.members.counts(len(graph.names)) >= 5).all()


def test_one_in_twenty_is_too_sparse_to_build_a_node() -> None:
    graph = made(blobs(2000), Options())
    assert len(graph.builders) == 1900
    rest = np.setdiff1d(np.arange(2000), graph.members.rows)
    assert len(rest) >= 100


def test_nodes_of_a_cell_are_named_by_size() -> None:
    """Three clusters in one cell, the second one the largest, the others equal: the smallest sample_id decides."""
    z = np.repeat([[0.0], [1.0], [2.0]], [20, 30, 20], axis=0)
    for ids, expected in ((np.arange(70), [1, 0, 2]), (np.arange(70)[::-1], [1, 2, 0])):
        graph = made(z, Options(("x0",), intervals=1), ids)
        assert graph.names == ("1-1", "1-2", "1-3")
        found = z[graph.order[graph.members.rows], 0]
        assert [set(found[graph.members.nodes == k]) for k in range(3)] == [{k} for k in expected]


def test_a_column_with_few_values_has_a_cell_for_each() -> None:
    z = np.concatenate([np.repeat([[0.0], [1.0], [2.0]], 100, axis=0), RNG.standard_normal((300, 2)) * 0.3], axis=1)
    for cover, cells in (("uniform", ["1", "5", "10"]), ("balanced", ["2", "5", "9"])):
        graph = made(z, Options(("x0",), cover))  # type: ignore[arg-type]
        assert [name for name in graph.names if name.endswith("-1")] == [f"{cell}-1" for cell in cells]
        assert len(graph.edges().first) == 0


def test_many_equal_samples() -> None:
    """Forty of each of six vectors: neighbours are 0 away, each vector is a node, and only its copies fall into it."""
    z = np.repeat(np.array([[k, (k * k) % 5, 3.5 * k] for k in range(6)]), 40, axis=0)
    graph = made(z, Options(("x0",)))
    assert (graph.radii == 0).all()
    assert graph.members.counts(len(graph.names)).tolist() == [40] * 6
    placed = graph.place(np.concatenate([z[::40], z[::40] + 1e-6]))
    assert [len(names) for names in sets(graph, placed)] == [1] * 6 + [0] * 6


def test_what_cannot_be_built() -> None:
    with pytest.raises(UserError, match=r"^5 samples of `train`: too few for 10 neighbours; lower `neighbours`, or"):
        made(blobs(5), Options())
    with pytest.raises(UserError, match=r"^lens pca1: the samples of `train` vary in 0 directions only"):
        made(np.ones((50, 3)), Options())
    with pytest.raises(UserError, match=r"^lens pca1: .*same value|^lens pca1: .*vary in 0 directions"):
        made(np.full((50, 3), 0.1), Options())
    with pytest.raises(UserError, match=r"^lens x1: 95 % or more of the samples of `train` have the same value"):
        made(np.c_[np.arange(50.0), np.ones(50)], Options(("x0", "x1")))
    with pytest.raises(
        UserError, match=r"^6 samples of `train`: no 5 neighbouring ones in any cell of the cover; lower"
    ):
        made(np.arange(6.0)[:, None], Options(("x0",), neighbours=2))
    assert made(np.arange(6.0)[:, None], Options(("x0",), neighbours=2, intervals=1)).names == ("1-1",)


def test_the_sample_that_is_not_finite_is_named() -> None:
    z = blobs(40)
    z[[9, 30], [0, 2]] = np.nan, np.inf
    ids = np.arange(40) + 1000
    with pytest.raises(
        UserError, match=r"^train: the vectors of 2 of 40 samples are not finite, first that of sample 1009"
    ):
        made(z, Options(), ids)
    with pytest.raises(UserError, match=r"^gan-1: .* 1 of 10 .* sample 1030"):
        check_finite("gan-1", z[30:], ids[30:])
    check_finite("gan-1", z[:9], ids[:9])


@pytest.mark.parametrize("z", [np.zeros((4, 5)), np.zeros((4, 2)), np.full((4, 3), np.nan)])
def test_samples_that_are_placed_are_finite_and_have_as_many_values(z: Any) -> None:
    with pytest.raises(ValueError, match=r"^vectors must be finite and have 3 values, as those of train$"):
        made(blobs(100), Options(intervals=3)).place(z)


def test_radius_of_a_ball_decides() -> None:
    """On whole numbers with 2 neighbours every ball reaches 1, but those of the ends 2: both ends are too sparse."""
    graph = made(np.arange(100.0)[:, None], Options(("x0",), intervals=1, neighbours=2))
    assert len(graph.builders) == 98
    inside = ~graph.place(np.array([[-0.1], [0.0], [0.5], [98.0], [99.0], [99.1], [np.sqrt(2) * 30]])).outside()
    assert inside.tolist() == [False, True, True, True, True, False, True]
    assert sqrt(graph.radii.max()) == 1
