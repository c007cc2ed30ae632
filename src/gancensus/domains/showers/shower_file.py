"""Showers in the user's HDF5 files: read a few rows at a time, however large the file is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.errors import UserError
from gancensus.contracts.family import Member
from gancensus.contracts.samples import LazySamples, Notes, Samples
from gancensus.contracts.showers import UNITS, coarse_shape, coarsened
from gancensus.storage.hdf5_files import LastRun, hdf5_errors, opened, rows_held, runs

ROUNDING = 1e-6  # of the primary particle's energy: a cell this little below 0 is 0
FIRST = 64  # showers that show whether cells and energies are in the same unit
TARGET = "target"  # (N, k) or (N, 1, k): number of the particle, its energy, and perhaps its momentum
TOO_MUCH = 5.0  # times the primary particle's energy: no calorimeter measures that


class Layout(NamedTuple):
    """The names of a layout's datasets, its unit of energy and how many of it make a GeV, and the usual share in cells.

    That is the share of the primary particle's energy that its cells hold: without a correction, the sampling fraction.
    """

    cells: str
    energies: tuple[str, ...]
    """The first of these that there is."""
    angles: tuple[str, ...]
    unit: str
    in_gev: float
    shares: tuple[float, float]


LAYOUTS: dict[Literal["3dgan", "calochallenge"], Layout] = {
    "3dgan": Layout("ECAL", ("energy", TARGET), ("theta", "mtheta"), "GeV", 1.0, (0.004, 0.1)),
    "calochallenge": Layout("showers", ("incident_energies",), (), "MeV", 1000.0, (0.05, TOO_MUCH)),
}


def layout_of(names: Iterable[str]) -> Literal["3dgan", "calochallenge"] | None:
    """Return the layout of a file with datasets of some names, if it has one."""
    there = {*names}
    return next((k for k, v in LAYOUTS.items() if v.cells in there and there.intersection(v.energies)), None)


class Stored(NamedTuple):
    """A dataset of numbers: its shape, that of its chunks if it has any, and how to read a run of its rows."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...] | None
    read: Callable[[slice], NDArray[Any]]


