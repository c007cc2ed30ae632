"""`import gancensus`: arrays, tensors, tables, paths in; the numbers of files out, and the caller's state as it was."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import pydoc
import signal
import subprocess
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import gancensus
from gancensus.audit.api import Audit, _Files
from gancensus.audit.memory import run_study
from gancensus.audit.outcome import Gate
from gancensus.cli.auditing import Audit as Command
from gancensus.config.configuration import load
from gancensus.domains.general.analysis_fidelity import Fidelity

RNG = np.random.default_rng(5)
REAL = RNG.normal(size=(400, 3)).astype(np.float32)
MADE = RNG.normal(size=(300, 3)).astype(np.float32)
NAME = 'my <b>"best"</b> GAN, epoch 3'


@pytest.fixture(scope="module")
def found() -> Audit:
    return gancensus.audit(REAL, {NAME: MADE, "other": MADE[:200] * 1.5})


def assert_same(one: Audit, other: Audit, but: tuple[str, ...] = ("inputs.parquet",), unnamed: bool = False) -> None:
    """Compare all tables; unnamed: but for the names of samples, which a CSV has and a DataFrame does not."""
    assert one.tables.keys() == other.tables.keys()
    for place in one.tables.keys() - set(but):
        tables = [found.tables[place] for found in (one, other)]
        if unnamed:
            tables = [table.drop_columns([*({"name", "train_name"} & {*table.column_names})]) for table in tables]
        assert tables[0].equals(tables[1], check_metadata=not unnamed), place


def test_files_and_what_holds_the_same_numbers_give_the_same_tables(found: Audit, tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", REAL)
    np.save(tmp_path / "mine.npy", MADE)
    wide = np.zeros((300, 6), np.float32)
    wide[:, ::2] = MADE
    expected = gancensus.audit(tmp_path / "real.npy", {"generated": str(tmp_path / "mine.npy")})
    for real, made in (
        (torch.tensor(REAL, requires_grad=True), torch.from_numpy(MADE)),
        (np.asfortranarray(REAL), wide[:, ::2]),
        ([*REAL], [torch.from_numpy(row) for row in MADE]),
    ):
        assert_same(gancensus.audit(real, {"generated": made}), expected)
    one = gancensus.audit(REAL, MADE)
    assert list(one) == ["generated"]
    assert_same(one, expected)
    config = load(expected.configuration)
    assert run_study(config, "audit").tables.keys() == one._run.tables.keys()


def test_numbers_of_sixteen_bits_are_taken_as_they_are() -> None:
    short = torch.from_numpy(REAL).bfloat16()
    assert_same(gancensus.audit(short, MADE), gancensus.audit(short.float().numpy(), MADE))
    assert_same(gancensus.audit(torch.from_numpy(REAL).half(), MADE), gancensus.audit(REAL.astype(np.float16), MADE))


def test_images_are_those_of_a_folder(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (2, 120, 6, 6), dtype=np.uint8)
    for side, some in zip(("real", "mine"), images, strict=True):
        (tmp_path / side).mkdir()
        for k, one in enumerate(some):
            Image.fromarray(one).save(tmp_path / side / f"{k:08}.png")
    real, made = ([Image.fromarray(one) for one in some] for some in images)
    folder = gancensus.audit(tmp_path / "real", tmp_path / "mine")
    assert_same(gancensus.audit(real, made), folder)
    array = gancensus.audit(*images, kind="images")
    place = "audit/census/support.parquet"
    assert array.tables[place].equals(folder.tables[place])


def test_a_table_is_that_of_its_file(tmp_path: Path) -> None:
    def table(rows: int, seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        return pd.DataFrame(
            {
                "age": rng.integers(18, 80, rows),
                "income": rng.normal(3000, 500, rows).round(2),
                "sex": rng.choice(["f", "m"], rows),
                "city": pd.Categorical(rng.choice(["Bonn", "Rom, Lazio", "Oslo"], rows)),
            },
            index=rng.permutation(rows) + 1000,
        )

    real, made = table(300, 1), table(200, 2)
    expected = gancensus.audit(real, made)
    assert_same(gancensus.audit(pa.Table.from_pandas(real, preserve_index=False), made), expected)
    for suffix in ("csv", "parquet"):
        for side, some in (("real", real), ("mine", made)):
            path = tmp_path / f"{side}.{suffix}"
            some.to_csv(path, index=False) if suffix == "csv" else some.to_parquet(path, index=False)
        of_files = gancensus.audit(tmp_path / f"real.{suffix}", tmp_path / f"mine.{suffix}")
        assert_same(of_files, expected, unnamed=suffix == "csv")


def test_the_number_of_threads_changes_nothing(found: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    for cores in (1, 5):
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, cores=cores: set(range(cores)))
        assert_same(gancensus.audit(REAL, {NAME: MADE, "other": MADE[:200] * 1.5}), found, but=())


def test_the_result_is_read_by_the_users_names(found: Audit) -> None:
    assert list(found) == [NAME, "other"] and found.get("another") is None
    one = found[NAME]
    rows = found.tables["audit/census/support.parquet"].to_pylist()
    row = next(row for row in rows if row["population"] == one.population == "my-b-best-b-GAN-epoch-3-0")
    assert (one.ratio, one.low, one.high) == (row["ratio"], row["ratio_low"], row["ratio_high"])
    assert one.support == row["effective_support"] and {*one.answers} >= {"diverse", "on", "covers"}
    assert list(found.table.index) == [NAME, "other"] and found.table.loc[NAME, "support"] == row["effective_support"]
    with pytest.raises(KeyError, match="no generator 'othre'; did you mean 'other'"):
        found["othre"]
    with pytest.raises(KeyError, match="no definition 'nera'; did you mean 'near'"):
        found.duplicates(NAME, "nera")


def test_what_could_not_be_asked_is_said_so_in_the_table(found: Audit) -> None:
    assert found.rows[0]["copies"] == "not asked"
    assert found.rows[0]["diverse"] in ("yes", "no", "inconclusive")


def test_help_shows_the_arguments() -> None:
    said = pydoc.plain(pydoc.render_doc(gancensus.audit))
    assert "train: what the generators have learned from" in said
    assert "audit(real: " in said


def test_every_scale_is_told_by_python_and_by_the_command_alike(found: Audit, tmp_path: Path) -> None:
    """A given alpha has no scales; the middle one is what the other numbers are of."""
    one = found[NAME]
    kept = [
        row for row in found.tables["audit/census/scales.parquet"].to_pylist() if row["population"] == one.population
    ]
    assert one.scales == kept and [row["scale"] for row in kept] == ["strict", "middle", "loose"]
    assert kept[1]["ratio"] == one.ratio and kept[0]["duplicates"] < kept[1]["duplicates"] < kept[2]["duplicates"]
    assert gancensus.audit(REAL, MADE, alpha=0.01)["generated"].scales == []
    found.save(tmp_path)
    said = json.loads(Command(load(found.configuration), tmp_path).json(Gate(), 0))
    of = said["generators"][0]["definitions"]["near"]["scales"]
    assert list(of) == ["strict", "middle", "loose"]
    for row in kept:
        told = of[row["scale"]]
        assert {name: row[name] for name in told} == told and {"ratio", "ratio_low", "duplicates"} <= {*told}
    held = said["definitions"]["near"]["holdout"]
    assert [held["scales"][name]["duplicates"] for name in of] == sorted(
        row["duplicates"]
        for row in found.tables["audit/census/scales.parquet"].to_pylist()
        if row["population"] == "holdout"
    )
    assert held["scales"]["middle"].items() <= held.items()


def test_near_duplicates_are_those_of_all_pairs(found: Audit) -> None:
    pairs = found.duplicates(NAME)
    calibrate = REAL[found.tables["audit/samples/calibrate/0.parquet"]["sample_id"].to_numpy()]
    low, high = calibrate.min(axis=0), calibrate.max(axis=0)
    x = found.tables[f"audit/samples/{found[NAME].population}/0.parquet"]["x"].combine_chunks().to_numpy_ndarray()
    assert np.allclose(low + (x + 1) / 2 * (high - low), MADE, atol=1e-5)  # on the scale of real samples
    i, j = np.triu_indices(len(x), 1)
    distance = np.linalg.norm(x[i].astype(np.float64) - x[j], axis=1)
    thresholds = found.tables["audit/thresholds/near.parquet"].to_pylist()
    threshold = next(row["threshold"] for row in thresholds if row["scale"] == "middle")
    near = distance <= threshold
    assert len(pairs.i) == near.sum() == found[NAME].main["duplicates"] > 5
    assert np.array_equal(np.stack([pairs.i, pairs.j]), np.stack([i[near], j[near]]))
    assert np.allclose(pairs.distances["euclidean"], distance[near])


def test_it_shows_itself(found: Audit) -> None:
    text, page = repr(found), found._repr_html_()
    assert NAME in text and "diverse" in text and "inconclusive" in text
    assert "<b>" not in page and "my &lt;b&gt;" in page and page.count("<tr>") == 3


def test_a_generator_and_its_pairs_show_themselves_in_a_line(found: Audit) -> None:
    name, one = next(iter(found.items()))
    assert repr(one).startswith(f"Outcome({name!r}, ratio='") and "copies='" in repr(one) and len(repr(one)) < 300
    pairs = found.duplicates(name)
    assert repr(pairs) == f"Duplicates({len(pairs.i):,} pairs, by euclidean)"


def test_the_report_and_the_saved_tables_say_nothing_of_temporary_files(found: Audit, tmp_path: Path) -> None:
    found.to_html(tmp_path / "report.html")
    found.save(tmp_path / "kept")
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") + page.count("data:image/svg+xml") >= 5 and 'id="timeline"' not in page
    assert "could not be drawn" not in page and "gancensus-" not in page.replace("gancensus-results", "")
    assert f"{tempfile.gettempdir()}/gancensus-" not in (tmp_path / "kept/provenance.json").read_text()
    kept = {path.relative_to(tmp_path / "kept").as_posix() for path in (tmp_path / "kept").rglob("*.parquet")}
    assert kept == found.tables.keys()


def test_nothing_is_changed_or_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    real, made, frame = REAL.copy(), torch.from_numpy(MADE.copy()), pd.DataFrame(REAL, columns=["a", "b", "c"])
    real.flags.writeable = False
    gancensus.audit(real, made)
    gancensus.audit(frame, frame)
    gancensus.duplicates(real, 0.1)
    assert np.array_equal(real, REAL) and np.array_equal(made.numpy(), MADE) and np.array_equal(frame.to_numpy(), REAL)
    assert not list(tmp_path.iterdir())


def state() -> dict[str, Any]:
    """What a program may have set."""
    return {
        "threads": torch.get_num_threads(),
        "torch": (torch.are_deterministic_algorithms_enabled(), torch.get_default_dtype(), torch.is_grad_enabled()),
        "random": (np.random.get_state(legacy=False)["state"]["key"].tolist(), torch.get_rng_state().tolist()),  # noqa: NPY002
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "filters": list(warnings.filters),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "drawing": (dict(mpl.rcParams), mpl.get_backend(auto_select=False)),
        "errors": np.geterr(),
    }


def test_the_callers_state_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(4)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setitem(mpl.rcParams, "lines.linewidth", 7.5)
    threads, expected = torch.get_num_threads(), gancensus.audit(REAL, MADE)
    torch.set_num_threads(3)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_default_dtype(torch.float64)
    try:
        with np.errstate(all="raise"), torch.no_grad():
            before = state()
            found = gancensus.audit(REAL, MADE)
            found.to_html(tmp_path / "x.html")
            gancensus.fidelity(REAL, MADE)
            with pytest.raises(gancensus.UserError):
                gancensus.audit(REAL, MADE[:, :2])
            assert state() == before
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(threads)
    assert_same(found, expected, but=())


def test_importing_takes_little_and_nothing_needs_snakemake() -> None:
    program = """
