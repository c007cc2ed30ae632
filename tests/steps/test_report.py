"""The last steps: figures, provenance and the report."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from mapper_columns import SCHEMAS, tables
from PIL import Image

from gancensus.census.groups import Searched, find_groups
from gancensus.census.summary import summarise
from gancensus.census.support import (
    Graph,
    collision_columns,
    copies_row,
    count,
    diversity_rows,
    nulls_of,
    ratio_columns,
    support_row,
)
from gancensus.census.sweep import sweep, thresholds_of
from gancensus.config.configuration import Config, Study
from gancensus.config.results import figures
from gancensus.contracts.samples import Samples, Scale
from gancensus.domains.topology.analysis_mapper import Mapper
from gancensus.plotting import numbers, style
from gancensus.report import census_figures, failures, sweep_figures, trace
from gancensus.report.explorer import anchor
from gancensus.report.picture_figures import pixels
from gancensus.report.shown import Group, shown_table
from gancensus.report.study_figures import Results, write
from gancensus.search.duplicates import Found
from gancensus.storage import schemas
from gancensus.storage.samples import write_samples
from gancensus.storage.schemas import SHOWN
from gancensus.storage.tables import columns as read_columns
from gancensus.storage.tables import read_table, write_table

Step = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
EVIL = "<script>alert(1)</script>"
CONFIG = {
    "seed": 7,
    "studies": {
        "toy": {
            "source": {"kind": "digits"},
            "generators": {"gan": {"kind": "tabulargan", "latent": 2, "replicas": 2}},
            "definitions": {
                "scaled": {"euclidean": {"alpha": 0.01}},
                "matched": {
                    "energy": {"kind": "condition", "column": "energy", "tolerance": 0.5},
                    "gower": {"alpha": 0.02},
                    "hits": {"kind": "hamming", "alpha": 0.02},
                    "earth": {"kind": "emd", "alpha": 0.02},
                },
            },
            "fidelity": {},
        }
    },
}
CONFIGURATION = Config.model_validate(CONFIG).model_dump(mode="json", exclude={"pathvars"})
POPULATIONS = ("train", "holdout", "gan-0", "gan-1")
SCALE = Scale((EVIL, "b&b"), ("<i>", "1"), (0.0, 0.0), (1.0, 1.0))

LINES = [  # beside the log of a training: killed once, then done
    json.dumps({"start": "2026-01-01T12:00:00.000000+00:00", "node": "n1", "slurm_job": "7", "pid": 1}),
    json.dumps(
        {"start": "2026-01-01T12:01:00.000000+00:00", "end": "2026-01-01T12:03:20.000000+00:00", "node": EVIL}
        | {"slurm_job": "8", "pid": 1, "cpu": 130.0, "peak_memory": 811.6, "outcome": "done"}
    ),
]


def samples(population: int, rows: int = 8) -> Samples:
    x = np.random.default_rng(population).uniform(-1, 1, (rows, 2)).astype(np.float32)
    return Samples(x, np.arange(rows, dtype=np.int64) + 1000 * population, scale=SCALE)


def within(edges: list[tuple[int, int]], condition: int | None) -> Graph:
    """A population of 1,000 samples with these duplicates; all of one condition, or compared within a tolerance."""
    i, j = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    degrees = np.bincount(np.concatenate([i, j]), minlength=1000)
    conditions = None if condition is None else np.full(1000, condition)
    return Graph(np.arange(1000), degrees, np.full(1000, 999), conditions, 1000, 1, i, j)


def across(duplicates: int, condition: int | None) -> Graph:
    """Two populations, each of whose first samples has a duplicate in the other."""
    i = np.arange(duplicates, dtype=np.int64)
    degrees = np.tile((np.arange(1000) < duplicates).astype(np.int64), 2)
    conditions = None if condition is None else np.full(2000, condition)
    return Graph(np.tile(np.arange(1000), 2), degrees, np.full(2000, 1000), conditions, 1000, 1, i, i)


CHAIN = [(k, k + 1) for k in range(450)]
PLANTED = {  # pairs; gan-0 has collapsed, gan-1 has no duplicate and copies
    "train": [(2 * k, 2 * k + 1) for k in range(60)],
    "holdout": [(2 * k, 2 * k + 1) for k in range(50)],
    "gan-0": [(2 * k, 2 * k + 1) for k in range(450)],
    "gan-1": [],
}
CROSSED = {"gan-0": (55, 50), "gan-1": (400, 50), "holdout": (52, 0)}  # duplicates in train, in holdout


def census(folder: Path) -> None:
    """Write the census of the planted populations; by the second definition gan-0 is a chain, and nothing copies."""
    tables_of: dict[str, list[dict[str, Any]]] = {"support": [], "diversity": [], "copies": []}
    for definition, condition in (("scaled", 0), ("matched", None)):
        planted = PLANTED if definition == "scaled" else PLANTED | {"gan-0": CHAIN}
        graphs = {name: within(edges, condition) for name, edges in planted.items()}
        found = {name: count(graph, 0.95, 100, np.random.default_rng(0)) for name, graph in graphs.items()}
        for name, graph in graphs.items():
            rng, to_train, to_holdout = np.random.default_rng(0), *CROSSED.get(name, (0, 52))
            null = None
            if name != "holdout":
                (null,) = nulls_of([(graph, graphs["holdout"], across(to_holdout, condition))], 200, 0.95, rng)
            row = support_row(name, found[name], found["holdout"], null, 0.95, 1.5)
            tables_of["support"].append({"study": "toy", "definition": definition, **row})
            tables_of["diversity"] += [{"definition": definition, **row} for row in diversity_rows(name, graph, 0.95)]
            if name != "train":
                to_train = to_train if definition == "scaled" else 52
                held = None if name == "holdout" else across(to_holdout, condition)
                row = copies_row(name, across(to_train, condition), across(52, condition), held, 0.95, 1.5)
                tables_of["copies"].append({"definition": definition, **row})
    said = summarise(
        {name: [] for name in ("train", "gan-0", "gan-1")}, 1.5, 1000, {"gan-1": "could not be measured: <why>"}
    )
    told = {"answer": "no", "names": "less diverse", "criterion": "scaled reach_ratio"}
    told_of = ("gan-0", "diverse")
    said = [row | told if (row["population"], row["question"]) == told_of else row for row in said]
    tables_of["summary"] = [{"study": "toy", **row} for row in said]
    for name, rows in tables_of.items():
        schema = getattr(schemas, name.upper())
        write_table(folder / f"census/{name}.parquet", columns(rows, schema.names), schema)


def write_groups(folder: Path) -> None:
    """Write the groups of near-duplicates: by `scaled` pairs in gan-0, whose names try to be HTML."""
    known = {"gan-0": Samples(np.empty((1000, 0), dtype=np.float32), np.arange(1000))}
    known["gan-0"] = replace(known["gan-0"], name=np.array([f"{EVIL}{k}.png" for k in range(1000)], dtype=object))
    searched = []
    for definition in ("scaled", "matched"):
        for name in ("gan-0", "gan-1"):
            pairs = [PLANTED[name] if definition == "scaled" else [], [(5, 7)] if name == "gan-0" else []]
            own, near = (
                Found({"i": i, "j": j, "d": np.full(len(i), 0.25)}, {}, {"samples": "1000", "step": "1"})
                for i, j in (np.array(some, dtype=np.int64).reshape(-1, 2).T for some in pairs)
            )
            searched.append(Searched(definition, name, "d", own, near))
    table, facts = find_groups(searched, known)
    write_table(folder / "census/groups.parquet", table, schemas.GROUPS, facts)


def columns(rows: list[dict[str, Any]], names: list[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


def write_sweep(path: Path, definition: str, metrics: list[str]) -> None:
    """Write the sweep of populations of 60 samples, of which gan-0 makes three points."""
    rng = np.random.default_rng(0)
    x = {name: rng.random((60, len(metrics))) for name in ("calibrate", "holdout", "gan-0", "gan-1")}
    x["gan-0"] = x["gan-0"][np.arange(60) % 3]
    i, j = np.triu_indices(60, 1)
    values = {name: np.abs(samples[i] - samples[j]) for name, samples in x.items()}
    alphas, thresholds = thresholds_of(values.pop("calibrate"), [0.3, 0.1])
    cells = {name: sweep(value, i, j, 60, alphas, thresholds) for name, value in values.items()}
    rows = [
        {
            "definition": definition,
            "metrics": "+".join(metrics[m] for m in cell.metrics),
            "alpha": cell.alpha,
            "population": name,
            "independent": cell.independent,
            **collision_columns(cell.collision),
            **ratio_columns(cell.collision, None if name == "holdout" else held.collision, 0.95),
        }
        for name in cells
        for cell, held in zip(cells[name], cells["holdout"], strict=True)
    ]
    write_table(path, columns(rows, schemas.SWEEP.names), schemas.SWEEP)


def write_thresholds(folder: Path) -> None:
    """Write thresholds: measured on all pairs, given, and measured on some pairs."""
    lines: dict[str, list[tuple[Any, ...]]] = {
        "scaled": [("euclidean", None, 0.01, 0.1234567, 0.1234567, 0.1234567, 4950, 4950)],
        "matched": [
            ("energy", None, None, 0.5, 0.5, 0.5, 2000, 2000),
            ("gower", None, 0.02, 0.25, 0.25, 0.25, 2000, 2000),
            ("hits", None, 0.02, 0.75, 0.75, 0.75, 2000, 2000),
            ("earth", None, 0.02, 3.5, 3.25, 3.75, 1500, 2000),
        ],
    }
    for name, rows in lines.items():
        names = schemas.THRESHOLDS.names
        found = columns([dict(zip(names, row, strict=True)) for row in rows], names)
        write_table(folder / f"{name}.parquet", found, schemas.THRESHOLDS)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of rows of a table, with names that try to be HTML."""
    folder = tmp_path_factory.mktemp("results") / "toy"
    census(folder)
    write_groups(folder)
    write_thresholds(folder / "thresholds")
    write_sweep(folder / "sweep/scaled.parquet", "scaled", ["euclidean"])
    write_sweep(folder / "sweep/matched.parquet", "matched", ["gower", "hits", "earth"])
    fidelity = {"population": ["gan-0"], "metric": [EVIL], "value": [0.5], "low": [0.4], "high": [0.6], "null": [None]}
    fidelity |= {"reference": ["holdout"], "space": ["samples"]}
    write_table(folder / "fidelity.parquet", fidelity, schemas.FIDELITY)
    groups = [Group(name, samples(k), np.full(8, 0.25)) for k, name in enumerate(POPULATIONS)]
    shows = ("gallery", "closest-scaled", "closest-matched", "groups-scaled", "groups-matched")
    draws = ("birthday", "support", "coverage", "training", "fidelity", "diversity", "sweep-scaled", "sweep-matched")
    for name in shows + draws:
        (folder / "figures").mkdir(exist_ok=True)
        (folder / f"figures/{name}.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    for name in shows:
        shown, about = shown_table(groups)
        write_table(folder / f"figures/{name}.parquet", shown, SHOWN, about)
    (folder.parent / "timeline.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    write_table(folder.parent / "trace.parquet", trace.columns({f"toy/train/{EVIL}": LINES}), schemas.TRACE)
    notes = [f"read as {EVIL}", "warning: other units"]
    inputs = {"study": ["toy"] * 2, "population": ["real"] * 2, "input": ["real.npy"] * 2, "note": notes}
    write_table(folder.parent / "inputs.parquet", {**inputs, "samples": [None, 1200]}, schemas.INPUTS)
    facts = {"gancensus": "1.2.3", "python": "3.12.0", "packages": {"numpy": "2.4.0"}, "seed": 7, "files": {}}
    facts |= {"commit": None, "uncommitted_changes": None, "configuration": CONFIGURATION}
    (folder.parent / "provenance.json").write_text(json.dumps(facts))
    return folder.parent


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, for a test that changes it."""
    return shutil.copytree(finished, tmp_path / "results")


@pytest.fixture
def page(step: Step, finished: Path) -> str:
    """The page of the finished study."""
    written = finished / "report.html"
    return written.read_text(encoding="utf-8") if written.exists() else report(step, finished)


def report(step: Step, results: Path) -> str:
    """Run the step and return the page."""
    template = ROOT / "workflow/report/report.html.j2"
    options = ("--provenance", results / "provenance.json", "--template", template)
    done = step("report", *options, "--output", results / "report.html")
    assert done.returncode == 0, done.stderr
    return (results / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """What a page loads, its headings, its identifiers and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.tags: dict[str, int] = {}
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.loads += [str(found[key]) for key in ("src", "srcset", "data") if key in found]
        (self.loads if tag == "link" else self.links).extend([str(found["href"])] if "href" in found else [])
        self.ids += [str(found["id"])] if "id" in found else []
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))
        if tag == "img":
            assert found["alt"]
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)
        assert not any(name.startswith("on") for name in found)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_report_is_one_page_that_loads_nothing(page: str) -> None:
    read = Page(page)
    assert read.open == []
    assert read.loads
    assert all(target.startswith("data:") for target in read.loads)
    assert "url(" not in page
    assert "@import" not in page
    assert all(link.startswith("#") and link[1:] in read.ids for link in read.links)
    assert len(set(read.ids)) == len(read.ids)


