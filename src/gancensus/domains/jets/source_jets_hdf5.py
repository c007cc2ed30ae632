"""The user's own jets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.family import UserPath
from gancensus.contracts.samples import MeasuredSamples, Notes
from gancensus.domains.jets.jet_files import Layout, Unit
from gancensus.domains.jets.jet_samples import JetSource

LABELLED = {"toptagging": {0: "QCD", 1: "top"}, "energyflow": {0: "gluon", 1: "quark"}}
"""The layouts whose files say what their jets are, and what the labels are called."""
OF_ONE_CLASS = ("zenodo", "jetnet")
"""The layouts that have a file for each class."""


class JetsHdf5(JetSource):
    """The user's jets in the layout of a published data set, HDF5 or EnergyFlow's .npz, or as an array of NumPy.

    Units and the order of columns are checked. Constituents count as massless. Conditions are `pt` and `mass` (GeV),
    `multiplicity`, `tau21` and `tau32` (N-subjettiness). Jets are read when they are needed.
    """

    kind: Literal["jets-hdf5"] = "jets-hdf5"
    layout: Layout
    """`zenodo`: objects/jets/constituents, E, px, py, pz of each, of variable length or padded (records 4614656,
    4641460). `jetnet`: particle_features, relative eta, phi, pt and a mask, and jet_features. `toptagging`: table/table
    of pandas, E, PX, PY, PZ of each. `energyflow`: .npz with X (pt, y, phi) and y. `array`: .npy, or .npz with x, of
    shape (N, particles, 3): pt, eta, phi of each, absolute or from the jet's axis, zero-padded; in .npz perhaps
    `label`."""
    paths: dict[str, UserPath] = Field({})
    """Of `zenodo` and `jetnet`: a file for each class, by its name. Labels are positions in this list."""
    path: Path | None = None
    """Of `toptagging` and `energyflow`: the file, which has a label for each jet. Of `array`: the file."""
    unit: Unit = "GeV"
    """The unit of energies and momenta in the files."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        wanted, other = ("paths", "path") if self.layout in OF_ONE_CLASS else ("path", "paths")
        if not getattr(self, wanted) or getattr(self, other):
            raise PydanticCustomError(
                "paths",
                "`layout: {layout}` needs `{wanted}`, and no `{other}`",
                {"layout": self.layout, "wanted": wanted, "other": other},
            )
        return self

    @property
    def classes(self) -> Mapping[int, str]:
        """The names in `paths`, or what the layout's labels mean."""
        return LABELLED.get(self.layout) or dict(enumerate(self.paths))

    def files(self) -> list[Path]:
        """Return the paths."""
        return list(self.paths.values()) if self.path is None else [self.path]

    def load(self, seed: int) -> MeasuredSamples:
        """Look at the jets x (n, *shape) float32, file after file; those in GeV have a scale from the first of each.

        Raises UserError that names file, dataset and row, now or when a row is read.
        """
        from gancensus.domains.jets.jet_files import FIRST, look_at_jets

        files = [look_at_jets(path, self.layout, self.unit) for path in self.files()]
        starts = np.cumsum([0, *(file.jets for file in files)])
        labels = [np.full(file.jets, k, np.int32) if file.label is None else file.label for k, file in enumerate(files)]
        first = [file.read(np.arange(min(file.jets, FIRST))) for file in files]
        largest = 2 * max(float(jets[..., 0].sum(axis=1).max()) for jets in first)

        def read(rows: NDArray[np.int64]) -> NDArray[np.float64]:
            of = np.searchsorted(starts, rows, side="right") - 1
            found = [(of == k, files[k].read(rows[of == k] - starts[k])) for k in np.unique(of)]
            jets = np.zeros((len(rows), max((some.shape[1] for _, some in found), default=1), 3))
            for at, some in found:
                jets[at, : some.shape[1]] = some
            return jets

        notes = Notes(*(f"{path}: {file.jets:,} jets" for path, file in zip(self.files(), files, strict=True)))
        if len(files) == 1:  # whose name is said anyway
            notes = Notes(f"read as {files[0].jets:,} jets")
        return self.lazy(np.concatenate(labels), largest, read, notes)
