"""The examples of CONTRIBUTING.md: each plug-in is one file that works, and its test passes."""

import re
import subprocess
import sys
from inspect import signature
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLES = dict(re.findall(r"```python\n# (\S+\.py)\n(.*?)```", TEXT, re.DOTALL))
MEMBERS = [path for path in EXAMPLES if path.startswith("src/gancensus/")]


def test_every_family_has_an_example() -> None:
    families = {"source", "encoder", "score", "generator", "metric", "analysis"}
    assert {Path(path).name.partition("_")[0] for path in MEMBERS} == families


@pytest.mark.parametrize("path", MEMBERS)
def test_an_example_works(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = ".".join(Path(path).with_suffix("").parts[1:])
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(EXAMPLES[path], path, "exec"), module.__dict__)
    kind = Path(path).stem.partition("_")[2]
    (test,) = [code for other, code in EXAMPLES.items() if Path(other).name == f"test_{kind}.py"]
    tests: dict[str, object] = {}
    exec(compile(test, path, "exec"), tests)
    found = [value for key, value in tests.items() if key.startswith("test_") and callable(value)]
    assert found
    for run in found:
        run(**({"tmp_path": tmp_path} if signature(run).parameters else {}))


OURS = 'lint.isort.known-first-party = ["gancensus"]'  # the examples are not there, so ruff would not know them as ours


@pytest.mark.parametrize("path", EXAMPLES)
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_an_example_has_the_style_of_the_code(path: str, command: list[str]) -> None:
    options = ["--no-cache", "--config", OURS, "--stdin-filename", path]
    ruff = [sys.executable, "-m", "ruff", *command, *options, "-"]
    done = subprocess.run(ruff, input=EXAMPLES[path], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
