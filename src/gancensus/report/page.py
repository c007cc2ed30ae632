"""The report: every study on one page that loads nothing from anywhere."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2.bccache import Bucket

from gancensus.census.group_facts import facts_of
from gancensus.config import results as places
from gancensus.config.configuration import Config, Study
from gancensus.contracts.cells import written
from gancensus.contracts.metric import MIDDLE
from gancensus.plotting import numbers
from gancensus.report import analysed, captions, failures, group_lists, inputs, sentences, titles
from gancensus.report.explorer import graph
from gancensus.report.trace import by_rule, duration
from gancensus.storage.tables import about, columns, read_table

Row = dict[str, Any]

LINES = 6  # of each group in a table of samples
NUMBERS = 200  # rows of an analysis up to which they are shown as a table


class _Compiled(jinja2.FileSystemBytecodeCache):
    """What Jinja makes of a template, kept in a folder that need not be writable."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), f"jinja-{version('jinja2')}-%s.cache")

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def page(results: Path, provenance: dict[str, Any], template: str, compiled: Path | None = None) -> str:
    """Return the report of all results in a folder as HTML.

    provenance: what `report.provenance` has written about them; template: that of the page, for Jinja; compiled: the
    folder of compiled code, in which what becomes of the template is kept.
    """
    studies = Config.model_validate(provenance["configuration"]).studies
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"report": template}),
        bytecode_cache=None if compiled is None else _Compiled(compiled),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report").render(
        studies=[study_of(results / name, study) for name, study in studies.items()],
        timeline=timeline_of(results),
        provenance=provenance,
        configuration=yaml.safe_dump(provenance["configuration"], sort_keys=False, allow_unicode=True),
        numbers=numbers,
        sentences=sentences,
        duration=duration,
    )


def definitions_of(folder: Path, study: Study) -> list[Row]:
    """Return what the page says about each definition: what it is, and the rows of its tables by population."""
    tables = [rows_at(folder, place) for place in (places.SUPPORT, places.COPIES, places.DIVERSITY)]
    scales = rows_at(folder, places.SCALES) if places.scaled(study) else []
    found = []
    for name, metrics in study.definitions.items():
        support, copies, diversity = ([row for row in rows if row["definition"] == name] for rows in tables)
        thresholds = rows_at(folder, places.THRESHOLDS, definition=name)
        middle = [row for row in thresholds if row["scale"] in (None, MIDDLE)]
        calibrated = [row["alpha"] for row in middle if row["alpha"] is not None]
        counted = {row["population"]: row for row in support}
        found.append(
            {
                "name": name,
                "rule": sentences.definition(metrics, middle),
                "scales": sentences.scales(row for row in scales if row["definition"] == name),
                "tautology": sentences.tautology(calibrated, counted["holdout"]["effective_support_high"]),
                "thresholds": [(row, metrics[row["metric"]]) for row in thresholds],
                "counted": counted,
                "nulls": any(row["p_value"] is not None for row in support),
                "copies": copies,
                "profiles": profiles(diversity),
                "sweep": swept(rows_at(folder, places.SWEEP, definition=name)),
            }
        )
    return found


def answers_of(folder: Path, study: Study) -> Row:
    """Return the answers about every generated population, and about real samples, by population and question."""
    rows = rows_at(folder, places.SUMMARY)
    order = [*study.generated, *({"train"} & {row["population"] for row in rows})]
    return {name: {row["question"]: row for row in rows if row["population"] == name} for name in order}


def path_at(folder: Path, place: str, **names: str) -> Path:
    """Return where a result of a study lies; folder: that of the study."""
    return folder.parent / places.at(place, study=folder.name, **names)


def rows_at(folder: Path, place: str, **names: str) -> list[Row]:
    """Return the rows of a table of a study."""
    rows: list[Row] = read_table(path_at(folder, place, **names)).to_pylist()
    return rows


