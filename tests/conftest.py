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

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# For tests of damaged input, @settings.get_profile("fuzz"): always the same examples, as many as GANCENSUS_FUZZ says.
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("GANCENSUS_FUZZ", "200")),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

SCRIPTS = Path(__file__).parents[1] / "scripts"
Step = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def step() -> Step:
    """Run a step program as a rule does: step("embed", "--encoder", ...), with what subprocess.run takes."""

    def run(name: str, *options: object, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, options)]
        return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)

    return run
