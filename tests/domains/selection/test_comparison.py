"""Retention and embeddings: generators that are known to lose what they have not seen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from in_memory import InMemory

from gancensus.contracts.analysis import Chosen, Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Generator
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.replica import Replica
from gancensus.contracts.samples import Samples
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.images.source_digits import Digits
from gancensus.domains.selection.analysis_embeddings import Embeddings
from gancensus.domains.selection.analysis_retention import Retention
from gancensus.domains.selection.trainings import ALL, Training, at_one_level, control, curves, trainings

RNG = partial(derive_rng, 1, "study", "retention")
GAN = {"kind": "dcgan", "replicas": 2, "samples": 100}


def gan(train_on: str | None = None, **options: Any) -> Generator:
    return Dcgan.model_validate(GAN | options | ({"train_on": train_on} if train_on else {}), context={})


def context(selections: Mapping[str, Chosen], **others: Generator) -> Context:
    generators: dict[str, Generator] = {"plain": gan()} | {name: gan(name) for name in selections} | others
    made = {f"{name}-{k}": Replica(name, k) for name in generators for k in range(2)}
    return Context(Digits(), generators, made=made, selections=selections)


def test_generators_that_differ_in_what_they_learn_from_are_compared() -> None:
    about = context(
        {
            "a": Chosen("latent", "gaussian", 0.6, ""),
            "b": Chosen("latent", "gaussian", 240, ""),
            "c": Chosen(None, "random", 0.6, ""),
            "d": Chosen("pca", "random", 0.6, "another draw"),
            "e": Chosen("pca", "knn", 0.6, ""),
        },
        other=gan(epochs=7),
    )
    found = trainings(about, 800)
    assert found == [
        Training(ALL, None, 1, ("plain-0", "plain-1")),
        Training("gaussian", "latent", 0.6, ("a-0", "a-1")),
        Training("gaussian", "latent", 0.3, ("b-0", "b-1")),
        Training("knn", "pca", 0.6, ("e-0", "e-1")),
        Training("random", None, 0.6, ("c-0", "c-1", "d-0", "d-1")),
    ]
    everything, dense, few, near, random = found
    assert [control(one, found) for one in found] == [None, random, None, random, everything]
    assert curves(found) == [everything, dense, few, random]
    assert at_one_level(found) == [everything, dense, near, random]


def test_nothing_to_compare_is_said() -> None:
    with pytest.raises(UserError, match="no generator trains on a selection"):
        trainings(context({}), 800)
    chosen = {"a": Chosen("latent", "gaussian", 0.6, "")}
    assert Retention().refuses(context(chosen)) is None
    said = Retention().refuses(context(chosen, b=gan("a", epochs=7)))
    assert said is not None and said.startswith("generators a, b train on selections, but differ in other keys")
    said = Retention().refuses(context(chosen, b=gan("a", samples=7)))
    assert said is not None and said.startswith("generators a, b train on selections, but differ in other keys")
    said = Retention().refuses(context(chosen | {"c": Chosen("latent", "gaussian", 0.3, "per_class: no")}))
    assert said is not None and said.startswith("selections a and c have scores of one kind in one space")
    said = Embeddings().refuses(context({"a": Chosen(None, "random", 0.6, "")}))
    assert said is not None and said.startswith("no generator trains on a selection by a score")


def test_a_truncated_generator_with_a_selection_is_no_replica_of_one_without() -> None:
    about = context({"a": Chosen("latent", "gaussian", 0.6, "")}, t=gan("a", truncation=0.5), u=gan(truncation=0.5))
    found = trainings(about, 800)
    assert [(one.score, one.populations) for one in found] == [
        (ALL, ("plain-0", "plain-1")),
        ("gaussian", ("a-0", "a-1")),
        ("truncation", ("u-0", "u-1")),
    ]


def test_a_number_kept_is_the_share_nearest_to_it() -> None:
    chosen = {"a": Chosen("latent", "gaussian", 480, ""), "b": Chosen(None, "random", 0.6, "")}
    everything, dense, random = trainings(context(chosen), 801)
    assert control(dense, [everything, dense, random]) == random


def rows(x: np.ndarray[Any, Any]) -> InMemory:
    return InMemory(Samples(x.astype(np.float32), np.arange(len(x))), 100)


def planted() -> tuple[Context, dict[str, InMemory], dict[str, InMemory]]:
    """Real samples in ten clumps and 20 % outliers; a generator renders what it has learned from.

    The densest share is that nearest to a clump's middle; the farther away, the more noise it adds.
    """
    rng = np.random.default_rng(4)

    def drawn(n: int) -> np.ndarray[Any, Any]:
        clump = rng.integers(10, size=n)
        middle = np.column_stack([np.cos(0.2 * np.pi * clump), np.sin(0.2 * np.pi * clump)])
        near = middle + 0.08 * rng.standard_normal((n, 2))
        far = rng.uniform(-2, 2, (n, 2))
        return np.where(rng.random((n, 1)) < 0.2, far, near)

    real = {name: drawn(600) for name in ("train", "calibrate", "holdout")}
    x = real["train"]
    angle = 0.2 * np.pi * np.round(np.arctan2(x[:, 1], x[:, 0]) / (0.2 * np.pi))
    far = np.linalg.norm(x - np.column_stack([np.cos(angle), np.sin(angle)]), axis=1)
    chosen: dict[str, Chosen] = {}
    learned = {"plain": np.arange(600)}
    for keep in (0.8, 0.5, 0.2):
        dense, random = f"dense{keep:.1f}".replace(".", ""), f"random{keep:.1f}".replace(".", "")
        chosen |= {dense: Chosen("pca", "knn", keep, ""), random: Chosen(None, "random", keep, "")}
        learned[dense] = np.argsort(far)[: int(keep * 600)]
        learned[random] = rng.permutation(600)[: int(keep * 600)]
    about = context(chosen)
    generated = {}
    for population, made in about.made.items():
        drawn_from = rng.choice(learned[made.generator], 500)
        noise = (0.02 + 0.5 * far[drawn_from])[:, None] * rng.standard_normal((500, 2))
        generated[population] = rows(x[drawn_from] + noise)
    return about, {name: rows(one) for name, one in real.items()}, generated


def test_selection_of_the_densest_trades_recall_for_precision_and_random_ones_do_not() -> None:
    about, real, generated = planted()
    support = {
        "definition": ["near"] * len(generated),
        "population": list(generated),
        "effective_support": [
            float(2 ** (10 * about.selections[m.generator].keep)) if m.generator != "plain" else 1024.0
            for m in about.made.values()
        ],
        "effective_support_low": [1.0] * len(generated),
        "effective_support_high": [None] * len(generated),
    }
    columns = {
        name: np.array(values, dtype=None if name in ("definition", "population") else float)
        for name, values in support.items()
    }
    found = Retention().analyse("retention", real, generated, RNG, about._replace(support=columns))
    table = [dict(zip(found, line, strict=True)) for line in zip(*found.values(), strict=True)]
    value = {(row["kept_by"], row["keep"], row["metric"]): row["value"] for row in table}
    for metric, way in (("precision", 1), ("density", 1), ("recall", -1), ("coverage", -1), ("support near", -1)):
        along = [value["all", 1.0, metric], *(value["knn in pca", keep, metric] for keep in (0.8, 0.5, 0.2))]
        assert (way * np.diff(along) >= 0).all() and way * (along[-1] - along[0]) > 0.02, metric
    mean = {(row["kept_by"], row["metric"]): row for row in table if row["keep"] is None}
    assert mean["knn in pca", "precision"]["effect_low"] > 0 > mean["knn in pca", "recall"]["effect_high"]
    assert mean["random", "precision"]["effect_low"] < 0.05  # random samples are no denser
    assert mean["knn in pca", "support near"]["effect"] == pytest.approx(1)  # as planted: of their number alone
    assert value["train", 1.0, "precision"] > 0.8
    arrays = {name: np.array(v, dtype=object) for name, v in found.items()}
    said = Retention().findings(arrays)
    assert said[0].startswith("That selection raises precision and density and lowers recall and support: ")
    assert "Beside as many random samples, knn in pca changes precision +" in said[0]
    assert said[1].startswith("FID is least ")
    assert Retention().unjudged("retention", arrays) == []
    unknown = arrays | {"effect": arrays["effect"].copy()}
    unknown["effect"][arrays["metric"] == "support near"] = None
    assert "too few trainings to tell of" in Retention().findings(unknown)[0].split("Beside")[0]
    assert "support near" in Retention().findings(unknown)[0].split("Beside")[0]
    Retention().draw("retention", arrays)


def test_without_random_selections_nothing_is_claimed_and_that_is_said() -> None:
    about, real, generated = planted()
    kept = {name: g for name, g in about.generators.items() if not name.startswith("random")}
    made = {population: made for population, made in about.made.items() if made.generator in kept}
    few = about._replace(generators=kept, made=made)
    found = Retention().analyse("retention", real, {p: generated[p] for p in made}, RNG, few)
    arrays = {name: np.array(v, dtype=object) for name, v in found.items()}
    assert [one for one in Retention().findings(arrays) if one.startswith("That selection")] == []
    assert (
        sum("no selection by `random` keeps as many" in one for one in Retention().unjudged("retention", arrays)) == 3
    )


def test_embeddings_compare_scores_at_one_share() -> None:
    about, real, generated = planted()
    found = Embeddings().analyse("embeddings", real, generated, RNG, about)
    assert set(found["keep"]) == {1.0, 0.8}
    assert set(zip(found["score"], found["encoder"], strict=True)) == {
        ("all", None),
        ("knn", "pca"),
        ("random", None),
        ("train", None),
    }
    Embeddings().draw("embeddings", {name: np.array(v, dtype=object) for name, v in found.items()})
