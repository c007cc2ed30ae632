"""An audit from the command line: what it writes before it runs, and what it says at its end."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml

from gancensus.audit import choose
from gancensus.audit.asked import STUDY, Asked, Chosen
from gancensus.audit.check import check_inputs
from gancensus.audit.outcome import Gate, Outcome
from gancensus.cli import auditing
from gancensus.cli.arguments import arguments
from gancensus.cli.audit_printed import summary
from gancensus.config.configuration import load, read
from gancensus.contracts.errors import UserError
from gancensus.storage.schemas import SUMMARY, SUPPORT

TITLE = 'my "best" <b>GAN</b>, $epoch$ 3 🦆'
LONG = "a model " * 37 + "last"


@pytest.fixture(autouse=True)
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Real samples, generated ones alike, and generated ones of which half are copies of the others."""
    write_samples(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_samples(folder: Path) -> None:
    rng = np.random.default_rng(5)
    alike, repeated = rng.normal(size=(2, 200, 4)).astype(np.float32)
    repeated[100:] = repeated[:100]
    for name, x in {"real": rng.normal(size=(200, 4)).astype(np.float32), "alike": alike, "repeated": repeated}.items():
        np.save(folder / f"{name}.npy", x)


def simple(asked: Asked, *_: object) -> Chosen:
    """Choose for arrays, without a look at them."""
    made = {
        f"made{k}": {"kind": "files", "path": str(Path(path).absolute()), "title": title}
        for k, (title, path) in enumerate(asked.generated.items())
    }
    study = {
        "source": {"kind": "files", "path": str(Path(asked.real).absolute())},
        "generators": made,
        "definitions": {"near": {"euclidean": {"alpha": asked.alpha or 0.02}}},
    }
    return Chosen({"seed": asked.seed, "studies": {STUDY: study}}, [f"real: {asked.real}"])


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "choose", simple)


ASKED = Asked("real.npy", {TITLE: "alike.npy", LONG: "repeated.npy"})


@pytest.mark.usefixtures("chosen")
def test_the_configuration_runs_as_it_stands_and_is_written_once(samples: Path) -> None:
    out = samples / "out"
    file = auditing.prepare(ASKED, out)
    config = read(file)
    assert file == out / "audit.yaml"
    assert config.pathvars.results == str(out)
    assert list(config.studies[STUDY].titles.values()) == [TITLE, LONG]
    first, command, second, *_ = file.read_text().splitlines()
    assert first.startswith("# What `gancensus audit` has chosen")
    assert "gancensus audit --real real.npy --generated" in command
    assert f"gancensus run {file}" in second
    before = file.stat().st_mtime_ns
    assert auditing.prepare(ASKED, out) == file
    assert file.stat().st_mtime_ns == before
    auditing.prepare(Asked("real.npy", {"mine": "alike.npy"}, alpha=0.1), out)
    assert read(file).studies[STUDY].titles == {"made0-0": "mine"}
    assert [path.name for path in out.iterdir()] == ["audit.yaml"]


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("edit", ["alpha: 0.02 -> alpha: 0.03", "# sha256 -> # sha512", "seed: 0\n -> "])
def test_what_somebody_has_edited_is_kept(samples: Path, edit: str) -> None:
    file = auditing.prepare(ASKED, samples / "out")
    old, new = edit.split(" -> ")
    edited = file.read_text().replace(old, new)
    assert edited != file.read_text()
    file.write_text(edited)
    with pytest.raises(UserError, match=r"audit\.yaml: somebody has edited it; .*gancensus run .*--out FOLDER"):
        auditing.prepare(ASKED, samples / "out")
    assert file.read_text() == edited


@pytest.mark.usefixtures("chosen")
def test_a_folder_with_other_files_is_left_alone(samples: Path) -> None:
    with pytest.raises(UserError, match=r"holds alike\.npy, which no audit has made; choose another folder"):
        auditing.prepare(ASKED, samples)
    (samples / "own").mkdir()
    (samples / "own/audit.yaml").write_text("studies: {}\n")
    with pytest.raises(UserError, match=r"own: holds audit\.yaml, which no audit has made"):
        auditing.prepare(ASKED, samples / "own")
    (samples / "own/audit.yaml").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"audit\.yaml: .*choose another folder"):
        auditing.prepare(ASKED, samples / "own")
    (samples / "hidden").mkdir()
    (samples / "hidden/.DS_Store").touch()
    assert auditing.prepare(ASKED, samples / "hidden").is_file()


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("option", ["real", "mine", "train"])
def test_results_do_not_lie_among_samples(samples: Path, option: str) -> None:
    (samples / "images/new").mkdir(parents=True)
    places = {"real": "real.npy", "mine": "alike.npy", "train": "real.npy"} | {option: "images"}
    asked = Asked(places["real"], {"mine": places["mine"]}, places["train"])
    for out in ("images", "images/new/out"):
        with pytest.raises(UserError, match=r"lies in the folder of --.*, whose files are read as samples"):
            auditing.prepare(asked, samples / out)