def test_report_is_accessible(page: str) -> None:
    read = Page(page)
    assert read.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(read.headings, read.headings[1:], strict=False))
    assert read.tags["caption"] == read.tags["table"] == 17
    assert read.tags["figcaption"] == read.tags["img"] == 14


def test_report_has_the_same_bytes_in_another_folder(page: str, step: Step, results: Path) -> None:
    assert report(step, results) == page


def test_names_cannot_become_html(page: str) -> None:
    read = Page(page)
    assert "script" not in read.tags
    assert "i" not in read.tags
    assert EVIL in read.text
    assert "b&amp;b" in page


def text_of(page: str) -> str:
    return " ".join(" ".join(Page(page).text).split())


def rows_of(page: str, caption: str) -> list[str]:
    """The rows of the table whose caption begins so, each as its text."""
    (table,) = [part for part in page.split("<table>") if f"<caption>{caption}" in part]
    return [text_of(row) for row in re.findall(r"<tr.*?</tr>", table.partition("</table>")[0], re.DOTALL)]


def test_report_says_what_the_tables_say(page: str) -> None:
    text = text_of(page)
    assert (
        "gan-0: less diverse; inconclusive: on the data, coverage, copies. "
        "gan-1: inconclusive: diversity, on the data, coverage, copies." in text
    )
    assert "gan-0 makes about 1,100" in text
    assert "gan-1 shows no duplicate among 1,000 samples: it makes at least 170,000 effectively different" in text
    assert "Two samples are duplicates when their Euclidean distance is at most 0.123." in text
    assert "450 of 499,500" in text
    assert "9,990" in text  # the held-out data: 499,500 pairs over 50 duplicates
    assert "unknown, not a git repository" in text
    assert "kind: tabulargan" in text
    assert "intervals at 95 %" in text


