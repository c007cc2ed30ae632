"""The analysis of calorimeter showers: closed forms, brute force, planted faults, the same numbers in any chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import InMemory
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from pydantic import ValidationError
from skimage.metrics import structural_similarity

from gancensus.contracts.analysis import Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Rows, Samples
from gancensus.contracts.showers import measured_angle, shower_scale
from gancensus.domains.showers import bins, measures, physics, similarity
from gancensus.domains.showers.analysis_physics import Physics
from gancensus.domains.showers.source_gflash import Gflash
from gancensus.plotting.style import svg

Array = NDArray[Any]
TABLES = ("ssim", "profiles", "response", "cells", "score")
SCALE = shower_scale(256.0)
RNG = partial(derive_rng, 1)
ABOUT = Context(Gflash(showers=1), {})


def rows_of(cells: Array, energy: Array, angle: Array | None = None, group: int = 50) -> InMemory:
    """Showers of cells (n, x, y, z) in GeV, made for energies in GeV and angles in degrees."""
    known = {"energy": energy.astype(np.float32)}
    if angle is not None:
        known["angle"] = np.radians(angle).astype(np.float32)
    return InMemory(Samples(SCALE.encode(cells), np.arange(len(cells)), None, SCALE, known), group)


def changed(rows: InMemory, change: Callable[[Array], Array]) -> InMemory:
    """The same showers with other cells."""
    return InMemory(replace(rows.samples, x=change(rows.samples.x)), rows.group)


@cache
def showers(name: str, n: int = 150, angle: bool = True) -> InMemory:
    """Gamma-shaped showers of 12 x 14 x 6 cells whose core leans with the angle: 62, 90 or 118 degrees."""
    rng = derive_rng(0, name)
    energy, tilt = rng.uniform(100, 200, n), rng.choice([62.0, 90.0, 118.0], n) if angle else np.full(n, 90.0)
    x, y, z = (np.arange(cells)[:, None, None] for cells in (12, 14, 6))
    centre = 6.5 + (z.T - 2.5) / np.tan(np.radians(tilt))[:, None, None, None]
    core = np.exp(-np.hypot(x - 5.5, (y.transpose(1, 0, 2) - centre)) * rng.uniform(0.9, 1.1, (n, 1, 1, 1)))
    cells = core * (z.T + 1) * np.exp(-0.7 * z.T) * rng.gamma(4, 0.25, (n, 12, 14, 6))
    cells *= (rng.normal(0.02, 0.001, n) * energy / cells.sum(axis=(1, 2, 3)))[:, None, None, None]
    return rows_of(np.where(cells > 1e-5, cells, 0), energy, tilt if angle else None)


def analysed(
    table: str, generated: Mapping[str, Rows], holdout: Rows | None = None, train: Rows | None = None, **keys: Any
) -> list[dict[str, Any]]:
    """The lines of a table, as they are written."""
    real = {"holdout": holdout or showers("holdout"), "train": train or showers("train")}
    columns = Physics(**{"angle_window": 1, "energy_window": 20, **keys}).analyse(table, real, generated, RNG, ABOUT)
    schema = Physics.tables[table].schema
    lines: list[dict[str, Any]] = pa.table({name: columns[name] for name in schema.names}, schema=schema).to_pylist()
    return lines


def only(lines: list[dict[str, Any]], **values: Any) -> list[dict[str, Any]]:
    return [line for line in lines if all(line[name] == value for name, value in values.items())]


def one(lines: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    (line,) = only(lines, **values)
    return line


def test_moments_of_a_known_shower() -> None:
    cells = np.zeros((2, 4, 5, 6))
    cells[0, 1, 2, 3], cells[0, 3, 2, 5] = 0.75, 0.25
    found = measures.measure(rows_of(cells, np.array([50.0, 60.0])), with_angle=False)
    assert np.allclose(found.mean[0], (1.5, 2, 3.5))
    assert np.allclose(found.variance[0], (0.75, 0, 0.75))
    assert found.deposited.tolist() == [1, 0]
    assert found.hits.tolist() == [2, 0]
    assert found.x[0].tolist() == [0, 0.75, 0, 0.25]
    assert found.y[0].tolist() == [0, 0, 1, 0, 0]
    assert found.z[0].tolist() == [0, 0, 0, 0.75, 0, 0.25]
    assert np.isnan(found.mean[1]).all()
    assert np.isnan(found.measured[1])


def test_a_track_along_the_diagonal_is_measured_at_45_degrees() -> None:
    cells = np.zeros((2, 5, 8, 8))
    for k in range(8):
        cells[0, 2, k, k] = cells[1, 2, 7 - k, k] = 1.0
    found = measures.measure(rows_of(cells, np.full(2, 50.0), np.array([45.0, 135.0])), with_angle=True)
    assert np.allclose(found.measured, (45, 135), atol=1e-3)
    assert np.allclose(found.angle, (45, 135))


def test_hits_are_cells_above_300_kev() -> None:
    cells = np.zeros((1, 2, 2, 2))
    cells[0, 0, 0], cells[0, 1, 0] = (2.9e-4, 3.1e-4), (1.0, 0)
    assert measures.measure(rows_of(cells, np.ones(1)), with_angle=False).hits == [2]


def test_profiles_are_mean_shares_of_the_showers_that_are_not_empty() -> None:
    cells = np.zeros((3, 2, 2, 3))
    cells[0, 0, 0, 0] = 4.0
    cells[1, 0, 0] = (0.25, 0.75, 0)
    lines = physics.profiles({"holdout": rows_of(cells, np.full(3, 9.0))})
    z = [line[3:] for line in lines if line[1] == "z"]
    assert np.allclose([value for value, _, _ in z], (0.625, 0.375, 0))
    reach = 12.7062047 * 0.375  # Student's t at one degree of freedom, times the standard error
    assert np.allclose(z[0][1:], (0.625 - reach, 0.625 + reach))
    assert [line[2] for line in lines if line[1] == "x"] == [0, 1]


def test_response_by_bins_of_energy() -> None:
    energy = np.repeat([10.0, 20.0, 30.0], 12)
    fraction = np.tile([0.01, 0.03], 18)
    cells = np.zeros((36, 3, 3, 3))
    cells[:, 1, 1, 1] = fraction * energy
    lines = physics.response({"holdout": rows_of(cells, energy)}, bins=(10, 20, 30))
    found = {(line[1], line[2]): line[2:] for line in lines}
    assert found["response", 10][:3] == (10, 20, pytest.approx(0.02))
    assert found["response", 20][:2] == (20, 30)
    spread = 0.01 * np.sqrt(12 / 11)
    assert found["resolution", 10][2] == pytest.approx(spread / 0.02)
    assert found["resolution", 20][2] == pytest.approx(0.01 * np.sqrt(24 / 23) / 0.02)  # the last bin has both its ends
    assert found["mean_y", 10][2:] == (1, 1, 1)
    assert found["width_z", 10][2:] == (0, 0, 0)
    assert found["hits", 10][2:] == (1, 1, 1)
    assert not {"angle", "angle_spread"} & {line[1] for line in lines}


def test_bins_of_few_showers_are_left_out() -> None:
    energy = np.concatenate([np.full(9, 1.0), np.full(10, 2.0)])
    lines = physics.response({"holdout": rows_of(np.ones((19, 2, 2, 2)), energy)}, bins=(0.5, 1.5, 2.5))
    assert {line[2] for line in lines} == {1.5}


def test_bins_are_five_equal_ones_over_holdout() -> None:
    assert np.allclose(bins.energy_bins(np.array([30.0, 10.0, 20.0]), None)[1], (14, 18))
    assert bins.energy_bins(np.full(3, 50.0), None) == [(50, 50)]


def test_the_measured_angle_is_told_against_the_true_one() -> None:
    holdout = showers("holdout")
    error = np.degrees(measured_angle(holdout.samples.natural()) - holdout.samples.conditions["angle"])
    lines = only(analysed("response", {}, bins=[100, 200]), population="holdout")
    assert one(lines, quantity="angle")["value"] == pytest.approx(error.mean(), abs=1e-6)
    assert one(lines, quantity="angle_spread")["value"] == pytest.approx(error.std(ddof=1))


def test_spectrum_and_hits_against_histograms() -> None:
    holdout = showers("holdout")
    cells = holdout.samples.natural()
    lines = only(analysed("cells", {}), population="holdout")
    for line in only(lines, quantity="energy"):
        inside = ((cells >= line["bin_low"]) & (cells < line["bin_high"])).sum(axis=(1, 2, 3))
        assert line["value"] == pytest.approx(inside.mean())
        if inside.any():
            assert line["high"] - line["value"] == pytest.approx(1.976 * inside.std(ddof=1) / np.sqrt(150), rel=1e-3)
    assert sum(line["value"] for line in only(lines, quantity="energy")) == pytest.approx((cells > 0).sum() / 150)
    hits = (cells > 3e-4).sum(axis=(1, 2, 3))
    for line in only(lines, quantity="hits"):
        share = np.mean((hits >= line["bin_low"]) & (hits < line["bin_high"]))
        assert line["value"] == pytest.approx(share)
        assert line["low"] <= share <= line["high"]
    assert sum(line["value"] for line in only(lines, quantity="hits")) == pytest.approx(1)


def test_cells_that_only_one_side_has() -> None:
    energy = np.full(20, 10.0)
    few, many = np.full((20, 2, 2, 2), 0.3), np.full((20, 2, 2, 2), 0.07)
    many[:, 0, 0, 0] = 0
    lines = analysed("cells", {"g-0": rows_of(many, energy)}, rows_of(few, energy), rows_of(few, energy))
    made = {line["bin_low"]: line for line in only(lines, population="g-0", quantity="energy")}
    assert (made[0.2]["value"], made[0.2]["low"]) == (0, 0)
    assert made[0.2]["high"] == pytest.approx(1 - 0.025**0.05)
    assert made[0.05]["value"] == 7
    hits = {line["bin_low"]: line["value"] for line in only(lines, population="g-0", quantity="hits")}
    assert hits == {8: 0, 7: 1}


def by_scikit_image(a: Array, b: Array) -> float:
    similarity = structural_similarity(  # type: ignore[no-untyped-call]
        a, b, channel_axis=-1, data_range=1e-4, gaussian_weights=True, use_sample_covariance=False
    )
    return float(similarity)


def test_ssim_is_the_mean_of_all_pairs_by_scikit_image() -> None:
    real, made = showers("holdout", 26, angle=False), showers("made", 22, angle=False)
    lines = analysed("ssim", {"g-0": made}, real, bins=[100, 150, 200])
    a, b = real.samples.natural(), made.samples.natural()
    e, f = real.samples.conditions["energy"], made.samples.conditions["energy"]
    for low, high in ((100, 150), (150, 200)):
        x, y = a[(e >= low) & (e <= high)], b[(f >= low) & (f <= high)]
        within = [by_scikit_image(x[i], x[j]) for i in range(len(x)) for j in range(i)]
        across = [by_scikit_image(u, v) for u in x for v in y]
        made_pairs = [by_scikit_image(y[i], y[j]) for i in range(len(y)) for j in range(i)]
        for comparison, values, n in (
            ("mc-mc", within, len(x)),
            ("mc-gan", across, 10),
            ("gan-gan", made_pairs, len(y)),
        ):
            found = only(lines, comparison=comparison, energy_low=low)
            if min(n, len(x), len(y) if comparison != "mc-mc" else 10) < 10:
                assert found == []
            else:
                assert found[0]["ssim"] == pytest.approx(np.mean(values), abs=1e-9)
                assert found[0]["low"] < found[0]["ssim"] < found[0]["high"]
    assert {line["angle"] for line in lines} == {None}
    assert len(lines) >= 4


def test_ssim_of_each_angle_compares_its_own_showers() -> None:
    lines = analysed("ssim", {"g-0": showers("made")}, bins=[100, 200])
    assert [(line["angle"], line["comparison"]) for line in lines] == [
        (angle, comparison) for angle in (62, 90, 118) for comparison in ("mc-mc", "mc-gan", "gan-gan")
    ]
    assert {line["population"] for line in only(lines, comparison="mc-mc")} == {"holdout"}
    a = showers("holdout").samples
    mine = a.natural()[np.isclose(a.conditions["angle"], np.radians(90))]
    pairs = [by_scikit_image(mine[i], mine[j]) for i in range(len(mine)) for j in range(i)]
    assert one(lines, angle=90, comparison="mc-mc")["ssim"] == pytest.approx(np.mean(pairs), abs=1e-9)


def test_masked_ssim_and_data_range() -> None:
    short = changed(showers("holdout"), lambda x: np.where(np.arange(6) < 3, x, 0))  # half of all windows are empty
    plain, masked, wide = (
        one(analysed("ssim", {}, short, bins=[100, 200], masked=masked, data_range=end), angle=90)["ssim"]
        for masked, end in ((False, 1e-4), (True, 1e-4), (False, 10.0))
    )
    assert plain == pytest.approx((1 + masked) / 2)
    assert wide > plain


def test_copies_are_more_alike() -> None:
    frozen = changed(showers("made"), lambda x: x[np.arange(len(x)) % 2])
    lines = analysed("ssim", {"frozen-0": frozen}, bins=[100, 200])
    copies, real = (one(lines, angle=90, comparison=c) for c in ("gan-gan", "mc-mc"))
    assert copies["low"] > real["high"]


def test_so_many_showers_of_a_bin_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = analysed("ssim", {"copy-0": showers("holdout")}, bins=[100, 200])
    monkeypatch.setattr(similarity, "COMPARED", 12)
    some = analysed("ssim", {"copy-0": showers("holdout")}, bins=[100, 200])
    whole, real, copy = (
        one(lines, angle=90, comparison=comparison)
        for lines, comparison in ((everything, "mc-mc"), (some, "mc-mc"), (some, "gan-gan"))
    )
    assert real["ssim"] != copy["ssim"]  # each population has random numbers of its own
    assert real["low"] < whole["ssim"] < real["high"]
    assert real["high"] - real["low"] > 1.5 * (whole["high"] - whole["low"])


def left_out(values: Array, mean: Callable[[Array], float], axis: int) -> float:
    n = values.shape[axis]
    without = np.array([mean(np.delete(values, k, axis=axis)) for k in range(n)])
    return float((n - 1) / n * np.sum((without - without.mean()) ** 2))


def test_jackknife_by_leaving_out_each_shower() -> None:
    rng = np.random.default_rng(0)
    square, wide = rng.random((7, 7)) / 4, rng.random((5, 9)) / 4
    square = np.triu(square, 1) + np.triu(square, 1).T
    points = np.arange(7)

    def pairs(rows: Array) -> float:
        return float(np.mean([square[i, j] for i in rows for j in rows if i < j]))

    def mean(values: Array) -> float:
        return float(values.mean())

    found = similarity.mean_within(square)
    assert found.value == pytest.approx(pairs(points))
    assert found.high is not None
    variance = left_out(points, pairs, 0)
    assert found.high - pairs(points) == pytest.approx(2.446912 * np.sqrt(variance))
    found = similarity.mean_across(wide)
    assert found.high is not None
    variance = left_out(wide, mean, 0) + left_out(wide, mean, 1)
    assert found.high - wide.mean() == pytest.approx(2.776445 * np.sqrt(variance))


def covered(truth: float, found: list[Any]) -> float:
    return float(np.mean([low <= truth <= high for _, low, high in found]))


def alike(x: Array, y: Array) -> Array:
    """A similarity whose mean over N(0, 1) is 1 / sqrt(3)."""
    return np.asarray(np.exp(-((x[:, None] - y) ** 2) / 2))


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(3)
    within, across, spreads = [], [], []
    for _ in range(500):
        x, y = rng.standard_normal(30), rng.standard_normal(45)
        within.append(similarity.mean_within(alike(x, x) - np.eye(30)))
        across.append(similarity.mean_across(alike(x, y)))
        spreads.append(physics.spread_interval(0.02 + 0.001 * y, relative=True))
    for truth, found in ((3**-0.5, within), (3**-0.5, across), (0.05, spreads)):
        assert 0.91 < covered(truth, found) < 0.99


def test_spread_over_mean_scatters_as_the_moments_say() -> None:
    """The variance of its logarithm is [(kurtosis - 1) / 4 + 1 / 4 - skewness / 2] / n for a gamma of shape 4."""
    values = np.random.default_rng(4).gamma(4, 1, 200_000)
    found = physics.spread_interval(values, relative=True)
    assert found.value is not None
    assert found.high is not None
    assert found.value == pytest.approx(0.5, rel=0.01)
    assert (np.log(found.high / found.value) / 1.96) ** 2 * len(values) == pytest.approx(0.625, rel=0.03)


def by_the_formulas(real: Array, made: Array, energy: Array, made_energy: Array) -> dict[str, float]:
    """CERN's terms of one bin, with loops over axes and moments."""
    position, profile = [], []
    for axis in (1, 2, 3):
        others = tuple({1, 2, 3} - {axis})
        a, b = real.sum(axis=others), made.sum(axis=others)
        k = np.arange(a.shape[1])
        means = []
        for sums in (a, b):
            first = (sums * k).sum(axis=1) / sums.sum(axis=1)
            second = (sums * (k - first[:, None]) ** 2).sum(axis=1) / sums.sum(axis=1)
            means.append((first.mean(), second.mean()))
        position += [abs(p - q) / p for p, q in zip(*means, strict=True)]
        profile.append(np.mean(np.abs(a.mean(axis=0) - b.mean(axis=0)) / a.mean(axis=0)))
    fractions = [np.mean(x.sum(axis=(1, 2, 3)) / e) for x, e in ((real, energy), (made, made_energy))]
    angles = [np.mean(measured_angle(x)) for x in (real, made)]
    terms = {
        "moments": float(np.mean(position)),
        "profiles": float(np.mean(profile)),
        "response": abs(fractions[0] - fractions[1]) / fractions[0],
        "angle": abs(angles[0] - angles[1]) / angles[0],
    }
    return {**terms, "total": sum(terms.values())}


