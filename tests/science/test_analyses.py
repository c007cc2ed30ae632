"""An analysis says the same of a population whatever stands beside it."""

from functools import partial

import numpy as np
from in_memory import InMemory

from gancensus.comparison.fidelity import METRICS, metrics
from gancensus.contracts.analysis import Context
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples
from gancensus.domains.general.analysis_fidelity import Fidelity
from gancensus.domains.images.source_digits import Digits


def drawn(name: str, samples: int) -> InMemory:
    """Some Gaussian samples, read a few at a time."""
    x = derive_rng(0, name).standard_normal((samples, 3), dtype=np.float32)
    return InMemory(Samples(x, np.arange(samples)), 17)


def test_the_reference_is_what_the_table_says() -> None:
    """The value against one set of real samples is the null value of another, where the one is in its place."""
    real = {name: drawn(name, 60) for name in ("train", "calibrate", "holdout")}
    rng, context = partial(derive_rng, 1, "study", "fidelity"), Context(Digits(), {})

    def table(reference: str, fake: str, encoder: str | None = None) -> dict[str, list[object]]:
        analysis = Fidelity.model_validate({"reference": reference, "encoder": encoder})
        about = context._replace(space=encoder or "samples")
        found = analysis.analyse("fidelity", real, {"a-0": real.get(fake, drawn(fake, 90))}, rng, about)
        return {name: list(values) for name, values in found.items()}

    holdout, train, whole = table("holdout", "train"), table("train", "holdout", "pca"), table("all", "a-0")
    assert holdout["value"][:6] == holdout["null"][:6]
    assert train["value"][:6] == train["null"][:6]
    assert set(holdout["reference"]) == {"holdout"} and set(holdout["space"]) == {"samples"}
    assert set(train["reference"]) == {"train"} and set(train["space"]) == {"pca"}
    assert set(whole["null"]) == {None} and set(whole["reference"]) == {"all"}
    every = np.concatenate([rows.samples.x for rows in real.values()])
    assert dict(zip(METRICS, whole["value"][:6], strict=True)) == metrics(every, drawn("a-0", 90).samples.x)


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


def test_the_null_value_is_that_of_samples_that_fix_nothing() -> None:
    """Without `train`, `calibrate` gives null values: not those whose axes a classifier of many values sees."""

    def wide(name: str) -> InMemory:
        x = derive_rng(2, name).standard_normal((300, 200), dtype=np.float32)
        return InMemory(Samples(x, np.arange(300)))

    real = {"calibrate": wide("calibrate"), "holdout": wide("holdout")}
    context = Context(Digits(), {}, real=("calibrate", "holdout"))
    rng = partial(derive_rng, 1, "study", "fidelity")
    found = Fidelity().analyse("fidelity", {"train": real["calibrate"], **real}, {"a-0": wide("a-0")}, rng, context)
    null = dict(zip(found["metric"], found["null"], strict=True))
    assert abs(null["auc"] - 0.5) < 0.1
