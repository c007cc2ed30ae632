"""Are results what their run made, and are its pairs right? Digests, counts, and some pairs by brute force."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from gancensus import __version__
from gancensus.config import results as places
from gancensus.config.configuration import Config
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Metric
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import rows_of
from gancensus.report.provenance import PACKAGES, digest, git, installed
from gancensus.search.pairs import Pairs, merge
from gancensus.search.tile import brute_force, same_pairs, tile_features, tile_rows
from gancensus.storage.samples import SampleRows
from gancensus.storage.tables import about, columns, read_table, readable, value_digest

EVERY = 5.0  # seconds between two lines of progress
Progress = Callable[[str], None]


class Check(NamedTuple):
    """What was checked, and what is wrong with it."""

    name: str
    said: str
    """What was found, in one line."""
    wrong: tuple[str, ...] = ()
    """A line each."""
    aside: tuple[str, ...] = ()
    """What is said, but is no fault."""


class Listed(NamedTuple):
    """The tables of a search, and whose duplicates they hold."""

    study: str
    definition: str
    search: str

    @property
    def name(self) -> str:
        """How it is called in a line."""
        return f"{self.study}, {self.definition}, {self.search}"

    def at(self, results: Path, place: str) -> Path:
        """Return one of its tables."""
        return results / places.at(place, study=self.study, definition=self.definition, search=self.search)


def verify(
    results: Path, facts: Mapping[str, Any], template: str, root: Path, seed: int, progress: Progress
) -> Iterator[Check]:
    """Yield the checks of a folder of results, one after the other.

    Args:
        results: the folder.
        facts: what `provenance.recorded` returns of it.
        template: that of the report.
        root: the folder of the workflow, whose commit made this program.
        seed: chooses the tile that is recomputed.
        progress: called with a line on how far it is.
    """
    yield files(results, facts, progress)
    yield counts(results, facts)
    yield tile(results, facts, seed)
    yield report(results, facts, template, root)


def files(results: Path, facts: Mapping[str, Any], progress: Progress) -> Check:
    """Compare every file with its digest; name those that are missing, changed, or of no run."""
    known: Mapping[str, str] = facts["files"]
    there = [name for name in known if (results / name).is_file()]
    wrong = [f"missing: {name}" for name in known if name not in set(there)]
    total, done, said = sum((results / name).stat().st_size for name in there), 0, time.monotonic()
    rewritten = []
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = pool.map(lambda name: digest(results / name), there)
        for k, (name, sha) in enumerate(zip(there, found, strict=True), 1):
            done += (results / name).stat().st_size
            if sha != known[name]:
                if same_values(results / name, name, facts):
                    rewritten.append(f"written by another pyarrow, with the same values: {name}")
                else:
                    wrong.append(f"changed: {name}")
            if time.monotonic() - said > EVERY:
                said = time.monotonic()
                progress(f"{k} of {len(there)} files read, {done / 1e9:.1f} of {total / 1e9:.1f} GB")
    aside = [*rewritten, *(f"not of this run: {name}" for name in extra(results, facts))]
    text = f"{len(known) - len(wrong):,} of {len(known):,} files are as recorded"
    return Check("files", text, tuple(wrong), tuple(aside))


def same_values(path: Path, name: str, facts: Mapping[str, Any]) -> bool:
    """Say whether a table has the recorded values, and other bytes because another pyarrow wrote it."""
    recorded = facts.get("values", {}).get(name)
    if recorded is None:
        return False
    try:
        writer = readable(path, lambda: pq.read_metadata(path)).created_by
        return not writer.endswith(f" {facts['packages'].get('pyarrow')}") and value_digest(path) == recorded
    except UserError:
        return False


def extra(results: Path, facts: Mapping[str, Any]) -> list[str]:
    """Return the files in the folders of the studies that the run did not make, relative to the results."""
    found = []
    for study in facts["configuration"].get("studies", {}):
        for path in sorted((results / study).rglob("*")):
            name = path.relative_to(results).as_posix()
            if path.is_file() and name not in facts["files"] and "/unfinished/" not in name:
                found.append(name)
    return found


def searches(facts: Mapping[str, Any]) -> list[Listed]:
    """Return every search that the run has made, in the order of its files."""
    matches = (places.match(places.DUPLICATES, name) for name in facts["files"])
    return [Listed(**found) for found in matches if found]


def counts(results: Path, facts: Mapping[str, Any]) -> Check:
    """Compare the pairs that every search lists with the counts of each sample, and these with the census."""
    wrong, pairs, found = [], 0, searches(facts)
    for searched in found:
        try:
            count, lines = _counted(results, searched)
        except UserError as error:
            count, lines = 0, [str(error)]
        pairs += count
        wrong += lines
    return Check("counts", f"{len(found)} searches list {pairs:,} pairs, as they count", tuple(wrong))


def _counted(results: Path, searched: Listed) -> tuple[int, list[str]]:
    """Return how many pairs a search lists, and what does not fit together."""
    path = searched.at(results, places.DUPLICATES)
    listed, repeats = read_table(path, ["i", "j"]), read_table(searched.at(results, places.REPEATS))
    ids, counted = repeats["sample_id"].to_numpy(), repeats["duplicates"].to_numpy()
    ends = np.concatenate([listed["i"].to_numpy(), listed["j"].to_numpy()])
    if not np.isin(ends, ids).all():
        return len(listed), [f"{searched.name}: lists a sample that the search did not compare"]
    degrees = np.bincount(rows_of(ids, ends), minlength=len(ids))
    whole = int(about(path)["step"]) == 1
    lines = []
    if (degrees != counted).any() if whole else (degrees > counted).any():
        k = int(np.argmax(degrees != counted) if whole else np.argmax(degrees > counted))
        lines.append(f"{searched.name}: sample {ids[k]} is in {degrees[k]} listed pairs, but {counted[k]} are counted")
    if "~" not in searched.search:
        support = read_table(results / places.at(places.SUPPORT, study=searched.study)).to_pylist()
        rows = [row for row in support if (row["definition"], row["population"]) == searched[1:]]
        middle = repeats["duplicates_middle"]  # of the scale that the census is of; null where there are none
        within = int(counted.sum() if middle.null_count else pc.sum(middle).as_py() or 0)
        lines += [
            f"{searched.name}: the census has {row['duplicates']:,} duplicates, the search {within // 2:,}"
            for row in rows
            if 2 * row["duplicates"] != within
        ]
    return len(listed), lines


def tile(results: Path, facts: Mapping[str, Any], seed: int) -> Check:
    """Compute all pairs of some rows of a search that the seed chooses, and compare them with those that are listed."""
    rng = derive_rng(seed, "verify")
    found = searches(facts)
    if not found:
        return Check("tile", "", ("there is no table of duplicates",))
    searched = found[int(rng.integers(len(found)))]
    try:
        said, wrong = _recomputed(results, facts, searched, rng)
    except UserError as error:
        said, wrong = f"{searched.name}: cannot be computed", [str(error)]
    return Check("tile", f"{said} (--seed {seed})", tuple(wrong))


def _recomputed(
    results: Path, facts: Mapping[str, Any], searched: Listed, rng: np.random.Generator
) -> tuple[str, list[str]]:
    """Return which tile of a search was computed, and how what is listed differs from it."""
    definition, parts = _definition(facts, searched), facts["configuration"].get("parts", 1)
    metrics, thresholds = list(definition.values()), loosest(results, searched, definition)
    path = searched.at(results, places.DUPLICATES)
    step = int(about(path)["step"])
    names = searched.search.split("~")
    sides = []
    for name in names:
        place = {"study": searched.study, "population": name}
        spaces = {m.space: _rows(results, place | {"encoder": m.space}, parts) for m in metrics}
        rows = tile_rows(rng, metrics, len(next(iter(spaces.values()))), step)
        ids = next(iter(spaces.values())).take(rows).sample_id
        sides.append((rows, ids, tile_features(metrics, spaces, rows)))
    (rows, first, a), (others, last, b) = sides[0], sides[-1]
    alone = len(names) == 1
    computed = brute_force(metrics, thresholds, a, None if alone else b)
    computed = merge([Pairs(first[computed.i], last[computed.j], computed.values)])
    listed = _listed(path, first, last, list(definition))
    if alone:
        pairs, which = len(rows) * (len(rows) - 1) // 2, f"rows {runs(rows, step)}"
    else:
        pairs, which = len(rows) * len(others), f"rows {runs(rows, step)} against {runs(others, step)}"
    text = f"{searched.name}: {which}: {pairs:,} pairs, {len(computed.i):,} duplicates, {len(listed.i):,} listed"
    return text, [f"{searched.name}: {line}" for line in same_pairs(listed, computed)]


def _definition(facts: Mapping[str, Any], searched: Listed) -> Mapping[str, Metric]:
    """Return the metrics of a search. Raises UserError where this version cannot read their configuration."""
    try:
        config = Config.model_validate(facts["configuration"])
        definition: Mapping[str, Metric] = config.studies[searched.study].definitions[searched.definition]
    except (ValidationError, KeyError):
        raise UserError(
            f"the configuration in {places.PROVENANCE} is not one that gancensus {__version__} reads; it was made by "
            f"{facts['gancensus']}"
        ) from None
    return definition


def loosest(results: Path, searched: Listed, definition: Mapping[str, Metric]) -> list[float]:
    """Return the threshold of each metric; the largest, as of several scales the loosest is searched."""
    table = columns(searched.at(results, places.THRESHOLDS), ["metric", "threshold"])
    found = [table["threshold"][table["metric"] == name] for name in definition]
    if not all(map(len, found)):
        raise UserError(f"{searched.name}: the table of thresholds lacks a metric")
    return [float(values.max()) for values in found]


def _rows(results: Path, names: Mapping[str, str | None], parts: int) -> SampleRows:
    """Open a population in a space."""
    place = places.SAMPLES if names["encoder"] is None else places.EMBEDDED
    return SampleRows([results / places.at(place, **names, part=part) for part in range(parts)])


def _listed(path: Path, first: Any, last: Any, metrics: list[str]) -> Pairs:
    """Read the pairs of a table whose samples are among those given, ordered by (i, j)."""
    inside = pc.field("i").isin(first.tolist()) & pc.field("j").isin(last.tolist())
    table = readable(path, lambda: pq.read_table(path, filters=inside))
    values = np.column_stack([table[name].to_numpy() for name in metrics])
    return merge([Pairs(table["i"].to_numpy(), table["j"].to_numpy(), values)])


def runs(rows: Iterable[int], step: int) -> str:
    """Write rows as runs, of every step-th row: '0-511 and 900-1411'."""
    found: list[list[int]] = []
    for row in rows:
        if found and row == found[-1][1] + step:
            found[-1][1] = int(row)
        else:
            found.append([int(row), int(row)])
    text = " and ".join(f"{first}-{last}" for first, last in found)
    return text if step == 1 else f"{text} by {step}"


def report(results: Path, facts: Mapping[str, Any], template: str, root: Path) -> Check:
    """Make the report again from the tables, and compare it with the one that is there."""
    from gancensus.report.page import page

    path = results / places.REPORT
    if not any(places.match(places.FIGURE, name) for name in facts["files"]):
        return Check("report", "not compared: the tables were saved from Python, without the figures of a report")
    if not path.is_file():
        return Check("report", f"{path.name} is missing", (f"missing: {path.name}",))
    ours = {name: installed(name) for name in PACKAGES if name in facts["packages"]}
    versions = {name: facts["packages"][name] for name in ours}
    if (facts["gancensus"], facts.get("commit"), versions) != (__version__, git(root, "rev-parse", "HEAD"), ours):
        return Check("report", f"{path.name} not compared: other versions of gancensus or of packages have made it")
    try:
        again = page(results, dict(facts), template)
    except (UserError, OSError) as error:
        return Check("report", f"{path.name} cannot be compared", (str(error),))
    if again.encode() != path.read_bytes():
        return Check("report", f"{path.name} is not what the tables make", (f"changed: {path.name}",))
    return Check("report", f"{path.name} is what the tables make")
