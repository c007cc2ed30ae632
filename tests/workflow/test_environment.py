"""What the working directory, the shell and the home of a user hold neither stops a run nor changes what it makes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from runs import parquet_bytes

from gancensus.config import compiled, environment

GANCENSUS = [str(Path(sys.executable).with_name("gancensus"))]
MODULES = ["queue", "random", "types", "yaml", "numpy", "code", "utils", "profile", "data", "snakemake", "gancensus"]
MODULES += ["json", "signal", "argparse", "pathlib", "tempfile", "pydantic", "step", "steps", "sitecustomize"]
STUDY = {
    "source": {"kind": "files", "path": "ü {data}/real.npy"},
    "generators": {"mine": {"kind": "files", "path": "ü {data}/made.npy"}},
    "definitions": {"values": {"euclidean": {"alpha": 0.05}}},
}
HOSTILE = {
    "SNAKEMAKE_PROFILE": "a profile that is not there",
    "PYTHONIOENCODING": "latin-1",
    "PYTHONUTF8": "0",
    "PYTHONOPTIMIZE": "2",
    "LC_ALL": "C",
    "LANG": "xx_YY",
    "COLUMNS": "40",
    "OMP_NUM_THREADS": "auto",
    "MKL_NUM_THREADS": "",
    "NUMBA_NUM_THREADS": "abc",
    "NUMBA_DISABLE_JIT": "1",
    "NUMBA_CACHE_DIR": "/proc/nowhere",
    "MPLBACKEND": "nosuch",
    "MPLCONFIGDIR": "/proc/nowhere",
    "HOME": "/proc/nowhere",
    "XDG_CACHE_HOME": "/proc/nowhere",
    "TMPDIR": "/proc/nowhere",
}


def study(folder: Path) -> Path:
    """A folder with the user's files and their configuration."""
    (folder / "ü {data}").mkdir(parents=True)
    rng = np.random.default_rng(0)
    np.save(folder / "ü {data}/real.npy", rng.random((100, 3)))
    np.save(folder / "ü {data}/made.npy", rng.random((50, 3)))
    (folder / "config").mkdir()
    (folder / "config/my.yaml").write_text(json.dumps({"studies": {"toy": STUDY}}), encoding="utf-8")
    return folder


