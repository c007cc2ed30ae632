"""What tests of more than one file share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ALL = "GANCENSUS_TEST_ALL" in os.environ  # make test-all

settings.register_profile(
    "properties",
    max_examples=200 if ALL else 25,
    derandomize=not ALL,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("properties")

# For tests of damaged input, @settings.get_profile("fuzz"): always the same examples.
settings.register_profile("fuzz", max_examples=1000 if ALL else 200, derandomize=True)

SCRIPTS = Path(__file__).parents[1] / "scripts"
Step = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def step() -> Step:
    """Run a step program as a rule does: step("embed", "--encoder", ...), with what subprocess.run takes."""

    def run(name: str, *options: object, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, options)]
        return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)

    return run