def test_report_names_copies_beside_what_held_out_samples_do(page: str, step: Step, results: Path) -> None:
    assert "gan-1 (by scaled) copies training samples: its samples are duplicates of those more" in text_of(page)
    assert text_of(page).count("! copies") == 2  # in the summary, and in the table
    scaled = rows_of(page, "Copies of training samples by scaled")[1:]
    assert [row.split()[-1] for row in scaled] == ["reference", "inconclusive", "copies"]
    assert "5.2 % 3.91 to 6.76 %" in scaled[0]
    assert "40 % 36.9 to 43.1 %" in scaled[2]
    assert "8.00" in scaled[2]  # 400 duplicates in train over 50 in holdout
    assert "copies" not in " ".join(rows_of(page, "Copies of training samples by matched"))
    path = results / "toy/census/copies.parquet"  # no copies, no such sentence
    rows = [row | {"verdict": row["verdict"] and "inconclusive"} for row in read_table(path).to_pylist()]
    write_table(path, columns(rows, schemas.COPIES.names), schemas.COPIES)
    assert "copies training samples" not in text_of(report(step, results))


def test_report_shows_the_permutation_null_where_there_is_one(page: str, finished: Path) -> None:
    head, _, _, collapsed, none = rows_of(page, "Census by scaled")
    assert "ratio, if alike p-value" in head
    row = read_table(finished / "toy/census/support.parquet").to_pylist()[2]
    low, high = (numbers.number(row[f"null_{end}"]) for end in ("low", "high"))
    assert f"{low} to {high} {numbers.p_value(row['p_value'])} ↓ more duplicates" in collapsed
    assert "p = 0.01" in collapsed  # twice one of 201 labellings
    assert "p = 0.01" in none
    assert "p-value" not in rows_of(page, "Census by matched")[0]


