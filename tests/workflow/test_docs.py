"""What the documents name is there: files, modules, types."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from runs import ROOT

import gancensus
from gancensus.cli.arguments import arguments

DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))]
LIBRARY = ROOT / "src/gancensus"
# Where a path in a document begins: at the top, or, short, in the library or in workflow/.
PLACES = [ROOT, LIBRARY, ROOT / "workflow"]
FIRST = {place.name for folder in PLACES for place in folder.glob("[a-z]*/")} - {"results"}
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, sorted(FIRST)))})/[\w./*-]*[\w*]")
MODULE = re.compile(r"\bgancensus(?:\.\w+)+")
LINK = re.compile(r"\[([^\]]*)\]\(([^)#:]+)(?:#[^)]*)?\)")
EXAMPLES = re.compile(r"```python\n# (\S+\.py)\n")  # files that CONTRIBUTING has the reader write
PATTERN = re.compile(r"[A-Z]{4,}")  # DOMAIN/FAMILY_KIND.py stands for many
ENTRY_POINTS = "gancensus.plugins"

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)


@documents
def test_the_files_and_modules_that_a_document_names_are_there(document: Path) -> None:
    text = document.read_text()
    examples = set(EXAMPLES.findall(text))
    modules = {path.removeprefix("src/").removesuffix(".py").replace("/", ".") for path in examples} | {ENTRY_POINTS}
    paths = [path for path in PATH.findall(text) if path not in examples and not PATTERN.search(path)]
    missing = [path for path in paths if not any(list(place.glob(path)) for place in PLACES)]
    missing += [name for name in MODULE.findall(text) if name not in modules and not defined(name)]
    assert missing == []


@documents
def test_its_links_lead_to_files_and_to_what_these_define(document: Path) -> None:
    links = LINK.findall(document.read_text())
    missing = [target for _, target in links if not (document.parent / target).exists()]
    assert missing == []
    types = [(text[1:-1], document.parent / target) for text, target in links if re.fullmatch(r"`[A-Z]\w+`", text)]
    assert [name for name, file in types if name not in names(file)] == []


def commands_in(text: str) -> list[list[str]]:
    """The words of each call of gancensus in a document: in blocks of bash, and in steps of GitHub Actions."""
    scripts = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    for block in re.findall(r"```yaml\n(name: .*?)```", text, re.DOTALL):
        for job in yaml.safe_load(block)["jobs"].values():
            scripts += [step["run"] for step in job["steps"] if "run" in step]
    found = []
    for line in "\n".join(scripts).replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        ends = [k for k, word in enumerate(words) if word in (">", "|", "||", "&&")]
        if words[:1] == ["gancensus"]:
            found.append(words[1 : min(ends, default=None)])
    return found


@documents
def test_the_commands_that_it_shows_are_understood(document: Path) -> None:
    for words in commands_in(document.read_text()):
        args, rest = arguments(words)
        assert (args.command, rest) == (words[0], [])


def test_the_example_for_github_fails_where_something_is_found() -> None:
    (words,) = [words for words in commands_in((ROOT / "docs/audit.md").read_text()) if "--json" in words]
    args, _ = arguments(words)
    assert args.gate.criteria == ("less-diverse", "uncovered", "copies")
    assert args.gate.max_ratio == 1.5
    assert args.json and not args.gate.strict


def test_the_site_builds_without_a_warning_and_leads_from_page_to_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )
    assert (built.returncode, built.stderr) == (0, "")
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) >= len(DOCUMENTS)
    for page in pages:
        targets = re.findall(r'(?:href|src)="(?!\w+:)([^"#?]+)', page.read_text())
        gone = [target for target in targets if page.name != "404.html" and not (page.parent / target).exists()]
        assert (page, gone) == (page, [])


def test_what_is_not_there_is_found() -> None:
    assert PATH.findall("in `scripts/gone.py`, search/gone.py and [x](../src/gone)") == [
        "scripts/gone.py",
        "search/gone.py",
    ]
    assert defined("gancensus.search.pairs.Side")
    assert not defined("gancensus.search.pairs.Gone")
    assert not defined("gancensus.gone")


def defined(name: str) -> bool:
    """Tell whether it is a public name, a module, or what a module defines."""
    if name.removeprefix("gancensus.") in gancensus.__all__:
        return True
    place = ROOT / "src" / name.replace(".", "/")
    file = place.parent.with_suffix(".py")
    return place.is_dir() or place.with_suffix(".py").exists() or (file.exists() and place.name in names(file))


def names(file: Path) -> set[str]:
    """Return what a module defines."""
    found: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found
