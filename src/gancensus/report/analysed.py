"""What the figure of an analysis's table is drawn from: that table, and those beside it."""

from __future__ import annotations

from pathlib import Path

from gancensus.config import results
from gancensus.config.configuration import Study
from gancensus.contracts.analysis import table_names
from gancensus.contracts.table import Columns
from gancensus.report import failures
from gancensus.storage.tables import columns


def sources(study: Study, place: str) -> dict[str, str]:
    """Return the places of the tables, its own first, by what precedes the names of their columns."""
    analysis, table = study.analysed[place]
    places = {name: lies for lies, name in table_names(analysis.kind, analysis).items()}
    return {"": place} | {f"{name}/": places[name] for name in analysis.tables[table].beside}


def files(folder: Path, study: Study, place: str) -> list[str]:
    """Return the files of the tables, relative to the results; folder: that of the study."""
    return [results.at(results.ANALYSIS, study=folder.name, analysis=one) for one in sources(study, place).values()]


def missing(folder: Path, study: Study, place: str) -> failures.Failed | None:
    """Return the first of the tables that could not be made, if any."""
    return next(iter(failures.among(folder.parent, files(folder, study, place))), None)


def read(folder: Path, study: Study, place: str) -> Columns:
    """Return the columns of the tables, those beside it as TABLE/COLUMN."""
    read = zip(sources(study, place), files(folder, study, place), strict=True)
    return {
        f"{before}{name}": column for before, file in read for name, column in columns(folder.parent / file).items()
    }