def plant(*folders: Path) -> None:
    """Put files of a user's that are called like modules into folders."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for name in MODULES:
            (folder / f"{name}.py").write_text(f"open({str(folders[0] / 'SPRUNG')!r}, 'a').write(__file__)\n")


def gancensus(folder: Path, *options: str, call: list[str] = GANCENSUS, shell: dict[str, str] | None = None) -> str:
    """Run a command with other variables."""
    done = subprocess.run(
        [*call, *options],
        cwd=folder,
        env=os.environ | (shell or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode("utf-8")
    assert done.returncode == 0, said
    assert "Traceback" not in said
    return said


def test_nothing_of_a_hostile_shell_reaches_a_run(tmp_path: Path) -> None:
    until = ("run", "config/my.yaml", "--cores", "1", "--until", "thresholds", "generate")
    quiet, hostile = study(tmp_path / "quiet"), study(tmp_path / "hostile")
    gancensus(quiet, *until)
    plant(hostile, hostile / "results", hostile / "config", hostile / "ü {data}")
    (hostile / "profiles/default").mkdir(parents=True)
    (hostile / "profiles/default/config.yaml").write_text("dryrun: true\n")
    (hostile / ".numba_config.yaml").write_text("num_threads: 3\n")
    (hostile / "matplotlibrc").write_text("text.usetex: True\n")
    gancensus(hostile, *until, shell=HOSTILE)
    assert not (hostile / "SPRUNG").exists()
    assert not (hostile / "~").exists()
    made = parquet_bytes(hostile)
    assert len(made) == 5
    assert made == parquet_bytes(quiet)


@pytest.mark.parametrize("call", [GANCENSUS, [sys.executable, "-m", "gancensus.cli"]], ids=["command", "module"])
def test_a_plan_imports_nothing_from_here(tmp_path: Path, call: list[str]) -> None:
    plant(study(tmp_path))
    if call != GANCENSUS:  # these Python itself has imported before anything of ours
        for name in ("gancensus", "types", "sitecustomize"):
            (tmp_path / f"{name}.py").unlink()
    said = gancensus(tmp_path, "plan", "config/my.yaml", call=call, shell={"PYTHONWARNINGS": "error"})
    assert "generate" in said
    assert not (tmp_path / "SPRUNG").exists()


def test_a_results_folder_may_be_written_in_any_way(tmp_path: Path) -> None:
    configuration = {"pathvars": {"results": "./out//x/"}, "studies": {"toy": STUDY}}
    (study(tmp_path) / "config/my.yaml").write_text(json.dumps(configuration), encoding="utf-8")
    said = gancensus(tmp_path, "plan", "config/my.yaml")
    assert "pairs " in said
    assert "file path" not in said.lower()  # as Snakemake warns of each file


def test_files_that_snakemake_is_not_told_of_are_watched(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("many", "odd")}
    names = {"many": [b"%d.pgm" % k for k in range(10_001)], "odd": [b"%d.pgm" % k for k in range(30)]}
    names["odd"] += [b"f\xfcr.pgm", b"{x}.pgm", b"a\nb.pgm"]
    rng = np.random.default_rng(0)
    for name, folder in folders.items():
        folder.mkdir()
        for file in names[name]:
            (folder / os.fsdecode(file)).write_bytes(b"P5 4 4 255\n" + rng.bytes(16))
    toy = {
        "source": {"kind": "files", "path": "many"},
        "splits": {"train": 0, "calibrate": 0.5, "holdout": 0.5},
        "generators": {"mine": {"kind": "files", "path": "odd"}},
        "definitions": {"near": {"euclidean": {"alpha": 0.01}}},
    }
    (tmp_path / "my.yaml").write_text(json.dumps({"studies": {"toy": toy}}), encoding="utf-8")
    gancensus(tmp_path, "run", "my.yaml", "--cores", "2", "--until", "generate")
    for place, file, rule in (("odd", b"f\xfcr.pgm", "generate"), ("many", b"7.pgm", "prepare")):
        os.utime(folders[place] / os.fsdecode(file))
        said = gancensus(tmp_path, "plan", "my.yaml", "--until", "generate")
        assert re.findall(r"^(\w+) .* changed \(files ", said, re.MULTILINE) == [rule]
        assert "file path" not in said.lower()


def test_a_script_by_hand_imports_nothing_from_here(tmp_path: Path) -> None:
    plant(tmp_path)
    script = Path(__file__).parents[2] / "scripts/train.py"
    gancensus(tmp_path, "--help", call=[sys.executable, str(script)])
    assert not (tmp_path / "SPRUNG").exists()


@pytest.mark.parametrize(
    ("variable", "kept"),
    [(None, None), (":/opt/lib:", "/opt/lib"), (".:/opt/lib", "/opt/lib"), ("/opt/lib:/opt/bin", "/opt/lib:/opt/bin")],
)
def test_a_python_path_is_kept_without_the_working_directory(
    tmp_path: Path, variable: str | None, kept: str | None
) -> None:
    path = "json.dumps([os.environ.get('PYTHONPATH'), sys.path])"
    show = f"import gancensus.config.environment, os, sys, json; print({path})"
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    done = subprocess.run(
        [sys.executable, "-c", show],
        cwd=tmp_path,
        env=environ | ({"PYTHONPATH": variable} if variable else {}),
        capture_output=True,
        check=True,
    )
    path, entries = json.loads(done.stdout)
    assert path == kept
    assert not {"", ".", str(tmp_path)}.intersection(entries)


def test_caches_of_others_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = compiled.own_folder()
    assert own == tmp_path / f"gancensus-{os.getuid()}" == compiled.own_folder()
    own.chmod(0o777)  # where everybody can put something
    other = compiled.own_folder()
    assert other != own
    assert other.stat().st_mode & 0o077 == 0


def kept_in(shell: dict[str, str], *code: str) -> str:
    """Where numba keeps compiled code in a process with these variables, after more code."""
    show = "\n".join(
        ["from gancensus.config import compiled, environment", *code, "environment.isolate()", "import os"]
    )
    environ = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    call = [sys.executable, "-c", f"{show}\nprint(os.environ['NUMBA_CACHE_DIR'], environment.nothing_compiled())"]
    return subprocess.run(call, env=environ | shell, capture_output=True, text=True, check=True).stdout.strip()


def test_compiled_code_is_kept_by_the_state_of_all_that_is_compiled(tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    folder, nothing = kept_in(cache).split()
    assert Path(folder).parent == tmp_path / "gancensus"
    assert nothing == "True"
    assert kept_in(cache | {"NUMBA_CACHE_DIR": "/somewhere"}) == "/somewhere True"
    compile_one = "import gancensus.distances.kernels as k, numpy as np"
    call = "k.euclidean_distances(np.ones((2, 3), 'f4'), np.ones((2, 3), 'f4'), np.zeros(1, int), np.zeros(1, int))"
    assert kept_in(cache, "environment.isolate()", compile_one, call) == f"{folder} False"
    # a module that only others' compiled functions call has changed
    package = tmp_path / "copy/gancensus"
    shutil.copytree(Path(environment.__file__).parents[1], package, ignore=shutil.ignore_patterns("__pycache__"))
    copy = cache | {"PYTHONPATH": str(package.parent)}
    assert kept_in(copy) == f"{folder} False"
    with (package / "distances/simplex.py").open("a") as file:
        file.write("# changed\n")
    other, nothing = kept_in(copy).split()
    assert other != folder
    assert nothing == "True"
    with (package / "cli/main.py").open("a") as file:  # which compiles nothing
        file.write("# changed\n")
    assert kept_in(copy).split()[0] == other


IN_A_PROGRAM = """
import os, numba, numpy as np, gancensus, own
before = dict(vars(numba.config)), os.environ.get("NUMBA_CACHE_DIR")
assert gancensus.duplicates(np.ones((3, 2)), 0.5).i.tolist() == [0, 0, 1]
assert own.twice(2) == 4
assert (vars(numba.config), os.environ.get("NUMBA_CACHE_DIR")) == before
"""
OWN = """
import numba
@numba.njit(cache=True)
def twice(x):
    return 2 * x
