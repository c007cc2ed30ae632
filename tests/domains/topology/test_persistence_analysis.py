"""The analysis `persistence`: planted failures that must be found, fresh samples that must not, and exact p-values."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_memory import InMemory
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from gancensus.config.configuration import read
from gancensus.contracts.analysis import Context
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.domains.points.source_ring import Ring
from gancensus.domains.topology import analysis_persistence
from gancensus.domains.topology.analysis_persistence import Persistence
from gancensus.domains.topology.diagram_tests import LABELLINGS, all_distances, compare, labellings, least_p
from gancensus.domains.topology.diagrams import Diagram, diagram
from gancensus.domains.topology.persistence import Mean, difference, landmarks_of, means_of
from gancensus.domains.topology.signature import ENTRIES, Frame, signature
from gancensus.plotting.style import looks, styled, svg
from gancensus.statistics.multiplicity import max_t
from gancensus.storage.tables import columns, write_table

Floats = NDArray[np.float64]
Tables = dict[str, dict[str, Any]]


def ring(rng: np.random.Generator, n: int, gap: float = 0.0, filled: float = 0.0) -> Floats:
    """The ring, with a gap of so many radians, and a share of the points in a disc that fills it."""
    radius = np.where(rng.random(n) < filled, 4 * np.sqrt(rng.random(n)), np.abs(rng.normal(4, 1, n)))
    angle = rng.uniform(gap, 2 * np.pi, n)
    points: Floats = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return points


def rows(x: Floats) -> InMemory:
    return InMemory(Samples(x.astype(np.float32), np.arange(len(x))))


def real(sizes: Mapping[str, int], seed: int = 0, draw: Callable[..., Floats] = ring) -> dict[str, InMemory]:
    return {name: rows(draw(np.random.default_rng([seed, k]), n)) for k, (name, n) in enumerate(sizes.items())}


def analysed(
    folder: Path, some: dict[str, InMemory], generated: Mapping[str, InMemory], only: str = "", **options: Any
) -> Tables:
    """Return the tables of the analysis, written and read."""
    analysis, found = Persistence(**options), {}
    for name in [only] if only else analysis.tables:
        rng = partial(derive_rng, 1, "study", "persistence")
        made = analysis.analyse(name, some, generated, rng, Context(Ring(samples=10, repetitions=1), {}))
        write_table(folder / f"{name}.parquet", made, analysis.tables[name].schema)
        found[name] = dict(columns(folder / f"{name}.parquet"))
    return found


SIZES = {"train": 1600, "calibrate": 900, "holdout": 1600}
MADE = {
    "good-0": {},
    "collapsed-0": {"gap": 2.5},
    "filled-0": {"filled": 0.8},
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    rng = np.random.default_rng(7)
    generated = {name: rows(ring(rng, 2500, **how)) for name, how in MADE.items()}
    generated["few-0"] = rows(ring(rng, 300))
    return analysed(tmp_path_factory.mktemp("tables"), real(SIZES), generated, landmarks=200)


def by(table: dict[str, Any], **where: Any) -> dict[str, Any]:
    at = np.logical_and.reduce([table[name] == value for name, value in where.items()])
    return {name: values[at] for name, values in table.items()}


def test_a_collapsed_arc_loses_its_loop_and_a_filled_hole_too(tables: Tables) -> None:
    found = Persistence().findings_in("signature", tables["signature"])
    assert len(found) == 3
    assert found[0].startswith("good-0: no difference from the topology of held-out samples is found (adjusted p = ")
    for sentence, name in zip(found[1:], ("collapsed-0", "filled-0"), strict=True):
        counts = re.fullmatch(
            rf"{name} loses a loop: (.*) loops at a scale of \S+ in held-out samples, (\S+) .*", sentence
        )
        assert counts is not None, sentence
        assert float(counts[1]) == pytest.approx(1, abs=0.2) and float(counts[2]) <= 0.3
    assert Persistence().findings_in("distances", tables["distances"]) == []


def test_a_loop_that_is_smaller_is_not_lost(tmp_path: Path) -> None:
    def narrow(rng: np.random.Generator, n: int, size: float = 1.0) -> Floats:
        angle = rng.uniform(0, 2 * np.pi, n)
        points: Floats = rng.normal(size, size / 10, n)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        return points

    generated = {"small-0": rows(narrow(np.random.default_rng(5), 800, 0.4))}
    some = real({"train": 800, "calibrate": 200, "holdout": 800}, draw=narrow)
    found = analysed(tmp_path, some, generated, "signature", landmarks=100)["signature"]
    (sentence,) = Persistence().findings_in("signature", found)
    assert sentence.startswith("small-0 has fewer loops: 1.0 loops at a scale of ")


def blobs(rng: np.random.Generator, n: int, count: int = 2) -> Floats:
    """Gaussians in a row, 10 standard deviations apart."""
    points: Floats = rng.normal(size=(n, 2)) + np.column_stack([10 * rng.integers(0, count, n), np.zeros(n)])
    return points


def test_a_blob_too_few_is_a_component_that_is_lost(tmp_path: Path) -> None:
    some = real({"train": 600, "calibrate": 200, "holdout": 600}, seed=3, draw=blobs)
    generated = {f"{count}-0": rows(blobs(np.random.default_rng(count), 800, count)) for count in (1, 2, 3)}
    found = analysed(tmp_path, some, generated, "signature", landmarks=100)["signature"]
    one, two, three = Persistence().findings_in("signature", found)
    assert one.startswith("1-0 loses a component: 2.0 components at a scale of ")
    assert two.startswith("2-0: no difference")
    assert three.startswith("3-0 gains a component: 2.0 components at a scale of ")


def test_what_has_too_few_samples_is_not_judged(tables: Tables) -> None:
    assert Persistence().unjudged("signature", tables["signature"]) == [
        "Too few samples to judge the topology of few-0: 300, and 2 draws of 200 landmarks need 400."
    ]
    fewer = "Draws have 200 samples, not 250: train and holdout must each give 4."
    assert Persistence().unjudged("distances", tables["distances"]) == [fewer]
    assert Persistence(landmarks=200).unjudged("distances", tables["distances"]) == []
    some = by(tables["signature"], population="few-0")
    assert np.isnan(some["value"]).all() and np.isnan(some["draws"]).all() and (some["landmarks"] == 200).all()
    assert "few-0" not in tables["diagrams"]["population"]


def test_all_tables_are_of_the_same_diagrams(tables: Tables) -> None:
    diagrams, signatures = tables["diagrams"], tables["signature"]
    h1 = by(diagrams, dimension="H1")
    scale, band, ratio = (np.unique(h1[name]).item() for name in ("scale", "band", "ratio"))
    draws = {"holdout": 8, "calibrate": 4, "good-0": 10, "collapsed-0": 10, "filled-0": 10}
    for population, count in draws.items():
        some = by(diagrams, population=population)
        every = []
        for draw in range(count):
            bars = by(some, draw=draw)
            ends = np.column_stack([bars["birth"], bars["death"]])
            assert np.isnan(bars["death"]).sum() == 1
            finite = np.isfinite(bars["death"])
            one = Diagram(ends[finite & (bars["dimension"] == "H0")], ends[bars["dimension"] == "H1"])
            every.append(signature(one, Frame(scale, band, ratio)))
        row = by(signatures, population=population)
        np.testing.assert_allclose(row["value"], np.mean(every, axis=0))
        assert (row["draws"] == count).all()
    assert set(signatures["at"][signatures["entry"] == "b1"]) == {scale}
    assert (tables["images"]["holdout"] == np.tile(by(tables["images"], population="holdout")["value"], 5)).all()
    overall = by(signatures, population="collapsed-0")["overall"]
    both = [by(tables[name], population="collapsed-0")["adjusted"].min() for name in ("distances", "signature")]
    assert (overall == min(both)).all()


def test_a_table_is_the_same_again_and_whatever_else_is_generated(tmp_path: Path) -> None:
    sizes = {"train": 200, "calibrate": 60, "holdout": 200}
    generated = {f"{name}-0": rows(ring(np.random.default_rng(k), 300)) for k, name in enumerate("ab")}
    some = real(sizes)
    first = analysed(tmp_path, some, generated, "distances")
    written = (tmp_path / "distances.parquet").read_bytes()
    analysed(tmp_path, some, generated, "distances")
    assert (tmp_path / "distances.parquet").read_bytes() == written
    alone = analysed(tmp_path, some, {"b-0": generated["b-0"]}, "distances")["distances"]
    both = by(first["distances"], population="b-0")
    for name in ("excess", "excess_low", "null", "p", "landmarks"):
        np.testing.assert_array_equal(by(alone, population="b-0")[name], both[name])


def test_real_samples_that_are_too_few(tmp_path: Path) -> None:
    analysis, some = Persistence(), real({"train": 500, "calibrate": 500, "holdout": 119})
    found = analysed(tmp_path, some, {"gan-0": rows(ring(np.random.default_rng(0), 500))})
    assert analysis.findings_in("signature", found["signature"]) == []
    assert analysis.unjudged("signature", found["signature"]) == [
        "Too few samples to judge topology: train and holdout (119) each need 120, for 4 draws of 30 landmarks."
    ]
    assert all(svg(analysis.draw(name, table)) for name, table in found.items())


def test_too_few_draws_to_find_a_difference(tmp_path: Path) -> None:
    some = real({"train": 500, "calibrate": 70, "holdout": 130})
    found = analysed(tmp_path, some, {"gan-0": rows(ring(np.random.default_rng(0), 80))}, "signature")["signature"]
    assert (by(found, population="gan-0")["least"] == 1 / 15).all()
    assert Persistence().findings_in("signature", found) == []
    sentences = Persistence().unjudged("signature", found)
    assert [sentence.split(":")[0] for sentence in sentences] == ["calibrate", "gan-0"]
    assert "with 2 draws beside 4 of holdout, whose smallest adjusted p-value is 0.0667" in sentences[1]


def test_a_difference_that_few_draws_find_beside_others_is_said(tmp_path: Path) -> None:
    """4 draws beside 4: p is 2 / 70 at least, twice that is too large; but the other population is found already."""
    some = real({"train": 160, "calibrate": 160, "holdout": 160})
    far = [100 + ring(np.random.default_rng(k), n) * 9 for k, n in enumerate((2000, 160))]
    found = analysed(tmp_path, some, {"many-0": rows(far[0]), "few-0": rows(far[1])}, "signature")["signature"]
    assert by(found, population="few-0")["overall"][0] == pytest.approx(2 / 70)
    assert [one[: one.index("-0") + 2] for one in Persistence().findings_in("signature", found)] == ["many-0", "few-0"]
    assert Persistence().unjudged("signature", found) == []
    alike = {f"{name}-0": rows(ring(np.random.default_rng(9), 160)) for name in "ab"}
    none = analysed(tmp_path, some, alike, "signature")["signature"]
    assert Persistence().findings_in("signature", none) == []
    assert "whose smallest adjusted p-value is 0.0571;" in Persistence().unjudged("signature", none)[0]


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: np.ones((n, 2)),
        lambda rng, n: rng.integers(0, 2, (n, 1)).astype(np.float64),
        lambda rng, n: rng.integers(0, 3, (n, 2)).astype(np.float64),
        lambda rng, n: rng.normal(size=(n, 1)),
    ],
    ids=["all samples are equal", "two values", "a few values", "a line"],
)
def test_samples_without_loops(tmp_path: Path, draw: Callable[..., Floats]) -> None:
    analysis, some = Persistence(), real({"train": 160, "calibrate": 160, "holdout": 160}, draw=draw)
    fine, other = rows(draw(np.random.default_rng(9), 400)), rows(ring(np.random.default_rng(9), 400))
    found = analysed(tmp_path, some, {"fine-0": fine, "ring-0": other})
    sentences = analysis.findings_in("signature", found["signature"])
    assert sentences[0].startswith("fine-0: no difference")
    assert not sentences[1].startswith("ring-0: no difference")
    assert not analysis.unjudged("signature", found["signature"])
    for name, table in found.items():
        figure = analysis.draw(name, table)
        with warnings.catch_warnings(action="error"):  # of panels that cannot be laid out
            assert svg(figure)


def test_figures_of_a_line_have_axes_of_some_length(tmp_path: Path) -> None:
    """No population has loops: all that is said of them is 0."""
    some = real({"train": 160, "calibrate": 160, "holdout": 160}, draw=lambda rng, n: rng.normal(size=(n, 1)))
    found = analysed(tmp_path, some, {"gan-0": some["calibrate"]})
    for name, table in found.items():
        for ax in Persistence().draw(name, table).axes:
            ends = [*ax.get_xlim(), *ax.get_ylim()]
            assert min(abs(ends[1] - ends[0]), abs(ends[3] - ends[2])) > 1e-3, name


@pytest.mark.parametrize("name", ["distances", "signature"])
def test_a_population_with_too_few_samples_keeps_its_colour(tables: Tables, name: str) -> None:
    """As elsewhere in the report, where it is drawn: the next one does not get it."""
    names = ["holdout", "calibrate", "few-0", "collapsed-0"]
    parts = [by(tables[name], population=population) for population in names]
    ax = Persistence().draw(name, {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}).axes[0]
    drawn, look = {str(line.get_color()) for line in ax.lines}, looks(names)
    assert look["collapsed-0"].colour in drawn and look["few-0"].colour not in drawn


def test_landmarks_are_fewer_where_real_samples_are_few() -> None:
    assert landmarks_of([4000, 2000], 250) == 250
    assert landmarks_of([4000, 700], 250) == 175
    assert landmarks_of([120, 700], 250) == 30
    assert landmarks_of([119, 700], 250) is None


def clouds(seed: int, sizes: tuple[int, ...], spread: float = 1.0) -> list[Diagram]:
    """Diagrams of the first population, whose points have another spread along an axis, and of the second."""
    rng = np.random.default_rng(seed)
    return [
        diagram(rng.normal(size=(25, 2)) * [1.0 if k else spread, 1]) for k, n in enumerate(sizes) for _ in range(n)
    ]


@cache
def measured(seed: int, a: int, b: int, spread: float = 1.0) -> tuple[Floats, Floats]:
    """Distances and signatures of a and b diagrams."""
    some = clouds(seed, (a, b), spread)
    distances = all_distances(some, *np.triu_indices(len(some), 1))
    return distances, np.array([signature(one, Frame(1.0, 0.5, 1.0)) for one in some])


def test_p_values_are_those_of_all_labellings() -> None:
    a, b = 4, 5
    distances, signatures = measured(0, a, b, 2.0)
    found = compare(distances, signatures, a, np.random.default_rng(0))
    excess, shift = [], []
    for chosen in combinations(range(a + b), a):
        others = [k for k in range(a + b) if k not in chosen]
        cross = np.mean([[distances[:, i, j] for j in others] for i in chosen], axis=(0, 1))
        one, other = (
            np.mean([distances[:, i, j] for i, j in combinations(side, 2)], axis=0) for side in (chosen, others)
        )
        excess.append(cross - (one + other) / 2)
        shift.append(signatures[list(chosen)].mean(axis=0) - signatures[others].mean(axis=0))
    for k, one in enumerate(found.excesses):
        assert one.estimate.value == pytest.approx(excess[0][k])
        assert one.estimate.value == pytest.approx(one.cross - (one.within + one.within_other) / 2)
        assert found.p[k] == pytest.approx(np.mean(np.array(excess)[:, k] >= excess[0][k] - 1e-9))
        assert one.null == pytest.approx(np.sort(np.array(excess)[:, k])[math.ceil(0.95 * (len(excess) - 1))])
    differences = max_t(np.array(shift), np.zeros(len(ENTRIES), dtype=np.int64))
    np.testing.assert_allclose(found.p[4:], differences.p)
    assert (found.adjusted >= found.p).all()
    assert found.least == 1 / 126


def test_labellings_are_all_or_many() -> None:
    few = labellings(3, 4, np.random.default_rng(0))
    assert few.shape == (35, 7) and len(np.unique(few, axis=0)) == 35
    assert (few.sum(axis=1) == 3).all() and few[0].tolist() == [1, 1, 1, 0, 0, 0, 0]
    many = labellings(8, 10, np.random.default_rng(0))
    assert many.shape == (1 + LABELLINGS, 18) and (many.sum(axis=1) == 8).all() and many[0, :8].all()
    assert many[1:].mean(axis=0) == pytest.approx(8 / 18, abs=0.08)
    assert (least_p(4, 4), least_p(2, 4), least_p(8, 10)) == (2 / 70, 1 / 15, 1 / 1000)


def test_the_interval_of_an_excess_holds() -> None:
    """It covers the mean of many experiments, in about 95 % of them."""
    found = [compare(*measured(seed, 6, 6, 2.0), 6, np.random.default_rng(seed)) for seed in range(100)]
    for k in range(4):
        value, low, high = np.array([one.excesses[k].estimate for one in found], dtype=np.float64).T
        assert ((low <= value.mean()) & (value.mean() <= high)).mean() >= 0.88


def test_intervals_of_means_and_differences_hold() -> None:
    rng = np.random.default_rng(8)
    held = []
    truth = np.array([1.02, 0.97, 0.5, 3, 3, 3, 3, 3])
    for _ in range(500):
        counts = [1 + (rng.random(8) < 0.02), rng.random(8) < 0.97, rng.random(8) < 0.5]
        a, b = (np.column_stack([*counts, *(3 + rng.normal(size=(5, 8)))]) for _ in range(2))
        b[:, :3] = np.column_stack([1 + (rng.random(8) < 0.02), rng.random(8) < 0.97, rng.random(8) < 0.5])
        one, other = means_of(a), means_of(b)
        apart = [difference(*pair) for pair in zip(one, other, strict=True)]
        held.append(
            [mean.low <= value <= mean.high for mean, value in zip(one, truth, strict=True)]
            + [mean.low <= 0 <= mean.high for mean in apart]
        )
    assert np.mean(held, axis=0).min() > 0.92


def test_the_difference_of_two_means() -> None:
    assert difference(Mean(5, 2, 9), Mean(1, -3, 13)) == Mean(4, 4 - math.hypot(3, 12), 4 + math.hypot(4, 4))


def false_alarms(seeds: int, n: int, landmarks: int, folder: Path) -> int:
    """In how many experiments fresh real samples are said to differ from held-out ones."""
    count = 0
    for seed in range(seeds):
        some = real({"train": n, "calibrate": n, "holdout": n}, seed)
        fresh = rows(ring(np.random.default_rng([seed, 9]), n))
        found = analysed(folder, some, {"fresh-0": fresh}, "signature", landmarks=landmarks)["signature"]
        count += int(by(found, population="fresh-0")["overall"][0] <= 0.05)
    return count


def test_fresh_real_samples_do_not_differ(tmp_path: Path) -> None:
    assert false_alarms(20, 300, 40, tmp_path) <= 4  # more with probability 0.003


@pytest.mark.long
@pytest.mark.parametrize("n", [1000, 20_000])
def test_fresh_real_samples_do_not_differ_in_200_experiments(n: int, tmp_path: Path) -> None:
    assert false_alarms(200, n, 250, tmp_path) <= 16


@pytest.mark.parametrize("count", [1, 8])
def test_no_text_of_a_figure_overlaps(tables: Tables, count: int) -> None:
    names = [f"{'long_name_of_a_generator_' * (k % 2)}{k}-0" for k in range(count)]
    for table, content in tables.items():
        kept = [by(content, population=name) for name in ("holdout", "calibrate") if name in content["population"]]
        copies = [by(content, population="collapsed-0") | {"population": None} for _ in names]
        for copy, name in zip(copies, names, strict=True):
            copy["population"] = np.full(len(copy["space"]), name)
        parts = [*kept, *copies]
        figure = Persistence().draw(table, {k: np.concatenate([part[k] for part in parts]) for k in content})
        styled(FigureCanvasAgg(figure).draw)()  # type: ignore[no-untyped-call]
        texts = [(text, text.get_window_extent()) for text in shown_texts(figure)]
        for (one, box), (other, beside) in combinations(texts, 2):
            assert not box.shrunk(0.95, 0.7).overlaps(beside.shrunk(0.95, 0.7)), (table, one, other)
        sizes = [ax.get_window_extent() for ax in figure.axes if ax.get_label() != "<colorbar>"]
        assert min(size.width for size in sizes) > 80 and min(size.height for size in sizes) > 60, table


def shown_texts(figure: Figure) -> Iterator[Text]:
    """Yield titles, labels and the numbers of axes that are within their range."""
    for ax in figure.axes:
        titles: list[Text] = [ax.title, vars(ax)["_left_title"], ax.xaxis.label, ax.yaxis.label]
        yield from (text for text in titles if text.get_text())
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if low <= tick.get_loc() <= high and tick.label1.get_text() and tick.label1.get_visible():
                    yield tick.label1


STUDY = """
studies:
  ring:
    source: {kind: ring, samples: 1000, repetitions: 2}
    generators: {gan: {kind: toygan, train_size: 100, samples: 1000}}
    definitions: {near: {euclidean: {alpha: 0.01}}}
    persistence: {}
"""


def test_without_gudhi_the_analysis_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY, encoding="utf-8")
    assert "persistence" in read(path).studies["ring"].analyses
    monkeypatch.setattr(analysis_persistence, "find_spec", lambda name: None)
    config = read(path)
    assert "persistence" not in config.studies["ring"].analyses
    assert config.skipped == (
        "persistence of study ring is skipped: it needs the package gudhi: pip install 'gancensus[topology]'",
    )


def test_loading_the_analysis_loads_no_library() -> None:
    code = (
        "import sys; from gancensus.domains.topology.analysis_persistence import Persistence; "
        "assert not {'gudhi', 'sklearn', 'scipy', 'matplotlib'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
