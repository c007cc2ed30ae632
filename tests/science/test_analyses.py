"""An analysis says the same of a population whatever stands beside it."""

from functools import partial

import numpy as np
from in_memory import InMemory

from gancensus.contracts.analysis import Context
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.domains.general.analysis_fidelity import Fidelity
from gancensus.domains.images.source_digits import Digits


def drawn(name: str, samples: int) -> InMemory:
    """Some Gaussian samples, read a few at a time."""
    x = derive_rng(0, name).standard_normal((samples, 3), dtype=np.float32)
    return InMemory(Samples(x, np.arange(samples)), 17)


def test_fidelity_does_not_depend_on_the_other_generators() -> None:
    real = {name: drawn(name, 60) for name in ("train", "calibrate", "holdout")}
    generated = {name: drawn(name, 90) for name in ("a-0", "b-0")}
    rng = partial(derive_rng, 1, "study", "fidelity")
    context = Context(Digits(), {})
    both, alone = (
        Fidelity().analyse("fidelity", real, some, rng, context) for some in (generated, {"b-0": generated["b-0"]})
    )
    rows = {name: list(zip(*table.values(), strict=True)) for name, table in (("both", both), ("alone", alone))}
    assert [row for row in rows["both"] if row[0] == "b-0"] == rows["alone"]
