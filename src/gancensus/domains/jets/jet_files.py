"""Jets in the layouts of published data sets, read a few rows at a time. Nothing is unpickled.

`zenodo`: Cheng et al., 2007.01850, records 4614656 and 4641460. `jetnet`: Kansal et al., 2106.11535, records 6975118
and 6975117. `toptagging`: Kasieczka et al., 1902.09914, record 2603256. `energyflow`: Komiske, Metodiev & Thaler,
1810.05165, record 3164691. `array` is no data set's: pt, eta and phi in one array of NumPy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.storage.hdf5_files import hdf5_errors, opened, runs
from gancensus.storage.user_arrays import Names, read_user_samples

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Layout = Literal["zenodo", "jetnet", "toptagging", "energyflow", "array"]
Unit = Literal["GeV", "MeV"]

FIRST = 1000  # jets of a file that show its unit, and the end of the scale
HARDEST, SOFTEST = 7000.0, 5.0  # GeV: no jet of the LHC has more pt, and no data set has jets of less
STEEPEST = 10.0  # |eta| of a particle
WIDEST = 3.0  # difference of eta or phi within a jet
ALIKE = 0.2  # relative difference of the pt of a jet and of its constituents' sum
OFF_SHELL = 1e-3  # by which a momentum may be above the energy, of the energy: rounding of float32
FOUR = "four-momenta must be E, px, py, pz"


class JetFile(NamedTuple):
    """A file of jets: how many, their labels (n,) if it has them, and how some are read.

    `read` returns constituents (rows, particles, 3) float64 of at least one row: pt (GeV), eta, phi, hardest first,
    zero-padded.
    """

    jets: int
    label: NDArray[np.int32] | None
    read: Callable[[Rows], Floats]


def look_at_jets(path: Path, layout: Layout, unit: Unit) -> JetFile:
    """Look at a file of jets, and read the first few.

    Raises UserError that names file, dataset and row, now or when a row is read, for what is missing, damaged, empty,
    in another order or in another unit.
    """
    looks: dict[Layout, type[_Layout]] = {
        "zenodo": _Zenodo,
        "jetnet": _JetNet,
        "toptagging": _TopTagging,
        "energyflow": _EnergyFlow,
        "array": _Array,
    }
    found = looks[layout](path, 1.0 if unit == "GeV" else 1000.0)
    first = found.read(np.arange(min(found.count, FIRST)))
    total = first[..., 0].sum(axis=1)
    median = float(np.median(total))
    where = f"{path}: {found.place}: the median pt of the first {len(first):,} jets is {median:.3g} GeV"
    if median > HARDEST and unit == "GeV":
        raise UserError(f"{where}, above that of any; they look like MeV: write `unit: MeV`")
    if unit == "GeV" and np.quantile(np.abs(total - 1), 0.9) < ALIKE:
        raise UserError(
            f"{path}: {found.place}: the pt of the particles of a jet sum to 1, so they are relative to the "
            "jet's, or in TeV: multiply them by the jet's pt in GeV, or by 1000, which will do for both"
        )
    if median < SOFTEST:
        raise UserError(f"{where}, below that of any; " + ("leave `unit: MeV` out" if unit == "MeV" else "is it GeV?"))
    return JetFile(found.count, found.label, found.read)


class _Layout:
    """A file of a layout."""

    dataset: str
    count: int
    label: NDArray[np.int32] | None = None

    def __init__(self, path: Path, in_gev: float) -> None:
        """Look at the file; in_gev: how many of its units of energy make a GeV."""
        raise NotImplementedError

    @property
    def place(self) -> str:
        """What holds the constituents, for messages."""
        return f"dataset {self.dataset}"

    def read(self, rows: Rows) -> Floats:
        """Return the constituents of some jets, at least one, checked."""
        raise NotImplementedError


class _InHdf5(_Layout):
    """A file in HDF5."""

    table: ClassVar[bool] = False  # whether a row is a record, not numbers
    ragged: ClassVar[tuple[str, ...]] = ()  # datasets whose rows may be of variable length

    def __init__(self, path: Path, in_gev: float) -> None:
        """Look at the file."""
        self.path, self.in_gev = path, in_gev
        with opened(path) as file:
            self.count = len(self._dataset(file, self.dataset))
            if self.count == 0:
                raise UserError(f"{path}: dataset {self.dataset} holds no jets")
            self._look(file)

    def _look(self, file: Any) -> None:
        """Check the datasets."""

    def _dataset(self, file: Any, name: str) -> Any:
        """Return a dataset that the file itself holds."""
        import h5py

        with hdf5_errors(self.path):
            link = file.get(name, getlink=True)
            found = file[name] if isinstance(link, h5py.HardLink) else None
            names = sorted(file)
            own = isinstance(found, h5py.Dataset) and not (found.is_virtual or found.external) and found.ndim > 0
        if not own:
            raise UserError(
                f"{self.path}: has no dataset {name} of its own, but {', '.join(names) or 'nothing'}; is it of another "
                "`layout`?"
            )
        self._check_values(found, name)
        return found

    def _check_values(self, dataset: Any, name: str) -> None:
        """Refuse a dataset whose rows hold nothing, or what is no real number."""
        import h5py

        where = f"{self.path}: dataset {name}"
        if 0 in dataset.shape[1:]:
            raise UserError(f"{where} has shape {dataset.shape}, so that its rows hold nothing; recreate it")
        with hdf5_errors(self.path):
            kind = dataset.dtype
        inside = h5py.check_vlen_dtype(kind) if name in self.ragged and dataset.ndim < 3 else None
        if not self.table and np.dtype(inside or kind).kind not in "iuf":
            raise UserError(f"{where} is {kind} of shape {dataset.shape}; it must be an array of real numbers")

    def _rows(self, rows: Rows, name: str, field: str | None = None) -> list[Any]:
        """Return some rows of a dataset, or of a field of its rows."""
        found: list[Any] = [None] * len(rows)
        with opened(self.path) as file:
            dataset = self._dataset(file, name)

            def read(some: slice) -> Any:
                with hdf5_errors(self.path):
                    return dataset[some] if field is None else dataset.fields(field)[some]

            width = max(1, dataset.dtype.itemsize // 4)
            shape = (*dataset.shape, FIRST if dataset.dtype.kind == "O" else width)
            for at, values in runs(rows, shape, dataset.chunks, read):
                for k, value in zip(at, values, strict=True):
                    found[k] = value
        return found


class _Zenodo(_InHdf5):
    """objects/jets/constituents (N, jets) of variable length or padded: E, px, py, pz and perhaps a fifth number each.

    objects/jets/obs (N, jets, 4 + taus) begins with pt, eta, phi, m. Of an event, the first jet is taken.
    """

    dataset = "objects/jets/constituents"
    ragged = (dataset,)
    obs = "objects/jets/obs"

    def _look(self, file: Any) -> None:
        """Find out how many numbers a constituent has."""
        self._jets = self._dataset(file, self.dataset).ndim > 1
        self._known = self.obs in file
        if self._known and self._dataset(file, self.obs).shape[0] != self.count:
            raise UserError(
                f"{self.path}: {self.dataset} and {self.obs} differ in length; give a row per event in each"
            )
        first = self._flat(np.arange(min(self.count, FIRST)))
        fits = [k for k in (5, 4) if all(len(one) % k == 0 for one in first)]
        right = [k for k in fits if all(_on_shell(one.reshape(-1, k)[:, :4]).all() for one in first)]
        if not fits:
            raise UserError(
                f"{self.path}: dataset {self.dataset}: rows are not of 4 or 5 numbers per constituent; {FOUR}, perhaps "
                "with a fifth"
            )
        self._numbers = (right or fits)[0]

    def _flat(self, rows: Rows) -> list[Floats]:
        """Return the numbers of the first jet of each event."""
        found = self._rows(rows, self.dataset)
        return [np.asarray(one[0] if self._jets else one, dtype=np.float64).reshape(-1) for one in found]

    def read(self, rows: Rows) -> Floats:
        """Return the constituents of some jets, whose pt is compared with that in obs."""
        flat = [one.reshape(-1, self._numbers)[:, :4] for one in self._flat(rows)]
        momenta = np.zeros((len(rows), max(map(len, flat)), 4))
        for jet, one in zip(momenta, flat, strict=True):
            jet[: len(one)] = one
        found = _from_momenta(momenta / self.in_gev, rows, f"{self.path}: dataset {self.dataset}")
        if self._known:
            obs = np.array([np.asarray(one, dtype=np.float64).reshape(-1)[:1] for one in self._rows(rows, self.obs)])
            pt = np.hypot(*momenta.sum(axis=1)[:, 1:3].T)
            _refuse(
                ~(np.abs(pt - obs[:, 0]) <= ALIKE * obs[:, 0]),
                rows,
                f"{self.path}: dataset {self.dataset}",
                f"the pt of the constituents' sum is not the first number of {self.obs}; {FOUR}, and both in one unit",
            )
        return found


class _JetNet(_InHdf5):
    """particle_features (N, particles, 3 or 4): eta, phi, pt relative to the jet, mask; jet_features: pt, eta, m, n."""

    dataset = "particle_features"
    jets = "jet_features"

    def _look(self, file: Any) -> None:
        """Check shapes."""
        shape, jets = self._dataset(file, self.dataset).shape, self._dataset(file, self.jets).shape
        if len(shape) != 3 or shape[2] < 3 or len(jets) != 2 or jets[0] != shape[0]:
            raise UserError(
                f"{self.path}: {self.dataset} has shape {shape} and {self.jets} {jets}; they must be (N, particles, 3 "
                "or 4) and (N, 4)"
            )

    def read(self, rows: Rows) -> Floats:
        """Return the constituents of some jets, relative to their axis."""
        raw = np.array(self._rows(rows, self.dataset), dtype=np.float64)
        pt = np.array(self._rows(rows, self.jets), dtype=np.float64)[:, 0] / self.in_gev
        where, order = f"{self.path}: dataset {self.dataset}", "columns must be relative eta, phi, pt and a mask"
        wrong = ~((pt > 0) & np.isfinite(pt))
        _refuse(wrong, rows, f"{self.path}: dataset {self.jets}", "pt, the first column, is no finite number above 0")
        there = raw[..., 3] > 0 if raw.shape[2] > 3 else np.ones(raw.shape[:2], bool)
        eta, phi, share = (np.where(there, raw[..., k], 0.0) for k in range(3))
        _refuse((share < 0).any(axis=1), rows, where, f"a negative pt in the third column; {order}")
        far = ~(np.maximum(np.abs(eta), np.abs(phi)) <= WIDEST).all(axis=1)
        _refuse(far, rows, where, f"eta or phi is further than {WIDEST:g} from the jet's axis; {order}")
        total = share.sum(axis=1)
        _refuse(~((total > ALIKE) & (total < 2)), rows, where, f"the pt do not sum to about 1; {order}")
        return _sorted(np.stack([share * pt[:, None], eta, phi], axis=-1), rows, where)


class _TopTagging(_InHdf5):
    """A table of pandas in HDF5, table/table: a block of E_0, PX_0, PY_0, PZ_0, E_1, ... and one of ttv, is_signal_new.

    The names of a block are a pickle, which is searched for names but not loaded.
    """

    dataset = "table/table"
    table = True
    after = ("truthE", "truthPX", "truthPY", "truthPZ")

    def _look(self, file: Any) -> None:
        """Check the blocks and the order of their columns, and read the labels."""
        table = self._dataset(file, self.dataset)
        blocks = {name: table.dtype[name] for name in table.dtype.names or ()}
        momenta, labels = (_columns(blocks.get(f"values_block_{k}")) for k in range(2))
        columns = momenta - len(self.after)
        if table.ndim > 1 or columns < 4 or columns % 4 or labels < 2:
            raise UserError(
                f"{self.path}: dataset {self.dataset} is {table.dtype} of shape {table.shape}; it must have "
                "values_block_0 with E, PX, PY, PZ of each particle, then of the top, and values_block_1 with ttv, "
                "is_signal_new"
            )
        self._columns = columns
        expected = [f"{name}_{k}" for k in range(columns // 4) for name in ("E", "PX", "PY", "PZ")]
        self._check_names(table, 0, [*expected, *self.after])
        self._check_names(table, 1, ["ttv", "is_signal_new"])
        with hdf5_errors(self.path):
            label = table.fields("values_block_1")[:][:, 1]
        other = (label != 0) & (label != 1)
        where = f"{self.path}: dataset {self.dataset}"
        _refuse(other, np.arange(self.count), where, "is_signal_new is neither 0 nor 1; remove or repair the jet")
        self.label = label.astype(np.int32)

    def _check_names(self, table: Any, block: int, expected: list[str]) -> None:
        """Refuse a block whose columns, where they have names, are not in the expected order."""
        with hdf5_errors(self.path):
            kept = table.attrs.get(f"values_block_{block}_kind")
            text = b"" if kept is None else np.asarray(kept).tobytes()
        names = [name.decode() for name in re.findall(rb"(?:P[XYZ]|E)_\d+|truth(?:P[XYZ]|E)|ttv|is_signal_new", text)]
        wrong = next((pair for pair in zip(names, expected, strict=False) if pair[0] != pair[1]), None)
        if names and (wrong or len(names) != len(expected)):
            found, right = wrong or ("the end", "another")
            raise UserError(
                f"{self.path}: dataset {self.dataset}: column {found} of values_block_{block} stands where {right} is "
                "expected; write the table with the columns of the original"
            )

    def read(self, rows: Rows) -> Floats:
        """Return the constituents of some jets."""
        raw = np.array(self._rows(rows, self.dataset, "values_block_0"), dtype=np.float64).reshape(len(rows), -1)
        momenta = raw[:, : self._columns].reshape(len(rows), self._columns // 4, 4)
        return _from_momenta(momenta / self.in_gev, rows, f"{self.path}: dataset {self.dataset}")


class _EnergyFlow(_Layout):
    """Arrays X (N, particles, 3 or 4): pt, rapidity, phi, particle; y (N): 0 gluon, 1 quark."""

    place, second, order = "array X", "rapidity", "columns must be pt, y, phi"

    def __init__(self, path: Path, in_gev: float) -> None:
        """Look at the file."""
        found = read_user_samples(path, names=Names("X"))
        if len(found.shape) != 2 or found.shape[1] < 3:
            raise UserError(f"{path}: array X has shape (N, {', '.join(map(str, found.shape))}); it must be (N, M, 4)")
        y = found.conditions.get("y")
        if y is None or not np.isin(y, (0, 1)).all():
            raise UserError(f"{path}: needs an array y with 0 (gluon) or 1 (quark) for each jet of X")
        self.path, self.in_gev, self.count = path, in_gev, len(found)
        self.label, self._found = y.astype(np.int32), found

    def read(self, rows: Rows) -> Floats:
        """Return the constituents of some jets."""
        raw = np.asarray(self._found.read(rows), dtype=np.float64)[..., :3]
        where, order = f"{self.path}: {self.place}", self.order
        pt, eta, phi = raw[..., 0] / self.in_gev, raw[..., 1], raw[..., 2]
        _refuse(~np.isfinite(raw).all(axis=(1, 2)), rows, where, "NaN or infinite; remove or repair the jet")
        _refuse((pt < 0).any(axis=1), rows, where, f"a negative pt; {order}")
        there = pt > 0
        wrong = (there & ((np.abs(eta) > STEEPEST) | (np.abs(phi) > 2 * np.pi + 1e-6))).any(axis=1)
        _refuse(wrong, rows, where, f"{self.second} beyond {STEEPEST:g} or phi beyond 2 pi; {order}")
        spread = np.where(there, eta, -np.inf).max(axis=1) - np.where(there, eta, np.inf).min(axis=1)
        _refuse(spread > WIDEST, rows, where, f"a jet of more than {WIDEST:g} in {self.second}; {order}")
        _refuse(~there.any(axis=1), rows, where, "no particle above 0; remove the jet")
        return _sorted(np.stack([pt, eta, phi], axis=-1), rows, where)


def _columns(block: np.dtype[Any] | None) -> int:
    """Return the number of columns of a block of a table; 0 where it is none of real numbers in columns."""
    return block.shape[0] if block is not None and len(block.shape) == 1 and block.base.kind in "iuf" else 0


class _Array(_EnergyFlow):
    """An array (N, particles, 3) of pt, eta, phi, absolute or from the jet's axis: .npy, or .npz as kind `files`."""

    place, second = "array of jets", "eta"
    order = "the last axis must be pt, eta, phi, in this order: reorder it, as by x[..., [2, 0, 1]] from eta, phi, pt"

    def __init__(self, path: Path, in_gev: float) -> None:
        """Look at the file."""
        if path.suffix not in (".npy", ".npz"):
            raise UserError(f"{path}: `layout: array` reads .npy and .npz; convert it, or choose another layout")
        found = read_user_samples(path)
        if len(found.shape) != 2 or found.shape[1] != 3:
            raise UserError(
                f"{path}: array of jets has shape (N, {', '.join(map(str, found.shape))}); it must be "
                "(N, particles, 3): pt, eta, phi of each, with zeros for none"
            )
        self.path, self.in_gev, self.count = path, in_gev, len(found)
        self.label, self._found = found.known.label, found


