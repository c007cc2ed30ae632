"""The last steps: figures, provenance and the report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from gancensus import figures, tables
from gancensus.census import count, support_row
from gancensus.config import Config
from gancensus.files import read_table, write_samples, write_table
from gancensus.samples import Samples, Scale

Step = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
EVIL = "<script>alert(1)</script>"
CONFIG = {
    "seed": 7,
    "studies": {
        "toy": {
            "source": {"kind": "digits"},
            "generators": {"gan": {"kind": "tabulargan", "latent": 2, "replicas": 2}},
            "definitions": {"scaled": {"euclidean": {"alpha": 0.01}}},
            "fidelity": {},
        }
    },
}
CONFIGURATION = Config.model_validate(CONFIG).model_dump(mode="json", exclude={"pathvars"})
POPULATIONS = ("train", "holdout", "gan-0", "gan-1")
SCALE = Scale((EVIL, "b&b"), ("<i>", "1"), (0.0, 0.0), (1.0, 1.0))


def samples(population: int, rows: int = 8) -> Samples:
    x = np.random.default_rng(population).uniform(-1, 1, (rows, 2)).astype(np.float32)
    return Samples(x, np.arange(rows, dtype=np.int64) + 1000 * population, scale=SCALE)


def census() -> list[dict[str, Any]]:
    """The rows of a census of 1,000 samples each, in which gan-0 repeats itself and gan-1 has no duplicate."""
    found = {}
    for population, pairs in zip(POPULATIONS, (60, 50, 450, 0), strict=True):
        i = 2 * np.arange(pairs, dtype=np.int64)
        found[population] = count(1000, i, i + 1, 0.95, 100, np.random.default_rng(0))
    rows = [support_row(population, found[population], found["holdout"], 0.95, 1.5) for population in POPULATIONS]
    return [{"study": "toy", "definition": "scaled", **row} for row in rows]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A finished study of rows of a table, with names that try to be HTML."""
    folder = tmp_path / "results/toy"
    rows = census()
    support = {name: [row[name] for row in rows] for name in tables.SUPPORT.names}
    write_table(folder / "census/support.parquet", support, tables.SUPPORT)
    threshold = {"metric": ["euclidean"], "alpha": [0.01], "threshold": [0.1234567], "pairs": [4950]}
    write_table(folder / "thresholds/scaled.parquet", threshold, tables.THRESHOLDS)
    fidelity = {"population": ["gan-0"], "metric": [EVIL], "value": [0.5], "low": [0.4], "high": [0.6], "null": [None]}
    write_table(folder / "fidelity.parquet", fidelity, tables.FIDELITY)
    groups = [(name, samples(k), np.full(8, 0.25)) for k, name in enumerate(POPULATIONS)]
    for name in ("birthday", "support", "training", "fidelity", "gallery", "closest-scaled"):
        (folder / "figures").mkdir(exist_ok=True)
        (folder / f"figures/{name}.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    for name in ("gallery", "closest-scaled"):
        shown, about = figures.shown(groups)
        write_table(folder / f"figures/{name}.parquet", shown, figures.SHOWN, about)
    facts = {"gancensus": "1.2.3", "python": "3.12.0", "packages": {"numpy": "2.4.0"}, "seed": 7, "files": {}}
    facts |= {"commit": None, "uncommitted_changes": None, "configuration": CONFIGURATION}
    (tmp_path / "results/provenance.json").write_text(json.dumps(facts))
    return tmp_path / "results"


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


def test_report_is_one_page_that_loads_nothing(step: Step, results: Path) -> None:
    content = report(step, results)
    page = Page(content)
    assert page.open == []
    assert page.loads
    assert all(target.startswith("data:") for target in page.loads)
    assert "url(" not in content
    assert "@import" not in content
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(set(page.ids)) == len(page.ids)


def test_report_is_accessible(step: Step, results: Path) -> None:
    page = Page(report(step, results))
    assert page.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert page.tags["caption"] == page.tags["table"] == 5
    assert page.tags["figcaption"] == page.tags["img"] == 6


def test_names_cannot_become_html(step: Step, results: Path) -> None:
    content = report(step, results)
    page = Page(content)
    assert "script" not in page.tags
    assert "i" not in page.tags
    assert EVIL in page.text
    assert "b&amp;b" in content


def test_report_says_what_the_tables_say(step: Step, results: Path) -> None:
    text = " ".join(" ".join(Page(report(step, results)).text).split())
    assert "gan-0 is less diverse than the held-out data; gan-1 is more diverse than the held-out data." in text
    assert "gan-0 makes about 1,100" in text
    assert "gan-1 shows no duplicate among 1,000 samples: it makes at least 170,000 effectively different" in text
    assert "Two samples are duplicates when their euclidean distance is at most 0.123." in text
    assert "450 of 499,500" in text
    assert "9,990" in text  # the held-out data: 499,500 pairs over 50 duplicates
    assert "unknown, not a git repository" in text
    assert "kind: tabulargan" in text
    assert "intervals at 95 %" in text


def test_provenance_digests_every_part_and_knows_no_time_or_place(step: Step, results: Path) -> None:
    for part, seed in enumerate((1, 2)):
        write_samples(results / f"toy/samples/train/{part}.parquet", samples(seed))
    files = ["toy/samples/train/{part}.parquet", "toy/fidelity.parquet"]
    output = results / "provenance.json"
    written = []
    for _ in range(2):
        options = ("--configuration", json.dumps(CONFIG), "--files", *files, "--parts", 2, "--output", output)
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


def test_draw_writes_the_same_bytes_in_every_process(step: Step, tmp_path: Path) -> None:
    options = []
    for k, name in enumerate(("holdout", "gan-0")):
        write_samples(tmp_path / f"{name}.parquet", samples(k, rows=40))
        options.append(tmp_path / f"{name}.parquet")
    for run in ("1", "2"):
        outputs = ("--shown", tmp_path / f"{run}.parquet", "--output", tmp_path / f"{run}.svg")
        done = step("draw", "gallery", "--populations", "holdout", "gan-0", "--samples", *options, *outputs)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
    shown = read_table(tmp_path / "1.parquet").to_pylist()
    assert [row["group"] for row in shown] == ["holdout"] * 32 + ["gan-0"] * 32
    assert shown[0]["sample_id"] == 0
    assert shown[31]["sample_id"] == 39


def test_draw_names_its_figures_when_asked_for_another(step: Step) -> None:
    done = step("draw", "portrait")
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no figure portrait; name one of gallery, birthday,")