import sys, gancensus
heavy = {"numpy", "numba", "torch", "pyarrow", "pydantic", "matplotlib"} & sys.modules.keys()
assert not heavy, heavy
assert {"audit", "census", "duplicates", "fidelity", "UserError"} <= set(dir(gancensus))
import gancensus.audit.check  # a module of the package that is called like the function
import numpy as np
rng = np.random.default_rng(0)
found = gancensus.audit(rng.normal(size=(200, 2)), {"mine": rng.normal(size=(100, 2))})
assert "mine" in found and not [name for name in sys.modules if name.startswith("snakemake")], sys.modules.keys()
assert "torch" not in sys.modules
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_functions_that_are_called_like_packages_look_like_functions() -> None:
    assert callable(gancensus.audit) and callable(gancensus.census)
    assert [*inspect.signature(gancensus.audit).parameters][:3] == ["real", "generated", "train"]
    assert "threshold" in inspect.signature(gancensus.census).parameters
    assert pickle.loads(pickle.dumps(gancensus.audit)) is gancensus.audit
    assert import_module("gancensus.census.support") is vars(gancensus.census)["support"]
    with pytest.raises(AttributeError, match="no attribute 'audits'"):
        gancensus.audits  # noqa: B018


@pytest.mark.parametrize(
    ("real", "generated", "said"),
    [
        (REAL, {}, "no generator is given"),
        (REAL, {"a": MADE, "": MADE}, "^generated: a generator has no name"),
        (REAL, {1: MADE, "1": MADE}, "^generated: two generators have one name"),
        (REAL[:0], MADE, r"^real: has no samples; its shape is \(0, 3\)"),
        (REAL, {"a": MADE[:1]}, r"^generated\['a'\]: 1 sample"),
        (pd.DataFrame(REAL, columns=["a", "a", "b"]), MADE, "^real: Duplicate column names"),
        (REAL, {"a": MADE[:, :2]}, r"generated\['a'\]: samples have shape \(2,\), but the real samples have \(3,\)"),
        (np.where(np.arange(1200).reshape(400, 3) == 9, np.nan, REAL), MADE, r"^real: sample 3 has NaN"),
        (np.array([["a", "b"]] * 50), MADE, "^real: ndarray of <U1, not of real numbers"),
        (np.arange(400.0), MADE, r"^real: holds float64 of shape \(400,\)"),
        (np.ma.masked_less(REAL, 0), MADE, "^real: has masked values"),
        ([np.zeros(3), np.zeros(4)], MADE, "^real: arrays of 2 shapes"),
        (object(), MADE, "^real: object of object, not of real numbers"),
        (REAL * 1j, MADE, "^real: ndarray of complex"),
        (Path("nowhere.npy"), MADE, "nowhere.npy: no such file"),
        (REAL, {"a": MADE, "b": MADE[:1]}, r"generated\['b'\]: 1 sample; a pair needs at least two"),
        ([Image.new("CMYK", (4, 4))] * 3, MADE, "^real: image 0 has mode CMYK; convert it"),
    ],
)
def test_what_is_wrong_is_said_of_what_the_caller_gave(real: Any, generated: Any, said: str) -> None:
    with pytest.raises(gancensus.UserError, match=said) as error:
        gancensus.audit(real, generated)
    assert "gancensus-" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "imags"}, "^kind imags: is no kind of samples; did you mean 'images'"),
        ({"encoder": "pcaa"}, "^encoder pcaa: is neither"),
        ({"encoder": "x.onnx"}, "^encoder x.onnx: no such file"),
        ({"alpha": 2}, "^alpha: 2; give a share"),
        ({"alpha": "auto"}, "^alpha: 'auto'; give a share"),
        ({"seed": -1}, "^seed: -1; give a whole number"),
        ({"train": REAL}, "^train: is the same as real"),
        ({"train": REAL[:, :2]}, r"^train: samples have shape \(2,\)"),
        ({"features": {"real": REAL}}, "^features of generated: are missing"),
        ({"features": {"real": REAL[:9], "generated": MADE}}, r"^features\['real'\]: has 9 vectors"),
    ],
)
def test_what_is_wrong_with_an_argument_is_said_in_terms_of_python(options: dict[str, Any], said: str) -> None:
    with pytest.raises(gancensus.UserError, match=said) as error:
        gancensus.audit(REAL, MADE, **options)
    assert "--" not in str(error.value) and "gancensus-" not in str(error.value)
    jets = RNG.normal(size=(50, 20, 3))
    with pytest.raises(gancensus.UserError, match=r"does not tell what samples are; say it by kind \("):
        gancensus.audit(jets, jets)


