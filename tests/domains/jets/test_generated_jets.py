"""The user's generated jets become what the source makes of real ones; what would be read otherwise is found."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.audit.user_samples import as_population, population_of
from gancensus.cli.estimate.costs import predict
from gancensus.config.configuration import check_files, read
from gancensus.config.pipeline import located
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.domains.general.generator_files import Files
from gancensus.domains.jets import generator_jets_hdf5, source_jets_hdf5

Floats = NDArray[np.float64]
N, PARTICLES = 80, 12
FORMS: list[dict[str, Any]] = [
    {"form": "constituents", "particles": PARTICLES},
    {"form": "images", "pixels": 12},
    {"form": "images", "normalise": False},
]


def jets(*names: str) -> Floats:
    """Jets (N, PARTICLES, 3) about their axis, hardest first, zero-padded, of about 600 GeV."""
    rng = derive_rng(0, "generated", *names)
    found = np.zeros((N, PARTICLES, 3))
    for jet in found:
        k = rng.integers(3, PARTICLES + 1)
        pt = np.sort(rng.dirichlet(np.full(k, 1.0)))[::-1]
        jet[:k] = np.column_stack([pt * rng.uniform(550, 650), rng.normal(0, 0.2, (k, 2))])
    return found


def moved(clouds: Floats) -> Floats:
    """Rotate each jet by its own angle, and then shift it by its own eta and phi, in a range of 2 pi."""
    rng = derive_rng(0, "moved")
    angle, eta, phi = rng.uniform(0, 2 * np.pi, (N, 1)), rng.normal(size=(N, 1)), rng.uniform(-3, 3, (N, 1))
    pt, y, x = np.moveaxis(clouds, -1, 0)
    y, x = np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x
    turn = (x + phi + np.pi) % (2 * np.pi) - np.pi
    return np.where(clouds[..., :1] > 0, np.stack([pt, y + eta, turn], axis=-1), 0.0)


def saved(path: Path, clouds: Floats) -> Path:
    np.save(path, clouds)
    return path


def source(path: Path, **options: Any) -> source_jets_hdf5.JetsHdf5:
    return source_jets_hdf5.JetsHdf5(layout="array", path=path, **options)


def generator(path: Path, **options: Any) -> generator_jets_hdf5.JetsHdf5:
    return generator_jets_hdf5.JetsHdf5(layout="array", path=path, **options)


def real(path: Path, **options: Any) -> Samples:
    return source(path, **options).load(0).take(slice(None))


@pytest.mark.parametrize("form", FORMS)
def test_the_same_jets_become_the_same_samples(form: dict[str, Any], tmp_path: Path) -> None:
    like = real(saved(tmp_path / "real.npy", jets("real")), **form)
    path = saved(tmp_path / "made.npy", jets("made"))
    made = population_of(generator(path, **form), like, "g-0")
    np.testing.assert_array_equal(made.take(slice(None)).x, real(path, **form).x / scaling(path, like, form))
    for name, values in real(path, **form).conditions.items():
        np.testing.assert_array_equal(made.take(slice(None)).conditions[name], values)
    rows = np.array([7, 3, 70])
    np.testing.assert_array_equal(made.take(rows).x, made.take(slice(None)).x[rows])
    assert not any("warning" in note for note in made.notes.counts())


def scaling(path: Path, like: Samples, form: dict[str, Any]) -> Any:
    """How many times larger the scale of the study is than that which the file would have as a source."""
    own = real(path, **form).scale
    assert own is not None and like.scale is not None
    return (np.array(like.scale.high) / np.array(own.high)).astype(np.float32)


@pytest.mark.parametrize("form", FORMS)
def test_rotated_and_shifted_jets_become_the_same_samples(form: dict[str, Any], tmp_path: Path) -> None:
    clouds = jets("turned")
    like = real(saved(tmp_path / "real.npy", clouds), **form)
    made = population_of(generator(saved(tmp_path / "made.npy", moved(clouds)), **form), like, "g-0")
    found = made.take(slice(None)).x
    alike = np.isclose(found, like.x, rtol=1e-5, atol=1e-6).reshape(N, -1).all(axis=1)
    assert alike.mean() >= 0.95  # of the others, a particle is at the edge of a pixel, or halves have equal pt
    raw = {**form, "rotate": False}
    other = as_population(generator(tmp_path / "made.npy", **raw), real(tmp_path / "real.npy", **raw), "g-0")
    unlike = ~np.isclose(other.take(slice(None)).x, like.x, atol=1e-6).reshape(N, -1).all(axis=1)
    assert unlike.mean() >= 0.95


def test_samples_of_kind_files_are_warned_of(tmp_path: Path) -> None:
    form = FORMS[0]
    like = real(saved(tmp_path / "real.npy", jets("real")), **form)
    made = population_of(Files(path=tmp_path / "real.npy"), like, "g-0")
    notes = [note for note in made.notes.counts() if "use kind jets-hdf5" in note]
    assert len(notes) == 1 and "centre, rotate, flip" in notes[0]
    steps = dict.fromkeys(("centre", "rotate", "flip", "normalise"), False)
    raw = population_of(Files(path=tmp_path / "real.npy"), real(tmp_path / "real.npy", **form, **steps), "g-0")
    assert not any("jets-hdf5" in note for note in raw.notes.counts())


STUDY = """
studies:
  jets:
    source: {kind: jets-hdf5, layout: array, path: real.npy}
    generators:
      mine: {kind: jets-hdf5, layout: array, path: made.npy%s}
    definitions: {pixels: {euclidean: {alpha: 0.1}}}