"""


NO_HOME = {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere"}


@pytest.mark.parametrize(
    ("shell", "places"),
    [
        ({"XDG_CACHE_HOME": "cache"}, ("cache", "__pycache__")),
        ({"XDG_CACHE_HOME": "cache", "NUMBA_CACHE_DIR": "chosen"}, ("chosen", "chosen")),
        (NO_HOME, ("temporary", "__pycache__")),
    ],
)
def test_a_program_keeps_compiled_code_where_the_command_does(
    tmp_path: Path, shell: dict[str, str], places: tuple[str, str]
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "temporary").mkdir()
    shell = {name: str(tmp_path / value) for name, value in shell.items()}  # joined, /proc/nowhere is as it was
    environ = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"} | shell
    environ |= {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path / "temporary")}
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROGRAM], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.nbi")]
    (own,) = [path for path in made if path.name.startswith("own.")]
    assert ({path.parts[0] for path in made if path != own}, own.parts[0]) == ({places[0]}, places[1])
    nothing = kept_in(shell | {"TMPDIR": str(tmp_path / "temporary")}).split()[1]  # for the command
    assert nothing == "False"


def test_compiled_code_that_nobody_has_used_for_long_is_removed(tmp_path: Path) -> None:
    old, recent, foreign = (tmp_path / "gancensus" / name for name in ("compiled-0", "compiled-1", "else"))
    for folder in (old, recent, foreign):
        folder.mkdir(parents=True)
        (folder / "file").touch()
        os.utime(folder, (0, 0))
    os.utime(recent)
    kept_in({"XDG_CACHE_HOME": str(tmp_path)})
    assert [folder.exists() for folder in (old, recent, foreign)] == [False, True, True]


def test_compiled_code_that_another_process_has_just_removed_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: [folder / "compiled-gone"])
    assert compiled.compiled_folder(tmp_path).parent == tmp_path / "gancensus"
