"""What tests of more than one file share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
Step = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def step() -> Step:
    """Run a step program as a rule does: step("embed", "--encoder", ...), with what subprocess.run takes."""

    def run(name: str, *options: object, **kwargs: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, options)]
        return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)  # type: ignore[call-overload, no-any-return]

    return run
