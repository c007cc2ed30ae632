"""The configuration: what is right is read, and what is wrong is said all at once, with its line and a hint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import gancensus.config.configuration
from gancensus.config.configuration import Config, check_files, load
from gancensus.config.registry import members
from gancensus.contracts.analysis import Analysis
from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Member
from gancensus.contracts.generator import Generator
from gancensus.contracts.metric import Metric
from gancensus.contracts.score import Score
from gancensus.contracts.source import Source
from gancensus.domains.general.metric_euclidean import Euclidean

EXAMPLES = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))
GOOD = """\
seed: 1
studies:
  digits:
    source: {kind: digits}
    splits: {train: 0.5, calibrate: 0.25, holdout: 0.25}
    encoders:
      pca: {kind: pca, components: 16}
    selections:
      dense: {encoder: pca, score: {kind: gaussian}, keep: 0.5}
    generators:
      gan: {kind: dcgan, replicas: 2, train_on: dense}
    definitions:
      pixels: {euclidean: {alpha: 0.001}}
      both: {euclidean: {alpha: 0.01}, codes: {kind: euclidean, encoder: pca, alpha: 0.01}}
    fidelity: {encoder: pca}
"""


def read(folder: Path, text: str) -> Config:
    path = folder / "config.yaml"
    path.write_text(text)
    return load(yaml.safe_load(text), [path])


def errors(folder: Path, text: str) -> list[str]:
    """The lines of the message, without the name of the file."""
    with pytest.raises(UserError) as error:
        read(folder, text)
    first, *lines = str(error.value).splitlines()
    assert first == "the configuration has errors:"
    start = f"  {folder}/config.yaml:"
    assert all(line.startswith(start) for line in lines)
    return [line.removeprefix(start) for line in lines]


# What is right


def test_a_configuration_becomes_objects(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD)
    study = config.studies["digits"]
    assert (config.seed, config.device, config.parts, config.shards) == (1, "auto", 1, 1)
    assert study.source.kind == "digits"
    assert list(study.generated) == ["gan-0", "gan-1"]
    assert study.generated["gan-1"] == ("gan", 1)
    assert list(study.analyses) == ["fidelity"]
    assert study.definitions["pixels"]["euclidean"] == Euclidean(alpha=0.001)
    assert study.definitions["both"]["codes"].space == "pca"
    assert study.selections["dense"].score.kind == "gaussian"
    assert study.census.margin == 1.5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_right(path: Path) -> None:
    assert load(yaml.safe_load(path.read_text()), [path]).studies


@pytest.mark.parametrize("number", ["1e-3", "1.0e-3", "0.001", ".001", "1E-3"])
def test_yaml_reads_1e_3_as_text_and_it_works(tmp_path: Path, number: str) -> None:
    config = read(tmp_path, GOOD.replace("{alpha: 0.001}", f"{{alpha: {number}}}"))
    assert config.studies["digits"].definitions["pixels"]["euclidean"] == Euclidean(alpha=0.001)


@pytest.mark.parametrize("name", ["a", "Digits_2", "digits-8x8", "a+b"])
def test_names(tmp_path: Path, name: str) -> None:
    assert list(read(tmp_path, GOOD.replace("digits:", f"{name}:")).studies) == [name]


def test_an_analysis_without_keys_is_asked_for(tmp_path: Path) -> None:
    assert list(read(tmp_path, GOOD.replace("fidelity: {encoder: pca}", "fidelity:")).studies["digits"].analyses) == [
        "fidelity"
    ]


def test_whole_splits_are_counts(tmp_path: Path) -> None:
    splits = "splits: {train: 1000, calibrate: 0.2, holdout: 300}"
    assert read(tmp_path, re.sub(r"splits: .*", splits, GOOD)).studies["digits"].splits.train == 1000


@pytest.mark.parametrize(
    ("source", "grouping", "reference"),
    [
        ("{kind: digits}", "impossible", ["holdout", "train"]),
        ("{kind: csv, path: real.csv}", "unused", ["holdout", "train"]),
        ("{kind: csv, path: real.csv, group: patient}", "used", ["holdout"]),
    ],
)
def test_train_with_whole_groups_is_nothing_to_compare_with(
    tmp_path: Path, source: str, grouping: str, reference: list[str]
) -> None:
    """Samples from elsewhere are compared with all real ones, unless some belong together."""
    text = f"""\