"""


@pytest.mark.parametrize(
    "option",
    [
        *("form: constituents", "centre: false", "rotate: false", "flip: false", "normalise: false"),
        *("pixels: 30", "width: 1.6", "particles: 30"),
    ],
)
def test_options_that_differ_are_refused(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("real.npy", "made.npy"):
        saved(Path(name), jets(name))
    Path("study.yaml").write_text(STUDY % "", encoding="utf-8")
    check_files(read(Path("study.yaml")))
    Path("study.yaml").write_text(STUDY % f", {option}", encoding="utf-8")
    with pytest.raises(UserError, match=rf"generators\.mine\.{option}, but that of the source is \w+"):
        check_files(read(Path("study.yaml")))


def test_an_estimate_knows_that_an_array_becomes_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("real.npy", "made.npy"):
        saved(Path(name), jets(name))
    Path("study.yaml").write_text(STUDY % "", encoding="utf-8")
    found, costs = predict(Path("study.yaml"), {}, located("workflow/Snakefile"))
    read_by = {job.rule: cost.read for job, cost in zip(found, costs, strict=True)}
    assert read_by["prepare"] == 4 * N * 40 * 40 * 3


@pytest.mark.parametrize("name", ["a.npz", "b.npz"])
def test_archives_and_labels(name: str, tmp_path: Path) -> None:
    clouds, labels = jets("archive"), np.arange(N) % 3
    whole = real(saved(tmp_path / "a.npy", clouds), **FORMS[0])
    if name == "a.npz":
        np.savez(tmp_path / name, x=clouds, label=labels)
    else:
        np.savez_compressed(tmp_path / name, clouds)
    found = real(tmp_path / name, **FORMS[0])
    np.testing.assert_array_equal(found.x, whole.x)
    assert found.label is not None
    np.testing.assert_array_equal(found.label, labels if name == "a.npz" else 0)
    assert population_of(generator(tmp_path / name, **FORMS[0]), whole, "g-0").known.label is None


def test_only_the_rows_that_are_needed_are_read(tmp_path: Path) -> None:
    """Of a file of 600 MB with holes for all but the first jets."""
    clouds, count = jets("lazy"), 2_000_000
    header = {"descr": "<f8", "fortran_order": False, "shape": (count, PARTICLES, 3)}
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array_header_2_0(file, header)
        for _ in range(20):
            clouds.tofile(file)
        file.truncate(file.tell() + (count - 20 * N) * PARTICLES * 3 * 8)
    form = FORMS[0]
    like = real(saved(tmp_path / "real.npy", clouds), **form)
    tracemalloc.start()
    made = generator(tmp_path / "a.npy", **form).look(like.scale)
    found = made.take(np.arange(N)).x
    assert tracemalloc.get_traced_memory()[1] < 1e8
    tracemalloc.stop()
    assert len(made) == count
    np.testing.assert_allclose(found, like.natural(), atol=1e-4)
    with pytest.raises(UserError, match=rf"array of jets, row {count - 1}: no particle above 0"):
        made.take(np.array([count - 1]))


ORDER = r"the last axis must be pt, eta, phi, in this order: reorder it"


def spoiled(value: float, number: int) -> Floats:
    clouds = jets("spoiled")
    clouds[5, 1, number] = value
    return clouds


@pytest.mark.parametrize(
    ("clouds", "message"),
    [
        (jets("order")[..., [1, 2, 0]], rf"array of jets, row \d+: a negative pt; {ORDER}"),
        (moved(jets("order"))[..., [1, 0, 2]], rf"array of jets, row \d+: .*; {ORDER}"),
        (np.abs(jets("order"))[..., [1, 0, 2]], rf"array of jets, row 0: eta beyond 10 or phi beyond 2 pi; {ORDER}"),
        (np.abs(jets("order"))[..., [1, 2, 0]], rf"array of jets, row 0: eta beyond 10 or phi beyond 2 pi; {ORDER}"),
        (spoiled(-1, 0), rf"row 5: a negative pt; {ORDER}"),
        (spoiled(7, 2), rf"row 5: eta beyond 10 or phi beyond 2 pi; {ORDER}"),
        (spoiled(np.nan, 1), "row 5: NaN or infinite"),
        (1000 * jets("unit") * [1, 1e-3, 1e-3], "write `unit: MeV`"),
        (
            jets("unit") / [600, 1, 1],
            "the pt of the particles of a jet sum to 1, so they are relative to the jet's, or in TeV: mul",
        ),
        (jets("unit") / [200, 1, 1], "the median pt of the first 80 jets is .* GeV, below that of any; is it GeV"),
        (jets("shape")[..., :2], r"has shape \(N, 12, 2\); it must be \(N, particles, 3\): pt, eta, phi"),
        (jets("shape")[..., 0], r"has shape \(N, 12\); it must be \(N, particles, 3\): pt, eta, phi"),
        (np.zeros((0, 4, 3)), r"holds float64 of shape \(0, 4, 3\); it must be real numbers"),
    ],
)
def test_what_is_wrong_with_an_array_is_said(clouds: Floats, message: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", clouds)
    for one in (lambda: real(path), lambda: generator(path).look()):
        with pytest.raises(UserError, match=message) as caught:
            one()
        assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_other_files_and_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"`layout: array` reads \.npy and \.npz"):
        real(tmp_path / "a.txt")
    np.save(tmp_path / "a.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="not a readable NumPy file"):
        real(tmp_path / "a.npy")


def test_the_generators_layout_may_be_another(tmp_path: Path) -> None:
    """EnergyFlow's X in MeV, with the same jets, becomes the same samples."""
    clouds = jets("layout")
    like = real(saved(tmp_path / "real.npy", clouds), **FORMS[0])
    np.savez(tmp_path / "made.npz", X=clouds * [1000, 1, 1], y=np.zeros(N))
    options = {"layout": "energyflow", "path": tmp_path / "made.npz", "unit": "MeV", **FORMS[0]}
    made = population_of(generator_jets_hdf5.JetsHdf5(**options), like, "g-0")
    np.testing.assert_allclose(made.take(slice(None)).x, like.x, atol=1e-6)
