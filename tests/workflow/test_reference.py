"""The files that are written from the code are up to date, and complete."""

import json
import sys

import pyarrow as pa
import pytest
import yaml
from jsonschema import Draft202012Validator
from runs import ROOT

from gancensus.config.reference import schema
from gancensus.storage import schemas

sys.path.append(str(ROOT / "tools"))

from document import DOCUMENTS, described, modules


@pytest.mark.parametrize("name", DOCUMENTS)
def test_it_is_fresh(name: str) -> None:
    assert (ROOT / name).read_text() == DOCUMENTS[name](), "stale: run `make docs`"


def test_every_schema_is_described_and_so_is_each_of_its_columns() -> None:
    found = {table.title: table.schema for table in described()}
    missing = [f"{name}: {field.name}" for name, table in found.items() for field in table if not about(field)]
    assert missing == []
    named = {name: table for name, table in vars(schemas).items() if isinstance(table, pa.Schema)}
    unknown = [name for name, table in named.items() if not any(table is one for one in found.values())]
    assert unknown == [], "add it to tools/document.py"


def about(field: pa.Field) -> str:
    text: str = field.metadata[b"about"].decode()
    return text


def test_every_module_says_what_it_is_for() -> None:
    assert [line for line in modules().splitlines() if line.endswith("|  |")] == []


def test_the_schema_takes_our_own_files_and_refuses_a_misspelt_key() -> None:
    validator = Draft202012Validator(json.loads(schema()))
    for name in ("config.yaml", "test.yaml", "large.yaml", "full.yaml", "images.yaml"):
        config = yaml.safe_load((ROOT / "config" / name).read_text())
        assert list(validator.iter_errors(config)) == []
        config["sed"] = config.pop("seed")
        assert "sed" in next(validator.iter_errors(config)).message


def test_a_metric_may_have_the_name_of_another_kind() -> None:
    validator = Draft202012Validator(json.loads(schema()))
    config = yaml.safe_load((ROOT / "config/test.yaml").read_text())
    metrics = config["studies"]["smoke"]["definitions"]["both"]
    metrics["shape"] = {"kind": "scalar", "alpha": 0.3}
    assert list(validator.iter_errors(config)) == []
    metrics["shape"]["axis"] = 2  # a key of `shape`
    assert not validator.is_valid(config)
    metrics["shape"] = {"alpha": 0.3, "axis": 2}
    assert list(validator.iter_errors(config)) == []
    metrics["shape"]["axes"] = 2
    assert not validator.is_valid(config)
