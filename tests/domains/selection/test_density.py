"""Density of classes against fidelity: by closed forms, and where only the scale of a class differs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from in_memory import InMemory

from gancensus.contracts.analysis import Context
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.replica import Replica
from gancensus.contracts.samples import Samples
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.images.source_digits import Digits
from gancensus.domains.selection.analysis_density import Density
from gancensus.domains.selection.density import correlations, densities, groups_of
from gancensus.domains.selection.score_gaussian import Gaussian
from gancensus.statistics.intervals import rank_correlation

RNG = partial(derive_rng, 1, "study", "density")
CLASSES, EACH = 60, 96
Points = np.ndarray[Any, Any]


def classes(rng: np.random.Generator, error: Points | None = None) -> tuple[Points, Points]:
    """Gaussian classes far apart whose widths grow from 1 to 20; `error` widens each further."""
    width = np.geomspace(1, 20, CLASSES) * (1 if error is None else 1 + error)
    label = np.repeat(np.arange(CLASSES), EACH)
    x = rng.standard_normal((len(label), 3)) * width[label, None]
    x[:, 0] += 1000.0 * label
    return x, label.astype(np.int32)


def analysed(real: tuple[Points, Points], fake: tuple[Points, Points], labelled: bool) -> dict[str, Any]:
    def rows(x: Points, label: Points | None) -> InMemory:
        return InMemory(Samples(x.astype(np.float32), np.arange(len(x)), label), 100)

    third = np.arange(len(real[0])) % 3
    samples = {
        name: rows(real[0][third == k], real[1][third == k]) for k, name in enumerate(("train", "calibrate", "holdout"))
    }
    about = Context(Digits(), {"gan": Dcgan(replicas=1)}, made={"gan-0": Replica("gan", 0)})
    found = Density().analyse("density", samples, {"gan-0": rows(fake[0], fake[1] if labelled else None)}, RNG, about)
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("labelled", [True, False])
def test_a_perfect_generator_is_no_worse_in_wide_classes(labelled: bool) -> None:
    rng = np.random.default_rng(1)
    found = correlations(analysed(classes(rng), classes(rng), labelled))
    for score in ("gaussian", "ppca", "knn"):
        one = found["gan", score]
        assert one.classes == CLASSES
        assert one.relative.low is not None and one.relative.high is not None
        assert one.relative.low < 0 < one.relative.high


def test_a_perfect_generator_is_no_worse_in_classes_of_another_shape() -> None:
    """In 16 dimensions the distance of finite samples is larger by half for a round class than for a long one."""
    rng = np.random.default_rng(7)
    long = np.repeat(np.linspace(0, 1.5, CLASSES), EACH)

    def drawn() -> tuple[Points, Points]:
        x = rng.standard_normal((CLASSES * EACH, 16)) * np.exp(-long[:, None] * np.arange(16) / 4)
        x[:, 0] += 1000.0 * np.repeat(np.arange(CLASSES), EACH)
        return x, np.repeat(np.arange(CLASSES), EACH).astype(np.int32)

    table = analysed(drawn(), drawn(), True)
    one = correlations(table)["gan", "gaussian"]
    assert one.relative.low is not None and one.relative.high is not None
    assert one.relative.low < 0 < one.relative.high
    variance = (table["fid"] - table["null"]) / table["relative"]
    here = table["score"] == "gaussian"
    biased = rank_correlation(table["density"][here], (table["fid"] / variance)[here])
    assert biased.high is not None and biased.high < -0.5


def test_a_generator_that_fails_in_sparse_classes_is_found_without_the_scale() -> None:
    rng = np.random.default_rng(2)
    table = analysed(classes(rng), classes(rng, error=np.linspace(0, 2, CLASSES)), True)
    one = correlations(table)["gan", "gaussian"]
    assert one.relative.high is not None and one.relative.high < -0.7
    said = Density().findings(table)
    assert len(said) == 3 and "over 60 classes or clusters" in said[0]
    assert Density().unjudged("density", table) == []
    Density().draw("density", table)


def test_the_mean_gaussian_score_is_the_log_volume() -> None:
    """-(ln|S| + d (1 + ln 2 pi)) / 2, S the covariance divided by n."""
    x = np.random.default_rng(3).standard_normal((90, 3)) * [1, 5, 20]
    found = Gaussian(ridge=0).score(x.astype(np.float32), rng=np.random.default_rng(0)).mean()
    volume = np.linalg.slogdet(np.cov(x.T, bias=True))[1]
    assert found == pytest.approx(-(volume + 3 * (1 + np.log(2 * np.pi))) / 2, rel=1e-5)


def test_labels_of_generated_samples_say_nothing_where_real_ones_have_none() -> None:
    rng = np.random.default_rng(5)
    x, label = classes(rng)
    groups = groups_of(x, None, 10, rng)
    np.testing.assert_array_equal(groups.of(x, label + 1), groups.of(x, None))
    assert (groups.of(x, label + 1) >= 0).all()


def test_a_generator_with_too_few_samples_costs_no_other_its_place() -> None:
    rng = np.random.default_rng(6)
    real = classes(rng)
    table = analysed(real, (real[0][:4], real[1][:4]), True)
    assert table["label"].tolist() == [None] and table["generator"].tolist() == ["gan"]
    assert Density().findings(table) == []
    assert Density().unjudged("density", table)[0].startswith("gan: 0 classes or clusters with enough samples")
    Density().draw("density", table)


def test_a_class_that_is_one_point_is_left_out() -> None:
    rng = np.random.default_rng(8)
    real, fake = classes(rng), classes(rng)
    real[0][real[1] == 3] = 3000.0
    found = densities(groups_of(*real, 2, rng), real, fake, {"gaussian": Gaussian()}, rng)
    assert len(found) == CLASSES - 1


def test_classes_are_cut_into_clusters_and_few_cannot_decide() -> None:
    rng = np.random.default_rng(4)
    x, label = classes(rng)
    few = label < 10
    groups = groups_of(x[few], label[few], 50, rng)
    assert len(groups.names) == 50 and groups.names[:2] == ("0/1", "0/2")
    whole = groups_of(x, label, 50, rng)
    assert whole.names == tuple(map(str, range(CLASSES)))
    np.testing.assert_array_equal(whole.of(x, label), label)
    np.testing.assert_array_equal(whole.of(x[:3], np.array([0, 77, 1])), [0, -1, 1])
    table = analysed((x[few], label[few]), (x[few], label[few]), True)
    assert len(Density().unjudged("density", table)) == 1
    assert Density().findings(table) == []