def test_report_shows_the_diversity_profile_and_warns_of_chains(page: str) -> None:
    assert "Kinds are chains, and their numbers too low, by matched of gan-0: the largest kind holds" in text_of(page)
    _, _, _, collapsed, unseen = rows_of(page, "Diversity profile by matched")
    assert "gan-0 1,000 550 451 2 " in collapsed  # kinds, the largest and the largest clique
    assert "≥ 167,000" in unseen  # 499,500 pairs over -ln 0.05
    assert "gan-0 1,000 550 2 2 90 %" in rows_of(page, "Diversity profile by scaled")[3]


def test_report_says_what_the_jobs_took(page: str, step: Step, results: Path) -> None:
    assert "1 job used 2 min 10 s of processor time within 2 min 20 s in which something ran." in text_of(page)
    assert f"The largest memory was 812 MiB, in train {EVIL} of toy." in text_of(page)
    assert "1 attempt of 2 failed, was stopped or killed." in text_of(page)
    assert rows_of(page, "What each rule took")[1:] == ["train 1 2 1 2 min 20 s 2 min 10 s 812"]

    write_table(results / "trace.parquet", trace.columns({}), schemas.TRACE)
    assert "No job has left a record of when it ran." in text_of(report(step, results))


def test_report_shows_sweeps_by_subset_or_by_alpha(page: str, finished: Path) -> None:
    assert "1/alpha = 100 by construction" in text_of(page)
    assert text_of(page).count("by construction; only the ratio carries information") == 1  # not of three metrics
    scaled, matched = rows_of(page, "scaled, by alpha"), rows_of(page, "matched, each metric left out and each alone")
    assert [row.split()[0] for row in scaled[1::3]] == ["0.3", "0.1"]
    groups = [" ".join(row.split()[:2]) for row in matched[1::3]]
    assert groups == ["all metrics", *(f"{cut} {m}" for cut in ("without", "only") for m in ("gower", "hits", "earth"))]
    assert "at alpha = 0.3" in text_of(page)
    (whole,) = [
        row
        for row in read_table(finished / "toy/sweep/matched.parquet").to_pylist()
        if (row["metrics"], row["alpha"], row["population"]) == ("gower+hits+earth", 0.3, "gan-0")
    ]
    assert f"gan-0 60 {whole['duplicates']} of 1,770" in matched[2]
    assert "0.0270" in matched[2]  # 0.3 cubed


