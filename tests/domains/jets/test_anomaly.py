"""Anomaly scores: toy jets of one and three prongs, planted losses of encoders, and what must be said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from in_memory import InMemory
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.special import ndtr, ndtri

from gancensus.contracts.analysis import Context
from gancensus.contracts.encoder import Encoder, FittedEncoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.contracts.source import Source
from gancensus.domains.jets import anomaly
from gancensus.domains.jets.analysis_anomaly import Anomaly
from gancensus.domains.jets.anomaly import Judged, judge, verdict
from gancensus.domains.jets.anomaly_figures import _looks
from gancensus.domains.jets.anomaly_scores import (
    Distances,
    Network,
    Score,
    distance_scores,
    momentum,
    network_scores,
    networks,
)
from gancensus.domains.jets.anomaly_words import labels
from gancensus.domains.jets.jet_images import normalised
from gancensus.domains.jets.matching import matched
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import svg
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import LEVEL
from gancensus.statistics.roc import area
from gancensus.storage.tables import columns, write_table

Floats = NDArray[np.float64]
Row = dict[str, Any]
RNG = partial(derive_rng, 1, "jets", "anomaly")
CLASSES = {0: "QCD", 1: "top", 2: "W"}
PRONGS = {0: 1, 1: 3, 2: 2}


class Toys(Source):
    """Jets of three classes."""

    kind: Literal["toys"] = "toys"

    @property
    def classes(self) -> Mapping[int, str]:
        return CLASSES


class Planted(Encoder):
    """Losses that are drawn: normal with a mean for each class, which is in pixel (0, 0)."""

    kind: Literal["planted"] = "planted"
    restores: ClassVar[bool] = True
    trained_by: ClassVar[Literal["mse", "emd"] | None] = "mse"
    beta: float | None = 0.0
    only: int | None = 0

    @property
    def class_learned(self) -> int | None:
        return self.only

    def losses_of(self, weights: Mapping[str, Any], x: NDArray[Any], device: str) -> dict[str, Floats]:
        """Return losses of which half the variance is of the jet, and half of the training."""
        common, own = ndtri(x[:, 0, 1].astype(float)), derive_rng(int(weights["seed"]), len(x)).standard_normal(len(x))
        loss = np.sqrt(0.5) * (common + own) + np.asarray(weights["means"])[np.rint(9 * x[:, 0, 0]).astype(int)]
        return {"loss": loss, "reconstruction": loss if self.beta == 0 else loss + own}


class Moved(Planted):
    """A network that is trained by optimal transport."""

    trained_by: ClassVar[Literal["mse", "emd"]] = "emd"
    kind: Literal["moved"] = "moved"  # type: ignore[assignment]


def trained(beta: float | None, seed: int, *means: float, only: int = 0) -> FittedEncoder:
    return FittedEncoder(Planted(beta=beta, only=only), {"seed": np.array(seed), "means": np.array(means)})


def coded(n: int, seed: int) -> Samples:
    """Images of 4 x 4 pixels with nothing but their class in one pixel, and a random number in another."""
    rng = np.random.default_rng(seed)
    x, label = np.zeros((3 * n, 4, 4)), np.arange(3 * n) % 3
    x[:, 0, 0], x[:, 0, 1] = label / 9, rng.uniform(1e-6, 1 - 1e-6, 3 * n)
    x[:, 1:] = rng.exponential(size=(3 * n, 3, 4))
    pt = 500 + rng.exponential(100, 3 * n)
    return Samples(x.astype(np.float32), np.arange(3 * n), label.astype(np.int32), None, {"pt": pt.astype(np.float32)})


def image(at: Floats, weight: Floats) -> Floats:
    """Return particles at places in [-1, 1] as pixels."""
    pixels = np.clip((10 * (at + 1)).astype(int), 0, 19)
    found = np.zeros((20, 20))
    np.add.at(found, (pixels[:, 0], pixels[:, 1]), weight)
    return found


@cache
def toys(n: int, seed: int, harder: float = 0.0) -> Samples:
    """Jets of 1, 3 and 2 prongs as images of 20 x 20 pixels; the spectrum of all but QCD is wider by `harder`."""
    rng, label = np.random.default_rng(seed), np.arange(3 * n) % 3
    x = np.zeros((3 * n, 20, 20))
    for k, one in enumerate(label.tolist()):
        prongs = PRONGS[one]
        angle = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(prongs) / prongs
        centres = (0.4 if prongs > 1 else 0) * np.column_stack([np.cos(angle), np.sin(angle)])
        particles = rng.integers(20, 40)
        weight = rng.dirichlet(np.full(particles, 0.5))
        radius = 0.02 * np.exp(rng.uniform(0, 3, particles))  # as many at any logarithm of the angle
        way = rng.uniform(0, 2 * np.pi, particles)
        at = centres[rng.integers(0, prongs, particles)] + radius[:, None] * np.column_stack([np.cos(way), np.sin(way)])
        at -= weight @ at
        x[k] = image(at, weight)
    pt = 500 + rng.exponential(100, 3 * n) * (1 + harder * (label > 0))
    return Samples(x.astype(np.float32), np.arange(3 * n), label.astype(np.int32), None, {"pt": pt.astype(np.float32)})


def study(make: Callable[[int, int], Samples], n: int) -> dict[str, InMemory]:
    return {name: InMemory(make(n, k), 100, name) for k, name in enumerate(("train", "calibrate", "holdout"))}


def analysed(
    tmp: Path, table: str, real: dict[str, InMemory], models: Mapping[str, FittedEncoder] | None = None, **keys: Any
) -> tuple[Anomaly, dict[str, Any]]:
    """Return the table as it is read from its file."""
    analysis = Anomaly(encoders=tuple(models or ()), **{"references": 20, "medoids": (1, 3), **keys})
    context = Context(Toys(), {}, models=models or {})
    assert analysis.refuses(context) is None
    found = analysis.analyse(table, real, {}, RNG, context)
    path = tmp / f"{table}.parquet"
    write_table(path, found, analysis.tables[table].schema)
    read = columns(path)
    assert svg(analysis.draw(table, read)).startswith(b"<?xml")
    return analysis, read


def only(found: list[Row], **about: Any) -> Row:
    (one,) = [row for row in found if all(row[name] == value for name, value in about.items())]
    return one


def test_distances_find_jets_with_more_prongs(tmp_path: Path) -> None:
    analysis, table = analysed(tmp_path, "anomaly", study(toys, 60), references=40)
    found = rows(table)
    for signal in ("top", "W"):
        for row in found:
            if row["signal"] == signal and row["score"] != "pt":
                assert row["auc_low"] > 0.5 and row["root"] is False, row
        assert only(found, score="average", p=1.0, signal=signal)["rejection_30_low"] > 2
        pt = only(found, score="pt", signal=signal, matched=True)
        assert pt["auc_low"] < 0.5 < pt["auc_high"] and pt["root"] is None
    assert len(found) == 2 * (2 * (1 + 2 + 1) + 2)
    assert analysis.unjudged("anomaly", table) == []


def test_the_average_and_the_medoids_are_those_of_the_references(tmp_path: Path) -> None:
    real = study(toys, 60)
    _, table = analysed(tmp_path, "medoids", real, p=(1.0,))
    average = table["value"][table["medoid"] == 0]
    assert table["eta"][:2].tolist() == pytest.approx([-0.95, -0.85])
    assert table["phi"][[0, 20]].tolist() == pytest.approx([0.95, 0.85])
    train = real["train"].samples
    np.testing.assert_allclose(
        average, normalised(train.take(np.asarray(train.label) == 0).natural()).mean(axis=0).ravel(), atol=1e-7
    )
    for k in (1, 2, 3):
        one = table["medoid"] == k
        jet = train.x[train.sample_id == table["sample_id"][one][0]][0]
        np.testing.assert_allclose(table["value"][one], jet.ravel() / jet.sum(), rtol=1e-6)
        assert (table["share"][one] >= table["share"][table["medoid"] == min(k + 1, 3)].max()).all()
    assert sum(table["share"][table["medoid"] == k][0] for k in (1, 2, 3)) == pytest.approx(1)


def test_equal_classes_have_an_area_of_a_half() -> None:
    held, verdicts = 0, []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        scores = [Score("average", rng.standard_normal((1, 160))), Score("pt", rng.standard_normal((1, 160)))]
        found = judge(scores, np.arange(60), np.arange(80, 160))
        low, high = found[0].auc.low, found[0].auc.high
        assert low is not None and high is not None
        held += low <= 0.5 <= high
        verdicts.append(verdict(anomaly.difference(*found), *found))
    assert held >= 90
    assert verdicts.count("too little to tell") >= 90 and "alike" not in verdicts


def test_matched_momenta_say_nothing_and_others_do(tmp_path: Path) -> None:
    real = study(partial(toys, harder=2.0), 200)
    options: dict[str, Any] = {"p": (1.0,), "medoids": (1,)}
    _, table = analysed(tmp_path, "anomaly", real, **options)
    for signal in ("top", "W"):
        own, alone = (only(rows(table), score="pt", signal=signal, matched=known) for known in (True, False))
        assert own["auc_low"] < 0.5 < own["auc_high"]
        assert own["signal_jets"] == own["background_jets"] < 200 == alone["signal_jets"]
        assert alone["auc_low"] > 0.6
    _, table = analysed(tmp_path, "anomaly", real, matched=False, **options)
    assert only(rows(table), score="pt", signal="top")["auc_low"] > 0.6
    assert len(rows(table)) == 2 * 4


def test_matching_leaves_one_spectrum() -> None:
    areas = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        a, b = rng.exponential(1, 500), rng.exponential(2.5, 400)
        i, j = matched(a, b, rng)
        assert len(i) == len(j) == len(set(i.tolist())) and (np.diff(i) > 0).all()
        areas.append(area(b[j], a[i]))
    assert area(b, a) > 0.65 and len(i) > 200
    assert abs(np.mean(areas) - 0.5) < 0.004 and np.std(areas) < 0.03


def test_a_spread_of_trainings_widens_the_interval() -> None:
    """Two networks, each trained three times; the trainings of one are far apart, which the pooled variance shows."""

    def judged(spread: float) -> list[Judged]:
        rng = np.random.default_rng(3)
        jets = rng.standard_normal(400)
        signal = np.arange(400) < 200
        networks = [Network(("a", "b", "c"), kind, "mse", 2, 0.1, 0, "") for kind in ("one", "two")]
        shifts = 1 + spread * np.array([[-1, 0, 1], [-1, 0, 1]])
        return judge(
            [
                Score("loss", jets + signal * shift[:, None], network=network)
                for network, shift in zip(networks, shifts, strict=True)
            ],
            np.arange(200),
            np.arange(200, 400),
        )

    tight, wide = judged(0.0), judged(0.5)
    assert tight[0].chance == (0.0, 4.0)
    deviation = np.std(wide[0].areas, ddof=1)
    assert wide[0].chance.variance == pytest.approx(deviation**2 / 3)
    assert _width(wide[0].auc) > 2 * deviation / np.sqrt(3) > 1.5 * _width(tight[0].auc)
    assert verdict(anomaly.difference(*tight), *tight) == "alike"
    assert verdict(anomaly.difference(*wide), *wide) == "too little to tell"
    for narrow, broad in zip(*(_passed(one)[0] for one in (tight, wide)), strict=True):
        assert _width(broad) > _width(narrow)


def _width(one: Estimate) -> float:
    assert one.low is not None and one.high is not None
    return (one.high - one.low) / 2


def _passed(judged: list[Judged]) -> list[list[Estimate]]:
    return anomaly.background_efficiencies(judged, np.arange(200), np.arange(200, 400), np.array([0.3, 0.5]))


def test_other_reference_jets_change_an_area_as_much_as_said() -> None:
    """Points of the plane: N(0, 1) and N(0, 4), judged by distances to references that are drawn again and again."""
    rng = np.random.default_rng(12)
    jets = rng.standard_normal((400, 2)) * np.where(np.arange(400) < 200, 2, 1)[:, None]
    areas: dict[str, list[float]] = {}
    chances: dict[str, list[float]] = {}
    for _ in range(60):
        references = rng.standard_normal((40, 2))
        to, between = (np.linalg.norm(one[:, None] - references, axis=-1) for one in (jets, references))
        scores = distance_scores(Distances(1.0, to[:, 0], to, between), (1, 3), 5, rng)[1:]
        for one in judge(scores, np.arange(200), np.arange(200, 400)):
            areas.setdefault(one.score.name, []).append(one.placed.area)
            chances.setdefault(one.score.name, []).append(one.chance.variance)
    assert list(areas) == ["medoids-1", "medoids-3", "neighbours-5"]
    for name, values in areas.items():
        assert 0.6 < np.mean(chances[name]) / np.var(values, ddof=1) < 3, (
            name
        )  # second-order effects of few references make it larger


def test_one_training_cannot_be_alike() -> None:
    network = Network(("a",), "one", "mse", 2, 0.1, 0, "")
    values = np.random.default_rng(0).standard_normal((1, 4000))
    found = judge(
        [Score("loss", values, network=network), Score("average", values)], np.arange(2000), np.arange(2000, 4000)
    )
    assert verdict(anomaly.difference(*found), *found) == "too little to tell"
    assert verdict(anomaly.difference(found[1], found[1]), found[1], found[1]) == "alike"


def test_rejections_hold_the_truth_as_often_as_they_say() -> None:
    """Background N(0, 1), signal N(1.5, 1), 100 jets each, two trainings that do not differ."""
    truth = ndtr(-(1.5 + ndtri(0.7)))
    held = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        values = rng.standard_normal((1, 200)) + 1.5 * (np.arange(200) < 100)
        found = judge([Score("average", values)], np.arange(100), np.arange(100, 200))
        ((share,),) = anomaly.background_efficiencies(found, np.arange(100), np.arange(100, 200), np.array([0.3]))
        assert share.low is not None and share.high is not None
        held += share.low <= truth <= share.high
        one = anomaly.rejection(share)
        assert one.low == 1 / share.high and (one.high is None) == (share.low == 0)
    assert 0.92 <= held / 300 <= 1


def test_the_sweep_finds_planted_optima_that_differ(tmp_path: Path) -> None:
    """top is found best at 1e-7, W at 1e-9, each by an area of about .87 to .76."""
    best = {1e-10: (0.0, 1.0, 1.0), 1e-9: (0.0, 1.0, 1.6), 1e-8: (0.0, 1.0, 1.0), 1e-7: (0.0, 1.6, 1.0)}
    models = {
        f"vae{k}-{seed}": trained(beta, 10 * k + seed, *means)
        for k, (beta, means) in enumerate(best.items())
        for seed in (0, 1)
    }
    real = study(coded, 400)
    analysis, table = analysed(tmp_path, "sweep", real, models)
    found = rows(table)
    assert [row["beta"] for row in found if row["best"]] == [1e-7, 1e-9]
    assert [row["beta"] for row in found if row["perhaps"]] == [1e-7, 1e-9]
    assert all(row["replicas"] == 2 and row["sweep"] == 1 for row in found)
    (said,) = analysis.findings_in("sweep", table)
    assert "differ beyond chance" in said and analysis.unjudged("sweep", table) == []
    truth = float(ndtr(1.6 / np.sqrt(2)))
    for row in found:
        if row["best"]:
            assert row["auc_low"] < truth < row["auc_high"] and row["validation_low"] < truth < row["validation_high"]

    _, table = analysed(tmp_path, "anomaly", real, models, p=(1.0,), jets=100)
    chosen = [(row["signal"], row["beta"]) for row in rows(table) if row["chosen"]]
    assert chosen == [("top", 1e-7), ("W", 1e-9)]


def test_a_flat_sweep_says_nothing(tmp_path: Path) -> None:
    models = {f"vae{k}-{seed}": trained(10.0 ** (k - 10), 10 * k + seed, 0, 1, 1) for k in range(4) for seed in (0, 1)}
    analysis, table = analysed(tmp_path, "sweep", study(coded, 300), models)
    assert sum(row["perhaps"] for row in rows(table)) >= 7
    assert analysis.findings_in("sweep", table) == []
    (said,) = analysis.unjudged("sweep", table)
    assert "cannot be said" in said and "too few" in said
    once = {name: model for name, model in models.items() if name.endswith("-0")}
    analysis, table = analysed(tmp_path, "sweep", study(coded, 300), once)
    assert all(row["perhaps"] is None for row in rows(table))
    assert "trained once" in analysis.unjudged("sweep", table)[0]


def test_flat_sweeps_are_called_different_as_seldom_as_said() -> None:
    """Both signals have the same best beta, or none: their sets of betas are disjoint in at most 1 - LEVEL of cases."""
    networks = [Network((str(k),), "vae", "mse", 2, 10.0**-k, 0, "") for k in range(5)]
    disjoint = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        perhaps = []
        for _ in range(2):
            jets = rng.standard_normal(200) + (np.arange(200) < 100)
            scores = [
                Score(
                    "loss", jets + 0.5 * rng.standard_normal((2, 200)) + 0.1 * rng.standard_normal((2, 1)), network=one
                )
                for one in networks
            ]
            found = anomaly.sweep(judge(scores, np.arange(100), np.arange(100, 200)), rng)
            perhaps.append({one.network.beta for one in found if one.perhaps})
        disjoint += not perhaps[0] & perhaps[1]
    assert disjoint / 60 <= 1 - LEVEL


def test_the_inverse_task_fails_where_the_background_is_more_complex(tmp_path: Path) -> None:
    """Losses grow with the number of prongs, whatever was learned: QCD jets look less anomalous than top jets."""
    models = {
        f"{name}-{seed}": trained(1e-7, 10 * only + seed, 0.0, 1.5, 0.8, only=only)
        for only, name in ((0, "qcd"), (1, "top"))
        for seed in (0, 1)
    }
    real = study(coded, 120)
    analysis, table = analysed(tmp_path, "anomaly", real, models, p=(1.0,))
    found = rows(table)
    inverse = only(found, score="loss", background="top", signal="QCD")
    assert inverse["auc_high"] < 0.5 < only(found, score="loss", background="QCD", signal="top")["auc_low"]
    assert {row["background"] for row in found if row["score"] == "average"} == {"QCD", "top"}
    said = analysis.findings_in("anomaly", table)
    assert (
        len(said) == 4 and "it fails" in said[2] and said[2].startswith("Inverse task, planted (top-0, top-1) of top")
    )
    assert said[0].startswith("top among QCD jets, areas under ROC: loss of planted (the best beta, 1e-07): 0.8")
    assert "EMD to the average jet" in said[0] and "EMD to 3 medoids" in said[0]


def test_differences_are_of_the_chosen_network_and_fixed_distances(tmp_path: Path) -> None:
    models = {
        f"vae{k}-{seed}": trained(beta, 10 * k + seed, 0, mean, mean)
        for k, (beta, mean) in enumerate(((1e-8, 1.0), (1e-7, 2.0)))
        for seed in (0, 1)
    }
    models |= {f"ae-{seed}": trained(None, 90 + seed, 0, 1.0, 1.0) for seed in (0, 1)}
    analysis, table = analysed(tmp_path, "differences", study(coded, 120), models, p=(1.0,))
    found = [row for row in rows(table) if row["signal"] == "top"]
    assert len(found) == 7 * 6 / 2  # loss and reconstruction of the best vae and of ae, average, medoids, neighbours
    assert {row["other_encoder"] for row in found[:6]} == {"vae1-0, vae1-1"}
    average = next(row for row in found if row["score"] == "average")
    assert average["high"] < 0 and average["verdict"] == "different"  # the images say nothing
    said = analysis.findings_in("differences", table)
    assert len(said) == 4 and all("different" in one for one in said)
    _, curve = analysed(tmp_path, "roc", study(coded, 120), models, p=(1.0,))
    one = [
        row for row in rows(curve) if (row["score"], row["signal"], row["encoder"]) == ("loss", "top", "vae1-0, vae1-1")
    ]
    shares = [row["background_efficiency"] for row in one]
    assert shares == sorted(shares) and all(row["low"] <= row["background_efficiency"] <= row["high"] for row in one)
    assert np.trapezoid(1 - np.array(shares), [row["signal_efficiency"] for row in one]) == pytest.approx(
        0.92, abs=0.04
    )


def test_a_network_trained_by_transport_is_never_the_chosen_one_and_always_shown(tmp_path: Path) -> None:
    """Two of them find jets much better than the variational networks, with a beta of 0 and one above."""
    models = {
        f"vae{k}-{seed}": trained(beta, 10 * k + seed, 0, mean, mean)
        for k, (beta, mean) in enumerate(((1e-8, 1.0), (1e-7, 1.5)))
        for seed in (0, 1)
    }
    for k, (beta, mean) in enumerate(((0.0, 3.0), (0.1, 2.5))):
        for seed in (0, 1):
            planted = trained(beta, 50 + 10 * k + seed, 0, mean, mean)
            models[f"emd{k}-{seed}"] = planted._replace(encoder=Moved(beta=beta))
    real = study(coded, 120)
    analysis, table = analysed(tmp_path, "anomaly", real, models, p=(1.0,))
    found = rows(table)
    loss = {row["encoder"]: row for row in found if (row["score"], row["signal"]) == ("loss", "top")}
    assert {name: row["trained"] for name, row in loss.items()} == {
        "vae0-0, vae0-1": "mse",
        "vae1-0, vae1-1": "mse",
        "emd0-0, emd0-1": "emd",
        "emd1-0, emd1-1": "emd",
    }
    assert loss["emd0-0, emd0-1"]["auc_low"] > loss["vae1-0, vae1-1"]["auc_high"]
    assert [row["encoder"] for row in found if row["chosen"]] == 2 * ["vae1-0, vae1-1"]
    said = " ".join(one.get_text() for one in analysis.draw("anomaly", table).axes[0].get_yticklabels())
    assert "loss of moved emd0-0, emd0-1" in said and "loss of moved emd1-0, emd1-1" in said
    assert said.count("loss of planted") == 1

    shown = {("loss", "vae1-0, vae1-1"), ("reconstruction", "vae1-0, vae1-1"), ("loss", "emd0-0, emd0-1")}
    shown |= {("loss", "emd1-0, emd1-1"), ("reconstruction", "emd1-0, emd1-1")}
    _, pairs = analysed(tmp_path, "differences", real, models, p=(1.0,))
    networks = [(row["other"], row["other_encoder"]) for row in rows(pairs) if row["other_encoder"]]
    assert set(networks) == shown and networks[0] == ("loss", "vae1-0, vae1-1")
    _, curve = analysed(tmp_path, "roc", real, models, p=(1.0,))
    assert {(row["score"], row["encoder"]) for row in rows(curve) if row["encoder"]} == shown


def test_curves_can_be_told_apart() -> None:
    """Equal scores for two p have one colour, seven scores seven."""
    known: list[Row] = [
        {"score": score, "kind": kind, "encoder": kind, "p": p, "background": "QCD", "signal": "top"}
        for score, kind, p in [
            *(("loss", kind, None) for kind in ("ae", "vae, p of 1", "vae, p of 2")),
            *((score, None, p) for score in ("average", "medoids-5", "neighbours-5", "medoids-1") for p in (0.5, 1.0)),
        ]
    ]
    looks = _looks([{**row, "label": label} for row, label in zip(known, labels(known), strict=True)])
    assert len(set(map(str, looks.values()))) == len(known)
    assert len({colour for colour, _ in looks.values()}) == 7


def test_all_tables_are_the_same_for_any_row_groups_and_judge_the_same_jets(tmp_path: Path) -> None:
    models = {"a": trained(1e-7, 1, 0, 1, 1), "b": trained(1e-7, 2, 0, 1, 1)}
    options: dict[str, Any] = {"p": (1.0,), "jets": 50}
    tables = []
    for group in (7, 1000):
        real = {name: InMemory(one.samples, group, name) for name, one in study(coded, 80).items()}
        tables.append([analysed(tmp_path, name, real, models, **options)[1] for name in ("anomaly", "medoids")])
    for a, b in zip(*tables, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_too_few_jets_are_not_judged(tmp_path: Path) -> None:
    analysis, table = analysed(tmp_path, "anomaly", study(coded, 40), p=(1.0,), jets=15)
    assert all(row["auc"] is None for row in rows(table))
    assert len(analysis.unjudged("anomaly", table)) == 2
    assert analysis.findings_in("anomaly", table) == []
    for name in ("differences", "roc", "sweep"):
        assert len(analysed(tmp_path, name, study(coded, 40), p=(1.0,), jets=15)[1]["signal"]) == 0


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    class Blind(Planted):
        restores: ClassVar[bool] = False

    whole = FittedEncoder(Planted(only=None), {})
    for models, keys, said in (
        ({"a": FittedEncoder(Blind(), {})}, {}, "restores no samples"),
        ({"a": whole}, {}, "learns from every class"),
        ({"a": trained(0.1, 0, only=7)}, {}, "no class 7; there are: 0 (QCD), 1 (top), 2 (W)"),
        ({}, {"signals": (5,)}, "no class 5"),
    ):
        reason = Anomaly(**keys).refuses(Context(Toys(), {}, models=models))
        assert reason is not None and said in reason
    for wrong in (
        {"references": 21, "neighbours": 11},
        {"signals": (0, 1)},
        {"signals": ()},
        {"p": (2,)},
        {"references": 501},
    ):
        with pytest.raises(ValidationError):
            Anomaly.model_validate(wrong)


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("p", [1, 0.5, 1.0], "1.0"),
        ("medoids", [1, 3, 3], "3"),
        ("signals", [2, 1, 2], "2"),
        ("encoders", ["vae", "ae", "vae"], "vae"),
    ],
)
def test_what_is_given_twice_is_refused(key: str, values: list[Any], said: str) -> None:
    with pytest.raises(ValidationError, match=f"{key}\n  has {said} more than once; leave one out"):
        Anomaly.model_validate({key: values})
    assert Anomaly.model_validate({key: values[:2]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": None}, "holdout: analysis anomaly: samples have no classes"),
        ({"conditions": {}}, r"no condition 'pt' \(there are: none\); set `matched: false`"),
        ({"label": np.full(120, 7, dtype=np.int32)}, "no sample of the classes 0, 1, 2; there are: 7"),
        ({"x": np.zeros((120, 5, 3, 1), dtype=np.float32)}, r"shape \(5, 3, 1\); it needs images"),
    ],
)
def test_samples_that_are_no_jets_are_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    real = study(coded, 40)
    real["holdout"] = InMemory(replace(real["holdout"].samples, **change), 100, "holdout")
    with pytest.raises(UserError, match=said):
        analysed(tmp_path, "anomaly", real, p=(1.0,))


def test_momentum_need_not_be_known_without_matching(tmp_path: Path) -> None:
    real = {name: InMemory(replace(one.samples, conditions={}), 100, name) for name, one in study(coded, 40).items()}
    _, table = analysed(tmp_path, "anomaly", real, p=(1.0,), matched=False)
    assert "pt" not in table["score"]
    with pytest.raises(UserError):
        momentum(real["train"].samples)


@pytest.mark.parametrize("population", ["train", "holdout"])
def test_empty_images_are_refused(tmp_path: Path, population: str) -> None:
    real = study(coded, 20)
    samples = real[population].samples
    x = np.where(samples.sample_id[:, None, None] == 3, np.float32(0), samples.x)
    real[population] = InMemory(replace(samples, x=x), 100, population)
    with pytest.raises(UserError, match=f"{population}: analysis anomaly: the image of sample 3 is empty"):
        analysed(tmp_path, "anomaly", real, p=(1.0,))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_losses_that_are_not_finite_are_refused(wrong: float) -> None:
    """The second training has no finite loss of class 2, a third of the jets."""
    models = {"good": trained(1e-7, 1, 0, 1, 1), "bad": trained(1e-7, 2, 0, 1, wrong)}
    said = "encoder bad: its loss of 10 of 30 jets is not finite: its training has diverged; lower `learning_rate`"
    with pytest.raises(UserError, match=said):
        network_scores(networks(models), models, coded(10, 0))


@pytest.mark.parametrize("table", ["anomaly", "medoids"])
def test_too_few_references_are_refused(tmp_path: Path, table: str) -> None:
    real = study(coded, 20) | {"train": InMemory(coded(9, 0), 100, "train")}
    said = "train: analysis anomaly: 9 jets of the background QCD, and `medoids` and `neighbours` need 10"
    with pytest.raises(UserError, match=said):
        analysed(tmp_path, table, real, p=(1.0,))
    analysed(tmp_path, table, real, p=(1.0,), neighbours=4)


@pytest.mark.parametrize("matched", [True, False])
@pytest.mark.parametrize("lacking", [(1,), (0,), (0, 1)])
def test_classes_without_jets_are_not_judged(tmp_path: Path, lacking: tuple[int, ...], matched: bool) -> None:
    """Other pairs are judged as ever; without networks, it does not matter that `calibrate` has no such jets at all."""
    real = study(coded, 30)
    for name, without in (("holdout", lacking), ("calibrate", (0, 1, 2))):
        samples = real[name].samples
        label = np.asarray(samples.label)
        label = np.where(np.isin(label, without), 7, label).astype(np.int32)
        real[name] = InMemory(replace(samples, label=label), 100, name)
    analysis, table = analysed(tmp_path, "anomaly", real, p=(1.0,), matched=matched)
    judged = {row["signal"] for row in rows(table) if row["auc"] is not None}
    assert judged == ({"W"} if lacking == (1,) else set())
    said = analysis.unjudged("anomaly", table)
    left = " and ".join("0" if one in lacking else "30" for one in (1, 0))
    assert len(said) == (1 if lacking == (1,) else 2)
    assert said[0] == f"top among QCD jets: {left} jets are left, and 20 of either are needed."
    assert len(analysed(tmp_path, "sweep", real, p=(1.0,))[1]["signal"]) == 0