def test_score_against_the_formulas() -> None:
    real, made = showers("holdout"), showers("made", 90)
    lines = analysed("score", {"g-0": made}, energies=[150], energy_window=30)
    for angle in (62.0, 90.0, 118.0):
        inside = []
        for rows in (real, made):
            here = np.isclose(rows.samples.conditions["angle"], np.radians(angle))
            here &= np.abs(rows.samples.conditions["energy"] - 150) <= 30
            inside.append((rows.samples.natural()[here], rows.samples.conditions["energy"][here].astype(np.float64)))
        (a, e), (b, f) = inside
        assert len(b) <= len(a)  # else some of them would be left out
        for term, value in by_the_formulas(a, b, e, f).items():
            found = one(lines, population="g-0", term=term, angle=angle)
            assert found["value"] == pytest.approx(value, rel=1e-4)
            assert found["low"] <= found["value"] <= found["high"]


def terms_of(change: Callable[[Array], Array], holdout: InMemory | None = None) -> dict[str, float]:
    """The score of held-out showers whose cells were changed, averaged over its bins."""
    holdout = holdout or showers("holdout")
    lines = analysed("score", {"g-0": changed(holdout, change)}, holdout, energies=[150], energy_window=50)
    return {line["term"]: line["value"] for line in only(lines, population="g-0", energy=None)}


