"""Placeholders for tables and figures that could not be made: they hold the reason, and nothing else waits for them.

The step of an analysis or of a figure that fails still writes its outputs: a table without rows, or an SVG with
a sentence, each with the reason in its metadata. Then census and report are made, the report says what is missing and
why, and the next run tries again.
"""

from __future__ import annotations

import html
import os
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from gancensus.config import results
from gancensus.contracts.errors import UserError
from gancensus.storage.tables import about, write_bytes, write_table

if TYPE_CHECKING:
    from gancensus.config.configuration import Study

FAILED = "failed"  # the key of the reason in the metadata of a table
STATUS = 3  # of a run whose census is made, but not everything besides it
LINE = 100  # characters of a line of the sentence in a figure
MARK = re.compile(r'<metadata id="failed">(.*?)</metadata>', re.DOTALL)


class Failed(NamedTuple):
    """A table or figure that could not be made."""

    file: str
    """Relative to the results."""
    reason: str

    study: str
    """The study that it belongs to; empty for none."""
    name: str
    """What it is called: `physics/score`, `gallery`."""
    drawn: bool
    """Whether it is a figure."""
    log: str
    """The log of its job, relative to the results."""

    @classmethod
    def of(cls, file: str, reason: str) -> Failed:
        """Return what could not be made, by its file: a table of answers or of an analysis, or a figure's file.

        Raises ValueError for any other file.
        """
        if file == results.TIMELINE:
            return cls(file, reason, "", "timeline", True, f"logs/{results.TRACE_LOG}")
        if names := results.match(results.FIGURE, file) or results.match(results.SHOWN, file):
            log = results.at(results.DRAW_LOG, **names)
            return cls(file, reason, names["study"], names["figure"], True, f"logs/{log}")
        if names := results.match(results.ANSWERS, file):
            log = results.at(results.ANSWERS_LOG, **names)
            return cls(file, reason, names["study"], f"answers/{names['population']}", False, f"logs/{log}")
        if names := results.match(results.ANALYSIS, file):
            log = results.at(results.ANALYSE_LOG, **names)
            return cls(file, reason, names["study"], names["analysis"], False, f"logs/{log}")
        raise ValueError(f"{file}: neither a table of answers or of an analysis nor a figure")

    @property
    def sentence(self) -> str:
        """What could not be done, and why."""
        what = f"the figure {self.name} could not be drawn" if self.drawn else f"{self.name} could not be measured"
        return f"{what}: {self.reason}"


def describe(error: Exception, paths: Sequence[Path]) -> str:
    """Return why a step failed, without the paths of its files, which would differ from folder to folder.

    paths: those that it reads and writes; their common folder is left out of the text.
    """
    text = str(error) if isinstance(error, UserError) else f"a bug: {type(error).__name__}: {error}".strip(": ")
    place = os.path.commonpath([path.parent for path in paths]) if paths else ""
    text = text.replace(f"{place}/", "") if place not in ("", ".") else text
    return "".join(c if c.isprintable() else " " for c in text)


def table(path: Path, schema: pa.Schema, reason: str) -> None:
    """Write a table without rows in place of one that could not be made."""
    write_table(path, {name: [] for name in schema.names}, schema, {FAILED: reason})


def figure(path: Path, reason: str) -> None:
    """Write a sentence in place of a figure that could not be made."""
    lines = textwrap.wrap(f"not there: {reason}", LINE)
    spans = "".join(f'<tspan x="8" dy="20">{html.escape(line)}</tspan>' for line in lines)
    size = f'width="720" height="{20 * len(lines) + 16}"'
    mark = f'<metadata id="failed">{html.escape(reason)}</metadata>'
    text = f'<text font-family="sans-serif" font-size="13" fill="#444444">{spans}</text>'
    write_bytes(path, f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{mark}{text}</svg>\n'.encode())


def reason(path: Path) -> str | None:
    """Return why a table or figure could not be made; None where it could, and for other files."""
    if path.suffix == ".parquet":
        return about(path).get(FAILED)
    if path.suffix != ".svg":
        return None
    with path.open("rb") as file:
        found = MARK.search(file.read(1 << 16).decode(errors="replace"))
    return html.unescape(found[1]) if found else None


def among(folder: Path, files: Iterable[str]) -> list[Failed]:
    """Return those of the files, relative to the results, that could not be made.

    Left out: the figure of a table that could not be made or that lies beside it, and the samples that a figure would
    have shown.
    """
    drawn = [file for file in files if not results.match(results.SHOWN, file)]
    found = [Failed.of(file, why) for file in drawn if (why := reason(folder / file)) is not None]
    tables = [one for one in found if not one.drawn]
    return [one for one in found if not one.drawn or not any(_explains(table, one) for table in tables)]


def _explains(table: Failed, figure: Failed) -> bool:
    """Return whether a figure is not there because of a table: its own, or one of the analysis with the same reason."""
    if table.study != figure.study:
        return False
    kinds = [one.name.partition("/")[0] for one in (table, figure)]
    return table.name == figure.name or (kinds[0] == kinds[1] and table.reason == figure.reason)


def existing(folder: Path, studies: Mapping[str, Study]) -> list[str]:
    """Return the tables of answers and analyses and the figures that exist, relative to the results."""
    files = [
        results.at(results.ANALYSIS, study=name, analysis=place)
        for name, study in studies.items()
        for place in study.analysed
    ]
    files += [
        results.at(results.ANSWERS, study=name, population=population)
        for name, study in studies.items()
        for population in results.answered(study)
    ]
    for name, study in studies.items():
        for figure, drawing in results.figures(study).items():
            places = (results.FIGURE, results.SHOWN) if drawing.shows_samples else (results.FIGURE,)
            files += [results.at(place, study=name, figure=figure) for place in places]
    return [file for file in [*files, results.TIMELINE] if (folder / file).is_file()]


def forget(folder: Path, studies: Mapping[str, Study]) -> None:
    """Remove the placeholders of tables and figures that could not be made, so that they are tried again."""
    for file in existing(folder, studies):
        with suppress(UserError):  # a damaged file is no placeholder
            if reason(folder / file) is not None:
                (folder / file).unlink()
