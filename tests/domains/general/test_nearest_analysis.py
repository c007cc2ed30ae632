"""The analysis of nearest rows: planted generators whose answer is known, judges, decoded rows, figures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from in_memory import InMemory
from matplotlib.text import Text
from numpy.typing import NDArray

from gancensus.contracts.analysis import Context, Judge
from gancensus.contracts.columns import Column, encode
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples, Scale
from gancensus.domains.general.analysis_nearest import Nearest
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.images.source_digits import Digits
from gancensus.domains.tables.generator_tabulargan import Tabulargan
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import svg

Array = NDArray[Any]
RNG = partial(derive_rng, 1, "study", "nearest")
COLUMNS = (
    Column("age", "integer", "years", 20, 80),
    Column("income", "continuous", "EUR", 0, 1000, decimals=1),
    Column("purpose", "nominal", categories=("car", "house", "tv")),
    Column("owner", "binary", categories=("no", "yes")),
)
SCALE = Scale(("a", "i", "p=car", "p=house", "p=tv", "o"), ("1",) * 6, (0.0,) * 6, (1.0,) * 6, COLUMNS)


@cache
def real(count: int = 300, first: int = 0) -> Samples:
    """Rows of a typed table, their sample_id in no order."""
    rng = np.random.default_rng([count, first])
    numbers = [rng.integers(20, 81, count), rng.uniform(0, 1000, count).round(1)]
    x = encode(COLUMNS, np.column_stack([*numbers, rng.integers(0, 3, count), rng.integers(0, 2, count)]))
    return Samples(x, first + rng.permutation(count), None, SCALE)


def made(x: Array, first: int = 10**9) -> InMemory:
    return InMemory(Samples(x.astype(np.float32), first + np.arange(len(x)), None, SCALE))


def young(x: Array) -> Array:
    """A discriminator that calls the young real."""
    return np.where(x[:, 0] < 0, 0.9, 0.5)


def table(
    name: str, generated: Mapping[str, InMemory], judges: Mapping[str, Judge] | None = None, group: int = 1000
) -> dict[str, Array]:
    """A table of the analysis as it is read from its file."""
    known = {"train": InMemory(real(), group), "holdout": InMemory(real(150, 300), group)}
    context = Context(Digits(), {}, judges or {})
    found = Nearest().analyse(name, known, generated, RNG, context)
    schema = Nearest.tables[name].schema
    written = pa.table({key: pa.array(found[key], schema.field(key).type) for key in schema.names}, schema=schema)
    return {key: written[key].to_numpy() for key in schema.names}


def lines(name: str, *args: Any, **options: Any) -> list[dict[str, Any]]:
    return rows(table(name, *args, **options))


def by_group(found: list[dict[str, Any]], population: str) -> dict[str, dict[str, Any]]:
    return {line["group"]: line for line in found if line["population"] == population}


JUDGES: dict[str, Judge] = {"a-0": young, "b-0": young}
REPLAY = made(np.tile(real().x, (2, 1)))
OTHERS = made(real(400, 5000).x)


def test_a_replay_is_at_distance_0_and_passes_as_train_does() -> None:
    found = by_group(lines("nearest", {"a-0": REPLAY}, JUDGES), "a-0")
    assert list(found) == ["fooled", "not fooled", "all"]
    assert {(line["mean_distance"], line["low"], line["high"]) for line in found.values()} == {(0.0, 0.0, 0.0)}
    assert found["fooled"]["rows"] + found["not fooled"]["rows"] == found["all"]["rows"] == 600
    passed = by_group(lines("pass", {"a-0": REPLAY}, JUDGES), "a-0")
    assert list(passed) == ["train", "holdout", "generated", "100 generated"]
    assert passed["generated"]["rate"] == passed["train"]["rate"] == (real().x[:, 0] < 0).mean()
    assert passed["generated"]["passed"] == found["fooled"]["rows"] == 2 * passed["train"]["passed"]
    assert passed["100 generated"]["rows"] == 100
    assert passed["holdout"]["rows"] == 150
    shown = table("rows", {"a-0": REPLAY}, JUDGES)
    mine = {row: shown["value"][shown["row"] == row].tolist() for row in ("generated", "real")}
    assert mine["generated"] == mine["real"]


def test_honest_rows_are_as_near_as_held_out_ones_and_noise_is_farther() -> None:
    noise = made(np.random.default_rng(0).uniform(-1, 1, (400, 6)))
    found = lines("nearest", {"a-0": OTHERS, "b-0": noise}, JUDGES)
    held_out, honest = by_group(found, "holdout")["holdout to train"], by_group(found, "a-0")["all"]
    assert honest["low"] < held_out["high"]
    assert held_out["low"] < honest["high"]
    assert by_group(found, "b-0")["all"]["low"] > 2 * held_out["high"]
    to_real = by_group(found, "train")["real to real"]
    assert to_real["rows"] == 300
    assert to_real["low"] < held_out["mean_distance"] < to_real["high"]


def test_a_collapsed_generator_has_one_nearest_row_for_all() -> None:
    collapsed = made(np.repeat(real().x[:1], 50, axis=0) + 1e-3)
    shown = table("rows", {"a-0": collapsed, "b-0": OTHERS})
    real_row = shown["row"] == "real"
    nearest = {p: set(shown["sample_id"][real_row & (shown["population"] == p)]) for p in ("a-0", "b-0")}
    assert nearest["a-0"] == {real().sample_id[0]}
    assert len(nearest["b-0"]) > 5
    np.testing.assert_allclose(shown["distance"][shown["population"] == "a-0"], 1e-3 * 6**0.5, rtol=1e-3)


def test_of_equally_near_rows_the_one_with_the_smaller_sample_id() -> None:
    x = np.concatenate([real().x[:5]] * 60)
    twins = Samples(x, np.random.default_rng(0).permutation(300), None, SCALE)
    known = {"train": InMemory(twins), "holdout": InMemory(real(150, 300))}
    found = Nearest().analyse("rows", known, {"a-0": made(real().x[:5])}, RNG, Context(Digits(), {}))
    expected = {k: min(twins.sample_id[k::5]) for k in range(5)}
    pairs = list(zip(found["row"], found["sample_id"], strict=True))[:: len(COLUMNS)]
    assert [after[1] for _, after in zip(pairs[::2], pairs[1::2], strict=True)] == list(expected.values())


def test_without_a_discriminator_there_is_one_group() -> None:
    assert list(by_group(lines("nearest", {"a-0": OTHERS}), "a-0")) == ["all"]
    assert lines("pass", {"a-0": OTHERS}) == []
    assert {line["group"] for line in lines("rows", {"a-0": OTHERS})} == {"all"}
    known = {"real", "all", "closest generated", "closest real"}
    assert {line["group"] for line in lines("pca", {"a-0": OTHERS})} == known


def test_a_group_may_be_empty() -> None:
    nobody: dict[str, Judge] = {"a-0": lambda x: np.full(len(x), 0.5)}  # what cannot tell fools nobody
    found = by_group(lines("nearest", {"a-0": OTHERS}, nobody), "a-0")
    assert found["fooled"]["rows"] == 0
    assert found["fooled"]["mean_distance"] is None
    for name in Nearest.tables:
        assert svg(Nearest().draw(name, table(name, {"a-0": OTHERS}, nobody)))


@pytest.mark.parametrize("name", list(Nearest.tables))
def test_depends_neither_on_other_populations_nor_on_row_groups(name: str) -> None:
    both, alone = (lines(name, some, JUDGES) for some in ({"a-0": REPLAY, "b-0": OTHERS}, {"b-0": OTHERS}))
    assert [line for line in both if line["population"] != "a-0"] == alone
    in_groups = {"b-0": InMemory(OTHERS.samples, 17)}
    assert lines(name, in_groups, JUDGES, group=23) == alone


def test_rows_are_decoded_as_a_user_gets_them() -> None:
    x = np.array([[0.007, 0.11114, 0.3, 0.2, -1, -0.2]])
    shown = lines("rows", {"a-0": made(x)})
    generated = {line["column"]: (line["value"], line["unit"]) for line in shown if line["row"] == "generated"}
    assert generated == {
        "age": ("50", "years"),
        "income": ("555.6", "EUR"),
        "purpose": ("car", "1"),
        "owner": ("no", "1"),
    }
    nearest = real().x[np.argmin(((real().x - x.astype(np.float32)) ** 2).sum(axis=1))]
    told = {line["column"]: line["value"] for line in shown if line["row"] == "real"}
    assert told["purpose"] == ("car", "house", "tv")[int(np.argmax(nearest[2:5]))]
    assert told["age"] == f"{50 + 30 * nearest[0]:.0f}"


def test_different_numbers_are_written_differently() -> None:
    income = Column("income", "continuous", "EUR", 0, 100_000)
    scale = Scale(("i",), ("EUR",), (0.0,), (100_000.0,), (income,))
    x = encode([income], np.array([[52338.90], [52341.17]]))
    train, copy, other = (InMemory(Samples(some, np.arange(1), None, scale)) for some in (x[:1], x[:1], x[1:]))
    known = {"train": train, "holdout": train}
    for generated, equal in ((copy, True), (other, False)):
        shown = Nearest().analyse("rows", known, {"a-0": generated}, RNG, Context(Digits(), {}))
        assert (shown["value"][0] == shown["value"][1]) == equal
        figure = Nearest().draw("rows", {name: np.array(values) for name, values in shown.items()})
        bold = {text.get_text() for text in figure.findobj(Text) if text.get_fontweight() == "bold"}
        assert (shown["value"][0] in bold) == equal


def test_ten_rows_of_each_group_are_shown() -> None:
    shown = lines("rows", {"a-0": OTHERS}, JUDGES)
    for group in ("fooled", "not fooled"):
        mine = {
            (line["number"], line["sample_id"])
            for line in shown
            if (line["group"], line["row"]) == (group, "generated")
        }
        assert [number for number, _ in sorted(mine)] == list(range(1, 11))
        ages = OTHERS.samples.x[[sample_id - 10**9 for _, sample_id in mine], 0]
        assert ((ages < 0) == (group == "fooled")).all()


def test_the_plane_is_that_of_train_alone() -> None:
    found = table("pca", {"a-0": OTHERS}, JUDGES)
    train = real().x.astype(np.float64)
    _, sizes, axes = np.linalg.svd(train - train.mean(axis=0), full_matrices=False)
    mine = np.isin(found["group"], ["fooled", "not fooled"])
    x = OTHERS.samples.x[found["sample_id"][mine] - 10**9]
    expected = (x - train.mean(axis=0)) @ axes[:2].T
    np.testing.assert_allclose(np.abs(found["pc1"][mine]), np.abs(expected[:, 0]), atol=1e-6)
    np.testing.assert_allclose(np.abs(found["pc2"][mine]), np.abs(expected[:, 1]), atol=1e-6)
    shares = sizes**2 / (sizes**2).sum()
    np.testing.assert_allclose([found["pc1_share"][0], found["pc2_share"][0]], shares[:2])
    assert (found["group"] == "real").sum() == 300
    many = made(np.tile(OTHERS.samples.x, (4, 1)))
    assert np.isin(table("pca", {"a-0": many}, JUDGES)["group"], ["fooled", "not fooled"]).sum() == 1000


def test_closest_pairs_are_the_closest() -> None:
    found = table("pca", {"a-0": OTHERS})
    between = np.sqrt(((OTHERS.samples.x[:, None].astype(float) - real().x) ** 2).sum(axis=2))
    pairs = zip(*(found["sample_id"][found["group"] == f"closest {row}"] for row in ("generated", "real")), strict=True)
    place = {int(sample_id): k for k, sample_id in enumerate(real().sample_id)}
    distance = [between[one - 10**9, place[int(other)]] for one, other in pairs]
    np.testing.assert_allclose(distance, np.sort(between.min(axis=1))[:10])


def test_one_column_has_a_plane_too() -> None:
    samples = {name: InMemory(Samples(real().x[:, :1], real().sample_id)) for name in ("train", "holdout")}
    found = Nearest().analyse("pca", samples, {"a-0": samples["train"]}, RNG, Context(Digits(), {}))
    assert set(found["pc2"]) == {0.0}
    assert found["pc1_share"][0] == pytest.approx(1)


def test_images_have_distances_but_no_rows() -> None:
    images = InMemory(Samples(np.random.default_rng(0).random((40, 2, 3), dtype=np.float32), np.arange(40)))
    known = {"train": images, "holdout": images}
    context = Context(Digits(), {})
    found = Nearest().analyse("nearest", known, {"a-0": images}, RNG, context)
    assert found["mean_distance"][-1] == 0
    shown = Nearest().analyse("rows", known, {"a-0": images}, RNG, context)
    assert shown["value"] == []
    figure = Nearest().draw("rows", {name: np.array(values) for name, values in shown.items()})
    assert "the samples are not rows of a table" in {text.get_text() for text in figure.findobj(Text)}


def test_figures_say_what_the_tables_hold() -> None:
    generated = {"a-0": REPLAY, "b-0": OTHERS}
    texts = {}
    for name in Nearest.tables:
        found = table(name, generated, JUDGES)
        figure = Nearest().draw(name, found)
        texts[name] = " | ".join(text.get_text() for text in figure.findobj(Text))
        assert svg(figure) == svg(Nearest().draw(name, found))
    assert "holdout to train: 0." in texts["nearest"]
    assert "of 150" in texts["pass"]
    assert "income (EUR)" in texts["rows"]
    assert "of the variance" in texts["pca"]


def test_a_discriminator_is_judged_as_its_layers_say() -> None:
    """The layers of the tabular GAN by hand: dense, LeakyReLU, dense, LeakyReLU, dense, sigmoid; no dropout."""
    gan = Tabulargan(epochs=2)
    weights = gan.train(real(), 1, "cpu").weights
    names = [name for name in weights if name.startswith("discriminator.")]
    x = real().x.astype(np.float64)
    for k, name in enumerate(sorted({name.rpartition(".")[0] for name in names})):
        x = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        x = np.where(x > 0, x, 0.2 * x) if k < 2 else x
    found = gan.judge(weights, real().x, "cpu")
    assert found.shape == (300,)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-x[:, 0])), rtol=1e-5)
    assert (gan.judge(weights, real().x, "cpu") == found).all()
    assert (gan.judge(weights, real().x[:256], "cpu") == found[:256]).all()  # whole blocks


def test_a_discriminator_of_images_judges_images() -> None:
    gan = Dcgan(epochs=1, batch=16)
    samples = Digits().load(0).take(slice(0, 32))
    found = gan.judge(gan.train(samples, 1, "cpu").weights, samples.x, "cpu")
    assert found.shape == (32,)
    assert ((found > 0) & (found < 1)).all()
