"""Analysis correlation: planted encoders, intervals that know of jets and of trainings, and what the table says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from in_memory import InMemory
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.spatial.distance import pdist, squareform

from gancensus.contracts.analysis import Context
from gancensus.contracts.encoder import Encoder, FittedEncoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.source import Source
from gancensus.domains.general.encoder_pca import Pca
from gancensus.domains.images.source_digits import Digits
from gancensus.domains.jets import correlation as science
from gancensus.domains.jets.analysis_correlation import Correlation
from gancensus.domains.jets.correlation import PIXELS, Layer, Sampled, Target
from gancensus.domains.jets.networks import by_loss, deeper, networks
from gancensus.domains.jets.toys import images_of, toy_jets
from gancensus.plotting.numbers import rows as rows_of_table
from gancensus.plotting.style import svg
from gancensus.statistics import pair_correlation as pairs

Floats = NDArray[np.float64]
Images = NDArray[np.float32]

RNG = partial(derive_rng, 1, "study", "correlation")
SIDE = 20
PIXEL = 2.0 / SIDE


class Planted(Encoder):
    """A network whose layers and reconstructions are functions of the images."""

    kind: str = "planted"
    blocks: int = 1
    restores = True
    trained_by: ClassVar[Literal["mse", "emd"] | None] = "mse"
    beta: float = 0.0
    epochs: int = 1

    def layers(self, weights: Mapping[str, Any], x: Images, device: str) -> dict[str, NDArray[np.float32]]:
        blocks = {f"block{k + 1}": x for k in range(self.blocks)}
        return {**blocks, "latent": weights["layer"](x)}

    def restore(self, weights: Mapping[str, Any], x: Images, device: str) -> NDArray[np.float32]:
        found: NDArray[np.float32] = weights["restore"](x)
        return found


class ByTransport(Planted):
    kind: str = "transported"
    trained_by = "emd"


class Jets(Digits):
    """A source that names its classes and what it has done."""

    kind: Literal["jets"] = "jets"  # type: ignore[assignment]

    @property
    def classes(self) -> Mapping[int, str]:
        return {0: "QCD", 1: "top"}

    @property
    def preprocessing(self) -> str | None:
        return "centre, flip"


def position(x: Images) -> Images:
    """The centre of an image: of a single pixel its position."""
    at = np.indices(x.shape[1:]).reshape(2, -1)
    weight = x.reshape(len(x), -1)
    return np.asarray(weight @ at.T / weight.sum(axis=1, keepdims=True), dtype=np.float32)


def same(x: Images) -> Images:
    return x


def model(encoder: Encoder, layer: Callable[[Images], Images], restore: Callable[[Images], Images] = same) -> Any:
    return FittedEncoder(encoder, {"layer": layer, "restore": restore})  # type: ignore[dict-item]


def single_pixels(count: int, seed: int = 0) -> Samples:
    """Images of one pixel each, of different brightness."""
    rng = np.random.default_rng(seed)
    x = np.zeros((count, SIDE, SIDE), dtype=np.float32)
    x[np.arange(count), *rng.integers(0, SIDE - 1, (2, count))] = rng.uniform(0.1, 1, count)
    return Samples(x, np.arange(count))


def table(
    samples: Samples,
    models: Mapping[str, FittedEncoder],
    name: str = "correlation",
    source: Source | None = None,
    **keys: Any,
) -> list[dict[str, Any]]:
    analysis = Correlation(encoders=list(models), **{"bootstrap": 200, **keys})
    context = Context(source or Jets(), {}, models=models)
    assert analysis.refuses(context) is None
    found = analysis.analyse(name, {"holdout": InMemory(samples, 7)}, {}, RNG, context)
    assert list(found) == analysis.tables[name].schema.names
    return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]


def only(every: Sequence[Mapping[str, Any]], **about: Any) -> Mapping[str, Any]:
    (one,) = [row for row in every if all(row[key] == value for key, value in about.items())]
    return one


def test_an_isometric_latent_space_has_correlation_one_and_a_random_one_none() -> None:
    """Between single pixels W_1 is their distance, whatever they weigh; W_1/2 with the root is it, too."""
    noise = np.random.default_rng(1).standard_normal((40, 2)).astype(np.float32)
    models = {"exact": model(Planted(), position), "random": model(Planted(blocks=2), lambda x: noise[: len(x)])}
    found = table(single_pixels(40), models)
    for p, root in ((1.0, None), (0.5, True)):
        exact = only(found, encoder="exact", layer="latent", p=p, root=root)
        assert exact["pearson"] == pytest.approx(1, abs=1e-6)
        assert (
            exact["pearson_low"] == pytest.approx(1, abs=1e-4) and exact["spearman"] > 0.999
        )  # equal distances differ in last bits
        random = only(found, encoder="random", layer="latent", p=p, root=root)
        assert abs(random["pearson"]) < random["null"] < 0.3
        assert random["pearson_low"] < 0 < random["pearson_high"]
    rootless = only(found, encoder="exact", layer="latent", p=0.5, root=False)
    assert 0.9 < rootless["pearson"] < 0.999 and rootless["spearman"] > 0.999
    assert {row["preprocessing"] for row in found} == {"centre, flip"}
    assert {(row["jets"], row["pairs"]) for row in found if row["layer"] == "image"} == {(40, 780)}


def test_pixels_are_compared_squared_and_not() -> None:
    rng = np.random.default_rng(2)
    samples = Samples(images_of(toy_jets(np.ones(40, np.int64), 60, rng), SIDE, 2.0), np.arange(40))
    found = table(samples, {"a": model(Planted(), position)}, p=[1])
    distance = pdist(samples.x.reshape(40, -1).astype(np.float64))
    transport = [row["pearson"] for row in found if row["layer"] == "image"]
    root, squared = (only(found, layer="image", squared=square) for square in (False, True))
    assert transport == [root["pearson"], squared["pearson"]]
    assert squared["above"] == pytest.approx(squared["pearson"] - root["pearson"]) and squared["beside"] == PIXELS
    assert squared["above_low"] < squared["above"] < squared["above_high"]
    assert root["above"] is None and root["beside"] is None
    assert root["spearman"] == pytest.approx(squared["spearman"])
    assert squared["published"] == 0.44 and root["published"] is None
    block = only(found, encoder="a", layer="block1")  # which returns its images
    assert block["pearson"] == pytest.approx(root["pearson"]) and block["above"] == pytest.approx(0, abs=1e-9)
    assert len(distance) == squared["pairs"]


def test_a_reconstruction_is_as_far_as_its_weight_has_moved() -> None:
    """Pixel k moves by k % 3 columns and gets brighter: W_1 is the way, and the MSE follows from the values."""
    samples = single_pixels(30, seed=3)

    def moved(x: Images) -> Images:
        found = np.stack([2 * np.roll(one, k % 3, axis=1) for k, one in enumerate(x)]) - np.float32(0.01)
        found[found < 0] = -0.01
        return found

    from gancensus.domains.jets.correlated import Asked

    asked = Asked.of(InMemory(samples), None, 30, RNG("jets"), (1.0, 0.5), 2.0)
    squares, costs = asked.restored(model(Planted(), position, moved))
    inside = [k for k in range(30) if samples.x[k].argmax() % SIDE + k % 3 < SIDE]
    way = np.arange(30) % 3 * PIXEL
    assert len(inside) > 20
    assert costs[Target(1.0, None)][inside] == pytest.approx(way[inside], abs=1e-6)
    assert costs[Target(0.5, False)][inside] == pytest.approx(np.sqrt(way[inside]), abs=1e-6)
    assert costs[Target(0.5, True)][inside] == pytest.approx(way[inside], abs=1e-6)
    expected = np.square(moved(samples.x).astype(np.float64) - samples.x).sum(axis=(1, 2))
    assert squares == pytest.approx(expected, rel=1e-5)


def test_jets_of_which_nothing_is_restored_are_left_out() -> None:
    def dark(x: Images) -> Images:
        found = np.roll(x, 1, axis=1) * np.linspace(0.2, 1, len(x), dtype=np.float32)[:, None, None]
        found[:5] = -1
        return found

    found = table(single_pixels(30), {"a": model(Planted(), position, dark)}, p=[0.5])
    restored = [row for row in found if row["layer"] == "reconstruction" and row["encoder"]]
    assert [(row["jets"], row["pairs"], row["above"]) for row in restored] == [(25, 25, None)] * 4
    assert {row["squared"] for row in restored} == {False, True}


def test_a_mean_is_over_the_trainings_that_restore_enough() -> None:
    """The first training restores 5 images, too few; the others all 30."""

    def dark(x: Images) -> Images:
        return np.where(np.arange(len(x))[:, None, None] < 5, x, -1)

    def moved(x: Images, by: int) -> Images:
        return np.roll(x, by, axis=1) * np.linspace(0.2, 1, len(x), dtype=np.float32)[:, None, None]

    models = {
        "first": model(Planted(), position, dark),
        "second": model(Planted(), position, partial(moved, by=1)),
        "third": model(Planted(), position, partial(moved, by=2)),
    }
    found = table(single_pixels(30), models, p=[0.5])
    for squared, root in ((False, False), (True, True)):
        about = {"layer": "reconstruction", "squared": squared, "root": root}
        singles = [only(found, encoder=name, **about)["pearson"] for name in ("second", "third")]
        mean = only(found, encoder=None, **about)
        assert (mean["replicas"], mean["jets"]) == (2, 30)
        assert mean["pearson"] == pytest.approx(np.tanh(np.mean(np.arctanh(singles))))
        assert mean["pearson_low"] < mean["pearson"] < mean["pearson_high"]
    assert {row["replicas"] for row in found if row["encoder"] is None and row["layer"] == "latent"} == {3}


def test_what_is_equally_far_for_all_pairs_has_no_correlation() -> None:
    """Of a collapsed latent space, and of single pixels of one brightness: the images are all sqrt(2) apart."""

    def collapsed(x: Images) -> Images:
        return np.full((len(x), 2), 0.3, np.float32)

    models = {
        "one": model(Planted(), position),
        "two": model(Planted(), lambda x: position(x) ** 2),
        "deep": model(Planted(blocks=2), collapsed),
        "again": model(Planted(blocks=2), collapsed),
    }
    samples = single_pixels(30)
    found = table(samples, models, p=[1])
    flat = [row for row in found if row["layer"] == "latent" and row["blocks"] == 2 and not row["question"]]
    assert len(flat) == 3
    ends = [f"{name}{end}" for name in ("pearson", "spearman", "above") for end in ("", "_low", "_high")]
    assert {row[name] for row in flat for name in [*ends, "null"]} == {None}
    sound = only(found, encoder=None, layer="latent", blocks=1, question=None)
    assert sound["pearson_low"] < sound["pearson"] < sound["pearson_high"]
    said, unjudged = _said(found)
    assert [("pixels" in one, "blocks 1" in one) for one in said] == [(True, True)]
    assert sum("not defined where all distances are equal" in sentence for sentence in unjudged) == 3
    assert not any("trained twice" in sentence for sentence in unjudged)
    images = Samples((samples.x > 0).astype(np.float32), samples.sample_id)
    alike = only(table(images, models, p=[1]), layer="image", squared=False)
    assert alike["pearson"] is alike["pearson_low"] is alike["null"] is None
    for name in ("correlation", "pairs"):
        rows = table(images, models, name)
        columns = {key: np.array([row[key] for row in rows], dtype=object) for key in rows[0]}
        assert svg(Correlation(encoders=["a"]).draw(name, columns))


def test_layers_that_are_not_finite_are_refused() -> None:
    bad = model(Planted(), lambda x: position(x) * np.float32(np.nan))
    with pytest.raises(UserError, match="encoder bad: its layer latent of 20 jets is not finite"):
        table(single_pixels(20), {"bad": bad})


def test_the_scale_of_the_samples_does_not_matter() -> None:
    samples = single_pixels(25)
    scaled = Samples(samples.x * 4 - 1, samples.sample_id, scale=Scale(("value",), ("1",), (0.0,), (0.5,)))
    decoded = model(Planted(), lambda x: position((x + 1) / np.float32(4)), same)
    plain, other = table(samples, {"a": model(Planted(), position)}), table(scaled, {"a": decoded})
    for one, two in zip(plain, other, strict=True):
        if one["layer"] != "reconstruction":
            assert two["pearson"] == pytest.approx(one["pearson"], abs=1e-5)


def test_replicas_are_pooled_with_the_spread_of_trainings() -> None:
    """Coverage of means of two trainings each, for other jets and other trainings: at least 90 %, as of differences.

    Intervals of single trainings, which know of other jets alone, hold that mean in less than half of the cases.
    """
    rng, held, narrow, equal = np.random.default_rng(4), 0, 0, 0
    encoders: dict[str, Encoder] = {f"{k}{copy}": Planted(epochs=k + 1) for k in range(4) for copy in "ab"}
    encoders |= {"emd a": ByTransport(), "emd b": ByTransport()}
    target = Target(1.0, None)

    def world(n: int, count: int) -> tuple[Floats, list[Floats]]:
        """Transport of points, and distances in trainings that see a direction more or less well."""
        points = rng.standard_normal((n, 3))
        seen = [points * np.exp(0.35 * rng.standard_normal(3)) for _ in range(count)]
        return squareform(pdist(points)), [squareform(pdist(one)) for one in seen]

    def plain(x: Floats, y: Floats) -> float:
        ones = np.ones((1, len(x)))
        return pairs.plain_pearson(pairs.weighted(x, ones), pairs.weighted(y, ones))

    large = [world(400, 20) for _ in range(6)]
    truth = np.tanh(np.mean([np.arctanh(plain(x, y)) for y, every in large for x in every]))
    for _ in range(60):
        transport, seen = world(50, len(encoders))
        layers = [(Layer(name, "latent", False), one) for name, one in zip(encoders, seen, strict=True)]
        counts, order = pairs.resamples(50, 100, rng), pairs.orders(50, 2, rng)
        found = science.table(science.measure(layers, {target: transport}, counts, order), networks(encoders))
        for row in found:
            if row.get("question"):
                equal += row["above_low"] < 0 < row["above_high"]
            elif row["encoder"] is None:
                held += row["pearson_low"] < truth < row["pearson_high"]
            else:
                narrow += row["pearson_low"] < truth < row["pearson_high"]
    assert 0.9 <= held / 300 <= 0.99
    assert 0.9 <= equal / 240 <= 0.99
    assert narrow / 600 < 0.5


def test_means_are_those_of_the_trainings_and_single_trainings_have_no_interval() -> None:
    samples = single_pixels(30)
    noise = np.random.default_rng(5).standard_normal((2, 30, 2)).astype(np.float32)
    models = {name: model(Planted(), lambda x, k=k: position(x) + 3 * noise[k]) for k, name in enumerate("ab")}  # type: ignore[misc]
    both = table(samples, models, p=[1])
    singles = [only(both, encoder=name, layer="latent")["pearson"] for name in "ab"]
    mean = only(both, encoder=None, layer="latent", replicas=2)
    assert mean["pearson"] == pytest.approx(np.tanh(np.mean(np.arctanh(singles))))
    image = only(both, layer="image", squared=False)["pearson"]
    assert mean["above"] == pytest.approx(np.mean(singles) - image)
    assert mean["pearson_low"] < mean["pearson"] < mean["pearson_high"]
    alone = only(table(samples, {"a": models["a"]}, p=[1]), encoder=None, layer="latent", replicas=1)
    assert alone["pearson"] == pytest.approx(singles[0])
    assert alone["pearson_low"] is alone["above_low"] is None


def test_networks_are_named_by_what_they_differ_in() -> None:
    encoders: dict[str, Encoder] = {
        "a": Planted(blocks=1),
        "b": Planted(blocks=2),
        "c": Planted(blocks=3),
        "again": Planted(blocks=1),
        "d": ByTransport(blocks=2, beta=0.5),
        "e": ByTransport(blocks=2),
    }
    found = networks(encoders)
    assert [one.name for one in found] == [
        "planted, blocks 1, beta 0.0",
        "planted, blocks 2, beta 0.0",
        "planted, blocks 3, beta 0.0",
        "transported, blocks 2, beta 0.5",
        "transported, blocks 2, beta 0.0",
    ]
    assert [one.family for one in found] == ["planted, beta 0.0"] * 3 + [f"transported, beta {b}" for b in (0.5, 0.0)]
    assert found[0].encoders == ("a", "again")
    assert [(a.encoders[0], b.encoders[0]) for a, b in deeper(found)] == [("b", "a"), ("c", "b"), ("c", "a")]
    assert [(a.encoders[0], b.encoders[0]) for a, b in by_loss(found)] == [("e", "b")]  # of one beta
    assert [one.name for one in networks({"a": Planted(), "b": Planted()})] == ["planted"]


def _planted(correlations: Mapping[str, Mapping[str, Sequence[float]]], jets: float = 0.01) -> list[dict[str, Any]]:
    """The table of encoders NAME-BLOCKS-COPY with these correlations by layer, of p = 1."""
    rng = np.random.default_rng(6)
    encoders: dict[str, Encoder] = {}
    found = {(Layer(None, "image", False), Target(1.0, None)): _measured(0.5, jets, rng)}
    for name, layers in correlations.items():
        kind, blocks = name.split("-")
        for copy in range(len(layers["latent"])):
            encoder = {"mse": Planted, "emd": ByTransport}[kind](blocks=int(blocks))
            encoders[f"{name}-{copy}"] = encoder
            for layer, values in layers.items():
                key = Layer(f"{name}-{copy}", layer, False), Target(1.0, None)
                found[key] = _measured(values[copy], jets, rng)
    return science.table(found, networks(encoders))


def _measured(value: float, spread: float, rng: np.random.Generator) -> science.Measured:
    sampled = Sampled(value, value + spread * rng.standard_normal(500))
    return science.Measured(sampled, sampled, 0.1, 100)


def _said(found: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    names = Correlation.tables["correlation"].schema.names
    columns = {name: np.array([row.get(name) for row in found], dtype=object) for name in names}
    analysis = Correlation(encoders=["a"])
    assert len(rows_of_table(columns)) == len(found)
    return analysis.findings(columns), analysis.unjudged("correlation", columns)


def test_claims_are_found_where_they_are_so() -> None:
    claimed = {
        "mse-1": {"block1": (0.80, 0.81), "latent": (0.68, 0.681)},
        "mse-2": {"block1": (0.70, 0.71), "block2": (0.72, 0.722), "latent": (0.76, 0.761)},
        "mse-3": {"block1": (0.71, 0.712), "block2": (0.73, 0.74), "block3": (0.75, 0.752), "latent": (0.84, 0.841)},
        "emd-2": {"block1": (0.70, 0.71), "block2": (0.72, 0.722), "latent": (0.90, 0.901)},
    }
    found, unjudged = _said(_planted(claimed))
    assert not unjudged
    assert len(found) == 4 + 1 + 1 + 1
    assert all("p = 1: yes (" in sentence for sentence in found)
    grows = next(sentence for sentence in found if "grow with the number of blocks?" in sentence)
    assert [float(value) for value in re.findall(r"blocks \+([.\d]+)", grows)] == pytest.approx([0.08, 0.08, 0.16])


def test_the_opposite_is_refuted_and_what_is_near_is_not_told() -> None:
    against = {
        "mse-1": {"block1": (0.60, 0.61), "latent": (0.40, 0.401)},
        "mse-2": {"block1": (0.70, 0.71), "block2": (0.72, 0.722), "latent": (0.30, 0.301)},
        "emd-2": {"block1": (0.70, 0.71), "block2": (0.72, 0.722), "latent": (0.2, 0.201)},
    }
    assert all("p = 1: no (" in sentence for sentence in _said(_planted(against))[0])
    near = {name: dict.fromkeys(layers, (0.5, 0.52)) for name, layers in against.items()}
    assert all("p = 1: too little to tell (" in sentence for sentence in _said(_planted(near, jets=0.05))[0])


def test_what_cannot_be_judged_is_said() -> None:
    found, unjudged = _said(_planted({"mse-1": {"block1": (0.8,), "latent": (0.7,)}}))
    assert not found
    assert len(unjudged) == 4
    assert sum("trained twice" in sentence for sentence in unjudged) == 1
    assert sum("The networks asked: not judged, as no two" in sentence for sentence in unjudged) == 3


def test_published_numbers_stand_beside_their_networks() -> None:
    every = {f"{kind}-{b}": {"latent": (0.7, 0.71)} for kind in ("mse", "emd") for b in (1, 2, 3)}
    found = _planted({k: {"block1": (0.5, 0.5), "block2": (0.5, 0.5), **v} for k, v in every.items()})
    latent = {row["network"]: row["published"] for row in found if row["layer"] == "latent" and row["encoder"]}
    assert latent == {
        **{f"planted, blocks {b}": (0.7 if b == 3 else None) for b in (1, 2, 3)},
        **{f"transported, blocks {b}": None for b in (1, 2, 3)},
    }


def test_bins_hold_every_pair_and_figures_are_drawn() -> None:
    samples = single_pixels(30)
    noise = np.random.default_rng(7).standard_normal((30, 2)).astype(np.float32)
    models = {
        "a": model(Planted(), position),
        "again": model(Planted(), lambda x: position(x) + noise),
        "deep": model(Planted(blocks=2), position),
    }
    found = table(samples, models, "pairs")
    spaces = {(row["encoder"], row["p"]) for row in found}
    assert spaces == {(encoder, p) for encoder in (None, "a", "deep") for p in (1.0, 0.5)}
    for encoder, p in spaces:
        assert sum(row["pairs"] for row in found if (row["encoder"], row["p"]) == (encoder, p)) == 435
    diagonal = [row for row in found if row["encoder"] == "a" and row["p"] == 1]
    assert diagonal[0]["pearson"] == pytest.approx(1, abs=1e-6)
    widths = [row["distance_high"] * PIXEL / row["transport_high"] for row in diagonal]
    assert np.median(widths) == pytest.approx(1, abs=0.05)
    for name, some in (("pairs", found), ("correlation", table(samples, models))):
        columns = {key: np.array([row[key] for row in some], dtype=object) for key in some[0]}
        assert svg(Correlation(encoders=["a"]).draw(name, columns)).startswith(b"<?xml")


def test_jets_are_of_the_class_and_the_same_each_time() -> None:
    samples = single_pixels(60)
    labelled = Samples(samples.x, samples.sample_id, np.repeat([0, 1, 0], 20).astype(np.int32))
    models = {"a": model(Planted(), position)}
    first = table(labelled, models, label=0, jets=15, p=[1])
    assert first == table(labelled, models, label=0, jets=15, p=[1])
    assert {row["jets"] for row in first} == {15}
    assert {row["jets"] for row in table(labelled, models, label=1, p=[1]) if row["layer"] == "latent"} == {20}


@pytest.mark.parametrize(
    ("samples", "keys", "said"),
    [
        (single_pixels(9), {}, "9 jets are too few to correlate; 10 are needed"),
        (single_pixels(20), {"label": 1}, "have no labels"),
        (Samples(np.ones((20, 5), np.float32), np.arange(20)), {}, "shape (5,)"),
        (Samples(np.zeros((20, 4, 4), np.float32), np.arange(7, 27)), {}, "sample 7 is an empty image"),
    ],
)
def test_what_cannot_be_correlated_is_refused(samples: Samples, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        table(samples, {"a": model(Planted(), position)}, **keys)


def test_encoders_without_layers_and_unknown_classes_are_refused() -> None:
    context = Context(Jets(), {}, models={"a": FittedEncoder(Pca(), {})})
    assert "encoder a (pca) has no layers" in (Correlation(encoders=["a"]).refuses(context) or "")
    models = {"a": model(Planted(), position)}
    context = context._replace(models=models)
    assert "twice" in (Correlation(encoders=["a", "a"]).refuses(context) or "")
    assert "0 (QCD), 1 (top)" in (Correlation(encoders=["a"], label=4).refuses(context) or "")
    assert "p has 1 twice" in (Correlation(encoders=["a"], p=(0.5, 1, 1)).refuses(context) or "")
    assert Correlation(encoders=["a"], label=1).refuses(context) is None
    assert Correlation(encoders=["a"]).asks == ("a",)
    wrongs: list[dict[str, Any]] = [{"encoders": []}, {"jets": 2001}, {"p": [2]}, {"p": []}]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            Correlation.model_validate({"encoders": ["a"], **wrong})
