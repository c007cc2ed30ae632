"""A graph that the report shows and whose nodes open: what an analysis says of each, and the samples that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Mark(NamedTuple):
    """How a node is drawn in the graph of a population."""

    value: float | None
    """What its colour says, from -1 to 1; None: too few samples to say it."""
    found: bool
    """Whether it is drawn with a bold outline."""
    title: str
    """What is said of it in a line, where a pointer rests on it."""


class Shown(NamedTuple):
    """Some samples of a node."""

    population: str
    caption: str
    sample_id: Sequence[int]


class NodeTable(NamedTuple):
    """A table of what is known of a node."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


class Node(NamedTuple):
    """A node: its name, where it is drawn (in any unit, y upwards) and how large, and what it opens."""

    name: str
    x: float
    y: float
    size: float
    """Its area, in any unit."""
    facts: Sequence[str]
    """Sentences."""
    tables: Sequence[NodeTable]
    samples: Sequence[Shown]
    label: str = ""
    """What is written beside it in every graph; empty: its name, where it is found."""


class Explorer(NamedTuple):
    """A graph with a drawing for each population; in all of them the same nodes, which open the same."""

    nodes: Sequence[Node]
    links: Sequence[tuple[int, int]]
    """Pairs of nodes, by number."""
    marks: Mapping[str, Sequence[Mark]]
    """By population, a mark for each node."""
    colours: tuple[str, str, str]
    """What the colours of -1, 0 and 1 mean."""
    sizes: str
    """What the areas count."""
