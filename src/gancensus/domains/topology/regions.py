"""Regions of a Mapper graph in which a population differs: neighbouring nodes that differ alike."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.domains.topology.mapper_graph import Members
from gancensus.domains.topology.node_tests import Compared, ratio_ends, ratios

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

Kind = Literal["dropped", "invented", "fewer", "more"]
HALF, DOUBLE = 0.5, 2.0  # ratios beyond which a region is dropped, or what is in no node is invented


class Region(NamedTuple):
    """Nodes that hang together, or what is in none of them."""

    first: int
    """The node with the smallest p-value; the number of nodes stands for none."""
    nodes: tuple[int, ...]
    """Its nodes in their order; none of what is in none."""
    holdout: Flags
    """Which samples of `holdout` are in it."""
    population: Flags
    """Which samples of the population are in it."""
    ratio: float
    """The ratio of their shares."""
    low: float
    """Lower end of its interval."""
    high: float
    """Upper end of its interval; infinite where no sample of `holdout` is in it."""
    adjusted: float
    """The smallest false discovery rate of its nodes."""

    @property
    def kind(self) -> Kind:
        """What has happened: dropped (interval below 1/2), fewer, more, or invented (in no node, above 2)."""
        if self.ratio < 1:
            return "dropped" if self.high < HALF else "fewer"
        return "more" if self.nodes or self.low <= DOUBLE else "invented"


def find_regions(
    compared: Compared, holdout: Members, population: Members, edges: tuple[Integers, Integers]
) -> list[Region]:
    """Join the nodes that were found and share samples of `train`, if both hold more, or both fewer.

    Args:
        compared: the tests of all nodes, and of what is in none.
        holdout: the nodes of held-out samples.
        population: those of the population's.
        edges: pairs of nodes that share samples.

    Returns:
        What is dropped or invented first, then by the difference of shares, the largest first.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes = len(compared.p) - 1
    sign = np.where(compared.found, np.sign(ratios(compared.holdout, compared.population, compared.sizes) - 1), 0)
    first, second = edges
    joined = (sign[first] == sign[second]) & (sign[first] != 0)
    graph = coo_array((np.ones(int(joined.sum())), (first[joined], second[joined])), shape=(nodes + 1, nodes + 1))
    label = connected_components(graph, directed=False)[1]
    found = np.flatnonzero(sign)
    regions = [_region(found[label[found] == one], compared, holdout, population) for one in np.unique(label[found])]
    return sorted(regions, key=lambda one: (one.kind in ("fewer", "more"), -_difference(one), one.first))


def _difference(region: Region) -> float:
    """Return how far the shares are apart."""
    return float(abs(region.population.mean() - region.holdout.mean()))


def _region(some: Integers, compared: Compared, holdout: Members, population: Members) -> Region:
    """Return the region of some nodes, or of what is in none."""
    nodes = len(compared.p) - 1
    extent = -np.abs(np.log(ratios(compared.holdout[some], compared.population[some], compared.sizes)))
    first = int(some[np.lexsort((some, extent, compared.p[some]))[0]])
    known = () if first == nodes else tuple(some.tolist())
    held, of = within(holdout, known), within(population, known)
    counts = held.sum()[None], of.sum()[None], compared.sizes
    ratio, low, high = (float(one[0]) for one in (ratios(*counts), *ratio_ends(*counts)))
    return Region(first, known, held, of, ratio, low, high, float(compared.adjusted[some].min()))


def within(members: Members, nodes: tuple[int, ...]) -> Flags:
    """Return which samples are in at least one of some nodes (samples,); without any: which are in none at all."""
    if not nodes:
        return members.outside()
    inside = np.zeros(members.samples, dtype=np.bool_)
    inside[members.rows[np.isin(members.nodes, nodes)]] = True
    return inside
