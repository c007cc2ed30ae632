"""A wheel in an environment of its own, far from the clone: what `pip install` gives a user, and others add to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from runs import ROOT
from test_contributing import EXAMPLES, TEXT

pytestmark = pytest.mark.long

CENSUS = {"replicates": 100, "permutations": 100}


class Environment:
    """A virtual environment with the wheel; all other packages are those of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, folder / "bin/python"
        venv.create(folder)
        self.other = folder / "other"  # what the shell finds first is a Python without gancensus
        self.other.mkdir()
        (self.other / "python").write_text("#!/bin/sh\necho the wrong python >&2\nexit 1\n")
        (self.other / "python").chmod(0o755)

    def install(self, project: Path) -> None:
        """Build a wheel of a project and install it, without a network."""
        wheels = self.folder / "wheels" / project.name
        offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
        pip([*offline, "--wheel-dir", str(wheels), str(project)], "wheel")
        (wheel,) = wheels.iterdir()
        pip(["--no-deps", "--no-index", "--quiet", "--force-reinstall", str(wheel)], "install", self.python)
        wheel.unlink()

    def borrow(self) -> None:
        """Let the environment use the packages of the tests; an editable install is none that can be used so."""
        (site,) = self.folder.glob("lib/*/site-packages")
        theirs = [path for path in sys.path if Path(path).name == "site-packages"]
        (site / "borrowed.pth").write_text("\n".join(theirs) + "\n")

    def run(self, command: list[str], folder: Path, status: int = 0) -> str:
        """Run a command of the environment, which is not activated, in a folder; return what it printed."""
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "NUMBA_CACHE_DIR")}
        environment["PATH"] = f"{self.other}:{os.environ['PATH']}"
        environment["XDG_CACHE_HOME"] = str(self.folder.with_name("cache"))
        program, *options = command
        call = [str(self.folder / "bin" / program), *options]
        done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody write into it, as where an administrator has installed it; root is kept from it by a mount."""
        folder = str(self.folder)
        try:
            subprocess.run(["mount", "--bind", folder, folder], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("needs root, to mount a folder")
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
            yield
        finally:
            subprocess.run(["umount", folder], check=True)


def pip(options: list[str], command: str, python: Path | None = None) -> None:
    """Run pip, for another Python or its own."""
    target = ["--python", str(python)] if python else []
    subprocess.run([sys.executable, "-m", "pip", *target, command, *options], check=True)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("installed") / "venv")
    made.install(ROOT)
    made.borrow()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with nothing but two arrays, 300 and 200 points of a Gaussian in four dimensions."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "real.npy", rng.standard_normal((300, 4), dtype=np.float32))
    np.save(tmp_path / "generated.npy", rng.standard_normal((200, 4), dtype=np.float32))
    return tmp_path


def study(source: dict[str, str], **keys: object) -> dict[str, object]:
    """A study of the generated array."""
    return {"source": source, "generators": {"mine": {"kind": "files", "path": "generated.npy"}}, **keys}


def test_an_installed_wheel_runs_a_study_of_two_arrays(environment: Environment, folder: Path) -> None:
    where = environment.run(["python", "-c", "import gancensus; print(gancensus.__file__)"], folder)
    assert Path(where.strip()).is_relative_to(environment.folder)
    near = {"near": {"euclidean": {"alpha": 0.05}}}
    studies = {"mine": study({"kind": "files", "path": "real.npy"}, definitions=near, census=CENSUS)}
    (folder / "study.yaml").write_text(yaml.safe_dump({"device": "cpu", "studies": studies}))
    assert "no problems found" in environment.run(["gancensus", "check", "study.yaml"], folder)
    assert re.search(r"^pairs +1 ", environment.run(["gancensus", "plan", "study.yaml"], folder), re.MULTILINE)
    assert not (folder / "results").exists()
    printed = environment.run(["gancensus", "run", "study.yaml", "--cores", "2"], folder)
    assert re.search(r"^mine +near +mine-0 +200 ", printed, re.MULTILINE)
    assert "report: results/report.html" in printed
    assert (folder / "results/report.html").stat().st_size > 10_000
    assert "profiles/slurm" in environment.run(["gancensus", "slurm", "--help"], folder)


AUDIT = """
import sys, gancensus, numpy as np
made = {name: np.load(f"{name}.npy") for name in ("generated", "repeated")}
found = gancensus.audit(np.load("real.npy"), made)
found.to_html("page.html")
print(*(found[name].ratio for name in made))
assert not [name for name in sys.modules if name.startswith("snakemake")]
"""


def test_an_installed_wheel_audits_where_its_own_folder_cannot_be_written(
    environment: Environment, folder: Path
) -> None:
    made = np.load(folder / "generated.npy")
    np.save(folder / "repeated.npy", np.concatenate([made[:100], made[:100]]))
    command = ["gancensus", "audit", "--real", "real.npy", "--generated", "generated.npy", "repeated.npy"]
    command += ["--out", "out", "--cores", "2", "--json"]
    with environment.read_only():
        printed = environment.run(command, folder, status=10)
        again = environment.run(command, folder, status=10)
        ratios = environment.run(["python", "-c", AUDIT], folder).split()
    found = json.loads(printed[: printed.rindex("}") + 1])
    assert found["status"] == 10
    assert {one["name"]: one["found"] != [] for one in found["generators"]} == {"generated": False, "repeated": True}
    assert [float(one) for one in ratios] == [one["definitions"]["near"]["ratio"] for one in found["generators"]]
    assert "nothing to do" in again
    assert min((folder / page).stat().st_size for page in ("out/report.html", "page.html")) > 100_000
    compiled = [path.parents[2].name for path in environment.folder.with_name("cache").rglob("*.nbi")]
    assert set(compiled) == {"gancensus"}


def flowers(folder: Path, version: str) -> Path:
    """Write the package of CONTRIBUTING.md, of some version."""
    project = folder / "gancensus-flowers"
    modules = re.findall(r"^(gancensus_flowers/(\w+)\.py)$", TEXT, re.MULTILINE)
    examples = {Path(path).stem: text for path, text in EXAMPLES.items()}
    (project / "gancensus_flowers").mkdir(parents=True, exist_ok=True)
    for path, name in modules:
        (project / path).write_text(examples.get(name, ""))
    toml = re.findall(r"```toml\n# pyproject.toml\n(.*?)```", TEXT, re.DOTALL)
    (project / "pyproject.toml").write_text(toml[0].replace('"1.0"', f'"{version}"'))
    return project


def test_a_package_adds_a_source_a_metric_and_an_analysis(environment: Environment, folder: Path) -> None:
    low, high = [4.3, 2.0, 1.0, 0.1], [7.9, 4.4, 6.9, 2.5]  # of irises, in cm
    rows = np.random.default_rng(1).uniform(low, high, (100, 4)).astype(np.float32)
    np.save(folder / "flowers.npy", rows)
    near, far = {"near": {"euclidean": {"alpha": 0.05}}}, {"far": {"chebyshev": {"alpha": 0.05}}}
    studies = {
        "irises": study({"kind": "iris"}, definitions=near, census=CENSUS, spread=None),
        "plain": study({"kind": "files", "path": "real.npy"}, definitions=near | far, census=CENSUS),
    }
    studies["irises"]["generators"] = {"mine": {"kind": "files", "path": "flowers.npy"}}
    (folder / "study.yaml").write_text(yaml.safe_dump({"device": "cpu", "studies": studies}))
    environment.install(flowers(folder, "1.0"))
    assert re.search(r"^analyse +1 ", environment.run(["gancensus", "plan", "study.yaml"], folder), re.MULTILINE)
    environment.run(["gancensus", "run", "study.yaml", "--cores", "2"], folder)
    spreads = [spread(folder / f"results/irises/samples/{name}/0.parquet") for name in ("mine-0", "holdout")]
    (row,) = pq.read_table(folder / "results/irises/spread.parquet").to_pylist()
    assert row == {"population": "mine-0", "ratio": pytest.approx(spreads[0] / spreads[1])}

    assert "nothing to do" in environment.run(["gancensus", "plan", "study.yaml"], folder)
    environment.install(flowers(folder, "1.1"))
    planned = environment.run(["gancensus", "plan", "study.yaml"], folder)
    why = dict(re.findall(r"^(\w+ +\d+)  (.*)", planned, re.MULTILINE))
    jobs = {" ".join(job.split()): reason for job, reason in why.items()}
    assert jobs["prepare 1"] == "parameters changed (gancensus-flowers 1.0 -> 1.1)"  # of irises alone
    assert jobs["thresholds 2"].startswith(
        "parameters changed (gancensus-flowers 1.0 -> 1.1): 1, "
    )  # and far, not near
    assert {"pairs 2", "pairs_real 2", "sweep 2", "analyse 1", "generate 1"} <= jobs.keys()


def spread(samples: Path) -> float:
    """The total variance of the samples in a file."""
    x = pq.read_table(samples)["x"].combine_chunks().to_numpy_ndarray()
    return float(x.var(axis=0, dtype=np.float64).sum())
