"""Density of classes against fidelity: by closed forms, and where only the scale of a class differs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from in_memory import InMemory

from gancensus.contracts.analysis import Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.replica import Replica
from gancensus.contracts.samples import Samples
from gancensus.domains.images.generator_dcgan import Dcgan
from gancensus.domains.images.source_digits import Digits
from gancensus.domains.selection.analysis_density import Density
from gancensus.domains.selection.density import correlations, densities, groups_of
from gancensus.domains.selection.score_gaussian import Gaussian

RNG = partial(derive_rng, 1, "study", "density")
CLASSES, EACH = 60, 90
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
def test_a_wider_class_has_a_larger_fid_and_no_larger_relative_one(labelled: bool) -> None:
    rng = np.random.default_rng(1)
    found = correlations(analysed(classes(rng), classes(rng), labelled))
    for score in ("gaussian", "ppca", "knn"):
        one = found["gan", score]
        assert one.classes == CLASSES
        assert one.fid.high is not None and one.fid.high < -0.8
        assert one.relative.low is not None and one.relative.high is not None
        assert one.relative.low < 0 < one.relative.high


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
    rng = np.random.default_rng(3)
    real = classes(rng)
    groups = groups_of(real[0], real[1], 2, rng)
    for one in densities(groups, real, classes(rng), {"gaussian": Gaussian(ridge=0)}, rng)[:5]:
        x = real[0][real[1] == int(one.name)]
        volume = np.linalg.slogdet(np.cov(x.T, bias=True))[1]
        assert one.density == pytest.approx(-(volume + 3 * (1 + np.log(2 * np.pi))) / 2, rel=1e-5)
        assert one.samples == EACH


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
    with pytest.raises(UserError, match="fewer than 10 in 3 dimensions"):
        densities(whole, (x, label), (x[:4], label[:4]), {"gaussian": Gaussian()}, rng)
