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
) -> Tables:
    """Count every population under every definition.

    graphs: by definition, of which one is held at a time: every population within itself, `holdout` with
    `train`, and every generated one with both. The populations are counted in the order of their searches.
    answers: the rows of `census.answers` by population.
    grouped: whether `train` has whole groups of samples, which repeat themselves more often: then no verdict is given.
    """
    support, curves, profiles, copies = [], [], [], []
    scaled: list[dict[str, Any]] = []
    for definition, found in graphs:
        rng = partial(_rng, seed, study, definition)
        named = {"study": study, "definition": definition}
        counted, nulls = _counted(found, settings, rng), _nulls(found, settings, rng)
        middle = [
            named | row for row in _supports(counted, nulls[MIDDLE if MIDDLE in nulls else None], settings, grouped)
        ]
        for row in middle:
            row |= reached_columns(one for one in answers.get(row["population"], ()) if one["definition"] == definition)
        support += middle
        scaled += _at_scales(found, middle, nulls, settings, rng, grouped)
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
    found: Graphs,
    middle: Sequence[dict[str, Any]],
    nulls: Mapping[str | None, Nulls],
    settings: Census,
    rng: Callable[[str, str], np.random.Generator],
    grouped: bool,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of support at every scale; those of the middle one where the definition has no scales.

    What does not depend on the thresholds is null at the other scales.
    """
    scales = next(iter(found.values())).scales
    for scale in scales or [None]:
        if scale in (None, MIDDLE):
            yield from ({"scale": scale} | row for row in middle)
            continue
        here = {search: graph.scales[scale] for search, graph in found.items()}
        named = {name: middle[0][name] for name in ("study", "definition")} | {"scale": scale}
        rows = _supports(_counted(here, settings, rng), nulls[scale], settings, grouped)
        yield from (named | row for row in rows)


def _counted(found: Graphs, settings: Census, rng: Callable[[str, str], np.random.Generator]) -> dict[str, Count]:
    """Count every population."""
    return {
        search.population: count(graph, settings.level, settings.replicates, rng("census", search.population))
        for search, graph in found.items()
        if search.other is None
    }


def _supports(counted: Mapping[str, Count], nulls: Nulls, settings: Census, grouped: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of support of every population, without study and definition."""
    for population, own in counted.items():
        row = support_row(population, own, counted[REFERENCE], nulls[population], settings.level, settings.margin)
        yield row | {"verdict": None} if grouped and population == "train" else row


def _nulls(found: Graphs, settings: Census, rng: Callable[[str, str], np.random.Generator]) -> dict[str | None, Nulls]:
    """Return the nulls of the ratio of collisions of every population, by scale; None: there are no scales."""
    scales = next(iter(found.values())).scales
    here: dict[str | None, Graphs] = {s: {search: one.scales[s] for search, one in found.items()} for s in scales}
    here = here or {None: found}
    nulls: dict[str | None, Nulls] = {scale: {} for scale in here}
    for population in [search.population for search in found if search.other is None]:
        graphs = [
            (of[Search(population)], of[Search(REFERENCE)], across)
            for of in here.values()
            if (across := _beside_reference(of, population)) is not None
        ]
        own = rng("permutation", population)
        known = nulls_of(graphs, settings.permutations, settings.level, own) if graphs else [None] * len(here)
        for scale, null in zip(here, known, strict=True):
            nulls[scale][population] = null
    return nulls


def _beside_reference(found: Graphs, population: str) -> Graph | None:
    """Return the pairs of a population with the reference; None for the reference itself."""
    if population == "train":
        return found[Search(REFERENCE, "train")].transposed()
    return found.get(Search(population, REFERENCE))


def _copies(found: Graphs, population: str, settings: Census) -> dict[str, Any]:
    """Return the row of copies of a population, without the definition."""
    near, usual = found[Search(population, "train")], found[Search(REFERENCE, "train")]
    return copies_row(population, near, usual, _beside_reference(found, population), settings.level, settings.margin)