def lean(x: Array) -> Array:
    """Move each layer along y by as many cells as it is behind the third: profiles along z stay."""
    return np.stack([np.roll(x[..., k], k - 2, axis=2) for k in range(x.shape[3])], axis=3)


def test_planted_faults_show_in_their_terms() -> None:
    assert set(terms_of(lambda x: x).values()) == {0}
    brighter = terms_of(lambda x: x * np.float32(1.125))
    assert brighter["response"] == pytest.approx(0.125)
    assert brighter["profiles"] == pytest.approx(0.125, rel=1e-4)  # which are in GeV
    assert max(brighter["moments"], brighter["angle"]) < 1e-9
    early = changed(showers("holdout"), lambda x: np.where(np.arange(6) < 5, x, 0))
    deeper = terms_of(lambda x: np.roll(x, 1, axis=3), early)
    depths, angles = measures.measure(early, with_angle=True).mean[:, 2], early.samples.conditions["angle"]
    mean_depths = [depths[angles == angle].mean() for angle in np.unique(angles)]
    assert deeper["moments"] == pytest.approx(np.mean([1 / depth for depth in mean_depths]) / 6)  # of six, one is off
    assert deeper["profiles"] > 0.1
    assert deeper["response"] < 1e-9
    leaning = terms_of(lean)
    assert leaning["angle"] > 0.2
    assert leaning["response"] < 1e-9