def _on_shell(momenta: Floats) -> NDArray[np.bool_]:
    """Say which four-momenta (..., 4) are possible: their energy is not below the momentum, but for rounding."""
    energy = momenta[..., 0]
    return np.asarray(np.sqrt((momenta[..., 1:] ** 2).sum(axis=-1)) <= energy * (1 + OFF_SHELL))


def _from_momenta(momenta: Floats, rows: Rows, where: str) -> Floats:
    """Return pt, eta and phi of the constituents of jets from their E, px, py, pz (rows, particles, 4) in GeV."""
    _refuse(~np.isfinite(momenta).all(axis=(1, 2)), rows, where, "NaN or infinite; remove or repair the jet")
    _refuse(~_on_shell(momenta).all(axis=1), rows, where, f"a particle of less energy than momentum; {FOUR}")
    pt = np.hypot(momenta[..., 1], momenta[..., 2])
    _refuse(~(pt > 0).any(axis=1), rows, where, "no particle above 0; remove the jet")
    eta = np.arcsinh(np.divide(momenta[..., 3], pt, out=np.zeros_like(pt), where=pt > 0))
    found = np.stack([pt, eta, np.arctan2(momenta[..., 2], momenta[..., 1])], axis=-1)
    spread = np.where(pt > 0, eta, -np.inf).max(axis=1) - np.where(pt > 0, eta, np.inf).min(axis=1)
    _refuse(spread > WIDEST, rows, where, f"a jet of more than {WIDEST:g} in eta; {FOUR}")
    return _sorted(found, rows, where)


def _sorted(constituents: Floats, rows: Rows, where: str) -> Floats:
    """Return constituents hardest first, with zeros for padding."""
    too_much = ~(constituents[..., 0].sum(axis=1) < np.finfo(np.float32).max)
    _refuse(too_much, rows, where, "a pt too large for float32; remove or repair the jet")
    order = np.argsort(-constituents[..., 0], axis=1, kind="stable")
    found = np.take_along_axis(constituents, order[..., None], axis=1)
    return np.where(found[..., :1] > 0, found, 0.0)


def _refuse(wrong: Any, rows: Rows, where: str, what: str) -> None:
    """Raise UserError that names the first of the rows that are wrong (rows,)."""
    if wrong.any():
        raise UserError(f"{where}, row {rows[wrong].min()}: {what}")