def test_what_only_a_step_notices_is_said_of_what_the_caller_gave() -> None:
    bad = RNG.random((60, 10, 10))
    bad[:, 0, 0] = -1
    good = abs(bad)
    for inputs, name in (((bad, good), "real"), ((good, {"my GAN": bad}), r"generated\['my GAN'\]")):
        with pytest.raises(gancensus.UserError, match=f"^{name}: metric emd: sample [0-9]+ has the weight -1"):
            gancensus.audit(*inputs, kind="jets")
    with pytest.raises(gancensus.UserError, match=r"`same_units=True`$"):
        gancensus.audit(RNG.integers(0, 256, (300, 8, 8), dtype=np.uint8), RNG.random((300, 8, 8)))


def test_each_of_many_inputs_keeps_its_name(tmp_path: Path) -> None:
    files = _Files(tmp_path)
    names = [f"generated['{k}']" for k in range(12)]
    places = [files.place([Image.new("L", (2, 2))], name) for name in names]
    assert [files.called(place) for place in places] == names


def test_what_was_chosen_and_what_looks_wrong_is_said_in_terms_of_python(found: Audit) -> None:
    assert found.said[0].endswith("(the first 64)") and not any("--" in line for line in found.said)
    assert not found.warnings
    scaled = gancensus.audit(REAL, {NAME: MADE * 100})
    assert len(scaled.warnings) == 1 and scaled.warnings[0].startswith(f"{NAME} (generated['{NAME}']): ")
    assert scaled.warnings[0] in repr(scaled) and "<p>warning: my &lt;b&gt;" in scaled._repr_html_()


