"""What a step's process imports: nothing that others only find there."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from gancensus.config import unneeded

PROGRAM = """
import sys
import gancensus.config.steps
import numba, numpy as np, pyarrow as pa
if {extended}:  # as without the step's care
    sys.meta_path[:] = [f for f in sys.meta_path if "unneeded" not in type(f).__module__]
    for name in [name for name in sys.modules if name.split(".")[0] == "numba"]:
        del sys.modules[name]
    import numba
assert numba.njit(lambda x: x + 1)(2) == 3
assert pa.array(np.arange(3.0)).to_numpy().sum() == 3
assert pa.table({{"a": [1, None]}})["a"].null_count == 1
print([name for name in ("pandas", "vector", "awkward", "sympy") if name in sys.modules])
import importlib.util
if importlib.util.find_spec("pandas"):
    import pandas
    print(pa.table({{"a": [1, 2]}}).to_pandas()["a"].sum(), pa.array(pandas.Series([1, 2])).to_pylist())
"""


def ran(extended: bool) -> list[str]:
    program = PROGRAM.format(extended=extended)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_neither_numbas_extensions_nor_pandas_are_imported() -> None:
    first, *rest = ran(extended=False)
    assert first == "[]"
    assert rest in ([], ["3 [1, 2]"])  # who needs pandas has it


def test_numba_would_import_them() -> None:
    pytest.importorskip("vector")
    assert "vector" in ran(extended=True)[0]


LATE = """
import sys
import gancensus.config.steps
import numpy as np, numba, scipy.special, pyarrow as pa
late = ("numpy.f2py.f2py2e", "numpy.testing._private.utils", "pyarrow._compute")
print([name for name in late if name in sys.modules])
numba.njit(lambda x: x.sum())(np.ones(2))
assert "scipy.linalg" not in sys.modules
assert numba.njit(lambda x: np.dot(x, x))(np.ones(2)) == 2
assert "scipy.linalg" in sys.modules
from scipy.optimize import brentq
assert abs(brentq(lambda x: x * x - 2, 0, 2) ** 2 - 2) < 1e-9 and not brentq.__doc__ == ""
from scipy.linalg.lapack import dpotrf
import numpy.testing, pyarrow.compute as pc
numpy.testing.assert_allclose(dpotrf(np.eye(2))[0], np.eye(2))
assert np.f2py.get_include()
assert pc.sum(pa.array([1, 2])).as_py() == 3 and pa.table({"a": [1, 2]}).filter(pc.field("a") > 1).num_rows == 1
import matplotlib.figure, matplotlib.artist
print(repr(matplotlib.artist.kwdoc(matplotlib.figure.Figure)))
"""


def test_what_is_imported_for_nothing_comes_when_it_is_used() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "''"]


def test_a_version_that_lacks_what_is_changed_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of_another_version.py").write_text("there = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [unneeded._Amended(), *sys.meta_path])
    for change in [*unneeded.AMENDED.values()]:
        monkeypatch.setitem(unneeded.AMENDED, "of_another_version", change)
        sys.modules.pop("of_another_version", None)
        assert import_module("of_another_version").there == 1
