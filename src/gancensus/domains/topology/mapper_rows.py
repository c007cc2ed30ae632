"""The rows of the tables of the analysis `mapper`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.samples import Rows, Samples, flatten
from gancensus.domains.topology.lens_names import resolved
from gancensus.domains.topology.mapper_graph import MapperGraph, Members, Options, build, check_finite
from gancensus.domains.topology.mapper_tables import OUTSIDE
from gancensus.domains.topology.mapper_words import REAL, described
from gancensus.domains.topology.node_features import Effect, Features, effects, features_of
from gancensus.domains.topology.node_layout import layout
from gancensus.domains.topology.node_tests import Compared, compare, ratio_ends, ratios
from gancensus.domains.topology.regions import Region, find_regions, within

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]
Rng = Callable[[str], np.random.Generator]
Line = dict[str, Any]

SHOWN = 12  # samples of a node that are shown


class Placed(NamedTuple):
    """A population in the graph: samples by sample_id, and their nodes."""

    samples: Samples
    members: Members


class Study(NamedTuple):
    """The graph of a study, the samples of `train` in its order, and what else the rows are made of."""

    graph: MapperGraph
    train: Samples
    real: Mapping[str, Rows]
    rng: Rng
    classes: Mapping[int, str]
    encoder: str | None

    @classmethod
    def of(
        cls, real: Mapping[str, Rows], options: Options, rng: Rng, classes: Mapping[int, str], encoder: str | None
    ) -> Study:
        """Build the graph; the same for every table. Raises UserError where there is no such lens, or no node."""
        train = real["train"].whole()
        lens = tuple(resolved(name, train, encoder) for name in options.lens)
        options = options._replace(lens=lens, called=options.lens)
        graph = build(_vectors(train), train.sample_id, options, rng("graph"))
        return cls(graph, train.take(graph.order), real, rng, classes, encoder)

    def place(self, name: str, rows: Rows) -> Placed:
        """Place a population."""
        samples = rows.whole()
        samples = samples.take(np.argsort(samples.sample_id, kind="stable"))
        check_finite(name, _vectors(samples), samples.sample_id)
        return Placed(samples, self.graph.place(_vectors(samples)))

    def label(self, nodes: tuple[int, ...]) -> Line:
        """Return the most frequent class among the samples of train in some nodes, or, without any, in none."""
        inside = within(self.graph.members, nodes)
        if self.train.label is None or not inside.any():
            return {}
        known, counts = np.unique(self.train.label[inside], return_counts=True)
        most = int(known[counts.argmax()])
        share = float(np.mean(self.train.label == most))
        return {
            "label": self.classes.get(most, str(most)),
            "purity": counts.max() / counts.sum(),
            "class_share": share,
        }


def _vectors(samples: Samples) -> NDArray[np.float64]:
    return flatten(samples.x).astype(np.float64)


def node_lines(study: Study, generated: Mapping[str, Rows]) -> Iterator[Line]:
    """Yield a row for each population and node, and one for what is in none."""
    graph = study.graph
    regions = [(node,) for node in range(len(graph.names))] + [()]
    places = [*layout(graph).tolist(), (None, None)]
    component, loops = (found.tolist() for found in graph.components())
    shapes = [*({"component": c + 1, "loops": n} for c, n in zip(component, loops, strict=True)), {}]
    built = [*graph.members.counts(len(graph.names)).tolist(), int(graph.members.outside().sum())]
    holdout = study.place("holdout", study.real["holdout"])
    held = _drawn(holdout, len(graph.names), study.rng("shown/holdout"))
    about = [
        {"node": name, "x": x, "y": y, **shape, "train": train, **study.label(nodes), "holdout_samples": some}
        for name, (x, y), shape, train, nodes, some in zip(
            (*graph.names, OUTSIDE), places, shapes, built, regions, held, strict=True
        )
    ]
    for name, placed in _populations(study, generated):
        compared = _compare(study, name, holdout, placed)
        shown = _drawn(placed, len(graph.names), study.rng(f"shown/{name}"))
        for k, facts in enumerate(about):
            tests = {"p": compared.p[k], **_known(adjusted=compared.adjusted[k], detectable=compared.detectable[k])}
            yield {"population": name, **facts, **_counts(compared, k), **tests, "samples": shown[k]}


def _populations(study: Study, generated: Mapping[str, Rows]) -> Iterator[tuple[str, Placed]]:
    """Yield real samples in a generator's place, then each generated population."""
    for name, rows in {REAL: study.real[REAL], **generated}.items():
        yield name, study.place(name, rows)


def _compare(study: Study, name: str, holdout: Placed, placed: Placed) -> Compared:
    return compare(holdout.members, placed.members, len(study.graph.names), study.rng(f"permutations/{name}"))


def _counts(compared: Compared, k: int) -> Line:
    """Return the counts of a region, its shares and their ratio."""
    return _shares(int(compared.holdout[k]), int(compared.population[k]), compared.sizes)


def _shares(holdout: int, count: int, sizes: tuple[int, int]) -> Line:
    counts = np.array([holdout]), np.array([count]), sizes
    ratio, low, high = (float(one[0]) for one in (ratios(*counts), *ratio_ends(*counts)))
    return {
        "holdout": holdout,
        "count": count,
        "holdout_size": sizes[0],
        "size": sizes[1],
        "holdout_share": holdout / sizes[0],
        "share": count / sizes[1],
        "ratio": ratio,
        "ratio_low": low,
        **_known(ratio_high=high),
    }


