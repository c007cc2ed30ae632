"""Plug-ins of other packages, which are here folders with the files that an installation would have."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from runs import ROOT, STUDY

from gancensus.config import code, registry
from gancensus.config.code import digests
from gancensus.config.configuration import FAMILIES, load
from gancensus.config.registry import check, members
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import Metric
from gancensus.contracts.source import Source

METRIC = '''
"""Petals."""
from typing import ClassVar, Literal
from gancensus.contracts.metric import Metric
from gancensus.distances.gower import Column
from .helpers import HELP

class Base(Metric):
    cost: ClassVar[float] = 1.0

class Petal(Base):
    """Compares petals."""
    kind: Literal["petal"] = "petal"
    width: float = 2.5
    """Width in cm."""
'''

ANALYSIS = '''
from typing import Literal
from gancensus.contracts.analysis import Analysis

class Petal(Analysis):
    """Counts petals."""
    kind: Literal["petal"] = "petal"
'''

SCRIPT = ROOT / "scripts/thresholds.py"
Add = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder for packages."""
    return tmp_path / "site"


@pytest.fixture
def add(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:
    """Install a package with the given modules and name it as an entry point, in this process and its children."""

    def forget() -> None:
        importlib.invalidate_caches()
        for name in [name for name in sys.modules if name.split(".")[0] in ("flora", "fauna")]:
            del sys.modules[name]
        for cached in (registry.plugins, registry._find, code.digests, code._read, code._target, code._file):
            cached.cache_clear()

    def add(name: str, version: str, **modules: str) -> None:
        package = name.replace("-", "_")
        for old in site.glob(f"{package}*"):
            shutil.rmtree(old)
        facts = site / f"{package}-{version}.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (facts / "entry_points.txt").write_text(f"[gancensus.plugins]\nany = {package}\n")
        (site / package).mkdir()
        for module, text in {"__init__": "", **modules}.items():
            (site / package / f"{module}.py").write_text(text)
        forget()

    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    yield add
    monkeypatch.undo()
    forget()


def test_a_package_adds_members_after_ours(add: Add) -> None:
    ours, sources = list(members(Metric)), list(members(Source))
    add("flora", "1.0", metric_petal=METRIC, helpers="HELP = 1\n", other="raise RuntimeError\n")
    assert list(members(Metric)) == [*ours, "petal"]
    assert list(members(Source)) == sources
    assert members(Metric)["petal"].__module__ == "flora.metric_petal"
    check(FAMILIES)


def test_a_member_counts_with_its_version_its_file_and_what_that_uses(add: Add) -> None:
    add("flora", "1.0", metric_petal=METRIC, helpers="HELP = 1\n")
    alone, used = digests(SCRIPT), digests(SCRIPT, ("flora.metric_petal",))
    added = {"flora": "1.0", "flora/metric_petal.py": used["flora/metric_petal.py"]}
    assert {"gancensus/distances/gower.py", *added} == used.keys() - alone.keys()
    assert used["flora"] == "1.0"

    add("flora", "1.1", metric_petal=METRIC, helpers="HELP = 2\n")
    assert digests(SCRIPT, ("flora.metric_petal",)) == used | {"flora": "1.1"}
    assert digests(SCRIPT) == alone

    add("flora", "1.0", metric_petal=METRIC.replace("2.5", "3.5"), helpers="HELP = 1\n")
    edited = digests(SCRIPT, ("flora.metric_petal",))
    assert {name for name in used if used[name] != edited[name]} == {"flora/metric_petal.py"}


def test_two_of_a_kind_are_an_error_that_names_both(add: Add) -> None:
    text = METRIC.replace("from .helpers import HELP", "")
    add("flora", "1.0", metric_petal=text, metric_other=text.replace('"petal"', '"euclidean"'))
    add("fauna", "2.0", metric_petal=text)
    with pytest.raises(UserError) as error:
        check(FAMILIES)
    assert str(error.value).splitlines() == [
        "metric 'euclidean' is in gancensus (gancensus.domains.general.metric_euclidean) and in "
        "flora 1.0 (flora.metric_other); rename or uninstall one",
        "  metric 'petal' is in fauna 2.0 (fauna.metric_petal) and in flora 1.0 (flora.metric_petal); "
        "rename or uninstall one",
    ]


def test_a_kind_is_a_literal(add: Add) -> None:
    add("flora", "1.0", metric_petal=METRIC.replace('Literal["petal"]', "str"), helpers="HELP = 1\n")
    with pytest.raises(UserError, match=r"^flora 1.0 \(flora.metric_petal\): `kind` needs .* Literal\['petal'\]$"):
        check(FAMILIES)


@pytest.mark.parametrize("kind", ["splits", "generated"])
def test_an_analysis_takes_no_other_key_of_a_study(add: Add, kind: str) -> None:
    add("flora", "1.0", analysis_petal=ANALYSIS.replace("petal", kind))
    with pytest.raises(UserError, match=f"^analysis '{kind}' in flora 1.0 .* has the name of another key of a study"):
        load({"studies": {}})


def test_a_domain_needs_an_init(add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    member = tmp_path / "domains/flora/metric_petal.py"
    member.parent.mkdir(parents=True)
    member.touch()
    monkeypatch.setattr(registry, "DOMAINS", tmp_path / "domains")
    monkeypatch.setitem(sys.modules, "gancensus.domains.flora.metric_petal", ModuleType("metric_petal"))
    add("fauna", "1.0")  # forgets which members there are
    with pytest.raises(UserError, match=r"^gancensus: domains/flora has no __init__.py; add one"):
        check(FAMILIES)
    member.with_name("__init__.py").touch()
    add("fauna", "1.0")
    check([Metric])


def test_the_command_line_names_what_is_broken_and_documents_what_is_not(add: Add, site: Path, tmp_path: Path) -> None:
    add("flora", "1.0", metric_petal=METRIC, helpers="HELP = 1\n")
    print_both = "from gancensus.config.reference import readme, schema; print(schema()); print(readme())"
    text = subprocess.run([sys.executable, "-c", print_both], check=True, capture_output=True, text=True).stdout
    assert '"const": "petal"' in text
    assert "### `petal`\n\nFrom the package flora.\n\nCompares petals.\n" in text
    assert "| `width` | number | `2.5` | Width in cm. |" in text

    add("flora", "1.0", metric_petal=METRIC)  # without its helpers
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(STUDY))
    plan = [sys.executable, "-m", "gancensus.cli", "plan", "my.yaml"]
    done = subprocess.run(plan, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "error: flora 1.0: flora cannot be imported (ModuleNotFoundError: No module named 'flora.helpers'); "
        "update or uninstall it\n"
    )