class ShowerFile(Member):
    """A file of showers in HDF5: what the source and the generator have in common."""

    path: Path
    """File, relative to the working directory."""
    layout: Literal["3dgan", "calochallenge"]
    """`3dgan`: ECAL (N, x, y, z) and energy (N) in GeV, theta or mtheta (N) in rad; in the place of energy, target
    (N, 2 or more), whose second number it is. `calochallenge`: showers (N, voxels) and incident_energies (N, 1) in
    MeV."""
    binning: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(None, min_length=1)
    """Of `calochallenge`: the shape that a row of voxels has, [368] for photons of dataset 1, [45, 16, 9] (layer,
    angle, radius) for dataset 2, [45, 50, 18] for dataset 3."""
    coarsen: int = Field(1, ge=1)
    """Of `3dgan`: how many cells are joined along each axis."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.layout == "calochallenge" and self.binning is None:
            raise PydanticCustomError("binning", "`layout: calochallenge` needs `binning`, such as [45, 16, 9]")
        if self.layout == "3dgan" and self.binning is not None:
            raise PydanticCustomError("binning", "`layout: 3dgan` has its shape in the file; remove `binning`")
        if self.layout == "calochallenge" and self.coarsen > 1:
            raise PydanticCustomError("coarsen", "only showers of `layout: 3dgan` can be coarsened; remove `coarsen`")
        return self

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def look(self) -> LazySamples:
        """Look at showers (n, *shape) float32, GeV: their conditions are read, and the cells of the first few.

        The others are read with as much memory from a large file as from a small one. Raises UserError that names file,
        dataset and row, now or when a row is read, for what is missing, damaged, negative, not finite or not in the
        unit of the layout.
        """
        with opened(self.path) as file:
            shape, samples = self._shape(file)
            stored = self._dataset(file, LAYOUTS[self.layout].cells)
            energy = self._energy(file, samples)
            conditions = {"energy": energy, **self._angle(file, samples)}
        units = {name: UNITS[name] for name in conditions}
        nothing, ids = np.empty((samples, 0), dtype=np.float32), np.arange(samples, dtype=np.int64)
        notes = Notes(f"read as {samples:,} showers of {' x '.join(map(str, shape))} cells")
        known = Samples(nothing, ids, conditions=conditions, units=units, notes=notes)
        read = partial(self._read, coarse_shape(shape, self.coarsen), energy)
        self._check_unit(read(np.arange(min(samples, FIRST))), energy[:FIRST], notes)
        read = partial(read, last=LastRun())
        held = rows_held(stored.shape, stored.chunks)
        return LazySamples(known, coarse_shape(shape, self.coarsen), np.dtype(np.float32), read, run=held)

    def _shape(self, file: Any) -> tuple[tuple[int, ...], int]:
        """Return the shape of a shower as it is stored, or as `binning` says, and the number of showers."""
        name = LAYOUTS[self.layout].cells
        stored = self._dataset(file, name).shape
        if self.binning is None:
            expected, fits = "(N, x, y, z)", len(stored) == 4 or (len(stored) == 5 and stored[4] == 1)
            shape = stored[1:4]
        else:
            expected, fits = "(N, voxels)", len(stored) == 2
            shape = self.binning
        if fits and stored[0] == 0:
            raise UserError(f"{self.path}: dataset {name} holds no showers")
        if not fits or 0 in stored:
            raise UserError(f"{self.path}: dataset {name} has shape {stored}; it must be {expected}")
        if math.prod(shape) != math.prod(stored[1:]):
            raise UserError(
                f"{self.path}: dataset {name} has rows of {stored[1]} voxels, but binning "
                f"{' x '.join(map(str, shape))} is {math.prod(shape)}; correct `binning`"
            )
        return shape, stored[0]

    @property
    def _own(self) -> set[str]:
        """The names of the datasets of the layout."""
        cells, energies, angles, *_ = LAYOUTS[self.layout]
        return {cells, *energies, *angles}

    def _dataset(self, file: Any, name: str) -> Stored:
        """Return a dataset of numbers that the file itself holds."""
        import h5py

        with hdf5_errors(self.path):
            names = sorted(file)
            link = file.get(name, getlink=True)
            found: Any = file[name] if isinstance(link, h5py.HardLink) else None
            array = isinstance(found, h5py.Dataset)
            elsewhere = found is None or (array and (found.is_virtual or found.external))
            shape, chunks = (found.shape, found.chunks) if array and not elsewhere else (None, None)
            kind: Any = getattr(found, "dtype", "a group")
        if link is None:
            other = layout_of(names)
            needs = f"`layout: {self.layout}`" if name in self._own else "`group`"
            hint = f"is its layout '{other}'?" if other not in (None, self.layout) else f"{needs} needs it"
            raise UserError(f"{self.path}: has no dataset {name}, but {', '.join(names) or 'nothing'}; {hint}")
        if elsewhere:
            raise UserError(
                f"{self.path}: dataset {name} lies elsewhere, in other files or behind a link; copy it in here"
            )
        if shape is None or kind.kind not in "iuf":
            raise UserError(f"{self.path}: dataset {name} is {kind}; it must be an array of real numbers")

        def read(rows: slice) -> NDArray[Any]:
            with hdf5_errors(self.path):
                return np.asarray(found[rows])

        return Stored(shape, chunks, read)

    def _column(self, file: Any, name: str, samples: int) -> NDArray[np.float32]:
        """Return a finite number per shower: (n,), in the unit of the file."""
        with np.errstate(over="ignore"):  # to infinity, which is refused
            values = np.asarray(self._numbers(file, name, samples), dtype=np.float32)
        self._refuse(name, ~np.isfinite(values), np.arange(samples), "NaN or infinite")
        return values

    def numbers(self, name: str, samples: int) -> NDArray[Any]:
        """Return a number per shower from a dataset of the user's choice: (n,), as it is stored."""
        with opened(self.path) as file:
            values = self._numbers(file, name, samples)
        self._refuse(name, ~np.isfinite(values), np.arange(samples), "NaN or infinite")
        return values

    def _numbers(self, file: Any, name: str, samples: int) -> NDArray[Any]:
        """Return a number per shower: (n,), as it is stored."""
        stored = self._dataset(file, name)
        if name == TARGET and stored.shape[:1] == (samples,) and math.prod(stored.shape[1:]) == stored.shape[-1] > 1:
            return stored.read(slice(None)).reshape(samples, -1)[:, 1]
        if stored.shape not in ((samples,), (samples, 1)):
            cells = LAYOUTS[self.layout].cells
            raise UserError(
                f"{self.path}: dataset {name} has shape {stored.shape}, but {cells} has {samples} showers; "
                "one number per shower is needed"
            )
        return stored.read(slice(None)).reshape(samples)

    def _energy(self, file: Any, samples: int) -> NDArray[np.float32]:
        """Return the energies of the primary particles: (n,) GeV."""
        _, names, *_, in_gev, _ = LAYOUTS[self.layout]
        with hdf5_errors(self.path):
            name = next((name for name in names if name in file), names[0])
        stored = self._column(file, name, samples)
        self._refuse(name, stored <= 0, np.arange(samples), "an energy that is not above 0")
        return np.asarray(stored / in_gev, dtype=np.float32)

    def _angle(self, file: Any, samples: int) -> dict[str, NDArray[np.float32]]:
        """Return the angles of the primary particles, (n,) rad, where the file has them."""
        with hdf5_errors(self.path):
            name = next((name for name in LAYOUTS[self.layout].angles if name in file), None)
        if name is None:
            return {}
        angle = self._column(file, name, samples)
        wrong = (angle < 0) | (angle > np.float32(math.pi))
        self._refuse(name, wrong, np.arange(samples), "an angle outside 0 ... pi; it must be in rad, not in degrees")
        return {"angle": angle}

    def _refuse(self, name: str, wrong: NDArray[np.bool_], rows: NDArray[np.int64], what: str) -> None:
        """Raise UserError that names the first of the rows that are wrong."""
        if wrong.any():
            row, hint = rows[wrong].min(), "" if ";" in what else "; remove or repair the shower"
            raise UserError(f"{self.path}: dataset {name}, row {row}: {what}{hint}")

    def _check_unit(self, first: NDArray[np.float32], energy: NDArray[np.float32], notes: Notes) -> None:
        """Refuse showers that hold much more energy than their primary particles had; note an unusual share of it."""
        share = float(np.median(first.reshape(len(first), -1).sum(axis=1, dtype=np.float64) / energy))
        cells, (other, *_), _, unit, _, (low, high) = LAYOUTS[self.layout]
        if not low <= share <= high:
            notes.add(
                f"warning: the cells of a shower sum to {share:.3g} times its energy (median of the first "
                f"{len(first)}), usual are {low:g} to {high:g}; are both in {unit}?"
            )
        if share > TOO_MUCH:
            raise UserError(
                f"{self.path}: dataset {cells}: the cells of a shower sum to {share:.3g} times its energy "
                f"(median of the first {len(first)}); cells look like MeV, {other} like GeV: provide both in {unit}"
            )

    def _read(
        self, shape: tuple[int, ...], energy: NDArray[np.float32], rows: NDArray[np.int64], last: LastRun | None = None
    ) -> NDArray[np.float32]:
        """Read the showers at the given rows: (rows, *shape) GeV, a run of rows at a time."""
        name = LAYOUTS[self.layout].cells
        found = np.empty((len(rows), *shape), dtype=np.float32)
        with opened(self.path) as file:
            stored = self._dataset(file, name)
            for at, cells in runs(rows, stored.shape, stored.chunks, stored.read, last):
                found[at] = self._natural(cells, rows[at], energy[rows[at]]).reshape(-1, *shape)
        return found

    def _natural(
        self, stored: NDArray[Any], rows: NDArray[np.int64], energy: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return stored cells (rows, ...) in GeV, coarsened; those below 0 by no more than rounding are 0."""
        name, in_gev = LAYOUTS[self.layout].cells, LAYOUTS[self.layout].in_gev
        plain = stored.dtype == np.float32 and in_gev == self.coarsen == 1
        cells = stored if plain else stored.astype(np.float64) / in_gev
        lowest = cells.reshape(len(rows), -1).min(axis=1)
        with np.errstate(over="ignore"):
            joined = coarsened(np.where(cells > 0, cells, 0), self.coarsen).astype(np.float32, copy=False)
        infinite = joined.reshape(len(rows), -1).max(axis=1) == np.inf
        self._refuse(name, np.isnan(lowest) | infinite, rows, "NaN or infinite cells")
        self._refuse(name, lowest < -ROUNDING * energy, rows, "a cell below 0")
        return joined
