#!/usr/bin/env python
"""Write the documents made from the code: schema and reference of the configuration, tables, a map of modules."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import pyarrow as pa

from gancensus.config import results
from gancensus.config.reference import readme, schema
from gancensus.config.registry import members
from gancensus.contracts.analysis import Analysis, table_names
from gancensus.storage import schemas

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src/gancensus"
WRITTEN = "<!-- Written by `make docs` from {}; a test fails when it is stale. -->\n"
TABLES_HEAD = f"""# The tables

{WRITTEN.format("the schemas in src/gancensus")}
Every result is a Parquet file under the results folder; names in capitals are those of your configuration. A missing
value is null. The metadata of each column has its `unit` (1: a pure number) and its description, `about`:

```python
import pyarrow.parquet as pq

for field in pq.read_schema("results/census.parquet"):
    print(field.name, field.type, field.metadata[b"unit"].decode(), field.metadata[b"about"].decode())
```

[methods.md](methods.md) says how each number is computed and what its interval is.

## Samples

`results/STUDY/samples/POPULATION/PART.parquet`; an encoder's vectors of them are in
`results/STUDY/embedded/ENCODER/POPULATION/PART.parquet`. The parts of a population are whole blocks of 256 samples, in
the order of their numbers.

| column | type | unit | what it is |
| --- | --- | --- | --- |
| `sample_id` | int64 | | unique in the study: real samples count from 0, generated ones from a block of their own |
| `label` | int32 | | class, where known |
| `name` | string | | the path within a folder of images, or the line of a CSV, where there is one |
| one per condition | float32 or float64 | its own | what it was made for; float64 where float32 would merge values |
| `x` | tensor of float32 | 1 | fixed shape; -1 and 1 are the ends of the scale, beyond which samples can lie |

