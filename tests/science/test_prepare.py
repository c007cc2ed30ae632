from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gancensus.contracts.columns import decode
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import LazySamples, Samples
from gancensus.domains.general.source_files import Files
from gancensus.domains.tables.source_csv import Csv
from gancensus.training.splits import divided, split


@given(st.integers(6, 500), st.tuples(*[st.integers(2, 200) | st.floats(0.01, 0.99)] * 3), st.integers(0, 9))
def test_splits_are_disjoint_ascending_and_of_their_size(
    samples: int, sizes: tuple[float, float, float], seed: int
) -> None:
    asked = dict(zip("abc", sizes, strict=True))
    counts = {name: size if size >= 1 else int(size * samples + 1e-9) for name, size in asked.items()}
    if sum(counts.values()) > samples or min(counts.values()) < 2:
        with pytest.raises(UserError):
            split(samples, asked, derive_rng(seed))
        return
    rows = split(samples, asked, derive_rng(seed))
    assert {name: len(row) for name, row in rows.items()} == counts
    everything = np.concatenate(list(rows.values()))
    assert len(np.unique(everything)) == len(everything)
    assert everything.min() >= 0
    assert everything.max() < samples
    assert all((np.diff(row) > 0).all() for row in rows.values())


@pytest.mark.parametrize("samples", [20, 30, 70, 90, 1790])
def test_shares_that_make_a_whole_use_every_sample(samples: int) -> None:
    rows = split(samples, {"a": 0.7, "b": 0.2, "c": 0.1}, derive_rng(1))
    np.testing.assert_array_equal(np.sort(np.concatenate(list(rows.values()))), np.arange(samples))


def test_what_a_model_has_learned_from_comes_first() -> None:
    """The other parts are random rows of the rest."""
    drawn = [split(50, {"train": 20, "calibrate": 10, "holdout": 10}, derive_rng(seed), True) for seed in range(200)]
    for rows in drawn:
        np.testing.assert_array_equal(rows["train"], np.arange(20))
        assert len(np.union1d(rows["calibrate"], rows["holdout"])) == 20
    seen = np.concatenate([rows["holdout"] for rows in drawn])
    np.testing.assert_array_equal(np.unique(seen), np.arange(20, 50))


def test_every_sample_is_as_likely_to_be_drawn() -> None:
    drawn = np.zeros(20)
    for seed in range(2000):
        drawn[split(20, {"a": 5}, derive_rng(seed))["a"]] += 1
    assert np.abs(drawn - 500).max() < 5 * np.sqrt(2000 * 0.25 * 0.75)


def test_too_much_and_too_little_say_so_in_one_line() -> None:
    with pytest.raises(UserError) as much:
        split(10, {"train": 8, "holdout": 0.4}, derive_rng(0))
    assert str(much.value) == (
        "splits ask for train 8 + holdout 4 = 12 samples, but the source has 10; "
        "lower them (below 1, a size is a share of all samples)"
    )
    with pytest.raises(UserError) as little:
        split(10, {"train": 8, "holdout": 0.1}, derive_rng(0))
    assert str(little.value) == "split holdout would have 1 of 10 samples; a pair needs at least two"


@pytest.mark.parametrize("sizes", [{"a": 0.5, "b": 0.25, "c": 0.25}, {"a": 300, "b": 40, "c": 50}])
@pytest.mark.parametrize("first", [False, True])
def test_rows_that_belong_together_are_in_one_split(sizes: dict[str, float], first: bool) -> None:
    """The first split has all rows of its groups, the others one of each of theirs."""
    rng = np.random.default_rng(0)
    group = np.sort(rng.integers(200, size=800)) if first else rng.integers(200, size=800)
    number = len(np.unique(group))
    found = split(len(group), sizes, rng, first, group)
    of = {name: set(group[rows].tolist()) for name, rows in found.items()}
    assert of["a"].isdisjoint(of["b"] | of["c"])
    assert of["b"].isdisjoint(of["c"])
    whole = 2 * (number - len(of["a"])) if first else number
    counts = {name: int(size * whole) if size < 1 else int(size) for name, size in sizes.items()}
    assert [len(found[name]) for name in "bc"] == [len(of[name]) for name in "bc"] == [counts["b"], counts["c"]]
    assert all((np.diff(rows) > 0).all() for rows in found.values())
    if first:
        np.testing.assert_array_equal(found["a"], np.arange(400 if sizes["a"] < 1 else 300))
    else:
        assert set(np.flatnonzero(np.isin(group, list(of["a"]))).tolist()) == set(found["a"].tolist())
        assert len(of["a"]) == counts["a"] if sizes["a"] < 1 else 290 < len(found["a"]) <= 300


