"""What sets nodes apart: against brute force, exact laws, DeLong's interval, and planted features."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import hypergeom, mannwhitneyu

from gancensus.contracts.columns import Column, encode
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.scales import scale_of
from gancensus.contracts.showers import shower_scale
from gancensus.domains.topology.mapper_graph import Members
from gancensus.domains.topology.node_features import MOST, Effect, _tests, effects, features_of, rank_sum_p
from gancensus.statistics.intervals import deviate
from gancensus.statistics.roc import delong

Floats = NDArray[np.float64]


def value(effect: Effect) -> float:
    assert effect.effect.value is not None
    return effect.effect.value


def samples_of(x: NDArray[np.floating], scale: Scale | None = None, **conditions: NDArray[np.float32]) -> Samples:
    return Samples(x.astype(np.float32), np.arange(len(x)), None, scale, conditions)


def members(inside: NDArray[np.bool_]) -> Members:
    """Nodes (samples, nodes) as pairs."""
    rows, nodes = np.nonzero(inside)
    return Members(rows, nodes, len(inside))


@pytest.mark.parametrize("levels", [2, 5, 10_000])
def test_cliffs_delta_pair_by_pair_and_the_p_value_of_mann_whitney(levels: int) -> None:
    rng = derive_rng(1, levels)
    x = np.round(rng.uniform(size=(300, 3)) * levels)
    inside = rng.random((300, 2)) < [0.3, 0.5]
    delta, p = _tests(features_of(samples_of(x), None), members(inside), 2)
    for node, side in enumerate(inside.T):
        for k, column in enumerate(x.T):
            a, b = column[side], column[~side]
            assert delta[node, k] == pytest.approx(np.sign(a[:, None] - b[None, :]).mean(), abs=1e-12)
            known = mannwhitneyu(a, b, use_continuity=False, method="asymptotic").pvalue
            assert p[node, k] == pytest.approx(known, rel=0.05, abs=1e-4)


@pytest.mark.parametrize(("held", "rare", "n"), [(5, 5, 2000), (20, 20, 2000), (20, 100, 1000), (50, 400, 1000)])
def test_rare_values_are_judged_nearly_as_by_the_exact_law(held: int, rare: int, n: int) -> None:
    """A normal law would give 10^-19 for one of five inside, where it is 0.025.

    Small p-values, which alone are found among many features, are hardly ever too small, and all inside is found.
    """
    x = (np.arange(n) < rare) - rare / n
    hits = np.arange(min(held, rare) + 1)
    sums = np.asarray(hits - held * rare / n, dtype=np.float64)[:, None]
    p = rank_sum_p(sums, np.full((len(hits), 1), held), n, np.array([(x**2).mean()]), np.array([(x**3).mean()]))[:, 0]
    law = hypergeom(n, rare, held)
    exact = np.minimum(1, 2 * np.where(hits > held * rare / n, law.sf(hits - 1), law.cdf(hits)))
    assert (p > 0.19 * exact).all()
    assert (p > 0.6 * exact)[exact < 1e-3].all()
    assert p[-1] < 1e-6


def test_the_interval_is_delongs() -> None:
    rng = derive_rng(2)
    x = np.round(rng.normal(size=(400, 1)) * 3)
    inside = rng.random(400) < 0.25
    x[inside] += 3
    (found,) = effects(features_of(samples_of(x), None), members(inside[:, None]), 1)
    area, variance = delong(x[inside, 0], x[~inside, 0])
    reach = deviate() * np.sqrt(variance)
    assert found.effect.value == pytest.approx(2 * area - 1)
    assert found.effect.low == pytest.approx(2 * (area - reach) - 1)
    assert found.effect.high == pytest.approx(min(1, 2 * (area + reach) - 1))


def test_planted_features_are_found_the_largest_first_and_nothing_else() -> None:
    rng, extra = derive_rng(3), 0
    for _ in range(20):
        x = rng.normal(size=(600, 30))
        inside = np.arange(600)[:, None] // 200 == np.arange(3)
        x[:200, 4] += 3
        x[:200, 7] -= 1.5
        found = effects(features_of(samples_of(x), "space"), members(inside), 3)
        first = [one for one in found if one.node == 0]
        assert [one.feature.name for one in first[:2]] == ["space x4", "space x7"]
        assert value(first[0]) > 0.9 > -0.5 > value(first[1])
        extra += sum(one.feature.name not in ("space x4", "space x7") for one in found)
    assert extra <= 3  # of 1,680 tests


def test_at_most_ten_features_of_a_node_are_kept() -> None:
    rng = derive_rng(4)
    inside = np.arange(400) < 100
    x = rng.normal(size=(400, 15)) + 3 * inside[:, None] * np.linspace(0.5, 1, 15)
    found = effects(features_of(samples_of(x), None), members(inside[:, None]), 1)
    sizes = [value(one) for one in found]
    assert len(found) == 10
    assert sizes == sorted(sizes, reverse=True)


COLUMNS = (
    Column("age", "integer", "a", 20, 80),
    Column("purpose", "nominal", categories=("car", "house", "tour")),
    Column("sex", "binary", categories=("female", "male")),
)


def test_columns_of_a_table_are_named_and_in_their_units() -> None:
    rng = derive_rng(5)
    codes = np.column_stack([rng.integers(20, 50, 500), rng.integers(1, 3, 500), rng.integers(0, 2, 500)])
    codes[:100] = np.column_stack([rng.integers(60, 81, 100), np.zeros(100), np.ones(100)])
    samples = samples_of(encode(COLUMNS, codes), scale_of(COLUMNS))
    found = effects(features_of(samples, None), members((np.arange(500) < 100)[:, None]), 1)
    by_name = {one.feature.name: one for one in found}
    assert list(by_name)[:2] == ["age", "purpose = car"]
    assert set(by_name) == {"age", "purpose = car", "purpose = house", "purpose = tour", "sex = male"}
    age, car = by_name["age"], by_name["purpose = car"]
    assert (age.inside, age.feature.unit) == (np.median(codes[:100, 0]), "a")
    assert age.elsewhere == np.median(codes[100:, 0])
    assert (car.inside, car.elsewhere) == (1, 0)
    assert by_name["sex = male"].elsewhere == pytest.approx(codes[100:, 2].mean(), rel=1e-6)


def test_cells_and_conditions_are_named_and_in_their_units() -> None:
    inside = np.arange(200) < 50
    x = derive_rng(6).uniform(-1, 1, size=(200, 2, 3, 4)).astype(np.float32)
    x[inside, 1, 2, 0] += 2
    energy = np.where(inside, 300, 100) + np.arange(200, dtype=np.float32)
    showers = Samples(x, np.arange(200), None, shower_scale(8.0), {"energy": energy}, {"energy": "GeV"})
    found = effects(features_of(showers, None), members(inside[:, None]), 1)
    assert [(one.feature.name, one.feature.unit) for one in found] == [
        ("cell energy (2, 3, 1)", "GeV"),
        ("energy", "GeV"),
    ]
    assert found[1].inside == np.median(energy[:50])
    assert found[0].inside == pytest.approx(8 * np.median(x[inside, 1, 2, 0]), rel=1e-6)
    images = features_of(samples_of(x[:, 0, :, :], Scale(("value",), ("1",), (0.0,), (255.0,))), None)
    assert images.features[5].name == "pixel (2, 2)"
    assert images.features[5].natural(images.column(5)) == pytest.approx(
        127.5 * (1 + np.median(x[:, 0, 1, 1])), rel=1e-6
    )
    jets = features_of(samples_of(x[:, 0, :, :2], Scale(("pt", "eta"), ("GeV", "1"), (-8, -2), (8, 2))), None)
    assert [(one.name, one.unit) for one in jets.features[2:4]] == [("pt (2)", "GeV"), ("eta (2)", "1")]


def test_of_very_many_values_a_random_choice_is_measured() -> None:
    x = np.zeros((4, 70, 70), dtype=np.float32)
    x[:] = np.arange(4900).reshape(70, 70)
    found = features_of(samples_of(x, None, energy=np.zeros(4, dtype=np.float32)), None)
    assert (len(found.features), found.known) == (MOST + 1, 4901)
    places = [int(found.column(k)[0]) for k in range(MOST)]
    names = [f"pixel ({place // 70 + 1}, {place % 70 + 1})" for place in places]
    assert [one.name for one in found.features] == [*names, "energy"]
    assert len(set(places)) == MOST
    assert found.column(MOST).tolist() == [0] * 4


def test_of_very_many_values_all_channels_are_measured_everywhere() -> None:
    found = features_of(samples_of(np.zeros((2, 64, 64, 3))), None)
    places = np.array([one.name.removeprefix("pixel ").strip("()").split(", ") for one in found.features], dtype=int)
    for rows in np.split(np.arange(1, 65), 4):
        channels = places[np.isin(places[:, 0], rows), 2]
        assert np.bincount(channels, minlength=4)[1:].min() > 270  # of about 341


def test_nothing_is_said_of_equal_values_and_single_samples() -> None:
    x = derive_rng(7).normal(size=(50, 2))
    x[:, 1] = 3
    inside = np.column_stack([np.arange(50) < 1, np.arange(50) < 10])
    _, p = _tests(features_of(samples_of(x), None), members(inside), 2)
    assert np.isfinite(p).tolist() == [[False, False], [True, False]]
    assert effects(features_of(samples_of(x[:, 1:]), None), members(inside), 2) == []