def test_report_says_in_its_place_what_failed(step: Step, results: Path) -> None:
    failures.table(results / "toy/fidelity.parquet", schemas.FIDELITY, f"too few {EVIL}")
    for name in ("fidelity", "gallery"):
        failures.figure(results / f"toy/figures/{name}.svg", "no room")
    failures.table(results / "toy/figures/gallery.parquet", SHOWN, "no room")
    failures.figure(results / "timeline.svg", "no time")
    page = report(step, results)
    read, text = Page(page), text_of(page)
    assert "script" not in read.tags
    assert text.count(f"fidelity could not be measured: too few {EVIL}") == 2
    assert text.count("the figure gallery could not be drawn: no room Its log: logs/toy/draw.log") == 2
    assert text.count("the figure timeline could not be drawn: no time Its log: logs/collect_trace.log") == 1
    assert "missing fidelity, gallery" in text
    assert read.tags["img"] == 11  # of 14


def test_report_does_not_wait_for_words(step: Step, results: Path) -> None:
    """Sentences of an analysis whose table is not as its code expects, as one of another version."""
    facts = json.loads((results / "provenance.json").read_text())
    facts["configuration"]["studies"]["toy"]["synthetic"] = {"kind": "synthetic"}
    (results / "provenance.json").write_text(json.dumps(facts))
    for table in ("synthetic", "synthetic/marginals", "synthetic/associations"):
        write_table(results / f"toy/{table}.parquet", {"a": [1.0]}, pa.schema([schemas.column("a", schemas.FLOAT)]))
        (results / f"toy/figures/{table}.svg").parent.mkdir(exist_ok=True)
        shutil.copy(results / "timeline.svg", results / f"toy/figures/{table}.svg")
    assert "What it found could not be put into words: a bug: KeyError: 'metric'" in text_of(report(step, results))


def test_report_tells_conditions_and_sampled_thresholds_apart(page: str) -> None:
    assert (
        "Two samples are compared only when their energy differs by at most 0.5, and are duplicates when their gower "
        "distance is at most 0.250, and their hits distance is at most 0.750, and their earth distance is at most 3.50."
    ) in text_of(page)
    _, scaled, energy, gower, _, earth = rows_of(page, "Each threshold")
    assert scaled.endswith("samples 0.01 0.1235 4,950")
    assert energy.endswith("pairs are compared only when their energy differs by at most 0.5 2,000 compared")
    assert gower.endswith("0.02 0.2500 2,000")
    assert earth.endswith("0.02 3.500 3.250 to 3.750 1,500 drawn from 2,000")


