"""What has changed between two runs: only what the intervals can tell from chance, of what is the same question."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancensus.cli.changes import text
from gancensus.contracts.samples import Samples
from gancensus.report.compare import BY_CHANCE, SAME_SAMPLES, TOO_FEW, Run, _digest, compare
from gancensus.report.compare import _of_support as of_support
from gancensus.report.compare import _title as title_of
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import clopper_pearson, difference, log_interval, quotient, symmetric
from gancensus.storage.samples import write_samples


def test_the_difference_of_normal_estimates_is_that_of_normal_theory() -> None:
    one, other = symmetric(3.0, 0.5), symmetric(5.0, 0.25)
    assert difference(one, other) == pytest.approx(symmetric(2.0, 0.75))
    assert difference(one, one) == pytest.approx(symmetric(0.0, 1.0))


def test_the_quotient_of_lognormal_estimates_is_that_of_normal_theory() -> None:
    one, other = log_interval(math.log(3.0), 0.5), log_interval(math.log(5.0), 0.25)
    assert quotient(one, other) == pytest.approx(log_interval(math.log(5.0 / 3.0), 0.75))


def test_a_quotient_with_nothing_below_has_no_upper_end() -> None:
    none, some = Estimate(0.0, 0.0, 0.02), Estimate(0.1, 0.05, 0.2)
    assert quotient(none, some) == pytest.approx((None, 2.5, None))
    assert quotient(some, none) == pytest.approx((0.0, 0.0, 0.4))
    with pytest.raises(ValueError, match="no value"):
        quotient(some, Estimate(None, 0.1, None))


def test_a_quotient_of_counts_holds_the_true_one_as_often_as_it_says() -> None:
    rng, n = np.random.default_rng(0), 2000
    x, y = rng.binomial(n, 0.02, 2000), rng.binomial(n, 0.05, 2000)
    held = 0
    (low_x, high_x), (low_y, high_y) = clopper_pearson(x, n), clopper_pearson(y, n)
    for k in range(len(x)):
        found = quotient(Estimate(x[k] / n, low_x[k], high_x[k]), Estimate(y[k] / n, low_y[k], high_y[k]))
        held += found.low <= 2.5 <= found.high  # type: ignore[operator]
    assert 0.94 < held / len(x) < 0.99  # Clopper-Pearson's intervals are a little wide


def support(population: str, duplicates: float, ratio: float | None = None, spread: float = 0.1) -> dict[str, Any]:
    """A row of the census: so many of a million pairs, with an interval of +- spread on the logarithm."""
    row: dict[str, Any] = {"study": "toy", "definition": "near", "population": population}
    value = duplicates / 1e6
    for name, one in (("collision", value), ("effective_support", 1 / value if value else None), ("ratio", ratio)):
        ends = (None, None) if one is None else (one * math.exp(-spread), one * math.exp(spread))
        row |= {name: one, f"{name}_low": ends[0], f"{name}_high": ends[1]}
    return row


def run(*rows: dict[str, Any], real: str = "a", made: str = "a", threshold: float = 0.5, **more: Any) -> Run:
    study = {"definitions": {"near": {"euclidean": {"alpha": 0.01}}}, "census": {"level": 0.95}}
    populations = {row["population"]: made for row in rows} | {"holdout": real}
    return Run(
        place=f"{real}-{made}",
        configuration={"studies": {"toy": study}},
        support=[support("holdout", 100), *rows],
        summary=more.get("summary", []),
        thresholds={("toy", "near"): {"euclidean": threshold}},
        fidelity={"toy": more.get("fidelity", [])},
        samples={("toy", name): digest for name, digest in populations.items()},
    )


def test_with_the_same_real_samples_the_reference_cancels() -> None:
    before, after = run(support("gan-0", 100, 1.0)), run(support("gan-0", 200, 2.0), made="b")
    found = compare(before, after)
    assert [one.said for one in found.bases] == ["the same thresholds, and the same real samples"]
    (count,) = found.counts
    ends = (math.exp(-0.1 * math.sqrt(2)), math.exp(0.1 * math.sqrt(2)))
    assert count.change == pytest.approx((2.0, 2 * ends[0], 2 * ends[1]))
    assert count.said == "more duplicates"
    assert compare(after, before).counts[0].said == "fewer duplicates"


def test_with_other_real_samples_the_ratios_are_compared() -> None:
    before = run(support("gan-0", 100, 1.0, spread=0.1))
    after = run(support("gan-0", 200, 1.5, spread=0.3), real="b", made="b")
    (count,) = compare(before, after).counts
    assert count.change is not None
    assert count.change.value == pytest.approx(1.5)
    assert count.change.low == pytest.approx(1.5 * math.exp(-math.hypot(0.1, 0.3)))


@pytest.mark.parametrize(("duplicates", "said"), [(110, BY_CHANCE), (90, BY_CHANCE), (130, "more duplicates")])
def test_a_change_within_the_intervals_is_none(duplicates: float, said: str) -> None:
    found = compare(run(support("gan-0", 100, 1.0)), run(support("gan-0", duplicates, duplicates / 100), made="b"))
    assert found.counts[0].said == said


def test_other_thresholds_make_other_questions() -> None:
    before, after = run(support("gan-0", 100, 1.0)), run(support("gan-0", 900, 9.0), made="b", threshold=0.52)
    found = compare(before, after)
    assert found.bases[0].said == "not comparable: thresholds differ by 3.8 %"
    assert found.counts[0][-2:] == (None, "not comparable")
    after.configuration["studies"]["toy"]["definitions"]["near"] = {"euclidean": {"alpha": 0.01, "encoder": "pca"}}
    assert compare(before, after).bases[0].said == "not comparable: the definitions differ"


def test_thresholds_are_those_of_the_scale_that_is_compared() -> None:
    """A search goes up to the loose one, and supports and answers are of the middle one; a given one has no scale."""
    auto = [("strict", 0.1), ("middle", 0.2), ("loose", 0.4)]
    rows = [{"metric": "a", "scale": scale, "threshold": threshold} for scale, threshold in auto]
    assert of_support([*rows, {"metric": "b", "scale": None, "threshold": 3.0}]) == {"a": 0.2, "b": 3.0}


def test_the_same_samples_have_not_changed() -> None:
    fidelity = [{"population": "gan-0", "metric": "fid", "value": 1.0, "low": 0.5, "high": 1.5}]
    fidelity = [row | {"reference": "holdout", "space": "samples"} for row in fidelity]
    one = run(support("gan-0", 100, 1.0), fidelity=fidelity)
    found = compare(one, one)
    assert (found.counts[0].said, found.fidelity[0].said) == (SAME_SAMPLES, SAME_SAMPLES)
    assert found.judged == 0
    assert "would seem real by chance" not in text(found)


def test_samples_are_the_same_where_what_they_were_made_under_is(tmp_path: Path) -> None:
    """For any number of parts: a search under conditions has other duplicates where these differ."""
    x, energy = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([1, 1, 2], dtype=np.float32)
    samples = Samples(x, np.arange(3), None, None, {"energy": energy}, {"energy": "GeV"})
    write_samples(tmp_path / "whole", samples)
    for k, rows in enumerate((slice(0, 1), slice(1, 3))):
        write_samples(tmp_path / f"{k}", samples.take(rows))
    write_samples(tmp_path / "other", replace(samples, conditions={"energy": energy[::-1].copy()}))
    whole, other, parts = (_digest([tmp_path / name for name in names]) for names in (["whole"], ["other"], "01"))
    assert whole == parts != other


def test_no_duplicates_on_one_side_leave_an_open_end() -> None:
    none = support("gan-0", 100, 0.0) | {"collision": 0.0, "collision_low": 0.0, "collision_high": 4e-6}
    found = compare(run(none), run(support("gan-0", 100, 1.0), made="b")).counts[0]
    assert found.said == "more duplicates"
    assert found.change is not None and found.change.high is None
    few = support("gan-0", 3, 0.1)
    assert compare(run(none), run(few, made="b")).counts[0].said == TOO_FEW
    assert compare(run(few), run(none, made="b")).counts[0].said == BY_CHANCE


def test_what_only_one_run_has_is_named() -> None:
    found = compare(
        run(support("gan-0", 100, 1.0), support("old-0", 100, 1.0)),
        run(support("gan-0", 100, 1.0), support("new-0", 100, 1.0)),
    )
    assert [one.population for one in found.counts] == ["gan-0"]
    assert found.only_before == [("toy", "near", "old-0")]
    assert found.only_after == [("toy", "near", "new-0")]
    other = run(support("gan-0", 100, 1.0))._replace(thresholds={}, support=[])
    assert compare(run(support("gan-0", 100, 1.0)), other).only_before == [("toy", "near", "gan-0")]


def test_answers_and_fidelity_that_have_changed_are_named() -> None:
    def asked(diverse: str, covers: str) -> list[dict[str, str]]:
        row = {"study": "toy", "population": "gan-0"}
        return [
            row | {"question": q, "answer": a} for q, a in (("diverse", diverse), ("covers", covers), ("alike", ""))
        ]

    def fid(value: float) -> list[dict[str, Any]]:
        ends = {"value": value, "low": value - 1, "high": value + 1}
        known = {"population": "gan-0", "reference": "holdout", "space": "samples"}
        return [known | ends | {"metric": "fid"}, known | {"metric": "vendi", "value": 3.0, "low": None, "high": None}]

    before = run(support("gan-0", 100, 1.0), summary=asked("yes", "yes"), fidelity=fid(5.0))
    after = run(support("gan-0", 100, 1.0), summary=asked("no", "yes"), fidelity=fid(7.0), made="b")
    found = compare(before, after)
    assert [one[2:] for one in found.answers] == [("diverse", "yes", "no")]
    assert found.same_answers == 1
    fidelity, vendi = found.fidelity
    assert fidelity.change == pytest.approx((2.0, 2 - math.sqrt(2), 2 + math.sqrt(2)))
    assert (fidelity.said, vendi.said) == ("larger", "without an interval")
    assert found.judged == 2
    said = text(found)
    assert "yes → no" in said
    assert max(map(len, said.splitlines())) <= 120
    plain = json.loads(json.dumps(found.as_json()))
    assert plain["counts"][0]["change"]["value"] == 1.0
    assert plain["bases"][0]["comparable"] is True
    assert plain["only_before"] == []
    nearer = compare(before, run(support("gan-0", 100, 1.0), fidelity=fid(6.0), made="b"))
    assert nearer.fidelity[0].said == BY_CHANCE


def test_long_names_and_numbers_fit_120_columns() -> None:
    rows = [support(f"a_generator_with_a_long_name_{k}-0", 1.2345e-4 * 10**k, 1.234e4) for k in range(4)]
    said = text(compare(run(*rows), run(*rows, made="b")))
    assert max(map(len, said.splitlines())) <= 120


@pytest.mark.parametrize(
    ("population", "title"),
    [("my-gan-0", "my GAN, 3"), ("trained-1", "two-1"), ("bare-0", "bare-0"), ("holdout", "holdout")],
)
def test_populations_are_called_by_their_titles(population: str, title: str) -> None:
    generators = {"my-gan": {"kind": "files", "title": "my GAN, 3"}, "trained": {"kind": "toygan", "title": "two"}}
    study = {"generators": generators | {"bare": {"kind": "files", "title": None}}}
    assert title_of({"studies": {"s": study}}, "s", population) == title
