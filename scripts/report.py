#!/usr/bin/env python
"""Write the report: every study on one page that loads nothing from anywhere."""

from __future__ import annotations

import base64
import json
from typing import Any

import jinja2
import step
import yaml
from step import Path

from gancensus import words
from gancensus.config import Config, Study
from gancensus.files import about, read_table, write_bytes

LINES = 6  # of each group in a table of samples
NUMBERS = 200  # rows of an analysis that are shown as a table


def census_of(folder: Path, study: Study) -> list[dict[str, Any]]:
    """Return for each definition its thresholds and the rows of the census."""
    support = read_table(folder / "census/support.parquet").to_pylist()
    found = []
    for name, metrics in study.definitions.items():
        counted = {row["population"]: row for row in support if row["definition"] == name}
        thresholds = read_table(folder / f"thresholds/{name}.parquet").to_pylist()
        compared = [metrics[row["metric"]].encoder for row in thresholds]
        found.append({"name": name, "thresholds": list(zip(thresholds, compared, strict=True)), "counted": counted})
    return found


def figures_of(folder: Path, study: Study) -> list[dict[str, Any]]:
    """Return the figures below the census, in the order of the page."""
    title, caption = words.FIGURES["closest"]
    chosen, reason = words.FIGURES["selection"]
    return [
        figure(folder, "gallery", *words.FIGURES["gallery"], samples=True),
        *(figure(folder, f"closest-{d}", f"{title} by {d}", caption, samples=True) for d in study.definitions),
        *(figure(folder, f"selection-{s}", f"{chosen} {s}", reason, samples=True) for s in study.selections),
        *(
            figure(folder, kind, a.title, a.caption) | numbers(folder / f"{kind}.parquet")
            for kind, a in study.analyses.items()
        ),
        figure(folder, "training", *words.FIGURES["training"]),
    ]


def figure(folder: Path, name: str, title: str, caption: str, samples: bool = False) -> dict[str, Any]:
    """Return a figure and, where the samples that it shows are rows of a table, those rows."""
    image = base64.b64encode((folder / f"figures/{name}.svg").read_bytes()).decode()
    shown = sample_rows(folder / f"figures/{name}.parquet") if samples else None
    return {"name": name, "title": title, "caption": caption, "image": image, "samples": shown}


def sample_rows(shown: Path) -> dict[str, Any] | None:
    """Return the first samples of each group in natural units; None where samples are images."""
    facts = about(shown)
    if "names" not in facts:
        return None
    names, units = json.loads(facts["names"]), json.loads(facts["units"])
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in read_table(shown).to_pylist():
        groups.setdefault(row["group"], []).append(row | {"x": row["x"][: words.TABLE_COLUMNS]})
    return {
        "heads": list(zip(names, units, strict=True))[: words.TABLE_COLUMNS],
        "more": max(0, len(names) - words.TABLE_COLUMNS),
        "groups": {group: lines[:LINES] for group, lines in groups.items()},
    }


def numbers(path: Path) -> dict[str, Any]:
    """Return the numbers of an analysis, unless they are too many to read."""
    table = read_table(path)
    heads = [(field.name, field.metadata[b"unit"].decode()) for field in table.schema]
    return {"numbers": {"heads": heads, "rows": table.to_pylist()}} if table.num_rows <= NUMBERS else {}


def study_of(folder: Path, study: Study) -> dict[str, Any]:
    """Return what the page says about a study."""
    definitions = census_of(folder, study)
    support = [row for definition in definitions for row in definition["counted"].values()]
    return {
        "name": folder.name,
        "census": study.census,
        "verdicts": words.verdicts(support, study.generated),
        "generated": list(study.generated),
        "definitions": definitions,
        "support": figure(folder, "support", *words.FIGURES["support"]),
        "birthday": figure(folder, "birthday", *words.FIGURES["birthday"]),
        "figures": figures_of(folder, study),
    }


def main() -> None:
    """Fill the template."""
    args = step.arguments(__doc__, provenance=Path, template=Path, output=Path)
    provenance = json.loads(args.provenance.read_bytes())
    studies = Config.model_validate(provenance["configuration"]).studies
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(args.template.read_text(encoding="utf-8")).render(
        studies=[study_of(args.output.parent / name, study) for name, study in studies.items()],
        provenance=provenance,
        configuration=yaml.safe_dump(provenance["configuration"], sort_keys=False, allow_unicode=True),
        words=words,
    )
    write_bytes(args.output, page.encode())


step.run(main)
