"""Jets of the user: files as the originals lay them out are read as written; wrong orders and units are found."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from gancensus.cli.estimate.costs import predict
from gancensus.config.pipeline import located
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.domains.jets.jet_images import preprocessed
from gancensus.domains.jets.observables import observables
from gancensus.domains.jets.source_jets_hdf5 import JetsHdf5

Floats = NDArray[np.float64]
N, PARTICLES = 40, 12


def jets(*names: str) -> Floats:
    """Jets (N, PARTICLES, 3) of 3 to PARTICLES particles, hardest first, zero-padded, of about 600 GeV."""
    rng = derive_rng(0, "files", *names)
    found = np.zeros((N, PARTICLES, 3))
    for jet in found:
        k = rng.integers(3, PARTICLES + 1)
        pt = np.sort(rng.exponential(1, k))[::-1]
        jet[:k, 0] = pt / pt.sum() * rng.uniform(550, 650)
        jet[:k, 1:] = rng.normal(0, 0.2, (k, 2)) + np.array([rng.normal(), rng.uniform(-2.5, 2.5)])
    return found


def momenta(clouds: Floats) -> Floats:
    """E, px, py, pz of massless particles (n, particles, 4)."""
    pt, eta, phi = np.moveaxis(clouds, -1, 0)
    return np.stack([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=-1)


def zenodo(
    path: Path,
    clouds: Floats,
    scale: float = 1.0,
    order: tuple[int, ...] = (0, 1, 2, 3),
    numbers: int = 5,
    padded: bool = False,
    obs_scale: float | None = None,
) -> dict[str, Any]:
    """objects/jets/constituents (N, 2) of variable length, and objects/jets/obs (N, 2, 9); the first jet is ours."""
    four = momenta(clouds)[..., order] * scale
    four = np.concatenate([four, np.ones((*four.shape[:2], numbers - 4))], axis=-1)
    with h5py.File(path, "w") as file:
        group = file.create_group("objects/jets")
        if padded:
            four[..., 4:] *= clouds[..., :1] > 0
            group["constituents"] = np.stack([four.reshape(N, -1), np.zeros((N, PARTICLES * numbers))], axis=1)
        else:
            kind = h5py.vlen_dtype(np.dtype("f8"))
            stored = group.create_dataset("constituents", (N, 2), dtype=kind)
            for k, jet in enumerate(four):
                stored[k, 0] = jet[clouds[k, :, 0] > 0].reshape(-1)
                stored[k, 1] = np.zeros(0)
        whole = momenta(clouds).sum(axis=1)
        pt = np.hypot(whole[:, 1], whole[:, 2]) * (scale if obs_scale is None else obs_scale)
        group["obs"] = np.stack([np.column_stack([pt, np.zeros((N, 8))]), np.zeros((N, 9))], axis=1)
    return {"layout": "zenodo", "paths": {"QCD": path}}


def jetnet(path: Path, clouds: Floats, order: tuple[int, ...] = (1, 2, 0), mask: bool = True) -> dict[str, Any]:
    """particle_features (N, 30, 4): relative eta, phi, pt and a mask; jet_features (N, 4): pt, eta, mass, number."""
    found = observables(clouds)
    axes = preprocessed(clouds, centre=False, rotate=False, flip=False)
    axes[..., 0] /= found["pt"][:, None]
    features = np.zeros((N, 30, 4 if mask else 3), dtype=np.float32)
    features[:, :PARTICLES, :3] = axes[..., order]
    if mask:
        features[:, :PARTICLES, 3] = clouds[..., 0] > 0
    with h5py.File(path, "w") as file:
        file["particle_features"] = features
        file["jet_features"] = np.column_stack([found["pt"], np.zeros(N), found["mass"], found["multiplicity"]])
    return {"layout": "jetnet", "paths": {"g": path}}


def toptagging(
    path: Path,
    clouds: Floats,
    scale: float = 1.0,
    order: tuple[int, ...] = (0, 1, 2, 3),
    names: bool = True,
    label: int | None = None,
) -> dict[str, Any]:
    """A table as pandas and PyTables write it: structured rows, and the names of columns in pickles of protocol 0."""
    block = np.zeros((N, 4 * 20 + 4), dtype=np.float32)
    block[:, : 4 * PARTICLES] = (momenta(clouds)[..., order] * scale).reshape(N, -1)
    kind = np.dtype([("index", "i8"), ("values_block_0", "f4", block.shape[1:]), ("values_block_1", "i8", (2,))])
    rows = np.zeros(N, dtype=kind)
    rows["index"], rows["values_block_0"] = np.arange(N), block
    rows["values_block_1"][:, 1] = np.arange(N) % 2 if label is None else label
    columns = [f"{('E', 'PX', 'PY', 'PZ')[k]}_{p}" for p in range(20) for k in order]
    with h5py.File(path, "w") as file:
        table = file.create_dataset("table/table", data=rows, chunks=(7,))
        if names:
            tops = ["truthE", "truthPX", "truthPY", "truthPZ"]
            table.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps([*columns, *tops], 0))
            table.attrs["values_block_1_kind"] = np.bytes_(pickle.dumps(["ttv", "is_signal_new"], 0))
    return {"layout": "toptagging", "path": path}


def energyflow(path: Path, clouds: Floats, order: tuple[int, ...] = (0, 1, 2)) -> dict[str, Any]:
    """X (N, particles, 4): pt, rapidity, phi in 0 ... 2 pi, particle; y (N)."""
    stored = clouds.copy()
    stored[..., 2] = np.where(clouds[..., 0] > 0, clouds[..., 2] % (2 * np.pi), 0)
    particle = np.where(clouds[..., :1] > 0, 211.0, 0.0)
    np.savez_compressed(path, X=np.concatenate([stored[..., order], particle], axis=-1), y=(np.arange(N) % 2) * 1.0)
    return {"layout": "energyflow", "path": path}


def take(options: dict[str, Any], rows: Any = slice(None), **more: Any) -> Samples:
    return JetsHdf5(**{"form": "constituents", "particles": PARTICLES, **options, **more}).load(0).take(rows)


def expected(clouds: Floats, **steps: bool) -> Floats:
    return preprocessed(clouds, **steps)


LAYOUTS: dict[str, Callable[..., dict[str, Any]]] = {
    "a.h5": zenodo,
    "b.hdf5": jetnet,
    "c.h5": toptagging,
    "d.npz": energyflow,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_read_is_what_was_written(name: str, tmp_path: Path) -> None:
    clouds = jets(name)
    options = LAYOUTS[name](tmp_path / name, clouds)
    found = take(options)
    np.testing.assert_allclose(found.natural(), expected(clouds), rtol=2e-5, atol=2e-4)
    measured = observables(clouds)
    for key, values in found.conditions.items():
        np.testing.assert_allclose(values, measured[key], rtol=2e-3 if name == "b.hdf5" else 1e-4, atol=2e-4)
    assert found.label is not None
    labelled = name in ("c.h5", "d.npz")
    np.testing.assert_array_equal(found.label, np.arange(N) % 2 if labelled else 0)
    np.testing.assert_allclose(take(options, form="images").x.sum(axis=(1, 2)), 1, rtol=1e-5)


@pytest.mark.parametrize("name", LAYOUTS)
def test_only_the_rows_that_are_asked_for_in_any_order(name: str, tmp_path: Path) -> None:
    options = LAYOUTS[name](tmp_path / name, jets(name))
    every, rows = take(options), np.array([39, 3, 20, 4, 3])
    some = take(options, rows)
    np.testing.assert_array_equal(some.x, every.x[rows])
    np.testing.assert_array_equal(some.sample_id, rows)
    for key in every.conditions:
        np.testing.assert_array_equal(some.conditions[key], every.conditions[key][rows])
    for form in ("images", "constituents"):
        assert take(options, np.arange(0), form=form).x.shape == (0, *take(options, [0], form=form).shape)


def test_the_classes_are_the_names_of_files(tmp_path: Path) -> None:
    first, second = jets("one"), jets("two")
    zenodo(tmp_path / "one.h5", first)
    zenodo(tmp_path / "two.h5", second)
    options = {"layout": "zenodo", "paths": {"QCD": tmp_path / "one.h5", "top": tmp_path / "two.h5"}}
    assert JetsHdf5(**options).classes == {0: "QCD", 1: "top"}
    assert JetsHdf5(**options).files() == [tmp_path / "one.h5", tmp_path / "two.h5"]
    rows = np.array([N + 5, 2, N, N - 1])
    found = take(options, rows)
    assert found.label is not None and found.label.tolist() == [1, 0, 1, 0]
    wanted = np.concatenate([expected(first), expected(second)])[rows]
    np.testing.assert_allclose(found.natural(), wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("numbers", "padded"), [(4, False), (4, True), (5, True)])
def test_constituents_of_four_numbers_and_padded_ones(numbers: int, padded: bool, tmp_path: Path) -> None:
    clouds = jets("padded")
    found = take(zenodo(tmp_path / "a.h5", clouds, numbers=numbers, padded=padded))
    np.testing.assert_allclose(found.natural(), expected(clouds), rtol=1e-5, atol=1e-4)


def test_megaelectronvolts(tmp_path: Path) -> None:
    clouds = jets("mev")
    options = zenodo(tmp_path / "a.h5", clouds, scale=1000)
    with pytest.raises(UserError, match=r"dataset objects/jets/constituents: the median pt .* write `unit: MeV`"):
        take(options)
    found = take(options, unit="MeV")
    np.testing.assert_allclose(found.natural(), expected(clouds), rtol=1e-5, atol=1e-4)
    with pytest.raises(UserError, match="leave `unit: MeV` out"):
        take(zenodo(tmp_path / "b.h5", clouds), unit="MeV")


def test_no_mask_is_needed(tmp_path: Path) -> None:
    clouds = jets("mask")
    found, wanted = take(jetnet(tmp_path / "a.h5", clouds, mask=False)), take(jetnet(tmp_path / "b.h5", clouds))
    np.testing.assert_array_equal(found.x, wanted.x)


def test_masked_particles_are_none(tmp_path: Path) -> None:
    options = jetnet(tmp_path / "a.h5", jets("masked"))
    before = take(options)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["particle_features"][:, 25] = (0.5, 0.5, 0.3, 0)
    np.testing.assert_array_equal(take(options).x, before.x)


def test_a_table_without_names_and_one_with_names_in_another_order(tmp_path: Path) -> None:
    clouds = jets("names")
    assert len(take(toptagging(tmp_path / "a.h5", clouds, names=False))) == N
    with pytest.raises(UserError, match="column PX_0 of values_block_0 stands where E_0 is expected"):
        take(toptagging(tmp_path / "b.h5", clouds, order=(1, 2, 3, 0)))


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = [make(tmp_path / name, jets(name)) for name, make in LAYOUTS.items()]

    def refused(*args: Any, **keys: Any) -> None:
        raise AssertionError("unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refused)
    for one in options:
        take(one)


FOUR = "four-momenta must be E, px, py, pz"
WRONG: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "momenta first": (lambda p: zenodo(p, jets("w"), order=(1, 2, 3, 0)), f"less energy than momentum; {FOUR}"),
    "pz, px, py": (
        lambda p: zenodo(p, jets("w"), order=(0, 3, 1, 2)),
        rf"dataset objects/jets/constituents, row \d+: (a jet of more than 3 in eta; {FOUR}|the pt of the constit)",
    ),
    "obs in MeV": (lambda p: zenodo(p, jets("w"), obs_scale=1000), "row 0: the pt of the constituents' sum is not"),
    "a table of momenta first": (
        lambda p: toptagging(p, jets("w"), order=(1, 2, 3, 0), names=False),
        f"dataset table/table, row .*less energy than momentum; {FOUR}",
    ),
    "a label of 2": (lambda p: toptagging(p, jets("w"), label=2), "row 0: is_signal_new is neither 0 nor 1"),
    "pt, eta, phi in jetnet": (lambda p: jetnet(p, jets("w"), order=(0, 1, 2)), "relative eta, phi, pt and a mask"),
    "eta, pt, phi in jetnet": (lambda p: jetnet(p, jets("w"), order=(1, 0, 2)), "relative eta, phi, pt and a mask"),
    "y, phi, pt in energyflow": (lambda p: energyflow(p, jets("w"), order=(1, 2, 0)), "columns must be pt, y, phi"),
    "phi, y in energyflow": (lambda p: energyflow(p, jets("w"), order=(0, 2, 1)), "columns must be pt, y, phi"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_orders_and_units(case: str, tmp_path: Path) -> None:
    write, message = WRONG[case]
    path = tmp_path / ("a.npz" if "energyflow" in case else "a.h5")
    with pytest.raises(UserError, match=message) as caught:
        take(write(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_jet_is_named_with_its_row(tmp_path: Path) -> None:
    options = jetnet(tmp_path / "a.h5", jets("damaged"))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["particle_features"][17, 0, 0] = np.nan
    with pytest.raises(UserError, match=r"dataset particle_features, row 17: "):
        take(options)
    empty = zenodo(tmp_path / "b.h5", jets("damaged"))
    with h5py.File(tmp_path / "b.h5", "r+") as file:
        file["objects/jets/constituents"][9, 0] = np.zeros(0)
    with pytest.raises(UserError, match="row 9: no particle above 0; remove the jet"):
        take(empty)


def test_a_pt_that_is_not_finite(tmp_path: Path) -> None:
    options = jetnet(tmp_path / "a.h5", jets("infinite"))
    for pt, message in ((np.inf, "row 3: pt, the first column, is no finite"), (1e39, "row 3: a pt too large")):
        with h5py.File(tmp_path / "a.h5", "r+") as file:
            file["jet_features"][3, 0] = pt
        with pytest.raises(UserError, match=message):
            take(options)


CONSTITUENTS, OBS = "objects/jets/constituents", "objects/jets/obs"
RECORD = np.zeros((N, 2), dtype=[("pt", "f4"), ("eta", "f4")])
UNUSABLE: dict[str, tuple[Callable[..., dict[str, Any]], str, Any, str]] = {
    "no jets in an event": (zenodo, CONSTITUENTS, np.zeros((N, 0, 32)), r"shape \(40, 0, 32\)"),
    "no constituents": (zenodo, CONSTITUENTS, np.zeros((N, 0)), r"shape \(40, 0\)"),
    "no observables": (zenodo, OBS, np.zeros((N, 1, 0)), r"shape \(40, 1, 0\)"),
    "no particles": (jetnet, "particle_features", np.zeros((N, 0, 4)), r"shape \(40, 0, 4\)"),
    "no features": (jetnet, "jet_features", np.zeros((N, 0)), r"shape \(40, 0\)"),
    "text": (zenodo, CONSTITUENTS, np.full((N, 2), b"pt"), "array of real numbers"),
    "text of variable length": (zenodo, CONSTITUENTS, np.full((N, 2), "pt", dtype=object), "array of real numbers"),
    "records": (zenodo, OBS, RECORD, "array of real numbers"),
    "complex numbers": (jetnet, "particle_features", np.ones((N, 3, 4), complex), "array of real numbers"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_datasets_of_nothing_or_of_no_numbers(case: str, tmp_path: Path) -> None:
    write, name, values, message = UNUSABLE[case]
    options = write(tmp_path / "a.h5", jets("nothing"))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file[name]
        file[name] = values
    with pytest.raises(UserError, match=rf"a\.h5: dataset {name} .*{message}"):
        take(options)


def test_observables_of_variable_length(tmp_path: Path) -> None:
    options = zenodo(tmp_path / "a.h5", jets("ragged"))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file[OBS]
        file.create_dataset(OBS, (N, 2), dtype=h5py.vlen_dtype(np.dtype("f8")))
    with pytest.raises(UserError, match=f"dataset {OBS} is object .*array of real numbers"):
        take(options)


@pytest.mark.parametrize(
    ("first", "second"),
    [("f4", ("i8", (2,))), (("f4", (84,)), "i8"), (("S4", (84,)), ("i8", (2,))), (("f4", (84,)), ("S4", (2,)))],
)
def test_a_table_of_other_blocks(first: Any, second: Any, tmp_path: Path) -> None:
    kind = np.dtype([("index", "i8"), ("values_block_0", first), ("values_block_1", second)])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["table/table"] = np.zeros(N, dtype=kind)
    with pytest.raises(UserError, match=r"a\.h5: dataset table/table is .* it must have values_block_0 with"):
        take({"layout": "toptagging", "path": tmp_path / "a.h5"})


@pytest.mark.parametrize("layout", ["zenodo", "jetnet", "toptagging"])
def test_a_file_of_another_layout(layout: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros(3)
    key = {"path": tmp_path / "a.h5"} if layout == "toptagging" else {"paths": {"QCD": tmp_path / "a.h5"}}
    with pytest.raises(UserError, match="of its own, but x; is it of another `layout`"):
        take({"layout": layout, **key})
    (tmp_path / "a.h5").write_bytes(b"none")
    with pytest.raises(UserError, match="not a readable HDF5 file"):
        take({"layout": layout, **key})


@pytest.mark.parametrize(
    "keys", [{"layout": "zenodo"}, {"layout": "toptagging", "paths": {"a": "b"}}, {"layout": "jetnet", "path": "a"}]
)
def test_paths_that_do_not_go_with_the_layout(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"needs `paths?`, and no `paths?`"):
        JetsHdf5(**keys)


def test_an_estimate_finds_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It plans in another folder, in which relative paths lead nowhere."""
    monkeypatch.chdir(tmp_path)
    zenodo(Path("a.h5"), jets("estimate"))
    Path("study.yaml").write_text(
        """
studies:
  jets:
    source: {kind: jets-hdf5, layout: zenodo, paths: {QCD: a.h5}}
    generators: {gan: {kind: dcgan, samples: 20}}
    definitions: {pixels: {euclidean: {alpha: 0.1}}}
""",
        encoding="utf-8",
    )
    found, costs = predict(Path("study.yaml"), {}, located("workflow/Snakefile"))
    prepare = [cost for job, cost in zip(found, costs, strict=True) if job.rule == "prepare"]
    assert [cost.read for cost in prepare] == [4 * N * 40 * 40 * 3]
