"""What every job and every command imports is quick to import: packages that take long come when they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("scipy", "numba", "torch", "sklearn", "matplotlib", "pandas", "onnxruntime", "h5py")
SCRIPTS = Path(__file__).parents[2] / "scripts"
STEP = "import runpy, sys; sys.argv = ['step', '--help']; runpy.run_path({!r}, run_name='step')"
NEED = {  # what steps use that they always need
    "answers": {"scipy", "numba"},
    "census": {"scipy", "numba"},
    "collect_trace": {"matplotlib"},
    "draw": {"matplotlib"},
    "groups": {"scipy", "numba"},
    "sweep": {"scipy", "numba"},
    "thresholds": {"scipy"},
}


def imported(code: str) -> set[str]:
    """The slow packages that are there after some code."""
    show = f"{code}\nimport sys; print(*[name for name in {SLOW} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["gancensus", "gancensus.config.configuration", "gancensus.report.captions"])
def test_configuration_and_plugins_are_quick_to_import(module: str) -> None:
    assert imported(f"import {module}") == set()


def test_the_package_itself_imports_nothing_slow() -> None:
    assert (
        imported("import gancensus, sys; assert 'numpy' not in sys.modules and 'pydantic' not in sys.modules") == set()
    )


PLUGINS = "import sys; print(*[name for name in sys.modules if '.source_' in name or '.metric_' in name])"


def test_a_step_imports_the_plugins_that_its_section_names() -> None:
    read = "import gancensus.config.steps as step; from gancensus.contracts.{0} import {1}; step.{2}"
    one = """step.members(Metric)('{"near": {"kind": "euclidean", "alpha": 0.1, "encoder": null}}')"""
    other = """step.member(Source)('{"kind": "files", "path": "x.npy", "group": null}')"""
    for family, text, expected in (
        ("metric", one, ["gancensus.domains.general.metric_euclidean"]),
        ("source", other, ["gancensus.domains.general.source_files"]),
    ):
        start = read.format(family, family.capitalize(), text.removeprefix("step."))
        done = subprocess.run([sys.executable, "-c", f"{start}\n{PLUGINS}"], capture_output=True, text=True, check=True)
        assert done.stdout.split() == expected


def test_snakemake_starts_without_pandas() -> None:
    """The plugin for SLURM imports it, and Snakemake for every parameter of a job."""
    start = """
import sys
from gancensus.config.unneeded import leave_out, pandas_later
leave_out()
with pandas_later():
    import pandas as late
    import snakemake.cli
    from snakemake.persistence import PersistenceBase
assert PersistenceBase._serialize_param_pandas is PersistenceBase._serialize_param_builtin
assert not [name for name in sys.modules if name.startswith("pandas")]
"""
    assert "pandas" not in imported(start)
    pytest.importorskip("pandas")
    assert "pandas" in imported(f"{start}assert late.Series([1, 2]).sum() == 3")


def test_an_audit_in_memory_imports_what_it_uses() -> None:
    start = """
import gancensus, numpy as np
real, generated = np.random.default_rng(0).normal(size=(2, 200, 2))
gancensus.census(real, generated)
gancensus.fidelity(real, generated)
"""
    heavy = {"torch", "matplotlib", "onnxruntime", "h5py"}
    assert not imported(start) & {"sklearn", *heavy}
    assert (
        not imported(f"{start}gancensus.audit(real, generated)") & heavy
    )  # fidelity trains scikit-learn's classifiers


@pytest.mark.parametrize("step", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_step_imports_only_what_it_always_needs(step: str) -> None:
    assert imported(STEP.format(str(SCRIPTS / f"{step}.py"))) <= NEED.get(step, set())
