"""Every step as a program: what it imports at its top is there, and its help names its options."""

import ast
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
Step = Callable[..., subprocess.CompletedProcess[str]]
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("*.py"))


def options_of(name: str) -> set[str]:
    """The options that a program's call of step.arguments names."""
    tree = ast.parse((SCRIPTS / f"{name}.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    (call,) = [call for call in calls if ast.unparse(call.func) == "step.arguments"]
    return {f"--{keyword.arg}" for keyword in call.keywords}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_help_of_a_step_names_its_options(
    name: str, process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = process(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(re.findall(r"^  (--\w+)", done.stdout, re.MULTILINE)) == options_of(name) != set()
