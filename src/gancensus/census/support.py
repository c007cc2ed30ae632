"""The census of a study: every statistic of every population, beside those of the held-out real samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.census import birthday, diversity
from gancensus.census.birthday import Collision
from gancensus.census.graph import degrees
from gancensus.contracts.metric import LOOSEST, MIDDLE, SCALES
from gancensus.contracts.samples import REFERENCE, rows_of
from gancensus.search.duplicates import Found, at_scale
from gancensus.search.repeats import listed
from gancensus.statistics import permutation
from gancensus.statistics.estimate import Estimate

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Graph:
    """What a search has found: samples of a population, or of two one after the other, and their pairs.

    sample_id, duplicates, partners (how many other samples each was compared with) and condition (equal where samples
    are compared; None where a distance decides that), int64 (n,), of the first `split` samples and then of the
    other population's; pairs by sample_id, those of every step-th sample. `scales` are the same at each scale of
    the definition, of which this is MIDDLE; empty where it has none.
    """

    sample_id: IntArray
    duplicates: IntArray
    partners: IntArray
    condition: IntArray | None
    split: int
    step: int
    i: IntArray
    j: IntArray
    scales: Mapping[str, Graph] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Found) -> Graph:
        """Return what a search has found, from its tables in memory or as they were read."""
        condition = np.asarray(found.repeats["condition"])
        loosest = cls(
            found.repeats["sample_id"],
            found.repeats["duplicates"],
            found.repeats["partners"],
            condition if condition.dtype.kind == "i" else None,  # missing values
            int(found.facts["samples"]),
            int(found.facts["step"]),
            found.duplicates["i"],
            found.duplicates["j"],
        )
        if "scales" not in found.facts:
            return loosest
        scales = {scale: loosest if scale == LOOSEST else loosest._at(scale, found) for scale in SCALES}
        return replace(scales[MIDDLE], scales=scales)

    def _at(self, scale: str, found: Found) -> Graph:
        """Return the same at a scale that is stricter than that of the search."""
        pairs = at_scale(found.duplicates, found.facts, scale)
        return replace(self, duplicates=found.repeats[f"duplicates_{scale}"], i=pairs["i"], j=pairs["j"])

    @property
    def whole(self) -> bool:
        """Whether every pair is listed."""
        return self.step == 1

    @property
    def listed(self) -> int:
        """How many samples of the first population have their pairs listed."""
        return listed(self.split, self.step)

    def transposed(self) -> Graph:
        """Return the same pairs, of the other population with the first."""
        ids, duplicates, partners = (
            np.roll(column, -self.split) for column in (self.sample_id, self.duplicates, self.partners)
        )
        condition = None if self.condition is None else np.roll(self.condition, -self.split)
        split = len(ids) - self.split
        return Graph(ids, duplicates, partners, condition, split, self.step, self.j, self.i)

    def rows(self, ids: IntArray, other: bool = False) -> IntArray:
        """Return the rows of samples of the first population, or of the other."""
        known = self.sample_id[self.split :] if other else self.sample_id[: self.split]
        return rows_of(known, ids)

    def edges(self) -> tuple[IntArray, IntArray]:
        """Return the pairs within a population as positions among its listed samples."""
        return self.rows(self.i) // self.step, self.rows(self.j) // self.step


@dataclass(frozen=True)
class Count:
    """The collisions of a population.

    `collision` is over the compared pairs, `batches` over all pairs of the listed samples: where samples are compared
    under matched conditions only, the birthday curve is that of batches as they come, conditions mixed. `hits` are the
    batch sizes at which random orders of drawing first hold a duplicate.
    """

    collision: Collision
    batches: Collision
    hits: IntArray


def count(graph: Graph, level: float, replicates: int, rng: np.random.Generator) -> Count:
    """Count a population."""
    i, j = graph.edges()
    return Count(
        birthday.collision(graph.duplicates, graph.partners, level),
        birthday.collision(degrees(graph.listed, i, j), level=level),
        birthday.first_hits(graph.listed, i, j, replicates, rng),
    )


def nulls_of(
    graphs: Sequence[tuple[Graph, Graph, Graph]], permutations: int, level: float, rng: np.random.Generator
) -> list[permutation.Null | None]:
    """Return what the ratio of collisions is when the labels of two populations are drawn at random, at every scale.

    graphs: by scale, of a population, the reference, and pairs of the population with the reference. None where not
    all pairs are listed, where nothing was compared, and where conditions are matched within a tolerance, which leaves
    no groups within which labels could be drawn: this is the same at every scale.
    """
    population, reference, across = graphs[0]
    if not (population.whole and reference.whole and across.whole) or across.condition is None:
        return [None] * len(graphs)
    if not (population.partners.any() and reference.partners.any()):
        return [None] * len(graphs)
    n, m, pairs = population.split, reference.split, [_pooled(*scale) for scale in graphs]
    return [*permutation.permutation_nulls(n, m, pairs, rng, across.condition, permutations, level)]


def _pooled(population: Graph, reference: Graph, across: Graph) -> tuple[IntArray, IntArray]:
    """Return all pairs as positions among the samples of the population and then of the reference."""
    n = population.split
    first = [population.rows(population.i), reference.rows(reference.i) + n, population.rows(across.i)]
    second = [population.rows(population.j), reference.rows(reference.j) + n, reference.rows(across.j) + n]
    return np.concatenate(first), np.concatenate(second)


def support_row(
    population: str,
    found: Count,
    reference: Count,
    null: permutation.Null | None,
    level: float,
    margin: float,
) -> dict[str, Any]:
    """Return a row of the table of support sizes without study and definition; the reference has no ratio to itself."""
    collision = found.collision
    half = birthday.batch_half(found.batches.samples, found.hits)
    row = {
        "population": population,
        **collision_columns(collision),
        **_ends("effective_support", collision.effective_support),
        "batch_half": half,
        "square_support": None if half is None else birthday.square_support(half),
        "birthday_support": None if half is None else birthday.birthday_support(half),
        **ratio_columns(collision, None, level),
        **dict.fromkeys(("verdict", "null_low", "null_high", "p_value")),
        "listed": found.batches.samples,
        **reached_columns(()),
    }
    if population != REFERENCE:
        row |= ratio_columns(collision, reference.collision, level)
        row["verdict"] = birthday.verdict(birthday.ratio(collision, reference.collision, level), margin)
    if null is not None:
        row |= {"null_low": null.low, "null_high": null.high, "p_value": null.p_value}
    return row


def reached_columns(answers: Iterable[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return the support at a coverage, and its ratio to that of `holdout`, from the answers by one definition."""
    found = {row["statistic"]: row for row in answers}
    named = (("reach_support", "support"), ("reach_ratio", "reach_ratio"))
    estimates = ((name, found.get(statistic, {})) for name, statistic in named)
    return {
        f"{name}{end}": row.get(end.strip("_") or "value") for name, row in estimates for end in ("", "_low", "_high")
    }


