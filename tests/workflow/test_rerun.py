"""A change of the user's files, of the configuration or of the code reruns what depends on it, and nothing else."""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import ROOT, command, run
from runs import STUDY as SMOKE

from gancensus.cli import main
from gancensus.config import code
from gancensus.config.configuration import Config

pytestmark = pytest.mark.slow

MADE = "made {here} <x>.npy"  # to Snakemake, a wildcard and a path variable
STUDY = {
    "source": {"kind": "files", "path": "real.npy"},
    "generators": {"mine": {"kind": "files", "path": MADE}},
    "definitions": {"values": {"euclidean": {"alpha": 0.05}}},
}


def test_a_changed_file_is_noticed_and_another_unit_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "real.npy", rng.random((100, 3)))
    np.save(tmp_path / MADE, rng.random((50, 3)))
    config = {"studies": {"to+y": STUDY}}
    assert run(tmp_path, config, "--until", "generate").returncode == 0
    made = tmp_path / "results/to+y/samples/mine-0/0.parquet"
    before = made.read_bytes()

    np.save(tmp_path / MADE, rng.random((50, 3)))
    os.utime(tmp_path / MADE)
    again = run(tmp_path, config, "--until", "generate")
    assert "generate mine-0 of to+y" in again.stderr
    assert "prepare" not in again.stderr
    assert made.read_bytes() != before

    np.save(tmp_path / MADE, 255 * rng.random((50, 3)))
    other = run(tmp_path, config, "--until", "generate")
    assert other.returncode == 1
    assert "convert both to the same units" in other.stderr


def test_fewer_parts_leave_none_behind(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "real.npy", rng.random((2000, 3)))
    np.save(tmp_path / MADE, rng.random((600, 3)))
    config = {"studies": {"toy": STUDY}}
    for parts in (3, 2):
        assert run(tmp_path, config | {"parts": parts}, "--until", "generate").returncode == 0
        assert len(list((tmp_path / "results/toy/samples/mine-0").iterdir())) == parts


# A run of a copy of the project, whose code can be edited: two definitions, of which one has a scalar metric and an
# encoder's vectors. Its steps write down the functions that they call.
CONFIG = copy.deepcopy(SMOKE) | {"parts": 2, "shards": 1}
CONFIG["studies"]["smoke"]["definitions"]["pixels"] = {"euclidean": {"alpha": 0.05}}
CONFIG["studies"]["smoke"]["census"] = {"replicates": 100, "permutations": 100}

CALLS = """
import atexit, json, os, sys

FOUND = {}
SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scripts", "")


def called(file, name):
    if (file, name) in FOUND:
        return
    frame = sys._getframe(1)
    while frame := frame.f_back:
        if frame.f_code.co_name == "<module>" and not frame.f_code.co_filename.startswith(SCRIPTS):
            return  # called by an import
    FOUND[file, name] = 1


@atexit.register
def _write():
    with open("calls.jsonl", "a") as file:
        file.write(json.dumps({"argv": sys.argv, "called": list(FOUND)}) + chr(10))
"""
COMPILED = ("numba", "jit", "_inline", "intrinsic")  # functions so decorated are no Python by then


def noting(text: str) -> str:
    """Return the code of a module whose functions note that they are called, by the name of the whole statement."""
    lines = text.splitlines(keepends=True)
    for top in ast.parse(text).body[::-1]:
        for node in reversed([node for node in ast.walk(top) if isinstance(node, ast.FunctionDef)]):
            docstring = isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
            first = node.body[docstring:][:1]
            decorators = " ".join(map(ast.unparse, node.decorator_list))
            if not first or first[0].lineno == node.lineno or any(word in decorators for word in COMPILED):
                continue
            at = min([first[0].lineno, *(d.lineno for d in getattr(first[0], "decorator_list", []))]) - 1
            note = f'__import__("calls").called(__file__, "{getattr(top, "name", "")}")'
            lines[at] = f"{' ' * first[0].col_offset}{note}\n{lines[at]}"
    return "".join(lines)


