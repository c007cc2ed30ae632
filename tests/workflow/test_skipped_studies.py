"""A study whose source needs a package that is not installed is left out, and the others run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gancensus.cli.main import main
from gancensus.config.configuration import load, read
from gancensus.config.pipeline import located
from gancensus.contracts.errors import UserError
from gancensus.domains.jets import pythia

JETS = """
  jets:
    source: {kind: pythia, jets: 40}
    generators: {gan: {kind: dcgan, epochs: 1, samples: 20}}
    definitions: {pixels: {euclidean: {alpha: 0.01}}}
"""
DIGITS = JETS.replace("jets:\n", "digits:\n", 1).replace("pythia, jets: 40", "digits")
LINE = (
    "study jets is skipped: its source pythia needs the packages pythia8mc and fastjet: pip install 'gancensus[jets]'"
)


@pytest.fixture(autouse=True)
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythia, "find_spec", lambda name: None)


def write(folder: Path, studies: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(f"studies:{studies}", encoding="utf-8")
    return path


def test_the_others_are_left(tmp_path: Path) -> None:
    config = read(write(tmp_path, JETS + DIGITS))
    assert list(config.studies) == ["digits"]
    assert config.skipped == (LINE,)
    assert read(write(tmp_path, DIGITS)).skipped == ()


def test_it_is_left_out_as_long_as_the_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythia, "find_spec", lambda name: object())
    config = read(write(tmp_path, JETS + DIGITS))
    assert list(config.studies) == ["jets", "digits"]
    assert config.skipped == ()


def test_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read(write(tmp_path, JETS))
    assert str(caught.value) == f"{LINE}; there is no other study"
    with pytest.raises(SystemExit, match="there is no other study"):
        main(["plan", "--configfile", str(tmp_path / "study.yaml")])


def test_what_is_wrong_with_it_is_still_an_error() -> None:
    study = {"source": {"kind": "pythia"}, "generators": {}, "definitions": {}}
    with pytest.raises(UserError, match=r"studies\.jets\.source\.jets: is missing"):
        load({"studies": {"jets": study}})


def test_check_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--configfile", str(write(tmp_path, JETS + DIGITS))])
    said = capsys.readouterr()
    assert LINE in said.err
    assert "read: studies.digits.source" in said.out
    assert ended.value.code == 0


def test_snakemake_says_so_once_and_plans_the_others(tmp_path: Path) -> None:
    code = (
        "import sys; from gancensus.domains.jets import pythia; pythia.find_spec = lambda name: None\n"
        "from snakemake.cli import main; main(sys.argv[1:])"
    )
    options = ["-n", "--snakefile", str(located("Snakefile")), "--configfile", str(write(tmp_path, JETS + DIGITS))]
    command = [sys.executable, "-c", code, *options, "--directory", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(LINE) == 1
    assert "digits" in done.stdout + done.stderr
    assert "results/jets" not in done.stdout + done.stderr
