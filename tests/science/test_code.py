"""Which code counts for a program, on small packages of which it is known."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from gancensus.config import code
from gancensus.config.code import digests, reach

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a package `lib` and a program; what was read of older ones is forgotten."""
    monkeypatch.setattr(code, "PACKAGE", tmp_path / "lib")

    def write(script: str, **modules: str) -> Path:
        forget()
        for name, text in {"lib.__init__": "", "scripts.main": script, **modules}.items():
            path = tmp_path.joinpath(*name.replace("__init__", "INIT").replace("__", ".").split("."))
            path = path.with_name(path.name.replace("INIT", "__init__") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "scripts/main.py"

    return write


def forget() -> None:
    """Forget what was read."""
    for cached in (digests, code._read, code._target, code._file, code._is_ours, code._kept, code._state):
        cached.cache_clear()


def changed(write: Write, script: str, old: str, new: str) -> bool:
    """Whether the digests of a program change with the module that it imports."""
    before = digests(write(script, lib__a=old))
    return digests(write(script, lib__a=new)) != before


def test_it_follows_names_from_module_to_module(write: Write) -> None:
    script = write(
        "import lib.steps as step\nfrom lib.a import f\nstep.run(f)\n",
        scripts__step="never = 'imported'\n",
        lib__steps="import os\nos.environ['X'] = '1'\ndef run(f): f()\ndef other(): pass\n",
        lib__a="from lib import b\nfrom lib.c import h\ndef f(): return b.g()\ndef unused(): return h()\n",
        lib__b="LIMIT = 3\nNOT = 4\ndef g():\n    from lib.d import late\n    return late(LIMIT)\n",
        lib__c="def h(): pass\n",
        lib__d="def late(x): return x\n",
    )
    assert {path.name: "; ".join(ast.unparse(s.node) for s in found) for path, found in reach(script).items()} == {
        "main.py": "import lib.steps as step; from lib.a import f; step.run(f)",
        "steps.py": "import os; os.environ['X'] = '1'; def run(f):\n    f()",
        "a.py": "from lib import b; def f():\n    return b.g()",
        "b.py": "LIMIT = 3; def g():\n    from lib.d import late\n    return late(LIMIT)",
        "d.py": "def late(x):\n    return x",
    }
    assert list(digests(script)) == ["lib/a.py", "lib/b.py", "lib/d.py", "lib/steps.py", "scripts/main.py"]


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("def f(): return 1", "def f(): return 2", True),
        ("def f(): return 1", "def f():\n    # why\n    'What.'\n    return (1)", False),
        ("def f(): return 1", "'''Title.'''\ndef f(): return 1\ndef g(): return f()", False),
        ("def f(): return K\nK = 1", "def f(): return K\nK = 2", True),
        ("def f(): return 1\nJ, K = 1, 2", "def f(): return 1\nJ, K = 2, 2", False),
        ("def f(): return K\nJ, K = 1, 2", "def f(): return K\nJ, K = 2, 2", True),
        ("def f(): return K\nK = []\nK += [1]", "def f(): return K\nK = []\nK += [2]", True),
        ("def f(): return K\nK = {}\nK['a'] = 1", "def f(): return K\nK = {}\nK['a'] = 2", True),
        ("def d(f): return f\n@d\ndef f(): return 1", "def d(f): return 1\n@d\ndef f(): return 1", True),
        ("class B: x = 1\nclass f(B): pass", "class B: x = 2\nclass f(B): pass", True),
        ("def f(x=1): return 1", "def f(x=2): return 1", True),
        ("try:\n    import t\nexcept ImportError:\n    t = 1\ndef f(): pass", "def f(): pass", True),
        ("if TYPE_CHECKING:\n    from lib.b import x\ndef f(a: x): pass", "def f(a: x): pass", False),
        ("if TYPE_CHECKING:\n    T = 1\nelse:\n    T = 2\ndef f(): return T", "T = 3\ndef f(): return T", True),
        ("class f:\n    a: int = 1\n    'What.'", "class f:\n    a: int = 1\n    'Which.'", False),
        ("class f:\n    a: int = 1\n    'What.'", "class f:\n    a: int = 2\n    'What.'", True),
        ("def f():\n    global K\n    del K\nK = 1", "def f():\n    global K\n    del K\nK = 2", True),
    ],
)
def test_what_is_named_counts_and_what_only_reads_does_not(write: Write, old: str, new: str, counts: bool) -> None:
    assert changed(write, "from lib.a import f\nf()\n", old, new) == counts


@pytest.mark.parametrize(
    "script",
    [
        "from lib import a\na.f()\n",
        "import lib.a\nlib.a.f()\n",
        "import lib.a as x\nx.f()\n",
        "from lib import a as x\nprint(x)\n",
        "from lib.a import *\nf()\n",
        "def main():\n    from lib.a import f as g\n    g()\nmain()\n",
    ],
)
def test_every_way_to_import_is_followed(write: Write, script: str) -> None:
    assert changed(write, script, "def f(): return 1", "def f(): return 2")


def test_relative_imports_packages_and_circles(write: Write) -> None:
    modules = {
        "lib__p____init__": "LOADED = print('p')\nimport sys\nsys.x = 1\n",
        "lib__p__m": "from . import n\nfrom ..q import k\ndef f(): return n.g() + k\n",
        "lib__p__n": "from lib.p.m import f\ndef g(): return f\n",
        "lib__q": "k = 1\n",
    }
    script = write("from lib.p.m import f\nf()\n", **modules)
    assert list(digests(script)) == ["lib/p/__init__.py", "lib/p/m.py", "lib/p/n.py", "lib/q.py", "scripts/main.py"]


