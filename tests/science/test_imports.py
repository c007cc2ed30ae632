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


@pytest.mark.parametrize("step", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_step_imports_only_what_it_always_needs(step: str) -> None:
    assert imported(STEP.format(str(SCRIPTS / f"{step}.py"))) <= NEED.get(step, set())