def test_real_showers_in_the_place_of_generated_ones_score_the_null_value() -> None:
    lines = analysed("score", {"real-0": showers("more")})
    for line in only(lines, population="real-0", energy=None):
        null = one(lines, population="train", term=line["term"], energy=None)
        assert max(line["low"], null["low"]) < min(line["high"], null["high"])
    worse = analysed("score", {"bad-0": changed(showers("more"), lambda x: lean(x) * np.float32(1.25))})
    for term in ("total", "response", "angle", "profiles"):
        bad, null = (one(worse, population=name, term=term, energy=None) for name in ("bad-0", "train"))
        assert bad["low"] > null["high"]


def test_score_interval_has_the_width_that_showers_scatter_by() -> None:
    rng = np.random.default_rng(5)
    energy = np.full(100, 150.0)
    truth = np.hypot(0.002 / 0.02, 0.002 * 0.024 / 0.02**2) / 10  # of 1 - b / a: relative errors of b and a
    found = []
    for _ in range(20):
        real, made = (np.zeros((100, 2, 2, 2)) for _ in range(2))
        real[:, 0, 1, 1], made[:, 0, 1, 1] = 150 * rng.normal(0.02, 0.002, 100), 150 * rng.normal(0.024, 0.002, 100)
        lines = analysed("score", {"g-0": rows_of(made, energy)}, rows_of(real, energy), rows_of(real, energy))
        line = one(lines, population="g-0", term="response", energy=150)
        found.append((line["high"] - line["value"]) / 1.96)
    assert np.mean(found) == pytest.approx(truth, rel=0.1)