def profiles(diversity: Iterable[Row]) -> dict[str, Row]:
    """Return the quantities of a diversity profile, with their intervals, by population."""
    found: dict[str, Row] = {}
    for row in diversity:
        name = row["quantity"]
        ends = {name: row["value"], f"{name}_low": row["low"], f"{name}_high": row["high"]}
        found[row["population"]] = found.get(row["population"], {}) | ends
    return found


def swept(rows: list[Row]) -> Row:
    """Return the rows of a sweep that are shown: by subset of the metrics at one alpha, or by alpha."""
    shown = sentences.cuts(list(dict.fromkeys(row["metrics"] for row in rows)))
    if len(shown) == 1:
        alphas = dict.fromkeys(row["alpha"] for row in rows)
        groups = {f"{alpha:g}": [row for row in rows if row["alpha"] == alpha] for alpha in alphas}
        return {"by": "alpha", "alpha": None, "groups": groups}
    at, _ = sentences.informative_alpha(rows, shown["all metrics"])
    here = [row for row in rows if row["alpha"] == at]
    groups = {cut: [row for row in here if row["metrics"] == metrics] for cut, metrics in shown.items()}
    return {"by": "metrics", "alpha": at, "groups": groups}


def figures_of(folder: Path, study: Study) -> list[Row]:
    """Return the figures below the census, in the order of the page."""
    title, caption = captions.FIGURES["closest"]
    chosen, reason = captions.FIGURES["selection"]
    varied, how = captions.FIGURES["sweep"]
    chains = sentences.chained(rows_at(folder, places.DIVERSITY))
    repeated, which = captions.FIGURES["groups"]
    return [
        *(
            figure(folder, f"groups-{d}", f"{repeated}, by {d}", which) | grouped(folder, study, d)
            for d in study.definitions
        ),
        figure(folder, "diversity", *captions.FIGURES["diversity"]) | {"chains": chains},
        *(figure(folder, f"sweep-{d}", f"{varied} {d}", how) | {"definition": d} for d in study.definitions),
        figure(folder, "gallery", *captions.FIGURES["gallery"], samples=True),
        *(figure(folder, f"closest-{d}", f"{title} by {d}", caption, samples=True) for d in study.definitions),
        *(figure(folder, f"selection-{s}", f"{chosen} {s}", reason, samples=True) for s in study.selections),
        *filter(None, (analysed_figure(folder, study, place) for place in study.analysed)),
        figure(folder, "training", *captions.FIGURES["training"]),
    ]


def figure(folder: Path, name: str, title: str, caption: str, samples: bool = False) -> Row:
    """Return a figure and, where the samples that it shows are rows of a table, those rows."""
    drawn = image(folder.parent, places.at(places.FIGURE, study=folder.name, figure=name))
    shown = sample_rows(path_at(folder, places.SHOWN, figure=name)) if samples else None
    return {"name": name, "title": title, "caption": caption, "samples": shown, **drawn}


def grouped(folder: Path, study: Study, definition: str) -> Row:
    """Return what is said about the groups of a definition, and those that its figure shows, by population."""
    path, names = path_at(folder, places.GROUPS), list(study.generated)
    found = {name: groups for name, groups in group_lists.largest(path, definition, names).items() if groups}
    sizes = {name: groups[0][0]["size"] for name, groups in found.items()}
    facts = [one for one in facts_of(about(path)) if one.definition == definition]
    cells = sample_rows(path_at(folder, places.SHOWN, figure=f"groups-{definition}"), group_lists.MEMBERS)
    groups = {name: [group_lines(name, rows, cells) for rows in groups] for name, groups in found.items()}
    said = {study.titles.get(one.population, one.population): one for one in facts}
    return {
        "groups": {
            "said": [
                group_lists.sentences(one._replace(population=title), sizes.get(one.population, 0))
                for title, one in said.items()
            ],
            "file": places.at(places.DUPLICATES_LIST, study=folder.name),
            "shown": groups,
            "columns": cells,
        }
    }


