"""The door: clear errors before anything is written, and the census as text."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from runs import STUDY, run

from gancensus import cli, tables
from gancensus.config import read
from gancensus.errors import UserError
from gancensus.files import write_table


def changed(**keys: Any) -> dict[str, Any]:
    """The smoke configuration with other keys in its study."""
    config: dict[str, Any] = STUDY | {"studies": {"smoke": STUDY["studies"]["smoke"] | keys}}
    return config


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (STUDY | {"sed": 1}, ["my.yaml:", "sed: unknown key", "did you mean 'seed'?"]),
        (changed(splits={"train": "many"}), ["my.yaml:", "studies.smoke.splits.train"]),
        (
            changed(source={"kind": "files", "path": "real.npy"}),
            ["studies.smoke.source: real.npy: no such file or folder"],
        ),
        (STUDY | {"studies": {"../smoke": STUDY["studies"]["smoke"]}}, ["my.yaml:", "studies.../smoke: a name is"]),
    ],
)
def test_a_wrong_configuration_writes_nothing(tmp_path: Path, config: dict[str, Any], words: list[str]) -> None:
    done = run(tmp_path, config)
    assert done.returncode == 1
    assert [word for word in words if word not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (changed(splits={"train": 1000, "calibrate": 500, "holdout": 500}), "= 2000 samples, but the source has 1797"),
        (changed(splits={"train": 0.9, "calibrate": 0.0001, "holdout": 0.01}), "split calibrate would have 0 of 1797"),
    ],
)
def test_what_the_data_cannot_give_is_the_last_thing_on_the_screen(
    tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    done = run(tmp_path, config | {"parts": 1}, "--until", "prepare")
    assert done.returncode == 1
    *_, error, _, repeat = done.stderr.rstrip().splitlines()
    assert error.strip().startswith("error: ")
    assert message in error
    assert not list(tmp_path.rglob("*.parquet"))
    by_hand = subprocess.run(["bash", "-c", repeat], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert by_hand.returncode == 1
    assert by_hand.stderr.strip() == error.strip()


def test_a_read_only_results_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a read-only folder here")
    try:
        with pytest.raises(UserError, match=r"closed: the results cannot be written there; .*--results"):
            cli.check_writable(folder / "results")
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such configuration file"),
        ("studies: [1", "my.yaml:.*not readable as YAML"),
        ("", "my.yaml:1: the file: "),
        ("__use_yte__: true\nseed: ?1 + 1\n", "__use_yte__: unknown key"),
        ("pathvars: {resluts: x}\nstudies: {}", "pathvars.resluts: unknown key; did you mean 'results'?"),
        ("pathvars: [x]\nstudies: {}", "pathvars: needs keys under it"),
    ],
)
def test_an_unreadable_configuration_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "my.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=message):
        read(path)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("cannot mount a small folder here")
    try:
        done = run(tmp_path, STUDY, "--results", "small", "--until", "prepare")
        assert done.returncode == 1
        assert "the disk is full" in done.stderr or "No space left on device; make room" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(folder.rglob("*.tmp"))
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_lock_of_a_living_run_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.input.lock").write_text("")
    script = tmp_path / "bin/snakemake"
    script.parent.mkdir()
    script.write_text("read line")
    living = subprocess.Popen(["bash", str(script)], stdin=subprocess.PIPE, cwd=tmp_path, env=dict(os.environ))
    try:
        with pytest.raises(UserError, match=rf"another run is at work in this folder \(process {living.pid}\)"):
            cli.unlock(tmp_path / "my.yaml")
    finally:
        living.communicate(b"\n")


def test_the_census_as_text(tmp_path: Path) -> None:
    row = dict.fromkeys(tables.SUPPORT.names) | {"study": "s", "definition": "d", "population": "holdout"}
    row |= {"samples": 4000, "pairs": 7998000, "duplicates": 0, "effective_support_low": 2669778.4, "collision": 0.0}
    row["listed"] = 4000
    other = row | {"population": "gan-0", "effective_support": 12.3456, "effective_support_low": 10.0}
    other |= {"effective_support_high": 1234.5, "ratio": 2.5, "verdict": "less diverse"}
    other |= {"duplicates": 7998000, "listed": 44}
    write_table(tmp_path / "c.parquet", {name: [row[name], other[name]] for name in row}, tables.SUPPORT)
    head, first, second, note = cli.census_table(tmp_path / "c.parquet").splitlines()
    assert head.split() == ["study", "definition", "population", "samples", "support", "interval", "ratio", "verdict"]
    assert first.split() == ["s", "d", "holdout", "4,000", "≥", "2,670,000", "no", "duplicate", "–", "reference"]
    assert second.split() == ["s", "d", "gan-0", "4,000", "12.3", "10.0", "to", "1,230", "2.50", "less", "diverse"]
    assert note.startswith("s, d: gan-0 has 7,998,000 duplicates; all are counted, those among 44 of its 4,000 samples")