class Copy:
    """A copy of the project beside a folder in which it has run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tree = folder / "run", folder / "tree"
        for name in ("src", "scripts", "workflow", "envs"):
            shutil.copytree(ROOT / name, self.tree / name, ignore=shutil.ignore_patterns("__pycache__"))

        self.environment = os.environ | {"PYTHONPATH": str(self.tree / "src"), "PYTHONSAFEPATH": "1"}

    def gancensus(self, config: dict[str, Any], action: str) -> str:
        """Run or plan, and return what is said."""
        options = command(self.folder, config, action=action)
        done = subprocess.run(
            options,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @cached_property
    def planner(self) -> subprocess.Popen[str]:
        """The process in whose forks plans are made."""
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("planner.py"))],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def asked(self, config: dict[str, Any]) -> str:
        """Return what Snakemake says that `gancensus plan` calls."""
        command(self.folder, config)
        screen = self.folder / "plan.txt"
        options = [*main.snakemake("my.yaml", None)[3:], "--cores", "all", "--dry-run"]
        options = [option.replace(str(ROOT), str(self.tree)) for option in options]
        assert self.planner.stdin is not None and self.planner.stdout is not None
        print(json.dumps([str(screen), *options]), file=self.planner.stdin, flush=True)
        assert self.planner.stdout.readline() == "0\n", screen.read_text()
        return screen.read_text()

    def plan(self, config: dict[str, Any] = CONFIG, whole: bool = False) -> dict[str, tuple[int, str]]:
        """Return jobs and reasons by rule, less what every change reruns; whole: by our own command."""
        said = self.gancensus(config, "plan") if whole else self.asked(config)
        rows = re.findall(r"^(\w+) +(\d+)(?:  (.*))?$", said, re.MULTILINE)
        return {rule: (int(jobs), why) for rule, jobs, why in rows if rule not in LAST}

    def plan_edited(
        self, file: str, old: str, new: str, config: dict[str, Any] = CONFIG, whole: bool = False
    ) -> dict[str, tuple[int, str]]:
        """Return what a change of the code reruns, and take it back."""
        path = self.tree / file
        text = path.read_text()
        assert text.count(old) > 0
        path.write_text(text.replace(old, new, 1))
        try:
            return self.plan(config, whole)
        finally:
            path.write_text(text)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A finished run of a copy of the project."""
    made = Copy(tmp_path_factory.mktemp("project"))
    (made.tree / "src/calls.py").write_text(CALLS)
    for file in [*(made.tree / "src/gancensus").rglob("*.py"), *(made.tree / "scripts").glob("*.py")]:
        file.write_text(noting(file.read_text()))
    made.gancensus(CONFIG, "run")
    assert made.plan() == {}
    yield made
    made.planner.communicate()


WHOLE = {"seed", "splits.train", "generators.curated.replicas", "a metric of one definition", "one figure"}
"""Plans by our own command; the others are Snakemake's share of it alone."""


LAST = {"collect_trace", "provenance", "report", "all", "total"}
COUNT = {"census", "collect_census", "draw_smoke"}
SEARCH = COUNT | {"pairs", "pairs_real", "groups"}
SWEEP = {"sweep", "draw_smoke"}
ANALYSE = {"analyse", "draw_smoke"}
GENERATE = COUNT | SWEEP | ANALYSE | {"generate", "embed", "pairs", "answers", "groups"}
TRAIN = GENERATE | {"train"}
SELECT = TRAIN | {"select"}
ENCODE = SELECT | {"fit_encoder", "thresholds", "pairs_real"}
ALL = ENCODE | {"prepare"}