def collision_columns(collision: Collision) -> dict[str, Any]:
    """Return a collision probability with its interval and what it was counted from."""
    return {
        "samples": collision.samples,
        "pairs": collision.pairs,
        "duplicates": collision.duplicates,
        **_ends("collision", Estimate(collision.value, collision.low, collision.high)),
    }


def ratio_columns(collision: Collision, reference: Collision | None, level: float) -> dict[str, float | None]:
    """Return the ratio of two collision probabilities with its interval; null for the reference itself."""
    return _ends(
        "ratio", Estimate(None, None, None) if reference is None else birthday.ratio(collision, reference, level)
    )


def curve_columns(population: str, found: Count, level: float) -> Mapping[str, Any]:
    """Return the birthday curve of a population as columns of the table of curves, without the definition."""
    batch = birthday.batches(found.batches.samples, found.hits)
    probability, low, high = birthday.curve(found.hits, found.batches, batch, level)
    return {
        "population": [population] * len(batch),
        "batch": batch,
        "probability": probability,
        "probability_low": low,
        "probability_high": high,
    }


def diversity_rows(population: str, graph: Graph, level: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table of diversity, without the definition."""
    profile = diversity.profile(graph.listed, *graph.edges(), level)
    for name in ("richness", "shannon", "simpson", "coverage"):
        estimate: Estimate = getattr(profile, name)
        yield {"population": population, "quantity": name, **_ends("value", estimate, ("", "low", "high"))}
    for name in ("components", "largest", "clique_bound"):
        value = float(getattr(profile, name))
        yield {"population": population, "quantity": name, "value": value, "low": None, "high": None}


def copies_row(
    population: str, train: Graph, reference: Graph, holdout: Graph | None, level: float, margin: float
) -> dict[str, Any]:
    """Return a row of the table of copies, without the definition.

    train: pairs of the population with `train`; reference: those of held-out real samples with `train`; holdout: those
    of the population with held-out real samples, None for these themselves. A model that has learned the distribution
    is as near to one as to the other; one that copies is nearer to `train`. The two collision probabilities share the
    population, so that the interval of their ratio, which treats them as independent, is a little too wide.
    """
    found = _cross(train, level)
    copied, usual = (birthday.copied_share(graph.duplicates[: graph.split], level) for graph in (train, reference))
    row = {
        "population": population,
        "others": len(train.sample_id) - train.split,
        **collision_columns(found),
        **_ends("copied", copied),
        **ratio_columns(found, None, level),
        **dict.fromkeys(("copied_null", "verdict")),
    }
    if holdout is not None:
        other = _cross(holdout, level)
        row |= {"copied_null": usual.value, **ratio_columns(found, other, level)}
        by_chance = row["others"] * (other.value or 0.0)
        row["verdict"] = copies_verdict(birthday.ratio(found, other, level), margin, by_chance)
    return row


def copies_verdict(ratio: Estimate, margin: float, by_chance: float) -> str:
    """Say what the ratio of the collisions with `train` to those with `holdout` means.

    by_chance: duplicates in `train` that a sample has without being a copy. A copy has one more, so that a share w of
    copies gives the ratio 1 + w / by_chance: 'no copies found' also needs a share of margin - 1 to be ruled out.
    """
    low = 0.0 if ratio.low is None else ratio.low
    high = inf if ratio.high is None else ratio.high
    if low > 1:
        return "copies" if low > margin else "possible memorisation"
    return "no copies found" if high <= margin and (high - 1) * by_chance < margin - 1 else "inconclusive"


def _cross(graph: Graph, level: float) -> Collision:
    first, other = slice(0, graph.split), slice(graph.split, None)
    return birthday.cross_collision(
        graph.duplicates[first], graph.duplicates[other], graph.partners[first], graph.partners[other], level
    )


def _ends(name: str, estimate: Estimate, ends: tuple[str, str, str] | None = None) -> dict[str, float | None]:
    low, high = (f"{name}_low", f"{name}_high") if ends is None else ends[1:]
    return {name: estimate.value, low: estimate.low, high: estimate.high}
