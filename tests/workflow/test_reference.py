"""The files that are written from the models are up to date."""

import json

import yaml
from jsonschema import Draft202012Validator
from runs import ROOT

from gancensus.config.reference import readme, schema


def test_schema_and_readme_are_fresh() -> None:
    assert (ROOT / "workflow/schemas/config.schema.json").read_text() == schema(), "stale: run `make docs`"
    assert (ROOT / "config/README.md").read_text() == readme(), "stale: run `make docs`"


def test_the_schema_takes_our_own_files_and_refuses_a_misspelt_key() -> None:
    validator = Draft202012Validator(json.loads(schema()))
    for name in ("config.yaml", "test.yaml", "large.yaml", "full.yaml"):
        config = yaml.safe_load((ROOT / "config" / name).read_text())
        assert list(validator.iter_errors(config)) == []
        config["sed"] = config.pop("seed")
        assert "sed" in next(validator.iter_errors(config)).message