def test_a_cell_that_one_shower_reaches_does_not_blow_up_the_interval() -> None:
    cells = np.full((60, 2, 2, 2), 0.1)
    cells[:, 1] = 0
    cells[0, 1], cells[1:3, 1] = 0.1, 1e-7  # without the first, the real mean there is next to nothing
    energy = np.full(60, 150.0)
    lines = analysed("score", {"g-0": rows_of(cells[::-1], energy)}, rows_of(cells, energy), rows_of(cells, energy))
    found = one(lines, population="g-0", term="profiles", energy=150)
    assert found["value"] == pytest.approx(0)
    assert 0.1 < found["high"] < 1


def test_score_takes_no_more_showers_than_holdout_has() -> None:
    real, made = (
        np.full((20, 2, 2, 2), 3 / 8),
        np.full((1001, 2, 2, 2), 3 / 8) * (1 + np.arange(1001) % 2)[:, None, None, None],
    )
    few, many = rows_of(real, np.full(20, 150.0)), rows_of(made, np.full(1001, 150.0))
    found = one(analysed("score", {"g-0": many}, few, few), population="g-0", term="response", energy=150)
    doubled = 20 * found["value"]  # a mean of 20 ones and twos, less 1
    assert doubled == pytest.approx(round(doubled))
    assert 0 < doubled < 20