def group_lines(population: str, rows: Sequence[numbers.Row], cells: Row | None) -> Row:
    """Return a group as the page lists it: title, lines of name, distance and values, the closest of `train` last."""
    title, near = group_lists.titled(rows[0]), group_lists.closest_in_train(rows)
    lines = [{"name": group_lists.label(row["name"], row["row"]), "distance": row["distance"]} for row in rows]
    ids = [row["sample_id"] for row in rows]
    if near is not None:
        name = group_lists.label(near["train_name"], near["train_row"])
        lines.append({"name": f"train: {name}", "distance": near["train_distance"]})
        ids.append(near["train_id"])
    known = {}
    if cells is not None:
        shown = (f"{population}, {title}", f"{population}, {title}, train")
        known = {row["sample_id"]: row["x"] for name in shown for row in cells["groups"].get(name, ())}
    return {"title": title, "lines": [line | {"x": known.get(one, [])} for line, one in zip(lines, ids, strict=True)]}


def analysed_figure(folder: Path, study: Study, place: str) -> Row | None:
    """Return the figure of an analysis's table with what it says; of a table without a figure, its numbers if few."""
    analysis, table = study.analysed[place]
    _, title, caption, drawn, _ = analysis.tables[table]
    said = measured(folder, study, place)
    if drawn:
        return figure(folder, place, title, caption) | opened(folder, study, place) | said
    return {"name": place, "title": title, "caption": caption, "samples": None, **said} if "numbers" in said else None


def opened(folder: Path, study: Study, place: str) -> Row:
    """Return the graph whose nodes open, where a table is shown as one and its figure could be drawn."""
    analysis, table = study.analysed[place]
    if table not in analysis.explored or failures.reason(shown := path_at(folder, places.SHOWN, figure=place)):
        return {}
    try:
        found = analysis.explore(table, analysed.read(folder, study, place))
        return {} if found is None else {"graph": graph(found, folder.name, place, sample_rows(shown), pictures(shown))}
    except Exception as error:
        traceback.print_exc()
        return {"closed": f"Its nodes cannot be opened: {failures.describe(error, [])}"}


def pictures(shown: Path) -> dict[str, list[Row]]:
    """Return the samples that are shown as pictures, by the group that they are in."""
    groups: dict[str, list[Row]] = {}
    for row in read_table(shown, ["group", "sample_id", "picture"]).to_pylist():
        if row["picture"] is not None:
            groups.setdefault(row["group"], []).append(row)
    return groups


def image(results: Path, file: str) -> Row:
    """Return an image as it stands in a page, or why it could not be made."""
    failed = next(iter(failures.among(results, [file])), None)
    return {"image": base64.b64encode((results / file).read_bytes()).decode(), "failed": failed}


def timeline_of(results: Path) -> Row | None:
    """Return the timeline, what it says in words, and what each rule took; None where there were no jobs."""
    if not (results / places.TRACE).is_file():
        return None
    title, caption = captions.FIGURES["timeline"]
    rows = read_table(results / places.TRACE).to_pylist()
    said = {"said": sentences.timeline(rows), "rules": by_rule(rows)}
    return {"title": title, "caption": caption, **image(results, places.TIMELINE), **said}


def sample_rows(shown: Path, most: int = LINES) -> Row | None:
    """Return the first samples of each group as text, in natural units; None where samples are images."""
    facts = about(shown)
    if "names" not in facts:
        return None
    names, units = json.loads(facts["names"]), json.loads(facts["units"])
    categories = json.loads(facts.get("categories", "[]")) or [[]] * len(names)
    ways = json.loads(facts.get("written", "[]")) or [None] * len(names)
    groups: dict[str, list[Row]] = {}
    for row in read_table(shown).to_pylist():
        cells = [
            of[int(x)] if of else written(x, *way) if way else numbers.short(x)
            for x, of, way in zip(row["x"], categories, ways, strict=True)
        ]
        groups.setdefault(row["group"], []).append(row | {"x": cells[: sentences.TABLE_COLUMNS]})
    return {
        "heads": list(zip(names, units, strict=True))[: sentences.TABLE_COLUMNS],
        "more": max(0, len(names) - sentences.TABLE_COLUMNS),
        "groups": {group: lines[:most] for group, lines in groups.items()},
    }


