"""What does not go with a source of jets is said before a run."""

import re
from typing import Any

import pytest

from gancensus.config.configuration import Config, check_files
from gancensus.contracts.errors import UserError


def study(**options: Any) -> dict[str, Any]:
    source = {"kind": "pythia", "jets": 100, "processes": ["qcd"], "width": 1.6}
    generators = {"decoder": {"kind": "vae", "output": "softmax"}}
    definitions = {"emd": {"emd": {"width": 1.6, "alpha": 0.01}}}
    return {"source": source, "generators": generators, "definitions": definitions, **options}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"definitions": {"emd": {"emd": {"alpha": 0.01}}}},
            "definitions.emd.emd: images of the source are 1.6 wide",
        ),
        ({"definitions": {"emd": {"emd": {"width": 2, "alpha": 0.01}}}}, "write width: 1.6"),
        ({"substructure": {}}, "substructure: images of the source are 1.6 wide; write width: 1.6"),
        (
            {"encoders": {"vae": {"kind": "vae", "only": 7}}},
            "encoders.vae.only: 7 is no class of the source, which has 0 (QCD)",
        ),
    ],
)
def test_what_does_not_go_with_the_source(options: dict[str, Any], message: str) -> None:
    found = Config.model_validate({"studies": {"jets": study(**options)}}, context={})
    with pytest.raises(UserError, match=re.escape(message)):
        check_files(found)


def test_the_width_of_the_source_is_right() -> None:
    options = {"substructure": {"width": 1.6}, "encoders": {"vae": {"kind": "vae", "only": 0}}}
    check_files(Config.model_validate({"studies": {"jets": study(**options)}}, context={}))