def test_without_an_angle_there_is_no_term_of_it() -> None:
    holdout, train, made = (showers(name, 60, angle=False) for name in ("holdout", "train", "made"))
    lines = analysed("score", {"g-0": made}, holdout, train, energies=[110, 150, 190])
    assert {line["angle"] for line in lines} == {None}
    assert [line["term"] for line in only(lines, population="g-0", energy=150)] == [
        "moments", "profiles", "response", "total"
    ]  # fmt: skip


def test_empty_showers_have_no_shape_but_a_response() -> None:
    holdout = showers("holdout")
    half = changed(holdout, lambda x: x * (np.arange(len(x)) % 2)[:, None, None, None].astype(np.float32))
    nothing = changed(holdout, np.zeros_like)
    generated = {"half-0": half, "nothing-0": nothing}
    score = {
        (line["population"], line["term"]): line["value"] for line in only(analysed("score", generated), energy=None)
    }
    assert score["half-0", "moments"] < 0.1
    assert 0.3 < score["half-0", "response"] < 0.7
    assert [score["nothing-0", term] for term in ("moments", "profiles", "response", "angle", "total")] == [
        1,
        1,
        1,
        1,
        4,
    ]
    response = only(analysed("response", generated, bins=[100, 200]), population="half-0")
    assert one(response, quantity="mean_z")["value"] == pytest.approx(
        measures.measure(holdout, True).mean[1::2, 2].mean()
    )
    for table in TABLES:
        assert analysed(table, generated)


@given(groups=st.tuples(*[st.integers(1, 120)] * 3), table=st.sampled_from(TABLES))
def test_row_groups_change_no_bit(groups: tuple[int, int, int], table: str) -> None:
    names = ("holdout", "train", "made")
    whole = [InMemory(showers(name).samples, 1000) for name in names]
    cut = [InMemory(showers(name).samples, group) for name, group in zip(names, groups, strict=True)]
    expected, found = (analysed(table, {"g-0": made}, holdout, train) for holdout, train, made in (whole, cut))
    assert found == expected


@pytest.mark.parametrize("table", TABLES)
def test_a_population_changes_nothing_of_another(table: str) -> None:
    both = analysed(table, {"a-0": showers("more"), "b-0": showers("made")})
    alone = analysed(table, {"b-0": showers("made")})
    assert [line for line in both if line["population"] != "a-0"] == alone
    assert only(both, population="a-0")


def without(rows: InMemory, name: str) -> InMemory:
    kept = {k: v for k, v in rows.samples.conditions.items() if k != name}
    return InMemory(replace(rows.samples, conditions=kept), where="results/s/samples/g-0")


@pytest.mark.parametrize("table", ["ssim", "response", "score"])
def test_missing_conditions_are_named(table: str) -> None:
    for name, said in (("energy", "no condition 'energy'"), ("angle", "no condition 'angle'.*which holdout has")):
        with pytest.raises(UserError, match=f"results/s/samples/g-0: .*{said}"):
            analysed(table, {"g-0": without(showers("made"), name)})
    cold = replace(
        showers("made").samples, conditions={**showers("made").samples.conditions, "energy": np.zeros(150, np.float32)}
    )
    with pytest.raises(UserError, match="must be above 0"):
        analysed(table, {"g-0": InMemory(cold)})


@pytest.mark.parametrize("table", TABLES)
def test_samples_that_are_no_showers(table: str) -> None:
    images = replace(showers("made").samples, x=showers("made").samples.x[..., 0])
    with pytest.raises(UserError, match=r"cells"):
        analysed(table, {}, InMemory(images))


def test_a_grid_smaller_than_the_window() -> None:
    small = changed(showers("holdout"), lambda x: x[:, :10])
    with pytest.raises(UserError, match=r"10 x 14 x 6 cells.*windows of 11 x 11.*`coarsen`"):
        analysed("ssim", {}, small)