def test_rows_of_bytes_and_tables_of_few_columns_are_judged() -> None:
    """Bytes have one scale for all values; a table may have fewer columns than `pca` has components by default."""
    found = gancensus.audit((REAL * 30 + 120).astype(np.uint8), (MADE * 30 + 120).astype(np.uint8))
    assert not found.failed and found["generated"].answers["diverse"]["value"] is not None
    real, made = (pd.DataFrame(x, columns=["a", "b", "c"]) for x in (REAL, MADE))
    assert len(gancensus.audit(real, made, encoder="pca")["generated"].counts) == 2


def test_a_question_that_fails_does_not_take_the_others_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(Fidelity, "analyse", fail)
    found = gancensus.audit(REAL, MADE)
    assert found.failed == ["fidelity could not be measured: a bug: ZeroDivisionError: planted"]
    assert found.failed[0] in repr(found) and found.failed[0] in found._repr_html_()
    assert found.tables["audit/fidelity.parquet"].num_rows == 0 and found["generated"].ratio is not None


def test_a_bug_in_a_step_ends_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gancensus.audit.memory.find_thresholds", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gancensus.audit(REAL, MADE)


def brute(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(x[:, None].astype(np.float64) - y[None], axis=2))


def test_duplicates_are_all_pairs_within_the_threshold() -> None:
    distance = brute(REAL, REAL)
    i, j = np.nonzero(np.triu(distance <= 0.2, 1))
    found = gancensus.duplicates(torch.from_numpy(REAL), 0.2)
    assert np.array_equal(found.i, i) and np.array_equal(found.j, j) and len(i) > 20
    assert np.allclose(found.distances["euclidean"], distance[i, j])
    across = gancensus.duplicates(REAL, 0.2, MADE)
    assert np.array_equal(np.stack([across.i, across.j]), np.stack(np.nonzero(brute(REAL, MADE) <= 0.2)))
    assert len(gancensus.duplicates(REAL, 0).i) == 0 and len(gancensus.duplicates(np.tile(REAL[:3], (2, 1)), 0).i) == 3
    for wrong in (-1, np.nan):
        with pytest.raises(gancensus.UserError, match="threshold"):
            gancensus.duplicates(REAL, wrong)


