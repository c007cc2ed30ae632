"""The census of a study: from what its searches have found to the columns of its five tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gancensus.census.summary import Grouping, summarise
from gancensus.census.support import (
    Count,
    Graph,
    copies_row,
    count,
    curve_columns,
    diversity_rows,
    nulls_of,
    reached_columns,
    support_row,
)
from gancensus.config.results import Search
from gancensus.config.sections import Census
from gancensus.contracts.beginning import Begin, here, side_by_side
from gancensus.contracts.metric import MIDDLE
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import REFERENCE
from gancensus.contracts.table import Columns, columns_of
from gancensus.statistics.permutation import Null
from gancensus.storage import schemas

Graphs = Mapping[Search, Graph]
"""What the searches of a study have found under a definition."""
Nulls = dict[str, Null | None]
"""What the ratio of collisions of a population is under permuted labels, by population."""


class Tables(NamedTuple):
    """The tables of a census, as `storage.schemas` has them."""

    support: Columns
    curve: Columns
    diversity: Columns
    copies: Columns
    scales: Columns


def take_census(
    graphs: Iterable[tuple[str, Graphs]],
    settings: Census,
    study: str,
    seed: int,
    answers: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
    grouped: bool = False,
    begin: Begin = here,
) -> Tables:
    """Count every population under every definition.

    graphs: by definition, of which one is held at a time: every population within itself, `holdout` with
    `train`, and every generated one with both. The populations are counted in the order of their searches.
    answers: the rows of `census.answers` by population.
    grouped: whether `train` has whole groups of samples, which repeat themselves more often: then no verdict is given.
    begin: may begin a computation elsewhere; the result is the same.
    """
    support, curves, profiles, copies = [], [], [], []
    scaled: list[dict[str, Any]] = []
    for definition, found in graphs:
        rng = partial(_rng, seed, study, definition)
        named = {"study": study, "definition": definition}
        by_scale, nulls = _counted(found, settings, rng, begin)
        usual = MIDDLE if MIDDLE in nulls else None
        counted = by_scale[usual]
        middle = [named | row for row in _supports(counted, nulls[usual], settings, grouped)]
        for row in middle:
            row |= reached_columns(one for one in answers.get(row["population"], ()) if one["definition"] == definition)
        support += middle
        scaled += _at_scales(by_scale, middle, nulls, settings, grouped)
        named = {"definition": definition}
        for population, own in counted.items():
            curve = curve_columns(population, own, settings.level)
            curves.append({"definition": [definition] * len(curve["batch"]), **curve})
            profiles += [named | row for row in diversity_rows(population, found[Search(population)], settings.level)]
            if Search(population, "train") in found:
                copies.append(named | _copies(found, population, settings))
    return Tables(
        columns_of(support, schemas.SUPPORT.names),
        {name: np.concatenate([curve[name] for curve in curves]) for name in schemas.CURVE.names},
        columns_of(profiles, schemas.DIVERSITY.names),
        columns_of(copies, schemas.COPIES.names),
        columns_of(scaled, schemas.SCALES.names),
    )


def conclude(
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    settings: Census,
    study: str,
    failed: Mapping[str, str],
    unseen: Collection[str],
    group: Grouping,
    learned: bool,
) -> tuple[Columns, Columns]:
    """Return the tables of all statistics and of the answers that they give.

    rows: those of `census.answers` by population; failed: why a population could not be measured; unseen, group,
    learned: as of `summarise`.
    """
    statistics = [{"population": name} | dict(row) for name, of in rows.items() for row in of]
    missing = {name: f"could not be measured: {reason}" for name, reason in failed.items()}
    said = summarise(rows, settings.margin, settings.permutations, missing, unseen, group, learned)
    summary = [{"study": study} | row for row in said]
    return columns_of(statistics, schemas.STATISTICS.names), columns_of(summary, schemas.SUMMARY.names)


def _rng(seed: int, study: str, definition: str, what: str, population: str) -> np.random.Generator:
    return derive_rng(seed, study, what, definition, population)


def _at_scales(
    counted: Mapping[str | None, Mapping[str, Count]],
    middle: Sequence[dict[str, Any]],
    nulls: Mapping[str | None, Nulls],
    settings: Census,
    grouped: bool,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of support at every scale; those of the middle one where the definition has no scales.

    What does not depend on the thresholds is null at the other scales.
    """
    for scale, own in counted.items():
        if scale in (None, MIDDLE):
            yield from ({"scale": scale} | row for row in middle)
            continue
        named = {name: middle[0][name] for name in ("study", "definition")} | {"scale": scale}
        yield from (named | row for row in _supports(own, nulls[scale], settings, grouped))


def _counted(
    found: Graphs, settings: Census, rng: Callable[[str, str], np.random.Generator], begin: Begin
) -> tuple[dict[str | None, dict[str, Count]], dict[str | None, Nulls]]:
    """Count every population at every scale, and return the nulls of its ratio; scale None: there are no scales."""
    scales = next(iter(found.values())).scales
    graphs: dict[str | None, Graphs] = {s: {search: one.scales[s] for search, one in found.items()} for s in scales}
    graphs = graphs or {None: found}
    own = [search for search in found if search.other is None]
    tasks = [
        (scale, search.population, found[search] if scale == MIDDLE else of[search])
        for scale, of in graphs.items()
        for search in own
    ]
    counting: list[Callable[[], Any]] = [
        partial(count, graph, settings.level, settings.replicates, rng("census", population))
        for _, population, graph in tasks
    ]
    nulling: list[Callable[[], Any]] = [
        partial(_nulls, graphs.values(), search.population, settings, rng("permutation", search.population))
        for search in own
    ]
    known = iter(side_by_side(begin, [*nulling, *counting]))
    nulls: dict[str | None, Nulls] = {scale: {} for scale in graphs}
    for search in own:
        for scale, null in zip(graphs, next(known), strict=True):
            nulls[scale][search.population] = null
    counted: dict[str | None, dict[str, Count]] = {scale: {} for scale in graphs}
    for scale, population, _ in tasks:
        counted[scale][population] = next(known)
    return counted, nulls


def _supports(counted: Mapping[str, Count], nulls: Nulls, settings: Census, grouped: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of support of every population, without study and definition."""
    for population, own in counted.items():
        row = support_row(population, own, counted[REFERENCE], nulls[population], settings.level, settings.margin)
        yield row | {"verdict": None} if grouped and population == "train" else row


def _nulls(found: Iterable[Graphs], population: str, settings: Census, rng: np.random.Generator) -> list[Null | None]:
    """Return the nulls of the ratio of collisions of a population, by scale."""
    scales = list(found)
    graphs = [
        (of[Search(population)], of[Search(REFERENCE)], across)
        for of in scales
        if (across := _beside_reference(of, population)) is not None
    ]
    return nulls_of(graphs, settings.permutations, settings.level, rng) if graphs else [None] * len(scales)


def _beside_reference(found: Graphs, population: str) -> Graph | None:
    """Return the pairs of a population with the reference; None for the reference itself."""
    if population == "train":
        return found[Search(REFERENCE, "train")].transposed()
    return found.get(Search(population, REFERENCE))


def _copies(found: Graphs, population: str, settings: Census) -> dict[str, Any]:
    """Return the row of copies of a population, without the definition."""
    near, usual = found[Search(population, "train")], found[Search(REFERENCE, "train")]
    return copies_row(population, near, usual, _beside_reference(found, population), settings.level, settings.margin)