def measured(folder: Path, study: Study, place: str) -> Row:
    """Return what a table of an analysis says below its figure, or why it, or one beside it, could not be made."""
    if failed := analysed.missing(folder, study, place):
        return {"failed": failed}
    analysis, table = study.analysed[place]
    path = path_at(folder, places.ANALYSIS, analysis=place)
    return {"unjudged": worded(lambda: analysis.unjudged(table, columns(path)))} | values(path)


def worded(say: Callable[[], list[str]]) -> list[str]:
    """Return sentences of an analysis; if writing them fails, one that says why, so that the page is still made."""
    try:
        return say()
    except Exception as error:
        traceback.print_exc()
        return [f"What it found could not be put into words: {failures.describe(error, [])}"]


def values(path: Path) -> Row:
    """Return the numbers of an analysis, unless there are none or too many to read."""
    table = read_table(path)
    if not 0 < table.num_rows <= NUMBERS:
        return {}
    heads = [(field.name, field.metadata[b"unit"].decode()) for field in table.schema]
    rows = [{name: listed(value) for name, value in row.items()} for row in table.to_pylist()]
    return {"numbers": {"heads": heads, "rows": rows}}


def listed(value: Any) -> Any:
    """Return a value of a table; a list as text."""
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def findings_of(folder: Path, study: Study) -> list[str]:
    """Return the findings of the analyses as sentences: the first of each table, then the second ones, and so on."""
    found = [
        worded(partial(analysis.findings_in, table, columns(path)))
        for place, (analysis, table) in study.analysed.items()
        if failures.reason(path := path_at(folder, places.ANALYSIS, analysis=place)) is None
    ]
    return [sentence for turn in zip_longest(*found) for sentence in turn if sentence is not None]


def inputs_of(folder: Path, study: Study) -> list[Row]:
    """Return what was noted about the inputs of a study."""
    rows = read_table(folder.parent / places.INPUTS).to_pylist()
    return inputs.titled([row for row in rows if row["study"] == folder.name], study.titles)


def study_of(folder: Path, study: Study) -> Row:
    """Return what the page says about a study."""
    noted = inputs_of(folder, study)
    definitions = definitions_of(folder, study)
    answers = answers_of(folder, study)
    failed = failures.among(folder.parent, failures.existing(folder.parent, {folder.name: study}))
    return {
        "name": folder.name,
        "named": lambda text: titles.named(text, study.titles),
        "census": study.census,
        "conclusions": sentences.conclusions({name: answers[name] for name in study.generated}),
        "copying": sentences.copying(row for definition in definitions for row in definition["copies"]),
        "answers": answers,
        "learned": "train" in study.real,
        "analysed": bool(study.analyses),
        "warnings": inputs.warnings(noted),
        "inputs": inputs.lines(noted),
        "findings": findings_of(folder, study),
        "failed": [one for one in failed if one.study],
        "generated": list(study.generated),
        "definitions": {definition["name"]: definition for definition in definitions},
        "support": figure(folder, "support", *captions.FIGURES["support"]),
        "scales": figure(folder, "scales", *captions.FIGURES["scales"]) if places.scaled(study) else None,
        "coverage": figure(folder, "coverage", *captions.FIGURES["coverage"]),
        "birthday": figure(folder, "birthday", *captions.FIGURES["birthday"]),
        "figures": figures_of(folder, study),
    }