def test_provenance_digests_every_part_and_knows_no_time_or_place(step: Step, results: Path) -> None:
    for part, seed in enumerate((1, 2)):
        write_samples(results / f"toy/samples/train/{part}.parquet", samples(seed))
    files = ["toy/samples/train/{part}.parquet", "toy/fidelity.parquet"]
    output = results / "provenance.json"
    written = []
    for _ in range(2):
        options = ("--configuration", json.dumps(CONFIGURATION), "--files", *files, "--parts", 2, "--output", output)
        done = step("provenance", *options)
        assert done.returncode == 0, done.stderr
        written.append(output.read_bytes())
    assert written[0] == written[1]
    assert str(results.parent).encode() not in written[0]
    found = json.loads(written[0])
    names = ["toy/fidelity.parquet", "toy/samples/train/0.parquet", "toy/samples/train/1.parquet"]
    assert found["files"] == {name: hashlib.sha256((results / name).read_bytes()).hexdigest() for name in names}
    assert list(found["files"]) == names
    assert (found["seed"], found["configuration"]) == (7, CONFIGURATION)
    assert "numpy" in found["packages"]
    assert found["commit"] is None or len(found["commit"]) == 40


def drawn(name: str, folder: Path, study: dict[str, Any], output: Path) -> bytes:
    """Draw a figure from the results of a study in a folder."""
    known = Study.model_validate(STUDY | study)
    write(figures(known)[name], Results(known, folder.name, folder.parent, 1), output)
    return output.read_bytes()


STUDY = {
    "source": {"kind": "digits"},
    "generators": {"gan": {"kind": "files", "path": "gan.npy"}},
    "definitions": {"matched": {"gower": {"alpha": 0.1}}},
}


def test_the_gallery_shows_samples_of_each_population(tmp_path: Path) -> None:
    for k, name in enumerate(("holdout", "gan-0")):
        write_samples(tmp_path / f"samples/{name}/0.parquet", samples(k, rows=40))
    runs = [drawn("gallery", tmp_path, {}, tmp_path / f"{run}.svg") for run in "12"]
    assert runs[0] == runs[1]
    shown = read_table(tmp_path / "1.parquet").to_pylist()
    assert [row["group"] for row in shown] == ["holdout"] * 32 + ["gan-0"] * 32
    assert shown[0]["sample_id"] == 0
    assert shown[31]["sample_id"] == 39


def test_the_closest_pairs_are_those_by_the_first_metric_that_compares_samples(tmp_path: Path) -> None:
    found = {"i": [0, 1, 2], "j": [3, 4, 5], "energy": [0.0, 0.0, 0.0], "gower": [0.3, 0.1, 0.2]}
    for name in ("train", "holdout", "gan-0"):
        write_samples(tmp_path / f"samples/{name}/0.parquet", samples(0, rows=8))
        write_table(tmp_path / f"duplicates/both/{name}.parquet", found, schemas.duplicates(["energy", "gower"]))
    both = {"energy": {"kind": "condition", "column": "energy"}, "gower": {"alpha": 0.1}}
    drawn("closest-both", tmp_path, {"definitions": {"both": both}}, tmp_path / "shown.svg")
    shown = [row for row in read_table(tmp_path / "shown.parquet").to_pylist() if row["group"] == "holdout"]
    assert [(row["sample_id"], row["value"]) for row in shown[::2]] == [(1, 0.1), (2, 0.2), (0, 0.3)]


def test_figures_are_drawn_from_the_tables_of_the_census(finished: Path, tmp_path: Path) -> None:
    folder = finished / "toy"
    diversity, swept = folder / "census/diversity.parquet", folder / "sweep/matched.parquet"
    expected = {
        "diversity": style.svg(census_figures.draw_diversity(read_columns(diversity))),
        "sweep-matched": style.svg(sweep_figures.draw_sweep(read_columns(swept), 1.5)),
    }
    for name, content in expected.items():
        assert drawn(name, folder, {}, tmp_path / f"{name}.svg") == content


@pytest.mark.parametrize("threads", [1, 2])
def test_the_step_draws_what_it_can_and_says_what_it_cannot(
    step: Step, finished: Path, tmp_path: Path, threads: int
) -> None:
    """Of these results, only some tables are there."""
    folder = tmp_path / "toy"
    for name in ("census", "sweep"):
        shutil.copytree(finished / "toy" / name, folder / name)
    known = Study.model_validate(STUDY)
    options = ("--study", known.model_dump_json(), "--parts", 1, "--threads", threads)
    done = step("draw", *options, "--gallery", folder / "figures/gallery.svg")
    assert done.returncode == 0, done.stderr
    missing = {name for name in figures(known) if failures.reason(folder / f"figures/{name}.svg")}
    assert missing == {"gallery", "birthday", "coverage", "closest-matched", "groups-matched"}
    if threads == 1:  # else other processes write to the log, which is not there in a test
        assert done.stderr.count("no such file") == 5
    assert (folder / "figures/diversity.svg").read_bytes() == drawn("diversity", folder, {}, tmp_path / "again.svg")