def _known(**values: float) -> Line:
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}


def _drawn(placed: Placed, nodes: int, rng: np.random.Generator) -> list[list[int]]:
    """Return the sample_id of a few samples of each node, and of those in none, ascending."""
    order = np.argsort(placed.members.nodes, kind="stable")
    ends = np.cumsum(placed.members.counts(nodes))
    inside = [*np.split(placed.members.rows[order], ends[:-1]), np.flatnonzero(placed.members.outside())]
    return [_some(placed.samples.sample_id[rows], rng) for rows in inside]


def _some(sample_id: Integers, rng: np.random.Generator) -> list[int]:
    chosen = rng.choice(sample_id, min(SHOWN, len(sample_id)), replace=False) if len(sample_id) else sample_id
    found: list[int] = np.sort(chosen).tolist()
    return found


def edge_lines(study: Study) -> Iterator[Line]:
    """Yield a row for each pair of nodes that share samples."""
    names, counts = study.graph.names, study.graph.members.counts(len(study.graph.names))
    for first, second, shared in zip(*study.graph.edges(), strict=True):
        overlap = shared / min(counts[first], counts[second])
        yield {"first": names[first], "second": names[second], "shared": int(shared), "overlap": float(overlap)}


def feature_lines(study: Study) -> Iterator[Line]:
    """Yield a row for each feature that sets a node apart."""
    real = study.place("holdout", study.real["holdout"]), study.place(REAL, study.real[REAL])
    features, found = _effects(study, real, len(study.graph.names))
    for one in found:
        yield {
            "node": study.graph.names[one.node],
            "feature": one.feature.name,
            "unit": one.feature.unit,
            "kind": one.feature.kind,
            "inside": one.inside,
            "elsewhere": one.elsewhere,
            **dict(zip(("effect", "low", "high"), one.effect, strict=True)),
            "adjusted": one.adjusted,
            "tested": len(features.features),
            "known": features.known,
        }


def _effects(study: Study, real: tuple[Placed, Placed], nodes: int) -> tuple[Features, list[Effect]]:
    """Return what is measured of the real samples that did not build the graph, and what sets the nodes apart."""
    samples = joined(real[0].samples, real[1].samples)
    first, second = real[0].members, real[1].members
    rows = np.concatenate([first.rows, second.rows + first.samples])
    members = Members(rows, np.concatenate([first.nodes, second.nodes]), len(samples))
    features = features_of(samples, study.encoder)
    return features, effects(features, members, nodes)


def joined(first: Samples, second: Samples) -> Samples:
    """Return two populations as one."""
    both = (first, second)
    return Samples(
        np.concatenate([one.x for one in both]),
        np.concatenate([one.sample_id for one in both]),
        None,
        first.scale,
        {name: np.concatenate([one.conditions[name] for one in both]) for name in first.conditions},
        first.units,
    )


def finding_lines(study: Study, generated: Mapping[str, Rows]) -> Iterator[Line]:
    """Yield a row for each population and region that differs."""
    holdout, edges = study.place("holdout", study.real["holdout"]), study.graph.edges()[:2]
    found: list[Line] = []
    regions: list[tuple[int, ...]] = []
    for name, placed in _populations(study, generated):
        compared, rng = _compare(study, name, holdout, placed), study.rng(f"found/{name}")
        for region in find_regions(compared, holdout.members, placed.members, edges):
            found.append({"population": name, **_region(study, region, holdout, placed, rng)})
            regions.append(region.nodes)
    for line, effects_of in zip(found, _apart(study, regions, holdout), strict=True):
        yield line | {"features": described(effects_of)}


def _apart(study: Study, regions: Sequence[tuple[int, ...]], holdout: Placed) -> list[list[Effect]]:
    """Return what sets each region apart; nothing of what is in no node."""
    found: list[list[Effect]] = [[] for _ in regions]
    if any(regions):
        calibrate = study.place(REAL, study.real[REAL])
        real = _joint(regions, holdout), _joint(regions, calibrate)
        for effect in _effects(study, real, len(regions))[1]:
            found[effect.node].append(effect)
    return found


def _joint(regions: Sequence[tuple[int, ...]], placed: Placed) -> Placed:
    """Return a population with regions in place of nodes; what is in no node is none of them."""
    inside = [within(placed.members, nodes) & bool(nodes) for nodes in regions]
    rows, numbers = np.nonzero(np.stack(inside, axis=1))
    return Placed(placed.samples, Members(rows, numbers, len(placed.samples)))


def _region(study: Study, region: Region, holdout: Placed, placed: Placed, rng: np.random.Generator) -> Line:
    """Return the row of a region."""
    names = study.graph.names
    lost = region.ratio < 1
    of, inside = (holdout, region.holdout) if lost else (placed, region.population)
    return {
        "region": names[region.first] if region.nodes else OUTSIDE,
        "finding": region.kind,
        "nodes": [names[node] for node in region.nodes],
        **_shares(int(region.holdout.sum()), int(region.population.sum()), (len(holdout.samples), len(placed.samples))),
        "adjusted": region.adjusted,
        **study.label(region.nodes),
        "samples": _some(of.samples.sample_id[inside], rng),
    }