def test_members_count_whole_and_what_is_left_out_not_at_all(write: Write) -> None:
    script = write("import json\n", lib__m="def f():\n    from lib.draw import d\n", lib__draw="d = 1\n")
    assert list(digests(script)) == ["scripts/main.py"]
    assert list(digests(script, ("lib.m",))) == ["lib/draw.py", "lib/m.py", "scripts/main.py"]
    assert list(digests(script, ("lib.m",), ("lib.draw",))) == ["lib/m.py", "scripts/main.py"]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("import lib.b\ndef f(): return 1", "import os\nos.environ['X'] = '{}'"),
        ("from lib.b import other\ndef f(): return 1", "import os\nos.environ['X'] = '{}'\nother = 1"),
        ("if 1:\n    import lib.b as b\ndef f(): return b.g()", "def g(): return {}"),
        ("from lib.b import *\ndef f(): return g()", "def g(): return {}"),
    ],
)
def test_what_runs_on_import_counts(write: Write, a: str, b: str) -> None:
    before = digests(write("from lib.a import f\nf()\n", lib__a=a, lib__b=b.format(1)))
    assert digests(write("from lib.a import f\nf()\n", lib__a=a, lib__b=b.format(2))) != before


def test_a_name_that_is_left_out_does_not_count(write: Write) -> None:
    program = "from lib.a import f, g\ndef first(): f()\ndef second(): g()\nALL = {'f': first, 'g': second}\n"
    script = write(program, lib__a="def f(): pass\ndef g(): pass\n")
    found = reach(script, without=[(script, "second")])
    assert {path.name: [ast.unparse(s.node) for s in found] for path, found in found.items()} == {
        "main.py": [
            "from lib.a import f",
            "from lib.a import g",
            "def first():\n    f()",
            "ALL = {'f': first, 'g': second}",
        ],
        "a.py": ["def f():\n    pass", "def g():\n    pass"],
    }


def test_a_digest_is_that_of_every_python(write: Write) -> None:
    """Known from Python 3.11; f-strings, type parameters and defaults are where versions differ."""
    script = write("def f(x=None, *a, k: int = 1):\n    return f\"{x['a']!r} {k:>9}\" if x else [*a]\n")
    assert digests(script) == {"scripts/main.py": "901976a5f070"}


def test_digests_are_the_same_in_another_folder(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = write("from lib.a import f\n", lib__a="def f(): pass\n")
    here = digests(script)
    (tmp_path / "lib").rename(tmp_path / "moved")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "moved").rename(tmp_path / "elsewhere/lib")
    (tmp_path / "scripts").rename(tmp_path / "elsewhere/scripts")
    monkeypatch.setattr(code, "PACKAGE", tmp_path / "elsewhere/lib")
    forget()
    assert digests(tmp_path / "elsewhere/scripts/main.py") == here


def test_digests_are_the_same_where_a_wheel_has_been_installed(write: Write, tmp_path: Path) -> None:
    """Its programs lie within the package."""
    script = write("from lib.a import f\n", lib__a="from . import b\ndef f(): pass\n", lib__b="x = 1\n")
    here = digests(script)
    (tmp_path / "lib/pipeline").mkdir()
    (tmp_path / "scripts").rename(tmp_path / "lib/pipeline/scripts")
    forget()
    assert digests(tmp_path / "lib/pipeline/scripts/main.py") == here


def test_digests_are_kept_for_the_code_as_it_is(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "__pycache__/digests.json"
    monkeypatch.setattr(code, "KEPT", kept)
    monkeypatch.setattr(code, "located", lambda name: tmp_path / name)
    script = write("from lib.a import f\n", lib__a="def f(): return 1\n")
    before = digests(script)
    forget()
    monkeypatch.setattr(code, "reach", None)  # nothing is parsed again
    assert digests(script) == before
    with pytest.raises(TypeError):
        digests(write("from lib.a import f\n", lib__a="def f(): return 2\n"))
    monkeypatch.undo()
    monkeypatch.setattr(code, "PACKAGE", tmp_path / "lib")
    monkeypatch.setattr(code, "KEPT", kept)
    monkeypatch.setattr(code, "located", lambda name: tmp_path / name)
    kept.write_text('{"code": 3')
    forget()
    assert digests(script) != before


def test_a_program_of_ours_uses_no_more_than_it_names() -> None:
    scripts = Path(__file__).parents[2] / "scripts"
    train = digests(scripts / "train.py", ("gancensus.domains.images.generator_dcgan",))
    assert {
        "gancensus/domains/images/generator_dcgan.py",
        "gancensus/training/loop.py",
        "gancensus/config/steps.py",
    } < set(train)
    for name in (
        "config/configuration",
        "plotting/style",
        "search/pairs",
        "contracts/metric",
        "domains/tables/generator_tabulargan",
    ):
        assert f"gancensus/{name}.py" not in train


def test_only_steps_of_the_page_use_the_whole_configuration() -> None:
    """The others would start slower, and rerun with checks that they do not make."""
    scripts = Path(__file__).parents[2] / "scripts"
    steps = {path.stem for path in scripts.glob("*.py")}
    whole = {name for name in steps if "gancensus/config/configuration.py" in digests(scripts / f"{name}.py")}
    assert whole == {"draw", "report"}