VALUES: dict[str, tuple[Any, set[str], dict[str, str]]] = {
    "seed": (2, ALL, {"prepare": "parameters changed (seed 1 -> 2)"}),
    "device": ("auto", ENCODE, {"fit_encoder": "parameters changed (device cpu -> auto)"}),
    "parts": (3, ALL, {"prepare": "parameters changed (parts 2 -> 3): 2"}),
    "shards": (2, COUNT | {"pairs", "merge_pairs", "groups"}, {}),
    "memory": (3000, SEARCH | {"answers"}, {"pairs": "parameters changed (memory 2000 -> 3000)"}),
    "cap": (20_000, SEARCH, {"pairs": "parameters changed (cap 10000000 -> 20000)"}),
    "checkpoint": (20, set(), {}),
    "pathvars": ({"results": "elsewhere"}, ALL, dict.fromkeys(ALL, "not made yet")),
    "source": ({"kind": "files", "path": "real.npy"}, ALL, {"prepare": "input updated"}),
    "splits.train": (290, ALL, {"prepare": "parameters changed (train 300.0 -> 290.0)"}),
    "encoders.latent.epochs": (2, ENCODE, {"fit_encoder": "parameters changed (epochs 3 -> 2)"}),
    "selections.dense.keep": (0.6, SELECT, {"select": "parameters changed (keep 0.5 -> 0.6)"}),
    "generators.curated.epochs": (2, TRAIN, {"train": "parameters changed (epochs 3 -> 2)"}),
    "generators.curated.train_on": (None, TRAIN, {"train": "other input files"}),
    "generators.curated.samples": (200, GENERATE, {"generate": "parameters changed (samples 300 -> 200)"}),
    "generators.curated.replicas": (2, TRAIN, {"train": "not made yet", "generate": "not made yet"}),
    "definitions.both.ink.alpha": (
        0.2,
        SEARCH | {"thresholds", "answers"},
        {"thresholds": "parameters changed (ink.alpha 0.3 -> 0.2)"},
    ),
    "census.level": (
        0.9,
        SEARCH | SWEEP | {"thresholds", "answers"},
        {"sweep": "parameters changed (level 0.95 -> 0.9)"},
    ),
    "census.margin": (
        1.2,
        COUNT,
        {"census": "parameters changed (margin 1.5 -> 1.2)"},
    ),
    "census.alphas": ([0.05], SWEEP, {"sweep": "parameters changed (alphas"}),
    "fidelity": ({}, ANALYSE, {"analyse": "other input files"}),
}


@pytest.mark.parametrize("key", VALUES)
def test_a_changed_value_reruns_what_depends_on_it(project: Copy, key: str) -> None:
    value, rules, reasons = VALUES[key]
    config = copy.deepcopy(CONFIG)
    if key == "source":
        np.save(project.folder / "real.npy", np.zeros((600, 8, 8)))
    *path, last = key.split(".")
    section: Any = config if key in Config.model_fields else config["studies"]["smoke"]
    for name in path:
        section = section[name]
    section[last] = value
    plan = project.plan(config, key in WHOLE)
    assert set(plan) == rules
    assert {rule: why for rule, why in reasons.items() if why not in plan[rule][1]} == {}
    if key == "definitions.both.ink.alpha":  # of the one definition alone
        assert (plan["thresholds"][0], plan["pairs"][0], plan["pairs_real"][0]) == (1, 1, 1)
    if key == "generators.curated.replicas":  # the other replica stays as it is
        assert (plan["train"][0], plan["generate"][0], plan["pairs"][0]) == (1, 2, 2)


def test_two_values_that_change_places_are_seen(project: Copy) -> None:
    plan = project.plan(CONFIG | {"seed": CONFIG["parts"], "parts": CONFIG["seed"]})
    assert set(plan) == ALL
    assert plan["prepare"][0] == 1
    assert {"parts 2 -> 1", "seed 1 -> 2"} == set(plan["prepare"][1][len("parameters changed (") : -1].split(", "))


def added(file: str) -> tuple[str, str, str]:
    """A new method in the class of a metric."""
    return file, "    def features(", "    def another(self) -> int:\n        return 1\n\n    def features("


