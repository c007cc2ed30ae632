"""What tests of more than one file share."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # before NumPy

import pandas  # noqa: F401, I001  (before steps, which hide it from Arrow: audits in memory are given its tables)

import gancensus.config.steps as steps

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
Mount = Callable[[Path, str], AbstractContextManager[None]]


@cache
def script(name: str) -> ModuleType:
    """Load a step program, once."""
    spec = spec_from_file_location(f"scripts_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def step() -> Step:
    """Run a step in this process: step("embed", "--encoder", ...) returns what it would have said as a program.

    What would be a traceback there is raised here.
    """

    def run(name: str, *options: object) -> subprocess.CompletedProcess[str]:
        program, argv, status = script(name), list(map(str, options)), 0
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()) as complained:
            try:
                steps.run(program.main, getattr(program, "on_failure", None), argv)
            except SystemExit as end:
                status = int(end.code or 0)
        return subprocess.CompletedProcess(argv, status, said.getvalue(), complained.getvalue())

    return run


@pytest.fixture
def process() -> Step:
    """Run a step as a rule does, in a process of its own: process("embed", ...), with what subprocess.run takes."""

    def run(name: str, *options: object, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, options)]
        return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)

    return run


@pytest.fixture
def mounted() -> Mount:
    """Mount a file system of memory on a folder: `with mounted(folder, "size=64k")`. Where that is refused, skip."""

    @contextmanager
    def mount(folder: Path, options: str) -> Iterator[None]:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("needs root, to mount a file system")
        try:
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)

    return mount


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker is left alone with one."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