studies:
  a:
    source: {source}
    generators: {{mine: {{kind: files, path: made.npy}}}}
    definitions: {{same: {{euclidean: {{alpha: 0.01}}}}}}
"""
    study = read(tmp_path, text).studies["a"]
    assert study.source.grouping == grouping
    assert study.reference("mine-0") == reference


def test_sections_may_be_shared_by_anchors(tmp_path: Path) -> None:
    text = GOOD.replace("{kind: pca, components: 16}", "&it {kind: pca, components: 16}\n      more: *it")
    assert len(read(tmp_path, text).studies["digits"].encoders) == 2


# What is wrong: the change, and the one line that is said of it, in which @ stands for `studies.digits.`

NAME = "a name is a letter, then letters, digits, '_', '+' or '-', and not 'logs' or 'benchmarks'"
ALPHA = "13: @definitions.pixels.euclidean.alpha: input should be"
ALPHA_IS = "13: @definitions.pixels.euclidean.alpha: needs a number between 0 and 1, or auto"
WHOLE = "input should be a valid integer"
TWICE = "is there already, in line"
KEEP = "9: @selections.dense.keep:"
WRONG: list[tuple[str, str, str]] = [
    # unknown and misspelt keys
    ("seed: 1", "sed: 1", "1: sed: unknown key; did you mean 'seed'?"),
    ("    splits:", "    spilts:", "5: @spilts: unknown key; did you mean 'splits'?"),
    ("{train: 0.5", "{trian: 0.5", "5: @splits.trian: unknown key; did you mean 'train'?"),
    ("components", "component", "7: @encoders.pca.component: unknown key; did you mean 'components'?"),
    ("replicas: 2", "epohs: 2", "11: @generators.gan.epohs: unknown key; did you mean 'epochs'?"),
    (
        "pixels: {euclidean: {alpha: 0.001}}",
        "pixels: {euclidean: {alpha: 0.001, bin: 3}}",
        "13: @definitions.pixels.euclidean.bin: unknown key; there are: alpha, encoder, kind",
    ),
    (
        "codes: {kind",
        "j: {kind",
        "14: @definitions.both.j: a metric cannot be called 'i' or 'j', which name the two samples of a pair "
        "(found: 'j')",
    ),
    # wrong types
    ("seed: 1", "seed: one", f"1: seed: {WHOLE}, unable to parse string as an integer (found: 'one')"),
    ("seed: 1", "seed: 1.5", f"1: seed: {WHOLE}, got a number with a fractional part (found: 1.5)"),
    ("seed: 1", "seed: [1]", f"1: seed: {WHOLE}"),
    ("components: 16", "components: yes", "7: @encoders.pca: components needs a number, not yes or no"),
    (
        "components: 16",
        "components: -1",
        "7: @encoders.pca.components: input should be greater than or equal to 1 (found: -1)",
    ),
    (
        "{kind: digits}",
        "digits",
        "4: @source: needs keys under it, each with its value (found: 'digits')",
    ),
    (
        "{alpha: 0.001}",
        "0.001",
        "13: @definitions.pixels.euclidean: needs keys under it, each with its value (found: 0.001)",
    ),
    # numbers out of their range
    ("{alpha: 0.001}", "{alpha: 0}", f"{ALPHA} greater than 0 (found: 0)"),
    ("{alpha: 0.001}", "{alpha: 1}", f"{ALPHA} less than 1 (found: 1)"),
    ("{alpha: 0.001}", "{alpha: -1}", f"{ALPHA} greater than 0 (found: -1)"),
    ("{alpha: 0.001}", "{alpha: 2}", f"{ALPHA} less than 1 (found: 2)"),
    ("{alpha: 0.001}", "{alpha: atuo}", f"{ALPHA_IS} (found: 'atuo')"),
    ("{alpha: 0.001}", "{alpha: yes}", f"{ALPHA_IS}, not yes or no (found: True)"),
    ("{alpha: 0.001}", "{alpha: .nan}", f"{ALPHA} a finite number (found: nan)"),
    ("keep: 0.5", "keep: 0", f"{KEEP} input should be greater than 0 (found: 0)"),
    ("keep: 0.5", "keep: 1.5", f"{KEEP} is a share up to 1 or a whole number of samples (found: 1.5)"),
    ("train: 0.5", "train: 0.6", "5: @splits: the shares of the splits add up to more than 1"),
    ("train: 0.5", "train: 1.5", "5: @splits: a split is a share below 1 or a whole number of samples"),
    # references
    (
        "both: {euclidean: {alpha: 0.01}, codes: {kind: euclidean, encoder: pca",
        "both: {euclidean: {alpha: 0.01}, codes: {kind: euclidean, encoder: pcb",
        "14: @definitions.both.codes.encoder: 'pcb' is not one of the study's encoders; did you mean 'pca'?",
    ),
    (
        "train_on: dense",
        "train_on: x",
        "11: @generators.gan.train_on: 'x' is not one of the study's selections; there are: dense",
    ),
    (
        "{encoder: pca, score",
        "{encoder: x, score",
        "9: @selections.dense.encoder: 'x' is not one of the study's encoders; there are: pca",
    ),
    (
        "fidelity: {encoder: pca}",
        "fidelity: {encoder: x}",
        "15: @fidelity.encoder: 'x' is not one of the study's encoders; there are: pca",
    ),
    # kinds
    ("{kind: digits}", "{kind: digit}", "4: @source: kind 'digit' is unknown; did you mean 'digits'?"),
    ("kind: dcgan", "kind: gan", "11: @generators.gan: kind 'gan' is unknown; did you mean 'dcgan'?"),
    (
        "kind: gaussian",
        "kind: gauss",
        "9: @selections.dense.score: kind 'gauss' is unknown; did you mean 'gaussian'?",
    ),
    (
        "pixels: {euclidean",
        "pixels: {euclidian",
        "13: @definitions.pixels.euclidian: kind 'euclidian' is unknown; did you mean 'euclidean'?",
    ),
    ("{kind: dcgan, ", "{", "11: @generators.gan: needs a `kind`"),
    ("seed: 1", "device: gpu", "1: device: 'gpu' is not possible; did you mean 'cpu'?"),
    # missing keys
    ("    source: {kind: digits}\n", "", "3: @source: is missing"),
    ("{kind: digits}", "{kind: files}", "4: @source.path: is missing"),
    ("studies:", "pathvars:", "1: studies: is missing"),
    # names
    ("  digits:", "  a/b:", f"3: studies.a/b: {NAME} (found: 'a/b')"),
    ("  digits:", "  a b:", f"3: studies.a b: {NAME} (found: 'a b')"),
    ("  digits:", "  ..:", f"3: studies...: {NAME} (found: '..')"),
    ("  digits:", "  logs:", f"3: studies.logs: {NAME} (found: 'logs')"),
    ("  digits:", "  8x8:", f"3: studies.8x8: {NAME} (found: '8x8')"),
    ("  digits:", "  8:", f"3: studies.8: {NAME} (found: 8)"),
    ("      gan:", "      ../gan:", f"11: @generators.../gan: {NAME} (found: '../gan')"),
    ("      pixels:", "      all pixels:", f"13: @definitions.all pixels: {NAME} (found: 'all pixels')"),
    # sections of the wrong form
    ("{euclidean: {alpha: 0.001}}", "{}", "13: @definitions.pixels: needs at least one entry"),
    (
        "    encoders:\n",
        "    mapper: {lens: pca1}\n    encoders:\n",
        "6: @mapper.lens: needs a list, in square brackets (found: 'pca1')",
    ),
    (
        "    encoders:\n",
        "    mapper: {lens: [pca1, pca2, pca3]}\n    encoders:\n",
        "6: @mapper.lens: has more than 2 entries",
    ),
    (
        "{euclidean: {alpha: 0.001}}",
        "{beam: {kind: condition, column: energy}}",
        "13: @definitions.pixels: needs a metric that compares samples, beside their conditions",
    ),
    (
        "    encoders:\n      pca: {kind: pca, components: 16}",
        "    encoders: 3",
        "6: @encoders: needs keys under it, each with its value (found: 3)",
    ),
    (
        "    encoders:\n      pca: {kind: pca, components: 16}",
        "    encoders:",
        "6: @encoders: needs keys under it, each with its value",
    ),
    # YAML would silently take the last
    ("seed: 1", "seed: 1\nseed: 2", f"2: seed: {TWICE} 1; remove one of the two"),
    ("      gan:", "      gan: {kind: dcgan}\n      gan:", f"12: @generators.gan: {TWICE} 11; remove one of the two"),
    (
        "alpha: 0.001",
        "alpha: 0.001, alpha: 0.1",
        f"13: @definitions.pixels.euclidean.alpha: {TWICE} 13; remove one of the two",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    lines = errors(tmp_path, GOOD.replace(old, new, 1))
    if old == "studies:":  # then the studies stand in the wrong place, too
        lines = [line for line in lines if "pathvars" not in line]
    assert lines == [message.replace("@", "studies.digits.")]


def test_all_errors_are_said_at_once(tmp_path: Path) -> None:
    text = "seed: 0\n" + GOOD.replace("seed: 1", "seed: x").replace("keep: 0.5", "keep: 1.5").replace(
        "train: 0.5", "trian: 0.5"
    )
    text = text.replace("kind: dcgan", "kind: dcgn").replace("{alpha: 0.001}", "{alfa: 0.001}")
    assert sorted(int(line.split(":")[0]) for line in errors(tmp_path, text)) == [2, 2, 6, 10, 12, 14]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: the file: needs keys under it, each with its value"),
        ("# nothing\n", "1: the file: needs keys under it, each with its value"),
        ("{}", "1: studies: is missing"),
        ("just text", "1: the file: needs keys under it, each with its value (found: 'just text')"),
        ("- a\n- b\n", "1: the file: needs keys under it, each with its value"),
        ("seed: 1\nstudies:\n", "2: studies: needs keys under it, each with its value"),
        ("seed: 1\nstudies: {}\n", "2: studies: needs at least one entry"),
        ("studies: [a, b]\n", "1: studies: needs keys under it, each with its value"),
        ("studies: digits\n", "1: studies: needs keys under it, each with its value (found: 'digits')"),
        ("studies:\n  a:\n", "2: studies.a: needs keys under it, each with its value"),
        ("studies:\n  a: 3\n", "2: studies.a: needs keys under it, each with its value (found: 3)"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, text: str, message: str) -> None:
    assert errors(tmp_path, text) == [message]


def test_the_file_that_has_the_key_is_named(tmp_path: Path) -> None:
    """Of several, the last, which wins; what no file has comes from the command line."""
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(GOOD)
    second.write_text("# mine\nseed: -1\n")
    raw: dict[str, Any] = yaml.safe_load(GOOD) | {"seed": -1, "parts": 0}
    with pytest.raises(UserError) as error:
        load(raw, [first, second])
    assert [line.split(": ")[0].strip() for line in str(error.value).splitlines()[1:]] == [
        f"{second}:2",
        "configuration",
    ]


def test_punctuation_that_is_no_yaml(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 1\nstudies: {a: [}\n")
    with pytest.raises(UserError, match=r"config\.yaml:2: not readable as YAML: "):
        load({}, [tmp_path / "config.yaml"])


# Accidents of YAML: the change, and the line that is said of it, or the first of them

KEY = "a key is a word, and here is a list or a mapping"
ACCIDENTS: list[tuple[str, str, str]] = [
    ("gan:", "no:", "11: @generators.no: YAML reads no as false; quote it: 'no'"),
    ("pixels:", "on:", "13: @definitions.on: YAML reads on as true; quote it: 'on'"),
    ("gan:", "2024-01-01:", f"11: @generators.2024-01-01: {NAME} (found: 2024-01-01)"),
    ("gan:", "~:", f"11: @generators.~: {NAME} (found: ~)"),
    (
        "encoder: pca, score",
        "encoder: 7, score",
        "9: @selections.dense.encoder: YAML reads 7 as a number; quote it",
    ),
    (
        "{kind: digits}",
        "{kind: files, path: 2024-01-01}",
        "4: @source.path: YAML reads 2024-01-01 as a date",
    ),
    ("{kind: digits}", "{kind: files, path: }", "4: @source.path: has no value"),
    (
        "{kind: digits}",
        "{kind: csv, path: a.csv, drop: [a, no]}",
        "4: @source.drop.1: YAML reads no as false;",
    ),
    ("{kind: digits}", "{kind: files, path: ~nobody-here/x}", "4: @source.path: ~nobody-here: there is no such user"),
    (
        "{kind: digits}",
        "{kind: files, path: {{ real }}}",
        f"4: {KEY}; quote text that begins with {{ or [, and ",
    ),
    ("{kind: digits}", "{{ source }}", f"4: {KEY}"),
    ("seed: 1", "? [a, b]\n: 1", f"1: {KEY}"),
    ("seed: 1", "seed: 2024-02-31", "1: 2024-02-31 looks like a date, but is none; correct it, or quote it"),
    ("seed: 1", "seed: 2024-02-20", "1: seed: input should be a valid integer (found: 2024-02-20)"),
    ("seed: 1", "seed: 010", "1: seed: YAML reads 010 as a number with the base 8; write it as a decimal number"),
    ("seed: 1", "seed: 1:30", "1: seed: YAML reads 1:30 as a number with the base 60; write it as a decimal number"),
    ("seed: 1", f"seed: {'9' * 5000}", f"1: {'9' * 59}… looks like a number, but is none"),
    ("seed: 1", "seed: !Ref x", "1: the tag !Ref is unknown; remove it, or quote the text"),
    ("seed: 1", "seed: !!python/name:os.system", "1: the tag !!python/name:os.system is unknown; remove it"),
    ("seed: 1", "seed: &a [*a]", "1: not readable as YAML: an alias stands for what it is part of; correct it"),
    ("seed: 1", f"seed: {'[' * 500}{']' * 500}", "1: not readable as YAML: nested too deeply; flatten it"),
    ("seed: 1", 'seed: "\\UFFFFFFFF"', "1: not readable as YAML: "),
    ("seed: 1", "seed: 1\0", "1: not readable as YAML: the character '\\x00' is not allowed; remove it"),
    ("replicas: 2", "replicas: \x1b[0m2", "11: not readable as YAML: the character '\\x1b' is not allowed; remove it"),
    ("\n    definitions:", "\n---\n    definitions:", "12: not readable as YAML: expected a single document in the"),
    ("alpha: 0.001", "alpha: 0,001", "13: @definitions.pixels.euclidean.alpha: input should be greater than 0"),
    ("  digits:", f"  {'d' * 300}:", f"3: studies.{'d' * 39}…: is too long: a name has at most 100 letters"),
    ("gan:", f"{'g' * 101}:", f"11: @generators.{'g' * 39}…: is too long: a name has at most 100 letters"),
    (
        "seed: 1",
        "pathvars: {results: 'o{x}'}",
        "1: pathvars.results: a folder with '{' in its name cannot hold",
    ),
    ("seed: 1", "pathvars: {results: o<x>}", "1: pathvars.results: a folder with '<' in its name cannot hold"),
    ("seed: 1", "pathvars: {results: -o}", "1: pathvars.results: begins with '-', like an option; choose another"),
]


@pytest.mark.parametrize(("old", "new", "message"), ACCIDENTS)
def test_accidents_of_yaml_are_told_with_their_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = tmp_path / "config.yaml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        gancensus.config.configuration.read(path)
    lines = str(error.value).removeprefix("the configuration has errors:\n").splitlines()
    assert lines[0].strip().startswith(f"{path}:{message.replace('@', 'studies.digits.')}")
    assert all(line.strip().startswith(f"{path}:") for line in lines)
    assert max(map(len, lines)) < len(str(path)) + 300


def test_billions_of_values_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    laughs = [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 10)]
    merges = [f"a{k}: &a{k} {{<<: [{', '.join([f'*a{k - 1}'] * 10)}]}}\n" for k in range(1, 10)]
    for first, more in (("a0: &a0 [lol]\n", laughs), ("a0: &a0 {a: 1}\n", merges)):
        path.write_text(first + "".join(more))
        with pytest.raises(UserError, match=r"config\.yaml:\d+: not readable as YAML: its aliases come to more than"):
            gancensus.config.configuration.read(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16", "latin-1"])
def test_a_configuration_is_utf_8(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"# ü\n{GOOD}".replace("\n", "\r\n"), encoding=encoding, newline="")
    if encoding.startswith("utf-8"):
        assert gancensus.config.configuration.read(path).seed == 1
    else:
        with pytest.raises(UserError, match=r"config\.yaml: not a text file in UTF-8; save it as UTF-8$"):
            gancensus.config.configuration.read(path)


def test_a_merged_section_may_be_overridden(tmp_path: Path) -> None:
    text = GOOD.replace("{euclidean: {alpha: 0.001}}", "{euclidean: &it {alpha: 0.001}}")
    text = text.replace("{euclidean: {alpha: 0.01}, codes", "{euclidean: {<<: *it, alpha: 0.2}, codes")
    (tmp_path / "config.yaml").write_text(text)
    read_back = gancensus.config.configuration.read(tmp_path / "config.yaml")
    assert read_back.studies["digits"].definitions["both"]["euclidean"] == Euclidean(alpha=0.2)


def test_a_tilde_is_the_home_in_every_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    text = GOOD.replace("{kind: digits}", "{kind: files, path: ~/real.npy}")
    text = text.replace("seed: 1", "pathvars: {results: ~/out}").replace(
        "{kind: dcgan, replicas: 2, train_on: dense}", "{kind: csv, path: ~/made.csv}"
    )
    config = read(tmp_path, text)
    study = config.studies["digits"]
    files = [*study.source.files(), *study.generators["gan"].files(), Path(config.pathvars.results)]
    assert files == [tmp_path / "home" / name for name in ("real.npy", "made.csv", "out")]


def test_a_tilde_of_no_user_is_part_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~nobody-here.npy").touch()
    config = read(tmp_path, GOOD.replace("{kind: digits}", "{kind: files, path: ~nobody-here.npy}"))
    assert config.studies["digits"].source.files() == [tmp_path / "~nobody-here.npy"]


@pytest.mark.parametrize(("name", "folder"), [("./out/", "out"), ("a//b", "a/b"), ("/a/-b", "/a/-b"), (".", "")])
def test_a_results_folder_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, folder: str) -> None:
    monkeypatch.chdir(tmp_path)
    config = read(tmp_path, GOOD.replace("seed: 1", f"pathvars: {{results: '{name}'}}"))
    assert config.pathvars.results == (folder or str(tmp_path))


@pytest.mark.parametrize(
    ("real", "made", "key"),
    [
        ('{kind: files, path: ""}', "{kind: files, path: a.npy}", "source.path"),
        ("{kind: csv, path: ''}", "{kind: csv, path: a.csv}", "source.path"),
        ("{kind: openml, name: credit-g, version: 1, data_home: ''}", "{kind: csv, path: a.csv}", "source.data_home"),
        ("{kind: files, path: a.npy}", "{kind: files, path: ''}", "generators.gan.path"),
        ("{kind: digits}", "{kind: hdf5, layout: 3dgan, path: ''}", "generators.gan.path"),
    ],
)
def test_an_empty_path_is_not_the_working_directory(tmp_path: Path, real: str, made: str, key: str) -> None:
    text = GOOD.replace("{kind: digits}", real).replace("{kind: dcgan, replicas: 2, train_on: dense}", made)
    where = rf"config.yaml:\d+: studies\.digits\.{key}: is empty; name a file or folder \(found: ''\)$"
    with pytest.raises(UserError, match=where):
        read(tmp_path, text)


def test_no_path_may_be_empty() -> None:
    """Whatever it is called and whichever member has it."""
    bases: tuple[type[Member], ...] = (Source, Generator, Metric, Encoder, Score, Analysis)
    kinds = [kind for base in bases for kind in members(base).values()]
    paths = [(kind, k) for kind in kinds for k, f in kind.model_fields.items() if f.annotation in (Path, Path | None)]
    assert len(paths) > 5
    for kind, name in paths:
        with pytest.raises(ValidationError) as error:
            kind.model_validate({name: ""})
        assert "is empty; name a file or folder" in [
            one["msg"] for one in error.value.errors() if one["loc"] == (name,)
        ]


@pytest.mark.parametrize(
    ("name", "why"), [("x" * 300, "file name too long"), ("a\\0b", "no such file or folder .not found from .*.")]
)
def test_names_that_no_file_can_have(tmp_path: Path, name: str, why: str) -> None:
    config = read(tmp_path, GOOD.replace("{kind: digits}", f'{{kind: files, path: "{name}"}}'))
    with pytest.raises(UserError, match=rf"studies.digits.source: .*: {why}$"):
        check_files(config)


@pytest.mark.parametrize("tag", ["!!python/object/apply:pathlib.Path.touch", "!!python/object/new:pathlib.Path"])
def test_reading_the_file_executes_nothing(tmp_path: Path, tag: str) -> None:
    trap = tmp_path / "sprung"
    (tmp_path / "config.yaml").write_text(f"seed: {tag} [!!python/object/apply:pathlib.Path ['{trap}']]\n{GOOD[8:]}")
    load(yaml.safe_load(GOOD), [tmp_path / "config.yaml"])
    assert not trap.exists()


def test_conditions_of_samples_drawn_without_are_missed_before_the_run(tmp_path: Path) -> None:
    beam = "{beam: {kind: condition, column: energy}, euclidean: {alpha: 0.001}}"
    with pytest.raises(
        UserError, match=r"definitions\.pixels\.beam: needs the condition 'energy', and samples of generator gan"
    ):
        check_files(read(tmp_path, GOOD.replace("{euclidean: {alpha: 0.001}}", beam)))
    check_files(read(tmp_path, GOOD))


SHOWERS = """
studies:
  showers:
    source: {kind: gflash, showers: 40}
    splits: {train: 20, calibrate: 10, holdout: 10}
    generators: {gan: {kind: calogan, samples: 10}}
    definitions: {energy: {energy: {kind: scalar, alpha: 0.1}, beam: {kind: condition, column: energy}}}
    physics: {}
