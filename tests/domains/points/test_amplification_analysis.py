"""The analysis of amplification: planted generators whose answer is known, oracles of sample, KDE and fit, errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from amplification_laws import sample_mse
from hypothesis import given
from hypothesis import strategies as st
from in_memory import InMemory
from matplotlib.text import Text
from numpy.typing import NDArray
from pydantic import ValidationError

from gancensus.contracts.analysis import Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Generator
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.replica import Replica
from gancensus.contracts.samples import Samples
from gancensus.contracts.source import Source
from gancensus.domains.images.source_digits import Digits
from gancensus.domains.points.amplification import of_counts
from gancensus.domains.points.analysis_amplification import METHODS, Amplification
from gancensus.domains.points.cells import Contents
from gancensus.domains.points.densities import Camelback as Humps
from gancensus.domains.points.generator_toygan import Toygan
from gancensus.domains.points.known_density import KnownDensity
from gancensus.domains.points.learned import training_of
from gancensus.domains.points.source_camelback import Camelback
from gancensus.domains.points.source_ring import Ring
from gancensus.domains.points.source_shell import Shell
from gancensus.domains.tables.generator_tabulargan import Tabulargan
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import svg

Array = NDArray[Any]
Line = dict[str, Any]
RNG = partial(derive_rng, 1, "study", "amplification")
R, N, M = 100, 100, 3000


Real = dict[str, InMemory]


@cache
def real(source: KnownDensity) -> Real:
    """Five sixths of the points to learn from, in no order."""
    samples = source.load(3)
    order = np.random.default_rng(1).permutation(len(samples))
    cut = 5 * len(samples) // 6
    return {"train": InMemory(samples.take(order[:cut])), "holdout": InMemory(samples.take(order[cut:]))}


CAMEL = Camelback(samples=R * 180, repetitions=R)
RING = Ring(samples=20 * 180, repetitions=20)


@cache
def first(source: KnownDensity, repetition: int, n: int) -> Array:
    """The first training points (n, d) of a repetition, found by brute force."""
    train = real(source)["train"].samples
    mine = train.take(np.flatnonzero(train.conditions["repetition"] == repetition))
    return np.array(
        [x for _, x in sorted(zip(mine.sample_id, mine.natural(), strict=True), key=lambda one: one[0])[:n]]
    )


def population(source: KnownDensity, x: Array, owner: Array | None, group: int = 60_000) -> InMemory:
    """Generated points (n, d), in natural units, with their repetitions."""
    scale = source.load(0).scale
    assert scale is not None
    known = {} if owner is None else {"repetition": owner.astype(np.float32)}
    return InMemory(Samples(scale.encode(x), np.arange(len(x)), None, scale, known), group)


@cache
def replayed(source: KnownDensity, n: int = N, points: int = M, seed: int = 0, smooth: float = 0.0) -> InMemory:
    """A generator that has learned its training points by heart, or nearly."""
    rng = np.random.default_rng(seed)
    sets = np.stack([first(source, r, n) for r in range(source.repetitions)])
    owner = rng.permutation(np.arange(source.repetitions * points) % source.repetitions)
    x = sets[owner, rng.integers(n, size=len(owner))]
    return population(source, x + smooth * rng.standard_normal(x.shape), owner)


def drawn(source: KnownDensity, points: int = M, fold: bool = False) -> InMemory:
    """A generator that draws from the truth, perhaps without its left half."""
    x = source.truth.draw(source.repetitions * points, np.random.default_rng(5))
    return population(source, np.abs(x) if fold else x, np.arange(len(x)) % source.repetitions)


GAN = Toygan(train_size=N, replicas=1)


def table(
    source: Source,
    known: Mapping[str, InMemory],
    generators: Mapping[str, Generator],
    generated: Mapping[str, InMemory],
    analysis: Amplification | None = None,
    name: str = "amplification",
) -> dict[str, Array]:
    """A table as it is read from its file."""
    analysis = Amplification() if analysis is None else analysis
    context = Context(source, generators, made={population: Replica.of(population) for population in generated})
    columns = analysis.analyse(name, known, generated, RNG, context)
    schema = analysis.tables[name].schema
    assert list(columns) == schema.names
    return {field.name: pa.array(columns[field.name], field.type).to_numpy(zero_copy_only=False) for field in schema}


def lines(columns: Mapping[str, Array], **wanted: Any) -> list[Line]:
    return [line for line in rows(columns) if all(line[key] == value for key, value in wanted.items())]


@cache
def planted(name: str = "amplification") -> dict[str, Array]:
    generated = {"heart-0": replayed(CAMEL), "half-0": drawn(CAMEL, fold=True), "true-0": drawn(CAMEL)}
    return table(CAMEL, real(CAMEL), dict.fromkeys(("heart", "half", "true"), GAN), generated, name=name)


# planted generators


@pytest.mark.parametrize("cells", [10, 20, 50])
def test_a_generator_that_replays_its_training_points_does_not_amplify(cells: int) -> None:
    [sample], [heart] = (lines(planted(), method=method, cells=cells) for method in ("sample", "heart"))
    for line in (sample, heart):
        assert line["train_size"] == N
        assert line["equivalent_low"] / N < 1 < line["equivalent_high"] / N
    assert heart["mse"] == pytest.approx(sample["mse"], rel=0.04)  # the very points


@pytest.mark.parametrize("cells", [10, 20, 50])
def test_a_generator_that_drops_a_hump_is_worth_a_handful(cells: int) -> None:
    [half] = lines(planted(), method="half", cells=cells)
    assert half["mse"] == pytest.approx(1 / cells**2, rel=0.02)
    assert half["equivalent"] == pytest.approx(cells - 1, rel=0.02)


def test_findings_say_what_each_generator_is_worth() -> None:
    said = {sentence.split()[0]: sentence for sentence in Amplification().findings(planted())}
    assert said.keys() == set(planted()["method"].tolist()) - set(METHODS)
    assert said["half"].startswith(
        "half has learned from 100 points and is equivalent to 9.0 true points at 10 cells ("
    )
    assert said["true"].count("≥") + said["true"].count("more than can be estimated") == 3


@pytest.mark.parametrize("cells", [10, 20, 50])
def test_a_generator_that_draws_from_the_truth_has_no_upper_end(cells: int) -> None:
    [true] = lines(planted(), method="true", cells=cells)
    assert abs(true["mse"]) < true["mse_high"] - true["mse_low"]  # four standard errors
    assert true["mse_high"] < Contents.equal(cells).one_point / 10_000
    assert true["mse_low"] < 0
    assert true["equivalent_high"] is None
    assert (true["equivalent_low"] or math.inf) > 10_000


@pytest.mark.parametrize(("cells", "kde", "fit"), [(10, 191, 235), (20, 305, 431), (50, 622, 1018)])
def test_kernel_density_estimate_and_fit_are_worth_what_is_known(cells: int, kde: float, fit: float) -> None:
    for method, known in (("kde", kde), ("fit", fit)):
        [line] = lines(planted(), method=method, cells=cells)
        error = (line["mse_high"] - line["mse_low"]) / 4  # about a standard error
        assert abs(line["mse"] - Contents.equal(cells).one_point / known) < 3 * error
        assert error < 0.12 * line["mse"]


def test_the_kernel_density_estimate_of_the_ring_lies_between_sample_and_fit() -> None:
    found = table(RING, real(RING), {"gan": GAN}, {"gan-0": replayed(RING)}, Amplification(cells=(49,), draws=3000))
    sample, kde, fit, gan = rows(found)
    assert [line["method"] for line in (sample, kde, fit, gan)] == ["sample", "kde", "fit", "gan"]
    assert sample["equivalent_low"] < 100 < sample["equivalent_high"] < kde["equivalent_low"]
    assert kde["equivalent_high"] < fit["equivalent_low"]
    assert gan["equivalent_low"] < 100 < gan["equivalent_high"]


# how the error falls


@pytest.mark.parametrize("cells", [10, 50])
def test_the_curve_falls_as_its_formula_says(cells: int) -> None:
    mine = lines(planted("curve"), method="true", cells=cells)
    assert [mine[0]["points"], mine[-1]["points"]] == [10, M]
    for line in mine:
        mean, sd = sample_mse(cells, line["points"])
        assert abs(line["mse"] - mean) < 4 * sd / math.sqrt(R)
        assert line["high"] - line["low"] == pytest.approx(2 * 1.984 * sd / math.sqrt(R), rel=0.4)
    assert sum(line["low"] < sample_mse(cells, line["points"])[0] < line["high"] for line in mine) > len(mine) * 0.7


def test_the_curve_ends_at_the_error_of_the_table_and_holds_what_it_is_compared_with() -> None:
    for line in lines(planted(), cells=20):
        same = [
            other for other in lines(planted("curve"), method=line["method"], cells=20) if other["points"] in (None, M)
        ]
        [end] = same
        if line["method"] in ("sample", "kde", "fit"):
            assert [end[key] for key in ("mse", "low", "high")] == [line[f"mse{key}"] for key in ("", "_low", "_high")]
        elif line["method"] != "half":  # of which half of the cells are empty
            assert end["mse"] - line["mse"] == pytest.approx(0.95 / (20 * M), rel=0.02)
    levels = {line["points"]: line["mse"] for line in lines(planted("curve"), method="truth", cells=20)}
    assert levels == {n: pytest.approx(sample_mse(20, n)[0]) for n in (100, 200, 300, 500, 1000)}


# what is read


@pytest.mark.parametrize("name", ["amplification", "curve"])
def test_row_groups_change_nothing(name: str) -> None:
    analysis = Amplification(cells=(16,), draws=500)
    found = []
    for group in (60_000, 997):
        known = {key: InMemory(some.samples, group) for key, some in real(RING).items()}
        generated = {"gan-0": InMemory(replayed(RING).samples, group)}
        found.append(table(RING, known, {"gan": GAN}, generated, analysis, name))
    assert rows(found[0]) == rows(found[1])


def test_another_generator_moves_nothing() -> None:
    both = planted()
    alone = table(CAMEL, real(CAMEL), {"half": GAN}, {"half-0": drawn(CAMEL, fold=True)})
    assert rows(alone) == [line for line in rows(both) if line["method"] not in ("heart", "true")]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 40), st.integers(0, 99))
def test_training_sets_are_the_first_samples_of_each_repetition(
    repetitions: int, n: int, group: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    owner = rng.permutation(np.arange(repetitions).repeat(n + rng.integers(3)))
    x = rng.standard_normal((len(owner), 2)).astype(np.float32)
    ids = rng.permutation(len(owner) * 2)[: len(owner)]
    trained = training_of(InMemory(Samples(x, ids, conditions={"repetition": owner.astype(np.float32)}), group), n)
    assert trained.repetitions.tolist() == list(range(repetitions))
    for r in range(repetitions):
        mine = np.flatnonzero(owner == r)
        np.testing.assert_array_equal(trained.x[r], x[mine[np.argsort(ids[mine])]][:n])


def test_every_training_size_has_its_own_baselines() -> None:
    generators = {"gan50": Toygan(train_size=50), "gan100": GAN}
    generated = {"gan50-0": replayed(CAMEL, 50), "gan100-0": replayed(CAMEL)}
    found = table(CAMEL, real(CAMEL), generators, generated, Amplification(cells=(50,)))
    assert [(line["method"], line["train_size"]) for line in rows(found)] == [
        *((method, size) for size in (50, 100) for method in ("sample", "kde", "fit")),
        ("gan50", 50),
        ("gan100", 100),
    ]
    for line in rows(found):
        if line["method"] in ("sample", "gan50", "gan100"):
            assert line["equivalent"] == pytest.approx(line["train_size"], rel=0.1)


def test_trainings_on_the_same_points_are_averaged_and_do_not_count_as_repetitions() -> None:
    def found(*populations: InMemory) -> Line:
        generated = {f"gan-{k}": one for k, one in enumerate(populations)}
        [line] = lines(table(CAMEL, real(CAMEL), {"gan": GAN}, generated, Amplification(cells=(10,))), method="gan")
        return line

    a, b = replayed(CAMEL), replayed(CAMEL, seed=1)
    one, other, both = found(a), found(b), found(a, b)
    assert both["mse"] == pytest.approx((one["mse"] + other["mse"]) / 2)
    assert both["mse_high"] - both["mse_low"] == pytest.approx(one["mse_high"] - one["mse_low"], rel=0.1)
    assert both["equivalent_low"] == pytest.approx(0.09 / both["mse_high"])


def test_without_a_training_size_the_replicas_are_the_repetitions() -> None:
    shifted = [Humps().draw(2000, np.random.default_rng(k)) + 0.1 * k for k in range(4)]
    owner = np.arange(2000) % R  # conditions of holdout, which a generator that knows no repetitions has all the same
    generated = {f"gan-{k}": population(CAMEL, x, owner) for k, x in enumerate(shifted)}
    found = table(CAMEL, real(CAMEL), {"gan": Tabulargan()}, generated, Amplification(cells=(10,)))
    counts = np.array([np.bincount(Humps().cells(x, 10), minlength=10) for x in shifted])
    [gan], [sample] = (lines(found, method=method) for method in ("gan", "sample"))
    assert gan["mse"] == pytest.approx(of_counts(counts, Contents.equal(10), RNG("x")).mse.value, rel=0.02)  # float32
    assert gan["train_size"] == sample["train_size"] == len(real(CAMEL)["train"])
    assert gan["mse_low"] < gan["mse"] < gan["mse_high"]
    assert sample["mse_low"] is None  # one training set has no spread


def test_where_the_truth_is_unknown_it_is_counted() -> None:
    """Cells of any samples, here 2 x 2 pixels: a replay is worth its training set, a shifted one little."""
    rng = np.random.default_rng(8)
    x = rng.standard_normal((20_200, 2, 2)).astype(np.float32)
    ids = np.arange(len(x))
    known = {"train": InMemory(Samples(x[:200], ids[:200])), "holdout": InMemory(Samples(x[200:], ids[200:]))}
    replay = [x[rng.integers(200, size=4000)] for _ in range(3)]
    generated = {f"heart-{k}": InMemory(Samples(some, np.arange(4000))) for k, some in enumerate(replay)}
    generated |= {f"far-{k}": InMemory(Samples(some + 1, np.arange(4000))) for k, some in enumerate(replay)}
    gans = {"heart": Tabulargan(), "far": Tabulargan()}
    found = {line["method"]: line for line in rows(table(Digits(), known, gans, generated, Amplification(cells=(13,))))}
    assert list(found) == ["sample", "kde", "heart", "far"]
    assert found["heart"]["mse"] == pytest.approx(found["sample"]["mse"], rel=0.1)
    assert 50 < found["sample"]["equivalent"] < 400
    assert found["kde"]["equivalent"] > found["sample"]["equivalent"]
    assert found["far"]["equivalent_high"] < 20
    levels = lines(table(Digits(), known, gans, generated, Amplification(cells=(13,)), "curve"), method="truth")
    assert levels[0]["mse"] == pytest.approx(sample_mse(13, 100)[0], rel=0.05)


# errors


def test_cells_that_no_grid_has_are_refused() -> None:
    wrong: list[tuple[KnownDensity, int, str]] = [
        (RING, 50, "49 or 64"),
        (RING, 3, "nearest: 4"),
        (Shell(samples=100, dimension=3), 63, "27 or 64"),
        (Shell(samples=100, dimension=5), 244, "243 or 1024"),
    ]
    for source, cells, nearest in wrong:
        with pytest.raises(UserError, match=nearest):
            table(source, real(RING), {"gan": GAN}, {"gan-0": replayed(RING)}, Amplification(cells=(cells,)))


@pytest.mark.parametrize("wrong", [{"cells": (20, 10)}, {"cells": (1,)}, {"cells": ()}, {"bandwidths": (0.2, 0.1)}])
def test_a_configuration_without_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Amplification(**wrong)


def test_too_few_points_are_named() -> None:
    good = {"gan-0": replayed(RING)}
    analysis = Amplification(cells=(9,), draws=10)

    def refused(
        match: str, generator: Generator = GAN, name: str = "gan", generated: dict[str, InMemory] = good
    ) -> None:
        with pytest.raises(UserError, match=match):
            table(RING, real(RING), {name: generator}, generated, analysis)

    refused(r"1\d\d training points of repetition \d+, and 900 are learned from", Toygan(train_size=900))
    x, owner = np.ones((60, 2)), np.arange(60) % 20
    once = np.where((owner == 7) & (np.arange(60) > 7), 8, owner)
    refused("points of repetition 7: 1, and", generated={"gan-0": population(RING, x, once)})
    refused("points of repetition 7: 0, and", generated={"gan-0": population(RING, x, np.where(owner == 7, 8, owner))})
    refused("points of repetition 20, of which", generated={"gan-0": population(RING, x, owner + 1)})
    refused("rename it", name="kde", generated={"kde-0": replayed(RING)})
    refused("selection", Toygan(train_size=N, train_on="dense"))


# figures


def words(figure: Any) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_figures_have_a_panel_for_every_number_of_cells_and_every_training_size() -> None:
    analysis = Amplification()
    curve = analysis.draw("curve", planted("curve"))
    assert len(curve.axes) == 3
    text = words(curve)
    assert all(word in text for word in ("10 cells", "50 cells", "heart", "best KDE", "right fit", "1,000"))
    dots = analysis.draw("amplification", planted())
    assert len(dots.axes) == 3
    generators = {"gan50": Toygan(train_size=50), "gan100": GAN}
    generated = {"gan50-0": replayed(CAMEL, 50), "gan100-0": replayed(CAMEL)}
    for name, panels in (("curve", 4), ("amplification", 4)):
        few = Amplification(cells=(10, 20))
        figure = few.draw(name, table(CAMEL, real(CAMEL), generators, generated, few, name))
        assert len(figure.axes) == panels
        assert b"nan" not in svg(figure).lower()


def test_figures_of_what_has_no_spread_and_no_end() -> None:
    """One repetition has no interval, and a perfect generator no error."""
    x = np.array([[-4.0], [4.0]]).repeat(50, axis=0)
    known = {"train": population(CAMEL, x, None), "holdout": population(CAMEL, x, None)}
    analysis = Amplification(cells=(2,))
    for name in analysis.tables:
        found = table(CAMEL, known, {"gan": Tabulargan()}, {"gan-0": population(CAMEL, x, None)}, analysis, name)
        [gan] = lines(found, method="gan")[-1:]
        assert gan["mse"] <= 0
        assert len(svg(analysis.draw(name, found))) > 1000