def test_too_few_groups_are_told() -> None:
    with pytest.raises(UserError) as few:
        split(100, {"train": 50, "calibrate": 10, "holdout": 10}, derive_rng(0), group=np.arange(100) // 5)
    assert str(few.value) == (
        "splits ask for calibrate 10 + holdout 10 samples, one of each group, but beside train 10 of 20 groups are "
        "left; lower them (below 1, a size is a share of all groups)"
    )
    with pytest.raises(UserError, match="beside train 0 of 20 groups are left"):
        split(100, {"train": 500, "calibrate": 10, "holdout": 10}, derive_rng(0), True, np.arange(100) // 5)


def test_no_sample_learns_where_nothing_is_trained() -> None:
    sizes = {"train": 0.0, "calibrate": 0.5, "holdout": 0.5}
    rows = split(50, sizes, derive_rng(1))
    assert [len(one) for one in rows.values()] == [0, 25, 25]
    np.testing.assert_array_equal(np.sort(np.concatenate(list(rows.values()))), np.arange(50))
    group = np.repeat(np.arange(30), 2)
    rows = split(60, sizes, derive_rng(1), group=group)
    assert [len(one) for one in rows.values()] == [0, 15, 15]
    assert len(np.unique(group[np.concatenate([rows["calibrate"], rows["holdout"]])])) == 30


HALVES = {"train": 0.0, "calibrate": 0.5, "holdout": 0.5}


def _source(folder: Path, x: np.ndarray, name: str) -> Files | Csv:
    """Return a source of rows, in an array or in a table of numbers of three decimals."""
    if name == "array":
        np.save(folder / "x.npy", x)
        return Files(path=folder / "x.npy")
    header = ",".join(f"c{k}" for k in range(x.shape[1]))
    np.savetxt(folder / "x.csv", x, fmt="%.3f", delimiter=",", header=header, comments="")
    return Csv(path=folder / "x.csv")


def _values(real: Samples | LazySamples, rows: np.ndarray) -> np.ndarray:
    return real.take(rows).x.astype(np.float64)


def _mean_square(x: np.ndarray) -> float:
    """Return the mean squared distance of pairs."""
    return float(2 * x.var(axis=0, ddof=1).sum())


@pytest.mark.parametrize("name", ["array", "table"])
def test_held_out_rows_are_as_far_apart_as_independent_ones(tmp_path: Path, name: str) -> None:
    """By ranges of all real rows they are nearer: their mean squared distance here is smaller by 9 %."""
    x = np.random.default_rng(1).exponential(size=(120, 600))
    real, rows = divided(_source(tmp_path, x[:80], name), HALVES, False, seed=3)
    calibrate, holdout = (_values(real, rows[part]) for part in ("calibrate", "holdout"))
    assert calibrate.min() == -1
    assert calibrate.max() == 1
    assert real.scale is not None
    fresh = real.scale.encode(x[80:])
    assert _mean_square(holdout) / _mean_square(fresh) == pytest.approx(1, abs=0.06)
    assert _mean_square(calibrate) / _mean_square(fresh) < 0.9  # ranges of its own: the effect is there


@pytest.mark.parametrize("name", ["array", "table"])
def test_a_held_out_value_sets_no_scale(tmp_path: Path, name: str) -> None:
    x = np.random.default_rng(2).normal(size=(40, 3)).round(3)
    real, rows = divided(_source(tmp_path, x, name), HALVES, False, seed=3)
    usual = _values(real, rows["calibrate"])
    x[rows["holdout"][0]] = 50.0
    again, _ = divided(_source(tmp_path, x, name), HALVES, False, seed=3)
    np.testing.assert_array_equal(_values(again, rows["calibrate"]), usual)
    assert again.scale == real.scale
    x[rows["calibrate"][0]] = 50.0
    again, _ = divided(_source(tmp_path, x, name), HALVES, False, seed=3)
    assert np.median(np.ptp(_values(again, rows["holdout"][1:]), axis=0)) < 0.2


def test_training_rows_set_no_scale_either(tmp_path: Path) -> None:
    """Else generated rows would be nearer to them than to held-out ones, and look like copies."""
    x = np.random.default_rng(4).normal(size=(60, 5))
    real, rows = divided(_source(tmp_path, x, "array"), {"train": 20, "calibrate": 20, "holdout": 20}, False, seed=0)
    assert np.ptp(_values(real, rows["calibrate"]), axis=0) == pytest.approx(2)


@pytest.mark.parametrize("few", [0, 1, 4])
def test_a_number_that_hardly_varies_where_scales_are_set_weighs_as_most_others(tmp_path: Path, few: int) -> None:
    """Whether it is constant there, or a few rows say little of how far it reaches."""
    x = np.random.default_rng(5).uniform(0, 255, size=(40, 4))
    x[:, 3] = 7.0
    rows = divided(_source(tmp_path, x, "array"), HALVES, False, seed=3)[1]
    x[rows["calibrate"][:few], 3] = 7.01
    x[rows["holdout"][0], 3] = 134.5
    real, _ = divided(_source(tmp_path, x, "array"), HALVES, False, seed=3)
    last = _values(real, rows["holdout"])[:, 3]
    half = np.median(np.ptp(x[rows["calibrate"], :3], axis=0) / 2)
    assert last[1:] == pytest.approx(0, abs=1e-6)
    assert last[0] == pytest.approx(127.5 / half)


def test_an_amount_that_is_rarely_not_zero_has_the_ends_of_training_rows_too(tmp_path: Path) -> None:
    """A table's columns have units of their own, so no other column says how far it reaches."""
    x = np.random.default_rng(8).uniform(0, 9, size=(120, 3))
    x[:, 2] = 0
    sizes = {"train": 60, "calibrate": 30, "holdout": 30}
    rows = divided(_source(tmp_path, x, "table"), sizes, False, seed=3)[1]
    x[rows["train"][:2], 2], x[rows["holdout"][0], 2] = (5000, 1000), 2000
    for few in (0, 2):
        x[rows["calibrate"][:few], 2] = 10
        real, _ = divided(_source(tmp_path, x, "table"), sizes, False, seed=3)
        assert real.scale is not None
        assert (real.scale.low[2], real.scale.high[2]) == (0, 5000)
    x[rows["calibrate"][:5], 2] = 10
    real, _ = divided(_source(tmp_path, x, "table"), sizes, False, seed=3)
    assert real.scale is not None
    assert (real.scale.low[2], real.scale.high[2]) == (0, 10)


@pytest.mark.parametrize(("name", "place"), [("array", "sample 7 is"), ("table", "line 9")])
def test_a_value_that_float32_cannot_hold_is_named_by_its_row_in_the_file(
    tmp_path: Path, name: str, place: str
) -> None:
    x = np.random.default_rng(9).uniform(0, 1, size=(40, 3))
    source = _source(tmp_path, x, name)
    rows = divided(source, HALVES, False, seed=0)[1]
    assert 7 in rows["holdout"]
    x[7, 1] = 1e300
    source = _source(tmp_path, x, name)
    with pytest.raises(UserError, match=f"{place}.* too far from"):
        real = divided(source, HALVES, False, seed=0)[0]
        real.take(rows["holdout"])


def test_whole_numbers_stay_exact_beyond_the_ends_that_some_rows_set(tmp_path: Path) -> None:
    """Of more steps than float32 tells apart there, all real rows set the ends; decimals are left as they are."""
    n = 400
    many = np.random.default_rng(6).integers(0, 2**25 - 4, size=n)
    few = np.random.default_rng(7).integers(0, 2**22, size=n)
    lines = [f"{a},{b},{c / 1e7:.7f}" for a, b, c in zip(many, few, many, strict=True)]
    (tmp_path / "x.csv").write_text("many,few,decimals\n" + "\n".join(lines) + "\n")
    real, rows = divided(Csv(path=tmp_path / "x.csv"), {"train": 0.5, "calibrate": 20, "holdout": 0.45}, False, seed=0)
    assert real.scale is not None
    columns = {one.name: one for one in real.scale.columns}
    assert (columns["many"].low, columns["many"].high) == (many.min(), many.max())
    assert (columns["few"].low, columns["few"].high) == (few[rows["calibrate"]].min(), few[rows["calibrate"]].max())
    assert columns["decimals"].high == many[rows["calibrate"]].max() / 1e7
    shown = decode(real.scale.columns, real.take(np.arange(n)).x)
    np.testing.assert_array_equal(shown[:, 0], many)
    np.testing.assert_array_equal(shown[:, 1], few)
    np.testing.assert_allclose(shown[:, 2], many / 1e7, atol=1e-6)