def test_no_bin_with_enough_showers() -> None:
    with pytest.raises(
        UserError, match=r"energies from 10\d to \d+ GeV and angles from 62 to 118 degrees: change `energ"
    ):
        analysed("score", {"g-0": showers("made")}, energies=[20])
    with pytest.raises(UserError, match="change `bins` or `angles` or `angle_window`"):
        analysed("ssim", {"g-0": showers("made")}, angles=[20])
    with pytest.raises(UserError, match="change `bins`"):
        analysed("response", {}, bins=[1, 2])


def test_edges_must_increase() -> None:
    with pytest.raises(ValidationError, match="must increase"):
        Physics(bins=(10.0, 10.0))


def drawn(table: str, lines: list[dict[str, Any]]) -> Figure:
    schema = Physics.tables[table].schema
    read = pa.Table.from_pylist(lines, schema=schema)
    return Physics().draw(table, {name: read[name].to_numpy(zero_copy_only=False) for name in schema.names})


def words(figure: Figure) -> str:
    return " | ".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


SAID = {
    "ssim": ("primary energy (GeV)", "62°", "118°", "pairs with holdout", "holdout", "g-1"),
    "profiles": ("cell along z", "share of the energy", "over holdout", "train"),
    "response": ("primary energy (GeV)", "deposited / primary", "cells above 300 keV", "standard deviation (°)", "g-1"),
    "cells": ("energy of a cell (GeV)", "share of showers", "over holdout"),
    "score": ("primary energy (GeV)", "total, 90°", "sampling fraction", "measured angle", "null value"),
}


@pytest.mark.parametrize("table", TABLES)
def test_figures_say_what_they_show(table: str) -> None:
    generated = {"g-0": showers("made"), "g-1": changed(showers("more"), lambda x: x * np.float32(1.5))}
    figure = drawn(table, analysed(table, generated))
    assert len(figure.legends) == 1
    for said in SAID[table]:
        assert said in words(figure)
    colours = {line.get_color() for ax in figure.axes for line in ax.lines}
    assert {"#0072B2".lower()} <= {str(colour).lower() for colour in colours}
    assert svg(figure) == svg(drawn(table, analysed(table, generated)))


@pytest.mark.parametrize("table", TABLES)
def test_figures_without_angle_and_generated_populations_of_empty_showers(table: str) -> None:
    holdout, train, made = (showers(name, 60, angle=False) for name in ("holdout", "train", "made"))
    lines = analysed(table, {"g-0": made, "nothing-0": changed(made, np.zeros_like)}, holdout, train)
    assert "°" not in words(drawn(table, lines))


def test_ssim_lies_in_the_figure_where_the_table_says() -> None:
    lines = analysed("ssim", {"g-0": showers("made")}, bins=[100, 150, 200])
    ax = drawn("ssim", lines).axes[1]
    black = next(line for line in ax.lines if line.get_color() == "#000000")
    expected = [line["ssim"] for line in only(lines, angle=90, comparison="mc-mc")]
    assert np.allclose(np.asarray(black.get_ydata(), dtype=np.float64), expected)
    assert np.asarray(black.get_xdata()).tolist() == [125, 175]


def test_negative_cells_and_voxels_are_refused() -> None:
    holdout = showers("holdout")
    spoilt = changed(holdout, lambda x: np.where(np.arange(len(x))[:, None, None, None] == 7, -x, x))
    with pytest.raises(UserError, match=r"physics: here: sample 7 has the value -\S+, and profiles need"):
        Physics().analyse("profiles", {"holdout": holdout, "train": spoilt}, {}, RNG, ABOUT)
    voxels = InMemory(replace(holdout.samples, scale=shower_scale(256.0, ("voxel energy",))))
    with pytest.raises(UserError, match=r"physics: here: voxels of layer, angle and radius are not cells"):
        Physics().analyse("cells", {"holdout": voxels, "train": voxels}, {}, RNG, ABOUT)


def test_showers_without_energy_have_no_resolution() -> None:
    assert physics.spread_interval(np.zeros(20), relative=True) == (None, None, None)


@given(st.lists(st.integers(0, 90), min_size=1, max_size=60), st.lists(st.integers(0, 90), min_size=1, max_size=60))
def test_hits_are_counted_as_by_hand(hits: list[int], real: list[int]) -> None:
    lines = list(physics._hits(np.array(hits), np.array(real)))
    for low, high, share, *_ in lines:
        assert share == np.mean([low <= count < high for count in hits])
    assert sum(line[2] for line in lines) == pytest.approx(1)
    for count in real:
        assert sum(line[0] <= count < line[1] for line in lines) == 1


@pytest.mark.parametrize("key", ["angles", "energies", "bins"])
def test_values_that_do_not_increase(key: str) -> None:
    with pytest.raises(ValidationError, match=f"the values of `{key}` must increase"):
        Physics.model_validate({key: [90, 90]})


