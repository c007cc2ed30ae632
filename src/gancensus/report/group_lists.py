"""Groups of near-duplicates as people read them: a CSV file with the users' own names, and what a figure shows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from gancensus.census.group_facts import MOST, GroupFacts
from gancensus.contracts.samples import Samples, rows_of
from gancensus.contracts.table import Columns
from gancensus.plotting.numbers import Row, integer, percent
from gancensus.report.shown import Group
from gancensus.storage.tables import read_table

HEAD = (
    *("definition", "generator", "group", "size", "sample", "distance"),
    *("closest_in_train", "distance_to_train"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # how cells begin that spreadsheets may execute
GROUPS, MEMBERS = 6, 8  # groups that are shown of a population, and samples of each
MOST_GROUPS = 12  # of all populations together, but one of each


class ShownGroup(NamedTuple):
    """A group of near-duplicates as a figure shows it."""

    title: str
    """Its number and its size."""
    members: Samples
    """The centre, and those nearest to it."""
    labels: Sequence[str]
    """Of the members, and then of `train`, where it is there."""
    distances: Sequence[float]
    """Of the members to the centre, and then of `train` to the member that is closest to it."""
    train: Samples | None
    """The training sample that is closest to one of the group; None where none is near."""

    @classmethod
    def of(cls, rows: Sequence[Row], known: Samples, train: Samples | None) -> ShownGroup:
        """Return a group by its rows in the table; known, train: samples of both populations, with those among them."""
        labels, distances = [label(row["name"], row["row"]) for row in rows], [row["distance"] for row in rows]
        near = closest_in_train(rows)
        if near is not None:
            labels.append(label(near["train_name"], near["train_row"]))
            distances.append(near["train_distance"])
        beside = None if near is None or train is None else _chosen(train, [near["train_id"]])
        return cls(titled(rows[0]), _chosen(known, [row["sample_id"] for row in rows]), labels, distances, beside)

    def tabled(self, population: str) -> list[Group]:
        """Return its samples for the table of what the figure shows."""
        count = len(self.members)
        found = [Group(f"{population}, {self.title}", self.members, self.distances[:count])]
        if self.train is not None:
            found.append(Group(f"{population}, {self.title}, train", self.train, self.distances[count:]))
        return found


def _chosen(samples: Samples, ids: Sequence[int]) -> Samples:
    return samples.take(rows_of(samples.sample_id, np.array(ids, dtype=np.int64)))


def titled(row: Row) -> str:
    """Return what a group is called, by one of its rows."""
    return f"group {row['group']}: {integer(row['size'])} sample{'s' if row['size'] > 1 else ''}"


def label(name: str | None, row: int) -> str:
    """Return what a sample is called: its name, or its row."""
    return f"row {row}" if name is None else name


def written(table: Columns, titles: Mapping[str, str]) -> str:
    """Return the columns of `GROUPS` as CSV, as RFC 4180 has it but for the ends of lines.

    Names that a spreadsheet could take for a formula get ./ before them, which leads to the same file.
    titles: what populations are called, if that is not their name.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(HEAD)
    generators = [_safe(titles.get(population, population)) for population in table["population"]]
    columns = (table["definition"], generators, table["group"], table["size"])
    own, train = (
        [None if row is None else _safe(label(name, row)) for name, row in zip(names, rows, strict=True)]
        for names, rows in ((table["name"], table["row"]), (table["train_name"], table["train_row"]))
    )
    near, far = ([_short(value) for value in table[name]] for name in ("distance", "train_distance"))
    lines.writerows(zip(*columns, own, near, train, far, strict=True))
    return text.getvalue()


def _safe(name: str) -> str:
    return f"./{name}" if name.startswith(FORMULA) else name


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"


def largest(path: Path, definition: str, populations: Sequence[str]) -> dict[str, list[list[Row]]]:
    """Read the largest groups of each population: of each group its centre and those nearest to it."""
    most = max(1, min(GROUPS, MOST_GROUPS // len(populations)))
    table = read_table(path)
    some = table.filter((pc.field("definition") == definition) & (pc.field("group") < most))
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in some.to_pylist():
        members = groups.setdefault((row["population"], row["group"]), [])
        if len(members) < MEMBERS:
            members.append(row)
    return {name: [rows for (population, _), rows in groups.items() if population == name] for name in populations}


def closest_in_train(members: Iterable[Row]) -> Row | None:
    """Return the row of a group whose duplicate in `train` is the closest; None where there is none."""
    near = [row for row in members if row["train_id"] is not None]
    return min(near, key=lambda row: row["train_distance"]) if near else None


def sentences(facts: GroupFacts, largest: int) -> str:
    """Say how many groups a population has, and how many of its samples are near training samples."""
    whose = f"the {integer(facts.samples)} samples of {facts.population}"
    if facts.listed < facts.samples:
        whose = f"the {integer(facts.listed)} samples of {facts.population} whose duplicates are listed"
    said = [f"No two of {whose} are near-duplicates."]
    if facts.groups:
        groups = (
            "1 group" if facts.groups == 1 else f"{integer(facts.groups)} groups, the largest of {integer(largest)}"
        )
        said = [f"{integer(facts.grouped)} of {whose} ({percent(facts.grouped / facts.listed)}) are in {groups}."]
    if facts.near is not None and facts.near_listed is not None:
        some = " whose pairs with train are listed" if facts.near_listed < facts.samples else ""
        has = "has" if facts.near == 1 else "have"
        said.append(f"{integer(facts.near)} of the {integer(facts.near_listed)}{some} {has} a near-duplicate in train.")
    if facts.rows == MOST:
        said.append(f"The list ends after {integer(MOST)} of its samples.")
    return " ".join(said)