@pytest.mark.usefixtures("chosen")
def test_all_problems_of_the_inputs_are_said_by_option_and_nothing_is_written(samples: Path) -> None:
    np.save(samples / "wide.npy", np.zeros((50, 5), dtype=np.float32))
    broken = np.zeros((50, 4), dtype=np.float32)
    broken[7, 0] = np.nan
    np.save(samples / "broken.npy", broken)
    with pytest.raises(UserError) as found:
        auditing.prepare(Asked("real.npy", {"a b": "wide.npy", "c": "broken.npy"}), samples / "out")
    head, *lines = str(found.value).splitlines()
    assert head == "the inputs have problems:"
    assert [line.strip().partition(": ")[0] for line in lines] == ["--generated a b", "--generated c"]
    assert "shape (5,)" in lines[0]
    assert "sample 7" in lines[1]
    assert not (samples / "out").exists()


@pytest.mark.usefixtures("chosen")
def test_where_a_key_would_help_there_is_a_configuration_to_copy(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the key is in a copy, the inputs have no problems; the next audit reads them all again."""

    def relative(asked: Asked, *_: object) -> Chosen:
        chosen = simple(asked)
        metric = {"kind": "scalar", "relative": True, "alpha": 0.1}
        chosen.configuration["studies"][STUDY]["definitions"] = {"near": {"total": metric}}
        return chosen

    monkeypatch.setattr(choose, "choose", relative)
    np.save(samples / "real.npy", np.abs(np.load("real.npy")))
    for _ in range(2):
        with pytest.raises(UserError) as found:
            auditing.prepare(Asked("real.npy", {"a b": "alike.npy"}), samples / "out")
        _, *problems, where = str(found.value).splitlines()
        assert problems[0].startswith("  --generated a b: ")
        assert "`relative: false`" in problems[0]
        assert where.strip().startswith("what is in `...` are keys: write them into a copy of")
        assert str(samples / "out/audit.yaml") in where
    content = yaml.safe_load((samples / "out/audit.yaml").read_text())
    content["studies"][STUDY]["definitions"]["near"]["total"]["relative"] = False
    assert not check_inputs(load(content)).problems


def test_where_an_option_would_help_it_is_named_and_nothing_is_written(samples: Path) -> None:
    """Once it is said, the inputs have no problems; the configuration says how it was asked."""
    np.save(samples / "real.npy", 0.001 * (np.load("real.npy") + 1000))
    np.save(samples / "high.npy", np.load("alike.npy") + 1000)
    with pytest.raises(UserError, match=r"--generated a b: .* if they are the same, write `--same-units`$"):
        auditing.prepare(Asked("real.npy", {"a b": "high.npy"}), samples / "out")
    assert not (samples / "out").exists()
    file = auditing.prepare(Asked("real.npy", {"a b": "high.npy"}, same_units=True), samples / "out")
    assert "--same-units" in file.read_text().splitlines()[1]


@pytest.mark.usefixtures("chosen")
def test_problems_of_encoders_are_said_by_option(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(samples / "few.npy", np.zeros((10, 3), dtype=np.float32))
    vectors = {"kind": "vectors", "path": str(samples / "few.npy"), "generated": {"made0": str(samples / "few.npy")}}

    def with_vectors(asked: Asked, *_: object) -> Chosen:
        chosen = simple(asked)
        chosen.configuration["studies"][STUDY]["encoders"] = {"own": vectors}
        return chosen

    monkeypatch.setattr(choose, "choose", with_vectors)
    with pytest.raises(UserError) as found:
        auditing.prepare(Asked("real.npy", {"a": "alike.npy"}), samples / "out")
    _, *lines = str(found.value).splitlines()
    assert lines
    assert {line.strip().partition(": ")[0] for line in lines} == {"--features"}


def test_a_folder_that_cannot_be_is_refused_first(samples: Path) -> None:
    done = call(samples, "--real", "real.npy", "--generated", "alike.npy", "--out", "real.npy")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: {samples / 'real.npy'}: the results cannot be written there; choose another folder: --out FOLDER"
    ]


def call(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Audit in a folder, from a shell that is set to an old encoding."""
    command = [sys.executable, "-m", "gancensus.cli", "audit", *options]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


class Ran(NamedTuple):
    """An audit that has run twice."""

    folder: Path
    first: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("audit")
    write_samples(folder)
    words = ["--real", "real.npy", "--generated", f"{TITLE}=alike.npy", f"{LONG}=repeated.npy", "--alpha", "0.02"]
    first = call(folder, *words, "--json", "--max-ratio", "0.01")
    return Ran(folder, first, call(folder, *words, "--fail-on", "ratio", "--max-ratio", "99"))


@pytest.mark.slow
def test_json_is_all_that_is_on_stdout(ran: Ran) -> None:
    assert ran.first.returncode == 10, ran.first.stderr
    found = json.loads(ran.first.stdout, parse_constant=pytest.fail)
    assert found["status"] == 10
    assert [one["name"] for one in found["generators"]] == [TITLE, LONG]
    alike, repeated = found["generators"]
    assert "less-diverse" in repeated["found"]
    assert "ratio" in alike["found"]
    assert set(alike["answers"]) == {"diverse", "on", "covers", "copies", "alike"}
    (definition,) = found["definitions"]
    numbers = repeated["definitions"][definition]
    assert numbers["samples"] == 200
    assert numbers["ratio_low"] < numbers["ratio"] < numbers["ratio_high"]
    assert math.isclose(
        numbers["ratio"],
        numbers["collision"] / found["definitions"][definition]["holdout"]["collision"],
    )
    assert found["definitions"][definition]["thresholds"][0]["alpha"] == 0.02
    for name in ("report", "configuration"):
        assert Path(found[name]).is_file()
    assert "jobs on" in ran.first.stderr


@pytest.mark.slow
def test_the_same_audit_again_runs_nothing_and_says_the_same(ran: Ran) -> None:
    assert ran.second.returncode == 0, ran.second.stderr
    assert "nothing to do" in ran.second.stderr
    assert "real.npy" in ran.second.stdout.splitlines()[0]
    assert 'my "best" <b>GAN</b>,' in ran.second.stdout
    assert "🦆" in ran.second.stdout
    assert "not decided:" in ran.second.stdout
    assert f"report: {ran.folder / 'audit-results/report.html'}" in ran.second.stdout
    assert f"configuration: {ran.folder / 'audit-results/audit.yaml'}" in ran.second.stdout


@pytest.mark.slow
def test_the_report_shows_titles_as_text(ran: Ran) -> None:
    page = (ran.folder / "audit-results/report.html").read_text(encoding="utf-8")
    assert "my &#34;best&#34; &lt;b&gt;GAN&lt;/b&gt;, $epoch$ 3 🦆" in page
    assert "<b>GAN" not in page
    assert LONG in page


@pytest.mark.slow
def test_another_title_repeats_no_search(ran: Ran) -> None:
    text = (ran.folder / "audit-results/audit.yaml").read_text(encoding="utf-8")
    raw = yaml.safe_load(text)
    for generator in raw["studies"][STUDY]["generators"].values():
        generator["title"] = generator["title"][:2]
    (ran.folder / "other.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    command = [sys.executable, "-m", "gancensus.cli", "plan", "other.yaml"]
    done = subprocess.run(command, cwd=ran.folder, capture_output=True, text=True, check=False)
    rules = {line.split()[0] for line in (done.stdout + done.stderr).splitlines() if line.split()}
    assert "report" in rules, done.stderr
    assert not rules & {"prepare", "generate", "embed", "thresholds", "pairs", "answers", "census", "analyse"}


def test_the_call_in_the_file_is_understood(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(samples)
    features = {"real": "-r", "-b": "f=g"}
    asked = Asked("-real.npy", {"a b": "a.npy", "-b": "'q'.npy", "c": "-c.npy"}, "-t", features=features, drop=("-d",))
    words = auditing._command(asked, samples / "-out")
    args, rest = arguments(words[1:])
    assert (args.asked, args.out, rest) == (asked, samples / "-out", [])
    assert words[:5] == ["gancensus", "audit", "--real=-real.npy", "--generated=a b=a.npy", "--generated=-b='q'.npy"]


def table_of(titles: Sequence[str], answers: str = "inconclusive", reach: float = 1.0) -> list[str]:
    """The table of generators with these titles."""
    row: dict[str, Any] = dict.fromkeys(SUMMARY.names) | {"criterion": "", "names": ""}
    row |= {"answer": answers, "value": 0.981, "low": 0.93, "high": 1.04}
    rows = {question: row | {"question": question} for question in ("diverse", "on", "covers", "copies")}
    counted: dict[str, Any] = dict.fromkeys(SUPPORT.names) | {"population": "x-0"}
    for name in ("ratio", "effective_support"):
        counted |= {name: 1234.5 * reach, f"{name}_low": 988.1 * reach, f"{name}_high": 1530.2 * reach}
    rows["alike"] = row | {"question": "alike", "answer": ""}
    found = [Outcome(title, "x-0", rows, {"near": counted}) for title in titles]
    return summary(found, {"near": counted}, Gate()).splitlines()


def test_a_table_of_short_names_fits_into_120_columns() -> None:
    lines = table_of(["a model of twenty chars", "b"])
    assert max(map(len, lines)) <= 120
    head = lines[0]
    second = next(line for line in lines if line.startswith("b"))
    for name, cell in (("ratio", "1,230"), ("diverse", "inconclusive"), ("copies train", "inconclusive")):
        assert second[head.index(name) :].startswith(cell)


def test_a_table_of_long_names_keeps_its_columns() -> None:
    lines = table_of([LONG, "x" * 300, "猫" * 40, "b"], reach=1e9)
    last = next(line for line in lines if line.startswith("b "))
    assert last[lines[0].index("diverse") :].startswith("inconclusive")
    assert "".join(line[:24].strip() for line in lines if line.startswith("x")) == "x" * 300