def test_scores_are_averaged_over_the_bins_that_all_have() -> None:
    holdout, train = showers("holdout"), showers("train")
    low = InMemory(train.samples.take(train.samples.conditions["energy"] < 160))
    table = Physics(angle_window=60).analyse("score", {"holdout": holdout, "train": train}, {"low-0": low}, RNG, ABOUT)
    lines = [dict(zip(table, line, strict=True)) for line in zip(*table.values(), strict=True)]
    of = {name: [line for line in lines if line["population"] == name] for name in ("train", "low-0")}
    places = {name: {(one["energy"], one["angle"]) for one in some if one["energy"]} for name, some in of.items()}
    assert places["low-0"] < places["train"]
    for name, some in of.items():
        (mean,) = (one["value"] for one in some if one["energy"] is None and one["term"] == "response")
        expected = [
            one["value"]
            for one in some
            if one["term"] == "response" and (one["energy"], one["angle"]) in places["low-0"]
        ]
        assert mean == pytest.approx(np.mean(expected)), name


FEW = {"holdout": 30, "train": 15, "made": 30}


@pytest.mark.parametrize("table", TABLES)
def test_few_showers_are_no_error_but_told(table: str) -> None:
    """Of 15 training showers, or 30 others, no bin of the defaults holds 10."""
    holdout, train, made = (showers(name, n) for name, n in FEW.items())
    known = {"holdout": holdout, "train": train}
    columns = Physics().analyse(table, known, {"g-0": made}, RNG, ABOUT)
    read = read_again(table, columns)
    missing = {"ssim": "holdout and g-0", "response": "holdout, train and g-0", "score": "train and g-0"}
    said = " ".join(Physics().unjudged(table, read))
    assert said.startswith(f"Too few showers to judge {missing[table]}:" if table in missing else "")
    assert ("too few showers to judge" in words(Physics().draw(table, read))) == (table in missing)


def test_a_population_with_few_showers_leaves_the_others_their_score() -> None:
    """As 300 training showers beside thousands of others: no bin has 10 of them, every one 10 of the generator's."""
    holdout, made = showers("holdout", 400), showers("made", 400)
    known = {"holdout": holdout, "train": showers("train", 20)}
    wide = Physics(energy_window=20, angle_window=1)
    read = read_again("score", wide.analyse("score", known, {"g-0": made}, RNG, ABOUT))
    alone = read_again("score", wide.analyse("score", known | {"train": made}, {"g-0": made}, RNG, ABOUT))
    mine, other = ([v for p, v in zip(t["population"], t["value"], strict=True) if p == "g-0"] for t in (read, alone))
    assert mine == other  # with the means over the bins
    assert wide.unjudged("score", read)[0].startswith("Too few showers to judge train: in no bin are there 10")
    figure = wide.draw("score", read)
    assert "total, 90°" in words(figure)
    assert "null value" not in words(figure)  # which train would have


def test_scores_without_a_common_bin() -> None:
    holdout, train = showers("holdout", 400), showers("train", 400)
    energy = train.samples.conditions["energy"]
    low, high = (InMemory(train.samples.take(some)) for some in (energy < 135, energy > 165))
    known = {"holdout": holdout, "train": low}
    read = read_again("score", Physics(energy_window=15).analyse("score", known, {"g-0": high}, RNG, ABOUT))
    assert Physics().unjudged("score", read) == [
        "No bin has 10 showers of each population, so that there is no mean over the bins."
    ]
    titles = [ax.get_title(loc="left") for ax in Physics().draw("score", read).axes]
    assert titles == ["total, 62°", "total, 90°", "total, 118°"]


@pytest.mark.parametrize("table", ["profiles", "cells"])
def test_nothing_but_empty_showers(table: str) -> None:
    nothing = changed(showers("holdout", 20), np.zeros_like)
    read = read_again(table, Physics().analyse(table, {"holdout": nothing, "train": nothing}, {}, RNG, ABOUT))
    assert svg(Physics().draw(table, read))
    said = ["holdout: all showers are empty.", "train: all showers are empty."]
    assert Physics().unjudged(table, read) == (said if table == "profiles" else [])  # it has 0 hits


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("table", TABLES)
def test_one_and_two_showers(table: str, n: int) -> None:
    few = showers("holdout", n)
    read = read_again(table, Physics().analyse(table, {"holdout": few, "train": few}, {"g-0": few}, RNG, ABOUT))
    assert svg(Physics().draw(table, read))


def read_again(table: str, columns: Mapping[str, Any]) -> dict[str, Array]:
    """A table as it is read from its file."""
    schema = Physics.tables[table].schema
    written = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    return {name: written[name].to_numpy(zero_copy_only=False) for name in schema.names}
