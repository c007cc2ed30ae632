"""The user's own generated jets."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import MeasuredSamples, Notes, Samples, Scale
from gancensus.domains.jets.jet_files import Layout, Unit
from gancensus.domains.jets.jet_samples import JetForm, Measured


class JetsHdf5(JetForm, UserProvided):
    """The user's own generated jets, before any preprocessing: the population NAME-0.

    The file is one that the source `jets-hdf5` reads; of generated jets, labels are not used. They are preprocessed and
    scaled as those of the source are, of kind `jets-hdf5` or `pythia`, whose form, centre, rotate, flip, normalise,
    pixels, width and particles they need to have. Jets are read when they are needed.
    """

    kind: Literal["jets-hdf5"] = "jets-hdf5"
    layout: Layout
    """As of the source `jets-hdf5`; it can be another than the source's."""
    unit: Unit = "GeV"
    """The unit of energies and momenta in the file."""

    def look(self, like: Scale | None = None) -> MeasuredSamples:
        """Look at the jets (n, *shape) float64, whose conditions are those that the source measures.

        Raises UserError that names file, dataset and row, now or when a row is read.
        """
        from gancensus.domains.jets.jet_files import look_at_jets
        from gancensus.domains.jets.observables import UNITS

        file = look_at_jets(self.path, self.layout, self.unit)
        nothing, ids = np.empty((file.jets, 0), dtype=np.float32), np.arange(file.jets, dtype=np.int64)
        known = Samples(nothing, ids, units=UNITS, notes=Notes(f"read as {file.jets:,} jets"))

        def measured(rows: NDArray[np.int64]) -> Measured:
            return self.measured(file.read(rows))

        return MeasuredSamples(known, self.shape, np.dtype(np.float64), lambda rows: measured(rows)[0], measured)