`x` of an image is (height, width) or (height, width, channels); of a shower (x, y, layer), where 0 is 0 GeV; of a row
of a table a value per column, or per category of a nominal one. The metadata of the file has `scale`, which leads back
to natural units (and has the columns' types), and `notes`, which says what was done to the input.
"""
MODULES_HEAD = f"""# The modules

{WRITTEN.format("the docstrings")}
The rooms of `src/gancensus` from top to bottom: each imports only from those below it
([architecture.md](architecture.md)). Then the steps, and what only developers run.
"""


class Described(NamedTuple):
    """A result table: where it lies, what it holds, and its columns."""

    title: str
    places: tuple[str, ...]
    about: str
    schema: pa.Schema


TABLES = (
    Described(
        "Training history",
        (results.ENCODER_HISTORY, results.GENERATOR_HISTORY),
        "The losses of a training: a row per epoch. `fid` and `kept` only where the best epoch is kept.",
        schemas.history(["LOSS", *schemas.AFTER_EPOCH]),
    ),
    Described(
        "Selection",
        (results.SELECTION,),
        "The score of each training sample, and whether it is kept.",
        schemas.selection("that of the score"),
    ),
    Described(
        "Thresholds",
        (results.THRESHOLDS,),
        "How near two samples are that count as duplicates: a row per metric.",
        schemas.THRESHOLDS,
    ),
    Described(
        "Duplicates",
        (results.DUPLICATES,),
        "The duplicates of a population, or across two. The metadata of the file has the number of samples, and of "
        "those whose pairs are listed.",
        schemas.duplicates(["METRIC"]),
    ),
    Described(
        "Repeats",
        (results.REPEATS,),
        "How often each sample of a search is repeated, and with how many others it was compared.",
        schemas.REPEATS,
    ),
    Described(
        "Sweep",
        (results.SWEEP,),
        "Duplicates by every subset of a definition's metrics and at several alphas.",
        schemas.SWEEP,
    ),
    Described(
        "Support",
        (results.SUPPORT, results.CENSUS),
        "How often the samples of a population repeat, and the support size that this implies: a row per definition "
        "and population. `census.parquet` has those of all studies.",
        schemas.SUPPORT,
    ),
    Described("Birthday curve", (results.CURVE,), "How likely a batch is to hold a duplicate.", schemas.CURVE),
    Described(
        "Diversity",
        (results.DIVERSITY,),
        "How many kinds of samples there are, the rare ones included.",
        schemas.DIVERSITY,
    ),
    Described(
        "Answers about a population",
        (results.ANSWERS,),
        "What was measured of a population beside `holdout`: a row per definition and statistic.",
        schemas.ANSWERS,
    ),
    Described("Answers", (results.STATISTICS,), "The same of all populations of a study.", schemas.STATISTICS),
    Described(
        "Coverage",
        (results.COVERAGE,),
        "What share of a population has a near sample among as many others of it, and the same of `holdout`.",
        schemas.COVERAGE,
    ),
    Described(
        "Summary",
        (results.SUMMARY, results.ANSWERED),
        "The answers about every generator, and about `train` as real samples that a perfect one would be like. "
        "`summary.parquet` has those of all studies.",
        schemas.SUMMARY,
    ),
    Described("Copies", (results.COPIES,), "Duplicates of training samples.", schemas.COPIES),
    Described(
        "Supports at every scale",
        (results.SCALES,),
        "`support.parquet` at each scale of `alpha: auto`; of other definitions the same rows as there.",
        schemas.SCALES,
    ),
    Described(
        "Groups of near-duplicates",
        (results.GROUPS,),
        "Which samples of a generated population are near-duplicates, and the closest training sample: a row per "
        "sample, largest groups first. `duplicates.csv` has the same for people.",
        schemas.GROUPS,
    ),
    Described(
        "Inputs",
        (results.INPUTS,),
        "What was read of every input and how, and what was guessed about it.",
        schemas.INPUTS,
    ),
    Described("Samples shown", (results.SHOWN,), "Which samples a figure shows.", schemas.SHOWN),
    Described(
        "Trace",
        (results.TRACE,),
        "When, where and how each job ran: a row per execution. It is the one table that differs between runs, so "
        "`provenance.json` has no digest of it. It holds what ran before it: not itself, nor provenance, timeline and "
        "report.",
        schemas.TRACE,
    ),
)


def described() -> Iterator[Described]:
    """Yield every result table but samples, those of analyses last."""
    yield from TABLES
    for kind, analysis in members(Analysis).items():
        for place, name in table_names(kind, analysis).items():
            file, table = results.at(results.ANALYSIS, analysis=place), analysis.tables[name]
            yield Described(f"`{place}`", (file,), f"{table.title}: a table of the analysis `{kind}`.", table.schema)


def tables() -> str:
    """Return docs/tables.md."""
    lines = [TABLES_HEAD]
    for table in described():
        files = ", ".join(f"`results/{_capitals(place)}`" for place in table.places)
        lines += [f"## {table.title}\n", f"{files}\n", f"{fill(table.about, 120)}\n"]
        lines += ["| column | type | unit | what it is |", "| --- | --- | --- | --- |"]
        for field in table.schema:
            unit, about = (field.metadata[key].decode() for key in (b"unit", b"about"))
            lines.append(f"| `{field.name}` | {_type(field.type)} | {unit} | {about} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _type(kind: pa.DataType) -> str:
    """Name a type as NumPy does."""
    return f"list of {_type(kind.value_type)}" if pa.types.is_list(kind) else str(kind).replace("double", "float64")


def _capitals(place: str) -> str:
    """Write the wildcards of a place as the documents do: STUDY/census/support.parquet."""
    return re.sub(r"\{(\w+)\}", lambda name: name[1].upper(), place)


def modules() -> str:
    """Return docs/modules.md."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rooms = [LIBRARY / room for room in linter["contracts"][0]["layers"]]
    lines = [MODULES_HEAD]
    for folder in (*rooms, ROOT / "src/snakemake_logger_plugin_gancensus", ROOT / "scripts", ROOT / "tools"):
        start = folder / "__init__.py"
        name = folder.relative_to(ROOT / "src" if start.exists() else ROOT).as_posix().removeprefix("gancensus/")
        lines += [f"## `{name}`\n", *([f"{_purpose(start)}\n"] if start.exists() else [])]
        lines += ["| module | purpose |", "| --- | --- |"]
        for file in sorted(file for file in folder.rglob("*.py") if file != start):
            shown = file.parent if file.name == "__init__.py" else file
            link = f"[`{shown.relative_to(folder).as_posix()}`](../{shown.relative_to(ROOT).as_posix()})"
            lines.append(f"| {link} | {_purpose(file)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _purpose(file: Path) -> str:
    """Return the first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]


DOCUMENTS = {
    "workflow/schemas/config.schema.json": schema,
    "config/README.md": readme,
    "docs/tables.md": tables,
    "docs/modules.md": modules,
}


def main() -> None:
    """Write all documents."""
    for name, text in DOCUMENTS.items():
        (ROOT / name).write_text(text())


if __name__ == "__main__":
    main()
