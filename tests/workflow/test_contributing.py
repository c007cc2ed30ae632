"""The examples of CONTRIBUTING.md: each plug-in is one file that works, and its test passes."""

import re
import sys
from inspect import signature
from pathlib import Path
from types import ModuleType

import pytest

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
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
