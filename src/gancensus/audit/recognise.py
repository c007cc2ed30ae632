"""What a user's samples are, as far as their files tell: images, rows of tables, showers, jets, or other numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from gancensus.audit.places import Place
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples, Scale
from gancensus.contracts.showers import GRID, VOXELS
from gancensus.domains.general.channel_order import CHANNELS, looks_channels_first
from gancensus.domains.general.generator_hdf5_array import Hdf5Array
from gancensus.domains.images.source_idx import images_of
from gancensus.domains.jets.jet_files import FIRST, Layout, Unit, look_at_jets
from gancensus.domains.showers import generator_hdf5
from gancensus.domains.showers.shower_file import LAYOUTS, layout_of
from gancensus.storage.hdf5_files import SUFFIXES, hdf5_errors, opened
from gancensus.storage.imagefiles import Heads, heads_of
from gancensus.storage.tables import reason_of
from gancensus.storage.user_arrays import Names, read_user_samples
from gancensus.storage.user_datasets import datasets_of

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = {
    "images": "pixels, perhaps with channels first or last",
    "tables": "rows of a table",
    "showers": "energies in the cells of a calorimeter",
    "jets": "particles with pt, eta, phi, or images of jets",
    "numbers": "anything else, compared number by number",
}
"""What samples can be, with what this means for an array."""
SEVERAL = {"images": "images", "tables": "rows", "showers": "showers", "jets": "jets", "numbers": "samples"}

SHOWN = 8  # names that a message lists
LARGE = 1 << 26  # bytes of a table whose rows are not counted
LOOKED_AT = 64  # samples whose values are looked at
SMALLEST = 8  # pixels of a side, below which it is rather something else
ROWS = (".csv", ".tsv", ".txt", ".data", ".tab")
TABLES = (".parquet", ".pq")
BINNINGS = {6480: [45, 16, 9], 40500: [45, 50, 18]}
"""The voxels of a CaloChallenge shower as (layer, angle, radius), of datasets 2 and 3; others are one list."""
JETS: dict[Layout, tuple[str, ...]] = {
    "jetnet": ("particle_features", "jet_features"),
    "zenodo": ("objects/jets/constituents",),
    "toptagging": ("table/table",),
}
"""The data sets by which the layouts of jets are known."""
ECAL = LAYOUTS["3dgan"].cells
"""Nothing else has this name, so that energies of cells are told by it where those of the particles are missing."""
UNITS: tuple[Unit, Unit] = ("GeV", "MeV")
READ = "a folder of images, .npy, .npz, .h5, .csv, .parquet, or the files of MNIST (idx)"


@dataclass(frozen=True)
class Input:
    """What has been found at a place."""

    place: Place
    form: str
    """`folder`, `idx`, `array`, `sample table`, `table`, `showers` or `jets`."""
    likely: tuple[str, ...]
    """The kinds that it may be, as far as its files tell."""
    possible: tuple[str, ...]
    """The kinds that it can be read as."""
    section: Mapping[str, Any]
    """Its keys in a configuration, but for the path."""
    count: int | None
    """How many samples; None where that is not known before they are read."""
    shape: tuple[int, ...]
    """Of a sample, as it is stored; of a table, the number of its columns."""
    values: str = ""
    """What its values are, in words."""
    conditions: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    heads: Heads | None = None
    """The sizes of the images in a folder."""
    scale: Scale | None = None
    """Of a sample table."""
    names: Collection[str] = ()
    """Of the columns of a table, where they have been looked at."""

    @property
    def channels_first(self) -> bool:
        """Whether samples, if they are images, have their channels first."""
        return self.form == "array" and looks_channels_first(self.shape)

    @property
    def of_particles(self) -> bool:
        """Whether samples, if they are jets, are particles, not images."""
        return self.form == "jets" or self.shape[1:] == (3,)

    def shape_as(self, kind: str) -> tuple[int, ...]:
        """Return the shape of a sample as it is compared."""
        return (*self.shape[1:], self.shape[0]) if kind == "images" and self.channels_first else self.shape


def recognise(text: str, drop: Collection[str] = (), named: bool = False) -> Input:
    """Return what is at a place, `PATH` or `PATH::NAME`, from names, heads and the first few samples.

    drop: columns of tables that are not read; named: whether the names of the others have to be known.

    Raises UserError where nothing is there, or nothing that can be read, and where it is not clear what is meant.
    """
    place = Place.of(text)
    path, suffix = place.path, place.path.suffix
    if place.name is not None and suffix not in (".npz", *SUFFIXES):
        raise UserError(f"{text}: only .npz and HDF5 files hold arrays by name; leave out ::{place.name}")
    if path.is_dir():
        return _folder(place)
    if suffix in (".npy", ".npz"):
        return _numpy(place)
    if suffix in SUFFIXES:
        return _hdf5(place)
    if suffix in TABLES:
        return _parquet(place)
    if suffix in ROWS:
        return _table(place, "csv", *_looked_at(path, drop, named))
    if ".idx" in path.name or "-idx" in path.name:
        return _idx(place)
    raise UserError(f"{text}: unknown kind of file; samples are read from {READ}")


def _folder(place: Place) -> Input:
    """Look at a folder of images, of all of which the sizes are read."""
    heads = heads_of(place.path)
    if len(heads.sizes) > 1:
        ((height, width), _) = heads.sizes.most_common(1)[0]
        shape = (height, width, 3) if heads.coloured else (height, width)
        return Input(place, "folder", ("images",), ("images",), {}, heads.sizes.total(), shape, "bytes", heads=heads)
    found = read_user_samples(place.path)
    return Input(
        place, "folder", ("images",), ("images",), {}, len(found), found.shape, _type(found.dtype), heads=heads
    )


def _idx(place: Place) -> Input:
    found = images_of(place.path)
    return Input(place, "idx", ("images",), ("images",), {"kind": "idx"}, len(found), found.shape, "bytes")


def _numpy(place: Place) -> Input:
    """Look at an array of NumPy, or at EnergyFlow's jets."""
    if place.path.suffix == ".npy":
        return _array(place, read_user_samples(place.path), {"kind": "files"})
    try:
        with ZipFile(place.path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except (BadZipFile, OSError) as error:
        raise UserError(f"{place.text}: not a readable .npz ({reason_of(error)})") from None
    if place.name is None and {"X", "y"} <= {*names} and "x" not in names:
        found = read_user_samples(place.path, names=Names("X"))
        jets = _energyflow(place) if len(found.shape) == 2 and found.shape[1] in (3, 4) else None
        return jets or _array(place, found, {"kind": "npz", "samples": "X"})
    if place.name is None and not {"x", "arr_0"} & {*names} and len(names) > 1:
        raise UserError(f"{place.text}: {_which(place, names)}")
    section = {"kind": "files"} if place.name is None else {"kind": "npz", "samples": place.name}
    return _array(place, read_user_samples(place.path, names=Names(place.name)), section)


def _energyflow(place: Place) -> Input | None:
    """Look at EnergyFlow's jets; None for features and outcomes of something else, under the usual names."""
    try:
        return _jets(place, "energyflow")
    except UserError:
        return None


def _hdf5(place: Place) -> Input:
    """Look at an HDF5 file: showers or jets in a layout of theirs, or a data set."""
    if place.name is None:
        with opened(place.path) as file, hdf5_errors(place.path):
            layout = layout_of(file)
            if layout is not None:
                return _showers(place, layout, int(np.prod(file[LAYOUTS[layout].cells].shape[1:])))
            known = next((layout for layout, names in JETS.items() if all(name in file for name in names)), None)
        if known is not None:
            return _jets(place, known)
    found = datasets_of(place.path)
    usable = [name for name, one in found.items() if len(one.shape) > 1]
    own = [name for name in usable if name == ECAL] or usable
    if place.name is None and len(own) != 1:
        raise UserError(f"{place.text}: {_which(place, usable or list(found))}")
    section = {"kind": "hdf5-array", "samples": place.name or own[0]}
    samples = Hdf5Array(path=place.path, **section, channels="last").look()
    array = _array(place, samples, section)
    of_cells = section["samples"].strip("/") == ECAL and "showers" in array.possible
    return replace(array, likely=("showers",)) if of_cells else array


def _which(place: Place, names: list[str]) -> str:
    """Say that one of several arrays has to be named."""
    if not names:
        return f"holds no array of samples; samples are read from {READ}"
    shown = ", ".join([*names[:SHOWN], *(["..."] if names[SHOWN:] else [])])
    return f"holds {shown}; say which are the samples: {place.text}::{names[0]}"


def _showers(place: Place, layout: str, voxels: int) -> Input:
    """Look at a file of showers."""
    section: dict[str, Any] = {"kind": "hdf5", "layout": layout}
    if layout == "calochallenge":
        section["binning"] = BINNINGS.get(voxels, [voxels])
    found = generator_hdf5.Hdf5(path=place.path, **section).look()
    energies = found.conditions["energy"]
    values = f"layout {layout}, primary energies from {energies.min():.4g} to {energies.max():.4g} GeV"
    conditions = {name: np.asarray(one) for name, one in found.conditions.items()}
    kinds = ("showers",)
    return Input(place, "showers", kinds, kinds, section, len(found), found.shape, values, conditions)


def _jets(place: Place, layout: Layout) -> Input:
    """Look at a file of jets, in GeV or, if they can only be that, in MeV."""
    unit = unit_of_jets(place.path, layout) or UNITS[0]
    found = look_at_jets(place.path, layout, unit)
    particles = found.read(np.arange(min(found.jets, FIRST))).shape[1]
    section = {"kind": "jets-hdf5", "layout": layout, "unit": unit}
    values = f"layout {layout}"
    return Input(place, "jets", ("jets",), ("jets",), section, found.jets, (particles, 3), values)


def unit_of_jets(path: Path, layout: Layout) -> Unit | None:
    """Return the unit in which momenta make sense; None where none does: reading them in GeV says what is wrong."""
    for unit in UNITS:
        try:
            look_at_jets(path, layout, unit)
        except UserError:
            continue
        return unit
    return None


def _parquet(place: Place) -> Input:
    """Look at a sample table, or at a table of columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = pq.ParquetFile(place.path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{place.text}: not a readable Parquet file ({reason_of(error)})") from None
    names, rows = content.schema_arrow.names, content.metadata.num_rows
    if {"sample_id", "x"} <= {*names} and place.path.suffix == ".parquet" and _is_list(content.schema_arrow, "x"):
        return _sample_table(place)
    return _table(place, "parquet", rows, names)


def _is_list(schema: pa.Schema, name: str) -> bool:
    """Say whether the cells of a column are lists, as the values of a sample table are."""
    kind = schema.field(name).type
    return hasattr(kind, "storage_type") or kind.num_fields > 0  # a tensor, or a list


def _sample_table(place: Place) -> Input:
    """Look at one of our sample tables, whose scale says what it holds."""
    found = read_user_samples(place.path)
    scale = found.scale
    names = () if scale is None else scale.names
    likely: tuple[str, ...] = ()
    if scale is not None and scale.columns:
        likely = ("tables",)
    elif names in (GRID, VOXELS):
        likely = ("showers",)
    one = _array(place, found, {"kind": "files"})
    likely = likely or one.likely
    possible = tuple(dict.fromkeys([*likely, *one.possible]))
    return replace(
        one, form="sample table", likely=likely, possible=possible, values="as a study has them", scale=scale
    )


def _table(place: Place, kind: str, rows: int | None, names: Collection[str]) -> Input:
    return Input(place, "table", ("tables",), ("tables",), {"kind": kind}, rows, (len(names),), "", names=names)


def _looked_at(path: Path, drop: Collection[str], named: bool) -> tuple[int | None, list[str]]:
    """Return how many rows a CSV file has, and its columns; None and nothing of a large one, unless these are named."""
    from gancensus.storage.user_tables import read_csv

    if path.stat().st_size > LARGE and not named:
        return None, []
    cells = read_csv(path, drop).cells
    return max(map(len, cells.values()), default=0), [*cells]


def _array(place: Place, found: LazySamples, section: Mapping[str, Any]) -> Input:
    """Say what an array is, as far as its shape, its type and its first values tell."""
    first = found.read(np.arange(min(len(found), LOOKED_AT)))
    if first.dtype.kind == "f":
        first = first[np.isfinite(first)]
    ends = (float(first.min()), float(first.max())) if first.size else (0.0, 0.0)
    likely, possible = _kinds(found.shape, found.dtype, ends)
    first_of = f" (the first {LOOKED_AT})" if len(found) > LOOKED_AT else ""
    values = f"{_type(found.dtype)} from {ends[0]:.4g} to {ends[1]:.4g}{first_of}"
    conditions = {name: np.asarray(one) for name, one in found.conditions.items()}
    return Input(place, "array", likely, possible, section, len(found), found.shape, values, conditions)


class _Fits(NamedTuple):
    """A kind, and which shapes can be it."""

    kind: str
    fits: Callable[[tuple[int, ...]], bool]


POSSIBLE = (
    _Fits("images", lambda shape: len(shape) == 2 or (len(shape) == 3 and bool({shape[0], shape[2]} & {*CHANNELS}))),
    _Fits("tables", lambda shape: len(shape) == 1),
    _Fits("showers", lambda shape: len(shape) <= 3 or (len(shape) == 4 and shape[3] == 1)),
    _Fits("jets", lambda shape: len(shape) == 2),
    _Fits("numbers", lambda shape: True),
)


def _kinds(
    shape: tuple[int, ...], dtype: np.dtype[Any], ends: tuple[float, float]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what samples of a shape may be, and as what they can be read.

    ends: the least and the largest of some values. Rows are taken for numbers. An array is taken for images where it
    has the shape of these, is not tiny, and its values are bytes, or fill one of the ranges that images are saved in.
    """
    possible = tuple(one.kind for one in POSSIBLE if one.fits(shape))
    if len(shape) == 1:
        return ("numbers",), possible
    sides = shape[:2] if len(shape) == 2 or shape[2] in CHANNELS else shape[1:]
    if "images" in possible and min(sides) >= SMALLEST and _look_like_pixels(dtype, ends):
        return ("images",), possible
    if len(shape) == 2 and shape[1] == 3:
        return ("jets", "images", "numbers"), possible
    return possible, possible


def _look_like_pixels(dtype: np.dtype[Any], ends: tuple[float, float]) -> bool:
    """Say whether values are bytes, or fill the range 0...1, -1...1 or 0...255."""
    low, high = ends
    if dtype.kind == "b" or dtype == np.uint8:
        return True
    return (low >= 0 and 0.9 < high <= 1) or (-1 <= low < -0.9 and 0.9 < high <= 1) or (low >= 0 and 128 < high <= 255)


def _type(dtype: np.dtype[Any]) -> str:
    """Return the type of values in words."""
    return {"uint8": "bytes", "bool": "truth values"}.get(str(dtype), str(dtype))