CODE: dict[str, tuple[tuple[str, str, str], set[str], dict[str, tuple[int, str]]]] = {
    "a training": (
        ("src/gancensus/training/adversarial.py", "adam_d.zero_grad()", "adam_d.zero_grad(set_to_none=False)"),
        TRAIN,
        {"train": (1, "code changed (gancensus/training/adversarial.py)")},
    ),
    "a metric of one definition": (
        added("src/gancensus/domains/general/metric_scalar.py"),
        SEARCH | SWEEP | {"thresholds", "answers"},
        {
            **dict.fromkeys(("thresholds", "sweep"), (1, "code changed (gancensus/domains/general/metric_scalar.py)")),
            **dict.fromkeys(("pairs", "pairs_real", "draw_smoke"), (1, "its input is remade")),
        },
    ),
    "a metric of none": (added("src/gancensus/domains/images/metric_ssim.py"), set(), {}),
    "the search": (
        ("src/gancensus/search/duplicates.py", 'f"searching', 'f"looking through'),
        SEARCH,
        {"pairs": (2, "code changed (gancensus/search/duplicates.py)")},
    ),
    "the census": (
        ("src/gancensus/statistics/permutation.py", "found[:, 0] + 0.5", "found[:, 0] + 1 / 2"),
        COUNT,
        {"census": (1, "code changed (gancensus/statistics/permutation.py)")},
    ),
    "the figures": (
        ("src/gancensus/plotting/style.py", "WIDTH = 9.0", "WIDTH = 9.5"),
        {"draw_smoke"},
        {"draw_smoke": (1, "code changed (gancensus/plotting/style.py)")},
    ),
    "one figure": (
        ("src/gancensus/report/census_figures.py", "max(2.9, 0.9 + ", "max(3.0, 0.9 + "),
        {"draw_smoke"},
        {"draw_smoke": (1, "code changed (gancensus/report/census_figures.py)")},
    ),
    "what every step shares": (
        ("src/gancensus/config/steps.py", "sys.exit(1)", "sys.exit(2)"),
        ALL,
        {"prepare": (2, "code changed (gancensus/config/steps.py)")},
    ),
    "a command": (
        ("workflow/rules/selection.smk", '"selection.py --study', '"selection.py  --study'),
        SELECT,
        {"select": (1, "rule changed")},
    ),
    "the configuration's checks": (("src/gancensus/config/configuration.py", 'r"[A-Za-z]', 'r"[a-zA-Z]'), set(), {}),
    "a comment": (
        ("src/gancensus/contracts/samples.py", "import numpy as np", "import numpy as np  # arrays"),
        set(),
        {},
    ),
    "a docstring": (("src/gancensus/config/steps.py", '"""Run a step', '"""Run the step'), set(), {}),
    "the version": (("src/gancensus/__init__.py", '__version__ = "', '__version__ = "1'), set(), {}),
}


@pytest.mark.parametrize("name", CODE)
def test_changed_code_reruns_the_steps_that_use_it(project: Copy, name: str) -> None:
    edit, rules, reasons = CODE[name]
    plan = project.plan_edited(*edit, whole=name in WHOLE)
    assert set(plan) == rules
    assert {rule: plan[rule] for rule in reasons} == reasons


def test_both_reasons_are_told(project: Copy) -> None:
    config = copy.deepcopy(CONFIG)
    config["studies"]["smoke"]["generators"]["curated"]["epochs"] = 2
    plan = project.plan_edited(
        "src/gancensus/training/splits.py", "np.isin(known", "np.isin(*[], known", config, whole=True
    )
    assert plan["train"] == (1, "parameters changed (epochs 3 -> 2), code changed (gancensus/training/splits.py)")


def functions(statements: list[code.Statement]) -> set[str]:
    """The functions and classes that statements define."""
    nodes = [statement.node for statement in statements]
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def forget() -> None:
    """Forget what has been read of the code."""
    for remembered in (code.digests, code._read, code._target, code._file, code._is_ours):
        remembered.cache_clear()


@pytest.fixture
def package(project: Copy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package of the copy, in the place of ours for as long as a test runs."""
    folder = project.tree / "src/gancensus"
    monkeypatch.setattr(code, "PACKAGE", folder)
    forget()
    yield folder
    forget()


def test_every_function_that_a_step_calls_counts_for_it(project: Copy, package: Path) -> None:
    """Code is followed by name; what runs says whether that has missed anything."""
    lines = (project.folder / "calls.jsonl").read_text().splitlines()
    calls = [call for call in map(json.loads, lines) if Path(call["argv"][0]).parent == project.tree / "scripts"]
    assert {Path(call["argv"][0]).stem for call in calls} > {"train", "pairs", "analyse", "report"}
    missed = set()
    for call in calls:
        script, *options = call["argv"]
        told = " ".join(options)
        if script.endswith("report.py"):
            told = (project.folder / "results/provenance.json").read_text()
        members = [
            path for kind in re.findall(r'"kind": ?"(\w+)"', told) for path in package.glob(f"domains/*/*_{kind}.py")
        ]
        without = [(file, "") for file in package.rglob("*figures.py")] if script.endswith("analyse.py") else []
        used = code.reach(Path(script), members, without)
        for file, name in call["called"]:
            if not name.startswith("<") and name not in functions(used.get(Path(file), [])):
                missed.add((Path(script).name, Path(file).name, name))
    assert missed == set()