def test_fidelity_is_that_of_a_peer_package() -> None:
    from prdc import compute_prdc

    found = gancensus.fidelity(REAL, MADE)
    for name, value in compute_prdc(REAL.astype(np.float64), MADE.astype(np.float64), 5).items():
        assert found[name].estimate.value == pytest.approx(value)
    for value, low, high in (one.estimate for one in found.values()):
        assert low is not None and value is not None and high is not None and low <= value <= high
    assert all(one.null is None for one in found.values())
    with_null = gancensus.fidelity(REAL[:200], MADE, REAL[200:])
    assert all(one.null is not None for one in with_null.values())
    with pytest.raises(gancensus.UserError, match=r"real of shape \(3,\), but generated of shape \(2,\)"):
        gancensus.fidelity(REAL, MADE[:, :2])
    with pytest.raises(gancensus.UserError, match="neighbours: 0"):
        gancensus.fidelity(REAL, MADE, neighbours=0)


def test_a_census_counts_all_pairs() -> None:
    found = gancensus.census(REAL, MADE, 0.3)
    own, real = ((np.triu(brute(x, x) <= 0.3, 1)).sum() for x in (MADE, REAL))
    shares = own / (300 * 299 / 2), real / (400 * 399 / 2)
    assert (found.duplicates, found.real_duplicates) == (own, real)
    assert found.ratio.value == pytest.approx(shares[0] / shares[1])
    assert found.support.value == pytest.approx(1 / shares[0]) and found.real.value == pytest.approx(1 / shares[1])
    few = gancensus.census(REAL, np.repeat(MADE[:30], 10, axis=0))  # 30 samples, ten times each
    assert few.ratio.low is not None and few.ratio.low > 1.5 and few.verdict == "more duplicates"
    assert few.support.value is not None and few.support.value < 33
    with pytest.raises(gancensus.UserError, match="leave one out"):
        gancensus.census(REAL, MADE, 0.3, alpha=0.1)
    with pytest.raises(gancensus.UserError, match="alpha: 2"):
        gancensus.census(REAL, MADE, alpha=2)


