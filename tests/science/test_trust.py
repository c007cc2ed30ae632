"""The simulations behind docs/trust.md, at toy size, and facts that they must find."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from trust import __main__ as trust
from trust import parts, simulate
from trust.checks import CHECKS
from trust.data import FLAWED, LIMITS
from trust.judge import alarms, all_yes, covered, interval
from trust.parts import PARTS, Part
from trust.simulate import Trial, check, copied, flawed, study

SAMPLES = 60


def toy(part: Part) -> Part:
    """The first sizes of a part, as small as can be, once."""
    sizes = {(SAMPLES * made // 300 if part.name == "studies" else SAMPLES, SAMPLES): 1 for made, _ in part.sizes}
    return part._replace(sizes=sizes)


def test_every_part_and_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = [toy(part) for part in PARTS]
    monkeypatch.setattr(parts, "PARTS", small)
    monkeypatch.setattr(trust, "PARTS", small)
    monkeypatch.setattr(simulate, "GENERATORS", 2)
    monkeypatch.setattr(simulate, "PERMUTATIONS", 39)
    page = tmp_path / "trust.md"
    words = ["--processes", "1", "--results", str(tmp_path), "--page", str(page)]
    trust.main(words)
    first = page.read_bytes(), page.with_suffix(".svg").read_bytes()
    assert all(name in first[0].decode() for name in (*FLAWED, *LIMITS, "## False alarms", "Surface of a ball"))
    kept = next(tmp_path.glob("*/limits.jsonl"))
    lines = [line for line in kept.read_text().splitlines() if line]
    kept.write_text("\n".join([*lines[1:], lines[0][:40]]))  # one trial is lost, and a line was cut short
    trust.main(words)
    assert (page.read_bytes(), page.with_suffix(".svg").read_bytes()) == first
    again = [line for line in kept.read_text().splitlines() if line == lines[0]]
    assert json.loads(again[0]) == json.loads(lines[0])


def test_a_lost_mode_is_not_covered() -> None:
    point = "Modes dropped one by one: one dropped"
    assert CHECKS[point].flaw == ("covers",)
    assert check(Trial("checks", point, 500, 500, 0))["answers"]["covers"] == "no"
    assert not alarms(check(Trial("checks", "Modes dropped one by one: all ten, d = 8", 500, 500, 0)))


def test_flaws_and_copies_are_found() -> None:
    assert flawed(Trial("flaws", "half is junk", 300, 300, 0))["answers"]["on"] == "no"
    assert flawed(Trial("flaws", "5 modes, all invented", 300, 300, 0))["answers"]["on"] == "no"
    assert copied(Trial("copies", "5 % exact copies", 300, 300, 0))["answers"]["copies"] == "yes"
    assert copied(Trial("copies", "fresh samples", 300, 300, 0))["answers"]["copies"] != "yes"


def test_a_study_of_perfect_generators_has_no_alarm() -> None:
    generators = study(Trial("studies", "Gaussian, d = 2", 100, 100, 0))["generators"]
    assert len(generators) == simulate.GENERATORS
    assert not any(map(alarms, generators))


def test_counts() -> None:
    yes = {"answers": dict.fromkeys(("diverse", "on", "covers"), "yes") | {"alike": ""}}
    assert all_yes(yes) and not all_yes({"answers": yes["answers"] | {"alike": "no"}})
    ends = [[1.0, 0.9, 1.1], [1.2, 1.1, None], [None, None, None]]
    assert covered([{"intervals": {"on": end}} for end in ends], "on") == (1, 2)
    assert interval(0, 10) == "0 of 10 (0–31 %)"