"""


def test_a_sample_needs_a_condition_of_its_own(tmp_path: Path) -> None:
    check_files(read(tmp_path, SHOWERS))
    with pytest.raises(UserError, match=r"showers\.generators\.gan\.samples: 11, but holdout has 10 conditions"):
        check_files(read(tmp_path, SHOWERS.replace("samples: 10", "samples: 11")))
    check_files(read(tmp_path, SHOWERS.replace("samples: 10", "samples: 11").replace("holdout: 10", "holdout: 0.25")))


def test_physics_of_samples_drawn_without_an_energy_is_missed_before_the_run(tmp_path: Path) -> None:
    text = SHOWERS.replace(", beam: {kind: condition, column: energy}", "").replace("calogan", "dcgan")
    with pytest.raises(UserError, match=r"showers\.physics: needs the condition 'energy', and samples of"):
        check_files(read(tmp_path, text))


def test_what_an_analysis_cannot_work_with_is_missed_before_the_run(tmp_path: Path) -> None:
    """Cells of a ring that are no square, and physics of voxels that are no grid."""
    ring = SHOWERS.replace("gflash, showers: 40", "ring, samples: 40").replace("calogan", "toygan")
    ring = ring.replace(", beam: {kind: condition, column: energy}", "").replace(
        "physics: {}", "amplification: {cells: [49, 50]}"
    )
    with pytest.raises(UserError, match=r"showers\.amplification: `cells` has 50, which is not k\^2.*: 49 or 64"):
        check_files(read(tmp_path, ring))
    check_files(read(tmp_path, ring.replace("[49, 50]", "[49]")))
    (tmp_path / "showers.h5").touch()
    voxels = f"hdf5, path: {tmp_path}/showers.h5, layout: calochallenge, binning: [3, 4, 5]"
    with pytest.raises(UserError, match=r"showers\.physics: needs cells \(x, y, z\)"):
        check_files(read(tmp_path, SHOWERS.replace("gflash, showers: 40", voxels)))