@pytest.mark.parametrize(
    ("real", "made", "options", "said"),
    [
        (REAL, MADE[:, :2], {}, r"real of shape \(3,\), but generated of shape \(2,\)"),
        (REAL[:3], MADE, {}, "^real: 3 samples; give 4 or more"),
        (REAL, MADE[:1], {"threshold": 0.1}, "^generated: 1 samples; give 2 or more"),
        (REAL, MADE, {"threshold": np.nan}, "^threshold: nan; give a distance"),
        (REAL, MADE, {"margin": 1}, "^margin: 1; give a ratio above 1"),
        (REAL, MADE, {"alpha": 1e-9}, "^alpha: 1e-09; half of the 400 real samples"),
    ],
)
def test_what_a_census_cannot_be_taken_of_is_said(real: Any, made: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(gancensus.UserError, match=said):
        gancensus.census(real, made, **options)


def test_a_training_is_watched() -> None:
    """The example of the documentation: after every epoch, 2,000 samples; the training's own numbers do not change."""
    held_out = RNG.normal(size=(1000, 2)).astype(np.float32)

    class Generator(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.spread = torch.nn.Parameter(torch.tensor(0.05))

        def forward(self, noise: torch.Tensor) -> torch.Tensor:
            return self.spread * noise

    def after_epoch(generator: torch.nn.Module) -> Any:
        with torch.no_grad():
            samples = generator(torch.randn(2000, 2, generator=torch.Generator().manual_seed(0)))
        return gancensus.census(held_out, samples)

    generator, history = Generator(), []
    torch.manual_seed(1)
    for spread in (0.05, 1.0):
        generator.spread.data.fill_(spread)
        before = torch.get_rng_state()
        history.append(after_epoch(generator))
        assert torch.equal(before, torch.get_rng_state())
    assert history[0].verdict == "more duplicates" and history[0].ratio.low > 10
    assert 0.7 < history[1].ratio.value < 1.4
