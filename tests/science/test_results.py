"""Where results lie, and what they are called."""

from __future__ import annotations

import pytest

from gancensus.config import results
from gancensus.config.results import Search, at, job_of, match, own_searches
from gancensus.contracts.replica import Replica


def test_a_place_is_filled_in_name_by_name() -> None:
    assert at(results.SAMPLES, study="toy", population="gan-0") == "toy/samples/gan-0/{part}.parquet"
    assert at(results.SAMPLES, study="toy", population="gan-0", part=3) == "toy/samples/gan-0/3.parquet"


@pytest.mark.parametrize(
    ("place", "file", "names"),
    [
        (results.SAMPLES, "toy/samples/gan-0/12.parquet", {"study": "toy", "population": "gan-0", "part": "12"}),
        (results.SAMPLES, "toy/embedded/pca/gan-0/12.parquet", None),
        (results.SAMPLES, "toy/samples/gan-0/12.parquet.tmp", None),
        (results.DUPLICATES, "toy/duplicates/d/a-0~train/3.parquet", None),
        (
            results.DUPLICATES_SHARD,
            "toy/duplicates/d/a-0~train/3.parquet",
            {"study": "toy", "definition": "d", "search": "a-0~train", "shard": "3"},
        ),
        (results.FIGURE, "toy/figures/physics/score.svg", {"study": "toy", "figure": "physics/score"}),
        (results.ANALYSIS, "toy/physics/score.parquet", {"study": "toy", "analysis": "physics/score"}),
        (results.ANALYSIS, "census.parquet", None),
    ],
)
def test_a_file_says_what_it_is_of(place: str, file: str, names: dict[str, str] | None) -> None:
    assert match(place, file) == names
    assert names is None or at(place, **names) == file


def test_a_log_says_of_which_job_it_is() -> None:
    assert job_of("collect_census") == (None, "collect_census", "")
    assert job_of("toy/census") == ("toy", "census", "")
    assert job_of("toy/pairs/both/a-0~train-3") == ("toy", "pairs", "both/a-0~train-3")


def test_searches_and_populations_have_names() -> None:
    assert [search.name for search in own_searches("a-0", True)] == ["a-0", "a-0~train", "a-0~holdout"]
    assert [search.name for search in own_searches("a-0", False)] == ["a-0", "a-0~holdout"]
    assert Search("a-0", "train").populations == ("a-0", "train")
    assert Replica("a-b", 12).population == "a-b-12"
    assert Replica.of("a-b-12") == ("a-b", 12)