def test_groups_are_listed_with_their_names_and_the_closest_training_sample(page: str) -> None:
    text = " ".join(" ".join(Page(page).text).split())
    told = "900 of the 1,000 samples of gan-0 (90 %) are in 450 groups, the largest of 2"
    assert f"{told}. 1 of the 1,000 has a near-duplicate in train." in text
    assert "No two of the 1,000 samples of gan-1 are near-duplicates. 0 of the 1,000 have" in text
    assert "toy/duplicates.csv" in text
    lines = rows_of(page, "Which ones repeat, by scaled")
    assert lines[1].startswith(f"gan-0 group 0: 2 samples {EVIL}0.png 0")
    assert [line for line in lines if line.startswith("train: row 7 0.250")]


def test_what_was_read_and_what_may_be_wrong_with_it(page: str) -> None:
    text = " ".join(" ".join(Page(page).text).split())
    assert "What was read" in text
    assert f"real (real.npy): read as {EVIL}" in text
    assert text.count("real (real.npy): other units: 1,200 samples") == 1


NODES = [EVIL, "a\"b'#c d", "3-1", "\u00fc/%20_2f"]


def add_graph(results: Path, lists: bool = True) -> dict[str, Samples]:
    """Give the study a graph of nodes whose names try to be something else, with images as samples."""
    facts = json.loads((results / "provenance.json").read_text())
    facts["configuration"]["studies"]["toy"]["mapper"] = {"kind": "mapper"}
    (results / "provenance.json").write_text(json.dumps(facts))
    for name, table in tables(NODES, ["calibrate", "gan-0", "gan-1"], labels=[EVIL, "<i>"]).items():
        nothing = {} if lists else {key: [None] * len(table[key]) for key in table if key.endswith("samples")}
        write_table(results / f"toy/mapper/{name}.parquet", table | nothing, SCHEMAS[name])
    made = {}
    for population, first in (("holdout", 0), ("gan-0", 2000), ("gan-1", 3000)):
        x = np.random.default_rng(first).uniform(-1, 1, (60, 8, 8)).astype(np.float32)
        made[population] = Samples(x, np.arange(60) + first)
        write_samples(results / f"toy/samples/{population}/0.parquet", made[population])
    return made


def page_with_graph(step: Step, results: Path) -> str:
    """Draw the figures of the graph as the step does, and return the page."""
    study = Config.model_validate(json.loads((results / "provenance.json").read_text())["configuration"]).studies["toy"]
    for place in ("mapper/nodes", "mapper/findings"):
        write(figures(study)[place], Results(study, "toy", results, 1), results / f"toy/figures/{place}.svg")
    return report(step, results)


