"""What the checks of an audit propose can be said: on the command line by options, in Python by arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

import gancensus
from gancensus.audit.asked import Asked
from gancensus.audit.terms import as_arguments, as_options
from gancensus.cli.arguments import arguments
from gancensus.cli.auditing import prepare
from gancensus.contracts.errors import UserError
from gancensus.storage.user_tables import read_csv

N = 60
Make = Callable[[np.random.Generator, int], Any]


def repeat(*cells: str) -> Make:
    return lambda rng, n: [cells[k % len(cells)] for k in range(n)]


def words(rng: np.random.Generator, n: int) -> list[str]:
    return [f"w{k}{rng.integers(9)}" for k in range(n)]


def numbers(rng: np.random.Generator, n: int) -> Any:
    return rng.normal(size=n).round(3)


CASES: dict[str, tuple[dict[str, Make], dict[str, Make], str, dict[str, Any]]] = {
    "a column that only generated rows have": ({}, {"a b": numbers}, "--drop 'a b'", {"drop": ["a b"]}),
    "two of them": ({}, {"p": numbers, "-q": numbers}, "--drop p --drop=-q", {"drop": ["p", "-q"]}),
    "texts that are all different": ({"made by": words}, {"made by": words}, "--drop 'made by'", {"drop": ["made by"]}),
    "a date of two orders": (
        {"day": repeat("01/02/2003", "03/04/2005", "05/06/2007")},
        {"day": repeat("01/02/2003", "03/04/2005", "05/06/2007")},
        "--types day=day-first",
        {"types": {"day": "day-first"}},
    ),
    "a year of two digits": (
        {"on day": repeat("01/02/03", "03/04/05", "05/06/07")},
        {"on day": repeat("01/02/03", "03/04/05", "05/06/07")},
        "--types 'on day=nominal'",
        {"types": {"on day": "nominal"}},
    ),
    "a number of two marks": (
        {"sum": repeat("1,234", "2,345", "3,456")},
        {"sum": repeat("1,234", "2,345", "3,456")},
        "--decimal ,",
        {"decimal": ","},
    ),
    "a text among numbers": (
        {"n": lambda rng, n: [*map(str, range(n - 1)), "many"]},
        {"n": lambda rng, n: [*map(str, range(n - 1)), "many"]},
        "--types n=nominal",
        {"types": {"n": "nominal"}},
    ),
    "categories that no real row has": (
        {"c": repeat("a", "b", "c")},
        {"c": repeat("A1", "B1", "C1")},
        "--drop c",
        {"drop": ["c"]},
    ),
    "units that look unlike": (
        {"m": lambda rng, n: rng.normal(1, 0.1, n)},
        {"m": lambda rng, n: rng.normal(1000, 100, n)},
        "--same-units",
        {"same_units": True},
    ),
}


def tables(folder: Path, real: dict[str, Make], made: dict[str, Make]) -> dict[str, pd.DataFrame]:
    found = {}
    for seed, (name, more) in enumerate({"real": real, "mine": made}.items()):
        rng = np.random.default_rng(seed)
        found[name] = pd.DataFrame({"x": rng.integers(0, 50, N), **{key: make(rng, N) for key, make in more.items()}})
        found[name].to_csv(folder / f"{name}.csv", index=False)
    return found


@pytest.mark.parametrize("case", CASES)
def test_what_a_message_proposes_solves_the_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """The words of the message, as they stand, are understood; no key of a configuration is left in it."""
    real, made, option, argument = CASES[case]
    held = tables(tmp_path, real, made)
    monkeypatch.chdir(tmp_path)
    call = ["audit", "--real", "real.csv", "--generated", "mine=mine.csv"]
    with pytest.raises(UserError) as error:
        prepare(arguments(call)[0].asked, tmp_path / "out")
    said = re.findall(r"`([^`]*)`", str(error.value))
    assert option in said and not any(re.match(r"[a-z_]+: ", word) for word in said), str(error.value)
    assert not re.search(r"under the (source|generator)|in the source|a copy of", str(error.value))
    asked = arguments([*call, *shlex.split(option)])[0].asked
    file = prepare(asked, tmp_path / "out")
    again = re.search(r"gancensus (audit .*)", file.read_text().splitlines()[1])
    assert again is not None and arguments(shlex.split(again[1]))[0].asked == asked
    with pytest.raises(gancensus.UserError) as in_python:
        gancensus.audit(held["real"], {"mine": held["mine"]})
    proposed = dict(eval(f"dict({word})").popitem() for word in re.findall(r"`(\w+=[^`]*)`", str(in_python.value)))
    assert argument.items() <= proposed.items() or case in ("a date of two orders", "a number of two marks")
    assert "--" not in str(in_python.value)
    gancensus.audit(held["real"], {"mine": held["mine"]}, **argument)


def test_a_group_is_said_and_no_column_of_generated_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    real, made = (pd.DataFrame({"x": rng.normal(size=200), "who": np.arange(200) // 2}) for _ in range(2))
    found = gancensus.audit(real, {"mine": made, "bare": made[["x"]]}, group="who")
    assert found.tables["audit/samples/holdout/0.parquet"]["x"].type.shape == [1]
    study = found.configuration["studies"]["audit"]
    assert [section.get("drop") for section in study["generators"].values()] == [["who"], None]
    assert "belong together" not in repr(found)
    with pytest.raises(gancensus.UserError, match=r"^real: has no column 'whom'; did you mean 'who'"):
        gancensus.audit(real, {"mine": made}, group="whom")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"drop": ["y", "z"]}, r"^drop y: no table has such a column; there are: a, b\ndrop z: "),
        ({"types": {"a": "dayfirst"}}, "^types a=dayfirst: no such type; did you mean 'day-first'[?]$"),
        ({"types": {"a": "DATE"}}, "^types a=DATE: no such type; did you mean 'date'[?]$"),
        ({"types": {"a": "km"}}, "^types a=km: no such type; there are: binary, continuous, date, day-first, integer"),
        ({"encoder": 3}, "^encoder: 3; give a kind of encoder, or the file of one"),
        ({"features": [1.0]}, "^features: list; give the vectors of real and each generator by its name"),
        ({"same_units": "no"}, "^same_units: 'no'; give True or False"),
        ({"fidelity": "no"}, "^fidelity: 'no'; give True or False"),
        ({"types": {"c": "date"}}, "^real: has no column 'c'"),
        ({"types": ["a"]}, "^types: \\['a'\\]; give the type of each column by its name"),
        ({"group": 3}, "^real: has no column '3'"),
        ({"decimal": ";"}, "^decimal ;: is no decimal mark"),
    ],
)
def test_what_cannot_be_declared_of_a_table_is_said(options: dict[str, Any], said: str) -> None:
    real = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    with pytest.raises(gancensus.UserError, match=said):
        gancensus.audit(real, real, **options)


@pytest.mark.parametrize("options", [{"types": {"a": "date"}}, {"decimal": ","}, {"drop": "a"}, {"group": "a"}])
def test_what_is_of_tables_is_refused_of_arrays(options: dict[str, Any]) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.raises(gancensus.UserError, match=rf"^{next(iter(options))}|^real: has no groups"):
        gancensus.audit(x, x, **options)


def test_groups_of_images_are_folders(tmp_path: Path) -> None:
    for size in (9, 9, 12):
        images = [Image.fromarray(np.full((size, 9), k, np.uint8)) for k in range(20)]
        for k, image in enumerate(images):
            (tmp_path / f"film{k}").mkdir(exist_ok=True)
            image.save(tmp_path / f"film{k}/{len([*(tmp_path / f'film{k}').iterdir()])}.png")
        with pytest.raises(gancensus.UserError, match=r"^group film: of images, folders say which belong together"):
            gancensus.audit(tmp_path, tmp_path, group="film")
    found = prepare(Asked(str(tmp_path), {"mine": str(tmp_path)}, group="folder"), tmp_path.parent / "out")
    assert yaml.safe_load(found.read_text())["studies"]["audit"]["source"]["group"] == "folder"


def test_a_table_with_columns_called_as_those_of_a_study_is_a_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"sample_id": np.arange(80), "x": rng.normal(size=80), "y": rng.normal(size=80)})
    for encoder in (None, "pca"):  # of the two columns that are left
        found = gancensus.audit(real, real[["y", "x"]], encoder=encoder)
        assert found.said[0] == "real: a table of 80 rows and 3 columns" and found["generated"].ratio is not None
    assert len(found["generated"].counts) == 2
    found.save(tmp_path)
    samples = str(tmp_path / "audit/samples/holdout/0.parquet")  # one of a study, which holds vectors
    again = gancensus.audit(samples, samples, kind="numbers")
    assert "as a study has them" in again.said[0]


def test_a_name_that_is_no_plain_word_is_written_so_that_it_is_read_back() -> None:
    message = '`drop: ["it\'s", "b c"]` under the source and under the generator, or `types: {"a: b": date}`'
    assert as_options(message) == "`--drop 'it'\"'\"'s' 'b c'`, or `--types 'a: b=date'`"
    assert as_arguments(message) == """`drop=["it's", 'b c']`, or `types={'a: b': 'date'}`"""
    assert as_options("`drop: [-x]`") == "`--drop=-x`"
    for text in ("`drop: [a`b]`", "`missing: flag`", "correct `drop: [`", "a `title` of drop"):
        assert as_options(text) == text == as_arguments(text)


def test_a_column_whose_name_has_two_lines_leaves_a_configuration_that_can_be_read(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a\nb": np.arange(60) % 7, "x": np.random.default_rng(0).normal(size=60)})
    rows.to_csv(tmp_path / "real.csv", index=False)
    file = str(tmp_path / "real.csv")
    made = prepare(Asked(file, {"mine": file}, drop=["a\nb"]), tmp_path / "out")
    assert yaml.safe_load(made.read_text())["studies"]["audit"]["source"]["drop"] == ["a\nb"]


def test_options_are_arguments_in_python() -> None:
    assert as_arguments("fidelity: left out, as it takes minutes; `--fidelity` asks for it").endswith(
        "`fidelity` asks for it"
    )
    assert as_arguments("give its vectors: --features") == "give its vectors: features"
    assert as_arguments("runs--train/a--drop.npy, --train-set.npy") == "runs--train/a--drop.npy, --train-set.npy"


def test_where_only_a_key_helps_python_says_where_there_are_keys() -> None:
    real = np.random.default_rng(0).uniform(1, 2, (60, 4, 4, 4))
    with pytest.raises(gancensus.UserError, match=r"`relative: false`.*\nwhat is in `\.\.\.` are keys of a config"):
        gancensus.audit(real, {"mine": -real}, kind="showers", same_units=True)


def test_a_column_of_a_large_table_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gancensus.audit import recognise

    tables(tmp_path, {"key": words}, {})
    monkeypatch.setattr(recognise, "LARGE", 0)
    place = str(tmp_path / "real.csv")
    assert recognise.recognise(place).names == []
    assert recognise.recognise(place, ["key"], named=True).names == [*read_csv(Path(place), ()).cells] == ["x", "key"]