def test_findings_beyond_six_are_folded_and_counted(step: Step, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_graph(results)
    for extra, words in {1: "1 more finding<", 2: "2 more findings<"}.items():
        said = {"nodes": [f"said {k}" for k in range(6 + extra)]}
        monkeypatch.setattr(Mapper, "findings_in", lambda self, table, columns, said=said: said.get(table, []))
        summary = page_with_graph(step, results).partition('class="summary"')[2]
        assert f"<summary>{words}" in summary


def panel(page: str, name: str) -> str:
    """The part of the page that a node opens."""
    start = f'<section class="node" id="{anchor("node", "toy", "mapper/nodes", name)}"'
    return start + page.partition(start)[2].partition("</section>")[0] + "</section>"


def test_nodes_open_without_a_program(step: Step, results: Path, page: str) -> None:
    add_graph(results)
    opens = page_with_graph(step, results)
    read = Page(opens)
    assert read.open == []
    assert not {"script", "i", "iframe", "object"} & set(read.tags)
    policy = re.compile("<meta http-equiv[^>]*>")
    assert policy.findall(opens) == policy.findall(page)
    assert all(target.startswith("data:") for target in read.loads)
    assert all(link.startswith("#") and link[1:] in read.ids for link in read.links)
    assert len(set(read.ids)) == len(read.ids)
    nodes = re.findall(r'<section class="node" id="([^"]*)"', opens)
    assert len(nodes) == len(NODES) + 1  # what is in none
    drawings = [Page(drawn).links for drawn in re.findall(r"<svg viewBox.*?</svg>", opens, re.DOTALL)]
    assert [sorted(links) for links in drawings] == [sorted(f"#{node}" for node in nodes)] * 3
    assert all(f": node {name}" in read.text for name in NODES)
    assert read.tags["caption"] == read.tags["table"]
    assert all(after <= before + 1 for before, after in zip(read.headings, read.headings[1:], strict=False))


def test_a_node_opens_its_samples_its_counts_and_its_neighbours(step: Step, results: Path) -> None:
    made = add_graph(results)
    opens = panel(page_with_graph(step, results), "3-1")
    shown = re.findall(r'base64,([^"]*)" alt="sample (\d+)"', opens)
    assert len(shown) == 18
    for png, number in shown:
        population = ("holdout", "", "gan-0", "gan-1")[int(number) // 1000]
        grey = pixels(made[population], lambda _: None)[int(number) % 1000]
        assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")) == grey).all()
    (row,) = [row for row in rows_of(opens, "Samples of each population") if row.startswith("gan-1")]
    assert re.fullmatch(r"gan-1 \d+ [\d.]+ % 2\.[45]\d? \([\d.]+ to [\d.]+\) more below 0.001 –", row)
    assert rows_of(opens, "What sets it apart")[1] == "value 0 1.5 GeV 0.25 GeV 0.90 (0.80 to 0.95) below 0.001"
    neighbours = [anchor("node", "toy", "mapper/nodes", NODES[k]) for k in (1, 3)]
    assert [link[1:] for link in Page(opens).links if "node__" in link] == neighbours


def test_a_study_without_samples_to_show_has_a_graph(step: Step, results: Path) -> None:
    add_graph(results, lists=False)
    opens = panel(page_with_graph(step, results), "3-1")
    assert "Samples of each population" in text_of(opens)
    assert "img" not in Page(opens).tags


def test_a_graph_whose_links_are_missing_is_told_in_a_sentence(step: Step, results: Path) -> None:
    add_graph(results)
    failures.table(results / "toy/mapper/edges.parquet", SCHEMAS["edges"], f"no {EVIL}")
    opens = page_with_graph(step, results)
    assert text_of(opens).count(f"mapper/edges could not be measured: no {EVIL}") == 2  # above, and in its place
    assert "the figure mapper/nodes could not be drawn" not in text_of(opens)
    assert '<section class="node"' not in opens
    assert 'alt="Regions that are dropped or invented of toy"' in opens


def test_nodes_that_cannot_be_opened_leave_the_figure(
    step: Step, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with tables of another version."""
    add_graph(results)
    page_with_graph(step, results)
    monkeypatch.setattr(Mapper, "explore", lambda *_: 1 / 0)
    opens = report(step, results)
    assert "Its nodes cannot be opened: a bug: ZeroDivisionError" in text_of(opens)
    assert 'alt="Mapper graph of toy"' in opens


def test_tables_without_a_figure_are_shown_as_numbers(step: Step, results: Path) -> None:
    add_graph(results)
    opens = page_with_graph(step, results)
    assert "Links of the Mapper graph, the numbers" in text_of(opens)
    assert rows_of(opens, "Links of the Mapper graph")[1].startswith(f"{EVIL} a")
    assert f"dropped {EVIL}" in rows_of(opens, "Regions that are dropped or invented")[1]  # a list as text


def test_rows_of_a_table_open_in_natural_units(step: Step, results: Path) -> None:
    add_graph(results)
    scale = Scale(("energy", EVIL), ("GeV", "1"), (0.0, 0.0), (1190.0, 1190.0))
    for population, first in (("holdout", 0), ("gan-0", 2000), ("gan-1", 3000)):
        x = np.linspace(-1, 1, 120, dtype=np.float32).reshape(60, 2)
        write_samples(results / f"toy/samples/{population}/0.parquet", Samples(x, np.arange(60) + first, scale=scale))
    opens = panel(page_with_graph(step, results), "3-1")
    head, first_row, *others = rows_of(opens, "Samples, in natural units")
    assert head == f"population energy GeV {EVIL}"
    assert first_row.startswith("holdout, 6 of ")
    assert len(others) == 17
    energy, other = (float(cell.replace(",", "")) for cell in others[-1].split())
    assert other == energy + 10
